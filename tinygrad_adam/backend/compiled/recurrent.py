"""A layer of an RNN, LSTM or GRU in compiled loops; each thread takes some of the sequences.

The formulas, and what the arrays are, stand in `backend.plain.recurrent`. A step is a product by
BLAS, then a row of elements at a time while it is in the processor's cache, one function after the
other, each in a loop over few arrays: of many, the compiler cannot tell whether they overlap, and
no longer works on several elements at once.

sigmoid and tanh are within 4 units in the last place, the sums of products have BLAS's rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_adam.backend.compiled import threads
from tinygrad_adam.backend.compiled.jit import compiled, gemm
from tinygrad_adam.backend.compiled.memory import empty
from tinygrad_adam.backend.plain.recurrent import GATES, walk

# What an element of a gate costs, in elementary steps.
GATE = 8


def recurrence(
    kind: str,
    given: np.ndarray,
    h: np.ndarray,
    c: np.ndarray | None,
    weight: np.ndarray,
    biases: tuple[np.ndarray, np.ndarray] | None,
    projection: np.ndarray | None,
    sizes: Sequence[int],
    backwards: bool,
) -> tuple[np.ndarray | None, ...]:
    """All steps: see `backend.plain.recurrent`."""
    rows, size = len(given), given.shape[1] // GATES[kind]
    weight = np.ascontiguousarray(weight)
    bias = np.zeros(size * (4 if kind == "GRU" else GATES[kind]), given.dtype)
    if biases is not None:  # one for all gates, but the GRU's n, where they do not meet: b, then d
        bias[: len(weight)] = biases[0]
        bias[-size:] += biases[1][-size:]
        bias[: len(weight) - size] += biases[1][:-size]
    given, h = np.ascontiguousarray(given), h.copy(order="C")
    steps = np.array(walk(sizes, backwards), np.int64)
    out, before = empty((rows, h.shape[1]), h.dtype), empty((rows, h.shape[1]), h.dtype)
    if c is not None:
        c, cells = c.copy(order="C"), empty((rows, size), h.dtype)
        last = None if projection is None else np.ascontiguousarray(projection)
        _share(_lstm, weight, steps, given, bias, h, c, weight, last, out, before, cells)
        return out, h, c, given, before, cells
    if kind == "GRU":
        gates = empty((rows, 4 * size), h.dtype)
        _share(_gru, weight, steps, given, bias, h, weight, out, before, gates)
        return out, h, None, gates, before, None
    _share(_rnn, weight, steps, given, bias, h, weight, out, before, kind == "RNN_TANH")
    return out, h, None, given, before, None


def recurrence_gradient(
    kind: str,
    grad: np.ndarray,
    grad_h: np.ndarray,
    grad_c: np.ndarray | None,
    gates: np.ndarray,
    before: np.ndarray,
    cells: np.ndarray | None,
    weight: np.ndarray,
    projection: np.ndarray | None,
    sizes: Sequence[int],
    backwards: bool,
) -> tuple[np.ndarray | None, ...]:
    """The gradients of all steps, the last first: see `backend.plain.recurrent`."""
    steps = np.array(walk(sizes, backwards), np.int64)
    grad_h, weight = grad_h.copy(order="C"), np.ascontiguousarray(weight)
    for_given = empty((len(grad), len(weight)), grad.dtype)
    for_new, grad = empty(grad.shape, grad.dtype), np.ascontiguousarray(grad)
    if cells is not None and grad_c is not None:
        grad_c = grad_c.copy(order="C")
        last = None if projection is None else np.ascontiguousarray(projection)
        states = (grad, grad_h, grad_c, for_new, for_given)
        _share(_lstm_gradient, weight, steps, gates, cells, weight, last, *states)
        return for_given, for_given, grad_h, grad_c, for_new
    if kind == "GRU":
        for_hidden = empty(for_given.shape, grad.dtype)
        states = (grad, grad_h, for_new, for_given, for_hidden)
        _share(_gru_gradient, weight, steps, gates, before, weight, *states)
        return for_given, for_hidden, grad_h, None, for_new
    is_tanh = kind == "RNN_TANH"
    _share(_rnn_gradient, weight, steps, gates, weight, grad, grad_h, for_new, for_given, is_tanh)
    return for_given, for_given, grad_h, None, for_new


def _share(kernel, weight, steps, *arrays):  # type: ignore[no-untyped-def]
    """Run a kernel for runs of the sequences."""
    batch, rows = steps[:, 1].max(), steps[:, 1].sum()
    work = rows * len(weight) * (weight.shape[1] / threads.PRODUCT + GATE)
    bounds = threads.cuts(int(batch), float(work), parts=1)
    threads.run(lambda i: kernel(steps, *arrays, bounds[i], bounds[i + 1]), len(bounds) - 1)


@compiled
def _expm1(x, number):  # type: ignore[no-untyped-def]
    """exp(x) - 1 = 2**n (exp(r) - 1) + 2**n - 1 for x = n ln 2 + r, by Taylor's series.

    number: float32 or float64. Beyond the last power of e that it can hold, that power.
    """
    one = number(1)
    wide = one + number(2.0**-40) != one
    top = number(708 if wide else 87)
    x = top if x > top else x
    x = -top if x < -top else x
    n = np.floor(x * number(1.4426950408889634) + number(0.5))
    r = x - n * number(0.693359375) + n * number(2.1219444005469057e-4)  # ln 2 in two parts
    p = number(1 / 5040)
    if wide:
        p = number(1 / 6227020800) * r + number(1 / 479001600)
        p = (p * r + number(1 / 39916800)) * r + number(1 / 3628800)
        p = (p * r + number(1 / 362880)) * r + number(1 / 40320)
        p = p * r + number(1 / 5040)
    p = (p * r + number(1 / 720)) * r + number(1 / 120)
    p = (p * r + number(1 / 24)) * r + number(1 / 6)
    p = ((p * r + number(1 / 2)) * r + one) * r
    power = number(np.int64((np.int64(n) + 1023) << 52).view(np.float64))
    return power * p + (power - one)


@compiled
def _sigmoid(x):  # type: ignore[no-untyped-def]
    """x = 1 / (1 + exp(-x))."""
    number = x.dtype.type
    for j in range(len(x)):
        x[j] = number(1) / (number(2) + _expm1(-x[j], number))


@compiled
def _tanh(x):  # type: ignore[no-untyped-def]
    """x = tanh(x)."""
    number = x.dtype.type
    for j in range(len(x)):
        e = _expm1(x[j] + x[j], number)
        x[j] = e / (number(2) + e)


@compiled
def _add(x, y):  # type: ignore[no-untyped-def]
    """y += x."""
    for j in range(len(y)):
        y[j] += x[j]


@compiled
def _put(x, y):  # type: ignore[no-untyped-def]
    """y = x, faster than ``y[:] = x``."""
    for j in range(len(y)):
        y[j] = x[j]


@compiled
def _sum(x, y, z):  # type: ignore[no-untyped-def]
    """z = x + y."""
    for j in range(len(z)):
        z[j] = x[j] + y[j]


@compiled
def _lstm(  # type: ignore[no-untyped-def]
    steps, given, bias, h, c, weight, projection, out, before, cells, first, last
):
    size = cells.shape[1]
    scratch = np.empty((last - first, size), h.dtype)
    for k in range(len(steps)):
        start, count = steps[k, 0] + first, min(steps[k, 1], last) - first
        if count <= 0:
            continue
        gates, state = given[start : start + count], h[first : first + count]
        gemm(False, True, state, weight, 1.0, gates)
        for p in range(count):
            row, cell, new = gates[p], c[first + p], scratch[p]
            i, f, g, o = row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size :]
            _put(state[p], before[start + p])
            _put(cell, cells[start + p])
            _add(bias, row)
            _sigmoid(row[: 2 * size])
            _tanh(g)
            _sigmoid(o)
            for j in range(size):
                cell[j] = f[j] * cell[j] + i[j] * g[j]
            _put(cell, new)
            _tanh(new)
            for j in range(size):
                new[j] *= o[j]
            if projection is None:
                _put(new, state[p])
        if projection is not None:
            gemm(False, True, scratch[:count], projection, 0.0, state)
        for p in range(count):
            _put(state[p], out[start + p])


@compiled
def _lstm_gradient(  # type: ignore[no-untyped-def]
    steps, gates, cells, weight, projection, grad, grad_h, grad_c, for_new, for_given, first, last
):
    size = cells.shape[1]
    one = cells.dtype.type(1)
    scratch, tanh = np.empty((last - first, size), cells.dtype), np.empty(size, cells.dtype)
    for k in range(len(steps) - 1, -1, -1):
        start, count = steps[k, 0] + first, min(steps[k, 1], last) - first
        if count <= 0:
            continue
        state, given = grad_h[first : first + count], for_given[start : start + count]
        new = raw = for_new[start : start + count]
        for p in range(count):
            _sum(grad[start + p], state[p], new[p])
        if projection is not None:
            raw = scratch[:count]
            gemm(False, False, new, projection, 0.0, raw)
        for p in range(count):
            row, cell, to = gates[start + p], cells[start + p], given[p]
            dh, dc = raw[p], grad_c[first + p]
            i, f, g, o = row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size :]
            di, df, dg, do = to[:size], to[size : 2 * size], to[2 * size : 3 * size], to[3 * size :]
            for j in range(size):
                tanh[j] = f[j] * cell[j] + i[j] * g[j]
            _tanh(tanh)
            for j in range(size):
                do[j] = dh[j] * tanh[j] * o[j] * (one - o[j])
            for j in range(size):
                dc[j] += dh[j] * o[j] * (one - tanh[j] * tanh[j])
            for j in range(size):
                di[j] = dc[j] * g[j] * i[j] * (one - i[j])
            for j in range(size):
                dg[j] = dc[j] * i[j] * (one - g[j] * g[j])
            for j in range(size):
                df[j] = dc[j] * cell[j] * f[j] * (one - f[j])
            for j in range(size):
                dc[j] *= f[j]
        gemm(False, False, given, weight, 0.0, state)


@compiled
def _gru(  # type: ignore[no-untyped-def]
    steps, given, bias, h, weight, out, before, gates, first, last
):
    size = out.shape[1]
    scratch = np.empty((last - first, 3 * size), h.dtype)
    for k in range(len(steps)):
        start, count = steps[k, 0] + first, min(steps[k, 1], last) - first
        if count <= 0:
            continue
        state, hidden = h[first : first + count], scratch[:count]
        gemm(False, True, state, weight, 0.0, hidden)
        for p in range(count):
            row, new, from_h = gates[start + p], state[p], hidden[p]
            r, z = row[:size], row[size : 2 * size]
            n, n_h = row[2 * size : 3 * size], row[3 * size :]
            _put(new, before[start + p])
            _sum(given[start + p], bias, row[: 3 * size])
            _sum(from_h[2 * size :], bias[3 * size :], n_h)
            _add(from_h[: 2 * size], row[: 2 * size])
            _sigmoid(row[: 2 * size])
            for j in range(size):
                n[j] += r[j] * n_h[j]
            _tanh(n)
            for j in range(size):
                new[j] = n[j] + z[j] * (new[j] - n[j])
            _put(new, out[start + p])


@compiled
def _gru_gradient(  # type: ignore[no-untyped-def]
    steps, gates, before, weight, grad, grad_h, for_new, for_given, for_hidden, first, last
):
    size = before.shape[1]
    one = before.dtype.type(1)
    for k in range(len(steps) - 1, -1, -1):
        start, count = steps[k, 0] + first, min(steps[k, 1], last) - first
        if count <= 0:
            continue
        state, hidden = grad_h[first : first + count], for_hidden[start : start + count]
        for p in range(count):
            row, old, new, dh = gates[start + p], before[start + p], for_new[start + p], state[p]
            r, z = row[:size], row[size : 2 * size]
            n, n_h = row[2 * size : 3 * size], row[3 * size :]
            to, from_h = for_given[start + p], hidden[p]
            dr, dz, dn = to[:size], to[size : 2 * size], to[2 * size :]
            _sum(grad[start + p], dh, new)
            for j in range(size):
                dn[j] = new[j] * (one - z[j]) * (one - n[j] * n[j])
            for j in range(size):
                dz[j] = new[j] * (old[j] - n[j]) * z[j] * (one - z[j])
            for j in range(size):
                dr[j] = dn[j] * n_h[j] * r[j] * (one - r[j])
            for j in range(size):
                dh[j] = new[j] * z[j]
            _put(to[: 2 * size], from_h[: 2 * size])
            from_n = from_h[2 * size :]
            for j in range(size):
                from_n[j] = dn[j] * r[j]
        gemm(False, False, hidden, weight, 1.0, state)


@compiled
def _rnn(  # type: ignore[no-untyped-def]
    steps, given, bias, h, weight, out, before, tanh, first, last
):
    zero = given.dtype.type(0)
    for k in range(len(steps)):
        start, count = steps[k, 0] + first, min(steps[k, 1], last) - first
        if count <= 0:
            continue
        new, state = given[start : start + count], h[first : first + count]
        gemm(False, True, state, weight, 1.0, new)
        for p in range(count):
            row = new[p]
            _put(state[p], before[start + p])
            _add(bias, row)
            if tanh:
                _tanh(row)
            else:
                for j in range(len(row)):
                    value = row[j]
                    row[j] = zero if value <= zero else value
            _put(row, state[p])
            _put(row, out[start + p])


@compiled
def _rnn_gradient(  # type: ignore[no-untyped-def]
    steps, gates, weight, grad, grad_h, for_new, for_given, tanh, first, last
):
    zero, one = gates.dtype.type(0), gates.dtype.type(1)
    for k in range(len(steps) - 1, -1, -1):
        start, count = steps[k, 0] + first, min(steps[k, 1], last) - first
        if count <= 0:
            continue
        state, given = grad_h[first : first + count], for_given[start : start + count]
        for p in range(count):
            row, new, to = gates[start + p], for_new[start + p], given[p]
            _sum(grad[start + p], state[p], new)
            if tanh:
                for j in range(len(row)):
                    to[j] = new[j] * (one - row[j] * row[j])
            else:
                for j in range(len(row)):
                    value = new[j]
                    to[j] = zero if row[j] <= zero else value
        gemm(False, False, given, weight, 0.0, state)
