"""The two formats of our own: a zip archive of ``.npy`` files, and safetensors.

A writer takes an open file; a reader returns the arrays and the structure.

Source: NumPy, "NPY format"; the safetensors format.
"""

from __future__ import annotations

import json
import os
import struct
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.serialization.structure import DTYPES, STRUCTURE, Arrays, Json, structure_of

if TYPE_CHECKING:
    import zipfile  # else where it is used: it loads much, and importing would wait for it

# The dtypes in the words of .safetensors, which has no complex128.
_SAFETENSORS_DTYPES = {
    "BOOL": "?", "U8": "u1", "U16": "u2", "U32": "u4", "U64": "u8", "I8": "i1", "I16": "i2",
    "I32": "i4", "I64": "i8", "F16": "f2", "F32": "f4", "F64": "f8", "C64": "c8",
}  # fmt: skip


def write(file: IO[bytes], arrays: Arrays, structure: Json, suffix: str = "") -> None:
    """Write to an open file in the format that its suffix asks for."""
    (_write_safetensors if suffix == ".safetensors" else _write_npz)(file, arrays, structure)


def _write_npz(file: IO[bytes], arrays: Arrays, structure: Json) -> None:
    import zipfile

    if structure != structure_of(arrays):
        content = np.frombuffer(json.dumps(structure).encode(), np.uint8)
        arrays = {**arrays, STRUCTURE: content}
    # Not numpy.savez: it takes names as keyword arguments, so that "file" cannot be one.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def open_zip(file: IO[bytes], name: str) -> zipfile.ZipFile:
    """Open a zip archive.

    Raises:
        ValueError: it is truncated or corrupt.
    """
    import zipfile

    try:
        archive = zipfile.ZipFile(file)
        _check_entries(file, archive)
    except Exception as error:
        raise corrupt(name, error) from error
    return archive


def read_npz(archive: zipfile.ZipFile, name: str) -> tuple[Arrays, Json]:
    """Return the arrays and the structure in a zip archive."""
    arrays = {
        entry.filename.removesuffix(".npy"): _read_npy(archive, entry, name)
        for entry in archive.infolist()
    }
    if STRUCTURE not in arrays:
        return arrays, structure_of(arrays)
    return arrays, _parse(name, arrays.pop(STRUCTURE).tobytes())


def _read_npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file_name: str) -> np.ndarray:
    name = entry.filename.removesuffix(".npy")
    try:
        with archive.open(entry) as content:
            # No more is inflated than the header promises, and one byte.
            array = np.lib.format.read_array(content, allow_pickle=False)
            if content.read(1):
                raise ValueError("there is more than its header says")
    # zipfile, zlib and NumPy have a dozen ways to say that bytes are not what they should be.
    except Exception as error:
        if "allow_pickle" in str(error):
            raise refused(
                f"load: {file_name!r} is refused: its entry {name!r} is pickled, and loading it "
                "could run any code"
            ) from error
        raise corrupt(file_name, f"entry {name!r}: {error}") from error
    if array.dtype.name not in DTYPES:
        raise _not_a_tensor(file_name, name, array.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_entries(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Raise if the archive's directory says that it has more entries than could be found in it.

    zipfile takes what it finds: one wrong length in the directory, which no checksum covers, would
    hide the entries behind it.
    """
    record_size = 22
    file.seek(-record_size, os.SEEK_END)
    record = file.read(record_size)
    (promised,) = struct.unpack_from("<H", record, 10)
    found = len(archive.infolist())
    # With a comment the record lies elsewhere; with very many entries it does not say how many.
    if record.startswith(b"PK\5\6") and promised not in (found, 0xFFFF):
        raise ValueError(f"its directory promises {promised} entries and has {found}")


def _write_safetensors(file: IO[bytes], arrays: Arrays, structure: Json) -> None:
    numpy_format = _import_safetensors().numpy
    for name, array in arrays.items():
        if array.dtype.name == "complex128":
            raise TypeError(
                f"save: .safetensors has no complex128, the dtype of {name!r}; use another suffix"
            )
    # Always with the structure: safetensors sorts its entries, and the structure has the order.
    metadata = {STRUCTURE: json.dumps(structure)}
    file.write(numpy_format.save(arrays, metadata))


def read_safetensors(content: bytes, name: str) -> tuple[Arrays, Json]:
    """Return the arrays and the structure of a safetensors file."""
    safetensors = _import_safetensors()
    arrays: Arrays = {}
    try:
        entries = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise corrupt(name, error) from error
    for entry, about in entries:
        # bfloat16 and narrower: NumPy has no such numbers.
        if about["dtype"] not in _SAFETENSORS_DTYPES:
            raise _not_a_tensor(name, entry, about["dtype"])
        dtype = _SAFETENSORS_DTYPES[about["dtype"]]
        arrays[entry] = np.frombuffer(about["data"], dtype).reshape(about["shape"])
    (size,) = struct.unpack_from("<Q", content)
    structure = json.loads(content[8 : 8 + size]).get("__metadata__", {}).get(STRUCTURE)
    return arrays, structure_of(arrays) if structure is None else _parse(name, structure)


def _import_safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f".safetensors files need safetensors: {backend.how_to_install('safetensors')}; "
            "or use another suffix"
        ) from error
    return safetensors


def _parse(name: str, structure: str | bytes) -> Json:
    try:
        return json.loads(structure)
    except (ValueError, RecursionError) as error:
        raise corrupt(name, f"its structure is not JSON ({error})") from error


def _not_a_tensor(file_name: str, name: str, dtype: object) -> ValueError:
    return ValueError(
        f"load: {file_name!r}: its entry {name!r} has the dtype {dtype}; a tensor has one of "
        f"{', '.join(DTYPES)}"
    )


def corrupt(name: str, reason: object) -> ValueError:
    """Return the error for a file in which something is not as it should be."""
    return ValueError(f"load: {name!r} is truncated, corrupt or no file of tensors: {reason}")


def refused(text: str) -> Exception:
    """Return the error for a file that asks for code to be run."""
    from pickle import UnpicklingError

    return UnpicklingError(text)
