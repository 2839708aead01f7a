"""tinygrad_adam: a from-scratch reverse-mode autograd framework on NumPy and CuPy.

``import tinygrad_adam as torch`` gives the names of PyTorch. The house, from the ground up; each
room may use those before it, and ``lint-imports`` checks that:

- ``backend``: where an array lives, and the kernels that deserve care
- ``autograd``: one recorded operation, and the walk back through them
- ``ops``: the differentiable operations
- ``tensor``: an array with a gradient and a history
- ``creation``, ``special``, ``cuda``: tensors made from nothing, an index of special functions,
  questions about GPUs
- ``nn``: modules, layers, losses
- ``optim``: update rules and schedules
- ``func``: functions of functions
- ``data``, ``distributions``, ``serialization``, ``viz``: what surrounds training
- ``utils``: PyTorch's addresses of things that live elsewhere
- ``vision``: images; like ``distributions`` loaded when it is asked for
- ``missing``: what is said of PyTorch's names that are not here

Importing loads NumPy and nothing else from outside.
"""

import math

# isort: off
# fmt: off
from tinygrad_adam import (
    accelerator, amp, autograd, backends, creation, cuda, data, func, linalg, missing, nn, ops,
    optim, profiler, random, serialization, special, switches, utils, viz,
)
from tinygrad_adam.amp import autocast, is_autocast_enabled
from tinygrad_adam.autograd import (
    enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad,
    set_grad_enabled,
)
from tinygrad_adam.backend import (
    Generator, channels_last, channels_last_3d, contiguous_format, default_generator, device,
    get_num_threads, memory_format, preserve_format, set_num_threads,
)
from tinygrad_adam.backend.dtype import (
    bfloat16, bool_, complex64, complex128, dtype, float16, float32, float64, int8, int16, int32,
    int64, uint8, uint16, uint32, uint64,
)
from tinygrad_adam.backend.device import get_default_device, set_default_device
from tinygrad_adam.creation import *  # noqa: F403
from tinygrad_adam.element_types import (
    can_cast, finfo, get_default_dtype, iinfo, promote_types, result_type, set_default_dtype,
)
from tinygrad_adam.formatting import set_printoptions
from tinygrad_adam.func import vmap
from tinygrad_adam.ops import *  # noqa: F403
from tinygrad_adam.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from tinygrad_adam.serialization import load, save
from tinygrad_adam.switches import *  # noqa: F403
from tinygrad_adam.tensor import Size, Tensor, broadcast_shapes, is_inference, is_tensor
from tinygrad_adam.tensor_types import (
    BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor,
    LongTensor, ShortTensor, set_default_tensor_type,
)
# fmt: on
# isort: on

__version__ = "0.1.0"
switches.version.__version__ = __version__

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi

# PyTorch's other names of the dtypes. Four of them hide Python's own types in this module, which
# is why they stand at its end.
half, double = float16, float64
cfloat, cdouble = complex64, complex128
short, long = int16, int64
bool, float, int = bool_, float32, int32

__all__ = [  # noqa: RUF022
    "accelerator", "amp", "autocast", "is_autocast_enabled", "autograd", "backends", "cuda", "data",
    "func", "linalg", "nn", "optim", "profiler", "random", "serialization", "special", "utils",
    "viz", "vmap",
    "Tensor", "Size", "broadcast_shapes", "is_tensor", "load", "save",
    "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled",
    "is_inference", "no_grad", "set_grad_enabled",
    "Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state", "device", "get_num_threads", "set_num_threads",
    "channels_last", "channels_last_3d", "contiguous_format", "memory_format", "preserve_format",
    "dtype", "promote_types", "bool", "bool_", "uint8", "uint16", "uint32", "uint64", "int8",
    "int16", "int32", "int64", "short", "int", "long", "bfloat16", "float16", "float32", "float64",
    "half", "float", "double", "complex64", "complex128", "cfloat", "cdouble",
    "can_cast", "finfo", "get_default_dtype", "iinfo", "result_type", "set_default_dtype",
    "get_default_device", "set_default_device", "set_printoptions", "set_default_tensor_type",
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor",
    "e", "inf", "nan", "pi",
]  # fmt: skip
# What is called on the package itself has its list where it is defined.
__all__ += creation.__all__
__all__ += switches.__all__
__all__ += ops.__all__

missing.explain()
