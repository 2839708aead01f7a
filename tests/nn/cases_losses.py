"""Cases of losses and distances, for tests/nn/cases.py: a name, a function, its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_random = np.random.default_rng(20251129)


def normal(*shape: int) -> np.ndarray:
    return np.round(_random.standard_normal(shape), 2)


def uniform(*shape: int) -> np.ndarray:
    return np.round(_random.uniform(0.05, 0.95, shape), 2)


def signs(*shape: int) -> np.ndarray:
    return np.where(_random.random(shape) < 0.5, 1, -1)


CLASSES = np.array([2, 0, 1, 2])
SETS = np.array([[2, 0, -1], [-1, 1, 1], [1, 1, -1], [0, 1, 2]])
LABELS = np.array([[1, 1, 3], [2, 3, 0], [3, 0, 0]])


def _losses() -> Iterator[tuple[Any, ...]]:
    x, y, z = normal(4, 3), normal(4, 3), normal(4, 3)
    for name, options, *inputs in [
        ("kl_div", {"reduction": "batchmean"}, x, uniform(4, 3)),
        ("kl_div", {"reduction": "none", "log_target": True}, x, y),
        ("kl_div", {"reduction": "sum"}, x, uniform(3)),
        ("poisson_nll_loss", {"full": True}, x, uniform(4, 3) * 4),
        ("poisson_nll_loss", {"log_input": False, "eps": 0.1}, uniform(4, 3), uniform(4, 3)),
        ("gaussian_nll_loss", {"full": True}, x, y, uniform(4, 3)),
        ("gaussian_nll_loss", {"eps": 0.4, "reduction": "sum"}, x, y, uniform(4)),
        ("gaussian_nll_loss", {"reduction": "none"}, x, y, uniform(4, 1)),
        ("cosine_embedding_loss", {"margin": 0.2}, x, y, signs(4)),
        ("cosine_embedding_loss", {"reduction": "sum"}, x[0], y[0], signs()),
        ("hinge_embedding_loss", {"margin": 0.5}, x, signs(4, 3)),
        ("hinge_embedding_loss", {"reduction": "none"}, x, signs(4, 3) * (y > 0)),
        ("margin_ranking_loss", {"margin": 0.3, "reduction": "sum"}, x, y, signs(4, 3)),
        ("soft_margin_loss", {}, x * 3, signs(4, 3)),
        ("multi_margin_loss", {}, x, CLASSES),
        ("multi_margin_loss", {"p": 2, "margin": 0.5, "reduction": "none"}, x, CLASSES),
        ("multi_margin_loss", {"reduction": "sum"}, x[0], CLASSES[0]),
        ("multilabel_margin_loss", {}, x, SETS),
        ("multilabel_margin_loss", {"reduction": "none"}, x[0], SETS[0]),
        ("multilabel_soft_margin_loss", {}, x, uniform(4, 3), uniform(3)),
        ("triplet_margin_loss", {"margin": 0.5, "p": 3, "eps": 0.1}, x, y, z),
        ("triplet_margin_loss", {"swap": True, "reduction": "none"}, x, y, z),
        ("triplet_margin_with_distance_loss", {"swap": True, "margin": 2.0}, x, y, z),
        ("cosine_similarity", {}, x, y),
        ("cosine_similarity", {"dim": 0, "eps": 2.0}, x, y[:, :1]),
        ("pairwise_distance", {"p": 1, "eps": 0.1, "keepdim": True}, x, y),
        ("pairwise_distance", {"p": 3}, x, y[0]),
        ("bilinear", {}, x, normal(4, 2), normal(5, 3, 2), normal(5)),
        ("bilinear", {}, normal(2, 2, 3), normal(2, 2, 1), normal(2, 3, 1)),
    ]:
        # PyTorch has no second derivative of these: values and first derivatives only.
        once = name in ("multi_margin_loss", "multilabel_margin_loss")

        def compute(torch: Any, nn: Any, f: Any, *tensors: Any, name: str = name,
                    options: Any = options, once: bool = once) -> Any:  # fmt: skip
            loss = getattr(f, name)
            if once:
                return first_only(
                    torch, lambda first: loss(first, *tensors[1:], **options), tensors[0]
                )
            return loss(*tensors, **options)

        shown = ", ".join(f"{key}={value}" for key, value in options.items())
        yield f"{name} {shown} {[x.shape for x in inputs]}", compute, *inputs
    for p in (2, 1, 3, 0.5):
        yield (
            f"pdist {p}",
            lambda torch, nn, f, x, p=p: first_only(torch, lambda x: f.pdist(x, p), x),
            normal(4, 3),
        )


def first_only(torch: Any, function: Callable[..., Any], x: Any) -> Any:
    """Return the result, plus the product of x and a gradient that counts as a constant."""
    y = function(x)
    (gradient,) = torch.autograd.grad((y * y).sum(), x)
    return y.detach().sum() + (gradient * x).sum()


def _ctc() -> Iterator[tuple[Any, ...]]:
    for name, options, layout, blank in [
        ("mean", {}, "rows", 0),
        ("sum", {"reduction": "sum", "zero_infinity": True}, "one after the other", 0),
        ("none", {"reduction": "none"}, "rows", 2),
        ("one sequence", {"reduction": "none"}, "one", 0),
        ("hopeless", {"reduction": "none", "zero_infinity": True}, "hopeless", 0),
    ]:
        times, lengths = (6, 4, 5), (3, 2, 0)
        labels = np.where(blank == LABELS, 1, LABELS)
        if layout == "one after the other":
            labels = np.concatenate([row[:n] for row, n in zip(labels, lengths)])
        if layout == "hopeless":
            times = (3, 4, 5)  # a repeated label needs a blank between

        def compute(torch: Any, nn: Any, f: Any, labels: Any, x: Any, options: Any = options,
                    times: Any = times, lengths: Any = lengths, blank: int = blank,
                    one: bool = layout == "one") -> Any:  # fmt: skip
            if one:
                x, labels, times, lengths = x[:, 1], labels[1, :2], times[1:2], lengths[1:2]

            def loss(x: Any) -> Any:
                x = x.log_softmax(-1)
                return f.ctc_loss(x, labels, times, lengths, blank=blank, **options)

            return first_only(torch, loss, x)

        yield f"ctc_loss {name}", compute, labels, normal(6, 3, 4)


def _modules(layer: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    x, y, z = normal(4, 3), normal(4, 3), normal(4, 3)
    for name, make, *inputs in [
        ("KLDivLoss", lambda nn: nn.KLDivLoss(reduction="batchmean", log_target=True), x, y),
        ("PoissonNLLLoss", lambda nn: nn.PoissonNLLLoss(False, True, eps=0.1), uniform(3),
         uniform(3)),
        ("GaussianNLLLoss", lambda nn: nn.GaussianNLLLoss(full=True, eps=0.5), x, y,
         uniform(4, 3)),
        ("HingeEmbeddingLoss", lambda nn: nn.HingeEmbeddingLoss(0.4), x, y / abs(y)),
        ("MarginRankingLoss", lambda nn: nn.MarginRankingLoss(0.4), x, y, z / abs(z)),
        ("CosineEmbeddingLoss", lambda nn: nn.CosineEmbeddingLoss(0.1), x, y, np.sign(z[:, 0])),
        ("MultiLabelSoftMarginLoss", lambda nn: nn.MultiLabelSoftMarginLoss(reduction="none"), x,
         uniform(4, 3)),
        ("TripletMarginLoss", lambda nn: nn.TripletMarginLoss(0.4, 3, 0.1, True), x, y, z),
        ("TripletMarginWithDistanceLoss", lambda nn: nn.TripletMarginWithDistanceLoss(
            distance_function=nn.PairwiseDistance(1), margin=3.0), x, y, z),
        ("CosineSimilarity", lambda nn: nn.CosineSimilarity(0, 0.1), x, y),
        ("PairwiseDistance", lambda nn: nn.PairwiseDistance(1, 0.1, True), x, y),
        ("Bilinear", lambda nn: nn.Bilinear(3, 2, 4), x, normal(4, 2)),
        ("Bilinear without bias", lambda nn: nn.Bilinear(3, 2, 4, bias=False), x, normal(4, 2)),
    ]:  # fmt: skip
        yield name, layer(make), *inputs
    for name, make, target in [
        ("SoftMarginLoss", lambda nn, w: nn.SoftMarginLoss(reduction="sum"), signs(4, 3)),
        ("MultiMarginLoss", lambda nn, w: nn.MultiMarginLoss(2, 0.5, w), CLASSES),
        ("MultiLabelMarginLoss", lambda nn, w: nn.MultiLabelMarginLoss(), SETS),
    ]:

        def compute(torch: Any, nn: Any, f: Any, t: Any, x: Any, make: Any = make) -> Any:
            weight = torch.tensor([0.5, 2.0, 1.0], dtype=x.dtype)
            return first_only(torch, lambda x: make(nn, weight)(x, t), x)

        yield name, compute, target, x


def _bags() -> Iterator[tuple[Any, ...]]:
    indices, offsets = np.array([0, 3, 3, 1, 2, 4]), np.array([0, 2, 2, 3, 6])
    for mode, options in [
        ("sum", {}), ("mean", {"padding_idx": 3}), ("max", {}), ("max", {"padding_idx": -2}),
        ("sum", {"include_last_offset": True}), ("sum", {"weights": True, "padding_idx": 1}),
    ]:  # fmt: skip

        def compute(torch: Any, nn: Any, f: Any, i: Any, o: Any, w: Any, samples: Any,
                    mode: str = mode, options: Any = options) -> Any:  # fmt: skip
            named = {key: value for key, value in options.items() if key != "weights"}
            if options.get("weights"):
                named["per_sample_weights"] = samples
            return first_only(torch, lambda w: f.embedding_bag(i, w, o, mode=mode, **named), w)

        yield f"embedding_bag {mode} {options}", compute, indices, offsets, normal(5, 2), normal(6)

    def module(torch: Any, nn: Any, f: Any, i: Any, w: Any) -> Any:
        bag = nn.EmbeddingBag(5, 2, mode="max", _weight=w.detach().clone())
        y = bag(i)
        (gradient,) = torch.autograd.grad((y * y).sum(), bag.weight)
        return gradient + 0 * w

    yield "EmbeddingBag", module, indices.reshape(2, 3), normal(5, 2)


def rows(layer: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    yield from _losses()
    yield from _ctc()
    yield from _modules(layer)
    yield from _bags()
