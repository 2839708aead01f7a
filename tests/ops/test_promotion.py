"""Which dtype results from two, and what PyTorch prints: against stored tables."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.ops import printed, promotion


def test_every_pair_of_dtypes_gives_pytorchs():
    wanted = goldens.load("promotion.json")
    found = promotion.table(torch)
    assert {name: dtype for name, dtype in found.items() if wanted[name] != dtype} == {}
    assert found.keys() == wanted.keys()


def test_every_tensor_prints_as_in_pytorch():
    wanted = goldens.load("printed.json")
    assert [repr(torch.from_numpy(x)) for x in printed.arrays()] == wanted


def test_every_option_of_printing_does_as_in_pytorch():
    assert printed.with_options(torch) == goldens.load("printed_options.json")


def test_what_follows_the_numbers():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=<MulBackward0>)"
    assert repr(x.double().detach()) == "tensor([1., 2.], dtype=torch.float64)"
    assert f"{x.sum():.2f}" == "3.00"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{x:.2f}"


@pytest.mark.parametrize("number", [300, -300, float("inf"), float("nan")])
def test_numbers_out_of_range_are_refused(number):
    x = torch.zeros(2, dtype=torch.uint8)
    for write in (x.fill_, lambda v: x.masked_fill(x == 0, v), lambda v: torch.full_like(x, v)):
        with pytest.raises(RuntimeError, match="value cannot be converted to type uint8_t without"):
            write(number)
    with pytest.raises(RuntimeError, match="value cannot be converted"):
        x[0] = number


def test_python_numbers_do_not_promote():
    for dtype in ("float16", "float32", "float64"):
        x = torch.ones(3, dtype=dtype)
        for y in (x * 2.5, 2 - x, x / 3, x**2, x.clamp(0, 1.5), torch.where(x > 0, x, 0.5)):
            assert y.dtype == dtype
    x = torch.ones(3)
    for y in (x * np.float64(2.5), np.float64(2.5) * x, x + np.int64(3)):
        assert isinstance(y, torch.Tensor)
        assert y.dtype == np.float32


def test_empty_parts_of_a_row_count_for_its_dtype():
    row = torch.ones(2, 3)
    assert torch.cat([torch.zeros(0, dtype=torch.float64), row]).dtype == torch.float64
    assert torch.cat([row.long(), torch.zeros(0)]).dtype == torch.float32
    assert torch.cat([row, torch.zeros(0, dtype=torch.int64)]).dtype == torch.float32


@pytest.mark.parametrize(
    ("real", "wanted"), [(torch.float32, torch.complex64), (torch.float64, torch.complex128)]
)
def test_a_complex_number_makes_a_tensor_complex_at_its_own_precision(real, wanted):
    x = torch.ones(2, dtype=real)
    for number in (torch.complex64, torch.complex128):
        assert (x * torch.ones((), dtype=number)).dtype == wanted
    assert (torch.ones((), dtype=real) * torch.ones(2, dtype=torch.complex64)).dtype == np.complex64


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
def test_numbers_that_a_dtype_of_integers_holds(dtype):
    """A negative number wraps round where there is no sign, as in C; others must fit."""
    x, mask = torch.zeros(1, dtype=dtype), torch.tensor([True])
    fitting = {-1: 255, -255: 1, 255: 255} if dtype == torch.uint8 else {-128: -128, 127: 127}
    for number, held in fitting.items():
        for y in (x.masked_fill(mask, number), torch.full((1,), number, dtype=dtype)):
            assert y.item() == held
    for number in (-256, 256) if dtype == torch.uint8 else (-129, 128):
        with pytest.raises(RuntimeError, match=r"cannot be converted to type u?int8_t without ov"):
            x.masked_fill(mask, number)
