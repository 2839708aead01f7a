"""Weights in terms of their norms, in the old way: computed anew before each call of a module.

:mod:`tinygrad_adam.nn.utils.parametrizations` has the new way, and both share what is computed.

Source: PyTorch, ``torch.nn.utils.weight_norm`` and ``spectral_norm``; Salimans and Kingma, "Weight
Normalization" (2016); Miyato et al., "Spectral Normalization for Generative Adversarial Networks"
(2018).
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.nn.convolution import ConvTranspose1d, ConvTranspose2d
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter, is_lazy
from tinygrad_adam.ops import dot, mv
from tinygrad_adam.ops.linalg import normalize
from tinygrad_adam.tensor import Tensor

M = TypeVar("M", bound=Module)


def norm_except_dim(v: Tensor, dim: int | None) -> Tensor:
    """Return the norm over all dimensions but one, which stay with size 1; over all for -1."""
    if dim is None or dim == -1:
        return v.norm()
    norms = as_matrix(v, dim).norm(dim=1)
    shape = [1] * v.ndim
    shape[dim] = -1
    return norms.reshape(shape)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """Return a weight as a matrix, with ``dim`` for its rows."""
    rows = weight.movedim(dim, 0)
    return rows.reshape(rows.shape[0], -1)


def random_directions(weight: Tensor, dim: int, eps: float) -> tuple[Tensor, Tensor]:
    """Return two random unit vectors, with which a weight can be multiplied from both sides."""
    height, width = as_matrix(weight.detach(), dim).shape
    u, v = (weight.detach().new_empty(n).normal_(0, 1) for n in (height, width))
    return normalize(u, dim=0, eps=eps), normalize(v, dim=0, eps=eps)


def default_dim(module: Module) -> int:
    """Return the dimension of the outputs in a module's weight."""
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d)) else 0


class _Hook:
    """Computes a weight before each call of a module."""

    kind: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    """What is added to the weight's name for the tensors that it is computed from."""

    def __init__(self, name: str) -> None:
        self.name = name

    def parts(self, module: Module) -> list[Any]:
        """Return the tensors that the weight is computed from."""
        return [getattr(module, self.name + suffix) for suffix in self.suffixes]

    def compute_weight(self, module: Module, training: bool) -> Tensor:
        """Return the weight."""
        raise NotImplementedError

    def __call__(self, module: Module, inputs: Any = None) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def hang_on(self, module: Module, **members: Tensor) -> None:
        """Put the members, by their suffixes, in the place of the weight."""
        delattr(module, self.name)
        for suffix, tensor in members.items():
            if isinstance(tensor, Parameter):
                module.register_parameter(self.name + suffix, tensor)
            else:
                module.register_buffer(self.name + suffix, tensor)
        module.register_forward_pre_hook(self)

    @classmethod
    def of(cls, module: Module, name: str) -> tuple[int, Any] | None:
        """Return the hook of this kind for a weight, with its number."""
        for number, (hook, _) in module._forward_pre_hooks.items():
            if isinstance(hook, cls) and hook.name == name:
                return number, hook
        return None

    @classmethod
    def weight_of(cls, module: Module, name: str) -> Any:
        """Return the weight to compute from now on; raise if it cannot be."""
        if cls.of(module, name):
            raise RuntimeError(f"Cannot register two {cls.kind} hooks on the same parameter {name}")
        weight = getattr(module, name) if cls is WeightNorm else module._parameters[name]
        if is_lazy(weight):
            verb = "weight" if cls.kind == "weight_norm" else "spectral"
            raise ValueError(
                f"The module passed to `{cls.__name__}` can't have uninitialized parameters. Make "
                f"sure to run the dummy forward before applying {verb} normalization"
            )
        return weight

    @classmethod
    def take_off(cls, module: M, name: str) -> M:
        """Make the weight a parameter again, with its present value."""
        found = cls.of(module, name)
        if found is None:
            raise ValueError(f"{cls.kind} of '{name}' not found in {module}")
        number, hook = found
        with no_grad():
            weight = hook.compute_weight(module, training=False)
        for suffix in ("", *cls.suffixes):
            delattr(module, name + suffix)
        module.register_parameter(name, Parameter(weight.detach()))
        del module._forward_pre_hooks[number]
        return module


class WeightNorm(_Hook):
    """The weight is ``g v / |v|``."""

    kind = "weight_norm"
    suffixes = ("_g", "_v")

    def __init__(self, name: str, dim: int | None) -> None:
        super().__init__(name)
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module, training: bool) -> Tensor:
        """Return the weight."""
        g, v = self.parts(module)
        return v * (g / norm_except_dim(v, self.dim))  # type: ignore[no-any-return]


class SpectralNorm(_Hook):
    """The weight is ``W / (u W v)``, where u and v come nearer to singular vectors in each call."""

    kind = "spectral_norm"
    suffixes = ("_orig", "_u", "_v")

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__(name)
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but "
                f"got n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim, eps

    def compute_weight(self, module: Module, training: bool) -> Tensor:
        """Return the weight; when training, go on with the power iteration first."""
        weight, u, v = self.parts(module)
        matrix = as_matrix(weight, self.dim)
        if training:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(normalize(mv(matrix, v), dim=0, eps=self.eps))
        return weight / dot(u.clone(), mv(matrix, v.clone()))  # type: ignore[no-any-return]


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Replace a weight by its norm ``weight_g`` and its direction ``weight_v``: g v / |v|.

    PyTorch, which warns of it, advises ``parametrizations.weight_norm`` instead.

    Args:
        module: is changed in place, and returned.
        name: of the weight.
        dim: one norm for each index of this dimension; None for one norm of all.

    Raises:
        RuntimeError: it is replaced already.
    """
    warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of "
        "`torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
    )
    weight = WeightNorm.weight_of(module, name)
    hook = WeightNorm(name, dim)
    g = Parameter(norm_except_dim(weight.detach(), hook.dim))
    hook.hang_on(module, _g=g, _v=Parameter(weight.detach()))
    hook(module)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make a weight that :func:`weight_norm` replaced a parameter again.

    Raises:
        ValueError: it did not.
    """
    return WeightNorm.take_off(module, name)


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
        name: of the weight, which is ``weight_orig`` from then on, with buffers ``_u`` and ``_v``.
        n_power_iterations: in each call of the module.
        eps: keeps the division finite.
        dim: the outputs' dimension; by default 0, and 1 of transposed convolutions.

    Raises:
        RuntimeError: it is done already.
        ValueError: ``n_power_iterations`` is below 1, or the module has no such weight.
    """
    hook = SpectralNorm(name, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    weight = SpectralNorm.weight_of(module, name)
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    u, v = random_directions(weight, hook.dim, eps)
    hook.hang_on(module, _orig=weight, _u=u, _v=v)
    setattr(module, name, weight.detach())
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make a weight that :func:`spectral_norm` divides a parameter again, with its present value.

    Raises:
        ValueError: it does not.
    """
    return SpectralNorm.take_off(module, name)
