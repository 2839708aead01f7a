"""Slices of a batch of images, and im2col: each pixel's window copied into a row of a matrix.

Images are (N, H, W, C) here, channels last. A slice is some images, or some rows of one image,
whose columns stay in the processor's caches. What is built for a slice lies in scratch memory
(`threads`).
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tinygrad_adam.backend.cpu import threads

Pair = tuple[int, int]

# Bytes of columns and results in one slice: a few times a core's L2 cache, so that they come back
# from the cache behind it. Less computes faster alone, but not on two threads: between more and
# shorter calls they wait for Python's lock.
SLICE_BYTES = 1 << 22
# What a thread copies, roughly, for saying how long a convolution will take.
BYTES_PER_SECOND = 2e10


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
    """Cut a batch into runs, one for each thread worth waking (`threads.cuts`), and into slices.

    Runs end at an image or, where those are few, at a row. A slice is some whole images or, where
    one is too large, some rows.
    """
    if batch * rows == 0:
        return []
    seconds = multiplications / threads.MULTIPLICATIONS_PER_SECOND
    seconds += batch * rows * row_bytes / BYTES_PER_SECOND
    # An even number of rows, since two at a time are what Winograd's trick wants.
    unit = rows if batch >= 4 * threads.get_num_threads() else 2 - rows % 2
    cuts = threads.cuts(batch * rows // unit, seconds)
    return _shares(cuts, unit, rows, row_bytes, SLICE_BYTES)


@functools.lru_cache
def _shares(
    cuts: tuple[int, ...], unit: int, rows: int, row_bytes: int, slice_bytes: int
) -> list[list[Slice]]:
    """`shares`, the same lists each time: cutting takes as long as a small image's convolution."""
    images = max(1, slice_bytes // max(1, rows * row_bytes))
    lines = max(2, slice_bytes // max(1, row_bytes) // 2 * 2)
    return [
        _slices(start * unit, stop * unit, rows, images, lines) for start, stop in pairwise(cuts)
    ]


def _slices(start: int, stop: int, rows: int, images: int, lines: int) -> list[Slice]:
    """Cut the rows from `start` to `stop`, counted through all images, into slices.

    At most `images` images are in one, as many in each as can be, or at most `lines` rows.
    """
    found = []
    while start < stop:
        image, row = divmod(start, rows)
        whole = (stop - start) // rows
        if row or not whole or rows > lines:
            end = min(row + lines, row + stop - start, rows)
            found.append(Slice(slice(image, image + 1), slice(row, end)))
            start += end - row
        else:
            each = -(-whole // -(-whole // images))
            found.append(Slice(slice(image, image + each), slice(0, rows)))
            start += each * rows
    return found


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
        if ones:
            matrix[:, size:] = 1
        target = matrix[:, :size].reshape(groups, k_h, k_w, each, count, rows, width)
        np.copyto(target, seen.transpose(3, 4, 5, 6, 0, 1, 2))
        return matrix.transpose(0, 2, 1)
    matrix = threads.scratch("columns", (total, groups, size + ones), dtype)
    if ones:
        matrix[:, :, size:] = 1
    np.copyto(matrix[:, :, :size].reshape(shape), seen)
    return matrix.transpose(1, 0, 2)
