"""Worker processes of a DataLoader: each makes whole batches, which are handed out in order.

Processes and not threads. Threads would be as short, start at once and copy nothing, but they share
Python's lock and its global random numbers. 960 samples with 0.6 ms of Python each took 0.58 s of
CPU time without workers, 0.61 s behind one lock with two threads, and 0.31 and 0.27 s side by side
in two processes, with 0.01 s for the main one. And what PyTorch promises needs processes: Python's
and NumPy's random numbers seeded for each worker, a dataset of its own that ``worker_init_fn`` may
change, an end to a worker that hangs. The price: batches are copied, 16 ms for one of 38 MB.

Where there is ``fork`` (Linux), that is how they start: 10 ms each, nothing is pickled or imported,
memory is shared until somebody writes to it, and a program needs no ``if __name__ == "__main__":``.
Elsewhere they are spawned, as Python does it there: 0.4 s each, and what they get is pickled; a
program without that line reads in its own process.

A worker has one pipe, for tasks and for batches, and all have one that tells them to stop. Nothing
in the main process waits in a thread.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pickle
import queue
import random
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_adam.backend import get_num_threads, manual_seed, set_num_threads
from tinygrad_adam.data.dataset import IterableDataset
from tinygrad_adam.tensor import Tensor

_PATIENCE_SECONDS = 5  # for a worker to finish its batch when it is told to stop
_LARGE = 1 << 18  # bytes that are worth a file; a pipe takes as many at once


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed and its dataset.

    Source: PyTorch, ``torch.utils.data._utils.worker.WorkerInfo``.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what this worker process knows of itself; None in the main process.

    Source: PyTorch, ``torch.utils.data.get_worker_info``.
    """
    return _info


def context_of(option: Any) -> Any:
    """Return multiprocessing's context for ``multiprocessing_context``: a name, a context, None."""
    import multiprocessing

    if option is None:
        started = multiprocessing.get_start_method(allow_none=True)
        # On Linux, what is set is often Python's default ("forkserver" since 3.14), no choice.
        return multiprocessing.get_context(
            "fork" if sys.platform == "linux" and started != "spawn" else started
        )
    methods = multiprocessing.get_all_start_methods()
    if isinstance(option, str) and option not in methods:
        raise ValueError(
            f"multiprocessing_context option should specify a valid start method in {methods!r}, "
            f"but got multiprocessing_context={option!r}"
        )
    if isinstance(option, str):
        return multiprocessing.get_context(option)
    if not isinstance(option, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={option}"
        )
    return option


def can_start(context: Any) -> bool:
    """Return whether processes can be started from this program as it is written; warn if not.

    One that is spawned runs the program's file once more, up to ``if __name__ == "__main__":``.
    """
    main = getattr(sys.modules["__main__"], "__file__", None)
    if context.get_start_method() == "fork" or (
        main and "__main__" in Path(main).read_text(encoding="utf-8", errors="replace")
    ):
        return True
    warnings.warn(
        "DataLoader reads in this process, without workers\n  Where processes are spawned, a "
        'program with num_workers > 0 must be a file that works under if __name__ == "__main__":',
        RuntimeWarning,
        stacklevel=3,
    )
    return False


class Workers(Iterator[Any]):
    """A pass through a DataLoader with workers; with ``persistent_workers``, pass after pass.

    Each task has a number and goes to the next worker in turn. Numbers go on in the next pass, so
    that a late answer to a pass that was broken off is known by a number that nobody waits for.
    """

    def __init__(self, loader: Any, make_reader: Callable[[], Any], base_seed: int) -> None:
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 with num_workers > 0")
        self._numbers = itertools.count()
        self._timeout, self._in_order = loader.timeout, loader.in_order
        self._persistent, self._ahead = loader.persistent_workers, loader.prefetch_factor
        get_num_threads()  # looks for Numba, once here and not in each fork
        context = context_of(loader.multiprocessing_context)
        told, self._stop_pipe = context.Pipe(duplex=False)
        self._pipes: list[Any] = []
        self._processes: list[Any] = []
        # Also when the program ends, and when starting fails.
        self._stop = weakref.finalize(
            self, _stop, os.getpid(), self._processes, self._pipes, self._stop_pipe
        )
        for number in range(loader.num_workers):
            pipe, theirs = context.Pipe()
            self._pipes.append(pipe)
            process = context.Process(
                target=_work,
                args=(
                    WorkerInfo(number, loader.num_workers, base_seed + number, loader.dataset),
                    *(make_reader, loader.worker_init_fn, theirs, told),
                    [self._stop_pipe, *self._pipes],  # to be closed there
                ),
                daemon=True,
            )
            with warnings.catch_warnings():
                # Threads of kernels and of BLAS make themselves anew in a fork.
                warnings.filterwarnings(
                    "ignore", ".*multi-threaded, use of fork", DeprecationWarning
                )
                process.start()
            self._processes.append(process)
            theirs.close()
        told.close()

    def begin(self, indices: Iterator[Any]) -> None:
        """Begin a pass."""
        self._indices, self._pass = indices, next(self._numbers)
        self._tasks: dict[int, int] = {}  # to whom the tasks went that are not yet handed out
        self._answers: dict[int, Any] = {}
        self._turns = itertools.cycle(range(len(self._pipes)))
        self._ended: set[int] = set()
        for _ in range(self._ahead * len(self._pipes)):
            self._assign()

    def __next__(self) -> Any:
        while self._tasks:
            there = self._tasks if self._in_order else self._answers
            number = next(iter(there), None)
            if number not in self._answers:
                self._receive()
                continue
            worker, answer = self._tasks.pop(number), self._answers.pop(number)
            if isinstance(answer, _End):
                self._ended.add(worker)
            self._assign()
            if isinstance(answer, _Caught):
                raise answer.again()
            if not isinstance(answer, _End):
                return answer
        if not self._persistent:
            self._stop()
        raise StopIteration

    def _assign(self) -> None:
        """Give the next indices to the next worker; out of order, to one that has least to do."""
        left = [worker for worker in range(len(self._pipes)) if worker not in self._ended]
        if not left:
            return
        try:
            indices = next(self._indices)
        except StopIteration:
            return
        waiting = list(self._tasks.values())
        worker = next(worker for worker in self._turns if worker in left)
        if not self._in_order:
            worker = min(left, key=waiting.count)
        number = next(self._numbers)
        self._tasks[number] = worker
        with contextlib.suppress(OSError):  # a dead worker is found out where its answer is wanted
            self._pipes[worker].send((self._pass, number, indices))

    def _receive(self) -> None:
        """Wait for answers and keep those that are wanted."""
        from multiprocessing.connection import wait

        sentinels = [process.sentinel for process in self._processes]
        ready = wait([*self._pipes, *sentinels], self._timeout or None)
        if not ready:
            raise RuntimeError(
                f"DataLoader timed out after {self._timeout} seconds\n  A batch takes longer: "
                "pass a longer timeout, or 0 to wait as long as it takes."
            )
        contents = []
        try:
            for pipe in self._pipes:
                if pipe in ready:
                    contents.append(_taken(pipe))
        except (EOFError, OSError):  # the end of its pipe is seen a little before its own
            wait(sentinels, 1)
        for content, large in contents:
            number, answer = pickle.loads(content, buffers=large)
            if number in self._tasks:
                self._answers[number] = answer
        dead = [process for process in self._processes if process.exitcode is not None]
        if dead:
            raise RuntimeError(
                f"DataLoader worker (pid(s) {', '.join(str(process.pid) for process in dead)}) "
                f"exited unexpectedly\n  Exit codes: {[process.exitcode for process in dead]}; a "
                "negative one is a signal, -9 often for want of memory."
            )


def _taken(pipe: Any) -> tuple[bytes, list[np.ndarray]]:
    """Return what `_post` sends."""
    content, sizes = pipe.recv()
    large = [np.empty(size, np.uint8) for size in sizes]
    if large:
        from multiprocessing.reduction import recv_handle

        with open(recv_handle(pipe), "rb") as file:
            file.seek(0)
            for array in large:
                file.readinto(array)  # type: ignore[arg-type]
    return content, large


def _stop(owner: int, processes: list[Any], pipes: list[Any], stop_pipe: Any) -> None:
    if os.getpid() != owner:  # the copy of a loader in another loader's worker
        return
    with contextlib.suppress(OSError):  # all are gone
        stop_pipe.send_bytes(b"stop")  # nobody takes it out: all see it
    until = time.monotonic() + _PATIENCE_SECONDS
    for process in processes:
        process.join(max(0, until - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
    for pipe in (*pipes, stop_pipe):
        pipe.close()


# ---- in the worker -------------------------------------------------------------------------------


class _End:
    """The answer of a worker whose iterable is at its end."""


@dataclass
class _Caught:
    """The answer of a worker that caught an exception: its class, and a text for the next."""

    kind: type[Exception]
    text: str

    def again(self) -> Exception:
        try:
            return self.kind(_Text(self.text) if self.kind is KeyError else self.text)
        except Exception:  # it is not made from a text
            return RuntimeError(self.text)


class _Text(str):
    """A text that KeyError shows in lines, and not as it would be written in a program."""

    __slots__ = ()
    __repr__ = str.__str__


def _work(
    info: WorkerInfo,
    make_reader: Callable[[], Callable[[Any], Any]],
    init: Callable[[int], None] | None,
    pipe: Any,
    told: Any,
    not_mine: list[Any],
) -> None:
    """Make batches until told to stop. The whole life of a worker."""
    for connection in not_mine:
        connection.close()
    with contextlib.suppress(KeyboardInterrupt):  # the main process has it too, and says so
        _set_up(info)
        with contextlib.suppress(EOFError, ConnectionError):  # the main process is gone
            _answer(info, make_reader, init, pipe, told)


def _set_up(info: WorkerInfo) -> None:
    global _info
    _info = info
    set_num_threads(1)
    random.seed(info.seed)
    manual_seed(info.seed)
    # PyTorch seeds NumPy by the same numbers.
    base = info.seed - info.id
    words = [info.id, base % 2**32, base >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))


def _answer(
    info: WorkerInfo,
    make_reader: Callable[[], Callable[[Any], Any]],
    init: Callable[[int], None] | None,
    pipe: Any,
    told: Any,
) -> None:
    from multiprocessing.connection import wait

    def caught(error: Exception) -> _Caught:
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        where = f"in DataLoader worker process {info.id}"
        return _Caught(type(error), f"Caught {type(error).__name__} {where}.\nOriginal {lines}")

    # In a thread of its own, so that a worker always takes what the main process sends: otherwise
    # both could wait for each other to make room in the pipe.
    outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_post, args=(pipe, outbox), daemon=True).start()
    failure = None
    try:
        if init is not None:
            init(info.id)
    except Exception as error:
        failure = caught(error)
    current = read = None
    while told not in wait([pipe, told]):
        a_pass, number, indices = pipe.recv()
        answer: Any = failure
        try:
            if failure is None:
                if a_pass != current:
                    current, read = a_pass, None
                    read = make_reader()
                answer = _End() if read is None else read(indices)
        except Exception as error:
            if isinstance(error, StopIteration) and isinstance(info.dataset, IterableDataset):
                answer, read = _End(), None
            else:
                answer = caught(error)
        try:
            content = _pickled((number, answer))
        except Exception as error:  # what cannot be pickled: a batch, or the class of an error
            text = answer.text if isinstance(answer, _Caught) else caught(error).text
            content = _pickled((number, _Caught(RuntimeError, text)))
        outbox.put(content)


class _Pickler(pickle.Pickler):
    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, Tensor) and thing.grad_fn is not None:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since "
                "autograd does not support crossing process boundaries.  If you just want to "
                "transfer the data, call detach() on the tensor before serializing (e.g., putting "
                "it on the queue).\n  Or read with num_workers=0."
            )
        return NotImplemented


def _pickled(thing: Any) -> tuple[bytes, list[pickle.PickleBuffer]]:
    """Return something pickled, and apart from it the memory of large arrays in it."""
    file, large = io.BytesIO(), []

    def stays_inside(buffer: pickle.PickleBuffer) -> bool:
        if not hasattr(os, "memfd_create") or buffer.raw().nbytes < _LARGE:
            return True
        large.append(buffer)
        return False

    _Pickler(file, protocol=5, buffer_callback=stays_inside).dump(thing)
    return file.getvalue(), large


def _post(pipe: Any, outbox: queue.SimpleQueue[Any]) -> None:
    """Send what is pickled; large arrays in a file in memory, without a name to be left behind."""
    from multiprocessing.reduction import send_handle

    try:
        while True:
            content, large = outbox.get()
            pipe.send((content, [buffer.raw().nbytes for buffer in large]))
            if large:
                with open(os.memfd_create("batch"), "wb") as file:
                    for buffer in large:
                        file.write(buffer)
                    file.flush()
                    send_handle(pipe, file.fileno(), os.getppid())
            del content, large
    except OSError:  # the main process is gone; or it sees that this one is
        os._exit(1)
