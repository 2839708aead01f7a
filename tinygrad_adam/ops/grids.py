"""Images seen at any points: spatial transformers.

A grid (N, oH, oW, 2) holds for every pixel of the result the point (x, y) of the image that it
shows, from -1 at the left or top to 1 at the right or bottom.

Source: Jaderberg et al., "Spatial Transformer Networks" (2015).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import Choice, checked
from tinygrad_adam.ops.elementwise import require_floating, where
from tinygrad_adam.ops.indexing import Pick, select
from tinygrad_adam.ops.interpolation import cubic_weights
from tinygrad_adam.ops.linalg import matmul
from tinygrad_adam.ops.shapes import movedim, reshape, transpose, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _aligned(align_corners: bool | None) -> bool:
    if align_corners is None:
        warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
            "documentation of grid_sample for details."
        )
    return bool(align_corners)


@checked
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Return the grid of an affine map of the plane, for :func:`grid_sample`.

    Args:
        theta: (N, 2, 3), matrices that make points of the image of (x, y, 1).
        size: of the result, (N, C, H, W).
        align_corners: whether -1 and 1 are the middles of the corner pixels; else (and by default,
            with a warning) their outer edges.

    Returns:
        (N, H, W, 2).

    Raises:
        ValueError: ``theta`` or ``size`` are no such.
        NotImplementedError: ``size`` is another than of images.

    Source: PyTorch, ``torch.nn.functional.affine_grid``.
    """
    corners = _aligned(align_corners)
    if theta.dtype.kind != "f":
        raise ValueError(f"Expected theta to have floating point type, but got torch.{theta.dtype}")
    if len(size) != 4:
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}.\n  5D ones, of volumes, are not supported here"
        )
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (2, 3):
        raise ValueError(
            f"Expected a batch of 2D affine matrices of shape Nx2x3 for size {size}. Got "
            f"torch.Size({list(theta.shape)})."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{size[0]}, 3] but got: [{theta.shape[0]}, 3]."
        )
    rows, columns = (
        np.linspace(-1, 1, n) * (1 if corners else (n - 1) / n) if n > 1 else np.zeros(1)
        for n in size[2:]
    )
    points = np.stack([*np.meshgrid(columns, rows), np.ones((len(rows), len(columns)))], 2)
    base = theta._wrap(array_module(theta.array).asarray(points.reshape(-1, 3), theta.dtype))
    return reshape(matmul(base, transpose(theta, 1, 2)), (size[0], *size[2:], 2))


@checked
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: Choice = "bilinear",
    padding_mode: Choice = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Show images at the points of a grid.

    Args:
        input: (N, C, H, W), floating point.
        grid: (N, oH, oW, 2) of that dtype.
        mode: "bilinear", "nearest" or "bicubic".
        padding_mode: what is outside of the image: "zeros", "border" (its nearest pixel) or
            "reflection".
        align_corners: as for :func:`affine_grid`.

    Returns:
        (N, C, oH, oW).

    Raises:
        ValueError: another mode.
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.grid_sample``.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    corners = _aligned(align_corners)
    _check_grid(input, grid)
    xp, sizes = array_module(input.array), (input.shape[3], input.shape[2])
    taps, weights = [], []  # along x, then along y
    for axis, n in enumerate(sizes):
        at: Any = select(grid, -1, axis) + 1
        at = at * ((n - 1) / 2) if corners else at * (n / 2) - 0.5
        if mode != "bicubic":
            slope, shift = _moved_inside(at.array, n, padding_mode, corners)
            if slope is not None:
                at = where(at._wrap(slope == 0), 0.0, at * at._wrap(slope)) + at._wrap(shift)
        if mode == "nearest":
            taps.append([xp.round(at.array)])
            weights.append([1.0])
            continue
        first = xp.floor(at.array)
        share = at - at._wrap(first)
        if mode == "bilinear":
            taps.append([first, first + 1])
            weights.append([1 - share, share])
            continue
        taps.append([_inside(first + k, n, padding_mode, corners) for k in (-1, 0, 1, 2)])
        weights.append(cubic_weights([share + 1, share, 1 - share, 2 - share]))
    batch = xp.arange(input.shape[0]).reshape(-1, 1, 1)
    output: Any = 0.0
    across, down = ([*zip(*axis)] for axis in zip(taps, weights))
    for (y, y_weight), (x, x_weight) in itertools.product(down, across):
        inside = (x >= 0) & (x < sizes[0]) & (y >= 0) & (y < sizes[1])
        column, row = (xp.where(inside, place, 0).astype("int64") for place in (x, y))
        seen = Pick.apply(movedim(input, 1, -1), (...,), False, batch, row, column)
        seen = where(input._wrap(inside[..., None]), seen, 0.0)
        weight: Any = y_weight * x_weight
        output = output + (seen if mode == "nearest" else seen * unsqueeze(weight, -1))
    return movedim(output, -1, 1)


def _check_grid(input: Any, grid: Any) -> None:
    """Raise RuntimeError unless these are images, and points of them."""
    if input.ndim == 5:
        raise NotImplementedError("grid_sample(): volumes, 5D inputs, are not supported")
    if input.ndim != 4 or grid.ndim != 4 or input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[3] != 2:
        raise RuntimeError(
            "grid_sampler(): expected grid to have size 2 in last dimension, but got grid with "
            f"sizes {list(grid.shape)}"
        )
    for dim in (2, 3):
        if input.shape[dim] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                f"has sizes {list(input.shape)} with dimension {dim} being empty"
            )
    require_floating("grid_sampler_2d_cpu_kernel_impl", input)
    if input.dtype != grid.dtype:
        raise RuntimeError(
            f"expected scalar type {type_name(input.dtype)} but found {type_name(grid.dtype)}"
        )


@np.errstate(invalid="ignore")
def _inside(at: Array, n: int, padding_mode: str, corners: bool) -> Array:
    """Return places as they are in the image."""
    slope, shift = _moved_inside(at, n, padding_mode, corners)
    return at if slope is None else array_module(at).where(slope == 0, 0, at * slope) + shift


@np.errstate(invalid="ignore")
def _moved_inside(at: Array, n: int, padding_mode: str, corners: bool) -> tuple[Any, Any]:
    """Return by what to multiply places and what to add so that they are in the image.

    The factor is 0 where what is outside sticks to the border. (None, None): stay where they are.
    """
    if padding_mode == "zeros":
        return None, None
    xp = array_module(at)
    slope, shift = xp.ones_like(at), xp.zeros_like(at)
    if padding_mode == "reflection":
        low, span = (0.0, n - 1) if corners else (-0.5, n)
        if span == 0:
            slope, shift = slope * 0, shift
        else:
            sign = xp.where(at < low, -1, 1).astype(at.dtype)
            distance = abs(at - low)
            turns = xp.floor(distance / span)
            odd = turns % 2 == 1
            slope = xp.where(odd, -sign, sign)
            shift = xp.where(odd, low + (turns + 1) * span, low - turns * span) - slope * low
            at = at * slope + shift
    slope = xp.where((at > 0) & (at < n - 1), slope, 0).astype(at.dtype)
    border = xp.where(at >= n - 1, n - 1, 0)
    return slope, xp.where(slope == 0, border, shift).astype(at.dtype)
