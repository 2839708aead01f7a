"""The first 100 steps of the notes' CNN: its weights before, its batches, its rates.

Neither the initial weights nor the batches are stored. PyTorch's are the weights that it draws
itself after ``torch.manual_seed(SEED)``: its generator on the CPU is the Mersenne Twister, which
NumPy's ``RandomState`` is too, so that ``initial_weights`` can draw the same ones, bit by bit. The
batches are scikit-learn's digits, each pixel enlarged to 3x3, in an order from ``RandomState``,
whose stream never changes.

There are two runs. At the notes' rate, 1e-3, the losses are those of float64. In float32 PyTorch
does not follow itself at that rate: with one thread instead of two, or in float64, its own losses
are up to 7 % away after 100 steps, because rounding decides near-ties in pooling and the signs of
gradients near zero, and Adam makes a full step of either sign. At 1e-4 float32 stays within 1e-6.
"""

from __future__ import annotations

import math

import numpy as np

SEED = 0
STEPS = 100
BATCH_SIZE = 32
RUNS = {"float64": 1e-3, "float32": 1e-4}  # dtype: learning rate
SHAPES = {
    "conv1": (32, 1, 3, 3),
    "conv2": (64, 32, 3, 3),
    "fc1": (128, 64 * 7 * 7),
    "fc2": (10, 128),
}


def initial_weights() -> dict[str, np.ndarray]:
    """Return the state_dict of PyTorch's CNN after ``torch.manual_seed(SEED)``, as arrays.

    Weights and biases are U(-bound, bound) with bound = 1 / sqrt(fan_in). PyTorch makes a float32
    of the low 24 bits of a random integer, and scales and shifts it with a single rounding.
    """
    random = np.random.RandomState(SEED)
    weights = {}
    for name, shape in SHAPES.items():
        fan_in = math.prod(shape[1:])
        # The weight's bound takes a detour in PyTorch, which can change its last bit.
        weight_bound = math.sqrt(3.0) * (math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / fan_in**0.5)
        for kind, size, limit in (
            ("weight", shape, weight_bound),
            ("bias", shape[:1], 1 / math.sqrt(fan_in)),
        ):
            bound = np.float32(limit)
            bits = random.randint(0, 2**32, math.prod(size), dtype=np.uint32) & 0xFFFFFF
            # float64 holds the product and the sum exactly enough to round once, to float32.
            drawn = bits / 2.0**24 * np.float64(bound + bound) - np.float64(bound)
            weights[f"{name}.{kind}"] = drawn.astype(np.float32).reshape(size)
    return weights


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the images (32, 1, 28, 28) float32 and labels (32,) int64 of each step."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.kron(digits.images / 16, np.ones((1, 3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.float32)[:, np.newaxis]
    chosen = np.random.RandomState(SEED).randint(len(images), size=(STEPS, BATCH_SIZE))
    return [(images[rows], digits.target[rows].astype(np.int64)) for rows in chosen]
