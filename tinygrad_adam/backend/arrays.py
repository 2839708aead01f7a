"""Which library owns an array: the one dispatch between NumPy and CuPy.

Code above this floor is written for ``xp``, the module that :func:`array_module` returns.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

# A NumPy or a CuPy array. CuPy is optional and untyped, so this is a name for the reader.
Array = Any


def array_module(array: Array) -> ModuleType:
    """Return ``numpy`` for a NumPy array (or a number), ``cupy`` for a CuPy array.

    A look at the type costs 30 ns. ``cupy.get_array_module`` costs twenty times that, and it would
    need CuPy to be imported: an array of another library can only exist if somebody has done so.
    """
    if type(array) is np.ndarray or not hasattr(array, "__cuda_array_interface__"):
        return np
    return sys.modules["cupy"]


def is_array(value: object) -> bool:
    """Return whether ``value`` is a NumPy or a CuPy array."""
    return isinstance(value, np.ndarray) or (
        "cupy" in sys.modules and isinstance(value, sys.modules["cupy"].ndarray)
    )


def to_numpy(array: Array) -> np.ndarray:
    """Return ``array`` as a NumPy array: itself if it is one, else a copy in host memory."""
    return array if isinstance(array, np.ndarray) else array.get()


def is_channels_last(array: Array) -> bool:
    """Return whether an (N, C, H, W) array lies in memory densely as (N, H, W, C).

    Convolutions give such arrays: their result is a matrix product of shape (N*H*W, C).
    """
    if array.ndim not in (3, 4):
        return False
    return bool(array.transpose(*range(array.ndim - 3), -2, -1, -3).flags.c_contiguous)


def element_addresses(array: Array) -> np.ndarray:
    """Return where in memory each element of ``array`` begins, in bytes: int64, on the host."""
    start = array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr
    addresses = np.full(array.shape, start, np.int64)
    for dim, (size, step) in enumerate(zip(array.shape, array.strides)):
        steps = np.arange(size) * step
        addresses += steps.reshape([-1] + [1] * (array.ndim - 1 - dim))
    return addresses
