"""Normalization: subtract the mean, divide by the standard deviation, scale and shift.

Batch, layer and group normalization differ only in what the mean is taken over. Each is the same
formula for x seen in another shape::

    batch   x (N, C, …)           mean over N and …       weight (1, C, 1, …)
    layer   x (…, normalized)     mean over normalized    weight (normalized)
    group   x (N, G, C / G, …)    mean over C / G and …   weight (1, G, C / G, 1, …)

With n = (x - mean) / sqrt(var + ε), y = w n + b, and u = g w the gradient of n:
dx = (u - mean(u) - n mean(u n)) / sqrt(var + ε), dw = Σ g n, db = Σ g.

Source: Ioffe and Szegedy, "Batch Normalization" (2015); Ba, Kiros and Hinton, "Layer Normalization"
(2016); Wu and He, "Group Normalization" (2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy import finfo

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import float16, float32, type_name
from tinygrad_adam.backend.sums import wide
from tinygrad_adam.ops.arguments import Dims, IntOrPair, all_ints, checked
from tinygrad_adam.ops.elementwise import require_floating, require_real, rsqrt, square
from tinygrad_adam.ops.reductions import mean
from tinygrad_adam.ops.shapes import Pad, cast, clone, narrow, reshape, sum_to_size

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _check_dtypes(x: Any, **parameters: Any) -> None:
    """Raise unless weight, bias and running values, in this order, have the input's dtype.

    An input in half precision goes with float32 parameters, too.
    """
    found = {name: p.dtype for name, p in parameters.items() if p is not None}
    dtypes = set(found.values())
    if dtypes <= {x.dtype} or (x.dtype == float16 and dtypes == {float32}):
        return
    other = next(dtype for dtype in found.values() if dtype != x.dtype)
    names = ", ".join([f"{name} is {dtype}" for name, dtype in found.items()])
    raise RuntimeError(
        f"expected scalar type {type_name(x.dtype)} but found {type_name(other)}\n"
        f"  The input is {x.dtype}, {names}"
    )


class _Normalization(Operation):
    """w (x - mean) / sqrt(var + ε) + b, x and w seen in the shapes above; its gradients, too.

    Saves x, w, the mean and 1 / sqrt(var + ε).
    """

    bias_shape: Dims | None = None
    constant_weight: bool = False
    """Whether the weight is constant over what is averaged, so that it may wait for the end."""

    def see(self, shape: Dims, weight_shape: Dims, dims: Dims, eps: float) -> None:
        """Note in which shapes to see x and the weight, and over which dimensions to average."""
        self.shape, self.weight_shape, self.dims, self.eps = shape, weight_shape, dims, eps

    def normalize(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        xp = array_module(x)
        _check_dtypes(x, weight=weight, bias=bias)
        seen = wide(x.reshape(self.shape))
        average = (seen.mean if seen.size else seen.sum)(self.dims, keepdims=True)
        y = seen - average
        squares = xp.square(y)  # of no elements NumPy's mean would warn
        variance = (squares.mean if squares.size else squares.sum)(self.dims, keepdims=True)
        inverse = 1 / xp.sqrt(variance + self.eps)
        self.save(x, weight, average, inverse)
        y *= inverse
        if weight is not None:
            y *= weight.reshape(self.weight_shape)
        if bias is not None:
            self.bias_shape = bias.shape
            y += bias.reshape(self.weight_shape)
        return y.reshape(x.shape).astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        x, weight, average, inverse = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad[:3]
        dims, per_weight = self.dims, self.weight_shape
        seen, grad = reshape(x, self.shape), reshape(grad, self.shape)
        # For a second derivative, mean and deviation as functions of x.
        if not current_mode().arrays:
            average = mean(seen, dims, True)
            inverse = rsqrt(mean(square(seen - average), dims, True) + self.eps)
        grad_x = grad_weight = grad_bias = None
        if need_bias:
            grad_bias = reshape(sum_to_size(grad, per_weight), self.bias_shape)
        if need_x or need_weight:
            normalized = (seen - average) * inverse
            product = grad * normalized
        if need_weight:
            grad_weight = reshape(sum_to_size(product, per_weight), weight.shape)
        if need_x:
            if weight is not None:
                seen_weight = reshape(weight, per_weight)
                if self.constant_weight:
                    inverse = inverse * seen_weight
                else:
                    grad, product = grad * seen_weight, product * seen_weight
            grad_x = grad - mean(grad, dims, True)
            grad_x = (grad_x - normalized * mean(product, dims, True)) * inverse
            grad_x = reshape(grad_x, x.shape)
        return grad_x, grad_weight, grad_bias


class BatchNorm(_Normalization):
    """Normalization of each channel over the batch; x (N, C, …), w and b (C,) or None.

    The running mean and variance, if given, are moved towards the batch's, in place. In a walk that
    nobody records, the gradients come from a kernel.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: without the running statistics."""
        return "NativeBatchNormBackward0", 0, 1, 2

    constant_weight = True

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        running_mean: Array | None,
        running_var: Array | None,
        momentum: float,
        eps: float,
    ) -> Array:
        _check_dtypes(x, weight=weight, bias=bias)
        y, average, variance = kernels(x).batch_norm(x, weight, bias, eps)
        per_channel = (1, x.shape[1], *[1] * (x.ndim - 2))
        self.see(x.shape, per_channel, (0, *range(2, x.ndim)), eps)
        self.bias_shape = None if bias is None else bias.shape
        inverse = 1 / array_module(x).sqrt(variance + eps)
        self.save(x, weight, average.reshape(per_channel), inverse.reshape(per_channel))
        count = x.size // max(1, x.shape[1])
        if running_mean is not None and count:
            running_mean += momentum * (average - running_mean)
        if running_var is not None and count:
            running_var += momentum * (variance * (count / max(1, count - 1)) - running_var)
        return y

    def backward(self, grad: Any) -> Any:
        if not current_mode().arrays:
            return super().backward(grad)
        x, weight, average, inverse = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad[:3]
        found = BatchNormGradient.apply(grad, x, weight, average, inverse, need_x)
        grad_x, grad_weight, grad_bias = found if need_x else (None, *found)
        return (
            grad_x,
            reshape(grad_weight, weight.shape) if need_weight else None,
            reshape(grad_bias, self.bias_shape) if need_bias else None,
        )


class BatchNormGradient(Operation):
    """The gradients of :class:`BatchNorm` for x (if ``need_x``), for w and for b, (C,) each.

    One kernel for all three. No gradient of its own: a recorded walk takes the formula.
    """

    def forward(
        self, grad: Array, x: Array, weight: Any, mean: Array, inverse: Array, need_x: bool
    ) -> tuple[Array | None, ...]:
        gradient = kernels(x).batch_norm_gradient
        found = gradient(wide(grad), wide(x), weight, mean, inverse, need_x)
        return found if need_x else found[1:]


class LayerNorm(_Normalization):
    """Normalization over the last dimensions; w and b of their shape, or None."""

    backward_name = "NativeLayerNorm"

    def forward(
        self, x: Array, weight: Array | None, bias: Array | None, normalized_shape: Dims, eps: float
    ) -> Array:
        dims = tuple(range(x.ndim - len(normalized_shape), x.ndim))
        self.see(x.shape, normalized_shape, dims, eps)
        return self.normalize(x, weight, bias)


class GroupNorm(_Normalization):
    """Normalization of groups of channels in each image; x (N, C, …), w and b (C,) or None."""

    backward_name = "NativeGroupNorm"

    def forward(
        self, x: Array, weight: Array | None, bias: Array | None, groups: int, eps: float
    ) -> Array:
        each, ndim = x.shape[1] // groups, x.ndim
        shape = (x.shape[0], groups, each, *x.shape[2:])
        self.see(shape, (1, groups, each, *[1] * (ndim - 2)), tuple(range(2, ndim + 1)), eps)
        return self.normalize(x, weight, bias)


class InstanceNorm(GroupNorm):
    """Normalization of every channel in each image; x (N, C, …), w and b (C,) or None.

    The running mean and variance, if given, are moved towards those of the images, in place.
    """

    def forward(  # type: ignore[override]
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        running_mean: Array | None,
        running_var: Array | None,
        momentum: float,
        eps: float,
    ) -> Array:
        seen, dims = wide(x), tuple(range(2, x.ndim))
        if running_mean is not None:
            running_mean += momentum * (seen.mean(dims).mean(0) - running_mean)
        if running_var is not None:
            running_var += momentum * (seen.var(dims, ddof=1).mean(0) - running_var)
        return super().forward(x, weight, bias, x.shape[1], eps)


# --- functions -----------------------------------------------------------------------------------


@checked
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel over the batch, then scale and shift.

    Args:
        input: (N, C, …).
        running_mean: (C,), moved towards the batch's mean in training, else used instead of it.
        running_var: (C,), likewise; the batch's variance counts here without bias (divided by
            n - 1). Both may be None in training.
        weight: (C,) or None.
        bias: (C,) or None.
        training: whether the mean and variance are the batch's.
        momentum: by how much the running values move.
        eps: added to the variance.

    Raises:
        ValueError: one value for each channel in training, whose variance would be 0; or ``eps`` is
            negative, or 0 in training.
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.batch_norm``.
    """
    _check_both(running_mean, running_var)
    if input.shape == (0,):  # a batch of nothing, of whatever it is
        return clone(input)
    if eps < 0 or (training and eps == 0):
        bound = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {bound}, but got {eps}")
    if training:
        _check_values_per_channel(input.shape, f"torch.Size({list(input.shape)})")
    channels = input.shape[1] if input.ndim > 1 else 0
    running = {"running_mean": running_mean, "running_var": running_var}
    affine = {"weight": weight, "bias": bias}
    _check_per_channel(channels, **running, **affine)
    require_floating("batch_norm", input)
    _check_dtypes(input, **affine, **running)
    if training:
        return _normalized(BatchNorm, input, weight, bias, running, momentum, eps)
    if running_mean is None or running_var is None:
        raise RuntimeError("running_mean must be defined in evaluation mode")
    shape = (1, channels) + (1,) * (input.ndim - 2)
    scale = rsqrt(running_var + eps)
    if weight is not None:
        scale = scale * weight
    shift = -running_mean * scale
    if bias is not None:
        shift = shift + bias
    return input * reshape(scale, shape) + reshape(shift, shape)


def _check_both(running_mean: Any, running_var: Any) -> None:
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")


def _check_per_channel(channels: int, **tensors: Any) -> None:
    for name, tensor in tensors.items():
        if tensor is not None and math.prod(tensor.shape) != channels:
            raise RuntimeError(
                f"{name} should contain {channels} elements not {math.prod(tensor.shape)}"
            )


def _normalized(
    operation: type[Operation], x: Any, weight: Any, bias: Any, running: dict[str, Any], *by: float
) -> Tensor:
    """Apply a normalization that moves running values."""
    output: Tensor = operation.apply(x, weight, bias, *running.values(), *by)
    for moved in running.values():
        if moved is not None:
            moved._writes[0] += 1
    return output


@checked
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of each image by itself, then scale and shift.

    Args:
        input: (N, C, …).
        running_mean: (C,) or None, moved towards the mean of the images' means, in place; used
            instead of them unless ``use_input_stats``.
        running_var: (C,) or None, likewise; variances count here without bias.
        weight: (C,) or None.
        bias: (C,) or None.
        use_input_stats: whether the mean and variance are the image's.
        momentum: by how much the running values move.
        eps: added to the variance.

    Raises:
        ValueError: one value for each channel of an image, whose variance would be 0.
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.instance_norm``.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when use_input_stats is false"
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if 0 in input.shape:
        return clone(input)
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"torch.Size({list(input.shape)})\n  The variance of one value is 0"
        )
    _check_both(running_mean, running_var)
    running = {"running_mean": running_mean, "running_var": running_var}
    affine = {"weight": weight, "bias": bias}
    _check_per_channel(input.shape[1], **running, **affine)
    require_floating("batch_norm", input)
    _check_dtypes(input, **affine, **running)
    return _normalized(InstanceNorm, input, weight, bias, running, momentum, eps)


def _check_values_per_channel(shape: Sequence[int], shown: str) -> None:
    if math.prod((shape[0], *shape[2:])) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {shown}\n"
            "  The variance of one value is 0: use a larger batch, or eval()"
        )


def _check_shapes(shape: Dims, wanted: str, weight: Tensor | None, bias: Tensor | None) -> None:
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be {wanted}, but got {name} of shape {list(tensor.shape)}\n"
                f"  Wanted is {list(shape)}"
            )


@checked
def layer_norm(
    input: Tensor,
    normalized_shape: IntOrPair,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize over the last dimensions, then scale and shift.

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the last dimensions.
        weight: of shape ``normalized_shape``, or None.
        bias: of shape ``normalized_shape``, or None.
        eps: added to the variance.

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.layer_norm``.
    """
    require_real("layer_norm", input)
    shape = _normalized_shape("layer_norm", input, normalized_shape, weight, bias)
    return LayerNorm.apply(input, weight, bias, shape, eps)  # type: ignore[no-any-return]


def _normalized_shape(
    function: str, input: Any, normalized_shape: Any, weight: Any, bias: Any = None
) -> Dims:
    """Return ``normalized_shape`` as a tuple, once sure that the tensors fit it."""
    shape = (
        (normalized_shape,)
        if isinstance(normalized_shape, int)
        else tuple(
            all_ints(f"{function}(): argument 'normalized_shape' (position 2)", normalized_shape)
        )
    )
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            f"element, but got normalized_shape = {list(shape)}"
        )
    _check_shapes(shape, "of same shape as normalized_shape", weight, bias)
    if input.ndim < len(shape) or tuple(input.shape[input.ndim - len(shape) :]) != shape:
        sizes = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape=[{sizes}], expected input with shape [*, {sizes}], but got "
            f"input of size{list(input.shape)}"
        )
    return shape


@checked
def rms_norm(
    input: Tensor,
    normalized_shape: IntOrPair,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide by the root of the mean square over the last dimensions, then scale.

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the last dimensions.
        weight: of shape ``normalized_shape``, or None.
        eps: added to the mean square; by default the least step of the input's dtype from 1.

    Raises:
        RuntimeError: shapes do not fit.

    Source: PyTorch, ``torch.nn.functional.rms_norm``.
    """
    require_floating("rms_norm", input)
    shape = _normalized_shape("rms_norm", input, normalized_shape, weight)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    x = cast(input, float32) if input.dtype == float16 else input
    if eps is None:
        eps = float(finfo(x.dtype).eps)
    output = x * rsqrt(mean(square(x), dims, True) + eps)
    if weight is not None:
        output = output * weight
    return cast(output, input.dtype)


@checked
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by (k + alpha mean of the squares of ``size`` neighbouring channels) ** beta.

    Args:
        input: (N, C, …), with at least one dimension after the channels.
        size: how many channels, this one in the middle; those that are not there count as zeros.
        alpha: how much the squares count.
        beta: the exponent.
        k: the constant.

    Raises:
        ValueError: the input has fewer dimensions.

    Source: PyTorch, ``torch.nn.functional.local_response_norm``; Krizhevsky, Sutskever and Hinton,
    "ImageNet Classification with Deep Convolutional Neural Networks" (2012).
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)"
        )
    if size < 1:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {size} kW: 1")
    if 0 in input.shape:
        return input
    around = ((0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (input.ndim - 2))
    squares = Pad.apply(square(input), around, 0)
    total = narrow(squares, 1, 0, input.shape[1])
    for shift in range(1, size):
        total = total + narrow(squares, 1, shift, input.shape[1])
    return input / (total * (alpha / size) + k) ** beta


@checked
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize groups of channels, each image by itself, then scale and shift.

    Args:
        input: (N, C, …).
        num_groups: into how many groups the channels are split; it divides C.
        weight: (C,) or None.
        bias: (C,) or None.
        eps: added to the variance.

    Raises:
        ValueError: one value in each group.
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.group_norm``.
    """
    require_real("group_norm", input)
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    channels = input.shape[1]
    if num_groups < 1:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    seen = [input.shape[0] * channels // num_groups, num_groups, *input.shape[2:]]
    _check_values_per_channel(seen, str(seen))
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(input.shape)} and num_groups={num_groups}"
        )
    wanted = "a vector of size equal to the number of channels in input"
    _check_shapes((channels,), wanted, weight, bias)
    return GroupNorm.apply(input, weight, bias, num_groups, eps)  # type: ignore[no-any-return]
