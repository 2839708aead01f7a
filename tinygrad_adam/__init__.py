"""tinygrad_adam: a from-scratch reverse-mode autograd framework on NumPy and CuPy.

``import tinygrad_adam as torch`` gives the names of PyTorch. The house, from the ground up; each
room may use those before it, and ``lint-imports`` checks that:

- ``backend``: where an array lives, and the kernels that deserve care
- ``autograd``: one recorded operation, and the walk back through them
- ``ops``: the differentiable operations
- ``tensor``: an array with a gradient and a history
- ``creation``, ``cuda``: tensors made from nothing, and questions about GPUs
- ``nn``: modules, layers, losses
- ``optim``: update rules and schedules
- ``data``, ``serialization``, ``viz``: what surrounds training
- ``utils``: PyTorch's addresses of things that live elsewhere
- ``vision``: images, loaded when it is asked for

Importing loads NumPy and nothing else from outside.
"""

import importlib
import math
import typing

import numpy

from tinygrad_adam import autograd, creation, cuda, data, nn, ops, optim, utils, viz
from tinygrad_adam.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

# isort: off
# fmt: off
from tinygrad_adam.backend import (
    Generator, device, get_num_threads, initial_seed, manual_seed, set_num_threads,
)
from tinygrad_adam.backend.dtypes import (
    bool_, complex64, complex128, float16, float32, float64, int8, int16, int32, int64,
    promote_types, uint8,
)
# fmt: on
# isort: on
from tinygrad_adam.creation import *  # noqa: F403
from tinygrad_adam.ops import *  # noqa: F403
from tinygrad_adam.serialization import load, save
from tinygrad_adam.tensor import Size, Tensor, broadcast_shapes, is_tensor

__version__ = "0.1.0"

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi

# PyTorch's other names of the dtypes. Four of them hide Python's own types in this module, which
# is why they stand at its end.
dtype = numpy.dtype
half, double = float16, float64
cfloat, cdouble = complex64, complex128
short, long = int16, int64
bool, float, int = bool_, float32, int32

__all__ = [  # noqa: RUF022
    "autograd", "cuda", "data", "nn", "optim", "utils", "viz",
    "Tensor", "Size", "broadcast_shapes", "is_tensor", "load", "save",
    "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled",
    "Generator", "initial_seed", "manual_seed", "device", "get_num_threads", "set_num_threads",
    "dtype", "promote_types", "bool", "bool_", "uint8", "int8", "int16", "int32", "int64", "short",
    "int", "long", "float16", "float32", "float64", "half", "float", "double", "complex64",
    "complex128", "cfloat", "cdouble",
    "e", "inf", "nan", "pi",
]  # fmt: skip
# What is called on the package itself has its list where it is defined.
__all__ += creation.__all__
__all__ += ops.__all__


def __getattr__(name: str) -> typing.Any:
    """Load ``vision`` when it is asked for: most programs are not about images."""
    if name == "vision":
        return importlib.import_module(f"{__name__}.vision")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
