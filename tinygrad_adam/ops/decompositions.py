"""Factors of matrices, and systems of equations with a triangular one; batches of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.complex_parts import conj
from tinygrad_adam.ops.linalg import matmul
from tinygrad_adam.ops.shapes import diag_embed, diagonal, transpose, tril, triu

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _adjoint(x: Any) -> Any:
    return transpose(conj(x), -2, -1)


class Cholesky(Operation):
    """The lower triangular L with L Lᴴ = A.  Gradient: (S + Sᴴ)/2, S = L⁻ᴴ Φ(Lᴴ g) L⁻¹.

    Φ takes the lower triangle and half of the diagonal. Saves L.

    Source: Murray, "Differentiation of the Cholesky decomposition" (2016).
    """

    def forward(self, a: Array) -> Array:
        try:
            factor = array_module(a).linalg.cholesky(a)
        except np.linalg.LinAlgError:
            raise RuntimeError(
                "linalg.cholesky: The factorization could not be completed because the input is "
                "not positive-definite"
            ) from None
        self.save(factor)
        return factor

    def backward(self, grad: Any) -> Any:
        (factor,) = self.saved
        inner = tril(matmul(_adjoint(factor), grad))
        inner = inner - diag_embed(diagonal(inner, 0, -2, -1)) * 0.5
        upper = _adjoint(factor)
        left = SolveTriangular.apply(upper, inner, True)
        whole = _adjoint(SolveTriangular.apply(upper, _adjoint(left), True))
        return (whole + _adjoint(whole)) * 0.5


class SolveTriangular(Operation):
    """X with A X = B, A triangular.  Gradient: dB = A⁻ᴴ g, dA the triangle of -dB Xᴴ.

    Saves A and X.
    """

    def forward(self, a: Array, b: Array, upper: bool) -> Array:
        xp = array_module(a)
        x = xp.linalg.solve(xp.triu(a) if upper else xp.tril(a), b)
        self.upper = upper
        self.save(a, x)
        return x

    def backward(self, grad: Any) -> Any:
        a, x = self.saved
        grad_b = SolveTriangular.apply(_adjoint(a), grad, not self.upper)
        product = matmul(grad_b, _adjoint(x))
        return -(triu if self.upper else tril)(product), grad_b, None


@checked
def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """Return the triangular L with L Lᴴ = A, or ``upper`` Lᴴ, of positive definite matrices.

    Raises:
        RuntimeError: one is not positive definite.
    """
    factor = Cholesky.apply(input)
    return _adjoint(factor) if upper else factor  # type: ignore[no-any-return]


@checked
def solve_triangular(input: Tensor, B: Tensor, *, upper: bool) -> Tensor:  # noqa: N803
    """Return X with A X = B, where only the upper or the lower triangle of A is looked at."""
    return SolveTriangular.apply(input, B, upper)  # type: ignore[no-any-return]
