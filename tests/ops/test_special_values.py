"""Infinities, NaN and zeros: where they go, forward and in gradients, as in PyTorch."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional

inf, nan = math.inf, math.nan


def slopes(function, numbers, order=1, dtype=torch.float64):
    """Return the derivative of a function of each element, the first or the second."""
    x = torch.tensor(numbers, dtype=dtype, requires_grad=True)
    y = function(x)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return y.tolist()


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([inf, 2.0, 0.0], [0.0, nan, inf]),
        ([inf, 2.0, 3.0], [nan, inf, inf]),
        ([2.0, 0.0, inf, 1.0], [nan, inf, 0.0, nan]),
        ([inf, 0.0, 0.0], [0.0, nan, nan]),
    ],
)
def test_gradient_of_a_product_with_infinities(numbers, wanted):
    np.testing.assert_array_equal(slopes(lambda x: x.prod(0), numbers), wanted)


@pytest.mark.parametrize(
    ("exponent", "wanted"),
    [(0.5, [0.0, 0.0, inf, inf]), (-0.5, [inf, inf, 0.0, 0.0])],
)
def test_half_precision_powers_at_signed_zeros_and_infinities(exponent, wanted):
    x = torch.tensor([0.0, -0.0, inf, -inf], dtype=torch.float16)
    assert (x**exponent).tolist() == wanted
    assert (x**exponent).dtype == torch.float16


def test_slopes_of_elu_at_its_kink_and_at_nan():
    assert slopes(functional.elu, [nan, -inf, inf, 0.0]) == [1.0, 0.0, 1.0, 1.0]
    assert slopes(functional.elu, [0.0, 1.0, nan], order=2) == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(slopes(functional.elu, [-1.0], order=2), [math.exp(-1)])


def test_slopes_of_softplus_at_its_threshold():
    first = slopes(lambda x: functional.softplus(x, 2, 1), [0.5, 0.75])
    np.testing.assert_allclose(first, [1 / (1 + math.exp(-1)), 1.0])
    second = slopes(lambda x: functional.softplus(x, 2, 1), [0.5, 0.75], order=2)
    assert second == [0.0, 0.0]


def test_variance_and_mean_take_their_options_by_place_too():
    x = torch.tensor([[1.0, 3.0], [2.0, 8.0]])
    variance, mean = torch.var_mean(x, 1, False, True)
    assert variance.tolist() == [[1.0], [9.0]]
    assert mean.tolist() == [[2.0], [5.0]]
    deviation, mean = torch.std_mean(x, False)
    assert mean.tolist() == 3.5
    np.testing.assert_allclose(deviation.item(), math.sqrt(29 / 4))
    assert torch.std_mean(x, axis=1, keepdims=True, correction=0)[0].tolist() == [[1.0], [3.0]]


def test_every_nan_is_different_from_every_other():
    values, counts = torch.tensor([nan, 1.0, nan]).unique(return_counts=True)
    np.testing.assert_array_equal(values.tolist(), [1.0, nan, nan])
    assert counts.tolist() == [1, 1, 1]
