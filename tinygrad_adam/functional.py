"""PyTorch's address of some functions of tensors, which are those of ``torch``.

Source: PyTorch, ``torch.functional``.
"""

from tinygrad_adam.nn import functional as F  # noqa: N812
from tinygrad_adam.ops import *  # noqa: F403
from tinygrad_adam.ops import __all__ as _names
from tinygrad_adam.tensor import broadcast_shapes

__all__ = ["F", "broadcast_shapes"]
__all__ += _names
