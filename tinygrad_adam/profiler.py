"""Profiles of training loops, step by step.

Source: PyTorch, ``torch.profiler``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any

from tinygrad_adam.autograd import profiler
from tinygrad_adam.autograd.profiler import Event, record_function


class ProfilerActivity(Enum):
    """Where to measure; on the CPU always."""

    CPU = 0
    CUDA = 1


class ProfilerAction(Enum):
    """What a schedule wants of a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """Return what to do in each step: wait, warm up, record; and again, ``repeat`` times or always.

    Source: PyTorch, ``torch.profiler.schedule``.
    """
    if not (wait >= 0 and warmup >= 0 and active > 0 and repeat >= 0 and skip_first >= 0):
        raise AssertionError("Invalid profiler schedule arguments")

    def action(step: int) -> ProfilerAction:
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        length = wait + warmup + active
        if repeat and step // length >= repeat:
            return ProfilerAction.NONE
        step %= length
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if step == length - 1 else ProfilerAction.RECORD

    return action


def _always(step: int) -> ProfilerAction:
    return ProfilerAction.RECORD


class profile(profiler.profile):  # noqa: N801 (PyTorch's name)
    """Measure the operations inside a ``with`` block, or in those steps that a schedule chooses.

    Args:
        activities: accepted for PyTorch's sake: what is measured are calls.
        schedule: says what to do in each step; the loop calls :meth:`step` after each.
        on_trace_ready: called with the profile when a cycle of the schedule, or the block, ends.
        record_shapes: note the shapes of the inputs, for a table by them.
        profile_memory: show how many bytes the results took.
        options: others of PyTorch's, accepted.

    Source: PyTorch, ``torch.profiler.profile``.
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(record_shapes=record_shapes, profile_memory=profile_memory, **options)
        self.schedule, self.on_trace_ready = schedule or _always, on_trace_ready
        self.step_num = 0
        self.current_action = self.schedule(0)

    def start(self) -> None:
        """Begin to measure."""
        self.__enter__()

    def stop(self) -> None:
        """End, and hand over what was measured."""
        self.__exit__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        if self.current_action in _RECORDING and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """Say that a step of the loop has ended."""
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if before is ProfilerAction.RECORD_AND_SAVE and self.on_trace_ready is not None:
            self.on_trace_ready(self)
        if before not in _RECORDING and self.current_action in _RECORDING:
            self.function_events = []

    def end(self, key: Any, memory: int = 0) -> None:
        """End the event of ``key``; it counts if this step is to be recorded."""
        count = len(self.function_events)
        super().end(key, memory)
        if self.current_action not in _RECORDING:
            del self.function_events[count:]

    def events(self) -> list[Event]:
        """Return the events, each by itself."""
        return self.function_events


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """Return an ``on_trace_ready`` that writes a file for each cycle into a folder.

    Raises:
        RuntimeError: the folder cannot be made.
    """
    Path(dir_name).mkdir(parents=True, exist_ok=True)

    def handle(finished: profile) -> None:
        name = worker_name or f"worker_{os.getpid()}"
        finished.export_chrome_trace(Path(dir_name) / f"{name}.{time.time_ns()}.pt.trace.json")

    return handle


__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "tensorboard_trace_handler",
]
