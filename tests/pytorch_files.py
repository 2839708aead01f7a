"""What PyTorch's ``torch.save`` wrote for the tests: the objects, as both frameworks make them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import numpy as np


def _views(torch: Any) -> Any:
    base = torch.tensor(np.arange(12.0).reshape(3, 4))
    return [base, base.T, base[1:, ::2], base[0, 0], base[:0], base]


def _state(torch: Any) -> Any:
    state = OrderedDict({"0.weight": torch.ones(2, 3), "0.bias": torch.zeros(2)})
    state._metadata = OrderedDict({"": {"version": 1}, "0": {"version": 2}})  # type: ignore
    return state


DTYPES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)

# Of each an array, in Fortran's order, and a number.
NUMPY = [np.arange(6.0).reshape(2, 3).T, np.arange(2) > 0, np.float64(0.5), np.int64(3)]

OBJECTS = {
    "state": _state,
    "views": _views,
    "leaves": lambda torch: [
        torch.ones(2, requires_grad=True),
        torch.nn.Parameter(torch.ones(2)),
        torch.nn.Parameter(torch.ones(1), requires_grad=False),
    ],
    "dtypes": lambda torch: [torch.ones(2, dtype=getattr(torch, name)) for name in DTYPES],
    "conjugate": lambda torch: torch.tensor([1 + 2j, 3j]).conj(),
    "empty": lambda torch: torch.ones(0, 3),
    "checkpoint": lambda torch: {
        "epoch": 3, "loss": 0.5, "name": "ü", "none": None, "flag": True, "big": 2**80,
        "state": {0: {"step": torch.tensor(1.0)}}, "betas": (0.9, 0.999), (1, "a"): [],
        "counter": Counter("abca"), "set": {1}, "complex": 1j, "bytes": b"\0\xff",
        "more": bytearray(b"x\xff"), "size": torch.Size((1, 2)), "device": torch.device("cpu"),
    },
    "numpy": lambda torch: NUMPY,
    "model": lambda torch: torch.nn.Linear(1, 1),
    "code": lambda torch: print,
    "bfloat16": lambda torch: torch.ones(2, dtype=torch.bfloat16),
}  # fmt: skip

# How a file was written: the options of torch.save.
WAYS = {
    "zip": {},
    "protocol 5": {"pickle_protocol": 5},
    "legacy": {"_use_new_zipfile_serialization": False},
}
