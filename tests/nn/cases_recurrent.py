"""Recurrent layers and cells: every option, packed sequences, and gradients of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np


def scaled(torch: Any, module: Any, dtype: Any) -> Any:
    """Return the module in a dtype, with parameters set to fixed numbers between -0.5 and 0.5."""
    module = module.to(dtype)
    with torch.no_grad():
        for number, tensor in enumerate(module.parameters()):
            values = np.sin(np.arange(tensor.numel()) * 0.7 + number) / 2
            tensor.copy_(torch.from_numpy(values.reshape(tuple(tensor.shape))))
    return module


def computation(name: str, options: dict[str, Any], lengths: list[int] | None, steps: int) -> Any:
    """Return a computation: all results in a row, a number for each parameter's gradient, shapes.

    Args:
        name: of the layer.
        options: of the layer, for 3 features and a state of 4.
        lengths: of the sequences, which are then packed, not sorted unless they are; None: padded.
        steps: how often a cell is called; 0: it is no cell.
    """

    def compute(torch: Any, nn: Any, functional: Any, x: Any, *states: Any) -> Any:
        module = scaled(torch, getattr(nn, name)(3, 4, **options), x.dtype)
        state: Any = states if len(states) == 2 else states[0] if states else None
        if steps:
            for _ in range(steps):
                state = module(x, state)
            results = list(state) if isinstance(state, tuple) else [state]
        else:
            first = options.get("batch_first", False)
            if lengths is not None:
                x = nn.utils.rnn.pack_padded_sequence(x, lengths, first, enforce_sorted=False)
            y, state = module(x, state)
            if lengths is not None:
                y, _ = nn.utils.rnn.pad_packed_sequence(y, first, 0.5, max(lengths) + 1)
            results = [y, *(state if isinstance(state, tuple) else [state])]
        row = torch.cat([result.reshape(-1) for result in results])
        weights = list(module.parameters())
        gradients = torch.autograd.grad((row * row).sum(), weights, retain_graph=True)
        waves = [np.sin(np.arange(g.numel()) + 0.5).reshape(tuple(g.shape)) for g in gradients]
        seen = [(g * torch.from_numpy(wave).to(g.dtype)).sum() for g, wave in zip(gradients, waves)]
        shapes = torch.tensor([size for result in results for size in result.shape])
        return row, torch.stack(seen), shapes

    return compute


def cases(normal: Any) -> dict[str, tuple[Any, tuple[np.ndarray, ...]]]:
    """Return computations and their inputs by name; ``normal`` draws an array of a shape."""
    found = {}
    for name, options, batch, lengths in [
        ("RNN", {}, 2, None),
        ("RNN", {"nonlinearity": "relu", "num_layers": 2, "bidirectional": True}, 3, [2, 5, 1]),
        ("RNN", {"bias": False, "batch_first": True}, 3, [5, 5, 4]),
        ("LSTM", {}, 2, None),
        ("LSTM", {"num_layers": 2, "batch_first": True, "bidirectional": True}, 3, None),
        ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}, 3, [1, 4, 5]),
        ("LSTM", {"proj_size": 3, "bias": False}, 0, None),
        ("LSTM", {"bidirectional": True}, 4, [5, 3, 3, 1]),
        ("GRU", {}, 2, None),
        ("GRU", {"num_layers": 2, "bidirectional": True, "bias": False}, 3, [3, 1, 4]),
        ("GRU", {"batch_first": True, "num_layers": 2}, 1, None),
        ("GRU", {"bidirectional": True}, 0, None),
    ]:
        rows = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
        shape = (batch, 5, 3) if options.get("batch_first") else (5, batch, 3)
        shape = shape if batch else (5, 3)  # without a batch
        sizes = [options.get("proj_size", 4), 4][: 1 + (name == "LSTM")]
        states = [normal(*(rows, batch, size) if batch else (rows, size)) for size in sizes]
        text = f"{name} {options} {'unbatched' if not batch else lengths or ''}"
        found[text] = (computation(name, options, lengths, 0), (normal(*shape), *states))
        if not options:
            found[f"{text}, zeros"] = (computation(name, options, None, 0), (normal(*shape),))
    for name, cell_options in [
        ("RNNCell", {"nonlinearity": "relu"}), ("LSTMCell", {}), ("GRUCell", {"bias": False})
    ]:  # fmt: skip
        states = [normal(2, 4) for _ in range(1 + (name == "LSTMCell"))]
        found[name] = (computation(name, cell_options, None, 3), (normal(2, 3), *states))
        found[f"{name} unbatched"] = (computation(name, {}, None, 1), (normal(3),))
    return found
