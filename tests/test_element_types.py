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
    for wrong in ("S3", "nonsense", 3):
        with pytest.raises(TypeError):
            torch.dtype(wrong)
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
        x.bfloat16,
        torch.nn.Linear(2, 2).bfloat16,
        lambda: torch.set_default_dtype(dtype),
    ):
        with pytest.raises(TypeError, match=r"bfloat16 are not here.*\n.*float32"):
            use()


def test_limits():
    assert repr(torch.finfo(torch.float16)) == (
        "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, "
        "smallest_normal=6.10352e-05, tiny=6.10352e-05, dtype=float16)"
    )
    assert repr(torch.iinfo(torch.int32)) == "iinfo(min=-2.14748e+09, max=2.14748e+09, dtype=int32)"
    for dtype in (torch.float16, torch.float32, torch.float64):
        found, numpys = torch.finfo(dtype), np.finfo(dtype)
        assert (found.max, found.min, found.eps, found.tiny, found.bits, found.dtype) == (
            numpys.max, numpys.min, numpys.eps, numpys.tiny, numpys.bits, dtype.name,
        )  # fmt: skip
        assert type(found.max) is float
    assert torch.finfo() == torch.finfo(torch.complex64) != torch.finfo(float)
    assert (torch.finfo(torch.bfloat16).max, torch.finfo(torch.bfloat16).eps) == (
        3.3895313892515355e38,
        0.0078125,
    )
    assert [(torch.iinfo(d).min, torch.iinfo(d).max) for d in (torch.uint8, int)] == [
        (0, 255),
        (-(2**63), 2**63 - 1),
    ]
    for ask, message in (
        (lambda: torch.finfo(torch.int32), "requires a floating point input type. Use torch.iinfo"),
        (lambda: torch.iinfo(torch.float32), "requires an integer input type. Use torch.finfo"),
        (lambda: torch.iinfo(torch.bool), "torch.bool is not supported by torch.iinfo"),
        (lambda: torch.finfo("float32"), "must be torch.dtype, not str"),
    ):
        with pytest.raises(TypeError, match=message):
            ask()


@pytest.fixture
def defaults():
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)


def test_the_default_dtype(defaults):
    assert torch.get_default_dtype() is torch.float32
    torch.set_default_dtype(torch.float64)
    integers = torch.arange(3)
    for made in (
        torch.tensor(1.5),
        torch.ones(2),
        torch.Tensor([1]),
        torch.rand(2),
        torch.arange(2.0),
        integers / 2,
        integers * 2.5,
        integers.sqrt(),
        integers.logsumexp(0),
        torch.nn.Linear(2, 2).weight,
    ):
        assert made.dtype is torch.float64
    assert torch.tensor(1j).dtype is torch.complex128
    assert (torch.ones(2, dtype=torch.float32) * 2.5).dtype is torch.float32
    assert repr(torch.ones(1)) == "tensor([1.])"
    assert repr(torch.ones(1).float()) == "tensor([1.], dtype=torch.float32)"
    assert torch.ones(1).type("torch.Tensor").dtype is torch.float64
    torch.set_default_tensor_type(torch.HalfTensor)
    assert torch.get_default_dtype() is torch.float16
    torch.set_default_tensor_type("torch.FloatTensor")
    assert torch.get_default_dtype() is torch.float32
    for wrong in (torch.int64, float, "float64"):
        with pytest.raises(TypeError, match="only floating-point types are supported"):
            torch.set_default_dtype(wrong)
    for wrong in (torch.LongTensor, torch.float64):
        with pytest.raises(TypeError, match="only floating-point types are supported"):
            torch.set_default_tensor_type(wrong)
    with pytest.raises(TypeError, match=r"type torch\.cuda\.FloatTensor not available"):
        torch.set_default_tensor_type("torch.cuda.FloatTensor")


def test_which_dtype_results():
    x = torch.ones(2)
    assert torch.result_type(x, 1) is torch.result_type(x, torch.tensor(1.0).double()) is x.dtype
    assert torch.result_type(1, 2.5) is torch.float32
    assert torch.result_type(x.long(), np.float64(1)) is torch.float32
    assert torch.result_type(x.int(), x.long()) is torch.promote_types(int, torch.int8)
    assert torch.promote_types(torch.uint8, torch.int8) is torch.int16
    assert torch.can_cast(torch.float64, torch.float32)
    assert not torch.can_cast(float, int)
    for ask in (
        lambda: torch.result_type(x, "a"),
        lambda: torch.promote_types(torch.float32, 3),
        lambda: torch.can_cast("float32", int),
    ):
        with pytest.raises(TypeError, match=r"must be (Tensor|torch.dtype), not (str|int)"):
            ask()


def test_what_a_tensor_tells_of_its_dtype():
    x = torch.ones(1)
    assert [torch.is_floating_point(x), torch.is_complex(x), x.is_signed()] == [True, False, True]
    assert [x.byte().is_signed(), x.bool().is_signed(), x.is_cpu, x.is_mps] == [False] * 2 + [
        True,
        False,
    ]
    assert (x.cfloat().dtype, x.cdouble().dtype) == (torch.complex64, torch.complex128)
    assert [torch.is_nonzero(x), (x - 1).is_nonzero()] == [True, False]
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is"):
        torch.is_nonzero(torch.ones(2))


TYPES = {
    "HalfTensor": "float16",
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "ByteTensor": "uint8",
    "CharTensor": "int8",
    "ShortTensor": "int16",
    "IntTensor": "int32",
    "LongTensor": "int64",
    "BoolTensor": "bool",
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_tensors(name):
    kind, dtype = getattr(torch, name), getattr(torch, TYPES[name])
    on_gpu = getattr(torch.cuda, name)
    for x in (kind([1, 0]), kind((1, 0)), kind(np.array([1.0, 0.0])), kind(range(1, -1, -1))):
        assert (x.dtype, x.tolist()) == (dtype, [1, 0])
        assert isinstance(x, kind)
        assert not isinstance(x, on_gpu)
        assert x.type() == f"torch.{name}"
        assert kind(x).data_ptr() == x.data_ptr()
    assert kind(2, 3).shape == kind(torch.Size([2, 3])).shape == kind(size=(2, 3)).shape == (2, 3)
    assert kind().shape == (0,)
    assert str(kind) == f"<class 'torch.{name}'>"
    assert (str(on_gpu), on_gpu.is_cuda) == (f"<class 'torch.cuda.{name}'>", True)
    assert pickle.loads(pickle.dumps([kind, on_gpu])) == [kind, on_gpu]
    x = torch.tensor([3.0, 0.0])
    for other in (kind, f"torch.{name}", dtype, TYPES[name]):
        assert x.type(other).dtype is x.type_as(kind(1)).dtype is dtype
    assert not isinstance(3, kind)


def test_types_of_tensors_refuse():
    x = torch.ones(2)
    assert x.type("torch.FloatTensor") is x.type(torch.Tensor) is x
    assert torch.tensor([1j]).type() == "torch.ComplexFloatTensor"
    assert torch.nn.Parameter(x).type() == "torch.FloatTensor"
    assert torch.nn.Linear(1, 1).type("torch.DoubleTensor").bias.type() == "torch.DoubleTensor"
    assert torch.ByteTensor([-1]).tolist() == [255]
    assert torch.LongTensor([1.7]).tolist() == [1]
    for call, kind, message in (
        (lambda: torch.LongTensor(x), TypeError, r"expected TensorOptions\(dtype=long int"),
        (lambda: torch.LongTensor(2.5), TypeError, r"data must be a sequence \(got float\)"),
        (lambda: torch.Tensor(None), TypeError, r"data must be a sequence \(got NoneType\)"),
        (lambda: torch.FloatTensor("a"), TypeError, "invalid data type 'str'"),
        (lambda: torch.ByteTensor([256]), RuntimeError, "without overflow"),
        (lambda: torch.FloatTensor([1], device="cuda"), RuntimeError, "legacy constructor expects"),
        (lambda: torch.cuda.FloatTensor([1]), RuntimeError, "device 'cuda' needs"),
        (lambda: x.type(torch.cuda.LongTensor), RuntimeError, "device 'cuda' needs"),
        (lambda: x.type("torch.FooTensor"), ValueError, "invalid type: 'torch.FooTensor'"),
        (lambda: x.type("LongTensor"), ValueError, "invalid type: 'LongTensor'"),
        (lambda: x.type(3), TypeError, "dtype must be a"),
        (lambda: x.to(torch.LongTensor), TypeError, "dtype must be a"),
    ):
        with pytest.raises(kind, match=message):
            call()
