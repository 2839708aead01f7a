"""Questions about GPUs.

Source: PyTorch, ``torch.cuda``.
"""

from tinygrad_adam.backend import cuda_is_available
from tinygrad_adam.backend.device import cupy
from tinygrad_adam.tensor_types import tensor_types

(HalfTensor, FloatTensor, DoubleTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor,
 BoolTensor) = tensor_types(__name__, is_cuda=True)  # fmt: skip


def is_available() -> bool:
    """Return whether tensors can be put on a GPU: CuPy is installed and finds one."""
    return cuda_is_available()


def device_count() -> int:
    """Return how many GPUs there are; 0 without CuPy or a driver."""
    return int(cupy().cuda.runtime.getDeviceCount()) if is_available() else 0


def synchronize() -> None:
    """Wait until the GPU has done everything it was given, for example before reading a clock.

    Raises:
        RuntimeError: there is no GPU.
    """
    cupy().cuda.Device().synchronize()


__all__ = ["device_count", "is_available", "synchronize"]
