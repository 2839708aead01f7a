"""Writing into tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def in_place(function: F) -> F:
    """Return the in-place twin of a function: ``exp_ = in_place(ops.exp)``."""

    @functools.wraps(function)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return self._in_place(lambda x: function(x, *args, **options))

    method.__name__ = f"{function.__name__}_"
    method.__qualname__ = f"Tensor.{method.__name__}"
    method.__doc__ = f"Do :meth:`{function.__name__}` in place."
    return method  # type: ignore[return-value]
