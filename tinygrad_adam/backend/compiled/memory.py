"""The memory of results, and of arrays in the order that the kernels walk through.

The C library asks the system for every array above 32 MB anew and gives it back when it is freed,
and smaller ones too, once many of them are freed together. The system hands memory out page by
page, cleared, at the first touch: filling a fresh array of 100 MB took 11 ms, filling it again 4. A
training step makes arrays of the same sizes again and again, so `empty` keeps the blocks.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

# Smaller arrays are left to the C library.
LARGE_BYTES = 1 << 19
# Blocks that are kept although nobody uses them: at most this many bytes in all.
KEPT_BYTES = 1 << 28

_lock = threading.Lock()
_blocks: list[np.ndarray] = [np.empty(0)]  # the one used last is the last


def _references(index: int) -> int:
    return sys.getrefcount(_blocks[index])


# What _references counts when the list alone holds a block: views of a block, and views of those,
# refer to the block itself, so a higher number means that somebody can still see it.
_UNUSED = _references(0)
_blocks.clear()


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """np.empty(shape, dtype), in a block of the same size that nobody uses, if there is one."""
    size = dtype.itemsize
    for length in shape:
        size *= length
    # Whoever would have to wait does without: an interrupt may have left the lock behind.
    if size < LARGE_BYTES or not _lock.acquire(blocking=False):
        return np.empty(shape, dtype)
    try:
        for index in range(len(_blocks)):
            if _blocks[index].nbytes == size and _references(index) == _UNUSED:
                _blocks.append(_blocks.pop(index))
                break
        else:
            _drop_unused(KEPT_BYTES)
            _blocks.append(np.empty(size, np.uint8))
        return np.ndarray(shape, dtype, _blocks[-1])
    finally:
        _lock.release()


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


def channels_last(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, H, W, C), C-contiguous: a view where the memory lies so, else a copy."""
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def order(array: np.ndarray) -> list[int]:
    """The axes from the one with the longest steps in memory to the shortest."""
    steps = array.strides
    return sorted(range(array.ndim), key=lambda axis: -abs(steps[axis]))


def in_order(array: np.ndarray, axes: list[int]) -> np.ndarray:
    """All elements in one row, the axes in the order given: a view where the memory lies so."""
    return np.ascontiguousarray(array.transpose(axes)).reshape(-1)


def back(row: np.ndarray, shape: tuple[int, ...], axes: list[int]) -> np.ndarray:
    """The array of a shape whose elements `in_order` has put into a row."""
    lengths = [shape[axis] for axis in axes]
    return row.reshape(lengths).transpose([axes.index(axis) for axis in range(len(axes))])
