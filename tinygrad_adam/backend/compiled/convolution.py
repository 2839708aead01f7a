"""Two-dimensional convolution in compiled loops.

With (N, H, W, C) images ("channels last") the windows of all output pixels are the rows of a matrix
of K = kH * kW * C columns, and the kernels a matrix (K, O), for each group::

    y = b + columns(x) @ w          dw = columns(x).T @ dy          dx = the adjoint of columns of
                                                                         dy @ w.T
The columns are made for a few pixels at a time, so that they are still in the processor's cache
when BLAS multiplies them. With few input channels, their loops are short and BLAS has little to do:
there the sum over the window is a loop, pixel by pixel.

Rounding: each sum has the error of one of BLAS's of K numbers; over pixels, dw and db are added up
from blocks: at most about ``sqrt(number of blocks)`` times as much. The same number of threads
gives the same bits.

Sources: torch.nn.Conv2d for names and shapes; Chellapilla, Puri, Simard: High Performance
Convolutional Neural Networks for Document Processing (2006) for columns and products.
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled, gemm
from tinygrad_adam.backend.compiled.memory import channels_last, empty
from tinygrad_adam.backend.windows import Pair, output_sizes

# Numbers in the columns of a block of pixels: half of what a core keeps near it.
BLOCK = 1 << 17
# Up to so many input channels of a group, there are no columns and no BLAS.
FEW = 4


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """y[n, o] = bias[o] + sum over c of x[n, c] correlated with weight[o, c] (torch.nn.Conv2d).

    x: (N, C, H, W); weight: (O, C / groups, kH, kW); bias: (O,) or None. Returns (N, O, oH, oW), a
    view of channels-last memory.
    """
    out_channels, channels = weight.shape[:2]
    rows, across = output_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = empty((len(x), rows, across, out_channels), x.dtype)
    if bias is None:
        bias = np.zeros(out_channels, x.dtype)
    windows, images, kernels = (
        (*stride, *padding, *dilation),
        _grouped(x, groups),
        _taps(weight, groups),
    )
    few = groups == 1 and channels <= FEW
    kernel, kernels = (_correlate_few, kernels[0]) if few else (_correlate, kernels)
    each = across if few else 1
    block = _block(weight[0].size) // each or 1
    bounds = threads.cuts(
        y.size // (out_channels * each), y.size * weight[0].size / threads.PRODUCT
    )
    threads.run(
        lambda i: kernel(images, kernels, bias, y, windows, block, bounds[i], bounds[i + 1]),
        len(bounds) - 1,
    )
    return y.transpose(0, 3, 1, 2)


def conv2d_input_gradient(
    grad: np.ndarray,
    weight: np.ndarray,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """The gradient of conv2d for x: grad (N, O, oH, oW) -> (N, C, H, W) in channels-last memory."""
    batch, channels, height, width = input_shape
    dx = empty((batch, height, width, channels), grad.dtype)
    dy, windows, kernel_size = channels_last(grad), (*stride, *padding, *dilation), weight.shape[2:]
    by_group = weight.reshape(groups, -1, *weight.shape[1:])
    kernels = np.ascontiguousarray(by_group.transpose(0, 1, 3, 4, 2))
    block = _block(weight[0].size)
    kernels = kernels.reshape(groups, kernels.shape[1], -1)
    grouped = dx.reshape(batch, height, width, groups, channels // groups)
    bounds = threads.cuts(batch, dy.size * weight[0].size / threads.PRODUCT)
    threads.run(
        lambda i: _spread(
            dy, kernels, grouped, kernel_size, windows, block, bounds[i], bounds[i + 1]
        ),
        len(bounds) - 1,
    )
    return dx.transpose(0, 3, 1, 2)


def conv2d_parameter_gradients(
    grad: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, ...],
    bias: bool,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The gradients of conv2d for weight and, if `bias`, for bias: weight_shape and (O,), or None.

    grad: (N, O, oH, oW); x: (N, C, H, W). Each run of pixels adds up its own; these are added last.
    """
    out_channels, channels, k_h, k_w = weight_shape
    images, dy, windows = _grouped(x, groups), channels_last(grad), (*stride, *padding, *dilation)
    few = groups == 1 and channels <= FEW
    each = grad.shape[3] if few else 1
    steps = dy.size * channels * k_h * k_w / threads.PRODUCT
    bounds = threads.cuts(dy.size // (out_channels * each), steps, parts=1)
    dw = np.zeros((len(bounds) - 1, groups, k_h, k_w, channels, out_channels // groups), x.dtype)
    db = np.zeros((len(bounds) - 1, out_channels))
    kernel, kernels = (_weigh_few, dw[:, 0]) if few else (_weigh, dw)
    block = _block(channels * k_h * k_w) // each or 1
    threads.run(
        lambda i: kernel(images, dy, kernels[i], db[i], windows, block, bounds[i], bounds[i + 1]),
        len(bounds) - 1,
    )
    total = dw[0] if len(dw) == 1 else dw.sum(axis=0)
    by_channel = np.ascontiguousarray(total.transpose(0, 4, 3, 1, 2)).reshape(weight_shape)
    return by_channel, db.sum(axis=0).astype(x.dtype) if bias else None


def _grouped(x: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, H, W) -> (N, H, W, groups, C / groups), C-contiguous."""
    images = channels_last(x)
    return images.reshape(*images.shape[:3], groups, -1)


def _taps(weight: np.ndarray, groups: int) -> np.ndarray:
    """(O, C, kH, kW) -> (groups, kH, kW, C, O / groups), C-contiguous."""
    by_group = weight.reshape(groups, -1, *weight.shape[1:])
    return np.ascontiguousarray(by_group.transpose(0, 3, 4, 2, 1))


def _block(size: int) -> int:
    """How many windows of so many numbers to make columns of at a time."""
    return max(16, BLOCK // size)


@compiled
def _columns(x, first, windows, sizes, group, columns):  # type: ignore[no-untyped-def]
    """columns[p, i, j, c] = what tap (i, j) of window first + p sees of x, or 0.

    x: (N, H, W, groups, C); windows are counted along rows, from image to image.
    """
    s_h, s_w, p_h, p_w, d_h, d_w = windows
    height, width = x.shape[1:3]
    pixels, k_h, k_w, channels = columns.shape
    for p in range(pixels):
        line, column = divmod(first + p, sizes[1])
        n, row = divmod(line, sizes[0])
        for i in range(k_h):
            at_row = row * s_h - p_h + i * d_h
            for j in range(k_w):
                at_column = column * s_w - p_w + j * d_w
                if 0 <= at_row < height and 0 <= at_column < width:
                    for c in range(channels):
                        columns[p, i, j, c] = x[n, at_row, at_column, group, c]
                else:
                    for c in range(channels):
                        columns[p, i, j, c] = 0


@compiled
def _rows(x, first, windows, rows, columns):  # type: ignore[no-untyped-def]
    """The same lying down, for few channels: columns[i, j, c, k, p], p along line first + k."""
    s_h, s_w, p_h, p_w, d_h, d_w = windows
    height, width = x.shape[1:3]
    k_h, k_w, channels, lines, across = columns.shape
    for i in range(k_h):
        for j in range(k_w):
            shift = j * d_w - p_w
            low = min(across, max(0, -(shift // s_w)))  # the first window that looks inside
            high = max(low, min(across, (width - 1 - shift) // s_w + 1))
            for c in range(channels):
                seen = x[:, :, low * s_w + shift :: s_w, 0, c]
                out = columns[i, j, c]
                left, inside, right = out[:, :low], out[:, low:high], out[:, high:]
                for k in range(lines):
                    n, row = divmod(first + k, rows)
                    at_row = row * s_h - p_h + i * d_h
                    if 0 <= at_row < height:
                        for p in range(low):
                            left[k, p] = 0
                        for p in range(high - low):
                            inside[k, p] = seen[n, at_row, p]
                        for p in range(across - high):
                            right[k, p] = 0
                    else:
                        for p in range(across):
                            out[k, p] = 0


@compiled
def _add_columns(columns, n, row, windows, group, x):  # type: ignore[no-untyped-def]
    """The adjoint: add columns[r, p, i, j] to what tap (i, j) of window p of row + r sees."""
    s_h, s_w, p_h, p_w, d_h, d_w = windows
    height, width = x.shape[1:3]
    rows, across, k_h, k_w, channels = columns.shape
    for r in range(rows):
        for i in range(k_h):
            at_row = (row + r) * s_h - p_h + i * d_h
            if 0 <= at_row < height:
                for p in range(across):
                    for j in range(k_w):
                        at_column = p * s_w - p_w + j * d_w
                        if 0 <= at_column < width:
                            for c in range(channels):
                                x[n, at_row, at_column, group, c] += columns[r, p, i, j, c]


@compiled
def _correlate(x, w, bias, y, windows, block, start, stop):  # type: ignore[no-untyped-def]
    """y[p] = bias + window p @ w, for output pixels start to stop; w (groups, kH, kW, C, O)."""
    batch, rows, across, out_channels = y.shape
    groups, k_h, k_w, channels, each = w.shape
    size = k_h * k_w * channels
    pixels, matrices = y.reshape(batch * rows * across, out_channels), w.reshape(groups, size, each)
    columns = np.empty((block, size), x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        out, part = pixels[first : first + count], columns[:count]
        taps = part.reshape(count, k_h, k_w, channels)
        for p in range(count):
            for o in range(out_channels):
                out[p, o] = bias[o]
        for g in range(groups):
            _columns(x, first, windows, (rows, across), g, taps)
            gemm(False, False, part, matrices[g], 1.0, out[:, g * each : g * each + each])


@compiled
def _correlate_few(x, w, bias, y, windows, block, start, stop):  # type: ignore[no-untyped-def]
    """The same for lines of pixels, start to stop, of images of few channels; w (kH, kW, C, O).

    The bias is one more weight, for a row of ones: y is written only once.
    """
    batch, rows, across, out_channels = y.shape
    k_h, k_w, channels, _ = w.shape
    size = k_h * k_w * channels
    lines = y.reshape(batch * rows, across, out_channels)
    matrix = np.empty((size + 1, out_channels), x.dtype)
    matrix[:size], matrix[size] = w.reshape(size, out_channels), bias
    columns = np.empty((size + 1) * block * across, x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        out = lines[first : first + count].reshape(count * across, out_channels)
        taps, ones = columns[: size * len(out)], columns[size * len(out) :]
        _rows(x, first, windows, rows, taps.reshape(k_h, k_w, channels, count, across))
        ones[:] = 1
        part = columns[: (size + 1) * len(out)].reshape(size + 1, len(out))
        gemm(True, False, part, matrix, 0.0, out)


@compiled
def _spread(dy, w, dx, kernel_size, windows, block, start, stop):  # type: ignore[no-untyped-def]
    """dx = the adjoint of columns of dy @ w, for images start to stop; w (groups, O, K)."""
    _, rows, across, out_channels = dy.shape
    k_h, k_w = kernel_size
    groups, each, size = w.shape
    lines = max(1, block // across)
    columns = np.empty((lines * across, size), dy.dtype)
    for n in range(start, stop):
        dx[n] = 0
        for row in range(0, rows, lines):
            count = min(lines, rows - row)
            given = dy[n, row : row + count].reshape(count * across, out_channels)
            part = columns[: count * across]
            taps = part.reshape(count, across, k_h, k_w, dx.shape[4])
            for g in range(groups):
                gemm(False, False, given[:, g * each : g * each + each], w[g], 0.0, part)
                _add_columns(taps, n, row, windows, g, dx)


@compiled
def _weigh(x, dy, dw, db, windows, block, start, stop):  # type: ignore[no-untyped-def]
    """dw += columns(x).T @ dy and db += sums of dy, over output pixels start to stop."""
    batch, rows, across, out_channels = dy.shape
    groups, k_h, k_w, channels, each = dw.shape
    size = k_h * k_w * channels
    pixels = dy.reshape(batch * rows * across, out_channels)
    matrices = dw.reshape(groups, size, each)
    columns = np.empty((block, size), x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        given, part = pixels[first : first + count], columns[:count]
        taps = part.reshape(count, k_h, k_w, channels)
        for g in range(groups):
            _columns(x, first, windows, (rows, across), g, taps)
            gemm(True, False, part, given[:, g * each : g * each + each], 1.0, matrices[g])
        _add_rows(given, db)


@compiled
def _weigh_few(x, dy, dw, db, windows, block, start, stop):  # type: ignore[no-untyped-def]
    """The same over lines of pixels, start to stop, for few channels; dw (kH, kW, C, O)."""
    batch, rows, across, out_channels = dy.shape
    k_h, k_w, channels, _ = dw.shape
    size = k_h * k_w * channels
    lines, matrix = dy.reshape(batch * rows, across, out_channels), dw.reshape(size, out_channels)
    columns = np.empty(size * block * across, x.dtype)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        given = lines[first : first + count].reshape(count * across, out_channels)
        part = columns[: size * len(given)]
        _rows(x, first, windows, rows, part.reshape(k_h, k_w, channels, count, across))
        gemm(False, False, part.reshape(size, len(given)), given, 1.0, matrix)
        _add_rows(given, db)


@compiled
def _add_rows(rows, sums):  # type: ignore[no-untyped-def]
    """sums += the sum of the rows; these are added up in their own dtype, sums are float64."""
    count, length = rows.shape
    total = np.zeros(length, rows.dtype)
    for p in range(count):
        for o in range(length):
            total[o] += rows[p, o]
    for o in range(length):
        sums[o] += total[o]
