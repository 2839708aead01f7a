"""Batch normalization on the CPU, for channels-last memory: what a convolution hands on.

The pixels are rows of C numbers there, and every number of a channel stands in one column. NumPy
starts a loop anew for each row, which costs more than the row where C is small, so some pixels make
one long row here, and the values of the channels are repeated along it (`_Rows`).

The image is cut into slices that fit into a core's cache, spread over the threads, and walked
through twice: once for the sums, once for the result. Between the two, the slices' means and
variances are put together by Chan's formula, which loses no digits where the mean is large. Sums
along columns are products with a row of ones: BLAS adds up many columns at a time.

The forward pass reads x twice and writes y once; the backward pass reads grad and x twice and
writes dx once. Small images and memory of other layouts are left to `backend.normalization`.

Source: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
Variances" (1979).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.backend import normalization
from tinygrad_adam.backend.cpu import memory, threads

# Numbers in a row, at least (if they can be had), and in a slice, at most.
ROW, SLICE = 1 << 10, 1 << 18
# With fewer numbers, walking from one end to the other a few times more costs less than the slices.
LEAST = 1 << 19
# What a number takes a thread, in one of the two walks, roughly.
SECONDS = 1e-9


def batch_norm(
    x: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`backend.normalization.batch_norm`, the result in x's memory order."""
    if not _applies(x, weight, bias):
        return normalization.batch_norm(x, weight, bias, eps)
    rows = _Rows(x)
    source = rows.of(x)
    found: dict[int, tuple[int, np.ndarray, np.ndarray]] = {}

    def measure(part: slice) -> None:
        piece = source[part]
        count = piece.size // x.shape[1]
        mean = rows.sums(piece) / count
        deviations = threads.scratch("deviations", piece.shape, x.dtype)
        np.subtract(piece, rows.repeat(mean), out=deviations)
        np.multiply(deviations, deviations, out=deviations)
        found[part.start] = count, mean, rows.sums(deviations)

    rows.for_slices(measure)
    mean, variance = _together([found[start] for start in sorted(found)])
    scale = 1 / np.sqrt(variance + eps)
    if weight is not None:
        scale = scale * weight.reshape(-1)
    y = memory.empty_like(x)
    target = rows.of(y)
    centre, factor = rows.repeat(mean), rows.repeat(scale)
    shift = None if bias is None else rows.repeat(bias.reshape(-1))

    def normalize(part: slice) -> None:
        piece = target[part]
        np.subtract(source[part], centre, out=piece)
        piece *= factor
        if shift is not None:
            piece += shift

    rows.for_slices(normalize)
    return y, mean.astype(x.dtype), variance.astype(x.dtype)


def batch_norm_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray | None,
    mean: np.ndarray,
    inverse: np.ndarray,
    need_x: bool,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """`backend.normalization.batch_norm_gradient`, the result for x in its memory order."""
    if not _applies(x, weight, grad):
        return normalization.batch_norm_gradient(grad, x, weight, mean, inverse, need_x)
    rows = _Rows(x)
    source, gradient = rows.of(x), rows.of(memory.in_order_of(x, grad))
    inverse = inverse.reshape(-1)
    centre = rows.repeat(mean.reshape(-1))
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def add_up(part: slice) -> None:
        piece = gradient[part]
        products = threads.scratch("deviations", piece.shape, x.dtype)
        np.subtract(source[part], centre, out=products)
        np.multiply(products, piece, out=products)
        found[part.start] = rows.sums(products), rows.sums(piece)

    rows.for_slices(add_up)
    parts = [found[start] for start in sorted(found)]
    for_weight = sum(part[0] for part in parts) * inverse
    for_bias: Any = sum(part[1] for part in parts)
    dx = None
    if need_x:
        count = x.size // x.shape[1]
        scale = inverse if weight is None else inverse * weight.reshape(-1)
        # dx = scale g - along (x - mean) - shift
        along = rows.repeat(scale * inverse * for_weight / count)
        shift, scale = rows.repeat(scale * for_bias / count), rows.repeat(scale)
        dx = memory.empty_like(x)
        target = rows.of(dx)

        def combine(part: slice) -> None:
            piece = target[part]
            deviations = threads.scratch("deviations", piece.shape, x.dtype)
            np.subtract(source[part], centre, out=deviations)
            np.multiply(deviations, along, out=deviations)
            np.multiply(gradient[part], scale, out=piece)
            piece -= deviations
            piece -= shift

        rows.for_slices(combine)
    return dx, for_weight.astype(x.dtype), for_bias.astype(x.dtype)


def _applies(x: np.ndarray, *others: np.ndarray | None) -> bool:
    """Whether x is large and channels-last, and all are of one dtype that BLAS knows."""
    return (
        x.size >= LEAST
        and x.dtype.char in "fd"
        and all(other is None or other.dtype == x.dtype for other in others)
        and np.moveaxis(x, 1, -1).flags.c_contiguous
    )


class _Rows:
    """Channels-last arrays (N, C, …) of one shape as rows of as many whole pixels each."""

    def __init__(self, x: np.ndarray) -> None:
        self.dtype = x.dtype
        self.channels = x.shape[1]
        pixels = x.size // self.channels
        self.pixels = 1
        while self.pixels * self.channels < ROW and pixels % (2 * self.pixels) == 0:
            self.pixels *= 2
        self.shape = (pixels // self.pixels, self.pixels * self.channels)

    def of(self, array: np.ndarray) -> np.ndarray:
        """`array` as rows, in place."""
        return np.moveaxis(array, 1, -1).reshape(self.shape)

    def repeat(self, values: np.ndarray) -> np.ndarray:
        """Values of the channels, (C,), along a row."""
        return np.tile(values.astype(self.dtype, copy=False), self.pixels)

    def sums(self, piece: np.ndarray) -> np.ndarray:
        """The sum of each channel over some rows: (C,), float64."""
        along = np.dot(np.ones(len(piece), self.dtype), piece)
        return along.reshape(self.pixels, self.channels).sum(axis=0, dtype=np.float64)

    def for_slices(self, compute: Callable[[slice], None]) -> None:
        """Call compute(slice of the rows) for all of them."""
        count, length = self.shape
        most = max(1, SLICE // length)
        threads.for_slices(compute, count, count * length * SECONDS, most)


def _together(parts: list[tuple[int, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The mean and variance of all slices, from the count, mean and squared deviations of each."""

    def add(a: Any, b: Any) -> Any:
        total, between = a[0] + b[0], b[1] - a[1]
        mean = a[1] + between * (b[0] / total)
        return total, mean, a[2] + b[2] + between * between * (a[0] * b[0] / total)

    count, mean, squares = functools.reduce(add, parts)
    return mean, squares / count
