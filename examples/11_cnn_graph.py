"""What happens inside a convolutional network, and what does training it have to remember?

Idea: a forward pass leaves a graph of operations behind. Each keeps the arrays that its gradient
will need; that is why training takes more memory than using a network. The graph can be drawn as
coarsely or as finely as wanted, since every operation knows the module in which it ran.

Look at: the three pictures in --out. cnn_depth1.svg has one node for each layer, with the
gradients on their way back; cnn_depth2.svg opens the layers: parameters, operations, gradients;
cnn_all.html is the page with everything, saved arrays too, whose layers can be switched. Then at
the table: which layer has the parameters, which does the work, which keeps the memory?

Exercise: draw it with highlight="memory" and with a batch of 64. What grows, and what does not?
"""

import argparse
from pathlib import Path

import tinygrad_adam as torch
from tinygrad_adam import nn, viz


class CNN(nn.Module):
    """The network of the notes: images (N, 1, 28, 28) to scores (N, 10)."""

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
        """Return the scores of images."""
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = x.view(-1, 64 * 7 * 7)
        return self.fc2(self.relu3(self.fc1(x)))


def check(name, got, expected):
    if got != expected:
        raise SystemExit(f"CHECK failed: {name}: {got} instead of {expected}")
    print(f"CHECK ok: {name}: {got:,}" if isinstance(got, int) else f"CHECK ok: {name}: {got}")


def save(graph, path):
    print(f"  drawn: {graph.save(path)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/11_cnn_graph"))
    parser.add_argument("--fast", action="store_true", help="leave out the largest picture")
    options = parser.parse_args()

    torch.manual_seed(0)
    model = CNN()
    x = torch.randn(1, 1, 28, 28)
    target = torch.tensor([3])

    # One training step, watched: the tape knows every value, time and gradient.
    with viz.record({"x": x, "target": target}) as tape:
        loss = nn.CrossEntropyLoss()(model(x), target)
        loss.backward()

    coarse = viz.draw(tape, depth=1, backward=True, show="shape params flops")
    save(coarse, options.out / "cnn_depth1.svg")
    save(viz.draw(tape, depth=2, backward=True), options.out / "cnn_depth2.svg")
    if not options.fast:
        everything = viz.draw(tape, backward=True, show="shape dtype params flops time saved")
        save(everything, options.out / "cnn_all.html")

    table = viz.summary(model, x)
    print(f"\n{table}\n")

    totals = coarse.to_dict()["totals"]
    check("parameters", totals["parameters"], 421_642)
    check("multiply-adds for one image", totals["multiply_adds"], 4_241_152)
    layers = {layer.name: layer for layer in table.layers}
    work = [layers[name].multiply_adds for name in ("conv1", "conv2", "fc1", "fc2")]
    check("multiply-adds by layer", work, [225_792, 3_612_672, 401_408, 1_280])
    children = [n["name"] for n in coarse.to_dict()["nodes"] if n["kind"] == "module"]
    check("modules drawn at depth 1", len(children), len(list(model.children())))


if __name__ == "__main__":
    main()
