"""The element types, and which one results when two of them meet.

A dtype is a ``numpy.dtype`` here, or what a tensor has for one (``dtype.dtype``). What differs from
NumPy is promotion: PyTorch looks at the *kind* first (bool < integer < floating point), lets a
tensor with dimensions win over a 0-d tensor of the same kind and that over a Python number, and
never turns float32 into float64 because an integer came along.

Source: PyTorch, "Type promotion" (tensor attributes, ``torch.dtype``).
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from tinygrad_adam.backend.dtype import bfloat16, c_type_name, dtype, type_name

__all__ = ["c_type_name", "type_name"]

Dtype: TypeAlias = np.dtype | dtype

float16 = np.dtype("float16")
float32 = np.dtype("float32")
float64 = np.dtype("float64")
complex64 = np.dtype("complex64")
complex128 = np.dtype("complex128")
uint8 = np.dtype("uint8")
int8 = np.dtype("int8")
int16 = np.dtype("int16")
int32 = np.dtype("int32")
int64 = np.dtype("int64")
bool_ = np.dtype("bool")

# The dtype of a Python number when nothing else decides.
DEFAULT_DTYPE = {bool: bool_, int: int64, float: float32, complex: complex64}

_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def is_differentiable(dtype: Dtype) -> bool:
    """Return whether tensors of ``dtype`` can have a gradient: floating point and complex."""
    return dtype.kind in "fc"


def as_dtype(value: object) -> np.dtype:
    """Return the ``numpy.dtype`` that ``value`` names: a dtype, its name, ``float`` or ``int``.

    As in PyTorch and NumPy, Python's ``float`` means float64 here. (A Python number that meets
    nothing else becomes float32: :data:`DEFAULT_DTYPE`.)

    Raises:
        TypeError: ``value`` names no boolean or numeric dtype.
    """
    # np.dtype() would take whatever has a dtype, such as a tensor or its class, for its dtype.
    kinds: Any = (dtype, np.dtype, str)
    if isinstance(value, type) and (issubclass(value, np.generic) or not hasattr(value, "dtype")):
        kinds = type
    try:
        found = np.dtype(value) if isinstance(value, kinds) else None
    except (TypeError, ValueError):
        found = None
    if value is bfloat16 or (isinstance(value, str) and value == "bfloat16"):
        raise TypeError(
            "tensors of torch.bfloat16 are not here: NumPy has no such numbers\n"
            "  float32 holds all of them; float16 is as small"
        )
    if found is None or found.kind not in _KINDS:
        raise TypeError(
            f"dtype must be a dtype such as tinygrad_adam.float32 or 'float32', got {value!r}"
        )
    return found


def can_cast(source: Dtype, target: Dtype) -> bool:
    """Return whether a result of dtype ``source`` may be written into a tensor of ``target``.

    It may unless its kind is lost: floating point into integers, numbers into bools.
    """
    return _KINDS[source.kind] <= _KINDS[target.kind]


def convert_number(value: Any, dtype: Dtype) -> Any:
    """Return a Python number as the type of number that ``dtype`` holds, fractions cut off.

    Raises:
        RuntimeError: it is out of range: infinity for an integer, 300 for uint8.
        TypeError: it is no number.
    """
    if not isinstance(value, (bool, int, float, complex, np.number, np.bool_)):
        raise TypeError(f"value must be a number, not {type(value).__name__}")
    number: Any = value
    fits = dtype.kind == "c" or not isinstance(value, (complex, np.complexfloating))
    if fits and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        # A negative number wraps round in an unsigned type, as in C.
        low = -limits.max if dtype.kind == "u" else limits.min
        fits = math.isfinite(number) and low <= int(number) <= limits.max
    elif fits and dtype.kind == "f" and math.isfinite(number):
        fits = abs(number) <= float(np.finfo(dtype).max)
    if not fits:
        name = f"{dtype.name}_t" if dtype.kind in "iu" else c_type_name(dtype)
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    if dtype.kind in "iu":
        return int(number) % 2 ** (8 * dtype.itemsize) if dtype.kind == "u" else int(number)
    return bool(number) if dtype.kind == "b" else number


def promote_types(a: Any, b: Any) -> Any:
    """Return the dtype of two tensors with dimensions, of dtypes ``a`` and ``b``, together."""
    if a is b:
        return a
    if _KINDS[a.kind] < _KINDS[b.kind]:
        a, b = b, a
    if a.kind == "c" or _KINDS[a.kind] == _KINDS[b.kind]:
        return np.promote_types(a, b) if b.kind in "fc" or a.kind != "c" else a
    return a


def result_type(*operands: Any) -> Dtype:
    """Return the dtype in which arrays and Python numbers are combined, by PyTorch's rules.

    Operands fall into three ranks: arrays with dimensions, 0-d arrays, Python numbers. A lower rank
    changes the dtype only if its kind is higher: a float32 array times a 0-d float64 stays float32,
    an int64 array times 2.5 becomes float32.

    Raises:
        TypeError: one is neither.
    """
    ranks: list[Dtype | None] = [None, None, None]
    for position, operand in enumerate(operands):
        if hasattr(operand, "dtype"):
            rank, dtype = (0 if operand.ndim else 1), operand.dtype
        elif type(operand) in DEFAULT_DTYPE:
            rank, dtype = 2, DEFAULT_DTYPE[type(operand)]
        else:
            raise TypeError(
                f"argument {'other' if position else 'input'!r} (position {position + 1}) must be "
                f"Tensor, not {type(operand).__name__}"
            )
        held = ranks[rank]
        ranks[rank] = dtype if held is None else promote_types(held, dtype)
    result = None
    for dtype in ranks:
        if result is None:
            result = dtype
        elif dtype is not None and _KINDS[dtype.kind] > _KINDS[result.kind]:
            if dtype.kind == "c" and result.kind == "f":
                result = complex128 if result.itemsize == 8 else complex64
            else:
                result = dtype
    assert result is not None, "result_type needs at least one operand"
    return result


def promote(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands as NumPy must see them to compute in :func:`result_type`'s dtype.

    Arrays of one dtype, and a floating-point array with a Python number, pass as they are: NumPy
    keeps a Python number's precision out of the result (NEP 50).
    """
    type_a, type_b = type(a), type(b)
    if type_a is type_b:
        if a.dtype is b.dtype:
            return a, b
    elif type_b is float or type_b is int:
        if a.dtype.kind == "f":
            return a, b
    elif (type_a is float or type_a is int) and b.dtype.kind == "f":
        return a, b
    dtype = result_type(a, b)
    return _cast(a, dtype), _cast(b, dtype)


def _cast(operand: Any, dtype: Dtype) -> Any:
    """Return an array, or a Python number as one of NumPy's, which CuPy takes too, in ``dtype``.

    A Python integer too large for an integer dtype wraps round, as in PyTorch.
    """
    if hasattr(operand, "dtype"):
        return operand.astype(dtype, copy=False)
    return np.asarray(operand).astype(dtype)[()]
