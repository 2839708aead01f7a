"""Systems of equations: triangular ones, factors L U, solutions, inverses, determinants.

All take batches of matrices, in the last two dimensions. ``g`` is the gradient of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd import Operation, no_grad
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import int32, type_name
from tinygrad_adam.ops.arguments import checked, common_shape
from tinygrad_adam.ops.complex_parts import conj, imag
from tinygrad_adam.ops.elementwise import log, masked_fill
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.reductions import sum
from tinygrad_adam.ops.shapes import (
    narrow,
    reshape,
    squeeze,
    transpose,
    tril,
    triu,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class LinAlgError(RuntimeError):
    """A matrix lacks what was asked for: an inverse, a factor, eigenvalues that can be found."""


class SignAndLogarithm(NamedTuple):
    """A determinant: its sign (for complex numbers, its phase), and the log of its size."""

    sign: Any
    logabsdet: Any


class InverseAndInfo(NamedTuple):
    """Inverses, and for each matrix 0, or the diagonal element of U that is 0."""

    inverse: Any
    info: Any


class ResultAndInfo(NamedTuple):
    """Solutions, and for each matrix 0, or the diagonal element of U that is 0."""

    result: Any
    info: Any


class FactorsLU(NamedTuple):
    """L below the diagonal and U, in one matrix; which rows were swapped, counted from 1."""

    LU: Any
    pivots: Any


class FactorsLUAndInfo(NamedTuple):
    """As :class:`FactorsLU`, and for each matrix 0, or the diagonal element of U that is 0."""

    LU: Any
    pivots: Any
    info: Any


class FactorsPLU(NamedTuple):
    """A = P L U: a permutation, a lower triangle with ones on its diagonal, an upper one."""

    P: Any
    L: Any
    U: Any


# --- what all of them need -----------------------------------------------------------------------


def require_matrices(function: str, a: Any, square: bool = True, name: str = "A") -> None:
    """Raise unless ``a`` is a batch of matrices, of numbers that LAPACK computes with."""
    if a.dtype.kind not in "fc":
        raise RuntimeError(
            f"{function}: Expected a floating point or complex tensor as input. Got "
            f"{type_name(a.dtype)}\n  Convert it, as in x.float()"
        )
    if a.ndim < 2:
        raise RuntimeError(
            f"{function}: The input tensor {name} must have at least 2 dimensions."
            f"\n  It has the shape {list(a.shape)}"
        )
    if a.dtype.itemsize < 4:
        raise NotImplementedError(
            f"{function}: Low precision dtypes not supported. Got {type_name(a.dtype)}"
            "\n  Convert it, as in x.float()"
        )
    if square and a.shape[-2] != a.shape[-1]:
        rows, columns = a.shape[-2:]
        raise RuntimeError(
            f"{function}: {name} must be batches of square matrices, but they are {rows} by "
            f"{columns} matrices"
        )


def require_equation(function: str, a: Any, b: Any, left: bool) -> None:
    """Raise unless A X = B, or X A = B, can be asked of these."""
    require_matrices(function, a)
    require_matrices(function, b, False, "B")
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"{function}: Expected A and B to have the same dtype, but found A of type "
            f"{type_name(a.dtype)} and B of type {type_name(b.dtype)} instead"
        )
    if a.shape[-1] != b.shape[-2 if left else -1]:
        equation = "AX = B" if left else "XA = B"
        sizes = ["x".join(map(str, x.shape[-2:])) for x in (a, b)]
        raise RuntimeError(
            f"{function}: Incompatible shapes of A and B for the equation {equation} "
            f"({sizes[0]} and {sizes[1]})"
        )


def mt(x: Any) -> Any:
    """Return transposed matrices."""
    return transpose(x, -2, -1)


def adjoint(x: Any) -> Any:
    """Return conjugate transposed matrices."""
    return transpose(conj(x), -2, -1)


class Identity(Operation):
    """Ones on the diagonal of n x n matrices, in the batches and dtype of x.  No gradient."""

    def forward(self, x: Array, n: int) -> Array:
        xp = array_module(x)
        return xp.broadcast_to(xp.eye(n, dtype=x.dtype), (*x.shape[:-2], n, n)).copy()


def identity(x: Any, n: int) -> Any:
    """Return n x n identity matrices, as many as ``x`` has matrices, of its dtype."""
    with no_grad():
        return Identity.apply(x, n)


def one_by_one(
    compute: Callable[..., Array], failing: Callable[[Array], int], *arrays: Array
) -> tuple[Array, Array]:
    """Return ``compute(*arrays)``, and for each matrix 0, or where it fails.

    NumPy refuses a batch because of one matrix; here that one gets NaN, and what ``failing`` says.
    """
    xp = array_module(arrays[0])
    batch = common_shape(*[x.shape[:-2] for x in arrays])
    try:
        return compute(*arrays), xp.zeros(batch, int32)
    except np.linalg.LinAlgError:
        pass
    flat = [xp.broadcast_to(x, batch + x.shape[-2:]).reshape(-1, *x.shape[-2:]) for x in arrays]
    results, info = [], []
    for matrices in zip(*flat):
        try:
            results.append(compute(*matrices))
            info.append(0)
        except np.linalg.LinAlgError:
            results.append(xp.full_like(matrices[-1], math.nan))
            info.append(failing(matrices[0]))
    shape = batch + arrays[-1].shape[-2:]
    return xp.stack(results).reshape(shape), xp.array(info, int32).reshape(batch)


def require_success(text: str, info: Array, kind: type[RuntimeError] = LinAlgError) -> None:
    """Raise ``text``, with the place of the first failure in it, unless there is none."""
    if info.any():
        first = int((info.ravel() != 0).argmax())
        where = f"(Batch element {first}): " if info.ndim else ""
        raise kind(text.format(where, int(info.ravel()[first])))


# --- triangles -----------------------------------------------------------------------------------


def _substitute(xp: Any, a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """Solve by halves: the one half that does not depend on the other, then that."""
    n = a.shape[-1]
    if n == 0:
        return xp.zeros(common_shape(a.shape[:-2], b.shape[:-2]) + b.shape[-2:], b.dtype)
    if n == 1:
        return b / (xp.ones_like(a) if unit else a)
    halves = [slice(n // 2), slice(n // 2, None)]
    one, two = halves[::-1] if upper else halves
    x = _substitute(xp, a[..., one, one], b[..., one, :], upper, unit)
    rest = b[..., two, :] - a[..., two, one] @ x
    y = _substitute(xp, a[..., two, two], rest, upper, unit)
    return xp.concatenate((y, x) if upper else (x, y), axis=-2)


class SolveTriangular(Operation):
    """X with A X = B, A triangular.  Gradient: dB = A⁻ᵀ g, dA the triangle of -dB Xᵀ.

    With ``unit``, what stands on the diagonal is taken for ones.  Saves A and X.
    """

    backward_name = "LinalgSolveTriangular"

    def forward(self, a: Array, b: Array, upper: bool, unit: bool) -> Array:
        xp = array_module(a)
        with np.errstate(divide="ignore", invalid="ignore"):
            x = _substitute(xp, a, b, upper, unit)
        self.options = upper, unit
        self.save(a, x)
        return x

    def backward(self, grad: Any) -> Any:
        a, x = self.saved
        upper, unit = self.options
        grad_b = SolveTriangular.apply(mt(a), grad, not upper, unit)
        product = grad_b @ mt(x)
        grad_a = triu(product, int(unit)) if upper else tril(product, -int(unit))
        return -grad_a, grad_b, None, None


@checked
def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Any = None,
) -> Tensor:
    """Return X with A X = B, where only the upper or the lower triangle of A is looked at.

    Or X with X A = B, if not ``left``. Where the diagonal has a 0 the result has inf or NaN.
    """
    require_equation("linalg.solve_triangular", A, B, left)
    if not left:
        return mt(SolveTriangular.apply(mt(A), mt(B), not upper, unitriangular))
    return SolveTriangular.apply(A, B, upper, unitriangular)


# --- L U -----------------------------------------------------------------------------------------


def _factors(xp: Any, a: Array) -> tuple[Array, Array, Array]:
    """Return L and U in one matrix, the pivots, and the order of the rows, by elimination."""
    m, n = a.shape[-2:]
    lu = a.reshape(math.prod(a.shape[:-2]), m, n).copy()
    every = xp.arange(len(lu))
    order = xp.broadcast_to(xp.arange(m), (len(lu), m)).copy()
    pivots = xp.zeros((len(lu), min(m, n)), int32)
    for i in range(min(m, n)):
        column = lu[:, i:, i]
        best = i + (abs(column.real) + abs(column.imag)).argmax(-1)  # as LAPACK compares
        pivots[:, i] = best + 1
        for rows in (lu, order):
            rows[every, best], rows[:, i] = rows[:, i].copy(), rows[every, best]
        pivot = lu[:, i, i][:, None]
        lu[:, i + 1 :, i] /= xp.where(pivot == 0, 1, pivot)
        lu[:, i + 1 :, i + 1 :] -= lu[:, i + 1 :, i, None] * lu[:, i, None, i + 1 :]
    return lu.reshape(a.shape), pivots.reshape(*a.shape[:-2], min(m, n)), order


def _zero_pivots(xp: Any, lu: Array) -> Array:
    """Return, for each matrix, the first diagonal element of U that is 0, counted from 1; or 0."""
    zero = xp.diagonal(lu, axis1=-2, axis2=-1) == 0
    if not zero.shape[-1]:
        return xp.zeros(zero.shape[:-1], int32)
    return xp.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(int32)


def _zero_pivot(a: Array) -> int:
    xp = array_module(a)
    return int(_zero_pivots(xp, _factors(xp, a)[0])) or a.shape[-1]


class LuFactor(Operation):
    """L below the diagonal and U, with P L U = A; the pivots; where U has a 0 on its diagonal.

    Gradient, for square matrices: P L⁻ᵀ Φ U⁻ᵀ with Φ = tril(Lᵀ gL, -1) + triu(gU Uᵀ). What a matrix
    has beside its square part depends on L, or on U, alone.  Saves the factors and P.

    Source: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation" (2008), whose method gives the formula.
    """

    backward_name = "LinalgLuFactorEx"

    def forward(self, a: Array, name: str) -> tuple[Array, Array, Array]:
        xp = array_module(a)
        lu, pivots, order = _factors(xp, a)
        info = _zero_pivots(xp, lu)
        if name:
            text = (
                f"torch.linalg.{name}: {{0}}U[{{1}},{{1}}] is zero and using it on lu_solve would "
                "result in a division by zero. If you still want to perform the factorization, "
                "consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
            )
            require_success(text, info, RuntimeError)
        self.save(lu, _matrices_of(xp, order, a))
        return lu, pivots, info

    def backward(self, grad: Any, *_: Any) -> Any:
        lu, p = self.saved
        m, n = lu.shape[-2:]
        k = min(m, n)
        square, grad_square = [narrow(narrow(x, -2, 0, k), -1, 0, k) for x in (lu, grad)]
        grad_l, grad_u = tril(grad_square, -1), triu(grad_square)
        beside: list[Any] = []
        if n > k:
            right, grad_right = [narrow(x, -1, k, n - k) for x in (lu, grad)]
            beside = [SolveTriangular.apply(mt(square), grad_right, True, True)]
            grad_l = grad_l - tril(beside[0] @ mt(right), -1)
        if m > k:
            below, grad_below = [narrow(x, -2, k, m - k) for x in (lu, grad)]
            beside = [mt(SolveTriangular.apply(square, mt(grad_below), True, False))]
            grad_u = grad_u - triu(mt(below) @ beside[0])
        lower, upper = tril(square, -1), triu(square)
        phi = tril(grad_l + mt(lower) @ grad_l, -1) + triu(grad_u @ mt(upper))
        half = SolveTriangular.apply(mt(square), phi, True, True)
        whole = mt(SolveTriangular.apply(square, mt(half), True, False))
        return p @ cat([whole, *beside], -1 if n > k else -2), None


def _matrices_of(xp: Any, order: Array, a: Array) -> Array:
    """Return the permutations P for which the rows of P L U are those of A in this order."""
    m = a.shape[-2]
    ones = xp.arange(m)[:, None] == order[:, None, :]
    return ones.astype(a.dtype).reshape(*a.shape[:-2], m, m)


class Permutation(Operation):
    """The matrix P of the rows swapped with the pivots.  No gradient."""

    def forward(self, pivots: Array, lu: Array) -> Array:
        xp = array_module(pivots)
        swaps = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
        every = xp.arange(len(swaps))
        order = xp.broadcast_to(xp.arange(lu.shape[-2]), (len(swaps), lu.shape[-2])).copy()
        for i in range(swaps.shape[1]):
            best = swaps[:, i] - 1
            order[every, best], order[:, i] = order[:, i].copy(), order[every, best]
        return _matrices_of(xp, order, lu)


def permutation(pivots: Any, lu: Any) -> Any:
    """Return the matrices P of pivots, in the dtype of their factors."""
    with no_grad():
        return Permutation.apply(pivots, lu)


def lu_factored(A: Any, pivot: bool, name: str, of: str = "torch.lu_factor") -> FactorsLUAndInfo:
    """Return the factors of matrices; raise for a 0 on the diagonal of U if there is a ``name``."""
    if A.ndim < 2:
        raise RuntimeError(
            f"{of}: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead"
        )
    require_matrices("linalg.lu_factor", A, False)
    if not pivot:
        raise RuntimeError(
            "linalg.lu_factor: LU without pivoting is not implemented on the CPU\n"
            "  Leave out pivot=False: rows are swapped for accuracy"
        )
    return FactorsLUAndInfo(*LuFactor.apply(A, name))


@checked
def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> FactorsLU:
    """Return L and U in one matrix, with P L U = A, and the pivots, int32, counted from 1.

    Raises:
        RuntimeError: U has a 0 on its diagonal; or not ``pivot``.
    """
    return FactorsLU(*lu_factored(A, pivot, "lu_factor")[:2])


@checked
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> FactorsLUAndInfo:
    """Return what :func:`lu_factor` does, and where U has its first 0, counted from 1; or 0."""
    return lu_factored(A, pivot, "lu_factor_ex" if check_errors else "")


def unpacked(lu: Any, pivots: Any) -> FactorsPLU:
    """Return P, L and U of the factors in one matrix, and pivots."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    lower = tril(narrow(lu, -1, 0, k), -1)
    ones = identity(lower, max(m, k))
    return FactorsPLU(
        permutation(pivots, lu), lower + narrow(ones, -1, 0, k), triu(narrow(lu, -2, 0, k))
    )


@checked
def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> FactorsPLU:
    """Return P, L and U with P L U = A: for (m, n), of sizes (m, m), (m, k) and (k, n), k the less.

    Raises:
        RuntimeError: not ``pivot``.
    """
    return unpacked(*lu_factored(A, pivot, "", "linalg.lu")[:2])


@checked
def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Any = None,
) -> Tensor:
    """Return X with A X = B, given what :func:`lu_factor` gives for A.

    With ``adjoint``, Aᴴ X = B; if not ``left``, X A = B.
    """
    if pivots.dtype != int32:
        raise RuntimeError(
            "linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32"
            f"\n  It is {type_name(pivots.dtype)}"
        )
    require_equation("linalg.lu_solve", LU, B, left)
    if pivots.shape[-1:] != LU.shape[-1:]:
        raise RuntimeError(
            "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the "
            "matrix"
        )
    if not left:  # Aᴴ Xᴴ = Bᴴ
        b = conj(mt(B))
        return conj(mt(lu_solve(LU, pivots, b, adjoint=not adjoint)))
    p = permutation(pivots, LU)
    if not adjoint:
        half = SolveTriangular.apply(LU, mt(p) @ B, False, True)
        return SolveTriangular.apply(LU, half, True, False)
    flipped = conj(mt(LU))
    half = SolveTriangular.apply(flipped, B, False, False)
    return p @ SolveTriangular.apply(flipped, half, True, True)  # type: ignore[no-any-return]


# --- square systems ------------------------------------------------------------------------------


class Solve(Operation):
    """X with A X = B; and for each matrix 0, or where its U has a 0.

    Gradient: dB = A⁻ᵀ g, dA = -dB Xᵀ.  Saves A and X.
    """

    backward_name = "LinalgSolveEx"

    def forward(self, a: Array, b: Array, name: str) -> tuple[Array, Array]:
        x, info = one_by_one(array_module(a).linalg.solve, _zero_pivot, a, b)
        if name:
            text = f"{name}: {{0}}The solver failed because the input matrix is singular."
            require_success(text, info)
        self.save(a, x)
        return x, info

    def backward(self, grad: Any, _: Any) -> Any:
        a, x = self.saved
        grad_b = Solve.apply(mt(a), grad, "")[0]
        return -(grad_b @ mt(x)), grad_b, None


def _solve(A: Any, B: Any, left: bool, name: str) -> ResultAndInfo:
    require_matrices("linalg.solve", A, False)
    vectors = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if vectors else B
    require_equation("linalg.solve", A, b, left or vectors)
    if vectors or left:
        x, info = Solve.apply(A if left else mt(A), b, name)
        return ResultAndInfo(squeeze(x, -1) if vectors else x, info)
    x, info = Solve.apply(mt(A), mt(b), name)
    return ResultAndInfo(mt(x), info)


@checked
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Any = None) -> Tensor:
    """Return X with A X = B, or X A = B if not ``left``; B may be one vector for each matrix.

    Raises:
        LinAlgError: A is singular.
    """
    return _solve(A, B, left, "torch.linalg.solve")[0]  # type: ignore[no-any-return]


@checked
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> ResultAndInfo:
    """Return what :func:`solve` does, and for each matrix where U has its first 0, or 0."""
    return _solve(A, B, left, "torch.linalg.solve_ex" if check_errors else "")


class Inv(Operation):
    """The inverse A⁻¹; and for each matrix 0, or where its U has a 0.

    Gradient: -A⁻ᵀ g A⁻ᵀ.  Saves the inverse.
    """

    backward_name = "LinalgInvEx"

    def forward(self, a: Array, name: str) -> tuple[Array, Array]:
        y, info = one_by_one(array_module(a).linalg.inv, _zero_pivot, a)
        if name:
            text = (
                f"{name}: {{}}The diagonal element {{}} is zero, the inversion could not be "
                "completed because the input matrix is singular."
            )
            require_success(text, info)
        self.save(y)
        return y, info

    def backward(self, grad: Any, _: Any) -> Any:
        y = mt(self.saved[0])
        return -(y @ grad @ y), None


@checked
def inv(A: Tensor, *, out: Any = None) -> Tensor:
    """Return the inverses of square matrices.

    Raises:
        LinAlgError: one is singular.
    """
    require_matrices("linalg.inv", A)
    return Inv.apply(A, "linalg.inv")[0]  # type: ignore[no-any-return]


@checked
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> InverseAndInfo:
    """Return inverses, and for each matrix where its U has the first 0, counted from 1; or 0."""
    require_matrices("linalg.inv", A)
    return InverseAndInfo(*Inv.apply(A, "linalg.inv_ex" if check_errors else ""))


# --- determinants --------------------------------------------------------------------------------


class Det(Operation):
    """The determinant.  Gradient: g times the cofactors.  Saves A."""

    backward_name = "LinalgDet"

    def forward(self, a: Array) -> Array:
        self.save(a)
        return array_module(a).linalg.det(a)

    def backward(self, grad: Any) -> Any:
        return reshape(grad, (*grad.shape, 1, 1)) * Cofactors.apply(*self.saved)


class Cofactors(Operation):
    """det(A) A⁻ᵀ, by singular values: also for an A that has no inverse.

    Gradient, with C for the result: Σ (g C) A⁻ᵀ - C gᵀ A⁻ᵀ, if there is an inverse.  Saves A and C.
    """

    def forward(self, a: Array) -> Array:
        xp = array_module(a)
        n = a.shape[-1]
        u, s, vh = xp.linalg.svd(a)
        others = xp.where(xp.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
        phase = (xp.linalg.det(u) * xp.linalg.det(vh))[..., None, None]
        y = phase * ((u.conj() * others[..., None, :]) @ vh.conj())
        self.save(a, y)
        return y

    def backward(self, grad: Any) -> Any:
        a, y = self.saved
        inverse = mt(Inv.apply(a, "linalg.inv")[0])
        return sum(grad * y, (-2, -1), True) * inverse - y @ mt(grad) @ inverse


@checked
def det(A: Tensor, *, out: Any = None) -> Tensor:
    """Return the determinants of square matrices."""
    require_matrices("linalg.det", A)
    return Det.apply(A)  # type: ignore[no-any-return]


class Slogdet(Operation):
    """Sign and log |det A|.  Saves A and the sign.

    Gradient: (g_log + i Im(g_sign conj(sign))) A⁻ᴴ; the sign of real numbers has no slope.
    """

    backward_name = "LinalgSlogdet"
    holomorphic = False

    def forward(self, a: Array) -> tuple[Array, Array]:
        sign, logarithm = array_module(a).linalg.slogdet(a)
        self.save(a, sign)
        return sign, logarithm

    def backward(self, grad_sign: Any, grad: Any) -> Any:
        a, sign = self.saved
        if sign.dtype.kind == "c":
            grad = grad + 1j * imag(grad_sign * conj(sign))
        return reshape(grad, (*grad.shape, 1, 1)) * adjoint(Inv.apply(a, "")[0])


@checked
def slogdet(A: Tensor, *, out: Any = None) -> SignAndLogarithm:
    """Return signs and logarithms of the sizes of determinants; 0 and -inf of a singular matrix."""
    require_matrices("linalg.slogdet", A)
    return SignAndLogarithm(*Slogdet.apply(A))


@checked
def logdet(input: Tensor) -> Tensor:
    """Return the logarithms of determinants: NaN where one is negative, -inf where it is 0."""
    require_matrices("logdet", input)
    sign, logarithm = Slogdet.apply(input)
    if sign.dtype.kind == "c":
        return logarithm + log(sign)  # type: ignore[no-any-return]
    return masked_fill(logarithm, sign < 0, math.nan)


# --- with a factor of Cholesky -------------------------------------------------------------------


@checked
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    """Return X with A X = B, given L with L Lᴴ = A; or with ``upper``, Lᴴ L = A."""
    require_matrices("cholesky_solve", L, name="A")
    require_matrices("cholesky_solve", B, False, "b")
    if B.shape[-2] != L.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {L.shape[-1]} by "
            f"{L.shape[-1]} but each b matrix is {B.shape[-2]} by {B.shape[-1]}"
        )
    lower = adjoint(L) if upper else L
    half = SolveTriangular.apply(lower, B, False, False)
    return SolveTriangular.apply(adjoint(lower), half, True, False)  # type: ignore[no-any-return]


@checked
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    """Return A⁻¹, given L with L Lᴴ = A; or with ``upper``, Lᴴ L = A."""
    require_matrices("cholesky_inverse", L)
    return cholesky_solve(identity(L, L.shape[-1]), L, upper)
