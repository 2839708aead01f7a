"""Clipping gradients, parameters as a vector."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.nn import utils


@pytest.fixture
def parameters():
    made = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(1))]
    made[0].grad = torch.tensor([3.0, -4.0])
    made[1].grad = torch.tensor([1.0, 2.0, -2.0])
    return made


@pytest.mark.parametrize(
    ("norm_type", "total"),
    [(1.0, 12.0), (2.0, math.sqrt(34)), (3.0, 108 ** (1 / 3)), (math.inf, 4.0), (0.0, 2.0)],
)
def test_clip_grad_norm(parameters, norm_type, total):
    norm = utils.clip_grad_norm_(parameters, 1.0, norm_type=norm_type)
    if norm_type:  # the norm of order 0 counts tensors, as in PyTorch: the norm of the norms
        assert norm.item() == pytest.approx(total, rel=1e-6)
    assert norm.shape == ()
    assert norm.dtype == torch.float32
    if norm_type:
        expected = np.array([3, -4]) / (total + 1e-6)
        np.testing.assert_allclose(parameters[0].grad.array, expected, rtol=1e-5)
    assert parameters[2].grad is None


def test_small_gradients_are_left_alone(parameters):
    utils.clip_grad_norm_(parameters, 100.0)
    assert parameters[0].grad.tolist() == [3, -4]


def test_clip_grad_norm_of_one_and_of_none():
    assert utils.clip_grad_norm_([], 1.0).item() == 0
    parameter = nn.Parameter(torch.ones(1))
    parameter.grad = torch.tensor([math.inf])
    with pytest.raises(RuntimeError, match="for gradients from `parameters` is non-finite"):
        utils.clip_grad_norm_(parameter, 1.0, error_if_nonfinite=True)
    assert math.isinf(utils.clip_grad_norm_(parameter, 1.0).item())
    assert math.isnan(parameter.grad.item())


def test_clip_grad_value(parameters):
    utils.clip_grad_value_(parameters, 1.5)
    assert parameters[0].grad.tolist() == [1.5, -1.5]
    assert parameters[1].grad.tolist() == [1, 1.5, -1.5]


def test_gradients_of_a_sum_can_be_clipped():
    x = torch.ones(3, requires_grad=True)
    x.sum().backward()
    utils.clip_grad_norm_(x, 1e-3)
    utils.clip_grad_value_(x, 1e-4)
    assert abs(x.grad.array).max() <= 1.0001e-4


def test_vectors(parameters):
    vector = utils.parameters_to_vector(parameters)
    assert vector.tolist() == [1] * 6
    (vector * vector).sum().backward()
    assert parameters[2].grad.tolist() == [2]
    before = parameters[1]
    utils.vector_to_parameters(torch.arange(6.0), parameters)
    assert [p.tolist() for p in parameters] == [[0, 1], [2, 3, 4], [5]]
    assert parameters[1] is before
    with pytest.raises(TypeError, match=r"expected torch.Tensor, but got: list"):
        utils.vector_to_parameters([1.0], parameters)
    with pytest.raises(RuntimeError, match="has 5 elements, the parameters have 6"):
        utils.vector_to_parameters(torch.ones(5), parameters)
