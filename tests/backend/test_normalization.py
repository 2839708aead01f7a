"""Batch normalization: both modules' kernels against the formulas in float64."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.both import both_kinds


def channels_last(x):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


LAYOUTS = {
    "channels last": channels_last,
    "contiguous": np.ascontiguousarray,
    "gaps": lambda x: np.repeat(x, 2, axis=0)[::2],
}


def formulas(grad, x, weight, bias, eps):
    """y, mean, variance, dx, dw, db in float64, from the definitions."""
    axes = (0, *range(2, x.ndim))
    grad, x = grad.astype(np.float64), x.astype(np.float64)

    def wide(values):
        return np.asarray(values, np.float64).reshape(-1, *[1] * (x.ndim - 2))

    count = x.size / x.shape[1]
    mean, variance = x.sum(axes) / count, x.var(axes)
    n = (x - wide(mean)) / np.sqrt(wide(variance) + eps)
    w = np.ones(x.shape[1]) if weight is None else weight
    y = wide(w) * n + (0 if bias is None else wide(bias))
    dw, db = (grad * n).sum(axes), grad.sum(axes)
    dx = wide(w) / np.sqrt(wide(variance) + eps) * (grad - wide(db) / count - n * wide(dw) / count)
    return y, mean, variance, dx, dw, db


@both_kinds
@settings(max_examples=60, deadline=None)
@given(
    shape=st.sampled_from(
        [(1, 1), (2, 3), (7, 1), (5, 4, 3), (2, 3, 4, 5), (8, 2, 4, 4), (3, 9, 2, 2, 2)]
    ),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    dtype=st.sampled_from(["float32", "float64"]),
    affine=st.tuples(st.booleans(), st.booleans()),
    far=st.sampled_from([0, 100, -1000]),
    seed=st.integers(0, 99),
)
def test_equals_the_formulas(kernels, shape, layouts, dtype, affine, far, seed):
    rng = np.random.default_rng(seed)
    x, grad = (
        LAYOUTS[layout]((rng.standard_normal(shape) + offset).astype(dtype))
        for layout, offset in zip(layouts, (far, 0))
    )
    weight, bias = (
        rng.standard_normal(shape[1]).astype(dtype) if wanted else None for wanted in affine
    )
    eps = 0.5  # so that channels of one number are well conditioned
    y, mean, variance = kernels.batch_norm(x, weight, bias, eps)
    inverse = 1 / np.sqrt(variance + np.asarray(eps, dtype))
    found = kernels.batch_norm_gradient(grad, x, weight, mean, inverse, True)
    digits = 1e-12 if dtype == "float64" else 1e-5
    scale = max(1, abs(far))
    for ours, expected in zip((y, mean, variance, *found), formulas(grad, x, weight, bias, eps)):
        assert ours.dtype == dtype
        assert ours.shape == expected.shape
        np.testing.assert_allclose(ours, expected, rtol=10 * digits, atol=10 * digits * scale)
    without = kernels.batch_norm_gradient(grad, x, weight, mean, inverse, False)
    assert without[0] is None
    np.testing.assert_array_equal(without[1], found[1])
    np.testing.assert_array_equal(without[2], found[2])


@both_kinds
def test_the_result_lies_in_memory_as_the_input(kernels):
    x = channels_last(np.random.default_rng(0).standard_normal((4, 3, 5, 6)))
    y, mean, variance = kernels.batch_norm(x, None, None, 1e-5)
    dx, *_ = kernels.batch_norm_gradient(x, x, None, mean, 1 / np.sqrt(variance), True)
    assert y.strides == dx.strides == x.strides


@both_kinds
def test_a_channel_that_is_not_finite_leaves_the_others_alone(kernels):
    x = channels_last(np.random.default_rng(0).standard_normal((8, 4, 2, 2)).astype(np.float32))
    expected, *_ = kernels.batch_norm(x, None, None, 1e-5)
    x[3, 1, 0, 1], x[5, 2, 1, 1] = np.inf, np.nan
    with np.errstate(all="ignore"):
        y, *_ = kernels.batch_norm(x, None, None, 1e-5)
    assert np.isnan(y[:, 2]).all()
    assert np.isnan(y[3, 1, 0, 1])
    np.testing.assert_array_equal(y[:, [0, 3]], expected[:, [0, 3]])


@both_kinds
def test_a_large_mean_costs_no_digits(kernels):
    """Single-pass sums of squares would have lost them all."""
    x = channels_last(np.random.default_rng(0).standard_normal((64, 2, 8, 8)) + 1e4)
    _, mean, variance = kernels.batch_norm(x.astype(np.float32, order="K"), None, None, 1e-5)
    exact = x.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var((0, 2, 3)), rtol=1e-4)


@both_kinds
def test_the_same_bits_each_time(kernels):
    x = channels_last(np.random.default_rng(0).standard_normal((16, 3, 8, 8)).astype(np.float32))
    first = kernels.batch_norm(x, None, None, 1e-5)
    for _ in range(5):
        for ours, expected in zip(kernels.batch_norm(x, None, None, 1e-5), first):
            np.testing.assert_array_equal(ours, expected)
