"""Parametrizations: weights as norm and direction, with spectral norm 1, and orthogonal.

Source: PyTorch, ``torch.nn.utils.parametrizations``.
"""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_adam import ops
from tinygrad_adam.autograd import no_grad
from tinygrad_adam.backend import array_module
from tinygrad_adam.creation import eye, zeros_like
from tinygrad_adam.element_types import finfo
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.utils import parametrize
from tinygrad_adam.nn.utils.norms import as_matrix, default_dim, norm_except_dim, random_directions
from tinygrad_adam.ops import allclose, cat, dot, mv
from tinygrad_adam.ops.decompositions import householder_product
from tinygrad_adam.ops.linalg import normalize
from tinygrad_adam.ops.systems import solve
from tinygrad_adam.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    """g v / |v|, of the norm g and the direction v."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Train the norm of a weight, ``original0``, and its direction, ``original1``.

    Args:
        module: is changed in place, and returned. It also loads what the old ``weight_norm`` saved.
        name: of the weight.
        dim: one norm for each index of this dimension; None for one norm of all.

    Raises:
        ValueError: there is no such weight.

    Source: Salimans and Kingma, "Weight Normalization" (2016).
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_{letter}" for letter in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{name}.original{i}"
                state_dict[new] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """W / (u W v), where u and v come nearer to singular vectors in each call in training."""

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got "
                f"{dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but "
                f"got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % ndim, eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            u, v = random_directions(weight, self.dim, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._iterate(as_matrix(weight, self.dim), 15)

    @no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            self._u.copy_(normalize(mv(matrix, self._v), dim=0, eps=self.eps))
            self._v.copy_(normalize(mv(matrix.t(), self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        return weight / dot(self._u.clone(), mv(matrix, self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by its largest singular value, which a power iteration follows in training.

    Args:
        module: is changed in place, and returned.
        name: of the weight.
        n_power_iterations: whenever the weight is asked for.
        eps: keeps the division finite.
        dim: the outputs' dimension; by default 0, and 1 of transposed convolutions.

    Raises:
        ValueError: there is no such weight, or ``n_power_iterations`` is below 1.
        IndexError: the weight has no such dimension.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018).
    """
    weight = _weight_of(module, name)
    dim = default_dim(module) if dim is None else dim
    norm = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, norm)


def _weight_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


class _Orthogonal(Module):
    """A matrix with orthonormal columns, or rows if it has fewer of these, of a free one.

    ``base``, if there is one, is an orthogonal matrix to start from: the map gives what it is
    multiplied with, which is 1 for the matrix -1.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        q = _MAPS[self.orthogonal_map](x.mT if wide else x)
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, value: Tensor) -> Tensor:
        if value.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {value.shape}."
            )
        wide = value.shape[-2] < value.shape[-1]
        q = value.mT if wide else value
        n, k = q.shape[-2:]
        if self.use_trivialization:
            # An orthogonal matrix stays as it is; of others, and of rectangles, QR makes one.
            if n != k:
                q = cat([q, q.new_empty((*q.shape[:-1], n - k)).normal_()], dim=-1)
            self.base = q.clone() if n == k and _is_orthogonal(q) else _orthogonalized(q)
            found = zeros_like(value)
            found.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return found
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        xp = array_module(q.array)
        raw, tau = xp.linalg.qr(q.array, mode="raw")
        reflections = raw.swapaxes(-1, -2).copy()
        # The diagonal, which the map does not need, has the signs: -1 where nothing is reflected.
        i = xp.arange(k)
        signs = xp.sign(reflections[..., i, i])
        reflections[..., i, i] = xp.where(tau == 0, -signs, signs)
        found = Tensor._wrap(reflections)
        return found.mT if wide else found


def _is_orthogonal(q: Tensor) -> bool:
    product = q.mH @ q
    one = eye(q.shape[-1], dtype=q.dtype, device=q.device)
    tolerance = 10 * len(one) * finfo(q.dtype).eps
    return bool(allclose(product, one.expand(product.shape), atol=tolerance))


def _orthogonalized(x: Tensor) -> Tensor:
    """Return the factor Q of x = Q R with a positive diagonal of R."""
    q, r = ops.qr(x)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _skew(x: Tensor) -> Tensor:
    """Return a square skew-symmetric matrix, of the lower triangle of a matrix of columns."""
    n, k = x.shape[-2:]
    x = x.tril()
    if n != k:
        x = cat([x, x.new_zeros((*x.shape[:-1], n - k))], dim=-1)
    return x - x.mH


def _by_exponential(x: Tensor) -> Tensor:
    return ops.matrix_exp(_skew(x))[..., : x.shape[-1]]


def _by_cayley(x: Tensor) -> Tensor:
    half = _skew(x) / 2
    one = eye(x.shape[-2], dtype=x.dtype, device=x.device)
    return solve(one - half, one + half)[..., : x.shape[-1]]


def _by_householder(x: Tensor) -> Tensor:
    a = x.tril(diagonal=-1)
    tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
    signs = x.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
    return householder_product(a, tau) * signs


_MAPS = {"matrix_exp": _by_exponential, "cayley": _by_cayley, "householder": _by_householder}


def orthogonal(
    module: M,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> M:
    """Keep a weight orthogonal (complex: unitary): its columns, or its rows if there are fewer.

    Args:
        module: is changed in place, and returned.
        name: of the weight, a matrix or a batch of them. It starts as it is if it is orthogonal.
        orthogonal_map: "matrix_exp" of a skew-symmetric matrix, "cayley" (1 + A/2) (1 - A/2)⁻¹ of
            one, or "householder", a product of reflections; by default the last one, and the first
            for square and for complex weights.
        use_trivialization: keep a matrix to start from beside it, which lets values be assigned.

    Raises:
        ValueError: there is no such weight or map, or they do not go together.

    Source: Lezcano-Casado and Martínez-Rubio, "Cheap Orthogonal Constraints in Neural Networks"
    (2019); Lezcano-Casado, "Trivializations for Gradient-Based Optimization on Manifolds" (2019).
    """
    weight = _weight_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    map_ = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, map_, unsafe=True)
