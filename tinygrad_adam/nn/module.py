"""Module: the base class of layers and models, and the record of which module is running."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar, cast

from tinygrad_adam.autograd import RemovableHandle, no_grad
from tinygrad_adam.autograd.mode import _mode, current_mode
from tinygrad_adam.backend import as_dtype, is_differentiable, preserve_format
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.conversion import parse_to
from tinygrad_adam.nn.hooks import BackwardWatch, Hooks, as_tuple
from tinygrad_adam.nn.parameter import Parameter, is_lazy
from tinygrad_adam.tensor import Tensor

_new: Callable[..., Any] = tuple.__new__
M = TypeVar("M", bound="Module")
P = ParamSpec("P")
Result = TypeVar("Result", covariant=True)
_TENSORS = ("_parameters", "_buffers")
_REGISTRIES = ("_parameters", "_modules", "_buffers")
_EXTRA_STATE = "_extra_state"


class Scope(NamedTuple):
    """One call of a module: every operation recorded during the call points to it.

    Making one costs a tenth of a microsecond; the names are looked up only when somebody asks. It
    holds the modules, no tensors of the call.
    """

    module: Module
    """The module that was called."""
    parent: Scope | None
    """The call inside which that happened, or None."""

    @property
    def path(self) -> str:
        """The module's path below the outermost module that was called: ``conv1``, ``fc.0``.

        It is "" for the outermost module itself. A module that is not registered under any of the
        modules around it (kept in a plain list, say) goes by the name of its class.
        """
        if self.parent is None:
            return ""
        around: Scope | None = self.parent
        while around is not None:
            for name, module in around.module.named_modules():
                if module is self.module:
                    return _join(around.path, name)
            around = around.parent
        return _join(self.parent.path, type(self.module).__name__)

    def __str__(self) -> str:
        module = self.module
        text = f"{module._get_name()}({'' if module._modules else module.extra_repr()})"
        return f"{self.path}: {text}" if self.path else text

    def __repr__(self) -> str:
        return f"Scope({self})"


def _join(prefix: str, name: str) -> str:
    """Join the parts of a dotted path, either of which may be empty."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


class _HasForward(Protocol[P, Result]):
    def forward(self, *args: P.args, **kwargs: P.kwargs) -> Result: ...


class _Call:
    """What type checkers see as ``Module.__call__``: it takes and returns what ``forward`` does."""

    def __get__(self, module: _HasForward[P, Result], kind: Any = None) -> Callable[P, Result]:
        raise NotImplementedError


def _as_forward(method: Callable[..., Any]) -> _Call:
    return cast(_Call, method)


class IncompatibleKeys(NamedTuple):
    """What :meth:`Module.load_state_dict` did not find a counterpart for."""

    missing_keys: list[str]
    """Names that the module has and the state dict lacks."""
    unexpected_keys: list[str]
    """Names that the state dict has and the module lacks."""

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


class Module:
    """The base class of everything with parameters: layers, losses, whole models.

    A subclass calls ``super().__init__()``, assigns Parameters, buffers and other Modules to
    attributes, and defines ``forward``. Calling the module runs ``forward`` with the hooks::

        class Net(Module):
            def __init__(self):
                super().__init__()
                self.fc = Linear(2, 1)

            def forward(self, x):
                return self.fc(x)

    Source: PyTorch, ``torch.nn.Module``.
    """

    training: bool = True
    """Whether layers such as Dropout and BatchNorm behave as in training; see :meth:`train`."""
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    # Two underscores: a subclass may have attributes and methods of these names, too.
    __hooks: Hooks | None = None
    _version: int = 1
    """Of the layout of the state; :meth:`_load_from_state_dict` is told the one that was saved."""
    call_super_init: bool = False
    """Whether ``__init__`` goes on to that of the next class, of which Module knows nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            raise TypeError(
                f"{type(self).__name__}.__init__() "
                + (
                    f"got an unexpected keyword argument '{next(iter(kwargs))}'"
                    if kwargs
                    else f"takes 1 positional argument but {len(args) + 1} were given"
                )
            )
        fields = self.__dict__
        fields["training"] = True
        fields["_non_persistent_buffers_set"] = set()
        fields.update({registry: {} for registry in _REGISTRIES})
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # --- calling ---------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Compute the result; every subclass defines its own."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    @_as_forward
    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run ``forward``, and around it the hooks."""
        outer = current_mode()
        inner = outer._replace(scope=_new(Scope, (self, outer.scope)))
        _mode.set(inner)
        try:
            if self.__hooks is None:
                return self.forward(*inputs, **kwargs)
            return self.__call_with_hooks(self.__hooks, inputs, kwargs)
        finally:
            now = current_mode()
            # forward may have switched recording on or off for good: keep all but the scope.
            _mode.set(outer if now is inner else now._replace(scope=outer.scope))

    def __call_with_hooks(
        self, hooks: Hooks, inputs: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        called: set[int] = set()
        output = None
        try:
            for hook, with_kwargs in list(hooks.before_forward.values()):
                changed = hook(self, inputs, kwargs) if with_kwargs else hook(self, inputs)
                if changed is None:
                    continue
                if not with_kwargs:
                    inputs = as_tuple(changed)
                elif isinstance(changed, tuple) and len(changed) == 2:
                    inputs, kwargs = changed
                else:
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed}."
                    )
            watch = BackwardWatch.of(self, hooks)
            if watch is not None:
                inputs = watch.watch_inputs(inputs)
            output = self.forward(*inputs, **kwargs)
            for number, (hook, with_kwargs, _) in list(hooks.after_forward.items()):
                called.add(number)
                changed = hook(self, inputs, *([kwargs] if with_kwargs else []), output)
                if changed is not None:
                    output = changed
            return output if watch is None else watch.watch_outputs(output)
        except BaseException:
            for number, (hook, with_kwargs, always) in list(hooks.after_forward.items()):
                if always and number not in called:
                    hook(self, inputs, *([kwargs] if with_kwargs else []), output)
            raise

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, inputs)`` before ``forward``; it may return other inputs.

        Args:
            hook: gets the positional inputs as a tuple, and with ``with_kwargs`` the keyword ones
                as a dictionary after it (it then returns both).
            prepend: call it before the hooks registered so far, not after.
            with_kwargs: see ``hook``.

        Returns:
            A handle whose ``remove()`` takes the hook off.
        """
        return self.__add_hook("before_forward", (hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, inputs, output)`` after ``forward``; it may return another output.

        Args:
            hook: gets the positional inputs as a tuple, with ``with_kwargs`` the keyword ones as a
                dictionary after it, and the output.
            prepend: call it before the hooks registered so far, not after.
            with_kwargs: see ``hook``.
            always_call: call it even if ``forward`` raises (its output is None then).

        Returns:
            A handle whose ``remove()`` takes the hook off.
        """
        return self.__add_hook("after_forward", (hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when backward has passed the module.

        Both are tuples, with None for what has no gradient: of the positional inputs, and of the
        outputs. The hook may return a tuple that takes the place of ``grad_input``.

        Returns:
            A handle whose ``remove()`` takes the hook off.
        """
        return self.__add_hook("after_backward", hook, prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when backward reaches the module.

        The hook may return a tuple that takes the place of ``grad_output``.

        Returns:
            A handle whose ``remove()`` takes the hook off.
        """
        return self.__add_hook("before_backward", hook, prepend)

    def __add_hook(self, kind: str, entry: Any, prepend: bool = False) -> RemovableHandle:
        if self.__hooks is None:
            object.__setattr__(self, "_Module__hooks", Hooks())
        hooks = getattr(self.__hooks, kind)
        handle = RemovableHandle(hooks, entry)
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    @property
    def _forward_pre_hooks(self) -> OrderedDict[int, tuple[Any, bool]]:
        """The hooks before ``forward`` by their numbers, each with whether it takes keywords."""
        return (self.__hooks or Hooks()).before_forward

    # --- attributes ------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # Called only for what is no ordinary attribute. Before __init__ there are no registries.
        for registry in _REGISTRIES:
            members = self.__dict__.get(registry, {})
            if name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        fields = self.__dict__
        if isinstance(value, Parameter):
            self.__require_init("parameters")
            self.__forget(name, keep="_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module) and name not in fields.get("_parameters", ()):
            self.__require_init("module")
            self.__forget(name, keep="_modules")
            self._modules[name] = value
        else:
            for registry, kind, what, wanted in _MEMBERS:
                if name in fields.get(registry, ()):
                    _check_member(value, kind, f"as {what} '{name}'", wanted)
                    fields[registry][name] = value
                    return
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if any(name in getattr(self, registry) for registry in _REGISTRIES):
            self.__forget(name, keep="__dict__")
        else:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    def __require_init(self, kind: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"cannot assign {kind} before Module.__init__() call\n"
                f"  {type(self).__name__}.__init__ must call super().__init__() first"
            )

    def __forget(self, name: str, keep: str) -> None:
        """Remove what ``name`` stood for, except in the registry ``keep``."""
        for registry in ("__dict__", *_REGISTRIES):
            if registry != keep:
                getattr(self, registry).pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __check_name(self, kind: str, name: object, registry: str) -> None:
        self.__require_init(kind)
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
        if "." in name:
            got = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{got}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in getattr(self, registry):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; None reserves the name for no parameter.

        Raises:
            KeyError: the name is empty, contains a dot, or is taken.
            TypeError: ``param`` is no Parameter.
            ValueError: ``param`` is the result of an operation.
        """
        self.__check_name("parameter", name, "_parameters")
        target = f"object to parameter '{name}'"
        _check_member(param, Parameter, target, "torch.nn.Parameter", "required")
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, compute "
                "the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state but is not trained.

        Args:
            name: under which it is an attribute.
            tensor: the tensor, or None to reserve the name.
            persistent: whether ``state_dict`` contains it.

        Raises:
            KeyError: the name is empty, contains a dot, or is taken.
            TypeError: ``tensor`` is no tensor.
        """
        self.__check_name("buffer", name, "_buffers")
        _check_member(tensor, Tensor, f"object to buffer '{name}'", "torch Tensor", "required")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under ``name``.

        Raises:
            KeyError: the name is empty, contains a dot, or is taken.
            TypeError: ``module`` is no Module.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self.__check_name("module", name, "_modules")
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Do what :meth:`add_module` does."""
        self.add_module(name, module)

    # --- listing ---------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it, each with its path, parents before children.

        Args:
            memo: modules to leave out.
            prefix: what to put before every path.
            remove_duplicate: list a module that is reachable by two paths only once.
        """
        seen: set[Module] = set() if memo is None else memo
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if module in seen:
                continue
            if remove_duplicate:
                seen.add(module)
            yield path, module
            children = [(n, child) for n, child in module._modules.items() if child is not None]
            stack.extend((_join(path, name), child) for name, child in reversed(children))

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly below this one, with their names, each once."""
        for _, _, name, module in self.__members(("_modules",), "", False, True):
            yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the modules directly below this one, each once."""
        return (module for _, module in self.named_children())

    def __members(
        self, registries: tuple[str, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Module, str, Any]]:
        """Yield ``(path, module, name, member)`` for what the modules hold in these registries."""
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for registry in registries:
                for name, member in getattr(module, registry).items():
                    if member is not None and id(member) not in seen:
                        if remove_duplicate:
                            seen.add(id(member))
                        yield _join(path, name), module, name, member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their paths, in the order in which they were assigned.

        Args:
            prefix: what to put before every path.
            recurse: go into the modules below, too.
            remove_duplicate: list a parameter that is shared only once, under its first name.
        """
        members = self.__members(("_parameters",), prefix, recurse, remove_duplicate)
        return ((path, parameter) for path, _, _, parameter in members)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once; what an optimizer is given."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their paths; arguments as for :meth:`named_parameters`."""
        members = self.__members(("_buffers",), prefix, recurse, remove_duplicate)
        return ((path, buffer) for path, _, _, buffer in members)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """Return the module at a path such as ``features.0``; "" is this one.

        Raises:
            AttributeError: there is none; the text names the part of the path that is missing.
        """
        module: Module = self
        for name in target.split(".") if target else ():
            module = module.__member(name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def __member(self, name: str) -> Any:
        if not hasattr(self, name):
            raise AttributeError(f"{self._get_name()} has no attribute `{name}`")
        return getattr(self, name)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a path such as ``features.0.weight``.

        Raises:
            AttributeError: there is none.
        """
        path, _, name = target.rpartition(".")
        parameter = self.get_submodule(path).__member(name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a path such as ``norm.running_mean``.

        Raises:
            AttributeError: there is none.
        """
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer: Tensor = module.__member(name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    # --- changing everything below ---------------------------------------------------------------

    # A method of a subclass is called, but not an attribute that stands in the way of its name.

    def __below(self) -> Iterator[Module]:
        return type(self).children(self)

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call ``fn(module)`` for every module below and then for this one; return this one."""
        for child in self.__below():
            child.apply(fn)
        fn(self)
        return self

    def train(self: M, mode: bool = True) -> M:
        """Switch this module and all below to training (or, with False, to evaluation)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.__below():
            child.train(mode)
        return self

    def eval(self: M) -> M:
        """Switch this module and all below to evaluation: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Say for all parameters whether gradients are computed for them."""
        for parameter in type(self).parameters(self):
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with ``set_to_none=False`` make them zero."""
        for parameter in type(self).parameters(self):
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                if parameter.grad.requires_grad:  # its history would keep a graph alive
                    parameter.grad = parameter.grad.detach()
                parameter.grad.zero_()

    def _apply(self: M, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> M:
        """Replace the values of all parameters, their gradients and all buffers by ``fn(values)``.

        The Parameter objects stay, so that an optimizer made before still updates them.
        """
        if recurse:
            for child in self.__below():
                child._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                _replace(parameter, fn)
                if parameter.grad is not None:
                    _replace(parameter.grad, fn)
        with no_grad():
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Move and cast parameters and buffers: ``to(device)``, ``to(dtype)``, ``to(tensor)``.

        Args:
            args: a device or its name, a floating-point dtype, both in that order, or a tensor
                whose device and dtype are taken. Also as keywords ``device``, ``dtype``; and
                ``memory_format``, for what has as many dimensions as that is for.

        Returns:
            The module itself; its Parameter objects stay the same, integer buffers keep their
            dtype.

        Raises:
            TypeError: the dtype is an integer or bool.
            RuntimeError: the device does not exist.

        Source: PyTorch, ``torch.nn.Module.to``.
        """
        dtype, place, _, form = parse_to(*args, **kwargs)
        if dtype is not None and not is_differentiable(dtype):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )

        def convert(tensor: Tensor) -> Tensor:
            wanted = dtype if is_differentiable(tensor.dtype) else None
            fits = not form.ndim or form.ndim == tensor.ndim
            order = form if fits else preserve_format
            return tensor.to(device=place, dtype=wanted, memory_format=order)

        return self._apply(convert)

    def cpu(self: M) -> M:
        """Move everything to the CPU."""
        return Module.to(self, "cpu")

    def cuda(self: M, device: Any = None) -> M:
        """Move everything to a GPU: the current one, or the one of that index.

        Raises:
            RuntimeError: there is none, or CuPy is missing.
        """
        return Module.to(self, "cuda" if device is None else device)

    def float(self: M) -> M:
        """Cast all floating-point parameters and buffers to float32."""
        return Module.to(self, as_dtype("float32"))

    def double(self: M) -> M:
        """Cast all floating-point parameters and buffers to float64."""
        return Module.to(self, as_dtype("float64"))

    def half(self: M) -> M:
        """Cast all floating-point parameters and buffers to float16."""
        return Module.to(self, as_dtype("float16"))

    def bfloat16(self: M) -> M:
        """Refuse: there are no tensors of bfloat16 here."""
        return Module.to(self, as_dtype("bfloat16"))

    def type(self: M, dst_type: Any) -> M:
        """Cast all parameters and buffers to ``dst_type``, integers too."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    # --- state -----------------------------------------------------------------------------------

    def get_extra_state(self) -> Any:
        """Return what else belongs into the state dict; a subclass may define it, and the setter.

        It stands there under the module's path and ``_extra_state``.
        """
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called.\n"
            f"  {type(self).__name__} does not define get_extra_state"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` returned."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called.\n"
            f"  {type(self).__name__} does not define set_extra_state"
        )

    def __own_state(self) -> dict[str, Tensor]:
        """Return this module's parameters and persistent buffers."""
        return {
            name: tensor
            for registry in _TENSORS
            for name, tensor in getattr(self, registry).items()
            if tensor is not None and name not in self._non_persistent_buffers_set
        }

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Add this module's state, not that of the modules below; a subclass may add more."""
        for name, tensor in self.__own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def state_dict(
        self,
        *,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """Return an ordered dictionary of all parameters and persistent buffers.

        Args:
            destination: a dictionary to fill instead of a new one.
            prefix: what to put before every key, with its dot.
            keep_vars: put in the Parameters themselves; else detached tensors on the same memory.

        Its attribute ``_metadata`` has the ``_version`` of every module, under its path.

        Source: PyTorch, ``torch.nn.Module.state_dict``.
        """
        if destination is None:
            destination = OrderedDict()
            destination._metadata = {}  # type: ignore[attr-defined]
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix.removesuffix(".")] = metadata
        hooks = self.__hooks or _NO_HOOKS
        for hook in list(hooks.before_save.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook, may_replace in list(hooks.after_save.values()):
            changed = hook(self, destination, prefix, metadata)
            if changed is not None:
                if not may_replace:
                    raise RuntimeError("state_dict post-hook must return None")
                destination = changed
        return destination

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before :meth:`state_dict` looks at anything."""
        return self.__add_hook("before_save", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata)`` after :meth:`state_dict`.

        It may write into the dictionary, in which the modules around have no entries yet.
        """
        return self.__add_hook("after_save", (hook, False))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As :meth:`register_state_dict_post_hook`, but the hook may return another dictionary.

        Only where the module's own ``state_dict`` is called, not that of a module around it.
        """
        return self.__add_hook("after_save", (hook, True))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, …)`` before the module takes over its state.

        The arguments after the module are those of :meth:`_load_from_state_dict`; it may write into
        the dictionary and the lists.
        """
        return self.__add_hook("before_load", (hook, True))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        """As :meth:`register_load_state_dict_pre_hook`; without the module unless asked for."""
        return self.__add_hook("before_load", (hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` once the module and those below have theirs.

        It may write into the two lists, which decide whether :meth:`load_state_dict` raises.
        """
        return self.__add_hook("after_load", hook)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take over this module's state, not that of the modules below.

        A subclass may do so in a way of its own: read and remove entries of ``state_dict``, a copy
        of those that begin with ``prefix``, and add to the three lists.
        """
        for hook, with_module in list((self.__hooks or _NO_HOOKS).before_load.values()):
            hook(
                *((self,) if with_module else ()),
                *(state_dict, prefix, local_metadata, strict),
                *(missing_keys, unexpected_keys, error_msgs),
            )
        own = self.__own_state()
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                assign = local_metadata.get("assign_to_params_buffers", False)
                problem = self.__load(name, tensor, key, state_dict[key], assign)
                error_msgs.extend([problem] if problem else [])
            elif strict:
                missing_keys.append(key)
        extra = prefix + _EXTRA_STATE
        wants_extra = type(self).set_extra_state is not Module.set_extra_state
        if wants_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif strict and wants_extra:
            missing_keys.append(extra)
        for key in state_dict if strict else ():
            first, *below = key.removeprefix(prefix).split(".", 1)
            known: Any = self._modules if below else (*own, *([_EXTRA_STATE] * wants_extra))
            if key.startswith(prefix) and first not in known:
                unexpected_keys.append(key)

    def __load(self, name: str, tensor: Tensor, key: str, value: Any, assign: bool) -> str:
        """Give one parameter or buffer its value; or return, as text, why it does not fit."""
        if not isinstance(value, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or '
                f"Tensor-like object from checkpoint but received {type(value)}"
            )
        if is_lazy(value) and is_lazy(tensor):
            return ""
        if value.shape == (1,) and tensor.ndim == 0:
            value = value[0]  # so did PyTorch 0.3 write a number
        if value.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape torch.Size("
                f"{list(value.shape)}) from checkpoint, the shape in current model is "
                f"torch.Size({list(tensor.shape)})."
            )
        try:
            with no_grad():
                if not assign:
                    tensor.copy_(value.detach())
                    return ""
                if isinstance(tensor, Parameter):
                    if not isinstance(value, Parameter):
                        value = Parameter(value.detach(), tensor.requires_grad)
                    value.requires_grad_(tensor.requires_grad)
                setattr(self, name, value)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{tensor.shape} and whose dimensions in the checkpoint are {value.shape}, an "
                f"exception occurred : {error.args}."
            )
        return ""

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the parameters and buffers, which keep their dtype and device.

        Args:
            state_dict: names to tensors, as :meth:`state_dict` returns them.
            strict: whether names without a counterpart are an error.
            assign: take the tensors themselves, with their dtype and device, instead of copying.

        Returns:
            A named tuple of the lists ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: names are missing or unexpected (if strict), or shapes differ. The text
                lists all of them; no parameter and no buffer was changed then.

        Source: PyTorch, ``torch.nn.Module.load_state_dict``.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"Expected state_dict to be dict-like, got {type(state_dict)}.\n"
                "  load_state_dict takes what state_dict() or load(path) returned"
            )
        versions = getattr(state_dict, "_metadata", {})
        keys = IncompatibleKeys([], [])
        problems: list[str] = []

        def load(module: Module, state: dict[str, Any], prefix: str) -> None:
            metadata = dict(versions.get(prefix.removesuffix("."), {}))
            if assign:
                metadata["assign_to_params_buffers"] = True
            module._load_from_state_dict(state, prefix, metadata, True, *keys, problems)
            for name, child in module._modules.items():
                if child is not None:
                    path = f"{prefix}{name}."
                    load(child, {k: v for k, v in state.items() if k.startswith(path)}, path)
            for hook in list((module.__hooks or _NO_HOOKS).after_load.values()):
                if hook(module, keys) is not None:
                    raise AssertionError(
                        "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                        "expected to return new values, if incompatible_keys need to be modified, "
                        "it should be done inplace."
                    )

        restore = _snapshot(self)
        try:
            load(self, OrderedDict(state_dict), "")
            for kind, names in (
                ("Unexpected", keys.unexpected_keys),
                ("Missing", keys.missing_keys),
            ):
                if strict and names:
                    quoted = ", ".join(f'"{key}"' for key in names)
                    problems.insert(0, f"{kind} key(s) in state_dict: {quoted}. ")
            if problems:
                raise RuntimeError(
                    f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                    + "\n\t".join(problems)
                    + "\n  Nothing was loaded."
                    + ("" if not strict else " strict=False ignores missing and unexpected keys.")
                )
        except BaseException:
            restore()
            raise
        return keys

    # --- printing --------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return what ``repr`` shows in the parentheses before the children."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = self._child_lines()
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({extra})"
        inside = "".join([f"\n  {line}" for line in lines + children])
        return f"{self._get_name()}({inside}" + ("\n)" if inside else ")")

    def _child_lines(self) -> list[str]:
        return [f"({name}): {_indented(module)}" for name, module in self._modules.items()]


def _indented(value: object) -> str:
    """Return the repr of ``value`` with all lines but the first moved right by two."""
    return repr(value).replace("\n", "\n  ")


def _typename(value: object) -> str:
    """Return the name of a type as PyTorch's error texts show it."""
    kind = type(value)
    if isinstance(value, Tensor):
        return f"torch.{type_name(value.dtype)}Tensor"
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


# For each registry: of which class its members are, and the words for these in an error.
_MEMBERS: tuple[tuple[str, type, str, str], ...] = (
    ("_parameters", Parameter, "parameter", "torch.nn.Parameter"),
    ("_modules", Module, "child module", "torch.nn.Module"),
    ("_buffers", Tensor, "buffer", "torch.nn.Buffer, torch.Tensor"),
)


def _check_member(
    value: object, kind: type, target: str, wanted: str, verb: str = "expected"
) -> None:
    """Raise TypeError for a value that is neither of this class nor None."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"cannot assign '{_typename(value)}' {target} ({wanted} or None {verb})")


def _replace(tensor: Tensor, fn: Callable[[Tensor], Tensor]) -> None:
    """Give ``tensor`` the array of ``fn(tensor)``; what was saved of it before is out of date."""
    with no_grad():
        value: Any = fn(tensor)
    if is_lazy(tensor):
        tensor._empty = value._empty  # type: ignore[attr-defined]
    elif value.array is not tensor.array:
        tensor.array = value.array
        tensor._writes = [tensor._writes[0] + 1]


_NO_HOOKS = Hooks()


def _snapshot(module: Module) -> Callable[[], None]:
    """Return what makes all parameters and buffers again what they are now."""
    below = Module.modules(module)
    registries: list[dict[str, Any]] = [r for m in below for r in (m._parameters, m._buffers)]
    members = [(registry, dict(registry)) for registry in registries]
    tensors = [tensor for _, m in members for tensor in m.values() if tensor is not None]
    values = [(tensor, tensor.array.copy()) for tensor in tensors if not is_lazy(tensor)]
    lazy = [(tensor, type(tensor), dict(vars(tensor))) for tensor in tensors if is_lazy(tensor)]

    def restore() -> None:
        for registry, before in members:
            registry.clear()
            registry.update(before)
        for tensor, value in values:
            with suppress(ValueError):  # read-only: nothing was written
                tensor.array[...] = value
        for tensor, kind, fields in lazy:
            tensor.__class__, tensor.__dict__ = kind, fields

    return restore
