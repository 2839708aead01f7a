"""Self-contained HTML pages around a drawing: nothing is fetched, not even a font."""

from __future__ import annotations

import html
import json
from collections import Counter
from typing import Any

from tinygrad_adam.viz.assets import GRAPH_SCRIPT, STYLE
from tinygrad_adam.viz.dot import edge_id
from tinygrad_adam.viz.labels import clean, tooltip
from tinygrad_adam.viz.picture import Picture
from tinygrad_adam.viz.themes import THEMES

# What a browser may do on the page: run the script that stands in it, and nothing from elsewhere.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def graph_page(svg: str, picture: Picture, theme: str) -> str:
    """Return the page of a drawing: switches for its layers, and what each node is made of."""
    kinds = {node.kind for node in picture.nodes}
    layers = [("parameter", "parameters"), ("saved", "saved tensors"), ("gradient", "gradients")]
    boxes = [
        f'<label><input type="checkbox" data-layer="{kind}" checked> {words}</label>'
        for kind, words in [x for x in layers if x[0] in kinds]
        + [("shapes", "words on edges"), ("legend", "legend")]
    ]
    body = f"""<header><h1>{html.escape(clean(picture.title) or "Computation")}</h1>
{"".join(boxes)}<label><input type="checkbox" id="fit" checked> fit to width</label></header>
<main><div id="drawing" class="fit">{inline(svg)}</div>
<aside id="panel"><h2>Click on a node</h2>
<pre>It lights up with everything that it was made of. Escape puts the light out.</pre></aside>
</main>"""
    data = {
        "edges": edges_of(picture),
        "tips": {node.id: tooltip(node) for node in picture.nodes},
    }
    return page(picture.title, body, data, GRAPH_SCRIPT, theme)


def edges_of(picture: Picture) -> list[dict[str, str]]:
    """Return source, target and the id in the SVG of every edge."""
    pairs = Counter((link.source, link.target, link.kind) for link in picture.links)
    return [
        {
            "id": edge_id(picture, number, pairs[link.source, link.target, link.kind]),
            "source": picture.nodes[link.source].id,
            "target": picture.nodes[link.target].id,
        }
        for number, link in enumerate(picture.links)
    ]


def inline(svg: str) -> str:
    """Return an SVG file as an element of a page."""
    return svg[svg.index("<svg") :]


def page(title: str, body: str, data: Any, script: str, theme: str, style: str = "") -> str:
    """Return a whole page. ``data`` is JSON for the script, whatever texts it holds."""
    # Inside a script element only "<" could end it; as an escape it is the same to JSON.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    dark = _dark_style() if theme == "light" else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<link rel="icon" href="data:,">
<title>{html.escape(clean(title) or "Computation")}</title>
<style>{STYLE}{style}{dark}</style></head>
<body>{body}
<script type="application/json" id="data">{text}</script>
<script>{script}</script></body></html>
"""


def _dark_style() -> str:
    """Return rules that give the light drawing the dark theme's colours in a dark browser."""
    light, dark = THEMES["light"], THEMES["dark"]
    pairs = [(light.background, dark.background), (light.ink, dark.ink)]
    pairs += [(light.faint, dark.faint), (light.line, dark.line)]
    pairs += [(light.gradient_line, dark.gradient_line), *zip(light.output, dark.output)]
    pairs += [*zip(light.cluster, dark.cluster), *zip(light.pale, dark.pale)]
    for name in light.kinds:
        pairs += zip(light.kinds[name], dark.kinds[name])
    for name in light.marks:
        pairs += zip(light.marks[name], dark.marks[name])
    rules = [
        f':where(#drawing) [{property}="{a}"] {{ {property}: {b}; }}'
        for a, b in dict(reversed(pairs)).items()
        for property in ("fill", "stroke")
    ]
    rules.append(f".heat text {{ fill: {light.ink}; }}")
    return "@media (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}\n"
