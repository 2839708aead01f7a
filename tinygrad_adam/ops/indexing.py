"""Elements by position: ``x[…]``, index_select, gather, scatter and their kin.

Their gradients put elements back where they came from, and add where a position was picked twice.
``g`` is the gradient of the result.

An index picks in two stages, as in PyTorch. First comes what picks a regular grid, a *view* of the
memory: integers, slices, None, Ellipsis. Then, in that view, what picks by arrays of positions,
the *picks*: for each dimension a whole slice or an int64 array; none at all if there is no array.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import (
    Array,
    address,
    array_module,
    convert_number,
    is_array,
    memory_of,
    to_numpy,
)
from tinygrad_adam.backend.dtypes import bool_, int64, is_differentiable, type_name
from tinygrad_adam.backend.sums import wide
from tinygrad_adam.ops.arguments import (
    Dims,
    Number,
    Operand,
    all_ints,
    as_int,
    checked,
    common_shape,
    fitted,
    is_one,
    is_tensor_here,
    kind_name,
    normalize_dim,
    require_dimensions,
)
from tinygrad_adam.ops.elementwise import (
    flat_in_inputs,
    masked_fill,
    overwritten,
    require_real,
    where,
)
from tinygrad_adam.ops.shapes import cast, clone, expand, ravel, reshape

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

View = tuple[Any, ...]
Picks = tuple[Any, ...]

_WHOLE = slice(None)


# --- what an index means -------------------------------------------------------------------------


def _array(x: Any) -> Any:
    """Return the array of a tensor; anything else as it is."""
    return x.array if isinstance(x, Traced) else x


def _simple_view(index: Any, x: Array) -> View | None:
    """Return the view that an index of ints, slices, None and Ellipsis means.

    None if there is something else in it, or something that does not fit the shape.
    """
    entries = index if type(index) is tuple else (index,)
    ellipsis = False
    for entry in entries:
        kind = type(entry)
        if entry is Ellipsis:
            ellipsis = True
        elif kind is slice:
            if not {type(entry.start), type(entry.stop), type(entry.step)} <= _PLAIN:
                return None
            if entry.step is not None and entry.step <= 0:
                return None
        elif kind is not int and entry is not None:
            return None
    view = entries if ellipsis else (*entries, Ellipsis)
    try:
        x[view]
    except IndexError:
        return None
    return view


_PLAIN = {int, type(None)}


def resolve(index: Any, x: Any) -> tuple[View, Picks]:
    """Return the view and the picks that ``x[index]`` means, for a tensor or array x.

    Positions given by an int64 tensor stay that tensor, so that writing into it later is noticed.

    Raises:
        IndexError: something in ``index`` cannot be an index, or does not fit the shape of ``x``.
        TypeError: there is text in it.
        ValueError: a slice goes backwards, or nested lists are ragged.
    """
    x = _array(x)
    simple = _simple_view(index, x)
    if simple is not None:
        return simple, ()
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
        elif entry is None or isinstance(entry, slice):
            view.append(entry)
            picks.append(_WHOLE)
            dim += entry is not None
        elif isinstance(entry, bool):
            view.append(None)
            picks.append(array_module(x).zeros(int(entry), int64))
        elif isinstance(entry, int):
            if not -x.shape[dim] <= entry < x.shape[dim]:
                raise _out_of_bounds(IndexError, entry, place, x.shape[dim])
            view.append(entry)
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
        isinstance(x, (list, tuple, slice, np.ndarray, Traced)) or x is None or x is Ellipsis
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
            operator.index(x) if isinstance(x, Traced) else x  # type: ignore[arg-type]
            for x in (entry.start, entry.stop, entry.step)
        )
        if step is not None and step <= 0:
            raise ValueError(
                "step must be greater than zero" if step else "slice step cannot be zero"
            )
        return slice(start, stop, step)
    if isinstance(entry, (list, tuple, range)):
        entry = _array_of_positions(entry)
    array = _array(entry)
    if isinstance(array, np.generic) or is_array(array):
        if array.dtype.kind not in "biu" or (
            isinstance(entry, Traced) and array.ndim and array.dtype.name in ("int8", "int16")
        ):
            raise IndexError(
                "tensors used as indices must be long, int, byte or bool tensors\n"
                f"  This one is {array.dtype} {tuple(array.shape)}; convert it, as in x.long()"
            )
        if array.ndim:
            return entry
        # A 0-d uint8 tensor is a mask, as one with dimensions; a number of NumPy's is a number.
        mask = array.dtype.name in _MASKS and not isinstance(array, np.uint8)
        return bool(array) if mask else int(array)
    if isinstance(entry, (str, bytes)):
        raise TypeError(f"new(): invalid data type {type(entry).__name__!r}")
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
        f"indices (got {type(entry).__name__})"
    )


def _array_of_positions(numbers: Any) -> np.ndarray:
    """Return nested sequences of positions or bools as an array."""
    numbers = [x.array.tolist() if isinstance(x, Traced) else x for x in numbers]
    if not numbers:
        return np.zeros(0, int64)
    try:
        array = np.asarray(numbers)
    except ValueError:
        raise ValueError(
            "expected sequences of equal length in an index: the lists in it are ragged"
        ) from None
    if array.dtype.kind in "US":
        raise TypeError(f"new(): invalid data type {array.dtype.type.__name__.strip('_')!r}")
    return array


def _dimensions_taken(entry: Any) -> int:
    """Return how many dimensions of the indexed tensor ``entry`` is about."""
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    return entry.ndim if _is_mask(entry) else 1


def _is_mask(entry: Any) -> bool:
    return hasattr(entry, "dtype") and entry.dtype.name in _MASKS


_MASKS = ("bool", "uint8")


def _positions(entry: Any, dim: int, shape: tuple[int, ...], xp: Any) -> list[Any]:
    """Return the picks that an array or tensor means, for the leading dimensions of ``shape``.

    ``dim`` is the dimension of the view that it stands for.
    """
    if not _is_mask(entry):
        if entry.dtype != int64 or not isinstance(entry, Traced):
            entry = xp.asarray(_array(entry), int64)
        _check_positions(_array(entry), dim, shape[0], -shape[0], IndexError)
        return [entry]
    mask = xp.asarray(_array(entry))
    if mask.dtype != bool_:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
            "instead.",
            stacklevel=4,
        )
    if mask.shape != shape[: mask.ndim]:
        wrong = next(d for d in range(mask.ndim) if mask.shape[d] != shape[d])
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {wrong} does not match the shape "
            f"of the indexed tensor {list(shape)} at index {dim + wrong}"
        )
    return list(mask.nonzero())


def _check_positions(
    positions: Array, dim: int, size: int, least: int = 0, error: type[Exception] = RuntimeError
) -> None:
    """Raise for positions outside a dimension. CuPy would wrap them round without a word."""
    if positions.size:
        low, high = int(positions.min()), int(positions.max())
        if low < least or high >= size:
            raise _out_of_bounds(error, low if low < least else high, dim, size)


def _out_of_bounds(error: type[Exception], position: int, dim: int, size: int) -> Exception:
    return error(f"index {position} is out of bounds for dimension {dim} with size {size}")


def require_rows(positions: Array, size: int) -> None:
    """Raise IndexError for positions that are not among the first ``size``."""
    if positions.size and not 0 <= int(positions.min()) <= int(positions.max()) < size:
        raise IndexError(
            f"index out of range in self\n  The positions run from {positions.min()} to "
            f"{positions.max()}, there are 0 to {size - 1}"
        )


def _require_index_dtype(function: str, index: Any) -> None:
    if index.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"{function}(): Expected dtype int32/int64 for index\n  This one is {index.dtype}"
        )


# --- x[index], and its gradient ------------------------------------------------------------------


def shown_view(view: View, form: Any) -> Any:
    """Return how PyTorch's graph shows the steps of a view of what has the form ``form``."""
    for entry in view:
        if entry is None:
            form = ("UnsqueezeBackward0", form)
        elif isinstance(entry, int):
            form = ("SelectBackward0", form)
        elif isinstance(entry, slice) and entry != _WHOLE:
            form = ("SliceBackward0", form)
    return form


class Index(Operation):
    """x[view]: a view.  Gradient: g there, zeros elsewhere.  Saves the shape."""

    def shown(self) -> Any:
        """Return PyTorch's form: one node for each step."""
        form = shown_view(self.view, 0)
        return form if isinstance(form, tuple) else ("AliasBackward0", 0)

    returns_view = True

    def forward(self, x: Array, view: View) -> Array:
        self.shape, self.view = x.shape, view
        return x[view]

    def backward(self, grad: Any) -> Any:
        return IndexZeros.apply(grad, self.shape, self.view)


class IndexZeros(Operation):
    """Zeros of a shape, with x at [view].  Gradient: g there."""

    def forward(self, x: Array, shape: tuple[int, ...], view: View) -> Array:
        self.view = view
        y = array_module(x).zeros(shape, x.dtype)
        y[view] = x
        return y

    def backward(self, grad: Any) -> Any:
        return Index.apply(grad, self.view)


class Pick(Operation):
    """x[view][picks]: a copy.  Gradient: zeros with g added there.  Saves the picks and the shape.

    ``unique`` promises that no element is picked twice.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: what is indexed may be a view."""
        return self.backward_name or "IndexBackward0", shown_view(self.view, 0)

    def forward(self, x: Array, view: View, unique: bool, *picks: Any) -> Array:
        self.save(*picks)
        self.shape, self.view, self.unique = x.shape, view, unique
        return x[view][picks]

    def backward(self, grad: Any) -> Any:
        return PickZeros.apply(grad, self.shape, self.view, self.unique, *self.saved)


class Choose(Pick):
    """:class:`Pick` of what x itself decided on, as in sorting: the second derivative is 0."""

    def backward(self, grad: Any) -> Any:
        return flat_in_inputs(self, super().backward(grad))


class PickZeros(Operation):
    """Zeros of a shape, with x added at [view][picks].  Gradient: g there.  Saves the picks."""

    def forward(
        self, x: Array, shape: tuple[int, ...], view: View, unique: bool, *picks: Any
    ) -> Array:
        self.save(*picks)
        self.view, self.unique = view, unique
        y = array_module(x).zeros(shape, x.dtype)
        write(y, x, view, picks, accumulate=not unique)
        return y

    def backward(self, grad: Any) -> Any:
        return Pick.apply(grad, self.view, self.unique, *self.saved)


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return the elements at ``index``: ints, slices, None, Ellipsis, bool and int tensors.

    A view if there are no tensors or lists among them, else a copy.

    Raises:
        IndexError: the index does not fit the shape, or something in it cannot be an index.
        ValueError: a slice goes backwards.
    """
    view, picks = resolve(index, input)
    return _pick(input, picks, view)


class AsStrided(Operation):
    """The elements of a memory at steps of one's own: a view.

    ``steps``, ``start`` and ``lay`` (the steps of x) count elements; ``start`` is relative to the
    first of x.  Gradient: that of all places where an element is read, summed.
    """

    returns_view = True

    def forward(self, x: Array, shape: Dims, steps: Dims, start: int, lay: Dims) -> Array:
        xp = array_module(x)
        if self.needs_input_grad[0]:
            mine, theirs = _places(x.shape, lay), _places(shape, steps) + start
            first = min(mine.min(initial=0), theirs.min(initial=0))
            self.size = int(max(mine.max(initial=0), theirs.max(initial=0)) - first + 1)
            self.save(xp.asarray(mine - first), xp.asarray(theirs - first))
        if tuple([step // x.itemsize for step in x.strides]) != lay and x.size:
            x = in_steps(x, lay)  # a gradient, which may lie otherwise
        memory = memory_of(x)
        first = start + (address(x) - address(memory)) // x.itemsize
        bytes_ = tuple([step * x.itemsize for step in steps])
        return xp.lib.stride_tricks.as_strided(memory[first:], shape, bytes_)

    def backward(self, grad: Any) -> Any:
        mine, theirs = self.saved
        whole = PickZeros.apply(grad, (self.size,), (...,), False, theirs)
        return Pick.apply(whole, (...,), False, mine)


def _places(shape: tuple[int, ...], steps: tuple[int, ...]) -> np.ndarray:
    """Return where each element lies, counted in elements from the first."""
    places = np.zeros(shape, int64)
    for d, (size, step) in enumerate(zip(shape, steps)):
        places += (np.arange(size) * step).reshape([-1] + [1] * (len(shape) - 1 - d))
    return places


def in_steps(x: Array, steps: tuple[int, ...]) -> Array:
    """Return a copy of ``x`` that lies in memory with these steps, counted in elements."""
    places = _places(x.shape, steps)
    xp = array_module(x)
    memory = xp.zeros(int(places.max()) + 1, x.dtype)
    memory[xp.asarray(places)] = x
    bytes_ = tuple([step * x.itemsize for step in steps])
    return xp.lib.stride_tricks.as_strided(memory, x.shape, bytes_)


@checked
def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """Return a view of the memory of ``input`` with a shape and steps of one's own, in elements.

    The first element is number ``storage_offset`` of the memory; unless said, that of ``input``.

    Raises:
        RuntimeError: sizes and steps differ in number, one is negative, or the memory is shorter.
    """
    return AsStrided.apply(input, *strided(input, size, stride, storage_offset))


def strided(input: Any, size: Any, stride: Any, storage_offset: int | None) -> tuple[Any, ...]:
    """Return the options of :class:`AsStrided` for the arguments of :func:`as_strided`."""
    shape, steps = tuple(all_ints("size", size)), tuple(all_ints("stride", stride))
    here = input.storage_offset()
    start = here if storage_offset is None else storage_offset
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    if min(steps, default=0) < 0:
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(steps)}"
        )
    if start < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {start}")
    last = start + sum((n - 1) * step for n, step in zip(shape, steps))
    held, width = memory_of(input.array).size, input.itemsize
    if 0 not in shape and last >= held:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(steps)}, storage offset {start}, and "
            f"itemsize {width} requiring a storage size of {(last + 1) * width} are out of bounds "
            f"for storage of size {held * width}"
        )
    return shape, steps, start - here, input.stride()


class IndexPut(Operation):
    """A copy of x in which x[view][picks] is ``value``, or has it added to it if ``accumulate``.

    Gradient: dx = g, with zeros at the index unless it accumulated; dvalue = g at the index.  Saves
    the picks.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: without the indices."""
        return "IndexPutBackward0", 0, 1

    def forward(self, x: Array, value: Any, view: View, accumulate: bool, *picks: Any) -> Array:
        self.save(*picks)
        self.view, self.accumulate = view, accumulate
        self.value_shape = getattr(value, "shape", ())
        y = x[...].copy(order="K")  # [...], since a number of NumPy's cannot be written to
        write(y, value, view, picks, accumulate)
        return y

    def backward(self, grad: Any) -> Any:
        picks = self.saved
        need_x, need_value = self.needs_input_grad[:2]
        grad_x = grad_value = None
        if need_x:
            grad_x = grad if self.accumulate else _put(grad, 0, picks, self.view)
        if need_value:
            grad_value = _pick(grad, picks, self.view)
            lost = len(self.value_shape) - grad_value.ndim  # dimensions of size 1 in front
            if lost > 0:
                grad_value = reshape(grad_value, (1,) * lost + grad_value.shape)
        return grad_x, grad_value


def _pick(x: Any, picks: Any, view: View = (...,)) -> Any:
    return Pick.apply(x, view, False, *picks) if picks else Index.apply(x, view)


def _put(x: Any, value: Any, picks: Any, view: View = (...,)) -> Any:
    return IndexPut.apply(x, value, view, False, *picks)


def _sum_at(x: Any, values: Any, picks: Any) -> Any:
    return IndexPut.apply(x, values, (...,), True, *picks)


def put(input: Tensor, view: View, accumulate: bool, picks: Picks, value: Any) -> Tensor:
    """Return a copy in which the elements at [view][picks] are, or grow by, ``value``.

    Args:
        input: the tensor.
        view: with ``picks``, what :func:`resolve` made of an index.
        accumulate: add; repeated positions count each time.
        picks: see ``view``.
        value: as for :func:`value_to_put`; it broadcasts.

    Raises:
        RuntimeError: the value has the wrong shape or dtype.
    """
    value = value_to_put(input, picks, value)
    return IndexPut.apply(input, value, view, accumulate, *picks)


def value_to_put(input: Any, picks: Picks, value: Any) -> Any:
    """Return a number or tensor as one that fits ``input``.

    Raises:
        RuntimeError: it is a tensor of another dtype, to be put where arrays pick; or a number
            that the dtype does not hold.
        TypeError: it is something else.
    """
    if isinstance(value, (bool, int, float, complex, np.number, np.bool_)):
        return convert_number(value, input.dtype)
    tensor: Any = value
    if not isinstance(value, Traced):
        raise TypeError(
            f"can't assign a {kind_name(value)} to a torch.{type_name(input.dtype)}Tensor\n"
            "  tensor(…) makes a tensor of numbers, lists and arrays"
        )
    if picks and tensor.dtype != input.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{type_name(input.dtype)} for the destination and "
            f"{type_name(tensor.dtype)} for the source."
        )
    return tensor.to(input.device, input.dtype)


@checked
def index_put(
    input: Tensor, indices: Sequence[Any], values: Tensor, accumulate: bool = False
) -> Tensor:
    """Return a copy in which the elements at ``input[indices]`` are, or grow by, ``values``.

    Errors as for :func:`getitem` and :func:`put`.
    """
    view, picks = resolve(tuple(indices), input)
    if not accumulate:
        values = masked_value(input, tuple(indices), values)
    return put(input, view, accumulate, picks, values)


def masked_value(input: Any, index: Any, value: Any) -> Any:
    """Return a tensor of one element, to be put where one mask picks, in the dtype of ``input``.

    Any other value as it is: it must have that dtype already.
    """
    if not is_tensor_here(value) or value.dtype == input.dtype or math.prod(value.shape) != 1:
        return value
    entries = [_entry(entry) for entry in _as_tuple(index)]
    arrays = [x for x in entries if isinstance(x, bool) or hasattr(x, "dtype")]
    one_mask = isinstance(index, bool) or (len(arrays) == 1 and _is_mask(arrays[0]))
    return cast(value, input.dtype) if one_mask else value


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
        if not picks:
            expand(value, target.shape)  # which says what is wrong
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to "
            f"indexing result of shape {list(target[picks].shape)}"
        ) from None


# --- positions of elements -----------------------------------------------------------------------


class Nonzero(Operation):
    """The positions of the elements that are not zero, int64.  No gradient."""

    def forward(self, x: Array, as_tuple: bool) -> Any:
        xp = array_module(x)
        found = tuple(xp.nonzero(x if x.ndim else x.reshape(1)))
        return found if as_tuple else xp.stack(found, axis=-1)[:, : x.ndim]


@checked
def nonzero(input: Tensor, as_tuple: bool = False, *, out: Any = None) -> Any:
    """Return the positions of the elements that are not zero: (count, ndim), or a tuple.

    The tuple has a vector for each dimension; for a 0-d tensor, one.
    """
    return Nonzero.apply(input, as_tuple)


@checked
def argwhere(input: Tensor) -> Tensor:
    """Return the positions of the elements that are not zero: (count, ndim), int64."""
    return nonzero(input)


@as_one("MaskedSelect", "input")
@checked
def masked_select(input: Tensor, mask: Tensor, *, out: Any = None) -> Tensor:
    """Return the elements where ``mask`` (bool, broadcast) holds, as a vector."""
    if mask.dtype != bool_:
        raise RuntimeError(
            f"masked_select: expected BoolTensor for mask\n  This one is {mask.dtype}"
        )
    shape = common_shape(input.shape, mask.shape)
    return getitem(expand(input, shape), expand(mask, shape))


@as_one("Take", "input")
@checked
def take(input: Tensor, index: Tensor, *, out: Any = None) -> Tensor:
    """Return the elements at positions in the flattened tensor, in the shape of ``index``."""
    if index.dtype != int64:
        raise RuntimeError(
            f"take(): Expected a long tensor for index, but got {type_name(index.dtype)}"
        )
    return getitem(reshape(input, (-1,)), index)


# --- whole slices along a dimension --------------------------------------------------------------


def _with_size(shape: tuple[int, ...], dim: int, size: int) -> tuple[int, ...]:
    """Return a shape with another size of one dimension."""
    return tuple([size if d == dim else n for d, n in enumerate(shape)])


def _picks_along(dim: int, index: Any) -> Picks:
    """Return what picks the positions ``index`` along ``dim`` and everything elsewhere."""
    return (_WHOLE,) * dim + (reshape(index, (-1,)) if index.ndim != 1 else index,)


@as_one("IndexSelect", "input")
@checked
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Any = None) -> Tensor:
    """Return the elements at the positions ``index`` (1-d, integers) along ``dim``: a copy.

    Raises:
        IndexError: the index is no vector, or names a position that does not exist.
        RuntimeError: its dtype is not int32 or int64.
    """
    dim = normalize_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    _require_index_dtype("index_select", index)
    if input.ndim == 0:
        count = math.prod(index.shape)
        if count != 1:
            raise RuntimeError(
                f"index_select(): Index to scalar can have only 1 value, got {count} value(s)"
            )
        return reshape(index_select(reshape(input, (1,)), 0, index), ())
    require_rows(_array(index), input.shape[dim])
    return _pick(input, _picks_along(dim, index))


@as_one("IndexAdd", "input", "(dim", "(index", "source")
@checked
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1, out: Any = None
) -> Tensor:
    """Return a copy to which alpha · ``source`` is added at the positions ``index`` of ``dim``.

    Args:
        input: the tensor.
        dim: the dimension.
        index: a vector of integers; a position may occur several times.
        source: shaped as this tensor, but as long as ``index`` along ``dim``.
        alpha: a factor.

    Raises:
        IndexError: there is no such position.
        RuntimeError: the index, the shape or the dtype does not fit.

    Source: PyTorch, ``torch.index_add``.
    """
    shape = input.shape
    input, source, picks = _to_write("index_add", input, dim, index, source)
    return reshape(_sum_at(input, source if is_one(alpha) else source * alpha, picks), shape)


@as_one("IndexCopy", "input", "(dim", "(index", "source")
@checked
def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Any = None
) -> Tensor:
    """Return a copy with ``source`` at positions along ``dim``; see :func:`index_add`."""
    shape = input.shape
    return reshape(_put(*_to_write("index_copy", input, dim, index, source)), shape)


@as_one("IndexFill", "input")
@checked
def index_fill(input: Tensor, dim: int, index: Tensor, value: Operand) -> Tensor:
    """Return a copy with ``value``, a number or 0-d tensor, at positions along ``dim``."""
    if not isinstance(value, Traced):
        if isinstance(value, complex) and input.dtype.kind != "c":
            raise RuntimeError(
                "index_fill_(): Converting complex Scalar to non-complex type is not supported"
            )
        value = convert_number(value, input.dtype)
    elif value.array.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.array.ndim} dimension(s)."
        )
    dim = normalize_dim(dim, input.ndim)
    if index.dtype != int64:
        raise IndexError(
            f"index_fill_(): Expected dtype int64 for index.\n  This one is {index.dtype}"
        )
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if input.ndim == 0:
        return reshape(index_fill(reshape(input, (1,)), 0, index, value), ())
    # By a mask: a position that is named twice is filled, and counts for the gradient, once.
    positions, size = _array(index), input.shape[dim]
    _check_positions(positions, dim, size, least=-size, error=IndexError)
    mask = array_module(positions).zeros((size,) + (1,) * (input.ndim - dim - 1), bool)
    mask[positions] = True
    return masked_fill(input, input._wrap(mask), value)


def _to_write(name: str, input: Any, dim: int, index: Any, source: Any) -> tuple[Any, Any, Picks]:
    """Return input and source, numbers as vectors, and what picks the positions along ``dim``."""
    dim = normalize_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(
            f"{name}_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: "
            f"{type_name(index.dtype)} and size: {list(index.shape)}"
            if name == "index_add"
            else f"{name}_(): Index should have dimension 1 or 0 (got {index.ndim})"
        )
    _require_index_dtype(f"{name}_", index)
    if input.dtype != source.dtype:
        mine, theirs = type_name(input.dtype), type_name(source.dtype)
        raise RuntimeError(
            f"{name}_(): self ({mine}) and source ({theirs}) must have the same scalar type"
            if name == "index_add"
            else f"{name}_(): self and source expected to have the same dtype, but got (self) "
            f"{mine} and (source) {theirs}"
        )
    count = math.prod(index.shape)
    if name == "index_copy":
        _check_copy(input, dim, count, source)
    x, rows = [reshape(y, (1,)) if y.ndim == 0 else y for y in (input, source)]
    if dim < rows.ndim and count != rows.shape[dim]:
        raise RuntimeError(
            f"{name}_(): Number of indices ({count}) should be equal to source.size(dim): "
            f"({rows.shape[dim]}), for dim: {dim}"
        )
    if name == "index_add" and source.shape != _with_size(input.shape, dim, count):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        )
    _check_positions(_array(index), dim, x.shape[dim], error=IndexError)
    return x, rows, _picks_along(dim, index)


def _check_copy(input: Any, dim: int, count: int, source: Any) -> None:
    """Raise what index_copy says where the source does not fit ``count`` positions."""
    mine, theirs = input.shape, source.shape
    if mine and theirs and len(mine) != len(theirs):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must "
            f"match. Source dimensionality ({len(theirs)}), destination dimensionality "
            f"({len(mine)})"
        )
    if not theirs and count != 1:
        raise IndexError(
            f"index_copy_(): When source is scalar, index should have one element (got {count})"
        )
    if theirs and count != theirs[dim]:
        raise IndexError(
            f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) "
            f"({theirs[dim]})"
        )
    mine, theirs = (shape[:dim] + shape[dim + 1 :] for shape in (mine, theirs))
    if mine != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            f"slice shape: {' '.join(map(str, mine))} at dimension {dim} and source slice shape: "
            f"{' '.join(map(str, theirs))} at dimension 0."
        )


# --- a position for each element: gather and scatter ---------------------------------------------


@as_one("Gather", "input")
@checked
def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Any = None
) -> Tensor:
    """Return y with y[i, j] = input[i, index[i, j]] for ``dim`` = 1, and so on.

    Args:
        input: the tensor.
        dim: the dimension in which ``index`` counts.
        index: int64, with as many dimensions as this tensor and no larger in the others.
        sparse_grad: must be False: gradients are dense here.

    Raises:
        RuntimeError: the index does not fit.
        NotImplementedError: ``sparse_grad``.

    Source: PyTorch, ``torch.gather``.
    """
    if sparse_grad:
        raise NotImplementedError("gather: sparse gradients are not supported")
    return pick_along(Pick, input, dim, index)


def pick_along(operation: type[Pick], input: Any, dim: int, index: Any) -> Any:
    """Do :func:`gather` by an operation, :class:`Pick` or :class:`Choose`."""
    dim = normalize_dim(dim, input.ndim)
    if input.ndim == 0 or index.ndim == 0:
        x, row = [reshape(t, t.shape or (1,)) for t in (input, index)]
        return reshape(pick_along(operation, x, 0, row), index.shape)
    if 0 in index.shape:  # of any dtype
        return reshape(getitem(reshape(input, (-1,)), slice(0, 0)), index.shape)
    picks = _along("gather", input.shape, dim, index)
    return operation.apply(input, (...,), index.shape[dim] == 1, *picks)


@checked
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Any = None
) -> Tensor:
    """Do :func:`gather` with both tensors broadcast to one shape; flattened without ``dim``.

    With ``dim``, negative indices count from the end.

    Raises:
        RuntimeError: the dimensions differ.
    """
    if indices.dtype != int64:
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{type_name(indices.dtype)}\n  Convert them with .long()"
        )
    if dim is None:
        return gather(reshape(input, (-1,)), 0, reshape(indices, (-1,)))
    if indices.ndim != input.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = normalize_dim(dim, input.ndim)
    common = common_shape(*[_with_size(x.shape, dim, 1) for x in (input, indices)])
    sizes = _with_size(common, dim, -1)
    indices = where(indices < 0, indices + input.shape[dim], indices)
    return gather(expand(input, sizes), dim, expand(indices, sizes))


class ScatterReduce(Operation):
    """x, with the values s that are put at a place multiplied into it, or their extremum taken.

    ``how`` is "prod", "amax" or "amin"; ``include_self`` says whether the element of x at such a
    place counts, too.  Gradient of the product: g times the product of the other factors; of an
    extremum: g in equal parts to all that equal it.  Saves x, s, the result and the picks.

    Source: PyTorch, ``torch.Tensor.scatter_reduce``.
    """

    def forward(self, x: Array, s: Array, how: str, include_self: bool, *picks: Any) -> Array:
        if how != "prod":
            require_real("scatter_reduce", x)
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
        self.save(x, s, y, *picks)
        return y

    def backward(self, grad: Any) -> Any:
        x, s, y, *picks = self.saved
        compute = self._slopes_of_product if self.how == "prod" else self._slopes_of_extremum
        grad_x, grad_s = compute(grad, x, s, y, picks)
        return grad_x if self.include_self else _put(grad_x, 0, picks), grad_s

    def _slopes_of_product(self, grad: Any, x: Any, s: Any, y: Any, picks: Any) -> Any:
        options = (self.how, self.include_self, *picks)
        factor = where(x == 0, 1, x)
        grad_x = grad * ScatterReduce.apply(factor, s, *options) / factor
        # A single zero at a place has the product of the others, which must leave it out.
        zero = s == 0
        zeros = _sum_at(overwritten(x, 0), cast(zero, y.dtype), picks)
        only = zero & (_pick(zeros, picks) == 1)
        others = ScatterReduce.apply(x, where(only, 1, s), *options)
        grad_s = _pick(grad * y, picks) / where(zero, 1, s)
        return grad_x, where(only, _pick(grad * others, picks), grad_s)

    def _slopes_of_extremum(self, grad: Any, x: Any, s: Any, y: Any, picks: Any) -> Any:
        mine = cast(x == y, y.dtype)
        if not self.include_self:
            mine = _put(mine, 0, picks)
        theirs = cast(s == _pick(y, picks), y.dtype)
        share = grad / _sum_at(mine, theirs, picks)
        return share * mine, _pick(share, picks) * theirs


@checked
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Operand | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
    out: Any = None,
) -> Tensor:
    """Return a copy y with y[i, index[i, j]] = src[i, j] for ``dim`` = 1, and so on.

    Args:
        input: the tensor.
        dim: the dimension in which ``index`` counts.
        index: int64, with as many dimensions as this tensor.
        src: a tensor at least as large as ``index``, or a number (also as ``value``).
        reduce: "add" or "multiply": add to what is there, or multiply it.

    Raises:
        RuntimeError: the index does not fit, or ``reduce`` is another word.

    Source: PyTorch, ``torch.scatter``.
    """
    source: Any = value if src is None else src
    if reduce is None:
        return _scatter("scatter", input, dim, index, source, False)
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if not is_tensor_here(source):
        source = input.new_full(index.shape, source)
    return scatter_reduce(input, dim, index, source, "sum" if reduce == "add" else "prod")


@as_one("ScatterAdd", "input", "(dim", "(index", "src")
@checked
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Any = None) -> Tensor:
    """Return a copy y with src[i, j] added to y[i, index[i, j]] for ``dim`` = 1, and so on.

    Arguments and errors as for :func:`scatter`.
    """
    return _scatter("scatter_add", input, dim, index, src, True)


@as_one("ScatterReduce", "input", "(dim", "(index", "src")
@checked
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Any = None,
) -> Tensor:
    """Return a copy with the values of ``src`` that :func:`scatter` puts at a place reduced.

    Args:
        input: the tensor.
        dim: the dimension in which ``index`` counts.
        index: int64, with as many dimensions as this tensor.
        src: a tensor at least as large as ``index``.
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether the element that stood at the place counts, too.

    Raises:
        RuntimeError: the index does not fit, or ``reduce`` is another word.

    Source: PyTorch, ``torch.scatter_reduce``.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "reduce argument must be either sum, prod, mean, amax or amin, got " + reduce
        )
    if reduce not in ("sum", "mean"):
        return _scatter("scatter", input, dim, index, src, (reduce, include_self))
    start = input if include_self else scatter(input, dim, index, 0)
    total = scatter_add(start, dim, index, src)
    if reduce == "sum":
        return total
    count = overwritten(input, int(include_self))
    count = _scatter("scatter_add", count, dim, index, 1, True)
    count = where(count == 0, 1, count)
    return total / count if is_differentiable(input.dtype) else total // count


def _scatter(name: str, input: Any, dim: int, index: Any, src: Any, accumulate: Any) -> Any:
    """Put, add (``accumulate`` True) or reduce (its kind, and whether with self) ``src``."""
    dim = normalize_dim(dim, input.ndim)
    is_number = not is_tensor_here(src)
    if is_number:
        src = convert_number(src, input.dtype)
    elif src.dtype != input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if input.ndim == 0 or index.ndim == 0:
        x, row = [reshape(t, t.shape or (1,)) for t in (input, index)]
        src = src if is_number else reshape(src, src.shape or (1,))
        return reshape(_scatter(name, x, 0, row, src, accumulate), input.shape)
    if 0 in index.shape:
        return clone(input)
    picks = _along(name, input.shape, dim, index, None if is_number else src.shape)
    if not is_number and src.shape != index.shape:
        src = getitem(src, tuple(map(slice, index.shape)))
    if isinstance(accumulate, tuple):
        return ScatterReduce.apply(input, src, *accumulate, *picks)
    return IndexPut.apply(input, src, (...,), accumulate, *picks)


def _along(
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
    _require_index_dtype(name, index)
    sizes, positions = index.shape, _array(index)
    own = "input" if source is None else "self"
    for owner, theirs in ((own, shape), ("src", sizes if source is None else source)):
        if len(theirs) != len(sizes):
            raise RuntimeError(
                f"Index tensor must have the same number of dimensions as {owner} tensor\n"
                f"  {name}: index {list(sizes)}, {owner} {list(theirs)}"
            )
    for d, size in enumerate(sizes):
        if (d != dim and size > shape[d]) or (source is not None and size > source[d]):
            start, end = f"Size does not match at dimension {d} expected", ""
            if source is not None:
                start, end = "Expected", f" and to be no larger size than src {list(source)}"
            raise RuntimeError(
                f"{start} index {list(sizes)} to be no larger than self {list(shape)} apart from "
                f"dimension {dim}{end}"
            )
    _check_positions(positions, dim, shape[dim])
    xp = array_module(positions)
    return tuple([
        index if d == dim else xp.arange(size).reshape([-1] + [1] * (positions.ndim - 1 - d))
        for d, size in enumerate(positions.shape)
    ])  # fmt: skip


# --- one index, and repetitions along a dimension ------------------------------------------------


@checked
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return a view of one index of ``dim``, without that dimension.

    Raises:
        IndexError: there is no such dimension or index.
    """
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at "
            f"dimension {dim}"
        )
    return Index.apply(input, (*((_WHOLE,) * dim), index, ...))


@checked
def repeat_interleave(
    input: Tensor | None = None,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: Any = None,
) -> Tensor:
    """Return each element repeated in place along ``dim``, or of all elements in a row.

    With counts alone, the position of each as often as its count says.

    Args:
        input: the tensor; without ``repeats``, the counts.
        repeats: how often: a number, or a vector of integers, one for each element of ``dim``.
        dim: the dimension; None means the flattened tensor.
        output_size: the size along ``dim`` that the result will have, if known.

    Raises:
        NotImplementedError: ``repeats`` is no tensor of int32 or int64.
        RuntimeError: it is negative, or has another size than ``dim``; or the sizes do not add up
            to ``output_size``.
        TypeError: an argument is something else.
    """
    if input is None or repeats is None:
        counts = repeats if input is None or dim is not None else input
        counts = fitted("repeat_interleave", "repeats", "Tensor", counts)
        if dim is not None:
            input = fitted("repeat_interleave", "input", "Tensor", input)
        if counts.ndim != 1:
            raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
        positions = np.arange(counts.shape[0], dtype=counts.dtype)
        input, repeats, dim = counts._wrap(array_module(counts.array).asarray(positions)), counts, 0
    if dim is None:
        input, dim = ravel(input), 0
    dim = normalize_dim(dim, input.ndim)
    require_dimensions(input, dim)
    size = input.shape[dim]
    if isinstance(repeats, (list, tuple, np.ndarray)):
        counts = np.asarray(repeats)
    elif isinstance(repeats, Traced):
        counts = to_numpy(repeats.array)
    else:
        counts = np.asarray(as_int("repeat_interleave", "repeats", 2, repeats))
    if counts.dtype.name not in ("int64", "int32"):
        raise NotImplementedError(
            f"\"repeat_interleave\" not implemented for '{type_name(counts.dtype)}'"
        )
    if counts.size and int(counts.min()) < 0:
        raise RuntimeError("Repeats must be non-negative")
    if counts.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if counts.ndim and counts.size not in (1, size):
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{counts.size} and input.size({dim}) = {size}"
        )
    positions = np.arange(size).repeat(np.broadcast_to(counts, (size,)))
    if output_size is not None and output_size != positions.size:
        raise RuntimeError(
            "allocated size does not match required size\n"
            f"  output_size is {output_size}, the counts add up to {positions.size}"
        )
    picks = array_module(input.array).asarray(positions)
    return Pick.apply(input, (...,), False, *((_WHOLE,) * dim), picks)
