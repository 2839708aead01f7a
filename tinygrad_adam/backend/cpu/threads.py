"""A few threads for the slices of a kernel.

NumPy and BLAS release Python's global lock while they compute, so plain threads do compute side by
side as long as each call works on enough data. BLAS has threads of its own, which split every
matrix product. For the kernels here it is better the other way round: every thread takes a slice of
the batch through all steps (copy, product, bias) while the slice is in its core's cache, and BLAS
is held to one thread meanwhile. Where the BLAS library offers no way to be held, slices run one
after the other and BLAS keeps its threads.

The threads start at the first use. Their number is that of the CPUs this process may use
(``sched_getaffinity``), or ``OMP_NUM_THREADS`` where that is smaller.
"""

from __future__ import annotations

import contextvars
import functools
import itertools
import math
import os
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from tinygrad_adam.backend.cpu import blas

# By how much the caller of `run` is ahead of the threads that help: they have to wake up, and where
# one of them ends last, the caller has to wake up, too. Seconds; less would do outside of virtual
# machines, where waking takes longest.
HEAD_START = 8e-5
# What a thread multiplies in matrix products, roughly, for saying how long one will take.
MULTIPLICATIONS_PER_SECOND = 4.5e10


_NOTHING: AbstractContextManager[None] = nullcontext()


class _Job:
    """One call of `run`: tasks 0 to count - 1, taken one by one by whichever thread is free."""

    def __init__(self, task: Callable[[int], object], count: int) -> None:
        self.task = task
        self.count = count
        self.error: BaseException | None = None
        # No two threads get the same number from a counter, so that they need no lock.
        self.take = itertools.count().__next__
        self.finish = itertools.count(1).__next__
        self.finished = threading.Lock()
        self.finished.acquire()

    def work(self) -> None:
        """Take tasks until none is left. A thread that comes late finds nothing and returns."""
        while (index := self.take()) < self.count:
            try:
                if self.error is None:
                    self.task(index)
            except BaseException as error:  # raised again in the thread that called run
                self.error = error
            if self.finish() == self.count:
                self.finished.release()


class _Pool:
    """`size` threads counting the caller, who works too; the others sleep in `inbox.get`."""

    def __init__(self, size: int) -> None:
        self.size = size
        library = blas.library()
        self.blas_on_one_thread = library if library.has_threads else _NOTHING
        self.inbox: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        for number in range(1, size):
            name = f"tinygrad_adam-kernel-{number}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        while True:
            work = self.inbox.get()
            if work is None:
                return
            work()
            del work

    def stop(self) -> None:
        """Let the helpers end once they have finished what is in the inbox already."""
        for _ in range(1, self.size):
            self.inbox.put(None)

    def run(self, task: Callable[[int], object], count: int) -> None:
        job = _Job(task, count)
        for _ in range(min(self.size, count) - 1):
            # NumPy's settings (np.errstate) live in the context: the helpers use the caller's.
            self.inbox.put(functools.partial(contextvars.copy_context().run, job.work))
        job.work()
        job.finished.acquire()
        # A helper may hold the job for a moment longer, but not the arrays: memory is used again
        # only when nobody refers to it.
        del job.task
        if job.error is not None:
            raise job.error


_lock = threading.Lock()
_pool: _Pool | None = None
_wanted: int | None = None


def _forget_threads() -> None:
    """A forked child has the caller's thread only: it starts its own when needed."""
    global _lock, _pool
    _lock, _pool = threading.Lock(), None
    blas.library.cache_clear()  # its lock may have been held


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def _available_threads() -> int:
    """CPUs that this process may use, or OMP_NUM_THREADS where that is smaller."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(cpus, int(first)) if first.isdigit() and int(first) > 0 else cpus


def get_num_threads() -> int:
    """How many threads the kernels use, the caller's included (torch.get_num_threads)."""
    if _pool is not None:
        return _pool.size
    return _wanted or _available_threads()


def set_num_threads(number: int) -> None:
    """Use `number` threads from now on, the caller's included (torch.set_num_threads).

    Raises ValueError if `number` is below 1.
    """
    global _pool, _wanted
    if number < 1:
        raise ValueError(
            f"set_num_threads expects a positive integer\ngot {number}: 1 means no helpers"
        )
    with _lock:
        if _pool is not None:
            _pool.stop()
        _pool, _wanted = None, number


def _started() -> _Pool:
    global _pool
    if _pool is not None:
        return _pool
    with _lock:
        if _pool is None:
            size = _wanted or _available_threads()
            _pool = _Pool(size if blas.library().controllable else 1)
        return _pool


def blas_on_one_thread() -> AbstractContextManager[None]:
    """Hold BLAS to one thread for a while, so that its own threads stay asleep.

    Once woken, a thread of OpenBLAS spins for some 25 ms in the hope of more work, and takes a core
    away from the threads here. So a kernel that uses them keeps BLAS from its own even where its
    product is small.
    """
    return _started().blas_on_one_thread


def run(task: Callable[[int], object], count: int) -> None:
    """Call ``task(0)`` … ``task(count - 1)``, spread over the threads; return when all are done.

    Which thread takes which task is left to chance, so tasks must write to separate places; then
    the result is the same bits every time. The first error that a task raises is raised again here.
    NumPy's settings (``np.errstate``) are the caller's in all threads.
    """
    pool = _started()
    with pool.blas_on_one_thread:
        if pool.size == 1 or count <= 1:
            for index in range(count):
                task(index)
        else:
            pool.run(task, count)


def cuts(count: int, seconds: float) -> tuple[int, ...]:
    """Where to cut `count` pieces of equal work, so that a run for each thread lies between two.

    seconds: what all the work takes one thread, roughly. The first run, the caller's, is longer by
    what it does while the others wake up. There are no others for what is done by then, or soon
    after. The cuts depend on the numbers given and on that of the threads only, never on chance.
    """
    workers = min(get_num_threads(), count)
    if workers < 2 or seconds <= 2 * HEAD_START:
        return (0, count)
    ahead = HEAD_START / seconds
    each = (1 - ahead) / workers
    return (0, *(round(count * (ahead + each * number)) for number in range(1, workers + 1)))


def for_slices(
    compute: Callable[[slice], object], count: int, seconds: float, most: int | None = None
) -> None:
    """Call `compute` with slices of range(count), spread over the threads.

    They are the runs between `cuts`, or equal parts of these where they are longer than `most`.
    """
    slices = []
    for start, stop in itertools.pairwise(cuts(count, seconds)):
        parts = -(-(stop - start) // (most or count or 1))
        bounds = [start + (stop - start) * i // max(1, parts) for i in range(parts + 1)]
        slices += [slice(*pair) for pair in itertools.pairwise(bounds)]
    run(lambda index: compute(slices[index]), len(slices))


_local = threading.local()
KEPT_BYTES = 1 << 23


def scratch(name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised C-contiguous array, the same memory for the same name in the same thread.

    Memory that was just used lies in the cache, and memory that is not given back costs no page
    faults. Contents hold until this thread asks for `name` again, so a kernel must not hand scratch
    out. The memory of a name is KEPT_BYTES long, but what was never written to takes none.
    Requests above that get fresh memory.
    """
    kept = _local.__dict__
    last = kept.get(name)
    if last is not None and last.shape == shape and last.dtype == dtype:
        return last  # type: ignore[no-any-return]
    if dtype.itemsize * math.prod(shape) > KEPT_BYTES:
        return np.empty(shape, dtype)
    buffer = np.empty(KEPT_BYTES, np.uint8) if last is None else last.base
    array = kept[name] = np.ndarray(shape, dtype, buffer)
    return array
