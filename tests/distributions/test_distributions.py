"""Distributions beside PyTorch's stored numbers, their samples, their checks, their addresses."""

import math
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.distributions.cases import CASES, answers
from tinygrad_adam import distributions as D  # noqa: N812

STORED = goldens.load_arrays("distributions.npz")


@pytest.mark.parametrize("name", CASES)
def test_beside_pytorch(name):
    stored = {key: x for key, x in STORED.items() if key.startswith(name)}
    expected = {key.removeprefix(f"{name}, "): x for key, x in stored.items()}
    found = answers(torch, name)
    for question, arrays in expected.items():
        for key, array in arrays.items():
            ours = found[question].get(key, np.zeros(()))  # none is a gradient of zero
            # In these PyTorch computes log gamma in float32, or its second derivative roughly.
            rtol = 1e-6 if name.startswith(("Poisson", "Binomial", "Multinomial")) else 1e-9
            np.testing.assert_allclose(ours, array, rtol, 1e-12, err_msg=f"{question} {key}")
    assert set(found) - {"expand"} <= set(expected)


def make(name, requires_grad=False):
    build, parameters, _ = CASES[name]
    return build(D, *[torch.tensor(x, requires_grad=requires_grad) for x in parameters])


@pytest.mark.parametrize("name", [name for name in CASES if "(2,)" in name or "(" not in name])
def test_samples_have_the_moments(name):
    torch.manual_seed(0)
    d = make(name, requires_grad=True)
    x = d.sample((20_000,))
    assert not x.requires_grad
    assert x.shape == (20_000, *d.batch_shape, *d.event_shape)
    assert d.sample().shape == d.batch_shape + d.event_shape
    assert d.sample((2, 0)).shape == (2, 0, *d.batch_shape, *d.event_shape)
    assert d.support.check(x).all()
    if "Categorical" in name:
        assert x.dtype == torch.int64
        shares = np.stack([(x == k).double().mean(0).numpy() for k in range(5)], -1)
        np.testing.assert_allclose(shares, d.probs.detach().numpy(), atol=0.02)
        return
    assert x.dtype == torch.float64
    mean, deviation = d.mean.detach().numpy(), d.stddev.detach().numpy()
    error = deviation / math.sqrt(20_000)
    assert (abs(x.mean(0).numpy() - mean) < 5 * error).all()
    np.testing.assert_allclose(x.std(0).numpy(), deviation, rtol=0.1)


@pytest.mark.parametrize("name", [n for n in CASES if make(n).has_rsample and "(2,)" in n])
def test_rsample_has_gradients(name):
    build, parameters, _ = CASES[name]

    def draw(*arrays):
        torch.manual_seed(3)
        leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
        x = build(D, *leaves).rsample((2,))
        weights = torch.tensor(np.cos(np.arange(x.numel())).reshape(x.shape))
        return leaves, (x * weights).sum()

    leaves, total = draw(*parameters)
    total.backward()
    for i, leaf in enumerate(leaves):
        step = np.random.default_rng(i).normal(size=parameters[i].shape)
        if i == 1 and "Multi" in name:
            step = step + np.swapaxes(step, -1, -2) if "scale" not in name else np.tril(step)
        totals = [
            draw(*[x + h * step if j == i else x for j, x in enumerate(parameters)])[1].item()
            for h in (-1e-6, 1e-6)
        ]
        slope = (totals[1] - totals[0]) / 2e-6
        np.testing.assert_allclose((leaf.grad.numpy() * step).sum(), slope, rtol=1e-6, atol=1e-7)


def test_a_covariance_is_that_of_the_samples():
    torch.manual_seed(0)
    for way in ("covariance_matrix", "precision_matrix", "scale_tril"):
        d = make(f"MultivariateNormal (), {way}")
        found = np.cov(d.sample((50_000,)).numpy().T)
        np.testing.assert_allclose(found, d.covariance_matrix.numpy(), atol=0.2)
        product = d.covariance_matrix @ d.precision_matrix
        np.testing.assert_allclose(product.numpy(), np.eye(3), atol=1e-9)


def test_shapes_and_texts():
    normal = D.Normal(torch.zeros(3, 1), torch.ones(2))
    assert (normal.batch_shape, normal.event_shape) == (torch.Size([3, 2]), torch.Size([]))
    assert repr(normal) == "Normal(loc: torch.Size([3, 2]), scale: torch.Size([3, 2]))"
    assert repr(D.Normal(0, 1)) == "Normal(loc: 0.0, scale: 1.0)"
    assert D.Normal(0, 1).sample().dtype == torch.float32
    assert D.Normal(torch.tensor(0.0, dtype=torch.float64), 1).scale.dtype == torch.float64
    assert repr(D.Categorical(torch.ones(2, 3))) == "Categorical(probs: torch.Size([2, 3]))"
    assert repr(D.Categorical(logits=torch.ones(3)).support) == (
        "IntegerInterval(lower_bound=0, upper_bound=2)"
    )
    assert repr(D.Independent(D.Normal(torch.ones(2), 1), 1)) == (
        "Independent(Normal(loc: torch.Size([2]), scale: torch.Size([2])), 1)"
    )
    vectors = D.MultivariateNormal(torch.zeros(4, 1, 3), torch.eye(3).expand(2, 3, 3))
    assert (vectors.batch_shape, vectors.event_shape) == ((4, 2), (3,))
    assert vectors.expand((5, 4, 2)).rsample((6,)).shape == (6, 5, 4, 2, 3)
    assert D.Independent(normal, 1).expand((5, 3)).event_shape == (2,)
    assert D.Normal(0.0, 1.0).perplexity().item() == pytest.approx(4.1327314)


def test_at_the_edges():
    x = torch.tensor([0.0, 1.0])
    assert D.Bernoulli(x).log_prob(x).abs().max() < 1e-6
    assert D.Bernoulli(x).entropy().abs().max() < 2e-6
    assert D.Bernoulli(torch.tensor([0.5])).mode.isnan().all()
    assert D.Categorical(x).entropy().abs() < 2e-6
    assert D.Categorical(logits=torch.tensor([-math.inf, 0])).entropy() == 0
    assert D.Uniform(0.0, 1.0).log_prob(torch.tensor([0.0, 1.0])).tolist() == [0, -math.inf]
    assert D.Poisson(torch.tensor(0.0)).log_prob(torch.tensor(0.0)) == 0
    counts = torch.tensor([3.0, 0.0])
    certain = D.Multinomial(3, logits=torch.tensor([0.0, -math.inf]))
    assert certain.log_prob(counts) == 0
    assert certain.sample().tolist() == [3, 0]
    ends = D.Normal(0.0, 1.0).icdf(torch.tensor([0.0, 0.5, 1.0]))
    assert ends.tolist() == [-math.inf, 0, math.inf]


def test_divergences_that_are_infinite_or_zero():
    x, half = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 0.5])
    assert D.kl_divergence(D.Bernoulli(half), D.Bernoulli(x)).tolist() == [math.inf] * 2
    assert D.kl_divergence(D.Categorical(half), D.Categorical(x)) == math.inf
    assert D.kl_divergence(D.Categorical(x), D.Categorical(x)) == 0
    assert D.kl_divergence(D.Bernoulli(x), D.Bernoulli(x)).tolist() == [0, 0]
    found = D.kl_divergence(D.Categorical(x), D.Categorical(half))
    assert found.item() == pytest.approx(math.log(2))
    assert D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0)) == math.inf
    assert D.kl_divergence(D.Binomial(5, half), D.Binomial(4, half)).tolist() == [math.inf] * 2
    for name in ("Normal (2,)", "MultivariateNormal, one matrix", "Independent, 1"):
        assert D.kl_divergence(make(name), make(name)).abs().max() < 1e-12

    class Mine(D.Normal):
        pass

    @D.register_kl(Mine, D.Uniform)
    def _(p, q):
        return 7

    assert D.kl_divergence(Mine(0.0, 1.0), D.Uniform(0.0, 1.0)) == 7
    assert D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0)) == 0


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: D.Normal(torch.zeros(2), -1.0),
            ValueError,
            r"Expected parameter scale \(Tensor of shape \(2,\)\) of distribution Normal\(loc: "
            r"torch.Size\(\[2\]\), scale: torch.Size\(\[2\]\)\) to satisfy the constraint "
            r"GreaterThan\(lower_bound=0.0\), but found invalid values:\ntensor\(\[-1., -1.\]\)",
        ),
        (lambda: D.Normal("a", 1), ValueError, "Input arguments must all be instances of Number"),
        (lambda: D.Normal(0, 1).log_prob(1), ValueError, "argument to log_prob must be a Tensor"),
        (
            lambda: D.Normal(0.0, 1.0).log_prob(torch.tensor(math.nan)),
            ValueError,
            r"Expected value argument \(Tensor of shape \(\)\) to be within the support \(Real\(",
        ),
        (
            lambda: D.Normal(torch.ones(2), 1).log_prob(torch.ones(3)),
            ValueError,
            r"not broadcastable with batch_shape\+event_shape: torch.Size\(\[3\]\) vs torch.Size",
        ),
        (lambda: D.Uniform(1, 0), ValueError, r"constraint LessThan\(upper_bound=0.0\)"),
        (lambda: D.Bernoulli(), ValueError, "Either `probs` or `logits` must be specified"),
        (lambda: D.Bernoulli(0.3, 0.3), ValueError, "Either `probs` or `logits` must be spec"),
        (lambda: D.Bernoulli(1.5), ValueError, r"constraint Interval\(lower_bound=0.0, upper"),
        (lambda: D.Bernoulli(0.5).log_prob(torch.tensor(0.5)), ValueError, r"support \(Boolean\("),
        (lambda: D.Categorical(torch.tensor(1.0)), ValueError, "must be at least one-dimensional"),
        (lambda: D.Categorical(torch.tensor([-1.0, 2])), ValueError, r"constraint Simplex\(\)"),
        (
            lambda: D.Categorical(torch.ones(2)).log_prob(torch.tensor(2)),
            ValueError,
            r"support \(IntegerInterval\(lower_bound=0, upper_bound=1\)\)",
        ),
        (lambda: D.Categorical(torch.ones(2)).rsample(), NotImplementedError, "has no rsample"),
        (lambda: D.Binomial(-1, 0.5), ValueError, r"IntegerGreaterThan\(lower_bound=0\)"),
        (
            lambda: D.Binomial(torch.tensor([1.0, 2]), 0.5).entropy(),
            NotImplementedError,
            "Inhomogeneous total count not supported by `entropy`.",
        ),
        (lambda: D.Multinomial(torch.ones(1), torch.ones(2)), NotImplementedError, "inhomogeneous"),
        (lambda: D.Multinomial(3, torch.ones(2)).mode, NotImplementedError, "not implement mode"),
        (
            lambda: D.MultivariateNormal(torch.zeros(2), -torch.eye(2)),
            ValueError,
            r"constraint PositiveDefinite\(\), but found",
        ),
        (
            lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2, 2)),
            ValueError,
            r"constraint LowerCholesky\(\)",
        ),
        (
            lambda: D.MultivariateNormal(torch.zeros(2)),
            ValueError,
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.",
        ),
        (
            lambda: D.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.ones(3)),
            ValueError,
            r"right-most size of value must match event_shape: torch.Size\(\[3\]\) vs torch.Size",
        ),
        (
            lambda: D.Independent(D.Normal(0.0, 1.0), 1),
            ValueError,
            r"reinterpreted_batch_ndims <= len\(base_distribution.batch_shape\), actual 1 vs 0",
        ),
        (
            lambda: D.Independent(D.Bernoulli(torch.ones(2) / 2), 1).enumerate_support(),
            NotImplementedError,
            "Enumeration over cartesian product is not implemented",
        ),
        (
            lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0)),
            NotImplementedError,
            r"No KL\(p \|\| q\) is implemented for p type Normal and q type Poisson",
        ),
        (lambda: D.register_kl(int, D.Normal), TypeError, "Expected type_p to be a Distribution"),
    ],
)
def test_errors(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


def test_checks_can_be_left_out():
    d = D.Normal(0.0, -1.0, validate_args=False)
    assert d.log_prob(torch.tensor(math.nan)).isnan()
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
        with pytest.raises(ValueError, match="Expected parameter scale"):
            D.Normal(0.0, -1.0, validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_addresses_and_that_nothing_is_loaded_before():
    program = (
        "import sys, tinygrad_adam as torch\n"
        "assert 'tinygrad_adam.distributions' not in sys.modules\n"
        "D = torch.distributions\n"
        "from tinygrad_adam.distributions.categorical import Categorical\n"
        "from tinygrad_adam.distributions.multivariate_normal import MultivariateNormal\n"
        "import tinygrad_adam.distributions.normal\n"
        "assert D.normal.Normal is D.Normal and Categorical is D.categorical.Categorical\n"
        "assert D.kl.kl_divergence is D.kl_divergence\n"
        "try: torch.distribution\n"
        "except AttributeError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "module 'tinygrad_adam' has no attribute 'distribution'\n"


def test_a_policy_is_trained_by_its_samples():
    torch.manual_seed(0)
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(60):
        policy = D.Categorical(logits=logits)
        actions = policy.sample((20,))
        loss = -(policy.log_prob(actions) * (actions == 2)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert D.Categorical(logits=logits).probs[2] > 0.9
