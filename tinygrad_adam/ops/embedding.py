"""Rows of a table, by number. ``g`` is the gradient of the result, ``G`` that of a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation, no_grad
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import int64, type_name
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.elementwise import refuse_complex_gradient
from tinygrad_adam.ops.indexing import getitem, require_rows
from tinygrad_adam.ops.reductions import vector_norm

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
