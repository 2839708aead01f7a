"""Where PyTorch keeps its data tools: ``from tinygrad_adam.utils.data import DataLoader``.

Source: PyTorch, ``torch.utils``.
"""

from tinygrad_adam.utils import data

__all__ = ["data"]
