"""Matrix products. ``g`` is the gradient of the result."""

from __future__ import annotations

import math
import string
from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.ops.arguments import common_shape as broadcast_shapes
from tinygrad_adam.ops.arguments import require_tensors, tensor_list
from tinygrad_adam.ops.reductions import Sum
from tinygrad_adam.ops.shapes import diagonal

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


class MatMul(Operation):
    """a b, matrices in the last two dimensions; those before broadcast.

    Gradient: da = g bᵀ, db = aᵀ g.  Saves what these name.
    """

    backward_takes_arrays = True

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save_for_backward(a if need_b else None, b if need_a else None)
        if a.shape[-1] != b.shape[-2]:
            raise RuntimeError(_cannot_multiply(a.shape, b.shape))
        if a.dtype != b.dtype:
            raise RuntimeError(_different_dtypes(a, b))
        if a.ndim > 2 or b.ndim > 2:
            broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return kernels(a).matmul(a, b)

    def backward(self, grad: Any) -> Any:
        a, b = self.saved_tensors
        need_a, need_b = self.needs_input_grad
        return (
            MatMul.apply(grad, b.swapaxes(-2, -1)) if need_a else None,
            MatMul.apply(a.swapaxes(-2, -1), grad) if need_b else None,
        )


def _cannot_multiply(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Return PyTorch's text for matrices, or batches of them, whose inner sizes differ."""
    if len(a) > 2 and len(b) > 2:
        batch = math.prod(broadcast_shapes(a[:-2], b[:-2]))
        return (
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{batch}, {a[-1]}] but got: [{batch}, {b[-2]}]."
        )
    # A batch times a matrix is one matrix product, with the batch laid out in rows.
    left, right = (math.prod(a[:-1]), a[-1]), b[-2:]
    if len(b) > 2:
        left, right = (math.prod(b[:-2]) * b[-1], b[-2]), a[::-1]
    return (
        f"mat1 and mat2 shapes cannot be multiplied ({left[0]}x{left[1]} and {right[0]}x{right[1]})"
    )


def _different_dtypes(a: Array, b: Array, bias: Array | None = None) -> str:
    """Return PyTorch's text for two factors, or batches of them, that differ in dtype."""
    if a.ndim > 2 and b.ndim > 2:
        return f"expected scalar type {type_name(a.dtype)} but found {type_name(b.dtype)}"
    if bias is None:
        names = f"{c_type_name(a.dtype)} != {c_type_name(b.dtype)}"
        return f"expected m1 and m2 to have the same dtype, but got: {names}"
    name, first = ("self", bias) if bias.dtype != b.dtype else ("mat1", a)
    return (
        f"{name} and mat2 must have the same dtype, but got {type_name(first.dtype)} and "
        f"{type_name(b.dtype)}"
    )


class Linear(Operation):
    """x wᵀ + b, for x of shape (N, in), w of (out, in) and b of (out,) or None.

    Gradient: dx = g w, dw = gᵀ x, db = Σ g over the rows.  Saves what these name.
    """

    backward_takes_arrays = True

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        need_x, need_weight, _ = self.needs_input_grad
        self.save_for_backward(x if need_weight else None, weight if need_x else None)
        if x.dtype != weight.dtype:
            raise RuntimeError(_different_dtypes(x, weight, bias))
        if x.shape[-1] != weight.shape[1]:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({x.shape[0]}x{x.shape[1]} and "
                f"{weight.shape[1]}x{weight.shape[0]})"
            )
        y = kernels(x).matmul(x, weight.T)
        if bias is not None:
            y += bias
        return y

    def backward(self, grad: Any) -> Any:
        x, weight = self.saved_tensors
        need_x, need_weight, need_bias = self.needs_input_grad
        return (
            MatMul.apply(grad, weight) if need_x else None,
            MatMul.apply(grad.T, x) if need_weight else None,
            Sum.apply(grad, (0,), False) if need_bias else None,
        )


class NuclearNorm(Operation):
    """The sum of the singular values of the matrices in the last two dimensions.

    Gradient: g U Vᵀ, for x = U S Vᵀ (:class:`PolarFactor`).  Saves x.
    """

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).linalg.svd(x, compute_uv=False).sum(-1)

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved_tensors
        return grad.unsqueeze(-1).unsqueeze(-1) * PolarFactor.apply(x)


class PolarFactor(Operation):
    """U Vᵀ, for matrices x = U S Vᵀ: the nearest matrix with orthonormal rows or columns.

    With a = Uᵀ g V, the gradient is U ((a - aᵀ) / (s_i + s_j)) Vᵀ, and g S⁻¹ in the directions that
    U (or V) leaves out.  It is not differentiable again.  Saves U, S and V.

    Source: Higham, "Functions of Matrices" (2008), chapter 8.
    """

    def forward(self, x: Array) -> Array:
        u, s, v = array_module(x).linalg.svd(x, full_matrices=False)
        self.save_for_backward(u, s, v)
        return u @ v

    def backward(self, grad: Any) -> Any:
        u, s, v = self.saved_tensors
        a = u.mT @ grad @ v.mT
        within = (a - a.mT) / (s.unsqueeze(-1) + s.unsqueeze(-2))
        result = u @ within @ v
        inverse = 1 / s.unsqueeze(-2)
        # What lies outside the columns of U, or the rows of V; for a square matrix, nothing.
        columns, rows = (grad - u @ (u.mT @ grad)) @ v.mT, u.mT @ (grad - (grad @ v.mT) @ v)
        return result + (columns * inverse) @ v + u @ (rows * inverse.mT)


# --- sums that an equation or a diagonal names ---------------------------------------------------


class Einsum(Operation):
    """The sum of products that an equation names, as in ``ij,jk->ik``.

    Each operand's labels are different from each other, and each of them stands in the result or in
    another operand (:func:`einsum` sees to both). So the gradient of an
    operand is a product of the same kind: g and the other operands, summed down to its labels.
    Saves the operands.
    """

    backward_takes_arrays = True

    def forward(self, labels: tuple[str, ...], result: str, *arrays: Array) -> Array:
        self.labels, self.result = labels, result
        self.save(*arrays)
        xp = array_module(arrays[0])
        return xp.einsum(f"{','.join(labels)}->{result}", *arrays, optimize=True)

    def backward(self, grad: Any) -> Any:
        operands = self.saved
        grads: list[Any] = [None, None]
        for i, needed in enumerate(self.needs_input_grad[2:]):
            others = [j for j in range(len(operands)) if j != i]
            labels = (self.result, *[self.labels[j] for j in others])
            grads.append(
                Einsum.apply(labels, self.labels[i], grad, *[operands[j] for j in others])
                if needed
                else None
            )
        return tuple(grads)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Return the sum of products that ``equation`` names, such as ``"ij,jk->ik"``.

    Labels are letters; one that stands twice in an operand takes its diagonal; ``...`` stands for
    further dimensions, which broadcast. Without ``->`` the result has the labels that occur once,
    in alphabetical order, after the dimensions of ``...``.

    Args:
        equation: the labels of each operand, separated by commas, and of the result.
        operands: the tensors, all of one dtype, or one list of them.

    Raises:
        RuntimeError: the equation does not fit the operands, or their dtypes differ.
        ValueError: there are no operands.

    Source: PyTorch, ``torch.einsum``.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not isinstance(equation, str) or not operands:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list\n  Write einsum('ij,jk->ik', a, b)."
        )
    tensor_list("einsum", operands)
    for x in operands[1:]:
        if x.dtype != operands[0].dtype:
            raise RuntimeError(
                f"expected scalar type {type_name(operands[0].dtype)} but found "
                f"{type_name(x.dtype)}\n"
                "  einsum() multiplies tensors of one dtype: convert one, as in x.double()"
            )
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
    hidden = [x.ndim - len(term) + 3 if "..." in term else 0 for term, x in zip(terms, operands)]
    shared = "".join(spare[: max(0, *hidden)])
    labels = [
        term.replace("...", shared[len(shared) - max(extra, 0) :])
        for term, extra in zip(terms, hidden)
    ]
    for i, (label, extra, x) in enumerate(zip(labels, hidden, operands)):
        if extra < 0 or len(label) != x.ndim:
            dots = "..." in terms[i]
            raise RuntimeError(
                "einsum(): the number of subscripts in the equation "
                f"({len(terms[i].replace('...', ''))}) "
                + ("is more than" if dots else "does not match")
                + f" the number of dimensions ({x.ndim}) for operand {i}"
                + ("" if dots else " and no ellipsis was given")
            )
    everything = "".join(labels)
    if not arrow:
        once = [c for c in everything if everything.count(c) == 1 and c not in shared]
        return labels, shared + "".join(sorted(once))
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


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix."""
    require_tensors("trace", input=input)
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return Sum.apply(diagonal(input), (0,), False)
