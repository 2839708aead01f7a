"""From images to tensors and back, and the kinds of numbers in them.

Source: torchvision, ``torchvision.transforms.functional``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from tinygrad_adam.backend import Dtype
from tinygrad_adam.creation import as_tensor, from_numpy
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.vision.pillow import is_image, pillow, require_image

# The modes that images of so many channels can have, the usual one first.
_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
_MODE_OF_ONE = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}


class InterpolationMode(Enum):
    """How pixels between pixels are made. Tensors take the first three and NEAREST_EXACT."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    NEAREST_EXACT = "nearest-exact"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_BY_NUMBER = {0: "NEAREST", 2: "BILINEAR", 3: "BICUBIC", 4: "BOX", 5: "HAMMING", 1: "LANCZOS"}


def as_mode(interpolation: Any) -> InterpolationMode:
    """Return the mode of a mode or of Pillow's number for it."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, int):
        return InterpolationMode[_BY_NUMBER[int(interpolation)]]
    raise TypeError(
        "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer "
        "constant"
    )


def for_pillow(interpolation: Any) -> int:
    """Return Pillow's number of a mode."""
    name = as_mode(interpolation).name.replace("NEAREST_EXACT", "NEAREST")
    return next(number for number, mode in _BY_NUMBER.items() if mode == name)


def get_dimensions(img: Any) -> list[int]:
    """Return [channels, height, width] of an image or a tensor."""
    if isinstance(img, Tensor):
        require_tensor(img)
        return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]
    require_image(img, " or Tensor")
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """Return [width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """Return the number of channels."""
    return get_dimensions(img)[0]


def require_tensor(img: Any) -> None:
    """Raise TypeError unless ``img`` is a tensor with at least two dimensions."""
    if not (isinstance(img, Tensor) and img.ndim >= 2):
        raise TypeError("Tensor is not a torch image.")


def pil_to_tensor(pic: Any) -> Tensor:
    """Return an image as a tensor (C, H, W) with the image's own numbers.

    Source: torchvision, ``torchvision.transforms.functional.pil_to_tensor``.
    """
    if not is_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic)
    if array.dtype == np.uint16:
        array = array.view(np.int16)
    array = array.reshape(pic.height, pic.width, -1).transpose(2, 0, 1)
    return from_numpy(np.ascontiguousarray(array))


def to_tensor(pic: Any) -> Tensor:
    """Return an image, or an array (H, W, C) or (H, W), as a tensor (C, H, W).

    Bytes become floats from 0 to 1; other numbers stay as they are.

    Raises:
        TypeError: ``pic`` is something else, a tensor for example.
        ValueError: an array has other dimensions.

    Source: torchvision, ``torchvision.transforms.functional.to_tensor``.
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic if pic.ndim == 3 else pic[:, :, np.newaxis]
        tensor = from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    elif is_image(pic):
        tensor = pil_to_tensor(pic)
        if pic.mode == "1":
            tensor = tensor.to(np.dtype("uint8")) * 255
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if tensor.dtype == np.uint8:
        return tensor.to(np.dtype("float32")) / 255
    return tensor


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """Return a tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as an image.

    Args:
        pic: floats from 0 to 1, or bytes; with one channel also int16 and int32.
        mode: Pillow's name of the kind of image. None: L, LA, RGB or RGBA by the channels; F, I or
            I;16 by the numbers.

    Raises:
        TypeError: ``pic`` is something else, or has numbers that no image has.
        ValueError: other dimensions, more than 4 channels, or a mode that does not fit.

    Source: torchvision, ``torchvision.transforms.functional.to_pil_image``.
    """
    if isinstance(pic, Tensor):
        array = pic.detach().cpu().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    if array.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    channels = array.shape[2]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if array.dtype.kind == "f" and mode != "F":
        with np.errstate(invalid="ignore"):
            array = (array * array.dtype.type(255)).astype(np.int64).astype(np.uint8)
    if channels == 1:
        usual = _MODE_OF_ONE.get(array.dtype.name)
        if mode not in (None, usual):
            raise ValueError(
                f"Incorrect mode ({mode}) supplied for input type {array.dtype}. Should be {usual}"
            )
        mode = usual
    else:
        modes = _MODES[channels]
        if mode is not None and mode not in modes:
            raise ValueError(f"Only modes {list(modes)} are supported for {channels}D inputs")
        if mode is None and array.dtype == np.uint8:
            mode = modes[0]
    if mode is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    height, width = array.shape[:2]
    return pillow().frombytes(mode, (width, height), np.ascontiguousarray(array).tobytes())


def convert_image_dtype(image: Tensor, dtype: Any = np.float32) -> Tensor:
    """Return an image with numbers of another kind, scaled to its range: bytes 255 are floats 1.

    Raises:
        RuntimeError: floats have too few digits for the integers asked for.

    Source: torchvision, ``torchvision.transforms.functional.convert_image_dtype``.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    old, new = image.dtype, np.dtype(dtype)
    if old == new or (old.kind == new.kind == "f"):
        return image.to(new)
    if old.kind == "f":
        if np.iinfo(new).bits > np.finfo(old).nmant + 1:
            raise RuntimeError(f"The cast from {old} to {new} cannot be performed safely.")
        return (image * (max_value(new) + 1.0 - 1e-3)).to(new)
    if new.kind == "f":
        return image.to(new) / max_value(old)
    if max_value(old) > max_value(new):
        return (image // ((max_value(old) + 1) // (max_value(new) + 1))).to(new)
    return image.to(new) * ((max_value(new) + 1) // (max_value(old) + 1))


def max_value(dtype: Dtype) -> int:
    """Return what white is: 1 for floats."""
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else 1


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """Return ``(tensor - mean) / std``, with a mean and a standard deviation for each channel.

    Raises:
        TypeError: ``tensor`` is none of floats.
        ValueError: it has fewer than 3 dimensions, or a standard deviation is 0.
        RuntimeError: it has another number of channels.

    Source: torchvision, ``torchvision.transforms.functional.normalize``.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if tensor.dtype.kind != "f":
        raise TypeError(
            f"Input tensor should be a float tensor. Got {tensor.dtype}.\n  ToTensor makes one."
        )
    if tensor.ndim < 3:
        raise ValueError(
            "Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
            f"{tensor.size()}"
        )
    means, stds = (
        np.asarray(values.tolist() if isinstance(values, Tensor) else values, tensor.dtype)
        for values in (mean, std)
    )
    if not stds.all():
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by "
            "zero."
        )
    shift, scale = (
        as_tensor(array.reshape(-1, 1, 1) if array.ndim == 1 else array, device=tensor.device)
        for array in (means, stds)
    )
    if inplace:
        return tensor.sub_(shift).div_(scale)
    result = (tensor - shift) / scale
    if result.shape != tensor.shape:
        raise RuntimeError(
            f"output with shape {list(tensor.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}\n  Normalize: {means.size} means and {stds.size} standard "
            "deviations, one for each channel or one for all."
        )
    return result
