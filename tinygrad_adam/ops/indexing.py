"""Operations that pick elements by position: ``x[…]``, gather, scatter.

Their gradients put elements back where they came from, and add where a position was picked twice.
``g`` is the gradient of the result.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tinygrad_adam.autograd import Operation, Variable
from tinygrad_adam.backend import Array, array_module, is_array
from tinygrad_adam.backend.dtypes import int64


def normalize_index(index: Any) -> tuple[Any, ...]:
    """Return an index as users write it as a tuple of ints, slices, None, Ellipsis and arrays.

    Raises:
        IndexError: something in it cannot be an index.
        ValueError: a slice goes backwards.
    """
    if not isinstance(index, tuple):
        if isinstance(index, list) and any(
            isinstance(x, (list, tuple, slice, Variable)) or x is None or x is ... for x in index
        ):
            index = tuple(index) if not isinstance(index[0], (list, int)) else (index,)
        else:
            index = (index,)
    return tuple([_normalize_entry(entry) for entry in index])


def _normalize_entry(entry: Any) -> Any:
    if isinstance(entry, Variable):
        entry = entry.array
    if entry is None or entry is Ellipsis or isinstance(entry, (bool, int, np.integer)):
        return entry
    if isinstance(entry, slice):
        parts = [x.array.item() if isinstance(x, Variable) else x for x in
                 (entry.start, entry.stop, entry.step)]  # fmt: skip
        if parts[2] is not None and parts[2] <= 0:
            raise ValueError(
                f"step must be greater than zero, got {parts[2]}; use flip() to reverse a dimension"
            )
        return slice(*parts)
    if isinstance(entry, (list, tuple, range)):
        entry = np.asarray(
            [x.array if isinstance(x, Variable) else x for x in entry],
            dtype=None if len(entry) else int64,
        )
    if is_array(entry) and entry.dtype.kind in "biu":
        return entry
    raise IndexError(
        "tensors used as indices must be long, int, byte or bool tensors"
        + (f", not {entry.dtype}" if is_array(entry) else f"; got {type(entry).__name__}")
    )


def _is_basic(index: tuple[Any, ...]) -> bool:
    """Return whether an index picks a regular grid, so that the result can be a view."""
    return not any(is_array(entry) or isinstance(entry, bool) for entry in index)


def explain_index_error(error: Exception, x: Array, index: tuple[Any, ...]) -> Exception:
    """Return NumPy's error for ``x[index]`` in PyTorch's words."""
    text = str(error)
    if "too many indices" in text:
        if x.ndim == 0:
            return IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim "
                "tensor to a number"
            )
        return IndexError(f"too many indices for tensor of dimension {x.ndim}")
    mask = re.search(r"boolean index did not match.*axis (\d+)", text)
    if mask:
        shapes = [list(e.shape) for e in index if is_array(e) and e.dtype.kind == "b"]
        return IndexError(
            f"The shape of the mask {shapes[0]} at index {mask[1]} does not match the shape of the "
            f"indexed tensor {list(x.shape)} at index {mask[1]}"
        )
    if "shape mismatch" in text and "indexing" in text:
        return IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join(str(list(e.shape)) for e in index if is_array(e))
        )
    return IndexError(text.replace("for axis", "for dimension"))


def check_bounds(x: Array, index: tuple[Any, ...]) -> None:
    """Raise for positions outside ``x``. CuPy would wrap them round without a word.

    Raises:
        IndexError: as NumPy does.
    """
    if array_module(x) is np:
        return
    dim = 0
    for entry in index:
        if entry is Ellipsis:
            dim = x.ndim - sum(1 for e in index if e is not None and e is not Ellipsis) + dim
        elif is_array(entry) and entry.dtype.kind in "iu" and entry.size:
            low, high = int(entry.min()), int(entry.max())
            if low < -x.shape[dim] or high >= x.shape[dim]:
                wrong = low if low < -x.shape[dim] else high
                raise IndexError(
                    f"index {wrong} is out of bounds for dimension {dim} with size {x.shape[dim]}"
                )
            dim += 1
        elif entry is not None:
            dim += entry.ndim if is_array(entry) else 1


class _AtIndex(Operation):
    """An operation that remembers an index: a tuple of ints, slices, None, Ellipsis and arrays."""

    def keep(self, index: tuple[Any, ...]) -> None:
        self.save_for_backward(*index)

    @property
    def index(self) -> tuple[Any, ...]:
        return tuple([x.array if isinstance(x, Variable) else x for x in self.saved_tensors])


class Index(_AtIndex):
    """x[index].  Gradient: zeros with g added at the index.  Saves the index and the shape.

    A view if the index has no arrays in it, else a copy. ``unique`` promises that no element is
    picked twice.
    """

    def forward(self, x: Array, index: tuple[Any, ...], unique: bool = False) -> Array:
        self.keep(index)
        self.returns_view = _is_basic(index)
        self.shape, self.unique = x.shape, unique or self.returns_view
        try:
            check_bounds(x, index)
            # The Ellipsis makes one element a 0-d view, where NumPy would hand out a number.
            return x[(*index, ...) if self.returns_view and Ellipsis not in index else index]
        except IndexError as error:
            raise explain_index_error(error, x, index) from None

    def backward(self, grad: Any) -> Any:
        return IndexAdd.apply(grad, self.shape, self.index, self.unique)


class IndexAdd(_AtIndex):
    """Zeros of a shape, with x added at an index.  Gradient: g[index].  Saves the index."""

    def forward(
        self, x: Array, shape: tuple[int, ...], index: tuple[Any, ...], unique: bool
    ) -> Array:
        self.keep(index)
        self.unique = unique
        xp = array_module(x)
        y = xp.zeros(shape, x.dtype)
        if unique:
            y[index] = x
        else:
            xp.add.at(y, index, x)
        return y

    def backward(self, grad: Any) -> Any:
        return Index.apply(grad, self.index, self.unique)


class IndexPut(_AtIndex):
    """A copy of x in which x[index] is ``value``, or has ``value`` added if ``accumulate``.

    Gradient: dx = g, with zeros at the index unless it accumulated; dvalue = g[index].  Saves the
    index.
    """

    def forward(self, x: Array, value: Any, index: tuple[Any, ...], accumulate: bool) -> Array:
        self.keep(index)
        self.accumulate = accumulate
        y = x.copy(order="K")
        write(y, index, value, accumulate)
        return y

    def backward(self, grad: Any) -> Any:
        need_x, need_value = self.needs_input_grad[:2]
        grad_x = grad
        if need_x and not self.accumulate:
            grad_x = IndexPut.apply(grad, 0, self.index, False)
        return grad_x, Index.apply(grad, self.index) if need_value else None


def write(x: Array, index: tuple[Any, ...], value: Any, accumulate: bool = False) -> None:
    """Do ``x[index] = value`` on arrays, or ``+=`` with positions that occur twice counted twice.

    Raises:
        IndexError: the index does not fit ``x``.
        RuntimeError: ``value`` does not broadcast to ``x[index]``.
    """
    if is_array(value) and value.dtype != x.dtype:
        value = value.astype(x.dtype)
    try:
        check_bounds(x, index)
        if accumulate:
            array_module(x).add.at(x, index, value)
        else:
            x[index] = value
    except IndexError as error:
        raise explain_index_error(error, x, index) from None
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(np.shape(value))} cannot be broadcast to "
            f"indexing result of shape {list(x[index].shape)}"
        ) from None


def along(
    name: str, shape: tuple[int, ...], dim: int, index: Array, source: tuple[int, ...] | None = None
) -> tuple[Array, ...]:
    """Return the index that picks ``x[i, index[i, j], …]``: a grid, with ``index`` for ``dim``.

    Args:
        name: the operation, for the error text: gather or scatter.
        shape: that of ``x``.
        dim: the dimension in which ``index`` counts.
        index: int64, as many dimensions as ``x``.
        source: the shape of what is scattered, if anything is.

    Raises:
        RuntimeError: the index has another dtype or other dimensions, is larger than ``x`` (or the
            source), or names a position that does not exist.
    """
    if index.dtype != int64:
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, got {index.dtype}")
    owner = "input" if source is None else "self"
    if index.ndim != len(shape):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {owner} tensor\n"
            f"  {name}: index {list(index.shape)}, tensor {list(shape)}"
        )
    for d, size in enumerate(index.shape):
        if (d != dim and size > shape[d]) or (source is not None and size > source[d]):
            what = "" if source is None else f" and to be no larger size than src {list(source)}"
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no "
                f"larger than self {list(shape)} apart from dimension {dim}{what}"
            )
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= shape[dim]:
            raise RuntimeError(
                f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size "
                f"{shape[dim]}"
            )
    grid = []
    for d, size in enumerate(index.shape):
        positions = array_module(index).arange(size)
        grid.append(
            index
            if d == dim
            else positions.reshape([-1 if i == d else 1 for i in range(index.ndim)])
        )
    return tuple(grid)
