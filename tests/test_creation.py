"""Making tensors: sizes in every form, which dtypes are filled at random, seeds."""

import collections
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import init

T = torch.tensor

MAKE = {
    "zeros": lambda size: torch.zeros(size),
    "zeros_by_name": lambda size: torch.zeros(size=size),
    "ones": lambda size: torch.ones(size),
    "empty": lambda size: torch.empty(size),
    "rand": lambda size: torch.rand(size),
    "randn": lambda size: torch.randn(size),
    "full": lambda size: torch.full(size, 1.0),
    "randint": lambda size: torch.randint(3, size),
    "new_zeros": lambda size: torch.ones(1).new_zeros(size),
    "new_ones": lambda size: torch.ones(1).new_ones(size),
    "new_full": lambda size: torch.ones(1).new_full(size, 1),
    "view": lambda size: torch.arange(2.0).view(size),
    "reshape": lambda size: torch.arange(2.0).reshape(size),
    "expand": lambda size: torch.ones(1, 1).expand(size),
    "repeat": lambda size: torch.ones(1, 1).repeat(size),
    "broadcast_to": lambda size: torch.broadcast_to(torch.ones(1, 1), size),
    "tile": lambda size: torch.ones(1, 1).tile(size),
    "unflatten": lambda size: torch.arange(2.0).unflatten(0, size),
    "sum_to_size": lambda size: torch.ones(2, 1).sum_to_size(size),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize(
    "size",
    [(2, 1), [2, 1], torch.Size([2, 1]), (T(2), 1), [np.int64(2), T(1, dtype=torch.int8)],
     (np.array(2), T([1]))],
)  # fmt: skip
def test_sizes_that_are_read(make, size):
    assert make(size).shape == (2, 1)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize(
    "size",
    [T([2, 1]), T([2.0, 1.0]), T(2.0), T(True), np.array([2, 1]), (T([2, 1]), 1), (T(2.0), 1),
     (np.array([2]), 1), 2.0, (2, 1.0), True, (True, 2), "2", (None, 2), {2, 1},
     collections.deque([2, 1]), ((2, 1),)],
)  # fmt: skip
def test_sizes_that_are_refused(make, size):
    """StopIteration would end a loop around the call without a word."""
    with pytest.raises(TypeError, match=r"must be tuple of ints, (not|but found element of type)"):
        list(map(make, [size]))


DIMS = {
    "permute": lambda dims: torch.ones(2, 3).permute(dims),
    "flip": lambda dims: torch.ones(2, 3).flip(dims),
    "roll": lambda dims: torch.ones(2, 3).roll((1, 1), dims),
    "split": lambda sizes: torch.ones(3).split(sizes),
}


@pytest.mark.parametrize("call", DIMS.values(), ids=DIMS)
@pytest.mark.parametrize("dims", [T([0, 1]), np.array([0, 1]), (0, 1.0), (T(1.0), 0), "01"])
def test_dimensions_that_are_refused(call, dims):
    with pytest.raises(TypeError, match="must be tuple of ints"):
        call(dims)


@pytest.mark.parametrize(
    "call",
    [torch.eye, torch.randperm, lambda n: torch.linspace(0, 1, n),
     lambda n: torch.ones(3).narrow(0, 0, n),
     lambda n: torch.ones(3).chunk(n)[:2], lambda n: torch.ones(3, 3).tril(n)],
)  # fmt: skip
def test_one_integer(call):
    for number in (T(2), T([2]), np.int8(2), np.array(2)):
        assert len(call(number)) == len(call(2))
    for wrong in (T([2, 1]), T(2.0), np.array([2, 1]), 2.0, True, T(True), None):
        with pytest.raises(TypeError, match="must be int, not"):
            call(wrong)


@pytest.mark.parametrize("make", [torch.zeros, torch.rand, torch.ones(1).new_ones, torch.Tensor])
def test_sizes_that_cannot_be(make):
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        make(2, -1)
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed with sizes="):
        make(2, 4, 2**29, 2**29)
    with pytest.raises(TypeError, match="Overflow when unpacking long long"):
        make(2**70)


def test_the_class_takes_data_or_a_shape():
    assert torch.Tensor(2, 3).shape == (2, 3)
    assert torch.Tensor(torch.Size([2, 3])).shape == (2, 3)
    assert torch.Tensor(np.int64(2)).shape == torch.Tensor(np.array(2)).shape == (2,)
    assert torch.Tensor().shape == (0,)
    assert torch.Tensor((2, 3)).tolist() == [2.0, 3.0]
    assert torch.Tensor(np.arange(2)).tolist() == [0.0, 1.0]
    assert torch.Tensor(T(3)).tolist() == 3.0
    for wrong in (None, [None], [1.0, "a"], {1}, True):
        with pytest.raises(TypeError):
            torch.Tensor(wrong)


def test_linspace_to_a_complex_number():
    made = torch.linspace(0, 1j, 3)
    assert (made.dtype, made.tolist()) == (torch.complex64, [0j, 0.5j, 1j])


# --- random numbers ------------------------------------------------------------------------------

FILL = {
    "normal_": lambda x: x.normal_(),
    "uniform_": lambda x: x.uniform_(1, 5),
    **{
        name: getattr(init, name)
        for name in ("normal_", "uniform_", "trunc_normal_", "xavier_normal_", "xavier_uniform_",
                     "kaiming_normal_", "kaiming_uniform_", "orthogonal_")
    },
    "bernoulli": torch.bernoulli,
    "rand_like": torch.rand_like,
    "randn_like": torch.randn_like,
}  # fmt: skip


@pytest.mark.parametrize("fill", [*FILL.values(), lambda x: x.normal_(), lambda x: x.uniform_()])
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool"])
def test_real_numbers_are_not_drawn_into_integers(fill, dtype):
    x = torch.ones(3, 3, dtype=dtype)
    with pytest.raises(NotImplementedError, match="not implemented for"):
        fill(x)
    assert x.equal(torch.ones(3, 3, dtype=dtype))


@pytest.mark.parametrize("fill", FILL.values(), ids=FILL)
def test_and_are_into_every_floating_point_type(fill):
    for dtype in ("float16", "float32", "float64"):
        assert fill(torch.ones(3, 3, dtype=dtype)).dtype == np.dtype(dtype)


def test_integers_are_filled_with_integers():
    x = torch.zeros(2, dtype=torch.int64)
    assert init.constant_(x, 2.7).tolist() == [2, 2]
    assert init.constant_(x, T(3)).tolist() == [3, 3]
    assert set(x.bernoulli_().tolist()) <= {0, 1}
    for wrong, kind in ((np.nan, RuntimeError), (2**70, RuntimeError), ("a", TypeError)):
        with pytest.raises(kind):
            init.constant_(x, wrong)


def test_a_range_of_integers_that_the_dtype_does_not_hold():
    for low, high, dtype in ((0, 300, "uint8"), (-1, 3, "uint8"), (0, 3, "bool"), (0, 300, "int8")):
        with pytest.raises(RuntimeError, match=r"(from|to - 1) is out of bounds for"):
            torch.randint(low, high, (2,), dtype=dtype)
    for wrong in (2.5, True, T(1.0)):
        with pytest.raises(TypeError, match="must be int, not"):
            torch.randint(0, wrong, (2,))
    assert torch.randint(T(0), T(1), (2,)).tolist() == [0, 0]


def test_a_process_without_a_seed_differs_from_the_next():
    program = "import tinygrad_adam as t; print(t.initial_seed(), t.rand(1).item())"
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    first, second = (run.stdout.split() for run in runs)
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert torch.Generator().initial_seed() == torch.Generator().initial_seed()
