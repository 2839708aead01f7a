"""Adam's relatives: Adamax, NAdam and RAdam."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_adam.backend import array_module
from tinygrad_adam.backend.plain.optimizers import root_plus
from tinygrad_adam.optim.optimizer import Group, Optimizer, Params, State
from tinygrad_adam.optim.options import choose, number
from tinygrad_adam.tensor import Tensor


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root mean square.

    ::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        w = w - lr / (1 - beta1^t) * m / u

    Args:
        params, lr
        betas: share of the old mean that is kept; how fast the maximum is forgotten.
        eps, weight_decay, foreach, maximize, differentiable, capturable

    Raises:
        ValueError: an option out of range.

    State: ``step exp_avg exp_inf``.

    Source: PyTorch, ``torch.optim.Adamax``; Kingma and Ba (2015), algorithm 2.
    """

    kernel = "adamax_update"
    passed = ("eps",)
    letters: ClassVar[dict[str, str]] = {"exp_avg": "m", "exp_inf": "u"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        names = "lr betas eps weight_decay foreach maximize differentiable capturable"
        super().__init__(params, choose(locals(), names))

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the correction of m."""
        return {"correction1": 1 - group["betas"][0] ** step}

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return m with its bias corrected, and the rate of each element."""
        return {
            "m_hat": found["m"] / (1 - group["betas"][0] ** step),
            "effective_lr": number(group["lr"]) / found["u"],
        }


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, under a schedule that warms the momentum up.

    ::

        mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        m_hat = mu_(t+1) / (1 - mu_1 ... mu_(t+1)) * m + (1 - mu_t) / (1 - mu_1 ... mu_t) * g
        w = w - lr * m_hat / (sqrt(v_hat) + eps)          m, v, v_hat as in Adam

    Args:
        params, lr, betas, eps
        weight_decay: factor of the L2 penalty, or of the decoupled decay.
        momentum_decay: how fast mu rises from ``beta1 / 2`` to ``beta1``.
        decoupled_weight_decay, foreach, maximize, capturable, differentiable

    Raises:
        ValueError: an option out of range.

    State: ``step mu_product exp_avg exp_avg_sq``.

    Source: PyTorch, ``torch.optim.NAdam``; Dozat, "Incorporating Nesterov Momentum into Adam"
    (2016).
    """

    kernel = "nadam_update"
    passed = ("eps",)
    counters = ("step", "mu_product")
    letters: ClassVar[dict[str, str]] = {"exp_avg": "m", "exp_avg_sq": "v"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        names = (
            "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize foreach "
            "capturable differentiable"
        )
        super().__init__(params, choose(locals(), names))

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the correction of v, and what the schedule of the momentum gives."""
        mu = momentum_schedule(step, group)
        mu_next = momentum_schedule(step + 1, group)
        product = state["mu_product"].array
        product *= mu  # in float32, as PyTorch keeps it
        mu_product = number(state["mu_product"])
        return {
            "correction2": 1 - group["betas"][1] ** step,
            "momentum_factor": mu_next / (1 - mu_product * mu_next),
            "gradient_factor": (1 - mu) / (1 - mu_product),
        }

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return v with its bias corrected, and the rate of each element."""
        v_hat = found["v"] / (1 - group["betas"][1] ** step)
        return {
            "v_hat": v_hat,
            "effective_lr": number(group["lr"]) / root_plus(v_hat, group["eps"]),
        }


class RAdam(Optimizer):
    """Adam that takes plain momentum steps until v has seen enough gradients to be trusted.

    ::

        rho_inf = 2 / (1 - beta2) - 1
        rho_t = rho_inf - 2 * t * beta2^t / (1 - beta2^t)
        r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))
        w = w - lr * m_hat * r_t * sqrt(1 - beta2^t) / (sqrt(v) + eps)        if rho_t > 5
        w = w - lr * m_hat                                                    otherwise

    Args:
        params, lr, betas, eps
        weight_decay: factor of the L2 penalty, or of the decoupled decay.
        decoupled_weight_decay, foreach, maximize, capturable, differentiable

    Raises:
        ValueError: an option out of range.

    State: ``step exp_avg exp_avg_sq``.

    Source: PyTorch, ``torch.optim.RAdam``; Liu et al., "On the Variance of the Adaptive Learning
    Rate and Beyond" (2020).
    """

    kernel = "radam_update"
    passed = ("eps",)
    letters: ClassVar[dict[str, str]] = {"exp_avg": "m", "exp_avg_sq": "v"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        names = (
            "lr betas eps weight_decay maximize foreach capturable decoupled_weight_decay "
            "differentiable"
        )
        super().__init__(params, choose(locals(), names))

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the corrections and the rectification."""
        beta1, beta2 = group["betas"]
        return {
            "correction1": 1 - beta1**step,
            "correction2": 1 - beta2**step,
            "rectification": rectification(step, beta2),
        }

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return the averages with their bias corrected, and the rate of each element."""
        known = self.numbers(step, {}, group)
        correction2, r = known["correction2"], known["rectification"]
        adaptive = r * correction2**0.5 / root_plus(found["v"], group["eps"])
        return {
            "m_hat": found["m"] / known["correction1"],
            "v_hat": found["v"] / correction2,
            "rectification": r,
            # As long as r is 0, the step is that of momentum: the rate alone.
            "effective_lr": number(group["lr"]) * (adaptive if r else adaptive + 1),
        }


def momentum_schedule(step: Any, group: Group) -> Any:
    """Return NAdam's ``mu_t``, which rises from about ``beta1 / 2`` to ``beta1``."""
    return group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"]))


def rectification(step: Any, beta2: float) -> Any:
    """Return RAdam's ``r_t``, or 0 as long as ``rho_t`` is at most 5.

    ``step`` is a float, or a 0-d array on the GPU, which stays there.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * step * beta2**step / (1 - beta2**step)
    square = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    if isinstance(rho, float):
        return math.sqrt(square) if rho > 5 else 0.0
    xp = array_module(rho)
    return xp.where(rho > 5, xp.sqrt(abs(square)), 0.0)
