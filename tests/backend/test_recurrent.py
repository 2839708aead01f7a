"""Recurrent layers: the compiled kernels beside the plain ones, which run beside PyTorch's numbers.

That the plain ones are right, in all options, is shown by tests/nn (on what they compute in the
recorded walk, too) and here by a sequence whose steps can be done by hand.
"""

import itertools

import numpy as np
import pytest

from tests.backend.both import both_kinds
from tinygrad_adam.backend import plain
from tinygrad_adam.backend.plain.recurrent import GATES

SIZES = [(1,), (4, 4, 4), (7, 4, 4, 1, 1), (5, 5, 3, 2)]


def numbers(seed, dtype):
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape).astype(dtype)


def arguments(kind, sizes, dtype, bias, projected, hidden=5):
    draw, gates = numbers(0, dtype), GATES[kind]
    rows, batch, size = sum(sizes), sizes[0], 3 if projected else hidden
    return [
        kind,
        draw(rows, gates * hidden),
        draw(batch, size),
        draw(batch, hidden) if kind == "LSTM" else None,
        draw(gates * hidden, size),
        (draw(gates * hidden), draw(gates * hidden)) if bias else None,
        draw(3, hidden) if projected else None,
        sizes,
    ]


@both_kinds
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("kind", GATES)
def test_equals_the_plain_kernel_in_float64(kernels, kind, sizes, dtype):
    digits = 1e-12 if dtype == "float64" else 1e-5
    for projected, bias, backwards in itertools.product([False, True], repeat=3):
        if projected and kind != "LSTM":
            continue
        given = arguments(kind, sizes, dtype, bias, projected)
        wide = arguments(kind, sizes, "float64", bias, projected)
        for x, y in zip(given, wide):  # the very numbers of float32
            if isinstance(y, np.ndarray):
                y[...] = x
        if bias:
            wide[5] = tuple(x.astype("float64") for x in given[5])
        exact = plain.recurrence(*wide, backwards)
        untouched = [x.copy() for x in given[2:5] if x is not None]
        found = kernels.recurrence(*given, backwards)
        close(found, exact, dtype, digits)
        for x, before in zip([x for x in given[2:5] if x is not None], untouched):
            np.testing.assert_array_equal(x, before)

        draw = numbers(1, dtype)
        grads = [None if x is None else draw(*x.shape) for x in exact[:3]]
        kept = [None if x is None else x.astype(dtype) for x in exact[3:]]
        rest = (given[4], given[6], sizes, backwards)
        found = kernels.recurrence_gradient(kind, *grads, *kept, *rest)
        arrays = [
            None if x is None else x.astype("float64") for x in (*grads, *kept, given[4], given[6])
        ]
        exact = plain.recurrence_gradient(kind, *arrays, sizes, backwards)
        close(found, exact, dtype, 10 * digits)


def close(found, exact, dtype, digits):
    for ours, expected in zip(found, exact, strict=True):
        assert (ours is None) == (expected is None)
        if expected is not None:
            assert ours.dtype == dtype
            np.testing.assert_allclose(ours, expected, rtol=digits, atol=digits * 10)


@both_kinds
def test_two_steps_by_hand(kernels):
    x, h = np.array([[0.5], [1.0], [-2.0]]), np.array([[0.25], [-1.0]])
    out, last, *_ = kernels.recurrence(
        "RNN_RELU", x.copy(), h, None, np.array([[2.0]]), None, None, (2, 1), False
    )
    # Row 0: relu(0.5 + 2 * 0.25) = 1, then relu(-2 + 2 * 1) = 0. Row 1: relu(1 - 2) = 0.
    assert out.tolist() == [[1.0], [0.0], [0.0]]
    assert last.tolist() == [[0.0], [0.0]]
    out, last, *_ = kernels.recurrence(
        "RNN_RELU", x.copy(), h, None, np.array([[2.0]]), None, None, (2, 1), True
    )
    # Back: row 0 relu(-2 + 0.5) = 0, then relu(0.5 + 0) = 0.5. Row 1: relu(1 - 2) = 0.
    assert out.tolist() == [[0.5], [0.0], [0.0]]
    assert last.tolist() == [[0.5], [0.0]]


@both_kinds
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gates_at_their_ends_and_beyond(kernels, dtype):
    values = [-np.inf, -1e4, -88.0, -20.0, -1e-8, 0.0, 1e-8, 1e-3, 20.0, 88.0, 1e4, np.inf, np.nan]
    x = np.repeat(np.array(values, dtype)[:, None], 4, axis=1)
    state = np.zeros((len(x), 1), dtype)
    with np.errstate(all="ignore"):
        *_, gates, _, _ = kernels.recurrence(
            "LSTM", x.copy(), state, state, np.zeros((4, 1), dtype), None, None, (len(x),), False
        )
        wide = x[:, 0].astype("float64")
        sigmoid, tanh = 1 / (1 + np.exp(-wide)), np.tanh(wide)
    eps = np.finfo(dtype).eps
    for column, expected in enumerate((sigmoid, sigmoid, tanh, sigmoid)):
        np.testing.assert_allclose(gates[:, column], expected, rtol=4 * eps, atol=1e-37)
    assert not np.isnan(gates[:-1]).any()
