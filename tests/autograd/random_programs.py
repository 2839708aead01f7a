"""Random programs of views, writes in place, hooks and retained gradients.

The same seed makes the same program with any package that has PyTorch's names. What PyTorch gave
for the first ones is stored (tests/goldens); ``python -m tools.compare_in_place`` runs as many as
you like beside it, and says why a few differ.
"""

from __future__ import annotations

import os
import pickle
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Found = tuple[float, list[Any], list[Any]] | str

# Those whose results are stored.
STORED = range(400)


def run(torch: Any, seed: int) -> Found:
    """Run a program; return the loss, gradients and what hooks saw, or the error's first line."""
    draw = random.Random(seed)
    size = draw.choice([4, 6])

    def leaf(values: list[float], needs_grad: bool) -> Any:
        return torch.tensor(np.array(values), requires_grad=needs_grad)

    x = leaf([i + 1.0 for i in range(size)], True)
    w = leaf([0.5 + 0.25 * i for i in range(size)], True)
    pool = [x * 1, leaf([i + 1.0 for i in range(size)], False), w]
    retained: list[Any] = []
    seen: list[list[Any]] = []
    try:
        for _ in range(draw.randint(3, 9)):
            kind, t = draw.random(), draw.choice(pool)
            if kind < 0.3:
                made = _view(draw.randrange(6), t)
                pool += [] if made is None else [made]
            elif kind < 0.55:
                _write(draw, t, pool, w)
            elif kind < 0.75:
                pool.append(_computed(draw.randrange(4), t))
            elif t.requires_grad and kind < 0.87:
                t.retain_grad()
                retained.append(t)
            elif t.requires_grad:
                seen.append([])
                t.register_hook(lambda g, calls=seen[-1]: calls.append(g.tolist()))
        out = 0.0
        for t in pool:
            out = out + (t * t * 0.1).sum()
        out.backward()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of .grad read where it is not kept
            grads = [None if t.grad is None else t.grad.tolist() for t in (x, w, *retained)]
        return out.item(), grads, seen
    except RuntimeError as error:
        return str(error).split("\n")[0]


def _view(choice: int, t: Any) -> Any:
    """Return a view of ``t``, or None if there is no such."""
    if len(t.shape) == 1 and t.shape[0] > 2:
        halves = t.reshape(2, -1) if t.shape[0] % 2 == 0 else None
        return (t[1:], t[...], t[::2], halves)[choice % 4]
    return (t.permute(1, 0), t[0], t.reshape(-1))[choice % 3] if len(t.shape) == 2 else None


def _computed(choice: int, t: Any) -> Any:
    return (lambda: t * t, lambda: t.sin(), lambda: t + 1, lambda: t.exp() * 0.01)[choice]()


def _write(draw: random.Random, t: Any, pool: list[Any], w: Any) -> None:
    """Write into ``t`` in place."""
    same = [other for other in pool if other.shape == t.shape]
    choice = draw.randrange(6)
    if choice == 0:
        t.mul_(draw.choice([2.0, 0.5]))
    elif choice == 1:
        t.mul_(draw.choice(same) * 1)
    elif choice == 2:
        t.add_(draw.choice(same))
    elif choice == 3:
        t.sin_()
    elif choice == 4:
        t[0] = draw.choice([3.0, (w * 2)[0]])
    else:
        t[:1] = t[-1:] * 2


def agree(a: Any, b: Any) -> bool:
    """Return whether two results are the same: any errors, and no gradient counts as zeros."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str)
    if a is None or b is None:
        return not np.any(np.array(a or b or 0.0, float))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(agree, a, b))
    return bool(np.isclose(a, b, rtol=1e-6, equal_nan=True))


def in_children(run_one: Callable[[int], Any], seeds: range) -> dict[int, Any]:
    """Return ``{seed: run_one(seed)}``, without the seeds at which a child process crashed."""
    found: dict[int, Any] = {}
    start = seeds.start
    while start < seeds.stop:
        read, out = os.pipe()
        if not os.fork():  # the child
            with os.fdopen(out, "wb") as pipe:
                for seed in range(start, seeds.stop):
                    pipe.write(pickle.dumps((seed, run_one(seed))))
                    pipe.flush()
            os._exit(0)
        os.close(out)
        with os.fdopen(read, "rb") as pipe:
            while True:
                try:
                    seed, result = pickle.load(pipe)
                except EOFError:
                    break
                found[seed] = result
                start = seed + 1
        _, status = os.wait()
        start += status != 0  # not again the one that crashed
    return found
