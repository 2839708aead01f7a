"""The IDX reader: what it accepts, and what its errors say about a broken file."""

import gzip
import struct

import numpy as np
import pytest

from tinygrad_adam.data import read_idx

VALUES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def idx(array):
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + bytes(array)
    )


@pytest.mark.parametrize("name", ["images", "images.gz", "images.idx3-ubyte"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_plain_and_gzip_whatever_the_name(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(idx(VALUES)))
    for path in (tmp_path / name, str(tmp_path / name)):
        array = read_idx(path, ndim=3)
        assert array.dtype == np.uint8
        np.testing.assert_array_equal(array, VALUES)


def test_labels_and_an_empty_file_of_the_right_kind(tmp_path):
    (tmp_path / "labels").write_bytes(idx(np.arange(7, dtype=np.uint8)))
    assert read_idx(tmp_path / "labels", ndim=1).tolist() == list(range(7))
    (tmp_path / "none").write_bytes(idx(np.zeros((0, 28, 28), np.uint8)))
    assert read_idx(tmp_path / "none", ndim=3).shape == (0, 28, 28)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c[:-1], r"truncated: .* \(5, 4, 3\), which makes 76 bytes, found 75"),
        (lambda c: c[:16], "truncated: .* 76 bytes, found 16"),
        (lambda c: c[:15], "truncated: expected a header of 16 bytes, found 15 bytes"),
        (lambda c: c[:3], "truncated: expected a header of 16 bytes, found 3 bytes"),
        (lambda c: b"", "truncated: expected a header of 16 bytes, found 0 bytes"),
        (lambda c: c + b"\0", "bytes after the end: .* 76 bytes, found 77"),
        (
            lambda c: c[:3] + b"\1" + c[4:],
            "magic number 0x00000803 .* 3 dimensions, found 0x00000801",
        ),
        (lambda c: c[:2] + b"\x0d" + c[3:], "magic number 0x00000803 .* found 0x00000d03"),
        (lambda c: b"<!DOCTYPE html>", "magic number 0x00000803 .* found 0x3c21444f"),
        (lambda c: b"\0\1", "magic number 0x00000803 .* found 0x0001"),
        # A header that promises more than any memory holds.
        (lambda c: c[:4] + b"\xff" * 12, "truncated: .*4294967295"),
    ],
)
def test_broken_content(tmp_path, pack, damage, message):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(pack(damage(idx(VALUES))))
    with pytest.raises(ValueError, match=f"train-images-idx3-ubyte: .*{message}"):
        read_idx(path, ndim=3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:5],
        lambda packed: packed[:2],
        lambda packed: packed + b"garbage",
        lambda packed: packed[:30] + bytes([packed[30] ^ 255]) + packed[31:],
        lambda packed: packed[:10] + b"\xff" + packed[11:],
        lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:],
    ],
    ids=[
        "no end",
        "half",
        "half a header",
        "magic only",
        "garbage after",
        "flipped",
        "bad block",
        "checksum",
    ],
)
def test_broken_gzip(tmp_path, damage):
    path = tmp_path / "labels.gz"
    path.write_bytes(damage(gzip.compress(idx(VALUES))))
    with pytest.raises(
        ValueError, match=r"labels.gz: expected a complete gzip file, found a corrupt"
    ):
        read_idx(path, ndim=3)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here", ndim=1)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        read_idx(tmp_path / "folder", ndim=1)
