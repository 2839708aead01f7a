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


@pytest.mark.parametrize("value", [[3.0], 3.0, None, np.array([3.0])])
def test_loads_tensors_only(value):
    net = nn.Linear(2, 1)
    state = {"weight": torch.tensor([[1.0, 2.0]]), "bias": value}
    text = 'copying the parameter named "bias", expected torch.Tensor or Tensor-like object from'
    with pytest.raises(RuntimeError, match=text):
        net.load_state_dict(state)
    assert net.weight.tolist() != [[1, 2]]
    net.load_state_dict({**state, "bias": torch.from_numpy(np.array([3.0]))})
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


class Counting(nn.Module):
    """Has a number among its state, by the two methods that are there for it."""

    def __init__(self, count=0):
        super().__init__()
        self.count = count
        self.scale = nn.Parameter(torch.ones(1))

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]


class Versioned(nn.Module):
    """Writes and reads an entry of its own; it was called ``old`` before version 2."""

    _version = 2

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(1, 1)
        self.seen = []

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "new"] = torch.tensor(4.0)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *lists):
        self.seen.append((list(state_dict), prefix, dict(local_metadata), *lists[:1]))
        old = local_metadata.get("version", 1) < 2
        self.new = state_dict.pop(prefix + ("old" if old else "new"), None)
        if self.new is None:
            lists[1].append(prefix + "new")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)


@pytest.mark.parametrize("wrap", [lambda m: m, nn.Sequential, lambda m: nn.ModuleDict({"m": m})])
def test_extra_state_is_saved_and_loaded(wrap):
    saved, loaded = Counting(9), Counting()
    state = wrap(saved).state_dict()
    assert list(state)[-1].endswith("_extra_state")
    assert wrap(loaded).load_state_dict(copy.deepcopy(state)) == ([], [])
    assert loaded.count == 9


def test_extra_state_is_missing_or_unexpected():
    state = nn.Sequential(Counting(), nn.Linear(1, 1)).state_dict()
    assert list(state) == ["0.scale", "0._extra_state", "1.weight", "1.bias"]
    del state["0._extra_state"]
    state["1._extra_state"] = 3
    net = nn.Sequential(Counting(5), nn.Linear(1, 1))
    with pytest.raises(
        RuntimeError, match=r'Missing .*"0._extra_state"\. \n\tUnexpected .*"1._extra_state"'
    ):
        net.load_state_dict(state)
    found = net.load_state_dict(state, strict=False)
    assert found == (["0._extra_state"], ["1._extra_state"])
    assert net[0].count == 5


def test_extra_state_may_be_none_and_needs_both_methods():
    class Half(nn.Module):
        def get_extra_state(self):
            return None

    assert dict(Half().state_dict()) == {"_extra_state": None}
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"_extra_state"'):
        Half().load_state_dict(Half().state_dict())
    for call in (nn.Module().get_extra_state, lambda: nn.Module().set_extra_state(1)):
        with pytest.raises(RuntimeError, match=r"Reached a code path in Module.*should never be"):
            call()


def test_modules_save_and_load_in_their_own_way():
    net = nn.Sequential(nn.ReLU(), Versioned())
    state = net.state_dict()
    assert list(state) == ["1.new", "1.inner.weight", "1.inner.bias"]
    before = list(state)
    net.load_state_dict(state, assign=True)
    assert net[1].new.item() == 4
    assert net[1].seen == [(before, "1.", {"version": 2, "assign_to_params_buffers": True}, True)]
    assert list(state) == before
    old = {"1.old": torch.tensor(5.0), "1.inner.weight": torch.ones(1, 1), "1.inner.bias": [1]}
    with pytest.raises(
        RuntimeError, match=r'parameter named "1.inner.bias", expected torch.Tensor'
    ):
        net.load_state_dict(old)
    assert net[1].new.item() == 5
    del state["1.new"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"1.new"'):
        net.load_state_dict(state)


def test_a_state_dict_knows_the_versions_of_all_modules():
    state = nn.Sequential(Versioned(), nn.BatchNorm1d(2)).state_dict()
    versions = {"": 1, "0": 2, "0.inner": 1, "1": 2}
    for known in (state, copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert {path: entry["version"] for path, entry in known._metadata.items()} == versions
    state = nn.Sequential(nn.ReLU()).state_dict(prefix="a.b.")
    assert list(state._metadata) == ["a.b", "a.b.0"]


def test_a_child_may_make_its_state_dict_itself():
    class Own(nn.Linear):
        def state_dict(self, *args, prefix="", **kwargs):
            state = super().state_dict(*args, prefix=prefix, **kwargs)
            state[prefix + "more"] = 1
            return state

    assert list(nn.Sequential(Own(1, 1)).state_dict()) == ["0.weight", "0.bias", "0.more"]


def test_hooks_of_the_state_dict():
    log = []
    child = nn.Linear(1, 1)
    net = nn.Sequential(child)
    handles = [
        child.register_state_dict_pre_hook(
            lambda module, prefix, keep_vars: log.append((module is child, prefix, keep_vars))
        ),
        child.register_state_dict_post_hook(
            lambda module, state, prefix, metadata: state.update({prefix + "more": metadata})
        ),
    ]
    assert list(net.state_dict(keep_vars=True)) == ["0.weight", "0.bias", "0.more"]
    assert child.state_dict()["more"] == {"version": 1}
    assert log == [(True, "0.", True), (True, "", False)]
    assert list(copy.deepcopy(net).state_dict()) == ["0.weight", "0.bias", "0.more"]
    for handle in handles:
        handle.remove()
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    child.register_state_dict_post_hook(lambda *args: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        net.state_dict()


def test_the_older_hook_of_the_state_dict_may_replace_it():
    child = nn.Linear(1, 1)
    child._register_state_dict_hook(lambda module, state, prefix, metadata: {"other": 1})
    assert child.state_dict() == {"other": 1}
    assert list(nn.Sequential(child).state_dict()) == ["0.weight", "0.bias"]


@pytest.mark.parametrize("older", [False, True])
def test_a_hook_before_loading_may_rename(older):
    net = nn.Sequential(nn.Linear(1, 1))

    def rename(state, prefix, *rest):
        state[prefix + "weight"] = state.pop(prefix + "w")

    if older:
        handle = net[0]._register_load_state_dict_pre_hook(rename)
    else:
        handle = net[0].register_load_state_dict_pre_hook(lambda module, *args: rename(*args))
    state = {"0.w": torch.ones(1, 1) * 9, "0.bias": torch.ones(1)}
    assert net.load_state_dict(state) == ([], [])
    assert net[0].weight.item() == 9
    assert list(state) == ["0.w", "0.bias"]
    handle.remove()
    with pytest.raises(RuntimeError, match=r'"0.weight".*\n.*"0.w"'):
        net.load_state_dict(state)


def test_a_hook_before_loading_sees_everything():
    seen = []
    net = nn.Sequential(nn.ReLU(), nn.Linear(1, 1))
    net[1].register_load_state_dict_pre_hook(lambda *args: seen.append(args))
    net[1]._register_load_state_dict_pre_hook(lambda *args: seen.append(args), with_module=True)
    net[1].register_load_state_dict_pre_hook(lambda *args: args[-1].append("not this one"))
    with pytest.raises(RuntimeError, match="not this one"):
        net.load_state_dict(net.state_dict())
    for module, state, prefix, metadata, strict, missing, unexpected, _ in seen:
        assert module is net[1]
        assert (list(state), prefix) == (["1.weight", "1.bias"], "1.")
        assert (metadata, strict, missing, unexpected) == ({"version": 1}, True, [], [])
    assert len(seen) == 2


def test_hooks_after_loading_decide_about_missing_keys():
    net, seen = nn.Sequential(nn.Linear(1, 1)), []
    net[0].register_load_state_dict_post_hook(lambda module, keys: seen.append((module, keys)))
    handle = net.register_load_state_dict_post_hook(lambda module, keys: keys[0].clear())
    assert net.load_state_dict({"0.weight": torch.ones(1, 1)}) == ([], [])
    assert seen[0][0] is net[0]
    handle.remove()
    net[0].register_load_state_dict_post_hook(lambda module, keys: keys[1].append("one more"))
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"one more"'):
        net.load_state_dict(net.state_dict())
    net.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(AssertionError, match="are not expected to return new values"):
        net.load_state_dict(net.state_dict())


@pytest.mark.parametrize("assign", [False, True])
def test_nothing_is_loaded_if_a_module_fails(assign):
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1), Counting())
    before = copy.deepcopy(net.state_dict())
    members = [*net.parameters(), *net.buffers()]
    state = {name: value + 1 for name, value in before.items() if "extra" not in name}
    with pytest.raises(TypeError):
        net.load_state_dict({**state, "2._extra_state": 3}, assign=assign)
    with pytest.raises(RuntimeError, match=r"Missing key.*extra_state"):
        net.load_state_dict(state, assign=assign)
    assert all(torch.equal(net.state_dict()[name], before[name]) for name in state)
    assert all(a is b for a, b in zip([*net.parameters(), *net.buffers()], members))


def test_a_number_may_come_with_one_dimension():
    norm = nn.BatchNorm1d(1)
    norm.load_state_dict({**norm.state_dict(), "num_batches_tracked": torch.tensor([5])})
    assert norm.num_batches_tracked.item() == 5


def test_assigned_parameters_need_gradients_as_before():
    net = nn.Linear(1, 1).requires_grad_(False)
    state = {"weight": nn.Parameter(torch.ones(1, 1)), "bias": torch.ones(1)}
    net.load_state_dict(state, assign=True)
    assert net.weight is state["weight"]
    assert not any(parameter.requires_grad for parameter in net.parameters())


# Everything that goes through all modules, but for what is called like the attribute itself.
THROUGH_ALL = {
    "train": lambda m: m.train(),
    "eval": lambda m: m.eval(),
    "apply": lambda m: m.apply(lambda module: None),
    "to": lambda m: m.to(torch.float64),
    "double": lambda m: m.double(),
    "type": lambda m: m.type(torch.float32),
    "requires_grad_": lambda m: m.requires_grad_(),
    "zero_grad": lambda m: m.zero_grad(),
    "state_dict": lambda m: m.load_state_dict(m.state_dict()),
    "deepcopy": copy.deepcopy,
    "repr": repr,
    "a call with hooks": lambda m: (m.register_forward_hook(lambda *args: None), m(1)),
}


@pytest.mark.parametrize(
    "name",
    ["modules", "parameters", "children", "buffers", "named_buffers", "type", "float", "to",
     "_state", "_hooks", "_transform", "_members", "_forget", "hooks", "device", "name"],
)  # fmt: skip
def test_attributes_may_be_called_like_methods(name):
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(1, 1)
            setattr(self, name, [nn.Linear(1, 1)])

        def forward(self, x):
            return x

    module = Keeps()
    for kind, call in THROUGH_ALL.items():
        if kind != name:
            call(module)
    assert len(getattr(module, name)) == 1
    assert list(module.state_dict()) == ["inner.weight", "inner.bias"]


@pytest.mark.parametrize("name", ["train", "_apply", "apply"])
def test_methods_of_children_are_called(name):
    calls = []

    class Child(nn.Linear):
        pass

    def method(self, *args, **kwargs):
        calls.append(args)
        return getattr(nn.Linear, name)(self, *args, **kwargs)

    setattr(Child, name, method)
    net = nn.Sequential(Child(1, 1))
    net.train(False)
    net.double()
    net.apply(repr)
    assert len(calls) == 1


def test_init_may_go_on_to_the_next_class():
    class Other:
        def __init__(self, *args, **kwargs):
            self.given = args, kwargs

    class Cooperative(nn.Module, Other):
        call_super_init = True

    class Plain(nn.Module, Other):
        pass

    assert Cooperative(1, key=2).given == ((1,), {"key": 2})
    assert not hasattr(Plain(), "given")
    with pytest.raises(TypeError, match=r"Plain.__init__\(\) takes 1 positional argument but 2"):
        Plain(1)
    with pytest.raises(TypeError, match=r"Plain.__init__\(\) got an unexpected keyword .* 'key'"):
        Plain(key=2)


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
