"""One recorded operation: what it computes, what it keeps for backward, and its gradient.

An operation is a small class; beside it stands its function. The instance is the node of the graph
and the context at once: made for one call, it keeps what ``backward`` needs and knows where the
gradients go::

    class Mul(Operation):
        \"""a b.  Gradient: da = g b, db = g a.  Saves what these name.\"""

        def forward(self, a, b):
            need_a, need_b = self.needs_input_grad
            self.save(a if need_b else None, b if need_a else None)
            return a * b

        def backward(self, grad):
            a, b = self.saved
            need_a, need_b = self.needs_input_grad
            return grad * b if need_a else None, grad * a if need_b else None

    def mul(input, other):
        \"""Return input * other, elementwise.\"""
        return Mul.apply(input, other)

``forward`` works on arrays. ``backward`` works on arrays in a walk that nobody records, and on
tensors in one that is recorded for gradients of gradients. It need not know which, if it uses
nothing but operators, ``shape``, ``ndim``, ``dtype`` and functions of ``ops``: those take either.
No methods: ``x.sum(1)`` means different things to NumPy and to us.

Neither mentions broadcasting: the engine sums a gradient back to the shape of the input that it
belongs to. Nor complex numbers. There a gradient is dL/dx + i dL/dy, as in PyTorch: g conj(df/dz)
where f has a derivative. The engine conjugates what goes into ``backward`` and what comes out of
it, so that what is right for real numbers is right for complex ones. An operation with a complex
result that has no such derivative, because it sees real and imaginary parts, says so:
``holomorphic = False``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from inspect import Parameter, signature
from typing import Any

from numpy import asarray, generic

from tinygrad_adam.autograd import errors
from tinygrad_adam.autograd.hooks import Watch
from tinygrad_adam.autograd.mode import current_mode, forward_contexts, nested_forward
from tinygrad_adam.autograd.traced import Edge, Traced, Unversioned, link_view, refresh
from tinygrad_adam.backend import DEFAULT_DTYPE, Array

# Of a saved array: the version counter of its memory, what that said then, what the array is, an
# input or the number of a result, and an input's history. Not the result itself, whose history is
# the node: the two would never be freed without the cycle collector.
Origin = tuple[list[int], int, "Traced | int", "Edge | None"]


class Operation:
    """A differentiable operation on arrays; subclasses define ``forward`` and ``backward``."""

    returns_view: bool = False
    """Whether the result shares its memory with the first input. ``forward`` may decide."""
    takes_tensors: bool = False
    """Whether ``backward`` always works on tensors, methods and all: a user's ``Function``."""
    holomorphic: bool = True
    """Whether ``backward``, written for real numbers, says df/dz of a complex result, too."""
    conjugates: bool = False
    """Whether that is how ``backward`` is to be used: the result is complex."""
    materialize_grads: bool = True
    """Whether a missing gradient of one of several results arrives as zeros."""
    of_numbers: bool = False
    """Whether it takes numbers with no tensor beside them, as 0-d tensors."""
    needs_input_grad: tuple[bool, ...] = ()
    """For each input, whether ``backward`` must compute its gradient."""
    edges: tuple[Edge | None, ...] = ()
    """For each input, where its gradient goes; None if it needs none."""
    outputs: tuple[tuple[tuple[int, ...], Any], ...] = ()
    """Shape and dtype of each result."""
    watches: dict[int, Watch] | None = None
    """For each result whose gradient somebody wants to see: who."""
    scope: Any = None
    """The call of a module in which the operation ran, or None."""
    traceback: list[str] | None = None
    """Where the program called the operation, if that was in anomaly mode."""
    note: Any = None
    """What anomaly mode has seen of it, if there is anything to say."""
    _saved: Any = ()
    """The values saved, a tuple; None once they were let go of."""
    _origins: tuple[Origin | None, ...] = ()
    """For each value saved: what it is."""
    _wrap: Any = None
    """Makes a tensor of an array."""
    _node: Operation | None = None
    """For a stand-in, the node in the graph."""

    def forward(self, *inputs: Any) -> Any:
        """Compute the result, an array or a tuple of arrays, from arrays and options."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def backward(self, *grads: Any) -> Any:
        """Return the gradient of each input, given that of each result; None where not needed."""
        raise NotImplementedError(
            f"You must implement the backward method of {type(self).__name__} to use it with "
            "autograd"
        )

    def backward_of_tensors(self, *grads: Any) -> Any:
        """Do what ``backward`` does, for one that takes tensors only."""
        return self.backward(*grads)

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run the operation on tensors and options, and record it if a gradient may be wanted.

        Where values are arrays (inside ``forward``, in a walk that nobody records) and no input is
        a tensor, this is ``forward`` and nothing else.

        Raises:
            TypeError: no input is a tensor, anywhere else.
        """
        grad, on_arrays, nested, scope, observer, inference = current_mode()
        grad = grad and not inference
        node = cls()
        if on_arrays:
            for x in inputs:
                if isinstance(x, Traced):
                    break
            else:
                node.needs_input_grad = (False,) * len(inputs)
                return node.forward(*inputs)
        like: Any = None
        arrays: list[Any] = []
        edges: list[Edge | None] = []
        for x in inputs:
            edge = None
            if isinstance(x, Traced):
                if grad:
                    if x._base is not None and x._base_version != x._writes[0]:
                        refresh(x)
                    if x._requires_grad:
                        edge = x._edge or (x, 0)
                like = x
                x = x.array
            elif isinstance(x, generic) and not on_arrays:  # in a walk these are arrays
                x = x.item()
            arrays.append(x)
            edges.append(edge)
        recording = any(edges)
        if recording:
            node.edges = tuple(edges)
            needs = tuple([edge is not None for edge in edges])
            node.needs_input_grad = _patterns.setdefault(needs, needs)
        else:
            if like is None:
                if not cls.of_numbers or not all(type(x) in DEFAULT_DTYPE for x in arrays):
                    raise TypeError(errors.no_tensor(cls.__name__, inputs))
                like, arrays = Traced, [asarray(x, DEFAULT_DTYPE[type(x)]) for x in arrays]
            node.needs_input_grad = (False,) * len(edges)
        if observer is not None:
            observer.before_forward(node, inputs)
        try:
            if on_arrays:
                output = node.forward(*arrays)
            else:
                run = nested_forward if nested else forward_contexts.run[grad]
                output = run(node.forward, *arrays)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            located = errors.add_location(error, node, scope, arrays)
            if observer is not None:
                observer.failed(node, inputs, located)
            raise located from error.__cause__

        several = type(output) is tuple
        wrap = like._wrap
        results = tuple([wrap(array) for array in output]) if several else (wrap(output),)
        if inference:
            for result in results:
                result._writes = Unversioned([0])
        if recording:
            node._record(inputs, arrays, output if several else (output,), results)
            node.scope = scope
        if node.returns_view:
            locked = errors.SEVERAL_VIEWS if several else ""
            locked = locked if grad else errors.NO_GRAD_VIEW
            for slot, result in enumerate(results):
                replay = partial(_replay, cls, inputs[1:], slot if several else None)
                link_view(result, inputs[0], replay, locked)
        if observer is not None:
            observer.after_forward(node, inputs, results)
        return results if several else results[0]

    def _record(
        self,
        inputs: tuple[Any, ...],
        arrays: Sequence[Any],
        outputs: tuple[Array, ...],
        results: tuple[Any, ...],
    ) -> None:
        """Make this node the history of ``results``.

        Args:
            inputs: tensors and options.
            arrays: the same, with the arrays of the tensors.
            outputs: the arrays of the results, as ``forward`` gave them.
            results: the tensors around them.
        """
        made = []
        for slot, result in enumerate(results):
            array = result.array
            dtype = array.dtype
            made.append((array.shape, dtype))
            kind = dtype.kind
            if kind in "fc":
                result._edge = (self, slot)
                result._requires_grad = True
                if kind == "c":
                    self.conjugates = self.holomorphic
        self.outputs = tuple(made)
        if not self._saved:
            return
        self._wrap = results[0]._wrap
        origins: list[Origin | None] = []
        for value in self._saved:
            origin: Origin | None = None
            if value is not None:
                for x, array in zip(inputs, arrays):
                    if array is value and x is not value:
                        if type(x._writes) is Unversioned:
                            raise RuntimeError(errors.SAVED_INFERENCE)
                        origin = (x._writes, x._writes[0], x, x._edge)
                        break
                else:
                    for slot, array in enumerate(outputs):
                        if array is value:
                            version = results[slot]._writes
                            origin = (version, version[0], slot, None)
            origins.append(origin)
        self._origins = tuple(origins)

    # --- what backward needs ---------------------------------------------------------------------

    def save(self, *values: Any) -> None:
        """Keep inputs, results, other arrays or plain values (or None) until the walk has passed.

        ``save_for_backward`` is PyTorch's name for it.
        """
        self._saved = values

    save_for_backward = save

    @property
    def saved(self) -> tuple[Any, ...]:
        """What ``save`` got: the arrays; where values are tensors, tensors with their history.

        Raises:
            RuntimeError: they were freed by an earlier backward, or one was changed or detached in
                place since.
        """
        if self._saved is None:
            raise RuntimeError(errors.FREED_GRAPH)
        if type(self._saved) is not tuple:  # packed by hooks (graph.py)
            return self._saved.unpacked(self._node or self)  # type: ignore[no-any-return]
        for value, origin in zip(self._saved, self._origins):
            if origin is not None:
                counter, version, source, edge = origin
                if counter[0] != version:
                    text = errors.modified_in_place(self, value, counter, version, source)
                    raise RuntimeError(text)
                if edge is not None and source._edge is None:  # type: ignore[union-attr]
                    raise RuntimeError(errors.detached_in_place(self, value))
        if current_mode().arrays:
            return self._saved
        return tuple(map(self._as_tensor, self._saved, self._origins))

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """PyTorch's name for :attr:`saved`."""
        return self.saved

    @property
    def kept(self) -> tuple[tuple[Any, Traced | int | None], ...]:
        """For pictures, each value saved and which input or result it is; nothing once freed."""
        saved = self._saved if isinstance(self._saved, tuple) else ()
        origins = self._origins or (None,) * len(saved)
        return tuple([(x, None if of is None else of[2]) for x, of in zip(saved, origins)])

    def _as_tensor(self, value: Any, origin: Any) -> Any:
        """Return an array that was saved as a tensor with its history."""
        if origin is None:  # the operation's own: nobody else writes to it
            return self._wrap(value) if hasattr(value, "dtype") else value
        counter, _, source, _ = origin
        if isinstance(source, Traced):
            return source
        result = self._wrap(value)
        result._edge, result._requires_grad = (self._node or self, source), True
        result._writes = counter
        return result

    def narrowed(self, needs_input_grad: tuple[bool, ...]) -> Operation:
        """Return a stand-in that needs fewer gradients, for one walk: others may be under way."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, needs_input_grad=needs_input_grad, _node=self)
        return twin

    def release(self) -> None:
        """Let go of what was saved. A node that saved nothing may be passed again."""
        if self._saved:
            self._saved, self._origins = None, ()

    # --- what users see of a grad_fn (nodes.py) -------------------------------------------------

    backward_name: str = ""
    """PyTorch's name of the operation without ``Backward0``, where it is not that of the class; or
    the whole name."""

    part_of: Any = None
    """What stands in PyTorch's graph for the composed function whose last step it is, if so."""

    def shown(self) -> Any:
        """Return how PyTorch's graph shows the operation: its name there, and its inputs.

        An input is a position among those of ``forward``, an edge, None, or a tuple like this one,
        for a node of its own.
        """
        name = self.backward_name or type(self).__name__
        arrays = _array_positions(type(self).forward, len(self.edges))
        positions = [i for i, edge in enumerate(self.edges) if edge or i in arrays]
        return (name if "Backward" in name else f"{name}Backward0", *positions)

    @property
    def module_path(self) -> str:
        """Path of the module in which the operation ran, such as ``conv1`` or ``fc.0``; or ""."""
        return "" if self.scope is None else self.scope.path

    def form(self) -> Any:
        """Return what stands for the operation in PyTorch's graph: see :meth:`shown`."""
        name = self.backward_name or type(self).__name__
        return self.part_of or (self.shown() if self.edges else (f"{name}Backward0",))

    def name(self) -> str:
        """Return the name under which ``repr`` shows the operation, for example MulBackward0."""
        return str(self.form()[0])


@cache
def _array_positions(forward: Callable[..., Any], count: int) -> frozenset[int]:
    """Return which of so many inputs of ``forward`` are arrays, as its annotations say."""
    parameters = list(signature(forward).parameters.values())[1:]
    if parameters[-1].kind is Parameter.VAR_POSITIONAL:
        parameters += parameters[-1:] * (count - len(parameters))
    kinds = [str(x.annotation) for x in parameters[:count]]
    return frozenset([i for i, kind in enumerate(kinds) if kind.startswith("Array")])


# One tuple for each pattern of needs_input_grad: Python's cycle collector has less to look through.
_patterns: dict[tuple[bool, ...], tuple[bool, ...]] = {}


def _replay(cls: type[Operation], options: tuple[Any, ...], slot: int | None, base: Any) -> Any:
    """Make a view again, of a tensor or an array."""
    made = cls.apply(base, *options)
    return made if slot is None else made[slot]
