"""Dropout as a module."""

from __future__ import annotations

from dataclasses import dataclass

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import Layer
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.tensor import Tensor


@dataclass(eq=False, repr=False)
class Dropout(Layer):
    """In training, set each element to zero with probability ``p`` and divide the others by 1 - p.

    In evaluation, return the input as it is.

    Args:
        p: the probability, from 0 to 1.
        inplace: write into the input's memory.

    Raises:
        ValueError: ``p`` is no probability.

    Source: PyTorch, ``torch.nn.Dropout``; Srivastava et al., "Dropout" (2014).
    """

    p: float = 0.5
    inplace: bool = False

    def __post_init__(self) -> None:
        self.p = fitted("Dropout", "p", "float", self.p)
        if not 0 <= self.p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {self.p}")

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace)
