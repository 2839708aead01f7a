"""Random numbers: drawn by the values of tensors, and written into tensors.

They come from ``generator``, or else from the default one that ``manual_seed`` seeds. All are drawn
on the CPU, so that a program draws the same ones on every device.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import (
    DEFAULT_DTYPE,
    Array,
    Dtype,
    Generator,
    as_dtype,
    device_of,
    move,
    numbers_of,
    to_numpy,
)
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.ops.arguments import as_int, checked, common_shape, new_size
from tinygrad_adam.ops.elementwise import overwritten, require_floating
from tinygrad_adam.ops.shapes import expand

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
Draw = Callable[..., np.ndarray]


def placed(function: F) -> F:
    """Let a function that draws a tensor take PyTorch's options that change nothing here."""

    @functools.wraps(function)
    def call(*args: Any, layout: Any = None, pin_memory: bool = False, **options: Any) -> Any:
        return function(*args, **options)

    return call  # type: ignore[return-value]


class Sampled(Operation):
    """Random numbers drawn by the values of tensors.  Gradient: 0."""

    def forward(self, draw: Draw, *inputs: Array) -> Array:
        drawn = draw(*[to_numpy(x) for x in inputs])
        return move(np.asarray(drawn, inputs[0].dtype), device_of(inputs[0]))

    def backward(self, grad: Any) -> Any:
        zeros = overwritten(grad, 0)
        return tuple([zeros if needed else None for needed in self.needs_input_grad])


# --- drawn by the values of tensors --------------------------------------------------------------


@placed
@checked
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Any = None
) -> Tensor:
    """Return 1 with the probability that ``input`` gives for each element (or ``p``), else 0.

    Raises:
        NotImplementedError: ``input`` gives the probabilities, and is not of floating point.
        RuntimeError: a probability is not in [0, 1].
    """
    if p is not None:
        return bernoulli_(input.new_zeros(input.shape), p, generator=generator)
    require_floating("bernoulli", input)
    return Sampled.apply(_bernoulli(generator), input)  # type: ignore[no-any-return]


def _bernoulli(generator: Generator | None) -> Draw:
    def draw(p: np.ndarray) -> np.ndarray:
        if not ((p >= 0) & (p <= 1)).all():
            raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
        return numbers_of(generator).random(p.shape) < p

    return draw


@placed
@checked
def poisson(input: Tensor, generator: Generator | None = None, *, out: Any = None) -> Tensor:
    """Return integers drawn from the Poisson distributions with the rates in ``input``.

    Raises:
        NotImplementedError: ``input`` is not of floating point.
        RuntimeError: a rate is negative or NaN.
    """
    require_floating("poisson", input)

    def draw(rate: np.ndarray) -> np.ndarray:
        if not (rate >= 0).all():
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
        # Beyond 10**18, which NumPy does not take, all numbers are the rate to nine digits.
        return np.where(rate < 1e18, numbers_of(generator).poisson(np.minimum(rate, 1e18)), rate)

    return Sampled.apply(draw, input)  # type: ignore[no-any-return]


@checked
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Return how many of ``count`` trials succeed, each with the probability ``prob``.

    Raises:
        NotImplementedError: the dtype is not of floating point.
        RuntimeError: a count is negative, or a probability not in [0, 1].
    """
    require_floating("binomial", count)

    def draw(n: np.ndarray, p: np.ndarray) -> np.ndarray:
        if not (n >= 0).all() or not ((p >= 0) & (p <= 1)).all():
            raise RuntimeError("binomial needs counts of at least 0 and probabilities in [0, 1]")
        return np.asarray(numbers_of(generator).binomial(n.astype(np.int64), p))

    return Sampled.apply(draw, count, prob)  # type: ignore[no-any-return]


@placed
@checked
def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Any = None,
) -> Tensor:
    """Return numbers drawn from normal distributions.

    Args:
        mean: a number, or a tensor with a mean for each result.
        std: likewise the standard deviation. Two tensors are broadcast.
        size: the shape of the result, if mean and deviation are numbers.
        generator: where the numbers come from.
        dtype: as ``device`` and ``requires_grad``, of a result whose shape is given.

    Raises:
        NotImplementedError: the dtype is not of floating point or complex.
        RuntimeError: a deviation is negative, or complex.
        TypeError: there is no tensor and no size, or both.
    """
    numbers: Any = (mean, std)
    tensors = [x for x in numbers if isinstance(x, Traced)]
    if bool(tensors) == (size is not None) or not isinstance(size, (tuple, list, type(None))):
        raise TypeError(
            "normal() received an invalid combination of arguments\n"
            "  Call it as normal(mean, std) with a tensor, or as normal(0.0, 1.0, size=(2, 3))."
        )
    if size is not None:
        dtype = DEFAULT_DTYPE[float] if dtype is None else as_dtype(dtype)
        empty = np.empty(new_size("normal", (size,)), dtype)
        made: Any = Traced._wrap(move(empty, device))
        normal_(made, *numbers, generator=generator)
        return made.requires_grad_(requires_grad)  # type: ignore[no-any-return]
    _require_inexact("normal", tensors[0])
    if not isinstance(std, Traced):
        _require_deviation(std)
    elif std.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")

    def draw(*arrays: np.ndarray) -> np.ndarray:
        found = iter(arrays)
        m, s = [next(found) if isinstance(x, Traced) else x for x in numbers]
        if not np.all(s >= 0):
            raise RuntimeError("normal expects all elements of std >= 0.0")
        shape = common_shape(*[x.shape for x in arrays])
        return np.asarray(m + s * _standard_normal(generator, shape, arrays[0].dtype))

    return Sampled.apply(draw, *tensors)  # type: ignore[no-any-return]


def _standard_normal(
    generator: Generator | None, shape: tuple[int, ...], dtype: Dtype
) -> np.ndarray:
    numbers = numbers_of(generator)
    if dtype.kind != "c":
        return numbers.standard_normal(shape)
    real, imag = numbers.standard_normal((2, *shape)) * math.sqrt(0.5)
    return real + 1j * imag


def _require_inexact(function: str, x: Any) -> None:
    if x.dtype.kind != "c":
        require_floating(function, x)


def _require_deviation(std: float) -> None:
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


@placed
@checked
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Any = None,
) -> Tensor:
    """Return ``num_samples`` column numbers of each row, each as probable as its element is large.

    Args:
        input: weights, (classes,) or (rows, classes); they need not sum to 1.
        num_samples: how many to draw.
        replacement: whether a column may be drawn again. Without it, columns of weight 0 come when
            there are no others.
        generator: where the numbers come from.

    Returns:
        int64, (num_samples,) or (rows, num_samples), in the order in which they were drawn.

    Raises:
        RuntimeError: a weight is negative, infinite or NaN; a row has none above 0; there are not
            as many columns as are to be drawn, or none to be drawn.
    """
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if input.dtype.kind != "f":
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            f"{type_name(input.dtype)}"
        )
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )
    weights = to_numpy(input.array).astype(np.float64).reshape(-1, input.shape[-1])
    if not (weights >= 0).all() or np.isinf(weights).any():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not weights.any(1).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    draw = _with_replacement if replacement or num_samples == 1 else _without_replacement
    found = draw(weights, num_samples, numbers_of(generator))
    found = found.reshape(*input.shape[:-1], num_samples)
    return Traced._wrap(move(found, input.device))  # type: ignore[return-value]


def _with_replacement(weights: np.ndarray, count: int, numbers: Any) -> np.ndarray:
    """Return the columns whose part of the line from 0 to the row's sum a random point hits."""
    ends = np.cumsum(weights, 1)
    points = numbers.random((len(weights), count)) * ends[:, -1:]
    if count > len(weights):
        rows = [np.searchsorted(e, p, side="right") for e, p in zip(ends, points)]
        return np.array(rows, np.int64).reshape(points.shape)
    columns = [(ends <= points[:, i : i + 1]).sum(1) for i in range(count)]
    return np.stack(columns, 1).astype(np.int64, copy=False)


def _without_replacement(weights: np.ndarray, count: int, numbers: Any) -> np.ndarray:
    """Return the first to arrive of a race in which weights are speeds."""
    speeds = weights / numbers.standard_exponential(weights.shape)
    return np.argsort(-speeds, axis=1, kind="stable")[:, :count].astype(np.int64, copy=False)


# --- written into tensors ------------------------------------------------------------------------


def _fill(input: Any, numbers: Any) -> Any:
    numbers = np.asarray(numbers).astype(input.array.dtype, copy=False)
    return input.copy_(Traced._wrap(numbers))


@checked
def bernoulli_(
    input: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """Fill with 1 with probability ``p``, a number or one for each element, else with 0."""
    if input.dtype.kind == "c":
        require_floating("bernoulli_", input)
    if isinstance(p, Traced):
        require_floating("bernoulli_", p)
        probabilities = to_numpy(expand(p, input.shape).array)
        return _fill(input, _bernoulli(generator)(probabilities))  # type: ignore[no-any-return]
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return _fill(input, numbers_of(generator).random(input.shape) < p)  # type: ignore[no-any-return]


@checked
def uniform_(
    input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn uniformly from [from, to); of complex ones both parts."""
    _require_inexact("uniform_", input)
    own = input.array.dtype
    dtype = np.dtype(f"f{own.itemsize // 2}") if own.kind == "c" else own
    largest = float(np.finfo(dtype).max)
    for name, end in (("from", from_), ("to", to)):
        if not -largest <= end <= largest:
            raise RuntimeError(f"{name} is out of bounds for {c_type_name(dtype)}")
    if from_ > to:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={from_:g} > to={to:g}"
        )
    if to - from_ > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{type_name(dtype)}>::max(), but "
            f"found to={to:g} and from={from_:g} which result in to-from to exceed the limit"
        )

    def draw() -> np.ndarray:
        drawn = numbers_of(generator).uniform(from_, to, input.shape).astype(dtype)
        return np.where(drawn == dtype.type(to), dtype.type(from_), drawn)  # rounded up to the end

    return _fill(input, draw() + 1j * draw() if dtype != own else draw())  # type: ignore[no-any-return]


@checked
def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from the normal distribution."""
    _require_deviation(std)
    _require_inexact("normal_", input)
    return _fill(input, mean + std * _standard_normal(generator, input.shape, input.dtype))  # type: ignore[no-any-return]


@checked
def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers whose logarithms have the normal distribution of ``mean`` and ``std``."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    require_floating("log_normal_", input)
    return _fill(input, numbers_of(generator).lognormal(mean, std, input.shape))  # type: ignore[no-any-return]


def _require_continuous(name: str, input: Any, type_text: str) -> None:
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"{name} distribution is a continuous probability distribution. dtype must be a "
            f"floating point but you specified {type_text}"
        )


@checked
def exponential_(
    input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from the exponential distribution with rate ``lambd``."""
    _require_continuous("Exponential", input, type_name(input.dtype))
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    return _fill(input, numbers_of(generator).standard_exponential(input.shape) / lambd)  # type: ignore[no-any-return]


@checked
def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from the Cauchy distribution."""
    _require_continuous("Cauchy", input, c_type_name(input.dtype))
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    return _fill(input, median + sigma * numbers_of(generator).standard_cauchy(input.shape))  # type: ignore[no-any-return]


@checked
def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with how many trials of probability ``p`` it takes until one succeeds: 1, 2, …"""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if input.dtype.kind in "bc":
        require_floating("geometric_", input)
    return _fill(input, numbers_of(generator).geometric(p, input.shape))  # type: ignore[no-any-return]


def random_(
    input: Tensor, *limits: Any, to: Any = None, generator: Generator | None = None
) -> Tensor:
    """Fill with integers drawn uniformly from [0, to), or [from, to).

    Call it as ``random_()``, ``random_(to)`` or ``random_(from, to)``. Without ``to``, or with
    None, up to the largest integer of the dtype; of floating-point dtypes the largest below which
    they have every integer.

    Raises:
        NotImplementedError: the dtype is complex.
        RuntimeError: the range is empty, or the dtype does not hold it.
    """
    if len(limits) > 2 or (to is not None and len(limits) == 2):
        raise TypeError(f"random_() takes from 0 to 2 limits, but {len(limits)} were given")
    first, last = (0, to) if not limits else (0, limits[0]) if to is None else (limits[0], to)
    if len(limits) == 2:
        first, last = limits
    if input.dtype.kind == "c":
        require_floating("random_", input)
    low = as_int("random_", "from", 1, first)
    high = _largest(input.array.dtype) + 1 if last is None else as_int("random_", "to", 2, last)
    return _fill(input, integers(low, high, input.shape, input.array.dtype, generator))  # type: ignore[no-any-return]


def _largest(dtype: Dtype) -> int:
    """Return the largest integer up to which ``dtype`` has all of them."""
    if dtype.kind == "f":
        return 2 ** (np.finfo(dtype).nmant + 1)
    return 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)


def integers(
    low: int, high: int, shape: tuple[int, ...], dtype: Dtype, generator: Generator | None
) -> np.ndarray:
    """Return integers drawn uniformly from [low, high), in ``dtype``.

    Raises:
        RuntimeError: the range is empty, or the dtype does not hold it.
        ValueError: it is beyond int64.
    """
    if dtype.kind == "c":
        raise RuntimeError(
            "check_random_bounds handles only integral, floating-point and boolean types"
        )
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if dtype.kind == "f":
        most = int(np.finfo(dtype).max)
        least = -most
    else:
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for name, extreme in (("from", low), ("to - 1", high - 1)):
        if not least <= extreme <= most:
            raise RuntimeError(f"{name} is out of bounds for {c_type_name(dtype)}")
    if low < -(2**63) or high > 2**63:
        raise ValueError("Overflow when unpacking long long\n  int64 holds -2**63 to 2**63 - 1")
    drawn = np.asarray(numbers_of(generator).integers(low, high - 1, shape, endpoint=True))
    drawn = drawn.astype(dtype)
    if dtype.kind == "f":  # which may have rounded up to the end
        drawn = np.asarray(np.minimum(drawn, np.nextafter(dtype.type(high), dtype.type(low))))
    return drawn
