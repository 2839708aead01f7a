"""Many images in one, and in a file.

Source: torchvision, ``torchvision.utils``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.ops.joining import cat, stack
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.vision.pillow import pillow

__all__ = ["make_grid", "save_image"]


@no_grad()
def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Return images side by side as one image (C, H, W).

    Args:
        tensor: images (N, C, H, W), a list of images of one shape, or one image (C, H, W) or
            (H, W). One channel becomes three.
        nrow: how many stand in a row.
        padding: pixels between and around them.
        normalize: shift and scale values to 0 to 1: from ``value_range``, or from the least and
            the greatest.
        value_range: what becomes 0 and what becomes 1; values beyond are clamped.
        scale_each: look for the least and the greatest in each image, not in all.
        pad_value: the value between images.

    Raises:
        TypeError: ``tensor`` holds something else, or ``value_range`` is no tuple.

    Source: torchvision, ``torchvision.utils.make_grid``.
    """
    parts = tensor if isinstance(tensor, list) else [tensor]
    for part in parts:
        if not isinstance(part, Tensor):
            inside = "a list containing " if isinstance(tensor, list) else ""
            raise TypeError(f"tensor or list of tensors expected, got {inside}{type(part)}")
    if normalize and not (value_range is None or isinstance(value_range, tuple)):
        raise TypeError(
            "value_range has to be a tuple (min, max) if specified. min and max are numbers"
        )
    images = stack(tensor, 0) if isinstance(tensor, list) else tensor
    images = images.reshape((1,) * (3 - images.ndim) + tuple(images.shape))
    if images.ndim == 3:
        images = images.unsqueeze(0)
    if images.ndim == 4 and images.shape[1] == 1:
        images = cat([images] * 3, 1)
    if normalize:
        groups = images if scale_each else [images]
        scaled = [_scaled(group, value_range) for group in groups]
        images = stack(scaled, 0) if scale_each else scaled[0]
    count = len(images)
    if count == 1:
        return images.squeeze(0)
    columns = min(nrow, count)
    height, width = (side + padding for side in images.shape[2:])
    rows = math.ceil(count / columns)
    grid = images.new_full(
        (images.shape[1], rows * height + padding, columns * width + padding), pad_value
    )
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = row * height + padding, column * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = image
    return grid


def _scaled(images: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    low, high = value_range or (float(images.min()), float(images.max()))
    return (images.clamp(low, high) - low) / max(high - low, 1e-5)


@no_grad()
def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write images as a picture.

    Args:
        tensor: images with values from 0 to 1, as for :func:`make_grid`.
        fp: a path, or a file open for writing.
        format: "png", "jpeg" and the like; None means by the name's suffix.
        **kwargs: options of :func:`make_grid`.

    Raises:
        ImportError: Pillow is missing.

    Source: torchvision, ``torchvision.utils.save_image``.
    """
    grid = make_grid(tensor, **kwargs)
    array = (grid.cpu() * 255 + 0.5).clamp(0, 255).numpy().astype(np.uint8)
    pillow().fromarray(np.ascontiguousarray(array.transpose(1, 2, 0))).save(fp, format=format)
