"""Random numbers: one generator type, and the default one that ``manual_seed`` seeds.

Numbers are drawn by NumPy and then moved, so that a program draws the same ones on every device.
They are not PyTorch's numbers: its generator is another one.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np


class Generator:
    """A source of random numbers with a state of its own.

    Args:
        device: accepted for PyTorch's sake; numbers are always drawn on the CPU.

    A new generator starts from a fixed seed, as PyTorch's does; the default one from another in
    every process, until :func:`manual_seed`.

    Source: PyTorch, ``torch.Generator``.
    """

    def __init__(self, device: object = "cpu") -> None:
        self.manual_seed(67280421310721)  # the seed with which PyTorch's generators start

    def manual_seed(self, seed: int) -> Generator:
        """Start again from ``seed``, an integer (a negative one counts from 2**64 down)."""
        self._seed = int(seed)
        self.__dict__.pop("numpy", None)
        return self

    @functools.cached_property
    def numpy(self) -> np.random.Generator:
        """The ``numpy.random.Generator`` (PCG64) behind it, made from the seed when first used.

        Not before, so that importing this package does not wait for NumPy's random numbers.
        """
        return np.random.default_rng(self._seed % 2**64)

    def seed(self) -> int:
        """Start again from a seed that the operating system chooses, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """Return the seed with which the generator was last started."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Return the state as a dictionary that :meth:`set_state` takes."""
        return {"seed": self._seed, "bit_generator": self.numpy.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that :meth:`get_state` returned."""
        self._seed = state["seed"]
        self.numpy.bit_generator.state = state["bit_generator"]


default_generator = Generator()
default_generator.seed()


def numbers_of(generator: Generator | None) -> np.random.Generator:
    """Return what draws the numbers of ``generator``, or if None of the default one."""
    return (default_generator if generator is None else generator).numpy


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, from which everything random draws, and return it."""
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    """Return the seed with which the default generator was last started."""
    return default_generator.initial_seed()
