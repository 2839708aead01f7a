"""Sets of images with labels, read from folders in torchvision's layout.

Source: torchvision, ``torchvision.datasets``.
"""

from tinygrad_adam.vision.datasets.base import FakeData, VisionDataset
from tinygrad_adam.vision.datasets.cifar import CIFAR10, CIFAR100
from tinygrad_adam.vision.datasets.folder import DatasetFolder, ImageFolder
from tinygrad_adam.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "KMNIST",
    "MNIST",
    "DatasetFolder",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "VisionDataset",
]
