"""tools/bench.py measures what it says, in a table and as JSON."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "tools" / "bench.py"
FAST = ["--batch-sizes", "2", "--seconds", "0.01", "--frameworks", "tinygrad_adam"]


def run(*options):
    return subprocess.run(
        [sys.executable, BENCH, *options], capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def measured():
    """What the program says as JSON."""
    done = run(*FAST, "--json")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json_and_table(measured, tmp_path):
    result = json.loads(measured)
    rows = {row["case"]: row for row in result["rows"]}
    assert list(rows) == [
        "CNN step, batch 2",
        "wide CNN step, batch 64",
        "MLP step, batch 128",
        "1,000 x y*w+b, 0-d",
        "1,000 x y*w+b, (16,)",
        "Adam alone",
    ]
    for row in rows.values():
        assert row["milliseconds"]["tinygrad_adam"] > 0
        assert row["milliseconds_ratio"] is None
    memory = rows["CNN step, batch 2"]["peak_mib"]["tinygrad_adam"]
    assert memory is None or 10 < memory < 1000
    # The table, and how it compares with that.
    before = tmp_path / "before.json"
    before.write_text(measured, encoding="utf-8")
    done = run(*FAST, "--no-memory", "--threads", "1", "--compare", before)
    assert done.returncode == 0, done.stderr
    assert "threads: tinygrad_adam 1" in done.stdout
    for case in rows:
        assert case in done.stdout
    changes = done.stdout.partition("Compared with")[2].splitlines()
    assert [line for line in changes if line.startswith("Adam alone") and "->" in line]


def test_kernels_and_profile(tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "bars.png"
    options = ("--kernels", "--profile", "--out", picture)
    done = run(*FAST, *options, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["kernel"]: row for row in result["kernels"]["rows"]}
    assert rows["conv2 forward"]["gflops"] > 0
    assert rows["Adam"]["gflops"] is None
    assert all(row["gbytes"] > 0 for row in rows.values())
    assert result["kernels"]["ceilings"]["gflops"] > 0
    names = list(result["profile"])
    assert [name for name in names if name.startswith("Conv2d 0")] == [
        "Conv2d 0", "Conv2d 0, backward"
    ]  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")
    done = run(*FAST, *options)
    assert "GFLOP/s" in done.stdout
    assert "Conv2d 3, backward" in done.stdout


def test_another_interpreter():
    names = ("--frameworks", "tinygrad_adam", "dezero", "--python", f"dezero={sys.executable}")
    done = run(*FAST, "--no-memory", *names)
    if importlib.util.find_spec("dezero"):
        pytest.skip("dezero is installed here")
    assert done.returncode == 1
    assert "dezero failed in" in done.stderr


def test_bad_options():
    for options in (["--batch-sizes", "0"], ["--threads", "0"], ["--frameworks", "mxnet"],
                    ["--compare", "nothing.json"], ["--python", "mxnet=python"]):  # fmt: skip
        assert run(*options).returncode == 2
