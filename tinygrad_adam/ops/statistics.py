"""Counting, looking up and summing up: histograms, sorted edges, quantiles, covariances.

What counts or looks up has no gradient. What picks elements has that of :class:`Choose`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, to_numpy
from tinygrad_adam.backend.dtypes import (
    bool_,
    c_type_name,
    float32,
    float64,
    int32,
    int64,
    is_differentiable,
    type_name,
)
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import (
    Operand,
    checked,
    fitted,
    is_tensor_here,
    normalize_dim,
    numpy_names,
    require_dimensions,
)
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
from tinygrad_adam.ops.ordering import Argsort, ValuesAndIndices, _dim_to_search, _pick, sort
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


def _numbers(x: Any) -> np.ndarray:
    """Return the numbers of a tensor in host memory."""
    return to_numpy(x.array)


def _like(input: Any, numbers: Any) -> Any:
    """Return numbers from host memory as a tensor where ``input`` is."""
    return input._wrap(array_module(input.array).asarray(np.asarray(numbers)))


# --- sorted edges --------------------------------------------------------------------------------


@checked
def searchsorted(
    sorted_sequence: Tensor,
    input: Operand | None = None,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    values: Operand | None = None,
    out: Any = None,
) -> Tensor:
    """Return where each value would have to stand in a sorted sequence, int64.

    Args:
        sorted_sequence: (…, n), each row in order; or a vector.
        input: (…, m), or for a vector any tensor or number.
        out_int32: whether the result is int32.
        right: whether a value comes behind those that equal it.
        side: "right" or "left", another way to say this.
        sorter: where the elements are in order, if they do not stand in order.
        values: another name of ``input``.
        out: a tensor for the result.

    Raises:
        RuntimeError: the shapes do not fit, or side and right differ.
    """
    wanted = fitted("searchsorted", "input", "Operand", values if input is None else input)
    mine = "torch.searchsorted(): boundaries tensor should"
    if side not in (None, "left", "right"):
        raise RuntimeError(
            f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left "
            "while right was True"
        )
    edges = sorted_sequence
    if sorter is not None:
        if sorter.shape != edges.shape:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got "
                f"boundary tensor {list(edges.shape)}and got sorter tensor {list(sorter.shape)}"
            )
        if sorter.dtype != int64:
            raise RuntimeError(
                "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
                f"{type_name(sorter.dtype)}"
            )
        places = _numbers(sorter)
        if places.size and not 0 <= places.min() <= places.max() < edges.shape[-1]:
            raise RuntimeError("torch.searchsorted(): sorter index out of range")
        edges = gather(edges.detach(), -1, sorter)
    if edges.ndim == 0:
        raise RuntimeError(f"{mine} have positive dimension, but got 0 dimension")
    number = not is_tensor_here(wanted)
    shape = () if number else wanted.shape
    if edges.ndim > 1 and number:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor "
            f"dimension is 1, but we got boundaries tensor dim({edges.ndim}) and input value's "
            "dim(0) numel(1)"
        )
    if edges.ndim > 1 and edges.shape[:-1] != shape[:-1]:
        raise RuntimeError(
            f"{mine} be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
            f"value tensor must match, but we got boundaries tensor {list(edges.shape)} and input "
            f"value tensor {list(shape)}"
        )
    which: Any = "right" if right or side == "right" else "left"
    count = math.prod(edges.shape[:-1])
    rows = _numbers(edges).reshape(count, edges.shape[-1])
    sought = np.asarray(wanted if number else _numbers(wanted))
    lines = sought.reshape(count, math.prod(shape[-1:] if edges.ndim > 1 else shape))
    found = [np.searchsorted(row, line, which) for row, line in zip(rows, lines)]
    return _like(edges, np.array(found).reshape(shape).astype(int32 if out_int32 else int64))


@checked
def bucketize(
    input: Operand,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Any = None,
) -> Tensor:
    """Return between which of the sorted ``boundaries``, a vector, each element lies.

    Options as for :func:`searchsorted`.
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# --- counts --------------------------------------------------------------------------------------


@checked
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each of 0, 1, … occurs in a vector of integers, or the sums of weights.

    Counts are int64; sums are float32 for float32 weights, else float64.

    Raises:
        NotImplementedError: these are no integers.
        RuntimeError: one is negative, or it is no vector; or the weights are of another length.
    """
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.dtype.kind not in "iu":
        raise NotImplementedError(
            f"\"bincount_cpu\" not implemented for '{type_name(input.dtype)}'"
        )
    numbers = _numbers(input)
    if numbers.ndim != 1 or (numbers.size and numbers.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return _like(input, np.bincount(numbers.astype(int64), None, minlength).astype(int64))
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    sums = np.bincount(numbers.astype(int64), _numbers(weights), minlength)
    return _like(input, sums.astype(float32 if weights.dtype == float32 else float64))


class Histogram(NamedTuple):
    """What :func:`histogram` returns."""

    hist: Any
    bin_edges: Any


def _counted(x: np.ndarray, edges: np.ndarray, weights: Any = None) -> np.ndarray:
    """Return how many lie between two edges each, the last one included, or their weights."""
    x, weights = x.reshape(-1), None if weights is None else weights.reshape(-1)
    return np.histogram(x, edges, weights=weights)[0].astype(x.dtype)


def _edges(function: str, x: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    """Return ``bins`` + 1 edges from ``low`` to ``high``; equal ones mean those of the elements."""
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if low == high and x.size:
        low, high = x.min(), x.max()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.{function}: range of [{low:g}, {high:g}] is not finite")
    if low == high:
        grow = (0.0, 1.0) if not x.size else (0.5, 0.5)
        grow = (1.0, 1.0) if function == "histc" else grow
        low, high = low - grow[0], high + grow[1]
    return np.linspace(low, high, bins + 1, dtype=x.dtype)


@checked
def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Any = None
) -> Tensor:
    """Return how many elements lie in each of ``bins`` equal parts of [min, max].

    Equal limits mean the smallest and the largest element. What lies outside, or is NaN, is not
    counted.

    Raises:
        NotImplementedError: the elements are no floating-point numbers.
        RuntimeError: there are no bins, or the range is empty or not finite.
    """
    if input.dtype.kind != "f":
        raise NotImplementedError(
            f"\"histogram_cpu\" not implemented for '{type_name(input.dtype)}'"
        )
    if max < min:
        raise RuntimeError("torch.histc: max must be larger than min")
    x = _numbers(input)
    return _like(input, _counted(x, _edges("histc", x, bins, min, max)))


@checked
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Sequence[Any] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Histogram:
    """Return how many elements lie in each bin, and the edges of the bins.

    Args:
        input: floating-point numbers.
        bins: how many equal ones, or their edges, a vector.
        range: the first and the last edge; unless said, the smallest and the largest element.
        weight: count this much for each element.
        density: divide by the sum of all and by the width of the bin.
        out: two tensors for the results.

    Raises:
        NotImplementedError: the elements are no floating-point numbers.
        RuntimeError: shapes, dtypes or the range do not fit.
    """
    if input.dtype.kind != "f":
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{type_name(input.dtype)}'")
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
            f"input tensor excluding its innermost dimension, but got input with shape "
            f"{[math.prod(input.shape), 1]} and weight with shape {list(weight.shape)}"
        )
    x = _numbers(input)
    if is_tensor_here(bins):
        edges: Any = bins
        if edges.ndim != 1:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {edges.ndim} "
                "dimensions in the bins tensor for dimension 0"
            )
        if edges.dtype != input.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but "
                f"got input with dtype {c_type_name(input.dtype)} and bins for dimension 0 with "
                f"dtype {c_type_name(edges.dtype)}"
            )
        places = _numbers(edges)
        if len(places) < 2:
            raise RuntimeError(
                f"torch.histogram(): bins must be > 0, but got {len(places) - 1} for dimension 0"
            )
    else:
        if range is not None and len(range) != 2:
            raise RuntimeError(
                "torch.histogramdd: for a 1-dimensional histogram range should have 2 elements, "
                f"but got {len(range)}"
            )
        low, high = (0, 0) if range is None else range
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} "
                "for dimension 0"
            )
        if range is not None and low == high:
            low, high = low - 0.5, high + 0.5
        places = _edges("histogram", x, bins, low, high)  # type: ignore[arg-type]
    counts = _counted(x, places, None if weight is None else _numbers(weight))
    if density:
        counts = counts / (counts.sum() * np.diff(places))
    return Histogram(_like(input, counts), _like(input, places))


# --- different elements --------------------------------------------------------------------------


def _grouped(
    x: np.ndarray, dim: int | None, in_order: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different slices along ``dim``, where each is among them, and their counts.

    ``in_order``: equal ones that do not follow each other count as different, and nothing is
    sorted.
    """
    flat = x.reshape(-1) if dim is None else np.moveaxis(x, dim, 0)
    rows = flat.reshape(len(flat), math.prod(flat.shape[1:]))
    order = np.arange(len(rows)) if in_order else np.lexsort(rows.T[::-1])
    ordered = rows[order]
    new = np.ones(len(rows), np.bool_)
    if len(rows):
        new[1:] = (ordered[1:] != ordered[:-1]).any(1)
    group = np.empty(len(rows), int64)
    group[order] = np.cumsum(new) - 1
    found = flat[order][new]
    inverse = group.reshape(x.shape) if dim is None else group
    counts = np.bincount(group, minlength=len(found)).astype(int64)
    return (found if dim is None else np.moveaxis(found, 0, dim)), inverse, counts


def _unique(
    function: str, input: Any, dim: Any, in_order: bool, inverse: bool, counts: bool
) -> Any:
    require_real(function, input)
    if dim is not None:
        require_dimensions(input, dim)
        dim = normalize_dim(dim, input.ndim)
        if 0 in input.shape[:dim] + input.shape[dim + 1 :]:
            raise RuntimeError(
                "There are 0 sized dimensions, and they aren't selected, so unique cannot be "
                "applied"
            )
    found = _grouped(_numbers(input), dim, in_order)
    kept = [_like(input, x) for x, wanted in zip(found, (True, inverse, counts)) if wanted]
    return kept[0] if len(kept) == 1 else tuple(kept)


@checked
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the different elements in order, as a vector without gradient.

    Args:
        input: of any shape.
        sorted: they are in order, whatever this says.
        return_inverse: also return where in it each element of ``input`` is, int64.
        return_counts: also return how often each occurs, int64.
        dim: take slices along this dimension as elements.
    """
    return _unique("unique", input, dim, False, return_inverse, return_counts)


@checked
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the elements without those that equal the one before: see :func:`unique`."""
    return _unique("unique_consecutive", input, dim, True, return_inverse, return_counts)


@checked
def isin(
    elements: Operand,
    test_elements: Operand,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Any = None,
) -> Tensor:
    """Return whether each element is among ``test_elements``, or with ``invert`` whether not.

    One of the two may be a number. ``assume_unique`` says that none occurs twice; it need not.

    Raises:
        TypeError: both are numbers.
    """
    like = next((x for x in (elements, test_elements) if is_tensor_here(x)), None)
    if like is None:
        raise TypeError("isin() takes a tensor and a tensor, or a tensor and a number")
    a, b = [_numbers(x) if is_tensor_here(x) else np.asarray(x) for x in (elements, test_elements)]
    return _like(like, np.isin(a, b, invert=invert).astype(bool_))


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
        return _pick(x, 0, ArgNanMedian.apply(x, 0), False).values
    dim = _dim_to_search("median", input, dim)
    return _pick(input, dim, ArgNanMedian.apply(input, dim), keepdim)


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


@numpy_names
@checked
def mode(
    input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> ValuesAndIndices:
    """Return the most frequent element along ``dim``, the smallest of several, and the last place
    of it."""
    dim = _dim_to_search("mode", input, dim)
    return _pick(input, dim, ArgMode.apply(input, dim), keepdim)


@numpy_names
@checked
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> ValuesAndIndices:
    """Return the ``k``-th smallest element along ``dim``, counted from 1, and where it is.

    Raises:
        RuntimeError: there are fewer than ``k``.
    """
    dim = _dim_to_search("kthvalue", input, dim)
    if not 1 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {dim}\n"
            f"  k is {k}, the tensor has shape {tuple(input.shape)}"
        )
    order = Argsort.apply(input, dim, False)
    return _pick(input, dim, narrow(order, dim, k - 1, 1) if input.ndim else order, keepdim)


class MinAndMax(NamedTuple):
    """What :func:`aminmax` returns."""

    min: Any
    max: Any


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
