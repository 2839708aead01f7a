"""A function of two variables seen from above, with the paths of optimizers across it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.viz.extras import require
from tinygrad_adam.viz.plots import BLACK, Figure, _figure, _line_style, as_numpy, plain

_DECADES = 5  # how much of the height above the lowest point the contours tell apart
_MARKS = {"start": "o", "end": "s", "minimum": "*"}


def landscape(
    function: Callable[[Any, Any], Any],
    paths: Mapping[str, Any] | None = None,
    *,
    x: tuple[float, float] = (-2.0, 2.0),
    y: tuple[float, float] = (-2.0, 2.0),
    minimum: tuple[float, float] | None = None,
    lowest: float | None = None,
    levels: int = 24,
    points: int = 200,
    logarithmic: bool = True,
    title: str = "",
    labels: tuple[str, str] = ("x", "y"),
) -> Figure:
    """Draw a function of two variables as contours, with the paths of optimizers across it.

    Args:
        function: takes two NumPy arrays of the same shape, returns one.
        paths: for each optimizer its path, (steps + 1, 2).
        x: the horizontal range.
        y: the vertical range.
        minimum: where the lowest point is, marked with a star.
        lowest: the function's value there. Defaults to the smallest one that is sampled.
        levels: how many contours.
        points: how finely the function is sampled, in each direction.
        logarithmic: space the contours evenly in the logarithm of the height above ``lowest``,
            which shows a narrow valley; what is more than five decades below the highest sample has
            one shade. Else evenly in height.
        title: a title.
        labels: what stands at the two axes.

    Returns:
        A matplotlib Figure. A circle is the start of a path, a square its end; steps outside the
        ranges are cut off, and those that are not finite left out.

    Raises:
        ValueError: a path is not of shape (steps + 1, 2), or no value of the function is finite.
        ImportError: matplotlib is not installed.
    """
    tracks = {name: on_map(path, x, y, name) for name, path in (paths or {}).items()}
    grid_x, grid_y = np.meshgrid(np.linspace(*x, points), np.linspace(*y, points))
    height = _heights(as_numpy(function(grid_x, grid_y)), lowest, logarithmic)
    figure = _figure(6.0, 4.6)
    axes = figure.subplots()
    filled = axes.contourf(grid_x, grid_y, height, levels=levels, cmap="Greys_r", alpha=0.55)
    axes.contour(
        grid_x, grid_y, height, levels=levels, colors="#888888", linewidths=0.4, linestyles="solid"
    )
    styles = {name: _line_style(number) for number, name in enumerate(tracks)}
    for name, track in tracks.items():
        axes.plot(*track.T, **styles[name], markevery=max(len(track) // 12, 1))
        for point, which in [(track[0], "start"), (track[-1], "end")] if len(track) else []:
            axes.plot(
                *point, _MARKS[which], color=styles[name]["color"], markersize=8,
                markeredgecolor="white",
            )  # fmt: skip
    if minimum is not None:
        axes.plot(*minimum, "*", color=BLACK, markersize=14, markeredgecolor="white")
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.set_xlabel(plain(labels[0]))
    axes.set_ylabel(plain(labels[1]))
    axes.set_title(plain(title), fontsize=10)
    bar = figure.colorbar(filled, ax=axes)
    bar.set_label(_bar_label(lowest, minimum, logarithmic))
    bar.locator = require("matplotlib.ticker").MaxNLocator(6)
    bar.update_ticks()
    if tracks:
        marks = [name for name in _MARKS if name != "minimum" or minimum is not None]
        dots = {"linestyle": "", "color": BLACK, "markersize": 8}
        legend_above(
            figure,
            [*styles.items(), *((name, {**dots, "marker": _MARKS[name]}) for name in marks)],
        )
    return figure


def on_map(
    path: Any, x: tuple[float, float], y: tuple[float, float], name: str = "this"
) -> np.ndarray:
    """Return a path without places that are not finite, and with none far outside the ranges.

    Far outside, matplotlib's own numbers would overflow.
    """
    track = as_numpy(path).astype(np.float64)
    if track.ndim != 2 or track.shape[1] != 2:
        raise ValueError(f"the path of {name} has shape {track.shape}, not (steps + 1, 2)")
    track = track[np.isfinite(track).all(axis=1)]
    low, high = np.array([x, y]).T
    far = 50 * (high - low)
    return np.asarray(np.clip(track, low - far, high + far))


def _heights(values: np.ndarray, lowest: float | None, logarithmic: bool) -> np.ndarray:
    """Return what the shades stand for; a value that is not finite counts as the highest."""
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("no value of the function is finite in these ranges")
    values = np.where(finite, values, values[finite].max())
    if not logarithmic:
        return values
    # A sample that happens to lie in the minimum would take all the shades for itself.
    above = np.maximum(values - (values.min() if lowest is None else lowest), 0)
    top = np.log10(above.max() or 1.0)
    return np.asarray(np.log10(np.maximum(above, 10 ** (top - _DECADES))))


def _bar_label(lowest: float | None, minimum: Any, logarithmic: bool) -> str:
    if not logarithmic:
        return "f(x, y)"
    return "log₁₀ f" if lowest == 0 and minimum is None else "log₁₀ (f - lowest)"


def legend_above(figure: Figure, entries: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Put a legend above, in as many columns as there is room for, and make room for its rows.

    Args:
        figure: with the constrained layout of the figures here.
        entries: texts, and the style of the line of each.
    """
    line = require("matplotlib.lines").Line2D
    handles = [line([], [], label=plain(name, 60), **style) for name, style in entries]
    columns, rows = _columns([handle.get_label() for handle in handles], figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + 0.2 * (rows - 1))
    figure.legend(
        handles=handles, loc="outside upper center", ncols=columns, frameon=False, fontsize=9,
        columnspacing=1.2,
    )  # fmt: skip


def _columns(texts: Sequence[str], width: float) -> tuple[int, int]:
    """Return how many columns and rows of a legend fit into a width in inches."""
    widths = [0.6 + 0.075 * len(text) for text in texts]
    for columns in range(min(len(texts), 5), 1, -1):
        # matplotlib fills column after column, the first ones with one more where it does not fit.
        if sum(max(part) for part in np.array_split(widths, columns)) <= width:
            return columns, -(-len(texts) // columns)
    return 1, len(texts)
