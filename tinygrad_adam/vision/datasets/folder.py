"""A folder for each class.

Source: torchvision, ``torchvision.datasets``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinygrad_adam.vision.datasets.base import Change, VisionDataset
from tinygrad_adam.vision.pillow import pillow

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def find_classes(directory: str | Path) -> tuple[list[str], dict[str, int]]:
    """Return the names of the folders in a folder, sorted, and the number of each.

    Raises:
        FileNotFoundError: there is none.
    """
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(
            f"Couldn't find any class folder in {directory}.\n"
            "  Each class has a folder of its own there, with its images."
        )
    return classes, {name: number for number, name in enumerate(classes)}


def make_dataset(
    directory: str | Path,
    class_to_idx: dict[str, int] | None = None,
    extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """Return (path, number of the class) of each file of each class, sorted.

    Raises:
        ValueError: not exactly one of ``extensions`` and ``is_valid_file``, or no class.
        FileNotFoundError: a class has no file, and ``allow_empty`` is False.

    Source: torchvision, ``torchvision.datasets.folder.make_dataset``.
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        _, class_to_idx = find_classes(directory)
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError(
            "Both extensions and is_valid_file cannot be None or not None at the same time"
        )
    endings = (extensions,) if isinstance(extensions, str) else tuple(extensions or ())
    valid = is_valid_file or (lambda path: path.lower().endswith(endings))
    samples = []
    for name in sorted(class_to_idx):
        for folder, _, files in sorted(os.walk(os.path.join(directory, name), followlinks=True)):
            paths = (os.path.join(folder, file) for file in sorted(files))
            samples += [(path, class_to_idx[name]) for path in paths if valid(path)]
    filled = {number for _, number in samples}
    empty = sorted(name for name, number in class_to_idx.items() if number not in filled)
    if empty and not allow_empty:
        supported = f"Supported extensions are: {', '.join(endings)}" if endings else ""
        raise FileNotFoundError(
            f"Found no valid file for the classes {', '.join(empty)}. {supported}"
        )
    return samples


def pil_loader(path: str | Path) -> Any:
    """Return the image in a file, in RGB."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


default_loader = pil_loader


class DatasetFolder(VisionDataset):
    """Files in a folder for each class; subfolders count.

    Args:
        root: the folder with the folders.
        loader: what makes a sample of a path.
        extensions: the endings of file names that count; or
        is_valid_file: which paths count.
        transform, target_transform: what happens to a sample, and to its label.
        allow_empty: let a class have no file.

    ``classes`` are the folders' names, sorted, ``samples`` the pairs (path, number of the class).

    Raises:
        FileNotFoundError: there is no folder, or nothing in one.

    Source: torchvision, ``torchvision.datasets.DatasetFolder``.
    """

    def __init__(
        self,
        root: str | Path,
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Change = None,
        target_transform: Change = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, None, transform, target_transform)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(
            self.root, self.class_to_idx, extensions, is_valid_file, allow_empty
        )
        self.targets = [number for _, number in self.samples]

    # Subclasses may choose other classes and files.
    make_dataset = staticmethod(make_dataset)

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """Return the classes, and the number of each."""
        return find_classes(directory)

    def _sample(self, index: Any) -> tuple[Any, Any]:
        path, number = self.samples[index]
        return self.loader(path), number

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Images in a folder for each class: ``root/dog/xxy.png``, ``root/cat/123.jpg``.

    Args:
        root: the folder with the folders.
        transform, target_transform: what happens to an image, and to its label.
        loader: what makes an image of a path; the usual one gives RGB.
        is_valid_file: which paths count, instead of those with the endings of images.
        allow_empty: let a class have no image.

    Raises:
        FileNotFoundError: there is no folder, or no image in one.

    Source: torchvision, ``torchvision.datasets.ImageFolder``.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Change = None,
        target_transform: Change = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(
            root, loader, extensions, transform, target_transform, is_valid_file, allow_empty
        )
        self.imgs = self.samples
