"""The numbers that PyTorch computed, for tests that run without it.

``python -m tests.goldens`` makes them; what is computed stands in the folder of the tests.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
Arrays = dict[str, dict[str, np.ndarray]]


def load(name: str) -> Any:
    """Return what a JSON file holds."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def load_arrays(name: str) -> Arrays:
    """Return what `save_arrays` wrote: for each case its arrays by name."""
    with np.load(FOLDER / name) as file:
        index, values = json.loads(file["index"].tobytes()), file["values"]
    return {
        case: {
            key: values[start : start + math.prod(shape)].astype(dtype).reshape(shape)
            for key, (dtype, shape, start) in entries.items()
        }
        for case, entries in index.items()
    }


def save_arrays(name: str, cases: Arrays) -> None:
    """Write the arrays of cases, one behind the other: entries of their own would be longer."""
    index: dict[str, Any] = {}
    values, start = [], 0
    for case, arrays in cases.items():
        index[case] = {}
        for key, array in arrays.items():
            index[case][key] = [array.dtype.name, array.shape, start]
            values.append(array.astype(np.float64).ravel())
            start += array.size
    np.savez_compressed(
        FOLDER / name,
        index=np.frombuffer(json.dumps(index).encode(), np.uint8),
        values=np.concatenate(values),
    )
