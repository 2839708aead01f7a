"""Embedding: rows of a table. ``g`` is the gradient of the result, ``G`` that of a gradient."""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.sums import wide


class Embedding(Operation):
    """weight[indices], the rows of a table (V, D), for integer indices of any shape.

    Gradient: g added to the rows that were picked, but not to row ``padding_idx``.  Saves the
    indices.
    """

    def forward(
        self,
        weight: Array,
        indices: Array,
        padding_idx: int | None = None,
        scale_grad_by_freq: bool = False,
    ) -> Array:
        rows = weight.shape[0]
        if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= rows):
            wrong = [int(indices.min()), int(indices.max())]
            raise IndexError(
                f"index out of range in self\n  The indices run from {wrong[0]} to {wrong[1]}, the "
                f"table has the rows 0 to {rows - 1}"
            )
        self.rows, self.options = rows, (padding_idx, scale_grad_by_freq)
        self.save_for_backward(indices)
        return weight[indices]

    def backward(self, grad: Any) -> Any:
        (indices,) = self.saved_tensors
        return EmbeddingGradient.apply(grad, indices, self.rows, *self.options)


class EmbeddingGradient(Operation):
    """The gradient of :class:`Embedding` for the table, linear in g.

    Gradient: G[indices], with the weights of the gradient.  ``scale_grad_by_freq`` divides what is
    added to a row by how often it was picked.  Saves the indices and the weights.
    """

    def forward(
        self,
        grad: Array,
        indices: Array,
        rows: int,
        padding_idx: int | None,
        scale_grad_by_freq: bool,
    ) -> Array:
        xp = array_module(grad)
        share = None
        if padding_idx is not None:
            share = (indices != padding_idx).astype(grad.dtype)[..., None]
        if scale_grad_by_freq and indices.size:
            often = (1 / xp.bincount(indices.ravel(), minlength=rows)[indices]).astype(grad.dtype)
            share = often[..., None] if share is None else share * often[..., None]
        self.save_for_backward(indices, share)
        table = wide(xp.zeros((rows, grad.shape[-1]), grad.dtype))
        xp.add.at(table, indices, wide(grad if share is None else grad * share))
        return table.astype(grad.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        indices, share = self.saved_tensors
        picked = Embedding.apply(grad, indices)
        return picked if share is None else picked * share
