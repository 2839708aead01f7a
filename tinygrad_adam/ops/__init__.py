"""The differentiable operations, a file for each subject: class and public function side by side.

The functions take tensors; inside a walk that nobody records, and inside ``forward``, they take
arrays, too. Each is ``torch.name``, and the method ``Tensor.name``. Those that only layers need are
listed in ``nn.functional``. Files that come later in this list may use earlier ones: arguments,
shapes, joining, complex_parts, elementwise, reductions, indexing, arranging, special, ordering,
scans, linalg, counting, statistics, products, activations, dropout, embedding, padding, pooling,
normalization, convolution, losses.
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
    complex, conj, imag, is_complex, real, resolve_conj, view_as_complex, view_as_real,
)
from tinygrad_adam.ops.elementwise import (
    add, div, divide, fmod, floor_divide, mul, multiply, neg, negative, positive, pow, remainder,
    square, sub, subtract, true_divide, addcdiv, addcmul, lerp,
    erf, exp, exp2, expm1, log, log10, log1p, log2, logaddexp, reciprocal, rsqrt, sigmoid, sqrt,
    acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, hypot, sin, sinh, tan, tanh,
    abs, absolute, angle, ceil, clamp, clamp_max, clamp_min, clip, floor, frac, masked_fill,
    maximum, minimum, nan_to_num, polar, round, sgn, sign, trunc, where,
    allclose, eq, equal, ge, gt, isclose, isfinite, isinf, isnan, isneginf, isposinf, le, lt, ne,
    bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor,
    logical_and, logical_not, logical_or, logical_xor,
    fix, arccos, arcsin, arctan, arctan2, arccosh, arcsinh, arctanh, greater, greater_equal,
    less, less_equal, not_equal,
)
from tinygrad_adam.ops.reductions import (
    all, amax, amin, any, count_nonzero, cumprod, cumsum, logsumexp, mean, nanmean, nansum,
    prod, std, std_mean, sum, var, var_mean,
)
from tinygrad_adam.ops.indexing import (
    argwhere, as_strided, gather, index_add, index_copy, index_fill, index_put, index_select,
    masked_select, nonzero, repeat_interleave, scatter, scatter_add, scatter_reduce,
    select, take, take_along_dim,
)
from tinygrad_adam.ops.ordering import (
    argmax, argmin, argsort, max, median, min, sort, topk,
)
from tinygrad_adam.ops.linalg import (
    addmm, addmv, baddbmm, bmm, dot, einsum, inner, matmul, mm, mv, norm, outer, trace,
)
from tinygrad_adam.ops.arranging import (
    adjoint, atleast_1d, atleast_2d, atleast_3d, block_diag, cartesian_prod, column_stack,
    combinations, diagflat, diagonal_scatter, dsplit, dstack, fliplr, flipud, hsplit,
    index_reduce, masked_scatter, put, rot90, row_stack, select_scatter, slice_scatter,
    split_with_sizes, tensor_split, unravel_index, vander, vsplit,
)
from tinygrad_adam.ops.special import (
    conj_physical, copysign, deg2rad, digamma, erfc, erfinv, float_power, fmax, fmin, frexp,
    gcd, heaviside, isreal, lcm, ldexp, lgamma, logaddexp2, logit, mvlgamma, nextafter,
    polygamma, rad2deg, signbit, sinc, xlogy,
)
from tinygrad_adam.ops.scans import (
    cummax, cummin, cumulative_trapezoid, diff, gradient, logcumsumexp, trapezoid, trapz,
)
from tinygrad_adam.ops.counting import (
    bincount, bucketize, histc, histogram, isin, searchsorted, unique, unique_consecutive,
)
from tinygrad_adam.ops.statistics import (
    aminmax, corrcoef, cov, kthvalue, mode, msort, nanmedian, nanquantile, quantile,
)
from tinygrad_adam.ops.products import (
    addbmm, addr, cdist, chain_matmul, cross, dist, ger, kron, pdist, renorm, tensordot, vdot,
)
from tinygrad_adam.ops.activations import log_softmax, relu, softmax

__all__ = [  # noqa: RUF022
    "broadcast_to", "chunk", "clone", "detach", "diag", "diag_embed", "diagonal", "flatten", "flip",
    "moveaxis", "movedim", "narrow", "numel", "permute", "ravel", "reshape", "roll", "split",
    "squeeze", "swapaxes", "swapdims", "t", "tile", "transpose", "tril", "triu", "unbind",
    "unflatten", "unsqueeze",

    "broadcast_tensors", "cat", "concat", "concatenate", "hstack", "meshgrid", "stack", "vstack",

    "complex", "conj", "imag", "is_complex", "real", "resolve_conj", "view_as_complex",
    "view_as_real",

    "add", "div", "divide", "fmod", "floor_divide", "mul", "multiply", "neg", "negative",
    "positive", "pow", "remainder", "square", "sub", "subtract", "true_divide", "addcdiv",
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
    "fix", "arccos", "arcsin", "arctan", "arctan2", "arccosh", "arcsinh", "arctanh", "greater",
    "greater_equal", "less", "less_equal", "not_equal",

    "all", "amax", "amin", "any", "count_nonzero", "cumprod", "cumsum", "logsumexp", "mean",
    "nanmean", "nansum", "prod", "std", "std_mean", "sum", "var", "var_mean",

    "argwhere", "as_strided", "gather", "index_add", "index_copy", "index_fill", "index_put",
    "index_select", "masked_select", "nonzero", "repeat_interleave", "scatter", "scatter_add",
    "scatter_reduce", "select", "take", "take_along_dim",

    "argmax", "argmin", "argsort", "max", "median", "min", "sort", "topk",

    "addmm", "addmv", "baddbmm", "bmm", "dot", "einsum", "inner", "matmul", "mm", "mv", "norm",
    "outer", "trace",

    "adjoint", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod",
    "column_stack", "combinations", "diagflat", "diagonal_scatter", "dsplit", "dstack",
    "fliplr", "flipud", "hsplit", "index_reduce", "masked_scatter", "put", "rot90", "row_stack",
    "select_scatter", "slice_scatter", "split_with_sizes", "tensor_split", "unravel_index",
    "vander", "vsplit",

    "conj_physical", "copysign", "deg2rad", "digamma", "erfc", "erfinv", "float_power", "fmax",
    "fmin", "frexp", "gcd", "heaviside", "isreal", "lcm", "ldexp", "lgamma", "logaddexp2",
    "logit", "mvlgamma", "nextafter", "polygamma", "rad2deg", "signbit", "sinc", "xlogy",

    "cummax", "cummin", "cumulative_trapezoid", "diff", "gradient", "logcumsumexp", "trapezoid",
    "trapz",

    "aminmax", "bincount", "bucketize", "corrcoef", "cov", "histc", "histogram", "isin",
    "kthvalue", "mode", "msort", "nanmedian", "nanquantile", "quantile", "searchsorted",
    "unique", "unique_consecutive",

    "addbmm", "addr", "cdist", "chain_matmul", "cross", "dist", "ger", "kron", "pdist",
    "renorm", "tensordot", "vdot",

    "log_softmax", "relu", "softmax",
]
