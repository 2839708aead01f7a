"""Modules that hold modules or parameters: in a row, a list, a dictionary."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, TypeVar, overload

from tinygrad_adam.nn.module import Module, _indented, _typename
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.tensor import Tensor

L = TypeVar("L", bound="_List")


class _List(Module):
    """What modules that are lists share: values under the names "0", "1", …"""

    def __len__(self) -> int:
        return len(self._modules)

    def _position(self, index: Any) -> int:
        """Return an index counted from the front.

        Raises:
            IndexError: there is no such value.
        """
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return int(index % len(self))

    def append(self: L, value: Any) -> L:
        """Add a value at the end; return the list."""
        raise NotImplementedError

    def extend(self: L, values: Iterable[Any]) -> L:
        """Add values at the end; return the list.

        Raises:
            TypeError: ``values`` cannot be iterated over.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got "
                + type(values).__name__
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self: L, values: Iterable[Any]) -> L:
        return self.extend(values)


class _Modules(_List):
    """What lists of modules share."""

    def _key(self, index: Any) -> str:
        return list(self._modules)[self._position(index)]

    def _renumber(self, modules: Iterable[Module | None]) -> None:
        numbered = {str(i): module for i, module in enumerate(modules)}
        self._modules.clear()
        self._modules.update(numbered)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self: L, index: slice) -> L: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(index)
        return self._modules[self._key(index)]

    def _slice(self, index: slice) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        keys = list(self._modules)
        for key in keys[index] if isinstance(index, slice) else [self._key(index)]:
            del self._modules[key]
        self._renumber(self._modules.values())

    def append(self: L, module: Module) -> L:
        """Add a module at the end; return the list."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: L, modules: Iterable[Module]) -> L:
        """Add modules at the end; return the list."""
        return super().extend(modules)

    def pop(self, key: Any) -> Any:
        """Remove the module at an index, or those of a slice, and return it or them."""
        removed = self[key]
        del self[key]
        return removed


class Sequential(_Modules):
    """Modules that run one after the other, each on the result of the one before.

    Args:
        args: the modules; or one OrderedDict of names and modules.

    Its modules can be indexed, sliced and iterated over; ``append``, ``insert``, ``extend``,
    ``+`` and ``*`` (with ``+=`` and ``*=`` in place) add modules.

    Source: PyTorch, ``torch.nn.Sequential``.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = {str(number): module for number, module in enumerate(args)}
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            named = args[0]
        for name, module in named.items():
            self.add_module(name, module)

    def forward(self, input: Any) -> Tensor:
        """Run all modules."""
        for module in self:
            input = module(input)
        result: Tensor = input  # what the last one returns, which for nearly all is a tensor
        return result

    def _slice(self, index: slice) -> Sequential:
        # The modules keep their names.
        return type(self)(OrderedDict(list(self._modules.items())[index]))

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *_sequential(other))

    def __iadd__(self: L, other: Sequential) -> L:  # type: ignore[override]
        return self.extend(_sequential(other))

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*self._repeated(times))

    __rmul__ = __mul__

    def __imul__(self: L, times: int) -> L:
        return self.extend(self._repeated(times)[len(self) :])

    def _repeated(self, times: int) -> list[Module]:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return list(self) * times

    def insert(self, index: int, module: Module) -> Sequential:
        """Add a module before the one at ``index``; return this one.

        Raises:
            AssertionError: ``module`` is no Module.
            IndexError: there is no such place.
        """
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        size = len(self)
        if not -size <= index <= size:
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index + size if index < 0 else index, module)
        self._renumber(modules)
        return self


def _sequential(other: object) -> Sequential:
    if not isinstance(other, Sequential):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(other)} is given."
        )
    return other


class ModuleList(_Modules):
    """A list of modules that are part of the module that holds it.

    Args:
        modules: to start with.

    Source: PyTorch, ``torch.nn.ModuleList``.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _slice(self, index: slice) -> ModuleList:
        return type(self)(list(self)[index])

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def insert(self, index: int, module: Module) -> None:
        """Add a module before the one at ``index``."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def _child_lines(self) -> list[str]:
        # Neighbours that print alike share a line: "(0-1): 2 x Linear(…)".
        lines = []
        first = 0
        for text, run in groupby(_indented(module) for module in self):
            count = len(list(run))
            label = f"({first})" if count == 1 else f"({first}-{first + count - 1}): {count} x"
            lines.append(f"{label}{':' if count == 1 else ''} {text}")
            first += count
        return lines


class _Dict(Module):
    """What modules that are dictionaries share: ``_names()`` are the keys, in order."""

    def _pairs(self, entries: Any) -> Iterator[tuple[str, Any]]:
        """Yield the pairs of keys and values in what ``update`` is given."""
        name = type(self).__name__
        if not isinstance(entries, Iterable):
            raise TypeError(
                f"{name}.update should be called with an iterable of key/value pairs, but got "
                + type(entries).__name__
            )
        if isinstance(entries, (Mapping, ModuleDict, ParameterDict)):
            entries = entries.items()
        for number, pair in enumerate(entries):
            if not isinstance(pair, Iterable):
                raise TypeError(
                    f"{name} update sequence element #{number} should be Iterable; is "
                    + type(pair).__name__
                )
            pair = tuple(pair)
            if len(pair) != 2:
                raise ValueError(
                    f"{name} update sequence element #{number} has length {len(pair)}; 2 is "
                    "required"
                )
            yield pair

    def _names(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __contains__(self, key: object) -> bool:
        return key in self._names()

    def keys(self) -> Any:
        """Return the keys."""
        return self._names().keys()

    def clear(self) -> None:
        """Remove everything."""
        for key in list(self):
            del self[key]

    def pop(self, key: str) -> Any:
        """Remove what is under ``key`` and return it."""
        value = self[key]
        del self[key]
        return value

    def __getitem__(self, key: str) -> Any:
        raise NotImplementedError

    def __delitem__(self, key: str) -> None:
        raise NotImplementedError


class ModuleDict(_Dict):
    """A dictionary of modules that are part of the module that holds it.

    Args:
        modules: to start with: a mapping, or pairs of names and modules.

    Source: PyTorch, ``torch.nn.ModuleDict``.
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def _names(self) -> Mapping[str, Any]:
        return self._modules

    def items(self) -> Any:
        """Return pairs of names and modules."""
        return self._modules.items()

    def values(self) -> Any:
        """Return the modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add modules from a mapping, or from pairs of names and modules.

        Raises:
            TypeError: it is neither.
            ValueError: an entry is no pair.
        """
        for key, module in self._pairs(modules):
            self[key] = module


def _as_parameter(value: Any) -> Any:
    """Return a plain tensor as a Parameter, and anything else as it is."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


def _parameter_lines(pairs: Iterable[tuple[Any, Any]], type_name: Callable[[Tensor], str]) -> str:
    """Return a line for each value of a list or dictionary of parameters."""
    lines = []
    for key, value in pairs:
        text = f"Object of type: {type(value).__name__}"
        if isinstance(value, Tensor):
            kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
            size = "x".join(map(str, value.shape))
            place = "" if value.device.type == "cpu" else f" ({value.device})"
            text = f"{kind} containing: [{type_name(value)} of size {size}{place}]"
        lines.append(f"  ({key}): {text}")
    return "\n".join(lines)


class ParameterList(_List):
    """A list of parameters that belong to the module that holds it.

    Args:
        values: to start with; tensors become Parameters.

    Source: PyTorch, ``torch.nn.ParameterList``.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name(self, index: Any) -> str:
        return str(self._position(index))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(self._size))])
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name(index), _as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(self._size)])

    def append(self, value: Any) -> ParameterList:
        """Add a value at the end; return the list."""
        self._size += 1
        self[-1] = value
        return self

    def extra_repr(self) -> str:
        """Return a line for each value."""
        return _parameter_lines(enumerate(self), lambda value: str(value.dtype))


class ParameterDict(_Dict):
    """A dictionary of parameters that belong to the module that holds it.

    Args:
        parameters: to start with: a mapping, or pairs of names and values; see :meth:`update`.
            Tensors become Parameters.

    Source: PyTorch, ``torch.nn.ParameterDict``.
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                f"Index given to ParameterDict cannot be used as a key as it is not a string (type "
                f"is '{_typename(key)}'). Open an issue on github if you need non-string keys."
            )
        self._keys[key] = None
        setattr(self, key, _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def _names(self) -> Mapping[str, Any]:
        return self._keys

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under ``key``, or ``default``."""
        return self[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value under ``key``, after setting it to ``default`` if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def items(self) -> Any:
        """Return pairs of keys and values."""
        return [(key, self[key]) for key in self._keys]

    def values(self) -> Any:
        """Return the values."""
        return [self[key] for key in self._keys]

    def popitem(self) -> tuple[str, Any]:
        """Remove the last pair of key and value and return it."""
        if not self._keys:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def copy(self) -> ParameterDict:
        """Return another dictionary of the same values."""
        return ParameterDict(self)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a new dictionary with the same value under each of ``keys``."""
        return ParameterDict([(key, default) for key in keys])

    def update(self, parameters: Any) -> None:
        """Add values from a mapping, or from pairs of names and values.

        Pairs, an OrderedDict and a ParameterDict keep their order; any other mapping is taken in
        the order of its sorted names.

        Raises:
            TypeError: it is neither.
            ValueError: an entry is no pair.
        """
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            # As in PyTorch, of which state dicts and the numbering of optimizers must fit.
            parameters = sorted(parameters.items())
        for key, value in self._pairs(parameters):
            self[key] = value

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __or__(self, other: Any) -> ParameterDict:
        joined = self.copy()
        joined.update(other)
        return joined

    def __ror__(self, other: Any) -> Any:
        joined = other.copy()
        joined.update(self)
        return joined

    def __ior__(self, other: Any) -> ParameterDict:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """Return a line for each value."""
        return _parameter_lines(self.items(), _typename)
