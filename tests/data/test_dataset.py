"""Datasets: what they hold, how they are cut and joined, and that their short cuts are exact."""

import numpy as np
import pytest

from tinygrad_adam.backend import Generator, manual_seed
from tinygrad_adam.creation import from_numpy
from tinygrad_adam.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_adam.data.dataset import read_batch, read_samples


def numbered(size, start=0):
    """A TensorDataset whose sample i is (row of [i, i], label -i)."""
    i = np.arange(start, start + size)
    return TensorDataset(from_numpy(np.stack([i, i], 1).astype(np.float32)), from_numpy(-i))


class Squares(Dataset):
    def __getitem__(self, index):
        if not 0 <= index < 5:
            raise IndexError(index)
        return index * index

    def __len__(self):
        return 5


def test_dataset_asks_for_getitem():
    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        Dataset()[0]
    with pytest.raises(TypeError):
        len(Dataset())


def test_dataset_can_be_subscripted_and_iterated():
    class Typed(Dataset[int]):
        def __getitem__(self, index):
            return [7, 8][index]

    assert list(Typed()) == [7, 8]


def test_tensor_dataset_gives_rows():
    dataset = numbered(4)
    inputs, label = dataset[3]
    assert isinstance(dataset[3], tuple)
    assert inputs.tolist() == [3, 3]
    assert label.tolist() == -3
    assert dataset[-1][1].tolist() == -3
    assert dataset[1:3][1].tolist() == [-1, -2]
    assert len(dataset) == 4
    with pytest.raises(IndexError):
        dataset[4]


def test_tensor_dataset_refuses_what_does_not_fit():
    three, four = from_numpy(np.zeros(3)), from_numpy(np.zeros((4, 2)))
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors\n.*\[3, 4\]"):
        TensorDataset(three, four)
    with pytest.raises(TypeError, match="argument 1 is a ndarray"):
        TensorDataset(three, np.zeros(3))
    with pytest.raises(IndexError, match="tensor has no dimensions"):
        TensorDataset(from_numpy(np.array(1.0)))
    with pytest.raises(TypeError, match="at least one tensor"):
        TensorDataset()


def test_subset_and_subset_of_subset():
    inner = Subset(numbered(10), [9, 7, 5, 3])
    outer = Subset(inner, [2, 0])
    assert (len(inner), len(outer)) == (4, 2)
    assert outer[0][1].tolist() == -5
    assert [label.tolist() for _, label in read_samples(outer, [1, 0])] == [-9, -5]
    assert read_batch(outer, [1, 0])[1].tolist() == [-9, -5]
    assert Subset([10, 20, 30], [2, 1])[0] == 30
    with pytest.raises(IndexError):
        outer[2]


def test_concat_dataset():
    both = numbered(3) + Squares() + numbered(2, start=100)
    assert isinstance(both, ConcatDataset)
    assert len(both) == 10
    assert both[2][1].tolist() == -2
    assert [both[i] for i in (3, 7)] == [0, 16]
    assert both[8][1].tolist() == both[-2][1].tolist() == -100
    with pytest.raises(IndexError, match="index 10 is out of bounds"):
        both[10]
    with pytest.raises(ValueError, match="absolute value of index should not exceed"):
        both[-11]
    with pytest.raises(AssertionError, match="should not be an empty iterable"):
        ConcatDataset([])


def test_concat_dataset_passes_over_empty_parts():
    both = ConcatDataset([[], [1], [], [2, 3]])
    assert [both[i] for i in range(3)] == [1, 2, 3]
    assert list(both) == [1, 2, 3]


class Stream(IterableDataset):
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


def test_chain_dataset():
    both = Stream(1, 2) + Stream() + Stream(3)
    assert isinstance(both, ChainDataset)
    assert list(both) == list(both) == [1, 2, 3]
    assert len(both) == 3
    for ask in (list, len):
        with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
            ask(ChainDataset([Stream(), [1]]))
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        ConcatDataset([[1], Stream()])


def test_stack_dataset():
    rows = StackDataset(Squares(), "abcde")
    assert rows[2] == (4, "c")
    assert rows.__getitems__([3, 0]) == [(9, "d"), (0, "a")]
    named = StackDataset(a=Subset([7, 8, 9], [2, 1]), b="xy")
    assert named[1] == {"a": 8, "b": "y"}
    assert named.__getitems__([1, 0]) == [{"a": 8, "b": "y"}, {"a": 9, "b": "x"}]
    assert (len(rows), len(named)) == (5, 2)


def test_stack_dataset_checks_what_it_gets():
    class Short(Squares):
        def __getitems__(self, indices):
            return [1]

    with pytest.raises(ValueError, match="At least one dataset should be passed"):
        StackDataset()
    with pytest.raises(ValueError, match="but both types are given"):
        StackDataset([1], a=[1])
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        StackDataset(a=[1], b=[])
    with pytest.raises(ValueError, match=r"size mismatch\. Expected 2, got 1"):
        StackDataset(Short()).__getitems__([1, 2])


def test_random_split_is_a_partition():
    parts = random_split(range(10), [3, 0, 7], generator=Generator().manual_seed(1))
    assert [len(part) for part in parts] == [3, 0, 7]
    assert sorted(i for part in parts for i in part) == list(range(10))
    assert [i for part in parts for i in part] != list(range(10))


@pytest.mark.parametrize(
    ("size", "fractions", "lengths"),
    [
        # Floors, and the rest one by one from the front: PyTorch's results.
        (10, [0.3, 0.3, 0.4], [3, 3, 4]),
        (10, [0.25, 0.25, 0.5], [3, 2, 5]),
        (7, [1 / 3, 1 / 3, 1 / 3], [3, 2, 2]),
        (11, [0.25, 0.25, 0.25, 0.25], [3, 3, 3, 2]),
        (5, [1.0], [5]),
        (1, [1], [1]),
    ],
)
def test_random_split_by_fractions(size, fractions, lengths):
    assert [len(part) for part in random_split(range(size), fractions)] == lengths


def test_random_split_is_reproducible():
    def order(generator=None):
        return [list(part) for part in random_split(range(50), [20, 30], generator=generator)]

    assert order(Generator().manual_seed(3)) == order(Generator().manual_seed(3))
    assert order(Generator().manual_seed(3)) != order(Generator().manual_seed(4))
    manual_seed(5)
    first = order()
    assert order() != first
    manual_seed(5)
    assert order() == first


@pytest.mark.parametrize("lengths", [[3, 3], [-1, 11], [0.2, 0.2], []])
def test_random_split_refuses_lengths_that_do_not_sum(lengths):
    with pytest.raises(ValueError, match="Sum of input lengths does not equal the length"):
        random_split(range(10), lengths)


def test_random_split_refuses_bad_fractions_and_warns_of_empty_parts():
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(range(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(2), [0.9, 0.1])


class Doubled(TensorDataset):
    """Changes __getitem__ alone, as an augmenting dataset does."""

    def __getitem__(self, index):
        inputs, label = super().__getitem__(index)
        return from_numpy(inputs.numpy() * 2), label


def test_short_cuts_are_not_taken_round_an_overridden_getitem():
    source = numbered(6)
    doubled = Doubled(*source.tensors)
    assert read_batch(doubled, [1, 4])[0].tolist() == [[2, 2], [8, 8]]
    assert read_batch(Subset(doubled, [4, 1]), [1, 0])[0].tolist() == [[2, 2], [8, 8]]

    class Reversed(Subset):
        def __getitem__(self, index):
            return super().__getitem__(len(self) - 1 - index)

    assert read_batch(Reversed(source, [0, 1, 2]), [0, 1])[1].tolist() == [-2, -1]
    assert read_samples(Reversed([1, 2, 3], [0, 1, 2]), [0]) == [3]


def test_getitems_is_used_where_a_dataset_has_it():
    class Batched(Dataset):
        def __getitem__(self, index):
            raise AssertionError("one by one")

        def __getitems__(self, indices):
            return [10 * i for i in indices]

    assert read_samples(Batched(), [1, 2]) == [10, 20]
    assert read_samples(Subset(Batched(), [5, 6]), [1, 0]) == [60, 50]
    assert read_batch(Subset(Batched(), [5, 6]), [1, 0]).tolist() == [60, 50]
