"""The backward walk.

How it works, on a diamond: ``b = exp(a)``, ``c = b * b``, ``d = c + b``::

                 Mul ── c ──┐
                ⫽           Add ── d        d.backward() walks from right to left
    a ── Exp ── b ──────────┘

A tensor knows its *edge*: the operation that made it, and which of its results it is; an operation
knows the edges of its inputs. From ``d`` these edges lead to every operation before it, and to the
leaf ``a``. First the walk goes there once and counts for each how many edges arrive: two at Exp
from Mul, one from Add (:func:`_count_consumers`). Then gradients travel. A node is ready when all
that use its results have been passed: ``Exp`` waits for Mul and for Add, which share ``b``. What
arrives at a result is added up at its *stop*, summed over broadcast dimensions and cast to the
dtype of the value (:meth:`Walk._add`). A node that is ready is asked for the gradients of its
inputs, which go on to their edges; what it saved is let go of. A leaf adds what arrived to its
``grad`` (:func:`store`). There is no recursion, so graphs may be as deep as memory allows.

Between the outputs and the leaves there is one kind of value. In a walk that nobody records
gradients are arrays, and ``backward`` of an operation computes with NumPy at NumPy's speed. In one
that is recorded (``create_graph``) they are tensors, and the same ``backward`` leaves a history.
Tensors are made at the border only: the gradient of a leaf, what hooks and observers see, what a
user's own ``Function`` gets. Stops belong to the walk and no node is changed: two walks never see
each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import numpy as np

from tinygrad_adam.autograd import hooks
from tinygrad_adam.autograd.errors import check_count, invalid_gradient
from tinygrad_adam.autograd.fit import Cast, SumToSize, conj
from tinygrad_adam.autograd.mode import current_mode, mode
from tinygrad_adam.autograd.observer import for_walk
from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.autograd.traced import Edge, Traced
from tinygrad_adam.backend import Array, array_module

Node = Operation | Traced
Value = Any  # an array, or in a recorded walk a tensor
# What to do with the gradient, a tensor, at given places.
Sinks = dict[Edge, Callable[[Any], None]]


class Walk:
    """One way back through the graph.

    Args:
        roots: where to start, each with the gradient there, a tensor.
        recorded: whether the walk is recorded, so that gradients are tensors.
        keep_graph: whether operations keep what they saved.
        sinks: what to do with the gradient at given places; then only operations on the way to
            them are visited. By default every leaf that is reached stores its gradient.
        unseen: show gradients to no hook and let no tensor retain them.
    """

    def __init__(
        self,
        roots: Sequence[tuple[Edge, Any]],
        recorded: bool,
        keep_graph: bool,
        sinks: Sinks | None = None,
        unseen: bool = False,
    ) -> None:
        self.roots, self.recorded, self.keep_graph, self.sinks = roots, recorded, keep_graph, sinks
        self.unseen = unseen
        self.wrap: Any = next((gradient._wrap for _, gradient in roots), None)
        self.observer = current_mode().observer

    def steps(self) -> Iterator[tuple[Node, Sequence[Value], Sequence[Value]]]:
        """Take the walk, in the mode of :meth:`walking`, yielding each step as a tuple.

        That is the node passed, the gradient of each of its results (empty if none came at all),
        and the gradient that it sent on for each of its inputs (empty for a leaf).
        """
        sinks, add = self.sinks, self._add
        stops = self.stops = _count_consumers([edge[0] for edge, _ in self.roots])
        if sinks is not None:
            stops = self.stops = _leading_to({edge[0] for edge in sinks}, stops)
        for (node, slot), gradient in self.roots:
            if node in stops:
                add(stops[node], slot, gradient if self.recorded else gradient.array)
        ready = [stop for stop in stops.values() if not stop.consumers]
        edge = gradient = None
        while ready:
            stop = ready.pop()
            node, grads = stop.node, stop.grads or []
            input_grads: Sequence[Value] = ()
            if grads:
                if node.watches is not None and not self.unseen:
                    self._show(node, grads)
                if sinks is not None:
                    for slot, gradient in enumerate(grads):
                        if gradient is not None and (node, slot) in sinks:
                            sinks[node, slot](self.as_tensor(gradient))
                if isinstance(node, Operation):
                    input_grads = self._run(node, grads)
                    if not self.keep_graph:
                        node.release()
                elif sinks is None:
                    store(node, grads, self.recorded)
            for edge, gradient in zip_longest(node.edges, input_grads):
                if edge is None or (parent := stops.get(edge[0])) is None:
                    continue
                if gradient is not None:
                    try:
                        add(parent, edge[1], gradient)
                    except (AttributeError, RuntimeError, ValueError) as error:
                        raise invalid_gradient(node, edge, gradient, error) from error.__cause__
                parent.consumers -= 1
                if not parent.consumers:
                    ready.append(parent)
            yield node, grads, input_grads
            stop.grads = edge = gradient = None  # a leaf is to own its gradient

    def _run(self, node: Operation, grads: list[Value]) -> tuple[Value, ...]:
        """Return the gradients of a node's inputs, given those of its results."""
        passed, observer = node, self.observer
        if observer is not None:
            observer.before_backward(node)
        if self.sinks is not None:
            on_the_way = tuple([edge is not None and edge[0] in self.stops for edge in node.edges])
            if not any(on_the_way):
                return ()
            if on_the_way != node.needs_input_grad:
                node = node.narrowed(on_the_way)
        if len(grads) > 1 and node.materialize_grads:
            self._fill(node, grads)
        if node.takes_tensors:
            result = self._outside(node.backward_of_tensors, grads)
        elif node.conjugates:
            result = node.backward(*_conjugated(grads))
            result = _conjugated(result if type(result) is tuple else (result,))
        else:
            result = node.backward(*grads)
        if type(result) is not tuple:
            result = tuple(result) if isinstance(result, list) else (result,)
        if len(result) != len(node.edges):
            check_count(node, result)
        if observer is not None:
            seen = [[None if x is None else self.as_tensor(x) for x in y] for y in (grads, result)]
            with mode(grad=self.recorded, arrays=False):
                observer.after_backward(passed, *seen)
        return result

    def _add(self, stop: Stop, slot: int, gradient: Value) -> None:
        """Add a gradient to what has arrived at a result so far.

        This is the one place where a gradient is made to fit the value that it belongs to: summed
        over the dimensions that broadcasting added or stretched, and cast to its dtype.
        """
        shape, dtype = stop.outputs[slot]
        if gradient.shape != shape:
            gradient = SumToSize.apply(gradient, shape)
        if gradient.dtype is not dtype and gradient.dtype != dtype:
            gradient = Cast.apply(gradient, dtype)
        grads = stop.grads
        if grads is None:
            grads = stop.grads = [None] * len(stop.outputs)
        if grads[slot] is None:
            grads[slot] = gradient
        elif not self.recorded and shape and _is_owned(grads, slot):
            grads[slot] += gradient
        else:
            grads[slot] = grads[slot] + gradient

    # --- at the border, where tensors are made -----------------------------------------------

    @contextmanager
    def walking(self) -> Iterator[None]:
        """Set the mode in which the walk takes its steps.

        Operations inside it are part of backward: whoever observes the program learns of them from
        the walk, not as operations of the program, unless they are recorded and it asks for them.
        """
        observer = for_walk(self.observer) if self.recorded else None
        # Arrays are not recorded. Tensors in here are those of a signal handler or a __del__, which
        # know nothing of the walk: what they do is recorded as it would be outside.
        kinds = {"grad": True, "arrays": False} if self.recorded else {"arrays": True}
        with mode(**kinds, observer=observer), np.errstate(all="ignore"):
            yield

    def as_tensor(self, gradient: Value) -> Any:
        """Return a gradient of this walk as a tensor."""
        return gradient if isinstance(gradient, Traced) else self.wrap(gradient)

    def _outside(self, function: Callable[..., Any], grads: Sequence[Value]) -> Any:
        """Call what users wrote: with tensors, where values are tensors. Return such of the walk's.

        It returns a tensor, or None, or a sequence of such.
        """
        if self.recorded:
            return function(*grads)
        tensors = [None if gradient is None else self.as_tensor(gradient) for gradient in grads]
        with mode(grad=False, arrays=False):
            result = function(*tensors)
        if isinstance(result, (tuple, list)):
            return tuple([getattr(x, "array", x) for x in result])
        return getattr(result, "array", result)

    def _show(self, node: Node, grads: list[Value]) -> None:
        """Show gradients to their hooks, which may replace them, and to who retains them."""
        for slot, watch in list((node.watches or {}).items()):
            if grads[slot] is not None:
                grads[slot] = self._outside(watch.show, [grads[slot]])

    def _fill(self, node: Operation, grads: list[Value]) -> None:
        """Put zeros where a result has no gradient, for a ``backward`` that wants them all."""
        some = next(gradient for gradient in grads if gradient is not None)
        xp = array_module(some.array if self.recorded else some)
        for slot, (shape, dtype) in enumerate(node.outputs):
            if grads[slot] is None:
                zeros = xp.zeros(shape, dtype)
                grads[slot] = self.wrap(zeros) if self.recorded else zeros


class Stop:
    """A node that gradients are on the way to."""

    __slots__ = ("consumers", "grads", "node", "outputs")

    def __init__(self, node: Node) -> None:
        self.node, self.outputs = node, node.outputs
        self.consumers = 0
        """How many edges arrive from nodes that have not been passed yet."""
        self.grads: list[Value] | None = None
        """The gradients that have arrived, one for each result, once there are any."""


def _conjugated(values: Sequence[Value | None]) -> tuple[Value | None, ...]:
    return tuple([None if x is None else conj(x) for x in values])


def _count_consumers(roots: Sequence[Node]) -> dict[Node, Stop]:
    """Return a stop for every node that ``roots`` lead to."""
    stops = {node: Stop(node) for node in roots}
    stack = list(stops)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None:
                parent = edge[0]
                stop = stops.get(parent)
                if stop is None:
                    stop = stops[parent] = Stop(parent)
                    stack.append(parent)
                stop.consumers += 1
    return stops


def _leading_to(targets: set[Node], stops: dict[Node, Stop]) -> dict[Node, Stop]:
    """Return those stops from which an edge path leads to one of ``targets``."""
    consumers: dict[Node, list[Node]] = {}
    for node in stops:
        for edge in node.edges:
            if edge is not None:
                consumers.setdefault(edge[0], []).append(node)
    wanted = {node for node in targets if node in stops}
    stack = list(wanted)
    while stack:
        for consumer in consumers.get(stack.pop(), ()):
            if consumer not in wanted:
                wanted.add(consumer)
                stack.append(consumer)
    return {node: stop for node, stop in stops.items() if node in wanted}


def _is_owned(row: list[Array], slot: int) -> bool:
    """Return whether nobody but ``row`` holds the array in it, so that it may be written to.

    ``backward`` of an addition sends the same array to both inputs, a hook may keep the one that it
    sees, and a view belongs to its base: only the reference count knows them all.
    """
    return sys.getrefcount(row[slot]) == _SOLE_REFERENCE and row[slot].base is None


_row = [object()]
_SOLE_REFERENCE = sys.getrefcount(_row[0])  # what an object held by nothing but a list shows


def store(leaf: Traced, grads: list[Value], recorded: bool) -> None:
    """Add the gradient of a leaf to its ``grad``, an array that is the leaf's alone.

    Walks of other threads may reach the leaf at the same time.
    """
    if not leaf._requires_grad:  # any more
        return
    with hooks.storing:
        held = leaf._grad
        if recorded or (held is not None and held._requires_grad):
            gradient = grads[0] if recorded else leaf._wrap(grads[0])
            leaf._grad = gradient if held is None else held + gradient
        elif held is not None:
            held.array += grads[0]
            held._writes[0] += 1
        else:
            own = _is_owned(grads, 0) and grads[0].flags.c_contiguous
            leaf._grad = leaf._wrap(grads[0] if own else grads[0].copy(order="C"))
    if leaf.after_accumulation:
        with mode(grad=recorded, arrays=False):
            for hook in list(leaf.after_accumulation.values()):
                if hook(leaf) is not None:
                    raise RuntimeError("Tensor post accumulate grad hooks should return None.")
