"""Factors of matrices: Cholesky's, Q R, singular values, eigenvalues; batches of each.

Phases, signs and order are LAPACK's. Where vectors are one of many choices, a loss must not depend
on the choice: of complex vectors, on the phase.  ``g`` is the gradient of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import complex64, complex128, float64
from tinygrad_adam.ops.arguments import checked
from tinygrad_adam.ops.complex_parts import conj, imag, real
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.reductions import sum
from tinygrad_adam.ops.shapes import diag_embed, diagonal, narrow, tril, triu, unsqueeze
from tinygrad_adam.ops.systems import (
    LinAlgError,
    SolveTriangular,
    adjoint,
    identity,
    one_by_one,
    require_matrices,
    require_success,
    solve,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class FactorAndInfo(NamedTuple):
    """Cholesky's factor, and 0, or the order of the leading minor that is not positive."""

    L: Any
    info: Any


class FactorsQR(NamedTuple):
    """Q with orthonormal columns, and the upper triangle R."""

    Q: Any
    R: Any


class SingularVectors(NamedTuple):
    """A = U diag(S) Vh: singular vectors, and singular values in descending order."""

    U: Any
    S: Any
    Vh: Any


class EigenvaluesAndVectors(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


def _diagonals(x: Any) -> Any:
    return diagonal(x, 0, -2, -1)


def _skew(x: Any) -> Any:
    return x - adjoint(x)


# --- Cholesky ------------------------------------------------------------------------------------


def _bad_minor(a: Array) -> int:
    """Return the order of the first leading minor that is not positive."""
    for order in range(1, a.shape[-1] + 1):
        try:
            np.linalg.cholesky(a[:order, :order])
        except np.linalg.LinAlgError:
            return order
    return a.shape[-1]


class Cholesky(Operation):
    """The lower triangular L with L Lᴴ = A; and 0, or the order of the minor that is not positive.

    Gradient: (S + Sᴴ)/2, S = L⁻ᴴ Φ(Lᴴ g) L⁻¹. Φ takes the lower triangle and half of the diagonal.
    Saves L.

    Source: Murray, "Differentiation of the Cholesky decomposition" (2016).
    """

    backward_name = "LinalgCholeskyEx"
    holomorphic = False

    def forward(self, a: Array, name: str) -> tuple[Array, Array]:
        factor, info = one_by_one(array_module(a).linalg.cholesky, _bad_minor, a)
        if name:
            text = (
                f"{name}: {{}}The factorization could not be completed because the input is not "
                "positive-definite (the leading minor of order {} is not positive-definite)."
            )
            require_success(text, info)
        self.save(factor)
        return factor, info

    def backward(self, grad: Any, _: Any) -> Any:
        (factor,) = self.saved
        inner = tril(adjoint(factor) @ grad)
        inner = inner - diag_embed(real(_diagonals(inner))) * 0.5
        upper = adjoint(factor)
        left = SolveTriangular.apply(upper, inner, True, False)
        whole = adjoint(SolveTriangular.apply(upper, adjoint(left), True, False))
        return (whole + adjoint(whole)) * 0.5, None


def cholesky_of(A: Any, upper: bool, function: str, name: str) -> FactorAndInfo:
    """Return factors; raise in the words of ``name``, if there is one, where none exists."""
    require_matrices(function, A)
    factor, info = Cholesky.apply(adjoint(A) if upper else A, name)
    return FactorAndInfo(adjoint(factor) if upper else factor, info)


@checked
def cholesky(A: Tensor, *, upper: bool = False, out: Any = None) -> Tensor:
    """Return the triangular L with L Lᴴ = A, or ``upper`` Lᴴ, of positive definite matrices.

    Of A, only that triangle is looked at.

    Raises:
        LinAlgError: one is not positive definite.
    """
    return cholesky_of(A, upper, "linalg.cholesky", "linalg.cholesky")[0]  # type: ignore[no-any-return]


@checked
def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> FactorAndInfo:
    """Return factors, and 0, or the order of the leading minor that is not positive definite."""
    return cholesky_of(A, upper, "linalg.cholesky", "linalg.cholesky_ex" if check_errors else "")


# --- Q R -----------------------------------------------------------------------------------------


class QR(Operation):
    """Q R = A, Q with orthonormal columns.

    Gradient, if A has at least as many rows as columns: (gQ + Q Φ(M)) R⁻ᴴ, M = gR Rᴴ - Qᴴ gQ. Φ
    makes its upper triangle Hermitian. Further columns of A are Q times those of R.  Saves Q and R.

    Source: Walter, Lehmann and Lamour, "On evaluating higher-order derivatives of the QR
    decomposition of tall matrices with full column rank" (2012).
    """

    backward_name = "LinalgQr"
    holomorphic = False

    def forward(self, a: Array, mode: str) -> tuple[Array, Array]:
        xp = array_module(a)
        if mode == "r":
            q, r = xp.zeros(0, a.dtype), xp.linalg.qr(a, "r")
        else:
            q, r = xp.linalg.qr(a, mode)
        self.mode, self.size = mode, a.shape[-2:]
        self.save(q, r)
        return q, r

    def backward(self, grad_q: Any, grad_r: Any) -> Any:
        q, r = self.saved
        m, n = self.size
        if self.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through "
                "linalg.qr."
            )
        if self.mode == "complete" and m > n:
            raise RuntimeError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
                "\n  mode='reduced' is"
            )
        beside: list[Any] = []
        if n > m:
            right, grad_right = [narrow(x, -1, m, n - m) for x in (r, grad_r)]
            r, grad_r = [narrow(x, -1, 0, m) for x in (r, grad_r)]
            grad_q = grad_q + q @ right @ adjoint(grad_right)
            beside = [q @ grad_right]
        inner = triu(grad_r @ adjoint(r) - adjoint(q) @ grad_q)
        inner = inner + adjoint(inner) - diag_embed(real(_diagonals(inner)))
        left = grad_q + q @ inner
        return cat([adjoint(SolveTriangular.apply(r, adjoint(left), True, False)), *beside], -1)


@checked
def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> FactorsQR:
    """Return Q and R with Q R = A.

    Args:
        A: (…, m, n); k is the less of m and n.
        mode: "reduced" for Q (…, m, k) and R (…, k, n), "complete" for (…, m, m) and (…, m, n), "r"
            for an empty Q and the R of "reduced".
    """
    require_matrices("linalg.qr", A, False)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', "
            "or 'complete'"
        )
    return FactorsQR(*QR.apply(A, mode))


# --- singular values -----------------------------------------------------------------------------


def _failed(function: str, a: Array) -> LinAlgError:
    text = f"{function}: The algorithm failed to converge because the input matrix "
    if array_module(a).isfinite(a).all() or function != "linalg.svd":
        return LinAlgError(text + "is ill-conditioned or has too many repeated eigenvalues.")
    return LinAlgError(text + "contained non-finite values.")


def decomposed(function: str, name: str, a: Array, *options: Any, **named: Any) -> Any:
    """Return what NumPy's function gives, whose failure is told in PyTorch's words."""
    try:
        return getattr(array_module(a).linalg, name)(a, *options, **named)
    except np.linalg.LinAlgError:
        raise _failed(function, a) from None


class SVD(Operation):
    """U, S, Vᴴ with A = U S Vᴴ.  With X = Uᴴ gU, Y = Vᴴ gV, skew(X) = X - Xᴴ, the gradient is

    U ((skew(X)/E) S + S (skew(Y)/E) + gS) Vᴴ for E_ij = s_j² - s_i², and (gU - U X) S⁻¹ Vᴴ and
    U S⁻¹ (gV - V Y)ᴴ for what U and V leave out; for complex numbers also i Im(X) S⁻¹ on the
    diagonal. Vectors that belong to no singular value have none.  Saves the three.

    Source: Townsend, "Differentiating the singular value decomposition" (2016).
    """

    backward_name = "LinalgSvd"
    holomorphic = False

    def forward(self, a: Array, full_matrices: bool) -> tuple[Array, Array, Array]:
        u, s, vh = decomposed("linalg.svd", "svd", a, full_matrices)
        self.save(u, s, vh, array_module(a).eye(s.shape[-1], dtype=s.dtype))
        return u, s, vh

    def backward(self, grad_u: Any, grad_s: Any, grad_vh: Any) -> Any:
        u, s, vh, ones = self.saved
        k = s.shape[-1]
        u, grad_u = [narrow(x, -1, 0, k) for x in (u, grad_u)]
        vh, grad_vh = [narrow(x, -2, 0, k) for x in (vh, grad_vh)]
        column, row = unsqueeze(s, -1), unsqueeze(s, -2)
        gaps = (row - column) * (row + column) + ones
        of_u, of_v = adjoint(u) @ grad_u, vh @ adjoint(grad_vh)
        within = (_skew(of_u) / gaps) * row + (_skew(of_v) / gaps) * column
        within = within + diag_embed(grad_s)
        if u.dtype.kind == "c":
            phases = imag(_diagonals(of_u))
            end = "phase term, making it ill-defined"
            _refuse_phases("svd_backward: The singular ", end, phases + imag(_diagonals(of_v)))
            within = within + diag_embed(1j * (phases / s))
        outside = (grad_u - u @ of_u) / row @ vh
        return u @ within @ vh + outside + u @ ((grad_vh - adjoint(of_v) @ vh) / column), None


_QUANTITY = "quantity, so it is ill-defined"


def _refuse_phases(what: str, end: str, phases: Any) -> None:
    """Raise if the loss depends on the phase of complex vectors."""
    if float(sum(abs(phases))) > 1e-2:
        raise RuntimeError(
            f"{what}vectors in the complex case are specified up to multiplication by e^{{i phi}}. "
            f"The specified loss function depends on this {end}."
        )


def _no_driver(driver: Any) -> None:
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend.\n  Leave it out"
        )


@checked
def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None
) -> SingularVectors:
    """Return U, S and Vh with A = U diag(S) Vh, for A of (…, m, n).

    U is (…, m, m) and Vh (…, n, n); or, not ``full_matrices``, (…, m, k) and (…, k, n), k the less.

    Raises:
        LinAlgError: A has a NaN or inf.
    """
    require_matrices("linalg.svd", A, False)
    _no_driver(driver)
    return SingularVectors(*SVD.apply(A, full_matrices))


class SingularValues(Operation):
    """S alone.  Gradient: U g Vᴴ, for which the vectors are computed then.  Saves A."""

    backward_name = "LinalgSvd"

    def forward(self, a: Array) -> Array:
        self.save(a)
        return decomposed("linalg.svd", "svd", a, compute_uv=False)  # type: ignore[no-any-return]

    def backward(self, grad: Any) -> Any:
        u, _, vh = SVD.apply(*self.saved, False)
        return (u * unsqueeze(grad, -2)) @ vh


@checked
def svdvals(A: Tensor, *, driver: str | None = None, out: Any = None) -> Tensor:
    """Return the singular values, in descending order."""
    require_matrices("linalg.svd", A, False)
    _no_driver(driver)
    return SingularValues.apply(A)  # type: ignore[no-any-return]


# --- eigenvalues ---------------------------------------------------------------------------------


class Eigh(Operation):
    """w and V with A V = V w, A Hermitian.  Gradient: V (Vᴴ gV / E + gw) Vᴴ, E_ij = w_j - w_i.

    Saves both.

    Source: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation" (2008).
    """

    backward_name = "LinalgEigh"
    holomorphic = False

    def forward(self, a: Array, triangle: str) -> tuple[Array, Array]:
        w, v = decomposed("linalg.eigh", "eigh", a, triangle)
        self.save(w, v, array_module(a).eye(w.shape[-1], dtype=w.dtype))
        return w, v

    def backward(self, grad_w: Any, grad_v: Any) -> Any:
        w, v, ones = self.saved
        gaps = unsqueeze(w, -2) - unsqueeze(w, -1) + ones
        turned = adjoint(v) @ grad_v
        if v.dtype.kind == "c":
            _refuse_phases("linalg_eigh_backward: The eigen", _QUANTITY, imag(_diagonals(turned)))
        inner = turned * (1 - ones) / gaps + diag_embed(grad_w)
        return v @ inner @ adjoint(v), None


def _triangle(UPLO: str) -> str:
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@checked
def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> EigenvaluesAndVectors:
    """Return eigenvalues, in ascending order, and eigenvectors of symmetric or Hermitian matrices.

    Of A, only the lower triangle is looked at; or with ``UPLO`` "U", the upper one.
    """
    require_matrices("linalg.eigh", A)
    return EigenvaluesAndVectors(*Eigh.apply(A, _triangle(UPLO)))


class EigenvaluesOfHermitian(Operation):
    """w alone.  Gradient: V g Vᴴ, for which the vectors are computed then.  Saves A."""

    backward_name = "LinalgEigh"

    def forward(self, a: Array, triangle: str) -> Array:
        self.triangle = triangle
        self.save(a)
        return decomposed("linalg.eigh", "eigvalsh", a, triangle)  # type: ignore[no-any-return]

    def backward(self, grad: Any) -> Any:
        _, v = Eigh.apply(*self.saved, self.triangle)
        return (v * unsqueeze(grad, -2)) @ adjoint(v), None


@checked
def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Tensor:
    """Return the eigenvalues of symmetric or Hermitian matrices, as :func:`eigh` does."""
    require_matrices("linalg.eigh", A)
    return EigenvaluesOfHermitian.apply(A, _triangle(UPLO))  # type: ignore[no-any-return]


def _complex(a: Array) -> Any:
    return complex128 if a.real.dtype == float64 else complex64


def _require_finite(function: str, a: Array) -> None:
    if not array_module(a).isfinite(a).all():
        raise RuntimeError(
            f"torch.linalg.{function}: input tensor should not contain infs or NaNs."
        )


class Eig(Operation):
    """λ and V with A V = V λ, columns of length 1.

    Gradient: V⁻ᴴ ((X - Vᴴ V Re(diag X)) / Eᴴ + gλ) Vᴴ with X = Vᴴ gV and E_ij = λ_j - λ_i.  Saves
    both.

    Source: Boeddeker et al., "On the computation of complex-valued gradients with application to
    statistically optimum beamforming" (2017).
    """

    backward_name = "LinalgEig"
    holomorphic = False

    def forward(self, a: Array) -> tuple[Array, Array]:
        _require_finite("eig", a)
        w, v = decomposed("linalg.eig", "eig", a)
        w, v = w.astype(_complex(a), copy=False), v.astype(_complex(a), copy=False)
        self.save(w, v, array_module(a).eye(w.shape[-1], dtype=w.real.dtype))
        return w, v

    def backward(self, grad_w: Any, grad_v: Any) -> Any:
        w, v, ones = self.saved
        vh = adjoint(v)
        turned = vh @ grad_v
        lengths = real(_diagonals(turned))
        _refuse_phases("linalg_eig_backward: The eigen", _QUANTITY, imag(_diagonals(turned)))
        gaps = conj(unsqueeze(w, -2) - unsqueeze(w, -1)) + ones
        inner = (turned - (vh @ v) * unsqueeze(lengths, -2)) * (1 - ones) / gaps
        return solve(vh, (inner + diag_embed(grad_w)) @ vh)


@checked
def eig(A: Tensor, *, out: Any = None) -> EigenvaluesAndVectors:
    """Return eigenvalues and eigenvectors of square matrices, complex, in LAPACK's order."""
    require_matrices("linalg.eig", A)
    return EigenvaluesAndVectors(*Eig.apply(A))


class Eigenvalues(Operation):
    """λ alone.  Gradient: V⁻ᴴ g Vᴴ, for which the vectors are computed then.  Saves A."""

    backward_name = "LinalgEig"
    holomorphic = False

    def forward(self, a: Array) -> Array:
        _require_finite("eigvals", a)
        self.save(a)
        return decomposed("linalg.eig", "eigvals", a).astype(_complex(a))  # type: ignore[no-any-return]

    def backward(self, grad: Any) -> Any:
        vh = adjoint(Eig.apply(*self.saved)[1])
        return solve(vh, unsqueeze(grad, -1) * vh)


@checked
def eigvals(A: Tensor, *, out: Any = None) -> Tensor:
    """Return the eigenvalues of square matrices, complex, in LAPACK's order."""
    require_matrices("linalg.eigvals", A)
    return Eigenvalues.apply(A)  # type: ignore[no-any-return]


# --- Householder's reflections -------------------------------------------------------------------


@checked
def householder_product(A: Tensor, tau: Tensor, *, out: Any = None) -> Tensor:
    """Return the first columns of H_1 H_2 …, H_i = 1 - tau_i v_i v_iᴴ, v_i below A's diagonal.

    Args:
        A: (…, m, n), m at least n.
        tau: (…, k), k at most n.
    """
    function = "torch.linalg.householder_product"
    if A.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    require_matrices(function, A, False)
    (m, n), batch = A.shape[-2:], list(tau.shape[:-1])
    if m < n:
        raise RuntimeError(
            f"{function}: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if tau.ndim and n < tau.shape[-1]:
        raise RuntimeError(
            f"{function}: input.shape[-1] must be greater than or equal to tau.shape[-1]"
        )
    if tau.ndim != A.ndim - 1:
        raise RuntimeError(
            f"{function}: Expected tau to have one dimension less than input, but got tau.ndim "
            f"equal to {tau.ndim} and input.ndim is equal to {A.ndim}"
        )
    if batch != list(A.shape[:-2]):
        raise RuntimeError(
            f"{function}: Expected batch dimensions of tau to be equal to input.shape[:-2], but "
            f"got {batch}"
        )
    ones = identity(A, m)
    columns, product = tril(A, -1) + narrow(ones, -1, 0, n), narrow(ones, -1, 0, n)
    for i in reversed(range(tau.shape[-1])):
        v = narrow(columns, -1, i, 1)
        product = product - unsqueeze(narrow(tau, -1, i, 1), -1) * v @ (adjoint(v) @ product)
    return product  # type: ignore[no-any-return]
