"""Views made in place, memory seen as storage, memory formats, and ``out=``."""

import pytest

import tinygrad_adam as torch
from tinygrad_adam.storage import Storage

IMAGES = torch.arange(120.0).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("call", ["t_()", "unsqueeze_(0)", "squeeze_()", "transpose_(0, 1)"])
def test_a_leaf_keeps_its_shape(call):
    w = torch.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        eval(f"w.{call}")
    with torch.no_grad():
        w.t_()
    w.sum().backward()
    assert w.grad.shape == (3, 2)


def test_earlier_views_of_what_was_turned_are_not_written_while_recording():
    w = torch.ones(3, 2, requires_grad=True)
    x = torch.arange(6.0).reshape(2, 3).clone()
    row = x[1]
    x.t_()
    assert (row + 1).tolist() == [4, 5, 6]
    with pytest.raises(RuntimeError, match="given another shape in place"):
        row.mul_(w[:, 0])
    x.mul_(w)
    with pytest.raises(RuntimeError, match="given another shape in place"):
        row * 2
    x[:, 1].mul_(3)  # a view made afterwards
    x.sum().backward()
    assert w.grad.tolist() == [[0, 9], [1, 12], [2, 15]]


def test_an_earlier_view_that_no_longer_fits_is_refused_in_words():
    x = torch.ones(2, 3, requires_grad=True) * 1
    turned = x.transpose(0, 1)
    x.unsqueeze_(-1)
    with pytest.raises(RuntimeError, match="given another shape in place"):
        turned * 2


def test_a_view_that_is_still_in_place_survives():
    x = torch.arange(6.0)
    first = x[:2]
    x.unsqueeze_(0)
    x.squeeze_()
    w = torch.ones(2, requires_grad=True)
    first.mul_(w)
    x.sum().backward()
    assert w.grad.tolist() == [0, 1]


def test_what_was_saved_before_is_missed():
    w = torch.ones(2, 3, requires_grad=True)
    x = w * 2
    y = x * x
    x.t_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_resize_keeps_the_memory_that_is_long_enough():
    x = torch.arange(6.0)
    place = x.data_ptr()
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.data_ptr() == place
    assert x.resize_((2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.resize_(9).tolist()[:6] == list(range(6))
    assert x.resize_as_(torch.ones(2, 1)).shape == (2, 1)
    x = torch.ones(16).resize_(1, 2, 2, 4, memory_format=torch.channels_last)
    assert x.stride() == (16, 1, 8, 2)
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        torch.ones(2, requires_grad=True).resize_(3)


def test_set_takes_the_memory_of_another():
    x, y = torch.ones(2), torch.arange(6.0)
    x.set_(y).mul_(2)
    assert y.tolist() == [0, 2, 4, 6, 8, 10]
    assert x.set_(Storage(y.array), 1, (2, 2)).tolist() == [[2, 4], [6, 8]]
    assert x.set_(y, 2, (2,), (3,)).tolist() == [4, 10]
    assert x.set_().shape == (0,)
    with pytest.raises(RuntimeError, match="Could not set tensor of type long int"):
        x.set_(torch.arange(2))


def test_storage_is_the_memory_itself():
    x = torch.arange(6.0).reshape(2, 3)
    assert (x.storage_offset(), x[1].storage_offset(), x.T[1:].storage_offset()) == (0, 3, 1)
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        storage = x.T.storage()
    assert (len(storage), storage.tolist()) == (6, [0, 1, 2, 3, 4, 5])
    storage[1] = 9.0
    assert x[0, 1].item() == storage[1] == 9
    assert storage.data_ptr() == x.data_ptr() == x.untyped_storage().data_ptr()
    assert x[1].untyped_storage().nbytes() == 24
    assert repr(storage).endswith(
        " 5.0\n[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 6]"
    )
    bytes_ = torch.tensor([1], dtype=torch.uint8).untyped_storage()
    assert repr(bytes_) == " 1\n[torch.storage.UntypedStorage(device=cpu) of size 1]"
    with pytest.raises(IndexError, match="out of range"):
        storage[6]


def test_apply_and_map_call_a_function_for_each_element():
    x = torch.tensor([[1, 2], [3, 4]])
    assert x.apply_(lambda value: value * value).tolist() == [[1, 4], [9, 16]]
    assert x.map_(torch.tensor([1, 2]), lambda a, b: a - b).tolist() == [[0, 2], [8, 14]]
    with pytest.raises(RuntimeError, match=r"Can't call apply_\(\) on Variable"):
        torch.ones(2, requires_grad=True).apply_(abs)
    with pytest.raises(TypeError, match="'int' object is not callable"):
        torch.ones(2).apply_(3)


def test_new_makes_the_same_kind():
    x = torch.ones(2, dtype=torch.float64)
    assert (x.new(3, 2).shape, x.new().shape, x.new(torch.Size((1, 2))).shape) == (
        (3, 2),
        (0,),
        (1, 2),
    )
    assert (x.new([1, 2]).tolist(), x.new([1]).dtype) == ([1, 2], torch.float64)
    assert x.new_zeros(2, device="cpu", dtype=torch.int64).tolist() == [0, 0]


def test_memory_formats():
    x = IMAGES.to(memory_format=torch.channels_last)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert not x.is_contiguous()
    assert (x == IMAGES).all()
    assert x.stride() == x.clone().stride() == x.double().stride() == (60, 1, 15, 3)
    assert x.clone(memory_format=torch.contiguous_format).is_contiguous()
    assert x.contiguous().stride() == IMAGES.stride()
    assert x.to(memory_format=torch.channels_last) is x
    assert torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).stride() == x.stride()
    like = torch.zeros_like(IMAGES, memory_format=torch.channels_last)
    assert like.stride() == x.stride()
    assert x.dim_order() == (0, 2, 3, 1)
    layer = torch.nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    assert layer.weight.stride() == (12, 1, 6, 3)
    assert repr(torch.channels_last) == "torch.channels_last"
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        torch.ones(2).contiguous(memory_format=torch.channels_last)
    with pytest.raises(TypeError, match=r"argument 'memory_format' must be torch.memory_format"):
        x.clone(memory_format=3)


def test_fill_diagonal_like_pytorch():
    assert torch.zeros(7, 2).fill_diagonal_(1, wrap=True).sum(1).tolist() == [1, 1, 0, 1, 1, 0, 1]
    assert torch.zeros(3, 2).fill_diagonal_(1).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert torch.zeros(2, 2, 2).fill_diagonal_(3).sum().item() == 6


@pytest.mark.parametrize(
    "call",
    [
        "torch.add(a, b, {})", "torch.exp(a, {})", "torch.matmul(a, b.T, {})",
        "torch.sum(a, 1, {})",
        "torch.cat([a, b], {})", "torch.tril(a, {})", "torch.where(a > 0, a, b, {})",
        "torch.eye(3, {})", "torch.arange(4, {})", "torch.full((2,), 7.0, {})",
    ],
)  # fmt: skip
def test_out_takes_the_result(call):
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(2, 3)  # noqa: F841
    wanted = eval(call.format(""))
    for out in (
        torch.empty(0),
        torch.zeros(4, 6)[::2, ::2][: len(wanted)],
        torch.empty(0).double(),
    ):
        if out.numel() and out.shape != wanted.shape:
            with pytest.warns(UserWarning, match="An output with one or more elements was resized"):
                found = eval(call.format("out=out"))
        else:
            found = eval(call.format("out=out"))
        assert found is out
        assert (out == wanted).all()
    assert out.dtype == torch.float64
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        eval(call.format("out=wanted.float().requires_grad_()"))
    with pytest.raises(TypeError, match="argument 'out' must be Tensor, not int"):
        eval(call.format("out=3"))


def test_out_of_a_lower_kind_is_refused_and_pairs_stay_pairs():
    a = torch.tensor([[1.0, 3.0, 2.0]])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output"):
        torch.exp(a, out=torch.empty(0, dtype=torch.int64))
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)
    found = torch.max(a, 1, out=(values, indices))
    assert found.values is values
    assert found.indices is indices
    assert (values.tolist(), indices.tolist()) == ([3], [1])
    with pytest.raises(TypeError, match="expected tuple of 2 elements but got 1"):
        torch.sort(a, out=(values,))
