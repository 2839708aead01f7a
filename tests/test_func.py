"""``torch.func`` and ``autograd.functional`` beside PyTorch, and what a loop can do beyond vmap."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import func_programs, goldens
from tinygrad_adam import nn
from tinygrad_adam.func import functional_call, grad, vjp, vmap


def test_every_answer_is_pytorchs():
    wanted, found = goldens.load("func.json"), func_programs.answers(torch)
    assert found.keys() == wanted.keys()
    odd = {key: (found[key], wanted[key]) for key in wanted if not same(found[key], wanted[key])}
    assert odd == {}


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, abs=2e-4)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


def test_nothing_is_stored():
    w = torch.ones(3, requires_grad=True)
    x = torch.ones(3)
    slope = grad(lambda x: (x * w).sum())(x)
    assert slope.requires_grad
    assert w.grad is x.grad is None
    with torch.no_grad():
        assert not grad(lambda x: (x * w).sum())(x).requires_grad
    slope.sum().backward()
    assert w.grad.tolist() == [1.0] * 3


def test_results_let_go_of_the_graph():
    _, products = vjp(lambda x: x.exp(), torch.zeros(2))
    result = products(torch.ones(2))[0]
    assert result.is_leaf
    np.testing.assert_array_equal(result.numpy(), [1, 1])


def test_a_loop_may_look_at_values():
    x = torch.tensor([1.0, -2.0, 3.0])
    assert vmap(lambda a: a if a > 0 else -a)(x).tolist() == [1.0, 2.0, 3.0]
    assert vmap(lambda a: torch.tensor(a.item() * 2))(x).tolist() == [2.0, -4.0, 6.0]


def test_random_numbers_of_a_batch():
    x = torch.zeros(3, 2)
    same_ones = vmap(lambda a: a + torch.rand(2), randomness="same")(x)
    assert (same_ones == same_ones[0]).all()
    different = vmap(lambda a: a + torch.rand(2), randomness="different")(x)
    assert len({tuple(row) for row in different.tolist()}) == 3


def test_what_a_call_replaces_comes_back():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(2, 2, bias=False)
            self.second = nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight
            self.norm = nn.BatchNorm1d(2)

        def forward(self, x):
            return self.norm(self.second(self.first(x)))

    net = Tied()
    before = {name: id(p) for name, p in net.named_parameters()}
    eye = {"first.weight": 2 * torch.eye(2)}
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    running = {"norm.running_mean": torch.zeros(2)}
    functional_call(net, (eye, running), x)
    np.testing.assert_allclose(running["norm.running_mean"], [0.8, 1.4], rtol=1e-6)
    assert net.norm.running_mean.tolist() == [0.0, 0.0]
    functional_call(net, (eye, running), x, tie_weights=False)
    assert running["norm.running_mean"].tolist() != pytest.approx([1.52, 2.66])
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes"):
        functional_call(net, eye, torch.ones(1, 3))
    assert {name: id(p) for name, p in net.named_parameters()} == before
