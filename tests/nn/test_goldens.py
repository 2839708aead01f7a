"""Layers, functions and losses against numbers stored from PyTorch (tools/nn_goldens.py)."""

from pathlib import Path

import numpy as np
import pytest
from golden_cases import CASES, compute

import tinygrad_adam
from tinygrad_adam import nn


@pytest.fixture(scope="module")
def stored():
    with np.load(Path(__file__).parent / "data" / "nn_goldens.npz") as file:
        ends = np.cumsum(file["sizes"])
        pieces = np.split(file["flat"], ends[:-1])
        result = {}
        for name, dtype, shape, piece in zip(file["names"], file["dtypes"], file["shapes"], pieces):
            sizes = [int(size) for size in shape.split(",") if size]
            case, _, key = str(name).rpartition("/")
            result.setdefault(case, {})[key] = (piece.reshape(sizes), dtype)
    return result


@pytest.mark.parametrize("name", CASES)
def test_agrees_in_float64_and_float32(stored, name):
    found = compute(tinygrad_adam, nn, nn.functional, CASES[name], "float64")
    for key, (expected, _) in stored[name].items():
        if key not in found:  # a gradient that is zero everywhere may be left out
            assert key.startswith("g"), key
            assert not expected.any(), key
            continue
        assert found[key].shape == expected.shape, key
        np.testing.assert_allclose(found[key], expected, rtol=1e-7, atol=1e-7, err_msg=key)

    found = compute(tinygrad_adam, nn, nn.functional, CASES[name], "float32")
    for key, (expected, dtype) in stored[name].items():
        if key in found and dtype == "float64":
            assert found[key].dtype == np.float32, key
            scale = max(1.0, abs(expected).max(initial=0, where=np.isfinite(expected)))
            np.testing.assert_allclose(
                found[key], expected, rtol=2e-4, atol=2e-5 * scale, err_msg=key
            )
