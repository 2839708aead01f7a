"""Write down what PyTorch makes of the table of operations, for tests that run without it.

    python tools/operation_goldens.py

For each row of ``tests/ops/table.py``: values and dtypes of the results, and the gradients of the
inputs for fixed gradients of the results, all computed in float64. Also what tensors print as, and
which dtype two operands give. Written to ``tests/ops/data``; needs PyTorch 2.13.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.ops import printed, promotion  # noqa: E402
from tests.ops.table import ROWS  # noqa: E402


def run(row):
    """Return the results and the gradients (None where there is none) of a row, as arrays."""
    inputs = {}
    for name, array in row.arrays().items():
        inputs[name] = torch.from_numpy(array)
        inputs[name].requires_grad_(array.dtype.kind == "f")
    outputs = row.run(torch, inputs)
    leaves = [x for x in inputs.values() if x.requires_grad]
    gradients = [None] * len(leaves)
    if any(y.requires_grad for y in outputs):
        weights = row.output_gradients([tuple(y.shape) for y in outputs])
        pairs = [
            (y, torch.from_numpy(np.asarray(g)).to(y.dtype))
            for y, g in zip(outputs, weights)
            if y.requires_grad
        ]
        try:
            gradients = torch.autograd.grad(
                [y for y, _ in pairs], leaves, [g for _, g in pairs], allow_unused=True
            )
        except RuntimeError as error:  # a // b has no gradient in PyTorch
            if "not implemented" not in str(error):
                raise
    return [y.detach().numpy() for y in outputs], [
        None if g is None else g.numpy(force=True) for g in gradients
    ]


def main():
    warnings.simplefilter("ignore")
    index, values, start = {}, [], 0
    for row in ROWS:
        try:
            outputs, gradients = run(row)
        except Exception as error:
            raise SystemExit(f"{row.name}: {error}") from error
        found = {f"y{i}": y for i, y in enumerate(outputs)}
        found |= {f"g{i}": g for i, g in enumerate(gradients) if g is not None}
        index[row.name] = {}
        for name, array in found.items():
            index[row.name][name] = [array.dtype.name, array.shape, start]
            values.append(array.astype(np.float64).ravel())
            start += array.size
    folder = ROOT / "tests/ops/data"
    folder.mkdir(exist_ok=True)
    np.savez_compressed(
        folder / "operations.npz",
        index=np.frombuffer(json.dumps(index).encode(), np.uint8),
        values=np.concatenate(values),
    )
    texts = [repr(torch.from_numpy(x)).replace("torch.", "") for x in printed.arrays()]
    (folder / "printed.json").write_text(json.dumps(texts, indent=0) + "\n")
    found = promotion.table(torch)
    (folder / "promotion.json").write_text(json.dumps(found, indent=0) + "\n")
    for path in sorted(folder.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
