"""The plots: what is in them, and that they disturb nothing."""

import io
import itertools
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import viz

pytest.importorskip("matplotlib")

HISTORY = [
    {"epoch": 1, "train_loss": 2.0, "test_loss": 1.5, "test_accuracy": 0.7, "seconds": 3.0},
    {"epoch": 2, "train_loss": 1.0, "test_loss": 0.9, "test_accuracy": 0.9, "seconds": 3.0},
]


def _lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def test_curves_draw_losses_and_accuracies_in_their_panels(tmp_path):
    figure = viz.curves(HISTORY)
    losses, accuracies = figure.axes
    assert _lines(losses) == {"train loss": [2.0, 1.0], "test loss": [1.5, 0.9]}
    assert _lines(accuracies) == {"test accuracy": pytest.approx([70, 90])}
    assert (losses.get_xlabel(), losses.get_ylabel()) == ("epoch", "loss")
    assert accuracies.get_ylabel() == "accuracy (%)"
    figure.savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_curves_take_a_dictionary_of_lists():
    figure = viz.curves({"train_loss": [3.0, 2.0, 1.0]})
    (axes,) = figure.axes
    assert list(axes.get_lines()[0].get_xdata()) == [1, 2, 3]


def test_curves_without_anything_to_draw():
    with pytest.raises(ValueError, match="no loss and no accuracy"):
        viz.curves([{"epoch": 1, "seconds": 2.0}])


def test_confusion_writes_counts_and_classes():
    figure = viz.confusion(np.array([[5, 1], [0, 4]]), ["cat", "dog"])
    axes = figure.axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["1", "4", "5"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert axes.get_title() == "9 of 10 right (90.00 %)"
    # white on dark, black on light
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours == {"5": "white", "4": "white", "1": "black"}


@pytest.mark.parametrize(("matrix", "classes"), [(np.ones((2, 3)), None), (np.ones((2, 2)), "abc")])
def test_confusion_refuses_what_does_not_match(matrix, classes):
    with pytest.raises(ValueError, match=r"square|names"):
        viz.confusion(matrix, classes)


def test_mistakes_show_the_wrong_ones_only():
    images = torch.arange(4 * 9).reshape(4, 1, 3, 3).float()
    figure = viz.mistakes(images, torch.tensor([0, 1, 2, 3]), torch.tensor([0, 2, 2, 1]))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["true 1\nsaid 2", "true 3\nsaid 1"]
    first, second = axes.images
    assert np.array_equal(first.get_array(), images.numpy()[1, 0])
    assert np.array_equal(second.get_array(), images.numpy()[3, 0])


def test_mistakes_take_scores_names_and_colour():
    scores = np.eye(3)[[0, 1, 0]]
    figure = viz.mistakes(np.zeros((3, 3, 4, 4)), [0, 1, 2], scores, ["a", "b", "c"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["true c\nsaid a"]


@pytest.mark.parametrize("shape", [(28, 28), (10, 40), (40, 10), (1, 1)])
@pytest.mark.parametrize("classes", [None, ["a class with quite a long name"] * 7])
def test_small_pictures_and_their_titles_keep_apart(shape, classes):
    figure = viz.mistakes(np.ones((7, *shape)), np.arange(7), np.roll(np.arange(7), 1), classes)
    figure.savefig(io.BytesIO())
    renderer = figure.canvas.get_renderer()
    (axes,) = figure.axes
    boxes = [part.get_window_extent(renderer) for part in (*axes.images, *axes.texts)]
    assert len(boxes) == 14
    for one, other in itertools.combinations([*boxes, figure._suptitle.get_window_extent()], 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        down = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(across, down) < 1  # in pixels
    assert min(box.x0 for box in boxes) >= 0
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    heights = [box.height for box in boxes[:7]]
    assert heights[0] / boxes[0].width == pytest.approx(shape[0] / shape[1], rel=0.05)


def test_mistakes_without_a_mistake():
    figure = viz.mistakes(np.zeros((2, 4, 4)), [0, 1], [0, 1])
    assert figure.texts[0].get_text() == "No mistakes in 2 images"


def test_mistakes_refuse_what_does_not_match():
    with pytest.raises(ValueError, match="3 images, 2 labels"):
        viz.mistakes(np.zeros((3, 4, 4)), [0, 1], [0, 1])


def test_filters_share_one_scale():
    weight = torch.nn.Parameter(torch.randn(4, 2, 3, 3))
    figure = viz.filters(weight)
    axes, bar = figure.axes
    assert [text.get_text() for text in axes.texts] == [
        f"{o}, {i}" for o in range(4) for i in (0, 1)
    ]
    tiles = [np.asarray(image.get_array()) for image in axes.images]
    assert np.array_equal(tiles, weight.detach().numpy().reshape(8, 3, 3))
    (limits,) = {image.get_clim() for image in axes.images}
    low, high = limits
    assert low == -high == pytest.approx(-abs(weight.detach().numpy()).max())
    assert figure._suptitle.get_text() == "8 kernels 3 × 3 (output, input channel)"
    figure.savefig(io.BytesIO())
    label = bar.yaxis.label.get_window_extent()
    assert 0 <= label.y0 < label.y1 <= figure.bbox.height


def test_filters_are_limited_and_counted():
    figure = viz.filters(torch.ones(30, 1, 2, 2), limit=3)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "1", "2"]
    assert figure._suptitle.get_text() == "30 kernels 2 × 2, the first 3"
    assert viz.filters(torch.ones(1, 1, 2, 2))._suptitle.get_text() == "1 kernel 2 × 2"


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 3), r"shape \(O, C, H, W\), but these \(3, 3\)"),
        ((0, 1, 3, 3), r"no kernels to show in shape \(0, 1, 3, 3\)"),
        ((4, 1, 0, 3), r"no kernels to show in shape \(4, 1, 0, 3\)"),
    ],
)
def test_filters_refuse_what_cannot_be_shown(shape, words):
    with pytest.raises(ValueError, match=words):
        viz.filters(torch.ones(shape))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one(limit):
    with pytest.raises(ValueError, match=f"limit must be at least 1, got {limit}"):
        viz.filters(torch.ones(2, 1, 2, 2), limit=limit)
    with pytest.raises(ValueError, match=f"limit must be at least 1, got {limit}"):
        viz.mistakes(np.ones((2, 4, 4)), [0, 1], [1, 1], limit=limit)


def test_plots_leave_pyplot_and_settings_alone():
    code = """
import io, sys
import tinygrad_adam as torch
from tinygrad_adam import viz
assert "matplotlib" not in sys.modules and "graphviz" not in sys.modules
import matplotlib
before = matplotlib.rcParams.copy()
viz.curves({"loss": [1.0, 0.5]}).savefig(io.BytesIO())
assert "matplotlib.pyplot" not in sys.modules
assert matplotlib.rcParams.copy() == before
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("matplotlib.figure", lambda: viz.curves(HISTORY)),
        ("graphviz", lambda: viz.draw(torch.tensor(1.0)).source),
    ],
)
def test_a_missing_package_names_the_extra(monkeypatch, package, use):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as error:
        use()
    hint = f'pip install {package.partition(".")[0]} (in a clone: pip install -e ".[viz]")'
    assert hint in str(error.value)
    assert "\n" not in str(error.value)
    assert viz.draw(torch.tensor(1.0)).text()  # needs nothing
