"""Matrix products on the GPU: cuBLAS through the ``@`` of the array module."""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array


def matmul(a: Array, b: Array) -> Array:
    """a @ b."""
    return a @ b
