"""Parameters that are computed from others: ``module.weight`` is what a module makes of them.

::

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).T

    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())

The parameter goes to ``layer.parametrizations.weight.original``; the layer gets a class of its own,
in which ``weight`` is a property. ``right_inverse``, if the parametrization has it, says from what
a given value would come: at the start, and when a value is assigned to ``layer.weight``.

Source: PyTorch, ``torch.nn.utils.parametrize``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from tinygrad_adam.autograd import no_grad
from tinygrad_adam.nn.containers import ModuleDict, ModuleList
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

M = TypeVar("M", bound=Module)

# Within ``cached()`` the values by module and name; the modules are kept so that no id comes twice.
_cache: ContextVar[dict[tuple[int, str], tuple[Module, Tensor]] | None] = ContextVar(
    "parametrizations", default=None
)


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once within the block, when it is first asked for.

    For what uses a parameter several times in one forward pass, such as a recurrent layer.
    """
    token = _cache.set({}) if _cache.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order in which they are applied, and its origin.

    That is ``original``, or ``original0``, ``original1``, … where the first parametrization's
    ``right_inverse`` returns several tensors. :func:`register_parametrization` makes it.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new: Any = original
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):
                        new = module.right_inverse(new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            for what in ("dtype", "device"):
                before, after = getattr(original, what), getattr(new, what)
                if before != after:
                    raise ValueError(
                        f"When `right_inverse` outputs one tensor, it may not change the {what}.\n"
                        f"original.{what}: {before}\nright_inverse(original).{what}: {after}"
                    )
            _give(original, new)
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                        f"tuple...). Got element {i} of the sequence with type "
                        f"{type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                part.requires_grad_(original.requires_grad)
                _register(self, f"original{i}", part)
        if not unsafe:
            words = "Registering a parametrization may not change the {} of the tensor, unless "
            words += "`unsafe` flag is enabled.\nunparametrized {}: {}\nparametrized {}: {}"
            _check_kept(words, self(), dtype, shape)

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def forward(self) -> Any:
        """Return the parametrized tensor."""
        first, *others = self
        x = first(*self._originals())
        for parametrization in others:
            x = parametrization(x)
        return x

    @no_grad()
    def right_inverse(self, value: Any) -> None:
        """Write into the origin what gives ``value``, by each ``right_inverse`` from the last on.

        Raises:
            RuntimeError: a parametrization has none.
            ValueError: what one returns has another type, number or dtype than at the start.
        """
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(
                    f"parametrization {type(module).__name__} does not implement right_inverse."
                )
            value = module.right_inverse(value)
        if self.is_tensor:
            if not isinstance(value, Tensor):
                raise ValueError(
                    f"`right_inverse` should return a tensor. Got {type(value).__name__}"
                )
            if value.dtype != self.original.dtype:
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {value.dtype} while "
                    f"`original` has dtype {self.original.dtype}"
                )
            _give(self.original, value)
            return
        if not isinstance(value, Sequence):
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}."
            )
        if len(value) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(value)}."
            )
        for i, (original, part) in enumerate(zip(self._originals(), value)):
            if not isinstance(part, Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors. "
                    f"Got element {i} of type {type(part).__name__}."
                )
            if part.dtype != original.dtype:
                raise ValueError(
                    f"Tensor {i} returned by `right_inverse` has dtype {part.dtype} while "
                    f"`original{i}` has dtype {original.dtype}"
                )
            _give(original, part)


def register_parametrization(
    module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> M:
    """Let ``module.tensor_name`` be what ``parametrization`` makes of it.

    Args:
        module: is changed in place, and returned.
        tensor_name: of a parameter, a buffer, or a tensor that is parametrized already: then this
            parametrization comes after those that it has.
        parametrization: a module with one tensor for input and output; with several inputs, if it
            has a ``right_inverse`` that returns several tensors.
        unsafe: do not check that dtype and shape stay.

    Raises:
        ValueError: there is no such tensor, or its dtype or shape would change.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        lists: Any = module.parametrizations
        if not unsafe:
            _check_in_list(module, tensor_name, parametrization)
        lists[tensor_name].append(parametrization)
        lists[tensor_name].unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        original = getattr(module, tensor_name)
        parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        base = type_before_parametrizations(module)
        if not is_parametrized(module):
            module.parametrizations = ModuleDict()
        module.parametrizations[tensor_name] = parametrizations
        _take_class(module, base)
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether a tensor of the module is parametrized, or any if no name is given."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a parametrized tensor a parameter or buffer again.

    Args:
        module: is changed in place, and returned.
        tensor_name: of the tensor.
        leave_parametrized: it keeps its present value; else that of its origin.

    Raises:
        ValueError: it is not parametrized, or its origin, which it shall have, is several tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    lists: Any = module.parametrizations
    found = lists[tensor_name]
    if found.is_tensor:
        original = found.original
        if leave_parametrized:
            with no_grad():
                _give(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    base = type_before_parametrizations(module)
    del lists[tensor_name]
    if not lists:
        del module.parametrizations
    _take_class(module, base)
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type:
    """Return the class that the module had before its first parametrization."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: M, tensor_name: str | None = None
) -> M:
    """Give a module the parametrizations of another one, and the tensors that they start from.

    Args:
        from_module: has them.
        to_module: is changed in place, and returned.
        tensor_name: of the only tensor that is meant.
    """
    if not is_parametrized(from_module):
        return to_module
    lists: Any = from_module.parametrizations
    for name in list(lists) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for parametrization in lists[name]:
            register_parametrization(to_module, name, parametrization)
        for key, tensor in {**lists[name]._parameters, **lists[name]._buffers}.items():
            setattr(to_module.parametrizations[name], key, tensor)
    return to_module


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _give(tensor: Tensor, value: Tensor) -> None:
    """Let ``tensor``, which an optimizer may know, have this value, of whatever shape."""
    if value is not tensor:
        tensor.data = value.detach().clone()


def _check_kept(words: str, found: Any, dtype: Any, shape: Any) -> None:
    if not isinstance(found, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(found).__name__}.")
    for what, before in (("dtype", dtype), ("shape", shape)):
        after = getattr(found, what)
        if after != before:
            raise ValueError(words.format(what, what, before, what, after))


def _check_in_list(module: Module, name: str, parametrization: Any) -> None:
    """Raise ValueError unless a parametrization and its inverse keep the dtype and the shape."""
    before = getattr(module, name)
    after = parametrization(before)
    words = "Registering a parametrization may not change the {} of the tensor, unless the "
    words += f"`unsafe` flag is enabled.\nmodule.{name}.{{}}: {{}}\n"
    words += f"parametrization(module.{name}).{{}}: {{}}"
    _check_kept(words, after, before.dtype, before.shape)
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(back, Tensor):
        raise ValueError(
            f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
        )
    words = "The tensor returned by parametrization.right_inverse must have the same {} as "
    words += f"module.{name}, unless the `unsafe` flag is enabled.\nmodule.{name}.{{}}: {{}}\n"
    words += "returned {}: {}"
    _check_kept(words, back, before.dtype, before.shape)


def _take_class(module: Module, base: type) -> None:
    """Give the module the class ``base``, with properties for the tensors that are parametrized."""
    names = list(getattr(module, "parametrizations", ()))
    members = {name: _property(name) for name in names}
    methods = {"__deepcopy__": _deepcopy, "__getstate__": _refuse_to_be_pickled}
    kind = type(f"Parametrized{base.__name__}", (base,), {**methods, **members})
    module.__class__ = kind if names else base


def _property(name: str) -> property:
    def get(module: Any) -> Any:
        values = _cache.get()
        if values is None:
            return module.parametrizations[name]()
        key = id(module), name
        if key not in values:
            values[key] = module, module.parametrizations[name]()
        return values[key][1]

    def put(module: Any, value: Tensor) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(get, put)


def _deepcopy(module: Any, memo: dict[int, Any]) -> Any:
    base: Any = type_before_parametrizations(module)
    copied = base.__new__(base)
    memo[id(module)] = copied
    vars(copied).update(copy.deepcopy(vars(module), memo))
    _take_class(copied, base)
    return copied


def _refuse_to_be_pickled(module: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict().\n"
        "  Save module.state_dict(), and load it into a module that is parametrized alike."
    )
