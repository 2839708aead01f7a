"""Functions of several tensors."""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from typing import Any

from tinygrad_adam.backend import promote_types
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.ops import arguments as dims
from tinygrad_adam.ops import linalg, shapes
from tinygrad_adam.ops.arguments import normalize_dim
from tinygrad_adam.tensor import Size, Tensor


def _sequence(function: str, tensors: Any) -> list[Tensor]:
    """Return the tensors that were passed to ``function`` as a list, once sure that they are."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
    return list(tensors)


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Return tensors joined one after the other along ``dim``; their dtypes are promoted.

    Empty one-dimensional tensors among them are passed over, as in PyTorch.

    Raises:
        RuntimeError: their shapes differ in another dimension.
        TypeError: something else is among them.
        ValueError: there are none.

    Source: PyTorch, ``torch.cat``.
    """
    dim = dim if axis is None else axis
    tensors = _sequence("cat", tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if x.ndim == 0:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated\n"
                "  stack() joins tensors along a new dimension"
            )
    kept = [x for x in tensors if x.shape != (0,)]
    if not kept:
        kept, dim = tensors, 0
    elif len(kept) < len(tensors):  # those that are passed over still count for the dtype
        dtype = functools.reduce(promote_types, [x.dtype for x in tensors])
        kept[0] = kept[0].to(dtype)
    dim = normalize_dim(dim, kept[0].ndim)
    for i, x in enumerate(kept):
        if x.ndim != kept[0].ndim:
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {kept[0].ndim} and {x.ndim}"
            )
        for d, (size, wanted) in enumerate(zip(x.shape, kept[0].shape)):
            if size != wanted and d != dim:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {wanted}"
                    f" but got size {size} for tensor number {i} in the list."
                )
    return shapes.Cat.apply(dim, *kept)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return tensors of one shape joined along a new dimension ``dim``.

    Raises:
        RuntimeError: there are none, or their shapes differ.
        TypeError: something else is among them.

    Source: PyTorch, ``torch.stack``.
    """
    tensors = _sequence("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise RuntimeError(
                "stack expects each tensor to be equal size, but got "
                f"{list(tensors[0].shape)} at entry 0 and {list(x.shape)} at entry {i}"
            )
    dim = normalize_dim(dim, tensors[0].ndim + 1)
    return cat([x.unsqueeze(dim) for x in tensors], dim)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return tensors joined side by side: along dimension 1, or 0 for vectors and numbers."""
    tensors = [x.reshape(1) if x.ndim == 0 else x for x in _sequence("hstack", tensors)]
    return cat(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return tensors joined one below the other, along dimension 0; vectors are rows."""
    return cat([x.reshape(1, -1) if x.ndim < 2 else x for x in _sequence("vstack", tensors)])


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of the points of a grid, a tensor for each of the given vectors.

    Args:
        tensors: vectors (or numbers), or one list of them.
        indexing: "ij": the result has the vectors' sizes in their order; "xy": the first two are
            exchanged.

    Raises:
        RuntimeError: a tensor has more dimensions, or ``indexing`` is another word.

    Source: PyTorch, ``torch.meshgrid``.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for x in tensors:
        if x.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: a tensor of "
                f"shape {list(x.shape)}"
            )
    swap = indexing == "xy" and len(tensors) >= 2
    order = [1, 0, *range(2, len(tensors))] if swap else list(range(len(tensors)))
    sizes = [tensors[i].numel() for i in order]
    grids = []
    for i, x in enumerate(tensors):
        place = order.index(i)
        flat = x.reshape([-1 if d == place else 1 for d in range(len(tensors))])
        grids.append(flat.expand(sizes))
    return tuple(grids)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Return the sum of products that ``equation`` names, such as ``"ij,jk->ik"``.

    Labels are letters; one that stands twice in an operand takes its diagonal; ``...`` stands for
    further dimensions, which broadcast. Without ``->`` the result has the labels that occur once,
    in alphabetical order, after the dimensions of ``...``.

    Args:
        equation: the labels of each operand, separated by commas, and of the result.
        operands: the tensors, all of one dtype, or one list of them.

    Raises:
        RuntimeError: the equation does not fit the operands, or their dtypes differ.
        ValueError: there are no operands.

    Source: PyTorch, ``torch.einsum``.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not isinstance(equation, str) or not operands:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list\n  Write einsum('ij,jk->ik', a, b)."
        )
    for x in operands[1:]:
        if x.dtype != operands[0].dtype:
            raise RuntimeError(
                f"expected scalar type {type_name(operands[0].dtype)} but found "
                f"{type_name(x.dtype)}\n"
                "  einsum() multiplies tensors of one dtype: convert one, as in x.double()"
            )
    labels, result = _parse_equation(equation, operands)
    pairs = [_take_diagonals(x, label, i) for i, (x, label) in enumerate(zip(operands, labels))]
    sizes = _sizes_of_labels(pairs)
    # A dimension of size 1 where the label has more elsewhere is taken out: the rest broadcasts.
    pairs = [
        _sum_out(x, label, [c for d, c in enumerate(label) if x.shape[d] == 1 != sizes[c]])
        for x, label in pairs
    ]
    # Then a label that neither the result nor another operand has is summed over at once.
    ready = []
    for i, (x, label) in enumerate(pairs):
        others = result + "".join([other for j, (_, other) in enumerate(pairs) if j != i])
        ready.append(_sum_out(x, label, [c for c in label if c not in others]))
    names = tuple([label for _, label in ready])
    return linalg.Einsum.apply(names, result, *[x for x, _ in ready])


def _parse_equation(equation: str, operands: tuple[Tensor, ...]) -> tuple[list[str], str]:
    """Return the labels of each operand and of the result, one letter for each dimension."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    for character in (left + result).replace("...", "").replace(",", ""):
        if character not in string.ascii_letters:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {equation.find(character)} in the "
                "equation string, subscripts must be in [a-zA-Z]"
            )
    if len(terms) != len(operands):
        few = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(
            f"einsum(): {few} operands were provided than specified in the equation\n"
            f"  {len(operands)} for {equation!r}"
        )
    # The dimensions of "..." get letters of their own, the same from the right in every operand.
    spare = [c for c in string.ascii_letters if c not in equation]
    hidden = [x.ndim - len(term) + 3 if "..." in term else 0 for term, x in zip(terms, operands)]
    shared = "".join(spare[: max(0, *hidden)])
    labels = [
        term.replace("...", shared[len(shared) - max(extra, 0) :])
        for term, extra in zip(terms, hidden)
    ]
    for i, (label, extra, x) in enumerate(zip(labels, hidden, operands)):
        if extra < 0 or len(label) != x.ndim:
            dots = "..." in terms[i]
            raise RuntimeError(
                "einsum(): the number of subscripts in the equation "
                f"({len(terms[i].replace('...', ''))}) "
                + ("is more than" if dots else "does not match")
                + f" the number of dimensions ({x.ndim}) for operand {i}"
                + ("" if dots else " and no ellipsis was given")
            )
    everything = "".join(labels)
    if not arrow:
        once = [c for c in everything if everything.count(c) == 1 and c not in shared]
        return labels, shared + "".join(sorted(once))
    result = result.replace("...", shared)
    for character in result:
        if result.count(character) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {character} appears more than once in the output"
            )
        if character not in everything:
            raise RuntimeError(
                f"einsum(): output subscript {character} does not appear in the equation for any "
                "input operand"
            )
    return labels, result


def _take_diagonals(x: Tensor, label: str, operand: int) -> tuple[Tensor, str]:
    """Return a tensor and its labels with each label that stands more than once taken together."""
    for character in dict.fromkeys(label):
        while label.count(character) > 1:
            first = label.index(character)
            second = label.index(character, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {character} is repeated for operand {operand} but the "
                    f"sizes don't match, {x.shape[second]} != {x.shape[first]}"
                )
            x = x.diagonal(0, first, second)
            label = label[:first] + label[first + 1 : second] + label[second + 1 :] + character
    return x, label


def _sizes_of_labels(pairs: list[tuple[Tensor, str]]) -> dict[str, int]:
    """Return the size of each label; dimensions of size 1 broadcast."""
    sizes: dict[str, int] = {}
    for i, (x, label) in enumerate(pairs):
        for character, size in zip(label, x.shape):
            known = sizes.setdefault(character, size)
            if known == 1:
                sizes[character] = size
            elif size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {character} has size {size} for operand {i} which does "
                    f"not broadcast with previously seen size {known}"
                )
    return sizes


def _sum_out(x: Tensor, label: str, gone: list[str]) -> tuple[Tensor, str]:
    """Return a tensor summed over the dimensions of some labels, and the labels that are left."""
    if not gone:
        return x, label
    kept = "".join([c for c in label if c not in gone])
    return x.sum(tuple([label.index(c) for c in gone])), kept


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that tensors of these shapes have together; an int means a vector's.

    Raises:
        RuntimeError: two of them differ in a dimension where neither has size 1.

    Source: PyTorch, ``torch.broadcast_shapes``.
    """
    return Size(dims.common_shape(*[(s,) if isinstance(s, int) else tuple(s) for s in shapes]))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors as views broadcast to their common shape."""
    shape = broadcast_shapes(*[x.shape for x in tensors])
    return tuple([x.expand(shape) for x in tensors])


def is_tensor(value: object) -> bool:
    """Return whether ``value`` is a tensor."""
    return isinstance(value, Tensor)


__all__ = [
    "broadcast_shapes",
    "broadcast_tensors",
    "cat",
    "concat",
    "concatenate",
    "einsum",
    "hstack",
    "is_tensor",
    "meshgrid",
    "stack",
    "vstack",
]
