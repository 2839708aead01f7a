"""The windows of images laid out as columns (im2col), and columns added up to images (col2im).

Each is the gradient of the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.windows import output_sizes
from tinygrad_adam.ops.arguments import (
    IntOrPair,
    Pair,
    checked,
    pair,
    require_images,
    require_window,
)
from tinygrad_adam.ops.elementwise import require_floating
from tinygrad_adam.ops.shapes import batched

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class Window(NamedTuple):
    """What a column sees of an image, and how that moves."""

    size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def counts(self, image: Pair) -> Pair:
        """Return how many windows there are along the rows and columns of an image."""
        return output_sizes(image, *self)

    def padded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of images with zeros around them."""
        return (*shape[:2], *[n + 2 * p for n, p in zip(shape[2:], self.padding)])

    def inside(self, image: Pair) -> tuple[Any, ...]:
        """Return the index of the image in the padded one."""
        return (..., *[slice(p, p + n) for n, p in zip(image, self.padding)])

    def taps(self, counts: Pair) -> Iterator[tuple[Pair, tuple[Any, ...]]]:
        """Yield each tap, and the index of what stands there in all windows of a padded image."""
        for tap in itertools.product(*map(range, self.size)):
            grid = [
                slice(t * d, t * d + (count - 1) * s + 1, s)
                for t, d, s, count in zip(tap, self.dilation, self.stride, counts)
            ]
            yield tap, (..., *grid)  # type: ignore[misc]


class Unfold(Operation):
    """The windows of x (N, C, H, W) laid out: (N, C kH kW, L).  Gradient: :class:`Fold` of g.

    Saves nothing.
    """

    def forward(self, x: Array, window: Window) -> Array:
        self.window, (batch, channels, *image) = window, x.shape
        self.image = (image[0], image[1])
        xp, counts = array_module(x), window.counts(self.image)
        padded = x
        if any(window.padding):
            padded = xp.zeros(window.padded(x.shape), x.dtype)
            padded[window.inside(self.image)] = x
        y = xp.empty((batch, channels, *window.size, *counts), x.dtype)
        for (i, j), seen in window.taps(counts):
            y[:, :, i, j] = padded[seen]
        size = channels * window.size[0] * window.size[1]
        return y.reshape(batch, size, counts[0] * counts[1])

    def backward(self, grad: Any) -> Any:
        return Fold.apply(grad, self.image, self.window)


class Fold(Operation):
    """Columns (N, C kH kW, L) added up to images of a size.  Gradient: :class:`Unfold` of g.

    Saves nothing.
    """

    def forward(self, columns: Array, image: Pair, window: Window) -> Array:
        self.window, counts = window, window.counts(image)
        (rows, across), batch = window.size, columns.shape[0]
        windows = columns.reshape(batch, columns.shape[1] // (rows * across), rows, across, *counts)
        shape = window.padded((*windows.shape[:2], *image))
        padded = array_module(columns).zeros(shape, columns.dtype)
        for (i, j), seen in window.taps(counts):
            padded[seen] += windows[:, :, i, j]
        return padded[window.inside(image)].copy()

    def backward(self, grad: Any) -> Any:
        return Unfold.apply(grad, self.window)


def _window(kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    """Return options as users write them as pairs, once sure that they make sense."""
    window = Window(
        pair(kernel_size, "kernel_size"), pair(stride, "stride"), pair(padding, "padding"),
        pair(dilation, "dilation"),
    )  # fmt: skip
    require_window(*window)
    return window


@batched(4)
@checked
def unfold(
    input: Tensor,
    kernel_size: IntOrPair,
    dilation: IntOrPair = 1,
    padding: IntOrPair = 0,
    stride: IntOrPair = 1,
) -> Tensor:
    """Lay out what every window of an image sees, one column for each window (im2col).

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: size of the window, int or pair.
        dilation: distance between the elements of a window, int or pair.
        padding: zeros around the image, int or pair.
        stride: step of the window, int or pair.

    Returns:
        (N, C kH kW, L) for L windows.

    Raises:
        RuntimeError: the options make no sense, or no window fits.

    Source: PyTorch, ``torch.nn.functional.unfold``.
    """
    require_images("unfold", input)
    window = _window(kernel_size, stride, padding, dilation)
    counts = window.counts((input.shape[2], input.shape[3]))
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[2:])}, kernel_size={window.size}, "
            f"dilation={window.dilation}, padding={window.padding}, calculated shape of the array "
            f"of sliding blocks as {counts}, but its components must be at least one."
        )
    return Unfold.apply(input, window)  # type: ignore[no-any-return]


@batched(3)
@checked
def fold(
    input: Tensor,
    output_size: IntOrPair,
    kernel_size: IntOrPair,
    dilation: IntOrPair = 1,
    padding: IntOrPair = 0,
    stride: IntOrPair = 1,
) -> Tensor:
    """Add columns, one for each window, up to an image (col2im): the transpose of :func:`unfold`.

    Args:
        input: (N, C kH kW, L) or (C kH kW, L), floating point.
        output_size: (H, W) of the image, or an int for both.
        kernel_size: size of the window, int or pair.
        dilation: distance between the elements of a window, int or pair.
        padding: how much around the image the windows see, int or pair.
        stride: step of the window, int or pair.

    Returns:
        (N, C, H, W).

    Raises:
        RuntimeError: the options make no sense, or the input has other sizes.

    Source: PyTorch, ``torch.nn.functional.fold``.
    """
    if input.ndim != 3 or 0 in input.shape[1:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    image, window = (
        pair(output_size, "output_size"),
        _window(kernel_size, stride, padding, dilation),
    )
    if input.shape[1] % (window.size[0] * window.size[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={input.shape[1]} and kernel_size={window.size}."
        )
    rows, columns = window.counts(image)
    if rows * columns != input.shape[2] or rows < 1:
        raise RuntimeError(
            f"Given output_size={image}, kernel_size={window.size}, dilation={window.dilation}, "
            f"padding={window.padding}, stride={window.stride}, expected size of input's dimension "
            f"2 to match the calculated number of sliding blocks {rows} * {columns} = "
            f"{rows * columns}, but got input.size(2)={input.shape[2]}."
        )
    require_floating("col2im_out_cpu", input)
    return Fold.apply(input, image, window)  # type: ignore[no-any-return]
