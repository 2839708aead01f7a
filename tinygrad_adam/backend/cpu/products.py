"""Matrix products on the CPU: BLAS, but on the threads of the kernels instead of its own.

A thread that BLAS woke for one product spins for some 25 ms in the hope of another, on a core that
the next kernel needs (see `threads.blas_on_one_thread`). So a large product is split here.
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.cpu import threads

# OpenBLAS takes one thread for products, matrices with vectors too, of fewer multiplications.
SERIAL_IN_BLAS = 9216
# Rows or columns that BLAS computes together: an odd end costs it extra.
UNIT = 16


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, as np.matmul; a large product of two float matrices is split over the threads.

    The longer side of the result is cut into a part for each thread. Each part is a product of its
    own, written in place; every number is summed by one thread. A column times a row (the gradient
    of a layer's weights for one example) has nothing to sum, so that NumPy's product of elements
    does it, at the speed of memory: five times faster than BLAS's general product.
    """
    if a.ndim != 2 or b.ndim != 2 or a.dtype != b.dtype or a.dtype.char not in "fd":
        return np.matmul(a, b)
    (rows, inner), columns = a.shape, b.shape[1]
    multiplications = rows * inner * columns
    if inner != b.shape[0] or multiplications < SERIAL_IN_BLAS:
        return np.matmul(a, b)  # or NumPy's error
    if inner == 1:
        return np.multiply(a, b)
    product = np.empty((rows, columns), a.dtype)

    def multiply(part: slice) -> None:
        part = slice(part.start * UNIT, part.stop * UNIT)
        if rows > columns:
            np.matmul(a[part], b, out=product[part])
        else:
            np.matmul(a, b[:, part], out=product[:, part])

    units = -(-max(rows, columns) // UNIT)
    threads.for_slices(multiply, units, multiplications / threads.MULTIPLICATIONS_PER_SECOND)
    return product
