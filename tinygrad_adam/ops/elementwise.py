"""Operations on each element by itself: arithmetic, roots and exponentials, choices, comparisons.

Inputs broadcast against each other and are promoted as in PyTorch; neither is mentioned in a
gradient, since the engine fits every gradient to its input. ``g`` is the gradient of the result.
A function with real values takes integers too, as float32.
"""
# The functions of the tables below are signatures with a docstring; a decorator makes the body.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

import cmath
import functools
import inspect
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_adam.autograd import Operation
from tinygrad_adam.autograd.fit import Cast
from tinygrad_adam.autograd.mode import current_mode
from tinygrad_adam.autograd.nodes import as_one
from tinygrad_adam.backend import (
    DEFAULT_DTYPE,
    Array,
    array_module,
    convert_number,
    promote,
    result_type,
    special,
)
from tinygrad_adam.backend.dtypes import (
    bool_,
    c_type_name,
    float16,
    float32,
    is_differentiable,
    type_name,
    uint8,
)
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.ops.arguments import (
    Number,
    Operand,
    checked,
    fitted,
    into,
    is_tensor_here,
    require_operands,
)
from tinygrad_adam.ops.complex_parts import Complex, conj, imag, real, require_parts

if TYPE_CHECKING:
    from tinygrad_adam.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
_LARGEST_HALF = float(np.finfo(float16).max)


def is_number(x: Any) -> bool:
    """Return whether ``x`` is a Python number."""
    return isinstance(x, (bool, int, float, complex))


def floating(x: Array) -> Array:
    """Return ``x`` as it is if it holds floating-point numbers, else in the default dtype."""
    return x if is_differentiable(x.dtype) else x.astype(DEFAULT_DTYPE[float])


def require_floating(function: str, x: Array) -> None:
    """Raise, in the name of a function, unless ``x`` holds floating-point numbers."""
    if x.dtype.kind != "f":
        way = "take its abs(), real or imag" if x.dtype.kind == "c" else "as in x.float()"
        raise NotImplementedError(
            f"\"{function}\" not implemented for '{type_name(x.dtype)}'\n"
            f"  Convert the input first, {way}"
        )


def require_real(
    function: str,
    x: Any,
    sentence: str = "\"{}\" not implemented for '{}'",
    error: type[Exception] = NotImplementedError,
) -> None:
    """Raise, in the name of a function, if ``x`` holds complex numbers.

    Args:
        function: the name.
        x: the tensor or array.
        sentence: what to say of the name and the dtype.
        error: what to raise.
    """
    if x.dtype.kind == "c":
        raise error(
            sentence.format(function, type_name(x.dtype))
            + "\n  Complex numbers have no order: take their abs(), real or imag"
        )


def refuse_complex_gradient(function: str, node: Operation, x: Array) -> None:
    """Raise if a gradient is wanted of a function that has none for complex numbers, in PyTorch."""
    if x.dtype.kind == "c" and True in node.needs_input_grad:
        raise RuntimeError(
            f"{function} does not support automatic differentiation for outputs with complex dtype."
        )


def refuse_bools(a: Any, b: Any) -> None:
    """Raise if one of two operands is to be subtracted from the other and is a bool."""
    bools = [x for x in (a, b) if type(x) is bool or getattr(x, "dtype", None) == bool_]
    if bools:
        which = "a bool tensor" if len(bools) == 1 else "two bool tensors"
        raise RuntimeError(
            f"Subtraction, the `-` operator, with {which} is not supported.\n"
            "  Use ~ or logical_not() to invert a mask, ^ or logical_xor() of two"
        )


# --- tables: a formula, its derivatives, and the signature of the function -----------------------


class _Unary(Operation):
    """y = formula(x).  Gradient: derivative(g, …); what that names is saved."""

    formula: Callable[[Any, Array], Array]
    derivatives: tuple[Callable[..., Any], ...]
    saves: tuple[str, ...]
    integers: bool

    def forward(self, x: Array) -> Array:
        y = self.formula(array_module(x), x if self.integers else floating(x))
        self.save(*[x if name == "x" else y for name in self.saves])
        return y

    def backward(self, grad: Any) -> Any:
        return self.derivatives[0](grad, *self.saved)


class _Binary(Operation):
    """y = formula(a, b).  Gradient: a derivative(g, …) for each; what these name is saved."""

    formula: Callable[[Any, Array, Array], Array]
    derivatives: tuple[Callable[..., Any], ...]
    saves: tuple[str, ...]

    def forward(self, a: Array, b: Array) -> Array:
        x, z = promote(a, b)
        y = self.formula(array_module(x if hasattr(x, "dtype") else z), x, z)
        self.save(*[a if name == "a" else b if name == "b" else y for name in self.saves])
        return y

    def backward(self, grad: Any) -> Any:
        pairs = zip(self.derivatives, self.needs_input_grad)
        return tuple([slope(grad, *self.saved) if needed else None for slope, needed in pairs])


def _row(
    base: type[Operation],
    formula: Callable[..., Array],
    *derivatives: Callable[..., Any],
    integers: bool = False,
    numbers: bool = False,
) -> Callable[[F], F]:
    """Decorate the signature of a function and what it computes to become that function.

    The class of the operation, Exp for ``exp``, stands in the function's ``operation``.

    Args:
        base: what takes one operand, or two.
        formula: computes the result from NumPy or CuPy, and arrays (or a number next to one).
        derivatives: compute the gradient, for each operand, from ``g``, and from what else they
            name as their arguments (all the same): ``x``, or ``a`` and ``b``, an input, or ``y``,
            the result. That is what is saved. None at all: there is no gradient.
        integers: whether the result for integers is integers; else they become float32 first.
        numbers: whether it takes two numbers, too.
    """
    saves = tuple(inspect.signature(derivatives[0]).parameters)[1:] if derivatives else ()
    kept = " and ".join(["the result y" if name == "y" else name for name in saves]) or "nothing"

    def decorate(function: F) -> F:
        name = function.__name__
        fields = {
            "formula": staticmethod(formula),
            "derivatives": derivatives,
            "saves": saves,
            "integers": integers,
            "of_numbers": numbers,
            "backward": base.backward if derivatives else Operation.backward,
            "backward_name": "".join([word.title() for word in name.split("_")]),
            "__doc__": f"{function.__doc__}  Saves {kept}.",
            "__module__": __name__,
        }
        kind = "".join([word.capitalize() for word in name.split("_")])
        operation: Any = type(kind, (base,), fields)

        def one(input: Any, *, out: Any = None) -> Any:
            y = operation.apply(input)
            return y if out is None else into(name, out, y)

        def two(input: Any, other: Any) -> Any:
            return operation.apply(input, other)

        apply: Any = functools.wraps(function)(one if base is _Unary else two)
        if base is _Binary:
            apply = checked(apply)
        apply.operation = operation
        return apply  # type: ignore[no-any-return]

    return decorate


unary = functools.partial(_row, _Unary)
binary = functools.partial(_row, _Binary)


# --- comparisons and bits: no gradient -----------------------------------------------------------


def of_bits(name: str, ours: str = "", kinds: str = "biu") -> Callable[..., Array]:
    """Return the formula for a function of NumPy's and CuPy's of the bits of numbers.

    ``ours`` is its name here, if that is another, and ``kinds`` the kinds of dtype that it takes.
    """

    def formula(xp: Any, *operands: Any) -> Array:
        for x in operands:
            if hasattr(x, "dtype") and x.dtype.kind not in kinds:
                raise NotImplementedError(
                    f"\"{ours or name}\" not implemented for '{type_name(x.dtype)}'"
                )
        return getattr(xp, name)(*operands)  # type: ignore[no-any-return]

    return formula


def _of_order(name: str, theirs: str) -> Callable[..., Array]:
    """Return the formula for a comparison that real numbers have, by NumPy's name for it."""

    def formula(xp: Any, a: Any, b: Any) -> Array:
        require_real(name, a if hasattr(a, "dtype") else b)
        return getattr(xp, theirs)(a, b)  # type: ignore[no-any-return]

    return formula


@binary(lambda xp, a, b: xp.equal(a, b))
def eq(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """Return whether each element equals that of ``other``."""


@binary(lambda xp, a, b: xp.not_equal(a, b))
def ne(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """Return whether each element differs from that of ``other``."""


@binary(_of_order("lt", "less"))
def lt(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """Return whether each element is less than that of ``other``."""


@binary(_of_order("le", "less_equal"))
def le(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """Return whether each element is at most that of ``other``."""


@binary(_of_order("gt", "greater"))
def gt(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """Return whether each element is greater than that of ``other``."""


@binary(_of_order("ge", "greater_equal"))
def ge(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """Return whether each element is at least that of ``other``."""


@binary(of_bits("bitwise_and"))
def bitwise_and(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """Return input & other, elementwise, for integers and bools."""


@binary(of_bits("bitwise_or"))
def bitwise_or(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """Return input | other, elementwise, for integers and bools."""


@binary(of_bits("bitwise_xor"))
def bitwise_xor(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """Return input ^ other, elementwise, for integers and bools."""


def _inverted(xp: Any, x: Array) -> Array:
    if x.dtype.kind in "fc":
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
        )
    return ~x


@unary(_inverted, integers=True)
def bitwise_not(input: Tensor, *, out: Any = None) -> Tensor:
    """Return ~input, elementwise, for integers and bools."""


@binary(of_bits("left_shift", "bitwise_left_shift", "iu"))
def bitwise_left_shift(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """Return input << other, elementwise, for integers."""


@binary(of_bits("right_shift", "bitwise_right_shift", "iu"))
def bitwise_right_shift(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """Return input >> other, elementwise, for integers."""


@binary(lambda xp, a, b: xp.logical_and(a, b))
def logical_and(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return whether both elements are non-zero."""


@binary(lambda xp, a, b: xp.logical_or(a, b))
def logical_or(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return whether at least one of both elements is non-zero."""


@binary(lambda xp, a, b: xp.logical_xor(a, b))
def logical_xor(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Return whether exactly one of both elements is non-zero."""


@unary(lambda xp, x: xp.logical_not(x), integers=True)
def logical_not(input: Tensor, *, out: Any = None) -> Tensor:
    """Return whether each element is zero."""


@unary(lambda xp, x: xp.isnan(x), integers=True)
def isnan(input: Tensor) -> Tensor:
    """Return whether each element is NaN."""


@unary(lambda xp, x: xp.isinf(x), integers=True)
def isinf(input: Tensor) -> Tensor:
    """Return whether each element is infinite."""


@unary(lambda xp, x: xp.isfinite(x), integers=True)
def isfinite(input: Tensor) -> Tensor:
    """Return whether each element is neither NaN nor infinite."""


@checked
def isposinf(input: Tensor, *, out: Any = None) -> Tensor:
    """Return whether each element is infinity."""
    _require_real_infinity("isposinf", input)
    return eq(input, math.inf)


@checked
def isneginf(input: Tensor, *, out: Any = None) -> Tensor:
    """Return whether each element is -infinity."""
    _require_real_infinity("isneginf", input)
    return eq(input, -math.inf)


def _require_real_infinity(function: str, input: Any) -> None:
    require_real(function, input, "{} does not support complex inputs.", RuntimeError)


class IsClose(Operation):
    """Whether |a - b| <= atol + rtol |b|.  No gradient."""

    def forward(self, a: Array, b: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
        return array_module(a).isclose(a, b, rtol, atol, equal_nan)


@checked
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Return whether |input - other| <= atol + rtol |other|, elementwise.

    Raises:
        RuntimeError: the dtypes differ, the shapes do not broadcast, or a tolerance is negative.
    """
    if input.dtype != other.dtype:
        raise RuntimeError(f"{type_name(input.dtype)} did not match {type_name(other.dtype)}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    return IsClose.apply(input, other, rtol, atol, equal_nan)  # type: ignore[no-any-return]


@checked
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Return whether |input - other| <= atol + rtol |other| everywhere.

    Raises:
        RuntimeError: the dtypes differ, or the shapes do not broadcast.
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@checked
def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether both tensors have the same shape and the same elements."""
    return input.shape == other.shape and bool(eq(input, other).all())


# --- arithmetic ----------------------------------------------------------------------------------


class Add(Operation):
    """a + b.  Gradient: da = g, db = g.  Saves nothing."""

    def forward(self, a: Array, b: Array) -> Array:
        a, b = promote(a, b)
        return a + b

    def backward(self, grad: Any) -> Any:
        return grad, grad


def add(input: Operand, other: Operand, *, alpha: Number = 1, out: Any = None) -> Tensor:
    """Return input + alpha · other, elementwise; one of them may be a number."""
    if type(other) is not type(input) and type(other) is not float:
        require_operands("add", input, other)
    if type(alpha) is not int or alpha != 1:
        other = _times_alpha("add", input, other, alpha)
    y = Add.apply(input, other)
    return y if out is None else into("add", out, y)


class Sub(Operation):
    """a - b.  Gradient: da = g, db = -g.  Saves nothing."""

    def forward(self, a: Array, b: Array) -> Array:
        x, y = promote(a, b)
        if x is not a or y is not b or getattr(x, "dtype", None) is bool_:
            refuse_bools(a, b)
        return x - y

    def backward(self, grad: Any) -> Any:
        return grad, -grad if self.needs_input_grad[1] else None


def sub(input: Operand, other: Operand, *, alpha: Number = 1, out: Any = None) -> Tensor:
    """Return input - alpha · other, elementwise; one of them may be a number."""
    if type(other) is not type(input) and type(other) is not float:
        require_operands("sub", input, other)
    if type(alpha) is not int or alpha != 1:
        refuse_bools(input, other)
        other = _times_alpha("sub", input, other, alpha)
    y = Sub.apply(input, other)
    return y if out is None else into("sub", out, y)


class Rsub(Sub):
    """b - a, as :class:`Sub` of b and a."""

    def shown(self) -> Any:
        """Return PyTorch's form: of a number and a tensor, or of tensors in the order of a, b."""
        return ("RsubBackward1", 1) if self.edges[0] is None else ("RsubBackward0", 1, 0)


def rsub(input: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Return other - alpha · input, elementwise; ``other`` may be a number."""
    if not hasattr(input, "dtype"):
        fitted("rsub", "input", "Tensor", input)
    if type(other) is not type(input) and type(other) is not int:
        require_operands("rsub", input, other)
    if type(alpha) is not int or alpha != 1:
        refuse_bools(input, other)
        input = _times_alpha("rsub", other, input, alpha)
    return Rsub.apply(other, input)


def _times_alpha(function: str, input: Any, other: Any, alpha: Any) -> Any:
    """Return alpha · other in the dtype that ``other`` has together with ``input``."""
    alpha = fitted(function, "alpha", "Number", alpha)
    other = fitted(function, "other", "Operand", other)
    dtype = result_type(input, other)
    if dtype.kind != "b" and isinstance(alpha, bool):
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if dtype.kind in "biu" and isinstance(alpha, float):
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    if dtype.kind != "c" and isinstance(alpha, complex):
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    alpha = convert_number(alpha, dtype)
    if not hasattr(other, "dtype"):
        return other and alpha if dtype.kind == "b" else other * alpha
    return mul(other if other.dtype == dtype else Cast.apply(other, dtype), alpha)


class Mul(Operation):
    """a b.  Gradient: da = g b, db = g a.  Saves what these name."""

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save(a if need_b else None, b if need_a else None)
        a, b = promote(a, b)
        return a * b

    def backward(self, grad: Any) -> Any:
        a, b = self.saved
        need_a, need_b = self.needs_input_grad
        return grad * b if need_a else None, grad * a if need_b else None


def mul(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """Return input · other, elementwise; one of them may be a number."""
    y = Mul.apply(input, other) if type(input) is type(other) else _scaled(Mul, input, other)
    return y if out is None else into("mul", out, y)


class Div(Operation):
    """a / b.  Gradient: da = g / b, db = -g (a / b) / b.  Saves what these name."""

    def shown(self) -> Any:
        """Return PyTorch's form: 2 / x is a product there."""
        if self.edges[0] is None and not hasattr((self._saved or (0,))[0], "dtype"):
            return "MulBackward0", ("ReciprocalBackward0", 1), None
        return "DivBackward0", 0, 1

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save(a if need_b else None, b if need_a or need_b else None)
        x, y = promote(a, b)
        if not is_differentiable(x.dtype if hasattr(x, "dtype") else y.dtype):
            # From the operands themselves: promoted to uint8, say, -3 would have wrapped round.
            x, y = (
                v.astype(DEFAULT_DTYPE[float]) if hasattr(v, "dtype") else float(v) for v in (a, b)
            )
        return x / y

    def backward(self, grad: Any) -> Any:
        a, b = self.saved
        need_a, need_b = self.needs_input_grad
        return grad / b if need_a else None, -grad * ((a / b) / b) if need_b else None


for _operation in (Add, Sub, Rsub, Mul, Div):
    _operation.of_numbers = True


def div(
    input: Operand, other: Operand, *, rounding_mode: str | None = None, out: Any = None
) -> Tensor:
    """Return input / other, elementwise; of integers as float32. One of them may be a number.

    Args:
        input: a tensor.
        other: a tensor or number.
        rounding_mode: None; "floor" rounds down, "trunc" towards zero (and has gradient 0).
            Integers stay integers then.
        out: a tensor for the result.

    Raises:
        RuntimeError: another rounding mode.
    """
    if rounding_mode is not None:
        if fitted("div", "rounding_mode", "str", rounding_mode) not in ("floor", "trunc"):
            raise RuntimeError(
                "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                f"{rounding_mode!r}"
            )
        y = (floor_divide if rounding_mode == "floor" else _trunc_divide)(input, other)
    else:
        y = Div.apply(input, other) if type(input) is type(other) else _scaled(Div, input, other)
    return y if out is None else into("div", out, y)


def _scaled(operation: type[Operation], input: Any, other: Any) -> Any:
    """Apply Mul or Div to a tensor and a number: in float32 if that is infinite in float16.

    As PyTorch does.
    """
    x, factor = (input, other) if type(other) in (int, float) else (other, input)
    if type(factor) not in (int, float):
        require_operands(operation.__name__.lower(), input, other)
        return operation.apply(input, other)
    large = not -_LARGEST_HALF <= factor <= _LARGEST_HALF
    if large and getattr(x, "dtype", None) == float16:
        single = [Cast.apply(v, float32) if v is x else v for v in (input, other)]
        return Cast.apply(operation.apply(*single), float16)
    return operation.apply(input, other)


class Pow(Operation):
    """a ** b.  Gradient: da = g b a**(b-1), db = g a**b log(a).  Saves a, b and the result.

    As in PyTorch, da is 0 where b is 0, and db is 0 where a is 0 and b is not negative.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: one of three names, by which is a number."""
        of = self._saved or self.edges
        number = [x is None or isinstance(x, (int, float, complex)) for x in of[:2]]
        if number[1]:
            return "PowBackward0", 0
        return ("PowBackward2", 1) if number[0] else ("PowBackward1", 0, 1)

    def forward(self, a: Array, b: Array) -> Array:
        y = self.power(a, b)
        self.save(a, b, y if self.needs_input_grad[1] else None)
        return y

    @staticmethod
    def power(a: Array, b: Array) -> Array:
        x, exponent = promote(a, b)
        xp = array_module(a if hasattr(a, "dtype") else b)
        dtype = x.dtype if hasattr(x, "dtype") else exponent.dtype
        if dtype.kind == "b":
            if hasattr(a, "dtype") and hasattr(b, "dtype"):
                raise NotImplementedError("\"pow\" not implemented for 'Bool'")
            return x | ~exponent
        if dtype.kind in "iu":
            if isinstance(b, int) and b < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
            # What is left is 1 / 1 and 1 / -1; other numbers' inverses are cut off to 0.
            powers = x ** xp.maximum(exponent, 0)
            inverses = xp.where(xp.abs(x) == 1, x ** (xp.abs(exponent) % 2), 0)
            return xp.where(exponent < 0, inverses, powers).astype(dtype, copy=False)
        if type(b) not in (int, float) or (dtype.name == "float16" and b in (0.5, -0.5)):
            # As PyTorch does, without NumPy's shortcut to the square root, which differs from the
            # power at -0 and -infinity.
            return xp.power(x, exponent, dtype=dtype)
        if b == 3:
            return x * x * x  # ten times as fast as the general power
        return 1 / xp.sqrt(x) if b == -0.5 else x**exponent

    def backward(self, grad: Any) -> Any:
        a, b, y = self.saved
        need_a, need_b = self.needs_input_grad
        grad_a = grad_b = None
        if need_a and is_number(b):
            grad_a = grad * (b * pow(a, b - 1)) if b else overwritten(grad, 0)
        elif need_a:
            grad_a = where(b == 0, 0.0, grad * mul(b, pow(a, b - 1)))
        if need_b and is_number(a):
            slope = y * _log_of_number(a, y.dtype)
            grad_b = grad * (slope if a else where(_not_negative(b), 0.0, slope))
        elif need_b:
            slope = y * log(a if a.dtype.kind == y.dtype.kind else Cast.apply(a, y.dtype))
            grad_b = grad * where((a == 0) & _not_negative(b), 0.0, slope)
        return grad_a, grad_b


def _log_of_number(a: Any, dtype: Any) -> Any:
    """Return log(a), as it is among numbers of a dtype."""
    if a == 0:
        return -math.inf
    if dtype.kind == "c":
        return cmath.log(a)
    return math.log(a) if a > 0 else math.nan


def _not_negative(x: Any) -> Any:
    """Return whether x >= 0; of a complex number, whether it is such a real one."""
    return x >= 0 if x.dtype.kind != "c" else (real(x) >= 0) & (imag(x) == 0)


@checked
def pow(input: Operand, exponent: Operand, *, out: Any = None) -> Tensor:
    """Return input ** exponent, elementwise; one of them may be a number."""
    return Pow.apply(input, exponent)


@checked
def square(input: Tensor, *, out: Any = None) -> Tensor:
    """Return the square of each element."""
    return pow(input, 2)


def _negative(xp: Any, x: Array) -> Array:
    if x.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return -x


@unary(_negative, lambda g: -g, integers=True)
def neg(input: Tensor, *, out: Any = None) -> Tensor:
    """-x.  Gradient: -g."""


def _divisible(function: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Return operands of one dtype, of which neither is bool, nor an integer b 0 somewhere."""
    dtype = b.dtype if hasattr(b, "dtype") else a.dtype
    if dtype.kind in "bc":
        raise NotImplementedError(f"\"{function}\" not implemented for '{type_name(dtype)}'")
    if dtype.kind in "iu" and not array_module(b).all(b):
        raise RuntimeError("ZeroDivisionError\n  an integer cannot be divided by zero")
    return a, b


@binary(
    lambda xp, a, b: operator.floordiv(*_divisible("floor_divide", a, b)),
    lambda g: overwritten(g, 0),
    lambda g: overwritten(g, 0),
    numbers=True,
)
def floor_divide(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """floor(a / b), of integers an integer.  Gradient: 0 for both."""


def _truncated(xp: Any, a: Any, b: Any) -> Array:
    if (a if hasattr(a, "dtype") else b).dtype.kind == "f":
        return xp.trunc(a / b)
    a, b = _divisible("div", a, b)
    quotient = a // b
    return quotient + ((quotient * b != a) & ((a < 0) != (b < 0)))


@binary(_truncated, lambda g: overwritten(g, 0), lambda g: overwritten(g, 0), numbers=True)
def _trunc_divide(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """a / b rounded towards zero, of integers an integer.  Gradient: 0 for both."""


@binary(
    lambda xp, a, b: operator.mod(*_divisible("remainder", a, b)),
    lambda g, a, b: g,
    lambda g, a, b: -g * floor_divide(a, b),
)
def remainder(input: Operand, other: Operand, *, out: Any = None) -> Tensor:
    """a - b floor(a / b), with the sign of b.  Gradient: da = g, db = -g floor(a / b)."""


@binary(
    lambda xp, a, b: xp.fmod(*_divisible("fmod", a, b)),
    lambda g, a, b: g,
    lambda g, a, b: -g * _trunc_divide(a, b),
)
def fmod(input: Tensor, other: Operand, *, out: Any = None) -> Tensor:
    """a - b trunc(a / b), with the sign of a.  Gradient: da = g, db = -g trunc(a / b)."""


# --- functions of one variable: formula and derivative -------------------------------------------


@unary(lambda xp, x: xp.exp(x), lambda g, y: g * y)
def exp(input: Tensor, *, out: Any = None) -> Tensor:
    """exp(x).  Gradient: g y."""


@unary(lambda xp, x: xp.expm1(x), lambda g, y: g * (y + 1))
def expm1(input: Tensor, *, out: Any = None) -> Tensor:
    """exp(x) - 1, exact for small x.  Gradient: g (y + 1)."""


@unary(lambda xp, x: xp.exp2(x), lambda g, y: g * (y * math.log(2)))
def exp2(input: Tensor, *, out: Any = None) -> Tensor:
    """2**x.  Gradient: g y log(2)."""


@unary(lambda xp, x: xp.log(x), lambda g, x: g / x)
def log(input: Tensor, *, out: Any = None) -> Tensor:
    """log(x), the natural logarithm: -inf at 0, NaN below.  Gradient: g / x."""


@unary(lambda xp, x: xp.log2(x), lambda g, x: g / (x * math.log(2)))
def log2(input: Tensor, *, out: Any = None) -> Tensor:
    """log2(x).  Gradient: g / (x log 2)."""


@unary(lambda xp, x: xp.log10(x), lambda g, x: g / (x * math.log(10)))
def log10(input: Tensor, *, out: Any = None) -> Tensor:
    """log10(x).  Gradient: g / (x log 10)."""


@unary(lambda xp, x: xp.log1p(x), lambda g, x: g / (x + 1))
def log1p(input: Tensor, *, out: Any = None) -> Tensor:
    """log(1 + x), exact for small x.  Gradient: g / (1 + x)."""


@unary(lambda xp, x: xp.sqrt(x), lambda g, y: g / (2 * y))
def sqrt(input: Tensor, *, out: Any = None) -> Tensor:
    """The square root, NaN below 0.  Gradient: g / (2 y), infinite at 0."""


@unary(lambda xp, x: 1 / xp.sqrt(x), lambda g, y: -0.5 * g * pow(y, 3))
def rsqrt(input: Tensor, *, out: Any = None) -> Tensor:
    """1 / sqrt(x).  Gradient: -g y**3 / 2."""


@unary(lambda xp, x: 1 / x, lambda g, y: -g * (y * y))
def reciprocal(input: Tensor, *, out: Any = None) -> Tensor:
    """1 / x.  Gradient: -g y**2."""


@unary(lambda xp, x: xp.cos(x), lambda g, x: -g * sin(x))  # type: ignore[has-type]
def cos(input: Tensor, *, out: Any = None) -> Tensor:
    """cos(x), x in radians.  Gradient: -g sin(x)."""


@unary(lambda xp, x: xp.sin(x), lambda g, x: g * cos(x))
def sin(input: Tensor, *, out: Any = None) -> Tensor:
    """sin(x), x in radians.  Gradient: g cos(x)."""


@unary(lambda xp, x: xp.tan(x), lambda g, y: g * (1 + y * y))
def tan(input: Tensor, *, out: Any = None) -> Tensor:
    """tan(x), x in radians.  Gradient: g (1 + y**2)."""


@unary(lambda xp, x: xp.arcsin(x), lambda g, x: g * rsqrt(1 - x * x))
def asin(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of sin, in radians: NaN outside [-1, 1].  Gradient: g / sqrt(1 - x**2)."""


@unary(lambda xp, x: xp.arccos(x), lambda g, x: -g * rsqrt(1 - x * x))
def acos(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of cos, in radians: NaN outside [-1, 1].  Gradient: -g / sqrt(1 - x**2)."""


@unary(lambda xp, x: xp.arctan(x), lambda g, x: g / (1 + x * x))
def atan(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of tan, in radians.  Gradient: g / (1 + x**2)."""


@unary(lambda xp, x: xp.cosh(x), lambda g, x: g * sinh(x))  # type: ignore[has-type]
def cosh(input: Tensor, *, out: Any = None) -> Tensor:
    """cosh(x).  Gradient: g sinh(x)."""


@unary(lambda xp, x: xp.sinh(x), lambda g, x: g * cosh(x))
def sinh(input: Tensor, *, out: Any = None) -> Tensor:
    """sinh(x).  Gradient: g cosh(x)."""


@unary(lambda xp, x: xp.tanh(x), lambda g, y: g * (1 - y * y))
def tanh(input: Tensor, *, out: Any = None) -> Tensor:
    """tanh(x).  Gradient: g (1 - y**2)."""


@unary(lambda xp, x: xp.arcsinh(x), lambda g, x: g * rsqrt(x * x + 1))
def asinh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of sinh.  Gradient: g / sqrt(x**2 + 1)."""


def _acosh_slope(g: Any, x: Any) -> Any:
    if x.dtype.kind == "c":  # sqrt(x - 1) sqrt(x + 1) is not sqrt(x² - 1) where Re x < 0
        return g * (rsqrt(x - 1) * rsqrt(x + 1))
    return g * rsqrt(x * x - 1)


@unary(lambda xp, x: xp.arccosh(x), _acosh_slope)
def acosh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of cosh: NaN below 1.  Gradient: g / sqrt(x**2 - 1)."""


@unary(lambda xp, x: xp.arctanh(x), lambda g, x: g / (1 - x * x))
def atanh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of tanh: NaN outside [-1, 1].  Gradient: g / (1 - x**2)."""


@unary(lambda xp, x: special.logistic(x), lambda g, y: g * (y * (1 - y)))
def sigmoid(input: Tensor, *, out: Any = None) -> Tensor:
    """1 / (1 + exp(-x)).  Gradient: g y (1 - y)."""


def _erf(xp: Any, x: Array) -> Array:
    require_floating("erf", x)
    return special.erf(x)


@unary(_erf, lambda g, x: g * mul(exp(-x * x), 2 / math.sqrt(math.pi)))
def erf(input: Tensor, *, out: Any = None) -> Tensor:
    """The error function 2/sqrt(pi) ∫₀ˣ exp(-t²) dt.  Gradient: g 2/sqrt(pi) exp(-x²)."""


# --- functions of two variables ------------------------------------------------------------------


def _away(g: Any, a: Any, b: Any) -> Any:
    """Return g / (a² + b²), 0 at the origin."""
    square = a * a + b * b
    return where(square == 0, 0.0, g / square)


def of_reals(name: str, theirs: str) -> Callable[..., Array]:
    """Return the formula for a function of floating-point numbers, by NumPy's name for it."""

    def formula(xp: Any, a: Array, b: Array) -> Array:
        require_floating(name, a)
        return getattr(xp, theirs)(a, b)  # type: ignore[no-any-return]

    return formula


def _angle_of_point(xp: Any, a: Array, b: Array) -> Array:
    require_real("atan2", a)
    return xp.arctan2(floating(a), floating(b))


@binary(
    _angle_of_point,
    lambda g, a, b: _away(g, a, b) * b,
    lambda g, a, b: -_away(g, a, b) * a,
)
def atan2(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The angle of the point (x = b, y = a), in radians.

    Gradient: da = g b / (a**2 + b**2), db = -g a / (a**2 + b**2), both 0 at the origin.
    """


@binary(
    of_reals("hypot", "hypot"),
    lambda g, a, b, y: g * (a / y),
    lambda g, a, b, y: g * (b / y),
)
def hypot(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """sqrt(a**2 + b**2), without overflow.  Gradient: da = g a / y, db = g b / y."""


def _log_of_sum(xp: Any, a: Array, b: Array) -> Array:
    if a.dtype.kind != "c":
        return xp.logaddexp(a, b)
    largest = xp.where(a.real > b.real, a, b)
    largest = xp.where(xp.isfinite(largest), largest, 0)
    return xp.log(xp.exp(a - largest) + xp.exp(b - largest)) + largest


@binary(
    _log_of_sum,
    lambda g, a, b: g * sigmoid(a - b),
    lambda g, a, b: g * sigmoid(b - a),
)
def logaddexp(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """log(exp(a) + exp(b)), without overflow.

    Gradient: da = g sigmoid(a - b), db = g sigmoid(b - a).
    """


@as_one("Lerp", "input", "end")
@checked
def lerp(input: Tensor, end: Tensor, weight: Operand, *, out: Any = None) -> Tensor:
    """Return input + weight · (end - input), elementwise; ``weight`` is a number or tensor."""
    if input.dtype != end.dtype:
        raise RuntimeError(
            f"expected dtype {c_type_name(input.dtype)} for `end` but got dtype "
            f"{c_type_name(end.dtype)}"
        )
    return add(input, mul(weight, sub(end, input)))


@as_one("Addcmul", "input", "tensor1", "tensor2")
@checked
def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Any = None
) -> Tensor:
    """Return input + value · tensor1 · tensor2, elementwise."""
    return add(input, mul(tensor1, tensor2), alpha=value)


@as_one("Addcdiv", "input", "tensor1", "tensor2")
@checked
def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Any = None
) -> Tensor:
    """Return input + value · tensor1 / tensor2, elementwise."""
    if not (is_differentiable(tensor1.dtype) or is_differentiable(tensor2.dtype)):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release "
            "addcdiv will perform a true division of tensor1 and tensor2.\n"
            "  Convert one of the two, as in tensor1.float(), or use torch.div and torch.add"
        )
    return add(input, mul(div(tensor1, tensor2), value))


# --- steps ---------------------------------------------------------------------------------------


def _sign(xp: Any, x: Array) -> Array:
    require_real(
        "sign",
        x,
        "Unlike NumPy, torch.{} is not intended to support complex numbers. Please use torch.sgn "
        "instead.",
    )
    if x.dtype.kind == "b":
        return x.copy()
    y = xp.sign(x)
    return y if x.dtype.kind != "f" else xp.where(xp.isnan(y), x.dtype.type(0), y)


@unary(_sign, lambda g: overwritten(g, 0), integers=True)
def sign(input: Tensor, *, out: Any = None) -> Tensor:
    """-1, 0 or 1; 0 for NaN, as in PyTorch.  Gradient: 0."""


def _step(name: str) -> Callable[..., Array]:
    """Return the formula for a rounding function of NumPy's and CuPy's."""

    def formula(xp: Any, x: Array) -> Array:
        require_real(name, x, "{} is not supported for complex inputs")
        return getattr(xp, name)(x)  # type: ignore[no-any-return]

    return formula


@unary(_step("floor"), lambda g: overwritten(g, 0), integers=True)
def floor(input: Tensor, *, out: Any = None) -> Tensor:
    """The largest integer not above x.  Gradient: 0."""


@unary(_step("ceil"), lambda g: overwritten(g, 0), integers=True)
def ceil(input: Tensor, *, out: Any = None) -> Tensor:
    """The smallest integer not below x.  Gradient: 0."""


@unary(_step("trunc"), lambda g: overwritten(g, 0), integers=True)
def trunc(input: Tensor, *, out: Any = None) -> Tensor:
    """x without its fraction.  Gradient: 0."""


@as_one("Frac", "input")
@checked
def frac(input: Tensor, *, out: Any = None) -> Tensor:
    """Return the fraction of x, with its sign, elementwise."""
    require_real("frac", input)
    return sub(input, trunc(input))


class Round(Operation):
    """x to ``decimals`` places, halves to the even neighbour.  Gradient: 0."""

    def forward(self, x: Array, decimals: int) -> Array:
        require_real("round", x)
        return array_module(x).round(x, decimals)

    def backward(self, grad: Any) -> Any:
        return overwritten(grad, 0)


@checked
def round(input: Tensor, *, decimals: int = 0, out: Any = None) -> Tensor:
    """Return x rounded to ``decimals`` places, halves to even; its gradient is 0."""
    return Round.apply(input, decimals)


# --- kinks and choices ---------------------------------------------------------------------------


class FlatIn(Operation):
    """g, as a function of x: its slope there is 0.  Gradient: dx = 0, dg that of the result.

    Saves x.
    """

    def forward(self, x: Array, g: Array) -> Array:
        self.save(x)
        return g.view()

    def backward(self, grad: Any) -> Any:
        (x,) = self.saved
        return overwritten(x, 0) if self.needs_input_grad[0] else None, grad


def flat_in(x: Any, g: Any) -> Any:
    """Return ``g``; in a recorded walk as a function of ``x`` whose slope is 0 wherever it has one.

    For the gradient of what is made of straight pieces. A network of such has a second derivative
    then, zero, where otherwise there would be no way back to ``x``.
    """
    return g if current_mode().arrays else FlatIn.apply(x, g)


def flat_in_inputs(node: Operation, g: Any) -> Any:
    """Return ``g`` as :func:`flat_in` does, of those inputs of ``node`` that it did not save."""
    if current_mode().arrays:
        return g
    for edge in node.edges:
        if edge is not None:  # what has the history of the input, but no memory
            shape, dtype = edge[0].outputs[edge[1]]
            x = g._wrap(array_module(g.array).broadcast_to(dtype.type(0), shape))
            x._edge, x._requires_grad = edge, True
            g = FlatIn.apply(x, g)
    return g


class Overwrite(Operation):
    """``source``, a number or array, in the shape and dtype of x.  Gradient: dx = 0, dsource = g.

    Saves nothing.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: of a number or a tensor."""
        if self.edges[1] is None:
            return "FillBackward0", 0
        return "torch::autograd::CopyBackwards", 0, 1

    def forward(self, x: Array, source: Any) -> Array:
        y = array_module(x).empty_like(x)
        y[...] = source
        return y

    def backward(self, grad: Any) -> Any:
        return overwritten(grad, 0) if self.needs_input_grad[0] else None, grad


def overwritten(input: Any, source: Any) -> Any:
    """Return ``source``, a number or tensor, in the shape and dtype of ``input``."""
    return Overwrite.apply(input, source)


@unary(lambda xp, x: xp.abs(x), lambda g, x: g * sgn(x), integers=True)
def abs(input: Tensor, *, out: Any = None) -> Tensor:
    """|x|, of a complex number its distance from 0.  Gradient: g sgn(x), 0 at 0."""


class Sgn(Operation):
    """z / |z|, 0 at 0.  Gradient: (g - y Re(g conj(y))) / |z|, 0 at 0.

    Saves z and the result y.
    """

    holomorphic = False

    def forward(self, z: Array) -> Array:
        xp = array_module(z)
        size = xp.abs(z)
        y = xp.where(size == 0, z.dtype.type(0), z / size)
        self.save(z, y)
        return y

    def backward(self, grad: Any) -> Any:
        z, y = self.saved
        size = abs(z)
        along = real(grad * conj(y))
        return where(size == 0, 0.0, (grad - y * along) / size)


@checked
def sgn(input: Tensor, *, out: Any = None) -> Tensor:
    """Return the sign of each element; of a complex number the one of size 1 in its direction."""
    return Sgn.apply(input) if input.dtype.kind == "c" else sign(input)


def _angle_slope(g: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return overwritten(g, 0)
    square = real(x * conj(x))
    return where(square == 0, 0.0, 1j * (g * x) / square)


def _angle(xp: Any, x: Array) -> Array:
    if x.dtype.kind == "c":
        return xp.angle(x)
    return xp.where(xp.isnan(x), x, xp.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0)))


@unary(_angle, _angle_slope)
def angle(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle of a complex number, in radians; 0 or pi of a real one.

    Gradient: i g x / |x|², 0 at 0 and for real numbers.
    """


@checked
def polar(abs: Tensor, angle: Tensor, *, out: Any = None) -> Tensor:
    """Return the complex numbers of a size and an angle, in radians, of one floating-point dtype.

    Raises:
        RuntimeError: the dtypes differ, or are other ones; the shapes do not broadcast.
    """
    require_parts(abs, angle)
    return Complex.apply(mul(abs, cos(angle)), mul(abs, sin(angle)))


class Clamp(Operation):
    """x, but not below ``low`` nor above ``high``: numbers, arrays or None.

    Gradient: g to x where low <= x <= high, else to the bound that holds.  Saves all three.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: the limits stand in it if they are tensors."""
        if self.edges[1:] == (None, None):
            return "ClampBackward1", 0
        return "ClampBackward0", 0, 1, 2

    def forward(self, x: Array, low: Any, high: Any) -> Array:
        require_real("clamp", x, "{} is not supported for complex types")
        for bound in (low, high):
            if type(bound) is complex:
                convert_number(bound, x.dtype)  # which says that it is none
        self.save(x, low, high)
        xp = array_module(x)
        if not is_differentiable(x.dtype):
            # All three together decide the dtype: -1 next to 1.5 must not become 255 first.
            dtype = result_type(x, *[bound for bound in (low, high) if bound is not None])
            x = x.astype(dtype, copy=False)
            low, high = (convert_number(b, dtype) if is_number(b) else b for b in (low, high))
        if low is not None:
            x = xp.maximum(*promote(x, low))
        if high is not None:
            x = xp.minimum(*promote(x, high))
        return x

    def backward(self, grad: Any) -> Any:
        x, low, high = self.saved
        need_x, need_low, need_high = self.needs_input_grad
        grad = flat_in(x, grad)
        inside = grad_low = grad_high = None
        if need_x:
            inside = grad if low is None else where(ge(x, low), grad, 0.0)
            inside = inside if high is None else where(le(x, high), inside, 0.0)
        if need_low:
            holds = lt(x, low) if high is None else lt(x, low) & lt(low, high)
            grad_low = where(holds, grad, 0.0)
        if need_high:
            holds = gt(x, high) if low is None else gt(x, high) | lt(high, low)
            grad_high = where(holds, grad, 0.0)
        return inside, grad_low, grad_high


@checked
def clamp(
    input: Tensor, min: Operand | None = None, max: Operand | None = None, *, out: Any = None
) -> Tensor:
    """Return x limited to [min, max], elementwise; each a number, a tensor or None.

    The gradient is passed where min <= x <= max.

    Raises:
        RuntimeError: both bounds are None.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    return Clamp.apply(input, min, max)


@as_one("ClampMin", "input")
@checked
def clamp_min(input: Tensor, min: Operand, *, out: Any = None) -> Tensor:
    """Return x limited to at least ``min``, elementwise."""
    return clamp(input, min)


@as_one("ClampMax", "input")
@checked
def clamp_max(input: Tensor, max: Operand, *, out: Any = None) -> Tensor:
    """Return x limited to at most ``max``, elementwise."""
    return clamp(input, None, max)


def _won(g: Any, a: Any, b: Any, lost: Any) -> Any:
    """Return g for one of two, half of it where they are equal, 0 where it ``lost``."""
    g = flat_in(a, flat_in(b, g))
    return where(lost, 0.0, where(eq(a, b), g / 2, g))


def _larger_or_smaller(name: str) -> Callable[..., Array]:
    """Return the formula for NumPy's and CuPy's maximum or minimum."""

    def formula(xp: Any, a: Array, b: Array) -> Array:
        require_real(name, a, "{} not implemented for complex tensors.", RuntimeError)
        return getattr(xp, name)(a, b)  # type: ignore[no-any-return]

    return formula


@binary(
    _larger_or_smaller("maximum"),
    lambda g, a, b: _won(g, a, b, lt(a, b)),
    lambda g, a, b: _won(g, a, b, lt(b, a)),
)
def maximum(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """max(a, b), NaN if either is.  Gradient: g to the larger, half to each if they are equal."""


@binary(
    _larger_or_smaller("minimum"),
    lambda g, a, b: _won(g, a, b, gt(a, b)),
    lambda g, a, b: _won(g, a, b, gt(b, a)),
)
def minimum(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """min(a, b), NaN if either is.  Gradient: g to the smaller, half to each if they are equal."""


class Where(Operation):
    """a where ``condition`` holds, else b.  Gradient: g to the one taken.  Saves the condition.

    The second derivative is 0, not absent: what a condition such as a > b makes is straight pieces.
    """

    def shown(self) -> Any:
        """Return PyTorch's form: without the condition."""
        return "WhereBackward0", 1, 2

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        self.save(condition)
        xp = array_module(condition)
        if is_number(a) and is_number(b):
            a = xp.asarray(a, result_type(a, b))
        return xp.where(condition, *promote(a, b))

    def backward(self, grad: Any) -> Any:
        (condition,) = self.saved
        _, need_a, need_b = self.needs_input_grad
        grad = flat_in_inputs(self, grad)
        return (
            None,
            where(condition, grad, 0.0) if need_a else None,
            where(condition, 0.0, grad) if need_b else None,
        )


@checked
def where(
    condition: Tensor,
    input: Operand | None = None,
    other: Operand | None = None,
    *,
    out: Any = None,
) -> Any:
    """Return elements of ``input`` where ``condition`` holds, and of ``other`` elsewhere.

    Shapes broadcast, dtypes are promoted. With the condition alone: the positions where it holds,
    as :meth:`Tensor.nonzero` gives them with ``as_tuple=True``.

    Raises:
        RuntimeError: the condition is not a bool tensor (or uint8, which warns).
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.dtype == uint8:
        warn(
            "where received a uint8 condition tensor. This behavior is deprecated and will be "
            "removed in a future version of PyTorch. Use a boolean condition instead.",
        )
        condition = Cast.apply(condition, bool_)
    if condition.dtype != bool_:
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{type_name(condition.dtype)}"
        )
    return Where.apply(condition, input, other)


class MaskedFill(Operation):
    """x, but ``value`` where ``mask`` holds.  Gradient: g where it does not.  Saves the mask."""

    def shown(self) -> Any:
        """Return PyTorch's form: without the mask, and the value if it is a tensor."""
        if self.edges[2] is None:
            return "MaskedFillBackward0", 0
        return "MaskedFillBackward1", 0, 2

    def forward(self, x: Array, mask: Array, value: Any) -> Array:
        self.save(mask)
        # The result has the dtype of x: a Python number or 0-d array never promotes it.
        value = value.astype(x.dtype) if hasattr(value, "dtype") else x.dtype.type(value)
        return array_module(x).where(mask, value, x)

    def backward(self, grad: Any) -> Any:
        (mask,) = self.saved
        need_x, _, need_value = self.needs_input_grad
        return (
            where(mask, 0.0, grad) if need_x else None,
            None,
            where(mask, grad, 0.0) if need_value else None,
        )


@checked
def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """Return the tensor with ``value`` where ``mask`` holds.

    Args:
        input: a tensor.
        mask: a bool tensor that broadcasts with it.
        value: a number or a 0-d tensor.

    Raises:
        RuntimeError: the mask is not bool, or the value is no single number.
    """
    if mask.dtype != bool_:
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype "
            f"{c_type_name(mask.dtype)}"
        )
    if not is_tensor_here(value):
        value = convert_number(value, input.dtype)
    elif value.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    return MaskedFill.apply(input, mask, value)  # type: ignore[no-any-return]


class NanToNum(Operation):
    """x with other numbers for NaN, infinity and -infinity.  Gradient: g where x was finite.

    Saves which elements were not.
    """

    def forward(self, x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
        refuse_complex_gradient("nan_to_num", self, x)
        xp = array_module(x)
        self.save(~xp.isfinite(x))
        return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def backward(self, grad: Any) -> Any:
        (replaced,) = self.saved
        return where(replaced, 0.0, grad)


@checked
def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Any = None,
) -> Tensor:
    """Return x with NaN, infinity and -infinity replaced, elementwise.

    Args:
        input: a tensor.
        nan: what stands for NaN.
        posinf: what stands for infinity; the largest number of the dtype unless given.
        neginf: what stands for -infinity; the smallest number of the dtype unless given.
    """
    return NanToNum.apply(input, 0.0 if nan is None else nan, posinf, neginf)


@checked
def positive(input: Tensor) -> Tensor:
    """Return the tensor itself: ``+x``."""
    return input


# --- other names ---------------------------------------------------------------------------------

absolute, clip, negative, fix = abs, clamp, neg, trunc
arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
arccosh, arcsinh, arctanh = acosh, asinh, atanh
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
subtract, multiply, divide, true_divide = sub, mul, div, div
