"""Store the losses of PyTorch's first 100 Adam steps with the notes' CNN, for the tests.

    python tools/cnn_goldens.py [--out tests/data_files/cnn_100_steps.json]

Needs PyTorch (2.13 made the file that is here) and scikit-learn; the tests need only the latter.

Neither the initial weights nor the batches are stored. PyTorch's are the weights that it draws
itself after ``torch.manual_seed(SEED)``: its generator on the CPU is the Mersenne Twister, which
NumPy's ``RandomState`` is too, so that ``initial_weights`` can draw the same ones, bit by bit. This
program checks that they are the same before it writes anything. The batches are scikit-learn's
digits, each pixel enlarged to 3x3, in an order from ``RandomState``, whose stream never changes.

There are two runs. At the notes' rate, 1e-3, the losses are those of float64. In float32 PyTorch
does not follow itself at that rate: with one thread instead of two, or in float64, its own losses
are up to 7 % away after 100 steps, because rounding decides near-ties in pooling and the signs of
gradients near zero, and Adam makes a full step of either sign. At 1e-4 float32 stays within 1e-6.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

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


def losses_of_pytorch(dtype: str, lr: float) -> list[float]:
    """Train in PyTorch, and return the loss before each step."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy, max_pool2d, relu

    torch.manual_seed(SEED)
    model = nn.ModuleDict(
        {
            "conv1": nn.Conv2d(1, 32, kernel_size=3, padding=1),
            "conv2": nn.Conv2d(32, 64, kernel_size=3, padding=1),
            "fc1": nn.Linear(64 * 7 * 7, 128),
            "fc2": nn.Linear(128, 10),
        }
    )
    for name, array in initial_weights().items():
        if not np.array_equal(model.state_dict()[name].numpy(), array):
            raise SystemExit(f"{name}: PyTorch {torch.__version__} draws other weights")
    model.to(getattr(torch, dtype))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for images, labels in batches():
        optimizer.zero_grad()
        x = max_pool2d(relu(model["conv1"](torch.from_numpy(images.astype(dtype)))), 2)
        x = max_pool2d(relu(model["conv2"](x)), 2).flatten(1)
        x = model["fc2"](relu(model["fc1"](x)))
        loss = cross_entropy(x, torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("tests/data_files/cnn_100_steps.json"))
    out = parser.parse_args().out
    import torch

    runs = [
        {"dtype": dtype, "lr": lr, "losses": losses_of_pytorch(dtype, lr)}
        for dtype, lr in RUNS.items()
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    result = {"pytorch": torch.__version__, "seed": SEED, "runs": runs}
    out.write_text(json.dumps(result, indent=1) + "\n")
    for run in runs:
        losses = run["losses"]
        print(f"{out}: {run['dtype']}, {STEPS} losses, {losses[0]:.4f} to {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
