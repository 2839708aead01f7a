"""What ``grad_fn`` and ``next_functions`` show: PyTorch's graph."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.autograd import graphs
from tinygrad_adam import nn
from tinygrad_adam.autograd.graph import Node

F = nn.functional


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def test_every_graph_is_pytorchs():
    wanted = goldens.load("graphs.json")
    found = graphs.graphs(torch)
    assert {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]} == {}
    assert found.keys() == wanted.keys()


def test_a_node_is_one_object_while_somebody_holds_it():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = x * w
    z = y + y
    node = z.grad_fn
    assert node is z.grad_fn
    assert node.next_functions[0][0] is node.next_functions[1][0] is y.grad_fn
    gradient_of_x = y.grad_fn.next_functions[0][0]
    assert gradient_of_x is (x * 2).grad_fn.next_functions[0][0]
    assert gradient_of_x.variable is x
    assert len({node, z.grad_fn, y.grad_fn}) == 2
    assert isinstance(node, Node)
    assert isinstance(gradient_of_x, Node)
    node.metadata["seen"] = 1
    del node
    gc.collect()
    assert z.grad_fn.metadata == {"seen": 1}


def test_how_nodes_print():
    y = leaf(1.0) * 2
    assert repr(y.grad_fn).startswith("<MulBackward0 object at 0x")
    assert repr(y.grad_fn.next_functions[0][0]).startswith("<AccumulateGrad object at 0x")
    assert y.grad_fn.next_functions[0][0].name() == "torch::autograd::AccumulateGrad"
    assert y.grad_fn.next_functions[1] == (None, 0)
    assert repr(F.mse_loss(y, torch.zeros(1))) == "tensor(4., grad_fn=<MseLossBackward0>)"

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, option, other):
            ctx.option = option
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * x.exp(), None, None

    y = Exp.apply(leaf(1.0), "some", torch.ones(1))
    assert repr(y.grad_fn).startswith("<torch.autograd.function.ExpBackward object at 0x")
    assert y.grad_fn.name() == type(y.grad_fn).__name__ == "ExpBackward"
    assert [one is None for one, _ in y.grad_fn.next_functions] == [False, True]
    assert y.grad_fn.option == "some"
    assert y.grad_fn.saved_tensors[0].tolist() == [1.0]


def test_looking_keeps_nothing_alive():
    y = (leaf(1.0) * 2).exp()
    node = weakref.ref(y._edge[0])
    assert len(y.grad_fn.next_functions[0][0].next_functions) == 2
    del y
    gc.collect()
    assert node() is None


class TestSaved:
    def test_by_pytorchs_names(self):
        x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
        node = (x * w).grad_fn
        assert node._saved_self is x
        assert node._saved_other is w
        assert (x * 2).grad_fn._saved_self is None
        assert (x**3).grad_fn._saved_exponent == 3
        assert (x**3).grad_fn._saved_self is x
        y = x.exp()
        assert y.grad_fn._saved_result.tolist() == y.tolist()
        assert y.grad_fn._saved_result.grad_fn is y.grad_fn
        assert x.log().grad_fn._saved_self is x
        weight = torch.ones(4, 2, requires_grad=True)
        node = F.linear(x[None], weight, torch.zeros(4, requires_grad=True)).grad_fn
        assert node._saved_mat2.shape == (2, 4)
        assert node._saved_mat1.shape == (1, 2)
        assert {"_saved_mat1", "_saved_mat2", "next_functions"} <= set(dir(node))
        assert not [name for name in dir(node.next_functions[2][0]) if name.startswith("_saved_")]

    def test_what_is_not_there(self):
        x = leaf(1.0, 2.0)
        with pytest.raises(AttributeError, match="'MulBackward0' object has no attribute '_saved_"):
            getattr((x * 2).grad_fn, "_saved_" + "nothing")
        assert not hasattr((x * x).grad_fn, "saved_tensors")
        assert not hasattr((x * x).grad_fn, "variable")
        assert not hasattr((x * 1).grad_fn.next_functions[0][0], "_saved_self")

    def test_freed_by_the_walk(self):
        x = leaf(1.0, 2.0)
        y = x * x
        y.sum().backward()
        assert "_saved_self" in dir(y.grad_fn)
        with pytest.raises(RuntimeError, match="Trying to backward through the graph a second"):
            getattr(y.grad_fn, "_saved_self".strip())

    def test_a_walker_that_draws_everything(self):
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
        loss = F.cross_entropy(net(torch.ones(2, 1, 4, 4)), torch.tensor([0, 1]))
        seen, variables, saved = set(), [], []

        def add(node):
            if node is None or node in seen:
                return
            seen.add(node)
            for name in dir(node):
                if name.startswith("_saved_"):
                    saved.append((node.name(), name))
                    getattr(node, name)
            if hasattr(node, "variable"):
                variables.append(node.variable)
            for one, _ in node.next_functions:
                add(one)

        add(loss.grad_fn)
        parameters = list(net.parameters())
        assert sorted(map(id, variables)) == sorted(map(id, parameters))
        assert ("ReluBackward0", "_saved_result") in saved
        assert len(seen) == 11


class TestHooks:
    def test_they_see_gradients_in_the_shapes_of_the_inputs(self):
        x, w = torch.ones(2, 3, requires_grad=True), leaf(2.0, 2.0, 2.0)
        y = x * w
        seen = []
        y.grad_fn.register_prehook(lambda grads: seen.append(("pre", grads)))
        handle = y.grad_fn.register_hook(lambda ins, outs: seen.append(("post", ins, outs)))
        leaf_node = y.grad_fn.next_functions[0][0]
        leaf_node.register_prehook(lambda grads: seen.append(("leaf pre", grads)))
        leaf_node.register_hook(lambda ins, outs: seen.append(("leaf", ins, outs)))
        y.sum().backward(retain_graph=True)
        assert [row[0] for row in seen] == ["pre", "post", "leaf pre", "leaf"]
        assert [g.tolist() for g in seen[1][1]] == [[[2.0] * 3] * 2, [2.0] * 3]
        assert seen[1][2][0].tolist() == [[1.0] * 3] * 2
        assert seen[3][1] == ()
        assert x.grad.tolist() == [[2.0] * 3] * 2
        handle.remove()
        y.sum().backward()
        assert [row[0] for row in seen[4:]] == ["pre", "leaf pre", "leaf"]

    def test_what_they_return_takes_the_place(self):
        x, w = leaf(1.0), leaf(5.0)
        y = x * w
        y.grad_fn.register_prehook(lambda grads: (grads[0] * 10,))
        y.grad_fn.register_hook(lambda ins, outs: (ins[0] + 1, None))
        y.sum().backward()
        assert x.grad.tolist() == [51.0]
        assert w.grad is None

    def test_in_a_recorded_walk(self):
        x = leaf(3.0)
        y = x**3
        y.grad_fn.register_hook(lambda ins, outs: (ins[0] * 2,))
        (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), x)
        assert slope.tolist() == [54.0]
        assert curvature.tolist() == [36.0]

    def test_of_complex_numbers(self):
        x = torch.tensor([1 + 2j], requires_grad=True)
        y = x * x
        y.grad_fn.register_hook(lambda ins, outs: (ins[0], ins[1]))
        (y.real + 2 * y.imag).sum().backward()
        assert x.grad.tolist() == [2 * (1 - 2j) * (1 + 2j)]

    def test_a_node_that_is_a_part_of_ours_has_none(self):
        y = F.linear(torch.ones(1, 2), torch.ones(3, 2, requires_grad=True))
        part = y.grad_fn.next_functions[1][0]
        assert part.name() == "TBackward0"
        with pytest.raises(RuntimeError, match="Hang the hook on the tensor"):
            part.register_hook(print)


class TestAfterAccumulation:
    def test_it_sees_the_leaf_with_its_gradient(self):
        x = leaf(1.0, 2.0)
        seen = []
        handle = x.register_post_accumulate_grad_hook(
            lambda p: seen.append((p is x, p.grad.tolist(), torch.is_grad_enabled()))
        )
        for _ in range(2):
            (x * 3).sum().backward()
        (x * 3).sum().backward(inputs=[x])
        torch.autograd.grad((x * 3).sum(), x)
        assert seen == [(True, [3.0 * n] * 2, False) for n in (1, 2, 3)]
        handle.remove()
        (x * 3).sum().backward()
        assert len(seen) == 3

    def test_a_step_inside_backward(self):
        net = nn.Linear(2, 1)
        before = net.weight.detach().clone()
        optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in net.parameters()}

        def step(parameter):
            optimizers[parameter].step()
            optimizers[parameter].zero_grad()

        for p in net.parameters():
            p.register_post_accumulate_grad_hook(step)
        net(torch.ones(1, 2)).sum().backward()
        assert net.weight.grad is None
        np.testing.assert_allclose(net.weight.detach(), before - 0.1)

    def test_what_it_refuses(self):
        x = leaf(1.0)
        with pytest.raises(RuntimeError, match="cannot be registered on non-leaf tensors"):
            (x * 2).register_post_accumulate_grad_hook(print)
        with pytest.raises(RuntimeError, match="that doesn't require gradient"):
            torch.ones(1).register_post_accumulate_grad_hook(print)
        x.register_post_accumulate_grad_hook(lambda p: p)
        with pytest.raises(RuntimeError, match="hooks should return None"):
            x.sum().backward()
