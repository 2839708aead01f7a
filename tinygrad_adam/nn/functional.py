"""The layers and losses as functions: an index of functions that stand in ``ops``.

Images are (N, C, H, W), or (C, H, W) without a batch. Options written ``int or pair`` hold for both
spatial dimensions, or for height and width. Functions that take ``inplace`` write their result into
the input's memory if it is True. What stands here itself has other arguments in PyTorch's
``torch.nn.functional`` than in ``torch``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops import activations
from tinygrad_adam.ops.activations import (
    celu,
    celu_,
    elu,
    elu_,
    gelu,
    glu,
    gumbel_softmax,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    logsigmoid,
    mish,
    prelu,
    relu6,
    relu_,
    rrelu,
    rrelu_,
    selu,
    selu_,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
    threshold_,
)
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.ops.attention import multi_head_attention_forward, scaled_dot_product_attention
from tinygrad_adam.ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from tinygrad_adam.ops.ctc import ctc_loss
from tinygrad_adam.ops.distances import cosine_similarity, pairwise_distance, pdist
from tinygrad_adam.ops.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    feature_alpha_dropout,
)
from tinygrad_adam.ops.elementwise import sigmoid, tanh
from tinygrad_adam.ops.embedding import embedding, embedding_bag, one_hot
from tinygrad_adam.ops.folding import fold, unfold
from tinygrad_adam.ops.grids import affine_grid, grid_sample
from tinygrad_adam.ops.interpolation import (
    interpolate,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from tinygrad_adam.ops.likelihood_losses import gaussian_nll_loss, kl_div, poisson_nll_loss
from tinygrad_adam.ops.linalg import bilinear, linear, normalize
from tinygrad_adam.ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)
from tinygrad_adam.ops.margin_losses import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from tinygrad_adam.ops.normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)
from tinygrad_adam.ops.padding import pad
from tinygrad_adam.ops.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    lp_pool1d,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
)
from tinygrad_adam.ops.shuffling import channel_shuffle, pixel_shuffle, pixel_unshuffle
from tinygrad_adam.ops.unpooling import max_unpool1d, max_unpool2d
from tinygrad_adam.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "mish",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0).

    Source: PyTorch, ``torch.nn.functional.relu``.
    """
    return input.relu_() if inplace and isinstance(input, Tensor) else activations.relu(input)


def _softmax_dim(name: str, input: Tensor) -> int:
    ndim = fitted(name, "input", "Tensor", input).ndim
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return exp(x) / Σ exp(x), the sum along ``dim``: positive numbers that sum up to 1.

    Args:
        input: any tensor.
        dim: the dimension; None chooses one and warns.
        dtype: convert the input to this first.

    Source: PyTorch, ``torch.nn.functional.softmax``.
    """
    if dim is None:
        dim = _softmax_dim("softmax", input)
    return activations.softmax(input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return the logarithm of :func:`softmax`, exact also where that is tiny.

    Source: PyTorch, ``torch.nn.functional.log_softmax``.
    """
    if dim is None:
        dim = _softmax_dim("log_softmax", input)
    return activations.log_softmax(input, dim, dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return :func:`softmax` of -x: the smallest gets the largest share.

    Source: PyTorch, ``torch.nn.functional.softmin``.
    """
    if dim is None:
        dim = _softmax_dim("softmin", input)
    return activations.softmax(-input, dim, dtype)


def _with_indices(pool: Callable[..., Any]) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a pool that returns indices, whatever ``return_indices`` says."""
    arguments = inspect.signature(pool)

    @functools.wraps(pool)
    def call(*args: Any, **options: Any) -> tuple[Tensor, Tensor]:
        given = arguments.bind(*args, **options).arguments
        return pool(**{**given, "return_indices": True})  # type: ignore[no-any-return]

    return call


adaptive_max_pool1d_with_indices = _with_indices(adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _with_indices(adaptive_max_pool2d)
max_pool1d_with_indices = _with_indices(max_pool1d)
max_pool2d_with_indices = _with_indices(max_pool2d)
