"""Layers, functions and losses against numbers stored from PyTorch (tests/goldens)."""

import numpy as np
import pytest

import tinygrad_adam
from tests import goldens
from tests.nn.cases import CASES, compute
from tinygrad_adam import nn

STORED = goldens.load_arrays("layers.npz")


@pytest.mark.parametrize("name", CASES)
def test_agrees_in_float64_and_float32(name):
    found = compute(tinygrad_adam, nn, nn.functional, CASES[name], "float64")
    for key, expected in STORED[name].items():
        if key not in found:  # a gradient that is zero everywhere may be left out
            assert key.startswith("g"), key
            assert not expected.any(), key
            continue
        assert found[key].shape == expected.shape, key
        np.testing.assert_allclose(found[key], expected, rtol=1e-7, atol=1e-7, err_msg=key)

    found = compute(tinygrad_adam, nn, nn.functional, CASES[name], "float32")
    for key, expected in STORED[name].items():
        if key in found and expected.dtype == np.float64:
            assert found[key].dtype == np.float32, key
            scale = max(1.0, abs(expected).max(initial=0, where=np.isfinite(expected)))
            np.testing.assert_allclose(
                found[key], expected, rtol=2e-4, atol=2e-5 * scale, err_msg=key
            )
