"""The first note prints Adam's update twice, and the two differ: here they are side by side.

Question: does it matter whether m and v are corrected for their start at zero?
Idea: follow one parameter under a constant gradient, by hand and with optim.Adam, both ways::

    uncorrected:  theta = theta - lr * m / (sqrt(v) + eps)
    corrected:    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)

Look at: the length of each step, counted in learning rates. Corrected it is 1 from the start.
Uncorrected it begins at (1 - beta1) / sqrt(1 - beta2) = 3.16, because v, with the longer memory,
starts further below its true size than m; then it grows, and takes thousands of steps to come back
to 1.
Exercise: set beta1 to 0. How long is the first uncorrected step? Which beta2 would make it 1?
"""

import math

import tinygrad_adam as torch
from tinygrad_adam import optim

LR, BETA1, BETA2, EPS, GRADIENT = 0.001, 0.9, 0.999, 1e-8, 0.5
SHOWN = (1, 2, 3, 10, 100, 1000, 5000)


def lengths_by_hand(corrected: bool, steps: int) -> list[float]:
    """Return how far each step of the formula goes, in learning rates."""
    m = v = 0.0
    lengths = []
    for t in range(1, steps + 1):
        m = BETA1 * m + (1 - BETA1) * GRADIENT
        v = BETA2 * v + (1 - BETA2) * GRADIENT**2
        m_used = m / (1 - BETA1**t) if corrected else m
        v_used = v / (1 - BETA2**t) if corrected else v
        lengths.append(m_used / (math.sqrt(v_used) + EPS))
    return lengths


def lengths_by_class(corrected: bool, steps: int) -> list[float]:
    """Return how far each step of optim.Adam goes, in learning rates."""
    theta = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    optimizer = optim.Adam([theta], lr=LR, betas=(BETA1, BETA2), eps=EPS, bias_correction=corrected)
    lengths = []
    for _ in range(steps):
        before = theta.item()
        theta.grad = torch.tensor(GRADIENT, dtype=torch.float64)
        optimizer.step()
        lengths.append((before - theta.item()) / LR)
    return lengths


uncorrected, corrected = (lengths_by_hand(way, max(SHOWN)) for way in (False, True))
print("length of a step, in learning rates, under a constant gradient")
print("     t  uncorrected  corrected")
for t in SHOWN:
    print(f"{t:6}  {uncorrected[t - 1]:11.4f}  {corrected[t - 1]:9.4f}")

for way, by_hand in ((False, uncorrected), (True, corrected)):
    by_class = lengths_by_class(way, max(SHOWN))
    assert all(math.isclose(a, b, rel_tol=1e-8) for a, b in zip(by_hand, by_class))
print("CHECK ok: optim.Adam(bias_correction=False) and (bias_correction=True) give both")
