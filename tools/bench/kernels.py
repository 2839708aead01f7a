"""Each kernel alone, in GFLOP/s and GB/s, beside what the machine can do; and a step by operation.

For tools.bench. A kernel's operations are those of the formula: a multiplication and an addition
for each product. Its bytes are those of its inputs and results, each counted once, however often
they are really moved. What stays in a cache from one call to the next passes the ceiling of the
copy, which is made in main memory.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench import models

# The ceilings: the side of the matrices that are multiplied, and the floats that are copied, so
# many that no cache holds them.
PRODUCT_SIDE, COPIED = 2048, 1 << 25


@dataclass(frozen=True)
class Kernel:
    """A call to measure, with the work that it does."""

    name: str
    call: Callable[[], object]
    operations: float
    """Floating-point operations by the formula; 0 where only the bytes count."""
    moved: float
    """Bytes of inputs and results."""


def median_seconds(call: Callable[[], object], seconds: float) -> float:
    """Return the median time of a call that is repeated for a while."""
    call()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def ceilings(seconds: float) -> dict[str, float]:
    """Return the GFLOP/s of a large float32 product and the GB/s of a large copy, in threads."""
    from tinygrad_adam.backend import get_num_threads, kernels, kernels_in_use
    from tinygrad_adam.backend.compiled import threads

    matrix = np.ones((PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    source, target = np.ones((2, COPIED), np.float32)
    compiled = kernels_in_use() == "compiled"
    parts = get_num_threads() if compiled else 1  # plain kernels copy on one thread
    length = source.size // parts

    def copy(index: int) -> None:
        part = slice(index * length, (index + 1) * length)
        np.copyto(target[part], source[part])

    copy_all = partial(threads.run, copy, parts) if compiled else partial(copy, 0)
    product = median_seconds(lambda: kernels(matrix).matmul(matrix, matrix), seconds)
    copying = median_seconds(copy_all, seconds)
    return {
        "gflops": 2 * PRODUCT_SIDE**3 / product / 1e9,
        "gbytes": 2 * parts * length * 4 / copying / 1e9,
    }


def kernels_of(batch: int) -> list[Kernel]:
    """Return the kernels of the notes' CNN, on images that lie in memory as they do there.

    And average pooling, batch normalization and cross-entropy in the shapes that they would have in
    it. The last two are measured with the autograd around them: for cross-entropy there is no
    kernel, and of batch normalization that is a part, too.
    """
    import tinygrad_adam as torch
    import tinygrad_adam.nn.functional as F  # noqa: N812 (PyTorch's habit)
    from tinygrad_adam.backend import kernels

    cpu = kernels(np.ones(1, np.float32))
    random = np.random.default_rng(0)
    found: list[Kernel] = []

    def add(name: str, call: Callable[[], Any], operations: float, *inputs: np.ndarray) -> Any:
        result = call()
        read = sum(array.nbytes for array in inputs)
        results = result if isinstance(result, tuple) else (result,)
        written = sum(array.nbytes for array in results if isinstance(array, np.ndarray))
        found.append(Kernel(name, call, operations, read + written))
        return result

    def add_recorded(name: str, function: Callable[..., Any], *inputs: np.ndarray) -> None:
        tensors = [torch.from_numpy(array).requires_grad_() for array in inputs]
        y = function(*tensors)
        g = torch.ones_like(y)
        add(f"{name} forward", lambda: function(*tensors).detach().numpy(), 0, *inputs)
        call = partial(torch.autograd.grad, y, tensors, g, retain_graph=True)
        # Reads the inputs and the gradient of y, and writes as much as the inputs.
        add(f"{name} gradient", call, 0, *inputs, *inputs, g.numpy())

    def images(channels: int, size: int) -> np.ndarray:
        array = random.standard_normal((batch, size, size, channels), np.float32)
        return array.transpose(0, 3, 1, 2)

    same = ((1, 1), (1, 1), (1, 1), 1)
    halves = ((2, 2), (2, 2), (0, 0), (1, 1), False)
    for number, (channels, out, size) in enumerate(((1, 32, 28), (32, 64, 14)), 1):
        x, g = images(channels, size), images(out, size)
        w = random.standard_normal((out, channels, 3, 3), np.float32)
        b = random.standard_normal(out, np.float32)
        work = 2.0 * batch * size * size * out * channels * 9

        y = add(f"conv{number} forward", partial(cpu.conv2d, x, w, b, *same), work, x, w, b)
        if number > 1:  # nobody asks for the gradient of the images
            call = partial(cpu.conv2d_input_gradient, g, w, x.shape, *same)
            add(f"conv{number} input gradient", call, work, g, w)
        call = partial(cpu.conv2d_parameter_gradients, g, x, w.shape, True, *same)
        add(f"conv{number} parameter gradients", call, work, g, x)
        r = add(f"relu{number} forward", partial(cpu.relu, y), 0, y)
        add(f"relu{number} gradient", partial(cpu.relu_gradient, g, r), 0, g, r)
        p = add(f"pool{number} forward", partial(cpu.max_pool2d, r, *halves), 0, r)
        add(
            f"pool{number} gradient",
            partial(cpu.max_pool2d_input_gradient, p, r, p, *halves), 0, p, r, p,
        )  # fmt: skip
    sizes = ((batch, 3136), (128, 3136), (batch, 128))
    a, w, g = (random.standard_normal(size, np.float32) for size in sizes)
    work = 2.0 * batch * 3136 * 128
    add("fc1 forward", partial(cpu.matmul, a, w.T), work, a, w)
    add("fc1 input gradient", partial(cpu.matmul, g, w), work, g, w)
    add("fc1 weight gradient", partial(cpu.matmul, g.T, a), work, g, a)
    x = images(32, 28)
    halves = ((2, 2), (2, 2), (0, 0), False, True, None)
    p = add("average pool forward", partial(cpu.avg_pool2d, x, *halves), 0, x)
    call = partial(cpu.avg_pool2d_input_gradient, p, x.shape, *halves)
    add("average pool gradient", call, 0, p)
    w, b = random.standard_normal((2, 32), np.float32)
    normalize = partial(F.batch_norm, running_mean=None, running_var=None, training=True)
    add_recorded("batch norm", lambda x, w, b: normalize(x, weight=w, bias=b), x, w, b)
    labels = torch.from_numpy(random.integers(0, 10, batch))
    scores = random.standard_normal((batch, 10), np.float32)
    add_recorded("cross-entropy", lambda x: F.cross_entropy(x, labels), scores)
    # Adam reads w, g, m, v and writes w, m, v.
    add("Adam", models.adam(torch), 0, *(7 * models.cnn_weights()))
    return found


def measure_kernels(batch: int, seconds: float) -> dict[str, Any]:
    """Return the ceilings, and for each kernel its time and what it reaches."""
    limits = ceilings(seconds)
    rows = []
    for kernel in kernels_of(batch):
        taken = median_seconds(kernel.call, seconds)
        rows.append(
            {
                "kernel": kernel.name,
                "milliseconds": 1e3 * taken,
                "gflops": kernel.operations / taken / 1e9 or None,
                "gbytes": kernel.moved / taken / 1e9,
            }
        )
    return {"batch": batch, "ceilings": limits, "rows": rows}


def print_kernels(result: dict[str, Any]) -> None:
    limits = result["ceilings"]
    print(
        f"\nKernels of the notes' CNN, batch {result['batch']}. Ceilings here: a large product "
        f"{limits['gflops']:.0f} GFLOP/s, a large copy {limits['gbytes']:.0f} GB/s.\n"
    )
    print(f"{'':24}{'ms':>9}{'GFLOP/s':>10}{'of ceiling':>12}{'GB/s':>8}{'of ceiling':>12}")
    for row in result["rows"]:
        line = f"{row['kernel']:24}{row['milliseconds']:9.3f}"
        for quantity, width in (("gflops", 10), ("gbytes", 8)):
            value = row[quantity]
            share = "-" if value is None else f"{100 * value / limits[quantity]:.0f} %"
            line += f"{'-' if value is None else f'{value:.1f}':>{width}}{share:>12}"
        print(line)


def measure_profile(step: Callable[[], object], repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each operation of a training step, in its order.

    An operation's time ends when the engine reports it and begins where the one before it ended, so
    that what Python does in between is counted, too. "the rest" is all that is no operation: the
    optimizer, zero_grad, the leaves' gradients.
    """
    from tinygrad_adam.autograd.observer import Observer, observing

    class Clock(Observer):
        def __init__(self) -> None:
            self.times: dict[str, float] = {}
            self.now = time.perf_counter()

        def note(self, name: str) -> None:
            now = time.perf_counter()
            self.times[name] = self.times.get(name, 0) + 1e3 * (now - self.now)
            self.now = time.perf_counter()

        def after_forward(self, node: Any, inputs: Any, results: Any) -> None:
            self.note(f"{type(node).__name__} {node.module_path}".strip())

        def after_backward(self, node: Any, grads: Any, input_grads: Any) -> None:
            self.note(f"{type(node).__name__} {node.module_path}".strip() + ", backward")

    runs = []
    for number in range(repeats + 3):
        clock = Clock()
        start = time.perf_counter()
        with observing(clock):
            step()
        total = 1e3 * (time.perf_counter() - start)
        if number >= 3:
            runs.append({**clock.times, "the rest": total - sum(clock.times.values())})
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def print_profile(times: dict[str, float]) -> None:
    total = sum(times.values())
    print(f"{'':44}{'ms':>9}{'share':>8}")
    for name, taken in sorted(times.items(), key=lambda item: -item[1]):
        print(f"{name:44}{taken:9.3f}{100 * taken / total:7.1f} %")
    print(f"{'sum':44}{total:9.3f}")


def draw_profile(times: dict[str, float], title: str, path: Path) -> None:
    """Draw a bar for each operation, in the order of the step."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 0.26 * len(times)), layout="constrained")
    axes = figure.subplots()
    colours = ["#a3306f" if name.endswith("backward") else "#0072b2" for name in times]
    colours[-1] = "#777777"  # what is neither
    bars = axes.barh(list(times), list(times.values()), color=colours)
    axes.bar_label(bars, fmt=" %.2f", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1, y=0.01)
    axes.tick_params(axis="y", labelsize=8)
    axes.set(title=title, xlabel="milliseconds (forward blue, backward red)")
    figure.savefig(path, dpi=110)
