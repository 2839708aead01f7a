"""Tensors cut, joined, turned and put into one another: compositions of shapes and indices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.backend import array_module, promote_types
from tinygrad_adam.backend.dtypes import bool_, int64, type_name
from tinygrad_adam.ops.arguments import (
    IntOrPair,
    all_ints,
    checked,
    common_shape,
    fitted,
    flat,
    is_tensor_here,
    normalize_dim,
    tensor_list,
)
from tinygrad_adam.ops.complex_parts import conj
from tinygrad_adam.ops.elementwise import overwritten
from tinygrad_adam.ops.indexing import IndexPut, index_put, index_select, scatter_reduce
from tinygrad_adam.ops.joining import cat, hstack, meshgrid, stack, vstack
from tinygrad_adam.ops.reductions import cumprod
from tinygrad_adam.ops.shapes import (
    Alias,
    cast,
    diag_embed,
    diagonal,
    expand,
    flip,
    narrow,
    ravel,
    reshape,
    split,
    transpose,
    two_dims,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

# --- cut -----------------------------------------------------------------------------------------


@checked
def tensor_split(
    input: Tensor,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    indices: Any = None,
    sections: Any = None,
) -> tuple[Tensor, ...]:
    """Return views: ``n`` parts along ``dim`` of nearly equal size, or those between positions.

    Args:
        input: the tensor.
        indices_or_sections: how many parts, or the positions where a part begins; also a tensor.
        dim: the dimension.
        indices: the positions, by name.
        sections: the number of parts, by name.

    Raises:
        RuntimeError: the tensor has no dimension, or the number is not positive.
    """
    wanted = next((x for x in (indices_or_sections, indices, sections) if x is not None), None)
    parts = _parts("tensor_split", wanted)
    if input.ndim == 0:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if isinstance(parts, int):
        if parts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {parts}")
        longer = size % parts
        parts = [i * (size // parts) + min(i, longer) for i in range(1, parts)]
    places = [0, *[range(size)[:i].stop for i in parts], size]
    return tuple([narrow(input, dim, i, max(j - i, 0)) for i, j in itertools.pairwise(places)])


def _parts(function: str, wanted: Any) -> Any:
    """Return how many parts, or where they begin, as an int or a list of ints."""
    if is_tensor_here(wanted):
        if wanted.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional tensor, but got a tensor with {wanted.ndim} dims"
            )
        if wanted.dtype != int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{type_name(wanted.dtype)}"
            )
        return wanted.tolist()
    parts = fitted(function, "indices_or_sections", "Dim", wanted)
    return parts if isinstance(parts, int) else all_ints(f"{function}(): the indices", parts)


def _split_along(name: str, dim: int, least: int) -> Callable[..., tuple[Tensor, ...]]:
    """Return hsplit, vsplit or dsplit: :func:`tensor_split` along a dimension, into equal parts."""

    def split_it(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        input = fitted(name, "input", "Tensor", input)
        parts = fitted(name, "indices_or_sections", "Dim", indices_or_sections)
        parts = _parts(name, parts)
        if input.ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
                f"with {input.ndim} dimensions!"
            )
        along = 0 if name == "hsplit" and input.ndim == 1 else dim
        size = input.shape[along]
        if isinstance(parts, int) and (parts == 0 or size % parts):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {along}, but the size of the "
                f"dimension {size} is not divisible by the split_size {parts}!"
            )
        return tensor_split(input, parts, along)

    split_it.__name__ = split_it.__qualname__ = name
    split_it.__doc__ = (
        f"Return views of parts along dimension {dim}: a number of equal ones, or those between "
        "positions."
    )
    return split_it


hsplit = _split_along("hsplit", 1, 1)
vsplit = _split_along("vsplit", 0, 2)
dsplit = _split_along("dsplit", 2, 3)


@checked
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of slices of these sizes along ``dim``."""
    return split(input, split_sizes, dim)


# --- joined --------------------------------------------------------------------------------------


def _at_least(ndim: int, reshaped: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the function that gives tensors at least so many dimensions."""

    def atleast(*tensors: Any) -> Any:
        several = len(tensors) != 1 or isinstance(tensors[0], (tuple, list))
        if several and len(tensors) == 1:
            (tensors,) = tensors
        found = [reshaped(x) for x in tensor_list(atleast.__name__, tensors)]
        return tuple(found) if several else found[0]

    atleast.__name__ = atleast.__qualname__ = f"atleast_{ndim}d"
    atleast.__doc__ = (
        f"Return a tensor, or each of several, as a view of at least {ndim} dimension(s)."
    )
    return atleast


atleast_1d = _at_least(1, lambda x: x if x.ndim else reshape(x, (1,)))
atleast_2d = _at_least(2, lambda x: x if x.ndim > 1 else reshape(x, (1, math.prod(x.shape))))
atleast_3d = _at_least(
    3,
    lambda x: (
        x
        if x.ndim > 2
        else unsqueeze(x, -1)
        if x.ndim == 2
        else reshape(x, (1, math.prod(x.shape), 1))
    ),
)


@checked
def dstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Return tensors joined along dimension 2; vectors and matrices get it first."""
    return cat([atleast_3d(x) for x in tensor_list("dstack", tensors, True)], 2)


@checked
def column_stack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Return tensors joined along dimension 1; vectors and numbers are columns."""
    columns = [
        x if x.ndim > 1 else reshape(x, (math.prod(x.shape), 1))
        for x in tensor_list("column_stack", tensors, True)
    ]
    return hstack(columns)


row_stack = vstack


def block_diag(*tensors: Any) -> Tensor:
    """Return a matrix with these on its diagonal and zeros elsewhere; vectors are rows."""
    blocks = tensor_list("block_diag", tensors, some=True)
    for i, x in enumerate(blocks):
        if x.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {x.ndim} dimensions"
            )
    blocks = [atleast_2d(x) for x in blocks]
    widths = [x.shape[1] for x in blocks]
    dtype = blocks[0].dtype
    for x in blocks[1:]:
        dtype = promote_types(dtype, x.dtype)
    rows = []
    for i, x in enumerate(blocks):
        x = cast(x, dtype)
        left, right = sum(widths[:i]), sum(widths[i + 1 :])
        zeros = [x.new_zeros((x.shape[0], width)) for width in (left, right)]
        rows.append(cat([zeros[0], x, zeros[1]], 1))
    return cat(rows, 0)


def cartesian_prod(*tensors: Any) -> Tensor:
    """Return all tuples of an element of each vector, as rows; of one vector, the vector.

    Raises:
        RuntimeError: one is no vector.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        (tensors,) = tensors
    vectors = tensor_list("cartesian_prod", tensors)
    for x in vectors:
        if x.ndim != 1:
            raise RuntimeError(
                f"Expect a 1D vector, but got shape {list(x.shape)}\n  flatten() makes one"
            )
    if len(vectors) == 1:
        return vectors[0]  # type: ignore[no-any-return]
    return stack([ravel(x) for x in meshgrid(vectors, indexing="ij")], 1)


@checked
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all choices of ``r`` elements of a vector, as rows, in the order of the vector."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.shape[0]), r)), int64).reshape(-1, r)
    places = input._wrap(array_module(input.array).asarray(rows.reshape(-1)))
    return reshape(index_select(input, 0, places), rows.shape)


@checked
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """Return the powers N - 1, … 0 of a vector's elements, as columns; ``increasing``: 0, ….

    Raises:
        RuntimeError: ``x`` is no vector, or N is negative.
    """
    if x.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor.\n  It has shape {tuple(x.shape)}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count == 0:
        return x.new_empty((x.shape[0], 0))
    column = unsqueeze(x, 1)
    powers = cat([overwritten(column, 1), *[column] * (count - 1)], 1)
    powers = cumprod(powers, 1)
    return powers if increasing else flip(powers, 1)


# --- turned --------------------------------------------------------------------------------------


@checked
def fliplr(input: Tensor) -> Tensor:
    """Return a copy with the order of the columns reversed."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@checked
def flipud(input: Tensor) -> Tensor:
    """Return a copy with the order of the rows reversed."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@checked
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Return a copy turned ``k`` times by 90 degrees, from the first of two dimensions to the
    second.

    Raises:
        RuntimeError: there are not two different dimensions.
    """
    dims = flat((dims,), None, "rot90(): argument 'dims' (position 3)")
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    for i, d in enumerate(dims):
        if not -input.ndim <= d < input.ndim:
            raise RuntimeError(f"Rotation dim{i} out of range, dim{i} = {d}")
    first, second = dims
    k %= 4
    if k == 1:
        return transpose(flip(input, second), first, second).clone()
    if k == 3:
        return transpose(flip(input, first), first, second).clone()
    return flip(input, first, second) if k else input.clone()


@checked
def adjoint(input: Tensor) -> Tensor:
    """Return the matrices in the last two dimensions transposed and conjugated."""
    if input.ndim == 1:
        raise RuntimeError(
            "tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    return conj(transpose(input, -2, -1)) if input.ndim else Alias.apply(input)


@checked
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return a matrix with all elements, in a row, on a diagonal."""
    return diag_embed(ravel(input), offset)


# --- put into one another ------------------------------------------------------------------------


def _scattered(function: str, input: Any, view: Any, src: Any, shape: Any) -> Any:
    """Return a copy of ``input`` in which [view], of this shape, is ``src``."""
    if tuple(src.shape) != tuple(shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(shape)}\n  {function} broadcasts nothing"
        )
    return IndexPut.apply(input, cast(src, input.dtype), view, False)


@checked
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """Return a copy in which ``select(dim, index)`` is ``src``.

    Raises:
        RuntimeError: ``src`` has another shape than that.
    """
    dim = normalize_dim(dim, input.ndim)
    target = input.select(dim, index)
    return _scattered(  # type: ignore[no-any-return]
        "select_scatter", input, (slice(None),) * dim + (index, ...), src, target.shape
    )


@checked
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """Return a copy in which ``start:end:step`` of ``dim`` is ``src``.

    Raises:
        RuntimeError: ``src`` has another shape than that, or the step is not positive.
    """
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    dim = normalize_dim(dim, input.ndim)
    shape = list(input.shape)
    shape[dim] = len(range(shape[dim])[start:end:step])
    view = (slice(None),) * dim + (slice(start, end, step), ...)
    return _scattered("slice_scatter", input, view, src, shape)  # type: ignore[no-any-return]


@checked
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Return a copy in which ``diagonal(offset, dim1, dim2)`` is ``src``.

    Raises:
        RuntimeError: ``src`` has another shape than that.
    """
    first, second = two_dims(dim1, dim2, input.ndim)
    shape = diagonal(input, offset, first, second).shape
    if tuple(src.shape) != tuple(shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(shape)}"
        )
    view: list[Any] = [slice(None)] * input.ndim
    places = np.arange(shape[-1])
    xp = array_module(input.array)
    view[first] = xp.asarray(places + max(-offset, 0))
    view[second] = xp.asarray(places + max(offset, 0))
    # NumPy puts positions that stand side by side in their place, others in front.
    value = cast(src, input.dtype)
    value = value.movedim(-1, min(first, second) if abs(first - second) == 1 else 0)
    return IndexPut.apply(input, value, (...,), False, *view)  # type: ignore[no-any-return]


@checked
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return a copy in which the elements where ``mask`` holds are those of ``source``, in order.

    Raises:
        RuntimeError: the mask is no bool tensor, the dtypes differ, or there are too few elements.
    """
    if input.dtype != source.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{type_name(input.dtype)} and {type_name(source.dtype)}"
        )
    if mask.dtype != bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{type_name(mask.dtype)}"
        )
    shape = common_shape(input.shape, mask.shape)
    picks = expand(mask, shape).array.nonzero() if shape else (mask.reshape(1).array.nonzero())
    count = math.prod(picks[0].shape)
    if math.prod(source.shape) < count:
        raise RuntimeError(
            f"Number of elements of source < number of ones in mask\n"
            f"  {math.prod(source.shape)} < {count}"
        )
    values = narrow(ravel(source), 0, 0, count)
    x = expand(input, shape) if shape else reshape(input, (1,))
    return reshape(IndexPut.apply(x, values, (...,), False, *picks), shape)


@checked
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy in which the elements at ``index``, counted in a row, are those of ``source``.

    Args:
        input: the tensor.
        index: int64, of any shape.
        source: as many elements, of the same dtype.
        accumulate: add them to what is there.

    Raises:
        IndexError: a position does not exist, or the numbers of elements differ.
        RuntimeError: the dtypes differ.
    """
    if index.dtype != int64:
        raise RuntimeError(
            f"put_(): Expected a long tensor for index, but got {type_name(index.dtype)}"
        )
    if input.dtype != source.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{type_name(input.dtype)} and source.dtype = {type_name(source.dtype)}"
        )
    if math.prod(index.shape) != math.prod(source.shape):
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {math.prod(source.shape)}, index.numel() = {math.prod(index.shape)}"
        )
    flat = index_put(ravel(input), (ravel(index),), ravel(source), accumulate)
    return reshape(flat, input.shape)


@checked
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Any = None,
) -> Tensor:
    """Return a copy with slices of ``source`` reduced into positions along ``dim``.

    Args:
        input: the tensor.
        dim: the dimension.
        index: a vector, which position each slice belongs to.
        source: slices, as many as positions.
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether what stood there counts, too.
        out: a tensor for the result.

    Raises:
        IndexError: the index is no vector.
        RuntimeError: shapes do not fit, or ``reduce`` is another word.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    dim = normalize_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(
            f"index_reduce_(): Index is supposed to be a vector, but got dim: {index.ndim} with "
            f"type: {type_name(index.dtype)} and size: {list(index.shape)}"
        )
    if source.ndim and math.prod(index.shape) != source.shape[dim]:
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({math.prod(index.shape)}) should be equal to "
            f"source.size(dim): ({source.shape[dim]}), for dim: {dim}"
        )
    line = [-1 if d == dim else 1 for d in range(source.ndim)]
    places = expand(reshape(index, line), source.shape)
    return scatter_reduce(input, dim, places, source, reduce, include_self=include_self)


@checked
def unravel_index(indices: Tensor, shape: IntOrPair) -> tuple[Tensor, ...]:
    """Return the positions in a tensor of ``shape`` of elements that are counted in a row.

    Raises:
        TypeError: these are no integers.
        ValueError: a size is negative.
    """
    if indices.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = flat((shape,), None, "unravel_index(): argument 'shape' (position 2)")
    if min(sizes, default=0) < 0:
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    return tuple([
        indices // math.prod(sizes[d + 1 :]) % size for d, size in enumerate(sizes)
    ])  # fmt: skip
