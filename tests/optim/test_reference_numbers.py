"""Known trajectories: PyTorch's, papers' and demos' numbers, and closed forms."""

import math
import random

import numpy as np
import pytest

from tinygrad_adam import float64, optim, tensor


def run(optimizer_class, gradients, start=1.0, **options):
    """Return the values of one parameter after each step."""
    p = tensor(start, dtype=float64, requires_grad=True)
    optimizer = optimizer_class([p], **options)
    path = []
    for gradient in gradients:
        p.grad = tensor(gradient, dtype=float64)
        optimizer.step()
        path.append(p.item())
    return path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0.9990415789203565),
        ({"eps_before_correction": True}, 0.9992506364268252),
        ({"eps_inside_root": True}, 0.9990750922806008),
    ],
    ids=["PyTorch's order", "before the correction", "inside the root"],
)
def test_adam_wherever_eps_stands(options, expected):
    path = run(optim.Adam, [0.1, -0.2, 0.3, -0.4, 0.5], eps=1e-3, **options)
    assert path[-1] == pytest.approx(expected, rel=0, abs=1e-15)


def test_adam_with_eps_inside_the_root_and_before_the_correction():
    w, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate([0.1, -0.2, 0.3], 1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        w -= 1e-3 * m / (1 - 0.9**t) / math.sqrt((v + 1e-3) / (1 - 0.999**t))
    both = {"eps_inside_root": True, "eps_before_correction": True}
    path = run(optim.Adam, [0.1, -0.2, 0.3], eps=1e-3, **both)
    assert path[-1] == pytest.approx(w, abs=1e-15)


@pytest.mark.parametrize(
    ("optimizer", "options", "expected"),
    [
        (optim.SGD, {}, [0.95, 0.9, 0.85, 0.8, 0.75]),
        (optim.SGD, {"momentum": 0.9}, [0.95, 0.855, 0.7195, 0.54755, 0.342795]),
        (
            optim.SGD,
            {"momentum": 0.9, "dampening": 0.5},
            [0.95, 0.88, 0.792, 0.6878, 0.56902],
        ),
        (
            optim.SGD,
            {"momentum": 0.9, "nesterov": True},
            [0.905, 0.7695, 0.59755, 0.392795, 0.1585155],
        ),
        (
            optim.RMSprop,
            {},
            [2e-07, -0.708880904506, -1.289129921933, -1.792897085672, -2.244605135985],
        ),
        (
            optim.Adagrad,
            {},
            [0.90000000002, 0.829289321911, 0.771554294999, 0.721554295004, 0.676832935458],
        ),
        (optim.Adam, {}, [0.900000002, 0.800000004, 0.700000006, 0.600000008, 0.50000001]),
        (
            optim.AdamW,
            {"weight_decay": 0.01},
            [0.899000002, 0.798101003998, 0.697302904994, 0.596605604089, 0.496009000485],
        ),
        # The notes' momentum: m = 0.9 m + 0.1 g, from m = 0.
        (
            optim.Momentum,
            {"momentum": 0.9},
            [1 - 0.05 * (t - 0.9 * (1 - 0.9**t) / 0.1) for t in range(1, 6)],
        ),
    ],
)
def test_five_steps_with_a_constant_gradient(optimizer, options, expected):
    assert run(optimizer, [0.5] * 5, lr=0.1, **options) == pytest.approx(expected, abs=6e-13)


@pytest.mark.parametrize("g", [1e-6, 1e-3, 1.0, 1000.0])
def test_the_first_adam_step_is_the_rate_whatever_the_gradient(g):
    step = 1 - run(optim.Adam, [g], lr=1e-3)[0]
    assert step == pytest.approx(1e-3 * g / (g + 1e-8), rel=1e-9)
    expected = {1e-6: 0.000990099, 1e-3: 0.00099999, 1.0: 0.001, 1000.0: 0.001}[g]
    assert step == pytest.approx(expected, rel=1e-6)
    assert run(optim.Adam, [-g], lr=1e-3)[0] - 1 == pytest.approx(step, rel=1e-9)


@pytest.mark.parametrize(
    ("betas", "times"),
    [
        ((0.0, 0.99), 10),
        ((0.0, 0.999), 31.62),
        ((0.0, 0.9999), 100),
        ((0.9, 0.99), 1),
        ((0.9, 0.999), 3.162),
        ((0.9, 0.9999), 10),
    ],
)
def test_what_bias_correction_prevents(betas, times):
    options = {"lr": 1e-3, "betas": betas, "eps": 0.0}
    uncorrected = (1 - run(optim.Adam, [0.3], bias_correction=False, **options)[0]) / 1e-3
    assert uncorrected == pytest.approx((1 - betas[0]) / math.sqrt(1 - betas[1]), rel=1e-9)
    assert uncorrected == pytest.approx(times, rel=2e-4)
    assert (1 - run(optim.Adam, [0.3], **options)[0]) / 1e-3 == pytest.approx(1, rel=1e-9)


def test_weight_decay_alone():
    options = {"lr": 0.01, "weight_decay": 0.1}
    still = [0.0] * 10
    for optimizer in (optim.AdamW, optim.SGD):
        assert run(optimizer, still, **options)[-1] == pytest.approx(0.9900448802097482, abs=1e-15)
    for decay in (0.1, 1.0, 0.001):  # Adam divides the penalty's size away
        shrunk = run(optim.Adam, still, lr=0.01, weight_decay=decay)[-1]
        assert shrunk == pytest.approx(0.90035, abs=2e-4)


@pytest.mark.parametrize(
    ("optimizer", "options", "x", "y"),
    [
        (optim.SGD, {"lr": 0.95}, -0.3503929957523, 0.0847823165504),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9}, 0.8964138584937, 0.0880856017151),
        (
            optim.SGD,
            {"lr": 0.1, "momentum": 0.9, "nesterov": True},
            0.6896149016966,
            -0.000679905836,
        ),
        (optim.Adagrad, {"lr": 1.5}, -0.1201622472473, 2.4863841e-17),
        (optim.RMSprop, {"lr": 0.3, "alpha": 0.9}, -0.1539109588276, 3.0e-17),
        (optim.Adam, {"lr": 0.3}, 0.1360146173262, 0.3182453888963),
    ],
)
def test_the_long_valley(optimizer, options, x, y):
    """f = x^2/20 + y^2 from (-7, 2), 30 steps, with the gradients of the engine."""
    p = tensor([-7.0, 2.0], dtype=float64, requires_grad=True)
    optimizer = optimizer([p], **options)
    for _ in range(30):
        optimizer.zero_grad()
        (p[0] ** 2 / 20 + p[1] ** 2).backward()
        optimizer.step()
    assert p.tolist() == pytest.approx([x, y], abs=6e-13)


def _counter_example_by_hand(amsgrad, steps):
    x = m = v = largest = 0.0
    for t in range(1, steps + 1):
        gradient = 1010.0 if t % 101 == 1 else -10.0
        m = 0.9 * m + 0.1 * gradient
        v = 0.99 * v + 0.01 * gradient**2
        largest = max(largest, v) if amsgrad else v
        step = m / (1 - 0.9**t) / (math.sqrt(largest / (1 - 0.99**t)) + 1e-8)
        x = min(max(x - 0.5 / math.sqrt(t) * step, -1.0), 1.0)
    return x


def test_amsgrad_counter_example():
    """Reddi, Kale and Kumar (2018): Adam moves to the wrong end of [-1, 1], AMSGrad does not."""
    x, y = (tensor(0.0, dtype=float64, requires_grad=True) for _ in range(2))
    groups = [{"params": [x]}, {"params": [y], "amsgrad": True}]
    optimizer = optim.Adam(groups, lr=0.5, betas=(0.9, 0.99))
    for t in range(1, 8_001):
        x.grad = y.grad = tensor(1010.0 if t % 101 == 1 else -10.0, dtype=float64)
        for group in optimizer.param_groups:
            group["lr"] = 0.5 / math.sqrt(t)
        optimizer.step()
        for place in (x, y):
            place.array[...] = min(max(place.item(), -1.0), 1.0)
    adam, other = (_counter_example_by_hand(amsgrad, 8_000) for amsgrad in (False, True))
    assert x.item() == pytest.approx(adam, abs=1e-9)
    assert y.item() == pytest.approx(other, abs=1e-9)
    assert adam > 0.7
    assert other < -0.9


def test_two_moons_is_micrograds_demo():
    rs = np.random.RandomState(1337)
    t = np.linspace(0, np.pi, 50)
    inputs = np.vstack(
        [np.append(np.cos(t), 1 - np.cos(t)), np.append(np.sin(t), 1 - np.sin(t) - 0.5)]
    ).T
    labels = np.append(np.zeros(50), np.ones(50))
    order = np.arange(100)
    rs.shuffle(order)
    inputs, labels = inputs[order], labels[order]
    inputs = inputs + rs.normal(scale=0.1, size=inputs.shape)
    random.seed(1337)
    weights, biases = [], []
    for n_in, n_out in [(2, 16), (16, 16), (16, 1)]:
        rows = [[random.uniform(-1, 1) for _ in range(n_in)] for _ in range(n_out)]
        weights.append(tensor(rows, dtype=float64, requires_grad=True))
        biases.append(tensor([0.0] * n_out, dtype=float64, requires_grad=True))
    x, y = tensor(inputs, dtype=float64), tensor(2 * labels - 1, dtype=float64)
    optimizer = optim.SGD([*weights, *biases], lr=1.0)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 - 0.9 * k / 100)
    losses, accuracies = [], []
    for _ in range(100):
        optimizer.zero_grad()
        hidden = x
        for w, b in zip(weights, biases, strict=True):
            scores = hidden @ w.T + b
            hidden = scores.relu()
        scores = scores.reshape(-1)
        loss = (1 - y * scores).relu().mean()
        for p in (*weights, *biases):
            loss = loss + 1e-4 * (p**2).sum()
        losses.append(loss.item())
        accuracies.append(float(((scores.detach().numpy() > 0) == (labels > 0)).mean()))
        loss.backward()
        optimizer.step()
        schedule.step()
    expected = {
        0: 0.8958441028683222,
        1: 1.7235905336972022,
        9: 0.2704862551637922,
        99: 0.010978370135492717,
    }
    for k, loss in expected.items():
        assert losses[k] == pytest.approx(loss, rel=1e-9)
    assert (accuracies[0], accuracies[-1]) == (0.5, 1.0)
