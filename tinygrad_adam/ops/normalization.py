"""Normalization: subtract the mean, divide by the standard deviation, scale and shift.

Batch, layer and group normalization differ only in what the mean is taken over. Each is the same
operation on x seen in another shape::

    batch   x (N, C, …)           mean over N and …       weight (1, C, 1, …)
    layer   x (…, normalized)     mean over normalized    weight (normalized)
    group   x (N, G, C / G, …)    mean over C / G and …   weight (1, G, C / G, 1, …)

With n = (x - mean) / sqrt(var + ε), y = w n + b, and u = g w the gradient of n:
dx = (u - mean(u) - n mean(u n)) / sqrt(var + ε), dw = Σ g n, db = Σ g.

Source: Ioffe and Szegedy, "Batch Normalization" (2015); Ba, Kiros and Hinton, "Layer Normalization"
(2016); Wu and He, "Group Normalization" (2018).
"""

from __future__ import annotations

from typing import Any

from tinygrad_adam.autograd import Operation, is_grad_enabled
from tinygrad_adam.backend import Array, array_module, is_array, kernels
from tinygrad_adam.backend.dtypes import float16, float32, type_name
from tinygrad_adam.backend.sums import wide

Dims = tuple[int, ...]


def check_parameter_dtypes(x: Array, **parameters: Array | None) -> None:
    """Raise unless weight, bias and running values, in this order, have the input's dtype.

    An input in half precision goes with float32 parameters, too.
    """
    found = {name: p.dtype for name, p in parameters.items() if p is not None}
    dtypes = list(found.values())
    if all(dtype == x.dtype for dtype in dtypes):
        return
    single = all(dtype == float32 for dtype in dtypes)
    if single and x.dtype == float16:
        return
    if dtypes[0] == x.dtype:
        other = next(dtype for dtype in dtypes if dtype != x.dtype)
        text = f"expected scalar type {type_name(x.dtype)} but found {type_name(other)}"
    elif single:
        text = "mixed dtype (CPU): all inputs must share same datatype."
    else:
        text = "mixed dtype (CPU): expect parameter to have scalar type of Float"
    names = ", ".join([f"{name} is {dtype}" for name, dtype in found.items()])
    raise RuntimeError(f"{text}\n  The input is {x.dtype}, {names}")


class _Normalization(Operation):
    """w (x - mean) / sqrt(var + ε) + b; the gradients stand above.

    Saves x, w, the mean and 1 / sqrt(var + ε).
    """

    constant_weight: bool = False
    """Whether the weight is constant over what is averaged: sums then serve two gradients."""

    def normalize(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        shape: Dims,
        weight_shape: Dims,
        dims: Dims,
        eps: float,
    ) -> Array:
        """Return the result.

        Args:
            x: in any shape of as many elements as ``shape``, in which it is seen.
            weight: as many elements as ``weight_shape``, in which it is seen; or None. So ``bias``.
            shape: and ``weight_shape``: see above.
            dims: the dimensions, counted in ``shape``, over which the mean is taken.
            eps: added to the variance.
        """
        xp = array_module(x)
        self.bias_shape = None
        check_parameter_dtypes(x, weight=weight, bias=bias)
        self.shape, self.weight_shape, self.dims, self.eps = shape, weight_shape, dims, eps
        seen = wide(x.reshape(shape))
        mean = seen.mean(dims, keepdims=True)
        y = seen - mean
        variance = xp.square(y).mean(dims, keepdims=True)
        inverse = 1 / xp.sqrt(variance + eps)
        self.save_for_backward(x, weight, mean, inverse)
        y *= inverse
        if weight is not None:
            y *= weight.reshape(weight_shape)
        if bias is not None:
            self.bias_shape = bias.shape
            y += bias.reshape(weight_shape)
        return y.reshape(x.shape).astype(x.dtype, copy=False)

    def backward(self, grad: Any) -> Any:
        x, weight, mean, inverse = self.saved_tensors
        need_x, need_weight, need_bias = self.needs_input_grad[:3]
        dims = self.dims
        seen, grad = x.reshape(self.shape), grad.reshape(self.shape)
        if is_grad_enabled():  # mean and deviation as functions of x, for a second derivative
            mean = seen.mean(dims, keepdim=True)
            inverse = ((seen - mean).square().mean(dims, keepdim=True) + self.eps).rsqrt()
        grad_x = grad_weight = grad_bias = None
        if need_bias:
            grad_bias = grad.sum_to_size(self.weight_shape).reshape(self.bias_shape)
        if need_x or need_weight:
            normalized = (seen - mean) * inverse
            product = grad * normalized
        if need_weight:
            grad_weight = product.sum_to_size(self.weight_shape).reshape(weight.array.shape)
        if need_x:
            if weight is not None:
                seen_weight = weight.reshape(self.weight_shape)
                if self.constant_weight:
                    inverse = inverse * seen_weight
                else:
                    grad, product = grad * seen_weight, product * seen_weight
            grad_x = grad - grad.mean(dims, keepdim=True)
            grad_x = (grad_x - normalized * product.mean(dims, keepdim=True)) * inverse
            grad_x = grad_x.reshape(x.array.shape)
        return grad_x, grad_weight, grad_bias


class BatchNorm(_Normalization):
    """Normalization of each channel over the batch; x (N, C, …), w and b (C,) or None.

    The running mean and variance, if given, are moved towards the batch's, in place. The gradient
    of arrays is a kernel, too; that of tensors is a formula, for gradients of it.
    """

    constant_weight = True

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        running_mean: Array | None,
        running_var: Array | None,
        momentum: float,
        eps: float,
    ) -> Array:
        check_parameter_dtypes(x, weight=weight, bias=bias)
        y, mean, variance = kernels(x).batch_norm(x, weight, bias, eps)
        self.shape, self.dims, self.eps = x.shape, (0, *range(2, x.ndim)), eps
        self.weight_shape = per_channel = (1, x.shape[1], *[1] * (x.ndim - 2))
        self.bias_shape = None if bias is None else bias.shape
        self.backward_takes_arrays = y.dtype != float16  # whose sums need more digits
        inverse = 1 / array_module(x).sqrt(variance + eps)
        self.save_for_backward(x, weight, mean.reshape(per_channel), inverse.reshape(per_channel))
        count = x.size // max(1, x.shape[1])
        if running_mean is not None and count:
            running_mean += momentum * (mean - running_mean)
        if running_var is not None and count:
            running_var += momentum * (variance * (count / max(1, count - 1)) - running_var)
        return y

    def backward(self, grad: Any) -> Any:
        if not is_array(grad):
            return super().backward(grad)
        x, weight, mean, inverse = self.saved_tensors
        needs = self.needs_input_grad
        found = kernels(x).batch_norm_gradient(grad, x, weight, mean, inverse, needs[0])
        shapes = (x.shape, weight is not None and weight.shape, self.bias_shape)
        return tuple([g.reshape(s) if need else None for g, s, need in zip(found, shapes, needs)])


class LayerNorm(_Normalization):
    """Normalization over the last dimensions; w and b of their shape, or None."""

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        normalized_shape: Dims,
        eps: float,
    ) -> Array:
        dims = tuple(range(x.ndim - len(normalized_shape), x.ndim))
        return self.normalize(x, weight, bias, x.shape, normalized_shape, dims, eps)


class GroupNorm(_Normalization):
    """Normalization of groups of channels in each image; x (N, C, …), w and b (C,) or None."""

    def forward(
        self, x: Array, weight: Array | None, bias: Array | None, groups: int, eps: float
    ) -> Array:
        each = x.shape[1] // groups
        shape = (x.shape[0], groups, each, *x.shape[2:])
        per_channel = (1, groups, each, *[1] * (x.ndim - 2))
        dims = tuple(range(2, len(shape)))
        return self.normalize(x, weight, bias, shape, per_channel, dims, eps)
