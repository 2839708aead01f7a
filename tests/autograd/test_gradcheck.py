"""The checker is checked: it accepts right gradients and rejects every kind of wrong one."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import autograd
from tinygrad_adam.autograd import Function, GradcheckError, gradcheck, gradgradcheck


def randn(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def function(gradient):
    """Return y = x² w with a gradient of the caller's choice."""

    class Chosen(Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * x * w

        @staticmethod
        def backward(ctx, grad):
            x, w = ctx.saved_tensors
            return gradient(grad, x, w)

    return Chosen.apply


RIGHT = {"right": lambda g, x, w: (g * 2 * x * w, g * x * x)}
WRONG = {
    "factor": lambda g, x, w: (g * x * w, g * x * x),
    "small factor": lambda g, x, w: (g * 2.01 * x * w, g * x * x),
    "sign": lambda g, x, w: (g * 2 * x * w, -g * x * x),
    "missing": lambda g, x, w: (None, g * x * x),
    "swapped": lambda g, x, w: (g * x * x, g * 2 * x * w),
    "forgets the gradient": lambda g, x, w: (2 * x * w, x * x),
    "transposed": lambda g, x, w: (g * 2 * x * w, (g * x * x).T),
    "shape": lambda g, x, w: (g * 2 * x * w, (g * x * x).sum(0)[:1]),
    "one element": lambda g, x, w: (g * 2 * x * w, g * (x * x + torch.tensor([[0, 0, 0.1]] * 3))),
    "nan": lambda g, x, w: (g * 2 * x * w * float("nan"), g * x * x),
}


@pytest.mark.parametrize("fast_mode", [False, True])
class TestRejects:
    def test_accepts_the_right_one(self, fast_mode):
        torch.manual_seed(0)
        inputs = randn(3, 3), randn(3, 3)
        assert gradcheck(function(RIGHT["right"]), inputs, fast_mode=fast_mode)

    @pytest.mark.parametrize("kind", WRONG)
    def test_wrong(self, kind, fast_mode):
        torch.manual_seed(0)
        inputs = randn(3, 3), randn(3, 3)
        wrong = function(WRONG[kind])
        assert not gradcheck(wrong, inputs, fast_mode=fast_mode, raise_exception=False)
        with pytest.raises(GradcheckError):
            gradcheck(wrong, inputs, fast_mode=fast_mode)

    def test_a_wrong_second_derivative(self, fast_mode):
        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return grad * 3 * (x * x.detach())

        x = randn(3)
        assert gradcheck(Cube.apply, x, fast_mode=fast_mode)
        assert not gradgradcheck(Cube.apply, x, fast_mode=fast_mode, raise_exception=False)
        assert gradgradcheck(lambda x: x**3, x, fast_mode=fast_mode)


class TestOptions:
    def test_the_error_names_the_element_and_both_values(self):
        x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        w = torch.ones(2, dtype=torch.float64)
        with pytest.raises(GradcheckError) as caught:
            gradcheck(function(lambda g, x, w: (g * 3 * x * w, None)), (x, w))
        text = str(caught.value)
        assert "Jacobian mismatch for output 0 with respect to input 0" in text
        assert "worst at [input element, output element] [1, 1]" in text
        assert "backward gives 6" in text
        assert "give 4" in text

    def test_localize_names_the_operation(self):
        bad = function(lambda g, x, w: (g * x * w, g * x * x))

        def program(x, w):
            return (bad(x.exp(), w.tanh()) * 2).sum().sin()

        with pytest.raises(
            GradcheckError, match=r"that of operation 3 of 6, Chosen, input float64"
        ):
            gradcheck(program, (randn(2), randn(2)), localize=True)

    def test_localize_when_every_operation_is_right(self):
        with pytest.raises(GradcheckError, match="uses a value that is not recorded"):
            gradcheck(lambda x: x * x.detach(), randn(2), localize=True)

    def test_inputs_keep_their_values(self):
        x = randn(3, 2)
        before = x.detach().clone()
        gradcheck(lambda x: x.exp().sum(), x)
        gradcheck(lambda x: x.exp().sum(), x, fast_mode=True)
        assert torch.equal(x.detach(), before)
        assert x.grad is None

    def test_inputs_that_are_not_contiguous(self):
        assert gradcheck(lambda x: x.T @ x, randn(2, 3).detach().T.requires_grad_())

    def test_no_input_requires_grad(self):
        with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
            gradcheck(lambda x: x, torch.ones(2, dtype=torch.float64))

    def test_float32_warns(self):
        x = torch.ones(2, requires_grad=True)
        with pytest.warns(UserWarning, match="not a double precision"):
            gradcheck(lambda x: x * 2, x, eps=1e-2, atol=1e-2)

    def test_repeated_memory(self):
        x = torch.ones(1, dtype=torch.float64).expand(3).requires_grad_()
        with pytest.raises(RuntimeError, match="dimension with stride 0"):
            gradcheck(lambda x: x * 2, x)

    @pytest.mark.parametrize("fast_mode", [False, True])
    def test_a_backward_that_differs_from_walk_to_walk(self, fast_mode):
        class Moody(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.calls = 0
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                ctx.calls += 1
                return grad * (2 + 1e-9 * ctx.calls)

        with pytest.raises(GradcheckError, match="Backward is not reentrant"):
            gradcheck(Moody.apply, randn(2), fast_mode=fast_mode)

    @pytest.mark.parametrize("fast_mode", [False, True])
    def test_every_output_is_compared_for_every_input(self, fast_mode):
        class Two(Function):
            """x y and x - y; one of the four derivatives may be wrong."""

            @staticmethod
            def forward(ctx, x, y, wrong):
                ctx.save_for_backward(x, y)
                ctx.wrong = wrong
                return x * y, x - y

            @staticmethod
            def backward(ctx, g, h):
                x, y = ctx.saved_tensors
                terms = [g * y, h, g * x, -h]
                if ctx.wrong is not None:
                    terms[ctx.wrong] = terms[ctx.wrong] * 1.01
                return terms[0] + terms[1], terms[2] + terms[3], None

        inputs = randn(3), randn(3)
        assert gradcheck(Two.apply, (*inputs, None), fast_mode=fast_mode)
        for wrong, (output, number) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
            words = f"for output {output} with respect to input {number}"
            with pytest.raises(GradcheckError, match=words):
                gradcheck(Two.apply, (*inputs, wrong), fast_mode=fast_mode)

    def test_results_that_are_integers_are_passed_over(self):
        assert gradcheck(lambda x: (x * 2, x.argmax()), randn(3))

    def test_an_input_that_is_not_used(self):
        assert gradcheck(lambda x, y: x * 2, (randn(2), randn(2)))

    def test_empty(self):
        assert gradcheck(lambda x: x * 2, randn(0, 3))

    def test_the_curve_of_the_error_is_a_v(self):
        torch.manual_seed(1)
        curve = dict(autograd.error_by_step(lambda x: x.exp().sin().sum(), randn(4)))
        best = min(curve, key=curve.get)
        assert 1e-7 < best < 1e-3
        assert curve[best] < 1e-8
        assert curve[1e-1] > 1e3 * curve[best]
        assert curve[1e-12] > 1e3 * curve[best]

    def test_the_curve_of_a_wrong_gradient_is_flat(self):
        torch.manual_seed(1)
        bad = function(WRONG["factor"])
        curve = autograd.error_by_step(bad, (randn(3), randn(3)), steps=[1e-3, 1e-5, 1e-7])
        assert all(error > 0.1 for _, error in curve)


NOT_TENSORS = {
    "nothing": lambda x: None,
    "a number": lambda x: (x * 2).sum().item(),
    "a bool": lambda x: True,
    "text": lambda x: "x",
    "numbers": lambda x: [1.0, 2.0],
    "an array": lambda x: x.detach().numpy() * 2,
    "a dictionary": lambda x: {"y": x * 2},
    "a set": lambda x: {x * 2},
    "a generator": lambda x: (x * k for k in range(3)),
    "an empty tuple": lambda x: (),
    "an empty list": lambda x: [],
    "tuples in a tuple": lambda x: ((x, x * 2), x * 3),
    "nothing and a tensor": lambda x: (None, x * 2),
    "a tensor and nothing": lambda x: (x * 2, None),
    "a tensor and a number": lambda x: [x * 2, 1.0],
    "a tensor and an array": lambda x: (x * 2, x.detach().numpy()),
}


@pytest.mark.parametrize("raise_exception", [True, False])
@pytest.mark.parametrize("fast_mode", [True, False])
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("kind", NOT_TENSORS)
def test_a_result_that_is_no_tensor_is_an_error(kind, check, fast_mode, raise_exception):
    with pytest.raises(TypeError, match="returns a tensor or a tuple of tensors, got"):
        check(NOT_TENSORS[kind], randn(2), fast_mode=fast_mode, raise_exception=raise_exception)


@pytest.mark.parametrize("fast_mode", [True, False])
class TestResultsWithoutGradient:
    """If a result requires grad, only such are checked; if none does, all must be constant."""

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: torch.ones(3),
            lambda x: x.argmax(),
            lambda x: x > 9,
            lambda x: (x.argmax(), x.detach() * 0),
            lambda x: (x * 2, x.detach() * 3),
        ],
    )
    def test_constants_pass(self, function, fast_mode):
        assert gradcheck(function, randn(3), fast_mode=fast_mode)

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x.detach() * 2,
            lambda x: torch.no_grad()(torch.exp)(x),
            lambda x: torch.autograd.grad((x**3).sum(), x)[0],
            lambda x: (x.argmax(), x.detach()),
        ],
    )
    def test_what_lost_its_history_fails(self, function, fast_mode):
        with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be"):
            gradcheck(function, randn(3), fast_mode=fast_mode)
        assert not gradcheck(function, randn(3), fast_mode=fast_mode, raise_exception=False)
        with pytest.raises(RuntimeError, match="does not require grad"):
            gradgradcheck(function, randn(3), fast_mode=fast_mode)

    def test_a_gradient_that_lost_its_history_fails(self, fast_mode):
        class Square(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, grad):
                return (grad * 2 * ctx.saved_tensors[0]).detach()

        assert gradcheck(Square.apply, randn(3), fast_mode=fast_mode)
        with pytest.raises(GradcheckError, match="expected to be zero"):
            gradgradcheck(Square.apply, randn(3), fast_mode=fast_mode)


def _with_a_hook(x):
    y = x * 2
    y.register_hook(lambda gradient: None)
    return y * 3


def _with_a_write(x):
    y = torch.zeros(4, dtype=torch.float64)
    assert not y.requires_grad
    y[1:3].add_(x)
    assert y.requires_grad
    return y * y


def _newton_step(x):
    (slope,) = torch.autograd.grad((x**4).sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
    return x - slope / bend


def _penalty(x):
    (slope,) = torch.autograd.grad(x.tanh().sum(), x, create_graph=True)
    return (slope.norm() - 1) ** 2


def _hessian_times_vector(x):
    (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    return torch.autograd.grad(slope, x, torch.ones_like(x), create_graph=True)[0]


def _backward_inside(x):
    inner = x.detach().requires_grad_()
    (inner**2).sum().backward()
    return x * 2


@pytest.mark.parametrize("fast_mode", [True, False])
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize(
    "function",
    [
        _with_a_hook,
        _with_a_write,
        _newton_step,
        _penalty,
        _hessian_times_vector,
        _backward_inside,
        lambda x: x * 2 if torch.is_grad_enabled() else x * 3,
        lambda x: x * 2 if (x * 1).requires_grad else x * 3,
    ],
)
def test_the_function_runs_with_recording_on(function, check, fast_mode):
    torch.manual_seed(0)
    assert check(function, randn(2), fast_mode=fast_mode)


def test_an_error_in_the_function_leaves_the_input_as_it_was():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)

    def fragile(x):
        if x.detach().max() > 1:
            raise ValueError("too much")
        return x * 2

    with pytest.raises(ValueError, match="too much"):
        gradcheck(fragile, x)
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("fast_mode", [True, False])
class TestComplex:
    """z² and its real part; the gradient of z is the conjugate of the derivative times g."""

    def square(self, gradient):
        class Square(Function):
            @staticmethod
            def forward(ctx, z):
                ctx.save_for_backward(z)
                return z * z

            @staticmethod
            def backward(ctx, grad):
                return gradient(grad, torch.tensor(ctx.saved_tensors[0].detach().numpy().conj()))

        return Square.apply

    def z(self):
        return torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128, requires_grad=True)

    def test_right(self, fast_mode):
        right = self.square(lambda g, conjugate: g * 2 * conjugate)
        assert gradcheck(right, self.z(), fast_mode=fast_mode)
        assert gradcheck(lambda z: right(z) + right(z), self.z(), fast_mode=fast_mode)
        assert gradgradcheck(lambda z: z + z, self.z(), fast_mode=fast_mode)
        curve = dict(autograd.error_by_step(right, self.z(), steps=[1e-2, 1e-5]))
        assert curve[1e-5] < 1e-8

    def test_wrong(self, fast_mode):
        for wrong in (
            lambda g, conjugate: g * conjugate,
            lambda g, conjugate: g * 2 * torch.tensor(conjugate.numpy().conj()),
            lambda g, conjugate: torch.tensor((g * 2 * conjugate).numpy().conj()),
            lambda g, conjugate: torch.tensor((g * 2 * conjugate).numpy().real + 0j),
        ):
            square = self.square(wrong)
            assert not gradcheck(square, self.z(), fast_mode=fast_mode, raise_exception=False)


class TestFunctional:
    def test_jacobian_of_a_linear_map(self):
        a = torch.randn(2, 3, dtype=torch.float64)
        jacobian = autograd.functional.jacobian(
            lambda x: a @ x, torch.randn(3, dtype=torch.float64)
        )
        np.testing.assert_allclose(jacobian.numpy(), a.numpy())

    def test_jacobian_of_several(self):
        x, y = torch.randn(2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
        rows = autograd.functional.jacobian(lambda x, y: (x.sum() * y, x * x), (x, y))
        assert [[tuple(j.shape) for j in row] for row in rows] == [
            [(3, 2), (3, 3)],
            [(2, 2), (2, 3)],
        ]
        np.testing.assert_allclose(rows[0][1].numpy(), np.eye(3) * x.numpy().sum())
        np.testing.assert_allclose(rows[1][0].numpy(), np.diag(2 * x.numpy()))
        assert not rows[1][1].numpy().any()

    def test_jacobian_strict(self):
        x = torch.ones(2)
        with pytest.raises(RuntimeError, match=r"Output 0 .* does not require gradients"):
            autograd.functional.jacobian(lambda x: torch.ones(2), x, strict=True)
        with pytest.raises(RuntimeError, match=r"Output 0 .* independent of input 1"):
            autograd.functional.jacobian(lambda x, y: x * 2, (x, x), strict=True)
        with pytest.raises(RuntimeError, match=r"The jacobian .* is independent of input 0"):
            autograd.functional.jacobian(lambda x: x * 2, x, create_graph=True, strict=True)
        with pytest.raises(RuntimeError, match="are not supported together"):
            autograd.functional.jacobian(lambda x: x * 2, x, vectorize=True, strict=True)

    def test_strict_in_the_others(self):
        x = torch.ones(2)
        with pytest.raises(RuntimeError, match="with respect to input 0 is independent of the in"):
            autograd.functional.hessian(lambda x: x.sum(), x, strict=True)
        with pytest.raises(RuntimeError, match=r"The output .* independent of input 1"):
            autograd.functional.jvp(lambda x, y: x * 2, (x, x), (x, x), strict=True)
        with pytest.raises(RuntimeError, match=r"Output 0 .* does not require gradients"):
            autograd.functional.vjp(lambda x: torch.ones(2), x, x, strict=True)

    def test_strategy(self):
        jacobian, x = autograd.functional.jacobian, torch.tensor([1.0, 2.0])
        found = jacobian(lambda x: x * x, x, vectorize=True, strategy="forward-mode")
        assert found.tolist() == [[2.0, 0.0], [0.0, 4.0]]
        with pytest.raises(NotImplementedError, match="implemented for `vectorize=True`"):
            jacobian(lambda x: x * x, x, strategy="forward-mode")
        with pytest.raises(AssertionError, match="Expected strategy to be either"):
            jacobian(lambda x: x * x, x, strategy="sideways")

    def test_results_are_detached(self):
        x, v = torch.ones(2), torch.ones(2, requires_grad=True)
        for product in (autograd.functional.jvp, autograd.functional.vjp):
            y, found = product(lambda x: x, x, v)
            assert not y.requires_grad
            assert not found.requires_grad

    def test_hessian_of_a_quadratic_form(self):
        a = torch.randn(3, 3, dtype=torch.float64)
        x = torch.randn(3, dtype=torch.float64)
        hessian = autograd.functional.hessian(lambda x: x @ a @ x, x)
        np.testing.assert_allclose(hessian.numpy(), (a + a.T).numpy())

    def test_hessian_of_several(self):
        x, y = torch.tensor(2.0), torch.tensor(3.0)
        rows = autograd.functional.hessian(lambda x, y: x * x * y, (x, y))
        assert [[h.item() for h in row] for row in rows] == [[6.0, 4.0], [4.0, 0.0]]

    def test_hessian_needs_one_element(self):
        with pytest.raises(RuntimeError, match="should contain a single element"):
            autograd.functional.hessian(lambda x: x * 2, torch.ones(2))

    def test_vjp_and_jvp_are_the_jacobian_times_a_vector(self):
        torch.manual_seed(0)

        def program(x):
            return (x.outer(x)).sin().sum(0)

        x, v = torch.randn(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
        jacobian = autograd.functional.jacobian(program, x)
        y, left = autograd.functional.vjp(program, x, v)
        _, right = autograd.functional.jvp(program, x, v)
        np.testing.assert_allclose(y.numpy(), program(x).numpy())
        np.testing.assert_allclose(left.numpy(), (v @ jacobian).numpy())
        np.testing.assert_allclose(right.numpy(), (jacobian @ v).numpy())

    def test_jvp_of_a_linear_function(self):
        # The backward of a linear function does not depend on its input.
        _, tangent = autograd.functional.jvp(
            lambda x: 3 * x, torch.ones(2), torch.tensor([1.0, 2.0])
        )
        assert tangent.tolist() == [3.0, 6.0]

    def test_create_graph(self):
        x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        jacobian = autograd.functional.jacobian(lambda x: x**3, x, create_graph=True)
        jacobian.sum().backward()
        assert x.grad.tolist() == [6.0, 12.0]

    def test_the_vector_must_fit(self):
        with pytest.raises(RuntimeError, match="v has invalid size"):
            autograd.functional.vjp(lambda x: x * 2, torch.ones(2), torch.ones(3))
        with pytest.raises(RuntimeError, match="The vector v can only be None if the user-prov"):
            autograd.functional.vjp(lambda x: x * 2, torch.ones(2))
        with pytest.raises(RuntimeError, match="v is a tuple of invalid length: should be 2"):
            autograd.functional.vjp(lambda x: (x, x), torch.ones(2), torch.ones(2))
        with pytest.raises(RuntimeError, match=r"Entry 1 in v has invalid size: should be"):
            autograd.functional.jvp(
                lambda x, y: x, (torch.ones(2), torch.ones(3)), (torch.ones(2), torch.ones(2))
            )

    def test_inputs_must_be_tensors(self):
        with pytest.raises(TypeError, match="the given inputs has type <class 'float'>"):
            autograd.functional.jacobian(lambda x: x, 1.0)
