"""Samplers: which indices, in which order, and from which random numbers."""

import collections
import itertools

import pytest

import tinygrad_adam as torch
from tinygrad_adam.backend import Generator, default_generator, manual_seed
from tinygrad_adam.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def test_sampler_asks_for_iter():
    with pytest.raises(NotImplementedError):
        iter(Sampler())
    assert Sampler[int] is not None


def test_sequential_sampler():
    sampler = SequentialSampler("abc")
    assert list(sampler) == list(sampler) == [0, 1, 2]
    assert len(sampler) == 3


def test_random_sampler_permutes_anew_each_time():
    manual_seed(0)
    sampler = RandomSampler(range(100))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert all(type(index) is int for index in first)
    manual_seed(0)
    assert list(RandomSampler(range(100))) == first


def test_random_sampler_takes_its_own_generator_only():
    manual_seed(0)
    untouched = default_generator.get_state().tolist()
    sampler = RandomSampler(range(100), generator=Generator().manual_seed(7))
    first = list(sampler)
    assert default_generator.get_state().tolist() == untouched
    assert list(sampler) != first
    assert list(RandomSampler(range(100), generator=Generator().manual_seed(7))) == first


@pytest.mark.parametrize("replacement", [False, True])
def test_what_else_is_drawn_meanwhile_does_not_change_the_order(replacement):
    def order(draws):
        manual_seed(0)
        indices = []
        for index in RandomSampler(range(70), replacement, num_samples=200):
            indices.append(index)
            default_generator.numpy.random(draws)
        return indices

    assert order(0) == order(3)


def test_random_sampler_without_replacement_beyond_the_length():
    indices = list(RandomSampler(range(4), num_samples=10, generator=Generator()))
    assert len(indices) == 10
    assert sorted(indices[:4]) == sorted(indices[4:8]) == [0, 1, 2, 3]
    assert len(set(indices[8:])) == 2


def test_random_sampler_with_replacement():
    sampler = RandomSampler(range(10), replacement=True, num_samples=1000, generator=Generator())
    indices = list(sampler)
    assert len(sampler) == len(indices) == 1000
    assert set(indices) == set(range(10))
    assert sorted(indices[:10]) != list(range(10))


def test_random_sampler_follows_a_growing_source():
    source = [0, 1]
    sampler = RandomSampler(source)
    source.append(2)
    assert len(sampler) == 3
    assert sorted(sampler) == [0, 1, 2]


def test_random_sampler_checks_its_options():
    with pytest.raises(ValueError, match=r"num_samples should be a positive .* num_samples=0"):
        RandomSampler([])
    with pytest.raises(ValueError, match="num_samples=-1"):
        RandomSampler([1], num_samples=-1)
    with pytest.raises(ValueError, match=r"num_samples=2.5"):
        RandomSampler([1], num_samples=2.5)
    with pytest.raises(TypeError, match="replacement should be a boolean value"):
        RandomSampler([1], replacement=1)


def test_random_sampler_is_lazy():
    """Of 10**10 samples only those are drawn that are taken."""
    for sampler in (
        RandomSampler(range(10**10)),
        RandomSampler(range(10**10), replacement=True),
        RandomSampler(range(3), num_samples=10**10),
    ):
        indices = list(itertools.islice(sampler, 3000))
        assert len(indices) == 3000
        assert max(indices) < len(sampler.data_source)
    assert len(set(itertools.islice(RandomSampler(range(10**10)), 3000))) == 3000


def test_a_lazy_permutation_is_one_and_all_are_equally_likely(monkeypatch):
    monkeypatch.setattr(torch.data.sampler, "_AT_ONCE", 0)
    generator = Generator().manual_seed(2)
    assert sorted(RandomSampler(range(5000), generator=generator)) == list(range(5000))
    counts = collections.Counter(
        tuple(RandomSampler(range(3), generator=generator)) for _ in range(1200)
    )
    assert len(counts) == 6
    assert max(counts.values()) < 1.35 * 200


def test_random_sampler_of_nothing_ends():
    with pytest.raises(ValueError, match="must not be zero"):
        list(RandomSampler([], num_samples=2))


def test_subset_random_sampler():
    sampler = SubsetRandomSampler(range(100, 200), generator=Generator().manual_seed(3))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(100, 200))
    assert first != second
    assert len(sampler) == 100
    assert sorted(SubsetRandomSampler("abc")) == ["a", "b", "c"]


def test_weighted_random_sampler_draws_in_proportion():
    generator = Generator().manual_seed(4)
    weights = [0, 1, 0.5, 2.5, 0]
    drawn = list(WeightedRandomSampler(weights, 8000, generator=generator))
    shares = [drawn.count(index) / 8000 for index in range(5)]
    assert shares[0] == shares[4] == 0
    assert shares[1:4] == pytest.approx([0.25, 0.125, 0.625], abs=0.02)
    # Without replacement, the first is drawn so too; the next from those that are left.
    pairs = [
        tuple(WeightedRandomSampler(torch.tensor(weights), 2, False, generator))
        for _ in range(2000)
    ]
    firsts, seconds = zip(*pairs, strict=True)
    assert [firsts.count(i) / 2000 for i in (1, 2, 3)] == pytest.approx(shares[1:4], abs=0.04)
    wanted = 0.25 * 0.5 / 3 + 0.625 * 0.5 / 1.5
    assert seconds.count(2) / 2000 == pytest.approx(wanted, abs=0.04)
    assert all(a != b for a, b in pairs)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2], 0), ValueError, "num_samples should be a positive integer value"),
        (([1, 2], True), ValueError, "num_samples should be a positive integer value"),
        (([1, 2], 1, 1), ValueError, "replacement should be a boolean value"),
        (([[1, 2]], 1), ValueError, r"weights have shape \(1, 2\)"),
        (([1, -2], 1), RuntimeError, "probability tensor contains either"),
        (([1, float("nan")], 1), RuntimeError, "probability tensor contains either"),
        (([0, 0], 1), RuntimeError, "sum of probabilities <= 0"),
        (([1, 2], 3, False), RuntimeError, "cannot sample n_sample > prob_dist.size"),
    ],
)
def test_weighted_random_sampler_checks_its_options(arguments, error, message):
    with pytest.raises(error, match=message):
        list(WeightedRandomSampler(*arguments))


def test_batch_sampler():
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert list(BatchSampler(range(4), 2, False)) == [[0, 1], [2, 3]]
    assert list(BatchSampler([], 2, False)) == []
    assert list(BatchSampler(iter("abc"), 2, False)) == [["a", "b"], ["c"]]
    assert [len(BatchSampler(range(n), 2, False)) for n in (0, 4, 5)] == [0, 2, 3]
    assert [len(BatchSampler(range(n), 2, True)) for n in (0, 4, 5)] == [0, 2, 2]


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, None])
def test_batch_sampler_checks_the_batch_size(batch_size):
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        BatchSampler(range(3), batch_size, False)


def test_batch_sampler_checks_drop_last():
    with pytest.raises(ValueError, match="drop_last should be a boolean value"):
        BatchSampler(range(3), 1, 1)


def test_a_generator_goes_on_from_a_state_before_and_after_its_first_number():
    first, other = Generator().manual_seed(5), Generator()
    for _ in range(2):
        other.set_state(first.get_state())
        assert other.initial_seed() == 5
        assert other.numpy.random(4).tolist() == first.numpy.random(4).tolist()
