"""The slopes of activations, beside their closed forms: to the last digits that float64 has."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional

NUMBERS = [-30.0, -6.0, -3.5, -2.0, -1.0, -0.5, -1e-3, 1e-9, 0.25, 0.75, 1.5, 2.5, 4.0, 9.0, 30.0]


def logistic(x):
    return 1 / (1 + math.exp(-x))


def density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def gelu(x):
    return math.erfc(-x / math.sqrt(2)) / 2 + x * density(x)


def gelu_tanh(x):
    c = math.sqrt(2 / math.pi)
    t = math.tanh(c * (x + 0.044715 * x**3))
    return (1 + t) / 2 + x * (1 - t * t) / 2 * c * (1 + 0.134145 * x * x)


def silu(x):
    return logistic(x) * (1 + x * logistic(-x))


def mish(x):
    t = math.tanh(math.log1p(math.exp(x)))
    return t + x * logistic(x) * (1 - t * t)


# A function, its slope, and the slope of that.
SLOPES = {
    "relu": (functional.relu, lambda x: float(x > 0), lambda x: 0.0),
    "leaky_relu": (
        lambda x: functional.leaky_relu(x, 0.3), lambda x: 1.0 if x > 0 else 0.3, lambda x: 0.0
    ),
    "elu": (
        lambda x: functional.elu(x, 0.7),
        lambda x: 1.0 if x > 0 else 0.7 * math.exp(x),
        lambda x: 0.0 if x > 0 else 0.7 * math.exp(x),
    ),
    "gelu": (functional.gelu, gelu, lambda x: density(x) * (2 - x * x)),
    "gelu, tanh": (lambda x: functional.gelu(x, "tanh"), gelu_tanh, None),
    "silu": (
        functional.silu,
        silu,
        lambda x: logistic(x) * logistic(-x) * (2 + x * (logistic(-x) - logistic(x))),
    ),
    "hardswish": (
        functional.hardswish,
        lambda x: 0.0 if x < -3 else 1.0 if x > 3 else x / 3 + 0.5,
        lambda x: 1 / 3 if abs(x) < 3 else 0.0,
    ),
    "softplus": (
        lambda x: functional.softplus(x, 1.5, 6.0),
        lambda x: 1.0 if x > 4 else logistic(1.5 * x),
        lambda x: 1.5 * logistic(1.5 * x) * logistic(-1.5 * x) if x < 4 else 0.0,
    ),
    "sigmoid": (
        functional.sigmoid,
        lambda x: logistic(x) * logistic(-x),
        lambda x: logistic(x) * logistic(-x) * (logistic(-x) - logistic(x)),
    ),
    "tanh": (
        functional.tanh,
        lambda x: math.cosh(x) ** -2,
        lambda x: -2 * math.tanh(x) * math.cosh(x) ** -2,
    ),
    "relu6": (functional.relu6, lambda x: float(0 < x < 6), lambda x: 0.0),
    "hardtanh": (
        lambda x: functional.hardtanh(x, -3, 2), lambda x: float(-3 < x < 2), lambda x: 0.0
    ),
    "hardsigmoid": (functional.hardsigmoid, lambda x: (abs(x) < 3) / 6, lambda x: 0.0),
    "hardshrink": (
        lambda x: functional.hardshrink(x, 0.6), lambda x: float(abs(x) > 0.6), lambda x: 0.0
    ),
    "softshrink": (
        lambda x: functional.softshrink(x, 0.6), lambda x: float(abs(x) > 0.6), lambda x: 0.0
    ),
    "threshold": (
        lambda x: functional.threshold(x, 0.5, 7), lambda x: float(x > 0.5), lambda x: 0.0
    ),
    "tanhshrink": (
        functional.tanhshrink,
        lambda x: 1 - math.cosh(x) ** -2,
        lambda x: 2 * math.tanh(x) * math.cosh(x) ** -2,
    ),
    "logsigmoid": (
        functional.logsigmoid, lambda x: logistic(-x), lambda x: -logistic(x) * logistic(-x)
    ),
    "softsign": (
        functional.softsign,
        lambda x: (1 + abs(x)) ** -2,
        lambda x: -2 * math.copysign(1, x) * (1 + abs(x)) ** -3,
    ),
    "mish": (functional.mish, mish, None),
    "celu": (
        lambda x: functional.celu(x, 0.7),
        lambda x: 1.0 if x > 0 else math.exp(x / 0.7),
        lambda x: 0.0 if x > 0 else math.exp(x / 0.7) / 0.7,
    ),
    "selu": (
        functional.selu,
        lambda x: 1.0507009873554805 * (1.0 if x > 0 else 1.6732632423543772 * math.exp(x)),
        lambda x: 0.0 if x > 0 else 1.0507009873554805 * 1.6732632423543772 * math.exp(x),
    ),
    "rrelu": (
        lambda x: functional.rrelu(x, 0.2, 0.4),
        lambda x: 1.0 if x > 0 else 0.3,
        lambda x: 0.0,
    ),
    "prelu": (
        lambda x: functional.prelu(x, torch.tensor([0.3], dtype=torch.float64)),
        lambda x: 1.0 if x > 0 else 0.3,
        lambda x: 0.0,
    ),
}  # fmt: skip


def test_no_activation_is_left_out():
    home = "tinygrad_adam.ops.activations"
    named = {f for f in functional.__all__ if getattr(functional, f).__module__ == home}
    named -= {f for f in named if f.endswith("_")}  # the same, in place
    assert named - {"softmax", "log_softmax", "gumbel_softmax", "glu"} <= {
        name.split(",")[0] for name in SLOPES
    }


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_those_of_the_closed_form(name):
    function, first, second = SLOPES[name]
    x = torch.tensor(NUMBERS, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(slope.tolist(), [first(v) for v in NUMBERS], rtol=1e-12, atol=1e-15)
    if second is not None:
        (bend,) = torch.autograd.grad(slope.sum(), x)
        wanted = [second(v) for v in NUMBERS]
        np.testing.assert_allclose(bend.tolist(), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("log", [False, True])
def test_slopes_of_softmax_are_those_of_the_closed_form(log):
    scores = np.array([[-3.0, 0.25, 1.0], [2.0, 2.0, -30.0]])
    weights = np.array([[1.0, -2.0, 0.5], [3.0, 0.125, -1.0]])
    x = torch.tensor(scores, requires_grad=True)
    y = x.log_softmax(1) if log else x.softmax(1)
    y.backward(torch.tensor(weights))
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    wanted = weights - p * weights.sum(1, keepdims=True)
    if not log:
        wanted = p * (weights - (weights * p).sum(1, keepdims=True))
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-12)


def test_rrelu_in_training_draws_a_slope_for_each_element():
    torch.manual_seed(0)
    x = torch.tensor([-1.0, 2.0, math.nan], requires_grad=True).repeat(2000, 1)
    y = functional.rrelu(x, 0.2, 0.6, training=True)
    slopes = -y[:, 0].detach().numpy()
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.6
    assert abs(slopes.mean() - 0.4) < 0.01
    assert len(set(slopes)) > 1900
    assert (y[:, 1] == 2).all()
    assert y[:, 2].isnan().all()
    (gradient,) = torch.autograd.grad(y.sum(), x)
    np.testing.assert_array_equal(gradient[:, 0].numpy(), slopes)
    layer = torch.nn.RReLU(0.2, 0.6)
    assert len(set(layer(x)[:, 0].tolist())) > 1900
    assert set(layer.eval()(x)[:, 0].tolist()) == {np.float32(-0.4)}


def test_gumbel_softmax_chooses_as_often_as_softmax_says():
    torch.manual_seed(0)
    scores = torch.tensor([0.0, 1.0, -1.0], requires_grad=True)
    y = functional.gumbel_softmax(scores.expand(20000, 3), tau=0.5, hard=True)
    assert set(y.detach().numpy().round(6).ravel()) == {0.0, 1.0}
    assert (y.sum(1) - 1).abs().max() < 1e-6
    shares = y.detach().mean(0).numpy()
    np.testing.assert_allclose(shares, scores.softmax(0).tolist(), atol=0.015)
    torch.manual_seed(1)
    soft = functional.gumbel_softmax(scores.expand(5, 3), tau=0.5, dim=0)
    np.testing.assert_allclose(soft.sum(0).tolist(), [1, 1, 1], rtol=1e-6)
    torch.manual_seed(1)
    hard = functional.gumbel_softmax(scores.expand(5, 3), tau=0.5, dim=0, hard=True)
    weights = torch.arange(15.0).reshape(5, 3)
    wanted = torch.autograd.grad((soft * weights).sum(), scores)[0]
    found = torch.autograd.grad((hard * weights).sum(), scores)[0]
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-6)
    with pytest.warns(UserWarning, match="eps"):
        functional.gumbel_softmax(scores, eps=1e-3)
