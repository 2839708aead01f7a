"""Layers that make images larger or smaller. None of them has parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import FunctionLayer


@dataclass(eq=False, repr=False)
class Upsample(FunctionLayer):
    """Make images (N, C, H, W) or sequences (N, C, L) larger or smaller.

    Args:
        size: of the result, an int or one for each dimension.
        scale_factor: by how much to enlarge, a number or one for each dimension; instead of
            ``size``.
        mode: "nearest", "linear" (sequences), "bilinear", "bicubic" (images) and others; see
            ``functional.interpolate``.
        align_corners: for the linear and cubic modes: whether the middles of the corner pixels stay
            at the corners.
        recompute_scale_factor: whether the factor is what the rounded sizes say.

    Source: PyTorch, ``torch.nn.Upsample``.
    """

    size: Any = None
    scale_factor: Any = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None
    _function = functional.interpolate

    def __post_init__(self) -> None:
        factor = self.scale_factor
        if isinstance(factor, tuple):
            self.scale_factor = tuple(map(float, factor))
        else:
            self.scale_factor = float(factor) if factor else None

    def extra_repr(self) -> str:
        """Return what the size follows from, and the mode."""
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` of images with mode "nearest".

    Source: PyTorch, ``torch.nn.UpsamplingNearest2d``.
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` of images with mode "bilinear" and aligned corners.

    Source: PyTorch, ``torch.nn.UpsamplingBilinear2d``.
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)
