"""Calls of functions of images, for torchvision and for us: `answers` is stored, and compared."""

import numpy as np
from PIL import Image

CALLS = {
    "resize": lambda F, M, x: F.resize(x, 5),
    "resize two": lambda F, M, x: F.resize(x, [7, 14]),
    "resize max": lambda F, M, x: F.resize(x, 10, max_size=11),
    "resize nearest": lambda F, M, x: F.resize(x, [6, 13], M.NEAREST),
    "resize exact": lambda F, M, x: F.resize(x, [6, 13], M.NEAREST_EXACT),
    "resize bicubic": lambda F, M, x: F.resize(x, [6, 13], M.BICUBIC),
    "pad": lambda F, M, x: F.pad(x, [1, 2, 3, 4], 7),
    "pad edge": lambda F, M, x: F.pad(x, [3, 1], padding_mode="edge"),
    "pad reflect": lambda F, M, x: F.pad(x, 2, padding_mode="reflect"),
    "pad symmetric": lambda F, M, x: F.pad(x, [-2, 1, 2, -1], padding_mode="symmetric"),
    "crop": lambda F, M, x: F.crop(x, 2, 3, 5, 4),
    "crop beyond": lambda F, M, x: F.crop(x, -2, 7, 6, 6),
    "center_crop": lambda F, M, x: F.center_crop(x, (5, 14)),
    "resized_crop": lambda F, M, x: F.resized_crop(x, 1, 2, 7, 5, [8, 3]),
    "hflip": lambda F, M, x: F.hflip(x),
    "vflip": lambda F, M, x: F.vflip(x),
    "five_crop": lambda F, M, x: F.five_crop(x, (4, 5))[3],
    "ten_crop": lambda F, M, x: F.ten_crop(x, 5, True)[6],
    "rotate": lambda F, M, x: F.rotate(x, 33.3),
    "rotate expand": lambda F, M, x: F.rotate(x, -20.5, M.BILINEAR, True, fill=[9.0]),
    "rotate center": lambda F, M, x: F.rotate(x, 71.0, M.BILINEAR, center=[3, 5], fill=[9.0]),
    "affine": lambda F, M, x: F.affine(x, 20.5, [3, -2], 1.3, [5.0, -11.0]),
    "affine bilinear": lambda F, M, x: F.affine(
        x, -7.5, [1, 2], 0.7, 9.0, M.BILINEAR, [9.0], [2, 4]
    ),
    "brightness": lambda F, M, x: F.adjust_brightness(x, 1.7),
    "contrast": lambda F, M, x: F.adjust_contrast(x, 0.3),
    "saturation": lambda F, M, x: F.adjust_saturation(x, 1.6),
    "hue": lambda F, M, x: F.adjust_hue(x, 0.13),
    "grey": lambda F, M, x: F.rgb_to_grayscale(x, 1),
}


def inputs(from_numpy):
    """Return images, and tensors of bytes and of floats."""
    array = np.random.default_rng(5).integers(0, 256, (8, 10, 3)).astype(np.uint8)
    array[:2, :3] = 200  # some greys, which have no hue
    planes = np.ascontiguousarray(array.transpose(2, 0, 1))
    return {
        "RGB": Image.fromarray(array),
        "L": Image.fromarray(array[..., 0]),
        "bytes": from_numpy(planes),
        "floats": from_numpy(planes / np.float32(255)),
    }


def answers(functional, mode, from_numpy, kinds=("RGB", "L", "bytes", "floats")):
    """Return by kind of image what each call gives, as arrays."""
    return {
        kind: {
            name: np.asarray(result if isinstance(result, Image.Image) else result.numpy())
            for name, call in CALLS.items()
            for result in [call(functional, mode, image)]
        }
        for kind in kinds
        for image in [inputs(from_numpy)[kind]]
    }
