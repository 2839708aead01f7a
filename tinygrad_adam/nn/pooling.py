"""Pooling layers. None of them has parameters.

Those with a window take its size ``kernel_size`` and its step ``stride``, by default its size, each
an int or a pair. ``padding`` is how much to imagine around the image, ``ceil_mode`` rounds the size
of the result up. Input is (N, C, H, W) or (C, H, W), output (N, C, oH, oW) or (C, oH, oW).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import FunctionLayer

IntOrPair = int | Sequence[int]


@dataclass(eq=False, repr=False)
class _Pool(FunctionLayer):
    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    padding: IntOrPair = 0

    def __post_init__(self) -> None:
        if self.stride is None:
            self.stride = self.kernel_size


@dataclass(eq=False, repr=False)
class MaxPool2d(_Pool):
    """The largest element of each window.

    Args:
        kernel_size: size of the window.
        stride: step of the window.
        padding: how many elements of minus infinity to imagine around the image.
        dilation: distance between the elements of a window, int or pair.
        return_indices: return a pair of the largest elements and of where they stand.
        ceil_mode: round the size of the result up.

    Source: PyTorch, ``torch.nn.MaxPool2d``.
    """

    dilation: IntOrPair = 1
    return_indices: bool = field(default=False, repr=False)
    ceil_mode: bool = False
    _function = functional.max_pool2d


MaxPool = MaxPool2d


@dataclass(eq=False, repr=False)
class AvgPool2d(_Pool):
    """The mean of each window.

    Args:
        kernel_size: size of the window.
        stride: step of the window.
        padding: how many zeros to imagine around the image.
        ceil_mode: round the size of the result up.
        count_include_pad: whether the zeros count in the mean.
        divisor_override: what to divide the sums by, instead of the number of elements.

    Source: PyTorch, ``torch.nn.AvgPool2d``.
    """

    ceil_mode: bool = field(default=False, repr=False)
    count_include_pad: bool = field(default=True, repr=False)
    divisor_override: int | None = field(default=None, repr=False)
    _function = functional.avg_pool2d


@dataclass(eq=False, repr=False)
class AdaptiveAvgPool2d(FunctionLayer):
    """The means of windows chosen so that the result has a given size.

    Args:
        output_size: (oH, oW), or an int for both; None keeps that size of the input.

    Source: PyTorch, ``torch.nn.AdaptiveAvgPool2d``.
    """

    output_size: int | Sequence[int | None] | None
    _function = functional.adaptive_avg_pool2d
