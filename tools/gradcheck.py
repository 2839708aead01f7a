"""Check the gradients, first and second, of every operation, each alone; print the worst errors.

    python -m tools.gradcheck
    python -m tools.gradcheck Conv2d Softmax --cases 50
    python -m tools.gradcheck --json

The programs of the table that drives the tests (``tests/ops/table.py``), and some networks' layers,
are run once. Every operation that they record is then replayed by itself on the inputs that it had,
in float64, and its gradient compared with central differences for h = 1e-4, 1e-5 and 1e-6. The
error is the largest difference, relative to the largest gradient where that is above 1, for the
best h. The same is done to the gradient itself. The exit code is 1 if an error is above 1e-6, or an
operation was not reached.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import tinygrad_adam as torch
from tests.ops.table import ROWS
from tinygrad_adam import autograd
from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.fit import Cast
from tinygrad_adam.autograd.inplace import Put
from tinygrad_adam.autograd.traced import Traced
from tinygrad_adam.nn import functional as F  # noqa: N812
from tinygrad_adam.nn.hooks import ModuleBoundary
from tinygrad_adam.ops.ctc import CtcGradient, CtcLoss
from tinygrad_adam.ops.decompositions import SVD, Cholesky, Eig, EigenvaluesOfHermitian, Eigh
from tinygrad_adam.ops.dropout import Dropout
from tinygrad_adam.ops.losses import CrossEntropyDifference
from tinygrad_adam.ops.random import Sampled
from tinygrad_adam.ops.recurrent import Recurrence
from tinygrad_adam.ops.shapes import Move

BOUND = 1e-6
STEPS = (1e-4, 1e-5, 1e-6)
# These need modules, other dtypes, other devices, or a write that came before; the values of two
# are drawn, or handed to them, which no difference of values can see; the gradient of CTC is right
# behind log_softmax only; no loss may depend on the phases of vectors; and of a symmetric matrix
# only one triangle is looked at, while the gradient is symmetric.
LEFT_OUT = {
    *(ModuleBoundary, Cast, Move, Put),
    *(Sampled, CrossEntropyDifference),
    *(CtcLoss, CtcGradient),
    *(SVD, Eig, Eigh, EigenvaluesOfHermitian, Cholesky),
}
ROOMS = ("tinygrad_adam.ops", "tinygrad_adam.autograd.fit", "tinygrad_adam.autograd.inplace")

_LISTED = [getattr(F, name) for name in F.__all__]
_WITH_MORE = (F.glu, F.gumbel_softmax, F.prelu, F.threshold)  # arguments, or chance
ACTIVATIONS = [
    f
    for f in _LISTED
    if f.__module__ == "tinygrad_adam.ops.activations"
    and f not in _WITH_MORE
    and not f.__name__.endswith("_")
]

# Layers and losses on images x (2, 4, 4, 4), kernels w (4, 2, 3, 3), scores s (3, 5), v (5,).
LAYERS: dict[str, Callable[..., Any]] = {
    "conv2d": lambda x, w, s, v: F.conv2d(x[:, :2], w, v[:4], stride=2, padding=1),
    "conv2d, grouped": lambda x, w, s, v: F.conv2d(x, w, padding=2, dilation=2, groups=2),
    "conv_transpose2d": lambda x, w, s, v: F.conv_transpose2d(x[..., :2], w, v[:2], stride=2),
    "max_pool2d": lambda x, w, s, v: F.max_pool2d(x[:, :2], 3, 2, 1),
    "max_pool2d, indices": lambda x, w, s, v: F.max_pool2d(x[:, :2], 2, return_indices=True)[0],
    "avg_pool2d": lambda x, w, s, v: F.avg_pool2d(x[:, :2], 3, 2, 1),
    "adaptive_avg_pool2d": lambda x, w, s, v: F.adaptive_avg_pool2d(x[:, :2], (2, 3)),
    "batch_norm": lambda x, w, s, v: F.batch_norm(
        x[..., 0], None, None, v[:4], v[1:], training=True
    ),
    "layer_norm": lambda x, w, s, v: F.layer_norm(s, (5,), v, v * 2),
    "group_norm": lambda x, w, s, v: F.group_norm(x[..., 0], 2, v[:4], v[1:]),
    "extremes": lambda x, w, s, v: s.max() + s.min(),
    "layouts": lambda x, w, s, v: [v.t(), s.t(), s.T.contiguous()],
    "nextafter": lambda x, w, s, v: torch.nextafter(s, v * 2),
    "linear": lambda x, w, s, v: F.linear(s, s, v[:3]),
    "recurrences": lambda x, w, s, v: recurrences(x, w),
    "complex": lambda x, w, s, v: complex_functions(torch.complex(s[:2], s[1:])),
    "attention": lambda x, w, s, v: F.scaled_dot_product_attention(s, s * 2, s, is_causal=True),
    "embedding": lambda x, w, s, v: F.embedding(torch.tensor([0, 2, 0]), s),
    "pad": lambda x, w, s, v: F.pad(x, (1, 2, 0, 1), mode="reflect") + F.pad(x, (1, 2, 0, 1)),
    "unfold": lambda x, w, s, v: F.unfold(x, 3, padding=1),
    "fold": lambda x, w, s, v: F.fold(x.reshape(2, 4, 16), 5, 2),
    "interpolate": lambda x, w, s, v: F.interpolate(x[:, :1], (3, 5), mode="bicubic"),
    "adaptive_max_pool2d": lambda x, w, s, v: F.adaptive_max_pool2d(x[:, :2], 3),
    "instance_norm": lambda x, w, s, v: F.instance_norm(x[..., 0], None, None, v[:4], v[1:]),
    "dropout": lambda x, w, s, v: F.dropout(s, 0.5) + F.alpha_dropout(s, 0.3, True),
    "activations": lambda x, w, s, v: [f(s) for f in ACTIVATIONS],
    "threshold": lambda x, w, s, v: F.threshold(s, 0.3, 2.0),
    "gelu, tanh": lambda x, w, s, v: F.gelu(s, approximate="tanh"),
    "cross_entropy": lambda x, w, s, v: F.cross_entropy(s, torch.tensor([1, 0, 4])),
    "cross_entropy, smooth": lambda x, w, s, v: F.cross_entropy(
        s, torch.tensor([1, 0, 4]), label_smoothing=0.1
    ),
    "cross_entropy, shares": lambda x, w, s, v: F.cross_entropy(s, s.detach().softmax(1)),
    "nll_loss": lambda x, w, s, v: F.nll_loss(s, torch.tensor([1, 0, 4]), v.detach().abs()),
    "losses": lambda x, w, s, v: [
        f(s, s.detach() * 0.3 + 0.7)
        for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss)
    ],
    "binary_cross_entropy": lambda x, w, s, v: F.binary_cross_entropy(
        s.sigmoid(), (s.detach() > 0).double()
    ),
    "with_logits": lambda x, w, s, v: F.binary_cross_entropy_with_logits(
        s, (s.detach() > 0).double(), pos_weight=v.detach().abs()
    ),
}


def complex_functions(z: Any) -> list[Any]:
    """Return what functions that see real and imaginary parts give."""
    pairs = torch.view_as_real(z)
    made = torch.view_as_complex(pairs * pairs)
    return [z.sgn(), z.angle(), z.abs(), z.conj(), z.real * z.imag, pairs, made]


def recurrences(x: Any, w: Any) -> list[Any]:
    """Return what layers of RNN, LSTM and GRU give for sequences of three steps and of one."""
    rows, h, c = x[0, 0, :, :3], x[1, 0, :2, :2], x[1, 1, :2, :2]
    weights = (
        x[0].reshape(16, 4)[:8, :3],
        w.reshape(36, 2)[:8],
        *w[2].reshape(18)[:16].reshape(2, 8),
    )
    found = []
    for kind, gates in (("RNN_TANH", 2), ("RNN_RELU", 2), ("GRU", 6), ("LSTM", 8)):
        options = (*[weight[:gates] for weight in weights], None, kind, (2, 1, 1), gates > 2)
        found += Recurrence.apply(rows, h, c if kind == "LSTM" else None, *options)
    projected = (
        weights[0],
        weights[1][:, :1],
        None,
        None,
        w[3, 0, 2:, :2],
        "LSTM",
        (2, 1, 1),
        False,
    )
    return [*found, *Recurrence.apply(rows, h[:, :1], c, *projected)]


class Tape(autograd.Observer):
    """Keeps the operations that a program records, each with its inputs."""

    inside_walks = True

    def __init__(self) -> None:
        self.calls: list[tuple[type[Operation], tuple[Any, ...], tuple[bool, ...]]] = []

    def after_forward(self, node: Any, inputs: Any, results: Any) -> None:
        """Keep the call if a gradient passes through it."""
        if node.edges:
            self.calls.append((type(node), tuple(inputs), node.needs_input_grad))


def programs() -> Iterator[Callable[[], tuple[list[Any], list[Any]]]]:
    """Yield functions that run the rows of the table, and the layers: leaves and results."""
    for row in ROWS:
        if row.smooth:
            leaves = {
                name: torch.tensor(array).requires_grad_(array.dtype.kind == "f")
                for name, array in row.arrays().items()
            }
            wanted = [x for x in leaves.values() if x.requires_grad]
            if wanted:
                yield lambda row=row, leaves=leaves, wanted=wanted: (wanted, row.run(torch, leaves))
    draw = np.random.default_rng(0)
    shapes = ((2, 4, 4, 4), (4, 2, 3, 3), (3, 5), (5,))
    inputs = [torch.tensor(draw.standard_normal(shape), requires_grad=True) for shape in shapes]
    for layer in LAYERS.values():
        yield lambda layer=layer: (inputs, as_list(layer(*inputs)))


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def replay(
    call: tuple[type[Operation], tuple[Any, ...], tuple[bool, ...]],
) -> tuple[Any, list[Any]]:
    """Return an operation as a function of its inputs, and copies of those."""
    operation, arguments, needs = call
    draw = np.random.default_rng(0)
    copies: list[Any] = []
    for x, needed in zip(arguments, needs):
        if isinstance(x, Traced):
            array = x.array.copy()
            if needed:  # a step must not straddle the kink at zero
                array = np.where(array == 0, 0.1 * draw.standard_normal(array.shape), array)
            x = torch.tensor(array, dtype=torch.float64 if array.dtype.kind == "f" else None)
        copies.append(x)
    for x, needed in zip(copies, needs):
        if needed:
            x.requires_grad_()

    def function(*inputs: Any) -> Any:
        if operation is Dropout:  # must drop the same elements every time
            torch.manual_seed(0)
        return operation.apply(*inputs)

    return function, copies


def error(function: Callable[..., Any], inputs: list[Any]) -> float:
    """Return how far the gradient of ``function`` is from central differences, for the best h."""
    return min(e for _, e in autograd.error_by_step(function, inputs, STEPS))


def gradient_of(function: Callable[..., Any], inputs: list[Any]) -> Callable[..., Any]:
    """Return the gradient of a weighted sum of the results, as a function of the inputs."""
    draw = np.random.default_rng(0)

    @torch.enable_grad()
    def gradient(*arguments: Any) -> Any:
        results = [y for y in as_list(function(*arguments)) if y.requires_grad]
        nonlocal weights
        if weights is None:
            weights = [torch.tensor(draw.standard_normal(y.shape)).to(y.dtype) for y in results]
        wanted = [x for x in arguments if isinstance(x, Traced) and x.requires_grad]
        grads = torch.autograd.grad(results, wanted, weights, create_graph=True, allow_unused=True)
        return tuple([g for g in grads if g is not None and g.requires_grad])

    weights: list[Any] | None = None
    return gradient


def kinds(base: type[Operation]) -> Iterator[type[Operation]]:
    """Yield the operations with a gradient, without those that only others inherit from."""
    for kind in base.__subclasses__():
        if (
            kind.__module__.startswith(ROOMS)
            and not kind.__name__.startswith("_")
            and kind.backward is not Operation.backward  # a comparison, say, has no gradient
        ):
            yield kind
        yield from kinds(kind)


def check(chosen: list[str], cases: int) -> dict[str, dict[str, Any]]:
    """Return for each operation how many cases were checked, and the worst errors."""
    found: dict[str, dict[str, Any]] = {}
    seen: set[Any] = set()
    for program in programs():
        tape = Tape()
        with autograd.observing(tape), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            leaves, results = program()
            results = [y for y in results if y.requires_grad]
            weights = [torch.ones_like(y, requires_grad=True) for y in results]
            if results:
                torch.autograd.grad(results, leaves, weights, create_graph=True, allow_unused=True)
        for call in tape.calls:
            operation, arguments, needs = call
            if operation in LEFT_OUT:
                continue
            name = operation.__name__
            key = (name, needs, *[
                x.shape if isinstance(x, Traced) else str(x) for x in arguments
            ])  # fmt: skip
            row = found.setdefault(name, {"cases": 0, "first": 0.0, "second": 0.0})
            if (chosen and name not in chosen) or key in seen or row["cases"] >= cases:
                continue
            seen.add(key)
            function, inputs = replay(call)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row["cases"] += 1
                row["first"] = max(row["first"], error(function, inputs))
                gradient = gradient_of(function, inputs)
                if gradient(*inputs):
                    row["second"] = max(row["second"], error(gradient, inputs))
    return {name: row for name, row in sorted(found.items()) if not chosen or name in chosen}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("operation", nargs="*", help="names such as Conv2d; all unless given")
    parser.add_argument("--cases", type=int, default=8, help="how many of each (default: 8)")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    options = parser.parse_args()
    if options.cases < 1:
        parser.error(f"argument --cases: must be at least 1, got {options.cases}")
    everything = {kind.__name__ for kind in set(kinds(Operation)) - LEFT_OUT}
    unknown = sorted(set(options.operation) - everything)
    if unknown:
        parser.error(
            f"unknown operation {', '.join(unknown)}; there are {', '.join(sorted(everything))}"
        )
    torch.manual_seed(0)
    table = check(options.operation, options.cases)
    missed = sorted((set(options.operation) or everything) - set(table))
    if options.json:
        print(json.dumps({"bound": BOUND, "operations": table, "not reached": missed}, indent=2))
    else:
        print(f"{'operation':26}{'cases':>6}{'gradient':>12}{'its gradient':>14}")
        for name, row in table.items():
            bad = "  <-- above 1e-6" if max(row["first"], row["second"]) > BOUND else ""
            print(f"{name:26}{row['cases']:6}{row['first']:12.1e}{row['second']:14.1e}{bad}")
        worst = max([max(row["first"], row["second"]) for row in table.values()], default=0.0)
        print(f"{len(table)} operations; the worst error is {worst:.1e}, {BOUND:g} is allowed")
        if missed:
            print(f"not reached: {', '.join(missed)}")
    wrong = any(max(row["first"], row["second"]) > BOUND for row in table.values())
    return int(wrong or bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
