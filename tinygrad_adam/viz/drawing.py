"""``viz.draw``: from what a user has in hand to a drawing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinygrad_adam.autograd import enable_grad
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import default_generator
from tinygrad_adam.nn.module import Module
from tinygrad_adam.viz.graph import Graph
from tinygrad_adam.viz.health import examine, size_mark
from tinygrad_adam.viz.labels import SHOWABLE, saved_bytes
from tinygrad_adam.viz.layers import add_gradients, add_saved, number_nodes
from tinygrad_adam.viz.picture import Picture
from tinygrad_adam.viz.recording import Recorder
from tinygrad_adam.viz.simplify import simplify
from tinygrad_adam.viz.themes import THEMES
from tinygrad_adam.viz.tracing import compute_gradients, trace

HIGHLIGHTS = (None, "grad", "nan", "time", "memory")


def draw(
    what: Any,
    *,
    depth: int | None = None,
    rankdir: str | None = None,
    backward: bool | str = False,
    show: Collection[str] | str | None = None,
    names: Mapping[str, Any] | None = None,
    collapse: Collection[str] | str = (),
    fold: bool = True,
    repeat: int = 3,
    highlight: str | None = None,
    max_nodes: int | None = None,
    theme: str = "light",
) -> Graph:
    """Draw a computation: operations in their modules, shapes, what is saved, the way back.

    Args:
        what: a tensor, or a list or dictionary of tensors: what they were computed from. Or
            ``(model, input)``, or ``(function, inputs)`` with a tensor, a tuple or a dictionary of
            inputs, to call and record. Or what :func:`record` recorded.
        depth: how many levels of modules to open: 0 draws the model as one node, 1 one node for
            each child. None opens all.
        rankdir: ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``. Defaults to ``"LR"`` for scalar
            expressions, else ``"TB"``.
        backward: also draw the gradients and their way back, as far as they are known: those of
            leaves, of tensors that retain theirs, and all that :func:`record` saw.
            ``"compute"`` walks backward for the drawing, and stores nothing.
        show: what labels tell: of ``shape dtype params flops time memory value grad saved``, as a
            set or as words in one text. Defaults to ``shape dtype params``; for scalar expressions
            to ``value grad``.
        names: names of tensors, also of results: ``{"c": c}``, ``locals()``.
        collapse: paths or class names of modules to draw as one node, whatever ``depth``.
        fold: draw equal modules in a row as one, ``Block ×12``.
        repeat: from how many on ``fold`` does so, 2 or more.
        highlight: ``"grad"`` colours vanishing and exploding gradients, ``"nan"`` fades all but the
            origin and the trail of a NaN or infinity, ``"time"`` and ``"memory"`` shade by share.
        max_nodes: draw no more than so many nodes of the computation: deeper modules are closed,
            then the nodes farthest from the outputs left out, and one says how many.
        theme: ``"light"``, ``"dark"`` or ``"mono"``.

    Returns:
        A :class:`Graph`: ``.save("x.svg")``, ``.source``, ``.text()``, …

    Drawing changes no gradient, no random state, no buffer and no train or eval mode, calls no
    hook of a tensor, and keeps nothing alive.

    Raises:
        TypeError: ``what`` is none of these, or ``names`` no dictionary.
        ValueError: an option has a value that it does not take.
        RuntimeError: ``backward="compute"``, and the graph was freed by an earlier backward.
    """
    check_options(rankdir, backward, highlight, theme)
    check_numbers(depth=(depth, 0), repeat=(repeat, 2), max_nodes=(max_nodes, 2))
    check_names(names)
    wanted = _wanted(show)
    timed = "time" in (wanted or ()) or highlight == "time"
    if timed and not isinstance(what, Recorder) and not _is_call(what):
        raise ValueError(
            'show="time": only a record knows times; draw (model, input) or viz.record()'
        )
    picture = picture_of(what, names, backward == "compute")
    return lay_out(
        picture,
        depth=depth,
        rankdir=rankdir,
        backward=bool(backward),
        show=wanted,
        collapse=[collapse] if isinstance(collapse, str) else list(collapse or ()),
        fold=fold,
        repeat=repeat,
        highlight=highlight,
        max_nodes=max_nodes,
        theme=theme,
    )


def lay_out(
    picture: Picture,
    *,
    depth: int | None = None,
    rankdir: str | None = None,
    backward: bool = False,
    show: Collection[str] | None = None,
    collapse: Collection[str] = (),
    fold: bool = True,
    repeat: int = 3,
    highlight: str | None = None,
    max_nodes: int | None = None,
    theme: str = "light",
) -> Graph:
    """Return the drawing of a picture; the options are those of :func:`draw`."""
    scalar = is_scalar(picture)
    usual = {"value", "grad"} if scalar else {"shape", "dtype", "params"}
    wanted = usual if show is None else set(show)
    wanted |= {"time"} if highlight == "time" else {"memory"} if highlight == "memory" else set()
    examine(picture)
    picture = simplify(picture, depth, collapse, fold, repeat, max_nodes)
    number_nodes(picture)
    _highlight(picture, highlight)
    if "saved" in wanted:
        add_saved(picture)
    if backward:
        add_gradients(picture)
    rankdir = rankdir or ("LR" if scalar else "TB")
    return Graph(picture, frozenset(wanted), rankdir, theme, highlight)


def check_options(
    rankdir: str | None, backward: bool | str = False, highlight: str | None = None,
    theme: str = "light",
) -> None:  # fmt: skip
    """Raise for a value that an option does not take."""
    for name, value, allowed in (
        ("rankdir", rankdir, (None, "TB", "LR", "BT", "RL")),
        ("backward", backward, (True, False, "compute")),
        ("highlight", highlight, HIGHLIGHTS),
        ("theme", theme, tuple(THEMES)),
    ):
        if value not in allowed:
            raise ValueError(f"{name}={value!r}: use one of {', '.join(map(repr, allowed))}")


def check_numbers(**options: tuple[Any, int]) -> None:
    """Raise for a number that is none, or less than the second of its pair."""
    for name, (value, least) in options.items():
        if value is not None and (not isinstance(value, int) or value < least):
            raise ValueError(f"{name}={value!r}: give a whole number, {least} or more")


def check_names(names: Any) -> None:
    """Raise for names that are no mapping."""
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(
            f"names is a dictionary of names and tensors, such as locals(), not {_kind(names)}"
        )


def _kind(value: Any) -> str:
    return type(value).__name__


def _wanted(show: Collection[str] | str | None) -> set[str] | None:
    """Return ``show`` as a set of words; None as it is."""
    if show is None:
        return None
    if not isinstance(show, Collection):
        raise ValueError(f"show={show!r}: use any of {', '.join(SHOWABLE)}")
    words = set(show.replace(",", " ").split()) if isinstance(show, str) else set(show)
    unknown = words - set(SHOWABLE)
    if unknown:
        wrong = ", ".join(sorted(map(str, unknown)))
        raise ValueError(f"show={wrong}: use any of {', '.join(SHOWABLE)}")
    return words


def is_scalar(picture: Picture) -> bool:
    """Return whether every tensor in the picture is a single number."""
    return not any(shape for node in picture.nodes for shape, _ in node.outputs)


def _is_call(what: Any) -> bool:
    """Return whether ``what`` is ``(model, input)``."""
    return (
        isinstance(what, tuple)
        and len(what) == 2
        and callable(what[0])
        and not isinstance(what[0], Traced)
    )


def picture_of(what: Any, names: Mapping[str, Any] | None, with_gradients: bool) -> Picture:
    """Return the picture of anything that :func:`draw` takes."""
    if isinstance(what, Recorder):
        return what.picture(names=names).copy()
    if _is_call(what):
        return record_call(what[0], what[1], names, with_gradients)
    if isinstance(what, Traced):
        tensors = [("", what)]
    elif isinstance(what, Mapping):
        tensors = [(str(name), x) for name, x in what.items()]
    elif isinstance(what, (list, tuple)):
        tensors = [("", x) for x in what]
    else:
        tensors = []
    if not tensors or not all(isinstance(x, Traced) for _, x in tensors):
        raise TypeError(
            "draw() takes a Tensor, a list or dictionary of Tensors, (model, input), or what "
            f"viz.record() recorded, not {_kind(what)}"
        )
    builder = trace(tensors, names)
    if with_gradients:
        compute_gradients(builder, [x for _, x in tensors])
    return builder.finish()


def record_call(
    function: Any,
    inputs: Any,
    names: Mapping[str, Any] | None = None,
    with_gradients: bool = False,
) -> Picture:
    """Call ``function``, leaving its surroundings as they were, and return the picture."""
    tape = Recorder(names)
    keywords: dict[str, Any] = {}
    arguments: tuple[Any, ...] = ()
    if isinstance(inputs, Mapping):
        keywords = dict(inputs)
    else:
        arguments = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
    unnamed = len(arguments) == 1 and not keywords
    tape.mark_inputs(
        {"input" if unnamed else f"input {i + 1}": x for i, x in enumerate(arguments)} | keywords
    )
    with undisturbed(function), enable_grad():
        with tape:
            result = function(*arguments, **keywords)
        outputs = list(_tensors_in(result))
        picture = tape.picture(outputs, names)
        if with_gradients:
            compute_gradients(tape.builder, [x for _, x in outputs if x._edge is not None])
            tape.computed = True
            picture = tape.picture(outputs, names)
    if isinstance(function, Module):
        picture.title = function._get_name()
    return picture


def _tensors_in(result: Any) -> Iterator[tuple[str, Any]]:
    """Yield the tensors in what a model returned, with the names that they have there."""
    stack = [("", result)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, Traced):
            yield name, value
        elif isinstance(value, Mapping):
            stack.extend((str(key), entry) for key, entry in reversed(list(value.items())))
        elif isinstance(value, (list, tuple)):
            stack.extend((name, entry) for entry in reversed(value))


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put the random generator and a model's buffers back after the block, as they were."""
    generator = default_generator.numpy.bit_generator
    state = generator.state
    buffers = []
    if isinstance(model, Module):
        buffers = [(buffer, buffer.array, buffer.array.copy()) for buffer in model.buffers()]
    try:
        yield
    finally:
        generator.state = state
        for buffer, array, values in buffers:
            array[...] = values
            buffer.array = array


def _highlight(picture: Picture, highlight: str | None) -> None:
    """Mark the nodes that ``highlight`` asks for."""
    if highlight == "grad":
        for node in picture.nodes:
            if not node.mark and node.gradient is not None and node.gradient.finite:
                node.mark = size_mark(node.gradient)
    elif highlight in ("time", "memory"):
        amounts = [
            (node.seconds or 0) + (node.backward_seconds or 0)
            if highlight == "time"
            else saved_bytes(node)
            for node in picture.nodes
        ]
        largest = max(amounts, default=0) or 1
        for node, amount in zip(picture.nodes, amounts):
            node.heat = amount / largest if not node.is_leaf else None
