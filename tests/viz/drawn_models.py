"""Models that several tests draw."""

import tinygrad_adam as torch
from tinygrad_adam import nn


class CNN(nn.Module):
    """The notes' CNN."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = x.view(-1, 64 * 7 * 7)
        return self.fc2(self.relu3(self.fc1(x)))


class Block(nn.Module):
    """A linear layer and a ReLU."""

    def __init__(self, size):
        super().__init__()
        self.fc = nn.Linear(size, size)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.fc(x))


class Deep(nn.Module):
    """Twelve equal blocks and a last layer."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[Block(4) for _ in range(12)])
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.blocks(x))


class Tied(nn.Module):
    """One linear layer, used twice."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return self.fc(self.fc(x).tanh())


class Residual(nn.Module):
    """Two convolutions, and the input added to what they make of it."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 8, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(8, channels, kernel_size=3, padding=1)

    def forward(self, x):
        return self.act(x + self.conv2(self.act(self.norm(self.conv1(x)))))


def leaf(value=2.0):
    return torch.tensor(value, requires_grad=True)
