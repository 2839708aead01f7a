"""Dimension arguments as users write them, made uniform: counted from the front, checked."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from tinygrad_adam.autograd.errors import broadcast_error

Dims = tuple[int, ...]


def normalize_dim(dim: int, ndim: int) -> int:
    """Return ``dim`` counted from the front. A 0-d tensor has the dimension 0, and -1, too.

    Raises:
        IndexError: there is no such dimension.
        TypeError: it is no integer.
    """
    try:
        if dim is True or dim is False:
            raise TypeError
        dim = operator.index(dim)
    except TypeError:
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}") from None
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], "
            f"but got {dim})"
        )
    return dim % size


def normalize_dims(dim: int | Sequence[int] | None, ndim: int) -> Dims:
    """Return ``dim`` as a tuple of dimensions counted from the front; None and () mean all.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: one is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, Sequence):
        dim = (dim,)
    elif not dim:
        return tuple(range(ndim))
    dims = tuple([normalize_dim(d, ndim) for d in dim])
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims if ndim else ()


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that tensors of these shapes have together.

    Raises:
        RuntimeError: two of them differ in a dimension where neither has size 1.

    Source: PyTorch, ``torch.broadcast_shapes``.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(broadcast_error(list(shapes))) from None
