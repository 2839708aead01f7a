"""Reverse-mode automatic differentiation: recorded operations and the walk back through them."""

from tinygrad_adam.autograd.anomaly import detect_anomaly, set_detect_anomaly
from tinygrad_adam.autograd.engine import Step, backward, backward_steps, grad
from tinygrad_adam.autograd.function import Function, Operation
from tinygrad_adam.autograd.grad_mode import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.variable import Variable

__all__ = [
    "Function",
    "Operation",
    "RemovableHandle",
    "Step",
    "Variable",
    "backward",
    "backward_steps",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
