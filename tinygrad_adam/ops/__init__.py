"""The differentiable operations, a file for each subject: class and public function side by side.

The functions take tensors; inside a walk that nobody records, and inside ``forward``, they take
arrays, too. Each is ``torch.name``, and the method ``Tensor.name``. Those that only layers need are
listed in ``nn.functional``. Files that come later in this list may use earlier ones: arguments,
shapes, joining, complex_parts, elementwise, reductions, indexing, arranging, special, ordering,
scans, linalg, counting, statistics, products, distances, systems, decompositions, matrix_functions,
former_linalg, activations, resampling, dropout, random, embedding, padding, shuffling, attention,
pooling, unpooling, folding, normalization, convolution, interpolation, grids, recurrent, losses,
likelihood_losses, margin_losses, ctc.
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
    complex, conj, imag, is_complex, is_conj, is_floating_point, is_nonzero, is_signed, real,
    resolve_conj, view_as_complex, view_as_real,
)
from tinygrad_adam.ops.elementwise import (
    abs, absolute, acos, acosh, add, addcdiv, addcmul, allclose, angle, arccos, arccosh, arcsin,
    arcsinh, arctan, arctan2, arctanh, asin, asinh, atan, atan2, atanh, bitwise_and,
    bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, ceil, clamp,
    clamp_max, clamp_min, clip, cos, cosh, div, divide, eq, equal, erf, exp, exp2, expm1, fix,
    floor, floor_divide, fmod, frac, ge, greater, greater_equal, gt, hypot, isclose, isfinite,
    isinf, isnan, isneginf, isposinf, le, lerp, less, less_equal, log, log10, log1p, log2,
    logaddexp, logical_and, logical_not, logical_or, logical_xor, lt, masked_fill, maximum, minimum,
    mul, multiply, nan_to_num, ne, neg, negative, not_equal, polar, positive, pow, reciprocal,
    remainder, round, rsqrt, rsub, sgn, sigmoid, sign, sin, sinh, sqrt, square, sub, subtract, tan,
    tanh, true_divide, trunc, where,
)
from tinygrad_adam.ops.reductions import (
    all, amax, amin, any, count_nonzero, cumprod, cumsum, logsumexp, mean, nanmean, nansum, prod,
    std, std_mean, sum, var, var_mean,
)
from tinygrad_adam.ops.indexing import (
    argwhere, as_strided, gather, index_add, index_copy, index_fill, index_put, index_select,
    masked_select, nonzero, repeat_interleave, scatter, scatter_add, scatter_reduce, select, take,
    take_along_dim,
)
from tinygrad_adam.ops.ordering import argmax, argmin, argsort, max, median, min, sort, topk
from tinygrad_adam.ops.linalg import (
    addmm, addmv, baddbmm, bilinear, bmm, dot, einsum, inner, matmul, mm, mv, norm, outer, trace,
)
from tinygrad_adam.ops.arranging import (
    adjoint, atleast_1d, atleast_2d, atleast_3d, block_diag, cartesian_prod, column_stack,
    combinations, diagflat, diagonal_scatter, dsplit, dstack, fliplr, flipud, hsplit, index_reduce,
    masked_scatter, put, rot90, row_stack, select_scatter, slice_scatter, split_with_sizes,
    tensor_split, unravel_index, vander, vsplit,
)
from tinygrad_adam.ops.special import (
    conj_physical, copysign, deg2rad, digamma, erfc, erfinv, float_power, fmax, fmin, frexp, gcd,
    heaviside, isreal, lcm, ldexp, lgamma, logaddexp2, logit, mvlgamma, nextafter, polygamma,
    rad2deg, signbit, sinc, xlogy,
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
    addbmm, addr, cdist, chain_matmul, cross, dist, ger, kron, renorm, tensordot, vdot,
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
from tinygrad_adam.ops.shuffling import channel_shuffle, pixel_shuffle, pixel_unshuffle
from tinygrad_adam.ops.pooling import adaptive_avg_pool1d, avg_pool1d, max_pool1d, max_pool2d
from tinygrad_adam.ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d

__all__ = [  # noqa: RUF022
    "broadcast_to", "chunk", "clone", "detach", "diag", "diag_embed", "diagonal", "flatten", "flip",
    "moveaxis", "movedim", "narrow", "numel", "permute", "ravel", "reshape", "roll", "split",
    "squeeze", "swapaxes", "swapdims", "t", "tile", "transpose", "tril", "triu", "unbind",
    "unflatten", "unsqueeze",
    "broadcast_tensors", "cat", "concat", "concatenate", "hstack", "meshgrid", "stack", "vstack",
    "complex", "conj", "imag", "is_complex", "is_conj", "is_floating_point", "is_nonzero",
    "is_signed", "real", "resolve_conj", "view_as_complex", "view_as_real",
    "abs", "absolute", "acos", "acosh", "add", "addcdiv", "addcmul", "allclose", "angle", "arccos",
    "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan",
    "atan2", "atanh", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "cos",
    "cosh", "div", "divide", "eq", "equal", "erf", "exp", "exp2", "expm1", "fix", "floor",
    "floor_divide", "fmod", "frac", "ge", "greater", "greater_equal", "gt", "hypot", "isclose",
    "isfinite", "isinf", "isnan", "isneginf", "isposinf", "le", "lerp", "less", "less_equal", "log",
    "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not", "logical_or",
    "logical_xor", "lt", "masked_fill", "maximum", "minimum", "mul", "multiply", "nan_to_num", "ne",
    "neg", "negative", "not_equal", "polar", "positive", "pow", "reciprocal", "remainder", "round",
    "rsqrt", "rsub", "sgn", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "sub", "subtract",
    "tan", "tanh", "true_divide", "trunc", "where",
    "all", "amax", "amin", "any", "count_nonzero", "cumprod", "cumsum", "logsumexp", "mean",
    "nanmean", "nansum", "prod", "std", "std_mean", "sum", "var", "var_mean",
    "argwhere", "as_strided", "gather", "index_add", "index_copy", "index_fill", "index_put",
    "index_select", "masked_select", "nonzero", "repeat_interleave", "scatter", "scatter_add",
    "scatter_reduce", "select", "take", "take_along_dim",
    "argmax", "argmin", "argsort", "max", "median", "min", "sort", "topk",
    "addmm", "addmv", "baddbmm", "bilinear", "bmm", "dot", "einsum", "inner", "matmul", "mm", "mv",
    "norm", "outer", "trace",
    "adjoint", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod",
    "column_stack", "combinations", "diagflat", "diagonal_scatter", "dsplit", "dstack", "fliplr",
    "flipud", "hsplit", "index_reduce", "masked_scatter", "put", "rot90", "row_stack",
    "select_scatter", "slice_scatter", "split_with_sizes", "tensor_split", "unravel_index",
    "vander", "vsplit",
    "conj_physical", "copysign", "deg2rad", "digamma", "erfc", "erfinv", "float_power", "fmax",
    "fmin", "frexp", "gcd", "heaviside", "isreal", "lcm", "ldexp", "lgamma", "logaddexp2", "logit",
    "mvlgamma", "nextafter", "polygamma", "rad2deg", "signbit", "sinc", "xlogy",
    "cummax", "cummin", "cumulative_trapezoid", "diff", "gradient", "logcumsumexp", "trapezoid",
    "trapz",
    "bincount", "bucketize", "histc", "histogram", "isin", "searchsorted", "unique",
    "unique_consecutive",
    "aminmax", "corrcoef", "cov", "kthvalue", "mode", "msort", "nanmedian", "nanquantile",
    "quantile",
    "addbmm", "addr", "cdist", "chain_matmul", "cross", "dist", "ger", "kron", "renorm",
    "tensordot", "vdot",
    "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "slogdet", "matrix_exp",
    "matrix_power", "cholesky", "lu", "lu_solve", "lu_unpack", "pinverse", "qr", "svd",
    "triangular_solve",
    "cosine_similarity", "pairwise_distance", "pdist",
    "celu", "celu_", "hardshrink", "log_softmax", "prelu", "relu", "relu_", "rrelu", "rrelu_",
    "selu", "selu_", "softmax", "threshold", "threshold_",
    "bernoulli", "binomial", "multinomial", "normal", "poisson",
    "channel_shuffle", "pixel_shuffle", "pixel_unshuffle",
    "adaptive_avg_pool1d", "avg_pool1d", "max_pool1d", "max_pool2d",
    "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d",
]
