"""What a tensor was called until 2018: thousands of lessons still write ``Variable(x)``."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.backend import DEFAULT_DTYPE, is_differentiable
from tinygrad_adam.backend.warn import warn


class _AnyTensor(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Traced)

    def __call__(cls, data: Any = None, requires_grad: Any = False, volatile: Any = False) -> Any:
        if index(volatile):
            warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
            )
            if requires_grad:
                raise ValueError("Variable can't be volatile and require_grad at the same time!")
        if data is None:
            return Traced._wrap(np.empty(0, DEFAULT_DTYPE[float])).requires_grad_(requires_grad)
        if not isinstance(data, Traced):
            raise TypeError(
                f"Variable data has to be a tensor, but got {type(data).__name__}\n"
                "  Make one with torch.tensor(…), which takes requires_grad, too"
            )
        if index(requires_grad) and not is_differentiable(data.array.dtype):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is {data.array.dtype}; convert it first, as in x.float()"
            )
        result = data._wrap(data.array.view())
        result._writes, result._requires_grad = data._writes, bool(requires_grad)
        return result


class Variable(metaclass=_AnyTensor):
    """The old name of a tensor: ``Variable(x, requires_grad=False)`` is a leaf on the memory of x.

    ``volatile`` has no effect any more, and says so: it is ``no_grad`` now.

    Source: PyTorch, ``torch.autograd.Variable``.
    """
