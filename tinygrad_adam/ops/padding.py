"""Padding with a constant."""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module


class Pad(Operation):
    """x with ``before`` and ``after`` elements of ``value`` at the ends of each dimension.

    Negative amounts cut elements off.  Gradient: g padded by the negative amounts.  Saves nothing.
    """

    def forward(self, x: Array, amounts: tuple[tuple[int, int], ...], value: float) -> Array:
        self.amounts = amounts
        shape = tuple([n + before + after for n, (before, after) in zip(x.shape, amounts)])
        if min(shape, default=0) < 0:
            raise RuntimeError(
                f"The input size {list(x.shape)}, plus negative padding "
                f"{[n for pair in reversed(amounts) for n in pair]}, resulted in a negative output "
                f"size {list(shape)}, which is invalid. Check dimensions of your input."
            )
        y = array_module(x).full(shape, value, x.dtype)
        inside = tuple([slice(max(b, 0), n - max(a, 0)) for n, (b, a) in zip(shape, amounts)])
        kept = tuple([slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape, amounts)])
        y[inside] = x[kept]
        return y

    def backward(self, grad: Any) -> Any:
        return Pad.apply(grad, tuple([(-before, -after) for before, after in self.amounts]), 0)
