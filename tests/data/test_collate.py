"""default_collate and default_convert. The dtypes and types are those that PyTorch 2.13 gives."""

from collections import OrderedDict, UserDict, UserList, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

from tinygrad_adam.creation import from_numpy
from tinygrad_adam.data import default_collate, default_convert
from tinygrad_adam.tensor import Tensor

Point = namedtuple("Point", ["x", "name"])


@pytest.mark.parametrize(
    ("batch", "values", "dtype"),
    [
        ([1, 2], [1, 2], "int64"),
        ([True, False], [True, False], "bool"),
        ([True, 2], [1, 2], "int64"),
        ([0.1, 2], [0.1, 2.0], "float64"),
        ([1, 2.5], [1.0, 2.5], "float32"),
        ([np.float32(1), np.float32(2)], [1.0, 2.0], "float32"),
        ([np.float64(0.1)], [0.1], "float64"),
        ([np.int32(1)], [1], "int32"),
        ([np.bool_(True)], [True], "bool"),
        ([np.array([1, 2], np.int8), np.array([3, 4], np.int8)], [[1, 2], [3, 4]], "int8"),
        ([np.array(1.5), np.array(2.5)], [1.5, 2.5], "float64"),
    ],
)
def test_numbers_and_arrays_become_a_tensor(batch, values, dtype):
    result = default_collate(batch)
    assert isinstance(result, Tensor)
    assert result.dtype == np.dtype(dtype)
    assert result.tolist() == values


def test_tensors_are_stacked():
    result = default_collate([from_numpy(np.full((2, 3), i, np.float16)) for i in range(4)])
    assert result.shape == (4, 2, 3)
    assert result.dtype == np.float16
    assert result.numpy()[:, 1, 2].tolist() == [0, 1, 2, 3]


def test_a_batch_does_not_share_memory_with_its_sample():
    sample = from_numpy(np.zeros(3, np.float32))
    default_collate([sample]).numpy()[:] = 1
    assert sample.tolist() == [0, 0, 0]


def test_strings_stay():
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a"]) == [b"a"]
    assert default_collate([np.str_("a")]) == ["a"]


def test_tuples_become_a_list_of_fields():
    result = default_collate([(1, "a", [0.5]), (2, "b", [1.5])])
    assert type(result) is list
    assert result[0].tolist() == [1, 2]
    assert result[1] == ("a", "b")
    assert type(result[2]) is list
    assert result[2][0].tolist() == [0.5, 1.5]


def test_named_tuples_stay_named():
    result = default_collate([Point(1, "a"), Point(2, "b")])
    assert type(result) is Point
    assert result.x.tolist() == [1, 2]
    assert result.name == ("a", "b")


@pytest.mark.parametrize("kind", [dict, OrderedDict, UserDict])
def test_mappings_keep_their_type_and_order(kind):
    samples = [kind([("b", 1), ("a", {"deep": 2})]), kind([("b", 3), ("a", {"deep": 4})])]
    result = default_collate(samples)
    assert type(result) is kind
    assert list(result) == ["b", "a"]
    assert result["b"].tolist() == [1, 3]
    assert result["a"]["deep"].tolist() == [2, 4]
    assert samples[0]["b"] == 1


def test_mappings_that_are_hard_to_rebuild():
    result = default_collate([defaultdict(list, a=1), defaultdict(list, a=2)])
    assert result.default_factory is list
    assert result["a"].tolist() == [1, 2]
    assert default_collate([MappingProxyType({"a": 1})])["a"].tolist() == [1]


def test_other_sequences():
    assert type(default_collate([UserList([1, 2]), UserList([3, 4])])) is UserList
    fields = default_collate([range(2), range(2)])
    assert [field.tolist() for field in fields] == [[0, 0], [1, 1]]
    samples = [[1, 2], [3, 4]]
    assert [field.tolist() for field in default_collate(samples)] == [[1, 3], [2, 4]]
    assert samples == [[1, 2], [3, 4]]


@pytest.mark.parametrize("sample", [None, 1j, {1, 2}, object(), np.array(["a"]), np.array([None])])
def test_what_cannot_be_collated_is_named(sample):
    with pytest.raises(TypeError, match=r"default_collate: batch must contain tensors.*; found"):
        default_collate([sample, sample])


def test_uneven_samples():
    with pytest.raises(RuntimeError, match=r"should be of equal size\n.*\[2, 1\]"):
        default_collate([[1, 2], [3]])
    with pytest.raises(RuntimeError, match=r"stack expects each tensor to be equal size"):
        default_collate([np.zeros(3), np.zeros(4)])
    with pytest.raises(KeyError):
        default_collate([{"a": 1}, {"b": 1}])


def test_default_convert_leaves_numbers_alone():
    array = np.arange(3)
    result = default_convert({"a": (array, 1), "b": Point(array, "x"), "c": [array, None]})
    assert type(result["a"]) is list
    assert isinstance(result["a"][0], Tensor)
    assert result["a"][1] == 1
    assert type(result["b"]) is Point
    assert result["b"].x.tolist() == [0, 1, 2]
    assert result["b"].name == "x"
    assert isinstance(result["c"][0], Tensor)
    assert result["c"][1] is None
    assert default_convert(np.array(["a"])).tolist() == ["a"]
    assert default_convert("abc") == "abc"
    assert default_convert(np.float32(1.5)).dtype == np.float32
