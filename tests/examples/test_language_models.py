"""A ladder of language models trains as it does in PyTorch, loss by loss."""

import pytest

import tinygrad_adam
from tests import goldens
from tests.examples import language_models

STORED = goldens.load("language_models.json")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("name", language_models.NAMES)
def test_losses_are_pytorchs(name, dtype, tolerance):
    found = language_models.losses(tinygrad_adam, name, dtype)
    assert found == pytest.approx(STORED[name], rel=tolerance)
    assert min(found) < found[0] - 0.3
