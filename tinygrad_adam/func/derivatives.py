"""Functions that take a function and return its derivative.

Each works on leaves of its own, so that nothing is stored and derivatives can be taken of
derivatives. A result keeps its history only if it depends on something outside: on a parameter
that the function uses, or on an argument that itself requires grad, as it does inside another
derivative.

Source: PyTorch, ``torch.func``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from tinygrad_adam import autograd, ops
from tinygrad_adam.func.trees import flattened, rebuilt, shown
from tinygrad_adam.tensor import Tensor

ArgNums = int | tuple[int, ...]


def _own(x: Any) -> Tensor:
    """Return a tensor to differentiate by, in place of an argument."""
    if not isinstance(x, Tensor):
        raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
    return x.view_as(x) if x.requires_grad else x.detach().requires_grad_()


def _depends_elsewhere(y: Tensor, own: Sequence[Tensor]) -> bool:
    """Return whether ``y`` has a history that leads to another leaf than those in ``own``."""
    if not y.requires_grad:
        return False
    if y._edge is None:
        return all(y is not x for x in own)
    ours = {id(x) for x in own}
    seen, stack = set(), [y._edge[0]]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Tensor) and id(node) not in ours:
            return True
        stack += [edge[0] for edge in node.edges if edge is not None]
    return False


def _released(tensors: Sequence[Any], own: Sequence[Tensor]) -> list[Any]:
    """Return tensors without their history, unless it leads outside and is wanted there."""
    keep = autograd.is_grad_enabled()
    return [
        x if not isinstance(x, Tensor) or (keep and _depends_elsewhere(x, own)) else x.detach()
        for x in tensors
    ]


def _chosen(argnums: Any, count: int) -> list[int]:
    """Return which arguments ``argnums`` means, counted from the front."""
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    for number in argnums if isinstance(argnums, tuple) else (argnums,):
        if not -count <= number < count:
            raise RuntimeError(f"Got argnum={number}, but only {count} positional inputs")
    return [n % count for n in (argnums if isinstance(argnums, tuple) else (argnums,))]


class _Inputs:
    """The arguments of a function, some of them replaced by tensors to differentiate by."""

    def __init__(self, args: tuple[Any, ...], argnums: ArgNums) -> None:
        self.several = isinstance(argnums, tuple)
        self.args = list(args)
        self.leaves: list[Tensor] = []
        self.forms = []
        for number in _chosen(argnums, len(args)):
            leaves, form = flattened(args[number])
            own = [_own(x) for x in leaves]
            self.args[number] = rebuilt(own, form)
            self.leaves += own
            self.forms.append((len(own), form))

    def arranged(self, values: Sequence[Any]) -> Any:
        """Return a value for each leaf in the form of the arguments."""
        found, start = [], 0
        for count, form in self.forms:
            found.append(rebuilt(values[start : start + count], form))
            start += count
        return tuple(found) if self.several else found[0]


def _with_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result[0], result[1]


def _detached_tree(tree: Any, own: Sequence[Tensor]) -> Any:
    leaves, form = flattened(tree)
    return rebuilt(_released(leaves, own), form)


def grad_and_value(
    func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of ``func``, and its value.

    Args:
        func: returns a tensor without dimensions.
        argnums: by which of the arguments to differentiate: tensors, or trees of them.
        has_aux: ``func`` returns a pair, of whose second part there is no gradient.

    Returns:
        A function that returns (gradient, value), or (gradient, (value, aux)).

    Raises:
        RuntimeError: there is no such argument, or the function returns something else.
        ValueError: an argument to differentiate by is no tensor.

    Source: PyTorch, ``torch.func.grad_and_value``.
    """
    name = "grad_and_value(f)(*args)"

    @wraps(func)
    def apply(*args: Any, **kwargs: Any) -> Any:
        with autograd.enable_grad():
            inputs = _Inputs(args, argnums)
            y, aux = _with_aux(name, func(*inputs.args, **kwargs), has_aux)
            if not isinstance(y, Tensor):
                raise RuntimeError(f"{name}: Expected f(*args) to return a Tensor, got {type(y)}")
            if y.dim():
                raise RuntimeError(
                    f"{name}: Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{y.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            grads = _gradients([y], inputs.leaves, None, _depends_elsewhere(y, inputs.leaves))
        own = inputs.leaves
        value = _released([y], own)[0]
        result = inputs.arranged(_released(grads, own))
        return result, (value, _detached_tree(aux, own)) if has_aux else value

    return apply


def _gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Any, create_graph: bool
) -> Sequence[Tensor]:
    """Return the gradient for each input, zeros where there is none; the graph stays."""
    pairs = [
        (y, None if weights is None else weights[i])
        for i, y in enumerate(outputs)
        if y.requires_grad
    ]
    if not pairs:
        return [ops.mul(x.detach(), 0) for x in inputs]
    ys, ws = zip(*pairs)
    return autograd.grad(
        ys, inputs, ws, retain_graph=True, create_graph=create_graph, materialize_grads=True
    )


def grad(
    func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of ``func``; see :func:`grad_and_value`.

    Source: PyTorch, ``torch.func.grad``.
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def apply(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return apply


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return what ``func`` gives for ``primals``, and a function for products vᵀ J.

    That takes a v shaped like the result, and returns a tuple with one product for each argument.
    With ``has_aux``, the second part of what ``func`` returns comes third.

    Raises:
        RuntimeError: the function returns something else than tensors, or v does not fit.

    Source: PyTorch, ``torch.func.vjp``.
    """
    with autograd.enable_grad():
        inputs = _Inputs(primals, tuple(range(len(primals))))
        result, aux = _with_aux("vjp(f, *primals)", func(*inputs.args), has_aux)
    own = inputs.leaves
    outputs, form = flattened(result)
    _only_tensors("vjp(f, *primals)", outputs)
    outside = any(_depends_elsewhere(y, own) for y in outputs)

    def products(cotangents: Any) -> Any:
        vectors, given = flattened(cotangents)
        if given != form:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {shown(given)}, primal output: {shown(form)}"
            )
        wanted = outside or any(v.requires_grad for v in vectors)
        with autograd.enable_grad():
            found = _gradients(outputs, own, vectors, wanted)
        return inputs.arranged(_released(found, own))

    value = rebuilt(_released(outputs, own), form)
    return (value, products, _detached_tree(aux, own)) if has_aux else (value, products)


def _only_tensors(name: str, values: Sequence[Any]) -> None:
    for value in values:
        if not isinstance(value, Tensor):
            raise RuntimeError(
                f"{name}: expected f(*primals) to return only tensors, got unsupported type "
                f"{type(value)}"
            )


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """Return what ``func`` gives for ``primals``, and J v for ``tangents``.

    Args:
        func: takes tensors or trees of them, and returns such.
        primals: a tuple of its arguments.
        tangents: v, of the same form and shapes.
        strict: raise if a result does not depend on the arguments, instead of giving zeros.
        has_aux: the second part of what ``func`` returns comes third.

    Raises:
        RuntimeError: primals are no tuple, or tangents have another form or other shapes.

    Backward mode twice: uᵀ J is linear in u, and its gradient by u along v is J v.

    Source: PyTorch, ``torch.func.jvp``.
    """
    name = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{name}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    vectors, given = flattened(tangents)
    with autograd.enable_grad():
        inputs = _Inputs(primals, tuple(range(len(primals))))
        points, form = flattened(tuple(inputs.args))
        if form != given:
            raise RuntimeError(
                f"{name}: Expected primals and tangents to have the same python structure. For "
                "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals "
                f"with structure {shown(form)} and tangents with structure {shown(given)}"
            )
        for point, vector in zip(points, vectors):
            if point.shape != vector.shape:
                raise RuntimeError(
                    "Trying to set a forward gradient that has a different size than that of the "
                    f"original Tensor, this is not supported. Tensor is of size "
                    f"{list(point.shape)} while the given forward gradient is of size "
                    f"{list(vector.shape)}."
                )
        result, aux = _with_aux(name, func(*inputs.args), has_aux)
        outputs, form = flattened(result)
        _only_tensors(name, outputs)
        if strict and not all(y.requires_grad for y in outputs):
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
                "inputs. This is not allowed with strict=True."
            )
        weights = [ops.mul(y.detach(), 0).requires_grad_() for y in outputs]
        rows = _gradients(outputs, inputs.leaves, weights, True)
        products = _gradients(rows, weights, vectors, True)
    own = [*inputs.leaves, *weights]
    value, slopes = (rebuilt(_released(x, own), form) for x in (outputs, products))
    return (value, slopes, _detached_tree(aux, own)) if has_aux else (value, slopes)


def jacrev(
    func: Callable[..., Any],
    argnums: ArgNums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``func``, one row after the other.

    Args:
        func: returns a tensor, or a tree of them.
        argnums: by which of the arguments to differentiate: tensors, or trees of them.
        has_aux: ``func`` returns a pair, of whose second part there is no derivative.
        chunk_size: accepted for PyTorch's sake; rows are computed one at a time.

    Returns:
        A function that returns, for each tensor of the result, the form of the arguments with
        tensors of shape (result's shape, argument's shape).

    Source: PyTorch, ``torch.func.jacrev``.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def apply(*args: Any, **kwargs: Any) -> Any:
        with autograd.enable_grad():
            inputs = _Inputs(args, argnums)
            result, aux = _with_aux("jacrev", func(*inputs.args, **kwargs), has_aux)
            own = inputs.leaves
            outputs, form = flattened(result)
            _only_tensors("vjp(f, *primals)", outputs)
            blocks = []
            for y in outputs:
                outside = _depends_elsewhere(y, own)
                elements = y.reshape(-1)
                rows = [_gradients([elements[k]], own, None, outside) for k in range(y.numel())]
                columns = [
                    ops.stack([row[i] for row in rows]) if rows else x.new_zeros((0, *x.shape))
                    for i, x in enumerate(own)
                ]
                shaped = [c.reshape((*y.shape, *x.shape)) for c, x in zip(columns, own)]
                blocks.append(inputs.arranged(_released(shaped, own)))
        found = rebuilt(blocks, form)
        return (found, _detached_tree(aux, own)) if has_aux else found

    return apply


def jacfwd(
    func: Callable[..., Any],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """Do what :func:`jacrev` does: there is no forward mode here, and the numbers are the same.

    Source: PyTorch, ``torch.func.jacfwd``.
    """
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """Return a function that computes the second derivatives of ``func``: its Jacobian's Jacobian.

    Source: PyTorch, ``torch.func.hessian``.
    """
    return jacrev(jacrev(func, argnums), argnums)
