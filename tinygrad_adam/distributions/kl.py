"""The Kullback-Leibler divergence of two distributions of one kind: E_p [log p(x) - log q(x)].

Source: PyTorch, ``torch.distributions.kl``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_adam.distributions.continuous import Exponential, Normal, Uniform
from tinygrad_adam.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Poisson,
    log1p_exp,
)
from tinygrad_adam.distributions.distribution import Distribution
from tinygrad_adam.distributions.vectors import (
    Independent,
    MultivariateNormal,
    half_log_det,
    squared_distance,
)
from tinygrad_adam.ops.systems import solve_triangular
from tinygrad_adam.tensor import Tensor

Formula = Callable[[Any, Any], Tensor]
_FORMULAS: dict[tuple[type, type], Formula] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """Decorate the function that computes the divergence for two classes, and their subclasses.

    Raises:
        TypeError: one is no subclass of Distribution.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorate(function: Formula) -> Formula:
        _FORMULAS[type_p, type_q] = function
        return function

    return decorate


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return the divergence of ``p`` from ``q``, for each of a batch.

    Raises:
        NotImplementedError: there is no formula for these two; :func:`register_kl` adds one.
    """
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in _FORMULAS:
                return _FORMULAS[kind_p, kind_q](p, q)
    raise NotImplementedError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
        f"{type(q).__name__}\n  register_kl adds one."
    )


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio, distance = (p.scale / q.scale).square(), ((p.loc - q.loc) / q.scale).square()
    return 0.5 * (ratio + distance - 1 - ratio.log())


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return found.masked_fill((q.low > p.low) | (q.high < p.high), math.inf)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


def _share(weight: Any, other: Any, logs: Any) -> Any:
    """Return weight · logs: 0 where the weight is 0, infinite where ``other`` is and it is not."""
    found = (weight * logs).masked_fill(other == 0, math.inf)
    return found.masked_fill(weight == 0, 0)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    ones = _share(p.probs, q.probs, log1p_exp(-q.logits) - log1p_exp(-p.logits))
    return ones + _share(1 - p.probs, 1 - q.probs, log1p_exp(q.logits) - log1p_exp(p.logits))


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    return _share(p.probs, q.probs, p.logits - q.logits).sum(-1)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    logs = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    found = p.total_count * logs
    return found.masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            "computed"
        )
    mine, other = p.scale_tril, q.scale_tril
    spread = solve_triangular(other, mine, upper=False).square().sum((-2, -1))
    distance = squared_distance(other, p.loc - q.loc)
    logs = half_log_det(other) - half_log_det(mine)
    return logs + 0.5 * (spread + distance - p.event_shape[0])


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            f"{p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims} dimensions of a "
            "batch are part of the values"
        )
    return p.summed(kl_divergence(p.base_dist, q.base_dist))
