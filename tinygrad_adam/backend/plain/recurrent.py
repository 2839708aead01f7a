"""A layer of an RNN, LSTM or GRU in one direction, over all steps of a batch of sequences.

The sequences are packed: one matrix holds the rows of all steps, first those of step 0. ``sizes``
says how many each step has. The longest sequence is the first row of its step, so that they never
grow, and no work is done for a sequence that has ended. A state is a matrix with a row for each
sequence: a step changes those that take part in it, the others keep what they have. So the state
after the walk is the last one of every sequence; backwards, too, where rows join later.

With s = sigmoid, and W x + b split into the parts that the gates are named after::

    RNN     h' = tanh or relu(W x + b + V h + d)
    LSTM    i, f, o = s(W x + b + V h + d)    g = tanh(W x + b + V h + d)
            c' = f c + i g                    h' = o tanh(c')
    GRU     r, z = s(W x + b + V h + d)       n = tanh(W x + b + r (V h + d))
            h' = (1 - z) n + z h

An LSTM may have a projection: P (o tanh(c')) takes the place of h'.

Sources: Elman, "Finding Structure in Time" (1990); Hochreiter and Schmidhuber, "Long Short-Term
Memory" (1997); Cho et al., "Learning Phrase Representations" (2014); PyTorch for the GRU's n and
for the order of the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_adam.backend.arrays import Array, array_module
from tinygrad_adam.backend.special import logistic

# How many gates there are, by PyTorch's names of the kinds.
GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


def walk(sizes: Sequence[int], backwards: bool) -> list[tuple[int, int]]:
    """The first row and the number of rows of each step, in the order in which they are taken."""
    found, start = [], 0
    for size in sizes:
        found.append((start, size))
        start += size
    return found[::-1] if backwards else found


def cell(
    kind: str, given: Any, hidden: Any, h: Any, c: Any, functions: Sequence[Callable[[Any], Any]]
) -> tuple[Any, Any, tuple[Any, ...]]:
    """One step: the new h (before a projection), the new c, and what the gradient needs of gates.

    given: W x + b; hidden: V h + d; functions: sigmoid, tanh and relu. Of arrays or of tensors.
    """
    sigmoid, tanh, relu = functions
    if kind not in ("LSTM", "GRU"):
        h = (tanh if kind == "RNN_TANH" else relu)(given + hidden)
        return h, None, (h,)
    if kind == "GRU":
        (r, z, n), (r_h, z_h, n_h) = _split(given, 3), _split(hidden, 3)
        r, z = sigmoid(r + r_h), sigmoid(z + z_h)
        n = tanh(n + r * n_h)
        return n + z * (h - n), None, (r, z, n, n_h)
    i, f, g, o = _split(given + hidden, 4)
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    c = f * c + i * g
    return o * tanh(c), c, (i, f, g, o)


def cell_gradient(
    kind: str, grad: Array, grad_c: Any, gates: Array, h: Array, c: Any
) -> tuple[list[Array], list[Array], Array | int, Any]:
    """The gradients of `cell` for given, hidden, h as far as it does not pass through V, and c.

    grad: that of the new h; grad_c: of the new c; h, c: those before the step.
    """
    if kind == "RNN_TANH":
        parts = [grad * (1 - gates * gates)]
        return parts, parts, 0, grad_c
    if kind == "RNN_RELU":
        parts = [array_module(grad).where(gates <= 0, 0, grad)]
        return parts, parts, 0, grad_c
    if kind == "GRU":
        r, z, n, n_h = _split(gates, 4)
        for_n = grad * (1 - z) * (1 - n * n)
        both = [for_n * n_h * r * (1 - r), grad * (h - n) * z * (1 - z)]
        return [*both, for_n], [*both, for_n * r], grad * z, grad_c
    i, f, g, o = _split(gates, 4)
    tanh_c = array_module(grad).tanh(f * c + i * g)
    grad_c = grad_c + grad * o * (1 - tanh_c * tanh_c)
    parts = [
        grad_c * g * i * (1 - i),
        grad_c * c * f * (1 - f),
        grad_c * i * (1 - g * g),
        grad * tanh_c * o * (1 - o),
    ]
    return parts, parts, 0, grad_c * f


def _split(x: Any, count: int) -> list[Any]:
    size = x.shape[1] // count
    return [x[:, k * size : (k + 1) * size] for k in range(count)]


def recurrence(
    kind: str,
    given: Array,
    h: Array,
    c: Array | None,
    weight: Array,
    biases: tuple[Array, Array] | None,
    projection: Array | None,
    sizes: Sequence[int],
    backwards: bool,
) -> tuple[Array, Array, Array | None, Array, Array, Array | None]:
    """All steps.

    given: W x for all rows, (rows, gates H), may be written over; h: (N, P), c: (N, H), the states
    before; weight: V, (gates H, P); biases: b and d; projection: P, (P, H). Without a projection,
    P is H; c is the LSTM's alone.

    Returns the new h of all rows, (rows, P), and the states after; and for `recurrence_gradient`
    what it needs of the gates, and the h and c that each row had before its step.
    """
    xp, h = array_module(given), h.copy()
    out, before = xp.empty((2, len(given), h.shape[1]), given.dtype)
    size = given.shape[1] // GATES[kind]
    gates = xp.empty((len(given), size * (1 if kind.startswith("RNN") else 4)), given.dtype)
    cells = None
    if c is not None:
        c, cells = c.copy(), xp.empty((len(given), size), given.dtype)
    functions = (logistic, xp.tanh, lambda x: xp.maximum(x, 0))
    for start, count in walk(sizes, backwards):
        rows, taking_part = slice(start, start + count), h[:count]
        before[rows] = taking_part
        products, hidden = given[rows], taking_part @ weight.T
        if biases is not None:
            products, hidden = products + biases[0], hidden + biases[1]
        old = None if c is None else c[:count]
        new, new_c, kept = cell(kind, products, hidden, taking_part, old, functions)
        gates[rows] = xp.concatenate(kept, axis=1)
        h[:count] = out[rows] = new if projection is None else new @ projection.T
        if c is not None and cells is not None:
            cells[rows] = old
            c[:count] = new_c
    return out, h, c, gates, before, cells


def recurrence_gradient(
    kind: str,
    grad: Array,
    grad_h: Array,
    grad_c: Array | None,
    gates: Array,
    before: Array,
    cells: Array | None,
    weight: Array,
    projection: Array | None,
    sizes: Sequence[int],
    backwards: bool,
) -> tuple[Array, Array, Array, Array | None, Array]:
    """The gradients of `recurrence`, the last step first.

    grad, grad_h, grad_c: of its first three results; the rest: what it got and gave.

    Returns those for W x + b and for V h + d, (rows, gates H) each; for the states before the first
    step; and for the new h of all rows, (rows, P).
    """
    xp = array_module(grad)
    grad_h, grad_c = grad_h.copy(), None if grad_c is None else grad_c.copy()
    for_given = xp.empty((len(grad), len(weight)), grad.dtype)
    for_hidden = xp.empty_like(for_given) if kind == "GRU" else for_given
    for_new = xp.empty_like(grad)
    for start, count in walk(sizes, not backwards):
        rows = slice(start, start + count)
        for_new[rows] = new = grad_h[:count] + grad[rows]
        if projection is not None:
            new = new @ projection
        of_c: Any = None if grad_c is None else grad_c[:count]
        old_c = None if cells is None else cells[rows]
        given, hidden, direct, of_c = cell_gradient(
            kind, new, of_c, gates[rows], before[rows], old_c
        )
        for_given[rows] = xp.concatenate(given, axis=1)
        if kind == "GRU":
            for_hidden[rows] = xp.concatenate(hidden, axis=1)
        grad_h[:count] = for_hidden[rows] @ weight + direct
        if grad_c is not None:
            grad_c[:count] = of_c
    return for_given, for_hidden, grad_h, grad_c, for_new
