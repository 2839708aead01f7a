"""The tools that draw, as a user runs them."""

import json
import os
import runpy
import shutil
import subprocess
import sys

import pytest

from tests.programs import ROOT
from tests.viz import drawn_models

MODEL = f"{drawn_models.__file__}:CNN"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def last_words(monkeypatch):
    """Run a tool until it gives up, and return what it says then.

    It runs in this process: starting another would take longer than all the rest.
    """

    def run_until_exit(tool, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{tool}.py", *arguments])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_module(f"tools.{tool}", run_name="__main__")
        assert isinstance(stopped.value.code, str)  # printed on stderr, and the status is 1
        return stopped.value.code

    return run_until_exit


def test_draw_an_expression(tmp_path):
    out = tmp_path / "graph.txt"
    result = run("tools.draw", "(x*w + b).relu().sum()", "--set", "x=2", "w=-3", "b=10",
                 "--backward", "-o", out)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(out)
    text = out.read_text()
    assert "value -6" in text
    assert "x.grad" in text


@needs_dot
def test_draw_a_model(tmp_path):
    out = tmp_path / "graph.svg"
    result = run("tools.draw", MODEL, "--input", "1,1,28,28", "--depth", "1", "--backward",
                 "--show", "shape,params,flops", "-o", out)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "421,642 parameters" in out.read_text()
    page = tmp_path / "backward.html"
    result = run("tools.draw", "(x*w).tanh()", "--set", "x=2", "w=1", "--animate", "-o", page)
    assert result.returncode == 0, result.stderr
    assert "slider" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x*w", "--set", "x=2"], "w has no value: --set w=2"),
        (["x*", "--set", "x=2"], "is no expression"),
        (["x", "--set", "x=two"], "--set x=two"),
        (["__import__('os')"], "__import__ has no value"),
        (["x.love()", "--set", "x=2"], "AttributeError: 'Tensor' object has no attribute 'love'"),
        (["x*2", "--set", "x=2", "-o", "graph.bmp"], "cannot write a graph as .bmp"),
        (["x*2", "--set", "x=2", "-o", f"{__file__}/x.txt"], "File exists"),
        ([MODEL, "--input", "1,1,99999999,99999999"], "--input 1,1,99999999,99999999: "),
        ([MODEL, "--input", "1,1,28,28", "--depth", "-1"], "depth=-1"),
        ([MODEL], "needs --input"),
        ([MODEL, "--input", "a,b"], "give a shape"),
        ([MODEL.replace("CNN", "RNN"), "--input", "1"], "has no RNN; its models are: CNN"),
        (["nowhere.py:CNN", "--input", "1"], "there is no file nowhere.py"),
        ([MODEL, "--input", "1,3,28,28", "-o", "x.txt"], "to have 1 channels, but got 3"),
    ],
)
def test_draw_says_what_is_wrong_in_one_line(last_words, arguments, words):
    assert words in last_words("draw", *arguments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_here", "cannot be loaded: ModuleNotFoundError: No module named 'nothing"),
        ("x = (", "cannot be loaded: SyntaxError: '(' was never closed"),
        ("X = 3", "is no Module, but int"),
        ("def X(size): pass", "X() without arguments makes no model"),
    ],
)
@pytest.mark.parametrize("tool", ["draw", "summary"])
def test_a_file_that_holds_no_model(last_words, tool, text, words, tmp_path):
    (tmp_path / "model.py").write_text(text)
    said = last_words(tool, f"{tmp_path / 'model.py'}:X", "--input", "1")
    assert words in said
    assert len(said.splitlines()) == 1


def test_summary_of_a_model():
    result = run("tools.summary", MODEL, "--input", "2,1,28,28")
    assert result.returncode == 0, result.stderr
    assert "conv2    Conv2d     (2, 64, 14, 14)" in result.stdout
    result = run("tools.summary", MODEL, "--input", "2x1x28x28", "--json")
    table = json.loads(result.stdout)
    assert table["parameters"] == 421_642
    assert table["multiply_adds"] == 2 * 4_241_152
    assert run("tools.summary", "no.py:X", "--input", "1").returncode == 1
