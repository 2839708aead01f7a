"""What a type checker sees of a call: never Any where the result is known."""

import re
from pathlib import Path

import pytest

import tinygrad_adam

api = pytest.importorskip("mypy.api")

SETTING = """
import numpy as np

import tinygrad_adam as torch
from tinygrad_adam import nn, optim
from tinygrad_adam.nn import functional as F
from tinygrad_adam.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset
from tinygrad_adam.data import random_split

class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 3)

    def forward(self, x: torch.Tensor, twice: bool = False) -> torch.Tensor:
        return self.fc(x)

class Two(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        return x, 1

class Images(Dataset[tuple[torch.Tensor, int]]):
    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return x, index

@torch.no_grad()
def evaluate(model: nn.Module) -> float:
    return 0.0

x = torch.ones(2, 2)
y = torch.tensor([[1.0, 2.0], [4.0, 5.0]])
labels = torch.tensor([0, 1])
net = Net()
sequence = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
pairs = TensorDataset(x, x)
optimizer = optim.Adam(net.parameters(), lr=0.1)
schedule = optim.lr_scheduler.StepLR(optimizer, 2)
"""
CALLS = {
    # made
    "torch.tensor([1, 2])": "Tensor",
    "torch.zeros(2)": "Tensor",
    "torch.randn(2, 3)": "Tensor",
    "torch.arange(3)": "Tensor",
    "torch.zeros_like(x)": "Tensor",
    "torch.from_numpy(np.ones(2))": "Tensor",
    # operators
    "x + 1": "Tensor",
    "2 * x": "Tensor",
    "1 / x": "Tensor",
    "-x": "Tensor",
    "x**2": "Tensor",
    "x @ y.T": "Tensor",
    "x == y": "Tensor",
    "x < y": "Tensor",
    "x[x > 0]": "Tensor",
    # methods
    "x.sum()": "Tensor",
    "x.mean(1, keepdim=True)": "Tensor",
    "x.exp()": "Tensor",
    "x.exp_()": "Tensor",
    "x.relu()": "Tensor",
    "x.add_(1)": "Tensor",
    "x.reshape(3, 2)": "Tensor",
    "x.view(-1)": "Tensor",
    "x.transpose(0, 1)": "Tensor",
    "x.argmax(1)": "Tensor",
    "x.detach()": "Tensor",
    "x.to('cpu')": "Tensor",
    "x.split(1)": "tuple[Tensor, ...]",
    "x.backward()": "None",
    "x.numpy(force=True)": "ndarray[tuple[Any, ...], dtype[Any]]",
    "float(x.sum())": "float",
    # attributes
    "x.shape": "Size",
    "x.ndim": "int",
    "x.dtype": "dtype",
    "x.device": "device",
    "x.requires_grad": "bool",
    "x.T": "Tensor",
    # functions
    "torch.exp(x)": "Tensor",
    "torch.sum(x)": "Tensor",
    "torch.add(x, 1)": "Tensor",
    "torch.cat([x, y])": "Tensor",
    "torch.stack([x, y])": "Tensor",
    "torch.matmul(x, y.T)": "Tensor",
    "torch.allclose(x, y)": "bool",
    "F.relu(x)": "Tensor",
    "F.softmax(x, dim=1)": "Tensor",
    "F.linear(x, y)": "Tensor",
    "F.cross_entropy(x, labels)": "Tensor",
    # modules
    "sequence": "Sequential",
    "net.fc": "Linear",
    "net.fc.weight": "Parameter",
    "nn.Parameter(y)": "Parameter",
    "net.parameters()": "Iterator[Parameter]",
    "net.named_parameters()": "Iterator[tuple[str, Parameter]]",
    "sequence.eval()": "Sequential",
    "net.to('cpu')": "Net",
    "evaluate(net)": "float",
    # training
    "optimizer.zero_grad()": "None",
    "optimizer.state_dict()": "dict[str, Any]",
    "schedule.step()": "None",
    "pairs[0]": "tuple[Tensor, ...]",
    "len(DataLoader(pairs))": "int",
    "nn.utils.clip_grad_norm_(net.parameters(), 1.0)": "Tensor",
    # calls of modules, and batches
    "net(x, twice=True)": "Tensor",
    "net.fc(x)": "Tensor",
    "net.train().to('cpu')": "Net",
    "Two()(x)": "tuple[Tensor, int]",
    "sequence(x)": "Tensor",
    "sequence[0]": "Module",
    "sequence[1:]": "Sequential",
    "[layer for layer in nn.ModuleList([net])]": "list[Module]",
    "nn.Conv2d(1, 2, 3, padding='same')(x)": "Tensor",
    "nn.ConvTranspose2d(1, 2, 3)(x, (4, 4))": "Tensor",
    "nn.BatchNorm2d(3)(x)": "Tensor",
    "nn.MaxPool2d(2)(x)": "Tensor",
    "nn.LeakyReLU(0.1, inplace=True)(x)": "Tensor",
    "nn.Flatten()(x)": "Tensor",
    "nn.Dropout()(x)": "Tensor",
    "nn.Embedding(2, 2)(x)": "Tensor",
    "nn.Identity()(x)": "Tensor",
    "nn.CrossEntropyLoss()(x, x)": "Tensor",
    "nn.ReLU(inplace=True)": "ReLU",
    "nn.MaxPool2d(2).padding": "int | Sequence[int]",
    "nn.Linear(1, 1).bias": "Parameter | None",
    "next(net.parameters())": "Parameter",
    "next(iter(DataLoader(pairs, 2, shuffle=True)))": "list[Tensor]",
    "[labels for images, labels in DataLoader(Images(), 2)]": "list[Tensor]",
    "next(iter(DataLoader(random_split(pairs, [1, 1])[0])))": "list[Tensor]",
    "next(iter(DataLoader(Images() + Images())))": "list[Tensor]",
    "next(iter(DataLoader(Subset([x, x], [0]))))": "Tensor",
    "next(iter(DataLoader([1, 2])))": "Tensor",
    "next(iter(DataLoader([{'a': x}])))": "dict[str, Tensor]",
    "next(iter(DataLoader(pairs, collate_fn=lambda samples: len(samples))))": "int",
}
MISTAKES = {
    "nn.ReLU()(3)": "arg-type",
    "net(x, thrice=True)": "call-arg",
    "nn.MaxPool2d()": "call-arg",
    "nn.Softplus(beta='large')": "arg-type",
    "DataLoader(pairs, batchsize=3)": "call-overload",
}


def test_mypy_knows_what_calls_return(tmp_path, monkeypatch):
    monkeypatch.setenv("MYPYPATH", str(Path(tinygrad_adam.__file__).parents[1]))
    monkeypatch.chdir(tmp_path)
    lines = [f"reveal_type({call})" for call in CALLS] + list(MISTAKES)
    start = SETTING.count("\n") + 1
    Path("user.py").write_text(SETTING + "\n".join(lines) + "\n")
    options = ["--python-version", "3.10", "--follow-imports", "silent", "--config-file", ""]
    report, errors, _ = api.run([*options, "user.py"])
    assert not errors
    seen = {}
    for number, text in re.findall(r"^user\.py:(\d+): (.*)$", report, re.MULTILINE):
        call = [*CALLS, *MISTAKES][int(number) - start]
        kind = re.search(r'Revealed type is "(.*)"|\[([a-z-]+)\]$', text)
        if kind:
            # Without the modules' names, and without the prefixes of older versions.
            seen[call] = re.sub(r"\b[\w.]+\.", "", kind[1] or kind[2])
    assert seen == CALLS | MISTAKES
