"""How the update rules of `optimizers` are run: many parameters at once, in pieces, on threads.

A rule goes through its arrays several times, so large ones are cut into pieces that stay in the
cache meanwhile. The pieces of all parameters are spread over the threads together, so that all
are busy to the end; small parameters, such as biases, are one piece of work between them.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.backend.arrays import Array
from tinygrad_adam.backend.cpu import threads

# Pieces of at most 1 MiB: Adam's four arrays and a temporary fit into a processor's last cache.
# Smaller pieces would fit into a nearer one but cost more calls, between which the threads wait for
# each other (Python's global lock).
PIECE_BYTES = 1 << 20
# Smaller parameters are not worth a thread of their own.
SMALL_BYTES = 1 << 17

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
    pieces: list[Callable[[], object]] = []
    whole: list[Callable[[], object]] = []
    for wrapped, arrays, options in updates:
        update = Update(wrapped.__wrapped__, arrays, options)  # type: ignore[attr-defined]
        w: Any = arrays[0]
        if type(w) is not np.ndarray or w.nbytes <= SMALL_BYTES:
            whole.append(functools.partial(update.rule, *arrays, **options))
        elif all(array is None or array.flags.c_contiguous for array in arrays):
            pieces += _pieces(update)
        else:
            whole.append(functools.partial(_run_in_memory_order, update))

    def run_whole() -> None:
        for task in whole:
            task()

    # Last, while the other threads are still busy with a large piece.
    tasks = [*pieces, run_whole] if whole else pieces
    threads.run(lambda index: tasks[index](), len(tasks))


def _overlap(arrays: list[Any]) -> bool:
    """Whether an update might read what another one writes: a parameter that is there twice."""
    if len({id(array) for array in arrays}) < len(arrays):
        return True
    if all(array.base is None for array in arrays):
        return False  # each owns its memory
    bounds = sorted(np.lib.array_utils.byte_bounds(array) for array in arrays)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(bounds))


def _pieces(update: Update) -> list[Callable[[], None]]:
    """Cut an update of contiguous arrays into equal pieces, as many for each thread."""
    rule, arrays, options = update
    flat: list[Any] = [None if array is None else array.reshape(-1) for array in arrays]
    w = flat[0]
    count = math.ceil(w.nbytes / PIECE_BYTES)
    if count > 1:
        workers = threads.get_num_threads()
        count = workers * math.ceil(count / workers)
    length = math.ceil(w.size / count)

    def update_piece(start: int) -> None:
        piece = slice(start, start + length)
        rule(*(None if array is None else array[piece] for array in flat), **options)

    return [functools.partial(update_piece, start) for start in range(0, w.size, length)]


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
        buffersize=PIECE_BYTES // present[0].itemsize,
    )
    with pieces:
        for piece in pieces:
            found = iter(piece)
            rule(*(None if array is None else next(found) for array in arrays), **options)
