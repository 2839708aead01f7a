"""Checkpoints: the same numbers for less memory, with either way of walking back."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

both_ways = pytest.mark.parametrize("reentrant", [False, True])


def net():
    torch.manual_seed(0)
    layers = []
    for _ in range(3):
        layers += [nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.3)]
    return nn.Sequential(*layers)


def gradients(model, x, run):
    torch.manual_seed(1)
    model.zero_grad()
    x.grad = None
    y = run(x)
    y.square().sum().backward()
    return [y.detach(), x.grad, *[p.grad for p in model.parameters()]]


@both_ways
@pytest.mark.parametrize("segments", [None, 1, 2, 4, 9])
def test_the_same_numbers_with_the_same_random_numbers(reentrant, segments):
    model, x = net(), torch.randn(5, 4).requires_grad_()
    wanted = gradients(model, x, model)

    def run(x):
        if segments is None:
            return checkpoint(model, x, use_reentrant=reentrant)
        return checkpoint_sequential(model, segments, x, use_reentrant=reentrant)

    for found, one in zip(gradients(model, x, run), wanted, strict=True):
        np.testing.assert_array_equal(found, one)


@both_ways
def test_other_random_numbers_if_they_are_not_preserved(reentrant):
    x = torch.ones(1000, requires_grad=True)
    y = checkpoint(nn.Dropout(0.5), x, use_reentrant=reentrant, preserve_rng_state=False)
    y.sum().backward()
    assert (x.grad != y).any()
    before = torch.rand(1).item()
    assert torch.rand(1).item() != before


def test_it_keeps_the_inputs_only_and_computes_the_rest_when_asked():
    x = torch.ones(3, requires_grad=True)
    kept, calls = [], []

    def function(a, factor=1):
        calls.append(factor)
        inner = (a * factor).exp()
        kept.append(weakref.ref(inner.array))
        return inner.sin()

    y = checkpoint(function, x, factor=2, use_reentrant=False)
    gc.collect()
    assert kept[0]() is None
    assert y.grad_fn.name() == "SinBackward0"
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    inner = np.exp(2.0)
    np.testing.assert_allclose(slope.detach(), [2 * inner * np.cos(inner)] * 3, rtol=1e-4)
    wanted = 4 * inner * np.cos(inner) - 4 * inner**2 * np.sin(inner)
    np.testing.assert_allclose(curvature, [wanted] * 3, rtol=1e-4)
    assert set(calls) == {2}
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        checkpoint(function, x, other=3, use_reentrant=False)


@pytest.mark.parametrize("early", [True, False])
def test_the_second_call_stops_early(early):
    x, steps = torch.ones(3, requires_grad=True), []

    def function(a):
        b = a.exp()
        steps.append("exp")
        c = b.sin()
        steps.append("sin")
        return c + 1

    for options in ({"early_stop": early}, {}):
        with set_checkpoint_early_stop(early):
            y = checkpoint(function, x, use_reentrant=False, **options)
        steps.clear()
        y.sum().backward()
        assert steps == (["exp"] if early else ["exp", "sin"])


def test_graphs_may_be_kept_but_not_freed_twice():
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(lambda a: a.exp().exp(), x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_one_inside_another():
    x = torch.ones(3, requires_grad=True)

    def inner(a):
        return a.exp().sin()

    def outer(a):
        return checkpoint(inner, a.square(), use_reentrant=False).tanh()

    checkpoint(outer, x, use_reentrant=False).sum().backward()
    found, x.grad = x.grad, None
    inner(x.square()).tanh().sum().backward()
    np.testing.assert_allclose(found, x.grad)


def test_contexts_of_both_calls():
    seen = []

    class Block:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *exception):
            pass

    x = torch.ones(3, requires_grad=True)
    options = {"use_reentrant": False, "context_fn": lambda: (Block("first"), Block("again"))}
    checkpoint(torch.exp, x, **options).sum().backward()
    assert seen == ["first", "again"]


class TestErrors:
    def test_a_function_that_does_something_else(self):
        x, calls = torch.ones(3, requires_grad=True), []

        def fewer(a):
            calls.append(1)
            return a.exp().exp() if len(calls) == 1 else a.exp()

        y = checkpoint(fewer, x, use_reentrant=False)
        with pytest.raises(CheckpointError, match="forward: 2\nNumber of tensors saved during rec"):
            y.sum().backward()
        calls.clear()

        def smaller(a):
            calls.append(1)
            return (a if len(calls) == 1 else a[:2]).exp().sum()

        y = checkpoint(smaller, x, use_reentrant=False)
        with pytest.raises(CheckpointError, match="have different metadata than during"):
            y.backward()
        calls.clear()
        checkpoint(smaller, x, use_reentrant=False, determinism_check="none").detach()

    def test_of_arguments(self):
        x = torch.ones(3, requires_grad=True)
        with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explic"):
            assert checkpoint(torch.exp, x).grad_fn.name() == "CheckpointFunctionBackward"
        with pytest.warns(UserWarning, match="checkpoint_sequential: the use_reentrant parameter"):
            checkpoint_sequential([torch.exp], 1, x)
        with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
            checkpoint(torch.exp, x.detach(), use_reentrant=True)
        with pytest.raises(ValueError, match="Unexpected keyword arguments: other"):
            checkpoint(torch.exp, x, use_reentrant=True, other=1)
        with pytest.raises(ValueError, match="is only supported when use_reentrant=False"):
            checkpoint(torch.exp, x, use_reentrant=True, context_fn=lambda: None)
        with pytest.raises(ValueError, match="Unexpected keyword arguments: other"):
            checkpoint_sequential([torch.exp], 1, x, use_reentrant=True, other=1)
        with pytest.raises(ValueError, match=r"one of \['default', 'none'\], but got some"):
            checkpoint(torch.exp, x, use_reentrant=False, determinism_check="some")

    def test_reentrant_walks_store_gradients_only(self):
        x = torch.ones(3, requires_grad=True)
        y = checkpoint(torch.exp, x, use_reentrant=True).sum()
        with pytest.raises(RuntimeError, match=r"is incompatible with \.grad\(\) or passing an"):
            torch.autograd.grad(y, x, retain_graph=True)
        with pytest.raises(RuntimeError, match=r"is incompatible with \.grad\(\) or passing an"):
            y.backward(inputs=[x], retain_graph=True)
        y.backward()
        assert x.grad is not None
        detached = checkpoint(lambda a: a.detach(), x, use_reentrant=True)
        with pytest.raises(RuntimeError, match="none of output has requires_grad=True"):
            detached.sum().backward()
