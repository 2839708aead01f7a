"""Operations that pick elements by position: ``x[…]``, gather, scatter.

Their gradients put elements back where they came from, and add where a position was picked twice.
``g`` is the gradient of the result.

An index picks in two stages, as in PyTorch. First comes what picks a regular grid, a *view* of the
memory: integers, slices, None, Ellipsis. Then, in that view, what picks by arrays of positions,
the *picks*: for each dimension a whole slice or an int64 array; none at all if there is no array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation, Variable
from tinygrad_adam.backend import Array, array_module, is_array, to_numpy
from tinygrad_adam.backend.dtypes import int64, type_name
from tinygrad_adam.backend.sums import wide
from tinygrad_adam.ops.arguments import normalize_dim, require_dimensions, require_tensors
from tinygrad_adam.ops.shapes import ravel

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

View = tuple[Any, ...]
Picks = tuple[Any, ...]

_WHOLE = slice(None)


def resolve(index: Any, x: Array) -> tuple[View, Picks]:
    """Return the view and the picks that ``x[index]`` means.

    Positions given by an int64 tensor stay that tensor, so that writing into it later is noticed.

    Raises:
        IndexError: something in ``index`` cannot be an index, or does not fit the shape of ``x``.
        TypeError: there is text in it.
        ValueError: a slice goes backwards, or nested lists are ragged.
    """
    entries = [_entry(entry) for entry in _as_tuple(index)]
    taken = sum(_dimensions_taken(entry) for entry in entries)
    if taken > x.ndim:
        if x.ndim == 0 and len(entries) == 1 and isinstance(entries[0], int):
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    view: list[Any] = []
    picks: list[Any] = []
    dim = 0
    skip = x.ndim - taken  # what the first Ellipsis stands for
    for place, entry in enumerate(entries):
        if entry is Ellipsis:
            view += [_WHOLE] * skip
            picks += [_WHOLE] * skip
            dim, skip = dim + skip, 0
        elif entry is None:
            view.append(None)
            picks.append(_WHOLE)
        elif isinstance(entry, bool):
            view.append(None)
            picks.append(array_module(x).zeros(int(entry), int64))
        elif isinstance(entry, int):
            _check_position(entry, entry, place, x.shape[dim])
            view.append(entry)
            dim += 1
        elif isinstance(entry, slice):
            view.append(entry)
            picks.append(_WHOLE)
            dim += 1
        else:
            chosen = _positions(entry, len(picks), x.shape[dim:], array_module(x))
            view += [_WHOLE] * len(chosen)
            picks += chosen
            dim += len(chosen)
    if all(isinstance(pick, slice) for pick in picks):
        return (*view, Ellipsis), ()
    shapes = [pick.shape for pick in picks if not isinstance(pick, slice)]
    try:
        if len(shapes) > 1:
            np.broadcast_shapes(*shapes)
    except ValueError:
        raise IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join([str(list(shape)) for shape in shapes])
        ) from None
    return (*view, Ellipsis), tuple(picks)


def _as_tuple(index: Any) -> tuple[Any, ...]:
    """Return what stands between the brackets as a tuple of entries.

    A list is one entry, an array of positions, unless something in it is more than a number: then
    it stands for a tuple, as it did in NumPy long ago and does in PyTorch.
    """
    if isinstance(index, tuple):
        return index
    if isinstance(index, list) and any(
        isinstance(x, (list, tuple, slice, np.ndarray, Variable)) or x is None or x is Ellipsis
        for x in index
    ):
        return tuple(index)
    return (index,)


def _entry(entry: Any) -> Any:
    """Return one entry of an index as a bool, int, slice, None, Ellipsis, array or tensor."""
    if isinstance(entry, int) or entry is None or entry is Ellipsis:
        return entry
    if isinstance(entry, slice):
        start, stop, step = (
            x.array.item() if isinstance(x, Variable) else x
            for x in (entry.start, entry.stop, entry.step)
        )
        if step is not None and step <= 0:
            raise ValueError(
                "step must be greater than zero" if step else "slice step cannot be zero"
            )
        return slice(start, stop, step)
    if isinstance(entry, (list, tuple, range)):
        entry = _array_of_positions(entry)
    array = entry.array if isinstance(entry, Variable) else entry
    if isinstance(array, np.generic) or is_array(array):
        if array.dtype.kind not in "biu" or array.dtype.name not in _INDEX_DTYPES:
            raise IndexError(
                "tensors used as indices must be long, int, byte or bool tensors\n"
                f"  This one is {array.dtype} {tuple(array.shape)}; convert it, as in x.long()"
            )
        return array.item() if array.ndim == 0 else entry
    if isinstance(entry, str):
        raise TypeError(f"new(): invalid data type {type(entry).__name__!r}")
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
        f"indices (got {type(entry).__name__})"
    )


_INDEX_DTYPES = ("int64", "int32", "uint8", "bool")


def _array_of_positions(numbers: Any) -> np.ndarray:
    """Return nested sequences of positions or bools as an array."""
    numbers = [x.array.tolist() if isinstance(x, Variable) else x for x in numbers]
    if not numbers:
        return np.zeros(0, int64)
    try:
        array = np.asarray(numbers)
    except ValueError:
        raise ValueError(
            "expected sequences of equal length in an index: the lists in it are ragged"
        ) from None
    if array.dtype.kind == "U":
        raise TypeError("new(): invalid data type 'str'")
    return array


def _dimensions_taken(entry: Any) -> int:
    """Return how many dimensions of the indexed tensor ``entry`` is about."""
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    if isinstance(entry, (int, slice)):
        return 1
    return entry.ndim if _is_mask(entry) else 1


def _is_mask(entry: Any) -> bool:
    return entry.dtype.name in ("bool", "uint8")


def _positions(entry: Any, dim: int, shape: tuple[int, ...], xp: Any) -> list[Any]:
    """Return the picks that an array or tensor means, for the leading dimensions of ``shape``.

    ``dim`` is the dimension of the view that it stands for.
    """
    if not _is_mask(entry):
        if entry.dtype != int64 or not isinstance(entry, Variable):
            entry = xp.asarray(entry.array if isinstance(entry, Variable) else entry, int64)
        numbers = entry.array if isinstance(entry, Variable) else entry
        if numbers.size:
            _check_position(int(numbers.min()), int(numbers.max()), dim, shape[0])
        return [entry]
    mask = xp.asarray(entry.array if isinstance(entry, Variable) else entry)
    if mask.shape != shape[: mask.ndim]:
        wrong = next(d for d in range(mask.ndim) if mask.shape[d] != shape[d])
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {wrong} does not match the shape "
            f"of the indexed tensor {list(shape)} at index {dim + wrong}"
        )
    return list(mask.nonzero())


def _check_position(low: int, high: int, dim: int, size: int) -> None:
    """Raise for positions outside a dimension. CuPy would wrap them round without a word."""
    if low < -size or high >= size:
        raise IndexError(
            f"index {high if high >= size else low} is out of bounds for dimension {dim} with size "
            f"{size}"
        )


class Index(Operation):
    """x[view][picks].  Gradient: zeros with g added there.  Saves the picks and the shape.

    A view if there are no picks, else a copy. ``unique`` promises that no element is picked twice.
    """

    def forward(self, x: Array, view: View, unique: bool, *picks: Any) -> Array:
        self.save_for_backward(*picks)
        self.returns_view = not picks
        self.shape, self.view, self.unique = x.shape, view, unique or not picks
        y = x[view]
        return y[picks] if picks else y

    def backward(self, grad: Any) -> Any:
        return IndexAdd.apply(grad, self.shape, self.view, self.unique, *self.saved_tensors)


class IndexAdd(Operation):
    """Zeros of a shape, with x added at [view][picks].  Gradient: g there.  Saves the picks."""

    def forward(
        self, x: Array, shape: tuple[int, ...], view: View, unique: bool, *picks: Any
    ) -> Array:
        self.save_for_backward(*picks)
        self.view, self.unique = view, unique
        y = array_module(x).zeros(shape, x.dtype)
        write(y, x, view, picks, accumulate=not unique)
        return y

    def backward(self, grad: Any) -> Any:
        return Index.apply(grad, self.view, self.unique, *self.saved_tensors)


class IndexPut(Operation):
    """x in which x[view][picks] is ``value``, or has ``value`` added to it if ``accumulate``.

    Gradient: dx = g, with zeros at the index unless it accumulated; dvalue = g at the index.  Saves
    the picks.  ``in_place`` writes into the memory of x; otherwise the result is a copy.
    """

    def forward(
        self, x: Array, value: Any, view: View, accumulate: bool, in_place: bool, *picks: Any
    ) -> Array:
        self.save_for_backward(*picks)
        self.view, self.accumulate = view, accumulate
        self.value_shape = getattr(value, "shape", ())
        y = x if in_place else x.copy(order="K")
        write(y, value, view, picks, accumulate)
        return y

    def backward(self, grad: Any) -> Any:
        picks = self.saved_tensors
        need_x, need_value = self.needs_input_grad[:2]
        grad_x, grad_value = grad, None
        if need_x and not self.accumulate:
            grad_x = IndexPut.apply(grad, 0, self.view, False, False, *picks)
        if need_value:
            grad_value = Index.apply(grad, self.view, False, *picks)
            lost = len(self.value_shape) - grad_value.ndim  # dimensions of size 1 in front
            if lost > 0:
                grad_value = grad_value.reshape((1,) * lost + grad_value.shape)
        return grad_x, grad_value


class ScatterReduce(Operation):
    """x, with the values s that are put at a place multiplied into it, or their extremum taken.

    ``how`` is "prod", "amax" or "amin"; ``include_self`` says whether the element of x at such a
    place counts, too.  Gradient of the product: g times the product of the other factors; of an
    extremum: g in equal parts to all that equal it.  Saves x, s, the result and the picks.

    Source: PyTorch, ``torch.Tensor.scatter_reduce``.
    """

    def forward(self, x: Array, s: Array, how: str, include_self: bool, *picks: Any) -> Array:
        self.how, self.include_self = how, include_self
        # In host memory: CuPy has no multiply.at.
        y, values, places = to_numpy(x).copy(), to_numpy(s), tuple(map(to_numpy, picks))
        if not include_self:
            limits = np.iinfo(y.dtype) if y.dtype.kind in "iu" else None
            low, high = (limits.min, limits.max) if limits else (-np.inf, np.inf)
            y[places] = {"prod": 1, "amax": low, "amin": high}[how]
        ufunc = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[how]
        ufunc.at(y, places, values)
        y = array_module(x).asarray(y)
        self.save_for_backward(x, s, y, *picks)
        return y

    def backward(self, grad: Any) -> Any:
        x, s, y, *picks = self.saved_tensors
        compute = self._slopes_of_product if self.how == "prod" else self._slopes_of_extremum
        grad_x, grad_s = compute(grad, x, s, y, picks)
        if not self.include_self:
            grad_x = IndexPut.apply(grad_x, 0, (...,), False, False, *picks)
        return grad_x, grad_s

    def _slopes_of_product(self, grad: Any, x: Any, s: Any, y: Any, picks: Any) -> Any:
        options = (self.how, self.include_self, *picks)
        nonzero = x.masked_fill(x == 0, 1)
        grad_x = grad * ScatterReduce.apply(nonzero, s, *options) / nonzero
        # A single zero at a place has the product of the others, which must leave it out.
        zero = s == 0
        zeros = _sum_at(zero.to(y.dtype), x.new_zeros(x.shape), picks)
        only = zero & (_pick(zeros, picks) == 1)
        others = ScatterReduce.apply(x, s.masked_fill(only, 1), *options)
        grad_s = _pick(grad * y, picks) / s.masked_fill(zero, 1)
        return grad_x, _pick(grad * others, picks).where(only, grad_s)

    def _slopes_of_extremum(self, grad: Any, x: Any, s: Any, y: Any, picks: Any) -> Any:
        mine = (x == y).to(y.dtype)
        if not self.include_self:
            mine = IndexPut.apply(mine, 0, (...,), False, False, *picks)
        theirs = (s == _pick(y, picks)).to(y.dtype)
        share = grad / _sum_at(theirs, mine, picks)
        return share * mine, _pick(share, picks) * theirs


def _pick(x: Any, picks: Any) -> Any:
    return Index.apply(x, (...,), False, *picks)


def _sum_at(values: Any, x: Any, picks: Any) -> Any:
    return IndexPut.apply(x, values, (...,), True, False, *picks)


def write(x: Array, value: Any, view: View, picks: Picks, accumulate: bool = False) -> None:
    """Do ``x[view][picks] = value`` on arrays, or ``+=``, where repeated positions count each time.

    Raises:
        RuntimeError: ``value`` does not broadcast to ``x[view][picks]``.
    """
    target = x[view]
    if is_array(value):
        arrays = [pick for pick in picks if not isinstance(pick, slice)]
        ndim = target.ndim - len(arrays) + max([pick.ndim for pick in arrays], default=0)
        value = value.astype(x.dtype, copy=False)
        while value.ndim > ndim and value.shape[0] == 1:
            value = value[0]
    try:
        if not accumulate:
            target[picks or ...] = value
        elif picks:
            sums = wide(target)
            array_module(x).add.at(sums, picks, wide(value))
            if sums is not target:
                target[...] = sums
        else:
            target += value
    except ValueError:
        raise RuntimeError(_misfit(value, target, picks)) from None


def _misfit(value: Array, target: Array, picks: Picks) -> str:
    """Return the text for a value that does not broadcast to ``target[picks]``."""
    shape = value.shape
    if picks:
        return (
            f"shape mismatch: value tensor of shape {list(shape)} cannot be broadcast to indexing "
            f"result of shape {list(target[picks].shape)}"
        )
    for back, (size, wanted) in enumerate(zip(shape[::-1], target.shape[::-1]), 1):
        if size not in (1, wanted):
            return (
                f"The expanded size of the tensor ({wanted}) must match the existing size ({size}) "
                f"at non-singleton dimension {target.ndim - back}.  Target sizes: "
                f"{list(target.shape)}.  Tensor sizes: {list(shape)}"
            )
    return (
        f"expand(torch.{type_name(value.dtype)}Tensor{{{list(shape)}}}, size="
        f"{list(target.shape)}): the number of sizes provided ({target.ndim}) must be greater or "
        f"equal to the number of dimensions in the tensor ({len(shape)})"
    )


def along(
    name: str, shape: tuple[int, ...], dim: int, index: Any, source: tuple[int, ...] | None = None
) -> Picks:
    """Return the picks of ``x[i, index[i, j], …]``: a grid, with the tensor ``index`` for ``dim``.

    Args:
        name: the operation, for the error text: gather or scatter.
        shape: that of ``x``.
        dim: the dimension in which ``index`` counts.
        index: an int64 tensor with as many dimensions as ``x``.
        source: the shape of what is scattered, if anything is.

    Raises:
        RuntimeError: the index has another dtype or other dimensions, is larger than ``x`` (or the
            source), or names a position that does not exist.
    """
    positions = index.array
    if positions.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"{name}(): Expected dtype int32/int64 for index\n  This one is {positions.dtype}"
        )
    owner = "input" if source is None else "self"
    if positions.ndim != len(shape):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {owner} tensor\n"
            f"  {name}: index {list(positions.shape)}, tensor {list(shape)}"
        )
    if source is not None and len(source) != positions.ndim:
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as src tensor\n"
            f"  {name}: index {list(positions.shape)}, src {list(source)}"
        )
    for d, size in enumerate(positions.shape):
        if positions.size and (
            (d != dim and size > shape[d]) or (source is not None and size > source[d])
        ):
            if source is None:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(positions.shape)} "
                    f"to be no larger than self {list(shape)} apart from dimension {dim}"
                )
            raise RuntimeError(
                f"Expected index {list(positions.shape)} to be no larger than self {list(shape)} "
                f"apart from dimension {dim} and to be no larger size than src {list(source)}"
            )
    if positions.size:
        low, high = int(positions.min()), int(positions.max())
        if low < 0 or high >= shape[dim]:
            raise RuntimeError(
                f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size "
                f"{shape[dim]}"
            )
    xp = array_module(positions)
    return tuple([
        index if d == dim else xp.arange(size).reshape([-1] + [1] * (positions.ndim - 1 - d))
        for d, size in enumerate(positions.shape)
    ])  # fmt: skip


# --- one index, and repetitions along a dimension ------------------------------------------------


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return a view of one index of ``dim``, without that dimension.

    Raises:
        IndexError: there is no such dimension or index.
    """
    require_tensors("select", input=input)
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at "
            f"dimension {dim}"
        )
    return Index.apply(input, (*((_WHOLE,) * dim), index, ...), False)


def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Return each element repeated in place along ``dim``, or of all elements in a row.

    Args:
        input: the tensor.
        repeats: how often: a number, or a vector of integers, one for each element of ``dim``.
        dim: the dimension; None means the flattened tensor.

    Raises:
        RuntimeError: ``repeats`` is negative, or has another size than ``dim``.
    """
    require_tensors("repeat_interleave", input=input)
    if dim is None:
        input, dim = ravel(input), 0
    dim = normalize_dim(dim, input.ndim)
    require_dimensions(input, dim)
    size = input.shape[dim]
    counts = repeats.array if isinstance(repeats, Variable) else np.asarray(repeats)
    if counts.size and int(counts.min()) < 0:
        raise RuntimeError("Repeats must be non-negative")
    if counts.ndim and counts.size not in (1, size):
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{counts.size} and input.size({dim}) = {size}"
        )
    counts = np.broadcast_to(to_numpy(counts), (size,))
    positions = array_module(input.array).asarray(np.arange(size).repeat(counts))
    return Index.apply(input, (...,), False, *((_WHOLE,) * dim), positions)
