"""The convolution kernels against loops that are obviously right, and against each other.

The inputs are small whole numbers: every sum is exact, in any order, so results must be equal.
"""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.backend.both import ORDERS, both_kinds, in_memory_order, without_numba
from tinygrad_adam.backend import compiled
from tinygrad_adam.backend.compiled import threads


def loop_conv2d(x, weight, bias, stride, padding, dilation, groups):
    """torch.nn.Conv2d's formula, one output pixel at a time."""
    (n, c, h, w), (o, each, k_h, k_w) = x.shape, weight.shape
    padded = np.zeros((n, c, h + 2 * padding[0], w + 2 * padding[1]), x.dtype)
    padded[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w] = x
    rows = (padded.shape[2] - dilation[0] * (k_h - 1) - 1) // stride[0] + 1
    columns = (padded.shape[3] - dilation[1] * (k_w - 1) - 1) // stride[1] + 1
    y = np.zeros((n, o, rows, columns), x.dtype)
    for group, row, column in np.ndindex(groups, rows, columns):
        top, left, out = row * stride[0], column * stride[1], o // groups
        window = padded[
            :,
            group * each : (group + 1) * each,
            top : top + dilation[0] * (k_h - 1) + 1 : dilation[0],
            left : left + dilation[1] * (k_w - 1) + 1 : dilation[1],
        ]
        kernels = slice(group * out, (group + 1) * out)
        y[:, kernels, row, column] = np.einsum("nchw,ochw->no", window, weight[kernels])
    return y if bias is None else y + bias[:, None, None]


def whole_numbers(shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


@st.composite
def cases(draw):
    """x, weight, bias and options, with the inputs in any memory order."""

    def pair(low, high):
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel_size, stride, padding, dilation = (pair(1, 4), pair(1, 3), pair(0, 4), pair(1, 3))
    size = pair(1, 9)
    for i in (0, 1):
        assume(size[i] + 2 * padding[i] > dilation[i] * (kernel_size[i] - 1))
    channels = groups * draw(st.sampled_from([1, 2, 5]))
    out_channels = groups * draw(st.sampled_from([1, 3]))
    batch = draw(st.sampled_from([0, 1, 3]))
    seed = draw(st.integers(0, 9))
    x = whole_numbers((batch, channels, *size), seed)
    weight = whole_numbers((out_channels, channels // groups, *kernel_size), seed + 1)
    bias = draw(st.sampled_from([None, whole_numbers(out_channels, seed + 2)]))
    x = in_memory_order(x, draw(st.sampled_from(ORDERS)))
    weight = in_memory_order(weight, draw(st.sampled_from(ORDERS)))
    return x, weight, bias, (stride, padding, dilation, groups)


def check(kernels, x, weight, bias, options, order="contiguous"):
    y = kernels.conv2d(x, weight, bias, *options)
    expected = loop_conv2d(x, weight, bias, *options)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, expected)
    # Convolution is linear in x and in weight, and its gradients are the adjoint maps:
    # <conv(x, w), g> = <x, dx> = <w, dw>. With random x and w, only right gradients pass.
    grad = in_memory_order(whole_numbers(y.shape, 7, x.dtype), order)
    dx = kernels.conv2d_input_gradient(grad, weight, x.shape, *options)
    dw, db = kernels.conv2d_parameter_gradients(grad, x, weight.shape, bias is not None, *options)
    assert (dx.shape, dx.dtype) == (x.shape, x.dtype)
    assert (dw.shape, dw.dtype) == (weight.shape, weight.dtype)
    for seed in (11, 12):
        other_x, other_weight = (whole_numbers(x.shape, seed), whole_numbers(weight.shape, seed))
        for_x = (loop_conv2d(other_x, weight, None, *options) * grad).sum()
        for_weight = (loop_conv2d(x, other_weight, None, *options) * grad).sum()
        assert (other_x * dx).sum() == for_x
        assert (other_weight * dw).sum() == for_weight
    if bias is None:
        assert db is None
    else:
        assert db.dtype == bias.dtype
        np.testing.assert_array_equal(db, grad.sum((0, 2, 3)))


@both_kinds
@settings(max_examples=60, deadline=None)
@given(case=cases(), order=st.sampled_from(ORDERS))
def test_equals_loops_for_any_options(kernels, case, order):
    check(kernels, *case, order)


@both_kinds
@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "options"),
    [
        pytest.param((2, 3, 5, 7), (4, 3, 5, 7), ((1, 1), (0, 0), (1, 1), 1), id="kernel as image"),
        pytest.param((2, 3, 6, 6), (4, 3, 1, 1), ((1, 1), (0, 0), (1, 1), 1), id="1x1"),
        pytest.param((2, 3, 6, 6), (4, 3, 1, 1), ((2, 3), (0, 0), (1, 1), 1), id="1x1 strided"),
        pytest.param((2, 3, 6, 6), (4, 3, 1, 1), ((1, 1), (2, 1), (1, 1), 1), id="1x1 padded"),
        pytest.param((2, 6, 8, 8), (6, 1, 3, 3), ((1, 1), (1, 1), (1, 1), 6), id="depthwise"),
        pytest.param((2, 6, 8, 8), (12, 1, 3, 3), ((2, 2), (1, 1), (1, 1), 6), id="depthwise x2"),
        pytest.param((1, 1, 1, 1), (2, 1, 3, 3), ((1, 1), (1, 1), (1, 1), 1), id="one pixel"),
        pytest.param((1, 2, 3, 3), (2, 2, 2, 2), ((1, 1), (4, 4), (1, 1), 1), id="mostly padding"),
        pytest.param((2, 2, 8, 8), (2, 2, 2, 2), ((3, 3), (0, 0), (1, 1), 1), id="rows left over"),
        pytest.param((0, 3, 6, 6), (4, 3, 3, 3), ((1, 1), (1, 1), (1, 1), 1), id="no images"),
        pytest.param((0, 3, 6, 6), (4, 3, 3, 3), ((2, 2), (1, 1), (1, 1), 1), id="none, strided"),
        pytest.param((2, 3, 6, 6), (0, 3, 3, 3), ((1, 1), (1, 1), (1, 1), 1), id="no channels out"),
        pytest.param((2, 0, 6, 6), (4, 0, 3, 3), ((1, 1), (1, 1), (1, 1), 1), id="no channels in"),
    ],
)
def test_edges(kernels, x_shape, weight_shape, options):
    bias = whole_numbers(weight_shape[0], 3)
    check(kernels, whole_numbers(x_shape, 1), whole_numbers(weight_shape, 2), bias, options)


@both_kinds
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_keeps_the_dtype(kernels, dtype, stride):
    x, weight = (whole_numbers((2, 3, 6, 6), 1, dtype), whole_numbers((4, 3, 3, 3), 2, dtype))
    check(kernels, x, weight, whole_numbers(4, 3, dtype), (stride, (1, 1), (1, 1), 1))


@both_kinds
def test_float16_is_summed_in_float32(kernels):
    """4096 + 1 is 4096 in float16: a sum in float16 would stop there."""
    x = np.ones((1, 8192, 1, 1), np.float16)
    y = kernels.conv2d(x, np.ones((1, 8192, 1, 1), np.float16), None, (1, 1), (0, 0), (1, 1), 1)
    assert y.item() == 8192


@both_kinds
def test_broadcast_views_as_inputs(kernels):
    """Zero strides: an expanded image, and the expanded gradient of a sum."""
    x = np.broadcast_to(whole_numbers((1, 2, 5, 1)), (3, 2, 5, 6))
    weight = np.broadcast_to(whole_numbers((1, 2, 3, 1)), (4, 2, 3, 3))
    options = ((1, 1), (1, 1), (1, 1), 1)
    grad = np.broadcast_to(np.ones(1), (3, 4, 5, 6))
    check(kernels, x, weight, None, options)
    dx = kernels.conv2d_input_gradient(grad, weight, x.shape, *options)
    expected = kernels.conv2d_input_gradient(grad.copy(), weight.copy(), x.shape, *options)
    np.testing.assert_array_equal(dx, expected)
    assert dx.flags.writeable


@both_kinds
@pytest.mark.parametrize("value", [np.inf, np.nan, 1e30])
@np.errstate(all="ignore")  # as operations do
def test_what_is_not_finite_stays_where_its_window_is(kernels, value):
    """Sums across rows of the image would spread it to other rows."""
    options = ((1, 1), (1, 1), (1, 1), 1)
    x = np.zeros((2, 1, 6, 5), np.float32)
    x[0, 0, 2, 2] = value
    ones = np.ones((1, 1, 3, 3), np.float32)
    expected = np.zeros((2, 1, 6, 5), np.float32)
    expected[0, 0, 1:4, 1:4] = value
    np.testing.assert_array_equal(kernels.conv2d(x, ones, None, *options), expected)
    dx = kernels.conv2d_input_gradient(x, ones, x.shape, *options)
    np.testing.assert_array_equal(dx, expected)
    if value == 1e30:  # in a sum over all pixels, 0 * inf is NaN as it should be
        grad = np.zeros_like(x)
        grad[0, 0, 1, 2] = 1
        below = np.array([[0, 0, 0], [0, 0, 0], [0, value, 0]], np.float32)
        dw, _ = kernels.conv2d_parameter_gradients(grad, x, ones.shape, True, *options)
        np.testing.assert_array_equal(dw[0, 0], below)
        dw, _ = kernels.conv2d_parameter_gradients(x, grad, ones.shape, True, *options)
        np.testing.assert_array_equal(dw[0, 0], below[::-1])
    weight = np.zeros_like(ones)
    weight[0, 0, 1, 1] = value
    y = kernels.conv2d(np.ones_like(x), weight, None, *options)
    np.testing.assert_array_equal(y, np.full(y.shape, value, np.float32))


@both_kinds
def test_results_lie_channels_last_and_belong_to_the_caller(kernels):
    """Two calls never share memory, whatever buffers the kernel keeps."""
    x, weight = whole_numbers((4, 2, 6, 6)), whole_numbers((3, 2, 3, 3))
    options = ((1, 1), (1, 1), (1, 1), 1)
    first = kernels.conv2d(x, weight, None, *options)
    copy = first.copy()
    second = kernels.conv2d(x + 1, weight, None, *options)
    np.testing.assert_array_equal(first, copy)
    assert not np.shares_memory(first, second)
    assert first.transpose(0, 2, 3, 1).flags.c_contiguous
    dx = kernels.conv2d_input_gradient(first, weight, x.shape, *options)
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous


@both_kinds
def test_inputs_are_left_alone(kernels):
    for order, stride in itertools.product(ORDERS, [(1, 1), (2, 2)]):
        options = (stride, (1, 1), (1, 1), 1)
        x, weight = (
            in_memory_order(whole_numbers((4, 2, 6, 6)), order),
            whole_numbers((3, 2, 3, 3)),
        )
        grad = kernels.conv2d(x, weight, None, *options)
        before = x.copy(), weight.copy(), grad.copy()
        kernels.conv2d_input_gradient(grad, weight, x.shape, *options)
        kernels.conv2d_parameter_gradients(grad, x, weight.shape, True, *options)
        for array, copy in zip((x, weight, grad), before, strict=True):
            np.testing.assert_array_equal(array, copy)


@without_numba
def test_same_bits_from_run_to_run_and_close_with_another_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 8, 20, 20), dtype=np.float32)
    weight = rng.standard_normal((16, 8, 3, 3), dtype=np.float32)
    grad = rng.standard_normal((64, 16, 20, 20), dtype=np.float32)
    options = ((1, 1), (1, 1), (1, 1), 1)

    def results():
        return (
            compiled.conv2d(x, weight, None, *options),
            compiled.conv2d_input_gradient(grad, weight, x.shape, *options),
            *compiled.conv2d_parameter_gradients(grad, x, weight.shape, True, *options),
        )

    by_threads = {}
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "_wanted", count)
        by_threads[count] = results()
        for _ in range(3):
            for again, once in zip(results(), by_threads[count], strict=True):
                np.testing.assert_array_equal(again, once)
    for count in (2, 3):
        for several, one in zip(by_threads[count], by_threads[1], strict=True):
            np.testing.assert_allclose(several, one, rtol=1e-4, atol=1e-3)
