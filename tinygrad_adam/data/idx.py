"""The IDX format of the MNIST files: a header of big-endian integers, then unsigned bytes.

A file begins with a magic number of four bytes: two zeros, the element type (8 means unsigned
byte) and the number of dimensions. One 32-bit size for each dimension follows, then the elements,
last dimension fastest. ``0x00000803`` are images (count, rows, columns), ``0x00000801`` labels.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", file formats.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str], ndim: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes, plain or gzip-compressed.

    Compression is told by the content, not by the name: browsers like to unpack a ``.gz`` file and
    keep its name.

    Args:
        path: the file.
        ndim: the number of dimensions that it must have: 3 for images, 1 for labels.

    Returns:
        A uint8 array with the shape that the header states. It is read-only: a view of the bytes.

    Raises:
        OSError: the file cannot be read.
        ValueError: the gzip stream is corrupt or truncated, the magic number is another one, or
            the file is shorter or longer than its header says. The text names the file, what was
            expected and what was found.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", file formats.
    """
    content = _read_bytes(Path(path))
    magic = bytes([0, 0, _UNSIGNED_BYTE, ndim])
    if content[:4] != magic[: len(content)]:
        raise ValueError(
            f"{path}: expected the magic number 0x{magic.hex()} of an IDX file of unsigned bytes "
            f"with {ndim} dimension{'s' if ndim > 1 else ''}, found 0x{content[:4].hex()}"
        )
    header_size = 4 + 4 * ndim
    if len(content) < header_size:
        raise ValueError(
            f"{path}: truncated: expected a header of {header_size} bytes, "
            f"found {len(content)} bytes"
        )
    shape = tuple(np.frombuffer(content, ">u4", ndim, offset=4).tolist())
    expected = header_size + math.prod(shape)
    if len(content) != expected:
        problem = "truncated" if len(content) < expected else "bytes after the end"
        raise ValueError(
            f"{path}: {problem}: its header promises the shape {shape}, which makes {expected:,} "
            f"bytes, found {len(content):,}"
        )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a complete gzip file, found a corrupt or truncated one ({error})"
        ) from error
