"""Real data to learn from: digits and iris (they come with scikit-learn) and MNIST.

Each function returns ``(train, test)``, two :class:`TensorDataset` with a held-out part that the
same call always picks in the same way. scikit-learn and pooch are imported when they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinygrad_adam.backend import how_to_install
from tinygrad_adam.data.dataset import TensorDataset
from tinygrad_adam.data.idx import read_idx
from tinygrad_adam.data.resizing import resize_weights
from tinygrad_adam.tensor import Tensor

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)

# The MD5 checksums of the published .gz files, by the names that they are published under.
MNIST_CHECKSUMS = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}

_DOWNLOAD_TIMEOUT_SECONDS = 30


def digits(*, normalize: bool = False, seed: int = 0) -> tuple[TensorDataset, TensorDataset]:
    """The 1,797 handwritten digits of scikit-learn, resized from 8x8 to MNIST's 28x28.

    They are resized bilinearly, with pixel centres at half-integers (``align_corners=False`` in
    PyTorch's ``interpolate``), and need no download.

    Args:
        normalize: False: grey values from 0 (paper) to 1 (ink). True: shifted and scaled so that
            the training images have mean 0 and standard deviation 1.
        seed: another seed picks another held-out fifth.

    Returns:
        ``(train, test)`` with 1,437 and 360 samples. A sample is an image, (1, 28, 28) float32,
        and its label 0 to 9, int64. Each digit has the same share of both parts.

    Raises:
        ImportError: scikit-learn is missing.

    Source: Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits" (UCI, 1998), test part.
    """
    images, labels = _load_from_scikit_learn("digits")
    images = _resize_bilinear(images.reshape(-1, 8, 8) / 16, 28)[:, np.newaxis]
    train, test = _held_out_fifth(labels, seed)
    mean, std = (images[train].mean(), images[train].std()) if normalize else (0, 1)
    images = (images - mean) / std
    return _dataset(images[train], labels[train]), _dataset(images[test], labels[test])


def iris(*, standardize: bool = True, seed: int = 0) -> tuple[TensorDataset, TensorDataset]:
    """Fisher's iris: 150 flowers of three species, four lengths each.

    Args:
        standardize: True: each feature shifted and scaled so that it has mean 0 and standard
            deviation 1 over the training flowers. False: lengths in centimetres.
        seed: another seed picks another held-out fifth.

    Returns:
        ``(train, test)`` with 120 and 30 samples. A sample is (4,) float32: sepal length, sepal
        width, petal length, petal width; and its label, int64: 0 setosa, 1 versicolor,
        2 virginica. Each species has 40 and 10 flowers.

    Raises:
        ImportError: scikit-learn is missing.

    Source: Fisher, "The use of multiple measurements in taxonomic problems" (1936).
    """
    features, labels = _load_from_scikit_learn("iris")
    train, test = _held_out_fifth(labels, seed)
    if standardize:
        features = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
    return _dataset(features[train], labels[train]), _dataset(features[test], labels[test])


def mnist(
    root: str | os.PathLike[str] | None = None, download: bool = False, *, normalize: bool = False
) -> tuple[TensorDataset, TensorDataset]:
    """The MNIST digits: 60,000 images to train on and 10,000 to test with.

    Args:
        root: the folder with the four IDX files (``train-images-idx3-ubyte`` and so on, also
            written ``train-images.idx3-ubyte``), plain or ``.gz``. Files are looked for in the
            folder itself and where torchvision puts them, in ``MNIST/raw`` below it. They are read
            as they are, so that data sets in MNIST's clothes (Fashion-MNIST) work too. A leading
            ``~`` is the home folder. None: the user's cache folder.
        download: fetch the files that the folder lacks, from the first mirror that has them with
            the published checksum.
        normalize: False: grey values from 0 (paper) to 1 (ink). True: shifted and scaled so that
            the training images have mean 0 and standard deviation 1 (0.1307 and 0.3081 before).

    Returns:
        ``(train, test)``. A sample is an image, (1, 28, 28) float32, and its label 0 to 9, int64.

    Raises:
        FileNotFoundError: the folder or one of the files is missing, and ``download`` is False.
        ValueError: a file is truncated, corrupt, empty or not what it should be, or images and
            labels do not match in number. The text names the file, what was expected and what was
            found.
        ConnectionError: no mirror gave the file. The text has each one's reason.
        ImportError: pooch is missing (for a download).

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998).
    """
    folder = _cache_folder() if root is None else Path(root).expanduser()
    paths = [find_file(folder, name) or _fetch(folder, name, download) for name in MNIST_CHECKSUMS]
    train_images, train_labels = _read_pair(*paths[:2])
    test_images, test_labels = _read_pair(*paths[2:])
    mean, std = _mean_and_std(train_images) if normalize else (0.0, 255.0)
    return (
        _dataset(_scaled(train_images, mean, std), train_labels),
        _dataset(_scaled(test_images, mean, std), test_labels),
    )


def _dataset(inputs: np.ndarray, labels: np.ndarray) -> TensorDataset:
    inputs = np.ascontiguousarray(inputs, dtype=np.float32)
    return TensorDataset(Tensor._wrap(inputs), Tensor._wrap(labels.astype(np.int64)))


def _load_from_scikit_learn(name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(f"{name} needs scikit-learn: {how_to_install('scikit-learn')}") from error
    features, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    return features, labels


def _held_out_fifth(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the training and of the test samples, the classes shared fairly."""
    from sklearn.model_selection import train_test_split

    positions = np.arange(len(labels))
    train, test = train_test_split(positions, test_size=0.2, random_state=seed, stratify=labels)
    return train, test


def _resize_bilinear(images: np.ndarray, size: int) -> np.ndarray:
    """Resize (N, n, n) images to (N, size, size)."""
    weights = resize_weights(images.shape[-1], size)
    resized: np.ndarray = weights @ images @ weights.T
    return resized


def _cache_folder() -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "mnist without a folder needs pooch, which knows the user's cache folder: "
            f'{how_to_install("pooch")}, or name the folder: mnist("path/to/folder")'
        ) from error
    return Path(pooch.os_cache("tinygrad_adam")) / "mnist"


def find_file(folder: Path, name: str, below: str = "MNIST") -> Path | None:
    """Return the file of that published name in ``folder``, under any of its common names.

    It is looked for in the folder itself and where torchvision puts it.
    """
    for place in (folder, folder / below / "raw"):
        for variant in (name, name.replace("-idx", ".idx")):
            for path in (place / variant, place / f"{variant}.gz"):
                if path.is_file():
                    return path
    return None


def _fetch(folder: Path, name: str, download: bool) -> Path:
    if download:
        return fetch_file(folder, f"{name}.gz", MNIST_CHECKSUMS[name], MNIST_MIRRORS)
    how = "pass download=True, or the folder that has the four MNIST files, plain or .gz"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; {how}")
    raise FileNotFoundError(f"{folder / name}: no such file, nor {name}.gz; {how}")


def fetch_file(folder: Path, name: str, md5: str, mirrors: Sequence[str]) -> Path:
    """Return the file of that name in ``folder``, downloaded from a mirror if it is not there.

    Raises:
        ConnectionError: no mirror gave a file with that checksum. The text has each one's reason.
        ImportError: pooch is missing.
    """
    try:
        import pooch
    except ImportError as error:
        raise ImportError(f"downloading {name} needs pooch: {how_to_install('pooch')}") from error
    failures = []
    for mirror in mirrors:
        try:
            path = pooch.retrieve(
                f"{mirror}{name}",
                known_hash=f"md5:{md5}",
                fname=name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=_DOWNLOAD_TIMEOUT_SECONDS),
            )
            return Path(path)
        # Whatever goes wrong on the way is an OSError; a wrong checksum is a ValueError.
        except (OSError, ValueError) as error:
            failures.append(f"\n  {mirror}: {error}")
    raise ConnectionError(
        f"{name}: expected the published file from one of {len(mirrors)} mirrors, found "
        f"none:{''.join(failures)}\n  Without a network, put the published files into a folder and "
        "pass that."
    )


def _read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
    if images.shape[1:] != (28, 28):
        rows, columns = images.shape[1:]
        raise ValueError(f"{images_path}: expected images of 28x28 pixels, found {rows}x{columns}")
    if not len(images):
        raise ValueError(f"{images_path}: expected at least one image, found none")
    if len(images) != len(labels):
        raise ValueError(
            f"{labels_path}: expected {len(images):,} labels, one for each image of "
            f"{images_path.name}, found {len(labels):,}"
        )
    if labels.max() > 9:
        raise ValueError(f"{labels_path}: expected labels from 0 to 9, found {labels.max()}")
    return images, labels


def _mean_and_std(images: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of bytes, from how often each value occurs: exact and cheap."""
    # A thousand images at a time, because bincount turns the bytes that it is given into int64.
    parts = (images[start : start + 1000] for start in range(0, len(images), 1000))
    counts = sum(np.bincount(part.ravel(), minlength=256) for part in parts)
    values = np.arange(256)
    mean = np.average(values, weights=counts)
    std = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    # Images that are all one grey cannot be scaled to a standard deviation of 1: they become 0.
    return float(mean), std or 1.0


def _scaled(images: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Return (N, 28, 28) bytes as (N, 1, 28, 28) float32, ``(images - mean) / std``."""
    scaled = images[:, np.newaxis].astype(np.float32)
    # In place: at 60,000 images each further copy would be 188 MB.
    scaled -= np.float32(mean)
    scaled /= np.float32(std)
    return scaled
