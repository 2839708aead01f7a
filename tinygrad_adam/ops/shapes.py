"""Operations that move elements without changing them: views, transpositions, copies.

Where the memory allows it the result is a view: it shares the input's memory, as in PyTorch. ``g``
is the gradient of the result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.fit import Cast, Expand, SumToSize
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import (
    Array,
    Dtype,
    array_module,
    as_dtype,
    contiguous_format,
    copied,
    dtype,
    memory_format,
    preserve_format,
    promote_types,
)
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import (
    Dim,
    Dims,
    IntOrPair,
    as_int,
    checked,
    flat,
    is_tensor_here,
    new_size,
    normalize_dim,
    normalize_dims,
    numpy_names,
    require_dimensions,
    resolve_shape,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


# --- another shape -------------------------------------------------------------------------------


class Reshape(Operation):
    """The same elements in the same order under another shape.  Gradient: g in the shape before.

    A view where the memory layout allows it, else a copy.
    """

    backward_name = "View"

    def forward(self, x: Array, shape: tuple[int, ...]) -> Array:
        self.shape = x.shape
        y = x.reshape(shape)
        # NumPy and CuPy do not say whether they copied, but a view's base owns the memory of x.
        self.returns_view = y.base is not None and (y.base is x or y.base is x.base)
        return y

    def backward(self, grad: Any) -> Any:
        return Reshape.apply(grad, self.shape)


class Squeeze(Reshape):
    """Without some dimensions of size 1."""

    backward_name = "SqueezeBackward1"


class SqueezeAll(Squeeze):
    """Without all dimensions of size 1."""

    backward_name = "SqueezeBackward0"


class Unsqueeze(Reshape):
    """With one more dimension of size 1."""

    backward_name = "UnsqueezeBackward0"


@checked
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Return the same elements in the same order under another shape.

    A view (the memory is shared) where the layout allows it, else a copy.

    Args:
        input: the tensor.
        sizes: the sizes, or a tuple of them; one may be -1 and follows from the others.
        shape: the same by name.

    Raises:
        RuntimeError: the sizes do not fit the number of elements.
    """
    return Reshape.apply(
        input,
        resolve_shape(
            flat(sizes, shape, "reshape(): argument 'shape' (position 2)"), math.prod(input.shape)
        ),
    )


@checked
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the tensor under the shape of ``other``."""
    return reshape(input, other.shape)


@checked
def view(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Return the same elements in the same order under another shape, sharing the memory.

    One exception: results of convolutions and pooling lie in channels-last memory, where
    PyTorch keeps them in (N, C, H, W) order. Their view is a copy, so that the numbers are what
    they are in PyTorch.

    Args:
        input: the tensor.
        sizes: the sizes, one of which may be -1; or a dtype of the same size in bytes, to read
            the memory as another type.
        size: the sizes by name.

    Raises:
        RuntimeError: the sizes do not fit; or the elements do not lie in order, as after a
            transposition.

    Source: PyTorch, ``torch.Tensor.view``.
    """
    if len(sizes) == 1 and isinstance(sizes[0], (np.dtype, dtype, type)):
        result = input._wrap(_memory_as(input, as_dtype(sizes[0])))
        result._writes = input._writes
        return result
    result = reshape(input, *sizes, shape=size)
    if result._base is None and result.numel() and not backend.is_channels_last(input.array):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead.\n"
            f"  shape {tuple(input.shape)}, strides {input.stride()}, wanted {tuple(result.shape)}"
        )
    return result


def _memory_as(input: Tensor, dtype: Dtype) -> Array:
    """Return the array's memory read as numbers of another dtype.

    Raises:
        RuntimeError: they have another size, and do not fit the last dimension.
    """
    size, wanted = input.itemsize, dtype.itemsize
    pair = f"to view {type_name(input.dtype)} as {type_name(dtype)} (different element sizes)"
    if size != wanted and input.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 {pair}")
    if size != wanted and input.stride(-1) != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {pair}, but got {input.stride(-1)}")
    if input.ndim and input.shape[-1] * size % wanted:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {wanted // size} {pair}, but got {input.shape[-1]}"
        )
    return input.array.view(dtype)


@checked
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return a view under the shape of ``other``."""
    return view(input, other.shape)


@checked
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the tensor with dimensions ``start_dim`` to ``end_dim`` joined into one."""
    start = normalize_dim(start_dim, input.ndim)
    end = normalize_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    joined = math.prod(shape[start : end + 1])
    return Reshape.apply(input, (*shape[:start], joined, *shape[end + 1 :]))


@checked
def ravel(input: Tensor) -> Tensor:
    """Return the tensor with all its dimensions joined into one."""
    return Reshape.apply(input, (math.prod(input.shape),))


@checked
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Return the tensor with dimension ``dim`` divided into several of ``sizes``, one maybe -1.

    Raises:
        RuntimeError: the sizes do not multiply up to that of ``dim``.
    """
    dim = normalize_dim(dim, input.ndim)
    wanted = flat((sizes,), None, "unflatten(): argument 'sizes' (position 3)")
    if not wanted:
        raise RuntimeError("unflatten: sizes must be non-empty")
    size = input.shape[dim] if input.ndim else 1
    known = math.prod([n for n in wanted if n != -1])
    unknown = wanted.count(-1)
    if unknown < 2 and known != size and (not unknown or known == 0 or size % known):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim "
            f"{dim} ({size}) in the input tensor"
        )
    shape = input.shape
    return Reshape.apply(input, (*shape[:dim], *resolve_shape(wanted, size), *shape[dim + 1 :]))


@numpy_names
@checked
def squeeze(input: Tensor, dim: Dim | None = None) -> Tensor:
    """Return a view without the dimensions of size 1: all of them, or those of ``dim``."""
    dims = normalize_dims(dim, input.ndim) if dim != () else ()
    kept = [n for d, n in enumerate(input.shape) if n != 1 or d not in dims]
    return (SqueezeAll if dim is None else Squeeze).apply(input, tuple(kept))


@numpy_names
@checked
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return a view with a dimension of size 1 put in at ``dim``."""
    dim = normalize_dim(dim, input.ndim + 1)
    return Unsqueeze.apply(input, (*input.shape[:dim], 1, *input.shape[dim:]))


def batched(ndim: int) -> Callable[[F], F]:
    """Let a function of tensors (N, …) of ``ndim`` dimensions take one without N, too."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def apply(input: Any, *args: Any, **options: Any) -> Any:
            if not is_tensor_here(input) or input.ndim != ndim - 1:
                return function(input, *args, **options)
            found = function(unsqueeze(input, 0), *args, **options)
            if isinstance(found, tuple):
                return tuple([squeeze(y, 0) for y in found])
            return squeeze(found, 0)

        return apply  # type: ignore[return-value]

    return decorate


# --- another order of dimensions -----------------------------------------------------------------


class Permute(Operation):
    """The dimensions in another order: a view.  Gradient: g in the order before."""

    returns_view = True

    def forward(self, x: Array, dims: Dims) -> Array:
        self.dims = dims
        return x.transpose(dims)

    def backward(self, grad: Any) -> Any:
        return Permute.apply(grad, tuple(sorted(range(grad.ndim), key=self.dims.__getitem__)))


class Transpose(Permute):
    """With two dimensions exchanged."""


class T(Permute):
    """A matrix, transposed."""


@checked
def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Return a view with the dimensions in another order.

    Raises:
        RuntimeError: not every dimension is named once.
    """
    order = flat(order, dims, "permute(): argument 'dims' (position 2)")
    if len(order) != input.ndim:
        raise RuntimeError(
            "permute(): number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to "
            f"len(dims) = {len(order)}"
        )
    order = tuple([normalize_dim(d, input.ndim) for d in order])
    if len(set(order)) < len(order):
        raise RuntimeError(f"permute(): duplicate dims are not allowed.\n  got {order}")
    return Permute.apply(input, order)


@checked
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return a view with two dimensions exchanged."""
    first = normalize_dim(dim0, input.ndim)
    second = normalize_dim(dim1, input.ndim)
    order = list(range(input.ndim))
    if order:
        order[first], order[second] = order[second], order[first]
    return Transpose.apply(input, tuple(order))


swapaxes = swapdims = transpose


@checked
def movedim(input: Tensor, source: IntOrPair, destination: IntOrPair) -> Tensor:
    """Return a view with dimension(s) moved to other places, the rest in order."""
    sources, destinations = (
        [normalize_dim(d, input.ndim) for d in (x if isinstance(x, (tuple, list)) else [x])]
        for x in (source, destination)
    )
    if len(sources) != len(destinations):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources} dims) should contain "
            f"the same number of dims as destination ({destinations} dims)"
        )
    for name, dims in (("source", sources), ("destination", destinations)):
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(dims)})")
    if input.ndim == 0:
        return Alias.apply(input)
    order = [d for d in range(input.ndim) if d not in sources]
    for place, d in sorted(zip(destinations, sources)):
        order.insert(place, d)
    return Permute.apply(input, tuple(order))


moveaxis = movedim


@checked
def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix; a vector or number as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return T.apply(input, (1, 0)) if input.ndim == 2 else Alias.apply(input)


# --- repeated, and summed back -------------------------------------------------------------------


@checked
def expand(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Return a view in which dimensions of size 1 are repeated; -1 keeps a size.

    Raises:
        RuntimeError: a dimension of another size would have to be repeated.
    """
    target, shape = list(flat(sizes, size, "expand(): argument 'size' (position 2)")), input.shape
    added = len(target) - input.ndim
    if added < 0:
        raise RuntimeError(
            f"expand(torch.{type_name(input.dtype)}Tensor{{{list(shape)}}}, size={target}): the "
            f"number of sizes provided ({len(target)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({input.ndim})"
        )
    for d in range(len(target) - 1, added - 1, -1):
        here = shape[d - added]
        if target[d] == -1:
            target[d] = here
        elif here not in (1, target[d]):
            raise RuntimeError(
                f"The expanded size of the tensor ({target[d]}) must match the existing size "
                f"({here}) at non-singleton dimension {d}.  Target sizes: {target}.  Tensor "
                f"sizes: {list(shape)}"
            )
    if min(target, default=0) < 0:
        raise RuntimeError(
            f"The expanded size of the tensor ({min(target)}) isn't allowed in a leading, "
            f"non-existing dimension {target.index(min(target))}"
        )
    if math.prod(target) >= 2**63:
        raise RuntimeError(f"numel: integer multiplication overflow\n  Target sizes: {target}")
    return Expand.apply(input, tuple(target))


@checked
def broadcast_to(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Return a view broadcast to a shape: another name of :func:`expand`."""
    return expand(input, *sizes, size=size)


@checked
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Return a view broadcast to the shape of ``other``."""
    return expand(input, other.shape)


@checked
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Return the tensor summed to a shape that broadcasts to its own."""
    shape, mine = flat(size, None, "sum_to_size(): argument 'size' (position 2)"), input.shape
    pairs = zip(mine[::-1], shape[::-1])
    if len(shape) > input.ndim or any(wanted not in (1, here) for here, wanted in pairs):
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(mine)}}}.")
    return input if shape == mine else SumToSize.apply(input, shape)


class Repeat(Operation):
    """Repeated a number of times along each dimension: a copy.  Gradient: that of all, summed."""

    def forward(self, x: Array, counts: tuple[int, ...]) -> Array:
        self.shape, self.counts = x.shape, counts
        return array_module(x).tile(x, counts)

    def backward(self, grad: Any) -> Any:
        sizes = (1,) * (grad.ndim - len(self.shape)) + self.shape
        # Each dimension as two: which of the repetitions, and where in it.
        grad = reshape(grad, [n for pair in zip(self.counts, sizes) for n in pair])
        return reshape(sum_to_size(grad, [n for size in sizes for n in (1, size)]), self.shape)


@checked
def repeat(input: Tensor, *counts: Any, repeats: Any = None) -> Tensor:
    """Return the tensor repeated a number of times along each dimension: a copy."""
    counts = flat(counts, repeats, "repeat(): argument 'repeats' (position 2)")
    added = len(counts) - input.ndim
    if added < 0:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    sizes = [count * size for count, size in zip(counts, (1,) * added + input.shape)]
    new_size("repeat", (), sizes)
    return Repeat.apply(input, tuple([max(count, 0) for count in counts]))


@checked
def tile(input: Tensor, *counts: Any, dims: Any = None) -> Tensor:
    """Return the tensor repeated along each dimension; missing counts, in front, are 1."""
    wanted = flat(counts, dims, "tile(): argument 'dims' (position 2)")
    return repeat(input, (1,) * (input.ndim - len(wanted)) + wanted)


# --- another order of elements -------------------------------------------------------------------


class Flip(Operation):
    """The order reversed along ``dims``: a copy.  Gradient: g flipped."""

    def forward(self, x: Array, dims: Dims) -> Array:
        self.dims = dims
        return array_module(x).flip(x, dims).copy()

    def backward(self, grad: Any) -> Any:
        return Flip.apply(grad, self.dims)


@checked
def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """Return a copy with the order reversed along ``dims``."""
    axes = flat(axes, dims, "flip(): argument 'dims' (position 2)")
    return Flip.apply(input, normalize_dims(axes, input.ndim) if axes else ())


class Roll(Operation):
    """Shifted along ``dims``, round the end.  Gradient: g shifted back."""

    def forward(self, x: Array, shifts: tuple[int, ...], dims: Dims | None) -> Array:
        self.shifts, self.dims = shifts, dims
        return array_module(x).roll(x, shifts if dims is not None else shifts[0], dims)

    def backward(self, grad: Any) -> Any:
        return Roll.apply(grad, tuple([-shift for shift in self.shifts]), self.dims)


@checked
def roll(input: Tensor, shifts: IntOrPair, dims: IntOrPair | None = None) -> Tensor:
    """Return the elements shifted along ``dims`` (flattened if None), round the end."""
    shifts = flat((shifts,), None, "roll(): argument 'shifts' (position 2)")
    if not shifts:
        raise RuntimeError("`shifts` required")
    if dims is not None:
        dims = flat((dims,), None, "roll(): argument 'dims' (position 3)") or None
    if dims is not None:
        require_dimensions(input, dims[0])
        dims = tuple([normalize_dim(d, input.ndim) for d in dims])
    if len(shifts) != (1 if dims is None else len(dims)):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims or ())}"
        )
    return Roll.apply(input, shifts, dims)


# --- triangles and diagonals ---------------------------------------------------------------------


class Tril(Operation):
    """The elements on and below a diagonal, zeros above.  Gradient: those of g."""

    keeps = "tril"

    def forward(self, x: Array, diagonal: int) -> Array:
        self.diagonal = diagonal
        return getattr(array_module(x), self.keeps)(x, diagonal)

    def backward(self, grad: Any) -> Any:
        return self.apply(grad, self.diagonal)


@checked
def tril(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Tensor:
    """Return the elements on and below a diagonal, with zeros above."""
    _require_matrices("tril", input)
    return Tril.apply(input, diagonal)


class Triu(Tril):
    """The elements on and above a diagonal, zeros below.  Gradient: those of g."""

    keeps = "triu"


@checked
def triu(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Tensor:
    """Return the elements on and above a diagonal, with zeros below."""
    _require_matrices("triu", input)
    return Triu.apply(input, diagonal)


def _require_matrices(function: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{function}: input tensor must have at least 2 dimensions")


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


@checked
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of the diagonal of two dimensions, as the last dimension."""
    return Diagonal.apply(input, offset, *two_dims(dim1, dim2, input.ndim))


class DiagonalScatter(Operation):
    """Zeros of a shape, with x on a diagonal.  Gradient: the diagonal of g."""

    backward_name = "DiagEmbed"

    def forward(self, x: Array, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
        self.place = offset, dim1, dim2
        xp = array_module(x)
        y = xp.zeros(shape, x.dtype)
        # The diagonal of an array of positions says where each element goes.
        positions = xp.arange(y.size).reshape(shape).diagonal(offset, dim1, dim2)
        y.reshape(-1)[positions] = x
        return y

    def backward(self, grad: Any) -> Any:
        return Diagonal.apply(grad, *self.place)


@checked
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices, in the dimensions ``dim1`` and ``dim2``, with the last dimension of the
    input on a diagonal and zeros elsewhere."""
    dims = two_dims(dim1, dim2, input.ndim + 1)
    require_dimensions(input, -1)
    side = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for place in sorted(dims):
        shape.insert(place, side)
    return DiagonalScatter.apply(input, tuple(shape), offset, *dims)


def two_dims(dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    """Return two dimensions counted from 0; raise unless they are different ones."""
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return first, second


@checked
def diag(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Tensor:
    """Return the diagonal of a matrix, or the matrix with a vector on its diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    return Clone.apply(Diagonal.apply(input, diagonal, 0, 1))


# --- windows, and memory read in steps of one's own -----------------------------------------------


class Windows(Operation):
    """All windows of ``size`` elements along ``dim``, ``step`` apart, as a last dimension: a view.

    Gradient: that of all windows an element is in, summed.
    """

    returns_view = True

    def forward(self, x: Array, dim: int, size: int, step: int) -> Array:
        self.shape, self.options = x.shape, (dim, size, step)
        count = (x.shape[dim] - size) // step + 1
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
        steps = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
        return array_module(x).lib.stride_tricks.as_strided(x, shape, steps)

    def backward(self, grad: Any) -> Any:
        return SumOfWindows.apply(grad, self.shape, *self.options)


class SumOfWindows(Operation):
    """Zeros of a shape, to which each window of x was added.  Gradient: the windows of g."""

    def forward(self, x: Array, shape: tuple[int, ...], dim: int, size: int, step: int) -> Array:
        self.options = dim, size, step
        y = array_module(x).zeros(shape, x.dtype)
        for i in range(size):  # the elements number i of all windows are different ones
            stop = i + step * (x.shape[dim] - 1) + 1
            y[(slice(None),) * dim + (slice(i, stop, step),)] += x[..., i]
        return y

    def backward(self, grad: Any) -> Any:
        return Windows.apply(grad, *self.options)


@checked
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return a view of all windows of ``size`` elements along a dimension, ``step`` apart.

    The windows are numbered in that dimension, and lie in a new last one.

    Raises:
        RuntimeError: a window is larger than the dimension, or the step is not positive.
    """
    dim = normalize_dim(dimension, input.ndim)
    if input.ndim == 0:
        if size > 1:
            raise RuntimeError(f"maximum size for tensor at dimension 0 is 1 but size is {size}")
        return narrow(reshape(input, (1,)), 0, 0, size)
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > input.shape[dim]:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {input.shape[dim]} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return Windows.apply(input, dim, size, step)


# --- cutting and joining -------------------------------------------------------------------------


class Narrow(Operation):
    """Some elements in a row along ``dim``: a view.  Gradient: g there, zeros elsewhere."""

    backward_name = "Slice"

    returns_view = True

    def forward(self, x: Array, dim: int, start: int, length: int) -> Array:
        around = start, x.shape[dim] - start - length
        self.amounts = (*[(0, 0)] * dim, around, *[(0, 0)] * (x.ndim - dim - 1))
        return x[(slice(None),) * dim + (slice(start, start + length),)]

    def backward(self, grad: Any) -> Any:
        return Pad.apply(grad, self.amounts, 0)


class Pad(Operation):
    """x with ``before`` and ``after`` elements of ``value`` at the ends of each dimension.

    Negative amounts cut elements off.  Gradient: g padded by the negative amounts.  Saves nothing.
    """

    backward_name = "ConstantPadNd"

    def forward(self, x: Array, amounts: tuple[tuple[int, int], ...], value: float) -> Array:
        self.amounts = amounts
        shape = tuple([n + b + a for n, (b, a) in zip(x.shape, amounts)])
        # Cutting comes first: no more can be cut off than is there.
        left = [n + min(b, 0) + min(a, 0) for n, (b, a) in zip(x.shape, amounts)]
        if min(left, default=0) < 0:
            raise RuntimeError(
                f"The input size {list(x.shape)}, plus negative padding "
                f"{[n for pair in reversed(amounts) for n in pair]}, resulted in a negative output "
                f"size {list(shape)}, which is invalid. Check dimensions of your input."
            )
        y = array_module(x).full(shape, value, x.dtype)
        inside = tuple([slice(max(b, 0), n - max(a, 0)) for n, (b, a) in zip(shape, amounts)])
        kept = tuple([slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape, amounts)])
        y[inside] = x[kept]
        return y

    def backward(self, grad: Any) -> Any:
        return Pad.apply(grad, tuple([(-before, -after) for before, after in self.amounts]), 0)


@checked
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return a view of ``length`` elements along ``dim``, from ``start``, also a 0-d tensor."""
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = normalize_dim(dim, input.ndim)
    if isinstance(start, Traced) and (start.array.ndim or start.array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    start = as_int("narrow", "start", 3, start)
    size = input.shape[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    if start < 0:
        start += size
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return Narrow.apply(input, dim, start, length)


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


@checked
def split(
    tensor: Tensor,
    split_size_or_sections: IntOrPair | None = None,
    dim: int = 0,
    *,
    split_size: IntOrPair | None = None,
) -> tuple[Tensor, ...]:
    """Return views of slices along ``dim``.

    Args:
        tensor: the tensor to cut.
        split_size_or_sections: the size of each slice (the last may be smaller), or all the sizes.
        dim: the dimension along which to cut.
        split_size: what ``Tensor.split`` calls ``split_size_or_sections``.

    Raises:
        RuntimeError: the sizes listed do not add up.
    """
    wanted: Any = split_size_or_sections if split_size is None else split_size
    if tensor.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, tensor.ndim)
    total = tensor.shape[dim]
    single = not isinstance(wanted, (tuple, list))
    sizes = flat((wanted,), None, "split(): argument 'split_size_or_sections' (position 2)")
    if min(sizes, default=0) < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={wanted}")
    if not single:
        if sum(sizes) != total:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {total} (input "
                f"tensor's size at dimension {dim}), but got split_sizes={list(sizes)}"
            )
    elif sizes == (0,) and total:
        raise RuntimeError(
            f"split_size can only be 0 if dimension size is 0, but got dimension size of {total}"
        )
    else:
        starts = range(0, total, sizes[0]) if total else [0]
        sizes = tuple([min(sizes[0], total - start) for start in starts])
    return Split.apply(tensor, sizes, dim)


@checked
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return at most ``chunks`` views of slices of equal size (the last may be smaller)."""
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[normalize_dim(dim, input.ndim)]
    return split(input, -(-size // chunks) if size else [0] * chunks, dim)


@checked
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return a view for each index of ``dim``, without that dimension."""
    require_dimensions(input, dim)
    dim = normalize_dim(dim, input.ndim)
    size, kept = input.shape[dim], (*input.shape[:dim], *input.shape[dim + 1 :])
    if size == 0:
        return ()
    return tuple([Reshape.apply(x, kept) for x in Split.apply(input, (1,) * size, dim)])


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
        # Not by Split: nothing may be written into one of several views, as into x.grad.
        grads, start = [None], 0
        for size, needed in zip(self.sizes, self.needs_input_grad[1:]):
            grads.append(Narrow.apply(grad, self.dim, start, size) if needed else None)
            start += size
        return tuple(grads)


# --- copies --------------------------------------------------------------------------------------


class Clone(Operation):
    """A copy with memory of its own, in the same memory order or another.  Gradient: g."""

    def forward(self, x: Array, form: memory_format | None = preserve_format) -> Array:
        return copied(x, form)

    def backward(self, grad: Any) -> Any:
        return grad


@checked
def clone(input: Tensor, *, memory_format: memory_format | None = preserve_format) -> Tensor:
    """Return a copy with memory of its own; its gradient goes to the input."""
    return Clone.apply(input, memory_format)


@checked
def detach(input: Tensor) -> Tensor:
    """Return a tensor on the same memory, without history, that does not require grad."""
    result: Tensor = input._wrap(input.array.view())
    result._writes = input._writes
    return result


@checked
def numel(input: Tensor) -> int:
    """Return the number of elements."""
    return math.prod(input.shape)


@checked
def contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """Return the tensor with its elements in memory in this order: itself if they are."""
    memory_format.order(input)
    if input.is_contiguous(memory_format):
        return input
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return Clone.apply(input, memory_format)


class Alias(Operation):
    """The same tensor under another name: a view.  Gradient: g."""

    returns_view = True

    def forward(self, x: Array) -> Array:
        return x.view()

    def backward(self, grad: Any) -> Any:
        return grad


def cast(input: Tensor, dtype: Dtype) -> Tensor:
    """Return the values in another dtype; the input itself if it has that."""
    if input.dtype == dtype:
        return input
    if input.dtype.kind == "c" and dtype.kind not in "bc":
        warn("Casting complex values to real discards the imaginary part")
    return Cast.apply(input, dtype)


class Move(Operation):
    """A copy on another device.  Gradient: g moved back."""

    backward_name = "ToCopy"

    def forward(self, x: Array, device: Any) -> Array:
        self.source = backend.device_of(x)
        return backend.move(x, device)

    def backward(self, grad: Any) -> Any:
        return Move.apply(grad, self.source)


def move_to(input: Tensor, device: Any) -> Tensor:
    """Return a copy on another device; the input itself if it is there.

    Raises:
        RuntimeError: the device is not there.
    """
    wanted, here = backend.device(device), input.device
    if wanted.type == here.type and wanted.index in (None, here.index):
        return input
    backend.require(wanted)
    return Move.apply(input, device)
