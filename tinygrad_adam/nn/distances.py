"""Distances and angles between vectors as modules, and the layer that multiplies two vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygrad_adam.nn import functional, init
from tinygrad_adam.nn.layer import Layer, ParameterLayer
from tinygrad_adam.tensor import Tensor


class _OfTwo(Layer):
    def extra_repr(self) -> str:
        """Return nothing: PyTorch shows no options of these."""
        return ""


@dataclass(eq=False, repr=False)
class CosineSimilarity(_OfTwo):
    """The cosine of the angle between vectors along ``dim``, lengths taken for at least ``eps``.

    Source: PyTorch, ``torch.nn.CosineSimilarity``.
    """

    dim: int = 1
    eps: float = 1e-8

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


@dataclass(eq=False, repr=False)
class PairwiseDistance(_OfTwo):
    """(Σ |x1 - x2 + eps|ᵖ)^(1/p), the sum along the last dimension.

    Source: PyTorch, ``torch.nn.PairwiseDistance``.
    """

    p: float = 2.0
    eps: float = 1e-6
    keepdim: bool = False

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)


class Bilinear(ParameterLayer):
    """y = x1ᵀ W x2 + b, with a matrix W for each output.

    Args:
        in1_features: size of the last dimension of x1.
        in2_features: size of the last dimension of x2.
        out_features: size of the last dimension of y.
        bias: whether there is a b.

    ``weight`` is (out_features, in1_features, in2_features), ``bias`` (out_features,), both drawn
    from U(-1/√in1_features, 1/√in1_features).

    Raises:
        ValueError: ``in1_features`` is not positive.

    Source: PyTorch, ``torch.nn.Bilinear``.
    """

    _shown = ("in1_features=", "in2_features=", "out_features=", "bias=")

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        shape = (out_features, in1_features, in2_features)
        self._make_parameters(device, dtype, weight=shape, bias=shape[:1] if bias else None)

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = self.in1_features**-0.5
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return functional.bilinear(input1, input2, self.weight, self.bias)
