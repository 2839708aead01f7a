"""Are gradients right? Exact ones against differences of the function itself.

The derivative of f along a direction u is close to (f(x + h u) - f(x - h u)) / 2h: for h = 1e-6 in
float64 the error is about 1e-10. :func:`gradcheck` compares every element of the Jacobian in this
way, or (``fast_mode``) its products with random vectors; :func:`gradgradcheck` does the same to the
gradient; :func:`error_by_step` shows how the difference depends on h.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd import gradients
from tinygrad_adam.autograd.errors import NO_GRADIENT, describe, location
from tinygrad_adam.autograd.inplace import shared_dims
from tinygrad_adam.autograd.mode import enable_grad
from tinygrad_adam.autograd.observer import Observer, observing
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import Array, array_module, to_numpy


class GradcheckError(RuntimeError):
    """A gradient is not what differences of the function say.

    Source: PyTorch, ``torch.autograd.gradcheck.GradcheckError``.
    """


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool = False,
    localize: bool = False,
) -> bool:
    """Compare the gradients of ``func`` with central differences.

    Args:
        func: takes tensors, returns a tensor or several (a tuple or list). It is run with recording
            on, so that it may itself ask for gradients. Of its results those that require grad are
            checked; if none does, all must be constant.
        inputs: its arguments; those that require grad are checked. They should be float64 or
            complex128: real and imaginary parts count as numbers of their own.
        eps: the step of the differences.
        atol: absolute tolerance: |exact - numerical| <= atol + rtol |numerical|.
        rtol: relative tolerance.
        raise_exception: raise if the check fails, instead of returning False.
        nondet_tol: by how much two walks over the same graph may differ.
        fast_mode: compare uᵀ J v for random vectors u, v instead of each element of the Jacobian J.
        localize: when the check fails, replay the recorded operations one by one, each alone, and
            name the first whose gradient is wrong.

    Returns:
        Whether all gradients agree.

    Raises:
        ValueError: no input requires grad.
        TypeError: ``func`` returns nothing, or something other than tensors.
        GradcheckError: a gradient is wrong. It says which output and input, the worst element, and
            both values.

    Source: PyTorch, ``torch.autograd.gradcheck``.
    """
    inputs = _several(inputs)
    checked = _checked_inputs(inputs)
    compare = _compare_along if fast_mode else _compare_elements
    try:
        with enable_grad():
            compare(func, inputs, checked, _Options(eps, atol, rtol, nondet_tol))
    except GradcheckError as error:
        if not raise_exception:
            return False
        if localize:
            culprit = _first_wrong(func, inputs, eps, atol, rtol)
            raise GradcheckError(f"{error}\n  {culprit}") from None
        raise
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool = False,
    localize: bool = False,
) -> bool:
    """Compare the gradients of the gradients of ``func`` with central differences.

    Args:
        func: takes tensors, returns a tensor or several.
        inputs: its arguments; those that require grad are checked. They should be float64.
        grad_outputs: the gradient of each output; random numbers unless given.

    The other arguments, the result and the errors are those of :func:`gradcheck`.

    Source: PyTorch, ``torch.autograd.gradgradcheck``.
    """
    inputs = _several(inputs)
    checked = _checked_inputs(inputs)
    with enable_grad():
        outputs = _outputs(func, inputs)
    if not any(y._requires_grad for y in outputs):
        raise RuntimeError(
            f"{NO_GRADIENT.format(0)}\n  gradgradcheck: no result of the function does, so that "
            "there is no gradient to differentiate"
        )
    if grad_outputs is None:
        draw = np.random.default_rng(0)
        grad_outputs = [_like(y, draw.standard_normal(_count(y))) for y in outputs]
        for weight in grad_outputs:
            weight._requires_grad = True
    grad_outputs = _several(grad_outputs)

    @enable_grad()
    def gradient(*arguments: Any) -> Any:
        values = _outputs(func, arguments[: len(inputs)])
        return gradients.grad(
            values,
            [arguments[i] for i in checked],
            arguments[len(inputs) :],
            create_graph=True,
            materialize_grads=True,
        )

    return gradcheck(
        gradient,
        (*inputs, *grad_outputs),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        fast_mode=fast_mode,
        localize=localize,
    )


def error_by_step(
    func: Callable[..., Any], inputs: Any, steps: Sequence[float] | None = None
) -> list[tuple[float, float]]:
    """Return how far the gradient is from central differences, for steps from 1e-1 to 1e-12.

    A right gradient gives a V: the error falls with h² while the difference is too coarse, and
    rises with 1/h once it drowns in rounding. For a wrong one it stays where it is.

    Args:
        func: takes tensors, returns a tensor or several.
        inputs: its arguments; those that require grad are compared.
        steps: the values of h.

    Returns:
        Pairs ``(h, error)``: the largest difference, relative to the largest gradient where that is
        above 1.
    """
    inputs = _several(inputs)
    checked = _checked_inputs(inputs)
    with enable_grad():
        outputs = _outputs(func, inputs)
        exact = [_analytical(y, [inputs[i] for i in checked], 0.0) for y in outputs]
    size = max([abs(x).max(initial=0.0) for row in exact for x in row], default=0.0)
    pairs = []
    for step in steps if steps is not None else [10.0**-k for k in range(1, 13)]:
        worst = 0.0
        for column, i in enumerate(checked):
            numerical = _numerical(func, inputs, inputs[i], step)
            for row, jacobian in zip(exact, numerical):
                worst = max(worst, abs(row[column] - jacobian).max(initial=0.0))
        pairs.append((step, float(worst / max(size, 1.0))))
    return pairs


class _Options(NamedTuple):
    """Step and tolerances, as :func:`gradcheck` takes them."""

    eps: float
    atol: float
    rtol: float
    nondet_tol: float


def _several(values: Any) -> tuple[Any, ...]:
    """Return one tensor or several as a tuple."""
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _checked_inputs(inputs: Sequence[Any]) -> list[int]:
    """Return the positions of the inputs to check."""
    checked = []
    for i, x in enumerate(inputs):
        if not isinstance(x, Traced) or not x._requires_grad:
            continue
        checked.append(i)
        if x.array.dtype.itemsize // (2 if x.array.dtype.kind == "c" else 1) < 8:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                f"precision floating point or complex. It is {describe(x.array)}.",
                stacklevel=3,
            )
        if shared_dims(x.array):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients correctly. "
                "You should call .contiguous on the input before passing it to gradcheck."
            )
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    return checked


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    """Return the results of ``func`` that require grad; all of them if none does."""
    results = _several(func(*inputs))
    odd = [type(y).__name__ for y in results if not isinstance(y, Traced)]
    if odd or not results:
        raise TypeError(
            "gradcheck needs a function that returns a tensor or a tuple of tensors, got "
            f"{odd[0] if odd else 'an empty one'}\n  Is a return missing, or is there an .item() "
            "or .numpy() too many? What is not differentiable can be left out by a lambda."
        )
    return [y for y in results if y._requires_grad] or list(results)


def _count(variable: Traced) -> int:
    """Return of how many real numbers a tensor consists: two for each complex one."""
    return int(variable.array.size) * (2 if variable.array.dtype.kind == "c" else 1)


def _reals(array: Array) -> np.ndarray:
    """Return the real numbers of which an array consists, flat, in float64, as a copy."""
    flat = to_numpy(array).ravel()
    return flat.astype(np.complex128 if flat.dtype.kind == "c" else np.float64).view(np.float64)


def _like(variable: Traced, reals: np.ndarray) -> Any:
    """Return a tensor made of real numbers, with shape, dtype and device of ``variable``."""
    array = variable.array
    values = reals.view(np.complex128) if array.dtype.kind == "c" else reals
    values = values.reshape(array.shape).astype(array.dtype)
    return variable._wrap(array_module(array).asarray(values))


def _compare_elements(
    func: Callable[..., Any], inputs: Sequence[Any], checked: list[int], options: _Options
) -> None:
    """Compare every element of the Jacobians."""
    wanted = [inputs[i] for i in checked]
    outputs = _outputs(func, inputs)
    exact = [_analytical(y, wanted, options.nondet_tol) for y in outputs]
    for column, i in enumerate(checked):
        for k, numerical in enumerate(_numerical(func, inputs, inputs[i], options.eps)):
            _compare(exact[k][column], numerical, outputs, k, i, options)


def _compare_along(
    func: Callable[..., Any], inputs: Sequence[Any], checked: list[int], options: _Options
) -> None:
    """Compare uᵀ J v: for each input a random direction u, for each output random weights v."""
    outputs = _outputs(func, inputs)
    wanted = [inputs[i] for i in checked]
    draw = np.random.default_rng(0)
    directions = [_unit_vector(_count(x), draw) for x in wanted]
    weights = [draw.standard_normal(_count(y)) for y in outputs]
    exact = [
        _backward(y, wanted, _like(y, v), options.nondet_tol) for y, v in zip(outputs, weights)
    ]
    for column, (i, u) in enumerate(zip(checked, directions)):
        direction = _like(inputs[i], u).array
        changes = _differences(func, inputs, inputs[i], ..., direction, options.eps)
        for k, (change, v) in enumerate(zip(changes, weights)):
            product = np.atleast_2d(u @ exact[k][column])
            _compare(product, np.atleast_2d(change @ v), outputs, k, i, options)


def _compare(
    exact: np.ndarray,
    numerical: np.ndarray,
    outputs: list[Any],
    output: int,
    input: int,
    options: _Options,
) -> None:
    if np.allclose(exact, numerical, options.rtol, options.atol, equal_nan=True):
        return
    excess = abs(exact - numerical) - options.rtol * abs(numerical)
    worst = np.unravel_index(np.nanargmax(np.nan_to_num(excess, nan=np.inf)), excess.shape)
    constant = (
        ""
        if outputs[output]._requires_grad
        else (
            "Numerical gradient for function expected to be zero\n"
            "  No result requires grad: is there a detach() or no_grad() too many?\n"
        )
    )
    raise GradcheckError(
        f"{constant}Jacobian mismatch for output {output} with respect to input {input},\n"
        f"numerical:{numerical}\nanalytical:{exact}\n"
        f"  worst at [input element, output element] {[int(i) for i in worst]}: differences of the "
        f"function give {numerical[worst]:.10g}, backward gives {exact[worst]:.10g}"
    )


def _backward(
    output: Any, wanted: list[Any], gradient: Any, nondet_tol: float | None = None
) -> list[np.ndarray]:
    """Return the gradients of ``wanted``, as real numbers, given that of ``output``; zeros if none.

    With ``nondet_tol``, after a second walk has given the same.
    """
    if not output._requires_grad:
        return [np.zeros(_count(x)) for x in wanted]
    try:
        grads = gradients.grad(output, wanted, gradient, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        raise GradcheckError(f"backward raised {type(error).__name__}: {error}") from error
    flat = []
    for x, grad in zip(wanted, grads):
        if grad is not None and grad.array.shape != x.array.shape:
            raise GradcheckError(
                f"the gradient has shape {grad.array.shape}, its input {x.array.shape}"
            )
        flat.append(np.zeros(_count(x)) if grad is None else _reals(grad.array))
    if nondet_tol is None:
        return flat
    for first, second in zip(flat, _backward(output, wanted, gradient)):
        if abs(first - second).max(initial=0.0) > nondet_tol:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output "
                "multiple times gives different values, although analytical gradient matches "
                f"numerical gradient. The tolerance for nondeterminism was {nondet_tol}."
            )
    return flat


# A Jacobian is (real numbers of the input, real numbers of the output). A complex output is given
# the gradient 1 for its real part and i for its imaginary part; that of a complex input is then the
# derivative by its real part, plus i times that by its imaginary part.


def _analytical(output: Any, wanted: list[Any], nondet_tol: float) -> list[np.ndarray]:
    """Return for each input the Jacobian that backward gives."""
    size = _count(output)
    jacobians = [np.zeros((_count(x), size)) for x in wanted]
    for k in range(size):
        unit = _like(output, np.eye(1, size, k)[0])
        grads = _backward(output, wanted, unit, nondet_tol if k == 0 else None)
        for jacobian, column in zip(jacobians, grads):
            jacobian[:, k] = column
    return jacobians


def _numerical(
    func: Callable[..., Any], inputs: Sequence[Any], x: Any, eps: float
) -> list[np.ndarray]:
    """Return for each output the Jacobian by differences."""
    rows = [
        _differences(func, inputs, x, index, unit, eps)
        for index in np.ndindex(x.array.shape)
        for unit in ((1.0, 1j) if x.array.dtype.kind == "c" else (1.0,))
    ]
    if not rows:
        return [np.zeros((0, _count(y))) for y in _outputs(func, inputs)]
    return [np.stack(columns) for columns in zip(*rows)]


@enable_grad()
def _differences(
    func: Callable[..., Any], inputs: Sequence[Any], x: Any, index: Any, direction: Any, eps: float
) -> list[np.ndarray]:
    """Return for each output how it changes when ``x[index]`` goes along ``direction``."""
    before = x.array[index].copy()
    after = []
    try:
        for step in (eps, -eps):
            x.array[index] = before + step * direction
            after.append([_reals(y.array) for y in _outputs(func, inputs)])
    finally:
        x.array[index] = before
    return [(up - down) / (2 * eps) for up, down in zip(*after)]


def _unit_vector(size: int, draw: np.random.Generator) -> np.ndarray:
    """Return random numbers whose squares sum to 1."""
    vector = draw.standard_normal(size)
    return vector / (np.linalg.norm(vector) or 1.0)


class _Tape(Observer):
    """Keeps every operation with its inputs, in the order in which they ran."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, tuple[Any, ...]]] = []

    def after_forward(self, node: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """Keep the call if a gradient passes through it."""
        if node.edges:
            self.calls.append((node, tuple(inputs)))


def _first_wrong(
    func: Callable[..., Any], inputs: Sequence[Any], eps: float, atol: float, rtol: float
) -> str:
    """Replay the operations that ``func`` records, each alone; say which is the first wrong one."""
    tape = _Tape()
    with enable_grad(), observing(tape):
        func(*inputs)
    for number, (node, arguments) in enumerate(tape.calls, 1):
        replayed = [x._wrap(x.array.copy()) if isinstance(x, Traced) else x for x in arguments]
        for x, needed in zip(replayed, node.needs_input_grad):
            if needed:
                x._requires_grad = True
        try:
            gradcheck(type(node).apply, replayed, eps=eps, atol=atol, rtol=rtol)
        except GradcheckError as error:
            shapes = ", ".join([describe(x.array) for x in arguments if isinstance(x, Traced)])
            return (
                f"The first wrong gradient is that of operation {number} of {len(tape.calls)}, "
                f"{location(node)}, input {shapes}: {str(error).splitlines()[-1].strip()}"
            )
    return (
        f"Each of the {len(tape.calls)} operations alone has a right gradient: the program uses a "
        "value that is not recorded (detach, no_grad, numpy) or is not the same function each time"
    )
