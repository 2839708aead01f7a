"""Optimizers: update rules, schedules for their rates, and a microscope to watch them with.

Source: the names, options, defaults and states are those of ``torch.optim``; ``Momentum`` and the
functions over dictionaries are the study notes'.
"""

import sys

from tinygrad_adam.optim import adam, adam_relatives, lr_scheduler, rmsprop, swa_utils
from tinygrad_adam.optim.adam import Adam, AdamW
from tinygrad_adam.optim.adam_relatives import Adamax, NAdam, RAdam
from tinygrad_adam.optim.asgd import ASGD
from tinygrad_adam.optim.by_hand import initialize_adam, update_parameters_with_adam
from tinygrad_adam.optim.lbfgs import LBFGS
from tinygrad_adam.optim.microscope import Microscope, worked_example
from tinygrad_adam.optim.optimizer import Optimizer
from tinygrad_adam.optim.rmsprop import Adadelta, Adagrad, RMSprop
from tinygrad_adam.optim.rprop import Rprop
from tinygrad_adam.optim.sgd import SGD, Momentum

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Microscope",
    "Momentum",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "initialize_adam",
    "lr_scheduler",
    "swa_utils",
    "update_parameters_with_adam",
    "worked_example",
]

# PyTorch's files, where several optimizers stand in one here.
for _home, _addresses in (
    (adam, ("adamw",)),
    (adam_relatives, ("adamax", "nadam", "radam")),
    (rmsprop, ("adadelta", "adagrad")),
):
    sys.modules.update({f"{__name__}.{_address}": _home for _address in _addresses})
