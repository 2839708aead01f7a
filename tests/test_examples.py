"""Every numbered example runs, says that its check went well, and leaves its pictures."""

import ast
from pathlib import Path

import pytest

from tests.programs import run_example

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("[0-9]*.py"))
RUN_ELSEWHERE = ("07", "08", "09", "10")  # test_optimizer_examples.py, test_conv_by_hand.py
TO_RUN = [path for path in EXAMPLES if not path.name.startswith(RUN_ELSEWHERE)]


@pytest.mark.parametrize("path", TO_RUN, ids=lambda path: path.name)
def test_an_example_checks_itself(path, tmp_path):
    text = run_example(path, tmp_path)
    assert any(line.startswith("CHECK ok: ") for line in text.splitlines()), text
    assert list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_what_it_is_for(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert "?" in text.partition("\n\n")[0] or "Question: " in text
    for word in ("idea", "look at", "exercise"):
        assert word in text.lower()
