"""The graph as PyTorch shows it: what ``grad_fn`` and ``next_functions`` hand out.

A node is a look at a recorded operation or a leaf, made when somebody asks and gone when nobody
holds it: the tape knows nothing of it. Its name and its inputs are PyTorch's. Where one operation
here is several there (a linear layer also transposes its weight) there are as many nodes; where it
is the other way round (the mean of squared errors is one loss) there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from tinygrad_adam.autograd.fit import SumToSize, conj
from tinygrad_adam.autograd.function import Function
from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.autograd.traced import Edge, Traced, gradient_edge, watch_gradient

F = TypeVar("F", bound=Callable[..., Any])

# What PyTorch calls the values that an operation saved, in the order of `save`; "mat2.T" is the
# transpose of what we keep. Of others an input is `self`, a result `result`.
_SAVED = {
    "MulBackward0": "self other",
    "DivBackward0": "self other",
    "PowBackward0": "self exponent",
    "PowBackward1": "self exponent result",
    "PowBackward2": "self exponent result",
    "Atan2Backward0": "self other",
    "MaximumBackward0": "self other",
    "MinimumBackward0": "self other",
    "MmBackward0": "self mat2",
    "BmmBackward0": "self mat2",
    "MvBackward0": "self vec",
    "DotBackward0": "self tensor",
    "AddmmBackward0": "mat1 mat2.T",
    "ConvolutionBackward0": "input weight",
    "EmbeddingBackward0": "indices",
    "WhereBackward0": "condition",
    "MaskedFillBackward0": "mask",
    "MseLossBackward0": "self target",
}


class Node:
    """An operation in the graph of a tensor, which its ``grad_fn`` is.

    ``name()`` is PyTorch's, such as MulBackward0, and so is the name of its class;
    ``next_functions`` are the nodes that gradients go to from here. What the operation saved for
    its gradient is found as ``_saved_self``, ``_saved_result`` and so on, and everything else that
    it knows under its own name.

    Source: PyTorch, ``torch.autograd.graph.Node``.
    """

    def __init__(self, node: Any, form: tuple[Any, ...]) -> None:
        self._node, self._form = node, form

    def name(self) -> str:
        """Return PyTorch's name of the operation."""
        return str(self._form[0])

    def __repr__(self) -> str:
        place = "torch.autograd.function." if isinstance(self._node, Function) else ""
        return f"<{place}{type(self).__name__} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each tensor that went in, the node that gets its gradient, and the slot there.

        That is (None, 0) for one that needs none.
        """
        return tuple([_below(self._node, part) for part in self._form[1:]])

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for whoever walks the graph."""
        return self._node.__dict__.setdefault("_metadata", {}).setdefault(self._form, {})  # type: ignore[no-any-return]

    @property
    def requires_grad(self) -> bool:
        """True: it is in the graph."""
        return True

    def _saved(self) -> dict[str, int]:
        """Return which of the values saved PyTorch has under which name."""
        if self._form != self._node.form():
            return {}
        kept = self._node.kept
        names = _SAVED.get(self.name(), "").split() or [
            "result" if isinstance(origin, int) else "self" for _, origin in kept
        ]
        return {f"_saved_{name}": i for i, name in enumerate(names) if not kept or i < len(kept)}

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *[name.removesuffix(".T") for name in self._saved()]]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_"):
            places = self._saved()
            for key in (name, f"{name}.T"):
                if key in places:
                    value = self._node.saved[places[key]]
                    return value.T if key != name else value
        elif not name.startswith("_") and (
            name != "saved_tensors" or isinstance(self._node, Function)
        ):
            return getattr(self._node, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` when a walk has passed.

        What it returns, a tuple, takes the place of the gradients of the inputs.
        """
        return RemovableHandle(_hooks_of(self).after, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before a walk passes; what it returns takes their place."""
        return RemovableHandle(_hooks_of(self).before, hook)


class AccumulateGrad(Node):
    """Where the gradient of a leaf, its ``variable``, arrives and is added up."""

    @property
    def variable(self) -> Any:
        """The leaf."""
        return self._node

    def __dir__(self) -> list[str]:
        return list(object.__dir__(self))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'AccumulateGrad' object has no attribute '{name}'")

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook((), grad_outputs)`` when the gradient has been added up."""
        return after_accumulation(self._node, lambda leaf: hook((), (leaf._grad,)))

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before the gradient is added up."""

        def show(gradient: Any) -> Any:
            changed = hook((gradient,))
            return changed[0] if isinstance(changed, tuple) else changed

        return RemovableHandle(watch_gradient(self._node).hooks, show)


def after_accumulation(leaf: Any, hook: Callable[[Any], Any]) -> RemovableHandle:
    """Call ``hook(leaf)`` when a walk has added to the ``grad`` of a leaf."""
    if leaf.after_accumulation is None:
        leaf.after_accumulation = {}
    return RemovableHandle(leaf.after_accumulation, hook)


def node_of(edge: Edge) -> tuple[Any, int]:
    """Return the node that an edge leads to, and the slot there."""
    node, slot = edge
    if isinstance(node, Traced):
        return _look(node, ("torch::autograd::AccumulateGrad",)), slot
    return _look(node, node.form()), slot


def _below(node: Operation, part: Any) -> tuple[Any, int]:
    """Return the node for an input of ``node``, or for a part of it with nodes of its own."""
    if part is None:
        return None, 0
    if isinstance(part, int):
        part = node.edges[part]
        return (None, 0) if part is None else node_of(part)
    if isinstance(part[0], str):
        needed = any(_below(node, inner)[0] is not None for inner in part[1:])
        return (_look(node, part) if needed else None), 0
    return node_of(part)


def as_one(name: str, *arguments: str) -> Callable[[F], F]:
    """Decorate a composed function that is one operation in PyTorch, and one node of its graph.

    Args:
        name: PyTorch's name of it, as in :attr:`Operation.backward_name`.
        arguments: the first arguments of the function, those that the node shows not in brackets.
    """
    name = name if "Backward" in name else f"{name}Backward0"

    def decorate(function: F) -> F:
        @wraps(function)
        def apply(*args: Any, **named: Any) -> Any:
            result = function(*args, **named)
            made = result[0] if isinstance(result, tuple) else result
            if getattr(made, "_edge", None) is None or not current_mode().grad:
                return result
            given = {**dict(zip(arguments, args)), **named}
            edges = []
            for key in arguments:
                if key[0] != "(":
                    x = given.get(key)
                    for one in x if isinstance(x, (tuple, list)) else [x]:
                        edges.append(gradient_edge(one) if isinstance(one, Traced) else None)
            if made._edge not in edges:
                made._edge[0].part_of = (name, *edges)
            return result

        return apply  # type: ignore[return-value]

    return decorate


# The looks that somebody holds, by the operation or leaf (which they keep alive) and the form; and
# for each name of PyTorch's a class, since programs ask for ``type(grad_fn).__name__``.
_looks: WeakValueDictionary[tuple[int, Any], Node] = WeakValueDictionary()
_kinds: dict[str, type[Node]] = {"AccumulateGrad": AccumulateGrad}


def _look(node: Any, form: tuple[Any, ...]) -> Node:
    """Return the look at ``node`` in this form: the same object as long as somebody holds it."""
    look = _looks.get((id(node), form))
    if look is None:
        name = form[0].rpartition(":")[2]
        if name not in _kinds:
            _kinds[name] = type(name, (Node,), {"__module__": __name__})
        look = _looks[id(node), form] = _kinds[name](node, form)
    return look


class _NodeHooks:
    """Stands in for ``backward`` of an operation that hooks hang on."""

    def __init__(self, node: Operation, positions: list[int]) -> None:
        self.node, self.positions = node, positions
        self.takes_tensors, node.takes_tensors = node.takes_tensors, True
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}

    def __call__(self, *grads: Any) -> Any:
        """Return the gradients of the inputs, as the hooks leave them."""
        for hook in list(self.before.values()):
            grads = grads if (changed := hook(grads)) is None else tuple(changed)
        node = self.node
        if self.takes_tensors:
            result = type(node).backward_of_tensors(node, *grads)
        elif node.conjugates:
            result = node.backward(*[None if g is None else conj(g) for g in grads])
            result = result if isinstance(result, tuple) else (result,)
            result = tuple([None if g is None else conj(g) for g in result])
        else:
            result = node.backward(*grads)
        found = list(result) if isinstance(result, (tuple, list)) else [result]
        for i, edge in enumerate(node.edges):
            if edge is not None and found[i] is not None:
                shape = edge[0].outputs[edge[1]][0]
                if found[i].array.shape != shape:
                    found[i] = SumToSize.apply(found[i], shape)
        for hook in list(self.after.values()):
            changed = hook(tuple([found[i] for i in self.positions]), grads)
            if changed is not None:
                for i, gradient in zip(self.positions, changed):
                    found[i] = gradient
        return tuple(found)


def _hooks_of(look: Node) -> Any:
    """Return the hooks of the operation behind a look, made for the first one."""
    node = look._node
    if look._form != node.form():
        raise RuntimeError(
            f"{look.name()} is a part of {type(node).__name__} here, which has no gradients of its "
            "own to show\n  Hang the hook on the tensor: tensor.register_hook(…)"
        )
    hooks = node.__dict__.get("backward_of_tensors")
    if hooks is None:
        hooks = node.backward_of_tensors = _NodeHooks(node, list(_positions(look._form)))
    return hooks


def _positions(form: Any) -> Any:
    """Yield the positions of inputs in a form, in its order."""
    for part in form[1:]:
        if isinstance(part, int):
            yield part
        elif isinstance(part, tuple) and isinstance(part[0], str):
            yield from _positions(part)
