"""Pooling layers. None of them has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.module import Module
from tinygrad_adam.tensor import Tensor

IntOrPair = int | Sequence[int]


class MaxPool2d(Module):
    """The largest element of each window.

    Args:
        kernel_size: size of the window, int or pair.
        stride: step of the window, int or pair; by default its size.
        padding: how many elements of minus infinity to imagine around the image, int or pair.
        dilation: distance between the elements of a window, int or pair.
        return_indices: also return where the largest elements stand.
        ceil_mode: round the size of the result up.

    Input (N, C, H, W) or (C, H, W), output (N, C, oH, oW).

    Source: PyTorch, ``torch.nn.MaxPool2d``.
    """

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, with ``return_indices`` a pair of them and their places."""
        return functional.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


MaxPool = MaxPool2d


class AvgPool2d(Module):
    """The mean of each window.

    Args:
        kernel_size: size of the window, int or pair.
        stride: step of the window, int or pair; by default its size.
        padding: how many zeros to imagine around the image, int or pair.
        ceil_mode: round the size of the result up.
        count_include_pad: whether the zeros count in the mean.
        divisor_override: what to divide the sums by, instead of the number of elements.

    Input (N, C, H, W) or (C, H, W), output (N, C, oH, oW).

    Source: PyTorch, ``torch.nn.AvgPool2d``.
    """

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return functional.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Return the options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """The means of windows chosen so that the result has a given size.

    Args:
        output_size: (oH, oW), or an int for both; None keeps that size of the input.

    Input (N, C, H, W) or (C, H, W), output (N, C, oH, oW).

    Source: PyTorch, ``torch.nn.AdaptiveAvgPool2d``.
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return functional.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the size."""
        return f"output_size={self.output_size}"
