"""What the engine itself does to a gradient to make it fit its value: it is recorded, too."""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import int64
from tinygrad_adam.backend.sums import total


class SumToSize(Operation):
    """A broadcast value summed back to a shape.  Gradient: g broadcast again."""

    def forward(self, x: Array, shape: tuple[int, ...]) -> Array:
        self.shape = x.shape
        added = x.ndim - len(shape)
        stretched = (added + i for i, size in enumerate(shape) if size == 1 != x.shape[added + i])
        axes = (*range(added), *stretched)
        integers = x.dtype.kind in "biu"
        return (x.sum(axis=axes, dtype=int64) if integers else total(x, axes)).reshape(shape)

    def backward(self, grad: Any) -> Any:
        return Expand.apply(grad, self.shape)


class Expand(Operation):
    """Repeated without copying, by broadcasting: a view.  Gradient: the engine sums it back."""

    returns_view = True

    def forward(self, x: Array, shape: tuple[int, ...]) -> Array:
        y = array_module(x).broadcast_to(x, shape)
        # NumPy lets nobody write into what it broadcast, even if nothing was repeated.
        return x.reshape(shape) if y.size == x.size else y

    def backward(self, grad: Any) -> Any:
        return grad


class Cast(Operation):
    """The values in another dtype, of complex numbers their real parts unless that is complex, too.

    Gradient: g; the engine casts it back.
    """

    backward_name = "ToCopy"

    def forward(self, x: Array, dtype: Any) -> Array:
        if x.dtype.kind == "c" and dtype.kind not in "cb":
            x = x.real
        return x.astype(dtype)

    def backward(self, grad: Any) -> Any:
        return grad


class Conj(Operation):
    """The complex conjugate.  Gradient: that of g."""

    def forward(self, x: Array) -> Array:
        return array_module(x).conj(x)

    def backward(self, grad: Any) -> Any:
        return conj(grad)


def conj(input: Any) -> Any:
    """Return the complex conjugate, a copy; real numbers as they are."""
    return Conj.apply(input) if input.dtype.kind == "c" else input
