"""What ``viz.draw`` draws: nodes, edges, modules, options. Layout is tested elsewhere."""

import gc
import json
import re
import sys
import weakref

import numpy as np
import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, Deep, Tied, leaf
from tinygrad_adam import nn, viz


def nodes(graph, kind=None):
    return [n for n in graph.to_dict()["nodes"] if kind is None or n["kind"] == kind]


def titles(graph, kind="operation"):
    return [node["title"] for node in nodes(graph, kind)]


def edges(graph, kind="data"):
    return [(e["source"], e["target"]) for e in graph.to_dict()["edges"] if e["kind"] == kind]


# --- the graph itself ----------------------------------------------------------------------------


def test_a_leaf_is_one_node():
    graph = viz.draw(leaf())
    assert [node["kind"] for node in nodes(graph)] == ["input"]
    assert edges(graph) == []
    assert viz.draw(torch.tensor([1.0, 2.0])).to_dict()["totals"]["nodes"] == 1


def test_adding_a_tensor_to_itself_draws_two_edges_with_their_positions():
    a = leaf()
    graph = viz.draw(a + a)
    assert edges(graph) == [("n0", "n1"), ("n0", "n1")]
    assert "input 1" in graph.source
    assert "input 2" in graph.source


def test_each_tensor_is_drawn_once():
    a, b = leaf(), leaf()
    c = a * b
    d = c + c
    e = d + c
    graph = viz.draw(e)
    assert titles(graph) == ["Mul", "Add", "Add"]
    assert len(nodes(graph)) == 5
    assert len(edges(graph)) == 6


def test_ids_are_in_topological_order():
    x = torch.randn(3, 3, requires_grad=True)
    y = (x @ x + x.exp()).sum() * x.mean()
    for source, target in edges(viz.draw(y)):
        assert int(source[1:]) < int(target[1:])


def test_a_list_and_a_dictionary_of_tensors():
    a, b = leaf(), leaf()
    c = a * b
    graph = viz.draw({"first": c.exp(), "second": c.sin()})
    assert [n["name"] for n in nodes(graph) if n["is_output"]] == ["first", "second"]
    assert titles(graph) == ["Mul", "Exp", "Sin"]
    assert len(nodes(viz.draw([c.exp(), c, a]), "operation")) == 2


def test_a_double_backward_graph():
    x = leaf(3.0)
    (gradient,) = torch.autograd.grad(x * x * x, x, create_graph=True)
    graph = viz.draw(gradient)
    assert "Mul" in titles(graph)
    assert [len(nodes(graph, kind)) for kind in ("input", "constant")] == [
        1,
        1,
    ]  # x, and the first 1
    with viz.record({"x": x}) as tape:
        (gradient,) = torch.autograd.grad(x * x, x, create_graph=True)
        gradient.backward()
    recorded = viz.draw(tape, names={"gradient": gradient})
    assert titles(recorded)[0] == "Mul"
    assert {n["name"]: n["gradient"] for n in nodes(recorded)}["x"]["mean"] == 2


def test_several_results_and_custom_functions():
    class Both(torch.autograd.Function):
        """x and -x."""

        @staticmethod
        def forward(ctx, x):
            return x * 1, -x

        @staticmethod
        def backward(ctx, g, h):
            return g - h

    a, b = Both.apply(torch.ones(3, requires_grad=True))
    graph = viz.draw((a * b).sum())
    assert titles(graph) == ["Both", "Mul", "Sum"]
    assert edges(graph).count(("n1", "n2")) == 2
    first, second, _ = torch.ones(3, 2, requires_grad=True).split(1)
    assert "Split" in titles(viz.draw(first + second))


def test_what_cannot_be_drawn():
    for what in (3, [1.0], [], "x", None):
        with pytest.raises(TypeError, match="draw\\(\\) takes a Tensor"):
            viz.draw(what)


@pytest.mark.parametrize(
    "option",
    [
        {"theme": "blue"}, {"rankdir": "up"}, {"highlight": "love"}, {"show": "smell"},
        {"depth": -1}, {"max_nodes": 0}, {"backward": "later"}, {"show": {"time"}},
    ],
)  # fmt: skip
def test_options_that_make_no_sense(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        viz.draw(leaf() * 2, **option)


def test_broadcasts_say_so():
    x = torch.ones(4, 3, requires_grad=True)
    graph = viz.draw(x + torch.ones(3, requires_grad=True))
    assert "(3,)→(4, 3)" in graph.source
    assert [e["broadcast"] for e in graph.to_dict()["edges"]] == ["", "(3,)→(4, 3)"]
    assert "broadcast" not in viz.draw(x + x).source


def test_edges_grow_with_the_size_of_what_they_carry():
    widths = []
    for size in (2, 20, 2000):
        source = viz.draw(torch.ones(size, requires_grad=True).exp()).source
        widths.append(float(re.findall(r"penwidth=([\d.]+)\b", source)[-1]))
    assert widths == sorted(set(widths))


# --- values and gradients ------------------------------------------------------------------------


def test_a_scalar_expression_shows_values_and_gradients_everywhere():
    a, b, c, f = leaf(2.0), leaf(-3.0), leaf(10.0), leaf(-2.0)
    with viz.record() as tape:
        e = a * b
        d = e + c
        loss = d * f
        loss.backward()
    graph = viz.draw(tape, names={"a": a, "b": b, "c": c, "f": f, "e": e, "d": d, "loss": loss})
    found = {n["name"]: (n["value"]["mean"], n["gradient"]["mean"]) for n in nodes(graph)}
    assert found == {
        "a": (2, 6), "b": (-3, -4), "c": (10, -2), "f": (-2, 4),
        "e": (-6, -2), "d": (4, -2), "loss": (-8, 1),
    }  # fmt: skip
    assert "value -6 · grad -2" in graph.source
    assert 'rankdir="LR"' in graph.source or "rankdir=LR" in graph.source


def test_before_backward_there_is_no_gradient_yet():
    a = leaf()
    assert "no gradient yet" in viz.draw(a * a, backward=True).text()
    assert "no gradient yet" in viz.draw(a * a, show="grad").text()


def test_why_a_gradient_is_missing():
    a, b, c = leaf(), leaf(), torch.tensor(3.0)
    with viz.record() as tape:
        unused = b.exp()
        y = a * c + (a * 2).detach()
        y.backward()
    graph = viz.draw(tape, names={"a": a, "b": b, "c": c, "unused": unused}, backward=True)
    notes = {n["name"]: n["gradient_note"] for n in nodes(graph) if n["name"]}
    assert notes["c"] == "no gradient: requires_grad=False"
    assert notes["b"] == "no gradient: not reached"
    assert notes["a"] == ""
    assert "detached: no gradient" in graph.source
    with viz.record() as tape, torch.no_grad():
        a * 3
    assert "no gradient: not recorded" in viz.draw(tape, show="grad").text()


def test_the_backward_layer_mirrors_the_graph():
    a, b = leaf(2.0), leaf(3.0)
    y = a * b + a
    graph = viz.draw(y, backward="compute", names={"a": a, "b": b})
    found = {n["title"]: n["gradient"]["mean"] for n in nodes(graph, "gradient")}
    assert found == {"AddBackward": 1, "MulBackward": 1, "a.grad": 4, "b.grad": 2}
    (summed,) = [n for n in nodes(graph, "gradient") if n["title"] == "a.grad"]
    assert summed["remark"] == "sum of 2"
    assert len(edges(graph, "gradient")) == 4
    assert "dir=back" in graph.source


def test_gradients_on_edges_are_those_that_arrive():
    w = torch.ones(3, requires_grad=True)
    with viz.record() as tape:
        (torch.ones(4, 3) * w).sum().backward()
    graph = viz.draw(tape, backward=True)
    norms = {
        tuple(e["shape"]): e["gradient"]["norm"]
        for e in graph.to_dict()["edges"]
        if e["kind"] == "gradient"
    }
    assert norms[(3,)] == pytest.approx(4 * 3**0.5)  # summed over the broadcast dimension
    assert norms[(4, 3)] == pytest.approx(12**0.5)


# --- the notes' CNN ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cnn():
    torch.manual_seed(0)
    return CNN(), torch.randn(2, 1, 28, 28)


def test_the_cnn_at_depth_1_has_one_node_for_each_child(cnn):
    model, x = cnn
    graph = viz.draw((model, x), depth=1, show="shape params flops")
    modules = nodes(graph, "module")
    assert [n["name"] for n in modules] == [name for name, _ in model.named_children()]
    found = {n["name"]: (n["parameters"], n["multiply_adds"] // 2) for n in modules}
    assert found["conv1"] == (320, 225_792)
    assert found["conv2"] == (18_496, 3_612_672)
    assert found["fc1"] == (401_536, 401_408)
    assert found["fc2"] == (1_290, 1_280)
    assert [n["title"] for n in nodes(graph) if n["kind"] == "operation"] == ["Reshape"]
    shapes = [tuple(n["outputs"][0][0]) for n in nodes(graph)[1:]]
    assert shapes == [
        (2, 32, 28, 28), (2, 32, 28, 28), (2, 32, 14, 14), (2, 64, 14, 14), (2, 64, 14, 14),
        (2, 64, 7, 7), (2, 3136), (2, 128), (2, 128), (2, 10),
    ]  # fmt: skip
    totals = graph.to_dict()["totals"]
    assert totals["parameters"] == 421_642
    assert totals["multiply_adds"] == 2 * 4_241_152
    assert "421,642 parameters" in graph.source
    assert "18,496 parameters · 7,225,344 multiply-adds" in graph.source


def test_a_walk_and_a_record_of_the_cnn_agree(cnn):
    model, x = cnn
    walked, recorded = viz.draw(model(x)), viz.draw((model, x))
    assert titles(walked) == titles(recorded)
    assert walked.to_dict()["totals"] == recorded.to_dict()["totals"]
    assert len(nodes(walked, "parameter")) == len(nodes(recorded, "parameter")) == 8
    assert [n["name"] for n in nodes(walked, "parameter")][:2] == ["conv1.weight", "conv1.bias"]


def test_depth_0_is_the_model_alone(cnn):
    model, x = cnn
    graph = viz.draw((model, x), depth=0)
    assert titles(graph, "module") == ["CNN"]
    assert len(nodes(graph)) == 2
    assert nodes(graph, "module")[0]["parameters"] == 421_642


def test_modules_are_clusters_nested_as_they_are():
    source = viz.draw((Deep(), torch.ones(2, 4)), fold=False).source
    assert "blocks.3.fc: Linear(in_features=4, out_features=4, bias=True)" in source
    assert source.count("subgraph") == 1 + 1 + 12 * 3 + 1 + 1  # Deep, blocks, …, last, legend


def test_collapse_closes_single_modules(cnn):
    model, x = cnn
    graph = viz.draw((model, x), collapse=["conv2", "ReLU"])
    assert [n["name"] for n in nodes(graph, "module")] == ["relu1", "conv2", "relu2", "relu3"]


def test_saved_tensors_are_nodes_with_their_bytes(cnn):
    model, x = cnn
    graph = viz.draw((model, x), show="shape saved memory")
    saved = nodes(graph, "saved")
    assert "(2, 32, 28, 28) float32, 196.0 KiB" in [n["remark"] for n in saved]
    # The result of pool1 is kept by pool1 and by conv2, and is one array.
    (pool1,) = [n["id"] for n in saved if "(2, 32, 14, 14)" in n["remark"]]
    assert len([edge for edge in edges(graph, "saved") if edge[1] == pool1]) == 2
    assert sum(edge["kind"] == "saved" for edge in graph.to_dict()["edges"]) > len(saved)
    closed = viz.draw((model, x), depth=1, show="saved")
    assert len(nodes(closed, "saved")) == 9  # one for each module


def test_a_nan_planted_in_conv2_reddens_that_operation_only():
    model = CNN()
    model.conv2.weight.data.array[0, 0, 0, 0] = np.nan
    graph = viz.draw((model, torch.ones(1, 1, 28, 28)), highlight="nan")
    red = [n for n in nodes(graph) if n["mark"] == "culprit"]
    assert [(n["title"], graph.to_dict()["modules"][n["module"]]["path"]) for n in red] == [
        ("Conv2d", "conv2")
    ]
    pink = [n["title"] for n in nodes(graph, "operation") if n["mark"] == "tainted"]
    assert pink == ["Relu", "MaxPool2d", "Reshape", "Linear", "Relu", "Linear"]
    assert "first NaN or Inf" in graph.source
    closed = viz.draw((model, torch.ones(1, 1, 28, 28)), depth=1)
    assert [n["name"] for n in nodes(closed) if n["mark"] == "culprit"] == ["conv2"]


def test_multiply_adds_of_a_convolutions_gradients():
    x, conv = torch.randn(1, 3, 6, 6, requires_grad=True), nn.Conv2d(3, 5, 2)
    y = conv(x).sum()
    gradients = torch.autograd.grad(y, (x, conv.weight, conv.bias), create_graph=True)
    graph = viz.draw(dict(zip("xwb", gradients)))
    found = {n["title"]: n["multiply_adds"] for n in nodes(graph, "operation")}
    products = 5 * 5 * 5 * 3 * 2 * 2  # as many as forward: output pixels, channels, kernel
    assert found["Conv2dInputGradient"] == found["Conv2dParameterGradients"] == products
    y = nn.functional.conv2d(x, conv.weight.detach()).sum() ** 2
    (gradient,) = torch.autograd.grad(y, x, create_graph=True)
    gradient.sum().backward()  # from here on the graph knows the weight by its shape only
    graph = viz.draw(gradient)
    found = {n["title"]: n["multiply_adds"] for n in nodes(graph, "operation")}
    assert found["Conv2dInputGradient"] == found["Conv2d"] == products


# --- folding -------------------------------------------------------------------------------------


def test_equal_blocks_fold():
    model, x = Deep(), torch.ones(2, 4)
    graph = viz.draw((model, x))
    (block,) = nodes(graph, "module")
    assert (block["title"], block["repeat"], block["parameters"]) == ("Block", 12, 12 * 20)
    assert "Block ×12" in graph.source
    assert block["multiply_adds"] == 12 * 2 * 16
    assert graph.to_dict()["totals"]["parameters"] == 12 * 20 + 10
    assert len(nodes(viz.draw((model, x), fold=False), "parameter")) == 26
    assert not nodes(viz.draw((model, x), repeat=13), "module")
    assert len(nodes(viz.draw((model, x), repeat=12), "module")) == 1


def test_blocks_with_something_between_them_do_not_fold():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList([nn.Linear(3, 3) for _ in range(4)])

        def forward(self, x):
            for part in self.parts:
                x = x + part(x)
            return x

    graph = viz.draw((Residual(), torch.ones(1, 3)), depth=1)
    assert all(n["repeat"] == 1 for n in nodes(graph, "module"))
    assert len(nodes(graph, "module")) == 4


def test_max_nodes_closes_modules_and_then_cuts():
    model, x = Deep(), torch.ones(2, 4)
    graph = viz.draw((model, x), fold=False, max_nodes=6)
    assert len(nodes(graph)) <= 6
    assert titles(graph, "module") == ["Sequential", "Linear"]
    y = leaf()
    for _ in range(100):
        y = y * 2
    cut = viz.draw(y, max_nodes=10)
    assert len(nodes(cut)) == 10
    assert "… 92 more nodes" in cut.source
    assert cut.to_dict()["totals"]["operations"] == 100


# --- parameters ----------------------------------------------------------------------------------


def test_a_layer_used_twice_has_one_weight_with_a_badge():
    model = Tied()
    graph = viz.draw((model, torch.ones(2, 3)), backward="compute")
    weights = [n for n in nodes(graph, "parameter") if n["name"] == "fc.weight"]
    assert len(weights) == 1
    assert weights[0]["shared"] == 2
    assert "shared ×2" in graph.source
    (gradient,) = [n for n in nodes(graph, "gradient") if n["title"] == "fc.weight.grad"]
    assert gradient["remark"] == "sum of 2"
    assert graph.to_dict()["totals"]["parameters"] == 12
    closed = viz.draw((model, torch.ones(2, 3)), depth=1)
    assert len([n for n in nodes(closed, "parameter") if n["name"] == "fc.weight"]) == 1
    assert "call 2 of the same module" in closed.source


def test_tied_names_are_told():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    graph = viz.draw((model, torch.ones(1, 2)))
    (weight,) = [n for n in nodes(graph, "parameter") if n["name"] == "0.weight"]
    assert (weight["shared"], weight["remark"]) == (2, "also 1.weight")


def test_a_frozen_parameter_is_hatched():
    model = nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    source = viz.draw((model, torch.ones(1, 2))).source
    assert "striped" in source
    assert "frozen parameter" in source
    model.weight.requires_grad_(True)
    assert "frozen" not in viz.draw((model, torch.ones(1, 2))).source


# --- health --------------------------------------------------------------------------------------


def test_vanishing_and_exploding_gradients():
    a = torch.ones(2, requires_grad=True)
    with viz.record() as tape:
        (a.exp() * 1e5).sum().backward()
    marks = {n["title"]: n["mark"] for n in nodes(viz.draw(tape, highlight="grad"))}
    assert marks["Exp"] == "exploding"
    assert marks["Mul"] == ""
    graph = viz.draw(((lambda x: x * 1e-9), a), backward="compute")
    assert [n["mark"] for n in nodes(graph, "gradient")] == ["", "vanishing"]
    assert "0 &lt; norm &lt; 1e-06" in graph.source
    graph = viz.draw(((lambda x: x * 0.0), a), backward="compute")
    assert [n["mark"] for n in nodes(graph, "gradient")] == ["", ""]  # none at all is not small


def test_a_dead_relu_is_hatched():
    x = -torch.ones(50, requires_grad=True)
    graph = viz.draw(((lambda x: x.relu()), x))
    assert [n["mark"] for n in nodes(graph, "operation")] == ["", "dead"]  # negation, ReLU
    assert "striped" in graph.source
    assert "over 95 % zeros" in graph.source
    graph = viz.draw(((lambda x: x.relu()), x[:19]))
    assert "dead" not in [n["mark"] for n in nodes(graph)]  # so few may be zero by chance


def test_statistics_leave_out_what_is_not_finite():
    x = torch.tensor([1.0, np.nan, 4.0, np.inf, 0.0, -np.inf, 5.0])
    (value,) = [n["value"] for n in nodes(viz.draw(x))]
    assert (value["minimum"], value["mean"], value["maximum"]) == (0.0, 2.5, 5.0)
    assert (value["nan"], value["inf"]) == (True, True)


def test_time_and_memory_shade_the_nodes(cnn):
    for highlight in ("time", "memory"):
        graph = viz.draw(cnn, depth=1, highlight=highlight)
        heats = [n["heat"] for n in nodes(graph, "module")]
        assert max(heats) == 1
        assert min(heats) >= 0
        assert f"the darker, the more {highlight}" in graph.source


# --- the legend ----------------------------------------------------------------------------------


def test_the_legend_lists_only_what_is_drawn(cnn):
    def legend(graph):
        return set(re.findall(r"legend\d+ \[label=<([^>]*)>", graph.source))

    assert legend(viz.draw(leaf())) == {"input", "output"}
    assert legend(viz.draw(leaf() * leaf())) == {"input", "operation", "output"}
    assert legend(viz.draw(cnn, depth=1)) == {"input", "operation", "module, closed", "output"}
    everything = legend(viz.draw(cnn, backward="compute", show="saved"))
    assert everything == {
        "input", "operation", "parameter", "saved for backward", "gradient", "output",
        "dashed: gradient",
    }  # fmt: skip


# --- what drawing must not do --------------------------------------------------------------------


def test_two_drawings_are_the_same_bytes():
    def sources():
        torch.manual_seed(0)
        model = CNN()
        with viz.record() as tape:
            nn.CrossEntropyLoss()(model(torch.randn(1, 1, 28, 28)), torch.tensor([3])).backward()
        graph = viz.draw(tape, backward=True, show="shape saved value grad")
        return graph.source, graph.json(), graph.text(), graph.mermaid()

    assert sources() == sources()
    assert "0x" not in sources()[0]


def test_drawing_changes_nothing():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
    model.train()
    x = torch.randn(8, 3)
    loss = model(x).mean()
    loss.backward(retain_graph=True)
    calls = []
    handle = model[0].weight.register_hook(lambda gradient: calls.append(gradient))
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    state = torch.get_rng_state() if hasattr(torch, "get_rng_state") else None

    viz.draw(loss, backward="compute").text()
    viz.draw((model, x), backward="compute").text()
    viz.summary(model, x)

    handle.remove()
    assert calls == []
    assert model.training
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    for p, gradient in zip(model.parameters(), gradients):
        np.testing.assert_array_equal(p.grad.numpy(), gradient)
    if state is not None:
        np.testing.assert_array_equal(np.asarray(torch.get_rng_state()), np.asarray(state))
    loss.backward()  # nothing was freed
    torch.manual_seed(7)
    expected = torch.rand(3).tolist()
    torch.manual_seed(7)
    viz.draw((model, x))
    assert torch.rand(3).tolist() == expected


def test_drawing_keeps_nothing_alive():
    x = torch.randn(3, requires_grad=True)
    gc.disable()
    try:
        with viz.record() as tape:
            y = (x * x).exp()
            loss = y.sum()
            loss.backward(retain_graph=True)
        graph = viz.draw(loss)
        graph.source  # noqa: B018
        alive = [weakref.ref(loss), weakref.ref(y), weakref.ref(loss._edge[0])]
        del loss, y
        assert [reference() for reference in alive] == [None, None, None]
    finally:
        gc.enable()
    assert viz.draw(tape).text()


def test_a_model_can_be_drawn_inside_no_grad():
    with torch.no_grad():
        graph = viz.draw((nn.Linear(2, 2), torch.ones(1, 2)), backward="compute")
    assert nodes(graph, "gradient")


def test_a_graph_that_backward_freed():
    a = leaf()
    y = (a * a).exp()
    y.backward()
    graph = viz.draw(y, names={"a": a})
    assert "freed by backward" in graph.source
    assert {n["name"]: n["gradient"] for n in nodes(graph)}["a"]["mean"] == a.grad.item()
    with pytest.raises(RuntimeError, match="second time"):
        viz.draw(y, backward="compute")


# --- size ----------------------------------------------------------------------------------------


def test_ten_thousand_operations_to_dot_text():
    """The work grows with the graph and no faster: counted in calls, since machines differ."""

    def sum_of(count):
        y = x = leaf()
        for _ in range(count):
            y = y + x
        return y

    def calls(y):
        count = 0

        def note(frame, event, argument):
            nonlocal count
            count += event == "call"

        sys.setprofile(note)
        try:
            viz.draw(y).source  # noqa: B018 (a property that writes the text)
        finally:
            sys.setprofile(None)
        return count

    calls(sum_of(10))  # what is imported or remembered at the first drawing
    assert calls(sum_of(2_000)) < 2.05 * calls(sum_of(1_000))
    assert viz.draw(sum_of(10_000)).source.count(" -> ") >= 20_000


def test_other_outputs_of_a_deep_graph():
    y = leaf()
    for _ in range(1_000):  # twice as many operations, more than Python lets functions nest
        y = y.exp() * 1e-3
    graph = viz.draw(y, backward="compute", max_nodes=50)
    assert len(nodes(graph)) == 100
    full = viz.draw(y)
    assert full.text().count("\n") == 2_003
    assert full.mermaid().count("-->") == 2_000
    json.loads(full.json())
