"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from collections import OrderedDict
from types import MappingProxyType

import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn


def types(modules):
    return [type(module).__name__ for module in modules]


def test_sequential_is_a_list():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 3))
    assert net(torch.ones(4, 1)).shape == (4, 3)
    assert len(net) == 3
    assert isinstance(net[1], nn.ReLU)
    assert isinstance(net[-1], nn.Linear)
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]  # names stay, as in PyTorch
    assert net.append(nn.Tanh()) is net
    net.insert(1, nn.Sigmoid()).extend([nn.ELU()])
    assert types(net) == ["Linear", "Sigmoid", "ReLU", "Linear", "Tanh", "ELU"]
    del net[0]
    del net[1:3]
    net[0] = nn.GELU()
    assert types(net) == ["GELU", "Tanh", "ELU"]
    assert list(net._modules) == ["0", "1", "2"]
    assert isinstance(net.pop(0), nn.GELU)
    net += nn.Sequential(nn.ReLU())
    assert types(net + net) == ["Tanh", "ELU", "ReLU"] * 2
    assert types(2 * net) == types(net * 2) == types(net + net)


def test_sequential_grows_in_place():
    net = same = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    net *= 3
    assert net is same
    assert types(net) == ["Linear", "ReLU"] * 3
    assert net[0] is net[2] is net[4]
    assert len(list(net.parameters())) == 2
    assert list(net.state_dict())[2:4] == ["2.weight", "2.bias"]
    net += net
    assert net is same
    assert len(net) == 12
    net *= 1
    assert len(net) == 12
    empty = nn.Sequential()
    empty *= 5
    assert len(empty) == 0
    assert types(net.pop(slice(0, 2))) == ["Linear", "ReLU"]
    assert len(net) == 10


def test_operators_of_a_subclass():
    class Own(nn.Sequential):
        pass

    own = Own(OrderedDict(a=nn.ReLU()))
    for joined in (own + nn.Sequential(nn.Tanh()), own * 2, 2 * own):
        assert type(joined) is nn.Sequential
        assert list(joined._modules) == ["0", "1"]
    own += nn.Sequential(nn.Tanh())
    assert type(own) is Own
    assert list(own._modules) == ["a", "1"]
    own *= 2
    assert list(own._modules) == ["a", "1", "2", "3"]


def test_sequential_with_names():
    net = nn.Sequential(OrderedDict([("first", nn.Linear(1, 2)), ("second", nn.ReLU())]))
    assert list(net.state_dict()) == ["first.weight", "first.bias"]
    assert net.first is net[0]
    assert repr(net[:1]) == (
        "Sequential(\n  (first): Linear(in_features=1, out_features=2, bias=True)\n)"
    )


def test_sequential_refuses():
    net = nn.Sequential(nn.ReLU(), nn.Tanh())
    for call, error, text in [
        (lambda: net[5], IndexError, "index 5 is out of range"),
        (lambda: net[-3], IndexError, "index -3 is out of range"),
        (lambda: net["a"], TypeError, "integer"),
        (lambda: net.append(3), TypeError, "int is not a Module subclass"),
        (lambda: net.insert(9, nn.ReLU()), IndexError, "Index out of range: 9"),
        (lambda: net.insert(0, 3), AssertionError, "module should be of type"),
        (lambda: net + 3, ValueError, "add operator supports only objects of Sequential class"),
        (lambda: net.__iadd__(3), ValueError, "add operator supports only objects of Sequential"),
        (lambda: net * 0, ValueError, "Non-positive multiplication factor 0"),
        (lambda: net * 0.5, TypeError, "unsupported operand"),
        (lambda: net.__imul__(-1), ValueError, "Non-positive multiplication factor -1"),
        (lambda: net.__imul__("a"), TypeError, "unsupported operand"),
        (lambda: net.extend(3), TypeError, "should be called with an iterable"),
        (lambda: nn.Sequential(3), TypeError, "int is not a Module subclass"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_module_list():
    modules = nn.ModuleList([nn.Linear(1, 2), nn.ReLU()])
    modules.append(nn.Tanh()).extend([nn.ELU()])
    modules.insert(0, nn.GELU())
    modules += [nn.ReLU()]
    assert types(modules) == ["GELU", "Linear", "ReLU", "Tanh", "ELU", "ReLU"]
    assert types(modules[1:3]) == ["Linear", "ReLU"]
    assert isinstance(modules[1:3], nn.ModuleList)
    assert types(modules + [nn.Tanh()])[-1] == "Tanh"  # noqa: RUF005 (what is tested)
    assert len(modules) == 6
    del modules[0]
    assert list(modules.state_dict()) == ["0.weight", "0.bias"]
    with pytest.raises(NotImplementedError, match="ModuleList"):
        modules(1)


def test_module_list_folds_equal_lines():
    block = nn.Sequential(nn.ReLU())
    assert repr(nn.ModuleList([block, block, nn.Tanh()])) == (
        "ModuleList(\n  (0-1): 2 x Sequential(\n    (0): ReLU()\n  )\n  (2): Tanh()\n)"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict():
    modules = nn.ModuleDict({"a": nn.Linear(1, 2)})
    modules["b"] = nn.ReLU()
    modules.update([("c", nn.Tanh())])
    assert list(modules) == list(modules.keys()) == ["a", "b", "c"]
    assert types(modules.values()) == ["Linear", "ReLU", "Tanh"]
    assert [name for name, _ in modules.items()] == ["a", "b", "c"]
    assert "a" in modules
    assert len(modules) == 3
    assert modules.a is modules["a"]
    assert isinstance(modules.pop("b"), nn.ReLU)
    del modules["c"]
    assert list(modules.state_dict()) == ["a.weight", "a.bias"]
    modules.clear()
    assert repr(modules) == "ModuleDict()"
    with pytest.raises(TypeError, match="iterable of key/value pairs"):
        modules.update(3)
    with pytest.raises(TypeError, match="sequence element #0 should be Iterable"):
        modules.update([3])


def test_parameter_list():
    parameters = nn.ParameterList([nn.Parameter(torch.ones(2, 2)), torch.ones(3)])
    parameters.append(3).extend([torch.zeros(1)])
    parameters += [torch.zeros(2)]
    assert types(parameters) == ["Parameter", "Parameter", "int", "Parameter", "Parameter"]
    assert list(parameters.state_dict()) == ["0", "1", "3", "4"]
    assert parameters[-1] is parameters[4]
    assert isinstance(parameters[1:3], nn.ParameterList)
    parameters[0] = torch.ones(1)
    assert repr(nn.ParameterList([torch.ones(2, 2), 3])) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2x2]\n"
        "    (1): Object of type: int\n)"
    )
    with pytest.raises(IndexError):
        parameters[9]
    with pytest.raises(TypeError, match="should be called with an iterable"):
        parameters.extend(3)


def test_parameter_dict():
    parameters = nn.ParameterDict({"a": torch.ones(2), "b": nn.Parameter(torch.ones(1))})
    parameters["c"] = torch.ones(3)
    parameters.update([("d", None)])
    assert list(parameters) == ["a", "b", "c", "d"]
    assert parameters.get("z", 4) == 4
    assert parameters["d"] is None
    assert "a" in parameters
    assert len(parameters) == 4
    assert parameters.setdefault("e", torch.ones(1)) is parameters["e"]
    assert list(parameters.state_dict()) == ["a", "b", "c", "e"]
    parameters.pop("a")
    del parameters["d"]
    assert repr(parameters).splitlines()[1] == (
        "    (b): Parameter containing: [torch.FloatTensor of size 1]"
    )
    with pytest.raises(KeyError):
        parameters["a"]
    with pytest.raises(TypeError, match="cannot be used as a key"):
        parameters[3] = None
    parameters.clear()
    assert parameters.keys() == set()


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ({"b": 1, "a": 2, "10": 3, "9": 4}, ["10", "9", "a", "b"]),
        (MappingProxyType({"b": 1, "a": 2}), ["a", "b"]),
        (OrderedDict([("b", 1), ("a", 2)]), ["b", "a"]),
        ([("b", 1), ("a", 2)], ["b", "a"]),
        (zip("ba", (1, 2)), ["b", "a"]),
        (nn.ParameterDict([("b", 1), ("a", 2)]), ["b", "a"]),
    ],
)
def test_the_order_of_a_parameter_dict(entries, names):
    """A plain mapping is sorted, as in PyTorch: an optimizer numbers parameters by their order."""
    assert list(nn.ParameterDict(entries)) == names


def test_parameter_dicts_are_joined_as_dictionaries():
    first, second = nn.ParameterDict({"b": 1}), nn.ParameterDict({"a": 2, "b": 3})
    assert list((first | second).items()) == [("b", 3), ("a", 2)]
    assert {"z": 1} | first == {"z": 1, "b": 1}
    joined = first
    joined |= {"d": 4, "c": 5}
    assert joined is first
    assert list(reversed(first)) == ["d", "c", "b"]
    twin = first.copy()
    assert twin.popitem() == ("d", 4)
    assert list(first) == ["b", "c", "d"]
    made = first.fromkeys(["y", "x"], torch.ones(1))
    assert list(made.state_dict()) == ["y", "x"]
    with pytest.raises(KeyError, match="dictionary is empty"):
        nn.ParameterDict().popitem()


@pytest.mark.parametrize("kind", [nn.ParameterDict, nn.ModuleDict])
@pytest.mark.parametrize(
    ("entries", "error", "text"),
    [
        (3, TypeError, "update should be called with an iterable of key/value pairs, but got int"),
        ([3], TypeError, "update sequence element #0 should be Iterable; is int"),
        (["a"], ValueError, "update sequence element #0 has length 1; 2 is required"),
        ([("a", None), ("a", 1, 2)], ValueError, "element #1 has length 3; 2 is required"),
    ],
)
def test_what_no_dictionary_is_made_of(kind, entries, error, text):
    with pytest.raises(error, match=f"{kind.__name__}.{text}" if "update" in text else text):
        kind(entries)
