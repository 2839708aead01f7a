"""What colours pixels have. For images and for tensors (…, 3 or 1, H, W).

Source: torchvision, ``torchvision.transforms.functional``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam.ops.elementwise import where
from tinygrad_adam.ops.joining import stack
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.vision.pillow import is_image, pillow, require_image
from tinygrad_adam.vision.transforms.conversion import (
    convert_image_dtype,
    get_image_num_channels,
    max_value,
    require_tensor,
)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Return an image in greys, with 1 channel or 3 equal ones.

    Source: torchvision, ``torchvision.transforms.functional.rgb_to_grayscale``.
    """
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if is_image(img):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else pillow().merge("RGB", [grey] * 3)
    _require_colours(img)
    if img.ndim < 3:
        raise TypeError(
            f"Input image tensor should have at least 3 dimensions, but found {img.ndim}"
        )
    if img.shape[-3] == 3:
        r, g, b = img.unbind(-3)
        grey = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(-3)
    else:
        grey = img.clone()
    return grey.expand(*img.shape[:-3], 3, *img.shape[-2:]) if num_output_channels == 3 else grey


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Return an image of Pillow's in greys.

    Source: torchvision, ``torchvision.transforms.functional.to_grayscale``.
    """
    if not is_image(img):
        raise TypeError("Input should be PIL Image\n  rgb_to_grayscale takes tensors too.")
    return rgb_to_grayscale(img, num_output_channels)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Return an image with all values times a factor: 0 is black, 1 changes nothing.

    Source: torchvision, ``torchvision.transforms.functional.adjust_brightness``.
    """
    if is_image(img):
        return _enhanced("Brightness", img, brightness_factor)
    _require_colours(img, "brightness_factor", brightness_factor)
    return _blend(img, 0 * img, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Return an image with its distance from its mean grey times a factor.

    Source: torchvision, ``torchvision.transforms.functional.adjust_contrast``.
    """
    if is_image(img):
        return _enhanced("Contrast", img, contrast_factor)
    _require_colours(img, "contrast_factor", contrast_factor)
    grey = rgb_to_grayscale(img) if get_image_num_channels(img) == 3 else img
    grey = grey if grey.dtype.kind == "f" else grey.to(np.dtype("float32"))
    dims = tuple(range(-min(img.ndim, 3), 0))
    return _blend(img, grey.mean(dims, keepdim=True), contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Return an image with its distance from its greys times a factor.

    Source: torchvision, ``torchvision.transforms.functional.adjust_saturation``.
    """
    if is_image(img):
        return _enhanced("Color", img, saturation_factor)
    _require_colours(img, "saturation_factor", saturation_factor)
    if get_image_num_channels(img) == 1:
        return img
    return _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Return an image with its hues shifted along the circle, of which 1 is the whole.

    Raises:
        ValueError: ``hue_factor`` is not in [-0.5, 0.5].

    Source: torchvision, ``torchvision.transforms.functional.adjust_hue``.
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if is_image(img):
        if img.mode in ("L", "1", "I", "F"):
            return img
        hue, *others = img.convert("HSV").split()
        shift = int(hue_factor * 255) % 256  # bytes go round
        hue = hue.point([(value + shift) % 256 for value in range(256)])
        return pillow().merge("HSV", (hue, *others)).convert(img.mode)
    _require_colours(img)
    if get_image_num_channels(img) == 1:
        return img
    x = convert_image_dtype(img, np.dtype("float32"))
    r, g, b = x.unbind(-3)
    most, least = x.amax(-3), x.amin(-3)
    spread = most - least
    divisor = where(spread == 0, 1.0, spread)
    red, green, blue = ((most - channel) / divisor for channel in (r, g, b))
    sextant = where(most == r, blue - green, where(most == g, 2 + red - blue, 4 + green - red))
    hue = ((sextant / 6 + 1) % 1 + hue_factor) % 1
    saturation = spread / where(spread == 0, 1.0, most)
    # How far each channel is below the greatest, around the circle.
    channels = []
    for start in (5, 3, 1):
        place = (hue * 6 + start) % 6
        below = where(place < 4 - place, place, 4 - place).clamp(0, 1)
        channels.append((most - most * saturation * below).clamp(0, 1))
    return convert_image_dtype(stack(channels, -3), img.dtype)


def _enhanced(what: str, img: Any, factor: float) -> Any:
    from PIL import ImageEnhance

    return getattr(ImageEnhance, what)(img).enhance(factor)


def _require_colours(img: Any, name: str = "", factor: float = 0) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")
    if not isinstance(img, Tensor):
        require_image(img, " or Tensor")
    require_tensor(img)
    channels = get_image_num_channels(img)
    if channels not in (1, 3):
        raise TypeError(
            f"Input image tensor permitted channel values are [1, 3], but found {channels}"
        )


def _blend(img: Tensor, other: Tensor, factor: float) -> Tensor:
    mixed = float(factor) * img + (1.0 - factor) * other
    return mixed.clamp(0, max_value(img.dtype)).to(img.dtype)
