"""What users give to make or convert a tensor, as arrays and dtypes."""

from __future__ import annotations

import functools
import itertools
import operator
import re
from typing import Any

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import (
    Array,
    Dtype,
    array_module,
    as_dtype,
    is_array,
    memory_format,
    preserve_format,
    promote_types,
)
from tinygrad_adam.backend.dtype import BY_TYPE_NAME


def as_array(data: Any, dtype: Any = None) -> Array:
    """Return numbers, nested sequences, arrays or tensors as an array that is not shared.

    Python floats become float32, ints int64, bools bool; arrays keep their dtype. A tensor in a
    sequence is a number: it has one element.

    Raises:
        RuntimeError: ``data`` is nothing that tensors are made of, or does not fit ``dtype``.
        TypeError: it is text, or holds something that does not become a number of ``dtype``.
        ValueError: the sequences are ragged, or hold tensors of several elements, or integers
            beyond int64.
    """
    dtype = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Traced):
        return data.array.astype(dtype or data.array.dtype)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    if is_array(data) or isinstance(data, np.generic):
        _require_numbers(data)
        return array_module(data).array(data, dtype=dtype)
    elements, shape = _elements(data, dtype)
    if isinstance(elements, np.ndarray):
        _require_numbers(elements)
        return elements.astype(dtype or elements.dtype).reshape(shape)
    kinds = set(map(type, elements))
    wanted = dtype or _dtype_of(elements, kinds)
    if not kinds <= _PLAIN:
        elements = [_number(x, wanted.kind) for x in elements]
        kinds = set(map(type, elements))
    if wanted.kind in "iuf" and complex in kinds:
        raise _no_number(1j, wanted.kind)
    if wanted.kind not in "iu":
        return np.array(elements, wanted).reshape(shape)
    try:
        if float in kinds:
            elements = [backend.convert_number(x, wanted) for x in elements]
        array = np.array(elements, np.int64).reshape(shape)
    except OverflowError:
        raise ValueError(
            "Overflow when unpacking long long\n  int64 holds -2**63 to 2**63 - 1"
        ) from None
    if array.size:
        for extreme in (array.min(), array.max()):  # raises if out of range
            backend.convert_number(extreme.item(), wanted)
    return array.astype(wanted, copy=False)


_NUMBERS: tuple[Any, ...] = (int, float, complex)
_PLAIN = {bool, *_NUMBERS}


def _require_numbers(array: Array) -> None:
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{array.dtype.type.__name__}. The only "
            "supported types are: float64, float32, float16, complex64, complex128, int64, "
            "int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
        )


def _is_sequence(value: Any) -> bool:
    """Return whether ``value`` is taken apart: whatever has elements but tensors, text, dicts."""
    return isinstance(value, (list, tuple)) or (
        hasattr(value, "__getitem__")
        and not isinstance(value, (str, bytes, dict, type, Traced))
        and getattr(value, "shape", None) != ()
    )


def _elements(data: Any, dtype: Any) -> tuple[Any, tuple[int, ...]]:
    """Return what nested sequences hold in the end, all in a row, and the shape that they make.

    Raises:
        TypeError: there is a number among sequences.
        RuntimeError: or, unless a dtype is given, nothing that tensors are made of.
        ValueError: the sequences are ragged.
    """
    level: list[Any] = [data]
    shape: tuple[int, ...] = ()
    while level and _is_sequence(level[0]):
        if all(isinstance(x, np.ndarray) for x in level) and (
            len({(x.shape, x.dtype) for x in level}) == 1
        ):
            array = np.array(level)  # array by array, not number by number
            return array, shape + array.shape[1:]
        size = len(level[0])
        for x in level:
            if not _is_sequence(x) and not (isinstance(x, Traced) and x.array.ndim):
                dtype or _dtype_of([x], {type(x)})
                raise TypeError("not a sequence\n  A number stands where the others are lists")
            if len(x) != size:
                raise ValueError(
                    f"expected sequence of length {size} at dim {len(shape)} (got {len(x)})"
                )
        if len(shape) == 64:
            raise ValueError(f"too many dimensions {type(level[0]).__name__!r}")
        level, shape = list(itertools.chain.from_iterable(level)), (*shape, size)
    if shape and level and isinstance(level[0], str):
        raise ValueError("too many dimensions 'str'")
    return level, shape


def _dtype_of(elements: list[Any], kinds: set[type]) -> Dtype:
    """Return the dtype that elements of these types have together.

    Raises:
        RuntimeError: one is nothing that tensors are made of.
        TypeError: one is text.
    """
    found = [backend.DEFAULT_DTYPE[kind] for kind in kinds & _PLAIN]
    for x in [x for x in elements if type(x) not in _PLAIN] if kinds - _PLAIN else ():
        if isinstance(x, (str, bytes)):
            raise TypeError(f"new(): invalid data type {type(x).__name__!r}")
        if isinstance(x, (Traced, np.generic, np.ndarray)):
            array: Array = x.array if isinstance(x, Traced) else x
            _require_numbers(array)
            found.append(array.dtype)
        elif isinstance(x, _NUMBERS):  # of a class of its own, as an enumeration has
            found.append(backend.DEFAULT_DTYPE[type(_number(x, "c"))])
        elif _is_sequence(x):
            raise _no_number(x, functools.reduce(promote_types, found).kind)
        else:
            raise RuntimeError(
                f"Could not infer dtype of {type(x).__name__}\n"
                "  A tensor is made of numbers, nested lists of numbers, arrays or tensors."
            )
    return functools.reduce(promote_types, found or [backend.DEFAULT_DTYPE[float]])


def _number(x: Any, kind: str) -> Any:
    """Return an element as a Python number that goes into arrays of a kind of dtype.

    Raises:
        TypeError: it is no number, or a tensor that is no integer where one is wanted.
        ValueError: it is a tensor of several elements.
    """
    if type(x) in _PLAIN:
        return x
    for plain in _NUMBERS:
        if isinstance(x, plain):
            return plain(x)
    if isinstance(x, (np.generic, np.ndarray)):
        if x.ndim == 0 and x.dtype.kind in "biufc":
            return x.item()
    elif kind in "biu" and hasattr(x, "__index__"):
        return operator.index(x)
    elif kind in "fc" and (hasattr(x, "__float__") or hasattr(x, "__index__")):
        return float(x) if kind == "f" else complex(x)
    raise _no_number(x, kind)


def _no_number(x: Any, kind: str) -> TypeError:
    name = type(x).__name__
    if kind in "fc":
        return TypeError(f"must be real number, not {name}")
    return TypeError(f"{name!r} object cannot be interpreted as an integer")


def _is_dtype_name(argument: Any) -> bool:
    """Return whether text names a dtype, such as "float64": a convenience PyTorch lacks."""
    try:
        return isinstance(argument, str) and np.dtype(argument).kind in "biufc"
    except TypeError:
        return False


def parse_to(
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    other: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: memory_format | None = None,
) -> tuple[Dtype | None, Any, bool, memory_format]:
    """Return dtype, device, copy and memory format as named by the arguments of ``to``.

    Raises:
        TypeError: an argument is no dtype, device or tensor.
    """
    for argument in (*args, other):
        if isinstance(argument, Traced):
            dtype, device = argument.array.dtype, backend.device_of(argument.array)
        elif isinstance(argument, (backend.device, str)) and not _is_dtype_name(argument):
            device = backend.device(argument)
        elif isinstance(argument, int) and not isinstance(argument, bool):
            device = backend.device("cuda", argument)
        elif isinstance(argument, bool):
            continue  # non_blocking, which changes nothing here
        elif argument is not None:
            dtype = as_dtype(argument)
    form = preserve_format if memory_format is None else memory_format
    return (None if dtype is None else as_dtype(dtype)), device, copy, form


def parse_type(value: Any) -> tuple[Any, Dtype]:
    """Return device and dtype as named by the argument of ``type``; None leaves the device.

    Raises:
        TypeError: it is no dtype, class of tensors or text.
        ValueError: there is no type of this name.
    """
    if isinstance(getattr(value, "is_cuda", None), bool):  # torch.cuda.FloatTensor, the class
        return "cuda" if value.is_cuda else "cpu", as_dtype(value.dtype)
    if isinstance(value, type) and issubclass(value, Traced):
        return None, backend.DEFAULT_DTYPE[float]
    if not isinstance(value, str) or _is_dtype_name(value):
        return None, as_dtype(value)
    named = re.fullmatch(r"torch\.(cuda\.)?(\w*)Tensor", value)
    if named and (named[2] in BY_TYPE_NAME or not named[2]):
        dtype = BY_TYPE_NAME[named[2]] if named[2] else backend.DEFAULT_DTYPE[float]
        return "cuda" if named[1] else "cpu", as_dtype(dtype)
    raise ValueError(
        f"invalid type: {value!r}\n  Say a dtype, such as torch.int64, or 'torch.LongTensor'"
    )
