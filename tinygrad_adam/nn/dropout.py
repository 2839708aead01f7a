"""Dropout as modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import Layer
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.tensor import Tensor


@dataclass(eq=False, repr=False)
class _Dropout(Layer):
    p: float = 0.5
    inplace: bool = False
    _function: ClassVar[Callable[..., Tensor]]

    def __post_init__(self) -> None:
        self.p = fitted(type(self).__name__, "p", "float", self.p)
        if not 0 <= self.p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {self.p}")

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function(input, self.p, self.training, self.inplace)


class Dropout(_Dropout):
    """In training, set each element to zero with probability ``p`` and divide the others by 1 - p.

    In evaluation, return the input as it is.

    Args:
        p: the probability, from 0 to 1.
        inplace: write into the input's memory.

    Raises:
        ValueError: ``p`` is no probability.

    Source: PyTorch, ``torch.nn.Dropout``; Srivastava et al., "Dropout" (2014).
    """

    _function = functional.dropout


class Dropout1d(_Dropout):
    """In training, set whole channels of sequences (N, C, L) or (C, L) to zero.

    Arguments as for :class:`Dropout`.

    Source: PyTorch, ``torch.nn.Dropout1d``; Tompson et al., "Efficient Object Localization Using
    Convolutional Networks" (2015).
    """

    _function = functional.dropout1d


class Dropout2d(_Dropout):
    """In training, set whole channels of images (N, C, H, W) to zero: :class:`Dropout1d` for them.

    Source: PyTorch, ``torch.nn.Dropout2d``; Tompson et al. (2015).
    """

    _function = functional.dropout2d


class AlphaDropout(_Dropout):
    """In training, set elements to what SELU tends to, and keep mean and variance at 0 and 1.

    Arguments as for :class:`Dropout`.

    Source: PyTorch, ``torch.nn.AlphaDropout``; Klambauer et al., "Self-Normalizing Neural Networks"
    (2017).
    """

    _function = functional.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """:class:`AlphaDropout` of whole channels of an input (N, C, …).

    Source: PyTorch, ``torch.nn.FeatureAlphaDropout``; Klambauer et al. (2017).
    """

    _function = functional.feature_alpha_dropout
