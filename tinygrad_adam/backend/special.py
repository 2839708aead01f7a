"""Special functions that NumPy lacks, of floating-point arrays, in their dtype."""

from __future__ import annotations

import math

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import wide

# Numerators and denominators, highest power first, of Cody's rational approximations of erf: near
# zero, further out, and (in 1/x²) beyond 4.
_NEAR = (
    (0.185777706184603153, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
     3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)  # fmt: skip
_FAR = (
    (2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295,
     298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
     1230.33935479799725),
    (1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
     3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
)  # fmt: skip
_BEYOND = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip

# Bernoulli numbers B2, B4, …
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _ratio(x: Array, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    """Return the quotient of two polynomials in ``x``, by Horner's rule."""
    above, below = (0 * x + coefficients[0] for coefficients in polynomials)
    for a, b in zip(polynomials[0][1:], polynomials[1][1:]):
        above = above * x + a
        below = below * x + b
    return above / below


def erf(x: Array) -> Array:
    """Return the error function 2/sqrt(pi) ∫₀ˣ exp(-t²) dt, with the dtype of ``x``.

    Right to 2e-16 in float64. Near zero erf(x)/x is a ratio of polynomials in x²; further out
    1 - erf is exp(-x²) times another ratio.

    Source: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
    Computation 23 (1969).
    """
    xp = array_module(x)
    dtype, x = x.dtype, wide(x)  # in float16 the coefficients would be infinite
    size = xp.minimum(xp.abs(x), 6.0)  # erf(6) is 1 in every dtype
    near = x * _ratio(size * size, _NEAR)
    far = xp.sign(x) * (1 - xp.exp(-size * size) * _ratio(size, _FAR))
    return xp.where(size <= 0.46875, near, far).astype(dtype)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)); exp may overflow to infinity, which gives 0."""
    return 1 / (1 + array_module(x).exp(-x))


def erfc(x: Array) -> Array:
    """Return 1 - erf(x), right to all its digits where erf(x) is nearly 1.

    Source: as for :func:`erf`.
    """
    xp = array_module(x)
    dtype, x = x.dtype, wide(x)
    size = xp.minimum(xp.abs(x), 30.0)
    # exp(-x²) of a number of few digits, whose square is exact, and of the little that is left.
    short = xp.trunc(size * 16) / 16
    bell = xp.exp(-short * short) * xp.exp(-(size - short) * (size + short))
    z = 1 / xp.maximum(size, 1) ** 2
    beyond = (1 / math.sqrt(math.pi) - z * _ratio(z, _BEYOND)) / xp.maximum(size, 1)
    y = bell * xp.where(size <= 4, _ratio(xp.minimum(size, 4), _FAR), beyond)
    y = xp.where(x < 0, 2 - y, y)
    return xp.where(size <= 0.46875, 1 - x * _ratio(size * size, _NEAR), y).astype(dtype)


def erfinv(x: Array) -> Array:
    """Return y with erf(y) = x: infinite at ±1, NaN beyond.

    Winitzki's approximation, and three steps of Halley's method.
    """
    xp = array_module(x)
    dtype, x = x.dtype, wide(x)
    size = xp.abs(x)
    w = xp.log1p(-size * size)
    t = 2 / (math.pi * 0.147) + w / 2
    y = xp.sqrt(-w / 0.147 / (xp.sqrt(t * t - w / 0.147) + t))
    for _ in range(3):
        miss = xp.where(size < 0.5, size - erf(y), erfc(y) - (1 - size))
        step = miss * xp.exp(y * y) * (math.sqrt(math.pi) / 2)
        y = y + step / (1 - step * y)
    y = xp.where(size == 1, math.inf, xp.where(size == 0, 0.0, y))
    return xp.copysign(y, x).astype(dtype)


def _shifted(x: Array, least: int) -> tuple[Array, list[Array]]:
    """Return x + n >= ``least``, for the x > 0 as for the others, and x, x + 1, … x + n - 1."""
    return x + least, [x + i for i in range(least)]


def lgamma(x: Array) -> Array:
    """Return log |Γ(x)|: Stirling's series at x + 8; reflected below 1/2.

    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 6.1.17 and 6.1.40.
    """
    xp = array_module(x)
    dtype, x = x.dtype, x.astype("f8")
    mirrored = x < 0.5
    a = xp.where(mirrored, 1 - x, x)
    small = a < 10
    z, factors = _shifted(xp.where(small, a, 1.0), 10)
    z = xp.where(small, z, a)
    y = (z - 0.5) * xp.log(z) - z + 0.5 * math.log(2 * math.pi)
    for k, number in enumerate(_BERNOULLI, 1):
        y = y + number / (2 * k * (2 * k - 1)) / z ** (2 * k - 1)
    product = math.prod(factors)
    y = xp.where(small, y - xp.log(product), y)
    y = xp.where((a == 1) | (a == 2), 0.0, y)
    sine = xp.abs(xp.sin(math.pi * (x - xp.round(x))))
    y = xp.where(mirrored, xp.log(math.pi / sine) - y, y)
    return xp.where(xp.isinf(x), math.inf, y).astype(dtype)


def digamma(x: Array) -> Array:
    """Return the derivative of log Γ(x); infinite at 0, NaN at -1, -2, …

    Source: as for :func:`lgamma`, 6.3.7 and 6.3.18.
    """
    xp = array_module(x)
    dtype, x = x.dtype, x.astype("f8")
    mirrored = x < 0.5
    a = xp.where(mirrored, 1 - x, x)
    z, before = _shifted(a, 10)
    y = xp.log(z) - 0.5 / z
    for k, number in enumerate(_BERNOULLI, 1):
        y = y - number / (2 * k) / z ** (2 * k)
    for term in before:
        y = y - 1 / term
    angle = math.pi * (x - xp.round(x))
    y = xp.where(mirrored, y - math.pi / xp.tan(angle), y)
    y = xp.where((x < 0) & (x == xp.floor(x)), math.nan, y)
    return xp.where(x == 0, xp.copysign(math.inf, -x), y).astype(dtype)


def zeta(s: int, x: Array) -> Array:
    """Return Σ (x + k)^-s over k >= 0, for an integer s > 1; infinite at 0, -1, -2, …

    Below 0 it is the sum over all integers k, which has the period 1, without those below 0.
    """
    xp = array_module(x)
    dtype, x = x.dtype, x.astype("f8")
    floor, sign = xp.floor(x), (-1.0) ** s
    below = x < 0
    part = xp.where(below, x - floor, 0.5)
    period = _positive_zeta(s, part) + sign * _positive_zeta(s, 1 - part)
    y = _positive_zeta(s, xp.where(below, 1 - x, x))
    y = xp.where(below, period - sign * y, y)
    return xp.where((x <= 0) & (x == floor), math.inf, y).astype(dtype)


def _positive_zeta(s: int, x: Array) -> Array:
    """Return :func:`zeta` for x >= 0: Euler's and Maclaurin's formula.

    Source: Abramowitz and Stegun (1964), 23.1.30.
    """
    z, before = _shifted(x, 10)
    y = z ** (1.0 - s) / (s - 1) + 0.5 / z**s
    factor = 1.0 * s
    for k, number in enumerate(_BERNOULLI, 1):
        y = y + number * factor / math.factorial(2 * k) * z ** (1.0 - s - 2 * k)
        factor *= (s + 2 * k - 1) * (s + 2 * k)
    for term in before:
        y = y + 1 / term**s
    return y
