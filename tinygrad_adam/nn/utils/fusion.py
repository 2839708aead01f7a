"""Batch normalization taken into the layer before it, for evaluation.

Source: PyTorch, ``torch.nn.utils.fusion``.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.ops import rsqrt
from tinygrad_adam.tensor import Tensor

M = TypeVar("M", bound=Module)


def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """Return a copy of a convolution that also does what the batch normalization after it does.

    Args:
        conv: the convolution, in evaluation mode.
        bn: the batch normalization, in evaluation mode.
        transpose: the convolution is a transposed one.

    Raises:
        AssertionError: a module is in training mode, or there are no running statistics.
    """
    return _fused(conv, bn, transpose)


def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """Return a copy of a linear layer that also does what the batch normalization after it does.

    Raises:
        AssertionError: as :func:`fuse_conv_bn_eval`, or the numbers of features differ.
    """
    layer, norm = vars(linear), vars(bn)
    if layer["out_features"] != norm["num_features"] and norm["num_features"] != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={layer['out_features']} and bn.num_features="
            f"{norm['num_features']}"
        )
    return _fused(linear, bn, False)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return the weight and the bias of the two together: ``W w / s`` and ``(b - m) w / s + b'``.

    Args:
        conv_w, conv_b: of the convolution.
        bn_rm, bn_rv: the running mean m, and the running variance, whose root is s.
        bn_eps: is added to the variance.
        bn_w, bn_b: of the normalization.
        transpose: the outputs are the weight's second dimension, not its first.
    """
    scale = rsqrt(bn_rv + bn_eps)
    if bn_w is not None:
        scale = bn_w * scale
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    bias = (-bn_rm if conv_b is None else conv_b - bn_rm) * scale
    if bn_b is not None:
        bias = bias + bn_b
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    trains = conv_b is not None and conv_b.requires_grad
    bias = bias.to((conv_w if conv_b is None else conv_b).dtype)
    return Parameter(weight.detach(), conv_w.requires_grad), Parameter(bias.detach(), trains)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Do for a linear layer what :func:`fuse_conv_bn_weights` does for a convolution."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _fused(layer: M, bn: Any, transpose: bool) -> M:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!\n  Call eval() on both first")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    fused: Any = copy.deepcopy(layer)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, *statistics, transpose
    )
    return fused  # type: ignore[no-any-return]
