"""Max and average pooling on the CPU.

The maximum of a window is the maximum over its rows of the maxima within each row, and a sum splits
the same way, so both are done twice in one dimension: kH + kW steps instead of kH * kW. A step is
one NumPy call for all windows at once, on strided views: for a 2x2 window, "all even rows" against
"all odd rows", then the same for columns. Rows come first, where the runs in memory are longest.

Nothing is padded: `windows.taps` gives, for each tap of the window, the windows that see an element
of the input there. Everything works on slices of the batch that fit the cache, spread over a few
threads (`threads.run`). All arrays are (N, C, H, W) of any strides. Results lie in memory in the
order of their input, channels last or not, and NumPy walks through either order from end to end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from tinygrad_adam.backend.cpu import memory, threads
from tinygrad_adam.backend.sums import summing_dtype, total
from tinygrad_adam.backend.windows import Pair, adaptive_bounds, extents, output_sizes, taps

Index = tuple[slice, ...]
Tap = tuple[Index, Index]  # windows, and the elements that they see
WHOLE = slice(None)

# Bytes of input in one slice. Slices of the size of the L2 cache compute a tenth faster, but lose
# more than that on two threads: between many short calls Python's lock changes hands all the time.
SLICE_BYTES = 1 << 21
# What a byte of input takes a thread, roughly.
SECONDS_PER_BYTE = 1.5e-10
ROWS, COLUMNS = 2, 3  # axes of (N, C, H, W)


def max_pool2d(
    x: np.ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> np.ndarray:
    """The largest element of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.MaxPool2d).

    The padding counts as minus infinity (for integers as the lowest number); a NaN in a window
    makes its maximum NaN. Any real dtype, which the result keeps. Reads x once and writes y once.
    """
    rows, columns = output_sizes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    row_taps, column_taps = _taps(
        x.shape[2:], (rows, columns), kernel_size, stride, padding, dilation
    )
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = _empty_like(x, (*x.shape[:2], rows, columns))

    def compute(images: slice) -> None:
        source = x[images]
        shape = (*source.shape[:2], rows, source.shape[COLUMNS])
        lines = _empty_like(x, shape, scratch="lines")
        _combine(np.maximum, lowest, source, lines, row_taps)
        _combine(np.maximum, lowest, lines, y[images], column_taps)

    _for_slices(x, compute)
    return y


def max_pool2d_indices(
    x: np.ndarray,
    y: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> np.ndarray:
    """Where in x's planes the maxima y = max_pool2d(x) stand: row * W + column, int64, y's shape.

    The first of equal maxima wins, row by row. In a window with NaNs the last NaN wins, as in
    PyTorch, where an element takes the lead if it is larger than the leader or if it is NaN.
    """
    pairs = _tap_pairs(x.shape[2:], y.shape[2:], kernel_size, stride, padding, dilation)
    places = np.arange(x.shape[2] * x.shape[3]).reshape(1, 1, *x.shape[2:])
    indices = _empty_like(y, y.shape, np.dtype(np.int64))
    indices.fill(0)
    # What is written last stays: from the last tap to the first, so that the first maximum wins.
    for windows, elements in reversed(pairs):
        np.copyto(indices[windows], places[elements], where=x[elements] == y[windows])
    # A NaN equals nothing. From the first tap to the last, so that the last NaN wins.
    if np.isnan(y).any():
        for windows, elements in pairs:
            np.copyto(indices[windows], places[elements], where=np.isnan(x[elements]))
    return indices


def max_pool2d_input_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> np.ndarray:
    """The gradient of y = max_pool2d(x) for x: each window's gradient goes to its maximum.

    grad: (N, C, oH, oW); the result has x's shape and memory order. Ties and NaN as in
    `max_pool2d_indices`. Tap by tap, all windows at once, an element wins if it equals its window's
    maximum and no earlier tap has won there. Nothing but x and y is needed to know the winners, so
    the forward pass keeps no indices. Reads x, y and grad once, writes dx once.
    """
    image, sizes = x.shape[2:], y.shape[2:]
    pairs = _tap_pairs(image, sizes, kernel_size, stride, padding, dilation)
    apart, tiled = _windows_are(image, sizes, kernel_size, stride, padding, dilation)
    dx = _empty_like(x, x.shape, grad.dtype)

    def compute(images: slice) -> None:
        source, largest, target = x[images], y[images], dx[images]
        gradient = memory.bits(_in_order_of(x, grad[images]))
        target_bits = memory.bits(target)

        def give(wins: np.ndarray, windows: Index, elements: Index, assigned: bool) -> None:
            if assigned:
                np.multiply(gradient[windows], wins, out=target_bits[elements])
            else:
                target[elements] += np.multiply(gradient[windows], wins).view(dx.dtype)

        undecided = np.isnan(largest)
        # Without NaN, the last tap of a tile wins wherever no other has.
        last = pairs[-1] if tiled and not np.count_nonzero(undecided) else None
        undecided.fill(True)
        if not tiled:
            target.fill(0)
        for pair in pairs:
            windows, elements = pair
            wins = undecided
            if pair is not last:
                wins = source[elements] == largest[windows]
                wins &= undecided[windows]
                undecided[windows] ^= wins
            give(wins, windows, elements, apart)
        if last is None and undecided.any():  # nothing equals a maximum of NaN: the last NaN wins
            for windows, elements in reversed(pairs):
                wins = np.isnan(source[elements])
                wins &= undecided[windows]
                undecided[windows] ^= wins
                give(wins, windows, elements, False)

    _for_slices(x, compute)
    return dx


@functools.lru_cache
def _windows_are(
    image: Pair, sizes: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> tuple[bool, bool]:
    """Whether windows lie apart, and whether they lie like tiles.

    Apart: an element gets its gradient from one window, assigned instead of added. Like tiles:
    every element gets one, so that nothing needs to be cleared before.
    """
    apart = all(stride[i] > dilation[i] * (kernel_size[i] - 1) for i in (0, 1))
    tiled = kernel_size == stride and padding == (0, 0) and dilation == (1, 1)
    tiled = tiled and all(image[i] == sizes[i] * kernel_size[i] for i in (0, 1))
    return apart, tiled


def avg_pool2d(
    x: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> np.ndarray:
    """The mean of each window: (N, C, H, W) -> (N, C, oH, oW) (torch.nn.AvgPool2d).

    The padding counts as zeros. The sum is divided by `divisor_override`, or by the number of
    elements of the window, those in the padding counted if `count_include_pad`. The result keeps
    x's dtype; float16 is summed in float32, integers in int64 and their mean is cut towards zero.
    """
    rows, columns = output_sizes(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    row_taps, column_taps = _taps(
        x.shape[2:], (rows, columns), kernel_size, stride, padding, (1, 1)
    )
    summing = _summing(x.dtype)
    divisor = _divisor(
        x.shape[2:], (rows, columns), kernel_size, stride, padding, count_include_pad,
        divisor_override, summing,
    )  # fmt: skip
    y = _empty_like(x, (*x.shape[:2], rows, columns))

    def compute(images: slice) -> None:
        source = x[images]
        shape = (*source.shape[:2], rows, source.shape[COLUMNS])
        lines = _empty_like(x, shape, summing, scratch="lines")
        _combine(np.add, 0, source, lines, row_taps)
        sums = _empty_like(x, (*shape[:3], columns), summing, scratch="sums")
        _combine(np.add, 0, lines, sums, column_taps)
        if summing.kind == "f":
            np.divide(sums, divisor, out=y[images], casting="same_kind")
        else:
            quotient = np.abs(sums) // np.abs(divisor) * np.sign(sums) * np.sign(divisor)
            y[images] = quotient

    _for_slices(x, compute)
    return y


def avg_pool2d_input_gradient(
    grad: np.ndarray,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> np.ndarray:
    """The gradient of avg_pool2d for x: every element of a window gets grad / divisor.

    grad: (N, C, oH, oW) -> (N, C, H, W) in grad's dtype and memory order.
    """
    sizes = (grad.shape[ROWS], grad.shape[COLUMNS])
    row_taps, column_taps = _taps(input_shape[2:], sizes, kernel_size, stride, padding, (1, 1))
    summing = _summing(grad.dtype)
    divisor = _divisor(
        input_shape[2:], sizes, kernel_size, stride, padding, count_include_pad, divisor_override,
        summing,
    )  # fmt: skip
    dx = _empty_like(grad, input_shape)

    def compute(images: slice) -> None:
        shares = _empty_like(grad, grad[images].shape, summing, scratch="sums")
        np.divide(grad[images], divisor, out=shares)
        shape = (*shares.shape[:3], input_shape[COLUMNS])
        lines = _empty_like(grad, shape, summing, scratch="lines")
        _spread(shares, lines, column_taps)
        shape = (*shares.shape[:2], *input_shape[2:])
        planes = _empty_like(grad, shape, summing, scratch="planes")
        _spread(lines, planes, row_taps)
        dx[images] = planes

    _for_slices(dx, compute)
    return dx


def adaptive_avg_pool2d(x: np.ndarray, output_size: Pair) -> np.ndarray:
    """The means of oH x oW windows that cover the image: (N, C, H, W) -> (N, C, oH, oW).

    The windows are those of torch.nn.AdaptiveAvgPool2d (`windows.adaptive_bounds`). x floating; the
    result keeps its dtype, float16 is summed in float32.
    """
    row_bounds = adaptive_bounds(x.shape[ROWS], output_size[0])
    column_bounds = adaptive_bounds(x.shape[COLUMNS], output_size[1])
    summing = _summing(x.dtype)
    y = _empty_like(x, (*x.shape[:2], *output_size))

    def compute(images: slice) -> None:
        source = x[images]
        shape = (*source.shape[:2], output_size[0], source.shape[COLUMNS])
        lines = _empty_like(x, shape, summing, scratch="lines")
        for row, (start, stop) in enumerate(row_bounds):
            sums = total(source[:, :, start:stop].astype(summing, copy=False), ROWS)
            np.divide(sums, stop - start, out=lines[:, :, row])
        for column, (start, stop) in enumerate(column_bounds):
            sums = total(lines[:, :, :, start:stop], COLUMNS)
            y[images, :, :, column] = sums / (stop - start)

    _for_slices(x, compute)
    return y


def adaptive_avg_pool2d_input_gradient(
    grad: np.ndarray, input_shape: tuple[int, ...]
) -> np.ndarray:
    """The gradient of adaptive_avg_pool2d for x: (N, C, oH, oW) -> (N, C, H, W) in grad's dtype."""
    row_bounds = adaptive_bounds(input_shape[ROWS], grad.shape[ROWS])
    column_bounds = adaptive_bounds(input_shape[COLUMNS], grad.shape[COLUMNS])
    summing = _summing(grad.dtype)
    dx = _empty_like(grad, input_shape)

    def compute(images: slice) -> None:
        gradient = grad[images].astype(summing, copy=False)
        shape = (*gradient.shape[:3], input_shape[COLUMNS])
        lines = _empty_like(grad, shape, summing, scratch="lines")
        lines.fill(0)
        for column, (start, stop) in enumerate(column_bounds):
            lines[:, :, :, start:stop] += gradient[:, :, :, column : column + 1] / (stop - start)
        shape = (*gradient.shape[:2], *input_shape[2:])
        planes = _empty_like(grad, shape, summing, scratch="planes")
        planes.fill(0)
        for row, (start, stop) in enumerate(row_bounds):
            planes[:, :, start:stop] += lines[:, :, row : row + 1] / (stop - start)
        dx[images] = planes

    _for_slices(dx, compute)
    return dx


@functools.lru_cache
def _taps(
    image: Pair, sizes: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> tuple[list[Tap], list[Tap]]:
    """The taps along rows and along columns, for images of H x W and `sizes` windows.

    As indices of (N, C, H, W); that of windows ends in WHOLE where all of them see something.
    """
    along: tuple[list[Tap], list[Tap]] = ([], [])
    for i, axis in enumerate((ROWS, COLUMNS)):
        before = (WHOLE,) * axis
        for windows, elements in taps(
            image[i], sizes[i], kernel_size[i], stride[i], padding[i], dilation[i]
        ):
            seeing = WHOLE if windows == slice(0, sizes[i]) else windows
            along[i].append(((*before, seeing), (*before, elements)))
    return along


@functools.lru_cache
def _tap_pairs(
    image: Pair, sizes: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> list[Tap]:
    """For each tap of the window, row by row: the index of who sees it in y, and of it in x."""
    rows, columns = _taps(image, sizes, kernel_size, stride, padding, dilation)
    return [
        ((*windows, windows_across[-1]), (*elements, elements_across[-1]))
        for windows, elements in rows
        for windows_across, elements_across in columns
    ]


def _divisor(
    lengths: tuple[int, ...],
    sizes: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
    dtype: np.dtype,
) -> np.ndarray:
    """What each window's sum is divided by, of shape () or (oH, oW)."""
    if divisor_override is not None:
        return np.asarray(divisor_override, dtype)
    rows, columns = (
        np.asarray(
            extents(lengths[i], sizes[i], kernel_size[i], stride[i], padding[i], count_include_pad),
            dtype,
        )
        for i in (0, 1)
    )
    return np.multiply.outer(rows, columns)


def _summing(dtype: np.dtype) -> np.dtype:
    """The dtype for sums: wider than small integers and float16."""
    if dtype.kind != "f":
        return np.dtype(np.int64)
    return summing_dtype(dtype)


def _for_slices(images: np.ndarray, compute: Callable[[slice], None]) -> None:
    """Call compute(slice of the batch) for slices of SLICE_BYTES, spread over the threads."""
    batch, size = images.shape[0], images.nbytes
    if batch == 1:  # cannot be cut, and a small image takes no longer than asking the threads
        compute(slice(0, 1))
    else:
        most = max(1, batch * SLICE_BYTES // max(1, size))
        threads.for_slices(compute, batch, size * SECONDS_PER_BYTE, most)


def _channels_last(array: np.ndarray) -> bool:
    """Whether neighbours in memory are neighbouring channels rather than neighbouring pixels."""
    return abs(array.strides[1]) < abs(array.strides[3])


def _empty_like(
    array: np.ndarray,
    shape: tuple[int, ...],
    dtype: np.dtype | None = None,
    scratch: str | None = None,
) -> np.ndarray:
    """An uninitialised (N, C, H, W) array with its memory in the order of `array`'s.

    With `scratch`, in this thread's memory of that name (`threads.scratch`).
    """
    dtype = array.dtype if dtype is None else dtype
    last = _channels_last(array)
    ordered = (shape[0], shape[2], shape[3], shape[1]) if last else tuple(shape)
    empty = threads.scratch(scratch, ordered, dtype) if scratch else memory.empty(ordered, dtype)
    return empty.transpose(0, 3, 1, 2) if last else empty


def _in_order_of(example: np.ndarray, array: np.ndarray) -> np.ndarray:
    """`array` in the memory order of `example`: one copy, so that later loops run along memory."""
    if _channels_last(array) == _channels_last(example):
        return array
    ordered = _empty_like(example, array.shape, array.dtype, scratch="ordered")
    np.copyto(ordered, array)
    return ordered


def _combine(
    operation: np.ufunc, neutral: float, source: np.ndarray, target: np.ndarray, pairs: list[Tap]
) -> None:
    """target = the operation (maximum, add) over what each window along an axis sees of source."""
    if len(pairs) > 1 and pairs[0][0][-1] == pairs[1][0][-1] == WHOLE:
        (_, first), (_, second), *pairs = pairs
        operation(source[first], source[second], out=target, dtype=target.dtype)
    else:
        target.fill(neutral)
    for windows, elements in pairs:
        part = target[windows]
        operation(part, source[elements], out=part, dtype=target.dtype)


def _spread(source: np.ndarray, target: np.ndarray, pairs: list[Tap]) -> None:
    """The adjoint of _combine(np.add, …): each element of target gets the sum of its windows."""
    target.fill(0)
    for windows, elements in pairs:
        target[elements] += source[windows]
