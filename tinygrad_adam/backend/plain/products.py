"""Matrix products: BLAS on the CPU, with its own threads, cuBLAS on the GPU."""

from __future__ import annotations

from tinygrad_adam.backend.arrays import Array


def matmul(a: Array, b: Array) -> Array:
    """a @ b."""
    return a @ b
