"""The layers and losses as functions: an index of functions that stand in ``ops``.

Images are (N, C, H, W), or (C, H, W) without a batch. Options written ``int or pair`` hold for both
spatial dimensions, or for height and width. Functions that take ``inplace`` write their result into
the input's memory if it is True. What stands here itself has other arguments in PyTorch's
``torch.nn.functional`` than in ``torch``.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_adam.ops import activations
from tinygrad_adam.ops.activations import elu, gelu, hardswish, leaky_relu, silu, softplus
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from tinygrad_adam.ops.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    feature_alpha_dropout,
)
from tinygrad_adam.ops.elementwise import sigmoid, tanh
from tinygrad_adam.ops.embedding import embedding, one_hot
from tinygrad_adam.ops.folding import fold, unfold
from tinygrad_adam.ops.grids import affine_grid, grid_sample
from tinygrad_adam.ops.interpolation import (
    interpolate,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from tinygrad_adam.ops.linalg import linear, normalize
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
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "feature_alpha_dropout",
    "fold",
    "gelu",
    "grid_sample",
    "group_norm",
    "hardswish",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "relu",
    "rms_norm",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
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
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=3,
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
