"""Anomaly mode names the culprit, and only the culprit."""

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
    with pytest.raises(RuntimeError) as caught, autograd.detect_anomaly():
        Broken()(torch.ones(3, 2))
    text = str(caught.value)
    assert "Function 'SqrtBackward0' computed nan values in forward" in text
    assert "inner.1: Root()" in text
    assert "float32 (3, 2)" in text
    assert "return (x * 0 - 1).sqrt()" in text
    assert "autograd/function.py" not in text


def test_operations_that_pass_a_nan_on_are_not_blamed():
    x = torch.tensor([1.0, float("nan")])
    with autograd.detect_anomaly():
        assert (x * 2 + 1).sum().isnan()


def test_an_infinity_is_named():
    culprit = pytest.raises(RuntimeError, match="'LogBackward0' computed inf values")
    with culprit, autograd.detect_anomaly():
        torch.zeros(2).log()


def test_a_nan_made_from_infinities_is_named():
    x = torch.tensor(float("inf"))
    culprit = pytest.raises(RuntimeError, match="'SubBackward0' computed nan values")
    with culprit, autograd.detect_anomaly():
        x - x


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
        torch.zeros(2).log()


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
        torch.zeros(2).log()
    torch.zeros(2).log()
