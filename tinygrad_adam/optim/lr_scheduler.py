"""Schedules: how the learning rate changes during training.

A scheduler is made after the optimizer and stepped after it, usually once for each epoch::

    optimizer = optim.SGD(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.StepLR(optimizer, step_size=30)
    for epoch in range(100):
        train(...)
        scheduler.step()

Most schedulers here multiply the present rate by a factor that depends on the number of the epoch
only, so that several can work on one optimizer: their factors multiply ("chainable"). The others
set the rate from its value at the start, ``initial_lr``, and then the last one to step wins. A rate
that is a tensor is written in place and stays the same object.

Each class states its schedule as a formula with

    t       epochs (calls of ``step``) so far, 0 after construction: ``last_epoch``
    lr_0    the rate at the start: ``initial_lr`` of the parameter group

Source: PyTorch, ``torch.optim.lr_scheduler``: the names, the numbers and the keys of the states.
"""

from __future__ import annotations

import itertools
import math
import types
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from tinygrad_adam.backend.warn import warn
from tinygrad_adam.optim.optimizer import Group, Optimizer
from tinygrad_adam.optim.options import describe, number
from tinygrad_adam.tensor import Tensor

Factor: TypeAlias = Callable[[int], float]


class LRScheduler:
    """Base of all schedulers: a subclass writes :meth:`get_lr`.

    Args:
        optimizer: whose rates are scheduled.
        last_epoch: number of the last epoch when training resumes; -1 at the start.

    Attributes:
        base_lrs: for each parameter group, the rate at the start.
        last_epoch: number of steps taken.

    Raises:
        TypeError: ``optimizer`` is none.
        KeyError: resuming, but a parameter group does not know its rate at the start.
    """

    _is_initial = False
    _code: tuple[str, ...] = ()  # attributes that hold functions or other schedulers

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        describe(cls)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = _checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", number(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming "
                    "scheduler with last_epoch >= 0.\n  Load the optimizer's state first, or leave "
                    "last_epoch at -1 for a fresh start."
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._get_lr_called_within_step = False  # which schedulers written for PyTorch ask
        optimizer._known_step = vars(optimizer).get("step")
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the rates of epoch 0 (or of ``last_epoch + 1`` when resuming)."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for epoch ``last_epoch``. ``step`` calls it."""
        raise NotImplementedError

    def get_last_lr(self) -> list[Any]:
        """Return the rate of each group as this scheduler last set it."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch and set its rates.

        Args:
            epoch: jump to this epoch instead, with the closed form where there is one. PyTorch
                discourages it, with a warning.
        """
        replaced = vars(self.optimizer).get("step")
        if self._step_count == 1 and replaced is not self.optimizer._known_step:
            warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
                "initialization. Please, make sure to call `optimizer.step()` before "
                "`lr_scheduler.step()`."
            )
        ours = replaced is None and type(self.optimizer).step is Optimizer.step
        if self._step_count == 1 and ours and not self.optimizer._opt_called:
            warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call "
                "them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`. "
                "Failure to do this skips the first value of the learning rate schedule.",
                UserWarning,
            )
        self._step_count += 1
        if epoch is not None:
            _discourage_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed_form = getattr(self, "_get_closed_form_lr", None)
        self._get_lr_called_within_step = True
        try:
            self._set(self.get_lr() if epoch is None or closed_form is None else closed_form())
        finally:
            self._get_lr_called_within_step = False

    def _set(self, rates: Iterable[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = self._present()

    def _present(self) -> list[Any]:
        return [number(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the scheduler knows but the optimizer, as a dictionary.

        Functions are left out: they are code. Of an object that is called like one, its attributes
        are there; of a scheduler within this one, its state.
        """
        return {
            name: _saved(value) if name in self._code else value
            for name, value in vars(self).items()
            if name != "optimizer"
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned. Load the optimizer's state as well."""
        state = dict(state_dict)
        for name in self._code:
            _restore(vars(self)[name], state.pop(name))
        vars(self).update(state)


_LRScheduler = LRScheduler  # its old name


class _Factors(LRScheduler):
    """A schedule that multiplies the rate by a number which depends on the epoch only.

    A subclass says it twice: from epoch to epoch, which is what ``step`` does and lets several
    schedules work together, and from the start, to jump to an epoch.
    """

    def _ratio(self, t: int) -> float:
        """Return what takes the rate of epoch t - 1 to that of epoch t."""
        raise NotImplementedError

    def _product(self, t: int) -> float:
        """Return what takes ``lr_0`` to the rate of epoch t."""
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        ratio = self._ratio(self.last_epoch)
        return self._present() if ratio == 1 else [rate * ratio for rate in self._present()]

    def _get_closed_form_lr(self) -> list[Any]:
        product = self._product(self.last_epoch)
        return [base * product for base in self.base_lrs]


class LambdaLR(LRScheduler):
    """``lr = lr_0 * f(t)``.

    Args:
        optimizer
        lr_lambda: f, or one function for each parameter group.
        last_epoch

    Raises:
        ValueError: the number of functions is not that of the groups.
        TypeError: something that cannot be called.
    """

    _code = ("lr_lambdas",)

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        lambdas = for_each_group(
            _checked(optimizer),
            lr_lambda,
            "lr_lambda",
            "Expected {groups} lr_lambdas, but got {values}",
        )
        for function in lambdas:
            if not callable(function):
                raise TypeError(
                    f"lr_lambda should be a function, but got {type(function).__name__}"
                )
        self.lr_lambdas = lambdas
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs)]


class MultiplicativeLR(LambdaLR):
    """``lr = lr * f(t)`` from t = 1 on: each factor multiplies the rate before it. Chainable.

    Args and errors: those of :class:`LambdaLR`.
    """

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        if self._is_initial:
            return self._present()
        return [rate * f(self.last_epoch) for f, rate in zip(self.lr_lambdas, self._present())]


class StepLR(_Factors):
    """``lr = lr_0 * gamma^floor(t / step_size)``: down every ``step_size`` epochs. Chainable.

    Args:
        optimizer
        step_size: epochs between two steps.
        gamma: factor of each step.
        last_epoch
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _ratio(self, t: int) -> float:
        return self.gamma if t != 0 and t % self.step_size == 0 else 1.0

    def _product(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(_Factors):
    """``lr = lr_0 * gamma^(milestones reached)``: a step down at each milestone. Chainable.

    Args:
        optimizer
        milestones: epochs at which the rate is multiplied; one that is there twice counts twice.
        gamma: factor of each step.
        last_epoch
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _ratio(self, t: int) -> float:
        return self.gamma ** self.milestones.get(t, 0)

    def _product(self, t: int) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), t)


class ConstantLR(_Factors):
    """``lr = lr_0 * factor`` for t < ``total_iters``, then ``lr_0``. Chainable.

    Args:
        optimizer
        factor: factor at the start, from 0 (excluded) to 1.
        total_iters: epochs it holds for.
        last_epoch

    Raises:
        ValueError: the factor is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _ratio(self, t: int) -> float:
        if t == 0:
            return self.factor
        return 1 / self.factor if t == self.total_iters else 1.0

    def _product(self, t: int) -> float:
        return 1.0 if t >= self.total_iters else self.factor


class LinearLR(_Factors):
    """From ``lr_0 * start_factor`` to ``lr_0 * end_factor`` along a line. Chainable.

    ::

        lr = lr_0 * (start + (end - start) * min(t, total_iters) / total_iters)

    Args:
        optimizer
        start_factor: factor at t = 0, from 0 (excluded) to 1.
        end_factor: factor from t = ``total_iters`` on, from 0 to 1.
        total_iters: epochs from one to the other.
        last_epoch

    Raises:
        ValueError: a factor is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal "
                "to 1."
            )
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _ratio(self, t: int) -> float:
        rise = self.end_factor - self.start_factor
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return 1.0
        return 1 + rise / (self.total_iters * self.start_factor + (t - 1) * rise)

    def _product(self, t: int) -> float:
        share = min(t, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * share


class ExponentialLR(_Factors):
    """``lr = lr_0 * gamma^t``. Chainable.

    Args:
        optimizer
        gamma: factor of each epoch.
        last_epoch
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _ratio(self, t: int) -> float:
        return 1.0 if self._is_initial else self.gamma

    def _product(self, t: int) -> float:
        return self.gamma**t


class PolynomialLR(_Factors):
    """``lr = lr_0 * (1 - t / total_iters)^power``, 0 from ``total_iters`` on. Chainable.

    Args:
        optimizer
        total_iters: epochs down to 0.
        power: 1 is a line.
        last_epoch
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _ratio(self, t: int) -> float:
        if self._is_initial or t > self.total_iters:
            return 1.0
        return ((1 - t / self.total_iters) / (1 - (t - 1) / self.total_iters)) ** self.power

    def _product(self, t: int) -> float:
        return (1 - min(t, self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """Down along half a cosine, and up again if training goes on. Chainable.

    ::

        lr = eta_min + (lr_0 - eta_min) * (1 + cos(pi * t / T_max)) / 2

    Args:
        optimizer
        T_max: epochs from ``lr_0`` to ``eta_min``.
        eta_min: the lowest rate.
        last_epoch

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017),
    without the restarts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,  # noqa: N803 (PyTorch's name)
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        t, half, lowest = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._present()
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - half) % (2 * half) == 0:  # the factor below would be 0 / 0 at the lowest point
            rise = (1 - math.cos(math.pi / half)) / 2
            pairs = zip(self._present(), self.base_lrs)
            return [rate + (base - lowest) * rise for rate, base in pairs]
        factor = (1 + math.cos(math.pi * t / half)) / (1 + math.cos(math.pi * (t - 1) / half))
        return [factor * (rate - lowest) + lowest for rate in self._present()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [_cosine(base, self.eta_min, self.last_epoch / self.T_max) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Down along half a cosine again and again, each time ``T_mult`` times as long.

    ::

        lr = eta_min + (lr_0 - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2

    Args:
        optimizer
        T_0: epochs before the first restart.
        T_mult: factor from the length of one cycle to the next.
        eta_min: the lowest rate.
        last_epoch

    Raises:
        ValueError: an option out of range, or a negative epoch.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803 (PyTorch's name)
        T_mult: int = 1,  # noqa: N803 (PyTorch's name)
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        return [_cosine(base, self.eta_min, self.T_cur / self.T_i) for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to ``epoch``, which may lie between two, and set its rates."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self.T_cur, self.T_i = self._cycle(epoch)
        self.last_epoch = math.floor(epoch)
        self._step_count += 1
        self._set(self.get_lr())

    def _cycle(self, epoch: float) -> tuple[float, int]:
        """Return how far ``epoch`` lies in its cycle, and how long that is."""
        if epoch < self.T_0:
            return epoch, self.T_0
        if self.T_mult == 1:
            return epoch % self.T_0, self.T_0
        # The cycles before number n have T_0 * (T_mult^n - 1) / (T_mult - 1) epochs together.
        n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        before = self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
        return epoch - before, self.T_0 * self.T_mult**n


class _MomentumCycling(LRScheduler):
    """What CyclicLR and OneCycleLR share: they move the momentum against the rate."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(
        self, last_epoch: int, base_momentum: Any, max_momentum: Any
    ) -> tuple[list[Any], list[Any]]:
        """Set each group's momentum to its highest; return the lowest and the highest of each."""
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled\n"
                f"  {type(self.optimizer).__name__} has neither: pass cycle_momentum=False."
            )
        self.use_beta1 = "betas" in defaults
        lowest = for_each_group(self.optimizer, base_momentum, "base_momentum")
        highest = for_each_group(self.optimizer, max_momentum, "max_momentum")
        if last_epoch == -1:
            for group, low, high in zip(self.optimizer.param_groups, lowest, highest, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return lowest, highest

    def _set_momentum(self, group: Group, momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_MomentumCycling):
    """Up and down between two rates, over and over; the momentum goes the other way.

    ::

        lr = base_lr + (max_lr - base_lr) * height * scale,     height 0 → 1 → 0 in each cycle

    Args:
        optimizer
        base_lr: the lowest rate, or one for each parameter group.
        max_lr: the highest, or one for each group.
        step_size_up: steps from the lowest to the highest.
        step_size_down: steps back; as many if not given.
        mode: ``"triangular"`` (scale 1), ``"triangular2"`` (halved each cycle) or ``"exp_range"``
            (``gamma^t``).
        gamma: for ``"exp_range"``.
        scale_fn: a scale of your own, instead of ``mode``.
        scale_mode: whether ``scale_fn`` takes the number of the ``"cycle"`` (from 1) or of
            ``"iterations"``.
        cycle_momentum: move momentum (or beta1) from ``max_momentum`` to ``base_momentum`` and
            back.
        base_momentum, max_momentum: its limits, or one for each group.
        last_epoch: number of the last step when training resumes; -1 at the start.

    Raises:
        TypeError: ``optimizer`` is none.
        ValueError: an unknown mode, the wrong number of values, or an optimizer without momentum.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2017).
    """

    _code = ("_scale_fn_custom",)

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = _checked(optimizer)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        lowest = for_each_group(optimizer, base_lr, "base_lr")
        self.max_lrs = for_each_group(optimizer, max_lr, "max_lr")
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, lowest, strict=True):
                set_option(group, "lr", rate)
        up, down = float(step_size_up), float(step_size_down or step_size_up)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom: Any = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._start_momentum(
                last_epoch, base_momentum, max_momentum
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lowest

    def scale_fn(self, x: float) -> float:
        """Return the scale of cycle x (counted from 1), or of iteration x, by ``scale_mode``."""
        if self._scale_fn_custom is not None:
            return float(self._scale_fn_custom(x))
        if self.mode == "triangular2":
            return float(0.5 ** (x - 1))
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle  # where in the cycle, from 0 to 1
        rising = x <= self.step_ratio
        height = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                self._set_momentum(group, high - (high - low) * height)
        limits = zip(self.base_lrs, self.max_lrs)
        return [low + (high - low) * height for low, high in limits]


class OneCycleLR(_MomentumCycling):
    """One cycle for the whole training: up to ``max_lr``, then down to almost nothing.

    ::

        lr:        max_lr / div_factor  →  max_lr  →  max_lr / div_factor / final_div_factor
        momentum:  max_momentum         →  base_momentum  →  max_momentum

    Step it after each batch. With ``three_phase``, the way down takes as long as the way up and
    ends at the start's rate; a third phase goes on to the lowest.

    Args:
        optimizer
        max_lr: the highest rate, or one for each parameter group.
        total_steps: steps in the cycle; or
        epochs, steps_per_epoch: whose product it is.
        pct_start: share of the cycle spent rising, a float from 0 to 1.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: move momentum (or beta1) against the rate.
        base_momentum, max_momentum: its limits, or one for each group.
        div_factor: ``max_lr`` over the rate at the start.
        final_div_factor: the rate at the start over the one at the end.
        three_phase: see above.
        last_epoch: number of the last step when training resumes; -1 at the start.

    Raises:
        TypeError: ``optimizer`` is none.
        ValueError: an option out of range, an optimizer without momentum, or, in ``step``, more
            steps than the cycle has.

    Source: Smith and Topin, "Super-Convergence" (2018).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = _checked(optimizer)
        if total_steps is not None:
            self.total_steps = _positive("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = _positive("epochs", epochs) * _positive(
                "steps_per_epoch", steps_per_epoch
            )
        else:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "anneal_strategy must be one of 'cos' or 'linear', instead got " + anneal_strategy
            )
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        highest = for_each_group(optimizer, max_lr, "max_lr")
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(last_epoch, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(
                f"Tried to step {t} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if t <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (t - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                low, high = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._anneal(low, high, share))
        return rates

    def _anneal(self, start: float, end: float, share: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return _cosine(start, end, share)


class ReduceLROnPlateau(LRScheduler):
    """Lower the rate when a measured number has stopped getting better.

    Step it with that number: ``scheduler.step(validation_loss)``.

    Args:
        optimizer
        mode: ``"min"`` if lower is better, ``"max"`` if higher.
        factor: the rate is multiplied by it, below 1.
        patience: epochs without improvement that are let pass.
        threshold: what counts as an improvement: by that share of the best (``threshold_mode
            "rel"``), or by that amount (``"abs"``).
        threshold_mode: see there.
        cooldown: epochs after a reduction in which none is counted as bad.
        min_lr: the lowest rate, or one for each parameter group.
        eps: smaller changes of the rate than this are not made.

    Raises:
        TypeError: ``optimizer`` is none.
        ValueError: an option out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self.optimizer = _checked(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = for_each_group(
            optimizer, min_lr, "min_lr", "expected {groups} min_lrs, got {values}"
        )
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self._present()

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take note of this epoch's number and lower the rate if it is time.

        Args:
            metrics: a number or a tensor of one element.
            epoch: number of the epoch, instead of one more than the last. PyTorch discourages it,
                with a warning.
        """
        current = float(metrics)
        if epoch is not None:
            _discourage_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._present()

    @property
    def in_cooldown(self) -> bool:
        """Whether bad epochs are not counted now."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float, best: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            limit = best * (1 + sign * self.threshold)
        else:
            limit = best + sign * self.threshold
        return value < limit if self.mode == "min" else value > limit

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from "
                    f"when `ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), usually due "
                    "to a new param group being added to the optimizer. Please modify the "
                    "`min_lrs` field to match the length of the `optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            old = float(number(group["lr"]))
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                set_option(group, "lr", new)


class SequentialLR(LRScheduler):
    """One scheduler after another: the next takes over at each milestone, at its own epoch 0.

    Args:
        optimizer
        schedulers: in order, made for this optimizer.
        milestones: epochs at which the next one takes over; one fewer than schedulers.
        last_epoch

    Raises:
        TypeError: something without an optimizer among the schedulers.
        ValueError: none at all, one of another optimizer, a ReduceLROnPlateau, or the wrong number
            of milestones.
    """

    _code = ("_schedulers",)

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        _check_schedulers("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got number of schedulers {len(schedulers)} "
                f"and the number of milestones to be equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # All of them have set their first rate by now: go back, and let the first one do it again.
        for group in optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        _take_back_first_step(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch, with the scheduler whose turn it is."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(SequentialLR):
    """Several schedulers at once: each steps in turn, and their factors multiply.

    Args:
        schedulers: made for one optimizer.
        optimizer: that one; the first scheduler's if not given.

    Raises:
        TypeError: something without an optimizer among the schedulers.
        ValueError: none at all, one of another optimizer, or a ReduceLROnPlateau.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError(
                "ChainedScheduler expects at least one scheduler to be chained, but got no "
                "scheduler."
            )
        self.optimizer = optimizer or schedulers[0].optimizer
        _check_schedulers("ChainedScheduler", self.optimizer, schedulers)
        self._schedulers = list(schedulers)
        self._last_lr = self._present()

    def step(self) -> None:  # type: ignore[override]
        """Step each scheduler once."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._present()


def _checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def set_option(group: Group, name: str, value: Any) -> None:
    """Set an option of a parameter group; if it is a tensor, write into it."""
    if isinstance(group[name], Tensor):
        group[name].array[...] = value
        group[name]._writes[0] += 1
    else:
        group[name] = value


def for_each_group(optimizer: Optimizer, value: Any, name: str, message: str = "") -> list[Any]:
    """Return a list with one value for each parameter group.

    Args:
        optimizer: has the groups.
        value: one for all of them, or a list or tuple.
        name: of the value, for the error.
        message: the error's text, with ``{groups}`` and ``{values}`` for the two numbers, if it is
            not the usual one.

    Raises:
        ValueError: ``value`` is a list of another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        usual = (
            "{name} must have the same length as optimizer.param_groups. {name} has {values} "
            "values, param_groups has {groups}."
        )
        raise ValueError((message or usual).format(name=name, groups=groups, values=len(value)))
    return list(value)


def _cosine(start: float, end: float, share: float) -> float:
    """Go from ``start`` (share 0) to ``end`` (share 1) along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """Return OneCycleLR's phases: their last step, and from which option to which they go."""
    # The steps at which a phase ends, and the options that the rate and the momentum have there.
    top = (pct_start * total_steps - 1, "max_lr", "base_momentum")
    back = (2 * pct_start * total_steps - 2, "initial_lr", "max_momentum")
    last = (total_steps - 1, "min_lr", "max_momentum")
    points = [(0, "initial_lr", "max_momentum"), top, *([back] if three_phase else []), last]
    return [
        {
            "end_step": end[0],
            "start_lr": start[1],
            "end_lr": end[1],
            "start_momentum": start[2],
            "end_momentum": end[2],
        }
        for start, end in itertools.pairwise(points)
    ]


def _check_schedulers(name: str, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional "
                f"kwargs to be specified when calling `step`, but got one at index {i} in the "
                "given schedulers sequence."
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                f"{type(scheduler).__name__} at index {i} has {scheduler.optimizer}, which is "
                f"different from {type(optimizer).__name__}."
            )


def _discourage_epoch() -> None:
    """Warn the caller of a ``step`` that was given the number of the epoch."""
    warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
        "possible. Please use `scheduler.step()` to step the scheduler. During the deprecation, if "
        "epoch is different from None, the closed form is used instead of the new chainable form, "
        "where available.",
        UserWarning,
    )


def _take_back_first_step(scheduler: LRScheduler) -> None:
    """Undo the counting of the step that each scheduler took when it was made."""
    inner = getattr(scheduler, "_schedulers", None)
    if inner is None:
        scheduler.last_epoch -= 1
    for each in inner or ():
        _take_back_first_step(each)


def _saved(value: Any) -> Any:
    """Return what can be saved of a function or scheduler, or of each in a list of them."""
    if isinstance(value, (list, tuple)):
        return [_saved(each) for each in value]
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if value is None or isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        return None
    return dict(getattr(value, "__dict__", {}))


def _restore(value: Any, saved: Any) -> None:
    """Put what :func:`_saved` returned back into the function or scheduler it is from."""
    if isinstance(value, (list, tuple)):
        for each, its in zip(value, saved, strict=True):
            _restore(each, its)
    elif isinstance(value, LRScheduler):
        value.load_state_dict(saved)
    elif saved is not None:
        vars(value).update(saved)
