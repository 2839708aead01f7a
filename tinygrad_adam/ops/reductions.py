"""Operations that take many elements to one, along some dimensions or all.

``dim`` is None (all dimensions) or a tuple of dimensions, not negative: :func:`normalize_dims` made
it so. ``g`` is the gradient of the result.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, Dtype, array_module
from tinygrad_adam.backend.dtypes import as_dtype, int64, type_name
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.arguments import Dims
from tinygrad_adam.ops.shapes import Cat


def spread(reduced: Any, shape: tuple[int, ...], dims: Dims, keepdim: bool) -> Any:
    """Return the tensor ``reduced`` over ``dims`` as a broadcast view of the ``shape`` before."""
    if not keepdim and len(dims) < len(shape):
        kept = tuple([1 if i in dims else size for i, size in enumerate(shape)])
        reduced = reduced.reshape(kept)
    return reduced.expand(shape)


def _sum_dtype(x: Array) -> Dtype:
    """Return the dtype of a sum or product of elements of ``x``: of integers and bools int64."""
    return int64 if x.dtype.kind in "biu" else x.dtype


class Sum(Operation):
    """The sum; of integers in int64.  Gradient: g for every element summed.  Saves the shape."""

    def forward(self, x: Array, dim: Dims, keepdim: bool, dtype: Dtype | None = None) -> Array:
        self.shape, self.dim, self.keepdim = x.shape, dim, keepdim
        dtype = dtype or _sum_dtype(x)
        if dtype.kind in "fc":
            return total(x.astype(dtype, copy=False), dim, keepdim)
        return x.sum(axis=dim, keepdims=keepdim, dtype=dtype)

    def backward(self, grad: Any) -> Any:
        return spread(grad, self.shape, self.dim, self.keepdim)


class Mean(Operation):
    """The mean.  Gradient: g / n for each of the n elements.  Saves the shape."""

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        if x.dtype.kind not in "fc":
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point "
                f"or complex dtype. Got: {type_name(x.dtype)}\n  Convert it, as in x.float().mean()"
            )
        self.shape, self.dim, self.keepdim = x.shape, dim, keepdim
        self.count = _count(x.shape, dim)
        return _mean(x, dim, keepdim, self.count)

    def backward(self, grad: Any) -> Any:
        return spread(grad / self.count, self.shape, self.dim, self.keepdim)


def _mean(x: Array, dims: Dims, keepdim: bool, count: float) -> Array:
    """Return the sum over ``dims`` by ``count``, in the dtype of ``x``."""
    # Not x.mean(): for no elements NumPy would warn, where 0 / 0 is simply NaN.
    sums = total(wide(x), dims, keepdim)
    return array_module(x).true_divide(sums, count, dtype=sums.dtype).astype(x.dtype, copy=False)


def _count(shape: tuple[int, ...], dims: Dims) -> int:
    """Return how many elements a reduction of ``shape`` over ``dims`` takes together."""
    return math.prod([shape[d] for d in dims])


class Prod(Operation):
    """The product; of integers in int64.  Gradient: g times the product of the other elements.

    With no zero among them that is g y / x.  Otherwise it is computed from products from the left
    and from the right, so that one zero leaves the others' product for itself.  Saves x and the
    result y.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool, dtype: Dtype | None = None) -> Array:
        self.dim, self.keepdim = dim, keepdim
        dtype = dtype or _sum_dtype(x)
        y = wide(x.astype(dtype, copy=False)).prod(axis=dim, keepdims=keepdim)
        y = y.astype(dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        if x.ndim == 0:
            return grad
        grad = spread(grad, x.shape, self.dim, self.keepdim)
        if bool((x != 0).all()):
            return grad * (spread(y, x.shape, self.dim, self.keepdim) / x)
        others = tuple([d for d in range(x.ndim) if d not in self.dim])
        rows = x.permute(*others, *self.dim).reshape(*[x.shape[d] for d in others], -1)
        product = _product_of_others(rows)
        back = sorted(range(x.ndim), key=(others + self.dim).__getitem__)
        sizes = [x.shape[d] for d in others + self.dim]
        return grad * product.reshape(sizes).permute(*back)


def _product_of_others(rows: Any) -> Any:
    """Return for each element of a tensor the product of the others along the last dimension."""
    size = rows.shape[-1]
    if size < 2:
        return rows.new_ones(rows.shape)
    # Halve the row: an element's others are those of its own half, times the other half's product.
    half = size // 2
    left, right = rows[..., :half], rows[..., half:]
    pieces = [
        _product_of_others(left) * right.prod(-1, keepdim=True),
        _product_of_others(right) * left.prod(-1, keepdim=True),
    ]
    return Cat.apply(rows.ndim - 1, *pieces)


class _Extremum(Operation):
    """The largest or smallest element.  Gradient: g, in equal parts to all that equal it.

    Saves x and the result y.
    """

    dim: Dims
    keepdim: bool

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        winners = self.winners(x, spread(y, x.shape, self.dim, self.keepdim)).to(grad.dtype)
        share = winners / winners.sum(self.dim, keepdim=True)
        return spread(grad, x.shape, self.dim, self.keepdim) * share

    def winners(self, x: Any, y: Any) -> Any:
        return x == y


class Amax(_Extremum):
    """The largest element.  Gradient: shared by all that equal it.

    Source: PyTorch, ``torch.amax``.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        self.dim, self.keepdim = dim, keepdim
        y = x.max(axis=dim, keepdims=keepdim)
        self.save_for_backward(x, y)
        return y


class Amin(_Extremum):
    """The smallest element.  Gradient: shared by all that equal it.

    Source: PyTorch, ``torch.amin``.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        self.dim, self.keepdim = dim, keepdim
        y = x.min(axis=dim, keepdims=keepdim)
        self.save_for_backward(x, y)
        return y


class Max(Amax):
    """The largest of all elements.  Gradient: as of :class:`Amax`, and a NaN equals itself."""

    def winners(self, x: Any, y: Any) -> Any:
        return (x == y) | (x.isnan() & y.isnan())


class Min(Amin):
    """The smallest of all elements.  Gradient: as of :class:`Amin`, and a NaN equals itself."""

    def winners(self, x: Any, y: Any) -> Any:
        return (x == y) | (x.isnan() & y.isnan())


class Median(Max):
    """The middle one of all elements in order, the lower of two; NaN if there is a NaN, or none.

    Gradient: as of :class:`Max`.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        self.dim, self.keepdim = dim, keepdim
        xp = array_module(x)
        if x.size:
            ordered = xp.sort(x, axis=None)
            nan = x.dtype.kind == "f" and bool(xp.isnan(ordered[-1]))
            y = xp.asarray(math.nan if nan else ordered[(x.size - 1) // 2], x.dtype)
        else:  # as in PyTorch: the smallest integer, or True
            none = xp.iinfo(x.dtype).min if x.dtype.kind in "iu" else math.nan
            y = xp.asarray(none, x.dtype)
        self.save_for_backward(x, y)
        return y


def _running(dtype: Dtype) -> Dtype:
    """Return the dtype to go on from one result to the next in, as PyTorch does: a wider one."""
    return as_dtype({"e": "f4", "f": "f8", "F": "c16"}.get(dtype.char, dtype))


class Cumsum(Operation):
    """The running sum along a dimension; of integers in int64.  Gradient: the running sum of g
    from the other end.  Saves nothing."""

    def forward(self, x: Array, dim: int, dtype: Dtype | None = None) -> Array:
        self.dim = dim
        dtype = dtype or _sum_dtype(x)
        y = x.cumsum(axis=dim, dtype=_running(dtype))
        return y.astype(dtype, copy=False).reshape(x.shape)

    def backward(self, grad: Any) -> Any:
        return grad.flip(self.dim).cumsum(self.dim).flip(self.dim)


class Cumprod(Operation):
    """The running product along a dimension; of integers in int64.  Saves x and the result y.

    Gradient of the k-th element: the product p of those before it, times s, where s is the sum over
    i >= k of g_i times the product of those from k + 1 to i: s_k = g_k + x_(k+1) s_(k+1).  Where no
    element is 0, p_k s_k is the sum over i >= k of g_i y_i / x_k.
    """

    def forward(self, x: Array, dim: int, dtype: Dtype | None = None) -> Array:
        self.dim = dim
        dtype = dtype or _sum_dtype(x)
        y = x.cumprod(axis=dim, dtype=_running(dtype))
        y = y.astype(dtype, copy=False).reshape(x.shape)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        if x.ndim == 0:
            return grad
        if bool((x != 0).all()):
            return (grad * y).flip(self.dim).cumsum(self.dim).flip(self.dim) / x
        columns, g = x.unbind(self.dim), grad.unbind(self.dim)
        before = (y.new_ones(g[0].shape), *y.unbind(self.dim)[:-1])
        sums = [g[-1]]
        for k in range(len(columns) - 2, -1, -1):
            sums.append(g[k] + columns[k + 1] * sums[-1])
        pieces = [(p * s).unsqueeze(self.dim) for p, s in zip(before, sums[::-1])]
        return Cat.apply(self.dim, *pieces)


class LogSumExp(Operation):
    """log Σ exp(x), without overflow.  Gradient: g softmax(x) = g exp(x - y).  Saves x and y."""

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        self.dim, self.keepdim = dim, keepdim
        xp = array_module(x)
        if x.size:
            largest = x.max(axis=dim, keepdims=True)
            largest = xp.where(xp.isfinite(largest), largest, x.dtype.type(0))
        else:
            largest = x.dtype.type(0)
        y = xp.log(total(xp.exp(wide(x) - largest), dim, True)) + largest
        y = y.astype(x.dtype, copy=False)
        if not keepdim:
            y = y.reshape([size for d, size in enumerate(x.shape) if d not in dim])
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        weights = (x - spread(y, x.shape, self.dim, self.keepdim)).exp()
        return spread(grad, x.shape, self.dim, self.keepdim) * weights


class Var(Operation):
    """Σ (x - mean)² / (n - correction).  Gradient: g 2 (x - mean) / (n - correction).  Saves x."""

    def forward(self, x: Array, dim: Dims, keepdim: bool, correction: float) -> Array:
        self.save_for_backward(x)
        self.dim, self.keepdim = dim, keepdim
        self.freedom = _degrees_of_freedom("var", x.shape, dim, correction)
        return _variance(x, dim, keepdim, self.freedom)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        grad = spread(grad, x.shape, self.dim, self.keepdim)
        return grad * ((x - x.mean(self.dim, keepdim=True)) * _quotient(2, self.freedom))


class Std(Operation):
    """The square root of :class:`Var`.  Gradient: that of Var / (2 y), 0 where y is 0.

    Saves x and the result y.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool, correction: float) -> Array:
        self.dim, self.keepdim = dim, keepdim
        self.freedom = _degrees_of_freedom("std", x.shape, dim, correction)
        y = array_module(x).sqrt(_variance(x, dim, keepdim, self.freedom))
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        grad = (grad / (2 * y)).masked_fill(y == 0, 0)
        grad = spread(grad, x.shape, self.dim, self.keepdim)
        return grad * ((x - x.mean(self.dim, keepdim=True)) * _quotient(2, self.freedom))


def _quotient(a: float, b: float) -> float:
    return a / b if b else math.inf


def _degrees_of_freedom(name: str, shape: tuple[int, ...], dims: Dims, correction: float) -> float:
    freedom = _count(shape, dims) - correction
    if freedom <= 0:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
            f"reduction factor (input numel divided by output numel); got correction {correction} "
            f"for {_count(shape, dims)} elements",
            stacklevel=5,
        )
    return freedom


def _variance(x: Array, dims: Dims, keepdim: bool, freedom: float) -> Array:
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            "std and var only support floating point and complex dtypes\n"
            f"  These are {x.dtype}: convert them with .float()"
        )
    xp = array_module(x)
    values = wide(x)
    squares = xp.square(values - _mean(values, dims, True, _count(x.shape, dims)))
    return _mean(squares, dims, keepdim, max(freedom, 0)).astype(x.dtype, copy=False)


class Norm(Operation):
    """(Σ |x|ᵖ)^(1/p); the largest |x| for p = inf, the smallest for -inf, non-zeros for p = 0.

    Gradient: g x |x|^(p-2) / y^(p-1), and 0 where y is 0; for p = ±inf, g sign(x) in equal parts
    to the elements whose size is y.  Saves x and the result y.

    Source: PyTorch, ``torch.norm`` and ``torch.linalg.vector_norm``.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool, p: float) -> Array:
        self.dim, self.keepdim, self.p = dim, keepdim, p
        xp = array_module(x)
        if p == 2:
            y = xp.sqrt(total(xp.square(wide(x)), dim, keepdim))
        elif p == 0:
            y = (x != 0).sum(axis=dim, keepdims=keepdim)
        elif math.isinf(p):
            y = (xp.max if p > 0 else xp.min)(abs(x), axis=dim, keepdims=keepdim)
        else:
            y = total(abs(wide(x)) ** p, dim, keepdim) ** (1 / p)
        y = y.astype(x.dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        grad = spread(grad, x.shape, self.dim, self.keepdim)
        y = spread(y, x.shape, self.dim, self.keepdim)
        p = self.p
        if p == 0:
            return grad * 0
        if p == 1:
            return grad * x.sign()
        if p == 2:
            return x * (grad / y).masked_fill(y == 0, 0)
        if math.isinf(p):
            winners = ((x.abs() == y) | (x.isnan() & y.isnan())).to(grad.dtype)
            return x.sign() * grad * (winners / winners.sum(self.dim, keepdim=True))
        slope = x.sign() * x.abs() ** (p - 1)
        if p < 1:
            slope = slope.masked_fill(x == 0, 0)
        return slope * (grad / y ** (p - 1)).masked_fill(y == 0, 0)
