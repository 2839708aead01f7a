"""Race optimizers: a table, maps with their paths, and an animation.

    python -m tools.optim_race
    python -m tools.optim_race --functions beale saddle --optimizers sgd:0.01 adam:0.1 adam:1
    python -m tools.optim_race --functions iris --out race --animation gif
    python -m tools.optim_race --optimizers sgd:0.1,momentum=0.9,nesterov=True adam:0.3 --json

Functions: ``bowl`` (x²/20 + y²), ``beale``, ``rosenbrock``, ``saddle`` (x² + (y² - 1)²), and
``iris``: the loss of a network 4-16-3 on 120 flowers, drawn in the plane in which the optimizers
moved most. Optimizers are the classes of ``tinygrad_adam.optim`` in small letters, each with a
learning rate and options if you like: ``NAME[:RATE][,OPTION=VALUE…]``. The same one may run at
several rates.

An optimizer has arrived at the first step from which the value stays within ``--tolerance`` of the
lowest; for iris, within 0.1 of zero unless you say otherwise. One whose value is infinite, "not a
number" or a million million times what it was has diverged, and its race is over; the others go on.

Exit code: 0, also if some diverge (the table says so); 1 if nothing could be raced or written;
2 for options that make no sense.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import tinygrad_adam as torch
from tinygrad_adam import data, nn, optim
from tinygrad_adam.viz import race

CLASSES = {
    name.lower(): getattr(optim, name)
    for name in ("SGD", "Momentum", "Adagrad", "RMSprop", "Adam", "AdamW", "Adamax", "NAdam",
                 "RAdam", "Adadelta", "ASGD", "Rprop")
}  # fmt: skip
FIVE = ("sgd", "momentum", "adagrad", "rmsprop", "adam")
IRIS_RATES = {"sgd": 0.1, "momentum": 1.0, "adagrad": 0.1, "rmsprop": 0.01, "adam": 0.01}
IRIS_STEPS = 100
FUNCTIONS = (*race.LANDSCAPES, "iris")


def read_keywords(text: str, options: str) -> dict[str, Any]:
    """Return ``momentum=0.9,nesterov=True`` as a dictionary; values are Python's literals."""
    try:
        call = ast.parse(f"f({options})", mode="eval").body
    except SyntaxError:
        call = None
    if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
        raise argparse.ArgumentTypeError(f"{text}: {options!r} is not OPTION=VALUE,…")
    found = {}
    for keyword in call.keywords:
        try:
            found[str(keyword.arg)] = ast.literal_eval(keyword.value)
        except ValueError:
            value = ast.unparse(keyword.value)
            raise argparse.ArgumentTypeError(f"{text}: {value!r} is not a value") from None
    if len(found) < len(call.keywords):
        raise argparse.ArgumentTypeError(f"{text}: an option stands there twice")
    return found


class Entry:
    """One optimizer of the race, as it was asked for: ``adam:0.1,amsgrad=True``."""

    def __init__(self, text: str) -> None:
        head, _, options = text.partition(",")
        self.text = text
        self.name, colon, rate = head.partition(":")
        if self.name not in CLASSES:
            known = ", ".join(CLASSES)
            raise argparse.ArgumentTypeError(f"no optimizer {self.name!r}; there are {known}")
        self.options = read_keywords(text, options)
        if colon and "lr" in self.options:
            raise argparse.ArgumentTypeError(f"{text}: the rate stands there twice")
        try:
            self.rate = float(rate) if colon else self.options.pop("lr", None)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text}: {rate!r} is not a rate") from None
        try:  # the optimizer itself knows best what it takes
            weight = torch.zeros(1, requires_grad=True)
            weight.grad = torch.zeros(1)
            self.make([weight], {}).step()
        except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
            raise argparse.ArgumentTypeError(f"{text}: {str(error).splitlines()[0]}") from None

    def lr(self, rates: Any) -> float | None:
        """Return the rate: as asked for, or what suits the function, or the class's own (None)."""
        # Adam's relatives take steps as long as Adam's; Adadelta finds its own.
        suits = None if self.name == "adadelta" else rates.get(self.name, rates.get("adam"))
        return suits if self.rate is None else self.rate

    def make(self, parameters: Any, rates: Any) -> optim.Optimizer:
        """Return the optimizer."""
        lr = self.lr(rates)
        return CLASSES[self.name](parameters, **({} if lr is None else {"lr": lr}), **self.options)


def rates_of(function: str) -> Any:
    """Return the learning rates that suit a function, by optimizer."""
    return IRIS_RATES if function == "iris" else race.LANDSCAPES[function].rates


def race_on_landscape(name: str, entries: list[Entry], steps: int | None) -> race.Field:
    """Race on a function of two numbers."""
    place = race.LANDSCAPES[name]
    return place.field(
        {
            entry.text: race.descend_on(
                place, lambda point, entry=entry: entry.make(point, place.rates), steps
            )
            for entry in entries
        }
    )


def race_on_iris(entries: list[Entry], steps: int | None, seed: int) -> race.Field:
    """Race on the training loss of a small network, all from the same weights."""
    features, species = data.iris()[0].tensors
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    criterion = nn.CrossEntropyLoss()
    start = {name: value.clone() for name, value in model.state_dict().items()}

    def loss() -> torch.Tensor:
        return criterion(model(features), species)

    runs = {}
    for entry in entries:
        model.load_state_dict(start)
        optimizer = entry.make(model.parameters(), IRIS_RATES)
        runs[entry.text] = race.descend(loss, optimizer, steps or IRIS_STEPS)
    title = "cross-entropy of a 4-16-3 network"
    return race.plane_of("iris", title, runs, loss, list(model.parameters()))


def results_of(place: race.Field, entries: list[Entry], tolerance: float) -> list[dict[str, Any]]:
    """Return a row for each optimizer, first those that arrived, in the order of arrival."""
    rows = [
        {
            "function": place.name,
            "optimizer": entry.text,
            "lr": entry.lr(rates_of(place.name)),
            "steps": run.steps,
            "steps_to_tolerance": run.steps_to(place.lowest + tolerance),
            "tolerance": tolerance,
            "final": float(run.values[-1]) if math.isfinite(run.values[-1]) else None,
            "diverged": run.diverged,
        }
        for entry in entries
        for run in [place.runs[entry.text]]
    ]

    def order(row: dict[str, Any]) -> tuple[float, bool, float]:
        arrived = row["steps_to_tolerance"]
        final = math.inf if row["final"] is None else row["final"]
        return (math.inf if arrived is None else arrived, row["diverged"], final)

    return sorted(rows, key=order)


def table(place: race.Field, rows: list[dict[str, Any]], tolerance: float) -> str:
    """Return the rows as text."""
    width = max(len("optimizer"), *(len(row["optimizer"]) for row in rows))
    steps_to = f"steps to {tolerance:g}"
    lines = [
        f"{place.name}: {place.formula}",
        f"  {'optimizer':{width}}  {'rate':>7}  {steps_to:>15}  {'final value':>14}",
    ]
    for row in rows:
        arrived = "-" if row["steps_to_tolerance"] is None else row["steps_to_tolerance"]
        final = "none" if row["final"] is None else f"{row['final']:.6g}"
        end = f"  diverged at step {row['steps']}" if row["diverged"] else ""
        rate = "own" if row["lr"] is None else f"{row['lr']:g}"
        lines.append(f"  {row['optimizer']:{width}}  {rate:>7}  {arrived:>15}  {final:>14}{end}")
    return "\n".join(lines)


def write_pictures(out: Path, places: list[race.Field], ending: str, tolerance: Any) -> list[str]:
    """Write a map for each function, the values step by step, and the animation."""
    names = []
    for place in places:
        names.append(race.write_whole(out / f"{place.name}.png", race.map_of(place)).name)
    heights = race.heights_of(places, tolerance)
    names.append(race.write_whole(out / "values.png", heights).name)
    if ending != "none":
        names.append(race.save_animation(out / f"race.{ending}", places).name)
    return names


def above_zero(kind: type) -> Callable[[str], Any]:
    """Return a converter for argparse that takes finite numbers above zero only."""

    def convert(text: str) -> Any:
        number = kind(text)
        if not 0 < number < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above zero")
        return number

    convert.__name__ = kind.__name__  # argparse says "invalid int value" with this
    return convert


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = Parser(
        description="Race optimizers on functions of two numbers, or on a small network.",
        epilog="example: --functions beale --optimizers sgd:0.01 adam:0.1,amsgrad=True --out race",
    )
    add = parser.add_argument
    add("--functions", nargs="+", choices=FUNCTIONS, default=list(race.LANDSCAPES), metavar="NAME",
        help=f"where to race: {', '.join(FUNCTIONS)} (default: all but iris)")  # fmt: skip
    add("--optimizers", nargs="+", type=Entry, default=None, metavar="NAME[:RATE][,OPTION=VALUE]",
        help=f"who races: {', '.join(CLASSES)} (default: {' '.join(FIVE)})")  # fmt: skip
    add("--steps", type=above_zero(int), metavar="N", help="steps (default: enough for each)")
    add("--tolerance", type=above_zero(float), help="(default: 0.01; iris 0.1)")
    add("--seed", type=int, default=0, help="of the iris network's weights (default: 0)")
    add("--out", type=Path, metavar="DIR", help="write pictures and the animation there")
    add("--animation", choices=("html", "gif", "none"), help="its kind (default: html)")
    add("--json", action="store_true", help="print the results as JSON")
    options = parser.parse_args(arguments)
    if options.animation and not options.out:
        parser.error("--animation needs --out DIR")
    options.optimizers = options.optimizers or [Entry(name) for name in FIVE]
    # Whoever is named twice runs once.
    options.optimizers = list({entry.text: entry for entry in options.optimizers}.values())
    options.functions = list(dict.fromkeys(options.functions))
    return options


def main(arguments: list[str] | None = None) -> int:
    """Race, and print; return the exit code."""
    options = read_options(arguments)
    places, rows, texts = [], [], []
    try:
        for name in options.functions:
            if name == "iris":
                place = race_on_iris(options.optimizers, options.steps, options.seed)
            else:
                place = race_on_landscape(name, options.optimizers, options.steps)
            tolerance = options.tolerance or (0.1 if name == "iris" else 0.01)
            found = results_of(place, options.optimizers, tolerance)
            places.append(place)
            rows += found
            texts.append(table(place, found, tolerance))
        files = []
        if options.out:
            ending = options.animation or "html"
            files = write_pictures(options.out, places, ending, options.tolerance)
    except (ImportError, OSError) as error:
        print(f"optim_race.py: error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"results": rows, "files": files}, indent=2, allow_nan=False))
    else:
        print("\n\n".join(texts))
        if files:
            print(f"\nwritten to {options.out}: {', '.join(files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
