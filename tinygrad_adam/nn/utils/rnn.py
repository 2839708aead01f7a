"""Sequences of different lengths, padded to one block or packed without the padding.

Packed: the rows of all sequences in one matrix, step after step, the longest sequence first in each
step; so each has as many rows as there are sequences that have not ended.

Source: PyTorch, ``torch.nn.utils.rnn``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.backend import array_module, device_of, move, to_numpy
from tinygrad_adam.ops.arguments import (
    checked,
    common_shape,
    fitted,
    normalize_dim,
    require_dimensions,
)
from tinygrad_adam.ops.indexing import getitem
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.shapes import broadcast_to, cast, reshape
from tinygrad_adam.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

Lengths = Tensor | Iterable[int]


class _Fields(NamedTuple):
    data: Tensor
    """The rows, (rows, …)."""
    batch_sizes: Tensor
    """How many rows each step has, int64 on the CPU."""
    sorted_indices: Tensor | None
    """Which sequence of the unsorted batch comes first, second, …; None if they were sorted."""
    unsorted_indices: Tensor | None
    """The inverse: where each sequence of the unsorted batch is."""


def _converter(dtype: str) -> Callable[[Any], Any]:
    return lambda packed: packed.to(np.dtype(dtype))


class PackedSequence(_Fields):
    """Packed sequences, as RNN, LSTM and GRU take and return them; made by the functions below.

    Source: PyTorch, ``torch.nn.utils.rnn.PackedSequence``.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """Make one of its parts; ``data`` may be a pair of the first two."""
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError(
                    "Expected data to be a list or tuple of length 2\n"
                    "  Pass data and batch_sizes, or use pack_padded_sequence(…)"
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be "
                "created manually. They should be instantiated by functions like pack_sequence and "
                "pack_padded_sequences in nn.utils.rnn."
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move or cast ``data`` as ``Tensor.to`` does; the indices go with it to its device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        moved = [None if x is None else x.to(data.device) for x in self[2:]]
        return PackedSequence(data, self.batch_sizes, *moved)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to a GPU."""
        return self.to(*(args or (() if kwargs else ("cuda",))), **kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to the CPU."""
        return self.to("cpu", *args, **kwargs)

    def pin_memory(self) -> PackedSequence:
        """Return it as it is: no memory is pinned here."""
        return self

    def is_pinned(self) -> bool:
        """Return False."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether ``data`` is on a GPU."""
        return self.data.is_cuda

    double, float, half = map(_converter, ("float64", "float32", "float16"))
    long, int, short = map(_converter, ("int64", "int32", "int16"))
    char, byte = map(_converter, ("int8", "uint8"))


def _picked(rows: Tensor, positions: np.ndarray, fill: Any = None) -> Tensor:
    """Return rows by number, in the shape of ``positions``; that of number -1 is full of ``fill``.

    rows: (rows, …).
    """
    if fill is not None:
        xp = array_module(rows.array)
        with np.errstate(all="ignore"):
            filled = xp.full((1, *rows.shape[1:]), fill).astype(rows.dtype)
        rows = cat([rows, Tensor._wrap(filled)])
    return getitem(rows, Tensor._wrap(move(positions, device_of(rows.array))))


def _indices(values: np.ndarray, like: Tensor) -> Tensor:
    """Return indices as a tensor on the device of another."""
    return Tensor._wrap(move(values, device_of(like.array)))


def _as_lengths(lengths: Any) -> np.ndarray:
    array = to_numpy(lengths.array) if isinstance(lengths, Tensor) else np.asarray(lengths)
    if array.dtype.kind not in "biuf":
        odd = next((x for x in array.ravel().tolist() if not isinstance(x, (int, float))), lengths)
        raise TypeError(
            f"'{type(odd).__name__}' object cannot be interpreted as an integer\n"
            "  lengths are integers, one for each sequence"
        )
    if array.ndim != 1 or (isinstance(lengths, Tensor) and lengths.is_cuda):
        place = "cuda" if isinstance(lengths, Tensor) and lengths.is_cuda else "cpu"
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{array.ndim}D {place} Long tensor"
        )
    return array.astype(np.int64)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes another, a tensor of integers; None for None.

    Source: PyTorch, ``torch.nn.utils.rnn.invert_permutation``.
    """
    if permutation is None:
        return None
    order = fitted("empty_like", "input", "Tensor", permutation).array
    if order.dtype.name not in ("int64", "int32"):
        raise RuntimeError("scatter(): Expected dtype int32/int64 for index")
    xp = array_module(order)
    inverse = xp.empty_like(order)
    for index in (order.max(initial=0), order.min(initial=0)) if order.size else ():
        if not 0 <= index < len(order):
            raise RuntimeError(
                f"index {int(index)} is out of bounds for dimension 0 with size {len(order)}"
            )
    inverse[order] = xp.arange(len(order), dtype=order.dtype)
    return Tensor._wrap(inverse)


def pack_padded_sequence(
    input: Tensor, lengths: Lengths, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack sequences that are padded to one length.

    Args:
        input: (T, N, …), or (N, T, …) with ``batch_first``.
        lengths: how long each sequence is, N integers on the CPU.
        batch_first: see ``input``.
        enforce_sorted: the longest sequence comes first, and so on; False: they are sorted here.

    Raises:
        RuntimeError: there are not N lengths, one is 0 or beyond T, or they do not fall.

    Source: PyTorch, ``torch.nn.utils.rnn.pack_padded_sequence``.
    """
    sizes = _as_lengths(lengths)
    fitted("_pack_padded_sequence", "input", "Tensor", input)
    fitted("_pack_padded_sequence", "batch_first", "bool", batch_first)
    if input.ndim < 2:
        require_dimensions(input, 1)
        normalize_dim(1, input.ndim)
    (batch, steps) = input.shape[:2] if batch_first else input.shape[1::-1]
    order = np.arange(len(sizes))
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes, batch_wanted = sizes[order], min(batch, len(sizes))
    else:
        batch_wanted = batch
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(sizes) != batch_wanted:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} "
            f"(batch_size={batch})"
        )
    if sizes.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    if sizes.max() > steps:
        raise RuntimeError(
            f"Expected lengths of at most the {steps} steps of the input, but got {sizes.max()}"
        )
    step, sequence = np.nonzero(np.arange(sizes.max())[:, None] < sizes)
    sequence = order[sequence]
    positions = sequence * steps + step if batch_first else step * batch + sequence
    data = _picked(reshape(input, (batch * steps, *input.shape[2:])), positions)
    batch_sizes = Tensor._wrap(np.bincount(step).astype(np.int64))
    return PackedSequence(
        data, batch_sizes, None if enforce_sorted else _indices(order.astype(np.int64), data)
    )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`.

    Args:
        sequence: what is packed.
        batch_first: whether to return (N, T, …), not (T, N, …).
        padding_value: what to pad with.
        total_length: T; by default that of the longest sequence.

    Returns:
        The padded sequences in the order that they had before they were sorted, and their lengths.

    Raises:
        ValueError: a sequence is longer than ``total_length``.

    Source: PyTorch, ``torch.nn.utils.rnn.pad_packed_sequence``.
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(
            "pad_packed_sequence(): argument 'sequence' must be PackedSequence, not "
            f"{type(sequence).__name__}"
        )
    batch_sizes = to_numpy(sequence.batch_sizes.array)
    fitted("_pad_packed_sequence", "batch_first", "bool", batch_first)
    padding_value = fitted("_pad_packed_sequence", "padding_value", "Number", padding_value)
    steps = len(batch_sizes)
    if total_length is not None:
        total_length = fitted("_pad_packed_sequence", "total_length", "int", total_length)
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, "
                f"but got total_length={total_length} and max sequence length being {steps}"
            )
    batch = int(batch_sizes.max())
    positions = np.full((max(steps, total_length or 0), batch), -1)
    present = np.arange(batch) < batch_sizes[:, None]
    positions[:steps][present] = np.arange(present.sum())
    lengths = present.sum(axis=0, dtype=np.int64)
    if sequence.unsorted_indices is not None:
        order = to_numpy(sequence.unsorted_indices.array)
        positions, lengths = positions[:, order], lengths[order]
    if batch_first:
        positions = positions.T
    return _picked(sequence.data, positions, padding_value), Tensor._wrap(lengths)


@checked
def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Pad sequences to the length of the longest and join them in a new dimension.

    Args:
        sequences: tensors (length, …), equal in all dimensions but the first.
        batch_first: whether to return (N, T, …), not (T, N, …).
        padding_value: what to pad with.
        padding_side: "right" or "left" of each sequence.

    Raises:
        RuntimeError: there are none; their shapes differ; an unknown side.

    Source: PyTorch, ``torch.nn.utils.rnn.pad_sequence``.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    found = list(sequences)
    if not found:
        raise RuntimeError("received an empty list of sequences")
    for number, sequence in enumerate(found):
        if not isinstance(sequence, Tensor):
            raise TypeError(
                f"expected Tensor as element {number} in argument 0, but got "
                f"{type(sequence).__name__}"
            )
        if sequence.ndim == 0:
            raise RuntimeError("pad_sequence: a sequence has at least one dimension, but got 0-d")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    first, rows = found[0], []
    for sequence in found:
        shape = (len(sequence), *first.shape[1:])
        if sequence.shape != shape:
            common_shape(shape, sequence.shape)
            sequence = broadcast_to(sequence, shape)
        rows.append(sequence if sequence.dtype == first.dtype else cast(sequence, first.dtype))
    lengths = np.array([len(sequence) for sequence in found])
    steps = np.arange(lengths.max())
    present = steps < lengths[:, None]
    if padding_side == "left":
        present = present[:, ::-1]
    positions = np.full(present.shape, -1)
    positions[present] = np.arange(lengths.sum())
    return _picked(cat(rows), positions if batch_first else positions.T, padding_value)


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (length, …) of any lengths; arguments as for :func:`pack_padded_sequence`.

    Source: PyTorch, ``torch.nn.utils.rnn.pack_sequence``.
    """
    found = list(sequences)
    padded = pad_sequence(found)
    return pack_padded_sequence(padded, [len(x) for x in found], enforce_sorted=enforce_sorted)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Return padded sequences, (T, N, …) or with ``batch_first`` (N, T, …), each by itself.

    Source: PyTorch, ``torch.nn.utils.rnn.unpad_sequence``.
    """
    fitted("unpad_sequence", "padded_sequences", "Tensor", padded_sequences)
    sequences = padded_sequences.unbind(0 if batch_first else 1)
    sizes: Any = fitted("unpad_sequence", "lengths", "Tensor", lengths).tolist()
    return [x[: int(length)] for x, length in zip(sequences, sizes, strict=True)]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return packed sequences, each by itself, in the order before they were sorted.

    Source: PyTorch, ``torch.nn.utils.rnn.unpack_sequence``.
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
