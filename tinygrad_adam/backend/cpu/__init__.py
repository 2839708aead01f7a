"""The array kernels that deserve care on the CPU: NumPy arrays in and out, no autograd inside."""

from tinygrad_adam.backend.cpu.activations import relu, relu_gradient
from tinygrad_adam.backend.cpu.convolution import (
    conv2d,
    conv2d_input_gradient,
    conv2d_parameter_gradients,
)
from tinygrad_adam.backend.cpu.normalization import batch_norm, batch_norm_gradient
from tinygrad_adam.backend.cpu.optimizers import (
    adadelta_update,
    adagrad_update,
    adam_update,
    adamax_update,
    momentum_update,
    nadam_update,
    radam_update,
    rmsprop_update,
    sgd_update,
)
from tinygrad_adam.backend.cpu.pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_input_gradient,
    avg_pool2d,
    avg_pool2d_input_gradient,
    max_pool2d,
    max_pool2d_indices,
    max_pool2d_input_gradient,
)
from tinygrad_adam.backend.cpu.products import matmul
from tinygrad_adam.backend.cpu.updates import run_updates

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
