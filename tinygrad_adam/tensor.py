"""The Tensor: what it is, and the table of its methods.

Most methods are functions of ``ops``: ``exp = ops.exp`` makes ``x.exp()`` of ``exp(x)``. In full
stands here what is about the tensor itself: its place in a graph, its way to Python and NumPy, and
writing into it.

Tensors and operations need each other: a method applies an operation, and an operation returns a
tensor. There is no import circle, because the arrow points one way. This module imports the
operations; they receive tensors, and build their results by asking one of them (``_wrap``).
"""

from __future__ import annotations

import functools
import math
import operator
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy import asarray, generic

from tinygrad_adam import backend, ops
from tinygrad_adam.autograd import gradients
from tinygrad_adam.autograd.gradients import Step
from tinygrad_adam.autograd.hooks import RemovableHandle
from tinygrad_adam.autograd.inplace import check_writable, in_place, in_place_view, shared_dims
from tinygrad_adam.autograd.mode import is_inference_mode_enabled
from tinygrad_adam.autograd.nodes import after_accumulation, node_of
from tinygrad_adam.autograd.traced import Traced, Unversioned, gradient_edge, watch_gradient
from tinygrad_adam.backend import (
    Array,
    array_module,
    as_dtype,
    contiguous_format,
    is_array,
    memory_format,
    preserve_format,
)
from tinygrad_adam.backend.dtype import bfloat16, dtype, dtypes
from tinygrad_adam.backend.dtypes import c_type_name, type_name
from tinygrad_adam.backend.warn import COPY_CONSTRUCT, warn
from tinygrad_adam.conversion import as_array, parse_to, parse_type
from tinygrad_adam.formatting import format_tensor
from tinygrad_adam.ops import elementwise, indexing, random, shapes
from tinygrad_adam.ops.arguments import (
    Number,
    Operand,
    checked,
    common_shape,
    new_size,
    normalize_dim,
    require_dimensions,
)
from tinygrad_adam.storage import Storage

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
        if not isinstance(sizes, Iterable) or (isinstance(sizes, Tensor) and not sizes.ndim):
            raise TypeError(f"torch.Size() takes an iterable of 'int', not {type(sizes).__name__}")
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
    for shape in shapes:
        if not isinstance(shape, (int, tuple, list)):
            raise RuntimeError(
                "Input shapes should be of type ints, a tuple of ints, or a list of ints, got "
                f"{shape}"
            )
    return Size(common_shape(*[(s,) if isinstance(s, int) else Size(s) for s in shapes]))


def is_tensor(value: object) -> bool:
    """Return whether ``value`` is a tensor."""
    return isinstance(value, Tensor)


@checked
def is_inference(input: Tensor) -> bool:
    """Return whether the tensor was made in inference mode."""
    return input.is_inference()


def _operand(value: Any) -> Any:
    """Return the other side of an operator as a tensor or Python number, else NotImplemented."""
    if isinstance(value, generic):
        return value.item()
    if isinstance(value, (Traced, bool, int, float, complex)):
        return value
    return Tensor._wrap(value) if is_array(value) else NotImplemented


def _operator(
    function: Callable[..., Tensor], reflected: bool = False
) -> Callable[[Tensor, Any], Tensor]:
    """Return the method behind an operator: ``function`` of what may stand on the other side."""

    def method(self: Tensor, other: Any) -> Tensor:
        if type(other) is not Tensor and (other := _operand(other)) is NotImplemented:
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    return method


def _converter(name: str, of: str) -> Callable[[Tensor], Tensor]:
    """Return the method of this name that converts a tensor to a dtype."""
    wanted = np.dtype(of)

    def convert(self: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
        return self.to(wanted, memory_format=memory_format)

    convert.__name__, convert.__qualname__ = name, f"Tensor.{name}"
    convert.__doc__ = f"Return the tensor as {of}."
    return convert


def _deepcopied(array: Array, memo: dict[int, Any]) -> Array:
    """Return a copy of an array; arrays on one memory, copied with one ``memo``, share one too."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    copy = memo.get(id(owner))
    if copy is None:
        copy = memo[id(owner)] = owner.copy(order="K")
    if owner is array:
        return copy
    if copy.strides != owner.strides or not array.size:
        return array.copy()
    first, start = [x.__array_interface__["data"][0] for x in (owner, array)]
    memory = copy.ravel(order="K")
    view = np.ndarray(array.shape, array.dtype, memory, start - first, array.strides)
    view.flags.writeable = array.flags.writeable
    return view


def new_array(data: Sequence[Any], dtype: np.dtype) -> Array:
    """Return what ``Tensor(*data)`` and its kin hold: numbers that are given, or room for some.

    Raises:
        TypeError: what is given is neither sizes nor a sequence of numbers.
    """
    only = data[0] if len(data) == 1 else ()
    is_size = isinstance(only, Size) or (
        hasattr(only, "__index__") and getattr(only, "shape", ()) == ()
    )
    if len(data) != 1 or (is_size and not isinstance(only, Traced)):
        return np.empty(new_size("Tensor", data or (0,)), dtype)
    if not hasattr(only, "__getitem__") or isinstance(only, dict):
        raise TypeError(f"new(): data must be a sequence (got {type(only).__name__})")
    return as_array(only, dtype)


def _answer(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the in-place twin of a function that gives bools: they are written as numbers."""

    @functools.wraps(function)
    def numbers(self: Tensor, *args: Any, **options: Any) -> Tensor:
        return elementwise.overwritten(self, function(self, *args, **options))

    return in_place(numbers)


_restride = in_place_view(indexing.AsStrided.apply)
# What fill_, copy_ and assignments end in, made once; _overwrite by whether elements that share a
# memory location may be filled.
_overwrite = {fills: in_place(elementwise.overwritten, fills) for fills in (False, True)}
_fill_where, _put_into = in_place(ops.masked_fill, fills=True), in_place(indexing.put)

# What belongs to a tensor's place in a graph, not to its value.
_NOT_COPIED = (
    *("_base", "_base_version", "_replay", "_relaid", "_locked", "watches"),
    *("after_accumulation", "_metadata"),
)


class Tensor(Traced):
    """An array of numbers with a gradient and a history.

    Args:
        data: numbers, nested lists of them, an array or a tensor; copied, as float32. Or several
            integers: the shape of a tensor to be filled.

    ``array`` holds the numbers (NumPy or CuPy), ``grad`` the gradient, and ``grad_fn`` the
    operation that made the tensor. Use :func:`tinygrad_adam.tensor` to choose the dtype.

    Source: PyTorch, ``torch.Tensor``.
    """

    __array_priority__ = 1000  # numpy_array * tensor is the tensor's business

    def __init__(self, *data: Any, device: Any = None) -> None:
        array = new_array(data, backend.DEFAULT_DTYPE[float])
        self.array = array if device is None else backend.move(array, device)
        self._writes = Unversioned([0]) if is_inference_mode_enabled() else [0]

    @staticmethod
    def _wrap(array: Array) -> Tensor:
        """Return a new tensor around ``array``, without history and without copying."""
        tensor = _new(Tensor)
        # Operations on 0-d arrays give numbers of NumPy's, which cannot be written to.
        tensor.array = asarray(array) if isinstance(array, generic) else array
        tensor._writes = [0]
        return tensor

    # --- what it is ------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return _new_size(Size, self.array.shape)

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        return dtypes[self.array.dtype]

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

    @property
    def is_cpu(self) -> bool:
        """Whether the elements are in host memory."""
        return not self.is_cuda

    is_mps = is_xpu = is_meta = is_sparse = is_quantized = False

    def get_device(self) -> int:
        """Return the number of the GPU on which the elements are, -1 in host memory."""
        return -1 if self.device.index is None else self.device.index

    def bfloat16(self) -> Tensor:
        """Refuse: there are no tensors of bfloat16 here."""
        return self.to(bfloat16)

    @checked
    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        require_dimensions(self, dim)
        return self.shape[normalize_dim(dim, self.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    ndimension = dim

    def element_size(self) -> int:
        """Return the size of an element in bytes."""
        return self.itemsize

    @checked
    def stride(self, dim: int | None = None) -> Any:
        """Return how many elements lie between neighbours in each dimension, or in one."""
        strides = tuple([step // self.itemsize for step in self.array.strides])
        if self.array.size == 0 and not any(strides):  # NumPy does not say how nothing lies
            sizes = [max(n, 1) for n in self.array.shape]
            strides = tuple([math.prod(sizes[d + 1 :]) for d in range(self.ndim)])
        return strides if dim is None else strides[normalize_dim(dim, self.ndim)]

    @checked
    def is_contiguous(self, memory_format: memory_format = contiguous_format) -> bool:
        """Return whether the elements lie in memory in this order, without gaps.

        Results of convolutions lie in ``channels_last`` order.
        """
        return backend.lies_in(self.array, memory_format)

    def dim_order(self) -> tuple[int, ...]:
        """Return the dimensions from the outermost in memory to the innermost."""
        return tuple(sorted(range(self.ndim), key=lambda d: -self.stride(d)))

    @checked
    def is_same_size(self, other: Tensor) -> bool:
        """Return whether both tensors have the same shape."""
        return self.shape == other.shape

    @checked
    def is_set_to(self, tensor: Tensor) -> bool:
        """Return whether both tensors lie in the same place, with the same shape and steps."""
        mine, theirs = [(x.data_ptr(), x.shape, x.stride()) for x in (self, tensor)]
        return mine == theirs

    def data_ptr(self) -> int:
        """Return the address of the first element in memory."""
        return backend.address(self.array)

    def storage_offset(self) -> int:
        """Return how many elements of its memory lie before the first one of the tensor."""
        start = backend.address(backend.memory_of(self.array))
        return (self.data_ptr() - start) // self.itemsize if self.array.size else 0

    def storage(self) -> Storage:
        """Return all elements of the memory of which this tensor is a part, in a row. Warns."""
        warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will "
            "be the only storage class. This should only matter to you if you are using storages "
            "directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of "
            "tensor.storage()"
        )
        return Storage(backend.memory_of(self.array))

    def untyped_storage(self) -> Storage:
        """Return the bytes of the memory of which this tensor is a part."""
        return Storage(backend.memory_of(self.array)).untyped()

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
        if self._locked:  # it may have no history to look up
            return self._requires_grad
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
        if value and self.is_inference() and not is_inference_mode_enabled():
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not "
                "allowed.\n  clone() makes a normal tensor of it"
            )
        self._requires_grad = bool(value)

    @checked
    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor: gradients end and stay here."""
        return gradient_edge(self) is None or self._edge is None

    @property
    def grad_fn(self) -> Any:
        """The operation that made this tensor, as PyTorch's graph shows it; None for a leaf."""
        edge = gradient_edge(self)
        return None if edge is None or self._edge is None else node_of(edge)[0]

    @property
    def output_nr(self) -> int:
        """Which result of ``grad_fn`` this tensor is."""
        edge = gradient_edge(self)
        return 0 if edge is None else edge[1]

    @property
    def retains_grad(self) -> bool:
        """Whether this is no leaf and yet keeps its gradient."""
        edge = None if self.is_leaf else self._edge
        watch = None if edge is None else (edge[0].watches or {}).get(edge[1])
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
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
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
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.requires_grad and not backend.is_differentiable(value.dtype):
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex "
                f"dtype\n  It is {value.dtype} {tuple(value.shape)}; convert it first, as in "
                "x.float()"
            )
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

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook`` with this leaf when ``backward`` has added to its ``grad``.

        Raises:
            RuntimeError: the tensor is no leaf, or does not require grad.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._edge is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors\n"
                "  register_hook() shows their gradient"
            )
        return after_accumulation(self, hook)

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

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: Any = False) -> Tensor:
        """Return the result of a function of NumPy's that was given tensors as a tensor.

        PyTorch makes uint8 of bools here, from a time when it had none; they stay bools.
        """
        return Tensor._wrap(array)

    def __bool__(self) -> bool:
        if self.numel() != 1:
            amount = "more than one value" if self.numel() else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {amount} is ambiguous")
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self._only_element("double"))

    def __int__(self) -> int:
        return int(self._only_element("int64_t"))

    def __complex__(self) -> complex:
        return complex(self._only_element())

    def _only_element(self, kind: str = "") -> Any:
        if self.numel() != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars\n"
                f"  This one has shape {tuple(self.shape)}."
            )
        value = self.array.item()
        if kind and isinstance(value, complex):
            if value.imag:
                raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
            return value.real
        return value

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

    __hash__ = Traced.__hash__

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._edge is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment. Use detach() first."
            )
        copy = object.__new__(type(self))
        memo[id(self)] = copy
        kept = {k: v for k, v in self.__dict__.items() if k not in _NOT_COPIED}
        copy.__dict__.update(kept, array=_deepcopied(self.array, memo))
        copy._writes = memo.setdefault(id(self._writes), [0])
        grad = self._grad
        if grad is not None:
            copy._grad = deepcopy(grad if grad._edge is None else grad.detach(), memo)
        return copy

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the value, without the graph that it came from and a gradient."""
        left_out = (*_NOT_COPIED, "_grad", "_edge", "_writes")
        kept = {k: v for k, v in self.__dict__.items() if k not in left_out}
        return {**kept, "array": self.array.view()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _writes=[0])

    # --- moving and converting -------------------------------------------------------------------

    def to(self, *args: Any, **options: Any) -> Tensor:
        """Return the tensor with another dtype or on another device; itself if nothing changes.

        Call it as ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)``; each also
        takes ``non_blocking`` (ignored), ``copy`` and ``memory_format``.

        Raises:
            RuntimeError: the device is not there.
            TypeError: an argument is none of these.
        """
        dtype, device, copy, form = parse_to(*args, **options)
        result = self if device is None else shapes.move_to(self, device)
        result = result if dtype is None else shapes.cast(result, dtype)
        result = result if form is preserve_format else shapes.contiguous(result, form)
        return shapes.clone(result) if copy and result is self else result

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the tensor converted; without a dtype, its type's name: ``torch.FloatTensor``.

        Args:
            dtype: a dtype, a class such as ``torch.LongTensor``, or its name.
            non_blocking: ignored.

        Raises:
            ValueError: there is no type of that name.
        """
        if dtype is None:
            place = "cuda." if self.is_cuda else ""
            return f"torch.{place}{type_name(self.dtype)}Tensor"
        return self.to(*parse_type(dtype))

    @checked
    def type_as(self, other: Tensor) -> Tensor:
        """Return the tensor converted to the dtype of ``other``."""
        return self.to(other.dtype)

    def cpu(self) -> Tensor:
        """Return the tensor in host memory."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Tensor:
        """Return the tensor on a GPU: the current one, or number ``device``."""
        return self.to("cuda" if device is None else device)

    def new(self, *data: Any, device: Any = None) -> Tensor:
        """Return a tensor of this one's dtype and device: of numbers, or of a shape, to be filled.

        The old way; :meth:`new_tensor` and :meth:`new_empty` say what is meant.
        """
        device = self.device if device is None else device
        only = data[0] if len(data) == 1 else ()
        if isinstance(only, Tensor) and only.ndim:
            if only.dtype != self.dtype:
                raise TypeError(f"expected a tensor of {self.dtype} (got {only.dtype})")
            return only.detach()
        if len(data) != 1 or isinstance(only, (Size, int)):
            return self.new_empty(*(data or (0,)), device=device)
        return self.new_tensor(only, device=device)

    @checked
    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Return a tensor made of ``data``, with this one's dtype and device."""
        if isinstance(data, Tensor):
            warn(COPY_CONSTRUCT.format("tensor.new_tensor"))
        array = as_array(data, self.dtype if dtype is None else dtype)
        array = backend.move(array, self.device if device is None else device)
        return Tensor._wrap(array).requires_grad_(requires_grad)

    @checked
    def new_full(self, size: Any, fill_value: Number, *, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:  # fmt: skip
        """Return a tensor of shape ``size`` full of a value, with this one's dtype and device."""
        dtype = self.dtype if dtype is None else as_dtype(dtype)
        value = backend.convert_number(fill_value, dtype)
        array = array_module(self.array).full(new_size("new_full", (size,)), value, dtype)
        array = array if device is None else backend.move(array, device)
        return Tensor._wrap(array).requires_grad_(requires_grad)

    @checked
    def new_zeros(self, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:  # fmt: skip
        """Return zeros of shape ``size``, with this one's dtype and device."""
        options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
        return self.new_full(new_size("new_zeros", sizes, size), 0, **options)

    @checked
    def new_ones(self, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:  # fmt: skip
        """Return ones of shape ``size``, with this one's dtype and device."""
        options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
        return self.new_full(new_size("new_ones", sizes, size), 1, **options)

    new_empty = new_zeros  # to be filled: any numbers will do

    # --- writing in place ------------------------------------------------------------------------

    @checked
    def index_put_(
        self, indices: Sequence[Any], values: Tensor, accumulate: bool = False
    ) -> Tensor:
        """Do :meth:`index_put` in place."""
        indices = tuple(indices)
        view, picks = indexing.resolve(indices, self)
        if picks and not accumulate:
            values = indexing.masked_value(self, indices, values)
        return self._put(view, picks, values, accumulate)

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return self.fill_(0)

    @checked
    def fill_(self, value: Operand) -> Tensor:
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
        fills = not isinstance(value, Tensor) or not value.requires_grad
        return _overwrite[fills](self, value)

    def masked_fill_(self, mask: Tensor, value: Any) -> Tensor:
        """Do :meth:`masked_fill` in place.

        Elements of an expanded tensor that share a memory location are filled together if the mask
        holds for one of them; this warns.
        """
        if isinstance(mask, Tensor) and (dims := shared_dims(self.array)):
            warnings.warn(
                "Use of masked_fill_ on expanded tensors is deprecated. Please clone() the tensor "
                "before performing this operation. This also applies to advanced indexing e.g. "
                "tensor[mask] = scalar",
                stacklevel=2,
            )
            mask = mask.expand(self.shape).any(dims, keepdim=True)
        return _fill_where(self, mask, value)

    @checked
    def copy_(self, src: Operand, non_blocking: bool = False) -> Tensor:
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
        return _overwrite[False](self, source)

    @checked
    def fill_diagonal_(self, fill_value: Number, wrap: bool = False) -> Tensor:
        """Set the diagonal to a value; ``wrap``: of a tall matrix, again from below its end.

        Raises:
            RuntimeError: it has fewer than 2 dimensions, or several of different sizes.
        """
        if self.ndim < 2:
            raise RuntimeError("dimensions must larger than 1")
        if self.ndim > 2 and len(set(self.shape)) > 1:
            raise RuntimeError("all dimensions of input must be of equal length")
        rows, columns = self.shape[:2]
        if self.ndim == 2 and wrap and rows > columns:
            places = [(r, r % (columns + 1)) for r in range(rows) if (r + 1) % (columns + 1)]
            self[tuple(zip(*places))] = fill_value
        else:
            self[(range(min(self.shape)),) * self.ndim] = fill_value
        return self

    def apply_(self, callable: Callable[[Any], Any]) -> Tensor:
        """Set every element to what a function of Python's makes of it: slow, on the CPU only.

        Raises:
            RuntimeError: the tensor requires grad.
            TypeError: it is on a GPU, or ``callable`` cannot be called.
        """
        return self._mapped("apply_", callable)

    @checked
    def map_(self, tensor: Tensor, callable: Any) -> Tensor:
        """Set every element to ``callable`` of it and that of ``tensor``, broadcast. Slow.

        Errors as for :meth:`apply_`.
        """
        return self._mapped("map_", callable, tensor.expand(self.shape))

    def _mapped(self, name: str, function: Any, *others: Tensor) -> Tensor:
        for x in (self, *others):
            if x.requires_grad:
                raise RuntimeError(
                    f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}()"
                    " instead."
                )
            if x.is_cuda:
                raise TypeError(f"{name} is only implemented on CPU tensors")
        if not callable(function):
            raise TypeError(f"{type(function).__name__!r} object is not callable")
        rows = zip(*[x.array.flat for x in (self, *others)])
        found = [function(*[value.item() for value in values]) for values in rows]
        return self.copy_(self.new_tensor(found).reshape(self.shape))

    @checked
    def resize_(self, *sizes: Any, memory_format: memory_format = contiguous_format) -> Tensor:
        """Give the tensor another shape, in order; it keeps its memory if that is long enough.

        What is added holds zeros here, in PyTorch anything.

        Raises:
            RuntimeError: the tensor requires grad.
        """
        shape = new_size("resize_", sizes)
        if self.requires_grad:
            raise RuntimeError("cannot resize variables that require grad")
        if memory_format.ndim:
            memory_format.order(np.empty(shape, np.bool_))
        if shape == self.shape:
            return self
        memory = backend.memory_of(self.array)[self.storage_offset() :]
        if memory.size < math.prod(shape):
            longer = array_module(memory).zeros(math.prod(shape), memory.dtype)
            longer[: memory.size] = memory
            memory = longer
        array = memory[: math.prod(shape)]
        order = memory_format.order(np.empty(shape, np.bool_))
        array = array.reshape([shape[d] for d in order])
        return self._placed(array.transpose(sorted(order, key=order.__getitem__)))

    @checked
    def resize_as_(
        self, other: Tensor, *, memory_format: memory_format = contiguous_format
    ) -> Tensor:
        """Do :meth:`resize_` to the shape of ``other``."""
        return self.resize_(other.shape, memory_format=memory_format)

    @checked
    def as_strided_(
        self, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
    ) -> Tensor:
        """Do :meth:`as_strided` in place."""
        return _restride(self, *indexing.strided(self, size, stride, storage_offset))

    def set_(
        self, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
    ) -> Tensor:
        """Let this tensor lie in the memory of ``source``, a tensor or storage; None is none.

        Args:
            source: what memory to use.
            storage_offset: the number of the first element.
            size: the shape; unless said, that of the tensor, or all of the storage in a row.
            stride: the steps in each dimension, in elements.

        Raises:
            RuntimeError: the dtypes differ, the memory is too short, or this is a leaf with grad.
        """
        check_writable(self, self.requires_grad, fills=True)
        if source is None:
            return self._placed(self.array[...].reshape(-1)[:0].copy())
        if source.dtype != self.dtype:
            raise RuntimeError(
                f"Could not set tensor of type {c_type_name(source.dtype)} to a tensor of type "
                f"{c_type_name(self.dtype)}"
            )
        if isinstance(source, Storage) or size is not None:
            whole = Tensor._wrap(source.array)
            size = (len(source) - storage_offset,) if size is None else size
            steps = [math.prod(size[d + 1 :]) for d in range(len(size))]
            view = whole.as_strided(size, steps if stride is None else stride, storage_offset)
            return self._placed(view.array)
        self._writes = source._writes
        return self._placed(source.array.view())

    def _placed(self, array: Array) -> Tensor:
        self.array, self._relaid = array, True
        self._writes[0] += 1
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        view, picks = indexing.resolve(index, self)
        if picks:
            value = indexing.masked_value(self, index, value)
        self._put(view, picks, value, False)

    def _put(self, view: Any, picks: Any, value: Any, accumulate: bool) -> Tensor:
        """Write ``value``, or add it, at the elements that an index resolved to."""
        if not picks and not accumulate:
            value = indexing.value_to_put(self, picks, value)
            target = indexing.Index.apply(self, view)
            fills = True
            if isinstance(value, Tensor):
                fills = value.numel() == 1 and not value.requires_grad
                if value.shape != target.shape:
                    value = _fitted(value, target)
            _overwrite[fills](target, value)
            return self
        if not accumulate and not isinstance(value, Tensor) and shared_dims(self.array):
            mask = self.new_zeros(self.shape, dtype=np.bool_)
            mask._put(view, picks, True, False)
            return self.masked_fill_(mask, value)
        return _put_into(self, view, accumulate, picks, value)

    # --- operators -------------------------------------------------------------------------------

    __add__, __radd__ = _operator(ops.add), _operator(ops.add)
    __sub__, __rsub__ = _operator(ops.sub), _operator(ops.rsub)
    __mul__, __rmul__ = _operator(ops.mul), _operator(ops.mul)
    __truediv__, __rtruediv__ = _operator(ops.div), _operator(ops.div, reflected=True)
    __floordiv__ = _operator(ops.floor_divide)
    __rfloordiv__ = _operator(ops.floor_divide, reflected=True)
    __mod__, __rmod__ = _operator(ops.remainder), _operator(ops.remainder, reflected=True)
    __pow__, __rpow__ = _operator(ops.pow), _operator(ops.pow, reflected=True)
    __neg__, __pos__, __abs__, __invert__ = ops.neg, ops.positive, ops.abs, ops.bitwise_not
    __eq__, __ne__ = _operator(ops.eq), _operator(ops.ne)  # type: ignore[assignment]
    __lt__, __le__ = _operator(ops.lt), _operator(ops.le)
    __gt__, __ge__ = _operator(ops.gt), _operator(ops.ge)
    __and__ = __rand__ = _operator(ops.bitwise_and)
    __or__ = __ror__ = _operator(ops.bitwise_or)
    __xor__ = __rxor__ = _operator(ops.bitwise_xor)
    __lshift__ = _operator(ops.bitwise_left_shift)
    __rshift__ = _operator(ops.bitwise_right_shift)
    __rlshift__ = _operator(ops.bitwise_left_shift, reflected=True)
    __rrshift__ = _operator(ops.bitwise_right_shift, reflected=True)
    __getitem__ = indexing.getitem

    def __matmul__(self, other: Any) -> Tensor:
        other = _operand(other)
        return self.matmul(other) if isinstance(other, Tensor) else NotImplemented

    def __rmatmul__(self, other: Any) -> Tensor:
        other = _operand(other)
        return other.matmul(self) if isinstance(other, Tensor) else NotImplemented

    @checked
    def where(self, condition: Tensor, other: Operand) -> Tensor:
        """Return this tensor's elements where ``condition`` holds, and those of ``other`` else."""
        return ops.where(condition, self, other)

    # --- transposed ------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with its dimensions in reverse order: a view. Other than 2 of them warn."""
        if self.ndim == 0:
            warn(_IDENTITY.format("T"))
        elif self.ndim != 2:
            warn(
                "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
                "deprecated and it will throw an error in a future release. Consider `x.mT` to "
                "transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` "
                "to reverse the dimensions of a tensor."
            )
        return self.permute(tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The tensor with its last two dimensions exchanged: a view."""
        if self.ndim == 1:
            raise RuntimeError(
                "tensor.mT is only supported on matrices or batches of matrices. Got "
                f"{self.ndim}-D tensor."
            )
        if self.ndim == 0:
            warn(_IDENTITY.format("mT"))
            return self
        return self.transpose(-2, -1)

    @property
    def mH(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The conjugate transpose of a matrix or batch: of real numbers, :attr:`mT`."""
        return self.mT.conj()

    @property
    def H(self) -> Tensor:  # noqa: N802 (PyTorch's name)
        """The conjugate transpose of a matrix: of real numbers, :meth:`t`."""
        if self.ndim not in (0, 2):
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
            )
        return self.mT.conj()

    # --- real and imaginary parts ----------------------------------------------------------------

    @property
    def real(self) -> Tensor:
        """The real parts: a view; the tensor itself if it is real. Can be written to."""
        return ops.real(self)

    @real.setter
    def real(self, value: Tensor) -> None:
        self.real.copy_(value)

    @property
    def imag(self) -> Tensor:
        """The imaginary parts of a complex tensor: a view. Can be written to."""
        return ops.imag(self)

    @imag.setter
    def imag(self, value: Tensor) -> None:
        self.imag.copy_(value)

    # --- the table of methods: functions of ops --------------------------------------------------

    # arithmetic
    add, neg, pow, square, fmod = ops.add, ops.neg, ops.pow, ops.square, ops.fmod
    sub, mul, div, true_divide = ops.sub, ops.mul, ops.div, ops.true_divide
    subtract, multiply, divide, negative = ops.subtract, ops.multiply, ops.divide, ops.negative
    floor_divide, remainder = ops.floor_divide, ops.remainder
    lerp, addcmul, addcdiv = ops.lerp, ops.addcmul, ops.addcdiv

    # functions of each element
    exp, exp2, expm1, logaddexp = ops.exp, ops.exp2, ops.expm1, ops.logaddexp
    log, log2, log10, log1p = ops.log, ops.log2, ops.log10, ops.log1p
    sqrt, rsqrt, reciprocal = ops.sqrt, ops.rsqrt, ops.reciprocal
    abs, absolute, sign, sgn, positive = ops.abs, ops.absolute, ops.sign, ops.sgn, ops.positive
    angle, conj, resolve_conj, is_complex = ops.angle, ops.conj, ops.resolve_conj, ops.is_complex
    is_floating_point, is_signed, is_nonzero = ops.is_floating_point, ops.is_signed, ops.is_nonzero
    is_conj = ops.is_conj
    floor, ceil, trunc, round, frac = ops.floor, ops.ceil, ops.trunc, ops.round, ops.frac
    sin, cos, tan, hypot = ops.sin, ops.cos, ops.tan, ops.hypot
    asin, acos, atan, atan2 = ops.asin, ops.acos, ops.atan, ops.atan2
    sinh, cosh, tanh, sigmoid, erf = ops.sinh, ops.cosh, ops.tanh, ops.sigmoid, ops.erf
    asinh, acosh, atanh, relu = ops.asinh, ops.acosh, ops.atanh, ops.relu
    clamp, clip, clamp_min, clamp_max = ops.clamp, ops.clip, ops.clamp_min, ops.clamp_max
    maximum, minimum = ops.maximum, ops.minimum
    nan_to_num, masked_fill = ops.nan_to_num, ops.masked_fill

    # comparisons and bits
    eq, ne, lt, le, gt, ge = ops.eq, ops.ne, ops.lt, ops.le, ops.gt, ops.ge
    equal, isclose, allclose = ops.equal, ops.isclose, ops.allclose
    isnan, isinf, isfinite = ops.isnan, ops.isinf, ops.isfinite
    isposinf, isneginf = ops.isposinf, ops.isneginf
    logical_and, logical_or = ops.logical_and, ops.logical_or
    logical_xor, logical_not = ops.logical_xor, ops.logical_not
    bitwise_and, bitwise_or = ops.bitwise_and, ops.bitwise_or
    bitwise_xor, bitwise_not = ops.bitwise_xor, ops.bitwise_not
    bitwise_left_shift, bitwise_right_shift = ops.bitwise_left_shift, ops.bitwise_right_shift

    # reductions and order
    sum, nansum, mean, nanmean, prod = ops.sum, ops.nansum, ops.mean, ops.nanmean, ops.prod
    var, var_mean, std, std_mean = ops.var, ops.var_mean, ops.std, ops.std_mean
    all, any, count_nonzero = ops.all, ops.any, ops.count_nonzero
    amax, amin, max, min, median = ops.amax, ops.amin, ops.max, ops.min, ops.median
    prelu, hardshrink = ops.prelu, ops.hardshrink
    norm, logsumexp, softmax, log_softmax = ops.norm, ops.logsumexp, ops.softmax, ops.log_softmax
    cumsum, cumprod = ops.cumsum, ops.cumprod
    argmax, argmin, argsort = ops.argmax, ops.argmin, ops.argsort
    sort, topk = ops.sort, ops.topk

    # shapes
    reshape, reshape_as, view, view_as = ops.reshape, shapes.reshape_as, shapes.view, shapes.view_as
    flatten, ravel, unflatten = ops.flatten, ops.ravel, ops.unflatten
    squeeze, unsqueeze = ops.squeeze, ops.unsqueeze
    permute, transpose, t = ops.permute, ops.transpose, ops.t
    swapaxes, swapdims, movedim, moveaxis = ops.swapaxes, ops.swapdims, ops.movedim, ops.moveaxis
    expand, expand_as, broadcast_to = shapes.expand, shapes.expand_as, ops.broadcast_to
    sum_to_size, repeat, tile = shapes.sum_to_size, shapes.repeat, ops.tile
    flip, roll, repeat_interleave = ops.flip, ops.roll, ops.repeat_interleave
    tril, triu, trace = ops.tril, ops.triu, ops.trace
    diagonal, diag_embed, diag = ops.diagonal, ops.diag_embed, ops.diag
    split, chunk, unbind, narrow = ops.split, ops.chunk, ops.unbind, ops.narrow
    numel, nelement = ops.numel, ops.numel
    unfold, as_strided = shapes.unfold, ops.as_strided
    clone, detach, contiguous = ops.clone, ops.detach, shapes.contiguous

    # picking and putting
    select, take, take_along_dim = ops.select, ops.take, ops.take_along_dim
    index_select, masked_select, gather = ops.index_select, ops.masked_select, ops.gather
    nonzero, argwhere = ops.nonzero, ops.argwhere
    index_put, index_add = ops.index_put, ops.index_add
    index_copy, index_fill = ops.index_copy, ops.index_fill
    scatter, scatter_add, scatter_reduce = ops.scatter, ops.scatter_add, ops.scatter_reduce

    # products
    matmul, mm, bmm, mv, dot = ops.matmul, ops.mm, ops.bmm, ops.mv, ops.dot
    outer, inner = ops.outer, ops.inner
    addmm, addmv, baddbmm = ops.addmm, ops.addmv, ops.baddbmm
    cholesky, cholesky_inverse = ops.cholesky, ops.cholesky_inverse
    cholesky_solve, triangular_solve = ops.cholesky_solve, ops.triangular_solve
    det, logdet, slogdet, inverse = ops.det, ops.logdet, ops.slogdet, ops.inverse
    lu, lu_solve, qr, svd, pinverse = ops.lu, ops.lu_solve, ops.qr, ops.svd, ops.pinverse
    matrix_exp, matrix_power = ops.matrix_exp, ops.matrix_power

    # random numbers
    bernoulli, multinomial = ops.bernoulli, ops.multinomial
    uniform_, normal_, bernoulli_ = random.uniform_, random.normal_, random.bernoulli_
    random_, exponential_ = random.random_, random.exponential_
    geometric_, cauchy_, log_normal_ = random.geometric_, random.cauchy_, random.log_normal_
    # other names
    fix, arccos, arcsin, arctan, arctan2 = ops.fix, ops.arccos, ops.arcsin, ops.arctan, ops.arctan2
    arccosh, arcsinh, arctanh, greater = ops.arccosh, ops.arcsinh, ops.arctanh, ops.greater
    greater_equal, less, less_equal = ops.greater_equal, ops.less, ops.less_equal
    not_equal = ops.not_equal

    # cut, turned, put into one another
    adjoint, diagflat, diagonal_scatter = ops.adjoint, ops.diagflat, ops.diagonal_scatter
    dsplit, fliplr, flipud, hsplit = ops.dsplit, ops.fliplr, ops.flipud, ops.hsplit
    index_reduce, masked_scatter, put = ops.index_reduce, ops.masked_scatter, ops.put
    rot90, select_scatter, slice_scatter = ops.rot90, ops.select_scatter, ops.slice_scatter
    split_with_sizes, tensor_split, vsplit = ops.split_with_sizes, ops.tensor_split, ops.vsplit

    # special functions, odd arithmetic
    conj_physical, copysign, deg2rad = ops.conj_physical, ops.copysign, ops.deg2rad
    digamma, erfc, erfinv, float_power = ops.digamma, ops.erfc, ops.erfinv, ops.float_power
    fmax, fmin, frexp, gcd, heaviside = ops.fmax, ops.fmin, ops.frexp, ops.gcd, ops.heaviside
    isreal, lcm, ldexp, lgamma = ops.isreal, ops.lcm, ops.ldexp, ops.lgamma
    logaddexp2, logit, mvlgamma, nextafter = ops.logaddexp2, ops.logit, ops.mvlgamma, ops.nextafter
    polygamma, rad2deg, signbit, sinc = ops.polygamma, ops.rad2deg, ops.signbit, ops.sinc
    xlogy = ops.xlogy

    # running along a dimension
    cummax, cummin, diff, logcumsumexp = ops.cummax, ops.cummin, ops.diff, ops.logcumsumexp

    # counted and looked up
    aminmax, bincount, corrcoef, cov = ops.aminmax, ops.bincount, ops.corrcoef, ops.cov
    histc, histogram, kthvalue, mode = ops.histc, ops.histogram, ops.kthvalue, ops.mode
    msort, nanmedian, nanquantile = ops.msort, ops.nanmedian, ops.nanquantile
    quantile, unique, unique_consecutive = ops.quantile, ops.unique, ops.unique_consecutive

    # more products, distances
    addbmm, addr, cross, dist, ger = ops.addbmm, ops.addr, ops.cross, ops.dist, ops.ger
    kron, renorm, vdot = ops.kron, ops.renorm, ops.vdot

    # in-place twins
    add_ = __iadd__ = in_place(ops.add)
    sub_ = __isub__ = in_place(ops.sub)
    mul_ = __imul__ = in_place(ops.mul)
    div_ = __itruediv__ = in_place(ops.div)
    pow_ = __ipow__ = in_place(ops.pow)
    floor_divide_ = __ifloordiv__ = in_place(ops.floor_divide)
    remainder_ = __imod__ = in_place(ops.remainder)
    __iand__, __ior__ = in_place(ops.bitwise_and), in_place(ops.bitwise_or)
    __ixor__ = in_place(ops.bitwise_xor)
    bitwise_left_shift_ = __ilshift__ = in_place(ops.bitwise_left_shift)
    bitwise_right_shift_ = __irshift__ = in_place(ops.bitwise_right_shift)
    neg_, square_, abs_ = in_place(ops.neg), in_place(ops.square), in_place(ops.abs)
    lerp_ = in_place(ops.lerp)
    addcmul_, addcdiv_ = in_place(ops.addcmul), in_place(ops.addcdiv)
    exp_, expm1_, log_ = in_place(ops.exp), in_place(ops.expm1), in_place(ops.log)
    log2_, log1p_ = in_place(ops.log2), in_place(ops.log1p)
    sqrt_, rsqrt_ = in_place(ops.sqrt), in_place(ops.rsqrt)
    reciprocal_, sign_ = in_place(ops.reciprocal), in_place(ops.sign)
    floor_, ceil_ = in_place(ops.floor), in_place(ops.ceil)
    trunc_, round_ = in_place(ops.trunc), in_place(ops.round)
    sin_, cos_, tanh_ = in_place(ops.sin), in_place(ops.cos), in_place(ops.tanh)
    sigmoid_, erf_, relu_ = in_place(ops.sigmoid), in_place(ops.erf), ops.relu_
    clamp_ = in_place(ops.clamp)
    clamp_min_, clamp_max_ = in_place(ops.clamp_min), in_place(ops.clamp_max)
    tril_, triu_ = in_place(ops.tril), in_place(ops.triu)
    index_fill_ = in_place(ops.index_fill)
    index_add_, index_copy_ = in_place(ops.index_add), in_place(ops.index_copy)
    scatter_, scatter_add_ = in_place(ops.scatter), in_place(ops.scatter_add)
    scatter_reduce_ = in_place(ops.scatter_reduce)

    absolute_, acos_, acosh_ = in_place(ops.absolute), in_place(ops.acos), in_place(ops.acosh)
    addbmm_, addmm_, addmv_ = in_place(ops.addbmm), in_place(ops.addmm), in_place(ops.addmv)
    addr_, arccos_, arccosh_ = in_place(ops.addr), in_place(ops.arccos), in_place(ops.arccosh)
    arcsin_, arcsinh_, arctan2_ = in_place(ops.arcsin), in_place(ops.arcsinh), in_place(ops.arctan2)
    arctan_, arctanh_, asin_ = in_place(ops.arctan), in_place(ops.arctanh), in_place(ops.asin)
    asinh_, atan2_, atan_ = in_place(ops.asinh), in_place(ops.atan2), in_place(ops.atan)
    atanh_, baddbmm_ = in_place(ops.atanh), in_place(ops.baddbmm)
    bitwise_and_, bitwise_not_ = in_place(ops.bitwise_and), in_place(ops.bitwise_not)
    bitwise_or_, bitwise_xor_ = in_place(ops.bitwise_or), in_place(ops.bitwise_xor)
    clip_, conj_physical_ = in_place(ops.clip), in_place(ops.conj_physical)
    copysign_, cosh_, cumprod_ = in_place(ops.copysign), in_place(ops.cosh), in_place(ops.cumprod)
    cumsum_, deg2rad_, digamma_ = in_place(ops.cumsum), in_place(ops.deg2rad), in_place(ops.digamma)
    divide_, eq_, erfc_ = in_place(ops.divide), _answer(ops.eq), in_place(ops.erfc)
    erfinv_, exp2_, fix_ = in_place(ops.erfinv), in_place(ops.exp2), in_place(ops.fix)
    float_power_, fmod_, frac_ = in_place(ops.float_power), in_place(ops.fmod), in_place(ops.frac)
    gcd_, ge_, greater_ = in_place(ops.gcd), _answer(ops.ge), _answer(ops.greater)
    greater_equal_, gt_ = _answer(ops.greater_equal), _answer(ops.gt)
    heaviside_, hypot_ = in_place(ops.heaviside), in_place(ops.hypot)
    index_reduce_, lcm_, ldexp_ = in_place(ops.index_reduce), in_place(ops.lcm), in_place(ops.ldexp)
    le_, less_, less_equal_ = _answer(ops.le), _answer(ops.less), _answer(ops.less_equal)
    lgamma_, log10_ = in_place(ops.lgamma), in_place(ops.log10)
    logical_and_, logical_not_ = _answer(ops.logical_and), _answer(ops.logical_not)
    logical_or_, logical_xor_ = _answer(ops.logical_or), _answer(ops.logical_xor)
    logit_, lt_ = in_place(ops.logit), _answer(ops.lt)
    masked_scatter_, multiply_ = in_place(ops.masked_scatter), in_place(ops.multiply)
    mvlgamma_, nan_to_num_, ne_ = in_place(ops.mvlgamma), in_place(ops.nan_to_num), _answer(ops.ne)
    negative_, nextafter_ = in_place(ops.negative), in_place(ops.nextafter)
    not_equal_, polygamma_ = _answer(ops.not_equal), in_place(ops.polygamma)
    put_, rad2deg_, renorm_ = in_place(ops.put), in_place(ops.rad2deg), in_place(ops.renorm)
    sgn_, sinc_, sinh_ = in_place(ops.sgn), in_place(ops.sinc), in_place(ops.sinh)
    subtract_, tan_ = in_place(ops.subtract), in_place(ops.tan)
    true_divide_, xlogy_ = in_place(ops.true_divide), in_place(ops.xlogy)
    unsqueeze_, squeeze_ = in_place_view(ops.unsqueeze), in_place_view(ops.squeeze)
    transpose_, t_ = in_place_view(ops.transpose), in_place_view(ops.t)
    swapaxes_ = swapdims_ = transpose_

    # dtypes: last, because below them ``float``, ``int`` and ``bool`` would mean these methods
    double, half = _converter("double", "float64"), _converter("half", "float16")
    long, short = _converter("long", "int64"), _converter("short", "int16")
    char, byte = _converter("char", "int8"), _converter("byte", "uint8")
    cfloat, cdouble = _converter("cfloat", "complex64"), _converter("cdouble", "complex128")
    float, int = _converter("float", "float32"), _converter("int", "int32")
    bool = _converter("bool", "bool")


_IDENTITY = "Tensor.{} is deprecated on 0-D tensors. This function is the identity in these cases."
# What makes a tensor where no input is one, as in add(1, 2).
Traced._wrap = staticmethod(Tensor._wrap)  # type: ignore[method-assign]
backend.Generator._wrap = staticmethod(Tensor._wrap)


def _fitted(value: Tensor, target: Tensor) -> Tensor:
    """Return ``value`` broadcast to the shape of ``target``; sizes of 1 in front may be dropped."""
    shape = value.shape
    while len(shape) > target.ndim and shape[0] == 1:
        shape = shape[1:]
    return value.reshape(shape).expand(target.shape)
