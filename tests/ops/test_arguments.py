"""What stands for an int, a number, a bool or a tensor, and what does not."""

from __future__ import annotations

import ast
import enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import Tensor, nn
from tinygrad_adam.ops.arguments import _KINDS, all_ints, checked, fitted, flat


class Side(enum.IntEnum):
    LEFT = 1


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("int", 3, 3),
        ("int", Side.LEFT, 1),
        ("int", np.int8(3), 3),
        ("int", torch.tensor(3), 3),
        ("int | None", None, None),
        ("float", 2, 2),
        ("float", np.float32(0.5), 0.5),
        ("float", torch.tensor(0.5), 0.5),
        ("Number", torch.tensor(True), True),
        ("Number", 1j, 1j),
        ("Dim", torch.Size([1, 2]), (1, 2)),
        ("Dim", np.int64(1), 1),
        ("IntOrPair", [1, 2], [1, 2]),
        ("Operand", np.float64(0.5), 0.5),
    ],
)
def test_what_stands_for_it(kind, value, found):
    got = fitted("f", "x", kind, value)
    assert got == found
    assert type(got) is type(found) or isinstance(value, torch.Size)


@pytest.mark.parametrize(
    ("kind", "word", "values"),
    [
        ("int", "int", [True, 1.0, "1", None, torch.tensor(1.0), torch.tensor([1, 2]), [1]]),
        ("float", "float", ["1", None, 1j, torch.ones(2), [0.5], np.ones(2)]),
        ("Number", "Number", ["1", None, torch.ones(1), torch.tensor(1.0, requires_grad=True)]),
        ("bool", "bool", [1, 0, "yes", None, np.ones(1), torch.tensor(True)]),
        (
            "Tensor",
            "Tensor",
            [1, None, [1.0], np.ones(2), nn.ReLU(), torch.Tensor, (t for t in ())],
        ),
        ("Tensor | None", "Tensor", [False, [1.0]]),
        ("Operand", "Tensor", [None, "1", [1.0], np.ones(2)]),
        ("Dim", "tuple of ints", ["a", 1.0, range(2), {1}, True]),
        ("str", "str", [None, 1, b"a"]),
    ],
)
def test_what_does_not(kind, word, values):
    for value in values:
        text = f"must be {word}, not {type(value).__name__.replace('ndarray', 'numpy.ndarray')}"
        with pytest.raises(TypeError, match=text):
            fitted("f", "x", kind, value)


def test_an_argument_by_its_place_and_by_its_name():
    @checked
    def f(input: Tensor, dim: int = 0, *sizes: Any, flag: bool = True) -> Any:
        return input, dim, sizes, flag

    x = torch.ones(2)
    assert f(x) == (x, 0, (), True)
    assert f(x, np.int64(1), 2.5, "a", flag=False) == (x, 1, (2.5, "a"), False)
    assert type(f(x, torch.tensor(1))[1]) is int
    with pytest.raises(
        TypeError, match=r"^f\(\): argument 'dim' \(position 2\) must be int, not str"
    ):
        f(x, "a")
    with pytest.raises(TypeError, match=r"^f\(\): argument 'dim' must be int, not str"):
        f(x, dim="a")
    with pytest.raises(TypeError, match="unexpected keyword"):
        f(x, dims=1)
    with pytest.raises(TypeError, match="missing 1 required"):
        f()


def test_a_subclass_of_tensor_passes():
    class Marked(torch.Tensor):
        pass

    assert torch.sum(Marked([1.0, 2.0])).item() == 3
    assert torch.sum(nn.Parameter(torch.ones(2))).item() == 2


def test_arrays_pass_where_values_are_arrays():
    class Twice(torch.autograd.Operation):
        def forward(self, x):
            return torch.sum(x) + x * torch.ones(1).array

    assert Twice.apply(torch.ones(2)).tolist() == [3, 3]
    with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray"):
        torch.sum(np.ones(2))


def test_integers():
    assert all_ints("f(): argument 'n'", (1, np.int64(2), torch.tensor(3))) == [1, 2, 3]
    assert flat((2, 3)) == flat(((2, 3),)) == flat((), [2, 3]) == (2, 3)
    assert flat(((),)) == ()
    with pytest.raises(
        TypeError, match=r"f\(\): argument 'n' must be tuple of ints, but found elem"
    ):
        all_ints("f(): argument 'n'", (1, "a"))
    with pytest.raises(TypeError, match="is missing"):
        flat(())


# What no check stands behind: the function itself asks, or takes whatever comes.
LEFT_TO_THE_FUNCTION = {"Any", "Choice", "Sequence[Tensor]", "Tensors", "np.ndarray"}


def test_no_annotation_of_a_checked_function_is_misspelt():
    package = Path(torch.__file__).parent
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")]
    found = {
        ast.unparse(argument.annotation)
        for tree in trees
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and "checked" in map(ast.unparse, function.decorator_list)
        for argument in ast.walk(function.args)
        if isinstance(argument, ast.arg) and argument.annotation is not None
    }
    assert "Tensor | None" in found
    assert {x for x in found if not set(x.split(" | ")) <= set(_KINDS)} == LEFT_TO_THE_FUNCTION
