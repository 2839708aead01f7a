"""Wrappers for several devices, which here pass through to one: the state has PyTorch's names.

Programs that train on several GPUs run with them on one, and what such programs saved is loaded.

Source: PyTorch, ``torch.nn.parallel``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_adam import cuda
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class _OneDevice(Module):
    """A module that does what ``module`` does, on one device.

    Attributes:
        module: the module. Its entries of the state dict begin with ``module.``.
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None, output_device: Any, dim: int
    ) -> None:
        super().__init__()
        self.module = module
        self.dim = dim
        self.device_ids = list(device_ids or []) if cuda.is_available() else []
        self.output_device = output_device
        if len(self.device_ids) > 1:
            warn(
                f"{type(self).__name__}: there is one device for a model here, of {device_ids} the "
                "first one. For larger batches than it can hold, add up the gradients of several "
                "backward() before each step()."
            )
        if self.device_ids:
            first = self.device_ids[0]
            module.to(f"cuda:{first}" if isinstance(first, int) else first)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Return what the module returns."""
        return self.module(*inputs, **kwargs)


class DataParallel(_OneDevice):
    """A module on one device: it need not be wrapped here.

    Args:
        module: is called.
        device_ids: the module goes to the first of them; several are warned of.
        output_device, dim: without effect.

    Source: PyTorch, ``torch.nn.DataParallel``.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__(module, device_ids, output_device, dim)


class DistributedDataParallel(_OneDevice):
    """A module in one process: it need not be wrapped here.

    Args:
        module: is called.
        device_ids: the module goes to the first of them; several are warned of.
        output_device, dim, **options: without effect.

    Raises:
        RuntimeError: no parameter of the module requires a gradient.

    Source: PyTorch, ``torch.nn.parallel.DistributedDataParallel``.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        **options: Any,
    ) -> None:
        if not any(parameter.requires_grad for parameter in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameters "
                "that require a gradient."
            )
        super().__init__(module, device_ids, output_device, dim)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Do nothing: there are no other processes whose gradients would be added."""
        yield


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Return what a module returns for ``inputs``, a tuple or one input, on one device."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    wrapped = DataParallel(module, device_ids, output_device, dim)
    return wrapped(*inputs, **(module_kwargs or {}))


for _address in ("data_parallel", "distributed"):  # PyTorch's files
    sys.modules[f"{__name__}.{_address}"] = sys.modules[__name__]
