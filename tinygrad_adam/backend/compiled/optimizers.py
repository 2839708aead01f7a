"""The update rules in compiled loops: one walk through memory for a step of each.

The rules, their letters and sources are those of the plain kernels. Each is a wrapper, which names
the numbers, and a loop, which is the formula for one element. States that a call has no use for are
None: Numba compiles a loop without them.

Numbers are computed with in the parameter's dtype; ``1 - beta`` is float64 before. Each operation
is rounded as it is written, so that an element's bits depend on nothing but its own numbers; the
result is within a few units in the last place of the plain rule's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled


def sgd_update(
    w: np.ndarray,
    g: np.ndarray,
    buffer: np.ndarray | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Gradient descent; with ``buffer``, with momentum, or Nesterov's."""
    numbers = lr, momentum, 1 - dampening, nesterov, *_descent(weight_decay, maximize)
    _run(_sgd, [w, g, buffer], numbers)


@compiled
def _sgd(w, g, buffer, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g = w[start:stop], g[start:stop]
    rate, momentum, new, nesterov, weight_decay, sign = _cast(w, numbers)
    if buffer is None:
        for i in range(len(w)):
            w[i] -= rate * _gradient(g[i], w[i], weight_decay, sign)
    else:
        mean = buffer[start:stop]
        for i in range(len(w)):
            gradient = _gradient(g[i], w[i], weight_decay, sign)
            velocity = momentum * mean[i] + new * gradient
            mean[i] = velocity
            w[i] -= rate * (gradient + momentum * velocity if nesterov else velocity)


def momentum_update(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    *,
    lr: float,
    momentum: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Momentum as an exponentially weighted average of the gradients."""
    numbers = lr, momentum, 1 - momentum, *_descent(weight_decay, maximize)
    _run(_momentum, [w, g, m], numbers)


@compiled
def _momentum(w, g, m, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, m = w[start:stop], g[start:stop], m[start:stop]
    rate, old, new, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        m[i] = old * m[i] + new * _gradient(g[i], w[i], weight_decay, sign)
        w[i] -= rate * m[i]


def rmsprop_update(
    w: np.ndarray,
    g: np.ndarray,
    v: np.ndarray,
    buffer: np.ndarray | None = None,
    mean: np.ndarray | None = None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    eps_inside_root: bool = False,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """RMSprop: divide by the root of the mean square of the gradients, or of their variance."""
    numbers = lr, alpha, 1 - alpha, *_eps(eps, eps_inside_root), momentum
    _run(_rmsprop, [w, g, v, buffer, mean], (*numbers, *_descent(weight_decay, maximize)))


@compiled
def _rmsprop(w, g, v, buffer, mean, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, v = w[start:stop], g[start:stop], v[start:stop]
    velocities = None if buffer is None else buffer[start:stop]
    means = None if mean is None else mean[start:stop]
    rate, old, new, inside, outside, momentum, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        v[i] = old * v[i] + new * gradient * gradient
        variance = v[i]
        if means is not None:
            means[i] = old * means[i] + new * gradient
            variance -= means[i] * means[i]
        step = gradient / (np.sqrt(variance + inside) + outside)
        if velocities is not None:
            velocities[i] = momentum * velocities[i] + step
            step = velocities[i]
        w[i] -= rate * step


def adagrad_update(
    w: np.ndarray,
    g: np.ndarray,
    v: np.ndarray,
    *,
    lr: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adagrad: divide by the root of the sum of all squared gradients so far."""
    _run(_adagrad, [w, g, v], (lr, eps, *_descent(weight_decay, maximize)))


@compiled
def _adagrad(w, g, v, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, v = w[start:stop], g[start:stop], v[start:stop]
    rate, eps, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        v[i] += gradient * gradient
        w[i] -= rate * gradient / (np.sqrt(v[i]) + eps)


def adadelta_update(
    w: np.ndarray,
    g: np.ndarray,
    v: np.ndarray,
    u: np.ndarray,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adadelta: the step has the units of ``w``, from the mean square ``u`` of earlier steps."""
    _run(_adadelta, [w, g, v, u], (lr, rho, 1 - rho, eps, *_descent(weight_decay, maximize)))


@compiled
def _adadelta(w, g, v, u, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, v, u = w[start:stop], g[start:stop], v[start:stop], u[start:stop]
    rate, old, new, eps, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        v[i] = old * v[i] + new * gradient * gradient
        step = np.sqrt((u[i] + eps) / (v[i] + eps)) * gradient
        u[i] = old * u[i] + new * step * step
        w[i] -= rate * step


def adam_update(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    v_max: np.ndarray | None = None,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    correction1: float,
    correction2: float,
    eps: float,
    eps_inside_root: bool = False,
    weight_decay: float = 0.0,
    decoupled: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adam, with ``correction1 = 1 - beta1^t`` and ``correction2 = 1 - beta2^t`` in step t.

    The root of correction2 is taken out of the root: it goes into the rate and into eps.
    """
    eps *= correction2 if eps_inside_root else correction2**0.5
    moments = beta1, 1 - beta1, beta2, 1 - beta2, *_eps(eps, eps_inside_root)
    rate = lr * correction2**0.5 / correction1
    _run(
        _adam,
        [w, g, m, v, v_max],
        (rate, *moments, 1 - decoupled, *_descent(weight_decay, maximize)),
    )


@compiled
def _adam(w, g, m, v, v_max, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, m, v = w[start:stop], g[start:stop], m[start:stop], v[start:stop]
    largest = None if v_max is None else v_max[start:stop]
    rate, old1, new1, old2, new2, inside, outside, kept, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old1 * m[i] + new1 * gradient
        square = old2 * v[i] + new2 * gradient * gradient
        v[i] = square
        if largest is not None:
            before = largest[i]
            square = square if square > before or square != square else before
            largest[i] = square
        w[i] = kept * w[i] - rate * m[i] / (np.sqrt(square + inside) + outside)


def adamax_update(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    u: np.ndarray,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    correction1: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adamax: Adam with the largest recent gradient in place of the root mean square."""
    numbers = lr / correction1, beta1, 1 - beta1, beta2, eps, *_descent(weight_decay, maximize)
    _run(_adamax, [w, g, m, u], numbers)


@compiled
def _adamax(w, g, m, u, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, m, u = w[start:stop], g[start:stop], m[start:stop], u[start:stop]
    rate, old, new, fading, eps, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old * m[i] + new * gradient
        before, size = fading * u[i], abs(gradient) + eps
        u[i] = size if size > before or size != size else before
        w[i] -= rate * m[i] / u[i]


def nadam_update(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    correction2: float,
    momentum_factor: float,
    gradient_factor: float,
    eps: float,
    weight_decay: float = 0.0,
    decoupled: float = 0.0,
    maximize: bool = False,
) -> None:
    """NAdam: Adam with the momentum of the next step; correction2 as in `adam_update`."""
    root = correction2**0.5
    numbers = lr * root, beta1, 1 - beta1, beta2, 1 - beta2, momentum_factor, gradient_factor
    rest = eps * root, 1 - decoupled, *_descent(weight_decay, maximize)
    _run(_nadam, [w, g, m, v], (*numbers, *rest))


@compiled
def _nadam(w, g, m, v, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, m, v = w[start:stop], g[start:stop], m[start:stop], v[start:stop]
    rate, old1, new1, old2, new2, by_m, by_g, eps, kept, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old1 * m[i] + new1 * gradient
        v[i] = old2 * v[i] + new2 * gradient * gradient
        step = (by_m * m[i] + by_g * gradient) / (np.sqrt(v[i]) + eps)
        w[i] = kept * w[i] - rate * step


def radam_update(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    correction1: float,
    correction2: float,
    rectification: float,
    eps: float,
    weight_decay: float = 0.0,
    decoupled: float = 0.0,
    maximize: bool = False,
) -> None:
    """RAdam: Adam whose adaptive part waits until the variance of ``v`` is tractable."""
    adapts = bool(rectification)
    rate = lr / correction1 * (rectification * correction2**0.5 if adapts else 1)
    numbers = rate, beta1, 1 - beta1, beta2, 1 - beta2, eps, adapts, 1 - decoupled
    _run(_radam, [w, g, m, v], (*numbers, *_descent(weight_decay, maximize)))


@compiled
def _radam(w, g, m, v, numbers, start, stop):  # type: ignore[no-untyped-def]
    w, g, m, v = w[start:stop], g[start:stop], m[start:stop], v[start:stop]
    rate, old1, new1, old2, new2, eps, adapts, kept, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old1 * m[i] + new1 * gradient
        v[i] = old2 * v[i] + new2 * gradient * gradient
        adaptive = m[i] / (np.sqrt(v[i]) + eps)
        w[i] = kept * w[i] - rate * (adaptive if adapts else m[i])


def _descent(weight_decay: float, maximize: bool) -> tuple[float, float]:
    return weight_decay, -1 if maximize else 1


def _eps(eps: float, inside: bool) -> tuple[float, float]:
    """Return eps for ``sqrt(v + eps)`` and for ``sqrt(v) + eps``, of which one is 0."""
    return (eps, 0) if inside else (0, eps)


def _run(
    kernel: Callable[..., None], arrays: list[np.ndarray | None], numbers: tuple[Any, ...]
) -> None:
    """Call ``kernel(*arrays, numbers, start, stop)`` on runs of arrays that lie in one row.

    Those that do not, and those of other dtypes, are copied there and, but for the gradient, back.
    """
    w: Any = arrays[0]
    rows = [None if a is None else _row(a, w.dtype) for a in arrays]
    floats = tuple([float(number) for number in numbers])
    threads.share(lambda start, stop: kernel(*rows, floats, start, stop), w.size, w.size)
    for place, (array, row) in enumerate(zip(arrays, rows)):
        if array is None or row is None or place == 1:
            continue
        if array.dtype != w.dtype or not array.flags.c_contiguous:
            array[...] = row.reshape(array.shape)


def _row(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if array.dtype != dtype or not array.flags.c_contiguous:
        array = np.ascontiguousarray(array, dtype)
    return array.reshape(-1)


@compiled
def _gradient(g, w, weight_decay, sign):  # type: ignore[no-untyped-def]
    """The gradient to descend along: turned to maximize, with that of weight_decay / 2 * w^2."""
    return sign * g + weight_decay * w if weight_decay else sign * g


@compiled
def _cast(w, numbers):  # type: ignore[no-untyped-def]
    """The numbers in w's dtype."""
    return [w.dtype.type(number) for number in numbers]
