"""Images in another size: every element of the result is a weighted sum of a few of the input.

Rows and columns are treated one after the other; see ``resampling``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.backend.dtypes import float64, type_name
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import Choice, all_ints, checked, fitted
from tinygrad_adam.ops.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d
from tinygrad_adam.ops.resampling import Plan, Resample
from tinygrad_adam.ops.shapes import clone

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


@functools.lru_cache(maxsize=64)
def _plan(
    mode: str, length: int, size: int, corners: bool, factor: float | None, wide: bool
) -> Plan:
    """Return the plan that makes ``size`` elements of ``length``.  The last 64 are kept.

    Args:
        mode: "nearest", "nearest-exact", "linear" or "cubic".
        length: of the input.
        size: of the result.
        corners: whether the first and last elements of both lie on each other, not their edges.
        factor: how often an element of the result goes into one of the input, if not by the sizes.
        wide: whether positions are computed in float64, as for that dtype; else in float32.
    """
    real = np.float64 if wide else np.float32
    if corners:
        scale = real(length - 1) / real(size - 1) if size > 1 else real(0)
    else:
        scale = real(1 / factor) if factor else real(length) / real(size)
    steps, last = np.arange(size, dtype=real), length - 1
    if mode.startswith("nearest"):
        at = (steps + real(0.5)) * scale if mode == "nearest-exact" else steps * scale
        taps = np.minimum(np.floor(at.astype(np.float32)).astype(np.int64), last)
        return Plan(length, taps[None], None)
    at = steps * scale if corners else (steps + real(0.5)) * scale - real(0.5)
    if mode == "linear":
        first = np.minimum(at.astype(np.int64), last)
        share = np.clip(at - first, 0, 1).astype(real)
        return Plan(
            length, np.stack([first, np.minimum(first + 1, last)]), np.stack([1 - share, share])
        )
    first = np.floor(at).astype(np.int64)
    share = at - first.astype(real)
    taps = np.clip([first + k for k in (-1, 0, 1, 2)], 0, last)
    return Plan(length, taps, np.stack(cubic_weights([share + 1, share, 1 - share, 2 - share])))


def cubic_weights(distances: Sequence[Any], a: float = -0.75) -> list[Any]:
    """Return the weights of the four elements around a place, whose distances from it are given.

    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981).
    """
    near = [((a + 2) * x - (a + 3)) * x * x + 1 for x in distances[1:3]]
    far = [((x - 5) * x + 8) * x * a - 4 * a for x in (distances[0], distances[3])]
    return [far[0], *near, far[1]]


# What stands for what along one dimension, for inputs of so many dimensions.
_MODES = {
    (3, "nearest"): "nearest", (4, "nearest"): "nearest", (3, "nearest-exact"): "nearest-exact",
    (4, "nearest-exact"): "nearest-exact", (3, "linear"): "linear", (4, "bilinear"): "linear",
    (4, "bicubic"): "cubic", (3, "area"): "area", (4, "area"): "area",
}  # fmt: skip


def _refuse_mode(mode: str, ndim: int) -> None:
    """Raise for a mode that there is not for inputs of ``ndim`` dimensions.

    Raises:
        NotImplementedError: always, or ValueError, as PyTorch does.
    """
    needs = {"linear": 3, "bilinear": 4, "trilinear": 5}
    if ndim in (3, 4, 5) and needs.get(mode, ndim) != ndim:
        raise NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {needs[mode]}D input")
    if mode == "lanczos" and ndim == 4:
        raise ValueError("Lanczos mode requires antialias=True\n  which is not supported")
    if ndim == 5:
        raise NotImplementedError(
            "interpolate(): volumes, 5D inputs, are not supported\n  Resize the slices of one as "
            "images: x.flatten(0, 1) makes a batch of them"
        )
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: "
        "nearest | linear | bilinear | bicubic | lanczos | trilinear | area | nearest-exact (got "
        f"{mode})"
    )


def _refuse_antialias(mode: str, ndim: int) -> None:
    """Raise for ``antialias``.

    Raises:
        ValueError: PyTorch has none here either.
        NotImplementedError: PyTorch has it.
    """
    if mode not in ("bilinear", "bicubic", "lanczos") or ndim != 4:
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )
    raise NotImplementedError(
        'interpolate(): antialias is not supported\n  To make images smaller take mode="area", '
        "the mean of what each pixel covers, or avg_pool2d before"
    )


def _check_sizes(input: Any, sizes: list[int]) -> None:
    """Raise RuntimeError unless all sizes but the batch's are above 0."""
    lengths = input.shape[2:]
    if min(*lengths, *sizes) < 1:
        given, wanted = (
            ", ".join([f"{name}: {n}" for name, n in zip("HW"[-len(sizes) :], x)])
            for x in (lengths, sizes)
        )
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({given})"
            f"{' and' if len(sizes) == 1 else ''} output ({wanted})"
        )
    if input.shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes "
            f"{list(input.shape)}"
        )


@checked
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: Choice = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Make images larger or smaller.

    Args:
        input: (N, C, L) or (N, C, H, W).
        size: of the result, an int for all dimensions or one for each.
        scale_factor: by how much to enlarge, a number or one for each dimension; instead of
            ``size``. Sizes are rounded down.
        mode: "nearest" (the element whose place it is, rounded down), "nearest-exact" (rounded to
            the middle), "linear" of sequences, "bilinear" and "bicubic" of images, or "area" (the
            mean of what an element covers).
        align_corners: for the linear and cubic modes: whether the middles of the corner elements
            stay at the corners; else (and by default) their outer edges do.
        recompute_scale_factor: whether the factor is what the rounded sizes say, not what was asked
            for.
        antialias: must be False.

    Returns:
        (N, C, oL) or (N, C, oH, oW).

    Raises:
        ValueError: the options contradict each other.
        NotImplementedError: the mode is not for inputs of so many dimensions, or ``antialias``.
        RuntimeError: a size is 0.

    Source: PyTorch, ``torch.nn.functional.interpolate``.
    """
    corners = bool(align_corners)
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear "
            "| bicubic | trilinear"
        )
    lengths = tuple(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    factors: Any = None
    if size is not None:
        sizes = size if isinstance(size, (tuple, list)) else (size,) * len(lengths)
        if len(sizes) != len(lengths):
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input "
                f"with spatial dimensions of {list(lengths)} and output size of {size}. Please "
                "provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, "
                "...,oK) format."
            )
        sizes = all_ints("interpolate(): argument 'size' (position 2)", sizes)
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    elif scale_factor is not None:
        several = isinstance(scale_factor, (tuple, list))
        factors = scale_factor if several else (scale_factor,) * len(lengths)
        if len(factors) != len(lengths):
            raise ValueError(
                "Input and scale_factor must have the same number of spatial dimensions, but got "
                f"input with spatial dimensions of {list(lengths)} and scale_factor of shape "
                f"{scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
                "scale_factor in (s1, s2, ...,sK) format."
            )
        factors = [fitted("interpolate", "scale_factor", "float", factor) for factor in factors]
        sizes = [int(n * factor) for n, factor in zip(lengths, factors)]
        if recompute_scale_factor or mode == "area":
            factors = None
    else:
        raise ValueError("either size or scale_factor should be defined")
    if antialias:
        _refuse_antialias(mode, input.ndim)
    kind = _MODES.get((input.ndim, mode))
    if kind is None:
        _refuse_mode(mode, input.ndim)
        raise AssertionError
    if kind == "area":
        pool = adaptive_avg_pool1d if input.ndim == 3 else adaptive_avg_pool2d
        return pool(input, sizes)
    _check_sizes(input, sizes)
    function = f"upsample_{mode.replace('-', '_')}{input.ndim - 2}d".replace("2d2d", "2d")
    if input.dtype.kind != "f" and input.dtype.name != "uint8":
        raise NotImplementedError(f'"{function}" not implemented for {type_name(input.dtype)!r}')
    output = input
    for i in reversed(range(len(sizes))):
        length, wanted = lengths[i], sizes[i]
        factor = None if factors is None or corners else float(factors[i])
        if kind == "nearest" and wanted in (length, 2 * length):
            factor = None  # whatever it was: so says PyTorch
        if length != wanted or factor not in (None, 1):
            plan = _plan(kind, length, wanted, corners, factor, input.dtype == float64)
            output = Resample.apply(output, 2 + i, plan)
    return clone(input) if output is input else output


@checked
def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: Choice = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Do what :func:`interpolate` does, under its old name."""
    warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


@checked
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Do what :func:`interpolate` does with mode "nearest", under its old name."""
    warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor)


@checked
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Do what :func:`interpolate` does with mode "bilinear" and aligned corners."""
    warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead."
    )
    return interpolate(input, size, scale_factor, "bilinear", True)
