"""Convolution layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_adam.creation import empty
from tinygrad_adam.nn import functional, init
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.ops.convolution import named_padding
from tinygrad_adam.tensor import Tensor

IntOrTuple = int | Sequence[int]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _tuple(value: IntOrTuple, length: int) -> tuple[int, ...]:
    return (value,) * length if isinstance(value, int) else tuple(value)


class _Convolution(Module):
    """What the convolution layers share: options, parameters, ``repr``."""

    weight: Parameter
    bias: Parameter | None
    _spatial: int = 2
    _transposed: bool = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrTuple,
        stride: IntOrTuple,
        padding: IntOrTuple | str,
        dilation: IntOrTuple,
        output_padding: IntOrTuple,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError(
                "in_channels must be divisible by groups\n"
                f"  {in_channels} channels do not split into {groups} groups"
            )
        if out_channels % groups:
            raise ValueError(
                "out_channels must be divisible by groups\n"
                f"  {out_channels} channels do not split into {groups} groups"
            )
        self.stride = _tuple(stride, self._spatial)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}"
                )
            if padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {_PADDING_MODES}, but got "
                f"padding_mode='{padding_mode}'"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = _tuple(kernel_size, self._spatial)
        self.padding = padding if isinstance(padding, str) else _tuple(padding, self._spatial)
        self.dilation = _tuple(dilation, self._spatial)
        self.output_padding = _tuple(output_padding, self._spatial)
        self.groups = groups
        self.transposed = isinstance(self, ConvTranspose2d)
        self.padding_mode = padding_mode
        if padding_mode != "zeros":
            # (left, right, top, bottom), as functional.pad wants it
            if isinstance(padding, str):
                pairs = named_padding(padding, self.kernel_size, self.stride, self.dilation)
            else:
                pairs = [(n, n) for n in _tuple(padding, self._spatial)]
            self._pad_amounts = [n for pair in reversed(pairs) for n in pair]
        first, second = out_channels, in_channels // groups
        if self._transposed:
            first, second = in_channels, out_channels // groups
        shape = (first, second, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.default_(self.weight, self.bias)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """Return the input, padded if that is not with zeros, and how much zero padding is left."""
        if self.padding_mode == "zeros":
            return input, self.padding
        padded = functional.pad(input, self._pad_amounts, mode=self.padding_mode)
        return padded, (0,) * self._spatial

    def extra_repr(self) -> str:
        """Return the options that differ from the defaults."""
        zeros, ones = (0,) * self._spatial, (1,) * self._spatial
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != zeros:
            text += f", padding={self.padding}"
        if self.dilation != ones:
            text += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv2d(_Convolution):
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
        device: where the parameters live.
        dtype: their dtype, float32 by default.

    Input (N, C, H, W) or (C, H, W), output (N, O, oH, oW) in channels-last memory, with
    oH = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1. ``weight`` is (O, C / groups, kH,
    kW), ``bias`` (O,), both drawn from U(-1/√fan_in, 1/√fan_in), fan_in = C / groups kH kW.

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.Conv2d``.
    """

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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of ``input`` with the weight, plus the bias."""
        input, padding = self._padded(input)
        return functional.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv1d(_Convolution):
    """Slide kernels over sequences; as :class:`Conv2d` with one dimension less.

    Input (N, C, L) or (C, L), output (N, O, oL); ``weight`` is (O, C / groups, k).

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.Conv1d``.
    """

    _spatial = 1

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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of ``input`` with the weight, plus the bias."""
        input, padding = self._padded(input)
        return functional.conv1d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class ConvTranspose2d(_Convolution):
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
        device: where the parameters live.
        dtype: their dtype, float32 by default.

    Input (N, C, H, W) or (C, H, W), output (N, O, oH, oW), with
    oH = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1. ``weight`` is
    (C, O / groups, kH, kW).

    Raises:
        ValueError: an option makes no sense.

    Source: PyTorch, ``torch.nn.ConvTranspose2d``.
    """

    _transposed = True

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
            raise ValueError('Only "zeros" padding mode is supported for ConvTranspose2d')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution of ``input``.

        Args:
            input: (N, C, H, W) or (C, H, W).
            output_size: the last two dimensions of the result (or all); chooses ``output_padding``.

        Raises:
            ValueError: no ``output_padding`` gives that size.
        """
        output_padding = self.output_padding
        if output_size is not None:
            output_padding = self._output_padding(input, list(output_size))
        return functional.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, output_padding,  # type: ignore[arg-type]
            self.groups, self.dilation,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: list[int]) -> tuple[int, ...]:
        leading = input.ndim - 2
        if len(output_size) == leading + 2:
            output_size = output_size[leading:]
        if len(output_size) != 2:
            raise ValueError(
                f"ConvTranspose2D: for {input.ndim}D input, output_size must have 2 or "
                f"{input.ndim} elements (got {len(output_size)})"
            )
        padding: Any = self.padding
        smallest = [
            (input.shape[leading + i] - 1) * self.stride[i]
            - 2 * padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1)
            + 1
            for i in (0, 1)
        ]
        largest = [smallest[i] + self.stride[i] - 1 for i in (0, 1)]
        if any(not smallest[i] <= output_size[i] <= largest[i] for i in (0, 1)):
            raise ValueError(
                f"requested an output size of {tuple(output_size)}, but valid sizes range from "
                f"{smallest} to {largest} (for an input of torch.Size("
                f"{list(input.shape[leading:])}))"
            )
        return tuple(output_size[i] - smallest[i] for i in (0, 1))
