"""One epoch of MNIST with the notes' CNN, in turns with PyTorch.

For tools.bench --epoch. Both start from the same weights and see the same batches in the same
order. They take turns of 50 batches, and each one's seconds are added up over its turns, so that a
machine that is busy for a while, or slows down as it warms up, does so for both. Outside the clocks
are what is neither's work, reading the files and picking the images of a batch, and the test.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench import models

TURN_BATCHES = 50
TEST_BATCH = 500
LEARNING_RATE = 1e-3

Arrays = tuple[np.ndarray, np.ndarray]


class Learner:
    """The notes' CNN in one framework (with PyTorch's names), and the seconds it has trained."""

    def __init__(self, torch: Any, weights: list[np.ndarray]) -> None:
        self.torch = torch
        self.model = models.cnn_model(torch)
        models.set_weights(torch, self.model, weights)
        self.criterion = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)
        self.seconds = 0.0
        self.losses: list[float] = []

    def train(self, batches: list[Arrays]) -> None:
        """Take a step on each batch, and count the time."""
        start = time.perf_counter()
        for images, labels in batches:
            images, labels = self.torch.from_numpy(images), self.torch.from_numpy(labels)
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
        self.seconds += time.perf_counter() - start

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of the images whose digit it sees."""
        right = 0
        with self.torch.no_grad():
            for first in range(0, len(labels), TEST_BATCH):
                part = slice(first, first + TEST_BATCH)
                scores = self.model(self.torch.from_numpy(images[part]))
                right += int((scores.argmax(1).numpy() == labels[part]).sum())
        return right / len(labels)


def read_mnist(folder: Path) -> tuple[Arrays, Arrays]:
    """Return images and labels to train on, and to test with, shifted and scaled to mean 0, std 1.

    Raises:
        OSError, ValueError: a file is missing or not what it should be.
    """
    from tinygrad_adam import data

    train, test = data.mnist(folder, normalize=True)
    arrays = [tensor.numpy() for tensor in (*train.tensors, *test.tensors)]
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def measure_epoch(
    modules: dict[str, Any],
    mnist: tuple[Arrays, Arrays],
    *,
    seed: int,
    batch_size: int,
    pause: float,
) -> dict[str, Any]:
    """Train every framework for an epoch; ``seed`` picks the initial weights and the order.

    Args:
        modules: frameworks with PyTorch's names.
        mnist: from `read_mnist`.
        pause: seconds before each turn, in which threads of the one before can go to sleep.

    Returns:
        ``seed batch_size batches``, and for each framework ``seconds``, ``train_loss`` (the mean
        over the epoch) and ``test_accuracy``.
    """
    (images, labels), test = mnist
    weights = models.cnn_weights(seed)
    learners = {name: Learner(torch, weights) for name, torch in modules.items()}
    order = np.random.RandomState(seed).permutation(len(labels))
    positions = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    turns = list(learners.values())
    for first in range(0, len(positions), TURN_BATCHES):
        batches = [(images[p], labels[p]) for p in positions[first : first + TURN_BATCHES]]
        for learner in turns:
            time.sleep(pause)
            learner.train(batches)
        turns.reverse()  # nobody always runs in another one's wake
    return {
        "seed": seed,
        "batch_size": batch_size,
        "batches": len(positions),
        "seconds": {name: learner.seconds for name, learner in learners.items()},
        "train_loss": {name: float(np.mean(one.losses)) for name, one in learners.items()},
        "test_accuracy": {name: one.accuracy(*test) for name, one in learners.items()},
    }


def print_heading() -> None:
    """Print what stands above the lines of `print_epoch`."""
    titles = f"{'seconds':>10}{'ratio':>8}{'train loss':>13}{'test accuracy':>16}"
    print(f"One epoch of MNIST\n\n{'':22}{titles}")


def print_epoch(result: dict[str, Any], reference: str) -> None:
    """Print a line for each framework; ratios are to the seconds of the one named ``reference``."""
    for name, seconds in result["seconds"].items():
        theirs = result["seconds"].get(reference)
        ratio = f"{seconds / theirs:.2f}" if theirs else "-"
        print(
            f"{'seed {}, {}'.format(result['seed'], name):22}{seconds:10.2f}{ratio:>8}"
            f"{result['train_loss'][name]:13.4f}{result['test_accuracy'][name]:16.2%}",
            flush=True,
        )
