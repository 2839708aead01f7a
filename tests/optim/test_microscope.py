"""The microscope records what happened, and the worked example equals a hand calculation."""

import math
import re

import numpy as np
import pytest

from tinygrad_adam import float64, nn, optim, tensor


def pair():
    w = tensor([[1.0, 2.0], [3.0, 4.0]], dtype=float64, requires_grad=True)
    b = tensor([0.5, -0.5], dtype=float64, requires_grad=True)
    return w, b


def take_steps(optimizer, parameters, n=3):
    random = np.random.RandomState(0)
    gradients = []
    for _ in range(n):
        for p in parameters:
            p.grad = tensor(random.normal(size=p.shape), dtype=float64)
        gradients.append(parameters[0].grad.numpy().copy())
        optimizer.step()
    return np.stack(gradients)


def test_adam_seen_through_the_microscope():
    w, b = pair()
    optimizer = optim.Adam([w, b], lr=0.1, eps=1e-3)
    start = w.numpy(force=True).copy()
    with optim.Microscope(optimizer, {"w": w}) as scope:
        g = take_steps(optimizer, [w, b])
    take_steps(optimizer, [w, b])  # no longer watched
    seen = scope["w"]
    assert list(scope.records) == ["w"]
    assert seen["step"].tolist() == [1, 2, 3]
    assert seen["lr"].tolist() == [0.1, 0.1, 0.1]
    np.testing.assert_array_equal(seen["gradient"], g)
    m = v = 0.0
    before = start
    for t in range(1, 4):
        m, v = 0.9 * m + 0.1 * g[t - 1], 0.999 * v + 0.001 * g[t - 1] ** 2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        step = -0.1 * m_hat / (np.sqrt(v_hat) + 1e-3)
        expected = {
            "m": m,
            "v": v,
            "m_hat": m_hat,
            "v_hat": v_hat,
            "effective_lr": 0.1 / (np.sqrt(v_hat) + 1e-3),
            "effective_step": step,
            "weight": before + step,
            "update_ratio": np.linalg.norm(step) / np.linalg.norm(before),
        }
        for quantity, value in expected.items():
            np.testing.assert_allclose(seen[quantity][t - 1], value, rtol=1e-12, err_msg=quantity)
        before = before + step


@pytest.mark.parametrize(
    ("cls", "options", "quantities"),
    [
        (optim.SGD, {}, set()),
        (optim.SGD, {"momentum": 0.9}, {"m"}),
        (optim.Momentum, {}, {"m"}),
        (optim.RMSprop, {"centered": True}, {"v", "g_mean", "effective_lr"}),
        (optim.Adagrad, {"lr_decay": 0.1}, {"v", "effective_lr"}),
        (optim.Adadelta, {}, {"v", "u"}),
        (optim.Adam, {"amsgrad": True}, {"m", "v", "v_max", "m_hat", "v_hat", "effective_lr"}),
        (optim.AdamW, {}, {"m", "v", "m_hat", "v_hat", "effective_lr"}),
        (optim.Adamax, {}, {"m", "u", "m_hat", "effective_lr"}),
        (optim.NAdam, {}, {"m", "v", "v_hat", "effective_lr"}),
        (optim.RAdam, {}, {"m", "v", "m_hat", "v_hat", "effective_lr", "rectification"}),
    ],
)
def test_every_optimizer_can_be_looked_at(cls, options, quantities):
    w, b = pair()
    unwatched = [p.clone().detach().requires_grad_() for p in (w, b)]
    optimizer = cls([w, b], lr=0.1, **options)
    scope = optim.Microscope(optimizer, [("w", w)])
    take_steps(optimizer, [w, b], 8)
    seen = scope["w"]
    usual = {"step", "lr", "weight", "gradient", "effective_step", "update_ratio"}
    assert set(seen) == usual | quantities
    assert all(len(values) == 8 for values in seen.values())
    changes = np.diff(seen["weight"], axis=0)
    np.testing.assert_allclose(seen["effective_step"][1:], changes, atol=1e-15)
    # Looking does not change anything.
    other = cls(unwatched, lr=0.1, **options)
    take_steps(other, unwatched, 8)
    np.testing.assert_array_equal(w.numpy(force=True), unwatched[0].numpy(force=True))
    assert len(scope.table("w").splitlines()) == 9


@pytest.mark.parametrize(
    ("cls", "averaged"),
    [
        (optim.RMSprop, "gradient"),
        (optim.Adagrad, "gradient"),
        (optim.Adam, "m_hat"),
        (optim.AdamW, "m_hat"),
        (optim.Adamax, "m_hat"),
        (optim.RAdam, "m_hat"),  # whose first five steps are momentum's
    ],
)
def test_the_effective_rate_leads_from_the_averaged_gradient_to_the_step(cls, averaged):
    w, b = pair()
    optimizer = cls([w, b], lr=tensor(0.125), weight_decay=0)
    with optim.Microscope(optimizer, {"w": w}) as scope:
        take_steps(optimizer, [w, b], 8)
    seen = scope["w"]
    assert seen["lr"].tolist() == [0.125] * 8
    assert all(type(record["lr"]) is float for record in scope.records["w"])
    assert seen["effective_lr"].shape == (8, 2, 2)
    np.testing.assert_allclose(
        seen["effective_step"], -seen["effective_lr"] * seen[averaged], rtol=1e-9
    )


def test_ways_to_choose_parameters():
    w, b = pair()
    named = optim.SGD([("weight", w), ("bias", b)], lr=0.1)
    assert list(optim.Microscope(named).records) == ["weight", "bias"]
    plain = optim.SGD([w, b], lr=0.1)
    assert list(optim.Microscope(plain).records) == ["0", "1"]
    assert list(optim.Microscope(plain, b).records) == ["0"]
    assert list(optim.Microscope(plain, [w, b]).records) == ["0", "1"]
    model = nn.Linear(2, 1)
    scope = optim.Microscope(optim.SGD(model.parameters()), model)
    assert list(scope.records) == ["weight", "bias"]
    assert repr(scope) == "Microscope(SGD, parameters=['weight', 'bias'], recorded steps=0)"
    assert list(optim.Microscope(named, "bias").records) == ["bias"]
    by_name = optim.Microscope(named, ["bias", ("w", w)])
    assert list(by_name.parameters) == ["bias", "w"]
    assert by_name.parameters["bias"] is b
    with pytest.raises(KeyError, match="SGD does not optimize this tensor"):
        optim.Microscope(plain, model)
    with pytest.raises(KeyError, match=r"SGD has no 'biases', only \['weight', 'bias'\]"):
        optim.Microscope(named, ["biases"])
    with pytest.raises(KeyError, match=r"SGD has no 'bias', only \[\]"):
        optim.Microscope(plain, "bias")
    complex_one = tensor([1 + 2j], requires_grad=True)
    with pytest.raises(TypeError, match="parameter 0 is complex"):
        optim.Microscope(optim.Adam([complex_one]))


def test_some_elements_some_steps_and_missing_gradients():
    w, b = pair()
    optimizer = optim.Adam([w, b], lr=0.1)
    corner = optim.Microscope(optimizer, {"w": w}, index=(0, 1), every=2)
    take_steps(optimizer, [w, b], 6)
    assert corner["w"]["step"].tolist() == [2, 4, 6]
    assert corner["w"]["m_hat"].shape == (3,)
    assert corner["w"]["update_ratio"].shape == (3,)
    whole = optim.Microscope(optimizer, {"w": w, "b": b})
    b.grad = None
    optimizer.step()
    assert len(whole.records["w"]) == 1
    assert whole.records["b"] == []
    assert whole["b"] == {}
    record = whole.records["w"][0]
    kept = record["m"].copy()
    optimizer.step()
    np.testing.assert_array_equal(record["m"], kept)  # a copy, not the optimizer's array


def test_every_so_many_steps_is_at_least_one():
    with pytest.raises(ValueError, match="every counts steps from 1, got 0"):
        optim.Microscope(optim.SGD(pair()), every=0)


def test_nothing_is_left_behind():
    w, b = pair()
    optimizer = optim.Adam([w, b])
    scope = optim.Microscope(optimizer)
    scope.close()
    assert not optimizer._step_pre_hooks
    assert not optimizer._step_post_hooks


NUMBER = r"(-?[\d.]+(?:e-?\d+)?)"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias_correction": False},
        {"eps_inside_root": True},
        {"eps_before_correction": True},
        {"eps_inside_root": True, "eps_before_correction": True},
    ],
    ids=lambda options: " ".join(options) or "corrected",
)
def test_the_worked_example_equals_a_hand_calculation(options):
    gradients = (0.1, -0.2, 0.3)
    text = optim.worked_example(gradients, weight=1.0, eps=1e-3, **options)
    results = [(name, float(value)) for name, value in re.findall(rf"  (\w+) .* = {NUMBER}$", text, re.M)]  # fmt: skip # noqa: E501
    expected = []
    w, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        expected += [("m", m), ("v", v)]
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        eps = 1e-3
        if options.get("bias_correction", True):
            expected += [("m_hat", m / c1), ("v_hat", v / c2)]
        else:
            c1 = c2 = 1.0
        inside = "eps_inside_root" in options
        if "eps_before_correction" in options:
            eps = eps / c2 if inside else eps / math.sqrt(c2)
            expected += [("e", eps)]
        root = math.sqrt(v / c2 + eps) if inside else math.sqrt(v / c2) + eps
        w -= 1e-3 * (m / c1) / root
        expected += [("w", w)]
    assert [name for name, _ in results] == [name for name, _ in expected]
    for (_, ours), (_, by_hand) in zip(results, expected, strict=True):
        assert ours == pytest.approx(by_hand, rel=1e-9)


def test_the_worked_example_reads_like_a_calculation():
    lines = optim.worked_example().splitlines()
    assert lines[0] == "Adam on one weight w = 1: lr 0.001, betas 0.9 and 0.999, eps 1e-08"
    assert lines[1] == "step 1: g = 0.1"
    assert lines[2] == "  m     = 0.9 * 0 + 0.1 * 0.1 = 0.01"
    assert lines[3] == "  v     = 0.999 * 0 + 0.001 * 0.1^2 = 1e-05"
    assert lines[4] == "  m_hat = 0.01 / (1 - 0.9^1) = 0.1"
    assert lines[5] == "  v_hat = 1e-05 / (1 - 0.999^1) = 0.01"
    assert lines[6] == "  w     = 1 - 0.001 * 0.1 / (sqrt(0.01) + 1e-08) = 0.9990000001"
    assert [line for line in lines if line.startswith("step")][-1] == "step 3: g = 0.3"
    assert "(-0.2)" in lines[8]
    assert len(lines) == 19
