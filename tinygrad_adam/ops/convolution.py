"""Convolution, and its gradients, which are operations in their own right.

A convolution is linear in the image and linear in the kernels, so it has two gradients, and both
are convolutions again. The bias is a kernel of one pixel that sees an image of ones: its gradient
comes with that of the kernels. The three are closed under differentiation: the gradient of each is
made of the other two. That gives gradients of gradients of any order, and transposed convolution
for nothing: it *is* the input gradient.

Images are (N, C, H, W), kernels (O, C / groups, kH, kW); options are pairs of ints. ``g`` is the
gradient of the result.
"""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.backend.windows import Pair, output_sizes
from tinygrad_adam.ops.reductions import Sum


def _sizes(shape: tuple[int, ...], spatial: int) -> str:
    """Return a shape as PyTorch's error texts show it, with the spatial dimensions that it had."""
    return str([*shape[:2], *shape[len(shape) - spatial :]])


def check_convolution(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    transposed: bool = False,
    spatial: int = 2,
) -> None:
    """Raise for what a convolution cannot be computed of.

    Args:
        x: (N, C, H, W).
        weight: (O, C / groups, kH, kW), or if ``transposed`` (C, O / groups, kH, kW).
        bias: (O,) or None.
        stride: and ``padding``, ``dilation``, ``groups``, as for the convolution.
        transposed: whether the convolution is a transposed one.
        spatial: 1 if the first of the two spatial dimensions was added for a 1-d convolution.

    Raises:
        RuntimeError: shapes, dtypes or options do not fit.
    """
    if groups < 1:
        raise RuntimeError("non-positive groups is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(stride) < 1:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) < 1:
        raise RuntimeError("non-positive dilation is not supported")
    if weight.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            f"got weight of size {_sizes(weight.shape, spatial)} instead"
        )
    if weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{_sizes(weight.shape, spatial)}] instead"
        )
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    if x.shape[1] != channels:
        given = f"transposed={int(transposed)}" if transposed else f"groups={groups}"
        raise RuntimeError(
            f"Given {given}, weight of size {_sizes(weight.shape, spatial)}, expected input"
            f"{_sizes(x.shape, spatial)} to have {channels} channels, but got {x.shape[1]} "
            "channels instead"
        )
    out_channels = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and bias.shape != (out_channels,):
        given = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {given}weight of size {_sizes(weight.shape, spatial)}, expected bias to be "
            f"1-dimensional with {out_channels} elements, but got bias of size {list(bias.shape)} "
            "instead"
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
        padded = (x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
        reach = (
            dilation[0] * (weight.shape[2] - 1) + 1,
            dilation[1] * (weight.shape[3] - 1) + 1,
        )
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

    backward_takes_arrays = True

    def forward(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
        spatial: int = 2,
    ) -> Array:
        check_convolution(x, weight, bias, stride, padding, dilation, groups, False, spatial)
        self.options = (stride, padding, dilation, groups)
        self.shapes = (x.shape, weight.shape)
        need_x, need_weight = self.needs_input_grad[:2]
        self.save_for_backward(x if need_weight else None, weight if need_x else None)
        if x.size == 0:
            return self._empty(x, weight, bias)
        return kernels(x).conv2d(x, weight, bias, *self.options)

    def _empty(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """No images: no results. No channels: nothing to sum up but the bias."""
        sizes = output_sizes(x.shape[2:], weight.shape[2:], *self.options[:3])
        y = array_module(x).zeros((x.shape[0], weight.shape[0], *sizes), x.dtype)
        if bias is not None:
            y += bias[:, None, None]
        return y

    def backward(self, grad: Any) -> Any:
        x, weight = self.saved_tensors
        need_x, need_weight, need_bias = self.needs_input_grad[:3]
        grad_x = grad_weight = grad_bias = None
        if need_x:
            grad_x = Conv2dInputGradient.apply(grad, weight, self.shapes[0], *self.options)
        if need_weight:
            grads = Conv2dParameterGradients.apply(
                grad, x, self.shapes[1], need_bias, *self.options
            )
            grad_weight, grad_bias = grads if need_bias else (grads, None)
        elif need_bias:
            grad_bias = Sum.apply(grad, (0, 2, 3), False)
        return grad_x, grad_weight, grad_bias


class Conv2dInputGradient(Operation):
    """The gradient of :class:`Conv2d` for its image, linear in g and in w: a transposed one.

    Takes g (N, O, oH, oW), w and the shape of the image.  With G the gradient of the result:
    dg = Conv2d(G, w), dw = Conv2dParameterGradients(g, G).  Saves g and w.
    """

    def forward(
        self,
        grad: Array,
        weight: Array,
        input_shape: tuple[int, ...],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        self.options = (stride, padding, dilation, groups)
        self.shapes = (grad.shape, weight.shape)
        need_grad, need_weight = self.needs_input_grad[:2]
        self.save_for_backward(grad if need_weight else None, weight if need_grad else None)
        if grad.size == 0 or 0 in input_shape:
            return array_module(grad).zeros(input_shape, grad.dtype)
        return kernels(grad).conv2d_input_gradient(grad, weight, input_shape, *self.options)

    def backward(self, grad: Any) -> Any:
        output_grad, weight = self.saved_tensors
        need_grad, need_weight = self.needs_input_grad[:2]
        to_grad = to_weight = None
        if need_grad:
            to_grad = _cut(Conv2d.apply(grad, weight, None, *self.options), self.shapes[0])
        if need_weight:
            to_weight = Conv2dParameterGradients.apply(
                output_grad, grad, self.shapes[1], False, *self.options
            )
        return to_grad, to_weight


class Conv2dParameterGradients(Operation):
    """The gradients of :class:`Conv2d` for its kernels and its bias, linear in g and in x.

    Takes g (N, O, oH, oW), x, the shape of the kernels, and whether there is a bias; without, the
    result is one.  With G_w, G_b the gradients of the results: dg = Conv2d(x, G_w, G_b),
    dx = Conv2dInputGradient(g, G_w).  Saves g and x.
    """

    def forward(
        self,
        grad: Array,
        x: Array,
        weight_shape: tuple[int, ...],
        bias: bool,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array | tuple[Array, Array]:
        self.options = (stride, padding, dilation, groups)
        self.shapes = (grad.shape, x.shape)
        need_grad, need_x = self.needs_input_grad[:2]
        self.save_for_backward(grad if need_x else None, x if need_grad else None)
        if x.size == 0 or grad.size == 0:
            dw = array_module(x).zeros(weight_shape, x.dtype)
            return (dw, Sum.apply(grad, (0, 2, 3), False)) if bias else dw
        dw, db = kernels(x).conv2d_parameter_gradients(grad, x, weight_shape, bias, *self.options)
        return (dw, db) if bias else dw

    def backward(self, grad: Any, grad_bias: Any = None) -> Any:
        output_grad, x = self.saved_tensors
        need_grad, need_x = self.needs_input_grad[:2]
        to_grad = to_x = None
        if need_grad:
            y = Conv2d.apply(x, grad, grad_bias, *self.options)
            to_grad = _cut(y, self.shapes[0])
        if need_x:
            to_x = Conv2dInputGradient.apply(output_grad, grad, self.shapes[1], *self.options)
        return to_grad, to_x


def _cut(y: Any, shape: tuple[int, ...]) -> Any:
    """Return the part of ``y`` of a given shape.

    The image of a transposed convolution may be larger than it need be (``output_padding``), and
    then have room for one more window than there were.
    """
    return y if y.array.shape == shape else y[:, :, : shape[2], : shape[3]]


class ConvTranspose2d(Conv2dInputGradient):
    """The transpose of a convolution: every pixel of x adds a multiple of the kernel to the result.

    Takes x (N, C, H, W), w (C, O / groups, kH, kW) and the shape of the result (N, O, H', W').
    Gradient: as :class:`Conv2dInputGradient`, whose g is x here.  Saves x and w.
    """

    def forward(
        self,
        x: Array,
        weight: Array,
        output_shape: tuple[int, ...],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        check_convolution(x, weight, None, stride, padding, dilation, groups, transposed=True)
        return super().forward(x, weight, output_shape, stride, padding, dilation, groups)
