"""The layout that Graphviz makes of the drawings: nothing runs through anything."""

import shutil

import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, Residual, leaf
from tests.viz.geometry import lay_out
from tinygrad_adam import nn, viz

pytestmark = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing")


@pytest.fixture(scope="module")
def cnn_step():
    """One training step of the notes' CNN, recorded."""
    torch.manual_seed(0)
    x, target = torch.randn(1, 1, 28, 28), torch.tensor([3])
    with viz.record({"x": x, "target": target}) as tape:
        nn.CrossEntropyLoss()(CNN()(x), target).backward()
    return tape


def scalar_expression():
    a, b, c, f = leaf(2.0), leaf(-3.0), leaf(10.0), leaf(-2.0)
    with viz.record() as tape:
        e = a * b
        d = e + c
        (d * f).backward()
    return tape, {"a": a, "b": b, "c": c, "f": f, "e": e, "d": d}


def test_the_measure_sees_an_edge_through_a_label():
    drawing = lay_out(
        'digraph { a -> b; subgraph cluster_0 { label="a long label, right in the way"; b } }'
    )
    assert drawing.collisions() == ["a -> b through the name of cluster_0"]
    assert len(lay_out("digraph { {rank=same; a -> b} {rank=same; c -> d} a -> d; b -> c;"
                       "a -> c [style=invis]; b -> d [style=invis]}").crossings()) == 1  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 1, "backward": True, "show": "shape params flops"},
        {"depth": 2, "backward": True},
        {"depth": 2},
        {"backward": True, "show": "shape dtype params flops saved"},
    ],
    ids=["depth 1", "depth 2", "forward", "everything"],
)
def test_the_notes_cnn_is_no_mess(cnn_step, options):
    layout = lay_out(viz.draw(cnn_step, **options).source)
    assert layout.collisions() == []
    assert layout.crossings() == []


def test_the_notes_cnn_fits_a_readme(cnn_step):
    # 900 pixels are 675 points: with words of 12 points they shrink to no less than 8.5.
    layout = lay_out(viz.draw(cnn_step, depth=2, backward=True).source)
    assert layout.width < 950
    assert lay_out(viz.draw(cnn_step, depth=1, backward=True).source).width < 600


def test_what_belongs_to_an_operation_stands_beside_it_in_order(cnn_step):
    graph = viz.draw(cnn_step, backward=True, show="saved")
    nodes = {(n["name"] or n["title"]): n["id"] for n in graph.to_dict()["nodes"]}
    place = lay_out(graph.source).nodes
    row = ["conv2.bias", "conv2.weight", "", "", "conv2.weight.grad", "conv2.bias.grad"]
    operation = next(
        edge["target"] for edge in graph.to_dict()["edges"] if edge["source"] == nodes[row[0]]
    )
    row[2:4] = operation, f"g{operation[1:]}"
    boxes = [place[nodes.get(name, name)] for name in row]
    assert [box.left for box in boxes] == sorted(box.left for box in boxes)
    assert max(box.low for box in boxes) < min(box.high for box in boxes)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_the_scalar_picture(backward, rankdir):
    tape, names = scalar_expression()
    layout = lay_out(viz.draw(tape, names=names, backward=backward, rankdir=rankdir).source)
    assert layout.collisions() == []
    assert layout.crossings() == []
    assert layout.width < (750 if rankdir == "LR" else 850)


@pytest.mark.parametrize("depth", [1, 2, None])
@pytest.mark.parametrize("backward", [False, "compute"])
def test_a_residual_connection_goes_around(depth, backward):
    torch.manual_seed(0)
    model = nn.Sequential(Residual(3), Residual(3), nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    graph = viz.draw((model, torch.randn(2, 3, 8, 8)), depth=depth, backward=backward, fold=False)
    assert lay_out(graph.source).collisions() == []


@pytest.mark.parametrize("rankdir", ["LR", "RL", "BT"])
def test_a_network_in_other_directions(cnn_step, rankdir):
    options = {"backward": True, "rankdir": rankdir}
    layout = lay_out(viz.draw(cnn_step, **options).source)
    assert layout.collisions() == []
    assert layout.crossings() == []
    # With all that is saved too it is crowded: words on edges may be touched, but nothing else.
    crowded = lay_out(viz.draw(cnn_step, show="shape saved", **options).source)
    assert [c for c in crowded.collisions() if "words" not in c] == []
