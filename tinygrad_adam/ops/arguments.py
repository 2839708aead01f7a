"""Arguments as users write them, checked and made uniform: once, for all functions.

Every check raises PyTorch's error, in its words. A value that stands for a tensor may be an array
where values are arrays: inside ``forward``, and in a walk that nobody records.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from tinygrad_adam.autograd.errors import broadcast_error
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import Generator, can_cast, memory_format
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.backend.warn import warn

F = TypeVar("F", bound=Callable[..., Any])
Dims = tuple[int, ...]
Pair = tuple[int, int]
IntOrPair = int | Sequence[int]


# --- tensors -------------------------------------------------------------------------------------


def is_tensor_here(value: Any) -> bool:
    """Return whether ``value`` is a tensor, or an array where values are arrays."""
    return isinstance(value, Traced) or (hasattr(value, "dtype") and current_mode().arrays)


# What a value of another kind is converted with: it returns the value, or _REFUSED.
_REFUSED: Any = object()


def _a_tensor(value: Any) -> Any:
    return value if isinstance(value, Traced) else _REFUSED


def _an_int(value: Any) -> Any:
    """Take NumPy's integers and integer tensors of one element, and no bools."""
    if isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_:
        return _REFUSED
    try:
        return operator.index(value)
    except TypeError:
        return _REFUSED


def kind_name(value: Any) -> str:
    """Return the name of the type of ``value`` as PyTorch's errors have it."""
    kind = type(value)
    module = "numpy." if kind.__module__ == "numpy" else ""
    return "Tensor" if isinstance(value, Traced) else module + kind.__name__


def _a_sequence(value: Any) -> Any:
    return value if isinstance(value, (tuple, list)) else _REFUSED


def _a_number(value: Any) -> Any:
    """Take NumPy's numbers, and 0-d tensors without a gradient."""
    if isinstance(value, Traced):
        tensor: Any = value
        return _REFUSED if tensor.ndim or tensor.requires_grad else tensor.item()
    return value.item() if isinstance(value, (np.number, np.bool_)) else _REFUSED


def _a_real_number(value: Any) -> Any:
    value = _a_number(value)
    return _REFUSED if isinstance(value, complex) else value


# What stands in an annotation, the word for it in errors, the types that pass, and a conversion.
Number: TypeAlias = Any
Operand: TypeAlias = Any  # a tensor or a number
Dim: TypeAlias = Any  # an int or several
# One of a few words: the function itself refuses all else, as PyTorch does, by its value.
Choice: TypeAlias = str
_KINDS: dict[str, tuple[str, tuple[type, ...], tuple[Callable[[Any], Any], ...]]] = {
    "Tensor": ("Tensor", (), (_a_tensor,)),
    "Operand": ("Tensor", (float, int, bool, complex), (_a_tensor, _a_number)),
    "Number": ("Number", (float, int, bool, complex), (_a_number,)),
    "float": ("float", (float, int, bool), (_a_real_number,)),
    "int": ("int", (int,), (_an_int,)),
    "Dim": ("tuple of ints", (int, tuple, list), (_an_int, _a_sequence)),
    "IntOrPair": ("tuple of ints", (int, tuple, list), (_an_int, _a_sequence)),
    "Sequence[int]": ("tuple of ints", (tuple, list), (_a_sequence,)),
    "Sequence[Any]": ("tuple of Tensors", (tuple, list), (_a_sequence,)),
    "bool": ("bool", (bool,), ()),
    "str": ("str", (str,), ()),
    "Generator": ("Generator", (Generator,), ()),
    "backend.Generator": ("Generator", (Generator,), ()),
    "memory_format": ("torch.memory_format", (memory_format,), ()),
    "None": ("None", (type(None),), ()),
}


_ANYTHING = ("return", "inplace")  # of the latter PyTorch asks only whether it is true


class _Kind(set[type]):
    """What one argument may be: the types that pass unseen, which grow as values are seen."""

    def __init__(self, function: str, name: str, annotation: str) -> None:
        found = [_KINDS[part] for part in annotation.split(" | ")]
        super().__init__(kind for _, types, _ in found for kind in types)
        self.function, self.name, self.word = function, name, found[0][0]
        self.conversions = [convert for *_, several in found for convert in several]

    def fit(self, value: Any, position: int | None = None) -> Any:
        """Return ``value`` as the function wants it.

        Raises:
            TypeError: it is of another kind.
        """
        if type(value) in self:
            return value
        for convert in self.conversions:
            if (fitting := convert(value)) is not _REFUSED:
                if fitting is value:
                    self.add(type(value))
                return fitting
        raise _wrong(self.function, self.name, position, self.word, value)


def checked(function: F) -> F:
    """Check the arguments of a function by its annotations, where they are in :data:`_KINDS`.

    Where values are arrays, only other functions call it, and nothing is checked. If the signature
    has an ``out``, what the function returns is written into it; the function itself never sees it.
    """
    name, code = function.__name__, function.__code__
    kinds = {
        argument: _Kind(name, argument, annotation)
        for argument, annotation in function.__annotations__.items()
        if set(annotation.split(" | ")) <= set(_KINDS) and argument not in _ANYTHING
    }
    positional = [kinds.get(argument) for argument in code.co_varnames[: code.co_argcount]]
    writes = "out" in function.__annotations__
    makes = writes and "device" in function.__annotations__

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if writes and "out" in options and (out := options.pop("out")) is not None:
            if makes and options.get("dtype") is None:
                options["dtype"] = getattr(out, "dtype", None)
            return into(name, out, call(*args, **options))
        for value, kind in zip(args, positional):
            if kind is not None and type(value) not in kind:
                if current_mode().arrays:
                    return function(*args, **options)
                known = enumerate(zip(args, positional), 1)
                right = [x if k is None else k.fit(x, i) for i, (x, k) in known]
                args = (*right, *args[len(right) :])
                break
        for argument, value in options.items():
            kind = kinds.get(argument)
            if kind is not None and type(value) not in kind and not current_mode().arrays:
                options[argument] = kind.fit(value)
        return function(*args, **options)

    return call  # type: ignore[return-value]


def require_operands(function: str, input: Any, other: Any) -> None:
    """Raise TypeError unless both are tensors or numbers: for functions too quick for a wrapper."""
    if isinstance(input, _OPERANDS) and isinstance(other, _OPERANDS):
        return
    for position, (name, value) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(value, _OPERANDS) and not is_tensor_here(value):
            raise _wrong(function, name, position, "Tensor", value)


_OPERANDS = (Traced, float, int, complex, np.number, np.bool_)


def fitted(function: str, name: str, kind: str, value: Any) -> Any:
    """Return an argument as :func:`checked` passes one with the annotation ``kind``."""
    return _Kind(function, name, kind).fit(value)


def _wrong(function: str, name: str, position: int | None, word: str, value: Any) -> TypeError:
    place = "" if position is None else f" (position {position})"
    text = f"{function}(): argument {name!r}{place} must be {word}, not {kind_name(value)}"
    if word == "Tensor":
        text += "\n  tensor(…) makes one of numbers, from_numpy(…) of an array"
    return TypeError(text)


def tensor_list(function: str, tensors: Any, some: bool = False) -> list[Any]:
    """Return the tensors that were passed to ``function`` as a list, once sure that they are.

    ``some``: there must be at least one.
    """
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for i, x in enumerate(tensors):
        if not is_tensor_here(x):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
    if some and not tensors:
        raise RuntimeError(f"{function} expects a non-empty TensorList")
    return list(tensors)


# --- dimensions and sizes ------------------------------------------------------------------------


def normalize_dim(dim: Any, ndim: int) -> int:
    """Return ``dim`` counted from the front. A 0-d tensor has the dimension 0, and -1, too.

    Raises:
        IndexError: there is no such dimension.
        TypeError: it is no integer.
    """
    try:
        if dim is True or dim is False:
            raise TypeError
        dim = operator.index(dim)
    except TypeError:
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}") from None
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], "
            f"but got {dim})"
        )
    return dim % size


def normalize_dims(dim: Any, ndim: int) -> Dims:
    """Return ``dim`` as a tuple of dimensions counted from the front; None and () mean all.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: one is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, Sequence):
        dim = (dim,)
    elif not dim:
        return tuple(range(ndim))
    dims = tuple([normalize_dim(d, ndim) for d in dim])
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims if ndim else ()


def require_dimensions(input: Any, dim: Any) -> None:
    """Raise IndexError if ``input`` has no dimensions, of which ``dim`` is to be one."""
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")


def flat(
    sizes: Sequence[Any], by_name: Any = None, what: str = "sizes and dimensions"
) -> tuple[int, ...]:
    """Return ``(2, 3)`` for ``f(2, 3)``, ``f((2, 3))`` and ``f(size=(2, 3))``.

    Args:
        sizes: what ``f`` was given by position.
        by_name: what it was given by name.
        what: the words of the error for these.

    Raises:
        TypeError: something in it is no integer, or there is nothing at all.
    """
    if by_name is not None:
        sizes = (by_name,)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    elif not sizes:
        raise TypeError(f"{what} is missing")
    elif len(sizes) == 1 and _an_int(sizes[0]) is _REFUSED:
        raise TypeError(
            f"{what} must be tuple of ints, not {kind_name(sizes[0])}\n"
            "  tuple(x) makes one of a tensor or array of several integers"
        )
    return tuple(all_ints(what, sizes))


def new_size(function: str, sizes: Sequence[Any], by_name: Any = None) -> tuple[int, ...]:
    """Return :func:`flat` for a tensor to be made, once sure that there can be one.

    Raises:
        RuntimeError: a size is negative, or there are too many elements to count.
        TypeError: one is no integer, or beyond int64.
    """
    shape = flat(sizes, by_name, f"{function}(): argument 'size' (position 1)")
    for n in shape:
        if abs(n) >= 2**63:
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object with error "
                f'"Overflow when unpacking long long"\n  There is a size of {n}'
            )
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(shape)}"
            )
    if math.prod(shape) > 2**60:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    return shape


def as_int(function: str, name: str, position: int, value: Any) -> int:
    """Return an integer, also NumPy's or a tensor's of one element, as Python's.

    Raises:
        TypeError: it is something else; a bool is.
    """
    if (found := _an_int(value)) is _REFUSED:
        raise _wrong(function, name, position, "int", value)
    return found  # type: ignore[no-any-return]


def all_ints(what: str, values: Sequence[Any]) -> list[int]:
    """Return integers, of NumPy's and of tensors too, as Python's.

    Raises:
        TypeError: one is none, with ``what`` in front.
    """
    for value in values:
        if type(value) is not int:
            break
    else:
        return list(values)
    found = [_an_int(value) for value in values]
    for i, number in enumerate(found):
        if number is _REFUSED:
            raise TypeError(
                f"{what} must be tuple of ints, but found element of type "
                f"{kind_name(values[i])} at pos {i}"
            )
    return found


def resolve_shape(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return ``shape`` with its -1 replaced by the size that makes ``count`` elements.

    Raises:
        RuntimeError: there is no such size, or more than one -1.
    """
    if math.prod(shape) == count and min(shape, default=0) >= 0:
        return shape
    unknown = [i for i, size in enumerate(shape) if size == -1]
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for i, size in enumerate(shape):
        if size < -1:
            raise RuntimeError(
                f"invalid shape dimension {size} at index {i} of shape {list(shape)}"
            )
    known = math.prod([size for size in shape if size != -1])
    if unknown and known == count == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the "
            "unspecified dimension size -1 can be any value and is ambiguous"
        )
    if not (known and count % known == 0 if unknown else known == count):
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return tuple([count // known if size == -1 else size for size in shape])


def common_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that tensors of these shapes have together.

    Raises:
        RuntimeError: two of them differ in a dimension where neither has size 1.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(broadcast_error(list(shapes))) from None


def pair(value: IntOrPair, name: str, function: str = "") -> Pair:
    """Return an int or a sequence of one or two ints as a pair.

    Raises:
        RuntimeError: it has another length.
        TypeError: it holds something that is no integer.
    """
    if isinstance(value, int):
        return (value, value)
    if type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is int:
        return value
    rows, columns = ints(value, 2, name, function)
    return rows, columns


def ints(value: IntOrPair, count: int, name: str, function: str = "") -> list[int]:
    """Return an int or a sequence of one or ``count`` ints as ``count`` of them.

    Raises:
        RuntimeError: it has another length.
    """
    what = f"{function}(): argument {name!r}" if function else f"argument {name!r}"
    values = all_ints(what, value if isinstance(value, (tuple, list)) else (value,))
    if len(values) == 1:
        values *= count
    if len(values) == count:
        return values
    if function:
        raise RuntimeError(
            f"{function}: {name} must either be a single int, or a tuple of two ints"
        )
    raise RuntimeError(
        f"expected {name} to be a single integer value or a list of {count} values to match the "
        f"convolution dimensions, but got {name}={values}"
    )


def require_window(kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> None:
    """Raise RuntimeError unless the padding is at least 0, the rest of a window's options 1."""
    for name, option, least in (
        ("kernel size", kernel_size, 1),
        ("stride", stride, 1),
        ("dilation", dilation, 1),
        ("padding", padding, 0),
    ):
        if min(option) < least:
            bound = "greater than zero" if least else "non-negative"
            raise RuntimeError(f"{name} should be {bound}, but got {option[0]} x {option[1]}")


def require_images(function: str, input: Any) -> None:
    """Raise unless ``input`` is (N, C, H, W), nothing but N being 0; or was (C, H, W)."""
    if input.ndim != 4 or 0 in input.shape[1:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got: {list(input.shape)}\n  {function} takes images (N, C, H, W) or (C, H, W)"
        )


# --- names and results ---------------------------------------------------------------------------


def numpy_names(function: F) -> F:
    """Let a function take NumPy's ``axis`` and ``keepdims``, too."""

    @functools.wraps(function)
    def renamed(*args: Any, **options: Any) -> Any:
        if not options:
            return function(*args)
        for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
            if theirs in options:
                options[ours] = options.pop(theirs)
        return function(*args, **options)

    return renamed  # type: ignore[return-value]


def into(function: str, out: Any, result: Any) -> Any:
    """Write ``result`` into ``out``, a tensor or a tuple of them, and return that: ``out=``.

    Raises:
        RuntimeError: one of them requires grad, or ``out`` has a dtype of a lower kind.
        TypeError: ``out`` is no tensor, or no tuple of as many as there are results.
    """
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)):
            raise _wrong(function, "out", None, "tuple of Tensors", out)
        if len(out) != len(result):
            raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
        made = [into(function, x, y) for x, y in zip(out, result)]
        return type(result)(*made) if hasattr(result, "_fields") else tuple(made)
    if not is_tensor_here(out):
        raise _wrong(function, "out", None, "Tensor", out)
    if current_mode().grad and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            f"{function}(): functions with out=... arguments don't support automatic "
            "differentiation, but one of the arguments requires grad."
        )
    if not can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {type_name(result.dtype)} can't be cast to the desired output type "
            f"{type_name(out.dtype)}"
        )
    if out.shape != result.shape:
        if out.array.size:
            warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out.shape)}, which does not match the required output shape "
                f"{list(result.shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements."
            )
        out.data = result.to(out.device, out.dtype, copy=True)
        return out
    return out.copy_(result)


def is_one(value: Any) -> bool:
    """Return whether ``value`` is the plain number 1, by which nothing need be multiplied."""
    return type(value) in (int, float) and value == 1
