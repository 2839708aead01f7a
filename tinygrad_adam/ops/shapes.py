"""Operations that move elements without changing them: views, transpositions, joins.

Where the memory allows it the result is a view: it shares the input's memory, as in PyTorch. ``g``
is the gradient of the result.
"""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.fit import Cast, Expand, SumToSize  # noqa: F401
from tinygrad_adam.backend import Array, array_module, device_of, move, promote_types
from tinygrad_adam.ops.arguments import Dims


class Reshape(Operation):
    """The same elements in the same order under another shape.  Gradient: g in the shape before.

    A view where the memory layout allows it, else a copy.
    """

    backward_takes_arrays = True

    def forward(self, x: Array, shape: tuple[int, ...]) -> Array:
        self.shape = x.shape
        y = x.reshape(shape)
        # NumPy and CuPy do not say whether they copied, but a view's base owns the memory of x.
        self.returns_view = y.base is not None and (y.base is x or y.base is x.base)
        return y

    def backward(self, grad: Any) -> Any:
        return grad.reshape(self.shape)


class Permute(Operation):
    """The dimensions in another order: a view.  Gradient: g in the order before."""

    returns_view = True

    def forward(self, x: Array, dims: Dims) -> Array:
        self.dims = dims
        return x.transpose(dims)

    def backward(self, grad: Any) -> Any:
        return grad.permute(sorted(range(len(self.dims)), key=self.dims.__getitem__))


class Cat(Operation):
    """Tensors one after the other along ``dim``.  Gradient: each gets its slice of g."""

    def forward(self, dim: int, *arrays: Array) -> Array:
        self.dim = dim
        self.sizes = [x.shape[dim] for x in arrays]
        dtype = arrays[0].dtype
        for x in arrays[1:]:
            dtype = promote_types(dtype, x.dtype)
        return array_module(arrays[0]).concatenate(arrays, axis=dim, dtype=dtype)

    def backward(self, grad: Any) -> Any:
        grads, start = [None], 0
        for size, needed in zip(self.sizes, self.needs_input_grad[1:]):
            grads.append(grad.narrow(self.dim, start, size) if needed else None)
            start += size
        return tuple(grads)


class Split(Operation):
    """Slices of given sizes along ``dim``: views.  Gradient: the slices' gradients joined."""

    returns_view = True

    def forward(self, x: Array, sizes: tuple[int, ...], dim: int) -> tuple[Array, ...]:
        self.dim = dim
        pieces, start = [], 0
        for size in sizes:
            pieces.append(x[(slice(None),) * dim + (slice(start, start + size),)])
            start += size
        return tuple(pieces)

    def backward(self, *grads: Any) -> Any:
        return Cat.apply(self.dim, *grads)


class Flip(Operation):
    """The order reversed along ``dims``: a copy.  Gradient: g flipped."""

    def forward(self, x: Array, dims: Dims) -> Array:
        self.dims = dims
        return array_module(x).flip(x, dims).copy()

    def backward(self, grad: Any) -> Any:
        return grad.flip(self.dims)


class Roll(Operation):
    """Shifted along ``dims``, round the end.  Gradient: g shifted back."""

    def forward(self, x: Array, shifts: tuple[int, ...], dims: Dims | None) -> Array:
        self.shifts, self.dims = shifts, dims
        return array_module(x).roll(x, shifts if dims is not None else shifts[0], dims)

    def backward(self, grad: Any) -> Any:
        return grad.roll([-shift for shift in self.shifts], self.dims)


class Tril(Operation):
    """The elements on and below a diagonal, zeros above.  Gradient: those of g."""

    def forward(self, x: Array, diagonal: int) -> Array:
        self.diagonal = diagonal
        return array_module(x).tril(x, diagonal)

    def backward(self, grad: Any) -> Any:
        return grad.tril(self.diagonal)


class Triu(Operation):
    """The elements on and above a diagonal, zeros below.  Gradient: those of g."""

    def forward(self, x: Array, diagonal: int) -> Array:
        self.diagonal = diagonal
        return array_module(x).triu(x, diagonal)

    def backward(self, grad: Any) -> Any:
        return grad.triu(self.diagonal)


class Diagonal(Operation):
    """The elements where two dimensions have equal indices, as a last dimension: a view.

    Gradient: g on that diagonal, zeros elsewhere.
    """

    returns_view = True

    def forward(self, x: Array, offset: int, dim1: int, dim2: int) -> Array:
        self.shape, self.place = x.shape, (offset, dim1, dim2)
        y = x.diagonal(offset, dim1, dim2)
        if not getattr(y.flags, "writeable", True):  # NumPy's caution, of which CuPy knows nothing
            y.flags.writeable = x.flags.writeable
        return y

    def backward(self, grad: Any) -> Any:
        return DiagonalScatter.apply(grad, self.shape, *self.place)


class DiagonalScatter(Operation):
    """Zeros of a shape, with x on a diagonal.  Gradient: the diagonal of g."""

    def forward(self, x: Array, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
        self.place = offset, dim1, dim2
        xp = array_module(x)
        y = xp.zeros(shape, x.dtype)
        # The diagonal of an array of positions says where each element goes.
        positions = xp.arange(y.size).reshape(shape).diagonal(offset, dim1, dim2)
        y.reshape(-1)[positions] = x
        return y

    def backward(self, grad: Any) -> Any:
        return grad.diagonal(*self.place)


class Clone(Operation):
    """A copy with memory of its own, in the same memory order.  Gradient: g."""

    def forward(self, x: Array) -> Array:
        return x.copy(order="K")

    def backward(self, grad: Any) -> Any:
        return grad


class Overwrite(Operation):
    """``source``, a number or array, in the shape and dtype of x.  Gradient: dsource = g."""

    def forward(self, x: Array, source: Any) -> Array:
        y = array_module(x).empty_like(x)
        y[...] = source
        return y

    def backward(self, grad: Any) -> Any:
        return grad.new_zeros(grad.shape) if self.needs_input_grad[0] else None, grad


class Contiguous(Operation):
    """A copy in C order.  Gradient: g."""

    def forward(self, x: Array) -> Array:
        return x.copy(order="C")

    def backward(self, grad: Any) -> Any:
        return grad


class Alias(Operation):
    """The same tensor under another name: a view.  Gradient: g."""

    returns_view = True

    def forward(self, x: Array) -> Array:
        return x.view()

    def backward(self, grad: Any) -> Any:
        return grad


class Move(Operation):
    """A copy on another device.  Gradient: g moved back."""

    def forward(self, x: Array, device: Any) -> Array:
        self.source = device_of(x)
        return move(x, device)

    def backward(self, grad: Any) -> Any:
        return grad.to(self.source)
