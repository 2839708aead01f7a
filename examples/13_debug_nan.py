"""The loss is NaN. Which operation made it?

Idea: a NaN spreads to everything that is computed from it, so that the place where it is noticed
says little. The culprit is the first operation whose result is not finite although its inputs are.
Two tools find it: anomaly mode names it once a gradient suffers from it, and a picture shows it in
red with its trail in pink. In the backward direction it is the same: a finite gradient comes in, an
infinity or a NaN goes out.

Look at: the four bugs below, the errors that name them, and the pictures in --out.

Exercise: repair each bug in its function (clamp, a smaller step, eps inside the root, log_softmax)
and watch the script complain that nothing is wrong any more.
"""

import argparse
from pathlib import Path

import tinygrad_adam as torch
from tinygrad_adam import nn, viz


class Net(nn.Module):
    """Two linear layers with a ReLU between."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.act = nn.ReLU()
        self.second = nn.Linear(8, 3)

    def forward(self, x):
        """Return three scores for each row of four numbers."""
        return self.second(self.act(self.first(x)))


def log_of_a_negative(x):
    """A score is taken for a probability: the logarithm of a negative number is NaN."""
    scores = Net()(x)
    return -(scores.log()).mean()


def step_too_large(x):
    """A learning rate of 1e30 makes weights so large that their products overflow to infinity."""
    model = Net()
    model(x).pow(2).mean().backward()
    with torch.no_grad():
        for weight in model.parameters():
            weight -= 1e30 * weight.grad
    return model(x).pow(2).mean()


def root_of_zero(x):
    """The length of a zero vector: fine forward, but the root's slope at 0 is infinite."""
    difference = Net()(x) - Net()(x).detach()
    same = difference * 0.0
    return (same * same).sum().sqrt()


def softmax_by_hand(x):
    """exp(1000) is infinite, and infinity divided by infinity is NaN."""
    scores = Net()(x) * 1e4
    exponentials = scores.exp()
    probabilities = exponentials / exponentials.sum(1, keepdim=True)
    return probabilities.mean()


BUGS = [  # the function, the culprit, what PyTorch and anomaly mode call it, in which direction
    (log_of_a_negative, "Log", "LogBackward0", "forward"),
    (step_too_large, "Linear", "AddmmBackward0", "forward"),
    (root_of_zero, "Sqrt", "SqrtBackward0", "backward"),
    (softmax_by_hand, "Exp", "ExpBackward0", "forward"),
]


def named_by_anomaly_mode(bug, x):
    """Return who anomaly mode blames: where it stopped, and last who began it."""
    torch.manual_seed(0)
    try:
        with torch.autograd.detect_anomaly():
            bug(x).backward()
    except RuntimeError as error:
        return [line for line in str(error).splitlines() if line.startswith("Function")]
    return ["nothing is wrong any more"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/13_debug_nan"))
    parser.add_argument("--fast", action="store_true", help="draw the first bug only")
    options = parser.parse_args()

    torch.manual_seed(0)
    x = torch.randn(5, 4)
    for number, (bug, culprit, name, direction) in enumerate(BUGS):
        print(f"\n{bug.__name__}: {bug.__doc__}")
        lines = named_by_anomaly_mode(bug, x)
        print("  anomaly mode:", "\n  ".join(lines))

        torch.manual_seed(0)
        with viz.record({"x": x}) as tape:
            bug(x).backward()
        graph = viz.draw(tape, backward=direction == "backward", highlight="nan", fold=False)
        if number == 0 or not options.fast:
            print(f"  drawn: {graph.save(options.out / f'{bug.__name__}.svg')}")

        red = [node["title"] for node in graph.to_dict()["nodes"] if node["mark"] == "culprit"]
        expected = [culprit if direction == "forward" else f"{culprit}Backward"]
        if red[:1] != expected or f"'{name}'" not in lines[-1]:
            raise SystemExit(f"CHECK failed: {bug.__name__}: {lines[-1]}; red: {red}")
        print(f"CHECK ok: {bug.__name__}: {culprit}, {direction}")


if __name__ == "__main__":
    main()
