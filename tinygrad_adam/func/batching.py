"""vmap: a function of one example becomes one of a batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tinygrad_adam import ops
from tinygrad_adam.autograd import no_grad
from tinygrad_adam.backend.random import default_generator
from tinygrad_adam.func.trees import flattened, rebuilt, shown, spread
from tinygrad_adam.tensor import Tensor


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that calls ``func`` for each example of a batch and stacks the results.

    It is a loop: as right as PyTorch's, and no faster than one. What PyTorch cannot do there, an
    ``if`` on values or ``item()``, works here.

    Args:
        func: takes and returns tensors, or trees of them, without the dimension of the batch.
        in_dims: where that dimension is in each argument; None for one that all examples share.
        out_dims: where it is to be in each result; None for one that all examples share.
        randomness: whether ``func`` may draw random numbers: "error", or for each example the
            "same" or "different" ones.
        chunk_size: accepted for PyTorch's sake; examples are computed one at a time.

    Raises:
        RuntimeError: random numbers were drawn with "error".
        ValueError: the dimensions do not fit the arguments or results.

    Source: PyTorch, ``torch.vmap``.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", type(func).__name__)

    @wraps(func)
    def apply(*args: Any, **kwargs: Any) -> Any:
        leaves, dims, form = _inputs(name, args, in_dims)
        size = next(leaf.shape[dim] for leaf, dim in zip(leaves, dims) if dim is not None)
        before, drawn = default_generator.get_state(), False
        results, result_form = [], None
        for k in range(max(size, 1)):
            if randomness == "same":
                default_generator.set_state(before)
            example = [
                x if dim is None else ops.select(x, dim, k) if size else _blank(x, dim)
                for x, dim in zip(leaves, dims)
            ]
            result = func(*rebuilt(example, form), **kwargs)
            drawn = drawn or not ops.equal(default_generator.get_state(), before)
            if drawn and randomness == "error":
                raise RuntimeError(
                    "vmap: called random operation while in randomness error mode. Please either "
                    "use the 'same' or 'different' randomness flags on vmap or perform the "
                    "randomness operation out of vmap"
                )
            values, result_form = flattened(result)
            results.append(values)
        return _stacked(name, results, result_form, out_dims, size)

    return apply


def _blank(x: Tensor, dim: int) -> Tensor:
    """Return zeros in the shape of an example of an empty batch."""
    with no_grad():
        return x.new_zeros([n for d, n in enumerate(x.shape) if d != dim % x.dim()])


def _inputs(name: str, args: tuple[Any, ...], in_dims: Any) -> tuple[list[Any], list[Any], Any]:
    """Return the tensors in the arguments, the batch dimension of each, and their form."""
    call = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, form = flattened(args)
    dims = spread(in_dims if isinstance(in_dims, int) else tuple(in_dims), form)
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {shown(flattened(in_dims)[1])} but inputs has structure {shown(form)}."
        )
    for x, dim in zip(leaves, dims):
        if dim is not None and not isinstance(dim, int):
            raise ValueError(
                f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer "
                "dimension or None."
            )
        if dim is not None and not isinstance(x, Tensor):
            raise ValueError(
                f"{call}: Got in_dim={dim} for an input but the input is of type {type(x)}. We "
                "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        if dim is not None and not -x.dim() <= dim < x.dim():
            raise ValueError(
                f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of "
                f"dimensionality {x.dim()} so expected in_dim to satisfy -{x.dim()} <= in_dim < "
                f"{x.dim()}."
            )
    sizes = [x.shape[dim] for x, dim in zip(leaves, dims) if dim is not None]
    if not sizes:
        raise ValueError(f"{call}: at least one input must be mapped: got None for all of them")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return leaves, dims, form


def _stacked(name: str, results: list[list[Any]], form: Any, out_dims: Any, size: int) -> Any:
    """Return the results of all examples as one tree of the form of each."""
    dims = spread(out_dims, form)
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {shown(flattened(out_dims)[1])} "
            f"but outputs has structure {shown(form)}."
        )
    found = []
    for dim, values in zip(dims, zip(*results)):
        if dim is None:
            if any(isinstance(x, Tensor) and not ops.equal(x, values[0]) for x in values):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is "
                    "None"
                )
            found.append(values[0])
            continue
        for x in values:
            if not isinstance(x, Tensor):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. "
                    "Did you mean to set out_dims= to None for output?"
                )
        stacked = ops.stack(values, dim)
        found.append(stacked if size else ops.narrow(stacked, dim, 0, 0))
    return rebuilt(found, form)
