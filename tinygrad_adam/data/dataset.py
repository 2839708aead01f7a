"""Data sets: what a DataLoader reads samples from, and ways to cut and join them.

Source: PyTorch, ``torch.utils.data``.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from operator import index as as_int
from typing import Any, Generic, Protocol, TypeVar

from tinygrad_adam.backend import Generator
from tinygrad_adam.creation import randperm
from tinygrad_adam.data.collate import default_collate
from tinygrad_adam.tensor import Tensor

Sample = TypeVar("Sample", covariant=True)
S = TypeVar("S")


class Samples(Protocol[Sample]):
    """What samples can be read from by number: a Dataset, a list, an array."""

    def __getitem__(self, index: int, /) -> Sample: ...


class Dataset(Generic[Sample]):
    """A collection of samples: subclasses define ``__getitem__(index)`` and ``__len__()``.

    Two methods are optional. They spare the DataLoader one call for each sample:

    - ``__getitems__(indices)`` returns the list of samples at a list of indices.
    - ``__getbatch__(indices)`` returns the finished batch, as ``default_collate`` would make it.

    A subclass that overrides ``__getitem__`` alone is read through it: what it inherits of the two
    would not know of its change, and is passed over.

    Source: PyTorch, ``torch.utils.data.Dataset`` (``__getbatch__`` is ours).
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    # No __len__ here: where a subclass has none, len() then raises TypeError, as Python expects.

    def __add__(self: Samples[S], other: Samples[S]) -> ConcatDataset[S]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample], Iterable[Sample]):
    """Samples that come one after the other: subclasses define ``__iter__()``.

    With workers, each iterates over a copy of its own: ``get_worker_info()`` in ``__iter__``, or a
    ``worker_init_fn``, gives each its part; otherwise all samples come from each.

    Source: PyTorch, ``torch.utils.data.IterableDataset``.
    """

    def __add__(self, other: Any) -> ChainDataset[Any]:  # type: ignore[override]
        return ChainDataset([self, other])


def read_samples(dataset: Any, indices: Iterable[Any]) -> list[Any]:
    """Return the samples at ``indices``, read with ``__getitems__`` where the dataset has it."""
    if _applies(dataset, "__getitems__"):
        samples: list[Any] = dataset.__getitems__(indices)
        return samples
    return [dataset[index] for index in indices]


def read_batch(dataset: Any, indices: Iterable[Any]) -> Any:
    """Return ``default_collate`` of the samples at ``indices``, the quickest way there is."""
    if _applies(dataset, "__getbatch__"):
        return dataset.__getbatch__(indices)
    return default_collate(read_samples(dataset, indices))


def _applies(dataset: Any, method: str) -> bool:
    """Return whether ``method`` is defined, and knows of the ``__getitem__`` that is in force."""
    for cls in type(dataset).__mro__:
        if method in vars(cls):
            return True
        if "__getitem__" in vars(cls):
            return False
    return False


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors side by side: sample i is the tuple of the i-th row of each.

    Args:
        *tensors: tensors whose first dimension, the number of samples, is the same.

    Raises:
        AssertionError: the first dimensions differ.
        TypeError: an argument is no Tensor.
        IndexError: a tensor has no dimensions.

    Source: PyTorch, ``torch.utils.data.TensorDataset``.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise TypeError("TensorDataset expected at least one tensor, got none")
        for position, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"TensorDataset expected tensors, but argument {position} is a "
                    f"{type(tensor).__name__}\n  Make a tensor of it with from_numpy or tensor."
                )
            if tensor.dim() == 0:
                raise IndexError(
                    "Dimension specified as 0 but tensor has no dimensions\n"
                    f"  TensorDataset: argument {position} is 0-d, the samples lie along dim 0."
                )
        sizes = [len(tensor) for tensor in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(
                "Size mismatch between tensors\n"
                f"  TensorDataset: the first dimensions are {sizes} and must be the same."
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getbatch__(self, indices: Iterable[Any]) -> list[Tensor]:
        """Return the rows at ``indices`` of each tensor: one copy, not one for each sample."""
        rows = [as_int(index) for index in indices]
        return [tensor[rows] for tensor in self.tensors]

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset[Sample]):
    """The samples of another dataset at the given indices.

    Args:
        dataset: anything with ``__getitem__``.
        indices: a sequence of its indices.

    Source: PyTorch, ``torch.utils.data.Subset``.
    """

    dataset: Any

    def __init__(self, dataset: Samples[Sample], indices: Sequence[Any]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Sample:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Iterable[Any]) -> list[Any]:
        """Return the samples at a list of indices."""
        return read_samples(self.dataset, [self.indices[index] for index in indices])

    def __getbatch__(self, indices: Iterable[Any]) -> Any:
        """Return the batch at a list of indices, read in one go where the dataset can."""
        return read_batch(self.dataset, [self.indices[index] for index in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Sample]):
    """Datasets one after the other. ``a + b`` gives the same for two.

    Args:
        datasets: datasets with a length.

    Raises:
        AssertionError: there is none.

    Source: PyTorch, ``torch.utils.data.ConcatDataset``.
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Samples[Sample]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(part, IterableDataset) for part in self.datasets):
            raise AssertionError(
                "ConcatDataset does not support IterableDataset\n  ChainDataset joins those."
            )
        self.cumulative_sizes = list(itertools.accumulate(len(part) for part in self.datasets))

    def __getitem__(self, index: int) -> Sample:
        size = len(self)
        if index < -size:
            raise ValueError(
                "absolute value of index should not exceed dataset length\n"
                f"  ConcatDataset: index {index}, length {size}."
            )
        if index >= size:
            raise IndexError(f"index {index} is out of bounds for a ConcatDataset of length {size}")
        index = index + size if index < 0 else index
        part = bisect.bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[part - 1] if part else 0
        return self.datasets[part][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Sample]):
    """Iterable datasets one after the other. ``a + b`` gives the same for two.

    Args:
        datasets: an iterable of iterable datasets, looked at when it is iterated over.

    Raises:
        AssertionError: (then) one is no IterableDataset.

    Source: PyTorch, ``torch.utils.data.ChainDataset``.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _parts(self) -> Iterator[Any]:
        for part in self.datasets:
            if not isinstance(part, IterableDataset):
                raise AssertionError(
                    "ChainDataset only supports IterableDataset\n  ConcatDataset joins the others."
                )
            yield part

    def __iter__(self) -> Iterator[Sample]:
        return itertools.chain.from_iterable(self._parts())

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts())


class StackDataset(Dataset[Any]):
    """Datasets side by side: sample i has the i-th sample of each.

    Args:
        *args: datasets of one length; samples are tuples.
        **kwargs: the same by name; samples are dictionaries.

    Raises:
        ValueError: there is none, there are both kinds, or lengths differ.

    Source: PyTorch, ``torch.utils.data.StackDataset``.
    """

    datasets: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like "
                "input/output, but both types are given."
            )
        self.datasets = args or kwargs
        if not self.datasets:
            raise ValueError("At least one dataset should be passed")
        sizes = [len(part) for part in args or kwargs.values()]
        if len(set(sizes)) > 1:
            raise ValueError(f"Size mismatch between datasets\n  StackDataset: {sizes}")

    def __getitem__(self, index: Any) -> Any:
        return self._sample(part[index] for part in self._parts())

    def __getitems__(self, indices: Sequence[Any]) -> list[Any]:
        """Return the samples at a list of indices."""
        columns = [read_samples(part, indices) for part in self._parts()]
        for column in columns:
            if len(column) != len(indices):
                raise ValueError(
                    "Nested dataset's output size mismatch. "
                    f"Expected {len(indices)}, got {len(column)}"
                )
        return [self._sample(row) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return len(next(iter(self._parts())))

    def _parts(self) -> Iterable[Any]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _sample(self, values: Iterable[Any]) -> Any:
        named = isinstance(self.datasets, dict)
        return dict(zip(self.datasets, values, strict=True)) if named else tuple(values)


def random_split(
    dataset: Samples[S], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[S]]:
    """Cut a dataset at random into parts that do not overlap.

    Args:
        dataset: a dataset with a length.
        lengths: the parts' lengths, or fractions that sum to 1. Each fraction of the length is
            rounded down, and the samples left over go to the first parts, one to each.
        generator: where the random permutation comes from; None means the default generator.

    Raises:
        ValueError: the lengths do not sum to the dataset's, or a fraction lies outside 0 to 1.

    Source: PyTorch, ``torch.utils.data.random_split``.
    """
    size = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_fractions(size, lengths)
    if sum(lengths) != size or any(length < 0 for length in lengths):
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset!\n"
            f"  random_split: the lengths {list(lengths)} sum to {sum(lengths)}, the dataset has "
            f"{size} samples; lengths must not be negative. Fractions must sum to 1."
        )
    order = iter(randperm(size, generator=generator).tolist())
    parts = [list(itertools.islice(order, as_int(n))) for n in lengths]  # type: ignore[arg-type]
    return [Subset(dataset, indices) for indices in parts]


def _lengths_of_fractions(size: int, fractions: Sequence[float]) -> list[int]:
    for position, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {position} is not between 0 and 1")
    lengths = [math.floor(size * fraction) for fraction in fractions]
    for i in range(size - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for position, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {position} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return lengths
