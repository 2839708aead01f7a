"""Steps scaled by a mean of squared gradients: RMSprop and Adadelta; by their sum: Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.backend.plain.optimizers import root_plus
from tinygrad_adam.optim.optimizer import Group, Optimizer, Params, State, arrays
from tinygrad_adam.optim.options import choose, number
from tinygrad_adam.tensor import Tensor


class RMSprop(Optimizer):
    """Divide each gradient by the root of the mean of its recent squares.

    ::

        v = alpha * v + (1 - alpha) * g^2
        w = w - lr * g / (sqrt(v) + eps)        or, with eps_inside_root, / sqrt(v + eps)

    Args:
        params, lr
        alpha: share of the old mean that is kept.
        eps, weight_decay
        momentum: sum up the scaled gradients with this factor.
        centered: subtract the squared mean of the gradients from v: a variance.
        capturable, foreach, maximize, differentiable
        eps_inside_root: the notes' place for eps, ``sqrt(v + eps)``.

    Raises:
        ValueError: an option out of range.

    State: ``step square_avg``, ``momentum_buffer`` with momentum, ``grad_avg`` if centered.

    Source: PyTorch, ``torch.optim.RMSprop``; Hinton's lecture 6 (2012).
    """

    extra_options: ClassVar[dict[str, Any]] = {"eps_inside_root": False}
    kernel = "rmsprop_update"
    passed = ("alpha", "eps", "eps_inside_root", "momentum")
    letters: ClassVar[dict[str, str]] = {
        "square_avg": "v",
        "momentum_buffer": "m",
        "grad_avg": "g_mean",
    }
    only_with: ClassVar[dict[str, str]] = {"momentum_buffer": "momentum", "grad_avg": "centered"}

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
        names = (
            "lr momentum alpha eps centered weight_decay capturable foreach maximize "
            "differentiable eps_inside_root"
        )
        super().__init__(params, choose(locals(), names))

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return the rate of each element."""
        v = found["v"] - found["g_mean"] ** 2 if group["centered"] else found["v"]
        v_root = root_plus(v, group["eps"], group["eps_inside_root"])
        return {"effective_lr": number(group["lr"]) / v_root}


class Adagrad(Optimizer):
    """Divide each gradient by the root of the sum of all its squares so far.

    ::

        v = v + g^2
        w = w - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(v) + eps)

    Args:
        params, lr
        lr_decay: lowers the rate with the number t of the step.
        weight_decay
        initial_accumulator_value: v before the first step. Here a group may have its own; PyTorch
            starts all groups at the constructor's.
        eps, foreach, fused, maximize, differentiable

    Raises:
        ValueError: an option out of range.

    State, from the start: ``step sum``.

    Source: PyTorch, ``torch.optim.Adagrad``; Duchi, Hazan, Singer (2011).
    """

    kernel = "adagrad_update"
    passed = ("eps",)
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
        names = (
            "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize "
            "differentiable fused"
        )
        super().__init__(params, choose(locals(), names))

    def add_param_group(self, param_group: Group) -> None:
        """Add a group; its sums start at once."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for parameter in group["params"]:
            self.begin(parameter, self.state[parameter], group)

    def begin(self, parameter: Tensor, state: State, group: Group) -> None:
        """Start the sums where their group says."""
        super().begin(parameter, state, group)
        for part in arrays(state["sum"]):  # real and imaginary part each start there
            part[...] = group["initial_accumulator_value"]

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the rate of this step."""
        return {"lr": number(group["lr"]) / (1 + (step - 1) * group["lr_decay"])}

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return the rate of each element."""
        lr = number(group["lr"]) / (1 + max(step - 1, 0) * group["lr_decay"])
        return {"effective_lr": lr / root_plus(found["v"], group["eps"])}


class Adadelta(Optimizer):
    """Scale by earlier steps as well, so that the step has the units of the parameter.

    ::

        v = rho * v + (1 - rho) * g^2
        step = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * step^2
        w = w - lr * step

    Args:
        params
        lr: factor of the step; 1 is the paper's.
        rho: share of the old means that is kept, from 0 to 1.
        eps: added inside both roots.
        weight_decay, foreach, capturable, maximize, differentiable

    Raises:
        ValueError: an option out of range.

    State: ``step square_avg acc_delta``.

    Source: PyTorch, ``torch.optim.Adadelta``; Zeiler (2012).
    """

    kernel = "adadelta_update"
    passed = ("rho", "eps")
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
        names = "lr rho eps weight_decay maximize capturable foreach differentiable"
        super().__init__(params, choose(locals(), names))
