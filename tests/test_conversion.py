"""What becomes of data that users give: dtype, shape and numbers, or PyTorch's error."""

import array
import collections
import enum

import numpy as np
import pytest

import tinygrad_adam as torch


class Pair:
    """A sequence of a user's: it has elements and a length."""

    def __init__(self, *elements):
        self.elements = elements

    def __len__(self):
        return len(self.elements)

    def __getitem__(self, i):
        return self.elements[i]


class Three:
    """Something that counts as an integer."""

    def __index__(self):
        return 3


Color = enum.IntEnum("Color", "RED GREEN")
double = torch.tensor(1.5, dtype=torch.float64)


@pytest.mark.parametrize(
    ("data", "dtype", "expected"),
    [
        # tensors in sequences are numbers, of whatever shape their one element has
        ([torch.tensor(1.0), 2], "float32", [1, 2]),
        ([torch.tensor([1]), torch.tensor([[2]])], "int64", [1, 2]),
        ([2, torch.tensor([1.0])], "float32", [2, 1]),
        ([double, 2], "float64", [1.5, 2]),
        ([torch.tensor(1, dtype=torch.int8)], "int8", [1]),
        ([[1, 2], torch.tensor([3, 4])], "int64", [[1, 2], [3, 4]]),
        # sequences of every make
        (collections.deque([1, 2]), "int64", [1, 2]),
        ([collections.deque([1, 2]), (3, 4)], "int64", [[1, 2], [3, 4]]),
        (array.array("f", [1, 2]), "float32", [1, 2]),
        (array.array("b", [1, 2]), "int64", [1, 2]),
        (Pair(Pair(1, 2), Pair(3, 4)), "int64", [[1, 2], [3, 4]]),
        (bytearray(b"ab"), "int64", [97, 98]),
        ([range(2), range(2, 4)], "int64", [[0, 1], [2, 3]]),
        (Pair(), "float32", []),
        ([[], []], "float32", [[], []]),
        # NumPy's numbers keep their dtypes, and are promoted with the others
        ([np.float32(1), np.float64(2)], "float64", [1, 2]),
        ([[1, 2], np.zeros(2)], "float64", [[1, 2], [0, 0]]),
        ([np.zeros(2, "f"), np.ones(2, int)], "float32", [[0, 0], [1, 1]]),
        ([np.zeros((0, 3), "f")], "float32", np.zeros((1, 0, 3))),
        ([np.array(1.5), 2], "float64", [1.5, 2]),
        # integers of any size beside a float
        ([1.0, 2**70], "float32", [1, 2**70]),
        ([[-(2**70)], [True], [0.5]], "float32", [[-(2**70)], [1], [0.5]]),
        ([2**64, 1j], "complex64", [2**64, 1j]),
        ([True, 2], "int64", [1, 2]),
        (Color.GREEN, "int64", 2),
        ([Color.RED, 0.5], "float32", [1, 0.5]),
    ],
)
def test_dtype_shape_and_numbers(data, dtype, expected):
    made = torch.tensor(data)
    assert made.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(made.array, np.asarray(expected, dtype))
    assert made.shape == np.shape(expected)


@pytest.mark.parametrize(
    ("data", "dtype", "expected"),
    [
        ([1.9, -1.9], "int64", [1, -1]),
        ([2**53 + 1, 0.5], "int64", [2**53 + 1, 0]),
        ([2**70], "float64", [2.0**70]),
        ([2**70, 0], "bool", [True, False]),
        ([float("nan"), 0.0], "bool", [True, False]),
        ([Three()], "float32", [3]),
        ([Three()], "int8", [3]),
        ([torch.tensor(300)], "float32", [300]),
        ([-1], "uint8", [255]),
        ([np.uint64(5)], "int64", [5]),
        ([1, 1j], "complex64", [1, 1j]),
    ],
)
def test_a_dtype_that_is_asked_for(data, dtype, expected):
    made = torch.tensor(data, dtype=dtype)
    assert (made.dtype, made.tolist()) == (np.dtype(dtype), expected)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        *[
            (data, RuntimeError, "Could not infer dtype of NoneType")
            for data in (None, [None], [1, None], [1.0, None], [True, None], [[1], [None]],
                         [[1, 2], None])
        ],
        ([1, object()], RuntimeError, "Could not infer dtype of object"),
        ([1.0, {}], RuntimeError, "Could not infer dtype of dict"),
        ({1: 2}, RuntimeError, "Could not infer dtype of dict"),
        ([Three()], RuntimeError, "Could not infer dtype of Three"),
        ("a", TypeError, "new(): invalid data type 'str'"),
        ([1, "a"], TypeError, "new(): invalid data type 'str'"),
        ([[1], ["a"]], TypeError, "new(): invalid data type 'str'"),
        ([b"a"], TypeError, "new(): invalid data type 'bytes'"),
        (["a"], ValueError, "too many dimensions 'str'"),
        ([1, 2**63], ValueError, "Overflow when unpacking long long"),
        ([2**63, 1], ValueError, "Overflow when unpacking long long"),
        ([1.0, 10**400], OverflowError, "int too large to convert to float"),
        ([1, [2]], TypeError, "'list' object cannot be interpreted as an integer"),
        ([1.0, [2]], TypeError, "must be real number, not list"),
        ([[1], 2], TypeError, "not a sequence"),
        ([[1, 2], [3]], ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
        (Pair(Pair(1, 2), Pair(3)), ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
        # PyTorch drops the number here without a word
        ([[], [1]], ValueError, "expected sequence of length 0 at dim 1 (got 1)"),
        ([torch.tensor([1, 2])], TypeError, "only integer tensors of a single element can be"),
        ([torch.ones(2), 1], ValueError, "only one element tensors can be converted to Python"),
        ([torch.zeros(0, 3)], ValueError, "only one element tensors can be converted to Python"),
        ([np.array(["a"])], TypeError, "can't convert np.ndarray of type numpy.str_"),
        ([np.datetime64("2020")], TypeError, "can't convert np.ndarray of type numpy.datetime64"),
    ],
)  # fmt: skip
def test_what_no_tensor_is_made_of(data, kind, words):
    for make in (torch.tensor, torch.as_tensor):
        with pytest.raises(kind) as caught:
            make(data)
        assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("data", "dtype", "kind", "words"),
    [
        ([1, None], "float32", TypeError, "must be real number, not NoneType"),
        ([1, None], "int64", TypeError, "'NoneType' object cannot be interpreted as an integer"),
        ([[1, 2], None], "float32", TypeError, "not a sequence"),
        ([1.0, "2"], "float32", TypeError, "must be real number, not str"),
        ([1j], "float32", TypeError, "must be real number, not complex"),
        ([1j], "int64", TypeError, "'complex' object cannot be interpreted as an integer"),
        ([torch.tensor(1.5)], "int64", TypeError, "only integer tensors of a single element"),
        ([torch.tensor(1j)], "float32", RuntimeError, "value cannot be converted to type double"),
        ([float("nan")], "int64", RuntimeError, "value cannot be converted to type int64"),
        ([300], "uint8", RuntimeError, "value cannot be converted to type uint8"),
        ([2**70], "int8", ValueError, "Overflow when unpacking long long"),
    ],
)
def test_what_does_not_become_the_dtype_asked_for(data, dtype, kind, words):
    with pytest.raises(kind, match=words):
        torch.tensor(data, dtype=dtype)
    with pytest.raises(kind, match=words):
        torch.ones(1, dtype=dtype).new_tensor(data)


def test_a_list_that_contains_itself_ends():
    data = []
    data.append(data)
    with pytest.raises(ValueError, match="too many dimensions 'list'"):
        torch.tensor(data)
