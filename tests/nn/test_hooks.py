"""Hooks of modules, before and after forward and backward."""

import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn


class Pair(nn.Module):
    """Two tensors and a number in, the same out."""

    def forward(self, x, number, y):
        return x * number, y * 2, 5


@pytest.fixture
def linear():
    module = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(1.0)
    return module


def test_forward_hooks_see_and_change(linear):
    log = []
    linear.register_forward_pre_hook(lambda m, args: log.append("before"))
    double = linear.register_forward_pre_hook(lambda m, args: args[0] * 2)
    linear.register_forward_hook(lambda m, args, out: log.append((args[0].tolist(), out.tolist())))
    linear.register_forward_hook(lambda m, args, out: out + 1)
    linear.register_forward_hook(
        lambda m, args, kwargs, out: log.append(kwargs), with_kwargs=True, prepend=True
    )
    assert linear(torch.ones(1, 2)).tolist() == [[5]]
    assert log == ["before", {}, ([[2, 2]], [[4]])]
    double.remove()
    double.remove()
    assert linear(torch.ones(1, 2)).tolist() == [[3]]


def test_pre_hooks_see_and_change_keywords():
    class Scale(nn.Module):
        def forward(self, x, by=1):
            return x * by

    scale = Scale()
    with scale.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True
    ):
        assert scale(torch.ones(1), by=2).item() == 3
    assert scale(torch.ones(1), by=2).item() == 2
    scale.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        scale(torch.ones(1))


def test_hooks_may_always_be_called():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("broken")

    broken, log = Broken(), []
    broken.register_forward_hook(lambda m, args, out: log.append(out), always_call=True)
    broken.register_forward_hook(lambda m, args, out: log.append("not called"))
    with pytest.raises(ValueError, match="broken"):
        broken(1)
    assert log == [None]


def test_backward_hooks_see_and_change(linear):
    log = []
    linear.register_full_backward_hook(lambda m, i, o: log.append((i[0].tolist(), o[0].tolist())))
    linear.register_full_backward_pre_hook(lambda m, o: log.append(o[0].tolist()))
    linear.register_full_backward_pre_hook(lambda m, o: (o[0] * 3,))
    linear.register_full_backward_hook(lambda m, i, o: (i[0] * 10,))
    x = torch.ones(1, 2, requires_grad=True)
    linear(x).sum().backward()
    assert log == [[[1]], ([[3, 3]], [[3]])]
    assert x.grad.tolist() == [[30, 30]]
    assert linear.weight.grad.tolist() == [[3, 3]]


def test_backward_hooks_of_several_inputs_and_outputs():
    pair, log = Pair(), []

    def note(module, grad_input, grad_output):
        log.append([[g if g is None else g.tolist() for g in x] for x in (grad_input, grad_output)])

    pair.register_full_backward_hook(note)
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    a, b, number = pair(x, 3, y)
    assert number == 5
    (a.sum() + b.sum()).backward()
    assert log == [[[[3, 3], None, [2, 2]], [[1, 1], [1, 1], None]]]
    a, _, _ = pair(x, 3, y)
    a.sum().backward()
    assert log[1] == [[[3, 3], None, [0, 0]], [[1, 1], None, None]]


def test_backward_hooks_without_a_gradient_of_the_input(linear):
    log = []
    handle = linear.register_full_backward_hook(lambda m, i, o: log.append((i, o[0].tolist())))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        linear(torch.ones(1, 2)).sum().backward()
    assert log == [((None,), [[1]])]
    handle.remove()
    linear.register_full_backward_hook(lambda m, i, o: o)
    loss = linear(torch.ones(1, 2)).sum()
    with (
        pytest.warns(UserWarning, match="no inputs"),
        pytest.raises(RuntimeError, match="should always return None"),
    ):
        loss.backward()


def test_backward_hooks_must_return_as_many_gradients():
    relu = nn.ReLU()
    relu.register_full_backward_hook(lambda m, i, o: (i[0], i[0]))
    loss = relu(torch.ones(1, requires_grad=True)).sum()
    with pytest.raises(RuntimeError, match="got 2, but expected 1"):
        loss.backward()


def test_backward_hooks_allow_second_derivatives():
    square = nn.Sequential(nn.Identity())
    seen = []
    square.register_full_backward_hook(lambda m, i, o: seen.append(i[0].requires_grad))
    x = torch.tensor(3.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(square(x) ** 3, x, create_graph=True)
    gradient.backward()
    assert x.grad.item() == pytest.approx(18)
    assert seen[0] is True


def test_hooks_cost_nothing_under_no_grad(linear):
    linear.register_full_backward_hook(lambda m, i, o: None)
    with torch.no_grad():
        assert not linear(torch.ones(1, 2)).requires_grad
