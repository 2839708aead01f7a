"""BLAS held to one thread while kernels run, and forks that wait until none does.

Once woken, BLAS's threads spin for some 25 ms in the hope of another product, and take the cores
from the threads of the kernels. The number of its threads belongs to the process, so the calls that
hold it are counted: the first sets it to one, the last puts back what was there.

The counting is compiled, not for speed: no other thread and no signal comes between its steps. What
a caller has taken stands in `mine`, so that letting go twice does no harm, and is what an interrupt
in the midst of letting go asks for.
"""

from __future__ import annotations

import os
import time

import numpy as np

from tinygrad_adam.backend.compiled import blas
from tinygrad_adam.backend.compiled.jit import undivided

# How many calls hold BLAS, how many threads it had before, and whether a fork waits.
_state = np.zeros(3, np.int64)


def take(mine: np.ndarray) -> None:
    """Hold BLAS to one thread; mine: an integer, 0 for whoever does not hold it, then 1."""
    while not _take(_state, mine):
        time.sleep(1e-3)  # another thread forks


def let_go(mine: np.ndarray) -> None:
    """Hold BLAS no more."""
    _let_go(_state, mine)


@undivided
def _take(state: np.ndarray, mine: np.ndarray) -> bool:
    """Count this call among those that hold BLAS, once; False while a fork waits."""
    if state[2]:
        return False
    if not mine[0]:
        if not state[0]:
            state[1] = blas.get_num_threads()
            blas.set_num_threads(1)
        state[0] += 1
        mine[0] = 1
    return True


@undivided
def _let_go(state: np.ndarray, mine: np.ndarray) -> None:
    """Count this call no more; the last one gives BLAS its threads back."""
    if mine[0]:
        mine[0] = 0
        state[0] -= 1
        if not state[0]:
            blas.set_num_threads(state[1])


def _before_fork() -> None:
    """Wait until no kernel runs in another thread: BLAS might hold a lock that the child needs."""
    _state[2] = 1
    end = time.monotonic() + 1  # a thread that forks while it runs a kernel waits in vain
    while _state[0] and time.monotonic() < end:
        time.sleep(1e-4)


def _after_fork_in_parent() -> None:
    _state[2] = 0


def _after_fork_in_child() -> None:
    """The threads that might hold BLAS are not here."""
    if _state[0]:
        blas.set_num_threads(int(_state[1]))
    _state[:] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
