"""Being told of every operation: what anomaly mode, gradient checks and pictures are built on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_adam.autograd.grad_mode import current_mode, mode


class Observer:
    """Is told of the operations that run while it is set (:func:`observing`).

    Subclasses override what they care for. An exception that a method raises reaches the program,
    as if the operation had raised it.
    """

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Learn that ``node`` computed ``results``; recorded or not, and not kept if it is not."""

    def failed(self, node: Any, inputs: Sequence[Any], error: Exception) -> None:
        """Learn that ``node`` raised ``error``, which is on its way to the program."""

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Learn that the walk passed ``node``, before what it saved is freed."""


class _Both(Observer):
    """Two observers, of which the outer one is told first."""

    def __init__(self, outer: Observer, inner: Observer) -> None:
        self.observers = (outer, inner)

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        for observer in self.observers:
            observer.after_forward(node, inputs, results)

    def failed(self, node: Any, inputs: Sequence[Any], error: Exception) -> None:
        for observer in self.observers:
            observer.failed(node, inputs, error)

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        for observer in self.observers:
            observer.after_backward(node, grads, input_grads)


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Tell ``observer`` of every operation inside the block, and those that watch already too."""
    outer = current_mode().observer
    with mode(observer=observer if outer is None else _Both(outer, observer)):
        yield
