"""Saving and loading: tensors by name, and structures of them, in files that hold no code.

Two formats, told apart by the suffix. ``.npz`` is NumPy's own, a zip archive with one ``.npy`` file
for each array; ``.safetensors`` is the one in which models are shared, read and written by the
package of that name. Pickle, which runs code when it is loaded, is neither written nor read.

A state dict (names to tensors) is stored as it is, so that other programs find each tensor under
its name. What named arrays cannot express (an optimizer's numbers and lists, integer keys, for
safetensors also the order) is stored beside them as JSON: the *structure*. In it a tensor is the
name of its entry, and each container is tagged, because JSON knows neither tuples nor integer keys:

    {"state": {0: {"step": tensor}}, "betas": (0.9, 0.999)}   becomes
    {"dict": [["state", {"dict": [[0, {"dict": [["step", {"tensor": "state.0.step"}]]}]]}],
              ["betas", {"tuple": [0.9, 0.999]}]]}

Source: PyTorch, ``torch.save`` and ``torch.load``; NumPy, "NPY format"; the safetensors format.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.tensor import Tensor

if TYPE_CHECKING:
    import zipfile  # else where it is used: it loads much, and importing would wait for it

Arrays = dict[str, np.ndarray]
Json = Any

# Where the structure lies: an entry of an .npz file, a field of a .safetensors file's metadata.
_STRUCTURE = "__structure__"

_DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)

# The same in the words of .safetensors, which has no complex128.
_SAFETENSORS_DTYPES = (
    *("BOOL", "U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64"),
    *("F16", "F32", "F64", "C64"),
)

_MAX_DEPTH = 100


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Save tensors to a ``.npz`` or ``.safetensors`` file.

    Args:
        obj: a mapping of names to tensors, such as a Module's ``state_dict()``; or whatever has a
            ``state_dict()`` (a Module, an optimizer, a schedule); or a structure of dicts, lists
            and tuples with tensors, arrays, numbers, bools, strings and None in it. Arrays and
            NumPy numbers come back as tensors, every mapping as a dict; the order is kept.
        path: the file, ending in ``.npz`` or ``.safetensors``.

    The file is written under another name beside the old one, brought safely to disk, and renamed:
    a crash meanwhile leaves the old file. Tensors on a GPU are copied to the host.

    Raises:
        ValueError: the suffix is another one.
        TypeError: something in ``obj`` cannot be saved; the text names its key.
        FileNotFoundError: the folder does not exist.
        IsADirectoryError: ``path`` is a folder.
        ImportError: safetensors is missing (for that suffix).

    Source: PyTorch, ``torch.save``.
    """
    target, file_format = _path_and_format(path, "save")
    if callable(getattr(obj, "state_dict", None)) and not isinstance(obj, type):
        obj = obj.state_dict()
    arrays: Arrays = {}
    structure = _take_apart(obj, arrays, keys=())
    # Through a symbolic link, as open() would write, instead of in its place.
    target = Path(os.path.realpath(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"save: the folder '{target.parent}' does not exist")
    if target.is_dir():
        raise IsADirectoryError(f"save: '{target}' is a folder")
    with _replacing(target) as file:
        file_format.write(file, arrays, structure)


def load(
    path: str | os.PathLike[str],
    map_location: Any = None,
    *,
    device: Any = None,
    weights_only: bool = True,
) -> Any:
    """Load what :func:`save` saved, or any other ``.npz`` or ``.safetensors`` file of numbers.

    Args:
        path: the file, ending in ``.npz`` or ``.safetensors``.
        map_location: the device to put the tensors on; None means the CPU.
        device: another name for the same.
        weights_only: accepted for PyTorch's sake, and only True: there is no pickle to load.

    Returns:
        What was saved, with a Tensor for each array. None of them requires a gradient. A file from
        another program gives a dict of names to tensors, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the suffix is another one; the file is truncated or corrupt; it holds pickled
            objects, or an array of anything but numbers and bools. The text names the file, and
            the entry where there is one.
        ImportError: safetensors is missing (for that suffix).

    Source: PyTorch, ``torch.load``.
    """
    source, file_format = _path_and_format(path, "load")
    if device is not None and map_location is not None:
        raise TypeError("load: device and map_location are two names for one option; pass one")
    if not weights_only:
        raise ValueError(
            "load: weights_only=False asks for pickled objects, and pickle is never read here"
        )
    place = backend.device(device or map_location or "cpu")
    if not source.is_file():
        problem = "is not a file" if source.exists() else "does not exist"
        raise FileNotFoundError(f"load: '{source}' {problem}")
    arrays, structure = file_format.read(source)
    tensors = {name: Tensor._wrap(backend.move(array, place)) for name, array in arrays.items()}
    try:
        result = _put_together(structure, tensors)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _corrupt(source, f"its structure does not fit its arrays ({error!r})") from error
    if tensors:
        raise _corrupt(source, f"its structure does not mention the arrays {list(tensors)}")
    return result


# The structure: taking an object apart into named arrays and JSON, and putting it together again.


def _take_apart(value: Any, arrays: Arrays, keys: tuple[object, ...]) -> Json:
    """Put the arrays in ``value`` into ``arrays`` and return its structure.

    ``keys`` is the way to it from the object that is being saved.
    """
    if len(keys) > _MAX_DEPTH:
        raise ValueError(
            f"save: obj{_subscripts(keys[:3])}... is nested deeper than {_MAX_DEPTH} levels; "
            "does it contain itself?"
        )
    if isinstance(value, Tensor):
        value = value.array
    if backend.is_array(value) or isinstance(value, (np.number, np.bool_)):
        name = _entry_name(keys, arrays)
        arrays[name] = _host_array(value, keys)
        return {"tensor": name}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not (key is None or isinstance(key, (bool, int, float, str))):
                raise TypeError(
                    f"save: obj{_subscripts(keys)} has the key {key!r}, a {type(key).__name__}; "
                    "keys can be strings and numbers"
                )
        return {"dict": [[k, _take_apart(v, arrays, (*keys, k))] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_take_apart(item, arrays, (*keys, i)) for i, item in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": items}
    raise TypeError(
        f"save: obj{_subscripts(keys)} is a {type(value).__name__}, which cannot be saved; "
        "tensors, arrays, numbers, strings, None, and dicts, lists and tuples of them can\n"
        "  Of a Module or an optimizer, save the state_dict()."
    )


def _put_together(structure: Json, tensors: dict[str, Tensor]) -> Any:
    """Return the object that has this structure, taking the tensors out of ``tensors``."""
    if not isinstance(structure, dict):
        return structure
    ((kind, content),) = structure.items()
    if kind == "tensor":
        return tensors.pop(content)
    if kind == "dict":
        return {key: _put_together(value, tensors) for key, value in content}
    if kind in ("list", "tuple"):
        items = [_put_together(item, tensors) for item in content]
        return items if kind == "list" else tuple(items)
    raise ValueError(f"unknown kind {kind!r}")


def _structure_of(arrays: Arrays) -> Json:
    """Return the structure of a plain mapping of names to arrays."""
    return {"dict": [[name, {"tensor": name}] for name in arrays]}


def _entry_name(keys: tuple[object, ...], arrays: Arrays) -> str:
    """Return the name under which to store the array at ``keys``: ``state.0.exp_avg``."""
    name = ".".join(map(str, keys))
    number = len(arrays)
    while name in arrays or not _can_be_entry_name(name):
        name = f"tensor_{number}"
        number += 1
    return name


def _can_be_entry_name(name: str) -> bool:
    """Return whether both formats can hold ``name`` and give it back unchanged everywhere."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    # A zip file's directory ends names at a null and turns Windows' separators round;
    # "__metadata__" is safetensors' own.
    return (
        0 < size <= 1000
        and not {"\0", "\\"}.intersection(name)
        and name not in (_STRUCTURE, "__metadata__")
    )


def _host_array(array: backend.Array, keys: tuple[object, ...]) -> np.ndarray:
    """Return the array in host memory and in C order, which safetensors takes for granted."""
    if array.dtype.name not in _DTYPES:
        raise TypeError(
            f"save: obj{_subscripts(keys)} has the dtype {array.dtype}, which cannot be saved; "
            "numbers and bools can"
        )
    # Not numpy.ascontiguousarray: it turns 0-d arrays into 1-d ones.
    return np.asarray(backend.to_numpy(array) if backend.is_array(array) else array, order="C")


def _subscripts(keys: tuple[object, ...]) -> str:
    return "".join(f"[{key!r}]" for key in keys)


# The two formats. A writer takes an open file; a reader returns the arrays and the structure.


def _write_npz(file: IO[bytes], arrays: Arrays, structure: Json) -> None:
    import zipfile

    if structure != _structure_of(arrays):
        content = np.frombuffer(json.dumps(structure).encode(), np.uint8)
        arrays = {**arrays, _STRUCTURE: content}
    # Not numpy.savez: it takes names as keyword arguments, so that "file" cannot be one.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _read_npz(path: Path) -> tuple[Arrays, Json]:
    import zipfile

    arrays: Arrays = {}
    with open(path, "rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except Exception as error:
            raise _corrupt(path, error) from error
        with archive:
            _check_entries(path, file, archive)
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                try:
                    # Read whole, so that the zip file's checksum is compared before NumPy looks.
                    content = io.BytesIO(archive.read(entry))
                    array = np.lib.format.read_array(content, allow_pickle=False)
                # zipfile, zlib and NumPy have a dozen ways to say that bytes are not what they
                # should be.
                except Exception as error:
                    if "allow_pickle" in str(error):
                        raise ValueError(
                            f"load: '{path}' is refused: its entry '{name}' is pickled, and "
                            "loading it could run any code"
                        ) from error
                    raise _corrupt(path, f"entry '{name}': {error}") from error
                if array.dtype.name not in _DTYPES:
                    raise _not_a_tensor(path, name, array.dtype)
                arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
    if _STRUCTURE not in arrays:
        return arrays, _structure_of(arrays)
    return arrays, _parse(path, arrays.pop(_STRUCTURE).tobytes())


def _check_entries(path: Path, file: IO[bytes], archive: zipfile.ZipFile) -> None:
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
        raise _corrupt(path, f"its directory promises {promised} entries and has {found}")


def _write_safetensors(file: IO[bytes], arrays: Arrays, structure: Json) -> None:
    numpy_format = _import_safetensors().numpy
    for name, array in arrays.items():
        if array.dtype.name == "complex128":
            raise TypeError(
                f"save: .safetensors has no complex128, the dtype of '{name}'; use .npz"
            )
    # Always with the structure: safetensors sorts its entries, and the structure has the order.
    metadata = {_STRUCTURE: json.dumps(structure)}
    file.write(numpy_format.save(arrays, metadata))


def _read_safetensors(path: Path) -> tuple[Arrays, Json]:
    safetensors = _import_safetensors()
    arrays: Arrays = {}
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            structure = (file.metadata() or {}).get(_STRUCTURE)
            for name in file.keys():  # noqa: SIM118 (it is not a dict, and cannot be iterated)
                # bfloat16 and narrower: NumPy has no such numbers.
                dtype = file.get_slice(name).get_dtype()
                if dtype not in _SAFETENSORS_DTYPES:
                    raise _not_a_tensor(path, name, dtype)
                arrays[name] = file.get_tensor(name)
    except safetensors.SafetensorError as error:
        raise _corrupt(path, error) from error
    return arrays, _structure_of(arrays) if structure is None else _parse(path, structure)


def _import_safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f".safetensors files need safetensors: {backend.how_to_install('safetensors')}; "
            "or use the suffix .npz"
        ) from error
    return safetensors


def _parse(path: Path, structure: str | bytes) -> Json:
    try:
        return json.loads(structure)
    except (ValueError, RecursionError) as error:
        raise _corrupt(path, f"its structure is not JSON ({error})") from error


def _not_a_tensor(path: Path, name: str, dtype: object) -> ValueError:
    return ValueError(
        f"load: '{path}': its entry '{name}' has the dtype {dtype}; a tensor has one of "
        f"{', '.join(_DTYPES)}"
    )


class _Format(NamedTuple):
    write: Callable[[IO[bytes], Arrays, Json], None]
    read: Callable[[Path], tuple[Arrays, Json]]


_FORMATS = {
    ".npz": _Format(_write_npz, _read_npz),
    ".safetensors": _Format(_write_safetensors, _read_safetensors),
}


# Paths and files.


def _path_and_format(path: str | os.PathLike[str], caller: str) -> tuple[Path, _Format]:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"{caller}: expected a path (str or os.PathLike), got a {type(path).__name__}\n"
            "  The suffix of the path says which format it is."
        )
    path = Path(path)
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ValueError(
            f"{caller}: '{path}' ends in neither .npz nor .safetensors, the two formats that there "
            "are; pickle files (.pt, .pth, .pkl) are not read or written, because loading one can "
            "run any code"
        )
    return path, file_format


def _corrupt(path: Path, reason: object) -> ValueError:
    return ValueError(f"load: '{path}' is truncated, corrupt or no {path.suffix} file: {reason}")


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of ``target`` once it is complete and on disk."""
    temporary = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        # "x" creates the file with the permissions that the umask leaves; tempfile would make it
        # private.
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
