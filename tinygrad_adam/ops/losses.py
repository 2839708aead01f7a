"""Loss operations. ``g`` is the gradient of the result.

Most losses compare element by element; the mean or sum over the elements is an operation of its
own, left to the caller. Only the losses over classes, where a row of scores makes one number, do
their reduction here.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_adam.autograd import Operation, is_grad_enabled
from tinygrad_adam.backend import Array, array_module, promote
from tinygrad_adam.backend.dtypes import bool_, can_cast, int64, type_name, uint8
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.elementwise import refuse_bools, require_floating


def without_bools(x: Array, other: Array) -> Array:
    """Return ``x`` with bools as numbers of the other's dtype: they cannot be subtracted."""
    return x.astype(other.dtype) if x.dtype is bool_ else x


class SquaredError(Operation):
    """(x - y)².  Gradient: dx = 2 g (x - y), dy = -dx.  Saves x and y."""

    def forward(self, x: Array, y: Array) -> Array:
        self.save_for_backward(without_bools(x, y), without_bools(y, x))
        x, y = promote(x, y)
        require_floating("mse_cpu", x)
        difference = x - y
        return difference * difference

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        need_x, need_y = self.needs_input_grad
        grad_x = (x - y) * (grad * 2)
        return grad_x if need_x else None, -grad_x if need_y else None


class HuberError(Operation):
    """½ d² where |d| < δ, else δ (|d| - ½ δ), for d = x - y.

    Gradient: dx = g times d cut to [-δ, δ], dy = -dx.  Saves x and y.
    """

    def forward(self, x: Array, y: Array, delta: float) -> Array:
        self.delta = delta
        self.save_for_backward(without_bools(x, y), without_bools(y, x))
        x, y = promote(x, y)
        xp = array_module(x)
        if x.dtype is bool_:
            raise NotImplementedError("\"smooth_l1_cpu\" not implemented for 'Bool'")
        size = abs(x - y)
        return xp.where(size < delta, 0.5 * size * size, delta * (size - 0.5 * delta))

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        need_x, need_y = self.needs_input_grad[:2]
        difference = x - y
        linear = difference.abs() >= self.delta
        grad_x = grad * difference.where(~linear, difference.sign() * self.delta)
        return grad_x if need_x else None, -grad_x if need_y else None


class BinaryCrossEntropy(Operation):
    """-(y log p + (1 - y) log(1 - p)), logarithms not below -100, for p and y in [0, 1].

    Gradient: dp = g (p - y) / (p (1 - p)), the divisor not below 1e-12;
    dy = g (log(1 - p) - log p).  Saves p and y.
    """

    def forward(self, p: Array, y: Array) -> Array:
        if y.dtype != p.dtype:
            raise RuntimeError(
                f"Found dtype {type_name(y.dtype)} but expected {type_name(p.dtype)}\n"
                "  Input and target hold probabilities: convert the target with .float()"
            )
        require_floating("binary_cross_entropy", p)
        if p.size and not ((p >= 0) & (p <= 1)).all():
            raise RuntimeError("all elements of input should be between 0 and 1")
        if y.size and not ((y >= 0) & (y <= 1)).all():
            raise RuntimeError("all elements of target should be between 0 and 1")
        self.save_for_backward(p, y)
        xp = array_module(p)
        log_p, log_q = xp.maximum(xp.log(p), -100), xp.maximum(xp.log1p(-p), -100)
        return (y - 1) * log_q - y * log_p

    def backward(self, grad: Any) -> Any:
        p, y = self.saved_tensors
        need_p, need_y = self.needs_input_grad
        return (
            grad * (p - y) / (p * (1 - p)).clamp(min=1e-12) if need_p else None,
            grad * ((-p).log1p() - p.log()) if need_y else None,
        )


class BinaryCrossEntropyWithLogits(Operation):
    """-(w y log σ(x) + (1 - y) log σ(-x)) = (1 - y) x + (1 + (w - 1) y) log(1 + exp(-x)).

    w weighs the positive examples (None: 1).  Gradient: dx = g ((1 + (w - 1) y) σ(x) - w y),
    dy = -g (w log σ(x) - log σ(-x)).  Saves x, y and w.
    """

    def forward(self, x: Array, y: Array, positive_weight: Array | None) -> Array:
        require_floating("log_sigmoid_cpu", x)
        refuse_bools(y, y)
        if not can_cast(x.dtype, y.dtype):
            raise RuntimeError(
                f"result type {type_name(x.dtype)} can't be cast to the desired output type "
                f"{type_name(y.dtype)}\n  The target holds probabilities: convert it with .float()"
            )
        self.save_for_backward(x, y, positive_weight)
        xp = array_module(x)
        # log(1 + exp(-x)), written so that nothing overflows
        softplus = xp.maximum(-x, 0) + xp.log1p(xp.exp(-abs(x)))
        if positive_weight is not None:
            softplus = softplus * (1 + (positive_weight - 1) * y)
        return (1 - y) * x + softplus

    def backward(self, grad: Any) -> Any:
        x, y, weight = self.saved_tensors
        need_x, need_y = self.needs_input_grad[:2]
        grad_x = grad_y = None
        if need_x and weight is None:
            grad_x = grad * (x.sigmoid() - y)
        elif need_x:
            grad_x = grad * ((1 + (weight - 1) * y) * x.sigmoid() - weight * y)
        if need_y:
            log_likelihood = -_softplus(-x) if weight is None else -weight * _softplus(-x)
            grad_y = -grad * (log_likelihood + _softplus(x))
        return grad_x, grad_y


def _softplus(x: Any) -> Any:
    """Return log(1 + exp(x)) of a tensor, without overflow."""
    return x.clamp(min=0) + (-x.abs()).exp().log1p()


def check_targets(classes: int, target: Array, ignore_index: int) -> Array:
    """Return which targets count: those that are not ``ignore_index``.

    Raises:
        IndexError: a target that counts is no class.
    """
    counts = target != ignore_index
    outside = ((target < 0) | (target >= classes)) & counts
    if outside.any():
        first = int(target[outside].ravel()[0])
        raise IndexError(
            f"Target {first} is out of bounds.\n  There are {classes} classes, 0 to {classes - 1}"
        )
    return counts


def check_batch(x: Array, target: Array) -> None:
    """Raise unless there is a target for every row of scores: (N, C, …) and (N, …), (C,) and ().

    Raises:
        ValueError: the batch sizes differ, or there are no scores.
        RuntimeError: other dimensions differ, or the target's dtype is none for classes.
    """
    if x.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    expected = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if target.shape != expected:
        if x.ndim == 1 and target.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if x.ndim == 1:
            raise RuntimeError(
                f"size mismatch (got input: {list(x.shape)}, target: {list(target.shape)})"
            )
        batch = target.shape[0] if target.ndim else 0
        if x.shape[0] != batch:
            raise ValueError(
                f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({batch})."
            )
        if x.ndim == 2:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    if target.dtype != int64 and target.dtype != uint8:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {type_name(target.dtype)}\n"
            "  Classes are integers: convert the target with .long()"
        )


class _OverClasses(Operation):
    """A loss that makes one number of each row of scores: what such losses share.

    Scores are (N, C, …) or (C,), targets (N, …) or () with a class in each place. A target equal to
    ``ignore_index`` counts nothing; ``weight`` (C,) weighs each place by its class.
    """

    reduced: bool

    def prepare(self, x: Array, target: Array, weight: Array | None, ignore_index: int) -> None:
        """Check the target, and work out what is picked and how much each place weighs."""
        check_batch(x, target)
        self.class_dim = min(1, x.ndim - 1)
        classes = x.shape[self.class_dim]
        if weight is not None and weight.shape != (classes,):
            some = f"{classes} classes " if x.ndim < 3 else ""
            raise RuntimeError(
                f"weight tensor should be defined either for all {some}or no classes"
                f"{' but got weight tensor of shape: ' + str(list(weight.shape)) if some else ''}"
            )
        if weight is not None and weight.dtype != x.dtype:
            raise RuntimeError(
                f"expected scalar type {type_name(x.dtype)} but found {type_name(weight.dtype)}"
            )
        # One look at a number, where arrays would take ten: batches of one image are common.
        single = int(target.reshape(())) if target.size == 1 else -1
        counts: Array | None
        if 0 <= single < classes and single != ignore_index:
            counts = None
        else:
            counts = check_targets(classes, target, ignore_index)
            counts = None if counts.all() else counts
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
        return grad if self.reduced else grad[(slice(None),) * self.class_dim + (None,)]


class CrossEntropy(_OverClasses):
    """-log softmax(x)[target], for each row of scores; reduced to "mean", "sum" or not ("none").

    With q the wanted distribution (1 at the target; with label smoothing ε, 1 - ε there and ε / C
    added to every class; times the weight) a row costs -Σ q log p, p = softmax(x).
    Gradient: g (p Σq - q), computed together with the loss.  Saves x and that difference.

    Source: PyTorch, ``torch.nn.CrossEntropyLoss``; label smoothing: Szegedy et al., "Rethinking the
    Inception Architecture" (2016).
    """

    backward_takes_arrays = True

    def forward(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        ignore_index: int,
        reduction: str,
        smoothing: float,
    ) -> Array:
        require_floating(f"log_softmax{'_lastdim' * (x.ndim < 3)}_kernel_impl", x)
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
            self.save_for_backward(x, p.astype(x.dtype, copy=False), mass)
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
        x, difference, mass = self.saved_tensors
        if is_grad_enabled():
            # The same value, but with p = softmax(x) as a function of x, for a second derivative.
            p = x.softmax(self.class_dim)
            difference = difference + (p - p.detach()) * mass
        return difference * self.spread(grad)


class NllLoss(_OverClasses):
    """-x[target] for each row of log-probabilities; reduced to "mean", "sum" or not ("none").

    Gradient: -g at the targets, 0 elsewhere.  Saves nothing but the targets.
    """

    def forward(
        self, x: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str
    ) -> Array:
        require_floating("nll_loss_out_frame" if x.ndim < 3 else "nll_loss2d_forward_out_frame", x)
        self.prepare(x, target, weight, ignore_index)
        self.reduced = reduction != "none"
        self.shape = x.shape
        losses = -x[self.picked(x)]
        if self.place_weight is not None:
            losses = losses * self.place_weight
        y = self.reduce(losses, reduction)
        factor = self.scale if self.place_weight is None else self.place_weight * self.scale
        if self.counts is not None:
            factor = array_module(x).where(self.counts, factor, 0)
        self.save_for_backward(self.place, array_module(x).asarray(-factor, x.dtype))
        del self.place, self.place_weight, self.counts
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        place, factor = self.saved_tensors
        picked = (self.spread(grad) * factor).expand(place.array.shape)
        return picked.new_zeros(self.shape).scatter_add(self.class_dim, place, picked)
