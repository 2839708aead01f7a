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
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy import asarray, generic

from tinygrad_adam import backend
from tinygrad_adam.autograd import gradients
from tinygrad_adam.autograd.gradients import Step
from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.inplace import in_place
from tinygrad_adam.autograd.variable import Variable, gradient_edge, watch_gradient
from tinygrad_adam.backend import Array, Dtype, array_module, as_dtype, is_array
from tinygrad_adam.backend.dtypes import c_type_name, float16, type_name
from tinygrad_adam.formatting import format_tensor
from tinygrad_adam.ops import activations, elementwise, indexing, linalg, reductions, shapes
from tinygrad_adam.ops.arguments import (
    common_shape,
    flat,
    normalize_dim,
    normalize_dims,
)

M = TypeVar("M", bound=Callable[..., Any])
Operator = Callable[["Tensor", Any], "Tensor"]

Number = (bool, int, float)
_new = object.__new__


class ValuesAndIndices(NamedTuple):
    """What ``max``, ``min``, ``sort`` and ``topk`` along a dimension return."""

    values: Any
    indices: Any


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


def _dtype_of_a_mean(name: str, dtype: Any) -> Dtype:
    """Return the dtype that a mean is asked for in; RuntimeError if it is none for fractions."""
    dtype = as_dtype(dtype)
    if not backend.is_differentiable(dtype):
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Optional dtype must be either a floating "
            f"point or complex dtype. Got: {type_name(dtype)}"
        )
    return dtype


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

    def numel(self) -> int:
        """Return the number of elements."""
        return self.array.size  # type: ignore[no-any-return]

    nelement = numel

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

    def detach(self) -> Tensor:
        """Return a tensor on the same memory, without history, that does not require grad."""
        result = Tensor._wrap(self.array.view())
        result._version = self._version
        return result

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

    def index_add_(self, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
        """Do :meth:`index_add` in place."""
        return self._in_place(lambda x: x.index_add(dim, index, source, alpha=alpha))

    def index_fill_(self, dim: int, index: Tensor, value: Any) -> Tensor:
        """Do :meth:`index_fill` in place."""
        return self._in_place(lambda x: x.index_fill(dim, index, value))

    def index_copy_(self, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """Do :meth:`index_copy` in place."""
        return self._in_place(lambda x: x.index_copy(dim, index, source))

    def index_put_(self, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
        """Do :meth:`index_put` in place."""
        return self._put(*indexing.resolve(tuple(indices), self.array), values, accumulate)

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

    def scatter_add_(self, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """Do :meth:`scatter_add` in place."""
        return self._in_place(lambda x: x.scatter_add(dim, index, src))

    def scatter_(
        self,
        dim: int,
        index: Tensor,
        src: Any = None,
        *,
        value: Any = None,
        reduce: str | None = None,
    ) -> Tensor:
        """Do :meth:`scatter` in place."""
        return self._in_place(
            lambda x: x.clone().scatter(dim, index, src, value=value, reduce=reduce)
        )

    def scatter_reduce_(
        self, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
    ) -> Tensor:
        """Do :meth:`scatter_reduce` in place."""
        return self._in_place(
            lambda x: x.clone().scatter_reduce(dim, index, src, reduce, include_self=include_self)
        )

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
        view, picks = indexing.resolve(index, self.array)
        self._put(view, picks, value, False)

    def _put(self, view: Any, picks: Any, value: Any, accumulate: bool) -> Tensor:
        """Write ``value``, or add it, at the elements that an index resolved to."""
        if isinstance(value, (*Number, complex)):
            value = backend.convert_number(value, self.dtype)
        else:
            same = isinstance(value, Tensor) and value.dtype == self.dtype
            if isinstance(value, Tensor) and picks and not same:
                raise RuntimeError(
                    "Index put requires the source and destination dtypes match, got "
                    f"{type_name(self.dtype)} for the destination and {type_name(value.dtype)} "
                    "for the source."
                )
            value = (value if isinstance(value, Tensor) else self.new_tensor(value)).to(
                self.device, self.dtype
            )
            if value._version is self._version:
                value = value.clone()  # it may overlap with what is written, as in x[1:] = x[:-1]
        if not picks and not accumulate:
            target = indexing.Index.apply(self, view, False)
            if isinstance(value, Tensor) and value.shape != target.shape:
                value = _fitted(value, target)
            in_place(elementwise.overwritten)(target, value)
            return self
        return in_place(_put)(self, value, view, accumulate, *picks)  # type: ignore[no-any-return]

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

    @_numpy_names
    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Return the sum of all elements, or along ``dim``; of integers in int64.

        Args:
            dim: a dimension, several, or None for all.
            keepdim: keep the summed dimensions, with size 1.
            dtype: convert to it first.
        """
        x = self if dtype is None else self.to(as_dtype(dtype))
        return reductions.Sum.apply(x, normalize_dims(dim, self.ndim), keepdim, dtype and x.dtype)

    @_numpy_names
    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Return the mean of all elements, or along ``dim``. Arguments as for :meth:`sum`.

        Raises:
            RuntimeError: the elements are integers or bools.
        """
        x = self if dtype is None else self.to(_dtype_of_a_mean("mean", dtype))
        return reductions.Mean.apply(x, normalize_dims(dim, self.ndim), keepdim)

    @_numpy_names
    def prod(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Return the product of all elements, or along one dimension."""
        x = self if dtype is None else self.to(as_dtype(dtype))
        dims = normalize_dims(None, self.ndim) if dim is None else _one_dim(dim, self.ndim)
        return reductions.Prod.apply(x, dims, keepdim, dtype and x.dtype)

    @_numpy_names
    def var(
        self,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: Any = None,
    ) -> Tensor:
        """Return the variance Σ (x - mean)² / (n - correction), over all elements or along ``dim``.

        Args:
            dim: a dimension, several, or None for all.
            unbiased: the old name: True means correction 1, False correction 0.
            keepdim: keep the reduced dimensions, with size 1.
            correction: 1 unless given.
        """
        dims, correction = self._dims_and_correction(dim, unbiased, correction)
        return reductions.Var.apply(self, dims, keepdim, correction)

    @_numpy_names
    def std(
        self,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: Any = None,
    ) -> Tensor:
        """Return the standard deviation, the root of :meth:`var`; the gradient at 0 is 0."""
        dims, correction = self._dims_and_correction(dim, unbiased, correction)
        return reductions.Std.apply(self, dims, keepdim, correction)

    @_numpy_names
    def var_mean(
        self,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: Any = None,
    ) -> tuple[Tensor, Tensor]:
        """Return :meth:`var` and :meth:`mean` as a pair."""
        variance = self.var(dim, unbiased, keepdim, correction=correction)
        return variance, self.mean(None if isinstance(dim, bool) else dim, keepdim)

    @_numpy_names
    def std_mean(
        self,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: Any = None,
    ) -> tuple[Tensor, Tensor]:
        """Return :meth:`std` and :meth:`mean` as a pair."""
        deviation = self.std(dim, unbiased, keepdim, correction=correction)
        return deviation, self.mean(None if isinstance(dim, bool) else dim, keepdim)

    @_numpy_names
    def nansum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Return the sum of the elements that are not NaN. Arguments as for :meth:`sum`."""
        return self.masked_fill(self.isnan(), 0).sum(dim, keepdim, dtype=dtype)

    @_numpy_names
    def nanmean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Return the mean of the elements that are not NaN. Arguments as for :meth:`sum`.

        Raises:
            RuntimeError: the elements are integers or bools.
        """
        if not backend.is_differentiable(self.dtype):
            raise RuntimeError(
                "nanmean(): expected input to have floating point or complex dtype but got "
                f"{type_name(self.dtype)}"
            )
        wanted = self.dtype if dtype is None else _dtype_of_a_mean("nanmean", dtype)
        if wanted == float16:  # which may not hold how many there are
            return self.float().nanmean(dim, keepdim).half()
        total = self.nansum(dim, keepdim, dtype=wanted)
        return total / (~self.isnan()).sum(dim, keepdim)

    def _dims_and_correction(
        self, dim: Any, unbiased: bool | None, correction: Any
    ) -> tuple[tuple[int, ...], float]:
        if isinstance(dim, bool):  # var(False) is var(unbiased=False)
            dim, unbiased = None, dim
        if unbiased is not None and correction is not None:
            raise TypeError("give correction or the older unbiased, not both")
        if correction is None:
            correction = 1 if unbiased is None or unbiased else 0
        return normalize_dims(dim, self.ndim), correction

    @_numpy_names
    def norm(
        self,
        p: Any = "fro",
        dim: Any = None,
        keepdim: bool = False,
        dtype: Any = None,
    ) -> Tensor:
        """Return (Σ |x|ᵖ)^(1/p) over all elements or along ``dim``.

        Args:
            p: a number, inf, -inf, or "fro" (or None) for 2; "nuc" for the nuclear norm of a
                matrix, the sum of its singular values.
            dim: a dimension, several, or None for all.
            keepdim: keep the reduced dimensions, with size 1.
            dtype: convert to it first.

        Raises:
            RuntimeError: ``p`` is another word, or names a norm that is not defined here.
        """
        if p == "nuc":
            return self._nuclear_norm(dim, keepdim, dtype)
        if p in ("fro", None):
            p = 2.0
        if isinstance(p, str):
            raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
        if not backend.is_differentiable(self.dtype):
            raise RuntimeError(
                "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                f"{type_name(self.dtype)}"
            )
        dims, p = normalize_dims(dim, self.ndim), float(p)
        if p < 0 or p == math.inf:
            for d in dims:
                if self.shape[d] == 0:
                    where = "an empty tensor" if dim is None else f"the dimension {d}"
                    raise RuntimeError(
                        f"linalg.vector_norm cannot compute the {p:g} norm on {where} because "
                        + ("" if dim is None else "this dimension is empty and ")
                        + "the operation does not have an identity"
                    )
        x = self if dtype is None else self.to(as_dtype(dtype))
        return reductions.Norm.apply(x, dims, keepdim, p)

    def _nuclear_norm(self, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
        x = self if dtype is None else self.to(as_dtype(dtype))
        if not backend.is_differentiable(x.dtype):
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
        result = linalg.NuclearNorm.apply(x.movedim(dims, (-2, -1)))
        if keepdim:
            result = result.reshape([1 if d in dims else n for d, n in enumerate(x.shape)])
        return result

    @_numpy_names
    def amax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return the largest element, overall or along ``dim``; equal ones share the gradient.

        Raises:
            IndexError: a dimension named has no elements.
            RuntimeError: there are no elements at all.
        """
        return reductions.Amax.apply(self, self._dims_to_search("amax", dim), keepdim)

    @_numpy_names
    def amin(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return the smallest element, overall or along ``dim``; equal ones share the gradient.

        Errors as for :meth:`amax`.
        """
        return reductions.Amin.apply(self, self._dims_to_search("amin", dim), keepdim)

    @_numpy_names
    def max(self, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        """Return the largest element; or with ``dim`` the pair ``(values, indices)`` along it.

        With a tensor, ``other``, instead of ``dim`` it is :meth:`maximum`. Along a dimension the
        first of equal elements is taken and gets the gradient; overall they share it. Errors as for
        :meth:`amax`.
        """
        if isinstance(dim, Tensor) or other is not None:
            return self.maximum(dim if other is None else other)
        if dim is None:
            return reductions.Max.apply(self, self._dims_to_search("max", None), keepdim)
        return self._extremum_along("max", dim, keepdim)

    @_numpy_names
    def min(self, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        """Return the smallest element; or with ``dim`` the pair ``(values, indices)`` along it.

        As :meth:`max`, with :meth:`minimum`.
        """
        if isinstance(dim, Tensor) or other is not None:
            return self.minimum(dim if other is None else other)
        if dim is None:
            return reductions.Min.apply(self, self._dims_to_search("min", None), keepdim)
        return self._extremum_along("min", dim, keepdim)

    def _extremum_along(self, which: str, dim: int, keepdim: bool) -> ValuesAndIndices:
        dim = normalize_dim(dim, self.ndim)
        if self.ndim:
            self._dims_to_search(which, dim)
        indices = self._positions(f"arg{which}", dim)
        return self._pick(dim, indices, keepdim)

    def _pick(self, dim: int, indices: Tensor, keepdim: bool) -> ValuesAndIndices:
        """Return the elements at ``indices`` along ``dim``, a size of 1 there, with the indices."""
        values = self.gather(dim, indices)
        if not keepdim and self.ndim:
            values, indices = values.squeeze(dim), indices.squeeze(dim)
        return ValuesAndIndices(values, indices)

    def _dims_to_search(self, name: str, dim: Any) -> tuple[int, ...]:
        """Return the dimensions along which an extremum is wanted, once sure that there is one."""
        if self.numel() == 0:
            if dim is None or (isinstance(dim, (tuple, list)) and not dim):
                error = IndexError if name.startswith("arg") else RuntimeError
                raise error(
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                    "Specify the reduction dim with the 'dim' argument."
                )
            for d in normalize_dims(dim, self.ndim):
                if self.shape[d] == 0:
                    raise IndexError(
                        f"{name}(): Expected reduction dim {d} to have non-zero size.\n"
                        f"  the tensor has shape {tuple(self.shape)}"
                    )
        return normalize_dims(dim, self.ndim)

    def _positions(self, name: str, dim: int) -> Tensor:
        """Return ``argmax`` or ``argmin`` along ``dim``, which is kept with size 1."""
        xp = array_module(self.array)
        if self.ndim == 0:
            return Tensor._wrap(xp.zeros((), np.int64))
        found = getattr(xp, name)(self.array, axis=dim, keepdims=True)
        return Tensor._wrap(found.astype(np.int64, copy=False))

    def _arg(self, name: str, dim: Any, keepdim: bool) -> Tensor:
        dim = None if dim is None else normalize_dim(dim, self.ndim)
        if self.dtype.kind == "b":
            raise RuntimeError(f"{name}(): does not support bool input")
        self._dims_to_search(name, dim)
        if dim is None:
            found = self.detach().reshape(-1)._positions(name, 0)
            return found.reshape((1,) * self.ndim if keepdim else ())
        found = self._positions(name, dim)
        return found if keepdim or not self.ndim else found.squeeze(dim)

    @_numpy_names
    def argmax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return the position of the (first) largest element, int64; flat if ``dim`` is None."""
        return self._arg("argmax", dim, keepdim)

    @_numpy_names
    def argmin(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return the position of the (first) smallest element, int64; flat if ``dim`` is None."""
        return self._arg("argmin", dim, keepdim)

    @_numpy_names
    def all(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return whether all elements are non-zero, overall or along ``dim``."""
        return self._any_or_all("all", dim, keepdim)

    @_numpy_names
    def any(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Return whether some element is non-zero, overall or along ``dim``."""
        return self._any_or_all("any", dim, keepdim)

    def _any_or_all(self, name: str, dim: Any, keepdim: bool) -> Tensor:
        # Unlike elsewhere, () means no dimension here.
        dims = () if isinstance(dim, (tuple, list)) and not dim else normalize_dims(dim, self.ndim)
        found = getattr(self.array != 0, name)(dims, keepdims=keepdim)
        dtype = self.dtype if self.dtype.name == "uint8" else np.dtype("bool")
        return Tensor._wrap(found.astype(dtype, copy=False))

    @_numpy_names
    def count_nonzero(self, dim: Any = None) -> Tensor:
        """Return how many elements are not zero, overall or along ``dim``, int64."""
        return (self != 0).sum(dim)

    @_numpy_names
    def logsumexp(self, dim: Any, keepdim: bool = False) -> Tensor:
        """Return log Σ eˣ along ``dim`` (one or several), without overflow."""
        if dim is None:
            raise TypeError(
                "logsumexp(): argument 'dim' (position 1) must be tuple of ints, not NoneType"
            )
        dims = normalize_dims(dim, self.ndim)
        x = self if backend.is_differentiable(self.dtype) else self.float()
        return reductions.LogSumExp.apply(x, dims, keepdim)

    softmax = activations.softmax
    log_softmax = activations.log_softmax

    @_numpy_names
    def cumsum(self, dim: int, *, dtype: Any = None) -> Tensor:
        """Return the running sum along ``dim``."""
        x = self if dtype is None else self.to(as_dtype(dtype))
        return reductions.Cumsum.apply(x, normalize_dim(dim, self.ndim), dtype and x.dtype)

    @_numpy_names
    def cumprod(self, dim: int, *, dtype: Any = None) -> Tensor:
        """Return the running product along ``dim``."""
        x = self if dtype is None else self.to(as_dtype(dtype))
        return reductions.Cumprod.apply(x, normalize_dim(dim, self.ndim), dtype and x.dtype)

    @_numpy_names
    def diff(self, n: int = 1, dim: int = -1) -> Tensor:
        """Return the differences of neighbours along ``dim``, taken ``n`` times."""
        if self.ndim == 0:
            raise RuntimeError("diff expects input to be at least one-dimensional")
        x = self
        for _ in range(n):
            size = x.size(dim)
            x = x.narrow(dim, min(1, size), max(size - 1, 0)) - x.narrow(dim, 0, max(size - 1, 0))
        return x

    # --- order -----------------------------------------------------------------------------------

    def sort(
        self, dim: int = -1, descending: bool = False, *, stable: bool = False
    ) -> ValuesAndIndices:
        """Return the elements in order along ``dim``, and where they were: ``(values, indices)``.

        NaN counts as the largest number. The sort is always stable: equal elements keep their
        order.

        Source: PyTorch, ``torch.sort``.
        """
        dim = normalize_dim(dim, self.ndim)
        xp, x = array_module(self.array), self.array
        if self.ndim == 0:
            return ValuesAndIndices(self.clone(), Tensor._wrap(xp.zeros((), np.int64)))
        if descending:  # from the last to the first, so that equal elements keep their order
            found = xp.flip(xp.argsort(xp.flip(x, dim), axis=dim, kind="stable"), dim)
            found = x.shape[dim] - 1 - found
        else:
            found = xp.argsort(x, axis=dim, kind="stable")
        return self._pick(dim, Tensor._wrap(found), keepdim=True)

    def argsort(self, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
        """Return where the elements were that :meth:`sort` puts in order, int64."""
        return self.detach().sort(dim, descending).indices  # type: ignore[no-any-return]

    def topk(
        self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
    ) -> ValuesAndIndices:
        """Return the ``k`` largest (or smallest) elements along ``dim``, and where they were.

        They come in order, whatever ``sorted`` says.

        Raises:
            RuntimeError: there are fewer than ``k``.

        Source: PyTorch, ``torch.topk``.
        """
        if self.dtype.kind == "b":
            raise RuntimeError("topk does not support bool dtypes on CPU")
        dim = normalize_dim(dim, self.ndim)
        if not 0 <= k <= (self.shape[dim] if self.ndim else 1):
            raise RuntimeError(
                f"selected index k out of range\n  k is {k}, the tensor has shape "
                f"{tuple(self.shape)}"
            )
        if self.ndim == 0:
            return self.sort()
        order = self.argsort(dim, descending=largest)
        return self._pick(dim, order.narrow(dim, 0, k), keepdim=True)

    @_numpy_names
    def median(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the median, the lower of two; or with ``dim`` ``(values, indices)`` along it.

        NaN if there is a NaN, or no element at all.

        Raises:
            IndexError: ``dim`` has no elements.
        """
        if dim is None:
            return reductions.Median.apply(self, normalize_dims(None, self.ndim), False)
        dim = normalize_dim(dim, self.ndim)
        if self.ndim == 0:
            return self.sort()
        self._dims_to_search("median", dim)
        order = self.argsort(dim)
        middle = order.narrow(dim, (self.shape[dim] - 1) // 2, 1)
        # A NaN is sorted to the end: where there is one, the first of them is taken.
        nans = self.isnan().to(np.dtype("int64"))
        places = nans.argmax(dim, keepdim=True)
        return self._pick(dim, middle.where(~self.isnan().any(dim, keepdim=True), places), keepdim)

    def unique(
        self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
    ) -> Any:
        """Return the different elements in order, as a vector without gradient.

        Args:
            sorted: they are in order, whatever this says.
            return_inverse: also return where in it each element of this tensor is, int64.
            return_counts: also return how often each occurs, int64.
        """
        found = array_module(self.array).unique(
            self.array, return_inverse=return_inverse, return_counts=return_counts, equal_nan=False
        )
        if not isinstance(found, tuple):
            return Tensor._wrap(found)
        results = [Tensor._wrap(x) for x in found]
        if return_inverse:
            results[1] = results[1].reshape(self.shape)
        return tuple(results)

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

    def __getitem__(self, index: Any) -> Tensor:
        """Return the elements at ``index``: ints, slices, None, Ellipsis, bool and int tensors.

        A view if there are no tensors or lists among them, else a copy.

        Raises:
            IndexError: the index does not fit the shape, or something in it cannot be an index.
            ValueError: a slice goes backwards.
        """
        view, picks = indexing.resolve(index, self.array)
        return indexing.Index.apply(self, view, False, *picks)

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return the elements at the positions ``index`` (1-d, integers) along ``dim``: a copy.

        Raises:
            IndexError: the index is no vector, or names a position that does not exist.
            RuntimeError: its dtype is not int32 or int64.
        """
        _require_tensors("index_select", index=index)
        if index.ndim > 1:
            raise IndexError("index_select(): Index is supposed to be a vector")
        if index.dtype.name not in ("int32", "int64"):
            raise RuntimeError(
                "index_select(): Expected dtype int32 or int64 for index\n"
                f"  This one is {index.dtype}"
            )
        dim = normalize_dim(dim, self.ndim)
        if self.ndim == 0:
            if index.numel() != 1:
                raise RuntimeError(
                    "index_select(): Index to scalar can have only 1 value, got "
                    f"{index.numel()} value(s)"
                )
            return self.reshape(1).index_select(0, index).reshape(())
        size, positions = self.shape[dim], index.array
        if positions.size and not 0 <= int(positions.min()) <= int(positions.max()) < size:
            raise IndexError(
                f"index out of range in self\n  index_select() along dimension {dim} of size "
                f"{size} got positions from {positions.min()} to {positions.max()}"
            )
        return indexing.Index.apply(self, (...,), False, *self._picks_along(dim, index))

    def _picks_along(self, dim: int, index: Tensor) -> tuple[Any, ...]:
        """Return what picks the positions ``index`` along ``dim`` and everything elsewhere."""
        return ((slice(None),) * dim) + (index.reshape(-1) if index.ndim != 1 else index,)

    def masked_select(self, mask: Tensor) -> Tensor:
        """Return the elements where ``mask`` (bool, broadcast) holds, as a vector."""
        _require_tensors("masked_select", mask=mask)
        if mask.dtype != np.bool_:
            raise RuntimeError(
                f"masked_select: expected BoolTensor for mask\n  This one is {mask.dtype}"
            )
        shape = common_shape(self.shape, mask.shape)
        return self.expand(shape)[mask.expand(shape)]

    def nonzero(self, as_tuple: bool = False) -> Any:
        """Return the positions of the elements that are not zero: (count, ndim), or a tuple."""
        found = tuple([Tensor._wrap(x) for x in array_module(self.array).nonzero(
            self.array if self.ndim else self.array.reshape(1))])  # fmt: skip
        if as_tuple:
            return found
        if self.ndim == 0:
            return Tensor._wrap(np.zeros((found[0].numel(), 0), np.int64))
        return Tensor._wrap(array_module(self.array).stack([x.array for x in found], axis=-1))

    def argwhere(self) -> Tensor:
        """Return the positions of the elements that are not zero: (count, ndim), int64."""
        return self.nonzero()  # type: ignore[no-any-return]

    def take(self, index: Tensor) -> Tensor:
        """Return the elements at positions in the flattened tensor, in the shape of ``index``."""
        _require_tensors("take", index=index)
        return self.reshape(-1)[index]

    def take_along_dim(self, indices: Tensor, dim: int | None = None) -> Tensor:
        """Do :meth:`gather` with both tensors broadcast to one shape; flattened without ``dim``.

        Raises:
            RuntimeError: the dimensions differ.
        """
        _require_tensors("take_along_dim", indices=indices)
        if dim is None:
            return self.reshape(-1).gather(0, indices.reshape(-1))
        if indices.ndim != self.ndim:
            raise RuntimeError(
                "torch.take_along_dim(): input and indices should have the same number of "
                f"dimensions, but got {self.ndim} dimensions for input, and {indices.ndim} "
                "dimensions for indices"
            )
        dim = normalize_dim(dim, self.ndim)
        mine, theirs = list(self.shape), list(indices.shape)
        mine[dim] = theirs[dim] = 1
        common = list(common_shape(tuple(mine), tuple(theirs)))
        mine, theirs = list(common), list(common)
        mine[dim], theirs[dim] = self.shape[dim], indices.shape[dim]
        return self.expand(mine).gather(dim, indices.expand(theirs))

    def index_put(self, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
        """Return a copy in which the elements at ``self[indices]`` are, or grow by, ``values``."""
        return self.clone().index_put_(indices, values, accumulate)

    def index_add(self, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
        """Return a copy to which alpha · ``source`` is added at the positions ``index`` of ``dim``.

        Args:
            dim: the dimension.
            index: a vector of integers; a position may occur several times.
            source: shaped as this tensor, but as long as ``index`` along ``dim``.
            alpha: a factor.

        Raises:
            RuntimeError: the index, the shape or the dtype does not fit.

        Source: PyTorch, ``torch.index_add``.
        """
        picks = self._picks_to_write("index_add", dim, index, source)
        source = source if _is_one(alpha) else source * alpha
        return indexing.IndexPut.apply(self, source, (...,), True, False, *picks)

    def index_copy(self, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """Return a copy with ``source`` at the positions ``index`` of ``dim``; see
        :meth:`index_add`."""
        picks = self._picks_to_write("index_copy", dim, index, source)
        return indexing.IndexPut.apply(self, source, (...,), False, False, *picks)

    def index_fill(self, dim: int, index: Tensor, value: Any) -> Tensor:
        """Return a copy with ``value``, a number or 0-d tensor, at positions along ``dim``."""
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError(
                    "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                    f"{value.ndim} dimension(s)."
                )
        else:
            value = backend.convert_number(value, self.dtype)
        _require_tensors("index_fill", index=index)
        if self.ndim == 0:
            return self.reshape(1).index_fill(0, index, value).reshape(())
        dim = normalize_dim(dim, self.ndim)
        entry = index.reshape(-1).long()
        view, picks = indexing.resolve((slice(None),) * dim + (entry,), self.array)
        return indexing.IndexPut.apply(self, value, view, False, False, *picks)

    def _picks_to_write(
        self, name: str, dim: int, index: Tensor, source: Tensor
    ) -> tuple[Any, ...]:
        """Return what picks the positions ``index`` along ``dim``, once sure that all fits."""
        _require_tensors(name, index=index, source=source)
        dim = normalize_dim(dim, self.ndim)
        if index.dtype.name not in ("int32", "int64"):
            raise RuntimeError(
                f"{name}_(): Expected dtype int32/int64 for index but got: {index.dtype}"
            )
        if self.dtype != source.dtype:
            mine, theirs = type_name(self.dtype), type_name(source.dtype)
            raise RuntimeError(
                f"{name}_(): self ({mine}) and source ({theirs}) must have the same scalar type"
                if name == "index_add"
                else f"{name}_(): self and source expected to have the same dtype, but got (self) "
                f"{mine} and (source) {theirs}"
            )
        if self.ndim == 0 or source.ndim != self.ndim:
            raise RuntimeError(
                f"{name}_(): self and source must have the same number of dimensions, at least "
                f"one, but have {self.ndim} and {source.ndim}"
            )
        if index.numel() != source.shape[dim]:
            raise RuntimeError(
                f"{name}_(): Number of indices ({index.numel()}) should be equal to "
                f"source.size(dim): ({source.shape[dim]}), for dim: {dim}"
            )
        if any(a != b for d, (a, b) in enumerate(zip(self.shape, source.shape)) if d != dim):
            raise RuntimeError(
                "source tensor shape must match self tensor shape, excluding the specified "
                f"dimension. Got self.shape = {list(self.shape)} source.shape = "
                f"{list(source.shape)}"
            )
        positions = index.array
        if positions.size and not 0 <= positions.min() <= positions.max() < self.shape[dim]:
            wrong = positions.min() if positions.min() < 0 else positions.max()
            raise RuntimeError(
                f"index {wrong} is out of bounds for dimension {dim} with size {self.shape[dim]}"
            )
        return self._picks_along(dim, index)

    def gather(self, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
        """Return y with y[i, j] = self[i, index[i, j]] for ``dim`` = 1, and so on.

        Args:
            dim: the dimension in which ``index`` counts.
            index: int64, with as many dimensions as this tensor and no larger in the others.
            sparse_grad: must be False: gradients are dense here.

        Raises:
            RuntimeError: the index does not fit.
            NotImplementedError: ``sparse_grad``.

        Source: PyTorch, ``torch.gather``.
        """
        _require_tensors("gather", index=index)
        if sparse_grad:
            raise NotImplementedError("gather: sparse gradients are not supported")
        dim = normalize_dim(dim, self.ndim)
        if self.ndim == 0 or index.ndim == 0:
            x = self.reshape(1) if self.ndim == 0 else self
            flat = index.reshape(1) if index.ndim == 0 else index
            return x.gather(0, flat).reshape(index.shape)
        if index.numel() == 0 and index.ndim != self.ndim:
            return self.reshape(-1)[:0].reshape(index.shape)
        picks = indexing.along("gather", self.shape, dim, index)
        return indexing.Index.apply(self, (...,), index.shape[dim] == 1, *picks)

    def scatter(
        self,
        dim: int,
        index: Tensor,
        src: Any = None,
        *,
        value: Any = None,
        reduce: str | None = None,
    ) -> Tensor:
        """Return a copy y with y[i, index[i, j]] = src[i, j] for ``dim`` = 1, and so on.

        Args:
            dim: the dimension in which ``index`` counts.
            index: int64, with as many dimensions as this tensor.
            src: a tensor at least as large as ``index``, or a number (also as ``value``).
            reduce: "add" or "multiply": add to what is there, or multiply it.

        Raises:
            RuntimeError: the index does not fit, or ``reduce`` is another word.

        Source: PyTorch, ``torch.scatter``.
        """
        src = value if src is None else src
        if reduce is None:
            return self._scatter("scatter", dim, index, src, False)
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if not isinstance(src, Tensor):
            src = self.new_full(index.shape, src)
        return self.scatter_reduce(dim, index, src, "sum" if reduce == "add" else "prod")

    def scatter_reduce(
        self, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
    ) -> Tensor:
        """Return a copy with the values of ``src`` that :meth:`scatter` puts at a place reduced.

        Args:
            dim: the dimension in which ``index`` counts.
            index: int64, with as many dimensions as this tensor.
            src: a tensor at least as large as ``index``.
            reduce: "sum", "prod", "mean", "amax" or "amin".
            include_self: whether the element that stood at the place counts, too.

        Raises:
            RuntimeError: the index does not fit, or ``reduce`` is another word.

        Source: PyTorch, ``torch.scatter_reduce``.
        """
        if reduce not in ("sum", "prod", "mean", "amax", "amin"):
            raise RuntimeError(
                "reduce argument must be either sum, prod, mean, amax or amin, got " + reduce
            )
        _require_tensors("scatter_reduce", index=index, src=src)
        if reduce not in ("sum", "mean"):
            return self._scatter("scatter", dim, index, src, (reduce, include_self))
        start = self if include_self else self.scatter(dim, index, 0)
        total = start.scatter_add(dim, index, src)
        if reduce == "sum":
            return total
        count = self.new_full(self.shape, int(include_self))
        count = count.scatter_add(dim, index, self.new_ones(index.shape))
        count = count.masked_fill(count == 0, 1)
        return total / count if backend.is_differentiable(self.dtype) else total // count

    def scatter_add(self, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """Return a copy y with src[i, j] added to y[i, index[i, j]] for ``dim`` = 1, and so on.

        Arguments and errors as for :meth:`scatter`.
        """
        return self._scatter("scatter_add", dim, index, src, True)

    def _scatter(self, name: str, dim: int, index: Tensor, src: Any, accumulate: Any) -> Tensor:
        """Put, add (``accumulate`` True) or reduce (its kind, and whether with self) ``src``."""
        dim = normalize_dim(dim, self.ndim)
        if self.ndim == 0 or index.ndim == 0:
            x = self.reshape(1) if self.ndim == 0 else self
            if index.ndim == 0:
                index = index.reshape(1)
            if isinstance(src, Tensor) and src.ndim == 0:
                src = src.reshape(1)
            return x._scatter(name, 0, index, src, accumulate).reshape(self.shape)
        source = None
        if isinstance(src, Tensor):
            if src.dtype != self.dtype:
                raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
            source = src.shape
        else:
            src = backend.convert_number(src, self.dtype)
        if index.numel() == 0:
            return self.clone()
        picks = indexing.along(name, self.shape, dim, index, source)
        if source is not None and source != index.shape:
            src = src[tuple([slice(size) for size in index.shape])]
        if isinstance(accumulate, tuple):
            return indexing.ScatterReduce.apply(self, src, *accumulate, *picks)
        return indexing.IndexPut.apply(self, src, (...,), accumulate, False, *picks)

    # --- products --------------------------------------------------------------------------------

    def matmul(self, other: Tensor) -> Tensor:
        """Return the matrix product; batches broadcast, a vector is a row on the left, a column on
        the right.

        Raises:
            RuntimeError: the inner sizes differ, a tensor has no dimensions, or the dtypes differ.

        Source: PyTorch, ``torch.matmul``.
        """
        _require_tensors("matmul", other=other)
        if self.ndim == 0 or other.ndim == 0:
            raise RuntimeError(
                "both arguments to matmul need to be at least 1D, but they are "
                f"{self.ndim}D and {other.ndim}D"
            )
        if self.ndim == 1 and other.ndim == 1:
            return self.dot(other)
        if self.ndim == 1:
            return self.unsqueeze(0).matmul(other).squeeze(-2)
        if other.ndim == 1:
            return (
                self.mv(other) if self.ndim == 2 else self.matmul(other.unsqueeze(-1)).squeeze(-1)
            )
        if self.ndim > 2 and other.ndim == 2 and self.shape[-1] == other.shape[0]:
            # One large product instead of one for each matrix of the batch.
            rows = self.reshape(-1, self.shape[-1]) if self.numel() else None
            if rows is not None:
                return rows.matmul(other).reshape(*self.shape[:-1], other.shape[1])
        return linalg.MatMul.apply(self, other)

    def mm(self, mat2: Tensor) -> Tensor:
        """Return the product of two matrices.

        Raises:
            RuntimeError: one is no matrix, or the inner sizes differ.
        """
        _require_tensors("mm", mat2=mat2)
        if self.ndim != 2:
            raise RuntimeError("self must be a matrix")
        if mat2.ndim != 2:
            raise RuntimeError("mat2 must be a matrix")
        return linalg.MatMul.apply(self, mat2)

    def bmm(self, mat2: Tensor) -> Tensor:
        """Return the products of two batches of matrices, (B, n, m) and (B, m, p).

        Raises:
            RuntimeError: one is no such batch, or the sizes differ.
        """
        _require_tensors("bmm", mat2=mat2)
        for name, x in (("batch1", self), ("batch2", mat2)):
            if x.ndim != 3:
                raise RuntimeError(f"{name} must be a 3D tensor")
        if self.shape[0] != mat2.shape[0] or self.shape[2] != mat2.shape[1]:
            raise RuntimeError(
                "Expected size for first two dimensions of batch2 tensor to be: "
                f"[{self.shape[0]}, {self.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
            )
        return linalg.MatMul.apply(self, mat2)

    def mv(self, vec: Tensor) -> Tensor:
        """Return the product of a matrix and a vector.

        Raises:
            RuntimeError: other dimensions, or the sizes differ.
        """
        _require_tensors("mv", vec=vec)
        if self.ndim != 2 or vec.ndim != 1:
            raise RuntimeError(
                f"vector + matrix @ vector expected, got {self.ndim and 1}, {self.ndim}, {vec.ndim}"
            )
        if self.shape[1] != vec.shape[0]:
            raise RuntimeError(
                f"size mismatch, got input ({self.shape[0]}), mat ({self.shape[0]}x"
                f"{self.shape[1]}), vec ({vec.shape[0]})"
            )
        if self.dtype != vec.dtype:
            theirs, mine = type_name(vec.dtype), type_name(self.dtype)
            raise RuntimeError(
                "addmv input tensors must have the same dtype, but got "
                f"{theirs}, {mine}, and {theirs}"
            )
        return linalg.MatMul.apply(self, vec.unsqueeze(1)).squeeze(1)

    def dot(self, tensor: Tensor) -> Tensor:
        """Return the inner product of two vectors.

        Raises:
            RuntimeError: one is no vector, the sizes or the dtypes differ.
        """
        _require_tensors("dot", tensor=tensor)
        if self.ndim != 1 or tensor.ndim != 1:
            raise RuntimeError(
                f"1D tensors expected, but got {self.ndim}D and {tensor.ndim}D tensors"
            )
        if self.dtype != tensor.dtype:
            raise RuntimeError(
                "dot : expected both vectors to have same dtype, but found "
                f"{type_name(self.dtype)} and {type_name(tensor.dtype)}"
            )
        if self.numel() != tensor.numel():
            raise RuntimeError(
                f"inconsistent tensor size, expected tensor [{self.numel()}] and src "
                f"[{tensor.numel()}] to have the same number of elements, but got {self.numel()} "
                f"and {tensor.numel()} elements respectively"
            )
        return linalg.MatMul.apply(self.unsqueeze(0), tensor.unsqueeze(1)).reshape(())

    def outer(self, vec2: Tensor) -> Tensor:
        """Return the matrix of products of two vectors' elements."""
        _require_tensors("outer", vec2=vec2)
        for name, x in (("self", self), ("vec2", vec2)):
            if x.ndim != 1:
                raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
        return self.unsqueeze(1) * vec2

    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """Return beta · self + alpha · mat1 @ mat2. With beta = 0, self is ignored, NaN included.

        Raises:
            RuntimeError: the shapes or dtypes do not fit.
        """
        _require_tensors("addmm", mat1=mat1, mat2=mat2)
        for name, x in (("self", self), ("mat1", mat1)):
            if x.dtype != mat2.dtype:
                raise RuntimeError(
                    f"{name} and mat2 must have the same dtype, but got {type_name(x.dtype)} and "
                    f"{type_name(mat2.dtype)}"
                )
        return self._plus_product(mat1.mm(mat2), beta, alpha)

    def addmv(self, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """Return beta · self + alpha · mat @ vec. With beta = 0, self is ignored."""
        _require_tensors("addmv", mat=mat, vec=vec)
        if not self.dtype == mat.dtype == vec.dtype:
            names = [type_name(x.dtype) for x in (self, mat, vec)]
            raise RuntimeError(
                "addmv input tensors must have the same dtype, but got "
                f"{names[0]}, {names[1]}, and {names[2]}"
            )
        return self._plus_product(mat.mv(vec), beta, alpha)

    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """Return beta · self + alpha · batch1 @ batch2, for batches of matrices."""
        _require_tensors("baddbmm", batch1=batch1, batch2=batch2)
        if self.dtype != batch1.dtype:
            raise RuntimeError(
                f"Input dtypes must be the same, got: input {c_type_name(self.dtype)}, batch1: "
                f"{c_type_name(batch1.dtype)}, batch2: {c_type_name(batch2.dtype)}"
            )
        return self._plus_product(batch1.bmm(batch2), beta, alpha)

    def _plus_product(self, product: Tensor, beta: Any, alpha: Any) -> Tensor:
        if product.dtype.kind in "biu":
            alpha, beta = int(alpha), int(beta)
        product = product if _is_one(alpha) else product * alpha
        # Nothing but the product decides the shape.
        mine = self.expand(product.shape)
        if type(beta) in Number and beta == 0:
            return product
        return (mine if _is_one(beta) else mine * beta) + product

    def inner(self, other: Tensor) -> Tensor:
        """Return the sums of products along the last dimensions of both tensors.

        Raises:
            RuntimeError: these differ in size.
        """
        _require_tensors("inner", other=other)
        if self.ndim == 0 or other.ndim == 0:
            return self * other
        if self.shape[-1] != other.shape[-1]:
            raise RuntimeError(
                "inner() the last dimension must match on both input tensors but got shapes "
                f"{list(self.shape)} and {list(other.shape)}"
            )
        if self.dtype != other.dtype:
            raise RuntimeError(
                f"both inputs should have same dtype\n  They are {self.dtype} and {other.dtype}"
            )
        rows = self.reshape(math.prod(self.shape[:-1]), self.shape[-1])
        columns = other.reshape(math.prod(other.shape[:-1]), other.shape[-1])
        return rows.mm(columns.t()).reshape(self.shape[:-1] + other.shape[:-1])

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


def _put(x: Any, value: Any, view: Any, accumulate: bool, *picks: Any) -> Any:
    return indexing.IndexPut.apply(x, value, view, accumulate, False, *picks)


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


def _one_dim(dim: Any, ndim: int) -> tuple[int, ...]:
    return (normalize_dim(dim, ndim),) if ndim else (normalize_dim(dim, ndim),)[:0]


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
