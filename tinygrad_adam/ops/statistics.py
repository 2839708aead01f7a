"""Quantiles and their kin, which pick elements or lie between two; covariances."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, to_numpy
from tinygrad_adam.backend.dtypes import (
    float32,
    int64,
    is_differentiable,
    type_name,
)
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import checked, is_tensor_here, normalize_dim, numpy_names, returns
from tinygrad_adam.ops.complex_parts import complex, conj, imag, real
from tinygrad_adam.ops.elementwise import (
    ceil,
    clamp,
    div,
    floor,
    isnan,
    overwritten,
    require_real,
    round,
    sqrt,
    where,
)
from tinygrad_adam.ops.indexing import gather
from tinygrad_adam.ops.linalg import MatMul
from tinygrad_adam.ops.ordering import Argsort, ValuesAndIndices, dim_to_search, picked, sort
from tinygrad_adam.ops.reductions import Amax, Amin, dims_to_search, sum
from tinygrad_adam.ops.shapes import (
    cast,
    diagonal,
    expand,
    movedim,
    narrow,
    reshape,
    squeeze,
    transpose,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


# --- order ---------------------------------------------------------------------------------------


def _quantile(input: Any, q: Any, dim: Any, keepdim: bool, way: str, ignore_nan: bool) -> Any:
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if not is_tensor_here(q):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q:g}")
    elif q.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    elif q.dtype != input.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    elif not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    if way not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest,"
            f" but got {way}"
        )
    if math.prod(input.shape) == 0:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if dim is not None:
        dim = normalize_dim(dim, input.ndim)
    ndim = input.ndim
    x = reshape(input, (-1,)) if dim is None or not ndim else movedim(input, dim, -1)
    x = sort(x, -1).values
    last = x.shape[-1] - 1
    qs = reshape(q, (-1,)) if is_tensor_here(q) else input.new_full((1,), q)
    shape = (*x.shape[:-1], *qs.shape)
    nans = isnan(x)
    count = sum(nans, -1, True)
    if ignore_nan:  # they stand at the end
        rank = qs * cast(clamp(-count + last, 0), x.dtype)
    else:
        rank = where(count > 0, float(last), expand(qs * last, shape))
    if way in ("lower", "higher", "nearest"):
        rank = {"lower": floor, "higher": ceil, "nearest": round}[way](rank)
    below = expand(cast(floor(rank.detach()), int64), shape)
    y = gather(x, -1, below)
    if way in ("linear", "midpoint"):
        weight = rank - below
        weight = weight if way == "linear" else where(weight == 0, 0.0, overwritten(weight, 0.5))
        above = gather(x, -1, clamp(below + 1, max=last))
        y = where(weight == 0, y, y + weight * (above - y))
    y = movedim(y, -1, 0)
    if keepdim:
        sizes = [1 if dim in (None, d) else n for d, n in enumerate(input.shape)]
        y = reshape(y, (y.shape[0], *sizes))
    return y if is_tensor_here(q) and q.ndim else squeeze(y, 0)


@numpy_names
@checked
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Any = None,
) -> Tensor:
    """Return the q-quantiles of all elements, or along ``dim``; NaN if there is a NaN.

    Args:
        input: float32 or float64.
        q: a number from 0 to 1, or a vector of these: then there is a first dimension for them.
        dim: the dimension, or None for all.
        keepdim: keep it, with size 1.
        interpolation: between two elements: "linear", "lower", "higher", "midpoint", "nearest".
        out: a tensor for the result.

    Raises:
        RuntimeError: an argument is not among these, or there are no elements.
    """
    return _quantile(input, q, dim, keepdim, interpolation, False)  # type: ignore


@numpy_names
@checked
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Any = None,
) -> Tensor:
    """Return the q-quantiles of the elements that are not NaN: see :func:`quantile`."""
    return _quantile(input, q, dim, keepdim, interpolation, True)  # type: ignore


class ArgNanMedian(Operation):
    """Where along ``dim`` the lower median of all but NaN is; kept with size 1.  No gradient."""

    def forward(self, x: Array, dim: int) -> Array:
        require_real("nanmedian_out", x)
        xp = array_module(x)
        if x.ndim == 0:
            return xp.zeros((), int64)
        order = xp.argsort(x, axis=dim, kind="stable")
        count = (~xp.isnan(x)).sum(axis=dim, keepdims=True)
        return xp.take_along_axis(order, xp.maximum(count - 1, 0) // 2, axis=dim)


@returns("nanmedian")
@numpy_names
@checked
def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Any:
    """Return the median of what is not NaN, or with ``dim`` ``(values, indices)`` along it."""
    if dim is None:
        x = reshape(input, (-1,))
        if x.shape[0] == 0:
            return input.new_full((), math.nan if input.dtype.kind == "f" else -(2**63))
        return picked(x, 0, ArgNanMedian.apply(x, 0), False).values
    dim = dim_to_search("median", input, dim)
    return picked(input, dim, ArgNanMedian.apply(input, dim), keepdim)


class ArgMode(Operation):
    """Where the last of the most frequent elements along ``dim`` is; kept with size 1."""

    def forward(self, x: Array, dim: int) -> Array:
        require_real("mode", x)
        xp, x = array_module(x), to_numpy(x)
        if x.ndim == 0:
            return xp.zeros((), int64)
        order = np.argsort(x, axis=dim, kind="stable")
        ordered = np.moveaxis(np.take_along_axis(x, order, dim), dim, -1)
        places = np.arange(ordered.shape[-1])
        new = np.ones(ordered.shape, np.bool_)
        new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
        run = places - np.maximum.accumulate(np.where(new, places, 0), -1)
        ends = np.moveaxis(np.expand_dims(run.argmax(-1), -1), -1, dim)
        return xp.asarray(np.take_along_axis(order, ends, dim))


@returns("mode")
@numpy_names
@checked
def mode(
    input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> ValuesAndIndices:
    """Return the most frequent element along ``dim``, the smallest of several, and the last place
    of it."""
    dim = dim_to_search("mode", input, dim)
    return picked(input, dim, ArgMode.apply(input, dim), keepdim)


@returns("kthvalue")
@numpy_names
@checked
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> ValuesAndIndices:
    """Return the ``k``-th smallest element along ``dim``, counted from 1, and where it is.

    Raises:
        RuntimeError: there are fewer than ``k``.
    """
    dim = dim_to_search("kthvalue", input, dim)
    if not 1 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {dim}\n"
            f"  k is {k}, the tensor has shape {tuple(input.shape)}"
        )
    order = Argsort.apply(input, dim, False)
    return picked(input, dim, narrow(order, dim, k - 1, 1) if input.ndim else order, keepdim)


class MinAndMax(NamedTuple):
    """What :func:`aminmax` returns."""

    min: Any
    max: Any


@returns("aminmax")
@numpy_names
@checked
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None
) -> MinAndMax:
    """Return the smallest and the largest element, overall or along ``dim``."""
    if math.prod(input.shape) == 0 and dim is None:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            "identity."
        )
    dims = dims_to_search("aminmax", input, dim)
    return MinAndMax(*[kind.apply(input, dims, keepdim) for kind in (Amin, Amax)])


@checked
def msort(input: Tensor, *, out: Any = None) -> Tensor:
    """Return the elements in order along the first dimension."""
    return sort(input, 0).values  # type: ignore[no-any-return]


# --- covariances ---------------------------------------------------------------------------------


def _weights(name: str, weights: Any, count: int, kinds: str, kind: str) -> Any:
    """Return weights of observations, once sure that they are; None if there are none."""
    if weights is None:
        return None
    if weights.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
            f"{weights.ndim} dimensions"
        )
    if weights.dtype.kind not in kinds:
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with "
            f"{type_name(weights.dtype)} dtype"
        )
    if math.prod(weights.shape) != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input "
            f"but got {math.prod(weights.shape)} != {count}"
        )
    if count and bool((weights < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return weights


@checked
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """Return the covariances of the rows of a matrix, whose columns are observations.

    Args:
        input: (variables, observations), or one variable's observations.
        correction: what is taken from the number of observations to divide by.
        fweights: how often each observation was made, integers.
        aweights: the weight of each observation.

    Raises:
        RuntimeError: shapes or dtypes do not fit, or a weight is negative.
    """
    if input.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    if input.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = reshape(input, (1, math.prod(input.shape))) if input.ndim < 2 else input
    x = x if is_differentiable(x.dtype) else cast(x, float32)
    count = x.shape[1]
    times = _weights("fweights", fweights, count, "iu", "integral")
    weights = _weights("aweights", aweights, count, "f", "floating point")
    w = weights if times is None else times if weights is None else times * weights
    total: Any = count if w is None else sum(w)
    if w is not None and count and total == 0:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    average = sum(x if w is None else x * w, 1, True) / total
    freedom = total - correction
    if weights is not None:
        freedom = total - correction * sum(w * weights) / total if correction else total
    if freedom <= 0:
        warn("cov(): degrees of freedom is <= 0")
        freedom = freedom * 0
    centered = x - average
    others = conj(transpose(centered if w is None else centered * w, 0, 1))
    found = div(MatMul.apply(centered, cast(others, centered.dtype)), freedom)
    return reshape(found, ()) if found.shape == (1, 1) else found


@checked
def corrcoef(input: Tensor) -> Tensor:
    """Return the correlations of the rows of a matrix, whose columns are observations."""
    if input.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    c = cov(input)
    if c.ndim == 0:
        return c / c
    deviation = sqrt(real(diagonal(c)))
    c = c / unsqueeze(deviation, 1) / unsqueeze(deviation, 0)
    if c.dtype.kind == "c":
        return complex(clamp(real(c), -1, 1), clamp(imag(c), -1, 1))
    return clamp(c, -1, 1)
