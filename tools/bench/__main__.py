"""Measure training speed and memory, beside PyTorch and others where they are installed.

    python -m tools.bench
    python -m tools.bench --batch-sizes 64 --json > now.json
    python -m tools.bench --batch-sizes 64 --compare before.json
    python -m tools.bench --kernels
    python -m tools.bench --profile --batch-sizes 64 --out profile.png
    python -m tools.bench --epoch path/to/mnist --seeds 0 1 2
    python -m tools.bench --frameworks tinygrad_adam jax mygrad --batch-sizes 64
    python -m tools.bench --python chainer=old/bin/python --python jax=jax/bin/python
    taskset -c 0 python -m tools.bench --threads 1

What is measured: a training step (forward, backward, Adam) of the notes' CNN at several batch
sizes, of a wider network and of an MLP; 1,000 chained small operations, where the frameworks' own
work shows; and Adam alone over the CNN's 421,642 parameters. Frameworks take turns, so that a busy
machine slows all of them alike: trust the ratios more than the milliseconds. Times are medians, and
the ratio is the median of those of turns side by side. Peak memory is that of a process of its own
for each framework, with everything that it imports. --kernels measures the kernels alone, against a
large product and a large copy; --profile measures one step operation by operation. --epoch trains
the notes' CNN for one epoch on the four IDX files in a folder (batch 64, Adam, learning rate 1e-3),
in turns with PyTorch on the same batches and from the same weights, and reports seconds, their
ratio and the test accuracy.

A framework that does not run beside this package (Chainer and DeZero need a NumPy before 1.24) is
measured in the interpreter that --python names, after the others and not in turn with them. All
start from the same weights; a warning says where the losses of the first steps disagree.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench import epoch, kernels, models
from tools.bench.models import Work

ROOT = Path(__file__).parents[2]  # where a process of its own starts

CHAIN_LENGTH = 1000
MEMORY_STEPS = 5
CHECKED_STEPS, LOSS_TOLERANCE = 3, 1e-3  # Adam's eps stands elsewhere in some
TURN_SECONDS, PAUSE_SECONDS = 0.3, 0.02
# For a row: beside busy neighbours the ratios of single pairs of turns lie far apart, and a few
# percent can be told only from the median of many.
ROW_SECONDS = 20
WIDE_BATCH, MLP_BATCH, EPOCH_BATCH = 64, 128, 64
OURS, PYTORCH = "tinygrad_adam", "pytorch"
EPOCH_FRAMEWORKS = (OURS, PYTORCH)


# What is measured. Each function takes a framework's module and returns the work to time. They are
# written once, since our names are PyTorch's.


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


PYTORCH_STYLE: dict[str, Callable[..., Work]] = {
    "cnn": models.cnn, "wide": models.wide_cnn, "mlp": models.mlp, "chain": chain,
    "adam": models.adam,
}  # fmt: skip
CHANNELS_LAST = {
    name: partial(maker, channels_last=True)
    for name, maker in (("cnn", models.cnn), ("wide", models.wide_cnn))
}


def leave_threads(module: Any, number: int) -> None:
    """Set nothing: the number of threads is the environment's to say (OMP_NUM_THREADS)."""


FRAMEWORKS = {
    OURS: Framework("tinygrad_adam", lambda m, n: m.set_num_threads(n), PYTORCH_STYLE),
    PYTORCH: Framework("torch", lambda m, n: m.set_num_threads(n), PYTORCH_STYLE),
    "channels_last": Framework("torch", lambda m, n: m.set_num_threads(n), CHANNELS_LAST),
    **{
        name: Framework(name, leave_threads, {"cnn": maker})
        for name, maker in (
            ("jax", models.jax_cnn),
            ("tinygrad", models.tinygrad_cnn),
            ("autograd", models.autograd_cnn),
            ("mygrad", models.mygrad_cnn),
            ("dezero", models.dezero_cnn),
            ("chainer", models.chainer_cnn),
        )
    },
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
        Case(f"wide CNN step, batch {WIDE_BATCH}", "wide", (WIDE_BATCH,)),
        Case(f"MLP step, batch {MLP_BATCH}", "mlp", (MLP_BATCH,)),
        Case(f"{CHAIN_LENGTH:,} x y*w+b, 0-d", "chain", ((),)),
        Case(f"{CHAIN_LENGTH:,} x y*w+b, (16,)", "chain", ((16,),)),
        Case("Adam alone", "adam"),
    ]


# How it is measured.


def interleaved(works: dict[str, Work], seconds: float) -> dict[str, list[float]]:
    """Return the milliseconds that each work took in each turn; they take turns for ``seconds``.

    A turn is as many calls as fill TURN_SECONDS, after a pause: the threads of some frameworks keep
    a core busy for a few milliseconds after their work, at the cost of whoever comes next. Turns
    are long, since PyTorch's first steps after a pause are slower than those that follow. Python's
    cycle collector is on, but does not look through what was there before: a program with one
    framework does not have the modules of the others, most of what there is to look through.
    """
    gc.collect()
    gc.freeze()
    calls = {}
    for name, work in works.items():
        for _ in range(3):  # the first calls allocate, start threads, choose kernels
            start = time.perf_counter()
            work()
            taken = time.perf_counter() - start
        calls[name] = max(1, int(min(TURN_SECONDS, seconds / 10) / taken))
    times: dict[str, list[float]] = {name: [] for name in works}
    order = list(works)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[order[0]]) < 5:
        for name in order:
            time.sleep(PAUSE_SECONDS)
            start = time.perf_counter()
            for _ in range(calls[name]):
                works[name]()
            times[name].append(1000 * (time.perf_counter() - start) / calls[name])
        order.reverse()  # nobody always runs in another one's wake
    gc.unfreeze()
    return times


def ratio(times: dict[str, list[float]]) -> float | None:
    """Return our time divided by PyTorch's: the median over pairs of turns next to each other.

    What slows the machine for a second slows both turns of a pair, or makes one pair odd. The
    quotient of two medians would compare turns of different moments.
    """
    if OURS not in times or PYTORCH not in times:
        return None
    return statistics.median(ours / theirs for ours, theirs in zip(times[OURS], times[PYTORCH]))


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


def in_a_process(
    name: str, batch_size: int, options: argparse.Namespace, python: str | None = None
) -> dict[str, Any]:
    """Return the peak memory in MiB and the losses of a few steps of the CNN in a new process.

    With ``python``, an interpreter that has a framework which is not here, the milliseconds for a
    step, too.
    """
    command = [python or sys.executable, "-m", "tools.bench", "--alone", name]
    command += ["--batch-sizes", str(batch_size), "--seconds", str(options.seconds)]
    command += ["--threads", str(options.threads)] if options.threads else []
    command += ["--timed"] if python else []
    environment = dict(os.environ)
    if options.threads:  # for those that take their number from there, and for NumPy's BLAS
        environment["OMP_NUM_THREADS"] = str(options.threads)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed in {python or sys.executable}:\n{done.stderr}")
    return json.loads(done.stdout)


def alone(options: argparse.Namespace) -> dict[str, Any]:
    """Do what `in_a_process` asks for."""
    framework = FRAMEWORKS[options.alone]
    step = framework.makers["cnn"](framework.load(options.threads), options.batch_sizes[0])
    losses = [step() for _ in range(MEMORY_STEPS)]
    found = {"peak_mib": peak_memory(), "losses": losses[:CHECKED_STEPS]}
    if options.timed:
        found["milliseconds"] = statistics.median(interleaved({"it": step}, options.seconds)["it"])
    return found


def machine(modules: dict[str, Any]) -> dict[str, Any]:
    """Return what the numbers depend on."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "cpus": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: getattr(module, "__version__", "?") for name, module in modules.items()},
        "threads": {
            name: module.get_num_threads() if hasattr(module, "get_num_threads") else "?"
            for name, module in modules.items()
        },
    }


def load(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return the modules of those frameworks that are installed here."""
    found = {}
    for name in options.frameworks or names:
        if FRAMEWORKS[name].is_installed() and name not in options.pythons:
            found[name] = FRAMEWORKS[name].load(options.threads)
        elif name in (options.frameworks or ()) and name not in options.pythons:
            print(f"{name} is not installed here", file=sys.stderr)
    return found


def measure(options: argparse.Namespace, table: Table | None) -> dict[str, Any]:
    """Measure everything, and print each row into ``table`` as it comes."""
    modules = load(options, (OURS, PYTORCH, "channels_last"))
    result: dict[str, Any] = {"machine": machine(modules), "rows": []}
    if table:
        table.head(result["machine"], [*modules, *options.pythons])
    for case in cases(options.batch_sizes):
        works: dict[str, Work] = {}
        losses: dict[str, Any] = {}
        for name, module in modules.items():
            if case.maker in FRAMEWORKS[name].makers:
                try:
                    works[name] = FRAMEWORKS[name].makers[case.maker](module, *case.arguments)
                    losses[name] = [works[name]() for _ in range(CHECKED_STEPS)]
                except Exception as error:  # whatever another framework may raise
                    if name == OURS:
                        raise
                    works.pop(name, None)
                    print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        elsewhere = options.pythons if case.maker == "cnn" else {}
        if not works and not elsewhere:
            continue
        times = interleaved(works, options.seconds) if works else {}
        row: dict[str, Any] = {
            "case": case.name,
            "milliseconds": {name: statistics.median(found) for name, found in times.items()},
            "milliseconds_ratio": ratio(times),
            "peak_mib": {},
        }
        if case.measures_memory and not options.no_memory:
            size = case.arguments[0]
            row["peak_mib"] = {n: in_a_process(n, size, options)["peak_mib"] for n in works}
        for name, python in elsewhere.items():
            found = in_a_process(name, case.arguments[0], options, python)
            losses[name] = found.pop("losses")
            for quantity, value in found.items():
                row[quantity][name] = value
        if case.maker in ("cnn", "wide", "mlp"):
            row["losses"] = losses
            warn_of_other_losses(case.name, losses)
        ours, theirs = (row["peak_mib"].get(name) for name in (OURS, PYTORCH))
        row["peak_mib_ratio"] = ours / theirs if ours and theirs else None
        result["rows"].append(row)
        if table:
            table.row(row)
    return result


def measure_epochs(options: argparse.Namespace) -> dict[str, Any]:
    """Train for an epoch with each seed, and print the lines as they come, unless --json."""
    try:
        mnist = epoch.read_mnist(options.epoch)
    except (OSError, ValueError) as error:
        raise SystemExit(f"bench: {error}") from error
    modules = load(options, EPOCH_FRAMEWORKS)
    result: dict[str, Any] = {"machine": machine(modules), "epochs": []}
    if not options.json:
        print_machine(result["machine"], [*modules])
        epoch.print_heading()
    for seed in options.seeds:
        found = epoch.measure_epoch(
            modules, mnist, seed=seed, batch_size=EPOCH_BATCH, pause=PAUSE_SECONDS
        )
        seconds = found["seconds"]
        known = OURS in seconds and PYTORCH in seconds
        found["seconds_ratio"] = seconds[OURS] / seconds[PYTORCH] if known else None
        result["epochs"].append(found)
        if not options.json:
            epoch.print_epoch(found, PYTORCH)
    return result


def warn_of_other_losses(case: str, losses: dict[str, list[float]]) -> None:
    """Say so where frameworks do not do the same: then their times compare nothing."""
    reference = losses.get(OURS) or next(iter(losses.values()))
    for name, found in losses.items():
        if not np.allclose(found, reference, rtol=LOSS_TOLERANCE):
            print(f"{case}: the losses of {name} are {found}, not {reference}", file=sys.stderr)


# How it is shown.


def print_machine(about: dict[str, Any], names: list[str]) -> None:
    """Print what the numbers depend on."""
    known = [name for name in ("python", "numpy", *names) if name in about]
    versions = ", ".join(f"{name} {about[name]}" for name in known)
    threads = ", ".join(f"{name} {count}" for name, count in about["threads"].items())
    print(f"{about['cpus']} CPUs; {versions}\nthreads: {threads}\n")


class Table:
    """Prints a result row by row."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.widths: list[int] = []

    def head(self, about: dict[str, Any], names: list[str]) -> None:
        """Print what the numbers depend on, and the heading."""
        self.names = names
        print_machine(about, names)
        titles = [*self.names, "ratio"]
        widths = [max(len(title), 7) + 2 for title in titles]
        self.widths = widths * 2
        groups = (f"{unit:-^{sum(widths) - 2}}" for unit in (" milliseconds ", " peak MiB "))
        print(" " * 25 + "".join(f"  {group}" for group in groups))
        self.line("", titles * 2)

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
        print(f"{name:25}" + "".join(f"{c:>{w}}" for c, w in zip(cells, self.widths)), flush=True)


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--batch-sizes", type=int, nargs="+", default=[1, 8, 32, 64, 256, 1024], metavar="N")
    add("--frameworks", nargs="+", choices=FRAMEWORKS, help="default: this one and PyTorch")
    add(
        "--seconds", type=float, default=ROW_SECONDS,
        help=f"how long to measure each row (default: {ROW_SECONDS})",
    )  # fmt: skip
    add("--threads", type=int, metavar="N", help="for every framework (default: its own choice)")
    add("--no-memory", action="store_true", help="measure times only")
    add("--json", action="store_true", help="print JSON instead of a table")
    add("--compare", type=Path, metavar="JSON", help="how times changed since a --json was written")
    add("--kernels", action="store_true", help="measure the kernels alone")
    add("--profile", action="store_true", help="measure one step operation by operation")
    add("--out", type=Path, metavar="PNG", help="where --profile draws its bars (default: nowhere)")
    add("--epoch", type=Path, metavar="DIR", help="train for an epoch on the MNIST files in DIR")
    add("--seeds", type=int, nargs="+", default=[0], metavar="N", help="for --epoch (default: 0)")
    add("--python", action="append", default=[], metavar="NAME=PATH",
        help="measure a framework in an interpreter of its own")  # fmt: skip
    add("--alone", choices=FRAMEWORKS, help=argparse.SUPPRESS)  # these two for in_a_process
    add("--timed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    pythons = (choice.partition("=")[::2] for choice in options.python)
    # In full: they start in another folder.
    options.pythons = {name: os.path.abspath(shutil.which(p) or p) for name, p in pythons}
    if not set(options.pythons) <= set(FRAMEWORKS):
        parser.error(f"--python knows {', '.join(FRAMEWORKS)}")
    if options.compare and not options.compare.is_file():
        parser.error(f"--compare: there is no {options.compare}")
    if options.epoch and (options.pythons or {*(options.frameworks or ())} - {*EPOCH_FRAMEWORKS}):
        parser.error(f"--epoch knows {' and '.join(EPOCH_FRAMEWORKS)}, in one interpreter")
    threads = 1 if options.threads is None else options.threads
    if min(*options.batch_sizes, threads) < 1 or options.seconds <= 0:
        parser.error("batch sizes, threads and seconds are above zero")
    return options


def compare(result: dict[str, Any], path: Path) -> None:
    """Print our times beside those of an earlier result, and what happened to the ratios."""
    before = {row["case"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}
    print(f"\nCompared with {path}: ours before and now, and their ratio to PyTorch's time\n")
    for row in result["rows"]:
        old = before.get(row["case"])
        if old is None:
            continue
        was, now = old["milliseconds"][OURS], row["milliseconds"][OURS]
        line = f"{row['case']:26}{was:10.2f} -> {now:8.2f} ms {100 * (now / was - 1):+6.0f} %"
        ratios = [found["milliseconds_ratio"] for found in (old, row)]
        if None not in ratios:
            line += f"{ratios[0]:10.2f} -> {ratios[1]:.2f} of PyTorch's"
        print(line)


def main() -> None:
    options = read_options()
    if options.alone:
        print(json.dumps(alone(options)))
        return
    if options.epoch:
        result = measure_epochs(options)
        if options.json:
            print(json.dumps(result, indent=2))
        return
    result = {}
    if options.kernels or options.profile:
        ours = FRAMEWORKS[OURS].load(options.threads)
        batch = 64 if len(options.batch_sizes) > 1 else options.batch_sizes[0]
    if options.kernels:
        result["kernels"] = kernels.measure_kernels(batch, options.seconds / 50)
    if options.profile:
        repeats = max(3, int(8 * options.seconds))
        result["profile"] = kernels.measure_profile(models.cnn(ours, batch), repeats)
        if options.out:
            title = f"A training step of the notes' CNN, batch {batch}"
            kernels.draw_profile(result["profile"], title, options.out)
    if not result:
        result = measure(options, None if options.json else Table())
    if options.json:
        print(json.dumps(result, indent=2))
        return
    if options.kernels:
        kernels.print_kernels(result["kernels"])
    if options.profile:
        print(f"\nA training step of the notes' CNN by operation, batch {batch}\n")
        kernels.print_profile(result["profile"])
    if options.compare and "rows" in result:
        compare(result, options.compare)


if __name__ == "__main__":
    main()
