"""Every optimizer and schedule against numbers that PyTorch computed.

``python -m tests.goldens`` made the files from the same problems: the tests need no PyTorch.
"""

import json

import numpy as np
import pytest

import tinygrad_adam
from tests import goldens
from tests.optim import problems
from tinygrad_adam import from_numpy, optim, tensor

with np.load(goldens.FOLDER / "optimizers.npz") as _file:
    STORED = dict(_file)
CASES = json.loads(str(STORED["cases"]))
SCHEDULES = goldens.load("schedulers.json")
IRIS = goldens.load("iris.json")
LBFGS = goldens.load("lbfgs.json")
RELATIVE = {"float32": 3e-5, "float64": 1e-10}
# The state is looked at for its layout. A centered RMSprop with lr = 10 divides by differences of
# nearly equal numbers, which shows in its momentum long before it shows in the parameters.
RELATIVE_OF_STATE = {"float32": 1e-3, "float64": 1e-9}


def stored_states(dtype):
    """Yield, for each case, the state after 60 steps as nested dictionaries of arrays."""
    start = 0
    for case in CASES:
        state = {}
        for key, shape in case["state"].items():
            size = int(np.prod(shape))
            array = STORED[f"state_{dtype}"][start : start + size].reshape(shape)
            number, name = key.split(".")
            state.setdefault(int(number), {})[name] = array
            start += size
        yield state


STATES = {dtype: list(stored_states(dtype)) for dtype in RELATIVE}


def set_gradients(parameters, gradients, dtype):
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = from_numpy(np.array(gradient, dtype=dtype))
        parameter.grad.array.flags.writeable = False  # an optimizer may only read it


def flat(parameters):
    return np.concatenate([parameter.numpy(force=True).ravel() for parameter in parameters])


def close(ours, theirs, scale, dtype, relative=RELATIVE):
    """Compare in relation to the largest value on the way: a value may pass through zero."""
    assert np.abs(ours - theirs).max() <= relative[dtype] * scale


def by_optimizer():
    names = sorted({case["optimizer"] for case in CASES})
    return [(name, dtype) for name in names for dtype in RELATIVE]


@pytest.mark.parametrize(("name", "dtype"), by_optimizer())
def test_sixty_steps_agree_with_pytorch_for_every_option_set(name, dtype):
    for i, case in enumerate(CASES):
        if case["optimizer"] != name:
            continue
        start, gradients = problems.random_problem(case["seed"])
        parameters = [tensor(array, dtype=dtype, requires_grad=True) for array in start]
        optimizer = getattr(optim, name)(parameters, **case["options"])
        theirs = dict(
            zip((*problems.CHECKPOINTS, problems.RESUMED), STORED[f"parameters_{dtype}"][i])
        )
        scale = max(np.abs(rows).max() for rows in theirs.values())
        for step, arrays in enumerate(gradients, 1):
            set_gradients(parameters, arrays, dtype)
            optimizer.step()
            if step in theirs:
                close(flat(parameters), theirs[step], scale, dtype)
            if step == problems.CHECKPOINTS[-1]:
                ours = optimizer.state_dict()["state"]
                for number, entry in STATES[dtype][i].items():
                    assert list(ours[number]) == list(entry)
                    for key, array in entry.items():
                        mine = ours[number][key].numpy()
                        assert mine.shape == array.shape
                        largest = max(np.abs(array).max(), 1.0)
                        close(mine, array, largest, dtype, RELATIVE_OF_STATE)
        assert all(parameter.numpy(force=True).dtype == dtype for parameter in parameters)


@pytest.mark.parametrize(("name", "dtype"), by_optimizer())
def test_a_state_of_pytorch_resumes_here_with_the_same_next_steps(name, dtype):
    shapes = problems.SHAPES
    sizes = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    for i, case in enumerate(CASES):
        if case["optimizer"] != name:
            continue
        after_60, after_63 = STORED[f"parameters_{dtype}"][i][-2:]
        parameters = [
            tensor(piece.reshape(shape), dtype=dtype, requires_grad=True)
            for piece, shape in zip(np.split(after_60, sizes), shapes, strict=True)
        ]
        optimizer = getattr(optim, name)(parameters)
        group = {**optimizer.defaults, **case["options"], "params": [0, 1, 2]}
        for extra in optimizer.extra_options:
            del group[extra]  # PyTorch does not know these
        if "betas" in group:
            group["betas"] = list(group["betas"])  # as JSON has them
        optimizer.load_state_dict({"state": STATES[dtype][i], "param_groups": [group]})
        _, gradients = problems.random_problem(case["seed"])
        for arrays in gradients[60:]:
            set_gradients(parameters, arrays, dtype)
            optimizer.step()
        scale = max(np.abs(after_60).max(), np.abs(after_63).max())
        close(flat(parameters), after_63, scale, dtype)


@pytest.mark.parametrize("case", SCHEDULES, ids=lambda case: case["schedulers"][0][0])
@pytest.mark.filterwarnings("ignore:.*`lr_scheduler.step\\(\\)` before")
def test_schedules_agree_with_pytorch(case):
    groups = [{"params": [tensor([0.0])], "lr": 0.1}, {"params": [tensor([0.0])], "lr": 0.2}]
    optimizer = getattr(optim, case["optimizer"])(groups)
    rows = problems.run_schedule(optim, optimizer, case)
    np.testing.assert_allclose(rows, case["rows"], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("i", range(len(problems.LBFGS_CASES)))
def test_lbfgs_goes_pytorchs_way(i, resume):
    found = problems.run_lbfgs(tinygrad_adam, *problems.LBFGS_CASES[i], resume)
    assert found[3:5] == LBFGS[i][3:5]
    np.testing.assert_allclose(found, LBFGS[i], rtol=1e-6)


@pytest.mark.parametrize("i", range(5))
def test_iris_ends_at_pytorchs_losses(i):
    pytest.importorskip("sklearn")
    losses = problems.train_on_iris(tinygrad_adam, optim, *problems.IRIS_OPTIMIZERS[i])
    assert losses == pytest.approx(IRIS[i], rel=1e-9)


def test_the_stored_numbers_are_small():
    assert (
        sum(path.stat().st_size for path in goldens.FOLDER.iterdir() if path.is_file()) < 1_500_000
    )
