"""Losses that ask for a margin: 0 as soon as what is right is far enough ahead of what is not.

The arguments that they share are those of :mod:`tinygrad_adam.ops.losses`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import int64, type_name
from tinygrad_adam.ops.activations import logsigmoid, relu
from tinygrad_adam.ops.arguments import Choice, checked, require_dimensions
from tinygrad_adam.ops.distances import pairwise_distance
from tinygrad_adam.ops.elementwise import (
    clamp,
    logaddexp,
    minimum,
    overwritten,
    require_floating,
    sqrt,
    where,
)
from tinygrad_adam.ops.indexing import gather
from tinygrad_adam.ops.losses import named_reduction, reduced, refuse_gradient
from tinygrad_adam.ops.reductions import mean, sum
from tinygrad_adam.ops.shapes import cast, reshape, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


# --- pairs ---------------------------------------------------------------------------------------


@checked
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of x where the target is 1, of max(0, ``margin`` - x) where it is -1.

    Source: PyTorch, ``torch.nn.functional.hinge_embedding_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    far = where(target != 1, clamp(margin - input, min=0), 0.0)
    near = where(target != -1, input, 0.0)
    return reduced(cast(near + far, near.dtype), reduction)


@checked
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of max(0, ``margin`` - y (x1 - x2)): for y = 1 x1 should be larger.

    Raises:
        RuntimeError: the numbers of dimensions differ.

    Source: PyTorch, ``torch.nn.functional.margin_ranking_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        shown = [f"torch.Size({list(x.shape)})" for x in (input1, input2, target)]
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {shown[0]}, input2: {shown[1]}, target: {shown[2]} "
        )
    return reduced(clamp(margin - target * (input1 - input2), min=0), reduction)


@checked
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of 1 - c where the target is 1, of max(0, c - ``margin``) where it is -1.

    c is the cosine of the angle between two vectors.

    Args:
        input1: (N, D) or (D,), and ``input2``.
        target: (N,) or (): 1 or -1.

    Raises:
        RuntimeError: shapes do not fit.

    Source: PyTorch, ``torch.nn.functional.cosine_embedding_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    ndim = target.ndim
    if ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if not input1.ndim == input2.ndim == ndim + 1:
        raise RuntimeError(
            f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    squares = [sum(x * x, ndim) + 1e-12 for x in (input1, input2)]
    cosine = sum(input1 * input2, ndim) / sqrt(squares[0] * squares[1])
    near = where(target == 1, 1 - cosine, 0.0)
    far = where(target == -1, clamp(cosine - margin, min=0), 0.0)
    return reduced(near + far, reduction)


@checked
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of log(1 + exp(-y x)), without overflow, for y = 1 or -1.

    Source: PyTorch, ``torch.nn.functional.soft_margin_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    if input.dtype.kind in "biu":
        raise RuntimeError(
            "result type Float can't be cast to the desired output type "
            f"{type_name(input.dtype)}\n  Convert the input with .float()"
        )
    refuse_gradient("soft_margin_loss", target=target)
    exponent = -target * input
    return reduced(logaddexp(exponent, overwritten(exponent, 0)), reduction)


# --- triplets ------------------------------------------------------------------------------------


@checked
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of max(0, d(anchor, positive) - d(anchor, negative) + ``margin``).

    Args:
        anchor: (N, D) or (D,), as are ``positive``, which should be near, and ``negative``.
        margin: more than 0.
        p: the p of the distance d, :func:`pairwise_distance`.
        eps: added to differences.
        swap: take d(positive, negative) for the negative, where it is less.

    Raises:
        ValueError: ``margin`` is not positive.
        RuntimeError: the numbers of dimensions differ.

    Source: PyTorch, ``torch.nn.functional.triplet_margin_loss``; Balntas et al. (2016).
    """
    reduction = named_reduction(size_average, reduce, reduction)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return _triplet_loss(anchor, positive, negative, distance, margin, swap, reduction)


@checked
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: Choice = "mean",
) -> Tensor:
    """Return what :func:`triplet_margin_loss` returns, for any distance of two tensors.

    Source: PyTorch, ``torch.nn.functional.triplet_margin_with_distance_loss``.
    """
    named_reduction(None, None, reduction)
    distance = distance_function or pairwise_distance
    return _triplet_loss(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[..., Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp(margin + near - far, min=0), reduction)


# --- classes -------------------------------------------------------------------------------------


def _rows(function: str, input: Tensor) -> Tensor:
    """Return scores (N, C), (C,) or () as (N, C).

    Raises:
        RuntimeError: they have another shape.
        NotImplementedError: or another dtype.
    """
    if input.ndim > 2 or 0 in input.shape[min(1, input.ndim - 1) :]:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )
    require_floating(function, input)
    return input if input.ndim == 2 else reshape(input, (1, -1))


def _require_classes(target: Tensor) -> None:
    if target.dtype != int64:
        raise RuntimeError(
            f"expected scalar type Long but found {type_name(target.dtype)}\n"
            "  Classes are integers: convert the target with .long()"
        )


@checked
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of Σ max(0, ``margin`` - x[y] + x[i])ᵖ / C, over classes i except y.

    Args:
        input: scores x of C classes, (N, C) or (C,).
        target: y, the right classes, (N,) or ().
        p: 1 or 2.
        margin: how far ahead the right class should be.
        weight: (C,), what to multiply a row by, by its right class.

    Raises:
        ValueError: another p.
        RuntimeError: shapes or dtypes do not fit, or a target is no class.

    Source: PyTorch, ``torch.nn.functional.multi_margin_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    rows = _rows("multi_margin_loss", input)
    batch, classes = rows.shape
    if target.shape != (batch,) and not (batch == 1 and target.shape == ()):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{batch}], but got {list(target.shape)}. "
            f"Input has shape {list(input.shape)}."
        )
    _require_classes(target)
    place = reshape(target, (batch, 1))
    if ((place < 0) | (place >= classes)).any():
        raise RuntimeError(f"target out of range\n  There are {classes} classes")
    xp = array_module(input.array)
    others = input._wrap(xp.arange(classes) != place.array)
    excess = relu(margin - gather(rows, 1, place) + rows)
    excess = where(others, excess * excess if p == 2 else excess, 0.0)
    losses = sum(excess, 1) / classes
    if weight is not None:
        losses = losses * _weights_of(weight, place, rows)
    return reduced(reshape(losses, target.shape), reduction)


def _weights_of(weight: Tensor, place: Tensor, rows: Tensor) -> Tensor:
    """Return the weight of each row, that of its class."""
    classes = rows.shape[1]
    if weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    if weight.shape != (classes,):
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight.shape)}"
        )
    if weight.dtype != rows.dtype:
        raise RuntimeError(
            f"expected scalar type {type_name(rows.dtype)} but found {type_name(weight.dtype)}"
        )
    return gather(weight, 0, reshape(place, (-1,)))


def _named_classes(target: Array) -> tuple[Array, Array]:
    """Return which entries of rows (N, C) of classes count, those before a -1, and the classes."""
    xp = array_module(target)
    counts = xp.cumsum(target == -1, axis=1) == 0
    named = xp.zeros(target.shape, dtype=bool)
    row, _ = entries = xp.nonzero(counts)
    named[row, target[entries]] = True
    return counts, named


@checked
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return the mean of Σ max(0, 1 - x[y] + x[i]) / C, over right classes y and others i.

    Args:
        input: scores x of C classes, (N, C) or (C,).
        target: the right classes, of the same shape; those before the first -1 of a row count.

    Raises:
        RuntimeError: shapes or dtypes do not fit, or a target is no class.

    Source: PyTorch, ``torch.nn.functional.multilabel_margin_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    rows = _rows("multilabel_margin_loss", input)
    if target.shape != input.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    _require_classes(target)
    classes = rows.shape[1]
    if ((target < -1) | (target >= classes)).any():
        raise RuntimeError(f"argument #2 'target' is out of range\n  There are {classes} classes")
    labels = target.array.reshape(rows.shape)
    counts, named = _named_classes(labels)
    pairs = input._wrap(counts[:, :, None] & ~named[:, None, :])
    right = gather(rows, 1, input._wrap(labels * counts))
    excess = relu(1 - unsqueeze(right, 2) + unsqueeze(rows, 1))
    losses = sum(where(pairs, excess, 0.0), (1, 2)) / classes
    return reduced(losses if input.ndim == 2 else reshape(losses, ()), reduction)


@checked
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Choice = "mean",
) -> Tensor:
    """Return minus the mean of y log σ(x) + (1 - y) log σ(-x), over the classes and the rows.

    Args:
        input: scores x, (…, C).
        target: y, 1 for right classes and 0 for others.
        weight: (C,), what to multiply each class by.

    Source: PyTorch, ``torch.nn.functional.multilabel_soft_margin_loss``.
    """
    reduction = named_reduction(size_average, reduce, reduction)
    losses: Any = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    require_dimensions(losses, -1)
    return reduced(mean(losses, -1), reduction)
