"""The training steps that tools.bench measures, for each framework in its own words.

Every function takes a framework's module and returns the work to time: a function of no arguments
that takes one step (forward, backward, Adam) and returns the loss before it as a number. All start
from the same weights with the same images, so that their losses must agree.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Work = Callable[[], object]


def images_and_labels(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return normal numbers of a shape (N, …), and N classes of ten."""
    random = np.random.RandomState(0)
    return random.normal(size=shape).astype(np.float32), random.randint(0, 10, shape[0])


# Frameworks with PyTorch's names.


def training(torch: Any, model: Any, shape: tuple[int, ...], channels_last: bool = False) -> Work:
    """One training step of a model of layers with biases."""
    set_weights(torch, model, random_weights([p.shape for p in model.parameters()][::2]))
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


def adam(torch: Any) -> Work:
    """One Adam step over parameters shaped like the CNN's, whose gradients are there already."""
    parameters = []
    for value, gradient in zip(cnn_weights(seed=1), cnn_weights(seed=2)):
        parameters.append(torch.nn.Parameter(torch.from_numpy(value)))
        parameters[-1].grad = torch.from_numpy(gradient)
    return torch.optim.Adam(parameters, lr=1e-3).step


# Others: the notes' CNN only.


def chainer_cnn(chainer: Any, batch_size: int) -> Work:
    """The notes' CNN in Chainer."""
    functions, links = chainer.functions, chainer.links
    model = chainer.ChainList(
        links.Convolution2D(1, 32, 3, pad=1),
        links.Convolution2D(32, 64, 3, pad=1),
        links.Linear(64 * 7 * 7, 128),
        links.Linear(128, 10),
    )
    for parameter, array in zip(model.params(), cnn_weights(), strict=True):
        parameter.array[...] = array
    optimizer = chainer.optimizers.Adam(1e-3).setup(model)
    images, labels = images_and_labels((batch_size, 1, 28, 28))

    def step() -> float:
        x = chainer.Variable(images)
        for layer in (model[0], model[1]):
            x = functions.max_pooling_2d(functions.relu(layer(x)), 2, 2)
        loss = functions.softmax_cross_entropy(model[3](functions.relu(model[2](x))), labels)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return float(loss.array)

    return step


def dezero_cnn(dezero: Any, batch_size: int) -> Work:
    """The notes' CNN in DeZero."""
    functions, layers = dezero.functions, dezero.layers
    model = dezero.Model()
    model.conv1, model.conv2 = layers.Conv2d(32, 3, pad=1), layers.Conv2d(64, 3, pad=1)
    model.fc1, model.fc2 = layers.Linear(128), layers.Linear(10)
    weights = cnn_weights()
    for layer in (model.conv1, model.conv2, model.fc1, model.fc2):
        weight, layer.b.data = weights.pop(0), weights.pop(0)
        layer.W.data = weight if weight.ndim == 4 else weight.T.copy()
    optimizer = dezero.optimizers.Adam(1e-3).setup(model)
    images, labels = images_and_labels((batch_size, 1, 28, 28))

    def step() -> float:
        x = dezero.Variable(images)
        for layer in (model.conv1, model.conv2):
            x = functions.pooling(functions.relu(layer(x)), 2, 2)
        x = functions.relu(model.fc1(functions.reshape(x, (batch_size, 64 * 7 * 7))))
        loss = functions.softmax_cross_entropy(model.fc2(x), labels)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return float(loss.data)

    return step


def mygrad_cnn(mygrad: Any, batch_size: int) -> Work:
    """The notes' CNN in MyGrad, with Adam written out: MyGrad has none."""
    network = importlib.import_module("mygrad.nnet")
    layers, relu = network.layers, network.activations.relu
    weights = [mygrad.tensor(w) for w in cnn_weights()]
    adam = NumpyAdam([w.data for w in weights])
    images, labels = images_and_labels((batch_size, 1, 28, 28))

    def step() -> float:
        k1, b1, k2, b2, w1, c1, w2, c2 = weights
        x: Any = images
        for kernel, bias in ((k1, b1), (k2, b2)):
            x = layers.conv_nd(x, kernel, stride=1, padding=1) + bias.reshape(1, -1, 1, 1)
            x = layers.max_pool(relu(x), (2, 2), 2)
        x = relu(x.reshape(batch_size, -1) @ w1.T + c1) @ w2.T + c2
        loss = network.losses.softmax_crossentropy(x, labels)
        loss.backward()
        adam.update([w.grad for w in weights])
        return float(loss.data)

    return step


def autograd_cnn(autograd: Any, batch_size: int) -> Work:
    """The notes' CNN in HIPS autograd, with the convolution of its own example."""
    numpy = importlib.import_module("autograd.numpy")
    signal = importlib.import_module("autograd.scipy.signal")
    weights = cnn_weights()
    for number in (0, 2):  # what is convolution there is correlation everywhere else
        weights[number] = weights[number][:, :, ::-1, ::-1].copy()
    adam = NumpyAdam(weights)
    images, labels = images_and_labels((batch_size, 1, 28, 28))

    def loss_of(weights: Any) -> Any:
        k1, b1, k2, b2, w1, c1, w2, c2 = weights
        x = images
        for kernel, bias in ((k1, b1), (k2, b2)):
            x = numpy.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "constant")
            axes = {"axes": ([2, 3], [2, 3]), "dot_axes": ([1], [1]), "mode": "valid"}
            x = numpy.maximum(signal.convolve(x, kernel, **axes) + bias.reshape(1, -1, 1, 1), 0)
            batch, channels, height, width = x.shape
            windows = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
            x = numpy.max(numpy.max(windows, axis=5), axis=3)
        x = numpy.maximum(x.reshape(batch_size, -1) @ w1.T + c1, 0) @ w2.T + c2
        x = x - numpy.max(x, axis=1, keepdims=True)
        scores = x - numpy.log(numpy.sum(numpy.exp(x), axis=1, keepdims=True))
        return -numpy.mean(scores[numpy.arange(batch_size), labels])

    loss_and_gradients = autograd.value_and_grad(loss_of)

    def step() -> float:
        loss, gradients = loss_and_gradients(weights)
        adam.update(gradients)
        return float(loss)

    return step


def jax_cnn(jax: Any, batch_size: int) -> Work:
    """The notes' CNN in JAX, the whole step compiled; Adam on the list of weights."""
    numpy, lax = jax.numpy, jax.lax
    images, labels = map(numpy.asarray, images_and_labels((batch_size, 1, 28, 28)))
    weights = [numpy.asarray(w) for w in cnn_weights()]

    def loss_of(weights: Any) -> Any:
        k1, b1, k2, b2, w1, c1, w2, c2 = weights
        x = images
        for kernel, bias in ((k1, b1), (k2, b2)):
            x = lax.conv(x, kernel, (1, 1), "SAME") + bias.reshape(1, -1, 1, 1)
            x = numpy.maximum(x, 0)
            x = lax.reduce_window(x, -numpy.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        x = numpy.maximum(x.reshape(batch_size, -1) @ w1.T + c1, 0) @ w2.T + c2
        scores = jax.nn.log_softmax(x)
        return -numpy.take_along_axis(scores, labels[:, None], 1).mean()

    def update(t: Any, weights: Any, means: Any, squares: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights)
        means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients)]
        squares = [0.999 * v + 0.001 * g * g for v, g in zip(squares, gradients)]
        root = numpy.sqrt(1 - 0.999**t)
        rate, eps = 1e-3 * root / (1 - 0.9**t), 1e-8 * root
        new = [w - rate * m / (numpy.sqrt(v) + eps) for w, m, v in zip(weights, means, squares)]
        return loss, new, means, squares

    compiled = jax.jit(update, donate_argnums=(1, 2, 3))
    state: list[Any] = [weights, *([[numpy.zeros_like(w) for w in weights] for _ in range(2)])]
    count = [0]

    def step() -> float:
        count[0] += 1
        loss, *state[:] = compiled(float(count[0]), *state)
        jax.block_until_ready(state)
        return float(loss)

    return step


def tinygrad_cnn(tinygrad: Any, batch_size: int) -> Work:
    """The notes' CNN in tinygrad, the whole step compiled."""
    nn = importlib.import_module("tinygrad.nn")
    layers = [nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)]
    layers += [nn.Linear(64 * 7 * 7, 128), nn.Linear(128, 10)]
    for tensor, array in zip(nn.state.get_parameters(layers), cnn_weights(), strict=True):
        tensor.assign(tinygrad.Tensor(array))
    optimizer = nn.optim.Adam(nn.state.get_parameters(layers), lr=1e-3)
    images, labels = map(tinygrad.Tensor, images_and_labels((batch_size, 1, 28, 28)))

    @tinygrad.TinyJit
    def compiled() -> Any:
        with tinygrad.Context(TRAINING=1):
            optimizer.zero_grad()
            x = layers[0](images).relu().max_pool2d((2, 2))
            x = layers[1](x).relu().max_pool2d((2, 2)).flatten(1)
            loss = layers[3](layers[2](x).relu()).sparse_categorical_crossentropy(labels)
            loss.backward()
            # Both at once: after step() the loss would be computed again, from the new weights.
            return loss.realize(*optimizer.schedule_step())

    return lambda: compiled().item()


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


class NumpyAdam:
    """Adam on plain arrays, as anybody would write it."""

    def __init__(self, weights: list[np.ndarray]) -> None:
        self.weights, self.count = weights, 0
        self.means = [np.zeros_like(w) for w in weights]
        self.squares = [np.zeros_like(w) for w in weights]

    def update(self, gradients: list[np.ndarray]) -> None:
        """Take one step."""
        self.count += 1
        root = math.sqrt(1 - 0.999**self.count)
        rate, eps = 1e-3 * root / (1 - 0.9**self.count), 1e-8 * root
        for w, m, v, g in zip(self.weights, self.means, self.squares, gradients):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            w -= rate * m / (np.sqrt(v) + eps)
