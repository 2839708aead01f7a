"""The two kinds of kernels on the CPU, for tests that both must pass, and images for them."""

import importlib.util

import numpy as np
import pytest

from tinygrad_adam.backend import compiled, plain


class Kernels:
    """The kernels of one kind, chosen by the arrays of each call, as in `backend.kernels`."""

    def __init__(self, fast):
        self.fast = fast

    def __getattr__(self, name):
        def call(*arguments, **options):
            arrays = [a for a in arguments if isinstance(a, np.ndarray)]
            for_fast = all(a.size and a.dtype.char in "fd" for a in arrays)
            return getattr(self.fast if for_fast else plain, name)(*arguments, **options)

        return call


without_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="Numba is not installed"
)
both_kinds = pytest.mark.parametrize(
    "kernels",
    [
        pytest.param(Kernels(plain), id="plain"),
        pytest.param(Kernels(compiled), id="compiled", marks=without_numba),
    ],
)


def in_memory_order(array, order):
    """The same numbers, another memory layout."""
    if order == "channels last":
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if order == "negative strides":
        return np.ascontiguousarray(array[:, ::-1, ::-1, ::-1])[:, ::-1, ::-1, ::-1]
    if order == "every second":
        wide = np.full((*array.shape[:2], 2 * array.shape[2], 2 * array.shape[3]), np.nan)
        wide = wide.astype(array.dtype)
        wide[:, :, ::2, 1::2] = array
        return wide[:, :, ::2, 1::2]
    return np.ascontiguousarray(array)


ORDERS = ("contiguous", "channels last", "negative strides", "every second")
