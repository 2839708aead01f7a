"""Dropout: elements set to zero at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, default_generator, device_of, move
from tinygrad_adam.backend.dtypes import float32


class Dropout(Operation):
    """x / (1 - p) with probability 1 - p, else 0, for each element by itself.

    Gradient: g / (1 - p) where x was kept, else 0.  Saves these factors.

    Source: Srivastava et al., "Dropout" (2014).
    """

    def forward(self, x: Array, p: float) -> Array:
        # Drawn on the CPU in memory order of the shape, so that every device drops the same ones.
        kept = default_generator.numpy.random(x.shape, dtype=float32) >= p
        factors = np.asarray(kept * x.dtype.type(1 / (1 - p) if p < 1 else 0))
        factors = move(factors, device_of(x))
        self.save_for_backward(factors)
        return x * factors

    def backward(self, grad: Any) -> Any:
        (factors,) = self.saved_tensors
        return grad * factors
