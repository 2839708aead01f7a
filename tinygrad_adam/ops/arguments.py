"""Arguments as users write them, checked and made uniform: once, for all functions.

Every check raises PyTorch's error, in its words. A value that stands for a tensor may be an array
where values are arrays: inside ``forward``, and in a walk that nobody records.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from tinygrad_adam.autograd.errors import broadcast_error
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.autograd.variable import Variable
from tinygrad_adam.backend.warn import warn

F = TypeVar("F", bound=Callable[..., Any])
Dims = tuple[int, ...]
Pair = tuple[int, int]
IntOrPair = int | Sequence[int]


# --- tensors -------------------------------------------------------------------------------------


def is_tensor_here(value: Any) -> bool:
    """Return whether ``value`` is a tensor, or an array where values are arrays."""
    return isinstance(value, Variable) or (hasattr(value, "dtype") and current_mode().arrays)


def require_tensors(function: str, first: int = 1, /, **arguments: Any) -> None:
    """Raise TypeError for the first argument that is no tensor, with its name and position.

    Args:
        function: the name to give in the error.
        first: the position of the first of them.
        arguments: arguments of the function that follow each other.
    """
    for position, (name, value) in enumerate(arguments.items(), first):
        if not isinstance(value, Variable) and not is_tensor_here(value):
            raise _no_tensor(function, name, position, value)


def require_operands(function: str, **arguments: Any) -> None:
    """Raise TypeError for the first argument that is neither a tensor nor an array nor a number."""
    for position, (name, value) in enumerate(arguments.items(), 1):
        if not isinstance(value, (Variable, bool, int, float, complex)) and not hasattr(
            value, "dtype"
        ):
            raise _no_tensor(function, name, position, value)


def _no_tensor(function: str, name: str, position: int, value: Any) -> TypeError:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return TypeError(
        f"{function}(): argument {name!r} (position {position}) must be Tensor, not "
        f"{module}{kind.__name__}\n"
        "  tensor(…) makes one of numbers, from_numpy(…) of an array"
    )


def tensor_list(function: str, tensors: Any) -> list[Any]:
    """Return the tensors that were passed to ``function`` as a list, once sure that they are."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for i, x in enumerate(tensors):
        if not isinstance(x, Variable) and not is_tensor_here(x):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
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


def checked_dim(function: str, input: Any, dim: Any) -> int:
    """Return :func:`normalize_dim` for ``input``, once sure that it is a tensor."""
    require_tensors(function, input=input)
    return normalize_dim(dim, input.ndim)


def checked_dims(function: str, input: Any, dim: Any) -> Dims:
    """Return :func:`normalize_dims` for ``input``, once sure that it is a tensor."""
    require_tensors(function, input=input)
    return normalize_dims(dim, input.ndim)


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
        TypeError: something in it is no integer.
    """
    if by_name is not None:
        sizes = (by_name,)
    if several := len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    numbers = []
    for i, size in enumerate(sizes):
        try:
            numbers.append(size if type(size) is int else _index(size))
        except TypeError:
            found = _kind(size)
            if several or len(sizes) > 1:
                raise TypeError(
                    f"{what} must be tuple of ints, but found element of type {found} at pos {i}"
                ) from None
            raise TypeError(
                f"{what} must be tuple of ints, not {found}\n"
                "  tuple(x) makes one of a tensor or array of several integers"
            ) from None
    return tuple(numbers)


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
    if type(value) is int:
        return value
    try:
        return _index(value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument {name!r} (position {position}) must be int, not {_kind(value)}"
        ) from None


def _index(value: Any) -> int:
    if isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_:
        raise TypeError
    return operator.index(value)


def _kind(value: Any) -> str:
    """Return the name of the type of ``value`` as PyTorch's errors have it."""
    kind = type(value)
    module = "numpy." if kind.__module__ == "numpy" else ""
    return "Tensor" if isinstance(value, Variable) else module + kind.__name__


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
    values = [value] if isinstance(value, int) else list(map(int, value))
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
    require_tensors(function, input=input)
    if input.ndim != 4 or 0 in input.shape[1:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got: {list(input.shape)}\n  {function} takes images (N, C, H, W) or (C, H, W)"
        )


# --- names and results ---------------------------------------------------------------------------


def numpy_names(function: F) -> F:
    """Let a function take NumPy's ``axis`` and ``keepdims``, and PyTorch's ``out``, too."""

    @functools.wraps(function)
    def renamed(*args: Any, **options: Any) -> Any:
        if not options:
            return function(*args)
        for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
            if theirs in options:
                options[ours] = options.pop(theirs)
        out = options.pop("out", None)
        result = function(*args, **options)
        return result if out is None else into(out, result)

    return renamed  # type: ignore[return-value]


def into(out: Any, result: Any) -> Any:
    """Write ``result`` into ``out``, a tensor or a tuple of them, and return that: ``out=``.

    Raises:
        RuntimeError: one of them requires grad.
        TypeError: ``out`` is no tensor.
    """
    if isinstance(result, tuple):
        made = [into(x, y) for x, y in zip(out, result)]
        return type(result)(*made) if hasattr(result, "_fields") else tuple(made)
    require_tensors("out", out=out)
    if current_mode().grad and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of "
            "the arguments requires grad."
        )
    if out.shape != result.shape:
        if out.array.size:
            warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out.shape)}, which does not match the required output shape "
                f"{list(result.shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements."
            )
        out.data = result
        return out
    return out.copy_(result)


def is_one(value: Any) -> bool:
    """Return whether ``value`` is the plain number 1, by which nothing need be multiplied."""
    return type(value) in (int, float) and value == 1
