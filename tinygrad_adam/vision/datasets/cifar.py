"""CIFAR-10 and CIFAR-100: 50,000 colour images of 32x32 to train on, 10,000 to test with.

The published files are pickled. They are read by an unpickler that knows nothing but the parts of a
NumPy array: whatever else one names is refused, so that no file can run code.

Source: torchvision, ``torchvision.datasets``.
"""

from __future__ import annotations

import hashlib
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_adam.data.sources import fetch_file
from tinygrad_adam.vision.datasets.base import Change, VisionDataset
from tinygrad_adam.vision.pillow import pillow


class CIFAR10(VisionDataset):
    """Ten classes of animals and vehicles. A sample is an image of Pillow's (RGB) and its label.

    Args:
        root: the folder that has ``cifar-10-batches-py``, or gets it.
        train: True for the 50,000 images to train on, False for the 10,000.
        transform, target_transform: what happens to an image, and to its label.
        download: unpack ``cifar-10-python.tar.gz``, fetched first if ``root`` does not have it.

    ``data`` is the uint8 array (N, 32, 32, 3) of all images, ``targets`` the list of labels.

    Raises:
        RuntimeError: a file is missing or not the published one, and ``download`` is False.
        ConnectionError: (with ``download``) the archive cannot be fetched. The text says why.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009); torchvision,
    ``torchvision.datasets.CIFAR10``.
    """

    base_folder = "cifar-10-batches-py"
    mirrors = ["https://www.cs.toronto.edu/~kriz/"]
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }
    _labels = "labels"

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
        folder = Path(self.root) / self.base_folder
        files = [
            *(self.train_list + self.test_list),
            [self.meta["filename"], self.meta["md5"]],
        ]
        wrong = [name for name, md5 in files if not _has_md5(folder / name, md5)]
        if wrong and download:
            archive = fetch_file(Path(self.root), self.filename, self.tgz_md5, self.mirrors)
            _unpack(archive, folder, [name for name, _ in files])
        elif wrong:
            raise RuntimeError(
                "Dataset not found or corrupted. You can use download=True to download it\n"
                f"  {type(self).__name__}: in {folder}, these are missing or not as published: "
                f"{', '.join(wrong)}."
            )
        batches = [read_batch(folder / name) for name, _ in self._parts()]
        rows = np.vstack([batch["data"] for batch in batches])
        self.data = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.targets = [int(label) for batch in batches for label in batch[self._labels]]
        self.classes = list(read_batch(folder / self.meta["filename"])[self.meta["key"]])
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}

    def _parts(self) -> list[list[str]]:
        return self.train_list if self.train else self.test_list

    def _sample(self, index: Any) -> tuple[Any, Any]:
        return pillow().fromarray(self.data[index]), self.targets[index]

    def __len__(self) -> int:
        return len(self.data)


class CIFAR100(CIFAR10):
    """A hundred classes of things, in CIFAR-10's form, in ``<root>/cifar-100-python``.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009); torchvision,
    ``torchvision.datasets.CIFAR100``.
    """

    base_folder = "cifar-100-python"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }
    _labels = "fine_labels"


def _has_md5(path: Path, md5: str) -> bool:
    return path.is_file() and hashlib.md5(path.read_bytes()).hexdigest() == md5


def _unpack(archive: Path, folder: Path, names: list[str]) -> None:
    """Write those files of an archive, and no others, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as opened:
        for name in names:
            content = opened.extractfile(f"{folder.name}/{name}")
            if content is not None:
                (folder / name).write_bytes(content.read())


class _ArrayReader(pickle.Unpickler):
    """Reads dictionaries, lists, texts, numbers and NumPy arrays of numbers."""

    def find_class(self, module: str, name: str) -> Any:
        known = {"_reconstruct": _empty_array, "ndarray": np.ndarray, "dtype": _plain_dtype}
        if module.partition(".")[0] == "numpy" and name in known:
            return known[name]
        if (module, name) == ("_codecs", "encode"):  # bytes, as Python 3 writes them for Python 2
            return lambda text, encoding: text.encode("latin1")
        raise pickle.UnpicklingError(
            f"the file asks for {module}.{name}, which is no part of an array of numbers"
        )


def _empty_array(cls: type, shape: tuple[int, ...], kind: object) -> np.ndarray:
    return np.ndarray(shape, np.uint8)


def _plain_dtype(name: str, *flags: object) -> np.dtype:
    dtype = np.dtype(name)
    if dtype.kind not in "iufb":
        raise pickle.UnpicklingError(f"the file has an array of {dtype}, not of numbers")
    return dtype


def read_batch(path: Path) -> dict[str, Any]:
    """Return the dictionary in a file of CIFAR's.

    Raises:
        ValueError: the file is damaged, or holds something else than arrays and plain containers.
    """
    try:
        with path.open("rb") as file:
            content = _ArrayReader(file, encoding="latin1").load()
        return dict(content)
    except OSError:
        raise
    except Exception as error:  # unpickling what is damaged raises almost anything
        raise ValueError(
            f"{path}: expected a batch of CIFAR's, found another file: {error}"
        ) from None
