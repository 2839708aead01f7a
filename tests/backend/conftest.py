"""Small arrays are worked on as large ones are: in several blocks, by several threads."""

import pytest

from tinygrad_adam.backend.compiled import convolution, threads


@pytest.fixture(autouse=True)
def as_if_large(monkeypatch):
    monkeypatch.setattr(threads, "LEAST", 1)
    monkeypatch.setattr(threads, "_wanted", 3)
    monkeypatch.setattr(convolution, "BLOCK", 300)
