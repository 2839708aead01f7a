"""Operations on each element by itself: arithmetic, roots and exponentials, activations.

Inputs broadcast against each other and are promoted as in PyTorch; neither is mentioned in a
gradient, since the engine fits every gradient to its input. ``g`` is the gradient of the result.
A function with real values takes integers too, as float32.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import (
    Array,
    array_module,
    convert_number,
    kernels,
    promote,
    result_type,
)
from tinygrad_adam.backend.dtypes import bool_, float32, is_differentiable, type_name
from tinygrad_adam.backend.special import erf
from tinygrad_adam.backend.sums import wide


def is_number(x: Any) -> bool:
    """Return whether ``x`` is a Python number."""
    return isinstance(x, (bool, int, float))


def floating(x: Array) -> Array:
    """Return ``x`` as it is if it holds floating-point numbers, else as float32."""
    return x if is_differentiable(x.dtype) else x.astype(float32)


def require_floating(kernel: str, x: Array) -> None:
    """Raise, in the name of PyTorch's kernel, unless ``x`` holds floating-point numbers."""
    if not is_differentiable(x.dtype):
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{type_name(x.dtype)}'\n"
            "  Convert the input first, as in x.float()"
        )


def refuse_bools(a: Any, b: Any) -> None:
    """Raise if one of two operands is to be subtracted from the other and is a bool."""
    bools = [type(x) is bool or getattr(x, "dtype", None) is bool_ for x in (a, b)]
    if bools == [True, True]:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    if True in bools:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying "
            "to invert a mask, use the `~` or `logical_not()` operator instead."
        )


# --- arithmetic ----------------------------------------------------------------------------------


class Add(Operation):
    """a + b.  Gradient: da = g, db = g.  Saves nothing."""

    def forward(self, a: Array, b: Array) -> Array:
        a, b = promote(a, b)
        return a + b

    def backward(self, grad: Any) -> Any:
        return grad, grad


class Sub(Operation):
    """a - b.  Gradient: da = g, db = -g.  Saves nothing."""

    backward_takes_arrays = True

    def forward(self, a: Array, b: Array) -> Array:
        x, y = promote(a, b)
        if x is not a or y is not b or getattr(x, "dtype", None) is bool_:
            refuse_bools(a, b)
        return x - y

    def backward(self, grad: Any) -> Any:
        return grad, -grad if self.needs_input_grad[1] else None


class Mul(Operation):
    """a b.  Gradient: da = g b, db = g a.  Saves what these name."""

    backward_takes_arrays = True

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save_for_backward(a if need_b else None, b if need_a else None)
        a, b = promote(a, b)
        return a * b

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        return grad * b if need_a else None, grad * a if need_b else None


class Div(Operation):
    """a / b.  Gradient: da = g / b, db = -g (a / b) / b.  Saves what these name."""

    backward_takes_arrays = True

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save_for_backward(a if need_b else None, b if need_a or need_b else None)
        x, y = promote(a, b)
        if not is_differentiable(x.dtype if hasattr(x, "dtype") else y.dtype):
            # From the operands themselves: promoted to uint8, say, -3 would have wrapped round.
            x, y = (v.astype(float32) if hasattr(v, "dtype") else float(v) for v in (a, b))
        return x / y

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        return grad / b if need_a else None, -grad * ((a / b) / b) if need_b else None


class Pow(Operation):
    """a ** b.  Gradient: da = g b a**(b-1), db = g a**b log(a).  Saves a, b and the result.

    As in PyTorch, da is 0 where b is 0, and db is 0 where a is 0 and b is not negative.
    """

    def forward(self, a: Array, b: Array) -> Array:
        y = self.power(a, b)
        self.save_for_backward(a, b, y if self.needs_input_grad[1] else None)
        return y

    @staticmethod
    def power(a: Array, b: Array) -> Array:
        x, exponent = promote(a, b)
        xp = array_module(a if hasattr(a, "dtype") else b)
        dtype = x.dtype if hasattr(x, "dtype") else exponent.dtype
        if dtype.kind == "b":
            if hasattr(a, "dtype") and hasattr(b, "dtype"):
                raise NotImplementedError("\"pow\" not implemented for 'Bool'")
            return x | ~exponent
        if dtype.kind in "iu":
            if isinstance(b, int) and b < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
            # What is left is 1 / 1 and 1 / -1; other numbers' inverses are cut off to 0.
            powers = x ** xp.maximum(exponent, 0)
            inverses = xp.where(abs(x) == 1, x ** (abs(exponent) % 2), 0)
            return xp.where(exponent < 0, inverses, powers).astype(dtype, copy=False)
        if type(b) not in (int, float) or (abs(b) == 0.5 and dtype.name == "float16"):
            # As PyTorch does, without NumPy's shortcut to the square root, which differs from the
            # power at -0 and -infinity.
            return xp.power(x, exponent, dtype=dtype)
        if b == 3:
            return x * x * x  # ten times as fast as the general power
        return 1 / xp.sqrt(x) if b == -0.5 else x**exponent

    def backward(self, grad: Any) -> Any:
        a, b, y = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        grad_a = grad_b = None
        if need_a:
            if isinstance(b, (int, float)):
                grad_a = grad * (b * a ** (b - 1)) if b else grad.new_zeros(grad.shape)
            else:
                grad_a = (grad * (b * a ** (b - 1))).masked_fill(b == 0, 0)
        if need_b:
            if isinstance(a, (int, float)):
                slope = y * (math.log(a) if a > 0 else -math.inf if a == 0 else math.nan)
                vanishes = (b >= 0) if a == 0 else None
            else:
                slope = y * (a if is_differentiable(a.dtype) else a.to(y.dtype)).log()
                vanishes = (a == 0) & (b >= 0)
            grad_b = grad * (slope if vanishes is None else slope.masked_fill(vanishes, 0))
        return grad_a, grad_b


class Neg(Operation):
    """-x.  Gradient: -g.  Saves nothing."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        if x.dtype.kind == "b":
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying "
                "to invert a mask, use the `~` or `logical_not()` operator instead."
            )
        return -x

    def backward(self, grad: Any) -> Any:
        return -grad


class Remainder(Operation):
    """a - b floor(a / b), with the sign of b.  Gradient: da = g, db = -g floor(a / b).

    Saves a and b.
    """

    def forward(self, a: Array, b: Array) -> Array:
        self.save_for_backward(a, b)
        a, b = promote(a, b)
        _check_division("remainder", a, b)
        return a % b

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_b = self.needs_input_grad[1]
        return grad, -grad * FloorDivide.apply(a, b) if need_b else None


class Fmod(Operation):
    """a - b trunc(a / b), with the sign of a.  Gradient: da = g, db = -g trunc(a / b).

    Saves a and b.
    """

    def forward(self, a: Array, b: Array) -> Array:
        self.save_for_backward(a, b)
        a, b = promote(a, b)
        _check_division("fmod", a, b)
        return array_module(a).fmod(a, b)

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_b = self.needs_input_grad[1]
        return grad, -grad * TruncDivide.apply(a, b) if need_b else None


def _check_division(name: str, a: Any, b: Any) -> None:
    """Raise if ``a`` and ``b``, of one dtype, are bools, or integers and ``b`` is 0 somewhere."""
    dtype = b.dtype if hasattr(b, "dtype") else a.dtype
    if is_differentiable(dtype):
        return
    if dtype.kind == "b":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")
    if not array_module(b).all(b):
        raise RuntimeError("ZeroDivisionError\n  an integer cannot be divided by zero")


# --- powers, roots, exponentials, logarithms -----------------------------------------------------


class Exp(Operation):
    """exp(x).  Gradient: g exp(x).  Saves the result."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        y = array_module(x).exp(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad * y


class Expm1(Operation):
    """exp(x) - 1, exact for small x.  Gradient: g (y + 1).  Saves the result y."""

    def forward(self, x: Array) -> Array:
        y = array_module(x).expm1(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad * (y + 1)


class Exp2(Operation):
    """2**x.  Gradient: g y log(2).  Saves the result y."""

    def forward(self, x: Array) -> Array:
        y = array_module(x).exp2(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad * (y * math.log(2))


class Log(Operation):
    """log(x), the natural logarithm.  Gradient: g / x.  Saves x."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad / x


class Log2(Operation):
    """log2(x).  Gradient: g / (x log 2).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log2(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad / (x * math.log(2))


class Log10(Operation):
    """log10(x).  Gradient: g / (x log 10).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log10(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad / (x * math.log(10))


class Log1p(Operation):
    """log(1 + x), exact for small x.  Gradient: g / (1 + x).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log1p(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad / (x + 1)


class Sqrt(Operation):
    """The square root.  Gradient: g / (2 y), infinite at 0.  Saves the result y."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        y = array_module(x).sqrt(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad / (2 * y)


class Rsqrt(Operation):
    """1 / sqrt(x).  Gradient: -g y**3 / 2.  Saves the result y."""

    def forward(self, x: Array) -> Array:
        y = 1 / array_module(x).sqrt(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return -0.5 * grad * y**3


class Reciprocal(Operation):
    """1 / x.  Gradient: -g y**2.  Saves the result y."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        y = 1 / floating(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return -grad * (y * y)


# --- trigonometry and the like -------------------------------------------------------------------


class Sin(Operation):
    """sin(x), x in radians.  Gradient: g cos(x).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).sin(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * x.cos()


class Cos(Operation):
    """cos(x), x in radians.  Gradient: -g sin(x).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).cos(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return -grad * x.sin()


class Tan(Operation):
    """tan(x), x in radians.  Gradient: g (1 + y**2).  Saves the result y."""

    def forward(self, x: Array) -> Array:
        y = array_module(x).tan(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad * (1 + y * y)


class Asin(Operation):
    """The inverse of sin, in radians.  Gradient: g / sqrt(1 - x**2).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arcsin(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * (1 - x * x).rsqrt()


class Acos(Operation):
    """The inverse of cos, in radians.  Gradient: -g / sqrt(1 - x**2).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arccos(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return -grad * (1 - x * x).rsqrt()


class Atan(Operation):
    """The inverse of tan, in radians.  Gradient: g / (1 + x**2).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arctan(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad / (1 + x * x)


class Sinh(Operation):
    """sinh(x).  Gradient: g cosh(x).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).sinh(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * x.cosh()


class Cosh(Operation):
    """cosh(x).  Gradient: g sinh(x).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).cosh(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * x.sinh()


class Tanh(Operation):
    """tanh(x).  Gradient: g (1 - y**2).  Saves the result y."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        y = array_module(x).tanh(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad * (1 - y * y)


class Asinh(Operation):
    """The inverse of sinh.  Gradient: g / sqrt(x**2 + 1).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arcsinh(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * (x * x + 1).rsqrt()


class Acosh(Operation):
    """The inverse of cosh.  Gradient: g / sqrt(x**2 - 1).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arccosh(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * (x * x - 1).rsqrt()


class Atanh(Operation):
    """The inverse of tanh.  Gradient: g / (1 - x**2).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arctanh(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad / (1 - x * x)


class Atan2(Operation):
    """The angle of the point (x = b, y = a), in radians.  Saves a and b.

    Gradient: da = g b / (a**2 + b**2), db = -g a / (a**2 + b**2), both 0 at the origin.
    """

    def forward(self, a: Array, b: Array) -> Array:
        self.save_for_backward(a, b)
        a, b = promote(a, b)
        return array_module(a).arctan2(floating(a), floating(b))

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        square = a * a + b * b
        share = (grad / square).masked_fill(square == 0, 0)
        return share * b if need_a else None, -share * a if need_b else None


class Hypot(Operation):
    """sqrt(a**2 + b**2), without overflow.  Gradient: da = g a / y, db = g b / y.  Saves all."""

    def forward(self, a: Array, b: Array) -> Array:
        x, z = promote(a, b)
        y = array_module(a).hypot(x, z)
        self.save_for_backward(a, b, y)
        return y

    def backward(self, grad: Any) -> Any:
        a, b, y = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        return grad * (a / y) if need_a else None, grad * (b / y) if need_b else None


class LogAddExp(Operation):
    """log(exp(a) + exp(b)), without overflow.  Saves a and b.

    Gradient: da = g sigmoid(a - b), db = g sigmoid(b - a).
    """

    def forward(self, a: Array, b: Array) -> Array:
        x, z = promote(a, b)
        self.save_for_backward(a, b)
        return array_module(a).logaddexp(x, z)

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        grad_a = grad * (a - b).sigmoid() if need_a else None
        grad_b = grad * (b - a).sigmoid() if need_b else None
        return grad_a, grad_b


class Sigmoid(Operation):
    """1 / (1 + exp(-x)).  Gradient: g y (1 - y).  Saves the result y."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        y = sigmoid(floating(x))
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return grad * (y * (1 - y))


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) for an array; exp may overflow to infinity, which gives 0."""
    return 1 / (1 + array_module(x).exp(-x))


class Erf(Operation):
    """The error function 2/sqrt(pi) ∫₀ˣ exp(-t²) dt.  Gradient: g 2/sqrt(pi) exp(-x²).  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return erf(floating(x))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * ((-x * x).exp() * (2 / math.sqrt(math.pi)))


# --- steps and kinks -----------------------------------------------------------------------------


class Abs(Operation):
    """|x|.  Gradient: g sign(x), 0 at 0.  Saves x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return abs(x)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad * x.sign()


class _Step(Operation):
    """A function that is constant between its jumps.  Gradient: 0.  Saves nothing."""

    def backward(self, grad: Any) -> Any:
        return grad.new_zeros(grad.shape)


class Sign(_Step):
    """-1, 0 or 1; 0 for NaN, as in PyTorch.  Gradient: 0."""

    def forward(self, x: Array) -> Array:
        if x.dtype.kind == "b":
            return x.copy()
        xp = array_module(x)
        y = xp.sign(x)
        return y if x.dtype.kind != "f" else xp.where(xp.isnan(y), x.dtype.type(0), y)


class Floor(_Step):
    """The largest integer not above x.  Gradient: 0."""

    def forward(self, x: Array) -> Array:
        return array_module(x).floor(x)


class Ceil(_Step):
    """The smallest integer not below x.  Gradient: 0."""

    def forward(self, x: Array) -> Array:
        return array_module(x).ceil(x)


class Trunc(_Step):
    """x without its fraction.  Gradient: 0."""

    def forward(self, x: Array) -> Array:
        return array_module(x).trunc(x)


class Round(_Step):
    """x to ``decimals`` places, halves to the even neighbour.  Gradient: 0."""

    def forward(self, x: Array, decimals: int) -> Array:
        return array_module(x).round(x, decimals)


class FloorDivide(_Step):
    """floor(a / b), of integers an integer.  Gradient: 0 for both."""

    def forward(self, a: Array, b: Array) -> Array:
        a, b = promote(a, b)
        _check_division("div_floor", a, b)
        return a // b

    def backward(self, grad: Any) -> Any:
        need_a, need_b = self.needs_input_grad
        zero = grad.new_zeros(grad.shape)
        return zero if need_a else None, zero if need_b else None


class TruncDivide(FloorDivide):
    """a / b rounded towards zero, of integers an integer.  Gradient: 0 for both."""

    def forward(self, a: Array, b: Array) -> Array:
        a, b = promote(a, b)
        xp = array_module(a if hasattr(a, "dtype") else b)
        if is_differentiable(a.dtype if hasattr(a, "dtype") else b.dtype):
            return xp.trunc(a / b)
        _check_division("div_trunc", a, b)
        quotient = a // b
        return quotient + ((quotient * b != a) & ((a < 0) != (b < 0)))


class Clamp(Operation):
    """x, but not below ``low`` nor above ``high``: numbers, arrays or None.

    Gradient: g to x where low <= x <= high, else to the bound that holds.  Saves all three.
    """

    def forward(self, x: Array, low: Any, high: Any) -> Array:
        self.save_for_backward(x, low, high)
        xp = array_module(x)
        if not is_differentiable(x.dtype):
            # All three together decide the dtype: -1 next to 1.5 must not become 255 first.
            dtype = result_type(x, *[bound for bound in (low, high) if bound is not None])
            x = x.astype(dtype, copy=False)
            low, high = (convert_number(b, dtype) if is_number(b) else b for b in (low, high))
        if low is not None:
            x = xp.maximum(*promote(x, low))
        if high is not None:
            x = xp.minimum(*promote(x, high))
        return x

    def backward(self, grad: Any) -> Any:
        x, low, high = self.saved_tensors
        need_x, need_low, need_high = self.needs_input_grad
        inside = grad_low = grad_high = None
        if need_x:
            inside = grad
            for fits in (None if low is None else x >= low, None if high is None else x <= high):
                if fits is not None:
                    inside = inside.masked_fill(~fits, 0)
        if need_low:
            holds = x < low if high is None else (x < low) & (low < high)
            grad_low = grad.masked_fill(~holds, 0)
        if need_high:
            holds = x > high if low is None else (x > high) | (high < low)
            grad_high = grad.masked_fill(~holds, 0)
        return inside, grad_low, grad_high


class _Extreme(Operation):
    """The larger or smaller of two.  Gradient: g to that one, half to each if they are equal."""

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        half = (grad / 2).where(a == b, grad)
        a_loses, b_loses = self.losers(a, b)
        return (
            half.masked_fill(a_loses, 0) if need_a else None,
            half.masked_fill(b_loses, 0) if need_b else None,
        )

    def losers(self, a: Any, b: Any) -> Any:
        raise NotImplementedError


class Maximum(_Extreme):
    """max(a, b), NaN if either is.  Gradient: g to the larger.  Saves a and b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save_for_backward(a, b)
        return array_module(a).maximum(*promote(a, b))

    def losers(self, a: Any, b: Any) -> Any:
        return a < b, b < a


class Minimum(_Extreme):
    """min(a, b), NaN if either is.  Gradient: g to the smaller.  Saves a and b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.save_for_backward(a, b)
        return array_module(a).minimum(*promote(a, b))

    def losers(self, a: Any, b: Any) -> Any:
        return a > b, b > a


class Where(Operation):
    """a where ``condition`` holds, else b.  Gradient: g to the one taken.  Saves the condition."""

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        self.save_for_backward(condition)
        return array_module(condition).where(condition, *promote(a, b))

    def backward(self, grad: Any) -> Any:
        (condition,) = self.saved_tensors
        _, need_a, need_b = self.needs_input_grad
        return (
            None,
            grad.masked_fill(~condition, 0) if need_a else None,
            grad.masked_fill(condition, 0) if need_b else None,
        )


class MaskedFill(Operation):
    """x, but ``value`` where ``mask`` holds.  Gradient: g where it does not.  Saves the mask."""

    def forward(self, x: Array, mask: Array, value: Any) -> Array:
        self.save_for_backward(mask)
        # The result has the dtype of x: a Python number or 0-d array never promotes it.
        value = value.astype(x.dtype) if hasattr(value, "dtype") else x.dtype.type(value)
        return array_module(x).where(mask, value, x)

    def backward(self, grad: Any) -> Any:
        (mask,) = self.saved_tensors
        grad_value = None
        if self.needs_input_grad[2]:
            grad_value = grad.masked_fill(~mask, 0).sum()
        return grad.masked_fill(mask, 0), None, grad_value


class NanToNum(Operation):
    """x with other numbers for NaN, infinity and -infinity.  Gradient: g where x was finite.

    Saves which elements were.
    """

    def forward(self, x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
        xp = array_module(x)
        self.save_for_backward(~xp.isfinite(x))
        return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def backward(self, grad: Any) -> Any:
        (replaced,) = self.saved_tensors
        return grad.masked_fill(replaced, 0)


# --- activations ---------------------------------------------------------------------------------


class Relu(Operation):
    """max(x, 0).  Gradient: g where the result is positive.  Saves the result."""

    backward_takes_arrays = True

    def forward(self, x: Array) -> Array:
        y = kernels(x).relu(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return ReluGradient.apply(grad, y)


class ReluGradient(Operation):
    """g where y > 0, else 0.  Gradient: again that, for g.  Saves y."""

    def forward(self, grad: Array, y: Array) -> Array:
        self.save_for_backward(y)
        # A NaN in y lets the gradient through, as in PyTorch.
        return kernels(y).relu_gradient(grad, y)

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved_tensors
        return ReluGradient.apply(grad, y), None


class LeakyRelu(Operation):
    """x where x > 0, else ``slope`` x.  Gradient: g, or slope g.  Saves x."""

    def forward(self, x: Array, slope: float) -> Array:
        require_floating("leaky_relu_cpu", x)
        self.save_for_backward(x)
        self.slope = slope
        return array_module(x).where(x > 0, x, x * slope)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad.where(x > 0, grad * self.slope)


class Elu(Operation):
    """x where x > 0, else alpha (exp(x) - 1).  Gradient: g, or g alpha exp(x).  Saves x.

    As in PyTorch, the second derivative at 0 is 0.
    """

    def forward(self, x: Array, alpha: float) -> Array:
        require_floating("elu_cpu", x)
        self.save_for_backward(x)
        self.alpha = alpha
        xp = array_module(x)
        return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        slope = self.alpha * x.masked_fill(~(x < 0), 0).exp()
        return (grad * slope).where(x <= 0, grad)


class Gelu(Operation):
    """x P(x), P the cumulative normal distribution.  Gradient: g (P(x) + x p(x)).  Saves x.

    p is the normal density exp(-x²/2) / sqrt(2 pi).

    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """

    def forward(self, x: Array) -> Array:
        require_floating("GeluKernelImpl", x)
        self.save_for_backward(x)
        values = wide(x)  # 1 + erf(x) cancels most digits
        y = values * (0.5 * (1 + erf(values * math.sqrt(0.5))))
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        cumulative = 0.5 * (1 + (x * math.sqrt(0.5)).erf())
        density = (-0.5 * x * x).exp() * (1 / math.sqrt(2 * math.pi))
        return grad * (cumulative + x * density)


class GeluTanh(Operation):
    """x (1 + tanh u) / 2, u = sqrt(2/pi) (x + 0.044715 x³): GELU, approximately.  Saves x.

    Gradient: g ((1 + tanh u) / 2 + x (1 - tanh² u) / 2 · du/dx).
    """

    def forward(self, x: Array) -> Array:
        require_floating("GeluKernelImpl", x)
        self.save_for_backward(x)
        values = wide(x)  # 1 + tanh(x) cancels most digits
        inner = math.sqrt(2 / math.pi) * (values + 0.044715 * values**3)
        y = 0.5 * values * (1 + array_module(x).tanh(inner))
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        scale = math.sqrt(2 / math.pi)
        tanh = (scale * (x + 0.044715 * x**3)).tanh()
        slope = scale * (1 + 3 * 0.044715 * x * x)
        return grad * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * slope)


class Silu(Operation):
    """x s, s = sigmoid(x).  Gradient: g s (1 + x (1 - s)).  Saves x."""

    def forward(self, x: Array) -> Array:
        require_floating("silu_cpu", x)
        self.save_for_backward(x)
        return x * sigmoid(x)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        s = x.sigmoid()
        return grad * (s * (1 + x * (1 - s)))


class Softplus(Operation):
    """log(1 + exp(beta x)) / beta, x itself where beta x > threshold.  Saves x.

    Gradient: g sigmoid(beta x), or g.  Second derivative: 0 from the threshold on, as in PyTorch.
    """

    def forward(self, x: Array, beta: float, threshold: float) -> Array:
        require_floating("softplus_cpu", x)
        self.save_for_backward(x)
        self.beta, self.threshold = beta, threshold
        xp = array_module(x)
        scaled = x * beta
        return xp.where(scaled > threshold, x, xp.log1p(xp.exp(scaled)) / beta)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        scaled = x * self.beta
        slope = scaled.masked_fill(scaled >= self.threshold, self.threshold).sigmoid()
        return grad.where(scaled > self.threshold, grad * slope)


# --- comparisons and bits: no gradient -----------------------------------------------------------


class Ufunc(Operation):
    """A function of NumPy's and CuPy's, by name, whose result has no gradient: less, isnan, …"""

    def forward(self, name: str, *operands: Array) -> Array:
        if len(operands) == 2:
            operands = promote(*operands)
        array = next(x for x in operands if hasattr(x, "dtype"))
        if array.dtype.kind == "f" and name in _OF_BITS:
            if name == "invert":
                raise TypeError(
                    "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
                )
            raise NotImplementedError(
                f"\"{name}_cpu\" not implemented for '{type_name(array.dtype)}'"
            )
        return getattr(array_module(array), name)(*operands)


_OF_BITS = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift")
