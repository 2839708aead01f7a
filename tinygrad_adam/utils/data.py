"""The names of :mod:`tinygrad_adam.data`, which is their home, under PyTorch's addresses.

Source: PyTorch, ``torch.utils.data``.
"""

import sys

from tinygrad_adam import data as _utils
from tinygrad_adam.data import *  # noqa: F403
from tinygrad_adam.data import __all__ as __all__
from tinygrad_adam.data import collate, dataloader, dataset, sampler, workers

# from tinygrad_adam.utils.data.dataset import Dataset, and the like
for _name, _module in {
    "dataloader": dataloader,
    "dataset": dataset,
    "sampler": sampler,
    "_utils": _utils,
    "_utils.collate": collate,
    "_utils.worker": workers,
}.items():
    sys.modules[f"{__name__}.{_name}"] = _module
