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
}  # fmt: skip


def test_no_activation_is_left_out():
    home = "tinygrad_adam.ops.activations"
    named = {f for f in functional.__all__ if getattr(functional, f).__module__ == home}
    assert named - {"softmax", "log_softmax"} <= {name.split(",")[0] for name in SLOPES}


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
