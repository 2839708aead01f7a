"""The table of layers."""

import json

import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, Tied
from tinygrad_adam import nn, viz


def test_the_notes_cnn():
    table = viz.summary(CNN(), torch.ones(1, 1, 28, 28))
    rows = {layer.name: layer for layer in table.layers}
    assert list(rows) == [
        "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "Reshape", "fc1", "relu3", "fc2",
    ]  # fmt: skip
    assert [rows[name].parameters for name in ("conv1", "conv2", "fc1", "fc2")] == [
        320, 18_496, 401_536, 1_290,
    ]  # fmt: skip
    assert [rows[name].multiply_adds for name in ("conv1", "conv2", "fc1", "fc2")] == [
        225_792, 3_612_672, 401_408, 1_280,
    ]  # fmt: skip
    assert rows["pool2"].output_shape == (1, 64, 7, 7)
    assert (table.parameters, table.trainable) == (421_642, 421_642)
    assert table.multiply_adds == 4_241_152
    assert table.parameter_bytes == 4 * 421_642
    assert table.saved_bytes == sum(layer.saved_bytes for layer in table.layers)
    assert table.forward_seconds > 0
    assert table.backward_seconds > 0
    text = str(table)
    assert "421,642" in text
    assert "Conv2d     (1, 32, 28, 28)" in text
    json.dumps(table.to_dict())


def test_a_recurrent_layer_multiplies_each_row_by_its_weights():
    layer = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    first, second = 16 * 3 + 16 * 2 + 2 * 4, 16 * 4 + 16 * 2 + 2 * 4
    table = viz.summary(layer, torch.ones(5, 2, 3))
    assert table.multiply_adds == 5 * 2 * 2 * (first + second)


def test_shared_and_frozen_parameters_count_once():
    table = viz.summary(Tied(), torch.ones(2, 3))
    first, second = [layer for layer in table.layers if layer.type == "Linear"]
    assert (first.parameters, first.shared) == (12, False)
    assert (second.parameters, second.shared) == (0, True)
    assert table.parameters == 12
    model = nn.Linear(3, 3)
    model.bias.requires_grad_(False)
    table = viz.summary(model, torch.ones(2, 3))
    assert (table.parameters, table.trainable, table.layers[0].trainable) == (12, 9, 9)


def test_nested_modules_are_indented_and_count_what_they_hold():
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), nn.Linear(4, 2))
    table = viz.summary(model, torch.ones(5, 3))
    assert [(x.name, x.level, x.parameters) for x in table.layers] == [
        ("0", 0, 16), ("0", 1, 16), ("1", 1, 0), ("1", 0, 10),
    ]  # fmt: skip


def test_inputs_of_several_kinds():
    class Sum(nn.Module):
        def forward(self, a, b):
            return a + b

    ones = torch.ones(2)
    assert viz.summary(Sum(), (ones, ones)).layers[0].name == "Sum"
    assert viz.summary(Sum(), {"a": ones, "b": ones}).layers[0].output_shape == (2,)
    with pytest.raises(TypeError, match="takes a Module"):
        viz.summary(lambda x: x, ones)
