"""What may stand between the brackets, what may be put there, and positions given to functions."""

import warnings

import numpy as np
import pytest

import tinygrad_adam as torch

T = torch.tensor


def byte(value):
    return T(value, dtype=torch.uint8)


def short(value):
    return T(value, dtype=torch.int16)


@pytest.fixture
def x():
    return torch.arange(6.0).reshape(2, 3).clone()


# --- numbers as tensors --------------------------------------------------------------------------


def test_a_uint8_number_is_a_mask(x):
    for index, shape in (
        (byte(1), (1, 2, 3)),
        (byte(0), (0, 2, 3)),
        (byte(7), (1, 2, 3)),
        ((slice(None), byte(1)), (2, 1, 3)),
        ((..., byte(0)), (2, 3, 0)),
        ((byte(1), 0), (1, 3)),
        ((byte(1), T([0, 1])), (2, 3)),
        (np.array(1, np.uint8), (1, 2, 3)),
        (T(True), (1, 2, 3)),
    ):
        assert x[index].shape == shape
    assert x[0, 0][byte(1)].tolist() == [0.0]
    x[byte(0)] = 7
    assert x.sum() == 15
    x[byte(1)] = 7
    assert x.sum() == 42


def test_other_small_integers_are_numbers(x):
    for one in (short(1), T(1, dtype=torch.int8), T(-1, dtype=torch.int8), np.int8(1), np.uint8(1)):
        assert x[one].tolist() == [3.0, 4.0, 5.0]
        assert x[:, one].tolist() == x[:, int(one)].tolist()
    assert x[short(1), T([1, 0])].tolist() == [4.0, 3.0]
    x[short(1)] = 0
    assert x.tolist() == [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]
    assert x[short(0), 1:].tolist() == [1.0, 2.0]


def test_arrays_of_small_integers_are_positions_tensors_of_them_are_none(x):
    for dtype in ("int8", "int16", "uint32", "uint64"):
        assert x[np.array([1, 0], dtype)][0].tolist() == [3.0, 4.0, 5.0]
    for dtype in (torch.int8, torch.int16):
        with pytest.raises(IndexError, match="tensors used as indices must be long, int, byte or"):
            x[T([1], dtype=dtype)]


def test_masks_of_uint8_warn(x):
    for mask in (byte([1, 0]), np.array([1, 0], np.uint8)):
        with pytest.warns(UserWarning, match="indexing with dtype torch.uint8 is now deprecated"):
            assert x[mask].tolist() == [[0.0, 1.0, 2.0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x[byte(1)]
        x[T([True, False])]


@pytest.mark.parametrize(
    "index",
    [1.0, (0, 1.0), T(1.0), T([1.0]), [0, 1.0], [0.5], ([0, 1], [0.0, 1.0]), np.array([1.0]),
     np.float64(1), T(1j), 1j, {0}, type],
    ids=repr,
)  # fmt: skip
def test_what_is_no_position(x, index):
    """PyTorch cuts the fractions off floats in lists and arrays: that hides a mistake."""
    with pytest.raises(IndexError, match=r"tensors used as indices must be|only integers, slices"):
        x[index]
    with pytest.raises(IndexError, match=r"tensors used as indices must be|only integers, slices"):
        x[index] = 1


def test_slices_take_integers_only(x):
    assert x[T(0) : T(1), np.int64(1) :].tolist() == [[1.0, 2.0]]
    for wrong in (0.5, T(0.5), T([0, 1]), "a", np.float64(1)):
        with pytest.raises(TypeError):
            x[wrong:]


# --- what is put there ---------------------------------------------------------------------------

MASKS = [
    T([True, False]), (T([True, False]), slice(None)), (0, T([True, True, True])), [True, False],
    (None, T([True, False])), True,
]  # fmt: skip


@pytest.mark.parametrize("mask", MASKS)
def test_one_element_of_any_dtype_goes_where_a_mask_picks(mask):
    for dtype in ("float32", "float64", "int64", "uint8", "bool"):
        for value in (T(7), T(7.9), T(True), T([7]), T([[7.0]]), T(7.9, dtype=torch.float64)):
            x = torch.zeros(2, 3, dtype=dtype)
            x[mask] = value
            expected = torch.zeros(2, 3, dtype=dtype)
            expected[mask] = value.item()
            assert x.equal(expected)


def test_so_it_does_in_index_put_and_its_gradient_follows(x):
    w = T(2.0, dtype=torch.float64, requires_grad=True)
    mask = T([[True, False, True], [False, False, True]])
    for put in (
        lambda: x.index_put((mask,), w),
        lambda: x.clone().index_put_((mask,), w),
    ):
        y = put()
        assert (y.dtype, y.sum().item()) == (torch.float32, 14.0)
        (slope,) = torch.autograd.grad(y.sum(), w)
        assert (slope.dtype, slope.item()) == (torch.float64, 3.0)
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes"):
        x.index_put_((mask,), w, accumulate=True)


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (T([True, True]), T([7, 8, 9])), ([1], T(7)), (T([1]), T(7)), (T(True), T(7)),
        ((T([True, False]), T([True, False, False])), T(7)), ((slice(None), [1]), T([7])),
    ],
)  # fmt: skip
def test_elsewhere_where_arrays_pick_the_dtype_must_be_the_same(x, index, value):
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes"):
        x[index] = value


def test_where_no_array_picks_every_dtype_will_do(x):
    x[1, 2] = T(7)
    x[0] = T([True, False, True])
    assert x.tolist() == [[1.0, 0.0, 1.0], [3.0, 4.0, 7.0]]


@pytest.mark.parametrize("index", [0, (0, 0), slice(None), [0], T([True, False]), ..., None])
@pytest.mark.parametrize("value", [[1.0, 2.0, 3.0], (1, 2, 3), [7], np.ones(3), None, "a", {}])
def test_only_numbers_and_tensors_are_put(x, index, value):
    with pytest.raises(TypeError, match=r"can't assign a .* to a torch.FloatTensor"):
        x[index] = value
    for number in (np.float32(2.5), np.int64(2), 2, True):
        x[index] = number


# --- positions given to functions ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["index_add", "index_copy", "index_add_", "index_copy_"])
def test_positions_that_do_not_exist(name):
    for index, shape, dim in (([5], (1,), 0), ([-1], (1,), 0), ([0, 2], (3, 2), 1)):
        x = torch.zeros(3) if len(shape) == 1 else torch.zeros(3, 2)
        with pytest.raises(IndexError, match=r"is out of bounds for dimension . with size"):
            getattr(x, name)(dim, T(index), torch.ones(shape))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        ("x.index_add(0, T([[0, 1]]), x)", IndexError, "Index is supposed to be a vector"),
        ("x.index_copy(0, T([[0, 1]]), x)", IndexError, "Index should have dimension 1 or 0"),
        ("x.index_add(0, T([0.0, 1.0]), x)", RuntimeError, "Expected dtype int32/int64"),
        ("x.index_fill(0, T([0.0]), 1)", IndexError, "Expected dtype int64 for index"),
        ("x.index_fill(0, short([0]), 1)", IndexError, "Expected dtype int64 for index"),
        ("x.index_fill(0, T([[0]]), 1)", RuntimeError, "Index has to be a vector/scalar"),
        ("x.take(T([0.0]))", RuntimeError, "Expected a long tensor for index, but got Float"),
        ("x.take(T([True]))", RuntimeError, "Expected a long tensor for index, but got Bool"),
        ("x.take(T([9]))", IndexError, "index 9 is out of bounds"),
        ("x.gather(0, byte([[0]]))", RuntimeError, "Expected dtype int32/int64 for index"),
        ("x.gather(0, T([[0.0]]))", RuntimeError, "Expected dtype int32/int64 for index"),
    ],
)
def test_positions_of_another_shape_or_dtype(x, call, kind, words):
    with pytest.raises(kind, match=words):
        eval(call, {"x": x, "T": T, "short": short, "byte": byte})


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0,), (0, 9, 9)])
def test_gathering_nothing_takes_an_index_of_any_dtype(x, dtype, shape):
    x.requires_grad_()
    for dim in (0, 1):
        y = x.gather(dim, torch.zeros(shape, dtype=dtype))
        assert y.shape == shape
        (slope,) = torch.autograd.grad(y.sum(), x)
        assert slope.equal(torch.zeros(2, 3))


# --- repetitions ---------------------------------------------------------------------------------


def test_counts_alone_repeat_positions():
    for dtype in (torch.int64, torch.int32):
        found = torch.repeat_interleave(T([1, 2, 0, 3], dtype=dtype))
        assert (found.dtype, found.tolist()) == (dtype, [0, 1, 1, 3, 3, 3])
    assert torch.repeat_interleave(repeats=T([1, 2]), output_size=3).tolist() == [0, 1, 1]
    assert torch.repeat_interleave(T([], dtype=torch.int64)).tolist() == []


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        ("torch.repeat_interleave(T([[1, 2]]))", RuntimeError, "only accept 1D vector as repeat"),
        ("torch.repeat_interleave(T(3))", RuntimeError, "only accept 1D vector as repeat"),
        ("torch.repeat_interleave(T([1, -1]))", RuntimeError, "be non-negative"),
        ("torch.repeat_interleave(T([1.0]))", NotImplementedError, "implemented for 'Float'"),
        ("torch.repeat_interleave(3)", TypeError, "must be Tensor, not int"),
        ("x.repeat_interleave(T([[2]]))", RuntimeError, "repeats must be 0-dim or 1-dim tensor"),
        ("x.repeat_interleave(T([True]))", NotImplementedError, "not implemented for 'Bool'"),
        ("x.repeat_interleave(2.0)", TypeError, "must be int, not float"),
        ("x.repeat_interleave(True)", TypeError, "must be int, not bool"),
        ("x.repeat_interleave(2, output_size=5)", RuntimeError, "allocated size does not match"),
    ],
)
def test_counts_that_are_none(x, call, kind, words):
    with pytest.raises(kind, match=words):
        eval(call, {"x": x, "T": T, "torch": torch})
