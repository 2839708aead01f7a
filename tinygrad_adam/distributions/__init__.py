"""Probability distributions: samples, log-probabilities, entropies, divergences, with gradients.

Parameters are numbers or tensors, which are broadcast to a batch of independent distributions.
Loaded when it is asked for.

Source: PyTorch, ``torch.distributions``.
"""

import sys as _sys
import types as _types

from tinygrad_adam.distributions import constraints, kl
from tinygrad_adam.distributions.continuous import Exponential, Normal, Uniform
from tinygrad_adam.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Multinomial,
    Poisson,
)
from tinygrad_adam.distributions.distribution import Distribution
from tinygrad_adam.distributions.kl import kl_divergence, register_kl
from tinygrad_adam.distributions.vectors import Independent, MultivariateNormal

__all__ = [
    "Bernoulli",
    "Binomial",
    "Categorical",
    "Distribution",
    "Exponential",
    "Independent",
    "Multinomial",
    "MultivariateNormal",
    "Normal",
    "Poisson",
    "Uniform",
    "constraints",
    "kl",
    "kl_divergence",
    "register_kl",
]

# PyTorch's address of each: distributions.normal.Normal.
_ADDRESSES = {"MultivariateNormal": "multivariate_normal"}
for _name, _class in list(globals().items()):
    if isinstance(_class, type) and _class is not Distribution:
        _address = _ADDRESSES.get(_name, _name.lower())
        _module = _types.ModuleType(f"{__name__}.{_address}", f"PyTorch's address of {_name}.")
        setattr(_module, _name, _class)
        globals()[_address] = _sys.modules[_module.__name__] = _module
