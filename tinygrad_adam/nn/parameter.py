"""Parameter: a tensor that a Module lists among the things to train; one without a shape, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_adam.backend import Array, device, is_differentiable
from tinygrad_adam.creation import empty
from tinygrad_adam.tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that becomes a parameter of the Module to which it is assigned.

    Args:
        data: the values, a tensor whose memory is shared; None gives an empty float32 tensor.
        requires_grad: whether gradients are computed for it.

    Raises:
        TypeError: ``data`` is neither a tensor nor None.
        RuntimeError: ``data`` holds integers or bools, which have no gradient.

    Source: PyTorch, ``torch.nn.parameter.Parameter``.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = Tensor([])
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: data must be a Tensor, got {type(data).__name__}\n"
                "  Make one first: Parameter(tensor(…))"
            )
        if not isinstance(requires_grad, bool):
            found = type(requires_grad).__name__
            raise TypeError(f"Parameter(): argument 'requires_grad' must be bool, not {found}")
        if requires_grad and not is_differentiable(data.dtype):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is {data.dtype} {tuple(data.shape)}: convert it with .float(), or "
                "pass requires_grad=False"
            )
        self.array = data.array
        self._writes = data._writes
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class _Uninitialized(Tensor):
    """What a lazy module has until it sees an input: a dtype and a device, but no shape."""

    cls_to_become: ClassVar[type[Tensor]] = Tensor

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        self._empty = empty(0, device=device, dtype=dtype)
        self._writes = [0]
        self.requires_grad_(requires_grad)

    def materialize(self, shape: Sequence[int], device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of a shape, the same object, with any values."""
        made = empty(
            shape,
            device=self.device if device is None else device,
            dtype=self.dtype if dtype is None else dtype,
        )
        del self._empty
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.array = made.array  # type: ignore[misc]

    @property
    def array(self) -> Array:  # type: ignore[override]
        """What every operation asks for, and there is not."""
        raise ValueError(
            "Attempted to use an uninitialized parameter in an operation. This error happens when "
            "you are using a `LazyModule` or explicitly manipulating `torch.nn.parameter."
            f"{type(self).__name__}` objects. When using LazyModules Call `forward` with a dummy "
            "batch to initialize the parameters before calling torch functions"
        )

    @property
    def shape(self) -> Any:
        """Refused: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    @property
    def dtype(self) -> Any:
        """The type that the elements will have."""
        return self._empty.dtype

    @property
    def device(self) -> device:
        """Where the elements will be."""
        return self._empty.device

    def to(self, *args: Any, **options: Any) -> Tensor:
        """Return one with another dtype or device."""
        made = self._empty.to(*args, **options)
        if made is self._empty:
            return self
        return type(self)(self.requires_grad, made.device, made.dtype)

    def detach(self) -> Tensor:
        """Return itself, for state dicts."""
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, str(self.device), self.dtype)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return type(self)(self.requires_grad, self.device, self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape is not known yet; see :mod:`tinygrad_adam.nn.lazy`.

    Args:
        requires_grad: whether gradients are computed for it.
        device: where it will be.
        dtype: of which type it will be.

    ``materialize(shape)`` makes the same object an ordinary Parameter. Until then it can be moved,
    cast and given to an optimizer.

    Raises:
        ValueError: an operation uses it.
        RuntimeError: somebody asks for its shape.

    Source: PyTorch, ``torch.nn.parameter.UninitializedParameter``.
    """

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        _Uninitialized.__init__(self, requires_grad, device, dtype)


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape is not known yet; as :class:`UninitializedParameter`.

    Source: PyTorch, ``torch.nn.parameter.UninitializedBuffer``.
    """

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        super().__init__(requires_grad, device, dtype)
        self.persistent = persistent


def is_lazy(param: Any) -> bool:
    """Return whether ``param`` is a parameter or buffer without a shape."""
    return isinstance(param, _Uninitialized)
