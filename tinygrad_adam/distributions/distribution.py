"""What all distributions have in common: shapes, checks, and what follows from the rest.

Source: PyTorch, ``torch.distributions``.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

import numpy as np

from tinygrad_adam import ops
from tinygrad_adam.autograd.mode import no_grad
from tinygrad_adam.backend import DEFAULT_DTYPE
from tinygrad_adam.creation import tensor
from tinygrad_adam.distributions.constraints import Constraint
from tinygrad_adam.tensor import Size, Tensor


class Distribution:
    """A probability distribution, or a batch of independent ones.

    Args:
        batch_shape: the shape of the batch.
        event_shape: the shape of one value.
        validate_args: whether to check parameters and values; unless said, what
            :meth:`set_default_validate_args` was given, else True (``python -O``: False).

    A subclass names its parameters in ``arg_constraints`` and keeps them as attributes, broadcast;
    it has ``_log_prob`` and ``rsample`` or ``sample``, and what else there is a formula for.

    Source: PyTorch, ``torch.distributions.Distribution``.
    """

    has_rsample = False
    """Whether samples have gradients with respect to the parameters."""
    has_enumerate_support = False
    """Whether all values can be listed."""
    _validate_args = __debug__
    arg_constraints: Any = {}
    """For each parameter, what it must be."""
    support: Any = None
    """What the values are."""

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            if name in self._parameters():
                value = getattr(self, name)
                if not constraint.holds(value.array).all():
                    raise ValueError(
                        f"Expected parameter {name} ({type(value).__name__} of shape "
                        f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                        f"{constraint!r}, but found invalid values:\n{value}"
                    )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Say whether distributions that are made from now on check parameters and values."""
        if value not in (True, False):
            raise ValueError("set_default_validate_args takes True or False")
        Distribution._validate_args = value

    def _parameters(self) -> dict[str, Tensor]:
        """Return the parameters that were given."""
        return {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """Return the same distributions in a larger batch, on the same memory."""
        expanded = copy.copy(self)
        expanded._batch_shape = Size(batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                event = value.shape[len(self._batch_shape) :]
                vars(expanded)[name] = value.expand((*batch_shape, *event))
        return expanded

    def _without(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {what}")

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise self._without("mean")

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The expected square of the distance from the mean."""
        raise self._without("variance")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return values drawn from each distribution, ``sample_shape`` of them, without history."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return values as :meth:`sample` does, with gradients to the parameters."""
        raise self._without("rsample")

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density, or of the probability, of ``value``."""
        self._validate_sample(value)
        return self._log_prob(value)

    def _log_prob(self, value: Tensor) -> Tensor:
        raise self._without("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of at most ``value``."""
        self._validate_sample(value)
        return self._cdf(value)

    def _cdf(self, value: Tensor) -> Tensor:
        raise self._without("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """Return what a sample is at most with the probability ``value``."""
        raise self._without("icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values, along the first dimension; unless ``expand``, once for the batch."""
        raise self._without("enumerate_support")

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        values = values.reshape((-1, *(1 for _ in self.batch_shape)))
        return values.expand((-1, *self.batch_shape)) if expand else values

    def entropy(self) -> Tensor:
        """Return the expected -log_prob."""
        raise self._without("entropy")

    def perplexity(self) -> Tensor:
        """Return exp(entropy)."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Raise ValueError unless ``value`` can be one of the distribution."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        first = value.ndim - len(self.event_shape)
        if value.shape[first:] != self.event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{value.shape} vs {self.event_shape}."
            )
        whole = self.batch_shape + self.event_shape
        for a, b in zip(reversed(value.shape), reversed(whole)):
            if a != b and 1 not in (a, b):
                raise ValueError(
                    "Value is not broadcastable with batch_shape+event_shape: "
                    f"{value.shape} vs {whole}."
                )
        support: Constraint = self.support
        if not support.holds(value.array).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({support!r}) of the distribution {self!r}, but found "
                f"invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        shown = [f"{name}: {_or_shape(x)}" for name, x in self._parameters().items()]
        return f"{type(self).__name__}({', '.join(shown)})"


def _or_shape(x: Tensor) -> str:
    return f"{x}" if x.numel() == 1 else f"{x.shape}"


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Return numbers and tensors as tensors of one shape, numbers in the dtype of the first.

    Raises:
        ValueError: one is neither.
    """
    if not all(isinstance(x, (Tensor, int, float, np.number)) for x in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__."
        )
    like = next((x for x in values if isinstance(x, Tensor)), None)
    dtype = DEFAULT_DTYPE[float] if like is None else like.dtype
    device = None if like is None else like.device
    made = [x if isinstance(x, Tensor) else tensor(x, dtype, device) for x in values]
    return ops.broadcast_tensors(*made)  # type: ignore[no-any-return]


def clamp_probs(probs: Tensor) -> Tensor:
    """Return probabilities a little away from 0 and 1, so that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype).eps)
    return probs.clamp(eps, 1 - eps)


class ByProbsOrLogits(Distribution):
    """A distribution whose parameter may be given in two ways; the other is computed when asked."""

    binary = True
    """Whether logits are log(p / (1 - p)), else log(p)."""

    def _keep(self, probs: Any, logits: Any) -> None:
        """Keep what was given, as ``probs`` or ``logits``."""
        vars(self)["logits" if probs is None else "probs"] = logits if probs is None else probs

    @staticmethod
    def _require_one(probs: Any, logits: Any) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")

    @functools.cached_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self.logits.sigmoid() if self.binary else self.logits.softmax(-1)

    @functools.cached_property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities, or of the odds."""
        probs = clamp_probs(self.probs)
        return probs.log() - (-probs).log1p() if self.binary else probs.log()

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return vars(self)["probs" if "probs" in vars(self) else "logits"].shape
