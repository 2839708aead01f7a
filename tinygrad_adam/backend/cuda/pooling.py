"""Max and average pooling on the GPU, written for ``xp``: a loop over the taps of the window.

Each step of a loop is one call for all windows at once on strided views; nothing is padded
(`windows.taps` leaves out what lies beyond the edge). Shapes, options and results are those of
`backend.cpu.pooling`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import summing_dtype
from tinygrad_adam.backend.windows import Pair, adaptive_bounds, extents, output_sizes, taps

Index = tuple[slice, slice, slice, slice]


def max_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> Array:
    """The largest element of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.MaxPool2d).

    The padding counts as minus infinity (for integers as the lowest number); NaN propagates.
    """
    xp = array_module(x)
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    lowest = -xp.inf if x.dtype.kind == "f" else xp.iinfo(x.dtype).min
    y = _empty_like(x, (*x.shape[:2], *sizes), x.dtype)
    y.fill(lowest)
    for seen, windows in _pairs(x.shape, sizes, kernel_size, stride, padding, dilation):
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

    The first of equal maxima wins, and the last NaN, as in PyTorch.
    """
    xp = array_module(x)
    height, width = x.shape[2:]
    places = xp.arange(height * width, dtype=xp.int64).reshape(1, 1, height, width)
    indices = xp.zeros(y.shape, xp.int64)
    pairs = _pairs(x.shape, y.shape[2:], kernel_size, stride, padding, dilation)
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

    An element wins whose place is the one that `max_pool2d_indices` names.
    """
    xp = array_module(x)
    height, width = x.shape[2:]
    places = xp.arange(height * width, dtype=xp.int64).reshape(1, 1, height, width)
    indices = max_pool2d_indices(x, y, kernel_size, stride, padding, dilation, ceil_mode)
    dx = _empty_like(x, x.shape, grad.dtype)
    dx.fill(0)
    for seen, windows in _pairs(x.shape, y.shape[2:], kernel_size, stride, padding, dilation):
        wins = places[:, :, seen[2], seen[3]] == indices[windows]
        dx[seen] += xp.where(wins, grad[windows], xp.zeros((), grad.dtype))
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

    The result keeps x's dtype; float16 is summed in float32, integers in int64, their mean cut
    towards zero.
    """
    xp = array_module(x)
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    dtype = _summing(xp, x.dtype)
    sums = _empty_like(x, (*x.shape[:2], *sizes), dtype)
    sums.fill(0)
    for seen, windows in _pairs(x.shape, sizes, kernel_size, stride, padding, (1, 1)):
        sums[windows] += x[seen]
    divisor = _divisor(
        xp, x.shape, sizes, kernel_size, stride, padding, count_include_pad, divisor_override, dtype
    )
    if dtype.kind == "f":
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
    xp = array_module(grad)
    sizes = grad.shape[2:]
    dtype = _summing(xp, grad.dtype)
    divisor = _divisor(
        xp, input_shape, sizes, kernel_size, stride, padding, count_include_pad, divisor_override,
        dtype,
    )  # fmt: skip
    shares = grad.astype(dtype, copy=False) / divisor
    dx = _empty_like(grad, input_shape, dtype)
    dx.fill(0)
    for seen, windows in _pairs(input_shape, sizes, kernel_size, stride, padding, (1, 1)):
        dx[seen] += shares[windows]
    return dx.astype(grad.dtype, copy=False)


def adaptive_avg_pool2d(x: Array, output_size: Pair) -> Array:
    """The means of oH x oW windows that cover the image (torch.nn.AdaptiveAvgPool2d)."""
    xp = array_module(x)
    dtype = _summing(xp, x.dtype)
    row_bounds = adaptive_bounds(x.shape[2], output_size[0])
    column_bounds = adaptive_bounds(x.shape[3], output_size[1])
    lines = _empty_like(x, (*x.shape[:2], output_size[0], x.shape[3]), dtype)
    for row, (start, stop) in enumerate(row_bounds):
        lines[:, :, row] = x[:, :, start:stop].mean(axis=2, dtype=dtype)
    y = _empty_like(x, (*x.shape[:2], *output_size), x.dtype)
    for column, (start, stop) in enumerate(column_bounds):
        y[:, :, :, column] = lines[:, :, :, start:stop].mean(axis=3)
    return y


def adaptive_avg_pool2d_input_gradient(grad: Array, input_shape: tuple[int, ...]) -> Array:
    """The gradient of adaptive_avg_pool2d for x: (N, C, oH, oW) -> (N, C, H, W) in grad's dtype."""
    xp = array_module(grad)
    dtype = _summing(xp, grad.dtype)
    wide = grad.astype(dtype, copy=False)
    lines = xp.zeros((*grad.shape[:3], input_shape[3]), dtype)
    for column, (start, stop) in enumerate(adaptive_bounds(input_shape[3], grad.shape[3])):
        lines[:, :, :, start:stop] += wide[:, :, :, column : column + 1] / (stop - start)
    dx = _empty_like(grad, input_shape, dtype)
    dx.fill(0)
    for row, (start, stop) in enumerate(adaptive_bounds(input_shape[2], grad.shape[2])):
        dx[:, :, start:stop] += lines[:, :, row : row + 1] / (stop - start)
    return dx.astype(grad.dtype, copy=False)


def _pairs(
    shape: tuple[int, ...],
    sizes: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> list[tuple[Index, Index]]:
    """For each tap of the window, row by row: an index for x and the index of who sees it in y."""
    along_rows, along_columns = (
        taps(shape[2 + i], sizes[i], kernel_size[i], stride[i], padding[i], dilation[i])
        for i in (0, 1)
    )
    everything = slice(None)
    return [
        (
            (everything, everything, elements, elements_across),
            (everything, everything, windows, windows_across),
        )
        for windows, elements in along_rows
        for windows_across, elements_across in along_columns
    ]


def _divisor(
    xp: ModuleType,
    shape: tuple[int, ...],
    sizes: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
    dtype: Any,
) -> Array:
    """What each window's sum is divided by, of shape () or (oH, oW)."""
    if divisor_override is not None:
        return xp.asarray(divisor_override, dtype)
    rows, columns = (
        extents(shape[2 + i], sizes[i], kernel_size[i], stride[i], padding[i], count_include_pad)
        for i in (0, 1)
    )
    return xp.asarray(rows, dtype)[:, None] * xp.asarray(columns, dtype)


def _summing(xp: ModuleType, dtype: Any) -> Any:
    """The dtype for sums: wider than small integers and float16."""
    if dtype.kind != "f":
        return xp.dtype(xp.int64)
    return summing_dtype(dtype)


def _empty_like(array: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """An uninitialised (N, C, H, W) array, channels last in memory where `array` is."""
    xp = array_module(array)
    if abs(array.strides[1]) < abs(array.strides[3]):
        empty = xp.empty((shape[0], shape[2], shape[3], shape[1]), dtype)
        return empty.transpose(0, 3, 1, 2)
    return xp.empty(shape, dtype)
