"""Forks while another thread trains, and interrupts at random moments of a training step.

    python -m tools.stress                          200 forks, 1,000 interrupts: under a minute
    python -m tools.stress --forks 20 --interrupts 50

After each, results must be those of an undisturbed step, BLAS must have its threads back, and the
grad mode must be what it was. Exits with 1 where that is not so, or something hangs for a minute.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading

import numpy as np

import tinygrad_adam as torch
from tinygrad_adam.backend.compiled import blas
from tinygrad_adam.nn import functional as F  # noqa: N812


def training_step():
    """Return a function that does a step from the same weights and returns its gradients."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(8 * 8 * 8, 10),
    )  # fmt: skip
    images, classes = torch.randn(16, 3, 16, 16), torch.randint(0, 10, (16,))

    def step():
        loss = F.cross_entropy(model(images), classes)
        return [x.numpy() for x in torch.autograd.grad(loss, list(model.parameters()))]

    return step


def fault(step, expected, threads):
    """Return what is wrong after a disturbance, or "" for nothing."""
    if not torch.is_grad_enabled():
        return "recording is off"
    if blas.get_num_threads() != threads:
        return f"BLAS has {blas.get_num_threads()} threads, not {threads}"
    same = all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(step(), expected))
    return "" if same else "other gradients"


def forks(number):
    """Fork that often while another thread does steps; return the first fault."""
    step, threads = training_step(), blas.get_num_threads()
    expected, done = step(), threading.Event()

    def train():
        own = training_step()
        while not done.is_set():
            own()

    other = threading.Thread(target=train)
    other.start()
    try:
        for _ in range(number):
            child = os.fork()
            if child == 0:
                signal.alarm(60)  # ends a child that hangs
                os._exit(1 if fault(step, expected, threads) else 0)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                return "a child that hung or was wrong"
    finally:
        done.set()
        other.join()
    return fault(step, expected, threads)


def interrupts(number):
    """Interrupt that many steps, each at a random moment; return the first fault."""
    step, threads = training_step(), blas.get_num_threads()
    expected, moments = step(), random.Random(0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(number):
            try:
                signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-5, 4e-3))
                while True:
                    step()
            except KeyboardInterrupt:
                pass
            if found := fault(step, expected, threads):
                return found
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return ""


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--forks", type=int, default=200, metavar="N")
    parser.add_argument("--interrupts", type=int, default=1000, metavar="N")
    options = parser.parse_args(arguments)
    wrong = 0
    for disturb, number in ((interrupts, options.interrupts), (forks, options.forks)):
        found = disturb(number)
        print(f"{number} {disturb.__name__}: {found or 'all right'}")
        wrong += bool(found)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
