"""The kernels as loops that Numba compiles, for NumPy arrays of float32 or float64 with elements.

The same functions as `backend.plain`, where the formulas stand, within the bounds that each file
states. The results of convolution and pooling lie in memory as (N, H, W, C), channels last.
"""

from tinygrad_adam.backend.compiled.activations import relu, relu_gradient
from tinygrad_adam.backend.compiled.convolution import (
    conv2d,
    conv2d_input_gradient,
    conv2d_parameter_gradients,
)
from tinygrad_adam.backend.compiled.embedding import embedding_gradient
from tinygrad_adam.backend.compiled.normalization import batch_norm, batch_norm_gradient
from tinygrad_adam.backend.compiled.optimizers import (
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
from tinygrad_adam.backend.compiled.pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_input_gradient,
    avg_pool2d,
    avg_pool2d_input_gradient,
    max_pool2d,
    max_pool2d_indices,
    max_pool2d_input_gradient,
)
from tinygrad_adam.backend.compiled.products import matmul
from tinygrad_adam.backend.compiled.recurrent import recurrence, recurrence_gradient
