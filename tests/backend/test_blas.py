"""What is called in the BLAS library by hand."""

import numpy as np
import pytest

from tinygrad_adam.backend.cpu import blas

SIZE = blas.LEAST_AXPBY + 3


@pytest.fixture
def library():
    found = blas.library()
    if not found.axpby(1.0, np.ones(SIZE), 1.0, np.ones(SIZE)):
        pytest.skip("this BLAS library has no axpby")
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_axpby_is_a_weighted_sum_in_place(library, dtype, start):
    random = np.random.RandomState(0)
    x, y = random.normal(size=(2, SIZE + start)).astype(dtype)
    x.flags.writeable = start == 0
    x, y = x[start:], y[start:]
    expected = 0.25 * x.astype("float64") - 1.5 * y
    assert library.axpby(0.25, x, -1.5, y)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6 if dtype == "float32" else 1e-15)


def test_axpby_of_arrays_with_several_axes(library):
    x, y = np.ones((3, SIZE)), np.full((3, SIZE), 2.0)
    assert library.axpby(1.0, x, 2.0, y)
    assert (y == 5).all()


def test_axpby_passes_on_infinity_and_nan(library):
    x, y = np.ones(SIZE), np.ones(SIZE)
    x[1], y[2], y[3] = np.nan, np.nan, -np.inf
    assert library.axpby(2.0, x, 1.0, y)
    np.testing.assert_array_equal(y[:5], [3, np.nan, np.nan, -np.inf, 3])


@pytest.mark.parametrize(
    ("alpha", "x", "beta", "y"),
    [
        (0.0, np.full(SIZE, np.nan), 1.0, np.ones(SIZE)),  # BLAS would not see the NaN
        (1.0, np.ones(SIZE), 0.0, np.full(SIZE, np.nan)),
        (1.0, np.ones(SIZE, "float32"), 1.0, np.ones(SIZE)),
        (1.0, np.ones(SIZE, "float16"), 1.0, np.ones(SIZE, "float16")),
        (1.0, np.ones(2 * SIZE)[::2], 1.0, np.ones(SIZE)),
        (1.0, np.ones(SIZE), 1.0, np.ones(2 * SIZE)[::2]),
        (1.0, np.ones(3), 1.0, np.ones(3)),
        (1.0, np.ones(0), 1.0, np.ones(0)),
    ],
)
def test_what_axpby_leaves_to_numpy_is_not_touched(alpha, x, beta, y):
    before = y.copy()
    assert not blas.library().axpby(alpha, x, beta, y)
    np.testing.assert_array_equal(y, before)
