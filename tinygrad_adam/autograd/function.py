"""Operations that users write, as in PyTorch: static methods, a context, tensors on both sides."""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd.errors import LEAF_IN_PLACE, no_gradient
from tinygrad_adam.autograd.mode import current_mode, mode
from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.autograd.variable import Variable, gradient_edge


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

    takes_tensors = True
    _not_differentiable: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    setup_context: Any = None

    def name(self) -> str:
        """Return the name under which ``repr`` shows the operation, for example CubeBackward."""
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
        self.save(*[None if x is None else x.array for x in tensors])

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
            RuntimeError: ``forward`` changed a leaf that requires grad, or marked as dirty what it
                does not return.
        """
        node = cls()
        now = current_mode()
        edges = [gradient_edge(x) if now.grad and isinstance(x, Variable) else None for x in inputs]
        node.edges = tuple(edges)
        node.needs_input_grad = tuple([edge is not None for edge in edges])
        with mode(grad=False, arrays=False):
            # Called on the class: with or without @staticmethod, the node is the context.
            if cls.setup_context is None:
                output = cls.forward(node, *inputs)
            else:
                output = cls.forward(*inputs)
                cls.setup_context(node, inputs, output)
        everything = output if isinstance(output, tuple) else (output,)
        if not all(any(x is y for y in everything) for x in node._dirty):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the Function."
            )
        everything = tuple([node._own(x, inputs) for x in everything])
        results = tuple([x for x in everything if isinstance(x, Variable)])
        if any(edges):
            arrays = [x.array if isinstance(x, Variable) else x for x in inputs]
            node._record(inputs, arrays, tuple([x.array for x in results]), results)
            node.scope = now.scope
            marked = [x.array for x in node._not_differentiable]
            for result in results:
                if any(result.array is array for array in marked):
                    result._edge, result._requires_grad = None, False
        if now.observer is not None:
            now.observer.after_forward(node, inputs, results)
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

    def backward_of_tensors(self, *grads: Any) -> Any:
        """Call the user's ``backward``: with or without @staticmethod, the node is the context."""
        result = type(self).backward(self, *grads)
        result = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        for gradient in result:
            if gradient is not None and not isinstance(gradient, Variable):
                raise TypeError(no_gradient(self, gradient))
        return result
