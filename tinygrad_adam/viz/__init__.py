"""Pictures: of graphs, of training, of what a network has learned.

Nothing outside the package is loaded by importing this: ``graphviz`` and ``matplotlib`` are loaded
by the functions that need them; ``pip install graphviz matplotlib`` installs both.
"""

from tinygrad_adam.viz.animation import animate_backward
from tinygrad_adam.viz.contours import landscape
from tinygrad_adam.viz.drawing import draw
from tinygrad_adam.viz.graph import DotNotFoundError, Graph
from tinygrad_adam.viz.plots import (
    confusion,
    curves,
    filters,
    histograms,
    mistakes,
)
from tinygrad_adam.viz.recording import Recorder, record
from tinygrad_adam.viz.summaries import Layer, Summary, summary

__all__ = [
    "DotNotFoundError",
    "Graph",
    "Layer",
    "Recorder",
    "Summary",
    "animate_backward",
    "confusion",
    "curves",
    "draw",
    "filters",
    "histograms",
    "landscape",
    "mistakes",
    "record",
    "summary",
]
