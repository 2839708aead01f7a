"""Questions about dtypes: their limits, the default, and which one results when two meet.

Source: PyTorch, "Type info", "Tensor attributes" and "torch".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import DEFAULT_DTYPE, as_dtype, dtype
from tinygrad_adam.backend.dtype import bfloat16


def _of(function: str, name: str, position: int, value: Any) -> dtype:
    """Return an argument that is to be a dtype.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, dtype):
        return value
    if not isinstance(value, (np.dtype, type)):
        raise TypeError(
            f"{function}(): argument {name!r} (position {position}) must be torch.dtype, not "
            f"{type(value).__name__}"
        )
    return dtype(as_dtype(value))


# --- limits --------------------------------------------------------------------------------------


class _Info:
    """What the limits of a dtype have in common: they print as PyTorch's."""

    _shown: tuple[str, ...]

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name):.6g}" for name in self._shown]
        return f"{type(self).__name__}({', '.join(shown)}, dtype={vars(self)['dtype']})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class finfo(_Info):  # noqa: N801 (PyTorch's name)
    """The limits of a floating-point dtype, as Python floats; of a complex one those of its parts.

    ``eps`` is what 1 is away from the next number, ``smallest_normal`` (``tiny``) the smallest
    positive number with all digits, ``resolution`` the last decimal digit that is certain.

    Raises:
        TypeError: the dtype has no fractions.
    """

    _shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type: Any = None) -> None:
        found = dtype(DEFAULT_DTYPE[float]) if type is None else _of("finfo", "type", 1, type)
        if found.kind not in "fc":
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                f"'{found}'"
            )
        found = found.to_real()
        self.dtype, self.bits = found.name, 8 * found.itemsize
        if found is bfloat16:  # of float32 the first half
            self.resolution, self.eps, self.tiny = 0.01, 2.0**-7, 2.0**-126
            self.max = (2 - self.eps) * 2.0**127
        else:
            limits = np.finfo(found)
            self.resolution, self.eps = float(f"1e-{limits.precision}"), float(limits.eps)
            self.tiny, self.max = float(limits.tiny), float(limits.max)
        self.min, self.smallest_normal = -self.max, self.tiny


class iinfo(_Info):  # noqa: N801 (PyTorch's name)
    """The limits of an integer dtype, as Python integers.

    Raises:
        TypeError: the dtype is of no integers.
    """

    _shown = ("min", "max")

    def __init__(self, type: Any) -> None:
        found = _of("iinfo", "type", 1, type)
        if found.kind == "b":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if found.kind not in "iu":
            raise TypeError(
                f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{found}'"
            )
        limits = np.iinfo(found)
        self.dtype, self.bits = found.name, limits.bits
        self.min, self.max = int(limits.min), int(limits.max)


# --- the default ---------------------------------------------------------------------------------


def get_default_dtype() -> dtype:
    """Return the dtype of Python floats that meet no tensor: float32 unless set."""
    return dtype(DEFAULT_DTYPE[float])


def set_default_dtype(d: Any) -> None:
    """Set the dtype of Python floats, of new tensors, and of integers that get fractions.

    Complex numbers get twice its size, at least complex64.

    Raises:
        TypeError: it is no floating-point dtype.
    """
    if not isinstance(d, (dtype, np.dtype)):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type"
        )
    found = as_dtype(d)
    if found.kind != "f":
        raise TypeError("only floating-point types are supported as the default type")
    DEFAULT_DTYPE[float] = found
    DEFAULT_DTYPE[complex] = np.dtype(np.complex128 if found.itemsize == 8 else np.complex64)


# --- two together --------------------------------------------------------------------------------


def promote_types(type1: Any, type2: Any) -> dtype:
    """Return the dtype of two tensors with dimensions, of these dtypes, together."""
    first, second = _of("promote_types", "type1", 1, type1), _of("promote_types", "type2", 2, type2)
    return dtype(backend.promote_types(as_dtype(first), as_dtype(second)))


def can_cast(from_: Any, to: Any) -> bool:
    """Return whether a result of dtype ``from_`` may be written into a tensor of dtype ``to``.

    It may unless its kind is lost: floating point into integers, numbers into bools.
    """
    return backend.can_cast(_of("can_cast", "from_", 1, from_), _of("can_cast", "to", 2, to))


def result_type(tensor: Any, other: Any) -> dtype:
    """Return the dtype of what an operation makes of two tensors or numbers.

    Raises:
        TypeError: one is neither.
    """
    for name, position, value in (("tensor", 1, tensor), ("other", 2, other)):
        if not isinstance(value, (Traced, *DEFAULT_DTYPE, np.generic)):
            raise TypeError(
                f"result_type(): argument {name!r} (position {position}) must be Tensor, not "
                f"{type(value).__name__}"
            )
    both = [x.item() if isinstance(x, np.generic) else x for x in (tensor, other)]
    return dtype(as_dtype(backend.result_type(*both)))
