"""Layers, models and losses: modules with parameters, and the functions that they call.

All layers with parameters take ``device`` and ``dtype``: where their parameters live, by default on
the CPU, and of which dtype they are, by default float32.
"""

# Packed by subject, twice in the same rows, as a table to be read.
# isort: off
# fmt: off
from tinygrad_adam.nn import functional, init, utils
from tinygrad_adam.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.containers import (
    ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential,
)
from tinygrad_adam.nn.linear import Flatten, Identity, Linear, Unflatten
from tinygrad_adam.nn.embedding import Embedding
from tinygrad_adam.nn.dropout import Dropout
from tinygrad_adam.nn.activations import (
    ELU, GELU, Hardswish, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
)
from tinygrad_adam.nn.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from tinygrad_adam.nn.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool, MaxPool2d
from tinygrad_adam.nn.normalization import (
    BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm1d, InstanceNorm2d, LayerNorm,
    LocalResponseNorm, RMSNorm,
)
from tinygrad_adam.nn.lazy import (
    LazyBatchNorm1d, LazyBatchNorm2d, LazyConv1d, LazyConv2d, LazyConvTranspose1d,
    LazyConvTranspose2d, LazyInstanceNorm1d, LazyInstanceNorm2d, LazyLinear,
)
from tinygrad_adam.nn.losses import (
    BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, NLLLoss, SmoothL1Loss,
)

__all__ = [  # noqa: RUF022
    "functional", "init", "utils",
    "Parameter", "UninitializedBuffer", "UninitializedParameter", "Module",
    "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential",
    "Flatten", "Identity", "Linear", "Unflatten", "Embedding", "Dropout",
    "ELU", "GELU", "Hardswish", "LeakyReLU", "LogSoftmax", "ReLU", "Sigmoid", "SiLU", "Softmax",
    "Softplus", "Tanh",
    "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d",
    "AdaptiveAvgPool2d", "AvgPool2d", "MaxPool", "MaxPool2d",
    "BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm",
    "LocalResponseNorm", "RMSNorm",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose1d",
    "LazyConvTranspose2d", "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyLinear",
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "L1Loss", "MSELoss", "NLLLoss",
    "SmoothL1Loss",
]
