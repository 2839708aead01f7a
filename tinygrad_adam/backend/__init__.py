"""Where an array lives. NumPy and CuPy: choosing, moving, element types, random numbers, kernels.

No autograd here: everything takes and returns plain arrays.
"""

from tinygrad_adam.backend.arrays import (
    Array,
    address,
    array_module,
    channels_last,
    channels_last_3d,
    contiguous_format,
    copied,
    element_addresses,
    is_array,
    is_channels_last,
    lies_in,
    memory_format,
    memory_of,
    preserve_format,
    to_numpy,
)
from tinygrad_adam.backend.device import cuda_is_available, device, device_of, move, require
from tinygrad_adam.backend.dtype import dtype
from tinygrad_adam.backend.dtypes import (
    DEFAULT_DTYPE,
    Dtype,
    as_dtype,
    can_cast,
    convert_number,
    is_differentiable,
    promote,
    promote_types,
    result_type,
)
from tinygrad_adam.backend.extras import how_to_install
from tinygrad_adam.backend.kernels import (
    get_num_threads,
    kernels,
    kernels_in_use,
    run_updates,
    set_num_threads,
)
from tinygrad_adam.backend.plain.optimizers import Update
from tinygrad_adam.backend.random import (
    Generator,
    default_generator,
    initial_seed,
    manual_seed,
    numbers_of,
)

__all__ = [
    "DEFAULT_DTYPE",
    "Array",
    "Dtype",
    "Generator",
    "Update",
    "address",
    "array_module",
    "as_dtype",
    "can_cast",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "convert_number",
    "copied",
    "cuda_is_available",
    "default_generator",
    "device",
    "device_of",
    "dtype",
    "element_addresses",
    "get_num_threads",
    "how_to_install",
    "initial_seed",
    "is_array",
    "is_channels_last",
    "is_differentiable",
    "kernels",
    "kernels_in_use",
    "lies_in",
    "manual_seed",
    "memory_format",
    "memory_of",
    "move",
    "numbers_of",
    "preserve_format",
    "promote",
    "promote_types",
    "require",
    "result_type",
    "run_updates",
    "set_num_threads",
    "to_numpy",
]
