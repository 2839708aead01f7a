"""Which hand-made kernels go with an array. The choice is made once, at the operation."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from tinygrad_adam.backend import cpu, cuda
from tinygrad_adam.backend.arrays import Array, array_module


def kernels(array: Array) -> ModuleType:
    """Return the module of kernels for ``array``: ``backend.cpu`` or ``backend.cuda``.

    Both export the same functions with the same signatures.
    """
    return cpu if array_module(array) is np else cuda
