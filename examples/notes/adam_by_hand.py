"""The second note: momentum, RMSprop and Adam by hand, over dictionaries of arrays.

Question: what is left of an optimizer when there are no classes and no tensors?
Idea: a network with one hidden layer learns exclusive or. Its parameters are a dictionary W1, b1,
W2, b2; its gradients, dW1 and so on, are written out with the chain rule; each update rule is a few
lines. Beside it the same network is trained with the classes.
Look at: where epsilon stands. The note has it inside the root, PyTorch outside; the classes do
both. And look at the columns: Adam is momentum's average divided by RMSprop's.
Exercise: add a third layer. Which lines change in the network, and which in the update rules?
"""

import numpy as np

import tinygrad_adam as torch
from tinygrad_adam import optim
from tinygrad_adam.optim import initialize_adam, update_parameters_with_adam

# One column for each sample, as the note writes its networks: X is (2, 4), Y is (1, 4).
X = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
Y = np.array([[0.0, 1.0, 1.0, 0.0]])
EPOCHS = 200


def initial_parameters():
    """Return the parameters of a network with 2 inputs, 4 hidden units and 1 output."""
    random = np.random.RandomState(1)
    return {
        "W1": random.normal(size=(4, 2)),
        "b1": np.zeros((4, 1)),
        "W2": random.normal(size=(1, 4)),
        "b2": np.zeros((1, 1)),
    }


def loss_and_gradients(p):
    """Return the mean squared error, and its gradients by the chain rule, layer by layer."""
    hidden = np.tanh(p["W1"] @ X + p["b1"])
    error = p["W2"] @ hidden + p["b2"] - Y
    d_output = 2 * error / Y.size
    d_hidden = p["W2"].T @ d_output * (1 - hidden**2)
    return np.mean(error**2), {
        "dW1": d_hidden @ X.T,
        "db1": d_hidden.sum(axis=1, keepdims=True),
        "dW2": d_output @ hidden.T,
        "db2": d_output.sum(axis=1, keepdims=True),
    }


def momentum(p, grads, V, r=0.05, k=0.9):  # noqa: N803 (the note's letter)
    """V = k V + (1 - k) dw;  w = w - r V."""
    for name in p:
        V[name] = k * V[name] + (1 - k) * grads[f"d{name}"]
        p[name] = p[name] - r * V[name]


def rmsprop(p, grads, S, r=0.05, k=0.9, u=1e-8):  # noqa: N803
    """S = k S + (1 - k) dw^2;  w = w - r dw / sqrt(S + u)."""
    for name in p:
        S[name] = k * S[name] + (1 - k) * grads[f"d{name}"] ** 2
        p[name] = p[name] - r * grads[f"d{name}"] / np.sqrt(S[name] + u)


def train_by_hand(rule):
    """Return the loss after each epoch and the parameters at the end."""
    p = initial_parameters()
    average = {name: np.zeros_like(array) for name, array in p.items()}
    v, s = initialize_adam(p)
    losses = []
    for t in range(1, EPOCHS + 1):  # t counts the updates over the whole training
        loss, grads = loss_and_gradients(p)
        if rule == "adam":
            p, v, s = update_parameters_with_adam(p, grads, v, s, t, learning_rate=0.05)
        else:
            {"momentum": momentum, "rmsprop": rmsprop}[rule](p, grads, average)
        losses.append(loss)
    return losses, p


def train_with_classes(rule):
    """Return the same, from tensors, backward() and the optimizer classes."""
    p = {name: torch.tensor(a, requires_grad=True) for name, a in initial_parameters().items()}
    x, y = torch.tensor(X), torch.tensor(Y)
    optimizer = {
        "momentum": lambda: optim.Momentum(p.values(), lr=0.05, momentum=0.9),
        "rmsprop": lambda: optim.RMSprop(
            p.values(), lr=0.05, alpha=0.9, eps=1e-8, eps_inside_root=True
        ),
        "adam": lambda: optim.Adam(p.values(), lr=0.05, eps=1e-8, eps_inside_root=True),
    }[rule]()
    losses = []
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        outputs = p["W2"] @ torch.tanh(p["W1"] @ x + p["b1"]) + p["b2"]
        loss = ((outputs - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, {name: tensor.numpy(force=True) for name, tensor in p.items()}


rules = ("momentum", "rmsprop", "adam")
by_hand = {rule: train_by_hand(rule) for rule in rules}
print("epoch  " + "  ".join(f"{rule:>9}" for rule in rules))
for epoch in (1, 10, 20, 50, 100, 200):
    print(f"{epoch:5}  " + "  ".join(f"{by_hand[rule][0][epoch - 1]:9.6f}" for rule in rules))

for rule in rules:
    losses, parameters = train_with_classes(rule)
    np.testing.assert_allclose(losses, by_hand[rule][0], rtol=1e-7, atol=1e-12)
    for name, array in parameters.items():
        np.testing.assert_allclose(array, by_hand[rule][1][name], rtol=1e-7, atol=1e-9)
print(f"CHECK ok: by hand and with the classes, {EPOCHS} epochs give the same losses and weights")
