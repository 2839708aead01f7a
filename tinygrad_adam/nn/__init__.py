"""Layers, models and losses: modules with parameters, and the functions that they call.

All layers with parameters take ``device`` and ``dtype``: where their parameters live, by default on
the CPU, and of which dtype they are, by default float32.
"""

# Packed by subject, twice in the same rows, as a table to be read.
# isort: off
# fmt: off
from tinygrad_adam.nn import functional, init, utils
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.containers import (
    ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential,
)
from tinygrad_adam.nn.linear import Flatten, Identity, Linear, Unflatten
from tinygrad_adam.nn.distances import Bilinear, CosineSimilarity, PairwiseDistance
from tinygrad_adam.nn.embedding import Embedding, EmbeddingBag
from tinygrad_adam.nn.dropout import Dropout
from tinygrad_adam.nn.activations import (
    CELU, ELU, GELU, GLU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid,
    LogSoftmax, Mish, PReLU, ReLU, ReLU6, RReLU, SELU, Sigmoid, SiLU, Softmax, Softmax2d, Softmin,
    Softplus, Softshrink, Softsign, Tanh, Tanhshrink, Threshold,
)
from tinygrad_adam.nn.convolution import Conv1d, Conv2d, ConvTranspose2d
from tinygrad_adam.nn.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool, MaxPool2d
from tinygrad_adam.nn.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from tinygrad_adam.nn.recurrent import (
    GRU, LSTM, RNN, GRUCell, LSTMCell, RNNBase, RNNCell, RNNCellBase,
)
from tinygrad_adam.nn.attention import MultiheadAttention
from tinygrad_adam.nn.transformer import (
    Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer,
)
from tinygrad_adam.nn.losses import (
    BCELoss, BCEWithLogitsLoss, CosineEmbeddingLoss, CrossEntropyLoss, CTCLoss, GaussianNLLLoss,
    HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss, MarginRankingLoss, MSELoss,
    MultiLabelMarginLoss, MultiLabelSoftMarginLoss, MultiMarginLoss, NLLLoss, PoissonNLLLoss,
    SmoothL1Loss, SoftMarginLoss, TripletMarginLoss, TripletMarginWithDistanceLoss,
)

__all__ = [  # noqa: RUF022
    "functional", "init", "utils",
    "Parameter", "Module",
    "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential",
    "Flatten", "Identity", "Linear", "Unflatten", "Bilinear", "CosineSimilarity",
    "PairwiseDistance", "Embedding", "EmbeddingBag", "Dropout",
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "RReLU", "SELU", "Sigmoid",
    "SiLU", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh",
    "Tanhshrink", "Threshold",
    "Conv1d", "Conv2d", "ConvTranspose2d",
    "AdaptiveAvgPool2d", "AvgPool2d", "MaxPool", "MaxPool2d",
    "BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm",
    "GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase",
    "MultiheadAttention", "Transformer", "TransformerDecoder", "TransformerDecoderLayer",
    "TransformerEncoder", "TransformerEncoderLayer",
    "BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "CTCLoss",
    "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss",
    "MarginRankingLoss", "MSELoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss",
    "MultiMarginLoss", "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss",
    "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]
