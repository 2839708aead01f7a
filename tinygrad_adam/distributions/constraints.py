"""What the parameters and the values of distributions must be.

Source: PyTorch, ``torch.distributions.constraints``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_adam import ops
from tinygrad_adam.tensor import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Constraint:
    """A condition on numbers, vectors or matrices.

    Args:
        text: what it is shown as.
        check: returns for a tensor whether each number (vector, matrix) fulfils it.
        event_dim: 0 for numbers, 1 for vectors, 2 for matrices.
        is_discrete: whether separate numbers fulfil it.
    """

    text: str
    check: Callable[[Tensor], Tensor]
    event_dim: int = 0
    is_discrete: bool = False

    def __repr__(self) -> str:
        return self.text


def greater_than(lower_bound: Any) -> Constraint:
    """x > lower_bound."""
    return Constraint(f"GreaterThan(lower_bound={lower_bound})", lambda x: x > lower_bound)


def greater_than_eq(lower_bound: Any) -> Constraint:
    """x >= lower_bound."""
    return Constraint(f"GreaterThanEq(lower_bound={lower_bound})", lambda x: x >= lower_bound)


def less_than(upper_bound: Any) -> Constraint:
    """x < upper_bound."""
    return Constraint(f"LessThan(upper_bound={upper_bound})", lambda x: x < upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """lower_bound <= x <= upper_bound."""
    return Constraint(
        f"Interval(lower_bound={lower_bound}, upper_bound={upper_bound})",
        lambda x: (lower_bound <= x) & (x <= upper_bound),
    )


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Integers with lower_bound <= x <= upper_bound."""
    return Constraint(
        f"IntegerInterval(lower_bound={lower_bound}, upper_bound={upper_bound})",
        lambda x: (x % 1 == 0) & (lower_bound <= x) & (x <= upper_bound),
        is_discrete=True,
    )


def independent(base: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """``base`` for all numbers of the last dimensions together."""

    def check(x: Tensor) -> Tensor:
        found = base.check(x)
        for _ in range(reinterpreted_batch_ndims):
            found = found.all(-1)
        return found

    return Constraint(
        f"IndependentConstraint({base}, {reinterpreted_batch_ndims})",
        check,
        base.event_dim + reinterpreted_batch_ndims,
        base.is_discrete,
    )


def multinomial(upper_bound: int) -> Constraint:
    """Counts that sum to at most ``upper_bound``."""
    return Constraint(
        "Multinomial()",
        lambda x: (x >= 0).all(-1) & (x.sum(-1) <= upper_bound),
        event_dim=1,
        is_discrete=True,
    )


def _is_positive_definite(x: Tensor) -> Tensor:
    symmetric = ops.isclose(x, x.mT, atol=1e-6).all(-1).all(-1)
    matrices = x.detach().cpu().numpy().reshape(-1, *x.shape[-2:])
    found = np.array([_has_factor(m) for m in matrices], bool).reshape(x.shape[:-2])
    return symmetric & Tensor._wrap(found).to(x.device)


def _has_factor(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _is_lower_cholesky(x: Tensor) -> Tensor:
    return (x.tril() == x).all(-1).all(-1) & (x.diagonal(0, -2, -1) > 0).all(-1)


real = Constraint("Real()", lambda x: x == x)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1), is_discrete=True)
nonnegative_integer = Constraint(
    "IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0), is_discrete=True
)
real_vector = independent(real, 1)
simplex = Constraint(
    "Simplex()", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), event_dim=1
)
positive_definite = Constraint("PositiveDefinite()", _is_positive_definite, event_dim=2)
lower_cholesky = Constraint("LowerCholesky()", _is_lower_cholesky, event_dim=2)
