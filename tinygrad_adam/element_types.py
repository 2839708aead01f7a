"""Questions about dtypes: their limits, and which one results when two meet.

Source: PyTorch, "Type info" and ``torch.promote_types``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.backend import as_dtype, dtype


def _of(function: str, name: str, position: int, value: Any) -> dtype:
    """Return an argument that is to be a dtype.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, dtype):
        return value
    if not isinstance(value, (np.dtype, type)):
        found = type(value).__name__
        raise TypeError(
            f"{function}(): argument {name!r} (position {position}) must be torch.dtype, "
            f"not {found}"
        )
    return dtype(as_dtype(value))


def promote_types(type1: Any, type2: Any) -> dtype:
    """Return the dtype of two tensors with dimensions, of these dtypes, together."""
    first, second = _of("promote_types", "type1", 1, type1), _of("promote_types", "type2", 2, type2)
    return dtype(backend.promote_types(as_dtype(first), as_dtype(second)))
