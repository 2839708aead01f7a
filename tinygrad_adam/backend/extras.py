"""Packages that only some functions need: how to get one."""

from __future__ import annotations

EXTRAS = {
    "cupy": "gpu",
    "graphviz": "viz",
    "matplotlib": "viz",
    "numba": "fast",
    "pillow": "vision",
    "pooch": "vision",
    "safetensors": "examples",
    "scikit-learn": "examples",
    "tensorboard": "tensorboard",
}


def how_to_install(package: str, wheel: str | None = None) -> str:
    """Return the commands that bring a package: by name, and in a clone with its kind.

    ``wheel`` is what it is called where it is downloaded, if that is not ``package``.
    """
    return f'pip install {wheel or package} (in a clone: pip install -e ".[{EXTRAS[package]}]")'
