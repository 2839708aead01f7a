"""Functions of functions: derivatives, batches, and modules as functions of their parameters.

Source: PyTorch, ``torch.func``.
"""

from tinygrad_adam.func.batching import vmap
from tinygrad_adam.func.derivatives import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp
from tinygrad_adam.func.stateless import functional_call, stack_module_state

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "stack_module_state",
    "vjp",
    "vmap",
]
