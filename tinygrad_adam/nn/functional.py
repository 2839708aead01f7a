"""The layers and losses as functions: what they compute, given input and weights.

Images are (N, C, H, W), or (C, H, W) without a batch. Options written ``int or pair`` hold for both
spatial dimensions, or for height and width. Functions that take ``inplace`` write their result into
the input's memory if it is True.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from tinygrad_adam.backend.dtypes import can_cast, type_name
from tinygrad_adam.backend.windows import Pair
from tinygrad_adam.ops import activations, elementwise
from tinygrad_adam.ops import losses as loss_ops
from tinygrad_adam.ops.activations import elu, gelu, leaky_relu, silu, softplus
from tinygrad_adam.ops.convolution import Conv2d, ConvTranspose2d, check_convolution
from tinygrad_adam.ops.dropout import dropout
from tinygrad_adam.ops.elementwise import sigmoid, tanh
from tinygrad_adam.ops.embedding import embedding, one_hot
from tinygrad_adam.ops.linalg import linear, normalize
from tinygrad_adam.ops.normalization import (
    BatchNorm,
    GroupNorm,
    LayerNorm,
    check_parameter_dtypes,
)
from tinygrad_adam.ops.padding import pad, unfold
from tinygrad_adam.ops.pooling import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    MaxPool2d,
    MaxPool2dWithIndices,
)
from tinygrad_adam.tensor import Tensor

IntOrPair = int | Sequence[int]

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "gelu",
    "group_norm",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
    "unfold",
]


# --- arguments -----------------------------------------------------------------------------------


def _pair(value: IntOrPair, name: str, function: str = "") -> Pair:
    """Return an int or a sequence of one or two ints as a pair.

    Raises:
        RuntimeError: it has another length.
    """
    if isinstance(value, int):
        return (value, value)
    if type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is int:
        return value
    values = list(map(int, value))
    if len(values) == 1:
        values *= 2
    if len(values) != 2:
        if function:
            raise RuntimeError(
                f"{function}: {name} must either be a single int, or a tuple of two ints"
            )
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of 2 values to match the "
            f"convolution dimensions, but got {name}={values}"
        )
    return values[0], values[1]


def _single(value: IntOrPair, name: str) -> int:
    """Return an int or a sequence of one int as an int."""
    if isinstance(value, int):
        return value
    values = list(map(int, value))
    if len(values) != 1:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of 1 values to match the "
            f"convolution dimensions, but got {name}={values}"
        )
    return values[0]


def _require_tensor(function: str, *arguments: object) -> None:
    """Raise unless the first arguments of a function are tensors.

    Raises:
        TypeError: one is something else, such as a NumPy array.
    """
    for position, argument in enumerate(arguments):
        if not isinstance(argument, Tensor):
            second = "weight" if function.startswith(("conv", "linear")) else "target"
            kind = type(argument)
            module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
            raise TypeError(
                f"{function}(): argument '{second if position else 'input'}' (position "
                f"{position + 1}) must be Tensor, not {module}{kind.__name__}\n  "
                "tinygrad_adam.tensor(…) makes one of numbers, from_numpy(…) of an array"
            )


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction that PyTorch's two old arguments mean, if they were given."""
    if size_average is None and reduce is None:
        return reduction
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.",
        stacklevel=3,
    )
    return meant


def _check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{reduction} is not a valid value for reduction\n  It is 'none', 'mean' or 'sum'"
        )


def _reduce(losses: Tensor, reduction: str) -> Tensor:
    _check_reduction(reduction)
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


# --- convolution ---------------------------------------------------------------------------------


def _batched(input: Tensor, function: str, spatial: int = 2) -> tuple[Tensor, bool]:
    """Return the input with a batch dimension, and whether that had to be added.

    Raises:
        RuntimeError: the input has neither of the two numbers of dimensions.
    """
    if input.ndim == spatial + 2:
        return input, False
    if input.ndim == spatial + 1:
        return input.unsqueeze(0), True
    raise RuntimeError(
        f"Expected {spatial + 1}D (unbatched) or {spatial + 2}D (batched) input to {function}, but "
        f"got input of size: {list(input.shape)}"
    )


def _check_weight(input: Tensor, weight: Tensor) -> None:
    if weight.ndim != input.ndim:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight "
            f"{list(weight.shape)}, but got {input.ndim}-dimensional input of size "
            f"{list(input.shape)} instead"
        )


def _named_padding(
    padding: str, kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """Return what "same" or "valid" means: how much to pad before and after, for each dimension."""
    if padding == "valid":
        return [(0, 0)] * len(kernel_size)
    if padding != "same":
        raise RuntimeError(
            f"Invalid padding string: '{padding}'\n  It is 'same', 'valid' or numbers"
        )
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation)]
    return [(total // 2, total - total // 2) for total in totals]


def _resolve_padding(
    input: Tensor, weight: Tensor, stride: Pair, padding: str, dilation: Pair
) -> tuple[Tensor, Pair]:
    """Return a symmetric padding for a named one, and the input padded by what is beyond it."""
    amounts = _named_padding(padding, weight.shape[2:], stride, dilation)
    extra = [after - before for before, after in amounts]
    if any(extra):
        input = pad(input, (0, extra[1], 0, extra[0]))
    return input, (amounts[0][0], amounts[1][0])


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair | str = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Tensor:
    """Slide kernels over images, multiply and sum up.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (O, C / groups, kH, kW).
        bias: (O,) or None.
        stride: step of the kernels, int or pair.
        padding: zeros around the image, int or pair; or "valid" (none), or "same" (as many as keep
            the size, at stride 1).
        dilation: distance between the elements of a kernel, int or pair.
        groups: into how many groups of channels input and output are split; each output group sees
            its input group only.

    Returns:
        (N, O, oH, oW), in channels-last memory, with
        oH = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1.

    Raises:
        RuntimeError: shapes, dtypes or options do not fit.

    Source: PyTorch, ``torch.nn.functional.conv2d``.
    """
    stride, dilation = _pair(stride, "stride"), _pair(dilation, "dilation")
    _require_tensor("conv2d", input, weight)
    input, unbatched = _batched(input, "conv2d")
    _check_weight(input, weight)
    if isinstance(padding, str):
        input, padding = _resolve_padding(input, weight, stride, padding, dilation)
    else:
        padding = _pair(padding, "padding")
    output: Tensor = Conv2d.apply(input, weight, bias, stride, padding, dilation, groups)
    return output.squeeze(0) if unbatched else output


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair | str = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Tensor:
    """Slide kernels over sequences: :func:`conv2d` on images one pixel high.

    Args:
        input: (N, C, L) or (C, L).
        weight: (O, C / groups, k).
        bias: (O,) or None.
        stride: and ``padding``, ``dilation``, ``groups``: as for :func:`conv2d`, ints.

    Returns:
        (N, O, oL), with oL = (L + 2 padding - dilation (k - 1) - 1) // stride + 1.

    Raises:
        RuntimeError: shapes, dtypes or options do not fit.

    Source: PyTorch, ``torch.nn.functional.conv1d``.
    """
    strides, dilations = (1, _single(stride, "stride")), (1, _single(dilation, "dilation"))
    _require_tensor("conv1d", input, weight)
    input, unbatched = _batched(input, "conv1d", spatial=1)
    _check_weight(input, weight)
    input, weight = input.unsqueeze(2), weight.unsqueeze(2)
    if isinstance(padding, str):
        input, paddings = _resolve_padding(input, weight, strides, padding, dilations)
    else:
        paddings = (0, _single(padding, "padding"))
    output: Tensor = Conv2d.apply(input, weight, bias, strides, paddings, dilations, groups, 1)
    output = output.squeeze(2)
    return output.squeeze(0) if unbatched else output


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
) -> Tensor:
    """Add a multiple of the kernels to the result for every pixel: the transpose of :func:`conv2d`.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (C, O / groups, kH, kW).
        bias: (O,) or None.
        stride: distance in the result between neighbouring pixels of the input, int or pair.
        padding: how much is cut off around the result, int or pair.
        output_padding: how much is added to the result at its end, int or pair, smaller than stride
            or dilation.
        groups: as for :func:`conv2d`.
        dilation: as for :func:`conv2d`.

    Returns:
        (N, O, oH, oW), with
        oH = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1.

    Raises:
        RuntimeError: shapes, dtypes or options do not fit.

    Source: PyTorch, ``torch.nn.functional.conv_transpose2d``.
    """
    stride, dilation = _pair(stride, "stride"), _pair(dilation, "dilation")
    padding, extra = _pair(padding, "padding"), _pair(output_padding, "output_padding")
    _require_tensor("conv_transpose2d", input, weight)
    input, unbatched = _batched(input, "conv_transpose2d")
    _check_weight(input, weight)
    check_convolution(
        input.array, weight.array, None if bias is None else bias.array, stride, padding, dilation,
        groups, transposed=True,
    )  # fmt: skip
    if min(extra) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if any(extra[i] >= max(stride[i], dilation[i]) for i in (0, 1)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding_height: {extra[0]} output_padding_width: {extra[1]} "
            f"stride_height: {stride[0]} stride_width: {stride[1]} "
            f"dilation_height: {dilation[0]} dilation_width: {dilation[1]}"
        )
    rows, columns = (
        (input.shape[2 + i] - 1) * stride[i]
        - 2 * padding[i]
        + dilation[i] * (weight.shape[2 + i] - 1)
        + extra[i]
        + 1
        for i in (0, 1)
    )
    if rows < 1 or columns < 1:
        raise RuntimeError(
            f"Given input size per channel: ({input.shape[2]} x {input.shape[3]}). Calculated "
            f"output size per channel: ({rows} x {columns}). Output size is too small"
        )
    shape = (input.shape[0], weight.shape[1] * groups, rows, columns)
    output: Tensor = ConvTranspose2d.apply(input, weight, shape, stride, padding, dilation, groups)
    if bias is not None:
        output = output + bias.reshape(1, -1, 1, 1)
    return output.squeeze(0) if unbatched else output


# --- pooling -------------------------------------------------------------------------------------


def _batched_for_pooling(input: Tensor, function: str) -> tuple[Tensor, bool]:
    _require_tensor(function, input)
    if input.ndim == 4:
        return input, False
    if input.ndim == 3:
        return input.unsqueeze(0), True
    raise RuntimeError(
        "non-empty 3D or 4D (batch mode) tensor expected for input\n"
        f"  {function} got {list(input.shape)}: images are (N, C, H, W) or (C, H, W)"
    )


def max_pool2d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Take the largest element of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: size of the window, int or pair.
        stride: step of the window, int or pair; by default its size.
        padding: how many elements of minus infinity to imagine around the image, int or pair, at
            most half of the window.
        dilation: distance between the elements of a window, int or pair.
        ceil_mode: round the size of the result up, so that a last window may hang over.
        return_indices: also return where the largest elements stand.

    Returns:
        (N, C, oH, oW); with ``return_indices`` that and an int64 tensor of its shape, with
        ``row * W + column`` in the input. The first of equal elements counts and has
        the gradient.

    Raises:
        RuntimeError: the options make no sense, or no window fits.

    Source: PyTorch, ``torch.nn.functional.max_pool2d``.
    """
    name = "max_pool2d"
    kernel_size = _pair(kernel_size, "kernel_size", name)
    options = (
        kernel_size,
        kernel_size if stride is None or stride == () else _pair(stride, "stride", name),
        _pair(padding, "padding", name),
        _pair(dilation, "dilation", name),
        bool(ceil_mode),
    )
    input, unbatched = _batched_for_pooling(input, name)
    if return_indices:
        output, indices = MaxPool2dWithIndices.apply(input, *options)
        return (output.squeeze(0), indices.squeeze(0)) if unbatched else (output, indices)
    output = MaxPool2d.apply(input, *options)
    return output.squeeze(0) if unbatched else output


def avg_pool2d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Take the mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: size of the window, int or pair.
        stride: step of the window, int or pair; by default its size.
        padding: how many zeros to imagine around the image, int or pair, at most half the window.
        ceil_mode: round the size of the result up, so that a last window may hang over.
        count_include_pad: whether the zeros count in the mean.
        divisor_override: what to divide the sums by, instead of the number of elements.

    Returns:
        (N, C, oH, oW).

    Raises:
        RuntimeError: the options make no sense, or no window fits.

    Source: PyTorch, ``torch.nn.functional.avg_pool2d``.
    """
    name = "avg_pool2d"
    kernel_size = _pair(kernel_size, "kernel_size", name)
    input, unbatched = _batched_for_pooling(input, name)
    output: Tensor = AvgPool2d.apply(
        input,
        kernel_size,
        kernel_size if stride is None or stride == () else _pair(stride, "stride", name),
        _pair(padding, "padding", name),
        bool(ceil_mode),
        bool(count_include_pad),
        divisor_override,
    )
    return output.squeeze(0) if unbatched else output


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Take means over windows chosen so that the result has a given size.

    Args:
        input: (N, C, H, W) or (C, H, W), floating point.
        output_size: (oH, oW), or an int for both; None keeps that size of the input.

    Returns:
        (N, C, oH, oW). Window i covers rows ⌊i H / oH⌋ to ⌈(i + 1) H / oH⌉.

    Raises:
        RuntimeError: the input has other dimensions or an empty one, or the size is negative.

    Source: PyTorch, ``torch.nn.functional.adaptive_avg_pool2d``.
    """
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got {list(input.shape)}"
        )
    wanted = (
        (output_size,) * 2 if output_size is None or isinstance(output_size, int) else output_size
    )
    if len(wanted) != 2:
        raise RuntimeError("adaptive_avg_pool2d: output_size must be 2")
    size = tuple([n if w is None else int(w) for n, w in zip(input.shape[-2:], wanted)])
    input, unbatched = _batched_for_pooling(input, "adaptive_avg_pool2d")
    output: Tensor = AdaptiveAvgPool2d.apply(input, size)
    return output.squeeze(0) if unbatched else output


# --- classes as vectors ---------------------------------------------------------------------------


# --- activations ---------------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0).

    Source: PyTorch, ``torch.nn.functional.relu``.
    """
    return input.relu_() if inplace else activations.relu(input)


def _softmax_dim(name: str, ndim: int) -> int:
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
        dim = _softmax_dim("softmax", input.ndim)
    return activations.softmax(input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return the logarithm of :func:`softmax`, exact also where that is tiny.

    Source: PyTorch, ``torch.nn.functional.log_softmax``.
    """
    if dim is None:
        dim = _softmax_dim("log_softmax", input.ndim)
    return activations.log_softmax(input, dim, dtype)


# --- normalization, embedding --------------------------------------------------------------------


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

    Returns:
        A tensor of the input's shape.

    Raises:
        ValueError: one value for each channel in training, whose variance would be 0.
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.batch_norm``.
    """
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if training:
        _check_values_per_channel(input.shape, f"torch.Size({list(input.shape)})")
    channels = input.shape[1]
    named = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    for name, tensor in named.items():
        if tensor is not None and tensor.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {tensor.numel()}")
    elementwise.require_floating("batch_norm", input.array)
    present = {name: x.array for name, x in named.items() if x is not None}
    order = ("weight", "bias", "running_mean", "running_var")
    check_parameter_dtypes(input.array, **{name: present.get(name) for name in order})
    if training:
        output: Tensor = BatchNorm.apply(
            input, weight, bias, running_mean, running_var, momentum, eps
        )
        for running in (running_mean, running_var):
            if running is not None:
                running._version[0] += 1
        return output
    if running_mean is None or running_var is None:
        raise RuntimeError(
            f"{'running_mean' if running_mean is None else 'running_var'} must be defined in "
            "evaluation mode"
        )
    shape = (1, channels) + (1,) * (input.ndim - 2)
    scale = (running_var + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -running_mean * scale
    if bias is not None:
        shift = shift + bias
    return input * scale.reshape(shape) + shift.reshape(shape)


def _check_values_per_channel(shape: Sequence[int], shown: str) -> None:
    if math.prod((shape[0], *shape[2:])) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {shown}\n"
            "  The variance of one value is 0: use a larger batch, or eval()"
        )


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
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
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            f"element, but got normalized_shape = {list(shape)}"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(tensor.shape)} and normalized_shape = {list(shape)}"
            )
    if input.ndim < len(shape) or tuple(input.shape[input.ndim - len(shape) :]) != shape:
        sizes = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape=[{sizes}], expected input with shape [*, {sizes}], but got "
            f"input of size{list(input.shape)}"
        )
    return LayerNorm.apply(input, weight, bias, shape, eps)  # type: ignore[no-any-return]


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
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(tensor.shape)} and input of shape "
                f"{list(input.shape)}"
            )
    return GroupNorm.apply(input, weight, bias, num_groups, eps)  # type: ignore[no-any-return]


# --- losses --------------------------------------------------------------------------------------


def _check_same_size(name: str, input: Tensor, target: Tensor) -> None:
    """Warn if a loss is about to broadcast, which is seldom meant."""
    _require_tensor(name, input, target)
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the "
            f"input size (torch.Size({list(input.shape)})). This will likely lead to incorrect "
            "results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def _weighted(input: Tensor, losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """Reduce losses; with weights, shaped as the input, the mean is divided by their sum."""
    if weight is None:
        return _reduce(losses, reduction)
    if weight.shape != input.shape:
        raise ValueError(
            "Weights and input must have the same size.\n"
            f"  The weights have the shape {list(weight.shape)}, the input {list(input.shape)}"
        )
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.sum()
    return _reduce(losses, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of (x - y)², or the sum, or each.

    Args:
        input: x, any shape.
        target: y, the same shape (another one broadcasts, with a warning).
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "mean", "sum" or "none".
        weight: of the same shape; the mean is a weighted one then.

    Raises:
        ValueError: another reduction.

    Source: PyTorch, ``torch.nn.functional.mse_loss``.
    """
    _check_same_size("mse_loss", input, target)
    reduction = _reduction(size_average, reduce, reduction)
    return _weighted(input, loss_ops.SquaredError.apply(input, target), weight, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of |x - y|, or the sum, or each; arguments as for :func:`mse_loss`.

    Source: PyTorch, ``torch.nn.functional.l1_loss``.
    """
    _check_same_size("l1_loss", input, target)
    reduction = _reduction(size_average, reduce, reduction)
    return _weighted(input, (input - target).abs(), weight, reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of ½ d² where |d| < δ, else of δ (|d| - ½ δ), for d = x - y.

    Args:
        input: x, any shape.
        target: y, the same shape.
        reduction: "mean", "sum" or "none".
        delta: δ > 0.
        weight: of the same shape: what to multiply each loss by; the mean is still divided by the
            number of losses.

    Raises:
        RuntimeError: ``delta`` is not positive.

    Source: PyTorch, ``torch.nn.functional.huber_loss``; Huber (1964).
    """
    _check_same_size("huber_loss", input, target)
    _check_reduction(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if target.dtype != input.dtype:
        if not can_cast(target.dtype, input.dtype):
            raise RuntimeError(
                f"result type {type_name(target.dtype)} can't be cast to the desired output type "
                f"{type_name(input.dtype)}"
            )
        target = target.to(input.dtype)
    losses = loss_ops.HuberError.apply(input, target, delta)
    if weight is None or reduction != "mean":
        return _weighted(input, losses, weight, reduction)
    return _weighted(input, losses, weight, "sum") / losses.numel()


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return the mean of ½ d² / β where |d| < β, else of |d| - ½ β, for d = x - y.

    This is :func:`huber_loss` divided by β; for β = 0 it is :func:`l1_loss`.

    Raises:
        RuntimeError: ``beta`` is negative.

    Source: PyTorch, ``torch.nn.functional.smooth_l1_loss``.
    """
    _check_same_size("smooth_l1_loss", input, target)
    reduction = _reduction(size_average, reduce, reduction)
    _check_reduction(reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return _reduce((input - target).abs(), reduction)
    return _reduce(loss_ops.HuberError.apply(input, target, beta) / beta, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return -log of the probability of the right class, softmax of the scores taken.

    Args:
        input: scores (logits) of C classes, (N, C), (N, C, …) or (C,).
        target: the right classes, integers of shape (N,), (N, …) or (); or the probabilities of all
            classes, floating-point numbers of the input's shape.
        weight: (C,), of each class; the mean is a weighted one then.
        size_average: and ``reduce``: old names for ``reduction``.
        ignore_index: a class that counts nothing (for targets that are classes).
        reduction: "mean", "sum" or "none".
        label_smoothing: from 0 to 1: how much of the target to spread over all classes.

    Returns:
        A 0-d tensor, or with "none" a tensor of the shape of the classes.

    Raises:
        ValueError: the batch sizes differ.
        RuntimeError: other sizes differ.
        IndexError: a target that is no class.

    Source: PyTorch, ``torch.nn.functional.cross_entropy``.
    """
    _require_tensor("cross_entropy_loss", input, target)
    reduction = _reduction(size_average, reduce, reduction)
    _check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.shape != input.shape:
        return loss_ops.CrossEntropy.apply(  # type: ignore[no-any-return]
            input, target, weight, ignore_index, reduction, label_smoothing
        )
    if target.dtype.kind != "f":
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{type_name(target.dtype)}\n  A target of the input's shape "
            f"{list(input.shape)} holds probabilities; classes would have one dimension less"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    return _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing)


def _cross_entropy_of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    class_dim = min(1, input.ndim - 1)
    classes = input.shape[class_dim]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or "
            f"no classes but got weight tensor of shape: {list(weight.shape)}"
        )
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    losses = input.log_softmax(class_dim) * target
    if weight is not None:
        losses = losses * weight.reshape([-1 if d == class_dim else 1 for d in range(input.ndim)])
    if reduction == "none":
        return -losses.sum(class_dim)
    total = -losses.sum()
    if reduction == "sum":
        return total
    return total / (input.numel() // max(1, classes)) if input.numel() else total * math.nan


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return minus the log-probability of the right class.

    Args:
        input: log-probabilities of C classes, (N, C), (N, C, …) or (C,).
        target: the right classes, integers of shape (N,), (N, …) or ().
        weight: and the other arguments: as for :func:`cross_entropy`.

    Raises:
        ValueError: the batch sizes differ.
        RuntimeError: other sizes differ.
        IndexError: a target that is no class.

    Source: PyTorch, ``torch.nn.functional.nll_loss``.
    """
    reduction = _reduction(size_average, reduce, reduction)
    _check_reduction(reduction)
    return loss_ops.NllLoss.apply(  # type: ignore[no-any-return]
        input, target, weight, ignore_index, reduction
    )


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of -(y log p + (1 - y) log(1 - p)), the logarithms not below -100.

    Args:
        input: p, probabilities.
        target: y, of the same shape, in [0, 1].
        weight: what to multiply each loss by; broadcast to the shape.
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: the shapes differ.
        RuntimeError: ``input`` or ``target`` is outside [0, 1].

    Source: PyTorch, ``torch.nn.functional.binary_cross_entropy``.
    """
    reduction = _reduction(size_average, reduce, reduction)
    _check_reduction(reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the "
            f"input size (torch.Size({list(input.shape)})) is deprecated. Please ensure they have "
            "the same size."
        )
    losses = loss_ops.BinaryCrossEntropy.apply(input, target)
    return _reduce(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return :func:`binary_cross_entropy` of sigmoid(``input``), exact for large scores, too.

    Args:
        input: scores (logits).
        target: of the same shape, in [0, 1].
        weight: what to multiply each loss by; broadcast to the shape.
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "mean", "sum" or "none".
        pos_weight: what to multiply the positive part by; broadcast to the shape.

    Raises:
        ValueError: the shapes differ.

    Source: PyTorch, ``torch.nn.functional.binary_cross_entropy_with_logits``.
    """
    reduction = _reduction(size_average, reduce, reduction)
    _check_reduction(reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))"
        )
    losses = loss_ops.BinaryCrossEntropyWithLogits.apply(input, target, pos_weight)
    return _reduce(losses if weight is None else losses * weight, reduction)
