"""Panels of lines on one figure, in the look of the other plots: for pictures made of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.viz.plots import Figure, _figure, _line_style, _tidy, as_numpy, plain


def panels(rows: int, columns: int, width: float = 4.4, height: float = 3.3) -> tuple[Figure, Any]:
    """Return an empty matplotlib Figure and a flat array of its ``rows * columns`` axes.

    Args:
        rows, columns: how many panels.
        width, height: of one panel, in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = _figure(width * columns, height * rows)
    return figure, figure.subplots(rows, columns, squeeze=False).ravel()


def draw_lines(
    axes: Any,
    lines: Mapping[str, Any],
    title: str,
    xlabel: str,
    ylabel: str,
    *,
    x: Any = None,
    xscale: str = "linear",
    yscale: str = "linear",
    legend: str | None = "best",
) -> None:
    """Draw lines into a panel, each with a colour, dashes and a marker of its own.

    Args:
        axes: the panel.
        lines: for each label its values, or a pair ``(x, y)``, x ascending. Values that are not
            finite are left out.
        title, xlabel, ylabel: what is seen.
        x: the horizontal places of lines that are no pairs, ascending. Defaults to 0, 1, 2, …
        xscale, yscale: ``"linear"`` or ``"log"``.
        legend: where matplotlib puts it; None: nowhere.
    """
    for number, (label, line) in enumerate(lines.items()):
        across, up = line if isinstance(line, tuple) else (x, line)
        ys = as_numpy(up).astype(np.float64)
        xs = np.arange(len(ys)) if across is None else as_numpy(across).astype(np.float64)
        style = _line_style(number)
        # Few points all have markers. Of many about ten have, for every line others, so that none
        # hides another's.
        marks = (np.arange(10) + number / max(len(lines), 1)) / 10
        if len(xs) <= 15:
            places = np.arange(len(xs))
        elif xscale == "log":
            places = np.searchsorted(xs, xs[0] * (xs[-1] / xs[0]) ** marks)
        else:
            places = (marks * len(xs)).astype(int)
        style["markevery"] = sorted({min(int(place), len(xs) - 1) for place in places})
        axes.plot(xs, np.where(np.isfinite(ys), ys, np.nan), label=plain(label), **style)
    axes.set_xscale(xscale)
    axes.set_yscale(yscale)
    axes.set_xlabel(plain(xlabel))
    axes.set_ylabel(plain(ylabel))
    axes.set_title(plain(title), fontsize=10)
    if legend is not None:
        axes.legend(loc=legend, frameon=False, fontsize=8)
    _tidy(axes)


def regions(
    models: Mapping[str, Callable[[np.ndarray], Any]],
    points: Any,
    labels: Any,
    classes: Sequence[str],
    xlabel: str,
    ylabel: str,
    samples: int = 150,
) -> Figure:
    """Draw which class each model sees where in a plane, and the points it was trained on.

    Args:
        models: for each title a function that takes places, (N, 2) float32, and returns the class
            of each, (N,).
        points: (N, 2).
        labels: (N,) their classes, from 0.
        classes: the classes' names, at most seven.
        xlabel, ylabel: what the axes are.
        samples: how finely the plane is sampled, in each direction.

    Returns:
        A matplotlib Figure with a panel for each model.
    """
    points, labels = as_numpy(points), as_numpy(labels)
    low, high = points.min(axis=0), points.max(axis=0)
    (x0, y0), (x1, y1) = low - 0.15 * (high - low), high + 0.15 * (high - low)
    x, y = np.meshgrid(np.linspace(x0, x1, samples), np.linspace(y0, y1, samples))
    places = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    # Light shades under points of the same colours; the markers differ as well.
    styles = [_line_style(number) for number in range(len(classes))]
    edges = np.arange(len(classes) + 1) - 0.5
    figure, grid = panels(1, len(models), width=2.7, height=3.2)
    for axes, (title, predict) in zip(grid, models.items()):
        said = as_numpy(predict(places)).reshape(x.shape)
        colours = [style["color"] for style in styles]
        axes.contourf(x, y, said, levels=edges, colors=colours, alpha=0.22)
        axes.contour(x, y, said, levels=edges[1:-1], colors="black", linewidths=0.8)
        for number, (name, style) in enumerate(zip(classes, styles)):
            axes.scatter(
                *points[labels == number].T, s=16, marker=style["marker"], color=style["color"],
                edgecolor="white", linewidth=0.4, label=plain(name),
            )  # fmt: skip
        axes.set_title(plain(title), fontsize=10)
        axes.set_xlabel(plain(xlabel))
    grid[0].set_ylabel(plain(ylabel))
    figure.legend(
        *grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(classes),
        frameon=False,
    )  # fmt: skip
    return figure
