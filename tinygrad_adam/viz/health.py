"""What a picture finds out about the health of a computation."""

from __future__ import annotations

import math
from typing import NamedTuple

from tinygrad_adam.viz.measure import Stats, number
from tinygrad_adam.viz.picture import Node, Picture

VANISHING = 1e-6
EXPLODING = 1e3
DEAD = 0.95
_ENOUGH = 20


class Finding(NamedTuple):
    """A kind of finding, as the legend explains it."""

    title: str
    explanation: str


FINDINGS = {
    "failed": Finding("failed", "the operation that raised"),
    "culprit": Finding("first NaN or Inf", "made from finite inputs"),
    "tainted": Finding("NaN or Inf", "passed on, or held by a leaf"),
    "exploding": Finding("exploding gradient", f"norm > {number(EXPLODING)}"),
    "vanishing": Finding("vanishing gradient", f"0 < norm < {number(VANISHING)}"),
    "dead": Finding("dead ReLU", f"over {100 * DEAD:.0f} % zeros"),
}
# If several findings fall on a node that stands for many, the first of these counts.
_ORDER = list(FINDINGS)


def worst(marks: list[str]) -> str:
    """Return the gravest of some marks, "" if there is none."""
    return min((mark for mark in marks if mark), key=_ORDER.index, default="")


def examine(picture: Picture) -> None:
    """Set ``mark`` on every node with a finding in its forward values."""
    made_of: dict[int, list[Node]] = {}
    for link in picture.links:
        made_of.setdefault(link.target, []).append(picture.nodes[link.source])
    for index, node in enumerate(picture.nodes):
        sources = [source for source in made_of.get(index, []) if not source.is_leaf]
        if node.error:
            node.mark = "failed"
        elif node.value is not None and not node.value.finite:
            # A leaf may hold the NaN already: the first operation that takes it in is the place.
            is_known = all(source.value is not None for source in sources)
            is_first = is_known and all(source.value.finite for source in sources if source.value)
            node.mark = "culprit" if is_first and not node.is_leaf else "tainted"
        elif _is_dead(node):
            node.mark = "dead"
        else:
            node.mark = ""


def _is_dead(node: Node) -> bool:
    """Return whether nearly all results of a ReLU are 0; among a few, that may be chance."""
    if node.title != "Relu" or node.value is None:
        return False
    return math.prod(node.outputs[0][0]) >= _ENOUGH and node.value.zeros > DEAD


def gradient_mark(node: Node, sent: list[Stats | None]) -> str:
    """Return the finding about the gradient of a node.

    Args:
        node: whose gradient it is.
        sent: the gradients that its backward made of it for its inputs.
    """
    gradient = node.gradient
    if gradient is None:
        return ""
    if not gradient.finite:
        return "tainted"
    if any(stats is not None and not stats.finite for stats in sent):
        return "culprit"
    return size_mark(gradient)


def size_mark(gradient: Stats) -> str:
    """Return whether a finite gradient is very large or very small; one of exactly 0 is neither."""
    if gradient.norm > EXPLODING:
        return "exploding"
    return "vanishing" if 0 < gradient.norm < VANISHING else ""
