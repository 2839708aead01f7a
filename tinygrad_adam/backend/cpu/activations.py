"""ReLU and its gradient on the CPU, in pieces that stay in the cache, spread over the threads.

NumPy makes one call of each arithmetic operation, and a call on a large array sends it through the
memory once more. So each piece of an array goes through all its calls while it is in the cache. The
pieces are stretches of memory, whatever the order of the axes (channels last or not).
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.cpu import memory, threads

# Elements of one piece. Quarters of that would fit into a core's own cache instead of the shared
# one, but between twice as many calls the threads wait for Python's lock: 0.36 ms instead of 0.23
# for relu of 6.4 MB on two threads, 0.96 instead of 0.52 for its gradient.
PIECE = 1 << 18
# What an element takes a thread, roughly: ReLU a little less, its gradient a little more.
SECONDS = 4e-10
# Fewer elements than this are done in one go.
SMALL = 1 << 16

_ZEROS = np.zeros(PIECE, np.int64)


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0) of real numbers, NaN where x is NaN (torch.nn.ReLU), in x's dtype and memory order.

    Reads x once, writes y once. The zeros are an array, the same few for each piece: comparing two
    arrays is three times as fast in NumPy as comparing an array with one number.
    """
    if x.itemsize > 8 or not memory.is_dense(x):
        return np.maximum(x, 0)
    zeros = _ZEROS.view(x.dtype)
    if x.size < SMALL:
        flat = np.maximum(memory.flat(x), zeros[: x.size])
        return np.ndarray(x.shape, x.dtype, flat, 0, x.strides)
    y = memory.empty_like(x)
    source, target = memory.flat(x), memory.flat(y)

    def compute(piece: slice) -> None:
        np.maximum(source[piece], zeros[: piece.stop - piece.start], out=target[piece])

    threads.for_slices(compute, x.size, x.size * SECONDS, PIECE)
    return y


def relu_gradient(grad: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of y = relu(x) for x: grad where y > 0 or NaN, else 0, in y's memory order.

    Reads grad and y once, writes the result once: the bits of grad times 1 or 0.
    """
    usual = grad.dtype == y.dtype and y.dtype.char in "efd"
    if not usual or not memory.is_dense(y):
        return np.where(y == 0, y.dtype.type(0), grad)
    ordered = memory.in_order_of(y, grad)
    if y.size < SMALL:
        return np.multiply(memory.bits(ordered), y != 0).view(y.dtype)
    result = memory.empty_like(y)
    source = memory.flat(y)
    bits, target = memory.bits(memory.flat(ordered)), memory.bits(memory.flat(result))

    def compute(piece: slice) -> None:
        passes = threads.scratch("passes", (piece.stop - piece.start,), np.dtype(bool))
        np.not_equal(source[piece], 0, out=passes)
        np.multiply(bits[piece], passes, out=target[piece])

    threads.for_slices(compute, y.size, y.size * SECONDS, PIECE)
    return result
