"""ReLU and its gradient on the GPU: one elementwise kernel each."""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module


def relu(x: Array) -> Array:
    """max(x, 0) of real numbers, NaN where x is NaN (torch.nn.ReLU)."""
    return array_module(x).maximum(x, 0)


def relu_gradient(grad: Array, y: Array) -> Array:
    """The gradient of y = relu(x) for x: grad where y > 0 or NaN, else 0."""
    return array_module(y).where(y <= 0, y.dtype.type(0), grad)
