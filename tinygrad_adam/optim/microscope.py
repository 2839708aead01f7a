"""A microscope for optimizers: what happened to chosen parameters, step by step.

::

    with optim.Microscope(optimizer, model) as scope:
        train(...)
    scope["fc.weight"]["m_hat"]             # array of shape (steps, *weight.shape)
    print(scope.table("fc.weight"))         # the first element, a line for each step

It hangs on the optimizer's step hooks: without a microscope nothing is recorded and nothing costs
time, and with one only the chosen parameters are copied. The gradients, moments and steps are the
optimizer's own arrays, not a second calculation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.backend import to_numpy
from tinygrad_adam.optim.adam import Adam, corrections
from tinygrad_adam.optim.optimizer import Optimizer
from tinygrad_adam.optim.options import choose, number
from tinygrad_adam.tensor import Tensor

Record = dict[str, Any]


class Microscope:
    """Records what ``optimizer`` does to ``parameters`` in each step from now on.

    Args:
        optimizer: any optimizer of this package, or one that has its ``step``.
        parameters: which to look at: a module, a dictionary or pairs of names and tensors, tensors,
            or one tensor; names, or one name, if the optimizer was made from
            ``model.named_parameters()``; all that the optimizer has if not given. Without names,
            their number.
        index: which elements of each parameter to keep, such as ``(0, 0)`` or ``slice(3)``; all if
            not given.
        every: record every so many steps, 1 or more.

    Attributes:
        records: for each name, a list of dictionaries, one for each recorded step:

            ==================  ================================================================
            ``step``            number of the step, from 1
            ``lr``              learning rate of the group
            ``weight``          the parameter after the step
            ``gradient``        its gradient, as ``backward`` left it
            ``m v u …``         the optimizer's state after the step, by the papers' letters
            ``m_hat v_hat``     corrected for bias, where the optimizer does that
            ``effective_lr``    factor from the (averaged) gradient to the step, for each element
            ``effective_step``  the parameter after the step minus before
            ``update_ratio``    norm of the step over norm of the weights, of the whole parameter;
                                about 1e-3 is usual in a healthy training
            ==================  ================================================================

    Raises:
        KeyError: a parameter that the optimizer does not have.
        TypeError: a complex parameter, of which real and imaginary part have moments of their own.
        ValueError: ``every`` is below 1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Any = None,
        *,
        index: Any = ...,
        every: int = 1,
    ) -> None:
        if every < 1:
            raise ValueError(f"every counts steps from 1, got {every}")
        self.optimizer = optimizer
        self.parameters = _named(optimizer, parameters)
        self.index = index
        self.every = every
        self.records: dict[str, list[Record]] = {name: [] for name in self.parameters}
        for name, parameter in self.parameters.items():
            optimizer.group_of(parameter)
            if parameter.array.dtype.kind == "c":
                raise TypeError(
                    f"parameter {name} is complex: look at view_as_real of it, optimized as such"
                )
        self._steps = 0
        self._before: dict[str, np.ndarray] = {}
        self._handles = [
            optimizer.register_step_pre_hook(self._look_before),
            optimizer.register_step_post_hook(self._look_after),
        ]

    def _look_before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._steps += 1
        self._before = {}
        if self._steps % self.every == 0:
            self._before = {name: _copy(p.array) for name, p in self.parameters.items()}

    def _look_after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for name, before in self._before.items():
            parameter = self.parameters[name]
            if parameter.grad is None:
                continue
            change = to_numpy(parameter.array) - before
            with np.errstate(all="ignore"):
                ratio = np.linalg.norm(change) / np.linalg.norm(before)
                moments = optimizer.moments(parameter)
            arrays = {
                "weight": parameter.array,
                "gradient": parameter.grad.array,
                **moments,
                "effective_step": change,
            }
            state = optimizer.state.get(parameter, {})
            step = int(number(state["step"])) if "step" in state else self._steps
            lr = float(number(optimizer.group_of(parameter)["lr"]))
            record: Record = {"step": step, "lr": lr}
            for quantity, array in arrays.items():
                kept = np.ndim(array) == 0 and parameter.array.ndim > 0
                record[quantity] = array if kept else _copy(array[self.index])
            record["update_ratio"] = float(ratio)
            self.records[name].append(record)

    def __getitem__(self, name: str) -> dict[str, np.ndarray]:
        """Return the history of one parameter: for each quantity, an array over the steps."""
        records = self.records[name]
        return {
            quantity: np.stack([np.asarray(record[quantity]) for record in records])
            for quantity in (records[0] if records else ())
        }

    def table(self, name: str, element: int = 0) -> str:
        """Return a table of one element of a parameter: a line for each recorded step.

        Args:
            name: the parameter.
            element: number of the element among those kept, in C order.
        """
        history = self[name]
        columns = [
            [quantity, *(_short(np.ravel(value)[_pick(value, element)]) for value in values)]
            for quantity, values in history.items()
        ]
        widths = [max(map(len, column)) for column in columns]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in zip(*columns, strict=True)
        )

    def close(self) -> None:
        """Stop recording. What is recorded stays."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> Microscope:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        steps = max((len(records) for records in self.records.values()), default=0)
        return (
            f"Microscope({type(self.optimizer).__name__}, parameters={list(self.parameters)}, "
            f"recorded steps={steps})"
        )


def worked_example(
    gradients: Sequence[float] = (0.1, -0.2, 0.3),
    weight: float = 1.0,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    bias_correction: bool = True,
    eps_inside_root: bool = False,
    eps_before_correction: bool = False,
) -> str:
    """Return Adam's steps on one weight with every number filled in, to be checked by hand.

    The results are what :class:`Adam` computes, in float64, seen through a :class:`Microscope`.

    Args:
        gradients: the gradient in step 1, 2, ….
        weight: the weight before step 1.
        lr, betas, eps, bias_correction, eps_inside_root, eps_before_correction: Adam's.

    Returns:
        Some lines for each step: formula, numbers, result.
    """
    names = "lr betas eps bias_correction eps_inside_root eps_before_correction"
    options = choose(locals(), names)
    w = Tensor._wrap(np.array(weight, dtype=np.float64))
    optimizer = Adam([w], **options)
    (b1, b2), keep1, keep2 = betas, _short(1 - betas[0]), _short(1 - betas[1])
    lines = [f"Adam on one weight w = {_short(weight)}: lr {lr:g}, betas {b1:g} and {b2:g}, "
             f"eps {eps:g}"]  # fmt: skip
    m = v = 0.0
    before = float(weight)
    with Microscope(optimizer, {"w": w}) as scope:
        for gradient in gradients:
            w.grad = Tensor._wrap(np.array(gradient, dtype=np.float64))
            optimizer.step()
    for record in scope.records["w"]:
        t, g = record["step"], _factor(record["gradient"])
        lines += [
            f"step {t}: g = {_short(record['gradient'])}",
            f"  m     = {b1:g} * {_factor(m)} + {keep1} * {g} = {_short(record['m'])}",
            f"  v     = {b2:g} * {_factor(v)} + {keep2} * {g}^2 = {_short(record['v'])}",
        ]
        m, v = float(record["m"]), float(record["v"])
        if bias_correction:
            lines += [
                f"  m_hat = {_short(m)} / (1 - {b1:g}^{t}) = {_short(record['m_hat'])}",
                f"  v_hat = {_short(v)} / (1 - {b2:g}^{t}) = {_short(record['v_hat'])}",
            ]
        m_hat, v_hat = _factor(record["m_hat"]), _short(record["v_hat"])
        _, _, added = corrections(float(t), optimizer.param_groups[0])
        if added != eps:
            correction = f"(1 - {b2:g}^{t})" if eps_inside_root else f"sqrt(1 - {b2:g}^{t})"
            lines += [f"  e     = {eps:g} / {correction} = {_short(added)}"]
        root = f"(sqrt({v_hat}) + {_short(added)})"
        if eps_inside_root:
            root = f"sqrt({v_hat} + {_short(added)})"
        lines += [
            f"  w     = {_short(before)} - {lr:g} * {m_hat} / {root} = {_short(record['weight'])}"
        ]
        before = float(record["weight"])
    return "\n".join(lines)


def _named(optimizer: Optimizer, parameters: Any) -> dict[str, Tensor]:
    """Return the chosen parameters by name."""
    own: list[Any] = []
    for group in optimizer.param_groups:
        names = group.get("param_names")
        own += group["params"] if names is None else zip(names, group["params"])
    if parameters is None:
        parameters = own
    elif isinstance(parameters, (Tensor, str)):
        parameters = [parameters]
    elif hasattr(parameters, "named_parameters"):
        parameters = parameters.named_parameters()
    elif isinstance(parameters, Mapping):
        parameters = parameters.items()
    by_name: dict[str, Tensor] = dict(entry for entry in own if isinstance(entry, tuple))
    found: dict[str, Tensor] = {}
    for i, entry in enumerate(parameters):
        if isinstance(entry, str) and entry not in by_name:
            raise KeyError(f"{type(optimizer).__name__} has no {entry!r}, only {[*by_name]}")
        if isinstance(entry, tuple):
            found[entry[0]] = entry[1]
        elif isinstance(entry, str):
            found[entry] = by_name[entry]
        else:
            found[str(i)] = entry
    return found


def _copy(array: Any) -> np.ndarray:
    """Return a copy in host memory."""
    return np.array(to_numpy(np.asarray(array) if np.isscalar(array) else array))


def _pick(value: Any, element: int) -> int:
    """Return the number of the element to print; a quantity of the whole parameter has only one."""
    return element if np.size(value) > 1 else 0


def _short(value: Any) -> str:
    return f"{float(value):.10g}"


def _factor(value: Any) -> str:
    """Return a number as it stands in a product: a negative one in parentheses."""
    return f"({_short(value)})" if value < 0 else _short(value)
