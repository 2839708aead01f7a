"""Loss operations. ``g`` is the gradient of the result.

Most losses compare element by element; the mean or sum over the elements is an operation of its
own, left to the caller. Only the losses over classes, where a row of scores makes one number, do
their reduction here.
"""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation, is_grad_enabled
from tinygrad_adam.backend import Array, array_module


class SquaredError(Operation):
    """(x - y)².  Gradient: dx = 2 g (x - y), dy = -dx.  Saves x and y."""

    def forward(self, x: Array, y: Array) -> Array:
        self.save_for_backward(x, y)
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
        self.save_for_backward(x, y)
        xp = array_module(x)
        size = abs(x - y)
        return xp.where(size < delta, 0.5 * size * size, delta * (size - 0.5 * delta))

    def backward(self, grad: Any) -> Any:
        x, y = self.saved_tensors
        need_x, need_y = self.needs_input_grad[:2]
        grad_x = grad * (x - y).clamp(-self.delta, self.delta)
        return grad_x if need_x else None, -grad_x if need_y else None


class BinaryCrossEntropy(Operation):
    """-(y log p + (1 - y) log(1 - p)), logarithms not below -100, for p and y in [0, 1].

    Gradient: dp = g (p - y) / (p (1 - p)), the divisor not below 1e-12; dy = g (log(1 - p) - log p),
    the logarithms not below -100.  Saves p and y.
    """

    def forward(self, p: Array, y: Array) -> Array:
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
            grad * ((-p).log1p().clamp(min=-100) - p.log().clamp(min=-100)) if need_y else None,
        )


class BinaryCrossEntropyWithLogits(Operation):
    """-(w y log σ(x) + (1 - y) log σ(-x)) = (1 - y) x + (1 + (w - 1) y) log(1 + exp(-x)).

    w weighs the positive examples (None: 1).  Gradient: dx = g ((1 + (w - 1) y) σ(x) - w y),
    dy = -g (w log σ(x) - log σ(-x)).  Saves x, y and w.
    """

    def forward(self, x: Array, y: Array, positive_weight: Array | None) -> Array:
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
        ValueError: the batch sizes differ.
        RuntimeError: other dimensions differ, or the target is not of an integer dtype.
    """
    expected = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if target.shape != expected:
        if x.ndim > 1 and target.ndim and x.shape[0] != target.shape[0]:
            raise ValueError(
                f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
                f"({target.shape[0]})."
            )
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")


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
            raise RuntimeError(
                "weight tensor should be defined either for all or no classes, but got weight "
                f"tensor of shape: {list(weight.shape)} for {classes} classes"
            )
        if weight is not None and weight.dtype != x.dtype:
            raise RuntimeError(f"expected scalar type {x.dtype} but found {weight.dtype}")
        if target.size == 1:  # one look at a number, where arrays would take ten
            single = int(target.reshape(()))
            counts = single != ignore_index
            if counts and not 0 <= single < classes:
                check_targets(classes, target, ignore_index)
        else:
            counts = check_targets(classes, target, ignore_index)
            if counts.all():
                counts = True
        xp = array_module(x)
        target = target.astype("int64", copy=False)
        self.place = xp.expand_dims(target if counts is True else target * counts, self.class_dim)
        self.place_weight: Any = None
        if weight is not None:
            self.place_weight = weight[self.place] * xp.expand_dims(counts, self.class_dim)
        elif counts is not True:
            self.place_weight = xp.asarray(xp.expand_dims(counts, self.class_dim), x.dtype)

    def reduce(self, losses: Array, reduction: str) -> Array:
        """Return the losses (class dimension kept, of size 1), their sum, or their weighted mean."""
        self.scale: Any = 1.0
        if reduction == "none":
            return losses.squeeze(self.class_dim)
        total = losses.sum()
        if reduction == "sum":
            return total
        # The mean over no place at all is 0 / 0, NaN, as in PyTorch.
        count = (
            losses.dtype.type(losses.size) if self.place_weight is None else self.place_weight.sum()
        )
        self.scale = 1 / count
        return total * self.scale

    def spread(self, grad: Any) -> Any:
        """Return the gradient of the result as that of each row: with the class dimension."""
        return grad if self.reduced else grad.unsqueeze(self.class_dim)


class CrossEntropy(_OverClasses):
    """-log softmax(x)[target], for each row of scores; reduced to "mean", "sum" or not ("none").

    With q the wanted distribution (1 at the target; with label smoothing ε, 1 - ε there and ε / C
    added to every class; times the weight) a row costs -Σ q log p, p = softmax(x).
    Gradient: g (p Σq - q), computed together with the loss.  Saves x and that difference.

    Source: PyTorch, ``torch.nn.CrossEntropyLoss``; label smoothing: Szegedy et al., "Rethinking the
    Inception Architecture" (2016).
    """

    def forward(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        ignore_index: int,
        reduction: str,
        smoothing: float,
    ) -> Array:
        self.prepare(x, target, weight, ignore_index)
        self.reduced = reduction != "none"
        dim, xp = self.class_dim, array_module(x)
        shifted = x - x.max(axis=dim, keepdims=True)
        p = xp.exp(shifted)
        total = p.sum(axis=dim, keepdims=True)
        p /= total
        log_total = xp.log(total)
        losses = log_total - xp.take_along_axis(shifted, self.place, dim)
        if self.place_weight is not None:
            losses = xp.where(self.place_weight != 0, losses * self.place_weight, 0)
        if smoothing:
            weights = self._class_weights(x, weight, ignore_index, target)
            everywhere = (weights * (log_total - shifted)).sum(axis=dim, keepdims=True)
            share = smoothing / x.shape[dim]
            losses = (1 - smoothing) * losses + share * everywhere
        y = self.reduce(losses, reduction)
        # p Σq - q, times what reduction makes of it
        picked = 1 if self.place_weight is None else self.place_weight
        mass = picked
        if smoothing:
            mass = (1 - smoothing) * picked + share * weights.sum(axis=dim, keepdims=True)
            p = p * mass - share * weights
            picked = (1 - smoothing) * picked
        elif self.place_weight is not None:
            p *= mass
        at_target = xp.take_along_axis(p, self.place, dim)
        xp.put_along_axis(p, self.place, at_target - picked, dim)
        if self.scale != 1.0:
            p *= self.scale
        self.save_for_backward(x, p, mass * self.scale)
        del self.place, self.place_weight
        return y

    def _class_weights(
        self, x: Array, weight: Array | None, ignore_index: int, target: Array
    ) -> Array:
        """Return the weight of every class in every place, 0 in the places that are ignored."""
        xp = array_module(x)
        ones = xp.ones_like(x) * xp.expand_dims(target != ignore_index, self.class_dim)
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
        self.prepare(x, target, weight, ignore_index)
        self.reduced = reduction != "none"
        self.shape = x.shape
        losses = -array_module(x).take_along_axis(x, self.place, self.class_dim)
        if self.place_weight is not None:
            losses = array_module(x).where(self.place_weight != 0, losses * self.place_weight, 0)
        y = self.reduce(losses, reduction)
        factor = self.scale if self.place_weight is None else self.place_weight * self.scale
        self.save_for_backward(self.place, array_module(x).asarray(-factor, x.dtype))
        del self.place, self.place_weight
        return y

    def backward(self, grad: Any) -> Any:
        place, factor = self.saved_tensors
        picked = (self.spread(grad) * factor).expand(place.array.shape)
        return picked.new_zeros(self.shape).scatter_add(self.class_dim, place, picked)
