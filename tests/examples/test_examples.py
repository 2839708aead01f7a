"""Every numbered example runs, says that its checks went well, and leaves its pictures."""

import ast
import shutil
import subprocess
import sys

import pytest

from tests.programs import EXAMPLES, run_example

NUMBERED = sorted(EXAMPLES.glob("[0-9]*.py"))
# How many checks they pass and what they draw. The others: test_optimizer_examples.py and
# test_conv_by_hand.py.
GRAPHS = {
    "01_scalar_graph": (3, {"scalar_graph", "neuron"}),
    "11_cnn_graph": (4, {"cnn_depth1", "cnn_depth2"}),
    "13_debug_nan": (4, {"log_of_a_negative"}),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_an_example_checks_itself(name, tmp_path):
    checks, files = GRAPHS[name]
    text = run_example(EXAMPLES / f"{name}.py", tmp_path)
    assert text.count("CHECK ok: ") == checks
    assert {path.stem for path in (tmp_path / "out").iterdir()} == files


def test_an_example_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-W", "error", EXAMPLES / "13_debug_nan.py", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for line in done.stderr.splitlines():  # nothing but, for each picture, that it is not drawn
        assert shutil.which("dot") is None, line
        assert ".dot written instead of svg" in line
    assert done.stdout.count("CHECK ok: ") == 4


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.name)
def test_an_example_says_what_it_is_for(path):
    source = path.read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source))
    assert "?" in text.partition("\n\n")[0] or "Question: " in text
    for word in ("idea", "look at", "exercise"):
        assert word in text.lower()
    if path.stem in GRAPHS:
        assert len(source.splitlines()) <= 120
