"""What ``help`` shows: a text for every argument of every optimizer and scheduler."""

import inspect
import re

import pytest

from tinygrad_adam import optim

PUBLIC = [
    cls
    for names in (vars(optim), vars(optim.lr_scheduler))
    for name, cls in names.items()
    if inspect.isclass(cls) and cls.__module__.startswith("tinygrad_adam.optim") and name[0] != "_"
]


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_each_argument_has_a_text(cls):
    text = cls.__doc__
    others = re.search(r"those of :class:`(\w+)`", text)
    if others:
        text += (getattr(optim, others[1], None) or getattr(optim.lr_scheduler, others[1])).__doc__
    told = {
        name
        for names in re.findall(r"^ *([\w, ]+): +\S", text, flags=re.MULTILINE)
        for name in names.split(", ")
    }
    assert set(inspect.signature(cls).parameters) - told == set()


def test_a_docstring_of_ones_own_stays_as_it_is():
    class Mine(optim.SGD):
        """Args:
        lr
        mine, lr
        """

    class Silent(optim.SGD):
        pass

    assert "lr: learning rate" in Mine.__doc__
    assert "mine, lr\n" in Mine.__doc__
    assert Silent.__doc__ is None
