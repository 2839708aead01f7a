"""A stand-in for CuPy that computes with NumPy, and is as strict as CuPy.

Its arrays refuse to meet NumPy's: no ``numpy`` function takes them, no operator mixes the two, and
nothing turns one into the other but ``asarray`` (to the device) and ``get`` (from it), which count.
So what runs on it touches device arrays through their own module only.
"""

from __future__ import annotations

import sys
import types
from contextlib import nullcontext

import numpy as np

copies = {"to_device": 0, "to_host": 0}


def _inner(value):
    """Return the NumPy array behind a device array, in nested arguments too."""
    if isinstance(value, ndarray):
        return value._a
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (tuple, list)):
        return type(value)([_inner(x) for x in value])
    if isinstance(value, dict):
        return {key: _inner(x) for key, x in value.items()}
    return value


def _outer(value, owner=None):
    """Return a result as a device array; CuPy's reductions give 0-d arrays, not numbers."""
    if isinstance(value, (np.ndarray, np.generic)):
        made = object.__new__(ndarray)
        made._a = np.asarray(value)
        shares = owner is not None and value.base is not None and np.shares_memory(value, owner._a)
        made.base = (owner if owner.base is None else owner.base) if shares else None
        if value.base is not None and not shares:
            made.base = object()
        return made
    if isinstance(value, (tuple, list)):
        return type(value)([_outer(x, owner) for x in value])
    return value


class ndarray:  # noqa: N801
    """An array on the pretended device."""

    __cuda_array_interface__ = None
    __hash__ = None

    def __array__(self, *args, **options):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Use `.get()`.")

    def __array_ufunc__(self, *args, **options):
        raise TypeError("a numpy function was called with a device array")

    __array_function__ = __array_ufunc__

    @property
    def flags(self):
        flags = self._a.flags
        return types.SimpleNamespace(
            c_contiguous=flags.c_contiguous, f_contiguous=flags.f_contiguous, owndata=flags.owndata
        )

    device = types.SimpleNamespace(id=0)

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self._a.ctypes.data)

    def get(self):
        copies["to_host"] += 1
        return self._a.copy(order="K")

    def item(self):
        return self._a.item()

    def tolist(self):
        return self._a.tolist()

    def __getattr__(self, name):
        if name in ("ctypes", "__array_interface__", "__array_struct__", "_a", "base"):
            raise AttributeError(name)
        value = getattr(self._a, name)
        if callable(value):
            return lambda *a, **k: _outer(value(*_inner(a), **_inner(k)), self)
        return _outer(value, self)

    def __getitem__(self, index):
        return _outer(self._a[_inner(index)], self)

    def __setitem__(self, index, value):
        self._a[_inner(index)] = _inner(value)

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        return iter([self[i] for i in range(len(self))])

    def __bool__(self):
        return bool(self._a)

    def __int__(self):
        return int(self._a)

    def __float__(self):
        return float(self._a)

    def __index__(self):
        return self._a.__index__()


def _operator(name):
    def apply(self, *others):
        if any(isinstance(x, np.ndarray) for x in others):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        result = getattr(self._a, name)(*_inner(others))
        if name.startswith("__i") and name != "__invert__":
            return self
        return _outer(result)

    return apply


_BINARY = "add sub mul truediv floordiv mod pow matmul and or xor"
_NAMES = [prefix + name for name in _BINARY.split() for prefix in ("", "r", "i")]
for _name in [*_NAMES, *"neg pos abs invert eq ne lt le gt ge".split()]:  # noqa: SIM905
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))


class _Function:
    """A NumPy function or ufunc that takes device arrays only."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *args, **options):
        return _outer(self.function(*_inner(args), **_inner(options)), _owner(args))

    def __getattr__(self, name):  # add.at, maximum.reduce, ...
        return _Function(getattr(self.function, name))


def _owner(args):
    return next((x for x in args if isinstance(x, ndarray)), None)


def _to_device(value, dtype=None, copy=None, order=None):
    if isinstance(value, ndarray):
        return value if dtype is None else value.astype(dtype, copy=False)
    copies["to_device"] += 1
    made = _outer(np.array(value, dtype=dtype))
    made.base = None
    return made


class ElementwiseKernel:
    """Runs the text of a kernel, which is Python but for declarations and semicolons."""

    def __init__(self, in_params, out_params, text, name, preamble=""):
        self.inputs = [part.split()[1] for part in in_params.split(", ")]
        self.outputs = [part.split()[1] for part in out_params.split(", ")]
        text = text.replace("const T ", "").replace("T g =", "g =")
        self.program = text.replace(", one_minus_", "; one_minus_")

    def __call__(self, *args):
        names = dict(zip(self.inputs + self.outputs, _inner(args), strict=True))
        before = {name: names[name] for name in self.outputs}
        kind = next(iter(before.values())).dtype.type
        scope = {"T": kind, "sqrt": np.sqrt, "abs": np.abs, "max": np.maximum, "where": np.where}
        exec(self.program, scope | names, names)
        for name, array in before.items():
            array[...] = names[name]


class _Module(types.ModuleType):
    def __getattr__(self, name):
        value = getattr(np, name)
        if isinstance(value, type) or not callable(value):
            return value
        return _Function(value)


def _linalg(name):
    def call(*args, **options):
        found = getattr(np.linalg, name)(*args, **options)
        return tuple(found) if isinstance(found, tuple) else found  # not NumPy's named tuple

    return _Function(call)


_LINALG = "svd qr det slogdet inv solve cholesky eigh eigvalsh eig eigvals"


def make():
    """Return the stand-in as a module."""
    cupy = _Module("cupy")
    cupy.ndarray = ndarray
    cupy.__version__ = "14.0"
    cupy.asarray = cupy.array = _to_device
    cupy.ElementwiseKernel = ElementwiseKernel
    cupy.lib = types.SimpleNamespace(
        stride_tricks=types.SimpleNamespace(
            as_strided=_Function(np.lib.stride_tricks.as_strided),
            sliding_window_view=_Function(np.lib.stride_tricks.sliding_window_view),
        )
    )
    cupy.linalg = types.SimpleNamespace(**{x: _linalg(x) for x in _LINALG.split()})
    cupy.cuda = types.SimpleNamespace(
        is_available=lambda: True,
        Device=_Device,
        runtime=types.SimpleNamespace(
            getDevice=lambda: 0,
            getDeviceCount=lambda: 1,
            memGetInfo=lambda: (1000, 2000),
            getDeviceProperties=lambda index: {
                "name": b"Pretended",
                "major": 9,
                "minor": 0,
                "totalGlobalMem": 2000,
                "multiProcessorCount": 1,
            },
        ),
    )
    cupy.get_default_memory_pool = lambda: types.SimpleNamespace(
        used_bytes=lambda: 100, total_bytes=lambda: 200, free_all_blocks=lambda: None
    )
    return cupy


class _Device(nullcontext):
    """The pretended device, as a block."""

    def __init__(self, index=0):
        super().__init__()
        assert index == 0
        self.id = index

    def use(self):
        pass

    synchronize = use


def install(monkeypatch):
    """Make ``import cupy`` give the stand-in, and return it."""
    cupy = make()
    cupy.__spec__ = types.SimpleNamespace(name="cupy")
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return cupy
