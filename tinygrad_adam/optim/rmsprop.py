"""Steps scaled by a mean of squared gradients: RMSprop and Adadelta; by their sum: Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.backend import Array, Update, kernels
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


class RMSprop(Optimizer):
    """Divide each gradient by the root of the mean of its recent squares.

    ::

        v = alpha * v + (1 - alpha) * g^2
        w = w - lr * g / (sqrt(v) + eps)        or, with eps_inside_root, / sqrt(v + eps)

    Args:
        params: what to optimize, see :class:`Optimizer`.
        lr: learning rate, a number or a 0-d tensor.
        alpha: share of the old mean that is kept.
        eps: keeps the division finite.
        weight_decay: factor of the L2 penalty.
        momentum: sum up the scaled gradients with this factor.
        centered: subtract the squared mean of the gradients from v: a variance.
        capturable: keep the number of steps on the GPU, for CUDA graphs.
        foreach: accepted and without effect: the update is always one pass.
        maximize: go up instead of down.
        differentiable: not supported.
        eps_inside_root: the notes' place for eps, ``sqrt(v + eps)``.

    Raises:
        ValueError: an option out of range.

    State: ``step square_avg``, ``momentum_buffer`` with momentum, ``grad_avg`` if centered.

    Source: PyTorch, ``torch.optim.RMSprop``; Hinton's lecture 6 (2012).
    """

    extra_options: ClassVar[dict[str, Any]] = {"eps_inside_root": False}
    letters: ClassVar[dict[str, str]] = {
        "square_avg": "v",
        "momentum_buffer": "m",
        "grad_avg": "g_mean",
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        *,
        eps_inside_root: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "eps_inside_root": eps_inside_root,
        }
        super().__init__(params, defaults)

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above."""
        if not state:
            state["step"] = counter(parameter, group)
            state["square_avg"] = zeros_like(parameter)
        if group["momentum"] and "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(parameter)
        if group["centered"] and "grad_avg" not in state:
            state["grad_avg"] = zeros_like(parameter)
        count_step(state)
        return Update(
            kernels(parameter.array).rmsprop_update,
            arrays(
                parameter,
                gradient,
                state["square_avg"],
                state["momentum_buffer"] if group["momentum"] else None,
                state["grad_avg"] if group["centered"] else None,
            ),
            {
                "lr": number(group["lr"]),
                "alpha": group["alpha"],
                "eps": group["eps"],
                "eps_inside_root": group["eps_inside_root"],
                "momentum": group["momentum"],
                "weight_decay": group["weight_decay"],
                "maximize": group["maximize"],
            },
        )

    def moments(self, parameter: Tensor) -> dict[str, Array]:
        """Return the state, and what the step was made of, by the papers' letters."""
        found = super().moments(parameter)
        if found:
            group = self.group_of(parameter)
            variance = found["v"] - found["g_mean"] ** 2 if group["centered"] else found["v"]
            found["effective_lr"] = number(group["lr"]) / root(
                variance, group["eps"], group["eps_inside_root"]
            )
        return found


class Adagrad(Optimizer):
    """Divide each gradient by the root of the sum of all its squares so far.

    ::

        v = v + g^2
        w = w - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(v) + eps)

    Args:
        params: what to optimize, see :class:`Optimizer`.
        lr: learning rate, a number or a 0-d tensor.
        lr_decay: lowers the rate with the number t of the step.
        weight_decay: factor of the L2 penalty.
        initial_accumulator_value: v before the first step. Here a group may have its own; PyTorch
            starts all groups at the constructor's.
        eps: keeps the division finite.
        foreach, fused: accepted and without effect: the update is always one pass.
        maximize: go up instead of down.
        differentiable: not supported.

    Raises:
        ValueError: an option out of range.

    State, from the start: ``step sum``.

    Source: PyTorch, ``torch.optim.Adagrad``; Duchi, Hazan, Singer (2011).
    """

    letters: ClassVar[dict[str, str]] = {"sum": "v"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group; its sums start at once."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for parameter in group["params"]:
            self._start(parameter, self.state[parameter], group)

    def _start(self, parameter: Tensor, state: State, group: Group) -> None:
        state["step"] = counter(parameter, group)
        state["sum"] = zeros_like(parameter)
        for part in arrays(state["sum"]):  # real and imaginary part each start there
            part[...] = group["initial_accumulator_value"]

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above."""
        if not state:
            self._start(parameter, state, group)
        step = count_step(state)
        return Update(
            kernels(parameter.array).adagrad_update,
            arrays(parameter, gradient, state["sum"]),
            {
                "lr": number(group["lr"]) / (1 + (step - 1) * group["lr_decay"]),
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
            lr = number(group["lr"]) / (1 + max(step - 1, 0) * group["lr_decay"])
            found["effective_lr"] = lr / root(found["v"], group["eps"])
        return found


class Adadelta(Optimizer):
    """Scale by earlier steps as well, so that the step has the units of the parameter.

    ::

        v = rho * v + (1 - rho) * g^2
        step = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * step^2
        w = w - lr * step

    Args:
        params: what to optimize, see :class:`Optimizer`.
        lr: factor of the step; 1 is the paper's.
        rho: share of the old means that is kept, from 0 to 1.
        eps: added inside both roots.
        weight_decay: factor of the L2 penalty.
        foreach: accepted and without effect: the update is always one pass.
        capturable: keep the number of steps on the GPU, for CUDA graphs.
        maximize: go up instead of down.
        differentiable: not supported.

    Raises:
        ValueError: an option out of range.

    State: ``step square_avg acc_delta``.

    Source: PyTorch, ``torch.optim.Adadelta``; Zeiler (2012).
    """

    letters: ClassVar[dict[str, str]] = {"square_avg": "v", "acc_delta": "u"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above."""
        if not state:
            state["step"] = counter(parameter, group)
            state["square_avg"] = zeros_like(parameter)
            state["acc_delta"] = zeros_like(parameter)
        count_step(state)
        return Update(
            kernels(parameter.array).adadelta_update,
            arrays(parameter, gradient, state["square_avg"], state["acc_delta"]),
            {
                "lr": number(group["lr"]),
                "rho": group["rho"],
                "eps": group["eps"],
                "weight_decay": group["weight_decay"],
                "maximize": group["maximize"],
            },
        )
