"""The compiled kernels beside NumPy in float64, beside the plain kernels, and under fire.

Under fire: an interrupt between any two lines, a fork, several threads at once.
"""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("numba")

from tinygrad_adam.backend import Update, compiled, plain, run_updates
from tinygrad_adam.backend.compiled import (
    activations,
    blas,
    convolution,
    hold,
    jit,
    memory,
    normalization,
    pooling,
    products,
    threads,
)

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
both = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(params=[1, 2, 3, 5], ids="{}-threads".format)
def workers(request, monkeypatch):
    """Several numbers of threads; no memory happens to be zero."""
    for module in (activations, convolution, normalization, pooling, products):
        monkeypatch.setattr(module, "empty", lambda shape, dtype: np.full(shape, 55, dtype))
    monkeypatch.setattr(threads, "_wanted", request.param)
    return request.param


def numbers(shape, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def laid_out(array, order):
    """The same numbers in another order in memory."""
    if order == "last":
        return np.ascontiguousarray(np.moveaxis(array, 1, -1)).transpose(
            0, array.ndim - 1, *range(1, array.ndim - 1)
        )
    if order == "odd":
        return np.repeat(array[::-1], 2, axis=-1)[::-1, ..., ::2]  # backwards, with gaps
    return np.ascontiguousarray(array)


ORDERS = ["first", "last", "odd"]


def close(found, exact, dtype, count, magnitude):
    """Within 2 eps sqrt(count) of `count` terms, whose absolute values sum up to magnitude."""
    assert found.dtype == dtype
    assert found.shape == exact.shape
    bound = 2 * EPS[dtype] * np.sqrt(count + 4) * magnitude + 1e-300
    worst = np.max(np.abs(found - exact) / bound)
    assert worst <= 1, worst


# Shapes: batch, channels, image, out channels, kernel, stride, padding, dilation, groups.
CONVOLUTIONS = [
    (1, 1, (1, 1), 1, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (2, 1, (9, 8), 5, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (3, 3, (7, 10), 4, (2, 3), (2, 1), (0, 2), (1, 1), 1),
    (2, 4, (11, 9), 3, (3, 2), (3, 2), (2, 1), (2, 3), 1),
    (2, 8, (8, 7), 6, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (2, 5, (6, 6), 7, (5, 5), (1, 2), (4, 3), (1, 1), 1),
    (3, 6, (5, 9), 9, (3, 2), (2, 3), (1, 0), (2, 1), 3),
    (2, 4, (6, 5), 4, (3, 3), (1, 1), (1, 1), (1, 1), 4),
    (1, 12, (1, 40), 8, (1, 5), (1, 2), (0, 2), (1, 1), 1),
    (5, 16, (3, 3), 2, (1, 1), (2, 2), (0, 0), (1, 1), 2),
    (2, 2, (4, 3), 3, (2, 2), (1, 1), (5, 6), (1, 1), 1),
]


@both
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution_and_its_gradients(case, dtype, workers):
    for order in ORDERS:
        check_convolution(case, order, dtype)


def check_convolution(case, order, dtype):
    batch, channels, image, out_channels, kernel, *options, groups = case
    x = laid_out(numbers((batch, channels, *image), dtype), order)
    w = numbers((out_channels, channels // groups, *kernel), dtype, 1)
    b = numbers(out_channels, dtype, 2)
    wide = [a.astype("float64") for a in (x, w, b)]
    exact = plain.conv2d(*wide, *options, groups)
    size = plain.conv2d(*map(abs, wide), *options, groups)
    terms = w[0].size + 1
    y = compiled.conv2d(x, w, b, *options, groups)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    close(y, exact, dtype, terms, size)
    close(
        compiled.conv2d(x, w, None, *options, groups),
        plain.conv2d(*wide[:2], None, *options, groups),
        dtype,
        terms,
        size,
    )

    g = laid_out(numbers(y.shape, dtype, 3), order)
    wg = g.astype("float64")
    exact = plain.conv2d_input_gradient(wg, wide[1], x.shape, *options, groups)
    size = plain.conv2d_input_gradient(abs(wg), abs(wide[1]), x.shape, *options, groups)
    dx = compiled.conv2d_input_gradient(g, w, x.shape, *options, groups)
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous
    close(dx, exact, dtype, w.size, size)

    exact = plain.conv2d_parameter_gradients(wg, wide[0], w.shape, True, *options, groups)
    size = plain.conv2d_parameter_gradients(abs(wg), abs(wide[0]), w.shape, True, *options, groups)
    dw, db = compiled.conv2d_parameter_gradients(g, x, w.shape, True, *options, groups)
    assert dw.flags.c_contiguous
    close(dw, exact[0], dtype, y.size, size[0])
    close(db, exact[1], dtype, y.size, size[1])
    again, none = compiled.conv2d_parameter_gradients(g, x, w.shape, False, *options, groups)
    assert none is None
    np.testing.assert_array_equal(again, dw)  # the same bits


def test_convolution_passes_on_nan_and_infinity(workers):
    x, w = numbers((1, 8, 5, 5), "float32"), numbers((2, 8, 3, 3), "float32", 1)
    x[0, 0, 0, 0], x[0, 0, 4, 4] = np.nan, np.inf
    options = ((1, 1), (1, 1), (1, 1), 1)
    with np.errstate(invalid="ignore"):
        expected = plain.conv2d(x, w, None, *options)
    np.testing.assert_allclose(
        compiled.conv2d(x, w, None, *options), expected, rtol=1e-4, atol=1e-5
    )


POOLS = [  # image, kernel, stride, padding, dilation, ceil mode
    ((1, 1), (1, 1), (1, 1), (0, 0), (1, 1), False),
    ((8, 6), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((7, 9), (3, 2), (1, 2), (1, 1), (1, 1), True),
    ((9, 5), (2, 3), (3, 1), (0, 1), (2, 2), False),
    ((5, 8), (3, 3), (2, 2), (1, 1), (1, 1), True),
    ((1, 5), (2, 2), (1, 1), (1, 1), (2, 1), False),  # windows that see nothing
    ((6, 6), (2, 2), (4, 3), (1, 0), (1, 1), True),
]


@both
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_max_pooling_is_that_of_the_plain_kernel(case, dtype, workers):
    for channels, order in itertools.product([1, 3, 17], ORDERS):
        check_max_pooling(case, channels, order, dtype)


def check_max_pooling(case, channels, order, dtype):
    image, *options = case
    random = np.random.default_rng(3)
    choice = [-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan]
    for values in (choice[:-1], choice, [np.nan], [-np.inf]):
        x = laid_out(random.choice(values, (4, channels, *image)).astype(dtype), order)
        expected = plain.max_pool2d(x, *options)
        y = compiled.max_pool2d(x, *options)
        np.testing.assert_array_equal(y, expected)
        assert y.dtype == dtype
        assert y.transpose(0, 2, 3, 1).flags.c_contiguous
        indices = compiled.max_pool2d_indices(x, y, *options)
        assert indices.dtype == np.int64
        np.testing.assert_array_equal(indices, plain.max_pool2d_indices(x, y, *options))
        g = laid_out(random.integers(-9, 9, y.shape).astype(dtype), order)
        dx = compiled.max_pool2d_input_gradient(g, x, y, *options)
        np.testing.assert_array_equal(dx, plain.max_pool2d_input_gradient(g, x, y, *options))
        assert dx.dtype == dtype


@both
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_average_pooling(case, dtype, workers):
    image, kernel, stride, padding, _, ceil_mode = case
    choices = itertools.product(ORDERS, [True, False], [None, 3, -2])
    for order, count_padding, divisor in choices:
        options = kernel, stride, padding, ceil_mode, count_padding, divisor
        x = laid_out(numbers((3, 5, *image), dtype), order)
        wide = x.astype("float64")
        y = compiled.avg_pool2d(x, *options)
        size = abs(plain.avg_pool2d(abs(wide), *options))
        close(y, plain.avg_pool2d(wide, *options), dtype, 1, size)
        g = laid_out(numbers(y.shape, dtype, 1), order)
        wide = g.astype("float64")
        dx = compiled.avg_pool2d_input_gradient(g, x.shape, *options)
        size = abs(plain.avg_pool2d_input_gradient(abs(wide), x.shape, *options))
        exact = plain.avg_pool2d_input_gradient(wide, x.shape, *options)
        close(dx, exact, dtype, kernel[0] * kernel[1], size)


@both
@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (5, 7), (9, 4)])
def test_adaptive_average_pooling(sizes, dtype, workers):
    x = numbers((3, 4, 6, 7), dtype)
    y = compiled.adaptive_avg_pool2d(x, sizes)
    size = plain.adaptive_avg_pool2d(abs(x).astype("float64"), sizes)
    close(y, plain.adaptive_avg_pool2d(x.astype("float64"), sizes), dtype, 1, size)
    g = numbers(y.shape, dtype, 1)
    dx = compiled.adaptive_avg_pool2d_input_gradient(g, x.shape)
    exact = plain.adaptive_avg_pool2d_input_gradient(g.astype("float64"), x.shape)
    size = plain.adaptive_avg_pool2d_input_gradient(abs(g).astype("float64"), x.shape)
    close(dx, exact, dtype, 42, size)


@both
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 4), (2, 3, 4, 5), (3, 1, 4, 1), (1, 65, 33)])
def test_relu(shape, dtype, workers):
    values = [-np.inf, -1.5, -0.0, 0.0, 2.5, np.inf, np.nan]
    random = np.random.default_rng(0)
    x = np.asarray(random.choice(values, shape), dtype)
    g = np.asarray(random.choice(values, shape), dtype)
    for turn in (lambda a: a, np.transpose, lambda a: np.asarray(a[..., ::-1] if a.ndim else a)):
        y, turned = compiled.relu(turn(x)), turn(g)
        np.testing.assert_array_equal(y, plain.relu(turn(x)))
        dx = compiled.relu_gradient(turned, y)
        np.testing.assert_array_equal(dx, plain.relu_gradient(turned, y))
        assert (y.dtype, dx.dtype, y.shape) == (dtype, dtype, turn(x).shape)
        if x.size > 1 and turn(x).flags.f_contiguous:
            assert y.flags.f_contiguous


@both
@pytest.mark.parametrize("shape", [(1, 1), (6, 5), (4, 3, 7), (3, 7, 4, 5), (2, 2, 3, 2, 4)])
def test_batch_norm(shape, dtype, workers):
    for order in ORDERS:
        check_batch_norm(shape, order, dtype)


def check_batch_norm(shape, order, dtype):
    x = laid_out(numbers(shape, dtype) + 100, order)  # a mean far from 0 loses no digits
    g = laid_out(numbers(shape, dtype, 1), order)
    w, b = numbers((2, shape[1]), dtype, 2)
    wide = [a.astype("float64") for a in (x, w, b, g)]
    count = x.size // shape[1]
    for weight, bias in ((None, None), (0, None), (None, 0), (0, 0)):
        parts = [None if weight is None else a for a in (w, wide[1])]
        parts += [None if bias is None else a for a in (b, wide[2])]
        exact = plain.batch_norm(wide[0], parts[1], parts[3], 1e-5)
        y, mean, variance = compiled.batch_norm(x, parts[0], parts[2], 1e-5)
        assert (y.dtype, mean.dtype, variance.dtype) == (dtype, dtype, dtype)
        np.testing.assert_allclose(mean, exact[1], rtol=2 * EPS[dtype])
        np.testing.assert_allclose(variance, exact[2], rtol=1e3 * EPS[dtype], atol=1e-9)
        if count > 1:
            np.testing.assert_allclose(y, exact[0], rtol=0, atol=4e3 * EPS[dtype])
            inverse = 1 / np.sqrt(variance + dtype_number(dtype, 1e-5))
            wide_mean, wide_inverse = mean.astype("float64"), inverse.astype("float64")
            exact = plain.batch_norm_gradient(
                wide[3], wide[0], parts[1], wide_mean, wide_inverse, True
            )
            found = compiled.batch_norm_gradient(g, x, parts[0], mean, inverse, True)
            for mine, theirs in zip(found, exact):
                assert mine.dtype == dtype
                scale = np.abs(theirs).max() + np.abs(wide_inverse).max() * np.abs(w).max()
                np.testing.assert_allclose(mine, theirs, rtol=0, atol=40 * EPS[dtype] * scale)
            assert compiled.batch_norm_gradient(g, x, parts[0], mean, inverse, False)[0] is None


def dtype_number(dtype, value):
    return np.dtype(dtype).type(value)


@both
def test_products(dtype, workers):
    for rows, inner, columns in [
        (1, 1, 1),
        (40, 1, 30),
        (33, 70, 50),
        (100, 20, 300),
        (1, 999, 77),
    ]:
        a, b = numbers((rows, inner), dtype), numbers((inner, columns), dtype, 1)
        for left, right in ((a, b), (a.T.copy().T, b.T.copy().T), (a[::-1, ::-1], b[::-1])):
            exact = left.astype("float64") @ right.astype("float64")
            size = abs(left).astype("float64") @ abs(right).astype("float64")
            close(compiled.matmul(left, right), exact, dtype, inner, size)
    a, b = numbers((2, 3, 4), dtype), numbers((2, 4, 5), dtype, 1)
    np.testing.assert_array_equal(compiled.matmul(a, b), a @ b)


@both
@pytest.mark.parametrize("shape", [(), (1,), (50,), (6, 7)])
def test_embedding_gradient_has_the_bits_of_numpys_sums(shape, dtype):
    indices = np.random.default_rng(0).integers(0, 9, shape)
    g = numbers((*shape, 5), dtype)
    expected = np.zeros((9, 5), dtype)
    np.add.at(expected, indices, g)
    for order in (g, np.asfortranarray(g)):
        np.testing.assert_array_equal(compiled.embedding_gradient(order, indices, 9), expected)


# A rule, the number of its states, how many of these may be missing, its options, and what may be
# switched on besides.
RULES = {
    "sgd": (1, 1, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, ["nesterov"]),
    "momentum": (1, 0, {"lr": 0.1, "momentum": 0.9}, []),
    "rmsprop": (3, 2, {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "momentum": 0.7}, ["eps_inside_root"]),
    "adagrad": (1, 0, {"lr": 0.1, "eps": 1e-3}, []),
    "adadelta": (2, 0, {"lr": 0.1, "rho": 0.9, "eps": 1e-3}, []),
    "adam": (
        3,
        1,
        {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "correction1": 0.1, "correction2": 0.01,
         "eps": 1e-3},
        ["eps_inside_root", "decoupled"],
    ),
    "adamax": (2, 0, {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "correction1": 0.1, "eps": 1e-3}, []),
    "nadam": (
        2,
        0,
        {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "correction2": 0.01, "momentum_factor": 0.8,
         "gradient_factor": 0.4, "eps": 1e-3},
        ["decoupled"],
    ),
    "radam": (
        2,
        0,
        {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "correction1": 0.1, "correction2": 0.01,
         "rectification": 0.3, "eps": 1e-3},
        ["decoupled", "rectification"],
    ),
}  # fmt: skip


@both
@pytest.mark.parametrize("rule", RULES)
def test_update_rules_with_every_option(rule, dtype, workers):
    states, optional, options, switches = RULES[rule]
    values = {"decoupled": 0.05, "rectification": 0.0, "weight_decay": 0.2}
    choices = [*switches, "weight_decay", "maximize"]
    for on in itertools.product([False, True], repeat=len(choices)):
        given = {**options, **{n: values.get(n, True) for n, yes in zip(choices, on) if yes}}
        for there in itertools.product([False, True], repeat=optional):
            arrays = [numbers((7, 5), dtype, 1), numbers((7, 5), dtype, 2)]
            arrays += [abs(numbers((7, 5), dtype, 3 + i)) + 4 * (i == 0) for i in range(states)]
            if rule == "rmsprop":
                arrays[4] *= 0.1  # a mean, whose square is less than the mean square
            for i, yes in enumerate(there):
                if not yes:
                    arrays[len(arrays) - optional + i] = None
            wide = [None if a is None else a.astype("float64") for a in arrays]
            odd = [None if a is None else np.asfortranarray(a) for a in arrays]
            function = getattr(compiled, f"{rule}_update")
            getattr(plain, f"{rule}_update")(*wide, **given)
            function(*arrays, **given)
            function(*odd, **given)
            for mine, strided, exact in zip(arrays, odd, wide):
                if mine is not None:
                    np.testing.assert_allclose(
                        mine, exact, rtol=40 * EPS[dtype], atol=40 * EPS[dtype], err_msg=str(given)
                    )
                    np.testing.assert_array_equal(strided, mine)


def test_update_rules_pass_on_nan_and_infinity():
    options = RULES["adam"][2]
    w, m, v = np.array([1.0, np.inf, 1, 1]), np.zeros(4), np.zeros(4)
    v_max = np.zeros(4)
    compiled.adam_update(w, np.array([np.nan, 0, 0, np.inf]), m, v, v_max, **options)
    np.testing.assert_array_equal(np.isnan(w), [True, False, False, True])
    assert w[1] == np.inf  # no weight decay: no 0 * inf
    np.testing.assert_array_equal(np.isnan(v_max), [True, False, False, False])


def test_updates_run_in_their_order():
    w, g = np.ones(5), np.ones(5)
    double = Update(compiled.sgd_update, (w, g), {"lr": -1.0})
    run_updates([double, Update(compiled.sgd_update, (w, w.copy()), {"lr": 0.5})] * 2)
    np.testing.assert_array_equal(w, 2.0)


# Threads.


def test_tasks_run_side_by_side_and_once(workers):
    barrier = threading.Barrier(workers, timeout=20)
    threads.run(lambda index: barrier.wait(), workers)
    for count in (0, 1, 2, 100):
        seen = []
        threads.run(seen.append, count)
        assert sorted(seen) == list(range(count))
    for count, steps in itertools.product((1, 2, 7, 1000), (0, 1, 10, 1e9)):
        bounds = threads.cuts(count, steps)
        assert (bounds[0], bounds[-1]) == (0, count)
        assert all(start < stop for start, stop in itertools.pairwise(bounds))


def test_an_error_reaches_the_caller(workers):
    before = blas.get_num_threads()

    def fail(index):
        if index == 5:
            raise ValueError("task 5")

    for _ in range(20):
        with pytest.raises(ValueError, match="task 5"):
            threads.run(fail, 10)
    assert blas.get_num_threads() == before
    assert hold._state[0] == 0
    test_tasks_run_side_by_side_and_once(workers)


def test_an_error_of_a_helper_reaches_the_caller(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", 2)
    barrier, mine = threading.Barrier(2, timeout=20), threading.get_ident()

    def fail(index):
        barrier.wait()  # each thread has one
        if threading.get_ident() != mine:
            raise ValueError("elsewhere")

    with pytest.raises(ValueError, match="elsewhere"):
        threads.run(fail, 2)


def test_blas_has_one_thread_meanwhile_and_the_old_number_after():
    if not blas.addresses():
        pytest.skip("this BLAS library cannot be told its number of threads")
    before = blas.get_num_threads()
    blas.set_num_threads(3)
    held = []
    threads.run(lambda index: threads.run(lambda i: held.append(blas.get_num_threads()), 2), 4)
    assert (set(held), blas.get_num_threads()) == ({1}, 3)
    blas.set_num_threads(before)


def test_numpy_has_the_callers_settings(workers):
    barrier = threading.Barrier(workers, timeout=20)

    def divide(index):
        barrier.wait()
        assert (np.ones(1) / np.zeros(1))[0] == np.inf

    with np.errstate(divide="ignore"):
        threads.run(divide, workers)


def work_to_check():
    """A call that has BLAS and several threads, and its result."""
    x, w = numbers((6, 8, 9, 9), "float32"), numbers((16, 8, 3, 3), "float32", 1)
    options = ((1, 1), (1, 1), (1, 1), 1)

    def work():
        y = compiled.conv2d(x, w, None, *options)
        a = compiled.matmul(x.reshape(6, -1), x.reshape(6, -1).T)
        return compiled.relu(y), a

    return work


def test_an_interrupt_between_any_two_lines_leaves_everything_in_order():
    work = work_to_check()
    expected = work()
    before = blas.get_num_threads()
    folder = os.path.dirname(threads.__file__)

    def trace_until(last):
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            if not frame.f_code.co_filename.startswith(folder):
                return None
            if event == "line":
                count += 1
                if count == last:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(None)
        return count

    lines = trace_until(0)
    assert lines > 100
    for last in range(1, lines + 1):
        with contextlib.suppress(KeyboardInterrupt):
            trace_until(last)
        assert hold._state[0] == 0, last
        assert blas.get_num_threads() == before, last
        if last % 7 == 0:
            for mine, right in zip(work(), expected):
                np.testing.assert_array_equal(mine, right)


def test_three_threads_at_once(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", 2)
    work = work_to_check()
    expected, before = work(), blas.get_num_threads()
    wrong = []

    def repeat():
        for _ in range(50):
            for mine, right in zip(work(), expected):
                if not (mine == right).all():
                    wrong.append(mine)

    callers = [threading.Thread(target=repeat) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not wrong
    assert (hold._state[0], blas.get_num_threads()) == (0, before)


FORKS = """
import os, sys, threading
import numpy as np
from tinygrad_adam.backend import compiled
from tinygrad_adam.backend.compiled import blas, threads

threads.set_num_threads(2)
threads.LEAST = 1
x = np.random.default_rng(0).normal(size=(4, 8, 9, 9)).astype("float32")
w = np.random.default_rng(1).normal(size=(16, 8, 3, 3)).astype("float32")
work = lambda: compiled.conv2d(x, w, None, (1, 1), (1, 1), (1, 1), 1)
expected, before, done = work(), blas.get_num_threads(), False

def meet():
    barrier = threading.Barrier(2, timeout=20)
    threads.run(lambda index: barrier.wait(), 2)

meet()

def repeat():
    while not done:
        work()

other = threading.Thread(target=repeat)
other.start()
for number in range(20):
    child = os.fork()
    if child == 0:
        right = blas.get_num_threads() == before and (work() == expected).all()
        meet()  # with a helper of its own
        os._exit(0 if right else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status or not (work() == expected).all():
        done = True
        sys.exit(f"fork {number}: {status}")
done = True
other.join()
sys.exit(0 if blas.get_num_threads() == before else "a lost number")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_forks_while_another_thread_works():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], timeout=120, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


WAITING = """
import os, sys, threading, time
from tinygrad_adam.backend.compiled import threads

started, finished = threading.Event(), []

def work(index):
    started.set()
    time.sleep(0.3)
    finished.append(index)

other = threading.Thread(target=threads.run, args=(work, 1))
other.start()
started.wait()
child = os.fork()
if child == 0:
    os._exit(0 if finished else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_waits_for_kernels():
    subprocess.run([sys.executable, "-W", "ignore", "-c", WAITING], timeout=120, check=True)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_ctrl_c_at_any_time(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", 2)
    work, before = work_to_check(), blas.get_num_threads()
    expected = work()

    def interrupt(number, frame):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        for number in range(100):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 * (1 + number))
                for _ in range(1000):
                    work()
            except KeyboardInterrupt:
                pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert (hold._state[0], blas.get_num_threads()) == (0, before)
    for mine, right in zip(work(), expected):
        np.testing.assert_array_equal(mine, right)
    barrier = threading.Barrier(2, timeout=20)  # the helper is still there
    threads.run(lambda index: barrier.wait(), 2)


def test_memory_is_used_again_when_nobody_sees_it():
    size = memory.LARGE_BYTES
    first = memory.empty((size,), np.dtype(np.uint8))
    view = first[10:].reshape(-1, 1)
    place = first.ctypes.data
    del first
    other = memory.empty((size // 8,), np.dtype(np.float64))
    assert not np.shares_memory(view, other)
    del view
    assert memory.empty((size // 2, 2), np.dtype(np.uint8)).ctypes.data == place
    memory._lock.acquire()  # as an interrupt may leave it
    assert memory.empty((size,), np.dtype(np.uint8)).ctypes.data != place
    memory._lock.release()


def test_the_number_of_threads_must_be_positive():
    with pytest.raises(ValueError, match="set_num_threads expects a positive integer"):
        threads.set_num_threads(0)


FIRST = """
import sys
import numpy as np
from tinygrad_adam.backend import compiled
assert "numba" not in sys.modules
from tinygrad_adam.backend.compiled import blas
if {unknown}:
    blas.loaded_libraries = list
for dtype in ("float32", "float64"):
    x, w = np.ones((1, 8, 4, 4), dtype), np.ones((2, 8, 3, 3), dtype)
    y = compiled.conv2d(x, w, np.ones(2, dtype), (1, 1), (0, 0), (1, 1), 1)
    assert (y == 73).all(), y
    dw, db = compiled.conv2d_parameter_gradients(y, x, w.shape, True, (1, 1), (0, 0), (1, 1), 1)
    assert (dw == 4 * 73).all() and (db == 4 * 73).all()
"""


@pytest.mark.parametrize("unknown", [False, True])
def test_a_first_call_says_that_it_compiles_and_a_second_process_does_not(tmp_path, unknown):
    """Also with a BLAS that is not known."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for notice in (jit.NOTICE + "\n", ""):
        done = subprocess.run(
            [sys.executable, "-c", FIRST.format(unknown=unknown)],
            env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, notice)
