"""DataLoader: a dataset in batches, one pass at a time.

Source: PyTorch, ``torch.utils.data.DataLoader``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np

from tinygrad_adam.backend import Generator
from tinygrad_adam.data.collate import default_collate, default_convert
from tinygrad_adam.data.dataset import Samples, read_batch, read_samples
from tinygrad_adam.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from tinygrad_adam.tensor import Tensor

Batch = TypeVar("Batch", covariant=True)
B = TypeVar("B")
Key = TypeVar("Key")
Order = Iterable[Any] | None
Numbers = Tensor | np.ndarray | np.number | float
_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[Batch]):
    """Iterate over a dataset in batches: ``for images, labels in DataLoader(train, 64, True):``.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``, such as a :class:`Dataset` or list.
        batch_size: samples in a batch. None gives single samples, without a batch dimension.
        shuffle: a new random order for each pass.
        sampler: an iterable of indices, in place of ``shuffle``.
        batch_sampler: an iterable of lists of indices, in place of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: only 0, PyTorch's default: the data is read by the process that asks for it.
        collate_fn: what makes a batch of a list of samples; None means ``default_collate`` (for
            ``batch_size=None``: what converts a sample, ``default_convert``).
        pin_memory: accepted for PyTorch's sake, without effect; so is ``pin_memory_device``.
        drop_last: leave out the last batch if it is shorter.
        timeout: only 0; and of ``multiprocessing_context``, ``prefetch_factor`` and
            ``persistent_workers`` only the defaults: they are about processes that are not there.
        worker_init_fn: never called, as in PyTorch without workers; nor does ``in_order`` matter.
        generator: where the order of ``shuffle`` comes from. None means the default generator,
            so that ``manual_seed`` makes the order repeatable.

    A ``TensorDataset`` (or a ``Subset`` of one) is read a batch at a time with the default
    ``collate_fn``: one indexing operation for each tensor, no Python loop over samples. 60,000
    images of 28x28 float32 in batches of 64 then cost little more than copying their 188 MB.

    Raises:
        TypeError: ``dataset`` has no ``__getitem__``: PyTorch's iterable datasets are not there.
        ValueError: options that exclude each other, ``batch_size`` not positive, ``shuffle`` with
            an empty dataset, ``num_workers`` other than 0 or an option that needs it; assigning to
            ``batch_size`` or the like afterwards, which would have no effect.

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
        if num_workers > 0:
            raise ValueError(
                f"DataLoader reads data in its own process: num_workers must be 0, got "
                f"{num_workers}\n  Leave num_workers out; a TensorDataset is read fast without."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if timeout > 0:
            raise ValueError(
                f"timeout option needs num_workers > 0, got timeout={timeout}\n"
                "  Leave timeout out: no other process is waited for."
            )
        if prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to "
                "None.\n  Leave prefetch_factor out: num_workers can only be 0 here."
            )
        if persistent_workers:
            raise ValueError(
                "persistent_workers option needs num_workers > 0\n"
                "  Leave persistent_workers out: num_workers can only be 0 here."
            )
        if multiprocessing_context is not None:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading "
                "(num_workers > 0), but got num_workers=0\n"
                "  Leave multiprocessing_context out: num_workers can only be 0 here."
            )
        if not hasattr(dataset, "__getitem__"):
            raise TypeError(
                "DataLoader expected a dataset with __getitem__ and __len__, got a "
                f"{type(dataset).__name__}\n  Make a list of what can only be iterated over."
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
        self.collate_fn = collate_fn
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn, self.in_order = timeout, worker_init_fn, in_order
        self.multiprocessing_context, self.prefetch_factor = None, None
        self.persistent_workers = False
        self.generator = generator
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.drop_last = drop_last
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and hasattr(self, "_ready"):
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized\n"
                "  It would change nothing any more: make a new DataLoader."
            )
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Batch]:
        if self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
        elif self.collate_fn is default_collate:
            for indices in self.batch_sampler:
                yield read_batch(self.dataset, indices)
        else:
            for indices in self.batch_sampler:
                yield self.collate_fn(read_samples(self.dataset, indices))

    def __len__(self) -> int:
        """Return the number of batches in a pass (of samples, if ``batch_size`` is None)."""
        order = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(order)  # type: ignore[arg-type]
