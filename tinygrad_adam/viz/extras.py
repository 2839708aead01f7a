"""Packages that are loaded only where a picture needs them, and what to say if one is missing."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from tinygrad_adam.backend import how_to_install


def require(module: str) -> Any:
    """Import ``module`` (``graphviz``, ``matplotlib.figure``) and return it.

    Raises:
        ImportError: its package is not installed; the one line says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        package = {"PIL": "pillow"}.get(name, name)
        raise ImportError(
            f"{package} is not installed: {how_to_install(package)}",
            name=name,
        ) from None


def how_to_install_dot() -> str:
    """Return the command that installs Graphviz's ``dot`` program on this platform."""
    if sys.platform == "darwin":
        return "brew install graphviz"
    if sys.platform == "win32":
        return "winget install graphviz"
    return "sudo apt-get install graphviz (or dnf, pacman, apk: the package has the same name)"
