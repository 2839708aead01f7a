"""Two-dimensional convolution on the CPU: im2col and matrix products, a slice of the batch at a time.

Images have PyTorch's shape (N, C, H, W), but the results here lie in memory as (N, H, W, C)
("channels last"): a matrix product of the pixels' windows with the kernels yields, for each pixel, a
run of channels, and a transposed view of that is the result. Nothing is ever transposed in memory
between one layer and the next, since NumPy's elementwise functions keep the order they find.

The steps for one slice, for kernels of K = kH * kW * C numbers and M output pixels:

1. copy the slice into a buffer with a border of zeros (the padding),
2. im2col: copy each pixel's window into a row of the columns (M, K), kW * C floats at a time,
3. multiply: (M, K) @ (K, out_channels), which writes straight into the result,
4. add the bias.

A slice is chosen so that its columns fit into a core's L2 cache: step 3 then reads there what step 2
wrote, instead of sending kH * kW times the input's bytes through main memory and back. The columns are
not kept for the backward pass; copying them again costs less than keeping kH * kW times the input.
The slices are spread over a few threads (`threads.run`).

The gradients are products of the same matrices:

    y  = columns(x) @ w                 M * K * O multiplications, O = out_channels
    dw = columns(x).T @ dy              the same number
    dx = columns(dy) @ flipped(w)       the same number, at stride 1

The source of the names is torch.nn.Conv2d; the trick is that of Chellapilla, Puri, Simard: High
Performance Convolutional Neural Networks for Document Processing (2006).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_adam.backend.cpu import threads
from tinygrad_adam.backend.windows import output_size

Pair = tuple[int, int]

# Bytes of columns that one slice may fill: a part of the L2 cache (1 to 2 MB on today's CPUs),
# which the slice's input, its output and the kernels share.
SLICE_BYTES = 1 << 19
# A product below this number of multiplications is done by one thread: waking another one takes
# about as long as computing it.
PARALLEL_MULTIPLICATIONS = 1 << 22


class _Windows(NamedTuple):
    """How the windows lie on (N, H, W, C) images. `padding` may be negative: rows are left out."""

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


class _Slice(NamedTuple):
    """Some images, and some rows of the output in each."""

    images: slice
    rows: slice


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

    x: (N, C, H, W) of any strides; weight: (O, C / groups, kH, kW); bias: (O,) or None. Returns
    (N, O, oH, oW) in channels-last memory, in the dtype that x and weight promote to. float16 is
    multiplied and summed in float32 and rounded once.

    N * oH * oW * O * kH * kW * C / groups multiplications; reads x once, writes y once.
    """
    kernel_size = (weight.shape[2], weight.shape[3])
    rows, columns = (
        output_size(x.shape[2 + i], kernel_size[i], stride[i], padding[i], dilation[i])
        for i in (0, 1)
    )
    y = np.empty((x.shape[0], rows, columns, weight.shape[0]), np.result_type(x, weight))
    # For each group a matrix (kH * kW * C, O).
    matrices = _kernel_rows(weight, groups).transpose(0, 2, 1)
    windows = _Windows(kernel_size, stride, padding, dilation, groups)
    _correlate(x.transpose(0, 2, 3, 1), matrices, bias, y, windows)
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
    """The gradient of conv2d for x: grad (N, O, oH, oW) -> (N, C, H, W) in channels-last memory.

    At stride 1, each input pixel collects from the outputs around it: a correlation of grad with the
    kernels turned by 180 degrees and their two channel axes swapped, so the forward code does it.
    At larger strides that would multiply mostly zeros; there the product with the kernels is
    scattered instead (`_scatter`).
    """
    batch, channels, height, width = input_shape
    dx = np.empty((batch, height, width, channels), np.result_type(grad, weight))
    gradients = grad.transpose(0, 2, 3, 1)
    kernel_size = (weight.shape[2], weight.shape[3])
    if stride == (1, 1):
        around = tuple((kernel_size[i] - 1) * dilation[i] - padding[i] for i in (0, 1))
        # For each group a matrix (kH * kW * O, C).
        each = weight.shape[0] // groups
        turned = weight[:, :, ::-1, ::-1].reshape(groups, each, *weight.shape[1:])
        rows = each * kernel_size[0] * kernel_size[1]
        matrices = turned.transpose(0, 3, 4, 1, 2).reshape(groups, rows, weight.shape[1])
        windows = _Windows(kernel_size, stride, around, dilation, groups)
        _correlate(gradients, matrices, None, dx, windows)
    else:
        windows = _Windows(kernel_size, stride, padding, dilation, groups)
        _scatter(gradients, _kernel_rows(weight, groups), dx, windows)
    return dx.transpose(0, 3, 1, 2)


def conv2d_weight_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """The gradient of conv2d for weight: grad (N, O, oH, oW), x (N, C, H, W) -> weight_shape.

    The columns of x are built again, slice by slice, and multiplied with the slice of grad. Every
    thread adds up its own run of slices; the sums are added in a fixed order at the end, so that the
    same number of threads gives the same bits.
    """
    out_channels, channels, *_ = weight_shape
    kernel_size = (weight_shape[2], weight_shape[3])
    windows = _Windows(kernel_size, stride, padding, dilation, groups)
    dtype = np.result_type(grad, x)
    images, gradients = x.transpose(0, 2, 3, 1), grad.transpose(0, 2, 3, 1)
    batch, rows, columns, _ = gradients.shape
    size = channels * kernel_size[0] * kernel_size[1]
    slices = _slices(batch, rows, columns * size * groups * dtype.itemsize)
    share = _shares(len(slices), grad.size * size)
    total = np.zeros((len(share), groups, out_channels // groups, size), _summing(dtype))

    def add_up(index: int) -> None:
        product = threads.scratch("product", total.shape[1:], total.dtype)
        for part in slices[share[index]]:
            matrix = _columns(images, part, columns, windows, total.dtype)
            flat = _pixels(gradients[part], groups, total.dtype)
            np.matmul(flat.transpose(0, 2, 1), matrix, out=product)
            total[index] += product

    threads.run(add_up, len(share))
    dw = total.sum(axis=0).reshape(out_channels, *kernel_size, channels)
    return np.ascontiguousarray(dw.transpose(0, 3, 1, 2), dtype)


def conv2d_bias_gradient(grad: np.ndarray) -> np.ndarray:
    """The gradient of conv2d for bias: grad (N, O, oH, oW) summed over all but the channels -> (O,).

    Written as a product of a row of ones with the pixels (N * oH * oW, O), where BLAS adds up many
    numbers at a time; ``grad.sum((0, 2, 3))`` would start a new inner loop for every pixel.
    """
    gradients = grad.transpose(0, 2, 3, 1)
    batch, rows, columns, channels = gradients.shape
    slices = _slices(batch, rows, columns * channels * grad.itemsize)
    share = _shares(len(slices), grad.size)
    total = np.zeros((len(share), channels), _summing(grad.dtype))

    def add_up(index: int) -> None:
        for part in slices[share[index]]:
            pixels = _pixels(gradients[part], 1, total.dtype)[0]
            total[index] += np.ones(len(pixels), total.dtype) @ pixels

    threads.run(add_up, len(share))
    return total.sum(axis=0).astype(grad.dtype, copy=False)


def _summing(dtype: np.dtype) -> np.dtype:
    """The dtype to multiply and sum in: BLAS knows no float16, and sums would lose all digits."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _kernel_rows(weight: np.ndarray, groups: int) -> np.ndarray:
    """(O, C, kH, kW) -> for each group a matrix (O, kH * kW * C), no copy if channels last."""
    out_channels, channels, k_h, k_w = weight.shape
    shape = (groups, out_channels // groups, k_h * k_w * channels)
    return weight.transpose(0, 2, 3, 1).reshape(shape)


def _slices(batch: int, rows: int, row_bytes: int) -> list[_Slice]:
    """Cut a batch into slices of SLICE_BYTES, as whole images or, where one is larger, as rows."""
    images_each = max(1, SLICE_BYTES // max(1, rows * row_bytes))
    rows_each = max(1, SLICE_BYTES // max(1, row_bytes)) if images_each == 1 else rows
    return [
        _Slice(
            slice(image, min(image + images_each, batch)), slice(row, min(row + rows_each, rows))
        )
        for image in range(0, batch, images_each)
        for row in range(0, rows, max(1, rows_each))
    ]


def _shares(count: int, multiplications: int) -> list[slice]:
    """Split `count` slices into runs of nearly equal length, one for each thread worth waking."""
    shares = min(count, threads.get_num_threads())
    if multiplications < PARALLEL_MULTIPLICATIONS:
        shares = min(count, 1)
    return [slice(count * i // shares, count * (i + 1) // shares) for i in range(shares)]


def _correlate(
    images: np.ndarray,
    matrices: np.ndarray,
    bias: np.ndarray | None,
    y: np.ndarray,
    windows: _Windows,
) -> None:
    """Write bias + columns(images) @ matrices into y, everything channels last.

    images: (N, H, W, C); matrices: (groups, kH * kW * C / groups, O / groups); y: (N, oH, oW, O),
    C-contiguous.
    """
    batch, rows, columns, out_channels = y.shape
    groups, size, _ = matrices.shape
    dtype = _summing(y.dtype)
    matrices = matrices.astype(dtype, copy=False)
    # The bias once for each pixel of a row: added to whole rows, NumPy's inner loop is oW * O long.
    bias_row = None if bias is None else np.tile(bias.astype(dtype, copy=False), columns)
    slices = _slices(batch, rows, columns * size * groups * dtype.itemsize)
    share = _shares(len(slices), y.size * size)

    def compute(index: int) -> None:
        for part in slices[share[index]]:
            target = y[part]
            out = target if dtype == y.dtype else threads.scratch("out", target.shape, dtype)
            matrix = _columns(images, part, columns, windows, dtype)
            np.matmul(matrix, matrices, out=_pixels(out, groups, dtype))
            if bias_row is not None:
                lines = out.reshape(out.shape[0] * out.shape[1], columns * out_channels)
                lines += bias_row
            if out is not target:
                target[...] = out

    threads.run(compute, len(share))


def _scatter(
    gradients: np.ndarray, matrices: np.ndarray, dx: np.ndarray, windows: _Windows
) -> None:
    """Write the input gradient into dx (N, H, W, C): one product, then col2im, its sums spread out.

    gradients: (N, oH, oW, O); matrices: (groups, O / groups, kH * kW * C / groups).
    """
    batch, rows, columns, _ = gradients.shape
    _, height, width, channels = dx.shape
    groups, _, size = matrices.shape
    (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w), _ = windows
    dtype = _summing(dx.dtype)
    matrices = matrices.astype(dtype, copy=False)
    # Rows and columns of the padded image that some window touches, and at least the image itself.
    padded_height = max((rows - 1) * s_h + (k_h - 1) * d_h + 1, p_h + height)
    padded_width = max((columns - 1) * s_w + (k_w - 1) * d_w + 1, p_w + width)
    slices = _slices(batch, 1, rows * columns * size * groups * dtype.itemsize)
    share = _shares(len(slices), gradients.size * size)

    def compute(index: int) -> None:
        for part in slices[share[index]]:
            flat = _pixels(gradients[part.images], groups, dtype)
            count = part.images.stop - part.images.start
            spread = threads.scratch("columns", (flat.shape[1], groups, size), dtype)
            np.matmul(flat, matrices, out=spread.transpose(1, 0, 2))
            taps = spread.reshape(count, rows, columns, groups, k_h, k_w, channels // groups)
            shape = (count, padded_height, padded_width, groups, channels // groups)
            padded = threads.scratch("padded", shape, dtype)
            padded.fill(0)
            for i in range(k_h):
                lines = slice(i * d_h, i * d_h + (rows - 1) * s_h + 1, s_h)
                for j in range(k_w):
                    across = slice(j * d_w, j * d_w + (columns - 1) * s_w + 1, s_w)
                    padded[:, lines, across] += taps[:, :, :, :, i, j]
            inside = padded[:, p_h : p_h + height, p_w : p_w + width]
            dx[part.images] = inside.reshape(count, height, width, channels)

    threads.run(compute, len(share))


def _pixels(images: np.ndarray, groups: int, dtype: np.dtype) -> np.ndarray:
    """(n, h, w, C) -> (groups, n * h * w, C / groups), a view where memory and dtype allow it."""
    count, height, width, channels = images.shape
    flat = images.reshape(count * height * width, groups, channels // groups)
    return flat.astype(dtype, copy=False).transpose(1, 0, 2)


def _columns(
    images: np.ndarray, part: _Slice, columns: int, windows: _Windows, dtype: np.dtype
) -> np.ndarray:
    """im2col for one slice: (groups, M, kH * kW * C / groups), in scratch memory.

    One row for each of the M output pixels of the slice, holding what its window sees.
    """
    (k_h, k_w), (s_h, s_w), _, (d_h, d_w), groups = windows
    rows = part.rows.stop - part.rows.start
    padded = _padded(images, part, columns, windows, dtype)
    count, _, _, channels = padded.shape
    at_image, at_row, at_column, at_channel = padded.strides
    each = channels // groups
    # The same memory seen as windows: all axes of the columns, nothing copied yet.
    seen = np.ndarray(
        (count, rows, columns, groups, k_h, k_w, each),
        dtype,
        padded,
        0,
        (
            at_image,
            at_row * s_h,
            at_column * s_w,
            at_channel * each,
            at_row * d_h,
            at_column * d_w,
            at_channel,
        ),
    )
    pixels = count * rows * columns
    # NumPy copies run by run, and a run of a few floats costs as much as one of thirty. Where
    # kW * C is short (the first layer), the columns are laid out the other way round, so that a run
    # goes along a row of the image.
    if k_w * each < columns:
        shape = (groups, k_h, k_w, each, count, rows, columns)
        matrix = threads.scratch("columns", shape, dtype)
        np.copyto(matrix, seen.transpose(3, 4, 5, 6, 0, 1, 2))
        return matrix.reshape(groups, k_h * k_w * each, pixels).transpose(0, 2, 1)
    matrix = threads.scratch("columns", seen.shape, dtype)
    np.copyto(matrix, seen)
    return matrix.reshape(pixels, groups, k_h * k_w * each).transpose(1, 0, 2)


def _padded(
    images: np.ndarray, part: _Slice, columns: int, windows: _Windows, dtype: np.dtype
) -> np.ndarray:
    """What the windows of a slice see of the images, zeros where they look past the edge."""
    (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w), _ = windows
    _, height, width, channels = images.shape
    top = part.rows.start * s_h - p_h
    bottom = (part.rows.stop - 1) * s_h - p_h + (k_h - 1) * d_h + 1
    left = -p_w
    right = (columns - 1) * s_w - p_w + (k_w - 1) * d_w + 1
    count = part.images.stop - part.images.start
    shape = (count, bottom - top, right - left, channels)
    padded = threads.scratch("padded", shape, dtype)
    rows = slice(max(0, top), max(0, min(bottom, height)))
    across = slice(max(0, left), max(0, min(right, width)))
    inside = images[part.images, rows, across]
    if inside.shape != shape:
        padded.fill(0)
    first_row, first_column = rows.start - top, across.start - left
    padded[
        :, first_row : first_row + inside.shape[1], first_column : first_column + inside.shape[2]
    ] = inside
    return padded
