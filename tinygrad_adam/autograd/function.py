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
somebody wants the gradient of a gradient. Where nobody does, it may be given arrays instead, if it
consists of what they understand too: operators, and other operations. Neither mentions
broadcasting: the engine sums a gradient back to the shape of the input that it belongs to.
"""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import Any

import numpy as np

from tinygrad_adam.autograd.errors import FREED_GRAPH, NO_TENSOR, add_location
from tinygrad_adam.autograd.grad_mode import current_mode
from tinygrad_adam.autograd.saved import keep, restore
from tinygrad_adam.autograd.variable import Edge, Variable


class Operation:
    """A differentiable operation on arrays; subclasses define ``forward`` and ``backward``."""

    backward_takes_arrays: bool = False
    """Whether ``backward`` consists of what arrays understand as tensors do: operators, ``sum``,
    ``reshape``, ``apply`` of other operations. A walk that is not recorded then calls it with
    arrays, gradient and ``saved_tensors`` alike: cheaper for small ones. One result only."""
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
    needs_input_grad: tuple[bool, ...] = ()
    """For each input, whether ``backward`` must compute its gradient."""
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

    save = save_for_backward

    @property
    def saved(self) -> tuple[Any, ...]:
        """What ``save`` got."""
        return self.saved_tensors

    def name(self) -> str:
        """Return the name under which ``repr`` shows the operation, for example MulBackward0."""
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
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` got, arrays as tensors with their history.

        For a ``backward`` that is called with arrays, arrays.

        Raises:
            RuntimeError: the values were freed by an earlier backward, or one of them was changed
                in place since.
        """
        if self._saved is None:
            raise RuntimeError(FREED_GRAPH)
        as_arrays = self.backward_takes_arrays and current_mode().grad is None
        return restore(self, self._saved, as_arrays)

    def release(self) -> None:
        """Let go of what was saved. A node that saved nothing may be passed again."""
        if self._saved:
            self._saved = None

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run the operation on tensors and options, and record it if a gradient may be wanted.

        A ``backward`` that was given arrays applies operations to arrays, and gets arrays: these
        only run ``forward``.

        Raises:
            TypeError: no input is a tensor.
        """
        node = cls()
        node.needs_input_grad = (False,) * len(inputs)
        grad, scope, observer = current_mode()
        if grad is None and not any(isinstance(x, Variable) for x in inputs):
            return node.forward(*inputs)
        like: Any = None
        arrays: list[Any] = []
        edges: list[Edge | None] = []
        if grad:
            for x in inputs:
                edge = None
                if isinstance(x, Variable):
                    if x._base is not None and x._view_version != x._version[0]:
                        x._refresh_view()
                    if x._requires_grad:
                        edge = x._edge or (x, 0)
                    like = x
                    x = x.array
                arrays.append(x)
                edges.append(edge)
        else:
            for x in inputs:
                if isinstance(x, Variable):
                    like = x
                    x = x.array
                arrays.append(x)
        if like is None:
            raise TypeError(NO_TENSOR.format(cls.__name__.lower(), type(inputs[0]).__name__))
        recording = any(edges)
        if recording:
            node.edges = tuple(edges)
            needs = tuple(map(bool, edges))
            node.needs_input_grad = _patterns.setdefault(needs, needs)
        try:  # a walk that is not recorded is quiet already
            output = node.forward(*arrays) if grad is None else _quietly.run(node.forward, *arrays)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            located = add_location(error, node, scope, arrays)
            if observer is not None:
                observer.failed(node, inputs, located)
            raise located from error.__cause__

        if type(output) is tuple:
            value = results = tuple([like._wrap(array) for array in output])
        else:
            value = like._wrap(output)
            if not recording and not node.returns_view and observer is None:
                return value
            output, results = (output,), (value,)
        if node.returns_view:
            _share_memory(inputs[0], results)
        if recording:
            node._record(scope, inputs, output, results)
        if observer is not None:
            observer.after_forward(node, inputs, results)
        return value

    def _record(
        self, scope: Any, inputs: tuple[Any, ...], output: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        """Make this node the history of ``results``, the tensors around the arrays ``output``."""
        self.scope = scope
        outputs = []
        for slot, result in enumerate(results):
            dtype = result.array.dtype
            outputs.append((result.array.shape, dtype))
            if dtype.kind in "fc":
                result._edge = (self, slot)
                result._requires_grad = True
        self.outputs = tuple(outputs)
        if self._saved:
            saved: list[Any] = []
            for value in self._saved:
                saved.append(None if value is None else keep(value, inputs, output, results))
            self._saved = tuple(saved)


class _Quiet(threading.local):
    """Runs operations with NumPy's floating-point warnings off: 1 / 0 is simply infinite.

    Each thread has a context in which they are off, and runs the operation there, which costs a
    tenth of switching them off and on again (``numpy.errstate``) for each operation.
    """

    def __init__(self) -> None:
        context = copy_context()
        context.run(np.seterr, all="ignore")
        self.run = context.run


_quietly = _Quiet()
# One tuple for each pattern of needs_input_grad: Python's cycle collector has less to look through.
_patterns: dict[tuple[bool, ...], tuple[bool, ...]] = {}


def _share_memory(source: Variable, views: tuple[Variable, ...]) -> None:
    """Make ``views`` know that they are views of ``source``, and share its version counter."""
    for view in views:
        view._base = base = source if source._base is None else source._base
        view._base_edge = base._edge
        view._version = source._version
        view._view_version = source._version[0]
