"""Every kernel as its definition in array operations, for NumPy and CuPy alike.

What is read first, what other kernels are tested against, and what runs where there is no faster
one: without Numba, for float16, integers and empty arrays, and on the GPU. No autograd inside.
"""

from tinygrad_adam.backend.plain.activations import relu, relu_gradient
from tinygrad_adam.backend.plain.convolution import (
    conv2d,
    conv2d_input_gradient,
    conv2d_parameter_gradients,
)
from tinygrad_adam.backend.plain.embedding import embedding_gradient
from tinygrad_adam.backend.plain.normalization import batch_norm, batch_norm_gradient
from tinygrad_adam.backend.plain.optimizers import (
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
from tinygrad_adam.backend.plain.pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_input_gradient,
    avg_pool2d,
    avg_pool2d_input_gradient,
    max_pool2d,
    max_pool2d_indices,
    max_pool2d_input_gradient,
)
from tinygrad_adam.backend.plain.products import matmul
from tinygrad_adam.backend.plain.recurrent import recurrence, recurrence_gradient
