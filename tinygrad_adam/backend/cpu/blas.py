"""The BLAS library that NumPy multiplies matrices with: its threads, and one sum that NumPy lacks.

NumPy reaches no more of BLAS than its matrix products. Two more of its functions are worth a call
by hand (``ctypes``): the one that sets the number of its threads (see `threads`), and ``axpby``,
which computes ``y = beta * y + alpha * x`` in one walk through memory. NumPy's own operations need
three: two products and a sum. Where a library is unknown or lacks a function, the callers do
without.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

# Shorter arrays take NumPy less time than a call by hand.
LEAST_AXPBY = 1 << 12


def _address(array: np.ndarray) -> Any:
    """Where an array that is not empty begins, in a form that ctypes hands on."""
    if array.flags.writeable:  # several times as fast
        memory: Any = array
        return ctypes.byref(ctypes.c_char.from_buffer(memory))
    return array.ctypes.data


class Blas:
    """NumPy's BLAS library.

    As a context it holds the library to one thread. The number of threads belongs to the whole
    process, so callers are counted: the first one in sets it to one, the last one out puts back
    what was found.
    """

    # (get, set) under the names that NumPy's wheels, distributions, MKL and BLIS give them.
    SYMBOLS = (
        ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
        ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
        ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
        ("openblas_get_num_threads", "openblas_set_num_threads"),
        ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
        ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
    )

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holders = 0
        self.before = 1
        self.get: Any = None
        self.set: Any = None
        self.path = ""
        self.kernels = ""
        self.has_threads = False
        self._axpby: dict[str, Any] = {}
        for path in self._libraries():
            try:
                library = ctypes.CDLL(path)
            except OSError:
                continue
            for get, put in self.SYMBOLS:
                if hasattr(library, get) and hasattr(library, put):
                    self.get, self.set = getattr(library, get), getattr(library, put)
                    self.path = path
                    self.has_threads = self.get() > 1
                    self.kernels = self._kernels(library, get)
                    self._axpby = self._axpby_functions(library, get)
                    return

    @staticmethod
    def _kernels(library: Any, get: str) -> str:
        """For which CPU OpenBLAS has chosen its kernels, such as "SkylakeX"; "" if unknown."""
        name = get.replace("get_num_threads", "get_corename")
        if "openblas" not in name or not hasattr(library, name):
            return ""
        function = getattr(library, name)
        function.restype = ctypes.c_char_p
        return (function() or b"").decode()

    @staticmethod
    def _axpby_functions(library: Any, get: str) -> dict[str, Any]:
        """``cblas_saxpby`` and ``cblas_daxpby``, if they exist, by the letters of their dtypes."""
        functions = {}
        for letter, dtype, number in (("s", "f", ctypes.c_float), ("d", "d", ctypes.c_double)):
            prefix, suffix = "scipy_" * get.startswith("scipy_"), "64_" * get.endswith("64_")
            function = getattr(library, f"{prefix}cblas_{letter}axpby{suffix}", None)
            if function is not None:
                # Libraries that count with 32 bits find them in the lower half of 64.
                vector = (ctypes.c_void_p, ctypes.c_int64)
                function.argtypes = (ctypes.c_int64, number, *vector, number, *vector)
                function.restype = None
                functions[dtype] = function
        return functions

    @staticmethod
    def _libraries() -> list[str]:
        """Paths of BLAS libraries that are loaded already (loading one anew would not help)."""
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
        # Another package may bring a BLAS of its own: NumPy's comes first.
        return sorted(found, key=lambda path: ("numpy" not in path, path))

    @property
    def controllable(self) -> bool:
        """Whether the number of its threads can be set."""
        return self.set is not None

    def axpby(self, alpha: float, x: np.ndarray, beta: float, y: np.ndarray) -> bool:
        """Write ``beta * y + alpha * x`` into y, if that is faster by hand.

        x and y: of the same size. Returns False and does nothing if an array is short, is not
        contiguous, or is neither float32 nor float64, if the library lacks the function, and for
        factors of zero, for which BLAS would not look at an array, even if there is a NaN in it.
        """
        if y.size < LEAST_AXPBY or not (alpha and beta):
            return False
        function = self._axpby.get(y.dtype.char)
        contiguous = x.flags.c_contiguous and y.flags.c_contiguous
        if function is None or x.dtype != y.dtype or not contiguous:
            return False
        source, target = _address(x), _address(y)
        function(y.size, alpha, source, 1, beta, target, 1)
        return True

    def __enter__(self) -> None:
        with self.lock:
            if self.holders == 0:
                self.before = self.get()
                self.set(1)
            self.holders += 1

    def __exit__(self, *exception: object) -> None:
        with self.lock:
            self.holders -= 1
            if self.holders == 0:
                self.set(self.before)


@functools.cache
def library() -> Blas:
    """The BLAS library, looked up at the first call."""
    return Blas()
