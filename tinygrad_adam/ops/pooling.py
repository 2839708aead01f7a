"""Pooling: the largest or the mean element of each window. Images are (N, C, H, W).

Options are pairs of ints. ``g`` is the gradient of the result, ``G`` that of a gradient.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.backend.windows import adaptive_bounds, output_size, output_sizes
from tinygrad_adam.ops.activations import relu
from tinygrad_adam.ops.arguments import (
    IntOrPair,
    Pair,
    all_ints,
    checked,
    pair,
    require_images,
    require_window,
)
from tinygrad_adam.ops.elementwise import (
    abs,
    flat_in,
    overwritten,
    require_floating,
    require_real,
    sgn,
)
from tinygrad_adam.ops.indexing import Choose, Pick, pick_along
from tinygrad_adam.ops.shapes import batched, flatten, reshape, squeeze, unsqueeze

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
    step = pair(_given(stride, size), "stride", name)
    padding, dilation = pair(padding, "padding", name), pair(dilation, "dilation", name)
    return Window(size, step, padding, dilation, ceil_mode)


def _given(stride: Any, kernel_size: Any) -> Any:
    """Return the step: the window's size if none is given, or nothing in brackets."""
    nothing = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    return kernel_size if nothing else stride


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
    size = _adaptive_size("adaptive_avg_pool2d", input, output_size)
    return AdaptiveAvgPool2d.apply(input, size)  # type: ignore[no-any-return]


def _adaptive_size(function: str, input: Any, output_size: Any) -> tuple[int, ...]:
    """Return the size that the result is to have; None stands for the input's."""
    wanted = output_size
    if wanted is None or isinstance(wanted, int):
        wanted = (wanted, wanted)
    if len(wanted) != 2:
        raise RuntimeError(f"{function}: output_size must be 2")
    size = [n if w is None else w for n, w in zip(input.shape[2:], wanted)]
    return tuple(all_ints(f"{function}(): argument 'output_size' (position 2)", size))


class AdaptiveMaxPlaces(Operation):
    """Where in their planes the largest elements of oH x oW windows stand: row * W + column.

    The first of equal ones, row by row, and the last NaN, as in a pool with a fixed window.
    """

    def forward(self, x: Array, output_size: Pair) -> Array:
        if min(output_size) < 0:
            raise RuntimeError(
                "Trying to create tensor with negative dimension "
                f"{min(output_size)}: {[*x.shape[:2], *output_size]}"
            )
        require_floating("adaptive_max_pool2d", x)
        xp, (rows, columns) = array_module(x), output_size
        # Along each row first, then down the columns: of equal ones, the first row's first wins.
        lines = [
            (start, _leading(x[..., start:stop], 3))
            for start, stop in adaptive_bounds(x.shape[3], columns)
        ]
        across = (
            xp.stack([start + at for start, at in lines], 3) if lines else xp.zeros((), "int64")
        )
        places = xp.empty((*x.shape[:2], *output_size), "int64")
        if places.size == 0:
            return places
        best = xp.take_along_axis(x, across, 3)
        for row, (start, stop) in enumerate(adaptive_bounds(x.shape[2], rows)):
            at = start + _leading(best[:, :, start:stop], 2)[:, :, None]
            column = xp.take_along_axis(across, at, 2)
            places[:, :, row] = (at * x.shape[3] + column)[:, :, 0]
        return places


def _leading(x: Array, axis: int) -> Array:
    """Return where along an axis the largest element stands: the first, and the last NaN."""
    xp = array_module(x)
    nan = xp.isnan(x)
    last = x.shape[axis] - 1 - xp.flip(nan, axis).argmax(axis)
    return xp.where(nan.any(axis), last, x.argmax(axis))


@batched(4)
@checked
def adaptive_max_pool2d(input: Tensor, output_size: IntOrPair, return_indices: bool = False) -> Any:
    """Take the largest elements of windows chosen so that the result has a given size.

    Args:
        input: (N, C, H, W) or (C, H, W), floating point.
        output_size: (oH, oW), or an int for both; None keeps that size of the input.
        return_indices: also return where the largest elements stand.

    Returns:
        (N, C, oH, oW), with windows as in :func:`adaptive_avg_pool2d`; with ``return_indices`` that
        and an int64 tensor of its shape, with ``row * W + column`` in the input.

    Raises:
        RuntimeError: the input has other dimensions or an empty one, or the size is negative.

    Source: PyTorch, ``torch.nn.functional.adaptive_max_pool2d``.
    """
    if input.ndim != 4:
        raise RuntimeError(
            f"adaptive_max_pool2d(): Expected 3D or 4D tensor, but got: {list(input.shape)}"
        )
    _require_filled("adaptive_max_pool2d", input.shape)
    return _adaptive_max(
        input, _adaptive_size("adaptive_max_pool2d", input, output_size), return_indices
    )


def _require_filled(function: str, shape: tuple[int, ...]) -> None:
    """Raise RuntimeError if something other than the batch is empty."""
    for dim in range(1, len(shape)):
        if shape[dim] == 0:
            raise RuntimeError(
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {list(shape)} with dimension {dim} being empty"
            )


def _adaptive_max(input: Any, size: tuple[int, ...], return_indices: bool) -> Any:
    places = AdaptiveMaxPlaces.apply(input, size)
    picked = pick_along(Choose, flatten(input, 2), 2, flatten(places, 2))
    output = reshape(picked, places.shape)
    return (output, places) if return_indices else output


# --- the norm ------------------------------------------------------------------------------------


@checked
def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Take the p-norm of each window, (Σ x**p) ** (1/p), signs and all.

    Args:
        input: (N, C, H, W) or (C, H, W).
        norm_type: p; infinity takes the largest of the absolute values.
        kernel_size: size of the window, int or pair.
        stride: step of the window, int or pair; by default its size.
        ceil_mode: round the size of the result up, so that a last window may hang over.

    Returns:
        (N, C, oH, oW).

    Source: PyTorch, ``torch.nn.functional.lp_pool2d``.
    """
    count = math.prod(pair(kernel_size, "kernel_size", "lp_pool2d"))
    return _lp(max_pool2d, avg_pool2d, count, input, norm_type, kernel_size, stride, ceil_mode)


def _lp(
    max_pool: Any, avg_pool: Any, count: int, x: Any, p: float, size: Any, stride: Any, ceil: bool
) -> Any:
    """Return the p-norms of windows of ``count`` elements, by pools of largest and of means."""
    if math.isinf(p):
        sign = 1 if p > 0 else -1
        return sign * max_pool(sign * abs(x), size, stride, 0, 1, ceil)
    mean = avg_pool(x**p, size, stride, 0, ceil)
    return (sgn(mean) * relu(abs(mean)) * count) ** (1 / p)


# --- of sequences: images one pixel high ---------------------------------------------------------


def _as_image(function: str, input: Any) -> Any:
    """Return (N, C, L) or (C, L) as (N, C, 1, L) or (C, 1, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 "
            f"'self' (while checking arguments for {function})"
        )
    return unsqueeze(input, -2)


def _line(function: str, name: str, value: Any) -> int:
    """Return the one int that an option of a function of sequences holds."""
    several = value if isinstance(value, (tuple, list)) else (value,)
    found = all_ints(f"{function}(): argument {name!r}", several)
    if len(found) != 1:
        raise RuntimeError(
            f"{function}() argument {name!r} should contain one int (got {len(found)})"
        )
    return found[0]


@checked
def max_pool1d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Do :func:`max_pool2d` with sequences (N, C, L) or (C, L); options are ints.

    Source: PyTorch, ``torch.nn.functional.max_pool1d``.
    """
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got:{list(input.shape)}"
        )
    stride = _given(stride, kernel_size)
    size, step, zeros, distance = (
        _line("max_pool1d", name, value)
        for name, value in (
            ("kernel_size", kernel_size), ("stride", stride), ("padding", padding),
            ("dilation", dilation),
        )
    )  # fmt: skip
    for name, value in (("kernel_size", size), ("stride", step), ("dilation", distance)):
        if value < 1:
            raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
    if zeros < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {zeros}")
    if zeros > size // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={zeros} "
            f"and kernel_size={size}"
        )
    if (found := output_size(input.shape[-1], size, step, zeros, distance, ceil_mode)) < 1:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {found}")
    options = (1, size), (1, step), (0, zeros), (1, distance), ceil_mode, return_indices
    found_2d = max_pool2d(unsqueeze(input, -2), *options)
    return tuple([squeeze(y, -2) for y in found_2d]) if return_indices else squeeze(found_2d, -2)


@checked
def avg_pool1d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Do :func:`avg_pool2d` with sequences (N, C, L) or (C, L); options are ints.

    Source: PyTorch, ``torch.nn.functional.avg_pool1d``.
    """
    image = _as_image("avg_pool1d", input)
    size = _line("avg_pool1d", "kernel_size", kernel_size)
    step = _line("avg_pool1d", "stride", _given(stride, kernel_size))
    zeros = _line("avg_pool1d", "padding", padding)
    pooled = avg_pool2d(image, (1, size), (1, step), (0, zeros), ceil_mode, count_include_pad)
    return squeeze(pooled, -2)


@checked
def adaptive_avg_pool1d(input: Tensor, output_size: IntOrPair) -> Tensor:
    """Do :func:`adaptive_avg_pool2d` with sequences (N, C, L) or (C, L).

    Source: PyTorch, ``torch.nn.functional.adaptive_avg_pool1d``.
    """
    image = _as_image("adaptive_avg_pool1d", input)
    size = _line("adaptive_avg_pool1d", "output_size", output_size)
    return squeeze(adaptive_avg_pool2d(image, (1, size)), -2)


@checked
def adaptive_max_pool1d(input: Tensor, output_size: IntOrPair, return_indices: bool = False) -> Any:
    """Do :func:`adaptive_max_pool2d` with sequences (N, C, L) or (C, L).

    Source: PyTorch, ``torch.nn.functional.adaptive_max_pool1d``.
    """
    image = _as_image("adaptive_max_pool1d", input)
    _require_filled("adaptive_max_pool1d", (1, *input.shape)[-3:])
    size = _line("adaptive_max_pool1d", "output_size", output_size)
    found = adaptive_max_pool2d(image, (1, size), return_indices)
    return tuple([squeeze(y, -2) for y in found]) if return_indices else squeeze(found, -2)


@checked
def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Do :func:`lp_pool2d` with sequences (N, C, L) or (C, L); options are ints.

    Source: PyTorch, ``torch.nn.functional.lp_pool1d``.
    """
    size = _line("lp_pool1d", "kernel_size", kernel_size)
    return _lp(max_pool1d, avg_pool1d, size, input, norm_type, size, stride, ceil_mode)
