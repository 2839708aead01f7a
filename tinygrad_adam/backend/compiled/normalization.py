"""Batch normalization in compiled loops, channels last: pixels are rows of C numbers.

With n = (x - mean) / sqrt(var + eps) and y = w n + b, and M numbers to a channel::

    dw = sum of g n        db = sum of g        dx = w / sqrt(var + eps) (g - db / M - n dw / M)

Sums over pixels are made in float64, so that means and gradients are rounded once; each thread adds
up its own run of pixels. y and dx are within a few units in the last place of x - mean.

Source: Ioffe and Szegedy, "Batch Normalization" (2015).
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled
from tinygrad_adam.backend.compiled.memory import empty


def batch_norm(
    x: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (N, C, ...) normalized over all but its channels, and their mean and variance, (C,) each.

    weight, bias: C elements, or None. The variance is the biased one, a mean of squared deviations.
    """
    pixels = _pixels(x)
    count, channels = pixels.shape
    mean = _summed(_sums, pixels, channels) / count
    variance = _summed(_squares, pixels, channels, mean.astype(x.dtype)) / count
    scale = 1 / np.sqrt(variance + eps)
    if weight is not None:
        scale = scale * weight.reshape(-1)
    y = empty(pixels.shape, x.dtype)
    shift = np.zeros(channels) if bias is None else bias.reshape(-1)
    numbers = [values.astype(x.dtype) for values in (mean, scale, shift)]
    threads.share(lambda start, stop: _normalize(pixels, *numbers, y, start, stop), count, y.size)
    return _like(y, x), mean.astype(x.dtype), variance.astype(x.dtype)


def batch_norm_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray | None,
    mean: np.ndarray,
    inverse: np.ndarray,
    need_x: bool,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The gradients of `batch_norm` for x (None if not needed), for weight and for bias.

    grad: that of the result, of x's shape; mean, and inverse, 1 / sqrt(variance + eps): C elements.
    Those for weight and bias are (C,).
    """
    pixels, given = _pixels(x), _pixels(grad)
    count, channels = pixels.shape
    mean, inverse = mean.reshape(-1).astype(x.dtype), inverse.reshape(-1).astype(np.float64)
    for_bias = _summed(_sums, given, channels)
    for_weight = _summed(_products, given, channels, pixels, mean) * inverse
    dx = None
    if need_x:
        scale = inverse if weight is None else inverse * weight.reshape(-1)
        # dx = scale g - along (x - mean) - shift
        along, shift = scale * inverse * for_weight / count, scale * for_bias / count
        numbers = [values.astype(x.dtype) for values in (mean, scale, along, shift)]
        dx = empty(pixels.shape, x.dtype)
        threads.share(
            lambda start, stop: _combine(given, pixels, *numbers, dx, start, stop), count, dx.size
        )
        dx = _like(dx, x)
    return dx, for_weight.astype(x.dtype), for_bias.astype(x.dtype)


def _pixels(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) -> (pixels, C), C-contiguous."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(-1, x.shape[1])


def _like(pixels: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(pixels, C) -> x's shape."""
    return np.moveaxis(pixels.reshape(len(x), *x.shape[2:], x.shape[1]), -1, 1)


def _summed(kernel, pixels, channels, *others):  # type: ignore[no-untyped-def]
    """The sums of a kernel over all pixels, (C,), float64: a run of them for each thread."""
    bounds = threads.cuts(len(pixels), pixels.size, parts=1)
    sums = np.zeros((len(bounds) - 1, channels))
    if len(sums) == 1:
        kernel(pixels, *others, sums[0], 0, len(pixels))
    else:
        threads.run(lambda i: kernel(pixels, *others, sums[i], bounds[i], bounds[i + 1]), len(sums))
    return sums.sum(axis=0)


@compiled
def _sums(x, sums, start, stop):  # type: ignore[no-untyped-def]
    x = x[start:stop]
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            sums[c] += x[p, c]


@compiled
def _squares(x, mean, sums, start, stop):  # type: ignore[no-untyped-def]
    x = x[start:stop]
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            deviation = x[p, c] - mean[c]
            sums[c] += deviation * deviation


@compiled
def _products(grad, x, mean, sums, start, stop):  # type: ignore[no-untyped-def]
    grad, x = grad[start:stop], x[start:stop]
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            sums[c] += grad[p, c] * (x[p, c] - mean[c])


@compiled
def _normalize(x, mean, scale, shift, y, start, stop):  # type: ignore[no-untyped-def]
    x, y = x[start:stop], y[start:stop]
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            y[p, c] = (x[p, c] - mean[c]) * scale[c] + shift[c]


@compiled
def _combine(grad, x, mean, scale, along, shift, dx, start, stop):  # type: ignore[no-untyped-def]
    grad, x, dx = grad[start:stop], x[start:stop], dx[start:stop]
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            dx[p, c] = scale[c] * grad[p, c] - along[c] * (x[p, c] - mean[c]) - shift[c]
