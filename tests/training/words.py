"""Small training programs with words and names: word2vec, and names letter by letter.

As in ``recurrent.py``: ``torch`` stands for either package, and what is random comes from NumPy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

SENTENCES = """the cat drinks milk . the dog drinks water . a cat sleeps here . a dog sleeps there .
the king rules the land . the queen rules the land . a king sleeps here . a queen drinks water ."""
NAMES = "ada alan barbara claude donald edsger grace hedy john katherine kurt linus mary rosa tim"


def word2vec(torch: Any, dtype: Any) -> list[float]:
    """Skip-grams: the word in the middle guesses its neighbours among words drawn by chance.

    Source: Mikolov et al., "Distributed Representations of Words and Phrases" (2013).
    """
    nn, F, data = torch.nn, torch.nn.functional, torch.utils.data
    tokens = SENTENCES.split()
    counts = Counter(tokens)
    vocabulary = sorted(counts, key=lambda word: (-counts[word], word))
    word_to_ix = {word: i for i, word in enumerate(vocabulary)}
    random = np.random.RandomState(4)
    frequency = np.array([counts[word] for word in vocabulary]) ** 0.75

    class SkipGrams(data.Dataset):
        def __init__(self, window: int = 2) -> None:
            codes = [word_to_ix[word] for word in tokens]
            self.pairs = [
                (codes[i], [codes[i + j] for j in range(-window, window + 1) if j])
                for i in range(window, len(codes) - window)
            ]

        def __len__(self) -> int:
            return len(self.pairs)

        def __getitem__(self, i: int) -> Any:
            center, context = self.pairs[i]
            negative = random.choice(len(vocabulary), 8, p=frequency / frequency.sum())
            return center, torch.LongTensor(context), torch.LongTensor(negative)

    class Word2Vec(nn.Module):
        def __init__(self, size: int, width: int) -> None:
            super().__init__()
            self.v, self.u = nn.Embedding(size, width), nn.Embedding(size, width)
            for embedding in (self.v, self.u):
                values = random.uniform(-0.5, 0.5, (size, width))
                embedding.weight.data.copy_(torch.from_numpy(values))

        def forward(self, center: Any, context: Any, negative: Any) -> Any:
            v = self.v(center).unsqueeze(2)
            positive = torch.bmm(self.u(context), v).squeeze(2)
            drawn = torch.bmm(self.u(negative).neg(), v).squeeze()
            return -(F.logsigmoid(positive).mean(1) + F.logsigmoid(drawn).mean(1)).mean()

    model = Word2Vec(len(vocabulary), 10).to(dtype)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.3)
    losses = []
    for _epoch in range(3):
        total = 0.0
        for center, context, negative in data.DataLoader(SkipGrams(), batch_size=16):
            optimizer.zero_grad()
            loss = model(center, context, negative)
            loss.backward()
            optimizer.step()
            total += loss.item() * center.size(0)
            losses.append(loss.item())
        losses.append(total / len(tokens))
    vectors = F.normalize(model.v.weight.detach(), dim=1)
    alike = vectors @ vectors.t()
    alike.fill_diagonal_(-1.0)
    king = alike[word_to_ix["king"]]
    best, place = king.topk(3)
    cosine = F.cosine_similarity(vectors[word_to_ix["king"]], vectors[place[0]], dim=0)
    return [*losses, *best.tolist(), cosine.item(), alike.max(1)[0].sum().item()]


def names(torch: Any, dtype: Any) -> list[float]:
    """The next letter of a name from the three before it, with no module: batch norm by hand.

    Bengio et al., "A Neural Probabilistic Language Model" (2003), as the lectures after "makemore"
    teach it: lists of parameters, ``p.data += -lr * p.grad``, some gradients by hand at the end.
    """
    F, block = torch.nn.functional, 3
    letters = [".", *sorted(set(NAMES.replace(" ", "")))]
    stoi = {s: i for i, s in enumerate(letters)}
    inputs, targets = [], []
    for name in NAMES.split():
        context = [0] * block
        for letter in name + ".":
            inputs.append(context)
            targets.append(stoi[letter])
            context = [*context[1:], stoi[letter]]
    X, Y = torch.tensor(inputs), torch.tensor(targets)
    random, size, width, hidden = np.random.RandomState(5), len(letters), 6, 32

    def randn(*shape: int) -> Any:
        return torch.from_numpy(random.standard_normal(shape)).to(dtype)

    C = randn(size, width)
    W1 = randn(width * block, hidden) * (5 / 3) / (width * block) ** 0.5
    W2, b2 = randn(hidden, size) * 0.1, randn(size) * 0
    bngain, bnbias = torch.ones((1, hidden), dtype=dtype), torch.zeros((1, hidden), dtype=dtype)
    bnmean_running, bnstd_running = torch.zeros_like(bnbias), torch.ones_like(bngain)
    parameters = [C, W1, W2, b2, bngain, bnbias]
    for p in parameters:
        p.requires_grad = True
    losses = []
    for i in range(20):
        ix = torch.from_numpy(random.randint(0, X.shape[0], (24,)))
        Xb, Yb = X[ix], Y[ix]
        hpreact = C[Xb].view(-1, width * block) @ W1
        bnmeani = hpreact.mean(0, keepdim=True)
        bnstdi = hpreact.std(0, keepdim=True)
        h = torch.tanh(bngain * (hpreact - bnmeani) / bnstdi + bnbias)
        logits = h @ W2 + b2
        with torch.no_grad():
            bnmean_running = 0.9 * bnmean_running + 0.1 * bnmeani
            bnstd_running = 0.9 * bnstd_running + 0.1 * bnstdi
        loss = F.cross_entropy(logits, Yb)
        for t in (logits, h, hpreact):
            t.retain_grad()
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.5 if i < 15 else 0.05
        for p in parameters:
            p.data += -lr * p.grad
        losses.append(loss.log10().item())

    dlogits = F.softmax(logits, 1)
    dlogits[range(24), Yb] -= 1
    dlogits /= 24
    dhpreact = (dlogits @ (W2 + 0.05 * W2.grad).T) * (1.0 - h**2)  # W2 from before its step
    losses += [(dlogits - logits.grad).abs().max().item() + 1, dhpreact.norm().item()]
    losses += [hpreact.grad.std().item(), (h.abs() > 0.97).to(dtype).mean().item()]

    @torch.no_grad()
    def scores(x: Any) -> Any:
        hpreact = C[x].view(x.shape[0], -1) @ W1
        h = torch.tanh(bngain * (hpreact - bnmean_running) / bnstd_running + bnbias)
        return h @ W2 + b2

    losses.append(F.cross_entropy(scores(X), Y).item())
    context = [0] * block
    for _ in range(6):  # the likeliest name
        probs = F.softmax(scores(torch.tensor([context])), dim=1)
        ix = int(torch.argmax(probs, dim=1).item())
        losses.append(-probs[0, ix].log().item())
        context = [*context[1:], ix]
    return losses


PROGRAMS: dict[str, Callable[..., list[float]]] = {"word2vec": word2vec, "names": names}
