"""A small training program that learns by trial and error.

As in ``recurrent.py``: ``torch`` stands for either package, and what is random comes from NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class CartPole:
    """A cart that is pushed left or right, so that the pole upon it stays up.

    The state is the cart's place and speed, the pole's angle and its speed.

    Source: Barto, Sutton and Anderson, "Neuronlike Adaptive Elements" (1983).
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.RandomState(seed)

    def reset(self) -> np.ndarray:
        self.state = self.random.uniform(-0.05, 0.05, 4)
        return self.state

    def step(self, action: int) -> tuple[np.ndarray, float, bool]:
        """Return the next state after 1/50 s, the reward, and whether that was the end."""
        _, speed, angle, turning = self.state
        force, gravity, cart, pole, half = 10.0 * (2 * action - 1), 9.8, 1.0, 0.1, 0.5
        sin, cos = np.sin(angle), np.cos(angle)
        push = (force + pole * half * turning**2 * sin) / (cart + pole)
        tilt = (gravity * sin - cos * push) / (half * (4 / 3 - pole * cos**2 / (cart + pole)))
        pull = push - pole * half * tilt * cos / (cart + pole)
        self.state = self.state + 0.02 * np.array([speed, pull, turning, tilt])
        return self.state, 1.0, bool(abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.21)


def reinforce(torch: Any, dtype: Any) -> list[float]:
    """A policy for the cart and its pole; a baseline learns what a state is worth.

    Source: Williams, "Simple Statistical Gradient-Following Algorithms" (1992).
    """
    nn, F, Categorical = torch.nn, torch.nn.functional, torch.distributions.Categorical

    class Policy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.affine = nn.Linear(4, 16)
            self.action_head = nn.Linear(16, 2)
            self.value_head = nn.Linear(16, 1)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.affine(x))
            return F.softmax(self.action_head(x), dim=-1), self.value_head(x)

    def init_weights(m: Any) -> None:
        if isinstance(m, nn.Linear):
            values = random.normal(0.0, 0.5, (m.out_features, m.in_features))
            m.weight = nn.Parameter(torch.as_tensor(values, dtype=dtype))
            nn.init.zeros_(m.bias)

    env, random = CartPole(6), np.random.RandomState(6)
    policy = Policy().to(dtype).apply(init_weights)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
    losses = []
    for _episode in range(8):
        state, done = env.reset(), False
        log_probs, values, entropies, rewards = [], [], [], []
        while not done and len(rewards) < 40:
            probs, value = policy(torch.from_numpy(state).to(dtype).unsqueeze(0))
            m = Categorical(probs)
            action = (probs.cumsum(1) < random.uniform()).sum(1)  # m.sample() with a known number
            log_probs.append(m.log_prob(action))
            entropies.append(m.entropy())
            values.append(value.squeeze(-1))
            state, reward, done = env.step(int(action.item()))
            rewards.append(reward)
        returns: list[float] = []
        total = 0.0
        for reward in rewards[::-1]:
            total = reward + 0.99 * total
            returns.insert(0, total)
        target = torch.tensor(returns, dtype=dtype)
        target = (target - target.mean()) / (target.std() + np.finfo(np.float32).eps.item())
        advantage = target - torch.cat(values).detach()
        policy_loss = torch.stack([-p * a for p, a in zip(log_probs, advantage)]).sum()
        value_loss = F.smooth_l1_loss(torch.cat(values), target)
        loss = policy_loss + value_loss - 0.01 * torch.cat(entropies).mean()
        optimizer.zero_grad()
        loss.backward()
        for param in policy.parameters():
            param.grad.data.clamp_(-1, 1)
        optimizer.step()
        losses += [policy_loss.item(), value_loss.item(), float(len(rewards))]
    return losses


PROGRAMS: dict[str, Callable[..., list[float]]] = {"policy gradient": reinforce}
