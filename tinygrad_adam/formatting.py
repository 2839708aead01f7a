"""How a tensor is printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_adam.backend import to_numpy

_DEFAULT_DTYPES = ("float32", "int64", "bool")


def format_tensor(tensor: Any) -> str:
    """Return ``tensor([1., 2.], grad_fn=<MulBackward0>)``: values, and what is not the default.

    Four digits after the point; more than 1,000 elements are summarised.
    """
    array = to_numpy(tensor.array)
    prefix = "tensor("
    values = np.array2string(
        array, separator=", ", prefix=prefix, threshold=1000, edgeitems=3, max_line_width=80,
        formatter={"all": _formatter(array)},
    )  # fmt: skip
    suffixes = []
    if array.size == 0 and array.shape != (0,):
        suffixes.append(f"size={array.shape}")
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if array.dtype.name not in _DEFAULT_DTYPES or (array.size == 0 and array.dtype != np.float32):
        suffixes.append(f"dtype={array.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return f"{prefix}{', '.join([values, *suffixes])})"


def _formatter(array: np.ndarray) -> Any:
    """Return the function that formats one element, so that all come out equally wide."""
    if array.dtype.kind == "b":
        width = 5 if array.size and not array.all() else 4
        return lambda value: str(bool(value)).rjust(width if array.ndim else 0)
    style: Callable[[Any], str]
    if array.dtype.kind != "f":
        style = str
    else:
        sizes = np.abs(array[np.isfinite(array)].astype(np.float64))
        nonzero = sizes[sizes > 0]
        if not sizes.size:
            style = "{:.0f}".format
        elif (sizes == np.floor(sizes)).all():
            # Whole numbers are written with a bare point.
            style = "{:.4e}".format if sizes.max() > 1e8 else "{:.0f}.".format
        elif nonzero.max() > 1e8 or nonzero.max() / nonzero.min() > 1000 or nonzero.min() < 1e-4:
            style = "{:.4e}".format
        else:
            style = "{:.4f}".format
    plain = np.isfinite(array) if array.dtype.kind == "f" else None

    def text(value: Any) -> str:
        return style(value) if plain is None or np.isfinite(value) else str(value)

    # The width is that of the widest among the elements that may be shown.
    shown = array.ravel() if array.size <= 1000 else np.r_[array.ravel()[:1000], array.max()]
    width = max([len(text(value)) for value in shown], default=0) if array.ndim else 0
    return lambda value: text(value).rjust(width)
