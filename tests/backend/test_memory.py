"""Kept blocks of memory: reused when nobody can see them, and never before."""

import numpy as np
import pytest

from tinygrad_adam.backend.compiled import memory

FLOAT32 = np.dtype(np.float32)


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    """Blocks from 1 KB on, at most 10 KB kept unused; none left over from other tests."""
    monkeypatch.setattr(memory, "LARGE_BYTES", 1 << 10)
    monkeypatch.setattr(memory, "KEPT_BYTES", 10 << 10)
    monkeypatch.setattr(memory, "_blocks", [])


def address(array):
    return array.__array_interface__["data"][0]


def test_a_block_comes_back_when_its_array_is_gone():
    first = memory.empty((16, 32), FLOAT32)
    where = address(first)
    del first
    again = memory.empty((32, 8), np.dtype(np.float64))  # the same number of bytes
    assert address(again) == where
    assert again.flags.c_contiguous
    assert again.flags.writeable


@pytest.mark.parametrize(
    "look",
    [
        lambda array: array,
        lambda array: array[3:].T,
        lambda array: array.reshape(-1)[5:6][0:1],
        lambda array: array.view(np.uint8)[..., ::2],
        lambda array: memoryview(array),
        lambda array: np.broadcast_to(array, (2, *array.shape)),
        lambda array: iter(array),
    ],
)
def test_a_block_that_somebody_can_see_is_not_reused(look):
    seen = look(memory.empty((16, 32), FLOAT32))
    others = [memory.empty((16, 32), FLOAT32) for _ in range(3)]
    blocks = {address(other) for other in others}
    assert len(blocks) == 3
    array = np.asarray(next(seen) if hasattr(seen, "__next__") else seen)
    assert not any(np.shares_memory(array, other) for other in others)


def test_unused_blocks_are_dropped_beyond_the_limit():
    for kilobytes in range(1, 9):
        memory.empty((kilobytes << 10,), np.dtype(np.uint8))
    kept = [block.nbytes >> 10 for block in memory._blocks]
    assert kept[-1] == 8
    assert sum(kept[:-1]) <= 10


def test_small_arrays_are_ordinary():
    assert memory.empty((4, 4), FLOAT32).base is None
    assert memory._blocks == []
    assert memory.empty((0, 7), FLOAT32).shape == (0, 7)
