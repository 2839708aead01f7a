"""Five optimizers on functions that you can see.

    python examples/07_optimizers_2d.py

Question: all optimizers go downhill. Why do they take such different ways?
Idea: with two parameters the loss is a landscape, and a training a path across it. The bowl
x²/20 + y² is 20 times steeper along y than along x: the rate that suits one direction is wrong for
the other. Momentum averages the zigzag away; Adagrad, RMSprop and Adam give each direction a step
size of its own.
Look at: bowl.png (SGD jumps from wall to wall, RMSprop and Adagrad level y first), beale.png,
rosenbrock.png (a bent valley, hard for all), saddle.png (a flat place that is no minimum),
values.png (who arrives, and who only passes by), race.html (open it and press play).
Exercise: raise SGD's rate on the bowl from 0.95 to 1.01. Work out on paper at which rate it must
diverge (what does one step multiply y by?), then look for the same limit of momentum.
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

import tinygrad_adam as torch
from tinygrad_adam import optim
from tinygrad_adam.viz import race

# Where 30 steps from (-7, 2) end on x²/20 + y²: PyTorch 2.13's numbers, in float64.
TABLE = (
    ("SGD, lr 0.95", optim.SGD, {"lr": 0.95}, -0.3503929957523, 0.0847823165504),
    ("SGD, lr 0.1, momentum 0.9", optim.SGD, {"lr": 0.1, "momentum": 0.9},
     0.8964138584937, 0.0880856017151),
    ("the same, Nesterov", optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True},
     0.6896149016966, -0.000679905836),
    ("Adagrad, lr 1.5", optim.Adagrad, {"lr": 1.5}, -0.1201622472473, 2.4863841e-17),
    ("RMSprop, lr 0.3, alpha 0.9", optim.RMSprop, {"lr": 0.3, "alpha": 0.9},
     -0.1539109588276, 3.0e-17),
    ("Adam, lr 0.3", optim.Adam, {"lr": 0.3}, 0.1360146173262, 0.3182453888963),
)  # fmt: skip

# Momentum is the notes' average of gradients: at rate 1 it moves as SGD with lr 0.1, momentum 0.9.
FIVE = {
    "SGD": optim.SGD,
    "momentum": optim.Momentum,
    "Adagrad": optim.Adagrad,
    "RMSprop": optim.RMSprop,
    "Adam": optim.Adam,
}


def thirty_steps(optimizer_class: type, options: dict) -> tuple[float, float]:
    """Return where an optimizer ends on the bowl: the whole training loop, written out."""
    p = torch.tensor([-7.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_class([p], **options)
    for _ in range(30):
        optimizer.zero_grad()
        x, y = p
        loss = x**2 / 20 + y**2
        loss.backward()
        optimizer.step()
    return p[0].item(), p[1].item()


def check_table() -> None:
    print("30 steps on x²/20 + y² from (-7, 2) to")
    for name, optimizer_class, options, x, y in TABLE:
        found_x, found_y = thirty_steps(optimizer_class, options)
        print(f"  {name:26}  x {found_x: .13f}   y {found_y: .8e}")
        # The table has 12 places at least; of a y that is almost zero its leading digits.
        assert abs(found_x - x) < 6e-13, (name, found_x, x)
        assert abs(found_y - y) < (6e-13 if abs(y) > 1e-10 else 0.02 * abs(y)), (name, found_y, y)
    print(f"CHECK ok: {len(TABLE)} optimizers end where PyTorch's do")


def race_everywhere(fast: bool) -> list[race.Field]:
    """Race the five on every landscape, each at a rate that suits it there."""
    fields = []
    print("\nsteps until f stays within 0.01 of its lowest")
    print(" " * 14 + "".join(f"{name:>12}" for name in FIVE))
    for place in race.LANDSCAPES.values():
        steps = place.steps // 4 if fast else place.steps
        runs = {}
        for name, kind in FIVE.items():
            make = functools.partial(kind, lr=place.rates[name.lower()])
            runs[name] = race.descend_on(place, make, steps)
        fields.append(place.field(runs))
        arrived = [run.steps_to(place.lowest + 0.01) or "not there" for run in runs.values()]
        print(f"  {place.name:12}" + "".join(f"{step:>12}" for step in arrived))
    return fields


def main() -> None:
    parser = argparse.ArgumentParser(description="Five optimizers on functions that you can see.")
    parser.add_argument("--out", type=Path, default=Path("runs/07_optimizers_2d"), metavar="DIR")
    parser.add_argument("--fast", action="store_true", help="a quarter of the steps")
    options = parser.parse_args()

    check_table()
    fields = race_everywhere(options.fast)
    for field in fields:
        race.write_whole(options.out / f"{field.name}.png", race.map_of(field))
    race.write_whole(options.out / "values.png", race.heights_of(fields, 0.01))
    race.save_animation(options.out / "race.html", fields)

    # A step of SGD multiplies y by 1 - 2 lr: above lr = 1 it grows, at every step.
    bowl = race.LANDSCAPES["bowl"]
    lost = race.descend_on(bowl, functools.partial(optim.SGD, lr=1.5), 200)
    assert lost.diverged, lost.values[-1]
    print(f"\nSGD at rate 1.5 on the bowl: {lost.verdict(0.01)}")
    print("CHECK ok: above the limit of 1, SGD diverges on the bowl")
    by_name = {field.name: field.runs for field in fields}
    assert not any(run.diverged for runs in by_name.values() for run in runs.values())
    print("CHECK ok: no optimizer diverges at the rates of the race")
    print(f"pictures in {options.out}")


if __name__ == "__main__":
    main()
