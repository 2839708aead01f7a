"""Warnings that PyTorch gives are given, at the line of the program; none of NumPy's gets out."""

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_adam as torch
from tests.nn.cases import CASES
from tests.ops.table import ROWS
from tinygrad_adam import nn, optim
from tinygrad_adam.nn import functional, utils

VECTOR = torch.ones(3)
MATRIX = torch.ones(2, 3)
CUBE = torch.ones(2, 3, 4)


def read_only(values):
    array = np.array(values)
    array.flags.writeable = False
    return array


def used_up():
    parameters = nn.Linear(1, 1).parameters()
    optim.SGD(parameters, lr=0.1)
    return parameters


def cubes():
    x = torch.ones(3, requires_grad=True)
    return x, (x**3).sum()


def scheduled(order, replaced=False):
    """Call "o", the optimizer's step, and "s", the scheduler's, in an order."""
    parameter = nn.Parameter(torch.ones(1))
    optimizer = optim.SGD([parameter], lr=0.1)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
    if replaced:
        optimizer.step = lambda: None
    for letter in order:
        (optimizer if letter == "o" else scheduler).step()


TRANSPOSED = "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is depr"
IDENTITY = "deprecated on 0-D tensors. This function is the identity in these cases."
COPY = "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone()"
READ_ONLY = "The given NumPy array is not writable, and PyTorch does not support non-writable"
GRID = "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument."
CLIP = "`parameters` is an empty generator, no gradient clipping will occur."
CYCLE = "Using backward() with create_graph=True will create a reference cycle between the par"
ORDER = "Detected call of `lr_scheduler.step()` before `optimizer.step()`."
REPLACED = "Seems like `optimizer.step()` has been overridden after learning rate scheduler init"
RESIZED = "An output with one or more elements was resized since it had shape"

GIVEN = {
    "size_average": (
        lambda: nn.functional.mse_loss(VECTOR, VECTOR, size_average=True),
        "size_average and reduce args will be deprecated",
    ),
    "T of 0 dimensions": (lambda: torch.tensor(1.0).T, f"Tensor.T is {IDENTITY}"),
    "T of 1 dimension": (lambda: VECTOR.T, TRANSPOSED),
    "T of 3 dimensions": (lambda: CUBE.T, TRANSPOSED),
    "mT of 0 dimensions": (lambda: torch.tensor(1.0).mT, f"Tensor.mT is {IDENTITY}"),
    "tensor of a tensor": (lambda: torch.tensor(VECTOR), COPY),
    "tensor of a number": (lambda: torch.tensor(VECTOR[0], dtype=torch.float64), COPY),
    "tensor of a parameter": (lambda: torch.tensor(nn.Parameter(VECTOR)), COPY),
    "new_tensor of a tensor": (lambda: VECTOR.new_tensor(VECTOR), COPY),
    "from_numpy": (lambda: torch.from_numpy(read_only([1.0])), READ_ONLY),
    "from_numpy of nothing": (lambda: torch.from_numpy(read_only([])), READ_ONLY),
    "from_numpy of bytes": (lambda: torch.from_numpy(np.frombuffer(b"1", np.uint8)), READ_ONLY),
    "from_numpy broadcast": (
        lambda: torch.from_numpy(np.broadcast_to(np.ones(1), (3,))), READ_ONLY
    ),
    "as_tensor": (lambda: torch.as_tensor(read_only([1.0])), READ_ONLY),
    "as_tensor, cast": (lambda: torch.as_tensor(read_only([1.0]), torch.float32), READ_ONLY),
    "meshgrid": (lambda: torch.meshgrid(VECTOR, VECTOR), GRID),
    "meshgrid of a list": (lambda: torch.meshgrid([VECTOR, VECTOR]), GRID),
    "meshgrid, None": (lambda: torch.meshgrid(VECTOR, indexing=None), GRID),
    "clipping": (lambda: utils.clip_grad_norm_(used_up(), 1.0), CLIP),
    "clipping, maximum": (lambda: utils.clip_grad_norm_(used_up(), 1.0, np.inf), CLIP),
    "clipping of values": (lambda: utils.clip_grad_value_(used_up(), 1.0), CLIP),
    "backward": (lambda: cubes()[1].backward(create_graph=True), CYCLE),
    "autograd.backward": (lambda: torch.autograd.backward(cubes()[1], None, None, True), CYCLE),
    "backward to inputs": (
        lambda: (lambda x, y: y.backward(create_graph=True, inputs=[x]))(*cubes()), CYCLE
    ),
    "backward_steps": (lambda: list(cubes()[1].backward_steps(create_graph=True)), CYCLE),
    "scheduler first": (lambda: scheduled("so"), ORDER),
    "scheduler alone": (lambda: scheduled("ss"), ORDER),
    "step replaced": (lambda: scheduled("os", replaced=True), REPLACED),
    "out=": (lambda: torch.add(VECTOR, 1, out=torch.empty(2)), RESIZED),
    "out= of a sum": (lambda: torch.exp(MATRIX, out=torch.empty(3)), RESIZED),
}  # fmt: skip

SILENT = {
    "T of a matrix": lambda: MATRIX.T,
    "mT": lambda: CUBE.mT,
    "tensor of numbers in tensors": lambda: torch.tensor([VECTOR[0], VECTOR[1]]),
    "tensor of an array": lambda: torch.tensor(read_only([1.0])),
    "as_tensor of a tensor": lambda: torch.as_tensor(VECTOR, dtype=torch.float64),
    "from_numpy": lambda: torch.from_numpy(np.ones(3)),
    "new_tensor": lambda: VECTOR.new_tensor([1.0]),
    "meshgrid": lambda: torch.meshgrid(VECTOR, VECTOR, indexing="ij"),
    "clipping of an empty list": lambda: utils.clip_grad_norm_([], 1.0),
    "clipping without gradients": lambda: utils.clip_grad_norm_(nn.Linear(1, 1).parameters(), 1.0),
    "clipping of an iterator": lambda: utils.clip_grad_norm_(iter([]), 1.0),
    "grad": lambda: (lambda x, y: torch.autograd.grad(y, x, create_graph=True))(*cubes()),
    "backward": lambda: cubes()[1].backward(),
    "the right order": lambda: scheduled("osos"),
    "out= of the right shape": lambda: torch.add(VECTOR, 1, out=torch.empty(3)),
    "out= of no shape yet": lambda: torch.add(VECTOR, 1, out=torch.empty(0)),
}


@pytest.mark.parametrize("program", GIVEN)
def test_given_at_the_line_of_the_program(program):
    call, text = GIVEN[program]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert [(type(w.message), w.filename) for w in caught] == [(UserWarning, __file__)]
    assert str(caught[0].message).startswith(text)


@pytest.mark.parametrize("program", SILENT)
def test_silent(program):
    SILENT[program]()


def test_a_step_replaced_before_is_all_right():
    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    optimizer.step = lambda: None
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
    optimizer.step()
    scheduler.step()
    assert "_known_step" not in repr(scheduler.state_dict())


# --- none of NumPy's -----------------------------------------------------------------------------

# What an operation may say about odd numbers and sizes, but never a warning of NumPy's.
ERRORS = RuntimeError, ValueError, IndexError, TypeError, NotImplementedError
ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-40])


def odd_numbers(array):
    if array.dtype.kind != "f":
        return array
    return np.resize(ODD, array.shape).astype(array.dtype)


def without_rows(array):
    return array[:0] if array.ndim else array


def without_columns(array):
    return array[..., :0] if array.ndim else array


def empty(array):
    return array[(slice(0, 0),) * array.ndim]


def differentiate(results, leaves):
    results = [y for y in results if isinstance(y, torch.Tensor) and y.requires_grad]
    repr(results)
    if not (results and leaves):
        return
    ones = [torch.ones_like(y) for y in results]
    first = torch.autograd.grad(results, leaves, ones, create_graph=True, allow_unused=True)
    again = [g for g in first if g is not None and g.requires_grad]
    if again:
        ones = [torch.ones_like(g) for g in again]
        torch.autograd.grad(again, leaves, ones, allow_unused=True)


def as_leaf(array, change):
    with np.errstate(all="ignore"):
        array = change(array).astype(np.float32 if array.dtype.kind == "f" else array.dtype)
    return torch.tensor(array, requires_grad=array.dtype.kind == "f")


changed = pytest.mark.parametrize("change", [odd_numbers, without_rows, without_columns, empty])


@pytest.mark.filterwarnings("ignore::UserWarning")
@changed
def test_no_operation_lets_one_out(change):
    for row in ROWS:
        if "nuc" in row.expression:
            continue  # LAPACK itself writes about NaN to the terminal
        leaves = {name: as_leaf(array, change) for name, array in row.arrays().items()}
        try:
            results = row.run(torch, leaves)
            differentiate(results, [x for x in leaves.values() if x.requires_grad])
        except ERRORS:
            continue
        except RuntimeWarning as leaked:
            pytest.fail(f"{row.name}: {leaked}")


@pytest.mark.filterwarnings("ignore::UserWarning")
@changed
def test_no_layer_lets_one_out(change):
    for name, case in CASES.items():
        tensors = [as_leaf(array, change) for array in case.inputs]
        try:
            results = case.compute(torch, nn, functional, *tensors)
            results = results if isinstance(results, tuple) else (results,)
            differentiate(results, [x for x in tensors if x.requires_grad])
        except (*ERRORS, AssertionError):
            continue
        except RuntimeWarning as leaked:
            pytest.fail(f"{name}: {leaked}")


NORMS = [
    (nn.GroupNorm(2, 4), (2, 4, 3, 3)),
    (nn.GroupNorm(4, 4, affine=False), (2, 4, 3)),
    (nn.LayerNorm((3, 4)), (2, 3, 4)),
    (nn.BatchNorm1d(4), (2, 4, 3)),
    (nn.BatchNorm2d(4), (2, 4, 3, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), NORMS, ids=[str(layer) for layer, _ in NORMS])
def test_normalization_of_nothing(layer, shape):
    for kept in itertools.product((True, False), repeat=len(shape)):
        sizes = [size if keep else 0 for size, keep in zip(shape, kept)]
        x = torch.ones(sizes, requires_grad=True)
        try:
            y = layer(x)
        except ERRORS:
            continue
        assert y.shape == x.shape
        y.sum().backward()
        assert x.grad.shape == x.shape
        assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_printing_lets_none_out():
    assert "e+300" in repr(torch.tensor([1e300, 1e-300, np.nan, -np.inf], dtype=torch.float64))


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.Adagrad, optim.RMSprop])
@pytest.mark.parametrize("value", ODD.tolist())
def test_no_optimizer_lets_one_out(kind, value):
    for options in ({}, {"lr": 1e30}, {"weight_decay": 0.1}):
        for shape in ((3,), (), (0,)):
            parameter = nn.Parameter(torch.ones(shape))
            parameter.grad = torch.full(shape, value)
            optimizer = kind([parameter], **{"lr": 0.1, **options})
            optimizer.step()
            optimizer.moments(parameter)
            for norm_type in (0.0, 1.0, 2.0, 3.0, np.inf):
                utils.clip_grad_norm_([parameter], 1.0, norm_type)
