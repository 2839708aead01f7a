"""Measure training speed and memory, beside PyTorch where it is installed.

    python tools/bench.py
    python tools/bench.py --batch-sizes 64 --json

What is measured: a training step of the notes' CNN (forward, backward, Adam) at several batch
sizes; 1,000 chained small operations, where the frameworks' own work shows; and Adam alone over
the CNN's 421,642 parameters. Frameworks take turns, one call each, so that a busy machine slows
all of them alike: trust the ratios more than the milliseconds. Times are medians. Peak memory is
that of a process of its own for each framework, with everything that it imports.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Work = Callable[[], object]

CHAIN_LENGTH = 1000
MEMORY_STEPS = 5
OURS, PYTORCH = "tinygrad_adam", "pytorch"


# What is measured. Each function takes a framework's module and returns the work to time. They are
# written once, since our names are PyTorch's.


def cnn(torch: Any, batch_size: int) -> Work:
    """One training step of the notes' CNN."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(32, 64, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    random = np.random.RandomState(0)
    images = torch.from_numpy(random.normal(size=(batch_size, 1, 28, 28)).astype(np.float32))
    labels = torch.from_numpy(random.randint(0, 10, batch_size))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def chain(torch: Any, shape: tuple[int, ...]) -> Work:
    """Forward and backward through 1,000 times ``y * w + b``."""
    x = torch.ones(shape)
    w = torch.full(shape, 0.999, requires_grad=True)
    b = torch.full(shape, 0.001, requires_grad=True)

    def forward_and_backward() -> None:
        w.grad = b.grad = None
        y = x
        for _ in range(CHAIN_LENGTH):
            y = y * w + b
        y.sum().backward()

    return forward_and_backward


def adam(torch: Any) -> Work:
    """One Adam step over parameters shaped like the CNN's, whose gradients are there already."""
    shapes = [(32, 1, 3, 3), (32,), (64, 32, 3, 3), (64,), (128, 3136), (128,), (10, 128), (10,)]
    random = np.random.RandomState(0)
    parameters = []
    for shape in shapes:
        value, gradient = random.normal(size=(2, *shape)).astype(np.float32)
        parameters.append(torch.nn.Parameter(torch.from_numpy(value)))
        parameters[-1].grad = torch.from_numpy(gradient)
    return torch.optim.Adam(parameters, lr=1e-3).step


@dataclass(frozen=True)
class Framework:
    """A framework that can be measured; ``makers`` are those of the functions above it has."""

    module: str
    set_threads: Callable[[Any, int], None]
    makers: dict[str, Callable[..., Work]]

    def is_installed(self) -> bool:
        """Return whether it can be imported."""
        return importlib.util.find_spec(self.module) is not None

    def load(self, threads: int | None) -> Any:
        """Import it and set its number of threads (None: its own choice)."""
        module = importlib.import_module(self.module)
        if threads:
            self.set_threads(module, threads)
        return module


PYTORCH_STYLE: dict[str, Callable[..., Work]] = {"cnn": cnn, "chain": chain, "adam": adam}
FRAMEWORKS = {
    OURS: Framework("tinygrad_adam", lambda m, n: m.set_num_threads(n), PYTORCH_STYLE),
    PYTORCH: Framework("torch", lambda m, n: m.set_num_threads(n), PYTORCH_STYLE),
}


@dataclass(frozen=True)
class Case:
    """One row of the table: ``makers[maker](module, *arguments)`` is timed."""

    name: str
    maker: str
    arguments: tuple[Any, ...] = ()
    measures_memory: bool = False


def cases(batch_sizes: Iterable[int]) -> list[Case]:
    """Return what to measure."""
    return [
        *(Case(f"CNN step, batch {n}", "cnn", (n,), measures_memory=True) for n in batch_sizes),
        Case(f"{CHAIN_LENGTH:,} x y*w+b, 0-d", "chain", ((),)),
        Case(f"{CHAIN_LENGTH:,} x y*w+b, (16,)", "chain", ((16,),)),
        Case("Adam alone", "adam"),
    ]


# How it is measured.


def interleaved_medians(works: dict[str, Work], seconds: float) -> dict[str, float]:
    """Return the median time of each work in milliseconds; they take turns for ``seconds``."""
    for work in works.values():
        for _ in range(3):  # the first calls allocate, start threads, choose kernels
            work()
    times: dict[str, list[float]] = {name: [] for name in works}
    order = list(works)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[order[0]]) < 5:
        for name in order:
            start = time.perf_counter()
            works[name]()
            times[name].append(1000 * (time.perf_counter() - start))
        order.reverse()  # nobody always runs in another one's wake
    return {name: statistics.median(found) for name, found in times.items()}


def peak_memory() -> float | None:
    """Return the most memory that this process has held at once, in MiB; None if unknown."""
    try:
        # Linux: getrusage would give a new process the peak of the one that started it.
        text = Path("/proc/self/status").read_text(encoding="ascii")
        return int(text.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def memory_in_a_process(name: str, batch_size: int, threads: int | None) -> float | None:
    """Return the peak memory of a new process that takes a few training steps, in MiB."""
    command = [sys.executable, __file__, "--memory-of", name, "--batch-sizes", str(batch_size)]
    command += ["--threads", str(threads)] if threads else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def machine(modules: dict[str, Any]) -> dict[str, Any]:
    """Return what the numbers depend on."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "cpus": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: module.__version__ for name, module in modules.items()},
        "threads": {name: module.get_num_threads() for name, module in modules.items()},
    }


def measure(options: argparse.Namespace, table: Table | None) -> dict[str, Any]:
    """Measure everything, and print each row into ``table`` as it comes."""
    modules = {
        name: FRAMEWORKS[name].load(options.threads)
        for name in options.frameworks or FRAMEWORKS
        if FRAMEWORKS[name].is_installed()
    }
    result: dict[str, Any] = {"machine": machine(modules), "rows": []}
    if table:
        table.head(result["machine"])
    for case in cases(options.batch_sizes):
        works = {
            name: FRAMEWORKS[name].makers[case.maker](module, *case.arguments)
            for name, module in modules.items()
            if case.maker in FRAMEWORKS[name].makers
        }
        row: dict[str, Any] = {
            "case": case.name,
            "milliseconds": interleaved_medians(works, options.seconds),
            "peak_mib": {},
        }
        if case.measures_memory and not options.no_memory:
            size = case.arguments[0]
            row["peak_mib"] = {n: memory_in_a_process(n, size, options.threads) for n in works}
        for quantity in ("milliseconds", "peak_mib"):
            ours, theirs = (row[quantity].get(name) for name in (OURS, PYTORCH))
            row[f"{quantity}_ratio"] = ours / theirs if ours and theirs else None
        result["rows"].append(row)
        if table:
            table.row(row)
    return result


# How it is shown.


class Table:
    """Prints a result row by row."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.widths: list[int] = []

    def head(self, about: dict[str, Any]) -> None:
        """Print what the numbers depend on, and the heading."""
        self.names = list(about["threads"])
        versions = ", ".join(f"{name} {about[name]}" for name in ("python", "numpy", *self.names))
        threads = ", ".join(f"{name} {count}" for name, count in about["threads"].items())
        print(f"{about['cpus']} CPUs; {versions}\nthreads: {threads}\n")
        titles = [f"{name} {unit}" for unit in ("ms", "MiB") for name in (*self.names, "ratio")]
        titles = ["ratio" if title.startswith("ratio") else title for title in titles]
        self.widths = [len(title) + 3 for title in titles]
        self.line("", titles)

    def row(self, row: dict[str, Any]) -> None:
        """Print one row."""
        cells = []
        for quantity, digits in (("milliseconds", 2), ("peak_mib", 0)):
            found = [row[quantity].get(name) for name in self.names]
            cells += ["-" if value is None else f"{value:.{digits}f}" for value in found]
            ratio = row[f"{quantity}_ratio"]
            cells.append("-" if ratio is None else f"{ratio:.2f}")
        self.line(row["case"], cells)

    def line(self, name: str, cells: list[str]) -> None:
        """Print cells under their titles."""
        print(f"{name:22}" + "".join(f"{c:>{w}}" for c, w in zip(cells, self.widths)), flush=True)


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--batch-sizes", type=int, nargs="+", default=[1, 32, 64, 256], metavar="N")
    add("--frameworks", nargs="+", choices=FRAMEWORKS, help="default: those that are installed")
    add("--seconds", type=float, default=4, help="how long to measure each row (default: 4)")
    add("--threads", type=int, metavar="N", help="for every framework (default: its own choice)")
    add("--no-memory", action="store_true", help="measure times only")
    add("--json", action="store_true", help="print JSON instead of a table")
    add("--memory-of", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    threads = 1 if options.threads is None else options.threads
    if min(*options.batch_sizes, threads) < 1 or options.seconds <= 0:
        parser.error("batch sizes, threads and seconds are above zero")
    return options


def main() -> None:
    options = read_options()
    if options.memory_of:
        framework = FRAMEWORKS[options.memory_of]
        step = framework.makers["cnn"](framework.load(options.threads), options.batch_sizes[0])
        for _ in range(MEMORY_STEPS):
            step()
        print(json.dumps(peak_memory()))
    elif options.json:
        print(json.dumps(measure(options, table=None), indent=2))
    else:
        measure(options, Table())


if __name__ == "__main__":
    main()
