"""Grids of images, and files of them."""

import io

import numpy as np
import pytest

import tinygrad_adam as torch

pytest.importorskip("PIL")

from PIL import Image

from tinygrad_adam.vision.utils import make_grid, save_image


def test_a_grid():
    images = torch.arange(5).reshape(5, 1, 1, 1).to(torch.float32).expand(5, 1, 2, 3)
    grid = make_grid(images, nrow=3, padding=1, pad_value=9.0)
    assert grid.shape == (3, 7, 13)
    row = [9, 0, 0, 0, 9, 1, 1, 1, 9, 2, 2, 2, 9]
    assert grid[1, 1].tolist() == row
    assert grid[2, 4].tolist() == [9, 3, 3, 3, 9, 4, 4, 4, 9, 9, 9, 9, 9]
    assert grid[0, 3].tolist() == [9] * 13
    assert make_grid(list(images), 3, 1, pad_value=9.0).tolist() == grid.tolist()
    assert make_grid(images[3], padding=1).tolist() == [[[3] * 3] * 2] * 3
    assert make_grid(images[0, 0]).shape == (3, 2, 3)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, [[0.0, 0.25], [0.5, 1.0]]),
        ({"scale_each": True}, [[0.0, 1.0], [0.0, 1.0]]),
        ({"value_range": (1, 3)}, [[0.0, 0.0], [0.5, 1.0]]),
        ({"value_range": (0, 8), "scale_each": True}, [[0.0, 0.125], [0.25, 0.5]]),
    ],
)
def test_normalizing(options, wanted):
    images = torch.tensor([[0.0, 1.0], [2.0, 4.0]]).reshape(2, 1, 1, 2)
    grid = make_grid(images, padding=0, normalize=True, **options)
    assert grid[0].tolist() == [[*wanted[0], *wanted[1]]]
    assert images.flatten().tolist() == [0, 1, 2, 4]


def test_a_file(tmp_path):
    images = torch.tensor([0.0, 0.5, 1.0, 2.0]).reshape(4, 1, 1, 1).requires_grad_()
    save_image(images, tmp_path / "grid.png", nrow=2, padding=0)
    read = np.asarray(Image.open(tmp_path / "grid.png"))
    assert read.tolist() == [[[0] * 3, [128] * 3], [[255] * 3, [255] * 3]]
    buffer = io.BytesIO()
    save_image(images[0], buffer, format="jpeg")
    assert Image.open(buffer).format == "JPEG"


def test_what_is_no_image():
    with pytest.raises(TypeError, match="tensor or list of tensors expected, got <class 'int'>"):
        make_grid(3)
    with pytest.raises(TypeError, match="got a list containing <class 'int'>"):
        make_grid([3])
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        make_grid(torch.zeros(2, 3, 1, 1), normalize=True, value_range=[0, 1])
