"""The words on a node, an edge and in a tooltip, for all outputs alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from tinygrad_adam.viz.measure import (
    Stats,
    bytes_text,
    count_text,
    number,
    plural,
    seconds_text,
    shape_text,
)
from tinygrad_adam.viz.picture import Call, Link, Node, Picture

SHOWABLE = ("shape", "dtype", "params", "flops", "time", "memory", "value", "grad", "saved")
_WIDEST = 44
_NUMBERS = re.compile(r"\((?:\w+=)?(\d+)(?![\w.])(?:, (?:\w+=)?(\d+)(?![\w.]))?")


def clean(text: str, widest: int = 200) -> str:
    """Return a text without what could break out of its line or turn its direction round.

    Control characters, line ends, and invisible marks such as those for right-to-left text become
    visible escapes. Markup is not touched: each output escapes for itself.
    """
    if not text.isprintable():
        text = "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else _escape(c)
                       for c in text)  # fmt: skip
    return text if len(text) <= widest else text[: widest - 1] + "…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def title(node: Node) -> str:
    """Return the first line of a node's label."""
    if node.is_leaf:
        text = node.name or node.kind
    elif node.kind == "module":
        text = f"{node.name}: {node.title}" if node.name else node.title
        text += f" ×{node.repeat}" if node.repeat > 1 else ""
    elif node.kind == "operation" and node.name:
        text = f"{node.name} = {node.title}"
    else:
        text = node.title
    return clean(text, _WIDEST)


def module_name(call: Call) -> str:
    """Return a module's label with its first numbers only: ``conv1: Conv2d(1, 32)``."""
    name = f"{call.path}: {call.title}" if call.path else call.title
    numbers = _NUMBERS.match(call.label.removeprefix(name))
    again = f" (call {call.times})" if call.times > 1 else ""
    return (
        clean(name, 60)
        + (f"({', '.join(filter(None, numbers.groups()))})" if numbers else "")
        + again
    )


def lines(node: Node, show: Collection[str]) -> list[str]:
    """Return the lines of a node's label under its title, at most about three.

    Args:
        node: what to describe.
        show: what it shall tell, of ``SHOWABLE``.
    """
    if node.error:
        return _wrapped(node.error)
    if node.kind == "saved":
        return [clean(node.remark)]
    if node.kind == "gradient":
        return _gradient_lines(node, show)
    found = []
    options = ", ".join(f"{k}={v}" if k else v for k, v in node.options.items())
    if options:
        found.append(clean(options, _WIDEST))
    shapes = ", ".join(
        " ".join([shape_text(shape)] * ("shape" in show) + [dtype] * ("dtype" in show))
        for shape, dtype in node.outputs
    )
    if shapes:
        found.append(clean(shapes, 60))
    facts = _facts(node, show)
    if node.remark:
        facts.append(clean(node.remark, _WIDEST))
    return found + _joined(facts)


def _facts(node: Node, show: Collection[str]) -> list[str]:
    facts = []
    if "value" in show and node.value is not None:
        facts.append(f"value {node.value.value_text}")
    if "grad" in show:
        if node.gradient is not None:
            facts.append(f"grad {node.gradient.gradient_text}")
        elif node.gradient_note:
            facts.append(node.gradient_note)
    if "params" in show and node.parameters and (node.kind == "module" or node.parameters > 1):
        facts.append(plural(node.parameters, "parameter"))
    if node.frozen:
        facts.append("frozen")
    if node.shared:
        facts.append(f"shared ×{node.shared}")
    if "flops" in show and node.multiply_adds:
        facts.append(plural(node.multiply_adds, "multiply-add"))
    if "time" in show and node.seconds is not None:
        back = f" + {seconds_text(node.backward_seconds)} back" if node.backward_seconds else ""
        facts.append(seconds_text(node.seconds) + back)
    if "memory" in show and saved_bytes(node):
        facts.append(f"keeps {bytes_text(saved_bytes(node))}")
    return facts


def _gradient_lines(node: Node, show: Collection[str]) -> list[str]:
    facts = []
    if not node.members:  # what its only edge does not say
        if "shape" in show and node.outputs:
            facts.append(shape_text(node.outputs[0][0]))
        facts.append(node.gradient.gradient_text if node.gradient else node.gradient_note)
    known = {k: stats for k, stats in node.parameter_gradients.items() if stats is not None}
    if len(known) > 4:
        norms = [stats.norm for stats in known.values()]
        facts.append(f"{len(known)} parameters: norms {number(min(norms))} to {number(max(norms))}")
    else:
        facts += [f"{clean(name, 24)}: {stats.gradient_text}" for name, stats in known.items()]
    return _joined([fact for fact in [*facts, node.remark] if fact])


def _joined(facts: list[str]) -> list[str]:
    """Put short facts into one line, as far as they fit."""
    rows: list[str] = []
    for fact in facts:
        if rows and len(rows[-1]) + len(fact) <= _WIDEST:
            rows[-1] += f" · {fact}"
        else:
            rows.append(fact)
    return rows


def _wrapped(text: str) -> list[str]:
    """Break a message into lines at its spaces."""
    rows = [""]
    for word in clean(text, 4 * _WIDEST).split(" "):
        if rows[-1] and len(rows[-1]) + len(word) >= _WIDEST:
            rows.append("")
        rows[-1] += (" " if rows[-1] else "") + word
    return rows


def saved_bytes(node: Node) -> int:
    """Return the bytes that a node keeps for backward, parameters not counted."""
    return sum({s.key: s.nbytes for s in node.saved if not s.is_parameter}.values())


def tooltip(node: Node) -> str:
    """Return everything that the label leaves out, in several lines."""
    rows = [clean(title(node))]
    for name, value in (
        ("name", node.name if node.kind != "operation" else ""),
        ("inputs", ", ".join(node.inputs)),
        ("result", ", ".join(f"{shape_text(shape)} {dtype}" for shape, dtype in node.outputs)),
        ("options", ", ".join(f"{k}={v}" if k else v for k, v in node.options.items())),
        ("error", node.error),
        ("called at", node.source),
        ("device", node.device if node.kind not in ("saved", "gradient") else ""),
        ("value", _statistics(node.value)),
        ("gradient", _statistics(node.gradient) or node.gradient_note),
        ("parameters", count_text(node.parameters) if node.parameters else ""),
        ("multiply-adds", count_text(node.multiply_adds) if node.multiply_adds else ""),
        ("kept for backward", _kept(node)),
        ("note", node.remark),
    ):
        if value:
            rows.append(f"{name}: {clean(value, 300)}")
    for name, gradient in node.parameter_gradients.items():
        rows.append(f"{clean(name)}.grad: {_statistics(gradient) or node.gradient_note}")
    return "\n".join(rows + [clean(row, 300) for row in node.formula.split("\n") if row])


def _kept(node: Node) -> str:
    if node.freed:
        return "freed by backward"
    parts = [f"{s.text} {bytes_text(s.nbytes)}" for s in node.saved if not s.is_parameter]
    return ", ".join(parts)


def _statistics(stats: Stats | None) -> str:
    if stats is None:
        return ""
    trouble = " with NaN" if stats.nan else " with Inf" if stats.inf else ""
    if stats.values:
        return stats.value_text + trouble
    return (
        f"min {number(stats.minimum)}, mean {number(stats.mean)}, max {number(stats.maximum)}, "
        f"std {number(stats.deviation)}, {100 * stats.zeros:.0f} % zeros, norm "
        f"{number(stats.norm)}{trouble}"
    )


def link_label(
    picture: Picture, link: Link, show: Collection[str], twins: int = 1, between: str = ", "
) -> str:
    """Return the words on an edge.

    Args:
        picture: the picture of the link.
        link: what to describe.
        show: what labels tell.
        twins: how many edges run between the same two nodes.
        between: what separates the shape from the rest.
    """
    parts = []
    if link.kind == "saved":
        return ""
    if link.kind == "gradient":
        if picture.nodes[link.target].members:  # else the node itself says it
            parts += [shape_text(link.shape)] * ("shape" in show)
            parts += [] if link.gradient is None else [link.gradient.gradient_text]
    elif link.broadcast:
        parts.append(link.broadcast)
    elif "shape" in show and picture.nodes[link.source].kind not in ("parameter", "constant"):
        parts.append(shape_text(link.shape))
    if twins > 1 and link.kind == "data":
        parts.append(f"input {link.position + 1}")
    if link.note:
        parts.append(link.note)
    return between.join(parts)


def totals(picture: Picture) -> str:
    """Return the line under a drawing: how much there is of what."""
    forward = [node for node in picture.nodes if node.kind not in ("saved", "gradient")]
    parts = [plural(len(forward), "node"), plural(sum(n.operations for n in forward), "operation")]
    if picture.parameters:
        parts.append(plural(sum(picture.parameters.values()), "parameter"))
    if picture.multiply_adds():
        parts.append(plural(picture.multiply_adds(), "multiply-add"))
    if picture.saved_bytes():
        parts.append(f"{bytes_text(picture.saved_bytes())} kept for backward")
    elif any(node.freed for node in forward):
        parts.append("saved tensors freed by backward")
    return " · ".join(parts)
