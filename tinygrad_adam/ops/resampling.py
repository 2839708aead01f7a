"""Elements along one dimension as weighted sums of a few others along it.

Which ones is a *plan*: for each tap, which elements of the input the results see, and with which
weights. To give a gradient back is to resample it by the transposed plan, so that one operation is
closed under differentiation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import float32
from tinygrad_adam.backend.sums import summing_dtype


class Plan(NamedTuple):
    """What the elements along one dimension become: y[i] = Σ over k of weights[k, i] x[taps[k, i]].

    The arrays are NumPy's, on every device. Weights None are ones; NaN means no
    tap there.
    """

    length: int
    """Of x."""
    taps: np.ndarray
    weights: np.ndarray | None

    def transposed(self) -> Plan:
        """Return the plan for the gradient of x, given that of y."""
        length = self.taps.shape[1]
        order = np.argsort(self.taps, axis=None, kind="stable")
        to = self.taps.ravel()[order]
        each = np.bincount(to, minlength=self.length)
        slot = np.arange(order.size) - (np.cumsum(each) - each)[to]
        taps = np.zeros((max(1, each.max(initial=0)), self.length), np.int64)
        taps[slot, to] = order % length
        if self.weights is None and (each == len(taps)).all():
            return Plan(length, taps, None)
        weights = np.full(taps.shape, np.nan)
        weights[slot, to] = 1 if self.weights is None else self.weights.ravel()[order]
        return Plan(length, taps, weights)


class Resample(Operation):
    """x resampled along ``dim`` by a plan.  Gradient: g resampled by the transposed plan.

    Integers are rounded to the nearest number of uint8. Saves nothing.
    """

    def forward(self, x: Array, dim: int, plan: Plan) -> Array:
        self.dim, self.plan = dim, plan
        xp, before = array_module(x), (slice(None),) * dim
        if x.shape[dim] == 0:
            return xp.zeros((*x.shape[:dim], plan.taps.shape[1], *x.shape[dim + 1 :]), x.dtype)
        if plan.weights is None and len(plan.taps) == 1:
            return x.take(xp.asarray(plan.taps[0]), axis=dim)
        whole = x.dtype.kind not in "fc"
        dtype = float32 if whole else summing_dtype(x.dtype)
        around = (-1,) + (1,) * (x.ndim - dim - 1)
        y: Any = None
        for k, taps in enumerate(plan.taps):
            seen = x.take(xp.asarray(taps), axis=dim).astype(dtype, copy=False)
            if plan.weights is not None:
                seen *= xp.asarray(plan.weights[k], dtype).reshape(around)
                nothing = (*before, xp.asarray(np.isnan(plan.weights[k])))
                seen[nothing] = 0
            if y is None:
                y = seen
            else:
                y += seen
        if whole:
            y = xp.floor(y + 0.5).clip(0, 255)
        return y.astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        return Resample.apply(grad, self.dim, self.plan.transposed())
