"""What all optimizers share: parameter groups, state, the step, and saving it all.

An optimizer of its own needs a constructor and one method, :meth:`Optimizer.update`::

    class SignDescent(Optimizer):
        def __init__(self, params, lr=1e-3):
            super().__init__(params, {"lr": lr})

        def update(self, parameter, gradient, state, group):
            parameter.sub_(group["lr"] * gradient.sign())
"""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.mode import enable_grad, no_grad
from tinygrad_adam.backend import Array, Update, array_module, kernels, move, run_updates
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.optim.options import check, describe, number
from tinygrad_adam.tensor import Tensor

Params: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]
State: TypeAlias = dict[str, Any]
Group: TypeAlias = dict[str, Any]
Hooks: TypeAlias = OrderedDict[int, Any]

# State that counts, and where it starts. It lies in host memory even for parameters on a GPU, as in
# PyTorch, so that reading it does not wait for the GPU; with ``capturable=True`` on the GPU.
COUNTERS = {"step": 0.0, "mu_product": 1.0, "eta": 0.0, "mu": 1.0}


class Optimizer:
    """Base of all optimizers.

    Args:
        params: the tensors to optimize (leaves, usually ``model.parameters()``), or pairs of name
            and tensor (``model.named_parameters()``), or dictionaries, each a group with
            ``"params"`` and options of its own.
        defaults: the options of groups that do not set them.

    Attributes:
        param_groups: list of dictionaries: ``"params"`` and the group's options. Changing an option
            here changes it from the next step on.
        state: for each parameter that was updated a dictionary, such as ``{"step": …, "exp_avg":
            …}``: PyTorch's names, tensors in the parameter's dtype.

    Raises:
        TypeError: ``params`` is a single tensor or a set, or holds something that is no tensor.
        ValueError: no parameters, a non-leaf, a parameter in two groups, an option out of range.

    Source: PyTorch, ``torch.optim.Optimizer``.
    """

    extra_options: ClassVar[dict[str, Any]] = {}
    """Options that PyTorch's optimizer of this name lacks, with the value that means "as there"."""

    kernel: ClassVar[str] = ""
    """The update rule in ``backend``; an optimizer without one writes :meth:`update`."""

    letters: ClassVar[dict[str, str]] = {}
    """The state's tensors, in the rule's order, with the papers' letters for them."""

    only_with: ClassVar[dict[str, str]] = {}
    """Tensors of the state that are there only if an option is switched on, with that option."""

    counters: tuple[str, ...] = ("step",)
    """The state's counts, of :data:`COUNTERS`."""

    passed: tuple[str, ...] = ()
    """Options that the rule gets as they are, besides those that all rules have."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        describe(cls)

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}\n  {_what_to_write(params)}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._step_pre_hooks: Hooks = OrderedDict()
        self._step_post_hooks: Hooks = OrderedDict()
        self._state_dict_pre_hooks: Hooks = OrderedDict()
        self._state_dict_post_hooks: Hooks = OrderedDict()
        self._load_state_dict_pre_hooks: Hooks = OrderedDict()
        self._load_state_dict_post_hooks: Hooks = OrderedDict()
        self._opt_called = False
        self._known_step: Any = None  # for schedulers: what stood for step when one was made
        self.check_options(defaults)
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list\n"
                "  Does the model have parameters, and was the iterator used up before? A module "
                "does not see\n  layers in a plain list or dict: use ModuleList, ModuleDict or "
                "Sequential."
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group of parameters, ``{"params": …, option: value, …}``.

        Options that it does not give take the optimizer's defaults. The dictionary is copied.

        Raises:
            TypeError: not a dictionary, or its parameters are a set or not tensors.
            ValueError: a non-leaf, a parameter that another group has, an option out of range.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, (set, frozenset)):
            raise _unordered()
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [entry[0] for entry in params if isinstance(entry, tuple)]
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in params]
        group = {**param_group, "params": params}
        if names:
            if len(names) != len(params):
                raise ValueError(
                    "all optimizer params should be with/without names. "
                    "Some param names are missing"
                )
            group["param_names"] = names
        for parameter in params:
            _check_parameter(parameter)
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        self.check_options(group)
        self._check_overlap(group)
        self.param_groups.append(group)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise ValueError, in PyTorch's words, if a well-known option is out of range.

        NaN is out of every range. ``foreach`` and ``fused`` choose between PyTorch's
        implementations; here there is one, so they are accepted and mean nothing.
        ``differentiable`` does not exist.
        """
        check(options)

    def _check_overlap(self, group: Group) -> None:
        """Raise or warn if a parameter would be updated twice, or names are mixed with none."""
        own = {id(parameter) for parameter in group["params"]}
        if len(own) != len(group["params"]):
            warn(
                "optimizer contains a parameter group with duplicate parameters; "
                "each step will update them more than once",
            )
        for other in self.param_groups:
            if ("param_names" in group) != ("param_names" in other):
                kind = "with names" if "param_names" in group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {kind} to the optimizer"
                )
            if not own.isdisjoint(id(parameter) for parameter in other["params"]):
                raise ValueError("some parameters appear in more than one parameter group")

    def rule(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> Update:
        """Return the update of one parameter: a rule of ``backend``, its arrays and numbers.

        :meth:`step` collects the updates of all parameters and runs them together. An optimizer
        names its rule (:attr:`kernel`) and writes :meth:`numbers`, or it has :meth:`update`.

        Args: those of :meth:`update`.
        """
        if not self.kernel:
            raise NotImplementedError(
                f"{type(self).__name__} has no update rule: write "
                "update(self, parameter, gradient, state, group), or step() as a whole"
            )
        if not state:
            self.begin(parameter, state, group)
        if group.get("capturable") and isinstance(parameter.array, np.ndarray):
            raise AssertionError(
                "If capturable=True, params and state_steps must be on supported devices: ['cuda']."
                f"\n  This parameter {tuple(parameter.shape)} is on {parameter.device}."
            )
        step = count_step(state) if self.counters else 0.0
        lr, decay = number(group["lr"]), number(group.get("weight_decay", 0.0))
        options = {"lr": lr, "weight_decay": decay, "maximize": group["maximize"]}
        if group.get("decoupled_weight_decay"):
            options["weight_decay"], options["decoupled"] = 0.0, lr * decay
        for name in self.passed:
            options[name] = group[name]
        if "betas" in group:
            options["beta1"], options["beta2"] = group["betas"]
        options.update(self.numbers(step, state, group))
        tensors = self.tensors(parameter, state, group)
        kernel = getattr(kernels(parameter.array), self.kernel)
        return Update(kernel, arrays(parameter, gradient, *tensors), options)

    def begin(self, parameter: Tensor, state: State, group: Group) -> None:
        """Make the state of a parameter that has none: counts and zeros."""
        for name in self.counters:
            state[name] = counter(parameter, group, COUNTERS[name])
        self.tensors(parameter, state, group)

    def tensors(self, parameter: Tensor, state: State, group: Group) -> list[Tensor | None]:
        """Return the state's tensors for the rule: new zeros, or None if no option asks for it."""
        found: list[Tensor | None] = []
        for name in self.letters:
            option = self.only_with.get(name)
            if option and not group[option]:
                found.append(None)
                continue
            if state.get(name) is None:
                state[name] = zeros_like(parameter)
            found.append(state[name])
        return found

    def numbers(self, step: Any, state: State, group: Group) -> dict[str, Any]:
        """Return what the rule needs in step number ``step`` besides options, by its names."""
        return {}

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """Update one parameter in place, by tensor operations or by writing ``parameter.array``.

        Args:
            parameter: the parameter.
            gradient: its gradient, of the same shape. Not to be written.
            state: what this optimizer remembers of the parameter; empty before its first update.
            group: the options.
        """
        run_updates([self.rule(parameter, gradient, state, group)])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient, once, in place.

        Args:
            closure: clears the gradients, computes the loss, calls ``backward()`` and returns the
                loss. It runs first, with gradients enabled.

        Returns:
            What the closure returned, or None.
        """
        args: tuple[Any, ...] = (self,) if closure is None else (self, closure)
        kwargs: dict[str, Any] = {}
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        "a step pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed}."
                    )
                args, kwargs = changed
                closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        loss = self._advance(closure)
        self._opt_called = True
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return loss

    def _advance(self, closure: Callable[[], Any] | None) -> Any:
        """Do what :meth:`step` does between its hooks."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        together = type(self).update is Optimizer.update
        updates = []
        with no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    gradient = parameter.grad
                    if gradient is None:
                        continue
                    state = self.state.get(parameter, {})
                    _follow(parameter, state)
                    if together:
                        updates.append(self.rule(parameter, gradient, state, group))
                    else:
                        self.update(parameter, gradient, state, group)
                    parameter._writes[0] += 1
                    if state:
                        self.state[parameter] = state
            run_updates(updates)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero in place."""
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:
                    continue
                if set_to_none:
                    parameter.grad = None
                elif gradient.requires_grad or not getattr(gradient.array.flags, "writeable", True):
                    parameter.grad = zeros_like(gradient)
                else:
                    gradient.array[...] = 0
                    gradient._writes[0] += 1

    def group_of(self, parameter: Tensor) -> Group:
        """Return the group that ``parameter`` is in.

        Raises:
            KeyError: it is in none.
        """
        for group in self.param_groups:
            if any(parameter is other for other in group["params"]):
                return group
        raise KeyError(f"{type(self).__name__} does not optimize this tensor")

    def moments(self, parameter: Tensor) -> dict[str, Array]:
        """Return what the optimizer knows of ``parameter`` after a step, by the papers' letters.

        At least the arrays of its state; optimizers that correct a bias add ``m_hat`` and
        ``v_hat``, those that scale each element's step add ``effective_lr``. Nothing is copied
        that need not be. See ``Microscope``, which records this.
        """
        state = self.state.get(parameter, {})
        found: dict[str, Any] = {
            self.letters.get(name, name): value.array
            for name, value in state.items()
            if isinstance(value, Tensor) and name not in COUNTERS
        }
        if found:
            step = number(state.get("step", 0.0))
            with np.errstate(all="ignore"):
                found.update(self.derived(found, step, self.group_of(parameter)))
        return found

    def derived(self, found: dict[str, Any], step: Any, group: Group) -> dict[str, Any]:
        """Return what :meth:`moments` adds to the state ``found`` after step number ``step``."""
        return {}

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step (and before its closure).

        It may return new ``(args, kwargs)``. The handle's ``remove()`` takes it off again.
        """
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return RemovableHandle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict` looks at anything.

        Args:
            hook: the function.
            prepend: call it before the hooks registered so far, not after. So for all four.
        """
        return _hang_on(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` at the end of :meth:`state_dict`.

        It may write into the dictionary, or return another one in its place.
        """
        return _hang_on(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before :meth:`load_state_dict` takes anything over.

        It gets a shallow copy of the dictionary, and may return another one in its place.
        """
        return _hang_on(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` at the end of :meth:`load_state_dict`."""
        return _hang_on(self._load_state_dict_post_hooks, hook, prepend)

    def state_dict(self) -> dict[str, Any]:
        """Return ``{"state": …, "param_groups": …}`` in PyTorch's layout.

        Parameters are numbered through all groups, in order. ``"state"`` maps these numbers to the
        parameters' state (the tensors themselves, not copies); in each group, ``"params"`` lists
        the numbers and the rest are its options.
        """
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        number: dict[int, int] = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, parameter in enumerate(group["params"], start):
                number.setdefault(id(parameter), i)
            start += len(group["params"])
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [number[id(parameter)] for parameter in group["params"]]
            groups.append(packed)
        state = {
            number.get(id(key), key) if isinstance(key, Tensor) else key: value
            for key, value in self.state.items()
        }
        found: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._state_dict_post_hooks.values()):
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state and the options that :meth:`state_dict` returned, here or in PyTorch.

        State may come as tensors, as NumPy arrays or as numbers; it is copied, and cast to each
        parameter's dtype and device. Options that the saved groups lack stay as they are: those
        that only this package has.

        Raises:
            TypeError: it is no mapping.
            KeyError: it lacks ``"state"`` or ``"param_groups"``, or a group its ``"params"``.
            ValueError: the number of groups or of parameters in them differs.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"Expected state_dict to be dict-like, got {type(state_dict)}.\n"
                "  load_state_dict takes what state_dict() or load(path) returned"
            )
        state_dict = dict(state_dict)
        for hook in list(self._load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        _require_key(state_dict, "param_groups")
        for group in state_dict["param_groups"]:
            _require_key(group, "params")
        saved = [
            {name: _copied(option) for name, option in group.items()}
            for group in state_dict["param_groups"]
        ]
        if len(saved) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups\n"
                f"  saved: {len(saved)}, here: {len(self.param_groups)}"
            )
        pairs = list(zip(saved, self.param_groups))
        for i, (new, group) in enumerate(pairs):
            if len(new["params"]) != len(group["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    f"optimizer's group\n  group {i}: saved {len(new['params'])} parameters, here "
                    f"{len(group['params'])}"
                )
        groups = [{**group, **new, "params": group["params"]} for new, group in pairs]
        home = {
            key: (parameter, group)
            for new, group in zip(saved, groups)
            for key, parameter in zip(new["params"], group["params"])
        }
        state: defaultdict[Any, State] = defaultdict(dict)
        _require_key(state_dict, "state")
        for key, value in state_dict["state"].items():
            if key in home:
                state[home[key][0]] = {
                    name: self._loaded(name, entry, *home[key]) for name, entry in value.items()
                }
            else:
                state[key] = _copied(value)
        self.state, self.param_groups = state, groups
        for hook in list(self._load_state_dict_post_hooks.values()):
            hook(self)

    def _loaded(self, name: str, value: Any, parameter: Tensor, group: Group) -> Any:
        """Return one entry of a saved state as it belongs here: a copy, with the right dtype."""
        if type(value) in (list, tuple):
            return type(value)(self._loaded(name, part, parameter, group) for part in value)
        if name in COUNTERS and value is not None:
            return counter(parameter, group, number(value))
        if value is None or not (name in self.letters or isinstance(value, (Tensor, np.ndarray))):
            return _copied(value)
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
        device = str(parameter.device)
        if name in self.letters and array.shape != parameter.array.shape:
            raise ValueError(
                f"loaded state '{name}' has shape {tuple(array.shape)}, its parameter "
                f"{tuple(parameter.array.shape)}\n  Are the parameters in the same order?"
            )
        like = parameter.array if array.shape == parameter.array.shape else move(array, device)
        own = array_module(like).zeros_like(like, dtype=parameter.array.dtype)
        own[...] = move(array, device)
        return Tensor._wrap(own)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            for name in sorted(group):
                usual = name in self.extra_options and group[name] == self.extra_options[name]
                if name != "params" and not usual:
                    lines.append(f"    {name}: {group[name]}")
        return "\n".join([*lines, ")"])


def counter(parameter: Tensor, group: Group, value: float = 0.0) -> Tensor:
    """Return a new 0-d float32 tensor for a count: on the host, or if capturable, with the data."""
    xp = array_module(parameter.array) if group.get("capturable") else np
    return Tensor._wrap(xp.asarray(value, dtype=np.float32))


def count_step(state: State) -> Any:
    """Add one to ``state["step"]`` and return it: a float, or a 0-d float64 array on the GPU."""
    step = state["step"].array
    if type(step) is np.ndarray:
        step.fill(step.item() + 1)  # several times faster than adding in place
        return step.item()
    step += 1
    return step.astype(np.float64)


def zeros_like(tensor: Tensor) -> Tensor:
    """Return zeros of the same shape, dtype, device and memory layout, without history."""
    return Tensor._wrap(array_module(tensor.array).zeros_like(tensor.array))


def arrays(*tensors: Tensor | None) -> list[Any]:
    """Return the tensors' arrays for an update rule, None for None.

    A complex array is seen as real numbers with one more dimension: real and imaginary parts are
    parameters of their own, as in PyTorch.
    """
    found: list[Any] = [None if tensor is None else tensor.array for tensor in tensors]
    if found[0].dtype.kind != "c":
        return found
    real = found[0].real.dtype
    return [None if array is None else array[..., None].view(real) for array in found]


def _check_parameter(parameter: Any) -> None:
    """Raise unless ``parameter`` is a tensor that can be optimized."""
    if not isinstance(parameter, Tensor):
        raise TypeError(
            "optimizer can only optimize Tensors, but one of the params is "
            f"{type(parameter).__name__}\n  {_what_to_write(parameter)}"
        )
    if not (parameter.is_leaf or getattr(parameter, "retains_grad", False)):
        raise ValueError(
            "can't optimize a non-leaf Tensor\n"
            f"  It is the result of {parameter.grad_fn}: optimize what it was computed from, or "
            "call detach().requires_grad_() on it."
        )


def _what_to_write(params: Any) -> str:
    """Return what may be meant by something that is no list of parameters."""
    if isinstance(params, Tensor):
        return "Write [tensor] for a single one."
    if hasattr(params, "parameters"):
        return "Write model.parameters() for the parameters of a module."
    if callable(params):
        return "Write model.parameters(), with parentheses: it is a method to call."
    if isinstance(params, str):
        return "Write [{'params': tensors}] for a group, in a list."
    return "It takes the tensors themselves, such as model.parameters()."


def _hang_on(hooks: Hooks, hook: Callable[..., Any], prepend: bool) -> RemovableHandle:
    """Add a hook, as the last one or as the first."""
    handle = RemovableHandle(hooks, hook)
    hooks.move_to_end(handle.id, last=not prepend)
    return handle


def _unordered() -> TypeError:
    return TypeError(
        "optimizer parameters need to be organized in ordered collections, but the ordering of "
        "tensors in sets will change between runs. Please use a list instead."
    )


def _follow(parameter: Tensor, state: State) -> None:
    """Move the state to the parameter's device, if the model was moved since the last step."""
    kind = type(parameter.array)
    for name in reversed(state):
        value = state[name]
        if name in COUNTERS or not isinstance(value, Tensor):
            continue
        if type(value.array) is kind:
            return  # where one of them lies, all do
        state[name] = Tensor._wrap(move(value.array, str(parameter.device)))


def _require_key(found: Mapping[str, Any], name: str) -> None:
    if name not in found:
        raise KeyError(
            f"{name}: load_state_dict takes what an optimizer's state_dict() returned; this one "
            f"has {', '.join(map(str, found)) or 'no entries'}"
        )


def _copied(value: Any) -> Any:
    return Tensor._wrap(value.array.copy()) if isinstance(value, Tensor) else copy.deepcopy(value)
