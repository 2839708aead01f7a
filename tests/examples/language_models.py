"""A ladder of language models, each a few steps of training: the same text for both packages.

From a table of pairs of letters to a small GPT, as courses climb it (Bengio et al., 2003; Vaswani
et al., 2017; Radford et al., 2019), and a translator that reverses words. Weights and batches come
from NumPy's ``RandomState``, whose stream never changes; ``python -m tests.goldens
language_models`` stores the losses that PyTorch has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

TEXT = "the quick brown fox jumps over the lazy dog while seven wizards mix bad liquor. " * 3
LETTERS = sorted(set(TEXT))
NUMBERS = np.array([LETTERS.index(letter) for letter in TEXT])
COUNT, WIDTH, CONTEXT, BATCH, STEPS = len(LETTERS), 16, 8, 12, 12


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pieces of the text (BATCH, CONTEXT), and the same one letter on."""
    random = np.random.RandomState(5)
    for _ in range(STEPS):
        starts = random.randint(0, len(NUMBERS) - CONTEXT - 1, BATCH)
        pieces = NUMBERS[starts[:, None] + np.arange(CONTEXT + 1)]
        yield pieces[:, :-1], pieces[:, 1:]


def models(torch: Any) -> dict[str, Any]:
    """Return a function for each rung that makes its model of a package."""
    nn, functional = torch.nn, torch.nn.functional

    class Bigram(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(COUNT, COUNT)

        def forward(self, x: Any) -> Any:
            return self.table(x)

    class Mlp(nn.Module):
        """The next letter from the three before it, zeros before the first."""

        def __init__(self) -> None:
            super().__init__()
            self.letters = nn.Embedding(COUNT, WIDTH)
            self.hidden = nn.Linear(3 * WIDTH, 32)
            self.out = nn.Linear(32, COUNT)

        def forward(self, x: Any) -> Any:
            x = functional.pad(self.letters(x), (0, 0, 2, 0))
            x = torch.cat([x[:, i : i + CONTEXT] for i in range(3)], dim=-1)
            return self.out(torch.tanh(self.hidden(x)))

    class Embedded(nn.Module):
        """Letters and their positions, something between, and scores of the next letter."""

        def __init__(self, *between: Any) -> None:
            super().__init__()
            self.letters = nn.Embedding(COUNT, WIDTH)
            self.positions = nn.Embedding(CONTEXT, WIDTH)
            self.between = nn.Sequential(*between)
            self.out = nn.Linear(WIDTH, COUNT)

        def forward(self, x: Any) -> Any:
            x = self.letters(x) + self.positions(torch.arange(x.shape[1]))
            return self.out(self.between(x))

    class Head(nn.Module):
        """Attention by hand: scores, a mask, softmax, a weighted mean."""

        def __init__(self) -> None:
            super().__init__()
            self.key, self.query, self.value = (
                nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3)
            )
            self.register_buffer("seen", torch.tril(torch.ones(CONTEXT, CONTEXT)))

        def forward(self, x: Any) -> Any:
            scores = self.query(x) @ self.key(x).transpose(-2, -1) * WIDTH**-0.5
            scores = scores.masked_fill(self.seen == 0, float("-inf"))
            return functional.softmax(scores, dim=-1) @ self.value(x)

    class Block(nn.Module):
        """Four heads and a small network, each behind a normalization and with a way around it."""

        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.attention = nn.Linear(WIDTH, 3 * WIDTH)
            self.join = nn.Linear(WIDTH, WIDTH)
            self.network = nn.Sequential(
                nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
            )

        def forward(self, x: Any) -> Any:
            parts = self.attention(self.norm1(x)).split(WIDTH, dim=2)
            heads = [p.view(len(x), -1, 4, WIDTH // 4).transpose(1, 2) for p in parts]
            mixed = functional.scaled_dot_product_attention(*heads, is_causal=True)
            x = x + self.join(mixed.transpose(1, 2).contiguous().view(x.shape))
            return x + self.network(self.norm2(x))

    class Layers(nn.Module):
        """What torch.nn has for it."""

        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(
                WIDTH, 4, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

        def forward(self, x: Any) -> Any:
            causal = nn.Transformer.generate_square_subsequent_mask(CONTEXT).to(x.dtype)
            return self.layers(x, mask=causal, is_causal=True)

    class Reverser(nn.Module):
        """An encoder reads the letters, a decoder writes them backwards."""

        def __init__(self) -> None:
            super().__init__()
            self.letters = nn.Embedding(COUNT, WIDTH)
            self.transformer = nn.Transformer(WIDTH, 2, 1, 1, 32, dropout=0.0, batch_first=True)
            self.out = nn.Linear(WIDTH, COUNT)

        def forward(self, x: Any) -> Any:
            written = torch.cat([torch.zeros_like(x[:, :1]), x.flip(1)[:, :-1]], 1)
            causal = self.transformer.generate_square_subsequent_mask(CONTEXT)
            source, target = self.letters(x), self.letters(written)
            return self.out(self.transformer(source, target, tgt_mask=causal.to(source.dtype)))

    return {
        "bigram": Bigram,
        "mlp": Mlp,
        "head": lambda: Embedded(Head()),
        "gpt": lambda: Embedded(Block(), Block(), nn.LayerNorm(WIDTH)),
        "layers": lambda: Embedded(Layers()),
        "reverser": Reverser,
    }


NAMES = ("bigram", "mlp", "head", "gpt", "layers", "reverser")


def losses(torch: Any, name: str, dtype: str) -> list[float]:
    """Return the loss of each step of a rung, with AdamW, in a dtype."""
    model = models(torch)[name]().to(getattr(torch, dtype))
    random = np.random.RandomState(3)
    with torch.no_grad():
        for parameter in model.parameters():
            values = random.standard_normal(tuple(parameter.shape)) * 0.2
            parameter.copy_(torch.from_numpy(values))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-2)
    found = []
    for letters, following in batches():
        if name == "reverser":
            following = letters[:, ::-1].copy()
        scores = model(torch.from_numpy(letters))
        target = torch.from_numpy(following).reshape(-1)
        loss = torch.nn.functional.cross_entropy(scores.view(-1, COUNT), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        found.append(loss.item())
    return found
