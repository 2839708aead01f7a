"""The pooling kernels against loops that are obviously right, on inputs with ties, NaN and -inf."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.backend.both import ORDERS, both_kinds, in_memory_order


def window_starts(length, kernel_size, stride, padding, dilation, ceil_mode):
    """Where each window starts (negative in the padding), by torch.nn.MaxPool2d's rule."""
    room = length + 2 * padding - dilation * (kernel_size - 1) - 1
    count = (math.ceil if ceil_mode else math.floor)(room / stride) + 1
    starts = [window * stride - padding for window in range(count)]
    # The last window must start inside the input or the left padding.
    return [start for start in starts if start < length] if ceil_mode else starts


def loop_max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode):
    """The maxima and their flat places, by PyTorch's loop: `value > best or isnan(value)`."""
    row_starts, column_starts = (
        window_starts(x.shape[2 + i], kernel_size[i], stride[i], padding[i], dilation[i], ceil_mode)
        for i in (0, 1)
    )
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = np.full((*x.shape[:2], len(row_starts), len(column_starts)), lowest, x.dtype)
    places = np.zeros(y.shape, np.int64)
    for image, channel, i, j in np.ndindex(y.shape):
        empty = True
        for k, m in np.ndindex(kernel_size):
            row, column = (row_starts[i] + k * dilation[0], column_starts[j] + m * dilation[1])
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                value = x[image, channel, row, column]
                if empty or value > y[image, channel, i, j] or np.isnan(value):
                    y[image, channel, i, j] = value
                    places[image, channel, i, j] = row * x.shape[3] + column
                    empty = False
    return y, places


def loop_avg_pool2d(
    x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
):
    """The means, in float64, window by window."""
    starts = [
        window_starts(x.shape[2 + i], kernel_size[i], stride[i], padding[i], 1, ceil_mode)
        for i in (0, 1)
    ]
    y = np.zeros((*x.shape[:2], len(starts[0]), len(starts[1])))
    for i, j in np.ndindex(y.shape[2:]):
        inside, counted = [], 1
        for axis, start in enumerate((starts[0][i], starts[1][j])):
            length = x.shape[2 + axis]
            stop = min(start + kernel_size[axis], length + padding[axis])
            low, high = max(start, 0), min(stop, length)
            inside.append(slice(low, high))
            counted *= stop - start if count_include_pad else high - low
        total = x[:, :, inside[0], inside[1]].sum(axis=(2, 3))
        y[:, :, i, j] = total / (counted if divisor_override is None else divisor_override)
    return y


@st.composite
def cases(draw, dilated=True):
    """Options, an input shape that suits them, a seed and a memory order."""

    def pair(low, high):
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel_size, stride = pair(1, 4), pair(1, 4)
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel_size)
    dilation = pair(1, 3) if dilated else (1, 1)
    size = pair(1, 9)
    for i in (0, 1):
        assume(size[i] + 2 * padding[i] > dilation[i] * (kernel_size[i] - 1))
    shape = (draw(st.sampled_from([0, 1, 3])), draw(st.sampled_from([1, 2, 5])), *size)
    options = kernel_size, stride, padding, dilation, draw(st.booleans())
    return shape, options, draw(st.integers(0, 99)), draw(st.sampled_from(ORDERS))


@both_kinds
@settings(max_examples=80, deadline=None)
@given(case=cases(), nans=st.booleans())
def test_max_pooling_equals_loops(kernels, case, nans):
    shape, options, seed, order = case
    rng = np.random.default_rng(seed)
    x = rng.choice([-np.inf, -2.0, -1.0, -0.0, 0.0, 1.0], shape).astype(np.float32)  # many ties
    if nans:
        x[rng.random(shape) < 0.2] = np.nan
    x = in_memory_order(x, order)
    expected, places = loop_max_pool2d(x, *options)
    y = kernels.max_pool2d(x, *options)
    grad = in_memory_order(rng.integers(1, 9, y.shape).astype(np.float32), rng.choice(ORDERS))
    grad[rng.random(y.shape) < 0.1] = np.inf
    dx = kernels.max_pool2d_input_gradient(grad, x, y, *options)
    np.testing.assert_array_equal(y, expected)
    assert (y.dtype, dx.dtype) == (np.float32, np.float32)
    # A window that sees nothing but padding (possible with dilation) has no place to name.
    row_starts, column_starts = (
        np.array(window_starts(shape[2 + i], *(option[i] for option in options[:4]), options[4]))
        for i in (0, 1)
    )
    sees = [
        ((starts[:, None] + np.arange(options[0][i]) * options[3][i])[..., None]
         == np.arange(shape[2 + i])).any(axis=(1, 2))
        for i, starts in ((0, row_starts), (1, column_starts))
    ]  # fmt: skip
    real = np.broadcast_to(np.logical_and.outer(*sees), y.shape)
    indices = kernels.max_pool2d_indices(x, y, *options)
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(indices[real], places[real])
    expected_dx = np.zeros(shape, np.float32)
    for image, channel, i, j in np.argwhere(real):
        row, column = divmod(places[image, channel, i, j], shape[3])
        expected_dx[image, channel, row, column] += grad[image, channel, i, j]
    np.testing.assert_array_equal(dx, expected_dx)


@both_kinds
@settings(max_examples=80, deadline=None)
@given(
    case=cases(dilated=False),
    count_include_pad=st.booleans(),
    divisor_override=st.sampled_from([None, 1, 7, -3]),
)
def test_average_pooling_equals_loops(kernels, case, count_include_pad, divisor_override):
    shape, (kernel_size, stride, padding, _, ceil_mode), seed, order = case
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    rng = np.random.default_rng(seed)
    x = in_memory_order(rng.standard_normal(shape), order)
    y = kernels.avg_pool2d(x, *options)
    grad = in_memory_order(rng.standard_normal(y.shape), rng.choice(ORDERS))
    dx = kernels.avg_pool2d_input_gradient(grad, shape, *options)
    np.testing.assert_allclose(y, loop_avg_pool2d(x, *options), rtol=1e-12, atol=1e-12)
    # Pooling is linear: with random x, only the adjoint map passes.
    other = rng.standard_normal(shape)
    expected = (loop_avg_pool2d(other, *options) * grad).sum()
    np.testing.assert_allclose((other * dx).sum(), expected, rtol=1e-10, atol=1e-10)
    assert (dx.shape, dx.dtype) == (shape, np.float64)


@both_kinds
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.float16, np.float32])
def test_max_pooling_keeps_the_dtype_and_pads_with_the_lowest(kernels, dtype):
    """All elements negative (or zero): padding with zeros would show."""
    x = np.full((1, 2, 3, 3), 0 if dtype == np.uint8 else -7, dtype)
    y = kernels.max_pool2d(x, (3, 3), (2, 2), (1, 1), (1, 1), False)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, x[:, :, :2, :2])


@both_kinds
def test_the_first_of_equal_maxima_takes_the_gradient(kernels):
    x = np.zeros((1, 1, 4, 4), np.float32)
    y = kernels.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
    grad = np.arange(1, 5, dtype=np.float32).reshape(1, 1, 2, 2)
    dx = kernels.max_pool2d_input_gradient(grad, x, y, (2, 2), (2, 2), (0, 0), (1, 1), False)
    expected = [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(dx[0, 0], expected)


@both_kinds
def test_elements_that_no_window_sees_get_no_gradient(kernels):
    """As many elements as taps in all, but a tap beyond the edge and a row left out."""
    x = np.ones((2, 1, 2, 11), np.float32)
    options = ((2, 1), (4, 1), (0, 0), (2, 1), True)
    y = kernels.max_pool2d(x, *options)
    dx = kernels.max_pool2d_input_gradient(np.ones_like(y), x, y, *options)
    assert (dx[:, :, 0] == 1).all()
    assert (dx[:, :, 1] == 0).all()


@both_kinds
def test_the_last_nan_takes_the_gradient(kernels):
    """As in PyTorch, whose loop lets every NaN take the lead."""
    nan = np.nan
    x = np.array([[1, nan, 3, nan], [nan, 2, 5, 5]], np.float32).reshape(1, 1, 2, 4)
    options = ((2, 2), (2, 2), (0, 0), (1, 1), False)
    y = kernels.max_pool2d(x, *options)
    assert np.isnan(y).all()
    assert kernels.max_pool2d_indices(x, y, *options).tolist() == [[[[4, 3]]]]
    dx = kernels.max_pool2d_input_gradient(np.full_like(y, 9), x, y, *options)
    assert dx.tolist() == [[[[0, 0, 0, 9], [9, 0, 0, 0]]]]


@both_kinds
def test_average_of_integers_is_cut_towards_zero(kernels):
    x = np.array([[-3, -4], [1, -9]]).reshape(1, 1, 2, 2)
    for divisor, expected in ((None, -3), (2, -7), (-2, 7)):
        y = kernels.avg_pool2d(x, (2, 2), (2, 2), (0, 0), False, True, divisor)
        assert (y.item(), y.dtype) == (expected, np.int64)
    small = np.full((1, 1, 2, 2), 100, np.int8)  # the sum, 400, does not fit int8
    assert kernels.avg_pool2d(small, (2, 2), (2, 2), (0, 0), False, True, None).item() == 100


@both_kinds
def test_average_of_float16_is_summed_in_float32(kernels):
    x = np.ones((1, 1, 64, 128), np.float16)  # 4096 + 1 is 4096 in float16
    assert kernels.avg_pool2d(x, (64, 128), (1, 1), (0, 0), False, True, None).item() == 1
    assert kernels.avg_pool2d(x, (64, 128), (1, 1), (0, 0), False, True, None).dtype == np.float16
    assert kernels.adaptive_avg_pool2d(x, (1, 1)).item() == 1


@both_kinds
@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    output_size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    order=st.sampled_from(ORDERS),
    batch=st.sampled_from([0, 1, 3]),
)
def test_adaptive_average_pooling_equals_loops(kernels, size, output_size, order, batch):
    """Also with more windows than elements."""
    rng = np.random.default_rng(0)
    shape = (batch, 2, *size)

    def loop(x):
        y = np.zeros((batch, 2, *output_size))
        for i, j in np.ndindex(output_size):
            rows, columns = (
                slice(math.floor(at * length / count), math.ceil((at + 1) * length / count))
                for at, length, count in zip((i, j), size, output_size, strict=True)
            )
            y[:, :, i, j] = x[:, :, rows, columns].mean(axis=(2, 3))
        return y

    x = in_memory_order(rng.standard_normal(shape), order)
    np.testing.assert_allclose(kernels.adaptive_avg_pool2d(x, output_size), loop(x), atol=1e-12)
    grad = in_memory_order(rng.standard_normal((batch, 2, *output_size)), order)
    dx = kernels.adaptive_avg_pool2d_input_gradient(grad, shape)
    other = rng.standard_normal(shape)
    np.testing.assert_allclose((other * dx).sum(), (loop(other) * grad).sum(), atol=1e-10)


@both_kinds
def test_broadcast_views_as_inputs(kernels):
    """Zero strides: an expanded image, and the expanded gradient of a sum."""
    x = np.broadcast_to(np.arange(5.0).reshape(1, 1, 5, 1), (3, 2, 5, 6))
    options = ((2, 2), (1, 1), (1, 1), (1, 1), False)
    y = kernels.max_pool2d(x, *options)
    np.testing.assert_array_equal(y, kernels.max_pool2d(x.copy(), *options))
    grad = np.broadcast_to(np.ones(1), y.shape)
    dx = kernels.max_pool2d_input_gradient(grad, x, y, *options)
    expected = kernels.max_pool2d_input_gradient(grad.copy(), x.copy(), y, *options)
    np.testing.assert_array_equal(dx, expected)
    assert dx.flags.writeable


@both_kinds
def test_results_lie_channels_last_if_the_input_does(kernels):
    x = in_memory_order(np.random.default_rng(0).standard_normal((2, 3, 6, 6)), "channels last")
    y = kernels.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
    dx = kernels.max_pool2d_input_gradient(y, x, y, (2, 2), (2, 2), (0, 0), (1, 1), False)
    mean = kernels.avg_pool2d(x, (2, 2), (2, 2), (0, 0), False, True, None)
    for result in (y, dx, mean):
        assert result.transpose(0, 2, 3, 1).flags.c_contiguous
