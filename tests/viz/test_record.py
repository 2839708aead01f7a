"""``viz.record``: what a tape knows, above all when the program fails."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import leaf
from tinygrad_adam import nn, viz


def nodes(graph, kind=None):
    return [n for n in graph.to_dict()["nodes"] if kind is None or n["kind"] == kind]


def failed(graph):
    (node,) = [n for n in nodes(graph) if n["error"]]
    return node


def test_the_failing_operation_is_red_with_the_shapes_that_clash():
    def program():
        return torch.ones(4, 5).exp() + torch.ones(3)

    tape = viz.record()
    with pytest.raises(RuntimeError, match="must match the size"), tape:
        program()
    graph = viz.draw(tape)
    node = failed(graph)
    assert (node["title"], node["mark"]) == ("Add", "failed")
    assert node["inputs"] == ["(4, 5) float32", "(3,) float32"]
    assert "The size of tensor a (5) must match the size of tensor b (3)" in node["error"]
    assert [n["title"] for n in nodes(graph, "operation")] == ["Exp", "Add"]
    assert "the operation that raised" in graph.source
    assert [e["shape"] for e in graph.to_dict()["edges"]][-2:] == [[4, 5], [3]]


def test_a_failure_inside_a_model_is_drawn_in_its_module():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 2))
    tape = viz.record()
    with pytest.raises(RuntimeError, match="cannot be multiplied"), tape:
        model(torch.ones(2, 4))
    graph = viz.draw(tape)
    node = failed(graph)
    assert graph.to_dict()["modules"][node["module"]]["path"] == "1"
    assert "test_record.py" in node["source"]
    closed = viz.draw(tape, depth=1)
    assert failed(closed)["kind"] == "module"


def test_a_call_that_fails_before_any_operation():
    tape = viz.record()
    with pytest.raises((RuntimeError, ValueError, IndexError)), tape:
        torch.ones(2, 3).exp().permute(0, 1, 2)
    node = failed(viz.draw(tape))
    assert node["title"] == "permute"
    assert node["inputs"] == ["(2, 3) float32"]


def test_an_exception_of_the_program_leaves_the_graph_so_far():
    def program():
        leaf().exp()
        raise KeyError("mine")

    tape = viz.record()
    with pytest.raises(KeyError), tape:
        program()
    assert [n["title"] for n in nodes(viz.draw(tape), "operation")] == ["Exp"]
    assert not [n for n in nodes(viz.draw(tape)) if n["error"]]


def test_a_tape_knows_lines_times_options_and_unrecorded_operations():
    with viz.record({"x": (x := torch.ones(2, 3))}) as tape:
        y = x.sum(1)
    graph = viz.draw(tape, names={"y": y}, show="time")
    (node,) = nodes(graph, "operation")
    assert node["source"].startswith("test_record.py:")
    assert node["seconds"] > 0
    assert node["options"] == {"dim": "(1,)"}
    assert node["name"] == "y"
    assert node["value"]["mean"] == 3
    assert not node["recorded"]
    assert "seconds" not in nodes(viz.draw(tape))[0]  # the same bytes, unless times are wanted


def test_a_tape_meets_operations_from_before_it_began():
    a = leaf(3.0)
    b = a * a
    with viz.record() as tape:
        (b + 1).backward()
    graph = viz.draw(tape, names={"a": a})
    assert [n["title"] for n in nodes(graph, "operation")] == ["Mul", "Add"]
    assert {n["name"]: n["gradient"] for n in nodes(graph)}["a"]["mean"] == 6


def test_tapes_nest_and_leave_nothing_switched_on():
    with viz.record() as outer:
        leaf().exp()
        with viz.record() as inner:
            leaf().sin()
    leaf().cos()
    assert [n["title"] for n in nodes(viz.draw(inner), "operation")] == ["Sin"]
    assert [n["title"] for n in nodes(viz.draw(outer), "operation")] == ["Exp", "Sin"]


def test_anomaly_mode_goes_on_inside():
    x = -torch.ones(2, requires_grad=True)
    tape = viz.record()
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="LogBackward0"), tape:
        torch.log(x).sum().backward()


def test_in_place_updates_and_views():
    x = torch.zeros(4, requires_grad=True)
    with viz.record({"x": x}) as tape:
        y = x * 1
        y[1:3].add_(torch.ones(2))
        y.sum().backward()
    graph = viz.draw(tape, backward=True)
    assert nodes(graph, "operation")[0]["title"] == "Mul"
    assert np.isfinite(nodes(graph, "gradient")[0]["gradient"]["norm"])
    assert graph.text()


def test_detached_memory_is_traced_to_where_it_came_from():
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    with viz.record({"x": x}) as tape:
        z = (y * 2 + y.detach()).sum()
    drawing = viz.draw(tape, names={"y": y, "z": z}, backward=True)
    exp = next(n["id"] for n in nodes(drawing) if n["title"] == "Exp")
    links = [(e["source"], e["detached"]) for e in drawing.to_dict()["edges"]]
    assert (exp, False) in links
    assert (exp, True) in links
    assert "dotted, open dot: detached" in drawing.source
