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
    contiguous_format,
    convert_number,
    copied,
    is_array,
    lies_in,
    memory_format,
    move,
    numbers_of,
    preserve_format,
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


def _laid_out(made: Tensor, form: Any) -> Tensor:
    """Return a tensor that was just made with its elements in memory in this order."""
    if form not in (None, preserve_format) and not lies_in(made.array, form):
        made.array = copied(made.array, form)
    return made


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
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return a tensor of an array, a tensor, a buffer, numbers or nested lists of them.

    Args:
        obj: what it is made of. The memory of an array, tensor or buffer is shared if it fits.
        dtype: the dtype wanted; of the bytes of a buffer, float32 unless said.
        device: where to put it.
        copy: True always copies; False never, and raises where it would have to.
        requires_grad: whether operations on the result are recorded.

    Raises:
        ValueError: ``copy`` is False, and the memory cannot be shared.
    """
    if isinstance(obj, (bytes, bytearray, memoryview)):
        obj = frombuffer(obj, dtype=DEFAULT_DTYPE[float] if dtype is None else dtype)
    elif not isinstance(obj, Tensor) and not is_array(obj):
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return tensor(obj, dtype, device, requires_grad)
    source = as_tensor(obj)
    made = source.to(device=device, dtype=dtype)
    if copy is False and made is not source:
        raise ValueError(
            f"can't alias tensor with dtype '{type_name(source.dtype)}' into dtype "
            f"'{type_name(made.dtype)}'."
        )
    made = made.clone() if copy and made is source else made
    return made.requires_grad_() if requires_grad and not made.requires_grad else made


@checked
def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return a vector on the memory of an object that gives access to it, such as bytes.

    Args:
        buffer: the object. One that must not be written to warns.
        dtype: what its bytes mean.
        count: how many elements; all that there are if negative.
        offset: how many bytes to pass over first.
        requires_grad: whether operations on the result are recorded.

    Raises:
        ValueError: it holds too few bytes, or no whole number of elements.
    """
    dtype = as_dtype(dtype)
    try:
        held = memoryview(buffer).nbytes
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    if not held or not count:
        raise ValueError(f"both buffer length ({held}) and count ({count}) must not be 0")
    if not 0 <= offset < held:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({held} bytes) minus 1"
        )
    if count < 0 and (held - offset) % dtype.itemsize:
        raise ValueError(
            f"buffer length ({held - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({dtype.itemsize})"
        )
    if count * dtype.itemsize > held - offset:
        raise ValueError(
            f"requested buffer length ({count} * {dtype.itemsize} bytes) after offset ({offset} "
            f"bytes) must not be greater than actual buffer length ({held} bytes)"
        )
    array = np.frombuffer(buffer, dtype, max(count, -1), offset)
    if not array.flags.writeable:
        warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. "
            "This means you can write to the underlying (supposedly non-writable) buffer using the "
            "tensor. You may want to copy the buffer to protect its data or make it writable "
            "before converting it to a tensor.\n  Here writing to it fails; clone() copies."
        )
    return Tensor._wrap(array).requires_grad_(requires_grad)


@checked
def full(size: Any, fill_value: Number, *, dtype: Any = None, device: Any = None,
         requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
    """Return a tensor of shape ``size`` full of ``fill_value``, whose type decides the dtype."""
    dtype = DEFAULT_DTYPE[type(fill_value)] if dtype is None else as_dtype(dtype)
    array = np.full(new_size("full", (size,)), convert_number(fill_value, dtype), dtype)
    return _made(array, device, requires_grad)


@checked
def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
    """Return zeros of shape ``size``."""
    return _made(np.zeros(new_size("zeros", sizes, size), _dtype(dtype)), device, requires_grad)


@checked
def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
    """Return ones of shape ``size``."""
    return _made(np.ones(new_size("ones", sizes, size), _dtype(dtype)), device, requires_grad)


@checked
def empty(
    *sizes: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format | None = contiguous_format,
    out: Any = None,
) -> Tensor:
    """Return a tensor of shape ``size`` to be filled: it holds whatever was in the memory."""
    if memory_format is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    array = np.empty(new_size("empty", sizes, size), _dtype(dtype))
    return _laid_out(_made(array, device, requires_grad), memory_format)


@checked
def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """Return zeros with the shape, dtype and device of ``input``."""
    return _laid_out(zeros(**_like(input, dtype, device, requires_grad)), memory_format)


@checked
def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """Return ones with the shape, dtype and device of ``input``."""
    return _laid_out(ones(**_like(input, dtype, device, requires_grad)), memory_format)


@checked
def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """Return a tensor to be filled, with the shape, dtype and device of ``input``."""
    return _laid_out(zeros(**_like(input, dtype, device, requires_grad)), memory_format)


@checked
def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """Return a tensor full of ``fill_value``, with the shape, dtype and device of ``input``."""
    options = _like(input, dtype, device, requires_grad)
    return _laid_out(full(fill_value=fill_value, **options), memory_format)


@checked
def arange(
    start: Number | None = None,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Any = None,
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
             requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
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
def logspace(
    start: Number, end: Number, steps: int, base: float = 10.0, *, dtype: Any = None,
    device: Any = None, requires_grad: bool = False, out: Any = None,
) -> Tensor:  # fmt: skip
    """Return ``steps`` powers of ``base``, with exponents as :func:`linspace` gives them."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    dtype = _dtype(dtype, "logspace", "iuf")
    start, end = convert_number(start, dtype), convert_number(end, dtype)
    with np.errstate(all="ignore"):
        array = np.power(float(base), np.linspace(start, end, steps))
        return _made(array, device, requires_grad, dtype)


@checked
def range(
    start: Number = 0, end: Number | None = None, step: Number = 1, *, dtype: Any = None,
    device: Any = None, requires_grad: bool = False, out: Any = None,
) -> Tensor:  # fmt: skip
    """Return the numbers from ``start`` to ``end``, which is included, ``step`` apart: float32.

    Deprecated, and warns: :func:`arange` does what Python's ``range`` does.
    """
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use torch.arange, which produces values"
        " in [start, end)."
    )
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    if not (step > 0 or step < 0):
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    array = start + step * np.arange(math.floor((end - start) / step) + 1)
    return _made(array, device, requires_grad, _dtype(dtype, "range", "iuf"))


def _triangle(find: Any, row: int, col: int, offset: int) -> Array:
    for name, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{name} must be non-negative, got{size}")
    return np.stack(find(row, offset, col))


@checked
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = int64,
                 device: Any = None) -> Tensor:  # fmt: skip
    """Return row and column of each element on and below a diagonal of a matrix, (2, n)."""
    array = _triangle(np.tril_indices, row, col, offset)
    return _made(array, device, False, _dtype(dtype, "tril_indices", "i"))


@checked
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = int64,
                 device: Any = None) -> Tensor:  # fmt: skip
    """Return row and column of each element on and above a diagonal of a matrix, (2, n)."""
    array = _triangle(np.triu_indices, row, col, offset)
    return _made(array, device, False, _dtype(dtype, "triu_indices", "i"))


@checked
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
    """Return an (n, m) matrix (square unless ``m`` is given) with ones on the diagonal."""
    m = n if m is None else m
    for name, size in (("n", n), ("m", m)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return _made(np.eye(*new_size("eye", (n, m)), dtype=_dtype(dtype)), device, requires_grad)


@placed
@checked
def rand(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None,
         device: Any = None, requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
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
          device: Any = None, requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
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
            requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
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
             requires_grad: bool = False, out: Any = None) -> Tensor:  # fmt: skip
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
              device: Any = None, requires_grad: bool = False,
              memory_format: memory_format | None = preserve_format) -> Tensor:  # fmt: skip
    """Return numbers drawn uniformly from [0, 1), with the shape, dtype and device of ``input``."""
    made = rand(**_like(input, dtype, device, requires_grad), generator=generator)
    return _laid_out(made, memory_format)


@placed
@checked
def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None,
               device: Any = None, requires_grad: bool = False,
               memory_format: memory_format | None = preserve_format) -> Tensor:  # fmt: skip
    """Return normally distributed numbers, with the shape, dtype and device of ``input``."""
    made = randn(**_like(input, dtype, device, requires_grad), generator=generator)
    return _laid_out(made, memory_format)


@placed
@checked
def randint_like(input: Tensor, low: Operand = 0, high: int | None = None, *,
                 generator: Generator | None = None, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False,
                 memory_format: memory_format | None = preserve_format) -> Tensor:  # fmt: skip
    """Return random integers from ``low`` to ``high`` - 1, shaped and typed as ``input``.

    Called as ``randint_like(input, high)``, from 0.
    """
    options = _like(input, dtype, device, requires_grad)
    return _laid_out(randint(low, high, **options, generator=generator), memory_format)


__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "frombuffer",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "range",
    "tensor",
    "tril_indices",
    "triu_indices",
    "zeros",
    "zeros_like",
]
