"""Programs in the manner of courses and books lose, step by step, what they lose in PyTorch."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.training import PROGRAMS

STORED = goldens.load("training.json")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_losses_are_pytorchs(name, dtype, tolerance):
    losses = PROGRAMS[name](torch, getattr(torch, dtype))
    np.testing.assert_allclose(losses, STORED[name], rtol=tolerance)
