"""Special functions by their names in ``torch.special``: an index of functions of ``ops``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_adam.ops import (
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    log1p,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    round,
    sinc,
    softmax,
    xlogy,
)
from tinygrad_adam.ops import digamma as psi
from tinygrad_adam.ops import lgamma as gammaln
from tinygrad_adam.ops import mvlgamma as multigammaln
from tinygrad_adam.ops import sigmoid as expit
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.special import entr, xlog1py

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


@checked
def ndtr(input: Tensor) -> Tensor:
    """Return the probability of a standard normal number below x, elementwise."""
    return erfc(input * -math.sqrt(0.5)) / 2


@checked
def ndtri(input: Tensor) -> Tensor:
    """Return where :func:`ndtr` is x, elementwise: infinite at 0 and 1, NaN beyond."""
    return erfinv(2 * input - 1) * math.sqrt(2)


__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]
