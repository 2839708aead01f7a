"""Pooling: the largest or the mean element of each window. Images are (N, C, H, W).

Options are pairs of ints. ``g`` is the gradient of the result, ``G`` that of a gradient.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.backend.windows import output_sizes
from tinygrad_adam.ops.arguments import (
    IntOrPair,
    Pair,
    all_ints,
    checked,
    pair,
    require_images,
    require_window,
)
from tinygrad_adam.ops.elementwise import flat_in, overwritten, require_floating, require_real
from tinygrad_adam.ops.indexing import Pick
from tinygrad_adam.ops.shapes import batched

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class Window(NamedTuple):
    """What a result sees of an image, and how that moves."""

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    ceil_mode: bool


def _window(
    name: str,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: IntOrPair,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> Window:
    """Return options as users write them as pairs; the step is the window's size by default."""
    size = pair(kernel_size, "kernel_size", name)
    step = size if stride is None or stride == () else pair(stride, "stride", name)
    padding, dilation = pair(padding, "padding", name), pair(dilation, "dilation", name)
    return Window(size, step, padding, dilation, ceil_mode)


@functools.lru_cache
def _pooled_shape(shape: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """Return the shape of the result, for images of ``shape``.

    Raises:
        RuntimeError: the options make no sense, or no window fits.
    """
    require_window(*window[:4])
    for size, padding, dilation in zip(window.kernel_size, window.padding, window.dilation):
        if padding > ((size - 1) * dilation + 1) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={padding}, kernel_size={size} and dilation={dilation}"
            )
    batch, channels, height, width = shape
    rows, columns = output_sizes((height, width), *window)
    if rows < 1 or columns < 1:
        raise RuntimeError(
            f"Given input size: ({channels}x{height}x{width}). Calculated output size: "
            f"({channels}x{rows}x{columns}). Output size is too small"
        )
    return batch, channels, rows, columns


# --- the largest element -------------------------------------------------------------------------


class MaxPool2d(Operation):
    """The largest element of each window; padding counts as -∞.

    Gradient: g goes to that element, the first where several are equal.  Saves x and the result.
    """

    backward_name = "MaxPool2DWithIndices"

    def forward(self, x: Array, window: Window) -> Any:
        shape = _pooled_shape(x.shape, window)
        self.window = window
        if x.dtype.kind in "bc":
            raise NotImplementedError(f"\"max_pool2d\" not implemented for '{type_name(x.dtype)}'")
        y = kernels(x).max_pool2d(x, *window) if x.size else array_module(x).empty(shape, x.dtype)
        self.save(x, y)
        return y

    def backward(self, grad: Any, _: Any = None) -> Any:
        x, y = self.saved
        return MaxPool2dGradient.apply(grad, x, y, self.window)


class MaxPool2dWithIndices(MaxPool2d):
    """:class:`MaxPool2d` that also tells where the largest elements stand: row * W + column."""

    materialize_grads = False

    def forward(self, x: Array, window: Window) -> tuple[Array, Array]:
        y = super().forward(x, window)
        return y, _indices(x, y, window)


class MaxPool2dGradient(Operation):
    """The gradient of :class:`MaxPool2d`, linear in g.  Gradient: G at the largest elements.

    Saves x and y, which say where those are: the choice has the slope 0.
    """

    def forward(self, grad: Array, x: Array, y: Array, window: Window) -> Array:
        self.window = window
        self.save(x, y)
        if x.size == 0:
            return array_module(x).zeros(x.shape, grad.dtype)
        return kernels(x).max_pool2d_input_gradient(grad, x, y, *window)

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        need_grad, need_x = self.needs_input_grad[:2]
        to_grad = None
        if need_grad:
            places = MaxPool2dPlaces.apply(x, y, self.window)
            to_grad = Pick.apply(grad, (...,), False, *places)
        return to_grad, overwritten(x, 0) if need_x else None, None


class MaxPool2dPlaces(Operation):
    """Where the largest elements stand, as arrays that index images: n, c, row, column."""

    def forward(self, x: Array, y: Array, window: Window) -> tuple[Array, ...]:
        arange, (batch, channels, _, width) = array_module(x).arange, x.shape
        places = _indices(x, y, window)
        image, channel = arange(batch).reshape(-1, 1, 1, 1), arange(channels).reshape(-1, 1, 1)
        return image, channel, places // width, places % width


def _indices(x: Array, y: Array, window: Window) -> Array:
    """Return where in their planes the largest elements stand: row * W + column."""
    if x.size == 0:
        return array_module(x).empty(y.shape, "int64")
    return kernels(x).max_pool2d_indices(x, y, *window)


@batched(4)
@checked
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
    require_images("max_pool2d", input)
    operation = MaxPool2dWithIndices if return_indices else MaxPool2d
    window = _window("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode)
    return operation.apply(input, window)


# --- the mean ------------------------------------------------------------------------------------


class AvgPool2d(Operation):
    """The mean of each window; padding counts as zeros.

    Gradient: every element of the window gets g / n.  Saves x, for a second derivative of 0.
    """

    backward_name = "AvgPool2D"

    def forward(
        self, x: Array, window: Window, count_include_pad: bool, divisor_override: int | None
    ) -> Array:
        require_real("avg_pool2d", x)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        shape = _pooled_shape(x.shape, window)
        self.save(x)
        self.options = window, count_include_pad, divisor_override
        if x.size == 0:
            return array_module(x).empty(shape, x.dtype)
        return kernels(x).avg_pool2d(x, *_mean_options(*self.options))

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return flat_in(x, AvgPool2dGradient.apply(grad, x.shape, *self.options))


class AvgPool2dGradient(Operation):
    """The gradient of :class:`AvgPool2d`, linear in g.  Gradient: means of G.  Saves nothing."""

    def forward(self, grad: Array, input_shape: tuple[int, ...], *options: Any) -> Array:
        self.options = options
        if grad.size == 0:
            return array_module(grad).zeros(input_shape, grad.dtype)
        return kernels(grad).avg_pool2d_input_gradient(grad, input_shape, *_mean_options(*options))

    def backward(self, grad: Any) -> Any:
        return AvgPool2d.apply(grad, *self.options)


def _mean_options(window: Window, *counting: Any) -> tuple[Any, ...]:
    """Return options as kernels take them: windows of means have no dilation."""
    return (*window[:3], window.ceil_mode, *counting)


@batched(4)
@checked
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
    require_images("avg_pool2d", input)
    window = _window("avg_pool2d", kernel_size, stride, padding, 1, ceil_mode)
    return AvgPool2d.apply(  # type: ignore[no-any-return]
        input, window, count_include_pad, divisor_override
    )


class AdaptiveAvgPool2d(Operation):
    """The means of oH x oW windows that cover the image, each as large as it must be.

    Gradient: every element of a window gets g / n.  Saves x, for a second derivative of 0.
    """

    backward_name = "AdaptiveAvgPool2D"

    def forward(self, x: Array, output_size: Pair) -> Array:
        if min(output_size) < 0:
            raise RuntimeError(
                "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 "
                f"but received {{{output_size[0]}, {output_size[1]}}}"
            )
        require_floating("adaptive_avg_pool2d", x)
        self.output_size = output_size
        self.save(x)
        if x.size == 0 or 0 in output_size:
            return array_module(x).empty((*x.shape[:2], *output_size), x.dtype)
        return kernels(x).adaptive_avg_pool2d(x, output_size)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return flat_in(x, AdaptiveAvgPool2dGradient.apply(grad, x.shape, self.output_size))


class AdaptiveAvgPool2dGradient(Operation):
    """The gradient of :class:`AdaptiveAvgPool2d`.  Gradient: the means of G.  Saves nothing."""

    def forward(self, grad: Array, input_shape: tuple[int, ...], output_size: Pair) -> Array:
        self.output_size = output_size
        if grad.size == 0:
            return array_module(grad).zeros(input_shape, grad.dtype)
        return kernels(grad).adaptive_avg_pool2d_input_gradient(grad, input_shape)

    def backward(self, grad: Any) -> Any:
        return AdaptiveAvgPool2d.apply(grad, self.output_size)


@batched(4)
@checked
def adaptive_avg_pool2d(input: Tensor, output_size: IntOrPair | None) -> Tensor:
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
    require_images("adaptive_avg_pool2d", input)
    wanted: Any = output_size
    if wanted is None or isinstance(wanted, int):
        wanted = (wanted, wanted)
    if len(wanted) != 2:
        raise RuntimeError("adaptive_avg_pool2d: output_size must be 2")
    size = [n if w is None else w for n, w in zip(input.shape[2:], wanted)]
    size = all_ints("adaptive_avg_pool2d(): argument 'output_size' (position 2)", size)
    return AdaptiveAvgPool2d.apply(input, tuple(size))  # type: ignore[no-any-return]
