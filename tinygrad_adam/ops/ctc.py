"""Connectionist temporal classification: the loss of a sequence whose timing nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import int64
from tinygrad_adam.ops.arguments import Choice, all_ints, checked, is_tensor_here
from tinygrad_adam.ops.elementwise import clamp, require_floating
from tinygrad_adam.ops.losses import named_reduction, reduced
from tinygrad_adam.ops.shapes import reshape, unsqueeze

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class CtcLoss(Operation):
    """-log of the probability that a sequence reads as its labels, for each sequence.

    Takes log-probabilities x (T, N, C), labels (N, S), how many of the T and S count for each
    sequence, and the class that is no label, the blank. A path names a class at each time, and
    reads as what is left once repeated classes count once and blanks are taken out. So it passes,
    one place or none at a time, through the labels with blanks before, between and after them; a
    blank between different labels may be jumped over.

    Gradient: g (exp(x) - p), p the share that paths through each class at each time have. As in
    PyTorch, that is what is right for x = log_softmax(…): its gradient is blind to the first term.
    Saves x and that difference, computed together with the loss.

    Source: Graves et al., "Connectionist temporal classification" (2006).
    """

    def forward(
        self, x: Array, labels: Array, times: Array, lengths: Array, blank: int, forgive: bool
    ) -> Array:
        xp, zero = array_module(x), x.dtype.type(0)
        impossible = x.dtype.type(-xp.inf)
        batch, time = xp.arange(x.shape[1]), xp.arange(len(x))[:, None]
        classes = xp.full((len(batch), 2 * labels.shape[1] + 1), blank)  # at each place
        classes[:, 1::2] = labels
        emitted = x[time[:, :, None], batch[:, None], classes]
        jumps = (classes[:, 2:] != blank) & (classes[:, 2:] != classes[:, :-2])  # to the third on
        place = xp.arange(classes.shape[1])
        first = xp.where(place < 2, zero, impossible)
        ends = (place == 2 * lengths[:, None]) | (place == 2 * lengths[:, None] - 1)
        final = xp.where(ends, zero, impossible)

        until = xp.empty_like(emitted)  # log-probabilities of all paths up to a time and place
        for t in range(len(x)):
            before = _step(until[t - 1], jumps) if t else first
            until[t] = before + emitted[t]
        last = until[times - 1, batch]
        last = xp.where((times > 0)[:, None], last, xp.where(place > 0, impossible, zero))
        on_blank, on_label = last[batch, 2 * lengths], last[batch, xp.maximum(2 * lengths - 1, 0)]
        y = -xp.logaddexp(on_blank, xp.where(lengths > 0, on_label, impossible))
        hopeless = xp.isinf(y)
        if self.needs_input_grad[0]:
            after = xp.full_like(emitted, impossible)  # and of all from there on
            for t in range(len(x))[::-1]:
                if t + 1 < len(x):
                    after[t] = _step(after[t + 1][:, ::-1], jumps[:, ::-1])[:, ::-1]
                after[t] = xp.where((times == t + 1)[:, None], final, after[t]) + emitted[t]
            both = until + after
            share = xp.where(xp.isneginf(both), 0, xp.exp(both - emitted + y[:, None]))
            difference = xp.exp(x)
            for s in range(len(place)):
                difference[:, batch, classes[:, s]] -= share[:, :, s]
            difference[:, hopeless] = 0 if forgive else xp.nan
            difference[time >= times] = 0
            self.save(x, difference)
        return xp.where(hopeless & forgive, 0, y).astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        return CtcGradient.apply(grad, *self.saved)


def _step(before: Array, jumps: Array) -> Array:
    """Return the log-probabilities of all places after a step by none, one, or two where allowed.

    Paths may move by two to the third place and those after it, where ``jumps`` holds.
    """
    xp = array_module(before)
    after = before.copy()
    after[:, 1:] = xp.logaddexp(before[:, 1:], before[:, :-1])
    jumped = xp.where(jumps, before[:, :-2], -xp.inf)
    after[:, 2:] = xp.logaddexp(after[:, 2:], jumped)
    return after


class CtcGradient(Operation):
    """The gradient of :class:`CtcLoss`, g d for its difference d.  No gradient, as in PyTorch."""

    def forward(self, grad: Array, x: Array, difference: Array) -> Array:
        return grad[:, None] * difference

    def backward(self, grad: Any) -> Any:
        raise RuntimeError(
            "derivative for ctc_loss_backward is not implemented\n"
            "  ctc_loss has a first derivative only, as in PyTorch: leave create_graph out"
        )


@checked
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: Choice = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return minus the log-probability that sequences read as their labels, whatever the timing.

    Args:
        log_probs: (T, N, C), or (T, C) for one sequence: what log_softmax gave.
        targets: labels, (N, S), or those of all sequences one after the other.
        input_lengths: how many of the T times count for each sequence: ints, or a tensor.
        target_lengths: how many labels each has: ints, or a tensor.
        blank: the class that is no label.
        reduction: "mean" (each loss divided by the number of labels first), "sum" or "none".
        zero_infinity: let sequences that are too short for their labels count as 0.

    Returns:
        A 0-d tensor; with "none" (N,), or 0-d for one sequence.

    Raises:
        RuntimeError: lengths, labels or shapes do not fit.

    Source: PyTorch, ``torch.nn.functional.ctc_loss``.
    """
    reduction = named_reduction(None, None, reduction)
    single = log_probs.ndim == 2
    if single:
        log_probs = unsqueeze(log_probs, 1)
    if log_probs.ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {log_probs.ndim}-dimensional tensor for "
            "argument #1 'log_probs'\n  It is (T, N, C), or (T, C) for one sequence"
        )
    require_floating("ctc_loss", log_probs)
    steps, batch, classes = log_probs.shape
    if 0 in log_probs.shape:
        raise RuntimeError("log_probs tensor must not be empty")
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range\n  It is {blank}, of {classes} classes")
    times = _lengths("input_lengths", input_lengths, batch, log_probs)
    lengths = _lengths("target_lengths", target_lengths, batch, log_probs)
    if int(times.max()) > steps:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {steps}, but got value "
            f"{int(times.max())}"
        )
    labels = _labels(targets, lengths, blank)
    if ((labels < 0) | (labels >= classes)).any():
        raise RuntimeError(f"targets must be labels\n  They are classes, 0 to {classes - 1}")
    losses = CtcLoss.apply(log_probs, labels, times, lengths, blank, zero_infinity)
    if reduction == "mean":
        losses = losses / clamp(log_probs._wrap(lengths), min=1)
    return reduced(reshape(losses, ()) if single else losses, reduction)


def _lengths(name: str, lengths: Any, batch: int, like: Tensor) -> Array:
    """Return the length of each sequence, from a tensor or ints, where ``like`` lives."""
    if is_tensor_here(lengths):
        if lengths.dtype.kind not in "iu":
            raise RuntimeError(f"{name} must be integral")
        lengths = lengths.to(like.device).array.reshape(-1)
    elif not isinstance(lengths, (tuple, list)):
        raise TypeError(f"ctc_loss(): argument {name!r} must be tuple of ints or Tensor")
    else:
        lengths = all_ints(f"ctc_loss(): argument {name!r}", lengths)
    lengths = array_module(like.array).asarray(lengths, dtype=int64)
    if lengths.shape != (batch,):
        raise RuntimeError(
            f"{name} must be of size batch_size\n  There are {batch} sequences and "
            f"{len(lengths)} lengths"
        )
    if int(lengths.min()) < 0:
        raise RuntimeError(
            f"Expected {name} to have value at least 0, but got value {int(lengths.min())}"
        )
    return lengths


def _labels(targets: Tensor, lengths: Array, blank: int) -> Array:
    """Return the labels as (N, S), blanks after those that count."""
    given = targets.array.astype(int64, copy=False)
    xp, largest = array_module(given), int(lengths.max())
    counts = xp.arange(largest) < lengths[:, None]
    wanted = (len(lengths), largest) if targets.ndim == 2 else (int(lengths.sum()),)
    if targets.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets.ndim}-dimensional tensor for argument "
            "#2 'targets'"
        )
    for d, (size, found) in enumerate(zip(wanted, given.shape)):
        if found < size or (d == 0 and found > size):
            at_least = "at least " if d else ""
            raise RuntimeError(
                f"Expected tensor to have size {at_least}{size} at dimension {d}, but got size "
                f"{found} for argument #2 'targets'"
            )
    if targets.ndim == 2:
        return xp.where(counts, given[:, :largest], blank)
    labels = xp.full(counts.shape, blank)
    labels[xp.nonzero(counts)] = given
    return labels
