"""Fully connected layers, and layers that change nothing but the shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import FunctionLayer, Layer, ParameterLayer
from tinygrad_adam.nn.module import Module
from tinygrad_adam.ops.shapes import unflatten
from tinygrad_adam.tensor import Tensor

T = TypeVar("T")


class Identity(Module):
    """Return the input as it is; takes any arguments.

    Source: PyTorch, ``torch.nn.Identity``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: T) -> T:
        return input


class Linear(ParameterLayer):
    """y = x Wᵀ + b.

    Args:
        in_features: size of the last dimension of x.
        out_features: size of the last dimension of y.
        bias: whether there is a b.

    ``weight`` is (out_features, in_features), ``bias`` (out_features,), both drawn from
    U(-1/√in_features, 1/√in_features). Input (…, in_features), output (…, out_features).

    Source: PyTorch, ``torch.nn.Linear``.
    """

    _shown = ("in_features=", "out_features=", "bias=")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        shape = (out_features, in_features)
        self._make_parameters(device, dtype, weight=shape, bias=shape[:1] if bias else None)

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.weight, self.bias)


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear under the name that the one inside :class:`MultiheadAttention` has in PyTorch."""


@dataclass(eq=False, repr=False)
class Flatten(FunctionLayer):
    """Make one dimension of several: by default of all but the batch's.

    Args:
        start_dim: the first of them.
        end_dim: the last of them.

    Source: PyTorch, ``torch.nn.Flatten``.
    """

    start_dim: int = 1
    end_dim: int = -1
    _function = Tensor.flatten


@dataclass(eq=False, repr=False)
class Unflatten(Layer):
    """Make several dimensions of one.

    Args:
        dim: the dimension.
        unflattened_size: the sizes to make of it; -1 for one that follows from the others.

    Raises:
        TypeError: ``unflattened_size`` is no tuple or list of ints.

    Source: PyTorch, ``torch.nn.Unflatten``.
    """

    dim: int
    unflattened_size: Sequence[int]

    def __post_init__(self) -> None:
        sizes = self.unflattened_size
        if not isinstance(sizes, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(sizes).__name__}"
            )
        for position, size in enumerate(sizes):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {position}"
                )

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)
