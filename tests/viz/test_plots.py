"""The plots: what is in them, and that they disturb nothing."""

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
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["true 1\nsaid 2", "true 3\nsaid 1"]
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]
    assert np.array_equal(shown[1], images.numpy()[3, 0])


def test_mistakes_take_scores_names_and_colour():
    scores = np.eye(3)[[0, 1, 0]]
    figure = viz.mistakes(np.zeros((3, 3, 4, 4)), [0, 1, 2], scores, ["a", "b", "c"])
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["true c\nsaid a"]


def test_mistakes_without_a_mistake():
    figure = viz.mistakes(np.zeros((2, 4, 4)), [0, 1], [0, 1])
    assert figure.texts[0].get_text() == "No mistakes in 2 images"


def test_mistakes_refuse_what_does_not_match():
    with pytest.raises(ValueError, match="3 images, 2 labels"):
        viz.mistakes(np.zeros((3, 4, 4)), [0, 1], [0, 1])


def test_filters_share_one_scale():
    weight = torch.nn.Parameter(torch.randn(4, 2, 3, 3))
    figure = viz.filters(weight)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 8
    limits = {axes.images[0].get_clim() for axes in pictures}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high == pytest.approx(-abs(weight.detach().numpy()).max())
    with pytest.raises(ValueError, match="O, C, H, W"):
        viz.filters(torch.ones(3, 3))


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
    assert 'pip install "tinygrad_adam[viz]"' in str(error.value)
    assert "\n" not in str(error.value)
    assert viz.draw(torch.tensor(1.0)).text()  # needs nothing
