"""Functions of several tensors."""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_adam.ops import linalg, shapes
from tinygrad_adam.ops.dims import normalize_dim
from tinygrad_adam.tensor import Tensor


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return tensors joined one after the other along ``dim``; their dtypes are promoted.

    Empty one-dimensional tensors among them are passed over, as in PyTorch.

    Raises:
        RuntimeError: there are none, or their shapes differ in another dimension.

    Source: PyTorch, ``torch.cat``.
    """
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
        if x.ndim == 0:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated; use stack"
            )
    kept = [x for x in tensors if x.shape != (0,)] or tensors[:1]
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

    Source: PyTorch, ``torch.stack``.
    """
    tensors = list(tensors)
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


def einsum(equation: str, *operands: Any) -> Tensor:
    """Return the sum of products that ``equation`` names, such as ``"ij,jk->ik"``.

    Labels are letters; one that stands twice in an operand takes its diagonal; ``...`` stands for
    further dimensions, which broadcast. Without ``->`` the result has the labels that occur once,
    in alphabetical order, after the dimensions of ``...``.

    Args:
        equation: the labels of each operand, separated by commas, and of the result.
        operands: the tensors, or one list of them.

    Raises:
        RuntimeError: the equation does not fit the operands.

    Source: PyTorch, ``torch.einsum``.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        few = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(
            f"einsum(): {few} operands were provided than specified in the equation: "
            f"{len(operands)} for {equation!r}"
        )
    for character in (left + result).replace("...", "").replace(",", ""):
        if character not in string.ascii_letters:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {equation.find(character)} in the "
                "equation string, subscripts must be in [a-zA-Z]"
            )
    # Give the dimensions of "..." labels of their own, the same from the right in every operand.
    spare = [c for c in string.ascii_letters if c not in equation]
    hidden = [x.ndim - len(term) + 3 if "..." in term else 0 for term, x in zip(terms, operands)]
    shared = "".join(spare[: max([0, *hidden])])
    labels = [
        term.replace("...", shared[len(shared) - max(extra, 0) :])
        for term, extra in zip(terms, hidden)
    ]
    for i, (label, extra, x) in enumerate(zip(labels, hidden, operands)):
        if extra < 0 or len(label) != x.ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(terms[i])}) does not "
                f"match the number of dimensions ({x.ndim}) for operand {i} and no ellipsis was "
                "given"
            )
    if not arrow:
        once = [c for c in "".join(labels) if "".join(labels).count(c) == 1]
        result = shared + "".join(sorted(c for c in once if c not in shared))
    else:
        result = result.replace("...", shared)
    for character in result:
        if result.count(character) > 1 or not any(character in label for label in labels):
            times = "multiple times" if result.count(character) > 1 else "never in the operands"
            raise RuntimeError(
                f"einsum(): output subscript {character} appears {times} in {equation!r}"
            )
    sizes: dict[str, int] = {}
    for label, x in zip(labels, operands):
        for character, size in zip(label, x.shape):
            known = sizes.setdefault(character, size)
            if known == 1:
                sizes[character] = size
            elif size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {character} has size {size} for operand of shape "
                    f"{list(x.shape)} which does not broadcast with previously seen size {known}"
                )
    dtype = functools.reduce(np.promote_types, [x.dtype for x in operands])
    ready, names = [], []
    for i, (label, x) in enumerate(zip(labels, operands)):
        x = x.to(dtype)
        for character in dict.fromkeys(label):
            while label.count(character) > 1:
                first = label.index(character)
                second = label.index(character, first + 1)
                if x.shape[first] != x.shape[second]:
                    raise RuntimeError(
                        f"einsum(): subscript {character} is repeated for operand {i} but the "
                        f"sizes don't match, {x.shape[second]} != {x.shape[first]}"
                    )
                x = x.diagonal(0, first, second)
                label = label.replace(character, "") + character if label.count(character) == 2 \
                    else label[:second] + label[second + 1 :]  # fmt: skip
        # A label of this operand alone that the result lacks is summed over at once; so is one
        # whose size is 1 here and more elsewhere, which leaves the rest to broadcasting.
        others = result + "".join([other for j, other in enumerate(labels) if j != i])
        lone = [d for d, character in enumerate(label) if character not in others]
        stretched = [
            d for d, character in enumerate(label)
            if character in others and x.shape[d] == 1 != sizes[character]
        ]  # fmt: skip
        gone = lone + stretched
        if gone:
            x = x.sum(tuple(gone))
            label = "".join([character for d, character in enumerate(label) if d not in gone])
        ready.append(x)
        names.append(label)
    made = "".join([character for character in result if any(character in n for n in names)])
    value = linalg.Einsum.apply(tuple(names), made, *ready)
    if made != result:  # a label whose size is 1 everywhere it stands
        for place, character in enumerate(result):
            if character not in made:
                value = value.unsqueeze(place)
    return value


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors as views broadcast to their common shape."""
    shape = np.broadcast_shapes(*[x.shape for x in tensors])
    return tuple([x.expand(shape) for x in tensors])


def is_tensor(value: object) -> bool:
    """Return whether ``value`` is a tensor."""
    return isinstance(value, Tensor)


__all__ = ["broadcast_tensors", "cat", "concat", "concatenate", "einsum", "is_tensor", "stack"]
