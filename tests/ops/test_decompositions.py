"""The Cholesky factor, and triangular systems: beside NumPy, and their gradients."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.linalg import cholesky, solve_triangular

DRAW = np.random.default_rng(0)


def leaf(*shape):
    return torch.tensor(DRAW.normal(size=shape), requires_grad=True)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 1, 3, 3), (0, 3, 3)])
def test_cholesky(shape, upper):
    x = leaf(*shape)

    def factor(x):
        return cholesky(x @ x.mT + torch.eye(shape[-1], dtype=x.dtype), upper=upper)

    found, matrix = factor(x).detach(), (x @ x.mT).detach().numpy() + np.eye(shape[-1])
    expected = np.linalg.cholesky(matrix)
    np.testing.assert_allclose(found.mT if upper else found, expected)
    assert gradcheck(factor, x)
    assert gradgradcheck(factor, x)


def test_the_gradient_of_a_matrix_is_symmetric():
    a = torch.eye(3, dtype=torch.float64).mul_(2).requires_grad_()
    (gradient,) = torch.autograd.grad(cholesky(a)[2, 0], a)
    assert gradient.tolist() == gradient.T.tolist()
    assert gradient[2, 0] != 0


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(
    ("a", "b"), [((3, 3), (3, 2)), ((3, 3), (2, 3, 1)), ((2, 3, 3), (3, 2)), ((1, 1), (1, 1))]
)
def test_solve_triangular(a, b, upper):
    a, b = leaf(*a), leaf(*b)  # the other triangle is not looked at
    triangle = (np.triu if upper else np.tril)(a.detach().numpy())
    solved = solve_triangular(a, b, upper=upper)
    np.testing.assert_allclose(triangle @ solved.detach().numpy(), np.broadcast_to(
        b.detach().numpy(), solved.shape))  # fmt: skip
    assert gradcheck(lambda a, b: solve_triangular(a, b, upper=upper), (a, b))
    assert gradgradcheck(lambda a, b: solve_triangular(a, b, upper=upper), (a, b))
    (gradient,) = torch.autograd.grad(solve_triangular(a, b, upper=upper).sum(), a)
    other = (np.tril if upper else np.triu)(gradient.numpy(), -1 if upper else 1)
    assert not other.any()


def test_a_matrix_without_a_factor():
    with pytest.raises(RuntimeError, match="could not be completed because the input is not posit"):
        cholesky(-torch.eye(2))
