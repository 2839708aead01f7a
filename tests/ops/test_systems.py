"""Linear algebra beside what the table has: errors, what failed, names of results, ``out=``."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import linalg
from tinygrad_adam.autograd import gradcheck, gradgradcheck

DRAW = np.random.default_rng(0)
ZEROS, EYE, FLAT = torch.zeros(3, 3), torch.eye(3), torch.ones(2, 3)
ONE_OF_TWO = torch.stack([EYE, ZEROS])


def leaf(*shape):
    return torch.tensor(DRAW.normal(size=shape), requires_grad=True)


SINGULAR = "could not be completed because the input matrix is singular."
MINOR = "is not positive-definite (the leading minor of order {} is not positive-definite)."
REFUSED = [
    (lambda: linalg.inv(ZEROS), "linalg.inv: The diagonal element 1 is zero, the inversion "
        + SINGULAR),
    (lambda: linalg.inv(torch.diag(torch.tensor([2.0, 0, 1]))), "The diagonal element 2 is zero"),
    (lambda: linalg.inv(ONE_OF_TWO), "linalg.inv: (Batch element 1): The diagonal element 1 is"),
    (lambda: linalg.inv_ex(ZEROS, check_errors=True), "linalg.inv_ex: The diagonal element 1 is"),
    (lambda: ZEROS.inverse(), "linalg.inv: The diagonal element 1 is zero"),
    (lambda: linalg.matrix_power(ZEROS, -1), "linalg.inv: The diagonal element 1 is zero"),
    (lambda: linalg.solve(ZEROS, EYE), "torch.linalg.solve: The solver failed because the input"),
    (lambda: linalg.solve(ONE_OF_TWO, EYE), "torch.linalg.solve: (Batch element 1): The solver"),
    (lambda: linalg.solve_ex(ZEROS, EYE, check_errors=True), "torch.linalg.solve_ex: The solver"),
    (lambda: linalg.cholesky(-EYE), "linalg.cholesky: The factorization could not be completed "
        "because the input " + MINOR.format(1)),
    (lambda: linalg.cholesky(torch.diag(torch.tensor([1.0, 2, -1]))), MINOR.format(3)),
    (lambda: torch.cholesky(-EYE), "cholesky: The factorization could not be"),
    (lambda: linalg.cholesky_ex(-EYE, check_errors=True), "linalg.cholesky_ex: The factorization"),
    (lambda: linalg.svd(ZEROS * torch.nan), "linalg.svd: The algorithm failed to converge because "
        "the input matrix contained non-finite values."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), REFUSED)
def test_a_matrix_that_will_not_do(call, text):
    with pytest.raises(linalg.LinAlgError) as caught:
        call()
    assert text in str(caught.value)
    assert isinstance(caught.value, RuntimeError)


ILL_FORMED = [
    ("inv(FLAT)", "linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices"),
    ("det(EYE[0])", "linalg.det: The input tensor A must have at least 2 dimensions."),
    ("qr(EYE.long())", "linalg.qr: Expected a floating point or complex tensor as input. Got Long"),
    ("inv(EYE.half())", "linalg.inv: Low precision dtypes not supported. Got Half"),
    ("solve(EYE, FLAT)", "linalg.solve: Incompatible shapes of A and B for the equation AX = B "
        "(3x3 and 2x3)"),
    ("solve(EYE, EYE[:, :2], left=False)", "linalg.solve: Incompatible shapes of A and B for the "
        "equation XA = B (3x3 and 3x2)"),
    ("solve(EYE, EYE.double())", "linalg.solve: Expected A and B to have the same dtype, but found "
        "A of type Float and B of type Double instead"),
    ("qr(EYE, 'x')", "qr received unrecognized mode 'x' but expected one of 'reduced' (default), "
        "'r', or 'complete'"),
    ("svd(EYE, driver='a')", "torch.linalg.svd: keyword argument `driver=` is only supported on "
        "CUDA inputs with cuSOLVER backend."),
    ("eigh(EYE, 'x')", "Expected UPLO argument to be 'L' or 'U', but got x"),
    ("eig(EYE * torch.inf)", "torch.linalg.eig: input tensor should not contain infs or NaNs."),
    ("lu(EYE, pivot=False)", "linalg.lu_factor: LU without pivoting is not implemented on the CPU"),
    ("lu_factor(EYE * 0)", "torch.linalg.lu_factor: U[1,1] is zero and using it on lu_solve would"),
    ("lu_solve(EYE, torch.ones(3), EYE)", "linalg.lu_solve: pivots should be a Tensor of scalar "
        "type torch.int32"),
    ("lstsq(FLAT, EYE)", "torch.linalg.lstsq: input.size(-2) should match other.size(-2)"),
    ("lstsq(FLAT, FLAT, driver='a')", "torch.linalg.lstsq: parameter `driver` should be one of "
        "(gels, gelsy, gelsd, gelss)"),
    ("norm(FLAT, 'x')", "linalg.matrix_norm: Order x not supported."),
    ("norm(FLAT, 2, (0, 1, 1))", "linalg.norm: If dim is specified, it must be of length 1 or 2. "
        "Got [0, 1, 1]"),
    ("norm(ONE_OF_TWO, 2)", "linalg.norm: If dim is not specified but ord is, the input must be 1D "
        "or 2D. Got 3D."),
    ("matrix_norm(FLAT, 2, (0, -2))", "linalg.matrix_norm: dims must be different. Got (0, -2)"),
    ("cond(FLAT, 1)", "linalg.cond(ord=1): A must be batches of square matrices"),
    ("cond(EYE, 3)", "linalg.cond got an invalid norm type: 3"),
    ("multi_dot([FLAT, FLAT])", "multi_dot(): tensors 0 and 1 with shapes [2, 3] and [2, 3] cannot "
        "be multiplied"),
    ("multi_dot([FLAT])", "multi_dot(): expected at least 2 tensors but got 1"),
    ("cross(FLAT, FLAT, dim=0)", "linalg.cross: inputs dimension 0 must have length 3. Got 2 and "
        "2"),
    ("vander(EYE, N=1)", "N must be greater than 1."),
    ("tensorinv(FLAT, 1)", "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
        "prod(self.shape[:ind]), but got 3 != 2"),
    ("householder_product(FLAT, EYE[0])", "torch.linalg.householder_product: input.shape[-2] must "
        "be greater than or equal to input.shape[-1]"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), ILL_FORMED)
def test_arguments_that_do_not_fit(call, text):
    with pytest.raises(RuntimeError) as caught:
        eval(f"linalg.{call}", globals())
    assert str(caught.value).startswith(text)


def test_a_batch_goes_on_without_the_matrix_that_fails():
    inverse, info = linalg.inv_ex(ONE_OF_TWO)
    assert (info.tolist(), info.dtype) == ([0, 1], torch.int32)
    assert inverse[0].tolist() == EYE.tolist()
    assert inverse[1].isnan().all()
    found = linalg.solve_ex(ONE_OF_TWO, EYE[:, :1] * 2)
    assert (found.info.tolist(), found.result[0].tolist()) == ([0, 1], [[2], [0], [0]])
    found = linalg.cholesky_ex(torch.stack([EYE * 4, torch.diag(torch.tensor([1.0, -1, 1]))]))
    assert (found.info.tolist(), found.L[0].tolist()) == ([0, 2], (EYE * 2).tolist())
    assert linalg.lu_factor_ex(ONE_OF_TWO).info.tolist() == [0, 1]


def test_results_have_names():
    fields = {
        "svd": "U S Vh", "qr": "Q R", "eigh": "eigenvalues eigenvectors", "lu": "P L U",
        "eig": "eigenvalues eigenvectors", "slogdet": "sign logabsdet", "inv_ex": "inverse info",
        "cholesky_ex": "L info", "lu_factor": "LU pivots", "lu_factor_ex": "LU pivots info",
    }  # fmt: skip
    for name, expected in fields.items():
        assert getattr(linalg, name)(EYE)._fields == tuple(expected.split()), name
    assert linalg.solve_ex(EYE, EYE)._fields == ("result", "info")
    assert linalg.lstsq(EYE, EYE)._fields == ("solution", "residuals", "rank", "singular_values")
    assert EYE.svd()._fields == ("U", "S", "V")
    assert EYE.triangular_solve(EYE)._fields == ("solution", "cloned_coefficient")


@pytest.mark.parametrize(
    ("driver", "found"),
    [(None, "-r-"), ("gelsy", "-r-"), ("gels", "e--"), ("gelsd", "ers"), ("gelss", "ers")],
)
def test_what_drivers_of_least_squares_find(driver, found):
    a, b = leaf(2, 5, 3).detach(), leaf(2, 5, 2).detach()
    result = linalg.lstsq(a, b, driver=driver)
    for i in range(2):
        x, residuals, rank, s = np.linalg.lstsq(a[i].numpy(), b[i].numpy(), rcond=None)
        np.testing.assert_allclose(result.solution[i].numpy(), x)
        if "e" in found:
            np.testing.assert_allclose(result.residuals[i].numpy(), residuals)
        if "r" in found:
            assert result.rank[i] == rank
        if "s" in found:
            np.testing.assert_allclose(result.singular_values[i].numpy(), s)
    sizes = [x.numel() > 0 for x in result[1:]]
    assert sizes == ["e" in found, "r" in found, "s" in found]
    assert linalg.lstsq(a[:, :3] * 0, b[:, :3], driver="gelsd").rank.tolist() == [0, 0]


def test_the_determinant_of_a_singular_matrix_has_a_slope():
    a = torch.tensor([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(linalg.det, a)
    zeros = torch.zeros(2, 2, 2, requires_grad=True)
    linalg.det(zeros).sum().backward()
    assert not zeros.grad.any()
    assert torch.logdet(-torch.eye(3)).isnan()
    assert torch.logdet(ZEROS) == -torch.inf
    assert [x.item() for x in torch.slogdet(ZEROS)] == [0, -torch.inf]


@pytest.mark.parametrize("p", [1, -1, torch.inf, "fro", "nuc"])
def test_condition_numbers_by_norms_of_the_inverse(p):
    a = leaf(2, 3, 3)
    expected = [np.linalg.cond(x, p) for x in a.detach().numpy()]
    np.testing.assert_allclose(linalg.cond(a, p).detach().numpy(), expected)
    assert gradcheck(lambda a: linalg.cond(a, p), a)
    assert linalg.cond(ONE_OF_TWO, p)[1] == torch.inf


def test_empty_matrices():
    none = torch.zeros(2, 0, 0)
    assert linalg.det(none).tolist() == [1, 1]
    assert linalg.cond(none).tolist() == linalg.matrix_norm(none, 2).tolist() == [0, 0]
    assert linalg.pinv(torch.zeros(0, 3)).shape == (3, 0)
    assert linalg.matrix_rank(torch.zeros(3, 0)) == 0
    assert linalg.solve(none, torch.zeros(2, 0, 4)).shape == (2, 0, 4)
    assert linalg.solve_triangular(none, torch.zeros(2, 0, 4), upper=True).shape == (2, 0, 4)
    assert linalg.matrix_exp(none).shape == linalg.matrix_power(none, -3).shape == none.shape
    assert [x.shape for x in linalg.svd(torch.zeros(3, 0))] == [(3, 3), (0,), (0, 0)]
    assert [x.shape for x in linalg.lu(torch.zeros(0, 2, 3))] == [(0, 2, 2), (0, 2, 2), (0, 2, 3)]


def test_a_triangle_with_a_zero_gives_inf_and_nan_without_a_word():
    x = linalg.solve_triangular(torch.tensor([[1.0, 1], [0, 0]]), torch.ones(2, 1), upper=True)
    assert x.tolist() == [[-torch.inf], [torch.inf]]


def test_ranks_and_tolerances():
    a = torch.diag(torch.tensor([1.0, 0.1, 1e-9]))
    assert linalg.matrix_rank(a) == 2
    assert linalg.matrix_rank(a, 0.5) == linalg.matrix_rank(a, atol=0.5) == 1
    assert linalg.matrix_rank(a, rtol=0) == 3
    assert linalg.matrix_rank(-a, hermitian=True) == 2
    both = linalg.matrix_rank(torch.stack([a, a]), atol=torch.tensor([0.5, 0.01]))
    assert (both.tolist(), both.dtype) == ([1, 2], torch.int64)
    assert linalg.pinv(a, rtol=0.5).count_nonzero() == linalg.pinv(a, 0.5).count_nonzero() == 1
    symmetric = leaf(3, 3)
    assert gradcheck(lambda x: linalg.pinv(x + x.T, hermitian=True), symmetric)


def test_products_take_the_fewest_multiplications():
    a, b, c = leaf(40, 2), leaf(2, 40), leaf(40)
    np.testing.assert_allclose(linalg.multi_dot([a, b, c]).tolist(), (a @ (b @ c)).tolist())
    assert linalg.multi_dot([a[:, 0], a, b, c]).shape == ()
    assert gradgradcheck(lambda a, b: linalg.multi_dot([a, b, a]), (leaf(3, 2), leaf(2, 3)))


@pytest.mark.parametrize("call", ["svd(a)", "qr(a)", "inv(a)", "eigh(a)", "matrix_power(a, 2)"])
def test_out(call):
    found = eval(f"linalg.{call}", {"linalg": linalg, "a": EYE * 3})
    several = isinstance(found, tuple)
    out = tuple([torch.empty(0) for _ in found]) if several else torch.empty(0)
    scope = {"linalg": linalg, "a": EYE * 3, "out": out}
    result = eval(f"linalg.{call[:-1]}, out=out)", scope)
    for x, y, wanted in zip(result, out, found) if several else [(result, out, found)]:
        assert x is y
        assert x.tolist() == wanted.tolist()


def test_losses_that_depend_on_what_is_left_open_are_refused():
    z = torch.complex(leaf(3, 3).detach(), leaf(3, 3).detach()).requires_grad_()
    for vectors in (linalg.svd(z)[0], linalg.eig(z)[1], linalg.eigh(z + z.mH)[1]):
        with pytest.raises(RuntimeError, match="specified up to multiplication by e"):
            vectors.real.sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable when mode='complete' and nrows >"):
        linalg.qr(leaf(3, 2), "complete")[1].sum().backward()
    with pytest.raises(RuntimeError, match="depends on Q, which is not computed when mode='r'"):
        linalg.qr(leaf(3, 2), "r")[1].sum().backward()


def test_a_power_of_one_is_another_tensor():
    a = leaf(3, 3)
    assert linalg.matrix_power(a, 1) is not a
    assert linalg.matrix_power(EYE.long() * 2, 3).tolist() == (EYE.long() * 8).tolist()
    assert linalg.matrix_power(a, 0).tolist() == EYE.tolist()


@pytest.mark.parametrize("size", [0.0, 1e-3, 1.0, 30.0])
def test_exponentials(size):
    turn = torch.tensor([[0.0, -size], [size, 0]], dtype=torch.float64)
    c, s = np.cos(size), np.sin(size)
    np.testing.assert_allclose(linalg.matrix_exp(turn).numpy(), [[c, -s], [s, c]], atol=1e-12)
