"""One recorded operation: what it computes, what it keeps for backward, and its gradient.

An operation is a small class. Its instance is the node of the graph and the context at once: it is
made for one call, keeps what ``backward`` will need, and knows where the gradients go::

    class Mul(Operation):
        \"""a * b.  Gradient: da = g b, db = g a.  Saves a and b.\"""

        def forward(self, a, b):                    # arrays
            self.save_for_backward(a, b)
            return a * b

        def backward(self, grad):                   # tensors
            a, b = self.saved_tensors
            need_a, need_b = self.needs_input_grad
            return grad * b if need_a else None, grad * a if need_b else None

    y = Mul.apply(x, 3.0)

``forward`` works on arrays. ``backward`` works on tensors, so that it is recorded itself when
somebody wants the gradient of a gradient. Neither mentions broadcasting: the engine sums a gradient
back to the shape of the input that it belongs to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam.autograd.errors import (
    FREED_GRAPH,
    LEAF_IN_PLACE,
    NO_TENSOR,
    add_location,
    modified_in_place,
)
from tinygrad_adam.autograd.grad_mode import current_mode, mode
from tinygrad_adam.autograd.variable import Edge, Variable, gradient_edge
from tinygrad_adam.backend import Array, is_array


class Operation:
    """A differentiable operation on arrays; subclasses define ``forward`` and ``backward``."""

    returns_view: bool = False
    """Whether the result shares its memory with the first input."""
    edges: tuple[Edge | None, ...] = ()
    """For each input, where its gradient goes; None if it needs none."""
    outputs: tuple[tuple[tuple[int, ...], np.dtype], ...] = ()
    """Shape and dtype of each result."""
    scope: Any = None
    """The call of a module in which the operation ran, or None."""
    traceback: list[str] | None = None
    """Where the program called the operation, if that was in anomaly mode."""
    hooks: dict[int, dict[int, Any]] | None = None
    """For each result that has some, the functions to call with its gradient."""
    retained: dict[int, Any] | None = None
    """For each result that retains its gradient, a weak reference to the tensor."""
    restricted: tuple[bool, ...] | None = None
    """Set by a walk that needs fewer gradients than all: which."""
    materialize_grads: bool = True
    """Whether a missing gradient of one of several results arrives as zeros."""
    _saved: tuple[Any, ...] | None = ()

    def forward(self, *inputs: Any) -> Any:
        """Compute the result, an array or a tuple of arrays, from arrays and options."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def backward(self, *grads: Any) -> Any:
        """Return the gradient for each input, given that of each result; None where not needed."""
        raise NotImplementedError(
            f"You must implement the backward method of {type(self).__name__} to use it with "
            "autograd"
        )

    def save_for_backward(self, *values: Any) -> None:
        """Keep inputs, results, other arrays or plain values until the walk has passed."""
        self._saved = values

    @property
    def name(self) -> str:
        """The name in ``repr`` and pictures, for example ``MulBackward0``."""
        return f"{type(self).__name__}Backward0"

    @property
    def module_path(self) -> str:
        """Path of the module in which the operation ran, such as ``conv1`` or ``fc.0``; or ""."""
        return "" if self.scope is None else self.scope.path

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each input, what gets its gradient (an operation or a leaf), and the slot there."""
        return tuple(edge or (None, 0) for edge in self.edges)

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each input, whether ``backward`` must compute its gradient."""
        return self.restricted or tuple([edge is not None for edge in self.edges])

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` got, arrays as tensors with their history.

        Raises:
            RuntimeError: the values were freed by an earlier backward, or one of them was changed
                in place since.
        """
        if self._saved is None:
            raise RuntimeError(FREED_GRAPH)
        return tuple([self._unpack(*entry) for entry in self._saved])

    def release(self) -> None:
        """Let go of what was saved. A node that saved nothing may be passed again."""
        if self._saved:
            self._saved = None

    def _pack(
        self, value: Any, inputs: tuple[Any, ...], output: tuple[Any, ...], results: tuple[Any, ...]
    ) -> tuple[Any, int | None, int | None]:
        """Return an entry ``(value, version, slot)`` of what is saved.

        An array that is an input stands for that tensor. A result is kept as an array alone, since
        the tensor points to this node: the pair would never be freed without the cycle collector.
        """
        for tensor in inputs:
            if isinstance(tensor, Variable) and tensor.array is value:
                return tensor, tensor._version[0], None
        for slot, tensor in enumerate(results):
            if output[slot] is value:
                alias = tensor._wrap(tensor.array)
                alias._version = tensor._version
                return alias, tensor._version[0], slot
        if is_array(value) or isinstance(value, np.generic):
            return next(x for x in inputs if isinstance(x, Variable))._wrap(value), 0, None
        return value, None, None

    def _unpack(self, value: Any, version: int | None, slot: int | None) -> Any:
        if version is None:
            return value
        if value._version[0] != version:
            raise RuntimeError(modified_in_place(self, value, version, slot))
        if slot is None:
            return value
        result = value._wrap(value.array)
        result._version = value._version
        result._edge = (self, slot)
        result._requires_grad = True
        return result

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run the operation on tensors and options, and record it if a gradient may be wanted.

        Raises:
            TypeError: no input is a tensor.
        """
        node = cls()
        now = current_mode()
        record = False
        like = None
        arrays: list[Any] = []
        edges: list[Edge | None] = []
        for x in inputs:
            edge = None
            if isinstance(x, Variable):
                like = x
                arrays.append(x.array)
                if x._base is not None and x._view_version != x._version[0]:
                    x._refresh_view()
                if x._requires_grad and now.grad:
                    edge = x._edge or (x, 0)
                    record = True
            else:
                arrays.append(x)
            edges.append(edge)
        if like is None:
            raise TypeError(NO_TENSOR.format(cls.__name__.lower(), type(inputs[0]).__name__))

        node.edges = tuple(edges)
        try:
            if now.quiet:
                output = node.forward(*arrays)
            else:
                with np.errstate(all="ignore"):
                    output = node.forward(*arrays)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise add_location(error, node, now.scope, arrays) from error.__cause__

        outputs = output if type(output) is tuple else (output,)
        results = tuple([like._wrap(array) for array in outputs])
        if node.returns_view:
            _share_memory(next(x for x in inputs if isinstance(x, Variable)), results)
        if record:
            node._record(now, inputs, outputs, results)
        if now.anomaly is not None:
            now.anomaly.after_forward(node, inputs, results)
        return results if type(output) is tuple else results[0]

    def _record(
        self, now: Any, inputs: tuple[Any, ...], output: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        """Make this node the history of ``results``, the tensors around the arrays ``output``."""
        self.scope = now.scope
        self.outputs = tuple([(x.array.shape, x.array.dtype) for x in results])
        if self._saved:
            self._saved = tuple(
                [self._pack(value, inputs, output, results) for value in self._saved]
            )
        for slot, result in enumerate(results):
            if result.array.dtype.kind in "fc":
                result._edge = (self, slot)
                result._requires_grad = True


def _share_memory(source: Variable, views: tuple[Variable, ...]) -> None:
    """Make ``views`` know that they are views of ``source``, and share its version counter."""
    for view in views:
        view._base = base = source if source._base is None else source._base
        view._base_edge = base._edge
        view._version = source._version
        view._view_version = source._version[0]


class Function(Operation):
    """A custom operation, written as in PyTorch: static methods, a context, tensors on both sides.

    Example::

        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x * x

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return 3 * x * x * grad

        y = Cube.apply(x)

    ``forward`` runs unrecorded. ``backward`` returns a gradient for each argument of ``forward``,
    None for those that are no tensors. Attributes may be set on ``ctx`` freely.

    Source: PyTorch, ``torch.autograd.Function``.
    """

    _not_differentiable: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    setup_context: Any = None

    @property
    def name(self) -> str:
        """The name in ``repr`` and pictures, for example ``CubeBackward``."""
        return f"{type(self).__name__}Backward"

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) until the walk has passed.

        Raises:
            TypeError: something else was passed; set it as an attribute of ``ctx`` instead.
        """
        for i, x in enumerate(tensors):
            if x is not None and not isinstance(x, Variable):
                raise TypeError(
                    "save_for_backward can only save variables, but argument "
                    f"{i} is of type {type(x).__name__}; set it as an attribute of ctx instead"
                )
        self._saved = tuple([None if x is None else x.array for x in tensors])

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Declare results that have no gradient (an index, a mask)."""
        self._not_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Declare inputs that ``forward`` changed in place and returns."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether a missing gradient arrives as zeros (True) or as None."""
        self.materialize_grads = value

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run the operation on tensors and options, and record it if a gradient may be wanted.

        Raises:
            RuntimeError: ``forward`` changed a leaf that requires grad.
        """
        node = cls()
        now = current_mode()
        edges = [gradient_edge(x) if now.grad and isinstance(x, Variable) else None for x in inputs]
        node.edges = tuple(edges)
        with mode(grad=False):
            # Called on the class: with or without @staticmethod, the node is the context.
            if cls.setup_context is None:
                output = cls.forward(node, *inputs)
            else:
                output = cls.forward(*inputs)
                cls.setup_context(node, inputs, output)
        everything = output if isinstance(output, tuple) else (output,)
        everything = tuple([node._own(x, inputs) for x in everything])
        results = tuple([x for x in everything if isinstance(x, Variable)])
        if any(edges):
            node._record(now, inputs, tuple([x.array for x in results]), results)
            marked = [x.array for x in node._not_differentiable]
            for result in results:
                if any(result.array is array for array in marked):
                    result._edge, result._requires_grad = None, False
        if now.anomaly is not None:
            now.anomaly.after_forward(node, inputs, results)
        return everything if isinstance(output, tuple) else everything[0]

    def _own(self, result: Any, inputs: tuple[Any, ...]) -> Any:
        """Return ``result`` as a tensor to which this node may give a history."""
        if not any(result is x for x in inputs):
            return result
        if not any(result is x for x in self._dirty):
            return result._wrap(result.array.view())
        if result._requires_grad and result._edge is None and current_mode().grad:
            raise RuntimeError(LEAF_IN_PLACE)
        result._version[0] += 1
        return result
