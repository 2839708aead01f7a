"""Clipping of gradients, parameters as one vector, and weights that are computed from others."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any, TypeVar

import numpy as np

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.backend import array_module
from tinygrad_adam.backend.sums import wide
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.creation import zeros
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.utils import norms, parametrizations, parametrize
from tinygrad_adam.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from tinygrad_adam.nn.utils.norms import (
    remove_spectral_norm,
    remove_weight_norm,
    spectral_norm,
    weight_norm,
)
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.random import get_rng_state, set_rng_state
from tinygrad_adam.tensor import Tensor

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "skip_init",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]


Tensors = Tensor | Iterable[Tensor]
M = TypeVar("M", bound=Module)


def _listed(tensors: Tensors) -> list[Tensor]:
    if not isinstance(tensors, Iterable) or isinstance(tensors, str):
        raise TypeError(
            f"expected a Tensor or an iterable of Tensors, but got {type(tensors).__name__}\n"
            "  Such as model.parameters()"
        )
    found = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    for i, tensor in enumerate(found):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i}, but got {type(tensor).__name__}")
    return found


def _to_clip(parameters: Tensors) -> list[Tensor]:
    """Return the parameters as a list; warn if they are a generator that has nothing left."""
    listed = _listed(parameters)
    if not listed and isinstance(parameters, GeneratorType):
        warn(
            "`parameters` is an empty generator, no gradient clipping will occur.\n"
            "  A generator can be used once: call model.parameters() anew each time."
        )
    return listed


def _gradients(parameters: Tensors) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


@checked
def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of tensors as if they were one vector, as a 0-d tensor.

    Args:
        tensors: a tensor or several.
        norm_type: the p of the norm; may be infinity.
        error_if_nonfinite: raise if the norm is NaN or infinite.
        foreach: has no effect here.

    Raises:
        RuntimeError: see ``error_if_nonfinite``.

    Source: PyTorch, ``torch.nn.utils.get_total_norm``.
    """
    arrays = [tensor.array for tensor in _listed(tensors)]
    p = float(norm_type)
    if not arrays:
        return zeros(())
    xp = array_module(arrays[0])
    with np.errstate(all="ignore"):
        norms = xp.stack([_norm(xp, array, p) for array in arrays])
        total = Tensor._wrap(_norm(xp, norms, p))
    if error_if_nonfinite and not math.isfinite(float(total)):
        raise RuntimeError(
            f"The total norm of order {p} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def _norm(xp: Any, array: Any, p: float) -> Any:
    """Return the p-norm of all elements of an array, a 0-d array of its dtype."""
    if p == 2:
        flat = wide(array).ravel(order="K")
        return xp.asarray(xp.sqrt(flat @ flat), dtype=array.dtype)
    sizes = abs(array)
    if p == math.inf:
        return xp.asarray(sizes.max(initial=0))
    if p == -math.inf:
        return xp.asarray(sizes.min(initial=math.inf))
    if p == 0:
        return xp.asarray((sizes != 0).sum(), dtype=array.dtype)
    return xp.asarray((wide(sizes) ** p).sum() ** (1 / p), dtype=array.dtype)


@checked
def clip_grads_with_norm_(
    parameters: Tensors,
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Multiply the gradients by min(1, max_norm / (total_norm + 1e-6)), in place.

    Source: PyTorch, ``torch.nn.utils.clip_grads_with_norm_``.
    """
    total = total_norm.array
    with np.errstate(all="ignore"):  # a norm that is infinite gives NaN, without a word
        factor = (float(max_norm) / (total + 1e-6)).clip(max=1.0)
        for gradient in _gradients(parameters):
            array = gradient.array
            array *= factor.astype(array.dtype)
            gradient._writes[0] += 1


@checked
def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients down, in place, so that their norm as one vector is ``max_norm`` at most.

    Args:
        parameters: a tensor or several; those without a gradient are passed over.
        max_norm: the bound.
        norm_type: the p of the norm; may be infinity.
        error_if_nonfinite: raise if the norm is NaN or infinite.
        foreach: has no effect here.

    Returns:
        The norm before, a 0-d tensor.

    Raises:
        RuntimeError: see ``error_if_nonfinite``.

    Source: PyTorch, ``torch.nn.utils.clip_grad_norm_``; Pascanu, Mikolov and Bengio (2012).
    """
    parameters = _to_clip(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


@checked
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Cut every element of the gradients to [-clip_value, clip_value], in place.

    Source: PyTorch, ``torch.nn.utils.clip_grad_value_``.
    """
    bound = float(clip_value)
    for gradient in _gradients(_to_clip(parameters)):
        array = gradient.array
        array_module(array).clip(array, -bound, bound, out=array)
        gradient._writes[0] += 1


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all elements of all parameters as one vector; differentiable.

    Raises:
        TypeError: the parameters lie on different devices.

    Source: PyTorch, ``torch.nn.utils.parameters_to_vector``.
    """
    parameters = _listed(parameters)
    if len({parameter.device for parameter in parameters}) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy consecutive pieces of a vector into the parameters, in place.

    Raises:
        TypeError: ``vec`` is no tensor.
        RuntimeError: ``vec`` has fewer or more elements than the parameters together.

    Source: PyTorch, ``torch.nn.utils.vector_to_parameters``.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parameters = _listed(parameters)
    needed = sum(parameter.numel() for parameter in parameters)
    if vec.numel() != needed:
        raise RuntimeError(
            f"the vector has {vec.numel()} elements, the parameters have {needed} together"
        )
    start = 0
    with no_grad():
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.copy_(vec[start:stop].reshape(parameter.shape))
            start = stop


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Do what :func:`clip_grad_norm_` does: its old name, of which PyTorch warns."""
    warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
        "`torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def skip_init(module_cls: Callable[..., M], *args: Any, **kwargs: Any) -> M:
    """Return a module whose parameters have values that mean nothing; no random number is spent.

    Args:
        module_cls: the class of the module, which must take ``device``.
        *args, **kwargs: its arguments.

    Raises:
        RuntimeError: it is no module, or takes no ``device``.

    Source: PyTorch, ``torch.nn.utils.skip_init``.
    """
    if not issubclass(module_cls, Module):  # type: ignore[arg-type]
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)


# PyTorch's files, of which some are called like their function.
sys.modules.update(
    {f"{__name__}.{name}": sys.modules[__name__] for name in ("clip_grad", "convert_parameters")}
    | {f"{__name__}.{name}": norms for name in ("spectral_norm", "weight_norm")}
)
