"""What a drawing knows of a computation: plain data, without a tensor or an array in it.

A :class:`Picture` has nodes in topological order, the links between them, and the calls of modules
that the nodes belong to. ``tracing.py`` and ``recording.py`` make it, ``simplify.py`` folds it, and
``dot.py``, ``text.py`` and ``page.py`` write it down.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace

from tinygrad_adam.viz.measure import Shape, Stats

LEAVES = ("input", "parameter", "constant")


@dataclass(frozen=True)
class Saved:
    """An array that an operation keeps for its gradient."""

    key: int
    """The same for arrays on the same memory."""
    text: str
    """Shape and dtype."""
    nbytes: int
    is_parameter: bool
    """Whether a parameter is that array, which costs no memory of its own."""


@dataclass
class Node:
    """A leaf, an operation with its results, or a whole module that is drawn as one."""

    kind: str
    """``input``, ``parameter``, ``constant``, ``operation``, ``module``; in the finished drawing
    also ``saved`` and ``gradient``."""
    title: str
    """The operation or module, for example ``Conv2d``."""
    name: str = ""
    """The variable or the parameter's path, if known."""
    outputs: list[tuple[Shape, str]] = field(default_factory=list)
    """Shape and dtype of each result."""
    inputs: list[str] = field(default_factory=list)
    """Shape and dtype of each tensor that it takes, for the tooltip."""
    device: str = "cpu"
    call: int | None = None
    """The innermost call of a module in which it belongs: an index into ``Picture.calls``."""
    options: dict[str, str] = field(default_factory=dict)
    formula: str = ""
    """The operation's docstring."""
    source: str = ""
    """``file.py:12``, where the program called the operation."""
    parameters: int = 0
    frozen: bool = False
    """A parameter that does not require grad."""
    multiply_adds: int = 0
    seconds: float | None = None
    backward_seconds: float | None = None
    saved: list[Saved] = field(default_factory=list)
    freed: bool = False
    """Whether a backward walk freed what was saved."""
    value: Stats | None = None
    gradient: Stats | None = None
    gradient_note: str = ""
    """Why there is no gradient to show."""
    recorded: bool = True
    """Whether gradients can pass here."""
    is_output: bool = False
    shared: int = 0
    """In how many operations a parameter is used, if in several."""
    repeat: int = 1
    """How many equal modules in a row this one stands for."""
    parameter_gradients: dict[str, Stats | None] = field(default_factory=dict)
    """For a module drawn as one, the gradient of each parameter in it."""
    members: int = 1
    """How many operations it stands for; of a gradient, 1 if it is what one edge brings."""
    error: str = ""
    """What the operation said when it failed."""
    mark: str = ""
    """The finding about its health; see ``health.py``."""
    heat: float | None = None
    """Its share of the time or memory, 0 to 1, where that is highlighted."""
    remark: str = ""
    """Another line that is always shown."""
    id: str = ""
    """Its name in the drawing: ``n0``, ``n1``, … in topological order, ``g0`` a gradient."""

    @property
    def is_leaf(self) -> bool:
        """Whether it is a tensor that no drawn operation made."""
        return self.kind in LEAVES

    @property
    def operations(self) -> int:
        """How many operations it is or stands for."""
        return self.members if self.kind in ("operation", "module") else 0


@dataclass
class Link:
    """A tensor on its way from one node to another (indices into ``Picture.nodes``)."""

    source: int
    target: int
    position: int = 0
    """Which input of the target it is."""
    slot: int = 0
    """Which result of the source it is."""
    shape: Shape = ()
    kind: str = "data"
    """``data``, ``saved`` or ``gradient``."""
    broadcast: str = ""
    """``(3,)→(4, 3)`` where the operation stretched it."""
    recorded: bool = True
    """Whether a gradient comes back this way."""
    detached: bool = False
    """The memory goes on, the history does not."""
    gradient: Stats | None = None
    """What came back, summed to the shape of the tensor."""
    note: str = ""


@dataclass
class Call:
    """One call of a module."""

    parent: int | None
    path: str
    title: str
    """``Conv2d``."""
    label: str
    """``conv1: Conv2d(1, 32, …)``."""
    parameters: dict[int, int] = field(default_factory=dict)
    """Number of elements of each parameter in it, by the parameter's key."""
    times: int = 1
    """How often the same module was called before, and now: 2 at the second call."""


@dataclass
class Picture:
    """A computation, as plain data."""

    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    parameters: dict[int, int] = field(default_factory=dict)
    """Number of elements of every parameter used or owned by a called module, by key."""
    frozen: set[int] = field(default_factory=set)
    """The keys of those that do not require grad."""
    backward_ran: bool = False
    title: str = ""

    def copy(self) -> Picture:
        """Return a picture whose nodes and links can be changed without changing this one's."""
        return replace(
            self, nodes=[copy(node) for node in self.nodes], links=[copy(x) for x in self.links]
        )

    def level(self, call: int | None) -> int:
        """Return how many calls enclose ``call``; -1 for None."""
        level = -1
        while call is not None:
            level, call = level + 1, self.calls[call].parent
        return level

    def enclosing(self, call: int | None) -> list[int]:
        """Return ``call`` and the calls around it, outermost first."""
        chain: list[int] = []
        while call is not None:
            chain.append(call)
            call = self.calls[call].parent
        return chain[::-1]

    def common_call(self, calls: list[int | None]) -> int | None:
        """Return the innermost call that encloses all of ``calls``."""
        if not calls:
            return None
        common = self.enclosing(calls[0])
        for call in calls[1:]:
            chain = self.enclosing(call)
            length = next(
                (i for i, (a, b) in enumerate(zip(common, chain)) if a != b),
                min(len(common), len(chain)),
            )
            common = common[:length]
        return common[-1] if common else None

    def saved_bytes(self) -> int:
        """Return the bytes kept for backward: memory held twice once, parameters not counted."""
        memory = {s.key: s.nbytes for n in self.nodes for s in n.saved if not s.is_parameter}
        return sum(memory.values())

    def multiply_adds(self) -> int:
        """Return the multiply-adds of all operations."""
        return sum(node.multiply_adds for node in self.nodes)
