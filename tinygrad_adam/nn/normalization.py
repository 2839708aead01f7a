"""Normalization layers: subtract the mean, divide by √(variance + ``eps``), scale and shift.

``affine`` (in LayerNorm ``elementwise_affine``) is whether there are a weight to scale by and a
bias to shift by; ``bias=False`` leaves out the bias alone. The output has the input's shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tinygrad_adam.backend.warn import warn
from tinygrad_adam.creation import ones, tensor, zeros
from tinygrad_adam.nn import functional, init
from tinygrad_adam.nn.layer import FunctionLayer, ParameterLayer
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.ops.arguments import all_ints, fitted
from tinygrad_adam.tensor import Tensor


class _Normalization(ParameterLayer):
    """A layer whose weight and bias have one shape; ``affine=False`` leaves out both."""

    weight: Parameter | None  # type: ignore[assignment]

    def _make_affine(
        self, shape: tuple[int, ...], affine: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        self._make_parameters(
            device, dtype, weight=shape if affine else None, bias=shape if affine and bias else None
        )

    def reset_parameters(self) -> None:
        """Set the weight to ones and the bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class FeatureNorm(_Normalization):
    """What batch and instance normalization of all dimensions share: perhaps running values."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _version = 2
    _dims: ClassVar[tuple[int, ...]]
    _shown = ("num_features", "eps=", "momentum=", "affine=", "bias=", "track_running_stats=")

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        mean = var = count = None
        if track_running_stats:
            mean = zeros(num_features, device=device, dtype=dtype)
            var = ones(num_features, device=device, dtype=dtype)
            count = tensor(0, device=device)
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", var)
        self.register_buffer("num_batches_tracked", count)
        self._make_affine((num_features,), affine, bias, device, dtype)

    def reset_running_stats(self) -> None:
        """Forget the running mean and variance, if they are tracked."""
        if not self.track_running_stats:
            return
        if self.running_mean is not None and self.running_var is not None:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
        if self.num_batches_tracked is not None:
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Forget the running values, set the weight to ones and the bias to zeros."""
        self.reset_running_stats()
        super().reset_parameters()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *lists: Any
    ) -> None:
        count = self.num_batches_tracked
        if local_metadata.get("version", 1) < 2 and count is not None:
            # State dicts written before PyTorch 0.4 lack it.
            state_dict.setdefault(f"{prefix}num_batches_tracked", count)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)

    def _check_dimensions(self, input: Any) -> None:
        if not isinstance(input, Tensor):
            fitted(type(self).__name__, "input", "Tensor", input)
        if input.ndim not in self._dims:
            wanted = " or ".join(f"{count}D" for count in self._dims)
            raise ValueError(f"expected {wanted} input (got {input.ndim}D input)")

    def _feature_dim(self, input: Tensor) -> int:
        """Return which dimension of the input has the features."""
        return 1


class _BatchNorm(FeatureNorm):
    def forward(self, input: Tensor) -> Tensor:
        self._check_dimensions(input)
        momentum = self.momentum
        keep = not self.training or self.track_running_stats
        if self.training and keep and self.num_batches_tracked is not None:
            init.constant_(self.num_batches_tracked, self.num_batches_tracked.array + 1)
            if momentum is None:  # a plain average over all batches so far
                momentum = 1 / float(self.num_batches_tracked)
        # The batch's own values are used in training, and where none are kept.
        own = self.training or (self.running_mean is None and self.running_var is None)
        mean, var = (self.running_mean, self.running_var) if keep else (None, None)
        return functional.batch_norm(
            input, mean, var, self.weight, self.bias, own, momentum or 0.0, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """Normalize each feature over the batch, then scale and shift.

    Args:
        num_features: C.
        momentum: by how much the running mean and variance move towards the batch's; None for the
            plain average over all batches.
        track_running_stats: whether running values are kept for evaluation.

    Input (N, C) or (N, C, L). ``weight``, ``bias``, ``running_mean``,
    ``running_var`` are (C,), ``num_batches_tracked`` is a 0-d int64 tensor. The variance is the
    biased one; the running variance moves towards the unbiased one.

    Source: PyTorch, ``torch.nn.BatchNorm1d``; Ioffe and Szegedy, "Batch Normalization" (2015).
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalize each channel over batch, rows and columns, then scale and shift.

    Arguments and state as for :class:`BatchNorm1d`. Input (N, C, H, W).

    Source: PyTorch, ``torch.nn.BatchNorm2d``; Ioffe and Szegedy, "Batch Normalization" (2015).
    """

    _dims = (4,)


class _InstanceNorm(FeatureNorm):
    """Instance normalization of any number of dimensions, the last of ``_dims`` with a batch."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *lists: Any
    ) -> None:
        names = [x for x in ("running_mean", "running_var") if prefix + x in state_dict]
        if "version" not in local_metadata and not self.track_running_stats and names:
            kind = type(self).__name__
            found = " and ".join([f'"{prefix}{name}"' for name in names])
            lists[-1].append(
                f"Unexpected running stats buffer(s) {found} for {kind} with "
                "track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, this "
                f"may be expected because {kind} does not track running stats by default since "
                "0.4.0. Please remove these keys from state_dict. If the running stats are "
                f"actually needed, instead set track_running_stats=True in {kind} to enable them."
            )
            for name in names:
                del state_dict[prefix + name]
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)

    def _feature_dim(self, input: Tensor) -> int:
        return input.ndim - self._dims[0]  # the first of an input without a batch

    def forward(self, input: Tensor) -> Tensor:
        self._check_dimensions(input)
        dim = self._feature_dim(input)
        single = dim == 0
        if input.shape[dim] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features "
                    f"({self.num_features}), but got: {input.shape[dim]}."
                )
            warn(
                f"input's size at dim={dim} does not match num_features. You can silence this "
                "warning by not passing in num_features, which is not used because affine=False",
            )
        output = functional.instance_norm(
            input.unsqueeze(0) if single else input, self.running_mean, self.running_var,
            self.weight, self.bias, self.training or not self.track_running_stats,
            self.momentum or 0.0, self.eps,
        )  # fmt: skip
        return output.squeeze(0) if single else output


class InstanceNorm1d(_InstanceNorm):
    """Normalize each channel of each sequence by itself; scale and shift if ``affine``.

    Arguments and state as for :class:`BatchNorm1d`, but by default no weight, no bias and no
    running values. Input (N, C, L) or (C, L).

    Source: PyTorch, ``torch.nn.InstanceNorm1d``; Ulyanov, Vedaldi and Lempitsky, "Instance
    Normalization" (2016).
    """

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalize each channel of each image by itself: :class:`InstanceNorm1d` for images.

    Input (N, C, H, W) or (C, H, W).

    Source: PyTorch, ``torch.nn.InstanceNorm2d``; Ulyanov, Vedaldi and Lempitsky (2016).
    """

    _dims = (3, 4)


class _ShapeNorm(_Normalization):
    """What normalization over the last dimensions shares."""

    eps: Any

    def _make(
        self, shape: Any, eps: float | None, affine: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        shape = shape if isinstance(shape, (tuple, list)) else (shape,)
        self.normalized_shape = tuple(all_ints("argument 'normalized_shape'", shape))
        self.eps, self.elementwise_affine = eps, affine
        self._make_affine(self.normalized_shape, affine, bias, device, dtype)


class LayerNorm(_ShapeNorm):
    """Normalize over the last dimensions, then scale and shift.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last one.

    Input (…, *normalized_shape); ``weight`` and ``bias`` have that shape.

    Source: PyTorch, ``torch.nn.LayerNorm``; Ba, Kiros and Hinton, "Layer Normalization" (2016).
    """

    _shown = ("normalized_shape", "eps=", "elementwise_affine=", "bias=")

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._make(normalized_shape, eps, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(_ShapeNorm):
    """Divide by the root of the mean square over the last dimensions, then scale.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last one.
        eps: added to the mean square; by default the least step of the input's dtype from 1.
        elementwise_affine: whether there is a weight.

    Input (…, *normalized_shape); ``weight`` has that shape.

    Source: PyTorch, ``torch.nn.RMSNorm``; Zhang and Sennrich, "Root Mean Square Layer
    Normalization" (2019).
    """

    _shown = ("normalized_shape", "eps=", "elementwise_affine=")

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._make(normalized_shape, eps, elementwise_affine, False, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)


@dataclass(eq=False, repr=False)
class LocalResponseNorm(FunctionLayer):
    """Divide by (``k`` + ``alpha`` mean of the squares of ``size`` neighbouring channels) ** beta.

    Args:
        size: how many channels, this one in the middle; those that are not there count as zeros.
        alpha: how much the squares count.
        beta: the exponent.
        k: the constant.

    Input (N, C, …).

    Source: PyTorch, ``torch.nn.LocalResponseNorm``; Krizhevsky, Sutskever and Hinton (2012).
    """

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
    _function = functional.local_response_norm

    def extra_repr(self) -> str:
        """Return the options, the size without its name."""
        return f"{self.size}, " + ", ".join(super().extra_repr().split(", ")[1:])


class GroupNorm(_Normalization):
    """Normalize groups of channels, each image by itself, then scale and shift.

    Args:
        num_groups: into how many groups the channels are split.
        num_channels: C.

    Input (N, C, …); ``weight`` and ``bias`` are (C,).

    Raises:
        ValueError: ``num_groups`` does not divide ``num_channels``.

    Source: PyTorch, ``torch.nn.GroupNorm``; Wu and He, "Group Normalization" (2018).
    """

    _shown = ("num_groups", "num_channels", "eps=", "affine=", "bias=")

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        num_groups = fitted("GroupNorm", "num_groups", "int", num_groups)
        num_channels = fitted("GroupNorm", "num_channels", "int", num_channels)
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self._make_affine((num_channels,), affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)
