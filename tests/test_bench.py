"""tools/bench.py measures what it says, in a table and as JSON."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent.parent / "tools" / "bench.py"
FAST = ["--batch-sizes", "2", "--seconds", "0.01", "--frameworks", "tinygrad_adam"]


def run(*options):
    return subprocess.run(
        [sys.executable, BENCH, *options], capture_output=True, text=True, timeout=120
    )


def test_json_and_table():
    done = run(*FAST, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["case"]: row for row in result["rows"]}
    assert list(rows) == [
        "CNN step, batch 2",
        "1,000 x y*w+b, 0-d",
        "1,000 x y*w+b, (16,)",
        "Adam alone",
    ]
    for row in rows.values():
        assert row["milliseconds"]["tinygrad_adam"] > 0
        assert row["milliseconds_ratio"] is None
    memory = rows["CNN step, batch 2"]["peak_mib"]["tinygrad_adam"]
    assert memory is None or 10 < memory < 1000
    done = run(*FAST, "--no-memory", "--threads", "1")
    assert "threads: tinygrad_adam 1" in done.stdout
    for case in rows:
        assert case in done.stdout


def test_bad_options():
    for options in (["--batch-sizes", "0"], ["--threads", "0"], ["--frameworks", "mxnet"]):
        assert run(*options).returncode == 2
