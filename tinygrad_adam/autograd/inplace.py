"""Writing into tensors, and what becomes of their history.

``x.mul_(w)`` computes ``x * w`` as ``mul`` does, of a tensor that stands for x as it was, and puts
the result into x's memory. Then x, if it is no view, takes the result's history.

If x is a view, its base has changed in one place: the base's new history is :class:`Put`, of its
old one and the result. The views of it are stale now; each gets its history anew, by being made
again from the base, when somebody asks for it (traced.py has the table of states).

A view is made again by calling the operations that made it. These take tensors or arrays: a tensor
gives the view a history, an array gives Put's gradient the place in memory where the view lies.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from tinygrad_adam.autograd.errors import LEAF_IN_PLACE, VIEW_OF_LEAF_IN_PLACE, locked_view
from tinygrad_adam.autograd.mode import current_mode, mode
from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.autograd.traced import Traced, gradient_edge, refresh, set_history
from tinygrad_adam.backend import Array, array_module, can_cast
from tinygrad_adam.backend.dtypes import type_name

F = TypeVar("F", bound=Callable[..., Any])
Replay = Callable[[Any], Any]


class Put(Operation):
    """``base`` after ``value`` was written where ``replay`` finds a view of it.

    Gradient: dbase = g with zeros in that place, dvalue = g in that place.  Saves nothing.
    """

    holomorphic = False  # the place may be the imaginary parts

    def shown(self) -> Any:
        """Return PyTorch's form: what was written counts as made here, from what else it took."""
        made = self.edges[1]
        others: Any = ()
        if made is not None and isinstance(made[0], Operation):
            others = [made[0].edges[x] if isinstance(x, int) else x for x in made[0].form()[2:]]
        return ("torch::autograd::CopySlices", 0, *others)

    def forward(self, base: Array, value: Array, replay: Replay) -> Array:
        self.replay, self.strides = replay, base.strides
        return base  # the value is in it already

    def backward(self, grad: Any) -> Any:
        need_base, need_value, _ = self.needs_input_grad
        return (
            ZeroAt.apply(grad, self.replay, self.strides) if need_base else None,
            self.replay(grad) if need_value else None,
            None,
        )


class ZeroAt(Operation):
    """x, with zeros where ``replay`` finds a view of it.  Gradient: the same of g.

    The copy lies in memory as the base did: there, what was a view of that is a view of this.
    """

    def forward(self, x: Array, replay: Replay, strides: tuple[int, ...]) -> Array:
        self.options = replay, strides
        y = _laid_out_as(x, strides)
        writable(replay(y))[...] = 0
        return y

    def backward(self, grad: Any) -> Any:
        return ZeroAt.apply(grad, *self.options), None, None


def _laid_out_as(x: Array, strides: tuple[int, ...]) -> Array:
    """Return a dense copy of ``x`` whose dimensions lie in memory in the order of ``strides``."""
    outwards = sorted(range(x.ndim), key=lambda d: -abs(strides[d]))
    memory = array_module(x).empty([x.shape[d] for d in outwards], x.dtype)
    copy = memory.transpose(sorted(range(x.ndim), key=outwards.__getitem__))
    copy[...] = x
    return copy


def in_place(function: F, fills: bool = False) -> F:
    """Return the in-place twin of a function: ``exp_ = in_place(ops.exp)``.

    Args:
        function: computes the new values from a tensor and other arguments.
        fills: it gives elements that share a memory location the same, as in an expanded tensor.
    """

    @functools.wraps(function)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(self, Traced):  # relu_(3)
            return function(self, *args, **options)  # which says that it wants a tensor
        others = [x for x in (*args, *options.values()) if isinstance(x, Traced)]
        recording = current_mode().grad and any(map(_matters, (self, *others)))
        check_writable(self, recording, fills)
        return write(self, function(_before(self, recording), *args, **options))

    method.__name__ = f"{function.__name__}_"
    method.__qualname__ = f"Tensor.{method.__name__}"
    method.__doc__ = f"Do :meth:`{function.__name__}` in place."
    return method  # type: ignore[return-value]


def in_place_view(function: F) -> F:
    """Return the in-place twin of a function that gives a view: ``t_ = in_place_view(ops.t)``.

    The tensor becomes that view of its own memory.
    """

    @functools.wraps(function)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        recording = current_mode().grad and _matters(self)
        check_writable(self, recording, fills=True)
        before = self._wrap(self.array)
        if self._base is None:
            if self._edge is not None:
                set_history(before, self)
            with mode(grad=True):  # in any case: the history of a result must know its new shape
                made = function(before, *args, **options)
            if self._edge is not None:
                set_history(self, made)
            self._relaid = True
        else:
            made, earlier = function(before, *args, **options), self._replay
            self._replay = lambda base: function(earlier(base), *args, **options)
        self.array = made.array
        self._writes[0] += 1
        return self

    method.__name__ = f"{function.__name__}_"
    method.__qualname__ = f"Tensor.{method.__name__}"
    method.__doc__ = f"Do :meth:`{function.__name__}` in place."
    return method  # type: ignore[return-value]


def _matters(x: Traced) -> bool:
    """Return whether ``x``, or the tensor whose memory it looks at, needs a gradient."""
    return x._requires_grad or (x._base is not None and x._base._requires_grad)


def check_writable(x: Any, recording: bool, fills: bool = False) -> None:
    """Raise if the memory of ``x`` may not be written to now."""
    if x.is_inference() and not current_mode().inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed."
            "You can make a clone to get a normal tensor before doing inplace update."
        )
    if recording:
        base = x if x._base is None else x._base
        if base._relaid and base is not x:
            gradient_edge(x)
        if x._locked:
            raise RuntimeError(locked_view(x, "is being"))
        if base._edge is None and _matters(x):
            raise RuntimeError(
                (LEAF_IN_PLACE if base is x else VIEW_OF_LEAF_IN_PLACE)
                + f"\n  It is a parameter or input of shape {tuple(base.shape)}: write to it "
                "inside no_grad(), or make a new tensor instead"
            )
    # NumPy lets nobody write into what it broadcast; CuPy knows no such flag.
    if not (getattr(x.array.flags, "writeable", False) or fills) and shared_dims(x.array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


def shared_dims(array: Array) -> list[int]:
    """Return the dimensions along which all elements share one memory location, if there are some.

    That is how an expanded tensor lies in memory.
    """
    if 0 not in array.strides or not array.size:
        return []
    pairs = zip(array.shape, array.strides)
    return [dim for dim, (size, step) in enumerate(pairs) if size > 1 and not step]


def writable(array: Array) -> Array:
    """Return an array to write into ``array``, which NumPy allows nobody if it was broadcast."""
    if getattr(array.flags, "writeable", True):
        return array
    array = array.view()
    try:
        array.flags.writeable = True
    except ValueError:
        raise RuntimeError(
            "the memory of this tensor is read-only, as was that of the NumPy array that it was "
            "made of: clone() it to write into it"
        ) from None
    return array


def _before(x: Any, recording: bool) -> Any:
    """Return a tensor that stands for ``x`` as it is before a write."""
    if not recording:
        return x._wrap(x.array)
    # Operations may save it for their gradient: as it was, not as it will be.
    before = x._wrap(x.array.copy())
    if x._base is None:
        set_history(before, x)
    elif x._base._requires_grad:
        # Made anew: hooks on the view as it was are not called for what is written into it.
        set_history(before, x._replay(_aside(x._base)))
    return before


def _aside(base: Any) -> Any:
    """Return another tensor on the memory of ``base``, with the history that it has now."""
    aside = base._wrap(base.array)
    set_history(aside, base)
    return aside


def write(x: Any, result: Any) -> Any:
    """Put ``result`` into the memory of ``x``, with its history.

    Raises:
        RuntimeError: it has another shape, or a dtype of a higher kind.
    """
    if result.shape != x.shape:
        raise RuntimeError(
            f"output with shape {list(x.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )
    if not can_cast(result.dtype, x.dtype):
        raise RuntimeError(
            f"result type {type_name(result.dtype)} can't be cast to the desired output type "
            f"{type_name(x.dtype)}"
        )
    writable(x.array)[...] = result.array
    x._writes[0] += 1
    if result._requires_grad:
        take_history(x, result)
    return x


def take_history(x: Any, result: Any) -> None:
    """Let ``x``, which was written, come from where ``result`` came from."""
    if x._base is None:
        set_history(x, result)
    else:
        set_history(x._base, Put.apply(_aside(x._base), result, x._replay))
        refresh(x)
