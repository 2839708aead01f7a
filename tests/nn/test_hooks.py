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


class TestFullBackwardHooks:
    @staticmethod
    def counted(module):
        seen = []
        module.register_full_backward_hook(lambda *arguments: seen.append(arguments))
        return module, seen

    @pytest.mark.parametrize(
        "module",
        [
            nn.Tanh(),
            nn.GELU(),
            nn.LayerNorm(2),
            nn.Softmax(-1),
            nn.Linear(2, 2),
            nn.Sequential(nn.Linear(2, 2), nn.SiLU(), nn.Linear(2, 1)),
            nn.Bilinear(2, 2, 1) if hasattr(nn, "Bilinear") else nn.Sigmoid(),
        ],
        ids=lambda module: type(module).__name__,
    )
    def test_they_fire_once_and_not_for_the_gradients_gradient(self, module):
        module, seen = self.counted(module)
        x = torch.tensor([[0.3, 0.6]], requires_grad=True)
        inputs = (x, x) if type(module).__name__ == "Bilinear" else (x,)
        (slope,) = torch.autograd.grad(module(*inputs).sum(), x, create_graph=True)
        assert len(seen) == 1
        if slope.requires_grad:
            torch.autograd.grad(slope.sum(), x, allow_unused=True)
        assert len(seen) == 1

    def test_but_again_where_that_passes_the_output(self):
        module, seen = self.counted(nn.Tanh())
        x = torch.tensor([0.3], requires_grad=True)
        (slope,) = torch.autograd.grad((module(x) ** 2).sum(), x, create_graph=True)
        slope.sum().backward()
        assert len(seen) == 2

    @pytest.mark.parametrize("needs", [(True, False), (True, False, True), (False, False)])
    def test_inputs_keep_their_requires_grad(self, needs):
        found = []

        class Sum(nn.Module):
            def forward(self, *xs):
                found.extend(x.requires_grad for x in xs)
                return sum(x.sum() for x in xs), xs[1]

        module, _ = self.counted(Sum())
        _, second = module(*[torch.ones(2, requires_grad=need) for need in needs])
        assert found == list(needs)
        assert not second.requires_grad

    def test_what_stands_for_an_unused_gradient(self):
        module, seen = self.counted(Three())
        x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
        module(x, y)[0].sum().backward()
        ((_, grad_input, grad_output),) = seen
        assert [g.tolist() for g in grad_input] == [[2.0, 2.0], [0.0, 0.0]]
        assert grad_output[0].tolist() == [1.0, 1.0]
        assert grad_output[1:] == (None, None)

    @pytest.mark.parametrize("which", [0, 1, 2])
    @pytest.mark.parametrize(
        "register",
        [
            "register_forward_hook",
            "register_forward_pre_hook",
            "register_full_backward_hook",
            "register_full_backward_pre_hook",
        ],
    )
    def test_one_may_take_off_itself_or_another(self, register, which):
        module, calls, handles = nn.Tanh(), [], []

        def first(*arguments):
            calls.append(0)
            handles[which].remove()

        hooks = [first, lambda *arguments: calls.append(1), lambda *arguments: calls.append(2)]
        handles += [getattr(module, register)(hook) for hook in hooks]
        for _ in range(2):
            module(torch.ones(1, requires_grad=True)).sum().backward()
        assert calls == [0, 1, 2, *[i for i in range(3) if i != which]]

    @pytest.mark.parametrize(
        ("returned", "error", "words"),
        [
            (5, TypeError, "expected Variable, but hook returned 'int'"),
            ((5,), TypeError, "expected Variable, but hook returned 'int'"),
            ((torch.ones(3),), RuntimeError, "has changed the size of value"),
            ((torch.ones(1).double(),), RuntimeError, r"was torch.FloatTensor got torch.Double"),
            ((None, None), RuntimeError, "an invalid number of grad_"),
        ],
    )
    @pytest.mark.parametrize("pre", [False, True])
    def test_what_they_return_is_checked(self, returned, error, words, pre):
        module = nn.Tanh()
        register = "register_full_backward_pre_hook" if pre else "register_full_backward_hook"
        getattr(module, register)(lambda *arguments: returned)
        y = module(torch.ones(1, requires_grad=True))
        with pytest.raises(error, match=words):
            y.backward()

    def test_what_passes_must_not_be_written(self):
        module, _ = self.counted(nn.ReLU(inplace=True))
        x = torch.ones(2, requires_grad=True) * 1
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            module(x)
        module, _ = self.counted(nn.ReLU())
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            module(x).mul_(2)


class Three(nn.Module):
    """Two results of x and y, and one that needs no gradient."""

    def forward(self, x, y):
        return x * 2, y * 3, y.detach()


@pytest.mark.parametrize("leaf", [True, False])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_hook_of_a_tensor_may_take_off_itself_or_another(leaf, which):
    x = torch.ones(1, requires_grad=True)
    y = x if leaf else x * 2
    calls, handles = [], []

    def first(grad):
        calls.append(0)
        handles[which].remove()

    hooks = [first, lambda grad: calls.append(1), lambda grad: calls.append(2)]
    handles += [y.register_hook(hook) for hook in hooks]
    for _ in range(2):
        y.sum().backward(retain_graph=True)
    assert calls == [0, 1, 2, *[i for i in range(3) if i != which]]
