"""What all sets of images have: a folder, and what happens to an image and to its label.

Source: torchvision, ``torchvision.datasets``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinygrad_adam.backend import Generator
from tinygrad_adam.creation import randint, randn
from tinygrad_adam.data import Dataset
from tinygrad_adam.vision.transforms import functional

Change = Callable[[Any], Any] | None


class VisionDataset(Dataset[Any]):
    """A set of images: subclasses define ``_sample(index)`` and ``__len__()``.

    Args:
        root: the folder; a leading ``~`` is the home folder.
        transforms: what happens to an image and its label: a function of both, that returns both.
        transform: what happens to an image.
        target_transform: what happens to a label.

    Raises:
        ValueError: ``transforms`` stands beside one of the others.

    Source: torchvision, ``torchvision.datasets.VisionDataset``.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
        transform: Change = None,
        target_transform: Change = None,
    ) -> None:
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError(
                "Only transforms or transform/target_transform can be passed as argument"
            )
        self.root: Any = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform, self.target_transform = transform, target_transform
        self.transforms = _Both(transform, target_transform) if separate else transforms

    def _sample(self, index: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Any:
        image, target = self._sample(index)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if self.transforms is not None:
            body.append(repr(self.transforms))
        return "\n    ".join([f"Dataset {type(self).__name__}", *body])

    def extra_repr(self) -> str:
        """Return what else is shown of it."""
        return f"Split: {'Train' if self.train else 'Test'}" if hasattr(self, "train") else ""


class _Both:
    """What happens to an image and to its label."""

    def __init__(self, transform: Change, target_transform: Change) -> None:
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, image: Any, target: Any) -> tuple[Any, Any]:
        image = image if self.transform is None else self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __repr__(self) -> str:
        body = ["StandardTransform"]
        for head, what in (
            ("Transform: ", self.transform),
            ("Target transform: ", self.target_transform),
        ):
            if what is not None:
                body.append(head + repr(what).replace("\n", "\n" + " " * len(head)))
        return "\n".join(body)


class FakeData(VisionDataset):
    """Images of noise with random labels, the same each time.

    Args:
        size: how many.
        image_size: (channels, height, width).
        num_classes: labels are below it.
        transform, target_transform: what happens to an image, and to its label.
        random_offset: what is added to the index to make the seed of a sample.

    Source: torchvision, ``torchvision.datasets.FakeData``.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Change = None,
        target_transform: Change = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(None, None, transform, target_transform)
        self.size, self.image_size, self.num_classes = size, image_size, num_classes
        self.random_offset = random_offset

    def _sample(self, index: Any) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = Generator().manual_seed(index + self.random_offset)
        image = randn(*self.image_size, generator=generator)
        target = randint(self.num_classes, (), generator=generator)
        return functional.to_pil_image(image), int(target)

    def __len__(self) -> int:
        return self.size
