"""Forward mode, which is not here: its names say what to use instead."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(
        f"torch.autograd.forward_ad.{name}: there is no forward mode here. For J v use "
        "torch.func.jvp(f, (x,), (v,)) or torch.autograd.functional.jvp(f, x, v), which walk back "
        "twice"
    )
