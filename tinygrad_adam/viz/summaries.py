"""A model as a table: layers, shapes, parameters, multiply-adds, memory and time."""

from __future__ import annotations

import dataclasses
from typing import Any

from tinygrad_adam.nn.module import Module
from tinygrad_adam.viz.drawing import record_call
from tinygrad_adam.viz.labels import clean
from tinygrad_adam.viz.measure import bytes_text, count_text, seconds_text, shape_text
from tinygrad_adam.viz.picture import Node, Picture


@dataclasses.dataclass(frozen=True)
class Layer:
    """A row of the table: one call of a module, or operations of the model itself."""

    name: str
    type: str
    level: int
    """How many modules are around it."""
    output_shape: tuple[int, ...]
    parameters: int
    """Of this module itself and those in it; 0 where they were counted in an earlier row."""
    trainable: int
    multiply_adds: int
    saved_bytes: int
    """Memory kept for backward, without parameters; each array in the row that kept it first."""
    forward_seconds: float
    backward_seconds: float
    shared: bool = False
    """Whether its parameters belong to an earlier row as well."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """What :func:`summary` returns; ``print`` shows it as a table.

    Parameters count elements, memory bytes, and times seconds.
    """

    model: str
    layers: tuple[Layer, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    saved_bytes: int
    parameter_bytes: int
    forward_seconds: float
    backward_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dictionaries, lists, texts and numbers, ready for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        head = (
            "layer", "type", "output shape", "parameters", "multiply-adds", "kept", "forward",
            "backward",
        )  # fmt: skip
        rows = [
            (
                clean("  " * layer.level + (layer.name or "(itself)"), 40),
                clean(layer.type, 30),
                shape_text(layer.output_shape),
                "shared" if layer.shared else count_text(layer.parameters),
                count_text(layer.multiply_adds),
                bytes_text(layer.saved_bytes),
                seconds_text(layer.forward_seconds),
                seconds_text(layer.backward_seconds),
            )
            for layer in self.layers
        ]
        total = (
            "total", "", "", count_text(self.parameters), count_text(self.multiply_adds),
            bytes_text(self.saved_bytes), seconds_text(self.forward_seconds),
            seconds_text(self.backward_seconds),
        )  # fmt: skip
        widths = [max(len(row[i]) for row in [head, *rows, total]) for i in range(len(head))]

        def line(row: tuple[str, ...]) -> str:
            cells = [
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths))
            ]
            return "  ".join(cells).rstrip()

        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        notes = (
            f"{self.model}: {count_text(self.trainable)} of {count_text(self.parameters)} "
            f"parameters are trained; the parameters take {bytes_text(self.parameter_bytes)}"
        )
        return "\n".join([line(head), rule, *map(line, rows), rule, line(total), notes])


def summary(model: Module, x: Any) -> Summary:
    """Run a model once, forward and backward, and tabulate its layers.

    Args:
        model: any module.
        x: its input: a tensor, a tuple of tensors, or a dictionary of keyword arguments.

    Returns:
        A :class:`Summary` with a row for each call of a module, in the order of the calls, indented
        by level; rows count what the modules in them count. Operations of the model outside its
        modules have a row named by the operation. Multiply-adds leave the bias out.

    The model's gradients, buffers, mode and the random state stay as they were. Times are those of
    one run, the first: they show which layer is slow, not how fast training will be.

    Raises:
        TypeError: ``model`` is no Module.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary() takes a Module, not {type(model).__name__}")
    picture = record_call(model, x, with_gradients=True)
    own = {id(p): p for p in model.parameters()}.values()
    layers = _Rows(picture).all()
    return Summary(
        model=model._get_name(),
        layers=tuple(layers),
        parameters=sum(p.array.size for p in own),
        trainable=sum(p.array.size for p in own if p.requires_grad),
        multiply_adds=picture.multiply_adds(),
        saved_bytes=picture.saved_bytes(),
        parameter_bytes=sum(int(p.array.nbytes) for p in own),
        forward_seconds=sum(node.seconds or 0 for node in picture.nodes),
        backward_seconds=sum(node.backward_seconds or 0 for node in picture.nodes),
    )


class _Rows:
    """Makes the rows of the table from the picture of one run."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        # On one level every parameter and every saved array belongs to one row, the first.
        self._first: dict[tuple[str, int, int], int] = {}
        self._inside: dict[int, list[Node]] = {}
        for node in picture.nodes:
            if not node.is_leaf:
                for call in picture.enclosing(node.call):
                    self._inside.setdefault(call, []).append(node)

    def all(self) -> list[Layer]:
        """Return the rows in the order of the calls."""
        picture = self.picture
        parents = {call.parent for i, call in enumerate(picture.calls) if i in self._inside}
        rows: list[Layer] = []
        seen: set[int] = set()
        for node in picture.nodes:
            if node.is_leaf:
                continue
            for index in picture.enclosing(node.call):
                is_whole_model = index == 0 and index in parents
                if index not in seen and not is_whole_model:
                    rows.append(self._row(index))
                seen.add(index)
            if node.call is None or node.call in parents:
                rows.append(self._layer(node.title, "operation", node.call, [node], {}, False))
        return rows

    def _row(self, index: int) -> Layer:
        call = self.picture.calls[index]
        counted = {
            key: size
            for key, size in call.parameters.items()
            if self._is_first("parameter", self.picture.level(index), key, index)
        }
        name = call.path.rpartition(".")[2] or call.title
        shared = len(counted) < len(call.parameters)
        return self._layer(name, call.title, call.parent, self._inside[index], counted, shared)

    def _layer(
        self,
        name: str,
        kind: str,
        parent: int | None,
        nodes: list[Node],
        parameters: dict[int, int],
        shared: bool,
    ) -> Layer:
        level = self.picture.level(parent)
        memory = {s.key: s.nbytes for n in nodes for s in n.saved if not s.is_parameter}
        first = id(nodes[0])
        return Layer(
            name=name,
            type=kind,
            level=max(level, 0),
            output_shape=nodes[-1].outputs[0][0] if nodes[-1].outputs else (),
            parameters=sum(parameters.values()),
            trainable=sum(s for k, s in parameters.items() if k not in self.picture.frozen),
            multiply_adds=sum(node.multiply_adds for node in nodes),
            saved_bytes=sum(
                size for key, size in memory.items() if self._is_first("saved", level, key, first)
            ),
            forward_seconds=sum(node.seconds or 0 for node in nodes),
            backward_seconds=sum(node.backward_seconds or 0 for node in nodes),
            shared=shared,
        )

    def _is_first(self, what: str, level: int, key: int, row: int) -> bool:
        return self._first.setdefault((what, level, key), row) == row
