"""Every row of the table of operations: against PyTorch, NumPy and finite differences."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import fake_cupy, goldens
from tests.ops.table import ROWS
from tinygrad_adam.autograd import gradcheck, gradgradcheck

STORED = goldens.load_arrays("operations.npz")

# Some rows transpose tensors of three dimensions, and of none.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The use of `x.T` on tensors of dimension other", "ignore:Tensor.T is deprecated"
)

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
# Finite differences say nothing of integers, and of a single step at a kink.
smooth_rows = pytest.mark.parametrize(
    "row",
    [
        row
        for row in ROWS
        if row.smooth and any("whole" not in x and "mask" not in x for x in row.inputs)
    ],
    ids=lambda row: row.name,
)


def tensors(row, device, dtype=np.float64, lay_out=lambda array: array):
    """Return the inputs of a row as leaves that require grad, and as the row gets to see them."""
    leaves = {}
    for name, array in row.arrays().items():
        if array.dtype.kind == "f":
            array = array.astype(dtype)
        leaf = torch.tensor(lay_out(array), device=device)
        leaves[name] = leaf.requires_grad_(array.dtype.kind == "f")
    return leaves


def gradients_of(row, outputs, leaves, device, create_graph=False):
    """Return the gradients of a row's inputs for the gradients of its results that are stored."""
    leaves = [x for x in leaves if x.requires_grad]
    weights = row.output_gradients([y.shape for y in outputs])
    pairs = [
        (y, torch.tensor(np.asarray(g), dtype=y.dtype, device=device))
        for y, g in zip(outputs, weights)
        if y.requires_grad
    ]
    if not pairs:
        return [None] * len(leaves)
    ys, gs = zip(*pairs)
    return torch.autograd.grad(ys, leaves, gs, create_graph=create_graph, allow_unused=True)


def stored(row, letter, count):
    """Return what PyTorch gave for a row: results ("y") or gradients ("g"), None if nothing."""
    return [STORED[row.name].get(f"{letter}{i}") for i in range(count)]


def compare(row, outputs, gradients, rtol, atol):
    for y, wanted in zip(outputs, stored(row, "y", len(outputs))):
        assert y.shape == wanted.shape
        single = y.dtype == np.float32
        tolerances = (2e-4, 2e-5) if single else (rtol, atol)
        np.testing.assert_allclose(y.numpy(force=True), wanted, *tolerances)
    for g, wanted in zip(gradients, stored(row, "g", len(gradients))):
        if wanted is not None:
            found = np.zeros(wanted.shape) if g is None else g.numpy(force=True)
            np.testing.assert_allclose(found, wanted, rtol, atol)
        elif g is not None:
            assert not g.numpy(force=True).any()


def test_the_stored_numbers_belong_to_the_table():
    assert list(STORED) == [row.name for row in ROWS]


def agrees_in_float64(row, device):
    leaves = tensors(row, device)
    outputs = row.run(torch, leaves)
    compare(row, outputs, gradients_of(row, outputs, leaves.values(), device), 1e-7, 1e-9)
    for y, wanted in zip(outputs, stored(row, "y", len(outputs))):
        assert y.dtype == wanted.dtype


def agrees_in_float32_and_stays_there(row, device):
    leaves = tensors(row, device, np.float32)
    outputs = row.run(torch, leaves)
    gradients = gradients_of(row, outputs, leaves.values(), device)
    compare(row, outputs, gradients, 2e-4, 2e-5)
    if "dtype=" not in row.expression.replace("dtype=a.dtype", ""):
        assert all(y.dtype != np.float64 for y in outputs)
    assert all(g is None or g.dtype == np.float32 for g in gradients)


def agrees_in_another_layout(row, device):
    """Every second element of a transposed array."""
    strided = tensors(
        row, device, lay_out=lambda array: np.repeat(array.T, 2, -1) if array.ndim else array
    )
    views = {
        name: x[..., ::2].permute(tuple(range(x.ndim))[::-1]) if x.ndim else x
        for name, x in strided.items()
    }
    outputs = row.run(torch, views)
    compare(row, outputs, gradients_of(row, outputs, views.values(), device), 1e-7, 1e-9)


def agrees_with_the_closed_form(row, device):
    with np.errstate(all="ignore"):
        wanted = eval(row.closed_form, {"np": np}, row.arrays())
    (found,) = row.run(torch, tensors(row, device))
    np.testing.assert_allclose(found.numpy(force=True), wanted, 1e-7, 1e-9)


@every_row
def test_a_recorded_walk_gives_the_same_as_one_of_arrays(row, device):
    leaves = tensors(row, device, np.float32)
    outputs = row.run(torch, leaves)
    recorded = gradients_of(row, outputs, leaves.values(), device, create_graph=True)
    plain = gradients_of(row, outputs, leaves.values(), device)
    for a, b in zip(recorded, plain):
        if b is None:
            assert a is None
        else:
            assert (type(b), b.requires_grad) == (torch.Tensor, False)
            np.testing.assert_array_equal(a.numpy(force=True), b.numpy(force=True))


@every_row
def test_values_and_gradients_are_pytorchs(row, device):
    agrees_in_float64(row, device)
    agrees_in_float32_and_stays_there(row, device)
    # Whether a view can be had, and what reshape() hands out, does depend on the layout.
    if ".view(" not in row.expression and "u = y" not in row.expression:
        agrees_in_another_layout(row, device)
    if row.closed_form:
        agrees_with_the_closed_form(row, device)


def _function(row):
    """Return a row as a function of its floating-point inputs, and these inputs."""
    leaves = tensors(row, "cpu")
    names = [name for name, x in leaves.items() if x.requires_grad]

    differentiable = [i for i, y in enumerate(row.run(torch, leaves)) if y.requires_grad]

    def function(*inputs):
        outputs = row.run(torch, {**leaves, **dict(zip(names, inputs))})
        return tuple([outputs[i] for i in differentiable])

    return (function if differentiable else None), [leaves[name] for name in names]


@smooth_rows
def test_gradients_and_theirs_are_those_of_finite_differences(row):
    function, inputs = _function(row)
    if function is not None:
        # Along random directions: every element of every operation is tools.gradcheck's matter.
        assert gradcheck(function, inputs, eps=1e-6, atol=1e-6, rtol=1e-5, fast_mode=True)
        assert gradgradcheck(function, inputs, eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=True)


def test_a_pretended_gpu_gives_the_same(monkeypatch):
    """NumPy must not touch a device array anywhere, forward or backward."""
    fake_cupy.install(monkeypatch)
    # Rows that make tensors would have to be told the device; and CuPy's diagonals and parts of
    # complex numbers can be written to, but the pretended one's cannot.
    elsewhere = ("torch.tensor(", "torch.zeros(", "diagonal().add_", "torch.complex(")
    failed = []
    for row in ROWS:
        if any(text in row.expression for text in elsewhere):
            continue
        try:
            leaves = tensors(row, "cuda")
            outputs = row.run(torch, leaves)
            compare(row, outputs, gradients_of(row, outputs, leaves.values(), "cuda"), 1e-7, 1e-9)
        except Exception as error:
            failed.append(f"{row.name}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)
