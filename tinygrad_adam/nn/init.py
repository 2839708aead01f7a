"""Filling parameters with their first values.

Every function changes its tensor in place, unrecorded, and returns it. Random numbers come from
``generator``, or else from the generator that ``tinygrad_adam.manual_seed`` seeds; they are drawn
on the CPU, so that they are the same on every device.

A weight has the shape (out, in, …); what follows the first two is the receptive field, of r
elements (1 for a linear layer, kH kW for a convolution). fan_in = in r is how many inputs each
output sums up, fan_out = out r how many outputs each input goes to.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.autograd.inplace import check_writable, writable
from tinygrad_adam.backend import Generator, convert_number, device_of, move, numbers_of
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import Choice, Number, checked
from tinygrad_adam.ops.elementwise import require_floating
from tinygrad_adam.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def _fill(tensor: Tensor, values: Any) -> Tensor:
    """Write an array or number into a tensor's memory and count the write."""
    fills = not isinstance(values, np.ndarray)
    check_writable(tensor, recording=False, fills=fills)
    if not fills:
        values = move(values.astype(tensor.array.dtype, copy=False), device_of(tensor.array))
    writable(tensor.array)[...] = values
    tensor._writes[0] += 1
    return tensor


def _fill_random(
    function: str, tensor: Tensor, draw: Callable[..., Any], factor: float, shift: float
) -> Tensor:
    """Fill with ``factor`` times what ``draw(shape, dtype)`` returns, plus ``shift``.

    Raises:
        NotImplementedError: the tensor, which ``function`` is to fill, is of integers or bools.
    """
    require_floating(function, tensor)
    dtype = np.float64 if tensor.array.dtype == np.float64 else np.float32
    numbers = np.asarray(draw(tensor.shape, dtype))
    numbers *= factor
    numbers += shift
    return _fill(tensor, numbers)


@checked
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn uniformly from [a, b).

    Source: PyTorch, ``torch.nn.init.uniform_``.
    """
    if a > b:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}"
        )
    return _fill_random("uniform_", tensor, numbers_of(generator).random, b - a, a)


@checked
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from the normal distribution.

    Source: PyTorch, ``torch.nn.init.normal_``.
    """
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return _fill_random("normal_", tensor, numbers_of(generator).standard_normal, std, mean)


@checked
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers drawn from the normal distribution, those outside [a, b] drawn again.

    Source: PyTorch, ``torch.nn.init.trunc_normal_``.
    """
    require_floating("trunc_normal_", tensor)
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=3,
        )
    # By the inverse of the distribution function, interpolated in a fine table of it: no number is
    # drawn twice, and a far-off interval is no problem.
    low, high = (0.5 * (1 + math.erf((x - mean) / (std * math.sqrt(2)))) for x in (a, b))
    wanted = np.asarray(numbers_of(generator).uniform(low, high, tensor.shape))
    x = np.linspace(-8.5, 8.5, 1 << 16)
    distribution = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x])
    return _fill(tensor, np.clip(np.interp(wanted, distribution, x) * std + mean, a, b))


@checked
def constant_(tensor: Tensor, val: Number) -> Tensor:
    """Fill with ``val``.

    Source: PyTorch, ``torch.nn.init.constant_``.
    """
    number = val.item() if isinstance(val, Tensor) else val
    return _fill(tensor, convert_number(number, tensor.dtype))


@checked
def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    Source: PyTorch, ``torch.nn.init.ones_``.
    """
    return _fill(tensor, 1)


@checked
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    Source: PyTorch, ``torch.nn.init.zeros_``.
    """
    return _fill(tensor, 0)


@checked
def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity, as far as its shape allows.

    Raises:
        ValueError: the tensor is no matrix.

    Source: PyTorch, ``torch.nn.init.eye_``.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


@checked
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight such that it hands its input channels on unchanged.

    Args:
        tensor: (out, in / groups, …), with 3, 4 or 5 dimensions.
        groups: of the convolution; each keeps its channels.

    Raises:
        ValueError: another number of dimensions, or groups that do not divide ``out``.

    Source: PyTorch, ``torch.nn.init.dirac_``.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    values = np.zeros(tensor.shape)
    each = tensor.shape[0] // groups
    centre = tuple(size // 2 for size in tensor.shape[2:])
    for group in range(groups):
        for channel in range(min(each, tensor.shape[1])):
            values[group * each + channel, channel][centre] = 1
    return _fill(tensor, values)


_GAINS = {
    "linear": 1, "conv1d": 1, "conv2d": 1, "conv3d": 1, "conv_transpose1d": 1,
    "conv_transpose2d": 1, "conv_transpose3d": 1, "sigmoid": 1, "tanh": 5 / 3,
    "relu": math.sqrt(2), "selu": 3 / 4,
}  # fmt: skip


@checked
def calculate_gain(nonlinearity: Choice, param: Any = None) -> float:
    """Return by how much to scale weights before a nonlinearity, so that variances stay the same.

    Args:
        nonlinearity: "linear", "conv1d" … "conv_transpose3d", "sigmoid" (gain 1), "tanh" (5/3),
            "relu" (√2), "leaky_relu" (√(2 / (1 + slope²))), "selu" (3/4).
        param: the slope of leaky_relu, 0.01 by default.

    Raises:
        ValueError: another name, or a slope that is no number.

    Source: PyTorch, ``torch.nn.init.calculate_gain``.
    """
    if isinstance(nonlinearity, str) and nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if not isinstance(nonlinearity, str) or nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, (int, float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2 / (1 + slope**2))


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight (out, in, …).

    Raises:
        ValueError: the tensor has fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@checked
def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill from U(-a, a), a = gain √(6 / (fan_in + fan_out)).

    Source: PyTorch, ``torch.nn.init.xavier_uniform_``; Glorot and Bengio, "Understanding the
    difficulty of training deep feedforward neural networks" (2010).
    """
    a = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -a, a, generator)


@checked
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from the normal distribution with deviation gain √(2 / (fan_in + fan_out)).

    Source: PyTorch, ``torch.nn.init.xavier_normal_``; Glorot and Bengio (2010).
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), generator)


def _kaiming_deviation(
    tensor: Tensor, a: float | None, mode: Choice, nonlinearity: Choice
) -> float:
    """Return gain / √fan.

    Raises:
        ValueError: ``mode`` is neither "fan_in" nor "fan_out".
    """
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor)))
    if (fan := fans.get(str(mode).lower())) is None:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(fans)}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _nothing_to_fill(tensor: Tensor) -> bool:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=4)
    return 0 in tensor.shape


@checked
def kaiming_uniform_(
    tensor: Tensor,
    a: float | None = 0,
    mode: Choice = "fan_in",
    nonlinearity: Choice = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from U(-b, b), b = gain √(3 / fan).

    Args:
        tensor: the weight, (out, in, …).
        a: the negative slope of leaky_relu.
        mode: "fan_in" keeps the variance in the forward pass, "fan_out" in the backward pass.
        nonlinearity: what follows; see :func:`calculate_gain`.
        generator: where the random numbers come from.

    Source: PyTorch, ``torch.nn.init.kaiming_uniform_``; He et al., "Delving Deep into Rectifiers"
    (2015).
    """
    if _nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_deviation(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


@checked
def kaiming_normal_(
    tensor: Tensor,
    a: float | None = 0,
    mode: Choice = "fan_in",
    nonlinearity: Choice = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the normal distribution with deviation gain / √fan.

    Arguments as for :func:`kaiming_uniform_`.

    Source: PyTorch, ``torch.nn.init.kaiming_normal_``; He et al. (2015).
    """
    if _nothing_to_fill(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_deviation(tensor, a, mode, nonlinearity), generator)


@checked
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a random orthogonal matrix, times ``gain``.

    The tensor is seen as a matrix (first dimension, all others); of its rows and columns, those of
    which there are fewer are orthonormal.

    Raises:
        ValueError: the tensor has fewer than two dimensions.

    Source: PyTorch, ``torch.nn.init.orthogonal_``; Saxe, McClelland and Ganguli (2013).
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    require_floating("orthogonal_", tensor)
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    numbers = numbers_of(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(numbers)
    # The signs of r's diagonal make the distribution uniform over the orthogonal matrices.
    q *= np.sign(np.diag(r))
    return _fill(tensor, (gain * (q if rows >= columns else q.T)).reshape(tensor.shape))


@checked
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill with N(0, std²), but in each column a share of the rows, drawn at random, with zeros.

    Args:
        tensor: a matrix.
        sparsity: that share.
        std: the standard deviation.
        generator: of the random numbers.

    Raises:
        ValueError: the tensor does not have two dimensions.

    Source: PyTorch, ``torch.nn.init.sparse_``; Martens, "Deep learning via Hessian-free
    optimization" (2010).
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    require_floating("sparse_", tensor)
    rows, columns = tensor.shape
    random = numbers_of(generator)
    numbers = std * random.standard_normal((rows, columns))
    order = random.random((rows, columns)).argsort(axis=0)
    numbers[order < math.ceil(sparsity * rows)] = 0.0
    return _fill(tensor, numbers)


@checked
def default_(weight: Tensor, bias: Tensor | None) -> None:
    """Fill as PyTorch's linear and convolution layers do: U(-1/√fan_in, 1/√fan_in) for both.

    For the weight that is :func:`kaiming_uniform_` with a = √5.
    """
    kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = _fans(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        uniform_(bias, -bound, bound)


def _former(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a function by the name that it had before those that write got an underscore."""
    name = function.__name__[:-1]

    def former(*args: Any, **kwargs: Any) -> Tensor:
        warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{function.__name__}`.",
            FutureWarning,
        )
        return function(*args, **kwargs)

    former.__name__ = former.__qualname__ = name
    former.__doc__ = f"Do what :func:`{function.__name__}` does: its old name."
    return former


constant, dirac, eye = _former(constant_), _former(dirac_), _former(eye_)
kaiming_normal, kaiming_uniform = _former(kaiming_normal_), _former(kaiming_uniform_)
normal, orthogonal, sparse = _former(normal_), _former(orthogonal_), _former(sparse_)
uniform = _former(uniform_)
xavier_normal, xavier_uniform = _former(xavier_normal_), _former(xavier_uniform_)
