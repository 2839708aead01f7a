"""The gradient of picking rows of a table, in a compiled loop: the bits of ``np.add.at``."""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.compiled.jit import compiled


def embedding_gradient(grad: np.ndarray, indices: np.ndarray, rows: int) -> np.ndarray:
    """The gradient of table[indices] for the table (rows, D): each row of grad is added to its own.

    grad: (..., D); indices: (...), integers from 0 on. In order, on one thread: rows meet.
    """
    table = np.zeros((rows, grad.shape[-1]), grad.dtype)
    picked = np.ascontiguousarray(indices, np.int64).reshape(-1)
    _add_to_rows(np.ascontiguousarray(grad).reshape(-1, grad.shape[-1]), picked, table)
    return table


@compiled
def _add_to_rows(grad, indices, table):  # type: ignore[no-untyped-def]
    for i in range(len(indices)):
        row = indices[i]
        for d in range(grad.shape[1]):
            table[row, d] += grad[i, d]
