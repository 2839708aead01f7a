"""Sliding windows in one dimension: how many there are, and which elements each one covers.

Convolution and pooling slide a window over rows and over columns independently, so everything about
where windows lie is arithmetic on one axis. Written ``(length, kernel_size, stride, padding,
dilation)`` as in PyTorch: ``padding`` elements are imagined on both sides, neighbouring taps of one
window are ``dilation`` apart, neighbouring windows ``stride`` apart.
"""

from __future__ import annotations

import functools

Pair = tuple[int, int]


def output_size(
    length: int,
    kernel_size: int,
    stride: int,
    padding: int,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """The number of windows along an axis of `length` elements (the formula of torch.nn.MaxPool2d).

    With `ceil_mode` a last window may hang over the right padding, provided that it starts inside
    the input or the left padding. A result below 1 means that the window does not fit.
    """
    room = length + 2 * padding - dilation * (kernel_size - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    windows = -(-room // stride) + 1
    if (windows - 1) * stride >= length + padding:
        windows -= 1
    return windows


@functools.lru_cache
def output_sizes(
    image: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool = False,
) -> Pair:
    """The number of windows along the rows and along the columns of images of H x W."""
    rows, columns = (
        output_size(*axis, ceil_mode) for axis in zip(image, kernel_size, stride, padding, dilation)
    )
    return rows, columns


def taps(
    length: int, windows: int, kernel_size: int, stride: int, padding: int, dilation: int = 1
) -> list[tuple[slice, slice]]:
    """For each tap of the window, in order: which windows see an element there, and which elements.

    Tap k of window o looks at element ``o * stride + k * dilation - padding``. The pairs of slices
    ``(windows, elements)`` leave out the looks into the padding, so no padded copy is needed:
    ``y[windows] = combine(y[windows], x[elements])`` does tap k for all windows at once. Taps that
    see padding only are left out.
    """
    pairs = []
    for tap in range(kernel_size):
        offset = tap * dilation - padding
        first = max(0, -(offset // stride))
        last = min(windows, (length - 1 - offset) // stride + 1)
        if first < last:
            start = first * stride + offset
            stop = (last - 1) * stride + offset + 1
            pairs.append((slice(first, last), slice(start, stop, stride)))
    return pairs


def extents(
    length: int, windows: int, kernel_size: int, stride: int, padding: int, count_padding: bool
) -> list[int]:
    """How many elements each window covers, the padding counted or not (torch.nn.AvgPool2d).

    What a window of ``ceil_mode`` covers beyond the right padding is never counted.
    """
    low, high = (-padding, length + padding) if count_padding else (0, length)
    sizes = []
    for window in range(windows):
        start = window * stride - padding
        sizes.append(min(start + kernel_size, high) - max(start, low))
    return sizes


def adaptive_bounds(length: int, windows: int) -> list[tuple[int, int]]:
    """Start and stop of each window of torch.nn.AdaptiveAvgPool2d.

    Window i runs from floor(i * length / windows) to ceil((i + 1) * length / windows): the windows
    cover everything, and neighbours share an element where the division leaves a remainder.
    """
    return [
        (window * length // windows, -((window + 1) * length // -windows))
        for window in range(windows)
    ]
