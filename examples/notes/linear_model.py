"""The third note's linear model: two numbers in, one out, trained with Adam.

Question: what does a training loop consist of?
Idea: five lines, repeated: forget the old gradients, compute the outputs, compare them with the
target, compute the gradients, take a step. They are PyTorch's lines; only the imports are other
ones.
Look at: how the loss falls quickly at first and then slowly. With lr=0.01, no weight moves much
further than 0.01 in a step, however large its gradient is.
Exercise: replace Adam by SGD with the same rate. Which one has the lower loss after 100 epochs,
and which one after 1,000?
"""

import tinygrad_adam as torch
import tinygrad_adam.nn as nn
import tinygrad_adam.optim as optim


class LinearModel(nn.Module):
    """y = w1 x1 + w2 x2 + b."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)

    def forward(self, x):
        """Map (N, 2) to (N, 1)."""
        return self.fc(x)


torch.manual_seed(0)
data = torch.tensor([[1.0, 2.0], [2.0, 3.0]], requires_grad=True)
target = torch.tensor([[0.0], [1.0]])

model = LinearModel()
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)

for epoch in range(100):
    optimizer.zero_grad()
    outputs = model(data)
    loss = criterion(outputs, target)
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 10 == 0:
        print(f"Epoch [{epoch + 1}/100], Loss: {loss.item():.4f}")
