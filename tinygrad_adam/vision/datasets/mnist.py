"""MNIST and the sets in its clothes: 60,000 images of 28x28 greys to train on, 10,000 to test with.

Source: torchvision, ``torchvision.datasets``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_adam.creation import from_numpy
from tinygrad_adam.data.idx import read_idx
from tinygrad_adam.data.sources import MNIST_CHECKSUMS, MNIST_MIRRORS, fetch_file, find_file
from tinygrad_adam.vision.datasets.base import Change, VisionDataset
from tinygrad_adam.vision.pillow import pillow


def _checksums(md5s: str) -> dict[str, str]:
    """Return the MD5 checksums of a set's files by their names, which are the same in all sets."""
    return dict(zip(MNIST_CHECKSUMS, md5s.split(), strict=True))


class MNIST(VisionDataset):
    """Handwritten digits. A sample is an image of Pillow's (mode L) and its label.

    Args:
        root: the folder; the four files are looked for in ``<root>/MNIST/raw`` and in ``<root>``
            itself, plain or ``.gz``.
        train: True for the 60,000 images to train on, False for the 10,000.
        transform, target_transform: what happens to an image, and to its label.
        download: fetch into ``<root>/MNIST/raw`` what is missing.

    ``data`` is the uint8 tensor (N, 28, 28) of all images, ``targets`` the int64 tensor of labels.

    Raises:
        RuntimeError: files are missing, and ``download`` is False.
        ConnectionError: no mirror gave a file that is missing. The text has each one's reason.
        ValueError: a file is truncated or corrupt.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998); torchvision,
    ``torchvision.datasets.MNIST``.
    """

    mirrors = list(MNIST_MIRRORS)
    checksums = MNIST_CHECKSUMS
    classes = [
        *("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"),
        *("5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"),
    ]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Change = None,
        target_transform: Change = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, None, transform, target_transform)
        self.train = train
        found = {}
        for name in self.checksums:
            path = find_file(Path(self.root), name, type(self).__name__)
            if path is None and not download:
                raise RuntimeError(
                    "Dataset not found. You can use download=True to download it\n"
                    f"  {type(self).__name__}: no {name} (or .gz) in {self.raw_folder} nor in "
                    f"{self.root}."
                )
            found[name] = path or fetch_file(
                Path(self.raw_folder), f"{name}.gz", self.checksums[name], self.mirrors
            )
        part = "train" if train else "t10k"
        self.data = from_numpy(np.array(read_idx(found[f"{part}-images-idx3-ubyte"], 3)))
        labels = read_idx(found[f"{part}-labels-idx1-ubyte"], 1)
        self.targets = from_numpy(labels.astype(np.int64))

    def _sample(self, index: Any) -> tuple[Any, Any]:
        return pillow().fromarray(self.data[index].numpy()), int(self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    @property
    def raw_folder(self) -> str:
        """Where downloaded files go."""
        return str(Path(self.root) / type(self).__name__ / "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: number for number, name in enumerate(self.classes)}


class FashionMNIST(MNIST):
    """Pieces of clothing, in MNIST's form. Files lie in ``<root>/FashionMNIST/raw``.

    Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST" (2017); torchvision,
    ``torchvision.datasets.FashionMNIST``.
    """

    mirrors = [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ]
    checksums = _checksums(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d 25c81989df183df01b3e8a0aad5dffbe "
        "bef4ecab320f06d8554ea6380940ec79 bb300cfdad3c16e7a12a480ee83cd310"
    )
    classes = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ]


class KMNIST(MNIST):
    """Cursive Japanese characters, in MNIST's form. Files lie in ``<root>/KMNIST/raw``.

    Source: Clanuwat et al., "Deep Learning for Classical Japanese Literature" (2018); torchvision,
    ``torchvision.datasets.KMNIST``.
    """

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    checksums = _checksums(
        "bdb82020997e1d708af4cf47b453dcf7 e144d726b3acfaa3e44228e80efcd344 "
        "5c965bf0a639b31b8f53240b1b52f4d7 7320c461ea6c1c855c0b718fb2a4b134"
    )
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
