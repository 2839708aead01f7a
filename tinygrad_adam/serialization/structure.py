"""What is saved, taken apart into named arrays and JSON, and put together again.

A plain dict of tensors is stored as it is, so that other programs find each tensor under its name.
What named arrays cannot express is stored beside them as JSON: the *structure*. In it a tensor is
the name of its entry, and each container is tagged, because JSON knows neither tuples nor keys that
are no strings:

    {"state": {0: {"step": tensor}}, "betas": (0.9, 0.999)}   becomes
    {"dict": [["state", {"dict": [[0, {"dict": [["step", {"tensor": "state.0.step"}]]}]]}],
              ["betas", {"tuple": [0.9, 0.999]}]]}

A tensor on memory that another has as well says where in that entry it lies; one that stands in
several places is named in the first of them, and its number among the tensors in the others.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_adam import backend
from tinygrad_adam.backend import Array, Dtype, as_dtype, is_array
from tinygrad_adam.backend.dtype import dtype
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.tensor import Size, Tensor

Arrays = dict[str, np.ndarray]
Json = Any

# Where the structure lies: an entry of a zip archive, a field of a .safetensors file's metadata.
STRUCTURE = "__structure__"

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)

_MAX_DEPTH = 100

_CONTAINERS: dict[str, type] = {
    "list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "size": Size,
    "dict": dict, "ordered": OrderedDict, "counter": Counter,
}  # fmt: skip

_KEYS = (type(None), bool, int, float, str, bytes, tuple, frozenset, np.number, np.bool_)

# Small things: their tag, their type, how they are written as JSON, and made of that again.
_SMALL: dict[str, tuple[Any, Callable[[Any], Json], Callable[[Any], Any]]] = {
    "complex": (complex, lambda z: [z.real, z.imag], lambda parts: complex(*parts)),
    "bytes": (bytes, lambda x: x.decode("latin-1"), lambda text: text.encode("latin-1")),
    "bytearray": (bytearray, lambda x: x.decode("latin-1"), lambda x: bytearray(x, "latin-1")),
    "range": (range, lambda r: [r.start, r.stop, r.step], lambda parts: range(*parts)),
    "dtype": (Dtype, lambda x: str(x).removeprefix("torch."), lambda name: dtype(as_dtype(name))),
    "device": (backend.device, str, backend.device),
}


def take_apart(obj: Any) -> tuple[Arrays, Json]:
    """Return the arrays in ``obj``, by names for a file, and its structure.

    Raises:
        TypeError: something in it cannot be saved; the text names its key.
        ValueError: it is nested too deep.
    """
    parts = _Parts()
    structure = parts.take(obj, ())
    parts.share_memory()
    return parts.arrays, structure


class _Parts:
    """What has been taken out of an object so far."""

    def __init__(self) -> None:
        self.arrays: Arrays = {}
        self.tensors: dict[int, tuple[int, Tensor, Json]] = {}  # by id: number, tensor, its node

    def take(self, value: Any, keys: tuple[object, ...]) -> Json:
        """Take apart the ``value`` to which ``keys`` lead, and return its structure."""
        if len(keys) > _MAX_DEPTH:
            raise ValueError(
                f"save: obj{_subscripts(keys[:3])}... is nested deeper than {_MAX_DEPTH} levels; "
                "does it contain itself?"
            )
        if isinstance(value, Tensor):
            return self._take_tensor(value, keys)
        if is_array(value) or isinstance(value, (np.number, np.bool_)):
            tag = "array" if is_array(value) else "number"
            return {tag: self._store(value, keys)}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        for tag, (kind, written, _) in _SMALL.items():
            if isinstance(value, kind):
                return {tag: written(value)}
        if isinstance(value, Mapping):
            tag = next((tag for tag, kind in _CONTAINERS.items() if type(value) is kind), "dict")
            node = {tag: [self._take_item(k, v, keys) for k, v in value.items()]}
            if hasattr(value, "_metadata"):  # of a Module's state_dict: its version
                node["metadata"] = self.take(value._metadata, keys)
            return node
        for tag, kind in reversed(_CONTAINERS.items()):  # a Size is a tuple, too
            if isinstance(value, kind):
                items: Any = value
                return {tag: [self.take(item, (*keys, i)) for i, item in enumerate(items)]}
        raise _refused(value, keys)

    def _take_item(self, key: Any, value: Any, keys: tuple[object, ...]) -> Json:
        if not isinstance(key, _KEYS):
            raise TypeError(
                f"save: obj{_subscripts(keys)} has the key {key!r}, a {type(key).__name__}; "
                "keys can be strings, numbers, and tuples of them"
            )
        return [self.take(key, (*keys, key)), self.take(value, (*keys, key))]

    def _take_tensor(self, tensor: Tensor, keys: tuple[object, ...]) -> Json:
        if id(tensor) in self.tensors:
            return {"again": self.tensors[id(tensor)][0]}
        node: Json = {"tensor": self._store(tensor.array, keys)}
        if tensor.requires_grad:
            node["requires_grad"] = True
        if isinstance(tensor, Parameter):
            node["parameter"] = True
        if tensor.is_cuda:
            node["device"] = str(tensor.device)
        self.tensors[id(tensor)] = (len(self.tensors), tensor, node)
        return node

    def _store(self, array: Any, keys: tuple[object, ...]) -> str:
        """Put an array, in host memory and in C order, into ``arrays``, and return its name."""
        if array.dtype.name not in DTYPES:
            raise TypeError(
                f"save: obj{_subscripts(keys)} has the dtype {array.dtype}, which cannot be saved; "
                "numbers and bools can"
            )
        name = entry_name(".".join(map(str, keys)), self.arrays)
        # Not numpy.ascontiguousarray: it turns 0-d arrays into 1-d ones.
        host = backend.to_numpy(array) if is_array(array) else array
        self.arrays[name] = np.asarray(host, order="C")
        return name

    def share_memory(self) -> None:
        """Store memory that several tensors lie on once, and of each tensor where it lies on it."""
        groups: dict[int, list[tuple[Tensor, Json]]] = {}
        for _, tensor, node in self.tensors.values():
            if tensor.numel():
                groups.setdefault(id(_owner(tensor.array)), []).append((tensor, node))
        for group in groups.values():
            owner = _owner(group[0][0].array)
            flags = owner.flags
            if len(group) == 1 or not (flags.c_contiguous or flags.f_contiguous):
                continue
            whole = [
                node["tensor"]
                for tensor, node in group
                if tensor.nbytes == owner.nbytes and tensor.is_contiguous()
            ]
            if not whole:
                whole = [entry_name("memory", self.arrays)]
                self.arrays[whole[0]] = backend.to_numpy(owner.ravel(order="K"))
            start = Tensor._wrap(owner).data_ptr()
            for tensor, node in group:
                if node["tensor"] != whole[0]:
                    del self.arrays[node["tensor"]]
                    node |= {
                        "tensor": whole[0],
                        "dtype": tensor.array.dtype.name,
                        "shape": tensor.array.shape,
                        "offset": tensor.data_ptr() - start,
                        "strides": tensor.array.strides,
                    }


def _owner(array: Array) -> Array:
    """Return the array to which the memory of ``array`` belongs."""
    while type(array.base) is type(array):
        array = array.base
    return array


def _refused(value: Any, keys: tuple[object, ...]) -> TypeError:
    name = type(value).__name__
    text = f"save: obj{_subscripts(keys)} is a {name}, which cannot be saved"
    if not hasattr(value, "state_dict") or isinstance(value, type):
        return TypeError(
            f"{text}; tensors, arrays, numbers, strings, None, and dicts, lists and tuples of them "
            "can\n  Of an object of your own, save vars(it)."
        )
    word = "model" if isinstance(value, Module) else name.lower()
    return TypeError(
        f"{text} whole: its class is code, and files here hold none. Write\n"
        f"  torch.save({word}.state_dict(), path)\n"
        f"  {word}.load_state_dict(torch.load(path))"
    )


def entry_name(name: str, arrays: Arrays) -> str:
    """Return a new name for an entry: ``name`` if every format can hold it, and it is free."""
    number = len(arrays)
    while name in arrays or not _can_be_entry_name(name):
        name = f"tensor_{number}"
        number += 1
    return name


def _can_be_entry_name(name: str) -> bool:
    """Return whether both formats can hold ``name`` and give it back unchanged everywhere."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    # A zip file's directory ends names at a null and turns Windows' separators round;
    # "__metadata__" is safetensors' own.
    return (
        0 < size <= 1000
        and not {"\0", "\\"}.intersection(name)
        and name not in (STRUCTURE, "__metadata__")
    )


def _subscripts(keys: tuple[object, ...]) -> str:
    return "".join(f"[{key!r}]" for key in keys)


def structure_of(arrays: Arrays) -> Json:
    """Return the structure of a plain mapping of names to tensors."""
    return {"dict": [[name, {"tensor": name}] for name in arrays]}


def put_together(structure: Json, arrays: Arrays, place: Any) -> tuple[Any, list[str]]:
    """Return the object that has this structure, and the names of the arrays that it has not.

    Args:
        structure: as :func:`take_apart` returned it.
        arrays: in host memory.
        place: returns the device for an array and the name of the one that it was saved from.

    Raises:
        AttributeError, LookupError, TypeError, ValueError, RecursionError: the structure is none,
            or that of other arrays.
    """
    tensors: list[Tensor] = []
    unused = dict.fromkeys(arrays)
    places: dict[str, Any] = {}

    def entry(name: str) -> np.ndarray:
        unused.pop(name, None)
        return arrays[name]

    def tensor(node: dict[str, Any]) -> Tensor:
        name = node["tensor"]
        array = entry(name).view()
        if name not in places:
            places[name] = place(array, node.get("device", "cpu"))
        if "shape" in node:
            kind = as_dtype(node["dtype"])
            array = np.ndarray(node["shape"], kind, array, node["offset"], node["strides"])
        made = make_tensor(
            array, places[name], node.get("requires_grad", False), node.get("parameter", False)
        )
        tensors.append(made)
        return made

    def build(node: Json) -> Any:
        if isinstance(node, list):
            raise ValueError(f"a list without a tag: {node!r:.100}")
        if not isinstance(node, dict):
            return node
        tag: str = next(iter(node), "")
        content: Any = node.get(tag)
        if tag == "tensor":
            return tensor(node)
        if tag == "again":
            return tensors[content]
        if tag == "array":
            return entry(content)
        if tag == "number":
            return entry(content)[()]
        if tag in _SMALL:
            return _SMALL[tag][2](content)
        if issubclass(_CONTAINERS[tag], dict):
            mapping = _CONTAINERS[tag]({build(k): build(v) for k, v in content})
            if "metadata" in node:
                mapping._metadata = build(node["metadata"])
            return mapping
        return _CONTAINERS[tag]([build(item) for item in content])

    result = build(structure)
    return result, list(unused)


def make_tensor(array: np.ndarray, device: Any, requires_grad: bool, parameter: bool) -> Tensor:
    """Return a leaf around an array that was loaded, moved to ``device``."""
    made = Tensor._wrap(backend.move(array, device))
    return Parameter(made, requires_grad) if parameter else made.requires_grad_(requires_grad)
