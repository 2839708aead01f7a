"""How fast, beside PyTorch: ``python -m tools.bench``."""
