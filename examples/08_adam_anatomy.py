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
import itertools
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


def walk(kind, gradients, start=0.0, then=lambda t, w, group: None, **options):
    """Take one weight through steps with gradients that are given; return what a microscope saw."""
    w = torch.tensor(float(start), dtype=torch.float64, requires_grad=True)
    optimizer = kind([w], **options)
    with optim.Microscope(optimizer, {"w": w}) as scope:
        for t, gradient in enumerate(gradients, 1):
            w.grad = torch.tensor(float(gradient), dtype=torch.float64)
            optimizer.step()
            then(t, w, optimizer.param_groups[0])
    return scope["w"]


def moments(mean, size):
    """Panels 1 and 2: m and v, their corrected selves, and the step."""
    g, t = 1 + np.random.default_rng(0).normal(scale=0.6, size=60), np.arange(1, 61)
    seen = walk(optim.Adam, g, start=1, lr=0.01, betas=(0.9, 0.99))
    # By hand: moving averages are sums with weights 0.1 * 0.9^0, 0.1 * 0.9^1, …
    m_hat = np.convolve(g, 0.1 * 0.9 ** (t - 1))[:60] / (1 - 0.9**t)
    v_hat = np.convolve(g**2, 0.01 * 0.99 ** (t - 1))[:60] / (1 - 0.99**t)
    step = -0.01 * m_hat / (np.sqrt(v_hat) + 1e-8)
    for name, by_hand in (("m_hat", m_hat), ("v_hat", v_hat), ("effective_step", step)):
        assert np.allclose(seen[name], by_hand, rtol=1e-9, atol=0), name
    print("CHECK ok: m, v, their corrections and the step are what the formulas say")
    lines = {"gradient g": g, "m": seen["m"], "m̂ = m / (1 - β₁ᵗ)": seen["m_hat"]}
    draw_lines(mean, lines, "1. The mean of the gradients", "step", "value", x=t)
    lines = {"√v": seen["v"] ** 0.5, "√v̂, v̂ = v / (1 - β₂ᵗ)": seen["v_hat"] ** 0.5}
    lines["step / lr = m̂ / √v̂"] = seen["effective_step"] / -0.01
    draw_lines(size, lines, "2. Their size, and the step", "step", "value", x=t)


def bias_correction(axes, steps):
    """Panel 3: how long the steps are without the correction, for a constant gradient."""
    lines = {}
    for beta1, beta2 in itertools.product((0.0, 0.9), BETA2S):
        options = {"betas": (beta1, beta2), "eps": 0.0}
        raw = walk(optim.Adam, [0.5] * steps, bias_correction=False, **options)
        raw = lines[f"β₁ {beta1:g}, β₂ {beta2:g}"] = raw["effective_step"] / -1e-3
        assert abs(raw[0] * math.sqrt(1 - beta2) / (1 - beta1) - 1) < 1e-10, raw[0]
        assert abs(walk(optim.Adam, [0.5], **options)["weight"][0] / -1e-3 - 1) < 1e-10
    ratios = ", ".join(f"{line[0]:.4g}" for line in lines.values())
    print(f"CHECK ok: the first step is lr; without bias correction it is lr times {ratios}")
    words = ("3. Without bias correction", "step", "length of the step / lr")
    draw_lines(axes, lines, *words, x=range(1, steps + 1), xscale="log", yscale="log")


def eps_in_three_places(axes):
    """Panel 4: the first step by the size of the gradient: which of them does eps take for zero?"""
    lines, sizes = {}, np.logspace(-10, 3, 53)
    for name, (options, golden) in EPS_PLACES.items():
        end = walk(optim.Adam, [0.1, -0.2, 0.3, -0.4, 0.5], 1, eps=1e-3, **options)["weight"][-1]
        assert abs(end - golden) < 1e-15, (name, end)
        lines[name] = [walk(optim.Adam, [g], **options)["weight"][0] / -1e-3 for g in sizes]
    print("CHECK ok: eps in three places:", ", ".join(f"{g:.16g}" for _, g in EPS_PLACES.values()))
    first = [-walk(optim.Adam, [g])["weight"][0] for g in (1e-6, 1e-3, 1.0, 1000.0)]
    assert np.allclose(first, [0.000990099, 0.00099999, 0.001, 0.001], rtol=0, atol=6e-10), first
    print("CHECK ok: the first step is lr, for a gradient of 1000 as for one of 0.001")
    words = ("4. eps = 1e-8 in three places", "gradient", "first step / lr")
    draw_lines(axes, lines, *words, x=sizes, xscale="log", legend="center right")


def weight_decay(axes):
    """Panel 5: the loss is flat, and only the decay pulls at the weight."""
    lines, shrunk = {}, (1 - 0.01 * 0.1) ** 10
    entries = [("AdamW, decay", optim.AdamW, 0.1), ("SGD, L2", optim.SGD, 0.1)]
    entries += [("Adam, L2", optim.Adam, decay) for decay in (0.001, 0.1, 1.0)]
    for name, kind, decay in entries:
        path = [1, *walk(kind, [0.0] * 10, 1, lr=0.01, weight_decay=decay)["weight"]]
        lines[f"{name} {decay:g}"] = path
        end, tolerance = (0.90035, 2e-5) if kind is optim.Adam else (shrunk, 1e-14)
        assert abs(path[-1] - end) < tolerance, (name, path[-1])
    print(f"CHECK ok: AdamW decays to {shrunk:.16f}; Adam with L2 to 0.9003, whatever the factor")
    draw_lines(axes, lines, "5. Decay, with a gradient of zero", "step", "weight")


def counter_example(axes, steps):
    """Panel 6: gradients 1010, then 100 times -10: down, to -1, is right, but Adam forgets 1010.

    Source: Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond" (2018).
    """
    gradients, lines = [1010 if t % 101 == 1 else -10 for t in range(1, steps + 1)], {}

    def between_steps(t, w, group):
        w.data.clamp_(-1, 1)
        group["lr"] = 0.5 / math.sqrt(t + 1)

    for name, amsgrad in (("Adam", False), ("AMSGrad", True)):
        options = {"lr": 0.5, "betas": (0.9, 0.99), "amsgrad": amsgrad, "then": between_steps}
        lines[name] = walk(optim.Adam, gradients, **options)["weight"].clip(-1, 1)
    adam, amsgrad = (path[-101:].mean() for path in lines.values())
    assert adam > 0.5, adam
    assert amsgrad < -0.8, amsgrad
    print(f"CHECK ok: after {steps:,} steps Adam is at {adam:.3f}, AMSGrad at {amsgrad:.3f}")
    words = ("6. Where Adam goes the wrong way", "step", "x")
    draw_lines(axes, lines, *words, x=range(1, steps + 1), xscale="log")


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
    counter_example(axes[5], 6_500 if options.fast else 30_000)
    print(f"picture: {write_whole(options.out / 'anatomy.png', figure)}")


if __name__ == "__main__":
    main()
