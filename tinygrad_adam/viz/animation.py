"""Backward as something to watch: one page with a slider that walks through the steps."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.viz.assets import ANIMATION_SCRIPT, ANIMATION_STYLE
from tinygrad_adam.viz.building import Builder, gradient_stats
from tinygrad_adam.viz.drawing import check_names, check_options, is_scalar, lay_out
from tinygrad_adam.viz.labels import clean, title
from tinygrad_adam.viz.measure import bytes_text, shape_text, stats_of
from tinygrad_adam.viz.page import edges_of, inline, page
from tinygrad_adam.viz.picture import Node, Picture
from tinygrad_adam.viz.tracing import compute_gradients, trace


class _Film:
    """Collects what the page tells of each step of the walk."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.picture = builder.picture
        self.steps: list[dict[str, Any]] = []
        self._arrived: dict[tuple[int, int], int] = {}
        self._expected: dict[tuple[int, int], int] = {}
        # An array is freed when the last operation that keeps it has been passed.
        self._holders: dict[int, int] = {}
        self._freed = 0
        for link in self.picture.links:
            key = (link.source, link.slot)
            if link.recorded and self.picture.nodes[link.target].recorded:
                self._expected[key] = self._expected.get(key, 0) + 1
        for node in self.picture.nodes:
            for memory in {saved.key for saved in node.saved if not saved.is_parameter}:
                self._holders[memory] = self._holders.get(memory, 0) + 1
        self.kept = self.picture.saved_bytes()

    def add(self, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]) -> None:
        """Add a step of the walk."""
        leaf = self.builder.tensors.get(node)
        index = self.builder.operations.get(node) if leaf is None else leaf[0]
        if index is None or not any(gradient is not None for gradient in grads):
            return
        drawn = self.picture.nodes[index]
        freed = self._free(drawn)
        self._freed += freed
        self.steps.append(
            {
                "index": index,
                "title": self._title(drawn),
                "formula": "\n".join(clean(row, 300) for row in drawn.formula.split("\n")),
                "received": "\n".join(
                    _gradient_text(gradient) for gradient in grads if gradient is not None
                ),
                "sent": self._sent(index, input_grads),
                "stored": ""
                if isinstance(node, Operation)
                else "This is a leaf: the sum is its gradient, and backward() adds it to .grad.",
                "freed": bytes_text(freed) if freed else "",
                "freed_bytes": self._freed,
                "freed_so_far": f"{bytes_text(self._freed)} of {bytes_text(self.kept)} freed",
            }
        )

    def _title(self, node: Node) -> str:
        path = "" if node.call is None else self.picture.calls[node.call].path
        return clean(title(node)) + (f" in {clean(path)}" if path and not node.is_leaf else "")

    def _free(self, node: Node) -> int:
        sizes = {s.key: s.nbytes for s in node.saved if not s.is_parameter}
        for key in sizes:
            self._holders[key] -= 1
        return sum(size for key, size in sizes.items() if not self._holders[key])

    def _sent(self, index: int, input_grads: Sequence[Any]) -> list[dict[str, Any]]:
        sent = []
        links = self.builder.links_into(index)
        for position, gradient in enumerate(input_grads):
            link = links.get(position)
            if gradient is None or link is None or not link.recorded:
                continue
            key = (link.source, link.slot)
            self._arrived[key] = self._arrived.get(key, 0) + 1
            stats = gradient_stats(gradient, link.shape)
            words = "" if stats is None else f", {stats.gradient_text}"
            if tuple(gradient.array.shape) != tuple(link.shape):
                words += f", summed from {shape_text(gradient.array.shape)}"
            sent.append(
                {
                    "source": link.source,
                    "position": position,
                    "to": clean(title(self.picture.nodes[link.source])),
                    "text": shape_text(link.shape) + words,
                    "arrival": self._arrived[key],
                    "of": self._expected.get(key, 1),
                }
            )
        return sent

    def finish(self, picture: Picture) -> list[dict[str, Any]]:
        """Return the steps with the ids that nodes and edges have in the drawing."""
        place = {node.id: i for i, node in enumerate(picture.nodes)}
        edges = {
            (link.source, link.target, link.slot): edge["id"]
            for link, edge in zip(picture.links, edges_of(picture))
            if link.kind == "gradient"
        }
        for step in self.steps:
            index = step.pop("index")
            step["node"], step["gradient"] = f"n{index}", f"g{index}"
            for sent in step["sent"]:
                source, position = sent.pop("source"), sent.pop("position")
                sent["gradient"] = f"g{source}"
                ends = place.get(f"g{index}", -1), place.get(f"g{source}", -1)
                sent["edge"] = edges.get((*ends, position), "")
        return self.steps


def _gradient_text(gradient: Any) -> str:
    stats = stats_of(gradient.array)
    words = "" if stats is None else f", {stats.gradient_text}"
    return shape_text(gradient.array.shape) + words


def animate_backward(
    loss: Any,
    path: str | Path = "backward.html",
    *,
    names: Mapping[str, Any] | None = None,
    rankdir: str | None = None,
) -> Path:
    """Write a page on which the backward walk from ``loss`` can be watched, step by step.

    A slider and a play button (keyboard: arrows, space, Home, End) move through the walk. At each
    step the operation is lit and the gradients that it sends appear, with its formula beside them;
    a gradient that others are still to be added to stays pale; the memory that is freed is counted.
    The page is one file that needs no network, and adapts to light and dark and to small screens.

    The walk is made for the page: no gradient is stored, nothing is freed, no hook is called.

    Args:
        loss: a tensor of one element, or of more (then the gradient of its sum).
        path: where to write the page.
        names: names of tensors, also of results: ``locals()``.
        rankdir: as for :func:`draw`.

    Returns:
        The path that was written.

    Raises:
        TypeError: ``loss`` is no tensor.
        ValueError: ``rankdir`` is none of the four.
        RuntimeError: ``loss`` has no history, or its graph was freed by an earlier backward.
        DotNotFoundError: Graphviz's ``dot`` program is not installed.
        ImportError: the ``graphviz`` package is not installed.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"animate_backward() takes a Tensor, not {type(loss).__name__}")
    check_options(rankdir)
    check_names(names)
    if loss.grad_fn is None:
        raise RuntimeError(
            "element 0 of tensors does not require grad and does not have a grad_fn\n"
            "  There is no walk to watch: the tensor was made without recording, or is a leaf"
        )
    builder = trace([("", loss)], names)
    film = _Film(builder)
    compute_gradients(builder, [loss], film.add)
    # The gradients are to be seen arriving, not beforehand.
    show = {"value"} if is_scalar(builder.picture) else {"shape", "dtype"}
    graph = lay_out(builder.finish(), backward=True, rankdir=rankdir, fold=False, show=show)
    picture = graph.picture
    data = {
        "steps": film.finish(picture),
        "start": [film.steps[0]["gradient"]] if film.steps else [],
        "kept": f"{bytes_text(film.kept)} kept for backward",
    }
    path = Path(path)
    body = f"""<header><h1>{html.escape(path.stem)}: the way back of the gradients</h1>
<div id="controls"><button id="back" title="one step back (left arrow)">◀</button>
<button id="play" title="play or pause (space)">▶</button>
<button id="next" title="one step on (right arrow)">▶|</button>
<input id="slider" type="range" min="0" max="1" value="0" aria-label="step">
<span id="position"></span>
<label><input type="checkbox" id="fit" checked> fit to width</label></div></header>
<main><div id="drawing" class="fit">{inline(graph.svg())}</div>
<aside id="panel"><h2 id="title"></h2><dl id="facts"></dl>
<meter id="freed" min="0" max="{max(film.kept, 1)}"></meter><div id="freedtext"></div></aside>
</main>"""
    text = page(path.stem, body, data, ANIMATION_SCRIPT, "light", ANIMATION_STYLE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
