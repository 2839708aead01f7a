"""Histograms and landscapes."""

import numpy as np
import pytest
from drawn_models import Block

import tinygrad_adam as torch
from tinygrad_adam import nn, viz

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
    assert all(
        hook is None or not hook.after_forward for hook in [m._hooks for m in model.modules()]
    )


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


def test_a_landscape_with_paths():
    path = np.array([[-1.0, 1.0], [0.0, 0.5], [0.9, 0.9]])
    figure = viz.landscape(
        lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2, {"Adam": path}, minimum=(1, 1)
    )
    axes = figure.axes[0]
    assert axes.get_xlim() == (-2, 2)
    drawn = [np.asarray(line.get_xydata()) for line in axes.get_lines()]
    assert any(np.array_equal(xy, path) for xy in drawn)
    assert figure.legends[0].get_texts()[0].get_text() == "Adam (2 steps)"
    with pytest.raises(ValueError, match="steps, 2"):
        viz.landscape(lambda x, y: x, {"bad": np.zeros(3)})
    viz.landscape(lambda x, y: x * 0 + y, logarithmic=False)
