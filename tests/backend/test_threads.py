"""The thread pool of the kernels: order of nothing matters, errors and settings do carry over."""

import itertools
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tinygrad_adam.backend.cpu import blas, threads


@pytest.fixture
def three_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(3)
    yield
    threads.set_num_threads(before)


def test_every_task_runs_once(three_threads):
    for count in (0, 1, 2, 3, 100):
        seen = []
        threads.run(seen.append, count)
        assert sorted(seen) == list(range(count))


def test_tasks_run_side_by_side(three_threads):
    """Three tasks that wait for each other: one thread alone would wait for ever."""
    barrier = threading.Barrier(3, timeout=20)
    threads.run(lambda index: barrier.wait(), 3)


def test_an_error_reaches_the_caller_and_the_pool_survives(three_threads):
    def fail(index):
        if index == 5:
            raise ValueError("task 5")

    with pytest.raises(ValueError, match="task 5"):
        threads.run(fail, 10)
    test_every_task_runs_once(None)


def test_numpy_has_the_callers_settings_in_every_thread(three_threads):
    barrier = threading.Barrier(3, timeout=20)
    ratios = np.zeros(3)

    def divide(index):
        barrier.wait()  # no thread can take two tasks
        ratios[index] = (np.ones(1) / np.zeros(1))[0]

    with np.errstate(divide="ignore"):
        threads.run(divide, 3)
    assert (ratios == np.inf).all()
    for _ in range(2):  # what one caller sets, no helper keeps
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            threads.run(divide, 3)
        with np.errstate(divide="ignore"):
            threads.run(divide, 3)


def test_a_task_may_run_tasks_of_its_own(three_threads):
    seen = []
    threads.run(lambda outer: threads.run(lambda inner: seen.append((outer, inner)), 4), 4)
    assert sorted(seen) == [(outer, inner) for outer in range(4) for inner in range(4)]


def test_callers_in_several_threads(three_threads):
    totals = [np.zeros(50) for _ in range(4)]

    def call(total):
        for _ in range(20):
            threads.run(lambda index: total.__setitem__(index, total[index] + 1), 50)

    callers = [threading.Thread(target=call, args=(total,)) for total in totals]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all((total == 20).all() for total in totals)


def test_blas_gets_its_threads_back(three_threads):
    library = blas.library()
    if not library.controllable:
        pytest.skip("this BLAS library cannot be told its number of threads")
    before = library.get()
    held = []
    threads.run(lambda index: held.append(library.get()), 4)
    assert (set(held), library.get()) == ({1}, before)
    with pytest.raises(ZeroDivisionError):
        threads.run(lambda index: 1 / 0, 4)
    assert library.get() == before


def test_one_thread_means_one_for_blas_too():
    """In a process of its own, since the number of BLAS's threads is read only once."""
    if not blas.library().controllable or (os.cpu_count() or 1) < 2:
        pytest.skip("no BLAS library with threads here")
    program = (
        "from tinygrad_adam.backend.cpu import blas, threads\n"
        "threads.set_num_threads(1)\n"
        "held = []\n"
        "threads.run(lambda index: held.append(blas.library().get()), 2)\n"
        "print(held, blas.library().has_threads, blas.library().get())\n"
    )
    for allowed in (1, 2):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(allowed), "OMP_NUM_THREADS": "2"}
        result = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == f"[1, 1] {allowed > 1} {allowed}"


def test_without_control_over_blas_tasks_run_in_turn(three_threads, monkeypatch):
    monkeypatch.setattr(blas.Blas, "_libraries", staticmethod(list))
    blas.library.cache_clear()
    seen = []
    threads.run(lambda index: seen.append(threading.get_ident()), 5)
    assert seen == [threading.get_ident()] * 5
    assert not blas.library().axpby(2.0, np.ones(10_000), 3.0, np.ones(10_000))
    blas.library.cache_clear()
    threads.set_num_threads(3)


def test_scratch_is_one_memory_for_each_name_and_thread():
    first = threads.scratch("a", (4, 5), np.dtype(np.float32))
    assert np.shares_memory(first, threads.scratch("a", (2, 3), np.dtype(np.float64)))
    assert not np.shares_memory(first, threads.scratch("b", (4, 5), np.dtype(np.float32)))
    elsewhere = []
    thread = threading.Thread(
        target=lambda: elsewhere.append(threads.scratch("a", (4, 5), np.dtype(np.float32)))
    )
    thread.start()
    thread.join()
    assert not np.shares_memory(first, elsewhere[0])


def test_the_number_of_threads_must_be_positive():
    with pytest.raises(ValueError, match="set_num_threads expects a positive integer"):
        threads.set_num_threads(0)


def test_omp_num_threads_and_laziness():
    """A fresh process: importing starts no thread, and OMP_NUM_THREADS is an upper bound."""
    program = (
        "import threading\n"
        "from tinygrad_adam.backend.cpu import threads\n"
        "assert threading.active_count() == 1\n"
        "print(threads.get_num_threads())\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1,2"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_starts_threads_of_its_own():
    """In a process of its own, so that no other test's threads are forked along."""
    program = (
        "import os, sys, threading\n"
        "from tinygrad_adam.backend.cpu import threads\n"
        "threads.set_num_threads(2)\n"
        "def meet():\n"
        "    barrier = threading.Barrier(2, timeout=20)\n"
        "    threads.run(lambda index: barrier.wait(), 2)\n"
        "meet()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    meet()\n"
        "    os._exit(7)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], check=False, timeout=60
    )
    assert result.returncode == 7
    assert time.monotonic() - started < 30


class TestCuts:
    @pytest.mark.parametrize("workers", [1, 2, 3, 7])
    def test_runs_follow_each_other_and_the_first_is_longest(self, workers, monkeypatch):
        monkeypatch.setattr(threads, "get_num_threads", lambda: workers)
        for count, seconds in itertools.product(
            (0, 1, 2, 3, 10, 1000), (0, 1e-6, 2.1e-4, 1e-3, 10)
        ):
            bounds = threads.cuts(count, seconds)
            assert (bounds[0], bounds[-1]) == (0, count)
            lengths = [stop - start for start, stop in itertools.pairwise(bounds)]
            assert 1 <= len(lengths) <= max(1, min(workers, count))
            assert all(length >= 0 for length in lengths)
            assert max(lengths) <= lengths[0] + 1  # by rounding

    def test_the_caller_does_more_by_its_head_start(self, three_threads):
        each = (1 - threads.HEAD_START / 1e-3) / 3
        first = 1 - 2 * each
        expected = (0, round(3000 * first), round(3000 * (first + each)), 3000)
        assert threads.cuts(3000, 1e-3) == expected

    def test_what_is_done_soon_is_not_cut(self, three_threads):
        assert threads.cuts(3000, 2 * threads.HEAD_START) == (0, 3000)
        assert len(threads.cuts(3000, 3 * threads.HEAD_START)) == 4


@pytest.mark.parametrize("most", [None, 1, 3, 7, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 10, 100])
def test_slices_cover_everything_once_and_none_is_longer_than_allowed(count, most, three_threads):
    found = []
    threads.for_slices(found.append, count, 1.0, most)
    found.sort(key=lambda part: part.start)
    assert [i for part in found for i in range(part.start, part.stop)] == list(range(count))
    lengths = [part.stop - part.start for part in found]
    assert all(1 <= length <= (most or count) for length in lengths)
