"""``FloatTensor`` and its kin: PyTorch's names for a dtype and a device together, from its past.

Calling one makes a tensor, of sizes or of numbers; ``isinstance(x, LongTensor)`` asks for dtype and
device. Those for the GPU stand in ``cuda``.

Source: PyTorch, "torch.Tensor".
"""

from __future__ import annotations

from typing import Any

from tinygrad_adam import backend
from tinygrad_adam.backend import as_dtype, dtype
from tinygrad_adam.backend.device import set_default_device
from tinygrad_adam.backend.dtype import (
    bool_,
    c_type_name,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    type_name,
    uint8,
)
from tinygrad_adam.conversion import parse_type
from tinygrad_adam.element_types import set_default_dtype
from tinygrad_adam.tensor import Tensor, new_array


class tensortype(type):  # noqa: N801 (PyTorch's name)
    """The class of ``FloatTensor``."""

    dtype: dtype
    is_cuda: bool

    def __call__(cls, *data: Any, size: Any = None, device: Any = None) -> Tensor:
        """Return a tensor of this type: ``(2, 3)`` are sizes, ``([2, 3])`` are numbers.

        A tensor given has this type already, and its memory is shared.

        Raises:
            RuntimeError: the device is another one; or is a GPU, and there is none.
            TypeError: what is given is neither sizes nor numbers.
        """
        place = backend.device("cuda" if cls.is_cuda else "cpu")
        wanted = place if device is None else backend.device(device)
        if wanted.type != place.type:
            raise RuntimeError(
                f"legacy constructor expects device type: {place.type} but device type: "
                f"{wanted.type} was passed\n  tensor(…, device={str(wanted)!r}) takes any device"
            )
        if len(data) == 1 and isinstance(data[0], Tensor):
            if not isinstance(data[0], cls):
                raise TypeError(
                    f"expected TensorOptions(dtype={c_type_name(cls.dtype)}, device={place.type}) "
                    f"(got TensorOptions(dtype={c_type_name(data[0].dtype)}, device="
                    f"{data[0].device.type}))\n  x.to(dtype) converts a tensor"
                )
            return data[0].detach()
        made = new_array(data if size is None else tuple(size), as_dtype(cls.dtype))
        return Tensor._wrap(backend.move(made, wanted))

    def __instancecheck__(cls, value: object) -> bool:
        return (
            isinstance(value, Tensor) and value.dtype is cls.dtype and value.is_cuda is cls.is_cuda
        )

    def __repr__(cls) -> str:
        return f"<class 'torch.{'cuda.' * cls.is_cuda}{cls.__name__}'>"


def tensor_types(module: str, is_cuda: bool) -> list[Any]:
    """Return the types of PyTorch's past, for a device, that stand in a module."""
    kinds = (float16, float32, float64, uint8, int8, int16, int32, int64, bool_)
    return [
        tensortype(
            f"{type_name(kind)}Tensor",
            (),
            {
                "__doc__": f"Tensors of {kind} {'on a GPU' if is_cuda else 'in host memory'}.",
                "__module__": module,
                "dtype": kind,
                "is_cuda": is_cuda,
            },
        )
        for kind in kinds
    ]


(HalfTensor, FloatTensor, DoubleTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor,
 BoolTensor) = tensor_types(__name__, is_cuda=False)  # fmt: skip


def set_default_tensor_type(t: Any, /) -> None:
    """Make a type, such as ``torch.DoubleTensor`` or its name, that of new tensors.

    Raises:
        TypeError: it is not of floating point, or a GPU's, and there is none.
    """
    if not isinstance(t, (tensortype, str)) and t is not Tensor:
        raise TypeError(
            "invalid type object: only floating-point types are supported as the default type\n"
            "  Say torch.DoubleTensor, or call set_default_dtype(torch.float64)"
        )
    device, found = parse_type(t)
    if device == "cuda" and not backend.cuda_is_available():
        name = t if isinstance(t, str) else f"torch.cuda.{t.__name__}"
        raise TypeError(f"type {name} not available. Torch not compiled with CUDA enabled.")
    set_default_dtype(dtype(found))
    set_default_device("cuda" if device == "cuda" else None)
