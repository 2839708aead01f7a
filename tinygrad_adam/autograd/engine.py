"""The backward walk.

From the outputs towards the leaves, every operation is visited once, after all its consumers. How
many of those there are is counted first (:func:`_count_consumers`); an operation is ready when the
last of them has been passed. There is no recursion, so graphs may be as deep as memory allows.

The gradients under way live in a dictionary of the walk, not on the nodes, and leave it as the walk
passes: two walks never see each other, and nothing lingers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd.errors import check_count, invalid_gradient
from tinygrad_adam.autograd.function import Operation
from tinygrad_adam.autograd.grad_mode import current_mode
from tinygrad_adam.autograd.variable import Edge, Variable
from tinygrad_adam.backend import array_module

Node = Operation | Variable
Sinks = dict[Edge, Callable[[Any], None]]
# For each node that gradients are on the way to: those that arrived, and what they must fit.
Table = dict[Node, tuple[list[Any], tuple[tuple[tuple[int, ...], np.dtype], ...]]]


class Step(NamedTuple):
    """One step of the walk, after it was taken."""

    node: Node
    """The operation passed, or the leaf reached."""
    grads: Sequence[Any]
    """The gradient of each of its results, None where there is none; empty if none came at all."""
    input_grads: Sequence[Any]
    """The gradient that it sent on for each of its inputs, or None. Empty for a leaf."""


def walk(
    roots: Sequence[tuple[Edge, Any]],
    keep_graph: bool,
    sinks: Sinks | None = None,
    observer: Any = None,
) -> Iterator[tuple[Node, Sequence[Any], Sequence[Any]]]:
    """Carry gradients from ``roots`` through the graph, yielding each step as a tuple.

    Args:
        roots: where to start, each with the gradient there.
        keep_graph: whether operations keep what they saved.
        sinks: what to do with the gradient at given places; then only operations on the way to
            them are visited. By default every leaf that is reached stores its gradient.
        observer: who is told of each operation passed.

    The grad mode that holds while a step is taken decides whether the step is recorded.
    """
    pending = _count_consumers([edge[0] for edge, _ in roots])
    wanted = None if sinks is None else _leading_to({edge[0] for edge in sinks}, pending)
    table: Table = {}
    for start, gradient in roots:
        _add(table, start, gradient)
    ready = [node for node in table if not pending[node]]
    while ready:
        node = ready.pop()
        grads, _ = table.pop(node, ((), ()))
        input_grads: Sequence[Any] = ()
        if grads:
            if node.hooks or node.retained:
                _call_hooks(node, grads)
            if sinks is not None:
                for slot, gradient in enumerate(grads):
                    if gradient is not None and (node, slot) in sinks:
                        sinks[node, slot](gradient)
            if isinstance(node, Operation):
                input_grads = _run(node, grads, wanted)
                if observer is not None:
                    observer.after_backward(node, grads, input_grads)
                if not keep_graph:
                    node.release()
            elif sinks is None:
                store(node, grads)
        for edge, gradient in zip_longest(node.edges, input_grads):
            if edge is None or (wanted is not None and edge[0] not in wanted):
                continue
            if gradient is not None:
                try:
                    _add(table, edge, gradient)
                except (AttributeError, RuntimeError) as error:
                    raise invalid_gradient(node, edge, gradient, error) from error.__cause__
            parent = edge[0]
            left = pending[parent] = pending[parent] - 1
            if not left:
                ready.append(parent)
        yield node, grads, input_grads
        edge = gradient = None  # a leaf is to own its gradient, so nobody else may hold it


def _count_consumers(roots: Sequence[Node]) -> dict[Node, int]:
    """Return every node that ``roots`` lead to, with the number of edges that arrive at it."""
    count = dict.fromkeys(roots, 0)
    stack = list(count)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None:
                parent = edge[0]
                already = count.get(parent)
                if already is None:
                    stack.append(parent)
                count[parent] = (already or 0) + 1
    return count


def _leading_to(targets: set[Node], nodes: dict[Node, int]) -> set[Node]:
    """Return those of ``nodes`` from which an edge path leads to one of ``targets``."""
    consumers: dict[Node, list[Node]] = {}
    for node in nodes:
        for edge in node.edges:
            if edge is not None:
                consumers.setdefault(edge[0], []).append(node)
    wanted = set(targets)
    stack = list(targets)
    while stack:
        for consumer in consumers.get(stack.pop(), ()):
            if consumer not in wanted:
                wanted.add(consumer)
                stack.append(consumer)
    return wanted


def _run(node: Operation, grads: list[Any], wanted: set[Node] | None) -> tuple[Any, ...]:
    """Return the gradients of a node's inputs, given those of its results."""
    needs = node.needs_input_grad
    if wanted is not None:
        fewer = tuple([edge is not None and edge[0] in wanted for edge in node.edges])
        if not any(fewer):
            return ()
        node.needs_input_grad = fewer
    if len(grads) > 1 and node.materialize_grads:
        like = next(gradient for gradient in grads if gradient is not None)
        for slot, (shape, dtype) in enumerate(node.outputs):
            if grads[slot] is None:
                grads[slot] = like._wrap(array_module(like.array).zeros(shape, dtype))
    on_arrays = node.backward_takes_arrays and current_mode().grad is None
    try:  # called on the class: with or without @staticmethod
        result = type(node).backward(
            node, *([None if x is None else x.array for x in grads] if on_arrays else grads)
        )
    finally:
        node.needs_input_grad = needs
    if type(result) is not tuple:
        result = tuple(result) if isinstance(result, list) else (result,)
    if len(result) != len(needs):
        check_count(node, result)
    if on_arrays:
        wrap = next(x for x in grads if x is not None)._wrap
        result = tuple([None if array is None else wrap(array) for array in result])
    return result


def _add(table: Table, edge: Edge, gradient: Any) -> None:
    """Add a gradient to what has arrived at ``edge`` so far.

    This is the one place where a gradient is made to fit the value that it belongs to: summed over
    the dimensions that broadcasting added or stretched, and cast to its dtype.
    """
    node, slot = edge
    arrived = table.get(node)
    if arrived is None:
        outputs = node.outputs
        arrived = table[node] = [None] * len(outputs), outputs
    row, outputs = arrived
    shape, dtype = outputs[slot]
    array = gradient.array
    if array.shape != shape:
        gradient = gradient.sum_to_size(shape)
    if array.dtype is not dtype and array.dtype != dtype:
        gradient = gradient.to(dtype)
    if row[slot] is None:
        row[slot] = gradient
    elif current_mode().grad:
        row[slot] = row[slot] + gradient
    elif shape and _is_owned(row, slot):
        row[slot].array += gradient.array
    else:  # for numbers (), NumPy is faster so than in place
        row[slot] = gradient._wrap(row[slot].array + gradient.array)


def _is_owned(row: list[Any], slot: int) -> bool:
    """Return whether nobody but ``row`` holds the gradient in it, so that it may be written to.

    ``backward`` of an addition sends the same tensor to both inputs, a user's hook may keep the one
    that it sees, and a view belongs to its base: only the reference counts know them all.
    """
    return (
        sys.getrefcount(row[slot]) == _SOLE_REFERENCE
        and sys.getrefcount(row[slot].array) == _SOLE_REFERENCE
        and row[slot].array.base is None
    )


_row = [object()]
_SOLE_REFERENCE = sys.getrefcount(_row[0])  # what an object held by nothing but a list shows


def store(leaf: Variable, grads: list[Any]) -> None:
    """Add the gradient of a leaf to its ``grad``, an array that is the leaf's alone."""
    if leaf._grad is None:
        if current_mode().grad or (_is_owned(grads, 0) and grads[0].array.flags.c_contiguous):
            leaf._grad = grads[0]
        else:
            leaf._grad = grads[0]._wrap(grads[0].array.copy(order="C"))
    elif current_mode().grad or leaf._grad._requires_grad:
        leaf._grad = leaf._grad + grads[0]
    else:
        leaf._grad.array += grads[0].array
        leaf._grad._version[0] += 1


def _call_hooks(node: Node, grads: list[Any]) -> None:
    """Show the gradients to the hooks, which may replace them, and to tensors that retain them."""
    for slot, hooks in (node.hooks or {}).items():
        for hook in list(hooks.values()):
            if grads[slot] is not None:
                replacement = hook(grads[slot])
                if replacement is not None:
                    grads[slot] = replacement
    for slot, reference in (node.retained or {}).items():
        tensor = reference()
        if tensor is not None and grads[slot] is not None:
            tensor._grad = grads[slot] if tensor._grad is None else tensor._grad + grads[slot]
