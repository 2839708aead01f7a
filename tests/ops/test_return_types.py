"""Named results print as PyTorch's do, and are what they are made of in pickles."""

import copy
import pickle

import pytest

import tinygrad_adam as torch

x = torch.tensor([[2.0, 0.0], [1.0, 4.0]])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: x.max(1), "max(\nvalues=tensor([2., 4.]),\nindices=tensor([0, 1]))"),
        (lambda: torch.cummin(x[0], 0),
         "cummin(\nvalues=tensor([2., 0.]),\nindices=tensor([0, 1]))"),
        (lambda: torch.aminmax(x), "aminmax(\nmin=tensor(0.),\nmax=tensor(4.))"),
        (lambda: torch.frexp(x[1, 1]),
         "frexp(\nmantissa=tensor(0.5000),\nexponent=tensor(3, dtype=torch.int32))"),
        (lambda: torch.linalg.slogdet(torch.eye(2)),
         "linalg_slogdet(\nsign=tensor(1.),\nlogabsdet=tensor(0.))"),
        (lambda: torch.histogram(x, 1, range=(0.0, 4.0)),
         "histogram(\nhist=tensor([4.]),\nbin_edges=tensor([0., 4.]))"),
    ],
)  # fmt: skip
def test_they_print_as_pytorchs(make, text):
    assert repr(make()) == f"torch.return_types.{text}"


def test_they_are_tuples_with_names():
    found = x.sort(1)
    values, indices = found
    assert found.values is values is found[0]
    assert isinstance(found, tuple)
    assert type(found) is type(torch.sort(x))
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert again.values.tolist() == values.tolist()
        assert again.indices.tolist() == indices.tolist()


def test_one_tensor_stays_one():
    assert repr(x.max()) == "tensor(4.)"
