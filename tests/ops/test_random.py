"""Random numbers: their distributions, exact bounds, dtypes, gradients, errors, and their state."""

import contextlib
import copy
import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.ops import random

COUNT = 100_000
FLOATS = ["float16", "float32", "float64"]


def many(dtype="float64"):
    torch.manual_seed(1)
    return torch.empty(COUNT, dtype=getattr(torch, dtype))


# What fills a tensor, and the mean and the standard deviation of its numbers.
MOMENTS = {
    "uniform_": (lambda x: x.uniform_(2, 5), 3.5, 3 / math.sqrt(12)),
    "normal_": (lambda x: x.normal_(-1, 2), -1, 2),
    "log_normal_": (lambda x: x.log_normal_(0, 0.5).log(), 0, 0.5),
    "exponential_": (lambda x: x.exponential_(4), 1 / 4, 1 / 4),
    "geometric_": (lambda x: x.geometric_(0.25), 4, math.sqrt(12)),
    "random_": (lambda x: x.random_(3, 8), 5, math.sqrt(2)),
    "bernoulli_": (lambda x: x.bernoulli_(0.2), 0.2, 0.4),
    "bernoulli_ by a tensor": (lambda x: x.bernoulli_(torch.tensor(0.2)), 0.2, 0.4),
    "bernoulli": (lambda x: torch.bernoulli(x.fill_(0.8)), 0.8, 0.4),
    "bernoulli of one p": (lambda x: x.bernoulli(0.2), 0.2, 0.4),
    "poisson": (lambda x: torch.poisson(x.fill_(6.25)), 6.25, 2.5),
    "normal by means": (lambda x: torch.normal(x.fill_(3), 2), 3, 2),
    "normal by deviations": (lambda x: torch.normal(3, x.fill_(2)), 3, 2),
    "normal by both": (lambda x: torch.normal(torch.ones(1, dtype=x.dtype), x.fill_(2)), 1, 2),
    "normal by size": (lambda x: torch.normal(3, 2, x.shape, dtype=x.dtype), 3, 2),
    # Not the mean, which a Cauchy distribution has not: 1 within one sigma of the median.
    "cauchy_": (lambda x: ((x.cauchy_(3, 2) - 3).abs() < 2).to(x.dtype), 0.5, 0.5),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_distributions_by_their_moments(name):
    draw, mean, deviation = MOMENTS[name]
    found = draw(many()).numpy()
    error = deviation / math.sqrt(COUNT)
    assert abs(found.mean() - mean) < 4 * error
    assert abs(found.std() - deviation) < 0.03 * deviation
    assert len(found) == COUNT


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", MOMENTS)
def test_they_keep_dtype_and_shape(name, dtype):
    x = torch.full((3, 1, 2), 0.5, dtype=getattr(torch, dtype))
    if "normal" not in name:
        assert MOMENTS[name][0](x).dtype == dtype
    assert MOMENTS[name][0](x).shape == (3, 1, 2)
    assert MOMENTS[name][0](x[:0]).shape == (0, 1, 2)


@pytest.mark.parametrize("dtype", FLOATS)
def test_exact_bounds(dtype):
    x = many(dtype)
    for low, high in ((0, 1), (1, 1 + 2 ** (-9)), (-3, -2), (2, 2)):
        x.uniform_(low, high)
        assert x.min() >= low
        assert x.max() < high or low == high
    assert torch.rand(COUNT, dtype=x.dtype).max() < 1
    assert x.random_(7).max() == 6
    assert x.min() == 0
    assert x.geometric_(0.9).min() == 1
    assert x.exponential_().min() >= 0
    most = 2 ** (np.finfo(dtype).nmant + 1)
    assert most * 0.99 < x.random_().max() <= most
    assert x.random_(2**14 - 8, 2**14 + 8).max() < 2**14 + 8


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "bool"])
def test_integers_of_every_size(dtype):
    x, most = many(dtype), 1 if dtype == "bool" else np.iinfo(dtype).max
    found = x.random_().numpy()
    assert found.min() <= most // 100
    assert found.max() >= most - most // 100
    assert set(x.random_(to=2).tolist()) == set(x.bernoulli_().tolist()) == {0, 1}
    if dtype.startswith("int"):
        least = np.iinfo(dtype).min
        assert x.random_(least, None).min() < least + most // 50
        assert x.geometric_(0.5).min() == 1


def test_complex_numbers():
    z = many("complex128").normal_(1, 2)
    assert abs(z.real.mean() - 1) < 0.03
    assert abs(z.real.std() - math.sqrt(2)) < 0.03
    assert abs(z.imag.std() - math.sqrt(2)) < 0.03
    z.uniform_(1, 2)
    assert 1 <= z.real.min() < z.imag.max() < 2
    assert torch.normal(z, torch.ones(1)).dtype == torch.complex128


def test_multinomial():
    torch.manual_seed(0)
    weights = torch.tensor([[1.0, 0.0, 3.0, 6.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]])
    for count in (1, 2, 50_000):
        drawn = torch.multinomial(weights, count, replacement=True)
        assert drawn.dtype == torch.int64
        assert drawn.shape == (2, count)
        assert set(drawn[1].tolist()) == {1}
    shares = np.bincount(drawn[0].numpy(), minlength=5) / count
    np.testing.assert_allclose(shares, [0.1, 0, 0.3, 0.6, 0], atol=0.01)
    first = torch.multinomial(weights[:1].expand(50_000, 5), 2)
    shares = np.bincount(first[:, 0].numpy(), minlength=5) / 50_000
    np.testing.assert_allclose(shares, [0.1, 0, 0.3, 0.6, 0], atol=0.01)
    second = first[first[:, 0] == 3][:, 1].numpy()  # of what is left
    np.testing.assert_allclose((second == 2).mean(), 3 / 4, atol=0.01)
    everything = torch.multinomial(weights[0], 5)
    assert sorted(everything.tolist()) == [0, 1, 2, 3, 4]
    assert set(everything[:3].tolist()) == {0, 2, 3}  # those of weight 0 come last
    assert torch.multinomial(torch.empty(0, 3), 2, True).shape == (0, 2)
    tiny = torch.tensor([1e-45, 0.0])
    assert torch.multinomial(tiny, 100, True).sum() == 0


@pytest.mark.parametrize("point", [0.0, 1 - 2**-53])
@pytest.mark.parametrize("count", [1, 5])
def test_multinomial_at_the_ends_of_the_line(monkeypatch, point, count):
    class Numbers:
        def random(self, shape):
            return np.full(shape, point)

    monkeypatch.setattr(random, "numbers_of", lambda generator: Numbers())
    weights = torch.tensor([[0.0, 0.1, 0.0], [0.0, 3e38, 0.0]])
    assert set(torch.multinomial(weights, count, True).ravel().tolist()) == {1}


def test_poisson_of_odd_rates():
    rates = torch.tensor([0.0, 1e30, math.inf, 1e17])
    found = torch.poisson(rates)
    assert found[:3].tolist() == rates[:3].tolist()
    assert abs(found[3] / 1e17 - 1) < 1e-5


def test_gradients_are_zero():
    x = torch.full((3,), 0.5, requires_grad=True)
    s = torch.ones(2, 1, requires_grad=True)
    for drawn in (torch.bernoulli(x), torch.poisson(x), torch.normal(x, s), torch.normal(1.0, s)):
        assert drawn.requires_grad
        gradients = torch.autograd.grad(
            (drawn * drawn).sum(), [x, s], create_graph=True, allow_unused=True
        )
        assert all(g is None or not g.any() for g in gradients)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in"):
        x.exponential_()
    y = x * 1
    y.normal_()
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [0, 0, 0]
    assert not torch.multinomial(x, 1).requires_grad


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda x: torch.normal(0.0, 1.0), TypeError, "normal.. received an invalid combination"),
        (lambda x: torch.normal(x, 1.0, (2,)), TypeError, "received an invalid combination"),
        (
            lambda x: torch.normal(x, -1),
            RuntimeError,
            "normal expects std >= 0.0, but found std -1",
        ),
        (lambda x: torch.normal(0.0, -x), RuntimeError, "expects all elements of std >= 0.0"),
        (
            lambda x: torch.normal(x, x + 0j),
            RuntimeError,
            "expects standard deviation to be non-com",
        ),
        (lambda x: torch.normal(x.long(), 1), NotImplementedError, "not implemented for 'Long'"),
        (
            lambda x: torch.normal(x, torch.ones(2)),
            RuntimeError,
            "The size of tensor a .3. must mat",
        ),
        (lambda x: torch.multinomial(x[0], 1), RuntimeError, "prob_dist must be 1 or 2 dim"),
        (
            lambda x: torch.multinomial(x.int(), 1),
            RuntimeError,
            "floating-point dtypes .* got: Int",
        ),
        (lambda x: torch.multinomial(x, 0), RuntimeError, "cannot sample n_sample <= 0 samples"),
        (lambda x: torch.multinomial(x, 4), RuntimeError, "n_sample > prob_dist.size.-1. samples"),
        (
            lambda x: torch.multinomial(-x, 1),
            RuntimeError,
            "contains either `inf`, `nan` or element",
        ),
        (
            lambda x: torch.multinomial(x / 0, 1),
            RuntimeError,
            "contains either `inf`, `nan` or elem",
        ),
        (lambda x: torch.multinomial(x * 0, 1), RuntimeError, "sum of probabilities <= 0"),
        (lambda x: torch.bernoulli(x * 2), RuntimeError, "Expected p_in >= 0 && p_in <= 1 to be"),
        (lambda x: torch.bernoulli(x * math.nan), RuntimeError, "Expected p_in >= 0 && p_in <= 1"),
        (
            lambda x: x.bernoulli(2),
            RuntimeError,
            "bernoulli_ expects p to be in .0, 1., but got p=2",
        ),
        (
            lambda x: torch.poisson(-x),
            RuntimeError,
            "invalid Poisson rate, expected rate to be non",
        ),
        (lambda x: x.uniform_(2, 1), RuntimeError, "expects to return a .* found from=2 > to=1"),
        (lambda x: x.uniform_(0, math.inf), RuntimeError, "to is out of bounds for float"),
        (lambda x: x.uniform_(-3e38, 3e38), RuntimeError, "uniform_ expects to-from <= std::"),
        (lambda x: x.exponential_(0), RuntimeError, "expects lambda > 0.0, but found lambda=0"),
        (
            lambda x: x.long().exponential_(),
            RuntimeError,
            "Exponential distribution is a continuous",
        ),
        (lambda x: x.geometric_(1), RuntimeError, r"expects p to be in \(0, 1\), but got p=1"),
        (lambda x: x.cauchy_(0, 0), RuntimeError, "cauchy_ expects sigma > 0.0, but found sigma=0"),
        (
            lambda x: x.int().cauchy_(),
            RuntimeError,
            "Cauchy .* floating point but you specified int",
        ),
        (lambda x: x.log_normal_(0, 0), RuntimeError, "expects std > 0.0, but found std=0"),
        (lambda x: x.random_(5, 5), RuntimeError, "'from' to be less than 'to', but got from=5"),
        (
            lambda x: x.byte().random_(300),
            RuntimeError,
            "to - 1 is out of bounds for unsigned char",
        ),
        (lambda x: x.random_(1, 2, 3), TypeError, "random_.. takes from 0 to 2"),
        (
            lambda x: torch.randperm(300, dtype=torch.uint8),
            RuntimeError,
            "type uint8_t without over",
        ),
        (
            lambda x: torch.randperm(3000, dtype=torch.half),
            RuntimeError,
            "greater than 2049 for Half",
        ),
        (
            lambda x: torch.Generator().manual_seed(1.5),
            RuntimeError,
            "expected a long, but got float",
        ),
        (lambda x: torch.manual_seed(2**64), ValueError, "Overflow when unpacking long long"),
        (lambda x: torch.set_rng_state(3), TypeError, "expected a torch.ByteTensor, but got int"),
        (lambda x: torch.set_rng_state(x), TypeError, "RNG state must be a torch.ByteTensor"),
        (lambda x: torch.set_rng_state(x.byte()), RuntimeError, "RNG state size to be 3"),
    ],
)
def test_errors(call, error, sentence):
    with pytest.raises(error, match=sentence), np.errstate(all="ignore"):
        call(torch.ones(3))


# --- generators ----------------------------------------------------------------------------------

DRAWS = {
    **{name: lambda g, n=name: getattr(torch.ones(2), n)(generator=g) for name in (
        "normal_", "uniform_", "bernoulli_", "random_", "exponential_", "cauchy_", "log_normal_")},
    "geometric_": lambda g: torch.ones(2).geometric_(0.1, generator=g),
    "bernoulli": lambda g: torch.bernoulli(torch.full((40,), 0.5), generator=g),
    "normal": lambda g: torch.normal(0.0, 1.0, (2,), generator=g),
    "normal by means": lambda g: torch.normal(torch.ones(2), generator=g),
    "multinomial": lambda g: torch.multinomial(torch.ones(100), 9, generator=g),
    "poisson": lambda g: torch.poisson(torch.full((9,), 50.0), generator=g),
    "rand": lambda g: torch.rand(2, generator=g),
    "rand_like": lambda g: torch.rand_like(torch.ones(2), generator=g),
    "randn_like": lambda g: torch.randn_like(torch.ones(2), generator=g),
    "randint_like": lambda g: torch.randint_like(torch.ones(9), 100, generator=g),
    "randperm": lambda g: torch.randperm(99, generator=g),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_a_generator_of_ones_own(name):
    draw = DRAWS[name]
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(-3)
    first, second = draw(generator), draw(generator)
    assert not torch.equal(first, second) or name == "bernoulli_"
    assert torch.equal(first, draw(generator.manual_seed(2**64 - 3)))
    assert torch.equal(before, torch.get_rng_state())


def test_states():
    generator = torch.Generator("cpu")
    assert generator.device == torch.device("cpu")
    assert generator.initial_seed() == 67280421310721
    torch.rand(3, generator=generator)
    torch.randint(2**31, (1,), dtype=torch.int32, generator=generator)
    state, clone = generator.get_state(), generator.clone_state()
    assert (state.dtype, state.ndim) == (torch.uint8, 1)
    expected = torch.randn(5, generator=generator).tolist()
    for other in (clone, torch.Generator().set_state(state), generator.set_state(state)):
        assert other.initial_seed() == 67280421310721
        assert torch.randn(5, generator=other).tolist() == expected
    generator.set_state(state)
    assert torch.randn(5, generator=copy.deepcopy(generator)).tolist() == expected
    assert torch.Generator().manual_seed(-1).initial_seed() == 2**64 - 1
    assert generator.seed() == generator.initial_seed() != generator.seed()


def test_the_default_generator():
    torch.manual_seed("7")
    assert torch.initial_seed() == torch.random.initial_seed() == 7
    state = torch.random.get_rng_state()
    expected = torch.rand(3).tolist()
    torch.set_rng_state(state)
    with torch.random.fork_rng(devices=[]):
        assert torch.rand(3).tolist() == expected
    assert torch.rand(3).tolist() == expected
    torch.set_rng_state(state)
    with torch.random.fork_rng(enabled=False):
        torch.rand(3)
    assert torch.rand(3).tolist() != expected
    assert torch.seed() == torch.default_generator.initial_seed() == torch.initial_seed()
    with contextlib.suppress(KeyError), torch.random.fork_rng():
        inside = torch.rand(3).tolist()
        raise KeyError
    assert torch.rand(3).tolist() == inside


def test_out_and_options_that_change_nothing():
    out = torch.empty(3, dtype=torch.float64)
    assert torch.rand(3, out=out) is out
    assert 0 < out[0] < 1
    assert torch.randperm(3, out=out).sum() == 3
    assert torch.normal(torch.ones(3), 0.0, out=out).tolist() == [1, 1, 1]
    indices = torch.empty(0, dtype=torch.int64)
    assert torch.multinomial(torch.ones(3), 2, out=indices).shape == indices.shape == (2,)
    torch.manual_seed(3)
    assert torch.rand(2, layout=None, pin_memory=False).shape == (2,)
    assert torch.randint_like(out, 5, 7, memory_format=None).dtype == torch.float64
    assert torch.randint_like(out, high=1).tolist() == [0, 0, 0]
