"""In which order equal elements come."""

import pytest

import tinygrad_adam as torch


@pytest.mark.parametrize("name", ["sort", "argsort"])
@pytest.mark.parametrize(
    ("descending", "order"), [(False, [1, 4, 0, 2, 5, 3]), (True, [3, 0, 2, 5, 1, 4])]
)
def test_equal_elements_keep_their_order(name, descending, order):
    x = torch.tensor([2.0, 1.0, 2.0, 3.0, 1.0, 2.0])
    for stacked, dim in ((x, 0), (x[None], 1), (x[:, None].expand(6, 2), 0)):
        found = getattr(torch, name)(stacked, dim=dim, descending=descending, stable=True)
        found = found if name == "argsort" else found.indices
        found = found.movedim(dim, -1).reshape(-1, 6)
        assert found.tolist() == [order] * len(found)


def test_the_largest_and_smallest_of_equal_elements_are_the_first():
    x = torch.tensor([[2.0, 1.0, 2.0, 1.0]])
    assert (x.max(1).indices.item(), x.min(1).indices.item()) == (0, 1)
    assert (x.argmax().item(), x.argmin(1).item()) == (0, 1)
