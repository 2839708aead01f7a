"""Small modules made of a table, which ``import`` finds."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def module(name: str, **contents: Any) -> Any:
    """Return a module of this full name and with these contents."""
    made = sys.modules[name] = ModuleType(name)
    made.__dict__.update(contents)
    return made
