"""Activations as modules. None of them has parameters.

``inplace=True`` writes the result into the input's memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import FunctionLayer


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
