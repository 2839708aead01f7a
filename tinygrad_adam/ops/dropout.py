"""Dropout: elements set to zero at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.inplace import in_place
from tinygrad_adam.backend import Array, default_generator, device_of, is_differentiable, move
from tinygrad_adam.backend.dtypes import float32, type_name
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.elementwise import require_real

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class Dropout(Operation):
    """x / (1 - p) with probability 1 - p, else 0, for each element by itself.

    Gradient: g / (1 - p) where x was kept, else 0.  Saves these factors.

    Source: Srivastava et al., "Dropout" (2014).
    """

    def shown(self) -> Any:
        """Return PyTorch's form: a product with random numbers."""
        return "MulBackward0", 0, None

    def forward(self, x: Array, p: float) -> Array:
        # Drawn on the CPU in memory order of the shape, so that every device drops the same ones.
        kept = default_generator.numpy.random(x.shape, dtype=float32) >= p
        factors = np.asarray(kept * x.dtype.type(1 / (1 - p) if p < 1 else 0))
        factors = move(factors, device_of(x))
        self.save(factors)
        return x * factors

    def backward(self, grad: Any) -> Any:
        (factors,) = self.saved
        return grad * factors


@checked
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability ``p`` and divide the others by 1 - p.

    Args:
        input: any tensor.
        p: the probability, from 0 to 1.
        training: False returns the input as it is.
        inplace: write into the input's memory.

    Raises:
        ValueError: ``p`` is no probability.

    Source: PyTorch, ``torch.nn.functional.dropout``.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    require_real("dropout", input)
    if not is_differentiable(input.dtype):
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {type_name(input.dtype)}\n"
            "  dropout divides what it keeps by 1 - p: convert the input with .float()"
        )
    apply = in_place(Dropout.apply) if inplace else Dropout.apply
    return apply(input, p)  # type: ignore[no-any-return]
