"""Averaged gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.backend import array_module
from tinygrad_adam.optim.optimizer import Group, Optimizer, Params, State
from tinygrad_adam.optim.options import check, choose, number
from tinygrad_adam.tensor import Tensor


class ASGD(Optimizer):
    """Gradient descent on a rate that falls, with the mean of the parameters beside it.

    ::

        w = w - lambd * eta * w - eta * g
        ax = ax + mu * (w - ax)
        eta = lr / (1 + lambd * lr * t)^alpha           mu = 1 / max(1, t - t0)

    Args:
        params, lr
        lambd: decay of the weights and of the rate.
        alpha: power with which the rate falls.
        t0: number of the step at which averaging starts; ``ax`` is ``w`` before.
        weight_decay, foreach, maximize, differentiable, capturable

    Raises:
        ValueError: an option out of range.

    State: ``step eta mu ax``.

    Source: PyTorch, ``torch.optim.ASGD``; Polyak and Juditsky, "Acceleration of Stochastic
    Approximation by Averaging" (1992).
    """

    kernel = "asgd_update"
    counters = ("step", "eta", "mu")
    letters: ClassVar[dict[str, str]] = {"ax": "mean"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        names = "lr lambd alpha t0 weight_decay foreach maximize differentiable capturable"
        super().__init__(params, choose(locals(), names))

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise if an option is out of range. Here alpha is an exponent, which may be anything."""
        check({name: value for name, value in options.items() if name != "alpha"})

    def begin(self, parameter: Tensor, state: State, group: Group) -> None:
        """Make the state; the first rate is the group's."""
        super().begin(parameter, state, group)
        state["eta"].array[...] = number(group["lr"])

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the rate and the share of this step, and note those of the next."""
        eta, share = number(state["eta"]), number(state["mu"])
        lr, lambd = number(group["lr"]), group["lambd"]
        state["eta"].array[...] = lr / (1 + lambd * lr * step) ** group["alpha"]
        state["mu"].array[...] = 1 / array_module(step).maximum(1.0, step - group["t0"])
        return {"lr": eta, "share": share, "decoupled": lambd * eta}

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return the rate of the next step."""
        lr = number(group["lr"])
        return {"effective_lr": lr / (1 + group["lambd"] * lr * step) ** group["alpha"]}
