"""Max and average pooling: a loop over the taps of the window, all windows at once in each step.

Nothing is padded: `windows.taps` gives, for each tap, the windows that see an element of x there,
and these elements. All arrays are (N, C, H, W) of any strides; results lie in memory in the order
of their input, channels last or not. float16 is summed in float32, integers in int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.plain.activations import only_where
from tinygrad_adam.backend.sums import summing_dtype, total
from tinygrad_adam.backend.windows import Pair, adaptive_bounds, extents, output_sizes, taps

Index = tuple[slice, slice, slice, slice]


def max_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> Array:
    """The largest element of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.MaxPool2d).

    The padding counts as minus infinity (for integers as the lowest number); a NaN in a window
    makes its maximum NaN. Any real dtype, which the result keeps.
    """
    xp = array_module(x)
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    lowest = -xp.inf if x.dtype.kind == "f" else xp.iinfo(x.dtype).min
    y = xp.full_like(x, lowest, shape=(*x.shape[:2], *sizes))
    for seen, windows in _taps(x.shape, sizes, kernel_size, stride, padding, dilation):
        xp.maximum(y[windows], x[seen], out=y[windows])
    return y


def max_pool2d_indices(
    x: Array,
    y: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Array:
    """Where in x's planes the maxima y = max_pool2d(x) stand: row * W + column, int64, y's shape.

    The first of equal maxima wins, row by row. In a window with NaNs the last NaN wins, as in
    PyTorch, where an element takes the lead if it is larger than the leader or if it is NaN.
    """
    xp, (height, width) = array_module(x), x.shape[2:]
    places = xp.arange(height * width, dtype=xp.int64).reshape(1, 1, height, width)
    indices = xp.zeros_like(y, dtype=xp.int64)
    pairs = _taps(x.shape, y.shape[2:], kernel_size, stride, padding, dilation)
    # What is written last stays: the maxima from the last tap to the first, then NaN, which equals
    # nothing, from the first to the last.
    for seen, windows in reversed(pairs):
        wins = x[seen] == y[windows]
        indices[windows] = xp.where(wins, places[:, :, seen[2], seen[3]], indices[windows])
    if x.dtype.kind == "f":
        for seen, windows in pairs:
            wins = xp.isnan(x[seen])
            indices[windows] = xp.where(wins, places[:, :, seen[2], seen[3]], indices[windows])
    return indices


def max_pool2d_input_gradient(
    grad: Array,
    x: Array,
    y: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Array:
    """The gradient of y = max_pool2d(x) for x: each window's gradient goes to its maximum.

    An element wins if it equals its window's maximum and none before has won there. If none does,
    the maximum is NaN, and the last NaN wins.
    """
    xp = array_module(x)
    dx = xp.zeros_like(x, dtype=grad.dtype)
    undecided = xp.ones_like(y, dtype=bool)

    def give(seen: Index, windows: Index, wins: Array) -> None:
        wins &= undecided[windows]
        undecided[windows] ^= wins
        dx[seen] += only_where(wins, grad[windows])

    pairs = _taps(x.shape, y.shape[2:], kernel_size, stride, padding, dilation)
    for seen, windows in pairs:
        give(seen, windows, x[seen] == y[windows])
    if xp is not np or undecided.any():  # nobody waits for a GPU to know
        for seen, windows in reversed(pairs):
            give(seen, windows, xp.isnan(x[seen]))
    return dx


def avg_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The mean of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.AvgPool2d).

    The padding counts as zeros. The sum is divided by `divisor_override`, or by the number of
    elements of the window, those in the padding counted if `count_include_pad`. The result keeps
    x's dtype; the mean of integers is cut towards zero.
    """
    xp = array_module(x)
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    sums = xp.zeros_like(x, dtype=_summing_dtype(x), shape=(*x.shape[:2], *sizes))
    for seen, windows in _taps(x.shape, sizes, kernel_size, stride, padding, (1, 1)):
        sums[windows] += x[seen]
    divisor = _divisor(
        sums, x.shape, kernel_size, stride, padding, count_include_pad, divisor_override
    )
    if sums.dtype.kind == "f":
        sums /= divisor
    else:
        sums = abs(sums) // abs(divisor) * xp.sign(sums) * xp.sign(divisor)
    return sums.astype(x.dtype, copy=False)


def avg_pool2d_input_gradient(
    grad: Array,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The gradient of avg_pool2d for x: every element of a window gets grad / divisor."""
    shares = grad.astype(_summing_dtype(grad), copy=False)
    shares = shares / _divisor(
        shares, input_shape, kernel_size, stride, padding, count_include_pad, divisor_override
    )
    dx = array_module(grad).zeros_like(grad, dtype=shares.dtype, shape=input_shape)
    for seen, windows in _taps(input_shape, grad.shape[2:], kernel_size, stride, padding, (1, 1)):
        dx[seen] += shares[windows]
    return dx.astype(grad.dtype, copy=False)


def adaptive_avg_pool2d(x: Array, output_size: Pair) -> Array:
    """The means of oH x oW windows that cover the image (torch.nn.AdaptiveAvgPool2d).

    The mean of a window is the mean over its rows of the means over its columns. x floating.
    """
    empty_like, dtype = array_module(x).empty_like, _summing_dtype(x)
    (batch, channels, height, width), (rows, columns) = x.shape, output_size
    lines = empty_like(x, dtype=dtype, shape=(batch, channels, rows, width))
    for row, (start, stop) in enumerate(adaptive_bounds(height, rows)):
        part = x[:, :, start:stop].astype(dtype, copy=False)
        lines[:, :, row] = total(part, 2) / (stop - start)
    y = empty_like(x, shape=(batch, channels, rows, columns))
    for column, (start, stop) in enumerate(adaptive_bounds(width, columns)):
        y[:, :, :, column] = total(lines[:, :, :, start:stop], 3) / (stop - start)
    return y


def adaptive_avg_pool2d_input_gradient(grad: Array, input_shape: tuple[int, ...]) -> Array:
    """The gradient of adaptive_avg_pool2d for x: (N, C, oH, oW) -> (N, C, H, W) in grad's dtype."""
    zeros_like, dtype = array_module(grad).zeros_like, _summing_dtype(grad)
    (height, width), (rows, columns) = input_shape[2:], grad.shape[2:]
    wide = grad.astype(dtype, copy=False)
    lines = zeros_like(wide, shape=(*grad.shape[:3], width))
    for column, (start, stop) in enumerate(adaptive_bounds(width, columns)):
        lines[:, :, :, start:stop] += wide[:, :, :, column : column + 1] / (stop - start)
    dx = zeros_like(wide, shape=input_shape)
    for row, (start, stop) in enumerate(adaptive_bounds(height, rows)):
        dx[:, :, start:stop] += lines[:, :, row : row + 1] / (stop - start)
    return dx.astype(grad.dtype, copy=False)


def _taps(
    shape: tuple[int, ...],
    sizes: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> list[tuple[Index, Index]]:
    """For each tap of the window, row by row: an index for x and the index of who sees it in y."""
    along_rows, along_columns = (
        taps(*axis) for axis in zip(shape[2:], sizes, kernel_size, stride, padding, dilation)
    )
    whole = slice(None)
    return [
        ((whole, whole, elements, elements_across), (whole, whole, windows, windows_across))
        for windows, elements in along_rows
        for windows_across, elements_across in along_columns
    ]


def _divisor(
    sums: Array,
    shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """What the sums of the windows of images of a shape are divided by, of shape () or (oH, oW)."""
    asarray = array_module(sums).asarray
    if divisor_override is not None:
        return asarray(divisor_override, sums.dtype)
    rows, columns = (
        extents(*axis, count_include_pad)
        for axis in zip(shape[2:], sums.shape[2:], kernel_size, stride, padding)
    )
    return asarray(rows, sums.dtype)[:, None] * asarray(columns, sums.dtype)


def _summing_dtype(x: Array) -> Any:
    """The dtype for sums: wider than small integers and float16."""
    return summing_dtype(x.dtype) if x.dtype.kind == "f" else array_module(x).dtype("int64")
