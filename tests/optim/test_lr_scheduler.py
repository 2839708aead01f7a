"""Schedules: closed forms, chaining, states, errors. PyTorch's numbers are in the stored tests."""

import math

import numpy as np
import pytest

from tinygrad_adam import optim, tensor
from tinygrad_adam.optim import lr_scheduler as schedulers


def sgd(*rates, **options):
    groups = [
        {"params": [tensor([0.0], requires_grad=True)], "lr": rate} for rate in rates or [1.0]
    ]
    return optim.SGD(groups, **options)


def rates(optimizer, scheduler, epochs):
    found = [optimizer.param_groups[0]["lr"]]
    for _ in range(epochs):
        optimizer.step()
        scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


SOME = {
    "StepLR": (lambda o: schedulers.StepLR(o, 3, 0.5), lambda t: 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda o: schedulers.MultiStepLR(o, [2, 5, 5], 0.5),
        lambda t: 0.5 ** ((t >= 2) + 2 * (t >= 5)),
    ),
    "ConstantLR": (lambda o: schedulers.ConstantLR(o, 0.25, 4), lambda t: 0.25 if t < 4 else 1.0),
    "LinearLR": (
        lambda o: schedulers.LinearLR(o, 0.2, 0.8, 6),
        lambda t: 0.2 + 0.6 * min(t, 6) / 6,
    ),
    "ExponentialLR": (lambda o: schedulers.ExponentialLR(o, 0.8), lambda t: 0.8**t),
    "PolynomialLR": (
        lambda o: schedulers.PolynomialLR(o, 6, 2.0),
        lambda t: (1 - min(t, 6) / 6) ** 2,
    ),
    "CosineAnnealingLR": (
        lambda o: schedulers.CosineAnnealingLR(o, 8, 0.1),
        lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * t / 8)) / 2,
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4),
        lambda t: (1 + math.cos(math.pi * (t % 4) / 4)) / 2,
    ),
    "LambdaLR": (lambda o: schedulers.LambdaLR(o, lambda t: 1 / (t + 1)), lambda t: 1 / (t + 1)),
    "MultiplicativeLR": (
        lambda o: schedulers.MultiplicativeLR(o, lambda t: 0.9),
        lambda t: 0.9**t,
    ),
}


@pytest.mark.parametrize("name", SOME)
class TestEach:
    def test_the_formula_of_its_docstring(self, name):
        make, formula = SOME[name]
        optimizer = sgd(2.0)
        scheduler = make(optimizer)
        if name.startswith("Cosine"):
            expected = [0.1 + (2 - 0.1) * (formula(t) - 0.1) / 0.9 for t in range(21)]
            if name.endswith("Restarts"):
                expected = [2 * formula(t) for t in range(21)]
        else:
            expected = [2 * formula(t) for t in range(21)]
        np.testing.assert_allclose(rates(optimizer, scheduler, 20), expected, atol=1e-12)
        assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]]
        assert scheduler.last_epoch == 20

    def test_a_saved_state_resumes(self, name):
        make, _ = SOME[name]
        straight = rates(optimizer := sgd(), make(optimizer), 12)
        first = sgd()
        scheduler = make(first)
        rates(first, scheduler, 5)
        second = sgd()
        resumed = make(second)
        resumed.load_state_dict(scheduler.state_dict())
        second.load_state_dict(first.state_dict())
        assert "optimizer" not in scheduler.state_dict()
        assert rates(second, resumed, 7)[1:] == straight[6:]

    def test_a_rate_that_is_a_tensor_stays_that_tensor(self, name):
        make, _ = SOME[name]
        plain = rates(optimizer := sgd(), make(optimizer), 8)
        lr = tensor(1.0)
        optimizer = sgd(lr)
        scheduler = make(optimizer)
        for expected in plain[1:]:
            optimizer.step()
            scheduler.step()
            assert optimizer.param_groups[0]["lr"] is lr
            assert lr.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)

    def test_only_optimizers(self, name):
        with pytest.raises((TypeError, AttributeError)):
            SOME[name][0]("an optimizer")


def test_two_schedulers_multiply():
    optimizer = sgd(1.0)
    a = schedulers.ExponentialLR(optimizer, 0.9)
    b = schedulers.StepLR(optimizer, 2, 0.5)
    for t in range(1, 7):
        optimizer.step()
        a.step()
        b.step()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.9**t * 0.5 ** (t // 2))


def test_jumping_to_an_epoch_uses_the_closed_form():
    optimizer = sgd()
    scheduler = schedulers.StepLR(optimizer, 3, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning, match="epoch parameter in `scheduler.step"):
        scheduler.step(7)
    assert optimizer.param_groups[0]["lr"] == 0.25


def test_warm_restarts_between_epochs():
    optimizer = sgd()
    scheduler = schedulers.CosineAnnealingWarmRestarts(optimizer, 4, T_mult=2)
    for epoch, expected in [(0.5, 0.5 / 4), (3.5, 3.5 / 4), (4, 0.0), (6, 2 / 8), (12, 0.0), (20, 0.5)]:  # fmt: skip # noqa: E501
        scheduler.step(epoch)
        share = optimizer.param_groups[0]["lr"]
        assert share == pytest.approx((1 + math.cos(math.pi * expected)) / 2)
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        scheduler.step(-1)


def test_resuming_with_last_epoch_needs_the_rate_at_the_start():
    with pytest.raises(KeyError, match="'initial_lr' is not specified in param_groups"):
        schedulers.StepLR(sgd(), 3, last_epoch=5)
    optimizer = sgd()
    optimizer.param_groups[0]["initial_lr"] = 1.0
    scheduler = schedulers.ExponentialLR(optimizer, 0.5, last_epoch=2)
    assert scheduler.last_epoch == 3


def test_the_order_of_the_two_steps_is_watched():
    optimizer = sgd()
    scheduler = schedulers.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()


def test_one_cycle_moves_beta1_against_the_rate():
    optimizer = optim.Adam([tensor([0.0], requires_grad=True)])
    scheduler = schedulers.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)
    group = optimizer.param_groups[0]
    assert group["lr"] == pytest.approx(0.1 / 25)
    assert group["betas"] == (0.95, 0.999)
    path = []
    for _ in range(9):
        optimizer.step()
        scheduler.step()
        path.append((group["lr"], group["betas"][0]))
    assert max(path)[0] == pytest.approx(0.1)
    assert max(path)[1] == pytest.approx(0.85)
    assert path[-1] == pytest.approx((0.1 / 25 / 1e4, 0.95))
    scheduler.step()
    with pytest.raises(ValueError, match=r"Tried to step 11 times\. The specified number of total"):
        scheduler.step()


def test_a_scale_function_of_ones_own():
    optimizer = sgd(momentum=0.9)
    scheduler = schedulers.CyclicLR(
        optimizer, 0.0, 1.0, 2, scale_fn=lambda x: 1 / x, scale_mode="cycle"
    )
    found = rates(optimizer, scheduler, 8)
    np.testing.assert_allclose(found, [0, 0.5, 1, 0.5, 0, 0.25, 0.5, 0.25, 0], atol=1e-12)
    state = scheduler.state_dict()
    assert state["_scale_fn_custom"] is None
    scheduler.load_state_dict(state)
    assert scheduler.scale_fn(2) == 0.5


def test_callable_objects_are_saved_by_their_attributes():
    class Falling:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, t):
            return self.rate**t

    saved = schedulers.LambdaLR(sgd(), [Falling(0.5)]).state_dict()
    assert saved["lr_lambdas"] == [{"rate": 0.5}]
    other = Falling(0.9)
    schedulers.LambdaLR(sgd(), other).load_state_dict(saved)
    assert other.rate == 0.5


def test_plateau():
    optimizer = sgd(1.0)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, patience=1, factor=0.5, cooldown=1)
    found = []
    for loss in [1.0, 1.0, 1.0, 1.0, tensor(1.0), 1.0, 1.0, 0.1, 0.1]:
        scheduler.step(loss)
        found.append(optimizer.param_groups[0]["lr"])
    assert found == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    twin = schedulers.ReduceLROnPlateau(sgd(1.0))
    twin.load_state_dict(scheduler.state_dict())
    assert (twin.best, twin.patience) == (0.1, 1)
    optimizer.add_param_group({"params": [tensor([0.0])], "lr": 1.0})
    for _ in range(4):
        scheduler.step(1.0)
    assert scheduler.min_lrs == [0, 0]


def test_the_keys_of_the_states_are_pytorchs():
    adam = optim.Adam([tensor([0.0], requires_grad=True)])
    shared = {
        "_get_lr_called_within_step", "_is_initial", "_last_lr", "_step_count", "base_lrs",
        "last_epoch",
    }  # fmt: skip
    one_cycle = schedulers.OneCycleLR(adam, 0.1, 10).state_dict()
    assert set(one_cycle) - shared == {
        "_anneal_func_type", "_schedule_phases", "cycle_momentum", "total_steps", "use_beta1",
    }  # fmt: skip
    cyclic = schedulers.CyclicLR(adam, 0.1, 1.0).state_dict()
    assert set(cyclic) - shared == {
        "_scale_fn_custom", "base_momentums", "cycle_momentum", "gamma", "max_lrs",
        "max_momentums", "mode", "scale_mode", "step_ratio", "total_size", "use_beta1",
    }  # fmt: skip


def test_a_scheduler_written_for_pytorch_knows_when_it_is_asked_by_a_step():
    class Halves(schedulers._LRScheduler):
        def get_lr(self):
            assert self._get_lr_called_within_step
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    optimizer = sgd()
    scheduler = Halves(optimizer)
    assert rates(optimizer, scheduler, 2) == [1.0, 0.5, 0.25]
    with pytest.raises(AssertionError):
        scheduler.get_lr()


def test_milestones_may_come_back_as_a_plain_dictionary():
    """As they do from files that know no Counter; PyTorch takes them, too."""
    optimizer = sgd()
    scheduler = schedulers.MultiStepLR(optimizer, [2])
    state = scheduler.state_dict()
    scheduler.load_state_dict({**state, "milestones": dict(state["milestones"])})
    assert rates(optimizer, scheduler, 3) == pytest.approx([1.0, 1.0, 0.1, 0.1])


def test_the_number_of_an_epoch_is_discouraged_on_a_plateau_too():
    scheduler = schedulers.ReduceLROnPlateau(sgd())
    with pytest.warns(UserWarning, match=r"epoch parameter in `scheduler\.step\(\)`") as caught:
        scheduler.step(1.0, epoch=7)
    assert caught[0].filename == __file__  # it points at the caller
    assert scheduler.last_epoch == 7


def test_sequence_and_chain_save_what_they_hold():
    def make(optimizer):
        first = schedulers.LinearLR(optimizer, 0.1, total_iters=3)
        return schedulers.SequentialLR(
            optimizer, [first, schedulers.ExponentialLR(optimizer, 0.5)], [3]
        )

    straight = rates(optimizer := sgd(), make(optimizer), 10)
    first = sgd()
    scheduler = make(first)
    rates(first, scheduler, 5)
    second = sgd()
    resumed = make(second)
    state = scheduler.state_dict()
    resumed.load_state_dict(state)
    second.load_state_dict(first.state_dict())
    assert len(state["_schedulers"]) == 2
    assert rates(second, resumed, 5)[1:] == straight[6:]
    chained = schedulers.ChainedScheduler([schedulers.ExponentialLR(sgd(), 0.5)])
    assert chained.get_last_lr() == [1.0]
    chained.load_state_dict(chained.state_dict())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: schedulers.StepLR("o", 3), TypeError, "str is not an Optimizer"),
        (
            lambda o: schedulers.LambdaLR(o, [abs, abs]),
            ValueError,
            "Expected 1 lr_lambdas, but got 2",
        ),
        (lambda o: schedulers.MultiplicativeLR(o, 3), TypeError, "lr_lambda should be a function"),
        (lambda o: schedulers.ConstantLR(o, 2.0), ValueError, "expected to be between 0 and 1"),
        (lambda o: schedulers.LinearLR(o, 0.0), ValueError, "expected to be greater than 0"),
        (lambda o: schedulers.LinearLR(o, 0.5, 2.0), ValueError, "between 0 and 1"),
        (
            lambda o: schedulers.CosineAnnealingWarmRestarts(o, 0),
            ValueError,
            "Expected positive integer T_0, but got 0",
        ),
        (
            lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 0.5),
            ValueError,
            "Expected integer T_mult >= 1, but got 0.5",
        ),
        (
            lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 1, "x"),
            ValueError,
            "Expected float or int eta_min, but got x",
        ),
        (lambda o: schedulers.OneCycleLR(o, 1.0), ValueError, "You must define either total_steps"),
        (
            lambda o: schedulers.OneCycleLR(o, 1.0, -3),
            ValueError,
            "Expected positive integer total_steps, but got -3",
        ),
        (
            lambda o: schedulers.OneCycleLR(o, 1.0, epochs=0, steps_per_epoch=3),
            ValueError,
            "Expected positive integer epochs, but got 0",
        ),
        (
            lambda o: schedulers.OneCycleLR(o, 1.0, 10, pct_start=2.0),
            ValueError,
            "Expected float between 0 and 1 pct_start, but got 2.0",
        ),
        (
            lambda o: schedulers.OneCycleLR(o, 1.0, 10, anneal_strategy="up"),
            ValueError,
            "anneal_strategy must be one of 'cos' or 'linear', instead got up",
        ),
        (
            lambda o: schedulers.OneCycleLR(o, [1.0, 2.0], 10),
            ValueError,
            "max_lr must have the same length as optimizer.param_groups. max_lr has 2 values",
        ),
        (
            lambda o: schedulers.OneCycleLR(optim.Adagrad(o.param_groups[0]["params"]), 1.0, 10),
            ValueError,
            "optimizer must support momentum or beta1 with `cycle_momentum` option enabled",
        ),
        (lambda o: schedulers.OneCycleLR("o", 1.0, 10), TypeError, "str is not an Optimizer"),
        (lambda o: schedulers.CyclicLR("o", 0.1, 1.0), TypeError, "str is not an Optimizer"),
        (
            lambda o: schedulers.CyclicLR(o, 0.1, 1.0, mode="square"),
            ValueError,
            "mode is invalid and scale_fn is None",
        ),
        (lambda o: schedulers.ReduceLROnPlateau("o"), TypeError, "str is not an Optimizer"),
        (
            lambda o: schedulers.ReduceLROnPlateau(o, factor=1.0),
            ValueError,
            "Factor should be < 1.0.",
        ),
        (lambda o: schedulers.ReduceLROnPlateau(o, "up"), ValueError, "mode up is unknown!"),
        (
            lambda o: schedulers.ReduceLROnPlateau(o, threshold_mode="x"),
            ValueError,
            "threshold mode x is unknown!",
        ),
        (
            lambda o: schedulers.ReduceLROnPlateau(o, min_lr=[0, 0]),
            ValueError,
            "expected 1 min_lrs, got 2",
        ),
        (
            lambda o: schedulers.SequentialLR(o, [], []),
            ValueError,
            "expects at least one scheduler",
        ),
        (
            lambda o: schedulers.SequentialLR(o, [schedulers.StepLR(o, 3)], [2]),
            ValueError,
            "Sequential Schedulers expects number of schedulers provided to be one more",
        ),
        (
            lambda o: schedulers.SequentialLR(o, [schedulers.ReduceLROnPlateau(o)], []),
            ValueError,
            "does not support `ReduceLROnPlateau` scheduler",
        ),
        (
            lambda o: schedulers.SequentialLR(o, [schedulers.StepLR(sgd(), 3)], []),
            ValueError,
            "expects all schedulers to belong to the same optimizer",
        ),
        (
            lambda o: schedulers.ChainedScheduler([]),
            ValueError,
            "expects at least one scheduler to be chained",
        ),
        (
            lambda o: schedulers.ChainedScheduler(["x"], o),
            TypeError,
            "at index 0 should have `optimizer` as its attribute",
        ),
    ],
)
def test_errors_have_pytorchs_words(make, error, message):
    with pytest.raises(error, match=message.replace(".", r"\.")):
        make(sgd())
