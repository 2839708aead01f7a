"""PyTorch's switches for the libraries that it computes with, none of which are here.

They keep what they are set to and change nothing: convolutions and products are this package's own
kernels, or NumPy's. Asked, MPS, cuDNN, MKL, oneDNN and OpenMP are not available.

Source: PyTorch, ``torch.backends``.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from tinygrad_adam.backend.modules import module


def _no(*args: Any) -> bool:
    """Return False."""
    return False


def _nothing() -> None:
    """Return None: there is no version."""


@contextlib.contextmanager
def _flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int | None = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """Set the switches of ``cudnn`` for a block."""
    new = {
        "enabled": enabled,
        "benchmark": benchmark,
        "benchmark_limit": benchmark_limit,
        "deterministic": deterministic,
        "allow_tf32": allow_tf32,
    }
    before = {name: getattr(cudnn, name) for name in new}
    cudnn.__dict__.update(new)
    try:
        yield
    finally:
        cudnn.__dict__.update(before)


def _is_built() -> bool:
    """Return whether CuPy is installed."""
    return importlib.util.find_spec("cupy") is not None


cudnn = module(
    f"{__name__}.cudnn",
    enabled=True,
    benchmark=False,
    benchmark_limit=10,
    deterministic=False,
    allow_tf32=True,
    is_available=_no,
    is_acceptable=_no,
    version=_nothing,
    flags=_flags,
)
cuda = module(
    f"{__name__}.cuda",
    is_built=_is_built,
    matmul=SimpleNamespace(
        allow_tf32=False,
        allow_fp16_reduced_precision_reduction=True,
        allow_bf16_reduced_precision_reduction=True,
    ),
)
mps = module(f"{__name__}.mps", is_available=_no, is_built=_no)
mkl = module(f"{__name__}.mkl", is_available=_no)
mkldnn = module(f"{__name__}.mkldnn", is_available=_no, enabled=True, deterministic=False)
openmp = module(f"{__name__}.openmp", is_available=_no)
opt_einsum = module(f"{__name__}.opt_einsum", is_available=_no, enabled=False, strategy=None)

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
