"""Kernels for CuPy arrays: fused updates of optimizers; the rest is `backend.plain`'s."""

from typing import Any

from tinygrad_adam.backend import plain
from tinygrad_adam.backend.cuda.optimizers import (
    adadelta_update,
    adagrad_update,
    adam_update,
    adamax_update,
    asgd_update,
    momentum_update,
    nadam_update,
    radam_update,
    rmsprop_update,
    rprop_update,
    sgd_update,
)


def __getattr__(name: str) -> Any:
    return getattr(plain, name)
