"""The Tensor: conversions, views, versions, copies, creation, names of arguments."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_adam as torch


@pytest.fixture
def x():
    return torch.arange(12.0).reshape(3, 4).clone().requires_grad_()


class TestConversions:
    def test_to_python(self, x):
        assert x[0, 1].item() == 1.0
        assert x.detach()[0].tolist() == [0.0, 1.0, 2.0, 3.0]
        assert (float(x[1, 1]), int(x[1, 1]), complex(x[0, 1])) == (5.0, 5, 1 + 0j)
        assert list(range(5))[torch.tensor(2)] == 2
        assert len(x) == 3
        assert [row.shape for row in x] == [(4,)] * 3
        assert 5 in x
        assert 50 not in x
        assert hash(x) == hash(x)
        assert f"{x[0, 1]}" == "1.0"

    def test_to_numpy_shares_memory(self, x):
        array = x.detach().numpy()
        array[0, 0] = 7
        assert x[0, 0].item() == 7
        with pytest.raises(RuntimeError, match="Can't call numpy"):
            x.numpy()
        assert np.asarray(x.detach()).sum() == 73

    def test_numpy_on_either_side(self, x):
        y = x.detach()
        for result in (y * np.ones(4, np.float32), np.float32(2) * y, np.ones(4, "f") - y):
            assert isinstance(result, torch.Tensor)
            assert result.dtype == np.float32

    def test_numpys_functions_of_tensors_give_tensors(self):
        for found, dtype, values in (
            (np.sin(torch.zeros(2)), "float32", [0.0, 0.0]),
            (np.sqrt(torch.tensor([4, 9])), "float64", [2.0, 3.0]),
            (np.add(torch.ones(1), 2), "float32", [3.0]),
            (np.multiply(np.ones(1), torch.ones(1)), "float64", [1.0]),
            (np.exp(torch.tensor(0.0)), "float32", 1.0),
            (np.cumsum(torch.ones(2)), "float32", [1.0, 2.0]),
            (np.reshape(torch.ones(2), (2, 1)), "float32", [[1.0], [1.0]]),
            (np.isfinite(torch.tensor([1.0, np.inf])), "bool", [True, False]),
        ):
            assert isinstance(found, torch.Tensor)
            assert (found.dtype, found.tolist()) == (np.dtype(dtype), values)
        whole, rest = np.modf(torch.tensor([1.5]))
        assert (whole.tolist(), rest.tolist()) == ([0.5], [1.0])
        assert isinstance(np.asarray(torch.ones(2)), np.ndarray)
        with pytest.raises(RuntimeError, match="Can't call numpy"):
            np.sin(torch.ones(2, requires_grad=True))

    def test_a_complex_number_is_real_if_it_is(self):
        real, other = torch.tensor(2 + 0j), torch.tensor([1.5 + 2j])
        assert (float(real), int(real)) == (2.0, 2)
        assert complex(other) == 1.5 + 2j
        for convert, name in ((float, "double"), (int, "int64_t")):
            with pytest.raises(RuntimeError, match=f"cannot be converted to type {name} without"):
                convert(other)

    def test_strides_of_nothing_are_those_of_dense_memory(self):
        for shape, strides in (
            ((0,), (1,)),
            ((2, 0), (1, 1)),
            ((0, 2), (2, 1)),
            ((2, 0, 3), (3, 3, 1)),
            ((0, 0), (1, 1)),
            ((4, 3), (3, 1)),
        ):
            x = torch.zeros(shape)
            assert x.stride() == strides
            assert [x.stride(d) for d in range(x.ndim)] == list(strides)
        assert torch.ones(3, 4)[1:1].stride() == (4, 1)

    def test_python_types_name_dtypes(self):
        assert torch.zeros(2, dtype=float).dtype == np.float64
        assert torch.zeros(2, dtype=int).dtype == np.int64
        assert torch.zeros(2, dtype=bool).dtype == np.bool_

    def test_copies(self, x):
        y = copy.deepcopy(x)
        assert y.requires_grad
        assert y.is_leaf
        assert y.equal(x)
        pair = copy.deepcopy([x, x])
        assert pair[0] is pair[1]
        with pytest.raises(RuntimeError, match="graph leaves"):
            copy.deepcopy(x * 2)
        assert pickle.loads(pickle.dumps(x)).equal(x)


class TestCreation:
    def test_dtype_follows_the_numbers(self):
        for data, dtype in ((1, "int64"), (1.0, "float32"), (True, "bool"), ([1, 2.0], "float32"),
                            ([], "float32"), (np.arange(2), "int64"), (np.zeros(2), "float64"),
                            ([np.float64(1)], "float64"), ([True, 2], "int64")):  # fmt: skip
            assert torch.tensor(data).dtype == dtype

    def test_tensors_inside_lists(self):
        assert torch.tensor([torch.tensor(1.0), 2]).tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("make", [torch.zeros, torch.ones, torch.rand, torch.randn])
    def test_sizes_in_every_form(self, make):
        for made in (make(2, 3), make((2, 3)), make([2, 3]), make(size=(2, 3))):
            assert made.shape == (2, 3)
            assert made.dtype == np.float32

    def test_ranges(self):
        assert torch.arange(0, 1, 0.25).tolist() == [0, 0.25, 0.5, 0.75]
        assert torch.arange(5, 0, -2).tolist() == [5, 3, 1]
        assert torch.arange(end=3).dtype == np.int64
        assert torch.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
        assert torch.full((2,), 3).dtype == np.int64
        assert torch.Tensor(2, 3).shape == (2, 3)

    @pytest.mark.parametrize(
        ("name", "arguments", "dtype", "expected"),
        [
            ("arange", (3.3,), "int64", [0, 1, 2]),
            ("arange", (0.3, 2, 0.3), "int32", [0] * 6),
            ("arange", (0, 5, 2.7), "int64", [0, 2, 4]),
            ("arange", (-2.5, 3.3, 1), "int64", [-2, -1, 0, 1, 2]),
            ("arange", (-2.5, 3.3, 1), "int32", [-2, -1, 0, 1, 2, 3]),
            ("arange", (5.9, -3.2, -2.6), "int64", [5, 3, 1, -1]),
            ("arange", (0.5,), "int64", []),
            ("arange", (0.5,), "int32", [0]),
            ("arange", (0, 300, 50), "uint8", [0, 50, 100, 150, 200, 250]),
            ("linspace", (0.3, 7.7, 5), "int32", [0, 1, 3, 5, 7]),
            ("linspace", (-3.7, 3.7, 5), "int64", [-3, -1, 0, 1, 3]),
            ("linspace", (9.9, -9.9, 4), "int8", [9, 3, -3, -9]),
            ("linspace", (2.7, 5.2, 1), "int64", [2]),
            ("linspace", (1, 2, 0), "int64", []),
        ],
    )
    def test_ranges_of_integers_cut_fractions_where_pytorch_does(
        self, name, arguments, dtype, expected
    ):
        made = getattr(torch, name)(*arguments, dtype=dtype)
        assert (made.dtype, made.tolist()) == (np.dtype(dtype), expected)

    def test_a_range_is_as_exact_at_both_ends(self):
        up, down = (torch.linspace(*ends, 101, dtype=torch.float64) for ends in ((2, -1), (-1, 2)))
        assert up.tolist() == down.tolist()[::-1]
        np.testing.assert_equal(torch.linspace(np.inf, 1, 3).tolist(), [np.nan, np.inf, np.nan])

    def test_memory_is_shared_where_pytorch_shares_it(self):
        array = np.zeros(3)
        torch.tensor(array).add_(1)
        assert array.sum() == 0
        torch.from_numpy(array).add_(1)
        torch.as_tensor(array).add_(1)
        assert array.sum() == 6


class TestVersions:
    def test_views_share_one_counter(self, x):
        y = x * 1
        y[0].add_(1)
        y.T.mul_(2)
        assert y._version == y[1]._version == 2
        assert y.clone()._version == 0

    def test_a_saved_value_that_was_changed_is_named(self, x):
        y = x.exp()
        z = y * y
        y.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
            z.sum().backward()
        text = str(caught.value)
        assert "[3, 4]" in text
        assert "is at version 1; expected version 0 instead" in text
        assert "Mul" in text

    def test_so_is_an_index_that_was_changed(self, x):
        positions = torch.tensor([0, 1])
        y = x[positions]
        z = x.gather(0, torch.tensor([[0, 1, 2, 0]]))
        positions += 1
        with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
            (y.sum() + z.sum()).backward()

    def test_what_the_operation_itself_saved_stays_as_it_was(self, x):
        w = torch.full((3, 4), 2.0, requires_grad=True)
        y = x * 1
        y.mul_(w)
        y.sum().backward()
        assert w.grad.equal(x.detach())
        assert x.grad.equal(w.detach())

    def test_a_view_learns_of_a_write_to_its_base(self):
        y = torch.zeros(3, 2)
        view = y[1]
        w = torch.ones(2, requires_grad=True)
        y[1] = w * 3
        assert view.requires_grad
        assert not view.is_leaf
        view.sum().backward()
        assert w.grad.tolist() == [3.0, 3.0]

    @pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
    def test_so_does_a_view_of_a_number(self, shape):
        w = torch.tensor(2.0, requires_grad=True)
        y = w * 1
        view = y.view(shape)
        y.mul_(w)
        (slope,) = torch.autograd.grad(view.sum(), w, retain_graph=True)
        assert slope.item() == 4
        view.mul_(3)
        assert y.item() == 12
        (slope,) = torch.autograd.grad(y, w)
        assert slope.item() == 12

    def test_what_is_repeated_once_is_a_copy_too(self):
        x = torch.ones(2, 3)
        for y in (x.repeat(1, 1), x.tile((1,)), x[0].repeat(1)):
            y.zero_()
        assert x.sum() == 6

    def test_what_expand_repeats_can_not_be_written_to_and_all_else_can(self):
        x = torch.zeros(2, 1)
        x.expand(2, 1).add_(1)
        x.expand(1, 2, 1).numpy()[...] += 1
        x.expand(1, -1, 1)[0].add_(1)
        assert x.tolist() == [[3.0], [3.0]]
        for sizes in ((2, 3), (3, 2, 1)):
            with pytest.raises(
                RuntimeError, match="more than one element of the written-to tensor"
            ):
                x.expand(sizes).add_(1)

    def test_leaves_are_protected(self, x):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used"):
            x.add_(1)
        with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
            x[0].zero_()
        with torch.no_grad():
            x.add_(1)
        assert x.is_leaf
        assert x[0, 0].item() == 1

    @pytest.mark.parametrize(
        ("view_of", "written"),
        [
            (lambda v: v, "is being"),
            (lambda v: v[:1], "has been"),
            (lambda v: v.t()[0], "has been"),
        ],
    )
    def test_a_view_made_without_recording_is_not_written_to_while_recording(
        self, x, view_of, written
    ):
        base = x * 1
        with torch.no_grad():
            view = base[:1]
            view_of(view).add_(1)
        with pytest.raises(RuntimeError, match=f"created in no_grad mode .*{written} modified"):
            view_of(view).add_(1)
        base.mul_(2)
        assert base[1:].tolist() == (2 * x[1:]).tolist()


class TestSize:
    def test_it_is_a_tuple_that_prints_as_in_pytorch(self, x):
        assert isinstance(x.shape, tuple)
        assert x.shape == (3, 4)
        assert repr(x.shape) == f"{x.size()}" == "torch.Size([3, 4])"
        assert repr(torch.tensor(1).shape) == "torch.Size([])"
        assert {x.shape: 1}[3, 4] == 1

    def test_it_counts_the_elements(self, x):
        assert x.shape.numel() == 12
        assert torch.Size().numel() == 1

    def test_parts_and_sums_are_sizes_too(self, x):
        five = (5,)
        for size, wanted in (
            (x.shape[:1], (3,)), (x.shape + five, (3, 4, 5)), (five + x.shape, (5, 3, 4)),
            (x.shape * 2, (3, 4, 3, 4)), (2 * x.shape[1:], (4, 4)),
        ):  # fmt: skip
            assert type(size) is torch.Size
            assert size == wanted
        assert type(x.shape[0]) is int

    def test_it_is_made_of_integers(self):
        assert torch.Size([torch.tensor(2), np.int64(3)]) == (2, 3)
        with pytest.raises(TypeError, match=r"takes an iterable of 'int' \(item 1 is 'float'\)"):
            torch.Size([1, 2.5])

    def test_broadcasting_gives_one(self):
        assert repr(torch.broadcast_shapes((3, 1), 4)) == "torch.Size([3, 4])"
        with pytest.raises(RuntimeError, match="must match the size of tensor b"):
            torch.broadcast_shapes((3,), (4,))

    def test_it_survives_copying(self, x):
        for copied in (copy.deepcopy(x.shape), pickle.loads(pickle.dumps(x.shape))):
            assert type(copied) is torch.Size
            assert copied == (3, 4)


class TestNames:
    def test_numpys_names_are_accepted(self, x):
        assert x.sum(axis=0, keepdims=True).shape == (1, 4)
        assert x.max(axis=1).values.shape == (3,)
        assert x.squeeze(axis=0).shape == (3, 4)
        assert torch.softmax(x, axis=-1).shape == (3, 4)

    def test_pytorchs_names_are_accepted(self, x):
        assert x.reshape(shape=(4, 3)).shape == (4, 3)
        assert x.view(size=(4, 3)).shape == (4, 3)
        assert x.permute(dims=(1, 0)).shape == (4, 3)
        assert x.expand(size=(2, 3, 4)).shape == (2, 3, 4)
        assert x.flip(dims=(0,))[0, 0].item() == 8
        assert x.repeat(repeats=(2, 1)).shape == (6, 4)
        assert len(torch.split(tensor=x, split_size_or_sections=1)) == 3
        assert torch.exp(input=x).shape == (3, 4)
        assert torch.max(input=x, other=-x).equal(x.abs())
        assert torch.min(x, other=-x).equal(-x.abs())
        assert x.new_zeros(size=(2,)).tolist() == [0.0, 0.0]
        assert x.gather(0, torch.tensor([[1]]), sparse_grad=False).item() == 4

    def test_results_have_named_fields(self, x):
        for result in (x.max(1), x.min(0), x.sort(1), x.topk(2), x.median(0)):
            values, indices = result
            assert result.values is values
            assert result.indices is indices
            assert indices.dtype == np.int64
