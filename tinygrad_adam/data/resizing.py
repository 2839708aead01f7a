"""Resizing images, as a product with a matrix along each side.

Source: Keys, "Cubic convolution interpolation for digital image processing" (1981); with
``antialias``, Pillow's and PyTorch's way of widening the filter by the ratio of the sizes.
"""

from __future__ import annotations

import numpy as np


def resize_weights(
    old: int, new: int, mode: str = "bilinear", antialias: bool = False
) -> np.ndarray:
    """Return the (new, old) float64 matrix that makes ``new`` pixels of ``old`` along one side.

    Centres of pixels lie at half-integers (``align_corners=False`` in PyTorch's ``interpolate``).

    Args:
        old, new: the numbers of pixels.
        mode: "bilinear", "bicubic", "nearest" or "nearest-exact".
        antialias: average over all the pixels that a smaller one covers.
    """
    ratio = old / new
    if mode.startswith("nearest"):
        shift = 0.5 if mode == "nearest-exact" else 0.0
        chosen = ((np.arange(new) + shift) * ratio).astype(np.int64).clip(0, old - 1)
        return np.eye(old)[chosen]
    centres = (np.arange(new) + 0.5) * ratio - 0.5
    # Without antialias, the pixel at the border goes on beyond it.
    places = np.arange(old) if antialias else np.arange(-2, old + 2)
    distances = np.abs(centres[:, np.newaxis] - places)
    if antialias:
        distances /= max(ratio, 1)
    if mode == "bilinear":
        weights = np.maximum(0, 1 - distances)
    else:
        weights = _cubic(distances, -0.5 if antialias else -0.75)
    if antialias:
        normalized: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
        return normalized
    folded = np.zeros((old, new))
    np.add.at(folded, places.clip(0, old - 1), weights.T)
    return folded.T


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))
