"""The two kinds of kernels on the CPU, for tests that both must pass."""

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
