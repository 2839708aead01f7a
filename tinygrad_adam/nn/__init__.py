"""Layers, models and losses: modules with parameters, and the functions that they call.

All layers with parameters take ``device`` and ``dtype``: where their parameters live, by default on
the CPU, and of which dtype they are, by default float32.

Sequences (N, C, L) and images (N, C, H, W) are what there is: layers for volumes (N, C, D, H, W),
PyTorch's Conv3d, MaxPool3d, BatchNorm3d and their kin, are left out.
"""

# Packed by subject, twice in the same rows, as a table to be read.
# isort: off
# fmt: off
from tinygrad_adam.nn import functional, init, parallel, utils
from tinygrad_adam.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parallel import DataParallel
from tinygrad_adam.nn.containers import (
    ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential,
)
from tinygrad_adam.nn.linear import Flatten, Identity, Linear, Unflatten
from tinygrad_adam.nn.distances import Bilinear, CosineSimilarity, PairwiseDistance
from tinygrad_adam.nn.embedding import Embedding, EmbeddingBag
from tinygrad_adam.nn.dropout import (
    AlphaDropout, Dropout, Dropout1d, Dropout2d, FeatureAlphaDropout,
)
from tinygrad_adam.nn.activations import (
    CELU, ELU, GELU, GLU, SELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid,
    LogSoftmax, Mish, PReLU, ReLU, ReLU6, RReLU, Sigmoid, SiLU, Softmax, Softmax2d, Softmin,
    Softplus, Softshrink, Softsign, Tanh, Tanhshrink, Threshold,
)
from tinygrad_adam.nn.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from tinygrad_adam.nn.pooling import (
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AvgPool1d,
    AvgPool2d, LPPool1d, LPPool2d, MaxPool, MaxPool1d, MaxPool2d, MaxUnpool1d, MaxUnpool2d,
)
from tinygrad_adam.nn.upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d
from tinygrad_adam.nn.rearranging import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from tinygrad_adam.nn.padding import (
    CircularPad1d, CircularPad2d, ConstantPad1d, ConstantPad2d, ReflectionPad1d, ReflectionPad2d,
    ReplicationPad1d, ReplicationPad2d, ZeroPad1d, ZeroPad2d,
)
from tinygrad_adam.nn.normalization import (
    BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm1d, InstanceNorm2d, LayerNorm,
    LocalResponseNorm, RMSNorm,
)
from tinygrad_adam.nn.lazy import (
    LazyBatchNorm1d, LazyBatchNorm2d, LazyConv1d, LazyConv2d, LazyConvTranspose1d,
    LazyConvTranspose2d, LazyInstanceNorm1d, LazyInstanceNorm2d, LazyLinear,
)
from tinygrad_adam.nn.recurrent import (
    GRU, LSTM, RNN, GRUCell, LSTMCell, RNNBase, RNNCell, RNNCellBase,
)
from tinygrad_adam.nn.attention import MultiheadAttention
from tinygrad_adam.nn.adaptive_softmax import AdaptiveLogSoftmaxWithLoss
from tinygrad_adam.nn.transformer import (
    Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer,
)
from tinygrad_adam.nn.losses import (
    BCELoss, BCEWithLogitsLoss, CosineEmbeddingLoss, CrossEntropyLoss, CTCLoss, GaussianNLLLoss,
    HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss, MarginRankingLoss, MSELoss,
    MultiLabelMarginLoss, MultiLabelSoftMarginLoss, MultiMarginLoss, NLLLoss, NLLLoss2d,
    PoissonNLLLoss, SmoothL1Loss, SoftMarginLoss, TripletMarginLoss, TripletMarginWithDistanceLoss,
)

__all__ = [  # noqa: RUF022
    "functional", "init", "parallel", "utils", "DataParallel",
    "Parameter", "UninitializedBuffer", "UninitializedParameter",
    "Module",
    "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential",
    "Flatten", "Identity", "Linear", "Unflatten",
    "Bilinear", "CosineSimilarity", "PairwiseDistance",
    "Embedding", "EmbeddingBag",
    "AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout",
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "RReLU", "Sigmoid",
    "SiLU", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh",
    "Tanhshrink", "Threshold",
    "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d",
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d",
    "AvgPool2d", "LPPool1d", "LPPool2d", "MaxPool", "MaxPool1d", "MaxPool2d", "MaxUnpool1d",
    "MaxUnpool2d",
    "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
    "ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold",
    "CircularPad1d", "CircularPad2d", "ConstantPad1d", "ConstantPad2d", "ReflectionPad1d",
    "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d", "ZeroPad1d", "ZeroPad2d",
    "BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm",
    "LocalResponseNorm", "RMSNorm",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose1d",
    "LazyConvTranspose2d", "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyLinear",
    "GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase",
    "MultiheadAttention",
    "AdaptiveLogSoftmaxWithLoss",
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer",
    "BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "CTCLoss",
    "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss",
    "MarginRankingLoss", "MSELoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss",
    "MultiMarginLoss", "NLLLoss", "NLLLoss2d", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss",
    "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]
