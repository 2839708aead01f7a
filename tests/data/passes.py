"""Passes through DataLoaders, for PyTorch and for us: `answers` is stored, and compared."""

import itertools
import math


def kinds(torch):
    """Return what the cases read: classes need a base of the framework's."""
    data = torch.utils.data

    class Squares(data.Dataset):
        def __init__(self, size):
            self.size = size

        def __len__(self):
            return self.size

        def __getitem__(self, index):
            return index * index, f"s{index}"

    class Shared(data.IterableDataset):
        """Worker i gives i*i, i*i + workers, ...: some end long before others."""

        def __init__(self, size):
            self.size = size

        def __iter__(self):
            info = data.get_worker_info()
            return iter(
                range(self.size) if info is None else range(info.id**2, self.size, info.num_workers)
            )

    class Part(data.IterableDataset):
        """PyTorch's example: `cut` gives each worker's copy a part."""

        def __init__(self, size):
            self.start, self.end = 3, 3 + size

        def __len__(self):
            return self.end - self.start

        def __iter__(self):
            return iter(range(self.start, self.end))

    def cut(worker):
        info = data.get_worker_info()
        assert info.id == worker
        part = info.dataset
        each = math.ceil(len(part) / info.num_workers)
        part.start, part.end = (
            part.start + worker * each,
            min(part.start + (worker + 1) * each, part.end),
        )

    return {"map": (Squares, None), "shared": (Shared, None), "part": (Part, cut)}


def plain(batch):
    """Return a batch in lists."""
    if isinstance(batch, (list, tuple)):
        return [plain(item) for item in batch]
    return batch.tolist() if hasattr(batch, "tolist") else batch


def answers(torch):
    """Return two passes (and the length) by case."""
    found = {}
    made = kinds(torch)
    batchings = (None, False), (3, False), (3, True)
    for size, (batch_size, drop_last), workers in itertools.product((0, 7), batchings, (0, 3)):
        for kind, (dataset, init) in made.items():
            loader = torch.utils.data.DataLoader(
                dataset(size), batch_size, drop_last=drop_last, num_workers=workers,
                persistent_workers=workers > 0, worker_init_fn=init,
            )  # fmt: skip
            length = None if kind == "shared" else len(loader)
            passes = [plain(list(loader)) for _ in range(2)]
            found[f"{kind} {size} {batch_size} {drop_last} {workers}"] = [length, *passes]
    return found
