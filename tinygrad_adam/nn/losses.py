"""Losses as modules: they hold the options of the functions in :mod:`tinygrad_adam.nn.functional`.

``reduction`` is "mean", "sum" or "none"; ``size_average`` and ``reduce`` are old names for it.
"""

from __future__ import annotations

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.module import Module
from tinygrad_adam.ops.losses import named_reduction
from tinygrad_adam.tensor import Tensor


class _Loss(Module):
    """A loss with a reduction."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = named_reduction(size_average, reduce, reduction, check=False)


class _WeightedLoss(_Loss):
    """A loss with a weight, which is part of the state."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """(x - y)², averaged, summed or each.

    Source: PyTorch, ``torch.nn.MSELoss``.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``input`` x against ``target`` y, of the same shape."""
        return functional.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """|x - y|, averaged, summed or each.

    Source: PyTorch, ``torch.nn.L1Loss``.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``input`` x against ``target`` y, of the same shape."""
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """½ d² / β where |d| < β, else |d| - ½ β, for d = x - y; averaged, summed or each.

    Source: PyTorch, ``torch.nn.SmoothL1Loss``; Girshick, "Fast R-CNN" (2015).
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``input`` x against ``target`` y, of the same shape."""
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """½ d² where |d| < δ, else δ (|d| - ½ δ), for d = x - y; averaged, summed or each.

    Source: PyTorch, ``torch.nn.HuberLoss``; Huber (1964).
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``input`` x against ``target`` y, of the same shape."""
        return functional.huber_loss(input, target, self.reduction, self.delta)


class CrossEntropyLoss(_WeightedLoss):
    """-log softmax(scores)[class], averaged, summed or each.

    Args:
        weight: (C,), of each class; the mean is a weighted one then.
        size_average: old.
        ignore_index: a class that counts nothing.
        reduce: old.
        reduction: "mean", "sum" or "none".
        label_smoothing: from 0 to 1: how much of the target to spread over all classes.

    Scores are (N, C), (N, C, …) or (C,); the target holds classes, (N,), (N, …) or (), or the
    probabilities of all classes in the scores' shape.

    Source: PyTorch, ``torch.nn.CrossEntropyLoss``.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores ``input``."""
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_WeightedLoss):
    """Minus the log-probability of the right class, averaged, summed or each.

    Arguments and shapes as for :class:`CrossEntropyLoss`, without label smoothing.

    Source: PyTorch, ``torch.nn.NLLLoss``.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the log-probabilities ``input``."""
        return functional.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class BCELoss(_WeightedLoss):
    """-(y log p + (1 - y) log(1 - p)), the logarithms not below -100; averaged, summed or each.

    Args:
        weight: what to multiply each loss by; broadcast to the shape.
        size_average: old.
        reduce: old.
        reduction: "mean", "sum" or "none".

    Source: PyTorch, ``torch.nn.BCELoss``.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the probabilities ``input`` against ``target``, both in [0, 1]."""
        return functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """:class:`BCELoss` of sigmoid(x), exact for large scores, too.

    Args:
        weight: what to multiply each loss by; broadcast to the shape.
        size_average: old.
        reduce: old.
        reduction: "mean", "sum" or "none".
        pos_weight: what to multiply the positive part by; broadcast to the shape.

    Source: PyTorch, ``torch.nn.BCEWithLogitsLoss``.
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores ``input`` against ``target`` in [0, 1]."""
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )
