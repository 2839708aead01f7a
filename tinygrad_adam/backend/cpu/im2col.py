"""Slices of a batch of images, and im2col: each pixel's window copied into a row of a matrix.

Images are (N, H, W, C) here, channels last. A slice is some images, or some rows of one image,
whose columns fit into a core's L2 cache. What is built for a slice lies in scratch memory
(`threads`).
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tinygrad_adam.backend.cpu import threads

Pair = tuple[int, int]

# Bytes of columns and results in one slice: about a core's L2 cache (1 to 2 MB on today's CPUs).
SLICE_BYTES = 1 << 21
# Below this number of multiplications the work is done by one thread, in one slice if it fits:
# waking another thread takes about as long as computing it.
PARALLEL_MULTIPLICATIONS = 1 << 22


class Windows(NamedTuple):
    """How windows lie on the images. The padding may be negative: pixels are left out then."""

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int = 1


class Slice(NamedTuple):
    """Some images of the batch, and some rows of the output in each."""

    images: slice
    rows: slice

    @property
    def shape(self) -> Pair:
        """How many images, and how many rows in each."""
        return self.images.stop - self.images.start, self.rows.stop - self.rows.start


def shares(batch: int, rows: int, row_bytes: int, multiplications: int) -> list[list[Slice]]:
    """Cut a batch into slices, and deal the slices into one run for each thread worth waking.

    Slices are whole images, as many as fill SLICE_BYTES, or rows where one image is larger. The
    cut depends on the sizes and the number of threads only, never on chance.
    """
    workers = threads.get_num_threads() if multiplications >= PARALLEL_MULTIPLICATIONS else 1
    return _shares(batch, rows, row_bytes, workers, SLICE_BYTES)


@functools.lru_cache
def _shares(
    batch: int, rows: int, row_bytes: int, workers: int, slice_bytes: int
) -> list[list[Slice]]:
    """`shares`, the same lists each time: cutting takes as long as a small image's convolution."""
    if batch * rows == 0:
        return []
    each = max(1, slice_bytes // max(1, rows * row_bytes))
    # An even number, as two rows at a time are what Winograd's trick wants.
    rows_each = max(2, slice_bytes // max(1, row_bytes) // 2 * 2) if each == 1 else rows
    if workers > 1 and rows_each >= rows:
        each = min(each, -(-batch // workers))
    slices = [
        Slice(slice(image, min(image + each, batch)), slice(row, min(row + rows_each, rows)))
        for image in range(0, batch, each)
        for row in range(0, rows, rows_each)
    ]
    workers = min(workers, len(slices))
    cuts = [len(slices) * worker // workers for worker in range(workers + 1)]
    return [slices[start:stop] for start, stop in pairwise(cuts)]


def pixels(images: np.ndarray, groups: int, dtype: np.dtype) -> np.ndarray:
    """(n, h, w, C) -> (groups, n * h * w, C / groups), a view where memory and dtype allow it."""
    count, height, width, channels = images.shape
    flat = images.reshape(count * height * width, groups, channels // groups)
    return flat.astype(dtype, copy=False).transpose(1, 0, 2)


def padded(
    images: np.ndarray, part: slice, rows: Pair, columns: Pair, dtype: np.dtype
) -> np.ndarray:
    """The images of a slice from rows[0] to rows[1] and columns[0] to columns[1], as `dtype`.

    Where that reaches beyond the edges there are zeros. C-contiguous, in scratch memory.
    """
    (top, bottom), (left, right) = rows, columns
    _, height, width, channels = images.shape
    down = slice(max(0, top), max(0, min(bottom, height)))
    across = slice(max(0, left), max(0, min(right, width)))
    inside = images[part, down, across]
    shape = (inside.shape[0], bottom - top, right - left, channels)
    result = threads.scratch("padded", shape, dtype)
    if inside.shape != shape:
        result.fill(0)
    row, column = down.start - top, across.start - left
    result[:, row : row + inside.shape[1], column : column + inside.shape[2]] = inside
    return result


def columns(
    images: np.ndarray,
    part: Slice,
    width: int,
    windows: Windows,
    dtype: np.dtype,
    ones: bool = False,
) -> np.ndarray:
    """im2col for one slice: (groups, M, K), a row for each output pixel (`width` in a line).

    A row holds what the pixel's window sees, K = kH * kW * C / groups numbers. With `ones`, each
    row has one more number, 1: the bias is then one more weight. In scratch memory.
    """
    (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w), groups = windows
    count, rows = part.shape
    top = part.rows.start * s_h - p_h
    bottom = top + (rows - 1) * s_h + (k_h - 1) * d_h + 1
    right = (width - 1) * s_w - p_w + (k_w - 1) * d_w + 1
    source = padded(images, part.images, (top, bottom), (-p_w, right), dtype)
    each = images.shape[3] // groups
    at_image, at_row, at_column, at_channel = source.strides
    # The same memory seen as windows: all axes of the columns, nothing copied yet.
    shape = (count, rows, width, groups, k_h, k_w, each)
    strides = (
        *(at_image, at_row * s_h, at_column * s_w),
        *(at_channel * each, at_row * d_h, at_column * d_w, at_channel),
    )
    seen = np.ndarray(shape, dtype, source, 0, strides)
    size, total = k_h * k_w * each, count * rows * width
    # NumPy copies run by run, and a run of three floats costs nearly as much as one of thirty.
    # Where kW * C is short (the first layer), the columns are laid out the other way round, so that
    # a run goes along a line of the image.
    if k_w * each < width:
        matrix = threads.scratch("columns", (groups, size + ones, total), dtype)
        matrix[:, size:] = 1
        target = matrix[:, :size].reshape(groups, k_h, k_w, each, count, rows, width)
        np.copyto(target, seen.transpose(3, 4, 5, 6, 0, 1, 2))
        return matrix.transpose(0, 2, 1)
    matrix = threads.scratch("columns", (total, groups, size + ones), dtype)
    matrix[:, :, size:] = 1
    np.copyto(matrix[:, :, :size].reshape(shape), seen)
    return matrix.transpose(1, 0, 2)
