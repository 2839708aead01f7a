"""Matrix products. ``g`` is the gradient of the result."""

from __future__ import annotations

import math
import string
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend import Array, array_module, is_differentiable, kernels
from tinygrad_adam.backend.dtypes import as_dtype, c_type_name, type_name
from tinygrad_adam.ops.arguments import (
    Dim,
    Number,
    Operand,
    as_int,
    checked,
    common_shape,
    fitted,
    is_one,
    is_tensor_here,
    normalize_dim,
    normalize_dims,
    numpy_names,
    require_dimensions,
    tensor_list,
)
from tinygrad_adam.ops.complex_parts import conj
from tinygrad_adam.ops.elementwise import clamp
from tinygrad_adam.ops.reductions import Sum, vector_norm
from tinygrad_adam.ops.shapes import (
    cast,
    diagonal,
    expand,
    movedim,
    permute,
    reshape,
    squeeze,
    transpose,
    unsqueeze,
)

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


def _require_ndim(ndim: int, text: str, **tensors: Any) -> None:
    """Raise ``text``, with name and dimensions of the tensor, for the first of another ``ndim``."""
    for name, x in tensors.items():
        if x.ndim != ndim:
            raise RuntimeError(text.format(name, x.ndim))


def _require_one_dtype(text: str, *tensors: Any, name: Any = type_name) -> None:
    """Raise ``text``, with the names of their dtypes, unless all tensors have the same."""
    if any(x.dtype != tensors[0].dtype for x in tensors):
        names = [name(x.dtype) for x in tensors]
        raise RuntimeError(text.format(*names) + "\n  Convert one of them, as in x.float()")


def _require_one_dtype_to_add(input: Any, mat1: Any, mat2: Any) -> None:
    text = " and mat2 must have the same dtype, but got {} and {}"
    if input is not None:
        _require_one_dtype("self" + text, input, mat2)
    _require_one_dtype("mat1" + text, mat1, mat2)


# --- products ------------------------------------------------------------------------------------


class MatMul(Operation):
    """a b, matrices in the last two dimensions; those before broadcast.

    Gradient: da = g bᵀ, db = aᵀ g.  Saves what these name.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: a batch is expanded first."""
        if len(self.outputs[0][0]) == 2:
            return "MmBackward0", 0, 1
        rows = [("ViewBackward0", ("ExpandBackward0", i)) for i in (0, 1)]
        return "UnsafeViewBackward0", ("BmmBackward0", *rows)

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save(a if need_b else None, b if need_a else None)
        _require_inner_size(a.shape, b.shape)
        if a.dtype != b.dtype:
            if a.ndim > 2 and b.ndim > 2:
                _require_one_dtype("expected scalar type {} but found {}", a, b)
            text = "expected m1 and m2 to have the same dtype, but got: {} != {}"
            _require_one_dtype(text, a, b, name=c_type_name)
        if a.ndim > 2 or b.ndim > 2:
            common_shape(a.shape[:-2], b.shape[:-2])
        return kernels(a).matmul(a, b)

    def backward(self, grad: Any) -> Any:
        a, b = self.saved
        need_a, need_b = self.needs_input_grad
        return (
            MatMul.apply(grad, transpose(b, -2, -1)) if need_a else None,
            MatMul.apply(transpose(a, -2, -1), grad) if need_b else None,
        )


def _require_inner_size(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Raise unless matrices, or batches of them, of these shapes can be multiplied."""
    if a[-1] == b[-2]:
        return
    if len(b) > 2:
        batch = math.prod(common_shape(a[:-2], b[:-2]))
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{batch}, {a[-1]}] but got: [{batch}, {b[-2]}]."
        )
    # A batch times a matrix is one matrix product, with the batch laid out in rows.
    raise RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({math.prod(a[:-1])}x{a[-1]} and "
        f"{b[-2]}x{b[-1]})"
    )


@checked
def matmul(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return the matrix product; batches broadcast, a vector is a row on the left, a column on the
    right.

    Raises:
        RuntimeError: the inner sizes differ, a tensor has no dimensions, or the dtypes differ.

    Source: PyTorch, ``torch.matmul``.
    """
    left, right = input.ndim, other.ndim
    if left == 0 or right == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {left}D and {right}D"
        )
    if left == 1 and right == 1:
        return dot(input, other)
    if left == 1:
        return squeeze(matmul(unsqueeze(input, 0), other), -2)
    if right == 1:
        return mv(input, other) if left == 2 else squeeze(matmul(input, unsqueeze(other, 1)), -1)
    if left > 2 and right == 2 and input.shape[-1] == other.shape[0] and 0 not in input.shape:
        # One large product instead of one for each matrix of the batch.
        rows = MatMul.apply(reshape(input, (-1, input.shape[-1])), other)
        return reshape(rows, (*input.shape[:-1], other.shape[1]))
    return MatMul.apply(input, other)


@checked
def mm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """Return the product of two matrices.

    Raises:
        RuntimeError: one is no matrix, or the inner sizes differ.
    """
    _require_ndim(2, "{} must be a matrix", self=input, mat2=mat2)
    return MatMul.apply(input, mat2)


@as_one("Bmm", "input", "mat2")
@checked
def bmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """Return the products of two batches of matrices, (B, n, m) and (B, m, p).

    Raises:
        RuntimeError: one is no such batch, or the sizes differ.
    """
    _require_ndim(3, "{} must be a 3D tensor", batch1=input, batch2=mat2)
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{input.shape[0]}, {input.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    return MatMul.apply(input, mat2)


@as_one("Mv", "input", "vec")
@checked
def mv(input: Tensor, vec: Tensor, *, out: Any = None) -> Tensor:
    """Return the product of a matrix and a vector.

    Raises:
        RuntimeError: other dimensions, or the sizes differ.
    """
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {input.ndim and 1}, {input.ndim}, {vec.ndim}"
        )
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x"
            f"{input.shape[1]}), vec ({vec.shape[0]})"
        )
    _require_one_dtype(_ADDMV, vec, input, vec)
    return squeeze(MatMul.apply(input, unsqueeze(vec, 1)), 1)


_ADDMV = "addmv input tensors must have the same dtype, but got {}, {}, and {}"


@as_one("Dot", "input", "tensor")
@checked
def dot(input: Tensor, tensor: Tensor, *, out: Any = None) -> Tensor:
    """Return the inner product of two vectors.

    Raises:
        RuntimeError: one is no vector, the sizes or the dtypes differ.
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    _require_one_dtype(
        "dot : expected both vectors to have same dtype, but found {} and {}", input, tensor
    )
    mine, theirs = input.shape[0], tensor.shape[0]
    if mine != theirs:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{mine}] and src [{theirs}] to have the "
            f"same number of elements, but got {mine} and {theirs} elements respectively"
        )
    return reshape(MatMul.apply(unsqueeze(input, 0), unsqueeze(tensor, 1)), ())


@checked
def outer(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor:
    """Return the matrix of products of two vectors' elements."""
    _require_ndim(1, "outer: Expected 1-D argument {}, but got {}-D", self=input, vec2=vec2)
    return unsqueeze(input, 1) * vec2


@checked
def inner(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return the sums of products along the last dimensions of both tensors.

    Raises:
        RuntimeError: these differ in size.
    """
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    _require_one_dtype("both inputs should have same dtype, but got {} and {}", input, other)
    rows, columns = [reshape(x, (math.prod(x.shape[:-1]), x.shape[-1])) for x in (input, other)]
    product = MatMul.apply(rows, transpose(columns, 0, 1))
    return reshape(product, (*input.shape[:-1], *other.shape[:-1]))


@as_one("Addmm", "input", "mat1", "mat2")
@checked
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Any = None,
) -> Tensor:
    """Return beta · input + alpha · mat1 @ mat2. With beta = 0, input is ignored, NaN included.

    Raises:
        RuntimeError: the shapes or dtypes do not fit.
    """
    _require_one_dtype_to_add(input, mat1, mat2)
    return plus_product(input, mm(mat1, mat2), beta, alpha)


@as_one("Addmv", "input", "mat", "vec")
@checked
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Any = None
) -> Tensor:
    """Return beta · input + alpha · mat @ vec. With beta = 0, input is ignored."""
    _require_one_dtype(_ADDMV, input, mat, vec)
    return plus_product(input, mv(mat, vec), beta, alpha)


@as_one("Baddbmm", "input", "batch1", "batch2")
@checked
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Any = None,
) -> Tensor:
    """Return beta · input + alpha · batch1 @ batch2, for batches of matrices."""
    text = "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}"
    _require_one_dtype(text, input, batch1, batch2, name=c_type_name)
    return plus_product(input, bmm(batch1, batch2), beta, alpha)


def plus_product(input: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """Return beta · input + alpha · product; nothing but the product decides the shape."""
    if product.dtype.kind in "biu":
        alpha, beta = int(alpha), int(beta)
    product = product if is_one(alpha) else product * alpha
    input = expand(input, product.shape)
    if type(beta) in (bool, int, float) and beta == 0:
        return product
    return (input if is_one(beta) else input * beta) + product


class Linear(Operation):
    """x wᵀ + b, for x of shape (N, in), w of (out, in) and b of (out,) or None.

    Gradient: dx = g w, dw = gᵀ x, db = Σ g over the rows.  Saves what these name.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: it transposes the weight first."""
        weight = ("TBackward0", 1)
        if self.edges[2] is not None:
            return "AddmmBackward0", 2, 0, weight
        return "MmBackward0", 0, weight

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        need_x, need_weight, _ = self.needs_input_grad
        self.save(x if need_weight else None, weight if need_x else None)
        if x.dtype != weight.dtype:
            _require_one_dtype_to_add(bias, x, weight)
        _require_inner_size(x.shape, weight.shape[::-1])
        y = kernels(x).matmul(x, weight.T)
        if bias is not None:
            y += bias
        return y

    def backward(self, grad: Any) -> Any:
        x, weight = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad
        return (
            MatMul.apply(grad, weight) if need_x else None,
            MatMul.apply(transpose(grad, 0, 1), x) if need_weight else None,
            Sum.apply(grad, (0,), False) if need_bias else None,
        )


@checked
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``.

    Args:
        input: (…, in).
        weight: (out, in), or (in,) for one output without a dimension.
        bias: (out,) or None; of another shape, it broadcasts.

    Returns:
        (…, out).

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.linear``.
    """
    if bias is not None and (bias.ndim != 1 or weight.ndim == 1):
        return linear(input, weight) + bias
    if input.ndim == 2 and weight.ndim == 2:
        return Linear.apply(input, weight, bias)
    if weight.ndim == 1:
        return matmul(input, weight)
    if input.ndim == 0:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are 0D and {weight.ndim}D"
        )
    result = Linear.apply(reshape(input, (-1, input.shape[-1])), weight, bias)
    return reshape(result, (*input.shape[:-1], weight.shape[0]))


@checked
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x1ᵀ W x2 + b, for each output the matrix W of its own.

    Args:
        input1: (…, in1).
        input2: (…, in2).
        weight: (out, in1, in2).
        bias: (out,) or None.

    Returns:
        (…, out).

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    Source: PyTorch, ``torch.nn.functional.bilinear``.
    """
    ndims = input1.ndim, input2.ndim
    if ndims[0] != ndims[1]:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {ndims[0]} and {ndims[1]}"
        )
    for d, (size, other) in enumerate(zip(input1.shape[:-1], input2.shape[:-1])):
        if size != other:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {size} and "
                f"{other}"
            )
    require_dimensions(input1, -1)
    normalize_dim(2, weight.ndim)
    outputs, *sizes = weight.shape
    for i, (x, size) in enumerate(((input1, sizes[0]), (input2, sizes[1])), 1):
        if x.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but "
                f"expected {size}"
            )
    if bias is not None and bias.shape[0] != outputs:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but "
            f"expected {outputs}"
        )
    if not input1.dtype == input2.dtype == weight.dtype:
        names = [c_type_name(x.dtype) for x in (input1, input2, weight)]
        raise RuntimeError(
            f"All tensors must have the same dtype, got input1: {names[0]}, input2: {names[1]}, "
            f"weight: {names[2]}"
        )
    one, two = reshape(input1, (-1, sizes[0])), reshape(input2, (-1, sizes[1], 1))
    of_outputs = reshape(permute(weight, (1, 0, 2)), (sizes[0], -1))
    halves = reshape(matmul(one, of_outputs), (-1, outputs, sizes[1]))
    y = reshape(matmul(halves, two), (*input1.shape[:-1], outputs))
    return y if bias is None else y + bias


# --- norms ---------------------------------------------------------------------------------------


class NuclearNorm(Operation):
    """The sum of the singular values of the matrices in the last two dimensions.

    Gradient: g U Vᵀ, for x = U S Vᵀ (:class:`PolarFactor`).  Saves x.
    """

    def forward(self, x: Array) -> Array:
        self.save(x)
        return array_module(x).linalg.svd(x, compute_uv=False).sum(-1)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return reshape(grad, (*grad.shape, 1, 1)) * PolarFactor.apply(x)


class PolarFactor(Operation):
    """U Vᵀ, for matrices x = U S Vᵀ: the nearest matrix with orthonormal rows or columns.

    With a = Uᵀ g V, the gradient is U ((a - aᵀ) / (s_i + s_j)) Vᵀ, and g S⁻¹ in the directions that
    U (or V) leaves out; of complex numbers with conjugates of what is transposed.  It is not
    differentiable again.  Saves U, S and V.

    Source: Higham, "Functions of Matrices" (2008), chapter 8.
    """

    holomorphic = False

    def forward(self, x: Array) -> Array:
        u, s, v = array_module(x).linalg.svd(x, full_matrices=False)
        self.save(u, s, v)
        return u @ v

    def backward(self, grad: Any) -> Any:
        u, s, v = self.saved
        ut, vt = conj(transpose(u, -2, -1)), conj(transpose(v, -2, -1))
        column, row = unsqueeze(s, -1), unsqueeze(s, -2)
        a = ut @ grad @ vt
        within = (a - conj(transpose(a, -2, -1))) / (column + row)
        result = u @ within @ v
        # What lies outside the columns of U, or the rows of V; for a square matrix, nothing.
        columns, rows = (grad - u @ (ut @ grad)) @ vt, ut @ (grad - (grad @ vt) @ v)
        return result + (columns * (1 / row)) @ v + u @ (rows * (1 / column))


@numpy_names
@checked
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dim | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    *,
    out: Any = None,
) -> Tensor:
    """Return (Σ |x|ᵖ)^(1/p) over all elements or along ``dim``.

    Args:
        input: the tensor.
        p: a number, inf, -inf, or "fro" (or None) for 2; "nuc" for the nuclear norm of a matrix,
            the sum of its singular values.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with size 1.
        dtype: convert to it first.

    Raises:
        RuntimeError: ``p`` is another word, or names a norm that is not defined here.
    """
    if p == "nuc":
        return _nuclear_norm(input, dim, keepdim, dtype)
    if p in ("fro", None):
        p = 2.0
    if isinstance(p, str):
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    return vector_norm(input, p, dim, keepdim, dtype)


def _nuclear_norm(input: Any, dim: Dim, keepdim: bool, dtype: Any) -> Any:
    x = input if dtype is None else cast(input, as_dtype(dtype))
    if not is_differentiable(x.dtype):
        raise RuntimeError(
            "linalg.matrix_norm: Expected a floating point or complex tensor as input. Got "
            f"{type_name(x.dtype)}"
        )
    if x.ndim < 2:
        raise RuntimeError(
            "linalg.matrix_norm: The input tensor A must have at least 2 dimensions."
        )
    dims = normalize_dims(dim, x.ndim)
    if len(dims) != 2:
        raise RuntimeError(
            f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dims))}"
        )
    result = NuclearNorm.apply(movedim(x, dims, (-2, -1)))
    shape = [1 if d in dims else n for d, n in enumerate(x.shape)]
    return reshape(result, shape) if keepdim else result


@checked
def normalize(
    input: Tensor, p: float | None = 2.0, dim: Dim | None = 1, eps: Operand = 1e-12
) -> Tensor:
    """Divide by the p-norm along ``dim``, or by ``eps`` where that is larger.

    Source: PyTorch, ``torch.nn.functional.normalize``.
    """
    return input / clamp(norm(input, p, dim, keepdim=True), min=eps)


# --- sums that an equation or a diagonal names ---------------------------------------------------


class Einsum(Operation):
    """The sum of products that an equation names, as in ``ij,jk->ik``.

    Each operand's labels are different from each other, and each of them stands in the result or in
    another operand (:func:`einsum` sees to both). So the gradient of an
    operand is a product of the same kind: g and the other operands, summed down to its labels.
    Saves the operands.
    """

    def forward(self, labels: tuple[str, ...], result: str, *arrays: Array) -> Array:
        self.labels, self.result = labels, result
        self.save(*arrays)
        xp = array_module(arrays[0])
        return xp.einsum(f"{','.join(labels)}->{result}", *arrays, optimize=True)

    def backward(self, grad: Any) -> Any:
        operands = self.saved
        grads: list[Any] = [None, None]
        for i, needed in enumerate(self.needs_input_grad[2:]):
            labels = (self.result, *self.labels[:i], *self.labels[i + 1 :])
            factors = (grad, *operands[:i], *operands[i + 1 :])
            grads.append(Einsum.apply(labels, self.labels[i], *factors) if needed else None)
        return tuple(grads)


def einsum(equation: Any = None, *operands: Any) -> Tensor:
    """Return the sum of products that ``equation`` names, such as ``"ij,jk->ik"``.

    Or call it as ``einsum(a, [0, 1], b, [1, 2], [0, 2])``: each operand is followed by the list of
    its labels, numbers from 0 to 51 or ``...``, and the list of the result's may come last.

    Labels are letters; one that stands twice in an operand takes its diagonal; ``...`` stands for
    further dimensions, which broadcast. Without ``->`` the result has the labels that occur once,
    in alphabetical order, after the dimensions of ``...``.

    Args:
        equation: the labels of each operand, separated by commas, and of the result.
        operands: the tensors, all of one dtype, or one list of them.

    Raises:
        RuntimeError: the equation does not fit the operands, or their dtypes differ.
        TypeError: a label in a list is no integer.
        ValueError: there are no operands, or a label in a list is no number from 0 to 51.

    Source: PyTorch, ``torch.einsum``.
    """
    if is_tensor_here(equation):
        arguments = (equation, *operands)
        equation, operands = _equation_of_lists(arguments), arguments[: len(arguments) // 2 * 2 : 2]
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if operands:
        equation = fitted("einsum", "equation", "str", equation)
    else:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list\n  Write einsum('ij,jk->ik', a, b)."
        )
    tensor_list("einsum", operands)
    for x in operands[1:]:
        _require_one_dtype("expected scalar type {} but found {}", operands[0], x)
    labels, result = _parse_equation(equation, operands)
    pairs = [_take_diagonals(x, label, i) for i, (x, label) in enumerate(zip(operands, labels))]
    sizes = _sizes_of_labels(pairs)
    # A dimension of size 1 where the label has more elsewhere is taken out: the rest broadcasts.
    pairs = [
        _sum_out(x, label, [c for d, c in enumerate(label) if x.shape[d] == 1 != sizes[c]])
        for x, label in pairs
    ]
    # Then a label that neither the result nor another operand has is summed over at once.
    ready = []
    for i, (x, label) in enumerate(pairs):
        others = result + "".join([other for j, (_, other) in enumerate(pairs) if j != i])
        ready.append(_sum_out(x, label, [c for c in label if c not in others]))
    names = tuple([label for _, label in ready])
    return Einsum.apply(names, result, *[x for x, _ in ready])


def _equation_of_lists(arguments: tuple[Any, ...]) -> str:
    """Return the equation for operands that are each followed by a list of labels."""
    letters = sorted(string.ascii_letters)  # without a list for the result, labels are sorted
    lists = [*arguments[1::2], *(arguments[-1:] if len(arguments) % 2 else ())]
    words = []
    for labels in lists:
        if not isinstance(labels, (list, tuple)):
            raise TypeError(
                f"einsum(): a list of subscripts must follow each operand, not "
                f"{type(labels).__name__}"
            )
        word = ""
        for label in labels:
            number = -1 if label is Ellipsis else as_int("einsum", "subscripts", 2, label)
            if label is not Ellipsis and not 0 <= number < 52:
                raise ValueError(
                    "einsum(): subscript in subscript list is not within the valid range [0, 52)\n"
                    f"  There is {number}"
                )
            word += "..." if label is Ellipsis else letters[number]
        words.append(word)
    operands = len(arguments) // 2
    return "->".join([",".join(words[:operands]), *words[operands:]])


def _parse_equation(equation: str, operands: tuple[Tensor, ...]) -> tuple[list[str], str]:
    """Return the labels of each operand and of the result, one letter for each dimension."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    for character in (left + result).replace("...", "").replace(",", ""):
        if character not in string.ascii_letters:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {equation.find(character)} in the "
                "equation string, subscripts must be in [a-zA-Z]"
            )
    if len(terms) != len(operands):
        few = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(
            f"einsum(): {few} operands were provided than specified in the equation\n"
            f"  {len(operands)} for {equation!r}"
        )
    # The dimensions of "..." get letters of their own, the same from the right in every operand.
    spare = [c for c in string.ascii_letters if c not in equation]
    hidden = [x.ndim - len(term.replace("...", "")) for x, term in zip(operands, terms)]
    for i, (x, term, extra) in enumerate(zip(operands, terms, hidden)):
        if extra < 0 or (extra and "..." not in term):
            verb, end = "does not match", " and no ellipsis was given"
            if "..." in term:
                verb, end = "is more than", ""
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({x.ndim - extra}) {verb} the "
                f"number of dimensions ({x.ndim}) for operand {i}{end}"
            )
    shared = "".join(spare[: max(hidden)])
    labels = [
        term.replace("...", shared[len(shared) - extra :]) for term, extra in zip(terms, hidden)
    ]
    everything = "".join(labels)
    if not arrow:
        once = sorted([c for c in everything if everything.count(c) == 1 and c not in shared])
        return labels, shared + "".join(once)
    result = result.replace("...", shared)
    for character in result:
        if result.count(character) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {character} appears more than once in the output"
            )
        if character not in everything:
            raise RuntimeError(
                f"einsum(): output subscript {character} does not appear in the equation for any "
                "input operand"
            )
    return labels, result


def _take_diagonals(x: Tensor, label: str, operand: int) -> tuple[Tensor, str]:
    """Return a tensor and its labels with each label that stands more than once taken together."""
    for character in dict.fromkeys(label):
        while label.count(character) > 1:
            first = label.index(character)
            second = label.index(character, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {character} is repeated for operand {operand} but the "
                    f"sizes don't match, {x.shape[second]} != {x.shape[first]}"
                )
            x = diagonal(x, 0, first, second)
            label = label[:first] + label[first + 1 : second] + label[second + 1 :] + character
    return x, label


def _sizes_of_labels(pairs: list[tuple[Tensor, str]]) -> dict[str, int]:
    """Return the size of each label; dimensions of size 1 broadcast."""
    sizes: dict[str, int] = {}
    for i, (x, label) in enumerate(pairs):
        for character, size in zip(label, x.shape):
            known = sizes.setdefault(character, size)
            if known == 1:
                sizes[character] = size
            elif size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {character} has size {size} for operand {i} which does "
                    f"not broadcast with previously seen size {known}"
                )
    return sizes


def _sum_out(x: Tensor, label: str, gone: list[str]) -> tuple[Tensor, str]:
    """Return a tensor summed over the dimensions of some labels, and the labels that are left."""
    if not gone:
        return x, label
    kept = "".join([c for c in label if c not in gone])
    return Sum.apply(x, tuple([label.index(c) for c in gone]), False), kept


@as_one("Trace", "input")
@checked
def trace(input: Tensor, *, out: Any = None) -> Tensor:
    """Return the sum of the diagonal of a matrix."""
    _require_ndim(2, "trace: expected a matrix, but got tensor with dim {1}", input=input)
    return Sum.apply(diagonal(input), (0,), False)
