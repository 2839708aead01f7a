"""What optimizers and schedules are asked to do, here and in PyTorch.

The random numbers are those of ``numpy.random.RandomState``, whose stream never changes, so only
PyTorch's results are stored: ``random_problem`` is all that is needed to repeat a run.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

CHECKPOINTS = (1, 2, 10, 60)
RESUMED = 63
SHAPES = ((2, 3), (), (4,))


def random_problem(seed: int) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Return the parameters before, and the gradients in each step, as float64 arrays."""
    random = np.random.RandomState(seed)
    parameters = [np.array(random.normal(size=shape)) for shape in SHAPES]
    gradients = [[np.array(random.normal(size=shape)) for shape in SHAPES] for _ in range(RESUMED)]
    return parameters, gradients


def option_sets() -> list[tuple[str, dict[str, Any]]]:
    """Return every optimizer with every combination of its options that changes the numbers."""
    either = (False, True)
    decay = (0.0, 0.1)
    grids: dict[str, dict[str, tuple[Any, ...]]] = {
        "SGD": {
            "momentum": (0.0, 0.9),
            "dampening": (0.0, 0.5),
            "weight_decay": decay,
            "nesterov": either,
            "maximize": either,
        },
        "RMSprop": {
            "alpha": (0.99, 0.5),
            "momentum": (0.0, 0.9),
            "centered": either,
            "weight_decay": decay,
            "maximize": either,
        },
        "Adagrad": {
            "lr_decay": (0.0, 0.1),
            "initial_accumulator_value": (0.0, 0.5),
            "weight_decay": decay,
            "maximize": either,
        },
        "Adadelta": {"rho": (0.9, 0.5), "weight_decay": decay, "maximize": either},
        "Adam": {
            "betas": ((0.9, 0.999), (0.5, 0.9)),
            "eps": (1e-8, 1e-2),
            "amsgrad": either,
            "weight_decay": decay,
            "maximize": either,
        },
        "AdamW": {"amsgrad": either, "weight_decay": decay, "maximize": either},
        "Adamax": {
            "betas": ((0.9, 0.999), (0.5, 0.9)),
            "weight_decay": decay,
            "maximize": either,
        },
        "NAdam": {
            "momentum_decay": (4e-3, 0.1),
            "weight_decay": decay,
            "decoupled_weight_decay": either,
            "maximize": either,
        },
        "RAdam": {
            "betas": ((0.9, 0.999), (0.5, 0.9)),
            "weight_decay": decay,
            "decoupled_weight_decay": either,
            "maximize": either,
        },
        "ASGD": {"lambd": (1e-4, 0.1), "t0": (1e6, 20.0), "weight_decay": decay},
        "Rprop": {
            "etas": ((0.5, 1.2), (0.3, 3.0)),
            "step_sizes": ((1e-6, 50), (0.02, 0.1)),
            "maximize": either,
        },
    }
    found = []
    for name, axes in grids.items():
        for values in itertools.product(*axes.values()):
            options = dict(zip(axes, values, strict=True))
            if options.get("nesterov") and (not options["momentum"] or options["dampening"]):
                continue  # PyTorch refuses it
            if options.get("decoupled_weight_decay") and not options["weight_decay"]:
                continue  # nothing to decouple
            found += [(name, options), (name, {**options, "lr": 10.0})]
    return found


def scheduler_cases() -> list[dict[str, Any]]:
    """Return schedulers with their options; each case may chain or sequence several."""

    def one(name: str, steps: int = 24, **options: Any) -> dict[str, Any]:
        return {"schedulers": [[name, options]], "steps": steps}

    cases = [
        one("StepLR", step_size=5, gamma=0.5),
        one("MultiStepLR", milestones=[3, 7, 7, 15], gamma=0.3),
        one("ConstantLR", factor=0.5, total_iters=4),
        one("LinearLR"),
        one("LinearLR", start_factor=0.1, end_factor=0.7, total_iters=9),
        one("ExponentialLR", gamma=0.9),
        one("PolynomialLR", total_iters=8, power=2.0),
        one("CosineAnnealingLR", T_max=7, eta_min=0.01, steps=40),
        one("CosineAnnealingLR", T_max=10, steps=45),
        one("CosineAnnealingWarmRestarts", T_0=5, steps=30),
        one("CosineAnnealingWarmRestarts", T_0=4, T_mult=2, eta_min=0.02, steps=40),
        one("OneCycleLR", max_lr=0.5, total_steps=20, steps=20),
        one("OneCycleLR", max_lr=[0.5, 0.05], epochs=4, steps_per_epoch=6, pct_start=0.25,
            anneal_strategy="linear", div_factor=10.0, final_div_factor=100.0, steps=24),
        one("OneCycleLR", max_lr=0.5, total_steps=24, three_phase=True, steps=24),
        one("OneCycleLR", max_lr=0.5, total_steps=9, cycle_momentum=False, steps=9),
        one("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=4),
        one("CyclicLR", base_lr=0.01, max_lr=[0.1, 0.3], step_size_up=3, step_size_down=5,
            mode="triangular2"),
        one("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=4, mode="exp_range", gamma=0.95,
            cycle_momentum=False),
        one("SWALR", swa_lr=0.05, anneal_epochs=6, steps=10),
        one("SWALR", swa_lr=[0.5, 0.1], anneal_epochs=4, anneal_strategy="linear", steps=8),
        one("SWALR", swa_lr=0.05, anneal_epochs=0, steps=3),
    ]  # fmt: skip
    sequence = {
        "combine": "SequentialLR",
        "milestones": [4, 12],
        "schedulers": [
            ["LinearLR", {"start_factor": 0.1, "total_iters": 4}],
            ["ExponentialLR", {"gamma": 0.9}],
            ["CosineAnnealingLR", {"T_max": 8}],
        ],
        "steps": 24,
    }
    chain = {
        "combine": "ChainedScheduler",
        "schedulers": [
            ["ConstantLR", {"factor": 0.1, "total_iters": 3}],
            ["ExponentialLR", {"gamma": 0.9}],
            ["StepLR", {"step_size": 4, "gamma": 0.5}],
        ],
        "steps": 24,
    }
    unwrapped = {**chain, "combine": None}
    metrics = [1.0, 0.9, 0.9, 0.9, 0.91, 0.85, 0.85, 0.85, 0.85, 0.85, 0.2, 0.2, 0.2, 0.2, 0.2]
    plateaus = [
        {"schedulers": [["ReduceLROnPlateau", options]], "metrics": metrics, "steps": len(metrics)}
        for options in (
            {"patience": 1, "factor": 0.5},
            {"patience": 2, "cooldown": 2, "min_lr": [0.03, 0.0], "factor": 0.1},
            {"patience": 0, "mode": "max", "threshold": 0.05, "threshold_mode": "abs"},
            {"patience": 1, "mode": "max", "threshold": 0.1, "eps": 0.005},
            {"patience": 1, "threshold": 0.06, "threshold_mode": "abs"},
        )
    ]
    return [*cases, sequence, chain, unwrapped, *plateaus]


def run_schedule(optim: Any, optimizer: Any, case: dict[str, Any]) -> list[list[float]]:
    """Return, for each epoch, the rates of all groups followed by their momenta.

    ``optim`` is ``torch.optim`` or this package's: both read the same way.
    """
    kinds = optim.lr_scheduler
    found = {"SWALR": optim.swa_utils.SWALR, **vars(kinds)}
    schedulers = [found[name](optimizer, **o) for name, o in case["schedulers"]]
    if case.get("combine") == "SequentialLR":
        schedulers = [kinds.SequentialLR(optimizer, schedulers, case["milestones"])]
    elif case.get("combine") == "ChainedScheduler":
        schedulers = [kinds.ChainedScheduler(schedulers, optimizer)]

    def row() -> list[float]:
        groups = optimizer.param_groups
        momenta = [g["momentum"] if "momentum" in g else g["betas"][0] for g in groups]
        return [float(g["lr"]) for g in groups] + [float(m) for m in momenta]

    rows = [row()]
    for i in range(case["steps"]):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step(*([case["metrics"][i]] if "metrics" in case else []))
        rows.append(row())
    return rows


LBFGS_CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("waves", {"lr": 0.1}),
    ("waves", {"lr": 0.1, "history_size": 2}),
    ("waves", {"max_iter": 7, "line_search_fn": "strong_wolfe"}),
    ("waves", {"lr": 0.01, "line_search_fn": "strong_wolfe"}),
    ("valley", {"lr": 1e-3, "max_iter": 9}),
    ("valley", {"line_search_fn": "strong_wolfe"}),
    ("valley", {"lr": 0.1, "max_eval": 4, "line_search_fn": "strong_wolfe"}),
    ("valley", {"lr": 30.0, "history_size": 2, "line_search_fn": "strong_wolfe"}),
    ("walls", {"lr": 0.5, "max_iter": 3}),
    ("walls", {"lr": 5.0, "line_search_fn": "strong_wolfe"}),
    ("plain", {}),
)


def run_lbfgs(torch: Any, name: str, options: dict[str, Any], resume: bool = False) -> list[float]:
    """Return the losses before three steps of LBFGS, how often it asked, and the parameters.

    Args:
        torch: PyTorch or this package.
        name: of the function to minimize.
        options: of LBFGS.
        resume: go on with a new optimizer, which gets the state of the old one, after each step.
    """
    random = np.random.RandomState(5)
    parameters = [
        torch.tensor(random.normal(size=shape), requires_grad=True) for shape in ((2, 3), (), (4,))
    ]
    functions = {
        "waves": lambda v: ((3 * v).sin() + 0.1 * v**2).sum(),
        "valley": lambda v: (100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2).sum(),
        "walls": lambda v: (v * v - (v * v).log()).sum(),
        "plain": lambda v: (0 * v).sum(),
    }
    optimizer = torch.optim.LBFGS(parameters, **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = functions[name](torch.cat([p.reshape(-1) for p in parameters]))
        loss.backward()
        return loss

    found = []
    for _ in range(3):
        found.append(optimizer.step(closure).item())
        if resume:
            state = optimizer.state_dict()
            optimizer = torch.optim.LBFGS(parameters, **options)
            optimizer.load_state_dict(state)
    state = optimizer.state[parameters[0]]
    found += [state["func_evals"], state["n_iter"]]
    return found + torch.cat([p.detach().reshape(-1) for p in parameters]).tolist()


IRIS_OPTIMIZERS: tuple[tuple[str, dict[str, float]], ...] = (
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("Adagrad", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("Adam", {"lr": 0.01}),
)


def iris_problem() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return 120 standardised flowers, their species, and the network's weights and biases."""
    from tinygrad_adam import data

    features, species = (part.numpy() for part in data.iris()[0].tensors)
    random = np.random.RandomState(0)
    weights = [
        random.uniform(-1, 1, size=shape) / np.sqrt(fan_in)
        for shape, fan_in in (((16, 4), 4), ((16,), 4), ((3, 16), 16), ((3,), 16))
    ]
    return features.astype("float64"), species, weights


def train_on_iris(torch: Any, optim: Any, name: str, options: dict[str, float]) -> list[float]:
    """Return the losses before and after 100 steps.

    ``torch`` and ``optim`` are PyTorch's modules or this package's: both read the same way.
    """
    features, species, weights = iris_problem()
    x, y = torch.tensor(features), torch.tensor(species)
    w1, b1, w2, b2 = parameters = [torch.tensor(array, requires_grad=True) for array in weights]
    optimizer = getattr(optim, name)(parameters, **options)

    def loss() -> Any:
        scores = (x @ w1.T + b1).relu() @ w2.T + b2
        return torch.nn.functional.cross_entropy(scores, y)

    first = loss().item()
    for _ in range(100):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return [first, loss().item()]
