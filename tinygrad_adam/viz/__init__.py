"""Pictures: of graphs, of training, of what a network has learned.

Nothing outside the package is loaded by importing this: ``graphviz`` and ``matplotlib`` are loaded
by the functions that need them; ``pip install "tinygrad_adam[viz]"`` installs both.
"""

from tinygrad_adam.viz.animation import animate_backward
from tinygrad_adam.viz.drawing import draw
from tinygrad_adam.viz.graph import DotNotFoundError, Graph
from tinygrad_adam.viz.plots import confusion, curves, filters, mistakes
from tinygrad_adam.viz.recording import Recorder, record

__all__ = [
    "DotNotFoundError",
    "Graph",
    "Recorder",
    "animate_backward",
    "confusion",
    "curves",
    "draw",
    "filters",
    "mistakes",
    "record",
]
