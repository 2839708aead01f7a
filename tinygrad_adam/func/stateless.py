"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_adam import ops
from tinygrad_adam.nn import Module
from tinygrad_adam.tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers, for this once.

    Args:
        module: the module.
        parameter_and_buffer_dicts: the tensors by their paths, as in ``named_parameters()``; one
            dictionary, or several without a path in common.
        args: the positional arguments, a tuple; or the only one.
        kwargs: the others.
        tie_weights: a tensor that the module has under several paths is replaced under all.
        strict: the paths must be exactly those of the module.

    Raises:
        RuntimeError: with ``strict``, there are others.
        TypeError: a value is no tensor.
        ValueError: no dictionaries, or a path twice.

    Source: PyTorch, ``torch.func.functional_call``.
    """
    given = _merged(parameter_and_buffer_dicts)
    for value in given.values():
        if not isinstance(value, Tensor):
            raise TypeError(f"{value!r} is not an instance of torch.Tensor")
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    if strict:
        _require_all(module, own, given)
    swaps = {path: value for path, value in given.items() if path in own}
    if tie_weights:
        by_tensor = {id(own[path]): value for path, value in swaps.items()}
        for path, tensor in own.items():
            if path not in swaps and id(tensor) in by_tensor:
                swaps[path] = by_tensor[id(tensor)]
    places = []
    for path in swaps:
        parent, _, name = path.rpartition(".")
        owner = module.get_submodule(parent)
        registry: Any = owner._parameters if name in owner._parameters else owner._buffers
        places.append((registry, name, registry[name], swaps[path]))
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for registry, name, _, value in places:
            registry[name] = value
        return module(*positional, **(kwargs or {}))
    finally:
        for registry, name, before, _ in places:
            registry[name] = before


def _merged(dicts: Any) -> dict[str, Any]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)) or not all(isinstance(d, dict) for d in dicts):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(dicts)}"
        )
    paths = [path for one in dicts for path in one]
    repeated = [path for i, path in enumerate(paths) if path in paths[:i]]
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
            "ambiguous"
        )
    return {path: value for one in dicts for path, value in one.items()}


def _require_all(module: Module, own: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise unless the paths given are those of the module."""
    odd = {
        "Unexpected key(s)": [path for path in given if path not in own],
        "Missing key(s)": [path for path in own if path not in given],
    }
    lines = [f"\n\t{what}: {', '.join(map(repr, paths))}." for what, paths in odd.items() if paths]
    if lines:
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:{''.join(lines)}"
        )


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters, and the buffers, of modules of one kind, stacked by their paths.

    Source: PyTorch, ``torch.func.stack_module_state``.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return (
        {
            path: ops.stack([one[path].detach() for one in parameters]).requires_grad_(
                tensor.requires_grad
            )
            for path, tensor in parameters[0].items()
        },
        {path: ops.stack([one[path] for one in buffers]) for path in buffers[0]},
    )
