"""Distributions and the questions that are put to each, of PyTorch and of this package."""
# ruff: noqa: N803 (D is the module)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Make = Callable[..., Any]
CASES: dict[str, tuple[Make, list[np.ndarray], np.ndarray]] = {}
"""By name: what makes a distribution of its parameters, these, and values."""

_draw = np.random.default_rng(0)


def _numbers(*shape: int) -> np.ndarray:
    return _draw.normal(size=shape)


def _between(low: float, high: float, *shape: int) -> np.ndarray:
    return _draw.uniform(low, high, shape)


def _matrices(*shape: int) -> np.ndarray:
    a = _draw.normal(size=(*shape, 3, 3))
    return a @ np.swapaxes(a, -1, -2) + np.eye(3)


def _counts(most: int, *shape: int) -> np.ndarray:
    return _draw.integers(0, most + 1, shape).astype(float)


def _add(name: str, make: Make, parameters: list[np.ndarray], values: np.ndarray) -> None:
    CASES[name] = (make, parameters, values)


def _both_ways(name: str, make: Make, probs: np.ndarray, values: np.ndarray) -> None:
    """Add a distribution by its probabilities, and by logits."""
    _add(f"{name}, probs", lambda D, p: make(D, probs=p), [probs], values)
    _add(f"{name}, logits", lambda D, p: make(D, logits=p), [_numbers(*probs.shape)], values)


# fmt: off
for s in ((), (2,)):
    _add(f"Normal {s}", lambda D, a, b: D.Normal(a, b), [_numbers(*s), _between(0.2, 3, *s)],
         _numbers(3, *s))
    _add(f"Uniform {s}", lambda D, a, b: D.Uniform(a, b),
         [_between(-1, 0, *s), _between(1, 2, *s)], _between(0, 1, 3, *s))
    _add(f"Exponential {s}", lambda D, a: D.Exponential(a), [_between(0.2, 3, *s)],
         _between(0, 3, 3, *s))
    _add(f"Poisson {s}", lambda D, a: D.Poisson(a), [_between(0.2, 3, *s)], _counts(4, 3, *s))
    _both_ways(f"Bernoulli {s}", lambda D, **p: D.Bernoulli(**p), _between(0.05, 0.95, *s),
               _counts(1, 3, *s))
    _both_ways(f"Binomial {s}", lambda D, **p: D.Binomial(4, **p), _between(0.05, 0.95, *s),
               _counts(4, 3, *s))
    _both_ways(f"Categorical {s}", lambda D, **p: D.Categorical(**p), _between(0.1, 1, *s, 5),
               _counts(4, 3, *s))
    _both_ways(f"Multinomial {s}", lambda D, **p: D.Multinomial(6, **p), _between(0.1, 1, *s, 5),
               _draw.multinomial(6, [0.2] * 5, size=(3, *s)).astype(float))
    for way in ("covariance_matrix", "precision_matrix", "scale_tril"):
        matrices = _matrices(*s) if way != "scale_tril" else np.linalg.cholesky(_matrices(*s))
        _add(f"MultivariateNormal {s}, {way}",
             lambda D, a, b, way=way: D.MultivariateNormal(a, **{way: b}),
             [_numbers(*s, 3), matrices], _numbers(3, *s, 3))
_add("MultivariateNormal, one matrix", lambda D, a, b: D.MultivariateNormal(a, b),
     [_numbers(2, 3), _matrices()], _numbers(3, 2, 3))
_add("Independent, 1", lambda D, a, b: D.Independent(D.Normal(a, b), 1),
     [_numbers(2, 3), _between(0.2, 3, 2, 3)], _numbers(3, 2, 3))
_add("Independent, 2", lambda D, a: D.Independent(D.Bernoulli(logits=a), 2),
     [_numbers(2, 3)], _counts(1, 3, 2, 3))
_add("Normal, a number", lambda D, a: D.Normal(0.5, a), [_between(0.2, 3)], _numbers(3))
# fmt: on

# What is asked of a distribution d, a value, and another distribution of its kind.
QUESTIONS: dict[str, Callable[..., Any]] = {
    "log_prob": lambda D, d, value, other: d.log_prob(value),
    "cdf": lambda D, d, value, other: d.cdf(value),
    "icdf": lambda D, d, value, other: d.icdf(value.abs() / (value.abs() + 1)),
    "entropy": lambda D, d, value, other: d.entropy(),
    "mean": lambda D, d, value, other: d.mean,
    "mode": lambda D, d, value, other: d.mode,
    "variance": lambda D, d, value, other: d.variance,
    "stddev": lambda D, d, value, other: d.stddev,
    "kl": lambda D, d, value, other: D.kl_divergence(d, other),
    "support": lambda D, d, value, other: d.enumerate_support(),
    "support, once": lambda D, d, value, other: d.enumerate_support(expand=False),
    "expand": lambda D, d, value, other: d.expand((3, *d.batch_shape)).log_prob(value[:1]),
    "probs": lambda D, d, value, other: d.probs,
    "logits": lambda D, d, value, other: d.logits,
    "covariance_matrix": lambda D, d, value, other: d.covariance_matrix,
    "scale_tril": lambda D, d, value, other: d.scale_tril,
}


def answers(torch: Any, name: str) -> dict[str, dict[str, np.ndarray]]:
    """Return for each question that has an answer the answer, and first and second gradients."""
    make, parameters, values = CASES[name]
    found = {}
    for question, ask in QUESTIONS.items():
        leaves = [torch.tensor(x).requires_grad_() for x in (*parameters, values)]
        d = make(torch.distributions, *leaves[:-1])
        # Wider, so that a Uniform is within the other one.
        other = make(torch.distributions, *[x * 1.02 if x.ndim < 3 else x for x in leaves[:-1]])
        try:
            y = ask(torch.distributions, d, leaves[-1], other)
        except (NotImplementedError, AttributeError):
            continue
        arrays = {"y": y.detach().numpy()}
        if y.requires_grad:
            weights = torch.tensor(np.cos(np.arange(y.numel())).reshape(tuple(y.shape)))
            first = torch.autograd.grad(
                (y * weights).sum(), leaves, create_graph=True, allow_unused=True
            )
            arrays |= {f"g{i}": g.detach().numpy() for i, g in enumerate(first) if g is not None}
            squares = [(g * g).sum() for g in first if g is not None and g.requires_grad]
            if squares:
                second = torch.autograd.grad(sum(squares), leaves, allow_unused=True)
                arrays |= {f"h{i}": h.numpy() for i, h in enumerate(second) if h is not None}
        found[question] = arrays
    return found
