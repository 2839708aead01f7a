"""Panels of lines on one figure, in the look of the other plots: for pictures made of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_adam.viz.plots import Figure, _figure, _line_style, _tidy, as_numpy


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
    xscale: str = "linear",
    yscale: str = "linear",
    legend: str | None = "best",
) -> None:
    """Draw lines into a panel, each with a colour, dashes and a marker of its own.

    Args:
        axes: the panel.
        lines: for each label its values (``n`` numbers, drawn over 0 to n - 1), or a pair
            ``(x, y)``, x ascending. Values that are not finite are left out.
        title, xlabel, ylabel: what is seen.
        xscale, yscale: ``"linear"`` or ``"log"``.
        legend: where matplotlib puts it; None: nowhere.
    """
    for number, (label, line) in enumerate(lines.items()):
        x, y = line if isinstance(line, tuple) else (np.arange(len(line)), line)
        x, y = as_numpy(x).astype(np.float64), as_numpy(y).astype(np.float64)
        style = _line_style(number)
        # About ten markers, for every line at other places, so that none hides another's.
        marks = (np.arange(10) + number / max(len(lines), 1)) / 10
        if xscale == "log":
            places = np.searchsorted(x, x[0] * (x[-1] / x[0]) ** marks) if len(x) else []
        else:
            places = marks * len(x)
        style["markevery"] = sorted({min(int(place), len(x) - 1) for place in places})
        axes.plot(x, np.where(np.isfinite(y), y, np.nan), label=label, **style)
    axes.set_xscale(xscale)
    axes.set_yscale(yscale)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title, fontsize=10)
    if legend is not None:
        axes.legend(loc=legend, frameon=False, fontsize=8)
    _tidy(axes)
