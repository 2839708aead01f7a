"""Activations as modules. None but PReLU has parameters.

``inplace=True`` writes the result into the input's memory.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

from tinygrad_adam.backend.warn import warn
from tinygrad_adam.nn import functional, init
from tinygrad_adam.nn.layer import FunctionLayer, ParameterLayer
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.tensor import Tensor


class _Activation(FunctionLayer):
    _usual: ClassVar[dict[str, Any]] = {"inplace": False}


@dataclass(eq=False, repr=False)
class _InPlace(_Activation):
    inplace: bool = False


@dataclass(eq=False, repr=False)
class ReLU(_InPlace):
    """max(x, 0), element by element.

    Source: PyTorch, ``torch.nn.ReLU``.
    """

    _function = functional.relu


@dataclass(eq=False, repr=False)
class LeakyReLU(_Activation):
    """x where it is positive, else ``negative_slope`` times x.

    Source: PyTorch, ``torch.nn.LeakyReLU``.
    """

    negative_slope: float = 1e-2
    inplace: bool = False
    _function = functional.leaky_relu


@dataclass(eq=False, repr=False)
class ELU(_Activation):
    """x where it is positive, else ``alpha`` (exp(x) - 1).

    Source: PyTorch, ``torch.nn.ELU``; Clevert, Unterthiner and Hochreiter (2015).
    """

    alpha: float = 1.0
    inplace: bool = False
    _function = functional.elu


@dataclass(eq=False, repr=False)
class GELU(_Activation):
    """x Φ(x), Φ the distribution function of the normal distribution.

    Args:
        approximate: "none", or "tanh" for an approximation.

    Source: PyTorch, ``torch.nn.GELU``; Hendrycks and Gimpel (2016).
    """

    approximate: str = "none"
    _function = functional.gelu

    def extra_repr(self) -> str:
        """Return the option in quotes, as PyTorch does here and nowhere else."""
        return f"approximate={self.approximate!r}"


@dataclass(eq=False, repr=False)
class SiLU(_InPlace):
    """x σ(x), σ the logistic function; also called swish.

    Source: PyTorch, ``torch.nn.SiLU``.
    """

    _function = functional.silu


@dataclass(eq=False, repr=False)
class Hardswish(_Activation):
    """x min(max(x + 3, 0), 6) / 6: nearly SiLU, without an exponential.

    Source: PyTorch, ``torch.nn.Hardswish``.
    """

    inplace: bool = field(default=False, repr=False)  # nor does PyTorch show it
    _function = functional.hardswish


@dataclass(eq=False, repr=False)
class ReLU6(_InPlace):
    """x cut to [0, 6].

    Source: PyTorch, ``torch.nn.ReLU6``.
    """

    _function = functional.relu6


@dataclass(eq=False, repr=False)
class SELU(_InPlace):
    """1.0507 times ELU with alpha = 1.6733: layers keep mean 0 and variance 1.

    Source: PyTorch, ``torch.nn.SELU``.
    """

    _function = functional.selu


@dataclass(eq=False, repr=False)
class CELU(_Activation):
    """x where it is positive, else ``alpha`` (exp(x / ``alpha``) - 1).

    Source: PyTorch, ``torch.nn.CELU``.
    """

    alpha: float = 1.0
    inplace: bool = False
    _function = functional.celu


@dataclass(eq=False, repr=False)
class Mish(_InPlace):
    """x tanh(log(1 + exp(x))).

    Source: PyTorch, ``torch.nn.Mish``.
    """

    _function = functional.mish


@dataclass(eq=False, repr=False)
class Hardsigmoid(_Activation):
    """min(max(x + 3, 0), 6) / 6: nearly Sigmoid, without an exponential.

    Source: PyTorch, ``torch.nn.Hardsigmoid``.
    """

    inplace: bool = field(default=False, repr=False)  # nor does PyTorch show it
    _function = functional.hardsigmoid


@dataclass(eq=False, repr=False)
class Hardtanh(_Activation):
    """x cut to [``min_val``, ``max_val``]; ``min_value`` and ``max_value`` are old names of these.

    Raises:
        AssertionError: ``max_val`` is not greater than ``min_val``.

    Source: PyTorch, ``torch.nn.Hardtanh``.
    """

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False
    min_value: InitVar[float | None] = None
    max_value: InitVar[float | None] = None
    _function = functional.hardtanh
    __match_args__ = ("min_val", "max_val", "inplace")  # not the old names

    def __post_init__(self, min_value: float | None, max_value: float | None) -> None:
        for name, value in (("min_val", min_value), ("max_val", max_value)):
            if value is not None:
                warn(
                    f"keyword argument `{name}ue` is deprecated and rename to `{name}`",
                    FutureWarning,
                )
                setattr(self, name, value)
        if not self.max_val > self.min_val:
            raise AssertionError(
                f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )


@dataclass(eq=False, repr=False)
class Threshold(_Activation):
    """x where it is greater than ``threshold``, else ``value``.

    Source: PyTorch, ``torch.nn.Threshold``.
    """

    threshold: float
    value: float
    inplace: bool = False
    _function = functional.threshold


@dataclass(eq=False, repr=False)
class _Shrink(_Activation):
    lambd: float = 0.5

    def extra_repr(self) -> str:
        """Return the option without its name."""
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x, but 0 in [-``lambd``, ``lambd``].

    Source: PyTorch, ``torch.nn.Hardshrink``.
    """

    _function = functional.hardshrink


class Softshrink(_Shrink):
    """x moved towards 0 by ``lambd``, but not past it.

    Source: PyTorch, ``torch.nn.Softshrink``.
    """

    _function = functional.softshrink


class Tanhshrink(_Activation):
    """x - tanh(x).

    Source: PyTorch, ``torch.nn.Tanhshrink``.
    """

    _function = functional.tanhshrink


class Softsign(_Activation):
    """x / (1 + |x|).

    Source: PyTorch, ``torch.nn.Softsign``.
    """

    _function = functional.softsign


class LogSigmoid(_Activation):
    """log(sigmoid(x)), without overflow.

    Source: PyTorch, ``torch.nn.LogSigmoid``.
    """

    _function = functional.logsigmoid


@dataclass(eq=False, repr=False)
class GLU(_Activation):
    """The first half along ``dim`` times the sigmoid of the second half.

    Source: PyTorch, ``torch.nn.GLU``.
    """

    dim: int = -1
    _function = functional.glu


class PReLU(ParameterLayer):
    """x where it is positive, else a learned slope times x.

    Args:
        num_parameters: 1, or one for each channel of the input (N, C, …).
        init: what the slopes start at.

    ``weight`` is (num_parameters,).

    Source: PyTorch, ``torch.nn.PReLU``; He et al., "Delving deep into rectifiers" (2015).
    """

    _shown = ("num_parameters=",)

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self._make_parameters(device, dtype, weight=(num_parameters,))

    def reset_parameters(self) -> None:
        """Set the slopes to ``init``."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return functional.prelu(input, self.weight)


@dataclass(eq=False, repr=False)
class RReLU(_Activation):
    """x where it is positive, else x times a slope: in training random, in [lower, upper].

    Source: PyTorch, ``torch.nn.RReLU``; Xu et al. (2015).
    """

    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class Sigmoid(_Activation):
    """1 / (1 + exp(-x)), element by element.

    Source: PyTorch, ``torch.nn.Sigmoid``.
    """

    _function = functional.sigmoid


class Tanh(_Activation):
    """tanh(x), element by element.

    Source: PyTorch, ``torch.nn.Tanh``.
    """

    _function = functional.tanh


@dataclass(eq=False, repr=False)
class Softplus(_Activation):
    """log(1 + exp(``beta`` x)) / ``beta``, or x itself where ``beta`` x > ``threshold``.

    Source: PyTorch, ``torch.nn.Softplus``.
    """

    beta: float = 1.0
    threshold: float = 20.0
    _function = functional.softplus


@dataclass(eq=False, repr=False)
class _AlongDim(_Activation):
    dim: int | None = None


@dataclass(eq=False, repr=False)
class Softmax(_AlongDim):
    """exp(x) / Σ exp(x), the sum along ``dim``.

    Source: PyTorch, ``torch.nn.Softmax``.
    """

    _function = functional.softmax


@dataclass(eq=False, repr=False)
class LogSoftmax(_AlongDim):
    """The logarithm of softmax along ``dim``.

    Source: PyTorch, ``torch.nn.LogSoftmax``.
    """

    _function = functional.log_softmax


@dataclass(eq=False, repr=False)
class Softmin(_AlongDim):
    """Softmax of -x along ``dim``.

    Source: PyTorch, ``torch.nn.Softmin``.
    """

    _function = functional.softmin


class Softmax2d(_Activation):
    """Softmax over the channels of (N, C, H, W) or (C, H, W), for each place by itself.

    Raises:
        ValueError: the input has another number of dimensions.

    Source: PyTorch, ``torch.nn.Softmax2d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        if fitted("Softmax2d", "input", "Tensor", input).ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return functional.softmax(input, -3)
