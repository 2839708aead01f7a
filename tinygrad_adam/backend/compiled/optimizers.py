"""The update rules in compiled loops: one walk through memory for a step of each.

The rules, their letters, options and sources are those of the plain kernels. Here each is the loop
over the elements and, above it, the numbers that the loop needs of the options. States that a call
has no use for are None: Numba compiles a loop without them.

Numbers are computed with in the parameter's dtype; ``1 - beta`` is float64 before. Each operation
is rounded as it is written, so that an element's bits depend on nothing but its own numbers; the
result is within a few units in the last place of the plain rule's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled
from tinygrad_adam.backend.plain import optimizers as rules
from tinygrad_adam.backend.plain.optimizers import Rule

Numbers = Callable[..., tuple[Any, ...]]


def loop_of(rule: Rule, numbers: Numbers) -> Callable[[Callable[..., None]], Rule]:
    """Let a loop ``(*arrays, numbers, start, stop)`` over a run of elements do what ``rule`` does.

    Its numbers are what ``numbers`` makes of the options, then the weight decay, and the sign of
    the gradient: -1 to maximize.
    """
    parameters = inspect.signature(rule).parameters.values()
    states = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def decorate(loop: Callable[..., None]) -> Rule:
        kernel = compiled(loop)

        @functools.wraps(rule)
        def update(*arrays: np.ndarray | None, **options: Any) -> None:
            options = {**defaults, **options}
            sign = -1 if options.pop("maximize") else 1
            decay = options.pop("weight_decay")
            rest = [None] * (states - len(arrays))
            _run(kernel, [*arrays, *rest], (*numbers(**options), decay, sign))

        return update

    return decorate


@loop_of(
    rules.sgd_update,
    lambda lr, momentum, dampening, nesterov: (lr, momentum, 1 - dampening, nesterov),
)
def sgd_update(w, g, buffer, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.sgd_update``."""
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


@loop_of(rules.momentum_update, lambda lr, momentum: (lr, momentum, 1 - momentum))
def momentum_update(w, g, m, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.momentum_update``."""
    w, g, m = w[start:stop], g[start:stop], m[start:stop]
    rate, old, new, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        m[i] = old * m[i] + new * _gradient(g[i], w[i], weight_decay, sign)
        w[i] -= rate * m[i]


@loop_of(
    rules.rmsprop_update,
    lambda lr, alpha, eps, eps_inside_root, momentum: (
        *(lr, alpha, 1 - alpha),
        *_eps(eps, eps_inside_root),
        momentum,
    ),
)
def rmsprop_update(w, g, v, buffer, mean, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.rmsprop_update``."""
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


@loop_of(rules.adagrad_update, lambda lr, eps: (lr, eps))
def adagrad_update(w, g, v, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.adagrad_update``."""
    w, g, v = w[start:stop], g[start:stop], v[start:stop]
    rate, eps, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        v[i] += gradient * gradient
        w[i] -= rate * gradient / (np.sqrt(v[i]) + eps)


@loop_of(rules.adadelta_update, lambda lr, rho, eps: (lr, rho, 1 - rho, eps))
def adadelta_update(w, g, v, u, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.adadelta_update``."""
    w, g, v, u = w[start:stop], g[start:stop], v[start:stop], u[start:stop]
    rate, old, new, eps, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        v[i] = old * v[i] + new * gradient * gradient
        step = np.sqrt((u[i] + eps) / (v[i] + eps)) * gradient
        u[i] = old * u[i] + new * step * step
        w[i] -= rate * step


def _adam_numbers(
    lr: float,
    beta1: float,
    beta2: float,
    correction1: float,
    correction2: float,
    eps: float,
    eps_inside_root: bool,
    decoupled: float,
) -> tuple[float, ...]:
    """The root of correction2 is taken out of the root: it goes into the rate and into eps."""
    root = correction2**0.5
    inside_outside = _eps(eps * (correction2 if eps_inside_root else root), eps_inside_root)
    return lr * root / correction1, *_moments(beta1, beta2), *inside_outside, 1 - decoupled


@loop_of(rules.adam_update, _adam_numbers)
def adam_update(w, g, m, v, v_max, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.adam_update``."""
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


@loop_of(
    rules.adamax_update,
    lambda lr, beta1, beta2, correction1, eps: (lr / correction1, beta1, 1 - beta1, beta2, eps),
)
def adamax_update(w, g, m, u, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.adamax_update``."""
    w, g, m, u = w[start:stop], g[start:stop], m[start:stop], u[start:stop]
    rate, old, new, fading, eps, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old * m[i] + new * gradient
        before, size = fading * u[i], abs(gradient) + eps
        u[i] = size if size > before or size != size else before
        w[i] -= rate * m[i] / u[i]


@loop_of(
    rules.nadam_update,
    lambda lr, beta1, beta2, correction2, momentum_factor, gradient_factor, eps, decoupled: (
        *(lr * correction2**0.5, *_moments(beta1, beta2), momentum_factor, gradient_factor),
        *(eps * correction2**0.5, 1 - decoupled),
    ),
)
def nadam_update(w, g, m, v, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.nadam_update``."""
    w, g, m, v = w[start:stop], g[start:stop], m[start:stop], v[start:stop]
    rate, old1, new1, old2, new2, by_m, by_g, eps, kept, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old1 * m[i] + new1 * gradient
        v[i] = old2 * v[i] + new2 * gradient * gradient
        step = (by_m * m[i] + by_g * gradient) / (np.sqrt(v[i]) + eps)
        w[i] = kept * w[i] - rate * step


@loop_of(
    rules.radam_update,
    lambda lr, beta1, beta2, correction1, correction2, rectification, eps, decoupled: (
        lr / correction1 * (rectification * correction2**0.5 if rectification else 1),
        *(*_moments(beta1, beta2), eps, bool(rectification), 1 - decoupled),
    ),
)
def radam_update(w, g, m, v, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.radam_update``."""
    w, g, m, v = w[start:stop], g[start:stop], m[start:stop], v[start:stop]
    rate, old1, new1, old2, new2, eps, adapts, kept, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        m[i] = old1 * m[i] + new1 * gradient
        v[i] = old2 * v[i] + new2 * gradient * gradient
        adaptive = m[i] / (np.sqrt(v[i]) + eps)
        w[i] = kept * w[i] - rate * (adaptive if adapts else m[i])


@loop_of(rules.asgd_update, lambda lr, share, decoupled: (lr, share, 1 - decoupled))
def asgd_update(w, g, mean, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.asgd_update``."""
    w, g, mean = w[start:stop], g[start:stop], mean[start:stop]
    rate, share, kept, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        w[i] = kept * w[i] - rate * gradient
        mean[i] = w[i] if share == 1 else mean[i] + share * (w[i] - mean[i])


@loop_of(
    rules.rprop_update,
    lambda eta_minus, eta_plus, smallest, largest: (eta_minus, eta_plus, smallest, largest),
)
def rprop_update(w, g, before, size, numbers, start, stop):  # type: ignore[no-untyped-def]
    """``rules.rprop_update``."""
    w, g, before, size = w[start:stop], g[start:stop], before[start:stop], size[start:stop]
    eta_minus, eta_plus, smallest, largest, weight_decay, sign = _cast(w, numbers)
    for i in range(len(w)):
        gradient = _gradient(g[i], w[i], weight_decay, sign)
        turn = gradient * before[i]
        factor = eta_plus if turn > 0 else eta_minus if turn < 0 else turn + 1
        step = factor * size[i]
        size[i] = smallest if step < smallest else largest if step > largest else step
        before[i] = 0 if turn < 0 else gradient
        w[i] -= np.sign(before[i]) * size[i]


def _moments(beta1: float, beta2: float) -> tuple[float, ...]:
    return beta1, 1 - beta1, beta2, 1 - beta2


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
