"""Dropout: elements or channels taken away at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.inplace import in_place
from tinygrad_adam.backend import Array, default_generator, device_of, is_differentiable, move
from tinygrad_adam.backend.dtypes import float32, type_name
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.elementwise import require_real

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class Dropout(Operation):
    """a x with probability 1 - p, else a d, plus b: for each element or channel by itself.

    Dropout has d = b = 0 and a = 1 / (1 - p). For alpha dropout d is what SELU tends to, and a and
    b keep a mean of 0 and a variance of 1. Gradient: a g where x was kept, else 0.  Saves these
    factors.

    Source: Srivastava et al., "Dropout" (2014); Klambauer et al., "Self-Normalizing Neural
    Networks" (2017).
    """

    def shown(self) -> Any:
        """Return PyTorch's form: a product with random numbers."""
        return "MulBackward0", 0, None

    def forward(self, x: Array, p: float, channels: int = 0, dropped: float = 0.0) -> Array:
        shape = x.shape if not channels else (*x.shape[:channels], *[1] * (x.ndim - channels))
        # Drawn on the CPU in memory order of the shape, so that every device drops the same ones.
        kept = default_generator.numpy.random(shape, dtype=float32) >= p
        scale = 1 / (1 - p) if p < 1 else 0
        if dropped:
            scale = ((1 - p) * (1 + p * dropped**2)) ** -0.5
        factors = move(np.asarray(kept * x.dtype.type(scale)), device_of(x))
        self.save(factors)
        if not dropped:
            return x * factors
        shift = np.where(kept, 0, scale * dropped) - scale * dropped * p
        return x * factors + move(np.asarray(shift, x.dtype), device_of(x))

    def backward(self, grad: Any) -> Any:
        (factors,) = self.saved
        return grad * factors


_SELU_LIMIT = -1.7580993408473766


def _dropout(
    input: Any, p: float, training: bool, inplace: bool, channels: int = 0, dropped: float = 0.0
) -> Tensor:
    """Return ``input``, elements or whole channels of it dropped.

    Args:
        input: and the next three: as for :func:`dropout`.
        p: see there.
        training: see there.
        inplace: see there.
        channels: how many leading dimensions tell what is dropped as one; 0 for elements.
        dropped: what takes the place of what is dropped.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input  # type: ignore[no-any-return]
    require_real("dropout", input)
    if not is_differentiable(input.dtype):
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {type_name(input.dtype)}\n"
            "  dropout divides what it keeps by 1 - p: convert the input with .float()"
        )
    if channels == 2 > input.ndim:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    apply = in_place(Dropout.apply) if inplace else Dropout.apply
    return apply(input, p, channels, dropped if p < 1 else 0.0)  # type: ignore[no-any-return]


@checked
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability ``p`` and divide the others by 1 - p.

    Args:
        input: any tensor.
        p: the probability, from 0 to 1.
        training: False returns the input as it is.
        inplace: write into the input's memory.

    Raises:
        ValueError: ``p`` is no probability.

    Source: PyTorch, ``torch.nn.functional.dropout``.
    """
    return _dropout(input, p, training, inplace)


@checked
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Do :func:`dropout` with whole channels of sequences (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that "
            "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
            "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _dropout(input, p, training, inplace, channels=input.ndim - 1)


@checked
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Do :func:`dropout` with whole channels of images (N, C, H, W).

    Of an input (N, C, L), too; it warns, as PyTorch does, that this will mean one image some day.
    """
    if input.ndim not in (3, 4):
        warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated and "
            "will result in an error in a future release. To retain the behavior and silence this "
            "warning, please use dropout instead. Note that dropout2d exists to provide "
            "channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 3D or 4D inputs)."
        )
    if input.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. This behavior will change in a future release to interpret the input as one "
            "without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
            "dropout behavior, please switch to using dropout1d instead."
        )
    return _dropout(input, p, training, inplace, channels=2)


@checked
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Set each element with probability ``p`` to what SELU tends to; keep mean 0 and variance 1.

    Source: PyTorch, ``torch.nn.functional.alpha_dropout``; Klambauer et al. (2017).
    """
    return _dropout(input, p, training, inplace, dropped=_SELU_LIMIT)


@checked
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Do :func:`alpha_dropout` with whole channels of an input (N, C, …)."""
    return _dropout(input, p, training, inplace, channels=2, dropped=_SELU_LIMIT)
