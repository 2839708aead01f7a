"""Histograms and landscapes."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import Block
from tinygrad_adam import nn, viz
from tinygrad_adam.viz import panels, plots

pytest.importorskip("matplotlib")


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_histograms_of_a_model():
    torch.manual_seed(0)
    model = nn.Sequential(Block(6), nn.Dropout(0.5), nn.Linear(6, 2))
    x = torch.randn(16, 6)
    model(x).pow(2).mean().backward()
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    figure = viz.histograms(model, x, lr=0.1)
    assert torch.rand(2).tolist() == expected
    activations, gradients, ratios = figure.axes
    assert labels(activations) == ["0.fc", "0.act", "1", "2"]
    assert labels(gradients) == ["0.fc.weight", "0.fc.bias", "2.weight", "2.bias"]
    assert labels(ratios) == ["0.fc.weight", "2.weight"]
    hooks = [vars(m).get("_Module__hooks") for m in model.modules()]
    assert all(hook is None or not hook.after_forward for hook in hooks)


def test_histograms_of_numbers():
    figure = viz.histograms({"gradients": {"a": np.zeros(5), "b": np.array([np.nan, 1, 2])}})
    (axes,) = figure.axes
    assert labels(axes) == ["a", "b"]
    assert {text.get_text() for text in axes.texts} == {"mean 0\nstd 0", "mean 1.5\nstd 0.5"}


def test_histograms_without_gradients():
    with pytest.raises(ValueError, match=r"call loss\.backward"):
        viz.histograms(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="nothing to show"):
        viz.histograms({})


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def assert_legend_fits(figure):
    figure.canvas.draw()
    box, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
    assert figure.axes[0].get_window_extent().y1 < box.y0 < box.y1 <= whole.y1


def test_a_landscape_with_paths():
    path = np.array([[-1.0, 1.0], [0.0, 0.5], [0.9, 0.9]])
    figure = viz.landscape(rosenbrock, {"Adam": path}, minimum=(1, 1), title="bent")
    axes = figure.axes[0]
    assert axes.get_xlim() == (-2, 2)
    assert axes.get_title() == "bent"
    drawn = [np.asarray(line.get_xydata()) for line in axes.get_lines()]
    assert any(np.array_equal(xy, path) for xy in drawn)
    assert legend_texts(figure) == ["Adam", "start", "end", "minimum"]
    with pytest.raises(ValueError, match="steps"):
        viz.landscape(lambda x, y: x, {"bad": np.zeros(3)})
    viz.landscape(lambda x, y: x * 0 + y, logarithmic=False)


@pytest.mark.parametrize("count", [1, 5, 7, 12])
def test_the_legend_of_a_landscape_stays_in_the_picture(count):
    paths = {f"optimizer {n}, lr={n / 7:.3f}": np.zeros((3, 2)) + n / 10 for n in range(count)}
    figure = viz.landscape(rosenbrock, paths, minimum=(1, 1))
    assert len(legend_texts(figure)) == count + 3
    assert_legend_fits(figure)


def test_the_legend_takes_any_name():
    paths = {name: np.zeros((2, 2)) for name in ("_hidden", "$\\frac{", "start", "x" * 300, "a\nb")}
    figure = viz.landscape(rosenbrock, paths)
    assert len(legend_texts(figure)) == 5 + 2
    assert_legend_fits(figure)


def shades(figure):
    """Return the shares of the map's area that have each shade."""
    axes = figure.axes[0]
    figure.canvas.draw()
    box = axes.get_window_extent()
    picture = np.asarray(figure.canvas.buffer_rgba())
    rows = slice(picture.shape[0] - int(box.y1) + 3, picture.shape[0] - int(box.y0) - 3)
    inner = picture[rows, int(box.x0) + 3 : int(box.x1) - 3, 0] // 16
    return np.bincount(inner.ravel(), minlength=16) / inner.size


@pytest.mark.parametrize("points", [200, 201])
@pytest.mark.parametrize("lowest", [None, 0.0])
def test_a_bowl_is_seen_whether_or_not_a_sample_lies_in_its_minimum(points, lowest):
    def bowl(x, y):  # with 201 points one sample is 1e-32, by rounding
        return (x - 0.1) ** 2 / 20 + (y - 0.1) ** 2

    share = shades(viz.landscape(bowl, points=points, lowest=lowest))
    assert share.max() < 0.62
    assert (share > 0.02).sum() >= 4


def test_a_landscape_with_places_that_are_not_finite():
    def function(x, y):
        with np.errstate(all="ignore"):
            return np.log(x) + y / (y * (y > -1.9))

    path = np.array([[1.0, 1.0], [1e200, -1e200], [np.nan, 0.0]])
    figure = viz.landscape(function, {"far away": path, "nowhere": np.full((2, 2), np.inf)})
    figure.canvas.draw()
    assert legend_texts(figure)[:2] == ["far away", "nowhere"]
    viz.landscape(lambda x, y: x * 0 + 3.0).canvas.draw()  # level everywhere
    with pytest.raises(ValueError, match="no value of the function is finite"):
        viz.landscape(lambda x, y: x * np.nan)


def test_lines_and_regions_in_panels():
    figure, (axes,) = panels.panels(1, 1)
    lines = {"_a": [1.0, np.nan, 3.0], "b": ([5, 6], [7, 8])}
    panels.draw_lines(axes, lines, "$", "step", "loss", x=[10, 20, 30])
    first, second = axes.get_lines()
    assert [*first.get_xdata(), *second.get_xdata()] == [10, 20, 30, 5, 6]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [" _a", "b"]
    figure.canvas.draw()
    models = {name: lambda places: (places[:, 0] > 0).astype(int) for name in ("one", "two")}
    figure = panels.regions(models, np.array([[-1, 0], [1, 1]]), [0, 1], ("no", "yes"), "x", "y")
    assert [axes.get_title() for axes in figure.axes] == ["one", "two"]
    assert legend_texts(figure) == ["no", "yes"]


def test_the_eighth_line_is_not_like_the_first():
    looks = [tuple(sorted(plots._line_style(number).items())) for number in range(28)]
    assert len(set(looks)) == 28
    pairs = {(look["color"], look["marker"]) for look in map(dict, looks)}
    assert len(pairs) == 28
