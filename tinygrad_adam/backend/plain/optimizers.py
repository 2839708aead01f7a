"""The update rules: one step of each optimizer on plain arrays, in place.

Each rule is its paper's formula, written once: the optimizer classes and the dictionary form of the
notes both call it, and all other kernels are checked against it. Letters are the papers' letters:

    w  the parameter, written      m  mean of the gradients (first moment), written
    g  its gradient, only read     v  mean of their squares (second moment), written

What depends on the number of the step, such as the bias corrections ``1 - beta ** t``, is a number
when it comes here, so that a rule never counts. A rule computes in the dtype of its arrays, float16
too, as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tinygrad_adam.backend.arrays import Array, array_module

Rule = Callable[..., None]


class Update(NamedTuple):
    """``rule(*arrays, **options)``, which writes all arrays but the second, the gradient.

    A state that is not there is None.
    """

    rule: Rule
    arrays: Sequence[Array | None]
    options: dict[str, Any]


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
    if maximize:
        g = -g
    if weight_decay:
        g = g + weight_decay * w
    if decoupled:
        w *= 1 - decoupled
    return g


def root_plus(v: Array, eps: float, inside: bool = False) -> Array:
    """``sqrt(v) + eps``, or ``sqrt(v + eps)`` with eps inside the root, as a new array."""
    sqrt = array_module(v).sqrt
    return sqrt(v + eps) if inside else sqrt(v) + eps


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
    if buffer is not None:
        buffer *= momentum
        buffer += (1 - dampening) * g
        g = g + momentum * buffer if nesterov else buffer
    w -= lr * g


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
    m *= momentum
    m += (1 - momentum) * g
    w -= lr * m


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
    v *= alpha
    v += (1 - alpha) * g * g
    variance = v
    if mean is not None:
        mean *= alpha
        mean += (1 - alpha) * g
        variance = v - mean * mean
    step = g / root_plus(variance, eps, eps_inside_root)
    if buffer is not None:
        buffer *= momentum
        buffer += step
        step = buffer
    w -= lr * step


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
    v += g * g
    w -= lr * g / root_plus(v, eps)


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
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    v *= rho
    v += (1 - rho) * g * g
    step = array_module(w).sqrt((u + eps) / (v + eps)) * g
    u *= rho
    u += (1 - rho) * step * step
    w -= lr * step


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
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g * g
    if v_max is not None:
        v = array_module(w).maximum(v_max, v, out=v_max)
    w -= lr * (m / correction1) / root_plus(v / correction2, eps, eps_inside_root)


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
    m *= beta1
    m += (1 - beta1) * g
    xp.maximum(beta2 * u, abs(g) + eps, out=u)
    w -= lr / correction1 * m / u


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
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g * g
    m_hat = momentum_factor * m + gradient_factor * g
    w -= lr * m_hat / root_plus(v / correction2, eps)


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
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g * g
    m_hat = m / correction1
    if rectification:
        m_hat *= rectification * correction2**0.5 / root_plus(v, eps)
    w -= lr * m_hat


def asgd_update(
    w: Array,
    g: Array,
    mean: Array,
    *,
    lr: float,
    share: float,
    weight_decay: float = 0.0,
    decoupled: float = 0.0,
    maximize: bool = False,
) -> None:
    """ASGD: gradient descent on a rate that falls, and the mean of the parameters on the way.

    ::

        w = w - decoupled * w - lr * g
        mean = mean + share * (w - mean)            the mean is w itself while share is 1

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992), in
    PyTorch's form (``torch.optim.ASGD``).
    """
    g = descent_gradient(w, g, weight_decay=weight_decay, decoupled=decoupled, maximize=maximize)
    w -= lr * g
    mean[...] = w if share == 1 else mean + share * (w - mean)


def rprop_update(
    w: Array,
    g: Array,
    before: Array,
    size: Array,
    *,
    eta_minus: float,
    eta_plus: float,
    smallest: float,
    largest: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Rprop: of the gradient only the sign counts; each element has a step size of its own.

    ::

        size = eta_plus * size          where g has the sign of the gradient before: speed up
        size = eta_minus * size         where it has the other: g jumped over a minimum, and is
                                        taken as 0 in this step
        w = w - sign(g) * size          size held between smallest and largest

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm" (1993).
    """
    xp = array_module(w)
    g = descent_gradient(w, g, weight_decay=weight_decay, maximize=maximize)
    turn = g * before
    factor = xp.where(turn < 0, eta_minus, turn + 1)  # 1 at 0, and NaN stays NaN
    size *= xp.where(turn > 0, eta_plus, factor)
    xp.clip(size, smallest, largest, out=size)
    before[...] = xp.where(turn < 0, 0, g)
    w -= xp.sign(before) * size
