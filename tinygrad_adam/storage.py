"""The memory of a tensor as a row of numbers: what PyTorch calls its storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_adam.backend import Array, Dtype, address, device, device_of


class Storage:
    """All elements of a tensor's memory in a row, or its bytes. Writing here writes there.

    No gradient notices such a write.

    Args:
        array: the memory, one-dimensional.
        kind: what it is called when it is printed.

    Source: PyTorch, ``torch.TypedStorage`` and ``torch.UntypedStorage``.
    """

    def __init__(self, array: Array, kind: str = "TypedStorage") -> None:
        self.array, self._kind = array, kind

    @property
    def dtype(self) -> Dtype:
        """The type of the elements."""
        return self.array.dtype  # type: ignore[no-any-return]

    @property
    def device(self) -> device:
        """Where the memory is."""
        return device_of(self.array)

    def __len__(self) -> int:
        return self.array.size  # type: ignore[no-any-return]

    size = __len__

    def element_size(self) -> int:
        """Return the size of an element in bytes."""
        return self.array.dtype.itemsize  # type: ignore[no-any-return]

    def nbytes(self) -> int:
        """Return the size of all elements in bytes."""
        return self.array.nbytes  # type: ignore[no-any-return]

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return address(self.array)

    def untyped(self) -> Storage:
        """Return the bytes of the memory."""
        return Storage(self.array.view(np.uint8), "UntypedStorage")

    def tolist(self) -> list[Any]:
        """Return the elements as Python numbers."""
        return self.array.tolist()  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, (int, slice)):
            raise TypeError(f"can't index a torch.storage.{self._kind} with {type(index)}")
        if isinstance(index, slice):
            return Storage(self.array[index], self._kind)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return self.array[index].item()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self.array[index] = value.array if isinstance(value, Storage) else value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def fill_(self, value: Any) -> Storage:
        """Set every element to ``value``."""
        self.array[...] = value
        return self

    def __repr__(self) -> str:
        kind = "" if self._kind == "UntypedStorage" else f"dtype=torch.{self.dtype.name}, "
        end = f"[torch.storage.{self._kind}({kind}device={self.device}) of size {len(self)}]"
        return "".join([f" {x}\n" for x in self]) + end
