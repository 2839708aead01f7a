"""Draws less: modules below a depth as one node, equal neighbours folded, large graphs cut."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Collection

from tinygrad_adam.viz.health import worst
from tinygrad_adam.viz.measure import plural
from tinygrad_adam.viz.picture import Link, Node, Picture

Unit = tuple[str, int]
"""What a node becomes a part of: itself ("node", index), or a closed ("call", index)."""


def simplify(
    picture: Picture,
    depth: int | None = None,
    collapse: Collection[str] = (),
    fold: bool = True,
    repeat: int = 3,
    max_nodes: int | None = None,
) -> Picture:
    """Return the picture with modules closed, runs of equal ones folded, and not too many nodes.

    Args:
        picture: what to draw.
        depth: how many levels of modules to open; the model itself is level 0. None opens all.
        collapse: paths (``features.0``) or class names of further modules to close.
        fold: draw ``repeat`` or more equal modules in a row as one.
        repeat: see ``fold``.
        max_nodes: close deeper modules until there are at most so many nodes; if that is not
            enough, keep those nearest to the outputs.
    """
    levels = max((picture.level(i) for i in range(len(picture.calls))), default=-1) + 1
    runs = _runs(picture, repeat) if fold else {}
    depth = levels if depth is None else min(depth, levels)
    result = _merge(picture, _units(picture, depth, collapse, runs), runs)
    while max_nodes is not None and len(result.nodes) > max_nodes and depth > 1:
        depth -= 1
        result = _merge(picture, _units(picture, depth, collapse, runs), runs)
    if max_nodes is not None and len(result.nodes) > max_nodes:
        result = _cut(result, max(max_nodes, 2))
    return result


def _units(
    picture: Picture, depth: int, collapse: Collection[str], runs: dict[int, int]
) -> list[Unit]:
    """Return for each node what it becomes a part of."""
    closed: dict[int | None, int | None] = {None: None}
    for index, call in enumerate(picture.calls):  # parents come before their children
        around = closed[call.parent]
        if around is not None:
            closed[index] = around
        elif index in runs:
            closed[index] = runs[index]
        elif picture.level(index) >= depth or call.path in collapse or call.title in collapse:
            closed[index] = index
        else:
            closed[index] = None
    units: list[Unit] = [
        ("node", index) if closed[node.call] is None else ("call", closed[node.call] or 0)
        for index, node in enumerate(picture.nodes)
    ]
    # A leaf stays visible, unless it is a parameter or constant of one closed module only.
    users: dict[int, set[Unit]] = {}
    for link in picture.links:
        users.setdefault(link.source, set()).add(units[link.target])
    for index, node in enumerate(picture.nodes):
        if node.is_leaf:
            using = users.get(index, set())
            only = next(iter(using)) if len(using) == 1 else ("node", index)
            hidden = node.kind == "parameter" or (node.kind == "constant" and not node.is_output)
            units[index] = only if hidden and only[0] == "call" else ("node", index)
    return units


def _merge(picture: Picture, units: list[Unit], runs: dict[int, int]) -> Picture:
    """Return the picture with the nodes of each unit as one, in topological order."""
    if all(unit[0] == "node" for unit in units):
        return picture
    members: dict[Unit, list[int]] = {}
    for index, unit in enumerate(units):
        members.setdefault(unit, []).append(index)
    order = _topological(picture, units, members)
    place = {unit: i for i, unit in enumerate(order)}
    leaving: dict[Unit, dict[tuple[int, int], int]] = {}
    links: dict[tuple[int, int, int, int, int], Link] = {}
    for link in picture.links:
        source, target = units[link.source], units[link.target]
        if source != target:
            results = leaving.setdefault(source, {})
            slot = results.setdefault((link.source, link.slot), len(results))
            moved = dataclasses.replace(
                link, source=place[source], target=place[target],
                slot=slot if source[0] == "call" else link.slot,
            )  # fmt: skip
            # Into a closed module a tensor goes once, however often it is used in there.
            once = link.target if target[0] == "node" else -1
            key = (moved.source, moved.target, moved.slot, once, link.position if once >= 0 else 0)
            if key not in links:
                links[key] = moved
            elif links[key].gradient is not None or link.gradient is not None:
                links[key] = dataclasses.replace(links[key], gradient=None, note="summed inside")
    result = dataclasses.replace(picture, nodes=[], links=list(links.values()))
    for unit in order:
        if unit[0] == "node":
            result.nodes.append(picture.nodes[unit[1]])
        else:
            result.nodes.append(
                _module(picture, unit[1], members[unit], leaving.get(unit, {}), runs)
            )
    return result


def _topological(picture: Picture, units: list[Unit], members: dict[Unit, list[int]]) -> list[Unit]:
    """Return the units, sources before targets, otherwise in the order of their first nodes."""
    targets: dict[Unit, set[Unit]] = {}
    waiting = dict.fromkeys(members, 0)
    for link in picture.links:
        source, target = units[link.source], units[link.target]
        if source != target and target not in targets.setdefault(source, set()):
            targets[source].add(target)
            waiting[target] += 1
    ready = [(nodes[0], unit) for unit, nodes in members.items() if not waiting[unit]]
    heapq.heapify(ready)
    order = []
    while ready:
        _, unit = heapq.heappop(ready)
        order.append(unit)
        for target in targets.get(unit, ()):
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(ready, (members[target][0], target))
    if len(order) < len(members):  # a module that was re-entered, by hand: a circle of modules
        done = set(order)
        order += [unit for unit in members if unit not in done]
    return order


def _module(
    picture: Picture,
    index: int,
    members: list[int],
    leaving: dict[tuple[int, int], int],
    runs: dict[int, int],
) -> Node:
    """Return the node that stands for a closed call (or a run of them) with these members."""
    call = picture.calls[index]
    times = max(sum(first == index for first in runs.values()), 1)
    nodes = [picture.nodes[i] for i in members]
    operations = [node for node in nodes if not node.is_leaf]
    calls = [index] if times == 1 else [i for i, first in runs.items() if first == index]
    parameters: dict[int, int] = {}
    for i in calls:
        parameters.update(picture.calls[i].parameters)
    results = [picture.nodes[i] for i, _ in leaving] or operations[-1:]
    outputs = [picture.nodes[i].outputs[slot] for i, slot in leaving] or [
        output for node in operations[-1:] for output in node.outputs
    ]
    arguments = call.label.partition("(")[2].removesuffix(")")
    module = Node(
        kind="module",
        title=call.title,
        name=call.path,
        outputs=outputs,
        inputs=operations[0].inputs if operations else [],
        device=results[0].device if results else "cpu",
        call=call.parent,
        options={"": arguments} if arguments else {},
        parameters=sum(parameters.values()),
        frozen=any(n.frozen for n in nodes) and all(n.frozen for n in nodes if n.is_leaf),
        multiply_adds=sum(node.multiply_adds for node in operations),
        seconds=_sum([node.seconds for node in operations]),
        backward_seconds=_sum([node.backward_seconds for node in operations]),
        saved=[saved for node in operations for saved in node.saved],
        freed=any(node.freed for node in operations),
        value=results[0].value if results else None,
        gradient=results[0].gradient if results else None,
        gradient_note=results[0].gradient_note if results else "",
        recorded=any(node.recorded for node in operations),
        is_output=any(node.is_output for node in nodes),
        repeat=times,
        members=len(operations),
        error=next((node.error for node in operations if node.error), ""),
        mark=worst([node.mark for node in operations]),
        source=operations[0].source if operations else "",
    )
    module.parameter_gradients = {
        (node.name.removeprefix(call.path + ".") or "parameter"): node.gradient
        for node in nodes
        if node.kind == "parameter" and node.recorded
    }
    if call.times > 1:
        module.remark = f"call {call.times} of the same module"
    return module


def _sum(seconds: list[float | None]) -> float | None:
    known = [value for value in seconds if value is not None]
    return sum(known) if known else None


def _runs(picture: Picture, repeat: int) -> dict[int, int]:
    """Return, for each call in a run of equal neighbours, the first call of its run."""
    subtree: dict[int, list[int]] = {i: [] for i in range(len(picture.calls))}
    for index, node in enumerate(picture.nodes):
        if not node.is_leaf:
            for call in picture.enclosing(node.call):
                subtree[call].append(index)
    signatures = {i: _signature(picture, i, nodes) for i, nodes in subtree.items()}
    children: dict[int | None, list[int]] = {}
    for index, nodes in subtree.items():
        if nodes:
            children.setdefault(picture.calls[index].parent, []).append(index)
    targets: dict[int, list[int]] = {}
    for link in picture.links:
        targets.setdefault(link.source, []).append(link.target)
    runs: dict[int, int] = {}
    for siblings in children.values():
        siblings.sort(key=lambda i: subtree[i][0])
        start = 0
        for end in range(1, len(siblings) + 1):
            if end < len(siblings):
                before, after = siblings[end - 1], siblings[end]
                inside = {*subtree[before], *subtree[after]}
                leads_on = all(t in inside for n in subtree[before] for t in targets.get(n, ()))
                if signatures[before] == signatures[after] and leads_on:
                    continue
            if end - start >= repeat:
                runs.update(dict.fromkeys(siblings[start:end], siblings[start]))
            start = end
    return runs


def _signature(picture: Picture, call: int, nodes: list[int]) -> tuple[object, ...]:
    """Return what two calls must have in common to count as equal."""
    module = picture.calls[call]
    inside = tuple(
        (picture.nodes[i].title, tuple(picture.nodes[i].outputs), tuple(picture.nodes[i].options))
        for i in nodes
    )
    return module.title, module.label.partition("(")[2], len(module.parameters), inside


def _cut(picture: Picture, max_nodes: int) -> Picture:
    """Return the last nodes of the picture, and one that says how many came before them."""
    dropped = len(picture.nodes) - (max_nodes - 1)
    hidden = picture.nodes[:dropped]
    ellipsis = Node(
        kind="module",
        title=f"… {plural(dropped, 'more node')}",
        outputs=[],
        parameters=sum(node.parameters for node in hidden),
        multiply_adds=sum(node.multiply_adds for node in hidden),
        saved=[saved for node in hidden for saved in node.saved],
        members=sum(node.operations for node in hidden),
        mark=worst([node.mark for node in hidden]),
    )
    links: dict[tuple[int, int, int, int], Link] = {}
    for link in picture.links:
        source, target = max(link.source - dropped + 1, 0), max(link.target - dropped + 1, 0)
        if target:
            key = (source, target, link.slot if source else link.source, link.position)
            links.setdefault(key, dataclasses.replace(link, source=source, target=target))
    return dataclasses.replace(
        picture, nodes=[ellipsis, *picture.nodes[dropped:]], links=list(links.values())
    )
