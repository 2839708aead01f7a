"""Small training programs with recurrent layers, after the classics of courses and books.

Each takes ``torch``, which stands for either package, and a dtype, and returns the loss of each of
its first steps. Weights, texts and numbers come from here, so that both start alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

TEXT = (
    "the wind went over the water and the water went over the stone, "
    "and the stone, which had nowhere to go, stayed where it was. "
)
LETTERS = sorted(set(TEXT))
CODES = np.array([LETTERS.index(letter) for letter in TEXT])


def prepared(torch: Any, model: Any, dtype: Any) -> Any:
    """Return a model in a dtype, every weight drawn from U(-0.4, 0.4)."""
    random = np.random.RandomState(0)
    model = model.to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            values = random.uniform(-0.4, 0.4, tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values))
    return model


def character_rnn(torch: Any, dtype: Any) -> list[float]:
    """A plain RNN reads letters, one after the other, and guesses the next.

    Gradients go back through 20 letters, the state goes on through the text; plain SGD, with the
    gradient's norm held below 1.
    """
    nn = torch.nn

    class CharacterRNN(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(len(LETTERS), 24)
            self.scores = nn.Linear(24, len(LETTERS))

        def forward(self, letters: Any, state: Any) -> Any:
            seen = nn.functional.one_hot(letters, len(LETTERS)).to(dtype)
            outputs, state = self.rnn(seen, state)
            return self.scores(outputs), state

    model = prepared(torch, CharacterRNN(), dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    codes, state, losses = torch.from_numpy(CODES), None, []
    for step in range(16):
        start = 20 * step % 100
        letters, following = codes[start : start + 20], codes[start + 1 : start + 21]
        scores, state = model(letters, state if start else None)
        state = state.detach()
        loss = nn.functional.cross_entropy(scores, following)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def character_lstm(torch: Any, dtype: Any) -> list[float]:
    """Two layers of LSTM over a batch of pieces of the text; Adam. Then it writes some letters."""
    nn = torch.nn

    class CharacterLSTM(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(len(LETTERS), 8)
            self.lstm = nn.LSTM(8, 16, num_layers=2, batch_first=True)
            self.scores = nn.Linear(16, len(LETTERS))

        def forward(self, letters: Any, state: Any = None) -> Any:
            outputs, state = self.lstm(self.embedding(letters), state)
            return self.scores(outputs), state

    model = prepared(torch, CharacterLSTM(), dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    pieces = torch.from_numpy(np.stack([CODES[start : start + 25] for start in (0, 30, 60, 90)]))
    losses = []
    for _ in range(12):
        scores, _ = model(pieces[:, :-1])
        loss = nn.functional.cross_entropy(
            scores.reshape(-1, len(LETTERS)), pieces[:, 1:].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():  # the likeliest letter, again and again
        letter, state = pieces[:1, :1], None
        for _ in range(5):
            scores, state = model(letter, state)
            losses.append(scores.max().item())
            letter = scores[:, -1].argmax(1, keepdim=True)
    return losses


def odd_or_even(torch: Any, dtype: Any) -> list[float]:
    """A bidirectional LSTM over packed sequences of different lengths tells two kinds apart.

    One kind has more odd numbers than even ones; the last states of both directions decide.
    """
    nn = torch.nn
    rnn = nn.utils.rnn

    class Reader(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10, 6, padding_idx=0)
            self.lstm = nn.LSTM(6, 10, bidirectional=True, batch_first=True)
            self.score = nn.Linear(20, 1)

        def forward(self, numbers: Any, lengths: Any) -> Any:
            packed = rnn.pack_padded_sequence(
                self.embedding(numbers), lengths, batch_first=True, enforce_sorted=False
            )
            _, (h, _) = self.lstm(packed)
            return self.score(torch.cat([h[0], h[1]], dim=1)).squeeze(1)

    model = prepared(torch, Reader(), dtype)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    random, losses = np.random.RandomState(1), []
    for _ in range(12):
        lists = [random.randint(1, 10, random.randint(1, 9)) for _ in range(8)]
        numbers = rnn.pad_sequence([torch.from_numpy(x) for x in lists], batch_first=True)
        lengths = torch.tensor([len(x) for x in lists])
        labels = torch.tensor([float((x % 2).mean() > 0.5) for x in lists], dtype=dtype)
        loss = nn.functional.binary_cross_entropy_with_logits(model(numbers, lengths), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def attention(torch: Any, dtype: Any) -> list[float]:
    """Sequence to sequence: a GRU reads numbers, another writes them backwards, and looks back.

    For each number that it writes, the writer weighs what the reader's states were, by their
    products with its own state. In training it is told the right number before ("teacher forcing").
    """
    nn = torch.nn
    functional = nn.functional
    start, size = 10, 11

    class Reader(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.gru = nn.Embedding(size, 8), nn.GRU(8, 12)

        def forward(self, numbers: Any) -> Any:
            return self.gru(self.embedding(numbers))

    class Writer(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.cell = nn.Embedding(size, 8), nn.GRUCell(8 + 12, 12)
            self.scores = nn.Linear(24, size)

        def forward(self, number: Any, state: Any, memory: Any) -> Any:
            weights = torch.softmax(torch.einsum("tnh,nh->tn", memory, state), dim=0)
            seen = (weights.unsqueeze(2) * memory).sum(0)
            state = self.cell(torch.cat([self.embedding(number), seen], 1), state)
            scores = self.scores(torch.cat([state, seen], 1))
            return functional.log_softmax(scores, dim=1), state

    reader = prepared(torch, Reader(), dtype)
    writer = prepared(torch, Writer(), dtype)
    optimizer = torch.optim.Adam([*reader.parameters(), *writer.parameters()], lr=0.02)
    criterion = nn.NLLLoss()
    random, losses = np.random.RandomState(2), []
    for _ in range(10):
        numbers = torch.from_numpy(random.randint(0, 10, (6, 5)))
        memory, state = reader(numbers)
        number, state, loss = torch.full((5,), start), state[0], 0.0
        for target in numbers.flip(0):
            scores, state = writer(number, state, memory)
            loss = loss + criterion(scores, target)
            number = target
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / len(numbers))
    return losses


PROGRAMS: dict[str, Callable[..., list[float]]] = {
    "character RNN": character_rnn,
    "character LSTM": character_lstm,
    "packed LSTM": odd_or_even,
    "GRU with attention": attention,
}
