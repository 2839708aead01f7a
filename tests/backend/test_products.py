"""Matrix products, which the compiled kernels split over threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.both import both_kinds
from tinygrad_adam.backend.compiled import products, threads


@both_kinds
@pytest.mark.parametrize("workers", [1, 2, 3])
@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(0, 9)] * 3),
    turned=st.tuples(st.booleans(), st.booleans()),
    dtype=st.sampled_from([np.float16, np.float32, np.float64, np.int64]),
)
def test_equals_numpy_however_it_is_split(kernels, workers, shape, turned, dtype):
    rng = np.random.default_rng(0)
    rows, inner, columns = shape
    a = rng.integers(-4, 5, (rows, inner)).astype(dtype)
    b = rng.integers(-4, 5, (inner, columns)).astype(dtype)
    a, b = (np.asfortranarray(m) if turn else m for m, turn in zip((a, b), turned, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "_wanted", workers)
        patch.setattr(products, "ALONE", 0)
        y = kernels.matmul(a, b)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, a.astype(np.float64) @ b.astype(np.float64))


@both_kinds
@pytest.mark.parametrize(
    "shapes",
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((5, 2, 3), (3, 2)), ((5, 2, 3), (5, 3, 4))],
)
def test_vectors_and_batches_go_to_numpy(kernels, shapes):
    a, b = (np.arange(float(np.prod(shape))).reshape(shape) for shape in shapes)
    np.testing.assert_array_equal(kernels.matmul(a, b), a @ b)


@both_kinds
def test_shapes_that_do_not_match(kernels):
    with pytest.raises(ValueError, match="matmul"):
        kernels.matmul(np.ones((2, 3)), np.ones((4, 2)))
