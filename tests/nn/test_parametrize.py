"""Weights that are computed from others: norms in the old and the new way, and parametrizations."""

import copy
import pickle

import numpy as np
import pytest

from tinygrad_adam import arange, float64, manual_seed, nn, ones, optim, rand, randn, tensor, zeros
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.nn.utils import parametrizations, parametrize

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)


class Twice(nn.Module):
    def forward(self, x):
        return x * 2

    def right_inverse(self, y):
        return y / 2


class Sum(nn.Module):
    def forward(self, a, b):
        return a + b

    def right_inverse(self, y):
        return y / 4, y * 3 / 4


def square():
    layer = nn.Linear(3, 3, dtype=float64)
    layer.weight.data = arange(9, dtype=float64).reshape(3, 3)
    return layer


LAYERS = {
    "linear": (lambda: nn.Linear(3, 4, dtype=float64), (5, 3)),
    "conv": (lambda: nn.Conv2d(2, 3, 3, dtype=float64), (2, 2, 5, 6)),
    "transposed": (lambda: nn.ConvTranspose1d(2, 3, 2, dtype=float64), (2, 2, 5)),
    "vector": (lambda: nn.PReLU(3, dtype=float64), (2, 3)),
}


def norms(weight, dim):
    if dim in (None, -1):
        return np.sqrt((weight**2).sum())
    axes = tuple(i for i in range(weight.ndim) if i != dim % weight.ndim)
    return np.sqrt((weight**2).sum(axes, keepdims=True))


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("dim", [0, None, -1, 1, -2])
@pytest.mark.parametrize("name", ["linear", "conv", "transposed"])
def test_weight_norm_trains_norm_and_direction(name, dim, new):
    make, shape = LAYERS[name]
    layer = make()
    before = layer.weight.numpy(force=True).copy()
    if new:
        parametrizations.weight_norm(layer, dim=dim)
        g, v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    else:
        nn.utils.weight_norm(layer, dim=dim)
        g, v = layer.weight_g, layer.weight_v
    np.testing.assert_allclose(g.numpy(force=True), norms(before, dim))
    np.testing.assert_allclose(layer.weight.numpy(force=True), before)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    (layer(randn(*shape, dtype=float64)) ** 2).sum().backward()
    optimizer.step()
    layer(randn(*shape, dtype=float64))
    direction = v.numpy(force=True)
    expected = g.numpy(force=True) * direction / norms(direction, dim)
    np.testing.assert_allclose(layer.weight.numpy(force=True), expected)
    assert not np.allclose(expected, before)
    if new:
        parametrize.remove_parametrizations(layer, "weight")
    else:
        nn.utils.remove_weight_norm(layer)
    assert isinstance(layer.weight, nn.Parameter)
    np.testing.assert_allclose(layer.weight.numpy(force=True), expected)
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_weight_norm_has_the_derivatives_of_its_formula():
    norm = parametrizations.weight_norm(nn.Linear(3, 2)).parametrizations.weight[0]
    g, v = randn(2, 1, dtype=float64), randn(2, 3, dtype=float64)
    for check in (gradcheck, gradgradcheck):
        assert check(norm, (g.requires_grad_(), v.requires_grad_()))


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_spectral_norm_divides_by_the_largest_singular_value(name, new):
    manual_seed(0)
    make, shape = LAYERS[name]
    layer = make()
    before = layer.weight.numpy(force=True).copy()
    (parametrizations.spectral_norm if new else nn.utils.spectral_norm)(layer)
    x = randn(*shape, dtype=float64)
    for _ in range(300):
        layer(x)
    matrix = np.moveaxis(before, 1 if name == "transposed" else 0, 0).reshape(-1, 1)
    if name != "vector":
        matrix = np.moveaxis(before, 1 if name == "transposed" else 0, 0)
        matrix = matrix.reshape(matrix.shape[0], -1)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    np.testing.assert_allclose(layer.weight.numpy(force=True), before / largest, rtol=1e-6)
    layer.eval()
    state = {key: value.numpy().copy() for key, value in layer.state_dict().items()}
    layer(x)
    assert all((state[key] == value.numpy()).all() for key, value in layer.state_dict().items())
    loss = (layer(x) - layer(2 * x)).sum()  # both remember their own vectors
    loss.backward()
    if not new:
        assert {"weight_orig", "weight_u", "weight_v"} <= set(state)
        nn.utils.remove_spectral_norm(layer)
        np.testing.assert_allclose(layer.weight.numpy(force=True), before / largest, rtol=1e-6)
        assert set(layer.state_dict()) <= {"weight", "bias"}
    elif name != "vector":
        assert "parametrizations.weight.0._u" in state


def test_what_the_old_weight_norm_saved_is_loaded_by_the_new():
    old = nn.utils.weight_norm(nn.Linear(3, 2))
    new = parametrizations.weight_norm(nn.Linear(3, 2))
    assert str(new.load_state_dict(old.state_dict())) == "<All keys matched successfully>"
    np.testing.assert_array_equal(new.weight.numpy(force=True), old.weight.numpy(force=True))


def test_a_parametrized_tensor_is_computed_and_trained():
    layer = square()
    origin = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.weight.tolist() == [[0, 1, 2], [1, 4, 5], [2, 5, 8]]
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert layer.parametrizations.weight.original is origin
    assert repr(layer).startswith("ParametrizedLinear(\n  in_features=3, out_features=3, bias=True")
    layer(ones(1, 3, dtype=float64)).sum().backward()
    assert origin.grad.tolist() == [[1, 2, 2], [0, 1, 2], [0, 0, 1]]
    with pytest.raises(RuntimeError, match="Symmetric does not implement right_inverse"):
        layer.weight = zeros(3, 3, dtype=float64)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is origin
    assert (type(layer), origin[1, 0].item()) == (nn.Linear, 1)
    assert not hasattr(layer, "parametrizations")


def test_values_are_assigned_through_the_inverses():
    layer = square()
    for name in ("weight", "weight", "bias"):
        parametrize.register_parametrization(layer, name, Twice())
    layer.weight = tensor([[4.0]], dtype=float64)
    layer.bias = ones(3, dtype=float64)
    assert layer.parametrizations.weight.original.tolist() == [[1.0]]
    assert (layer.weight.tolist(), layer.bias.tolist()) == ([[4.0]], [1.0] * 3)
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight.tolist() == [[1.0]]
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "bias")
    assert not parametrize.is_parametrized(layer, "weight")


def test_one_tensor_from_several():
    layer = square()
    parametrize.register_parametrization(layer, "weight", Sum())
    names = [name for name, _ in layer.named_parameters()]
    assert names == ["bias", *(f"parametrizations.weight.original{i}" for i in range(2))]
    layer.weight = ones(3, 3, dtype=float64)
    assert layer.parametrizations.weight.original1[0, 0].item() == 0.75
    with pytest.raises(ValueError, match="Cannot leave unparametrized"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.tolist() == [[1.0] * 3] * 3


def test_copies_are_on_their_own_and_pickles_are_refused():
    layer = parametrize.register_parametrization(square(), "weight", Twice())
    copied = copy.deepcopy(layer)
    copied.weight = zeros(3, 3, dtype=float64)
    parametrize.remove_parametrizations(copied, "weight")
    assert layer.weight[2, 2].item() == 8
    with pytest.raises(RuntimeError, match=r"only supported through state_dict\(\)"):
        pickle.dumps(layer)


def test_within_cached_a_tensor_is_computed_once():
    layer = parametrize.register_parametrization(square(), "weight", Twice())
    assert layer.weight is not layer.weight
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        assert layer.weight is first
    assert layer.weight is not first


def test_parametrizations_go_from_module_to_module():
    here = parametrize.register_parametrization(square(), "weight", Twice())
    there = nn.ReLU()
    parametrize.transfer_parametrizations_and_params(here, there)
    assert there.weight.tolist() == here.weight.tolist()
    assert there.parametrizations.weight.original is here.parametrizations.weight.original


class Wrong(nn.Module):
    def __init__(self, forward=None, back=None):
        super().__init__()
        self.make, self.back = forward or (lambda x: x), back or (lambda y: y)

    def forward(self, x):
        return self.make(x)

    def right_inverse(self, y):
        return self.back(y)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Wrong(lambda x: x[:1]), "may not change the shape of the tensor"),
        (Wrong(lambda x: x.float()), "may not change the dtype of the tensor"),
        (Wrong(lambda x: 3), "A parametrization must return a tensor. Got int"),
        (Wrong(None, lambda y: 3), "must return a (T|t)ensor"),
        (Wrong(None, lambda y: y.float()), "may not change the dtype|must have the same dtype"),
    ],
)
def test_parametrizations_that_change_a_tensor_are_refused(wrong, words, second):
    layer = square()
    if second:
        parametrize.register_parametrization(layer, "weight", Twice())
    with pytest.raises(ValueError, match=words):
        parametrize.register_parametrization(layer, "weight", wrong)


def test_errors():
    for call, error, words in [
        (
            lambda: parametrize.register_parametrization(square(), "x", Twice()),
            ValueError,
            "does not have a parameter, a buffer, or a parametrized element with name 'x'",
        ),
        (
            lambda: parametrize.remove_parametrizations(square(), "weight"),
            ValueError,
            "does not have a parametrization on weight",
        ),
        (lambda: nn.utils.remove_weight_norm(square()), ValueError, "weight_norm of 'weight' not"),
        (
            lambda: nn.utils.weight_norm(nn.utils.weight_norm(square())),
            RuntimeError,
            "Cannot register two weight_norm hooks",
        ),
        (
            lambda: nn.utils.spectral_norm(nn.LazyLinear(2)),
            ValueError,
            "`SpectralNorm` can't have uninitialized",
        ),
        (
            lambda: nn.utils.spectral_norm(square(), n_power_iterations=0),
            ValueError,
            "Expected n_power_iterations to be positive",
        ),
        (lambda: parametrizations.spectral_norm(square(), dim=2), IndexError, "Dimension out of"),
        (
            lambda: parametrizations.spectral_norm(square(), "x"),
            ValueError,
            "has no parameter or buffer with name 'x'",
        ),
    ]:
        with pytest.raises(error, match=words):
            call()
    with pytest.warns(FutureWarning, match="weight_norm` is deprecated in favor of"):
        nn.utils.weight_norm(square())


FUSED = [
    (lambda: nn.Conv2d(2, 3, 2), lambda: nn.BatchNorm2d(3), (2, 2, 4, 4)),
    (lambda: nn.Conv1d(2, 3, 2, bias=False), lambda: nn.BatchNorm1d(3, affine=False), (2, 2, 4)),
    (lambda: nn.ConvTranspose1d(2, 3, 2), lambda: nn.BatchNorm1d(3), (2, 2, 4)),
    (lambda: nn.Linear(2, 3), lambda: nn.BatchNorm1d(3), (4, 2)),
]


@pytest.mark.parametrize(("layer", "norm", "shape"), FUSED)
def test_a_fused_layer_does_what_the_two_do(layer, norm, shape):
    pair = nn.Sequential(layer(), norm()).double()
    for _ in range(3):
        pair(randn(*shape, dtype=float64) * 3 + 1)
    if pair[1].affine:
        pair[1].weight.data, pair[1].bias.data = rand(2, 3, dtype=float64)
    x = randn(*shape, dtype=float64)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        nn.utils.fuse_conv_bn_eval(*pair)
    pair.eval()
    if isinstance(pair[0], nn.Linear):
        fused = nn.utils.fuse_linear_bn_eval(*pair)
        with pytest.raises(AssertionError, match=r"To fuse, linear\.out_features"):
            nn.utils.fuse_linear_bn_eval(pair[0], nn.BatchNorm1d(2).eval())
    else:
        transpose = isinstance(pair[0], nn.ConvTranspose1d)
        fused = nn.utils.fuse_conv_bn_eval(*pair, transpose=transpose)
    np.testing.assert_allclose(fused(x).numpy(force=True), pair(x).numpy(force=True))


def test_skip_init_spends_no_random_numbers():
    manual_seed(0)
    expected = rand(1)
    manual_seed(0)
    layer = nn.utils.skip_init(nn.Linear, 3, 2, bias=False)
    assert (layer.weight.shape, rand(1).item()) == ((2, 3), expected.item())
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        nn.utils.skip_init(nn.ReLU)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        nn.utils.skip_init(dict)
