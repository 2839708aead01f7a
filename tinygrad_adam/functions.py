"""The methods of ``Tensor`` that PyTorch offers as functions too: ``exp(x)`` is ``x.exp()``.

The first argument is called ``input``, as there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from tinygrad_adam.autograd.errors import NO_TENSOR
from tinygrad_adam.tensor import Tensor, where

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
add = _as_function(Tensor.add)
addmm = _as_function(Tensor.addmm)
all = _as_function(Tensor.all)
allclose = _as_function(Tensor.allclose)
amax = _as_function(Tensor.amax)
amin = _as_function(Tensor.amin)
any = _as_function(Tensor.any)
argmax = _as_function(Tensor.argmax)
argmin = _as_function(Tensor.argmin)
bmm = _as_function(Tensor.bmm)
broadcast_to = _as_function(Tensor.broadcast_to)
ceil = _as_function(Tensor.ceil)
chunk = _as_function(Tensor.chunk)
clamp = _as_function(Tensor.clamp)
clip = _as_function(Tensor.clip)
clone = _as_function(Tensor.clone)
cos = _as_function(Tensor.cos)
count_nonzero = _as_function(Tensor.count_nonzero)
cumsum = _as_function(Tensor.cumsum)
detach = _as_function(Tensor.detach)
diagonal = _as_function(Tensor.diagonal)
div = _as_function(Tensor.div)
divide = _as_function(Tensor.divide)
dot = _as_function(Tensor.dot)
eq = _as_function(Tensor.eq)
equal = _as_function(Tensor.equal)
erf = _as_function(Tensor.erf)
exp = _as_function(Tensor.exp)
expm1 = _as_function(Tensor.expm1)
flatten = _as_function(Tensor.flatten)
flip = _as_function(Tensor.flip)
floor = _as_function(Tensor.floor)
floor_divide = _as_function(Tensor.floor_divide)
gather = _as_function(Tensor.gather)
ge = _as_function(Tensor.ge)
gt = _as_function(Tensor.gt)
index_select = _as_function(Tensor.index_select)
isfinite = _as_function(Tensor.isfinite)
isinf = _as_function(Tensor.isinf)
isnan = _as_function(Tensor.isnan)
le = _as_function(Tensor.le)
log = _as_function(Tensor.log)
log10 = _as_function(Tensor.log10)
log1p = _as_function(Tensor.log1p)
log2 = _as_function(Tensor.log2)
log_softmax = _as_function(Tensor.log_softmax)
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
min = _as_function(Tensor.min)
minimum = _as_function(Tensor.minimum)
mm = _as_function(Tensor.mm)
movedim = _as_function(Tensor.movedim)
mul = _as_function(Tensor.mul)
multiply = _as_function(Tensor.multiply)
mv = _as_function(Tensor.mv)
narrow = _as_function(Tensor.narrow)
ne = _as_function(Tensor.ne)
neg = _as_function(Tensor.neg)
negative = _as_function(Tensor.negative)
nonzero = _as_function(Tensor.nonzero)
norm = _as_function(Tensor.norm)
numel = _as_function(Tensor.numel)
outer = _as_function(Tensor.outer)
permute = _as_function(Tensor.permute)
pow = _as_function(Tensor.pow)
prod = _as_function(Tensor.prod)
reciprocal = _as_function(Tensor.reciprocal)
relu = _as_function(Tensor.relu)
remainder = _as_function(Tensor.remainder)
reshape = _as_function(Tensor.reshape)
roll = _as_function(Tensor.roll)
round = _as_function(Tensor.round)
rsqrt = _as_function(Tensor.rsqrt)
scatter = _as_function(Tensor.scatter)
scatter_add = _as_function(Tensor.scatter_add)
select = _as_function(Tensor.select)
sigmoid = _as_function(Tensor.sigmoid)
sign = _as_function(Tensor.sign)
sin = _as_function(Tensor.sin)
softmax = _as_function(Tensor.softmax)
split = _as_function(Tensor.split)
sqrt = _as_function(Tensor.sqrt)
square = _as_function(Tensor.square)
squeeze = _as_function(Tensor.squeeze)
std = _as_function(Tensor.std)
sub = _as_function(Tensor.sub)
subtract = _as_function(Tensor.subtract)
sum = _as_function(Tensor.sum)
swapaxes = _as_function(Tensor.swapaxes)
swapdims = _as_function(Tensor.swapdims)
t = _as_function(Tensor.t)
tanh = _as_function(Tensor.tanh)
transpose = _as_function(Tensor.transpose)
tril = _as_function(Tensor.tril)
triu = _as_function(Tensor.triu)
true_divide = _as_function(Tensor.true_divide)
trunc = _as_function(Tensor.trunc)
unbind = _as_function(Tensor.unbind)
unflatten = _as_function(Tensor.unflatten)
unsqueeze = _as_function(Tensor.unsqueeze)
var = _as_function(Tensor.var)

__all__ = [
    "abs",
    "absolute",
    "add",
    "addmm",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "bmm",
    "broadcast_to",
    "ceil",
    "chunk",
    "clamp",
    "clip",
    "clone",
    "cos",
    "count_nonzero",
    "cumsum",
    "detach",
    "diagonal",
    "div",
    "divide",
    "dot",
    "eq",
    "equal",
    "erf",
    "exp",
    "expm1",
    "flatten",
    "flip",
    "floor",
    "floor_divide",
    "gather",
    "ge",
    "gt",
    "index_select",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
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
    "min",
    "minimum",
    "mm",
    "movedim",
    "mul",
    "multiply",
    "mv",
    "narrow",
    "ne",
    "neg",
    "negative",
    "nonzero",
    "norm",
    "numel",
    "outer",
    "permute",
    "pow",
    "prod",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "scatter",
    "scatter_add",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "std",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "tanh",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "unbind",
    "unflatten",
    "unsqueeze",
    "var",
    "where",
]
