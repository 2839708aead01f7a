"""Activations as modules. None of them has parameters.

``inplace=True`` writes the result into the input's memory.
"""

from __future__ import annotations

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.module import Module
from tinygrad_adam.tensor import Tensor


class ReLU(Module):
    """max(x, 0), element by element.

    Source: PyTorch, ``torch.nn.ReLU``.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return "inplace=True" or nothing."""
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Module):
    """x where it is positive, else ``negative_slope`` times x.

    Source: PyTorch, ``torch.nn.LeakyReLU``.
    """

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """x where it is positive, else ``alpha`` (exp(x) - 1).

    Source: PyTorch, ``torch.nn.ELU``; Clevert, Unterthiner and Hochreiter (2015).
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Return alpha."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GELU(Module):
    """x Φ(x), Φ the distribution function of the normal distribution.

    Args:
        approximate: "none", or "tanh" for an approximation.

    Source: PyTorch, ``torch.nn.GELU``; Hendrycks and Gimpel (2016).
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x σ(x), σ the logistic function; also called swish.

    Source: PyTorch, ``torch.nn.SiLU``.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.silu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return "inplace=True" or nothing."""
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element.

    Source: PyTorch, ``torch.nn.Sigmoid``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.sigmoid(input)


class Tanh(Module):
    """tanh(x), element by element.

    Source: PyTorch, ``torch.nn.Tanh``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.tanh(input)


class Softplus(Module):
    """log(1 + exp(``beta`` x)) / ``beta``, or x itself where ``beta`` x > ``threshold``.

    Source: PyTorch, ``torch.nn.Softplus``.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return beta and the threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """exp(x) / Σ exp(x), the sum along ``dim``.

    Source: PyTorch, ``torch.nn.Softmax``.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of softmax along ``dim``.

    Source: PyTorch, ``torch.nn.LogSoftmax``.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the activation, in the input's shape."""
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"
