"""The array kernels for CuPy arrays, the same functions as `backend.cpu`.

Written for ``xp``, so they compute the same with NumPy arrays: that is how they are tested where
there is no GPU.
"""

from tinygrad_adam.backend.cuda.activations import relu, relu_gradient
from tinygrad_adam.backend.cuda.convolution import (
    conv2d,
    conv2d_input_gradient,
    conv2d_parameter_gradients,
)
from tinygrad_adam.backend.cuda.optimizers import (
    adadelta_update,
    adagrad_update,
    adam_update,
    adamax_update,
    momentum_update,
    nadam_update,
    radam_update,
    rmsprop_update,
    run_updates,
    sgd_update,
)
from tinygrad_adam.backend.cuda.pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_input_gradient,
    avg_pool2d,
    avg_pool2d_input_gradient,
    max_pool2d,
    max_pool2d_indices,
    max_pool2d_input_gradient,
)
from tinygrad_adam.backend.cuda.products import matmul
from tinygrad_adam.backend.normalization import batch_norm, batch_norm_gradient

__all__ = [
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_input_gradient",
    "avg_pool2d",
    "avg_pool2d_input_gradient",
    "batch_norm",
    "batch_norm_gradient",
    "conv2d",
    "conv2d_input_gradient",
    "conv2d_parameter_gradients",
    "matmul",
    "max_pool2d",
    "max_pool2d_indices",
    "max_pool2d_input_gradient",
    "momentum_update",
    "nadam_update",
    "radam_update",
    "relu",
    "relu_gradient",
    "rmsprop_update",
    "run_updates",
    "sgd_update",
]
