"""Averages of a model's parameters over training, and the schedule and statistics they need.

::

    average = AveragedModel(model)                  # or with avg_fn=get_ema_avg_fn(0.999)
    for epoch in range(epochs):
        train(...)
        average.update_parameters(model)
    update_bn(loader, average)                      # where there is batch normalization

Source: PyTorch, ``torch.optim.swa_utils``; Izmailov et al., "Averaging Weights Leads to Wider
Optima and Better Generalization" (2018).
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_adam.autograd.mode import no_grad
from tinygrad_adam.creation import tensor
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.normalization import _BatchNorm
from tinygrad_adam.optim.lr_scheduler import LRScheduler, for_each_group
from tinygrad_adam.optim.optimizer import Optimizer
from tinygrad_adam.tensor import Tensor

Average = Callable[[Tensor, Tensor, Any], Tensor]
AverageOfMany = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def get_swa_avg_fn() -> Average:
    """Return the mean of all so far, ``(average, current, number averaged) -> new average``."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the mean whose past fades with ``decay`` in each update.

    Raises:
        ValueError: ``decay`` is not between 0 and 1.
    """
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def _for_many(average: Average) -> AverageOfMany:
    @no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        for old, new in zip(averaged, current, strict=True):
            old.copy_(average(old, new, num_averaged))

    return update


def get_swa_multi_avg_fn() -> AverageOfMany:
    """Return :func:`get_swa_avg_fn`'s mean for lists of tensors, in place."""
    return _for_many(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageOfMany:
    """Return :func:`get_ema_avg_fn`'s mean for lists of tensors, in place."""
    return _for_many(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model, ``module``, that holds the average of its parameters.

    Args:
        model: is copied.
        device: where the copy goes; None leaves it where it is.
        avg_fn: ``(average, current, number averaged) -> new average`` of one parameter; the mean of
            all if nothing is given.
        multi_avg_fn: the same for lists of parameters of one dtype; writes the first.
        use_buffers: average the buffers as well. Else they are the model's, copied.

    Raises:
        AssertionError: both functions are given.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: AverageOfMany | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the averaged model computes."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the present parameters of ``model`` into the average. The first are copied."""
        averaged = self._averaged(self.module)
        current = [new.to(old.device) for old, new in zip(averaged, self._averaged(model))]
        count = self.n_averaged
        if count == 0:
            for old, new in zip(averaged, current):
                old.copy_(new)
        elif self.multi_avg_fn is None:
            _for_many(self.avg_fn or get_swa_avg_fn())(averaged[: len(current)], current, count)
        else:
            kinds: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
            for old, new in zip(averaged, current):
                lists = kinds.setdefault((str(old.device), old.dtype), ([], []))
                lists[0].append(old)
                lists[1].append(new)
            for olds, news in kinds.values():
                self.multi_avg_fn(olds, news, count)
        if not self.use_buffers:
            for old, new in zip(self.module.buffers(), model.buffers(), strict=True):
                old.copy_(new)
        self.n_averaged += 1

    def _averaged(self, model: Module) -> list[Tensor]:
        buffers = model.buffers() if self.use_buffers else ()
        return [x.detach() for x in itertools.chain(model.parameters(), buffers)]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all batch normalizations anew, as means over ``loader``.

    Args:
        loader: batches; of a list or tuple the first entry is the input.
        model: sees each batch once, in training mode; its mode afterwards is that of before.
        device: where the batches go first.
    """
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    was_training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    for batch in loader:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(x if device is None else x.to(device))
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Go from the present rate to ``swa_lr`` within ``anneal_epochs``, and stay there. Chainable.

    ::

        lr = swa_lr * a(t) + lr_0 * (1 - a(t))          a(t) = t / anneal_epochs, or half a cosine

    Args:
        optimizer
        swa_lr: the rate to go to, or one for each parameter group.
        anneal_epochs: how many steps that takes.
        anneal_strategy: "cos" or "linear".
        last_epoch

    Raises:
        ValueError: an option out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = for_each_group(optimizer, swa_lr, "swa_lr")
        for rate, group in zip(rates, optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, t: int) -> float:
        share = max(0.0, min(1.0, t / max(1, self.anneal_epochs)))
        return share if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * share)) / 2

    def get_lr(self) -> list[Any]:
        """Return the rate of each group for this epoch."""
        t = self._step_count - 1
        if self.anneal_epochs == 0:
            t = max(1, t)
        before, now = self._share(t - 1), self._share(t)
        rates = []
        for rate, group in zip(self._present(), self.optimizer.param_groups):
            target = group["swa_lr"]
            start = target if before == 1 else (rate - before * target) / (1 - before)
            rates.append(target * now + start * (1 - now))
        return rates
