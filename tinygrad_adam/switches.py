"""Switches of PyTorch's that need do nothing here, and devices that there are not.

They take what PyTorch's take and answer what they were set to. All results here are deterministic,
float32 is multiplied as float32, and nothing is compiled ahead.

Source: PyTorch, ``torch``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_adam import backends
from tinygrad_adam.backend.modules import module
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import checked

_set: dict[str, Any] = {"deterministic": 0, "precision": "highest", "warn_always": False}
_DEBUG_MODES = ("default", "warn", "error")
_PRECISIONS = ("highest", "high", "medium")


@checked
def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Keep whether results must be the same each time: they are."""
    _set["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Return whether results were asked to be the same each time."""
    return bool(_set["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return whether that was asked with ``warn_only``."""
    return bool(_set["deterministic"] == 1)


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Do :func:`use_deterministic_algorithms`: 0 ("default"), 1 ("warn") or 2 ("error")."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str) and debug_mode in _DEBUG_MODES:
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        known = "0, 1, or 2" if isinstance(debug_mode, int) else "one of `default`, `warn`, `error`"
        raise RuntimeError(f"invalid value of debug_mode, expected {known}, but got {debug_mode}")
    _set["deterministic"] = debug_mode


def get_deterministic_debug_mode() -> int:
    """Return 0, 1 or 2, as :func:`set_deterministic_debug_mode` takes it."""
    return int(_set["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Keep how exactly float32 need be multiplied: "highest", "high" or "medium"; it always is."""
    if not isinstance(precision, str):
        raise RuntimeError(
            f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}"
        )
    if precision not in _PRECISIONS:
        warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
            "setFloat32MatmulPrecision call has no effect."
        )
        return
    _set["precision"] = precision
    backends.cuda.matmul.allow_tf32 = precision != "highest"


def get_float32_matmul_precision() -> str:
    """Return what :func:`set_float32_matmul_precision` was given; "highest" before."""
    return str(_set["precision"])


def set_flush_denormal(mode: bool) -> bool:
    """Return False: numbers too small for all their digits keep what they have."""
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return False


def set_warn_always(b: bool, /) -> None:
    """Keep whether warnings are to come each time: Python's own ``warnings`` decides."""
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _set["warn_always"] = b


def is_warn_always_enabled() -> bool:
    """Return what :func:`set_warn_always` was given."""
    return bool(_set["warn_always"])


def compile(model: Any = None, **options: Any) -> Any:
    """Return the function or module itself, uncompiled; without one, a decorator that does.

    Args:
        model: what to compile.
        options: any of PyTorch's.
    """
    if model is None:
        return lambda function: function
    if not isinstance(model, Callable):  # type: ignore[arg-type]
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    return model


def _no() -> bool:
    """Return False: there is no such device."""
    return False


def _none() -> int:
    """Return 0: there is no such device."""
    return 0


def _ignored(*args: Any) -> None:
    """Do nothing: there is no such device."""


_nowhere = {"is_available": _no, "device_count": _none, "manual_seed": _ignored}
mps = module("tinygrad_adam.mps", **_nowhere)
xpu = module("tinygrad_adam.xpu", **_nowhere, manual_seed_all=_ignored, empty_cache=_ignored)
version = module(
    "tinygrad_adam.version", cuda=None, hip=None, xpu=None, git_version=None, debug=False
)

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled", "mps", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_warn_always",
    "use_deterministic_algorithms", "version", "xpu",
]  # fmt: skip
