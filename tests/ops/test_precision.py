"""Long sums keep their digits, in float16 and in float32: the oracle is the same in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_adam as torch
from tinygrad_adam.backend import sums
from tinygrad_adam.nn import functional as F  # noqa: N812 (everybody's name for it)

REDUCTIONS = {
    "sum": lambda x, dim: x.sum(dim),
    "mean": lambda x, dim: x.mean(dim),
    "var": lambda x, dim: x.var(dim),
    "std": lambda x, dim: x.std(dim),
    "norm": lambda x, dim: (x * 100).norm(dim=dim),
    "norm of order 3": lambda x, dim: x.norm(p=3, dim=dim),
    "logsumexp": lambda x, dim: x.logsumexp(dim),
    "softmax": lambda x, dim: x.softmax(dim),
    "log_softmax": lambda x, dim: x.log_softmax(dim),
    "cumsum": lambda x, dim: x.cumsum(dim),
}
OTHERS = {
    "broadcast": lambda x: x + x[:1],
    "linear": lambda x: F.linear(x, x[:3], x[0, :3]),
    "layer norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "cross entropy": lambda x: F.cross_entropy(x, torch.zeros(len(x), dtype=torch.int64)),
    "mean square": lambda x: F.mse_loss(x * 256, x.flip(0)),
    "adaptive pooling": lambda x: F.adaptive_avg_pool2d(x.reshape(1, 1, *x.shape), (1, 2)),
    "gather": lambda x: x.gather(0, torch.zeros(*x.shape, dtype=torch.int64)),
    "embedding": lambda x: F.embedding(torch.zeros(len(x), dtype=torch.int64), x),
    "by a large number": lambda x: x / 2 * 70_000 + 70_000 / (x + 4),
}


def value_and_gradient(function, x, dtype):
    x = torch.from_numpy(x).to(dtype).requires_grad_()
    y = function(x)
    y.backward(torch.from_numpy(np.resize([0.25, 0.75, 0.5], y.shape)).to(dtype))
    return y.detach().to(torch.float64).numpy(), x.grad.to(torch.float64).numpy()


def check_against_float64(function, x):
    exact = value_and_gradient(function, x, torch.float64)
    found = value_and_gradient(function, x, torch.float16)
    # Gradients are made of several results, each of them rounded.
    for a, b, tolerance in zip(found, exact, (2e-3, 1e-2)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())


def numbers(*shape):
    """Numbers that float16 holds exactly, so that only the sums can be rounded."""
    x = np.random.default_rng(0).integers(1, 256, shape) / 256
    return x.astype(np.float64)


@pytest.mark.parametrize("shape", [(5000, 4), (4, 5000), (300, 40)], ids=str)
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_of_float16(name, dim, shape):
    check_against_float64(lambda x: REDUCTIONS[name](x, dim), numbers(*shape))


@pytest.mark.parametrize("name", OTHERS)
def test_sums_inside_other_operations_in_float16(name):
    check_against_float64(OTHERS[name], numbers(5000, 4))


@pytest.mark.parametrize(("p", "norm"), [(2.0, 3162.0), (3.0, 1000.0), (float("inf"), 100.0)])
def test_gradients_whose_squares_float16_cannot_hold_are_clipped(p, norm):
    x = torch.zeros(1000, dtype=torch.float16, requires_grad=True)
    x.grad = torch.full((1000,), 100.0, dtype=torch.float16)
    total = torch.nn.utils.clip_grad_norm_([x], 1.0, norm_type=p)
    assert (total.dtype, total.item()) == (np.float16, norm)  # PyTorch's
    assert x.grad[0].item() == pytest.approx(100 / norm, rel=1e-3)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_of_float16_where_its_terms_cancel(approximate):
    x = np.linspace(-3.5, 3.5, 113)
    exact = F.gelu(torch.from_numpy(x), approximate=approximate).numpy()
    found = F.gelu(torch.from_numpy(x).half(), approximate=approximate).numpy()
    np.testing.assert_allclose(found, exact, rtol=1e-3)


def test_means_whose_sum_float16_cannot_hold():
    x = torch.full((70_000,), 2.0, dtype=torch.float16, requires_grad=True)
    for mean in (torch.mean, torch.nanmean):
        x.grad = None
        y = mean(x)
        y.backward()
        assert (y.dtype, y.item()) == (np.float16, 2.0)
        assert x.grad[0].item() == pytest.approx(1 / 70_000, rel=1e-2)  # a subnormal number
    scores = torch.zeros(70_000, 2, dtype=torch.float16)
    labels = torch.zeros(70_000, dtype=torch.int64)
    assert F.cross_entropy(scores, labels).item() == pytest.approx(np.log(2), rel=1e-3)
    assert F.nll_loss(scores - 1, labels).item() == 1.0


@pytest.mark.parametrize("name", ["sum", "mean", "var", "norm", "cumsum"])
def test_sums_over_rows_of_float32(name):
    x = numbers(300_000, 3).astype(np.float32) * np.float32(1 / 3)
    exact = REDUCTIONS[name](torch.from_numpy(x.astype(np.float64)), 0).numpy()
    found = REDUCTIONS[name](torch.from_numpy(x), 0).numpy()
    np.testing.assert_allclose(found, exact, rtol=1e-6)


def test_means_of_large_planes_of_float32():
    x = numbers(300_000, 3).astype(np.float32) * np.float32(1 / 3)
    found = F.adaptive_avg_pool2d(torch.from_numpy(x[None]), (1, 3)).numpy()
    np.testing.assert_allclose(found[0, 0], x.astype(np.float64).mean(0), rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple),
    chosen=st.integers(0, 15),
    order=st.permutations(range(4)),
    step=st.sampled_from([1, -1, 2]),
    keepdims=st.booleans(),
)
def test_sums_in_blocks_equal_numpys(shape, chosen, order, step, keepdims):
    axes = tuple(axis for axis in range(len(shape)) if chosen >> axis & 1)
    x = np.random.default_rng(1).integers(-9, 10, shape).astype(np.float32)
    x = x.transpose([axis for axis in order if axis < len(shape)])[::step]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "BLOCK", 2)
        patch.setattr(sums, "LEAST", 0)
        for axis in (axes, None, -1):
            found = sums.total(x, axis, keepdims)
            assert found.dtype == x.dtype
            np.testing.assert_array_equal(found, x.sum(axis=axis, keepdims=keepdims))
            found = sums.total(x.astype(np.float16), axis, keepdims)
            assert found.dtype == np.float16
            np.testing.assert_array_equal(found, x.sum(axis=axis, keepdims=keepdims))
