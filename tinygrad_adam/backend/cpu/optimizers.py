"""The update rules: one step of each optimizer on plain arrays, in place.

Each rule is its paper's formula, written once: the optimizer classes and the dictionary form of the
notes both call it, and the CUDA kernels are checked against it. Letters are the papers' letters:

    w  the parameter, written      m  mean of the gradients (first moment), written
    g  its gradient, only read     v  mean of their squares (second moment), written

What depends on the number of the step, such as the bias corrections ``1 - beta ** t``, is a number
when it comes here, so that a rule never counts.

Speed. NumPy walks through memory once for each operation, so operations are what counts. A moving
average takes NumPy three (two products, a sum) and BLAS one: :func:`average`. That leaves Adam
seven walks instead of twelve, over pieces of the arrays that stay in the processor's cache
meanwhile (`updates`). Intermediate results go into a few arrays ``t`` that each thread keeps
(:func:`temporary`): memory that is in the cache, and that nobody has to ask the system for.
"""

from __future__ import annotations

import numpy as np

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.cpu import blas, threads
from tinygrad_adam.backend.cpu.updates import in_pieces


def temporary(like: Array, name: str = "t") -> Array:
    """Return an array of the shape and dtype of ``like`` for intermediate results.

    The next call with this name in the same thread returns the same memory.
    """
    if type(like) is not np.ndarray:
        return array_module(like).empty_like(like)
    return threads.scratch(f"optimizers.{name}", like.shape, like.dtype)


def add_scaled(target: Array, array: Array, factor: float, t: Array) -> None:
    """``target = target + factor * array``, with ``t`` for the product (it may be ``array``)."""
    if not _in_one_walk(factor, array, 1.0, target):
        target += array_module(target).multiply(array, factor, out=t)


def average(mean: Array, new: Array, keep: float, t: Array) -> None:
    """``mean = keep * mean + (1 - keep) * new``, with ``t`` for the product (it may be ``new``)."""
    if not _in_one_walk(1 - keep, new, keep, mean):
        mean *= keep
        mean += array_module(mean).multiply(new, 1 - keep, out=t)


def average_squares(mean: Array, new: Array, keep: float, t: Array) -> None:
    """``mean = keep * mean + (1 - keep) * new^2``, with ``t`` for the squares."""
    average(mean, array_module(mean).multiply(new, new, out=t), keep, t)


def _in_one_walk(alpha: float, x: Array, beta: float, y: Array) -> bool:
    """Write ``beta * y + alpha * x`` into y where BLAS can do it and is faster."""
    return type(y) is np.ndarray and blas.library().axpby(alpha, x, beta, y)


def root_plus(v: Array, eps: float, inside: bool, t: Array) -> Array:
    """Return ``sqrt(v) + eps`` in ``t``, or ``sqrt(v + eps)`` with eps inside the root."""
    xp = array_module(v)
    if inside:
        return xp.sqrt(xp.add(v, eps, out=t), out=t)
    xp.sqrt(v, out=t)
    t += eps
    return t


def divide(a: Array, b: Array, t: Array) -> Array:
    """Return ``a / b`` in ``t``."""
    return array_module(a).divide(a, b, out=t)


def descent_gradient(
    w: Array, g: Array, *, weight_decay: float, maximize: bool, decoupled: float = 0.0
) -> Array:
    """Return the gradient to descend along; ``g`` itself is never written.

    ::

        g = -g                          to maximize
        g = g + weight_decay * w        L2 penalty: the gradient of weight_decay/2 * w^2
        w = w - decoupled * w           decoupled weight decay, past all moments (AdamW)

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    xp = array_module(w)
    if weight_decay:
        penalty = xp.multiply(w, weight_decay, out=temporary(w, "gradient"))
        g = xp.subtract(penalty, g, out=penalty) if maximize else xp.add(penalty, g, out=penalty)
    elif maximize:
        g = xp.negative(g, out=temporary(w, "gradient"))
    if decoupled:
        w *= 1 - decoupled
    return g


@in_pieces
def sgd_update(
    w: Array,
    g: Array,
    buffer: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Gradient descent; with ``buffer`` (zeros before the first step), with momentum.

    ::

        buffer = momentum * buffer + (1 - dampening) * g
        w = w - lr * buffer                                    momentum
        w = w - lr * (g + momentum * buffer)                   Nesterov's momentum
        w = w - lr * g                                         without a buffer

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning"
    (2013), in PyTorch's form (``torch.optim.SGD``).
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    t = temporary(w)
    if buffer is not None:
        buffer *= momentum
        add_scaled(buffer, g, 1 - dampening, t)
        if nesterov:
            add_scaled(w, buffer, -lr * momentum, t)
        else:
            g = buffer
    add_scaled(w, g, -lr, t)


@in_pieces
def momentum_update(
    w: Array,
    g: Array,
    m: Array,
    *,
    lr: float,
    momentum: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Momentum as an exponentially weighted average of the gradients.

    ::

        m = momentum * m + (1 - momentum) * g
        w = w - lr * m
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    t = temporary(w)
    average(m, g, momentum, t)
    add_scaled(w, m, -lr, t)


@in_pieces
def rmsprop_update(
    w: Array,
    g: Array,
    v: Array,
    buffer: Array | None = None,
    mean: Array | None = None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    eps_inside_root: bool = False,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """RMSprop: divide by the root of the mean square of the gradients.

    ::

        v = alpha * v + (1 - alpha) * g^2
        mean = alpha * mean + (1 - alpha) * g          centered: a variance instead of a mean square
        root = sqrt(v - mean^2) + eps                  or sqrt(v - mean^2 + eps)
        w = w - lr * g / root
        buffer = momentum * buffer + g / root          with momentum: w = w - lr * buffer

    Source: Hinton, "Neural Networks for Machine Learning", lecture 6 (2012); centered: Graves,
    "Generating Sequences With Recurrent Neural Networks" (2013).
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    t = temporary(w)
    average_squares(v, g, alpha, t)
    variance = v
    if mean is not None:
        average(mean, g, alpha, t)
        xp = array_module(w)
        variance = xp.subtract(v, xp.multiply(mean, mean, out=t), out=t)
    step = divide(g, root_plus(variance, eps, eps_inside_root, t), t)
    if buffer is None:
        add_scaled(w, step, -lr, t)
    else:
        buffer *= momentum
        buffer += step
        add_scaled(w, buffer, -lr, t)


@in_pieces
def adagrad_update(
    w: Array,
    g: Array,
    v: Array,
    *,
    lr: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adagrad: divide by the root of the sum of all squared gradients so far.

    ::

        v = v + g^2
        w = w - lr * g / (sqrt(v) + eps)

    Source: Duchi, Hazan, Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization" (2011).
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    t = temporary(w)
    v += array_module(w).multiply(g, g, out=t)
    add_scaled(w, divide(g, root_plus(v, eps, False, t), t), -lr, t)


@in_pieces
def adadelta_update(
    w: Array,
    g: Array,
    v: Array,
    u: Array,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adadelta: the step has the units of ``w``, from the mean square ``u`` of earlier steps.

    ::

        v = rho * v + (1 - rho) * g^2
        step = sqrt((u + eps) / (v + eps)) * g
        u = rho * u + (1 - rho) * step^2
        w = w - lr * step

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012).
    """
    xp = array_module(w)
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    t = temporary(w)
    average_squares(v, g, rho, t)
    step = temporary(w, "step")
    xp.add(u, eps, out=step)
    step /= xp.add(v, eps, out=t)
    xp.sqrt(step, out=step)
    step *= g
    average_squares(u, step, rho, t)
    add_scaled(w, step, -lr, t)


@in_pieces
def adam_update(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    v_max: Array | None = None,
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

    ::

        m = beta1 * m + (1 - beta1) * g             m_hat = m / correction1
        v = beta2 * v + (1 - beta2) * g^2           v_hat = v / correction2
        w = w - lr * m_hat / (sqrt(v_hat) + eps)    or sqrt(v_hat + eps)

    AMSGrad puts the largest v so far, ``v_max``, in v's place. Without bias correction both
    corrections are 1.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1;
    AMSGrad: Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond" (2018).
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, decoupled=decoupled, maximize=maximize)
    t = temporary(w)
    average(m, g, beta1, t)
    average_squares(v, g, beta2, t)
    if v_max is not None:
        v = array_module(w).maximum(v_max, v, out=v_max)
    # The paper's cheaper order: sqrt(correction2) is taken out of the root and goes into the rate
    # and into eps, so that the corrections are two numbers and not two more walks over the arrays.
    eps = eps * (correction2 if eps_inside_root else correction2**0.5)
    step = divide(m, root_plus(v, eps, eps_inside_root, t), t)
    add_scaled(w, step, -lr * correction2**0.5 / correction1, t)


@in_pieces
def adamax_update(
    w: Array,
    g: Array,
    m: Array,
    u: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    correction1: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Adamax: Adam with the largest recent gradient in place of the root mean square.

    ::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        w = w - lr / correction1 * m / u

    Source: Kingma and Ba (2015), algorithm 2; eps in PyTorch's place.
    """
    xp = array_module(w)
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    t = temporary(w)
    average(m, g, beta1, t)
    u *= beta2
    xp.absolute(g, out=t)
    t += eps
    xp.maximum(u, t, out=u)
    add_scaled(w, divide(m, u, t), -lr / correction1, t)


@in_pieces
def nadam_update(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
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
    """NAdam: Adam with Nesterov's momentum, that is, with the momentum of the next step.

    ::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        m_hat = momentum_factor * m + gradient_factor * g
        w = w - lr * m_hat / (sqrt(v / correction2) + eps)

    The two factors come from the schedule ``mu_t`` of the momentum: ``mu_(t+1) / (1 - mu_1 ...
    mu_(t+1))`` and ``(1 - mu_t) / (1 - mu_1 ... mu_t)``.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (2016).
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, decoupled=decoupled, maximize=maximize)
    t = temporary(w)
    average(m, g, beta1, t)
    average_squares(v, g, beta2, t)
    m_hat = array_module(w).multiply(m, momentum_factor, out=temporary(w, "step"))
    add_scaled(m_hat, g, gradient_factor, t)
    # As in Adam, the root of the correction goes into the rate and into eps.
    step = divide(m_hat, root_plus(v, eps * correction2**0.5, False, t), t)
    add_scaled(w, step, -lr * correction2**0.5, t)


@in_pieces
def radam_update(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
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
    """RAdam: Adam whose adaptive part waits until the variance of ``v`` is tractable.

    ::

        m = beta1 * m + (1 - beta1) * g             m_hat = m / correction1
        v = beta2 * v + (1 - beta2) * g^2
        w = w - lr * m_hat                          while rectification is 0: momentum descent
        w = w - lr * m_hat * rectification * sqrt(correction2) / (sqrt(v) + eps)

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond" (2020); eps in
    PyTorch's place.
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, decoupled=decoupled, maximize=maximize)
    t = temporary(w)
    average(m, g, beta1, t)
    average_squares(v, g, beta2, t)
    if not rectification:
        add_scaled(w, m, -lr / correction1, t)
        return
    step = divide(m, root_plus(v, eps, False, t), t)
    add_scaled(w, step, -lr / correction1 * rectification * correction2**0.5, t)
