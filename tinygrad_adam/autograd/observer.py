"""Being told of every operation: what anomaly mode, gradient checks and pictures are built on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from tinygrad_adam.autograd.mode import current_mode, mode

T = TypeVar("T")


class Observer:
    """Is told of the operations that run while it is set (:func:`observing`).

    Subclasses override what they care for. An exception that a method raises reaches the program,
    as if the operation had raised it.
    """

    inside_walks: bool = False
    """Whether to learn of the operations that compute gradients, too, where they are recorded."""

    def before_forward(self, node: Any, inputs: Sequence[Any]) -> None:
        """Learn that ``node`` is about to compute."""

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Learn that ``node`` computed ``results``; recorded or not, and not kept if it is not."""

    def failed(self, node: Any, inputs: Sequence[Any], error: Exception) -> None:
        """Learn that ``node`` raised ``error``, which is on its way to the program."""

    def before_backward(self, node: Any) -> None:
        """Learn that the walk is about to pass ``node``."""

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Learn that the walk passed ``node``, before what it saved is freed."""


class _Both(Observer):
    """Two observers, of which the outer one is told first."""

    def __init__(self, outer: Observer, inner: Observer) -> None:
        self.outer, self.inner = outer, inner

    def before_forward(self, node: Any, inputs: Sequence[Any]) -> None:
        """Tell both."""
        self.outer.before_forward(node, inputs)
        self.inner.before_forward(node, inputs)

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Tell both."""
        self.outer.after_forward(node, inputs, results)
        self.inner.after_forward(node, inputs, results)

    def failed(self, node: Any, inputs: Sequence[Any], error: Exception) -> None:
        """Tell both."""
        self.outer.failed(node, inputs, error)
        self.inner.failed(node, inputs, error)

    def before_backward(self, node: Any) -> None:
        """Tell both."""
        self.outer.before_backward(node)
        self.inner.before_backward(node)

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Tell both."""
        self.outer.after_backward(node, grads, input_grads)
        self.inner.after_backward(node, grads, input_grads)


def both(outer: Observer | None, inner: Observer | None) -> Observer | None:
    """Return one observer that stands for two, either of which may be missing."""
    if outer is None or inner is None:
        return inner if outer is None else outer
    return _Both(outer, inner)


def parts(kind: type[T], observer: Observer | None) -> list[T]:
    """Return those of a kind among the observers that one stands for."""
    if isinstance(observer, _Both):
        return parts(kind, observer.outer) + parts(kind, observer.inner)
    return [observer] if isinstance(observer, kind) else []


def without(kind: type[Observer], observer: Observer | None) -> Observer | None:
    """Return what is left of an observer when those of a kind are taken away."""
    if isinstance(observer, _Both):
        outer, inner = without(kind, observer.outer), without(kind, observer.inner)
        unchanged = outer is observer.outer and inner is observer.inner
        return observer if unchanged else both(outer, inner)
    return None if isinstance(observer, kind) else observer


def for_walk(observer: Observer | None) -> Observer | None:
    """Return those of an observer's parts that want to know of operations inside walks."""
    if isinstance(observer, _Both):
        return both(for_walk(observer.outer), for_walk(observer.inner))
    return observer if observer is not None and observer.inside_walks else None


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Tell ``observer`` of every operation inside the block, and those that watch already too."""
    with mode(observer=both(current_mode().observer, observer)):
        yield
