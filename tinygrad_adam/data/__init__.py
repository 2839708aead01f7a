"""Data for training: datasets, the DataLoader that reads them in batches, and real data to use.

The names of ``torch.utils.data``, and :func:`digits`, :func:`iris`, :func:`mnist`.
"""

from tinygrad_adam.data.collate import default_collate, default_convert
from tinygrad_adam.data.dataloader import DataLoader
from tinygrad_adam.data.dataset import (
    ConcatDataset,
    Dataset,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_adam.data.idx import read_idx
from tinygrad_adam.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler
from tinygrad_adam.data.sources import digits, iris, mnist

__all__ = [
    "BatchSampler",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "TensorDataset",
    "default_collate",
    "default_convert",
    "digits",
    "iris",
    "mnist",
    "random_split",
    "read_idx",
]
