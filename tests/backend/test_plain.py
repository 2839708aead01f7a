"""The plain kernels against definitions in float64, one element at a time: every option and dtype.

The files beside this one test both kinds of kernels with small whole numbers and random options.
Here are the dtypes that only the plain kernels know, numbers that are rounded, and odd ones.
"""

import itertools
import math

import numpy as np
import pytest

from tinygrad_adam.backend import plain

EPS = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
floats = pytest.mark.parametrize("dtype", list(EPS))


def numbers(shape, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def every_second(array):
    """The same numbers with gaps in memory, backwards."""
    return np.repeat(array, 2, axis=-1)[..., ::-1].copy()[..., ::-2]


def close(found, exact, dtype, terms, size):
    """A sum of `terms` numbers whose absolute values add up to `size`, rounded once in float16."""
    summed = "float32" if dtype == "float16" else dtype
    bound = 2 * EPS[summed] * math.sqrt(terms + 4) * size + EPS[dtype] * (abs(exact) + 1e-4)
    assert (found.dtype, found.shape) == (dtype, exact.shape)
    assert (abs(found.astype("float64") - exact) <= bound + 1e-300).all()


def convolved(x, w, bias, stride, padding, dilation, groups):
    """Yield each product of a convolution: (place in y, place in x, place in w)."""
    (batch, _, height, width), (out, each, k_h, k_w) = x.shape, w.shape
    rows, columns = (
        (length + 2 * p - d * (k - 1) - 1) // s + 1
        for length, p, d, k, s in zip((height, width), padding, dilation, (k_h, k_w), stride)
    )
    products = itertools.product(*map(range, (batch, out, rows, columns, each, k_h, k_w)))
    for n, o, row, column, c, i, j in products:
        at = row * stride[0] + i * dilation[0] - padding[0]
        across = column * stride[1] + j * dilation[1] - padding[1]
        if 0 <= at < height and 0 <= across < width:
            channel = o // (out // groups) * each + c
            yield (n, o, row, column), (n, channel, at, across), (o, c, i, j)


CONVOLUTIONS = [  # x, weight, stride, padding, dilation, groups
    ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((2, 1, 5, 4), (3, 1, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((2, 3, 6, 5), (2, 3, 2, 3), (2, 1), (0, 2), (1, 1), 1),
    ((1, 4, 7, 5), (6, 2, 2, 2), (3, 2), (2, 1), (2, 3), 2),
    ((2, 3, 4, 4), (3, 1, 3, 3), (1, 1), (1, 1), (1, 1), 3),
    ((1, 2, 3, 3), (2, 2, 2, 2), (1, 1), (3, 4), (1, 1), 1),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("dtype", [*EPS, "int64"])
def test_convolution_and_its_gradients(case, dtype):
    x_shape, w_shape, *options = case
    x, w, b = (
        every_second(4 * numbers(s, "float64", i)).astype(dtype)
        for i, s in enumerate((x_shape, w_shape, w_shape[:1]))
    )
    y = plain.conv2d(x, w, b, *options)
    g = numbers(y.shape, "float64", 5).astype(dtype)
    dx = plain.conv2d_input_gradient(g, w, x.shape, *options)
    dw, db = plain.conv2d_parameter_gradients(g, x, w.shape, True, *options)
    wide = [a.astype("float64") for a in (x, w, b, g)]
    exact, sizes = [], []
    for transform, results in ((lambda a: a, exact), (abs, sizes)):
        one_x, one_w, one_b, one_g = map(transform, wide)
        found = [np.zeros(y.shape) + one_b[:, None, None], np.zeros(x.shape), np.zeros(w.shape)]
        for at_y, at_x, at_w in convolved(x, w, b, *options):
            found[0][at_y] += one_x[at_x] * one_w[at_w]
            found[1][at_x] += one_g[at_y] * one_w[at_w]
            found[2][at_w] += one_g[at_y] * one_x[at_x]
        results += [*found, one_g.sum((0, 2, 3))]
    for mine, right, size in zip((y, dx, dw, db), exact, sizes):
        if dtype == "int64":
            np.testing.assert_array_equal(mine, right)
        else:
            close(mine, right, dtype, g.size, size)
    assert plain.conv2d_parameter_gradients(g, x, w.shape, False, *options)[1] is None
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous


POOLS = [  # image, kernel, stride, padding, dilation, ceil mode
    ((1, 1), (1, 1), (1, 1), (0, 0), (1, 1), False),
    ((6, 4), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((7, 5), (3, 2), (1, 2), (1, 1), (1, 1), True),
    ((5, 9), (2, 3), (3, 1), (0, 1), (2, 2), False),
    ((5, 6), (3, 3), (2, 2), (1, 1), (1, 1), True),
    ((6, 6), (2, 2), (4, 3), (1, 0), (1, 1), True),
]


def seen(shape, sizes, kernel, stride, padding, dilation):
    """For each window of a plane: the places that it sees, row by row."""
    for row, column in np.ndindex(*sizes):
        rows = [row * stride[0] + i * dilation[0] - padding[0] for i in range(kernel[0])]
        columns = [column * stride[1] + j * dilation[1] - padding[1] for j in range(kernel[1])]
        places = [(i, j) for i in rows for j in columns if 0 <= i < shape[2] and 0 <= j < shape[3]]
        yield (row, column), places


@pytest.mark.parametrize("case", POOLS, ids=str)
@pytest.mark.parametrize("dtype", [*EPS, "int8", "uint8", "int64"])
def test_max_pooling(case, dtype):
    image, *options, ceil_mode = case
    choice = [0, 1, 2] if dtype == "uint8" else [-2, -1, 0, 1]
    odd = [-np.inf, np.inf, np.nan] if dtype in EPS else []
    for values in (choice, [*choice, *odd], odd[:1] or choice, odd[2:] or choice):
        x = np.random.default_rng(0).choice(values, (2, 3, *image)).astype(dtype)
        x = every_second(x)
        y = plain.max_pool2d(x, *options, ceil_mode)
        indices = plain.max_pool2d_indices(x, y, *options, ceil_mode)
        g = np.random.default_rng(1).integers(1, 9, y.shape).astype(dtype)
        right, dx = np.zeros_like(indices), np.zeros(x.shape)
        for n, c in np.ndindex(x.shape[:2]):
            for window, places in seen(x.shape, y.shape[2:], *options):
                best = places[0]
                for place in places[1:]:
                    value = x[n, c][place]
                    if value > x[n, c][best] or value != value:
                        best = place
                np.testing.assert_equal(y[n, c][window], x[n, c][best])
                right[n, c][window] = best[0] * image[1] + best[1]
                dx[n, c][best] += g[n, c][window]
        np.testing.assert_array_equal(indices, right)
        assert (y.dtype, indices.dtype) == (dtype, np.int64)
        if dtype in EPS:
            found = plain.max_pool2d_input_gradient(g, x, y, *options, ceil_mode)
            np.testing.assert_array_equal(found, dx)
            assert found.dtype == dtype
            # An infinite gradient goes to the winners, and nothing of it elsewhere.
            found = plain.max_pool2d_input_gradient(g * np.inf, x, y, *options, ceil_mode)
            np.testing.assert_array_equal(found, np.where(dx > 0, np.inf, 0))


@pytest.mark.parametrize("case", POOLS, ids=str)
@pytest.mark.parametrize("dtype", [*EPS, "int8", "int64"])
def test_average_pooling(case, dtype):
    image, kernel, stride, padding, _, ceil_mode = case
    x = every_second((8 * numbers((2, 3, *image), "float64")).astype(dtype))
    for count_padding, divisor in itertools.product([True, False], [None, 3, -2]):
        y = plain.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_padding, divisor)
        g = numbers(y.shape, "float64", 1).astype(dtype)
        wide_x, wide_g = x.astype("float64"), g.astype("float64")
        exact, dx = np.zeros(y.shape), np.zeros(x.shape)
        for window, places in seen(x.shape, y.shape[2:], kernel, stride, padding, (1, 1)):
            counted = 1
            for axis in (0, 1):
                start = window[axis] * stride[axis] - padding[axis]
                stop = start + kernel[axis]
                room = padding[axis] if count_padding else 0
                counted *= min(stop, image[axis] + room) - max(start, -room)
            counted = divisor or counted
            for place in places:
                exact[:, :, window[0], window[1]] += wide_x[:, :, place[0], place[1]] / counted
                dx[:, :, place[0], place[1]] += wide_g[:, :, window[0], window[1]] / counted
        if dtype not in EPS:
            np.testing.assert_array_equal(y, np.trunc(np.round(exact, 9)))
            continue
        close(y, exact, dtype, 9, 40)
        options = (kernel, stride, padding, ceil_mode, count_padding, divisor)
        close(plain.avg_pool2d_input_gradient(g, x.shape, *options), dx, dtype, 9, 10)


@floats
@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (7, 5), (9, 4)])
def test_adaptive_average_pooling(sizes, dtype):
    x = every_second(numbers((2, 3, 7, 5), dtype))
    y = plain.adaptive_avg_pool2d(x, sizes)
    g = numbers(y.shape, dtype, 1)
    exact, dx = np.zeros(y.shape), np.zeros(x.shape)
    for row, column in np.ndindex(*sizes):
        rows, columns = (
            slice(math.floor(at * length / count), math.ceil((at + 1) * length / count))
            for at, length, count in zip((row, column), x.shape[2:], sizes)
        )
        window = x[:, :, rows, columns].astype("float64")
        exact[:, :, row, column] = window.mean((2, 3))
        share = g[:, :, row, column].astype("float64") / window[0, 0].size
        dx[:, :, rows, columns] += share[:, :, None, None]
    close(y, exact, dtype, 35, 4)
    close(plain.adaptive_avg_pool2d_input_gradient(g, x.shape), dx, dtype, 35, 4)


@pytest.mark.parametrize("dtype", [*EPS, "int8", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (3, 4), (2, 3, 4, 5)])
def test_relu(shape, dtype):
    values = [0, 1, 2] if dtype == "uint8" else [-2, -1, 0, 1]
    values += [-np.inf, -0.0, np.inf, np.nan] if dtype in EPS else []
    x, g = (np.random.default_rng(s).choice(values, shape) for s in (0, 1))
    x, g = np.asarray(x).astype(dtype), np.asarray(g).astype(dtype)
    y = plain.relu(x)
    expected = [value if value > 0 or value != value else 0 for value in x.ravel().tolist()]
    np.testing.assert_array_equal(y.ravel(), np.array(expected))
    assert (y.dtype, y.shape) == (dtype, shape)
    if dtype in EPS:
        dx = plain.relu_gradient(g, y)
        passes = ~(np.asarray(x) <= 0)
        np.testing.assert_array_equal(dx, np.where(passes, g, 0))
        assert (dx.dtype, dx.shape) == (dtype, shape)


@floats
@pytest.mark.parametrize("shape", [(1, 1), (6, 5), (4, 3, 7), (3, 7, 4, 5), (0, 3), (3, 0, 2)])
def test_batch_norm(shape, dtype):
    x = every_second(numbers(shape, dtype) + np.dtype(dtype).type(3))
    g, w, b = numbers(shape, dtype, 1), *numbers((2, shape[1]), dtype, 2)
    axes, count = (0, *range(2, x.ndim)), max(1, x.size // max(1, shape[1]))
    along = [1, -1] + [1] * (x.ndim - 2)
    wide_x, wide_g = x.astype("float64"), g.astype("float64")
    for weight, bias in itertools.product((None, w), (None, b)):
        y, mean, variance = plain.batch_norm(x, weight, bias, 0.5)
        exact = wide_x.sum(axes) / count
        deviations = wide_x - exact.reshape(along)
        exact_variance = np.square(deviations).sum(axes) / count
        close(mean, exact, dtype, 1, 4)
        close(variance, exact_variance, dtype, 4, 4)
        inverse = 1 / np.sqrt(exact_variance + 0.5)
        n = deviations * inverse.reshape(along)
        scale = np.ones(shape[1]) if weight is None else weight.astype("float64")
        shift = np.zeros(shape[1]) if bias is None else bias.astype("float64")
        close(y, scale.reshape(along) * n + shift.reshape(along), dtype, 9, 9)

        saved = exact.astype(dtype), inverse.astype(dtype)
        dx, dw, db = plain.batch_norm_gradient(g, x, weight, *saved, True)
        n = (wide_x - saved[0].astype("float64").reshape(along)) * saved[1].astype(
            "float64"
        ).reshape(along)
        sums = (wide_g * n).sum(axes), wide_g.sum(axes)
        inner = wide_g - (sums[1].reshape(along) + n * sums[0].reshape(along)) / count
        factor = (saved[1].astype("float64") * scale).reshape(along)
        close(dx, factor * inner, dtype, 30, 30)
        close(dw, sums[0], dtype, 30, 30 * math.sqrt(count))
        close(db, sums[1], dtype, 30, 30 * math.sqrt(count))
        assert plain.batch_norm_gradient(g, x, weight, *saved, False)[0] is None


@floats
def test_update_rules_are_their_formulas(dtype):
    """Adam by its letters; each of the others has its CUDA text beside it, tests/optim."""
    w, g, m, v = (abs(numbers((5, 3), "float64", seed)).astype(dtype) for seed in range(4))
    one_w, one_g, one_m, one_v = (a.astype("float64") for a in (w, g, m, v))
    numbers_of = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-3}
    for t in (1, 2, 3):
        corrections = {"correction1": 1 - 0.9**t, "correction2": 1 - 0.99**t}
        plain.adam_update(w, g, m, v, weight_decay=0.1, decoupled=0.01, **numbers_of, **corrections)
        step_g = one_g + 0.1 * one_w
        one_m, one_v = 0.9 * one_m + 0.1 * step_g, 0.99 * one_v + 0.01 * step_g**2
        hat_m, hat_v = one_m / corrections["correction1"], one_v / corrections["correction2"]
        one_w = one_w * (1 - 0.01) - 0.1 * hat_m / (np.sqrt(hat_v) + 1e-3)
    for mine, right in ((w, one_w), (m, one_m), (v, one_v)):
        np.testing.assert_allclose(mine, right, rtol=20 * EPS[dtype], atol=20 * EPS[dtype])
        assert mine.dtype == dtype


@pytest.mark.parametrize("dtype", [*EPS, "int64", "complex64"])
@pytest.mark.parametrize(
    "shapes", [((3, 4), (4, 2)), ((0, 4), (4, 2)), ((2, 3, 4), (4, 1)), ((4,), (4,))]
)
def test_products(shapes, dtype):
    a, b = ((8 * numbers(shape, "float64", i)).astype(dtype) for i, shape in enumerate(shapes))
    y = plain.matmul(a, b)
    kind = "complex128" if dtype == "complex64" else "float64"
    exact = a.astype(kind) @ b.astype(kind)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, exact, rtol=4e-3 if dtype == "float16" else 1e-4, atol=1e-2)


@floats
@pytest.mark.parametrize("shape", [(), (0,), (4,), (3, 7)])
def test_embedding_gradient(shape, dtype):
    indices = np.random.default_rng(0).integers(0, 5, shape)
    g = numbers((*shape, 3), dtype)
    exact = np.zeros((6, 3))
    for place in np.ndindex(*shape):
        exact[indices[place]] += g[place]
    close(plain.embedding_gradient(g, indices, 6), exact, dtype, indices.size, 9)
