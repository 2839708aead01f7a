"""What an operation must know of its surroundings, in one context-local value.

The mode says whether operations are recorded, in which module they run, and who observes them.
It lives in a ``ContextVar``: every thread and every asyncio task has its own, and one look (20 ns)
answers all three questions.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Mode(NamedTuple):
    """The surroundings of an operation."""

    grad: bool | None = True
    """Whether operations are recorded for backward. None: they are not, being part of a walk that
    has switched NumPy's warnings off already (see ``function._Quiet``)."""
    scope: Any = None
    """The call of a module inside which we are (``nn.module.Scope``), or None."""
    observer: Any = None
    """Who is told of every operation (``observer.Observer``), or None."""

    @property
    def arrays(self) -> bool:
        """Whether values are arrays here: in a walk that nobody records."""
        return self.grad is None


_mode: ContextVar[Mode] = ContextVar("tinygrad_adam.mode", default=Mode())  # noqa: B039 (a tuple)
current_mode = _mode.get


@contextmanager
def mode(**changes: Any) -> Iterator[None]:
    """Run a block with some fields of the mode changed, and put those fields back afterwards."""
    before = _mode.get()
    _mode.set(before._replace(**changes))
    try:
        yield
    finally:
        _mode.set(_mode.get()._replace(**{name: getattr(before, name) for name in changes}))


def is_grad_enabled() -> bool:
    """Return whether operations are recorded here. True unless switched off."""
    return bool(_mode.get().grad)


class _SetGrad:
    """Sets the grad mode inside a ``with`` block or a decorated function."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._before: list[
            bool | None
        ] = []  # a stack: one object may be entered again inside itself

    def __enter__(self) -> None:
        now = _mode.get()
        self._before.append(now.grad)
        _mode.set(now._replace(grad=self.enabled))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _mode.set(_mode.get()._replace(grad=self._before.pop()))

    def __call__(self, function: F) -> F:
        """Decorate ``function`` (or a generator function) to run in this mode."""
        enabled = self.enabled
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Any:
                # The mode holds while the generator's own code runs, not while it is suspended.
                generator = function(*args, **kwargs)
                resume: Callable[[], Any] = functools.partial(next, generator)
                while True:
                    try:
                        with _SetGrad(enabled):
                            item = resume()
                    except StopIteration as stop:
                        return stop.value
                    try:
                        sent = yield item
                        resume = functools.partial(generator.send, sent)
                    except GeneratorExit:
                        generator.close()
                        raise
                    except BaseException as error:
                        resume = functools.partial(generator.throw, error)

            return generate  # type: ignore[return-value]

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with _SetGrad(enabled):
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]


class no_grad(_SetGrad):  # noqa: N801 (PyTorch's name)
    """Stop recording: ``with no_grad(): …``, ``@no_grad()`` or ``@no_grad``.

    Results computed inside have ``requires_grad=False``.

    Source: PyTorch, ``torch.no_grad``.
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:  # noqa: D102
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()  # type: ignore[misc]
        return made(function)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(no_grad):  # noqa: N801 (PyTorch's name)
    """Record again inside a ``no_grad`` block: ``with enable_grad(): …``, or as a decorator.

    Source: PyTorch, ``torch.enable_grad``.
    """

    def __init__(self) -> None:
        _SetGrad.__init__(self, True)


class set_grad_enabled(_SetGrad):  # noqa: N801 (PyTorch's name)
    """Switch recording on or off from here on; as a ``with`` block, until its end.

    Args:
        mode: True records, False does not.

    Source: PyTorch, ``torch.set_grad_enabled``.
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._before_call = _mode.get().grad
        _mode.set(_mode.get()._replace(grad=self.enabled))

    def __enter__(self) -> None:
        super().__enter__()
        self._before[-1] = self._before_call

    def __call__(self, function: F) -> F:
        """Decorate ``function``; the mode here goes back to what it was."""
        _mode.set(_mode.get()._replace(grad=self._before_call))
        return super().__call__(function)
