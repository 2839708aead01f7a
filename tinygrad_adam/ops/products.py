"""Products and distances that are made of the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.ops.arguments import (
    Choice,
    Number,
    checked,
    common_shape,
    fitted,
    is_tensor_here,
    normalize_dim,
    require_dimensions,
    tensor_list,
)
from tinygrad_adam.ops.complex_parts import conj
from tinygrad_adam.ops.elementwise import masked_fill, square, where
from tinygrad_adam.ops.linalg import bmm, dot, mm, norm, outer, plus_product
from tinygrad_adam.ops.reductions import sum, vector_norm
from tinygrad_adam.ops.shapes import (
    expand,
    permute,
    reshape,
    roll,
    transpose,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


@checked
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, out: Any = None) -> Tensor:
    """Return the sums of products over pairs of dimensions; what is left of a and b side by side.

    Args:
        a: a tensor.
        b: a tensor.
        dims: how many dimensions, the last of ``a`` and the first of ``b``; or a pair of lists, or
            a tensor of two rows, of those of each.
        out: a tensor for the result.

    Raises:
        RuntimeError: the dimensions or their sizes do not fit.
    """
    if is_tensor_here(dims):
        dims = dims.tolist() if dims.ndim else dims.item()
    dims = fitted("tensordot", "dims", "Dim", dims)
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}\n"
                f"  They have {a.ndim} and {b.ndim} dimensions"
            )
        dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    if len(dims) != 2:
        raise RuntimeError(f"tensordot expects a pair of lists of dimensions, not {len(dims)}")
    named = [fitted("tensordot", "dims", "Sequence[int]", each) for each in dims]
    if len(named[0]) != len(named[1]):
        raise RuntimeError("both dimension lists should have same length")
    for x, each in zip((a, b), named):
        for d in each:
            require_dimensions(x, d)
    mine, theirs = [[normalize_dim(d, x.ndim) for d in each] for x, each in zip((a, b), named)]
    for i, j in zip(mine, theirs):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                "contracted dimensions need to match, but first has size "
                f"{a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}"
            )
        if a.shape[i] != b.shape[j]:  # a size of 1 broadcasts: what it meets is summed up
            a, b = (a, sum(b, j, True)) if a.shape[i] == 1 else (sum(a, i, True), b)
    rows = [d for d in range(a.ndim) if d not in mine]
    columns = [d for d in range(b.ndim) if d not in theirs]
    inner = math.prod([a.shape[d] for d in mine])
    left = reshape(permute(a, (*rows, *mine)), (math.prod([a.shape[d] for d in rows]), inner))
    right = reshape(
        permute(b, (*theirs, *columns)), (inner, math.prod([b.shape[d] for d in columns]))
    )
    shape = [a.shape[d] for d in rows] + [b.shape[d] for d in columns]
    return reshape(mm(left, right), shape)


@checked
def kron(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return Kronecker's product: each element of ``input`` times all of ``other``."""
    ndim = max(input.ndim, other.ndim)
    a, b = [(1,) * (ndim - x.ndim) + tuple(x.shape) for x in (input, other)]
    left = reshape(input, [n for size in a for n in (size, 1)])
    right = reshape(other, [n for size in b for n in (1, size)])
    return reshape(left * right, [n * m for n, m in zip(a, b)])


@checked
def ger(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor:
    """Return :func:`outer`, by its old name."""
    return outer(input, vec2)


@checked
def vdot(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return the inner product of two vectors, the first one conjugated."""
    return dot(conj(input), other)


@checked
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """Return beta · input + alpha · the outer product. With beta = 0, input is ignored."""
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return plus_product(input, outer(vec1, vec2), beta, alpha)  # type: ignore[no-any-return]


@checked
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """Return beta · input + alpha · the sum of all products of two batches of matrices."""
    return plus_product(input, sum(bmm(batch1, batch2), 0), beta, alpha)  # type: ignore


def chain_matmul(*matrices: Any, out: Any = None) -> Tensor:
    """Return the product of matrices, in the order that takes the fewest multiplications."""
    if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)):
        (matrices,) = matrices
    chain = tensor_list("chain_matmul", matrices, some=True)
    for x in chain:
        if x.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {x.ndim}, expected 2 instead.")
    found = product_of_chain(chain)
    return found if out is None else out.copy_(found)  # type: ignore[no-any-return]


def product_of_chain(chain: list[Any]) -> Any:
    """Return the product of matrices, in the order that takes the fewest multiplications."""
    for i, x in enumerate(chain):
        if i and x.shape[0] != chain[i - 1].shape[1]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(chain[i - 1].shape)} and "
                f"{list(x.shape)} cannot be multiplied"
            )
    # For each run of matrices, the multiplications that it takes, and where it is cut.
    sizes = [x.shape[0] for x in chain] + [chain[-1].shape[1]]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(chain))}
    for length in range(1, len(chain)):
        for i in range(len(chain) - length):
            j = i + length
            best[i, j] = min(
                (
                    best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1],
                    k,
                )
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        cut = best[i, j][1]
        return chain[i] if i == j else mm(product(i, cut), product(cut + 1, j))

    return product(0, len(chain) - 1)


@checked
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Any = None) -> Tensor:
    """Return the cross products of vectors of 3 elements along ``dim``; the rest broadcasts.

    Without ``dim``, along the first dimension of size 3.

    Raises:
        RuntimeError: there is no such dimension, or it has another size.
    """
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"expected scalar type {type_name(input.dtype)} but found {type_name(other.dtype)}"
        )
    if dim is None:
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = list(input.shape).index(3)
    normalize_dim(dim, input.ndim)
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got "
            f"{input.shape[dim]} and {other.shape[dim]}"
        )
    shape = common_shape(input.shape, other.shape)
    a, b = expand(input, shape), expand(other, shape)
    return roll(a, -1, dim) * roll(b, -2, dim) - roll(a, -2, dim) * roll(b, -1, dim)


# --- distances -----------------------------------------------------------------------------------


@checked
def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """Return the p-norm of the difference of two tensors, which broadcast."""
    return norm(input - other, p)


@checked
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: Choice = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """Return the p-norms of the differences between each row of ``x1`` and each of ``x2``.

    Args:
        x1: (…, P, M).
        x2: (…, R, M).
        p: a number from 0 to infinity.
        compute_mode: "use_mm_for_euclid_dist" computes them for p = 2 by a matrix product, which is
            quick, but not exact for rows that are close to each other.  By default that is done
            where there are more than 25 rows; "donot_use_mm_for_euclid_dist" says never.

    Returns:
        (…, P, R); the dimensions before broadcast.

    Raises:
        RuntimeError: the shapes or dtypes do not fit, or ``p`` is negative.
        ValueError: ``compute_mode`` is another word.
    """
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist",
             "donot_use_mm_for_euclid_dist")  # fmt: skip
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
        if x.dtype.kind != "f":
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {type_name(x.dtype)}"
            )
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if x1.dtype != x2.dtype:
        raise RuntimeError(
            f"expected scalar type {type_name(x1.dtype)} but found {type_name(x2.dtype)}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    many = compute_mode == modes[0] and max(x1.shape[-2], x2.shape[-2]) > 25
    if p == 2 and (many or compute_mode == modes[1]):
        squares = unsqueeze(sum(square(x1), -1), -1) + unsqueeze(sum(square(x2), -1), -2)
        return Root.apply(squares - 2 * (x1 @ transpose(x2, -2, -1)))
    difference = unsqueeze(x1, -2) - unsqueeze(x2, -3)
    if difference.shape[-1] == 0:
        return sum(difference, -1)
    return vector_norm(difference, p, -1)


class Root(Operation):
    """sqrt(x), 0 below 0.  Gradient: g / (2 y), 0 where y is 0.  Saves the result y."""

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.sqrt(xp.maximum(x, 0))
        self.save(y)
        return y

    def backward(self, grad: Any) -> Any:
        (y,) = self.saved
        return masked_fill(grad / (2 * y), y == 0, 0)


@checked
def renorm(input: Tensor, p: Number, dim: int, maxnorm: Number, *, out: Any = None) -> Tensor:
    """Return a copy in which slices along ``dim`` of a larger p-norm than ``maxnorm`` are scaled
    down to it.

    Raises:
        RuntimeError: ``p`` is not positive, ``maxnorm`` negative, or there are fewer than 2
            dimensions.
    """
    if not p > 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions"
        )
    dim = normalize_dim(dim, input.ndim)
    others = [d for d in range(input.ndim) if d != dim]
    size = vector_norm(input, p, others, True)
    return input * where(size > maxnorm, maxnorm / (size + 1e-7), 1.0)
