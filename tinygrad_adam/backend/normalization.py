"""Batch normalization of arrays of any layout, on the CPU and on the GPU.

With n = (x - mean) / sqrt(var + eps) and y = w n + b, and M numbers to a channel::

    dw = sum of g n        db = sum of g        dx = w / sqrt(var + eps) (g - db / M - n dw / M)

Source: Ioffe and Szegedy, "Batch Normalization" (2015).
"""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module


def batch_norm(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """x (N, C, …) normalized over all but its channels, and their mean and variance, (C,) each.

    weight, bias: C elements, or None. The variance is the biased one, a mean of squared deviations.
    """
    xp = array_module(x)
    if x.size == 0:  # nothing to take a mean of
        return x.copy(), xp.zeros(x.shape[1], x.dtype), xp.zeros(x.shape[1], x.dtype)
    dims = (0, *range(2, x.ndim))
    mean = x.mean(dims, keepdims=True)
    y = x - mean
    variance = xp.square(y).mean(dims, keepdims=True)
    scale = 1 / xp.sqrt(variance + eps)
    y *= scale if weight is None else scale * _along_channels(weight, x)
    if bias is not None:
        y += _along_channels(bias, x)
    return y, mean.reshape(-1), variance.reshape(-1)


def batch_norm_gradient(
    grad: Array, x: Array, weight: Array | None, mean: Array, inverse: Array, need_x: bool
) -> tuple[Array | None, Array, Array]:
    """The gradients of `batch_norm` for x (None if not needed), for weight and for bias.

    grad: that of the result, of x's shape; mean, and inverse, 1 / sqrt(variance + eps): C elements.
    Those for weight and bias are (C,).
    """
    dims = (0, *range(2, x.ndim))
    normalized = x - _along_channels(mean, x)
    normalized *= _along_channels(inverse, x)
    for_weight, for_bias = (grad * normalized).sum(dims), grad.sum(dims)
    if not need_x:
        return None, for_weight, for_bias
    count = max(1, x.size // max(1, x.shape[1]))
    normalized *= _along_channels(for_weight / count, x)
    dx = grad - _along_channels(for_bias / count, x)
    dx -= normalized
    scale = inverse if weight is None else inverse.reshape(-1) * weight.reshape(-1)
    dx *= _along_channels(scale, x)
    return dx, for_weight, for_bias


def _along_channels(values: Array, x: Array) -> Array:
    """(C,) in a shape that broadcasts against x (N, C, …)."""
    return values.reshape(-1, *[1] * (x.ndim - 2))
