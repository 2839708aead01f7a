"""Functions of matrices: norms, ranks, pseudoinverses, powers, products; batches of each.

``g`` is the gradient of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_adam.autograd import Operation, no_grad
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import as_dtype, c_type_name, int64, type_name
from tinygrad_adam.ops.arguments import (
    Dim,
    Number,
    all_ints,
    checked,
    normalize_dim,
    normalize_dims,
    tensor_list,
)
from tinygrad_adam.ops.complex_parts import conj
from tinygrad_adam.ops.decompositions import decomposed, svdvals
from tinygrad_adam.ops.elementwise import abs, masked_fill, pow, square
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.ops.linalg import matmul
from tinygrad_adam.ops.linalg import norm as norm_of_elements
from tinygrad_adam.ops.reductions import amax, amin, cumprod, sum
from tinygrad_adam.ops.reductions import vector_norm as norm_of_vectors
from tinygrad_adam.ops.shapes import (
    cast,
    expand,
    movedim,
    narrow,
    reshape,
    roll,
    squeeze,
    unsqueeze,
)
from tinygrad_adam.ops.shapes import diagonal as diagonal_of
from tinygrad_adam.ops.systems import Inv, adjoint, identity, inv, mt, require_matrices, solve

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class LeastSquares(NamedTuple):
    """Solutions, squared distances, ranks and singular values; those that a driver finds."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


# --- norms ---------------------------------------------------------------------------------------


@checked
def vector_norm(
    x: Tensor,
    ord: Number = 2,
    dim: Dim | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return (Σ |x|ᵖ)^(1/p) over all elements or along ``dim``, for a number p = ``ord``."""
    return norm_of_vectors(x, ord, dim, keepdim, dtype)


@checked
def matrix_norm(
    A: Tensor,
    ord: Number | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return norms of matrices, in the two dimensions ``dim``.

    Args:
        A: the matrices.
        ord: "fro" for the square root of the sum of squares, "nuc" for the sum of singular values,
            2 and -2 for the largest and the smallest of them, inf and -inf for the largest and the
            smallest sum of sizes along a row, 1 and -1 along a column.
        dim: rows and columns.
        keepdim: keep them, with size 1.
        dtype: convert to it first.
    """
    x = A if dtype is None else cast(A, as_dtype(dtype))
    function = "linalg.matrix_norm"
    if x.ndim < 2 or x.dtype.kind not in "fc":
        require_matrices(function, x, False)
    dim = all_ints("matrix_norm(): argument 'dim' (position 3)", dim)
    if len(dim) != 2:
        raise RuntimeError(f"{function}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    dims = [d % x.ndim for d in dim if -x.ndim <= d < x.ndim]
    if len(dims) == 2 and dims[0] == dims[1]:
        raise RuntimeError(f"{function}: dims must be different. Got ({dim[0]}, {dim[1]})")
    dims = list(normalize_dims(dim, x.ndim))
    if ord in ("fro", "nuc"):
        return norm_of_elements(x, ord, tuple(dims), keepdim)
    if isinstance(ord, str) or math.fabs(ord) not in (1, 2, math.inf):
        raise RuntimeError(
            f"{function}: Order {ord} not supported.\n  Take 'fro', 'nuc', or 1, 2, inf, or one of "
            "these with a minus sign"
        )
    x = movedim(x, tuple(dims), (-2, -1))
    values = svdvals(x) if math.fabs(ord) == 2 else sum(abs(x), -2 if math.fabs(ord) == 1 else -1)
    if ord > 0:
        result = amax(values, -1) if values.shape[-1] else sum(values, -1)
    else:
        result = amin(values, -1)
    for d in sorted(dims) if keepdim else ():
        result = unsqueeze(result, d)
    return result


@checked
def norm(
    A: Tensor,
    ord: Number | str | None = None,
    dim: Dim | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Tensor:
    """Return the norm of vectors or matrices, by the number of dimensions of which it is one.

    Without ``ord``, the square root of the sum of squares, over any ``dim``. With it, that of a
    vector (:func:`vector_norm`) for one dimension, of a matrix (:func:`matrix_norm`) for two.
    """
    if ord is None:
        return norm_of_vectors(A, 2, dim, keepdim, dtype)
    dims = (dim,) if isinstance(dim, int) else dim
    dims = dims and all_ints("norm(): argument 'dim' (position 3)", dims)
    if dims is None:
        if A.ndim not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{A.ndim}D."
            )
        dims = tuple(range(A.ndim))
    elif len(dims) not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is specified, it must be of length 1 or 2. Got "
            f"[{', '.join(map(str, dims))}]"
        )
    if len(dims) == 1 and not isinstance(ord, str):
        return norm_of_vectors(A, ord, dims, keepdim, dtype)
    return matrix_norm(A, ord, dims, keepdim, dtype=dtype)


@checked
def cond(A: Tensor, p: Number | str | None = None, *, out: Any = None) -> Tensor:
    """Return how much matrices enlarge errors: ‖A‖ ‖A⁻¹‖ in a norm of :func:`matrix_norm`, or inf.

    For 2 (None) and -2, of matrices that need not be square, from their singular values.
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p not in (None, "fro", "nuc") and (
        isinstance(p, str) or math.fabs(p) not in (1, 2, math.inf)
    ):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if p in (None, 2, -2):
        s = svdvals(A)
        if not s.shape[-1]:
            return sum(s, -1)
        ends = narrow(s, -1, 0, 1), narrow(s, -1, s.shape[-1] - 1, 1)
        return squeeze(ends[1] / ends[0] if p == -2 else ends[0] / ends[1], -1)
    require_matrices(f"linalg.cond(ord={p})", A)
    inverse, info = Inv.apply(A, "")
    singular = info > 0
    inverse = masked_fill(inverse, reshape(singular, (*info.shape, 1, 1)), 0)
    return masked_fill(matrix_norm(A, p) * matrix_norm(inverse, p), singular, math.inf)


# --- ranks and pseudoinverses --------------------------------------------------------------------


def _tolerance(xp: Any, sizes: Array, shape: tuple[int, ...], atol: Any, rtol: Any) -> Array:
    """Return how small a singular value counts as 0, a column for a column of matrices."""
    if rtol is None:
        nonzero = atol is not None and (atol > 0 if hasattr(atol, "dtype") else float(atol) > 0)
        default = float(xp.finfo(sizes.dtype).eps) * max(shape[-2:])
        rtol = (
            xp.where(nonzero, 0.0, default)
            if hasattr(nonzero, "dtype")
            else default * (not nonzero)
        )
    atol, rtol = [xp.asarray(0.0 if x is None else x, float)[..., None] for x in (atol, rtol)]
    largest = sizes.max(-1, keepdims=True) if sizes.shape[-1] else xp.zeros((), sizes.dtype)
    return xp.maximum(atol, rtol * largest)


class MatrixRank(Operation):
    """How many singular values are larger than a tolerance, int64.  No gradient."""

    def forward(self, a: Array, atol: Any, rtol: Any, hermitian: bool) -> Array:
        xp = array_module(a)
        if hermitian:
            sizes = abs(decomposed("linalg.eigh", "eigvalsh", a))
        else:
            sizes = decomposed("linalg.svd", "svd", a, compute_uv=False)
        return (sizes > _tolerance(xp, sizes, a.shape, atol, rtol)).sum(-1, dtype=int64)


@checked
def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Any = None,
) -> Tensor:
    """Return how many singular values are larger than max(atol, rtol · the largest), int64.

    Args:
        A: matrices; if ``hermitian``, Hermitian ones, whose lower triangles are looked at.
        tol: the tolerance itself, in NumPy's manner.
        hermitian: see ``A``.
        atol: a number or a tensor, one for each matrix; 0.
        rtol: the same; max(m, n) times the machine precision, or 0 if there is an ``atol``.
    """
    if A.ndim < 2:
        raise RuntimeError(
            "torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions."
        )
    if A.dtype.kind not in "fc" or A.dtype.itemsize < 4:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if hermitian:
        require_matrices("linalg.eigh", A)
    if tol is not None:
        atol, rtol = tol, 0.0
    with no_grad():
        return MatrixRank.apply(A, atol, rtol, hermitian)  # type: ignore[no-any-return]


class Pinv(Operation):
    """The pseudoinverse P of A.

    Gradient: -Pᴴ g Pᴴ + (1 - A P) gᴴ P Pᴴ + Pᴴ P gᴴ (1 - P A).  Saves A and P.

    Source: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
    problems whose variables separate" (1973).
    """

    holomorphic = False

    def forward(self, a: Array, atol: Any, rtol: Any, hermitian: bool) -> Array:
        xp = array_module(a)
        if hermitian:
            s, u = decomposed("linalg.eigh", "eigh", a)
            vh = u.swapaxes(-2, -1).conj()
        else:
            u, s, vh = decomposed("linalg.svd", "svd", a, full_matrices=False)
        small = abs(s) <= _tolerance(xp, abs(s), a.shape, atol, rtol)
        scaled = (1 / xp.where(small, xp.inf, s)).astype(s.dtype)[..., None]
        y = vh.swapaxes(-2, -1).conj() @ (scaled * u.swapaxes(-2, -1).conj())
        self.save(a, y)
        return y

    def backward(self, grad: Any) -> Any:
        a, p = self.saved
        ph, gh = adjoint(p), adjoint(grad)
        outside = gh @ p - a @ (p @ gh @ p)
        return outside @ ph + ph @ (p @ (gh - gh @ p @ a)) - ph @ grad @ ph, None, None, None


@checked
def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Any = None,
) -> Tensor:
    """Return pseudoinverses: of Hermitian matrices, if ``hermitian``.

    Singular values up to max(atol, rtol · the largest) count as 0; see :func:`matrix_rank`.
    ``rcond`` is another name of ``rtol``.
    """
    if A.ndim < 2 or A.dtype.kind not in "fc" or A.dtype.itemsize < 4:
        raise RuntimeError(
            f"linalg.pinv({type_name(A.dtype)}{{{list(A.shape)}}}): expected a tensor with "
            "2 or more dimensions of float, double, cfloat or cdouble types"
        )
    if hermitian:
        require_matrices("linalg.eigh", A)
    return Pinv.apply(A, atol, rcond if rtol is None else rtol, hermitian)  # type: ignore[no-any-return]


@checked
def lstsq(
    A: Tensor, B: Tensor, rcond: Number | None = None, *, driver: str | None = None
) -> LeastSquares:
    """Return the X that make ‖A X - B‖ least, and of these the smallest.

    Args:
        A: (…, m, n).
        B: (…, m, k); or (…, m), one vector for each matrix.
        rcond: singular values up to it times the largest count as 0; max(m, n) times the machine
            precision.
        driver: as LAPACK names them: "gelsy" finds the ranks; "gelsd" and "gelss" them and the
            singular values. These and "gels" find the residuals, if m > n and all have rank n. What
            is not found is empty.
    """
    function = "torch.linalg.lstsq"
    if A.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError(f"{function}: other must have at least 1 dimension.")
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"{function}: Expected input and other to have the same dtype, but got input's dtype "
            f"{type_name(A.dtype)} and other's dtype {type_name(B.dtype)}"
        )
    if A.dtype.kind not in "fc" or A.dtype.itemsize < 4:
        raise RuntimeError("This function doesn't handle types other than float and double")
    vectors = B.ndim == A.ndim - 1
    if A.shape[-2] != B.shape[-1 if vectors else -2]:
        of = -1 if vectors else -2
        raise RuntimeError(f"{function}: input.size(-2) should match other.size({of})")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"{function}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )
    b = unsqueeze(B, -1) if vectors else B
    solution = matmul(Pinv.apply(A, None, rcond, False), b)
    with no_grad():
        s, rank = svdvals(A), MatrixRank.apply(A, None, rcond, False)
        none, no_ranks = [narrow(reshape(x, (-1,)), 0, 0, 0) for x in (s, rank)]
    residuals, (m, n) = none, A.shape[-2:]
    if (
        m > n
        and driver in ("gels", "gelsd", "gelss")
        and (driver == "gels" or bool((rank == n).all()))
    ):
        residuals = sum(square(abs(matmul(A, solution) - b)), -2)
    return LeastSquares(
        squeeze(solution, -1) if vectors else solution,
        residuals,
        no_ranks if driver == "gels" else rank,
        s if driver in ("gelsd", "gelss") else none,
    )


# --- powers and products -------------------------------------------------------------------------


@checked
def matrix_power(A: Tensor, n: int, *, out: Any = None) -> Tensor:
    """Return Aⁿ of square matrices; for a negative n, the power of the inverse."""
    if A.dtype.kind in "fc" or A.ndim < 2 or A.shape[-2] != A.shape[-1]:
        require_matrices("linalg.matrix_power", A)
    if n < 0:
        return matrix_power(inv(A), -n)
    result = None if n else identity(A, A.shape[-1])
    while n:
        if n % 2:
            result = A if result is None else matmul(result, A)
        n //= 2
        A = matmul(A, A) if n else A
    return result if result is not A else A * 1  # type: ignore[return-value]


class MatrixExp(Operation):
    """1 + A + A²/2 + …  Gradient: the upper right block of exp of (Aᵀ, g; 0, Aᵀ).  Saves A.

    A rational function of A / 2ˢ, whose norm is at most 1/2, squared s times.

    Source: Golub and Van Loan, "Matrix Computations", section 9.3; for the gradient, Mathias, "A
    chain rule for matrix functions and applications" (1996).
    """

    backward_name = "LinalgMatrixExp"

    def forward(self, a: Array) -> Array:
        xp = array_module(a)
        self.save(a)
        size = float(abs(a).sum(-1).max()) if a.size else 0.0
        squarings = max(0, math.frexp(size)[1] + 1) if math.isfinite(size) else 0
        a = a / 2**squarings
        q, c = 8, 1.0
        power = xp.broadcast_to(xp.eye(a.shape[-1], dtype=a.dtype), a.shape)
        above, below = power, power
        for k in range(1, q + 1):
            c *= (q - k + 1) / (k * (2 * q - k + 1))
            power = a @ power
            above, below = above + c * power, below + (-1) ** k * c * power
        y = xp.linalg.solve(below, above)
        for _ in range(squarings):
            y = y @ y
        return y

    def backward(self, grad: Any) -> Any:
        a = mt(self.saved[0])
        n = a.shape[-1]
        blocks = cat([cat([a, grad], -1), cat([grad * 0, a], -1)], -2)
        return narrow(narrow(MatrixExp.apply(blocks), -2, 0, n), -1, n, n)


@checked
def matrix_exp(A: Tensor) -> Tensor:
    """Return the exponentials of square matrices, 1 + A + A²/2 + A³/6 + …"""
    require_matrices("linalg.matrix_exp", A)
    return MatrixExp.apply(A)  # type: ignore[no-any-return]


@checked
def multi_dot(tensors: Any, *, out: Any = None) -> Tensor:
    """Return the product of several matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors, a row and a column.
    """
    tensors = tensor_list("multi_dot", tensors)
    count = len(tensors)
    if count < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {count}")
    for i, x in enumerate(tensors):
        ends = i in (0, count - 1)
        if x.ndim != 2 and not (ends and x.ndim == 1):
            wanted = "1D or 2D" if ends else "2D"
            raise RuntimeError(f"multi_dot(): tensor {i} must be {wanted} but got {x.ndim}D")
        if x.dtype != tensors[0].dtype:
            raise RuntimeError(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{c_type_name(tensors[0].dtype)} and tensor {i} {c_type_name(x.dtype)}"
            )
    gone = [d for d, x in ((0, tensors[0]), (-1, tensors[-1])) if x.ndim == 1]
    if 0 in gone:
        tensors[0] = unsqueeze(tensors[0], 0)
    if -1 in gone:
        tensors[-1] = unsqueeze(tensors[-1], 1)
    for i, (x, y) in enumerate(pairwise(tensors)):
        if x.shape[1] != y.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(x.shape)} and "
                f"{list(y.shape)} cannot be multiplied"
            )
    sizes = [tensors[0].shape[0], *[x.shape[1] for x in tensors]]

    @cache
    def best(first: int, last: int) -> tuple[int, int]:
        """Return the fewest multiplications for a part of the chain, and where to cut it."""
        if first == last:
            return 0, first
        ends = sizes[first] * sizes[last + 1]
        return min(
            (best(first, cut)[0] + best(cut + 1, last)[0] + ends * sizes[cut + 1], cut)
            for cut in range(first, last)
        )

    def product(first: int, last: int) -> Any:
        cut = best(first, last)[1]
        if first == last:
            return tensors[first]
        return matmul(product(first, cut), product(cut + 1, last))

    return squeeze(product(0, count - 1), tuple(gone)) if gone else product(0, count - 1)


@checked
def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Any = None) -> Tensor:
    """Return the vectors, of 3 elements along ``dim``, that stand upright on two others."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    normalize_dim(dim, input.ndim)
    sizes = input.shape[dim], other.shape[dim]
    if sizes != (3, 3):
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and "
            f"{sizes[1]}"
        )
    (a1, a2), (b1, b2) = [[roll(x, -i, dim) for i in (1, 2)] for x in (input, other)]
    return a1 * b2 - a2 * b1


@checked
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Any = None) -> Tensor:
    """Return Σ conj(x) y along ``dim``."""
    if x.dtype != y.dtype:
        raise RuntimeError(
            "linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
            f"{type_name(x.dtype)} and y of type {type_name(y.dtype)} instead"
        )
    return sum(conj(x) * y, dim)


@checked
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return the powers x⁰ to x^(N-1) in a further dimension; as many as x has there without N."""
    if (x.ndim == 0 and N is None) or (N is not None and N <= 1):
        raise RuntimeError("N must be greater than 1.")
    x = x if x.ndim else unsqueeze(x, 0)
    column = unsqueeze(x, -1)
    count = x.shape[-1] if N is None else N
    ones = pow(column, 0)
    repeated = expand(column, (*x.shape, count - 1))
    return cumprod(cat([ones, repeated], -1), -1)


@checked
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return a view of the diagonals of matrices, in a last dimension."""
    return diagonal_of(A, offset, dim1, dim2)


def _require_square(behind: int, front: int, cut: str) -> None:
    """Raise unless a tensor has as many elements behind a dimension as in front of it."""
    if front != behind:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[{cut}:]) == "
            f"prod(self.shape[:{cut}]), but got {behind} != {front}"
        )


@checked
def tensorinv(A: Tensor, ind: int = 2, *, out: Any = None) -> Tensor:
    """Return the inverse of a tensor as a map from its dimensions behind ``ind`` to those before.

    The result has the former first: ``tensordot(tensorinv(A, ind), B, ind)`` is the solution of
    ``tensordot(A, X, ·) = B``.
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    n = math.prod(A.shape[:ind])
    _require_square(math.prod(A.shape[ind:]), n, "ind")
    require_matrices("inv", reshape(A, (n, n)))
    return reshape(Inv.apply(reshape(A, (n, n)), "inv")[0], (*A.shape[ind:], *A.shape[:ind]))


@checked
def tensorsolve(A: Tensor, B: Tensor, dims: Dim | None = None, *, out: Any = None) -> Tensor:
    """Return X with ``tensordot(A, X, X.ndim) = B``; ``dims`` of A are moved to its end first."""
    if dims is not None:
        moved = normalize_dims(dims, A.ndim)
        A = movedim(A, moved, tuple(range(A.ndim - len(moved), A.ndim)))
    n = math.prod(B.shape)
    _require_square(math.prod(A.shape[B.ndim :]), n, "other.ndim")
    x = solve(reshape(A, (n, n)), reshape(B, (n,)))
    return reshape(x, A.shape[B.ndim :])
