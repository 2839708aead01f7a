"""Which kernels compute with an array: the one choice, made at the operation.

`plain` defines them all. For float32 and float64 arrays in the CPU's memory that are not empty,
`compiled` is faster, if Numba is installed; on a GPU `cuda` has something better for some. The
environment variable TINYGRAD_ADAM_KERNELS forces one kind on the CPU: "plain" or "compiled". It is
read, and Numba looked for, when the first kernel is asked for, never at import.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np

from tinygrad_adam.backend import compiled, cuda, plain
from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.compiled import blas, threads
from tinygrad_adam.backend.extras import how_to_install
from tinygrad_adam.backend.plain.optimizers import Update

VARIABLE = "TINYGRAD_ADAM_KERNELS"


def kernels(array: Array, *others: Array) -> ModuleType:
    """Return the module of kernels for some arrays: all have the same functions."""
    if array_module(array) is not np:
        return cuda
    if array.dtype.char not in "fd" or not array.size:
        return plain
    for other in others:
        if other.dtype != array.dtype or not other.size:
            return plain
    return _on_cpu()


def run_updates(updates: list[Update]) -> None:
    """Run the updates of an optimizer's step, one after the other.

    Overflow and invalid numbers give inf and nan without a warning, as in PyTorch.
    """
    with np.errstate(all="ignore"):
        for rule, arrays, options in updates:
            rule(*arrays, **options)


def kernels_in_use() -> str:
    """Return which kernels compute with float32 arrays on the CPU: "plain" or "compiled".

    Raises:
        RuntimeError: TINYGRAD_ADAM_KERNELS asks for something that there is not.
    """
    return "plain" if _on_cpu() is plain else "compiled"


def get_num_threads() -> int:
    """How many threads the kernels use, the caller's included (torch.get_num_threads).

    With the plain kernels these are BLAS's: matrix products are spread, all else is not.
    """
    return blas.get_num_threads() if _on_cpu() is plain else threads.get_num_threads()


def set_num_threads(number: int) -> None:
    """Use `number` threads from now on, the caller's included (torch.set_num_threads).

    Raises:
        ValueError: ``number`` is below 1.
    """
    if number < 1:
        raise ValueError(
            f"set_num_threads expects a positive integer\n  got {number}: 1 means no helpers"
        )
    (blas if _on_cpu() is plain else threads).set_num_threads(number)


@contextmanager
def using(kind: str) -> Iterator[None]:
    """Let kernels of a kind compute inside the block, in all threads: for measuring and comparing.

    Args:
        kind: "plain" or "compiled".
    """
    global _forced
    before, _forced = _forced, {"plain": plain, "compiled": compiled}[kind]
    try:
        yield
    finally:
        _forced = before


_forced: ModuleType | None = None


def _on_cpu() -> ModuleType:
    """Return the kernels for what the compiled ones can do."""
    return _forced or _chosen()


@functools.cache
def _chosen() -> ModuleType:
    """Choose, once."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "plain", "compiled"):
        raise RuntimeError(f'{VARIABLE} must be "plain" or "compiled", not {wanted!r}')
    if wanted == "plain":
        return plain
    try:
        importlib.import_module("numba")
    except ImportError as error:  # not installed, or not made for this NumPy or this Python
        if wanted == "compiled":
            install = how_to_install("numba")
            raise RuntimeError(f"{VARIABLE}=compiled needs Numba: {error}\n  {install}") from error
        return plain
    return compiled
