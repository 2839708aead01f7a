"""Unpooling: the largest elements back at their places, zeros around them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_adam.backend import array_module
from tinygrad_adam.backend.dtypes import int64, type_name
from tinygrad_adam.ops.arguments import IntOrPair, checked, ints
from tinygrad_adam.ops.elementwise import require_floating
from tinygrad_adam.ops.indexing import PickZeros
from tinygrad_adam.ops.shapes import flatten, reshape, squeeze, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _sizes(
    spatial: int, input: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> list[int]:
    """Return the spatial sizes of the result: those asked for, or what pooling would turn back."""
    size, zeros = ints(kernel_size, spatial, "kernel_size"), ints(padding, spatial, "padding")
    step = size if stride is None else ints(stride, spatial, "stride")
    usual = [
        (n - 1) * s + k - 2 * p for n, s, k, p in zip(input.shape[-spatial:], step, size, zeros)
    ]
    if output_size is None:
        return usual
    if len(output_size) == spatial + 2:
        output_size = output_size[2:]
    if len(output_size) != spatial:
        raise ValueError(
            f"output_size should be a sequence containing {spatial} or {spatial + 2} elements, but "
            f"it has a length of '{len(output_size)}'"
        )
    for dim, (wanted, n, s) in enumerate(zip(output_size, usual, step)):
        if not n - s < wanted < n + s:
            raise ValueError(
                f'invalid output_size "{output_size}" (dim {dim} must be between {n - s} and '
                f"{n + s})"
            )
    return list(output_size)


def _unpooled(input: Any, indices: Any, sizes: list[int]) -> Tensor:
    """Return zeros (…, *sizes) with the input at ``indices`` of their planes."""
    if indices.dtype != int64:
        raise RuntimeError(
            f"elements in indices should be type int64 but got: {type_name(indices.dtype)}"
        )
    if input.ndim not in (3, 4):
        raise RuntimeError(
            "Input to max_unpooling2d should be a 3d or 4d Tensor, but got a tensor with "
            f"{input.ndim} dimensions."
        )
    if indices.shape != input.shape:
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor ("
            f"{list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
        )
    for dim in range(input.ndim - 3, input.ndim):
        if input.shape[dim] == 0:
            raise RuntimeError(
                "max_unpooling2d_forward_out_cpu(): Expected input to have non-zero size for "
                f"non-batch dimensions, but got {list(input.shape)} with dimension {dim} being "
                "empty."
            )
    require_floating("max_unpool2d", input)
    leading, room = input.shape[:-2], math.prod(sizes)
    at = indices.array
    outside = at[(at < 0) | (at >= room)]
    if outside.size:
        raise RuntimeError(
            f"Found an invalid max index: {int(outside[0])} (output volumes are of size "
            f"{sizes[0]}x{sizes[1]})"
        )
    x, at = flatten(input, -2), flatten(indices, -2)
    arange = array_module(input.array).arange
    grid = [arange(n).reshape(-1, *[1] * (len(leading) - i)) for i, n in enumerate(leading)]
    planes = PickZeros.apply(x, (*leading, room), (...,), True, *grid, at)
    return reshape(planes, (*leading, *sizes))


@checked
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    output_size: Any = None,
) -> Tensor:
    """Put the results of :func:`max_pool2d` back where its indices say, zeros elsewhere.

    Args:
        input: (N, C, oH, oW) or (C, oH, oW), floating point.
        indices: the int64 tensor that the pool returned beside it.
        kernel_size: size of the window, int or pair.
        stride: step of the window, int or pair; by default its size.
        padding: of the pool, int or pair.
        output_size: (H, W) of the image that was pooled, or its whole shape, where the options
            leave a choice.

    Returns:
        (N, C, H, W) or (C, H, W).

    Raises:
        RuntimeError: the indices do not fit the input or the result.
        ValueError: no such image can have been pooled.

    Source: PyTorch, ``torch.nn.functional.max_unpool2d``.
    """
    return _unpooled(input, indices, _sizes(2, input, kernel_size, stride, padding, output_size))


@checked
def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    output_size: Any = None,
) -> Tensor:
    """Do :func:`max_unpool2d` with sequences (N, C, oL) or (C, oL); options are ints.

    Source: PyTorch, ``torch.nn.functional.max_unpool1d``.
    """
    sizes = _sizes(1, input, kernel_size, stride, padding, output_size)
    images = unsqueeze(input, -1), unsqueeze(indices, -1)
    return squeeze(_unpooled(*images, [*sizes, 1]), -1)
