"""Examples in the process of the tests: loaded as modules, or run to their ends."""

import contextlib
import importlib.util
import io
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def load_program(path):
    """Return a program as a module, its main part not run."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_example(path, folder):
    """Run an example in ``folder``, where a warning is an error; return what it printed.

    It writes nowhere but to ``folder / "out"``. A process of its own would load NumPy, matplotlib
    and scikit-learn once more, which takes longer than most examples.
    """
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", [str(path), "--fast", "--out", str(folder / "out")])
        patch.chdir(folder)
        runpy.run_path(str(path), run_name="__main__")
    assert {entry.name for entry in folder.iterdir()} <= {"out"}, "a file outside --out"
    return printed.getvalue()
