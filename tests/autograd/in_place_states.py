"""Each state of a tensor that is written in place, and what becomes of its gradients.

A cell says what the memory belongs to, what is looked at, in which mode that was made, in which
mode, by what and through what the memory is written, and who watches the gradient. What PyTorch
gave for each is stored (tests/goldens).
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

OWNERS = ("plain", "leaf", "result")
VIEWS = {
    "itself": lambda owner: owner,
    "view": lambda owner: owner[:2],
    "view of a view": lambda owner: owner.reshape(2, 2)[0],
    "piece": lambda owner: owner.split(2)[0],
    "view of a piece": lambda owner: owner.split(2)[0][:],
    "view that is a leaf": lambda owner: owner.detach()[:2].requires_grad_(),
}
MADE = ("grad", "no_grad")
WRITTEN = ("grad", "no_grad")
BY = ("number", "parameter")
THROUGH = ("itself", "owner", "sibling")
WATCH = ("nobody", "hook before", "hook after", "retained before", "retained after")
CELLS = list(itertools.product(OWNERS, VIEWS, MADE, WRITTEN, BY, THROUGH, WATCH))

# What PyTorch says where it refuses, in the order in which they are looked for.
REFUSALS = (
    "multiple views",
    "no_grad mode",
    "a view of a leaf Variable that requires grad",
    "a leaf Variable that requires grad",
    "modified by an inplace operation",
)


def run(torch: Any, number: int) -> Any:
    """Return the gradients and what was seen of them in a cell, or the number of the refusal."""
    owner_kind, view, made, written, by, through, watch = CELLS[number]
    modes = {"grad": torch.enable_grad, "no_grad": torch.no_grad}
    leaf = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=owner_kind != "plain")
    owner = leaf * 1 if owner_kind == "result" else leaf
    parameter = torch.tensor(3.0, requires_grad=True)
    with modes[made]():
        looked_at = VIEWS[view](owner)
    sibling = owner[1:]
    seen: list[Any] = []

    def watch_it() -> None:
        if looked_at.requires_grad and made == "grad":
            if watch.startswith("hook"):
                looked_at.register_hook(lambda grad: seen.append(grad.tolist()))
            else:
                looked_at.retain_grad()

    try:
        if watch.endswith("before"):
            watch_it()
        with modes[written]():
            target = {"itself": looked_at, "owner": owner, "sibling": sibling}[through]
            target.mul_(2.0 if by == "number" else parameter)
        if watch.endswith("after"):
            watch_it()
        loss = (looked_at * looked_at).sum() + (owner * 5).sum() + (sibling * 7).sum()
        if loss.requires_grad:
            loss.backward()
    except RuntimeError as error:
        return next(i for i, words in enumerate(REFUSALS) if words in str(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of .grad read where it is not kept
        grads = [x.grad for x in (leaf, parameter, looked_at)]
    return [None if grad is None else grad.tolist() for grad in grads] + [seen]
