"""What a type checker sees of a call: never Any where the result is known."""

import re
from pathlib import Path

import pytest

import tinygrad_adam

api = pytest.importorskip("mypy.api")

SETTING = """
import tinygrad_adam as torch
from tinygrad_adam import nn
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

x = torch.ones(2, 2)
net = Net()
sequence = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
pairs = TensorDataset(x, x)
"""
CALLS = {
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
