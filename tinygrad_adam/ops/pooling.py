"""Pooling: the largest or the mean element of each window. Images are (N, C, H, W).

Options are pairs of ints. ``g`` is the gradient of the result, ``G`` that of a gradient.
"""

from __future__ import annotations

import functools
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, is_differentiable, kernels
from tinygrad_adam.backend.windows import Pair, output_sizes


@functools.lru_cache
def _pooled_shape(
    shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> tuple[int, ...]:
    """Return the shape of the result, for images of ``shape``.

    Raises:
        RuntimeError: the options make no sense, or no window fits.
    """
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(stride) < 0:
        raise RuntimeError(
            f"stride should be greater than zero, but got dH: {stride[0]} dW: {stride[1]}"
        )
    if min(kernel_size) < 1:
        raise RuntimeError(
            "kernel size should be greater than zero, but got "
            f"kH: {kernel_size[0]} kW: {kernel_size[1]}"
        )
    if min(dilation) < 1:
        raise RuntimeError(
            "dilation should be greater than zero, but got "
            f"dilationH: {dilation[0]} dilationW: {dilation[1]}"
        )
    for i in (0, 1):
        if padding[i] < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {padding[i]}")
        if padding[i] > ((kernel_size[i] - 1) * dilation[i] + 1) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={padding[i]}, kernel_size={kernel_size[i]} and dilation={dilation[i]}"
            )
    if 0 in shape[1:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(shape)}"
        )
    rows, columns = output_sizes(shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    if rows < 1 or columns < 1:
        _, channels, height, width = shape
        raise RuntimeError(
            f"Given input size: ({channels}x{height}x{width}). Calculated output size: "
            f"({channels}x{rows}x{columns}). Output size is too small"
        )
    return (*shape[:2], rows, columns)


class MaxPool2d(Operation):
    """The largest element of each window; padding counts as -∞.

    Gradient: g goes to that element, the first where several are equal.  Saves x and the result.
    """

    backward_takes_arrays = True

    def forward(
        self,
        x: Array,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        ceil_mode: bool,
    ) -> Array:
        shape = _pooled_shape(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
        self.options = (kernel_size, stride, padding, dilation, ceil_mode)
        if x.dtype.kind == "b":
            raise NotImplementedError("\"max_pool2d\" not implemented for 'Bool'")
        empty = x.size == 0
        y = (
            array_module(x).empty(shape, x.dtype)
            if empty
            else kernels(x).max_pool2d(x, *self.options)
        )
        self.save_for_backward(x, y)
        return y

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        return MaxPool2dGradient.apply(grad, x, y, self.options)


class MaxPool2dGradient(Operation):
    """The gradient of :class:`MaxPool2d`, linear in g.  Gradient: G at the largest elements.

    Saves x and y, which say where those are: the choice has no gradient.
    """

    def forward(self, grad: Array, x: Array, y: Array, options: tuple[Any, ...]) -> Array:
        self.options = options
        self.save_for_backward(x, y)
        if x.size == 0:
            return array_module(x).zeros(x.shape, grad.dtype)
        return kernels(x).max_pool2d_input_gradient(grad, x, y, *options)

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        indices = kernels(x.array).max_pool2d_indices(x.array, y.array, *self.options)
        return _at(grad, indices), None, None


def _at(x: Any, indices: Array) -> Any:
    """Return the elements of ``x`` (N, C, H, W) at flat ``indices`` (N, C, oH, oW) of planes."""
    rows, columns = indices.shape[2:]
    picked = x.flatten(2).gather(2, x._wrap(indices.reshape(*indices.shape[:2], rows * columns)))
    return picked.reshape(indices.shape)


class MaxPool2dWithIndices(MaxPool2d):
    """:class:`MaxPool2d` that also tells where the largest elements stand: row * W + column."""

    backward_takes_arrays = False  # there are two results
    materialize_grads = False

    def forward(self, x: Array, *options: Any) -> tuple[Array, Array]:  # type: ignore[override]
        y = super().forward(x, *options)
        if x.size == 0:
            return y, array_module(x).empty(y.shape, "int64")
        return y, kernels(x).max_pool2d_indices(x, y, *options)

    def backward(self, grad: Any, _: Any = None) -> Any:
        return super().backward(grad)


class AvgPool2d(Operation):
    """The mean of each window; padding counts as zeros.

    Gradient: every element of the window gets g / n.  Saves nothing but the shape.
    """

    def forward(
        self,
        x: Array,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        shape = _pooled_shape(x.shape, kernel_size, stride, padding, (1, 1), ceil_mode)
        self.shape = x.shape
        self.options = (
            kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        )  # fmt: skip
        if x.size == 0:
            return array_module(x).empty(shape, x.dtype)
        return kernels(x).avg_pool2d(x, *self.options)

    def backward(self, grad: Any) -> Any:
        return AvgPool2dGradient.apply(grad, self.shape, *self.options)


class AvgPool2dGradient(Operation):
    """The gradient of :class:`AvgPool2d`, linear in g.  Gradient: means of G.  Saves nothing."""

    def forward(self, grad: Array, input_shape: tuple[int, ...], *options: Any) -> Array:
        self.options = options
        if grad.size == 0:
            return array_module(grad).zeros(input_shape, grad.dtype)
        return kernels(grad).avg_pool2d_input_gradient(grad, input_shape, *options)

    def backward(self, grad: Any) -> Any:
        return AvgPool2d.apply(grad, *self.options)


class AdaptiveAvgPool2d(Operation):
    """The means of oH x oW windows that cover the image, each as large as it must be.

    Gradient: every element of a window gets g / n.  Saves nothing but the shape.
    """

    def forward(self, x: Array, output_size: Pair) -> Array:
        if min(output_size) < 0:
            raise RuntimeError(
                "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 "
                f"but received {{{output_size[0]}, {output_size[1]}}}"
            )
        for dim in (1, 2, 3):
            if not x.shape[dim]:
                raise RuntimeError(
                    "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch "
                    f"dimensions, but input has sizes {list(x.shape)} with dimension {dim} being "
                    "empty"
                )
        if not is_differentiable(x.dtype):
            name = {"int64": "Long", "int32": "Int", "bool": "Bool"}.get(x.dtype.name, x.dtype.name)
            raise NotImplementedError(f"\"adaptive_avg_pool2d\" not implemented for '{name}'")
        self.output_size, self.shape = output_size, x.shape
        if x.size == 0 or 0 in output_size:
            return array_module(x).empty((*x.shape[:2], *output_size), x.dtype)
        return kernels(x).adaptive_avg_pool2d(x, output_size)

    def backward(self, grad: Any) -> Any:
        return AdaptiveAvgPool2dGradient.apply(grad, self.shape, self.output_size)


class AdaptiveAvgPool2dGradient(Operation):
    """The gradient of :class:`AdaptiveAvgPool2d`.  Gradient: the means of G.  Saves nothing."""

    def forward(self, grad: Array, input_shape: tuple[int, ...], output_size: Pair) -> Array:
        self.output_size = output_size
        if grad.size == 0:
            return array_module(grad).zeros(input_shape, grad.dtype)
        return kernels(grad).adaptive_avg_pool2d_input_gradient(grad, input_shape)

    def backward(self, grad: Any) -> Any:
        return AdaptiveAvgPool2d.apply(grad, self.output_size)
