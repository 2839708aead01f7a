"""What is inside one step of Adam, and what each part of it prevents.

    python examples/08_adam_anatomy.py

Question: Adam divides one moving average by the root of another. Why all these corrections?
Idea: take the optimizer apart. Feed it gradients that we choose, watch m, v and the step through a
microscope, and switch off one part at a time.
Look at: the worked example that is printed (check it with a pencil), then anatomy.png: m and v
start at zero and are too small until they are corrected; without the correction the first steps are
too long; eps decides which gradients count as zero, and three books put it in three places; a
penalty in the loss is no weight decay under Adam; and a problem on which Adam walks the wrong way.
Exercise: with betas (0.9, 0.81) the uncorrected first step is not lr * 3.162. How long is it, and
for which beta2 would it be right? Change BETA2S and look at the third panel.
"""

import argparse
import math
from pathlib import Path

import numpy as np

import tinygrad_adam as torch
from tinygrad_adam import optim
from tinygrad_adam.viz.panels import draw_lines, panels
from tinygrad_adam.viz.race import write_whole

BETA2S = (0.99, 0.999, 0.9999)
EPS_PLACES = {  # and where w = 1 goes in five steps, with eps 1e-3
    "√v̂ + eps (PyTorch)": ({}, 0.9990415789203565),
    "√v + eps, then corrected": ({"eps_before_correction": True}, 0.9992506364268252),
    "√(v̂ + eps) (the notes)": ({"eps_inside_root": True}, 0.9990750922806008),
}


def walk(optimizer, w, gradients, after_step=lambda t: None):
    """Return one weight before and after each step, for gradients that are given."""
    path = [w.item()]
    for t, gradient in enumerate(gradients, 1):
        w.grad = torch.tensor(float(gradient), dtype=torch.float64)
        optimizer.step()
        after_step(t)
        path.append(w.item())
    return np.array(path)


def walk_from(start, kind, gradients, **options):
    w = torch.tensor(float(start), dtype=torch.float64, requires_grad=True)
    return walk(kind([w], **options), w, gradients)


def moments(axes_m, axes_v):
    """Panels 1 and 2: m and v, their corrected selves, and the step, through the microscope."""
    gradients, t = 1 + np.random.default_rng(0).normal(scale=0.6, size=60), np.arange(1, 61)
    w = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    optimizer = optim.Adam([w], lr=0.01, betas=(0.9, 0.99))
    with optim.Microscope(optimizer, {"w": w}) as scope:
        walk(optimizer, w, gradients)
    seen = scope["w"]
    m = [sum(0.1 * 0.9 ** (k - i) * gradients[i] for i in range(k + 1)) for k in range(60)]
    v = [sum(0.01 * 0.99 ** (k - i) * gradients[i] ** 2 for i in range(k + 1)) for k in range(60)]
    m_hat, v_hat = np.array(m) / (1 - 0.9**t), np.array(v) / (1 - 0.99**t)
    step = -0.01 * m_hat / (np.sqrt(v_hat) + 1e-8)
    for name, by_hand in (("m_hat", m_hat), ("v_hat", v_hat), ("effective_step", step)):
        assert np.allclose(seen[name], by_hand, rtol=1e-9, atol=0), name
    print("CHECK ok: m, v, their corrections and the step are what the formulas say")
    lines = {"gradient g": gradients, "m": seen["m"], "m̂ = m / (1 - β₁ᵗ)": seen["m_hat"]}
    lines = {name: (t, line) for name, line in lines.items()}
    draw_lines(axes_m, lines, "1. The mean of the gradients", "step", "value")
    lines = {"√v": seen["v"] ** 0.5, "√v̂, v̂ = v / (1 - β₂ᵗ)": seen["v_hat"] ** 0.5}
    lines["step / lr = m̂ / √v̂"] = seen["effective_step"] / -0.01
    lines = {name: (t, line) for name, line in lines.items()}
    draw_lines(axes_v, lines, "2. Their size, and the step", "step", "value")


def bias_correction(axes, steps):
    """Panel 3: how long the steps are without the correction, for a constant gradient."""
    lines = {}
    for beta1, beta2 in [(beta1, beta2) for beta1 in (0.0, 0.9) for beta2 in BETA2S]:
        options = {"lr": 1e-3, "betas": (beta1, beta2), "eps": 0.0}
        raw = walk_from(0, optim.Adam, [0.5] * steps, bias_correction=False, **options) / -1e-3
        raw = np.diff(raw)
        lines[f"β₁ {beta1:g}, β₂ {beta2:g}"] = (np.arange(1, steps + 1), raw)
        assert abs(raw[0] * math.sqrt(1 - beta2) / (1 - beta1) - 1) < 1e-10, raw[0]
        assert abs(walk_from(0, optim.Adam, [0.5], **options)[1] / -1e-3 - 1) < 1e-10
    ratios = ", ".join(f"{line[0]:.4g}" for _, line in lines.values())
    print(f"CHECK ok: the first step is lr; without bias correction it is lr times {ratios}")
    labels = ("3. Without bias correction", "step", "length of the step / lr")
    draw_lines(axes, lines, *labels, xscale="log", yscale="log")


def eps_in_three_places(axes):
    """Panel 4: the first step by the size of the gradient: which of them does eps take for zero?"""
    lines, sizes = {}, np.logspace(-10, 3, 53)
    for name, (options, golden) in EPS_PLACES.items():
        end = walk_from(1, optim.Adam, [0.1, -0.2, 0.3, -0.4, 0.5], eps=1e-3, **options)[-1]
        assert abs(end - golden) < 1e-15, (name, end)
        first = [walk_from(0, optim.Adam, [g], **options)[1] / -1e-3 for g in sizes]
        lines[name] = (sizes, first)
    print("CHECK ok: eps in three places:", ", ".join(f"{g:.16g}" for _, g in EPS_PLACES.values()))
    first = [-walk_from(0, optim.Adam, [g])[1] for g in (1e-6, 1e-3, 1.0, 1000.0)]
    assert np.allclose(first, [0.000990099, 0.00099999, 0.001, 0.001], rtol=0, atol=6e-10), first
    print("CHECK ok: the first step is lr, for a gradient of 1000 as for one of 0.001")
    labels = ("4. eps = 1e-8 in three places", "gradient", "first step / lr")
    draw_lines(axes, lines, *labels, xscale="log", legend="center right")


def weight_decay(axes):
    """Panel 5: the loss is flat, and only the decay pulls at the weight."""
    shrunk = (1 - 0.01 * 0.1) ** 10
    lines = {}
    for name, kind, decay, end, tolerance in (
        ("AdamW, decay 0.1", optim.AdamW, 0.1, shrunk, 1e-14),
        ("SGD, L2 0.1", optim.SGD, 0.1, shrunk, 1e-14),
        ("Adam, L2 0.001", optim.Adam, 0.001, 0.90035, 2e-5),
        ("Adam, L2 0.1", optim.Adam, 0.1, 0.90035, 2e-5),
        ("Adam, L2 1", optim.Adam, 1.0, 0.90035, 2e-5),
    ):
        lines[name] = walk_from(1, kind, [0.0] * 10, lr=0.01, weight_decay=decay)
        assert abs(lines[name][-1] - end) < tolerance, (name, lines[name][-1])
    print(f"CHECK ok: AdamW decays to {shrunk:.16f}; Adam with L2 to 0.9003, whatever the factor")
    draw_lines(axes, lines, "5. Decay, with a gradient of zero", "step", "weight")


def counter_example(axes, steps):
    """Panel 6: gradients 1010, then 100 times -10. Their sum is above zero: down, to -1, is right.

    Adam forgets the large one too soon; AMSGrad divides by the largest v so far. Source: Reddi,
    Kale, Kumar, "On the Convergence of Adam and Beyond" (2018).
    """
    gradients, lines = [1010 if t % 101 == 1 else -10 for t in range(1, steps + 1)], {}
    for name, amsgrad in (("Adam", False), ("AMSGrad", True)):
        x = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
        optimizer = optim.Adam([x], lr=0.5, betas=(0.9, 0.99), amsgrad=amsgrad)

        def between_steps(t, x=x, group=optimizer.param_groups[0]):
            x.data.clamp_(-1, 1)
            group["lr"] = 0.5 / math.sqrt(t + 1)

        lines[name] = (np.arange(1, steps + 1), walk(optimizer, x, gradients, between_steps)[1:])
    adam, amsgrad = (path[-101:].mean() for _, path in lines.values())
    assert adam > 0.5, adam
    assert amsgrad < -0.8, amsgrad
    print(f"CHECK ok: after {steps:,} steps Adam is at {adam:.3f}, AMSGrad at {amsgrad:.3f}")
    draw_lines(axes, lines, "6. Where Adam goes the wrong way", "step", "x", xscale="log")


def main():
    parser = argparse.ArgumentParser(description="What is inside one step of Adam.")
    parser.add_argument("--out", type=Path, default=Path("runs/08_adam_anatomy"), metavar="DIR")
    parser.add_argument("--fast", action="store_true", help="fewer steps of the long runs")
    options = parser.parse_args()
    print(optim.worked_example(), "\n")
    figure, axes = panels(2, 3)
    moments(*axes[:2])
    bias_correction(axes[2], 100 if options.fast else 1000)
    eps_in_three_places(axes[3])
    weight_decay(axes[4])
    counter_example(axes[5], 8_000 if options.fast else 30_000)
    print(f"picture: {write_whole(options.out / 'anatomy.png', figure)}")


if __name__ == "__main__":
    main()
