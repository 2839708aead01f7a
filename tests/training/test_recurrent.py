"""Programs with recurrent layers lose, step by step, what they lose in PyTorch."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.training.recurrent import PROGRAMS

STORED = goldens.load("recurrent.json")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_losses_are_pytorchs(name):
    losses = PROGRAMS[name](torch, torch.float64)
    np.testing.assert_allclose(losses, STORED[name], rtol=1e-9)
    losses = PROGRAMS[name](torch, torch.float32)
    np.testing.assert_allclose(losses, STORED[name], rtol=1e-4)
