"""Two-dimensional convolution as matrix products of the windows ("im2col").

The window of each output pixel is a row of kH * kW * C numbers, and all rows together are a matrix,
the columns of x. With the kernels as a matrix w of as many rows and O columns::

    y  = columns(x) @ w + bias
    dw = columns(x).T @ dy              dbias = the sum of dy over all pixels
    dx = the windows of dy @ w.T, each number added to the pixel it came from ("col2im")

for each group of channels. Images are seen as (N, H, W, C), "channels last": a window is then made
of runs of channels, and the product of the columns is the result as it lies in memory.

float16 is multiplied and summed in float32 and rounded once.

Sources: torch.nn.Conv2d for names and shapes; Chellapilla, Puri, Simard: High Performance
Convolutional Neural Networks for Document Processing (2006).
"""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import summing_dtype, total, wide
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
    view of channels-last memory.
    """
    dtype = array_module(x).result_type(x, weight)
    kernel_size = weight.shape[2:]
    sizes = output_sizes(x.shape[2:], kernel_size, stride, padding, dilation)
    columns = _columns(x, kernel_size, sizes, stride, padding, dilation, groups)
    y = _product(columns, _kernels(weight, groups))  # (groups, M, O / groups)
    y = y.transpose(1, 0, 2).reshape(x.shape[0], *sizes, weight.shape[0])
    if bias is not None:
        y += bias
    return y.astype(dtype, order="C", copy=False).transpose(0, 3, 1, 2)


def conv2d_input_gradient(
    grad: Array,
    weight: Array,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """The gradient of conv2d for x: grad (N, O, oH, oW) -> (N, C, H, W), channels last in memory.

    For each tap of the window, one sum over all windows: no two of them have the same pixel there.
    """
    xp = array_module(grad)
    dtype = xp.result_type(grad, weight)
    (batch, channels, height, width), (rows, across) = input_shape, grad.shape[2:]
    (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w) = weight.shape[2:], stride, padding, dilation
    windows = _product(_pixels(grad, groups), _kernels(weight, groups).transpose(0, 2, 1))
    windows = windows.reshape(groups, batch, rows, across, k_h, k_w, channels // groups)
    # The padded image, as far as windows reach.
    down, right = (rows - 1) * s_h + 1, (across - 1) * s_w + 1
    padded_height = max(down + (k_h - 1) * d_h, p_h + height)
    padded_width = max(right + (k_w - 1) * d_w, p_w + width)
    shape = (batch, padded_height, padded_width, groups, channels // groups)
    padded = xp.zeros(shape, windows.dtype)
    for i in range(k_h):
        for j in range(k_w):
            top, left = i * d_h, j * d_w
            seen = padded[:, top : top + down : s_h, left : left + right : s_w]
            seen += windows[:, :, :, :, i, j].transpose(1, 2, 3, 0, 4)
    inside = padded[:, p_h : p_h + height, p_w : p_w + width]
    dx = inside.reshape(batch, height, width, channels).astype(dtype, order="C", copy=False)
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
    columns = _columns(x, (k_h, k_w), grad.shape[2:], stride, padding, dilation, groups)
    pixels = _pixels(grad, groups)
    dw = _product(pixels.transpose(0, 2, 1), columns)  # (groups, O / groups, kH * kW * C / groups)
    dw = dw.reshape(out_channels, k_h, k_w, channels).transpose(0, 3, 1, 2)
    db = total(pixels, 1).reshape(out_channels).astype(dtype, copy=False) if bias else None
    return xp.ascontiguousarray(dw).astype(dtype, copy=False), db


def _columns(
    x: Array,
    kernel_size: Pair,
    sizes: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """The windows of x, for each group a matrix (N * oH * oW, kH * kW * C / groups)."""
    xp = array_module(x)
    (batch, channels, height, width), (p_h, p_w) = x.shape, padding
    shape = (batch, height + 2 * p_h, width + 2 * p_w, groups, channels // groups)
    padded = xp.zeros(shape, summing_dtype(x.dtype))
    padded.reshape(*shape[:3], channels)[:, p_h : p_h + height, p_w : p_w + width] = x.transpose(
        0, 2, 3, 1
    )
    at_image, at_row, at_column, at_group, at_channel = padded.strides
    windows = xp.lib.stride_tricks.as_strided(
        padded,
        (groups, batch, *sizes, *kernel_size, channels // groups),
        (
            at_group,
            at_image,
            at_row * stride[0],
            at_column * stride[1],
            at_row * dilation[0],
            at_column * dilation[1],
            at_channel,
        ),
    )
    size = kernel_size[0] * kernel_size[1] * (channels // groups)
    return windows.reshape(groups, batch * sizes[0] * sizes[1], size)


def _kernels(weight: Array, groups: int) -> Array:
    """(O, C, kH, kW) -> for each group a matrix (kH * kW * C, O / groups)."""
    out_channels, channels, k_h, k_w = weight.shape
    shape = (groups, out_channels // groups, k_h * k_w * channels)
    return wide(weight).transpose(0, 2, 3, 1).reshape(shape).transpose(0, 2, 1)


def _pixels(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> for each group a matrix (N * H * W, C / groups)."""
    batch, channels, height, width = images.shape
    shape = (batch * height * width, groups, channels // groups)
    return wide(images).transpose(0, 2, 3, 1).reshape(shape).transpose(1, 0, 2)


def _product(a: Array, b: Array) -> Array:
    """a @ b for each group (of a single one in two dimensions, where CuPy copies nothing)."""
    return (a[0] @ b[0])[None] if len(a) == 1 else a @ b
