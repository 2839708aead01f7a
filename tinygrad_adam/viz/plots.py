"""Plots of training and of what a network has learned, on matplotlib.

Each function returns a ``matplotlib.figure.Figure``; ``figure.savefig("x.png")`` writes it. Figures
are made without ``pyplot``, so that no window, no backend and no global setting is touched, and
none has to be closed. Colours are those of Okabe and Ito, which colour-blind readers can tell
apart; lines differ in their markers and dashes as well, for print without colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import is_array, to_numpy
from tinygrad_adam.viz.drawing import undisturbed
from tinygrad_adam.viz.extras import require
from tinygrad_adam.viz.labels import clean

BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"
)  # fmt: skip
# Blue and red-orange differ most, also in brightness, so that they come first.
_CYCLE = (BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK)
_MARKERS = "osD^vPX"
_DASHES = ("-", "--", "-.", ":")
_DPI = 150

Figure = Any
"""A ``matplotlib.figure.Figure``; named so as matplotlib is not imported here."""


def as_numpy(values: Any) -> np.ndarray:
    """Return a tensor (on any device), an array or nested numbers as a NumPy array."""
    if isinstance(values, Traced):
        values = values.array
    return to_numpy(values) if is_array(values) else np.asarray(values)


def plain(text: Any, widest: int = 200) -> str:
    """Return a text for matplotlib as it stands: no formula between dollars, no hidden label."""
    words = clean(str(text), widest).replace("$", r"\$")
    return f" {words}" if words.startswith("_") else words


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, which keeps its parts from overlapping."""
    figure = require("matplotlib.figure").Figure(
        figsize=(width, height), layout="constrained", dpi=_DPI, facecolor="white"
    )
    # Drawing without pyplot, from a thread or a server: Agg needs no display.
    require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def _line_style(number: int) -> dict[str, Any]:
    """Return colour, dashes and marker of the line with this number."""
    return {
        "color": _CYCLE[number % len(_CYCLE)],
        "linestyle": _DASHES[number % len(_DASHES)],
        # One further in each round, so that the eighth line is not like the first.
        "marker": _MARKERS[(number + number // len(_CYCLE)) % len(_MARKERS)],
        "markersize": 4.5,
        "linewidth": 1.8,
    }


def _tidy(axes: Any) -> None:
    """Take away the box around the axes and put a light grid behind them."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)


def _columns(history: Any) -> dict[str, list[float]]:
    """Return a list of dictionaries (one for each epoch) or a dictionary of lists as the latter."""
    if isinstance(history, Mapping):
        return {str(name): [float(v) for v in as_numpy(vs)] for name, vs in history.items()}
    rows = [dict(row) for row in history]
    names = dict.fromkeys(
        name
        for row in rows
        for name, value in row.items()
        if isinstance(value, (int, float, np.number))
    )
    return {str(n): [float(row[n]) if n in row else math.nan for row in rows] for n in names}


def curves(history: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[float]]) -> Figure:
    """Plot how a training went: the losses in one panel, the accuracies in another.

    Args:
        history: one dictionary for each epoch, as in ``metrics.json`` (``epoch``, ``train_loss``,
            ``test_loss``, ``test_accuracy``, …), or one list for each of these names. Every name
            that ends in ``loss`` or ``accuracy`` is drawn, accuracies (0 to 1) in percent.
            ``epoch`` or ``step`` is the horizontal axis; without it epochs count from 1.

    Returns:
        A matplotlib Figure.

    Raises:
        ValueError: nothing in ``history`` is a loss or an accuracy.
        ImportError: matplotlib is not installed.
    """
    columns = _columns(history)
    axis = next((name for name in ("epoch", "step", "iteration") if name in columns), "epoch")
    panels = {
        word: [name for name in columns if name.lower().endswith(word)]
        for word in ("loss", "accuracy")
    }
    panels = {word: names for word, names in panels.items() if names}
    if not panels:
        raise ValueError(
            "history holds no loss and no accuracy: it needs names such as train_loss or "
            f"test_accuracy, but has {', '.join(columns) or 'none'}"
        )
    ticker = require("matplotlib.ticker")
    figure = _figure(4.6 * len(panels), 3.4)
    for axes, (word, names) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items()
    ):
        percent = word == "accuracy"
        for number, name in enumerate(names):
            # Test results look the same in both panels, however many lines each has.
            style = _line_style(1 if "test" in name and len(names) <= 2 else number)
            ys = [100 * y if percent else y for y in columns[name]]
            xs = columns.get(axis) or list(range(1, len(ys) + 1))
            if len(ys) > 60:
                style["marker"] = None
            axes.plot(xs, ys, label=plain(name.replace("_", " ")), **style)
        axes.set_xlabel(axis)
        axes.set_ylabel("accuracy (%)" if percent else "loss")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        if len(names) > 1:
            axes.legend(frameon=False)
        else:
            axes.set_title(plain(names[0].replace("_", " ")), fontsize=10, loc="left")
        if percent and len(names) == 1 and columns[names[0]]:
            _mark_last(axes, xs[-1], ys[-1], f"{ys[-1]:.2f} %")
        _tidy(axes)
    return figure


def _mark_last(axes: Any, x: float, y: float, text: str) -> None:
    """Write the last value beside its point, inside the axes."""
    axes.annotate(
        text, (x, y), xytext=(-4, -14), textcoords="offset points", ha="right", fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # a steep line passes behind it
    )  # fmt: skip


def _class_names(classes: Any, count: int) -> list[str]:
    names = [str(i) for i in range(count)] if classes is None else [plain(c) for c in classes]
    if len(names) != count:
        raise ValueError(f"there are {count} classes, but {len(names)} names for them")
    return names


def confusion(matrix: Any, classes: Sequence[Any] | None = None) -> Figure:
    """Plot a confusion matrix: how often each class was taken for which.

    Args:
        matrix: (C, C) counts; row i, column j says how many of class i were taken for j.
        classes: their names. Defaults to 0, 1, 2, …

    Returns:
        A matplotlib Figure. The shade is the share of the row, the numbers are the counts.

    Raises:
        ValueError: the matrix is not square, or there are more or fewer names than classes.
        ImportError: matplotlib is not installed.
    """
    counts = as_numpy(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"a confusion matrix is square, but this one has shape {counts.shape}")
    size = len(counts)
    names = _class_names(classes, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(max(0.46 * size + 1.6, 3.6), 14)
    figure = _figure(side + 0.8, side)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    rotation = 45 if max(map(len, names), default=0) > 3 else 0
    axes.set_xticks(
        range(size), names, rotation=rotation, ha="right" if rotation else "center",
        rotation_mode="anchor",
    )  # fmt: skip
    axes.set_yticks(range(size), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    right = int(np.trace(counts))
    total = int(counts.sum())
    axes.set_title(
        f"{right:,} of {total:,} right ({100 * right / max(total, 1):.2f} %)", fontsize=11
    )
    if size <= 25:
        for row, column in np.ndindex(counts.shape):
            if counts[row, column]:
                axes.text(
                    column, row, f"{counts[row, column]:g}", ha="center", va="center",
                    fontsize=8 if size > 12 or counts.max() > 999 else 9,
                    color="white" if shares[row, column] > 0.5 else "black",
                )  # fmt: skip
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    return figure


def _pictures(images: Any) -> np.ndarray:
    """Return images (N, H, W), (N, 1, H, W) or (N, 3, H, W) as (N, H, W) or (N, H, W, 3)."""
    pictures = as_numpy(images)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        return pictures[:, 0]
    if pictures.ndim == 4 and pictures.shape[1] == 3:
        pictures = pictures.transpose(0, 2, 3, 1).astype(np.float64)
        low, high = pictures.min(initial=0), pictures.max(initial=1)
        return (pictures - low) / (high - low)
    if pictures.ndim == 3:
        return pictures
    raise ValueError(
        f"images have shape (N, H, W), (N, 1, H, W) or (N, 3, H, W), but these {pictures.shape}"
    )


def mistakes(
    images: Any,
    labels: Any,
    predictions: Any,
    classes: Sequence[Any] | None = None,
    limit: int = 25,
) -> Figure:
    """Show the images that a classifier got wrong, each with its true and its predicted class.

    Args:
        images: (N, 1, H, W), (N, 3, H, W) or (N, H, W).
        labels: (N,) true classes.
        predictions: (N,) predicted classes, or (N, C) scores, of which the largest counts.
        classes: the classes' names. Defaults to their numbers.
        limit: how many images to show at most, the first ones.

    Returns:
        A matplotlib Figure.

    Raises:
        ValueError: the shapes do not match, or the limit is below 1.
        ImportError: matplotlib is not installed.
    """
    _check_limit(limit)
    pictures, truth, said = _pictures(images), as_numpy(labels), as_numpy(predictions)
    if said.ndim == 2:
        said = said.argmax(axis=1)
    if not len(pictures) == len(truth) == len(said):
        raise ValueError(
            f"{len(pictures)} images, {len(truth)} labels and {len(said)} predictions do not match"
        )
    wrong = np.flatnonzero(truth != said)
    shown = wrong[:limit]
    if not shown.size:
        figure = _figure(4, 1.2)
        figure.text(0.5, 0.5, f"No mistakes in {len(pictures):,} images", ha="center", va="center")
        return figure

    def name(number: Any) -> str:
        return str(number) if classes is None else plain(classes[int(number)], 30)

    titles = [f"true {name(truth[i])}\nsaid {name(said[i])}" for i in shown]
    columns = max(5, math.ceil(math.sqrt(len(shown))))
    more = f", the first {len(shown)}" if len(shown) < len(wrong) else ""
    heading = f"{len(wrong):,} of {len(pictures):,} images wrong{more}"
    options = {"cmap": "gray_r", "interpolation": "nearest"}
    return _mosaic(heading, pictures[shown], titles, columns, side=1.0, points=8, **options)


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")


def _mosaic(
    heading: str,
    pictures: np.ndarray,
    titles: Sequence[str],
    columns: int,
    *,
    side: float,
    points: float,
    **options: Any,
) -> Figure:
    """Draw small pictures in rows, each below its title.

    All are in one axes, whose unit is the inch: with axes of their own, sixty take seconds.

    Args:
        heading: what stands above them all.
        pictures: (N, H, W) or (N, H, W, 3), at least one.
        titles: N of them, all with the same number of lines.
        columns: how many pictures stand side by side at most.
        side: the longer side of a picture, in inches.
        points: the size of the titles, in points.
        options: those of ``imshow``.

    Returns:
        A figure with one axes, in which each picture is an image and each title a text.
    """
    scale = side / max(pictures.shape[1:3])
    height, width = (scale * length for length in pictures.shape[1:3])
    lines = [line for title in titles for line in title.split("\n")]
    title_height = points / 72 * 1.25 * (len(lines) // len(titles))
    cell_width = max(width, points / 72 * 0.6 * max(map(len, lines))) + 0.12
    cell_height = height + title_height + 0.14
    columns = min(columns, len(titles))
    rows = math.ceil(len(titles) / columns)
    figure = _figure(max(cell_width * columns, 4.2), cell_height * rows + 0.35)
    figure.suptitle(heading, fontsize=11)
    axes = figure.subplots()
    for number, (picture, title) in enumerate(zip(pictures, titles)):
        row, column = divmod(number, columns)
        middle, top = (column + 0.5) * cell_width, row * cell_height + title_height
        extent = (middle - width / 2, middle + width / 2, top + height, top)
        axes.imshow(picture, extent=extent, **options)
        axes.text(middle, top - 0.03, title, fontsize=points, ha="center", va="bottom")
    axes.set(xlim=(0, columns * cell_width), ylim=(rows * cell_height, 0))
    axes.set_axis_off()
    return figure


def filters(weight: Any, limit: int = 64) -> Figure:
    """Show the kernels of a convolution as small pictures, all on one scale of colours.

    Args:
        weight: (O, C, H, W). Three input channels are not mixed to colours: each kernel of each
            channel is a picture of its own.
        limit: how many to show at most, the first ones.

    Returns:
        A matplotlib Figure; orange is negative, white zero, purple positive.

    Raises:
        ValueError: ``weight`` does not have four dimensions, there is nothing to show, or the
            limit is below 1.
        ImportError: matplotlib is not installed.
    """
    _check_limit(limit)
    kernels = as_numpy(weight)
    if kernels.ndim != 4:
        raise ValueError(f"kernels have shape (O, C, H, W), but these {kernels.shape}")
    out_channels, in_channels = kernels.shape[:2]
    total = out_channels * in_channels
    tiles = kernels.reshape(total, *kernels.shape[2:])[:limit]
    if not tiles.size:
        raise ValueError(f"there are no kernels to show in shape {kernels.shape}")
    largest = float(np.abs(tiles[np.isfinite(tiles)]).max(initial=0)) or 1.0
    heading = f"{total:,} kernel{'s' * (total > 1)} {kernels.shape[2]} × {kernels.shape[3]}"
    if in_channels == 1:
        titles = [str(number) for number in range(len(tiles))]
    else:
        titles = ["{}, {}".format(*divmod(number, in_channels)) for number in range(len(tiles))]
        heading += " (output, input channel)"
    if len(tiles) < total:
        heading += f", the first {len(tiles)}"
    options = {"cmap": "PuOr", "vmin": -largest, "vmax": largest}
    figure = _mosaic(heading, tiles, titles, 8, side=0.62, points=7, **options)
    (axes,) = figure.axes
    for image in axes.images:  # a kernel near zero is white
        left, right, bottom, top = image.get_extent()
        frame = (left, top), right - left, bottom - top
        axes.add_patch(require("matplotlib.patches").Rectangle(*frame, fill=False, color="#bbbbbb"))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + 1.0, max(height, 2.2))
    bar = figure.colorbar(axes.images[0], ax=axes, shrink=0.8, aspect=25, label="weight")
    bar.outline.set_visible(False)
    return figure


# --- inside a network ----------------------------------------------------------------------------


def histograms(
    layers: Mapping[str, Mapping[str, Any]] | Any,
    x: Any = None,
    *,
    lr: float | None = None,
    bins: int = 60,
) -> Figure:
    """Show how activations, gradients and updates are distributed, layer by layer.

    Args:
        layers: a model that has gradients (after ``loss.backward()``), with ``x`` its input, of
            which the activations are computed anew; or the numbers themselves: for each panel
            (``"activations"``, ``"gradients"``, …) the values by layer.
        x: the input of the model.
        lr: a learning rate. With it a third panel shows ``log10(lr |gradient| / |weight|)`` for
            each weight, the relative size of a plain gradient step: about -3 is a healthy one.
        bins: how many bars each histogram has.

    Returns:
        A matplotlib Figure, one panel for each quantity, one histogram for each layer. The numbers
        beside a layer are its mean and standard deviation.

    Raises:
        ValueError: there is nothing to show, or the model has no gradients.
        ImportError: matplotlib is not installed.
    """
    panels = layers if isinstance(layers, Mapping) else _distributions(layers, x, lr)
    panels = {
        name: {layer: _finite(values) for layer, values in rows.items()}
        for name, rows in panels.items()
        if rows
    }
    if not panels:
        raise ValueError("there is nothing to show: no layer has activations or gradients")
    height = max(2.2, 0.5 * max(map(len, panels.values())) + 1.1)
    figure = _figure(4.2 * len(panels), height)
    for axes, (number, (name, rows)) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], enumerate(panels.items())
    ):
        _ridges(axes, rows, bins, _CYCLE[number % len(_CYCLE)])
        axes.set_xlabel(name)
    return figure


def _finite(values: Any) -> np.ndarray:
    array = as_numpy(values).astype(np.float64).ravel()
    return array[np.isfinite(array)]


def _ridges(axes: Any, rows: Mapping[str, np.ndarray], bins: int, colour: str) -> None:
    """Draw one histogram above the other, the first layer on top, all on one horizontal scale."""
    filled = [values for values in rows.values() if values.size]
    low = min((np.quantile(values, 0.002) for values in filled), default=-1.0)
    high = max((np.quantile(values, 0.998) for values in filled), default=1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    for place, values in zip(range(len(rows) - 1, -1, -1), rows.values()):
        counts = np.histogram(np.clip(values, low, high), edges)[0]
        # Many exact zeros (a ReLU) would flatten the rest: one bar may be cut off.
        top = np.sort(counts)[-2] or counts.max() or 1 if len(counts) > 1 else 1
        heights = np.minimum(counts / top, 1.15) * 0.8
        axes.bar(
            edges[:-1], heights, width=np.diff(edges), bottom=place, align="edge", color=colour
        )
        spread = f"{values.mean():.2g}\nstd {values.std():.2g}" if values.size else "none"
        axes.annotate(
            f"mean {spread}", (1, place + 0.45), xycoords=("axes fraction", "data"), fontsize=8,
            xytext=(4, 0), textcoords="offset points", va="center",
        )  # fmt: skip
    axes.set_yticks(
        [i + 0.1 for i in range(len(rows) - 1, -1, -1)], [plain(row, 60) for row in rows]
    )
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.05, len(rows) + 0.05)
    axes.margins(x=0)
    _tidy(axes)
    axes.grid(False, axis="y")


def _distributions(model: Any, x: Any, lr: float | None) -> dict[str, dict[str, Any]]:
    """Return activations, gradients and relative steps of a model, by layer."""
    panels: dict[str, dict[str, Any]] = {}
    if x is not None:
        activations: dict[str, Any] = {}
        handles = []
        for path, module in model.named_modules():
            if path and not list(module.children()):

                def keep(_: Any, __: Any, output: Any, path: str = path) -> None:
                    if isinstance(output, Traced):
                        activations[path] = as_numpy(output).copy()

                handles.append(module.register_forward_hook(keep))
        try:
            with undisturbed(model), no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        panels["activations"] = activations
    gradients = {p: w.grad for p, w in model.named_parameters() if w.grad is not None}
    if not gradients:
        raise ValueError("the model has no gradients: call loss.backward() first")
    panels["gradients"] = gradients
    if lr is not None:
        panels["log₁₀ (lr · |gradient| / |weight|)"] = {
            path: _log_ratio(as_numpy(weight.grad), as_numpy(weight), lr)
            for path, weight in model.named_parameters()
            if weight.grad is not None and weight.ndim > 1
        }
    return panels


def _log_ratio(gradient: np.ndarray, weight: np.ndarray, lr: float) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(lr * np.abs(gradient) / np.abs(weight))
