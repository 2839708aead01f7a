"""The hooks of a module: which it has, and how those of backward see its gradients.

Forward hooks are plain calls around ``forward``; the module makes them itself. For backward hooks,
the tensors that go into a module and those that come out pass through a :class:`ModuleBoundary`, an
identity whose gradient is what the hooks make of it. What passed is a view that must not be written
while recording, as in PyTorch: the module's input would not learn of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation, is_grad_enabled
from tinygrad_adam.autograd.errors import FUNCTION_VIEW
from tinygrad_adam.autograd.hooks import check_replacement
from tinygrad_adam.autograd.traced import link_view, never
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_adam.nn.module import Module


class Hooks:
    """The functions to call around a module's forward and backward, and around its state dict."""

    def __init__(self) -> None:
        # Forward hooks stand with the options that they were registered with.
        self.before_forward: OrderedDict[int, tuple[Any, bool]] = OrderedDict()
        self.after_forward: OrderedDict[int, tuple[Any, bool, bool]] = OrderedDict()
        self.before_backward: OrderedDict[int, Any] = OrderedDict()
        self.after_backward: OrderedDict[int, Any] = OrderedDict()
        # Those of the state: whether the hook may return another dictionary, wants the module.
        self.before_save: OrderedDict[int, Any] = OrderedDict()
        self.after_save: OrderedDict[int, tuple[Any, bool]] = OrderedDict()
        self.before_load: OrderedDict[int, tuple[Any, bool]] = OrderedDict()
        self.after_load: OrderedDict[int, Any] = OrderedDict()


class ModuleBoundary(Operation):
    """The identity, put around a module with backward hooks.  Gradient: what the hooks make of it.

    ``forward`` takes the function to call with the gradients, whether missing ones are to be zeros,
    and then the tensors. Saves nothing.
    """

    takes_tensors = True
    backward_name = "BackwardHookFunctionBackward"

    def forward(  # noqa: D102 (the class says it)
        self, on_backward: Callable[[tuple[Any, ...]], Any], materialize: bool, *arrays: Any
    ) -> Any:
        self.on_backward, self.materialize_grads = on_backward, materialize
        return tuple([array.view() for array in arrays])

    def backward(self, *grads: Any) -> Any:  # noqa: D102
        return (None, None, *self.on_backward(grads))


class BackwardWatch:
    """Sees the gradients at the outputs and at the inputs of one call of a module."""

    def __init__(self, module: Module, before: list[Any], after: list[Any]) -> None:
        self.module = module
        self.before = before
        self.after = after
        self.grad_output: tuple[Any, ...] | None = None
        self.input_count = 0
        self.input_slots: list[int] = []
        self.inputs_watched = False

    @staticmethod
    def of(module: Module, hooks: Hooks) -> BackwardWatch | None:
        """Return a watch for a call of ``module`` if it has backward hooks, else None."""
        if not (hooks.before_backward or hooks.after_backward):
            return None
        before, after = list(hooks.before_backward.values()), list(hooks.after_backward.values())
        return BackwardWatch(module, before, after)

    def watch_inputs(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the positional inputs, their tensors sent through a boundary."""
        self.input_count = len(inputs)
        self.input_slots, inputs, self.inputs_watched = _watched(inputs, self._at_inputs, True)
        return inputs

    def watch_outputs(self, output: Any) -> Any:
        """Return the output, its tensors sent through a boundary."""
        row = tuple(output) if isinstance(output, (tuple, list)) else (output,)
        self.output_count = len(row)
        self.output_slots, values, _ = _watched(row, self._at_outputs, False)
        if isinstance(output, list):
            return list(values)
        if isinstance(output, tuple):
            return type(output)(*values) if hasattr(output, "_fields") else values
        return values[0]

    def _at_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_output = _spread(grads, self.output_slots, self.output_count)
        for hook in self.before:
            grad_output = _changed(hook, hook(self.module, grad_output), grad_output, pre=True)
        self.grad_output = grad_output
        if not self.inputs_watched and self.after:
            warn(
                "Full backward hook is firing when gradients are computed with respect to module "
                "outputs since no inputs require gradients.",
            )
            for hook in self.after:
                changed = hook(self.module, (None,) * self.input_count, grad_output)
                if changed is not None and any(x is not None for x in as_tuple(changed)):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always "
                        "return None or None for all gradients."
                    )
            self.grad_output = None
        return tuple([grad_output[slot] for slot in self.output_slots])

    def _at_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is None:  # they came past the output: a gradient's gradient
            return grads
        grad_input = _spread(grads, self.input_slots, self.input_count)
        for hook in self.after:
            changed = hook(self.module, grad_input, self.grad_output)
            grad_input = _changed(hook, changed, grad_input)
        self.grad_output = None
        return tuple([grad_input[slot] for slot in self.input_slots])


def _watched(
    values: tuple[Any, ...], on_backward: Callable[[tuple[Any, ...]], Any], materialize: bool
) -> tuple[list[int], tuple[Any, ...], bool]:
    """Send the tensors among ``values`` through one boundary.

    Returns which of the values they are, the values with those replaced that require a gradient,
    and whether there was one.
    """
    slots = [slot for slot, value in enumerate(values) if isinstance(value, Tensor)]
    tensors = [values[slot] for slot in slots]
    if not (is_grad_enabled() and any(x.requires_grad for x in tensors)):
        return slots, values, False
    passed = ModuleBoundary.apply(on_backward, materialize, *tensors)
    replaced = list(values)
    for slot, before, after in zip(slots, tensors, passed):
        if before.requires_grad:
            link_view(after, before, never, FUNCTION_VIEW)
            replaced[slot] = after
    return slots, tuple(replaced), True


def _spread(grads: tuple[Any, ...], slots: list[int], count: int) -> tuple[Any, ...]:
    row: list[Any] = [None] * count
    for slot, gradient in zip(slots, grads):
        row[slot] = gradient
    return tuple(row)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return what a hook gave back as a tuple: it may leave out the parentheses around one."""
    return value if isinstance(value, tuple) else (value,)


def _changed(
    hook: Any, changed: Any, gradients: tuple[Any, ...], pre: bool = False
) -> tuple[Any, ...]:
    """Return what takes the place of the gradients after a hook, which may have returned None.

    Raises:
        RuntimeError: it returned another number of gradients, or one of another shape or dtype.
        TypeError: it returned something else.
    """
    if changed is None:
        return gradients
    changed = tuple(changed) if isinstance(changed, list) else as_tuple(changed)
    if len(changed) != len(gradients):
        kind, what = ("pre hook", "grad_output") if pre else ("hook", "grad_input")
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {what}, got {len(changed)}, but "
            f"expected {len(gradients)}"
        )
    for before, after in zip(gradients, changed):
        if before is not None and after is not None:
            check_replacement(hook, before, after)
    return changed
