"""Numbers about arrays and operations, as plain data, and how pictures write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_adam.backend import array_module

Shape = tuple[int, ...]

_SMALL = 4  # arrays of up to this many elements are shown with their values


@dataclass(frozen=True)
class Stats:
    """What a picture tells of an array: plain numbers, so that no array is kept alive."""

    minimum: float
    mean: float
    maximum: float
    deviation: float
    """Standard deviation."""
    zeros: float
    """Share of the elements that are 0."""
    norm: float
    """Square root of the sum of squares."""
    nan: bool
    inf: bool
    values: tuple[float, ...] = ()
    """All elements, if they are few."""

    @property
    def finite(self) -> bool:
        """Whether there is no NaN and no infinity."""
        return not (self.nan or self.inf)

    @property
    def value_text(self) -> str:
        """The values if they are few, else the mean and standard deviation."""
        if len(self.values) == 1:
            return number(self.values[0])
        if self.values:
            return f"[{', '.join(map(number, self.values))}]"
        return f"{number(self.mean)} ± {number(self.deviation)}"

    @property
    def gradient_text(self) -> str:
        """The value if it is a single one, else the norm."""
        return number(self.values[0]) if len(self.values) == 1 else f"norm {number(self.norm)}"


def stats_of(array: Any) -> Stats | None:
    """Return the statistics of a NumPy or CuPy array; None if it has no elements or is complex."""
    if not array.size or array.dtype.kind not in "fiub":
        return None
    xp = array_module(array)
    values = array.astype("float64" if array.dtype.itemsize >= 8 else "float32")
    nan, inf = bool(xp.isnan(values).any()), bool(xp.isinf(values).any())
    if nan or inf:  # statistics of the rest
        rest = values[xp.isfinite(values)]
        values = rest if rest.size else xp.full(1, math.nan, values.dtype)
    few = tuple(float(x) for x in array.reshape(-1)) if array.size <= _SMALL else ()
    flat = values.reshape(-1)
    if flat.size == 1:  # a scalar expression has many of these
        only = float(flat[0])
        return Stats(only, only, only, 0.0, float(only == 0), abs(only), nan, inf, few)
    return Stats(
        float(flat.min()),
        float(flat.mean(dtype="float64")),
        float(flat.max()),
        float(flat.std(dtype="float64")),
        float((flat == 0).mean()),
        math.sqrt(float(xp.square(flat, dtype="float64").sum())),
        nan,
        inf,
        few,
    )


def owner(array: Any) -> Any:
    """Return the array whose memory ``array`` lives in: itself, or that of which it is a view."""
    while getattr(array, "base", None) is not None and hasattr(array.base, "nbytes"):
        array = array.base
    return array


# --- multiply-adds -------------------------------------------------------------------------------


def multiply_adds(operation: Any, inputs: Sequence[Shape | None], outputs: Sequence[Shape]) -> int:
    """Return how many multiplications with additions an operation makes, bias not counted.

    Only products of matrices, convolutions and recurrent layers have any; an unknown input shape is
    None.
    """
    kind = type(operation).__name__
    size = math.prod(outputs[0]) if outputs else 0
    if kind == "Conv2d":
        kernel = inputs[1] or _noted_shape(operation, 1)
        return size * math.prod(kernel[1:]) if kernel else 0
    if kind == "Conv2dInputGradient":
        image = inputs[0]
        kernel = inputs[1] or _noted_shape(operation, 1)
        return math.prod(image) * math.prod(kernel[1:]) if image and kernel else 0
    if kind == "Conv2dParameterGradients":
        return math.prod(inputs[0]) * math.prod(outputs[0][1:]) if inputs[0] else 0
    if kind == "Linear":
        inner = inputs[1][1] if inputs[1] else inputs[0][-1] if inputs[0] else 0
        return size * inner
    if kind == "MatMul":
        left, right = inputs[0], inputs[1]
        return size * (left[-1] if left else right[-2] if right else 0)
    if kind == "Recurrence":  # each row meets both weights, and the projection
        weights = [inputs[position] for position in (3, 4, 7)]
        return outputs[0][0] * sum(math.prod(shape) for shape in weights if shape)
    if kind == "Einsum":
        return _einsum_multiply_adds(operation, inputs)
    return 0


def _noted_shape(operation: Any, position: int) -> Shape | None:
    shapes = getattr(operation, "shapes", None)
    return shapes[position] if shapes else None


def _einsum_multiply_adds(operation: Any, inputs: Sequence[Shape | None]) -> int:
    """Every combination of the indices is one product."""
    labels = getattr(operation, "labels", ())
    sizes: dict[str, int] = {}
    for names, shape in zip(labels, inputs[2:]):
        sizes.update(zip(names, shape or ()))
    return math.prod(sizes.values()) if len(labels) > 1 and sizes else 0


# --- texts ---------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Return a number in four significant digits, as a whole number if it is one."""
    if value == int(value) if math.isfinite(value) and abs(value) < 1e6 else False:
        return str(int(value))
    return f"{value:.4g}"


def shape_text(shape: Shape) -> str:
    """Return a shape as Python writes it: ``(2, 3)``, ``(4,)``, ``()``."""
    return str(tuple(int(size) for size in shape))


def bytes_text(count: int) -> str:
    """Return a number of bytes with its unit: ``512 B``, ``12.3 KiB``, ``1.5 MiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"


def count_text(count: int) -> str:
    """Return a number with separators: ``421,642``."""
    return f"{count:,}"


def seconds_text(seconds: float) -> str:
    """Return a duration with a unit that suits it."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{1e3 * seconds:.2f} ms"
    return f"{1e6 * seconds:.0f} µs"


def plural(count: int, noun: str) -> str:
    """Return ``1 node``, ``2 nodes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
