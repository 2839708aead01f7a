"""The GPU, if there is one, without its name.

Source: PyTorch, ``torch.accelerator``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tinygrad_adam import backend, cuda

F = TypeVar("F", bound=Callable[..., Any])


def is_available() -> bool:
    """Return whether there is a GPU."""
    return cuda.is_available()


def device_count() -> int:
    """Return how many GPUs there are."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> backend.device | None:
    """Return ``device("cuda")``, or None without a GPU."""
    return backend.device("cuda") if is_available() else None


def _with_a_gpu(function: F) -> F:
    """Return a function of ``cuda`` that says, without a GPU, that there is no accelerator."""

    def call(*args: Any, **options: Any) -> Any:
        if not is_available():
            raise RuntimeError(
                "Cannot access accelerator device when none is available.\n"
                "  accelerator.is_available() says whether one is"
            )
        return function(*args, **options)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call  # type: ignore[return-value]


current_device_index = current_device_idx = _with_a_gpu(cuda.current_device)
set_device_index = set_device_idx = _with_a_gpu(cuda.set_device)
synchronize, empty_cache = _with_a_gpu(cuda.synchronize), _with_a_gpu(cuda.empty_cache)
memory_allocated, memory_reserved = map(_with_a_gpu, (cuda.memory_allocated, cuda.memory_reserved))
max_memory_allocated = max_memory_reserved = memory_reserved
reset_peak_memory_stats = _with_a_gpu(cuda.reset_peak_memory_stats)

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "device_count",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device_idx",
    "set_device_index",
    "synchronize",
]
