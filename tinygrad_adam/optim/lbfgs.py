"""L-BFGS: Newton's method with a Hessian that the last gradients give away."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from tinygrad_adam.autograd.mode import enable_grad, no_grad
from tinygrad_adam.ops import cat, view_as_real
from tinygrad_adam.optim.optimizer import Optimizer, Params, State
from tinygrad_adam.optim.options import choose, number
from tinygrad_adam.tensor import Tensor


class LBFGS(Optimizer):
    """Go along the gradient times an estimate of the inverse Hessian. One step is many iterations.

    ::

        y = g - g_before          s = what was added to w              1 / (y s): their weight
        d = -H g                  H from the last ``history_size`` pairs (y, s), by two loops
        w = w + t d               t = lr, or what the line search finds

    ``step`` needs a closure, which it calls many times, and takes one group of parameters. The
    parameters are one vector to it; memory is needed for ``2 * history_size`` such vectors.

    Args:
        params, lr
        max_iter: iterations in one step, at most.
        max_eval: calls of the closure in one step, at most (``max_iter * 5 // 4`` if None).
        tolerance_grad: a step ends where no element of the gradient is larger.
        tolerance_change: it ends where no parameter, or the loss, changes by more.
        history_size: how many pairs are kept.
        line_search_fn: "strong_wolfe" or None.

    Raises:
        ValueError: an option out of range, or several groups.
        RuntimeError: another line search, at the first step.

    State, of the first parameter: ``func_evals n_iter d t old_dirs old_stps ro H_diag
    prev_flat_grad prev_loss``.

    Source: PyTorch, ``torch.optim.LBFGS``; Nocedal and Wright, "Numerical Optimization" (2006),
    algorithms 7.4, 3.5 and 3.6, with the safeguards of Schmidt's minFunc (2005).
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        names = "lr max_iter max_eval tolerance_grad tolerance_change history_size line_search_fn"
        super().__init__(params, choose(locals(), names))
        if len(self.param_groups) != 1:
            raise ValueError(
                "LBFGS doesn't support per-parameter options (parameter groups)\n"
                "  Its parameters are one vector: one list of tensors"
            )

    @no_grad()
    def _advance(self, closure: Callable[[], Any] | None) -> Any:
        """Iterate until an end is reached; return the loss before."""
        if closure is None:
            raise TypeError(
                "LBFGS.step() missing 1 required positional argument: 'closure'\n"
                "  A function that clears the gradients, calls backward() and returns the loss"
            )
        group = self.param_groups[0]
        lr, tolerance = number(group["lr"]), group["tolerance_change"]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        evaluations = 0

        def evaluate() -> tuple[Any, float, Tensor]:
            nonlocal evaluations
            evaluations += 1
            state["func_evals"] += 1
            with enable_grad():
                loss = closure()
            return loss, float(loss), self._gradient()

        original, loss, gradient = evaluate()
        if _largest(gradient) <= group["tolerance_grad"]:
            return original
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(state, gradient, group["history_size"])
            state["d"], state["prev_flat_grad"], state["prev_loss"] = direction, gradient, loss
            first = state["n_iter"] == 1
            state["t"] = min(1.0, 1.0 / gradient.abs().sum().item()) * lr if first else lr
            slope = gradient.dot(direction).item()
            if slope > -tolerance:
                break
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                origin = _Point(0.0, loss, gradient, slope)
                left = group["max_eval"] - evaluations
                found = self._search(evaluate, origin, state["t"], direction, left)
                state["t"], loss, gradient, _ = found
                self._add(state["t"], direction)
            else:
                self._add(state["t"], direction)
                if iteration != group["max_iter"]:  # else nobody looks at it
                    _, loss, gradient = evaluate()
            if (
                evaluations >= group["max_eval"]
                or _largest(gradient) <= group["tolerance_grad"]
                or abs(state["t"]) * _largest(direction) <= tolerance
                or abs(loss - state["prev_loss"]) < tolerance
            ):
                break
        return original

    def _direction(self, state: State, gradient: Tensor, history_size: int) -> Tensor:
        """Note the last pair (y, s), and return -H g."""
        if state["n_iter"] == 1:
            state.update(d=None, t=None, old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -gradient
        y, s = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = y.dot(s).item()
        pairs = [state[name] for name in ("old_dirs", "old_stps", "ro")]
        if curvature > 1e-10:
            for kept, new in zip(pairs, (y, s, 1.0 / curvature)):
                if len(kept) == history_size:
                    del kept[0]
                kept.append(new)
            state["H_diag"] = curvature / y.dot(y).item()
        direction = -gradient
        factors = []
        for y, s, weight in zip(*map(reversed, pairs)):
            factors.append(number(s.dot(direction) * weight))
            direction -= factors[-1] * y
        direction *= state["H_diag"]
        for y, s, weight in zip(*pairs):
            direction += (factors.pop() - number(y.dot(direction) * weight)) * s
        return direction

    def _search(
        self,
        evaluate: Callable[[], tuple[Any, float, Tensor]],
        origin: _Point,
        t: float,
        direction: Tensor,
        max_evaluations: int,
    ) -> _Point:
        """Return what the line search finds along a direction; the parameters are as before."""
        parameters = self.param_groups[0]["params"]
        start = [parameter.clone() for parameter in parameters]

        def at(t: float) -> _Point:
            self._add(t, direction)
            _, loss, gradient = evaluate()
            for parameter, before in zip(parameters, start):
                parameter.copy_(before)
            return _Point(t, loss, gradient, gradient.dot(direction).item())

        return strong_wolfe(at, origin, t, _largest(direction), max_evaluations)

    def _gradient(self) -> Tensor:
        """Return the gradients of all parameters as one vector; zeros for those that have none."""
        return cat(
            [
                _real(p.new_zeros(p.shape) if p.grad is None else p.grad).reshape(-1)
                for p in self.param_groups[0]["params"]
            ]
        )

    def _add(self, t: float, direction: Tensor) -> None:
        """Add a multiple of a vector to all parameters, in place."""
        start = 0
        for parameter in self.param_groups[0]["params"]:
            real = _real(parameter)
            stop = start + real.numel()
            real.add_(direction[start:stop].reshape(real.shape), alpha=t)
            start = stop


def _real(tensor: Tensor) -> Tensor:
    return view_as_real(tensor) if tensor.is_complex() else tensor


def _largest(vector: Tensor) -> float:
    return vector.abs().max().item()  # type: ignore[no-any-return]


class _Point(NamedTuple):
    """The loss at a step length t, its gradient, and its slope along the direction."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


def strong_wolfe(
    at: Callable[[float], _Point],
    origin: _Point,
    t: float,
    scale: float,
    max_evaluations: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
) -> _Point:
    """Return a point where the loss has fallen enough and the slope is small enough.

    ::

        loss <= loss_0 + c1 * t * slope_0          |slope| <= c2 * |slope_0|

    First t grows until such a point lies in between, then a bracket around it shrinks.

    Args:
        at: evaluates a step length.
        origin: the point at 0, whose slope is negative.
        t: the first step length to try.
        scale: the largest element of the direction.
        max_evaluations: after the first one.
        c1, c2: see above.
        tolerance_change: a bracket that moves no parameter by more is given up.

    Source: Nocedal and Wright, algorithms 3.5 (here the first loop) and 3.6 (the second).
    """

    def too_high(point: _Point) -> bool:
        return point.loss > origin.loss + c1 * point.t * origin.slope

    def flat(point: _Point) -> bool:
        return abs(point.slope) <= -c2 * origin.slope

    before, here = origin, at(t)
    evaluations = 0
    while True:
        if evaluations >= max_evaluations:
            before = origin
            break
        if too_high(here) or (evaluations > 1 and here.loss >= before.loss):
            break
        if flat(here):
            return here
        if here.slope >= 0:
            break
        low, high = here.t + 0.01 * (here.t - before.t), here.t * 10
        before, here = here, at(_cubic_minimum(before, here, low, high))
        evaluations += 1

    best, other = (before, here) if before.loss <= here.loss else (here, before)
    stalled = False
    while evaluations < max_evaluations and abs(other.t - best.t) * scale >= tolerance_change:
        low, high = sorted((best.t, other.t))
        t = _cubic_minimum(best, other, low, high)
        margin = 0.1 * (high - low)
        if min(high - t, t - low) < margin:  # too near to an end: the second time, move inwards
            if stalled or not low < t < high:
                t = high - margin if abs(t - high) < abs(t - low) else low + margin
                stalled = False
            else:
                stalled = True
        else:
            stalled = False
        here = at(t)
        evaluations += 1
        if too_high(here) or here.loss >= best.loss:
            other = here
            if other.loss < best.loss:
                best, other = other, best
            continue
        if flat(here):
            return here
        if here.slope * (other.t - best.t) >= 0:
            other = best
        best = here
    return best


def _cubic_minimum(a: _Point, b: _Point, low: float, high: float) -> float:
    """Return where the cubic through two points with their slopes is least, within bounds."""
    if a.t > b.t:
        a, b = b, a
    try:
        d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
        d2 = math.sqrt(d1 * d1 - a.slope * b.slope)
        t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    except (ValueError, ZeroDivisionError):  # there is none
        t = math.nan
    return (low + high) / 2 if math.isnan(t) else min(max(t, low), high)
