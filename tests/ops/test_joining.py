"""Joining tensors with empty ones among them, and grids."""

import pytest

import tinygrad_adam as torch


@pytest.mark.parametrize("dim", [0, 1, -1, -2])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_empty_vector_joins_anything_and_has_a_gradient(dim, place):
    rest = [torch.ones(2, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)]
    nothing = torch.zeros(0, dtype=torch.float64, requires_grad=True)
    tensors = [*rest[:place], nothing, *rest[place:]]
    joined = torch.cat(tensors, dim)
    assert joined.shape == ((4, 3) if dim % 2 == 0 else (2, 6))
    assert joined.dtype == torch.float64
    joined.sum().backward()
    assert [x.grad.shape for x in tensors] == [x.shape for x in tensors]
    assert rest[0].grad.equal(torch.ones(2, 3))


def test_nothing_but_empty_vectors():
    x = torch.zeros(0, requires_grad=True)
    for dim in (0, 1, 5):
        joined = torch.cat([x, torch.zeros(0)], dim)
        assert joined.shape == (0,)
    joined.sum().backward()
    assert x.grad.shape == (0,)


def test_other_empty_tensors_must_fit():
    for wrong in (torch.zeros(0, 4), torch.zeros(0, 0), torch.zeros(1, 0)):
        with pytest.raises(RuntimeError, match="Sizes of tensors must match except in dimension 0"):
            torch.cat([torch.ones(2, 3), wrong])
    with pytest.raises(IndexError, match="Dimension out of range"):
        torch.cat([torch.zeros(0), torch.ones(2, 3)], 2)


def test_a_grid_is_made_of_vectors_of_one_dtype():
    for nothing in ((), ([],), ((),)):
        with pytest.raises(RuntimeError, match="meshgrid expects a non-empty TensorList"):
            torch.meshgrid(*nothing)
    with pytest.raises(RuntimeError, match="meshgrid expects all tensors to have the same dtype"):
        torch.meshgrid(torch.tensor([1.0]), torch.tensor([1]), indexing="ij")
    rows, columns = torch.meshgrid(torch.arange(2), torch.tensor(5), indexing="ij")
    assert (rows.tolist(), columns.tolist()) == ([[0], [1]], [[5], [5]])
