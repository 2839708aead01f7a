"""What is drawn over the computation itself: the saved tensors, and the way back of the gradients.

Both layers are nodes and links like all others, so that every output shows them alike.
"""

from __future__ import annotations

from tinygrad_adam.viz.health import gradient_mark
from tinygrad_adam.viz.measure import Stats, bytes_text, plural
from tinygrad_adam.viz.picture import Link, Node, Picture, Saved


def number_nodes(picture: Picture) -> None:
    """Give the nodes of the computation their ids, in topological order."""
    for index, node in enumerate(picture.nodes):
        node.id = f"n{index}"


def add_saved(picture: Picture) -> None:
    """Add a node for each array that is kept for backward; one for all that a module keeps."""
    nodes: dict[int | str, int] = {}
    for index in range(len(picture.nodes)):
        node = picture.nodes[index]
        kept = {saved.key: saved for saved in node.saved if not saved.is_parameter}
        if node.kind == "module":
            if kept:
                _add_saved(picture, nodes, f"module {index}", index, list(kept.values()))
        else:
            for saved in kept.values():
                _add_saved(picture, nodes, saved.key, index, [saved])


def _add_saved(
    picture: Picture, nodes: dict[int | str, int], key: int | str, index: int, kept: list[Saved]
) -> None:
    if key not in nodes:
        nodes[key] = len(picture.nodes)
        what = kept[0].text if len(kept) == 1 else plural(len(kept), "tensor")
        picture.nodes.append(
            Node(
                kind="saved",
                title="saved",
                remark=f"{what}, {bytes_text(sum(saved.nbytes for saved in kept))}",
                call=picture.nodes[index].call,
                id=f"s{len(nodes) - 1}",
            )
        )
    picture.links.append(Link(index, nodes[key], kind="saved"))


def add_gradients(picture: Picture) -> None:
    """Add the backward layer: a node for each gradient and the links by which they travel."""
    forward = [link for link in picture.links if link.kind == "data"]
    count = len(picture.nodes)
    place: dict[int, int] = {}
    arriving: dict[int, list[Link]] = {}
    sent: dict[int, list[Stats | None]] = {}
    for link in forward:
        if _returns(picture, link):
            arriving.setdefault(link.source, []).append(link)
            sent.setdefault(link.target, []).append(link.gradient)
    for index in reversed(range(count)):
        node = picture.nodes[index]
        if node.id.startswith("n") and node.recorded and not node.error:
            place[index] = len(picture.nodes)
            picture.nodes.append(_gradient(node, arriving.get(index, []), sent.get(index, [])))
    for link in forward:
        if link.detached:
            link.note = "detached: no gradient"
        elif _returns(picture, link):
            picture.links.append(
                Link(
                    place[link.target], place[link.source], link.slot, link.position, link.shape,
                    "gradient", gradient=link.gradient, note=link.note,
                )
            )  # fmt: skip


def _returns(picture: Picture, link: Link) -> bool:
    """Return whether a gradient comes back on a link."""
    source, target = picture.nodes[link.source], picture.nodes[link.target]
    return link.recorded and source.recorded and target.recorded and not target.error


def _gradient(node: Node, arriving: list[Link], sent: list[Stats | None]) -> Node:
    """Return the node for the gradient of ``node``."""
    gradient = Node(
        kind="gradient",
        title=_gradient_title(node),
        outputs=node.outputs[:1],
        call=node.call,
        formula=node.formula,
        gradient=node.gradient,
        gradient_note=node.gradient_note,
        parameter_gradients=node.parameter_gradients,
        backward_seconds=node.backward_seconds,
        members=int(len(arriving) == 1 and not node.is_leaf),
        mark=gradient_mark(node, [*sent, *node.parameter_gradients.values()]),
        id=f"g{node.id[1:]}",
    )
    if len(arriving) > 1:
        gradient.remark = f"sum of {len(arriving)}"
    return gradient


def _gradient_title(node: Node) -> str:
    if node.is_leaf:
        return f"{node.name or 'leaf'}.grad"
    if node.kind == "module":
        return f"∇ {node.name or node.title}"
    return f"{node.title}Backward"
