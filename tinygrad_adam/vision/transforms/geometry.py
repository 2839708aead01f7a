"""Where pixels go: sizes, cuts, borders, mirrors, turns. For images and for tensors (…, H, W).

Source: torchvision, ``torchvision.transforms.functional``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_adam.backend.warn import warn
from tinygrad_adam.creation import as_tensor
from tinygrad_adam.data.resizing import resize_weights
from tinygrad_adam.ops.padding import pad as pad_tensor
from tinygrad_adam.ops.shapes import flip
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.vision.pillow import is_image, pillow, require_image
from tinygrad_adam.vision.transforms.conversion import (
    InterpolationMode,
    as_mode,
    for_pillow,
    get_dimensions,
    max_value,
    require_tensor,
)

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def computing(img: Tensor) -> Tensor:
    """Return the tensor in numbers to compute with: floats."""
    return img if img.dtype.kind == "f" else img.to(np.dtype("float32"))


def as_before(result: Tensor, img: Tensor) -> Tensor:
    """Return what was computed in the kind of numbers that ``img`` has."""
    return result if img.dtype.kind == "f" else result.round().to(img.dtype)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Return an image in another size.

    Args:
        img: the image.
        size: (height, width), or one number for the smaller side.
        interpolation: how pixels are made.
        max_size: with one number, the most that the larger side may have; ``size`` None takes it.
        antialias: average over what a smaller pixel covers. Images are always resized so.

    Raises:
        TypeError, ValueError: the arguments are not of these kinds, or ``max_size`` is too small.

    Source: torchvision, ``torchvision.transforms.functional.resize``.
    """
    mode = as_mode(interpolation)
    if isinstance(size, (list, tuple)):
        if len(size) not in (1, 2):
            raise ValueError(
                f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element "
                "tuple/list"
            )
        if max_size is not None and len(size) == 2:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
    _, *old = get_dimensions(img)
    new = _new_size(old, size, max_size)
    if new == old:
        return img
    if is_image(img):
        if antialias is False:
            warn(
                "Anti-alias option is always applied for PIL Image input. Argument antialias is "
                "ignored.",
            )
        return img.resize(new[::-1], for_pillow(mode))
    if mode.value in ("box", "hamming", "lanczos"):
        raise ValueError(
            f"Interpolation mode '{mode.value}' is unsupported with Tensor input\n"
            "  Resize the image before ToTensor, or use BILINEAR or BICUBIC."
        )
    if mode.value.startswith("nearest"):
        rows, columns = (
            resize_weights(a, b, mode.value).argmax(1) for a, b in zip(old, new, strict=True)
        )
        return img[..., rows[:, np.newaxis], columns]
    x = computing(img)
    for place, (a, b) in enumerate(zip(old, new, strict=True)):
        if a != b:
            weights = as_tensor(
                resize_weights(a, b, mode.value, bool(antialias)), dtype=x.dtype, device=x.device
            )
            x = x @ weights.T if place else weights @ x
    if mode is InterpolationMode.BICUBIC and img.dtype.kind == "u":
        x = x.clamp(0, max_value(img.dtype))
    return as_before(x, img)


def _new_size(old: list[int], size: Any, max_size: int | None) -> list[int]:
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return [int(side) for side in size]
    short, long = sorted(old)
    if size is None:
        if not isinstance(max_size, int):
            raise ValueError(
                f"max_size must be an integer when size is None, but got {max_size} instead."
            )
        new_short, new_long = int(max_size * short / long), max_size
    else:
        new_short = size[0] if isinstance(size, (list, tuple)) else size
        new_long = int(new_short * long / short)
        if max_size is not None:
            if max_size <= new_short:
                raise ValueError(
                    f"max_size = {max_size} must be strictly greater than the requested size for "
                    f"the smaller edge size = {size}"
                )
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_short, new_long] if old[0] < old[1] else [new_long, new_short]


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Return an image with a border.

    Args:
        img: the image.
        padding: its width; or (left and right, top and bottom), or (left, top, right, bottom).
            Negative numbers cut off.
        fill: the value of a constant border; for an image also one for each channel.
        padding_mode: "constant"; "edge" (repeat the outermost pixels), "reflect" (mirror without
            these) or "symmetric" (mirror with them).

    Source: torchvision, ``torchvision.transforms.functional.pad``.
    """
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, (int, float, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(sides)} element "
            "tuple"
        )
    if padding_mode not in _PADDING_MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    left, top, right, bottom = sides * (4 // len(sides))
    if isinstance(img, Tensor) and isinstance(fill, (tuple, list)):
        raise TypeError("Got inappropriate fill arg\n  A tensor is filled with one number.")
    if padding_mode == "constant":
        if isinstance(img, Tensor):
            require_tensor(img)
            return pad_tensor(img, [left, right, top, bottom], value=fill or 0)  # type: ignore[arg-type]
        require_image(img)
        from PIL import ImageOps

        bordered = ImageOps.expand(img, (left, top, right, bottom), **_fill(fill, img, "fill"))
        if img.mode == "P":
            bordered.putpalette(img.getpalette())
        return bordered
    _, height, width = get_dimensions(img)
    rows, columns = (
        np.pad(
            np.arange(max(-first, 0), size - max(-last, 0)),
            (max(first, 0), max(last, 0)),
            padding_mode,  # type: ignore[call-overload]
        )
        for size, first, last in ((height, top, bottom), (width, left, right))
    )
    if isinstance(img, Tensor):
        return img[..., rows[:, np.newaxis], columns]
    bordered = pillow().fromarray(np.asarray(img)[rows[:, np.newaxis], columns])
    if img.mode == "P":
        bordered.putpalette(img.getpalette())
    return bordered


def _fill(fill: Any, img: Any, name: str = "fillcolor") -> dict[str, Any]:
    """Return the option for Pillow: a number for each channel, integers where it wants those."""
    channels = len(img.getbands())
    fill = 0 if fill is None else fill
    if isinstance(fill, (int, float)):
        fill = (fill,) * channels
    elif len(fill) == 1:
        fill = tuple(fill) * channels
    if len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    if img.mode != "F":
        fill = tuple(int(value) for value in fill)
    return {name: fill[0] if channels == 1 else tuple(fill)}


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """Return a part of an image; what lies outside of it is 0.

    Source: torchvision, ``torchvision.transforms.functional.crop``.
    """
    if is_image(img):
        return img.crop((left, top, left + width, top + height))
    _, h, w = get_dimensions(img)
    bottom, right = top + height, left + width
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return inside
    border = [
        *(min(max(-left, 0), width), min(max(right - w, 0), width)),
        *(min(max(-top, 0), height), min(max(bottom - h, 0), height)),
    ]
    return pad_tensor(inside, border)


def center_crop(img: Any, output_size: Any) -> Any:
    """Return the middle of an image; where that is larger, with a border of 0.

    Source: torchvision, ``torchvision.transforms.functional.center_crop``.
    """
    if isinstance(output_size, (int, float)):
        output_size = (int(output_size),) * 2
    elif len(output_size) == 1:
        output_size = (output_size[0],) * 2
    _, height, width = get_dimensions(img)
    new_height, new_width = output_size
    missing_x, missing_y = max(new_width - width, 0), max(new_height - height, 0)
    if missing_x or missing_y:
        sides = [missing_x // 2, missing_y // 2, (missing_x + 1) // 2, (missing_y + 1) // 2]
        img = pad(img, sides)
        height, width = height + missing_y, width + missing_x
    top, left = round((height - new_height) / 2), round((width - new_width) / 2)
    return crop(img, top, left, new_height, new_width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """Return a part of an image in another size.

    Source: torchvision, ``torchvision.transforms.functional.resized_crop``.
    """
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """Return an image with left and right exchanged."""
    return img.transpose(0) if _require(img) else flip(img, [-1])


def vflip(img: Any) -> Any:
    """Return an image upside down."""
    return img.transpose(1) if _require(img) else flip(img, [-2])


def _require(img: Any) -> bool:
    """Return whether it is an image; if it is no tensor either, raise TypeError."""
    if isinstance(img, Tensor):
        require_tensor(img)
    else:
        require_image(img)
    return not isinstance(img, Tensor)


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """Return the four corners and the middle: top left, top right, bottom left, bottom right.

    Raises:
        ValueError: the size is larger than the image.

    Source: torchvision, ``torchvision.transforms.functional.five_crop``.
    """
    size = (int(size),) * 2 if isinstance(size, (int, float)) else tuple(size)
    size = size * 2 if len(size) == 1 else size
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    _, height, width = get_dimensions(img)
    h, w = size
    if w > width or h > height:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(height, width)}")
    corners = ((0, 0), (0, width - w), (height - h, 0), (height - h, width - w))
    return (*(crop(img, top, left, h, w) for top, left in corners), center_crop(img, [h, w]))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """Return the five crops of an image, and those of its mirror image.

    Source: torchvision, ``torchvision.transforms.functional.ten_crop``.
    """
    return five_crop(img, size) + five_crop((vflip if vertical_flip else hflip)(img), size)


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Return an image turned by some degrees, counter-clockwise.

    Args:
        img: the image.
        angle: in degrees.
        interpolation: NEAREST or BILINEAR; for images BICUBIC too.
        expand: make it so large that all of it can be seen (with ``center`` None).
        center: (x, y) around which it turns; None means its middle.
        fill: what comes from outside of it: a number, or one for each channel. None means 0.

    Source: torchvision, ``torchvision.transforms.functional.rotate``.
    """
    mode = as_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    if _require(img):
        return img.rotate(angle, for_pillow(mode), expand, center, **_fill(fill, img))
    height, width = img.shape[-2:]
    middle = (0.0, 0.0) if center is None else (center[0] - width / 2, center[1] - height / 2)
    matrix = _inverse_affine(middle, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return _sample(img, matrix, mode, fill, _seen(matrix, height, width) if expand else None)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Any,
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Return an image turned, shifted, scaled and sheared around its middle.

    Args:
        img: the image.
        angle: in degrees, clockwise.
        translate: (x, y) in pixels.
        scale: above 0.
        shear: in degrees, along x, or along (x, y).
        interpolation: NEAREST or BILINEAR; for images BICUBIC too.
        fill: what comes from outside of it: a number, or one for each channel. None means 0.
        center: (x, y), instead of the middle.

    Source: torchvision, ``torchvision.transforms.functional.affine``.
    """
    mode = as_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (int, float, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shears = [shear, 0.0] if isinstance(shear, (int, float)) else list(shear)
    shears = shears * 2 if len(shears) == 1 else shears
    if len(shears) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    _, height, width = get_dimensions(img)
    if is_image(img):
        # Pillow counts from the corner of the first pixel, tensors from the middle of the image.
        middle = (width / 2, height / 2) if center is None else tuple(center)
        matrix = _inverse_affine(middle, angle, translate, scale, shears)
        module = pillow()
        return img.transform(
            img.size, module.Transform.AFFINE, matrix, for_pillow(mode), **_fill(fill, img)
        )
    middle = (0.0, 0.0) if center is None else (center[0] - width / 2, center[1] - height / 2)
    return _sample(img, _inverse_affine(middle, angle, translate, scale, shears), mode, fill)


def _inverse_affine(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    """Return the first two rows of the matrix that says where in the old image a new pixel lies.

    It is the inverse of translate · center · rotate · shear y · shear x · scale · -center.
    """
    turn, shear_x, shear_y = (math.radians(degrees) for degrees in (angle, *shear))
    # In torchvision's order of steps, for the sake of its rounding.
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -math.cos(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -math.sin(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) + math.cos(turn)
    # The determinant of [[a, b], [c, d]] is 1.
    rows = [[d / scale, -b / scale], [-c / scale, a / scale]]
    x, y = center[0] + translate[0], center[1] + translate[1]
    matrix = []
    for (first, second), middle in zip(rows, center, strict=True):
        matrix += [first, second, first * -x + second * -y + middle]
    return matrix


def _seen(matrix: list[float], height: int, width: int) -> tuple[int, int]:
    """Return the height and width within which all of the turned image lies."""
    corners = np.array([[x, y] for x in (-width / 2, width / 2) for y in (-height / 2, height / 2)])
    turned = (corners @ np.reshape(matrix, (2, 3))[:, :2].T + np.array(matrix)[[2, 5]]).astype(
        np.float32
    ) + np.array([width / 2, height / 2], np.float32)
    # What is a hair larger for rounding is not larger.
    most, least = ((np.trunc(f(0) / 1e-4) * 1e-4) for f in (turned.max, turned.min))
    columns, rows = np.ceil(most) - np.floor(least)
    return int(rows), int(columns)


def _sample(
    img: Tensor,
    matrix: list[float],
    mode: InterpolationMode,
    fill: Any,
    size: tuple[int, int] | None = None,
) -> Tensor:
    """Return what lies where a matrix points to, from the middle of the new to that of the old."""
    if mode.value not in ("nearest", "bilinear"):
        raise ValueError(
            f"Interpolation mode '{mode.value}' is unsupported with Tensor input\n"
            "  Turn the image before ToTensor, or use NEAREST or BILINEAR."
        )
    x = computing(img)
    height, width = img.shape[-2:]
    rows, columns = size or (height, width)
    kind = x.dtype.type
    right = np.arange(columns, dtype=kind) - kind((columns - 1) / 2)
    down = (np.arange(rows, dtype=kind) - kind((rows - 1) / 2))[:, np.newaxis]
    # In PyTorch's steps (from -1 to 1 and back), for the sake of its rounding.
    u, v = (
        ((right * kind(a / (s / 2)) + down * kind(b / (s / 2)) + kind(c / (s / 2)) + 1) * s - 1) / 2
        for (a, b, c), s in ((matrix[:3], width), (matrix[3:], height))
    )

    def take(i: np.ndarray, j: np.ndarray) -> tuple[Tensor, np.ndarray]:
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
        i, j = i.clip(0, height - 1).astype(np.int64), j.clip(0, width - 1).astype(np.int64)
        mask = inside.astype(kind)
        return x[..., i, j] * as_tensor(mask, device=x.device), mask

    if mode is InterpolationMode.NEAREST:
        result, covered = take(np.rint(v), np.rint(u))
    else:
        top, left = np.floor(v), np.floor(u)
        result, covered = 0.0, np.zeros((rows, columns), kind)  # type: ignore[assignment]
        for i, down_weight in ((top, 1 - (v - top)), (top + 1, v - top)):
            for j, right_weight in ((left, 1 - (u - left)), (left + 1, u - left)):
                taken, mask = take(i, j)
                weight = (down_weight * right_weight).astype(kind)
                result = result + taken * as_tensor(weight, device=x.device)
                covered = covered + mask * weight
    if fill is not None:
        values = np.reshape(np.asarray(fill, kind), (-1, 1, 1))
        if len(values) not in (1, get_dimensions(img)[0]):
            raise ValueError(
                "The number of elements in 'fill' cannot broadcast to match the number of channels "
                f"of the image ({len(values)} != {get_dimensions(img)[0]})"
            )
        outside = as_tensor((1 - covered) * values, device=x.device)
        result = result * as_tensor(covered, device=x.device) + outside
    return as_before(result, img)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """Return a tensor with ``v`` in the rectangle of h rows from i on and w columns from j on.

    Source: torchvision, ``torchvision.transforms.functional.erase``.
    """
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    result = img if inplace else img.clone()
    result[..., i : i + h, j : j + w] = v
    return result
