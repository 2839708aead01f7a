"""Cases of attention and transformers, for tests/nn/cases.py: a name, a function, its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_random = np.random.default_rng(20251128)
UPPER = np.triu(np.ones((3, 3)), 1) > 0
PADDED = np.array([[False, False, True, False], [True, False, False, True]])


def normal(*shape: int) -> np.ndarray:
    return np.round(_random.standard_normal(shape), 2)


def _products() -> Iterator[tuple[Any, ...]]:
    for name, shapes, mask, options in [
        ("plain", ((2, 3, 4), (2, 5, 4), (2, 5, 2)), None, {}),
        ("broadcast", ((2, 1, 3, 4), (3, 2, 4), (1, 2, 3)), None, {"scale": -0.7}),
        ("causal", ((2, 3, 4), (2, 5, 4), (2, 5, 4)), None, {"is_causal": True}),
        ("bools", ((3, 4), (3, 4), (3, 4)), UPPER, {}),  # the last row sees nothing
        ("numbers", ((2, 3, 4), (2, 5, 4), (2, 5, 4)), normal(3, 5), {"scale": 2.0}),
        ("groups", ((2, 6, 3, 4), (2, 2, 3, 4), (2, 3, 3, 4)), UPPER.T, {"enable_gqa": True}),
        ("nothing to see", ((2, 3, 4), (2, 0, 4), (2, 0, 4)), None, {}),
    ]:
        inputs = [normal(*shape) for shape in shapes]

        def compute(torch: Any, nn: Any, f: Any, q: Any, k: Any, v: Any, m: Any = None,
                    options: Any = options) -> Any:  # fmt: skip
            return f.scaled_dot_product_attention(q, k, v, m, **options)

        yield f"attention {name}", compute, *inputs, *([] if mask is None else [mask])


def _heads(layer: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    for name, options, call, shapes, padding, mask in [
        ("plain", {}, {}, ((3, 2, 4), (4, 2, 4), (4, 2, 4)), None, None),
        ("sizes", {"kdim": 3, "vdim": 5, "batch_first": True}, {"average_attn_weights": False},
         ((2, 3, 4), (2, 4, 3), (2, 4, 5)), PADDED, UPPER[:, [0, 1, 2, 2]]),
        ("more keys", {"add_bias_kv": True, "add_zero_attn": True}, {},
         ((3, 2, 4), (4, 2, 4), (4, 2, 4)), PADDED, normal(4, 3, 4)),
        ("one sequence", {"bias": False, "add_zero_attn": True}, {"need_weights": False},
         ((3, 4), (4, 4), (4, 4)), PADDED[0], normal(2, 3, 4)),
        ("nothing to see", {}, {"need_weights": False}, ((3, 2, 4), (4, 2, 4), (4, 2, 4)),
         PADDED | [[True], [False]], None),
    ]:  # fmt: skip
        masks = {"key_padding_mask": padding, "attn_mask": mask}

        def compute(torch: Any, nn: Any, f: Any, *sequences: Any, options: Any = options,
                    call: Any = call, masks: Any = masks) -> Any:  # fmt: skip
            given = {key: torch.from_numpy(m) for key, m in masks.items() if m is not None}
            given = {
                key: m.to(sequences[0].dtype) if m.is_floating_point() else m
                for key, m in given.items()
            }
            made = layer(lambda nn: nn.MultiheadAttention(4, 2, **options))
            found = made(torch, nn, f, *sequences, **given, **call)
            return found if call.get("need_weights", True) else found[0]

        yield f"MultiheadAttention {name}", compute, *[normal(*shape) for shape in shapes]
    # query, key and value are one tensor
    yield (
        "MultiheadAttention of itself",
        lambda torch, nn, f, x: layer(lambda nn: nn.MultiheadAttention(4, 2, batch_first=True))(
            torch, nn, f, x, x, x
        ),
        normal(2, 3, 4),
    )


def _transformers(layer: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    for name, options in [
        ("relu", {}),
        ("gelu", {"activation": "gelu", "norm_first": True, "layer_norm_eps": 1e-3}),
        ("no bias", {"bias": False, "batch_first": True}),
    ]:
        usual = {"dim_feedforward": 3, "dropout": 0.0, **options}
        swap = (1, 0, 2) if usual.get("batch_first") else (0, 1, 2)
        src, tgt = normal(4, 2, 4).transpose(swap), normal(3, 2, 4).transpose(swap)

        def encode(torch: Any, nn: Any, f: Any, x: Any, usual: Any = usual) -> Any:
            def make(nn: Any) -> Any:
                return nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **usual), 2)

            return layer(make)(torch, nn, f, x, src_key_padding_mask=torch.from_numpy(PADDED))

        def translate(torch: Any, nn: Any, f: Any, s: Any, t: Any, usual: Any = usual) -> Any:
            causal = nn.Transformer.generate_square_subsequent_mask(3)
            return layer(lambda nn: nn.Transformer(4, 2, 1, 2, **usual))(
                torch, nn, f, s, t, tgt_mask=causal.to(s.dtype), tgt_is_causal=True
            )

        yield f"TransformerEncoder {name}", encode, src
        yield f"Transformer {name}", translate, src, tgt


def rows(layer: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    yield from _products()
    yield from _heads(layer)
    yield from _transformers(layer)
