"""ReLU and its gradient."""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module


def relu(x: Array) -> Array:
    """max(x, 0) of real numbers, NaN where x is NaN (torch.nn.ReLU)."""
    return array_module(x).maximum(x, 0)


def relu_gradient(grad: Array, y: Array) -> Array:
    """The gradient of y = relu(x) for x: grad where y > 0 or NaN, else 0."""
    return only_where(y != 0, grad)


def only_where(mask: Array, values: Array) -> Array:
    """``where(mask, values, 0)`` of floats: their bits, as integers, times 1 or 0.

    ``values * mask`` would make NaN of infinity times 0, and ``where`` takes NumPy ten times as
    long.
    """
    return (values.view(f"i{values.itemsize}") * mask).view(values.dtype)
