"""Joining tensors, and grids."""

import pytest

import tinygrad_adam as torch


def test_a_grid_is_made_of_vectors_of_one_dtype():
    for nothing in ((), ([],), ((),)):
        with pytest.raises(RuntimeError, match="meshgrid expects a non-empty TensorList"):
            torch.meshgrid(*nothing)
    with pytest.raises(RuntimeError, match="meshgrid expects all tensors to have the same dtype"):
        torch.meshgrid(torch.tensor([1.0]), torch.tensor([1]), indexing="ij")
    rows, columns = torch.meshgrid(torch.arange(2), torch.tensor(5), indexing="ij")
    assert (rows.tolist(), columns.tolist()) == ([[0], [1]], [[5], [5]])
