"""Repetitions along a dimension."""

import pytest

import tinygrad_adam as torch

T = torch.tensor


@pytest.fixture
def x():
    return torch.arange(6.0).reshape(2, 3).clone()


def test_counts_alone_repeat_positions():
    for dtype in (torch.int64, torch.int32):
        found = torch.repeat_interleave(T([1, 2, 0, 3], dtype=dtype))
        assert (found.dtype, found.tolist()) == (dtype, [0, 1, 1, 3, 3, 3])
    assert torch.repeat_interleave(repeats=T([1, 2]), output_size=3).tolist() == [0, 1, 1]
    assert torch.repeat_interleave(T([], dtype=torch.int64)).tolist() == []


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        ("torch.repeat_interleave(T([[1, 2]]))", RuntimeError, "only accept 1D vector as repeat"),
        ("torch.repeat_interleave(T(3))", RuntimeError, "only accept 1D vector as repeat"),
        ("torch.repeat_interleave(T([1, -1]))", RuntimeError, "be non-negative"),
        ("torch.repeat_interleave(T([1.0]))", NotImplementedError, "implemented for 'Float'"),
        ("torch.repeat_interleave(3)", TypeError, "must be Tensor, not int"),
        ("x.repeat_interleave(T([[2]]))", RuntimeError, "repeats must be 0-dim or 1-dim tensor"),
        ("x.repeat_interleave(T([True]))", NotImplementedError, "not implemented for 'Bool'"),
        ("x.repeat_interleave(2.0)", TypeError, "must be int, not float"),
        ("x.repeat_interleave(True)", TypeError, "must be int, not bool"),
        ("x.repeat_interleave(2, output_size=5)", RuntimeError, "allocated size does not match"),
    ],
)
def test_counts_that_are_none(x, call, kind, words):
    with pytest.raises(kind, match=words):
        eval(call, {"x": x, "T": T, "torch": torch})
