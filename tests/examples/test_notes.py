"""The study notes' programs, as they stand in examples/notes, and what the notes say about them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.programs import EXAMPLES

NOTES = EXAMPLES / "notes"


def output_of(name):
    done = subprocess.run(
        [sys.executable, NOTES / name], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def losses_in(output):
    """Return the losses of the lines that the third note prints, which must be the only ones."""
    found = re.findall(r"^Epoch \[(\d+)/100\], Loss: (\d+\.\d{4})$", output, flags=re.MULTILINE)
    assert [int(epoch) for epoch, _ in found] == list(range(10, 101, 10))
    assert len(output.splitlines()) == 10
    return [float(loss) for _, loss in found]


def test_every_note_is_tested_here():
    here = Path(__file__).read_text(encoding="utf-8")
    assert len(list(NOTES.glob("*.py"))) == 5
    for path in NOTES.glob("*.py"):
        assert f'"{path.name}"' in here


@pytest.mark.parametrize("path", sorted(NOTES.glob("*.py")), ids=lambda path: path.name)
def test_a_note_says_what_it_is_for(path):
    text = path.read_text(encoding="utf-8")
    for word in ("Question: ", "Idea: ", "Look at: ", "Exercise: "):
        assert word in text


@pytest.mark.parametrize("name", ["linear_model.py", "cnn.py"])
def test_pytorchs_lines_with_only_the_imports_changed(name):
    text = (NOTES / name).read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert imports == [
        "import tinygrad_adam as torch",
        "import tinygrad_adam.nn as nn",
        "import tinygrad_adam.optim as optim",
    ]
    for line in (
        "optimizer.zero_grad()",
        "outputs = model(data)",
        "loss = criterion(outputs, target)",
        "loss.backward()",
        "optimizer.step()",
    ):
        assert f"    {line}\n" in text


def test_linear_model():
    losses = losses_in(output_of("linear_model.py"))
    assert losses[-1] < losses[0]


def test_cnn():
    losses = losses_in(output_of("cnn.py"))
    assert losses[-1] < 0.001


def test_eight_steps():
    lines = output_of("eight_steps.py").splitlines()
    for line in lines[1:-1]:
        _, by_hand, by_class = line.split()
        assert by_hand == by_class
    assert lines[1].split()[1] == "0.300000"  # the first step is lr long
    assert re.fullmatch(r"CHECK ok: \d+ steps .* end at 3\.000000", lines[-1])


def test_two_updates():
    lines = output_of("two_updates.py").splitlines()
    table = {int(t): (float(a), float(b)) for t, a, b in map(str.split, lines[2:-1])}
    # (1 - beta1) / sqrt(1 - beta2), and after t steps (1 - beta1^t) / sqrt(1 - beta2^t).
    for t, (uncorrected, corrected) in table.items():
        assert abs(uncorrected - (1 - 0.9**t) / (1 - 0.999**t) ** 0.5) < 1e-4
        assert corrected == 1
    assert table[1][0] == 3.1623
    assert lines[-1].startswith("CHECK ok: ")


def test_adam_by_hand():
    lines = output_of("adam_by_hand.py").splitlines()
    table = np.array([line.split() for line in lines[1:-1]], dtype=float)
    assert (table[-1, 1:] < table[0, 1:]).all()
    assert lines[-1].startswith("CHECK ok: ")
