"""Reductions and ordering beyond values and gradients, which the table of operations compares."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.autograd import Operation
from tinygrad_adam.ops import ordering, reductions

X = [[0.0, 2.0, 2.0], [-1.0, 0.0, 5.0]]
WITHOUT_GRADIENT = {
    "all": lambda x: reductions.all(x, 1),
    "any": lambda x: reductions.any(x),
    "count_nonzero": lambda x: reductions.count_nonzero(x, 0),
    "argmax": lambda x: ordering.argmax(x),
    "argmin": lambda x: ordering.argmin(x, 1, keepdim=True),
    "argsort": lambda x: ordering.argsort(x, 1, descending=True),
}


@pytest.mark.parametrize("name", WITHOUT_GRADIENT)
def test_what_has_no_gradient_takes_arrays_in_a_walk_of_arrays(name):
    function = WITHOUT_GRADIENT[name]
    found = []

    class Looking(Operation):
        def forward(self, x):
            self.save(x)
            return x.copy()

        def backward(self, grad):
            (x,) = self.saved
            found.append(function(x))
            return grad

    x = torch.tensor(X, requires_grad=True)
    y = Looking.apply(x).sum()
    torch.autograd.grad(y, x, retain_graph=True)
    torch.autograd.grad(y, x, create_graph=True)
    of_array, of_tensor = found
    assert isinstance(of_array, (np.ndarray, np.generic))
    assert not of_tensor.requires_grad
    assert of_tensor.dtype == of_array.dtype
    np.testing.assert_array_equal(of_array, of_tensor.numpy())
    np.testing.assert_array_equal(of_array, function(torch.tensor(X)).numpy())


def test_the_different_elements_have_no_gradient():
    values, inverse = torch.tensor(X, requires_grad=True).unique(return_inverse=True)
    assert values.tolist() == [-1, 0, 2, 5]
    assert inverse.tolist() == [[1, 2, 2], [0, 1, 3]]
    assert not values.requires_grad


def test_a_dimension_may_be_an_integer_of_numpys():
    x, first = torch.tensor(X), np.int64(0)
    assert x.all(first).tolist() == [False, False, True]
    assert x.any(first).tolist() == [True, True, True]
    assert torch.zeros(2, 0).amax(first).shape == (0,)


def test_results_go_where_out_says():
    x = torch.tensor(X)
    out = torch.zeros(2)
    assert reductions.sum(x, axis=1, out=out) is out
    assert out.tolist() == [4, 4]
    pair = torch.zeros(2), torch.zeros(2, dtype=torch.int64)
    values, indices = ordering.max(x, 1, out=pair)
    assert (values, indices) == pair
    assert (values.tolist(), indices.tolist()) == ([2, 5], [1, 2])


def test_a_warning_names_the_line_of_the_program():
    with pytest.warns(UserWarning, match="degrees of freedom") as caught:
        torch.ones(1).var()
    assert caught[0].filename == __file__


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_a_product_with_zeros_has_gradients_of_any_order(count):
    x = torch.zeros(count, dtype=torch.float64, requires_grad=True)
    y = x.prod()
    for _ in range(count - 1):
        (slopes,) = torch.autograd.grad(y, x, create_graph=True)
        y = slopes.sum()
    # Every order of the factors once.
    (slopes,) = torch.autograd.grad(y, x)
    assert slopes.tolist() == [np.prod(np.arange(1, count))] * count
