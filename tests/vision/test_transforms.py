"""Transforms: what they are printed as, what they draw, and that they do what was drawn."""

import collections
import random

import numpy as np
import pytest

import tinygrad_adam as torch

pytest.importorskip("PIL")

from PIL import Image

from tinygrad_adam.vision import transforms as T
from tinygrad_adam.vision.transforms import functional as F

IMAGE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (12, 16, 3)).astype(np.uint8))


# Each as torchvision prints it.
PRINTED = """
ToTensor()
ToPILImage()
ToPILImage(mode=RGB)
Normalize(mean=(0.5,), std=(0.5,))
Resize(size=32, interpolation=bilinear, max_size=None, antialias=True)
CenterCrop(size=(10, 10))
TenCrop(size=(3, 3), vertical_flip=False)
Pad(padding=2, fill=0, padding_mode=constant)
RandomCrop(size=(32, 32), padding=4)
RandomHorizontalFlip(p=0.5)
RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)
RandomResizedCrop(size=(9, 9), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, antialias=True)
ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=(0.3, 0.4), hue=(-0.1, 0.1))
RandomRotation(degrees=[-30.0, 30.0], interpolation=nearest, expand=False, fill=0)
RandomRotation(degrees=[1.0, 2.0], interpolation=bilinear, expand=True, center=(1, 2), fill=5)
RandomAffine(degrees=[-10.0, 10.0])
RandomAffine(degrees=[0.0, 9.0], translate=(0.1, 0.2), scale=(0.5, 2), shear=[-5.0, 5.0], interpolation=bilinear, fill=3, center=(1, 2))
Grayscale(num_output_channels=1)
"""  # noqa: E501
MADE = [
    T.ToTensor(), T.ToPILImage(), T.ToPILImage("RGB"), T.Normalize((0.5,), (0.5,)), T.Resize(32),
    T.CenterCrop(10), T.TenCrop(3), T.Pad(2), T.RandomCrop(32, padding=4),
    T.RandomHorizontalFlip(), T.RandomErasing(), T.RandomResizedCrop(9),
    T.ColorJitter(0.5, 0, (0.3, 0.4), 0.1), T.RandomRotation(30),
    T.RandomRotation((1, 2), T.InterpolationMode.BILINEAR, True, (1, 2), 5), T.RandomAffine(10),
    T.RandomAffine((0, 9), (0.1, 0.2), (0.5, 2), 5, T.InterpolationMode.BILINEAR, 3, (1, 2)),
    T.Grayscale(),
]  # fmt: skip


def test_they_are_printed_as_torchvision_prints_them():
    assert [repr(made) for made in MADE] == PRINTED.strip().splitlines()
    both = [T.ToTensor(), T.Lambda(len)]
    assert repr(T.Compose(both)) == "Compose(\n    ToTensor()\n    Lambda()\n)"
    wanted = "RandomApply(\n    p=0.3\n    ToTensor()\n    Lambda()\n)"
    assert repr(T.RandomApply(both, 0.3)) == wanted


@pytest.mark.parametrize(
    ("transform", "wanted"),
    [
        (T.Resize((5, 7)), lambda x: F.resize(x, (5, 7))),
        (T.CenterCrop([4]), lambda x: F.center_crop(x, 4)),
        (T.Pad((1, 2), 3, "reflect"), lambda x: F.pad(x, (1, 2), 3, "reflect")),
        (T.Grayscale(3), lambda x: F.rgb_to_grayscale(x, 3)),
        (T.RandomHorizontalFlip(1), F.hflip),
        (T.RandomVerticalFlip(1), F.vflip),
        (T.RandomVerticalFlip(0), lambda x: x),
        (T.RandomGrayscale(1), lambda x: F.rgb_to_grayscale(x, 3)),
        (T.RandomCrop(12, (0, 2), pad_if_needed=True), None),
        (T.RandomRotation((20, 20)), lambda x: F.rotate(x, 20.0, fill=0)),
        (T.RandomAffine((9, 9), None, (2, 2)), lambda x: F.affine(x, 9, (0, 0), 2, 0, fill=0)),
        (T.RandomResizedCrop(4, (1, 1), (4 / 3, 4 / 3)), lambda x: F.resize(x, (4, 4))),
        (T.ColorJitter((1.5, 1.5)), lambda x: F.adjust_brightness(x, 1.5)),
        (T.RandomApply([T.Pad(1)], 1), lambda x: F.pad(x, 1)),
        (T.RandomChoice([T.Pad(1), T.Pad(2)], [0, 1]), lambda x: F.pad(x, 2)),
        (T.FiveCrop(3), None),
    ],
)
def test_images_and_tensors(transform, wanted):
    image = transform(IMAGE)
    tensor = transform(F.pil_to_tensor(IMAGE))
    if wanted is None:
        return
    np.testing.assert_array_equal(np.asarray(image), np.asarray(wanted(IMAGE)))
    expected = wanted(F.pil_to_tensor(IMAGE)).numpy()
    np.testing.assert_array_equal(tensor.numpy(), expected)


def test_they_are_modules_and_parts_of_a_sequence():
    both = torch.nn.Sequential(T.CenterCrop(4), T.Pad(1))
    assert both(torch.zeros(3, 9, 9)).shape == (3, 6, 6)
    steps = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3), T.ToPILImage()])
    assert steps(IMAGE).size == (16, 12)


def test_what_is_drawn_comes_from_manual_seed_and_stays_in_bounds():
    def draws():
        torch.manual_seed(4)
        return [
            [T.RandomCrop.get_params(IMAGE, (5, 6)) for _ in range(200)],
            [T.RandomResizedCrop.get_params(IMAGE, (0.2, 0.5), (0.5, 2.0)) for _ in range(200)],
            [T.RandomRotation.get_params([-3, 8]) for _ in range(200)],
            [T.RandomAffine.get_params([0, 1], (0.2, 0.5), (1, 3), (1, 2, 3, 4), (16, 12))
             for _ in range(200)],
            [T.ColorJitter.get_params((0, 2), None, (1, 3), (-0.5, 0.5))[1:] for _ in range(200)],
        ]  # fmt: skip

    crops, parts, angles, affines, factors = first = draws()
    assert first == draws()
    assert {crop[0] for crop in crops} == set(range(8))
    assert {crop[1] for crop in crops} == set(range(11))
    for top, left, height, width in parts:
        assert 0 <= top <= 12 - height
        assert 0 <= left <= 16 - width
        assert 0.15 < height * width / 192 < 0.6
    assert min(angles) < -2
    assert max(angles) > 7
    assert {shift[0] for _, shift, _, _ in affines} == set(range(-3, 4))
    assert {shift[1] for _, shift, _, _ in affines} == set(range(-6, 7))
    assert all(1 <= s <= 3 and 1 <= a <= 2 and 3 <= b <= 4 for _, _, s, (a, b) in affines)
    assert all(f[1] is None and 0 <= f[0] <= 2 and abs(f[3]) <= 0.5 for f in factors)


def test_a_crop_that_never_fits_is_the_middle():
    wide = torch.zeros(3, 4, 40)
    assert T.RandomResizedCrop.get_params(wide, (1, 1), (1, 1)) == (0, 18, 4, 4)
    assert T.RandomResizedCrop.get_params(wide.mT, (1, 1), (1, 1)) == (18, 0, 4, 4)


def test_probabilities():
    torch.manual_seed(0)
    flip = T.RandomHorizontalFlip(0.3)
    row = torch.arange(3).reshape(1, 1, 3)
    counts = collections.Counter(tuple(flip(row).flatten().tolist()) for _ in range(1000))
    assert 250 < counts[2, 1, 0] < 350
    random.seed(0)
    orders = {
        tuple(T.RandomOrder([lambda x, i=i: [*x, i] for i in range(3)])([])) for _ in range(60)
    }
    assert len(orders) == 6


@pytest.mark.parametrize("value", [0, [1.0, 2.0, 3.0], "random"])
def test_random_erasing(value):
    torch.manual_seed(2)
    image = torch.full((3, 10, 12), 9.0)
    result = T.RandomErasing(1, value=value)(image)
    changed = result.numpy() != 9
    assert 0.02 * 0.5 < changed[0].mean() < 0.4
    rows, columns = np.where(changed[0])
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert changed.sum() == 3 * height * width
    if value != "random":
        written = np.broadcast_to(np.reshape(value, (-1, 1)), (3, height * width))
        np.testing.assert_array_equal(result.numpy()[changed].reshape(3, -1), written)
    assert (image == 9).all()
    inplace = T.RandomErasing(1, inplace=True)
    assert inplace(image) is image
    assert (image != 9).any()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: T.Resize(3.5), TypeError, "Size should be int or sequence"),
        (lambda: T.CenterCrop((1, 2, 3)), ValueError, "Please provide only two dimensions"),
        (lambda: T.Pad(1, "a"), TypeError, "Got inappropriate fill arg"),
        (lambda: T.Lambda(3), TypeError, "Argument lambd should be callable, got 'int'"),
        (lambda: T.RandomCrop(20)(IMAGE), ValueError, r"Required crop size \(20, 20\) is larger"),
        (lambda: T.ColorJitter(-1), ValueError, "If brightness is a single number, it must be non"),
        (lambda: T.ColorJitter(hue=0.7), ValueError, r"hue values should be between \(-0.5, 0.5\)"),
        (lambda: T.RandomRotation(-1), ValueError, "If degrees is a single number, it must be pos"),
        (lambda: T.RandomRotation((1, 2, 3)), ValueError, "degrees should be a sequence of len"),
        (lambda: T.RandomAffine(1, 3), TypeError, "translate should be a sequence of length 2"),
        (lambda: T.RandomAffine(1, (2, 1)), ValueError, "translation values should be between 0"),
        (lambda: T.RandomAffine(1, scale=(0, 1)), ValueError, "scale values should be positive"),
        (lambda: T.RandomErasing(2), ValueError, "probability should be between 0 and 1"),
        (lambda: T.RandomErasing(value="x"), ValueError, "If value is str, it should be 'random'"),
        (lambda: T.RandomErasing(1, value=(1, 2))(torch.zeros(3, 9, 9)), ValueError, "single val"),
        (lambda: T.RandomResizedCrop(3, 1), TypeError, "Scale should be a sequence"),
        (lambda: T.RandomChoice(3), TypeError, "Argument transforms should be a sequence"),
    ],
)
def test_options_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make()
