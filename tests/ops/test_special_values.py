"""Infinities, NaN and zeros: where they go, forward and in gradients, as in PyTorch."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional

inf, nan = math.inf, math.nan


def slopes(function, numbers, order=1, dtype=torch.float64):
    """Return the derivative of a function of each element, the first or the second."""
    x = torch.tensor(numbers, dtype=dtype, requires_grad=True)
    y = function(x)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return y.tolist()


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([inf, 2.0, 0.0], [0.0, nan, inf]),
        ([inf, 2.0, 3.0], [nan, inf, inf]),
        ([2.0, 0.0, inf, 1.0], [nan, inf, 0.0, nan]),
        ([inf, 0.0, 0.0], [0.0, nan, nan]),
    ],
)
def test_gradient_of_a_product_with_infinities(numbers, wanted):
    np.testing.assert_array_equal(slopes(lambda x: x.prod(0), numbers), wanted)


@pytest.mark.parametrize(
    ("exponent", "wanted"),
    [(0.5, [0.0, 0.0, inf, inf]), (-0.5, [inf, inf, 0.0, 0.0])],
)
def test_half_precision_powers_at_signed_zeros_and_infinities(exponent, wanted):
    x = torch.tensor([0.0, -0.0, inf, -inf], dtype=torch.float16)
    assert (x**exponent).tolist() == wanted
    assert (x**exponent).dtype == torch.float16


def test_slopes_of_elu_at_its_kink_and_at_nan():
    assert slopes(functional.elu, [nan, -inf, inf, 0.0]) == [1.0, 0.0, 1.0, 1.0]
    assert slopes(functional.elu, [0.0, 1.0, nan], order=2) == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(slopes(functional.elu, [-1.0], order=2), [math.exp(-1)])


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        (0.5, [-2 * math.log(2), -math.log(2), -math.log(2) / 4]),
        (1, [0.0, 0.0, 0.0]),
        (2.0, [math.log(2) / 2, math.log(2), 4 * math.log(2)]),
        (0, [-inf, 0.0, 0.0]),
        (-2.0, [nan, nan, nan]),
    ],
)
def test_slopes_of_the_power_of_a_number(base, wanted):
    np.testing.assert_allclose(slopes(lambda x: base**x, [-1.0, 0.0, 2.0]), wanted)


def test_integers_to_negative_powers():
    a, b = torch.tensor([1, -1, -1, 2, -3, 0]), torch.tensor([-1, -3, -2, -2, -1, -1])
    assert (a**b).tolist() == [1, -1, 1, 0, 0, 0]


def test_slopes_of_the_angle_at_the_origin():
    a = torch.tensor([0.0, 3.0], requires_grad=True)
    b = torch.tensor([0.0, 4.0], requires_grad=True)
    torch.atan2(a, b).sum().backward()
    np.testing.assert_allclose(a.grad.tolist(), [0.0, 0.16])
    np.testing.assert_allclose(b.grad.tolist(), [0.0, -0.12])


@pytest.mark.parametrize(
    ("low", "high", "inside", "at_low", "at_high"),
    [
        (1.0, 3.0, [0, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]),
        (3.0, 1.0, [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]),  # the upper bound wins
        (2.0, 2.0, [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 1]),
    ],
)
def test_slopes_of_bounds_that_are_tensors(low, high, inside, at_low, at_high):
    x = torch.arange(5.0).requires_grad_()
    bounds = [torch.full((5,), bound, requires_grad=True) for bound in (low, high)]
    x.clamp(*bounds).sum().backward()
    assert x.grad.tolist() == inside
    assert [bound.grad.tolist() for bound in bounds] == [at_low, at_high]


def test_slopes_of_softplus_at_its_threshold():
    first = slopes(lambda x: functional.softplus(x, 2, 1), [0.5, 0.75])
    np.testing.assert_allclose(first, [1 / (1 + math.exp(-1)), 1.0])
    second = slopes(lambda x: functional.softplus(x, 2, 1), [0.5, 0.75], order=2)
    assert second == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("function", "numbers", "wanted"),
    [
        (torch.relu, [0.0, -0.0], [0.0, 0.0]),
        (torch.abs, [0.0, -0.0], [0.0, 0.0]),
        (lambda x: functional.leaky_relu(x, 0.25), [0.0, -0.0], [0.25, 0.25]),
        (lambda x: functional.leaky_relu(x, -2.0), [0.0, -0.0], [-2.0, -2.0]),
        (lambda x: functional.elu(x, 0.25), [0.0, -0.0, 1.0], [0.25, 0.25, 1.0]),
        (lambda x: functional.elu(x, 3.0), [0.0, -0.0, 1.0], [3.0, 3.0, 1.0]),
        (lambda x: functional.elu(x, -1.0), [0.0, -0.0, 1.0], [-1.0, -1.0, 1.0]),
        (functional.hardswish, [-3.0, 0.0, 3.0], [0.0, 0.5, 1.0]),
        (lambda x: x.clamp(-1.0, 2.0), [-1.0, 2.0, -1.5, 2.5], [1.0, 1.0, 0.0, 0.0]),
        (lambda x: x.clamp(min=0.5), [0.5, 0.25], [1.0, 0.0]),
        (lambda x: torch.maximum(x, x.detach()), [1.0, 0.0], [0.5, 0.5]),
        (lambda x: torch.minimum(x, x.detach()), [1.0, 0.0], [0.5, 0.5]),
        (lambda x: functional.l1_loss(x, x.detach() * 0 + 1), [1.0], [0.0]),
        (
            lambda x: functional.huber_loss(x, 0 * x.detach(), "sum", delta=0.5),
            [-1.0, -0.5, 0.0, 0.5, 1.0],
            [-0.5, -0.5, 0.0, 0.5, 0.5],
        ),
        (
            lambda x: functional.smooth_l1_loss(x, 0 * x.detach(), reduction="sum", beta=0.5),
            [-1.0, -0.5, -0.25, 0.5, 1.0],
            [-1.0, -1.0, -0.5, 1.0, 1.0],
        ),
    ],
)
def test_slopes_at_kinks(function, numbers, wanted, dtype):
    assert slopes(function, numbers, dtype=dtype) == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slopes_of_binary_cross_entropy_at_probabilities_close_to_0_and_1(dtype):
    # g (p - y) / (p (1 - p)), the divisor not below 1e-12.
    def slope_for(target):
        return lambda p: functional.binary_cross_entropy(
            p, torch.full_like(p, target), reduction="sum"
        )

    small = [0.0, 1e-20, 1e-13, 1e-11, 1e-8, 1e-6, 1e-4]
    wanted = [-1e12, -1e12, -1e12, -1e11, -1e8, -1e6, -1e4]
    np.testing.assert_allclose(slopes(slope_for(1.0), small, dtype=dtype), wanted, rtol=1e-6)
    wanted = [0.0, 1e-8, 0.1, 1.0, 1.0, 1 / (1 - 1e-6), 1 / (1 - 1e-4)]
    np.testing.assert_allclose(slopes(slope_for(0.0), small, dtype=dtype), wanted, rtol=1e-6)
    assert slopes(slope_for(0.0), [1.0], dtype=dtype) == pytest.approx([1e12])
    assert slopes(slope_for(1.0), [1.0], dtype=dtype) == [0.0]
    large = [1 - 2.0**-23, 1 - 2.0**-10]
    np.testing.assert_allclose(slopes(slope_for(0.0), large, dtype=dtype), [2.0**23, 2.0**10])


def test_variance_and_mean_take_their_options_by_place_too():
    x = torch.tensor([[1.0, 3.0], [2.0, 8.0]])
    variance, mean = torch.var_mean(x, 1, False, True)
    assert variance.tolist() == [[1.0], [9.0]]
    assert mean.tolist() == [[2.0], [5.0]]
    deviation, mean = torch.std_mean(x, False)
    assert mean.tolist() == 3.5
    np.testing.assert_allclose(deviation.item(), math.sqrt(29 / 4))
    assert torch.std_mean(x, axis=1, keepdims=True, correction=0)[0].tolist() == [[1.0], [3.0]]


def test_every_nan_is_different_from_every_other():
    values, counts = torch.tensor([nan, 1.0, nan]).unique(return_counts=True)
    np.testing.assert_array_equal(values.tolist(), [1.0, nan, nan])
    assert counts.tolist() == [1, 1, 1]


def test_losses_take_bool_targets_as_numbers():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    target = torch.tensor([True, False])
    for loss, wanted in (
        (functional.mse_loss, [-0.5, 2.0]),
        (functional.smooth_l1_loss, [-0.25, 0.5]),
        (functional.huber_loss, [-0.25, 0.5]),
    ):
        (slope,) = torch.autograd.grad(loss(x, target), x)
        assert slope.tolist() == wanted


def test_huber_loss_has_the_dtype_of_its_input():
    x = torch.ones(2)
    assert functional.huber_loss(x, x.double()).dtype == torch.float32
    assert functional.huber_loss(x.double(), x).dtype == torch.float64


def test_a_bias_of_linear_may_broadcast():
    x, weight = torch.ones(2, 3, requires_grad=True), torch.ones(4, 3)
    bias = torch.arange(8.0).reshape(2, 4).requires_grad_()
    y = functional.linear(x, weight, bias)
    y.sum().backward()
    assert y.tolist() == [[3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0]]
    assert bias.grad.tolist() == [[1.0] * 4] * 2


def test_half_precision_is_normalized_with_single_precision_parameters():
    x = torch.tensor([[1.0, 3.0], [5.0, 11.0]], dtype=torch.float16)
    y = functional.layer_norm(x, (2,), torch.full((2,), 2.0), torch.ones(2))
    assert y.dtype == torch.float16
    np.testing.assert_allclose(y.tolist(), [[-1.0, 3.0], [-1.0, 3.0]], atol=2e-3)


def test_where_warns_of_a_uint8_condition():
    condition = torch.tensor([0, 2], dtype=torch.uint8)
    with pytest.warns(UserWarning, match="where received a uint8 condition tensor"):
        assert torch.where(condition, 1.0, 5.0).tolist() == [5.0, 1.0]


def test_second_derivatives_of_losses_with_a_kink():
    zero = torch.zeros(3, dtype=torch.float64)
    for loss, wanted in (
        (lambda x: functional.huber_loss(x, zero, "sum", delta=2.0), [0.0, 1.0, 0.0]),
        (lambda x: functional.smooth_l1_loss(x, zero, reduction="sum", beta=2.0), [0.0, 0.5, 0.0]),
    ):
        assert slopes(loss, [2.0, -1.0, -2.0], order=2) == wanted
    assert slopes(lambda x: functional.huber_loss(x, zero, "sum"), [2.0, 0.5, -1.0]) == [
        1.0, 0.5, -1.0
    ]  # fmt: skip


def test_slope_of_binary_cross_entropy_for_a_target_of_impossible_probability():
    p = torch.tensor([0.0, 1.0, 0.5])
    target = torch.tensor([0.0, 1.0, 0.5], requires_grad=True)
    losses = functional.binary_cross_entropy(p, target, reduction="sum")
    (slope,) = torch.autograd.grad(losses, target)
    assert slope.tolist() == [inf, -inf, 0.0]


def test_weights_of_a_loss_have_the_shape_of_its_input():
    x, target = torch.tensor([1.0, 2.0]), torch.zeros(3, 2)
    weight = torch.tensor([1.0, 3.0])
    with pytest.warns(UserWarning, match="different to the input size"):
        assert functional.mse_loss(x, target, weight=weight).item() == 3 * (1 + 12) / 4
    with pytest.raises(ValueError, match="Weights and input must have the same size"):
        functional.l1_loss(target, target, weight=weight)


def test_maxima_of_an_empty_batch_have_second_derivatives():
    x = torch.zeros(0, 1, 4, 4, requires_grad=True)
    loss = functional.max_pool2d(x, 2).square().sum()
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), x)
    assert slope.shape == second.shape == (0, 1, 4, 4)


def test_bounds_of_clamp_and_its_input_decide_the_dtype_together():
    x = torch.tensor([0, 1, 2], dtype=torch.uint8)
    assert x.clamp(-1, 1.5).tolist() == [0.0, 1.0, 1.5]
    assert x.clamp(min=-1).tolist() == [255, 255, 255]  # -1 as a uint8, as in PyTorch
    assert x.clamp(torch.tensor(0.5)).dtype == torch.float32


def test_scattering_adds_or_multiplies_on_request():
    x, index = torch.arange(4.0, requires_grad=True), torch.tensor([1, 3, 1])
    y = x.scatter(0, index, torch.tensor([2.0, 3.0, 4.0]), reduce="multiply")
    assert y.tolist() == [0.0, 8.0, 2.0, 9.0]
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [1.0, 8.0, 1.0, 3.0]
    assert x.scatter(0, index, 2, reduce="add").tolist() == [0.0, 5.0, 2.0, 5.0]
    z = x.clone().scatter_(0, index, value=3, reduce="multiply")
    assert z.tolist() == [0.0, 9.0, 2.0, 9.0]
    assert torch.autograd.grad(z.sum(), x)[0].tolist() == [1.0, 9.0, 1.0, 3.0]
    number = torch.tensor(2.0, requires_grad=True)
    w = number.clone().scatter_reduce_(0, torch.tensor(0), torch.tensor(5.0), "prod")
    assert torch.autograd.grad(w, number)[0].item() == 5
    whole = torch.tensor([7, 1]).scatter_reduce(0, torch.tensor([0]), torch.tensor([2]), "mean")
    assert whole.tolist() == [4, 1]


def test_median_of_nothing():
    assert math.isnan(torch.zeros(0).median().item())
    assert torch.zeros(0, dtype=torch.int64).median().item() == -(2**63)
    assert torch.zeros(0, dtype=torch.uint8).median().item() == 0


def test_slope_of_a_variance_with_too_large_a_correction():
    with pytest.warns(UserWarning, match="degrees of freedom"):
        found = slopes(lambda x: x.var(0, correction=4), [1.0, 3.0])
    assert found == [1.0, -1.0]


def test_bools_plus_a_multiple_of_a_bool_are_bools():
    found = torch.tensor([True, False]).add(True, alpha=2)
    assert found.dtype == torch.bool
    assert found.tolist() == [True, True]


def test_logaddexp_of_infinities():
    """The gradients are PyTorch's: of two equal infinities neither is said to be the larger."""
    a = torch.tensor([inf, -inf, inf, -inf, 1.0, 100.0, 0.0], requires_grad=True)
    b = torch.tensor([inf, -inf, 1.0, 1.0, nan, -100.0, 0.0], requires_grad=True)
    y = torch.logaddexp(a, b)
    y.sum().backward()
    np.testing.assert_allclose(y.detach(), [inf, -inf, inf, 1, nan, 100, np.log(2)], rtol=1e-6)
    np.testing.assert_array_equal(a.grad, [nan, nan, 1, 0, nan, 1, 0.5])
    np.testing.assert_allclose(b.grad, [nan, nan, 0, 1, nan, 0, 0.5], atol=1e-30)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.std(),
        lambda x: x.std(1, correction=0),
        lambda x: (x - 0.5).norm(),
        lambda x: (x - 0.5).norm(p=3, dim=1),
        lambda x: (x - 0.5).norm(p=0.5, dim=1),
        lambda x: (x - 0.5).norm(p=inf, dim=0),
    ],
)
def test_slopes_of_what_is_zero_at_its_least_are_zero_there(function):
    assert slopes(function, [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]) == [[0.0] * 3] * 2


def test_slopes_of_a_scattered_product_with_zeros():
    start = torch.tensor([7.0, 2.0, 3.0, 0.0], dtype=torch.float64, requires_grad=True)
    factors = torch.tensor([0.0, 0.0, 3.0, 0.0, 5.0, 2.0, 4.0], dtype=torch.float64)
    factors.requires_grad_()
    places = torch.tensor([0, 0, 0, 1, 1, 2, 3])
    product = start.scatter_reduce(0, places, factors, "prod")
    product.backward(torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64))
    assert product.tolist() == [0.0, 0.0, 6.0, 0.0]
    assert start.grad.tolist() == [0.0, 0.0, 6.0, 16.0]
    # Of two zeros at a place each has the other among its factors.
    assert factors.grad.tolist() == [0.0, 0.0, 0.0, 20.0, 0.0, 9.0, 0.0]


@pytest.mark.parametrize("beta", [0, 0.0, False])
def test_what_is_multiplied_by_beta_0_does_not_count_even_if_it_is_nan(beta):
    row, column = torch.ones(1, 2), torch.ones(2, 1)
    assert torch.addmm(torch.full((1, 1), nan), row, column, beta=beta).tolist() == [[2.0]]
    assert torch.addmv(torch.full((1,), nan), row, column[:, 0], beta=beta).tolist() == [2.0]
    batch = torch.full((1, 1, 1), nan)
    assert torch.baddbmm(batch, row[None], column[None], beta=beta).tolist() == [[[2.0]]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_binary_cross_entropy_of_probabilities_close_to_0_and_1(dtype):
    p = torch.tensor([1e-10, 1 - 2.0**-20, 1e-30, 0.0, 1.0], dtype=dtype)
    y = torch.tensor([0.0, 1.0, 1.0, 1.0, 0.0], dtype=dtype)
    losses = functional.binary_cross_entropy(p, y, reduction="none")
    wanted = [1e-10, -math.log1p(-(2.0**-20)), 30 * math.log(10), 100.0, 100.0]
    np.testing.assert_allclose(losses.tolist(), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    "pick",
    [
        lambda x, i: x[i],
        lambda x, i: x[torch.tensor([0, i])],
        lambda x, i: x.gather(0, torch.tensor([abs(i)])),
        lambda x, i: x.scatter(0, torch.tensor([abs(i)]), 1.0),
        lambda x, i: x.index_add(0, torch.tensor([abs(i)]), torch.ones(1)),
        lambda x, i: x.index_copy(0, torch.tensor([abs(i)]), torch.ones(1)),
        lambda x, i: x.index_fill(0, torch.tensor([i]), 1.0),
        lambda x, i: x.index_select(0, torch.tensor([abs(i)])),
        lambda x, i: functional.embedding(torch.tensor([abs(i)]), x[:, None]),
    ],
)
def test_the_first_position_that_is_not_there_is_refused(pick):
    x = torch.arange(4.0)
    pick(x, 3)
    pick(x, -3)
    with pytest.raises((IndexError, RuntimeError), match=r"bounds for dim|range in self"):
        pick(x, 4)
    with pytest.raises((IndexError, RuntimeError), match=r"bounds for dim|range in self"):
        pick(x, -5)
