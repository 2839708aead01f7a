"""The state of the default random generator: seeds, saving it, and going back to it.

Source: PyTorch, ``torch.random``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_adam.backend import default_generator, initial_seed, manual_seed
from tinygrad_adam.tensor import Tensor

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


def seed() -> int:
    """Start the default generator again from a seed that the system chooses, and return it."""
    return default_generator.seed()


def get_rng_state() -> Tensor:
    """Return the state of the default generator, a tensor of bytes."""
    return default_generator.get_state()  # type: ignore[no-any-return]


def set_rng_state(new_state: Tensor) -> None:
    """Go on from a state that :func:`get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Any = None, enabled: bool = True, device_type: str | None = None
) -> Iterator[None]:
    """Draw what is drawn in a ``with`` statement without effect on what is drawn after it.

    ``devices`` and ``device_type`` are accepted for PyTorch's sake: one generator serves all.
    """
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)
