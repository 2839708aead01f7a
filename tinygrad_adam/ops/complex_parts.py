"""Complex numbers and the real ones of which they consist.

Gradients are dL/dx + i dL/dy, as in PyTorch. ``g`` is the gradient of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_adam.autograd import Operation, fit
from tinygrad_adam.backend import Array, array_module
from tinygrad_adam.backend.dtypes import complex64, complex128, float64, type_name
from tinygrad_adam.ops.arguments import checked, common_shape

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor


@checked
def is_complex(input: Tensor) -> bool:
    """Return whether the elements are complex numbers."""
    return input.dtype.kind == "c"


@checked
def is_conj(input: Tensor) -> bool:
    """Return False: conjugates are computed at once here, in PyTorch when they are needed."""
    return False


@checked
def is_floating_point(input: Tensor) -> bool:
    """Return whether the elements are real numbers with fractions."""
    return input.dtype.kind == "f"


@checked
def is_signed(input: Tensor) -> bool:
    """Return whether the dtype has negative numbers."""
    return input.dtype.kind not in "bu"


@checked
def is_nonzero(input: Tensor) -> bool:
    """Return whether the only element is not 0.

    Raises:
        RuntimeError: there are several, or none.
    """
    return bool(input)


@checked
def conj(input: Tensor) -> Tensor:
    """Return the complex conjugate of each element, a copy; real numbers as they are."""
    return fit.conj(input)  # type: ignore[no-any-return]


@checked
def resolve_conj(input: Tensor) -> Tensor:
    """Return the tensor itself: no conjugation is ever put off here."""
    return input


class Real(Operation):
    """The real parts: a view.  Gradient: g."""

    returns_view = True

    def forward(self, x: Array) -> Array:
        return x.real

    def backward(self, grad: Any) -> Any:
        return grad


@checked
def real(input: Tensor) -> Tensor:
    """Return a view of the real parts; real numbers as they are."""
    return Real.apply(input) if input.dtype.kind == "c" else input


class Imag(Operation):
    """The imaginary parts: a view.  Gradient: i g."""

    returns_view = True

    def forward(self, x: Array) -> Array:
        return x.imag

    def backward(self, grad: Any) -> Any:
        return grad * 1j


@checked
def imag(input: Tensor) -> Tensor:
    """Return a view of the imaginary parts.

    Raises:
        RuntimeError: the elements are not complex.
    """
    if input.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return Imag.apply(input)  # type: ignore[no-any-return]


class ViewAsReal(Operation):
    """Real and imaginary parts as a last dimension of size 2: a view.  Gradient: g put together."""

    returns_view = True

    def forward(self, x: Array) -> Array:
        return x[..., None].view(x.real.dtype)

    def backward(self, grad: Any) -> Any:
        return ViewAsComplex.apply(grad)


@checked
def view_as_real(input: Tensor) -> Tensor:
    """Return a view in which each complex number is a pair of real ones, a last dimension.

    Raises:
        RuntimeError: the elements are not complex.
    """
    if input.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return ViewAsReal.apply(input)  # type: ignore[no-any-return]


class ViewAsComplex(Operation):
    """Pairs in the last dimension as complex numbers: a view.  Gradient: g taken apart.

    Pairs that do not lie in memory as complex numbers do are copied, which is for gradients.
    """

    holomorphic = False

    def forward(self, x: Array) -> Array:
        dtype = _complex_dtype(x)
        self.returns_view = x.strides[-1] == x.itemsize
        return (x if self.returns_view else x.copy(order="C")).view(dtype)[..., 0]

    def backward(self, grad: Any) -> Any:
        return ViewAsReal.apply(grad)


@checked
def view_as_complex(input: Tensor) -> Tensor:
    """Return a view in which each pair in the last dimension is a complex number.

    Raises:
        RuntimeError: the elements are no floating-point numbers of 4 or 8 bytes, or there are no
            such pairs, or they do not lie in memory as complex numbers do.
    """
    if input.dtype.kind != "f" or input.dtype.itemsize < 4:
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {type_name(input.dtype)}\n  half is not: there is no complex32"
        )
    if input.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    steps = input.stride()
    if steps[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(step % 2 for step in steps[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return ViewAsComplex.apply(input)  # type: ignore[no-any-return]


def _complex_dtype(x: Any) -> Any:
    return complex128 if x.dtype == float64 else complex64


class Complex(Operation):
    """a + i b.  Gradient: da = Re g, db = Im g.  Saves nothing."""

    holomorphic = False

    def forward(self, a: Array, b: Array) -> Array:
        y = array_module(a).empty(common_shape(a.shape, b.shape), _complex_dtype(a))
        y.real, y.imag = a, b
        return y

    def backward(self, grad: Any) -> Any:
        return real(grad), imag(grad)


@checked
def complex(real: Tensor, imag: Tensor, *, out: Any = None) -> Tensor:
    """Return complex numbers of real and imaginary parts, of one floating-point dtype.

    Raises:
        RuntimeError: the dtypes differ, or are other ones; the shapes do not broadcast.
    """
    require_parts(real, imag)
    return Complex.apply(real, imag)


def require_parts(first: Tensor, second: Tensor) -> None:
    """Raise unless two tensors are floating-point numbers of one dtype."""
    a, b = first.dtype, second.dtype
    if a.kind != "f" or b.kind != "f":
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{type_name(a)} and {type_name(b)}"
        )
    if a != b:
        raise RuntimeError(
            f"Expected object of scalar type {type_name(a)} but got scalar type {type_name(b)} for "
            "second argument\n  Convert one of them, as in x.float()"
        )
