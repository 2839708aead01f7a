"""Views, writes in place, hooks and retained gradients in random order, as in PyTorch."""

import warnings

import tinygrad_adam as torch
from tests import goldens
from tests.autograd.random_programs import STORED, agree, run

# PyTorch's answers are stored as JSON, which has lists for tuples and text for the seeds.
FOUND = {int(seed): found for seed, found in goldens.load("in_place.json").items()}


def test_they_do_what_pytorch_does():
    assert len(FOUND) > 0.98 * len(STORED)  # but for a few that crash it
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing leaks out of here
        different = [seed for seed, found in FOUND.items() if not agree(found, run(torch, seed))]
    assert different == []


def test_the_comparison_can_fail():
    assert not agree([1.0, [2.0, None]], [1.0, [2.1, None]])
    assert not agree("an error", [1.0])
    assert not agree([1.0], [1.0, 2.0])
    assert agree([None, [0.0, 0.0]], [[0.0], None])
    assert any(isinstance(found, str) for found in FOUND.values())
