"""Tensors made from nothing: from numbers, by a rule, or at random.

All take ``dtype`` (float32 for real numbers and int64 for integers unless said), ``device`` ("cpu"
unless said) and ``requires_grad``. Random numbers come from ``generator``, or else from the default
generator that ``manual_seed`` seeds.

Source: PyTorch, "Creation ops" and "Random sampling".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.autograd.mode import is_inference_mode_enabled
from tinygrad_adam.autograd.traced import Unversioned
from tinygrad_adam.backend import (
    DEFAULT_DTYPE,
    Array,
    Dtype,
    Generator,
    as_dtype,
    convert_number,
    is_array,
    move,
    numbers_of,
)
from tinygrad_adam.backend.device import default_device
from tinygrad_adam.backend.dtypes import float16, int64, type_name
from tinygrad_adam.backend.warn import COPY_CONSTRUCT, warn
from tinygrad_adam.conversion import as_array
from tinygrad_adam.ops.arguments import (
    Number,
    Operand,
    as_int,
    checked,
    fitted,
    new_size,
)
from tinygrad_adam.ops.random import integers, placed
from tinygrad_adam.tensor import Tensor


def _made(array: Array, device: Any, requires_grad: bool, dtype: Any = None) -> Tensor:
    """Return a leaf around ``array``, converted and moved."""
    if dtype is not None:
        array = array.astype(as_dtype(dtype), copy=False)
    place = default_device() if device is None else device
    made = Tensor._wrap(move(array, place))
    if is_inference_mode_enabled():
        made._writes = Unversioned([0])
    return made.requires_grad_(requires_grad)


def _dtype(dtype: Any, function: str = "", kinds: str = "biufc") -> Dtype:
    """Return the dtype asked for, float32 if none, once sure that it is of one of these kinds."""
    dtype = DEFAULT_DTYPE[float] if dtype is None else as_dtype(dtype)
    if dtype.kind not in kinds:
        raise NotImplementedError(f'"{function}" not implemented for {type_name(dtype)!r}')
    return dtype


def _like(input: Any, dtype: Any, device: Any, requires_grad: bool) -> dict[str, Any]:
    """Return options for a function: shape, dtype and device of ``input`` unless said."""
    return {
        "size": input.shape,
        "dtype": input.dtype if dtype is None else dtype,
        "device": input.device if device is None else device,
        "requires_grad": requires_grad,
    }


@checked
def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor made of ``data``, which is copied.

    Args:
        data: a number, nested sequences of numbers, an array or a tensor. Python floats become
            float32, ints int64, bools bool; arrays and tensors keep their dtype.
        dtype: the dtype wanted instead.
        device: where to put it; unless said, where ``data`` is.
        requires_grad: whether operations on it are recorded.

    A tensor as ``data`` warns: ``detach().clone()`` says better what is meant.

    Raises:
        TypeError: ``data`` contains something that is no number.
        ValueError: the sequences are ragged.
        RuntimeError: ``requires_grad`` for integers or bools.

    Source: PyTorch, ``torch.tensor``.
    """
    if isinstance(data, Tensor):
        warn(COPY_CONSTRUCT.format("torch.tensor"))
    return _made(as_array(data, dtype), device, requires_grad)


@checked
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ``data`` as a tensor, sharing its memory if it is an array or tensor that fits.

    An array that must not be written to warns: nor must the tensor be.
    """
    if isinstance(data, Tensor):
        return data.to(device=default_device() if device is None else device, dtype=dtype)
    if is_array(data) and data.dtype.kind in "biufc":
        if not getattr(data.flags, "writeable", True):  # CuPy's arrays all are, and do not say so
            warn(
                "The given NumPy array is not writable, and PyTorch does not support non-writable "
                "tensors. This means writing to this tensor will result in undefined behavior. You "
                "may want to copy the array to protect its data or make it writable before "
                "converting it to a tensor.\n  Here writing to it fails; tensor(array) copies."
            )
        return _made(data.view(), device, False, dtype)
    return tensor(data, dtype, device)


@checked
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Return a tensor on the memory of a NumPy array.

    Raises:
        TypeError: the argument is no array, or an array of a type that tensors do not have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return as_tensor(ndarray, device="cpu")


@checked
def full(size: Any, fill_value: Number, *, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return a tensor of shape ``size`` full of ``fill_value``, whose type decides the dtype."""
    dtype = DEFAULT_DTYPE[type(fill_value)] if dtype is None else as_dtype(dtype)
    array = np.full(new_size("full", (size,)), convert_number(fill_value, dtype), dtype)
    return _made(array, device, requires_grad)


@checked
def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return zeros of shape ``size``."""
    return _made(np.zeros(new_size("zeros", sizes, size), _dtype(dtype)), device, requires_grad)


@checked
def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return ones of shape ``size``."""
    return _made(np.ones(new_size("ones", sizes, size), _dtype(dtype)), device, requires_grad)


@checked
def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return a tensor of shape ``size`` to be filled: it holds whatever was in the memory."""
    return _made(np.empty(new_size("empty", sizes, size), _dtype(dtype)), device, requires_grad)


@checked
def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return zeros with the shape, dtype and device of ``input``."""
    return zeros(**_like(input, dtype, device, requires_grad))


@checked
def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ones with the shape, dtype and device of ``input``."""
    return ones(**_like(input, dtype, device, requires_grad))


@checked
def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor to be filled, with the shape, dtype and device of ``input``."""
    return zeros(**_like(input, dtype, device, requires_grad))


@checked
def full_like(input: Tensor, fill_value: Number, *, dtype: Any = None, device: Any = None,
              requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return a tensor full of ``fill_value``, with the shape, dtype and device of ``input``."""
    options = _like(input, dtype, device, requires_grad)
    return full(fill_value=fill_value, **options)


@checked
def arange(
    start: Number | None = None,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from ``start`` up to but not including ``end``, ``step`` apart.

    With one argument, from 0 to it. All integers give int64, else float32. An integer dtype cuts
    the fractions off ``start`` and ``step``, int64 off ``end``, too, before the counting.

    Raises:
        NotImplementedError: the dtype is bool.
        RuntimeError: the step is 0 or leads away from ``end``, or an end is infinite.
        TypeError: an argument is no number.
        ValueError: int64 cuts the step down to 0.
    """
    if end is None or start is None:
        start, end = 0, start if end is None else end
    end = fitted("arange", "end", "Number", end)  # there may be none at all
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if not (step > 0 or step < 0):
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            "upper bound and lower bound inconsistent with step sign\n"
            f"  from {start} to {end} in steps of {step}"
        )
    if dtype is None:
        whole = all(isinstance(x, int) for x in (start, end, step))
        dtype = DEFAULT_DTYPE[int if whole else float]
    dtype = _dtype(dtype, "arange", "iufc")
    if dtype == int64:
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero\n  int64 cuts its fraction off")
    count = max(0, math.ceil((end - start) / step))
    if count > np.iinfo(np.int64).max:
        raise RuntimeError(f"invalid size, possible overflow?\n  {count} numbers")
    if dtype.kind in "iu":
        start, step = int(start), int(step)
    array = start + step * np.arange(count)
    return _made(array, device, requires_grad, dtype)


def _ends(function: str, start: Operand, end: Operand) -> list[Number]:
    """Return the ends of a range as numbers; 0-d tensors are such, too."""
    dims = {"start": getattr(start, "ndim", 0), "end": getattr(end, "ndim", 0)}
    if any(dims.values()):
        got = " and ".join([f"{name} with {n} dimension(s)" for name, n in dims.items() if n])
        raise RuntimeError(
            f"{function} only supports 0-dimensional start and end tensors, but got {got}."
        )
    return [x.item() if isinstance(x, Tensor) else x for x in (start, end)]


@checked
def linspace(start: Operand, end: Operand, steps: int, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return ``steps`` numbers from ``start`` to ``end``, both included, equally far apart.

    An integer dtype cuts the fractions off the two ends first, and then off what lies between. A
    complex end gives complex64.

    Raises:
        NotImplementedError: the dtype is bool.
        RuntimeError: the number of steps is negative, the dtype cannot hold an end, or an end is
            a tensor with dimensions.
        TypeError: an end is no number, or ``steps`` no integer.
    """
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative\n  got {steps}")
    start, end = _ends("linspace", start, end)
    if dtype is None and complex in (type(start), type(end)):
        dtype = DEFAULT_DTYPE[complex]
    dtype = _dtype(dtype, "linspace", "iufc")
    first, last = convert_number(start, dtype), convert_number(end, dtype)
    if steps == 1:
        last = first
    step = (last - first) / max(1, steps - 1)
    index = np.arange(steps)
    with np.errstate(invalid="ignore"):  # ends may be infinite
        # From both ends, so that rounding errors grow to the middle only.
        before, after = first + step * index, last - step * (steps - 1 - index)
    array = np.where(index < steps // 2, before, after)
    return _made(array, device, requires_grad, dtype)


@checked
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None,
        requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return an (n, m) matrix (square unless ``m`` is given) with ones on the diagonal."""
    m = n if m is None else m
    for name, size in (("n", n), ("m", m)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return _made(np.eye(*new_size("eye", (n, m)), dtype=_dtype(dtype)), device, requires_grad)


@placed
@checked
def rand(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None,
         device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return numbers drawn uniformly from [0, 1)."""
    dtype = _dtype(dtype, "rand", "fc")
    array = _drawn(numbers_of(generator).random, new_size("rand", sizes, size), dtype)
    if dtype == float16:
        array = np.floor(array * 2048) / 2048  # which float16 holds, and does not round up to 1
    return _made(array, device, requires_grad, dtype)


def _drawn(draw: Callable[..., Array], shape: tuple[int, ...], dtype: Dtype) -> Array:
    """Return random numbers in a dtype that NumPy draws; complex ones of two real ones each."""
    if dtype.kind == "c":
        real, imag = draw((2, *shape), f"f{dtype.itemsize // 2}")
        return real + 1j * imag
    return draw(shape, dtype if dtype.itemsize >= 4 else np.float32)


@placed
@checked
def randn(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None,
          device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return numbers drawn from the normal distribution with mean 0 and variance 1.

    Real and imaginary parts of complex ones have variance 1/2 each.
    """
    dtype = _dtype(dtype, "randn", "fc")
    array = _drawn(numbers_of(generator).standard_normal, new_size("randn", sizes, size), dtype)
    if dtype.kind == "c":
        array *= math.sqrt(0.5)
    return _made(array, device, requires_grad, dtype)


@placed
@checked
def randint(low: Any = None, high: Any = None, size: Any = None, *,
            generator: Generator | None = None, dtype: Any = None, device: Any = None,
            requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return integers drawn from ``low`` (0 if left out) up to but not including ``high``, int64.

    Call it as ``randint(high, size)`` or ``randint(low, high, size)``.

    Raises:
        RuntimeError: the range is empty, or the dtype does not hold it.
    """
    if size is None:  # randint(high, size)
        low, high, size = 0, low, high
    elif high is None or low is None:
        low, high = 0, low if high is None else high
    low, high = as_int("randint", "low", 1, low), as_int("randint", "high", 2, high)
    if not isinstance(size, (tuple, list)):
        raise TypeError(
            f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}"
        )
    dtype = _dtype(int64 if dtype is None else dtype)
    array = integers(low, high, new_size("randint", (size,)), dtype, generator)
    return _made(array, device, requires_grad)


@placed
@checked
def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return the integers from 0 to n - 1 in random order, int64.

    Raises:
        NotImplementedError: the dtype is bool or complex.
        RuntimeError: it does not hold so many integers.
    """
    dtype = _dtype(int64 if dtype is None else dtype, "randperm", "iuf")
    (n,) = new_size("randperm", (n,))
    if dtype.kind == "f" and n > (most := 2 ** (np.finfo(dtype).nmant + 1) + 1):
        raise RuntimeError(f"n cannot be greater than {most} for {type_name(dtype)} type.")
    convert_number(n, dtype)  # which raises
    return _made(numbers_of(generator).permutation(n), device, requires_grad, dtype)


@placed
@checked
def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None,
              device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return numbers drawn uniformly from [0, 1), with the shape, dtype and device of ``input``."""
    return rand(**_like(input, dtype, device, requires_grad), generator=generator)


@placed
@checked
def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None,
               device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return normally distributed numbers, with the shape, dtype and device of ``input``."""
    return randn(**_like(input, dtype, device, requires_grad), generator=generator)


@placed
@checked
def randint_like(input: Tensor, low: Operand = 0, high: int | None = None, *,
                 generator: Generator | None = None, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return random integers from ``low`` to ``high`` - 1, shaped and typed as ``input``.

    Called as ``randint_like(input, high)``, from 0.
    """
    options = _like(input, dtype, device, requires_grad)
    return randint(low, high, **options, generator=generator)


__all__ = [
    "arange",
    "as_tensor",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "tensor",
    "zeros",
    "zeros_like",
]
