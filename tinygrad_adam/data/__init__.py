"""Data for training: datasets, the DataLoader that reads them in batches, and real data to use.

The names of ``torch.utils.data``, and :func:`digits`, :func:`iris`, :func:`mnist`.
"""

from tinygrad_adam.data.collate import default_collate, default_convert
from tinygrad_adam.data.dataloader import DataLoader
from tinygrad_adam.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_adam.data.idx import read_idx
from tinygrad_adam.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from tinygrad_adam.data.sources import digits, iris, mnist
from tinygrad_adam.data.workers import get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "digits",
    "get_worker_info",
    "iris",
    "mnist",
    "random_split",
    "read_idx",
]
