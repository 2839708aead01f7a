"""A picture as plain text and as Mermaid, which need no Graphviz."""

from __future__ import annotations

from collections.abc import Collection

from tinygrad_adam.viz.health import FINDINGS
from tinygrad_adam.viz.labels import clean, lines, link_label, title, totals
from tinygrad_adam.viz.picture import Node, Picture
from tinygrad_adam.viz.themes import Theme

_MERMAID_SHAPES = {
    "input": ("([", "])"),
    "parameter": ("[", "]"),
    "constant": ("{{", "}}"),
    "operation": ("(", ")"),
    "module": ("[[", "]]"),
    "saved": ("[(", ")]"),
    "gradient": (">", "]"),
}


def to_text(picture: Picture, show: Collection[str]) -> str:
    """Return one line for each node: id, kind, title, what it is made of, and its facts."""
    sources: dict[int, list[str]] = {}
    for link in picture.links:
        arrow = {"data": "←", "saved": "kept by", "gradient": "←"}[link.kind]
        from_id = picture.nodes[link.source].id
        where = sources.setdefault(link.target, [arrow])
        where.append(from_id)
    rows = []
    for index, node in enumerate(picture.nodes):
        path = " / ".join(
            picture.calls[i].path or picture.calls[i].title
            for i in picture.enclosing(node.call)[-1:]
        )
        arrow, *ids = sources.get(index, [""])
        facts = [*lines(node, show), *_remarks(node)]
        rows.append(
            (
                node.id,
                node.kind,
                title(node),
                clean(path),
                f"{arrow} {', '.join(ids)}".strip(),
                " | ".join(facts),
            )
        )
    head = ("id", "kind", "what", "in module", "from", "facts")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head) - 1)]
    table = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join([*table, totals(picture)]) + "\n"


def _remarks(node: Node) -> list[str]:
    found = ["output"] if node.is_output and not node.error else []
    return found + ([FINDINGS[node.mark].title.upper()] if node.mark else [])


def to_mermaid(picture: Picture, show: Collection[str], rankdir: str, theme: Theme) -> str:
    """Return a flowchart in Mermaid, as GitHub and many editors render it."""
    rows = [f"flowchart {rankdir}"]
    inside: dict[int | None, list[Node]] = {}
    for node in picture.nodes:
        inside.setdefault(node.call, []).append(node)
    used = {call for node in picture.nodes for call in picture.enclosing(node.call)}
    opened: list[int] = []
    for index in [None, *sorted(used)]:
        parent = None if index is None else picture.calls[index].parent
        while opened and opened[-1] != parent:
            opened.pop()
            rows.append(f"{'  ' * (len(opened) + 1)}end")
        if index is not None:
            label = _quote(clean(picture.calls[index].label, 60))
            rows.append(f'{"  " * (len(opened) + 1)}subgraph c{index}["{label}"]')
            opened.append(index)
        for node in inside.get(index, []):
            before, after = _MERMAID_SHAPES[node.kind]
            label = "<br/>".join(_quote(row) for row in [title(node), *lines(node, show)])
            style = node.mark or ("output" if node.is_output else node.kind)
            rows.append(f'{"  " * (len(opened) + 1)}{node.id}{before}"{label}"{after}:::{style}')
    while opened:
        opened.pop()
        rows.append(f"{'  ' * (len(opened) + 1)}end")
    for link in picture.links:
        arrow = {"data": "-->", "saved": "-.-", "gradient": "-.->"}[link.kind]
        label = _quote(link_label(picture, link, show))
        text = f'|"{label}"|' if label else ""
        rows.append(
            f"  {picture.nodes[link.source].id} {arrow}{text} {picture.nodes[link.target].id}"
        )
    styles = {**theme.kinds, "output": theme.output, **theme.marks}
    classes = sorted(
        {node.mark or ("output" if node.is_output else node.kind) for node in picture.nodes}
    )
    for name in classes:
        fill, line = styles[name]
        rows.append(f"  classDef {name} fill:{fill},stroke:{line},color:{theme.ink}")
    return "\n".join(rows) + "\n"


_ENTITIES = str.maketrans(
    {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;"}
)


def _quote(text: str) -> str:
    """Return text with the characters that mean something to Mermaid as entities."""
    return text.translate(_ENTITIES)
