"""What stands between the layers of a network: rectifiers and their kin, softmax.

``g`` is the gradient of the result.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.fit import Cast
from tinygrad_adam.autograd.inplace import in_place
from tinygrad_adam.backend import (
    Array,
    array_module,
    as_dtype,
    convert_number,
    default_generator,
    device_of,
    kernels,
    move,
)
from tinygrad_adam.backend.dtypes import bool_, type_name
from tinygrad_adam.backend.special import erf as erf_of
from tinygrad_adam.backend.special import logistic
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.arguments import (
    Dims,
    Number,
    Operand,
    checked,
    into,
    normalize_dim,
    numpy_names,
)
from tinygrad_adam.ops.elementwise import (
    erf,
    exp,
    flat_in,
    overwritten,
    pow,
    refuse_complex_gradient,
    require_floating,
    require_real,
    sigmoid,
    tanh,
    where,
)
from tinygrad_adam.ops.indexing import scatter
from tinygrad_adam.ops.ordering import argmax
from tinygrad_adam.ops.reductions import Sum
from tinygrad_adam.ops.shapes import narrow, reshape

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _apply(operation: type[Operation], inplace: bool) -> Callable[..., Any]:
    """Return what applies an operation, on request writing into the memory of its input."""
    return in_place(operation.apply) if inplace else operation.apply


# --- rectifiers and their kin --------------------------------------------------------------------


class Relu(Operation):
    """max(x, 0).  Gradient: g where the result is positive.  Saves the result."""

    def forward(self, x: Array) -> Array:
        if x.dtype.kind in "bc":
            require_real("clamp", x, "{} is not supported for complex types")
            raise RuntimeError("Boolean inputs not supported for relu")
        y = kernels(x).relu(x)
        self.save(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved
        return ReluGradient.apply(grad, y)


class ReluGradient(Operation):
    """g where y > 0, else 0.  Gradient: again that, for g; dy = 0.  Saves y."""

    def forward(self, grad: Array, y: Array) -> Array:
        self.save(y)
        # A NaN in y lets the gradient through, as in PyTorch.
        return kernels(y).relu_gradient(grad, y)

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved
        need_grad, need_y = self.needs_input_grad
        return (
            ReluGradient.apply(grad, y) if need_grad else None,
            overwritten(y, 0) if need_y else None,
        )


def relu(input: Tensor, *, out: Any = None) -> Tensor:
    """Return max(x, 0), elementwise; the gradient at 0 is 0.

    Raises:
        RuntimeError: the elements are bools.
    """
    y = Relu.apply(input)
    return y if out is None else into("relu", out, y)


class LeakyRelu(Operation):
    """x where x > 0, else ``slope`` x.  Gradient: g, or slope g.  Saves x."""

    def forward(self, x: Array, slope: float) -> Array:
        require_floating("leaky_relu", x)
        self.save(x)
        self.slope = slope
        return array_module(x).where(x > 0, x, x * slope)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        grad = flat_in(x, grad)
        return where(x > 0, grad, grad * self.slope)


@checked
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else ``negative_slope`` times x."""
    return _apply(LeakyRelu, inplace)(input, negative_slope)  # type: ignore[no-any-return]


class Elu(Operation):
    """x where x > 0, else alpha (exp(rate x) - 1).  Gradient: g, or g alpha rate exp(rate x).

    Saves x. As in PyTorch, the second derivative at 0 is 0.
    """

    def forward(self, x: Array, alpha: float, rate: float = 1.0) -> Array:
        require_floating("elu", x)
        self.save(x)
        self.alpha, self.rate = alpha, rate
        xp = array_module(x)
        below = xp.minimum(x, 0)
        return xp.where(x > 0, x, alpha * xp.expm1(below if rate == 1 else rate * below))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        slope = self.alpha * self.rate * exp(self.rate * where(x < 0, x, 0.0))
        return where(x <= 0, grad * slope, grad)


@checked
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else ``alpha`` (exp(x) - 1)."""
    return _apply(Elu, inplace)(input, alpha)  # type: ignore[no-any-return]


@checked
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else ``alpha`` (exp(x / ``alpha``) - 1): smooth at 0.

    Raises:
        RuntimeError: ``alpha`` is 0.

    Source: Barron, "Continuously differentiable exponential linear units" (2017).
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _apply(Elu, inplace)(input, alpha, 1 / alpha)  # type: ignore[no-any-return]


@checked
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return 1.0507 times :func:`elu` with alpha = 1.6733: layers keep mean 0 and variance 1.

    Source: Klambauer et al., "Self-normalizing neural networks" (2017).
    """
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    if inplace:
        return in_place(selu)(input)
    return Elu.apply(input, alpha) * scale  # type: ignore[no-any-return]


class Gelu(Operation):
    """x P(x), P the cumulative normal distribution.  Gradient: g (P(x) + x p(x)).  Saves x.

    p is the normal density exp(-x²/2) / sqrt(2 pi).

    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """

    def forward(self, x: Array) -> Array:
        require_floating("gelu", x)
        self.save(x)
        values = wide(x)  # 1 + erf(x) cancels most digits
        y = values * (0.5 * (1 + erf_of(values * math.sqrt(0.5))))
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        cumulative = 0.5 * (1 + erf(x * math.sqrt(0.5)))
        density = exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return grad * (cumulative + x * density)


class GeluTanh(Operation):
    """x (1 + tanh u) / 2, u = sqrt(2/pi) (x + 0.044715 x³): GELU, approximately.  Saves x.

    Gradient: g ((1 + tanh u) / 2 + x (1 - tanh² u) / 2 · du/dx).
    """

    backward_name = "Gelu"

    def forward(self, x: Array) -> Array:
        require_floating("gelu", x)
        self.save(x)
        values = wide(x)  # 1 + tanh(x) cancels most digits
        inner = math.sqrt(2 / math.pi) * (values + 0.044715 * values**3)
        y = 0.5 * values * (1 + array_module(x).tanh(inner))
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        scale = math.sqrt(2 / math.pi)
        t = tanh(scale * (x + 0.044715 * pow(x, 3)))
        slope = scale * (1 + 3 * 0.044715 * x * x)
        return grad * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


@checked
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x Φ(x), Φ the distribution function of the normal distribution.

    Args:
        input: any tensor.
        approximate: "none" for Φ itself, "tanh" for an approximation by tanh.

    Raises:
        RuntimeError: ``approximate`` is something else.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    operation = Gelu if approximate == "none" else GeluTanh
    return operation.apply(input)  # type: ignore[no-any-return]


class Silu(Operation):
    """x s, s = sigmoid(x).  Gradient: g s (1 + x (1 - s)).  Saves x."""

    def forward(self, x: Array) -> Array:
        if x.dtype.kind != "c":
            require_floating("silu", x)
        refuse_complex_gradient("silu", self, x)
        self.save(x)
        return x * logistic(x)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        s = sigmoid(x)
        return grad * (s * (1 + x * (1 - s)))


@checked
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x σ(x), σ the logistic function; also called swish."""
    return _apply(Silu, inplace)(input)  # type: ignore[no-any-return]


class Hardswish(Operation):
    """x min(max(x + 3, 0), 6) / 6.  Gradient: 0 up to -3, g from 3 on, g (x / 3 + 1/2) between.

    Saves x.

    Source: Howard et al., "Searching for MobileNetV3" (2019).
    """

    def forward(self, x: Array) -> Array:
        require_floating("hardswish", x)
        self.save(x)
        return x * array_module(x).clip(x + 3, 0, 6) / 6

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        slope = where(x < 3, grad * (x / 3 + 0.5), grad)
        return where(x <= -3, 0.0, slope)


@checked
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x min(max(x + 3, 0), 6) / 6: nearly silu, without an exponential."""
    return _apply(Hardswish, inplace)(input)  # type: ignore[no-any-return]


class Softplus(Operation):
    """log(1 + exp(beta x)) / beta, x itself where beta x > threshold.  Saves x.

    Gradient: g sigmoid(beta x), or g.  Second derivative: 0 from the threshold on, as in PyTorch.
    """

    def forward(self, x: Array, beta: float, threshold: float) -> Array:
        require_floating("softplus", x)
        self.save(x)
        self.beta, self.threshold = beta, threshold
        xp = array_module(x)
        scaled = x * beta
        return xp.where(scaled > threshold, x, xp.log1p(xp.exp(scaled)) / beta)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        scaled = x * self.beta
        slope = sigmoid(where(scaled >= self.threshold, self.threshold, scaled))
        return where(scaled > self.threshold, grad, grad * slope)


@checked
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + exp(``beta`` x)) / ``beta``, or x itself where ``beta`` x > ``threshold``."""
    return Softplus.apply(input, beta, threshold)  # type: ignore[no-any-return]


# --- a formula and a slope, for x and options ----------------------------------------------------


class _Shaped(Operation):
    """formula(x, …).  Gradient: slope(g, x, …), both with the options.  Saves x."""

    function: str
    formula: Callable[..., Array]
    slope: Callable[..., Any]
    integers = False

    def forward(self, x: Array, *options: float) -> Array:
        if not (self.integers and x.dtype.kind in "iu"):
            require_floating(self.function, x)
        self.options = options
        self.save(x)
        y = self.formula(array_module(x), x, *options)
        return y.astype(x.dtype, copy=False)  # type: ignore[no-any-return]

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return self.slope(flat_in(x, grad), x, *self.options)


def _shaped(
    function: str,
    formula: Callable[..., Array],
    slope: Callable[..., Any],
    integers: bool = False,
) -> Any:
    """Return the operation behind a function.

    Args:
        function: its name.
        formula: computes it from NumPy or CuPy, an array and the options.
        slope: computes its gradient from the result's, x and the options.
        integers: whether it takes integers, too.
    """
    fields = {
        "function": function,
        "formula": staticmethod(formula),
        "slope": staticmethod(slope),
        "integers": integers,
        "__module__": __name__,
        "__doc__": f"What :func:`{function}` returns.  {_Shaped.__doc__}",
    }
    return type(function.title().replace("_", ""), (_Shaped,), fields)


Hardtanh = _shaped(
    "hardtanh",
    lambda xp, x, low, high: xp.clip(x, low, high),
    lambda g, x, low, high: where((x > low) & (x < high), g, 0.0),
    integers=True,
)
Hardsigmoid = _shaped(
    "hardsigmoid",
    lambda xp, x: xp.clip(x + 3, 0, 6) / 6,
    lambda g, x: where(abs(x) < 3, g / 6, 0.0),
)
Hardshrink = _shaped(
    "hardshrink",
    lambda xp, x, size: xp.where((x >= -size) & (x <= size), x.dtype.type(0), x),
    lambda g, x, size: where((x < -size) | (x > size), g, 0.0),
)
Softshrink = _shaped(
    "softshrink",
    lambda xp, x, size: x - xp.clip(x, -size, size),
    lambda g, x, size: where((x < -size) | (x > size), g, 0.0),
)
Threshold = _shaped(
    "threshold",
    lambda xp, x, least, value: xp.where(x <= least, x.dtype.type(value), x),
    lambda g, x, least, value: where(x <= least, 0.0, g),
    integers=True,
)
Logsigmoid = _shaped(
    "logsigmoid",
    lambda xp, x: xp.minimum(x, 0) - xp.log1p(xp.exp(-abs(x))),
    lambda g, x: g * sigmoid(-x),
)


def _mish_slope(g: Any, x: Any) -> Any:
    t = tanh(softplus(x))
    return g * (t + x * sigmoid(x) * (1 - t * t))


Mish = _shaped(
    "mish",
    lambda xp, x: wide(x) * xp.tanh(xp.log1p(xp.exp(wide(x)))),
    _mish_slope,
)


@checked
def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """Return x cut to [``min_val``, ``max_val``]; the gradient at both ends is 0.

    Raises:
        ValueError: ``min_val`` is greater than ``max_val``.
        RuntimeError: the elements are bools, or unsigned and a limit is negative.
    """
    if min_val > max_val:
        raise ValueError(
            f"min_val cannot be greater than max_val\n  They are {min_val} and {max_val}"
        )
    kind = input.dtype.kind
    if kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if kind == "u" and min_val < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    require_real("clamp", input, "{} is not supported for complex types")
    if kind in "iu":
        min_val, max_val = (convert_number(v, input.dtype) for v in (min_val, max_val))
    return _apply(Hardtanh, inplace)(input, min_val, max_val)  # type: ignore[no-any-return]


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x cut to [0, 6]."""
    return hardtanh(input, 0.0, 6.0, inplace)


@checked
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x + 3, 0), 6) / 6: nearly sigmoid, without an exponential."""
    return _apply(Hardsigmoid, inplace)(input)  # type: ignore[no-any-return]


@checked
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x, but 0 in [-``lambd``, ``lambd``]."""
    return Hardshrink.apply(input, lambd)  # type: ignore[no-any-return]


@checked
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x moved towards 0 by ``lambd``, but not past it.

    Raises:
        RuntimeError: ``lambd`` is negative.
    """
    require_floating("softshrink", input)
    if not lambd >= 0:
        raise RuntimeError(
            f"lambda must be in range [0, {float(np.finfo(input.dtype).max):g}] for input dtype "
            f"{type_name(input.dtype)}, but found {lambd:g}"
        )
    return Softshrink.apply(input, lambd)  # type: ignore[no-any-return]


@checked
def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x)."""
    return input - tanh(input)


@checked
def threshold(input: Tensor, threshold: Number, value: Number, inplace: bool = False) -> Tensor:
    """Return x where it is greater than ``threshold``, else ``value``."""
    if input.dtype.kind in "iu":
        threshold, value = (convert_number(v, input.dtype) for v in (threshold, value))
    return _apply(Threshold, inplace)(input, threshold, value)  # type: ignore[no-any-return]


@checked
def logsigmoid(input: Tensor) -> Tensor:
    """Return log(sigmoid(x)), without overflow."""
    return Logsigmoid.apply(input)  # type: ignore[no-any-return]


@checked
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x tanh(log(1 + exp(x))).

    Source: Misra, "Mish: a self regularized non-monotonic activation function" (2019).
    """
    return _apply(Mish, inplace)(input)  # type: ignore[no-any-return]


@checked
def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    if input.dtype == bool_:
        raise NotImplementedError("\"abs\" not implemented for 'Bool'")
    return input / (abs(input) + 1)


@checked
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x where it is positive, else ``weight`` times x.

    Args:
        input: (N, C, …).
        weight: one number, or (C,).

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    Source: He et al., "Delving deep into rectifiers" (2015).
    """
    if input.dtype != weight.dtype:
        found = f"{type_name(input.dtype)} and {type_name(weight.dtype)}"
        raise RuntimeError(f"prelu: Type promoting not supported. Got {found}")
    require_floating("prelu", input)
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    count = math.prod(weight.shape)
    if count != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if count != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{count} and channel size = {channels}."
            )
    shape = [count] + [1] * (input.ndim - 2) if input.ndim > 1 else [1] * input.ndim
    return where(input > 0, input, input * reshape(weight, shape))  # type: ignore[no-any-return]


@checked
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Return x where it is positive, else x times a slope.

    In training each element gets a slope of its own, from U(lower, upper), else their mean.

    Raises:
        RuntimeError: ``lower`` is greater than ``upper``.

    Source: Xu et al., "Empirical evaluation of rectified activations" (2015).
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    if inplace:
        return in_place(rrelu)(input, lower, upper, training)
    require_floating("rrelu_with_noise", input)
    drawn = default_generator.numpy.uniform(lower, upper, input.shape).astype(input.dtype)
    slopes = input._wrap(move(drawn, device_of(input.array)))
    return where(input <= 0, input * slopes, input)  # type: ignore[no-any-return]


relu_, leaky_relu_, elu_ = in_place(relu), in_place(leaky_relu), in_place(elu)
celu_, selu_, rrelu_ = in_place(celu), in_place(selu), in_place(rrelu)
hardtanh_, threshold_ = in_place(hardtanh), in_place(threshold)


@checked
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return the first half along ``dim`` times the sigmoid of the second half.

    Raises:
        RuntimeError: the dimension has an odd size.

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (2016).
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = normalize_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}"
        )
    require_floating("glu", input)
    half = input.shape[dim] // 2
    return narrow(input, dim, 0, half) * sigmoid(narrow(input, dim, half, half))


# --- softmax -------------------------------------------------------------------------------------


def _shifted(function: str, x: Array, dims: Dims) -> Array:
    """Return x less its largest element along ``dims``, for exp without overflow; not float16."""
    require_floating(function, x)
    x = wide(x)
    return x - x.max(axis=dims, keepdims=True) if x.size else x


class Softmax(Operation):
    """exp(x) / Σ exp(x).  Gradient: y (g - Σ g y).  Saves the result y."""

    def forward(self, x: Array, dim: int) -> Array:
        self.dims = (dim,) if x.ndim else ()
        y = array_module(x).exp(_shifted("softmax", x, self.dims))
        y = (y / total(y, self.dims, True)).astype(x.dtype, copy=False)
        self.save(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved
        weighted = grad * y
        return weighted - y * Sum.apply(weighted, self.dims, True)


@numpy_names
@checked
def softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Any = None) -> Tensor:
    """Return exp(x) / Σ exp(x), the sum along ``dim``: positive numbers that add up to 1.

    Args:
        input: any tensor.
        dim: the dimension.
        dtype: convert the input to this first.
    """
    dim = normalize_dim(dim, input.ndim)
    return Softmax.apply(_converted(input, dtype), dim)  # type: ignore[no-any-return]


class LogSoftmax(Operation):
    """x - log Σ exp(x).  Gradient: g - exp(y) Σ g.  Saves the result y."""

    def forward(self, x: Array, dim: int) -> Array:
        self.dims = (dim,) if x.ndim else ()
        xp = array_module(x)
        y = _shifted("log_softmax", x, self.dims)
        y = (y - xp.log(total(xp.exp(y), self.dims, True))).astype(x.dtype, copy=False)
        self.save(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved
        return grad - exp(y) * Sum.apply(grad, self.dims, True)


@numpy_names
@checked
def log_softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Any = None) -> Tensor:
    """Return the logarithm of :func:`softmax`, computed without overflow."""
    dim = normalize_dim(dim, input.ndim)
    return LogSoftmax.apply(_converted(input, dtype), dim)  # type: ignore[no-any-return]


def _converted(x: Any, dtype: Any) -> Any:
    """Return ``x`` in a dtype, if one is given."""
    return x if dtype is None or x.dtype == as_dtype(dtype) else Cast.apply(x, as_dtype(dtype))


@checked
def gumbel_softmax(
    logits: Tensor, tau: Operand = 1, hard: Any = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Return softmax((x + g) / ``tau``) for random numbers g of the Gumbel distribution.

    Args:
        logits: scores.
        tau: towards 0 the result becomes a random choice, 1 at one place and 0 elsewhere.
        hard: return that choice, with the gradient of the softmax.
        eps: nothing; an old option.
        dim: the dimension.

    Source: Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax" (2016).
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=3)
    require_floating("exponential", logits)
    # In float64: an exponential number that is 0 would make the noise infinite.
    noise = -np.log(default_generator.numpy.standard_exponential(logits.shape))
    noise = move(np.asarray(noise, logits.dtype), device_of(logits.array))
    y = softmax((logits + logits._wrap(noise)) / tau, dim)
    if not hard:
        return y
    choice = scatter(overwritten(y, 0).detach(), dim, argmax(y, dim, True), 1.0)
    return choice - y.detach() + y
