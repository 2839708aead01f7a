"""Where PyTorch keeps its data tools: ``from tinygrad_adam.utils.data import DataLoader``.

Source: PyTorch, ``torch.utils``.
"""

from tinygrad_adam.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
