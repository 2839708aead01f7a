"""Module: registering, listing, moving, state, printing."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn


class Net(nn.Module):
    """A model with shared modules and parameters, buffers, and names without a value."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 3)
        self.seq = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
        self.shared = self.a
        self.p = nn.Parameter(torch.ones(3, 2))
        self.register_buffer("kept", torch.ones(2))
        self.register_buffer("lost", torch.ones(2), persistent=False)
        self.tied = self.a.weight
        self.nothing = None
        self.register_parameter("none", None)

    def forward(self, x):
        return self.seq(self.a(x))


STATE = [
    "p", "tied", "kept", "a.weight", "a.bias", "seq.0.weight", "seq.0.bias", "seq.1.weight",
    "seq.1.bias", "seq.1.running_mean", "seq.1.running_var", "seq.1.num_batches_tracked",
    "shared.weight", "shared.bias",
]  # fmt: skip


def names(pairs):
    return [name for name, _ in pairs]


# --- listing -------------------------------------------------------------------------------------


def test_lists_everything_once_in_the_order_of_assignment():
    net = Net()
    listed = ["p", "tied", "a.bias", "seq.0.weight", "seq.0.bias", "seq.1.weight", "seq.1.bias"]
    assert names(net.named_parameters()) == listed
    assert len(list(net.parameters())) == 7
    assert names(net.named_parameters("x", recurse=False)) == ["x.p", "x.tied"]
    assert names(net.named_modules()) == ["", "a", "seq", "seq.0", "seq.1"]
    assert names(net.named_modules(prefix="q")) == ["q", "q.a", "q.seq", "q.seq.0", "q.seq.1"]
    assert names(net.named_modules(remove_duplicate=False))[-1] == "shared"
    assert names(net.named_children()) == ["a", "seq"]
    assert list(net.children()) == [net.a, net.seq]
    assert names(net.named_buffers(recurse=False)) == ["kept", "lost"]
    assert len(list(net.buffers())) == 5
    assert len(list(net.modules())) == 5


def test_shared_parameters_can_be_listed_under_every_name():
    listed = names(Net().named_parameters(remove_duplicate=False))
    assert {"tied", "a.weight", "shared.weight", "shared.bias"} <= set(listed)


def test_finds_by_path():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("seq.1") is net.seq[1]
    assert net.get_parameter("seq.0.weight") is net.seq[0].weight
    assert net.get_buffer("seq.1.running_var") is net.seq[1].running_var
    for call, text in [
        (lambda: net.get_submodule("seq.9"), "Sequential has no attribute `9`"),
        (lambda: net.get_submodule("p"), "`p` is not an nn.Module"),
        (lambda: net.get_parameter("q"), "Net has no attribute `q`"),
        (lambda: net.get_parameter("a"), "`a` is not an nn.Parameter"),
        (lambda: net.get_buffer("p"), "`p` is not a buffer"),
        (lambda: net.get_buffer("q"), "Net has no attribute `q`"),
        (lambda: net.get_parameter("q.w"), "Net has no attribute `q`"),
    ]:
        with pytest.raises(AttributeError, match=text):
            call()


def test_dir_shows_members():
    shown = dir(Net())
    assert {"a", "seq", "p", "kept", "forward"} <= set(shown)
    assert "0" not in dir(Net().seq)


# --- attributes ----------------------------------------------------------------------------------


def test_a_name_means_one_thing():
    module = nn.Module()
    module.x = 3
    module.x = nn.ReLU()
    assert "x" not in module.__dict__
    module.x = nn.Parameter(torch.ones(1))
    assert not module._modules
    assert list(module.state_dict()) == ["x"]
    module.x = None
    assert list(module.state_dict()) == []
    module.register_buffer("y", torch.ones(1))
    module.y = torch.zeros(2)
    assert module.get_buffer("y").shape == (2,)
    module.y = nn.Parameter(torch.ones(1))
    assert list(module._buffers) == []
    module.m = nn.ReLU()
    module.m = None
    assert repr(module) == "Module(\n  (m): None\n)"


def test_deletes_members():
    linear = nn.Linear(1, 1)
    linear.number, linear.child = 3, nn.ReLU()
    linear.register_buffer("temporary", torch.ones(1), persistent=False)
    for name in ("bias", "number", "child", "temporary"):
        delattr(linear, name)
    assert list(linear.state_dict()) == ["weight"]
    with pytest.raises(AttributeError):
        del linear.bias
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'bias'"):
        linear.bias  # noqa: B018


@pytest.mark.parametrize(
    ("assign", "text"),
    [
        (lambda m: setattr(m, "x", nn.Linear(1, 1)), "cannot assign module before"),
        (lambda m: setattr(m, "x", nn.Parameter()), "cannot assign parameters before"),
        (lambda m: m.register_buffer("x", None), "cannot assign buffer before"),
        (lambda m: m.register_parameter("x", None), "cannot assign parameter before"),
        (lambda m: m.add_module("x", None), "cannot assign module before"),
    ],
)
def test_members_need_init(assign, text):
    class Forgetful(nn.Module):
        def __init__(self):
            assign(self)

    with pytest.raises(AttributeError, match=rf"{text} Module.__init__\(\) call"):
        Forgetful()


def test_plain_attributes_need_no_init():
    class Early(nn.Module):
        def __init__(self):
            self.x = 3
            super().__init__()

    assert Early().x == 3


def test_refuses_wrong_members():
    linear, norm = nn.Linear(1, 1), nn.BatchNorm1d(1)
    sequence = nn.Sequential(nn.ReLU())
    for call, text in [
        (lambda: setattr(linear, "weight", torch.ones(1, 1)),
         r"cannot assign 'torch.FloatTensor' as parameter 'weight' \(torch.nn.Parameter or None"),
        (lambda: setattr(linear, "weight", nn.ReLU()), "as parameter 'weight'"),
        (lambda: setattr(norm, "running_mean", 3), "cannot assign 'int' as buffer 'running_mean'"),
        (lambda: setattr(sequence, "0", 3), "cannot assign 'int' as child module '0'"),
        (lambda: linear.register_parameter("q", torch.ones(1)), "object to parameter 'q'"),
        (lambda: linear.register_buffer("q", 3), "cannot assign 'int' object to buffer 'q'"),
        (lambda: linear.add_module("q", 3), "int is not a Module subclass"),
        (lambda: linear.register_buffer(3, None), "buffer name should be a string. Got int"),
    ]:  # fmt: skip
        with pytest.raises(TypeError, match=text):
            call()
    linear.x = 3
    for register in (linear.register_buffer, linear.register_parameter, linear.register_module):
        for name, text in [
            ("x", "attribute 'x' already exists"),
            ("", "be empty string"),
            ("a.b", "contain"),
        ]:
            with pytest.raises(KeyError, match=text):
                register(name, None)


def test_init_takes_nothing():
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        nn.Module(3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'a'"):
        nn.Module(a=3)


def test_needs_forward():
    with pytest.raises(NotImplementedError, match=r'\[Module\] is missing the required "forward"'):
        nn.Module()(1)


# --- changing everything -------------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    net.seq.eval()
    assert [module.training for module in net.modules()] == [True, True, False, False, False]
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)


def test_apply_calls_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "Linear", "BatchNorm1d", "Sequential", "Net"]


def test_requires_grad_and_zero_grad():
    net = nn.Linear(2, 1)
    net(torch.ones(1, 2)).sum().backward()
    gradient = net.weight.grad
    net.zero_grad(set_to_none=False)
    assert net.weight.grad is gradient
    assert gradient.tolist() == [[0, 0]]
    net.zero_grad()
    assert net.weight.grad is None
    assert net.requires_grad_(False) is net
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_moving_keeps_the_parameter_objects():
    net = Net()
    before = list(net.parameters())
    net(torch.ones(2, 2)).sum().backward()
    assert net.to("cpu") is net
    net.double()
    assert list(net.parameters()) == before or all(a is b for a, b in zip(net.parameters(), before))
    assert net.tied is net.a.weight
    assert {x.dtype for x in net.parameters()} == {torch.float64}
    assert net.a.weight.grad.dtype == torch.float64
    assert net.kept.dtype == torch.float64
    assert net.seq[1].num_batches_tracked.dtype == torch.int64
    assert net.half().p.dtype == torch.float16
    assert net.float().p.dtype == torch.float32
    assert net.to(torch.zeros(1, dtype=torch.float64)).p.dtype == torch.float64
    assert net.to("cpu", torch.float32).p.dtype == torch.float32
    assert net.to(device="cpu", dtype=torch.float64).p.dtype == torch.float64
    with pytest.raises(TypeError, match="only accepts floating point or complex dtypes"):
        net.to(torch.int64)


def test_an_optimizer_made_before_a_move_still_works():
    from tinygrad_adam import optim

    net = nn.Linear(1, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.5)
    net.double()
    before = net.weight.item()
    net(torch.ones(1, 1, dtype=torch.float64)).sum().backward()
    optimizer.step()
    assert net.weight.item() == pytest.approx(before - 0.5)


# --- state ---------------------------------------------------------------------------------------


def test_state_dict():
    net = Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == STATE
    assert list(net.state_dict(prefix="z.")) == ["z." + name for name in STATE]
    assert not state["p"].requires_grad
    with torch.no_grad():
        net.p.fill_(7)
    assert state["p"].tolist() == [[7, 7]] * 3
    assert net.state_dict(keep_vars=True)["p"] is net.p
    filled = {"already": 1}
    assert net.state_dict(destination=filled) is filled
    assert list(filled) == ["already", *STATE]


def test_loads_into_place():
    net = Net()
    weight = net.p
    state = {name: tensor.double() * 0 + 2 for name, tensor in net.state_dict().items()}
    assert repr(net.load_state_dict(state)) == "<All keys matched successfully>"
    found = nn.Linear(2, 1).load_state_dict({"weight": torch.ones(1, 2)}, strict=False)
    assert repr(found) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=[])"
    assert net.p is weight
    assert weight.dtype == torch.float32
    assert weight.tolist() == [[2, 2]] * 3
    assert net.seq[1].num_batches_tracked.dtype == torch.int64


def test_loads_arrays():
    net = nn.Linear(2, 1)
    net.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3.0])})
    assert net.weight.tolist() == [[1, 2]]


def test_assigns_on_request():
    net = nn.Linear(2, 2)
    state = {"weight": torch.ones(2, 2, dtype=torch.float64), "bias": torch.zeros(2)}
    net.load_state_dict(state, assign=True)
    assert isinstance(net.weight, nn.Parameter)
    assert net.weight.dtype == torch.float64
    assert net.weight.requires_grad


def test_loading_lists_all_problems_and_loads_nothing():
    net = nn.Linear(2, 3)
    before = net.bias.tolist()
    state = {"bias": torch.ones(3), "weight": torch.ones(3, 3), "extra": torch.ones(1)}
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value).startswith(
        "Error(s) in loading state_dict for Linear:\n"
        '\tUnexpected key(s) in state_dict: "extra". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([3, 3]) from "
        "checkpoint, the shape in current model is torch.Size([3, 2])."
    )
    assert net.bias.tolist() == before
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "weight", "bias". '):
        net.load_state_dict({})
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        net.load_state_dict(state, strict=False)
    assert net.bias.tolist() == before
    with pytest.raises(TypeError, match=r"Expected state_dict to be dict-like"):
        net.load_state_dict([1])
    with pytest.raises(RuntimeError, match=r"expected torch.Tensor or Tensor-like object"):
        net.load_state_dict({"weight": 1, "bias": torch.ones(3)})


def test_loading_that_is_not_strict_says_what_did_not_match():
    net = nn.Linear(2, 3)
    missing, unexpected = net.load_state_dict({"bias": torch.ones(3), "x": 1}, strict=False)
    assert missing == ["weight"]
    assert unexpected == ["x"]
    assert net.bias.tolist() == [1, 1, 1]


def test_batch_counts_may_be_missing_from_old_files():
    norm = nn.BatchNorm1d(2)
    old = dict(norm.state_dict())
    del old["num_batches_tracked"]
    assert norm.load_state_dict(old).missing_keys == []
    new = norm.state_dict()
    del new["num_batches_tracked"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"num_batches_tracked"'):
        norm.load_state_dict(new)


def test_deep_copies_keep_sharing():
    net = Net()
    twin = copy.deepcopy(net)
    assert twin.tied is twin.a.weight
    assert twin.shared is twin.a
    assert twin.p is not net.p
    assert isinstance(twin.p, nn.Parameter)
    assert list(twin.state_dict()) == STATE
    assert twin(torch.ones(2, 2)).shape == (2, 3)


# --- printing, Parameter -------------------------------------------------------------------------


def test_repr():
    assert repr(Net()) == (
        "Net(\n"
        "  (a): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (seq): Sequential(\n"
        "    (0): Linear(in_features=3, out_features=3, bias=True)\n"
        "    (1): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=True)\n"
        "  )\n"
        "  (shared): Linear(in_features=2, out_features=3, bias=True)\n"
        ")"
    )

    class Wordy(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    assert repr(Wordy()) == "Wordy(\n  one\n  two\n)"


def test_parameter():
    values = torch.ones(2)
    parameter = nn.Parameter(values)
    values.fill_(5)
    assert parameter.tolist() == [5, 5]
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert isinstance(parameter, torch.Tensor)
    assert type(parameter * 2) is torch.Tensor
    assert type(parameter.detach()) is torch.Tensor
    assert repr(parameter) == "Parameter containing:\ntensor([5., 5.], requires_grad=True)"
    assert not nn.Parameter(values, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    result = nn.Parameter(parameter * 2)
    assert result.is_leaf
    with pytest.raises(
        RuntimeError, match=r"^Only Tensors of floating point and complex dtype can"
    ):
        nn.Parameter(torch.ones(2, dtype=torch.int64))
    assert nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False).dtype == torch.int64
    with pytest.raises(TypeError, match="data must be a Tensor, got list"):
        nn.Parameter([1.0])


def test_modules_are_plain_objects():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    twin = pickle.loads(pickle.dumps(net))
    assert repr(twin) == repr(net)
    assert twin[0].weight.tolist() == net[0].weight.tolist()
