"""How a tensor is printed: as PyTorch prints it.

Four digits after the point, all elements equally wide, lines of 80 characters, and beyond 1,000
elements only the three at each end of a dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.backend import DEFAULT_DTYPE, to_numpy

_LINE_WIDTH = 80
_THRESHOLD = 1000  # elements; more are summarised
_EDGE = 3  # elements shown at each end of a summarised dimension
_DEFAULT_DTYPES = (DEFAULT_DTYPE[float], DEFAULT_DTYPE[int], DEFAULT_DTYPE[bool])


def format_tensor(tensor: Any) -> str:
    """Return ``tensor([1., 2.], grad_fn=<MulBackward0>)``: values, and what is not the default."""
    array = to_numpy(tensor.array)
    prefix = "tensor("
    notes = [] if tensor.device.type == "cpu" else [f"device='{tensor.device}'"]
    if array.size == 0 and array.ndim != 1:
        notes.append(f"size={array.shape}")
    expected = _DEFAULT_DTYPES if array.size else _DEFAULT_DTYPES[:1]
    if array.dtype not in expected:
        notes.append(f"dtype={tensor.dtype}")
    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view that has no history since its base was written
        notes.append("grad_fn=<Invalid>")
        node = None
    if node is not None:
        notes.append(f"grad_fn=<{node.name()}>")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return _with_notes(prefix + _values(array, len(prefix)), notes, len(prefix)) + ")"


def _with_notes(text: str, notes: Sequence[str], indent: int) -> str:
    """Append notes to ``text``, each on a new line if it would end beyond the line's width."""
    used = len(text) - text.rfind("\n") + 1
    for note in notes:
        if used + len(note) + 2 > _LINE_WIDTH:
            text += ",\n" + " " * indent + note
            used = indent + len(note)
        else:
            text += ", " + note
            used += len(note) + 2
    return text


def _values(array: np.ndarray, indent: int) -> str:
    if array.size == 0:
        return "[]"
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    summarise = array.size > _THRESHOLD
    shown = array
    if summarise:
        for axis, size in enumerate(array.shape):
            if size > 2 * _EDGE:
                shown = shown.take([*range(_EDGE), *range(-_EDGE, 0)], axis)
    style, width = _style(shown)
    return _block(array, indent, summarise, lambda x: style(x).rjust(width), width)


def _style(shown: np.ndarray) -> tuple[Callable[[Any], str], int]:
    """Return what makes text of an element, and the width of the widest.

    Only the elements that are shown decide, and of floating-point ones only those that are finite
    and not zero: a NaN may be wider.
    """
    if shown.dtype.kind != "f":
        return str, max(len(str(x)) for x in shown.ravel().tolist())
    numbers = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    whole = bool((numbers == np.ceil(numbers)).all())
    pattern = "{:.0f}." if whole else "{:.4f}"
    if numbers.size:
        low, high = np.abs(numbers).min().item(), np.abs(numbers).max().item()
        if high / low > 1000 or high > 1e8 or (low < 1e-4 and not whole):
            pattern = "{:.4e}"

    def text(x: float) -> str:
        return pattern.format(x) if math.isfinite(x) else str(x)

    return text, max([len(text(x)) for x in numbers.tolist()], default=1)


def _block(
    array: np.ndarray, indent: int, summarise: bool, text: Callable[[Any], str], width: int
) -> str:
    """Return nested brackets around the elements; rows stand below each other."""
    if array.ndim == 0:
        return text(array.item())
    cut = summarise and len(array) > 2 * _EDGE
    ends = (array[:_EDGE], array[-_EDGE:]) if cut else (array, array[:0])
    if array.ndim == 1:
        first, last = ([text(x) for x in end.tolist()] for end in ends)
        items = [*first, *([" ..."] if cut else []), *last]
        per_line = max(1, (_LINE_WIDTH - indent) // (width + 2))
        rows = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(rows) + "]"
    first, last = ([_block(x, indent + 1, summarise, text, width) for x in end] for end in ends)
    blocks = [*first, *(["..."] if cut else []), *last]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(blocks) + "]"
