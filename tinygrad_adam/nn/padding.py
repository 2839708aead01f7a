"""Layers that add elements around sequences and images, or with negative amounts cut them off.

``padding`` is an int for all sides, or (left, right) for sequences (N, C, L) or (C, L), and (left,
right, top, bottom) for images (N, C, H, W) or (C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import Layer
from tinygrad_adam.tensor import Tensor


class _Pad(Layer):
    """What all of them share."""

    _spatial: ClassVar[int]
    _mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        if isinstance(padding, int):
            padding = (padding,) * (2 * self._spatial)
        self.padding = tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """Return the amounts."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """Return the amounts and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Put ``value`` around sequences.

    Source: PyTorch, ``torch.nn.ConstantPad1d``.
    """

    _spatial = 1


class ConstantPad2d(_ConstantPad):
    """Put ``value`` around images.

    Source: PyTorch, ``torch.nn.ConstantPad2d``.
    """

    _spatial = 2


class ZeroPad1d(_Pad):
    """Put zeros around sequences.

    Source: PyTorch, ``torch.nn.ZeroPad1d``.
    """

    _spatial = 1
    value = 0.0


class ZeroPad2d(_Pad):
    """Put zeros around images.

    Source: PyTorch, ``torch.nn.ZeroPad2d``.
    """

    _spatial = 2
    value = 0.0


class ReflectionPad1d(_Pad):
    """Mirror sequences at their ends, which are not repeated.

    Source: PyTorch, ``torch.nn.ReflectionPad1d``.
    """

    _spatial = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Mirror images at their edges, which are not repeated.

    Source: PyTorch, ``torch.nn.ReflectionPad2d``.
    """

    _spatial = 2
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Repeat the ends of sequences.

    Source: PyTorch, ``torch.nn.ReplicationPad1d``.
    """

    _spatial = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Repeat the edges of images.

    Source: PyTorch, ``torch.nn.ReplicationPad2d``.
    """

    _spatial = 2
    _mode = "replicate"


class _CircularPad(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        low = self._spatial + 1
        if input.ndim not in (low, low + 1):
            raise ValueError(f"expected {low}D or {low + 1}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Let sequences go on at the other end.

    Source: PyTorch, ``torch.nn.CircularPad1d``.
    """

    _spatial = 1


class CircularPad2d(_CircularPad):
    """Let images go on at the other edge.

    Source: PyTorch, ``torch.nn.CircularPad2d``.
    """

    _spatial = 2
