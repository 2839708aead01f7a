"""ReLU and its gradient in compiled loops, exact, whatever the order of the axes in memory."""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled
from tinygrad_adam.backend.compiled.memory import back, empty, in_order, order


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0), NaN where x is NaN (torch.nn.ReLU), in x's memory order."""
    axes = order(x)
    source, y = in_order(x, axes), empty((x.size,), x.dtype)
    threads.share(lambda start, stop: _relu(source, y, start, stop), x.size, x.size / 4)
    return back(y, x.shape, axes)


def relu_gradient(grad: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of y = relu(x) for x: grad where y > 0 or NaN, else 0, in y's memory order."""
    axes = order(y)
    given, values, dx = in_order(grad, axes), in_order(y, axes), empty((y.size,), grad.dtype)
    threads.share(
        lambda start, stop: _relu_gradient(given, values, dx, start, stop), y.size, y.size / 4
    )
    return back(dx, y.shape, axes)


@compiled
def _relu(x, y, start, stop):  # type: ignore[no-untyped-def]
    x, y = x[start:stop], y[start:stop]
    zero = x.dtype.type(0)
    for i in range(len(x)):
        value = x[i]
        y[i] = zero if value <= zero else value


@compiled
def _relu_gradient(grad, y, dx, start, stop):  # type: ignore[no-untyped-def]
    grad, y, dx = grad[start:stop], y[start:stop], dx[start:stop]
    zero = dx.dtype.type(0)
    for i in range(len(y)):
        value = grad[i]
        dx[i] = zero if y[i] == zero else value
