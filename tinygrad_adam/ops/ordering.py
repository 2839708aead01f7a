"""What depends on the order of the elements: extrema with their positions, sorting, medians.

Positions have no gradient; the elements at them get that of :class:`Choose`. NaN counts as the
largest number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import int64
from tinygrad_adam.ops.arguments import (
    Dim,
    Dims,
    checked,
    is_tensor_here,
    normalize_dim,
    normalize_dims,
    numpy_names,
    returns,
)
from tinygrad_adam.ops.elementwise import maximum, minimum, require_real
from tinygrad_adam.ops.indexing import Choose, pick_along
from tinygrad_adam.ops.reductions import Amax, Amin, dims_to_search
from tinygrad_adam.ops.shapes import narrow, squeeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class ValuesAndIndices(NamedTuple):
    """What ``max``, ``min``, ``sort``, ``topk`` and ``median`` along a dimension return."""

    values: Any
    indices: Any


def picked(input: Any, dim: int, indices: Any, keepdim: bool) -> ValuesAndIndices:
    """Return the elements at ``indices`` along ``dim``, a size of 1 there, with the indices."""
    values = pick_along(Choose, input, dim, indices)
    if not keepdim and input.ndim:
        values, indices = squeeze(values, dim), squeeze(indices, dim)
    return ValuesAndIndices(values, indices)


_PICKS = {
    function: as_one(name, "input")(picked)
    for function, name in {"max": "Max", "min": "Min", "median": "MedianBackward1"}.items()
}


# --- extrema -------------------------------------------------------------------------------------


class ArgExtremum(Operation):
    """Where the (first) extremum is, int64, by the name of NumPy's function.  No gradient."""

    def forward(self, x: Array, name: str, dim: int | None, keepdim: bool) -> Array:
        find = getattr(array_module(x), name)
        return find(x, axis=dim if x.ndim else None, keepdims=keepdim).astype(int64, copy=False)


def _arg(function: str, input: Any, dim: Dim, keepdim: bool) -> Any:
    dim = None if dim is None else normalize_dim(dim, input.ndim)
    if input.dtype.kind == "b":
        raise RuntimeError(f"{function}(): does not support bool input")
    require_real(function, input, "{}(): does not support complex input", RuntimeError)
    dims_to_search(function, input, dim)
    return ArgExtremum.apply(input, function, dim, keepdim)


@numpy_names
@checked
def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """Return the position of the (first) largest element, int64; flat if ``dim`` is None."""
    return _arg("argmax", input, dim, keepdim)


@numpy_names
@checked
def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """Return the position of the (first) smallest element, int64; flat if ``dim`` is None."""
    return _arg("argmin", input, dim, keepdim)


class Max(Amax):
    """The largest of all elements.  Gradient: as of :class:`Amax`, and a NaN equals itself."""

    backward_name = "MaxBackward1"

    nan_is_nan = True


class Min(Amin):
    """The smallest of all elements.  Gradient: as of :class:`Amin`, and a NaN equals itself."""

    backward_name = "MinBackward1"

    nan_is_nan = True


@returns("max")
@numpy_names
@checked
def max(
    input: Tensor,
    dim: Tensor | int | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
) -> Any:
    """Return the largest element; or with ``dim`` the pair ``(values, indices)`` along it.

    With a tensor, ``other``, instead of ``dim`` it is :func:`maximum`. Along a dimension the first
    of equal elements is taken and gets the gradient; overall they share it. Errors as for
    :func:`amax`.
    """
    return _extremum(Max, maximum, input, dim, keepdim, other)


@returns("min")
@numpy_names
@checked
def min(
    input: Tensor,
    dim: Tensor | int | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
) -> Any:
    """Return the smallest element; or with ``dim`` the pair ``(values, indices)`` along it.

    As :func:`max`, with :func:`minimum`.
    """
    return _extremum(Min, minimum, input, dim, keepdim, other)


def _extremum(kind: Any, of_two: Any, input: Any, dim: Dim, keepdim: bool, other: Any) -> Any:
    function = kind.extremum
    if other is not None or is_tensor_here(dim):
        return of_two(input, dim if other is None else other)
    if dim is None:
        return kind.apply(input, dims_to_search(function, input, None), keepdim)
    dim = dim_to_search(function, input, dim)
    require_real(function, input, "{}(): does not support complex input", RuntimeError)
    return _PICKS[function](
        input, dim, ArgExtremum.apply(input, f"arg{function}", dim, True), keepdim
    )


def dim_to_search(function: str, input: Any, dim: Dim) -> int:
    """Return a dimension counted from 0; raise for one that there is not, or without elements."""
    dim = normalize_dim(dim, input.ndim)
    dims_to_search(function, input, dim)
    return dim


# --- sorting -------------------------------------------------------------------------------------


class Argsort(Operation):
    """Where the elements were before sorting them along ``dim``, int64.  No gradient.

    Equal elements keep their order.
    """

    def forward(self, x: Array, dim: int, descending: bool) -> Array:
        require_real("Sort", x, "{} does not support complex dtypes on CPU", RuntimeError)
        xp = array_module(x)
        if x.ndim == 0:
            return xp.zeros((), int64)
        if not descending:
            return xp.argsort(x, axis=dim, kind="stable")
        # From the last to the first, so that equal elements keep their order.
        found = xp.flip(xp.argsort(xp.flip(x, dim), axis=dim, kind="stable"), dim)
        return x.shape[dim] - 1 - found


@checked
def argsort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool | None = False,
    out: Any = None,
) -> Tensor:
    """Return where the elements were that :func:`sort` puts in order, int64."""
    return Argsort.apply(input, normalize_dim(dim, input.ndim), descending)


@returns("sort")
@as_one("Sort", "input")
@checked
def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool | None = False,
    out: Any = None,
) -> ValuesAndIndices:
    """Return the elements in order along ``dim``, and where they were: ``(values, indices)``.

    The sort is always stable: equal elements keep their order.

    Source: PyTorch, ``torch.sort``.
    """
    return picked(input, dim, argsort(input, dim, descending), True)


@returns("topk")
@as_one("Topk", "input")
@checked
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Any = None,
) -> ValuesAndIndices:
    """Return the ``k`` largest (or smallest) elements along ``dim``, and where they were.

    They come in order, whatever ``sorted`` says.

    Raises:
        RuntimeError: there are fewer than ``k``.

    Source: PyTorch, ``torch.topk``.
    """
    if input.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    require_real("topk", input, "{} does not support complex dtypes on CPU", RuntimeError)
    dim = normalize_dim(dim, input.ndim)
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(
            f"selected index k out of range\n  k is {k}, the tensor has shape {tuple(input.shape)}"
        )
    order = Argsort.apply(input, dim, largest)
    return picked(input, dim, narrow(order, dim, 0, k) if input.ndim else order, True)


# --- medians -------------------------------------------------------------------------------------


class Median(Max):
    """The middle one of all elements in order, the lower of two; NaN if there is a NaN, or none.

    Gradient: as of :class:`Max`.
    """

    backward_name = "Median"

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        require_real("median", x)
        self.options = x.shape, dim, keepdim
        xp = array_module(x)
        if x.size:
            ordered = xp.sort(x, axis=None)
            last = ordered[-1]
            y = xp.where(last == last, ordered[(x.size - 1) // 2], last)  # a NaN is not
        else:  # as in PyTorch: the smallest integer, or True
            none = xp.iinfo(x.dtype).min if x.dtype.kind in "iu" else math.nan
            y = xp.asarray(none, x.dtype)
        self.save(x, y)
        return y


class ArgMedian(Operation):
    """Where along ``dim`` the lower median is, or the first NaN; kept with size 1.  No gradient."""

    def forward(self, x: Array, dim: int) -> Array:
        require_real("median", x)
        xp = array_module(x)
        if x.ndim == 0:
            return xp.zeros((), int64)
        order = xp.argsort(x, axis=dim, kind="stable")
        middle = xp.take(order, xp.asarray([(x.shape[dim] - 1) // 2]), axis=dim)
        nans = xp.isnan(x)
        first = nans.argmax(axis=dim, keepdims=True)
        return xp.where(nans.any(axis=dim, keepdims=True), first, middle)


@returns("median")
@numpy_names
@checked
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Return the median, the lower of two; or with ``dim`` ``(values, indices)`` along it.

    NaN if there is a NaN, or no element at all.

    Raises:
        IndexError: ``dim`` has no elements.
    """
    if dim is None:
        return Median.apply(input, normalize_dims(None, input.ndim), False)
    dim = dim_to_search("median", input, dim)
    return picked(input, dim, ArgMedian.apply(input, dim), keepdim)
