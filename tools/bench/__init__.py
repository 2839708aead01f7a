"""How fast, beside PyTorch and others: ``python -m tools.bench``."""
