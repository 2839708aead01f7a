"""What is said of PyTorch's names that are not here: that they are PyTorch's, and what is near.

A few modules of the package are not here before somebody asks for them.

``pytorch_names.txt`` has PyTorch's public names, as ``python -m tools.pytorch_names`` found them.
Modules answer when they are asked for one (PEP 562). Tensors would pay for that at every attribute
that they do have, so what they lack are attributes of theirs that raise.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from pathlib import Path
from typing import Any

_PACKAGE = __name__.partition(".")[0]
# What to use in place of names that match, where nothing has a similar name.
_INSTEAD = {
    "jit|fx|export|_dynamo|compiler": "torch.compile, which leaves a function as it is",
    ".*sparse.*|.*csr.*|.*coo.*|.*csc.*|.*bs[rc].*|coalesce": "dense tensors",
    "quantile|nanquantile": "sort, or numpy.quantile",
    ".*quanti[zl].*|ao|q.?int.*|q_.*|QI.*": "float16, as in model.half()",
    "bits.*|float8.*|float4.*|u?int[1-7]|BFloat16.*|.*bfloat16.*": "float16 or float32",
    "SparseAdam|Muon|Adafactor": "optim.AdamW, or optim.Adam",
    "complex32|chalf|ComplexHalf.*": "complex64",
    "fft|stft|istft|.*_window": "numpy.fft on x.numpy()",
    ".*[sS]torage.*": "x.numpy(), which shares its memory",
    "multiprocessing|share_memory_|is_shared": "Python's multiprocessing",
    "hub|model_zoo": "load_state_dict(load(path))",
    "distributed|rpc|parallel|.*Distributed.*|SyncBatchNorm": "one process",
    "cudnn.*|miopen.*|mkldnn.*|mps.*|.*xpu|hip|mtia.*": "device 'cpu' or 'cuda'",
}


# Modules that not every program needs.
LOADED_WHEN_ASKED = ("distributions", "functional", "nn.modules", "utils.tensorboard")

# The missing names that tensors have as attributes which raise.
_hidden: set[str] = set()


@functools.cache
def _pytorchs() -> dict[str, list[str]]:
    """Return PyTorch's public names, by where they stand."""
    text = Path(__file__).with_name("pytorch_names.txt").read_text(encoding="utf-8")
    parts = re.split(r"\[([\w.]+)\]\n", text)[1:]
    return {place: names.split() for place, names in zip(parts[::2], parts[1::2])}


def _home(place: str) -> Any:
    """Return our module, or the class Tensor, that stands at a place; or None."""
    if place == "Tensor":
        return sys.modules[_PACKAGE].Tensor
    return sys.modules.get(_PACKAGE if place == "torch" else f"{_PACKAGE}.{place}")


@functools.cache
def _here(place: str) -> list[str]:
    """Return PyTorch's names of a place that are here."""
    home = _home(place)
    found = set(dir(home)) - (_hidden if place == "Tensor" else set())
    return [name for name in _pytorchs()[place] if name in found]


def _nearest(place: str, name: str) -> str:
    """Return what comes nearest to a name that is not here, for the end of a sentence."""
    from difflib import get_close_matches

    for pattern, instead in _INSTEAD.items():
        if re.fullmatch(pattern, name):
            return f"use {instead}"
    places = [place, *[p for p in _pytorchs() if p != place and _home(p) is not None]]
    twins = (name, name.rstrip("_"), name.replace("3d", "2d"))
    near = [(other, twin) for twin in twins for other in places if twin in _here(other)]
    near += [(place, close) for close in get_close_matches(name, _here(place), 1, 0.75)]
    if not near:
        return "nor is anything near it"
    where = near[0][0] if near[0][0] in ("torch", "Tensor") else f"torch.{near[0][0]}"
    return f"the nearest that is: {where}.{near[0][1]}"


def _error(place: str, name: str, of: Any) -> AttributeError:
    owner = "'Tensor' object" if place == "Tensor" else f"module {of.__name__!r}"
    text = f"{owner} has no attribute {name!r}"
    if name[0] != "_" and name in _pytorchs()[place]:
        text += f": it is PyTorch's, and not here; {_nearest(place, name)}"
    return AttributeError(text, name=name, obj=of)


def _of_module(place: str, name: str) -> Any:
    path = name if place == "torch" else f"{place}.{name}"
    if path in LOADED_WHEN_ASKED:
        return importlib.import_module(f"{_PACKAGE}.{path}")
    raise _error(place, name, _home(place))


class _Missing:
    """In the place of a method of PyTorch's tensors that is not here: asking for it raises."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        raise _error("Tensor", self.name, instance)

    def __repr__(self) -> str:
        return "<PyTorch's, and not here>"


def explain() -> None:
    """Let modules and tensors say of PyTorch's names, when asked for one, that it is not here.

    To call once all is imported.
    """
    for place in _pytorchs():
        home = _home(place)
        if home is not None and place != "Tensor":
            home.__getattr__ = functools.partial(_of_module, place)
    tensor = _home("Tensor")
    _hidden.update(name for name in _pytorchs()["Tensor"] if not hasattr(tensor, name))
    for name in _hidden:
        setattr(tensor, name, _Missing(name))
    tensor.__dir__ = lambda self: sorted(set(object.__dir__(self)) - _hidden)
