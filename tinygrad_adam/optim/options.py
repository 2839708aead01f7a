"""Arguments that many optimizers and schedulers take: what each means, and what it may be.

An optimizer or scheduler writes the arguments that only it has into the docstring of its class. The
others are named there without a text, several in a line::

    Args:
        params, lr
        alpha: share of the old mean that is kept.
        eps, weight_decay

:func:`describe` puts their texts from this file in, so that ``help`` shows all of them alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.tensor import Tensor

TEXTS = {
    "params": "what to optimize, see :class:`Optimizer`.",
    "lr": "learning rate, a number or a 0-d tensor.",
    "betas": "shares of the old averages that are kept.",
    "eps": "keeps the division finite.",
    "weight_decay": "factor of the L2 penalty.",
    "foreach": "accepted and without effect: the update is always one pass.",
    "fused": "accepted and without effect: the update is always one pass.",
    "maximize": "go up instead of down.",
    "capturable": "keep the number of steps on the GPU, for CUDA graphs.",
    "differentiable": "not supported.",
    "decoupled_weight_decay": "shrink the weights directly, as AdamW does.",
    "optimizer": "whose rates are scheduled.",
    "last_epoch": "number of the last epoch when training resumes; -1 at the start.",
}


def describe(cls: type) -> None:
    """Complete the docstring of ``cls``: a text for each argument that is only named there."""

    def texts(line: re.Match[str]) -> str:
        names = line[2].split(", ")
        if any(name not in TEXTS for name in names):
            return line[0]
        return "\n".join(f"{line[1]}{name}: {TEXTS[name]}" for name in names)

    if cls.__doc__:
        cls.__doc__ = re.sub(r"^( *)(\w+(?:, \w+)*)$", texts, cls.__doc__, flags=re.MULTILINE)


def choose(arguments: dict[str, Any], names: str) -> dict[str, Any]:
    """Return those arguments of a constructor, its ``locals()``, that are options of a group.

    Args:
        arguments: by name.
        names: which, with spaces between: in the order that they have in PyTorch's groups.
    """
    return {name: arguments[name] for name in names.split()}


def number(value: Any) -> Any:
    """Return an option as a Python number, or, if it is a tensor on a GPU, as a 0-d float64 array.

    The latter can be changed after a CUDA graph was captured.
    """
    if not isinstance(value, Tensor):
        return value.item() if isinstance(value, np.generic) else value
    array = value.array.reshape(())
    return array.item() if isinstance(array, np.ndarray) else array.astype(np.float64)


def check(options: dict[str, Any]) -> None:
    """Raise if an option that is known here has a value that it must not have."""
    for name, check_value in CHECKS.items():
        if name in options:
            check_value(name, options[name])
    if options.get("fused") and options.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def _require_number(name: str, value: Any) -> None:
    if not isinstance(value, (bool, int, float, np.number, Tensor)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")


def not_negative(words: str = "") -> Callable[[str, Any], None]:
    """Return the check of an option that is called ``words`` in PyTorch's error."""

    def check_value(name: str, value: Any) -> None:
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element\n  Its shape is {value.shape}.")
        _require_number(name, value)
        if not number(value) >= 0.0:  # which NaN is not, either
            raise ValueError(
                f"Invalid {words or f'{name} value'}: {value}\n  {name} must be 0 or more."
            )

    return check_value


def _check_betas(name: str, betas: Any) -> None:
    if not isinstance(betas, (tuple, list)):
        raise TypeError(f"betas must be a tuple of two numbers, not {type(betas).__name__}")
    if len(betas) != 2:
        raise ValueError(f"betas must be two numbers, but got {betas}")
    for i, beta in enumerate(betas):
        _require_number(f"betas[{i}]", beta)
        if not 0.0 <= number(beta) < 1.0:
            raise ValueError(
                f"Invalid beta parameter at index {i}: {beta}\n"
                "  Each beta is the share of the old average that is kept: at least 0, below 1."
            )


def _check_share(name: str, value: Any) -> None:
    _require_number(name, value)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"Invalid {name} value: {value}\n  {name} must be between 0 and 1.")


def _refuse_differentiable(name: str, value: Any) -> None:
    if value:
        raise NotImplementedError(
            "differentiable=True is not supported: updates are made in place, outside the graph"
        )


CHECKS: dict[str, Callable[[str, Any], None]] = {
    "lr": not_negative("learning rate"),
    "eps": not_negative("epsilon value"),
    "momentum": not_negative(),
    "weight_decay": not_negative(),
    "alpha": not_negative(),
    "lr_decay": not_negative(),
    "initial_accumulator_value": not_negative(),
    "momentum_decay": not_negative(),
    "betas": _check_betas,
    "rho": _check_share,
    "differentiable": _refuse_differentiable,
}
