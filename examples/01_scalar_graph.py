"""How does a program know the derivative of an expression that it has only computed once?

Idea: every operation leaves a node behind that remembers its inputs and knows its own derivative.
The nodes form a graph, the tape. From the result backwards, each node receives the derivative of
the result with respect to itself, multiplies it with its own (the chain rule), and passes it on.

Look at: the tape that is printed, the gradients by hand beside those of the engine, and the
pictures in --out: scalar_graph.svg (values and gradients on every node), neuron.svg (one neuron
with the way back of the gradients) and backward.html (the walk step by step, in a browser).

Exercise: change f to 2.0 in main() and say the four gradients before you run it.

The numbers to compare with are those of A. Karpathy's micrograd (2020).
"""

import argparse
from pathlib import Path

import tinygrad_adam as torch
from tinygrad_adam import viz


def leaf(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def gradients_by_hand(a, b, c, f):
    """The chain rule for L = (a b + c) f, one line for each node, from the result backwards."""
    e = a * b
    d = e + c
    dd, df = f, d  # L = d f
    de, dc = dd * 1, dd * 1  # d = e + c
    da, db = de * b, de * a  # e = a b
    return da, db, dc, df


def micrograd_expression(a, b):
    """The expression on micrograd's front page."""
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


def check(name, got, expected, tolerance):
    for x, y in zip(got, expected, strict=True):
        if abs(x - y) > tolerance:
            raise SystemExit(f"CHECK failed: {name}: {x} instead of {y}")
    print(f"CHECK ok: {name}: {', '.join(f'{x:.6g}' for x in got)}")


def draw(graph, path):
    print(f"  drawn: {graph.save(path)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/01_scalar_graph"))
    parser.add_argument("--fast", action="store_true", help="leave out the page to watch")
    options = parser.parse_args()

    a, b, c, f = leaf(2.0), leaf(-3.0), leaf(10.0), leaf(-2.0)
    with viz.record() as tape:
        e = a * b
        d = e + c
        L = d * f  # noqa: N806 (the lecture's name)
        L.backward()
    names = {"a": a, "b": b, "c": c, "e": e, "d": d, "f": f, "L": L}
    graph = viz.draw(tape, names=names)
    print(f"L = (a b + c) f = {L.item()}. Its tape, inputs first:\n\n{graph.text()}")
    draw(graph, options.out / "scalar_graph.svg")

    by_engine = [x.grad.item() for x in (a, b, c, f)]
    check(
        "dL/d(a, b, c, f) by the engine = by hand", by_engine, gradients_by_hand(2, -3, 10, -2), 0
    )

    x1, x2, w1, w2 = leaf(2.0), leaf(0.0), leaf(-3.0), leaf(1.0)
    bias = leaf(6.8813735870195432)
    neuron = {"x1": x1, "x2": x2, "w1": w1, "w2": w2, "b": bias}
    with viz.record(neuron) as tape:
        o = (x1 * w1 + x2 * w2 + bias).tanh()
        o.backward()
    draw(viz.draw(tape, names={"o": o}, backward=True), options.out / "neuron.svg")
    found = [x.grad.item() for x in (x1, w1, x2, w2)]
    check("a neuron's gradients, d/d(x1, w1, x2, w2)", found, [-1.5, 1.0, 0.5, 0.0], 1e-6)

    a, b = leaf(-4.0), leaf(2.0)
    g = micrograd_expression(a, b)
    if not options.fast:
        try:
            page = viz.animate_backward(g, options.out / "backward.html", names={"a": a, "b": b})
            print(f"  to watch in a browser: {page}")
        except viz.DotNotFoundError as error:
            print(f"  no page to watch. {error}")
    g.backward()
    found = [g.item(), a.grad.item(), b.grad.item()]
    check("micrograd's g, dg/da, dg/db", found, [24.70408163, 138.83381924, 645.57725947], 1e-6)


if __name__ == "__main__":
    main()
