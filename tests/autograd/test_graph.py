"""Hooks on what operations save for their gradients."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd.graph import (
    disable_saved_tensors_hooks,
    increment_version,
    save_on_cpu,
    saved_tensors_hooks,
)

F = nn.functional


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def programs():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    ).double()
    x = torch.randn(2, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    return [
        (lambda: net(x).square().sum(), [x, *net.parameters()]),
        (lambda: F.cross_entropy(w * w.exp(), torch.tensor([0, 1, 2, 0])), [w]),
        (lambda: (w.softmax(1) @ w.t()).std() + w[:, 1].prod() + w.sort(0)[0][0, 0], [w]),
        (lambda: F.layer_norm(w, (3,)).tanh().pow(3).sum() / w.norm(), [w]),
    ]


def test_what_goes_through_the_hooks_gives_the_same_gradients_and_theirs():
    for program, inputs in programs():
        wanted = torch.autograd.grad(program(), inputs)
        with saved_tensors_hooks(lambda x: x.detach().numpy().copy(), torch.tensor):
            loss = program()
            loss_again = program()
        for found, one in zip(torch.autograd.grad(loss, inputs), wanted):
            np.testing.assert_allclose(found, one, rtol=1e-10)
        with save_on_cpu(pin_memory=True):
            slopes = torch.autograd.grad(loss_again, inputs, create_graph=True)
        total = sum(slope.square().sum() for slope in slopes)
        plain = torch.autograd.grad(program(), inputs, create_graph=True)
        plain_total = sum(slope.square().sum() for slope in plain)
        seconds = torch.autograd.grad(total, inputs)
        for found, one in zip(seconds, torch.autograd.grad(plain_total, inputs)):
            np.testing.assert_allclose(found, one, rtol=1e-7, atol=1e-10)


def test_what_a_hook_sees():
    seen = []

    def pack(x):
        seen.append((tuple(x.shape), x.requires_grad, torch.is_grad_enabled()))
        return x

    x, w = leaf(1.0, 2.0), torch.ones(2) * 2
    with saved_tensors_hooks(pack, lambda x: x):
        y = (x * w).exp()
        y.detach().exp()
        with torch.no_grad():
            x.exp()
    assert seen == [((2,), False, False), ((2,), True, False)]
    x.exp()
    assert len(seen) == 2
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 2 * np.exp([2.0, 4.0]), rtol=1e-6)


def test_of_nested_blocks_the_inner_one_counts():
    seen, x = [], leaf(1.0)

    def noting(name):
        return saved_tensors_hooks(lambda x: seen.append(name) or x, lambda x: x)

    with noting("outer"):
        with noting("inner"):
            x.exp()
        x.exp()
        x.exp().backward()
    assert seen == ["inner", "outer", "outer"]


def test_a_users_function_is_packed_too():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    x = leaf(3.0)
    with saved_tensors_hooks(lambda x: x.tolist(), lambda values: torch.tensor(values) + 1):
        y = Square.apply(x)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert slope.tolist() == [8.0]
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [2.0]


def test_what_is_packed_may_be_written_to():
    x = leaf(1.0)
    with saved_tensors_hooks(lambda x: x.clone(), lambda x: x):
        y = (x * 1).exp()
        y.mul_(2)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [2 * np.e], rtol=1e-6)


def test_errors():
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(lambda x: x, lambda x: 3):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor but got result of ty"):
        y.sum().backward()
    with (
        saved_tensors_hooks(lambda x: x.mul_(2), lambda x: x),
        pytest.raises(RuntimeError, match="A saved tensor pack hook is modifying its input in"),
    ):
        (x * torch.ones(2)).sum()
    for hooks in ((3, print), (print, 4)):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            saved_tensors_hooks(*hooks)
    hooks = saved_tensors_hooks(lambda x: x, lambda x: x)
    with disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"):
        hooks.__enter__()
    with hooks, pytest.raises(RuntimeError, match="nor here"):
        disable_saved_tensors_hooks("nor here").__enter__()
    with hooks:
        pass


def test_increment_version():
    x = leaf(1.0)
    y = x * x
    increment_version(x)
    increment_version([x, y])
    assert (x._version, y._version) == (2, 1)
    with pytest.raises(RuntimeError, match="is at version 2; expected version 0 instead"):
        y.backward()
