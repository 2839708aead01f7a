"""Max and average pooling in compiled loops: images channels last, window by window.

The innermost loop is over the channels, which lie side by side, so that many are done at once.
Images are shared out to the threads; each is written by one. The maxima, their places and the
gradient of the maximum are exact (which zero wins among 0 and -0 does not matter); means are summed
in float64 and rounded once.
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled
from tinygrad_adam.backend.compiled.memory import channels_last, empty
from tinygrad_adam.backend.windows import Pair, adaptive_bounds, extents, output_sizes


def max_pool2d(
    x: np.ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> np.ndarray:
    """The largest element of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.MaxPool2d).

    The padding counts as minus infinity; a NaN in a window makes its maximum NaN.
    """
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    y = empty((len(x), *sizes, x.shape[1]), x.dtype)
    images, windows = channels_last(x), (*stride, *padding, *dilation)
    threads.share(
        lambda start, stop: _max(images, y, kernel_size, windows, start, stop), len(x), x.size
    )
    return y.transpose(0, 3, 1, 2)


def max_pool2d_indices(
    x: np.ndarray,
    y: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> np.ndarray:
    """Where in x's planes the maxima y = max_pool2d(x) stand: row * W + column, int64, y's shape.

    An element takes the lead if it is larger than the leader or if it is NaN, as in PyTorch: so the
    first of equal maxima wins, and the last NaN.
    """
    images, largest = channels_last(x), channels_last(y)
    windows, indices = (*stride, *padding, *dilation), empty(largest.shape, np.dtype(np.int64))
    threads.share(
        lambda start, stop: _places(images, largest, indices, kernel_size, windows, start, stop),
        len(x),
        x.size,
    )
    return indices.transpose(0, 3, 1, 2)


def max_pool2d_input_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> np.ndarray:
    """The gradient of y = max_pool2d(x) for x: each window's gradient goes to its maximum.

    Ties and NaN as in `max_pool2d_indices`.
    """
    images, largest, dy = channels_last(x), channels_last(y), channels_last(grad)
    dx, windows = empty(images.shape, grad.dtype), (*stride, *padding, *dilation)
    threads.share(
        lambda start, stop: _max_gradient(
            dy, images, largest, dx, kernel_size, windows, start, stop
        ),
        len(x),
        2 * x.size,
    )
    return dx.transpose(0, 3, 1, 2)


def avg_pool2d(
    x: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> np.ndarray:
    """The mean of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.AvgPool2d).

    The padding counts as zeros. The sum is divided by `divisor_override`, or by the number of
    elements of the window, those in the padding counted if `count_include_pad`.
    """
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    options = kernel_size, stride, padding, count_include_pad, divisor_override
    return _means_of(x, *[_along(x.shape[2:], sizes, *options, axis) for axis in (0, 1)])


def avg_pool2d_input_gradient(
    grad: np.ndarray,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> np.ndarray:
    """The gradient of avg_pool2d for x: every element of a window gets grad / divisor."""
    options = kernel_size, stride, padding, count_include_pad, divisor_override
    sides = [_along(input_shape[2:], grad.shape[2:], *options, axis) for axis in (0, 1)]
    return _means_gradient_of(grad, input_shape, *sides)


def adaptive_avg_pool2d(x: np.ndarray, output_size: Pair) -> np.ndarray:
    """The means of oH x oW windows that cover the image (torch.nn.AdaptiveAvgPool2d)."""
    return _means_of(x, *[_adaptive(x.shape[2 + i], output_size[i]) for i in (0, 1)])


def adaptive_avg_pool2d_input_gradient(
    grad: np.ndarray, input_shape: tuple[int, ...]
) -> np.ndarray:
    """The gradient of adaptive_avg_pool2d for x: (N, C, oH, oW) -> (N, C, H, W)."""
    sides = [_adaptive(input_shape[i], grad.shape[i]) for i in (2, 3)]
    return _means_gradient_of(grad, input_shape, *sides)


def _along(
    image: tuple[int, ...],
    sizes: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_padding: bool,
    divisor: int | None,
    axis: int,
) -> np.ndarray:
    """For each window along rows or columns: its start, its stop, its share of the divisor."""
    starts = np.arange(sizes[axis]) * stride[axis] - padding[axis]
    stops = np.minimum(starts + kernel_size[axis], image[axis])
    if divisor is not None:
        lengths = [divisor if axis == 0 else 1] * sizes[axis]
    else:
        lengths = extents(
            image[axis], sizes[axis], kernel_size[axis], stride[axis], padding[axis], count_padding
        )
    return np.array([np.maximum(starts, 0), stops, lengths])


def _adaptive(length: int, windows: int) -> np.ndarray:
    """The same for windows that are as long as they must be."""
    return np.array(
        [(start, stop, stop - start) for start, stop in adaptive_bounds(length, windows)]
    ).T


def _means_of(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    images = channels_last(x)
    y = empty((len(x), rows.shape[1], columns.shape[1], x.shape[1]), x.dtype)
    threads.share(lambda start, stop: _means(images, y, rows, columns, start, stop), len(x), x.size)
    return y.transpose(0, 3, 1, 2)


def _means_gradient_of(
    grad: np.ndarray, input_shape: tuple[int, ...], rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    batch, channels, height, width = input_shape
    dy, dx = channels_last(grad), empty((batch, height, width, channels), grad.dtype)
    threads.share(
        lambda start, stop: _means_gradient(dy, dx, rows, columns, start, stop), batch, dx.size
    )
    return dx.transpose(0, 3, 1, 2)


@compiled
def _max(x, y, kernel_size, windows, start, stop):  # type: ignore[no-untyped-def]
    """y = the largest element of each window of x, for images start to stop."""
    s_h, s_w, p_h, p_w, d_h, d_w = windows
    k_h, k_w = kernel_size
    for n in range(start, stop):
        image, out = x[n], y[n]
        height, width, channels = image.shape
        for r in range(out.shape[0]):
            for p in range(out.shape[1]):
                for c in range(channels):
                    out[r, p, c] = -np.inf
                for i in range(k_h):
                    row = r * s_h - p_h + i * d_h
                    for j in range(k_w):
                        column = p * s_w - p_w + j * d_w
                        if 0 <= row < height and 0 <= column < width:
                            for c in range(channels):
                                best, new = out[r, p, c], image[row, column, c]
                                out[r, p, c] = new if new > best or new != new else best


@compiled
def _places(x, y, indices, kernel_size, windows, start, stop):  # type: ignore[no-untyped-def]
    """indices = where the largest element of each window stands, for images start to stop."""
    s_h, s_w, p_h, p_w, d_h, d_w = windows
    k_h, k_w = kernel_size
    for n in range(start, stop):
        image, largest, out = x[n], y[n], indices[n]
        height, width, channels = image.shape
        found = np.empty(channels, np.bool_)
        for r in range(out.shape[0]):
            for p in range(out.shape[1]):
                found[:] = False
                out[r, p] = 0
                for i in range(k_h):
                    row = r * s_h - p_h + i * d_h
                    for j in range(k_w):
                        column = p * s_w - p_w + j * d_w
                        if 0 <= row < height and 0 <= column < width:
                            for c in range(channels):
                                new = image[row, column, c]
                                wins = new != new or (new == largest[r, p, c] and not found[c])
                                out[r, p, c] = row * width + column if wins else out[r, p, c]
                                found[c] = found[c] or wins


@compiled
def _max_gradient(dy, x, y, dx, kernel_size, windows, start, stop):  # type: ignore[no-untyped-def]
    """dx = what each window gives to its largest element, for images start to stop."""
    s_h, s_w, p_h, p_w, d_h, d_w = windows
    k_h, k_w = kernel_size
    zero = dy.dtype.type(0)
    for n in range(start, stop):
        image, largest, given, out = x[n], y[n], dy[n], dx[n]
        height, width, channels = image.shape
        left = np.empty(channels, dy.dtype)  # what a window has not given away yet
        out[:] = 0
        for r in range(given.shape[0]):
            for p in range(given.shape[1]):
                nans = 0
                for c in range(channels):
                    left[c] = given[r, p, c]
                    nans += largest[r, p, c] != largest[r, p, c]
                for i in range(k_h):
                    row = r * s_h - p_h + i * d_h
                    for j in range(k_w):
                        column = p * s_w - p_w + j * d_w
                        if 0 <= row < height and 0 <= column < width:
                            for c in range(channels):
                                g, wins = left[c], image[row, column, c] == largest[r, p, c]
                                out[row, column, c] += g if wins else zero
                                left[c] = zero if wins else g
                if nans:  # a NaN equals nothing: the last one wins
                    for i in range(k_h - 1, -1, -1):
                        row = r * s_h - p_h + i * d_h
                        for j in range(k_w - 1, -1, -1):
                            column = p * s_w - p_w + j * d_w
                            if 0 <= row < height and 0 <= column < width:
                                for c in range(channels):
                                    g, wins = left[c], np.isnan(image[row, column, c])
                                    out[row, column, c] += g if wins else zero
                                    left[c] = zero if wins else g


@compiled
def _means(x, y, rows, columns, start, stop):  # type: ignore[no-untyped-def]
    """y = the sum of each window of x, divided; rows, columns: starts, stops, divisors."""
    for n in range(start, stop):
        image, out = x[n], y[n]
        channels = image.shape[2]
        sums = np.empty(channels)
        for r in range(out.shape[0]):
            for p in range(out.shape[1]):
                sums[:] = 0
                for i in range(rows[0, r], rows[1, r]):
                    for j in range(columns[0, p], columns[1, p]):
                        for c in range(channels):
                            sums[c] += image[i, j, c]
                divisor = float(rows[2, r] * columns[2, p])
                for c in range(channels):
                    out[r, p, c] = sums[c] / divisor


@compiled
def _means_gradient(dy, dx, rows, columns, start, stop):  # type: ignore[no-untyped-def]
    """dx = what each window gives to its elements: an equal share to each."""
    for n in range(start, stop):
        given, out = dy[n], dx[n]
        channels = out.shape[2]
        shares = np.empty(channels, dy.dtype)
        out[:] = 0
        for r in range(given.shape[0]):
            for p in range(given.shape[1]):
                divisor = float(rows[2, r] * columns[2, p])
                for c in range(channels):
                    shares[c] = given[r, p, c] / divisor
                for i in range(rows[0, r], rows[1, r]):
                    for j in range(columns[0, p], columns[1, p]):
                        for c in range(channels):
                            out[i, j, c] += shares[c]
