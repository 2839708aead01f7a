"""The differentiable operations, a file for each subject: class and public function side by side.

The functions take tensors; inside a walk that nobody records, and inside ``forward``, they take
arrays, too. Each is ``torch.name``, and the method ``Tensor.name``. Those that only layers need are
listed in ``nn.functional``. Files that come later in this list may use earlier ones: arguments,
shapes, joining, complex_parts, elementwise, reductions, indexing, ordering, linalg, distances,
systems, decompositions, matrix_functions, former_linalg, activations, resampling, dropout, random,
embedding, padding, shuffling, attention, pooling, unpooling, folding, normalization, convolution,
interpolation, grids, recurrent, losses, likelihood_losses, margin_losses, ctc.
"""

# Packed by subject, twice in the same rows, as a table to be read.
# isort: off
# fmt: off
from tinygrad_adam.ops.shapes import (
    broadcast_to, chunk, clone, detach, diag, diag_embed, diagonal, flatten, flip, moveaxis,
    movedim, narrow, numel, permute, ravel, reshape, roll, split, squeeze, swapaxes, swapdims, t,
    tile, transpose, tril, triu, unbind, unflatten, unsqueeze,
)
from tinygrad_adam.ops.joining import (
    broadcast_tensors, cat, concat, concatenate, hstack, meshgrid, stack, vstack,
)
from tinygrad_adam.ops.complex_parts import (
    complex, conj, imag, is_complex, is_floating_point, is_nonzero, is_signed, real, resolve_conj,
    view_as_complex, view_as_real,
)
from tinygrad_adam.ops.elementwise import (
    add, div, divide, fmod, floor_divide, mul, multiply, neg, negative, positive, pow, remainder,
    rsub, square, sub, subtract, true_divide, addcdiv, addcmul, lerp,
    erf, exp, exp2, expm1, log, log10, log1p, log2, logaddexp, reciprocal, rsqrt, sigmoid, sqrt,
    acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, hypot, sin, sinh, tan, tanh,
    abs, absolute, angle, ceil, clamp, clamp_max, clamp_min, clip, floor, frac, masked_fill,
    maximum, minimum, nan_to_num, polar, round, sgn, sign, trunc, where,
    allclose, eq, equal, ge, gt, isclose, isfinite, isinf, isnan, isneginf, isposinf, le, lt, ne,
    bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor,
    logical_and, logical_not, logical_or, logical_xor,
)
from tinygrad_adam.ops.reductions import (
    all, amax, amin, any, count_nonzero, cumprod, cumsum, diff, logsumexp, mean, nanmean, nansum,
    prod, std, std_mean, sum, var, var_mean,
)
from tinygrad_adam.ops.indexing import (
    argwhere, gather, index_add, index_copy, index_fill, index_put, index_select, masked_select,
    nonzero, repeat_interleave, scatter, scatter_add, scatter_reduce, select, take, take_along_dim,
)
from tinygrad_adam.ops.ordering import (
    argmax, argmin, argsort, max, median, min, sort, topk, unique,
)
from tinygrad_adam.ops.linalg import (
    addmm, addmv, baddbmm, bilinear, bmm, dot, einsum, inner, matmul, mm, mv, norm, outer, trace,
)
from tinygrad_adam.ops.systems import (
    cholesky_inverse, cholesky_solve, det, inv as inverse, logdet, slogdet,
)
from tinygrad_adam.ops.matrix_functions import matrix_exp, matrix_power
from tinygrad_adam.ops.former_linalg import (
    cholesky, lu, lu_solve, lu_unpack, pinverse, qr, svd, triangular_solve,
)
from tinygrad_adam.ops.distances import cosine_similarity, pairwise_distance, pdist
from tinygrad_adam.ops.activations import (
    celu, celu_, hardshrink, log_softmax, prelu, relu, relu_, rrelu, rrelu_, selu, selu_, softmax,
    threshold, threshold_,
)
from tinygrad_adam.ops.random import bernoulli, binomial, multinomial, normal, poisson

__all__ = [  # noqa: RUF022
    "broadcast_to", "chunk", "clone", "detach", "diag", "diag_embed", "diagonal", "flatten", "flip",
    "moveaxis", "movedim", "narrow", "numel", "permute", "ravel", "reshape", "roll", "split",
    "squeeze", "swapaxes", "swapdims", "t", "tile", "transpose", "tril", "triu", "unbind",
    "unflatten", "unsqueeze",

    "broadcast_tensors", "cat", "concat", "concatenate", "hstack", "meshgrid", "stack", "vstack",

    "complex", "conj", "imag", "is_complex", "is_floating_point", "is_nonzero", "is_signed", "real",
    "resolve_conj", "view_as_complex", "view_as_real",

    "add", "div", "divide", "fmod", "floor_divide", "mul", "multiply", "neg", "negative",
    "positive", "pow", "remainder", "rsub", "square", "sub", "subtract", "true_divide", "addcdiv",
    "addcmul", "lerp",
    "erf", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logaddexp", "reciprocal",
    "rsqrt", "sigmoid", "sqrt",
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "hypot", "sin",
    "sinh", "tan", "tanh",
    "abs", "absolute", "angle", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "floor", "frac",
    "masked_fill", "maximum", "minimum", "nan_to_num", "polar", "round", "sgn", "sign", "trunc",
    "where",
    "allclose", "eq", "equal", "ge", "gt", "isclose", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf", "le", "lt", "ne",
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor",
    "logical_and", "logical_not", "logical_or", "logical_xor",

    "all", "amax", "amin", "any", "count_nonzero", "cumprod", "cumsum", "diff", "logsumexp", "mean",
    "nanmean", "nansum", "prod", "std", "std_mean", "sum", "var", "var_mean",

    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_put", "index_select",
    "masked_select", "nonzero", "repeat_interleave", "scatter", "scatter_add", "scatter_reduce",
    "select", "take", "take_along_dim",

    "argmax", "argmin", "argsort", "max", "median", "min", "sort", "topk", "unique",

    "addmm", "addmv", "baddbmm", "bilinear", "bmm", "dot", "einsum", "inner", "matmul", "mm", "mv",
    "norm", "outer", "trace",

    "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "slogdet", "matrix_exp",
    "matrix_power", "cholesky", "lu", "lu_solve", "lu_unpack", "pinverse", "qr", "svd",
    "triangular_solve",

    "cosine_similarity", "pairwise_distance", "pdist",

    "celu", "celu_", "hardshrink", "log_softmax", "prelu", "relu", "relu_", "rrelu", "rrelu_",
    "selu", "selu_", "softmax", "threshold", "threshold_",

    "bernoulli", "binomial", "multinomial", "normal", "poisson",
]
