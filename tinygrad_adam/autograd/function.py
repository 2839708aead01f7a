"""Operations that users write, as in PyTorch: static methods, a context, tensors on both sides."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from tinygrad_adam.autograd.errors import (
    FUNCTION_VIEW,
    LEAF_IN_PLACE,
    SEVERAL_VIEWS,
    gradient_of_option,
    invalid_gradient,
    no_gradient,
    wrong_count,
)
from tinygrad_adam.autograd.inplace import check_writable, take_history
from tinygrad_adam.autograd.mode import current_mode, mode
from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.autograd.traced import Traced, gradient_edge, link_view, never
from tinygrad_adam.backend import Array


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
    _inputs: tuple[bool, ...] = ()
    """Which arguments of ``forward`` are tensors."""
    setup_context: Any = None

    def shown(self) -> Any:
        """Return PyTorch's form: CubeBackward for Cube, and which inputs are tensors."""
        positions = [i for i, is_tensor in enumerate(self._inputs) if is_tensor]
        return (f"{type(self).__name__}Backward", *positions)

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) until the walk has passed.

        Raises:
            TypeError: something else was passed; set it as an attribute of ``ctx`` instead.
        """
        for i, x in enumerate(tensors):
            if x is not None and not isinstance(x, Traced):
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
    def apply(cls, *inputs: Any, **named: Any) -> Any:
        """Run the operation on tensors and options, and record it if a gradient may be wanted.

        With a ``setup_context``, that sees the defaults of ``forward`` among its inputs.

        Raises:
            RuntimeError: ``forward`` changed a leaf that requires grad or a view that must not be
                written, or marked as dirty what it does not return.
            TypeError: the arguments are not those of ``forward``.
        """
        node = cls()
        # Called on the class: with or without @staticmethod, the node is the context.
        context = (node,) if cls.setup_context is None else ()
        if named or not context:
            bound = signature(cls.forward).bind(*context, *inputs, **named)
            if not context:
                bound.apply_defaults()
            inputs, named = bound.args[len(context) :], bound.kwargs
        now = current_mode()
        edges = [gradient_edge(x) if now.grad and isinstance(x, Traced) else None for x in inputs]
        recording = any(edges)
        node.edges = tuple(edges)
        node.needs_input_grad = tuple([edge is not None for edge in edges])
        if now.observer is not None:
            now.observer.before_forward(node, inputs)
        with mode(grad=False, arrays=False):
            output = cls.forward(*context, *inputs, **named)
            if not context:
                cls.setup_context(node, inputs, output)
        made = output if isinstance(output, tuple) else (output,)
        if not all(_among(made, x) for x in node._dirty):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the Function."
            )
        for x in node._dirty:
            base = x._base
            of_graph = now.grad and base is not None and base._requires_grad
            node._check_dirty(x, made, recording or of_graph)
            x._writes[0] += 1
        everything = tuple([node._own(x, inputs) for x in made])
        results = tuple([x for x in everything if isinstance(x, Traced)])
        if recording:
            node._inputs = tuple([isinstance(x, Traced) for x in inputs])
            arrays = [x.array if isinstance(x, Traced) else x for x in inputs]
            node._record(inputs, arrays, tuple([x.array for x in results]), results)
            node.scope = now.scope
            for x, result in zip(made, everything):
                if _among(node._not_differentiable, x):
                    result._edge, result._requires_grad = None, False
                elif isinstance(x, Traced) and result._base is not None:
                    result._locked = FUNCTION_VIEW if len(results) == 1 else SEVERAL_VIEWS
        if now.observer is not None:
            now.observer.after_forward(node, inputs, results)
        returned = []
        for x, result in zip(made, everything):
            dirty = _among(node._dirty, x)
            if dirty and result._requires_grad:
                take_history(x, result)
            returned.append(x if dirty else result)
        return tuple(returned) if isinstance(output, tuple) else returned[0]

    def _check_dirty(self, x: Any, made: tuple[Any, ...], recording: bool) -> None:
        """Raise if ``forward`` should not have written into ``x``."""
        if recording and x._requires_grad and x._edge is None and x._base is None:
            raise RuntimeError(LEAF_IN_PLACE.replace("is being", "has been"))
        check_writable(x, recording)
        if recording and x._base is not None and sum(isinstance(y, Traced) for y in made) > 1:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your "
                "Function cannot return more than one Tensor. This is not supported by the current "
                "autograd engine. You should either make sure the input is not a view (using "
                ".clone() for example) or make your Function only return one Tensor (potentially "
                "splitting it into two Functions: one doing the inplace that returns a single "
                "Tensor and a second one that does the other operations)."
            )

    def _own(self, result: Any, inputs: tuple[Any, ...]) -> Any:
        """Return ``result`` as a tensor to which this node may give a history."""
        if not (isinstance(result, Traced) and _among(inputs, result)):
            return result
        own = result._wrap(result.array.view())
        own._writes = result._writes
        if not _among(self._dirty, result):
            link_view(own, result, never, FUNCTION_VIEW)
        return own

    def backward_of_tensors(self, *grads: Any) -> Any:
        """Call the user's ``backward``: with or without @staticmethod, the node is the context.

        Raises:
            RuntimeError: it does not return one gradient for each argument of ``forward``, which
                fits it, and None for those that are no tensors.
        """
        result = type(self).backward(self, *grads)
        result = result if isinstance(result, tuple) else (result,)
        count = len(self.edges)
        if len(result) < count or any(x is not None for x in result[count:]):
            raise RuntimeError(wrong_count(self, result))
        for i, (edge, gradient) in enumerate(zip(self.edges, result)):
            if gradient is None:
                continue
            if not self._inputs[i]:
                raise RuntimeError(gradient_of_option(self, i))
            if not isinstance(gradient, Traced):
                raise RuntimeError(no_gradient(self, gradient))
            if edge is not None and gradient.array.shape != edge[0].outputs[edge[1]][0]:
                error = invalid_gradient(self, edge, gradient, None)
                if error is not None:
                    raise error
        return result[:count]


def _among(tensors: tuple[Any, ...], x: Any) -> bool:
    return any(x is y for y in tensors)


class _Once(Operation):
    """The identity.  It has no gradient, and says why."""

    def forward(self, x: Array) -> Array:
        return x.view()

    def backward(self, grad: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the ``backward`` of a Function whose own gradient would be wrong, or is not wanted.

    It runs unrecorded then; to differentiate what it returns is an error.

    Source: PyTorch, ``torch.autograd.function.once_differentiable``.
    """

    @wraps(function)
    def backward(ctx: Any, *grads: Any) -> Any:
        recorded = current_mode().grad
        with mode(grad=False):
            result = function(ctx, *grads)
        if not (recorded and any(isinstance(x, Traced) and x._requires_grad for x in grads)):
            return result
        values = result if isinstance(result, tuple) else (result,)
        return tuple([_guarded(x) if isinstance(x, Traced) else x for x in values])

    return backward


def _guarded(x: Traced) -> Any:
    leaf = x._wrap(x.array.view())
    leaf._requires_grad = True
    return _Once.apply(leaf)
