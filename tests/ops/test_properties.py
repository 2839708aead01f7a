"""Random graphs, shapes and indices, against a naive engine and NumPy."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_adam as torch
from tests.ops.naive import Number

few = settings(max_examples=60, deadline=None, derandomize=True)
SIDES = st.integers(0, 4)


@st.composite
def programs(draw):
    """Draw a random graph: for each step an operation and which earlier values it takes."""
    steps = []
    for i in range(draw(st.integers(1, 12))):
        earlier = st.integers(0, 2 + i)
        name = draw(st.sampled_from(["+", "-", "*", "/", "tanh", "sin", "exp", "abs"]))
        steps.append((name, draw(earlier), draw(earlier)))
    return steps


def run(steps, values):
    """Return the last value of a program, for numbers of any kind."""
    values = list(values)
    first = values[0]
    operations = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
        "/": lambda a, b: a / (b * b + first * first), "tanh": lambda a, b: a.tanh(),
        "sin": lambda a, b: a.sin(), "abs": lambda a, b: a.abs(),
        "exp": lambda a, b: a.tanh().exp(),  # so that nothing grows beyond bounds
    }  # fmt: skip
    for name, i, j in steps:
        values.append(operations[name](values[i], values[j]))
    return values[-1]


@few
@given(programs(), st.lists(st.floats(0.5, 2), min_size=3, max_size=3))
def test_random_graphs_agree_with_following_every_path(steps, numbers):
    leaves = [Number(x) for x in numbers]
    naive = run(steps, leaves)
    assume(abs(naive.value) < 1e6)
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    result = run(steps, tensors)
    assert result.item() == pytest.approx(naive.value, rel=1e-9, abs=1e-12)
    result.backward()
    for leaf, tensor in zip(leaves, tensors):
        found = 0.0 if tensor.grad is None else tensor.grad.item()
        assert found == pytest.approx(naive.gradient(leaf), rel=1e-7, abs=1e-9)


@few
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0))
def test_gradients_are_summed_back_over_what_broadcasting_repeated(shapes):
    a, b = (np.random.default_rng(i).standard_normal(s) for i, s in enumerate(shapes.input_shapes))
    x, y = (torch.tensor(v, requires_grad=True) for v in (a, b))
    z = x * y + x
    assert z.shape == shapes.result_shape
    np.testing.assert_allclose(z.detach().numpy(), a * b + a)
    z.backward(torch.ones_like(z))
    for tensor, slope in ((x, b + 1), (y, a)):
        slope = np.broadcast_to(slope, z.shape)
        added = tuple(range(slope.ndim - tensor.ndim))
        stretched = [len(added) + d for d, n in enumerate(tensor.shape) if n == 1]
        wanted = slope.sum((*added, *stretched)).reshape(tensor.shape)
        assert tensor.grad.shape == tensor.shape
        np.testing.assert_allclose(tensor.grad.numpy(), wanted)


@few
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_slices_read_and_write_as_in_numpy(data, shape):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    entries = index if isinstance(index, tuple) else (index,)
    assume(not any(isinstance(e, slice) and e.step is not None and e.step < 0 for e in entries))
    array = np.random.default_rng(0).standard_normal(shape)
    x = torch.tensor(array, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.detach().numpy(), array[index])
    y.sum().backward()
    hits = np.zeros(shape)
    hits[index] = 1
    np.testing.assert_array_equal(x.grad.numpy(), hits)
    z = x * 1
    z[index] = 7.0
    written = array.copy()
    written[index] = 7
    np.testing.assert_array_equal(z.detach().numpy(), written)
    x.grad = None
    z.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 1 - hits)


@few
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
def test_arrays_of_positions_read_and_add_as_in_numpy(data, shape):
    index = data.draw(hnp.integer_array_indices(shape))
    array = np.random.default_rng(0).standard_normal(shape)
    x = torch.tensor(array, requires_grad=True)
    y = x[tuple([torch.tensor(i) for i in index])]
    np.testing.assert_array_equal(y.detach().numpy(), array[index])
    y.sum().backward()
    hits = np.zeros(shape)
    np.add.at(hits, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), hits)


@few
@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4),
                  elements=st.floats(-3, 3)), st.data())  # fmt: skip
def test_reductions_agree_with_numpy_along_any_dimensions(array, data):
    dims = data.draw(st.sets(st.integers(0, array.ndim - 1), min_size=1))
    dims = tuple(d - array.ndim if data.draw(st.booleans()) else d for d in dims)
    keepdim = data.draw(st.booleans())
    x = torch.tensor(array)
    for name in ("sum", "mean", "amax", "amin"):
        wanted = getattr(np, name)(array, axis=dims, keepdims=keepdim)
        np.testing.assert_allclose(getattr(x, name)(dims, keepdim).numpy(), wanted, atol=1e-12)


@few
@given(st.lists(SIDES, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_views_share_memory_and_copies_do_not(shape, random):
    x = torch.arange(int(np.prod(shape))).reshape(shape)
    order = list(range(len(shape)))
    random.shuffle(order)
    view = x.permute(order).unsqueeze(0)
    copy = view.clone()
    x += 100
    np.testing.assert_array_equal(view.numpy()[0], x.numpy().transpose(order))
    np.testing.assert_array_equal(copy.numpy() + 100, view.numpy())
