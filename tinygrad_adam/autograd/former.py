"""What a tensor was called until 2018: thousands of lessons still write ``Variable(x)``."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_adam.autograd import variable
from tinygrad_adam.backend import is_differentiable


class _AnyTensor(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, variable.Variable)

    def __call__(cls, data: Any, requires_grad: bool = False, volatile: Any = None) -> Any:
        if not isinstance(data, variable.Variable):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                stacklevel=2,
            )
        if requires_grad and not is_differentiable(data.array.dtype):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients"
            )
        result = data._wrap(data.array.view())
        result._writes, result._requires_grad = data._writes, requires_grad
        return result


class Variable(metaclass=_AnyTensor):
    """The old name of a tensor: ``Variable(x, requires_grad=False)`` is a leaf on the memory of x.

    Every tensor is an instance of it.

    Source: PyTorch, ``torch.autograd.Variable``.
    """
