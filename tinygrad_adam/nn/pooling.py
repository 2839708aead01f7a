"""Pooling layers. None of them has parameters.

Those with a window take its size ``kernel_size`` and its step ``stride``, by default its size, each
an int or a pair. ``padding`` is how much to imagine around the image, ``ceil_mode`` rounds the size
of the result up. Input is (N, C, H, W) or (C, H, W), output (N, C, oH, oW) or (C, oH, oW).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import FunctionLayer
from tinygrad_adam.tensor import Tensor

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
class _MaxPool(_Pool):
    dilation: IntOrPair = 1
    return_indices: bool = field(default=False, repr=False)
    ceil_mode: bool = False


class MaxPool2d(_MaxPool):
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

    _function = functional.max_pool2d


MaxPool = MaxPool2d


class MaxPool1d(_MaxPool):
    """:class:`MaxPool2d` of sequences (N, C, L) or (C, L); options are ints.

    Source: PyTorch, ``torch.nn.MaxPool1d``.
    """

    _function = functional.max_pool1d


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
class AvgPool1d(_Pool):
    """:class:`AvgPool2d` of sequences (N, C, L) or (C, L); options are ints.

    Source: PyTorch, ``torch.nn.AvgPool1d``.
    """

    ceil_mode: bool = field(default=False, repr=False)
    count_include_pad: bool = field(default=True, repr=False)
    _function = functional.avg_pool1d

    def __post_init__(self) -> None:
        super().__post_init__()
        _as_tuples(self, 1)


def _as_tuples(pool: _Pool, spatial: int) -> None:
    """Let size, step and padding be tuples, as PyTorch does in some of its pools."""
    for name in ("kernel_size", "stride", "padding"):
        value = getattr(pool, name)
        setattr(pool, name, tuple(value) if isinstance(value, Sequence) else (value,) * spatial)


@dataclass(eq=False, repr=False)
class _LPPool(FunctionLayer):
    norm_type: float
    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    ceil_mode: bool = False


class LPPool2d(_LPPool):
    """The p-norm of each window, (Σ x**p) ** (1/p), signs and all.

    Args:
        norm_type: p; infinity for the largest of the absolute values.
        kernel_size: size of the window.
        stride: step of the window.
        ceil_mode: round the size of the result up.

    Source: PyTorch, ``torch.nn.LPPool2d``.
    """

    _function = functional.lp_pool2d


class LPPool1d(_LPPool):
    """:class:`LPPool2d` of sequences (N, C, L) or (C, L); options are ints.

    Source: PyTorch, ``torch.nn.LPPool1d``.
    """

    _function = functional.lp_pool1d


@dataclass(eq=False, repr=False)
class _MaxUnpool(_Pool):
    _spatial: ClassVar[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        _as_tuples(self, self._spatial)

    def forward(  # type: ignore[override]
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """Return zeros with the input where ``indices`` say.

        Args:
            input: what the pool returned.
            indices: what it returned beside it.
            output_size: of what was pooled, where the options leave a choice.
        """
        options = self._options(self.__match_args__)
        return type(self)._function(input, indices, **options, output_size=output_size)


class MaxUnpool2d(_MaxUnpool):
    """What :class:`MaxPool2d` took, back at its place, zeros elsewhere.

    Args:
        kernel_size: of the pool; and the others, too.

    It is called with the pool's result and indices.

    Source: PyTorch, ``torch.nn.MaxUnpool2d``.
    """

    _spatial = 2
    _function = functional.max_unpool2d


class MaxUnpool1d(_MaxUnpool):
    """:class:`MaxUnpool2d` for :class:`MaxPool1d`.

    Source: PyTorch, ``torch.nn.MaxUnpool1d``.
    """

    _spatial = 1
    _function = functional.max_unpool1d


@dataclass(eq=False, repr=False)
class _AdaptivePool(FunctionLayer):
    output_size: Any


class AdaptiveAvgPool2d(_AdaptivePool):
    """The means of windows chosen so that the result has a given size.

    Args:
        output_size: (oH, oW), or an int for both; None keeps that size of the input.

    Source: PyTorch, ``torch.nn.AdaptiveAvgPool2d``.
    """

    _function = functional.adaptive_avg_pool2d


class AdaptiveAvgPool1d(_AdaptivePool):
    """:class:`AdaptiveAvgPool2d` of sequences (N, C, L) or (C, L), to an int.

    Source: PyTorch, ``torch.nn.AdaptiveAvgPool1d``.
    """

    _function = functional.adaptive_avg_pool1d


@dataclass(eq=False, repr=False)
class _AdaptiveMaxPool(_AdaptivePool):
    return_indices: bool = field(default=False, repr=False)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of windows chosen so that the result has a given size.

    Args:
        output_size: (oH, oW), or an int for both; None keeps that size of the input.
        return_indices: return a pair of the largest elements and of where they stand.

    Source: PyTorch, ``torch.nn.AdaptiveMaxPool2d``.
    """

    _function = functional.adaptive_max_pool2d


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """:class:`AdaptiveMaxPool2d` of sequences (N, C, L) or (C, L), to an int.

    Source: PyTorch, ``torch.nn.AdaptiveMaxPool1d``.
    """

    _function = functional.adaptive_max_pool1d
