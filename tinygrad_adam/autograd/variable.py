"""What the engine knows of a tensor: an array, a gradient, and where it came from.

``Tensor`` inherits from :class:`Variable` and adds everything that users call. The engine and the
operations need only this much, so they stand below ``tensor.py`` and never import it: where they
build a result, they ask one of the inputs to wrap it (:meth:`Variable._wrap`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.backend import Array

if TYPE_CHECKING:
    from tinygrad_adam.autograd.function import Operation

# Where a gradient goes: the operation that made a tensor and which of its results the tensor is; or
# a leaf itself, with slot 0.
Edge = tuple["Operation | Variable", int]


class Variable:
    """An array that may have a gradient and a history.

    Fields are class attributes with their usual value, so that making a tensor costs only what
    differs from it.
    """

    array: Array
    """The values."""
    _grad: Any = None
    """The gradient, a tensor like this one, or None: of a leaf, or of one that retains it."""
    _requires_grad: bool = False
    _edge: Edge | None = None
    """The operation that made this, and which of its results; None for a leaf."""
    _version: list[int]
    """How often the memory was written in place: one counter, shared by all views of it."""
    _base: Any = None
    """The tensor whose memory this is a view of, or None."""
    _base_edge: Edge | None = None
    """For a view, the history of the base when ``_edge`` was made ..."""
    _view_version: int = 0
    """... and the version up to which that is known to hold."""
    edges: tuple[Edge | None, ...] = ()
    """None: a leaf is where the walk ends."""
    hooks: dict[int, dict[int, Any]] | None = None
    """For a leaf, as in an operation: the functions to call with its gradient, under slot 0."""
    retained: dict[int, Any] | None = None

    @property
    def outputs(self) -> tuple[tuple[tuple[int, ...], np.dtype], ...]:
        """For a leaf, as in an operation: the shape and dtype of the one value."""
        return ((self.array.shape, self.array.dtype),)

    @staticmethod
    def _wrap(array: Array) -> Any:
        """Return a new tensor around ``array``, without history."""
        raise NotImplementedError

    def detach(self) -> Any:
        """Return a tensor on the same memory, without history."""
        raise NotImplementedError

    def _refresh_view(self) -> None:
        """Bring a view's ``_edge`` up to date after its memory was written through another."""
        raise NotImplementedError


def gradient_edge(variable: Variable) -> Edge | None:
    """Return where the gradient of ``variable`` goes, or None if it needs none."""
    if variable._base is not None and variable._view_version != variable._version[0]:
        variable._refresh_view()
    if not variable._requires_grad:
        return None
    return variable._edge or (variable, 0)
