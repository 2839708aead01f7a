"""Adam's relatives: Adamax, NAdam and RAdam."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_adam.backend import Array, Update, array_module, kernels
from tinygrad_adam.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    arrays,
    count_step,
    counter,
    number,
    root,
    zeros_like,
)
from tinygrad_adam.tensor import Tensor


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root mean square.

    ::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        w = w - lr / (1 - beta1^t) * m / u

    Args:
        params: what to optimize, see :class:`Optimizer`.
        lr: learning rate, a number or a 0-d tensor.
        betas: share of the old mean that is kept; how fast the maximum is forgotten.
        eps: keeps the division finite.
        weight_decay: factor of the L2 penalty.
        foreach: accepted and without effect: the update is always one pass.
        maximize: go up instead of down.
        differentiable: not supported.
        capturable: keep the number of steps on the GPU, for CUDA graphs.

    Raises:
        ValueError: an option out of range.

    State: ``step exp_avg exp_inf``.

    Source: PyTorch, ``torch.optim.Adamax``; Kingma and Ba (2015), algorithm 2.
    """

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
        defaults: dict[str, Any] = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above."""
        if not state:
            state["step"] = counter(parameter, group)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_inf"] = zeros_like(parameter)
        beta1, beta2 = group["betas"]
        return Update(
            kernels(parameter.array).adamax_update,
            arrays(parameter, gradient, state["exp_avg"], state["exp_inf"]),
            {
                "lr": number(group["lr"]),
                "beta1": beta1,
                "beta2": beta2,
                "correction1": 1 - beta1 ** count_step(state),
                "eps": group["eps"],
                "weight_decay": group["weight_decay"],
                "maximize": group["maximize"],
            },
        )

    def moments(self, parameter: Tensor) -> dict[str, Array]:
        """Return the state, and what the step was made of, by the papers' letters."""
        found = super().moments(parameter)
        if found:
            group = self.group_of(parameter)
            step = number(self.state[parameter]["step"])
            found["m_hat"] = found["m"] / (1 - group["betas"][0] ** step)
            found["effective_lr"] = number(group["lr"]) / found["u"]
        return found


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, under a schedule that warms the momentum up.

    ::

        mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        m_hat = mu_(t+1) / (1 - mu_1 ... mu_(t+1)) * m + (1 - mu_t) / (1 - mu_1 ... mu_t) * g
        w = w - lr * m_hat / (sqrt(v_hat) + eps)          m, v, v_hat as in Adam

    Args:
        params: what to optimize, see :class:`Optimizer`.
        lr: learning rate, a number or a 0-d tensor.
        betas: shares of the old averages that are kept.
        eps: keeps the division finite.
        weight_decay: factor of the L2 penalty, or of the decoupled decay.
        momentum_decay: how fast mu rises from ``beta1 / 2`` to ``beta1``.
        decoupled_weight_decay: shrink the weights directly, as AdamW does.
        foreach: accepted and without effect: the update is always one pass.
        maximize: go up instead of down.
        capturable: keep the number of steps on the GPU, for CUDA graphs.
        differentiable: not supported.

    Raises:
        ValueError: an option out of range.

    State: ``step mu_product exp_avg exp_avg_sq``.

    Source: PyTorch, ``torch.optim.NAdam``; Dozat, "Incorporating Nesterov Momentum into Adam"
    (2016).
    """

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
        defaults: dict[str, Any] = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above."""
        if not state:
            state["step"] = counter(parameter, group)
            state["mu_product"] = counter(parameter, group, 1.0)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        lr = number(group["lr"])
        beta1, beta2 = group["betas"]
        step = count_step(state)
        mu = momentum_schedule(step, group)
        mu_next = momentum_schedule(step + 1, group)
        product = state["mu_product"].array
        product *= mu  # in float32, as PyTorch keeps it
        mu_product = number(state["mu_product"])
        decoupled = group["decoupled_weight_decay"]
        return Update(
            kernels(parameter.array).nadam_update,
            arrays(parameter, gradient, state["exp_avg"], state["exp_avg_sq"]),
            {
                "lr": lr,
                "beta1": beta1,
                "beta2": beta2,
                "correction2": 1 - beta2**step,
                "momentum_factor": mu_next / (1 - mu_product * mu_next),
                "gradient_factor": (1 - mu) / (1 - mu_product),
                "eps": group["eps"],
                "weight_decay": 0.0 if decoupled else group["weight_decay"],
                "decoupled": lr * group["weight_decay"] if decoupled else 0.0,
                "maximize": group["maximize"],
            },
        )

    def moments(self, parameter: Tensor) -> dict[str, Array]:
        """Return the state, and what the step was made of, by the papers' letters."""
        found = super().moments(parameter)
        if found:
            group = self.group_of(parameter)
            step = number(self.state[parameter]["step"])
            found["v_hat"] = found["v"] / (1 - group["betas"][1] ** step)
            found["effective_lr"] = number(group["lr"]) / root(found["v_hat"], group["eps"])
        return found


class RAdam(Optimizer):
    """Adam that takes plain momentum steps until v has seen enough gradients to be trusted.

    ::

        rho_inf = 2 / (1 - beta2) - 1
        rho_t = rho_inf - 2 * t * beta2^t / (1 - beta2^t)
        r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))
        w = w - lr * m_hat * r_t * sqrt(1 - beta2^t) / (sqrt(v) + eps)        if rho_t > 5
        w = w - lr * m_hat                                                    otherwise

    Args:
        params: what to optimize, see :class:`Optimizer`.
        lr: learning rate, a number or a 0-d tensor.
        betas: shares of the old averages that are kept.
        eps: keeps the division finite.
        weight_decay: factor of the L2 penalty, or of the decoupled decay.
        decoupled_weight_decay: shrink the weights directly, as AdamW does.
        foreach: accepted and without effect: the update is always one pass.
        maximize: go up instead of down.
        capturable: keep the number of steps on the GPU, for CUDA graphs.
        differentiable: not supported.

    Raises:
        ValueError: an option out of range.

    State: ``step exp_avg exp_avg_sq``.

    Source: PyTorch, ``torch.optim.RAdam``; Liu et al., "On the Variance of the Adaptive Learning
    Rate and Beyond" (2020).
    """

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
        defaults: dict[str, Any] = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above."""
        if not state:
            state["step"] = counter(parameter, group)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        lr = number(group["lr"])
        beta1, beta2 = group["betas"]
        step = count_step(state)
        decoupled = group["decoupled_weight_decay"]
        return Update(
            kernels(parameter.array).radam_update,
            arrays(parameter, gradient, state["exp_avg"], state["exp_avg_sq"]),
            {
                "lr": lr,
                "beta1": beta1,
                "beta2": beta2,
                "correction1": 1 - beta1**step,
                "correction2": 1 - beta2**step,
                "rectification": rectification(step, beta2),
                "eps": group["eps"],
                "weight_decay": 0.0 if decoupled else group["weight_decay"],
                "decoupled": lr * group["weight_decay"] if decoupled else 0.0,
                "maximize": group["maximize"],
            },
        )

    def moments(self, parameter: Tensor) -> dict[str, Array]:
        """Return the state, and what the step was made of, by the papers' letters."""
        found = super().moments(parameter)
        if found:
            group = self.group_of(parameter)
            beta1, beta2 = group["betas"]
            step = number(self.state[parameter]["step"])
            found["m_hat"] = found["m"] / (1 - beta1**step)
            found["v_hat"] = found["v"] / (1 - beta2**step)
            r = found["rectification"] = rectification(step, beta2)
            adaptive = r * (1 - beta2**step) ** 0.5 / root(found["v"], group["eps"])
            # As long as r is 0, the step is that of momentum: the rate alone.
            found["effective_lr"] = number(group["lr"]) * (adaptive if r else adaptive + 1)
        return found


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
