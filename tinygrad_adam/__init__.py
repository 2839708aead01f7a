"""tinygrad_adam: a from-scratch reverse-mode autograd framework on NumPy and CuPy.

``import tinygrad_adam as torch`` gives the names of PyTorch.
"""

from tinygrad_adam import autograd, cuda
from tinygrad_adam.autograd import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tinygrad_adam.backend import Generator, device, initial_seed, manual_seed
from tinygrad_adam.backend.dtypes import (
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
from tinygrad_adam.tensor import Tensor
