"""Matrix products. ``g`` is the gradient of the result."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_adam.autograd import Operation
from tinygrad_adam.backend import Array, array_module, kernels
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.ops.arguments import common_shape as broadcast_shapes
from tinygrad_adam.ops.reductions import Sum


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


class Einsum(Operation):
    """The sum of products that an equation names, as in ``ij,jk->ik``.

    Each operand's labels are different from each other, and each of them stands in the result or in
    another operand (:func:`tinygrad_adam.functions.einsum` sees to both). So the gradient of an
    operand is a product of the same kind: g and the other operands, summed down to its labels.
    Saves the operands.
    """

    def forward(self, labels: tuple[str, ...], result: str, *arrays: Array) -> Array:
        self.labels, self.result = labels, result
        self.save_for_backward(*arrays)
        xp = array_module(arrays[0])
        return xp.einsum(f"{','.join(labels)}->{result}", *arrays, optimize=True)

    def backward(self, grad: Any) -> Any:
        operands = self.saved_tensors
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
