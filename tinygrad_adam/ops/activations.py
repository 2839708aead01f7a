"""What stands between the layers of a network: rectifiers and their kin, softmax.

``g`` is the gradient of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.fit import Cast
from tinygrad_adam.autograd.inplace import in_place
from tinygrad_adam.backend import Array, array_module, as_dtype, kernels
from tinygrad_adam.backend.special import erf as erf_of
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.arguments import (
    Dims,
    checked,
    into,
    normalize_dim,
    numpy_names,
)
from tinygrad_adam.ops.elementwise import (
    erf,
    exp,
    flat_in,
    logistic,
    overwritten,
    pow,
    refuse_complex_gradient,
    require_floating,
    require_real,
    sigmoid,
    tanh,
    where,
)
from tinygrad_adam.ops.reductions import Sum

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
    """x where x > 0, else alpha (exp(x) - 1).  Gradient: g, or g alpha exp(x).  Saves x.

    As in PyTorch, the second derivative at 0 is 0.
    """

    def forward(self, x: Array, alpha: float) -> Array:
        require_floating("elu", x)
        self.save(x)
        self.alpha = alpha
        xp = array_module(x)
        return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        slope = self.alpha * exp(where(x < 0, x, 0.0))
        return where(x <= 0, grad * slope, grad)


@checked
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else ``alpha`` (exp(x) - 1)."""
    return _apply(Elu, inplace)(input, alpha)  # type: ignore[no-any-return]


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
