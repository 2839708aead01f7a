"""Recurrent layers over sequences, and their cells, which take one step.

Parameters, with G = 1 for RNN, 4 for LSTM (input, forget, cell, output) and 3 for GRU (reset,
update, new) gates: ``weight_ih`` (G H, I), ``weight_hh`` (G H, H), and if ``bias``, ``bias_ih`` and
``bias_hh`` (G H,). All are drawn from U(-1/√H, 1/√H).
"""

from __future__ import annotations

import math
import numbers
from typing import Any, ClassVar

from tinygrad_adam.backend import array_module
from tinygrad_adam.backend.dtypes import type_name
from tinygrad_adam.backend.plain.recurrent import GATES
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.creation import empty
from tinygrad_adam.nn import init
from tinygrad_adam.nn.layer import Layer
from tinygrad_adam.nn.parameter import Parameter
from tinygrad_adam.nn.utils.rnn import PackedSequence
from tinygrad_adam.ops.arguments import fitted
from tinygrad_adam.ops.indexing import getitem
from tinygrad_adam.ops.recurrent import Recurrence, recurrent
from tinygrad_adam.ops.shapes import reshape, squeeze, transpose, unsqueeze
from tinygrad_adam.tensor import Tensor


class _Recurrent(Layer):
    """What layers and cells share: how parameters are made and drawn."""

    hidden_size: int

    def _register(self, shapes: dict[str, Any], device: Any, dtype: Any) -> None:
        for name, shape in shapes.items():
            missing = shape is None
            values = None if missing else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, values)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)


def _ndim(function: str, name: str, x: Any) -> int:
    if not isinstance(x, Tensor):
        fitted(function, name, "Tensor", x)  # raises
    return x.ndim  # type: ignore[no-any-return]


def _check_dtype(x: Tensor, weight: Tensor) -> None:
    if x.dtype != weight.dtype:
        raise RuntimeError(
            "mat1 and mat2 must have the same dtype, but got "
            f"{type_name(x.dtype)} and {type_name(weight.dtype)}"
        )


class RNNBase(_Recurrent):
    """What RNN, LSTM and GRU share.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input_size: I, the number of features of x.
        hidden_size: H.
        num_layers: how many layers; each gets the output of the one before.
        bias: whether there are biases.
        batch_first: whether input and output are (N, T, …), not (T, N, …); states are not.
        dropout: with which probability to drop outputs of all layers but the last, in training.
        bidirectional: whether each layer also reads the sequence backwards, D = 2; else D = 1.
        proj_size: of an LSTM, P: h is projected to so many features; 0 for none, then P = H.

    Input (T, N, I), or (T, I) without a batch, or a PackedSequence; then, optional, the state
    before: h (layers D, N, P), of an LSTM a pair of h and c (layers D, N, H). Zeros by default.
    Output (T, N, D P), or packed, and the state after. The names of the parameters end in ``_l0``
    for the first layer, and for the way back in ``_l0_reverse``; ``weight_hr`` is the projection.

    Raises:
        TypeError: a size is no int, an option no bool.
        ValueError: a size is not positive, ``dropout`` no probability, an unknown ``mode``.

    Source: PyTorch, ``torch.nn.RNNBase``.
    """

    _shown = (
        "input_size", "hidden_size", "proj_size=", "num_layers=", "bias=", "batch_first=",
        "dropout=", "bidirectional=",
    )  # fmt: skip
    _usual: ClassVar[dict[str, Any]] = {
        "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
        "bidirectional": False,
    }  # fmt: skip

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(dropout, str) or not isinstance(dropout, numbers.Number):
            dropout = float(dropout)
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                f"element being zeroed\n  It is {dropout}"
            )
        if dropout > 0 and num_layers == 1:
            warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={num_layers}"
            )
        for name, value, kind in (
            ("bias", bias, bool), ("batch_first", batch_first, bool),
            ("input_size", input_size, int), ("hidden_size", hidden_size, int),
        ):  # fmt: skip
            if not isinstance(value, kind):
                found = type(value).__name__
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {found}")
        for name, value in (
            ("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)
        ):  # fmt: skip
            if value <= 0:
                raise ValueError(f"{name} must be greater than zero\n  It is {value}")
        if proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}\n  There are {', '.join(GATES)}")
        self.mode, self.input_size, self.hidden_size = mode, input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional, self.proj_size = float(dropout), bidirectional, proj_size
        size, rows = proj_size or hidden_size, GATES[mode] * hidden_size
        shapes: dict[str, Any] = {}
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            columns = input_size if layer == 0 else size * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                made: dict[str, Any] = {"weight_ih": (rows, columns), "weight_hh": (rows, size)}
                if bias:
                    made.update(bias_ih=(rows,), bias_hh=(rows,))
                if proj_size:
                    made["weight_hr"] = (proj_size, hidden_size)
                named = {f"{name}_l{layer}{suffix}": shape for name, shape in made.items()}
                shapes.update(named)
                self._all_weights.append([*named])
        self._register(shapes, device, dtype)

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [parameter for row in self.all_weights for parameter in row]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    def flatten_parameters(self) -> None:
        """Do nothing: there is no kernel here that wants the parameters in one block."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        packed = input if isinstance(input, PackedSequence) else None
        order, x = None, input if packed is None else packed.data
        name = type(self).__name__
        batched = packed is not None or _ndim(name, "input", x) == 3
        if not batched and x.ndim != 2:
            what = " tensor" if self.mode.startswith("RNN") else ""
            raise ValueError(
                f"{name}: Expected input to be 2D or 3D, got {x.ndim}D{what} instead\n"
                "  Steps, batch, features; a batch of one may be left out"
            )
        self._check_input(x)
        if packed is not None:
            sizes, order = tuple(packed.batch_sizes.tolist()), packed.sorted_indices
        else:
            if not batched:
                x = unsqueeze(x, 1)
            elif self.batch_first:
                x = transpose(x, 0, 1)
            if not len(x):
                raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
            sizes = (x.shape[1],) * len(x)
            x = reshape(x, (-1, self.input_size) if x.numel() else (0, self.input_size))
        states = self._states(x, hx, sizes[0], batched, packed is not None)
        if order is not None and hx is not None:
            states = [getitem(state, (slice(None), order)) for state in states]
        missing = () if self.bias else (None, None)
        weights = [(*row[:2], *missing, *row[2:]) for row in self.all_weights]
        weights = [row if self.proj_size else (*row, None) for row in weights]
        p = self.dropout if self.training else 0.0
        y, after = recurrent(self.mode, x, states, weights, sizes, self.bidirectional, p)
        if packed is not None:
            if packed.unsorted_indices is not None:
                back = (slice(None), packed.unsorted_indices)
                after = tuple([getitem(state, back) for state in after])
            output: Any = PackedSequence(y, *packed[1:])
        else:
            output = reshape(y, (len(sizes), sizes[0], y.shape[1]))
            if not batched:
                output, after = squeeze(output, 1), tuple([squeeze(x, 1) for x in after])
            elif self.batch_first:
                output = transpose(output, 0, 1)
        return output, after if self.mode == "LSTM" else after[0]

    def _check_input(self, x: Tensor) -> None:
        weight = getattr(self, self._all_weights[0][0])
        if x.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype (torch.{x.dtype.name}) does not match weight dtype "
                f"(torch.{weight.dtype.name}). Convert input: input.to(torch.{weight.dtype.name}), "
                f"or convert model: model.to(torch.{x.dtype.name})"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {x.shape[-1]}"
            )

    def _states(self, x: Tensor, hx: Any, batch: int, batched: bool, packed: bool) -> list[Tensor]:
        """Return the states before the first step, (layers D, N, size) each; zeros for None."""
        lstm = self.mode == "LSTM"
        rows = self.num_layers * self._directions
        shapes = [
            (rows, batch, self.proj_size or self.hidden_size),
            (rows, batch, self.hidden_size),
        ]
        if hx is None:
            zeros = array_module(x.array).zeros
            return [Tensor._wrap(zeros(shape, x.dtype)) for shape in shapes[: 1 + lstm]]
        states = [hx[0], hx[1]] if lstm else [hx]
        dims = [_ndim(type(self).__name__, "hx", state) for state in states]
        wanted = 3 if batched else 2
        if not packed and any(ndim != wanted for ndim in dims):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            texts = [f"{ndim}-D" for ndim in dims]
            which = "hx and cx" if lstm else "hx"
            got = f"({', '.join(texts)}) tensors" if lstm else f"{texts[0]} tensor"
            raise RuntimeError(f"For {kind} input, {which} should also be {wanted}-D but got {got}")
        if not batched:
            states = [unsqueeze(state, 1) for state in states]
        for number, (state, shape) in enumerate(zip(states, shapes)):
            if state.shape != shape:
                which = f"hidden[{number}]" if lstm else "hidden"
                raise RuntimeError(
                    f"Expected {which} size {shape}, got {list(state.shape)}\n"
                    "  Layers times directions, batch, features"
                )
            _check_dtype(state, x)
        if lstm and len(hx) != 2:
            raise RuntimeError("lstm expects two hidden states")
        return states


class RNN(RNNBase):
    """h' = tanh(W x + b + V h + d), step by step, in one or several layers.

    Args:
        nonlinearity: "tanh", or "relu" to take its place; the fourth argument.

    All else as for :class:`RNNBase`: ``RNN(input_size, hidden_size, num_layers=1, …)``.

    Source: PyTorch, ``torch.nn.RNN``; Elman, "Finding Structure in Time" (1990).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        if len(args) > 3:
            args, kwargs["nonlinearity"] = args[:3] + args[4:], args[3]
        self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory, in one or several layers.

    With s = sigmoid and W x + b + V h + d in four parts: i, f, o = s(…), g = tanh(…),
    c' = f c + i g, h' = o tanh(c').

    Arguments as for :class:`RNNBase`: ``LSTM(input_size, hidden_size, num_layers=1, …)``. Returns
    the output and the pair of h and c after the last step.

    Source: PyTorch, ``torch.nn.LSTM``; Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units, in one or several layers.

    With s = sigmoid and W x + b and V h + d in three parts: r, z = s(the sum of both),
    n = tanh(W x + b + r (V h + d)), h' = (1 - z) n + z h.

    Arguments as for :class:`RNNBase`: ``GRU(input_size, hidden_size, num_layers=1, …)``.

    Source: PyTorch, ``torch.nn.GRU``; Cho et al., "Learning Phrase Representations" (2014).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


def _refuse_projection(options: dict[str, Any]) -> None:
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNNCellBase(_Recurrent):
    """What the cells share: ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh``.

    Args:
        input_size: I, the number of features of x.
        hidden_size: H.
        bias: whether there are biases.
        num_chunks: G, the number of gates.

    Source: PyTorch, ``torch.nn.RNNCellBase``.
    """

    mode: ClassVar[str]
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    _shown: ClassVar[tuple[str, ...]] = ("input_size", "hidden_size", "bias=")
    _usual: ClassVar[dict[str, Any]] = {"bias": True, "nonlinearity": "tanh"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        shapes: dict[str, Any] = {
            "weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,) if bias else None, "bias_hh": (rows,) if bias else None,
        }  # fmt: skip
        self._register(shapes, device, dtype)

    def _step(self, kind: str, input: Tensor, states: list[Any] | None) -> tuple[Tensor, ...]:
        """Return the states after one step; those before are one or two, or None for zeros."""
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {input.shape[-1]} "
                f"expected {self.input_size}"
            )
        x = input if input.ndim == 2 else unsqueeze(input, 0)
        _check_dtype(x, self.weight_ih)
        shape = (len(x), self.hidden_size)
        if states is None:
            zeros = array_module(x.array).zeros
            states = [Tensor._wrap(zeros(shape, x.dtype)) for _ in range(1 + (kind == "LSTM"))]
        elif input.ndim == 1:
            states = [unsqueeze(state, 0) for state in states]
        for number, state in enumerate(states):
            if len(state) != len(x):
                raise RuntimeError(
                    f"Input batch size {len(x)} doesn't match hidden{number} batch size "
                    f"{len(state)}"
                )
            if state.shape != shape:
                raise RuntimeError(
                    f"hidden{number} has inconsistent hidden_size: got "
                    f"{state.shape[min(1, state.ndim - 1)]}, expected {self.hidden_size}"
                )
            _check_dtype(state, self.weight_hh)
        h, c = (*states, None)[:2]
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None)
        _, *after = Recurrence.apply(x, h, c, *weights, kind, (len(x),), False)
        return tuple(after if input.ndim == 2 else [squeeze(state, 0) for state in after])

    def _check_ndim(self, what: str, x: Any) -> None:
        name = type(self).__name__
        if _ndim(name, what, x) not in (1, 2):
            raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {x.ndim}D instead")


class RNNCell(RNNCellBase):
    """One step of an :class:`RNN`.

    Args:
        nonlinearity: "tanh" or "relu".

    Input x (N, I) or (I,), and optional h (N, H) or (H,), zeros by default. Returns the new h.

    Source: PyTorch, ``torch.nn.RNNCell``.
    """

    _shown = (*RNNCellBase._shown, "nonlinearity=")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._check_ndim("input", input)
        if hx is not None:
            self._check_ndim("hidden", hx)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        kind = f"RNN_{self.nonlinearity.upper()}"
        return self._step(kind, input, None if hx is None else [hx])[0]


class LSTMCell(RNNCellBase):
    """One step of an :class:`LSTM`.

    Input x (N, I) or (I,), and optional a pair of h and c, (N, H) or (H,) each, zeros by default.
    Returns the new pair.

    Source: PyTorch, ``torch.nn.LSTMCell``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        self._check_ndim("input", input)
        if hx is not None:
            for number, state in enumerate(hx):
                self._check_ndim(f"hx[{number}]", state)
            if not isinstance(hx, (tuple, list)):
                raise TypeError(
                    "lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not "
                    f"{type(hx).__name__}"
                )
            if len(hx) != 2:
                raise RuntimeError("lstm_cell expects two hidden states")
        h, c = self._step("LSTM", input, None if hx is None else list(hx))
        return h, c


class GRUCell(RNNCellBase):
    """One step of a :class:`GRU`.

    Input x (N, I) or (I,), and optional h (N, H) or (H,), zeros by default. Returns the new h.

    Source: PyTorch, ``torch.nn.GRUCell``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._check_ndim("input", input)
        if hx is not None:
            self._check_ndim("hidden", hx)
        return self._step("GRU", input, None if hx is None else [hx])[0]
