"""What draw.py and summary.py share: a model named as ``file.py:Class``, and an input for it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_adam as torch
from tinygrad_adam import nn


class UsageError(Exception):
    """Something on the command line is wrong; the message is one line."""


def in_one_line(error: Exception) -> str:
    """Return the kind of an error, and the first line of what it says."""
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def load_model(target: str) -> Any:
    """Return the model that ``file.py:name`` names: a Module class, function or object."""
    file, _, name = target.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {file or target}; name a model as file.py:Class")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{file} cannot be loaded: {in_one_line(error)}") from None
    if not hasattr(module, name):
        models = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, nn.Module)
            and value.__module__ == path.stem
        ]
        raise UsageError(f"{file} has no {name}; its models are: {', '.join(models) or 'none'}")
    model = getattr(module, name)
    if callable(model) and not isinstance(model, nn.Module):
        try:
            model = model()
        except TypeError as error:
            raise UsageError(
                f"{name}() without arguments makes no model: {error}; name a function that does"
            ) from None
    if not isinstance(model, nn.Module):
        raise UsageError(f"{target} is no Module, but {type(model).__name__}")
    return model


def make_input(text: str) -> torch.Tensor:
    """Return random numbers (always the same) of the shape ``1,1,28,28``."""
    try:
        shape = tuple(int(size) for size in text.replace("x", ",").split(","))
    except ValueError:
        raise UsageError(f"--input {text}: give a shape such as 1,1,28,28") from None
    try:
        numbers = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    except (MemoryError, ValueError) as error:
        raise UsageError(f"--input {text}: {error}") from None
    return torch.from_numpy(numbers)
