"""What autograd knows of a tensor: an array, a gradient, where it came from, what it is a view of.

``Tensor`` inherits from :class:`Traced` and adds what users call. Operations and the engine stand
below it and never import it: they build a result by asking an input to wrap an array.

A tensor is in one of these states:

=================  =======  =========  ==============  ==================================
state              _edge    _base      _requires_grad  a write in place, while recording
=================  =======  =========  ==============  ==================================
leaf               None     None       False           takes the history of what is written
leaf with grad     None     None       True            error: a leaf
result             (n, k)   None       True            takes the history of what is written
view               any      a tensor   as its base     the base gets a new history, see inplace.py
view, stale        any      a tensor   any             first looks its history up again
view, locked       any      a tensor   any             error: ``_locked`` says why
view with grad     None     a tensor   True            error: a view of a leaf
=================  =======  =========  ==============  ==================================

All tensors on one memory share one counter of writes; what an operation saved compares it
(operation.py). A view is *stale* when there were writes since its history was looked up
(``_base_version != _writes[0]``): into the base, itself, or another view. Hooks on it stay with the
value before. A view is *locked* if no gradient could be right after a write while recording: it was
made without recording, together with others by one operation, or inside a user's ``Function``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd.errors import NO_GRAD_VIEW, RELAID, locked_view
from tinygrad_adam.autograd.hooks import Watch
from tinygrad_adam.autograd.mode import mode
from tinygrad_adam.backend import Array, address

if TYPE_CHECKING:
    from tinygrad_adam.autograd.operation import Operation

# Where a gradient goes: the operation that made a tensor and which of its results the tensor is; or
# a leaf itself, with slot 0.
Edge = tuple["Operation | Traced", int]


class Unversioned(list[int]):
    """The counter of writes of what was made in inference mode, for which nobody asks."""


class Traced:
    """An array that may have a gradient and a history.

    Fields are class attributes with their usual value, so that making a tensor costs only what
    differs from it. No two tensors hold the same array object: an operation recognizes by it which
    of its inputs it saved.
    """

    array: Array
    """The values."""
    _grad: Any = None
    """The gradient, a tensor like this one, or None: of a leaf, or of one that retains it."""
    _requires_grad: bool = False
    _edge: Edge | None = None
    """The operation that made this, and which of its results; None for a leaf."""
    _writes: list[int]
    """How often the memory was written in place: one counter, shared by all views of it."""

    @property
    def _version(self) -> int:
        """How often the memory was written in place."""
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._writes[0]

    def is_inference(self) -> bool:
        """Return whether this was made in inference mode."""
        return type(self._writes) is Unversioned

    _base: Any = None
    """The tensor whose memory this is a view of, never a view itself; or None."""
    _replay: Callable[[Any], Any]
    """For a view: makes it again, of a tensor or an array like the base."""
    _base_version: int = 0
    """For a view: the number of writes up to which ``_edge`` tells its history."""
    _relaid: bool = False
    """Whether the tensor was given another shape in place: earlier views of it are then lost."""
    _locked: str = ""
    """For a view: why it must not be written while recording, in PyTorch's words; else ""."""

    edges: tuple[Edge | None, ...] = ()
    """None: a leaf is where the walk ends."""
    watches: dict[int, Watch] | None = None
    """For a leaf, as in an operation: who wants to see its gradient, under slot 0."""
    after_accumulation: dict[int, Callable[[Any], Any]] | None = None
    """For a leaf: what to call with it when a walk has added to its gradient."""

    @property
    def outputs(self) -> tuple[tuple[tuple[int, ...], Any], ...]:
        """For a leaf, as in an operation: the shape and dtype of the one value."""
        return ((self.array.shape, self.array.dtype),)

    @staticmethod
    def _wrap(array: Array) -> Any:
        """Return a new tensor around ``array``, without history."""
        raise NotImplementedError


def gradient_edge(x: Traced) -> Edge | None:
    """Return where the gradient of ``x`` goes, or None if it needs none."""
    if x._base is not None and x._base_version != x._writes[0]:
        refresh(x)
    return (x._edge or (x, 0)) if x._requires_grad else None


def refresh(view: Traced) -> None:
    """Give a stale view the history that it has as a part of its base now.

    Raises:
        RuntimeError: the view is locked, and so has none.
    """
    base = view._base
    if base._relaid and not view._locked and not _still_there(view):
        view._locked = RELAID
    if base._requires_grad or view._edge is not None:
        if not view._locked:
            with mode(grad=True, arrays=False, observer=None):
                set_history(view, view._replay(base))
        # PyTorch also refuses a view made under no_grad whose leaf was written there, which its own
        # text calls the right thing to do: the view stays a constant.
        elif base._edge is not None or view._locked is not NO_GRAD_VIEW:
            raise RuntimeError(locked_view(view, "its base or another view of its base has been"))
    view._base_version = view._writes[0]


def _still_there(view: Traced) -> bool:
    """Return whether a view, made again of its base's array, lies where it lies."""
    try:
        with mode(arrays=True):
            again = view._replay(view._base.array)
    except (IndexError, RuntimeError, ValueError):  # the base has other dimensions now
        return False
    made, here = ((address(x), x.shape, x.strides) for x in (again, view.array))
    return made == here


def set_history(x: Traced, source: Traced) -> None:
    """Let ``x`` come from where ``source`` came from. If it retains its gradient, it still does.

    Hooks stay behind: they were hung on the value before, and see the gradient of that.
    """
    watch = None
    if x._edge is not None:
        watch = (x._edge[0].watches or {}).get(x._edge[1])
    x._edge, x._requires_grad = source._edge, source._requires_grad
    if watch is not None and watch.retained is not None and watch.retained() is x:
        watch.retained = None
        if x._edge is not None:
            watch_gradient(x).retained = weakref.ref(x)


def link_view(view: Traced, source: Traced, replay: Callable[[Any], Any], locked: str) -> None:
    """Make ``view`` known as a view of ``source``, of which ``replay`` makes it again."""
    if source._base is None:
        view._base, view._replay = source, replay
    else:
        earlier = source._replay
        view._base, view._replay = source._base, lambda base: replay(earlier(base))
    view._writes = source._writes
    view._base_version = view._writes[0]
    view._locked = locked or source._locked


def never(base: Any) -> Any:
    """Stand where a view that is locked would be made again."""
    raise NotImplementedError


def watch_gradient(x: Traced) -> Watch:
    """Return the watch on the gradient of ``x``, which requires grad.

    It hangs on the node, so that a walk finds it and one without any pays for one look.
    """
    edge = gradient_edge(x)
    assert edge is not None
    node, slot = edge
    if node.watches is None:
        node.watches = {}
    return node.watches.setdefault(slot, Watch())
