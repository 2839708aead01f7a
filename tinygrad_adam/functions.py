"""The methods of ``Tensor`` that PyTorch offers as functions too: ``exp(x)`` is ``x.exp()``.

The first argument is called ``input``, as there.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from tinygrad_adam.autograd.errors import NO_TENSOR
from tinygrad_adam.ops.elementwise import where
from tinygrad_adam.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def _as_function(
    method: Callable[Concatenate[Tensor, P], R],
) -> Callable[Concatenate[Tensor, P], R]:
    """Return a method of Tensor as a function that checks its first argument."""

    @functools.wraps(method)
    def function(input: Tensor, *args: P.args, **options: P.kwargs) -> R:
        if not isinstance(input, Tensor):
            raise TypeError(NO_TENSOR.format(method.__name__, type(input).__name__))
        return method(input, *args, **options)

    return function


abs = _as_function(Tensor.abs)
absolute = _as_function(Tensor.absolute)
acos = _as_function(Tensor.acos)
acosh = _as_function(Tensor.acosh)
addcdiv = _as_function(Tensor.addcdiv)
addcmul = _as_function(Tensor.addcmul)
addmm = _as_function(Tensor.addmm)
addmv = _as_function(Tensor.addmv)
all = _as_function(Tensor.all)
allclose = _as_function(Tensor.allclose)
amax = _as_function(Tensor.amax)
amin = _as_function(Tensor.amin)
any = _as_function(Tensor.any)
argmax = _as_function(Tensor.argmax)
argmin = _as_function(Tensor.argmin)
argsort = _as_function(Tensor.argsort)
argwhere = _as_function(Tensor.argwhere)
asin = _as_function(Tensor.asin)
asinh = _as_function(Tensor.asinh)
atan = _as_function(Tensor.atan)
atan2 = _as_function(Tensor.atan2)
atanh = _as_function(Tensor.atanh)
baddbmm = _as_function(Tensor.baddbmm)
bitwise_and = _as_function(Tensor.bitwise_and)
bitwise_not = _as_function(Tensor.bitwise_not)
bitwise_or = _as_function(Tensor.bitwise_or)
bitwise_xor = _as_function(Tensor.bitwise_xor)
bmm = _as_function(Tensor.bmm)
broadcast_to = _as_function(Tensor.broadcast_to)
ceil = _as_function(Tensor.ceil)
chunk = _as_function(Tensor.chunk)
clamp = _as_function(Tensor.clamp)
clamp_max = _as_function(Tensor.clamp_max)
clamp_min = _as_function(Tensor.clamp_min)
clip = _as_function(Tensor.clip)
clone = _as_function(Tensor.clone)
cos = _as_function(Tensor.cos)
cosh = _as_function(Tensor.cosh)
count_nonzero = _as_function(Tensor.count_nonzero)
cumprod = _as_function(Tensor.cumprod)
cumsum = _as_function(Tensor.cumsum)
detach = _as_function(Tensor.detach)
diag = _as_function(Tensor.diag)
diag_embed = _as_function(Tensor.diag_embed)
diagonal = _as_function(Tensor.diagonal)
diff = _as_function(Tensor.diff)
divide = _as_function(Tensor.divide)
dot = _as_function(Tensor.dot)
eq = _as_function(Tensor.eq)
equal = _as_function(Tensor.equal)
erf = _as_function(Tensor.erf)
exp = _as_function(Tensor.exp)
exp2 = _as_function(Tensor.exp2)
expm1 = _as_function(Tensor.expm1)
flatten = _as_function(Tensor.flatten)
flip = _as_function(Tensor.flip)
floor = _as_function(Tensor.floor)
fmod = _as_function(Tensor.fmod)
frac = _as_function(Tensor.frac)
gather = _as_function(Tensor.gather)
ge = _as_function(Tensor.ge)
gt = _as_function(Tensor.gt)
hypot = _as_function(Tensor.hypot)
index_add = _as_function(Tensor.index_add)
index_copy = _as_function(Tensor.index_copy)
index_fill = _as_function(Tensor.index_fill)
index_put = _as_function(Tensor.index_put)
index_select = _as_function(Tensor.index_select)
inner = _as_function(Tensor.inner)
isclose = _as_function(Tensor.isclose)
isfinite = _as_function(Tensor.isfinite)
isinf = _as_function(Tensor.isinf)
isnan = _as_function(Tensor.isnan)
isneginf = _as_function(Tensor.isneginf)
isposinf = _as_function(Tensor.isposinf)
le = _as_function(Tensor.le)
lerp = _as_function(Tensor.lerp)
log = _as_function(Tensor.log)
log10 = _as_function(Tensor.log10)
log1p = _as_function(Tensor.log1p)
log2 = _as_function(Tensor.log2)
log_softmax = _as_function(Tensor.log_softmax)
logaddexp = _as_function(Tensor.logaddexp)
logical_and = _as_function(Tensor.logical_and)
logical_not = _as_function(Tensor.logical_not)
logical_or = _as_function(Tensor.logical_or)
logical_xor = _as_function(Tensor.logical_xor)
logsumexp = _as_function(Tensor.logsumexp)
lt = _as_function(Tensor.lt)
masked_fill = _as_function(Tensor.masked_fill)
masked_select = _as_function(Tensor.masked_select)
matmul = _as_function(Tensor.matmul)
max = _as_function(Tensor.max)
maximum = _as_function(Tensor.maximum)
mean = _as_function(Tensor.mean)
median = _as_function(Tensor.median)
min = _as_function(Tensor.min)
minimum = _as_function(Tensor.minimum)
mm = _as_function(Tensor.mm)
moveaxis = _as_function(Tensor.moveaxis)
movedim = _as_function(Tensor.movedim)
multiply = _as_function(Tensor.multiply)
mv = _as_function(Tensor.mv)
nan_to_num = _as_function(Tensor.nan_to_num)
nanmean = _as_function(Tensor.nanmean)
nansum = _as_function(Tensor.nansum)
narrow = _as_function(Tensor.narrow)
ne = _as_function(Tensor.ne)
neg = _as_function(Tensor.neg)
negative = _as_function(Tensor.negative)
nonzero = _as_function(Tensor.nonzero)
norm = _as_function(Tensor.norm)
numel = _as_function(Tensor.numel)
outer = _as_function(Tensor.outer)
permute = _as_function(Tensor.permute)
positive = _as_function(Tensor.positive)
prod = _as_function(Tensor.prod)
ravel = _as_function(Tensor.ravel)
reciprocal = _as_function(Tensor.reciprocal)
relu = _as_function(Tensor.relu)
repeat_interleave = _as_function(Tensor.repeat_interleave)
reshape = _as_function(Tensor.reshape)
roll = _as_function(Tensor.roll)
round = _as_function(Tensor.round)
rsqrt = _as_function(Tensor.rsqrt)
scatter = _as_function(Tensor.scatter)
scatter_add = _as_function(Tensor.scatter_add)
scatter_reduce = _as_function(Tensor.scatter_reduce)
select = _as_function(Tensor.select)
sigmoid = _as_function(Tensor.sigmoid)
sign = _as_function(Tensor.sign)
sin = _as_function(Tensor.sin)
sinh = _as_function(Tensor.sinh)
softmax = _as_function(Tensor.softmax)
sort = _as_function(Tensor.sort)
sqrt = _as_function(Tensor.sqrt)
square = _as_function(Tensor.square)
squeeze = _as_function(Tensor.squeeze)
std = _as_function(Tensor.std)
std_mean = _as_function(Tensor.std_mean)
subtract = _as_function(Tensor.subtract)
sum = _as_function(Tensor.sum)
swapaxes = _as_function(Tensor.swapaxes)
swapdims = _as_function(Tensor.swapdims)
t = _as_function(Tensor.t)
take = _as_function(Tensor.take)
take_along_dim = _as_function(Tensor.take_along_dim)
tan = _as_function(Tensor.tan)
tanh = _as_function(Tensor.tanh)
tile = _as_function(Tensor.tile)
topk = _as_function(Tensor.topk)
trace = _as_function(Tensor.trace)
transpose = _as_function(Tensor.transpose)
tril = _as_function(Tensor.tril)
triu = _as_function(Tensor.triu)
true_divide = _as_function(Tensor.true_divide)
trunc = _as_function(Tensor.trunc)
unbind = _as_function(Tensor.unbind)
unflatten = _as_function(Tensor.unflatten)
unique = _as_function(Tensor.unique)
unsqueeze = _as_function(Tensor.unsqueeze)
var = _as_function(Tensor.var)
var_mean = _as_function(Tensor.var_mean)


def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return input + alpha · other, elementwise; one of them may be a number."""
    if isinstance(input, Tensor):
        return input.add(other, alpha=alpha)
    return _with_a_number("add", operator.add, input, other * alpha)


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return input - alpha · other, elementwise; one of them may be a number."""
    if isinstance(input, Tensor):
        return input.sub(other, alpha=alpha)
    return _with_a_number("sub", operator.sub, input, other * alpha)


def mul(input: Any, other: Any) -> Tensor:
    """Return input · other, elementwise; one of them may be a number."""
    return _with_a_number("mul", operator.mul, input, other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Return input / other, elementwise; see :meth:`Tensor.div`. One of them may be a number."""
    if isinstance(input, Tensor):
        return input.div(other, rounding_mode=rounding_mode)
    return _with_a_number("div", operator.truediv, input, other)


def pow(input: Any, exponent: Any) -> Tensor:
    """Return input ** exponent, elementwise; one of them may be a number."""
    return _with_a_number("pow", operator.pow, input, exponent)


def remainder(input: Any, other: Any) -> Tensor:
    """Return input modulo other, elementwise, with the sign of other; one may be a number."""
    return _with_a_number("remainder", operator.mod, input, other)


def floor_divide(input: Any, other: Any) -> Tensor:
    """Return floor(input / other), elementwise; one of them may be a number."""
    return _with_a_number("floor_divide", operator.floordiv, input, other)


def _with_a_number(name: str, apply: Callable[[Any, Any], Any], a: Any, b: Any) -> Tensor:
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        raise TypeError(NO_TENSOR.format(name, type(a).__name__))
    return apply(a, b)  # type: ignore[no-any-return]


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of slices along ``dim``, each of one size or of the sizes listed."""
    return _as_function(Tensor.split)(tensor, split_size_or_sections, dim)


__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "addcdiv",
    "addcmul",
    "addmm",
    "addmv",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "argwhere",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "baddbmm",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "broadcast_to",
    "ceil",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "cos",
    "cosh",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "detach",
    "diag",
    "diag_embed",
    "diagonal",
    "diff",
    "div",
    "divide",
    "dot",
    "eq",
    "equal",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "flatten",
    "flip",
    "floor",
    "floor_divide",
    "fmod",
    "frac",
    "gather",
    "ge",
    "gt",
    "hypot",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "inner",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "le",
    "lerp",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "lt",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "median",
    "min",
    "minimum",
    "mm",
    "moveaxis",
    "movedim",
    "mul",
    "multiply",
    "mv",
    "nan_to_num",
    "nanmean",
    "nansum",
    "narrow",
    "ne",
    "neg",
    "negative",
    "nonzero",
    "norm",
    "numel",
    "outer",
    "permute",
    "positive",
    "pow",
    "prod",
    "ravel",
    "reciprocal",
    "relu",
    "remainder",
    "repeat_interleave",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "std",
    "std_mean",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take",
    "take_along_dim",
    "tan",
    "tanh",
    "tile",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "unbind",
    "unflatten",
    "unique",
    "unsqueeze",
    "var",
    "var_mean",
    "where",
]
