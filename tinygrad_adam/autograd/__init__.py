"""Reverse-mode automatic differentiation: recorded operations and the walk back through them."""

from tinygrad_adam.autograd import forward_ad, functional, graph, profiler
from tinygrad_adam.autograd.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from tinygrad_adam.autograd.function import Function
from tinygrad_adam.autograd.gradcheck import GradcheckError, error_by_step, gradcheck, gradgradcheck
from tinygrad_adam.autograd.gradients import Step, backward, backward_steps, grad
from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)  # fmt: skip
from tinygrad_adam.autograd.observer import Observer, observing
from tinygrad_adam.autograd.operation import Operation
from tinygrad_adam.autograd.variable import Variable

__all__ = [  # noqa: RUF022
    "Operation", "Variable", "Function", "RemovableHandle", "Observer", "observing",
    "enable_grad", "inference_mode", "is_inference_mode_enabled", "is_grad_enabled",
    "no_grad", "set_grad_enabled",
    "backward", "grad", "Step", "backward_steps", "forward_ad", "functional", "graph", "profiler",
    "detect_anomaly", "is_anomaly_enabled", "set_detect_anomaly",
    "GradcheckError", "error_by_step", "gradcheck", "gradgradcheck",
]  # fmt: skip
