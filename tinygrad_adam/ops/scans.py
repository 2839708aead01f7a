"""What runs along a dimension: extrema so far, running logarithms of sums, areas and slopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, is_differentiable, to_numpy
from tinygrad_adam.backend.dtypes import float32, int64
from tinygrad_adam.backend.sums import wide
from tinygrad_adam.ops.arguments import (
    Dim,
    Number,
    checked,
    fitted,
    is_tensor_here,
    normalize_dim,
    normalize_dims,
    numpy_names,
    require_dimensions,
    returns,
)
from tinygrad_adam.ops.elementwise import exp, overwritten, require_floating, require_real, where
from tinygrad_adam.ops.indexing import Choose, pick_along
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.ordering import ValuesAndIndices
from tinygrad_adam.ops.reductions import cumsum, sum
from tinygrad_adam.ops.shapes import broadcast_to, cast, narrow, reshape, unbind, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

# --- extrema so far ------------------------------------------------------------------------------


class ArgRunning(Operation):
    """Where the last extremum so far is, by the name of NumPy's function.  No gradient."""

    def forward(self, x: Array, name: str, dim: int) -> Array:
        xp, x = array_module(x), to_numpy(x)  # CuPy has no accumulate
        if x.ndim == 0:
            return xp.zeros((), int64)
        record = (x == getattr(np, name).accumulate(x, dim)) | np.isnan(x)
        places = np.arange(x.shape[dim]).reshape([-1] + [1] * (x.ndim - 1 - dim))
        return xp.asarray(np.maximum.accumulate(np.where(record, places, 0), dim))


def _extrema_so_far(function: str, name: str, input: Any, dim: int) -> ValuesAndIndices:
    require_real(f"{function}_cpu", input)
    dim = normalize_dim(dim, input.ndim)
    indices = ArgRunning.apply(input, name, dim)
    return ValuesAndIndices(pick_along(Choose, input, dim, indices), indices)


@returns("cummax")
@numpy_names
@checked
def cummax(input: Tensor, dim: int, *, out: Any = None) -> ValuesAndIndices:
    """Return the largest element so far along ``dim``, and where the last such one is."""
    return _extrema_so_far("cummax", "maximum", input, dim)


@returns("cummin")
@numpy_names
@checked
def cummin(input: Tensor, dim: int, *, out: Any = None) -> ValuesAndIndices:
    """Return the smallest element so far along ``dim``, and where the last such one is."""
    return _extrema_so_far("cummin", "minimum", input, dim)


# --- logarithms of sums --------------------------------------------------------------------------


class LogCumSumExp(Operation):
    """log of the running sum of exp(x), without overflow.  Saves x and the result y.

    Gradient: exp(x_k - y_k) s_k, where s_k is the sum over i >= k of g_i exp(y_k - y_i):
    s_k = g_k + s_(k+1) exp(y_k - y_(k+1)).
    """

    def forward(self, x: Array, dim: int) -> Array:
        require_floating("logcumsumexp_out_cpu", x)
        self.dim = dim
        numbers = to_numpy(wide(x))
        if x.ndim:
            numbers = np.logaddexp.accumulate(numbers, dim)
        y = array_module(x).asarray(numbers.astype(x.dtype))
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        if x.ndim == 0 or x.shape[self.dim] == 0:
            return grad
        g, levels = unbind(grad, self.dim), unbind(y, self.dim)
        sums = [g[-1]]
        for k in range(len(g) - 2, -1, -1):
            # Two infinities of one sign are equal.
            same = levels[k] == levels[k + 1]
            rise = where(same, 0.0, levels[k] - levels[k + 1])
            sums.append(g[k] + sums[-1] * exp(rise))
        rest = cat([unsqueeze(s, self.dim) for s in sums[::-1]], self.dim)
        return exp(where(x == y, 0.0, x - y)) * rest


@numpy_names
@checked
def logcumsumexp(input: Tensor, dim: int, *, out: Any = None) -> Tensor:
    """Return the logarithm of the running sum of exp(x) along ``dim``, without overflow."""
    dim = normalize_dim(dim, input.ndim)
    return LogCumSumExp.apply(input, dim)


# --- differences, areas, slopes ------------------------------------------------------------------


def _from_to(x: Any, dim: int, start: int, stop: int) -> Any:
    """Return x[start:stop] along ``dim``; a negative ``stop`` counts from the end."""
    size = x.shape[dim]
    stop = stop if stop > 0 else size + stop
    return narrow(x, dim, min(start, size), max(stop - start, 0))


@numpy_names
@checked
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Any = None,
) -> Tensor:
    """Return the differences of neighbours along ``dim``, taken ``n`` times.

    Args:
        input: the tensor.
        n: how often.
        dim: the dimension.
        prepend: what is put in front first, of the same shape but for ``dim``.
        append: what is put behind.
        out: a tensor for the result.

    Raises:
        RuntimeError: the tensor has no dimension, ``n`` is negative, or shapes do not fit.
    """
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = normalize_dim(dim, input.ndim)
    for x in (prepend, append):
        if x is not None and x.ndim != input.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    pieces = [x for x in (prepend, input, append) if x is not None]
    x = cat(pieces, dim) if n and len(pieces) > 1 else input
    for _ in range(n):
        size = x.shape[dim]
        count = size and size - 1
        later, earlier = narrow(x, dim, size - count, count), narrow(x, dim, 0, count)
        x = later ^ earlier if x.dtype.kind == "b" else later - earlier
    return x


def _strips(function: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[Any, int]:
    """Return the areas between neighbours, and the dimension along which they lie."""
    require_dimensions(y, dim)
    dim = normalize_dim(dim, y.ndim)
    if y.dtype.kind == "b" or (x is not None and x.dtype.kind == "b"):
        raise RuntimeError(f"{function}: received a bool input for `y`, but bool is not supported")
    if x is not None and dx is not None:
        raise TypeError(f"{function}() takes x or dx, not both")
    heights = _from_to(y, dim, 1, y.shape[dim]) + _from_to(y, dim, 0, max(y.shape[dim] - 1, 0))
    if x is None:
        return heights * (0.5 if dx is None else dx / 2), dim
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError(
                f"{function}: There must be one `x` value for each sample point\n"
                f"  {x.shape[0]} for {y.shape[dim]} points"
            )
        return heights * reshape(diff(x), (-1,) + (1,) * (y.ndim - 1 - dim)) * 0.5, dim
    added = y.ndim - x.ndim
    x = reshape(x, (1,) * added + tuple(x.shape)) if added > 0 else x
    return heights * diff(x, 1, dim - y.ndim) * 0.5, dim - y.ndim


@checked
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1
) -> Tensor:
    """Return the area under ``y`` along ``dim``, by the trapezoidal rule.

    Args:
        y: the heights.
        x: where they are: a vector, or a tensor that broadcasts with ``y``.
        dx: how far apart they are; 1 unless said.
        dim: along which dimension.

    Raises:
        RuntimeError: ``x`` does not fit, or there are bools.
    """
    strips, dim = _strips("trapezoid", y, x, dx, dim)
    return sum(strips, dim)


trapz = trapezoid


@checked
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1
) -> Tensor:
    """Return the area under ``y`` up to each point but the first: see :func:`trapezoid`."""
    strips, dim = _strips("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(strips, dim)


@checked
def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Dim | None = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Return the slopes of a function along each dimension, given its values on a grid.

    By central differences; at the edges by one-sided ones of the order ``edge_order``.

    Args:
        input: the values.
        spacing: how far apart the points are: a number, or for each dimension a number or a tensor
            of the coordinates.
        dim: along which dimensions; all unless said.
        edge_order: 1 or 2.

    Raises:
        RuntimeError: there are too few points or too many spacings, or another edge order.

    Source: PyTorch, ``torch.gradient``.
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = normalize_dims(dim, input.ndim)
    spacing = 1 if spacing is None else spacing
    several = isinstance(spacing, (list, tuple))
    steps: Sequence[Any] = spacing if several else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"equal to 'self.dim() = {len(dims)}', since dim argument was not given, but got a "
            f"list of length {len(steps)}"
        )
    steps = [fitted("gradient", "spacing", "Operand", step) for step in steps]
    for d in dims:
        if input.shape[d] <= edge_order:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )
    x = input if is_differentiable(input.dtype) else cast(input, float32)
    return tuple([_slopes(x, d, step, edge_order) for d, step in zip(dims, steps)])


def _slopes(y: Any, dim: int, step: Any, edge_order: int) -> Any:
    size = y.shape[dim]
    if is_tensor_here(step) and step.ndim:
        h = reshape(step[1:] - step[:-1], [-1 if d == dim else 1 for d in range(y.ndim)])
    else:
        shape = [size - 1 if d == dim else 1 for d in range(y.ndim)]
        one = broadcast_to(overwritten(y, 1)[(slice(0, 1),) * y.ndim], shape)
        h = one * (step.item() if is_tensor_here(step) else step)
    rise = diff(y, 1, dim)
    slope = rise / h
    before, after = _from_to(h, dim, 0, size - 2), _from_to(h, dim, 1, size - 1)
    left, right = _from_to(slope, dim, 0, size - 2), _from_to(slope, dim, 1, size - 1)
    inside = (left * after + right * before) / (before + after)
    ends = [_from_to(slope, dim, 0, 1), _from_to(slope, dim, size - 2, size - 1)]
    if edge_order == 2:
        first = (_from_to(h, dim, i, i + 1) for i in (0, 1))
        last = (_from_to(h, dim, i, i + 1) for i in (size - 2, size - 3))
        near = (_from_to(slope, dim, 1, 2), _from_to(slope, dim, size - 3, size - 2))
        for i, ((a, b), next_) in enumerate(zip((tuple(first), tuple(last)), near)):
            ends[i] = ends[i] + (ends[i] - next_) * a / (a + b)
    return cat([ends[0], inside, ends[1]], dim)
