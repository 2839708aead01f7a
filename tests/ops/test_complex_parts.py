"""Complex numbers: gradients in PyTorch's convention, parts, Python's scalars, what is refused."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.autograd import gradcheck, gradgradcheck
from tinygrad_adam.nn import functional as F  # noqa: N812


def numbers(*shape, seed=0):
    draw = np.random.default_rng([seed, *shape])
    z = draw.standard_normal(shape) + 1j * draw.standard_normal(shape)
    return torch.tensor(z, requires_grad=True)


# What is a function of one complex number with a derivative: itself and that, in NumPy.
HOLOMORPHIC = {
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda z: 1 / z),
    "log2": (np.log2, lambda z: 1 / (z * np.log(2))),
    "log10": (np.log10, lambda z: 1 / (z * np.log(10))),
    "log1p": (np.log1p, lambda z: 1 / (1 + z)),
    "expm1": (np.expm1, np.exp),
    "exp2": (lambda z: 2**z, lambda z: 2**z * np.log(2)),
    "sqrt": (np.sqrt, lambda z: 0.5 / np.sqrt(z)),
    "rsqrt": (lambda z: 1 / np.sqrt(z), lambda z: -0.5 / (z * np.sqrt(z))),
    "reciprocal": (lambda z: 1 / z, lambda z: -1 / z**2),
    "square": (np.square, lambda z: 2 * z),
    "neg": (np.negative, lambda z: -np.ones_like(z)),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda z: -np.sin(z)),
    "tan": (np.tan, lambda z: 1 / np.cos(z) ** 2),
    "sinh": (np.sinh, np.cosh),
    "cosh": (np.cosh, np.sinh),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "asin": (np.arcsin, lambda z: 1 / np.sqrt(1 - z**2)),
    "acos": (np.arccos, lambda z: -1 / np.sqrt(1 - z**2)),
    "atan": (np.arctan, lambda z: 1 / (1 + z**2)),
    "asinh": (np.arcsinh, lambda z: 1 / np.sqrt(1 + z**2)),
    "acosh": (np.arccosh, lambda z: 1 / (np.sqrt(z - 1) * np.sqrt(z + 1))),
    "atanh": (np.arctanh, lambda z: 1 / (1 - z**2)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
}


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_a_gradient_is_that_of_the_result_times_the_conjugate_of_the_derivative(name):
    function, derivative = HOLOMORPHIC[name]
    z, g = numbers(3, 4), numbers(3, 4, seed=1).detach()
    y = getattr(torch, name)(z)
    y.backward(g)
    np.testing.assert_allclose(y.detach().numpy(), function(z.detach().numpy()))
    wanted = g.numpy() * derivative(z.detach().numpy()).conj()
    np.testing.assert_allclose(z.grad.numpy(), wanted, rtol=1e-10)


# With real numbers a and complex z, w: what mixes them, reduces, picks, or sees their parts.
PROGRAMS = {
    "products": lambda a, z, w: z * w / (a + 3) - (w * 2j) / z + (1 - 1j) * a,
    "powers": lambda a, z, w: z**w + z**3 + z**0.5 + z ** (1 + 2j) + (2 - 1j) ** z + 3**w,
    "real to complex powers": lambda a, z, w: (a * a + 1) ** z + z ** (a * a),
    "sizes": lambda a, z, w: z.abs() * w + abs(w) * z.sgn(),
    "parts": lambda a, z, w: z.real * w.imag + z.conj() * w + torch.angle(z) * a,
    "made of parts": lambda a, z, w: torch.polar(z.abs(), a) + torch.complex(a, w.real) * z,
    "views": lambda a, z, w: torch.view_as_complex(torch.view_as_real(z) * 2) * w,
    "matrices": lambda a, z, w: z @ w.mT + w @ z.mH + torch.mm(w, z.T.conj()),
    "linear": lambda a, z, w: F.linear(z, w, w[:, 0]),
    "vectors": lambda a, z, w: torch.dot(z[0], w[1]) + torch.outer(z[0], w[0]).sum(),
    "einsum": lambda a, z, w: torch.einsum("ij,kj->ik", z, w) + torch.einsum("ij,ij->", z, w),
    "sums": lambda a, z, w: z.sum(0) * w.mean(0) + (z * w).mean() + z.cumsum(1).sum(0),
    "multiplied": lambda a, z, w: z.prod() + w.prod(1).sum() + z.cumprod(0).sum(),
    "spread": lambda a, z, w: z.var(0) * w.std(1, correction=0).sum() + z.std(),
    "norms": lambda a, z, w: [z.norm(), z.norm(1, 0), z.norm(3, 1), w.norm(float("inf"))],
    "nuclear norm": lambda a, z, w: z.norm("nuc"),
    "scaled to norm 1": lambda a, z, w: F.normalize(z, dim=0) * w,
    "logarithms of sums": lambda a, z, w: z.logsumexp(0) + torch.logaddexp(z, w).sum(),
    "chosen": lambda a, z, w: torch.where(a > 0, z * w, a) + z.masked_fill(a > 0, 1j),
    "picked": lambda a, z, w: z[:, [0, 0, 1]] * w[0, 1:] + z.gather(1, torch.tensor([[0], [2]])),
    "joined": lambda a, z, w: torch.cat([z, a, w]) * torch.stack([w, z]).sum(),
    "accumulated": lambda a, z, w: z.index_add(0, torch.tensor([0]), w[:1], alpha=2j) * z,
    "convolution": lambda a, z, w: F.conv1d(z[None], w[:, :, None].expand(2, 4, 1)[:, :2]),
    "distance": lambda a, z, w: F.l1_loss(z, w),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_and_their_gradients_are_what_differences_give(name):
    a = torch.tensor([[0.3, -1.2, 0.7, 2.1], [-0.4, 1.5, -0.8, 0.2]], dtype=torch.float64)
    inputs = (a.requires_grad_(), numbers(2, 4), numbers(2, 4, seed=1))
    assert gradcheck(PROGRAMS[name], inputs)
    assert gradgradcheck(PROGRAMS[name], inputs)


def test_the_gradient_of_a_matrix_product_is_what_pytorch_gives():
    z = torch.tensor([[1 + 2j, -1j], [0.5, 2 - 1j]], requires_grad=True)
    (z @ z.mH + z * (2 - 1j)).abs().sum().backward()
    # torch 2.13
    wanted = [[4.11644745 + 4.77257252j, 2.42264128 - 7.23404121j],
              [1.44481909 + 4.84528255j, 7.01766825 - 2.91734076j]]  # fmt: skip
    np.testing.assert_allclose(z.grad.numpy(), wanted, rtol=1e-5)


def test_a_logarithm_of_a_sum_is_the_principal_one():
    z = torch.tensor([10j, 10j], dtype=torch.complex128)
    wanted = np.log(2) + (10 - 4 * np.pi) * 1j
    assert z.logsumexp(0).item() == pytest.approx(wanted)


def test_a_real_input_gets_the_real_part():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * (3 + 4j)).backward(torch.tensor([1 + 0j, 1j]))
    assert (x.grad.dtype, x.grad.tolist()) == (torch.float32, [3.0, 4.0])


def test_a_users_function_sees_gradients_as_they_are():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z * 2

        @staticmethod
        def backward(ctx, grad):
            seen.append(grad.tolist())
            return grad * 2

    seen = []
    z = torch.tensor([1j], requires_grad=True)
    Double.apply(z).backward(torch.tensor([1 + 2j]))
    assert (seen, z.grad.tolist()) == ([[1 + 2j]], [2 + 4j])


def test_what_a_backward_may_start_from():
    z = torch.tensor(1 + 2j, requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real scalar outputs but got torch"):
        (z * 2).backward()
    with pytest.raises(RuntimeError, match="both grad_output and output are required to have the"):
        (z * 2).backward(torch.tensor(1.0))
    with pytest.raises(RuntimeError, match="both grad_output and output are required to have the"):
        z.abs().backward(torch.tensor(1j))


def test_norms_variances_and_sizes_are_real():
    z = torch.tensor([1 + 2j, 3 - 1j])
    sizes = np.abs(z.numpy())
    for norm, wanted in ((z.norm(), 15**0.5), (z.norm(1), sizes.sum()), (z.norm(0), 2),
                         (z.norm(float("inf")), sizes.max()), (z.var(), 6.5),
                         (z.std(), 6.5**0.5), (z.var(correction=0), 3.25)):  # fmt: skip
        assert norm.dtype == torch.float32
        assert norm.item() == pytest.approx(wanted)
    assert z.abs().dtype == z.angle().dtype == torch.float32
    assert torch.var_mean(z)[1].item() == 2 + 0.5j
    assert torch.std(z.to(torch.complex128)).dtype == torch.float64
    for function, kind in ((lambda: z.norm(dtype=torch.float64), "complex"),
                           (lambda: z.real.norm(dtype=torch.complex64), "real")):  # fmt: skip
        with pytest.raises(RuntimeError, match=f"dtype should be {kind} for {kind} inputs"):
            function()


def test_zero_has_slopes_of_zero():
    z = torch.zeros(3, dtype=torch.complex128, requires_grad=True)
    for function in (torch.abs, torch.sgn, torch.angle, lambda z: z.norm(), lambda z: z.norm(3)):
        (slope,) = torch.autograd.grad(function(z).real.sum(), z)
        assert slope.tolist() == [0, 0, 0]


def test_parts():
    z = torch.tensor([[1 + 2j, -3j]])
    assert (z.real.tolist(), z.imag.tolist()) == ([[1, 0]], [[2, -3]])
    assert torch.real(z).dtype == torch.imag(z).dtype == torch.float32
    assert z.conj().tolist() == torch.conj(z).tolist() == [[1 - 2j, 3j]]
    assert z.mH.tolist() == z.H.tolist() == [[1 - 2j], [3j]]
    assert z.resolve_conj() is z
    assert (z.is_complex(), torch.is_complex(z.real)) == (True, False)
    assert torch.view_as_real(z).tolist() == [[[1, 2], [0, -3]]]
    assert torch.complex(z.real, z.imag).tolist() == z.tolist()
    np.testing.assert_allclose(torch.polar(z.abs(), z.angle()).numpy(), z.numpy(), atol=1e-6)
    x = torch.tensor([-2.0, 0.0, 3.0, float("nan")])
    assert x.real is torch.real(x) is x.conj() is x
    np.testing.assert_allclose(x.angle().numpy(), [np.pi, 0, 0, np.nan], rtol=1e-6)
    assert torch.tensor([1, -2]).angle().dtype == torch.float32
    assert torch.tensor([-2, 0, 5]).sgn().tolist() == [-1, 0, 1]


def test_parts_are_views():
    leaf = torch.tensor([1 + 2j, 3 + 4j], requires_grad=True)
    z = leaf * 1
    z.imag.mul_(torch.tensor([2.0, 3.0]))
    torch.view_as_real(z)[0, 0] = 7.0
    z.real = z.real + 1
    assert z.tolist() == [8 + 4j, 4 + 12j]
    z.backward(torch.tensor([1 + 1j, 1 + 1j]))
    assert leaf.grad.tolist() == [2j, 1 + 3j]
    pairs = torch.zeros(2, 2)
    torch.view_as_complex(pairs).fill_(1 - 1j)
    assert pairs.tolist() == [[1, -1], [1, -1]]
    z.detach().imag = torch.zeros(2)
    assert z.tolist() == [8, 4]


SCALARS = (1j, 2 - 1j, np.complex64(1j), np.complex128(0.5j))


@pytest.mark.parametrize("scalar", SCALARS, ids=str)
def test_python_s_complex_numbers_are_scalars(scalar):
    for dtype in (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64):
        x = torch.tensor([1, 1]).to(dtype)
        wanted = torch.complex128 if dtype == torch.float64 else torch.complex64
        one = x.numpy().astype("D")
        pairs = [
            *((x + scalar, one + scalar), (scalar + x, scalar + one), (x * scalar, one * scalar)),
            *((x / scalar, one / scalar), (scalar / x, scalar / one), (x**scalar, one**scalar)),
            (scalar**x, scalar**one),
        ]
        if dtype != torch.bool:
            pairs += [(x - scalar, one - scalar), (scalar - x, scalar - one)]
        for y, expected in pairs:
            assert y.dtype == wanted
            np.testing.assert_allclose(y.numpy(), expected, atol=1e-6)
    assert (torch.tensor([1j, 2]) == scalar).tolist() == [scalar == 1j, False]
    assert (torch.tensor([1.0]) != scalar).item()


def test_complex_numbers_in_functions():
    mask, z = torch.tensor([True, False]), torch.zeros(2, dtype=torch.complex64)
    assert torch.full((2,), 1j).dtype == z.new_full((2,), 1j).dtype == torch.complex64
    assert torch.where(mask, 1j, 2.0).tolist() == [1j, 2]
    assert torch.where(mask, 1j, torch.ones(2)).tolist() == [1j, 1]
    assert z.masked_fill(mask, 1j).tolist() == [1j, 0]
    assert torch.add(z, 1j, alpha=2).tolist() == [2j, 2j]
    assert torch.add(z, z + 1, alpha=2j).tolist() == [2j, 2j]
    assert z.clone().add_(1j).mul_(2).fill_(3j).tolist() == [3j, 3j]
    z[0] = 1 - 1j
    assert (z[0].item(), complex(z[0])) == (1 - 1j, 1 - 1j)
    assert (float(z[1]), int(z[1])) == (0.0, 0)
    for function in (float, int):
        with pytest.raises(RuntimeError, match="value cannot be converted to type"):
            function(z[0])
    drawn = torch.randn(20_000, dtype=torch.complex128)
    assert (drawn.dtype, drawn.real.var().item()) == (torch.complex128, pytest.approx(0.5, rel=0.1))
    assert 0 <= torch.rand(5, dtype=torch.complex64).imag.min().item() < 1


@pytest.mark.parametrize(
    "program",
    [
        "x.add_(1j)", "x.mul_(z)", "x.fill_(1j)", "x.masked_fill(x > 0, 1j)",
        "torch.full((2,), 1j, dtype=torch.float32)", "x.__setitem__(0, 1j)",
        "torch.add(x, x, alpha=1j)", "x.clamp(0, 1j)", "x.index_fill(0, torch.tensor([0]), 1j)",
    ],
)  # fmt: skip
def test_complex_numbers_do_not_fit_into_real_tensors(program):
    text = "can't be cast|without overflow|must not be a complex number|complex Scalar to non-compl"
    with pytest.raises(RuntimeError, match=text):
        eval(program, {"torch": torch, "x": torch.ones(2), "z": torch.ones(2) * 1j})


def test_casting_to_real_numbers_warns():
    z = torch.tensor([1 + 2j])
    for convert in (lambda: z.float(), lambda: z.to(torch.int64), lambda: z.sum(dtype="f8")):
        with pytest.warns(UserWarning, match="^Casting complex values to real discards the imag"):
            assert convert().sum().item() == 1
    assert z.bool().tolist() == [True]


NOT_IMPLEMENTED = {
    **dict.fromkeys(["lt", "le", "gt", "ge", "floor_divide", "remainder", "fmod", "atan2", "hypot",
                     "bitwise_and", "bitwise_or"], 2),
    **dict.fromkeys(["max", "min", "amax", "amin", "median", "unique", "round", "frac", "erf",
                     "bernoulli"], 1),
}  # fmt: skip
REFUSED = {
    **{f"torch.{name}({', '.join('zz'[:count])})": rf'^"{name}" not implemented for \'ComplexFloat'
       for name, count in NOT_IMPLEMENTED.items()},
    **{f"z.{name}(0)": rf"^{name}\(\): does not support complex input"
       for name in ("max", "min", "argmax", "argmin")},
    **{f"F.{name}": rf'^"{name.partition("(")[0]}" not implemented for \'ComplexFloat'
       for name in ("leaky_relu(z)", "elu(z)", "gelu(z)", "hardswish(z)", "softplus(z)",
                    "softmax(z, 0)", "log_softmax(z, 0)", "dropout(z)", "mse_loss(z, z)",
                    "smooth_l1_loss(z, z)", "huber_loss(z, z)", "binary_cross_entropy(z, z)",
                    "cross_entropy(z, torch.tensor(0))", "nll_loss(z, torch.tensor(0))",
                    "layer_norm(z, (2,))", "group_norm(z[:, None], 1)", "max_pool2d(image, 2)",
                    "batch_norm(z[:, None], None, None, training=True)", "avg_pool2d(image, 2)",
                    "adaptive_avg_pool2d(image, 2)")},
    "z < 1": r'^"lt" not implemented', "1j > x": r'^"lt" not implemented',
    "z.median(0)": r'^"median" not implemented', "x % 1j": r'^"remainder" not implemented',
    "torch.div(z, z, rounding_mode='floor')": r'^"floor_divide" not implemented',
    "torch.maximum(z, x)": r"^maximum not implemented for complex tensors\.",
    "z.min(z)": r"^minimum not implemented for complex tensors\.",
    "z.sort()": "^Sort does not support complex dtypes on CPU",
    "z.argsort()": "^Sort does not support complex dtypes on CPU",
    "z.topk(1)": "^topk does not support complex dtypes on CPU",
    "z.clamp(0, 1)": "^clamp is not supported for complex types",
    "z.clamp_(min=0)": "^clamp is not supported for complex types",
    "z.relu()": "^clamp is not supported for complex types",
    "z.floor()": "^floor is not supported for complex inputs",
    "z.ceil()": "^ceil is not supported for complex inputs",
    "z.trunc()": "^trunc is not supported for complex inputs",
    "z.sign()": r"^Unlike NumPy, torch\.sign is not intended to support complex numbers\.",
    "z.isposinf()": r"^isposinf does not support complex inputs\.",
    "z.nansum()": "^nansum on CPU does not support complex inputs",
    "x.imag": "^imag is not implemented for tensors with non-complex dtypes",
    "torch.view_as_real(x)": "^view_as_real is only supported for complex tensors",
    "torch.view_as_complex(z)": "^view_as_complex is only supported for half, float and double",
    "torch.view_as_complex(x[0])": "^Input tensor must have one or more dimensions",
    "torch.view_as_complex(torch.ones(2, 3))": "^Tensor must have a last dimension of size 2",
    "torch.view_as_complex(torch.ones(2, 2).T)": "^Tensor must have a last dimension with stride 1",
    "torch.view_as_complex(torch.ones(2, 3)[:, :2])": "^Tensor must have a stride divisible by 2",
    "torch.complex(x, x.double())": "^Expected object of scalar type Float but got scalar type Dou",
    "torch.polar(x.long(), x)": "^Expected both inputs to be Half, Float or Double tensors but got",
    "recorded.nan_to_num()": "^nan_to_num does not support automatic differentiation for outputs",
    "F.silu(recorded)": "^silu does not support automatic differentiation for outputs with complex",
    "F.embedding(torch.tensor([0]), recorded[None])": "^embedding does not support automatic diff",
}  # fmt: skip


@pytest.mark.parametrize("program", REFUSED)
def test_what_needs_an_order_is_refused(program):
    z = torch.tensor([1 + 2j, 3j])
    scope = {"torch": torch, "F": F, "z": z, "x": torch.ones(2)}
    scope |= {"recorded": z.clone().requires_grad_(), "image": torch.ones(1, 1, 2, 2) * 1j}
    with pytest.raises((NotImplementedError, RuntimeError), match=REFUSED[program]):
        eval(program, scope)
