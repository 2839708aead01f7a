"""What layers share: options that are declared once, a repr that follows from them, parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

from tinygrad_adam.creation import empty
from tinygrad_adam.nn import init
from tinygrad_adam.nn.module import Module
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.tensor import Tensor


class Layer(Module):
    """A module that shows its options in its repr.

    A layer without parameters is a dataclass: its fields are the arguments of its ``__init__``, its
    attributes, and what its repr shows. A layer with parameters has an ``__init__`` of its own.
    """

    _shown: ClassVar[tuple[str, ...]] = ()
    """Options that the repr shows: ``"eps="`` as ``eps=1e-05``, ``"num_features"`` as ``3``."""
    _usual: ClassVar[dict[str, Any]] = {}
    """Values at which an option is left out of the repr."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the registries, before a dataclass sets its fields."""
        layer = super().__new__(cls)
        Module.__init__(layer)
        return layer

    def _options(self, names: Sequence[str]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    def extra_repr(self) -> str:
        """Return the options, without those that have their usual value."""
        shown = self._shown
        if is_dataclass(self):
            shown = tuple(f"{option.name}=" for option in fields(self) if option.repr)
        texts = []
        for label in shown:
            name = label.removesuffix("=")
            value = getattr(self, name)
            if name == "bias" and not isinstance(value, int):
                value = value is not None  # the option said whether there is a parameter
            if name not in self._usual or value != self._usual[name]:
                texts.append(f"{label if label.endswith('=') else ''}{value}")
        return ", ".join(texts)


class FunctionLayer(Layer):
    """A dataclass that hands its input and its options to a function, which knows their names."""

    __match_args__ = ()  # the names of the fields: @dataclass sets it
    _function: ClassVar[Callable[..., Tensor]]

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function(input, **self._options(self.__match_args__))


class ParameterLayer(Layer):
    """A layer with a weight and perhaps a bias."""

    weight: Parameter
    bias: Parameter | None

    def _make_parameters(self, device: Any, dtype: Any, **shapes: Sequence[int] | None) -> None:
        """Register a parameter of each shape, and None where there is no shape; then fill them."""
        for name, shape in shapes.items():
            missing = shape is None
            values = None if missing else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, values)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.default_(self.weight, self.bias)
