"""Draw an expression or a model.

python -m tools.draw "(x*w + b).relu().sum()" --set x=2 w=-3 b=10 --backward -o graph.svg
python -m tools.draw file.py:Class --input 1,1,28,28 --depth 2 --backward -o graph.svg

The suffix of -o says what is written: svg, png, pdf, html, dot, mmd, txt or json. A name that ends
in .html with --animate is the page on which the backward walk can be watched.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path
from typing import Any

import tinygrad_adam as torch
from tinygrad_adam import viz
from tools.model_file import UsageError, in_one_line, load_model, make_input


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", help="an expression, or file.py:Class")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="values",
                        help="values of the expression's variables: x=2, w=[1,-1]")  # fmt: skip
    parser.add_argument("--input", metavar="SHAPE", help="shape of the model's input")
    parser.add_argument("-o", "--output", default="graph.svg", type=Path)
    parser.add_argument("--backward", action="store_true", help="draw the gradients as well")
    parser.add_argument("--animate", action="store_true", help="write a page to watch backward")
    parser.add_argument("--depth", type=int, help="how many levels of modules to open")
    parser.add_argument("--show", help="words on the labels: shape,dtype,params,flops,time,memory,"
                        "value,grad,saved")  # fmt: skip
    parser.add_argument("--highlight", choices=["grad", "nan", "time", "memory"])
    parser.add_argument("--theme", choices=["light", "dark", "mono"], default="light")
    parser.add_argument("--rankdir", choices=["TB", "LR", "BT", "RL"])
    parser.add_argument("--max-nodes", type=int)
    return parser.parse_args(arguments)


def variables(assignments: list[str]) -> dict[str, torch.Tensor]:
    """Return a tensor for each NAME=VALUE."""
    found = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        try:
            data = torch.tensor(ast.literal_eval(value)).float()
        except (ValueError, SyntaxError, TypeError):
            raise UsageError(f"--set {assignment}: give NAME=NUMBER or NAME=[NUMBERS]") from None
        found[name.strip()] = data.requires_grad_()
    return found


def evaluate(expression: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Return the value of an expression over tensors and the package's functions."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise UsageError(f"{expression!r} is no expression: {error.msg}") from None
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    functions = {name: getattr(torch, name) for name in names if hasattr(torch, name)}
    missing = sorted(names - set(tensors) - set(functions))
    if missing:
        raise UsageError(f"{', '.join(missing)} has no value: --set {missing[0]}=2")
    scope = {"__builtins__": {}, **functions, **tensors}
    try:
        return eval(compile(tree, "<expression>", "eval"), scope)
    except (AttributeError, IndexError, ArithmeticError) as error:
        raise UsageError(f"{expression!r}: {in_one_line(error)}") from None


def drawn(options: argparse.Namespace, tensors: dict[str, torch.Tensor]) -> Any:
    """Return what is to be drawn: as a call to record, which knows every value and time."""
    if ":" in options.what and options.what.rpartition(":")[0].endswith(".py"):
        if options.input is None:
            raise UsageError("a model needs --input, the shape of its input: --input 1,1,28,28")
        model, x = load_model(options.what), make_input(options.input)
        return model(x).sum() if options.animate else (model, x)
    if options.animate:
        return evaluate(options.what, tensors)
    return lambda **values: evaluate(options.what, values), tensors


def main() -> None:
    options = parse()
    try:
        tensors = variables(options.values)
        what = drawn(options, tensors)
        if options.animate:
            path = viz.animate_backward(what, options.output, names=tensors)
        else:
            path = viz.draw(
                what,
                backward="compute" if options.backward else False,
                depth=options.depth,
                show=options.show,
                highlight=options.highlight,
                theme=options.theme,
                rankdir=options.rankdir,
                max_nodes=options.max_nodes,
            ).save(options.output)
    except (UsageError, ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        sys.exit(f"draw.py: {error}")
    print(path)


if __name__ == "__main__":
    main()
