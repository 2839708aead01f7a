"""Parameter: a tensor that a Module lists among the things to train."""

from __future__ import annotations

from tinygrad_adam.backend import is_differentiable
from tinygrad_adam.tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that becomes a parameter of the Module to which it is assigned.

    Args:
        data: the values, a tensor whose memory is shared; None gives an empty float32 tensor.
        requires_grad: whether gradients are computed for it.

    Raises:
        TypeError: ``data`` is neither a tensor nor None.
        RuntimeError: ``data`` holds integers or bools, which have no gradient.

    Source: PyTorch, ``torch.nn.parameter.Parameter``.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = Tensor([])
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: data must be a Tensor, got {type(data).__name__}\n"
                "  Make one first: Parameter(tensor(…))"
            )
        if not isinstance(requires_grad, bool):
            found = type(requires_grad).__name__
            raise TypeError(f"Parameter(): argument 'requires_grad' must be bool, not {found}")
        if requires_grad and not is_differentiable(data.dtype):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is {data.dtype} {tuple(data.shape)}: convert it with .float(), or "
                "pass requires_grad=False"
            )
        self.array = data.array
        self._writes = data._writes
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()
