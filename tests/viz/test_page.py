"""The pages of drawings: what their scripts are told is what the drawing holds."""

import html
import json
import re
import shutil

import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, Residual, Tied, leaf
from tinygrad_adam import viz

pytestmark = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing")


def parts_of(page, kind):
    """Return the title of each part of a kind (node, edge) of the drawing, by its id."""
    found = re.findall(rf'<g id="([^"]*)" class="{kind}[^"]*">\s*<title>([^<]*)</title>', page)
    parts = {part: html.unescape(title) for part, title in found}
    assert len(parts) == len(found), "two parts have the same id"
    return parts


def ends(title):
    """Return the nodes at both ends of an edge; the drawing may have turned it round."""
    return sorted(end.partition(":")[0] for end in title.split("->"))


def data_of(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    return json.loads(text)


def twice(x):
    y = x * x
    return (y + y) * x.expand(4)


DRAWINGS = {
    "an operation": lambda: viz.draw(leaf() * leaf()),
    "a tensor used twice": lambda: viz.draw(twice(leaf()), backward="compute", show="saved"),
    "from left to right": lambda: viz.draw(twice(leaf()), rankdir="LR", backward="compute"),
    "from below": lambda: viz.draw(twice(leaf()), rankdir="BT", backward="compute", show="saved"),
    "a network": lambda: viz.draw(
        (CNN(), torch.ones(1, 1, 28, 28)), backward="compute", show="shape saved"
    ),
    "a network, closed": lambda: viz.draw((CNN(), torch.ones(1, 1, 28, 28)), depth=1),
    "a layer used twice": lambda: viz.draw((Tied(), torch.ones(2, 3)), backward="compute"),
    "a residual block": lambda: viz.draw(
        (Residual(2), torch.ones(1, 2, 4, 4)), backward="compute", show="saved memory"
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_script_knows_every_edge_and_node_by_its_id(name):
    graph = DRAWINGS[name]()
    page = graph.html()
    data, edges = data_of(page), parts_of(page, "edge")
    for edge in data["edges"]:
        assert ends(edges.pop(edge["id"])) == sorted([edge["source"], edge["target"]])
    assert edges == {}
    nodes = {part for part in parts_of(page, "node") if not part.startswith("legend")}
    assert set(data["tips"]) == {node.id for node in graph.picture.nodes} <= nodes
    assert [(e["source"], e["target"]) for e in data["edges"]] == [
        (graph.picture.nodes[link.source].id, graph.picture.nodes[link.target].id)
        for link in graph.picture.links
    ]


@pytest.mark.parametrize(
    "loss",
    [lambda: leaf() * leaf(), lambda: twice(leaf()).sum(), lambda: CNN()(torch.ones(1, 1, 28, 28))],
    ids=["an operation", "a tensor used twice", "a network"],
)
def test_the_walk_lights_the_edges_along_which_it_sends_gradients(loss, tmp_path):
    page = viz.animate_backward(loss(), tmp_path / "walk.html").read_text(encoding="utf-8")
    edges, nodes, used = parts_of(page, "edge gradient"), parts_of(page, "node"), []
    for step in data_of(page)["steps"]:
        assert {step["node"], step["gradient"]} <= set(nodes)
        for sent in step["sent"]:
            assert ends(edges[sent["edge"]]) == sorted([step["gradient"], sent["gradient"]])
            used.append(sent["edge"])
    assert sorted(used) == sorted(edges)
