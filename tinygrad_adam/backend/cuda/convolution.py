"""Two-dimensional convolution on the GPU: im2col and one matrix product for the whole batch.

The same three products as in `backend.cpu.convolution`, with images seen as (N, H, W, C) and
columns of kH * kW * C numbers for each output pixel. A GPU is served best by few large calls, so
nothing is sliced: one strided copy of kH * kW times the input, one product (a batch of products
where there are groups; 2-D products without, since CuPy copies transposed operands of larger ones).

All functions are written for ``xp`` and run on NumPy arrays too. Shapes, options and results are
those of `backend.cpu.convolution`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import summing_dtype
from tinygrad_adam.backend.windows import Pair, output_sizes


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """y[n, o] = bias[o] + sum over c of x[n, c] correlated with weight[o, c] (torch.nn.Conv2d).

    x: (N, C, H, W); weight: (O, C / groups, kH, kW); bias: (O,) or None. Returns (N, O, oH, oW), a
    view of channels-last memory. float16 is multiplied and summed in float32.
    """
    xp = array_module(x)
    dtype = xp.result_type(x, weight)
    out_channels, _, k_h, k_w = weight.shape
    rows, columns = output_sizes(x.shape[2:], (k_h, k_w), stride, padding, dilation)
    windows = _windows(x, (rows, columns), (k_h, k_w), stride, padding, dilation)
    matrix = _columns(xp, windows, groups, summing_dtype(dtype))
    y = _from_groups(_product(matrix, _kernel_matrices(xp, weight, groups, matrix.dtype)))
    if bias is not None:
        y += bias
    y = y.astype(dtype, copy=False).reshape(x.shape[0], rows, columns, out_channels)
    return y.transpose(0, 3, 1, 2)


def conv2d_input_gradient(
    grad: Array,
    weight: Array,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """The gradient of conv2d for x: grad (N, O, oH, oW) -> (N, C, H, W).

    The gradient of the columns is one product; col2im adds it up, tap by tap: every step of the
    double loop touches each element of the padded image at most once.
    """
    xp = array_module(grad)
    dtype = xp.result_type(grad, weight)
    batch, channels, height, width = input_shape
    _, _, rows, columns = grad.shape
    k_h, k_w = weight.shape[2:]
    summing = summing_dtype(dtype)
    kernels = _kernel_matrices(xp, weight, groups, summing)
    spread = _product(_pixels(grad, groups, summing), kernels.transpose(0, 2, 1))
    each = channels // groups
    taps = spread.reshape(groups, batch, rows, columns, k_h, k_w, each)
    used = [(grad.shape[2 + i] - 1) * stride[i] + 1 for i in (0, 1)]
    extra = [(weight.shape[2 + i] - 1) * dilation[i] for i in (0, 1)]
    padded = xp.zeros(
        (
            batch,
            max(used[0] + extra[0], padding[0] + height),
            max(used[1] + extra[1], padding[1] + width),
            groups,
            each,
        ),
        summing,
    )
    for i in range(k_h):
        down = slice(i * dilation[0], i * dilation[0] + used[0], stride[0])
        for j in range(k_w):
            across = slice(j * dilation[1], j * dilation[1] + used[1], stride[1])
            padded[:, down, across] += taps[:, :, :, :, i, j].transpose(1, 2, 3, 0, 4)
    inside = padded[:, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    dx = inside.reshape(batch, height, width, channels).astype(dtype, copy=False)
    return dx.transpose(0, 3, 1, 2)


def conv2d_parameter_gradients(
    grad: Array,
    x: Array,
    weight_shape: tuple[int, ...],
    bias: bool,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[Array, Array | None]:
    """The gradients of conv2d for weight and, if `bias`, for bias: weight_shape and (O,), or None.

    grad: (N, O, oH, oW); x: (N, C, H, W).
    """
    xp = array_module(x)
    dtype = xp.result_type(grad, x)
    out_channels, channels, k_h, k_w = weight_shape
    windows = _windows(x, grad.shape[2:], (k_h, k_w), stride, padding, dilation)
    matrix = _columns(xp, windows, groups, summing_dtype(dtype))
    flat = _pixels(grad, groups, matrix.dtype)
    dw = _product(flat.transpose(0, 2, 1), matrix)
    dw = dw.reshape(out_channels, k_h, k_w, channels).transpose(0, 3, 1, 2)
    db = flat.sum(axis=1).reshape(out_channels).astype(dtype, copy=False) if bias else None
    return xp.ascontiguousarray(dw).astype(dtype, copy=False), db


def _kernel_matrices(xp: ModuleType, weight: Array, groups: int, dtype: Any) -> Array:
    """(O, C, kH, kW) -> for each group a matrix (kH * kW * C, O / groups)."""
    kernels = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    rows = weight.shape[1] * weight.shape[2] * weight.shape[3]
    matrices = kernels.transpose(0, 3, 4, 2, 1).reshape(groups, rows, kernels.shape[1])
    return matrices.astype(dtype, copy=False)


def _windows(
    x: Array, sizes: tuple[int, ...], kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """x seen through its windows: (N, oH, oW, kH, kW, C), a view of one padded copy."""
    xp = array_module(x)
    (p_h, p_w), (height, width) = padding, x.shape[2:]
    padded = xp.zeros((x.shape[0], height + 2 * p_h, width + 2 * p_w, x.shape[1]), x.dtype)
    padded[:, p_h : p_h + height, p_w : p_w + width] = x.transpose(0, 2, 3, 1)
    at_image, at_row, at_column, at_channel = padded.strides
    return xp.lib.stride_tricks.as_strided(
        padded,
        (x.shape[0], *sizes, *kernel_size, x.shape[1]),
        (
            at_image,
            at_row * stride[0],
            at_column * stride[1],
            at_row * dilation[0],
            at_column * dilation[1],
            at_channel,
        ),
    )


def _columns(xp: ModuleType, windows: Array, groups: int, dtype: Any) -> Array:
    """The windows copied out: for each group a matrix (N * oH * oW, kH * kW * C / groups)."""
    batch, rows, columns, k_h, k_w, channels = windows.shape
    each = channels // groups
    split = windows.reshape(batch, rows, columns, k_h, k_w, groups, each)
    ordered = split.transpose(5, 0, 1, 2, 3, 4, 6).astype(dtype, order="C")
    return ordered.reshape(groups, batch * rows * columns, k_h * k_w * each)


def _pixels(images: Array, groups: int, dtype: Any) -> Array:
    """(N, C, H, W) -> for each group a matrix (N * H * W, C / groups)."""
    batch, channels, height, width = images.shape
    flat = images.transpose(0, 2, 3, 1).reshape(batch * height * width, groups, channels // groups)
    return flat.astype(dtype, copy=False).transpose(1, 0, 2)


def _product(a: Array, b: Array) -> Array:
    """a @ b for each group."""
    return (a[0] @ b[0])[None] if len(a) == 1 else a @ b


def _from_groups(y: Array) -> Array:
    """(groups, M, O / groups) -> (M, O)."""
    groups, pixels, each = y.shape
    return y.transpose(1, 0, 2).reshape(pixels, groups * each)
