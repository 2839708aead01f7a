"""Slices of a batch of images, and im2col: each pixel's window copied into a row of a matrix.

Images are (N, H, W, C) here, channels last. A slice is some images, or some rows of one image,
whose columns stay in the processor's caches. What is built for a slice lies in scratch memory
(`threads`).
"""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tinygrad_adam.backend.cpu import threads
from tinygrad_adam.backend.windows import Pair

Views = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

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

    Runs end at an image or, where those are few, at a row. A slice is some whole images, about the
    same number in each, or, where one is too large, some rows.
    """
    if batch * rows == 0:
        return []
    seconds = multiplications / threads.MULTIPLICATIONS_PER_SECOND
    seconds += batch * rows * row_bytes / BYTES_PER_SECOND
    # An even number of rows, since two at a time are what Winograd's trick wants.
    unit = rows if batch >= 4 * threads.get_num_threads() else 2 - rows % 2
    cuts = threads.cuts(batch * rows // unit, seconds)
    most_images = max(1, SLICE_BYTES // max(1, rows * row_bytes))
    most_rows = max(2, SLICE_BYTES // max(1, row_bytes) // 2 * 2)
    return [
        _slices(start * unit, stop * unit, rows, most_images, most_rows)
        for start, stop in pairwise(cuts)
    ]


def _slices(start: int, stop: int, rows: int, most_images: int, most_rows: int) -> list[Slice]:
    """Cut the rows from `start` to `stop`, counted through all images, into slices."""
    found = []
    while start < stop:
        image, row = divmod(start, rows)
        whole = (stop - start) // rows
        if row or not whole or rows > most_rows:
            end = min(row + most_rows, row + stop - start, rows)
            found.append(Slice(slice(image, image + 1), slice(row, end)))
            start += end - row
        else:
            each = -(-whole // -(-whole // most_images))
            found.append(Slice(slice(image, image + each), slice(0, rows)))
            start += each * rows
    return found


def pixels(images: np.ndarray, groups: int, dtype: np.dtype) -> np.ndarray:
    """(n, h, w, C) -> (groups, n * h * w, C / groups), a view where memory and dtype allow it."""
    count, height, width, channels = images.shape
    flat = images.reshape(count * height * width, groups, channels // groups)
    return flat.astype(dtype, copy=False).transpose(1, 0, 2)


class Padded:
    """Some rows and columns of a slice of images, with zeros where they reach beyond the edges."""

    def __init__(
        self,
        shape: tuple[int, ...],
        part: slice,
        rows: Pair,
        columns: Pair,
        dtype: np.dtype,
    ) -> None:
        """Prepare images of a shape (N, H, W, C), from rows[0] to rows[1], as `dtype`."""
        (top, bottom), (left, right) = rows, columns
        _, height, width, channels = shape
        down = slice(max(0, top), max(0, top, min(bottom, height)))
        across = slice(max(0, left), max(0, left, min(right, width)))
        self.shape = (part.stop - part.start, bottom - top, right - left, channels)
        self.dtype = dtype
        self.source = (part, down, across)
        self.target = (
            slice(None),
            slice(down.start - top, down.stop - top),
            slice(across.start - left, across.stop - left),
        )
        self.has_border = (down, across) != (slice(top, bottom), slice(left, right))

    def buffer(self) -> np.ndarray:
        """Scratch memory for the copy, C-contiguous."""
        return threads.scratch("padded", self.shape, self.dtype)

    def fill(self, buffer: np.ndarray, images: np.ndarray) -> None:
        """Copy the images into what `buffer` returned."""
        if self.has_border:
            buffer.fill(0)
        buffer[self.target] = images[self.source]


class Columns:
    """im2col for one slice: (groups, M, K), a row for each output pixel (`width` in a line).

    A row holds what the pixel's window sees, K = kH * kW * C / groups numbers. With `ones`, each
    row has one more number, 1: the bias is then one more weight.

    Called with the images, it copies them. For a small image that takes less time than making the
    arrays to copy from and to, views of a thread's scratch memory: so each thread makes its own
    once and keeps them.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        part: Slice,
        width: int,
        windows: Windows,
        dtype: np.dtype,
        ones: bool,
    ) -> None:
        """Prepare a slice of images of a shape (N, H, W, C), as `dtype`."""
        _, (s_h, s_w), (p_h, p_w), (d_h, d_w), _ = windows
        k_h, k_w = windows.kernel_size
        top = part.rows.start * s_h - p_h
        bottom = top + (part.shape[1] - 1) * s_h + (k_h - 1) * d_h + 1
        right = (width - 1) * s_w - p_w + (k_w - 1) * d_w + 1
        self.padded = Padded(shape, part.images, (top, bottom), (-p_w, right), dtype)
        self.pixels = (*part.shape, width)
        self.windows = windows
        self.ones = ones
        self._kept = threading.local()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the columns, in this thread's scratch memory."""
        views: Views | None = self._kept.__dict__.get("views")
        source, seen, target, matrix = views or self._make_views()
        self.padded.fill(source, images)
        np.copyto(target, seen)
        if self.ones:
            matrix[:, :, -1] = 1
        return matrix

    def _make_views(self) -> Views:
        """Return the padded images, their windows, where to copy these to, and all columns."""
        (k_h, k_w), (s_h, s_w), _, (d_h, d_w), groups = self.windows
        count, rows, width = self.pixels
        source = self.padded.buffer()
        each = source.shape[3] // groups
        at_image, at_row, at_column, at_channel = source.strides
        # The same memory seen as windows: all axes of the columns, nothing copied yet.
        shape = (count, rows, width, groups, k_h, k_w, each)
        strides = (
            *(at_image, at_row * s_h, at_column * s_w),
            *(at_channel * each, at_row * d_h, at_column * d_w, at_channel),
        )
        seen = np.ndarray(shape, source.dtype, source, 0, strides)
        size, total = k_h * k_w * each, count * rows * width
        # NumPy copies run by run, and a run of three floats costs nearly as much as one of thirty.
        # Where kW * C is short (the first layer), the columns are laid out the other way round, so
        # that a run goes along a line of the image.
        if k_w * each < width:
            lying = threads.scratch("columns", (groups, size + self.ones, total), source.dtype)
            target = lying[:, :size].reshape(groups, k_h, k_w, each, count, rows, width)
            seen = seen.transpose(3, 4, 5, 6, 0, 1, 2)
            matrix = lying.transpose(0, 2, 1)
        else:
            standing = threads.scratch("columns", (total, groups, size + self.ones), source.dtype)
            target = standing[:, :, :size].reshape(shape)
            matrix = standing.transpose(1, 0, 2)
        views = (source, seen, target, matrix)
        if max(source.nbytes, matrix.nbytes) <= threads.KEPT_BYTES:  # else it is not scratch memory
            self._kept.views = views
        return views
