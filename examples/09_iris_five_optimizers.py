"""Five optimizers on real data, and a claim put to the test.

    python examples/09_iris_five_optimizers.py

Question: which optimizer is best? The notes say: where momentum needs 30 epochs, RMSprop needs 20,
and Adam fewer.
Idea: measure it. An optimizer alone has no speed: it has one at a learning rate, from a start. So
each gets a grid of rates and several starts, and is judged at the rate that suits it best.
Look at: losses.png and boundaries.png (the same network after 100 steps with each optimizer), and
claim.png: the lowest point of each curve is the optimizer at its best, the width of the valley says
how much it matters to know the rate (where an optimizer never arrives there is no point). Then the
sentences that are printed at the end.
Exercise: find rates in the printed tables at which the claim holds. There are some. What is a claim
about optimizers worth that does not say how the rates were chosen?
"""

import argparse
import functools
from pathlib import Path

import numpy as np

import tinygrad_adam as torch
from tinygrad_adam import data, nn, optim
from tinygrad_adam.viz import race
from tinygrad_adam.viz.panels import draw_lines, draw_regions, panels

FIVE = {
    "SGD": (optim.SGD, {"lr": 0.1}),
    "SGD with momentum": (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "Adagrad": (optim.Adagrad, {"lr": 0.1}),
    "RMSprop": (optim.RMSprop, {"lr": 0.01}),
    "Adam": (optim.Adam, {"lr": 0.01}),
}
# The claim's three, as the notes write them: averages with k = 0.9, u = 1e-8 inside the root.
THREE = {
    "momentum": (optim.Momentum, {}),
    "RMSprop": (optim.RMSprop, {"alpha": 0.9, "eps_inside_root": True}),
    "Adam": (optim.Adam, {"eps_inside_root": True}),
}
# Learning rates to try: momentum's, and those of the two that divide by a root.
IRIS_RATES = ((1, 3, 10, 30, 100), (0.01, 0.03, 0.1, 0.3, 1))
DIGITS_RATES = ((0.1, 0.2, 0.5, 1), (0.002, 0.005, 0.01, 0.02))
criterion = nn.CrossEntropyLoss()


def network(seed, sizes):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(*sizes[:2]), nn.ReLU(), nn.Linear(*sizes[1:]))


def compare_five(out, seeds):
    """Train the network 4-16-3 for 100 full-batch steps with each; the first seed is drawn."""
    (x, y), (test_x, test_y) = (part.tensors for part in data.iris())
    losses, accuracies, models = {}, {}, {}
    for name, (kind, options) in FIVE.items():
        for seed in range(seeds):
            model = network(seed, (4, 16, 3))
            optimizer = kind(model.parameters(), **options)
            run = race.descend(lambda model=model: criterion(model(x), y), optimizer, 100)
            right = (model(test_x).argmax(dim=1) == test_y).numpy().mean()
            losses.setdefault(name, []).append(run.values)
            accuracies.setdefault(name, []).append(right)
            models.setdefault(name, model)
    print(f"iris, 100 steps, mean over {seeds} starts      loss   test accuracy")
    final = {name: np.mean([values[-1] for values in runs]) for name, runs in losses.items()}
    for name in sorted(final, key=final.get):
        print(f"  {name:32}  {final[name]:.4f}          {np.mean(accuracies[name]):7.1%}")
    others = [loss for name, loss in final.items() if name != "SGD"]
    assert final["SGD"] > 2 * max(others), final
    assert max(others) < 0.15, final
    assert all(np.mean(accuracies[name]) > 0.85 for name in FIVE), accuracies
    print("CHECK ok: plain SGD is far behind, the other four end below 0.15")
    figure, (axes,) = panels(1, 1, width=5.5, height=3.8)
    lines = {name: runs[0] for name, runs in losses.items()}
    draw_lines(axes, lines, "Iris, all 120 flowers in each step", "step", "loss", yscale="log")
    race.write_whole(out / "losses.png", figure)
    race.write_whole(out / "boundaries.png", boundaries(models, x, y))


def boundaries(models, x, y):
    """Draw what each network says about flowers whose sepals are average, by their petals."""
    figure, grid = panels(1, len(models), width=2.7, height=3.2)
    for axes, (name, model) in zip(grid, models.items()):

        def predict(petals, model=model):
            flowers = np.concatenate([0 * petals, petals], axis=1)
            return model(torch.tensor(flowers)).argmax(dim=1)

        draw_regions(axes, predict, x[:, 2:], y, ("setosa", "versicolor", "virginica"))
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("petal length")
    grid[0].set_ylabel("petal width (standard deviations)")
    figure.legend(
        *grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    return figure


def epochs_to(make, threshold, x, y, sizes, batch, seed, limit):
    """Return after how many epochs the loss over all of x is first below the threshold, or inf."""
    model, order = network(seed, sizes), np.random.default_rng(seed)
    optimizer = make(model.parameters())
    for epoch in range(1, limit + 1):
        shuffled = order.permutation(len(y))
        for start in range(0, len(y), batch):
            chosen = shuffled[start : start + batch]
            optimizer.zero_grad()
            criterion(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
        with torch.no_grad():
            loss = criterion(model(x), y).item()
        if loss < threshold:
            return epoch
        if not loss < 1e4:
            break
    return np.inf


def measure(title, axes, rates, seeds, task):
    """Print and draw epochs against rate; return the median over the starts at the best rate."""
    best, lines = {}, {}
    print(f"\n{title}: epochs to a loss below {task['threshold']}, by rate; {seeds} starts")
    for name, (kind, settings) in THREE.items():
        tried = rates[0] if name == "momentum" else rates[1]
        makers = [functools.partial(kind, lr=lr, **settings) for lr in tried]
        counts = [[epochs_to(make, seed=s, **task) for s in range(seeds)] for make in makers]
        medians = np.median(counts, axis=1)
        lines[name] = (tried, medians)
        winner = int(np.argmin(medians))
        best[name] = medians[winner]
        cells = "".join(f"{lr:>7g}: {m:<4g}" for lr, m in zip(tried, medians))
        spread = f"{min(counts[winner]):g} to {max(counts[winner]):g}"
        print(f"  {name:9}{cells}  best: {best[name]:g} ({spread})")
        assert np.isfinite(best[name]), f"{name} never gets there"
    ylabel = f"epochs to a loss below {task['threshold']}"
    draw_lines(axes, lines, title, "learning rate", ylabel, xscale="log")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return best


def main():
    parser = argparse.ArgumentParser(description="Five optimizers on iris, and a claim tested.")
    parser.add_argument("--out", type=Path, default=Path("runs/09_iris"), metavar="DIR")
    parser.add_argument("--fast", action="store_true", help="fewer starts, fewer digits")
    options = parser.parse_args()
    seeds = 2 if options.fast else 5
    compare_five(options.out, seeds)

    figure, axes = panels(1, 2, width=4.8, height=3.8)
    x, y = data.iris()[0].tensors
    images, labels = data.digits(normalize=True)[0].tensors
    images = images.view(-1, 784)[: 300 if options.fast else None]
    iris = {"threshold": 0.06, "x": x, "y": y, "sizes": (4, 16, 3), "batch": 120, "limit": 150}
    digits = {"threshold": 0.1 if options.fast else 0.03, "x": images, "y": labels[: len(images)]}
    digits |= {"sizes": (784, 32, 10), "batch": 64, "limit": 25}
    results = {
        "iris, one batch of 120": (axes[0], IRIS_RATES, seeds, iris),
        "digits, batches of 64": (axes[1], DIGITS_RATES, seeds, digits),
    }
    results = {title: measure(title, *task) for title, task in results.items()}
    race.write_whole(options.out / "claim.png", figure)
    print(
        "\nThe claim is momentum : RMSprop : Adam = 30 : 20 : fewer. Measured, momentum set to 30:"
    )
    for title, best in results.items():
        ratio = " : ".join(f"{30 * epochs / best['momentum']:.0f}" for epochs in best.values())
        holds = best["momentum"] > best["RMSprop"] > best["Adam"]
        print(f"  {title:24} {ratio}, so the order {'holds' if holds else 'does not hold'}")
    print("CHECK ok: measured the claim on iris and on digits; all three optimizers got there")
    print(f"pictures in {options.out}")


if __name__ == "__main__":
    main()
