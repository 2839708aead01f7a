"""Losses. ``g`` is the gradient of the result.

Most operations here compare element by element; the mean or sum over the elements is an operation
of its own. Only those over classes, where a row of scores makes one number, reduce, too.

The arguments that the functions share: ``reduction`` is "mean", "sum" or "none" (each loss by
itself); ``size_average`` and ``reduce`` are old names for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend import Array, array_module, promote
from tinygrad_adam.backend.dtypes import bool_, can_cast, int64, type_name, uint8
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.activations import log_softmax, softmax
from tinygrad_adam.ops.arguments import Choice, checked
from tinygrad_adam.ops.elementwise import (
    clamp,
    flat_in,
    log,
    log1p,
    logaddexp,
    overwritten,
    refuse_bools,
    require_floating,
    sigmoid,
    sign,
    sub,
    where,
)
from tinygrad_adam.ops.indexing import PickZeros
from tinygrad_adam.ops.joining import broadcast_tensors
from tinygrad_adam.ops.reductions import mean, sum
from tinygrad_adam.ops.shapes import cast, reshape, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


# --- reduction -----------------------------------------------------------------------------------


def named_reduction(
    size_average: bool | None, reduce: bool | None, reduction: str, check: bool = True
) -> str:
    """Return the reduction by its name, which may follow from PyTorch's two old arguments.

    Raises:
        ValueError: it is to be checked, and there is no such reduction.
    """
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warn(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{reduction}' instead.",
        )
    if check and reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{reduction} is not a valid value for reduction\n  It is 'none', 'mean' or 'sum'"
        )
    return reduction


def reduced(
    losses: Tensor,
    reduction: str,
    weight: Tensor | None = None,
    input: Tensor | None = None,
    by_weight: bool = False,
) -> Tensor:
    """Return the losses times ``weight``, or their mean or sum.

    Args:
        losses: one for each element.
        reduction: "mean", "sum" or "none".
        weight: what to multiply each loss by.
        input: whose shape the weight must have; it broadcasts unless this is given.
        by_weight: whether to divide by the sum of the weights for the mean.

    Raises:
        ValueError: the weight has another shape.
    """
    if weight is not None:
        if input is not None and weight.shape != input.shape:
            raise ValueError(
                "Weights and input must have the same size.\n"
                f"  The weights have the shape {list(weight.shape)}, the input {list(input.shape)}"
            )
        losses = losses * weight
        if by_weight and reduction == "mean":
            return sum(losses) / sum(weight)
    if reduction == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def _of_one_size(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return input and target; warn if they must be broadcast, which is seldom meant.

    As in PyTorch that is done first: then a 0-d float64 tensor counts as much as any other in what
    dtype the loss has.
    """
    if target.shape != input.shape:
        warn(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the "
            f"input size (torch.Size({list(input.shape)})). This will likely lead to incorrect "
            "results due to broadcasting. Please ensure they have the same size.",
        )
        if target.dtype != input.dtype:
            return broadcast_tensors(input, target)  # type: ignore[return-value]
    return input, target


def refuse_gradient(function: str, **weights: Any) -> None:
    """Raise if a weight is to get a gradient, which such losses do not compute."""
    for name, weight in weights.items():
        if weight is not None and current_mode().grad and getattr(weight, "requires_grad", False):
            raise RuntimeError(
                f"The function '{function}' is not differentiable with respect to argument "
                f"'{name}'. This input cannot have requires_grad True.\n"
                f"  Pass {name}.detach()"
            )


# --- distances -----------------------------------------------------------------------------------


def _without_bools(x: Array, other: Array) -> Array:
    """Return ``x`` with bools as numbers of the other's dtype: they cannot be subtracted."""
    return x.astype(other.dtype) if x.dtype is bool_ else x


class SquaredError(Operation):
    """(x - y)².  Gradient: dx = 2 g (x - y), dy = -dx.  Saves x and y."""

    backward_name = "MseLoss"

    def forward(self, x: Array, y: Array) -> Array:
        self.save(_without_bools(x, y), _without_bools(y, x))
        x, y = promote(x, y)
        require_floating("mse_loss", x)
        difference = x - y
        return difference * difference

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        need_x, need_y = self.needs_input_grad
        grad_x = sub(x, y) * (grad * 2)
        return grad_x if need_x else None, -grad_x if need_y else None


@as_one("MseLoss", "input", "target")
@checked
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of (x - y)², or the sum, or each.

    Args:
        input: x, any shape.
        target: y, the same shape (another one broadcasts, with a warning).
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "mean", "sum" or "none".
        weight: of the same shape; the mean is a weighted one then.

    Raises:
        ValueError: another reduction.

    Source: PyTorch, ``torch.nn.functional.mse_loss``.
    """
    input, target = _of_one_size(input, target)
    reduction = named_reduction(size_average, reduce, reduction)
    return reduced(SquaredError.apply(input, target), reduction, weight, input, by_weight=True)


@checked
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of |x - y|, or the sum, or each; arguments as for :func:`mse_loss`.

    Source: PyTorch, ``torch.nn.functional.l1_loss``.
    """
    input, target = _of_one_size(input, target)
    reduction = named_reduction(size_average, reduce, reduction)
    return reduced(abs(input - target), reduction, weight, input, by_weight=True)


class HuberError(Operation):
    """½ d² where |d| < δ, else δ (|d| - ½ δ), for d = x - y.

    Gradient: dx = g times d cut to [-δ, δ], dy = -dx.  Saves x and y.
    """

    def forward(self, x: Array, y: Array, delta: float) -> Array:
        self.delta = delta
        self.save(_without_bools(x, y), _without_bools(y, x))
        x, y = promote(x, y)
        size = abs(x - y)
        return array_module(x).where(size < delta, 0.5 * size * size, delta * (size - 0.5 * delta))

    def backward(self, grad: Any) -> Any:
        x, y = self.saved
        need_x, need_y = self.needs_input_grad[:2]
        difference = sub(x, y)
        linear = abs(difference) >= self.delta
        grad_x = grad * where(linear, sign(difference) * self.delta, difference)
        return grad_x if need_x else None, -grad_x if need_y else None


def _require_floating_together(name: str, input: Tensor, target: Tensor) -> None:
    """Raise unless one of the two is floating-point and none complex."""
    require_floating(name, target if can_cast(input.dtype, target.dtype) else input)


@as_one("HuberLoss", "input", "target")
@checked
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: Choice = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Return the mean of ½ d² where |d| < δ, else of δ (|d| - ½ δ), for d = x - y.

    Args:
        input: x, any shape.
        target: y, the same shape.
        reduction: "mean", "sum" or "none".
        delta: δ > 0.
        weight: of the same shape: what to multiply each loss by; the mean is still divided by the
            number of losses.

    Raises:
        RuntimeError: ``delta`` is not positive.

    Source: PyTorch, ``torch.nn.functional.huber_loss``; Huber (1964).
    """
    input, target = _of_one_size(input, target)
    named_reduction(None, None, reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if target.dtype != input.dtype:
        if not can_cast(target.dtype, input.dtype):
            raise RuntimeError(
                f"result type {type_name(target.dtype)} can't be cast to the desired output type "
                f"{type_name(input.dtype)}"
            )
        target = cast(target, input.dtype)
    _require_floating_together("huber_loss", input, target)
    return reduced(HuberError.apply(input, target, delta), reduction, weight, input)


@as_one("SmoothL1Loss", "input", "target")
@checked
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return the mean of ½ d² / β where |d| < β, else of |d| - ½ β, for d = x - y.

    This is :func:`huber_loss` divided by β; for β = 0 it is :func:`l1_loss`.

    Raises:
        RuntimeError: ``beta`` is negative.

    Source: PyTorch, ``torch.nn.functional.smooth_l1_loss``.
    """
    input, target = _of_one_size(input, target)
    reduction = named_reduction(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return reduced(abs(input - target), reduction)
    _require_floating_together("smooth_l1_loss", input, target)
    return reduced(HuberError.apply(input, target, beta) / beta, reduction)


# --- probabilities -------------------------------------------------------------------------------


class BinaryCrossEntropy(Operation):
    """-(y log p + (1 - y) log(1 - p)), logarithms not below -100, for p and y in [0, 1].

    Gradient: dp = g (p - y) / (p (1 - p)), the divisor not below 1e-12;
    dy = g (log(1 - p) - log p).  Saves p and y.
    """

    backward_name = "BinaryCrossEntropy"

    def forward(self, p: Array, y: Array) -> Array:
        require_floating("binary_cross_entropy", p)
        if y.dtype != p.dtype:
            raise RuntimeError(
                f"Found dtype {type_name(y.dtype)} but expected {type_name(p.dtype)}\n"
                "  Input and target hold probabilities: convert the target with .float()"
            )
        if p.size and not ((p >= 0) & (p <= 1)).all():
            raise RuntimeError("all elements of input should be between 0 and 1")
        if y.size and not ((y >= 0) & (y <= 1)).all():
            raise RuntimeError("all elements of target should be between 0 and 1")
        self.save(p, y)
        xp = array_module(p)
        log_p, log_q = xp.maximum(xp.log(p), -100), xp.maximum(xp.log1p(-p), -100)
        return (y - 1) * log_q - y * log_p

    def backward(self, grad: Any) -> Any:
        p, y = self.saved
        need_p, need_y = self.needs_input_grad
        return (
            grad * (p - y) / clamp(p * (1 - p), min=1e-12) if need_p else None,
            grad * (log1p(-p) - log(p)) if need_y else None,
        )


@as_one("BinaryCrossEntropy", "input", "target")
@checked
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of -(y log p + (1 - y) log(1 - p)), the logarithms not below -100.

    Args:
        input: p, probabilities.
        target: y, of the same shape, in [0, 1].
        weight: what to multiply each loss by; broadcast to the shape.
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: the shapes differ.
        RuntimeError: ``input`` or ``target`` is outside [0, 1].

    Source: PyTorch, ``torch.nn.functional.binary_cross_entropy``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the "
            f"input size (torch.Size({list(input.shape)})) is deprecated. Please ensure they have "
            "the same size."
        )
    refuse_gradient("binary_cross_entropy", weight=weight)
    losses = BinaryCrossEntropy.apply(input, target)
    return reduced(losses, reduction, weight)


class BinaryCrossEntropyWithLogits(Operation):
    """-(w y log σ(x) + (1 - y) log σ(-x)) = (1 - y) x + (1 + (w - 1) y) log(1 + exp(-x)).

    w weighs the positive examples (None: 1).  Gradient: dx = g ((1 + (w - 1) y) σ(x) - w y),
    dy = -g (w log σ(x) - log σ(-x)).  Saves x, y and w.
    """

    def forward(self, x: Array, y: Array, positive_weight: Array | None) -> Array:
        require_floating("binary_cross_entropy_with_logits", x)
        refuse_bools(y, y)
        if not can_cast(x.dtype, y.dtype):
            raise RuntimeError(
                f"result type {type_name(x.dtype)} can't be cast to the desired output type "
                f"{type_name(y.dtype)}\n  The target holds probabilities: convert it with .float()"
            )
        self.save(x, y, positive_weight)
        xp = array_module(x)
        # log(1 + exp(-x)), written so that nothing overflows
        softplus = xp.maximum(-x, 0) + xp.log1p(xp.exp(-abs(x)))
        if positive_weight is not None:
            softplus = softplus * (1 + (positive_weight - 1) * y)
        return (1 - y) * x + softplus

    def backward(self, grad: Any) -> Any:
        x, y, weight = self.saved
        need_x, need_y = self.needs_input_grad[:2]
        grad_x = grad_y = None
        if need_x and weight is None:
            grad_x = grad * (sigmoid(x) - y)
        elif need_x:
            grad_x = grad * ((1 + (weight - 1) * y) * sigmoid(x) - weight * y)
        if need_y:
            log_likelihood = -_softplus(-x) if weight is None else -weight * _softplus(-x)
            grad_y = -grad * (log_likelihood + _softplus(x))
        return grad_x, grad_y


def _softplus(x: Any) -> Any:
    """Return log(1 + exp(x)), without overflow and with its slope at 0, too."""
    return logaddexp(x, overwritten(x, 0))


@as_one("BinaryCrossEntropyWithLogits", "input", "target")
@checked
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return :func:`binary_cross_entropy` of sigmoid(``input``), exact for large scores, too.

    Args:
        input: scores (logits).
        target: of the same shape, in [0, 1].
        weight: what to multiply each loss by; broadcast to the shape.
        size_average: and ``reduce``: old names for ``reduction``.
        reduction: "mean", "sum" or "none".
        pos_weight: what to multiply the positive part by; broadcast to the shape.

    Raises:
        ValueError: the shapes differ.

    Source: PyTorch, ``torch.nn.functional.binary_cross_entropy_with_logits``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))"
        )
    name = "binary_cross_entropy_with_logits"
    refuse_gradient(name, weight=weight, pos_weight=pos_weight)
    losses = BinaryCrossEntropyWithLogits.apply(input, target, pos_weight)
    return reduced(losses, reduction, weight)


# --- classes -------------------------------------------------------------------------------------


def _counting(classes: int, target: Array, ignore_index: int) -> Array | None:
    """Return which targets count, those that are not ``ignore_index``; None if all do.

    Raises:
        IndexError: a target that counts is no class.
    """
    # One look at a number, where arrays would take ten: batches of one image are common.
    if target.size == 1:
        single = int(target.reshape(()))
        if 0 <= single < classes and single != ignore_index:
            return None
    counts = target != ignore_index
    outside = ((target < 0) | (target >= classes)) & counts
    if outside.any():
        first = int(target[outside].ravel()[0])
        raise IndexError(
            f"Target {first} is out of bounds.\n  There are {classes} classes, 0 to {classes - 1}"
        )
    return None if counts.all() else counts


def _check_batch(x: Array, target: Array) -> None:
    """Raise unless there is a target for every row of scores: (N, C, …) and (N, …), (C,) and ().

    Raises:
        ValueError: the batch sizes differ, or there are no scores.
        RuntimeError: other dimensions differ, or the target's dtype is none for classes.
    """
    if x.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    expected = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if target.shape != expected:
        batch = target.shape[0] if target.ndim else 0
        if x.ndim > 1 and x.shape[0] != batch:
            raise ValueError(
                f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({batch})."
            )
        if x.ndim < 3 and target.ndim > 1:
            text = "0D or 1D target tensor expected, multi-target not supported"
            if target.shape == (*expected, 1):
                text += "\n  The target has a dimension of size 1 too many: target.squeeze(-1)"
            raise RuntimeError(text)
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    if target.dtype != int64 and target.dtype != uint8:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {type_name(target.dtype)}\n"
            "  Classes are integers: convert the target with .long()"
        )


def _check_weight(x: Any, class_dim: int, weight: Any) -> None:
    """Raise RuntimeError unless there is a weight for every class, or none at all."""
    classes = x.shape[class_dim]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but "
            f"got weight tensor of shape: {list(weight.shape)}"
        )


class _OverClasses(Operation):
    """A loss that makes one number of each row of scores: what such losses share.

    Scores are (N, C, …) or (C,), targets (N, …) or () with a class in each place. A target equal to
    ``ignore_index`` counts nothing; ``weight`` (C,) weighs each place by its class.
    """

    reduced: bool

    def shown_of(self, scores: Any) -> Any:
        """Return PyTorch's form: another name if there is more than one place in a sample."""
        node, slot = self.edges[0]  # type: ignore[misc]
        return f"NllLoss{'2D' * (len(node.outputs[slot][0]) > 2)}Backward0", scores

    def prepare(self, x: Array, target: Array, weight: Array | None, ignore_index: int) -> None:
        """Check the target, and work out what is picked and how much each place weighs."""
        _check_batch(x, target)
        self.class_dim = min(1, x.ndim - 1)
        _check_weight(x, self.class_dim, weight)
        if weight is not None and weight.dtype != x.dtype:
            raise RuntimeError(
                f"expected scalar type {type_name(x.dtype)} but found {type_name(weight.dtype)}"
            )
        counts = _counting(x.shape[self.class_dim], target, ignore_index)
        # (N, …) -> (N, 1, …): with the class dimension, as the scores have it
        with_classes = (slice(None),) * self.class_dim + (None,)
        self.counts = None if counts is None else counts[with_classes]
        self.place = target.astype(int64, copy=False)[with_classes]
        if self.counts is not None:
            self.place = self.place * self.counts
        self.place_weight: Any = None if weight is None else weight[self.place]
        if self.counts is not None:
            ones = x.dtype.type(1) if weight is None else self.place_weight
            self.place_weight = self.counts * ones

    def picked(self, x: Array) -> tuple[Array, ...]:
        """Return the index that picks the score of its class in each place of ``x``."""
        arange, ndim = array_module(x).arange, x.ndim
        return tuple([
            self.place if d == self.class_dim else arange(n).reshape(-1, *[1] * (ndim - 1 - d))
            for d, n in enumerate(x.shape)
        ])  # fmt: skip

    def reduce(self, losses: Array, reduction: str) -> Array:
        """Return the losses (class dimension of size 1 dropped), their sum, or weighted mean.

        In float32 if they are float16.
        """
        self.scale: Any = 1.0
        losses = wide(losses)
        if self.counts is not None:
            losses = array_module(losses).where(self.counts, losses, 0)
        if reduction == "none":
            return losses.squeeze(self.class_dim)
        if reduction == "sum":
            return total(losses)
        # The mean over no place at all is 0 / 0, NaN, as in PyTorch.
        if self.place_weight is not None:
            self.scale = 1 / total(wide(self.place_weight))
        else:
            self.scale = 1 / losses.size if losses.size else math.nan
        return total(losses) * self.scale

    def spread(self, grad: Any) -> Any:
        """Return the gradient of the result as that of each row: with the class dimension."""
        return grad if self.reduced else unsqueeze(grad, self.class_dim)


class CrossEntropy(_OverClasses):
    """-log softmax(x)[target], for each row of scores; reduced to "mean", "sum" or not ("none").

    With q the wanted distribution (1 at the target; with label smoothing ε, 1 - ε there and ε / C
    added to every class; times the weight) a row costs -Σ q log p, p = softmax(x).
    Gradient: g (p Σq - q), computed together with the loss.  Saves x and that difference.

    Source: PyTorch, ``torch.nn.CrossEntropyLoss``; label smoothing: Szegedy et al., "Rethinking the
    Inception Architecture" (2016).
    """

    def shown(self) -> Any:
        """Return PyTorch's form: two operations."""
        return self.shown_of(("LogSoftmaxBackward0", 0))

    def forward(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        ignore_index: int,
        reduction: str,
        smoothing: float,
    ) -> Array:
        require_floating("cross_entropy", x)
        self.prepare(x, target, weight, ignore_index)
        self.reduced = reduction != "none"
        dim, xp = self.class_dim, array_module(x)
        shifted = wide(x)
        shifted = shifted - shifted.max(axis=dim, keepdims=True)
        p = xp.exp(shifted)
        sums = total(p, dim, True)
        p /= sums
        log_sums = xp.log(sums)
        at_target = self.picked(x)
        losses = log_sums - shifted[at_target]
        if self.place_weight is not None:
            losses = losses * self.place_weight
        if smoothing:
            weights = self._class_weights(x, weight)
            everywhere = total(weights * (log_sums - shifted), dim, True)
            share = smoothing / x.shape[dim]
            losses = (1 - smoothing) * losses + share * everywhere
        y = self.reduce(losses, reduction)
        if self.needs_input_grad[0]:  # p Σq - q, times what reduction makes of it
            picked = 1 if self.place_weight is None else self.place_weight
            mass = picked
            if smoothing:
                picked = (1 - smoothing) * picked
                mass = picked + share * total(weights, dim, True)
                p = p * mass - share * weights
            elif self.place_weight is not None:
                p *= mass
            p[at_target] -= picked
            if self.scale != 1.0:
                scale = self.scale
                if self.counts is not None:  # the mean over no place is NaN: not where none counts
                    scale = xp.where(self.counts, scale, 1).astype(x.dtype)
                p *= scale
                mass = mass * scale
            self.save(x, p.astype(x.dtype, copy=False), mass)
        del self.place, self.place_weight, self.counts
        return y.astype(x.dtype, copy=False)

    def _class_weights(self, x: Array, weight: Array | None) -> Array:
        """Return the weight of every class in every place, 0 in the places that are ignored."""
        ones = array_module(x).ones_like(x)
        if self.counts is not None:
            ones *= self.counts
        if weight is None:
            return ones
        return ones * weight.reshape([-1 if d == self.class_dim else 1 for d in range(x.ndim)])

    def backward(self, grad: Any) -> Any:
        x, difference, mass = self.saved
        if not current_mode().arrays:  # as a function of x, for a second derivative
            difference = CrossEntropyDifference.apply(x, difference, mass, self.class_dim)
        return difference * self.spread(grad)


class CrossEntropyDifference(Operation):
    """p m - q for p = softmax(x), where it was computed before: of m and q, x changes neither.

    Takes x, that difference, m and the dimension of the classes.  Gradient, with u = g m:
    dx = p (u - Σ u p).  Saves x and m.
    """

    def forward(self, x: Array, difference: Array, mass: Any, dim: int) -> Array:
        self.dim = dim
        self.save(x, mass)
        return difference.view()

    def backward(self, grad: Any) -> Any:
        x, mass = self.saved
        p = softmax(x, self.dim)
        weighted = grad * mass * p
        return weighted - p * sum(weighted, self.dim, True)


@checked
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: Choice = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return -log of the probability of the right class, softmax of the scores taken.

    Args:
        input: scores (logits) of C classes, (N, C), (N, C, …) or (C,).
        target: the right classes, integers of shape (N,), (N, …) or (); or the probabilities of all
            classes, floating-point numbers of the input's shape.
        weight: (C,), of each class; the mean is a weighted one then.
        size_average: and ``reduce``: old names for ``reduction``.
        ignore_index: a class that counts nothing (for targets that are classes).
        reduction: "mean", "sum" or "none".
        label_smoothing: from 0 to 1: how much of the target to spread over all classes.

    Returns:
        A 0-d tensor, or with "none" a tensor of the shape of the classes.

    Raises:
        ValueError: the batch sizes differ.
        RuntimeError: other sizes differ.
        IndexError: a target that is no class.

    Source: PyTorch, ``torch.nn.functional.cross_entropy``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.shape != input.shape:
        refuse_gradient("cross_entropy", weight=weight)
        return CrossEntropy.apply(  # type: ignore[no-any-return]
            input, target, weight, ignore_index, reduction, label_smoothing
        )
    if target.dtype.kind != "f":
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{type_name(target.dtype)}\n  A target of the input's shape "
            f"{list(input.shape)} holds probabilities; classes would have one dimension less"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    return _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing)


def _cross_entropy_of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    class_dim = min(1, input.ndim - 1)
    classes = input.shape[class_dim]
    _check_weight(input, class_dim, weight)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / max(classes, 1)
    losses = log_softmax(input, class_dim) * target
    if weight is not None:
        losses = losses * reshape(weight, [-1 if d == class_dim else 1 for d in range(input.ndim)])
    if reduction == "none":
        return -sum(losses, class_dim)
    loss = -sum(losses)
    if reduction == "sum":
        return loss
    places = math.prod(input.shape) // max(1, classes)
    return loss / places if places else loss * math.nan


class NllLoss(_OverClasses):
    """-x[target] for each row of log-probabilities; reduced to "mean", "sum" or not ("none").

    Gradient: -g at the targets, 0 elsewhere.  Saves x, for a second derivative of 0, the place of
    each target, and what g is multiplied by there.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: without the target."""
        return self.shown_of(0)

    def forward(
        self, x: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str
    ) -> Array:
        require_floating("nll_loss", x)
        self.prepare(x, target, weight, ignore_index)
        self.reduced = reduction != "none"
        places = self.picked(x)
        losses = -x[places]
        if self.place_weight is not None:
            losses = losses * self.place_weight
        y = self.reduce(losses, reduction)
        factor = self.scale if self.place_weight is None else self.place_weight * self.scale
        if self.counts is not None:
            factor = array_module(x).where(self.counts, factor, 0)
        self.save(x, array_module(x).asarray(-factor, x.dtype), *places)
        del self.place, self.place_weight, self.counts
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        x, factor, *places = self.saved
        picked = self.spread(grad) * factor
        return flat_in(x, PickZeros.apply(picked, x.shape, (...,), True, *places))


@checked
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return minus the log-probability of the right class.

    Args:
        input: log-probabilities of C classes, (N, C), (N, C, …) or (C,).
        target: the right classes, integers of shape (N,), (N, …) or ().
        weight: and the other arguments: as for :func:`cross_entropy`.

    Raises:
        ValueError: the batch sizes differ.
        RuntimeError: other sizes differ.
        IndexError: a target that is no class.

    Source: PyTorch, ``torch.nn.functional.nll_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    refuse_gradient("nll_loss", weight=weight)
    return NllLoss.apply(  # type: ignore[no-any-return]
        input, target, weight, ignore_index, reduction
    )
