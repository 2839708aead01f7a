"""What ``import tinygrad_adam`` loads, and the names that a PyTorch user finds in it."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import creation, ops


def test_importing_loads_numpy_and_nothing_else_from_outside():
    program = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        "import tinygrad_adam\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    ours = {"tinygrad_adam", "numpy"}
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - ours == set()
    # Slow to load, and not always needed.
    assert loaded.isdisjoint({"numpy.random", "zipfile", "secrets"})


def test_importing_says_nothing_and_starts_no_thread():
    program = "import threading, tinygrad_adam; assert threading.active_count() == 1"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_the_list_of_public_names_is_complete_and_has_each_once():
    names = torch.__all__
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(torch, name)] == []
    for module in (creation, ops):
        assert set(module.__all__) <= set(names)


def test_a_function_is_the_method_too():
    methods = [name for name in ops.__all__ if hasattr(torch.Tensor, name)]
    assert len(methods) > 140
    different = [n for n in methods if getattr(torch, n) is not getattr(torch.Tensor, n)]
    # Properties of a tensor, and one whose arguments have another order.
    assert different == ["imag", "real", "where"]


def test_every_public_name_has_a_docstring():
    undocumented = []
    for room in (torch, torch.nn, torch.optim, torch.data, torch.viz, torch.autograd, torch.cuda):
        for name in room.__all__:
            thing = getattr(room, name)
            if callable(thing) and not (thing.__doc__ or "").strip():
                undocumented.append(f"{room.__name__}.{name}")
    assert undocumented == []


def test_docstrings_name_their_source():
    rooms = {torch.nn: torch.nn.__all__, torch.data: torch.data.__all__, torch: ["load", "save"]}
    without = [
        f"{room.__name__}.{name}"
        for room, names in rooms.items()
        for name in names
        if callable(getattr(room, name)) and "Source: " not in getattr(room, name).__doc__
    ]
    assert without == []


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *(("half", "float16"), ("float", "float32"), ("double", "float64"), ("bool", "bool")),
        *(("short", "int16"), ("int", "int32"), ("long", "int64"), ("uint8", "uint8")),
        *(("cfloat", "complex64"), ("cdouble", "complex128"), ("int8", "int8")),
    ],
)
def test_dtypes_by_pytorchs_names(name, dtype):
    assert getattr(torch, name) == np.dtype(dtype)
    assert isinstance(getattr(torch, name), torch.dtype)
    assert torch.zeros(2, dtype=getattr(torch, name)).dtype == np.dtype(dtype)


def test_addresses_of_pytorch():
    from tinygrad_adam.utils.data import DataLoader, TensorDataset

    assert DataLoader is torch.data.DataLoader is torch.utils.data.DataLoader
    dataset = TensorDataset(torch.arange(4))
    assert [len(batch) for (batch,) in DataLoader(dataset, batch_size=3)] == [3, 1]
    assert torch.utils.data.__all__ == torch.data.__all__
    from tinygrad_adam.utils.data._utils.collate import default_collate
    from tinygrad_adam.utils.data._utils.worker import get_worker_info
    from tinygrad_adam.utils.data.dataloader import default_collate as same_collate
    from tinygrad_adam.utils.data.dataset import Dataset
    from tinygrad_adam.utils.data.sampler import SubsetRandomSampler

    assert torch.utils.data.dataset.Dataset is Dataset is torch.data.Dataset
    assert SubsetRandomSampler is torch.utils.data.sampler.SubsetRandomSampler
    assert same_collate is default_collate is torch.data.default_collate
    assert torch.utils.data.dataloader.get_worker_info is get_worker_info
    assert callable(torch.autograd.grad)
    assert callable(torch.optim.lr_scheduler.StepLR)
    assert callable(torch.nn.functional.relu)
    assert torch.cuda.is_available() in (True, False)
    assert str(torch.device("cuda:1")) == "cuda:1"
    assert torch.inf == float("inf")


def test_vision_is_loaded_when_it_is_asked_for():
    program = (
        "import sys, tinygrad_adam as torch\n"
        "assert not [name for name in sys.modules if 'vision' in name]\n"
        "print(torch.vision.transforms.Pad(2), 'PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "Pad(padding=2, fill=0, padding_mode=constant) False\n"
    with pytest.raises(AttributeError, match="module 'tinygrad_adam' has no attribute 'visions'"):
        torch.visions  # noqa: B018


def test_save_and_load(tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "x.npz")
    assert torch.load(tmp_path / "x.npz")["weight"].tolist() == [1, 1]
