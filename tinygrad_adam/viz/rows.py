"""Which nodes stand beside an operation, in one row with it.

Graphviz puts what an operation takes above it, and leads an edge that comes from outside a cluster
around everything of the cluster that is above the edge's end. With the parameters beside the
operation instead of above, the way forward and the way back run straight through a network::

    name of the module · parameters → operation · saved → gradient → gradients of the parameters

A module's name is a node of its row too, and no label of the cluster: dot leads edges around
nodes, but through the labels of clusters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tinygrad_adam.viz.picture import Node, Picture

_MOST = 3
"""More parameters than that, or more saved tensors, would make a row too wide."""


@dataclass(frozen=True)
class Row:
    """Nodes side by side."""

    ids: list[str]
    """From left to right."""
    call: int | None
    """The call of a module that they belong to."""


@dataclass
class Rows:
    """How a picture is laid out beyond what its links say."""

    rows: list[Row] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    """The id of the node that has the name of a call, for those that have one."""
    below: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of nodes without a link of which the second shall stand lower."""
    place: dict[str, int] = field(default_factory=dict)
    """The number of the row of a node."""

    def together(self, first: Node, second: Node) -> bool:
        """Return whether two nodes stand in the same row."""
        return self.place.get(first.id, -1) == self.place.get(second.id, -2)

    def apart(self, first: Node, second: Node) -> bool:
        """Return whether others stand between two nodes of the same row."""
        if not self.together(first, second):
            return False
        ids = self.rows[self.place[first.id]].ids
        return abs(ids.index(first.id) - ids.index(second.id)) > 1


def rows_of(picture: Picture) -> Rows:
    """Return the rows of a picture whose nodes have their ids."""
    result = Rows()
    nodes = picture.nodes
    sources: dict[int, list[int]] = {}
    uses: Counter[int] = Counter()
    saved: dict[int, list[str]] = {}
    seen: set[int] = set()
    for link in picture.links:
        if link.kind == "data" and link.source not in sources.setdefault(link.target, []):
            sources[link.target].append(link.source)
            uses[link.source] += 1
        elif link.kind == "saved" and link.target not in seen:
            seen.add(link.target)
            saved.setdefault(link.source, []).append(nodes[link.target].id)
    gradients = {node.id for node in nodes if node.kind == "gradient"}
    names = _names(picture)
    for index, node in enumerate(nodes):
        if node.kind not in ("operation", "module"):
            continue
        taken = sources.get(index, [])
        own = [i for i in taken if nodes[i].is_leaf and uses[i] == 1]
        others = [nodes[i] for i in taken if not nodes[i].is_leaf]
        beside = [nodes[i].id for i in own if nodes[i].kind == "parameter"]
        if len(beside) > _MOST or len(beside) == len(taken):
            beside = []
        kept = saved.get(index, [])
        row = [*reversed(beside), node.id]
        if index in names:
            result.labels[names[index]] = f"name{names[index]}"
            row.insert(0, f"name{names[index]}")
        row += kept if len(kept) <= _MOST else []
        row += [i for i in (_gradient(id) for id in (node.id, *beside)) if i in gradients]
        if len(row) > 1:
            result.place.update(dict.fromkeys(row, len(result.rows)))
            result.rows.append(Row(row, node.call))
        if node.call is not None:
            # An input of this operation alone, such as the targets of a loss, stands right above
            # it and not at the top, from where its edge would go past everything.
            late = [nodes[i].id for i in own if nodes[i].kind != "parameter"]
            result.below += [(other.id, leaf) for other in others for leaf in late]
    return result


def _gradient(id: str) -> str:
    return f"g{id[1:]}"


def _names(picture: Picture) -> dict[int, int]:
    """Return the calls to be named beside their first operation, by the index of that.

    They are those without modules in them: the others are high, and named at their top.
    """
    innermost = {node.call for node in picture.nodes}
    with_modules: set[int | None] = {
        outer for call in innermost for outer in picture.enclosing(call)[:-1]
    }
    with_modules |= {node.call for node in picture.nodes if node.kind == "module"}
    first: dict[int, int] = {}
    for index, node in enumerate(picture.nodes):
        if node.kind == "operation" and node.call is not None and node.call not in with_modules:
            first.setdefault(node.call, index)
    return {index: call for call, index in first.items()}
