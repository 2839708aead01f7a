"""Distributions of counts and classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_adam import ops
from tinygrad_adam.autograd.mode import no_grad
from tinygrad_adam.creation import arange
from tinygrad_adam.distributions import constraints
from tinygrad_adam.distributions.distribution import (
    ByProbsOrLogits,
    Distribution,
    broadcast_all,
)
from tinygrad_adam.ops.random import binomial
from tinygrad_adam.ops.special import lgamma
from tinygrad_adam.tensor import Size, Tensor


def log1p_exp(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)), without overflow."""
    return ops.logaddexp(x, x.new_zeros(()))


def _clipped(logits: Tensor) -> Tensor:
    """Return logits without -inf, which would make a NaN of a probability of 0."""
    return logits.clamp(min=float(np.finfo(logits.dtype).min))


class Bernoulli(ByProbsOrLogits):
    """1 with probability p, else 0.

    Args:
        probs: p.
        logits: log(p / (1 - p)), instead.
        validate_args: whether to check them, and values.

    Source: PyTorch, ``torch.distributions.Bernoulli``.
    """

    has_enumerate_support = True
    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._require_one(probs, logits)
        (given,) = broadcast_all(logits if probs is None else probs)
        self._keep(None if probs is None else given, given)
        super().__init__(given.shape, validate_args=validate_args)

    @property
    def mode(self) -> Tensor:
        mode = (self.probs >= 0.5).to(self.probs.dtype)
        return mode.masked_fill(self.probs == 0.5, math.nan)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return ops.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value: Tensor) -> Tensor:
        return value * self.logits - log1p_exp(self.logits)

    def entropy(self) -> Tensor:
        return log1p_exp(self.logits) - self.probs * self.logits

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(self.probs.new_tensor([0, 1]), expand)


class Categorical(ByProbsOrLogits):
    """One of K classes, 0 to K - 1.

    Args:
        probs: their weights, (…, K).
        logits: the logarithms of the weights, instead.
        validate_args: whether to check them, and values.

    Source: PyTorch, ``torch.distributions.Categorical``.
    """

    binary = False
    has_enumerate_support = True
    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = property(lambda self: constraints.integer_interval(0, self._num_events - 1))
    mean = variance = property(lambda self: self.probs.new_full(self._extended_shape(), math.nan))
    mode = property(lambda self: self.probs.argmax(-1))
    _num_events = property(lambda self: self.param_shape[-1])

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._require_one(probs, logits)
        given: Tensor = logits if probs is None else probs
        if given.dim() < 1:
            name = "logits" if probs is None else "probs"
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is not None:
            self._keep(probs / probs.sum(-1, keepdim=True), None)
        else:
            self._keep(None, logits - logits.logsumexp(-1, keepdim=True))
        super().__init__(given.shape[:-1], validate_args=validate_args)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = Size(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = ops.multinomial(rows, shape.numel(), True) if shape.numel() else rows[:, :0].long()
        return drawn.T.reshape(self._extended_shape(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        classes, logits = value.long().unsqueeze(-1), self.logits
        shape = ops.broadcast_tensors(classes, logits[..., :1])[0].shape
        logits = logits.expand((*shape[:-1], self._num_events))
        return logits.gather(-1, classes.expand(shape)).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(_clipped(self.logits) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(arange(self._num_events, device=self.probs.device), expand)


class Binomial(ByProbsOrLogits):
    """How many of n trials of probability p succeed.

    Args:
        total_count: n.
        probs: p.
        logits: log(p / (1 - p)), instead.
        validate_args: whether to check them, and values.

    Source: PyTorch, ``torch.distributions.Binomial``.
    """

    has_enumerate_support = True
    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = property(lambda self: constraints.integer_interval(0, self.total_count))
    mean = property(lambda self: self.total_count * self.probs)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self._require_one(probs, logits)
        count, given = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = count.type_as(given)
        self._keep(None if probs is None else given, given)
        super().__init__(given.shape, validate_args=validate_args)

    @property
    def mode(self) -> Tensor:
        return ops.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        n = self.total_count
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        return ways + value * self.logits - n * log1p_exp(self.logits)

    def entropy(self) -> Tensor:
        log_probs = self._log_prob(self._support_of("entropy", False))
        return -(log_probs.exp() * log_probs).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._support_of("enumerate_support", expand)

    def _support_of(self, function: str, expand: bool) -> Tensor:
        count = int(self.total_count.max())
        if self.total_count.min() != count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{function}`.")
        like = self.total_count
        return self._enumerated(arange(count + 1, dtype=like.dtype, device=like.device), expand)


class Poisson(Distribution):
    """How often something happens that happens ``rate`` times on average.

    Args:
        rate: the mean.
        validate_args: whether to check it, and values.

    Source: PyTorch, ``torch.distributions.Poisson``.
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return ops.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value: Tensor) -> Tensor:
        rate, value = broadcast_all(self.rate, value)
        logs = (value * rate.log()).masked_fill((value == 0) & (rate == 0), 0)
        return logs - rate - lgamma(value + 1)


class Multinomial(Distribution):
    """How often each of K classes comes in n trials.

    Args:
        total_count: n, one integer.
        probs: the weights of the classes, (…, K).
        logits: the logarithms of the weights, instead.
        validate_args: whether to check them, and values.

    Source: PyTorch, ``torch.distributions.Multinomial``.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = property(lambda self: constraints.multinomial(self.total_count))
    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        batch = self._categorical.batch_shape
        super().__init__(batch, self._categorical.param_shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        expanded = super().expand(batch_shape)
        expanded._categorical = self._categorical.expand(batch_shape)
        return expanded

    def sample(self, sample_shape: Any = ()) -> Tensor:
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        counts = self.probs.new_zeros(self._extended_shape(sample_shape))
        places = drawn.movedim(0, -1)
        return counts.scatter_add(-1, places, counts.new_ones(places.shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        ways = lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = self.total_count
        each = Binomial(n, self.probs, validate_args=False)
        counts = each.enumerate_support(expand=False)[1:]
        repeats = (each._log_prob(counts).exp() * lgamma(counts + 1)).sum(0).sum(-1)
        return n * self._categorical.entropy() - math.lgamma(n + 1) + repeats
