"""Orthogonal weights: by every map, of every shape, before and after a step."""

import numpy as np
import pytest

from tinygrad_adam import complex128, eye, float64, nn, no_grad, optim, randn, tensor
from tinygrad_adam.autograd import gradcheck
from tinygrad_adam.nn.utils import parametrize
from tinygrad_adam.nn.utils.parametrizations import orthogonal

SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 3), (2, 4, 3), (1, 1), (1, 3)]


def holder(shape, dtype=float64):
    module = nn.Module()
    module.weight = nn.Parameter(randn(*shape, dtype=dtype))
    return module


def assert_orthogonal(weight):
    w = weight.numpy(force=True)
    if w.shape[-2] < w.shape[-1]:
        w = w.swapaxes(-1, -2)
    product = w.swapaxes(-1, -2).conj() @ w
    np.testing.assert_allclose(
        product, np.broadcast_to(np.eye(w.shape[-1]), product.shape), atol=1e-9
    )


@pytest.mark.parametrize("dtype", [float64, complex128])
@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_weight_stays_orthogonal(shape, kind, trivial, dtype):
    module = holder(shape, dtype)
    if kind == "householder" and dtype is complex128:
        with pytest.raises(ValueError, match="does not support complex tensors"):
            orthogonal(module, orthogonal_map=kind)
        return
    orthogonal(module, orthogonal_map=kind, use_trivialization=trivial)
    assert_orthogonal(module.weight)
    optimizer = optim.SGD(module.parameters(), lr=0.2)
    before = module.weight.detach()
    (module.weight.abs() ** 3).sum().backward()
    optimizer.step()
    assert_orthogonal(module.weight)
    if shape != (1, 1):
        assert not np.allclose(module.weight.numpy(force=True), before.numpy())


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_a_weight_has_the_derivatives_of_its_map(kind):
    module = orthogonal(holder((4, 3)), orthogonal_map=kind)
    map_ = module.parametrizations.weight[0]
    x = randn(4, 3, dtype=float64, requires_grad=True)
    diagonal = eye(4, dtype=float64)[:, :3]  # which the reflections read as signs
    assert gradcheck(lambda x: map_(x * (1 - diagonal) - diagonal), (x,))


def test_an_orthogonal_weight_starts_as_it_is_and_can_be_assigned():
    angle = tensor(0.3, dtype=float64)
    turn = np.array([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]], dtype=float)
    module = holder((2, 2))
    with no_grad():
        module.weight.copy_(tensor(turn))
    orthogonal(module)
    np.testing.assert_allclose(module.weight.numpy(force=True), turn)
    assert list(module.state_dict()) == [
        "parametrizations.weight.original", "parametrizations.weight.0.base",
    ]  # fmt: skip
    module.weight = tensor(turn.T)
    np.testing.assert_allclose(module.weight.numpy(force=True), turn.T)
    parametrize.remove_parametrizations(module, "weight")
    np.testing.assert_allclose(module.weight.numpy(force=True), turn.T)


def test_of_another_matrix_the_nearest_by_qr_is_taken():
    for options in ({}, {"orthogonal_map": "householder", "use_trivialization": False}):
        module = holder((3, 3))
        q, r = np.linalg.qr(module.weight.numpy(force=True))
        orthogonal(module, **options)
        np.testing.assert_allclose(module.weight.numpy(force=True), q * np.sign(np.diag(r)))


def test_errors():
    for module, options, words in [
        (nn.PReLU(), {}, "Expected a matrix or batch of matrices. Got a tensor of 1 dimensions"),
        (nn.Linear(2, 2), {"orthogonal_map": "x"}, "orthogonal_map has to be one of"),
        (nn.Linear(2, 2), {"name": "x"}, "has no parameter or buffer with name 'x'"),
    ]:
        with pytest.raises(ValueError, match=words):
            orthogonal(module, **options)
    module = orthogonal(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="Expected a matrix or batch of matrices of shape"):
        module.weight = randn(3, 2)
    module = orthogonal(nn.Linear(2, 2), use_trivialization=False)
    with pytest.raises(NotImplementedError, match="It is not possible to assign"):
        module.weight = randn(2, 2)
