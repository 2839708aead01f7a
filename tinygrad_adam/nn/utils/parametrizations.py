"""Parametrizations: weights as norm and direction, and with spectral norm 1.

Source: PyTorch, ``torch.nn.utils.parametrizations``.
"""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.utils import parametrize
from tinygrad_adam.nn.utils.norms import as_matrix, default_dim, norm_except_dim, random_directions
from tinygrad_adam.ops import dot, mv
from tinygrad_adam.ops.linalg import normalize
from tinygrad_adam.tensor import Tensor

__all__ = ["spectral_norm", "weight_norm"]

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
