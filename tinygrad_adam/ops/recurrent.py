"""Recurrent layers over whole sequences, packed: their rows in one matrix, step after step.

``sizes`` says how many rows each step has; the longest sequence comes first in each, so that these
never grow. ``backend.plain.recurrent`` has the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.gradients import grad as gradients
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.plain.recurrent import cell, walk
from tinygrad_adam.backend.sums import total, wide
from tinygrad_adam.ops.activations import relu
from tinygrad_adam.ops.dropout import dropout
from tinygrad_adam.ops.elementwise import sigmoid, tanh
from tinygrad_adam.ops.joining import cat, stack
from tinygrad_adam.ops.linalg import linear
from tinygrad_adam.ops.shapes import clone

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

TENSORS = 8


class Recurrence(Operation):
    """One layer in one direction: the new h of all rows, the last h and, of an LSTM, the last c.

    x (rows, I); h (N, P) and c (N, H), the states before; W (gates H, I) and V (gates H, P), their
    biases, and an LSTM's projection (P, H), or None; P is H without one.

    Gradient: through the steps, the last first, in one kernel; where it is recorded, as that of the
    steps as operations.  Saves all of these and what the kernel keeps.
    """

    def forward(
        self,
        x: Array,
        h: Array,
        c: Array | None,
        w_x: Array,
        w_h: Array,
        b_x: Array | None,
        b_h: Array | None,
        projection: Array | None,
        kind: str,
        sizes: Sequence[int],
        backwards: bool,
    ) -> tuple[Array, ...]:
        self.options = kind, sizes, backwards
        given = (x, h, c, w_x, w_h, b_x, b_h, projection)
        x, h, c, w_x, w_h, b_x, b_h, projection = map(wide, given)
        biases = None if b_x is None or b_h is None else (b_x, b_h)
        kernel = kernels(x, w_h)
        products = kernel.matmul(x, w_x.T)
        *results, gates, before, cells = kernel.recurrence(
            kind, products, h, c, w_h, biases, projection, sizes, backwards
        )
        self.save(*given, gates, before, cells)
        dtype = given[0].dtype
        return tuple([y.astype(dtype, copy=False) for y in results if y is not None])

    def backward(self, *grads: Any) -> Any:
        saved, needs = self.saved, self.needs_input_grad
        if current_mode().arrays:
            return RecurrenceGradient.apply(needs, grads, saved, *self.options)
        # Copies: the history of one input may lead to another.
        inputs: Any = [None if x is None else clone(x) for x in saved[:TENSORS]]
        results = _steps(inputs, *self.options)
        wanted = [x for x, needed in zip(inputs, needs) if needed]
        found = iter(gradients(results, wanted, grads, create_graph=True))
        return tuple([next(found) if needed else None for needed in needs])


class RecurrenceGradient(Operation):
    """The gradients of :class:`Recurrence`, in one kernel for all steps.

    No gradient of its own: a recorded walk takes the steps as operations.
    """

    def forward(
        self,
        needs: tuple[bool, ...],
        grads: tuple[Array, ...],
        saved: tuple[Any, ...],
        kind: str,
        sizes: Sequence[int],
        backwards: bool,
    ) -> tuple[Array | None, ...]:
        x, _, _, w_x, w_h, _, _, projection, gates, before, cells = map(wide, saved)
        grad, grad_h, grad_c = (*map(wide, grads), None)[:3]
        kernel, xp = kernels(x, w_h), array_module(x)
        for_x, for_h, grad_h, grad_c, for_new = kernel.recurrence_gradient(
            kind, grad, grad_h, grad_c, gates, before, cells, w_h, projection, sizes, backwards
        )
        for_projection = None
        if needs[7]:
            i, f, g, o = xp.split(gates, 4, axis=1)
            raw = o * xp.tanh(f * cells + i * g)
            for_projection = kernel.matmul(for_new.T, raw)
        b_x = total(for_x, 0) if needs[5] or needs[6] else None
        found = (
            kernel.matmul(for_x, w_x) if needs[0] else None,
            grad_h,
            grad_c,
            kernel.matmul(for_x.T, x) if needs[3] else None,
            kernel.matmul(for_h.T, before) if needs[4] else None,
            b_x,
            total(for_h, 0) if needs[6] and for_h is not for_x else b_x,
            for_projection,
        )
        return (*(y if needed else None for y, needed in zip(found, needs)), None, None, None)


def _steps(inputs: Sequence[Any], kind: str, sizes: Sequence[int], backwards: bool) -> list[Any]:
    """Do what :class:`Recurrence` does, as operations of single steps."""
    x, h, c, w_x, w_h, b_x, b_h, projection = inputs
    given, out = linear(x, w_x, b_x), []
    for start, count in walk(sizes, backwards):
        part, old = h[:count], None if c is None else c[:count]
        products, hidden = given[start : start + count], linear(part, w_h, b_h)
        new, new_c, _ = cell(kind, products, hidden, part, old, (sigmoid, tanh, relu))
        if projection is not None:
            new = linear(new, projection)
        out.append(new)
        h = cat([new, h[count:]])
        if c is not None:
            c = cat([new_c, c[count:]])
    results = [cat(out[::-1] if backwards else out), h]
    return results if c is None else [*results, c]


def recurrent(
    kind: str,
    input: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Sequence[Any]],
    sizes: Sequence[int],
    bidirectional: bool = False,
    dropout_p: float = 0.0,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output of the last of several layers for all rows, and the states after each.

    Args:
        kind: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input: (rows, I), packed.
        states: h and, for an LSTM, c before the first step: (layers * directions, N, size).
        weights: for each layer and direction the two weights, the two biases and the projection, or
            None for what is not there.
        sizes: how many rows each step has.
        bidirectional: whether each layer reads the sequences backwards, too.
        dropout_p: with which probability to drop outputs of all layers but the last.
    """
    directions = 2 if bidirectional else 1
    h, c = states[0], states[1] if len(states) > 1 else None
    ends = []
    for layer in range(0, len(weights), directions):
        if layer:
            input = dropout(input, dropout_p)
        outputs = []
        for number in range(layer, layer + directions):
            cell_state = None if c is None else c[number]
            options = (*weights[number], kind, sizes, number > layer)
            output, *after = Recurrence.apply(input, h[number], cell_state, *options)
            outputs.append(output)
            ends.append(after)
        input = cat(outputs, 1) if bidirectional else outputs[0]
    return input, tuple([stack(column) for column in zip(*ends)])
