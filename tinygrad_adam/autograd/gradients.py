"""The doors to the engine: :func:`backward`, :func:`backward_steps` and :func:`grad`.

They check what they are given, say where the walk starts and what becomes of the gradients, and set
the mode in which it runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from tinygrad_adam.autograd.engine import Node, Sinks, Walk, store
from tinygrad_adam.autograd.errors import NO_GRADIENT, NOT_SCALAR, UNUSED_INPUT
from tinygrad_adam.autograd.traced import Edge, Traced, gradient_edge
from tinygrad_adam.backend import array_module
from tinygrad_adam.backend.warn import warn


def _roots(tensors: Sequence[Any], grad_tensors: Any) -> list[tuple[Edge, Any]]:
    """Return the places where a walk starts, with the gradient there: ones for a scalar."""
    if grad_tensors is None:
        grad_tensors = [None] * len(tensors)
    elif isinstance(grad_tensors, Traced) or not isinstance(grad_tensors, Iterable):
        grad_tensors = [grad_tensors]
    else:
        grad_tensors = list(grad_tensors)
    if len(grad_tensors) != len(tensors):
        raise RuntimeError(
            f"got {len(tensors)} tensors and {len(grad_tensors)} gradients; give one for each"
        )
    roots = []
    for i, (tensor, gradient) in enumerate(zip(tensors, grad_tensors)):
        edge = gradient_edge(tensor)
        if edge is None:
            raise RuntimeError(
                f"{NO_GRADIENT.format(i)}\n  It is a {tensor.array.dtype} tensor of shape "
                f"{tuple(tensor.array.shape)}, made without recording (no_grad, detach) or from "
                "tensors that do not require grad"
            )
        if gradient is not None and not isinstance(gradient, Traced):
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(gradient).__name__}\n"
                "  Write tensor(1.0) for 1"
            )
        if gradient is None:
            if tensor.array.size != 1:
                raise RuntimeError(
                    f"{NOT_SCALAR}\n  The output has shape {tuple(tensor.array.shape)}: reduce it "
                    "with .sum() or .mean(), or pass gradient="
                )
            if tensor.array.dtype.kind == "c":
                raise RuntimeError(
                    "grad can be implicitly created only for real scalar outputs but got "
                    f"torch.{tensor.array.dtype}\n"
                    "  Differentiate its abs() or real, or pass gradient="
                )
            gradient = tensor._wrap(array_module(tensor.array).ones_like(tensor.array))
        elif tuple(gradient.array.shape) != tuple(tensor.array.shape):
            sizes: Any = gradient, tensor
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {sizes[0].shape} and "
                f"output[{i}] has a shape of {sizes[1].shape}."
            )
        elif (gradient.array.dtype.kind == "c") != (tensor.array.dtype.kind == "c"):
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same "
                f"dtype. Mismatch in dtype: grad_output[{i}] has a dtype of "
                f"torch.{gradient.array.dtype} and output[{i}] has a dtype of "
                f"torch.{tensor.array.dtype}."
            )
        roots.append((edge, gradient))
    return roots


def _sequence(name: str, tensors: Any, empty: tuple[type, ...] = ()) -> Sequence[Any]:
    """Return a tensor or several as a sequence, in which types in ``empty`` may stand, too."""
    several = isinstance(tensors, Iterable) and not isinstance(tensors, (Traced, str, bytes))
    found = tuple(tensors) if several else (tensors,)
    for i, x in enumerate(found):
        if not isinstance(x, (Traced, *empty)):
            raise TypeError(
                f"argument {name!r} must be Tensor or tuple of Tensors, but found element of type "
                f"{type(x).__name__} at pos {i}"
            )
    return found


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradient of ``tensors`` to the ``grad`` of every leaf that they depend on.

    Args:
        tensors: a tensor or several.
        grad_tensors: the gradient of each; may be left out for tensors of one element (then 1).
        retain_graph: keep what the operations saved, so that the graph can be walked again.
            Defaults to ``create_graph``.
        create_graph: record the walk itself, for gradients of gradients. It warns: a parameter and
            its gradient then keep each other alive; :func:`grad` stores nothing.
        inputs: store gradients for these tensors only.

    Raises:
        RuntimeError: a tensor has no history, or more than one element and no gradient; the graph
            was freed by an earlier walk; a saved value was changed in place.

    Source: PyTorch, ``torch.autograd.backward``.
    """
    walk = _prepare(tensors, grad_tensors, retain_graph, create_graph, inputs)
    _take(walk)


def _take(walk: Walk) -> None:
    """Take all steps of a walk, without holding on to what it yields."""
    with walk.walking():
        deque(walk.steps(), maxlen=0)


class Step(NamedTuple):
    """One step of the walk, after it was taken."""

    node: Node
    """The operation passed, or the leaf reached."""
    grads: Sequence[Any]
    """The gradient of each of its results, None where there is none; empty if none came at all."""
    input_grads: Sequence[Any]
    """The gradient that it sent on for each of its inputs, or None. Empty for a leaf."""


def backward_steps(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> Iterator[Step]:
    """Do what :func:`backward` does, but stop after each step of the walk and yield it.

    A walk that is left before its end has stored some gradients and not others.
    """
    walk = _prepare(tensors, grad_tensors, retain_graph, create_graph, inputs)
    steps = walk.steps()
    while True:
        # The walk's mode holds while a step is taken, not while the caller looks at it.
        with walk.walking():
            step = next(steps, None)
        if step is None:
            return
        node, *gradients = step
        yield Step(node, *[[x if x is None else walk.as_tensor(x) for x in y] for y in gradients])


def _prepare(
    tensors: Any, grad_tensors: Any, retain_graph: bool | None, create_graph: bool, inputs: Any
) -> Walk:
    """Check the arguments of :func:`backward` and return its walk, not yet begun."""
    sinks: Sinks | None = None
    if inputs is not None:
        inputs = _sequence("inputs", inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        sinks = {_edge_of_input(x, i): _storing(x, create_graph) for i, x in enumerate(inputs)}
    if create_graph:
        warn(
            "Using backward() with create_graph=True will create a reference cycle between the "
            "parameter and its gradient which can cause a memory leak. We recommend using "
            "autograd.grad when creating the graph to avoid this. If you have to use this "
            "function, make sure to reset the .grad fields of your parameters to None after use to "
            "break the cycle and avoid the leak."
        )
    roots = _roots(_sequence("tensors", tensors), grad_tensors)
    return Walk(roots, create_graph, _keeps(retain_graph, create_graph), sinks)


def _keeps(retain_graph: bool | None, create_graph: bool) -> bool:
    """Return whether the graph is kept: as ``create_graph`` says unless it is said."""
    for name, value in (("retain_graph", retain_graph), ("create_graph", create_graph)):
        if value is not None and not isinstance(value, int):
            raise TypeError(f"argument {name!r} must be bool, not {type(value).__name__}")
    return create_graph if retain_graph is None else retain_graph


def _storing(x: Any, recorded: bool) -> Callable[[Any], None]:
    return lambda gradient: store(x, [gradient if recorded else gradient.array], recorded)


def _edge_of_input(tensor: Any, position: int) -> Edge:
    edge = gradient_edge(tensor)
    if edge is None:
        raise RuntimeError(
            f"One of the differentiated Tensors does not require grad: input {position}, "
            f"{tensor.array.dtype} {tuple(tensor.array.shape)}; call requires_grad_() on it first"
        )
    return edge


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradient of ``outputs`` with respect to each of ``inputs``; store none.

    Args:
        outputs: a tensor or several, whose (weighted) sum is differentiated.
        inputs: a tensor or several, leaves or not.
        grad_outputs: the gradient of each output; may be left out for those of one element.
        retain_graph: keep what the operations saved. Defaults to ``create_graph``.
        create_graph: record the walk itself, for gradients of gradients.
        only_inputs: deprecated, as in PyTorch; without effect.
        allow_unused: give None for an input on which no output depends, instead of an error.
            Defaults to ``materialize_grads``.
        is_grads_batched: each of ``grad_outputs`` has one more dimension, the first, along which
            several gradients lie; each is carried back in a walk of its own, and the results are
            stacked in the same way.
        materialize_grads: give zeros instead of None for an input on which no output depends.

    Raises:
        RuntimeError: as :func:`backward`; no inputs; an input that is not used.
        ValueError: ``allow_unused=False`` together with ``materialize_grads=True``.

    Source: PyTorch, ``torch.autograd.grad``.
    """
    inputs, outputs = _sequence("inputs", inputs), _sequence("outputs", outputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if not only_inputs:
        warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    keep_graph = _keeps(retain_graph, create_graph)
    edges = [_edge_of_input(x, i) for i, x in enumerate(inputs)]
    rows = _unbatched(outputs, grad_outputs) if is_grads_batched else [grad_outputs]
    results = []
    for number, row in enumerate(rows, 1):
        found: dict[Edge, Any] = {}
        sinks: Sinks = {edge: partial(found.__setitem__, edge) for edge in edges}
        keep = keep_graph or number < len(rows)
        _take(Walk(_roots(outputs, row), create_graph, keep, sinks))
        for i, (x, edge) in enumerate(zip(inputs, edges)):
            if edge not in found and materialize_grads:
                found[edge] = zeros_like(x)
            elif edge not in found and not allow_unused:
                raise RuntimeError(UNUSED_INPUT.format(i))
        results.append([found.get(edge) for edge in edges])
    if not is_grads_batched:
        return tuple(results[0])
    columns = [[row[i] for row in results] for i in range(len(inputs))]
    return tuple(
        [None if None in column[:1] else stacked(column, x) for column, x in zip(columns, inputs)]
    )


def _unbatched(outputs: Sequence[Any], grad_outputs: Any) -> list[list[Any]]:
    """Return, for each entry of a batch of gradients, the gradient of each output."""
    batches = () if grad_outputs is None else _sequence("grad_outputs", grad_outputs, (type(None),))
    sizes = set()
    for i, (output, batch) in enumerate(zip(outputs, batches)):
        if batch is None:
            continue
        if batch.ndim == 0 or batch.array.shape[1:] != output.array.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                "as the batch dimension. The sizes of the remaining dimensions are expected to "
                "match the shape of corresponding output, but a mismatch was detected: "
                f"grad_output[{i}] has a shape of {batch.shape} and output[{i}] has a shape of "
                f"{output.shape}. If you only want some tensors in `grad_output` to be considered "
                "batched, consider using vmap."
            )
        sizes.add(len(batch))
    if len(sizes) != 1:
        raise RuntimeError(
            f"is_grads_batched=True needs grad_outputs with one size of batch, got {sorted(sizes)}"
        )
    return [[None if batch is None else batch[k] for batch in batches] for k in range(sizes.pop())]


def zeros_like(x: Any) -> Any:
    """Return zeros that lie in memory as ``x`` does."""
    return x._wrap(array_module(x.array).zeros_like(x.array))


def stacked(values: Sequence[Any], x: Any) -> Any:
    """Return tensors of the shape of ``x`` as one, with a dimension for them in front."""
    total = x.new_zeros((len(values), *x.shape))
    for k, value in enumerate(values):
        total[k] = value
    return total
