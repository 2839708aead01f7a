"""Questions about GPUs, and PyTorch's switches for them.

Without a GPU these answer as PyTorch's CPU build does: no, none and 0; what needs one raises the
RuntimeError that says what to install. Random numbers are all drawn by one generator, whatever the
device: ``torch.manual_seed`` seeds it, and the seeds for GPUs alone change nothing.

Source: PyTorch, ``torch.cuda``.
"""

from __future__ import annotations

import contextlib
import types
from typing import Any

from tinygrad_adam.backend import cuda_is_available, initial_seed
from tinygrad_adam.backend.device import cupy, on
from tinygrad_adam.tensor_types import tensor_types

(HalfTensor, FloatTensor, DoubleTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor,
 BoolTensor) = tensor_types(__name__, is_cuda=True)  # fmt: skip


def is_available() -> bool:
    """Return whether tensors can be put on a GPU: CuPy is installed and finds one."""
    return cuda_is_available()


def is_initialized() -> bool:
    """Return whether GPUs can be used: CuPy sets up what it needs by itself."""
    return cuda_is_available()


def init() -> None:
    """Check that there is a GPU."""
    cupy()


def device_count() -> int:
    """Return how many GPUs there are; 0 without CuPy or a driver."""
    return int(cupy().cuda.runtime.getDeviceCount()) if is_available() else 0


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done everything it was given, for example before reading a clock.

    Raises:
        RuntimeError: there is no GPU.
    """
    _gpu(device).synchronize()


def _gpu(device: Any = None) -> Any:
    """Return CuPy's object for a GPU: a device, its name or number; None is the current one.

    Raises:
        RuntimeError: there is no GPU.
        ValueError: it is the CPU.
    """
    wanted = on("cuda" if device is None else device)
    if wanted.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {wanted}")
    return cupy().cuda.Device(wanted.index)


def current_device() -> int:
    """Return the number of the GPU on which tensors go that are put on ``"cuda"``."""
    return int(_gpu().id)


def set_device(device: Any) -> None:
    """Choose the GPU on which tensors go that are put on ``"cuda"``; a negative number: none."""
    if not isinstance(device, int) or device >= 0:
        _gpu(device).use()


class device:  # noqa: N801 (PyTorch's name)
    """A block inside which another GPU is the current one; None and -1 change nothing."""

    def __init__(self, device: Any) -> None:
        self._device = None if device is None or device == -1 else device
        self._block: Any = contextlib.nullcontext()

    def __enter__(self) -> None:
        if self._device is not None:
            self._block = _gpu(self._device)
        self._block.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._block.__exit__(*exception)


def get_device_properties(device: Any = None) -> Any:
    """Return name, major, minor, total_memory and multi_processor_count of a GPU."""
    found = cupy().cuda.runtime.getDeviceProperties(_gpu(device).id)
    return types.SimpleNamespace(
        name=found["name"].decode(),
        major=found["major"],
        minor=found["minor"],
        total_memory=found["totalGlobalMem"],
        multi_processor_count=found["multiProcessorCount"],
    )


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU."""
    return str(get_device_properties(device).name)


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the major and minor number of what a GPU can do."""
    found = get_device_properties(device)
    return found.major, found.minor


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return False: there are no tensors of bfloat16 here."""
    return False


# --- memory --------------------------------------------------------------------------------------


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Return how many bytes of a GPU's memory are free, and how many there are."""
    with _gpu(device):
        free, total = cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def empty_cache() -> None:
    """Give the memory back that no tensor uses."""
    if is_available():
        cupy().get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Return how many bytes tensors use on a GPU; 0 without one."""
    if not is_available():
        return 0
    with _gpu(device):
        return int(cupy().get_default_memory_pool().used_bytes())


def memory_reserved(device: Any = None) -> int:
    """Return how many bytes are held on a GPU, for tensors there are and to come; 0 without one."""
    if not is_available():
        return 0
    with _gpu(device):
        return int(cupy().get_default_memory_pool().total_bytes())


# CuPy keeps no peaks. What it holds has grown with them, up to the last empty_cache: a bound.
max_memory_allocated = max_memory_reserved = memory_reserved
max_memory_cached = memory_cached = memory_reserved


def reset_peak_memory_stats(device: Any = None) -> None:
    """Do nothing: no peaks are kept."""


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats


def ipc_collect() -> None:
    """Do nothing: no memory is shared with other processes."""


# --- random numbers ------------------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Do nothing: ``torch.manual_seed`` seeds the numbers for all devices."""
    int(seed)


manual_seed_all = manual_seed


def seed() -> None:
    """Do nothing: ``torch.seed`` seeds the numbers for all devices."""


seed_all = seed

__all__ = [  # noqa: RUF022
    "current_device", "device", "device_count", "empty_cache", "get_device_capability",
    "get_device_name", "get_device_properties", "init", "initial_seed", "ipc_collect",
    "is_available", "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all",
    "max_memory_allocated", "max_memory_cached", "max_memory_reserved", "mem_get_info",
    "memory_allocated", "memory_cached", "memory_reserved", "reset_max_memory_allocated",
    "reset_max_memory_cached", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
    "synchronize", "HalfTensor", "FloatTensor", "DoubleTensor", "ByteTensor", "CharTensor",
    "ShortTensor", "IntTensor", "LongTensor", "BoolTensor",
]  # fmt: skip
