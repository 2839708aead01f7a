"""The update rules on a GPU: one fused kernel for each, so that memory is walked through once.

The rules, their formulas and their arguments are those of ``plain.optimizers``. Here each is
the text of an elementwise kernel. A text contains only the lines that the call needs: which of the
optional arrays are there and which of the options are switched on is decided when it is put
together, once for each combination, and CuPy compiles it at the first call.

Numbers reach a kernel as float64, either as Python numbers or as 0-d arrays on the device. The
second form survives the capture of a CUDA graph, which freezes Python numbers: an optimizer with
``capturable=True`` passes learning rate and bias corrections that way. The kernel computes
``1 - beta`` in float64 and continues in the parameter's dtype ``T``, as PyTorch does.

NumPy arrays, and arrays of any library other than CuPy, get the plain rule.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from tinygrad_adam.backend.arrays import Array
from tinygrad_adam.backend.plain import optimizers as rules
from tinygrad_adam.backend.plain.optimizers import Rule

# The names of a call's optional arrays that are there and of its options that are not 0 or False.
Switches = frozenset[str]
Text = Callable[[Switches], list[str]]

PREAMBLE = """
template<typename T> __device__ T where(bool c, T a, T b) { return c ? a : b; }
template<typename T> __device__ T sign(T a) { return a > T(0) ? T(1) : a < T(0) ? T(-1) : a; }
"""


def gradient_text(on: Switches) -> list[str]:
    """``rules.descent_gradient``; in a kernel, ``g`` is a variable of its own."""
    lines = []
    if "maximize" in on:
        lines += ["g = -g;"]
    if "weight_decay" in on:
        lines += ["g = g + weight_decay * w;"]
    if "decoupled" in on:
        lines += ["w = one_minus_decoupled * w;"]
    return lines


def moments_text(on: Switches) -> list[str]:
    """The two moving averages of Adam and its relatives."""
    return [
        *gradient_text(on),
        "m = beta1 * m + one_minus_beta1 * g;",
        "v = beta2 * v + one_minus_beta2 * g * g;",
    ]


def root_text(v: str, on: Switches) -> str:
    """``rules.root_plus``."""
    return f"sqrt({v} + eps)" if "eps_inside_root" in on else f"(sqrt({v}) + eps)"


def sgd_text(on: Switches) -> list[str]:
    """``rules.sgd_update``."""
    lines = gradient_text(on)
    if "buffer" in on:
        lines += ["buffer = momentum * buffer + one_minus_dampening * g;"]
        lines += ["g = g + momentum * buffer;" if "nesterov" in on else "g = buffer;"]
    return [*lines, "w = w - lr * g;"]


def momentum_text(on: Switches) -> list[str]:
    """``rules.momentum_update``."""
    return [*gradient_text(on), "m = momentum * m + one_minus_momentum * g;", "w = w - lr * m;"]


def rmsprop_text(on: Switches) -> list[str]:
    """``rules.rmsprop_update``."""
    lines = [*gradient_text(on), "v = alpha * v + one_minus_alpha * g * g;"]
    variance = "v"
    if "mean" in on:
        lines += ["mean = alpha * mean + one_minus_alpha * g;"]
        variance = "v - mean * mean"
    lines += [f"g = g / {root_text(variance, on)};"]
    if "buffer" in on:
        lines += ["buffer = momentum * buffer + g;", "g = buffer;"]
    return [*lines, "w = w - lr * g;"]


def adagrad_text(on: Switches) -> list[str]:
    """``rules.adagrad_update``."""
    return [*gradient_text(on), "v = v + g * g;", f"w = w - lr * g / {root_text('v', on)};"]


def adadelta_text(on: Switches) -> list[str]:
    """``rules.adadelta_update``."""
    return [
        *gradient_text(on),
        "v = rho * v + one_minus_rho * g * g;",
        "g = sqrt((u + eps) / (v + eps)) * g;",
        "u = rho * u + one_minus_rho * g * g;",
        "w = w - lr * g;",
    ]


def adam_text(on: Switches) -> list[str]:
    """``rules.adam_update``."""
    largest = ["v_max = max(v_max, v);"] if "v_max" in on else []
    v = "v_max" if "v_max" in on else "v"
    return [
        *moments_text(on),
        *largest,
        f"w = w - lr / correction1 * m / {root_text(f'{v} / correction2', on)};",
    ]


def adamax_text(on: Switches) -> list[str]:
    """``rules.adamax_update``."""
    return [
        *gradient_text(on),
        "m = beta1 * m + one_minus_beta1 * g;",
        "u = max(beta2 * u, abs(g) + eps);",
        "w = w - lr / correction1 * m / u;",
    ]


def nadam_text(on: Switches) -> list[str]:
    """``rules.nadam_update``."""
    return [
        *moments_text(on),
        "g = momentum_factor * m + gradient_factor * g;",
        f"w = w - lr * g / {root_text('v / correction2', on)};",
    ]


def radam_text(on: Switches) -> list[str]:
    """``rules.radam_update``."""
    adaptive = f"rectification * sqrt(correction2) / {root_text('v', on)}"
    return [
        *moments_text(on),
        f"w = w - lr / correction1 * m * where(rectification > 0, {adaptive}, T(1));",
    ]


def asgd_text(on: Switches) -> list[str]:
    """``rules.asgd_update``."""
    return [
        *gradient_text(on),
        "w = w - lr * g;",
        "mean = where(share == T(1), w, mean + share * (w - mean));",
    ]


def rprop_text(on: Switches) -> list[str]:
    """``rules.rprop_update``."""
    return [
        *gradient_text(on),
        "const T turn = g * before;",
        "size = size * where(turn > 0, eta_plus, where(turn < 0, eta_minus, turn + T(1)));",
        "size = min(max(size, smallest), largest);",
        "before = where(turn < 0, T(0), g);",
        "w = w - sign(before) * size;",
    ]


def kernel_text(text: Text, numbers: tuple[str, ...], on: Switches) -> str:
    """Return the body of the kernel: the numbers in the dtype T, then the lines of ``text``."""
    lines = ["T g = gradient;"]
    for name in numbers:
        lines += [f"const T {name} = T({name}_), one_minus_{name} = T(1 - {name}_);"]
    return "\n".join(lines + text(on))


@functools.cache
def _kernel(text: Text, arrays: tuple[str, ...], numbers: tuple[str, ...], on: Switches) -> Any:
    """Compile, once, the kernel that writes ``arrays`` and reads the gradient and ``numbers``."""
    return sys.modules["cupy"].ElementwiseKernel(
        ", ".join(["T gradient", *(f"float64 {name}_" for name in numbers)]),
        ", ".join(f"T {name}" for name in arrays),
        kernel_text(text, numbers, on),
        text.__name__.replace("_text", "_update"),
        preamble=PREAMBLE,
    )


def fused(rule: Rule, text: Text) -> Rule:
    """Return ``rule`` for CuPy arrays: one launch of the kernel that ``text`` describes."""
    parameters = inspect.signature(rule).parameters.values()
    arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "g"]
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @functools.wraps(rule)
    def update(w: Array, g: Array, *state: Array | None, **options: Any) -> None:
        if not type(w).__module__.startswith("cupy"):
            rule(w, g, *state, **options)
            return
        written = {
            name: array
            for name, array in zip(arrays, (w, *state), strict=False)
            if array is not None
        }
        options = {**defaults, **options}
        numbers = {name: value for name, value in options.items() if type(value) is not bool}
        # The truth of a number on the device would be read back: it counts as switched on.
        on = frozenset(
            [name for name, value in options.items() if hasattr(value, "ndim") or value]
            + list(written)
        )
        kernel = _kernel(text, tuple(written), tuple(numbers), on)
        kernel(g.astype(w.dtype, copy=False), *numbers.values(), *written.values())

    return update


sgd_update = fused(rules.sgd_update, sgd_text)
momentum_update = fused(rules.momentum_update, momentum_text)
rmsprop_update = fused(rules.rmsprop_update, rmsprop_text)
adagrad_update = fused(rules.adagrad_update, adagrad_text)
adadelta_update = fused(rules.adadelta_update, adadelta_text)
adam_update = fused(rules.adam_update, adam_text)
adamax_update = fused(rules.adamax_update, adamax_text)
nadam_update = fused(rules.nadam_update, nadam_text)
radam_update = fused(rules.radam_update, radam_text)
asgd_update = fused(rules.asgd_update, asgd_text)
rprop_update = fused(rules.rprop_update, rprop_text)
