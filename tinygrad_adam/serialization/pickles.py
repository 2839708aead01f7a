"""Files that PyTorch wrote: a pickle, and the memory of its tensors beside it.

A pickle is a program for a small machine with a stack: put a number there, make a list of what is
on top, call this function with that tuple. :func:`run_pickle` is that machine without its danger.
The functions that it calls stand in a table here, and only make tensors and containers; a program
that names another one is refused.

Source: Python, ``pickletools``; PyTorch, ``torch.save``.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.backend import as_dtype
from tinygrad_adam.serialization.formats import corrupt, refused
from tinygrad_adam.serialization.structure import DTYPES, make_tensor
from tinygrad_adam.tensor import Size, Tensor

if TYPE_CHECKING:
    import zipfile


class _Function(NamedTuple):
    """What a pickle may call."""

    call: Callable[..., Any]


class _Memory(NamedTuple):
    """What a pickle calls a storage: numbers in a row, and where they are to go."""

    array: np.ndarray
    device: backend.device


# --- what a pickle may name ----------------------------------------------------------------------


def _tensor(
    memory: _Memory,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool = False,
    hooks: Any = None,
    metadata: Any = None,
    dtype: Any = None,
) -> Tensor:
    array, place = _only(_Memory, memory)
    dtype = array.dtype if dtype is None else dtype
    strides = [n * dtype.itemsize for n in stride]
    array = np.ndarray(size, dtype, array, offset * dtype.itemsize, strides)
    if (metadata or {}).get("conj"):
        array = array.conj()
    if (metadata or {}).get("neg"):
        array = -array
    return make_tensor(array, place, requires_grad, False)


def _parameter(data: Tensor, requires_grad: bool, hooks: Any, state: Any = None) -> Tensor:
    return make_tensor(data.array, None, requires_grad, True)


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode("latin-1")


def _array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    return np.empty(0)  # which is given its content later, by BUILD


def _number(dtype: Any, content: bytes) -> Any:
    return np.frombuffer(content, dtype)[0]


def _array_of(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return np.frombuffer(content, dtype).reshape(shape, order=order).copy(order="K")


_STORAGES = {
    "Bool": "bool", "Byte": "uint8", "Char": "int8", "Short": "int16", "Int": "int32",
    "Long": "int64", "Half": "float16", "Float": "float32", "Double": "float64",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128", "BFloat16": "bfloat16",
}  # fmt: skip

_KNOWN: dict[str, Any] = {
    "torch._utils _rebuild_tensor": _Function(_tensor),
    "torch._utils _rebuild_tensor_v2": _Function(_tensor),
    "torch._utils _rebuild_tensor_v3": _Function(
        lambda memory, offset, size, stride, requires_grad, hooks, dtype, metadata=None: _tensor(
            memory, offset, size, stride, requires_grad, hooks, metadata, dtype
        )
    ),
    "torch._tensor _rebuild_from_type_v2": _Function(
        lambda function, kind, arguments, state: function.call(*arguments)
    ),
    "torch._utils _rebuild_parameter": _Function(_parameter),
    "torch._utils _rebuild_parameter_with_state": _Function(_parameter),
    "torch Tensor": Tensor,
    "torch Size": _Function(Size),
    "torch device": _Function(backend.device),
    "torch.storage UntypedStorage": "uint8",
    **{f"{module} {name}Storage": dtype for name, dtype in _STORAGES.items()
       for module in ("torch", "torch.cuda")},
    **{f"torch {name}": as_dtype(name) for name in DTYPES},
    "collections OrderedDict": _Function(OrderedDict),
    "collections Counter": _Function(Counter),
    "builtins set": _Function(set),
    "builtins frozenset": _Function(frozenset),
    "builtins complex": _Function(complex),
    "builtins bytearray": _Function(lambda text=b"", encoding="": bytearray(
        text if isinstance(text, bytes) else text.encode("latin-1"))),
    "_codecs encode": _Function(_bytes),
    "numpy ndarray": np.ndarray,
    "numpy dtype": _Function(lambda name, align=False, copy=False: as_dtype(name)),
    **{f"numpy.{core}.numeric _frombuffer": _Function(_array_of) for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray {name}": function for core in ("core", "_core")
       for name, function in (("_reconstruct", _Function(_array)), ("scalar", _Function(_number)))},
}  # fmt: skip


def _known(module: str, name: str) -> Any:
    module = {"__builtin__": "builtins"}.get(module, module)  # Python 2's name
    if f"{module} {name}" not in _KNOWN:
        raise refused(
            f"Weights only load failed. Unsupported global: GLOBAL {module}.{name} was not an "
            "allowed global by default.\n"
            "  Only tensors and plain containers are loaded here, weights_only or not. In the "
            "program that made the file, write\n"
            "  torch.save(model.state_dict(), path)\n"
            "  and here model.load_state_dict(torch.load(path))"
        )
    return _KNOWN[f"{module} {name}"]


def _build(target: Any, state: Any) -> None:
    """Give a finished object its state: the attributes of a dict, the content of an array."""
    if isinstance(target, OrderedDict) and isinstance(state, dict):
        target._metadata = state.get("_metadata")  # type: ignore[attr-defined]
    elif isinstance(target, np.dtype) and state[1] in "<|=":
        pass
    elif isinstance(target, np.ndarray) and isinstance(state[2], np.dtype):
        if not isinstance(state[4], bytes):
            raise ValueError("an array without its numbers")
        target.__setstate__(state)  # type: ignore[attr-defined]
    else:
        raise refused(f"a {type(target).__name__} is given the state {state!r:.100}")


# --- the machine ---------------------------------------------------------------------------------

# What puts its argument, or always the same, on the stack.
_ARGUMENTS = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": set,
}  # fmt: skip


def _only(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"a {kind.__name__} expected, a {type(value).__name__} found")
    return value


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(items[::2], items[1::2], strict=True))


def run_pickle(file: Any, memory: Callable[[Any], Any]) -> Any:
    """Return the object that a pickle describes.

    Args:
        file: bytes, or an open file, which is left behind the pickle.
        memory: what gives the memory for what a pickle says of a storage.

    Raises:
        pickle.UnpicklingError: it asks for what is not in the table.
        Exception: it is damaged.
    """
    stack: list[Any] = []
    outer: list[list[Any]] = []  # the stacks below the marks
    memo: dict[Any, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(file):
        match opcode.name:
            case name if name in _ARGUMENTS:
                stack.append(argument)
            case name if name in _CONSTANTS:
                stack.append(_CONSTANTS[name]())
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                outer.append(stack)
                stack = []
            case "TUPLE1" | "TUPLE2" | "TUPLE3" as name:
                count = int(name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "TUPLE" | "LIST" | "DICT" | "FROZENSET" as name:
                items, stack = stack, outer.pop()
                made: Any = _pairs(items) if name == "DICT" else items
                kinds = {"TUPLE": tuple, "LIST": list, "DICT": dict, "FROZENSET": frozenset}
                stack.append(kinds[name](made))
            case "APPENDS" | "SETITEMS" | "ADDITEMS" as name:
                items, stack = stack, outer.pop()
                if name == "SETITEMS":
                    _only(dict, stack[-1]).update(_pairs(items))
                elif name == "APPENDS":
                    _only(list, stack[-1]).extend(items)
                else:
                    _only(set, stack[-1]).update(items)
            case "APPEND":
                value = stack.pop()
                _only(list, stack[-1]).append(value)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _only(dict, stack[-1])[key] = value
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[int(argument)] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memo[int(argument)])
            case "GLOBAL":
                stack.append(_known(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_known(module, name))
            case "REDUCE" | "NEWOBJ":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_only(_Function, function).call(*_only(tuple, arguments)))
            case "BUILD":
                state = stack.pop()
                _build(stack[-1], state)
            case "BINPERSID":
                stack.append(memory(stack.pop()))
            case "STOP":
                return stack.pop()
            case name:
                raise refused(f"Weights only load failed. Unsupported operand {name} in a pickle")
    raise AssertionError("genops ends with STOP")


# --- the files -----------------------------------------------------------------------------------


def _storage(about: Any) -> tuple[Any, str, str, int]:
    """Return dtype, key, location and count of a storage, as a pickle says them."""
    word, dtype, key, location, count, *view = about
    if word != "storage" or any(v is not None for v in view):
        raise ValueError(f"{about!r:.100} is no storage")
    try:
        return as_dtype(dtype), key, location, count
    except TypeError:
        raise refused(
            f"It has {dtype} numbers, which are not here: save x.float() instead"
        ) from None


def read_zip(archive: zipfile.ZipFile, name: str, place: Any) -> Any:
    """Return what ``torch.save`` wrote since 1.6: a zip archive, an entry for each storage."""
    (main, *_) = (entry for entry in archive.namelist() if entry.endswith("/data.pkl"))
    folder = main.removesuffix("data.pkl")
    memories: dict[str, _Memory] = {}
    if f"{folder}constants.pkl" in archive.namelist():
        raise refused(f"load: {name!r} is a TorchScript archive: it holds code, which is not run")

    def memory(about: Any) -> _Memory:
        dtype, key, location, count = _storage(about)
        if key not in memories:
            entry = archive.getinfo(f"{folder}data/{key}")
            if entry.file_size != count * dtype.itemsize:
                raise ValueError(f"{count} numbers of {dtype} in {entry.file_size} bytes")
            array = np.frombuffer(archive.read(entry), dtype.newbyteorder(order)).astype(dtype)
            memories[key] = _Memory(array, place(array, location))
        return memories[key]

    try:
        has_order = f"{folder}byteorder" in archive.namelist()
        order = archive.read(f"{folder}byteorder").decode() if has_order else "little"
        return run_pickle(archive.read(main), memory)
    except Exception as error:
        raise _explained(error, name) from error


def read_legacy(file: IO[bytes], name: str, place: Any) -> Any:
    """Return what ``torch.save`` wrote before 1.6: five pickles, and the memory of the storages.

    The memory comes last, so that the pickle of the object is read twice: to find the storages,
    and to make the tensors.
    """
    memories: dict[str, _Memory] = {}
    size = file.seek(0, io.SEEK_END)
    file.seek(0)

    def memory(about: Any) -> _Memory:
        dtype, key, location, count = _storage(about)
        if not 0 <= count * dtype.itemsize <= size:
            raise ValueError(f"{count} numbers of {dtype} in a file of {size} bytes")
        if key not in memories:
            array = np.zeros(count, dtype)
            memories[key] = _Memory(array, place(array, location))
        return memories[key]

    try:
        magic, version, _ = (run_pickle(file, memory) for _ in range(3))
        if (magic, version) != (0x1950A86A20F9469CFC6C, 1001):
            raise ValueError("a pickle, but not of torch.save")
        start = file.tell()
        run_pickle(file, memory)
        for key in run_pickle(file, memory):
            array = memories[key].array
            (count,) = struct.unpack("<q", file.read(8))
            if count != array.size:
                raise ValueError(f"storage {key} has {count} numbers instead of {array.size}")
            array[:] = np.frombuffer(file.read(array.nbytes), array.dtype)
        file.seek(start)
        return run_pickle(file, memory)
    except Exception as error:
        raise _explained(error, name) from error


def _explained(error: Exception, name: str) -> Exception:
    """Return the error to raise where reading a pickle ended in this one."""
    if type(error) in (pickle.UnpicklingError, RuntimeError):  # refused, or no such device
        return type(error)(f"{error}\n  The file is {name!r}.")
    return corrupt(name, repr(error))
