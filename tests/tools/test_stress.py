"""The tool that forks and interrupts: a short run of it, and that it sees what is wrong."""

import os
import subprocess
import sys

import pytest

import tinygrad_adam as torch
from tinygrad_adam.backend.compiled import blas
from tools import stress


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_short_run():
    command = [sys.executable, "-W", "ignore", "-m", "tools.stress", "--forks", "3"]
    done = subprocess.run(
        [*command, "--interrupts", "20"], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "20 interrupts: all right\n3 forks: all right\n", done.stderr
    assert done.returncode == 0


def test_faults_are_seen():
    step, threads = stress.training_step(), blas.get_num_threads()
    expected = step()
    assert stress.fault(step, expected, threads) == ""
    assert stress.fault(step, [2 * g for g in expected], threads) == "other gradients"
    assert stress.fault(step, expected, threads + 1).startswith("BLAS has")
    with torch.no_grad():
        assert stress.fault(step, expected, threads) == "recording is off"


def test_a_fault_is_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(stress, "interrupts", lambda number: "recording is off")
    stress.interrupts.__name__ = "interrupts"
    assert stress.main(["--forks", "0", "--interrupts", "1"]) == 1
    assert "1 interrupts: recording is off" in capsys.readouterr().out
