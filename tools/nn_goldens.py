"""Compute the cases of tests/nn/golden_cases.py with PyTorch and store the numbers for the tests.

Needs PyTorch 2.13; the tests do not. Run from anywhere: ``python tools/nn_goldens.py``. Results,
gradients and gradients of gradients (of the sum of the squared gradients) are float64.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1] / "tests" / "nn"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TESTS / "data" / "nn_goldens.npz")
    arguments = parser.parse_args()
    import torch

    sys.path.insert(0, str(TESTS))
    from golden_cases import CASES, compute

    warnings.simplefilter("ignore")
    stored: dict[str, np.ndarray] = {}
    for name, case in CASES.items():
        found = compute(torch, torch.nn, torch.nn.functional, case, "float64")
        for key, array in found.items():
            stored[f"{name}/{key}"] = array
    # One flat array and its index: an entry of its own for each would cost more than its numbers.
    np.savez_compressed(
        arguments.out,
        names=np.array(list(stored)),
        dtypes=np.array([array.dtype.name for array in stored.values()]),
        shapes=np.array([",".join(map(str, array.shape)) for array in stored.values()]),
        sizes=np.array([array.size for array in stored.values()]),
        flat=np.concatenate([array.ravel().astype(np.float64) for array in stored.values()]),
        version=np.array(torch.__version__),
    )
    print(f"{arguments.out}: {len(CASES)} cases, {arguments.out.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
