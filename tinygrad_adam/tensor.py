"""The Tensor: an array with a gradient and a history.

Every method is here, in one place. A method makes its arguments uniform, checks them, and applies
an operation; what the operation computes, and its gradient, stands in ``ops/``.

Tensors and operations need each other: a method applies an operation, and an operation returns a
tensor. There is no import circle, because the arrow points one way. This module imports the
operations; an operation receives tensors, and builds its results by asking one of them
(``Variable._wrap``, defined below), so that it never needs to import the class. In ``backward`` an
operation calls methods on the tensors that it is given.

Functions such as ``tinygrad_adam.exp`` are these methods; see ``functions.py``.
"""

from __future__ import annotations

import functools
import math
import operator
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy import asarray, generic

from tinygrad_adam import backend
from tinygrad_adam.autograd import gradients
from tinygrad_adam.autograd.gradients import Step
from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.inplace import in_place
from tinygrad_adam.autograd.variable import Variable, gradient_edge, watch_gradient
from tinygrad_adam.backend import Array, Dtype, array_module, as_dtype, is_array
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.formatting import format_tensor
from tinygrad_adam.ops import (
    activations,
    elementwise,
    indexing,
    linalg,
    ordering,
    reductions,
    shapes,
)
from tinygrad_adam.ops.arguments import (
    common_shape,
    flat,
    normalize_dim,
)

M = TypeVar("M", bound=Callable[..., Any])
Operator = Callable[["Tensor", Any], "Tensor"]

Number = (bool, int, float)
_new = object.__new__


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of integers that also counts the elements.

    Args:
        sizes: integers, or 0-d integer tensors.

    Raises:
        TypeError: one of them is something else.

    Source: PyTorch, ``torch.Size``.
    """

    __slots__ = ()

    def __new__(cls, sizes: Any = ()) -> Size:
        """Check that the sizes are integers."""
        numbers = []
        for i, size in enumerate(sizes):
            if not hasattr(size, "__index__"):
                raise TypeError(
                    f"torch.Size() takes an iterable of 'int' (item {i} is {type(size).__name__!r})"
                )
            numbers.append(operator.index(size))
        return _new_size(cls, numbers)

    def numel(self) -> int:
        """Return the number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        found = _item_of(self, index)
        return _new_size(Size, found) if type(index) is slice else found

    def __add__(self, other: Any) -> Any:
        return Size((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return _new_size(Size, tuple(self) * times)

    __rmul__ = __mul__


_new_size, _item_of = tuple.__new__, tuple.__getitem__


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that tensors of these shapes have together; an int means a vector's.

    Raises:
        RuntimeError: two of them differ in a dimension where neither has size 1.

    Source: PyTorch, ``torch.broadcast_shapes``.
    """
    return Size(common_shape(*[(s,) if isinstance(s, int) else tuple(s) for s in shapes]))


def is_tensor(value: object) -> bool:
    """Return whether ``value`` is a tensor."""
    return isinstance(value, Tensor)


def _numpy_names(method: M) -> M:
    """Let a method take NumPy's ``axis`` and ``keepdims`` for ``dim`` and ``keepdim``."""

    @functools.wraps(method)
    def renamed(self: Any, *args: Any, **options: Any) -> Any:
        if options:
            for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
                if theirs in options:
                    options[ours] = options.pop(theirs)
        return method(self, *args, **options)

    return renamed  # type: ignore[return-value]


def _operand(value: Any) -> Any:
    """Return the other side of an operator as a tensor or Python number, else NotImplemented."""
    if isinstance(value, Variable) or type(value) in Number:
        return value
    if isinstance(value, (bool, int, float, np.generic)):
        return value.item() if isinstance(value, np.generic) else value
    if is_array(value):
        return Tensor._wrap(value)
    return NotImplemented


def _operator(function: Callable[..., Tensor], reflected: bool = False) -> Operator:
    """Return the method behind an operator: ``function`` of what may stand on the other side."""

    def method(self: Tensor, other: Any) -> Tensor:
        if type(other) is not Tensor and (other := _operand(other)) is NotImplemented:
            return NotImplemented
        return function(self, other)

    def reflected_method(self: Tensor, other: Any) -> Tensor:
        other = _operand(other)
        return NotImplemented if other is NotImplemented else function(other, self)

    return reflected_method if reflected else method


def as_array(data: Any, dtype: Dtype | None = None) -> Array:
    """Return numbers, nested sequences, arrays or tensors as an array that is not shared.

    Python floats become float32, ints int64, bools bool; arrays keep their dtype.

    Raises:
        RuntimeError: ``data`` is nothing that tensors are made of, or does not fit ``dtype``.
        TypeError: it is text, an array of something else, or complex where ``dtype`` is not.
        ValueError: the sequences are ragged, or contain text or integers beyond int64.
    """
    if isinstance(data, Variable):
        return data.array.astype(dtype or data.array.dtype)
    if is_array(data) or isinstance(data, np.generic):
        if data.dtype.kind not in "biufc":
            raise TypeError(
                f"can't convert np.ndarray of type numpy.{data.dtype.type.__name__}. The only "
                "supported types are: float64, float32, float16, complex64, complex128, int64, "
                "int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
            )
        return array_module(data).array(data, dtype=dtype)
    if isinstance(data, str):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    if not isinstance(data, (bool, int, float, complex, list, tuple, range)):
        raise RuntimeError(
            f"Could not infer dtype of {type(data).__name__}\n"
            "  A tensor is made of numbers, nested lists of numbers, arrays or tensors."
        )
    data = _plain(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(_ragged(data)) from None
    if array.dtype.kind == "U":
        raise ValueError("too many dimensions 'str'")
    if array.dtype.name in ("object", "uint64"):
        odd = next((x for x in array.ravel().tolist() if not isinstance(x, int)), None)
        if odd is not None:
            raise RuntimeError(f"Could not infer dtype of {type(odd).__name__}")
        if dtype is None or dtype.kind != "f":
            raise ValueError("Overflow when unpacking long long\n  int64 holds -2**63 to 2**63 - 1")
        return array.astype(dtype)
    if dtype is None:
        dtype = _numpy_dtype(data) or backend.DEFAULT_DTYPE[type(array.ravel()[:1].sum().item())]
        if array.dtype.kind == "b":
            dtype = array.dtype
        elif array.size == 0:
            dtype = backend.DEFAULT_DTYPE[float]
    elif dtype.kind != "c" and array.dtype.kind == "c":
        raise TypeError("must be real number, not complex")
    elif dtype.kind in "iu" and array.size:
        for extreme in (array.min(), array.max()):  # raises if out of range
            backend.convert_number(extreme.item(), dtype)
    return array.astype(dtype)


def _plain(data: Any) -> Any:
    """Return nested sequences with the tensors in them as numbers or nested lists."""
    if isinstance(data, (list, tuple)):
        return [_plain(x) if isinstance(x, (list, tuple, Variable)) else x for x in data]
    return data.array.tolist() if isinstance(data, Variable) else data


def _ragged(data: Any) -> str:
    """Return PyTorch's text for nested sequences that are not of one length at every level."""
    level, dim = [data], 0
    while True:
        lengths = [len(x) if isinstance(x, (list, tuple)) else 0 for x in level]
        wrong = next((n for n in lengths if n != lengths[0]), None)
        if wrong is not None:
            return f"expected sequence of length {lengths[0]} at dim {dim} (got {wrong})"
        if not lengths[0]:
            return "expected sequences of equal length at every level"
        level, dim = [x for inner in level for x in inner], dim + 1


def _numpy_dtype(data: Any) -> Any:
    """Return the dtype of the first element of nested sequences if NumPy's own, else None."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data.dtype if isinstance(data, (np.ndarray, np.generic)) else None


# What belongs to a tensor's place in a graph, not to its value.
_NOT_COPIED = ("_base", "_base_edge", "_replay", "_locked", "watches")


class Tensor(Variable):
    """An array of numbers with a gradient and a history.

    Args:
        data: numbers, nested lists of them, an array or a tensor; copied, as float32. Or several
            integers: the shape of a tensor to be filled.

    ``array`` holds the numbers (NumPy or CuPy), ``grad`` the gradient, and ``grad_fn`` the
    operation that made the tensor. Use :func:`tinygrad_adam.tensor` to choose the dtype.

    Source: PyTorch, ``torch.Tensor``.
    """

    __array_priority__ = 1000  # numpy_array * tensor is the tensor's business

    def __init__(self, *data: Any) -> None:
        float32 = backend.DEFAULT_DTYPE[float]
        if data and all(type(size) is int for size in data):
            self.array = np.empty(data, float32)
        else:
            if len(data) > 1:
                raise TypeError(f"Tensor() takes data or a shape, but got {len(data)} arguments")
            self.array = as_array(data[0] if data else [], float32)
        self._version = [0]

    @staticmethod
    def _wrap(array: Array) -> Tensor:
        """Return a new tensor around ``array``, without history and without copying."""
        tensor = _new(Tensor)
        # Operations on 0-d arrays give numbers of NumPy's, which cannot be written to.
        tensor.array = asarray(array) if isinstance(array, generic) else array
        tensor._version = [0]
        return tensor

    # --- what it is ------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return _new_size(Size, self.array.shape)

    @property
    def dtype(self) -> Dtype:
        """The type of the elements, a ``numpy.dtype``."""
        return self.array.dtype  # type: ignore[no-any-return]

    @property
    def device(self) -> backend.device:
        """Where the elements are: ``device("cpu")`` or ``device("cuda", 0)``."""
        return backend.device_of(self.array)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return self.array.dtype.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self.array.size * self.array.dtype.itemsize  # type: ignore[no-any-return]

    @property
    def is_cuda(self) -> bool:
        """Whether the elements are on a GPU."""
        return not isinstance(self.array, np.ndarray)

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        if self.ndim == 0:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        return self.shape[normalize_dim(dim, self.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    ndimension = dim

    numel = nelement = shapes.numel

    def element_size(self) -> int:
        """Return the size of an element in bytes."""
        return self.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Return how many elements lie between neighbours in each dimension, or in one."""
        strides = tuple([step // self.itemsize for step in self.array.strides])
        return strides if dim is None else strides[normalize_dim(dim, self.ndim)]

    def is_contiguous(self) -> bool:
        """Return whether the elements lie in memory in C order, without gaps.

        Results of convolutions do not: they are in channels-last order.
        """
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        """Return whether the elements are floating-point numbers."""
        return self.dtype.kind == "f"

    def is_complex(self) -> bool:
        """Return whether the elements are complex numbers."""
        return self.dtype.kind == "c"

    def data_ptr(self) -> int:
        """Return the address of the first element in memory."""
        return int(self.array.ctypes.data if not self.is_cuda else self.array.data.ptr)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __repr__(self) -> str:
        return format_tensor(self)

    def __format__(self, spec: str) -> str:
        """Format a 0-d tensor as a number, so that ``f"{loss:.4f}"`` works."""
        if self.ndim == 0:
            return format(self.array.item(), spec)
        return object.__format__(self, spec)

    # --- gradient and history --------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded. Can be set on a leaf."""
        return gradient_edge(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self._edge is not None and not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        if value and not backend.is_differentiable(self.dtype):
            raise RuntimeError(
                "only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is {self.dtype} {tuple(self.shape)}; convert it first, as in x.float()"
            )
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor itself."""
        if requires_grad and not backend.is_differentiable(self.dtype):
            raise RuntimeError(
                "only Tensors of floating point dtype can require gradients\n"
                f"  This one is {self.dtype} {tuple(self.shape)}; convert it first, as in x.float()"
            )
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor: gradients end and stay here."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Any:
        """The operation that made this tensor, or None for a leaf."""
        edge = gradient_edge(self)
        return None if edge is None or self._edge is None else edge[0]

    @property
    def output_nr(self) -> int:
        """Which result of ``grad_fn`` this tensor is."""
        edge = gradient_edge(self)
        return 0 if edge is None else edge[1]

    @property
    def retains_grad(self) -> bool:
        """Whether this is no leaf and yet keeps its gradient."""
        node = self.grad_fn
        watch = None if node is None else (node.watches or {}).get(self.output_nr)
        return watch is not None and watch.retained is not None

    @property
    def grad(self) -> Any:
        """The gradient that ``backward`` added up here, or None.

        Reading it on a tensor that is no leaf and does not retain its gradient warns.
        """
        if self._grad is None and self._edge is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
                ".grad attribute won't be populated during autograd.backward(). If you indeed want "
                "the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
                "non-leaf Tensor.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type "
                    f"{type(value).__name__}"
                )
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of "
                    f"size '{list(self.shape)}'. Please ensure that the gradient and the tensor "
                    "are the same size"
                )
            if value.dtype != self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{c_type_name(value.dtype)}' to a "
                    f"tensor with grad_dtype '{type_name(self.dtype)}'.\n"
                    "  The gradient must have the tensor's dtype: convert it with .to()"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same memory as a tensor without history. Writing to it is not noticed."""
        return Tensor._wrap(self.array.view())

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array = value.array

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to the ``grad`` of every leaf that it depends on.

        Args:
            gradient: the gradient of this tensor itself, of its shape. May be left out if it has
                one element: then it is 1.
            retain_graph: keep what the operations saved, so that the graph can be walked again.
                Defaults to ``create_graph``.
            create_graph: record the walk itself, for gradients of gradients.
            inputs: store gradients for these tensors only.

        Raises:
            RuntimeError: no history; more than one element and no ``gradient``; the graph was freed
                by an earlier walk; a value needed was changed in place.

        Source: PyTorch, ``torch.Tensor.backward``.
        """
        gradients.backward(
            self, None if gradient is None else [gradient], retain_graph, create_graph, inputs
        )

    def backward_steps(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> Iterator[Step]:
        """Do what :meth:`backward` does, one step at a time: yield each ``autograd.Step``."""
        return gradients.backward_steps(
            self, None if gradient is None else [gradient], retain_graph, create_graph, inputs
        )

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in ``grad``, though it is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._edge is not None:
            watch_gradient(self).retained = weakref.ref(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook`` with the gradient of this tensor whenever it has been computed.

        The hook may return another gradient to take its place. It must not change its argument.

        Raises:
            RuntimeError: the tensor does not require grad.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return RemovableHandle(watch_gradient(self).hooks, hook)

    detach = shapes.detach

    def detach_(self) -> Tensor:
        """Forget the history of this tensor: make it a leaf that does not require grad.

        Raises:
            RuntimeError: it is a view; use :meth:`detach`.
        """
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._edge = None
        self._requires_grad = False
        return self

    clone = shapes.clone

    # --- leaving the framework -------------------------------------------------------------------

    def item(self) -> Any:
        """Return the only element as a Python number."""
        if self.numel() != 1:
            raise RuntimeError(
                f"a Tensor with {self.numel()} elements cannot be converted to Scalar"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """Return the elements as a NumPy array on the same memory.

        Args:
            force: also detach and copy from the GPU where needed.

        Raises:
            RuntimeError: the tensor requires grad.
            TypeError: it is on a GPU.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        if self.is_cuda and not force:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to "
                "copy the tensor to host memory first."
            )
        return backend.to_numpy(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return array.astype(dtype) if dtype is not None and dtype != array.dtype else array

    def __bool__(self) -> bool:
        if self.numel() != 1:
            amount = "more than one value" if self.numel() else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {amount} is ambiguous")
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self._only_element())

    def __int__(self) -> int:
        return int(self._only_element())

    def __complex__(self) -> complex:
        return complex(self._only_element())

    def _only_element(self) -> Any:
        if self.numel() != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars\n"
                f"  This one has shape {tuple(self.shape)}."
            )
        return self.array.item()

    def __index__(self) -> int:
        if self.numel() != 1 or self.dtype.kind not in "biu":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __contains__(self, value: Any) -> bool:
        if _operand(value) is NotImplemented:
            raise RuntimeError(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(value)}."
            )
        return bool((self == value).any())

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind())

    __hash__ = Variable.__hash__

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._edge is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment. Use detach() first."
            )
        copy = object.__new__(type(self))
        memo[id(self)] = copy
        copy.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _NOT_COPIED})
        copy.array = self.array.copy()
        copy._version = [0]
        if self._grad is not None:
            copy._grad = self._grad.detach().clone()
        return copy

    # --- moving and converting -------------------------------------------------------------------

    def to(self, *args: Any, **options: Any) -> Tensor:
        """Return the tensor with another dtype or on another device; itself if nothing changes.

        Call it as ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)``; each also
        takes ``non_blocking`` (ignored) and ``copy``.

        Raises:
            RuntimeError: the device is not there.
            TypeError: an argument is none of these.
        """
        dtype, device, copy = parse_to(*args, **options)
        result = self if device is None else shapes.move_to(self, device)
        result = result if dtype is None else shapes.cast(result, dtype)
        return shapes.clone(result) if copy and result is self else result

    def type(self, dtype: Any = None) -> Any:
        """Return the tensor converted to ``dtype``; without it, the name of the tensor's type."""
        return (
            f"{type(self).__module__}.{self.dtype}" if dtype is None else self.to(as_dtype(dtype))
        )

    def type_as(self, other: Tensor) -> Tensor:
        """Return the tensor converted to the dtype of ``other``."""
        return self.to(other.dtype)

    def cpu(self) -> Tensor:
        """Return the tensor in host memory."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Tensor:
        """Return the tensor on a GPU: the current one, or number ``device``."""
        return self.to(backend.device("cuda", device) if isinstance(device, int) else
                       backend.device("cuda") if device is None else device)  # fmt: skip

    contiguous = shapes.contiguous

    def new_tensor(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        """Return a tensor made of ``data``, with this one's dtype and device."""
        array = as_array(data, self.dtype if dtype is None else as_dtype(dtype))
        result = Tensor._wrap(backend.move(array, self.device))
        return result.requires_grad_() if requires_grad else result

    def new_full(
        self, size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Return a tensor of shape ``size`` full of a value, with this one's dtype and device."""
        xp = array_module(self.array)
        dtype = self.dtype if dtype is None else as_dtype(dtype)
        value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
        value = backend.convert_number(value, dtype)
        result = Tensor._wrap(xp.full(flat((size,)), value, dtype))
        return result.requires_grad_() if requires_grad else result

    def new_zeros(
        self, *sizes: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Return zeros of shape ``size``, with this one's dtype and device."""
        return self.new_full(flat(sizes, size), 0, dtype, requires_grad)

    def new_ones(
        self, *sizes: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Return ones of shape ``size``, with this one's dtype and device."""
        return self.new_full(flat(sizes, size), 1, dtype, requires_grad)

    def new_empty(
        self, *sizes: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Return a tensor of shape ``size`` to be filled, with this one's dtype and device."""
        return self.new_full(flat(sizes, size), 0, dtype, requires_grad)

    # --- writing in place ------------------------------------------------------------------------

    def _in_place(self, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """Write ``compute(self)`` into this tensor's memory; it takes over that history."""
        return in_place(lambda x: compute(x))(self)  # type: ignore[no-any-return]

    add_ = __iadd__ = in_place(elementwise.add)
    sub_ = __isub__ = in_place(elementwise.sub)
    mul_ = __imul__ = in_place(elementwise.mul)
    div_ = __itruediv__ = in_place(elementwise.div)
    pow_ = __ipow__ = in_place(elementwise.pow)
    floor_divide_ = __ifloordiv__ = in_place(elementwise.floor_divide)
    remainder_ = __imod__ = in_place(elementwise.remainder)
    neg_ = in_place(elementwise.neg)
    square_ = in_place(elementwise.square)
    __iand__ = in_place(elementwise.bitwise_and)
    __ior__ = in_place(elementwise.bitwise_or)
    __ixor__ = in_place(elementwise.bitwise_xor)
    exp_ = in_place(elementwise.exp)
    expm1_ = in_place(elementwise.expm1)
    log_ = in_place(elementwise.log)
    log2_ = in_place(elementwise.log2)
    log1p_ = in_place(elementwise.log1p)
    sqrt_ = in_place(elementwise.sqrt)
    rsqrt_ = in_place(elementwise.rsqrt)
    reciprocal_ = in_place(elementwise.reciprocal)
    sin_ = in_place(elementwise.sin)
    cos_ = in_place(elementwise.cos)
    tanh_ = in_place(elementwise.tanh)
    sigmoid_ = in_place(elementwise.sigmoid)
    erf_ = in_place(elementwise.erf)
    relu_ = in_place(activations.relu)
    abs_ = in_place(elementwise.abs)
    sign_ = in_place(elementwise.sign)
    floor_ = in_place(elementwise.floor)
    ceil_ = in_place(elementwise.ceil)
    trunc_ = in_place(elementwise.trunc)
    round_ = in_place(elementwise.round)
    clamp_ = in_place(elementwise.clamp)
    clamp_min_ = in_place(elementwise.clamp_min)
    clamp_max_ = in_place(elementwise.clamp_max)
    lerp_ = in_place(elementwise.lerp)
    addcmul_ = in_place(elementwise.addcmul)
    addcdiv_ = in_place(elementwise.addcdiv)
    masked_fill_ = in_place(elementwise.masked_fill)

    tril_ = in_place(shapes.tril)
    triu_ = in_place(shapes.triu)

    index_add_ = in_place(indexing.index_add)
    index_fill_ = in_place(indexing.index_fill)
    index_copy_ = in_place(indexing.index_copy)

    def index_put_(self, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
        """Do :meth:`index_put` in place."""
        return self._put(*indexing.resolve(tuple(indices), self), values, accumulate)

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Tensor:
        """Set every element to ``value``, a number or a 0-d tensor."""
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError(
                    "fill_ only supports 0-dimension value tensor but got tensor with "
                    f"{value.ndim} dimensions."
                )
            value = value.to(self.device, self.dtype)
        else:
            value = backend.convert_number(value, self.dtype)
        return in_place(elementwise.overwritten)(self, value)

    def copy_(self, src: Any, non_blocking: bool = False) -> Tensor:
        """Write the elements of ``src``, broadcast and converted, into this tensor."""
        source = src if isinstance(src, Tensor) else self.new_tensor(src)
        source = source.to(self.device, self.dtype)
        if source.shape != self.shape:
            if common_shape(self.shape, source.shape) != self.shape:
                raise RuntimeError(
                    f"output with shape {list(self.shape)} doesn't match the broadcast shape "
                    f"{list(common_shape(self.shape, source.shape))}"
                )
            source = source.expand(self.shape)
        return in_place(elementwise.overwritten)(self, source)

    scatter_add_ = in_place(indexing.scatter_add)
    scatter_ = in_place(indexing.scatter)
    scatter_reduce_ = in_place(indexing.scatter_reduce)

    def uniform_(self, low: float = 0.0, high: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers drawn uniformly from [low, high)."""
        if low > high:
            raise RuntimeError(
                f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
            )
        generator = generator or backend.default_generator
        return self.copy_(Tensor._wrap(generator.numpy.uniform(low, high, self.shape)))

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers drawn from the normal distribution."""
        if std < 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        generator = generator or backend.default_generator
        return self.copy_(Tensor._wrap(generator.numpy.normal(mean, std, self.shape)))

    def bernoulli_(self, p: float = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with 1 where a number drawn uniformly from [0, 1) is below ``p``, else 0."""
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        generator = generator or backend.default_generator
        return self.copy_(Tensor._wrap(generator.numpy.random(self.shape) < p))

    def __setitem__(self, index: Any, value: Any) -> None:
        view, picks = indexing.resolve(index, self)
        self._put(view, picks, value, False)

    def _put(self, view: Any, picks: Any, value: Any, accumulate: bool) -> Tensor:
        """Write ``value``, or add it, at the elements that an index resolved to."""
        if not picks and not accumulate:
            value = indexing.value_to_put(self, picks, value)
            target = indexing.Index.apply(self, view)
            if isinstance(value, Tensor) and value.shape != target.shape:
                value = _fitted(value, target)
            in_place(elementwise.overwritten)(target, value)
            return self
        return in_place(indexing.put)(self, view, accumulate, picks, value)

    # --- arithmetic ------------------------------------------------------------------------------

    __add__ = _operator(elementwise.add)
    __radd__ = _operator(elementwise.add, reflected=True)
    __sub__ = _operator(elementwise.sub)
    __rsub__ = _operator(elementwise.sub, reflected=True)
    __mul__ = _operator(elementwise.mul)
    __rmul__ = _operator(elementwise.mul, reflected=True)
    __truediv__ = _operator(elementwise.div)
    __rtruediv__ = _operator(elementwise.div, reflected=True)
    __floordiv__ = _operator(elementwise.floor_divide)
    __rfloordiv__ = _operator(elementwise.floor_divide, reflected=True)
    __mod__ = _operator(elementwise.remainder)
    __rmod__ = _operator(elementwise.remainder, reflected=True)
    __pow__ = _operator(elementwise.pow)
    __rpow__ = _operator(elementwise.pow, reflected=True)
    __neg__ = elementwise.neg
    __pos__ = elementwise.positive
    __abs__ = elementwise.abs

    def __matmul__(self, other: Any) -> Tensor:
        other = _operand(other)
        return self.matmul(other) if isinstance(other, Tensor) else NotImplemented

    def __rmatmul__(self, other: Any) -> Tensor:
        other = _operand(other)
        return other.matmul(self) if isinstance(other, Tensor) else NotImplemented

    add = elementwise.add
    sub = subtract = elementwise.sub
    mul = multiply = elementwise.mul
    div = divide = true_divide = elementwise.div
    floor_divide = elementwise.floor_divide
    fmod = elementwise.fmod
    remainder = elementwise.remainder
    pow = elementwise.pow
    neg = negative = elementwise.neg
    square = elementwise.square

    # --- functions of each element ---------------------------------------------------------------

    exp = elementwise.exp
    exp2 = elementwise.exp2
    expm1 = elementwise.expm1
    log = elementwise.log
    log2 = elementwise.log2
    log10 = elementwise.log10
    log1p = elementwise.log1p
    sqrt = elementwise.sqrt
    rsqrt = elementwise.rsqrt
    reciprocal = elementwise.reciprocal
    abs = absolute = elementwise.abs
    sign = elementwise.sign
    floor = elementwise.floor
    ceil = elementwise.ceil
    trunc = elementwise.trunc
    frac = elementwise.frac
    positive = elementwise.positive
    round = elementwise.round
    sin = elementwise.sin
    cos = elementwise.cos
    tan = elementwise.tan
    asin = elementwise.asin
    acos = elementwise.acos
    atan = elementwise.atan
    atan2 = elementwise.atan2
    hypot = elementwise.hypot
    sinh = elementwise.sinh
    cosh = elementwise.cosh
    asinh = elementwise.asinh
    acosh = elementwise.acosh
    atanh = elementwise.atanh
    tanh = elementwise.tanh
    sigmoid = elementwise.sigmoid
    erf = elementwise.erf
    logaddexp = elementwise.logaddexp
    relu = activations.relu
    clamp = clip = elementwise.clamp
    clamp_min = elementwise.clamp_min
    clamp_max = elementwise.clamp_max
    nan_to_num = elementwise.nan_to_num
    lerp = elementwise.lerp
    addcmul = elementwise.addcmul
    addcdiv = elementwise.addcdiv
    maximum = elementwise.maximum
    minimum = elementwise.minimum

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """Return this tensor's elements where ``condition`` holds, and those of ``other`` else.

        Raises:
            RuntimeError: the condition is not a bool tensor.
        """
        return elementwise.where(condition, self, other)  # type: ignore[no-any-return]

    masked_fill = elementwise.masked_fill

    # --- comparisons and bits --------------------------------------------------------------------

    __eq__ = _operator(elementwise.eq)  # type: ignore[assignment]
    __ne__ = _operator(elementwise.ne)  # type: ignore[assignment]
    __lt__ = _operator(elementwise.lt)
    __le__ = _operator(elementwise.le)
    __gt__ = _operator(elementwise.gt)
    __ge__ = _operator(elementwise.ge)
    __and__ = __rand__ = _operator(elementwise.bitwise_and)
    __or__ = __ror__ = _operator(elementwise.bitwise_or)
    __xor__ = __rxor__ = _operator(elementwise.bitwise_xor)
    __lshift__ = _operator(elementwise.bitwise_left_shift)
    __rshift__ = _operator(elementwise.bitwise_right_shift)
    __invert__ = elementwise.bitwise_not

    bitwise_and = elementwise.bitwise_and
    bitwise_or = elementwise.bitwise_or
    bitwise_xor = elementwise.bitwise_xor
    bitwise_not = elementwise.bitwise_not
    eq = elementwise.eq
    ne = elementwise.ne
    lt = elementwise.lt
    le = elementwise.le
    gt = elementwise.gt
    ge = elementwise.ge
    logical_and = elementwise.logical_and
    logical_or = elementwise.logical_or
    logical_xor = elementwise.logical_xor
    logical_not = elementwise.logical_not
    isnan = elementwise.isnan
    isinf = elementwise.isinf
    isfinite = elementwise.isfinite
    isposinf = elementwise.isposinf
    isneginf = elementwise.isneginf
    isclose = elementwise.isclose
    allclose = elementwise.allclose
    equal = elementwise.equal

    # --- reductions ------------------------------------------------------------------------------

    sum, nansum = reductions.sum, reductions.nansum
    mean, nanmean = reductions.mean, reductions.nanmean
    prod = reductions.prod
    var, var_mean = reductions.var, reductions.var_mean
    std, std_mean = reductions.std, reductions.std_mean
    all, any = reductions.all, reductions.any
    count_nonzero = reductions.count_nonzero
    logsumexp = reductions.logsumexp
    cumsum, cumprod, diff = reductions.cumsum, reductions.cumprod, reductions.diff
    amax, amin = reductions.amax, reductions.amin
    norm = linalg.norm
    softmax, log_softmax = activations.softmax, activations.log_softmax

    # --- order -----------------------------------------------------------------------------------

    max, min = ordering.max, ordering.min
    argmax, argmin = ordering.argmax, ordering.argmin
    sort, argsort, topk = ordering.sort, ordering.argsort, ordering.topk
    median = ordering.median
    unique = ordering.unique

    # --- shapes ----------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with its dimensions in reverse order: a view."""
        return self.permute(tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with its last two dimensions exchanged: a view."""
        if self.ndim == 1:
            raise RuntimeError(
                "tensor.mT is only supported on matrices or batches of matrices. Got "
                f"{self.ndim}-D tensor."
            )
        return self.transpose(-2, -1) if self.ndim else self

    @property
    def mH(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The conjugate transpose of a matrix or batch: of real numbers, :attr:`mT`."""
        return self.mT

    @property
    def H(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The conjugate transpose of a matrix: of real numbers, :meth:`t`."""
        if self.ndim not in (0, 2):
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
            )
        return self.mT

    reshape = shapes.reshape
    reshape_as = shapes.reshape_as
    view = shapes.view
    view_as = shapes.view_as
    flatten = shapes.flatten
    ravel = shapes.ravel
    unflatten = shapes.unflatten
    squeeze = shapes.squeeze
    unsqueeze = shapes.unsqueeze
    permute = shapes.permute
    transpose = swapaxes = swapdims = shapes.transpose
    movedim = moveaxis = shapes.movedim
    t = shapes.t
    expand = shapes.expand
    expand_as = shapes.expand_as
    broadcast_to = shapes.broadcast_to
    sum_to_size = shapes.sum_to_size
    repeat = shapes.repeat
    tile = shapes.tile
    repeat_interleave = indexing.repeat_interleave
    flip = shapes.flip
    roll = shapes.roll
    tril = shapes.tril
    triu = shapes.triu
    diagonal = shapes.diagonal
    diag_embed = shapes.diag_embed
    diag = shapes.diag
    trace = linalg.trace
    split = shapes.split
    chunk = shapes.chunk
    unbind = shapes.unbind
    narrow = shapes.narrow
    select = indexing.select

    # --- indexing --------------------------------------------------------------------------------

    __getitem__ = indexing.getitem
    index_select = indexing.index_select
    masked_select = indexing.masked_select
    nonzero = indexing.nonzero
    argwhere = indexing.argwhere
    take = indexing.take
    take_along_dim = indexing.take_along_dim
    index_put = indexing.index_put
    index_add = indexing.index_add
    index_copy = indexing.index_copy
    index_fill = indexing.index_fill
    gather = indexing.gather
    scatter = indexing.scatter
    scatter_reduce = indexing.scatter_reduce
    scatter_add = indexing.scatter_add

    # --- products --------------------------------------------------------------------------------

    matmul = linalg.matmul
    mm = linalg.mm
    bmm = linalg.bmm
    mv = linalg.mv
    dot = linalg.dot
    outer = linalg.outer
    addmm = linalg.addmm
    addmv = linalg.addmv
    baddbmm = linalg.baddbmm
    inner = linalg.inner

    # --- the dtypes by name ----------------------------------------------------------------------
    # Last in the class: below them ``float``, ``int`` and ``bool`` would mean these methods.

    def float(self) -> Tensor:
        """Return the tensor as float32."""
        return self.to(np.dtype("float32"))

    def double(self) -> Tensor:
        """Return the tensor as float64."""
        return self.to(np.dtype("float64"))

    def half(self) -> Tensor:
        """Return the tensor as float16."""
        return self.to(np.dtype("float16"))

    def long(self) -> Tensor:
        """Return the tensor as int64."""
        return self.to(np.dtype("int64"))

    def int(self) -> Tensor:
        """Return the tensor as int32."""
        return self.to(np.dtype("int32"))

    def short(self) -> Tensor:
        """Return the tensor as int16."""
        return self.to(np.dtype("int16"))

    def char(self) -> Tensor:
        """Return the tensor as int8."""
        return self.to(np.dtype("int8"))

    def byte(self) -> Tensor:
        """Return the tensor as uint8."""
        return self.to(np.dtype("uint8"))

    def bool(self) -> Tensor:
        """Return the tensor as bool: whether each element is not zero."""
        return self.to(np.dtype("bool"))


def _fitted(value: Tensor, target: Tensor) -> Tensor:
    """Return ``value`` broadcast to the shape of ``target``; sizes of 1 in front may be dropped."""
    shape = value.shape
    while len(shape) > target.ndim and shape[0] == 1:
        shape = shape[1:]
    return value.reshape(shape).expand(target.shape)


def _require_tensors(function: str, **arguments: Any) -> None:
    """Raise TypeError for an argument that is no tensor, with its name and position."""
    for position, (name, value) in enumerate(arguments.items(), 1):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{function}(): argument {name!r} (position {position}) must be Tensor, not "
                f"{type(value).__name__}"
            )


def _is_one(value: Any) -> bool:
    return type(value) in (int, float) and value == 1


def _is_dtype_name(argument: Any) -> bool:
    """Return whether text names a dtype, such as "float64": a convenience PyTorch lacks."""
    try:
        return isinstance(argument, str) and np.dtype(argument).kind in "biufc"
    except TypeError:
        return False


def parse_to(
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    other: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
) -> tuple[Dtype | None, Any, bool]:
    """Return dtype, device and copy as named by the arguments of ``to``.

    Raises:
        TypeError: an argument is no dtype, device or tensor.
    """
    for argument in (*args, other):
        if isinstance(argument, Tensor):
            dtype, device = argument.dtype, argument.device
        elif isinstance(argument, (backend.device, str)) and not _is_dtype_name(argument):
            device = backend.device(argument)
        elif isinstance(argument, int) and not isinstance(argument, bool):
            device = backend.device("cuda", argument)
        elif isinstance(argument, bool):
            continue  # non_blocking, which changes nothing here
        elif argument is not None:
            dtype = argument
    return (None if dtype is None else as_dtype(dtype)), device, copy
