"""What operations saved for their gradients, in the hands of users; and the nodes of the graph.

A pack hook sees each tensor when an operation has saved it and keeps whatever it returns, on disk,
say; the unpack hook makes a tensor of that when the gradient is computed. The tape knows nothing of
them: they learn as observers what was saved.

Source: PyTorch, ``torch.autograd.graph``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tinygrad_adam.autograd.mode import current_mode, mode
from tinygrad_adam.autograd.nodes import Node
from tinygrad_adam.autograd.observer import Observer, both, without
from tinygrad_adam.autograd.traced import Edge, Traced, gradient_edge

_refused: ContextVar[str | None] = ContextVar("tinygrad_adam.hooks_refused", default=None)


class _Packed:
    """Stands in for the values that an operation saved."""

    def __init__(self, node: Any, hooks: saved_tensors_hooks) -> None:
        self.unpack_hook = hooks.unpack_hook
        self.values: list[Any] = []
        self.places: list[Edge | int | None] = []
        """Of each value the place in the graph: an edge, or which result of the node it is."""
        origins = node._origins or (None,) * len(node._saved)
        for value, origin in zip(node._saved, origins):
            place: Edge | int | None = None
            self.values.append(value)
            if hasattr(value, "dtype"):
                with mode(grad=False, arrays=False, observer=None):
                    tensor = node._wrap(value) if origin is None else node._as_tensor(value, origin)
                    if origin is not None:
                        source = origin[2]
                        place = source if isinstance(source, int) else gradient_edge(source)
                    before = tensor._version
                    self.values[-1] = _Hidden(hooks.pack_hook(tensor))
                    if tensor._version != before:
                        raise RuntimeError(
                            "A saved tensor pack hook is modifying its input in place. Tensors "
                            "provided as input to pack hook cannot be modified by in-place "
                            "operations as this can lead to unexpected side-effects. Please open "
                            "an issue if you need to perform in-place operations on the input to "
                            "a pack hook.\n  Return a new tensor instead: clone() it first"
                        )
            self.places.append(place)

    def unpacked(self, node: Any) -> tuple[Any, ...]:
        """Return the values, of the kind that the walk works on."""
        now = current_mode()
        found = []
        for value, place in zip(self.values, self.places):
            if isinstance(value, _Hidden):
                with mode(grad=now.grad and not now.arrays, arrays=False):
                    value = self.unpack_hook(value.packed)
                if not isinstance(value, Traced):
                    raise TypeError(
                        "Output of saved tensor unpack_hook expected to be a Tensor but got result "
                        f"of type {type(value).__name__}"
                    )
                if now.arrays:
                    value = value.array
                elif place is not None:
                    value = value._wrap(value.array.view())
                    value._edge = (node, place) if isinstance(place, int) else place
                    value._requires_grad = True
            found.append(value)
        return tuple(found)


class _Hidden:
    """What a pack hook returned."""

    def __init__(self, packed: Any) -> None:
        self.packed = packed


class saved_tensors_hooks(Observer):  # noqa: N801 (PyTorch's name)
    """Inside this block, keep what ``pack_hook`` makes of each tensor that is saved for gradients.

    Args:
        pack_hook: takes a tensor, and returns anything.
        unpack_hook: takes that, and returns a tensor of the same values.

    Of nested blocks the innermost one counts. A saved tensor that is packed may be written to.

    Raises:
        RuntimeError: the hook wrote into the tensor; inside :func:`disable_saved_tensors_hooks`.
        TypeError: ``unpack_hook`` returned no tensor.

    Source: PyTorch, ``torch.autograd.graph.saved_tensors_hooks``.
    """

    inside_walks = True

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        for hook in (pack_hook, unpack_hook):
            if not callable(hook):
                raise TypeError(
                    "_push_saved_tensors_default_hooks(): incompatible function arguments. The "
                    f"hooks must be functions, not {type(hook).__name__}"
                )
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._blocks: list[Any] = []

    def __enter__(self) -> None:
        if (message := _refused.get()) is not None:
            raise RuntimeError(message)
        block = mode(observer=both(without(saved_tensors_hooks, current_mode().observer), self))
        self._blocks.append(block)
        block.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._blocks.pop().__exit__(None, None, None)

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Pack what ``node`` saved."""
        if node.edges and node._saved:
            node._saved = _Packed(node, self)
            node._origins = ()


class save_on_cpu(saved_tensors_hooks):  # noqa: N801 (PyTorch's name)
    """Inside this block, keep what is saved for gradients in the CPU's memory.

    Args:
        pin_memory: accepted for PyTorch's sake; there is no pinned memory here.
        device_type: likewise; tensors go back to where they were.

    Source: PyTorch, ``torch.autograd.graph.save_on_cpu``.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda x: (x.device, x.cpu()), lambda packed: packed[1].to(packed[0]))


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Refuse :class:`saved_tensors_hooks` inside this block, with an error of these words."""
    observer = current_mode().observer
    if observer is not without(saved_tensors_hooks, observer):
        raise RuntimeError(error_message)
    token = _refused.set(error_message)
    try:
        yield
    finally:
        _refused.reset(token)


def increment_version(tensor: Any) -> None:
    """Let the graph believe that a tensor, or each of several, was written to."""
    tensors: Iterable[Any] = (tensor,) if isinstance(tensor, Traced) else tensor
    for x in tensors:
        x._writes[0] += 1


__all__ = [
    "Node",
    "disable_saved_tensors_hooks",
    "increment_version",
    "save_on_cpu",
    "saved_tensors_hooks",
]
