"""What the functions of each element do beside computing: second derivatives, numbers, names."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional
from tinygrad_adam.ops import activations, elementwise

STRAIGHT_PIECES = {
    "relu": torch.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.1),
    "abs": torch.abs,
    "clamp": lambda x: x.clamp(-1, 1),
    "clamp, tensors": lambda x: x.clamp(torch.tensor(-1.0), torch.tensor(1.0)),
    "maximum": lambda x: torch.maximum(x, torch.zeros(5)),
    "minimum": lambda x: torch.minimum(torch.ones(5), x),
    "where": lambda x: torch.where(x > 0, x, -0.1 * x),
    "where, a number": lambda x: torch.where(x < 0, 0.0, x),
    "sort": lambda x: x.sort(descending=True).values,
    "topk": lambda x: x.topk(3).values,
    "max along a dimension": lambda x: x.max(0).values,
    "median along a dimension": lambda x: x.median(0, keepdim=True).values,
    "reflection": lambda x: functional.pad(x[None], (1, 1), mode="reflect"),
    "repetition of the edge": lambda x: functional.pad(x[None], (2, 0), mode="replicate"),
}


@pytest.mark.parametrize("function", STRAIGHT_PIECES.values(), ids=STRAIGHT_PIECES)
def test_the_second_derivative_of_straight_pieces_is_zero_not_missing(function):
    x = torch.tensor([-2.0, -0.5, 0.0, 1.0, 3.0], requires_grad=True)
    (slope,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), x)
    assert second.tolist() == [0] * 5


def test_where_keeps_neither_of_its_operands_for_that():
    a, b = torch.ones(3, requires_grad=True), torch.ones(1, requires_grad=True)
    y = torch.where(torch.tensor([True, False, True]), a * 1, b)
    assert [array.dtype.name for array, _ in y.grad_fn.kept] == ["bool"]
    (slope,) = torch.autograd.grad(y.sum(), b, create_graph=True)
    assert [x.tolist() for x in torch.autograd.grad(slope, [a, b])] == [[0] * 3, [0]]


@pytest.mark.parametrize(
    "rectifier", [torch.relu, lambda h: torch.where(h > 0, h, 0.1 * h), lambda h: h.clamp(min=0)]
)
def test_biases_have_gradient_zero_after_a_penalty_on_the_slope_of_a_network(rectifier):
    first, last = torch.nn.Linear(1, 4), torch.nn.Linear(4, 1)
    x = torch.tensor([[0.5], [1.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(last(rectifier(first(x))).sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x, retain_graph=True)
    assert curvature.tolist() == [[0.0], [0.0]]
    (slope**2).sum().backward()
    assert first.bias.grad.tolist() == [0] * 4


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "floor_divide", "pow", "eq"])
def test_what_is_no_operand_is_named(name):
    x, argument = torch.ones(2), "exponent" if name == "pow" else "other"
    with pytest.raises(TypeError, match=rf"^{name}\(\): argument '{argument}' \(position 2\) must"):
        getattr(x, name)([1])


def test_numpys_scalars_are_numbers_and_its_arrays_tensors():
    whole = torch.tensor([1, 2])
    for product in (whole.mul(np.float64(2.5)), whole * np.float64(2.5), np.float64(2.5) * whole):
        assert (product.dtype, product.tolist()) == (torch.float32, [2.5, 5.0])
    assert torch.tensor(1.0).add(np.float64(1)).dtype == torch.float32
    assert (whole * np.array([1.5, 2.5])).dtype == torch.float64


def test_a_number_too_large_for_float16_scales_a_tensor_of_it():
    x = torch.tensor([1e-3, 1.0], dtype=torch.float16)
    for y in (x * 1e6, 1e6 * x, x.mul(1e6)):
        assert (y.dtype, y.tolist()) == (torch.float16, [1000.5, np.inf])
    assert (x / 1e6).tolist() == [0, pytest.approx(1e-6, rel=0.05)]


def test_a_choice_between_two_numbers():
    mask = torch.tensor([True, False])
    assert torch.where(mask, 1, 2).dtype == torch.int64
    assert torch.where(mask, 1, 2.5).tolist() == [1, 2.5]


def test_a_method_is_the_function():
    assert torch.Tensor.exp is elementwise.exp
    assert torch.Tensor.softmax is activations.softmax
    assert functional.sigmoid is elementwise.sigmoid
    assert elementwise.exp(torch.zeros(1, requires_grad=True)).grad_fn.name() == "ExpBackward0"


def test_results_are_written_into_out():
    x, out = torch.tensor([1.0, 4.0]), torch.zeros(2)
    for function in (elementwise.sqrt, elementwise.neg, activations.relu):
        assert function(x, out=out) is out
        assert out.tolist() == function(x).tolist()
    assert elementwise.add(x, x, alpha=2, out=out).tolist() == [3, 12]
    assert elementwise.clamp(x, max=2, out=out).tolist() == [1, 2]
    assert elementwise.lt(x, 2, out=torch.zeros(2)).tolist() == [1, 0]


def test_a_number_is_shifted_by_a_tensor_and_the_reverse():
    x = torch.tensor([1, 2, 3])
    assert (8 >> x).tolist() == [4, 2, 1]
    assert (8 << x).tolist() == (np.int64(8) << x).tolist() == [16, 32, 64]
    assert (True << x).tolist() == [2, 4, 8]
    assert (x << 1).tolist() == torch.bitwise_left_shift(x, 1).tolist() == [2, 4, 6]
    assert torch.bitwise_right_shift(8, x).tolist() == [4, 2, 1]
    small = torch.tensor([1, 2], dtype=torch.int8)
    assert (200 << small).tolist() == [-112, 32]
    assert (200 << small).dtype == torch.int8
    y = x
    y <<= torch.tensor([1, 0, 2])
    y >>= 1
    assert y is x
    assert x.tolist() == x.bitwise_left_shift_(0).tolist() == [1, 1, 6]


def test_only_integers_are_shifted():
    for call in (
        lambda: 8 >> torch.tensor([1.0]),
        lambda: 2.5 << torch.tensor([1]),
        lambda: torch.tensor([1.0]) << 1,
        lambda: torch.tensor([True]) << True,
    ):
        with pytest.raises(NotImplementedError, match=r'"bitwise_(left|right)_shift" not impl'):
            call()
    for other in ("a", None, [1]):
        with pytest.raises(TypeError, match="unsupported operand"):
            other >> torch.tensor(1)


def test_two_numbers_are_taken_where_pytorch_takes_them():
    for found, dtype, value in (
        (torch.add(1, 2), "int64", 3),
        (torch.add(1, 2.5), "float32", 3.5),
        (torch.add(True, 2), "int64", 3),
        (torch.add(1, 2, alpha=3), "int64", 7),
        (torch.sub(1, 2), "int64", -1),
        (torch.mul(2.0, 3), "float32", 6),
        (torch.multiply(2, 3), "int64", 6),
        (torch.div(1, 2), "float32", 0.5),
        (torch.true_divide(5, 2), "float32", 2.5),
        (torch.div(-7, 2, rounding_mode="trunc"), "int64", -3),
        (torch.floor_divide(-7, 2), "int64", -4),
    ):
        assert isinstance(found, torch.Tensor)
        assert (found.dtype, found.shape, found.item()) == (np.dtype(dtype), (), value)
    for name in ("eq", "lt", "pow", "maximum", "remainder", "fmod", "bitwise_and", "atan2"):
        with pytest.raises(TypeError, match="must be Tensor, not int"):
            getattr(torch, name)(1, 2)
    for wrong in (("a", 1), (None, 1), ([1], 2), (1, None)):
        with pytest.raises(TypeError):
            torch.add(*wrong)
