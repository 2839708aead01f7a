"""Transforms that do the same to every image.

Source: torchvision, ``torchvision.transforms``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any

from tinygrad_adam.nn import Module
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.vision.transforms import functional
from tinygrad_adam.vision.transforms.conversion import InterpolationMode, as_mode


class Transform(Module):
    """What a transform is printed as: its name, and the attributes that ``_shown`` names."""

    _shown = ""

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self._shown.split())
        shown = ((name, v.value if isinstance(v, Enum) else v) for name, v in values)
        return f"{type(self).__name__}({', '.join(f'{name}={v}' for name, v in shown)})"


class Compose:
    """Transforms one after the other.

    Args:
        transforms: a list of functions of an image.

    Source: torchvision, ``torchvision.transforms.Compose``.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}({lines(self.transforms)}\n)"


def lines(things: Iterable[Any]) -> str:
    """Return each on a line of its own."""
    return "".join(f"\n    {thing}" for thing in things)


class ToTensor(Transform):
    """An image, or an array (H, W, C), as a tensor (C, H, W): bytes as floats from 0 to 1.

    Source: torchvision, ``torchvision.transforms.ToTensor``.
    """

    def forward(self, pic: Any) -> Tensor:
        return functional.to_tensor(pic)


class PILToTensor(Transform):
    """An image as a tensor (C, H, W) with the image's own numbers.

    Source: torchvision, ``torchvision.transforms.PILToTensor``.
    """

    def forward(self, pic: Any) -> Tensor:
        return functional.pil_to_tensor(pic)


class ConvertImageDtype(Transform):
    """A tensor with numbers of another kind, scaled to its range.

    Source: torchvision, ``torchvision.transforms.ConvertImageDtype``.
    """

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        return functional.convert_image_dtype(image, self.dtype)


class ToPILImage(Transform):
    """A tensor (C, H, W), or an array (H, W, C), as an image.

    Args:
        mode: Pillow's name of the kind of image; None means by the channels and numbers.

    Source: torchvision, ``torchvision.transforms.ToPILImage``.
    """

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode
        self._shown = "" if mode is None else "mode"

    def forward(self, pic: Any) -> Any:
        return functional.to_pil_image(pic, self.mode)


class Normalize(Transform):
    """``(tensor - mean) / std``, with a mean and a standard deviation for each channel.

    Source: torchvision, ``torchvision.transforms.Normalize``.
    """

    _shown = "mean std"

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Tensor) -> Tensor:
        return functional.normalize(tensor, self.mean, self.std, self.inplace)


class Resize(Transform):
    """An image in another size.

    Args:
        size: (height, width), or one number for the smaller side.
        interpolation: how pixels are made.
        max_size: with one number, the most that the larger side may have.
        antialias: for tensors; average over what a smaller pixel covers.

    Source: torchvision, ``torchvision.transforms.Resize``.
    """

    _shown = "size interpolation max_size antialias"

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = as_mode(interpolation)

    def forward(self, img: Any) -> Any:
        return functional.resize(img, self.size, self.interpolation, self.max_size, self.antialias)


def two_sides(size: Any) -> Any:
    """Return a size as (height, width)."""
    if isinstance(size, (int, float)):
        return int(size), int(size)
    if len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    return size


class CenterCrop(Transform):
    """The middle of an image, with a border of 0 where that is smaller.

    Source: torchvision, ``torchvision.transforms.CenterCrop``.
    """

    _shown = "size"
    _crop: Any = staticmethod(functional.center_crop)

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = two_sides(size)

    def forward(self, img: Any) -> Any:
        return self._crop(img, self.size)


class FiveCrop(CenterCrop):
    """The four corners of an image and its middle, as a tuple.

    Source: torchvision, ``torchvision.transforms.FiveCrop``.
    """

    _crop: Any = staticmethod(functional.five_crop)


class TenCrop(Transform):
    """The five crops of an image, and those of its mirror image, as a tuple.

    Source: torchvision, ``torchvision.transforms.TenCrop``.
    """

    _shown = "size vertical_flip"

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size, self.vertical_flip = two_sides(size), vertical_flip

    def forward(self, img: Any) -> Any:
        return functional.ten_crop(img, self.size, self.vertical_flip)


class Pad(Transform):
    """An image with a border: see :func:`tinygrad_adam.vision.transforms.functional.pad`.

    Source: torchvision, ``torchvision.transforms.Pad``.
    """

    _shown = "padding fill padding_mode"

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, (int, float, tuple, list)):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, (int, float, tuple, list)):
            raise TypeError("Got inappropriate fill arg")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        if isinstance(padding, Sequence) and len(padding) not in (1, 2, 4):
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} "
                "element tuple"
            )
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        return functional.pad(img, self.padding, self.fill, self.padding_mode)


class Lambda(Transform):
    """A function of the user's.

    Source: torchvision, ``torchvision.transforms.Lambda``.
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        super().__init__()
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def forward(self, img: Any) -> Any:
        return self.lambd(img)


class Grayscale(Transform):
    """An image in greys, with 1 channel or 3 equal ones.

    Source: torchvision, ``torchvision.transforms.Grayscale``.
    """

    _shown = "num_output_channels"

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return functional.rgb_to_grayscale(img, self.num_output_channels)
