"""Which hand-made kernels go with an array. The choice is made once, at the operation."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from tinygrad_adam.backend import cpu, cuda
from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.cpu.updates import Update


def kernels(array: Array) -> ModuleType:
    """Return the module of kernels for ``array``: ``backend.cpu`` or ``backend.cuda``.

    Both export the same functions with the same signatures.
    """
    return cpu if array_module(array) is np else cuda


def run_updates(updates: list[Update]) -> None:
    """Run the updates of an optimizer's step, each where its arrays live."""
    by_module: dict[ModuleType, list[Update]] = {}
    for update in updates:
        by_module.setdefault(kernels(update.arrays[0]), []).append(update)
    for module, mine in by_module.items():
        module.run_updates(mine)
