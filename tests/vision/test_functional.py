"""What becomes of images, beside torchvision's stored pixels; gradients; and what is refused."""

import numpy as np
import pytest

import tinygrad_adam as torch

pytest.importorskip("PIL")

from PIL import Image

from tests import goldens
from tests.vision import images
from tinygrad_adam.vision import transforms
from tinygrad_adam.vision.transforms import InterpolationMode, functional

WANTED = goldens.load_arrays("images.npz")


@pytest.mark.parametrize("kind", WANTED)
def test_pixels_are_those_of_torchvision(kind):
    found = images.answers(functional, InterpolationMode, torch.from_numpy, [kind])[kind]
    assert list(found) == list(WANTED[kind])
    for name, wanted in WANTED[kind].items():
        assert (found[name].dtype, found[name].shape) == (wanted.dtype, wanted.shape), name
        difference = np.abs(found[name].astype(float) - wanted)
        if kind == "floats":
            assert difference.max() < 2e-5, name
        elif kind == "bytes":  # a value in the middle between two may go either way
            assert difference.max() <= 1, name
            assert (difference > 0).mean() < 0.02, name
        else:  # Pillow's own arithmetic, which rounds otherwise since version 13
            assert difference.max() <= (8 if "resize" in name else 0), name


def test_tensors_may_be_batches_of_any_size():
    image = torch.rand(2, 1, 3, 9, 8)
    for name, call in images.CALLS.items():
        many, one = (call(functional, InterpolationMode, x) for x in (image, image[1, 0]))
        if name == "contrast":
            assert many.shape == image.shape
        np.testing.assert_allclose(many[1, 0].numpy(), one.numpy(), atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["resize", "rotate expand", "affine bilinear", "contrast"])
def test_gradients_flow_through_tensors(name):
    image = (torch.rand(1, 3, 5, 6, dtype=torch.float64) * 0.8 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: images.CALLS[name](functional, InterpolationMode, x), (image,)
    )


@pytest.mark.parametrize(
    ("array", "mode", "wanted"),
    [
        (np.zeros((2, 3), np.uint8), None, "L"),
        (np.zeros((2, 3, 1), np.int16), None, "I;16"),
        (np.zeros((2, 3), np.int32), None, "I"),
        (np.zeros((2, 3), np.float32), "F", "F"),
        (np.zeros((2, 3, 2), np.uint8), None, "LA"),
        (np.zeros((2, 3, 3), np.float64), None, "RGB"),
        (np.zeros((2, 3, 3), np.uint8), "HSV", "HSV"),
        (np.zeros((2, 3, 4), np.uint8), "CMYK", "CMYK"),
    ],
)
def test_images_of_arrays_and_back(array, mode, wanted):
    array[1] += 1
    image = functional.to_pil_image(array, mode)
    assert image.mode == wanted
    assert image.size == (3, 2)
    inside = array if array.dtype.kind != "f" or mode == "F" else array * 255
    np.testing.assert_array_equal(np.asarray(image).reshape(array.shape), inside)
    back = functional.pil_to_tensor(image).numpy()
    np.testing.assert_array_equal(back.transpose(1, 2, 0).reshape(array.shape), inside)


def test_to_tensor():
    image = Image.fromarray(np.array([[0, 51], [255, 1]], np.uint8))
    tensor = functional.to_tensor(image)
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor.numpy()[0], np.float32([[0, 51], [255, 1]]) / 255)
    assert functional.to_tensor(image.convert("1")).tolist() == [[[0, 0], [1, 0]]]
    assert functional.to_tensor(np.ones((4, 5, 3))).shape == (3, 4, 5)
    assert functional.to_tensor(np.ones((4, 5), np.int32)).dtype == torch.int32
    with pytest.raises(TypeError, match="pic should be PIL Image or ndarray"):
        functional.to_tensor(tensor)
    with pytest.raises(ValueError, match=r"pic should be 2/3 dimensional\. Got 1"):
        functional.to_tensor(np.ones(3))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("uint8", "float32", [0, 1 / 255, 1]),
        ("uint8", "int16", [0, 128, 255 * 128]),
        ("int16", "uint8", [0, 0, 1]),
        ("float32", "float64", [0, 1, 255]),
    ],
)
def test_kinds_of_numbers(old, new, wanted):
    found = functional.convert_image_dtype(torch.tensor([0, 1, 255]).to(getattr(torch, old)),
                                           getattr(torch, new))  # fmt: skip
    np.testing.assert_allclose(found.numpy(), wanted)
    assert found.dtype == getattr(torch, new)


def test_floats_to_bytes_and_back():
    floats = torch.arange(256) / 255
    found = functional.convert_image_dtype(floats, torch.uint8)
    assert found.tolist() == list(range(256))
    with pytest.raises(RuntimeError, match="cannot be performed safely"):
        functional.convert_image_dtype(floats, torch.int32)


X = torch.zeros(3, 4, 5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda F: F.resize(X, 3, "bilinear"), TypeError, "should be a InterpolationMode"),
        (lambda F: F.resize(X, 3, 1), ValueError, "'lanczos' is unsupported with Tensor input"),
        (lambda F: F.resize(X, [1, 2, 3]), ValueError, "Size must be an int or a 1 or 2 element"),
        (lambda F: F.resize(X, 9, max_size=8), ValueError, "max_size = 8 must be strictly greater"),
        (lambda F: F.resize(X, [9, 9], max_size=10), ValueError, "max_size should only be passed"),
        (lambda F: F.pad(X, [1, 2, 3]), ValueError, "Padding must be an int or a 1, 2, or 4"),
        (lambda F: F.pad(X, "a"), TypeError, "Got inappropriate padding arg"),
        (lambda F: F.pad(X, 1, (1, 2, 3)), TypeError, "Got inappropriate fill arg"),
        (lambda F: F.pad(X, 1, 0, "wrap"), ValueError, "Padding mode should be either constant"),
        (lambda F: F.rotate(X, "a"), TypeError, "Argument angle should be int or float"),
        (lambda F: F.rotate(X, 3, 3), ValueError, "'bicubic' is unsupported with Tensor input"),
        (lambda F: F.rotate(X, 3, fill=[1, 2]), ValueError, r"channels of the image \(2 != 3\)"),
        (lambda F: F.affine(X, 1, [1], 1, 0), ValueError, "translate should be a sequence of len"),
        (lambda F: F.affine(X, 1, [1, 2], 0, 0), ValueError, "scale should be positive"),
        (lambda F: F.hflip(3), TypeError, "img should be PIL Image. Got <class 'int'>"),
        (lambda F: F.hflip(torch.zeros(3)), TypeError, "Tensor is not a torch image"),
        (lambda F: F.five_crop(X, 9), ValueError, "is bigger than input size"),
        (lambda F: F.adjust_hue(X, 0.6), ValueError, r"hue_factor \(0.6\) is not in"),
        (lambda F: F.adjust_contrast(X, -1), ValueError, r"contrast_factor \(-1\) is not non-neg"),
        (lambda F: F.adjust_contrast(torch.zeros(2, 4, 5), 1), TypeError, "but found 2"),
        (lambda F: F.rgb_to_grayscale(X, 2), ValueError, "should be either 1 or 3"),
        (lambda F: F.normalize(X.to(torch.uint8), 0, 1), TypeError, "should be a float tensor"),
        (lambda F: F.normalize(X, [0], [0]), ValueError, "std evaluated to zero"),
        (lambda F: F.normalize(X[:1], [0] * 3, [1] * 3), RuntimeError, r"output with shape \[1, 4"),
        (lambda F: F.normalize(X[0], [0], [1]), ValueError, "tensor image of size"),
        (lambda F: F.to_pil_image(3), TypeError, "pic should be Tensor or ndarray"),
        (lambda F: F.to_pil_image(np.zeros((2, 2, 5))), ValueError, "not have > 4 channels. Got 5"),
        (lambda F: F.to_pil_image(X, "LA"), ValueError, r"Only modes \['RGB', 'YCbCr', 'HSV'\]"),
        (lambda F: F.to_pil_image(X.to(torch.int32)), TypeError, "Input type int32 is not supp"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(transforms.functional)
