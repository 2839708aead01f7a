"""The names of :mod:`tinygrad_adam.data`, which is their home, under PyTorch's address.

Source: PyTorch, ``torch.utils.data``.
"""

from tinygrad_adam.data import *  # noqa: F403
from tinygrad_adam.data import __all__ as __all__
