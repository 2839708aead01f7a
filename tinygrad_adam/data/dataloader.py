"""DataLoader: a dataset in batches, one pass at a time.

Source: PyTorch, ``torch.utils.data.DataLoader``.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np

from tinygrad_adam.backend import Generator
from tinygrad_adam.creation import randint
from tinygrad_adam.data.collate import default_collate, default_convert
from tinygrad_adam.data.dataset import IterableDataset, Samples, read_batch, read_samples
from tinygrad_adam.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from tinygrad_adam.data.workers import Workers, can_start, context_of, get_worker_info
from tinygrad_adam.tensor import Tensor

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

Batch = TypeVar("Batch", covariant=True)
B = TypeVar("B")
Key = TypeVar("Key")
Order = Iterable[Any] | None
Numbers = Tensor | np.ndarray | np.number | float
_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[Batch]):
    """Iterate over a dataset in batches: ``for images, labels in DataLoader(train, 64, True):``.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``, such as a :class:`Dataset` or list;
            or an :class:`IterableDataset`.
        batch_size: samples in a batch. None gives single samples, without a batch dimension.
        shuffle: a new random order for each pass.
        sampler: an iterable of indices, in place of ``shuffle``.
        batch_sampler: an iterable of lists of indices, in place of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: how many processes read (see :mod:`tinygrad_adam.data.workers`); 0: this one.
        collate_fn: what makes a batch of a list of samples; None means ``default_collate`` (for
            ``batch_size=None``: what converts a sample, ``default_convert``).
        pin_memory: accepted for PyTorch's sake, without effect; so is ``pin_memory_device``.
        drop_last: leave out the last batch if it is shorter.
        timeout: for how many seconds to wait for a batch of the workers; 0: until it comes.
        worker_init_fn: called in each worker with its number, after seeding and before reading.
        multiprocessing_context: how workers start: "fork", "spawn", "forkserver" or a context of
            ``multiprocessing``. None: "fork" on Linux, elsewhere what Python does there.
        generator: where the order of ``shuffle`` and the seeds of workers come from. None means the
            default generator, so that ``manual_seed`` makes both repeatable. Each pass draws a
            ``base_seed``, and worker i seeds Python, NumPy and this package by ``base_seed + i``.
        prefetch_factor: how many batches each worker makes ahead; 2 if there are workers.
        persistent_workers: the workers stay from pass to pass, with their dataset as they left it.
        in_order: False hands out batches as they come.

    A ``TensorDataset`` (or a ``Subset`` of one) is read a batch at a time with the default
    ``collate_fn``: one indexing operation for each tensor, no Python loop over samples. 60,000
    images of 28x28 float32 in batches of 64 then cost little more than copying their 188 MB, and
    workers would only add their start. They pay where a sample takes time: decoding, augmenting.

    Raises:
        TypeError: ``dataset`` has no ``__getitem__`` and is no IterableDataset.
        ValueError: options that exclude each other, ``batch_size`` not positive, ``shuffle`` with
            an empty dataset; assigning to ``batch_size`` or the like afterwards, which would have
            no effect.
        RuntimeError: (in the loop) no batch came in time, or a worker is gone. What a dataset
            raises in a worker is raised again here, as "Caught ... in DataLoader worker process".

    Source: PyTorch, ``torch.utils.data.DataLoader``.
    """

    # What type a batch has follows from the samples, or from collate_fn: see default_collate.
    @overload
    def __init__(
        self: DataLoader[B], dataset: Any,
        batch_size: int | None = 1, shuffle: bool | None = None, sampler: Order = None,
        batch_sampler: Order = None, num_workers: int = 0, *, collate_fn: Callable[[Any], B],
        pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[Tensor], dataset: Samples[Numbers],
        batch_size: int | None = 1, shuffle: bool | None = None, sampler: Order = None,
        batch_sampler: Order = None, num_workers: int = 0, collate_fn: None = None,
        pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[list[Tensor]], dataset: Samples[Sequence[Numbers]],
        batch_size: int | None = 1, shuffle: bool | None = None, sampler: Order = None,
        batch_sampler: Order = None, num_workers: int = 0, collate_fn: None = None,
        pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[dict[Key, Tensor]], dataset: Samples[Mapping[Key, Numbers]],
        batch_size: int | None = 1, shuffle: bool | None = None, sampler: Order = None,
        batch_sampler: Order = None, num_workers: int = 0, collate_fn: None = None,
        pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[Any], dataset: Any,
        batch_size: int | None = 1, shuffle: bool | None = None, sampler: Order = None,
        batch_sampler: Order = None, num_workers: int = 0, collate_fn: None = None,
        pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Order = None,
        batch_sampler: Order = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; "
                "use num_workers=0 to disable multiprocessing."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if num_workers == 0:
            _refuse_without_workers(
                timeout, prefetch_factor, persistent_workers, multiprocessing_context
            )
        if multiprocessing_context is not None:
            multiprocessing_context = context_of(multiprocessing_context)
        if isinstance(dataset, IterableDataset):
            for name, value in (
                *(("shuffle", shuffle or None), ("sampler", sampler)),
                ("batch_sampler", batch_sampler),
            ):
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but "
                        f"got {name}={value}\n  Its samples come in the order of its own __iter__."
                    )
            sampler = itertools.repeat(None)  # for as many samples as come
        elif not hasattr(dataset, "__getitem__"):
            raise TypeError(
                "DataLoader expected a dataset with __getitem__ and __len__, got a "
                f"{type(dataset).__name__}\n  What can only be iterated over is made a class that "
                "inherits from IterableDataset, or a list."
            )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching "
                "and is mutually exclusive with drop_last"
            )
        if sampler is None:
            sampler = (
                RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.num_workers = num_workers
        self.collate_fn: Callable[[Any], Any] = collate_fn
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn, self.in_order = timeout, worker_init_fn, in_order
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.generator = generator
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.drop_last = drop_last
        self._order = sampler if batch_sampler is None else batch_sampler
        self._workers: Workers | None = None
        self._said_length: int | None = None
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and hasattr(self, "_ready"):
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized\n"
                "  It would change nothing any more: make a new DataLoader."
            )
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Batch]:
        workers = self._workers
        if workers is None:
            # One number each pass, also where nobody is seeded by it: as in PyTorch.
            base_seed = int(randint(2**63 - 1, (), generator=self.generator).item())
            make_reader = functools.partial(
                reader,
                self.dataset,
                self.batch_sampler is not None,
                self.collate_fn,
                self.drop_last,
            )
            if not self.num_workers or not can_start(context_of(self.multiprocessing_context)):
                return _Pass(self, map(make_reader(), self._order))
            workers = Workers(self, make_reader, base_seed)
            if self.persistent_workers:
                self._workers = workers
        workers.begin(iter(self._order))
        return _Pass(self, workers)

    def __len__(self) -> int:
        """Return the number of batches in a pass (of samples, if ``batch_size`` is None).

        Of an IterableDataset, what follows from its own length, whatever its workers do.
        """
        if not isinstance(self.dataset, IterableDataset):
            return len(self._order)  # type: ignore[arg-type]
        size: int = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is not None:
            size = size // self.batch_size if self.drop_last else -(-size // self.batch_size)
        self._said_length = size
        return size


class _Pass(Iterator[Any]):
    """The batches of one pass."""

    def __init__(self, loader: DataLoader[Any], batches: Iterator[Any]) -> None:
        self._loader, self._batches, self._count = loader, batches, 0
        self._said_length = loader._said_length  # before this pass: list() asks, and means nothing

    def __len__(self) -> int:
        return len(self._loader._order)  # type: ignore[arg-type]

    def __next__(self) -> Any:
        batch = next(self._batches)
        self._count += 1
        said = self._said_length
        if said is not None and self._count > said:
            warnings.warn(
                f"Length of IterableDataset {self._loader.dataset} was reported to be {said}(when "
                f"accessing len(dataloader)), but {self._count} samples have been fetched. "
                "\n  With workers, each must give its own part: see get_worker_info.",
                stacklevel=2,
            )
        return batch


def reader(
    dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Callable[[Any], Any]:
    """Return what makes a batch of a list of indices (without batching, a sample of an index).

    Of an IterableDataset it begins an iteration; only the list's length counts, and at the end
    StopIteration is raised.
    """
    if isinstance(dataset, IterableDataset):
        return _stream_reader(iter(dataset), batched, collate_fn, drop_last)
    if not batched:
        return lambda index: collate_fn(dataset[index])
    if collate_fn is default_collate:
        return functools.partial(read_batch, dataset)
    return lambda indices: collate_fn(read_samples(dataset, indices))


def _stream_reader(
    stream: Iterator[Any], batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Callable[[Any], Any]:
    end, ended = object(), False

    def read(indices: Any) -> Any:
        nonlocal ended
        if not batched:
            return collate_fn(next(stream))
        samples: list[Any] = []
        while not ended and len(samples) < len(indices):
            # Not by islice, nor by a loop: those call __iter__, with which some begin again.
            sample = next(stream, end)
            ended = sample is end
            if not ended:
                samples.append(sample)
        if not samples or (drop_last and ended):
            raise StopIteration
        return collate_fn(samples)

    return read


def _refuse_without_workers(
    timeout: float, prefetch_factor: int | None, persistent_workers: bool, context: Any
) -> None:
    if timeout > 0:
        raise ValueError(
            f"timeout option needs num_workers > 0, got timeout={timeout}\n"
            "  Leave timeout out: no other process is waited for."
        )
    if prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if persistent_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if context is not None:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading "
            "(num_workers > 0), but got num_workers=0"
        )
