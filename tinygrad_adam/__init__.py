"""tinygrad_adam: a from-scratch reverse-mode autograd framework on NumPy and CuPy.

``import tinygrad_adam as torch`` gives the names of PyTorch. The house, from the ground up; each
room may use those before it, and ``lint-imports`` checks that:

- ``backend``: where an array lives, and the kernels that deserve care
- ``autograd``: one recorded operation, and the walk back through them
- ``ops``: the differentiable operations
- ``tensor``: an array with a gradient and a history
- ``creation``, ``combining``, ``functions``, ``cuda``: what is called on the package itself
- ``nn``: modules, layers, losses
- ``optim``: update rules and schedules
- ``data``, ``serialization``, ``viz``: what surrounds training
- ``utils``: PyTorch's addresses of things that live elsewhere

Importing loads NumPy and nothing else from outside.
"""

import math

import numpy

from tinygrad_adam import autograd, cuda, data, nn, optim, utils, viz
from tinygrad_adam.autograd import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tinygrad_adam.backend import Generator, device, initial_seed, manual_seed
from tinygrad_adam.backend.cpu.threads import get_num_threads, set_num_threads
from tinygrad_adam.backend.dtypes import (
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    uint8,
)
from tinygrad_adam.combining import *  # noqa: F403
from tinygrad_adam.creation import *  # noqa: F403
from tinygrad_adam.functions import *  # noqa: F403
from tinygrad_adam.serialization import load, save
from tinygrad_adam.tensor import Tensor

__version__ = "0.1.0"

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi

# PyTorch's other names of the dtypes. Four of them hide Python's own types in this module, which
# is why they stand at its end.
dtype = numpy.dtype
half, double = float16, float64
cfloat, cdouble = complex64, complex128
short, long = int16, int64
bool, float, int = bool_, float32, int32

# By topic rather than from A to Z: this list is the table of contents.
# fmt: off
__all__ = [  # noqa: RUF022
    # rooms
    "autograd", "cuda", "data", "nn", "optim", "utils", "viz",
    # tensors, and how to make them
    "Tensor", "tensor", "as_tensor", "from_numpy", "is_tensor",
    "arange", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones", "ones_like",
    "zeros", "zeros_like",
    # random numbers
    "Generator", "bernoulli", "initial_seed", "manual_seed", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm",
    # recording
    "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled",
    # files, places, threads
    "device", "get_num_threads", "load", "save", "set_num_threads",
    # dtypes
    "bool", "bool_", "cdouble", "cfloat", "complex64", "complex128", "double", "dtype", "float",
    "float16", "float32", "float64", "half", "int", "int8", "int16", "int32", "int64", "long",
    "promote_types", "short", "uint8",
    # constants
    "e", "inf", "nan", "pi",
    # arithmetic, element by element
    "abs", "absolute", "add", "ceil", "clamp", "clip", "cos", "div", "divide", "erf", "exp",
    "expm1", "floor", "floor_divide", "log", "log1p", "log2", "log10", "maximum", "minimum", "mul",
    "multiply", "neg", "negative", "pow", "reciprocal", "relu", "remainder", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sqrt", "square", "sub", "subtract", "tanh", "true_divide", "trunc",
    # comparison and logic
    "all", "allclose", "any", "eq", "equal", "ge", "gt", "isfinite", "isinf", "isnan", "le",
    "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne", "where",
    # reductions
    "amax", "amin", "argmax", "argmin", "count_nonzero", "cumsum", "log_softmax", "logsumexp",
    "max", "mean", "min", "norm", "prod", "softmax", "std", "sum", "var",
    # shapes
    "broadcast_tensors", "broadcast_to", "cat", "chunk", "clone", "concat", "concatenate",
    "detach", "diagonal", "flatten", "flip", "movedim", "narrow", "numel", "permute", "reshape",
    "roll", "split", "squeeze", "stack", "swapaxes", "swapdims", "t", "transpose", "tril", "triu",
    "unbind", "unflatten", "unsqueeze",
    # indexing
    "gather", "index_select", "masked_fill", "masked_select", "nonzero", "scatter", "scatter_add",
    "select",
    # linear algebra
    "addmm", "bmm", "dot", "einsum", "matmul", "mm", "mv", "outer",
]
# fmt: on
