"""Pooling as operations: gradients of any order, ties, errors. Kernels: tests/backend."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.nn import functional as F  # noqa: N812 (everybody's name for it)


def distinct(*shape):
    """Numbers far enough apart that no small step changes which is the largest."""
    values = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) / 10
    return torch.tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 1, "padding": 1},
        {"kernel_size": (2, 3), "stride": 2, "dilation": (2, 1), "ceil_mode": True},
    ],
)
def test_max_pool_derivatives(options):
    def pool(x):
        return F.max_pool2d(x, **options) ** 2

    assert gradcheck(pool, (distinct(1, 2, 6, 5),), fast_mode=True)
    assert gradgradcheck(pool, (distinct(1, 2, 6, 5),), fast_mode=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.avg_pool2d(x, 2) ** 2,
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False) ** 2,
        lambda x: F.avg_pool2d(x, (3, 2), divisor_override=5) ** 2,
        lambda x: F.adaptive_avg_pool2d(x, (4, 3)) ** 2,
        lambda x: F.unfold(x, (2, 3), dilation=2, padding=1) ** 2,
    ],
)
def test_average_derivatives(function):
    x = torch.randn(1, 2, 6, 5, dtype=torch.float64, requires_grad=True)
    assert gradcheck(function, (x,), fast_mode=True)
    assert gradgradcheck(function, (x,), fast_mode=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.max_pool2d(x, 3, 1, 1),
        lambda x: F.max_pool2d(x[0], 2, return_indices=True)[0],
        lambda x: F.avg_pool2d(x, 2, ceil_mode=True),
        lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    ],
)
def test_the_second_derivative_is_zero_and_not_absent(function):
    x = distinct(1, 2, 6, 5)
    (gradient,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), x)
    assert second.shape == x.shape
    assert not second.numpy().any()


def test_the_first_of_equal_maxima_takes_the_gradient():
    x = torch.ones(1, 1, 2, 4, requires_grad=True)
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    y.sum().backward()
    assert x.grad.tolist() == [[[[1, 0, 1, 0], [0, 0, 0, 0]]]]
    assert indices.tolist() == [[[[0, 2]]]]
    assert indices.dtype == torch.int64
    assert not indices.requires_grad


def test_padding_is_minus_infinity():
    x = -torch.ones(1, 1, 2, 2)
    assert F.max_pool2d(x, 2, 1, padding=1).array.max() == -1


def test_max_pool_is_another_name():
    assert nn.MaxPool is nn.MaxPool2d


def test_unbatched_and_no_images():
    x = torch.randn(2, 3, 6, 6)
    for pool in (nn.MaxPool2d(2), nn.AvgPool2d(3, 2), nn.AdaptiveAvgPool2d((2, None))):
        np.testing.assert_array_equal(pool(x[0]).array, pool(x)[0].array)
        assert pool(x[:0]).shape == (0, *pool(x).shape[1:])
    pooled, indices = nn.MaxPool2d(2, return_indices=True)(x[0])
    assert pooled.shape == indices.shape == (3, 3, 3)


def test_memory_order_does_not_matter():
    x = torch.randn(2, 6, 6, 3, requires_grad=True)
    seen = x.permute(0, 3, 1, 2)
    for function in (lambda t: F.max_pool2d(t, 2), lambda t: F.avg_pool2d(t, 3, 2)):
        a, b = function(seen), function(seen.contiguous())
        np.testing.assert_allclose(a.detach().array, b.detach().array, rtol=1e-6)


X = torch.ones(2, 3, 8, 8)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: F.max_pool2d(X, 9),
            r"Given input size: \(3x8x8\). Calculated output size: \(3x0x0\). Output size is too",
        ),
        (lambda: F.avg_pool2d(X, 9), "Output size is too small"),
        (
            lambda: F.max_pool2d(X, 3, padding=2),
            "pad should be at most half of effective kernel size, but got pad=2, kernel_size=3 and "
            "dilation=1",
        ),
        (lambda: F.max_pool2d(X, 3, padding=-1), "padding should be non-negative, but got -1 x -1"),
        (lambda: F.max_pool2d(X, 3, stride=0), "stride should be greater than zero, but got"),
        (lambda: F.max_pool2d(X, 3, stride=-1), "stride should be greater than zero, but got"),
        (lambda: F.max_pool2d(X, 3, dilation=0), "dilation should be greater than zero, but got"),
        (lambda: F.max_pool2d(X, (1, 2, 3)), "kernel_size must either be a single int, or a tuple"),
        (lambda: F.max_pool2d(X[0, 0], 2), r"Expected 3D or 4D \(batch mode\) tensor"),
        (lambda: F.max_pool2d(X[:, :0], 2), "with optional 0 dim batch size for input, but got"),
        (lambda: F.avg_pool2d(X, 2, divisor_override=0), "divisor must be not zero"),
        (lambda: F.adaptive_avg_pool2d(X, (2, 3, 3)), "output_size must be 2"),
        (lambda: F.adaptive_avg_pool2d(X, -1), "must be greater than or equal to 0 but received"),
        (lambda: F.adaptive_avg_pool2d(X[0, 0], 2), r"input, but got: \[8, 8\]"),
        (lambda: F.adaptive_avg_pool2d(X[:, :, :0], 2), r"input, but got: \[2, 3, 0, 8\]"),
        (lambda: F.unfold(X, 9), r"sliding blocks as \(0, 0\), but its components must be at"),
        (lambda: F.unfold(X, 2, stride=0), "stride should be greater than zero, but got"),
        (lambda: F.unfold(X[0, 0], 2), "Expected 3D or 4D"),
    ],
)
def test_errors(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()


def test_dtypes():
    integers = torch.arange(16).reshape(1, 1, 4, 4)
    assert F.max_pool2d(integers, 2).tolist() == [[[[5, 7], [13, 15]]]]
    assert F.avg_pool2d(integers, 2).dtype == torch.int64
    with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
        F.max_pool2d(integers > 3, 2)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        F.adaptive_avg_pool2d(integers, 2)
