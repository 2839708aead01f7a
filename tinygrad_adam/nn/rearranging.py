"""Layers that lay out the elements of images in another way. None of them has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import FunctionLayer

IntOrPair = int | Sequence[int]


@dataclass(eq=False, repr=False)
class Unfold(FunctionLayer):
    """Lay out what every window of an image sees: (N, C, H, W) -> (N, C kH kW, windows).

    Args:
        kernel_size: size of the window, int or pair.
        dilation: distance between the elements of a window, int or pair.
        padding: zeros around the image, int or pair.
        stride: step of the window, int or pair.

    Source: PyTorch, ``torch.nn.Unfold``.
    """

    kernel_size: IntOrPair
    dilation: IntOrPair = 1
    padding: IntOrPair = 0
    stride: IntOrPair = 1
    _function = functional.unfold


@dataclass(eq=False, repr=False)
class Fold(FunctionLayer):
    """Add what every window of an image holds up to that image: the transpose of :class:`Unfold`.

    Args:
        output_size: (H, W) of the image, or an int for both.
        kernel_size: and the others: as for :class:`Unfold`.

    Source: PyTorch, ``torch.nn.Fold``.
    """

    output_size: IntOrPair
    kernel_size: IntOrPair
    dilation: IntOrPair = 1
    padding: IntOrPair = 0
    stride: IntOrPair = 1
    _function = functional.fold


@dataclass(eq=False, repr=False)
class PixelShuffle(FunctionLayer):
    """Make squares of pixels out of channels: (…, C r², H, W) -> (…, C, H r, W r).

    Args:
        upscale_factor: r.

    Source: PyTorch, ``torch.nn.PixelShuffle``; Shi et al. (2016).
    """

    upscale_factor: int
    _function = functional.pixel_shuffle


@dataclass(eq=False, repr=False)
class PixelUnshuffle(FunctionLayer):
    """Make channels out of squares of pixels: (…, C, H r, W r) -> (…, C r², H, W).

    Args:
        downscale_factor: r.

    Source: PyTorch, ``torch.nn.PixelUnshuffle``.
    """

    downscale_factor: int
    _function = functional.pixel_unshuffle


@dataclass(eq=False, repr=False)
class ChannelShuffle(FunctionLayer):
    """Deal the channels of (N, C, …) out like cards: the first of each group, then the second, …

    Args:
        groups: how many.

    Source: PyTorch, ``torch.nn.ChannelShuffle``; Zhang et al., "ShuffleNet" (2018).
    """

    groups: int
    _function = functional.channel_shuffle
