"""The picture of a graph that exists: a walk back from its results, over what autograd recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.engine import Walk
from tinygrad_adam.autograd.traced import Traced, gradient_edge
from tinygrad_adam.backend import array_module
from tinygrad_adam.viz.building import (
    Builder,
    Source,
    dtype_name,
    gradient_stats,
    takes_array,
)
from tinygrad_adam.viz.measure import stats_of

OnStep = Callable[[Any, Sequence[Any], Sequence[Any]], None]


def trace(tensors: Sequence[tuple[str, Any]], names: Mapping[str, Any] | None = None) -> Builder:
    """Return a builder with everything that ``tensors`` were computed from.

    Args:
        tensors: the results, each with its name or "".
        names: names for other tensors.
    """
    builder = Builder(names)
    operations = _in_order(_nodes_of(x for _, x in tensors))
    for scope in {id(op.scope): op.scope for op in operations if op.scope is not None}.values():
        builder.call(scope)  # before the leaves, which get their names from the modules
    values = _known_values(operations, tensors, names)
    for operation in operations:
        _add(builder, operation, values)
    for name, tensor in tensors:
        source = _source(builder, tensor)
        node = builder.picture.nodes[source.node]
        node.is_output = True
        node.name = node.name or name
    for name, tensor in (names or {}).items():
        edge = gradient_edge(tensor) if isinstance(tensor, Traced) else None
        index = None if edge is None else builder.operations.get(edge[0])
        if index is not None:
            builder.picture.nodes[index].name = str(name)
            builder.tensors.set(tensor, (index, edge[1] if edge else 0))
    for operation in operations:
        for watch in (operation.watches or {}).values():
            tensor = None if watch.retained is None else watch.retained()
            if tensor is not None:
                builder.tensors.set(tensor, (builder.operations.get(operation), 0))
    builder.read_gradients()
    # With nothing saved, only the gradients of leaves tell that a backward walk has been here.
    builder.picture.backward_ran = any(op._saved is None for op in operations) or any(
        node.is_leaf and node.gradient is not None for node in builder.picture.nodes
    )
    return builder


def adopt(builder: Builder, operation: Operation) -> int:
    """Return the index of an operation; if it is new, add it and what it was computed from.

    A record meets such operations that ran before it began, or inside a backward walk.
    """
    index = builder.operations.get(operation)
    if index is None:
        unknown = _in_order([operation], builder)
        values = _known_values(unknown, [], None)
        for new in unknown:
            index = _add(builder, new, values)
    return index  # type: ignore[no-any-return]


def _nodes_of(tensors: Iterable[Any]) -> list[Any]:
    """Return where the gradients of tensors go: operations, or leaves."""
    edges = [gradient_edge(tensor) for tensor in tensors]
    return [edge[0] for edge in edges if edge is not None]


def _in_order(nodes: Sequence[Any], builder: Builder | None = None) -> list[Operation]:
    """Return the operations behind ``nodes``, each once, inputs before what is made of them.

    Operations that ``builder`` has already are left out, and all before them.
    """
    order: list[Operation] = []
    seen: set[Any] = set()
    stack: list[tuple[Any, bool]] = [(node, False) for node in reversed(nodes)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            order.append(node)
        elif (
            isinstance(node, Operation)
            and node not in seen
            and (builder is None or builder.operations.get(node) is None)
        ):
            seen.add(node)
            stack.append((node, True))
            stack.extend((edge[0], False) for edge in reversed(node.edges) if edge is not None)
    return order


def _known_values(
    operations: Sequence[Operation],
    tensors: Sequence[tuple[str, Any]],
    names: Mapping[str, Any] | None,
) -> dict[tuple[int, int], Any]:
    """Return the arrays that are still there of the results of operations, by id and slot."""
    values: dict[tuple[int, int], Any] = {}
    everything = [x for _, x in tensors] + [
        x for x in (names or {}).values() if isinstance(x, Traced)
    ]
    for tensor in everything:
        if tensor._edge is not None:
            values[id(tensor._edge[0]), tensor._edge[1]] = tensor.array
    for operation in operations:
        for array, source in operation.kept:
            if isinstance(source, int):
                values[id(operation), source] = array
            elif source is not None and source._edge is not None:
                values[id(source._edge[0]), source._edge[1]] = array
    return values


def _source(builder: Builder, tensor: Any) -> Source:
    edge = gradient_edge(tensor)
    if edge is not None and isinstance(edge[0], Operation):
        return _result(builder, edge[0], edge[1])
    return builder.leaf(tensor)


def _result(builder: Builder, operation: Operation, slot: int) -> Source:
    shape, dtype = operation.outputs[slot]
    return Source(builder.operations.get(operation), slot, tuple(shape), dtype_name(dtype))


def _add(builder: Builder, operation: Operation, values: Mapping[tuple[int, int], Any]) -> int:
    sources: list[Source | None] = []
    for edge in operation.edges:
        if edge is None:
            sources.append(None)
        elif isinstance(edge[0], Operation):
            sources.append(_result(builder, edge[0], edge[1]))
        else:
            sources.append(builder.leaf(edge[0]))
    # An input without gradient left no edge, but the operation may have saved it.
    for position, (_, value) in enumerate(operation.kept):
        if (
            isinstance(value, Traced)
            and position < len(sources)
            and sources[position] is None
            and value._edge is None
            and takes_array(operation, position)
        ):
            sources[position] = builder.leaf(value)
    outputs = [(tuple(shape), dtype_name(dtype)) for shape, dtype in operation.outputs]
    index = builder.operation(operation, sources, outputs, operation.scope)
    builder.set_options(index, operation, None)
    array = values.get((id(operation), 0))
    if array is not None:
        builder.set_value(index, array)
    return index


def compute_gradients(
    builder: Builder, tensors: Sequence[Any], on_step: OnStep | None = None
) -> None:
    """Walk backward for the picture alone: no gradient is stored, no hook called, nothing freed.

    Args:
        builder: what gets the gradients.
        tensors: where to start, each with a gradient of ones.
        on_step: is called with the node, the gradients at it and those sent on, after each step.
    """
    operations = _in_order(_nodes_of(tensors))
    roots = []
    for tensor in tensors:
        edge = gradient_edge(tensor)
        if edge is not None:
            ones = array_module(tensor.array).ones_like(tensor.array)
            roots.append((edge, tensor._wrap(ones)))
    leaves = [edge[0] for op in operations for edge in op.edges if edge is not None]
    everything = list({id(x): x for x in [*operations, *leaves]}.values())
    sinks: dict[Any, Any] = {(x, 0): lambda gradient: None for x in everything}
    walk = Walk(roots, recorded=False, keep_graph=True, sinks=sinks, unseen=True)
    walk.observer = None
    steps = walk.steps()
    clock = time.perf_counter()
    while True:
        with walk.walking():
            step = next(steps, None)
        if step is None:
            break
        node, *gradients = step
        grads, input_grads = ([x if x is None else walk.as_tensor(x) for x in y] for y in gradients)
        index = builder.operations.get(node)
        if index is not None:
            builder.picture.nodes[index].backward_seconds = time.perf_counter() - clock
        note_step(builder, node, grads, input_grads)
        if on_step is not None:
            on_step(node, grads, input_grads)
        clock = time.perf_counter()
    builder.picture.backward_ran = True


def note_step(
    builder: Builder, node: Any, grads: Sequence[Any], input_grads: Sequence[Any]
) -> None:
    """Note what one step of a backward walk found: the gradients at a node, and those sent on."""
    picture = builder.picture
    if not isinstance(node, Operation):
        found = builder.tensors.get(node)
        if found is not None and grads:
            picture.nodes[found[0]].gradient = stats_of(grads[0].array)
        return
    index = builder.operations.get(node)
    if index is None:
        return
    first = next((gradient for gradient in grads if gradient is not None), None)
    if first is not None:
        picture.nodes[index].gradient = stats_of(first.array)
    links = builder.links_into(index)
    for position, gradient in enumerate(input_grads):
        link = links.get(position)
        if link is not None:
            link.gradient = gradient_stats(gradient, link.shape)
