"""Operations that take many elements to one, along some dimensions or all; and running sums.

In a class ``dim`` is a tuple of dimensions, not negative: the function beside it made it so. ``g``
is the gradient of the result.

Of a function's arguments ``dim`` is a dimension, several, or None for all; ``keepdim`` keeps the
reduced dimensions, with size 1; ``dtype`` converts the elements first.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend import (
    DEFAULT_DTYPE,
    Array,
    Dtype,
    array_module,
    as_dtype,
    is_differentiable,
)
from tinygrad_adam.backend.dtypes import bool_, float16, float32, int64, type_name
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.arguments import (
    Dim,
    Dims,
    Number,
    checked,
    normalize_dim,
    normalize_dims,
    numpy_names,
)
from tinygrad_adam.ops.elementwise import (
    exp,
    isnan,
    masked_fill,
    overwritten,
    pow,
    require_real,
    sgn,
)
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.shapes import (
    cast,
    expand,
    flip,
    narrow,
    permute,
    reshape,
    unbind,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def spread(reduced: Any, shape: tuple[int, ...], dims: Dims, keepdim: bool) -> Any:
    """Return what was reduced over ``dims`` as a broadcast view of the ``shape`` before."""
    if not keepdim and len(dims) < len(shape):
        kept = tuple([1 if d in dims else size for d, size in enumerate(shape)])
        reduced = reshape(reduced, kept)
    return expand(reduced, shape)


def _sum_dtype(x: Array) -> Dtype:
    """Return the dtype of a sum or product of elements of ``x``: of integers and bools int64."""
    return int64 if x.dtype.kind in "biu" else x.dtype


def _converted(x: Any, dtype: Any) -> Any:
    """Return ``x`` in ``dtype``, unless that is None or what ``x`` has."""
    return x if dtype is None else cast(x, as_dtype(dtype))


def _dtype_of_a_mean(name: str, dtype: Any) -> Dtype:
    """Return the dtype that a mean is asked for in; RuntimeError if it is none for fractions."""
    dtype = as_dtype(dtype)
    if not is_differentiable(dtype):
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Optional dtype must be either a floating "
            f"point or complex dtype. Got: {type_name(dtype)}"
        )
    return dtype


# --- sums, means, products -----------------------------------------------------------------------


def _numbered(name: str, shape: tuple[int, ...], dims: Dims, keepdim: bool) -> Any:
    """Return PyTorch's form of a reduction: numbered 0 if it is over everything, else 1."""
    return f"{name}Backward{int(keepdim or len(dims) < len(shape))}", 0


class Sum(Operation):
    """The sum; of integers in int64.  Gradient: g for every element summed."""

    def shown(self) -> Any:
        """Return PyTorch's form: another name if it was along dimensions."""
        return _numbered("Sum", *self.options)

    def forward(self, x: Array, dim: Dims, keepdim: bool, dtype: Dtype | None = None) -> Array:
        self.options = x.shape, dim, keepdim
        dtype = dtype or _sum_dtype(x)
        if dtype.kind in "fc":
            return total(x.astype(dtype, copy=False), dim, keepdim)
        return x.sum(axis=dim, keepdims=keepdim, dtype=dtype)

    def backward(self, grad: Any) -> Any:
        return spread(grad, *self.options)


@numpy_names
@checked
def sum(
    input: Tensor,
    dim: Dim | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return the sum of all elements, or along ``dim``; of integers in int64."""
    dims = normalize_dims(dim, input.ndim)
    x = _converted(input, dtype)
    return Sum.apply(x, dims, keepdim, dtype and x.dtype)


@as_one("Nansum", "input")
@numpy_names
@checked
def nansum(
    input: Tensor,
    dim: Dim | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return the sum of the elements that are not NaN."""
    require_real("nansum", input, "{} on CPU does not support complex inputs", RuntimeError)
    return sum(masked_fill(input, isnan(input), 0), dim, keepdim, dtype=dtype)


@numpy_names
@checked
def count_nonzero(input: Tensor, dim: Dim | None = None) -> Tensor:
    """Return how many elements are not zero, overall or along ``dim``, int64."""
    return sum(input != 0, dim)


class Mean(Operation):
    """The mean.  Gradient: g / n for each of the n elements."""

    def shown(self) -> Any:
        """Return PyTorch's form: another name if it was along dimensions."""
        return _numbered("Mean", *self.options)

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        if x.dtype.kind not in "fc":
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point "
                f"or complex dtype. Got: {type_name(x.dtype)}\n  Convert it, as in x.float().mean()"
            )
        self.options = x.shape, dim, keepdim
        self.count = _count(x.shape, dim)
        return _mean(x, dim, keepdim, self.count)

    def backward(self, grad: Any) -> Any:
        if grad.dtype == float16:  # which may not hold the count
            grad = cast(grad, float32)
        return spread(grad / self.count, *self.options)


@numpy_names
@checked
def mean(
    input: Tensor,
    dim: Dim | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return the mean of all elements, or along ``dim``.

    Raises:
        RuntimeError: the elements are integers or bools.
    """
    dims = normalize_dims(dim, input.ndim)
    x = input if dtype is None else cast(input, _dtype_of_a_mean("mean", dtype))
    return Mean.apply(x, dims, keepdim)


@numpy_names
@checked
def nanmean(
    input: Tensor,
    dim: Dim | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return the mean of the elements that are not NaN.

    Raises:
        RuntimeError: the elements are integers or bools.
    """
    if not is_differentiable(input.dtype):
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{type_name(input.dtype)}"
        )
    wanted = input.dtype if dtype is None else _dtype_of_a_mean("nanmean", dtype)
    if wanted == float16:  # which may not hold how many there are
        return cast(nanmean(cast(input, float32), dim, keepdim), float16)
    return nansum(input, dim, keepdim, dtype=wanted) / sum(~isnan(input), dim, keepdim)


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

    With no zero among them that is g y / x.  Otherwise the others are multiplied, so that one zero
    leaves their product for itself.  Saves x and the result y.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: another name if it was along a dimension."""
        return _numbered("Prod", *self.options)

    def forward(self, x: Array, dim: Dims, keepdim: bool, dtype: Dtype | None = None) -> Array:
        self.options = x.shape, dim, keepdim
        dtype = dtype or _sum_dtype(x)
        y = wide(x.astype(dtype, copy=False)).prod(axis=dim, keepdims=keepdim)
        y = y.astype(dtype, copy=False)
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        if x.ndim == 0:
            return grad
        _, dims, _ = self.options
        grad = spread(grad, *self.options)
        if bool(all(x != 0)):
            return grad * (spread(y, *self.options) / x)
        order = (*[d for d in range(x.ndim) if d not in dims], *dims)
        sizes = [x.shape[d] for d in order]
        rows = reshape(permute(x, order), (*sizes[: -len(dims)], math.prod(sizes[-len(dims) :])))
        others = reshape(_product_of_others(rows), sizes)
        return grad * permute(others, sorted(range(x.ndim), key=order.__getitem__))


def _product_of_others(rows: Any) -> Any:
    """Return for each element the product of the others along the last dimension."""
    size = rows.shape[-1]
    if size < 2:
        return overwritten(rows, 1)
    if size % 2:
        one = overwritten(narrow(rows, -1, 0, 1), 1)
        return narrow(_product_of_others(cat([rows, one], -1)), -1, 0, size)
    # In pairs: an element's others are its partner, and those of the pair.
    pairs = reshape(rows, (*rows.shape[:-1], size // 2, 2))
    others = _product_of_others(prod(pairs, -1))
    return reshape(flip(pairs, -1) * unsqueeze(others, -1), rows.shape)


@numpy_names
@checked
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return the product of all elements, or along one dimension; of integers in int64."""
    dims = normalize_dims(dim, input.ndim)
    x = _converted(input, dtype)
    return Prod.apply(x, dims, keepdim, dtype and x.dtype)


# --- the largest and the smallest ----------------------------------------------------------------


class Amax(Operation):
    """The largest element.  Gradient: g, in equal parts to all that equal it.

    Saves x and the result y.
    """

    extremum = "max"
    nan_is_nan = False
    """Whether a NaN equals itself, and so gets a gradient."""

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        require_real(type(self).__name__.lower(), x)
        self.options = x.shape, dim, keepdim
        y = getattr(x, self.extremum)(axis=dim, keepdims=keepdim)
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        y = spread(y, *self.options)
        winners = (x == y) | (isnan(x) & isnan(y)) if self.nan_is_nan else x == y
        winners = cast(winners, grad.dtype)
        share = winners / sum(winners, self.options[1], True)
        return spread(grad, *self.options) * share


@numpy_names
@checked
def amax(
    input: Tensor, dim: Dim | None = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """Return the largest element, overall or along ``dim``; equal ones share the gradient.

    Raises:
        IndexError: a dimension named has no elements.
        RuntimeError: there are no elements at all.
    """
    return Amax.apply(input, dims_to_search("amax", input, dim), keepdim)


class Amin(Amax):
    """The smallest element.  Gradient: as of :class:`Amax`."""

    extremum = "min"


@numpy_names
@checked
def amin(
    input: Tensor, dim: Dim | None = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """Return the smallest element, overall or along ``dim``; otherwise as :func:`amax`."""
    return Amin.apply(input, dims_to_search("amin", input, dim), keepdim)


def dims_to_search(function: str, input: Any, dim: Dim) -> Dims:
    """Return the dimensions along which an extremum is wanted, once sure that there is one.

    Raises:
        IndexError: one of them has no elements; or, of argmax and argmin, as below.
        RuntimeError: none is named, and there are no elements at all.
    """
    dims = normalize_dims(dim, input.ndim)
    if math.prod(input.shape) == 0:
        if dim is None or _names_none(dim):
            error = IndexError if function.startswith("arg") else RuntimeError
            raise error(
                f"{function}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        for d in dims:
            if input.shape[d] == 0:
                raise IndexError(
                    f"{function}(): Expected reduction dim {d} to have non-zero size.\n"
                    f"  the tensor has shape {tuple(input.shape)}"
                )
    return dims


def _names_none(dim: Dim) -> bool:
    return isinstance(dim, (tuple, list)) and not dim


# --- all, any ------------------------------------------------------------------------------------


class AllOrAny(Operation):
    """Whether all elements, or any, are not zero: by the name of NumPy's function.  No gradient."""

    def forward(self, x: Array, name: str, dim: Dims, keepdim: bool) -> Array:
        found = getattr(array_module(x), name)(x != 0, axis=dim, keepdims=keepdim)
        return found.astype(x.dtype if x.dtype.name == "uint8" else bool_, copy=False)


@numpy_names
@checked
def all(input: Tensor, dim: Dim | None = None, keepdim: bool = False, *, out: Any = None) -> Tensor:
    """Return whether all elements are non-zero, overall or along ``dim``; () means along none."""
    dims = normalize_dims(dim, input.ndim)
    return AllOrAny.apply(input, "all", () if _names_none(dim) else dims, keepdim)


@numpy_names
@checked
def any(input: Tensor, dim: Dim | None = None, keepdim: bool = False, *, out: Any = None) -> Tensor:
    """Return whether some element is non-zero, overall or along ``dim``; () means along none."""
    dims = normalize_dims(dim, input.ndim)
    return AllOrAny.apply(input, "any", () if _names_none(dim) else dims, keepdim)


# --- running sums and products -------------------------------------------------------------------


def _running(name: str, x: Array, dim: int, dtype: Dtype | None) -> Array:
    """Return the running sum or product, by the name of NumPy's method, in ``dtype``."""
    dtype = dtype or _sum_dtype(x)
    # As PyTorch, it goes on from one result to the next in a wider one.
    wider = as_dtype({"e": "f4", "f": "f8", "F": "c16"}.get(dtype.char, dtype))
    return getattr(x, name)(axis=dim, dtype=wider).astype(dtype, copy=False).reshape(x.shape)


class Cumsum(Operation):
    """The running sum along a dimension; of integers in int64.  Gradient: the running sum of g
    from the other end.  Saves nothing."""

    def forward(self, x: Array, dim: int, dtype: Dtype | None = None) -> Array:
        self.dim = dim
        return _running("cumsum", x, dim, dtype)

    def backward(self, grad: Any) -> Any:
        return _sum_from_the_end(grad, self.dim)


def _sum_from_the_end(x: Any, dim: int) -> Any:
    return flip(cumsum(flip(x, dim), dim), dim)


@numpy_names
@checked
def cumsum(input: Tensor, dim: int, *, dtype: Any = None, out: Any = None) -> Tensor:
    """Return the running sum along ``dim``; of integers in int64."""
    dim = normalize_dim(dim, input.ndim)
    x = _converted(input, dtype)
    return Cumsum.apply(x, dim, dtype and x.dtype)


class Cumprod(Operation):
    """The running product along a dimension; of integers in int64.  Saves x and the result y.

    Gradient of the k-th element: the product p of those before it, times s, where s is the sum over
    i >= k of g_i times the product of those from k + 1 to i: s_k = g_k + x_(k+1) s_(k+1).  Where no
    element is 0, p_k s_k is the sum over i >= k of g_i y_i / x_k.
    """

    def forward(self, x: Array, dim: int, dtype: Dtype | None = None) -> Array:
        self.dim = dim
        y = _running("cumprod", x, dim, dtype)
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        if x.ndim == 0:
            return grad
        if bool(all(x != 0)):
            return _sum_from_the_end(grad * y, self.dim) / x
        columns, g, before = (unbind(each, self.dim) for each in (x, grad, y))
        sums = [g[-1]]
        for k in range(len(columns) - 2, -1, -1):
            sums.append(g[k] + columns[k + 1] * sums[-1])
        sums = sums[::-1]
        pieces = [sums[0], *[p * s for p, s in zip(before, sums[1:])]]
        return cat([unsqueeze(piece, self.dim) for piece in pieces], self.dim)


@numpy_names
@checked
def cumprod(input: Tensor, dim: int, *, dtype: Any = None, out: Any = None) -> Tensor:
    """Return the running product along ``dim``; of integers in int64."""
    dim = normalize_dim(dim, input.ndim)
    x = _converted(input, dtype)
    return Cumprod.apply(x, dim, dtype and x.dtype)


# --- logarithms, variances, norms ----------------------------------------------------------------


class LogSumExp(Operation):
    """log Σ exp(x), without overflow.  Gradient: g softmax(x) = g exp(x - y).  Saves x and y."""

    backward_name = "Logsumexp"

    def forward(self, x: Array, dim: Dims, keepdim: bool) -> Array:
        self.options = x.shape, dim, keepdim
        xp = array_module(x)
        largest = zero = x.dtype.type(0)
        if x.size:
            largest = x.real.max(axis=dim, keepdims=True)
            largest = xp.where(xp.isfinite(largest), largest, zero)
        y = xp.log(total(xp.exp(wide(x) - largest), dim, True)) + largest
        y = y.astype(x.dtype, copy=False)
        y = y if keepdim else y.squeeze(dim)
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        return spread(grad, *self.options) * exp(x - spread(y, *self.options))


@numpy_names
@checked
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False, *, out: Any = None) -> Tensor:
    """Return log Σ eˣ along ``dim`` (one or several), without overflow."""
    dims = normalize_dims(dim, input.ndim)
    x = input if is_differentiable(input.dtype) else cast(input, DEFAULT_DTYPE[float])
    return LogSumExp.apply(x, dims, keepdim)


class Var(Operation):
    """Σ |x - mean|² / (n - correction).  Gradient: g 2 (x - mean) / (n - correction).  Saves x."""

    def forward(self, x: Array, dim: Dims, keepdim: bool, correction: float) -> Array:
        if x.dtype.kind not in "fc":
            raise RuntimeError(
                "std and var only support floating point and complex dtypes\n"
                f"  These are {x.dtype}: convert them with .float()"
            )
        self.save(x)
        self.options = x.shape, dim, keepdim
        count = _count(x.shape, dim)
        self.freedom = count - correction
        values = wide(x)
        squares = _squared(values - _mean(values, dim, True, count))
        return _mean(squares, dim, keepdim, max(self.freedom, 0)).astype(x.real.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        x = self.saved[0]
        factor = 2 / self.freedom if self.freedom else math.inf
        return spread(grad, *self.options) * ((x - mean(x, self.options[1], True)) * factor)


def _squared(x: Array) -> Array:
    """Return |x|²."""
    square = array_module(x).square
    return square(x) if x.dtype.kind != "c" else square(x.real) + square(x.imag)


class Std(Var):
    """The square root of :class:`Var`.  Gradient: that of Var / (2 y), 0 where y is 0.

    Saves x and the result y.
    """

    def forward(self, x: Array, dim: Dims, keepdim: bool, correction: float) -> Array:
        y = array_module(x).sqrt(super().forward(x, dim, keepdim, correction))
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        y = self.saved[1]
        return super().backward(masked_fill(grad / (2 * y), y == 0, 0))


def _dims_and_correction(
    function: str, input: Any, dim: Dim, unbiased: bool | None, correction: Number
) -> tuple[Dims, float]:
    """Return over what to take a variance, and what to take from the number of elements."""
    if isinstance(dim, bool):  # var(x, False) is var(x, unbiased=False)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError("give correction or the older unbiased, not both")
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    dims = normalize_dims(dim, input.ndim)
    count = _count(input.shape, dims)
    if count <= correction:
        warnings.warn(
            f"{function}(): degrees of freedom is <= 0. Correction should be strictly less than "
            "the reduction factor (input numel divided by output numel); got correction "
            f"{correction} for {count} elements",
            stacklevel=5,
        )
    return dims, correction


@numpy_names
@checked
def var(
    input: Tensor,
    dim: Dim | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    out: Any = None,
) -> Tensor:
    """Return the variance Σ (x - mean)² / (n - correction), over all elements or along ``dim``.

    Args:
        input: floating-point numbers.
        dim: a dimension, several, or None for all.
        unbiased: the old name: True means correction 1, False correction 0.
        keepdim: keep the reduced dimensions, with size 1.
        correction: 1 unless given.
    """
    dims, correction = _dims_and_correction("var", input, dim, unbiased, correction)
    return Var.apply(input, dims, keepdim, correction)


@numpy_names
@checked
def std(
    input: Tensor,
    dim: Dim | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    out: Any = None,
) -> Tensor:
    """Return the standard deviation, the root of :func:`var`; the gradient at 0 is 0."""
    dims, correction = _dims_and_correction("std", input, dim, unbiased, correction)
    return Std.apply(input, dims, keepdim, correction)


@numpy_names
@checked
def var_mean(
    input: Tensor,
    dim: Dim | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    out: Any = None,
) -> tuple[Tensor, Tensor]:
    """Return :func:`var` and :func:`mean` as a pair."""
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@numpy_names
@checked
def std_mean(
    input: Tensor,
    dim: Dim | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    out: Any = None,
) -> tuple[Tensor, Tensor]:
    """Return :func:`std` and :func:`mean` as a pair."""
    deviation = std(input, dim, unbiased, keepdim, correction=correction)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim)


class Norm(Operation):
    """(Σ |x|ᵖ)^(1/p); the largest |x| for p = inf, the smallest for -inf, non-zeros for p = 0.

    Gradient: g x |x|^(p-2) / y^(p-1), and 0 where y is 0; for p = ±inf, g sgn(x) in equal parts
    to the elements whose size is y.  Saves x and the result y.

    Source: PyTorch, ``torch.norm`` and ``torch.linalg.vector_norm``.
    """

    backward_name = "LinalgVectorNorm"

    def forward(self, x: Array, dim: Dims, keepdim: bool, p: float) -> Array:
        self.options, self.p = (x.shape, dim, keepdim), p
        xp = array_module(x)
        if p == 2:
            y = xp.sqrt(total(_squared(wide(x)), dim, keepdim))
        elif p == 0:
            y = (x != 0).sum(axis=dim, keepdims=keepdim)
        elif math.isinf(p):
            y = (xp.max if p > 0 else xp.min)(abs(x), axis=dim, keepdims=keepdim)
        else:
            y = total(abs(wide(x)) ** p, dim, keepdim) ** (1 / p)
        y = y.astype(x.real.dtype, copy=False)
        self.save(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        grad = spread(grad, *self.options)
        y = spread(y, *self.options)
        p = self.p
        if p == 0:
            return grad * 0
        if p == 1:
            return grad * sgn(x)
        if p == 2:
            return x * masked_fill(grad / y, y == 0, 0)
        if math.isinf(p):
            winners = cast((abs(x) == y) | (isnan(x) & isnan(y)), grad.dtype)
            return sgn(x) * grad * (winners / sum(winners, self.options[1], True))
        slope = sgn(x) * pow(abs(x), p - 1)
        if p < 1:
            slope = masked_fill(slope, x == 0, 0)
        return slope * masked_fill(grad / pow(y, p - 1), y == 0, 0)


def vector_norm(
    input: Tensor, p: Any = 2.0, dim: Dim | None = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Return (Σ |x|ᵖ)^(1/p) over all elements or along ``dim``, for a number ``p``, also inf.

    Raises:
        RuntimeError: the elements are integers or bools, or there are none and the norm of none is
            not defined.
    """
    dims, p = normalize_dims(dim, input.ndim), float(p)
    if not is_differentiable(input.dtype):
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{type_name(input.dtype)}"
        )
    if dtype is not None and (input.dtype.kind == "c") != (as_dtype(dtype).kind == "c"):
        kind = "complex" if input.dtype.kind == "c" else "real"
        raise RuntimeError(
            f"linalg.vector_norm: dtype should be {kind} for {kind} inputs, but got "
            f"{type_name(as_dtype(dtype))}"
        )
    if (p < 0 or p == math.inf) and 0 in [input.shape[d] for d in dims]:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {p:g} norm on an empty tensor because the "
            "operation does not have an identity"
        )
    return Norm.apply(_converted(input, dtype), dims, keepdim, p)
