"""A few threads for the runs of a kernel.

Compiled loops need no lock of Python's, so plain threads compute side by side. BLAS's own threads
split every product; here, each thread takes a run of the work through all steps while it is in its
core's cache, and BLAS is held to one thread meanwhile (`hold`).

The threads start at the first use. They take runs one by one, the caller too, so that nobody waits
for one that wakes up late. What the caller does, an interrupt may break off between any two lines:
whatever must be undone is undone twice, by functions that may be called again.
"""

from __future__ import annotations

import collections
import contextvars
import functools
import os
import queue
import threading
from collections.abc import Callable

import numpy as np

from tinygrad_adam.backend.compiled import hold

# Elementary steps (an element read and written) for a run: some 100 microseconds, twice what
# another thread takes to wake up.
LEAST = 1 << 18
# Multiplications of a matrix product that take as long as an elementary step, roughly.
PRODUCT = 32
# Runs for each thread, so that one that wakes late is left with less.
PARTS = 4

_inbox: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
_helpers: list[threading.Thread] = []
_wanted: int | None = None


class _Job:
    """One call of `run`: tasks that are taken one by one by whoever is free."""

    def __init__(self, task: Callable[[int], object], count: int) -> None:
        self.task, self.left = task, collections.deque(range(count))
        self.locks = [threading.RLock() for _ in range(1, min(get_num_threads(), count))]
        self.errors: list[BaseException] = []

    def work(self) -> None:
        while self.left:
            try:
                index = self.left.popleft()
            except IndexError:  # somebody else was faster
                return
            self.task(index)

    def help(self, lock: threading.RLock) -> None:  # type: ignore[valid-type]
        """Work in a helper's thread, if it comes before the end."""
        if lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                self.work()
            except BaseException as error:  # raised again in the thread that called run
                self.errors.append(error)
                self.left.clear()
            finally:
                lock.release()  # type: ignore[attr-defined]

    def end(self) -> None:
        """Let nobody take anything any more, and wait for those who have."""
        self.left.clear()
        for lock in self.locks:
            lock.acquire()  # never given back: for a helper that comes later
        self.task = int  # a late helper holds the job, but not the arrays


def run(task: Callable[[int], object], count: int) -> None:
    """Call ``task(0)`` ... ``task(count - 1)``, spread over the threads; return when all are done.

    BLAS has one thread meanwhile. Tasks write to separate places, so that the result has the same
    bits whoever does which. An error in one is raised here. NumPy's settings are the caller's.
    """
    job, mine = _Job(task, count), np.zeros(1, np.int64)
    try:
        try:
            hold.take(mine)
            for lock in job.locks:
                _call_helper(functools.partial(contextvars.copy_context().run, job.help, lock))
            job.work()
        finally:
            job.end()
            hold.let_go(mine)
    finally:
        hold.let_go(mine)
        job.end()
    if job.errors:
        raise job.errors[0]


def cuts(count: int, steps: float, parts: int = PARTS) -> list[int]:
    """Where to cut `count` equal pieces of work of so many elementary steps in all into runs.

    At most `parts` runs for each thread. It depends on numbers only, so the bits are the same.
    """
    threads = get_num_threads()
    runs = 1 if threads == 1 else int(max(1, min(count, threads * parts, steps // LEAST)))
    return [count * i // runs for i in range(runs + 1)]


def share(work: Callable[[int, int], object], count: int, steps: float) -> None:
    """Call ``work(start, stop)`` for runs that cover ``range(count)``. For kernels without BLAS."""
    bounds = cuts(count, steps)
    if len(bounds) == 2:
        work(0, count)
    else:
        run(lambda i: work(bounds[i], bounds[i + 1]), len(bounds) - 1)


def get_num_threads() -> int:
    """How many threads the kernels use, the caller's included (torch.get_num_threads)."""
    return _wanted or _available_threads()


def set_num_threads(number: int) -> None:
    """Use `number` threads from now on, the caller's included (torch.set_num_threads).

    Raises ValueError if `number` is below 1.
    """
    global _wanted
    if number < 1:
        raise ValueError(
            f"set_num_threads expects a positive integer\ngot {number}: 1 means no helpers"
        )
    _wanted = number


@functools.cache
def _available_threads() -> int:
    """CPUs that this process may use, or OMP_NUM_THREADS where that is smaller."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(cpus, int(first)) if first.isdigit() and int(first) > 0 else cpus


def _call_helper(work: Callable[[], object]) -> None:
    while len(_helpers) < get_num_threads() - 1:
        name = f"tinygrad_adam-kernel-{len(_helpers) + 1}"
        helper = threading.Thread(target=_serve, args=(_inbox,), name=name, daemon=True)
        helper.start()
        _helpers.append(helper)
    _inbox.put(work)


def _serve(inbox: queue.SimpleQueue[Callable[[], object]]) -> None:
    while True:
        work = inbox.get()
        work()
        del work


def _after_fork_in_child() -> None:
    """Forget the helpers: they are not here."""
    global _inbox
    _inbox = queue.SimpleQueue()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
