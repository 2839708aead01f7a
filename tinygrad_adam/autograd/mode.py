"""What an operation must know of its surroundings, in one context-local value.

It lives in a ``ContextVar``: every thread and every asyncio task has its own, and one look (20 ns)
answers all its questions.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, NamedTuple, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Mode(NamedTuple):
    """The surroundings of an operation."""

    grad: bool = True
    """Whether operations on tensors that require grad are recorded."""
    arrays: bool = False
    """Whether values are arrays here: inside ``forward``, and in a walk that nobody records.
    Functions then take arrays too, ``saved`` gives arrays, and NumPy's warnings are off already."""
    nested: bool = False
    """Whether this is inside a ``forward``, perhaps in a walk or a user's ``Function`` there."""
    scope: Any = None
    """The call of a module inside which we are (``nn.module.Scope``), or None."""
    observer: Any = None
    """Who is told of every operation (``observer.Observer``), or None."""
    inference: bool = False
    """Whether nothing is recorded whatever ``grad`` says, nor may be later of what is made here."""


_mode: ContextVar[Mode] = ContextVar("tinygrad_adam.mode", default=Mode())  # noqa: B039 (a tuple)
current_mode = _mode.get


@contextmanager
def mode(**changes: Any) -> Iterator[None]:
    """Run a block with some fields of the mode changed, and put those fields back afterwards.

    Also if Ctrl-C comes anywhere in here: the generator is closed with what refers to it.
    """
    before = _mode.get()
    after = {name: getattr(before, name) for name in changes}
    try:
        _mode.set(before._replace(**changes))
        yield
    finally:
        try:
            change_mode(**after)
        except BaseException:
            change_mode(**after)
            raise


def change_mode(**changes: Any) -> None:
    """Change some fields of the mode from here on."""
    _mode.set(_mode.get()._replace(**changes))


class _ForwardContexts(threading.local):
    """Where ``forward`` runs: with values that are arrays, and without NumPy's warnings.

    Each thread has two contexts in which all that holds, one for each grad mode of the caller. To
    run something in one costs 65 ns, where setting it anew for each operation (``numpy.errstate``)
    costs 1,200. No context can be entered inside itself: see :func:`nested_forward`.
    """

    def __init__(self) -> None:
        runs = []
        for grad in (False, True):
            context = copy_context()
            context.run(_mode.set, Mode(grad, arrays=True, nested=True))
            context.run(np.seterr, all="ignore")
            runs.append(context.run)
        self.run = tuple(runs)


forward_contexts = _ForwardContexts()


def nested_forward(forward: Callable[..., Any], *arrays: Any) -> Any:
    """Run a ``forward`` from where values are tensors, inside another one."""
    with mode(arrays=True):
        return forward(*arrays)


def is_inference_mode_enabled() -> bool:
    """Return whether this is inside a block of ``inference_mode``."""
    return _mode.get().inference


def is_grad_enabled() -> bool:
    """Return whether operations are recorded here. True unless switched off."""
    return _mode.get().grad


class set_grad_enabled:  # noqa: N801 (PyTorch's name)
    """Switch recording on or off from here on; as a ``with`` block or decorator, inside it only.

    Args:
        mode: True records, False does not.

    Source: PyTorch, ``torch.set_grad_enabled``.
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            found = type(mode).__name__
            raise TypeError(
                f"set_grad_enabled(): argument 'mode' (position 1) must be bool, not {found}"
            )
        self._changes = {"grad": mode}
        self._before: bool | None = _mode.get().grad
        self._blocks: list[Any] = []  # one object may be entered again inside itself
        change_mode(grad=mode)

    def _take_back(self) -> None:
        """Undo what ``__init__`` did, in favour of a block or a function."""
        if self._before is not None:
            change_mode(grad=self._before)
            self._before = None

    def __enter__(self) -> None:
        self._take_back()
        block = mode(**self._changes)
        self._blocks.append(block)
        block.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._blocks.pop().__exit__(None, None, None)

    def __call__(self, function: F) -> F:
        """Decorate a function or generator function to run in this mode; here it is as before."""
        self._take_back()
        return _decorated(function, self._changes)


class _GradBlock(set_grad_enabled):
    """``no_grad`` and ``enable_grad``: nothing happens before the block is entered."""

    enabled: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:  # @no_grad, @no_grad()
        return (
            object.__new__(cls) if function is None else _decorated(function, {"grad": cls.enabled})
        )

    def __init__(self) -> None:
        self._changes = {"grad": self.enabled}
        self._before = None
        self._blocks = []


class no_grad(_GradBlock):  # noqa: N801 (PyTorch's name)
    """Stop recording: ``with no_grad(): …``, ``@no_grad()`` or ``@no_grad``.

    Results computed inside have ``requires_grad=False``.

    Source: PyTorch, ``torch.no_grad``.
    """

    enabled = False


class enable_grad(_GradBlock):  # noqa: N801 (PyTorch's name)
    """Record again inside a ``no_grad`` block: ``with enable_grad(): …``, or as a decorator.

    Source: PyTorch, ``torch.enable_grad``.
    """

    enabled = True


class inference_mode(set_grad_enabled):  # noqa: N801 (PyTorch's name)
    """Record nothing, and let nothing made inside be recorded later: as a block or decorator.

    Args:
        mode: False records again, in a block inside another one.

    What is made inside cannot be written to outside, nor get ``requires_grad``, nor be saved for a
    backward: ``clone()`` makes a normal tensor of it.

    Source: PyTorch, ``torch.inference_mode``.
    """

    def __new__(cls, mode: Any = True) -> Any:
        """Decorate a function, or make a block: ``@inference_mode`` and ``@inference_mode()``."""
        if isinstance(mode, bool):
            return object.__new__(cls)
        return _decorated(mode, {"grad": False, "inference": True})

    def __init__(self, mode: bool = True) -> None:
        self._changes = {"grad": not mode, "inference": mode}
        self._before = None
        self._blocks = []


def _decorated(function: F, changes: dict[str, bool]) -> F:
    if not inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with mode(**changes):
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]

    @functools.wraps(function)
    def generate(*args: Any, **kwargs: Any) -> Any:
        # The mode holds while the generator's own code runs, not while it is suspended.
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, generator)
        while True:
            try:
                with mode(**changes):
                    item = resume()
            except StopIteration as stop:
                return stop.value
            try:
                resume = functools.partial(generator.send, (yield item))
            except GeneratorExit:
                with mode(**changes):
                    generator.close()
                raise
            except BaseException as error:
                resume = functools.partial(generator.throw, error)

    return generate  # type: ignore[return-value]
