"""ReLU and its gradient against np.maximum and np.where, for all sizes, orders and odd numbers."""

import numpy as np
import pytest

from tests.backend.both import both_kinds

SHAPES = [(), (0, 3), (5,), (3, 50_000), (12, 32, 14, 14), (1, 1, 300, 300)]


def example(shape, dtype, order):
    """Numbers of both signs, with NaN, infinities and zeros of both signs where there is room."""
    x = np.asarray(np.random.default_rng(0).standard_normal(shape) * 5)
    if x.size > 4 and np.dtype(dtype).kind == "f":
        for start, value in enumerate((np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0)):
            x.flat[start::17] = value
    x = x.astype(dtype)
    if order == "channels last" and x.ndim == 4:
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if order == "gaps" and x.ndim:
        return x[..., ::2]
    return x.T if order == "transposed" else x


@both_kinds
@pytest.mark.parametrize("order", ["contiguous", "channels last", "transposed", "gaps"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_relu_and_its_gradient(kernels, shape, order):
    x = example(shape, "int64", order)
    np.testing.assert_array_equal(kernels.relu(x), np.maximum(x, 0))
    assert kernels.relu(x).dtype == x.dtype
    for dtype in ("float16", "float32", "float64"):
        x = example(shape, dtype, order)
        y = kernels.relu(x)
        np.testing.assert_array_equal(y, np.maximum(x, 0))
        assert y.dtype == x.dtype
        everywhere = np.broadcast_to(np.full((), np.inf, dtype), y.shape)
        other_order = np.asarray(example(y.shape[::-1], dtype, "contiguous").T)
        for grad in (example(y.shape, dtype, "contiguous"), other_order, everywhere):
            dx = kernels.relu_gradient(grad, y)
            np.testing.assert_array_equal(dx, np.where(y <= 0, y.dtype.type(0), grad))
            assert dx.dtype == grad.dtype


@both_kinds
def test_results_keep_the_memory_order(kernels):
    x = example((40, 32, 14, 14), "float32", "channels last")
    y = kernels.relu(x)
    dx = kernels.relu_gradient(x, y)
    assert x.strides == y.strides == dx.strides
