"""Joining tensors, and making their shapes equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd.fit import Expand
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import (
    checked,
    common_shape,
    normalize_dim,
    numpy_names,
    tensor_list,
)
from tinygrad_adam.ops.shapes import Cat, Reshape, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


@numpy_names
@checked
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None) -> Tensor:
    """Return tensors joined one after the other along ``dim``; their dtypes are promoted.

    Empty one-dimensional tensors among them are passed over, as in PyTorch.

    Raises:
        RuntimeError: their shapes differ in another dimension.
        TypeError: something else is among them.
        ValueError: there are none.

    Source: PyTorch, ``torch.cat``.
    """
    tensors = tensor_list("cat", tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if x.ndim == 0:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated\n"
                "  stack() joins tensors along a new dimension"
            )
    kept = [x for x in tensors if x.shape != (0,)]
    if not kept:
        kept, dim = tensors, 0
    shape = kept[0].shape
    dim = normalize_dim(dim, len(shape))
    if len(kept) < len(tensors):  # the rest still counts for the dtype, and has a gradient
        nothing = (*shape[:dim], 0, *shape[dim + 1 :])
        tensors = [Reshape.apply(x, nothing) if x.shape == (0,) else x for x in tensors]
    for i, x in enumerate(tensors):
        if x.ndim != len(shape):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(shape)} and {x.ndim}"
            )
        for d, (size, wanted) in enumerate(zip(x.shape, shape)):
            if size != wanted and d != dim:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {wanted}"
                    f" but got size {size} for tensor number {i} in the list."
                )
    return Cat.apply(dim, *tensors)


concat = concatenate = cat


@as_one("Stack", "tensors")
@checked
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None) -> Tensor:
    """Return tensors of one shape joined along a new dimension ``dim``.

    Raises:
        RuntimeError: there are none, or their shapes differ.
        TypeError: something else is among them.

    Source: PyTorch, ``torch.stack``.
    """
    tensors = tensor_list("stack", tensors, some=True)
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise RuntimeError(
                "stack expects each tensor to be equal size, but got "
                f"{list(tensors[0].shape)} at entry 0 and {list(x.shape)} at entry {i}"
            )
    dim = normalize_dim(dim, tensors[0].ndim + 1)
    return Cat.apply(dim, *[unsqueeze(x, dim) for x in tensors])


@checked
def hstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Return tensors joined side by side: along dimension 1, or 0 for vectors and numbers."""
    rows = [unsqueeze(x, 0) if x.ndim == 0 else x for x in tensor_list("hstack", tensors, True)]
    return cat(rows, 0 if rows[0].ndim == 1 else 1)


@checked
def vstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Return tensors joined one below the other, along dimension 0; vectors are rows."""
    rows = tensor_list("vstack", tensors, some=True)
    return cat([Reshape.apply(x, (1, *(x.shape or (1,)))) if x.ndim < 2 else x for x in rows])


@checked
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Return the coordinates of the points of a grid, a tensor for each of the given vectors.

    Args:
        tensors: vectors (or numbers), or one list of them.
        indexing: "ij": the result has the vectors' sizes in their order; "xy": the first two are
            exchanged. Leaving it out warns, and means "ij".

    Raises:
        RuntimeError: there are no tensors, one has more dimensions or another dtype than the first,
            or ``indexing`` is another word.

    Source: PyTorch, ``torch.meshgrid``.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        (tensors,) = tensors
    vectors = tensor_list("meshgrid", tensors, some=True)
    if indexing is None:
        warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument."
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for x in vectors:
        if x.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: a tensor of "
                f"shape {list(x.shape)}"
            )
        if x.dtype != vectors[0].dtype:
            raise RuntimeError(
                "meshgrid expects all tensors to have the same dtype\n"
                f"  They are {', '.join([str(v.dtype) for v in vectors])}"
            )
    order = list(range(len(vectors)))
    if indexing == "xy":
        order[:2] = order[1::-1]
    lengths = [math.prod(x.shape) for x in vectors]
    sizes = tuple([lengths[i] for i in order])
    grids = []
    for i, x in enumerate(vectors):
        line = [1] * len(vectors)
        line[order.index(i)] = lengths[i]
        grids.append(Expand.apply(Reshape.apply(x, tuple(line)), sizes))
    return tuple(grids)


@checked
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors as views broadcast to their common shape."""
    found = tensor_list("broadcast_tensors", tensors)
    shape = common_shape(*[x.shape for x in found])
    return tuple([Expand.apply(x, shape) for x in found])
