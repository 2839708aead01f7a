"""Initialisation: distributions, fans, gains."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.nn import init


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


@pytest.mark.parametrize(
    ("fill", "low", "high", "deviation"),
    [
        (lambda w: init.uniform_(w, -1, 2), -1, 2, 3 / math.sqrt(12)),
        (lambda w: init.normal_(w, 1, 2), -9, 11, 2),
        # fan_in = 300 * 4, fan_out = 200 * 4
        (lambda w: init.xavier_uniform_(w, 2.0), -0.1096, 0.1096, 2 * math.sqrt(2 / 2000)),
        (init.xavier_normal_, -0.2, 0.2, math.sqrt(2 / 2000)),
        (init.kaiming_uniform_, -0.0708, 0.0708, math.sqrt(2 / 1200)),
        (lambda w: init.kaiming_uniform_(w, a=1.0), -0.0501, 0.0501, math.sqrt(1 / 1200)),
        (
            lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
            -0.3,
            0.3,
            math.sqrt(2 / 800),
        ),
        (lambda w: init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04), -0.04, 0.04, 0.0176),
    ],
)
def test_distributions(fill, low, high, deviation):
    weight = torch.zeros(200, 300, 2, 2)
    assert fill(weight) is weight
    values = weight.array
    assert values.dtype == np.float32
    assert low <= values.min() < values.max() <= high
    assert values.std() == pytest.approx(deviation, rel=0.02)


def test_truncation_follows_the_normal_distribution():
    values = init.trunc_normal_(torch.zeros(100_000), 1.0, 2.0, 0.0, 4.0).array
    assert values.min() >= 0
    assert values.max() <= 4
    # mean of a normal distribution cut to [-0.5, 1.5] deviations: (φ(-0.5) - φ(1.5)) / Φ of it
    assert values.mean() == pytest.approx(1 + 2 * (0.35207 - 0.12952) / 0.62465, abs=0.01)
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        init.trunc_normal_(torch.zeros(2), 10.0)


def test_default_of_layers():
    for layer, fan_in in [
        (nn.Linear(100, 50), 100),
        (nn.Conv2d(16, 64, 3, groups=4), 36),
        (nn.Conv1d(16, 64, 3), 48),
        (nn.ConvTranspose2d(64, 16, 3, groups=4), 36),
    ]:
        bound = 1 / math.sqrt(fan_in)
        assert abs(layer.weight.array).max() <= bound
        assert layer.weight.array.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert abs(layer.bias.array).max() <= bound
    assert nn.Embedding(300, 100).weight.array.std() == pytest.approx(1, rel=0.02)


def test_same_seed_same_numbers():
    torch.manual_seed(5)
    first = nn.Linear(3, 4).weight.tolist()
    torch.manual_seed(5)
    assert nn.Linear(3, 4).weight.tolist() == first
    generator = torch.Generator().manual_seed(1)
    a = init.normal_(torch.zeros(4), generator=generator).tolist()
    assert init.normal_(torch.zeros(4), generator=torch.Generator().manual_seed(1)).tolist() == a


def test_parameters_stay_leaves():
    parameter = nn.Parameter(torch.zeros(3, 3))
    assert init.xavier_uniform_(parameter) is parameter
    assert parameter.grad_fn is None


def test_orthogonal():
    q = init.orthogonal_(torch.zeros(4, 6), gain=2.0).array
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(4), atol=1e-5)
    q = init.orthogonal_(torch.zeros(6, 2, 2)).array.reshape(6, 4)
    np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-5)


def test_orthogonal_matrices_have_either_sign():
    torch.manual_seed(0)
    corners = [init.orthogonal_(torch.zeros(3, 3))[0, 0].item() for _ in range(64)]
    assert 16 < sum(corner > 0 for corner in corners) < 48


@pytest.mark.parametrize("name", init.__all__)
def test_what_saved_a_weight_notices_that_it_was_filled(name):
    if name == "calculate_gain":
        return
    weight = torch.ones(3, 3, 3) if name == "dirac_" else torch.ones(3, 3)
    x = torch.ones(weight.shape, requires_grad=True)
    y = (x * weight).sum()
    getattr(init, name)(weight, *([0.5] if name in ("constant_", "sparse_") else []))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_fixed_values():
    assert init.eye_(torch.ones(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert init.constant_(torch.zeros(2), 0.5).tolist() == [0.5, 0.5]
    assert init.ones_(torch.zeros(1)).tolist() == [1]
    assert init.zeros_(torch.ones(1)).tolist() == [0]
    weight = init.dirac_(torch.ones(4, 2, 3, 3), groups=2)
    x = torch.randn(1, 4, 5, 5)
    y = nn.functional.conv2d(x, weight, padding=1, groups=2)
    np.testing.assert_array_equal(y.array, x.array)


def test_gains():
    for arguments, gain in [
        (("linear",), 1),
        (("conv_transpose2d",), 1),
        (("sigmoid",), 1),
        (("tanh",), 5 / 3),
        (("relu",), math.sqrt(2)),
        (("leaky_relu",), math.sqrt(2 / 1.0001)),
        (("leaky_relu", 0.2), math.sqrt(2 / 1.04)),
        (("selu",), 0.75),
    ]:
        assert init.calculate_gain(*arguments) == pytest.approx(gain)


def test_refuses():
    for call, error, text in [
        (lambda: init.calculate_gain("foo"), ValueError, "Unsupported nonlinearity foo"),
        (lambda: init.calculate_gain("leaky_relu", "a"), ValueError, "not a valid number"),
        (lambda: init.xavier_uniform_(torch.ones(3)), ValueError, "fewer than 2 dimensions"),
        (lambda: init.kaiming_normal_(torch.ones(3, 3), mode="x"), ValueError, "Mode x not"),
        (lambda: init.eye_(torch.ones(3)), ValueError, "Only tensors with 2 dimensions"),
        (lambda: init.orthogonal_(torch.ones(3)), ValueError, "Only tensors with 2 or more"),
        (lambda: init.dirac_(torch.ones(3, 3)), ValueError, "Only tensors with 3, 4, or 5"),
        (lambda: init.dirac_(torch.ones(3, 3, 3), 2), ValueError, "divisible by groups"),
        (lambda: init.uniform_(torch.ones(3), 2, 1), RuntimeError, "expects to return a"),
        (lambda: init.normal_(torch.ones(3), 0, -1), RuntimeError, "normal expects std >= 0.0"),
    ]:
        with pytest.raises(error, match=text):
            call()
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(torch.ones(0, 3))


def test_elements_that_share_memory_take_one_number_only():
    x = torch.zeros(1).expand(3)
    assert nn.init.constant_(x, 2).tolist() == [2, 2, 2]
    assert nn.init.zeros_(x).tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        nn.init.uniform_(x)
    assert x._version == 2
