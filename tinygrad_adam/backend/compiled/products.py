"""Matrix products: NumPy's, a large one in parts on the threads of the kernels.

BLAS's own threads spin for some 25 ms after a product, on cores that the next kernel needs.
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.memory import empty

# BLAS wakes none of its threads for fewer multiplications.
ALONE = 9216


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, as np.matmul, whose rounding it has: every number is summed by one call of BLAS.

    The longer side of a large result is cut into equal parts. A column times a row has nothing to
    sum: NumPy's product of elements is several times as fast as BLAS's.
    """
    if a.ndim != 2 or b.ndim != 2 or a.dtype != b.dtype or a.shape[1] != b.shape[0]:
        return np.matmul(a, b)
    (rows, inner), columns = a.shape, b.shape[1]
    if inner == 1:
        return np.multiply(a, b)
    if rows * inner * columns < ALONE:
        return np.matmul(a, b)
    by_rows = rows > columns
    units = -(-max(rows, columns) // 16)  # a width that BLAS likes
    bounds = threads.cuts(units, rows * inner * columns / threads.PRODUCT, parts=1)
    product = empty((rows, columns), a.dtype)

    def multiply(i: int) -> None:
        part = slice(bounds[i] * 16, bounds[i + 1] * 16)
        if by_rows:
            np.matmul(a[part], b, out=product[part])
        else:
            np.matmul(a, b[:, part], out=product[:, part])

    threads.run(multiply, len(bounds) - 1)
    return product
