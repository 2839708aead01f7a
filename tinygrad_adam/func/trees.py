"""Tensors in tuples, lists and dictionaries: taken out of them, and put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

LEAF = "*"
# LEAF, or a container's type, its keys (None for a sequence) and the forms of what is in it.
Form = Any


def flattened(tree: Any) -> tuple[list[Any], Form]:
    """Return what a tree holds, in order, and its form."""
    if isinstance(tree, dict):
        keys, values = tuple(tree), list(tree.values())
    elif isinstance(tree, (tuple, list)):
        keys, values = None, list(tree)
    else:
        return [tree], LEAF
    leaves, forms = [], []
    for value in values:
        inner, form = flattened(value)
        leaves += inner
        forms.append(form)
    return leaves, (type(tree), keys, tuple(forms))


def rebuilt(leaves: Iterable[Any], form: Form) -> Any:
    """Return a tree of this form that holds ``leaves``."""
    return _built(iter(leaves), form)


def _built(leaves: Iterator[Any], form: Form) -> Any:
    if form == LEAF:
        return next(leaves)
    kind, keys, forms = form
    values = [_built(leaves, inner) for inner in forms]
    if keys is not None:
        return kind(zip(keys, values))
    return kind(*values) if hasattr(kind, "_fields") else kind(values)


def spread(values: Any, form: Form) -> list[Any] | None:
    """Return a value for each leaf of a form, from a tree of them that may end above its leaves.

    None if the tree has another form.
    """
    if not isinstance(values, (tuple, list, dict)):
        return [values] * len(_leaf_forms(form))
    if form == LEAF:
        return None
    _, keys, forms = form
    if isinstance(values, dict) != (keys is not None) or len(values) != len(forms):
        return None
    parts = [values[key] for key in keys] if isinstance(values, dict) else values
    found: list[Any] = []
    for part, inner in zip(parts, forms):
        these = spread(part, inner)
        if these is None:
            return None
        found += these
    return found


def _leaf_forms(form: Form) -> list[Form]:
    return [LEAF] if form == LEAF else [x for inner in form[2] for x in _leaf_forms(inner)]


def shown(form: Form) -> str:
    """Return a form as text: ``(*, [*])``."""
    if form == LEAF:
        return LEAF
    _, keys, forms = form
    parts = [shown(inner) for inner in forms]
    if keys is not None:
        return "{" + ", ".join(f"{key!r}: {part}" for key, part in zip(keys, parts)) + "}"
    return f"({', '.join(parts)})"
