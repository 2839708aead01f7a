"""Losses that are minus the logarithm of a probability, or a distance of distributions.

The arguments that they share are those of :mod:`tinygrad_adam.ops.losses`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_adam.backend import is_differentiable
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import Choice, Operand, checked
from tinygrad_adam.ops.distances import held_above
from tinygrad_adam.ops.elementwise import exp, is_number, log, overwritten, where
from tinygrad_adam.ops.losses import named_reduction, reduced
from tinygrad_adam.ops.shapes import unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


@checked
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return the mean of y (log y - x), where x is the logarithm of a probability.

    Args:
        input: x, log-probabilities.
        target: y, probabilities, or with ``log_target`` the logarithms of these.
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "batchmean", the sum divided by the size of the first dimension, is what the
            divergence is defined as; "mean", "sum" or "none".
        log_target: whether the target holds logarithms.

    Raises:
        RuntimeError: the elements are integers or complex numbers.
        ValueError: another reduction.

    Source: PyTorch, ``torch.nn.functional.kl_div``; Kullback and Leibler (1951).
    """
    kind = "sum" if reduction == "batchmean" else reduction
    kind = named_reduction(size_average, reduce, kind)
    by_batch = reduction == "batchmean" and size_average is None and reduce is None
    if kind == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
        )
    for x in (input, target):
        if x.dtype.kind != "f":
            kinds = "Complex" if is_differentiable(x.dtype) else "Integral"
            raise RuntimeError(f"kl_div: {kinds} inputs not supported.\n  Convert with .float()")
    if log_target:
        losses = exp(target) * (target - input)
    else:
        entropy = target * log(where(target == 0, overwritten(target, 1), target))
        losses = entropy - target * input
    loss = reduced(losses, kind)
    return loss / input.shape[0] if by_batch and input.ndim else loss


@checked
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of λ - y log λ, for counts y of the Poisson distribution with mean λ.

    Args:
        input: log λ, or λ.
        target: y.
        log_input: whether ``input`` is the logarithm.
        full: add Stirling's formula for log y!, where y is more than 1.
        size_average: and ``reduce``: old names for ``reduction``.
        eps: added to λ in the logarithm.
        reduction: "mean", "sum" or "none".

    Source: PyTorch, ``torch.nn.functional.poisson_nll_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        counts = where(target > 1, target, 2)
        stirling = counts * log(counts) - counts + 0.5 * log(2 * math.pi * counts)
        losses = losses + where(target > 1, stirling, 0.0)
    return reduced(losses, reduction)


@checked
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Operand,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of ½ (log v + (x - y)² / v), for normal numbers y with mean x, variance v.

    Args:
        input: x.
        target: y.
        var: v, in the shape of ``input``, perhaps with dimensions of size 1 or without the last
            one; or a number.
        full: add ½ log 2π.
        eps: what v is at least taken for; its gradient is not changed.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: a variance is negative, or its shape does not fit.

    Source: PyTorch, ``torch.nn.functional.gaussian_nll_loss``; Nix and Weigend (1994).
    """
    named_reduction(None, None, reduction)
    if is_number(var):
        var = overwritten(input, 1.0) * var
    elif var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = unsqueeze(var, -1)
        elif var.ndim != input.ndim or any(v not in (1, n) for v, n in zip(var.shape, input.shape)):
            raise ValueError(
                f"var is of incorrect size\n  It is {list(var.shape)}, for an input of "
                f"{list(input.shape)}"
            )
    if (var < 0).any():
        raise ValueError("var has negative entry/entries")
    var = held_above(var, eps)
    difference = input - target
    losses = 0.5 * (log(var) + difference * difference / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)
