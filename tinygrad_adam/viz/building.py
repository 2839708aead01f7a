"""Turns operations and tensors into the plain data of a :class:`Picture`.

Both sources of a drawing use it: the walk back from a result (``tracing.py``) and the record of a
running program (``recording.py``). Tensors and operations are told apart by identity, and held by
weak references only, so that nothing stays alive for having been drawn.
"""

from __future__ import annotations

import functools
import inspect
import math
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tinygrad_adam.autograd import Function
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import device_of, is_array
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.viz.measure import (
    Shape,
    Stats,
    multiply_adds,
    owner,
    shape_text,
    stats_of,
)
from tinygrad_adam.viz.picture import Call, Link, Node, Picture, Saved


class IdentityMap:
    """A dictionary from objects, by identity, that does not keep them alive."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Any, Any]] = {}

    def get(self, key: Any) -> Any:
        """Return what is stored for ``key``, or None."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def set(self, key: Any, value: Any) -> None:
        """Store ``value`` for ``key``."""
        try:
            reference: Any = weakref.ref(key)
        except TypeError:  # memory that something else than an array owns: held, while this lives
            reference = functools.partial(_identity, key)
        self._entries[id(key)] = (reference, value)

    def living(self) -> Iterable[tuple[Any, Any]]:
        """Yield the objects that are still alive, with what is stored for each."""
        for reference, value in list(self._entries.values()):
            key = reference()
            if key is not None:
                yield key, value


class Source(NamedTuple):
    """Where an input of an operation comes from."""

    node: int
    slot: int
    shape: Shape
    dtype: str
    recorded: bool = True
    detached: bool = False


# Values of options that say nothing.
_USUAL = (None, False, "", (), (0, 0), (1, 1))
_USUAL_BY_NAME = {"groups": 1, "ignore_index": -100, "smoothing": 0.0, "eps": 1e-5}


def _kind(operation: Any) -> Any:
    return type(operation)


@functools.lru_cache(maxsize=512)
def _parameter_names(kind: Any) -> tuple[tuple[str, bool], ...]:
    """Return each argument of ``kind.forward`` with whether it is annotated as an array."""
    names = list(inspect.signature(kind.forward).parameters.values())
    if not (issubclass(kind, Function) and kind.setup_context is not None):
        names = names[1:]  # self, or ctx
    return tuple(
        (("*" if p.kind is p.VAR_POSITIONAL else "") + p.name, "Array" in str(p.annotation))
        for p in names
    )


def argument_name(operation: Any, position: int) -> str:
    """Return the name of the operation's argument at ``position``, or ""."""
    names = _parameter_names(_kind(operation))
    if position < len(names) and not names[position][0].startswith("*"):
        return names[position][0]
    return ""


def takes_array(operation: Any, position: int) -> bool:
    """Return whether the operation's argument at ``position`` is annotated as an array."""
    names = _parameter_names(_kind(operation))
    return position < len(names) and names[position][1]


def option_text(value: Any) -> str:
    """Return an option as short text: ``(2, 2)`` as ``2``, long ones cut."""
    if isinstance(value, tuple) and len(value) == 2 and value[0] == value[1]:
        value = value[0]
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value) if hasattr(value, "dtype") or hasattr(value, "itemsize") else repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _one_by_one(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return options by name, with those that stand together in a named tuple each by itself."""
    return [
        each
        for name, value in pairs
        for each in (value._asdict().items() if hasattr(value, "_asdict") else [(name, value)])
    ]


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str, slice, type(None), type(Ellipsis)))


def _is_usual(name: str, value: Any, shape: Shape) -> bool:
    """Return whether an option says nothing: a default, or what the result's shape shows."""
    if _USUAL_BY_NAME.get(name, _USUAL) == value or name == "spatial":
        return True
    if isinstance(value, (bool, tuple, str, type(None))) and value in _USUAL:
        return True
    return name in ("shape", "output_shape", "input_shape", "weight_shape") or (
        isinstance(value, tuple) and value == shape and name != "dims"
    )


class Builder:
    """Collects nodes, links and calls into ``picture``.

    Args:
        names: the user's names of tensors; also of results of operations.
    """

    def __init__(self, names: Mapping[str, Any] | None = None) -> None:
        self.picture = Picture()
        self.tensors = IdentityMap()  # leaves and unrecorded results -> (node, slot)
        self.operations = IdentityMap()  # -> node
        self._memory = IdentityMap()  # arrays that own memory -> key
        self._memory_count = 0
        self._parameter_names = IdentityMap()  # parameter -> its paths
        self._parameter_keys = IdentityMap()
        self._links_into: dict[int, dict[int, Link]] = {}
        self._calls: dict[int, tuple[Any, int]] = {}  # id of a scope -> the scope, call
        self._times: dict[int, int] = {}
        self.inputs = IdentityMap()  # tensors that were passed in as inputs -> their name
        self._names = IdentityMap()
        for name, tensor in (names or {}).items():
            if isinstance(tensor, Traced):
                self._names.set(tensor, str(name))

    # --- modules -------------------------------------------------------------------------------

    def call(self, scope: Any) -> int | None:
        """Return the index of a call of a module (``nn.module.Scope``), adding it if it is new."""
        missing = []
        while scope is not None and id(scope) not in self._calls:
            missing.append(scope)
            scope = scope.parent
        index = None if scope is None else self._calls[id(scope)][1]
        for inner in reversed(missing):
            module = inner.module
            if index is None:
                self._learn_names(module)
            self._times[id(module)] = times = self._times.get(id(module), 0) + 1
            self.picture.calls.append(
                Call(
                    parent=index,
                    path=inner.path,
                    title=module._get_name(),
                    label=str(inner).removesuffix("()"),
                    parameters={self._parameter_key(p): p.array.size for p in module.parameters()},
                    times=times,
                )
            )
            index = len(self.picture.calls) - 1
            self._calls[id(inner)] = (inner, index)
        return index

    def _learn_names(self, module: Any) -> None:
        for members in (
            module.named_parameters(remove_duplicate=False),
            module.named_buffers(remove_duplicate=False),
        ):
            for path, tensor in members:
                paths = self._parameter_names.get(tensor) or []
                if path not in paths:
                    self._parameter_names.set(tensor, [*paths, path])
        for parameter in module.parameters():
            self._parameter_key(parameter)

    def _parameter_key(self, parameter: Any) -> int:
        key = self._parameter_keys.get(parameter)
        if key is None:
            key = len(self.picture.parameters)
            self._parameter_keys.set(parameter, key)
            self.picture.parameters[key] = parameter.array.size
            if not parameter._requires_grad:
                self.picture.frozen.add(key)
        return key  # type: ignore[no-any-return]

    def forget_scopes(self) -> None:
        """Let go of the modules whose calls were seen."""
        self._calls.clear()

    # --- tensors -------------------------------------------------------------------------------

    def name_of(self, tensor: Any) -> str:
        """Return the name that somebody gave a tensor, or ""."""
        given = self._names.get(tensor) or self.inputs.get(tensor)
        if given:
            return str(given)
        paths = self._parameter_names.get(tensor)
        if paths:
            return str(paths[0])
        name = getattr(tensor, "name", None)
        return name if isinstance(name, str) else ""

    def leaf(self, tensor: Any) -> Source:
        """Return a leaf as a source, adding its node if it is new."""
        found = self.tensors.get(tensor)
        if found is None:
            found = (self._add_leaf(tensor), 0)
            self.tensors.set(tensor, found)
        shape, dtype = shape_and_dtype(tensor.array)
        return Source(found[0], found[1], shape, dtype, tensor._requires_grad)

    def _add_leaf(self, tensor: Any) -> int:
        is_parameter = isinstance(tensor, Parameter)
        paths = self._parameter_names.get(tensor) or []
        if is_parameter:
            self._parameter_key(tensor)
            kind = "parameter"
        elif tensor._requires_grad or self.inputs.get(tensor) or self._names.get(tensor):
            kind = "input"
        else:
            kind = "constant" if paths or tensor.array.size == 1 else "input"
        node = Node(
            kind=kind,
            title="Parameter" if is_parameter else "Tensor",
            name=self.name_of(tensor),
            outputs=[shape_and_dtype(tensor.array)],
            device=str(device_of(tensor.array)),
            parameters=tensor.array.size if is_parameter else 0,
            frozen=is_parameter and not tensor._requires_grad,
            recorded=tensor._requires_grad,
            value=stats_of(tensor.array),
        )
        if len(paths) > 1:
            node.remark = "also " + ", ".join(paths[1:])
        self.picture.nodes.append(node)
        return len(self.picture.nodes) - 1

    def read_gradients(self) -> None:
        """Note the gradients of all leaves that are alive, and of results that retain theirs."""
        for tensor, (index, _) in self.tensors.living():
            if tensor._grad is not None:
                self.picture.nodes[index].gradient = stats_of(tensor._grad.array)

    # --- operations ----------------------------------------------------------------------------

    def operation(
        self,
        operation: Any,
        sources: Sequence[Source | None],
        outputs: Sequence[tuple[Shape, str]],
        scope: Any,
        device: str = "cpu",
    ) -> int:
        """Add an operation; ``sources`` stand in the order of its arguments, None for no tensor."""
        shape = outputs[0][0] if outputs else ()
        shapes = [None if source is None else source.shape for source in sources]
        node = Node(
            kind="operation",
            title=type(operation).__name__,
            outputs=list(outputs),
            inputs=[self._described(source) for source in sources if source is not None],
            device=device,
            call=self.call(scope),
            formula=_formula(_kind(operation)),
            multiply_adds=multiply_adds(operation, shapes, [out[0] for out in outputs]),
            saved=self.saved(operation),
            freed=operation._saved is None,
            recorded=any(edge is not None for edge in operation.edges),
        )
        index = len(self.picture.nodes)
        self.picture.nodes.append(node)
        self.operations.set(operation, index)
        stretches = type(operation).__module__.rpartition(".")[2] in ("elementwise", "losses")
        for position, source in enumerate(sources):
            if source is None:
                continue
            link = Link(
                source.node,
                index,
                position,
                source.slot,
                source.shape,
                recorded=source.recorded and not source.detached,
                detached=source.detached,
            )
            if stretches and _is_stretched(source.shape, shape):
                link.broadcast = f"{shape_text(source.shape)}→{shape_text(shape)}"
            self.picture.links.append(link)
            self._links_into.setdefault(index, {})[position] = link
        return index

    def _described(self, source: Source) -> str:
        name = self.picture.nodes[source.node].name
        return f"{name} {shape_text(source.shape)} {source.dtype}".lstrip()

    def links_into(self, index: int) -> dict[int, Link]:
        """Return the links that arrive at a node, by position."""
        return self._links_into.get(index, {})

    def set_options(self, index: int, operation: Any, arguments: Sequence[Any] | None) -> None:
        """Note the options of an operation: from its call, or else from what it remembers."""
        node = self.picture.nodes[index]
        shape = node.outputs[0][0] if node.outputs else ()
        if arguments is None:
            pairs = self._remembered_options(operation)
        else:
            pairs = [
                (argument_name(operation, i), value)
                for i, value in enumerate(arguments)
                if not isinstance(value, Traced) and not is_array(value)
            ]
        for name, value in _one_by_one(pairs):
            if name and not _is_usual(name, value, shape):
                node.options[name] = option_text(value)

    @staticmethod
    def _remembered_options(operation: Any) -> list[tuple[str, Any]]:
        names = [
            name
            for i, (name, is_tensor) in enumerate(_parameter_names(_kind(operation)))
            if not is_tensor and not name.startswith("*") and "shape" not in name
        ]
        options = getattr(operation, "options", ())
        pairs = _one_by_one([("", options)]) if hasattr(options, "_asdict") else []
        pairs = pairs or list(zip(names, options))
        pairs += [(name, vars(operation)[name]) for name in names if name in vars(operation)]
        return [(name, value) for name, value in pairs if _is_plain(value)]

    def saved(self, operation: Any) -> list[Saved]:
        """Return what an operation keeps for backward."""
        kept = []
        for array, value in operation.kept:
            if is_array(array) and array.size:
                home = owner(array)
                key = self._memory.get(home)
                if key is None:
                    self._memory_count += 1
                    key = self._memory_count
                    self._memory.set(home, key)
                kept.append(
                    Saved(
                        key,
                        "{} {}".format(*_texts(array)),
                        int(home.nbytes),
                        isinstance(value, Parameter),
                    )
                )
        return kept

    def set_value(self, index: int, array: Any) -> None:
        """Note the statistics of a result."""
        if self.picture.nodes[index].value is None:
            self.picture.nodes[index].value = stats_of(array)

    # --- the end -------------------------------------------------------------------------------

    def finish(self) -> Picture:
        """Return the picture, after what can be said only once all of it is there."""
        picture = self.picture
        consumers: dict[int, list[Link]] = {}
        for link in picture.links:
            consumers.setdefault(link.source, []).append(link)
        for index, node in enumerate(picture.nodes):
            used = consumers.get(index, [])
            if node.kind == "parameter" or (node.kind == "constant" and node.name):
                users = {link.target for link in used}
                node.shared = len(users) if len(users) > 1 else 0
                node.call = picture.common_call([picture.nodes[i].call for i in sorted(users)])
            node.gradient_note = _why_no_gradient(node, picture.backward_ran)
        return picture


def _why_no_gradient(node: Node, backward_ran: bool) -> str:
    if node.gradient is not None:
        return ""
    if not node.recorded:
        return "no gradient: requires_grad=False" if node.is_leaf else "no gradient: not recorded"
    if not backward_ran:
        return "no gradient yet"
    return "no gradient: not reached" if node.is_leaf else "gradient not kept"


def _identity(key: Any) -> Any:
    return key


def shape_and_dtype(array: Any) -> tuple[Shape, str]:
    """Return an array's shape and the name of its dtype."""
    return tuple(array.shape), dtype_name(array.dtype)


@functools.lru_cache(maxsize=64)
def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype. NumPy puts it together anew each time, at some expense."""
    return str(dtype)


def _texts(array: Any) -> tuple[str, str]:
    shape, dtype = shape_and_dtype(array)
    return shape_text(shape), dtype


def _is_stretched(shape: Shape, result: Shape) -> bool:
    """Return whether broadcasting stretched ``shape`` to ``result``."""
    if shape == result or len(shape) > len(result) or not math.prod(result):
        return False
    return all(a in (1, b) for a, b in zip(shape[::-1], result[::-1]))


@functools.lru_cache(maxsize=512)
def _formula(kind: Any) -> str:
    """Return an operation's docstring up to its source, in one paragraph for each it has."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\n\nSource:")[0]
    return "\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def fit(gradient: Any, shape: Shape) -> Any:
    """Return the array of a gradient summed to ``shape``, as the engine does before it goes on."""
    if tuple(gradient.array.shape) != tuple(shape):
        return gradient.detach().sum_to_size(shape).array
    return gradient.array


def gradient_stats(gradient: Any, shape: Shape) -> Stats | None:
    """Return the statistics of a gradient that belongs to a tensor of ``shape``; None for None."""
    return None if gradient is None else stats_of(fit(gradient, shape))
