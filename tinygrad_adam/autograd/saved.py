"""What an operation keeps for its gradient, and how it gets it back."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam.autograd.errors import modified_in_place
from tinygrad_adam.autograd.variable import Variable
from tinygrad_adam.backend import is_array


def keep(
    value: Any, inputs: tuple[Any, ...], output: tuple[Any, ...], results: tuple[Any, ...]
) -> tuple[Any, int | None, int | None]:
    """Return ``(value, version, slot)`` for a value that ``forward`` saved.

    The version is that of an input or result, the slot that of a result; the rest have neither.
    An array that is an input stands for that tensor. A result is kept as a tensor without history,
    since its history is the node: the two would never be freed without the cycle collector.
    """
    for x in inputs:
        if isinstance(x, Variable) and x.array is value:
            return x, x._version[0], None
    for slot, array in enumerate(output):
        if array is value:
            return results[slot].detach(), results[slot]._version[0], slot
    if is_array(value) or isinstance(value, np.generic):
        return results[0]._wrap(value), None, None  # the operation's own: nobody else writes to it
    return value, None, None


def restore(node: Any, entries: tuple[Any, ...], as_arrays: bool = False) -> tuple[Any, ...]:
    """Return the values of the entries that :func:`keep` made for ``node``.

    Tensors have their history, or are plain arrays on request.

    Raises:
        RuntimeError: one of them was changed in place since.
    """
    values: list[Any] = []
    for entry in entries:
        if entry is None:
            values.append(None)
            continue
        value, version, slot = entry
        if version is not None and value._version[0] != version:
            raise RuntimeError(modified_in_place(node, value, version, slot))
        if as_arrays:
            value = getattr(value, "array", value)
        elif slot is not None:
            # A result, kept as an array alone: give it back its history, this node.
            value = value.detach()
            value._edge, value._requires_grad = (node, slot), True
        values.append(value)
    return tuple(values)
