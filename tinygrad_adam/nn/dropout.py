"""Dropout as a module."""

from __future__ import annotations

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.module import Module
from tinygrad_adam.tensor import Tensor


class Dropout(Module):
    """In training, set each element to zero with probability ``p`` and divide the others by 1 - p.

    In evaluation, return the input as it is.

    Args:
        p: the probability, from 0 to 1.
        inplace: write into the input's memory.

    Raises:
        ValueError: ``p`` is no probability.

    Source: PyTorch, ``torch.nn.Dropout``; Srivastava et al., "Dropout" (2014).
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped."""
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"p={self.p}, inplace={self.inplace}"
