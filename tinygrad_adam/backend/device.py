"""Where an array lives: the ``device`` object, and moving an array from one to another."""

from __future__ import annotations

import importlib.util
import re
import sys
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_adam.backend.arrays import Array
from tinygrad_adam.backend.extras import how_to_install

# What PyTorch's error text lists.
_TYPES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, "
    "mps, meta, hpu, mtia, privateuseone"
)


class device:  # noqa: N801 (PyTorch's name)
    """A place for tensors: ``device("cpu")``, ``device("cuda")``, ``device("cuda:1")``.

    Args:
        type: ``"cpu"`` or ``"cuda"``, with ``":index"`` if wanted; another ``device``; or the
            number of a GPU.
        index: which GPU, counted from 0.

    Raises:
        RuntimeError: the text names no known kind of device; or a number, and there is no GPU.

    Source: PyTorch, ``torch.device``.
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: str | device | int, index: int | None = None) -> None:
        if isinstance(type, device):
            index = type.index if index is None else index
            type = type.type
        if isinstance(type, int) and not isinstance(type, bool):
            cupy()
            index, type = type, "cuda"
        if not isinstance(type, str):
            found = type.__class__.__name__
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {found}")
        kind, colon, number = str(type).partition(":")
        if not kind:
            raise RuntimeError("Device string must not be empty")
        if not kind.isalpha() or (colon and not re.fullmatch("0|[1-9][0-9]*", number)):
            raise RuntimeError(f"Invalid device string: {type!r}")
        if kind not in ("cpu", "cuda"):
            raise RuntimeError(
                f"Expected one of {_TYPES} device type at start of device string: {kind}\n"
                '  Those offered here are "cpu", and "cuda" or "cuda:0".'
            )
        if index is not None and not isinstance(index, int):
            found = index.__class__.__name__
            raise TypeError(f"device(): argument 'index' (position 2) must be int, not {found}")
        self.type = kind
        self.index = int(number) if colon else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        """Put new tensors here, inside the block, unless they are told another place."""
        _defaults.set((*_defaults.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        _defaults.set(_defaults.get()[:-1])


_CPU = device("cpu")
# Where new tensors are put that are not told: the last of these, and None leaves them. The first
# is set_default_device's; then those of the blocks around.
_defaults: ContextVar[tuple[device | None, ...]] = ContextVar("device", default=(None,))


def default_device() -> device | None:
    """Return where new tensors are put that are not told; None where nobody said."""
    return _defaults.get()[-1]


def get_default_device() -> device:
    """Return where new tensors are put that are not told: ``device("cpu")`` unless set."""
    return default_device() or _CPU


def set_default_device(device: Any) -> None:
    """Set where new tensors are put that are not told; None: where their numbers are, the CPU.

    Tensors made by :func:`from_numpy` stay where they are.

    Raises:
        RuntimeError: it is a GPU and there is none.
    """
    found = None if device is None else on(device)
    _defaults.set((found, *_defaults.get()[1:]))


def on(target: Any) -> device:
    """Return the device that is meant: a device, its name, or the number of a GPU; "cuda" is one.

    Raises:
        RuntimeError: it is a GPU and there is none.
    """
    found = device(target)
    if found.type == "cuda":
        xp: Any = cupy()
        return device("cuda", xp.cuda.runtime.getDevice()) if found.index is None else found
    return found


def device_of(array: Array) -> device:
    """Return the device on which ``array`` lies."""
    return _CPU if isinstance(array, np.ndarray) else device("cuda", int(array.device.id))


def cupy() -> ModuleType:
    """Import CuPy and check that it finds a GPU.

    Raises:
        RuntimeError: CuPy is not installed, or there is no GPU or driver that it can use. The one
            line says which, and what to install.
    """
    if "cupy" not in sys.modules and importlib.util.find_spec("cupy") is None:
        raise RuntimeError(
            "device 'cuda' needs CuPy, which is not installed; the wheel for CUDA 13: "
            + how_to_install("cupy", "cupy-cuda13x")
        )
    import cupy  # type: ignore[import-not-found, import-untyped, unused-ignore]

    if not cupy.cuda.is_available():
        raise RuntimeError(
            "device 'cuda' needs an NVIDIA GPU with a driver, and CuPy "
            f"{cupy.__version__} finds none: see nvidia-smi, or use device 'cpu'"
        )
    module: ModuleType = cupy
    return module


def require(target: device) -> None:
    """Check that ``target`` can be used.

    Raises:
        RuntimeError: as :func:`cupy`.
    """
    if target.type == "cuda":
        cupy()


def cuda_is_available() -> bool:
    """Return whether ``device("cuda")`` can be used: CuPy is installed and finds a GPU."""
    try:
        cupy()
    except (RuntimeError, ImportError):
        return False
    return True


def move(array: Array, target: device | str | None) -> Array:
    """Return ``array`` on ``target``: itself if it lies there (or ``target`` is None), else a copy.

    Raises:
        RuntimeError: ``target`` is a GPU and there is none, or not that many.
    """
    if target is None:
        return array
    target = device(target)
    if target.type == "cpu":
        return array if isinstance(array, np.ndarray) else array.get()
    xp: Any = cupy()
    index = xp.cuda.runtime.getDevice() if target.index is None else target.index
    count = xp.cuda.runtime.getDeviceCount()
    if index >= count:
        raise RuntimeError(f"invalid device ordinal: {target}; this machine has {count} GPU(s)")
    if not isinstance(array, np.ndarray) and array.device.id == index:
        return array
    with xp.cuda.Device(index):
        return xp.asarray(array)
