"""Lazy layers: what they are before the first input, and what they become."""

import copy
import pickle

import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.nn.lazy import LazyModuleMixin
from tinygrad_adam.nn.parameter import is_lazy

LAZY = [
    (lambda: nn.LazyLinear(3, bias=False), lambda: nn.Linear(4, 3, bias=False), (2, 5, 4)),
    (lambda: nn.LazyConv1d(6, 3, 2, groups=2), lambda: nn.Conv1d(4, 6, 3, 2, groups=2), (2, 4, 9)),
    (lambda: nn.LazyConv1d(6, 3), lambda: nn.Conv1d(4, 6, 3), (4, 9)),
    (
        lambda: nn.LazyConv2d(6, (3, 2), padding="same", padding_mode="reflect"),
        lambda: nn.Conv2d(4, 6, (3, 2), padding="same", padding_mode="reflect"),
        (2, 4, 5, 5),
    ),
    (
        lambda: nn.LazyConvTranspose1d(6, 3, 2, output_padding=1, groups=2),
        lambda: nn.ConvTranspose1d(4, 6, 3, 2, output_padding=1, groups=2),
        (2, 4, 5),
    ),
    (
        lambda: nn.LazyConvTranspose2d(6, 3, dilation=2, bias=False),
        lambda: nn.ConvTranspose2d(4, 6, 3, dilation=2, bias=False),
        (4, 5, 5),
    ),
    (lambda: nn.LazyBatchNorm1d(momentum=None), lambda: nn.BatchNorm1d(4, momentum=None), (3, 4)),
    (
        lambda: nn.LazyBatchNorm2d(1e-3, bias=False),
        lambda: nn.BatchNorm2d(4, 1e-3, bias=False),
        (3, 4, 2, 2),
    ),
    (
        lambda: nn.LazyInstanceNorm1d(),
        lambda: nn.InstanceNorm1d(4, affine=True, track_running_stats=True),
        (4, 5),
    ),
    (
        lambda: nn.LazyInstanceNorm2d(affine=False, track_running_stats=False),
        lambda: nn.InstanceNorm2d(4),
        (2, 4, 3, 3),
    ),
]


@pytest.mark.parametrize(("make_lazy", "make", "shape"), LAZY)
def test_becomes_the_layer_that_one_would_have_made(make_lazy, make, shape):
    x = torch.randn(shape)
    lazy = make_lazy()
    kind = type(lazy).__name__.removeprefix("Lazy")
    assert repr(lazy).startswith(f"Lazy{kind}(")
    assert all(is_lazy(p) for p in lazy.parameters())
    before = list(lazy.parameters())
    pickled, copied = pickle.loads(pickle.dumps(lazy)), copy.deepcopy(lazy)
    torch.manual_seed(0)
    y = lazy(x)
    assert type(lazy) is getattr(nn, kind)
    assert [id(p) for p in lazy.parameters()] == [id(p) for p in before]
    assert all(type(p) is nn.Parameter for p in before)
    torch.manual_seed(0)
    eager = make()
    assert torch.equal(eager(x), y)
    assert repr(eager) == repr(lazy)
    assert vars(eager).keys() == vars(lazy).keys() - {"_Module__hooks"}
    for other in (pickled, copied):
        assert all(is_lazy(p) for p in other.parameters())
        torch.manual_seed(0)
        assert torch.equal(other(x), y)
        assert torch.equal(other(x + 1), lazy(x + 1))


@pytest.mark.parametrize(("make_lazy", "make", "shape"), LAZY)
def test_takes_a_state(make_lazy, make, shape):
    x, eager, lazy = torch.randn(shape), make(), make_lazy()
    assert lazy.state_dict().keys() == eager.state_dict().keys()
    assert str(lazy.load_state_dict(eager.state_dict())) == "<All keys matched successfully>"
    lazy.reset_parameters()  # nothing to draw yet
    assert torch.equal(lazy(x), eager(x))
    assert repr(eager) == repr(lazy)


def test_before_the_first_input():
    net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    net.double().requires_grad_(True).zero_grad()
    optimizer.step()
    weight = net[0].weight
    assert repr(weight) == "<UninitializedParameter>"
    assert (weight.dtype, weight.requires_grad) == (torch.float64, True)
    assert net.state_dict()["0.weight"] is weight
    with torch.no_grad():
        net(torch.ones(1, 3, dtype=torch.float64))  # a dry run
    assert (weight.shape, weight.dtype) == ((8, 3), torch.float64)
    start = weight.detach().clone()
    net(torch.ones(1, 3, dtype=torch.float64)).sum().backward()
    optimizer.step()
    assert not torch.equal(weight, start)
    lazy = nn.LazyBatchNorm1d().half()
    assert lazy.running_mean.dtype == torch.float16
    assert lazy.num_batches_tracked.dtype == torch.int64
    assert nn.LazyLinear(2).load_state_dict(nn.LazyLinear(2).state_dict()).missing_keys == []


def test_a_state_that_does_not_fit_leaves_it_lazy():
    net = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2))
    state = nn.Sequential(nn.Linear(4, 3), nn.Linear(9, 2)).state_dict()
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.weight"):
        net.load_state_dict(state)
    assert net(torch.ones(1, 7)).shape == (1, 2)


def test_refuses():
    lazy, taken = nn.LazyLinear(3), nn.LazyLinear(3)
    taken.load_state_dict(nn.Linear(4, 3).state_dict())
    for call, error, text in [
        (lambda: lazy.weight + 1, ValueError, "Attempted to use an uninitialized parameter in"),
        (lambda: nn.init.ones_(lazy.weight), ValueError, "Attempted to use an uninitialized"),
        (lambda: lazy.weight.shape, RuntimeError, "Can't access the shape of an uninitialized"),
        (
            lambda: nn.Linear(2, 3).load_state_dict(lazy.state_dict()),
            RuntimeError,
            "Can't access the shape of an uninitialized",
        ),
        (lambda: taken(torch.ones(1, 5)), AssertionError, "inferred from input: 5 is not equal"),
        (lambda: nn.LazyConv2d(2, 3)(torch.ones(2, 3)), RuntimeError, "Expected 3D .unbatched. or"),
        (
            lambda: nn.LazyConv2d(2, 1, groups=2)(torch.ones(1, 3, 2, 2)),
            ValueError,
            "in_channels must be divisible by groups",
        ),
        (lambda: nn.LazyBatchNorm2d()(torch.ones(2, 3)), ValueError, "expected 4D input"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_a_module_of_ones_own():
    class Scale(LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.UninitializedParameter()
            self.register_buffer("count", nn.UninitializedBuffer(dtype=torch.int64))

        def initialize_parameters(self, x, forget=False):
            self.weight.materialize(x.shape[1:])
            nn.init.ones_(self.weight)
            if not forget:
                self.count.materialize(())

        def forward(self, x, forget=False):
            return x * self.weight

    with pytest.raises(RuntimeError, match="module Scale has not been fully initialized"):
        Scale()(torch.ones(2, 3), forget=True)
    module = Scale()
    assert module.has_uninitialized_params()
    assert module(torch.ones(2, 3)).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert type(module) is Scale
    assert type(module.count) is torch.Tensor
    assert module(torch.ones(4, 3)).shape == (4, 3)
    assert not module.has_uninitialized_params()

    class Nothing(LazyModuleMixin, nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented for N"):
        Nothing()(1)
