"""How often each operation runs, and how long it takes.

A profile is an observer: outside its block nothing is measured, and nothing is slower. On a GPU,
where kernels run on after the call that started them, times are those of the calls.

Source: PyTorch, ``torch.autograd.profiler``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import Any

from tinygrad_adam.autograd.mode import current_mode, mode
from tinygrad_adam.autograd.observer import Observer, both, parts
from tinygrad_adam.autograd.traced import Traced


@dataclass
class Event:
    """One call of an operation, one step of a walk, or one block of :class:`record_function`."""

    key: Any
    """The operation, or the block."""
    name: str
    start: float
    input_shapes: list[Any] = field(default_factory=list)
    total: float = 0.0
    """Its seconds, with those of events inside it."""
    inside: float = 0.0
    """The seconds of events inside it."""
    memory: int = 0
    """The bytes of its results."""


class profile(Observer):  # noqa: N801 (PyTorch's name)
    """Measure the operations inside a ``with`` block: ``print(p.key_averages().table())``.

    Args:
        enabled: False measures nothing.
        use_cuda: accepted for PyTorch's sake, as are the options that are not named here.
        record_shapes: note the shapes of the inputs, for a table by them.
        profile_memory: show how many bytes the results took.

    Operations are shown by PyTorch's names, ``aten::mul``, and what their gradients took as
    ``MulBackward0``.

    Source: PyTorch, ``torch.autograd.profiler.profile``.
    """

    inside_walks = True

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        record_shapes: bool = False,
        profile_memory: bool = False,
        **others: Any,
    ) -> None:
        if unknown := set(others) - _ACCEPTED:
            raise TypeError(
                f"profile.__init__() got an unexpected keyword argument '{sorted(unknown)[0]}'"
            )
        self.enabled, self.record_shapes = enabled, record_shapes
        self.profile_memory = profile_memory
        self.function_events: list[Event] = []
        self._open: list[Event] = []
        self._blocks: list[Any] = []

    def __enter__(self) -> profile:
        if self.enabled:
            block = mode(observer=both(current_mode().observer, self))
            self._blocks.append(block)
            block.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._blocks:
            self._blocks.pop().__exit__(None, None, None)

    def begin(self, key: Any, name: str, inputs: Sequence[Any] = ()) -> None:
        """Begin an event inside those that are under way."""
        shapes = [list(x.array.shape) if isinstance(x, Traced) else [] for x in inputs]
        self._open.append(Event(key, name, perf_counter(), shapes if self.record_shapes else []))

    def end(self, key: Any, memory: int = 0) -> None:
        """End the event of ``key``, and what an exception left open inside it."""
        now = perf_counter()
        ended = any(event.key is key for event in self._open)
        while ended:
            event = self._open.pop()
            event.total = now - event.start
            self.function_events.append(event)
            if self._open:
                self._open[-1].inside += event.total
            if event.key is key:
                event.memory, ended = memory, False
            event.key = None  # an operation keeps what it saved

    def before_forward(self, node: Any, inputs: Sequence[Any]) -> None:
        """Begin to measure an operation."""
        self.begin(node, _aten(type(node)), inputs)

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """End it."""
        self.end(node, sum(y.array.nbytes for y in results if y._base is None))

    def failed(self, node: Any, inputs: Sequence[Any], error: Exception) -> None:
        """End it."""
        self.end(node)

    def before_backward(self, node: Any) -> None:
        """Begin to measure a step of a walk."""
        self.begin(node, node.name())

    def after_backward(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """End it."""
        self.end(node)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Return the events summed by name, and by the shapes of inputs as well if wanted."""
        found: dict[Any, EventAverage] = {}
        for event in self.function_events:
            shapes = event.input_shapes if group_by_input_shape else []
            key = (event.name, str(shapes))
            average = found.setdefault(key, EventAverage(event.name, shapes))
            average.count += 1
            average.cpu_time_total += event.total * 1e6
            average.self_cpu_time_total += (event.total - event.inside) * 1e6
            average.cpu_memory_usage += event.memory
        return EventList(found.values(), self.profile_memory, group_by_input_shape)

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """Return the table of :meth:`key_averages`."""
        return self.key_averages().table(sort_by, row_limit, **options)

    def total_average(self) -> EventAverage:
        """Return the sum of all events."""
        return self.key_averages().total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, in microseconds."""
        return self.key_averages().self_cpu_time_total

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: Any) -> None:
        """Write the events as a file that ``chrome://tracing`` and Perfetto show."""
        where = {"ph": "X", "pid": 0, "tid": 0}
        rows = [
            {**where, "name": event.name, "ts": event.start * 1e6, "dur": event.total * 1e6}
            for event in self.function_events
        ]
        Path(path).write_text(json.dumps({"traceEvents": rows}), encoding="utf-8")


_ACCEPTED = {
    "use_device", "with_flops", "with_stack", "with_modules", "use_kineto", "use_cpu",
    "experimental_config", "acc_events", "custom_trace_id_callback", "post_processing_timeout_s",
}  # fmt: skip


def _aten(operation: Any) -> str:
    """Return PyTorch's name of the function behind an operation: ``aten::log_softmax``."""
    name = re.sub(r"Backward\d?$", "", operation.backward_name) or operation.__name__
    name = re.sub("(?<=[a-z0-9D])(?=[A-Z][a-z])", "_", name.rpartition(":")[2])
    return f"aten::{name.lower()}"


@dataclass
class EventAverage:
    """The events of one name; times are in microseconds."""

    key: str
    input_shapes: list[Any]
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    cpu_memory_usage: int = 0
    # There is no clock on the device.
    device_time = device_time_total = self_device_time_total = 0.0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0

    @property
    def cpu_time(self) -> float:
        """The mean time of one."""
        return self.cpu_time_total / self.count if self.count else 0.0


class EventList(list[EventAverage]):
    """What :meth:`profile.key_averages` returns."""

    def __init__(self, events: Any, with_memory: bool = False, with_shapes: bool = False) -> None:
        super().__init__(events)
        self.with_memory, self.with_shapes = with_memory, with_shapes

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> EventAverage:
        """Return the sum of all events."""
        total = EventAverage("Total", [])
        for event in self:
            total.count += event.count
            for name in ("cpu_time_total", "self_cpu_time_total", "cpu_memory_usage"):
                setattr(total, name, getattr(total, name) + getattr(event, name))
        total.cpu_time_total = total.self_cpu_time_total
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """Return a table of the events.

        Args:
            sort_by: a column by its attribute: ``cpu_time_total``, ``self_cpu_time_total``,
                ``cpu_time``, ``count``, ``cpu_memory_usage``; the largest come first.
            row_limit: how many rows; -1 for all.
            max_src_column_width: accepted for PyTorch's sake: there is no column of sources.
            max_name_column_width: where to cut names off.
            max_shapes_column_width: where to cut shapes off.
            header: a line to stand above.
            top_level_events_only: accepted for PyTorch's sake.
            time_unit: "s", "ms" or "us", instead of what suits each time.

        Raises:
            AttributeError: there is no such column.
        """
        whole = self.self_cpu_time_total
        events: list[EventAverage] = list(self)
        if sort_by is not None:
            events.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        columns: list[tuple[str, Callable[[EventAverage], str]]] = [
            ("Name", lambda e: _cut(e.key, max_name_column_width)),
            ("Self CPU %", lambda e: _share(e.self_cpu_time_total, whole)),
            ("Self CPU", lambda e: _time(e.self_cpu_time_total, time_unit)),
            ("CPU total %", lambda e: _share(e.cpu_time_total, whole)),
            ("CPU total", lambda e: _time(e.cpu_time_total, time_unit)),
            ("CPU time avg", lambda e: _time(e.cpu_time, time_unit)),
        ]
        if self.with_memory:
            columns.append(("CPU Mem", lambda e: _bytes(e.cpu_memory_usage)))
        columns.append(("# of Calls", lambda e: str(e.count)))
        if self.with_shapes:
            columns.append(
                ("Input Shapes", lambda e: _cut(str(e.input_shapes), max_shapes_column_width))
            )
        shown = events[:row_limit] if row_limit >= 0 else events
        rows = [[name for name, _ in columns], *[[of(e) for _, of in columns] for e in shown]]
        widths = [max(12, *[len(row[i]) for row in rows]) for i in range(len(columns))]
        widths[0] += 4
        rule = "  ".join(["-" * width for width in widths]) + "  "
        lines = ["  ".join([x.rjust(n) for x, n in zip(row, widths)]) + "  " for row in rows]
        above = [rule, header] if header is not None else []
        total = f"Self CPU time total: {_time(whole, time_unit)}"
        return "\n".join([*above, rule, lines[0], rule, *lines[1:], rule, total, ""])


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else f"{text[: width - 3]}..."


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "NaN"


def _time(microseconds: float, unit: str | None) -> str:
    sizes = {"s": 1e6, "ms": 1e3, "us": 1.0}
    if unit is None:
        unit = next((name for name, size in sizes.items() if microseconds >= size), "us")
    return f"{microseconds / sizes[unit]:.3f}{unit}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


class record_function:  # noqa: N801 (PyTorch's name)
    """Measure a ``with`` block, or a function that this decorates, under a name of its own.

    Source: PyTorch, ``torch.autograd.profiler.record_function``.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._profiles: list[list[profile]] = []

    def __enter__(self) -> record_function:
        found = parts(profile, current_mode().observer)
        for one in found:
            one.begin(self, self.name)
        self._profiles.append(found)
        return self

    def __exit__(self, *exception: object) -> None:
        for one in self._profiles.pop():
            one.end(self)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function."""

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return run


__all__ = ["profile", "record_function"]
