"""Functions that Numba compiles: loops over arrays that run at the speed of C.

Numba is imported when the first of them is called. What it compiles is kept on disk, beside the
package or in the user's cache folder, so that only the first process waits. Compiled code lets
other threads run, divides by zero like NumPy, and reports no overflow.

Three things keep a loop fast, and look odd where one does not know them. A kernel that works on a
run ``[start, stop)`` takes the slices first and counts from 0: where an index might be negative,
Numba asks at every element. A zero is ``dtype.type(0)``: a plain 0 beside a float32 makes a
float64. And a value is loaded first, then chosen: a load that may not happen cannot be done for
many elements at once.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from tinygrad_adam.backend.compiled import blas

NOTICE = "tinygrad_adam: compiling kernels once, about 10 s"


class Kernel:
    """A function that is compiled at its first call. Kernels may call each other."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = {"nogil": True, "error_model": "numpy", **options}

    @functools.cached_property
    def compiled(self) -> Any:
        """What Numba makes of the function."""
        numba = _start()
        try:
            return numba.njit(cache=True, **self.options)(self.function)
        except RuntimeError:  # no folder to write to
            return numba.njit(**self.options)(self.function)

    def __call__(self, *arguments: Any) -> Any:
        """Run the compiled function."""
        return self.compiled(*arguments)

    @property
    def _numba_type_(self) -> Any:
        """What Numba asks a name that it finds in a kernel."""
        return self.compiled._numba_type_


def compiled(function: Callable[..., Any]) -> Kernel:
    """Compile loops as they are written."""
    return Kernel(function)


def undivided(function: Callable[..., Any]) -> Kernel:
    """Compile a function that runs in one piece: no other thread, no signal comes between."""
    return Kernel(function, nogil=False)


def gemm(flip_a: bool, flip_b: bool, a: Any, b: Any, beta: float, c: Any) -> None:
    """``c = beta * c + a @ b`` in compiled code, by BLAS; a or b is transposed first if flipped.

    Matrices of one dtype, float32 or float64, whose rows are contiguous.
    """
    raise NotImplementedError("gemm is for compiled code")


ROW_MAJOR, AS_IT_IS, TRANSPOSED = 101, 111, 112  # CBLAS's numbers


@functools.cache
def _start() -> Any:
    """Import Numba, and show it `gemm` and the functions of `blas`."""
    import llvmlite.binding  # type: ignore[import-untyped]
    import numba
    from numba.extending import overload

    types: Any = numba.types
    found = blas.addresses()

    def external(name: str, result: Any, arguments: list[Any], address: int) -> Any:
        llvmlite.binding.add_symbol(f"tinygrad_adam_{name}", address)
        return types.ExternalFunction(f"tinygrad_adam_{name}", result(*arguments))

    products = {}
    for name, number in (("sgemm", types.float32), ("dgemm", types.float64)):
        array = [types.CPointer(number), types.int64]
        arguments = [types.int32] * 3 + [types.int64] * 3
        arguments += [number, *array, *array, number, *array]
        address = found[name] if found else _product_by_hand(numba, types.void(*arguments))
        arguments = [types.uintp if kind == array[0] else kind for kind in arguments]
        products[number] = external(name, types.void, arguments, address)

    @overload(gemm)
    def _(flip_a, flip_b, a, b, beta, c):  # type: ignore[no-untyped-def]
        product, size = products[c.dtype], c.dtype.bitwidth // 8
        number = numba.np.numpy_support.as_dtype(c.dtype).type

        def multiply(flip_a, flip_b, a, b, beta, c):  # type: ignore[no-untyped-def]
            product(
                ROW_MAJOR, TRANSPOSED if flip_a else AS_IT_IS, TRANSPOSED if flip_b else AS_IT_IS,
                c.shape[0], c.shape[1], a.shape[0] if flip_a else a.shape[1],
                number(1), a.ctypes.data, a.strides[0] // size, b.ctypes.data, b.strides[0] // size,
                number(beta), c.ctypes.data, c.strides[0] // size,
            )  # fmt: skip

        return multiply

    if found:
        get = external("get", types.int32, [], found["get"])
        put = external("set", types.void, [types.int64], found["set"])
        overload(blas.get_num_threads)(lambda: lambda: get())
        overload(blas.set_num_threads)(lambda number: lambda number: put(number))
    else:
        overload(blas.get_num_threads)(lambda: lambda: 1)
        overload(blas.set_num_threads)(lambda number: lambda number: None)
    _tell_of_compilation(numba)
    return numba


def _product_by_hand(numba: Any, signature: Any) -> int:
    """Return the address of `gemm` as plain loops, for a BLAS that is not known."""

    @numba.cfunc(signature)
    def product(order, flip_a, flip_b, m, n, k, alpha, a, at, b, bt, beta, c, ct):  # type: ignore
        for i in range(m):
            for j in range(n):
                c[i * ct + j] = beta * c[i * ct + j] if beta else type(beta)(0)
            for inner in range(k):
                left = a[inner * at + i if flip_a == TRANSPOSED else i * at + inner]
                for j in range(n):
                    right = b[j * bt + inner if flip_b == TRANSPOSED else inner * bt + j]
                    c[i * ct + j] += alpha * left * right

    address: int = product.address
    return address


def _tell_of_compilation(numba: Any) -> None:
    """Print `NOTICE` on stderr when the first kernel is compiled that no cache has."""
    event: Any = numba.core.event

    class Once(event.Listener):  # type: ignore[misc]
        def on_start(self, started: Any) -> None:
            module = started.data["dispatcher"].py_func.__module__
            if self.is_new and module.startswith(__package__):
                self.is_new = False
                print(NOTICE, file=sys.stderr, flush=True)

        def on_end(self, ended: Any) -> None:
            pass

        is_new = True

    event.register("numba:compile", Once())
