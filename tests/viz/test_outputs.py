"""Every form in which a drawing leaves: files, notebooks, text; with hostile names; without dot."""

import html
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, leaf
from tinygrad_adam import nn, viz

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing")

HOSTILE = [
    'a"b<&',
    "]]></svg><script>alert(1)</script>",
    '"]; evil [label="x',
    "line\nbreak\r\ttab\\n\\N\\l",
    "<b>bold</b>",
    "<<html>>",
    "\u202eright to left\u202c\u2066\u200b",
    "null\0byte\x1b[31m",
    "--> <!-- comment -->",
    "\\",
    "ünï©ode 張量 🙂",
    "%s {0} $PATH `id`",
    "",
    "x" * 500,
]


def svg_texts(svg):
    """Return the tags and the texts of an SVG, which must be well-formed."""
    root = ElementTree.fromstring(svg)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    return tags, [element.text or "" for element in root.iter()]


@pytest.fixture(scope="module")
def graph():
    torch.manual_seed(0)
    return viz.draw((CNN(), torch.randn(1, 1, 28, 28)), backward="compute", show="shape saved")


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_break_out(name):
    a, b = leaf(), leaf()
    module = nn.Sequential()
    module._modules[name or "empty"] = nn.Linear(1, 1)  # a name that setattr might refuse
    with viz.record({name: a, "b": b}) as tape:
        c = a * b
        module(torch.ones(1, 1)).sum().backward()
    drawing = viz.draw(tape, names={name + "!": c}, backward=True, show="shape value grad saved")
    drawing.picture.title = name
    tags, texts = svg_texts(drawing.svg())
    assert tags <= {"svg", "g", "title", "polygon", "path", "ellipse", "text", "a", "polyline"}
    visible = html.unescape("".join(texts))
    assert not any(bad in visible for bad in "\u202e\u202c\u2066\u200b\0\x1b")
    if name.isprintable() and 0 < len(name) < 30:
        assert name in visible
    page = drawing.html()
    assert page.count("<script") == page.count("</script>") == 2
    assert "alert(1)</script>" not in page
    assert len(drawing.mermaid().splitlines()) == len(drawing.mermaid().split("\n")) - 1
    for line in drawing.mermaid().splitlines():
        assert line.count('"') in (0, 2)
    assert len(drawing.text().splitlines()) == len(drawing.to_dict()["nodes"]) + 2
    json.loads(drawing.json())


@needs_dot
@pytest.mark.parametrize(
    "suffix", [".svg", ".png", ".pdf", ".dot", ".gv", ".html", ".mmd", ".txt", ".json"]
)
def test_save_by_suffix(graph, tmp_path, suffix):
    path = graph.save(tmp_path / "deep" / f"drawing{suffix}")
    assert path == tmp_path / "deep" / f"drawing{suffix}"
    start = {".png": b"\x89PNG", ".pdf": b"%PDF", ".html": b"<!DOCTYPE html>", ".json": b"{",
             ".mmd": b"flowchart"}  # fmt: skip
    assert path.read_bytes().startswith(start.get(suffix, b""))
    assert path.stat().st_size > 500


def test_an_unknown_suffix(graph, tmp_path):
    with pytest.raises(ValueError, match=r"\.jpeg: use \.dot"):
        graph.save(tmp_path / "x.jpeg")
    assert not list(tmp_path.iterdir())


@needs_dot
def test_the_svg_says_nothing_of_the_machine(graph):
    svg = graph.svg()
    assert "<!--" not in svg
    assert "version 2" not in svg
    assert svg == graph.svg()
    assert 'id="n0"' in svg
    assert 'class="node operation"' in svg


@needs_dot
def test_tooltips_tell_the_rest(graph):
    tags, _ = svg_texts(graph.svg())
    assert "a" in tags
    tips = re.findall(r'xlink:title="([^"]*)"', graph.svg())
    (conv2,) = [html.unescape(t) for t in tips if "3,612,672" in t]
    inputs = (
        "(1, 32, 14, 14) float32, conv2.weight (64, 32, 3, 3) float32, conv2.bias (64,) float32"
    )
    assert f"inputs: {inputs}" in conv2
    assert "% zeros" in conv2
    assert "called at: drawn_models.py" in conv2


@needs_dot
def test_a_notebook_gets_inline_svg_first():
    bundle = viz.draw(leaf() * leaf())._repr_mimebundle_()
    assert list(bundle) == ["text/html", "image/svg+xml", "text/plain"]
    assert bundle["text/html"].startswith("<svg style=")
    assert "max-width:100%" in bundle["text/html"]
    assert bundle["image/svg+xml"].startswith("<?xml")


def test_without_dot(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = viz.draw(leaf() * leaf())
    written = drawing.save(tmp_path / "drawing.svg")
    assert written == tmp_path / "drawing.dot"
    assert written.read_text() == drawing.source
    (line,) = capsys.readouterr().err.splitlines()
    assert "drawing.dot written instead of svg" in line
    assert "install" in line
    with pytest.raises(viz.DotNotFoundError, match="install"):
        drawing.svg()
    bundle = drawing._repr_mimebundle_()
    assert "install" in bundle["text/plain"]
    assert "image/svg+xml" not in bundle
    assert drawing.save(tmp_path / "x.txt").read_text() == drawing.text()
    assert drawing.save(tmp_path / "x.mmd").read_text().startswith("flowchart LR")
    assert drawing.save(tmp_path / "x.html").suffix == ".dot"


@needs_dot
@pytest.mark.parametrize("theme", ["light", "dark", "mono"])
def test_themes(theme):
    svg = viz.draw((CNN(), torch.ones(1, 1, 28, 28)), depth=1, theme=theme).svg()
    svg_texts(svg)
    if theme == "mono":
        colours = set(re.findall(r"#([0-9a-f]{6})", svg))
        assert all(c[:2] == c[2:4] == c[4:] for c in colours)


def test_kinds_differ_in_shape_not_only_in_colour():
    from tinygrad_adam.viz.themes import SHAPES

    looks = [(look["shape"], look["style"]) for look in SHAPES.values()]
    assert len(set(looks)) == len(looks)


def test_text_and_mermaid_need_no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    drawing = viz.draw(leaf() * leaf(), backward="compute")
    assert "MulBackward" in drawing.text()
    assert drawing.mermaid().startswith("flowchart LR")
    assert "-.->" in drawing.mermaid()
    assert repr(drawing) == "Graph(3 nodes · 1 operation · 8 B kept for backward)"


def test_totals_are_under_the_drawing(graph):
    text = "19 nodes · 10 operations · 421,642 parameters · 4,241,152 multiply-adds"
    assert text in html.unescape(graph.source)
    assert text in graph.text()


def test_a_value_that_is_no_number_in_json():
    drawing = viz.draw(leaf(float("nan")) * leaf(float("inf")))
    values = [node["value"]["mean"] for node in json.loads(drawing.json())["nodes"]]
    assert values == [None, None, None]


@needs_dot
def test_the_notes_cnn_is_laid_out():
    model, x = CNN(), torch.ones(1, 1, 28, 28)
    assert viz.draw((model, x), backward="compute").svg().count("<text") > 20
