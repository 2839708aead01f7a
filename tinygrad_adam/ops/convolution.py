"""Convolution, and its gradients, which are operations in their own right.

A convolution is linear in the image and linear in the kernels, so it has two gradients, and both
are convolutions again. The bias is a kernel of one pixel that sees an image of ones: its gradient
comes with that of the kernels. The three are closed under differentiation: the gradient of each is
made of the other two. That gives gradients of gradients of any order, and transposed convolution
for nothing: it *is* the input gradient.

Images are (N, C, H, W), kernels (O, C / groups, kH, kW). ``g`` is the gradient of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.backend.sums import total
from tinygrad_adam.backend.windows import output_sizes
from tinygrad_adam.ops.arguments import IntOrPair, Pair, checked, ints, pair
from tinygrad_adam.ops.indexing import getitem
from tinygrad_adam.ops.reductions import sum
from tinygrad_adam.ops.shapes import Pad, batched, reshape, squeeze, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

Shape = tuple[int, ...]


class Options(NamedTuple):
    """How the kernels move: what all three operations have in common."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


def _sizes(shape: Shape, spatial: int) -> str:
    """Return a shape as PyTorch's error texts show it, with the spatial dimensions that it had."""
    return str([*shape[:2], *shape[len(shape) - spatial :]])


def _check(
    x: Any, weight: Any, bias: Any, options: Options, transposed: bool = False, spatial: int = 2
) -> None:
    """Raise for what a convolution cannot be computed of.

    Args:
        x: (N, C, H, W).
        weight: (O, C / groups, kH, kW), or if ``transposed`` (C, O / groups, kH, kW).
        bias: (O,) or None.
        options: how the kernels move.
        transposed: whether the convolution is a transposed one.
        spatial: 1 if the first of the two spatial dimensions was added for a 1-d convolution.

    Raises:
        RuntimeError: shapes, dtypes or options do not fit.
    """
    stride, padding, dilation, groups = options
    for name, least, value in (
        ("groups", 1, groups),
        ("padding", 0, min(padding)),
        ("stride", 1, min(stride)),
        ("dilation", 1, min(dilation)),
    ):
        if value < least:
            bound = "non-positive" if least else "negative"
            raise RuntimeError(f"{bound} {name} is not supported")
    size = _sizes(weight.shape, spatial)
    if weight.shape[0] < groups or weight.shape[0] % groups:
        wanted = "at least" if weight.shape[0] < groups else "divisible by"
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be {wanted} {groups} at dimension 0, but "
            f"got weight of size {size} instead"
        )
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    if x.shape[1] != channels:
        given = f"transposed={int(transposed)}" if transposed else f"groups={groups}"
        raise RuntimeError(
            f"Given {given}, weight of size {size}, expected input{_sizes(x.shape, spatial)} to "
            f"have {channels} channels, but got {x.shape[1]} channels instead"
        )
    out_channels = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and bias.shape != (out_channels,):
        given = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {given}weight of size {size}, expected bias to be 1-dimensional with "
            f"{out_channels} elements, but got bias of size {list(bias.shape)} instead"
        )
    if bias is not None and x.dtype != bias.dtype:
        a, b = c_type_name(x.dtype), c_type_name(bias.dtype)
        raise RuntimeError(f"Input type ({a}) and bias type ({b}) should be the same")
    if x.dtype != weight.dtype:
        raise RuntimeError(
            f"expected scalar type {type_name(x.dtype)} but found {type_name(weight.dtype)}\n"
            "  Input and weight must have one dtype: convert one, as in x.float()"
        )
    if not transposed and x.shape[1]:
        padded = [x.shape[2 + i] + 2 * padding[i] for i in (0, 1)]
        reach = [dilation[i] * (weight.shape[2 + i] - 1) + 1 for i in (0, 1)]
        if padded[0] < reach[0] or padded[1] < reach[1]:
            raise RuntimeError(
                "Calculated padded input size per channel: "
                f"({' x '.join(map(str, padded[2 - spatial :]))}). Kernel size: "
                f"({' x '.join(map(str, reach[2 - spatial :]))}). Kernel size can't be greater "
                "than actual input size"
            )
    if 0 in x.shape[2:]:
        raise RuntimeError(
            "Only zero batch or zero channel inputs are supported, but got input shape: "
            f"{_sizes(x.shape, spatial)}"
        )


class Conv2d(Operation):
    """y[n, o] = b[o] + Σ over c of x[n, c] ⋆ w[o, c], where ⋆ slides w over x (correlation).

    Gradient: the operations below; where only b needs one, Σ g over all but the channels.  Saves
    what they need of x and w.
    """

    backward_name = "Convolution"

    def forward(
        self, x: Array, weight: Array, bias: Array | None, options: Options, spatial: int = 2
    ) -> Array:
        _check(x, weight, bias, options, spatial=spatial)
        self.options, self.shapes = options, (x.shape, weight.shape)
        need_x, need_weight = self.needs_input_grad[:2]
        self.save(x if need_weight else None, weight if need_x else None)
        if x.size:
            return kernels(x, weight).conv2d(x, weight, bias, *options)
        # No images: no results. No channels: nothing to sum up but the bias.
        sizes = output_sizes(x.shape[2:], weight.shape[2:], *options[:3])
        y = array_module(x).zeros((x.shape[0], weight.shape[0], *sizes), x.dtype)
        if bias is not None:
            y += bias[:, None, None]
        return y

    def backward(self, grad: Any) -> Any:
        x, weight = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad[:3]
        grad_x = grad_weight = grad_bias = None
        if need_x:
            grad_x = Conv2dInputGradient.apply(grad, weight, self.shapes[0], self.options)
        if need_weight:
            found = Conv2dParameterGradients.apply(grad, x, self.shapes[1], need_bias, self.options)
            grad_weight, grad_bias = found if need_bias else (found, None)
        elif need_bias:
            grad_bias = sum(grad, (0, 2, 3))
        return grad_x, grad_weight, grad_bias


class Conv2dInputGradient(Operation):
    """The gradient of :class:`Conv2d` for its image, linear in g and in w: a transposed one.

    Takes g (N, O, oH, oW), w and the shape of the image.  With G the gradient of the result:
    dg = Conv2d(G, w), dw = Conv2dParameterGradients(g, G).  Saves what these need of g and w.
    """

    def forward(self, grad: Array, weight: Array, input_shape: Shape, options: Options) -> Array:
        self.options, self.shapes = options, (grad.shape, weight.shape)
        need_grad, need_weight = self.needs_input_grad[:2]
        self.save(grad if need_weight else None, weight if need_grad else None)
        if grad.size == 0 or 0 in input_shape:
            return array_module(grad).zeros(input_shape, grad.dtype)
        return kernels(grad, weight).conv2d_input_gradient(grad, weight, input_shape, *options)

    def backward(self, grad: Any) -> Any:
        output_grad, weight = self.saved
        need_grad, need_weight = self.needs_input_grad[:2]
        to_grad = to_weight = None
        if need_grad:
            to_grad = _cut(Conv2d.apply(grad, weight, None, self.options), self.shapes[0])
        if need_weight:
            to_weight = Conv2dParameterGradients.apply(
                output_grad, grad, self.shapes[1], False, self.options
            )
        return to_grad, to_weight


class Conv2dParameterGradients(Operation):
    """The gradients of :class:`Conv2d` for its kernels and its bias, linear in g and in x.

    Takes g (N, O, oH, oW), x, the shape of the kernels, and whether there is a bias; without, the
    result is one.  With G_w, G_b the gradients of the results: dg = Conv2d(x, G_w, G_b),
    dx = Conv2dInputGradient(g, G_w).  Saves what these need of g and x.
    """

    def forward(
        self, grad: Array, x: Array, weight_shape: Shape, bias: bool, options: Options
    ) -> Array | tuple[Array, Array]:
        self.options, self.shapes = options, (grad.shape, x.shape)
        need_grad, need_x = self.needs_input_grad[:2]
        self.save(grad if need_x else None, x if need_grad else None)
        if x.size and grad.size:
            dw, db = kernels(grad, x).conv2d_parameter_gradients(
                grad, x, weight_shape, bias, *options
            )
        else:
            dw = array_module(x).zeros(weight_shape, x.dtype)
            db = total(grad, (0, 2, 3)) if bias else None
        return (dw, db) if bias else dw

    def backward(self, grad: Any, grad_bias: Any = None) -> Any:
        output_grad, x = self.saved
        need_grad, need_x = self.needs_input_grad[:2]
        to_grad = to_x = None
        if need_grad:
            to_grad = _cut(Conv2d.apply(x, grad, grad_bias, self.options), self.shapes[0])
        if need_x:
            to_x = Conv2dInputGradient.apply(output_grad, grad, self.shapes[1], self.options)
        return to_grad, to_x


def _cut(y: Any, shape: Shape) -> Any:
    """Return the part of ``y`` of a given shape.

    The image of a transposed convolution may be larger than it need be (``output_padding``), and
    then have room for one more window than there were.
    """
    return y if y.shape == shape else getitem(y, (..., slice(shape[2]), slice(shape[3])))


# --- functions -----------------------------------------------------------------------------------


def _check_dimensions(name: str, input: Tensor, weight: Tensor, spatial: int = 2) -> None:
    """Raise unless input and weight have ``spatial`` + 2 dimensions."""
    if input.ndim != spatial + 2:
        raise RuntimeError(
            f"Expected {spatial + 1}D (unbatched) or {spatial + 2}D (batched) input to {name}, but "
            f"got input of size: {list(input.shape)}"
        )
    if weight.ndim != input.ndim:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight "
            f"{list(weight.shape)}, but got {input.ndim}-dimensional input of size "
            f"{list(input.shape)} instead"
        )


def named_padding(
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
    (top, bottom), (left, right) = named_padding(padding, weight.shape[2:], stride, dilation)
    if bottom > top or right > left:
        beyond = ((0, 0), (0, 0), (0, bottom - top), (0, right - left))
        input = Pad.apply(input, beyond, 0)
    return input, (top, left)


@batched(4)
@checked
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
    stride, dilation = pair(stride, "stride"), pair(dilation, "dilation")
    _check_dimensions("conv2d", input, weight)
    if isinstance(padding, str):
        input, padding = _resolve_padding(input, weight, stride, padding, dilation)
    options = Options(stride, pair(padding, "padding"), dilation, groups)
    return Conv2d.apply(input, weight, bias, options)  # type: ignore[no-any-return]


@as_one("Convolution", "input", "weight", "bias")
@batched(3)
@checked
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
    _check_dimensions("conv1d", input, weight, spatial=1)
    input, weight = unsqueeze(input, 2), unsqueeze(weight, 2)
    (step,), (distance,) = ints(stride, 1, "stride"), ints(dilation, 1, "dilation")
    steps, distances = (1, step), (1, distance)
    if isinstance(padding, str):
        input, zeros = _resolve_padding(input, weight, steps, padding, distances)
    else:
        zeros = (0, ints(padding, 1, "padding")[0])
    options = Options(steps, zeros, distances, groups)
    return squeeze(Conv2d.apply(input, weight, bias, options, 1), 2)


@as_one("Convolution", "input", "weight", "bias")
@batched(4)
@checked
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
    _check_dimensions("conv_transpose2d", input, weight)
    options = Options(
        pair(stride, "stride"), pair(padding, "padding"), pair(dilation, "dilation"), groups
    )
    return _transposed(input, weight, bias, options, pair(output_padding, "output_padding"))


@batched(3)
@checked
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
) -> Tensor:
    """Transpose :func:`conv1d`: :func:`conv_transpose2d` on images one pixel high.

    Args:
        input: (N, C, L) or (C, L).
        weight: (C, O / groups, k).
        bias: (O,) or None.
        stride: and the others: as for :func:`conv_transpose2d`, ints.

    Returns:
        (N, O, oL), with oL = (L - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1.

    Raises:
        RuntimeError: shapes, dtypes or options do not fit.

    Source: PyTorch, ``torch.nn.functional.conv_transpose1d``.
    """
    _check_dimensions("conv_transpose1d", input, weight, spatial=1)
    (step,), (zeros,) = ints(stride, 1, "stride"), ints(padding, 1, "padding")
    (distance,), (extra,) = ints(dilation, 1, "dilation"), ints(output_padding, 1, "output_padding")
    options = Options((1, step), (0, zeros), (1, distance), groups)
    input, weight = unsqueeze(input, 2), unsqueeze(weight, 2)
    return squeeze(_transposed(input, weight, bias, options, (0, extra), spatial=1), 2)


def _transposed(
    input: Any, weight: Any, bias: Any, options: Options, extra: Pair, spatial: int = 2
) -> Tensor:
    """Return the transposed convolution, ``extra`` added to the result at its end."""
    stride, padding, dilation, groups = options
    _check(input, weight, bias, options, transposed=True, spatial=spatial)
    if min(extra) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if any(extra[i] >= max(stride[i], dilation[i]) for i in (0, 1)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding={extra[-spatial:]}, stride={stride[-spatial:]}, "
            f"dilation={dilation[-spatial:]}"
        )
    sizes = [
        (input.shape[2 + i] - 1) * stride[i]
        - 2 * padding[i]
        + dilation[i] * (weight.shape[2 + i] - 1)
        + extra[i]
        + 1
        for i in (0, 1)
    ]
    if min(sizes) < 1:
        given, made = (" x ".join(map(str, x[-spatial:])) for x in (input.shape, sizes))
        raise RuntimeError(
            f"Given input size per channel: ({given}). Calculated output size per channel: "
            f"({made}). Output size is too small"
        )
    shape = (input.shape[0], weight.shape[1] * groups, *sizes)
    output: Tensor = Conv2dInputGradient.apply(input, weight, shape, options)
    return output if bias is None else output + reshape(bias, (1, -1, 1, 1))
