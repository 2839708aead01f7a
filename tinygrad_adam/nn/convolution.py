"""Convolution layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tinygrad_adam.nn import functional
from tinygrad_adam.nn.layer import ParameterLayer
from tinygrad_adam.ops.arguments import all_ints, fitted
from tinygrad_adam.ops.convolution import named_padding
from tinygrad_adam.tensor import Tensor

IntOrTuple = int | Sequence[int]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _tuple(name: str, value: IntOrTuple, length: int) -> tuple[int, ...]:
    values = value if isinstance(value, (tuple, list)) else (value,) * length
    return tuple(all_ints(f"argument {name!r}", values))


def _defaults(spatial: int) -> dict[str, Any]:
    zeros, ones = (0,) * spatial, (1,) * spatial
    return {
        "padding": zeros, "dilation": ones, "output_padding": zeros, "groups": 1, "bias": True,
        "padding_mode": "zeros",
    }  # fmt: skip


class Convolution(ParameterLayer):
    """What the convolution layers share."""

    _spatial: ClassVar[int] = 2
    transposed: ClassVar[bool] = False
    _function: ClassVar[Callable[..., Tensor]]
    _shown = (
        "in_channels", "out_channels", "kernel_size=", "stride=", "padding=", "dilation=",
        "output_padding=", "groups=", "bias=", "padding_mode=",
    )  # fmt: skip
    _usual = _defaults(2)

    def __init__(
        self,
        in_channels: int,
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
        super().__init__()
        in_channels, out_channels, groups = (
            fitted(type(self).__name__, name, "int", value)
            for name, value in (
                ("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)
            )
        )  # fmt: skip
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(
                    f"{name} must be divisible by groups\n"
                    f"  {channels} channels do not split into {groups} groups"
                )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = _tuple("kernel_size", kernel_size, self._spatial)
        self.stride = _tuple("stride", stride, self._spatial)
        self.dilation = _tuple("dilation", dilation, self._spatial)
        self.output_padding = (0,) * self._spatial
        self.padding = (
            padding if isinstance(padding, str) else _tuple("padding", padding, self._spatial)
        )
        self.padding_mode = padding_mode
        self._check_padding()
        first, second = out_channels, in_channels // groups
        if self.transposed:
            first, second = in_channels, out_channels // groups
        shape = (first, second, *self.kernel_size)
        bias_shape = (out_channels,) if bias else None
        self._make_parameters(device, dtype, weight=shape, bias=bias_shape)

    def _check_padding(self) -> None:
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}"
                )
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {_PADDING_MODES}, but got "
                f"padding_mode='{self.padding_mode}'"
            )

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = functional.pad(input, self._amounts(), mode=self.padding_mode)
            padding = 0
        return type(self)._function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _amounts(self) -> list[int]:
        """Return (left, right, top, bottom), as ``functional.pad`` wants it."""
        if isinstance(self.padding, str):
            pairs = named_padding(self.padding, self.kernel_size, self.stride, self.dilation)
        else:
            pairs = [(amount, amount) for amount in self.padding]
        return [amount for pair in reversed(pairs) for amount in pair]


class Conv2d(Convolution):
    """Slide kernels over images, multiply and sum up.

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: size of the kernels, int or pair.
        stride: step of the kernels, int or pair.
        padding: how much to pad around the image, int or pair; or "valid" (nothing), or "same" (as
            much as keeps the size, at stride 1).
        dilation: distance between the elements of a kernel, int or pair.
        groups: into how many groups of channels input and output are split; each output group sees
            its input group only.
        bias: whether a number for each output channel is added.
        padding_mode: "zeros", "reflect", "replicate" or "circular"; see ``functional.pad``.

    Input (N, C, H, W) or (C, H, W), output (N, O, oH, oW) in channels-last memory, with
    oH = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1. ``weight`` is (O, C / groups, kH,
    kW), ``bias`` (O,), both drawn from U(-1/√fan_in, 1/√fan_in), fan_in = C / groups kH kW.

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.Conv2d``.
    """

    _function = functional.conv2d


class Conv1d(Convolution):
    """Slide kernels over sequences; as :class:`Conv2d` with one dimension less.

    Input (N, C, L) or (C, L), output (N, O, oL); ``weight`` is (O, C / groups, k).

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.Conv1d``.
    """

    _spatial = 1
    _usual = _defaults(1)
    _function = functional.conv1d


class _ConvTranspose(Convolution):
    """What transposed convolutions of all dimensions share."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrTuple,
        stride: IntOrTuple = 1,
        padding: IntOrTuple = 0,
        output_padding: IntOrTuple = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntOrTuple = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self.output_padding = _tuple("output_padding", output_padding, self._spatial)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution of ``input``.

        Args:
            input: (N, C, …) or (C, …).
            output_size: the spatial dimensions of the result (or all); chooses ``output_padding``.

        Raises:
            ValueError: no ``output_padding`` gives that size.
        """
        output_padding = self.output_padding
        if output_size is not None:
            output_padding = self._output_padding(input, output_size)
        return type(self)._function(
            input, self.weight, self.bias, self.stride, self.padding, output_padding,
            self.groups, self.dilation,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        spatial = self._spatial
        leading = input.ndim - spatial
        if len(output_size) == input.ndim:
            output_size = output_size[leading:]
        if len(output_size) != spatial:
            raise ValueError(
                f"ConvTranspose{spatial}D: for {input.ndim}D input, output_size must have "
                f"{spatial} or {input.ndim} elements (got {len(output_size)})"
            )
        sizes: Any = zip(
            input.shape[leading:], self.stride, self.padding, self.dilation, self.kernel_size
        )
        smallest = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in sizes
        ]
        largest = [size + stride - 1 for size, stride in zip(smallest, self.stride)]
        if any(not low <= x <= high for low, x, high in zip(smallest, output_size, largest)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from "
                f"{smallest} to {largest} (for an input of torch.Size("
                f"{list(input.shape[leading:])}))"
            )
        return tuple(wanted - size for wanted, size in zip(output_size, smallest))


class ConvTranspose2d(_ConvTranspose):
    """Add a multiple of the kernels to the result for every pixel: :class:`Conv2d` transposed.

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: size of the kernels, int or pair.
        stride: distance in the result between neighbouring pixels of the input, int or pair.
        padding: how much is cut off around the result, int or pair.
        output_padding: how much is added to the result at its end, int or pair.
        groups: as for :class:`Conv2d`.
        bias: whether a number for each output channel is added.
        dilation: as for :class:`Conv2d`.
        padding_mode: "zeros" only.

    Input (N, C, H, W) or (C, H, W), output (N, O, oH, oW), with
    oH = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1. ``weight`` is
    (C, O / groups, kH, kW).

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.ConvTranspose2d``.
    """

    _function = functional.conv_transpose2d


class ConvTranspose1d(_ConvTranspose):
    """As :class:`ConvTranspose2d`, for sequences.

    Input (N, C, L) or (C, L), output (N, O, oL); ``weight`` is (C, O / groups, k).

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.ConvTranspose1d``.
    """

    _spatial = 1
    _usual = _defaults(1)
    _function = functional.conv_transpose1d
