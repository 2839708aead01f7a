"""Write PyTorch's public names into the package, for what is said of those that are not here.

``python -m tools.pytorch_names`` (with ``pip install torch==2.13.0``).
"""

from __future__ import annotations

import operator
import textwrap
from pathlib import Path
from types import ModuleType

import torch
import torch.utils.data

PLACES = (
    "torch", "Tensor", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler",
    "utils", "utils.data", "cuda", "autograd", "linalg",
)  # fmt: skip


def is_pytorchs(name: str, value: object) -> bool:
    """Return whether a name is one of PyTorch's public ones, not what a module there imports."""
    if isinstance(value, ModuleType):
        home = value.__name__
    else:
        home = str(getattr(value, "__module__", None) or "torch.")
    # The classes made by pybind11 are those of TorchScript, which nobody names.
    script = type(value).__name__ == "pybind11_type"
    return name[0] != "_" and home.startswith("torch") and home != name and not script


def main() -> None:
    """Write the file."""
    lines = []
    for place in PLACES:
        of = torch if place == "torch" else operator.attrgetter(place)(torch)
        names = [name for name in dir(of) if is_pytorchs(name, getattr(of, name, None))]
        lines += [f"[{place}]", *textwrap.wrap(" ".join(names), 100)]
    target = Path(__file__).parents[1] / "tinygrad_adam" / "pytorch_names.txt"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
