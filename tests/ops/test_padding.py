"""Padding and cropping in every mode."""

import itertools

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional

NUMPYS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
AMOUNTS = [-6, -5, -4, -2, -1, 0, 1, 3]


def cut_then_padded(x, before, after, mode):
    """NumPy's answer along the last dimension; the mirror and the edge are those of all of x."""
    start, stop = max(-before, 0), x.shape[-1] - max(-after, 0)
    grow = [(0, 0)] * (x.ndim - 1) + [(max(before, 0), max(after, 0))]
    if mode in ("constant", "circular"):
        return np.pad(x[..., start:stop], grow, mode=NUMPYS[mode])
    grown = np.pad(x, grow, mode=NUMPYS[mode])
    return grown[..., start : grown.shape[-1] - max(-after, 0)]


@pytest.mark.parametrize("mode", NUMPYS)
@pytest.mark.parametrize(("before", "after"), [*itertools.product(AMOUNTS, AMOUNTS)])
def test_one_dimension(mode, before, after):
    x = torch.arange(10.0).reshape(1, 2, 5).requires_grad_()
    left, size = 5 + min(before, 0) + min(after, 0), 5 + before + after
    if (
        size < 0
        or (mode == "constant" and left < 0)
        or (mode == "circular" and (left < 0 or left == 0 < max(before, after)))
        or (mode in ("reflect", "replicate") and size < 1)
    ):
        with pytest.raises(RuntimeError, match=r"negative output size|too small|nothing to go"):
            functional.pad(x, (before, after), mode=mode)
        return
    y = functional.pad(x, (before, after), mode=mode)
    np.testing.assert_array_equal(
        y.detach(), cut_then_padded(x.detach().numpy(), before, after, mode)
    )
    y.sum().backward()
    kept = y.shape[-1] if mode != "constant" else max(left, 0)
    assert x.grad.sum() == 2 * kept


@pytest.mark.parametrize("mode", NUMPYS)
@pytest.mark.parametrize(
    ("amounts", "shape"),
    [
        ((0, 0, 0, -5), (1, 1, 0, 5)), ((-2, -3, 0, 0), (1, 1, 5, 0)),
        ((-2, -3, 2, 1), (1, 1, 8, 0)), ((1, 1, -5, 0), (1, 1, 0, 7)),
    ],
)  # fmt: skip
def test_one_of_two_dimensions_cut_off_whole(mode, amounts, shape):
    x = torch.arange(25.0).reshape(1, 1, 5, 5).requires_grad_()
    y = functional.pad(x, amounts, mode=mode)
    assert y.shape == shape
    y.sum().backward()
    assert x.grad.equal(torch.zeros(1, 1, 5, 5))


def test_what_cannot_be_padded():
    x = torch.ones(1, 1, 5)
    for amounts, mode in (((1, -6), "constant"), ((-6, 4), "constant"), ((-5, 3), "circular")):
        with pytest.raises(RuntimeError):
            functional.pad(x, amounts, mode=mode)
    for amounts in (torch.tensor([1, 1]), np.array([1, 1]), (0, 1.0), (True, 1), "11", None):
        with pytest.raises(TypeError, match="must be tuple of ints"):
            functional.pad(x, amounts)
    for mode in ("reflect", "replicate"):
        for shape in ((1, 0, 5), (0, 5), (1, 1, 0)):
            with pytest.raises(RuntimeError, match="possibly 0 batch size and other non-zero dim"):
                functional.pad(torch.ones(shape), (1, 1), mode=mode)
        assert functional.pad(torch.ones(0, 1, 5), (1, 1), mode=mode).shape == (0, 1, 7)
