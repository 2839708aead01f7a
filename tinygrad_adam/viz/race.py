"""Races of optimizers: on functions of two numbers, or in the plane where weights move.

::

    bowl = race.LANDSCAPES["bowl"]
    runs = {name: race.descend_on(bowl, make) for name, make in optimizers.items()}
    race.map_of(bowl.field(runs)).savefig("bowl.png")
    race.save_animation("bowl.html", [bowl.field(runs)])

matplotlib is loaded by the functions that draw, Pillow by the one that writes a GIF.
"""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.backend import to_numpy
from tinygrad_adam.optim import Optimizer
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.viz.contours import landscape, legend_above, on_map
from tinygrad_adam.viz.extras import require
from tinygrad_adam.viz.page import page
from tinygrad_adam.viz.panels import draw_lines, panels
from tinygrad_adam.viz.plots import Figure, _line_style

Point = tuple[float, float]


def lost(parameters: np.ndarray, value: float, first: float) -> bool:
    """Say whether a run has diverged.

    That is when the value or a parameter is infinite or not a number, or the value a million
    million times the ``first`` one: on its way there.
    """
    return not (np.isfinite(parameters).all() and abs(value) <= 1e12 * max(abs(first), 1.0))


@dataclass(frozen=True)
class Run:
    """What one optimizer did: row k of ``path`` and ``values[k]`` are after k steps."""

    path: np.ndarray
    """(steps + 1, parameters): all parameters, one after the other."""
    values: np.ndarray
    """(steps + 1,): the function there."""

    @property
    def steps(self) -> int:
        """How many steps were taken; fewer than were asked for, if it diverged."""
        return len(self.values) - 1

    @property
    def diverged(self) -> bool:
        """Whether it ended because it was lost: see :func:`lost`."""
        return lost(self.path[-1], self.values[-1], self.values[0])

    def steps_to(self, height: float) -> int | None:
        """Return the first step from which the value *stays* at most ``height``; None if it is not.

        Passing through at full speed does not count as having arrived.
        """
        above = np.flatnonzero(~(self.values <= height))
        first = int(above[-1]) + 1 if len(above) else 0
        return first if first < len(self.values) else None

    def verdict(self, height: float) -> str:
        """Say in a few words how it ended."""
        if self.diverged:
            return f"diverged at step {self.steps}"
        arrived = self.steps_to(height)
        return "not there" if arrived is None else f"there at step {arrived}"


@dataclass(frozen=True)
class Field:
    """Where a race took place, seen from above, and what happened: all that drawing it needs."""

    name: str
    formula: str
    height: Callable[[Any, Any], Any]
    """The function, for two NumPy arrays of one shape."""
    x: Point
    y: Point
    runs: Mapping[str, Run]
    """By the optimizers' names; their paths have two columns."""
    lowest: float = 0.0
    minimum: Point | None = None
    labels: tuple[str, str] = ("x", "y")


@dataclass(frozen=True)
class Landscape:
    """A function of two numbers with a known minimum, and how to race on it."""

    name: str
    formula: str
    function: Callable[[Any, Any], Any]
    """Takes two tensors, or two NumPy arrays; arithmetic is all it uses."""
    start: Point
    minimum: Point
    x: Point
    y: Point
    steps: int
    rates: Mapping[str, float] = field(default_factory=dict)
    """Learning rates that suit this function: for classes of ``optim``, in small letters."""
    lowest: float = 0.0

    def field(self, runs: Mapping[str, Run]) -> Field:
        """Return this landscape with the runs across it."""
        return Field(
            self.name, self.formula, self.function, self.x, self.y, runs, self.lowest, self.minimum
        )


LANDSCAPES = {
    one.name: one
    for one in (
        Landscape(
            "bowl", "x²/20 + y²", lambda x, y: x**2 / 20 + y**2,
            start=(-7.0, 2.0), minimum=(0.0, 0.0), x=(-8.0, 8.0), y=(-3.0, 3.0), steps=100,
            rates={"sgd": 0.95, "momentum": 1.0, "adagrad": 1.5, "rmsprop": 0.1, "adam": 0.3},
        ),
        Landscape(
            "beale", "(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²",
            lambda x, y: (
                (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
            ),
            start=(1.0, 1.5), minimum=(3.0, 0.5), x=(-1.0, 4.0), y=(-2.0, 2.0), steps=200,
            rates={"sgd": 0.02, "momentum": 0.05, "adagrad": 1.0, "rmsprop": 0.05, "adam": 0.5},
        ),
        Landscape(
            "rosenbrock", "(1 - x)² + 100 (y - x²)²",
            lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
            start=(-1.2, 1.0), minimum=(1.0, 1.0), x=(-2.0, 2.0), y=(-0.75, 2.5), steps=1000,
            rates={"sgd": 1e-3, "momentum": 0.02, "adagrad": 1.0, "rmsprop": 0.02, "adam": 0.2},
        ),
        # x² - y² has no lowest point to race to; this one looks like it near (0, 0).
        Landscape(
            "saddle", "x² + (y² - 1)²", lambda x, y: x**2 + (y**2 - 1) ** 2,
            start=(-1.5, 0.001), minimum=(0.0, 1.0), x=(-1.8, 1.2), y=(-0.6, 1.6), steps=100,
            rates={"sgd": 0.1, "momentum": 0.5, "adagrad": 0.5, "rmsprop": 0.05, "adam": 0.1},
        ),
    )
}  # fmt: skip


def descend(loss: Callable[[], Tensor], optimizer: Optimizer, steps: int) -> Run:
    """Take ``steps`` steps and remember every place on the way.

    Args:
        loss: computes the value to make small, a tensor of one element, from the parameters.
        optimizer: holds the parameters.
        steps: how many steps to take; fewer are taken if it diverges (:func:`lost`), and the last
            place of the run is then where it was lost.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    path: list[np.ndarray] = []
    values: list[float] = []
    with np.errstate(all="ignore"):  # a run that diverges says so in one word
        for step in range(steps + 1):
            path.append(np.concatenate([to_numpy(p.array).ravel() for p in parameters]))
            optimizer.zero_grad()
            value = loss()
            values.append(value.item())
            if lost(path[-1], values[-1], values[0]):
                break
            if step < steps:
                value.backward()
                optimizer.step()
    return Run(np.array(path, dtype=np.float64), np.array(values))


def descend_on(
    place: Landscape, make: Callable[[list[Tensor]], Optimizer], steps: int | None = None
) -> Run:
    """Race one optimizer on a landscape, in float64.

    Args:
        place: where.
        make: takes a list with the one parameter, of shape (2,), and returns the optimizer.
        steps: how many steps; the landscape's own number if not given.
    """
    point = Tensor._wrap(np.array(place.start, dtype=np.float64))
    point.requires_grad = True
    return descend(
        lambda: place.function(point[0], point[1]),
        make([point]),
        place.steps if steps is None else steps,
    )


def plane_of(
    name: str,
    formula: str,
    runs: Mapping[str, Run],
    loss: Callable[[], Tensor],
    parameters: Sequence[Tensor],
    points: int = 40,
) -> Field:
    """Return the plane in which most of the movement of many parameters took place.

    Its two directions are the first principal components of all the places of all the runs (but
    those that went more than ten times as far as most); the paths are their shadows on it, and the
    heights are the loss in the plane itself, so that a path that leaves the plane has another loss
    than the map says.

    Args:
        name, formula: of the field.
        runs: paths of the same parameters, from the same start.
        loss: computes the loss from the parameters.
        parameters: the tensors that ``loss`` reads, in the order of the paths. They are written
            during the call, and have their values again after it.
        points: how finely the loss is sampled, in each direction.

    Source: Li et al., "Visualizing the Loss Landscape of Neural Nets" (2018), section 7.
    """
    paths = [run.path[np.isfinite(run.path).all(axis=1)] for run in runs.values()]
    # One that was thrown out far would choose the plane alone, and shrink the rest to a dot.
    reach = [np.abs(path - path[0]).max() for path in paths]
    places = np.concatenate([p for p, far in zip(paths, reach) if far <= 10 * np.median(reach)])
    centre = places.mean(axis=0)
    _, spread, directions = np.linalg.svd(places - centre, full_matrices=False)
    directions = directions[:2]
    shares = spread**2 / max((spread**2).sum(), np.finfo(float).tiny)
    shadows = {
        label: Run((run.path - centre) @ directions.T, run.values) for label, run in runs.items()
    }
    flat = (places - centre) @ directions.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    # Some room around the paths, and never a plane without width.
    room = np.maximum(0.12 * (high - low), 1e-3)
    (x0, y0), (x1, y1) = low - room, high + room
    xs, ys = np.linspace(x0, x1, points), np.linspace(y0, y1, points)
    before = [p.array.copy() for p in parameters]
    heights = np.empty((points, points))
    try:
        with no_grad(), np.errstate(all="ignore"):
            for row, column in np.ndindex(heights.shape):
                _place(parameters, centre + xs[column] * directions[0] + ys[row] * directions[1])
                heights[row, column] = loss().item()
    finally:
        _place(parameters, np.concatenate([array.ravel() for array in before]))

    def height(x: Any, y: Any) -> Any:
        """Look the loss up between the samples: linearly along one axis, then the other."""
        columns = np.array([np.interp(x[0], xs, row) for row in heights])
        return np.array([np.interp(y[:, 0], ys, column) for column in columns.T]).T

    labels = tuple(
        f"{word} principal direction ({share:.0%} of variance)"
        for word, share in zip(("first", "second"), shares)
    )
    return Field(name, formula, height, (x0, x1), (y0, y1), shadows, labels=labels)  # type: ignore[arg-type]


def _place(parameters: Sequence[Tensor], values: np.ndarray) -> None:
    """Write one long vector into the parameters."""
    start = 0
    for p in parameters:
        p.array[...] = values[start : start + p.numel()].reshape(p.shape)
        p._writes[0] += 1
        start += p.numel()


def _draw(place: Field, paths: Mapping[str, np.ndarray]) -> Figure:
    """Draw a field and paths."""
    return landscape(
        place.height, paths, x=place.x, y=place.y, minimum=place.minimum, lowest=place.lowest,
        points=160, title=f"{place.name}: {place.formula}", labels=place.labels,
    )  # fmt: skip


def map_of(place: Field) -> Figure:
    """Draw the contours of a field with the paths across it, as ``viz.landscape`` does."""
    return _draw(
        place,
        {
            name + (" (diverged)" if run.diverged else ""): run.path
            for name, run in place.runs.items()
        },
    )


def heights_of(places: Sequence[Field], tolerance: float | None = None) -> Figure:
    """Draw how far above the lowest value each optimizer was, step by step, a panel a field.

    Args:
        places: the fields.
        tolerance: draw a line at this height.

    Returns:
        A matplotlib Figure, with logarithmic vertical axes. What diverges leaves its panel at
        the top.
    """
    columns = min(len(places), 2)
    rows = -(-len(places) // columns)
    figure, grid = panels(rows, columns, width=5.0, height=3.3)
    for axes in grid[len(places) :]:
        axes.set_axis_off()
    names = dict.fromkeys(name for place in places for name in place.runs)
    for axes, place in zip(grid, places):
        # What is exactly lowest has no logarithm; 1e-12 above is as good as there.
        lines = {
            name: np.maximum(run.values - place.lowest, 1e-12) for name, run in place.runs.items()
        }
        ylabel = "f - lowest" if place.minimum else "loss"
        draw_lines(axes, lines, place.name, "step", ylabel, yscale="log", legend=None)
        # Those that diverge leave the panel, instead of pressing the others flat.
        start = max(values[0] for values in lines.values())
        axes.set_ylim(top=min(axes.get_ylim()[1], 300 * start))
        if tolerance is not None:
            axes.axhline(tolerance, color="#555555", linewidth=1, linestyle=(0, (1, 2)))
    legend_above(figure, [(name, _line_style(number)) for number, name in enumerate(names)])
    return figure


# --- animation -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stage:
    """A drawn field without its paths, and the paths in the picture's points."""

    png: bytes
    width: float
    height: float
    box: tuple[float, float, float, float]
    """Left, top, width and height of the map itself."""
    paths: dict[str, np.ndarray]


def _stage(place: Field, dpi: float, legend: bool) -> _Stage:
    figure = _draw(place, {})
    if legend:
        colours = zip(place.runs, _colours(len(place.runs)))
        legend_above(figure, [(name, {"color": c, "linewidth": 3}) for name, c in colours])
    figure.set_dpi(dpi)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    axes, (width, height) = figure.axes[0], figure.bbox.size
    box = axes.bbox
    flip = np.array([0.0, height]), np.array([1.0, -1.0])  # points of pictures count from the top
    return _Stage(
        buffer.getvalue(), float(width), float(height),
        (box.x0, height - box.y1, box.width, box.height),
        {
            name: flip[0] + flip[1] * axes.transData.transform(on_map(run.path, place.x, place.y))
            for name, run in place.runs.items()
        },
    )  # fmt: skip


def save_animation(path: str | os.PathLike[str], places: Sequence[Field]) -> Path:
    """Write the race as something to watch: a page (``.html``) or an animated picture (``.gif``).

    The page is one file that needs no network: a slider, a play button, and the value that each
    optimizer has reached at the step shown. The file appears whole or not at all.

    Args:
        path: where to write; the ending says what.
        places: the fields, each with its runs; all are shown side by side, each as far on its way
            as the others.

    Raises:
        ValueError: another ending.
        ImportError: matplotlib is not installed.
    """
    path = Path(path)
    write = {".html": _animated_page, ".gif": _animated_picture}.get(path.suffix.lower())
    if write is None:
        raise ValueError(f"{path}: an animation ends in .html or .gif")
    return write_whole(path, write(places))


def write_whole(path: str | os.PathLike[str], content: bytes | Figure) -> Path:
    """Write bytes, or a figure as PNG, so that the file is there whole or not at all."""
    path = Path(path)
    if not isinstance(content, bytes):
        buffer = io.BytesIO()
        content.savefig(buffer, format="png")
        content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _animated_picture(places: Sequence[Field], frames: int = 80) -> bytes:
    """Return an animated GIF, drawn twice as large and halved, so that slanted lines are smooth."""
    image_module, drawing = require("PIL.Image"), require("PIL.ImageDraw")
    stages = [_stage(place, 160, legend=True) for place in places]
    columns = min(len(stages), 2)
    cell = int(max(s.width for s in stages)), int(max(s.height for s in stages)) + 44
    size = columns * cell[0], -(-len(stages) // columns) * cell[1]
    ground = [image_module.open(io.BytesIO(s.png)).convert("RGB") for s in stages]
    font = require("PIL.ImageFont").load_default(26)
    palette, pictures = image_module.new("P", (1, 1)), []
    palette.putpalette(_palette())
    for frame in range(frames + 1):
        whole = image_module.new("RGB", size, "white")
        pen_of_whole = drawing.Draw(whole)
        for number, (place, stage) in enumerate(zip(places, stages)):
            step = round(frame / frames * _steps(place))
            layer = ground[number].copy()
            pen = drawing.Draw(layer)
            for colour, path in zip(_colours(len(stage.paths)), stage.paths.values()):
                done = [tuple(point) for point in path[: step + 1]]
                if len(done) > 1:
                    pen.line(done, fill=colour, width=4, joint="curve")
                x, y = done[-1]
                pen.ellipse((x - 9, y - 9, x + 9, y + 9), fill=colour, outline="white", width=2)
            corner = number % columns * cell[0], number // columns * cell[1]
            # Only the map itself is taken from the layer: paths that run off it end at its edge.
            left, top, width, height = (round(v) for v in stage.box)
            inside = layer.crop((left, top, left + width, top + height))
            whole.paste(ground[number], corner)
            whole.paste(inside, (corner[0] + left, corner[1] + top))
            words = f"step {step} of {_steps(place)}"
            pen_of_whole.text((corner[0] + left, corner[1] + cell[1] - 44), words, "black", font)
        pictures.append(whole.reduce(2).quantize(palette=palette, dither=image_module.Dither.NONE))
    buffer = io.BytesIO()
    durations = [80] * frames + [2500]
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0
    )
    return buffer.getvalue()


def _palette() -> list[int]:
    """Return 256 colours: greys, and every line's colour in steps towards white and grey.

    A palette that is counted out of the frames would give thin lines each other's colours.
    """
    lines = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in _colours(7)])
    shares = np.linspace(1, 0.1, 12)[:, None, None]
    tints = [shares * lines + (1 - shares) * ground for ground in (255, 190)]
    greys = np.repeat(np.linspace(0, 255, 88), 3)
    found = np.concatenate([*(tint.ravel() for tint in tints), greys])
    return [int(value) for value in found.round()]


def _steps(place: Field) -> int:
    return max(run.steps for run in place.runs.values())


def _colours(count: int) -> list[str]:
    return [_line_style(number)["color"] for number in range(count)]


def _animated_page(places: Sequence[Field]) -> bytes:
    """Return an HTML page."""
    films: list[dict[str, Any]] = []
    bodies: list[str] = []
    for place in places:
        stage = _stage(place, 110, legend=False)
        picture = base64.b64encode(stage.png).decode()
        left, top, width, height = stage.box
        key = len(films)
        rows = "".join(
            f'<tr><td><svg width="26" height="10"><path d="M0 5H26" stroke="{colour}" '
            f'stroke-width="4"/></svg></td><th>{html.escape(name)}</th><td class="value"></td></tr>'
            for name, colour in zip(place.runs, _colours(len(place.runs)))
        )
        bodies.append(
            f"""<section><svg viewBox="0 0 {stage.width:.0f} {stage.height:.0f}" role="img"
aria-label="{html.escape(place.name)}"><clipPath id="box{key}"><rect x="{left:.1f}" y="{top:.1f}"
width="{width:.1f}" height="{height:.1f}"/></clipPath><image width="{stage.width:.0f}"
height="{stage.height:.0f}" href="data:image/png;base64,{picture}"/>
<g class="paths" clip-path="url(#box{key})"></g></svg><p class="step"></p>
<table>{rows}</table></section>"""
        )
        films.append(
            {
                "steps": _steps(place),
                "runs": [
                    {
                        "colour": colour,
                        "points": np.round(stage.paths[name], 1).tolist(),
                        "values": [f"{value:.6g}" for value in run.values],
                        "diverged": run.diverged,
                    }
                    for colour, (name, run) in zip(_colours(len(place.runs)), place.runs.items())
                ],
            }
        )
    # A race of 1,000 steps beside one of 100: each is as far on its way as the slider says.
    steps = max(map(_steps, places))
    body = f"""<header><h1>A race of optimizers</h1><div id="controls">
<button id="play" title="play or pause (space)">▶</button>
<input id="slider" type="range" min="0" max="{steps}" value="0"
aria-label="how much of the race is shown"><span id="position"></span></div></header>
<main class="race">{"".join(bodies)}</main>"""
    # "mono": the pictures are white, and so the page stays.
    return page("A race of optimizers", body, films, _SCRIPT, "mono", _STYLE).encode()


_STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --paper: #ffffff; --line: #c5cad3; }
#controls { display: flex; gap: 0.6rem; align-items: center; }
#controls button { min-width: 2.6rem; font-size: 1rem; }
#slider { flex: 1; }
#position { min-width: 3rem; font-variant-numeric: tabular-nums; }
main.race { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
section > svg { width: 100%; height: auto; }
p.step { text-align: center; margin: 0.2rem; font-variant-numeric: tabular-nums; }
table { margin: 0 auto; border-spacing: 0.7rem 0; }
th { text-align: left; font-weight: 500; }
.value { min-width: 11rem; font-variant-numeric: tabular-nums; }
"""

_SCRIPT = """
'use strict';
const panels = JSON.parse(document.getElementById('data').textContent);
const element = id => document.getElementById(id);
const slider = element('slider'), play = element('play'), last = Number(slider.max);
const make = (parent, name, attributes) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  return parent.appendChild(made);
};
document.querySelectorAll('g.paths').forEach((group, i) => {
  const cells = group.closest('section').querySelectorAll('.value');
  panels[i].line = group.closest('section').querySelector('.step');
  panels[i].runs.forEach((run, j) => {
    run.line = make(group, 'polyline',
      {fill: 'none', stroke: run.colour, 'stroke-width': 2.5, 'stroke-linejoin': 'round'});
    run.dot = make(group, 'circle', {r: 6, fill: run.colour, stroke: 'white', 'stroke-width': 1.5});
    run.cell = cells[j];
  });
});
function show() {
  const share = last ? Number(slider.value) / last : 1;
  element('position').textContent = Math.round(100 * share) + ' %';
  for (const panel of panels) {
    const step = Math.round(share * panel.steps);
    panel.line.textContent = 'step ' + step + ' of ' + panel.steps;
    for (const run of panel.runs) {
      const seen = run.points.slice(0, step + 1), end = seen[seen.length - 1];
      run.line.setAttribute('points', seen.map(p => p.join(',')).join(' '));
      run.dot.setAttribute('cx', end[0]);
      run.dot.setAttribute('cy', end[1]);
      const count = run.values.length - 1;
      run.cell.textContent = run.diverged && step >= count ?
        'diverged at step ' + count : run.values[Math.min(step, count)];
    }
  }
}
let timer = null;
function stop() { clearInterval(timer); timer = null; play.textContent = '▶'; }
function toggle() {
  if (timer !== null) return stop();
  if (Number(slider.value) >= last) slider.value = 0;
  play.textContent = '❚❚';
  timer = setInterval(() => {
    slider.value = Math.min(last, Number(slider.value) + Math.max(1, Math.round(last / 200)));
    show();
    if (Number(slider.value) >= last) stop();
  }, 50);
}
play.addEventListener('click', toggle);
slider.addEventListener('input', () => { stop(); show(); });
document.addEventListener('keydown', event => {
  if (event.key === ' ' && event.target !== play) { event.preventDefault(); toggle(); }
});
show();
"""
