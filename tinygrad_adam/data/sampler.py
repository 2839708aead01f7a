"""Samplers: in which order a DataLoader visits a dataset.

Source: PyTorch, ``torch.utils.data`` (``Sampler`` and its subclasses).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from tinygrad_adam.backend import Generator
from tinygrad_adam.creation import as_tensor, randint, randperm
from tinygrad_adam.ops.random import multinomial

Index = TypeVar("Index", covariant=True)

# Permutations of more are not made at once: a thousand samples of 10**10 shall cost nothing.
_AT_ONCE = 1 << 20


class Sampler(Generic[Index]):
    """A source of indices (or of batches of them): subclasses define ``__iter__``.

    ``__len__`` is optional; ``len(DataLoader)`` needs it.

    Source: PyTorch, ``torch.utils.data.Sampler``.
    """

    def __iter__(self) -> Iterator[Index]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """The indices 0, 1, … of a dataset, in this order.

    Source: PyTorch, ``torch.utils.data.SequentialSampler``.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The indices of a dataset in random order, another one at each iteration.

    Args:
        data_source: the dataset, or anything with a length.
        replacement: True draws each index anew, so that some come twice and some never.
        num_samples: how many indices to draw; None means the length. Without replacement, more
            than the length means several permutations one after the other.
        generator: where the random numbers come from. None: each iteration takes one number from
            the default generator, as the seed of its own, so that what else is drawn during the
            epoch (dropout, for example) does not change the order.

    Raises:
        TypeError: ``replacement`` is no bool.
        ValueError: ``num_samples`` (or the dataset's length) is not a positive integer.

    Source: PyTorch, ``torch.utils.data.RandomSampler``.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an iteration gives. It follows a dataset that grows."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        generator = self.generator
        if generator is None:
            generator = Generator().manual_seed(int(randint(2**63 - 1, ()).item()))
        size, wanted = len(self.data_source), self.num_samples
        for start in range(0, wanted, 32 if self.replacement else size):
            left = wanted - start
            if self.replacement:
                yield from randint(size, (min(left, 32),), generator=generator).tolist()
            elif size <= _AT_ONCE:
                yield from randperm(size, generator=generator).tolist()[:left]
            else:
                yield from itertools.islice(_lazy_permutation(size, generator), left)

    def __len__(self) -> int:
        return self.num_samples


def _lazy_permutation(size: int, generator: Generator) -> Iterator[int]:
    """The numbers below ``size`` in random order; memory grows with how many are taken.

    Source: Fisher and Yates's shuffle, which remembers only what has moved.
    """
    moved: dict[int, int] = {}
    for start in range(0, size, 1024):
        places = np.arange(start, min(start + 1024, size))
        for place, other in enumerate(generator.numpy.integers(places, size).tolist(), start):
            yield moved.get(other, other)
            moved[other] = moved.pop(place, place)


class SubsetRandomSampler(Sampler[Any]):
    """The given indices in random order, another one at each iteration.

    Args:
        indices: a sequence of them.
        generator: where the random numbers come from; None means the default generator.

    Source: PyTorch, ``torch.utils.data.SubsetRandomSampler``.
    """

    def __init__(self, indices: Sequence[Any], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        for place in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices 0, 1, … drawn with probabilities in proportion to ``weights``.

    Args:
        weights: a sequence of numbers, not negative; they need not sum to 1.
        num_samples: how many indices to draw.
        replacement: False: no index comes twice.
        generator: where the random numbers come from; None means the default generator.

    Raises:
        ValueError: ``num_samples`` is not a positive integer, ``replacement`` no bool, or
            ``weights`` have not one dimension.
        RuntimeError: (when it is iterated over) the weights are negative, infinite, NaN or sum to
            0, or there are too few to draw that many without replacement.

    Source: PyTorch, ``torch.utils.data.WeightedRandomSampler``.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.weights = as_tensor(weights, dtype=np.dtype("float64"))
        if self.weights.dim() != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[Any]]):
    """Lists of ``batch_size`` indices from another sampler.

    Args:
        sampler: any iterable of indices.
        batch_size: how many go together.
        drop_last: True leaves out the last batch if it is shorter.

    Raises:
        ValueError: ``batch_size`` is not a positive integer, or ``drop_last`` no bool.

    Source: PyTorch, ``torch.utils.data.BatchSampler``.
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        size = len(self.sampler)  # type: ignore[arg-type]
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


def _check_positive(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
