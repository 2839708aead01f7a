"""Random numbers: one generator type, and the default one that all draw from.

Numbers are drawn by NumPy and then moved, so that a program draws the same ones on every device.
They are not PyTorch's numbers: its generator is another one.
"""

from __future__ import annotations

import functools
import operator
import os
from typing import Any

import numpy as np

from tinygrad_adam.backend.device import device as as_device


class Generator:
    """A source of random numbers with a state of its own.

    Args:
        device: accepted for PyTorch's sake; numbers are always drawn on the CPU.

    A new generator starts from a fixed seed, as PyTorch's does; the default one from another in
    every process, until :func:`manual_seed`.

    Source: PyTorch, ``torch.Generator``.
    """

    _wrap: Any = staticmethod(np.asarray)
    """Makes a tensor of an array, once there are tensors."""

    def __init__(self, device: Any = "cpu") -> None:
        self.device = as_device(device)
        self.manual_seed(67280421310721)  # the seed with which PyTorch's generators start

    def manual_seed(self, seed: int) -> Generator:
        """Start again from ``seed``, an integer (a negative one counts from 2**64 down).

        Raises:
            RuntimeError: it is no integer.
            ValueError: it is below -2**63 or above 2**64 - 1.
        """
        if not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= (number := operator.index(seed)) < 2**64:
            raise ValueError("Overflow when unpacking long long\n  Take a seed below 2**64.")
        self._seed = number % 2**64
        self.__dict__.pop("numpy", None)
        return self

    @functools.cached_property
    def numpy(self) -> np.random.Generator:
        """The ``numpy.random.Generator`` (PCG64) behind it, made from the seed when first used.

        Not before, so that importing this package does not wait for NumPy's random numbers.
        """
        return np.random.default_rng(self._seed)

    def seed(self) -> int:
        """Start again from a seed that the operating system chooses, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """Return the seed with which the generator was last started."""
        return self._seed

    def get_state(self) -> Any:
        """Return the state as a tensor of bytes that :meth:`set_state` takes."""
        state: Any = self.numpy.bit_generator.state
        number: dict[str, int] = state["state"]
        left = (state["has_uint32"], state["uinteger"])
        numbers = (self._seed, number["state"], number["inc"], *left)
        parts = [n.to_bytes(size, "little") for n, size in zip(numbers, _STATE_SIZES)]
        return self._wrap(np.frombuffer(b"".join(parts), np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state that :meth:`get_state` returned.

        Raises:
            RuntimeError: the state has another length.
            TypeError: it is no tensor of bytes.
        """
        array = getattr(new_state, "array", new_state)
        if not isinstance(array, np.ndarray):
            found = type(new_state).__name__
            raise TypeError(f"expected a torch.ByteTensor, but got {found}")
        if array.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if array.size != sum(_STATE_SIZES):
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {sum(_STATE_SIZES)} but found the input "
                f"RNG state size to be {array.size}"
            )
        content, numbers = array.tobytes(), []
        for size in _STATE_SIZES:
            numbers.append(int.from_bytes(content[:size], "little"))
            content = content[size:]
        self.manual_seed(numbers[0])
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": numbers[1], "inc": numbers[2]},
            "has_uint32": numbers[3],
            "uinteger": numbers[4],
        }
        return self

    def clone_state(self) -> Generator:
        """Return another generator that draws what this one would."""
        return Generator(self.device).set_state(self.get_state())


# In bytes: the seed; state and increment of PCG64; whether half a number is left of the last, and
# that half.
_STATE_SIZES = (8, 16, 16, 4, 4)

default_generator = Generator()
default_generator.seed()


def numbers_of(generator: Generator | None) -> np.random.Generator:
    """Return what draws the numbers of ``generator``, or if None of the default one."""
    return (default_generator if generator is None else generator).numpy


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator, from which everything random draws, and return it.

    Args:
        seed: an integer from -2**63 to 2**64 - 1; a negative one counts from 2**64 down.

    Raises:
        ValueError: it is beyond these, or no number.
    """
    return default_generator.manual_seed(int(seed))


def initial_seed() -> int:
    """Return the seed with which the default generator was last started."""
    return default_generator.initial_seed()
