"""Dtypes: what PyTorch's are asked, in NumPy's place and beside it."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_adam as torch

NAMES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_dtype_is_one_object_that_stands_for_numpys(name):
    dtype, of_numpy = getattr(torch, name), np.dtype(name)
    x = torch.ones(2, dtype=dtype)
    assert x.dtype is dtype is torch.dtype(name)
    assert x.array.dtype is np.dtype(dtype) is of_numpy
    assert dtype == of_numpy == dtype == name
    assert dtype == of_numpy.type
    assert [dtype != of_numpy, of_numpy != dtype] == [False, False]
    assert {dtype: 1}[of_numpy] == {of_numpy: 1}[dtype] == 1
    assert str(dtype) == repr(dtype) == f"torch.{name}"
    assert pickle.loads(pickle.dumps(dtype)) is copy.deepcopy(dtype) is dtype
    assert (dtype.kind, dtype.char, dtype.type) == (of_numpy.kind, of_numpy.char, of_numpy.type)
    for made in (np.zeros(2, dtype), torch.zeros(2, dtype=dtype), torch.ones(2).to(dtype)):
        assert made.dtype == dtype
    assert x.view(dtype).dtype is dtype
    assert np.asarray(x, dtype=torch.complex128).dtype == np.complex128


def test_dtypes_differ_from_all_else():
    for other in (torch.float64, np.float64, None, 3, "nonsense", torch.ones(2), torch.bfloat16):
        assert torch.float32 != other
    assert np.dtype("float32") != torch.float64
    assert torch.as_tensor(np.ones(2, ">f4")).dtype is torch.float32


def test_what_a_dtype_tells():
    asked = ("is_floating_point", "is_complex", "is_signed", "itemsize", "abbr")
    told = {name: [getattr(getattr(torch, name), what) for what in asked] for name in NAMES}
    assert told["float16"] == [True, False, True, 2, "f16"]
    assert told["complex128"] == [False, True, True, 16, "c128"]
    assert told["uint8"] == [False, False, False, 1, "u8"]
    assert told["bool"] == [False, False, False, 1, "b8"]
    assert told["int64"] == [False, False, True, 8, "i64"]
    assert torch.complex64.to_real() is torch.float32
    assert torch.int8.to_real() is torch.int8
    assert torch.float64.to_complex() is torch.complex128.to_complex() is torch.complex128
    for dtype, name in ((torch.int8, "Char"), (torch.bool, "Bool")):
        with pytest.raises(RuntimeError, match=f"Unknown Complex ScalarType for {name}"):
            dtype.to_complex()


def test_bfloat16_has_a_name_and_no_tensors():
    dtype = torch.bfloat16
    assert (str(dtype), dtype.itemsize, dtype.is_floating_point) == ("torch.bfloat16", 2, True)
    assert pickle.loads(pickle.dumps(dtype)) is dtype
    x = torch.ones(2)
    for use in (
        lambda: torch.zeros(2, dtype=dtype),
        lambda: x.to(dtype),
        lambda: x.sum(dtype=dtype),
        lambda: torch.nn.Linear(2, 2).to(dtype),
        lambda: torch.zeros_like(x, dtype=dtype),
        lambda: x.view(dtype),
    ):
        with pytest.raises(TypeError, match=r"bfloat16 are not here.*\n.*float32"):
            use()
