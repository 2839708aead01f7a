"""Distributions of vectors, and of batches taken as one value."""

from __future__ import annotations

import functools
import math
from typing import Any

from tinygrad_adam import ops
from tinygrad_adam.creation import eye
from tinygrad_adam.distributions import constraints
from tinygrad_adam.distributions.distribution import Distribution
from tinygrad_adam.ops.decompositions import cholesky
from tinygrad_adam.ops.systems import solve_triangular
from tinygrad_adam.tensor import Tensor, broadcast_shapes


class MultivariateNormal(Distribution):
    """The normal distribution of vectors of d numbers.

    Args:
        loc: the mean, (…, d).
        covariance_matrix: (…, d, d), positive definite.
        precision_matrix: its inverse, instead.
        scale_tril: the lower triangular L with L Lᵀ the covariance, instead. It is what the others
            are turned into.
        validate_args: whether to check them, and values.

    Source: PyTorch, ``torch.distributions.MultivariateNormal``.
    """

    has_rsample = True
    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: self.scale_tril.square().sum(-1))

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: x for name, x in matrices.items() if x is not None}
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            what = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{what} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand((*batch, -1))
        vars(self)[name] = matrix.expand((*batch, -1, -1))
        super().__init__(batch, loc.shape[-1:], validate_args)
        # Not broadcast: one factor is enough for a batch of means.
        factor: Any = {"covariance_matrix": cholesky, "precision_matrix": _factor_of_inverse}.get(
            name
        )
        self._factors = [matrix if factor is None else factor(matrix)]

    @functools.cached_property
    def scale_tril(self) -> Tensor:
        """The lower triangular L with L Lᵀ the covariance."""
        return self._factors[0].expand((*self.batch_shape, -1, -1))

    @functools.cached_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return ops.matmul(self.scale_tril, self.scale_tril.mT)

    @functools.cached_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        root = _inverse(self.scale_tril)
        return ops.matmul(root.mT, root)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = self.loc.new_empty(self._extended_shape(sample_shape)).normal_()
        return self.loc + ops.matmul(self._factors[0], noise.unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value: Tensor) -> Tensor:
        (factor,) = self._factors
        constant = 0.5 * self.event_shape[0] * math.log(2 * math.pi)
        return -0.5 * squared_distance(factor, value - self.loc) - half_log_det(factor) - constant

    def entropy(self) -> Tensor:
        constant = 0.5 * self.event_shape[0] * (1 + math.log(2 * math.pi))
        return (constant + half_log_det(self._factors[0])).expand(self.batch_shape)


def half_log_det(factor: Tensor) -> Tensor:
    """Return half of log det (L Lᵀ)."""
    return factor.diagonal(0, -2, -1).log().sum(-1)


def squared_distance(factor: Tensor, x: Tensor) -> Tensor:
    """Return xᵀ (L Lᵀ)⁻¹ x of vectors x, for a batch of factors L."""
    if factor.dim() == 2:  # one system for all of them
        solved = solve_triangular(factor, x.reshape(-1, x.shape[-1]).mT, upper=False).mT
        return solved.square().sum(-1).reshape(x.shape[:-1])
    return solve_triangular(factor, x.unsqueeze(-1), upper=False).square().sum((-2, -1))


def _inverse(factor: Tensor) -> Tensor:
    identity = eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    return solve_triangular(factor, identity, upper=False)


def _factor_of_inverse(matrix: Tensor) -> Tensor:
    """Return the lower triangular L with L Lᵀ the inverse of a matrix.

    Backwards in rows and columns, the matrix has a lower factor; forwards again that is an upper
    one, and the inverse of its transpose the L sought.
    """
    return _inverse(cholesky(matrix.flip((-2, -1))).flip((-2, -1)).mT)


class Independent(Distribution):
    """Distributions of a batch as one distribution of their values together.

    Args:
        base_distribution: the batch.
        reinterpreted_batch_ndims: how many of the last dimensions of its batch become dimensions
            of the value.
        validate_args: whether to check values.

    Source: PyTorch, ``torch.distributions.Independent``.
    """

    has_rsample = property(lambda self: self.base_dist.has_rsample)  # type: ignore[assignment]
    has_enumerate_support = property(  # type: ignore[assignment]
        lambda self: not self.reinterpreted_batch_ndims and self.base_dist.has_enumerate_support
    )
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)
    support = property(
        lambda self: (
            constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims)
            if self.reinterpreted_batch_ndims
            else self.base_dist.support
        )
    )

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {len(batch)}"
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        shape = batch + base_distribution.event_shape
        kept = len(batch) - reinterpreted_batch_ndims
        super().__init__(shape[:kept], shape[kept:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        expanded = super().expand(batch_shape)
        event = self.event_shape[: self.reinterpreted_batch_ndims]
        expanded.base_dist = self.base_dist.expand((*batch_shape, *event))
        return expanded

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self.summed(self.base_dist.entropy())

    def summed(self, x: Tensor) -> Tensor:
        """Return the sum over the dimensions that have become part of the value."""
        for _ in range(self.reinterpreted_batch_ndims):
            x = x.sum(-1)
        return x

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
