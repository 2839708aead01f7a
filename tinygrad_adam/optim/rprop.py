"""Resilient propagation: the signs of the gradients, and a step size for each element."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.backend import Update
from tinygrad_adam.optim.optimizer import Group, Optimizer, Params, State, arrays
from tinygrad_adam.optim.options import choose, number
from tinygrad_adam.tensor import Tensor


class Rprop(Optimizer):
    """Move each element by a size of its own, which grows while its gradient keeps its sign.

    ::

        size = size * etas[1]    where g has the sign of the gradient before
        size = size * etas[0]    where it has the other; g counts as 0 in this step
        w = w - sign(g) * size

    It is meant for gradients over all data: the noise of batches turns signs.

    Args:
        params
        lr: the sizes before the first step, a number or a 0-d tensor.
        etas: factors of the sizes, below 1 and above 1.
        step_sizes: bounds of the sizes.
        capturable, foreach, maximize, differentiable

    Raises:
        ValueError: an option out of range.

    State: ``step prev step_size``.

    Source: PyTorch, ``torch.optim.Rprop``; Riedmiller and Braun, "A direct adaptive method for
    faster backpropagation learning: the RPROP algorithm" (1993).
    """

    kernel = "rprop_update"
    letters: ClassVar[dict[str, str]] = {"prev": "g_before", "step_size": "effective_lr"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        names = "lr etas step_sizes foreach maximize differentiable capturable"
        super().__init__(params, choose(locals(), names))

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise if an option is out of range."""
        super().check_options(options)
        if not 0.0 < options["etas"][0] < 1.0 < options["etas"][1]:
            raise ValueError(
                f"Invalid eta values: {options['etas'][0]}, {options['etas'][1]}\n"
                "  The first lies between 0 and 1, the second above 1."
            )

    def begin(self, parameter: Tensor, state: State, group: Group) -> None:
        """Make the state; all sizes start at the rate."""
        super().begin(parameter, state, group)
        for part in arrays(state["step_size"]):
            part[...] = number(group["lr"])

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return one step by the formula above, in which the rate does not occur."""
        update = super().rule(parameter, gradient, state, group)
        del update.options["lr"]
        return update

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the factors and the bounds of the sizes."""
        names = ("eta_minus", "eta_plus", "smallest", "largest")
        return dict(zip(names, (*group["etas"], *group["step_sizes"])))
