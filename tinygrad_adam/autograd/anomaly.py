"""Anomaly mode: stop where a gradient becomes NaN or infinite, and say which operation began it.

A NaN or an infinity in forward alone is no error: a mask may bring it in on purpose, and softmax,
clamp or another mask takes it out again. It is one if a gradient other than 0 comes back to it, for
then the loss depends on it. So forward only notes who made the first one, and backward judges. The
error names that operation with its module, its shapes and the lines of the program that called it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinygrad_adam.autograd.errors import describe, location
from tinygrad_adam.autograd.mode import change_mode, current_mode
from tinygrad_adam.autograd.observer import Observer, both, observing, without
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import array_module, is_array

_PACKAGE = str(Path(__file__).resolve().parents[1])


def _trouble(values: Sequence[Any]) -> str:
    """Return "nan" or "inf" if one of the tensors, arrays or numbers holds it, else ""."""
    found = ""
    for value in values:
        array = value.array if isinstance(value, Traced) else value
        if isinstance(array, float):
            found = "nan" if array != array else "inf" if abs(array) == float("inf") else found
        elif is_array(array) and array.dtype.kind in "fc":
            xp = array_module(array)
            if not xp.isfinite(array).all():
                if xp.isnan(array).any():
                    return "nan"
                found = "inf"
    return found


def program_lines() -> list[str]:
    """Return the call stack, formatted, without the frames inside this package."""
    stack = traceback.extract_stack()
    return traceback.format_list([x for x in stack if not x.filename.startswith(_PACKAGE)])


class _Note:
    """What anomaly mode knows of an operation, whose ``note`` it is."""

    forward: str = ""
    """Who made a NaN or infinity among its results or what they come from; the first one last."""
    made: Sequence[Any] = ()
    """Where the operation made such numbers itself: for each result, a mask."""
    backward: str = ""
    """Who made the first infinity among the gradients that arrive."""


class Detector(Observer):
    """Looks at the results and gradients of operations; see :class:`detect_anomaly`."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Note where ``node`` was called, and if it made a NaN or infinity or passed one on."""
        node.traceback = program_lines()
        node.scope = current_mode().scope
        trouble = _trouble(results) if self.check_nan else ""
        if not trouble:
            return
        node.note = note = _Note()
        before = _trouble(inputs)
        sources = [edge[0] for edge in node.edges if edge is not None] if before else ()
        known = [getattr(source, "note", None) for source in sources]
        note.forward = next((other.forward for other in known if other is not None), "")
        if before in ("nan", trouble):
            return
        note.made = [~array_module(y.array).isfinite(y.array) for y in results]
        note.forward = (
            f"Function '{node.name()}' computed {trouble} values in forward.\n"
            f"  {location(node)}: input {_shapes(inputs)}. Called here:\n"
            f"{''.join(node.traceback)}{note.forward}"
        )

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Raise if a gradient is NaN, if a leaf's is infinite, or if forward's NaN matters."""
        if not self.check_nan:
            return
        note = node.note or _Note()
        troubles = [_trouble([gradient]) for gradient in input_grads]
        for position in sorted(range(len(troubles)), key=lambda i: troubles[i] != "nan"):
            trouble, gradient = troubles[position], input_grads[position]
            edge = node.edges[position] if trouble else None
            if edge is None:
                continue
            called = "".join(node.traceback or ["  (outside anomaly mode: lines unknown)\n"])
            here = (
                f"Function '{node.name()}' returned {trouble} values in its {position}th output.\n"
                f"  {location(node)}: gradient {_shapes([gradient])}, made from gradient "
                f"{_shapes(grads)}. The operation was called here:\n{called}"
            )
            given = bool(_trouble(grads))
            if trouble == "nan":
                raise RuntimeError(here + (note.backward if given else "") + note.forward)
            began = note.backward if given else here  # nothing: the program itself began it
            if not isinstance(edge[0], Traced):
                edge[0].note = edge[0].note or _Note()
                edge[0].note.backward = began
            elif began:
                raise RuntimeError(began)
        for mask, gradient in zip(note.made, grads):
            if gradient is not None and gradient.array[mask].any():
                raise RuntimeError(note.forward)


def _shapes(values: Sequence[Any]) -> str:
    return ", ".join([describe(x.array) for x in values if isinstance(x, Traced)])


class set_detect_anomaly:  # noqa: N801 (PyTorch's name)
    """Switch anomaly mode on or off from here on; as a ``with`` block, until its end.

    Args:
        mode: True switches it on.
        check_nan: False only notes the lines of the program, for other error texts.

    Every operation looks at all its numbers then: training gets several times slower.

    Source: PyTorch, ``torch.autograd.set_detect_anomaly``.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = current_mode().observer
        others = without(Detector, self._before)
        change_mode(observer=both(others, Detector(check_nan) if mode else None))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        change_mode(observer=self._before)


@contextmanager
def detect_anomaly(check_nan: bool = True) -> Iterator[None]:
    """Anomaly mode inside a ``with`` block: backward raises where a gradient becomes NaN.

    So it does if a leaf's gradient is infinite, or if the loss depends on a NaN or an infinity that
    an operation made in forward. The error names the operation that began it.

    Args:
        check_nan: False only notes the lines of the program, for other error texts.

    Raises:
        RuntimeError: from ``backward``.

    Source: PyTorch, ``torch.autograd.detect_anomaly``.
    """
    with observing(Detector(check_nan)):
        yield


def is_anomaly_enabled() -> bool:
    """Return whether anomaly mode is on here."""
    observer = current_mode().observer
    return observer is not without(Detector, observer)
