"""The gradient of picking rows of a table."""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.sums import wide


def embedding_gradient(grad: Array, indices: Array, rows: int) -> Array:
    """The gradient of table[indices] for the table (rows, D): each row of grad is added to its own.

    grad: (..., D); indices: (...), integers from 0 on. float16 is added up in float32.
    """
    xp = array_module(grad)
    added = wide(grad)
    table = xp.zeros((rows, grad.shape[-1]), added.dtype)
    xp.add.at(table, indices, added)
    return table.astype(grad.dtype, copy=False)
