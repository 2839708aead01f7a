"""The differentiable operations, each a small class: forward and its gradient, side by side.

They stand below ``tensor.py``: they receive tensors and never import the class.
"""
