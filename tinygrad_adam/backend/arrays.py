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


class memory_format:  # noqa: N801 (PyTorch's name)
    """In which order the dimensions of a tensor lie in memory: one of four constants.

    ``channels_last`` (N, H, W, C in memory) is for tensors of four dimensions, ``channels_last_3d``
    for five, ``contiguous_format`` is the order of the dimensions, ``preserve_format`` the order
    that there is.

    Source: PyTorch, ``torch.memory_format``.
    """

    def __init__(self, name: str, ndim: int = 0) -> None:
        self.name, self.ndim = name, ndim

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    def order(self, array: Array) -> list[int]:
        """Return the dimensions of ``array`` from the outermost in memory to the innermost.

        Raises:
            RuntimeError: it has another number of dimensions.
        """
        dims = list(range(array.ndim))
        if self.ndim == 0:
            return dims
        if array.ndim != self.ndim:
            raise RuntimeError(f"required rank {self.ndim} tensor to use {self.name} format")
        return [0, *dims[2:], 1]


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", 4)
channels_last_3d = memory_format("channels_last_3d", 5)


def lies_in(array: Array, form: memory_format) -> bool:
    """Return whether ``array`` lies in memory without gaps in this order."""
    if form.ndim not in (0, array.ndim):
        return False
    return bool(array.transpose(form.order(array)).flags.c_contiguous)


def copied(array: Array, form: memory_format | None) -> Array:
    """Return a copy of ``array`` in this order; None is that which it has."""
    if form is None or form is preserve_format:
        return array.copy(order="K")
    order = form.order(array)
    return array.transpose(order).copy(order="C").transpose(sorted(order, key=order.__getitem__))


def address(array: Array) -> int:
    """Return where in memory the first element of ``array`` begins, in bytes."""
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


def memory_of(array: Array) -> Array:
    """Return all elements of the memory that ``array`` is a part of, in a row."""
    owner = array
    while is_array(owner.base):
        owner = owner.base
    return owner.ravel(order="K").view(array.dtype)


def element_addresses(array: Array) -> np.ndarray:
    """Return where in memory each element of ``array`` begins, in bytes: int64, on the host."""
    addresses = np.full(array.shape, address(array), np.int64)
    for dim, (size, step) in enumerate(zip(array.shape, array.strides)):
        steps = np.arange(size) * step
        addresses += steps.reshape([-1] + [1] * (array.ndim - 1 - dim))
    return addresses
