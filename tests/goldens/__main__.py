"""Compute the stored numbers with PyTorch.

    python -m tests.goldens                        all of them: two minutes
    python -m tests.goldens operations layers      some

Needs PyTorch 2.13, with which the files were made: another version may round otherwise.

* ``operations``: for each row of ``tests/ops/table.py``, in float64, the results, and the gradients
  of the inputs for fixed gradients of the results.
* ``promotion``, ``printed``: the dtype that two operands give, and what tensors print as.
* ``graphs``: the nodes behind ``grad_fn``; ``func``: derivatives of functions.
* ``layers``: for each case of ``tests/nn/cases.py``, in float64, the results, their gradients, and
  the gradients of the sum of the squares of these.
* ``optimizers``: for each option set of each optimizer, in float32 and float64, the parameters
  after some of 60 steps from random gradients, the state after 60, and the parameters three steps
  later. ``cases`` is JSON: what each row is.
* ``schedulers``: for each schedule, the learning rates (and momenta) over its epochs.
* ``iris``: the losses of a network 4-16-3 on iris before and after 100 full-batch steps with five
  optimizers, in float64.
* ``lbfgs``: losses, counts and parameters after three steps on some functions, in float64.
* ``in_place``: what random programs of views, writes in place and hooks give
  (``tests/autograd/random_programs.py``), by seed.
* ``in_place_states``: what becomes of gradients in each state of a tensor that is written in place
  (``tests/autograd/in_place_states.py``): the number of each cell's result, and the results.
* ``wrong_arguments``: the class of the error for each wrong kind of each argument of each row of
  ``tests/wrong_arguments.py``.
* ``cnn``: the losses of the notes' CNN in its first 100 steps with Adam.
* ``language_models``: the losses of a ladder of language models in their first steps, in float64.
* ``distributions``: for each case of ``tests/distributions/cases.py`` and each of its questions,
  in float64, the answer, its gradients, and those of the sum of the squares of these.
* ``pytorch_files``: what ``torch.save`` writes for each of ``tests/pytorch_files.py``.
* ``recurrent``: the losses of the programs of ``tests/training/recurrent.py``, in float64.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import warnings
from typing import Any

import numpy as np
import torch

from tests import func_programs, pytorch_files, wrong_arguments
from tests.autograd import graphs, in_place_states
from tests.autograd.random_programs import STORED, in_children, run
from tests.distributions import cases as distribution_cases
from tests.examples import cnn_problem, language_models
from tests.goldens import FOLDER, save_arrays
from tests.nn.cases import CASES, compute
from tests.ops import printed, promotion
from tests.ops.table import ROWS
from tests.optim import problems
from tests.training.recurrent import PROGRAMS


def save(name: str, text: str) -> None:
    """Write a text file."""
    (FOLDER / name).write_text(text + "\n", encoding="utf-8")


def run_row(row: Any) -> dict[str, np.ndarray]:
    """Return the results and the gradients, where there are some, of a row of operations."""
    inputs = {}
    for name, array in row.arrays().items():
        inputs[name] = torch.from_numpy(array)
        inputs[name].requires_grad_(array.dtype.kind == "f")
    outputs = row.run(torch, inputs)
    leaves = [x for x in inputs.values() if x.requires_grad]
    gradients = [None] * len(leaves)
    if any(y.requires_grad for y in outputs):
        weights = row.output_gradients([tuple(y.shape) for y in outputs])
        pairs = [
            (y, torch.from_numpy(np.asarray(g)).to(y.dtype))
            for y, g in zip(outputs, weights)
            if y.requires_grad
        ]
        try:
            gradients = torch.autograd.grad(
                [y for y, _ in pairs], leaves, [g for _, g in pairs], allow_unused=True
            )
        except RuntimeError as error:  # a // b has no gradient in PyTorch
            if "not implemented" not in str(error):
                raise
    found = {f"y{i}": y.detach().numpy() for i, y in enumerate(outputs)}
    return found | {f"g{i}": g.numpy(force=True) for i, g in enumerate(gradients) if g is not None}


def operations() -> None:
    cases = {}
    for row in ROWS:
        try:
            cases[row.name] = run_row(row)
        except Exception as error:
            raise SystemExit(f"{row.name}: {error}") from error
    save_arrays("operations.npz", cases)


def make_promotion() -> None:
    save("promotion.json", json.dumps(promotion.table(torch), indent=0))


def make_printed() -> None:
    texts = [repr(torch.from_numpy(x)) for x in printed.arrays()]
    save("printed.json", json.dumps(texts, indent=0))
    save("printed_options.json", json.dumps(printed.with_options(torch), indent=0))


def make_graphs() -> None:
    save("graphs.json", json.dumps(graphs.graphs(torch), indent=0))


def make_func() -> None:
    save("func.json", json.dumps(func_programs.answers(torch), indent=0))


def make_wrong_arguments() -> None:
    found = wrong_arguments.answers(torch, torch.utils.data)
    save("wrong_arguments.json", json.dumps(found, separators=(",", ":")))


def layers() -> None:
    # The other kernels of attention have no second derivative.
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        found = {
            name: compute(torch, torch.nn, torch.nn.functional, case, "float64")
            for name, case in CASES.items()
        }
    save_arrays("layers.npz", found)


def run_optimizer(
    name: str, options: dict[str, Any], dtype: str, seed: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the parameters after the checkpoints and RESUMED, and the state after 60 steps."""
    start, gradients = problems.random_problem(seed)
    parameters = [torch.nn.Parameter(torch.tensor(array.astype(dtype))) for array in start]
    optimizer = getattr(torch.optim, name)(parameters, **options)
    rows = []
    state: dict[str, Any] = {}
    for step, arrays in enumerate(gradients, 1):
        for parameter, array in zip(parameters, arrays, strict=True):
            parameter.grad = torch.tensor(array.astype(dtype))
        optimizer.step()
        if step in (*problems.CHECKPOINTS, problems.RESUMED):
            rows.append(np.concatenate([p.detach().numpy().ravel() for p in parameters]))
        if step == problems.CHECKPOINTS[-1]:
            state = {
                f"{i}.{key}": value.numpy().copy()
                for i, entry in optimizer.state_dict()["state"].items()
                for key, value in entry.items()
                if value is not None
            }
    return np.stack(rows), state


def optimizers() -> None:
    cases: list[dict[str, Any]] = []
    rows: dict[str, list[np.ndarray]] = {"float32": [], "float64": []}
    states: dict[str, list[np.ndarray]] = {"float32": [], "float64": []}
    for seed, (name, options) in enumerate(problems.option_sets()):
        for dtype in rows:
            parameters, state = run_optimizer(name, options, dtype, seed)
            rows[dtype].append(parameters)
            states[dtype] += [array.astype(dtype).ravel() for array in state.values()]
        shapes = {key: array.shape for key, array in state.items()}
        cases.append({"optimizer": name, "options": options, "seed": seed, "state": shapes})
    np.savez_compressed(
        FOLDER / "optimizers.npz",
        cases=np.array(json.dumps(cases)),
        parameters_float32=np.stack(rows["float32"]),
        parameters_float64=np.stack(rows["float64"]),
        state_float32=np.concatenate(states["float32"]),
        state_float64=np.concatenate(states["float64"]),
    )


def schedulers() -> None:
    stored = []
    for case, name in itertools.product(problems.scheduler_cases(), ("SGD", "Adam")):
        groups = [
            {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.1},
            {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.2},
        ]
        optimizer = getattr(torch.optim, name)(groups)
        rows = problems.run_schedule(torch.optim, optimizer, case)
        stored.append({**case, "optimizer": name, "rows": rows})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in stored)
    save("schedulers.json", f"[\n{lines}\n]")


def make_lbfgs() -> None:
    found = [problems.run_lbfgs(torch, *case) for case in problems.LBFGS_CASES]
    save("lbfgs.json", json.dumps(found, indent=0))


def in_place() -> None:
    found = in_children(lambda seed: run(torch, seed), STORED)  # some programs crash PyTorch
    save("in_place.json", json.dumps(found, separators=(",", ":")))


def make_in_place_states() -> None:
    cells = range(len(in_place_states.CELLS))
    found = in_children(lambda number: in_place_states.run(torch, number), cells)
    texts = [json.dumps(found.get(number), separators=(",", ":")) for number in cells]
    different = sorted(set(texts))
    cells_and_results = [
        [different.index(text) for text in texts],
        list(map(json.loads, different)),
    ]
    save("in_place_states.json", json.dumps(cells_and_results, separators=(",", ":")))


def iris() -> None:
    losses = [
        problems.train_on_iris(torch, torch.optim, *entry) for entry in problems.IRIS_OPTIMIZERS
    ]
    save("iris.json", json.dumps(losses, indent=1))


def train_cnn(dtype: str, lr: float) -> list[float]:
    """Return the loss of the CNN before each step."""
    from torch import nn
    from torch.nn.functional import cross_entropy, max_pool2d, relu

    torch.manual_seed(cnn_problem.SEED)
    model = nn.ModuleDict(
        {
            "conv1": nn.Conv2d(1, 32, kernel_size=3, padding=1),
            "conv2": nn.Conv2d(32, 64, kernel_size=3, padding=1),
            "fc1": nn.Linear(64 * 7 * 7, 128),
            "fc2": nn.Linear(128, 10),
        }
    )
    for name, array in cnn_problem.initial_weights().items():
        if not np.array_equal(model.state_dict()[name].numpy(), array):
            raise SystemExit(f"{name}: PyTorch {torch.__version__} draws other weights")
    model.to(getattr(torch, dtype))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for images, labels in cnn_problem.batches():
        optimizer.zero_grad()
        x = max_pool2d(relu(model["conv1"](torch.from_numpy(images.astype(dtype)))), 2)
        x = max_pool2d(relu(model["conv2"](x)), 2).flatten(1)
        x = model["fc2"](relu(model["fc1"](x)))
        loss = cross_entropy(x, torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def cnn() -> None:
    runs = [
        {"dtype": dtype, "lr": lr, "losses": train_cnn(dtype, lr)}
        for dtype, lr in cnn_problem.RUNS.items()
    ]
    result = {"pytorch": torch.__version__, "seed": cnn_problem.SEED, "runs": runs}
    save("cnn.json", json.dumps(result, indent=1))


def make_language_models() -> None:
    found = {name: language_models.losses(torch, name, "float64") for name in language_models.NAMES}
    save("language_models.json", json.dumps(found, indent=0))


def make_pytorch_files() -> None:
    files = {}
    for (name, make), (way, options) in itertools.product(
        pytorch_files.OBJECTS.items(), pytorch_files.WAYS.items()
    ):
        file = io.BytesIO()
        torch.save(make(torch), file, **options)
        files[f"{name}, {way}"] = np.frombuffer(file.getvalue(), np.uint8)
    np.savez_compressed(FOLDER / "pytorch_files.npz", **files)


def make_distributions() -> None:
    found = {
        f"{name}, {question}": answer
        for name in distribution_cases.CASES
        for question, answer in distribution_cases.answers(torch, name).items()
    }
    save_arrays("distributions.npz", found)


def recurrent() -> None:
    losses = {name: program(torch, torch.float64) for name, program in PROGRAMS.items()}
    save("recurrent.json", json.dumps(losses, indent=1))


MAKERS = {
    "operations": operations,
    "promotion": make_promotion,
    "printed": make_printed,
    "graphs": make_graphs,
    "func": make_func,
    "layers": layers,
    "optimizers": optimizers,
    "schedulers": schedulers,
    "lbfgs": make_lbfgs,
    "in_place": in_place,
    "in_place_states": make_in_place_states,
    "iris": iris,
    "wrong_arguments": make_wrong_arguments,
    "cnn": cnn,
    "language_models": make_language_models,
    "distributions": make_distributions,
    "pytorch_files": make_pytorch_files,
    "recurrent": recurrent,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.goldens",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(MAKERS))
    names = parser.parse_args().names
    if unknown := set(names) - set(MAKERS):
        parser.error(f"there is no {', '.join(sorted(unknown))} among {', '.join(MAKERS)}")
    warnings.simplefilter("ignore")
    for name in names or MAKERS:
        MAKERS[name]()
        (path,) = FOLDER.glob(f"{name}.*")
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
