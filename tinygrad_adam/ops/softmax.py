"""Softmax and its logarithm, along one dimension. ``g`` is the gradient of the result."""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.elementwise import require_floating


def _shifted(name: str, x: Array, dim: int) -> Array:
    """Return x less its largest element along ``dim``, so that exp cannot overflow; not float16."""
    require_floating(f"{name}{'_lastdim' * (dim == max(x.ndim, 1) - 1)}_kernel_impl", x)
    x = wide(x)
    return x - x.max(axis=dim, keepdims=True) if x.size and x.ndim else x - x


class Softmax(Operation):
    """exp(x) / Σ exp(x).  Gradient: y (g - Σ g y).  Saves the result y."""

    def forward(self, x: Array, dim: int) -> Array:
        self.dim = dim
        y = array_module(x).exp(_shifted("softmax", x, dim))
        y = y / total(y, dim, True) if x.ndim else y
        y = y.astype(x.dtype, copy=False)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        weighted = grad * y
        return weighted - y * weighted.sum(self.dim, keepdim=True)


class LogSoftmax(Operation):
    """x - log Σ exp(x).  Gradient: g - exp(y) Σ g.  Saves the result y."""

    def forward(self, x: Array, dim: int) -> Array:
        self.dim = dim
        xp = array_module(x)
        y = _shifted("log_softmax", x, dim)
        if x.ndim:
            y = y - xp.log(total(xp.exp(y), dim, True))
        y = y.astype(x.dtype, copy=False)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad - y.exp() * grad.sum(self.dim, keepdim=True)
