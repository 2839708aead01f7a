"""tools.gradcheck reaches every operation, and notices a wrong gradient."""

import json
import sys

import pytest

from tinygrad_adam.ops.elementwise import sin
from tools import gradcheck


@pytest.fixture
def tool(monkeypatch):
    def run(*options):
        monkeypatch.setattr(sys, "argv", ["gradcheck.py", *options])
        return gradcheck.main()

    return run


def test_every_operation_is_reached_and_right(tool, capsys):
    assert tool("--cases", "1", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["not reached"] == []
    assert len(report["operations"]) > 100
    assert all(max(row["first"], row["second"]) < 1e-6 for row in report["operations"].values())
    assert {"Conv2d", "Conv2dParameterGradients", "ReluGradient"} < set(report["operations"])


def test_a_wrong_gradient_is_named(tool, capsys, monkeypatch):
    monkeypatch.setattr(sin.operation, "backward", lambda self, grad: grad * sin(self.saved[0]))
    assert tool("Sin", "Cos", "--cases", "2") == 1
    lines = [x for x in capsys.readouterr().out.splitlines() if "<-- above 1e-6" in x]
    # Cos is wrong in its second gradient only: its first is made of Sin.
    assert [line.split()[0] for line in lines] == ["Cos", "Sin"]


def test_an_unknown_operation(tool, capsys):
    with pytest.raises(SystemExit) as caught:
        tool("Sine")
    assert caught.value.code == 2
    assert "unknown operation Sine" in capsys.readouterr().err
