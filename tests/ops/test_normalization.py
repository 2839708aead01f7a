"""Normalization as operations: closed forms and gradients of any order."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.nn import functional as F  # noqa: N812 (everybody's name for it)


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def normalized(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def test_closed_forms():
    x = np.random.default_rng(0).standard_normal((4, 6, 3, 2)) + 3
    t = torch.tensor(x)
    y = F.batch_norm(t, None, None, training=True, eps=0.1)
    np.testing.assert_allclose(y.array, normalized(x, (0, 2, 3), 0.1))
    y = F.layer_norm(t, (3, 2), eps=0.1)
    np.testing.assert_allclose(y.array, normalized(x, (2, 3), 0.1))
    y = F.group_norm(t, 3, eps=0.1)
    grouped = normalized(x.reshape(4, 3, 2, 3, 2), (2, 3, 4), 0.1)
    np.testing.assert_allclose(y.array, grouped.reshape(x.shape))


@pytest.mark.parametrize("affine", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize(
    ("function", "shape", "size"),
    [
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), (3, 2, 2), (2,)),
        (lambda x, w, b: F.layer_norm(x, (2, 3), w, b), (2, 2, 3), (2, 3)),
        (lambda x, w, b: F.group_norm(x, 2, w, b), (2, 4, 2), (4,)),
        (
            lambda x, w, b: F.batch_norm(
                x, torch.tensor([0.5, 1.0]).double(), torch.tensor([2.0, 1.0]).double(), w, b
            ),
            (3, 2, 2),
            (2,),
        ),
    ],
    ids=["batch", "layer", "group", "batch in evaluation"],
)
def test_derivatives(function, shape, size, affine):
    weight, bias = random(*size) if affine[0] else None, random(*size) if affine[1] else None
    given = [p for p in (weight, bias) if p is not None]

    def compute(x, *parameters):
        rest = iter(parameters)
        return function(
            x, None if weight is None else next(rest), None if bias is None else next(rest)
        )

    inputs = (random(*shape), *given)
    assert gradcheck(compute, inputs, fast_mode=True)
    assert gradgradcheck(compute, inputs, fast_mode=True)


def test_running_values_change_only_in_training():
    mean, variance = torch.zeros(2), torch.ones(2)
    x = torch.randn(8, 2)
    F.batch_norm(x, mean, variance)
    assert mean.tolist() == [0, 0]
    F.batch_norm(x, mean, variance, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.array, x.array.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance.array, x.array.var(0, ddof=1), rtol=1e-5)


def test_channels_last_memory():
    x = torch.randn(2, 4, 5, 3).permute(0, 3, 1, 2)
    y = F.batch_norm(x, None, None, training=True)
    z = F.batch_norm(x.contiguous(), None, None, training=True)
    np.testing.assert_allclose(y.array, z.array, atol=1e-6)


def test_only_one_of_the_running_values():
    with pytest.raises(ValueError, match="must either both be None or neither be None"):
        F.batch_norm(torch.ones(2, 2), torch.zeros(2), None, training=True)


def test_constant_input_gives_finite_gradients():
    x = torch.ones(4, 2, requires_grad=True)
    F.batch_norm(x, None, None, training=True).sum().backward()
    assert np.isfinite(x.grad.array).all()


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4, 4), (2, 3, 0), (2, 0, 3)])
def test_of_nothing_nothing_is_learned(shape):
    """As in PyTorch, which raises for no channels: empty results, and running values as before."""
    x = torch.ones(*shape, requires_grad=True)
    weight, bias = (torch.ones(shape[1], requires_grad=True) for _ in range(2))
    mean, variance = torch.full((shape[1],), 2.0), torch.full((shape[1],), 3.0)
    y = F.batch_norm(x, mean, variance, weight, bias, training=True)
    y.sum().backward()
    assert y.shape == x.grad.shape == shape
    assert weight.grad.tolist() == bias.grad.tolist() == [0] * shape[1]
    assert mean.tolist() == [2] * shape[1]
    assert variance.tolist() == [3] * shape[1]


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_of_nothing_at_all(training):
    x = torch.zeros(0, requires_grad=True)
    mean, variance, weight = torch.zeros(3), torch.ones(3), torch.ones(3)
    for arguments in ((None, None), (mean, variance), (mean, variance, weight, weight)):
        y = F.batch_norm(x, *arguments, training=training)
        assert y.shape == (0,)
        (slope,) = torch.autograd.grad(y.sum(), x)
        assert slope.shape == (0,)
    assert mean.sum() == 0
    assert variance.sum() == 3
    with pytest.raises(RuntimeError, match="running_mean should contain 0 elements not 3"):
        F.batch_norm(torch.ones(5), mean, variance, training=training)
