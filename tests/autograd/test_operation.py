"""Operations that users write, and what may happen inside a forward and inside a walk."""

import ast
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import autograd
from tinygrad_adam.autograd import Operation

ROOT = Path(autograd.__file__).resolve().parents[1]


class Cube(Operation):
    """x³, written as a learner would, with the package's own functions inside."""

    def forward(self, x):
        self.save(x)
        return x**3

    def backward(self, grad):
        (x,) = self.saved
        return grad * (3 * x * x)


class ThroughTensors(Operation):
    """exp(x) computed with tensors inside forward, and with a nested operation."""

    def forward(self, x):
        y = torch.exp(torch.from_numpy(x))
        self.grad_enabled = torch.is_grad_enabled()
        self.save(y.array)
        return y.array

    def backward(self, grad):
        (y,) = self.saved
        return grad * y


def leaf(*values):
    return torch.tensor(list(values), dtype=torch.float64, requires_grad=True)


class TestInsideForward:
    def test_a_learners_operation(self):
        x = leaf(1.0, -2.0)
        Cube.apply(x).sum().backward()
        assert x.grad.tolist() == [3.0, 12.0]
        assert autograd.gradcheck(Cube.apply, [x])
        assert autograd.gradgradcheck(Cube.apply, [x])

    def test_tensors_are_computed_with(self):
        x = leaf(0.5, 1.0)
        ThroughTensors.apply(x).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5, 1.0]))

    @pytest.mark.parametrize("enabled", [True, False])
    def test_the_grad_mode_is_the_callers(self, enabled):
        x = leaf(1.0)
        with torch.set_grad_enabled(enabled):
            y = ThroughTensors.apply(x)
        assert y.requires_grad is enabled
        seen = []

        class Look(Operation):
            def forward(self, x):
                seen.append(torch.is_grad_enabled())
                return x * 1

        with torch.set_grad_enabled(enabled):
            Look.apply(x)
        assert seen == [enabled]

    def test_operations_nest(self):
        class Outer(Operation):
            def forward(self, x):
                inner = Cube.apply(torch.tensor(x))  # of a tensor, inside
                assert isinstance(inner, torch.Tensor)
                deeper = ThroughTensors.apply(inner)
                assert isinstance(Cube.apply(x), np.ndarray)  # of an array: forward alone
                return deeper.array

        x = torch.tensor([0.5, 1.0], dtype=torch.float64)
        np.testing.assert_allclose(Outer.apply(x).numpy(), np.exp(np.array([0.5, 1.0]) ** 3))

    def test_a_walk_inside_a_forward(self):
        class Slope(Operation):
            def forward(self, x):
                inner = torch.tensor(x, requires_grad=True)
                with torch.enable_grad():
                    (slope,) = autograd.grad(Cube.apply(inner).sum(), inner, create_graph=True)
                    (second,) = autograd.grad(slope.sum(), inner)
                return second.array

        assert Slope.apply(leaf(2.0)).tolist() == [12.0]

    def test_a_function_inside_a_forward(self):
        class Double(autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                return grad * 2

        class Outer(Operation):
            def forward(self, x):
                return Double.apply(torch.tensor(x)).array

        assert Outer.apply(leaf(1.5)).tolist() == [3.0]

    def test_an_error_inside_leaves_the_mode_as_it_was(self):
        class Fails(Operation):
            def forward(self, x):
                raise KeyError("inside")

        with pytest.raises(KeyError, match="inside"):
            Fails.apply(leaf(1.0))
        x = leaf(2.0)
        Cube.apply(x).backward()
        assert x.grad.tolist() == [12.0]

    def test_in_threads(self):
        found = {}

        def work(number):
            x = leaf(float(number), 1.0)
            for _ in range(50):
                x.grad = None
                ThroughTensors.apply(Cube.apply(x) * 0.01).sum().backward()
            found[number] = x.grad.tolist()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for n in range(4):
            x = np.array([n, 1.0])
            np.testing.assert_allclose(found[n], np.exp(0.01 * x**3) * 0.03 * x**2)

    def test_warnings_of_numpy_stay_off(self):
        class Divides(Operation):
            def forward(self, x):
                return 1 / x + (1 / torch.tensor(x)).array + 1 / torch.tensor(0.0).array

        assert Divides.apply(leaf(0.0)).tolist() == [np.inf]

    def test_one_that_wants_tensors_in_its_backward(self):
        class Summed(Operation):
            takes_tensors = True

            def forward(self, x):
                self.save(x)
                return (x * x).sum(keepdims=True)

            def backward(self, grad):
                (x,) = self.saved
                assert isinstance(grad, torch.Tensor)
                return 2 * x * grad.reshape(1).expand(x.shape)

        x = leaf(1.0, 2.0)
        Summed.apply(x).sum().backward()
        assert x.grad.tolist() == [2.0, 4.0]


class TestNoTensorAmongTheInputs:
    @pytest.mark.parametrize(
        "inputs", [(2.0, np.ones(2)), (np.ones(2), 2.0), (np.float64(3), np.ones(2))]
    )
    def test_where_values_are_arrays_it_is_forward(self, inputs):
        seen = []

        class Product(Operation):
            def forward(self, x):
                return x * 1.0

            def backward(self, grad):
                seen.append(torch.mul(*inputs))
                return grad

        Product.apply(leaf(1.0)).backward()
        np.testing.assert_array_equal(seen[0], np.asarray(inputs[0]) * inputs[1])
        assert not isinstance(seen[0], torch.Tensor)

    def test_anywhere_else_it_is_an_error(self):
        with pytest.raises(TypeError, match="must be Tensor, not ndarray"):
            Cube.apply(np.ones(2))
        seen = []

        class Recorded(Operation):
            def forward(self, x):
                return x * 1.0

            def backward(self, grad):
                with pytest.raises(TypeError, match="must be Tensor, not ndarray"):
                    Cube.apply(np.ones(2))
                seen.append(grad)
                return grad

        x = leaf(1.0)
        autograd.grad(Recorded.apply(x), x, create_graph=True)
        assert len(seen) == 1


class TestWalks:
    def test_threads_walk_one_graph(self):
        """With other inputs wanted in each: a walk changes no node."""
        leaves = [leaf(float(n), 1.0) for n in range(4)]
        total = leaves[0]
        for x in leaves[1:]:
            total = total * x + x
        total = total.sum()
        wanted = [autograd.grad(total, x, retain_graph=True)[0].tolist() for x in leaves]
        wrong = []

        def work(n):
            for _ in range(100):
                (gradient,) = autograd.grad(total, leaves[n], retain_graph=True)
                if gradient.tolist() != wanted[n]:
                    wrong.append(n)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_what_a_hook_returns(self):
        x = leaf(1.0, 2.0)
        y = x * 2
        for wrong, error, text in (
            (lambda g: g[:1], RuntimeError, "has changed the size of value"),
            (lambda g: g.float(), RuntimeError, "has changed the type of value"),
            (lambda g: 3.0, TypeError, "expected Variable, but hook returned 'float'"),
        ):
            handle = y.register_hook(wrong)
            with pytest.raises(error, match=text):
                y.sum().backward(retain_graph=True)
            handle.remove()
        y.register_hook(lambda g: g * 10)
        y.sum().backward()
        assert x.grad.tolist() == [20.0, 20.0]


# --- the one form of backward --------------------------------------------------------------------


def _methods_called(function):
    """Yield the calls in a function that are calls of methods, on anything but a known few."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        if isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "super":
            continue
        name = of.id if isinstance(of, ast.Name) else None
        if name in ("self", "cls", "math", "cmath", "operator"):
            continue
        if node.func.attr == "apply" and name is not None and name[0].isupper():
            continue
        if isinstance(of, ast.Attribute) and ast.unparse(of.value) == "self":
            continue  # of options that the operation keeps
        if name is not None and node.func.attr in ("append", "insert", "index", "format"):
            continue  # of Python's lists and texts
        yield f"{ast.unparse(node.func)} in line {node.lineno}"


def _backwards(tree):
    """Yield the backward methods of operations, the derivatives in tables (functions of ``g``), and
    what they call of the same file by name."""
    functions = {x.name: x for x in tree.body if isinstance(x, ast.FunctionDef)}
    lambdas = [x for x in ast.walk(tree) if isinstance(x, ast.Lambda) and x.args.args]
    pending: list[ast.AST] = [x for x in lambdas if x.args.args[0].arg == "g"]
    for kind in ast.walk(tree):
        if isinstance(kind, ast.ClassDef):
            tensors = any(
                isinstance(x, ast.Assign) and ast.unparse(x) == "takes_tensors = True"
                for x in kind.body
            )
            pending += [
                x
                for x in kind.body
                if isinstance(x, ast.FunctionDef) and x.name == "backward" and not tensors
            ]
    seen = set()
    while pending:
        function = pending.pop()
        if function in seen:
            continue
        seen.add(function)
        yield function
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = functions.get(node.func.id)
                if called is not None and called.name.startswith("_"):
                    pending.append(called)


FILES = sorted([*(ROOT / "ops").glob("*.py"), *(ROOT / "autograd").glob("*.py")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_backward_calls_no_method(path):
    """``x.sum(1)`` means different things to NumPy and to us: ``sum(x, 1)`` takes either."""
    found = []
    for function in _backwards(ast.parse(path.read_text())):
        found += _methods_called(function)
    assert not found


def test_the_search_for_methods_finds_them():
    program = """
class Bad(Operation):
    def backward(self, grad):
        return _helper(grad) + grad.sum(1) + grad.T.exp()

def _helper(x):
    return x.reshape(2)

@unary(lambda xp, x: xp.sin(x), lambda g, x: g * x.cos())
def sin(input):
    pass
"""
    found = [y for x in _backwards(ast.parse(program)) for y in _methods_called(x)]
    assert [y.split(" ")[0] for y in sorted(found)] == [
        "grad.T.exp",
        "grad.sum",
        "x.cos",
        "x.reshape",
    ]


def test_results_of_integers_have_no_history():
    x = torch.ones(1, 1, 4, 4, requires_grad=True)
    pooled, places = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    assert pooled.requires_grad
    for y in (places, x.long(), x > 0, x.argmax(), x.sort()[1]):
        assert not y.requires_grad
        assert y.grad_fn is None
