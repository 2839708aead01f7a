"""A picture in DOT, the language of Graphviz, written with the ``graphviz`` package."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Collection
from typing import Any

from tinygrad_adam.viz.extras import require
from tinygrad_adam.viz.health import FINDINGS
from tinygrad_adam.viz.labels import (
    clean,
    lines,
    link_label,
    module_name,
    title,
    tooltip,
    totals,
)
from tinygrad_adam.viz.measure import shape_text
from tinygrad_adam.viz.picture import Link, Node, Picture
from tinygrad_adam.viz.rows import rows_of
from tinygrad_adam.viz.themes import KIND_TITLES, SHAPES, THEMES, Theme, heat_colour

_FONT = "Helvetica,Arial,sans-serif"
_LEFT = '<br align="left"/>'
# The weights of edges: the way forward runs straight where it can, before all the way back, whose
# words stay clear of the arcs in rows then.
_STRAIGHT, _STRAIGHTER = "8", "16"


def dot_source(
    picture: Picture, show: Collection[str], rankdir: str, theme_name: str, highlight: str | None
) -> str:
    """Return the DOT text of a finished picture: the same for the same picture, byte by byte."""
    return _Writer(picture, show, rankdir, THEMES[theme_name], highlight).write()


class _Writer:
    def __init__(
        self,
        picture: Picture,
        show: Collection[str],
        rankdir: str,
        theme: Theme,
        highlight: str | None,
    ) -> None:
        self.picture = picture
        self.show = show
        self.rankdir = rankdir
        self.rows = rows_of(picture)
        # Where ranks are columns, Graphviz fills those in clusters from below, others from above.
        self.columns = rankdir in ("LR", "RL")
        self.theme = theme
        self.highlight = highlight
        self.graphviz = require("graphviz")
        fill, line = theme.kinds["operation"]
        self.usual = {
            **SHAPES["operation"], "fillcolor": fill, "color": line, "class": "operation",
            "peripheries": "1", "penwidth": "1",
        }  # fmt: skip

    def write(self) -> str:
        theme = self.theme
        text = {"fontname": _FONT, "fontcolor": theme.ink}
        graph = self.graphviz.Digraph("computation")
        # dot's second look at the crossings forgets the order in rows, and in columns with much.
        looks_twice = self.columns and all(node.kind != "saved" for node in self.picture.nodes)
        graph.attr(
            "graph",
            bgcolor=theme.background, rankdir=self.rankdir, nodesep="0.2", ranksep="0.35",
            pad="0.2", label=self._caption(), labelloc="b", labeljust="l", fontsize="11",
            tooltip=" ", newrank="true",
            remincross=str(looks_twice).lower(), **text,
        )  # fmt: skip
        # What most nodes and edges have in common stands here once: large graphs stay small.
        graph.attr(
            "node", fontsize="12", margin="0.13,0.06", height="0.3", id=r"\N", **text, **self.usual
        )  # fmt: skip
        graph.attr(
            "edge", color=theme.line, fontsize="9", arrowsize="0.7", id=r"\T_\H",
            fontname=_FONT, fontcolor=theme.faint, weight=_STRAIGHT, **{"class": "data"},
        )  # fmt: skip
        self._write_nodes(graph)
        pairs = Counter((link.source, link.target, link.kind) for link in self.picture.links)
        for number, link in enumerate(self.picture.links):
            self._write_link(graph, number, link, pairs[link.source, link.target, link.kind])
        self._write_rows(graph)
        self._write_legend(graph)
        return str(graph.source)

    # --- nodes -----------------------------------------------------------------------------------

    def _write_nodes(self, graph: Any) -> None:
        """Write the nodes, each inside the clusters of the module calls around it."""
        inside: dict[int | None, list[Node]] = {}
        for node in self.picture.nodes:
            inside.setdefault(node.call, []).append(node)
        drawn: dict[int | None, list[Any]] = {}
        # Children have larger numbers than their parents: going back, every cluster is complete
        # when it is put into the one around it.
        for index in reversed(range(len(self.picture.calls))):
            nodes, clusters = inside.get(index, []), drawn.pop(index, [])
            if not nodes and not clusters:
                continue
            call = self.picture.calls[index]
            cluster = self.graphviz.Digraph(f"cluster_{index}")
            name = _markup(module_name(call))
            named = index in self.rows.labels
            if named:
                cluster.node(
                    self.rows.labels[index], label=f"<{name}>",
                    tooltip=self._plain(clean(call.label, 300)),
                    shape="none", peripheries="0", style="solid", fontsize="10", margin="0",
                    height="0.2", fontcolor=self.theme.faint, **{"class": "name"},
                )  # fmt: skip
            cluster.attr(
                # An edge that turns round the corner of the cluster needs a little room above it.
                label="" if named else f'<<font point-size="7"> </font>{_LEFT}{name}{_LEFT}>',
                tooltip=self._plain(clean(call.label, 300)),
                style="filled,rounded", fillcolor=self.theme.cluster[0],
                color=self.theme.cluster[1], fontcolor=self.theme.faint, fontsize="10",
                labeljust="l", labelloc="t", margin="10", id=f"c{index}",
            )  # fmt: skip
            self.fill(cluster, nodes, clusters)
            drawn.setdefault(call.parent, []).insert(0, cluster)
        self.fill(graph, inside.get(None, []), drawn.pop(None, []))

    def fill(self, graph: Any, nodes: list[Node], clusters: list[Any]) -> None:
        """Write nodes and finished clusters into a graph or cluster."""
        for node in nodes:
            self._write_node(graph, node)
        for cluster in clusters:
            graph.subgraph(cluster)

    def _write_node(self, graph: Any, node: Node) -> None:
        look = self._look(node)
        look["class"] = " ".join(_classes(node))
        graph.node(
            node.id,
            label=_label(title(node), lines(node, self.show), self.theme),
            tooltip=self._plain(tooltip(node)),
            **{name: value for name, value in look.items() if value != self.usual[name]},
        )

    def _look(self, node: Node) -> dict[str, str]:
        """Return shape and colours of a node."""
        theme = self.theme
        look = dict(SHAPES[node.kind])
        fill, line = theme.kinds[node.kind]
        if node.is_output:
            look["peripheries"] = "2"
            fill, line = theme.output
        if self.highlight == "nan" and node.mark not in ("culprit", "tainted", "failed"):
            fill, line = theme.pale
        if node.heat is not None:
            fill = heat_colour(theme, node.heat)
        if node.frozen:
            look["style"] = "striped" if node.kind == "parameter" else look["style"]
            fill = _stripes(fill, theme.background) if node.kind == "parameter" else fill
        if node.mark:
            fill, line = theme.marks[node.mark]
            look["penwidth"] = "2.5"
            if node.mark == "dead":
                look.update(shape="box", style="striped", penwidth="1.5")
                fill = _stripes(fill, theme.background)
        return {**look, "fillcolor": fill, "color": line}

    # --- edges -----------------------------------------------------------------------------------

    def _write_link(self, graph: Any, number: int, link: Link, twins: int) -> None:
        nodes = self.picture.nodes
        source, target = nodes[link.source], nodes[link.target]
        label = link_label(self.picture, link, self.show, twins, between="\n")
        look = {}
        if link.kind != "data" or source.kind == "parameter":
            look["class"] = link.kind if link.kind != "data" else "data parameter"
            look["weight"] = "1"
        if link.shape:
            look["penwidth"] = f"{1 + 0.3 * math.log10(max(math.prod(link.shape), 1)):.2f}"
        if twins > 1 or link.kind != "data":
            look["id"] = edge_id(self.picture, number, twins)
        if label:
            rows = [f"&#160;&#160;{_markup(row)}&#160;" for row in label.split("\n")]
            look["label"] = f"<{_LEFT.join(rows) + _LEFT * (len(rows) > 1)}>"
        if label or link.shape:
            words = label.replace("\n", ", ") or shape_text(link.shape)
            look["tooltip"] = self._plain(f"{title(source)} → {title(target)}\n{words}")
            look["labeltooltip"] = look["tooltip"]
        if link.kind == "saved":
            look.update(style="dotted", arrowhead="none", color=self.theme.faint, penwidth="1")
        elif link.kind == "gradient":
            look.update(
                style="dashed", color=self.theme.gradient_line,
                fontcolor=self.theme.gradient_line,
                weight=_STRAIGHTER,
            )  # fmt: skip
            if self.rankdir == "TB" and self.rows.apart(source, target):
                look["tailport"] = "ne"  # an arc past the words on the edge that goes up
        elif link.detached:
            look.update(style="dotted", arrowhead="odot")
        elif link.broadcast:
            look.update(style="dashed")
        if self._is_turned(link, source, target):
            look["id"] = edge_id(self.picture, number, twins)
            source, target = target, source
            if link.kind != "saved":
                look["dir"] = "back"
        graph.edge(source.id, target.id, **look)

    def _is_turned(self, link: Link, source: Node, target: Node) -> bool:
        """Return whether an edge is written from its end to its start, and drawn backwards.

        A gradient is written from the leaves on, so that it lies beside its forward edge; what an
        earlier operation saved is in that one's row, above a later user of it.
        """
        if self.rows.together(source, target):
            return self.columns and source.call is not None
        return link.kind == "gradient" or (link.kind == "saved" and target.id in self.rows.place)

    def _write_rows(self, graph: Any) -> None:
        """Write which nodes stand side by side, and which lower than others."""
        for row in self.rows.rows:
            from_below = self.columns and row.call is not None
            order = " -> ".join(reversed(row.ids) if from_below else row.ids)
            graph.body.append(f"\t{{rank=same; edge [style=invis weight=1 minlen=0]; {order}}}\n")
        for node in self.picture.nodes:
            if node.kind == "gradient" and node.id not in self.rows.place:
                graph.body.append(f"\t{{rank=same; n{node.id[1:]}; {node.id}}}\n")
        for upper, lower in self.rows.below:
            graph.edge(upper, lower, style="invis", weight="0")

    # --- around it -------------------------------------------------------------------------------

    def _caption(self) -> str:
        text = totals(self.picture)
        if self.picture.title:
            text = f"{clean(self.picture.title)}: {text}"
        return f"<{_markup(text)}>"

    def _write_legend(self, graph: Any) -> None:
        """Write a sample of each kind that is drawn, and of no other."""
        theme = self.theme
        entries = legend_entries(self.picture, self.highlight)
        samples: list[tuple[str, dict[str, str]]] = []
        for kind, text in entries:
            if kind in SHAPES:
                look = self._look(Node(kind=kind, title=""))
                if self.highlight != "nan":
                    look["fillcolor"], look["color"] = theme.kinds[kind]
            elif kind == "output":
                fill, line = theme.output
                look = dict(SHAPES["operation"], peripheries="2", fillcolor=fill, color=line)
            elif kind == "frozen":
                look = self._look(Node(kind="parameter", title="", frozen=True))
            elif kind in theme.marks:
                look = self._look(Node(kind="operation", title="", mark=kind))
            else:
                look = {"shape": "plaintext", "style": "solid", "color": "none"}
            samples.append((text, look))
        if not samples:
            return
        legend = self.graphviz.Digraph("cluster_legend")
        legend.attr(
            label="<<b>legend</b>>", labelloc="t", style="rounded", color=theme.cluster[1],
            fontcolor=theme.faint, fontsize="10", margin="8", id="legend", tooltip="legend",
        )  # fmt: skip
        for number, (text, look) in enumerate(samples):
            legend.node(
                f"legend{number}", label=f"<{_markup(text)}>", fontsize="9", margin="0.08,0.03",
                height="0.2", tooltip=self._plain(text), **{**look, "class": "legend"},
            )  # fmt: skip
        graph.subgraph(legend)
        # In one row (or column) behind everything else, where no edge passes.
        numbers = reversed(range(len(samples))) if self.columns else range(len(samples))
        row = " -> ".join(f"legend{number}" for number in numbers)
        graph.body.append(f"\t{{rank=same; edge [style=invis weight=1]; {row}}}\n")
        tails = {
            link.target if link.kind == "gradient" else link.source for link in self.picture.links
        }
        for index, node in enumerate(self.picture.nodes):
            if index not in tails:
                graph.edge(node.id, "legend0", style="invis", weight="0")

    def _plain(self, text: str) -> str:
        """Return a text as a DOT string that Graphviz takes as it stands."""
        return self.graphviz.escape(text)  # type: ignore[no-any-return]


def edge_id(picture: Picture, number: int, twins: int) -> str:
    """Return the id that an edge has in the SVG.

    Args:
        picture: the picture with the edge.
        number: which of its links it is.
        twins: how many edges of its kind run between the same two nodes.
    """
    link = picture.links[number]
    if twins > 1 or link.kind != "data":
        return f"e{number}"
    return f"{picture.nodes[link.source].id}_{picture.nodes[link.target].id}"


def legend_entries(picture: Picture, highlight: str | None) -> list[tuple[str, str]]:
    """Return what the legend explains: kind (or finding, or style of edge) and text."""
    nodes = picture.nodes
    present = {node.kind for node in nodes}
    entries = [(kind, text) for kind, text in KIND_TITLES.items() if kind in present]
    if any(node.frozen and node.kind == "parameter" for node in nodes):
        entries.append(("frozen", "frozen parameter"))
    if any(node.is_output and not node.error for node in nodes):
        entries.append(("output", "output"))
    marks = {node.mark for node in nodes}
    entries += [
        (mark, f"{finding.title}: {finding.explanation}")
        for mark, finding in FINDINGS.items()
        if mark in marks
    ]
    if any(node.heat is not None for node in nodes):
        entries.append(("heat", f"the darker, the more {highlight}"))
    if any(link.kind == "gradient" for link in picture.links):
        entries.append(("edge", "dashed: gradient"))
    if any(link.broadcast for link in picture.links):
        entries.append(("edge", "dashed: broadcast"))
    if any(link.detached for link in picture.links):
        entries.append(("edge", "dotted, open dot: detached"))
    return entries


def _classes(node: Node) -> list[str]:
    marks = [
        ("output", node.is_output),
        ("frozen", node.frozen),
        ("heat", node.heat is not None),
        (node.mark, bool(node.mark)),
    ]
    return [node.kind, *[name for name, applies in marks if applies]]


def _stripes(fill: str, other: str) -> str:
    return ":".join([fill, other] * 7)


def _markup(text: str) -> str:
    """Return text escaped for Graphviz's HTML-like labels."""
    return html.escape(text, quote=True).replace("&#x27;", "&#39;")


def _label(first: str, rest: list[str], theme: Theme) -> str:
    rows = [f"<b>{_markup(first)}</b>"]
    rows += [
        f'<font point-size="10" color="{theme.faint}">{_markup(row)}</font>' for row in rest if row
    ]
    return f"<{'<br/>'.join(rows)}>"
