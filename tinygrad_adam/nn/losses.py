"""Losses as modules: they hold the options of the functions in :mod:`tinygrad_adam.nn.functional`.

``reduction`` is "mean" (over all elements), "sum" or "none"; ``size_average`` and ``reduce`` are
old names for it. ``weight`` is part of the state: it moves with the module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, fields
from typing import Any, ClassVar

from tinygrad_adam.backend.warn import warn
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


class NLLLoss2d(NLLLoss):
    """:class:`NLLLoss`, by a name that it once had for images.

    Source: PyTorch, ``torch.nn.NLLLoss2d``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warn(
            "NLLLoss2d has been deprecated. Please use NLLLoss instead as a drop-in replacement.",
            FutureWarning,
        )
        super().__init__(*args, **kwargs)


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


class _DeclaredLoss(Layer):
    """A dataclass of options, handed with any number of tensors to a function that knows them."""

    reduction: str
    _function: ClassVar[Callable[..., Tensor]]

    def __post_init__(self, *old_names: bool | None) -> None:
        size_average, reduce = old_names or (None, None)
        self.reduction = named_reduction(size_average, reduce, self.reduction, check=False)

    def extra_repr(self) -> str:
        """Return nothing: PyTorch shows no options of losses."""
        return ""

    def forward(self, *tensors: Any, **named: Any) -> Tensor:
        options = self._options([option.name for option in fields(self)])  # type: ignore[arg-type]
        return type(self)._function(*tensors, **named, **options)


@dataclass(eq=False, repr=False)
class KLDivLoss(_DeclaredLoss):
    """y (log y - x), for log-probabilities x; ``reduction`` may be "batchmean", too.

    ``log_target`` says that the target holds log y.

    Source: PyTorch, ``torch.nn.KLDivLoss``.
    """

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    log_target: bool = False
    _function = functional.kl_div


@dataclass(eq=False, repr=False)
class PoissonNLLLoss(_DeclaredLoss):
    """λ - y log λ, for counts y; x is log λ, or λ with ``log_input=False``.

    ``full`` adds Stirling's formula for log y!.

    Source: PyTorch, ``torch.nn.PoissonNLLLoss``.
    """

    log_input: bool = True
    full: bool = False
    size_average: InitVar[bool | None] = None
    eps: float = 1e-8
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.poisson_nll_loss


@dataclass(eq=False, repr=False, kw_only=True)
class GaussianNLLLoss(_DeclaredLoss):
    """½ (log v + (x - y)² / v), called with x, y and the variance v.

    ``full`` adds ½ log 2π, ``eps`` is what v is at least taken for.

    Source: PyTorch, ``torch.nn.GaussianNLLLoss``.
    """

    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"
    _function = functional.gaussian_nll_loss


@dataclass(eq=False, repr=False)
class HingeEmbeddingLoss(_DeclaredLoss):
    """x where the target is 1, max(0, ``margin`` - x) where it is -1.

    Source: PyTorch, ``torch.nn.HingeEmbeddingLoss``.
    """

    margin: float = 1.0
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.hinge_embedding_loss


@dataclass(eq=False, repr=False)
class MarginRankingLoss(_DeclaredLoss):
    """max(0, ``margin`` - y (x1 - x2)), called with x1, x2 and y, 1 or -1.

    Source: PyTorch, ``torch.nn.MarginRankingLoss``.
    """

    margin: float = 0.0
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.margin_ranking_loss


@dataclass(eq=False, repr=False)
class CosineEmbeddingLoss(_DeclaredLoss):
    """1 - c where the target is 1, max(0, c - ``margin``) where it is -1, for cosines c.

    Source: PyTorch, ``torch.nn.CosineEmbeddingLoss``.
    """

    margin: float = 0.0
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.cosine_embedding_loss


@dataclass(eq=False, repr=False)
class SoftMarginLoss(_DeclaredLoss):
    """log(1 + exp(-y x)), for y = 1 or -1.

    Source: PyTorch, ``torch.nn.SoftMarginLoss``.
    """

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.soft_margin_loss


@dataclass(eq=False, repr=False)
class MultiLabelMarginLoss(_DeclaredLoss):
    """Σ max(0, 1 - x[y] + x[i]) / C, over right classes y and others i.

    The target lists the right classes of each row, up to the first -1.

    Source: PyTorch, ``torch.nn.MultiLabelMarginLoss``.
    """

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.multilabel_margin_loss


@dataclass(eq=False, repr=False)
class TripletMarginLoss(_DeclaredLoss):
    """max(0, d(anchor, positive) - d(anchor, negative) + ``margin``).

    d is the distance with ``p`` and ``eps`` of :class:`PairwiseDistance`; ``swap`` takes
    d(positive, negative) for the last, where it is less.

    Source: PyTorch, ``torch.nn.TripletMarginLoss``.
    """

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    _function = functional.triplet_margin_loss

    def __post_init__(self, *old_names: bool | None) -> None:
        super().__post_init__(*old_names)
        _require_margin(self, self.margin)


@dataclass(eq=False, repr=False)
class CTCLoss(_DeclaredLoss):
    """-log of the probability that sequences read as their labels, whatever the timing.

    Called with log-probabilities (T, N, C), labels, and the lengths of both; ``blank`` is the class
    that is no label, ``zero_infinity`` lets hopeless sequences count as 0.

    Source: PyTorch, ``torch.nn.CTCLoss``.
    """

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False
    _function = functional.ctc_loss


def _require_margin(loss: Layer, margin: float) -> None:
    if margin <= 0:
        raise ValueError(
            f"{type(loss).__name__}: expected margin to be greater than 0, got {margin} instead"
        )


class TripletMarginWithDistanceLoss(Layer):
    """:class:`TripletMarginLoss` with any distance, a function or a module of two tensors.

    Source: PyTorch, ``torch.nn.TripletMarginWithDistanceLoss``.
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        _require_margin(self, margin)
        self.distance_function: Any = distance_function or functional.pairwise_distance
        self.margin, self.swap, self.reduction = margin, swap, reduction

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        options = self._options(("distance_function", "margin", "swap", "reduction"))
        return functional.triplet_margin_with_distance_loss(anchor, positive, negative, **options)


class MultiMarginLoss(_WeightedLoss):
    """Σ max(0, ``margin`` - x[y] + x[i])ᵖ / C, over the classes i that are not the right one y.

    Raises:
        ValueError: p is not 1 or 2, or ``weight`` is not (C,).

    Source: PyTorch, ``torch.nn.MultiMarginLoss``.
    """

    _function = functional.multi_margin_loss
    _passed = ("p", "margin", "weight", "reduction")

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.ndim != 1:
            raise ValueError(
                f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.ndim}D "
                "instead"
            )
        self.p, self.margin = p, margin


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """-(y log σ(x) + (1 - y) log σ(-x)), the mean over the classes, each times its ``weight``.

    Source: PyTorch, ``torch.nn.MultiLabelSoftMarginLoss``.
    """

    _function = functional.multilabel_soft_margin_loss
