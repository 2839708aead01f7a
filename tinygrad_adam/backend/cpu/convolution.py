"""Two-dimensional convolution on the CPU: im2col and matrix products, slice by slice.

Images have PyTorch's shape (N, C, H, W), but the results here lie in memory as (N, H, W, C)
("channels last"): a matrix product of the pixels' windows with the kernels yields, for each pixel,
a run of channels, and a transposed view of that is the result. Nothing is ever transposed in memory
between one layer and the next, since NumPy's elementwise functions keep the order they find.

The steps for one slice, for kernels of K = kH * kW * C numbers and M output pixels:

1. copy the slice into a buffer with a border of zeros (the padding),
2. im2col: copy each pixel's window into a row of the columns (M, K), kW * C floats at a time,
3. multiply: (M, K) @ (K, out_channels), which writes straight into the result. The bias is one more
   weight, for a column of ones.

A slice is chosen so that its columns and results stay in the processor's caches: step 3 then reads
there what step 2 wrote, instead of sending kH * kW times the input's bytes through main memory and
back. The columns are not kept for the backward pass; copying them again costs less than keeping kH
* kW times the input. The slices are spread over a few threads (`threads.run`).

The gradients are products of the same matrices:

    y  = columns(x) @ w                 M * K * O multiplications, O = out_channels
    dw = dy.T @ columns(x)              the same number
    dx = columns(dy) @ turned(w)        the same number, at stride 1

For the most common kernel, 3 x 3 at stride 1, `winograd` saves a third of them.

Sources: torch.nn.Conv2d for names and shapes; Chellapilla, Puri, Simard: High Performance
Convolutional Neural Networks for Document Processing (2006) for im2col.
"""

from __future__ import annotations

import functools

import numpy as np

from tinygrad_adam.backend.cpu import im2col, memory, threads, winograd
from tinygrad_adam.backend.cpu.im2col import Columns, Slice, Windows
from tinygrad_adam.backend.sums import summing_dtype
from tinygrad_adam.backend.windows import Pair, output_sizes


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

    N * oH * oW * O * kH * kW * C / groups multiplications, two thirds of that where `winograd`
    applies; reads x once, writes y once.
    """
    kernel_size = weight.shape[2:]
    rows, columns = output_sizes(x.shape[2:], kernel_size, stride, padding, dilation)
    y = memory.empty((x.shape[0], rows, columns, weight.shape[0]), np.result_type(x, weight))
    # For each group a matrix (kH * kW * C, O).
    matrices = _kernel_rows(weight, groups).transpose(0, 2, 1)
    windows = Windows(kernel_size, stride, padding, dilation, groups)
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

    At stride 1, each input pixel collects from the outputs around it: a correlation of grad with
    the kernels turned by 180 degrees and their two channel axes swapped, so the forward code does
    it. At larger strides that would multiply mostly zeros; there the product with the kernels is
    scattered instead (`_scatter`).
    """
    batch, channels, height, width = input_shape
    dx = memory.empty((batch, height, width, channels), np.result_type(grad, weight))
    gradients = grad.transpose(0, 2, 3, 1)
    kernel_size = weight.shape[2:]
    if stride == (1, 1):
        around = (
            (kernel_size[0] - 1) * dilation[0] - padding[0],
            (kernel_size[1] - 1) * dilation[1] - padding[1],
        )
        # For each group a matrix (kH * kW * O, C).
        each = weight.shape[0] // groups
        turned = weight[:, :, ::-1, ::-1].reshape(groups, each, *weight.shape[1:])
        rows = each * kernel_size[0] * kernel_size[1]
        matrices = turned.transpose(0, 3, 4, 1, 2).reshape(groups, rows, weight.shape[1])
        windows = Windows(kernel_size, stride, around, dilation, groups)
        _correlate(gradients, matrices, None, dx, windows)
    else:
        windows = Windows(kernel_size, stride, padding, dilation, groups)
        _scatter(gradients, _kernel_rows(weight, groups), dx, windows)
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

    grad: (N, O, oH, oW); x: (N, C, H, W).

    The columns of x are built again, slice by slice, and multiplied with the slice of grad. The
    bias is the weight of a column of ones. Every thread adds up its own run of slices; the sums are
    added in a fixed order at the end, so that the same number of threads gives the same bits.
    """
    out_channels, channels, k_h, k_w = weight_shape
    windows = Windows((k_h, k_w), stride, padding, dilation, groups)
    dtype = np.result_type(grad, x)
    summing = summing_dtype(dtype)
    images, gradients = x.transpose(0, 2, 3, 1), grad.transpose(0, 2, 3, 1)
    each, size = out_channels // groups, channels * k_h * k_w
    shares = _shares(images.shape, gradients.shape, windows, summing, bias)
    fast = winograd.applies(windows, channels, out_channels, grad.size * size, summing)
    # For each thread, and for each group, a matrix (O, kH * kW * C), and O more for the bias.
    total = np.zeros((len(shares), groups, each, size + bias), summing)
    total_fast = np.zeros((len(shares) * fast, 4, k_w * channels, out_channels), summing)

    def add_up(index: int) -> None:
        for part, columns in shares[index]:
            flat = im2col.pixels(gradients[part], groups, summing)
            if fast:
                product = winograd.weight_gradient(images, part, gradients[part], windows, summing)
                if product is not None:
                    total_fast[index] += product
                    if bias:
                        total[index, 0, :, size] += np.dot(np.ones(flat.shape[1], summing), flat[0])
                    continue
            matrix = columns(images)
            product = threads.scratch("product", total.shape[2:], summing)
            for group in range(groups):
                # np.dot lets other threads run however small its result is; matmul does not.
                total[index, group] += np.dot(flat[group].T, matrix[group], out=product)

    threads.run(add_up, len(shares))
    sums = total[0] if len(shares) == 1 else total.sum(axis=0)
    if fast:
        with threads.blas_on_one_thread():
            sums[0, :, :size] += winograd.weight_gradient_from(total_fast.sum(axis=0)).T
    dw = np.empty(weight_shape, dtype)  # in PyTorch's order
    by_pixel = sums[:, :, :size].reshape(groups, each, k_h, k_w, channels)
    dw.reshape(groups, each, channels, k_h, k_w)[...] = by_pixel.transpose(0, 1, 4, 2, 3)
    return dw, sums[:, :, size].reshape(out_channels).astype(dtype) if bias else None


def _kernel_rows(weight: np.ndarray, groups: int) -> np.ndarray:
    """(O, C, kH, kW) -> for each group a matrix (O, kH * kW * C), no copy if channels last."""
    out_channels, channels, k_h, k_w = weight.shape
    shape = (groups, out_channels // groups, k_h * k_w * channels)
    return weight.transpose(0, 2, 3, 1).reshape(shape)


def _shares(
    images: tuple[int, ...], result: tuple[int, ...], windows: Windows, dtype: np.dtype, ones: bool
) -> list[list[tuple[Slice, Columns]]]:
    """For each thread worth waking its slices, and what builds the columns of each.

    images: the shape (N, H, W, C); result: (N, oH, oW, O). The same objects each time: for a small
    image, cutting takes as long as computing.
    """
    settings = (threads.get_num_threads(), threads.HEAD_START, im2col.SLICE_BYTES)
    return _planned(images, result, windows, dtype, ones, settings)


@functools.lru_cache
def _planned(
    images: tuple[int, ...],
    result: tuple[int, ...],
    windows: Windows,
    dtype: np.dtype,
    ones: bool,
    settings: tuple[float, ...],
) -> list[list[tuple[Slice, Columns]]]:
    """`_shares`, for the settings on which cutting depends."""
    batch, rows, columns, out_channels = result
    size = windows.kernel_size[0] * windows.kernel_size[1] * images[3]
    multiplications = batch * rows * columns * out_channels * size // windows.groups
    row_bytes = columns * (size + out_channels) * dtype.itemsize
    return [
        [(part, Columns(images, part, columns, windows, dtype, ones)) for part in share]
        for share in im2col.shares(batch, rows, row_bytes, multiplications)
    ]


def _correlate(
    images: np.ndarray,
    matrices: np.ndarray,
    bias: np.ndarray | None,
    y: np.ndarray,
    windows: Windows,
) -> None:
    """Write bias + columns(images) @ matrices into y, everything channels last.

    images: (N, H, W, C); matrices: (groups, kH * kW * C / groups, O / groups); y: (N, oH, oW, O),
    C-contiguous.
    """
    groups, size, each = matrices.shape
    dtype = summing_dtype(y.dtype)
    shares = _shares(images.shape, y.shape, windows, dtype, bias is not None)
    fast = None
    if winograd.applies(windows, images.shape[3], y.shape[3], y.size * size, dtype):
        with threads.blas_on_one_thread():
            fast = winograd.transform_kernels(matrices[0].astype(dtype, copy=False))
        bias_line = None if bias is None else np.tile(bias.astype(dtype, copy=False), y.shape[2])
    if bias is not None:
        matrices = np.concatenate([matrices, bias.reshape(groups, 1, each)], axis=1)
    matrices = matrices.astype(dtype, copy=False)

    def compute(index: int) -> None:
        for part, columns in shares[index]:
            target = y[part]
            out = target if dtype == y.dtype else threads.scratch("out", target.shape, dtype)
            if fast is None or not winograd.correlate(images, part, fast, bias_line, out, windows):
                np.matmul(columns(images), matrices, out=im2col.pixels(out, groups, dtype))
            if out is not target:
                target[...] = out

    threads.run(compute, len(shares))


def _scatter(gradients: np.ndarray, matrices: np.ndarray, dx: np.ndarray, windows: Windows) -> None:
    """Write the input gradient into dx (N, H, W, C): one product, then col2im, its sums spread out.

    gradients: (N, oH, oW, O); matrices: (groups, O / groups, kH * kW * C / groups).
    """
    batch, rows, columns, _ = gradients.shape
    _, height, width, channels = dx.shape
    groups, _, size = matrices.shape
    (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w), _ = windows
    dtype = summing_dtype(dx.dtype)
    matrices = matrices.astype(dtype, copy=False)
    # Rows and columns of the padded image that some window touches, and at least the image itself.
    padded_height = max((rows - 1) * s_h + (k_h - 1) * d_h + 1, p_h + height)
    padded_width = max((columns - 1) * s_w + (k_w - 1) * d_w + 1, p_w + width)
    # Windows overlap, so the rows of an image stay together.
    image_bytes = rows * columns * size * groups * dtype.itemsize
    shares = im2col.shares(batch, 1, image_bytes, gradients.size * size)

    def compute(index: int) -> None:
        for part in shares[index]:
            flat = im2col.pixels(gradients[part.images], groups, dtype)
            spread = threads.scratch("columns", (flat.shape[1], groups, size), dtype)
            np.matmul(flat, matrices, out=spread.transpose(1, 0, 2))
            count, each = part.shape[0], channels // groups
            taps = spread.reshape(count, rows, columns, groups, k_h, k_w, each)
            shape = (count, padded_height, padded_width, groups, each)
            padded = threads.scratch("padded", shape, dtype)
            padded.fill(0)
            for i in range(k_h):
                lines = slice(i * d_h, i * d_h + (rows - 1) * s_h + 1, s_h)
                for j in range(k_w):
                    across = slice(j * d_w, j * d_w + (columns - 1) * s_w + 1, s_w)
                    padded[:, lines, across] += taps[:, :, :, :, i, j]
            inside = padded[:, p_h : p_h + height, p_w : p_w + width]
            dx[part.images] = inside.reshape(count, height, width, channels)

    threads.run(compute, len(shares))
