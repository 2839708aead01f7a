"""How the update rules of `optimizers` are run: many parameters at once, in pieces, on threads.

A rule goes through its arrays several times, so large ones are cut into pieces that stay in the
cache meanwhile. The large parameters are spread over the threads together, as if they were one, so
that all are busy to the end. Small ones come first, while nobody else runs: their many short calls
would hold Python's lock whenever another thread comes back from a long one. For the smallest, such
as biases, calls are all that counts: they are copied together, updated as one, and copied back.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.backend.arrays import Array
from tinygrad_adam.backend.cpu import threads

# Elements of a piece at most: Adam's four arrays of float32 and a temporary fit into a processor's
# last cache. Smaller pieces would fit into a nearer one but cost more calls, between which the
# threads wait for each other (Python's global lock). A rule takes up to twelve calls, so that a
# single piece is done by one thread as soon as by two.
PIECE = 1 << 19
# What an element takes a thread, roughly.
SECONDS = 1e-9
# Smaller parameters are not worth a thread of their own.
SMALL_BYTES = 1 << 17
# Copying parameters of fewer elements there and back costs less than another dozen calls.
JOINED_SIZE = 1 << 11

Rule = Callable[..., None]


class Update(NamedTuple):
    """``rule(*arrays, **options)``, which writes all arrays but the second, the gradient."""

    rule: Rule
    arrays: Sequence[Array | None]
    options: dict[str, Any]


def in_pieces(rule: Rule) -> Rule:
    """Let ``rule(w, g, *state, **options)``, called alone, be run by `run_updates`."""

    @functools.wraps(rule)
    def update(w: Array, g: Array, *state: Array | None, **options: Any) -> None:
        run_updates([Update(update, (w, g, *state), options)])

    return update


def run_updates(updates: list[Update]) -> None:
    """Run updates by rules that are `in_pieces`, as if one after the other.

    The arrays of an update have one shape; each may have a memory layout of its own. A state that
    is None is passed on as None. Overflow and invalid numbers give inf and nan without a warning,
    as in PyTorch.
    """
    with np.errstate(all="ignore"):
        if len(updates) > 1 and _overlap([update.arrays[0] for update in updates]):
            for update in updates:
                _run([update])
        else:
            _run(updates)


def _run(updates: list[Update]) -> None:
    """Run updates that can be run in any order, and at the same time."""
    large = []
    alike: dict[Any, list[Update]] = {}
    with threads.blas_on_one_thread():
        for wrapped, arrays, options in updates:
            rule = wrapped.__wrapped__  # type: ignore[attr-defined]
            w: Any = arrays[0]
            if w.size < JOINED_SIZE and type(w) is np.ndarray:
                kind = rule, *[None if array is None else array.dtype for array in arrays]
                alike.setdefault(kind, []).append(Update(rule, arrays, options))
            elif type(w) is not np.ndarray or w.nbytes <= SMALL_BYTES:
                rule(*arrays, **options)
            elif all(array is None or array.flags.c_contiguous for array in arrays):
                flat: Any = [None if array is None else array.reshape(-1) for array in arrays]
                large.append(Update(rule, flat, options))
            else:
                _run_in_memory_order(Update(rule, arrays, options))
        for small in alike.values():
            _run_joined(small)
        if large:
            _run_in_pieces(large)


def _run_joined(updates: list[Update]) -> None:
    """Run updates by one rule, of arrays of the same dtypes, as one if their numbers agree, too."""
    rule, _, options = updates[0]
    if len(updates) == 1 or any(update.options != options for update in updates):
        for rule, arrays, options in updates:
            rule(*arrays, **options)
        return
    roles = list(zip(*[update.arrays for update in updates]))
    joined: Any = [None if role[0] is None else np.concatenate(role, axis=None) for role in roles]
    rule(*joined, **options)
    for place, (role, values) in enumerate(zip(roles, joined)):
        if values is not None and place != 1:  # the gradient, which is only read
            start = 0
            for array in role:
                stop = start + array.size
                array[...] = values[start:stop].reshape(array.shape)
                start = stop


def _overlap(arrays: list[Any]) -> bool:
    """Whether an update might read what another one writes: a parameter that is there twice."""
    owners = [array if array.base is None else array.base for array in arrays]
    known = all(getattr(owner, "base", owner) is None for owner in owners)
    if known and len({id(owner) for owner in owners}) == len(owners):
        return False  # the usual case, and several times as fast
    bounds = sorted(np.lib.array_utils.byte_bounds(array) for array in arrays)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(bounds))


def _run_in_pieces(updates: list[Update]) -> None:
    """Run updates of one-dimensional arrays, cut and spread over the threads as if all were one."""
    sizes: list[int] = [update.arrays[0].size for update in updates]  # type: ignore[union-attr]
    stops = list(itertools.accumulate(sizes))

    def update_piece(part: slice) -> None:
        for (rule, arrays, options), size, stop in zip(updates, sizes, stops):
            start = stop - size
            piece = slice(max(part.start - start, 0), min(part.stop - start, size))
            if piece.start < piece.stop:
                rule(*(None if array is None else array[piece] for array in arrays), **options)

    seconds = stops[-1] * SECONDS if stops[-1] > PIECE else 0.0
    threads.for_slices(update_piece, stops[-1], seconds, PIECE)


def _run_in_memory_order(update: Update) -> None:
    """Walk arrays of any layout in the order of the parameter's memory, on this thread.

    ``nditer`` hands out one-dimensional pieces and copies those that do not lie in one stretch of
    memory, there and, if they were written, back.
    """
    rule, arrays, options = update
    present: list[Any] = [array for array in arrays if array is not None]
    access: Any = [["readwrite"], ["readonly"], *([["readwrite"]] * (len(present) - 2))]
    pieces = np.nditer(
        present,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=access,
        buffersize=PIECE,
    )
    with pieces:
        for piece in pieces:
            found = iter(piece)
            rule(*(None if array is None else next(found) for array in arrays), **options)
