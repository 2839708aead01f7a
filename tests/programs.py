"""Examples run as their readers run them: as programs of their own."""

import subprocess
import sys


def run_example(path, folder):
    """Run an example in ``folder``, where a warning is an error; return what it printed.

    It succeeds and writes nowhere but to ``folder / "out"``.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", path, "--fast", "--out", folder / "out"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert {entry.name for entry in folder.iterdir()} <= {"out"}, "a file outside --out"
    return done.stdout
