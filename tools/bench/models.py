"""The training steps that tools.bench measures, written once, since our names are PyTorch's.

Every function takes a framework's module and returns the work to time: a function of no arguments
that takes one step (forward, backward, Adam) and returns the loss before it as a number. All start
from the same weights with the same images, so that their losses must agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Work = Callable[[], object]


def images_and_labels(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return normal numbers of a shape (N, …), and N classes of ten."""
    random = np.random.RandomState(0)
    return random.normal(size=shape).astype(np.float32), random.randint(0, 10, shape[0])


def training(
    torch: Any,
    model: Any,
    shape: tuple[int, ...],
    channels_last: bool = False,
    weights: list[np.ndarray] | None = None,
) -> Work:
    """One training step of a model, by default of layers with biases."""
    if weights is None:
        weights = random_weights([p.shape for p in model.parameters()][::2])
    set_weights(torch, model, weights)
    images, labels = map(torch.from_numpy, images_and_labels(shape))
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def cnn_model(torch: Any) -> Any:
    """Return the notes' CNN, with weights of the framework's own."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(32, 64, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def set_weights(torch: Any, model: Any, weights: list[np.ndarray]) -> None:
    """Copy arrays into a model's parameters, in their order."""
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(array))


def cnn(torch: Any, batch_size: int, channels_last: bool = False) -> Work:
    """The notes' CNN."""
    return training(torch, cnn_model(torch), (batch_size, 1, 28, 28), channels_last)


def wide_cnn(torch: Any, batch_size: int, channels_last: bool = False) -> Work:
    """A wider network, 3 to 64 to 128 channels, for images of 32 x 32 pixels in colour."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 64, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128 * 8 * 8, 10),
    )
    return training(torch, model, (batch_size, 3, 32, 32), channels_last)


def mlp(torch: Any, batch_size: int) -> Work:
    """Three layers without convolution, 784 to 512 to 512 to 10."""
    nn = torch.nn
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return training(torch, nn.Sequential(*layers), (batch_size, 784))


def lstm(torch: Any, batch_size: int) -> Work:
    """An LSTM over 64 steps of 128 features, and a layer on its last output."""
    nn = torch.nn

    class Model(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(128, 128, batch_first=True)
            self.fc = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.fc(self.lstm(x)[0][:, -1])

    w_ih, b_ih, w_hh, b_hh, *layer = random_weights([(512, 128), (512, 128), (10, 128)])
    return training(torch, Model(), (batch_size, 64, 128), weights=[w_ih, w_hh, b_ih, b_hh, *layer])


def adam(torch: Any) -> Work:
    """One Adam step over parameters shaped like the CNN's, whose gradients are there already."""
    parameters = []
    for value, gradient in zip(cnn_weights(seed=1), cnn_weights(seed=2)):
        parameters.append(torch.nn.Parameter(torch.from_numpy(value)))
        parameters[-1].grad = torch.from_numpy(gradient)
    return torch.optim.Adam(parameters, lr=1e-3).step


def cnn_weights(seed: int = 1) -> list[np.ndarray]:
    """Return weights and biases of the notes' CNN."""
    return random_weights([(32, 1, 3, 3), (64, 32, 3, 3), (128, 3136), (10, 128)], seed)


def random_weights(shapes: Sequence[tuple[int, ...]], seed: int = 1) -> list[np.ndarray]:
    """Return a weight of each shape and its bias, distributed as those of PyTorch's layers are."""
    random = np.random.RandomState(seed)
    found = []
    for shape in shapes:
        scale = 1 / math.sqrt(math.prod(shape[1:]))
        found.append(random.uniform(-scale, scale, shape).astype(np.float32))
        found.append(random.uniform(-scale, scale, shape[0]).astype(np.float32))
    return found
