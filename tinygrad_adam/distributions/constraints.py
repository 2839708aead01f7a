"""What the parameters and the values of distributions must be.

Source: PyTorch, ``torch.distributions.constraints``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_adam.backend import array_module, to_numpy
from tinygrad_adam.tensor import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Constraint:
    """A condition on numbers, vectors or matrices.

    Args:
        text: what it is shown as.
        holds: returns for an array whether each number (vector, matrix) fulfils it.
        event_dim: 0 for numbers, 1 for vectors, 2 for matrices.
        is_discrete: whether separate numbers fulfil it.
    """

    text: str
    holds: Callable[[Any], Any]
    event_dim: int = 0
    is_discrete: bool = False

    def check(self, value: Tensor) -> Tensor:
        """Return for a tensor whether each number (vector, matrix) fulfils it."""
        return Tensor._wrap(self.holds(value.array))

    def __repr__(self) -> str:
        return self.text


def _array(bound: Any) -> Any:
    return getattr(bound, "array", bound)


def greater_than(lower_bound: Any) -> Constraint:
    """x > lower_bound."""
    return Constraint(f"GreaterThan(lower_bound={lower_bound})", lambda x: x > _array(lower_bound))


def greater_than_eq(lower_bound: Any) -> Constraint:
    """x >= lower_bound."""
    return Constraint(
        f"GreaterThanEq(lower_bound={lower_bound})", lambda x: x >= _array(lower_bound)
    )


def less_than(upper_bound: Any) -> Constraint:
    """x < upper_bound."""
    return Constraint(f"LessThan(upper_bound={upper_bound})", lambda x: x < _array(upper_bound))


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """lower_bound <= x <= upper_bound."""
    return Constraint(
        f"Interval(lower_bound={lower_bound}, upper_bound={upper_bound})",
        lambda x: (x >= _array(lower_bound)) & (x <= _array(upper_bound)),
    )


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Integers with lower_bound <= x <= upper_bound."""
    return Constraint(
        f"IntegerInterval(lower_bound={lower_bound}, upper_bound={upper_bound})",
        lambda x: (x % 1 == 0) & (x >= _array(lower_bound)) & (x <= _array(upper_bound)),
        is_discrete=True,
    )


def independent(base: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """``base`` for all numbers of the last dimensions together."""

    def holds(x: Any) -> Any:
        found = base.holds(x)
        for _ in range(reinterpreted_batch_ndims):
            found = found.all(-1)
        return found

    return Constraint(
        f"IndependentConstraint({base}, {reinterpreted_batch_ndims})",
        holds,
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


def _is_positive_definite(x: Any) -> Any:
    x = to_numpy(x)
    symmetric = np.isclose(x, x.swapaxes(-2, -1), atol=1e-6).all((-2, -1))
    found = [_has_factor(m) for m in x.reshape(-1, *x.shape[-2:])]
    return symmetric & np.array(found, bool).reshape(x.shape[:-2])


def _has_factor(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _is_lower_cholesky(x: Any) -> Any:
    lower = array_module(x).tril(x)
    return (lower == x).all((-2, -1)) & (x.diagonal(0, -2, -1) > 0).all(-1)


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
    "Simplex()", lambda x: (x >= 0).all(-1) & (abs(x.sum(-1) - 1) < 1e-6), event_dim=1
)
positive_definite = Constraint("PositiveDefinite()", _is_positive_definite, event_dim=2)
lower_cholesky = Constraint("LowerCholesky()", _is_lower_cholesky, event_dim=2)
