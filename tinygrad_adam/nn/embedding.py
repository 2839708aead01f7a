"""Tables of vectors."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_adam.nn import functional, init
from tinygrad_adam.nn.layer import ParameterLayer
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.tensor import Tensor


class _Table(ParameterLayer):
    """What layers share that pick rows of a table (V, D)."""

    _shown: ClassVar[tuple[str, ...]] = (
        "num_embeddings", "embedding_dim", "padding_idx=", "max_norm=", "norm_type=",
        "scale_grad_by_freq=",
    )  # fmt: skip
    _usual: ClassVar[dict[str, Any]] = {
        "padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False
    }  # fmt: skip

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if sparse:
            raise NotImplementedError(
                f"{type(self).__name__}: sparse gradients are not supported, use sparse=False"
            )
        num_embeddings = fitted(type(self).__name__, "num_embeddings", "int", num_embeddings)
        padding_idx = fitted(type(self).__name__, "padding_idx", "int | None", padding_idx)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    f"Padding_idx must be within num_embeddings\n  It is {padding_idx}, for "
                    f"{num_embeddings} rows"
                )
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            self._make_parameters(device, dtype, weight=shape)
            self.weight.requires_grad_(not _freeze)
        else:
            if tuple(_weight.shape) != shape:
                raise AssertionError(
                    "Shape of weight does not match num_embeddings and embedding_dim"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0


class Embedding(_Table):
    """A table of vectors, picked by number.

    Args:
        num_embeddings: V, the number of rows.
        embedding_dim: D, the size of each.
        padding_idx: a row that starts as zeros and gets no gradient; may be negative.
        max_norm: shorten rows longer than this, in place, when they are picked.
        norm_type: the p of the norm for ``max_norm``.
        scale_grad_by_freq: divide what a row's gradient gets by how often the row was picked.
        sparse: must be False: gradients are dense here.

    Input integers of any shape, output (…, D). ``weight`` is (V, D), drawn from the standard normal
    distribution.

    Raises:
        NotImplementedError: ``sparse``.
        AssertionError: ``padding_idx`` is no row.

    Source: PyTorch, ``torch.nn.Embedding``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq, self.sparse,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return an Embedding whose table is ``embeddings`` (V, D), by default not trained.

        Source: PyTorch, ``torch.nn.Embedding.from_pretrained``.
        """
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        return cls(
            rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
            _weight=embeddings, _freeze=freeze,
        )  # fmt: skip


class EmbeddingBag(_Table):
    """A table of vectors of which bags are picked by number, and one vector made of each bag.

    Args:
        num_embeddings: V, the number of rows.
        embedding_dim: D, the size of each.
        mode: "sum", "mean" or "max".
        include_last_offset: the last offset is where the last bag ends.
        padding_idx: a row that no bag counts.

    The other arguments, and ``weight``, are those of :class:`Embedding`. Called with indices
    (B, n), or with those of all bags one after the other and ``offsets``, where each begins; and
    for "sum" perhaps with ``per_sample_weights``. Output (B, D).

    Source: PyTorch, ``torch.nn.EmbeddingBag``.
    """

    _shown = (
        "num_embeddings", "embedding_dim", "max_norm=", "norm_type=", "scale_grad_by_freq=",
        "mode=", "padding_idx=",
    )  # fmt: skip

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq,
            sparse, _weight, device=device, dtype=dtype,
        )  # fmt: skip
        self.mode, self.include_last_offset = mode, include_last_offset

    def extra_repr(self) -> str:
        """Return the options, the mode in quotes."""
        return super().extra_repr().replace(f"mode={self.mode}", f"mode={self.mode!r}")

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        return functional.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Return an EmbeddingBag whose table is ``embeddings`` (V, D), by default not trained.

        Source: PyTorch, ``torch.nn.EmbeddingBag.from_pretrained``.
        """
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        bag = cls(
            rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings,
            include_last_offset, padding_idx,
        )  # fmt: skip
        bag.weight.requires_grad_(not freeze)
        return bag
