"""The table of operations: expressions, the inputs they are tried on, and closed forms in NumPy.

Each row is Python text in which ``torch`` is the package and a, b, c are tensors. The same text
runs with PyTorch in ``python -m tests.goldens``, which stores what comes out: the values, and
the gradients for fixed gradients of the results. A row of several lines is a program whose result
is ``out``.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np

from tests.ops import table_linalg
from tests.ops.table_tensors import TENSORS


class Row(NamedTuple):
    """An expression, what it is tried on, and what is known of it."""

    expression: str
    inputs: tuple[str, ...]
    """How to draw a, b, c: kind and sizes, as in ``normal 3 4``; see :func:`draw`."""
    closed_form: str | None = None
    """The same in NumPy, for arrays a, b, c."""
    smooth: bool = True
    """Whether finite differences say something about its gradient."""

    @property
    def name(self) -> str:
        return f"{self.expression} [{'; '.join(self.inputs)}]".replace("\n", "; ")

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the inputs, the same ones at every call."""
        seed = zlib.crc32(self.name.encode())
        return {
            name: draw(kind, np.random.default_rng([seed, i]))
            for i, (name, kind) in enumerate(zip("abc", self.inputs))
        }

    def run(self, torch: Any, inputs: dict[str, Any]) -> list[Any]:
        """Return the tensors that the expression gives with a package and its tensors."""
        scope = {"torch": torch, "np": np, **inputs}
        if "\n" in self.expression:
            exec(self.expression, scope)
            result = scope["out"]
        else:
            result = eval(self.expression, scope)
        return list(result) if isinstance(result, (tuple, list)) else [result]

    def output_gradients(self, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
        """Return a gradient, float64, for each result."""
        generator = np.random.default_rng(zlib.crc32(self.name.encode()))
        return [generator.standard_normal(shape) for shape in shapes]


def draw(kind: str, generator: np.random.Generator) -> np.ndarray:
    """Return random numbers of a kind: ``normal 3 4`` is a normal float64 array of shape (3, 4)."""
    name, *sizes = kind.split()
    shape = tuple([int(size) for size in sizes])
    x = generator.standard_normal(shape)
    if name == "whole":
        return generator.integers(-5, 6, shape)
    if name == "mask":
        return x > 0
    if name == "distinct":  # far enough apart for finite differences to leave the order
        return (generator.permutation(x.size).reshape(shape) - x.size / 2 + 0.4) * 0.37
    return np.asarray({
        "normal": x,
        "positive": abs(x) + 0.2,
        "unit": 0.9 * np.tanh(x),
        "beyond": 1.1 + abs(x),
        "ties": np.round(x),
        "holes": np.where(generator.random(shape) < 0.3, 0.0, x),
        "zeros": np.zeros(shape),
        "infinite": np.where(generator.random(shape) < 0.3, -np.inf, x),
    }[name])  # fmt: skip


SHAPES = ("", " 3", " 3 4", " 2 1 3", " 0", " 2 0 3")


def _unary() -> list[Row]:
    closed = {
        "neg": "-a", "exp": "np.exp(a)", "expm1": "np.expm1(a)", "exp2": "2**a",
        "square": "a**2", "sin": "np.sin(a)", "cos": "np.cos(a)", "tanh": "np.tanh(a)",
        "sinh": "np.sinh(a)", "cosh": "np.cosh(a)", "atan": "np.arctan(a)",
        "asinh": "np.arcsinh(a)", "sigmoid": "1 / (1 + np.exp(-a))", "relu": "np.maximum(a, 0)",
        "abs": "np.abs(a)", "sign": "np.sign(a)", "floor": "np.floor(a)", "ceil": "np.ceil(a)",
        "trunc": "np.trunc(a)", "round": "np.round(a)", "erf": None, "clone": "a",
        "isnan": "np.isnan(a)", "isfinite": "np.isfinite(a)", "nan_to_num": "a",
        "frac": "np.modf(a)[0]", "positive": "a",
    }  # fmt: skip
    rows = [
        Row(f"torch.{f}(a)", (f"normal{s}",), form) for f, form in closed.items() for s in SHAPES
    ]
    narrow = {
        "positive": {"log": "np.log(a)", "log2": "np.log2(a)", "log10": "np.log10(a)",
                     "log1p": "np.log1p(a)", "sqrt": "np.sqrt(a)", "rsqrt": "1 / np.sqrt(a)",
                     "reciprocal": "1 / a"},
        "unit": {"tan": "np.tan(a)", "asin": "np.arcsin(a)", "acos": "np.arccos(a)",
                 "atanh": "np.arctanh(a)"},
        "beyond": {"acosh": "np.arccosh(a)"},
    }  # fmt: skip
    for kind, functions in narrow.items():
        for f, form in functions.items():
            rows += [Row(f"a.{f}()", (f"{kind}{s}",), form) for s in SHAPES[:4]]
    kinks = ["abs", "sign", "relu", "sqrt", "rsqrt", "log", "reciprocal", "floor", "round", "exp",
             "tanh", "sigmoid", "erf", "square"]  # fmt: skip
    rows += [
        Row(f"a.{f}()", (f"{kind} 3 4",), smooth=False)
        for f in kinks
        for kind in ("zeros", "ties", "infinite")
    ]
    rows += [Row(f"a.{f}()", ("whole 3 4",)) for f in [*kinks, "sin", "neg", "isnan"]]
    return rows  # fmt: skip


BROADCASTS = (("", ""), (" 3", " 3"), (" 2 3", " 3"), (" 2 1", " 1 3"), ("", " 3"), (" 0 3", " 3"))


def _binary() -> list[Row]:
    rows = []
    for expression, form in (
        ("a + b", "a + b"), ("a - b", "a - b"), ("a * b", "a * b"),
        ("torch.add(a, b, alpha=2)", "a + 2 * b"), ("torch.sub(a, b, alpha=0.5)", "a - b / 2"),
        ("torch.maximum(a, b)", "np.maximum(a, b)"), ("torch.minimum(a, b)", "np.minimum(a, b)"),
        ("torch.where(a > b, a, b)", "np.maximum(a, b)"), ("a == b", "a == b"), ("a < b", "a < b"),
        ("torch.atan2(a, b)", "np.arctan2(a, b)"), ("torch.hypot(a, b)", "np.hypot(a, b)"),
        ("torch.logaddexp(a, b)", "np.logaddexp(a, b)"), ("torch.lerp(a, b, 0.3)", "0.7*a + 0.3*b"),
        ("a.masked_fill(b > 0, 2)", None), ("a.clamp(min=b)", "np.maximum(a, b)"),
        ("a.clamp(b, b + 1)", "np.clip(a, b, b + 1)"), ("a.addcmul(b, b, value=3)", "a + 3*b*b"),
        ("a.addcdiv(b, b.exp(), value=-2)", "a - 2 * b / np.exp(b)"),
    ):  # fmt: skip
        rows += [Row(expression, (f"normal{s}", f"normal{t}"), form) for s, t in BROADCASTS]
    for expression, form in (
        ("a / b", "a / b"), ("a // b", "a // b"), ("a % b", "a % b"), ("torch.fmod(a, b)", None),
        ("torch.div(a, b, rounding_mode='trunc')", "np.trunc(a / b)"),
    ):  # fmt: skip
        rows += [Row(expression, (f"normal{s}", f"positive{t}"), form) for s, t in BROADCASTS]
    rows += [Row("a ** b", (f"positive{s}", f"normal{t}"), "a ** b") for s, t in BROADCASTS]
    rows += [
        Row(f"a ** {p}", (f"{kind} 3 4",), f"a ** {p}" if kind == "positive" else None,
            smooth=kind == "positive")
        for p in ("0", "1", "2", "3", "0.5", "-1", "-0.5", "2.5", "0.0", "-2")
        for kind in ("positive", "ties")
    ]  # fmt: skip
    rows += [
        Row(e, ("ties 3 4", "ties 3 4"), smooth=False)
        for e in ("torch.maximum(a, b)", "torch.minimum(a, b)", "a ** b", "a / b", "a % b",
                  "a.clamp(b, b + 1)", "a.clamp(-1, 1)", "a.clamp(max=b)", "torch.hypot(a, b)")
    ]  # fmt: skip
    rows += [Row(e, ("normal 3",)) for e in (
        "2 + a", "2 - a", "3 * a", "2 / a", "2.5 ** a", "a + True", "a - 1", "a / 4", "-a * 2.5",
        "torch.rsub(a, 2)", "torch.rsub(a, a.sin(), alpha=3)",
        "7 // a.detach()", "7 % a.detach()", "torch.pow(2, a)", "torch.sub(1, a)",
        "a.clamp(-0.5, 0.5)",
        "a.clamp_min(0)", "a.clamp_max(0.1)", "torch.where(a > 0, a, 0)",
        "torch.where(a > 0, 1.0, a)",
    )]  # fmt: skip
    return rows


def _reductions() -> list[Row]:
    rows = []
    for f in ("sum", "mean", "amax", "amin", "var", "std", "logsumexp", "prod"):
        for dims in ("0", "-1", "(0, 1)", "1, keepdim=True", "dim=(0, -1), keepdim=True", ""):
            if (f == "logsumexp" and not dims) or (f == "prod" and "(" in dims):
                continue
            axis = f"axis={dims.removeprefix('dim=').replace('keepdim', 'keepdims') or None}"
            form = {"var": f"a.var({axis}, ddof=1)", "std": f"a.std({axis}, ddof=1)",
                    "logsumexp": f"np.log(np.exp(a).sum({axis}))", "amax": f"a.max({axis})",
                    "amin": f"a.min({axis})"}.get(f, f"a.{f}({axis})")  # fmt: skip
            rows.append(Row(f"a.{f}({dims})", ("distinct 2 3 4",), form))
    rows += [
        Row(f"a.{f}(0)", ("ties 4 3",), smooth=False)
        for f in ("amax", "amin", "max", "min", "argmax", "argmin", "std", "cumsum", "median")
    ]
    rows += [
        Row(f"a.{f}()", ("ties 4 3",), smooth=False)
        for f in ("amax", "amin", "max", "min", "argmax", "argmin", "all", "any", "median")
    ]
    rows += [
        Row(f"a.{f}", (f"normal{s}",), smooth=False)
        for f in ("sum()", "mean()", "prod()", "sum(0)", "any()", "all(-1)", "cumsum(0)")
        for s in ("", " 0", " 2 0 3")
    ]
    rows += [
        Row(f"a.var({o})", ("normal 3 4",))
        for o in (
            "correction=0",
            "correction=2",
            "unbiased=False",
            "0, False",
            "False",
            "0, True, True",
            "(0, 1), correction=3, keepdim=True",
            "correction=1.5",
        )
    ]
    for p in (
        "",
        "1",
        "2",
        "3",
        "2.5",
        "1.5",
        "-1",
        "torch.inf",
        "-torch.inf",
        "2, 0",
        "1, -1",
        "'fro', (0, 1)",
        "3, 0, True",
        "p=4, dim=1",
    ):
        p = p.replace("torch.inf", "float('inf')")
        rows.append(Row(f"a.norm({p})", ("distinct 3 4",)))
        rows.append(Row(f"a.norm({p})", ("holes 3 4",), smooth=False))
        rows.append(Row(f"a.norm({p})", ("zeros 3 4",), smooth=False))
    rows += [Row(f"a.norm({p})", ("normal 3 4",), smooth=False) for p in ("0", "0.5", "0, 1")]
    rows += [Row("a.norm('nuc')", (f"normal {size}",)) for size in ("3 4", "4 3", "3 3", "0 3")]
    rows.append(Row("a.norm('nuc', (2, 0), True)", ("normal 3 2 4",)))
    rows += [
        Row(f"a.{f}(-1)", (f"{kind} 3 4",), smooth=kind == "normal")
        for f in ("prod", "cumprod", "softmax", "log_softmax", "cumsum", "logsumexp")
        for kind in ("normal", "holes", "zeros")
    ]
    rows += [
        Row("a.logsumexp(1)", ("infinite 3 4",), smooth=False),
        Row("a.softmax(0)", ("normal",)),
        Row("a.log_softmax(0)", ("normal 2 3",)),
        Row("a.max(1)", ("distinct 3 4",)),
        Row("a.min(dim=0, keepdim=True)", ("distinct 3 4",)),
        Row("a.max(b)", ("normal 3", "normal 3")),
        Row("a.median()", ("distinct 3 4",)),
        Row("a.median(1)", ("distinct 3 4",)),
        Row("a.nansum()", ("normal 3",)),
        Row("a.nanmean(0)", ("normal 3 4",)),
        Row("torch.std_mean(a, 1)", ("normal 3 4",)),
        Row("torch.var_mean(a, dim=0, correction=0)", ("normal 3 4",)),
        Row("a.sort(0)", ("distinct 3 4",)),
        Row("a.sort(-1, descending=True)", ("distinct 3 4",)),
        Row("a.argsort(1)", ("distinct 3 4",)),
        Row("a.topk(2, 1)", ("distinct 3 4",)),
        Row("a.topk(2, 0, largest=False)", ("distinct 3 4",)),
        Row("a.diff()", ("normal 3 4",)),
        Row("a.unique(return_inverse=True, return_counts=True)", ("whole 3 4",)),
        Row("a.count_nonzero(1)", ("whole 3 4",)),
        Row("a.sum(dtype=torch.float32)", ("normal 3",), smooth=False),
        Row("a.mean(0, dtype=torch.float64)", ("normal 3 2",)),
    ]
    rows += [
        Row(f"a.{f}", (kind + " 3 4",))
        for kind in ("whole", "mask")
        for f in ("sum()", "sum(1)", "prod(0)", "cumsum(1)", "any(0)", "all()", "amax(1)")
    ]
    return rows  # fmt: skip


def _shapes() -> list[Row]:
    rows = [Row(e, ("normal 2 3 4",)) for e in (
        "a.reshape(4, 6)", "a.reshape(-1)", "a.reshape((2, -1))", "a.view(6, 4)", "a.flatten()",
        "a.flatten(1)", "a.flatten(0, 1)", "a.ravel()", "a.unflatten(2, (2, -1))",
        "a.T.reshape(6, 4)",
        "a.permute(2, 0, 1)", "a.transpose(0, -1)", "a.mT", "a.movedim(0, -1)",
        "a.movedim((0, 1), (2, 0))", "a.unsqueeze(1)", "a.unsqueeze(-1).squeeze()",
        "a.expand(5, 2, 3, 4)", "a.repeat(2, 1, 3)", "a.repeat(2, 1, 1, 2)", "a.tile((2,))",
        "a.flip(0, 2)", "a.roll(1)", "a.roll((1, -2), (0, 2))", "a.tril()", "a.triu(1)",
        "a.tril(-1)", "a.diagonal()", "a.diagonal(1, 1, 2)", "a.diagonal(-1, 2, 0)",
        "a.split(2, 2)", "a.split([1, 2], 1)", "a.chunk(3, 2)", "a.unbind(1)", "a.narrow(2, 1, 2)",
        "a.select(1, -1)", "a.repeat_interleave(2)",
        "a.repeat_interleave(torch.tensor([1, 0, 2]), 1)",
        "a.sum_to_size(3, 1)", "torch.cat([a, a], 1)", "torch.stack([a, a], -1)", "a.contiguous()",
        "torch.hstack([a, a])", "torch.broadcast_to(a, (2, 2, 3, 4))", "a[0].diag_embed(1)",
        "a[0, 0].diag()", "a[0].diag(1)", "a[0].trace()", "a.swapaxes(0, 1)", "a.clone().T",
    )]  # fmt: skip
    rows += [
        Row(e, ("normal 1 3 1",))
        for e in (
            "a.squeeze()",
            "a.squeeze(0)",
            "a.squeeze((0, 2))",
            "a.expand(4, -1, 2)",
            "a.expand_as(a)",
        )
    ]
    rows += [
        Row(e, ("normal",))
        for e in (
            "a.reshape(1, 1)",
            "a.flatten()",
            "a.expand(3)",
            "a.repeat(3)",
            "a.unsqueeze(0)",
            "a.T",
        )
    ]
    rows += [
        Row("torch.cat([a, b, c], 0)", ("normal 2 3", "normal 1 3", "normal 0 3")),
        Row("torch.cat([a, b])", ("normal 2 3", "normal 0")),
        Row("torch.cat([a, b], 1)", ("normal 2 3", "whole 2 2")),
        Row("torch.stack([a, b])", ("normal 2", "normal 2"), "np.stack([a, b])"),
        Row("torch.vstack([a, b])", ("normal 2", "normal 3 2")),
        Row("torch.meshgrid(a, b, indexing='xy')", ("normal 2", "normal 3")),
        Row("torch.meshgrid(a, b, indexing='ij')", ("normal 2", "normal 3")),
        Row("torch.broadcast_tensors(a, b)", ("normal 2 1", "normal 3")),
    ]
    return rows


INDICES = (
    "0", "-1", "1:", ":, 1", "..., 0", "None, 0", "0, ..., -1", ":, ::2", "1, 1:, None", "[0, 2]",
    "[0, 0, 1]", ":, [2, 0]", "[0, 2], [1, 1]", "0, :, [1, 0]", "[1, 0], :, 0", "[0], :, [1]",
    ":, [0, 1], [1, 0]", "[[0], [1]], [0, 1]", "a > 0", "a[..., 0] > 0", ":, a[0, :, 0] > 0",
    "torch.tensor([2, 0])", "torch.tensor(1)", "torch.tensor([[0, 1], [1, 1]])", "True", "[]",
    "torch.tensor([True, False, True])", "torch.tensor([-1]), 0", "..., torch.tensor([0, 1])",
    "1, 2, 3", "1:1", "..., None, [0, 1]",
)  # fmt: skip


def _indexing() -> list[Row]:
    rows = [Row(f"a[{i}]", ("normal 3 3 4",)) for i in INDICES]
    for i in INDICES:
        rows.append(Row(f"y = a * 1\ny[{i}] = 2\nout = y", ("normal 3 3 4",)))
        if i not in ("[0, 0, 1]", "torch.tensor([[0, 1], [1, 1]])"):  # elements written twice
            rows.append(Row(f"y = a * 1\ny[{i}] = b\nout = y", ("normal 3 3 4", "normal")))
            rows.append(Row(f"y = a * 1\ny[{i}] = a[{i}] * b\nout = y", ("normal 3 3 4", "normal")))
    i = "torch.tensor([[0, 2, 1], [1, 1, 0]])"
    rows += [Row(e, ("normal 3 4", "normal 3 4")) for e in (
        f"a.gather(0, {i})", f"a.gather(1, {i})", f"a.scatter_add(0, {i}, b[:2, :3])",
        f"a.scatter_add(1, {i}, b[:2, :3])", f"a.scatter(0, {i}, 2.5)",
        f"a.scatter(1, {i}, value=1)",
        "a.scatter(1, torch.tensor([[0, 2], [3, 1]]), b[:2, :2])",
        "a.index_select(1, torch.tensor([3, 0, 3]))",
        "a.index_select(0, torch.tensor([2, 2]))", "a.masked_select(a > 0)", "a.nonzero()",
        "a.index_add(0, torch.tensor([0, 0, 2]), b)",
        "a.index_add(1, torch.tensor([1]), b[:, :1], alpha=2)",
        "a.index_copy(0, torch.tensor([2, 0]), b[:2])", "a.index_fill(1, torch.tensor([0, -1]), 5)",
        "a.take(torch.tensor([[0, 5], [11, 0]]))", "a.take_along_dim(a.argsort(1), 1)",
        "a.index_put((torch.tensor([0, 2]), torch.tensor([1, 1])), b[0, :2])",
        "a.index_put((torch.tensor([0, 0]),), b[:2], accumulate=True)", "a.argwhere()",
        "torch.where(a > b, a, 0.5)", "a.where(a > 0, b)", "a.masked_fill(a > 0, b.sum())",
    )]  # fmt: skip
    for dim, both in ((0, True), (1, False)):
        for how in ("sum", "prod", "mean", "amax", "amin"):
            expression = f"a.scatter_reduce({dim}, {i}, b[:2, :3], '{how}', include_self={both})"
            rows.append(Row(expression, ("normal 3 4", "normal 3 4")))
            if how == "prod":
                rows.append(Row(expression, ("normal 3 4", "holes 3 4"), smooth=False))
    return rows


def _products() -> list[Row]:
    sizes = (
        ("3", "3"), ("3 4", "4"), ("3", "3 4"), ("3 4", "4 2"), ("2 3 4", "4 5"), ("2 3 4",
        "2 4 5"),
        ("5 1 3 4", "2 4 5"), ("3 4", "2 4 5"), ("4", "2 4 5"), ("2 3 4", "4"), ("0 4", "4 2"),
        ("3 0", "0 2"), ("2 0 4", "2 4 3"), ("1", "1"),
    )  # fmt: skip
    rows = [Row("a @ b", (f"normal {s}", f"normal {t}"), "np.matmul(a, b)") for s, t in sizes]
    rows += [
        Row("torch.mm(a, b)", ("normal 2 3", "normal 3 2"), "a @ b"),
        Row("torch.bmm(a, b)", ("normal 2 2 3", "normal 2 3 2"), "a @ b"),
        Row("torch.mv(a, b)", ("normal 2 3", "normal 3"), "a @ b"),
        Row("torch.dot(a, b)", ("normal 3", "normal 3"), "a @ b"),
        Row("torch.outer(a, b)", ("normal 3", "normal 2"), "np.outer(a, b)"),
        Row("torch.inner(a, b)", ("normal 2 3", "normal 4 3"), "np.inner(a, b)"),
        Row("torch.baddbmm(a, b, b.mT, alpha=2)", ("normal 2 2 2", "normal 2 2 3")),
        Row("torch.addmv(a, b, c, beta=2)", ("normal 2", "normal 2 3", "normal 3")),
        Row("a @ b", ("whole 2 3", "whole 3 2"), "a @ b"),
    ]
    rows += [Row(f"torch.addmm(a, b, c{o})", (f"normal{s}", "normal 3 4", "normal 4 2"))
             for o in ("", ", beta=0", ", alpha=2", ", beta=0.5, alpha=-1")
             for s in (" 3 2", " 2", "")]  # fmt: skip
    for equation, s, t in (
        ("ij,jk->ik", "3 4", "4 2"), ("ij,jk", "3 4", "4 2"), ("bij,bjk->bik", "2 3 4", "2 4 5"),
        ("...ij,...jk->...ik", "5 1 3 4", "2 4 5"), ("i,j->ij", "3", "4"), ("i,i", "3", "3"),
        ("ii,i->i", "3 3", "3"), ("ij,jk->ik", "3 1", "4 2"), ("ij,j->", "3 4", "4"),
        ("iij,j->i", "2 2 3", "3"), ("i...,...i->...", "3 4", "4 3"), ("ij,ij->ij", "3 1", "1 4"),
        ("ij,k->ijk", "3 4", "2"), ("ba,cb->ac", "3 4", "2 3"), ("ij,ik->jk", "1 3", "4 2"),
        ("i,i->", "0", "0"), ("ii,ii->", "3 3", "1 1"),
    ):  # fmt: skip
        rows.append(Row(f"torch.einsum('{equation}', a, b)", (f"normal {s}", f"normal {t}")))
    rows += [
        Row(f"torch.einsum('{e}', a)", (f"normal {s}",))
        for e, s in (
            ("ij->ji", "3 4"),
            ("ii->i", "3 3"),
            ("ii", "3 3"),
            ("...ii->...i", "2 3 3"),
            ("iji->j", "2 3 2"),
            ("iiii->i", "2 2 2 2"),
            ("ij->", "3 4"),
            ("i...->...", "3 4"),
        )
    ]
    rows.append(
        Row("torch.einsum('bi,ij,bj->b', a, b, c)", ("normal 4 2", "normal 2 3", "normal 4 3"))
    )
    return rows  # fmt: skip


def _in_place() -> list[Row]:
    writes = (
        "y.add_(b)", "y.sub_(b, alpha=3)", "y.mul_(b)", "y.div_(b.exp())", "y.pow_(3)", "y.exp_()",
        "y.neg_()", "y.tanh_()", "y.clamp_(-0.5, 0.5)", "y.zero_()", "y.fill_(b[0, 0])",
        "y.copy_(b[0])", "y.masked_fill_(b > 0, 2)", "y.lerp_(b, 0.3)", "y.addcmul_(b, b, value=2)",
        "y.addcdiv_(b, b.exp())", "y += b", "y *= 2.5", "y **= 2", "y[0] = b[1]", "y[0].mul_(b[0])",
        "y[1:][0].zero_()", "y.T.mul_(b.T)", "y.view(-1)[2:5].fill_(7)", "y[:, 0] += b[:, 1]",
        "y.diagonal().add_(b.diagonal())", "y.unsqueeze(0)[0].add_(b)", "y[1:] = y[:-1].clone()",
        "y.index_add_(0, torch.tensor([0, 0]), b[:2])", "y.transpose(0, 1)[0].exp_()",
        "y.detach().mul_(2)", "y[y > 0] = 0", "y.narrow(1, 0, 2).mul_(3)", "y.expand(3, 4).add_(1)",
    )  # fmt: skip
    watched = ("y", "(v, y * y)", "(before, w, v.sin())")
    return [
        Row(f"y = a * 1\nbefore = y + 1\nv = y[1:]\nw = v[0]\n{write}\nout = {seen}",
            ("normal 3 4", "normal 3 4"), smooth="detach" not in write)
        for write in writes
        for seen in watched
    ] + [
        Row("y = a * 1\nv = y.expand(2, 3, 4)\ny.mul_(b)\nout = (v, y)", ("normal 3 4",
        "normal 3 4")),
        Row("y = torch.zeros_like(a)\nfor i in range(3):\n    y[i] = a[i] * b[i]\nout = y",
            ("normal 3 4", "normal 3 4")),
        Row("out = torch.zeros_like(a[0])\nfor row in a:\n    out += row * row",
            ("normal 3 4",)),
        Row("y = a * 1\nu = y.T.reshape(2, 6)\ny.mul_(b)\nout = u", ("normal 3 4", "normal 3 4")),
    ]  # fmt: skip


def _positions() -> list[Row]:
    """Positions of numbers, and positions that are named twice."""
    rows = [Row(f"a.{e}", ("normal 5 3", "normal"), smooth=False) for e in (
        "index_fill(0, torch.tensor([1, 1, 0, 4]), b)", "index_fill(1, torch.tensor(2), b)",
        "index_fill(-1, torch.tensor([], dtype=torch.int64), b)",
    )]  # fmt: skip
    rows += [Row(f"a.{e}", ("normal", "normal"), smooth=False) for e in (
        "index_fill(0, torch.tensor([0, 0]), b)", "index_copy(0, torch.tensor([0]), b)",
        "index_copy(0, torch.tensor(0), b[None])", "index_add(0, torch.tensor([0]), b, alpha=2)",
    )]  # fmt: skip
    rows += [Row(f"a.{e}", ("normal 3", "normal"), smooth=False) for e in (
        "index_copy(0, torch.tensor(1), b)", "index_copy(0, torch.tensor([2]), b)",
    )]  # fmt: skip
    rows += [Row("a.repeat(()) + a.tile(())", ("normal",))]
    rows += [Row("torch.max(a, b)", ("whole 3", "whole")), Row("a.min(b)", ("whole", "whole"))]
    return [*rows, Row("torch.linspace(torch.tensor(0.5), 2, 7) * a", ("normal",), smooth=False)]


def _images() -> list[Row]:
    functions = (
        "interpolate(a, (7, 2))", "interpolate(a, scale_factor=0.6, mode='nearest-exact')",
        "interpolate(a, (2, 9), mode='bilinear')", "interpolate(a, 6, mode='bicubic')",
        "interpolate(a, 2, mode='area')", "pad(a, (2, 1, -1, 3), mode='reflect')",
        "pad(a, (5, 1, 0, 2), mode='circular')", "fold(a.reshape(1, 4, 10), (3, 6), 2)",
        "adaptive_max_pool2d(a, (3, 4))", "adaptive_avg_pool2d(a, (3, 4))",
        "lp_pool2d(a.abs() + 1, 3, 2)", "instance_norm(a)", "rms_norm(a, (5,), eps=0.1)",
        "local_response_norm(a, 2, 0.5)", "pixel_shuffle(a.reshape(1, 4, 2, 5), 2)",
        "channel_shuffle(a, 2)", "max_pool1d(a[0], 2)", "avg_pool1d(a[0], 2, padding=1)",
        "max_unpool2d(*torch.nn.functional.max_pool2d_with_indices(a[..., :4], 2), 2)",
        "conv_transpose1d(a[0], a[0, 0].reshape(4, 1, 5), stride=2)",
    )  # fmt: skip
    rows = [Row(f"torch.nn.functional.{function}", ("distinct 1 2 4 5",)) for function in functions]
    return rows + [
        Row("f = torch.nn.functional\ngrid = f.affine_grid(b, (1, 2, 3, 4), align_corners="
            f"{corners})\nout = f.grid_sample(a, grid, '{mode}', '{padding}', {corners})",
            ("distinct 1 2 4 5", "normal 1 2 3"), smooth=mode != "nearest")
        for mode, padding, corners in (
            ("bilinear", "zeros", False), ("bilinear", "border", True),
            ("bilinear", "reflection", False), ("nearest", "reflection", True),
            ("bicubic", "zeros", True), ("bicubic", "reflection", False),
        )
    ]  # fmt: skip


SECTIONS = {
    "unary": _unary(), "binary": _binary(), "reductions": _reductions(), "shapes": _shapes(),
    "indexing": _indexing(), "products": _products(), "in_place": _in_place(),
    "positions": _positions(),
    "images": _images(),
    "linalg": [Row(*program) for program in table_linalg.programs()],
    **{section: [Row(*given) for given in rows] for section, rows in TENSORS.items()},
}  # fmt: skip
ROWS = [row for section in SECTIONS.values() for row in section]
