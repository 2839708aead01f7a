"""PyTorch's addresses of the layers: ``from tinygrad_adam.nn.modules.loss import _Loss``.

The layers live in the files of :mod:`tinygrad_adam.nn`, which are divided otherwise. Each module
here has the names of one or several of them. It is loaded when it is asked for.

Source: PyTorch, ``torch.nn.modules``.
"""

import sys
from importlib import import_module
from types import ModuleType

from tinygrad_adam.nn import *  # noqa: F403

_HOMES = {
    "activation": "activations attention",
    "batchnorm": "normalization lazy",
    "channelshuffle": "rearranging",
    "container": "containers",
    "conv": "convolution lazy",
    "distance": "distances",
    "dropout": "dropout",
    "flatten": "linear",
    "fold": "rearranging",
    "instancenorm": "normalization lazy",
    "lazy": "lazy",
    "linear": "linear distances lazy",
    "loss": "losses",
    "module": "module",
    "normalization": "normalization",
    "padding": "padding",
    "pixelshuffle": "rearranging",
    "pooling": "pooling",
    "rnn": "recurrent",
    "sparse": "embedding",
    "transformer": "transformer",
    "upsampling": "upsampling",
}
# PyTorch's names of base classes that are called otherwise here.
_BASES = {
    "_ConvNd": "Convolution",
    "_ConvTransposeNd": "_ConvTranspose",
    "_DropoutNd": "_Dropout",
    "_MaxPoolNd": "_MaxPool",
    "_NormBase": "FeatureNorm",
}

utils = import_module(f"{__name__}.utils")  # and not that of nn
for _name, _homes in _HOMES.items():
    _module = ModuleType(f"{__name__}.{_name}", f"``torch.nn.modules.{_name}``.")
    for _home in _homes.split():
        _found = vars(import_module(f"tinygrad_adam.nn.{_home}"))
        _found = {**_found, **{theirs: _found.get(ours) for theirs, ours in _BASES.items()}}
        for _key, _value in _found.items():
            if isinstance(_value, type) or (callable(_value) and not _key.startswith("__")):
                vars(_module)[_key] = _value
    sys.modules[_module.__name__] = globals()[_name] = _module
