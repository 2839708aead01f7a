"""Where NumPy's BLAS keeps its functions: the matrix product, and the number of its threads.

Compiled loops call them at their addresses. Sizes are handed over in 64 bits; a library that counts
in 32 reads the lower half, which lies where it looks on all machines that Numba knows.
"""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

import numpy as np

# The product ("{}" is s or d), and how to get and set the number of threads, as NumPy's wheels,
# distributions, MKL and BLIS call them.
NAMES = (
    (
        "scipy_cblas_{}gemm64_",
        "scipy_openblas_get_num_threads64_",
        "scipy_openblas_set_num_threads64_",
    ),
    ("scipy_cblas_{}gemm", "scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("cblas_{}gemm64_", "openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("cblas_{}gemm", "openblas_get_num_threads", "openblas_set_num_threads"),
    ("cblas_{}gemm", "MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("cblas_{}gemm", "bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)


@functools.cache
def addresses() -> dict[str, int]:
    """Return where "sgemm", "dgemm", "get" and "set" are; nothing if the library is unknown."""
    for path in loaded_libraries():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for product, get, put in NAMES:
            names = {
                "sgemm": product.format("s"),
                "dgemm": product.format("d"),
                "get": get,
                "set": put,
            }
            if all(hasattr(library, name) for name in names.values()):
                return {
                    key: ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
                    for key, name in names.items()
                }
    return {}


def get_num_threads() -> int:
    """Return the number of threads that BLAS uses for a large product; 1 if it is unknown."""
    found = addresses()
    return ctypes.CFUNCTYPE(ctypes.c_int)(found["get"])() if found else 1


def set_num_threads(number: int) -> None:
    """Let BLAS use that many threads, if it is a library that can be told."""
    found = addresses()
    if found:
        ctypes.CFUNCTYPE(None, ctypes.c_int64)(found["set"])(number)


def loaded_libraries() -> list[str]:
    """Return the paths of BLAS libraries that are loaded already, NumPy's own first."""
    if os.path.exists("/proc/self/maps"):
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
        mine = [path for path in paths if path.endswith(".so") or ".so." in path]
    else:  # macOS and Windows: what NumPy's wheel brought along
        home = Path(np.__file__).parent
        folders = (home / ".dylibs", home.with_name("numpy.libs"))
        mine = [str(path) for folder in folders if folder.is_dir() for path in folder.iterdir()]
    names = ("openblas", "libblas", "mkl_rt", "blis")
    found = [path for path in mine if any(name in Path(path).name for name in names)]
    return sorted(found, key=lambda path: ("numpy" not in path, path))
