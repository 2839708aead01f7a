"""Large arrays without page faults, and arrays in the order in which their elements lie.

The C library asks the system for every array above 32 MB anew and gives it back when it is freed,
and smaller ones too, once many of them are freed together. The system hands out memory page by
page, cleared, at the first touch of each page: filling a fresh array of 100 MB took 11 ms here,
filling it again 4 ms. A training step makes arrays of the same sizes again and again, so the blocks
are kept, and a block is free again as soon as no array refers to it any more.
"""

from __future__ import annotations

import functools
import sys
import threading

import numpy as np

# Smaller arrays come back from the C library's own store, mostly without page faults. It should
# keep larger ones, too, but does not: giving 3 MB back and asking for them again, which it does
# once all above them in its store is free, cost a convolution 3 of its 7.7 ms here.
LARGE_BYTES = 1 << 19
# Blocks that are kept although nobody uses them: at most this many bytes in all.
KEPT_BYTES = 1 << 28

_lock = threading.Lock()
_blocks: list[np.ndarray] = []  # the one used last is the last


def _references(index: int) -> int:
    return sys.getrefcount(_blocks[index])


# What _references counts when the list alone holds a block: views of a block, and views of those,
# refer to the block itself, so a higher number means that somebody can still see it.
_blocks.append(np.empty(0))
_UNUSED = _references(0)
_blocks.clear()


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """np.empty(shape, dtype), in a block of the same size that nobody uses, if there is one."""
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size < LARGE_BYTES:
        return np.empty(shape, dtype)
    with _lock:
        for index in range(len(_blocks)):
            if _blocks[index].nbytes == size and _references(index) == _UNUSED:
                _blocks.append(_blocks.pop(index))
                return np.ndarray(shape, dtype, _blocks[-1])
        _drop_unused(KEPT_BYTES)
        _blocks.append(np.empty(size, np.uint8))
        return np.ndarray(shape, dtype, _blocks[-1])


def empty_like(array: np.ndarray) -> np.ndarray:
    """`empty` with the shape and dtype of `array`, and its order of axes in memory."""
    if array.flags.c_contiguous:
        return empty(array.shape, array.dtype)
    axes = order(array)
    shape = tuple([array.shape[axis] for axis in axes])
    return empty(shape, array.dtype).transpose([axes.index(axis) for axis in range(len(axes))])


def order(array: np.ndarray) -> tuple[int, ...]:
    """The axes of `array` from the one with the longest steps in memory to the shortest."""
    return _order(array.strides)


@functools.lru_cache
def _order(steps: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(steps)), key=lambda axis: -abs(steps[axis])))


def is_dense(array: np.ndarray) -> bool:
    """Whether the elements fill a stretch of memory, in whatever order of the axes."""
    flags = array.flags
    if flags.c_contiguous or flags.f_contiguous:
        return True
    return bool(array.transpose(order(array)).flags.c_contiguous)


def flat(array: np.ndarray) -> np.ndarray:
    """All elements of a dense array in one row, in the order of their addresses: a view of them."""
    if not array.flags.c_contiguous:
        array = array.transpose(order(array))
    return array.reshape(array.size)


_INTEGERS = {size: np.dtype(f"i{size}") for size in (2, 4, 8)}


def bits(array: np.ndarray) -> np.ndarray:
    """The bits of floating-point numbers, seen as integers.

    Times 1 or 0 they are a number or zero, exactly, for infinities and NaN, too, and several times
    faster than by a choice (``np.where``) or a copy under a mask.
    """
    return array.view(_INTEGERS[array.itemsize])


def in_order_of(example: np.ndarray, array: np.ndarray) -> np.ndarray:
    """`array`, copied if its elements do not lie where those of `example`, of its shape, do."""
    steps = zip(array.shape, array.strides, example.strides)
    if all(mine == other or length == 1 for length, mine, other in steps):
        return array
    ordered = empty_like(example)
    np.copyto(ordered, array)
    return ordered


def _drop_unused(kept_bytes: int) -> None:
    """Forget unused blocks, those not used for longest first, until kept_bytes remain of them."""
    unused = [index for index in range(len(_blocks)) if _references(index) == _UNUSED]
    total = sum(_blocks[index].nbytes for index in unused)
    dropped = []
    for index in unused:
        if total <= kept_bytes:
            break
        total -= _blocks[index].nbytes
        dropped.append(index)
    for index in reversed(dropped):
        del _blocks[index]


def release() -> None:
    """Give all unused blocks back to the system."""
    with _lock:
        _drop_unused(0)
