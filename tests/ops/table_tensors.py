"""Rows of the table of operations (table.py) for the functions of ``torch`` that teach by example.

Each is an expression or a program, how its inputs are drawn, a closed form or None, and whether
finite differences say something about its gradient.
"""

from __future__ import annotations

from typing import Any

Given = tuple[Any, ...]


def _on(kind: str, *expressions: str, smooth: bool = True) -> list[Given]:
    """Return rows for expressions of inputs of these kinds, separated by semicolons."""
    return [(e, tuple(kind.split("; ")), None, smooth) for e in expressions]


VIEWS = [
    *_on(
        "normal 2 3 4",
        "a.unfold(2, 2, 1)", "a.unfold(1, 3, 2)", "a.unfold(-1, 1, 3)", "a.unfold(0, 0, 1)",
        "a.unfold(2, 2, 1).unfold(1, 2, 1)",
        "y = a * 1\ny.unfold(2, 2, 2).mul_(3)\nout = y",
        "(a * 1).contiguous().as_strided((2, 3), (1, 2), 1)",
        "(a * 1).contiguous().as_strided((3, 3), (0, 2))",
        "y = (a * 1).contiguous()\ny.as_strided((2, 2), (5, 1), 3).mul_(a[0, :2, :2])\nout = y",
        *[f"y = a * 1\nv = y + 1\ny.{op}\nout = (y, y * y, v)" for op in (
            "unsqueeze_(1)", "transpose_(0, 2)", "swapaxes_(1, 2)",
            "unsqueeze_(0).transpose_(0, 1)",
        )],
        "y = (a * 1).transpose(0, 1)\ny.unsqueeze_(0)\ny.mul_(2)\nout = (y * y,)",
    ),
    *_on(
        "normal 3 4",
        "y = a * 1\ny.t_()\ny[0] = 2\nout = y * y",
        "y = a * 1\nv = y[1:]\nv.t_()\nv.mul_(a[1:].T)\nout = (y, v)",
        "y = a[:1] * 1\ny.squeeze_()\nout = y * a[1]",
        "y = (a * 1).contiguous()\ny.as_strided_((2, 2), (1, 4))\nout = y * y",
    ),
    *_on("normal", "a.unfold(0, 1, 1)"),
    *_on(
        "normal 2 3 2 2",
        "a.to(memory_format=torch.channels_last) * 2", "a.clone(memory_format=torch.channels_last)",
        "a.contiguous(memory_format=torch.channels_last).contiguous()",
    ),
]  # fmt: skip

TENSORS = {"views": VIEWS}
