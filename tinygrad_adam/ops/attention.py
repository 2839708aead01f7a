"""Attention: each position of one sequence mixes what stands at the positions of another.

Sequences have L positions (those that ask) and S (those that answer), N is the batch, H the number
of heads and E the size of what is compared.

Source: Vaswani et al., "Attention is all you need" (2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import bool_, c_type_name
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.activations import Softmax, softmax
from tinygrad_adam.ops.arguments import checked, common_shape, normalize_dim
from tinygrad_adam.ops.dropout import dropout
from tinygrad_adam.ops.elementwise import require_floating, where
from tinygrad_adam.ops.indexing import repeat_interleave
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.linalg import linear, matmul
from tinygrad_adam.ops.padding import pad
from tinygrad_adam.ops.reductions import mean
from tinygrad_adam.ops.shapes import (
    cast,
    expand,
    permute,
    reshape,
    split,
    squeeze,
    transpose,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class MaskedSoftmax(Softmax):
    """Softmax of scores, -inf for what must not be seen: zeros where nothing may.

    Gradient and what is saved: as for softmax.
    """

    def forward(self, x: Array, dim: int) -> Array:
        require_floating("softmax", x)
        self.dims, xp = (dim,), array_module(x)
        y = wide(x)
        if y.size:
            largest = y.max(axis=dim, keepdims=True)
            y = xp.exp(y - xp.where(xp.isneginf(largest), 0, largest))
            sums = total(y, dim, True)
            y /= xp.where(sums == 0, 1, sums)
        y = y.astype(x.dtype, copy=False)
        self.save(y)
        return y


def _as_scores(mask: Any, seen: bool, like: Any) -> Any:
    """Return a bool mask as what to add to scores: -inf where it is not ``seen``."""
    if mask is None or mask.dtype != bool_:
        return mask
    values = (0.0, -math.inf) if seen else (-math.inf, 0.0)
    return cast(where(mask, *values), like.dtype)


def _attend(
    query: Any, key: Any, value: Any, mask: Any, p: float, scale: float, softmax: Callable[..., Any]
) -> tuple[Any, Any]:
    """Return softmax(q kᵀ scale + mask) v, and that softmax, after dropout."""
    scores = matmul(query * scale, transpose(key, -2, -1))
    if mask is not None:
        if common_shape(scores.shape, mask.shape) != scores.shape:
            raise RuntimeError(
                f"output with shape {list(scores.shape)} doesn't match the broadcast shape "
                f"{list(common_shape(scores.shape, mask.shape))}\n"
                "  attn_mask must not have more than the scores (…, L, S) have"
            )
        scores = scores + mask
    weights = dropout(softmax(scores, scores.ndim - 1), p)
    return matmul(weights, value), weights


def _scale_for(size: int) -> float:
    """Return 1 / √size, with which products of random vectors of that size vary as numbers do."""
    return 1 / math.sqrt(size) if size else 1.0


@checked
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(q kᵀ scale + mask) v. Dimensions before the last two broadcast.

    Args:
        query: (…, L, E).
        key: (…, S, E).
        value: (…, S, Ev).
        attn_mask: (…, L, S): bools, True for what may be seen, or numbers to add to the scores.
        dropout_p: the probability with which each weight is dropped, in evaluation, too.
        is_causal: position i sees the positions up to i only; without ``attn_mask``.
        scale: None: 1 / √E.
        enable_gqa: key and value, (…, H, S, E), have fewer heads than the query: each is used for
            several of its heads in a row.

    Returns:
        (…, L, Ev). What sees nothing at all is 0.

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.scaled_dot_product_attention``.
    """
    three = (query, key, value)
    ndims, names = [x.ndim for x in three], [c_type_name(x.dtype) for x in three]
    if min(ndims) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{ndims[0]} key.dim: {ndims[1]} and value.dim: {ndims[2]} instead."
        )
    if len(set(names)) > 1:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{names[0]} key.dtype: {names[1]} and value.dtype: {names[2]} instead."
        )
    if attn_mask is not None and attn_mask.dtype not in (bool_, query.dtype):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {c_type_name(attn_mask.dtype)} and  query.dtype: {names[0]} instead."
        )
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError(
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
                "is_causal=True"
            )
        seen = array_module(query.array).tri(query.shape[-2], key.shape[-2], dtype=bool)
        attn_mask = query._wrap(seen)
    if enable_gqa:
        key, value = (_for_each_head(x, query) for x in (key, value))
    mask = _as_scores(attn_mask, True, query)
    scale = _scale_for(query.shape[-1]) if scale is None else scale
    return _attend(query, key, value, mask, dropout_p, scale, MaskedSoftmax.apply)[0]


def _for_each_head(x: Tensor, query: Tensor) -> Tensor:
    """Return heads (…, H, S, E) several times, as often as the query has more of them."""
    heads, wanted = (y.shape[normalize_dim(-3, y.ndim)] for y in (x, query))
    if not heads or wanted % heads:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in the query\n"
            f"  enable_gqa: the shapes are {list(x.shape)} and {list(query.shape)}, (…, H, S, E)"
        )
    return x if heads == wanted else repeat_interleave(x, wanted // heads, -3)


# --- several heads -------------------------------------------------------------------------------


@checked
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return what :class:`tinygrad_adam.nn.MultiheadAttention` returns, from its parameters.

    Args:
        query: (L, N, E); key and value (S, N, …); each without N for one sequence.
        embed_dim_to_check: E.
        num_heads: H.
        in_proj_weight: (3 E, E) for query, key and value, unless ``use_separate_proj_weight``.
        in_proj_bias: (3 E,).
        bias_k: and ``bias_v``, (1, 1, E): one more position to be seen.
        add_zero_attn: add a position of zeros.
        key_padding_mask: (N, S), True (or -inf) for positions that nobody may see.
        attn_mask: (L, S) or (N H, L, S), True (or -inf) for what must not be seen.
        static_k: and ``static_v``, (N H, S, E / H): instead of the projected key and value.

    Raises:
        AssertionError: shapes or dtypes do not fit.
        RuntimeError: the shape of ``attn_mask`` does not, or ``is_causal`` comes without it.

    Source: PyTorch, ``torch.nn.functional.multi_head_attention_forward``.
    """
    _check_sequences(query, key, value, key_padding_mask, attn_mask, num_heads)
    batched = query.ndim == 3
    if not batched:
        query, key, value = (unsqueeze(x, 1) for x in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = unsqueeze(key_padding_mask, 0)
    length, batch, size = query.shape
    source = key.shape[0]
    text = f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}"
    _require(size == embed_dim_to_check, text)
    _require(size % num_heads == 0, f"embed_dim {size} not divisible by num_heads {num_heads}")
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    _check_key_and_value(key, value, use_separate_proj_weight)
    all_three: Any = in_proj_weight
    if query is key and key is value and not use_separate_proj_weight:  # one product, not three
        query, key, value = split(linear(query, all_three, in_proj_bias), size, -1)
    else:
        weights: Any = q_proj_weight, k_proj_weight, v_proj_weight
        if not use_separate_proj_weight:
            weights = split(all_three, size)
        biases: Any = (None,) * 3 if in_proj_bias is None else split(in_proj_bias, size)
        query, key, value = map(linear, (query, key, value), weights, biases)

    attn_mask = _mask_of_numbers("attn_mask", attn_mask, query)
    if attn_mask is not None:
        _check_attn_mask(attn_mask, (length, source), batch * num_heads)
        if attn_mask.ndim == 3:
            attn_mask = reshape(attn_mask, (batch, num_heads, length, source))
    key_padding_mask = _mask_of_numbers("key_padding_mask", key_padding_mask, query)
    if key_padding_mask is not None:
        for i, (wanted, found) in enumerate(zip((batch, source), key_padding_mask.shape)):
            text = f"Expected key_padded_mask.shape[{i}] to be {wanted}, but got {found}"
            _require(wanted == found, text)
    added = int(add_zero_attn)
    _require((bias_k is None) == (bias_v is None), "bias_k and bias_v come together")
    if bias_k is not None and bias_v is not None:
        _require(static_k is None and static_v is None, "bias cannot be added to static key.")
        key = cat([key, expand(bias_k, (1, batch, size))])
        value = cat([value, expand(bias_v, (1, batch, size))])
        added += 1
    masks = [None if m is None else pad(m, (0, added)) for m in (attn_mask, key_padding_mask)]
    mask, padding = masks
    if padding is not None:
        padding = reshape(padding, (batch, 1, 1, source + added))
        mask = padding if mask is None else mask + padding

    def heads(x: Any, static: Any = None) -> Any:
        if static is None:
            return permute(
                reshape(x, (x.shape[0], batch, num_heads, size // num_heads)), (1, 2, 0, 3)
            )
        return reshape(static, (batch, num_heads, *static.shape[1:]))

    query, key, value = heads(query), heads(key, static_k), heads(value, static_v)
    if add_zero_attn:
        key, value = pad(key, (0, 0, 0, 1)), pad(value, (0, 0, 0, 1))
    # Where nothing may be seen, weights that are asked for are NaN, as in PyTorch.
    of_scores = softmax if need_weights else MaskedSoftmax.apply
    p, scale = (dropout_p if training else 0.0), _scale_for(size // num_heads)
    mixed, shares = _attend(query, key, value, mask, p, scale, of_scores)
    mixed = reshape(permute(mixed, (2, 0, 1, 3)), (length, batch, size))
    output = linear(mixed, out_proj_weight, out_proj_bias)
    if not batched:
        output = squeeze(output, 1)
    if not need_weights:
        return output, None
    if average_attn_weights:
        shares = mean(shares, 1)
    return output, shares if batched else squeeze(shares, 0)


def _require(holds: bool, text: str) -> None:
    if not holds:
        raise AssertionError(text)


def _check_sequences(
    query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any, heads: int
) -> None:
    """Raise AssertionError unless all tensors have as many dimensions as the query asks for."""
    _require(
        query.ndim in (2, 3),
        "query should be unbatched 2D or batched 3D tensor but received "
        f"{query.ndim}-D query tensor",
    )
    n = query.ndim
    start = f"For {'batched' if n == 3 else 'unbatched'} ({n}-D) `query`, expected"
    _require(
        key.ndim == value.ndim == n,
        f"{start} `key` and `value` to be {n}-D but found {key.ndim}-D and {value.ndim}-D tensors "
        "respectively",
    )
    if padding is not None:
        _require(
            padding.ndim == n - 1,
            f"{start} `key_padding_mask` to be `None` or {n - 1}-D but found {padding.ndim}-D "
            "tensor instead",
        )
    if mask is not None:
        _require(
            mask.ndim in (2, 3),
            f"{start} `attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead",
        )
        expected = (heads, query.shape[0], key.shape[0])
        if n == 2 and mask.ndim == 3:
            _require(
                mask.shape == expected,
                f"Expected `attn_mask` shape to be {expected} but got "
                f"torch.Size({list(mask.shape)})",
            )


def _check_key_and_value(key: Tensor, value: Tensor, separate: bool) -> None:
    """Raise AssertionError unless key and value have one length and batch, and perhaps one size."""
    dims = 2 if separate else 3
    if key.shape[:dims] != value.shape[:dims]:
        what = "key's sequence and batch dims" if separate else "key shape"
        other = "value's" if separate else "value shape"
        raise AssertionError(
            f"{what} torch.Size({list(key.shape[:dims])}) {'do' if separate else 'does'} not match "
            f"{other} torch.Size({list(value.shape[:dims])})"
        )


def _check_attn_mask(mask: Tensor, size: tuple[int, int], heads: int) -> None:
    """Raise RuntimeError unless a mask is (L, S) or (N H, L, S)."""
    wanted = size if mask.ndim == 2 else (heads, *size)
    if mask.shape != wanted:
        raise RuntimeError(
            f"The shape of the {mask.ndim}D attn_mask is torch.Size({list(mask.shape)}), but "
            f"should be {wanted}."
        )


def _mask_of_numbers(name: str, mask: Any, like: Any) -> Any:
    """Return a mask as numbers to add to scores: bools say what must not be seen."""
    if mask is not None and mask.dtype != bool_ and mask.dtype.kind != "f":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return _as_scores(mask, False, like)
