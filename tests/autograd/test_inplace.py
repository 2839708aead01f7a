"""Writes in place beside views, hooks and retained gradients."""

import copy
import pickle
import warnings

import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.autograd.in_place_states import CELLS, run
from tinygrad_adam import nn

NUMBERS, FOUND = goldens.load("in_place_states.json")  # of each cell, which result it has
STORED = {cell: FOUND[n] for cell, n in enumerate(NUMBERS) if FOUND[n] is not None}


def result(*values):
    """Return a leaf and a tensor computed from it."""
    x = torch.tensor(values or (1.0, 2.0, 3.0, 4.0), requires_grad=True)
    return x, x * 1


def differs(cell):
    """Return why a cell is not to be as PyTorch has it, or None."""
    owner, view, made, written, by, through, watch = cell
    if (owner, made, written) == ("leaf", "no_grad", "no_grad") and view.startswith(
        ("view of", "view", "piece")
    ):
        return "it refuses what its own words for that call right: the gradient is the leaf's"
    written_elsewhere = through != "itself" and by == "parameter" and written == "grad"
    if owner == "plain" and written_elsewhere and made == "grad" and watch == "retained after":
        return "it takes a view whose base was written for a leaf until somebody asks"
    return None


class TestStates:
    def test_nearly_all_are_stored(self):
        assert len(STORED) > 0.98 * len(CELLS)  # register_hook after a write crashes PyTorch

    def test_each_is_as_in_pytorch(self):
        wrong = [
            (CELLS[n], found, here)
            for n, found in STORED.items()
            if (here := run(torch, n)) != found and differs(CELLS[n]) is None
        ]
        assert wrong == []

    def test_where_it_differs_it_has_a_reason(self):
        reasons = {differs(CELLS[n]) for n, found in STORED.items() if run(torch, n) != found}
        assert len(reasons) == 2
        assert None not in reasons


WRITES = {
    "mul_": lambda x: x.mul_(2),
    "setitem": lambda x: x.__setitem__(0, 1.0),
    "copy_": lambda x: x.copy_(torch.ones(x.shape)),
    "/=": lambda x: x.__itruediv__(2),
    "zero_": lambda x: x.zero_(),
    "relu": lambda x: nn.functional.relu(x, inplace=True),
    "masked_fill_": lambda x: x.masked_fill_(x > 0, 1.0),
    "index_fill_": lambda x: x.index_fill_(0, torch.tensor([0]), 1.0),
    "mark_dirty": lambda x: Doubled.apply(x),
}


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
class TestAnyWrite:
    def test_a_retained_gradient_is_of_the_value_as_it_is_now(self, write):
        _, y = result()
        y.retain_grad()
        write(y)
        write(y)
        (y * 5).sum().backward()
        assert y.grad.tolist() == [5.0] * 4

    def test_so_it_is_of_a_view_and_of_its_base(self, write):
        _, y = result()
        view = y[1:3]
        view.retain_grad()
        y.retain_grad()
        write(view)
        ((y * 5).sum() + (view * 7).sum()).backward()
        assert y.grad.tolist() == [5.0, 12.0, 12.0, 5.0]
        assert view.grad.tolist() == [7.0, 7.0]

    def test_a_hook_stays_with_the_value_that_it_was_hung_on(self, write):
        _, y = result()
        seen = []
        y.register_hook(lambda grad: seen.append("before"))
        write(y)
        y.register_hook(lambda grad: seen.append("after"))
        (y * 5).sum().backward()
        assert seen[0] == "after"
        assert seen.count("after") == 1

    def test_it_counts(self, write):
        x = torch.ones(3)
        before = x._version
        write(x[:])
        assert x._version > before
        assert type(before) is int

    @pytest.mark.parametrize(
        "make",
        [
            lambda x: x[:2],
            lambda x: x.view(2, 2),
            lambda x: x.reshape(2, 2),
            lambda x: x.view(2, 2).t(),
            lambda x: x[None],
            lambda x: x.chunk(2)[0],
            lambda x: x.view(2, 2).unbind()[1],
            lambda x: x.view(2, 2).diagonal(),
            lambda x: x.detach()[1:],
            lambda x: x.narrow(0, 0, 2),
            lambda x: x.view(2, 2)[0][:1],
            lambda x: x.detach(),
            lambda x: x.data,
        ],
    )
    def test_a_leaf_is_refused_also_if_it_is_a_view(self, write, make):
        x = torch.zeros(4)
        leaf = make(x).requires_grad_()
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            write(leaf)
        with torch.no_grad():
            write(leaf)
        assert leaf.is_leaf

    @pytest.mark.parametrize(
        "make",
        [
            lambda y: y[:2],
            lambda y: y[1:][:1],
            lambda y: y.view(2, 2),
            lambda y: y.chunk(2)[0],
            lambda y: y.split(3)[0],
            lambda y: y.unsqueeze(0),
        ],
    )
    def test_a_view_made_without_recording_is_refused(self, write, make):
        _, y = result()
        with torch.no_grad():
            view = make(y)
        late = write is WRITES["mark_dirty"]  # found out only after the write
        for target in (view,) if late else (view, view[...]):
            with pytest.raises(RuntimeError, match="created in no_grad mode and is being modified"):
                write(target)
        with torch.no_grad():
            write(view)
        y.add_(1)
        with pytest.raises(RuntimeError, match="another view of its base has been modified"):
            view * 1

    @pytest.mark.parametrize(
        "make",
        [
            lambda y: y.unbind()[3].view(1),
            lambda y: y.split(2)[1],
            lambda y: y.split([1, 3])[0],
            lambda y: y.chunk(2)[0],
            lambda y: next(iter(y.view(2, 2))),
            lambda y: y.split(2)[0].view_as(y[:2]),
            lambda y: y.split(4)[0],
        ],
    )
    def test_one_of_several_views_is_refused(self, write, make):
        _, y = result()
        view = make(y)
        with pytest.raises(RuntimeError, match="a function that returns multiple views"):
            write(view)
        y.mul_(2)
        with pytest.raises(RuntimeError, match=r"is a view and its base or another view of its"):
            view * 1
        assert "grad_fn=<Invalid>" in repr(view)
        plain = make(torch.ones(4))
        plain.mul_(2)
        assert plain.tolist() == [2.0] * len(plain)


class TestViewsOfFunctions:
    @pytest.mark.parametrize("forward", [lambda x: x, lambda x: x.view_as(x), lambda x: x[:2]])
    def test_one_is_refused(self, forward):
        class View(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return forward(x)

            @staticmethod
            def backward(ctx, grad):
                return torch.ones(4) * 7

        x, y = result()
        view = View.apply(y)
        assert view is not y
        with pytest.raises(RuntimeError, match="created inside a custom Function"):
            view.mul_(2)
        y.sum().backward(retain_graph=True)
        assert x.grad.tolist() == [1.0] * 4
        view.sum().backward()
        assert x.grad.tolist() == [8.0] * 4
        y.mul_(2)
        with pytest.raises(RuntimeError, match="its base or another view of its base has been"):
            view.sum()

    def test_a_view_that_a_function_writes_tells_its_base(self):
        x, y = result()
        view, other = y[:2], y[1:]
        returned = Doubled.apply(view)
        assert returned is view
        (y.sum() + other.sum() * 10 + view.sum() * 100).backward()
        assert y.tolist() == [2.0, 4.0, 3.0, 4.0]
        assert x.grad.tolist() == [202.0, 222.0, 11.0, 11.0]

    def test_but_must_return_alone(self):
        class Two(Doubled):
            @staticmethod
            def forward(ctx, x):
                return Doubled.forward(ctx, x), x.sum()

        _, y = result()
        with pytest.raises(RuntimeError, match="cannot return more than one Tensor"):
            Two.apply(y[:2])


class TestDetaching:
    @pytest.mark.parametrize(
        "operation",
        [torch.sin, torch.log, lambda x: x * x, lambda x: x**3, lambda x: x.exp() * x],
    )
    @pytest.mark.parametrize("then", [lambda x: x, lambda x: x.requires_grad_()])
    def test_what_is_still_needed_is_an_error(self, operation, then):
        _, y = result()
        z = operation(y)
        then(y.detach_())
        with pytest.raises(RuntimeError, match="has been detached in-place"):
            z.sum().backward()

    def test_what_nobody_kept_may_go(self):
        x, y = result()
        z = (y + 1).sum()
        e = x.exp()
        kept_by_its_own = (e + 1).sum()
        y.detach_(), e.detach_()
        assert not y.requires_grad
        z.backward()
        kept_by_its_own.backward()
        assert x.grad.allclose(1 + e)

    def test_views_keep_their_history(self):
        x, y = result()
        view = y[:2]
        y.detach_()
        (view * 3).sum().backward()
        assert x.grad.tolist() == [3.0, 3.0, 0.0, 0.0]
        y.mul_(2)  # from here on it is another value
        assert not view.requires_grad

    def test_a_leaf_that_needs_no_gradient_any_more_gets_none(self):
        x = torch.ones(2, requires_grad=True)
        y = (x * x).sum()
        x.requires_grad_(False)
        y.backward()
        assert x.grad is None


class TestExpanded:
    """Elements share a memory location: what gives all of them the same is allowed."""

    def test_filling(self):
        for fill in (
            lambda x: x.fill_(2),
            lambda x: x.fill_(torch.tensor(2.0)),
            lambda x: x.__setitem__(..., 2.0),
            lambda x: x.__setitem__(slice(None), torch.tensor(2.0)),
            lambda x: x.zero_().__setitem__(0, 2.0),
        ):
            x = torch.ones(1)
            fill(x.expand(3))
            assert x.tolist() == [2.0]

    def test_a_part_where_nothing_is_shared(self):
        x = torch.arange(3.0)
        y = x.expand(2, 3)
        y[0] = torch.tensor([5.0, 6.0, 7.0])
        y[1, 2].add_(1)
        y[:1].mul_(2)
        assert x.tolist() == [10.0, 12.0, 16.0]

    @pytest.mark.parametrize(
        "fill",
        [
            lambda y: y.masked_fill_(torch.tensor([[True, False, False], [False, False, True]]), 9),
            lambda y: y.__setitem__((torch.tensor([0, 1]), torch.tensor([0, 2])), 9),
            lambda y: y.__setitem__(torch.tensor([[True, False, True], [False, False, True]]), 9),
        ],
    )
    def test_one_of_those_that_share_is_enough(self, fill):
        x = torch.arange(3.0)
        with pytest.warns(UserWarning, match="on expanded tensors is deprecated"):
            fill(x.expand(2, 3))
        assert x.tolist() == [9.0, 1.0, 9.0]

    def test_the_history_is_right(self):
        x, y = result()
        y.expand(3, 4)[:, :2] = 7.0
        y.expand(2, 4).narrow(1, 3, 1).zero_()
        (y * y).sum().backward()
        assert y.tolist() == [7.0, 7.0, 3.0, 0.0]
        assert x.grad.tolist() == [0.0, 0.0, 6.0, 0.0]

    @pytest.mark.parametrize(
        "write",
        [
            lambda y: y.add_(1),
            lambda y: y.mul_(2),
            lambda y: y.copy_(torch.ones(2, 3)),
            lambda y: y.__setitem__(slice(None), torch.ones(3)),
            lambda y: y.index_fill_(0, torch.tensor([0]), 1.0),
            lambda y: y.scatter_(0, torch.tensor([[0, 0, 0]]), 1.0),
            lambda y: y.uniform_(),
            lambda y: y.fill_(torch.tensor(1.0, requires_grad=True)),
        ],
    )
    def test_anything_else_is_refused(self, write):
        x = torch.arange(3.0)
        with pytest.raises(RuntimeError, match="refers to a single memory location"):
            write(x.expand(2, 3))
        assert x.tolist() == [0.0, 1.0, 2.0]

    def test_memory_that_is_read_only(self):
        array = torch.ones(3).numpy()
        array.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = torch.from_numpy(array)
        with pytest.raises(RuntimeError, match="read-only"):
            x.add_(1)


class TestAttributes:
    def test_version(self):
        x = torch.zeros(3)
        for write, count in (
            (lambda: x.add_(1), 1),
            (lambda: x[:1].add_(1), 2),
            (lambda: x.detach().add_(1), 3),
            (lambda: x.__setitem__(0, 1.0), 4),
            (lambda: x.data.add_(1), 4),
            (lambda: x + 1, 4),
        ):
            write()
            assert x._version == count

    def test_data(self):
        x = torch.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="must be floating point or complex dtype"):
            x.data = torch.tensor([1, 2])
        for wrong in (3, None, [1.0, 2.0], x.detach().numpy()):
            with pytest.raises(TypeError, match="Variable data has to be a tensor, but got"):
                x.data = wrong
        x.data = torch.zeros(3)
        assert x.shape == (3,)
        y = torch.ones(2)
        y.data = torch.tensor([1, 2])
        assert y.tolist() == [1, 2]

    def test_grad(self):
        x = torch.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="can't assign Variable as its own grad"):
            x.grad = x
        x.grad = x.detach()
        assert x.grad.tolist() == [1.0, 1.0]


class TestCopies:
    def test_what_shared_memory_still_does(self):
        x = torch.arange(6.0).view(2, 3)
        views = [x, x[1], x.t(), x[:, ::2], x.flatten()[2:], x.detach(), x[0].expand(4, 3)]
        first = copy.deepcopy(views)
        views = [x.flatten()[2:], *views]  # a view before the whole
        second = copy.deepcopy(views)[1:]
        for copies in (first, second):
            for a, b in zip(copies, views[1:]):
                assert a.equal(b)
                assert a.stride() == b.stride()
            copies[0][...] = 9.0
            assert all(bool((y == 9).all()) for y in copies)
            assert copies[1]._version == 1
        assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]

    def test_so_do_parameters_and_gradients(self):
        model = nn.Linear(2, 2)
        model.again = model.weight
        model.row = model.weight.detach()[0]
        model(torch.ones(1, 2)).sum().backward()
        model.seen = model.weight.grad
        twin = copy.deepcopy(model)
        twin.row.fill_(7.0)
        assert twin.again is twin.weight
        assert twin.weight[0].tolist() == [7.0, 7.0]
        assert twin.weight.grad is twin.seen
        assert model.weight[0, 0] != 7

    def test_pickling_takes_the_value_and_not_the_graph(self):
        x = torch.ones(3, requires_grad=True)
        y = x
        for _ in range(5000):
            y = y + 1
        y.sum().backward()
        data = pickle.dumps(y)
        assert len(data) < 1000
        again = pickle.loads(data)
        assert again.equal(y)
        assert again.is_leaf
        assert again.requires_grad
        x.register_hook(lambda grad: None)
        view, same = pickle.loads(pickle.dumps([x[1:], x]))
        assert view.tolist() == [1.0, 1.0]
        assert same.grad is None
        assert same.requires_grad
        same.sum().backward()
