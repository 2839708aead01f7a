"""PyTorch's older names and forms of what now stands in ``torch.linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.backend.dtypes import int32
from tinygrad_adam.ops import decompositions, systems
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.decompositions import FactorsQR
from tinygrad_adam.ops.matrix_functions import pinv
from tinygrad_adam.ops.shapes import narrow, reshape
from tinygrad_adam.ops.systems import (
    FactorsLU,
    FactorsLUAndInfo,
    FactorsPLU,
    SolveTriangular,
    adjoint,
    mt,
    require_matrices,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class SingularVectorsAsColumns(NamedTuple):
    """A = U diag(S) Vᴴ: both kinds of vectors as columns."""

    U: Any
    S: Any
    V: Any


class SolutionAndMatrix(NamedTuple):
    """A solution, and a copy of the matrix of the system."""

    solution: Any
    cloned_coefficient: Any


@checked
def svd(
    input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None
) -> SingularVectorsAsColumns:
    """Return U, S and V with A = U diag(S) Vᴴ; U and V are zeros, if not ``compute_uv``.

    ``some`` leaves out the vectors that belong to no singular value. ``linalg.svd`` is the new one.
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"linalg.svd: input should have at least 2 dimensions, but has {input.ndim} dimensions "
            "instead"
        )
    u, s, vh = decompositions.svd(input, not some and compute_uv)
    if compute_uv:
        return SingularVectorsAsColumns(u, s, adjoint(vh))
    m, n = input.shape[-2:]
    zeros = [systems.identity(input, size) * 0 for size in (m, n)]
    return SingularVectorsAsColumns(zeros[0], decompositions.svdvals(input), zeros[1])


@checked
def qr(input: Tensor, some: bool = True, *, out: Any = None) -> FactorsQR:
    """Return Q and R with Q R = A; not ``some``, complete ones. ``linalg.qr`` is the new one."""
    return decompositions.qr(input, "reduced" if some else "complete")


@checked
def cholesky(input: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    """Return ``linalg.cholesky``, which is the new one."""
    found = decompositions.cholesky_of(input, upper, "cholesky", "cholesky")
    return found.L  # type: ignore[no-any-return]


@checked
def pinverse(input: Tensor, rcond: float = 1e-15, *, out: Any = None) -> Tensor:
    """Return pseudoinverses; ``linalg.pinv`` is the new one."""
    return pinv(input, rcond)


@checked
def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> SolutionAndMatrix:
    """Return X with A X = B for a triangular A, and a copy of A; with ``transpose``, Aᵀ X = B.

    ``linalg.solve_triangular`` is the new one.
    """
    require_matrices("triangular_solve", input, False, "b")
    require_matrices("triangular_solve", A, False)
    if A.shape[-2] != A.shape[-1]:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} "
            "matrices"
        )
    systems.require_equation("triangular_solve", A, input, True)
    of = mt(A) if transpose else A
    solution = SolveTriangular.apply(of, input, upper != transpose, unitriangular)
    batch = solution.shape[:-2]
    return SolutionAndMatrix(solution, A * systems.identity(solution, 1) if batch else A * 1)


@checked
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, *, out: Any = None) -> Any:
    """Return L and U in one matrix, the pivots, and what ``linalg.lu_factor_ex`` says of it."""
    found = systems.lu_factor_ex(A, pivot=pivot)
    return FactorsLUAndInfo(*found) if get_infos else FactorsLU(*found[:2])


@checked
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Any = None) -> Tensor:
    """Return X with A X = B, given what :func:`lu` gives for A. ``linalg.lu_solve`` is new."""
    return systems.lu_solve(LU_data, LU_pivots, input)


@checked
def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Any = None,
) -> FactorsPLU:
    """Return P, L and U of what :func:`lu` gives; what is not to be unpacked is empty."""
    if LU_pivots.dtype != int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype."
            "\n  They are what torch.lu returns"
        )
    p, lower, upper = systems.unpacked(LU_data, LU_pivots)
    none = narrow(reshape(lower.detach(), (-1,)), 0, 0, 0)
    if not unpack_data:
        lower = upper = none
    return FactorsPLU(p if unpack_pivots else none, lower, upper)
