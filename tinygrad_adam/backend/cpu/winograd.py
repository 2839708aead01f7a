"""Winograd's trick for kernels of three rows: two lines of output from four products, not six.

A correlation of four numbers d with three weights g gives two results of three products each. But

    m0 = (d0 - d2) g0                      m1 = (d1 + d2) (g0 + g1 + g2) / 2
    m3 = (d1 - d3) g2                      m2 = (d2 - d1) (g0 - g1 + g2) / 2

    y0 = m0 + m1 + m2                      y1 = m1 - m2 - m3

needs four, since what is computed from the weights alone is computed once for all images. Here d
and y are lines of an image, and each product is a matrix product with the columns of one row of the
kernel (im2col along the line only), so a third of all multiplications and a third of the copying
are gone. The sums above are matrix products, too: y = A [(G g) * (B d)] with the small matrices
below.

The transposed formula gives the gradient of the weights: dg = G.T [(A.T dy) * (B d)].

Sums and differences of infinities would be NaN in places that no infinity reaches, so a slice with
numbers that are not finite is left to the ordinary way.

Source: Winograd, Arithmetic Complexity of Computations (1980), F(2, 3); Lavin and Gray, Fast
Algorithms for Convolutional Neural Networks (2016). The rounding error is that of the ordinary way
(measured: root mean square 0.8 to 1.3 times as large); longer tiles save more, but lose digits.
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.cpu import threads
from tinygrad_adam.backend.cpu.im2col import Padded, Slice, Windows

B = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
A = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])

# With fewer channels or less to do, the sums cost as much as they save.
LEAST_CHANNELS = 16
LEAST_MULTIPLICATIONS = 1 << 23


def applies(
    windows: Windows, in_channels: int, out_channels: int, multiplications: int, dtype: np.dtype
) -> bool:
    """Whether the trick is possible for these windows, and worth it."""
    return (
        multiplications >= LEAST_MULTIPLICATIONS
        and windows.kernel_size[0] == 3
        and windows.stride[0] == windows.dilation[0] == windows.groups == 1
        and min(in_channels, out_channels) >= LEAST_CHANNELS
        and dtype.kind == "f"
    )


def transform_kernels(matrix: np.ndarray) -> np.ndarray | None:
    """G g: kernels (3 * kW * C, O) -> (4, kW * C, O). None where a weight is not finite."""
    size, out_channels = matrix.shape
    rows = matrix.reshape(3, size // 3 * out_channels)
    if not _finite(rows):
        return None
    return (G.astype(matrix.dtype) @ rows).reshape(4, size // 3, out_channels)


def correlate(
    images: np.ndarray,
    part: Slice,
    kernels: np.ndarray,
    bias_line: np.ndarray | None,
    out: np.ndarray,
    windows: Windows,
) -> bool:
    """out = bias + columns(images) @ kernels for one slice, from G g. False if not finite.

    kernels: (4, kW * C, O); bias_line: the bias once for each pixel of a line; out: (n, h, w, O).
    """
    count, rows, width, out_channels = out.shape
    matrices = _columns(images, part, width, windows, out.dtype)
    if matrices is None:
        return False
    tiles = (rows + 1) // 2
    line = width * out_channels
    products = threads.scratch("products", (4, count * tiles * width, out_channels), out.dtype)
    np.matmul(matrices, kernels, out=products)
    if bias_line is not None:
        with_bias = products[1].reshape(count * tiles, line)  # m1 enters both y0 and y1
        with_bias += bias_line
    four = products.reshape(4, count, tiles, line).transpose(1, 2, 0, 3)
    # An odd number of rows has half a tile at its end: one line too many is computed.
    even = rows % 2 == 0
    lines = out if even else threads.scratch("lines", (count, 2 * tiles, line), out.dtype)
    np.matmul(A.astype(out.dtype), four, out=lines.reshape(count, tiles, 2, line))
    if not even:
        out[...] = lines[:, :rows].reshape(out.shape)
    return True


def weight_gradient(
    images: np.ndarray, part: Slice, gradients: np.ndarray, windows: Windows, dtype: np.dtype
) -> np.ndarray | None:
    """(A.T dy) * (B d) for one slice: (4, kW * C, O), in scratch memory. None if not finite.

    gradients: (n, h, w, O), the slice's own. What is returned is to be summed over the slices and
    given to `weight_gradient_from`.
    """
    count, rows, width, out_channels = gradients.shape
    matrices = _columns(images, part, width, windows, dtype)
    if matrices is None:
        return None
    tiles = (rows + 1) // 2
    line = width * out_channels
    lines = threads.scratch("lines", (count, 2 * tiles, line), dtype)
    lines[:, rows:] = 0
    lines[:, :rows] = gradients.reshape(count, rows, line)
    if not _finite(lines):
        return None
    four = threads.scratch("products", (4, count, tiles, line), dtype)
    two = lines.reshape(count, tiles, 2, line)
    np.matmul(A.T.astype(dtype), two, out=four.transpose(1, 2, 0, 3))
    pixels = four.reshape(4, count * tiles * width, out_channels)
    result = threads.scratch("kernels", (4, matrices.shape[2], out_channels), dtype)
    return np.matmul(matrices.transpose(0, 2, 1), pixels, out=result)


def weight_gradient_from(total: np.ndarray) -> np.ndarray:
    """G.T of the sum of what `weight_gradient` returned: (4, kW * C, O) -> (3 * kW * C, O)."""
    _, size, out_channels = total.shape
    rows = G.T.astype(total.dtype) @ total.reshape(4, size * out_channels)
    return rows.reshape(3 * size, out_channels)


def _columns(
    images: np.ndarray, part: Slice, width: int, windows: Windows, dtype: np.dtype
) -> np.ndarray | None:
    """im2col along the lines of B d: (4, n * tiles * width, kW * C). None if not finite."""
    (_, k_w), (_, s_w), (p_h, p_w), (_, d_w), _ = windows
    count, rows = part.shape
    tiles = (rows + 1) // 2
    top = part.rows.start - p_h
    right = (width - 1) * s_w - p_w + (k_w - 1) * d_w + 1
    padded = Padded(images.shape, part.images, (top, top + 2 * tiles + 2), (-p_w, right), dtype)
    source = padded.buffer()
    padded.fill(source, images)
    if not _finite(source):
        return None
    _, _, across, channels = source.shape
    line = across * channels
    at_image, at_row, at_column, at_channel = source.strides
    # Tiles of four lines, each sharing two with the next.
    shape = (count, tiles, 4, line)
    tiled = np.ndarray(shape, dtype, source, 0, (at_image, 2 * at_row, at_row, at_channel))
    four = threads.scratch("tiles", shape, dtype)
    np.matmul(B.astype(dtype), tiled, out=four)
    at_image, at_tile, at_line, _ = four.strides
    seen = np.ndarray(
        (4, count, tiles, width, k_w, channels),
        dtype,
        four,
        0,
        (at_line, at_image, at_tile, at_column * s_w, at_column * d_w, at_channel),
    )
    matrices = threads.scratch("columns", seen.shape, dtype)
    np.copyto(matrices, seen)
    return matrices.reshape(4, count * tiles * width, k_w * channels)


def _finite(array: np.ndarray) -> bool:
    """Whether all numbers are finite (and their squares add up to a finite number): one pass."""
    flat = array.reshape(array.size)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))
