"""The first note: Adam's eight steps, one line of code for each, on a problem of one number.

Question: what exactly does Adam compute in a step?
Idea: minimise f(theta) = (theta - 3)^2 / 2, whose gradient is theta - 3, with the steps numbered as
in the note, beside optim.Adam.
Look at: the first step is almost exactly lr long, and theta passes 3 before it turns back: the
average m still remembers the way downhill.
Exercise: leave out step 5 (m_hat = m). How long is the first step now? And without step 6 as well?
"""

import math

import tinygrad_adam as torch
from tinygrad_adam import optim

# 1. Choose the learning rate, the two decay rates and epsilon; the averages start at zero.
lr, beta1, beta2, eps = 0.3, 0.9, 0.999, 1e-8
m = v = 0.0
theta = 0.0

parameter = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
optimizer = optim.Adam([parameter], lr=lr, betas=(beta1, beta2), eps=eps)

print("  t    theta    by optim.Adam")
for t in range(1, 1001):
    g = theta - 3  # 2. the gradient
    m = beta1 * m + (1 - beta1) * g  # 3. the average of the gradients: the first moment
    v = beta2 * v + (1 - beta2) * g**2  # 4. the average of their squares: the second moment
    m_hat = m / (1 - beta1**t)  # 5. corrected, since m started at zero
    v_hat = v / (1 - beta2**t)  # 6. and so did v
    theta = theta - lr * m_hat / (math.sqrt(v_hat) + eps)  # 7. the update

    optimizer.zero_grad()
    ((parameter - 3) ** 2 / 2).backward()
    optimizer.step()
    if t in (1, 2, 3, 10, 20, 50, 100):
        print(f"{t:3}  {theta:9.6f}  {parameter.item():9.6f}")
    if max(abs(g), abs(m)) < 1e-6:  # 8. repeat until a stop condition: arrived, and at rest
        break

assert math.isclose(theta, parameter.item(), rel_tol=1e-9)
print(f"CHECK ok: {t} steps by hand and by optim.Adam end at {theta:.6f}")
