"""Gradient descent, plain and with momentum, and momentum as the notes write it."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.backend import Update
from tinygrad_adam.optim.optimizer import Group, Optimizer, Params, State
from tinygrad_adam.optim.options import choose
from tinygrad_adam.tensor import Tensor


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum on request.

    ::

        buffer = momentum * buffer + (1 - dampening) * g       (the first time: buffer = g)
        w = w - lr * buffer,   with nesterov   w = w - lr * (g + momentum * buffer)

    Args:
        params, lr
        momentum: share of the old buffer that is kept; 0 means no buffer.
        dampening: share of the new gradient that is left out of the buffer.
        weight_decay: factor of the L2 penalty, whose gradient ``weight_decay * w`` is added to g.
        nesterov: look ahead; needs a momentum and no dampening.
        maximize, foreach, fused, differentiable

    Raises:
        ValueError: an option out of range.

    State: ``momentum_buffer``, if there is momentum.

    Source: PyTorch, ``torch.optim.SGD``.
    """

    kernel = "sgd_update"
    passed = ("momentum", "dampening", "nesterov")
    counters = ()
    letters: ClassVar[dict[str, str]] = {"momentum_buffer": "m"}
    only_with: ClassVar[dict[str, str]] = {"momentum_buffer": "momentum"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        names = "lr momentum dampening weight_decay nesterov maximize foreach differentiable fused"
        super().__init__(params, choose(locals(), names))

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise if an option is out of range."""
        super().check_options(options)
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening\n"
                f"  momentum is {options['momentum']}, dampening {options['dampening']}."
            )

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above; nothing is left out of the first gradient."""
        first = state.get("momentum_buffer") is None
        update = super().rule(parameter, gradient, state, group)
        if first:
            update.options["dampening"] = 0.0
        return update


class Momentum(Optimizer):
    """Momentum descent as an exponentially weighted average of the gradients.

    ::

        m = momentum * m + (1 - momentum) * g
        w = w - lr * m

    ``SGD(lr=r, momentum=k)`` adds the gradients up and so moves about ``1 / (1 - k)`` times as far
    at the same rate; here a constant gradient moves w by ``lr * g``, once m has caught up.

    Args:
        params, lr
        momentum: share of the old average that is kept, at least 0 and below 1.
        weight_decay, maximize

    Raises:
        ValueError: an option out of range.

    State: ``momentum_buffer``, zeros before the first step.

    Source: the second study note; PyTorch has no optimizer of this name.
    """

    kernel = "momentum_update"
    passed = ("momentum",)
    counters = ()
    letters: ClassVar[dict[str, str]] = {"momentum_buffer": "m"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        momentum: float = 0.9,
        weight_decay: float | Tensor = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, choose(locals(), "lr momentum weight_decay maximize"))

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise if an option is out of range."""
        super().check_options(options)
        if options["momentum"] >= 1:
            raise ValueError(
                f"Invalid momentum value: {options['momentum']}\n"
                "  It is the share of the old average that is kept: below 1."
            )
