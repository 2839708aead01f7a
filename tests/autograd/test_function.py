"""Operations that users write, and the grad mode."""

import threading
import typing

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import autograd
from tinygrad_adam.autograd import Function, Operation
from tinygrad_adam.autograd.errors import invalid_gradient
from tinygrad_adam.autograd.function import once_differentiable
from tinygrad_adam.ops.convolution import Options
from tinygrad_adam.ops.linalg import PolarFactor
from tinygrad_adam.ops.pooling import Window


def scalar(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


class TestFunction:
    def test_forward_and_gradient(self):
        x = scalar(2.0)
        y = Cube.apply(x)
        assert y.item() == 8.0
        assert repr(y) == "tensor(8., dtype=torch.float64, grad_fn=<CubeBackward>)"
        y.backward()
        assert x.grad.item() == 12.0

    def test_gradient_of_the_gradient(self):
        x = scalar(2.0)
        (first,) = autograd.grad(Cube.apply(x), x, create_graph=True)
        (second,) = autograd.grad(first, x)
        assert second.item() == 12.0

    def test_without_staticmethod(self):
        class Double(Function):
            def forward(ctx, x):  # noqa: N805
                return x * 2

            def backward(ctx, grad):  # noqa: N805
                return grad * 2

        x = scalar(3.0)
        Double.apply(x).backward()
        assert x.grad.item() == 2.0

    def test_options_and_several_results(self):
        class Scale(Function):
            @staticmethod
            def forward(ctx, x, factor, y):
                ctx.factor = factor
                return x * factor, y + 1

            @staticmethod
            def backward(ctx, gx, gy):
                return gx * ctx.factor, None, gy

        x, y = scalar(2.0), scalar(3.0)
        a, b = Scale.apply(x, 5, y)
        (a + 7 * b).backward()
        assert (x.grad.item(), y.grad.item()) == (5.0, 7.0)

    @pytest.mark.parametrize("materialize", [True, False])
    def test_a_missing_gradient(self, materialize):
        seen = []

        class Two(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(materialize)
                return x * 1, x * 2

            @staticmethod
            def backward(ctx, first, second):
                seen.append(second)
                return first

        x = scalar(1.0)
        Two.apply(x)[0].backward()
        assert (seen[0].item() == 0.0) if materialize else (seen[0] is None)

    def test_saving_a_result_keeps_its_history_and_makes_no_cycle(self):
        class Exp(Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, grad):
                (y,) = ctx.saved_tensors
                return grad * y

        x = scalar(0.5)
        (first,) = autograd.grad(Exp.apply(x), x, create_graph=True)
        (second,) = autograd.grad(first, x)
        assert second.item() == pytest.approx(np.exp(0.5))

    def test_setup_context(self):
        class Square(Function):
            @staticmethod
            def forward(x):
                return x * x

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx, grad):
                return 2 * ctx.saved_tensors[0] * grad

        x = scalar(3.0)
        Square.apply(x).backward()
        assert x.grad.item() == 6.0

    def test_an_input_that_is_returned_becomes_another_tensor(self):
        class Reverse(Function):
            @staticmethod
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, grad):
                return -grad

        x = scalar(3.0)
        y = Reverse.apply(x)
        assert y is not x
        y.backward()
        assert x.grad.item() == -1.0

    def test_mark_dirty(self):
        class Double(Function):
            @staticmethod
            def forward(ctx, x):
                x.mul_(2)
                ctx.mark_dirty(x)
                return x

            @staticmethod
            def backward(ctx, grad):
                return grad * 2

        x = scalar(3.0)
        y = x * 1
        z = Double.apply(y)
        assert z is y
        z.backward()
        assert x.grad.item() == 2.0

    def test_mark_non_differentiable(self):
        class Both(Function):
            @staticmethod
            def forward(ctx, x):
                index = x * 0
                ctx.mark_non_differentiable(index)
                return x * 1, index

            @staticmethod
            def backward(ctx, grad, _):
                return grad

        y, index = Both.apply(scalar(3.0))
        assert y.requires_grad
        assert not index.requires_grad

    def test_wrong_number_of_gradients(self):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, x, y):
                return x * y

            @staticmethod
            def backward(ctx, grad):
                return grad

        with pytest.raises(
            RuntimeError, match=r"incorrect number of gradients \(expected 2, got 1\)"
        ):
            Wrong.apply(scalar(1.0), scalar(2.0)).backward()

    def test_a_gradient_that_does_not_fit(self):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, x):
                return x.sum()

            @staticmethod
            def backward(ctx, grad):
                return torch.ones(4, dtype=torch.float64)

        with pytest.raises(RuntimeError, match=r"got \[4\] but expected shape compatible"):
            Wrong.apply(torch.ones(3, dtype=torch.float64, requires_grad=True)).backward()

    def test_no_backward(self):
        class Half(Function):
            @staticmethod
            def forward(ctx, x):
                return x / 2

        with pytest.raises(NotImplementedError, match="You must implement the backward"):
            Half.apply(scalar(1.0)).backward()

    def test_saving_what_is_no_tensor(self):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(3)

        with pytest.raises(TypeError, match="save_for_backward can only save variables"):
            Wrong.apply(scalar(1.0))

    def test_forward_is_not_recorded(self):
        modes = []

        class Look(Function):
            @staticmethod
            def forward(ctx, x):
                modes.append(torch.is_grad_enabled())
                return x * 1

            @staticmethod
            def backward(ctx, grad):
                modes.append(torch.is_grad_enabled())
                return grad

        Look.apply(scalar(1.0)).backward()
        assert modes == [False, False]


class TestGradMode:
    def test_no_grad_block(self):
        x = scalar(1.0)
        with torch.no_grad():
            y = x * 2
        assert not y.requires_grad
        assert (x * 2).requires_grad

    @pytest.mark.parametrize("decorator", [torch.no_grad(), torch.no_grad])
    def test_no_grad_decorator(self, decorator):
        @decorator
        def double(x):
            """Twice x."""
            return x * 2

        assert not double(scalar(1.0)).requires_grad
        assert double.__doc__ == "Twice x."
        assert torch.is_grad_enabled()

    def test_enable_grad_inside_no_grad(self):
        x = scalar(1.0)
        with torch.no_grad(), torch.enable_grad():
            assert (x * 2).requires_grad
        with torch.no_grad():
            assert torch.enable_grad()(lambda: x * 2)().requires_grad

    def test_set_grad_enabled(self):
        try:
            torch.set_grad_enabled(False)
            assert not torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(True)
        with torch.set_grad_enabled(False):
            assert not torch.is_grad_enabled()
        assert torch.is_grad_enabled()

    def test_one_object_may_be_nested_in_itself(self):
        off = torch.no_grad()
        with off:
            with off:
                pass
            assert not torch.is_grad_enabled()
        assert torch.is_grad_enabled()

    def test_the_mode_comes_back_after_an_exception(self):
        with pytest.raises(ZeroDivisionError), torch.no_grad():
            1 / 0  # noqa: B018
        assert torch.is_grad_enabled()

    def test_a_generator_has_the_mode_only_while_it_runs(self):
        @torch.no_grad()
        def modes():
            received = yield torch.is_grad_enabled()
            while True:
                received = yield (received, torch.is_grad_enabled())

        generator = modes()
        assert next(generator) is False
        assert torch.is_grad_enabled()
        assert generator.send("sent") == ("sent", False)
        generator.close()

    def test_threads_have_modes_of_their_own(self):
        seen = []
        with torch.no_grad():
            thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
            thread.start()
            thread.join()
        assert seen == [True]


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        (2.0, RuntimeError, r"^expected Variable or None \(got float\)"),
        (np.ones(2), RuntimeError, r"^expected Variable or None \(got ndarray\)"),
        (
            torch.ones(3),
            RuntimeError,
            r"^Function WrongBackward returned an invalid gradient at index 1 - got \[3\] but "
            r"expected shape compatible with \[2\]\n  Wrong$",
        ),
        (torch.ones(()), RuntimeError, r"got \[\] but expected shape compatible with \[2\]"),
    ],
    ids=["number", "array", "shape", "too few dimensions"],
)
def test_what_is_no_gradient(wrong, kind, words):
    class Wrong(autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, grad):
            return grad, wrong

    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    with pytest.raises(kind, match=words):
        Wrong.apply(a, b).sum().backward()


def test_a_gradient_that_broadcasts_is_summed():
    class Stretch(autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a.expand(3, 2)

        @staticmethod
        def backward(ctx, grad):
            return grad

    a = torch.ones(1, 2, requires_grad=True)
    Stretch.apply(a).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [[3, 3]])


def test_an_error_that_a_right_gradient_meets_stays_as_it_is():
    """As when adding gradients runs out of memory, or an observer refuses the sum."""
    a = torch.ones(1, 2, requires_grad=True)
    node = (a * 2).grad_fn
    mine = RuntimeError("mine")
    for fits in (torch.ones(1, 2), torch.ones(3, 2), torch.ones(4, 3, 2)):
        assert invalid_gradient(node, node.edges[0], fits, mine) is mine
    for odd in (torch.ones(1, 3), torch.ones(2), torch.ones(2, 1, 3)):
        assert invalid_gradient(node, node.edges[0], odd, mine) is not mine


def test_what_is_marked_dirty_must_be_returned():
    class Dirty(autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.mark_dirty(a)
            return a + 1

    a = torch.ones(2, requires_grad=True) * 1
    with pytest.raises(RuntimeError, match=r"^Some elements marked as dirty during the forward"):
        Dirty.apply(a)


def operations(kind=Operation):
    found = kind.__subclasses__()
    return found + [deeper for one in found for deeper in operations(one)]


ONES, NO_PADDING = (1, 1), (0, 0)
# Operations of tensors with certain shapes, and with options.
SHAPES_AND_OPTIONS = {
    "AdaptiveAvgPool2d": [([(2, 3, 4, 6)], ((2, 4),))],
    "AvgPool2d": [([(2, 3, 4, 6)], (Window((2, 3), ONES, ONES, ONES, True), False, None))],
    "BinaryCrossEntropyWithLogits": [
        ([(2, 3), (2, 3)], (None,)),
        ([(2, 3), (2, 3)], (np.array([0.5, 1, 2], np.float16),)),
    ],
    "Conv2d": [
        ([(2, 4, 5, 6), (6, 2, 3, 2), (6,)], (Options((2, 1), (1, 0), (1, 2), 2),)),
        ([(1, 2, 4, 4), (3, 2, 3, 3), None], (Options(ONES, ONES, ONES, 1),)),
        ([(0, 2, 4, 4), (3, 2, 3, 3), (3,)], (Options(ONES, ONES, ONES, 1),)),
    ],
    "CrossEntropy": [
        ([(3, 4)], (np.array([0, 3, 1]), None, -100, reduction, smoothing))
        for reduction in ("none", "mean", "sum")
        for smoothing in (0.0, 0.2)
    ]
    + [
        ([(4,)], (np.array(2), None, -100, "none", 0.0)),
        ([(2, 4, 3)], (np.array([[0, 1, 3], [2, -1, 0]]), None, -1, "none", 0.0)),
    ],
    "Clamp": [([(2, 3)], (-0.5, 0.5)), ([(2, 3), (3,), ()], ()), ([()], (None, 0.2))],
    "Dropout": [([(2, 3)], (1.0,))],
    "Elu": [([(2, 3)], (0.5,)), ([()], (1.5,))],
    "LeakyRelu": [([(2, 3)], (0.1,)), ([()], (0.1,))],
    "LogSoftmax": [([(2, 3)], (1,)), ([()], (0,))],
    "NanToNum": [([(2, 3)], (0.0, None, None))],
    "Round": [([(2, 3)], (1,)), ([()], (0,))],
    "Softmax": [([(2, 3)], (0,)), ([()], (0,))],
    "Softplus": [([(2, 3)], (2.0, 1.0)), ([()], (1.0, 20.0))],
    "Embedding": [([(5, 3)], (np.array([[1, 4], [1, 0]]), 1, True))],
    "EmbeddingGradient": [([(4, 3)], (np.array([1, 4, 1, 0]), 5, 1, True))],
    "Index": [([(3, 4)], ((1, slice(0, 2), ...),)), ([()], ((None, ...),)), ([(2,)], ((0, ...),))],
    "IndexPut": [
        ([(3, 4), (3, 4)], ((...,), accumulate, np.array([0, 2, 1])))
        for accumulate in (False, True)
    ]
    + [([(), (1,)], ((...,), False))],
    "IndexZeros": [([(4,)], ((3, 4), (1, ...))), ([()], ((2,), (1, ...)))],
    "HuberError": [([(3, 4), (4,)], (0.5,)), ([(), (2,)], (0.5,))],
    "Linear": [
        ([(2, 3), (4, 3), (4,)], ()),
        ([(1, 3), (4, 3), None], ()),
        ([(0, 3), (4, 3)], (None,)),
    ],
    "MatMul": [([(2, 3), (3, 4)], ()), ([(5, 2, 3), (3, 4)], ()), ([(2, 3), (5, 3, 1)], ())],
    "MaxPool2d": [
        ([(2, 3, 4, 6)], (Window((2, 2), (2, 2), NO_PADDING, ONES, False),)),
        ([(2, 3, 5, 5)], (Window((3, 2), ONES, ONES, (2, 1), True),)),
    ],
    "Overwrite": [([(2, 3), (3,)], ()), ([(), ()], ())],
    "ReluGradient": [([(2, 3), (2, 3)], ())],
    "Pick": [
        ([(3, 4)], ((...,), False, np.array([0, 2, 2]))),
        ([(3, 4)], ((slice(None), 1, ...), True, np.array([0, 2]))),
    ],
    "PickZeros": [([(3, 4)], ((5, 4), (...,), False, np.array([0, 2, 2])))],
    "NllLoss": [
        ([(3, 4)], (np.array([0, 3, 1]), None, 3, reduction))
        for reduction in ("none", "mean", "sum")
    ],
    "SquaredError": [([(3, 4), (4,)], ()), ([(), (2,)], ())],
    "Reshape": [([(2, 3)], ((3, 2),)), ([(0, 3)], ((0,),)), ([()], ((1, 1),))],
    "ScatterReduce": [
        (
            [(3, 4), (2, 4)],
            (how, include_self, np.array([[0, 2, 0, 1], [0, 1, 1, 1]]), np.arange(4)),
        )
        for how in ("prod", "amax", "amin")
        for include_self in (True, False)
    ],
}
# Of x of shape (2, 3) and y of shape (1, 3).
MOVES = [
    *("x.reshape(3, 2)", "x.reshape(6)", "x.flatten()", "x.unflatten(1, (3, 1))", "y.squeeze(0)"),
    *(
        "x.T",
        "x.permute(1, 0)",
        "x.T[None].permute(2, 0, 1)",
        "y.expand(4, 3)",
        "y.expand(2, 2, 3)",
    ),
    *("x.sum_to_size(1, 3)", "x[None].sum_to_size(3)", "x.repeat(2, 1, 2)", "y.tile(2)"),
    *("y.repeat(0, 1)", "x.flip(0, 1)", "x.roll((1, 1), (0, 1))", "x.roll(2)", "x.tril()"),
    *("x.triu(1)", "x.diagonal(1)", "x.diag_embed()", "y[0].diag(-1)", "x.narrow(1, 1, 2)"),
    *("x.narrow(1, 3, 0)", "x.select(1, -1)", "x.split(2, 1)[1]", "x.unbind(1)[0]", "x.clone()"),
    *("x.T.contiguous()", "x.movedim(0, 1)", "x[0, 0].t()", "torch.cat([x, y])", "x.to('cpu')"),
    *("torch.cat([x.T, y.T], 1)", "torch.stack([x, x], 1)", "torch.hstack([x[0, 0], y[0]])"),
    *("torch.einsum('ij,kj->ki', x, y)", "torch.einsum('ij->', x)", "x[:, :2].trace()"),
    *(
        "x.repeat_interleave(2, 1)",
        "torch.meshgrid(x[0], y[0], indexing='ij')[1]",
        "x.double()",
        "x.fill_(y[0, 0])",
    ),
    *("F.pad(x, (1, -1))", "F.pad(x[None], (1, 2), 'reflect')", "F.unfold(x[None], (1, 2))"),
]


class TestBackwardOnArrays:
    """A walk that nobody records calls backward with arrays: the numbers must be the same.

    tests/ops/test_table.py looks at every row; here each input alone needs a gradient.
    """

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
    @pytest.mark.parametrize(
        ("name", "shapes", "options"),
        [(name, *case) for name, cases in SHAPES_AND_OPTIONS.items() for case in cases],
    )
    def test_recorded_or_not_the_gradients_are_the_same(self, name, shapes, options, dtype):
        (operation,) = (one for one in operations() if one.__name__ == name)
        generator = np.random.default_rng(0)
        values = [None if shape is None else generator.normal(size=shape) for shape in shapes]
        for wanted in range(len(shapes)):
            if values[wanted] is None:
                continue
            inputs = [
                None if value is None else torch.tensor(value, dtype=dtype) for value in values
            ]
            inputs[wanted].requires_grad_()
            found = []
            for create_graph in (True, False):
                y = operation.apply(*inputs, *options)
                weights = torch.tensor(np.resize([1.0, -2.0, 0.5], y.shape), dtype=dtype)
                (gradient,) = autograd.grad(y, inputs[wanted], weights, create_graph=create_graph)
                found.append(gradient)
            recorded, plain = found
            assert type(plain) is torch.Tensor
            assert plain.dtype == dtype
            assert plain.shape == inputs[wanted].shape
            assert not plain.requires_grad
            np.testing.assert_array_equal(plain.numpy(), recorded.detach().numpy())

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
    @pytest.mark.parametrize("move", MOVES)
    def test_so_they_are_where_elements_move(self, move, dtype):
        leaves = [
            torch.linspace(0.2, 1.7, 3 * rows, dtype=dtype).reshape(rows, 3).requires_grad_()
            for rows in (2, 1)
        ]
        found = []
        for create_graph in (True, False):
            x, y = (leaf * 1 for leaf in leaves)
            z = eval(move, {"torch": torch, "F": torch.nn.functional, "x": x, "y": y})
            weights = torch.tensor(np.resize([1.0, -2.0, 0.5], z.shape), dtype=z.dtype)
            found.append(
                autograd.grad(z, leaves, weights, create_graph=create_graph, allow_unused=True)
            )
        for recorded, plain in zip(*found):
            assert (plain is None) == (recorded is None)
            if plain is not None:
                assert not plain.requires_grad
                np.testing.assert_array_equal(plain.numpy(), recorded.detach().numpy())

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
    @pytest.mark.parametrize(
        "function",
        [
            lambda x: torch.einsum("bij,bkj,j->ik", x, x, x[0, 0]),
            lambda x: x.norm("nuc", (0, 2)),
            lambda x: PolarFactor.apply(x),
            lambda x: PolarFactor.apply(x[:, :, :2]),
        ],
        ids=["Einsum", "NuclearNorm", "PolarFactor", "PolarFactor of columns"],
    )
    def test_products_of_matrices(self, function, dtype):
        x = torch.tensor(np.random.default_rng(0).normal(size=(2, 3, 4)), dtype=dtype)
        x.requires_grad_()
        recorded, plain = [
            autograd.grad(function(x).sum(), x, create_graph=create_graph)[0]
            for create_graph in (True, False)
        ]
        assert (plain.dtype, plain.requires_grad) == (dtype, False)
        np.testing.assert_array_equal(plain.numpy(), recorded.detach().numpy())

    @pytest.mark.parametrize("other", [2, 2.5, True, np.float64(3)])
    def test_with_numbers_the_dtype_stays(self, other):
        x = torch.ones(3, requires_grad=True)
        (other * x / other - x * other).sum().backward()
        assert x.grad.dtype == torch.float32
        np.testing.assert_array_equal(x.grad.numpy(), np.float32(1 - float(other)))

    @pytest.mark.parametrize("other", ["int64", "bool", "float16", "float64"])
    def test_with_other_dtypes_each_gets_its_own(self, other):
        x = torch.ones(3, requires_grad=True)
        number = torch.tensor(1).to(getattr(torch, other))
        if number.is_floating_point():
            number.requires_grad_()
        (x * number / number).sum().backward()
        assert x.grad.dtype == torch.float32
        assert x.grad.tolist() == [1, 1, 1]
        if number.requires_grad:
            assert (number.grad.dtype, number.grad.item()) == (number.dtype, 0)

    @pytest.mark.filterwarnings("ignore:Using backward")
    def test_what_it_is_given(self):
        class Triple(Operation):
            seen: typing.ClassVar[list] = []

            def forward(self, x):
                self.save_for_backward(x, 3, None)
                return x * 3

            def backward(self, grad):
                self.seen.append([type(grad), *map(type, self.saved_tensors)])
                return grad * 3

        x = torch.ones(2, requires_grad=True)
        Triple.apply(x).sum().backward(create_graph=True)
        Triple.apply(x).sum().backward()
        nothing = type(None)
        assert Triple.seen == [
            [torch.Tensor, torch.Tensor, int, nothing],
            [np.ndarray, np.ndarray, int, nothing],
        ]
        assert x.grad.tolist() == [6, 6]

    def test_a_value_changed_since_is_found(self):
        x = torch.ones(2, requires_grad=True)
        for operation in (torch.exp, torch.sqrt, lambda x: x * x.detach(), lambda x: 1 / x):
            middle = x * 2
            y = operation(middle)
            middle.detach().add_(1)
            y.detach().add_(1)
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                y.sum().backward()


def scaled(backward, **attributes):
    """Return a Function that multiplies by a second argument, with a backward to be tried."""
    attributes.setdefault("forward", staticmethod(lambda ctx, x, k: x * k))
    return type("Scaled", (Function,), {**attributes, "backward": staticmethod(backward)})


class TestWhatBackwardReturns:
    """PyTorch counts a gradient for every argument of forward, tensor or not."""

    @pytest.mark.parametrize("factor", [3.0, None, [1], torch.ones(2), torch.tensor([1, 1])])
    @pytest.mark.parametrize(
        ("backward", "got"),
        [
            (lambda ctx, g: g, 1),
            (lambda ctx, g: (g,), 1),
            (lambda ctx, g: (), 0),
            (lambda ctx, g: [g, None], 1),
            (lambda ctx, g: (g, None, g), 3),
            (lambda ctx, g: (None, None, None, g), 4),
        ],
    )
    def test_too_few_or_too_many(self, factor, backward, got):
        function = scaled(backward, forward=staticmethod(lambda ctx, x, k: x * 2))
        x = torch.ones(2, requires_grad=True)
        y = function.apply(x, factor).sum()
        text = rf"returned an incorrect number of gradients \(expected 2, got {got}\)"
        for create_graph in (False, True):
            with pytest.raises(RuntimeError, match=text):
                torch.autograd.grad(y, x, create_graph=create_graph, retain_graph=True)

    @pytest.mark.parametrize("factor", [torch.ones(2), torch.tensor([1, 1])])
    @pytest.mark.parametrize("second", [None, torch.ones(2), torch.ones(5)])
    def test_of_a_tensor_that_needs_none_anything_will_do(self, factor, second):
        x = torch.ones(2, requires_grad=True)
        scaled(lambda ctx, g: (g, second, None)).apply(x, factor).sum().backward()
        assert x.grad.tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("gradient", [torch.ones(2), 1.0])
    def test_a_gradient_of_what_is_no_tensor(self, gradient):
        x = torch.ones(2, requires_grad=True)
        y = scaled(lambda ctx, g: (g, gradient)).apply(x, 3.0)
        with pytest.raises(RuntimeError, match="a gradient different than None at position 2"):
            y.sum().backward()

    @pytest.mark.parametrize(
        ("shape", "got", "fits"),
        [
            ((2, 2), (4,), False),
            ((4,), (2, 2), False),
            ((4,), (4, 1), False),
            ((2, 1), (2,), False),
            ((1, 2), (2,), False),
            ((2, 3), (3, 2), False),
            ((4, 3), (2, 3, 4), False),
            ((3, 1), (1, 3), False),
            ((1, 1), (), False),
            ((0,), (0, 1), False),
            ((4,), (1, 4), True),
            ((), (1,), True),
            ((2, 1), (2, 3), True),
            ((2, 3), (5, 2, 3), True),
        ],
    )
    def test_shapes(self, shape, got, fits):
        x = torch.ones(shape, requires_grad=True)
        y = scaled(lambda ctx, g: (torch.ones(got), None)).apply(x, 2.0).sum()
        if fits:
            y.backward()
            assert x.grad.shape == shape
            assert x.grad.sum() == torch.ones(got).sum()
        else:
            with pytest.raises(RuntimeError, match=r"index 0 - got .* but expected shape"):
                y.backward()


class TestArguments:
    def setup_method(self):
        self.seen = []

        def setup_context(ctx, inputs, output):
            ctx.count = len(inputs)
            self.seen.append(inputs[1:])

        self.function = scaled(
            lambda ctx, g: (g * 5, *[None] * (ctx.count - 1)),
            forward=staticmethod(lambda x, y=3, z=None: x * y),
            setup_context=staticmethod(setup_context),
        )

    @pytest.mark.parametrize(
        ("given", "named", "seen"),
        [
            ((), {}, (3, None)),
            ((4,), {}, (4, None)),
            ((4, 5), {}, (4, 5)),
            ((), {"z": 6}, (3, 6)),
        ],
    )
    def test_setup_context_sees_the_defaults(self, given, named, seen):
        x = torch.ones(2, requires_grad=True)
        y = self.function.apply(x, *given, **named)
        y.sum().backward()
        assert self.seen == [seen]
        assert y.tolist() == [float(seen[0])] * 2
        assert x.grad.tolist() == [5.0, 5.0]

    def test_what_does_not_fit(self):
        with pytest.raises(TypeError, match="missing a required argument: 'x'"):
            self.function.apply()
        with pytest.raises(TypeError, match="too many positional arguments"):
            self.function.apply(torch.ones(1), 1, 2, 3)


class TestMarkDirty:
    def test_the_version_goes_up(self):
        class Touch(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                return x

            @staticmethod
            def backward(ctx, grad):
                return grad

        for x in (torch.ones(2), torch.ones(2, requires_grad=True) * 1):
            y = x.sin()
            assert Touch.apply(x) is x
            assert x._version == 1
            if x.requires_grad:
                with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
                    y.sum().backward()
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used"):
            Touch.apply(torch.ones(2, requires_grad=True))


class TestOnceDifferentiable:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            assert not torch.is_grad_enabled()
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    def test_once(self):
        x = torch.ones(2, requires_grad=True)
        self.Square.apply(x).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0]
        (slope,) = torch.autograd.grad(self.Square.apply(x).sum(), x, create_graph=True)
        assert not slope.requires_grad

    def test_twice(self):
        x = torch.ones(2, requires_grad=True)
        y = self.Square.apply(x).pow(2).sum()
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        assert slope.tolist() == [4.0, 4.0]
        with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was"):
            slope.sum().backward()
