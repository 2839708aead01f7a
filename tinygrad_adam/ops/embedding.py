"""Rows of a table, by number. ``g`` is the gradient of the result, ``G`` that of a gradient."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation, no_grad
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import int64, type_name
from tinygrad_adam.ops.arguments import Choice, checked
from tinygrad_adam.ops.elementwise import masked_fill, refuse_complex_gradient
from tinygrad_adam.ops.indexing import getitem, index_add, require_rows
from tinygrad_adam.ops.ordering import max
from tinygrad_adam.ops.reductions import vector_norm
from tinygrad_adam.ops.shapes import reshape, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class Embedding(Operation):
    """weight[indices], the rows of a table (V, D), for integer indices of any shape.

    Gradient: g added to the rows that were picked, but not to row ``padding_idx``.  Saves the
    indices.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: without the indices."""
        return "EmbeddingBackward0", 0

    def forward(
        self, weight: Array, indices: Array, padding_idx: int | None = None, by_freq: bool = False
    ) -> Array:
        require_rows(indices, weight.shape[0])
        refuse_complex_gradient("embedding", self, weight)
        self.options = weight.shape[0], padding_idx, by_freq
        self.save(indices)
        return weight[indices]

    def backward(self, grad: Any) -> Any:
        (indices,) = self.saved
        return EmbeddingGradient.apply(grad, indices, *self.options)


class EmbeddingGradient(Operation):
    """The gradient of :class:`Embedding` for the table, linear in g.

    Gradient: G[indices], with the weights of the gradient.  ``by_freq`` divides what is added to a
    row by how often it was picked.  Saves the indices and the weights.
    """

    def forward(
        self, grad: Array, indices: Array, rows: int, padding_idx: int | None, by_freq: bool
    ) -> Array:
        xp = array_module(grad)
        share = None
        if padding_idx is not None:
            share = (indices != padding_idx).astype(grad.dtype)[..., None]
        if by_freq and indices.size:
            often = (1 / xp.bincount(indices.ravel(), minlength=rows)[indices]).astype(grad.dtype)
            share = often[..., None] if share is None else share * often[..., None]
        self.save(indices, share)
        given = grad if share is None else grad * share
        return kernels(given).embedding_gradient(given, indices, rows)

    def backward(self, grad: Any) -> Any:
        indices, share = self.saved
        picked = Embedding.apply(grad, indices)
        return picked if share is None else picked * share


@checked
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Pick rows of a table.

    Args:
        input: which rows, integers of any shape.
        weight: the table (V, D).
        padding_idx: a row that gets no gradient; may be negative.
        max_norm: shorten rows longer than this, in place, when they are picked.
        norm_type: the p of the norm for ``max_norm``.
        scale_grad_by_freq: divide what a row's gradient gets by how often the row was picked.
        sparse: must be False: gradients are dense here.

    Returns:
        (…, D).

    Raises:
        IndexError: a row that is not there.
        RuntimeError: ``input`` does not hold integers.
        NotImplementedError: ``sparse``.
        AssertionError: ``padding_idx`` is no row.

    Source: PyTorch, ``torch.nn.functional.embedding``.
    """
    if sparse:
        raise NotImplementedError("embedding: sparse gradients are not supported, use sparse=False")
    if input.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{type_name(input.dtype)}Tensor instead (while "
            "checking arguments for embedding)"
        )
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise AssertionError(
                f"Padding_idx must be within num_embeddings\n  It is {padding_idx}, for a table of "
                f"{weight.shape[0]} rows"
            )
        padding_idx %= weight.shape[0]
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    return Embedding.apply(weight, input, padding_idx, scale_grad_by_freq)


def _shorten_rows(weight: Tensor, rows: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the picked rows of the table that are longer than ``max_norm`` down to it."""
    picked = array_module(rows.array).unique(rows.array)
    with no_grad():
        lengths = vector_norm(getitem(weight, picked), norm_type, 1).array
    too_long = lengths > max_norm
    if too_long.any():
        weight.array[picked[too_long]] *= (max_norm / (lengths + 1e-7))[too_long, None]
        weight._writes[0] += 1


# --- bags ----------------------------------------------------------------------------------------


@checked
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: Choice = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Pick rows of a table, and return one row for each bag of them.

    Args:
        input: which rows, integers: (B, n) for B bags of n, or all bags one after the other.
        weight: the table (V, D).
        offsets: where each bag begins in a 1-d ``input``.
        max_norm: shorten rows longer than this, in place, when they are picked.
        norm_type: the p of the norm for ``max_norm``.
        scale_grad_by_freq: divide what a row's gradient gets by how often the row was picked.
        mode: "sum", "mean" or "max". An empty bag gives zeros.
        sparse: must be False: gradients are dense here.
        per_sample_weights: what to multiply each row by, in the shape of ``input``; for "sum".
        include_last_offset: the last offset is where the last bag ends.
        padding_idx: a row that no bag counts; may be negative.

    Returns:
        (B, D).

    Raises:
        ValueError: shapes do not fit, or there is no such mode.
        RuntimeError: dtypes do not fit, or a row or offset is not there.
        NotImplementedError: ``sparse``, or weights for another mode.

    Source: PyTorch, ``torch.nn.functional.embedding_bag``.
    """
    if weight.dtype.name in _INDICES and input.dtype.kind == "f":
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage "
            "`embedding_bag(weight, input, ...)` is deprecated, and should now be "
            "`embedding_bag(input, weight, ...)`.",
            stacklevel=3,
        )
        input, weight = weight, input
    samples = per_sample_weights
    _check_bags(input, weight, samples, mode, scale_grad_by_freq)
    if sparse:
        raise NotImplementedError(
            "embedding_bag: sparse gradients are not supported, use sparse=False"
        )
    count = weight.shape[0]
    if padding_idx is not None:
        if not -count <= padding_idx < count:
            raise RuntimeError(
                f"padding_idx must be within the number of embeddings, {-count} through "
                f"{count - 1}, but got {padding_idx}"
            )
        padding_idx %= count
    bags, bag = _bags(input, offsets, include_last_offset)
    picked, xp = input.array, array_module(input.array)
    outside = (picked < 0) | (picked >= count)
    if outside.any():
        where = int(xp.nonzero(outside.ravel())[0][0])
        raise RuntimeError(
            f"Index {where} of input takes value {int(picked.ravel()[where])} which is not in the "
            f"valid range [0, {count})"
        )
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    picked = picked.ravel()
    kept = xp.nonzero((bag < bags) & (picked != (-1 if padding_idx is None else padding_idx)))[0]
    picked, bag = picked[kept], bag[kept]

    rows = Embedding.apply(weight, input._wrap(picked), None, scale_grad_by_freq)
    if samples is not None:
        rows = rows * unsqueeze(getitem(reshape(samples, (-1,)), kept), 1)
    sizes = xp.bincount(bag, minlength=bags)
    if mode == "max" and len(bag):
        return _largest_of_bags(rows, bag, sizes)
    zeros = weight._wrap(xp.zeros((bags, weight.shape[1]), weight.dtype))
    sums = index_add(zeros, 0, input._wrap(bag), rows)
    if mode != "mean":
        return sums
    return sums / weight._wrap(xp.maximum(sizes, 1)[:, None].astype(weight.dtype))


_INDICES = ("int64", "int32")


def _check_bags(
    input: Tensor, weight: Tensor, samples: Tensor | None, mode: str, by_freq: bool
) -> None:
    """Raise unless table, indices and weights of the bags have shapes and dtypes that fit."""
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if samples is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')."
        )
    if samples is not None and samples.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights (torch.Size({list(samples.shape)})) is not None,"
            f" then it must have the same shape as the input (torch.Size({list(input.shape)}))"
        )
    if input.dtype.name not in _INDICES:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{type_name(input.dtype)}Tensor instead"
        )
    if weight.dtype.kind != "f":
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: "
            f"Half, BFloat16, Float, Double; but got torch.{type_name(weight.dtype)}Tensor instead"
        )
    if samples is not None and samples.dtype != weight.dtype:
        kinds = [f"torch.{type_name(x.dtype)}Tensor" for x in (weight, samples)]
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument "
            f"#1 'per_sample_weights'; but type {kinds[0]} does not equal {kinds[1]}"
        )


def _bags(input: Tensor, offsets: Tensor | None, with_end: bool) -> tuple[int, Array]:
    """Return how many bags there are, and the bag of each index; beyond the last one: that number.

    Raises:
        ValueError: ``input`` and ``offsets`` do not fit.
        RuntimeError: offsets do not begin with 0, or go too far.
    """
    xp = array_module(input.array)
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                f"of fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        bags, size = input.shape
        return bags, xp.arange(bags).repeat(size)
    if input.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if offsets is None or offsets.ndim != 1:
        found = " but got None" if offsets is None else ""
        raise ValueError(
            f"offsets has to be a 1D Tensor{found}\n  They say where each bag of a 1-d input begins"
        )
    if offsets.dtype.name not in _INDICES:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{type_name(offsets.dtype)}Tensor instead"
        )
    starts = offsets.array
    if with_end and not len(starts):
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if len(starts):
        if int(starts[0]):
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start "
                f"from position 0. However, got {int(starts[0])}"
            )
        if int(starts[-1]) > len(input):
            raise RuntimeError(
                f"offsets[-1] can not be greater than input's length {len(input)} but got "
                f"offsets[-1] of {int(starts[-1])}"
            )
    bag = xp.searchsorted(starts, xp.arange(len(input)), side="right") - 1
    bags = len(starts) - with_end
    return bags, bag if len(starts) else bag + 1


def _largest_of_bags(rows: Any, bag: Array, sizes: Array) -> Any:
    """Return the largest of the rows of each bag, by column; zeros for an empty bag."""
    xp = array_module(sizes)
    filled = xp.arange(int(sizes.max())) < sizes[:, None]
    number = xp.zeros(filled.shape, dtype=int64)
    number[xp.nonzero(filled)] = xp.argsort(bag, kind="stable")
    of_bags = Embedding.apply(rows, rows._wrap(number))
    of_bags = masked_fill(of_bags, rows._wrap(~filled[..., None]), -math.inf)
    return masked_fill(max(of_bags, 1).values, rows._wrap((sizes == 0)[:, None]), 0.0)


# --- classes as numbers --------------------------------------------------------------------------


class OneHot(Operation):
    """1 at the class of each element, 0 elsewhere, in a new last dimension.  No gradient."""

    def forward(self, x: Array, count: int) -> Array:
        if x.size == 0 and count <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        smallest, largest = (int(x.min()), int(x.max())) if x.size else (0, -1)
        if smallest < 0:
            raise RuntimeError("Class values must be non-negative.")
        if count == -1:
            count = largest + 1
        elif count < 1:
            raise RuntimeError("num_classes should be positive")
        elif largest >= count:
            raise RuntimeError("Class values must be smaller than num_classes.")
        return (x[..., None] == array_module(x).arange(count)).astype(int64)


@checked
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return 1 at the class of each element and 0 elsewhere.

    Args:
        tensor: classes, int64, of any shape.
        num_classes: how many there are; -1: one more than the largest.

    Returns:
        An int64 tensor of that shape and ``num_classes`` as the last dimension.

    Raises:
        RuntimeError: another dtype, a negative class, or one that is too large.

    Source: PyTorch, ``torch.nn.functional.one_hot``.
    """
    if tensor.dtype != int64:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor.\n"
            f"  This one is {tensor.dtype} {tuple(tensor.shape)}; convert it with .long()"
        )
    return OneHot.apply(tensor, num_classes)
