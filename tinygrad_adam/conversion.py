"""What users give to make or convert a tensor, as arrays and dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.autograd.variable import Variable
from tinygrad_adam.backend import Array, Dtype, array_module, as_dtype, is_array


def as_array(data: Any, dtype: Any = None) -> Array:
    """Return numbers, nested sequences, arrays or tensors as an array that is not shared.

    Python floats become float32, ints int64, bools bool; arrays keep their dtype.

    Raises:
        RuntimeError: ``data`` is nothing that tensors are made of, or does not fit ``dtype``.
        TypeError: it is text, an array of something else, or complex where ``dtype`` is not.
        ValueError: the sequences are ragged, or contain text or integers beyond int64.
    """
    dtype = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Variable):
        return data.array.astype(dtype or data.array.dtype)
    if is_array(data) or isinstance(data, np.generic):
        if data.dtype.kind not in "biufc":
            raise TypeError(
                f"can't convert np.ndarray of type numpy.{data.dtype.type.__name__}. The only "
                "supported types are: float64, float32, float16, complex64, complex128, int64, "
                "int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
            )
        return array_module(data).array(data, dtype=dtype)
    if isinstance(data, str):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    if not isinstance(data, (bool, int, float, complex, list, tuple, range)):
        raise RuntimeError(
            f"Could not infer dtype of {type(data).__name__}\n"
            "  A tensor is made of numbers, nested lists of numbers, arrays or tensors."
        )
    data = _plain(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(_ragged(data)) from None
    if array.dtype.kind == "U":
        raise ValueError("too many dimensions 'str'")
    if array.dtype.name in ("object", "uint64"):
        odd = next((x for x in array.ravel().tolist() if not isinstance(x, int)), None)
        if odd is not None:
            raise RuntimeError(f"Could not infer dtype of {type(odd).__name__}")
        if dtype is None or dtype.kind != "f":
            raise ValueError("Overflow when unpacking long long\n  int64 holds -2**63 to 2**63 - 1")
        return array.astype(dtype)
    if dtype is None:
        first = array.ravel()[:1].tolist() or [0.0]
        dtype = _numpy_dtype(data) or backend.DEFAULT_DTYPE[type(first[0])]
    elif dtype.kind != "c" and array.dtype.kind == "c":
        raise TypeError("must be real number, not complex")
    elif dtype.kind in "iu" and array.size:
        for extreme in (array.min(), array.max()):  # raises if out of range
            backend.convert_number(extreme.item(), dtype)
    return array.astype(dtype)


def _plain(data: Any) -> Any:
    """Return nested sequences with the tensors in them as numbers or nested lists."""
    if isinstance(data, (list, tuple)):
        return [_plain(x) if isinstance(x, (list, tuple, Variable)) else x for x in data]
    return data.array.tolist() if isinstance(data, Variable) else data


def _ragged(data: Any) -> str:
    """Return PyTorch's text for nested sequences that are not of one length at every level."""
    level, dim = [data], 0
    while True:
        lengths = [len(x) if isinstance(x, (list, tuple)) else 0 for x in level]
        wrong = next((n for n in lengths if n != lengths[0]), None)
        if wrong is not None:
            return f"expected sequence of length {lengths[0]} at dim {dim} (got {wrong})"
        if not lengths[0]:
            return "expected sequences of equal length at every level"
        level, dim = [x for inner in level for x in inner], dim + 1


def _numpy_dtype(data: Any) -> Any:
    """Return the dtype of the first element of nested sequences if NumPy's own, else None."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data.dtype if isinstance(data, (np.ndarray, np.generic)) else None


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
) -> tuple[Dtype | None, Any, bool]:
    """Return dtype, device and copy as named by the arguments of ``to``.

    Raises:
        TypeError: an argument is no dtype, device or tensor.
    """
    for argument in (*args, other):
        if isinstance(argument, Variable):
            dtype, device = argument.array.dtype, backend.device_of(argument.array)
        elif isinstance(argument, (backend.device, str)) and not _is_dtype_name(argument):
            device = backend.device(argument)
        elif isinstance(argument, int) and not isinstance(argument, bool):
            device = backend.device("cuda", argument)
        elif isinstance(argument, bool):
            continue  # non_blocking, which changes nothing here
        elif argument is not None:
            dtype = argument
    return (None if dtype is None else as_dtype(dtype)), device, copy
