"""Special functions that NumPy lacks."""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import wide

# Numerators and denominators, highest power first, of Cody's rational approximations of erf.
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
