"""Tensors made from nothing: from numbers, by a rule, or at random.

All take ``dtype`` (float32 for real numbers and int64 for integers unless said), ``device`` ("cpu"
unless said) and ``requires_grad``. Random numbers come from ``generator``, or else from the default
generator that ``manual_seed`` seeds.

Source: PyTorch, "Creation ops" and "Random sampling".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_adam.backend import (
    Array,
    Generator,
    as_dtype,
    default_generator,
    is_array,
    is_differentiable,
    move,
)
from tinygrad_adam.tensor import Tensor, as_array


def _made(array: Array, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """Return a leaf around ``array``, converted and moved."""
    if dtype is not None:
        array = array.astype(as_dtype(dtype), copy=False)
    result = Tensor._wrap(move(array, device))
    if requires_grad:
        if not is_differentiable(result.dtype):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one would be {result.dtype} {result.shape}: write 1.0 for 1, or pass "
                "dtype=float32"
            )
        result.requires_grad_()
    return result


def _size(size: tuple[Any, ...]) -> tuple[int, ...]:
    """Return ``(2, 3)`` for both ``zeros(2, 3)`` and ``zeros((2, 3))``."""
    if len(size) == 1 and not isinstance(size[0], (int, np.integer, Tensor)):
        size = tuple(size[0])
    shape = tuple([int(n) for n in size])
    for n in shape:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(shape)}"
            )
    return shape


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor made of ``data``, which is copied.

    Args:
        data: a number, nested sequences of numbers, an array or a tensor. Python floats become
            float32, ints int64, bools bool; arrays and tensors keep their dtype.
        dtype: the dtype wanted instead.
        device: where to put it; unless said, where ``data`` is.
        requires_grad: whether operations on it are recorded.

    Raises:
        TypeError: ``data`` contains something that is no number.
        ValueError: the sequences are ragged.
        RuntimeError: ``requires_grad`` for integers or bools.

    Source: PyTorch, ``torch.tensor``.
    """
    array = as_array(data, None if dtype is None else as_dtype(dtype))
    return _made(array, None, device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ``data`` as a tensor, sharing its memory if it is an array or tensor that fits."""
    if isinstance(data, Tensor):
        return data.to(*[x for x in (device, dtype) if x is not None])
    if is_array(data):
        return _made(data.view(), dtype, device, False)
    return tensor(data, dtype, device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Return a tensor on the memory of a NumPy array.

    Raises:
        TypeError: the argument is no array, or an array of a type that tensors do not have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if ndarray.dtype.kind not in "biufc":
        as_array(ndarray)  # raises, and says which types there are
    return Tensor._wrap(ndarray.view())


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of shape ``size`` full of ``fill_value``, whose type decides the dtype."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    dtype = as_dtype(type(value) if dtype is None else dtype)
    return _made(np.full(_size((size,)), value, dtype), None, device, requires_grad)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros of shape ``size``."""
    array = np.zeros(_size(size), as_dtype(float if dtype is None else dtype))
    return _made(array, None, device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones of shape ``size``."""
    array = np.ones(_size(size), as_dtype(float if dtype is None else dtype))
    return _made(array, None, device, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of shape ``size`` to be filled: it holds whatever was in the memory."""
    array = np.empty(_size(size), as_dtype(float if dtype is None else dtype))
    return _made(array, None, device, requires_grad)


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return zeros with the shape, dtype and device of ``input``."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ones with the shape, dtype and device of ``input``."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor to be filled, with the shape, dtype and device of ``input``."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor full of ``fill_value``, with the shape, dtype and device of ``input``."""
    dtype = input.dtype if dtype is None else as_dtype(dtype)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    array = np.full(input.shape, value, dtype)
    return _made(array, None, input.device if device is None else device, requires_grad)


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from ``start`` up to but not including ``end``, ``step`` apart.

    With one argument, from 0 to it. All integers give int64, else float32.

    Raises:
        RuntimeError: the step is 0 or leads away from ``end``.
    """
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: {start} to {end}, {step}"
        )
    if dtype is None:
        dtype = int if all(isinstance(x, (int, np.integer)) for x in (start, end, step)) else float
    count = math.ceil((end - start) / step)
    array = start + step * np.arange(count)
    return _made(array, dtype, device, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return ``steps`` numbers from ``start`` to ``end``, both included, equally far apart."""
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    array = np.linspace(float(start), float(end), steps)
    return _made(array, float if dtype is None else dtype, device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return an (n, m) matrix (square unless ``m`` is given) with ones on the diagonal."""
    for name, size in (("n", n), ("m", 0 if m is None else m)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    array = np.eye(n, m, dtype=as_dtype(float if dtype is None else dtype))
    return _made(array, None, device, requires_grad)


def _random(generator: Generator | None) -> np.random.Generator:
    return (default_generator if generator is None else generator).numpy


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers drawn uniformly from [0, 1)."""
    dtype = as_dtype(float if dtype is None else dtype)
    draw = dtype if dtype.itemsize >= 4 else np.float32
    array = _random(generator).random(_size(size), draw)  # type: ignore[arg-type]
    return _made(array, dtype, device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers drawn from the normal distribution with mean 0 and variance 1."""
    dtype = as_dtype(float if dtype is None else dtype)
    draw = dtype if dtype.itemsize >= 4 else np.float32
    array = _random(generator).standard_normal(_size(size), draw)  # type: ignore[arg-type]
    return _made(array, dtype, device, requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return integers drawn from ``low`` (0 if left out) up to but not including ``high``, int64.

    Call it as ``randint(high, size)`` or ``randint(low, high, size)``.

    Raises:
        RuntimeError: the range is empty.
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    array = _random(generator).integers(low, high, _size((size,)))
    return _made(array, int if dtype is None else dtype, device, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the integers from 0 to n - 1 in random order, int64."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    array = _random(generator).permutation(n)
    return _made(array, int if dtype is None else dtype, device, requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None,
              requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return numbers drawn uniformly from [0, 1), with the shape, dtype and device of ``input``."""
    return rand(input.shape, dtype=input.dtype if dtype is None else dtype,
                device=input.device if device is None else device,
                requires_grad=requires_grad)  # fmt: skip


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None,
               requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return normally distributed numbers, with the shape, dtype and device of ``input``."""
    return randn(input.shape, dtype=input.dtype if dtype is None else dtype,
                 device=input.device if device is None else device,
                 requires_grad=requires_grad)  # fmt: skip


def randint_like(input: Tensor, low: int, high: Any = None, *, dtype: Any = None,
                 device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Return random integers from ``low`` to ``high`` - 1, shaped and typed as ``input``."""
    return randint(low, high, input.shape, dtype=input.dtype if dtype is None else dtype,
                   device=input.device if device is None else device,
                   requires_grad=requires_grad)  # fmt: skip


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability that ``input`` gives for each element, else 0."""
    drawn = Tensor._wrap(move(_random(generator).random(input.shape), input.device))
    return (drawn < input.detach()).to(input.dtype)


__all__ = [
    "arange",
    "as_tensor",
    "bernoulli",
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
