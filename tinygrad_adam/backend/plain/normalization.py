"""Batch normalization of arrays of any layout.

With n = (x - mean) / sqrt(var + eps) and y = w n + b, and M numbers to a channel::

    dw = sum of g n        db = sum of g        dx = w / sqrt(var + eps) (g - db / M - n dw / M)

float16 is computed in float32 and rounded once.

Source: Ioffe and Szegedy, "Batch Normalization" (2015).
"""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import total, wide


def batch_norm(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """x (N, C, …) normalized over all but its channels, and their mean and variance, (C,) each.

    weight, bias: C elements, or None. The variance is the biased one, a mean of squared deviations.
    """
    dims, dtype = _all_but_channels(x), x.dtype
    count = max(1, x.size // max(1, x.shape[1]))
    x = wide(x)
    mean = total(x, dims, True) / count
    y = x - mean
    variance = total(y * y, dims, True) / count
    scale = 1 / array_module(x).sqrt(variance + eps)
    y *= scale if weight is None else scale * _along_channels(weight, x)
    if bias is not None:
        y += _along_channels(bias, x)
    mean, variance = (found.reshape(-1).astype(dtype, copy=False) for found in (mean, variance))
    return y.astype(dtype, copy=False), mean, variance


def batch_norm_gradient(
    grad: Array, x: Array, weight: Array | None, mean: Array, inverse: Array, need_x: bool
) -> tuple[Array | None, Array, Array]:
    """The gradients of `batch_norm` for x (None if not needed), for weight and for bias.

    grad: that of the result, of x's shape; mean, and inverse, 1 / sqrt(variance + eps): C elements.
    Those for weight and bias are (C,).
    """
    dims, dtype = _all_but_channels(x), x.dtype
    grad, x = wide(grad), wide(x)
    n = (x - _along_channels(mean, x)) * _along_channels(inverse, x)
    for_weight, for_bias = total(grad * n, dims), total(grad, dims)
    dx = None
    if need_x:
        count = max(1, x.size // max(1, x.shape[1]))
        scale = inverse if weight is None else inverse.reshape(-1) * weight.reshape(-1)
        n *= _along_channels(for_weight / count, x)
        dx = grad - _along_channels(for_bias / count, x)
        dx -= n
        dx *= _along_channels(scale, x)
        dx = dx.astype(dtype, copy=False)
    return dx, for_weight.astype(dtype, copy=False), for_bias.astype(dtype, copy=False)


def _all_but_channels(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _along_channels(values: Array, x: Array) -> Array:
    """(C,) in a shape that broadcasts against x (N, C, …), float16 in float32."""
    return wide(values).reshape(-1, *[1] * (x.ndim - 2))
