"""What is said of PyTorch's names that are not here."""

import pytest

import tinygrad_adam as torch
from tinygrad_adam import missing

x = torch.ones(2)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: torch.fft, "module 'tinygrad_adam' has no attribute 'fft': it is PyTorch's, and "
         "not here; use numpy.fft on x.numpy()"),
        (lambda: torch.conv3d, "module 'tinygrad_adam' has no attribute 'conv3d': it is PyTorch's, "
         "and not here; the nearest that is: torch.conv2d"),
        (lambda: torch.nn.Conv3d, "module 'tinygrad_adam.nn' has no attribute 'Conv3d': it is "
         "PyTorch's, and not here; the nearest that is: torch.nn.Conv2d"),
        (lambda: torch.cuda.CUDAGraph, "module 'tinygrad_adam.cuda' has no attribute 'CUDAGraph': "
         "it is PyTorch's, and not here; nor is anything near it"),
        (lambda: torch.jit, "module 'tinygrad_adam' has no attribute 'jit': it is PyTorch's, and "
         "not here; use torch.compile, which leaves a function as it is"),
        (lambda: x.to_sparse, "'Tensor' object has no attribute 'to_sparse': it is PyTorch's, and "
         "not here; use dense tensors"),
        (lambda: torch.Tensor.to_mkldnn, "'Tensor' object has no attribute 'to_mkldnn': it is "
         "PyTorch's, and not here; nor is anything near it"),
        (lambda: torch.vmpa, "module 'tinygrad_adam' has no attribute 'vmpa'"),
        (lambda: torch.nn.fft, "module 'tinygrad_adam.nn' has no attribute 'fft'"),
        (lambda: x.fft, "'Tensor' object has no attribute 'fft'"),
    ],
)  # fmt: skip
def test_the_line(ask, message):
    with pytest.raises(AttributeError) as caught:
        ask()
    assert str(caught.value) == message
    assert caught.value.name in message


def test_asking_first_works():
    for of, name in ((torch, "fft"), (x, "to_sparse"), (torch.Tensor, "to_sparse"), (x, "vmpa")):
        assert not hasattr(of, name)
        assert getattr(of, name, 3) == 3
    assert "to_sparse" not in dir(x)
    assert "relu" in dir(x)
    with pytest.raises(ImportError):
        from tinygrad_adam import fft  # noqa: F401


def test_a_name_of_ones_own():
    class Mine(torch.Tensor):
        to_sparse = "mine"

    assert Mine([1]).to_sparse == "mine"
    y = torch.ones(2)
    y.to_sparse = 3
    assert y.to_sparse == 3


def test_every_name_has_a_line():
    said = []
    for place, names in missing._pytorchs().items():
        home = missing._home(place)
        lacks = [name for name in names if home is not None and not hasattr(home, name)]
        said += [str(missing._error(place, name, home)) for name in lacks[::20]]
    assert len(said) > 20
    assert all(text.count("PyTorch's, and not here; ") == 1 and "\n" not in text for text in said)
