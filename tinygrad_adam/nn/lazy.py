"""Layers that learn the size of their input from the first one: ``LazyLinear(10)``.

Until then their parameters have no shape. They can be moved, cast, copied, given to an optimizer
and loaded from a state dict; the first call, or a dry run, draws them and turns the layer into what
it stands for: a LazyLinear into a Linear, the same object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_adam.nn.convolution import (
    Conv1d,
    Conv2d,
    Convolution,
    ConvTranspose1d,
    ConvTranspose2d,
    IntOrTuple,
)
from tinygrad_adam.nn.layer import ParameterLayer
from tinygrad_adam.nn.linear import Linear
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    FeatureNorm,
    InstanceNorm1d,
    InstanceNorm2d,
)
from tinygrad_adam.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from tinygrad_adam.tensor import Tensor


class LazyModuleMixin(Module):
    """What a module inherits from, before its own class, to have parameters without shapes.

    Its ``initialize_parameters(*inputs)`` gives them shapes before the first call of ``forward``.

    Source: PyTorch, ``torch.nn.modules.lazy.LazyModuleMixin``.
    """

    cls_to_become: ClassVar[type[Module] | None] = None
    """The class of the module once it is initialized; None for its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes, knowing what ``forward`` will be called with."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def _without_shape(self) -> dict[str, Any]:
        members = {**self._parameters, **self._buffers}
        return {name: tensor for name, tensor in members.items() if is_lazy(tensor)}

    def has_uninitialized_params(self) -> bool:
        """Return whether a parameter or buffer of this module has no shape yet."""
        return bool(self._without_shape())

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        del module._initialize_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, tensor in self._without_shape().items():
            value = state_dict.get(prefix + name)
            if isinstance(value, Tensor) and not is_lazy(value):
                tensor.materialize(value.shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class _LazyLayer(LazyModuleMixin, ParameterLayer):
    """A layer of this package whose first argument is not known yet."""

    _size: ClassVar[str]
    """The name of that argument."""
    cls_to_become: ClassVar[Any]

    def __init__(self, *options: Any, **by_name: Any) -> None:
        self._arguments = options, by_name
        super().__init__(0, *options, **by_name)

    def _make_parameters(self, device: Any, dtype: Any, **shapes: Sequence[int] | None) -> None:
        for name, shape in shapes.items():
            missing = shape is None
            values = None if missing else UninitializedParameter(device=device, dtype=dtype)
            self.register_parameter(name, values)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, if there are any yet."""
        if getattr(self, self._size):
            super().reset_parameters()

    def _size_of(self, input: Any) -> int:
        """Return what the argument that was left out must be for this input."""
        raise NotImplementedError

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take the values of the layer that one would have made, had one known the input."""
        size = self._size_of(input)
        if missing := self._without_shape():
            options, by_name = self._arguments
            drawn = self.cls_to_become(size, *options, **by_name)
            for name, tensor in missing.items():
                values = getattr(drawn, name).data.to(tensor.device, tensor.dtype)
                tensor.materialize(values.shape)
                tensor.data = values
        setattr(self, self._size, size)
        del self._arguments


class LazyLinear(_LazyLayer, Linear):
    """A :class:`Linear` whose ``in_features`` is the last size of its first input.

    Source: PyTorch, ``torch.nn.LazyLinear``.
    """

    _size = "in_features"
    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(out_features, bias, device, dtype)

    def _size_of(self, input: Any) -> int:
        size: int = input.shape[-1]
        if not is_lazy(self.weight) and size != self.weight.shape[-1]:
            raise AssertionError(
                f"The in_features inferred from input: {size} is not equal to in_features from "
                f"self.weight: {self.weight.shape[-1]}"
            )
        return size


class _LazyConvolution(_LazyLayer, Convolution):
    _size = "in_channels"

    def __init__(
        self,
        out_channels: int,
        kernel_size: IntOrTuple,
        stride: IntOrTuple = 1,
        padding: IntOrTuple | str = 0,
        dilation: IntOrTuple = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def _size_of(self, input: Any) -> int:
        single = self._spatial + 1
        if input.ndim not in (single, single + 1):
            raise RuntimeError(
                f"Expected {single}D (unbatched) or {single + 1}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        return input.shape[-single]  # type: ignore[no-any-return]


class LazyConv1d(_LazyConvolution, Conv1d):
    """A :class:`Conv1d` whose ``in_channels`` are those of its first input.

    Source: PyTorch, ``torch.nn.LazyConv1d``.
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvolution, Conv2d):
    """A :class:`Conv2d` whose ``in_channels`` are those of its first input.

    Source: PyTorch, ``torch.nn.LazyConv2d``.
    """

    cls_to_become = Conv2d


class _LazyConvTranspose(_LazyConvolution):
    def __init__(
        self,
        out_channels: int,
        kernel_size: IntOrTuple,
        stride: IntOrTuple = 1,
        padding: IntOrTuple = 0,
        output_padding: IntOrTuple = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _LazyLayer.__init__(
            self, out_channels, kernel_size, stride, padding, output_padding, groups, bias,
            dilation, padding_mode, device, dtype,
        )  # fmt: skip


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A :class:`ConvTranspose1d` whose ``in_channels`` are those of its first input.

    Source: PyTorch, ``torch.nn.LazyConvTranspose1d``.
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A :class:`ConvTranspose2d` whose ``in_channels`` are those of its first input.

    Source: PyTorch, ``torch.nn.LazyConvTranspose2d``.
    """

    cls_to_become = ConvTranspose2d


class _LazyNorm(_LazyLayer, FeatureNorm):
    _size = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)

    def _size_of(self, input: Any) -> int:
        self._check_dimensions(input)
        return input.shape[self._feature_dim(input)]  # type: ignore[no-any-return]


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A :class:`BatchNorm1d` whose ``num_features`` are those of its first input.

    Source: PyTorch, ``torch.nn.LazyBatchNorm1d``.
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A :class:`BatchNorm2d` whose ``num_features`` are those of its first input.

    Source: PyTorch, ``torch.nn.LazyBatchNorm2d``.
    """

    cls_to_become = BatchNorm2d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An :class:`InstanceNorm1d` whose ``num_features`` are those of its first input.

    With a weight, a bias and running values unless said, other than that.

    Source: PyTorch, ``torch.nn.LazyInstanceNorm1d``.
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An :class:`InstanceNorm2d` whose ``num_features`` are those of its first input.

    With a weight, a bias and running values unless said, other than that.

    Source: PyTorch, ``torch.nn.LazyInstanceNorm2d``.
    """

    cls_to_become = InstanceNorm2d
