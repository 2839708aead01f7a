"""Jacobians, Hessians and their products with vectors, of functions of tensors.

Source: PyTorch, ``torch.autograd.functional``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_adam.autograd import gradients
from tinygrad_adam.autograd.gradients import stacked, zeros_like
from tinygrad_adam.autograd.mode import enable_grad
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import array_module

OUTPUTS = "outputs of the user-provided function"


def _as_tuple(value: Any, what: str, function: str) -> tuple[tuple[Any, ...], bool]:
    """Return tensors as a tuple, and whether they were one already.

    Raises:
        TypeError: something among them is no tensor.
    """
    several = isinstance(value, tuple)
    values = tuple(value) if several else (value,)
    for i, x in enumerate(values):
        if not isinstance(x, Traced):
            which = f"the value at index {i}" if several else f"the given {what}"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but "
                f"{which} has type {type(x)}."
            )
    return values, several


def _check_recorded(outputs: tuple[Any, ...]) -> None:
    """Raise for an output that depends on nothing, in strict mode."""
    for i, y in enumerate(outputs):
        if not y._requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs "
                "must be computed in a differentiable manner from the input when running in strict "
                "mode."
            )


def _fresh(inputs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """Return inputs that gradients can be asked for: views with the history, or new leaves."""
    if create_graph:
        return tuple([x.view_as(x) if x._requires_grad else _leaf(x) for x in inputs])
    return tuple([_leaf(x) for x in inputs])


def _leaf(x: Any) -> Any:
    return x.detach().requires_grad_()


def _gradients(
    outputs: Any, inputs: tuple[Any, ...], weights: Any, retain_graph: bool | None, recorded: bool
) -> tuple[Any, ...]:
    """Return the gradient of the weighted outputs for each input, None where there is none."""
    reached = [(y, w) for y, w in zip(outputs, weights) if y._requires_grad]
    if not reached:
        return (None,) * len(inputs)
    ys, ws = zip(*reached)
    return gradients.grad(ys, inputs, ws, retain_graph, recorded, allow_unused=True)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the derivatives of every element of the outputs by every element of the inputs.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        create_graph: record the computation, so that the result can be differentiated.
        strict: raise if an output does not depend on an input, instead of giving zeros.
        vectorize: accepted for PyTorch's sake; the result is the same.
        strategy: "reverse-mode" or, with ``vectorize``, "forward-mode": likewise.

    Returns:
        A tensor of shape (output shape, input shape); a tuple of them for several inputs, and of
        such tuples for several outputs.

    Raises:
        RuntimeError: with ``strict``, an output does not depend on an input.
        TypeError: an input or output is no tensor.
        AssertionError: another strategy.
        NotImplementedError: "forward-mode" without ``vectorize``.
    """
    _check_strategy(strategy, vectorize)
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )
    given, several_inputs = _as_tuple(inputs, "inputs", "jacobian")
    with enable_grad():
        given = _fresh(given, create_graph)
        outputs, several_outputs = _as_tuple(func(*given), OUTPUTS, "jacobian")
        if strict:
            _check_recorded(outputs)
        rows = []
        for i, y in enumerate(outputs):
            columns: list[list[Any]] = [[] for _ in given]
            flat = y.reshape(-1)
            for k in range(y.numel()):
                grads = _gradients([flat[k]], given, [None], True, create_graph)
                for j, gradient in enumerate(grads):
                    if gradient is None and strict:
                        raise RuntimeError(
                            f"Output {i} of the user-provided function is independent of input {j}."
                            " This is not allowed in strict mode."
                        )
                    if strict and create_graph and not gradient._requires_grad:
                        raise RuntimeError(
                            "The jacobian of the user-provided function is independent of input "
                            f"{j}. This is not allowed in strict mode when create_graph=True."
                        )
                    columns[j].append(zeros_like(given[j]) if gradient is None else gradient)
            blocks = [stacked(values, x) for values, x in zip(columns, given)]
            rows.append(tuple([b.reshape((*y.shape, *x.shape)) for b, x in zip(blocks, given)]))
    result = tuple([row if several_inputs else row[0] for row in rows])
    return result if several_outputs else result[0]


def _check_strategy(strategy: str, vectorize: bool) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only "
            "implemented for `vectorize=True`."
        )


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the second derivatives of a function whose result has one element.

    Arguments and errors as for :func:`jacobian`; ``outer_jacobian_strategy`` is its ``strategy``.

    Returns:
        A tensor of shape (input shape, input shape); for several inputs a tuple of tuples.

    Raises:
        RuntimeError: the result has more than one element.
    """
    _check_strategy(outer_jacobian_strategy, vectorize)
    given, several = _as_tuple(inputs, "inputs", "hessian")
    rows = jacobian(_gradient_of(func, "hessian", strict, []), given, create_graph, strict)
    return rows if several else rows[0][0]


def _gradient_of(
    func: Callable[..., Any], name: str, strict: bool, values: list[Any]
) -> Callable[..., Any]:
    """Return what computes the gradient of ``func``, and puts its value into ``values``."""

    def gradient(*arguments: Any) -> Any:
        outputs, several_outputs = _as_tuple(func(*arguments), OUTPUTS, name)
        if several_outputs:
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {name} should contain a single "
                f"element\n  Its shape is {tuple(outputs[0].shape)}"
            )
        if strict:
            _check_recorded(outputs)
        values.append(outputs[0])
        grads = _gradients([outputs[0].reshape(())], arguments, [None], None, True)
        for i, g in enumerate(grads if strict else ()):
            if g is None and name != "hessian":
                break  # _or_zeros says it
            if g is None or not g._requires_grad:
                raise RuntimeError(
                    "While computing the hessian, found that the jacobian of the user-provided "
                    f"function with respect to input {i} is independent of the input. This is not "
                    "allowed in strict mode. You should ensure that your function is twice "
                    "differentiable and that the jacobian depends on the inputs (this would be "
                    "violated by a linear function for example)."
                )
        return _or_zeros(grads, arguments, strict)

    return gradient


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return the value of ``func``, and H v, the product of its Hessian with a vector.

    Arguments and errors as for :func:`jvp`, of a function whose result has one element. H being
    symmetric, :func:`vhp` gives the same, faster.
    """
    return _hessian_product(jvp, "hvp", func, inputs, v, create_graph, strict)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return the value of ``func``, and vᵀ H, the product of a vector with its Hessian.

    Arguments and errors as for :func:`hvp`.
    """
    return _hessian_product(vjp, "vhp", func, inputs, v, create_graph, strict)


def _hessian_product(
    product: Callable[..., Any],
    name: str,
    func: Callable[..., Any],
    inputs: Any,
    v: Any,
    create_graph: bool,
    strict: bool,
) -> tuple[Any, Any]:
    given, several = _as_tuple(inputs, "inputs", name)
    vector = _vector(v, given, several, name)
    values: list[Any] = []
    _, found = product(
        _gradient_of(func, name, strict, values), given, vector, create_graph, strict
    )
    value = values[0] if create_graph else values[0].detach()
    return value, found if several else found[0]


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
    given, several = _as_tuple(inputs, "inputs", "vjp")
    with enable_grad():
        given = _fresh(given, create_graph)
        outputs, several_outputs = _as_tuple(func(*given), OUTPUTS, "vjp")
        if strict:
            _check_recorded(outputs)
        weights = _vector(v, outputs, several_outputs, "vjp")
        grads = _gradients(outputs, given, weights, None, create_graph)
        products = _or_zeros(grads, given, strict)
    if not create_graph:
        outputs, products = _detached(outputs), _detached(products)
    return (outputs if several_outputs else outputs[0], products if several else products[0])


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
    given, several_inputs = _as_tuple(inputs, "inputs", "jvp")
    with enable_grad():
        given = _fresh(given, create_graph)
        direction = _vector(v, given, several_inputs, "jvp")
        outputs, several = _as_tuple(func(*given), OUTPUTS, "jvp")
        if strict:
            _check_recorded(outputs)
        dummies = tuple([zeros_like(y).requires_grad_() for y in outputs])
        grads = _or_zeros(_gradients(outputs, given, dummies, None, True), given, strict)
        products = _gradients(grads, dummies, direction, None, create_graph)
        results = _or_zeros(products, outputs, strict)
    if not create_graph:
        outputs, results = _detached(outputs), _detached(results)
    return (outputs, results) if several else (outputs[0], results[0])


def _detached(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([x.detach() for x in tensors])


def _or_zeros(grads: tuple[Any, ...], like: tuple[Any, ...], strict: bool) -> tuple[Any, ...]:
    for i, gradient in enumerate(grads):
        if gradient is None and strict:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode."
            )
    return tuple([zeros_like(x) if g is None else g for x, g in zip(like, grads)])


def _vector(v: Any, like: tuple[Any, ...], several: bool, name: str) -> tuple[Any, ...]:
    """Return ``v`` as a tuple that fits ``like``; ones if it was left out and may be.

    Raises:
        RuntimeError: it does not fit.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            what = "input to the user-provided function is"
            if name == "vjp":
                what = "user-provided function returns"
            raise RuntimeError(
                f"The vector v can only be None if the {what} a single Tensor with a single "
                f"element.\n  The shapes are {[tuple(x.shape) for x in like]}"
            )
        return (like[0]._wrap(array_module(like[0].array).ones_like(like[0].array)),)
    vectors, _ = _as_tuple(v, "v", name)
    if len(vectors) != len(like):
        if not several:
            raise RuntimeError("The given v should contain a single Tensor.")
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}."
        )
    for i, (vector, x) in enumerate(zip(vectors, like)):
        if vector.shape != x.shape:
            entry = f"Entry {i} in v" if several else "v"
            raise RuntimeError(
                f"{entry} has invalid size: should be {x.shape} but got {vector.shape}."
            )
    return vectors
