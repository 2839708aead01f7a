"""Losses: closed forms, gradients of any order, extreme inputs, errors."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.nn import functional as F  # noqa: N812 (everybody's name for it)


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def probabilities(*shape):
    return torch.tensor(
        np.random.default_rng(0).uniform(0.1, 0.9, shape), requires_grad=True
    )  # fmt: skip


REDUCTIONS = ("mean", "sum", "none")


# --- closed forms --------------------------------------------------------------------------------


def test_cross_entropy_by_hand():
    # p = (1, 2, 5) / 8
    x = torch.tensor([[0.0, math.log(2), math.log(5)]], requires_grad=True)
    loss = F.cross_entropy(x, torch.tensor([1]))
    assert loss.shape == ()
    assert loss.item() == pytest.approx(math.log(4))
    loss.backward()
    np.testing.assert_allclose(x.grad.array, [[0.125, -0.75, 0.625]], rtol=1e-6)


def test_label_smoothing_by_hand():
    x = torch.tensor([[0.0, math.log(3)]])  # p = (1, 3) / 4
    loss = F.cross_entropy(x, torch.tensor([1]), label_smoothing=0.2)
    expected = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_weights_by_hand():
    x = torch.zeros(2, 2)  # every loss is log 2
    weight = torch.tensor([1.0, 3.0])
    target = torch.tensor([0, 1])
    for reduction, expected in [("mean", 1.0), ("sum", 4.0), ("none", np.array([1.0, 3.0]))]:
        loss = F.cross_entropy(x, target, weight, reduction=reduction)
        np.testing.assert_allclose(loss.array, expected * math.log(2), rtol=1e-6)


def test_ignored_places_count_nothing():
    x = random(4, 3)
    target = torch.tensor([0, -100, 2, -100])
    loss = F.cross_entropy(x, target)
    loss.backward()
    assert loss.item() == pytest.approx(
        F.cross_entropy(x[::2], torch.tensor([0, 2])).item()
    )  # fmt: skip
    assert not x.grad.array[1::2].any()


def test_all_ignored():
    x = random(2, 3)
    target = torch.full((2,), 255)
    loss = F.cross_entropy(x, target, ignore_index=255)
    assert math.isnan(loss.item())
    loss.backward()
    assert not x.grad.array.any()
    assert F.cross_entropy(x, target, ignore_index=255, reduction="sum").item() == 0
    assert F.nll_loss(x, target, ignore_index=255, reduction="none").tolist() == [0, 0]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("smoothing", "value", "gradient"),
    [
        (0.0, 2.4076058864593506, [-0.9099694490432739, 0.24472849071025848, 0.665241003036499]),
        (0.2, 2.2076058387756348, [-0.7766361236572266, 0.1780618131160736, 0.5985743403434753]),
    ],
)
def test_nan_in_a_row_that_is_ignored(reduction, smoothing, value, gradient):
    x = torch.tensor([[np.nan, 0.0, 1.0], [1.0, 2.0, 3.0]], requires_grad=True)
    target = torch.tensor([-100, 0])
    loss = F.cross_entropy(x, target, reduction=reduction, label_smoothing=smoothing)
    loss.backward()
    assert loss.item() == pytest.approx(value, rel=1e-6)
    wanted = [[np.nan] * 3, gradient]  # PyTorch's: 0 times the NaN of its softmax is NaN
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)


def test_classes_and_probabilities_agree():
    x = random(4, 3, 2)
    target = torch.tensor(np.random.default_rng(1).integers(0, 3, (4, 2)))
    one_hot = F.one_hot(target, 3).permute(0, 2, 1).double()
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    for options in ({}, {"label_smoothing": 0.3}, {"weight": weight, "reduction": "sum"}):
        a, b = F.cross_entropy(x, target, **options), F.cross_entropy(x, one_hot, **options)
        assert a.item() == pytest.approx(b.item())


def test_huber_and_smooth_l1():
    x, y = torch.tensor([0.5, 3.0]), torch.zeros(2)
    assert F.huber_loss(x, y, reduction="none", delta=2.0).tolist() == [0.125, 4.0]
    assert F.smooth_l1_loss(x, y, reduction="none", beta=2.0).tolist() == [0.0625, 2.0]
    assert F.smooth_l1_loss(x, y, reduction="none", beta=0.0).tolist() == [0.5, 3.0]


# --- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 3, 2)])
def test_cross_entropy_derivatives(shape, smoothing, reduction):
    count = shape[0] if len(shape) == 1 else shape[1]
    places = () if len(shape) == 1 else (shape[0], *shape[2:])
    target = torch.tensor(np.random.default_rng(2).integers(0, count, places))
    weight = torch.tensor(np.linspace(0.5, 2, count))

    def loss(x):
        return F.cross_entropy(
            x, target, weight, ignore_index=0, reduction=reduction, label_smoothing=smoothing
        )

    assert gradcheck(loss, (random(*shape),), fast_mode=True)
    assert gradgradcheck(loss, (random(*shape),), fast_mode=True)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "loss",
    [
        F.mse_loss,
        F.l1_loss,
        F.huber_loss,
        F.smooth_l1_loss,
        F.binary_cross_entropy_with_logits,
        lambda x, y, reduction: F.binary_cross_entropy(
            x.sigmoid(), y.sigmoid(), reduction=reduction
        ),
        lambda x, y, reduction: F.cross_entropy(x, y.softmax(1), reduction=reduction),
        lambda x, y, reduction: F.binary_cross_entropy_with_logits(
            x, y, reduction=reduction, pos_weight=torch.tensor([1.0, 2.0, 3.0]).double()
        ),
        lambda x, y, reduction: F.nll_loss(x, torch.tensor([0, 2]), reduction=reduction),
    ],
)
def test_derivatives(loss, reduction):
    def compute(x, y):
        return loss(x, y, reduction=reduction) + 0 * y.sum()

    inputs = (random(2, 3), random(2, 3))
    assert gradcheck(compute, inputs, fast_mode=True)
    assert gradgradcheck(compute, inputs, fast_mode=True)


def test_third_derivative_of_cross_entropy():
    x = torch.tensor([[0.3, -0.2]], dtype=torch.float64, requires_grad=True)
    value = F.cross_entropy(x, torch.tensor([0]))
    for _ in range(3):
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        value = gradient[0, 0]
    p = 1 / (1 + math.exp(-0.5))
    assert value.item() == pytest.approx(p * (1 - p) * (1 - 2 * p))


# --- extremes, dtypes ----------------------------------------------------------------------------


def test_large_scores_stay_finite():
    x = torch.tensor([[1000.0, 0.0, -1000.0], [-1e4, 1e4, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, torch.tensor([2, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(1000)
    assert np.isfinite(x.grad.array).all()
    x = torch.tensor([1000.0, -1000.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, torch.tensor([0.0, 0.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [1000, 0]
    assert x.grad.tolist() == [1, 0]


def test_logarithms_are_bounded():
    p = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
    loss = F.binary_cross_entropy(p, torch.tensor([1.0, 0.0, 0.0]), reduction="none")
    assert loss.tolist() == [100, 100, 0]
    loss.sum().backward()
    assert np.isfinite(p.grad.array).all()


def test_dtypes():
    x = torch.randn(2, 3)
    assert F.mse_loss(x, torch.ones(2, 3, dtype=torch.int64)).dtype == torch.float32
    assert F.mse_loss(x, torch.ones(2, 3, dtype=torch.float64)).dtype == torch.float64
    assert F.cross_entropy(x, torch.tensor([0, 1], dtype=torch.uint8)).dtype == torch.float32
    assert F.cross_entropy(x, torch.tensor([0, 1]), label_smoothing=0.1).dtype == torch.float32


# --- errors --------------------------------------------------------------------------------------

X = torch.zeros(4, 3)


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize(
    ("x", "target", "error", "text"),
    [
        (
            X,
            torch.zeros(5).long(),
            ValueError,
            r"Expected input batch_size \(4\) to match target batch_size \(5\)\.",
        ),
        (X, torch.tensor([0, 1, 7, 0]), IndexError, "Target 7 is out of bounds."),
        (X, torch.tensor([0, 1, -1, 0]), IndexError, "Target -1 is out of bounds."),
        (X[:1], torch.tensor([3]), IndexError, "Target 3 is out of bounds."),
        (X, torch.tensor(0), ValueError, r"to match target batch_size \(0\)"),
        (X, torch.zeros(4, 1).long(), RuntimeError, "multi-target not supported"),
        (X[0], torch.zeros(1).long(), RuntimeError, r"Expected target size \[\]"),
        (torch.zeros(4, 3, 2), torch.zeros(4, 3).long(), RuntimeError, "Expected target size"),
        (
            X,
            torch.zeros(4),
            RuntimeError,
            "expected target dtype to be Long or Byte, but got Float",
        ),
        (X, torch.zeros(4).bool(), RuntimeError, "but got Bool"),
    ],
)
def test_targets_that_do_not_fit(loss, x, target, error, text):
    with pytest.raises(error, match=text):
        loss(x, target)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: F.cross_entropy(X, torch.zeros(4).long(), torch.ones(2)),
            RuntimeError,
            "weight tensor should be defined either for all 3 classes or no classes but got weight",
        ),
        (
            lambda: F.cross_entropy(X, torch.zeros(4).long(), torch.ones(3).double()),
            RuntimeError,
            "expected scalar type Float but found Double",
        ),
        (
            lambda: F.cross_entropy(X, torch.zeros(4).long(), reduction="x"),
            ValueError,
            "x is not a valid value for reduction",
        ),
        (lambda: F.mse_loss(X, X, reduction="x"), ValueError, "x is not a valid value for"),
        (
            lambda: F.cross_entropy(X, torch.zeros(4).long(), label_smoothing=2.0),
            RuntimeError,
            "label_smoothing must be between 0.0 and 1.0. Got: 2.0",
        ),
        (
            lambda: F.cross_entropy(X, X, ignore_index=1),
            RuntimeError,
            "ignore_index is not supported for floating point target",
        ),
        (
            lambda: F.cross_entropy(X, X.long()),
            RuntimeError,
            "Expected floating point type for target with class probabilities, got Long",
        ),
        (
            lambda: F.binary_cross_entropy(X, torch.zeros(4, 1)),
            ValueError,
            r"Using a target size \(torch.Size\(\[4, 1\]\)\) that is different to the input size",
        ),
        (
            lambda: F.binary_cross_entropy(X + 2, X),
            RuntimeError,
            "all elements of input should be between 0 and 1",
        ),
        (
            lambda: F.binary_cross_entropy(X, X - 1),
            RuntimeError,
            "all elements of target should be between 0 and 1",
        ),
        (
            lambda: F.binary_cross_entropy(X, X.long()),
            RuntimeError,
            "Found dtype Long but expected",
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(X, torch.zeros(4, 1)),
            ValueError,
            r"Target size \(torch.Size\(\[4, 1\]\)\) must be the same as input size",
        ),
        (lambda: F.huber_loss(X, X, delta=0), RuntimeError, "non-positive values for delta"),
        (lambda: F.smooth_l1_loss(X, X, beta=-1.0), RuntimeError, "negative values for beta"),
        (lambda: F.mse_loss(X, X, weight=torch.ones(3)), ValueError, "must have the same size"),
        (lambda: F.mse_loss(X, 3.0), TypeError, "argument 'target' .* must be Tensor, not float"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.SmoothL1Loss(), nn.HuberLoss()])
def test_broadcasting_warns(loss):
    with pytest.warns(UserWarning, match="likely lead to incorrect results due to broadcasting"):
        loss(torch.zeros(4, 1), torch.zeros(4))


def test_errors_name_the_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.criterion = nn.CrossEntropyLoss()

        def forward(self, x):
            return self.criterion(x, torch.tensor([9]))

    with pytest.raises(IndexError, match="CrossEntropy in criterion: CrossEntropyLoss"):
        Net()(torch.zeros(1, 3))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 4, 3)])
def test_the_second_derivative_of_nll_loss_is_zero_and_not_absent(shape, reduction):
    x = torch.randn(shape, requires_grad=True)
    target = torch.ones(shape[:1] + shape[2:] if len(shape) > 1 else (), dtype=torch.int64)
    loss = F.nll_loss(x, target, reduction=reduction).sum()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), x)
    assert second.shape == x.shape
    assert not second.numpy().any()


def test_a_target_of_integers_leaves_float32_as_it_is():
    x = torch.tensor([0.1, 0.7], requires_grad=True)
    F.mse_loss(x, torch.tensor([1, 0]), reduction="sum").backward()
    assert x.grad.dtype == torch.float32
    expected = (x.detach().numpy() - np.float32([1, 0])) * np.float32(2)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_the_target_of_bce_with_logits_has_a_mixed_derivative_where_the_score_is_zero():
    x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    y = torch.full((2,), 0.3, dtype=torch.float64, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, y, reduction="sum")
    (slope,) = torch.autograd.grad(loss, y, create_graph=True)  # log σ(-x) - log σ(x) = -x
    (mixed,) = torch.autograd.grad(slope.sum(), x)
    assert mixed.tolist() == [-1.0, -1.0]


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss])
@pytest.mark.parametrize("shapes", [((), (2,)), ((2,), ()), ((1,), ()), ((2, 1), (2,))])
def test_what_is_broadcast_decides_on_the_dtype_like_any_other(loss, shapes):
    single, double = [torch.full(s, 3.0, dtype=d) for s, d in zip(shapes, ("f4", "f8"))]
    single.requires_grad_()
    with pytest.warns(UserWarning, match="different to the input size"):
        value = loss(single, double * 0)
    assert (value.dtype, value.item()) == (
        torch.float64,
        {F.mse_loss: 9, F.l1_loss: 3}.get(loss, 2.5),
    )
    value.backward()
    assert single.grad.dtype == torch.float32
    with pytest.warns(UserWarning, match="different to the input size"):
        large = loss(torch.tensor(300.0), torch.zeros(2, dtype=torch.float16))
    assert large.item() == {F.mse_loss: 90_000, F.l1_loss: 300}.get(loss, 299.5)


def test_numbers_of_one_rank_keep_the_dtype_that_they_have_together():
    assert F.mse_loss(torch.tensor(1.0), torch.tensor(2, dtype=torch.int64)).dtype == torch.float32
    with pytest.warns(UserWarning, match="different to the input size"):
        assert F.l1_loss(torch.ones(2), torch.tensor(2)).dtype == torch.float32


@pytest.mark.parametrize("loss", [F.smooth_l1_loss, F.huber_loss, F.mse_loss])
def test_distances_are_of_floating_point_numbers(loss):
    for x in (torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.complex64)):
        with pytest.raises(NotImplementedError, match=r'^"\w+_loss" not implemented for \'(L|C)'):
            loss(x, x)


@pytest.mark.parametrize(
    ("loss", "argument"),
    [
        ("cross_entropy", "weight"),
        ("nll_loss", "weight"),
        ("binary_cross_entropy", "weight"),
        ("binary_cross_entropy_with_logits", "weight"),
        ("binary_cross_entropy_with_logits", "pos_weight"),
    ],
)
def test_a_weight_that_requires_grad_is_refused(loss, argument):
    x = torch.tensor([[0.25, 0.5], [0.75, 0.125]], requires_grad=True)
    classes = loss in ("cross_entropy", "nll_loss")
    target = torch.tensor([0, 1]) if classes else torch.ones(2, 2)
    weight = nn.Parameter(torch.ones(2))
    call = getattr(F, loss)
    text = f"The function '{loss}' is not differentiable with respect to argument '{argument}'."
    with pytest.raises(RuntimeError, match=text):
        call(x, target, **{argument: weight})
    with pytest.raises(RuntimeError, match=text):  # whatever the input requires
        call(x.detach(), target, **{argument: weight})
    with torch.no_grad():
        call(x, target, **{argument: weight})
    call(x, target, **{argument: weight.detach()}).backward()
    assert weight.grad is None


@pytest.mark.parametrize("call", ["mse_loss", "l1_loss", "huber_loss"])
def test_weights_of_distances_have_a_gradient(call):
    weight = torch.ones(2, requires_grad=True)
    x, y = torch.tensor([1.0, 3.0]), torch.zeros(2)
    getattr(F, call)(x, y, reduction="sum", weight=weight).backward()
    expected = {"mse_loss": [1, 9], "l1_loss": [1, 3], "huber_loss": [0.5, 2.5]}[call]
    assert weight.grad.tolist() == expected


def test_probabilities_may_be_weighed_by_what_is_learnt():
    weight = torch.ones(2, requires_grad=True)
    x = torch.tensor([[0.0, 0.0]])
    loss = F.cross_entropy(x, torch.tensor([[0.25, 0.75]]), weight)
    loss.backward()
    np.testing.assert_allclose(weight.grad.tolist(), [0.25 * np.log(2), 0.75 * np.log(2)], 1e-6)


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "NLLLoss", "MSELoss", "HuberLoss", "BCELoss"])
def test_arguments_of_the_call_given_to_the_constructor(loss):
    x = torch.zeros(2, 2)
    with pytest.raises(TypeError, match=rf"(?s)must not be a Tensor.*{loss}\(\)\(input, target\)"):
        getattr(nn, loss)(x, x)
