"""Operations know the path of the module in which they ran."""

import gc
import weakref

import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd.mode import current_mode


def paths(tensor):
    """Return the paths along the first inputs, from the result back."""
    found, node = [], tensor.grad_fn
    while node is not None and hasattr(node, "module_path"):
        found.append(node.module_path)
        node = node.next_functions[0][0]
    return found


class Net(nn.Module):
    """Modules in a module, a list, and a plain Python list."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
        self.layers = nn.ModuleList([nn.Tanh()])
        self.hidden = [nn.Sigmoid()]

    def forward(self, x):
        x = self.layers[0](self.body(x))
        return self.hidden[0](x) * 2


def test_paths():
    y = Net()(torch.ones(1, 2))
    assert paths(y) == ["", "Sigmoid", "layers.0", "body.1.0", "body.0"]


def test_paths_start_at_the_outermost_call():
    net = Net()
    assert paths(net.body(torch.ones(1, 2))) == ["1.0", "0"]
    assert (torch.ones(1, requires_grad=True) * 2).grad_fn.module_path == ""


def test_a_module_called_from_a_grandparent():
    class Direct(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Sequential(nn.Linear(2, 2))

        def forward(self, x):
            return self.block[0](x)

    assert paths(Direct()(torch.ones(1, 2))) == ["block.0"]


def test_scope_describes_the_module():
    net = nn.Sequential(nn.Conv2d(1, 2, 3))
    scope = net(torch.ones(1, 1, 4, 4)).grad_fn.scope
    assert str(scope) == "0: Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))"
    assert str(scope.parent) == "Sequential()"
    assert scope.module is net[0]


def test_errors_name_the_module():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(3, 2, 3))
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 2 channels") as caught:
        net(torch.ones(1, 1, 9, 9))
    assert "1: Conv2d(3, 2" in str(caught.value)
    assert "float32 (1, 2, 7, 7)" in str(caught.value)


def test_the_scope_ends_with_the_call():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Broken()(1)
    nn.ReLU()(torch.ones(1))
    assert current_mode().scope is None


def test_forward_may_switch_recording_for_good():
    class Switch(nn.Module):
        def forward(self, x):
            torch.set_grad_enabled(False)
            return x

    try:
        Switch()(1)
        assert not torch.is_grad_enabled()
        assert current_mode().scope is None
    finally:
        torch.set_grad_enabled(True)


def test_nothing_is_kept_alive():
    net = Net()
    y = net(torch.ones(1, 2))
    kept = weakref.ref(net)
    gc.collect()
    gc.disable()
    try:
        del net, y
        assert kept() is None
    finally:
        gc.enable()
