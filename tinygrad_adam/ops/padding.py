"""Elements added round a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_adam.ops.arguments import Choice, all_ints, checked
from tinygrad_adam.ops.elementwise import flat_in_inputs
from tinygrad_adam.ops.resampling import Plan, Resample
from tinygrad_adam.ops.shapes import Pad

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class Repeated(Resample):
    """:class:`Resample` that picks elements, some more than once: the second derivative is 0."""

    def backward(self, grad: Any) -> Any:
        return flat_in_inputs(self, super().backward(grad))


@checked
def pad(
    input: Tensor, pad: Sequence[int], mode: Choice = "constant", value: float | None = None
) -> Tensor:
    """Add elements at the ends of dimensions.

    Args:
        input: the tensor, (N, C, …).
        pad: how many elements to add, a pair for each dimension from the last one on:
            ``(left, right, top, bottom, …)``. Negative numbers cut off.
        mode: "constant"; "reflect" (mirror, the edge not repeated), "replicate" (repeat the edge)
            or "circular" (go on at the other end). The last three pad the last one to three
            dimensions of a tensor that has one or two more.
        value: the constant; 0 by default.

    Raises:
        RuntimeError: an odd number of amounts, too many or too large ones, or a value for a mode
            that takes none.
        NotImplementedError: an unknown mode, or a mode that cannot pad so many dimensions.

    Source: PyTorch, ``torch.nn.functional.pad``.
    """
    if not isinstance(mode, str) or mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    amounts = all_ints("pad(): argument 'pad' (position 2)", pad)
    if len(amounts) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(amounts)}")
    count = len(amounts) // 2
    if count > input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(amounts)} and input of dimension {input.ndim}"
        )
    # (before, after) for each dimension, first dimension first
    pairs = [(0, 0)] * (input.ndim - count)
    pairs += [(amounts[2 * i], amounts[2 * i + 1]) for i in reversed(range(count))]
    if mode == "constant":
        return Pad.apply(input, tuple(pairs), 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if count not in (1, 2, 3) or input.ndim not in (count + 1, count + 2):
        raise NotImplementedError(
            f"Padding size {len(amounts)} is not supported for {input.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    shape = input.shape
    if mode != "circular" and 0 in shape[input.ndim - count - 1 :]:
        raise RuntimeError(
            f"Expected {count + 1}D or {count + 2}D (batch mode) tensor with possibly 0 batch size "
            f"and other non-zero dimensions for input, but got: {list(shape)}"
        )
    sizes = [n + before + after for n, (before, after) in zip(shape, pairs)]
    # Of several dimensions one may be cut off whole, as in PyTorch.
    if min(sizes) < 0 or (mode != "circular" and max(sizes[-count:]) < 1):
        dim = min(range(input.ndim), key=sizes.__getitem__)
        raise RuntimeError(
            f"input (dimension {dim}: {shape[dim]}) is too small. Calculated output: {sizes[dim]}"
        )
    for dim, (before, after) in enumerate(pairs):
        if before or after:
            positions = _positions(input, dim, before, after, mode)
            input = Repeated.apply(input, dim, Plan(shape[dim], positions[None], None))
    return input


def _positions(input: Tensor, dim: int, before: int, after: int, mode: str) -> np.ndarray:
    """Return which elements of the input stand where in the padded dimension."""
    size = input.shape[dim]
    largest = max(before, after)
    if mode == "reflect" and largest >= size:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({before}, {after}) at dimension {dim} of input {list(input.shape)}"
        )
    if mode == "circular" and largest > size:
        raise RuntimeError("Padding value causes wrapping around more than once.")
    left = size + min(before, 0) + min(after, 0)
    if mode == "circular" and (left < 0 or left == 0 < largest):
        raise RuntimeError(
            f"Padding ({before}, {after}) leaves nothing to go round at dimension {dim} of input "
            f"{list(input.shape)}"
        )
    positions = np.arange(-before, size + after)
    if mode == "circular":
        # Negative amounts cut off first; what is left goes round.
        start, stop = max(-before, 0), size - max(-after, 0)
        return start + (positions - start) % max(1, stop - start)
    if mode == "replicate":
        return positions.clip(0, size - 1)
    return size - 1 - abs(size - 1 - abs(positions))
