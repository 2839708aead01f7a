"""Collating: samples one by one become a batch, a structure of tensors with a batch dimension.

Source: PyTorch, ``torch.utils.data.default_collate`` and ``default_convert``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.creation import as_tensor, tensor
from tinygrad_adam.ops.joining import stack
from tinygrad_adam.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Turn a list of samples into a batch; the first sample decides how.

    ===============================  ==========================================================
    samples                          batch
    ===============================  ==========================================================
    tensors, NumPy arrays            a tensor with one more dimension in front
    NumPy numbers                    a tensor of their dtype
    Python ints, bools               an int64 or bool tensor
    Python floats                    a float64 tensor
    str, bytes                       the list as it is
    mappings                         a mapping of the same type: each key's values collated
    named tuples                     a named tuple of the same type: each field collated
    tuples                           a list: each position collated
    other sequences                  a sequence of the same type: each position collated
    ===============================  ==========================================================

    Raises:
        TypeError: the samples are of another kind (None, for example).
        RuntimeError: sequences of different lengths, or tensors of different shapes.

    Source: PyTorch, ``torch.utils.data.default_collate``.
    """
    if isinstance(batch, np.dtype):  # which has a length and items, of names
        raise _unsupported(batch)
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "SUO":
            raise _unsupported(first.dtype)
        return stack([as_tensor(array) for array in batch], 0)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (np.bool_, np.number)):
        return as_tensor(np.asarray(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=np.dtype("float64"))
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, Mapping):
        return _map_mapping(
            lambda key: default_collate([sample[key] for sample in batch]), template=first
        )
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(
                "each element in list of batch should be of equal size\n"
                f"  default_collate: the samples have the lengths {[len(s) for s in batch]}; pass "
                "a collate_fn that pads them, or batch_size=1."
            )
        # Transposed: from samples of fields to fields of samples.
        fields = [default_collate(field) for field in zip(*batch, strict=True)]
        return _like_sequence(fields, template=first)
    raise _unsupported(type(first))


def default_convert(data: Any) -> Any:
    """Turn the NumPy arrays and numbers in one sample into tensors, and leave the rest as it is.

    This is what a DataLoader does to a sample when ``batch_size=None`` switches batching off.
    Mappings and sequences are converted inside; a tuple becomes a list, as in PyTorch.

    Source: PyTorch, ``torch.utils.data.default_convert``.
    """
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return _map_mapping(lambda key: default_convert(data[key]), template=data)
    if isinstance(data, Sequence):
        return _like_sequence([default_convert(item) for item in data], template=data)
    return data


def _unsupported(kind: object) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {kind}\n  Pass a collate_fn to the DataLoader that knows what to do with it."
    )


def _map_mapping(function: Callable[[Any], Any], template: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return a mapping of the template's type with ``function(key)`` for each of its keys."""
    values = {key: function(key) for key in template}
    try:
        if isinstance(template, MutableMapping):
            # A copy keeps what the type carries besides its items, such as a default factory.
            clone = copy.copy(template)
            clone.update(values)
            return clone
        return type(template)(values)  # type: ignore[call-arg]
    except TypeError:
        # The type cannot be copied, or cannot be made from a dictionary.
        return values


def _like_sequence(items: list[Any], template: Sequence[Any]) -> Sequence[Any]:
    """Return the items as a sequence of the template's type; a plain tuple becomes a list."""
    if isinstance(template, tuple):
        return type(template)(*items) if hasattr(template, "_fields") else items
    try:
        if isinstance(template, MutableSequence):
            clone = copy.copy(template)
            for position, item in enumerate(items):
                clone[position] = item
            return clone
        return type(template)(items)  # type: ignore[call-arg]
    except TypeError:
        # The type cannot hold any item, or cannot be made from a list (as range).
        return items
