"""What the README shows is true."""

import re
from pathlib import Path

import pytest

import tinygrad_adam as torch
from tinygrad_adam.ops import elementwise

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_quick_start_learns_exclusive_or(capsys):
    (program,) = re.findall(r"## Quick start\n\n```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in program.splitlines() if line]) == 12
    names = {}
    exec(program, names)
    assert names["loss"].item() < 1e-3
    assert names["model"](names["x"]).detach().round().tolist() == [[0.0], [1.0], [1.0], [0.0]]
    assert "tensor([[0.]," in capsys.readouterr().out


def test_the_operation_shown_is_the_one_in_the_package():
    (shown,) = re.findall(r'(    """a b\.  Gradient.*?)```', README, re.DOTALL)
    source = Path(elementwise.__file__).read_text(encoding="utf-8")
    bare = [re.sub(r" +# .*", "", line) for line in shown.rstrip().splitlines()]
    typed = re.search(r"class Mul\(Operation\):\n(.*?)\n\n\n(?:class|def)", source, re.DOTALL)[1]
    untyped = re.sub(r": (Array|Any)| -> (Array|Any)", "", typed)
    assert "\n".join(bare) == untyped


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_the_errors_in_the_table_are_ours():
    x = torch.ones(2, requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    assert re.search(r"`(Trying to backward[^`]*)`", README)[1] in str(caught.value)
