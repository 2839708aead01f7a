"""The third note's CNN on one random image.

Question: can 421,642 parameters learn one image by heart?
Idea: the same five lines as for the linear model train a network with convolutions. Again they are
PyTorch's lines, and only the imports are other ones.
Look at: the loss before training is near ln 10 = 2.30, as for somebody who guesses among ten
digits; after ten steps it is near 0. That is memory and not reading: see ../train_cnn.py for that.
Exercise: give it 64 random images with random labels. Does it still learn them by heart? What do
you conclude about a low training loss?
"""

import tinygrad_adam as torch
import tinygrad_adam.nn as nn
import tinygrad_adam.optim as optim


class CNN(nn.Module):
    """Two convolutions with pooling, then two fully connected layers."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        """Map images (N, 1, 28, 28) to scores (N, 10)."""
        x = self.maxpool(self.relu(self.conv1(x)))
        x = self.maxpool(self.relu(self.conv2(x)))
        x = x.view(-1, 64 * 7 * 7)
        x = self.relu(self.fc1(x))
        return self.fc2(x)


torch.manual_seed(0)
data = torch.randn(1, 1, 28, 28)
target = torch.tensor([3])

model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

for epoch in range(100):
    optimizer.zero_grad()
    outputs = model(data)
    loss = criterion(outputs, target)
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 10 == 0:
        print(f"Epoch [{epoch + 1}/100], Loss: {loss.item():.4f}")
