"""Shapes and colours. A kind of node has a shape of its own, so that a grey copy still tells."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = {
    "input": {"shape": "ellipse", "style": "filled"},
    "parameter": {"shape": "box", "style": "filled"},
    "constant": {"shape": "hexagon", "style": "filled"},
    "operation": {"shape": "box", "style": "filled,rounded"},
    "module": {"shape": "folder", "style": "filled"},
    "saved": {"shape": "cylinder", "style": "filled"},
    "gradient": {"shape": "box", "style": "filled,rounded,dashed"},
}
KIND_TITLES = {
    "input": "input",
    "parameter": "parameter",
    "constant": "constant",
    "operation": "operation",
    "module": "module, closed",
    "saved": "saved for backward",
    "gradient": "gradient",
}


@dataclass(frozen=True)
class Theme:
    """The colours of a drawing; for each kind the filling and the line."""

    background: str
    ink: str
    faint: str
    """Secondary text."""
    line: str
    gradient_line: str
    cluster: tuple[str, str]
    kinds: dict[str, tuple[str, str]]
    output: tuple[str, str]
    marks: dict[str, tuple[str, str]]
    heat: tuple[str, str, str]
    """From cold to hot."""
    pale: tuple[str, str]
    """For what is not highlighted."""


THEMES = {
    "light": Theme(
        background="#ffffff",
        ink="#1a1a1a",
        faint="#555555",
        line="#444444",
        gradient_line="#a3306f",
        cluster=("#f6f7f9", "#b4bac4"),
        kinds={
            "input": ("#d7e9f7", "#0072b2"),
            "parameter": ("#fdecc8", "#a87500"),
            "constant": ("#eeeeee", "#777777"),
            "operation": ("#fefefe", "#333333"),
            "module": ("#e9e5f5", "#57488a"),
            "saved": ("#f1f1f1", "#767676"),
            "gradient": ("#fdebf4", "#a3306f"),
        },
        output=("#d9f2e7", "#00694a"),
        marks={
            "failed": ("#ff9a8f", "#a30000"),
            "culprit": ("#ff9a8f", "#a30000"),
            "tainted": ("#ffdcd8", "#c0504d"),
            "exploding": ("#ffd29a", "#b35900"),
            "vanishing": ("#bcdcff", "#0059b3"),
            "dead": ("#e3e3e3", "#8a8a8a"),
        },
        heat=("#ffffff", "#ffe08a", "#f4925f"),
        pale=("#fafafa", "#bbbbbb"),
    ),
    "dark": Theme(
        background="#15181d",
        ink="#f0f0f0",
        faint="#b4bac4",
        line="#aab2bd",
        gradient_line="#f08fc0",
        cluster=("#1c2027", "#4d5663"),
        kinds={
            "input": ("#123a57", "#56b4e9"),
            "parameter": ("#4a3608", "#e69f00"),
            "constant": ("#33373d", "#9aa1ab"),
            "operation": ("#252a32", "#c4cad3"),
            "module": ("#352d55", "#b3a4ea"),
            "saved": ("#2c3037", "#9aa1ab"),
            "gradient": ("#47193a", "#f08fc0"),
        },
        output=("#0c4634", "#2fd39c"),
        marks={
            "failed": ("#8c1710", "#ff8a7d"),
            "culprit": ("#8c1710", "#ff8a7d"),
            "tainted": ("#55302d", "#e0928b"),
            "exploding": ("#6e3d00", "#ffb056"),
            "vanishing": ("#0d3f78", "#7db8ff"),
            "dead": ("#4a4f57", "#c4cad3"),
        },
        heat=("#252a32", "#7a5a10", "#b8431d"),
        pale=("#1b1f25", "#4d5663"),
    ),
    "mono": Theme(
        background="#ffffff",
        ink="#000000",
        faint="#333333",
        line="#000000",
        gradient_line="#000000",
        cluster=("#ffffff", "#888888"),
        kinds={
            kind: (fill, "#000000")
            for kind, fill in {
                "input": "#ffffff",
                "parameter": "#e4e4e4",
                "constant": "#ffffff",
                "operation": "#ffffff",
                "module": "#f2f2f2",
                "saved": "#ffffff",
                "gradient": "#ffffff",
            }.items()
        },
        output=("#ffffff", "#000000"),
        marks={
            "failed": ("#8f8f8f", "#000000"),
            "culprit": ("#8f8f8f", "#000000"),
            "tainted": ("#cfcfcf", "#000000"),
            "exploding": ("#b5b5b5", "#000000"),
            "vanishing": ("#dddddd", "#000000"),
            "dead": ("#e3e3e3", "#777777"),
        },
        heat=("#ffffff", "#d0d0d0", "#909090"),
        pale=("#ffffff", "#aaaaaa"),
    ),
}


def heat_colour(theme: Theme, heat: float) -> str:
    """Return the filling for a share of time or memory, 0 to 1."""
    cold, middle, hot = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in theme.heat)
    low, high, part = (cold, middle, 2 * heat) if heat < 0.5 else (middle, hot, 2 * heat - 1)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(low, high))
