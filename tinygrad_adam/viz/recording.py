"""The picture of a program while it runs: every operation, with values, times and gradients.

A walk back from a result finds what autograd recorded for its own purpose. That lacks operations
without gradient, values that nobody saved, and everything after an exception. :func:`record` sees
all of them, through the same place by which anomaly mode looks at each operation; outside its
``with`` block nothing is watched and nothing costs time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.autograd.observer import Observer, observing
from tinygrad_adam.autograd.traced import Traced, gradient_edge
from tinygrad_adam.backend import device_of
from tinygrad_adam.viz.building import Builder, IdentityMap, Source, shape_and_dtype
from tinygrad_adam.viz.measure import owner
from tinygrad_adam.viz.picture import Picture
from tinygrad_adam.viz.tracing import adopt, note_step

_HERE = str(Path(__file__).resolve().parent)
_PACKAGE = str(Path(__file__).resolve().parents[1])


class Recorder(Observer):
    """What :func:`record` gives: the computation so far, to be handed to :func:`viz.draw`.

    It holds numbers and texts, and weak references to tensors: nothing stays alive for it.
    """

    def __init__(self, names: Mapping[str, Any] | None = None) -> None:
        self.builder = Builder(names)
        self._sources = IdentityMap()  # memory of results -> source, to notice detached tensors
        self._watch: Any = None
        self._clock = 0.0
        self._failed = False
        self.computed = False
        """Whether the gradients were computed for the drawing, and are not those of leaves."""

    # --- as a context --------------------------------------------------------------------------

    def __enter__(self) -> Recorder:
        self._watch = observing(self)
        self._watch.__enter__()
        self._clock = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watch.__exit__(None, None, None)
        if isinstance(error, Exception) and not self._failed:
            self._note_failed_call(error, trace)
        self.builder.read_gradients()
        self.builder.forget_scopes()

    # --- what the engine tells of --------------------------------------------------------------

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Add an operation that has just run. Called by ``Operation.apply``."""
        seconds = self._elapsed(results)
        index = self._add(node, inputs, results, current_mode().scope)
        added = self.builder.picture.nodes[index]
        added.seconds, added.source = seconds, _program_line(sys._getframe(1))
        self._clock = time.perf_counter()

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Note the gradients that passed an operation. Called by the engine's walk."""
        seconds = self._elapsed(input_grads)
        index = adopt(self.builder, node)
        self.builder.picture.nodes[index].backward_seconds = seconds
        self.builder.picture.backward_ran = True
        note_step(self.builder, node, grads, input_grads)
        self._clock = time.perf_counter()

    def _elapsed(self, tensors: Sequence[Any]) -> float:
        """Return the seconds since the last event, after a GPU has finished."""
        for tensor in tensors:
            if isinstance(tensor, Traced) and device_of(tensor.array).type == "cuda":
                from tinygrad_adam import cuda

                cuda.synchronize()
                break
        return time.perf_counter() - self._clock

    # --- building ------------------------------------------------------------------------------

    def _add(self, node: Any, inputs: Sequence[Any], results: Sequence[Any], scope: Any) -> int:
        builder = self.builder
        if scope is not None:
            builder.call(scope)
        sources = [self._source(x) if isinstance(x, Traced) else None for x in inputs]
        outputs = [shape_and_dtype(x.array) for x in results]
        device = str(device_of(results[0].array)) if results else "cpu"
        index = builder.operation(node, sources, outputs, scope, device)
        builder.set_options(index, node, inputs)
        for slot, result in enumerate(results):
            builder.tensors.set(result, (index, slot))
            name = builder.name_of(result)
            if name:
                builder.picture.nodes[index].name = name
            self._sources.set(owner(result.array), (index, slot))
        if results:
            builder.set_value(index, results[0].array)
        return index

    def _source(self, tensor: Any) -> Source:
        """Return which node a tensor comes from."""
        builder = self.builder
        edge = gradient_edge(tensor)
        shape, dtype = shape_and_dtype(tensor.array)
        if edge is not None and isinstance(edge[0], Operation):
            source = Source(adopt(builder, edge[0]), edge[1], shape, dtype)
            self._sources.set(owner(tensor.array), source[:2])
            return source
        found = builder.tensors.get(tensor)
        if found is None and not tensor._requires_grad:
            found = self._sources.get(owner(tensor.array))
            if found is not None and builder.picture.nodes[found[0]].recorded:
                return Source(found[0], found[1], shape, dtype, recorded=False, detached=True)
            found = None
        if found is not None:
            recorded = builder.picture.nodes[found[0]].recorded
            return Source(found[0], found[1], shape, dtype, recorded)
        source = builder.leaf(tensor)
        if tensor._requires_grad:
            self._sources.set(owner(tensor.array), (source.node, 0))
        return source

    def failed(self, node: Any, inputs: Sequence[Any], error: Exception) -> None:
        """Add an operation that raised ``error``. Called by ``Operation.apply``."""
        self._add_failed(node, inputs, type(node).__name__, error, current_mode().scope)

    def _note_failed_call(self, error: Exception, trace: TracebackType | None) -> None:
        """Add the call into the package that raised ``error`` before it came to an operation."""
        found = _failing_call(trace)
        if found is not None:
            title, inputs, scope = found
            self._add_failed(_Failed(), inputs, title, error, scope)

    def _add_failed(
        self, node: Any, inputs: Sequence[Any], title: str, error: Exception, scope: Any
    ) -> None:
        self._failed = True
        index = self._add(node, inputs, (), scope)
        failed = self.builder.picture.nodes[index]
        failed.title, failed.is_output, failed.recorded = title, True, False
        failed.error = str(error).partition("\n")[0] or type(error).__name__
        failed.source = _program_line(sys._getframe(1))
        if isinstance(node, _Failed):
            failed.formula = ""

    # --- the result ----------------------------------------------------------------------------

    def picture(
        self, outputs: Sequence[tuple[str, Any]] = (), names: Mapping[str, Any] | None = None
    ) -> Picture:
        """Return the picture so far; without ``outputs``, what nothing consumes is the output."""
        builder = self.builder
        picture = builder.picture
        for name, tensor in [*outputs, *(names or {}).items()]:
            found = builder.tensors.get(tensor) if isinstance(tensor, Traced) else None
            if found is not None and name:
                picture.nodes[found[0]].name = str(name)
        for _, tensor in outputs:
            found = builder.tensors.get(tensor)
            # What no operation has touched, such as an input that is returned, is a leaf.
            index = self._source(tensor).node if found is None else found[0]
            picture.nodes[index].is_output = True
        if not outputs:
            consumed = {link.source for link in picture.links}
            for index, node in enumerate(picture.nodes):
                node.is_output = not node.is_leaf and index not in consumed
        if not self.computed:
            builder.read_gradients()
        return builder.finish()

    def mark_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Take tensors for inputs of the computation, whatever they look like."""
        for name, tensor in inputs.items():
            if isinstance(tensor, Traced):
                self.builder.inputs.set(tensor, name)


class _Failed(Operation):
    """Stands for a call that failed before it came to an operation."""


def record(names: Mapping[str, Any] | None = None) -> Recorder:
    """Watch every operation in a ``with`` block, and keep what a drawing needs::

        with viz.record() as tape:
            loss = criterion(model(x), target)
            loss.backward()
        viz.draw(tape, backward=True).save("step.svg")

    If the block raises, the tape holds everything up to there, and the operation that failed with
    the shapes that it was given; the exception goes on as usual. Every result is looked at, so the
    block runs a few times slower. Anomaly mode that is on goes on working; switch it on before.

    Args:
        names: names for tensors, for example ``locals()``. More can be given to ``draw``.
    """
    return Recorder(names)


def _program_line(frame: FrameType | None) -> str:
    """Return ``file.py:12``, where the program called into the package."""
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _failing_call(trace: TracebackType | None) -> tuple[str, Sequence[Any], Any] | None:
    """Return name, arguments and scope of the innermost call in the package that took tensors."""
    found: tuple[str, Sequence[Any], Any] | None = None
    scope = None
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        code, values = frame.f_code, frame.f_locals
        inner = getattr(values.get("inner"), "scope", None)  # in nn.Module.__call__
        scope = inner if inner is not None else scope
        if code.co_filename.startswith(_PACKAGE) and not code.co_filename.startswith(_HERE):
            inputs = [values.get(name) for name in code.co_varnames[: code.co_argcount]]
            if any(isinstance(x, Traced) for x in inputs):
                found = (code.co_name.strip("_"), inputs, scope)
    return found
