"""Sums of many numbers that keep their digits.

NumPy adds up numbers that lie side by side in pairs, then pairs of pairs, so that the rounding
error grows only with the logarithm of their number. But a sum over rows adds one row to the next,
in the dtype of the array: 5,000 rows of ones make 2,048 in float16, and a million rows of float32
lose two of seven digits. So float16 is added up in float32, and long sums in blocks.

Source: Higham, "The Accuracy of Floating Point Summation" (1993).
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_adam.backend.arrays import Array
from tinygrad_adam.backend.dtypes import Dtype, float16, float32

# The longest run of numbers that are added one by one.
BLOCK = 256
# Arrays of fewer elements are left to NumPy.
LEAST = 1 << 13


def summing_dtype(dtype: Dtype) -> Dtype:
    """The dtype to multiply and sum floating-point numbers in: float32 for float16, else itself."""
    return float32 if dtype == float16 else dtype


def wide(x: Array) -> Array:
    """An array in float32 if it is float16, to be computed in and rounded once; else ``x``."""
    return x.astype(float32) if getattr(x, "dtype", None) is float16 else x


def total(x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    """The sum over some axes, or all, in the dtype of ``x``, a floating-point or complex one."""
    if x.dtype is float16:
        return total(wide(x), axis, keepdims).astype(x.dtype)
    if type(x) is not np.ndarray or x.size < LEAST or x.dtype.char not in "fF":
        return x.sum(axis=axis, keepdims=keepdims)
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    if math.prod([x.shape[a] for a in axes]) <= BLOCK:
        return x.sum(axis=axis, keepdims=keepdims)
    # From the shortest steps in memory to the longest.
    outwards = sorted((a % x.ndim for a in axes), key=lambda a: abs(x.strides[a]))
    if _rows(x, outwards) <= BLOCK:
        return x.sum(axis=axis, keepdims=keepdims)
    sums = x
    for a in outwards:
        sums = _along(sums, a)
    if keepdims:
        return sums
    return sums.reshape([n for a, n in enumerate(x.shape) if a not in outwards])


def _rows(x: np.ndarray, axes: list[int]) -> int:
    """How many rows NumPy would add one by one; what follows in even steps is one row."""
    step = min(map(abs, x.strides))
    rows = 1
    for a in axes:
        if abs(x.strides[a]) == step:
            step *= x.shape[a]
        else:
            rows *= x.shape[a]
    return rows


def _along(x: np.ndarray, axis: int) -> np.ndarray:
    """The sum along one axis, of length 1 then, in blocks if it is long."""
    length = x.shape[axis]
    if length <= BLOCK:
        return x.sum(axis=axis, keepdims=True)
    blocks = length // BLOCK
    head, rest = np.split(x, [blocks * BLOCK], axis)
    head = head.reshape(*x.shape[:axis], blocks, BLOCK, *x.shape[axis + 1 :])
    return _along(head.sum(axis=axis + 1), axis) + rest.sum(axis=axis, keepdims=True)
