"""Anomaly mode names the culprit, and only the culprit; it lets through what comes out finite."""

import pytest

import tinygrad_adam as torch
from tinygrad_adam import autograd, nn


class Broken(nn.Module):
    """Makes a NaN in the middle of ``inner``."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2), Root())

    def forward(self, x):
        return (self.inner(x) * 2).sum()


class Root(nn.Module):
    def forward(self, x):
        return (x * 0 - 1).sqrt()


def test_forward_names_operation_module_shapes_and_line():
    with autograd.detect_anomaly():
        loss = Broken()(torch.ones(3, 2))
        with pytest.raises(RuntimeError) as caught:
            loss.backward()
    text = str(caught.value)
    assert text.startswith("Function 'SqrtBackward0' returned nan values in its 0th output.")
    assert "Function 'SqrtBackward0' computed nan values in forward" in text
    assert "inner.1: Root()" in text
    assert "float32 (3, 2)" in text
    assert "return (x * 0 - 1).sqrt()" in text
    assert "autograd/function.py" not in text


def test_operations_that_pass_a_nan_on_are_not_blamed():
    x = torch.tensor([1.0, float("nan")])
    with autograd.detect_anomaly():
        assert (x * 2 + 1).sum().isnan()


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


INF = float("inf")
MASK = torch.tensor([1.0, 0.0, 1.0])
ROW = 1.0, 2.0, 3.0

# Their gradients are finite: what is infinite or NaN on the way is taken out again.
VALID = {
    "log of a mask, softmax": lambda: (leaf(*ROW) + MASK.log()).softmax(0)[0],
    "log of a mask, log_softmax": lambda: (leaf(*ROW) + MASK.log()).log_softmax(0)[0],
    "log of a mask, logsumexp": lambda: (leaf(*ROW) + MASK.log()).logsumexp(0),
    "log of a mask, maximum": lambda: (leaf(*ROW) + MASK.log()).max(),
    "division by a mask, minimum": lambda: (leaf(*ROW) + 1 / MASK).min(),
    "masked_fill, topk": lambda: leaf(*ROW).masked_fill(MASK == 0, -INF).topk(2).values.sum(),
    "masked_fill, exp": lambda: leaf(*ROW).masked_fill(MASK == 0, -INF).exp().sum(),
    "overflow, clamp": lambda: (leaf(1.0, 3e38) * 10).clamp(max=10).sum(),
    "overflow, minimum": lambda: torch.minimum(leaf(3e38) * 10, torch.ones(1)).sum(),
    "overflow, tanh": lambda: (leaf(3e38) * 10).tanh().sum(),
    "overflow, reciprocal": lambda: (1 / (leaf(3e38) * 10)).sum(),
    "logarithm of a negative number, where": lambda: torch.where(
        torch.tensor([False, True]), leaf(-1.0, 2.0).log(), torch.zeros(2)
    ).sum(),
    "logarithm of a negative number, index": lambda: leaf(-1.0, 2.0).log()[1],
    "slope of a root at 0, where": lambda: torch.where(
        torch.tensor([False, True]), leaf(-1.0, 2.0), torch.zeros(2)
    ).sqrt().sum(),
    "a NaN that is not used": lambda: [leaf(-1.0).log(), leaf(1.0).sum()][1],
    "a NaN that was given": lambda: (leaf(float("nan")) * 2).sum(),
    "an infinity that was given": lambda: (leaf(INF) * 2).sum(),
}  # fmt: skip

# The first function: where backward stopped. The last: who began it.
WRONG = {
    "logarithm of 0": (lambda: leaf(0.0).log().sum(), ["Log"]),
    "logarithm of a negative number": (lambda: leaf(-1.0).log().sum(), ["Log"]),
    "infinity less infinity": (lambda: (leaf(INF) - leaf(INF)).sum(), ["Sub"]),
    "root of a negative number": (lambda: leaf(-1.0).sqrt().sum(), ["Sqrt", "Sqrt"]),
    "root of 0, masked too late": (lambda: (leaf(0.0).sqrt() * 0).sum(), ["Sqrt"]),
    "length of a zero vector": (lambda: ((leaf(0.0) * 1.0) ** 2).sum().sqrt(), ["Pow", "Sqrt"]),
    "0 by 0": (lambda: (lambda x: (x / x).sum())(leaf(0.0)), ["Div", "Div"]),
    "overflow in a softmax by hand": (
        lambda: (lambda e: (e / e.sum()).sum())(leaf(200.0, 1.0).exp()), ["Div", "Div", "Exp"],
    ),
    "overflow before clamp": (lambda: leaf(200.0).exp().clamp(max=1).sum(), ["Exp", "Exp"]),
    "where after the logarithm of 0": (
        lambda: torch.where(torch.tensor([False]), leaf(0.0).log(), torch.zeros(1)).sum(),
        ["Log", "Log"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", VALID)
def test_what_comes_out_finite_is_let_through(program):
    with autograd.detect_anomaly():
        VALID[program]().backward()


@pytest.mark.parametrize("program", WRONG)
def test_the_chain_of_blame(program):
    function, blamed = WRONG[program]
    with autograd.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        function().backward()
    lines = [line for line in str(caught.value).splitlines() if line.startswith("Function")]
    assert [line.split("'")[1].removesuffix("Backward0") for line in lines] == blamed


def test_anomaly_mode_has_no_opinion_without_gradients():
    with autograd.detect_anomaly():
        assert torch.zeros(2).log().isinf().all()
        assert leaf(-1.0).log().isnan().all()


def test_a_walk_forgets_nothing_of_the_one_before():
    x = leaf(0.0)
    with autograd.detect_anomaly():
        y = x.sqrt() * 1
        for _ in range(2):
            with pytest.raises(RuntimeError, match="'SqrtBackward0' returned inf values"):
                y.backward(torch.ones(1), retain_graph=True)
        y.backward(torch.tensor([INF]))  # given from outside


def test_backward_names_the_operation_and_its_line():
    x = torch.tensor([0.0, 4.0], requires_grad=True)
    with autograd.detect_anomaly():
        y = x.sqrt()
        with pytest.raises(RuntimeError) as caught:
            y.sum().backward()
    text = str(caught.value)
    assert "Function 'SqrtBackward0' returned inf values in its 0th output" in text
    assert "y = x.sqrt()" in text


def test_a_value_changed_in_place_is_explained_with_its_line():
    x = torch.ones(3, requires_grad=True)
    with autograd.detect_anomaly():
        y = x.exp()
        y.add_(1)
        with pytest.raises(RuntimeError) as caught:
            y.sum().backward()
    text = str(caught.value)
    assert "has been modified by an inplace operation: [torch.FloatTensor [3]]" in text
    assert "which is output 0 of Exp, is at version 1; expected version 0 instead" in text
    assert "y = x.exp()" in text


def test_without_anomaly_mode_the_hint_says_how():
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"set_detect_anomaly\(True, check_nan"):
        y.sum().backward()


def test_switching():
    assert not autograd.is_anomaly_enabled()
    with autograd.set_detect_anomaly(True):
        assert autograd.is_anomaly_enabled()
    assert not autograd.is_anomaly_enabled()
    with autograd.detect_anomaly(check_nan=False):
        leaf(0.0).log().sum().backward()


def test_switching_leaves_other_observers_alone():
    class Counter(autograd.Observer):
        count = 0

        def after_forward(self, node, inputs, results):
            self.count += 1

    counter = Counter()
    with autograd.observing(counter):
        with autograd.set_detect_anomaly(True):
            torch.ones(2).exp()
            with autograd.set_detect_anomaly(False):
                torch.zeros(2).log()
                assert not autograd.is_anomaly_enabled()
            assert autograd.is_anomaly_enabled()
        torch.zeros(2).log()
    torch.ones(2).exp()
    assert counter.count == 3


def test_the_mode_is_off_again_after_an_error():
    with pytest.raises(RuntimeError), autograd.detect_anomaly():
        leaf(0.0).log().sum().backward()
    assert not autograd.is_anomaly_enabled()
    leaf(0.0).log().sum().backward()
