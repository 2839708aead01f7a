"""Dimension arguments as users write them, made uniform: counted from the front, checked."""

from __future__ import annotations

import operator
from collections.abc import Sequence

Dims = tuple[int, ...]


def normalize_dim(dim: int, ndim: int) -> int:
    """Return ``dim`` counted from the front. A 0-d tensor has the dimension 0, and -1, too.

    Raises:
        IndexError: there is no such dimension.
    """
    dim = operator.index(dim)
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
