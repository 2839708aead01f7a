"""Attention with several heads as a layer."""

from __future__ import annotations

from typing import Any

from tinygrad_adam.creation import empty
from tinygrad_adam.nn import functional, init
from tinygrad_adam.nn.linear import NonDynamicallyQuantizableLinear
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.ops.shapes import transpose
from tinygrad_adam.tensor import Tensor


class MultiheadAttention(Module):
    """Attention in H parts: softmax(q kᵀ / √(E/H)) v of projections, put together and projected.

    Args:
        embed_dim: E, the size of the query and of the result.
        num_heads: H, which divides E.
        dropout: the probability with which each weight is dropped in training.
        bias: whether the projections have biases.
        add_bias_kv: learn one more position that every query may see.
        add_zero_attn: add a position of zeros that every query may see.
        kdim: the size of the key, if not E.
        vdim: the size of the value, if not E.
        batch_first: sequences are (N, L, E) instead of (L, N, E).

    Called with query (L, N, E), key (S, N, kdim) and value (S, N, vdim), each without N for one
    sequence. Returns the result, in the query's shape, and the weights (N, L, S), the mean over the
    heads, or (N, H, L, S) with ``average_attn_weights=False``, or None with ``need_weights=False``.
    Masks are bools, True for what must not be seen, or numbers to add to the scores:
    ``key_padding_mask`` (N, S), ``attn_mask`` (L, S) or (N H, L, S). ``is_causal`` only says that
    ``attn_mask`` is the causal one.

    ``in_proj_weight`` is (3 E, E), or with other sizes ``q_proj_weight`` (E, E), ``k_proj_weight``
    and ``v_proj_weight``; all drawn by ``xavier_uniform_``. Biases start at 0.

    Raises:
        ValueError: ``embed_dim`` or ``num_heads`` is not positive.
        AssertionError: H does not divide E.

    Source: PyTorch, ``torch.nn.MultiheadAttention``.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                "embed_dim must be divisible by num_heads\n"
                f"  embed_dim is {embed_dim}, num_heads {num_heads}"
            )
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        same = self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        shapes: dict[str, tuple[int, ...] | None] = {
            "q_proj_weight": None if same else (embed_dim, embed_dim),
            "k_proj_weight": None if same else (embed_dim, self.kdim),
            "v_proj_weight": None if same else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if same else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": (1, 1, embed_dim) if add_bias_kv else None,
            "bias_v": (1, 1, embed_dim) if add_bias_kv else None,
        }
        for name, shape in shapes.items():
            missing = shape is None
            values = None if missing else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, values)
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias, device=device, dtype=dtype
        )
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name, parameter in self.named_parameters(recurse=False):
            if name.startswith("bias_"):
                init.xavier_normal_(parameter)
            elif parameter.ndim == 2:
                init.xavier_uniform_(parameter)
            else:
                init.zeros_(parameter)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        swap = self.batch_first and query.ndim == 3
        if swap:
            if query is key is value:  # and they stay one tensor, for one product
                query = key = value = transpose(query, 0, 1)
            else:
                query, key, value = (transpose(x, 0, 1) for x in (query, key, value))
        output, weights = functional.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, self.training, key_padding_mask,
            need_weights, attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )  # fmt: skip
        return transpose(output, 0, 1) if swap else output, weights
