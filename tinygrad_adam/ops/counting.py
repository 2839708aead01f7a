"""Counting and looking up: sorted edges, histograms, different elements. Nothing has a gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam.backend import array_module, to_numpy
from tinygrad_adam.backend.dtypes import (
    bool_,
    c_type_name,
    float32,
    float64,
    int32,
    int64,
    type_name,
)
from tinygrad_adam.ops.arguments import (
    Operand,
    checked,
    fitted,
    is_tensor_here,
    normalize_dim,
    require_dimensions,
)
from tinygrad_adam.ops.elementwise import (
    require_real,
)
from tinygrad_adam.ops.indexing import gather

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
    with np.errstate(all="ignore"):  # weights may be infinite
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
        widen = 1.0 if function == "histc" else 0.5
        low, high = (low - widen, high + widen) if x.size else (0.0, 1.0)
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
        with np.errstate(invalid="ignore"):  # nothing was counted: NaN
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
