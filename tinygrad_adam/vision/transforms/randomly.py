"""Transforms that do to each image something else.

What is drawn comes from the default generator (``manual_seed``), but for RandomChoice and
RandomOrder: theirs from Python's ``random``, as in torchvision. ``get_params`` draws, the functions
of ``functional`` do.

Source: torchvision, ``torchvision.transforms``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.backend.random import numbers_of
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.creation import randn, randperm, tensor
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.vision.transforms import functional
from tinygrad_adam.vision.transforms.certain import Transform, lines, two_sides
from tinygrad_adam.vision.transforms.conversion import InterpolationMode, as_mode

Range = Sequence[float]


def _uniform(low: float, high: float) -> float:
    return float(numbers_of(None).uniform(low, high))


def _below(bound: int) -> int:
    return int(numbers_of(None).integers(bound))


class _Sometimes(Transform):
    """Does what ``_function`` does, with a probability."""

    _shown = "p"
    _function: Any

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return type(self)._function(img) if _uniform(0, 1) < self.p else img


class RandomHorizontalFlip(_Sometimes):
    """Exchanges left and right with probability p.

    Source: torchvision, ``torchvision.transforms.RandomHorizontalFlip``.
    """

    _function = functional.hflip


class RandomVerticalFlip(_Sometimes):
    """Turns upside down with probability p.

    Source: torchvision, ``torchvision.transforms.RandomVerticalFlip``.
    """

    _function = functional.vflip


class RandomGrayscale(_Sometimes):
    """Turns an image grey with probability p, with as many channels as before.

    Source: torchvision, ``torchvision.transforms.RandomGrayscale``.
    """

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    @staticmethod
    def _function(img: Any) -> Any:
        return functional.rgb_to_grayscale(img, functional.get_image_num_channels(img))


class RandomApply(Transform):
    """Applies some transforms one after the other, or, with probability 1 - p, none.

    Source: torchvision, ``torchvision.transforms.RandomApply``.
    """

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        if self.p < _uniform(0, 1):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(\n    p={self.p}{lines(self.transforms)}\n)"


class RandomOrder:
    """Applies all of some transforms in random order.

    Source: torchvision, ``torchvision.transforms.RandomOrder``.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in random.sample(self.transforms, len(self.transforms)):
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}({lines(self.transforms)}\n)"


class RandomChoice(RandomOrder):
    """Applies one of some transforms.

    Args:
        transforms: a list of functions.
        p: their probabilities, or numbers in proportion; None means equal ones.

    Source: torchvision, ``torchvision.transforms.RandomChoice``.
    """

    def __init__(
        self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None
    ) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *args: Any) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](*args)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomCrop(Transform):
    """Cuts out a part of a given size.

    Args:
        size: (height, width), or one number for both.
        padding: a border to add first, as for :func:`functional.pad`.
        pad_if_needed: add as much border as it takes.
        fill, padding_mode: of the border.

    Raises:
        ValueError: (when called) the image is smaller.

    Source: torchvision, ``torchvision.transforms.RandomCrop``.
    """

    _shown = "size padding"

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = tuple(two_sides(size))
        self.padding, self.pad_if_needed = padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width)."""
        _, height, width = functional.get_dimensions(img)
        h, w = output_size
        if height < h or width < w:
            raise ValueError(
                f"Required crop size {(h, w)} is larger than input image size {(height, width)}"
                "\n  RandomCrop: pass padding or pad_if_needed=True."
            )
        if (height, width) == (h, w):
            return 0, 0, h, w
        return _below(height - h + 1), _below(width - w + 1), h, w

    def forward(self, img: Any) -> Any:
        def pad(img: Any, padding: Any) -> Any:
            return functional.pad(img, padding, self.fill, self.padding_mode)

        if self.padding is not None:
            img = pad(img, self.padding)
        _, height, width = functional.get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = pad(img, [self.size[1] - width, 0])
        if self.pad_if_needed and height < self.size[0]:
            img = pad(img, [0, self.size[0] - height])
        return functional.crop(img, *self.get_params(img, self.size))


def _check_scale_and_ratio(scale: Any, ratio: Any) -> None:
    for name, value in (("Scale", scale), ("Ratio", ratio)):
        if not isinstance(value, Sequence):
            raise TypeError(f"{name} should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warn("Scale and ratio should be of kind (min, max)")


def _draw_sides(area: float, scale: Range, ratio: Range) -> tuple[int, int]:
    """Draw the sides of a rectangle: its area in proportion, and the first over the second."""
    area *= _uniform(scale[0], scale[1])
    aspect = math.exp(_uniform(math.log(ratio[0]), math.log(ratio[1])))
    return round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))


class RandomResizedCrop(Transform):
    """Cuts out a part of random size and shape, and resizes it.

    Args:
        size: (height, width) of the result, or one number for both.
        scale: the least and the greatest share of the area.
        ratio: the least and the greatest width over height.
        interpolation, antialias: of :func:`functional.resize`.

    Source: torchvision, ``torchvision.transforms.RandomResizedCrop``.
    """

    def __init__(
        self,
        size: Any,
        scale: Range = (0.08, 1.0),
        ratio: Range = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = two_sides(size)
        _check_scale_and_ratio(scale, ratio)
        self.scale, self.ratio, self.antialias = scale, ratio, antialias
        self.interpolation = as_mode(interpolation)

    @staticmethod
    def get_params(img: Any, scale: Range, ratio: Range) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width); after ten that do not fit, the middle."""
        _, height, width = functional.get_dimensions(img)
        for _ in range(10):
            w, h = _draw_sides(height * width, scale, ratio)
            if 0 < w <= width and 0 < h <= height:
                return _below(height - h + 1), _below(width - w + 1), h, w
        w = min(width, round(height * max(ratio)))
        h = min(height, round(width / min(ratio)))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        place = self.get_params(img, self.scale, self.ratio)
        return functional.resized_crop(
            img, *place, self.size, self.interpolation, antialias=self.antialias
        )

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(x, 4) for x in pair) for pair in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


class ColorJitter(Transform):
    """Changes brightness, contrast, saturation and hue by random factors, in random order.

    Args:
        brightness, contrast, saturation: draw from [max(0, 1 - x), 1 + x], or from a pair (least,
            greatest).
        hue: draw from [-x, x] with x up to 0.5, or from a pair.

    Source: torchvision, ``torchvision.transforms.ColorJitter``.
    """

    _shown = "brightness contrast saturation hue"

    def __init__(
        self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0
    ) -> None:
        super().__init__()
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)
        self.hue = _factors("hue", hue, 0, (-0.5, 0.5))

    @staticmethod
    def get_params(
        brightness: Range | None,
        contrast: Range | None,
        saturation: Range | None,
        hue: Range | None,
    ) -> tuple[Any, ...]:
        """Draw the order, and the factor of each that is not None."""
        order = randperm(4)
        ranges = (brightness, contrast, saturation, hue)
        return (order, *(None if r is None else _uniform(r[0], r[1]) for r in ranges))

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(*(getattr(self, name) for name in self._shown.split()))
        for number in order.tolist():
            if factors[number] is not None:
                img = _ADJUST[number](img, factors[number])
        return img


_ADJUST = (
    functional.adjust_brightness,
    functional.adjust_contrast,
    functional.adjust_saturation,
    functional.adjust_hue,
)


def _factors(
    name: str, value: Any, center: float = 1, bound: tuple[float, float] = (0, float("inf"))
) -> tuple[float, float] | None:
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        pair = [center - float(value), center + float(value)]
        if center:
            pair[0] = max(pair[0], 0.0)
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        pair = [float(value[0]), float(value[1])]
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bound[0] <= pair[0] <= pair[1] <= bound[1]:
        raise ValueError(f"{name} values should be between {bound}, but got {pair}.")
    return None if pair[0] == pair[1] == center else (pair[0], pair[1])


def _check_length(name: str, value: Any, lengths: tuple[int, ...]) -> None:
    wanted = f"{name} should be a sequence of length {' or '.join(map(str, lengths))}."
    if not isinstance(value, Sequence):
        raise TypeError(wanted)
    if len(value) not in lengths:
        raise ValueError(wanted)


def _angles(name: str, value: Any, lengths: tuple[int, ...] = (2,)) -> list[float]:
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [-float(value), float(value)]
    _check_length(name, value, lengths)
    return [float(angle) for angle in value]


class _Turning(Transform):
    """What RandomRotation and RandomAffine share: angles, and what comes from outside."""

    def __init__(self, degrees: Any, interpolation: Any, center: Any, fill: Any) -> None:
        super().__init__()
        self.interpolation = as_mode(interpolation)
        self.degrees = _angles("degrees", degrees)
        if center is not None:
            _check_length("center", center, (2,))
        if fill is not None and not isinstance(fill, (Sequence, int, float)):
            raise TypeError("Fill should be either a sequence or a number.")
        self.center, self.fill = center, 0 if fill is None else fill


class RandomRotation(_Turning):
    """Turns an image by a random angle.

    Args:
        degrees: from -x to x, or (least, greatest); counter-clockwise.
        interpolation, expand, center, fill: of :func:`functional.rotate`.

    Source: torchvision, ``torchvision.transforms.RandomRotation``.
    """

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Any = None,
        fill: Any = 0,
    ) -> None:
        super().__init__(degrees, interpolation, center, fill)
        self.expand = expand
        self._shown = "degrees interpolation expand fill"
        if center is not None:
            self._shown = "degrees interpolation expand center fill"

    @staticmethod
    def get_params(degrees: Range) -> float:
        """Draw an angle."""
        return _uniform(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return functional.rotate(
            img, angle, self.interpolation, self.expand, self.center, self.fill
        )


class RandomAffine(_Turning):
    """Turns, shifts, scales and shears an image at random, its middle staying in place.

    Args:
        degrees: from -x to x, or (least, greatest); clockwise.
        translate: the greatest shifts along (x, y), as shares of the image.
        scale: (least, greatest).
        shear: along x from -s to s degrees, or (least, greatest), or with two more numbers for y.
        interpolation, fill, center: of :func:`functional.affine`.

    Source: torchvision, ``torchvision.transforms.RandomAffine``.
    """

    def __init__(
        self,
        degrees: Any,
        translate: Any = None,
        scale: Any = None,
        shear: Any = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Any = None,
    ) -> None:
        super().__init__(degrees, interpolation, center, fill)
        if translate is not None:
            _check_length("translate", translate, (2,))
            if not all(0.0 <= share <= 1.0 for share in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            _check_length("scale", scale, (2,))
            if not all(factor > 0 for factor in scale):
                raise ValueError("scale values should be positive")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else _angles("shear", shear, (2, 4))

    @staticmethod
    def get_params(
        degrees: Range,
        translate: Range | None,
        scale_ranges: Range | None,
        shears: Range | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw an angle, a shift in pixels, a scale and two shears; ``img_size`` is (W, H)."""
        angle = _uniform(degrees[0], degrees[1])
        shift, scale, shear = (0, 0), 1.0, [0.0, 0.0]
        if translate is not None:
            most = [share * side for share, side in zip(translate, img_size, strict=True)]
            shift = (round(_uniform(-most[0], most[0])), round(_uniform(-most[1], most[1])))
        if scale_ranges is not None:
            scale = _uniform(scale_ranges[0], scale_ranges[1])
        if shears is not None:
            shear[0] = _uniform(shears[0], shears[1])
            if len(shears) == 4:
                shear[1] = _uniform(shears[2], shears[3])
        return angle, shift, scale, (shear[0], shear[1])

    def forward(self, img: Any) -> Any:
        drawn = self.get_params(
            self.degrees, self.translate, self.scale, self.shear, functional.get_image_size(img)
        )
        return functional.affine(img, *drawn, self.interpolation, self.fill, self.center)

    def __repr__(self) -> str:
        names = "degrees translate scale shear interpolation fill center"
        usual = {"fill": 0, "interpolation": InterpolationMode.NEAREST}
        self._shown = " ".join(n for n in names.split() if getattr(self, n) != usual.get(n))
        return super().__repr__()


class RandomErasing(Transform):
    """Overwrites a random rectangle of a tensor (…, C, H, W) with probability p.

    Args:
        p: the probability.
        scale: the least and the greatest share of the area.
        ratio: the least and the greatest height over width.
        value: what is written: a number, one for each channel, or "random" for normal noise.
        inplace: write into the tensor itself.

    Source: torchvision, ``torchvision.transforms.RandomErasing``.
    """

    _shown = "p scale ratio value inplace"

    def __init__(
        self,
        p: float = 0.5,
        scale: Range = (0.02, 0.33),
        ratio: Range = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        _check_scale_and_ratio(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio = p, scale, ratio
        self.value, self.inplace = value, inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Range, ratio: Range, value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """Draw (top, left, height, width) and what to write; after ten that do not fit, nothing."""
        channels, height, width = img.shape[-3:]
        for _ in range(10):
            h, w = _draw_sides(height * width, scale, ratio)
            if h >= height or w >= width:
                continue
            if value is None:
                written = randn(channels, h, w)
            else:
                written = tensor(value, dtype=np.dtype("float32")).reshape(-1, 1, 1)
            return _below(height - h + 1), _below(width - w + 1), h, w, written
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        if _uniform(0, 1) >= self.p:
            return img
        value = [self.value] if isinstance(self.value, (int, float)) else self.value
        values = None if isinstance(value, str) else [float(x) for x in value]
        if values is not None and len(values) not in (1, img.shape[-3]):
            raise ValueError(
                "If value is a sequence, it should have either a single value or "
                f"{img.shape[-3]} (number of input channels)"
            )
        drawn = self.get_params(img, self.scale, self.ratio, values)
        return functional.erase(img, *drawn, self.inplace)
