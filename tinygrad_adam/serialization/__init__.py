"""Saving and loading: tensors, and structures of them, in files that hold no code.

``save`` writes a zip archive with one ``.npy`` file for each tensor (NumPy's ``.npz``), whatever
the file is called, or the safetensors format if it is called ``.safetensors``. ``load`` tells by
the first bytes what it has before it: one of these, or a file of PyTorch's own, which is a pickle
with tensors beside it. Pickle is a small language whose programs can call anything; it is never
written here, and PyTorch's files are read by a reader of our own that knows tensors and plain
containers only (``pickles.py``).

Source: PyTorch, ``torch.save`` and ``torch.load``.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tinygrad_adam import backend
from tinygrad_adam.serialization.formats import corrupt, open_zip, read_npz, read_safetensors, write
from tinygrad_adam.serialization.structure import put_together, take_apart
from tinygrad_adam.tensor import Tensor

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Save tensors, and what they stand in, to a file.

    Args:
        obj: tensors, NumPy's arrays and numbers, Python's numbers, strings and bytes, bools, None,
            shapes, dtypes and devices, and dicts, lists, tuples and sets of them: a Module's
            ``state_dict()``, an optimizer's, or a whole checkpoint. Each comes back as what it
            was, but mappings and sequences of other classes as dicts, lists and tuples. Tensors
            that share memory do so again after loading; ``requires_grad``, Parameters and devices
            are kept, strides are not.
        f: the path, or something to write bytes to. A path that ends in ``.safetensors`` gives
            that format, everything else a zip archive that ``numpy.load`` reads, too.
        pickle_module: accepted for PyTorch's sake, as what follows; nothing is pickled.

    A file is written under another name beside the old one, brought safely to disk, and renamed:
    a crash meanwhile leaves the old file.

    Raises:
        AttributeError: ``f`` is neither a path nor can be written to.
        ImportError: safetensors is missing (for that suffix).
        RuntimeError: the folder does not exist, or ``f`` is one.
        TypeError: something in ``obj`` cannot be saved, as a whole Module; the text names its key.

    Source: PyTorch, ``torch.save``.
    """
    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    arrays, structure = take_apart(obj)
    if not is_path:
        content = io.BytesIO()
        write(content, arrays, structure)
        f.write(content.getvalue())
        return
    # Through a symbolic link, as open() would write, instead of in its place.
    target = Path(os.path.realpath(f))
    if not target.parent.is_dir():
        raise RuntimeError(f"Parent directory {target.parent} does not exist.")
    if target.is_dir():
        raise RuntimeError(f"open file failed with strerror: Is a directory\n  save: '{target}'")
    with _replacing(target) as file:
        write(file, arrays, structure, Path(f).suffix.lower())


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    device: Any = None,
    **pickle_load_args: Any,
) -> Any:
    """Load what :func:`save` saved, a file of PyTorch's, or arrays from another program.

    Args:
        f: the path, or an open file or buffer, of which the rest is read.
        map_location: where the tensors go. A device, or its name; a dictionary of such, by the
            name of the device that a tensor was saved from; or a function that is given the memory
            (a tensor) and that name, and returns the memory where it is wanted, or None. Unless
            said, each goes back to where it was.
        weights_only: accepted. Whatever it says, only tensors and plain containers are loaded.
        mmap: accepted for PyTorch's sake: the file is read, not mapped.
        device: another name for ``map_location``.
        pickle_load_args: accepted for PyTorch's sake, as ``pickle_module``.

    Returns:
        What was saved. A file of another program's arrays gives a dict of names to tensors.

    Raises:
        AttributeError: ``f`` is neither a path nor can be read.
        EOFError: there is nothing to read.
        ImportError: safetensors is missing (for such a file).
        OSError: there is no such file.
        RuntimeError: a tensor was on a GPU, and there is none, and no ``map_location`` says where
            else it is to go.
        pickle.UnpicklingError: a file of PyTorch's asks for a class or function that is not known
            here, whose name is in the text; or an array holds pickled objects.
        ValueError: the file is truncated, corrupt or something else.

    Source: PyTorch, ``torch.load``.
    """
    if device is not None and map_location is not None:
        raise TypeError("load: device and map_location are two names for one option; pass one")
    if weights_only and pickle_module is not None:
        raise RuntimeError(
            "Can not safely load weights when explicit pickle_module is specified\n"
            "  Leave it out: it is not used here."
        )
    place = _Places(device if map_location is None else map_location)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _read(file, os.fspath(f), place)
    if mmap:
        raise ValueError("f must be a string filename in order to use mmap argument")
    if not hasattr(f, "read"):
        raise AttributeError(
            f"{type(f).__name__!r} object has no attribute 'seek'. You can only torch.load from a "
            "file that is seekable. Please pre-load the data into a buffer like io.BytesIO and try "
            "to load from it instead."
        )
    return _read(io.BytesIO(f.read()), f"<{type(f).__name__}>", place)


def _read(file: IO[bytes], name: str, place: _Places) -> Any:
    """Return what the file holds, by the format that its first bytes say."""
    start = file.read(9)
    file.seek(0)
    if not start:
        raise EOFError(f"Ran out of input\n  load: {name!r} is empty, or at its end: f.seek(0)")
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        with open_zip(file, name) as archive:
            if any(entry.endswith("/data.pkl") for entry in archive.namelist()):
                from tinygrad_adam.serialization.pickles import read_zip

                return read_zip(archive, name, place)
            arrays, structure = read_npz(archive, name)
    elif start[8:] == b"{":
        arrays, structure = read_safetensors(file.read(), name)
    elif start.startswith(b"\x80"):
        from tinygrad_adam.serialization.pickles import read_legacy

        return read_legacy(file, name, place)
    else:
        raise corrupt(name, f"it starts with {start!r}")
    try:
        result, unused = put_together(structure, arrays, place)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise corrupt(name, f"its structure does not fit its arrays ({error!r})") from error
    if unused:
        raise corrupt(name, f"its structure does not mention the arrays {unused}")
    return result


class _Places:
    """Where tensors go, by ``map_location``."""

    def __init__(self, map_location: Any) -> None:
        self.map_location = map_location
        if not (map_location is None or callable(map_location) or isinstance(map_location, dict)):
            self.map_location = lambda memory, location: self._device(map_location)
            self._device(map_location)

    def __call__(self, memory: Any, location: str) -> backend.device:
        """Return the device for an array in host memory that was saved from ``location``."""
        if isinstance(self.map_location, dict):
            return self._device(self.map_location.get(location, location))
        if self.map_location is None:
            return self._device(location)
        moved = self.map_location(Tensor._wrap(memory.reshape(-1)), location)
        if isinstance(moved, Tensor):
            return moved.device
        return self._device(location if moved is None else moved)

    def _device(self, location: Any) -> backend.device:
        try:
            device = backend.device(location)
        except RuntimeError as error:
            raise RuntimeError(
                "don't know how to restore data location of torch.storage.UntypedStorage (tagged "
                f"with {location})\n  There are cpu and cuda here: pass map_location='cpu'."
            ) from error
        if device.type == "cuda" and not backend.cuda_is_available():
            raise RuntimeError(
                "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() "
                "is False. If you are running on a CPU-only machine, please use torch.load with "
                "map_location=torch.device('cpu') to map your storages to the CPU."
            )
        return device


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


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Do nothing: no class of a file is ever called here, allowed or not.

    PyTorch lets a program name classes that ``load`` may call. Here a file that asks for more than
    tensors and plain containers is refused; save a ``state_dict()`` instead.
    """


def get_safe_globals() -> list[Any]:
    """Return what :func:`add_safe_globals` allowed: nothing."""
    return []


def clear_safe_globals() -> None:
    """Do nothing, as :func:`add_safe_globals` did."""


@contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """Do :func:`add_safe_globals`, which is nothing, for the lines of a ``with`` statement."""
    yield
