"""Jacobians, Hessians and their products with vectors, of functions of tensors.

Source: PyTorch, ``torch.autograd.functional``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_adam.autograd import gradients
from tinygrad_adam.autograd.grad_mode import enable_grad
from tinygrad_adam.autograd.variable import Variable
from tinygrad_adam.backend import array_module


def _as_tuple(value: Any, what: str) -> tuple[tuple[Any, ...], bool]:
    """Return tensors as a tuple, and whether they were one already.

    Raises:
        TypeError: something among them is no tensor.
    """
    several = isinstance(value, (tuple, list))
    values = tuple(value) if several else (value,)
    for i, x in enumerate(values):
        if not isinstance(x, Variable):
            raise TypeError(
                f"The {what} given to the function must be either a Tensor or a tuple of Tensors "
                f"but the value at index {i} has type {type(x).__name__}."
            )
    return values, several


def _fresh(inputs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """Return inputs that gradients can be asked for: views with the history, or new leaves."""
    if create_graph:
        return tuple([x.view_as(x) if x._requires_grad else _leaf(x) for x in inputs])
    return tuple([_leaf(x) for x in inputs])


def _leaf(x: Any) -> Any:
    return x.detach().requires_grad_()


def _zeros(x: Any) -> Any:
    return x._wrap(array_module(x.array).zeros_like(x.array))


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
) -> Any:
    """Return the derivatives of every element of the outputs by every element of the inputs.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        create_graph: record the computation, so that the result can be differentiated.
        strict: raise if an output does not depend on an input, instead of giving zeros.
        vectorize: accepted for PyTorch's sake; the result is the same.

    Returns:
        A tensor of shape (output shape, input shape); a tuple of them for several inputs, and of
        such tuples for several outputs.

    Raises:
        RuntimeError: with ``strict``, an output does not depend on an input.
        TypeError: an input or output is no tensor.
    """
    given, several_inputs = _as_tuple(inputs, "inputs")
    with enable_grad():
        given = _fresh(given, create_graph)
        outputs, several_outputs = _as_tuple(func(*given), "outputs")
        rows = []
        for i, y in enumerate(outputs):
            columns: list[list[Any]] = [[] for _ in given]
            flat = y.reshape(-1)
            for k in range(y.numel()):
                grads: tuple[Any, ...] = (None,) * len(given)
                if y._requires_grad:
                    grads = gradients.grad(
                        flat[k], given, retain_graph=True, create_graph=create_graph,
                        allow_unused=True,
                    )  # fmt: skip
                for j, gradient in enumerate(grads):
                    if gradient is None and strict:
                        raise RuntimeError(
                            f"Output {i} of the user-provided function is independent of input {j}."
                            " This is not allowed in strict mode."
                        )
                    columns[j].append(_zeros(given[j]) if gradient is None else gradient)
            rows.append(tuple([_stacked(values, y.shape, x) for values, x in zip(columns, given)]))
    result = tuple([row if several_inputs else row[0] for row in rows])
    return result if several_outputs else result[0]


def _stacked(values: list[Any], shape: tuple[int, ...], x: Any) -> Any:
    """Return tensors shaped like ``x`` as one tensor with ``shape`` in front."""
    total = x.new_zeros((len(values), *x.shape))
    for k, value in enumerate(values):
        total[k] = value
    return total.reshape(*shape, *x.shape)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
) -> Any:
    """Return the second derivatives of a function whose result has one element.

    Arguments and errors as for :func:`jacobian`.

    Returns:
        A tensor of shape (input shape, input shape); for several inputs a tuple of tuples.

    Raises:
        RuntimeError: the result has more than one element.
    """
    given, several = _as_tuple(inputs, "inputs")

    def gradient(*arguments: Any) -> Any:
        outputs, _ = _as_tuple(func(*arguments), "outputs")
        if len(outputs) != 1 or outputs[0].numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single "
                f"element; got {[tuple(y.shape) for y in outputs]}"
            )
        if not outputs[0]._requires_grad:
            return tuple([_zeros(x) for x in arguments])
        grads = gradients.grad(
            outputs[0].reshape(()), arguments, create_graph=True, allow_unused=True
        )
        return tuple([_zeros(x) if g is None else g for x, g in zip(arguments, grads)])

    rows = jacobian(gradient, given, create_graph, strict)
    return rows if several else rows[0][0]


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return the outputs of ``func`` and vᵀ J, the product of a vector with its Jacobian.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: shaped like the outputs; may be left out if there is one output of one element.
        create_graph: record the computation, so that the result can be differentiated.
        strict: raise if an output does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: ``v`` is missing or has another shape; or, with ``strict``, no dependence.
    """
    given, several = _as_tuple(inputs, "inputs")
    with enable_grad():
        given = _fresh(given, create_graph)
        outputs, several_outputs = _as_tuple(func(*given), "outputs")
        weights = _vector(v, outputs, "vjp", "outputs")
        reached = [(y, w) for y, w in zip(outputs, weights) if y._requires_grad]
        grads: tuple[Any, ...] = (None,) * len(given)
        if reached:
            grads = gradients.grad(
                [y for y, _ in reached], given, [w for _, w in reached],
                create_graph=create_graph, allow_unused=True,
            )  # fmt: skip
        products = _or_zeros(grads, given, strict)
    if not create_graph:
        outputs = tuple([y.detach() for y in outputs])
    return (
        outputs if several_outputs else outputs[0],
        products if several else products[0],
    )


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return the outputs of ``func`` and J v, the product of its Jacobian with a vector.

    Backward mode gives uᵀ J for any u; that is linear in u, and its gradient by u along v is J v.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: shaped like the inputs; may be left out if there is one input of one element.
        create_graph: record the computation, so that the result can be differentiated.
        strict: raise if an output does not depend on the inputs, instead of giving zeros.

    Raises:
        RuntimeError: ``v`` is missing or has another shape; or, with ``strict``, no dependence.
    """
    given, _ = _as_tuple(inputs, "inputs")
    with enable_grad():
        given = _fresh(given, create_graph)
        direction = _vector(v, given, "jvp", "inputs")
        outputs, several = _as_tuple(func(*given), "outputs")
        dummies = tuple([_zeros(y).requires_grad_() for y in outputs])
        reached = [(y, u) for y, u in zip(outputs, dummies) if y._requires_grad]
        grads: tuple[Any, ...] = (None,) * len(given)
        if reached:
            grads = gradients.grad(
                [y for y, _ in reached], given, [u for _, u in reached],
                create_graph=True, allow_unused=True,
            )  # fmt: skip
        pairs = [(g, w) for g, w in zip(grads, direction) if g is not None and g._requires_grad]
        products: tuple[Any, ...] = (None,) * len(outputs)
        if pairs:
            products = gradients.grad(
                [g for g, _ in pairs], dummies, [w for _, w in pairs],
                create_graph=create_graph, allow_unused=True,
            )  # fmt: skip
        results = _or_zeros(products, outputs, strict)
    if not create_graph:
        outputs = tuple([y.detach() for y in outputs])
    return (outputs, results) if several else (outputs[0], results[0])


def _or_zeros(grads: tuple[Any, ...], like: tuple[Any, ...], strict: bool) -> tuple[Any, ...]:
    for i, gradient in enumerate(grads):
        if gradient is None and strict:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode."
            )
    return tuple([_zeros(x) if g is None else g for x, g in zip(like, grads)])


def _vector(v: Any, like: tuple[Any, ...], name: str, what: str) -> tuple[Any, ...]:
    """Return ``v`` as a tuple that fits ``like``; ones if it was left out and may be.

    Raises:
        RuntimeError: it does not fit.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the user-provided function {what} is a single "
                f"Tensor with a single element; {name} got {[tuple(x.shape) for x in like]}"
            )
        return (like[0]._wrap(array_module(like[0].array).ones_like(like[0].array)),)
    vectors, _ = _as_tuple(v, "v")
    if [tuple(x.shape) for x in vectors] != [tuple(x.shape) for x in like]:
        raise RuntimeError(
            f"v has invalid size: should be {[tuple(x.shape) for x in like]} but got "
            f"{[tuple(x.shape) for x in vectors]}."
        )
    return vectors
