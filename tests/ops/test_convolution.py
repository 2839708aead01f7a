"""Convolution as operations: results, gradients of any order, errors."""

import itertools

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.nn import functional as F  # noqa: N812 (everybody's name for it)
from tinygrad_adam.ops.convolution import Conv2dInputGradient, Conv2dParameterGradients, Options


def by_hand(x, weight, bias, stride, padding, dilation, groups):
    """Convolution as its definition says, one number at a time."""
    batch, _, height, width = x.shape
    out_channels, each, k_h, k_w = weight.shape
    rows = (height + 2 * padding[0] - dilation[0] * (k_h - 1) - 1) // stride[0] + 1
    columns = (width + 2 * padding[1] - dilation[1] * (k_w - 1) - 1) // stride[1] + 1
    y = np.zeros((batch, out_channels, rows, columns))
    for n, o, i, j in itertools.product(*map(range, y.shape)):
        first = o // (out_channels // groups) * each
        for c, k, m in itertools.product(range(each), range(k_h), range(k_w)):
            row = i * stride[0] + k * dilation[0] - padding[0]
            column = j * stride[1] + m * dilation[1] - padding[1]
            if 0 <= row < height and 0 <= column < width:
                y[n, o, i, j] += x[n, first + c, row, column] * weight[o, c, k, m]
        y[n, o, i, j] += bias[o]
    return y


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


OPTIONS = [
    ((1, 1), (0, 0), (1, 1), 1),
    ((2, 1), (1, 2), (1, 1), 1),
    ((1, 3), (0, 1), (2, 1), 2),
    ((2, 2), (2, 1), (1, 2), 4),
]


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), OPTIONS)
def test_agrees_with_the_definition(stride, padding, dilation, groups):
    x, weight, bias = random(2, 4, 6, 7), random(4, 4 // groups, 3, 2), random(4)
    y = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    expected = by_hand(
        x.detach().array, weight.detach().array, bias.detach().array, stride, padding, dilation,
        groups,
    )  # fmt: skip
    np.testing.assert_allclose(y.detach().array, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), OPTIONS)
def test_gradients_of_gradients(stride, padding, dilation, groups):
    x, weight, bias = random(1, 4, 5, 5), random(4, 4 // groups, 3, 2), random(4)
    options = (stride, padding, dilation, groups)

    def convolve(x, weight, bias):
        return F.conv2d(x, weight, bias, *options)

    assert gradcheck(convolve, (x, weight, bias), fast_mode=True)
    assert gradgradcheck(convolve, (x, weight, bias), fast_mode=True)


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), OPTIONS)
def test_the_gradients_are_operations_of_their_own(stride, padding, dilation, groups):
    options = Options(stride, padding, dilation, groups)
    x, weight = random(1, 4, 5, 6), random(4, 4 // groups, 3, 2)
    grad = random(*F.conv2d(x, weight, None, *options).shape)

    def to_input(grad, weight):
        return Conv2dInputGradient.apply(grad, weight, x.shape, options)

    def to_weight(grad, x):
        return Conv2dParameterGradients.apply(grad, x, weight.shape, False, options)

    def to_weight_and_bias(grad, x):
        return Conv2dParameterGradients.apply(grad, x, weight.shape, True, options)

    for function, inputs in [
        (to_input, (grad, weight)),
        (to_weight, (grad, x)),
        (to_weight_and_bias, (grad, x)),
    ]:
        assert gradcheck(function, inputs, fast_mode=True)
        assert gradgradcheck(function, inputs, fast_mode=True)


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
def test_gradients_of_some_inputs_only(wanted):
    values = (random(2, 4, 5, 5), random(6, 2, 3, 3), random(6))
    grad = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    every = torch.autograd.grad(F.conv2d(*values, padding=1, groups=2), values, grad)
    inputs = [x.detach().requires_grad_(i in wanted) for i, x in enumerate(values)]
    F.conv2d(*inputs, padding=1, groups=2).backward(grad)
    for i, (x, expected) in enumerate(zip(inputs, every)):
        if i in wanted:
            np.testing.assert_allclose(x.grad.numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)
        else:
            assert x.grad is None


def test_third_derivatives():
    x, weight = random(1, 1, 4, 4), random(1, 1, 2, 2)
    y = (F.conv2d(x, weight) ** 3).sum()
    for _ in range(3):
        (gradient,) = torch.autograd.grad(y, x, create_graph=True)
        y = (gradient**2).sum()
    assert np.isfinite(y.item())


@pytest.mark.parametrize("output_padding", [0, 1])
def test_transposed_convolution_is_the_adjoint(output_padding):
    # <conv(x), y> = <x, conv_transpose(y)> for all x and y
    weight = random(4, 3, 3, 2)
    y = random(2, 4, 3, 4)
    up = F.conv_transpose2d(y, weight, None, 2, 1, output_padding)
    x = random(*up.shape)
    down = F.conv2d(x, weight, None, 2, 1)
    assert (down * y).sum().item() == pytest.approx((x * up).sum().item())


def test_output_padding_beyond_the_stride():
    x, weight, bias = random(1, 2, 3, 3), random(2, 2, 2, 2), random(2)

    def transposed(x, weight, bias):
        return F.conv_transpose2d(x, weight, bias, output_padding=1, dilation=2)

    assert transposed(x, weight, bias).shape == (1, 2, 6, 6)
    assert gradcheck(transposed, (x, weight, bias), fast_mode=True)
    assert gradgradcheck(transposed, (x, weight, bias), fast_mode=True)


def test_no_gradient_that_nobody_asked_for():
    x, weight = torch.randn(1, 1, 4, 4), torch.randn(2, 1, 3, 3, requires_grad=True)
    y = F.conv2d(x, weight)
    assert y.grad_fn.needs_input_grad[:3] == (False, True, False)
    y.sum().backward()
    assert x.grad is None
    # What is not needed is not kept either, and may change.
    frozen = torch.randn(1, 1, 4, 4, requires_grad=True)
    kernel = torch.randn(2, 1, 3, 3)
    z = F.conv2d(frozen * 1, kernel)
    z._edge[0].edges[0][0].release()
    assert z._edge[0].saved_tensors[0] is None


@pytest.mark.parametrize("transposed", [False, True])
def test_unbatched_and_not_contiguous(transposed):
    function = F.conv_transpose2d if transposed else F.conv2d
    x, weight = random(2, 5, 6, 3), random(3, 3, 2, 4)
    seen, turned = x.permute(0, 3, 1, 2), weight.transpose(2, 3)
    y = function(seen, turned)
    z = function(seen.contiguous(), turned.contiguous())
    np.testing.assert_allclose(y.detach().array, z.detach().array)
    np.testing.assert_allclose(function(seen[0], turned).detach().array, y[0].detach().array)


def test_results_are_channels_last_under_the_usual_shape():
    y = F.conv2d(torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3))
    assert y.shape == (2, 4, 6, 6)
    assert y.permute(0, 2, 3, 1).is_contiguous()


X = torch.ones(2, 3, 8, 8)
W = torch.ones(4, 3, 3, 3)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: F.conv2d(X[:, :1], W),
            r"Given groups=1, weight of size \[4, 3, 3, 3\], expected input\[2, 1, 8, 8\] to have "
            "3 channels, but got 1 channels instead",
        ),
        (
            lambda: F.conv2d(X[..., :2, :2], W),
            r"Calculated padded input size per channel: \(2 x 2\). Kernel size: \(3 x 3\). Kernel "
            "size can't be greater than actual input size",
        ),
        (
            lambda: F.conv2d(X[0, 0], W),
            r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv",
        ),
        (
            lambda: F.conv2d(X, W, torch.ones(2)),
            "expected bias to be 1-dimensional with 4 elements",
        ),
        (lambda: F.conv2d(X.double(), W), "expected scalar type Double but found Float"),
        (lambda: F.conv2d(X, W, torch.ones(4).double()), r"Input type \(float\) and bias type"),
        (lambda: F.conv2d(X, W, stride=0), "non-positive stride is not supported"),
        (lambda: F.conv2d(X, W, padding=-1), "negative padding is not supported"),
        (lambda: F.conv2d(X, W, dilation=0), "non-positive dilation is not supported"),
        (lambda: F.conv2d(X, W, groups=0), "non-positive groups is not supported"),
        (lambda: F.conv2d(X, W, stride=(1, 2, 3)), "expected stride to be a single integer value"),
        (lambda: F.conv2d(X, W[:, :1], groups=3), "divisible by 3 at dimension 0"),
        (lambda: F.conv2d(X, W[:0]), "expected weight to be at least 1 at dimension 0"),
        (lambda: F.conv2d(X, W, stride=2, padding="same"), "not supported for strided"),
        (lambda: F.conv2d(X, W, padding="other"), "Invalid padding string: 'other'"),
        (lambda: F.conv2d(X[:, :, :0], W, padding=2), "Only zero batch or zero channel inputs"),
        (lambda: F.conv1d(X, W), r"Expected 2D \(unbatched\) or 3D \(batched\) input to conv1d"),
        (
            lambda: F.conv1d(X[0], W[0]),
            r"Given groups=1, weight of size \[3, 3, 3\], expected input\[3, 8, 8\] to have 3",
        ),
        (lambda: F.conv1d(X[0], W), "Expected 4-dimensional input for 4-dimensional weight"),
        (
            lambda: F.conv_transpose2d(X[:, :1], W[:3]),
            r"Given transposed=1, weight of size \[3, 3, 3, 3\], expected input\[2, 1, 8, 8\] to",
        ),
        (
            lambda: F.conv_transpose2d(X, W[:3], output_padding=1),
            "output padding must be smaller than either stride or dilation, but got "
            r"output_padding=\(1, 1\)",
        ),
        (lambda: F.conv_transpose2d(X[..., :1, :1], W[:3], padding=3), "Output size is too small"),
    ],
)
def test_errors(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "out_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), "groups must be a positive integer"),
        (lambda: nn.Conv2d(4, 4, 3, padding="x"), "Invalid padding string 'x', should be one of"),
        (lambda: nn.Conv2d(4, 4, 3, 2, "same"), "not supported for strided convolutions"),
        (lambda: nn.Conv2d(4, 4, 3, padding_mode="x"), "padding_mode must be one of"),
        (lambda: nn.ConvTranspose2d(1, 1, 1, padding_mode="reflect"), 'Only "zeros" padding mode'),
        (
            lambda: nn.ConvTranspose2d(3, 4, 3)(X, output_size=(20, 20)),
            r"requested an output size of \(20, 20\), but valid sizes range from \[10, 10\] to",
        ),
        (lambda: nn.ConvTranspose2d(3, 4, 3)(X, output_size=(20,)), "must have 2 or 4 elements"),
    ],
)
def test_errors_of_layers(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_output_size_chooses_output_padding():
    layer = nn.ConvTranspose2d(3, 4, 3, stride=2)
    assert layer(X).shape == (2, 4, 17, 17)
    assert layer(X, output_size=(18, 17)).shape == (2, 4, 18, 17)
    assert layer(X[0], output_size=[4, 17, 18]).shape == (4, 17, 18)


def test_without_channels_there_is_the_bias():
    bias = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = F.conv2d(torch.ones(2, 0, 4, 4), torch.ones(3, 0, 3, 3), bias)
    assert (y - bias.reshape(3, 1, 1)).tolist() == torch.zeros(2, 3, 2, 2).tolist()
    y.sum().backward()
    assert bias.grad.tolist() == [8.0, 8.0, 8.0]
