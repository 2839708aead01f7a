"""Automatic mixed precision, which is not here: what asks for none of it passes through.

Source: PyTorch, ``torch.amp``.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from tinygrad_adam import backend, cuda
from tinygrad_adam.backend.dtype import bfloat16, float16
from tinygrad_adam.backend.modules import module
from tinygrad_adam.backend.warn import warn

_MISSING = (
    "{} is not here: operations compute in the dtype of their tensors\n"
    "  Leave it out, or pass enabled=False; x.half() and model.half() make float16 of all"
)


class autocast(contextlib.ContextDecorator):  # noqa: N801 (PyTorch's name)
    """A block, or decorator, in which nothing is cast.

    Args:
        device_type: ``"cpu"`` or ``"cuda"``.
        dtype: what would be cast to.
        enabled: whether anything would be.
        cache_enabled: ignored.

    That is PyTorch's result too where ``enabled`` is False, for ``"cuda"`` without a GPU, and for
    float32, in which PyTorch does not cast on the CPU: the last two warn, as there.

    Raises:
        RuntimeError: in PyTorch something would be cast; or there is no such device.

    Source: PyTorch, ``torch.autocast``.
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        backend.device(device_type)
        if not enabled:
            return
        if device_type == "cuda" and not cuda.is_available():
            warn("CUDA is not available or torch_xla is imported. Disabling autocast.")
        elif device_type == "cpu" and dtype not in (None, bfloat16, float16):
            warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
            )
        else:
            raise RuntimeError(_MISSING.format("autocast"))

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class GradScaler:
    """What scales losses against underflow in float16, where it is not enabled: it scales nothing.

    Args:
        device: ``"cuda"``, or ``"cpu"``.
        init_scale: the others are what PyTorch's takes, and ignored.
        enabled: False; True is as good without a GPU to scale for, and warns.

    Raises:
        RuntimeError: it is enabled, and there is something to scale for.

    Source: PyTorch, ``torch.amp.GradScaler``.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda" and not cuda.is_available():
            warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
        elif enabled:
            raise RuntimeError(_MISSING.format("GradScaler"))

    def scale(self, outputs: Any) -> Any:
        """Return the losses as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Do nothing."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the optimizer's ``step``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Do nothing."""

    def get_scale(self) -> float:
        """Return 1."""
        return 1.0

    def is_enabled(self) -> bool:
        """Return False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return nothing, as one that is not enabled does."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing."""


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Return False: nothing is ever cast."""
    return False


def is_autocast_available(device_type: str) -> bool:
    """Return False: operations compute in the dtype of their tensors."""
    return False


# PyTorch's former address.
cuda.amp = module(  # type: ignore[attr-defined]
    "tinygrad_adam.cuda.amp", autocast=partial(autocast, "cuda"), GradScaler=GradScaler
)

__all__ = ["GradScaler", "autocast", "is_autocast_available", "is_autocast_enabled"]
