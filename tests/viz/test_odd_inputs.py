"""What people might hand to ``viz`` without thinking, or on purpose."""

import os
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, Deep, leaf
from tinygrad_adam import nn, viz

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing")
EVIL = '"]; x [label=<b>&</b>]\n<script>alert(1)</script>\u202e\\N'


def nodes(graph, kind=None):
    return [n for n in graph.to_dict()["nodes"] if kind is None or n["kind"] == kind]


def kinds(graph):
    return [node["kind"] for node in nodes(graph)]


def assert_sound(graph):
    """See that every output is well-formed, and that nothing hostile is in it."""
    page, svg = graph.html(), graph.svg()
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert "script" not in tags
    assert page.count("<script") == page.count("</script>") == 2
    for text in (svg, page, graph.source, graph.text(), graph.mermaid()):
        assert "\u202e" not in text


# --- texts from users ----------------------------------------------------------------------------


@needs_dot
def test_names_of_classes_and_their_descriptions():
    def extra_repr(self):
        return EVIL

    def forward(self, x):
        return x * 2

    evil = type(EVIL, (nn.Module,), {"extra_repr": extra_repr, "forward": forward})
    for depth in (None, 1, 0):
        model = nn.Sequential(evil(), nn.Linear(3, 3))
        assert_sound(viz.draw((model, torch.ones(2, 3)), depth=depth, backward="compute"))
    assert "\u202e" not in str(viz.summary(nn.Sequential(evil()), torch.ones(2, 3)))
    assert str(viz.summary(nn.Sequential(evil()), torch.ones(2, 3))).count("\n") == 5


@needs_dot
def test_an_operation_with_a_name_and_a_formula_of_its_own(tmp_path):
    parts = {
        "forward": staticmethod(lambda ctx, x: x * 3),
        "backward": staticmethod(lambda _, g: g),
    }
    evil = type(EVIL, (torch.autograd.Function,), {**parts, "__doc__": EVIL})
    y = evil.apply(leaf())
    assert_sound(viz.draw(y, backward="compute", names={EVIL: y}))
    path = viz.animate_backward(y, tmp_path / "a'b<&.html", names={EVIL: y})
    text = path.read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script>") == 2
    assert "\u202e" not in text
    assert "<title>a&#x27;b&lt;&amp;</title>" in text


@needs_dot
def test_the_name_of_a_file_and_an_error():
    x = leaf()
    tape = viz.record()
    program = compile("fail(x * 2)", f"folder/{EVIL.replace('/', '')}.py", "exec")
    with pytest.raises(RuntimeError), tape:
        exec(program, {"x": x, "fail": raise_evil})
    drawing = viz.draw(tape)
    assert "called at: " in drawing.source
    assert_sound(drawing)


def raise_evil(x):
    class Evil(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            raise RuntimeError(EVIL)

    Evil.apply(x)


@needs_dot
def test_a_dictionary_of_results():
    drawing = viz.draw({EVIL: leaf() * 2, "": leaf() * 3})
    assert_sound(drawing)
    assert len([node for node in nodes(drawing) if node["is_output"]]) == 2


# --- things to draw ------------------------------------------------------------------------------


def test_tensors_of_every_kind():
    assert kinds(viz.draw(torch.tensor([1, 2]) + 3)) == ["input"]
    assert kinds(viz.draw(torch.ones(2, requires_grad=True) > 0)) == ["input"]
    assert kinds(viz.draw(torch.zeros(0, 3, requires_grad=True).sum())) == ["input", "operation"]
    view = torch.ones(4, 6, requires_grad=True).t()[::2].reshape(-1)[3:]
    assert nodes(viz.draw(view, backward="compute"), "gradient")[0]["outputs"] == [[[9], "float32"]]
    drawing = viz.draw((leaf() * float("nan")), backward="compute")
    assert [n["mark"] for n in nodes(drawing, "operation")] == ["culprit"]


@pytest.mark.parametrize("result", [None, 3, "text", {}, [], {"a": [None, 1]}])
def test_a_model_that_returns_no_tensor(result):
    x = torch.ones(2)

    def model(x):
        x.exp()
        return result

    assert [n["title"] for n in nodes(viz.draw((model, x)), "operation")] == ["Exp"]


def test_a_model_that_returns_its_input():
    x = torch.ones(2, requires_grad=True)
    drawing = viz.draw((lambda x: x, x), backward="compute")
    assert [(n["name"], n["is_output"]) for n in nodes(drawing, "input")] == [("input", True)]
    both = viz.draw((lambda x: {"same": x, "twice": [x * 2]}, x))
    assert [n["is_output"] for n in nodes(both)] == [True, True]


def test_a_model_that_calls_itself():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, x, again=2):
            x = self.fc(x).relu()
            return self(x, again - 1).tanh() if again else x

    model, x = Twice(), torch.ones(1, 3)
    for depth in (None, 2, 1, 0):
        drawing = viz.draw((model, x), depth=depth, backward="compute")
        assert drawing.to_dict()["totals"]["operations"] == 8
        assert drawing.to_dict()["totals"]["parameters"] == 12
        assert drawing.source.count("{") == drawing.source.count("}")


def test_a_drawing_while_recording():
    x = leaf()
    with viz.record() as tape:
        y = x * 2
        early = viz.draw(tape)
        (y + 1).backward()
    assert len(nodes(early, "operation")) == 1
    assert len(nodes(viz.draw(tape), "operation")) == 2
    assert nodes(viz.draw(viz.record())) == []


def test_parameters_by_the_dozen():
    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ParameterList([nn.Parameter(torch.ones(2)) for _ in range(12)])

        def forward(self, x):
            return x + torch.stack([*self.parts]).sum(0)

    drawing = viz.draw((Many(), torch.ones(3, 2)), backward="compute")
    assert len(nodes(drawing, "parameter")) == 12
    assert len([n for n in nodes(drawing, "gradient") if n["title"].endswith(".grad")]) == 12


# --- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"depth": 1.5}, ValueError), ({"depth": "1"}, ValueError), ({"repeat": 1}, ValueError),
        ({"max_nodes": "all"}, ValueError), ({"theme": ["light"]}, ValueError),
        ({"show": 3}, ValueError), ({"show": {3}}, ValueError), ({"names": ["x"]}, TypeError),
    ],
    ids=str,
)  # fmt: skip
def test_options_of_the_wrong_kind(option, error):
    with pytest.raises(error, match=next(iter(option))) as caught:
        viz.draw(leaf() * 2, **option)
    assert "\n" not in str(caught.value)


def test_options_that_ask_for_much_or_for_nothing():
    what = Deep(), torch.ones(1, 4)
    assert len(nodes(viz.draw(what, max_nodes=2))) == 2
    assert len(nodes(viz.draw(what, depth=99, fold=False), "module")) == 0
    assert viz.draw(what, collapse=None).source == viz.draw(what).source
    assert viz.draw(what, collapse="no such").source == viz.draw(what).source
    y = torch.ones(2, requires_grad=True)
    drawing = viz.draw(y * 2, names={"np": np, 1: y, "y": y, "f": nodes})
    assert nodes(drawing, "input")[0]["name"] == "y"


def test_animations_of_what_cannot_be_watched(tmp_path):
    path = tmp_path / "page.html"
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="takes a Tensor, not int"):
        viz.animate_backward(3, path)
    with pytest.raises(RuntimeError, match="does not have a grad_fn"):
        viz.animate_backward(x, path)
    with pytest.raises(ValueError, match="rankdir"):
        viz.animate_backward(x * 2, path, rankdir="up")
    with pytest.raises(TypeError, match="names"):
        viz.animate_backward(x * 2, path, names=["x"])
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        viz.animate_backward(loss, path)
    assert not path.exists()


# --- the same bytes, everywhere ------------------------------------------------------------------

PROGRAM = """
import hashlib, sys
from tests.viz.drawn_models import CNN
import tinygrad_adam as torch
from tinygrad_adam import viz
torch.manual_seed(0)
x = torch.randn(1, 1, 28, 28)
graph = viz.draw((CNN(), x), backward="compute", show={"shape", "saved", "params", "grad"})
texts = [graph.source, graph.text(), graph.mermaid(), graph.json()]
if sys.argv[1] == "dot":
    texts += [graph.svg(), graph.html()]
print([hashlib.sha256(text.encode()).hexdigest() for text in texts])
"""


def test_another_process_writes_the_same_bytes():
    printed = set()
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, "dot" if shutil.which("dot") else ""],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        printed.add(result.stdout)
    assert len(printed) == 1


# --- what tooltips, and machines without dot, say ------------------------------------------------


def test_a_tooltip_has_all_that_the_label_leaves_out():
    torch.manual_seed(0)
    with viz.record({"x": (x := torch.randn(1, 1, 28, 28))}) as tape:
        CNN()(x).sum().backward()
    source = viz.draw(tape).source
    (tip,) = re.findall(r'tooltip="(Relu\ninputs: \(1, 32, 28, 28\)[^"]*)"', source)
    for words in (
        "inputs: (1, 32, 28, 28) float32\n", "result: (1, 32, 28, 28) float32\n",
        "called at: drawn_models.py:", "device: cpu\n", "kept for backward: (1, 32, 28, 28)",
        "max(x, 0). Gradient: g where the result is positive.",
    ):  # fmt: skip
        assert words in tip
    for quantity in ("value", "gradient"):
        numbers = r"min \S+, mean \S+, max \S+, std \S+, \d+ % zeros, norm \S+"
        assert re.search(f"^{quantity}: {numbers}$", tip, re.MULTILINE)


@pytest.mark.parametrize(
    ("platform", "words"),
    [("darwin", "brew install graphviz"), ("win32", "winget"), ("linux", "apt-get install")],
)
def test_the_hint_fits_the_platform(monkeypatch, platform, words):
    monkeypatch.setattr(sys, "platform", platform)
    assert words in str(viz.DotNotFoundError())
    assert "\n" not in str(viz.DotNotFoundError())


@needs_dot
def test_five_thousand_operations_are_laid_out():
    y = leaf()
    for _ in range(5_000):
        y = y * 1.0
    svg = viz.draw(y).svg()
    assert svg.count('class="node operation') == 5_000
