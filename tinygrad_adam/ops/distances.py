"""How near vectors are to each other: angles and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_adam.backend import array_module, is_differentiable
from tinygrad_adam.backend.dtypes import promote_types, type_name
from tinygrad_adam.ops.arguments import checked, normalize_dim
from tinygrad_adam.ops.elementwise import clamp, where
from tinygrad_adam.ops.indexing import index_select
from tinygrad_adam.ops.joining import broadcast_tensors
from tinygrad_adam.ops.reductions import sum, vector_norm
from tinygrad_adam.ops.shapes import cast, detach

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def held_above(x: Any, least: float) -> Any:
    """Return x, but at least ``least``, with a slope of 1 everywhere."""
    return where(x < least, x + detach(clamp(x, min=least) - x), x)


@checked
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between vectors along ``dim``.

    Args:
        x1: vectors, and x2; they broadcast.
        dim: the dimension that goes away.
        eps: what lengths are at least taken for.

    Raises:
        RuntimeError: the elements are integers, or shapes do not fit.

    Source: PyTorch, ``torch.nn.functional.cosine_similarity``.
    """
    dtype = promote_types(x1.dtype, x2.dtype)
    if not is_differentiable(dtype):
        raise RuntimeError(
            "expected common dtype to be floating point, yet common dtype is "
            f"{type_name(dtype)}\n  Convert the vectors with .float()"
        )
    one, two = broadcast_tensors(cast(x1, dtype), cast(x2, dtype))
    dim = normalize_dim(dim, one.ndim)
    units = [x / held_above(vector_norm(x, 2, dim, True), eps) for x in (one, two)]
    return sum(units[0] * units[1], dim)


@checked
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Return (Σ |x1 - x2 + eps|ᵖ)^(1/p), the sum along the last dimension.

    Source: PyTorch, ``torch.nn.functional.pairwise_distance``.
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


@checked
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the distances of all pairs of rows, the first with each later one, and so on.

    Args:
        input: (N, M).
        p: at least 0.

    Returns:
        (N (N - 1) / 2,).

    Raises:
        RuntimeError: another shape or dtype, or a negative p.

    Source: PyTorch, ``torch.nn.functional.pdist``.
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if input.dtype.kind != "f":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = array_module(input.array).triu_indices(input.shape[0], 1)
    rows = [index_select(input, 0, input._wrap(i)) for i in (first, second)]
    if input.shape[1] == 0:
        return sum(rows[0], 1)
    return vector_norm(rows[0] - rows[1], p, 1)
