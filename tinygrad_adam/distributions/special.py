"""Special functions: log gamma, and the inverse of erf."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from tinygrad_adam import ops
from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, device_of, move, to_numpy
from tinygrad_adam.tensor import Tensor


def _on_host(function: Any, x: Array) -> Array:
    """Return ``function``, which knows NumPy only, of an array on any device."""
    return move(np.asarray(function(to_numpy(x))).astype(x.dtype), device_of(x))


_lgamma = np.vectorize(lambda x: math.lgamma(x) if math.isfinite(x) else abs(x), otypes=[float])


def _log_gamma_derivative(order: int, x: np.ndarray) -> np.ndarray:
    """Return digamma or trigamma of positive numbers, by recurrence up to 8 and a series there."""
    x, total = x.astype(np.float64), np.zeros(x.shape)
    for _ in range(8):
        small = x < 8
        with np.errstate(divide="ignore"):
            total += np.where(small, (-1 / x, 1 / x**2)[order], 0)
        x = x + small
    r = 1 / x**2
    if order == 0:
        series = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))))
        return total + np.log(x) - 0.5 / x - series
    series = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * 5 / 66))))
    return total + (1 + 0.5 / x + series) / x


class _Gamma(Operation):
    """The logarithm of the gamma function, or its derivative of an order.  Gradient: the next."""

    def forward(self, x: Array, order: int) -> Array:
        self.save(x)
        self.order = order
        if order == 0:
            return _on_host(_lgamma, x)
        return _on_host(lambda x: _log_gamma_derivative(order - 1, x), x)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return grad * _Gamma.apply(x, self.order + 1), None


def lgamma(x: Tensor) -> Tensor:
    """Return log Γ(x) of positive numbers."""
    return _Gamma.apply(x, 0)  # type: ignore[no-any-return]


@np.vectorize
def _erfinv(x: float) -> float:
    if -1 < x < 1:
        return NormalDist().inv_cdf((1 + x) / 2) / math.sqrt(2)
    return math.copysign(math.inf, x) if abs(x) == 1 else math.nan


class _Erfinv(Operation):
    """The inverse of erf.  Gradient: g sqrt(pi)/2 exp(y²).  Saves the result y."""

    def forward(self, x: Array) -> Array:
        y = _on_host(_erfinv, x) if x.size else x
        self.save(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved
        return grad * ops.exp(y * y) * (math.sqrt(math.pi) / 2)


def erfinv(x: Tensor) -> Tensor:
    """Return the inverse of erf."""
    return _Erfinv.apply(x)  # type: ignore[no-any-return]
