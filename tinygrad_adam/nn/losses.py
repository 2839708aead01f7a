"""Losses as modules: they hold the options of the functions in :mod:`tinygrad_adam.nn.functional`.

``reduction`` is "mean" (over all elements), "sum" or "none"; ``size_average`` and ``reduce`` are
old names for it. ``weight`` is part of the state: it moves with the module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import Layer
from tinygrad_adam.ops.losses import named_reduction
from tinygrad_adam.tensor import Tensor


class _Loss(Layer):
    """A function of input and target, with options that it knows by their names."""

    _function: ClassVar[Callable[..., Tensor]]
    _passed: ClassVar[tuple[str, ...]] = ("reduction",)

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        for name, value in (("size_average", size_average), ("reduction", reduction)):
            if isinstance(value, Tensor):
                kind = type(self).__name__
                raise TypeError(
                    f"{kind}(): argument {name!r} must not be a Tensor\n"
                    f"  A loss is made first and called then: {kind}()(input, target)"
                )
        self.reduction = named_reduction(size_average, reduce, reduction, check=False)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return type(self)._function(input, target, **self._options(self._passed))


class _WeightedLoss(_Loss):
    weight: Tensor | None
    _passed: ClassVar[tuple[str, ...]] = ("weight", "reduction")

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
    """(x - y)².

    Source: PyTorch, ``torch.nn.MSELoss``.
    """

    _function = functional.mse_loss


class L1Loss(_Loss):
    """|x - y|.

    Source: PyTorch, ``torch.nn.L1Loss``.
    """

    _function = functional.l1_loss


class SmoothL1Loss(_Loss):
    """½ d² / β where |d| < β, else |d| - ½ β, for d = x - y.

    Source: PyTorch, ``torch.nn.SmoothL1Loss``; Girshick, "Fast R-CNN" (2015).
    """

    _function = functional.smooth_l1_loss
    _passed = ("reduction", "beta")

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta


class HuberLoss(_Loss):
    """½ d² where |d| < δ, else δ (|d| - ½ δ), for d = x - y.

    Source: PyTorch, ``torch.nn.HuberLoss``; Huber (1964).
    """

    _function = functional.huber_loss
    _passed = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        if not isinstance(delta, (int, float)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        self.delta = delta


class CrossEntropyLoss(_WeightedLoss):
    """-log softmax(scores)[class].

    Args:
        weight: (C,), of each class; the mean is a weighted one then.
        ignore_index: a class that counts nothing.
        label_smoothing: from 0 to 1: how much of the target to spread over all classes.

    Scores are (N, C), (N, C, …) or (C,); the target holds classes, (N,), (N, …) or (), or the
    probabilities of all classes in the scores' shape.

    Source: PyTorch, ``torch.nn.CrossEntropyLoss``.
    """

    _function = functional.cross_entropy
    _passed = ("weight", "ignore_index", "reduction", "label_smoothing")

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


class NLLLoss(_WeightedLoss):
    """Minus the log-probability of the right class.

    Arguments and shapes as for :class:`CrossEntropyLoss`, without label smoothing.

    Source: PyTorch, ``torch.nn.NLLLoss``.
    """

    _function = functional.nll_loss
    _passed = ("weight", "ignore_index", "reduction")

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


class BCELoss(_WeightedLoss):
    """-(y log p + (1 - y) log(1 - p)), the logarithms not below -100.

    The probabilities p and the target y are in [0, 1]. ``weight`` is what each loss is multiplied
    by; it is broadcast to the shape.

    Source: PyTorch, ``torch.nn.BCELoss``.
    """

    _function = functional.binary_cross_entropy


class BCEWithLogitsLoss(_WeightedLoss):
    """:class:`BCELoss` of sigmoid(x), exact for large scores x, too.

    ``pos_weight`` is what the positive part is multiplied by; it is broadcast to the shape.

    Source: PyTorch, ``torch.nn.BCEWithLogitsLoss``.
    """

    pos_weight: Tensor | None
    _function = functional.binary_cross_entropy_with_logits
    _passed = ("weight", "pos_weight", "reduction")

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
