"""Special functions, and the odd ones of arithmetic, of each element by itself.

As in elementwise.py inputs broadcast and are promoted, and ``g`` is the gradient of the result.
"""
# Signatures with a docstring; a decorator makes the body.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, special
from tinygrad_adam.backend.dtypes import complex128, float64
from tinygrad_adam.ops.arguments import Operand, checked, fitted, is_tensor_here, returns
from tinygrad_adam.ops.complex_parts import conj, imag
from tinygrad_adam.ops.elementwise import (
    binary,
    cos,
    div,
    exp,
    floating,
    ge,
    isnan,
    log,
    logical_or,
    mul,
    of_bits,
    of_reals,
    overwritten,
    pow,
    require_floating,
    require_real,
    sigmoid,
    unary,
    where,
)
from tinygrad_adam.ops.shapes import cast, clone

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _kernel(name: str) -> Callable[..., Array]:
    """Return the formula for a function of ``backend.special``."""

    def formula(xp: Any, x: Array) -> Array:
        require_floating(name, x)
        return getattr(special, name)(x)  # type: ignore[no-any-return]

    return formula


# --- special functions ---------------------------------------------------------------------------


@unary(_kernel("erfc"), lambda g, x: -g * mul(exp(-x * x), 2 / math.sqrt(math.pi)))
def erfc(input: Tensor, *, out: Any = None) -> Tensor:
    """1 - erf(x), exact where erf(x) is nearly 1.  Gradient: -g 2/sqrt(pi) exp(-x²)."""


@unary(_kernel("erfinv"), lambda g, y: g * mul(exp(y * y), math.sqrt(math.pi) / 2))
def erfinv(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of erf: infinite at ±1, NaN beyond.  Gradient: g sqrt(pi)/2 exp(y²)."""


@unary(_kernel("lgamma"), lambda g, x: g * digamma(x))  # type: ignore[has-type]
def lgamma(input: Tensor, *, out: Any = None) -> Tensor:
    """log |Γ(x)|.  Gradient: g digamma(x)."""


@unary(_kernel("digamma"), lambda g, x: g * Polygamma.apply(x, 1))
def digamma(input: Tensor, *, out: Any = None) -> Tensor:
    """The derivative of log Γ(x).  Gradient: g polygamma(1, x)."""


class Polygamma(Operation):
    """The n-th derivative of digamma, (-1)^(n+1) n! ζ(n + 1, x).  Gradient: g times the next.

    Saves x.
    """

    def forward(self, x: Array, n: int) -> Array:
        x = floating(x)
        require_floating("polygamma", x)
        self.save(x)
        self.n = n
        return special.zeta(n + 1, x) * ((-1) ** (n + 1) * math.factorial(n))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return grad * Polygamma.apply(x, self.n + 1)


@checked
def polygamma(n: Any, input: Any, *, out: Any = None) -> Tensor:
    """Return the n-th derivative of :func:`digamma`.

    Raises:
        RuntimeError: ``n`` is negative.
    """
    if is_tensor_here(n):  # as a method: x.polygamma(n)
        n, input = input, n
    n, input = fitted("polygamma", "n", "int", n), fitted("polygamma", "input", "Tensor", input)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return digamma(input) if n == 0 else Polygamma.apply(input, n)


@checked
def mvlgamma(input: Tensor, p: int, *, out: Any = None) -> Tensor:
    """Return log Γ of ``p`` dimensions: Σ log Γ(x - i/2) for i < p, and p (p-1)/4 log(pi).

    Raises:
        RuntimeError: ``p`` is below 1.
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = lgamma(input)
    for i in range(1, p):
        total = total + lgamma(input - i / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi)


class Logit(Operation):
    """log(x / (1 - x)), of x limited to [eps, 1 - eps] unless eps is None.  Saves x.

    Gradient: g / (x (1 - x)); outside of these limits 0, outside of [0, 1] NaN.
    """

    def forward(self, x: Array, eps: float | None) -> Array:
        require_real("logit", x)
        x, self.eps = floating(x), eps
        self.save(x)
        z = x if eps is None else array_module(x).clip(x, eps, 1 - eps)
        return array_module(x).log(z / (1 - z))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        least = 0 if self.eps is None else self.eps
        outside = (x < least) | (x > 1 - least)
        return where(outside, math.nan if self.eps is None else 0.0, grad / (x * (1 - x)))


@checked
def logit(input: Tensor, eps: float | None = None, *, out: Any = None) -> Tensor:
    """Return log(x / (1 - x)), of x limited to [eps, 1 - eps] if ``eps`` is given."""
    return Logit.apply(input, eps)


def _sinc_slope(g: Any, x: Any, y: Any) -> Any:
    zero = x == 0
    return where(zero, 0.0, g * ((cos(math.pi * x) - y) / where(zero, 1.0, x)))


@unary(lambda xp, x: xp.sinc(x), _sinc_slope)
def sinc(input: Tensor, *, out: Any = None) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0.  Gradient: g (cos(pi x) - y) / x, 0 at 0."""


def _floats(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands with integers as float32, and numbers of Python's as the other is."""
    like = a if hasattr(a, "dtype") else b
    a, b = [array_module(like).asarray(x, like.dtype) for x in (a, b)]
    return floating(a), floating(b)


def _times_log(name: str, log: str) -> Callable[..., Array]:
    """Return the formula for a times NumPy's log or log1p of b, 0 where a is 0 and b no NaN."""

    def formula(xp: Any, a: Any, b: Any) -> Array:
        a, b = _floats(a, b)
        require_real(name, a)
        return xp.where((a == 0) & ~xp.isnan(b), xp.zeros_like(b), a * getattr(xp, log)(b))

    return formula


@binary(
    _times_log("xlogy", "log"),
    lambda g, a, b: where((a == 0) & (b <= 0), 0.0, xlogy(g, b)),  # type: ignore[has-type]
    lambda g, a, b: g * div(a, b),
)
def xlogy(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """a log(b), 0 where a is 0.  Gradient: da = g log(b), db = g a / b."""


@binary(
    _times_log("xlog1py", "log1p"),
    lambda g, a, b: where((a == 0) & (b <= -1), 0.0, xlog1py(g, b)),  # type: ignore[has-type]
    lambda g, a, b: g * div(a, b + 1),
)
def xlog1py(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """a log(1 + b), 0 where a is 0.  Gradient: da = g log(1 + b), db = g a / (1 + b)."""


def _entropy(xp: Any, x: Array) -> Array:
    return xp.where(x < 0, -x.dtype.type(math.inf), -xp.where(x == 0, x, x * xp.log(x)))


@unary(_entropy, lambda g, x: -g * (log(x) + 1))  # type: ignore[operator]
def entr(input: Tensor, *, out: Any = None) -> Tensor:
    """-x log(x), 0 at 0 and -infinity below.  Gradient: -g (log(x) + 1)."""


@binary(
    of_reals("logaddexp2", "logaddexp2"),
    lambda g, a, b: g * sigmoid((a - b) * math.log(2)),
    lambda g, a, b: g * sigmoid((b - a) * math.log(2)),
)
def logaddexp2(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """log2(2**a + 2**b), without overflow.  Gradient: da = g / (1 + 2**(b - a))."""


# --- arithmetic ----------------------------------------------------------------------------------


@checked
def deg2rad(input: Tensor, *, out: Any = None) -> Tensor:
    """Return degrees as radians."""
    require_real("deg2rad", input, "{} is not supported for complex tensors.", RuntimeError)
    return mul(input, math.pi / 180)


@checked
def rad2deg(input: Tensor, *, out: Any = None) -> Tensor:
    """Return radians as degrees."""
    require_real("rad2deg", input, "{} is not supported for complex tensors.", RuntimeError)
    return mul(input, 180 / math.pi)


@checked
def float_power(input: Operand, exponent: Operand, *, out: Any = None) -> Tensor:
    """Return input ** exponent in float64, or complex128 if one of the two is complex."""
    kinds = [getattr(getattr(x, "dtype", None), "kind", "") for x in (input, exponent)]
    wide = complex128 if "c" in kinds or complex in (type(input), type(exponent)) else float64
    a, b = [cast(x, wide) if is_tensor_here(x) else x for x in (input, exponent)]
    return pow(a, b)


@checked
def ldexp(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return input · 2 ** other, elementwise."""
    return mul(input, pow(2.0, other))


class Frexp(Operation):
    """m and e with x = m 2**e and 1/2 <= |m| < 1, e in int32.  Gradient: g / 2**e.  Saves e."""

    def forward(self, x: Array) -> tuple[Array, Array]:
        if x.dtype.kind != "f":
            raise RuntimeError(
                f"torch.frexp() only supports floating-point dtypes\n  This is {x.dtype}"
            )
        mantissa, exponent = array_module(x).frexp(x)
        self.save(exponent)
        return mantissa, exponent

    def backward(self, grad: Any, _: Any = None) -> Any:
        (exponent,) = self.saved
        return grad / pow(2.0, cast(exponent, grad.dtype))


class MantissaAndExponent(NamedTuple):
    """What :func:`frexp` returns."""

    mantissa: Any
    exponent: Any


@returns("frexp")
@checked
def frexp(input: Tensor, *, out: Any = None) -> MantissaAndExponent:
    """Return mantissa and exponent: x = mantissa · 2 ** exponent, 1/2 <= |mantissa| < 1."""
    return MantissaAndExponent(*Frexp.apply(input))


def _same_sign(xp: Any, a: Any, b: Any) -> Array:
    require_real("copysign", a if hasattr(a, "dtype") else b)
    return xp.copysign(*_floats(a, b))


@binary(
    _same_sign,
    lambda g, a, y: where(a == 0, 0.0, g * (y / a)),
    lambda g, a, y: overwritten(g, 0),
)
def copysign(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """|a| with the sign of b.  Gradient: da = g y / a, 0 at 0; db = 0."""


@binary(of_reals("nextafter", "nextafter"), lambda g: g, lambda g: overwritten(g, 0))
def nextafter(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The next floating-point number after a in the direction of b.  Gradient: da = g, db = 0."""


def _step_at_zero(xp: Any, a: Array, b: Array) -> Array:
    return xp.heaviside(floating(a), floating(b)).astype(a.dtype)


@binary(
    _step_at_zero,
    lambda g: overwritten(g, 0),
    lambda g: overwritten(g, 0),
)
def _heaviside(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """0 below 0, 1 above, b at 0.  Gradient: 0."""


@checked
def heaviside(input: Tensor, values: Tensor, *, out: Any = None) -> Tensor:
    """Return 0 where x is negative, 1 where it is positive, and ``values`` where it is 0.

    Raises:
        RuntimeError: the dtypes differ, or are complex.
    """
    require_real("heaviside", input, "{} is not yet implemented for complex tensors.", RuntimeError)
    if input.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return _heaviside(input, values)


def _sign_bit(xp: Any, x: Array) -> Array:
    require_real("signbit", x, "{} is not implemented for complex tensors.")
    return xp.signbit(x) if x.dtype.kind == "f" else x < 0


@unary(_sign_bit, integers=True)
def signbit(input: Tensor, *, out: Any = None) -> Tensor:
    """Return whether each element is negative, -0 included."""


@binary(of_bits("gcd", kinds="iu"))
def gcd(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return the greatest common divisor of integers, elementwise."""


@binary(of_bits("lcm", kinds="iu"))
def lcm(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return the least common multiple of integers, elementwise."""


def _winner(name: str) -> Callable[..., Array]:
    def formula(xp: Any, a: Array, b: Array) -> Array:
        require_real(name, a, "{} not implemented for complex tensors.", RuntimeError)
        return getattr(xp, name)(a, b)  # type: ignore[no-any-return]

    return formula


@binary(
    _winner("fmax"),
    lambda g, a, b: where(logical_or(ge(a, b), isnan(b)), g, 0.0),
    lambda g, a, b: where(logical_or(ge(a, b), isnan(b)), 0.0, g),
)
def fmax(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """max(a, b), and the other one of a NaN.  Gradient: g to the one taken, a of two equal."""


@binary(
    _winner("fmin"),
    lambda g, a, b: where(logical_or(ge(b, a), isnan(b)), g, 0.0),
    lambda g, a, b: where(logical_or(ge(b, a), isnan(b)), 0.0, g),
)
def fmin(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """min(a, b), and the other one of a NaN.  Gradient: g to the one taken, a of two equal."""


@checked
def isreal(input: Tensor) -> Tensor:
    """Return whether each element has no imaginary part."""
    return imag(input) == 0 if input.dtype.kind == "c" else overwritten(input == 0, True)


@checked
def conj_physical(input: Tensor, *, out: Any = None) -> Tensor:
    """Return the complex conjugates as a copy of their own."""
    return conj(input) if input.dtype.kind == "c" else clone(input)
