"""Samplers: which indices, in which order, and from which random numbers."""

import pytest

from tinygrad_adam.backend import Generator, default_generator, manual_seed
from tinygrad_adam.data import BatchSampler, RandomSampler, Sampler, SequentialSampler


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
