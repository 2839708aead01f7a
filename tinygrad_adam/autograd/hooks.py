"""Functions that users hang on tensors and modules, and the handle that takes them off again."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from tinygrad_adam.backend.dtypes import type_name

_numbers = itertools.count()

# Walks of several threads may add to one gradient. A signal handler may walk back, too, meanwhile.
storing = threading.RLock()


def _renew_lock() -> None:
    global storing
    storing = threading.RLock()


# Another thread may hold it while the process forks, and will not let go of it in the child.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class RemovableHandle:
    """Takes a hook off again: ``handle.remove()``, or ``with handle: …``.

    Source: PyTorch, ``torch.utils.hooks.RemovableHandle``.
    """

    def __init__(self, hooks: dict[int, Any], hook: Callable[..., Any]) -> None:
        self.hooks = hooks
        self.id = next(_numbers)
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook off. A second call does nothing."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Watch:
    """Who wants to see the gradient of one result."""

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retained: weakref.ref[Any] | None = None
        """The tensor that retains it."""

    def show(self, gradient: Any) -> Any:
        """Return the gradient, a tensor, as the hooks leave it, and let the tensor retain it.

        Raises:
            RuntimeError: a hook returned a tensor of another shape or dtype.
            TypeError: it returned something else.
        """
        for hook in list(self.hooks.values()):
            changed = hook(gradient)
            if changed is not None:
                check_replacement(hook, gradient, changed)
                gradient = changed
        tensor = None if self.retained is None else self.retained()
        if tensor is not None:
            with storing:
                tensor._grad = gradient if tensor._grad is None else tensor._grad + gradient
        return gradient


def check_replacement(hook: Any, gradient: Any, changed: Any) -> None:
    """Raise if what a hook returned cannot take the place of a gradient.

    Raises:
        RuntimeError: it has another shape or dtype.
        TypeError: it is no tensor.
    """
    if type(changed) is not type(gradient) and not hasattr(changed, "array"):
        raise TypeError(f"expected Variable, but hook returned {type(changed).__name__!r}")
    name = getattr(hook, "__name__", type(hook).__name__)
    mine, theirs = gradient.array, changed.array
    if mine.dtype != theirs.dtype:
        types = [f"torch.{type_name(x.dtype)}Tensor" for x in (mine, theirs)]
        raise RuntimeError(
            f"hook '{name}' has changed the type of value (was {types[0]} got {types[1]})"
        )
    if mine.shape != theirs.shape:
        raise RuntimeError(
            f"hook '{name}' has changed the size of value\n"
            f"  It got {tuple(mine.shape)} and returned {tuple(theirs.shape)}"
        )
