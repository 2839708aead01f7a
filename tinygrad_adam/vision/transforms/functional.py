"""The functions behind the transforms, for one image: an index.

Source: torchvision, ``torchvision.transforms.functional``.
"""

# Packed by subject, twice in the same rows, as a table to be read.
# isort: off
# fmt: off
from tinygrad_adam.vision.transforms.conversion import (
    InterpolationMode, convert_image_dtype, get_dimensions, get_image_num_channels, get_image_size,
    normalize, pil_to_tensor, to_pil_image, to_tensor,
)
from tinygrad_adam.vision.transforms.geometry import (
    affine, center_crop, crop, erase, five_crop, hflip, pad, resize, resized_crop, rotate, ten_crop,
    vflip,
)
from tinygrad_adam.vision.transforms.colour import (
    adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, rgb_to_grayscale,
    to_grayscale,
)

__all__ = [  # noqa: RUF022
    "InterpolationMode", "convert_image_dtype", "get_dimensions", "get_image_num_channels",
    "get_image_size", "normalize", "pil_to_tensor", "to_pil_image", "to_tensor",
    "affine", "center_crop", "crop", "erase", "five_crop", "hflip", "pad", "resize", "resized_crop",
    "rotate", "ten_crop", "vflip",
    "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "rgb_to_grayscale",
    "to_grayscale",
]
