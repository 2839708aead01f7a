"""How a tensor is printed: as PyTorch prints it.

Four digits after the point, all elements equally wide, lines of 80 characters, and beyond 1,000
elements only the three at each end of a dimension: :func:`set_printoptions` changes these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.backend import DEFAULT_DTYPE, to_numpy


class _Options(NamedTuple):
    precision: int = 4
    threshold: float = 1000  # elements; more are summarised
    edgeitems: int = 3  # elements shown at each end of a summarised dimension
    linewidth: int = 80
    sci_mode: bool | None = None  # None: where numbers are very large, small or different


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = [_PROFILES["default"]]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; None leaves an option as it is.

    Args:
        precision: digits after the point; 4 unless set.
        threshold: how many elements are printed in full; 1000.
        edgeitems: how many elements are printed at each end of a dimension of more; 3.
        linewidth: characters in a line; 80.
        profile: ``default``, ``short`` or ``full``: what the options above start from.
        sci_mode: whether numbers are printed as 1.0000e+00; None (each time anew) lets the tensor
            decide.
    """
    options = _PROFILES.get(profile or "", _options[0])
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    changes: dict[str, Any] = {name: x for name, x in given.items() if x is not None}
    _options[0] = options._replace(**changes, sci_mode=sci_mode)


def format_tensor(tensor: Any) -> str:
    """Return ``tensor([1., 2.], grad_fn=<MulBackward0>)``: values, and what is not the default."""
    array = to_numpy(tensor.array)
    prefix = "tensor("
    notes = [] if tensor.device.type == "cpu" else [f"device='{tensor.device}'"]
    if array.size == 0 and array.ndim != 1:
        notes.append(f"size={array.shape}")
    if array.dtype not in (DEFAULT_DTYPE.values() if array.size else [DEFAULT_DTYPE[float]]):
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
        if used + len(note) + 2 > _options[0].linewidth:
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
    edge, summarise = _options[0].edgeitems, array.size > _options[0].threshold
    shown = array
    if summarise:
        for axis, size in enumerate(array.shape):
            if size > 2 * edge:
                shown = shown.take([*range(edge), *range(size - edge, size)], axis)
    if array.dtype.kind != "c":
        style, width = _style(shown)
        return _block(array, indent, summarise, lambda x: style(x).rjust(width), width)
    (real, left), (imag, right) = _style(shown.real), _style(shown.imag)

    def pair(z: complex) -> str:
        sign = "" if (part := imag(z.imag).strip()).startswith("-") else "+"
        return f"{real(z.real).rjust(left)}{sign}{part}j"

    return _block(array, indent, summarise, pair, left + right + 1)


def _style(shown: np.ndarray) -> tuple[Callable[[Any], str], int]:
    """Return what makes text of an element, and the width of the widest.

    Only the elements that are shown decide, and of floating-point ones only those that are finite
    and not zero: a NaN may be wider.
    """
    if shown.dtype.kind != "f":
        return str, max((len(str(x)) for x in shown.ravel().tolist()), default=0)
    precision, sci_mode = _options[0].precision, _options[0].sci_mode
    numbers = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    whole = bool((numbers == np.ceil(numbers)).all())
    pattern = "{:.0f}." if whole else f"{{:.{precision}f}}"
    if numbers.size:
        low, high = np.abs(numbers).min().item(), np.abs(numbers).max().item()
        apart = high / low > 1000 or high > 1e8 or (low < 1e-4 and not whole)
        if apart if sci_mode is None else sci_mode:
            pattern = f"{{:.{precision}e}}"
    width = max([len(_text(pattern, x)) for x in numbers.tolist()], default=1)
    return lambda x: _text(pattern, x), width


def _text(pattern: str, x: float) -> str:
    return pattern.format(x) if math.isfinite(x) else str(x)


def _block(
    array: np.ndarray, indent: int, summarise: bool, text: Callable[[Any], str], width: int
) -> str:
    """Return nested brackets around the elements; rows stand below each other."""
    if array.ndim == 0:
        return text(array.item())
    edge = _options[0].edgeitems
    cut = summarise and len(array) > 2 * edge
    ends = (array[:edge], array[len(array) - edge :]) if cut else (array, array[:0])
    if array.ndim == 1:
        first, last = ([text(x) for x in end.tolist()] for end in ends)
        items = [*first, *([" ..."] if cut else []), *last]
        per_line = max(1, (_options[0].linewidth - indent) // (width + 2))
        rows = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(rows) + "]"
    first, last = ([_block(x, indent + 1, summarise, text, width) for x in end] for end in ends)
    blocks = [*first, *(["..."] if cut else []), *last]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(blocks) + "]"
