"""Anomaly mode: stop at the first operation that makes a NaN or an infinity.

Every result is looked at as it is computed. An operation with a NaN among its inputs merely passes
it on, and so does one that gives infinities for infinities; the culprit is the first to make one.
The error names it with its module, its shapes and the lines of the program that called it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinygrad_adam.autograd.errors import describe, location
from tinygrad_adam.autograd.mode import _mode, current_mode
from tinygrad_adam.autograd.observer import Observer, both, observing, without
from tinygrad_adam.autograd.variable import Variable
from tinygrad_adam.backend import array_module, is_array

_PACKAGE = str(Path(__file__).resolve().parents[1])


def _trouble(values: Sequence[Any]) -> str:
    """Return "nan" or "inf" if one of the tensors, arrays or numbers holds it, else ""."""
    found = ""
    for value in values:
        array = value.array if isinstance(value, Variable) else value
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


class Detector(Observer):
    """Looks at the results of operations; see :class:`detect_anomaly`."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Note where ``node`` was called; raise if it made a NaN or infinity."""
        node.traceback = program_lines()
        node.scope = current_mode().scope
        if not self.check_nan:
            return
        trouble = _trouble(results)
        if trouble and _trouble(inputs) not in ("nan", trouble):
            raise RuntimeError(
                f"Function '{node.name()}' computed {trouble} values in forward.\n"
                f"  {location(node)}: input {_shapes(inputs)}. Called here:\n"
                + "".join(node.traceback)
            )

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Raise if ``node`` made a NaN or infinity out of gradients that had none."""
        if not self.check_nan:
            return
        before = _trouble(grads)
        for position, gradient in enumerate(input_grads):
            trouble = _trouble([gradient])
            if trouble and before not in ("nan", trouble):
                called = "".join(node.traceback or ["  (outside anomaly mode: lines unknown)\n"])
                raise RuntimeError(
                    f"Function '{node.name()}' returned {trouble} values in its {position}th "
                    f"output.\n  {location(node)}: gradient {_shapes([gradient])}, made from "
                    f"gradient {_shapes(grads)}. The operation was called here:\n{called}"
                )


def _shapes(values: Sequence[Any]) -> str:
    return ", ".join([describe(x.array) for x in values if isinstance(x, Variable)])


class set_detect_anomaly:  # noqa: N801 (PyTorch's name)
    """Switch anomaly mode on or off from here on; as a ``with`` block, until its end.

    Args:
        mode: True switches it on.
        check_nan: False only notes the lines of the program, for other error texts.

    Every operation looks at all its numbers then: training gets several times slower.

    Source: PyTorch, ``torch.autograd.set_detect_anomaly``.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _mode.get().observer
        others = without(Detector, self._before)
        _mode.set(
            _mode.get()._replace(observer=both(others, Detector(check_nan) if mode else None))
        )

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        _mode.set(_mode.get()._replace(observer=self._before))


@contextmanager
def detect_anomaly(check_nan: bool = True) -> Iterator[None]:
    """Anomaly mode inside a ``with`` block: an operation that makes a NaN or infinity raises.

    Args:
        check_nan: False only notes the lines of the program, for other error texts.

    Raises:
        RuntimeError: from the operation that makes the first NaN or infinity, forward or backward.

    Source: PyTorch, ``torch.autograd.detect_anomaly``.
    """
    with observing(Detector(check_nan)):
        yield


def is_anomaly_enabled() -> bool:
    """Return whether anomaly mode is on here."""
    observer = _mode.get().observer
    return observer is not without(Detector, observer)
