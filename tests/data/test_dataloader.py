"""DataLoader: batches, order, options that exclude each other, whole reads, gradients."""

import numpy as np
import pytest

from tinygrad_adam.backend import Generator, manual_seed
from tinygrad_adam.creation import from_numpy, tensor
from tinygrad_adam.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
)
from tinygrad_adam.tensor import Tensor


def numbered(size):
    i = np.arange(size)
    return TensorDataset(from_numpy(np.stack([i, i], 1).astype(np.float32)), from_numpy(i))


def labels(loader):
    return [label for _, batch in loader for label in batch.tolist()]


def test_batches_of_a_tensor_dataset():
    batches = list(DataLoader(numbered(5), batch_size=2))
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert all(type(batch) is list for batch in batches)
    assert [batch[0].tolist() for batch in batches] == [
        [[0, 0], [1, 1]],
        [[2, 2], [3, 3]],
        [[4, 4]],
    ]
    assert [batch[1].tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    assert batches[0][0].dtype == np.float32
    assert batches[0][1].dtype == np.int64


def test_the_fast_way_gives_what_the_slow_way_gives():
    dataset = TensorDataset(
        from_numpy(np.random.default_rng(0).random((50, 1, 4, 3)).astype(np.float32)),
        from_numpy(np.arange(50, dtype=np.int64)),
        from_numpy(np.arange(50) % 3 == 0),
    )
    samples = [dataset[i] for i in range(50)]
    fast = DataLoader(dataset, 7, shuffle=True, generator=Generator().manual_seed(1))
    slow = DataLoader(samples, 7, shuffle=True, generator=Generator().manual_seed(1))
    for a, b in zip(fast, slow, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x.numpy(), y.numpy())


def test_a_batch_is_a_copy():
    dataset = numbered(4)
    for inputs, _ in DataLoader(dataset, batch_size=4):
        inputs.numpy()[:] = -1
    assert dataset.tensors[0].tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]


@pytest.mark.parametrize(
    ("size", "drop_last", "batches"), [(6, 0, 2), (7, 0, 3), (7, 1, 2), (2, 1, 0)]
)
def test_length(size, drop_last, batches):
    loader = DataLoader(numbered(size), 3, drop_last=bool(drop_last))
    assert len(loader) == len(list(loader)) == batches


def test_shuffle_gives_each_sample_once_and_another_order_each_pass():
    manual_seed(0)
    loader = DataLoader(numbered(101), batch_size=10, shuffle=True)
    first, second = labels(loader), labels(loader)
    assert sorted(first) == sorted(second) == list(range(101))
    assert first != second
    manual_seed(0)
    again = DataLoader(numbered(101), batch_size=10, shuffle=True)
    assert [labels(again), labels(again)] == [first, second]
    for inputs, label in loader:
        assert inputs.numpy()[:, 0].tolist() == label.tolist()


def test_generator_decides_the_order():
    def order(seed):
        generator = Generator().manual_seed(seed)
        return labels(DataLoader(numbered(50), 8, True, generator=generator))

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_two_passes_at_the_same_time_do_not_disturb_each_other():
    loader = DataLoader(numbered(6), batch_size=2)
    pairs = list(zip(loader, loader, strict=True))
    assert [a[1].tolist() for a, _ in pairs] == [b[1].tolist() for _, b in pairs]


def test_sampler_and_batch_sampler():
    assert labels(DataLoader(numbered(9), 2, sampler=[8, 0, 4])) == [8, 0, 4]
    loader = DataLoader(numbered(9), batch_sampler=[[1], [5, 5, 2], (0,)])
    assert [batch[1].tolist() for batch in loader] == [[1], [5, 5, 2], [0]]
    assert len(loader) == 3
    assert loader.batch_size is None
    drawn = RandomSampler(range(9), replacement=True, num_samples=20, generator=Generator())
    assert len(labels(DataLoader(numbered(9), 4, sampler=drawn))) == 20


def test_no_batching():
    assert list(DataLoader([3, 4], batch_size=None)) == [3, 4]
    (first, *_) = DataLoader([np.arange(3)], batch_size=None)
    assert isinstance(first, Tensor)
    assert first.shape == (3,)
    assert len(DataLoader([3, 4], batch_size=None)) == 2


def test_collate_fn_gets_the_samples():
    seen = []
    assert list(DataLoader(range(5), 2, collate_fn=lambda s: seen.append(s) or sum(s))) == [1, 5, 4]
    assert seen == [[0, 1], [2, 3], [4]]
    samples = next(iter(DataLoader(numbered(4), 3, collate_fn=list)))
    assert [label.tolist() for _, label in samples] == [0, 1, 2]


def test_lists_of_tuples_and_strings_are_datasets():
    inputs, names = next(iter(DataLoader([(1, "a"), (2, "b")], batch_size=2)))
    assert inputs.tolist() == [1, 2]
    assert names == ("a", "b")


def test_an_augmenting_dataset_is_read_through_its_getitem():
    class Noisy(TensorDataset):
        def __getitem__(self, index):
            inputs, label = super().__getitem__(index)
            return from_numpy(inputs.numpy() + 100), label

    (inputs, _) = next(iter(DataLoader(Subset(Noisy(*numbered(3).tensors), [2]), batch_size=1)))
    assert inputs.tolist() == [[102, 102]]


def test_gradients_flow_into_the_samples():
    inputs = tensor([[1.0, 2.0], [2.0, 3.0], [5.0, 7.0]], requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(inputs), batch_sampler=[[2, 0, 0]]):
        (batch * batch).sum().backward()
    assert inputs.grad.tolist() == [[4.0, 8.0], [0.0, 0.0], [10.0, 14.0]]


def test_empty_dataset():
    assert list(DataLoader([])) == []
    with pytest.raises(ValueError, match="num_samples=0"):
        DataLoader([], shuffle=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"timeout": 2.5}, r"timeout option needs num_workers > 0, got timeout=2\.5"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiproc"),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context can only be used with mu"),
        ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"shuffle": True, "sampler": [0]}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
        ({"drop_last": 1}, "drop_last should be a boolean value"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(range(3), **options)


@pytest.mark.parametrize("dataset", [iter([1, 2]), {1, 2}, 3])
def test_what_is_no_dataset(dataset):
    with pytest.raises(TypeError, match=f"expected a dataset .* got a {type(dataset).__name__}"):
        DataLoader(dataset)


class Stream(IterableDataset):
    def __init__(self, size):
        self.size = size

    def __iter__(self):
        return iter(range(self.size))


@pytest.mark.parametrize("option", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_options_that_an_iterable_dataset_refuses(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"IterableDataset: expected unspecified {name} option"):
        DataLoader(Stream(3), **option)


def test_an_iterable_dataset():
    loader = DataLoader(Stream(5), 2, shuffle=False)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3], [4]]
    assert [batch.tolist() for batch in DataLoader(Stream(5), 2, drop_last=True)] == [
        [0, 1],
        [2, 3],
    ]
    assert list(DataLoader(Stream(2), None)) == [0, 1]
    assert list(DataLoader(Stream(0))) == []
    with pytest.raises(TypeError, match="has no len"):
        len(loader)


def test_an_iterator_that_begins_again_after_its_end_is_read_once():
    class Restless(IterableDataset):
        def __iter__(self):
            self.left = [1, 2, 3]
            return self

        def __next__(self):
            if not self.left:
                self.left = [7, 8, 9]
                raise StopIteration
            return self.left.pop(0)

    assert [batch.tolist() for batch in DataLoader(Restless(), 2)] == [[1, 2], [3]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_tensor_dataset_with_workers_is_read_a_batch_at_a_time_too(workers):
    loader = DataLoader(numbered(5), 2, num_workers=workers)
    assert labels(loader) == [0, 1, 2, 3, 4]
    for inputs, _ in loader:
        inputs += 1  # a batch is the caller's


def test_positional_options_are_pytorchs():
    samples = []
    generator = Generator()
    loader = DataLoader(
        range(5), 2, False, None, None, 0, samples.append, False, True, 0, None, None, generator
    )
    list(loader)
    assert samples == [[0, 1], [2, 3]]
    assert loader.generator is generator


DEFAULTS = {
    "batch_size": 1, "shuffle": None, "sampler": None, "batch_sampler": None, "num_workers": 0,
    "collate_fn": None, "pin_memory": False, "drop_last": False, "timeout": 0,
    "worker_init_fn": None, "multiprocessing_context": None, "generator": None,
    "prefetch_factor": None, "persistent_workers": False, "pin_memory_device": "", "in_order": True,
}  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_option_of_pytorch_is_accepted_at_its_default(name):
    value = DEFAULTS[name]
    for options in ({name: value}, DEFAULTS):
        loader = DataLoader([1, 2, 3], **options)
        assert [batch.tolist() for batch in loader] == [[1], [2], [3]]
        if name not in ("sampler", "batch_sampler", "collate_fn", "shuffle"):
            assert getattr(loader, name) == value


@pytest.mark.parametrize(
    "option", [{"worker_init_fn": pytest.fail}, {"in_order": False}, {"pin_memory": True}]
)
def test_options_that_change_nothing_without_workers(option):
    assert [batch.tolist() for batch in DataLoader([1, 2, 3], 2, **option)] == [[1, 2], [3]]


@pytest.mark.parametrize(
    "name", ["batch_size", "sampler", "batch_sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_attributes_that_would_have_no_effect_cannot_be_set(name):
    loader = DataLoader(range(3))
    with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader"):
        setattr(loader, name, 1)
    loader.note = "other attributes can"


def test_errors_of_a_dataset_pass_through():
    class Broken(Dataset):
        def __getitem__(self, index):
            raise KeyError("sample 2 is missing")

        def __len__(self):
            return 3

    with pytest.raises(KeyError, match="sample 2 is missing"):
        list(DataLoader(Broken(), 2))


def test_a_tensor_dataset_is_read_a_batch_at_a_time():
    class Counted(TensorDataset):
        reads = 0

        def __getbatch__(self, indices):
            type(self).reads += 1
            return super().__getbatch__(indices)

    tensors = from_numpy(np.zeros((10_000, 28, 28), np.float32)), from_numpy(np.arange(10_000))
    batches = DataLoader(Counted(*tensors), 64, shuffle=True)
    assert sum(len(label) for _, label in batches) == 10_000
    assert Counted.reads == 157
