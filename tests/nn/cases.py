"""What is computed once with PyTorch and once with this package, to be compared.

A case is a function of ``(torch, nn, functional, *tensors)``, where ``torch`` stands for either
package, and the inputs: arrays that float64 numbers can hold exactly in the file. Functions and
modules are called with options that are not the defaults wherever there are some.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.nn import cases_attention, cases_losses, cases_recurrent, cases_spatial


class Case(NamedTuple):
    """One computation; ``inputs`` of a floating dtype get gradients."""

    compute: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


_random = np.random.default_rng(20240607)


def normal(*shape: int) -> np.ndarray:
    """Return normally distributed numbers, rounded so that they take little room in the file."""
    return np.round(_random.standard_normal(shape), 2)


def uniform(*shape: int) -> np.ndarray:
    """Return numbers between 0.05 and 0.95."""
    return np.round(_random.uniform(0.05, 0.95, shape), 2)


def classes(count: int, *shape: int) -> np.ndarray:
    """Return integers below ``count``."""
    return np.asarray(_random.integers(0, count, shape))


def filled(torch: Any, module: Any, dtype: Any) -> Any:
    """Return the module in a dtype, with parameters and running values set to fixed numbers."""
    module = module.to(dtype)
    with torch.no_grad():
        for number, tensor in enumerate(module.state_dict().values()):
            if tensor.ndim:
                values = np.sin(np.arange(tensor.numel()) * 0.7 + number) / 2 + 0.6
                values = values.astype(np.float64).reshape(tuple(tensor.shape))
                tensor.copy_(torch.from_numpy(values))
    return module


def layer(make: Callable[[Any], Any], **options: Any) -> Callable[..., Any]:
    """Return a computation: the module that ``make(nn)`` returns, run in training mode or not."""

    def compute(torch: Any, nn: Any, functional: Any, *tensors: Any, **named: Any) -> Any:
        module = filled(torch, make(nn), tensors[-1].dtype).train(options.get("training", True))
        result = module(*tensors, **named)
        state = [x.detach() for x in module.buffers() if x.ndim]
        return (result, *state) if state and options.get("training", True) else result

    return compute


CASES: dict[str, Case] = {}


def case(name: str, compute: Callable[..., Any], *inputs: np.ndarray) -> None:
    """Add a case."""
    assert name not in CASES, name
    CASES[name] = Case(compute, inputs)


# --- convolution ---------------------------------------------------------------------------------

for name, make, shape in [
    ("Conv2d", lambda nn: nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 2)), (2, 2, 6, 5)),
    ("Conv2d groups", lambda nn: nn.Conv2d(4, 4, 3, groups=2, bias=False), (1, 4, 5, 5)),
    ("Conv2d dilation", lambda nn: nn.Conv2d(1, 2, 2, dilation=(2, 3)), (1, 1, 6, 6)),
    ("Conv2d same", lambda nn: nn.Conv2d(2, 2, (2, 4), padding="same"), (2, 2, 5, 6)),
    ("Conv2d unbatched", lambda nn: nn.Conv2d(2, 3, 3, padding="valid"), (2, 5, 5)),
    ("Conv1d", lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 9)),
    ("Conv1d unbatched", lambda nn: nn.Conv1d(2, 3, 4, dilation=2), (2, 9)),
    (
        "ConvTranspose2d",
        lambda nn: nn.ConvTranspose2d(4, 6, 3, (2, 3), (1, 0), (1, 2), 2, dilation=(1, 2)),
        (2, 4, 3, 4),
    ),
    (
        "ConvTranspose2d output_padding beyond stride",
        lambda nn: nn.ConvTranspose2d(2, 3, 2, output_padding=1, dilation=2),
        (1, 2, 4, 3),
    ),
]:
    case(name, layer(make), normal(*shape))
for mode in ("reflect", "replicate", "circular"):
    case(
        f"Conv2d {mode}",
        layer(lambda nn, mode=mode: nn.Conv2d(2, 2, 3, padding=(1, 2), padding_mode=mode)),
        normal(2, 2, 4, 5),
    )
    case(
        f"Conv1d {mode} same",
        layer(lambda nn, mode=mode: nn.Conv1d(2, 2, 4, padding="same", padding_mode=mode)),
        normal(2, 2, 6),
    )
    case(
        f"pad {mode}",
        lambda torch, nn, f, x, mode=mode: f.pad(x, (1, 2, 0, 3), mode=mode),
        normal(2, 1, 4, 5),
    )
case("pad", lambda torch, nn, f, x: f.pad(x, (1, -2, 0, 3), value=1.5), normal(2, 4, 5))
case("unfold", lambda torch, nn, f, x: f.unfold(x, (2, 3), 2, (1, 2), (2, 1)), normal(2, 2, 6, 5))

# --- pooling -------------------------------------------------------------------------------------

for number, options in enumerate(
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)},
    ]
):
    case(
        f"MaxPool2d {number}",
        lambda torch, nn, f, x, options=options: nn.MaxPool2d(**options, return_indices=True)(x),
        np.round(normal(2, 2, 7, 6), 1),  # one decimal: some elements are equal
    )
for number, options in enumerate(
    [
        {"kernel_size": 2, "ceil_mode": True},
        {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
        {"kernel_size": (3, 2), "padding": 1, "ceil_mode": True, "divisor_override": 5},
    ]
):
    case(
        f"AvgPool2d {number}",
        lambda torch, nn, f, x, options=options: nn.AvgPool2d(**options)(x),
        normal(2, 2, 7, 6),
    )
for size in ((3, 2), 4, (None, 1)):
    case(
        f"AdaptiveAvgPool2d {size}",
        lambda torch, nn, f, x, size=size: nn.AdaptiveAvgPool2d(size)(x),
        normal(2, 5, 6),
    )

# --- normalization, embedding, linear ------------------------------------------------------------

for name, make, shape in [
    ("BatchNorm1d", lambda nn: nn.BatchNorm1d(3, eps=0.01), (4, 3)),
    ("BatchNorm1d sequence", lambda nn: nn.BatchNorm1d(3, momentum=None), (4, 3, 2)),
    ("BatchNorm2d", lambda nn: nn.BatchNorm2d(3, momentum=0.3), (2, 3, 2, 4)),
    ("BatchNorm2d plain", lambda nn: nn.BatchNorm2d(3, affine=False), (2, 3, 2, 4)),
    (
        "BatchNorm2d untracked",
        lambda nn: nn.BatchNorm2d(3, track_running_stats=False, bias=False),
        (2, 3, 2, 4),
    ),
    ("LayerNorm", lambda nn: nn.LayerNorm((3, 4), eps=0.01), (2, 3, 4)),
    ("LayerNorm plain", lambda nn: nn.LayerNorm(4, elementwise_affine=False), (2, 3, 4)),
    ("LayerNorm no bias", lambda nn: nn.LayerNorm(4, bias=False), (2, 3, 4)),
    ("GroupNorm", lambda nn: nn.GroupNorm(2, 6, eps=0.01), (2, 6, 3)),
    ("GroupNorm plain", lambda nn: nn.GroupNorm(3, 6, affine=False), (2, 6, 2, 2)),
    ("Linear", lambda nn: nn.Linear(3, 4), (2, 5, 3)),
    ("Linear one", lambda nn: nn.Linear(3, 4, bias=False), (3,)),
]:
    case(name, layer(make), normal(*shape))
    if name.startswith("BatchNorm"):
        case(f"{name} eval", layer(make, training=False), normal(*shape))
case("normalize", lambda torch, nn, f, x: f.normalize(x, 3.0, 0), normal(3, 4))
case(
    "Embedding",
    lambda torch, nn, f, i, w: f.embedding(i, w, padding_idx=-2),
    classes(5, 2, 3),
    normal(5, 2),
)
case(
    "Embedding by frequency",
    lambda torch, nn, f, i, w: f.embedding(i, w, scale_grad_by_freq=True),
    classes(3, 2, 4),
    normal(3, 2),
)

# --- activations ---------------------------------------------------------------------------------

for name, make in [
    ("ReLU", lambda nn: nn.ReLU()),
    ("LeakyReLU", lambda nn: nn.LeakyReLU(0.2)),
    ("ELU", lambda nn: nn.ELU(0.7)),
    ("GELU", lambda nn: nn.GELU()),
    ("GELU tanh", lambda nn: nn.GELU("tanh")),
    ("SiLU", lambda nn: nn.SiLU()),
    ("Hardswish", lambda nn: nn.Hardswish()),
    ("Sigmoid", lambda nn: nn.Sigmoid()),
    ("Tanh", lambda nn: nn.Tanh()),
    ("Softplus", lambda nn: nn.Softplus(2.0, 3.0)),
    ("Softmax", lambda nn: nn.Softmax(1)),
    ("LogSoftmax", lambda nn: nn.LogSoftmax(-1)),
]:
    case(name, layer(make), normal(3, 4) * 3)

for name in ("relu", "leaky_relu", "elu", "silu", "hardswish"):
    case(
        f"{name} in place",
        lambda torch, nn, f, x, name=name: getattr(f, name)(x * 2, inplace=True),
        normal(3, 4),
    )

# --- losses --------------------------------------------------------------------------------------

for reduction in ("mean", "sum", "none"):
    for name, loss in [
        ("mse_loss", {}),
        ("l1_loss", {}),
        ("smooth_l1_loss", {"beta": 0.6}),
        ("huber_loss", {"delta": 0.7}),
    ]:
        case(
            f"{name} {reduction}",
            lambda torch, nn, f, x, y, name=name, loss=loss, reduction=reduction: getattr(f, name)(
                x, y, reduction=reduction, **loss
            ),
            normal(3, 4),
            normal(3, 4),
        )
        if name not in ("smooth_l1_loss",):
            case(
                f"{name} weighted {reduction}",
                lambda torch, nn, f, x, y, w, name=name, reduction=reduction: getattr(f, name)(
                    x, y, reduction=reduction, weight=w
                ),
                normal(3, 4),
                normal(3, 4),
                uniform(3, 4),
            )
    case(
        f"BCELoss {reduction}",
        lambda torch, nn, f, p, y, w, reduction=reduction: nn.BCELoss(
            w.detach(), reduction=reduction
        )(p, y),
        uniform(3, 4),
        uniform(3, 4),
        uniform(4),
    )
    case(
        f"BCEWithLogitsLoss {reduction}",
        lambda torch, nn, f, x, y, w, v, reduction=reduction: nn.BCEWithLogitsLoss(
            w.detach(), reduction=reduction, pos_weight=v.detach()
        )(x, y),
        normal(3, 4) * 5,
        uniform(3, 4),
        uniform(3, 1),
        uniform(4) * 3,
    )
    for name, shape, target, weight in [
        ("rows", (4, 3), classes(3, 4), None),
        ("images", (2, 3, 2, 2), classes(3, 2, 2, 2), uniform(3)),
        ("single", (5,), classes(5), uniform(5)),
        ("one row", (1, 4), classes(4, 1), None),
    ]:
        for smoothing in (0.0, 0.2):
            case(
                f"CrossEntropyLoss {name} {reduction} {smoothing}",
                lambda torch, nn, f, x, t, w=None, s=smoothing, r=reduction: nn.CrossEntropyLoss(
                    None if w is None else w.detach(),
                    ignore_index=1,
                    reduction=r,
                    label_smoothing=s,
                )(x, t),
                normal(*shape) * 2,
                target,
                *([] if weight is None else [weight]),
            )
        case(
            f"NLLLoss {name} {reduction}",
            lambda torch, nn, f, x, t, w=None, r=reduction: nn.NLLLoss(
                None if w is None else w.detach(), ignore_index=0, reduction=r
            )(x, t),
            normal(*shape),
            target,
            *([] if weight is None else [weight]),
        )
    case(
        f"CrossEntropyLoss probabilities {reduction}",
        lambda torch, nn, f, x, y, w, reduction=reduction: nn.CrossEntropyLoss(
            w.detach(), reduction=reduction, label_smoothing=0.1
        )(x, y),
        normal(2, 3, 2),
        uniform(2, 3, 2),
        uniform(3),
    )

# --- recurrent layers ----------------------------------------------------------------------------

for name, (computation, inputs) in cases_recurrent.cases(normal).items():
    case(name, computation, *inputs)

# --- more activations ----------------------------------------------------------------------------

for name, make in [
    ("ReLU6", lambda nn: nn.ReLU6()),
    ("Hardtanh", lambda nn: nn.Hardtanh(-0.5, 2)),
    ("Hardshrink", lambda nn: nn.Hardshrink(1.5)),
    ("Softshrink", lambda nn: nn.Softshrink(1.5)),
    ("Tanhshrink", lambda nn: nn.Tanhshrink()),
    ("Threshold", lambda nn: nn.Threshold(0.5, -3)),
    ("LogSigmoid", lambda nn: nn.LogSigmoid()),
    ("Mish", lambda nn: nn.Mish()),
    ("SELU", lambda nn: nn.SELU()),
    ("CELU", lambda nn: nn.CELU(0.7)),
    ("Softsign", lambda nn: nn.Softsign()),
    ("GLU", lambda nn: nn.GLU(1)),
    ("GLU last", lambda nn: nn.GLU()),
    ("PReLU", lambda nn: nn.PReLU()),
    ("PReLU channels", lambda nn: nn.PReLU(6)),
    ("RReLU", lambda nn: nn.RReLU(0.1, 0.5).eval()),
    ("Softmin", lambda nn: nn.Softmin(1)),
    ("Softmax2d", lambda nn: nn.Softmax2d()),
]:
    case(name, layer(make, training=name != "RReLU"), normal(3, 6, 2, 2) * 3)
# PyTorch has no second derivative of it.
case(
    "Hardsigmoid",
    lambda torch, nn, f, x: nn.Hardsigmoid()(x).detach() + f.relu6(x + 3) / 6,
    normal(3, 4) * 3,
)
for name in ("relu6", "hardtanh", "selu", "celu", "mish"):
    case(
        f"{name} in place",
        lambda torch, nn, f, x, name=name: getattr(f, name)(x * 2, inplace=True),
        normal(3, 4) * 2,
    )
for name, options in [
    ("elu_", (0.3,)), ("celu_", (0.7,)), ("selu_", ()), ("leaky_relu_", (0.2,)), ("relu_", ()),
    ("hardtanh_", (-2, 0.5)), ("threshold_", (0.3, 2.0)), ("rrelu_", (0.4, 0.4, True)),
]:  # fmt: skip
    case(
        name,
        lambda torch, nn, f, x, name=name, options=options: getattr(f, name)(x * 2, *options),
        normal(3, 4),
    )

case(
    "AdaptiveLogSoftmaxWithLoss",
    lambda torch, nn, f, x: tuple(
        filled(torch, nn.AdaptiveLogSoftmaxWithLoss(6, 12, [3, 7], 2.0, True), x.dtype)(
            x, torch.tensor([1, 8, 4, 11, 2])
        )
    ),
    normal(5, 6),
)

# --- attention, more losses ----------------------------------------------------------------------

for row in (*cases_attention.rows(layer), *cases_losses.rows(layer)):
    case(*row)


# --- more of sequences and images ----------------------------------------------------------------

for name, make, shape in cases_spatial.LAYERS:
    case(name, layer(make), normal(*shape))
for name, function, shapes in cases_spatial.FUNCTIONS:
    case(name, function, *[np.round(normal(*shape), 1) for shape in shapes])


def compute(torch: Any, nn: Any, functional: Any, case: Case, dtype: str) -> dict[str, np.ndarray]:
    """Return results, gradients and gradients of gradients of a case, by name."""
    tensors = [
        torch.from_numpy(np.array(x, dtype=dtype if x.dtype.kind == "f" else None))
        for x in case.inputs
    ]
    leaves = [x.requires_grad_() for x in tensors if x.is_floating_point()]
    results = case.compute(torch, nn, functional, *tensors)
    results = results if isinstance(results, tuple) else (results,)
    found = {f"y{i}": x.detach().numpy() for i, x in enumerate(results)}
    y = results[0]
    seeds = np.sin(np.arange(y.numel()) + 1.0).reshape(tuple(y.shape)).astype(dtype)
    first = torch.autograd.grad(
        (y * torch.from_numpy(seeds)).sum(), leaves, create_graph=True, allow_unused=True
    )
    total = 0.0
    for i, gradient in enumerate(first):
        if gradient is not None:
            found[f"g{i}"] = gradient.detach().numpy()
            total = total + (gradient * gradient).sum()
    if getattr(total, "requires_grad", False):
        second = torch.autograd.grad(total, leaves, allow_unused=True)
        for i, gradient in enumerate(second):
            if gradient is not None:
                found[f"gg{i}"] = (gradient.detach() + 0.0).numpy()  # a ZeroTensor has no numbers
    return found
