"""Channels into pixels and back, and channels among each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.shapes import permute, reshape

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _require_images(function: str, input: Any, name: str, factor: int) -> None:
    if input.ndim < 3:
        raise RuntimeError(
            f"{function} expects input to have at least 3 dimensions, but got input with "
            f"{input.ndim} dimension(s)"
        )
    if factor < 1:
        raise RuntimeError(f"{function} expects a positive {name}, but got {factor}")


def _require_divisible(function: str, what: str, name: str, x: Any, dim: int, by: int) -> None:
    if x.shape[dim] % by:
        raise RuntimeError(
            f"{function} expects {what} to be divisible by {name}, but input.size({dim})="
            f"{x.shape[dim]} is not divisible by {by}"
        )


@checked
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Make squares of pixels out of channels: (…, C r², H, W) -> (…, C, H r, W r).

    Raises:
        RuntimeError: r² does not divide the channels.

    Source: PyTorch, ``torch.nn.functional.pixel_shuffle``; Shi et al., "Real-Time Single Image and
    Video Super-Resolution" (2016).
    """
    r = upscale_factor
    _require_images("pixel_shuffle", input, "upscale_factor", r)
    _require_divisible(
        "pixel_shuffle", "its input's 'channel' dimension", "the square of upscale_factor",
        input, -3, r * r,
    )  # fmt: skip
    *batch, channels, height, width = input.shape
    first = len(batch)
    squares = reshape(input, (*batch, channels // (r * r), r, r, height, width))
    order = (*range(first), *[first + i for i in (0, 3, 1, 4, 2)])
    return reshape(permute(squares, order), (*batch, channels // (r * r), height * r, width * r))


@checked
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Make channels out of squares of pixels: (…, C, H r, W r) -> (…, C r², H, W).

    Raises:
        RuntimeError: r does not divide height and width.

    Source: PyTorch, ``torch.nn.functional.pixel_unshuffle``.
    """
    r = downscale_factor
    _require_images("pixel_unshuffle", input, "downscale_factor", r)
    for what, dim in (("height", -2), ("width", -1)):
        _require_divisible("pixel_unshuffle", what, "downscale_factor", input, dim, r)
    *batch, channels, height, width = input.shape
    first = len(batch)
    squares = reshape(input, (*batch, channels, height // r, r, width // r, r))
    order = (*range(first), *[first + i for i in (0, 2, 4, 1, 3)])
    return reshape(permute(squares, order), (*batch, channels * r * r, height // r, width // r))


@checked
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Deal channels out like cards: of ``groups`` groups, the first of each, then the second, …

    Args:
        input: (N, C, …), with at least one dimension after the channels.
        groups: how many; they divide C.

    Source: PyTorch, ``torch.nn.functional.channel_shuffle``; Zhang et al., "ShuffleNet" (2018).
    """
    if input.ndim < 3:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups < 1:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    batch, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} "
            "groups."
        )
    grouped = reshape(input, (batch, groups, channels // groups, *rest))
    return reshape(permute(grouped, (0, 2, 1, *range(3, input.ndim + 1))), input.shape)
