"""Softmax over many classes, of which few are frequent: rare ones are looked at in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_adam.nn.containers import ModuleList, Sequential
from tinygrad_adam.nn.functional import log_softmax
from tinygrad_adam.nn.linear import Linear
from tinygrad_adam.nn.module import Module
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.ops.joining import cat
from tinygrad_adam.tensor import Tensor


class _ASMoutput(NamedTuple):
    """What the layer returns: log probabilities of the targets, and minus their mean."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """-log softmax(scores)[class], with fewer weights for rare classes than for frequent ones.

    Args:
        in_features: size of the last dimension of the input.
        n_classes: how many classes there are, the most frequent first.
        cutoffs: where clusters of classes begin, in rising order: ``[10, 100]`` means the classes
            0 to 9, which the head tells apart, then 10 to 99, then the others.
        div_value: cluster i sees the input through in_features / div_value ** (i + 1) numbers.
        head_bias: whether the head has a bias.

    Input (N, in_features) and target (N,), int64; or (in_features,) and (). The result is a pair:
    ``output``, of the target's shape, the log probabilities of the targets, and ``loss``.

    Source: PyTorch, ``torch.nn.AdaptiveLogSoftmaxWithLoss``; Grave et al., "Efficient softmax
    approximation for GPUs" (2017).
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        begins = list(cutoffs)
        if not begins:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            begins != sorted(set(begins))
            or begins[0] < 1
            or begins[-1] > n_classes - 1
            or any(int(c) != c for c in begins)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1\n  got {begins}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs, self.div_value, self.head_bias = [*begins, n_classes], div_value, head_bias
        self.shortlist_size, self.n_clusters = begins[0], len(begins)
        self.head_size = self.shortlist_size + self.n_clusters
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, head_bias, **made)
        self.tail = ModuleList()
        for i, (begin, end) in enumerate(zip(self.cutoffs, self.cutoffs[1:]), 1):
            seen = int(in_features // div_value**i)
            self.tail.append(
                Sequential(
                    Linear(in_features, seen, False, **made),
                    Linear(seen, end - begin, False, **made),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> Any:
        target = fitted("AdaptiveLogSoftmaxWithLoss", "target", "Tensor", target)
        _check_shapes(input, target)
        rows, classes = input.reshape(-1, input.shape[-1]), target.reshape(-1)
        if classes.numel():
            low, high = int(classes.min()), int(classes.max())
            if low < 0 or high >= self.n_classes:
                raise RuntimeError(
                    f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                    f"[{low}, {high}] were found. "
                )
        head = log_softmax(self.head(rows), 1)
        # A class of a cluster has the cluster's place in the head, and its own in the cluster.
        places = classes
        output = input.new_zeros(classes.shape)
        for i, cluster in enumerate(self.tail):
            begin, end = self.cutoffs[i : i + 2]
            here = (classes >= begin) & (classes < end)
            places = places.masked_fill(here, self.shortlist_size + i)
            which = here.nonzero()[:, 0]
            if which.numel():
                inside = log_softmax(cluster(rows[which]), 1)
                found = inside.gather(1, classes[which][:, None] - begin)[:, 0]
                output = output.index_copy(0, which, found)
        output = (output + head.gather(1, places[:, None])[:, 0]).reshape(target.shape)
        return _ASMoutput(output, (-output).mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the logarithms of the probabilities of all classes: (N, n_classes)."""
        head = log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            own = head[:, self.shortlist_size + i : self.shortlist_size + i + 1]
            parts.append(log_softmax(cluster(input), 1) + own)
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """Return the most probable class of each row: (N,), int64."""
        return self.log_prob(input).argmax(1)


def _check_shapes(input: Tensor, target: Tensor) -> None:
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.ndim == 1 and input.shape[:1] != target.shape:
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            f"inputs with size {input.shape}"
        )
