"""Plant faults in a copy of the repository, and show that the tests notice each.

    python -m tools.mutants
    python -m tools.mutants gelu-density elu-kink
    python -m tools.mutants --list
    python -m tools.mutants --json

A fault is one line of the package, written otherwise: a sign, a bound, a step left out. The list is
in ``tools/mutants.txt``, each with the tests that are meant to see it. First these run on a copy
without any fault, where all must pass; then each fault is planted by itself, and its tests run. It
lives if they still pass. The exit code is the number of faults that live. A line that is not there
any more, or is there more than once, is an error (2): mend the list.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("tinygrad_adam", "tests", "tools", "setup.cfg")
JOBS = 2  # each in a copy of its own


class Mutant(NamedTuple):
    """A fault to plant."""

    name: str
    file: str
    """In the package."""
    old: str
    """A part of one line, which is in the file once."""
    new: str
    """What to write in its place."""
    tests: str
    """Files of tests, or functions in them, that are to see it, with spaces between."""


class WrongListError(Exception):
    """A fault cannot be planted, or its tests do not run."""


def _read(path: Path) -> list[Mutant]:
    text = "\n".join(
        [line for line in path.read_text(encoding="utf-8").split("\n") if line[:1] != "#"]
    )
    found = []
    for block in filter(None, map(str.strip, text.split("\n\n"))):
        head, old, new = block.split("\n")
        name, file, tests = head.split(": ")
        found.append(Mutant(name, file, old[2:], new[2:], tests))
    return found


MUTANTS = _read(Path(__file__).with_suffix(".txt"))


def faulty(mutant: Mutant) -> str:
    """Return the text of the file with the fault in it."""
    path = ROOT / "tinygrad_adam" / mutant.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(mutant.old) != 1:
        raise WrongListError(
            f"{mutant.name}: {mutant.file} has {text.count(mutant.old)} times: {mutant.old}"
        )
    return text.replace(mutant.old, mutant.new)


def run(copy: Path, tests: Iterable[str]) -> tuple[bool, str]:
    """Run tests in a copy of the repository; return whether they pass, and what they print."""
    options = ["-q", "-x", "-n0", "-p", "no:cacheprovider"]
    # Without stored bytecode: of two texts of the same length and second it knows one only.
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["TINYGRAD_ADAM_KERNELS"] = "plain"  # each copy would compile the others anew
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *[f"tests/{test}" for test in tests]],
        cwd=copy, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    if done.returncode > 1:
        raise WrongListError(f"these tests do not run: {tests}\n{done.stdout}{done.stderr}")
    return done.returncode == 0, done.stdout


def plant(mutants: Sequence[Mutant]) -> Iterator[tuple[bool, float]]:
    """Yield for each fault whether it lives, and how many seconds its tests took.

    Raises:
        WrongListError: a fault cannot be planted, or its tests fail without it, or do not run.
    """
    texts = [faulty(mutant) for mutant in mutants]
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def lives(mutant: Mutant, text: str) -> tuple[bool, float]:
        copy, start = copies.get(), time.perf_counter()
        path = copy / "tinygrad_adam" / mutant.file
        right = path.read_bytes()
        try:
            path.write_text(text, encoding="utf-8")
            return run(copy, mutant.tests.split())[0], time.perf_counter() - start
        finally:
            path.write_bytes(right)
            copies.put(copy)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(JOBS) as threads:
        for number in range(JOBS):
            copies.put(_copy(Path(folder) / str(number)))
        everything = sorted({test for mutant in mutants for test in mutant.tests.split()})
        passed, printed = run(Path(folder) / "0", everything)
        if not passed:
            raise WrongListError(f"a test fails without any fault:\n{printed}")
        yield from threads.map(lives, mutants, texts)


def _copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="of faults; all of them by default")
    parser.add_argument("--list", action="store_true", help="show the faults, and plant none")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    unknown = set(options.names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"unknown fault {', '.join(sorted(unknown))}: see --list")
    mutants = [m for m in MUTANTS if m.name in options.names or not options.names]
    try:
        if options.list:
            for mutant in mutants:
                faulty(mutant)
                print(f"{mutant.name}: {mutant.file}: {mutant.tests}")
                print(f"- {mutant.old}\n+ {mutant.new}\n")
            return 0
        rows = []
        for mutant, (lives, seconds) in zip(mutants, plant(mutants)):
            rows.append({**mutant._asdict(), "lives": lives, "seconds": round(seconds, 1)})
            if not options.json:
                word = "LIVES" if lives else "caught"
                print(f"{mutant.name:24} {mutant.file:28} {word:6} {seconds:6.1f} s", flush=True)
    except WrongListError as error:
        parser.error(str(error))
    living = sum(row["lives"] for row in rows)
    print(json.dumps(rows, indent=1) if options.json else f"{living} of {len(rows)} live")
    return living


if __name__ == "__main__":
    raise SystemExit(main())
