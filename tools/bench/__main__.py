"""Measure training speed and memory, beside PyTorch where it is installed.

    python -m tools.bench
    python -m tools.bench --batch-sizes 64 --json > now.json
    python -m tools.bench --batch-sizes 64 --compare before.json
    python -m tools.bench --plot bench.png
    python -m tools.bench --kernels
    python -m tools.bench --profile --batch-sizes 64 --out profile.png
    python -m tools.bench --epoch path/to/mnist --seeds 0 1 2
    taskset -c 0 python -m tools.bench --threads 1

What is measured: a training step (forward, backward, Adam) of the notes' CNN at several batch
sizes, of a wider network, of an MLP and of an LSTM; 1,000 chained small operations, where the
frameworks' own work shows; and Adam alone over the CNN's 421,642 parameters. Four take turns: this
package with the kernels that it would choose, with the plain ones, PyTorch, and PyTorch with its
images in channels-last memory. A busy machine slows all of them alike: trust the ratios more than
the milliseconds. Times are medians, and a ratio is the median of those of turns side by side. Peak
memory is that of a process of its own for each, with everything that it imports.

--kernels measures the kernels alone, against a large product and a large copy; --profile measures
one step operation by operation. --epoch trains the notes' CNN for one epoch on the four IDX files
in a folder (batch 64, Adam, learning rate 1e-3), in turns with PyTorch on the same batches and from
the same weights, and reports seconds, their ratio and the test accuracy. All start from the same
weights; a warning says where the losses of the first steps disagree.
"""

from __future__ import annotations

import argparse
import gc
import importlib
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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_adam.backend import kernels_in_use
from tinygrad_adam.backend.kernels import using
from tools.bench import epoch, kernels, models
from tools.bench.models import Work

ROOT = Path(__file__).parents[2]  # where a process of its own starts

CHAIN_LENGTH = 1000
MEMORY_STEPS = 5
CHECKED_STEPS, LOSS_TOLERANCE = 3, 1e-3
TURN_SECONDS, PAUSE_SECONDS = 0.3, 0.02
# For a row: beside busy neighbours the ratios of single pairs of turns lie far apart, and a few
# percent can be told only from the median of many.
ROW_SECONDS = 20
WIDE_BATCH, MLP_BATCH, LSTM_BATCH, EPOCH_BATCH = 64, 128, 32, 64
OURS, PLAIN, PYTORCH, CHANNELS_LAST = "tinygrad_adam", "plain", "pytorch", "channels_last"
# What is divided by what.
RATIOS = {"ratio": (OURS, PYTORCH), "ch.last": (OURS, CHANNELS_LAST), "plain/": (PLAIN, PYTORCH)}
EPOCH_FRAMEWORKS = (OURS, PYTORCH)


# What is measured, besides `models`.


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
    """A framework that can be measured; ``makers`` of work, by name, are those that it has."""

    module: str
    makers: dict[str, Callable[..., Work]]

    def is_installed(self) -> bool:
        """Return whether it can be imported."""
        return importlib.util.find_spec(self.module) is not None

    def load(self, threads: int | None) -> Any:
        """Import it and set its number of threads (None: its own choice)."""
        module = importlib.import_module(self.module)
        if threads:
            module.set_num_threads(threads)
        return module


PYTORCH_STYLE: dict[str, Callable[..., Work]] = {
    "cnn": models.cnn, "wide": models.wide_cnn, "mlp": models.mlp, "lstm": models.lstm,
    "chain": chain, "adam": models.adam,
}  # fmt: skip
LAST: dict[str, Callable[..., Work]] = {
    name: partial(maker, channels_last=True)
    for name, maker in (("cnn", models.cnn), ("wide", models.wide_cnn))
}


def with_plain_kernels(maker: Callable[..., Work]) -> Callable[..., Work]:
    """Return a maker of work that the plain kernels do."""

    def make(*arguments: Any) -> Work:
        work = maker(*arguments)

        def run() -> object:
            with using("plain"):
                return work()

        return run

    return make


PLAINLY = {name: with_plain_kernels(maker) for name, maker in PYTORCH_STYLE.items()}
FRAMEWORKS = {
    OURS: Framework("tinygrad_adam", PYTORCH_STYLE),
    PLAIN: Framework("tinygrad_adam", PLAINLY),
    PYTORCH: Framework("torch", PYTORCH_STYLE),
    CHANNELS_LAST: Framework("torch", LAST),
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
        Case(f"LSTM step, batch {LSTM_BATCH}", "lstm", (LSTM_BATCH,)),
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


def ratio(times: dict[str, list[float]], ours: str = OURS, theirs: str = PYTORCH) -> float | None:
    """Return one time divided by another: the median over pairs of turns next to each other.

    What slows the machine for a second slows both turns of a pair, or makes one pair odd. The
    quotient of two medians would compare turns of different moments.
    """
    if not (ours in times and theirs in times):
        return None
    return statistics.median(a / b for a, b in zip(times[ours], times[theirs]))


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


def in_a_process(name: str, batch_size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the peak memory in MiB and the losses of a few steps of the CNN in a new process."""
    command = [sys.executable, "-m", "tools.bench", "--alone", name]
    command += ["--batch-sizes", str(batch_size)]
    command += ["--threads", str(options.threads)] if options.threads else []
    environment = dict(os.environ)
    if options.threads:  # for NumPy's BLAS, too
        environment["OMP_NUM_THREADS"] = str(options.threads)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed in a process of its own:\n{done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def alone(options: argparse.Namespace) -> dict[str, Any]:
    """Do what `in_a_process` asks for."""
    framework = FRAMEWORKS[options.alone]
    step = framework.makers["cnn"](framework.load(options.threads), options.batch_sizes[0])
    losses = [step() for _ in range(MEMORY_STEPS)]
    return {"peak_mib": peak_memory(), "losses": losses[:CHECKED_STEPS]}


def machine(modules: dict[str, Any]) -> dict[str, Any]:
    """Return what the numbers depend on."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "cpus": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "kernels": kernels_in_use(),
        **{name: module.__version__ for name, module in modules.items()},
        "threads": {name: module.get_num_threads() for name, module in modules.items()},
    }


def load(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return the modules of those frameworks that are installed here."""
    found = {}
    for name in options.frameworks or names:
        if FRAMEWORKS[name].is_installed():
            found[name] = FRAMEWORKS[name].load(options.threads)
        elif name in (options.frameworks or ()):
            print(f"{name} is not installed here", file=sys.stderr)
    return found


def measure(options: argparse.Namespace, table: Table | None) -> dict[str, Any]:
    """Measure everything, and print each row into ``table`` as it comes."""
    modules = load(options, FRAMEWORKS)
    result: dict[str, Any] = {"machine": machine(modules), "rows": []}
    if table:
        table.head(result["machine"], [*modules])
    for case in cases(options.batch_sizes):
        makers = {
            n: FRAMEWORKS[n].makers[case.maker]
            for n in modules
            if case.maker in FRAMEWORKS[n].makers
        }
        works = {name: maker(modules[name], *case.arguments) for name, maker in makers.items()}
        if not works:
            continue
        losses = {name: [work() for _ in range(CHECKED_STEPS)] for name, work in works.items()}
        times = interleaved(works, options.seconds)
        row: dict[str, Any] = {
            "case": case.name,
            "milliseconds": {name: statistics.median(found) for name, found in times.items()},
            "ratios": {name: ratio(times, *pair) for name, pair in RATIOS.items()},
            "peak_mib": {},
        }
        if case.measures_memory and not options.no_memory:
            size = case.arguments[0]
            row["peak_mib"] = {n: in_a_process(n, size, options)["peak_mib"] for n in works}
        if case.maker in ("cnn", "wide", "mlp", "lstm"):
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
        print_machine(result["machine"])
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


def print_machine(about: dict[str, Any]) -> None:
    """Print what the numbers depend on."""
    known = [name for name in ("python", "numpy", OURS, PYTORCH) if name in about]
    versions = ", ".join(f"{name} {about[name]}" for name in known)
    threads = ", ".join(f"{name} {count}" for name, count in about["threads"].items())
    print(f"{about['cpus']} CPUs; {versions}; {about['kernels']} kernels\nthreads: {threads}\n")


class Table:
    """Prints a result row by row."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def head(self, about: dict[str, Any], names: list[str]) -> None:
        """Print what the numbers depend on, and the heading."""
        self.names = names
        print_machine(about)
        print("milliseconds; ratio: to PyTorch; ch.last: to it in channels-last memory; plain/: of")
        print("the plain kernels to PyTorch; then peak memory of a process in MiB, and its ratio\n")
        self.line("", [*names, *RATIOS, "MiB", "PyTorch", "ratio"])

    def row(self, row: dict[str, Any]) -> None:
        """Print one row."""
        cells = [_number(row["milliseconds"].get(name), 2) for name in self.names]
        cells += [_number(row["ratios"][name], 2) for name in RATIOS]
        cells += [_number(row["peak_mib"].get(name), 0) for name in (OURS, PYTORCH)]
        self.line(row["case"], [*cells, _number(row["peak_mib_ratio"], 2)])

    def line(self, name: str, cells: list[str]) -> None:
        """Print cells under their titles."""
        widths = [max(len(title), 7) + 2 for title in self.names] + [8] * (len(RATIOS) + 3)
        print(f"{name:25}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths)), flush=True)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def plot(result: dict[str, Any], path: Path) -> None:
    """Draw the ratios to PyTorch's time as bars, a group for each row."""
    import matplotlib.pyplot as plt

    rows = [row for row in result["rows"] if row["ratios"]["ratio"] is not None]
    if not rows:
        raise SystemExit("bench: --plot draws ratios to PyTorch's time: pip install torch")
    bars = {"compiled": "ratio", "plain": "plain/"}
    if result["machine"]["kernels"] == "plain":
        del bars["compiled"]
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(rows) + 1.4), layout="constrained")
    height = 0.8 / len(bars)
    for number, (label, name) in enumerate(bars.items()):
        places = [place + number * height for place in range(len(rows))]
        values = [row["ratios"][name] for row in rows]
        drawn = axes.barh(places, values, height, label=f"{label} kernels")
        axes.bar_label(drawn, fmt="%.2f", padding=3)
    axes.axvline(1, color="black", linewidth=1)
    axes.text(1, 1.01, "PyTorch", ha="center", transform=axes.get_xaxis_transform())
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(rows))])
    axes.set_yticklabels([row["case"] for row in rows])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("time, divided by PyTorch's (shorter is faster)")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--batch-sizes", type=int, nargs="+", default=[1, 8, 32, 64, 256, 1024], metavar="N")
    add("--frameworks", nargs="+", choices=FRAMEWORKS, help="default: all that are installed")
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
    add("--plot", type=Path, metavar="PNG", help="draw the ratios to PyTorch's time as bars")
    add("--alone", choices=FRAMEWORKS, help=argparse.SUPPRESS)  # for in_a_process
    options = parser.parse_args()
    if options.compare and not options.compare.is_file():
        parser.error(f"--compare: there is no {options.compare}")
    if options.epoch and {*(options.frameworks or ())} - {*EPOCH_FRAMEWORKS}:
        parser.error(f"--epoch knows {' and '.join(EPOCH_FRAMEWORKS)}")
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
        ratios = [found["ratios"]["ratio"] for found in (old, row)]
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
    if options.plot and "rows" in result:
        plot(result, options.plot)
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
