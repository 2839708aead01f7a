"""``Variable``, the old name of a tensor."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd.variable import Variable


def test_it_makes_a_leaf_on_the_same_memory():
    x = torch.ones(2)
    y = Variable(x, requires_grad=True)
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3.0, 3.0]
    assert type(y) is torch.Tensor
    assert not x.requires_grad
    Variable(x).add_(1)
    assert y.tolist() == [2.0, 2.0]
    assert y._version == x._version == 1
    inner = Variable(y * 2, requires_grad=True)
    assert inner.is_leaf
    assert not Variable(y).requires_grad
    assert not Variable(torch.tensor([1])).requires_grad


def test_every_tensor_is_one():
    for x in (torch.ones(1), torch.ones(1, requires_grad=True) * 2, nn.Parameter(torch.ones(1))):
        assert isinstance(x, Variable)
        assert isinstance(x, torch.autograd.Variable)
    assert not isinstance(1.0, Variable)
    assert not isinstance(np.ones(1), Variable)


def test_what_it_refuses():
    for wrong in (3.0, [1.0], np.ones(2)):
        with pytest.raises(TypeError, match="Variable data has to be a tensor, but got"):
            Variable(wrong)
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype"):
        Variable(torch.tensor([1]), requires_grad=True)
    with pytest.warns(UserWarning, match="volatile was removed"):
        assert not Variable(torch.ones(1), volatile=True).requires_grad
    with (
        pytest.warns(UserWarning, match="volatile was removed"),
        pytest.raises(
            ValueError, match=r"^Variable can't be volatile and require_grad at the same"
        ),
    ):
        Variable(torch.ones(1), True, True)
    for wrong in ({"requires_grad": "a"}, {"volatile": "x"}):
        with pytest.raises(TypeError, match=r"^'str' object cannot be interpreted as an integer"):
            Variable(torch.ones(1), **wrong)


def test_without_data_it_is_empty():
    for empty in (Variable(), Variable(None), Variable(data=torch.zeros(0))):
        assert empty.shape == (0,)
        assert empty.dtype == torch.float32
