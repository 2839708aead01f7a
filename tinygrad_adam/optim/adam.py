"""Adam and AdamW, with the variants that the notes and other libraries write."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.backend.plain.optimizers import root_plus
from tinygrad_adam.optim.optimizer import Group, Optimizer, Params, State
from tinygrad_adam.optim.options import check, choose, number
from tinygrad_adam.tensor import Tensor


class Adam(Optimizer):
    """Momentum and a step size for each element, both corrected for their start at zero.

    ::

        m = beta1 * m + (1 - beta1) * g         m_hat = m / (1 - beta1^t)
        v = beta2 * v + (1 - beta2) * g^2       v_hat = v / (1 - beta2^t)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)

    Where eps stands differs from book to book. All four places are here:

    ====================  ==================================  =====================================
    eps                   after the correction                before it (TensorFlow, Chainer)
    ====================  ==================================  =====================================
    outside the root      ``sqrt(v_hat) + eps`` (PyTorch)     ``(sqrt(v) + eps) / sqrt(1-beta2^t)``
    inside the root       ``sqrt(v_hat + eps)`` (the notes)   ``sqrt((v + eps) / (1-beta2^t))``
    ====================  ==================================  =====================================

    Args:
        params
        lr: learning rate, a number or a 0-d tensor. No element moves much further in one step.
        betas, eps
        weight_decay: factor of the L2 penalty, or of the decoupled decay.
        amsgrad: divide by the root of the largest v so far instead of the present one.
        foreach, fused, maximize, capturable, differentiable
        decoupled_weight_decay: shrink the weights directly, ``w = w - lr * weight_decay * w``,
            instead of adding to the gradient: AdamW.
        bias_correction: False leaves m and v as they are (the first note's uncorrected update):
            the first step is then ``(1 - beta1) / sqrt(1 - beta2)`` times as long.
        eps_inside_root, eps_before_correction: see the table.

    Raises:
        ValueError: an option out of range.

    State: ``step exp_avg exp_avg_sq``, and ``max_exp_avg_sq`` with amsgrad.

    Source: PyTorch, ``torch.optim.Adam``; Kingma and Ba, "Adam: A Method for Stochastic
    Optimization" (2015); Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond" (2018).
    """

    kernel = "adam_update"
    passed = ("eps_inside_root",)
    extra_options: ClassVar[dict[str, Any]] = {
        "bias_correction": True,
        "eps_inside_root": False,
        "eps_before_correction": False,
    }
    letters: ClassVar[dict[str, str]] = {
        "exp_avg": "m",
        "exp_avg_sq": "v",
        "max_exp_avg_sq": "v_max",
    }
    only_with: ClassVar[dict[str, str]] = {"max_exp_avg_sq": "amsgrad"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
        bias_correction: bool = True,
        eps_inside_root: bool = False,
        eps_before_correction: bool = False,
    ) -> None:
        names = (
            "lr betas eps weight_decay amsgrad maximize foreach capturable differentiable fused "
            "decoupled_weight_decay bias_correction eps_inside_root eps_before_correction"
        )
        options = choose(locals(), names)
        if isinstance(betas, (tuple, list)):
            options["betas"] = tuple([x.item() if isinstance(x, Tensor) else x for x in betas])
            check(options)
            if not any(all(isinstance(x, kind) for x in betas) for kind in (float, Tensor)):
                raise ValueError(
                    f"betas must be either both floats or both Tensors\n  They are {betas}."
                )
        super().__init__(params, options)

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return the corrections."""
        correction1, correction2, eps = corrections(step, group)
        return {"correction1": correction1, "correction2": correction2, "eps": eps}

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return the averages with their bias corrected, and the rate of each element."""
        correction1, correction2, eps = corrections(step, group)
        v_hat = found["v_max" if group["amsgrad"] else "v"] / correction2
        return {
            "m_hat": found["m"] / correction1,
            "v_hat": v_hat,
            "effective_lr": number(group["lr"]) / root_plus(v_hat, eps, group["eps_inside_root"]),
        }


class AdamW(Adam):
    """Adam with decoupled weight decay: the weights shrink by ``lr * weight_decay`` each step.

    An L2 penalty would go through m and v, where dividing by the root of v takes most of it away
    from weights with large gradients. Here every weight shrinks alike::

        w = w - lr * weight_decay * w       and then Adam's step

    Args: those of :class:`Adam`; ``weight_decay`` is 0.01 here if not given.

    Source: PyTorch, ``torch.optim.AdamW``; Loshchilov and Hutter, "Decoupled Weight Decay
    Regularization" (2019).
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        bias_correction: bool = True,
        eps_inside_root: bool = False,
        eps_before_correction: bool = False,
    ) -> None:
        names = (
            "lr betas eps weight_decay amsgrad foreach maximize capturable differentiable fused "
            "bias_correction eps_inside_root eps_before_correction"
        )
        super().__init__(params, **choose(locals(), names), decoupled_weight_decay=True)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state. The decay stays decoupled, even if the state was Adam's."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def corrections(step: Any, group: Group) -> tuple[Any, Any, Any]:
    """Return ``1 - beta1^t``, ``1 - beta2^t`` and the eps to add *after* the correction.

    An eps that is added before the correction is divided by it: ``(sqrt(v) + eps) / sqrt(c)`` is
    ``sqrt(v / c) + eps / sqrt(c)``. Without bias correction, both corrections are 1.
    """
    eps = group["eps"]
    if not group["bias_correction"]:
        return 1.0, 1.0, eps
    beta1, beta2 = group["betas"]
    correction1, correction2 = 1 - beta1**step, 1 - beta2**step
    if group["eps_before_correction"]:
        eps = eps / (correction2 if group["eps_inside_root"] else correction2**0.5)
    return correction1, correction2, eps
