"""The drawing that ``viz.draw`` returns, with all its outputs."""

from __future__ import annotations

import dataclasses
import functools
import html
import json
import math
import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tinygrad_adam.viz.dot import dot_source
from tinygrad_adam.viz.extras import how_to_install_dot, require
from tinygrad_adam.viz.labels import totals
from tinygrad_adam.viz.page import graph_page
from tinygrad_adam.viz.picture import Picture
from tinygrad_adam.viz.text import to_mermaid, to_text
from tinygrad_adam.viz.themes import THEMES


class DotNotFoundError(RuntimeError):
    """Graphviz's ``dot`` program is not installed; the message is one line that says how."""

    def __init__(self) -> None:
        super().__init__(
            f"Graphviz's dot program is needed to lay out a drawing: {how_to_install_dot()}"
        )


class Graph:
    """A drawing of a computation. It holds numbers and texts, and no tensor.

    In a notebook it shows itself. Files are written by :meth:`save`; the suffix says as what.
    """

    def __init__(
        self,
        picture: Picture,
        show: Collection[str],
        rankdir: str,
        theme: str,
        highlight: str | None = None,
    ) -> None:
        self.picture = picture
        self._show = show
        self._rankdir = rankdir
        self._theme = theme
        self._highlight = highlight

    # --- as text -------------------------------------------------------------------------------

    @functools.cached_property
    def source(self) -> str:
        """The drawing in DOT, Graphviz's language: the same bytes for the same computation.

        Raises:
            ImportError: the ``graphviz`` package is not installed.
        """
        return dot_source(self.picture, self._show, self._rankdir, self._theme, self._highlight)

    def text(self) -> str:
        """Return the drawing as a table in plain text; needs nothing installed."""
        return to_text(self.picture, self._show)

    def mermaid(self) -> str:
        """Return the drawing as a Mermaid flowchart, as GitHub shows it; needs no program."""
        return to_mermaid(self.picture, self._show, self._rankdir, THEMES[self._theme])

    def to_dict(self) -> dict[str, Any]:
        """Return the drawing as dictionaries, lists, texts and numbers.

        ``nodes`` (with ``id``, ``kind``, ``title``, ``outputs``, …), ``edges`` (``source`` and
        ``target`` are ids), ``modules`` and ``totals``. NaN and infinity become None.
        """
        picture = self.picture
        nodes = []
        for node in picture.nodes:
            entry = dict(vars(node))
            entry["module"] = entry.pop("call")
            if "time" not in self._show:  # the same computation gives the same bytes
                del entry["seconds"], entry["backward_seconds"]
            nodes.append(_plain(entry))
        edges = []
        for link in picture.links:
            entry = dict(vars(link))
            entry["source"] = picture.nodes[link.source].id
            entry["target"] = picture.nodes[link.target].id
            edges.append(_plain(entry))
        return {
            "nodes": nodes,
            "edges": edges,
            "modules": [
                {
                    "parent": call.parent,
                    "path": call.path,
                    "title": call.title,
                    "label": call.label,
                    "parameters": sum(call.parameters.values()),
                }
                for call in picture.calls
            ],
            "totals": {
                "nodes": sum(n.kind not in ("saved", "gradient") for n in picture.nodes),
                "operations": sum(node.operations for node in picture.nodes),
                "parameters": sum(picture.parameters.values()),
                "multiply_adds": picture.multiply_adds(),
                "saved_bytes": picture.saved_bytes(),
            },
        }

    def json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    # --- as a picture --------------------------------------------------------------------------

    def svg(self) -> str:
        """Return the drawing as SVG.

        Raises:
            DotNotFoundError: Graphviz's ``dot`` program is not installed.
            ImportError: the ``graphviz`` package is not installed.
        """
        return self._svg

    @functools.cached_property
    def _svg(self) -> str:
        svg = self._render("svg").decode("utf-8")
        # Which version of dot drew it, and comments with names: nothing of the picture.
        return re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)

    def _render(self, form: str) -> bytes:
        graphviz = require("graphviz")
        source = graphviz.Source(self.source)
        try:
            return source.pipe(format=form)  # type: ignore[no-any-return]
        except graphviz.ExecutableNotFound:
            raise DotNotFoundError from None

    def save(self, path: str | Path) -> Path:
        """Write the drawing; the suffix says as what.

        ``.svg .png .pdf`` are laid out by ``dot``, ``.html`` as well. ``.dot`` (or ``.gv``),
        ``.mmd`` (Mermaid), ``.txt`` and ``.json`` need no program. Without ``dot`` a ``.dot`` file
        is written in place of a picture, and one line on standard error says how to install it.

        Returns:
            The path that was written.

        Raises:
            ValueError: the suffix is none of these.
            ImportError: the ``graphviz`` package is not installed.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        texts = {
            ".dot": lambda: self.source, ".gv": lambda: self.source, ".mmd": self.mermaid,
            ".txt": self.text, ".json": self.json, ".svg": self.svg, ".html": self.html,
        }  # fmt: skip
        try:
            if suffix in texts:
                content = texts[suffix]().encode("utf-8")
            elif suffix in (".png", ".pdf"):
                content = self._render(suffix[1:])
            else:
                raise ValueError(
                    f"cannot write a graph as {suffix or 'a file without suffix'}: use "
                    f"{', '.join([*texts, '.png', '.pdf'])}"
                )
        except DotNotFoundError as error:
            path = path.with_suffix(".dot")
            content = self.source.encode("utf-8")
            print(f"{path.name} written instead of {suffix[1:]}. {error}", file=sys.stderr)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def html(self) -> str:
        """Return one self-contained page: the drawing, switches for its layers, light and dark.

        Raises:
            DotNotFoundError: Graphviz's ``dot`` program is not installed.
            ImportError: the ``graphviz`` package is not installed.
        """
        return graph_page(self.svg(), self.picture, self._theme)

    # --- in a notebook ---------------------------------------------------------------------------

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            svg = self.svg()
        except (DotNotFoundError, ImportError) as error:
            hint = f"{self.text()}\n{error}"
            return {"text/html": f"<pre>{html.escape(hint)}</pre>", "text/plain": hint}
        # Inline, since an SVG that Jupyter shows as an image has no tooltips; and never cut off.
        inline = svg[svg.index("<svg") :].replace(
            "<svg", '<svg style="max-width:100%;height:auto"', 1
        )
        return {"text/html": inline, "image/svg+xml": svg, "text/plain": self.text()}

    def __repr__(self) -> str:
        return f"Graph({totals(self.picture)})"


def _plain(value: Any) -> Any:
    """Return nested data as dictionaries and lists, without NaN and infinity."""
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
