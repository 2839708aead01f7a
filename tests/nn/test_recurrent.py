"""Recurrent layers and packed sequences: what the numbers of PyTorch's in the table do not show."""

import copy

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import fake_cupy
from tinygrad_adam import nn
from tinygrad_adam.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

LENGTHS = [[1], [3, 1, 2], [5, 5, 2, 1], [1, 1, 1], [2, 5, 5, 4, 1]]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_packing_by_hand(lengths, batch_first):
    x = torch.arange(6 * len(lengths) * 2.0).reshape(6, len(lengths), 2).requires_grad_()
    given = x.transpose(0, 1) if batch_first else x
    packed = pack_padded_sequence(given, torch.tensor(lengths), batch_first, enforce_sorted=False)
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    rows = [(t, i) for t in range(max(lengths)) for i in order if t < lengths[i]]
    assert packed.data.tolist() == [x[t, i].tolist() for t, i in rows]
    steps = range(max(lengths))
    assert packed.batch_sizes.tolist() == [sum(n > t for n in lengths) for t in steps]
    assert packed.sorted_indices.tolist() == order
    assert [order[i] for i in packed.unsorted_indices.tolist()] == list(range(len(lengths)))

    padded, found = pad_packed_sequence(packed, batch_first, -1.0, total_length=6)
    assert found.tolist() == lengths
    assert found.dtype == torch.int64
    expected = x.detach().clone()
    for i, length in enumerate(lengths):
        expected[length:, i] = -1.0
    back = padded.transpose(0, 1) if batch_first else padded
    assert back.tolist() == expected.tolist()
    (padded * padded).sum().backward()
    kept = expected.numpy() != -1.0
    np.testing.assert_array_equal(x.grad.numpy(), np.where(kept, 2 * x.detach().numpy(), 0))
    for i, sequence in enumerate(unpack_sequence(packed)):
        assert sequence.tolist() == x[: lengths[i], i].tolist()


def test_sorted_sequences_need_no_indices():
    packed = pack_sequence([torch.arange(3), torch.arange(2), torch.arange(2)])
    assert packed.data.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert packed.data.dtype == torch.int64
    assert packed[2:] == (None, None)
    assert repr(packed).startswith("PackedSequence(data=tensor([0, 0, 0")


def test_pad_sequence():
    first, second = torch.tensor([[1, 2], [3, 4]]), torch.tensor([[5, 6]])
    assert pad_sequence([first, second], padding_value=9.7).tolist() == [
        [[1, 2], [5, 6]],
        [[3, 4], [9, 9]],
    ]
    left = pad_sequence((x for x in (first, second)), batch_first=True, padding_side="left")
    assert left.tolist() == [[[1, 2], [3, 4]], [[0, 0], [5, 6]]]
    found = unpad_sequence(left, torch.tensor([2, 1]), batch_first=True)
    assert [x.tolist() for x in found] == [[[1, 2], [3, 4]], [[0, 0]]]
    mixed = pad_sequence([torch.ones(1), torch.ones(2, dtype=torch.float64)])
    assert mixed.dtype == torch.float32


def test_what_a_packed_sequence_can_do():
    packed = pack_padded_sequence(torch.ones(3, 2), [1, 3], enforce_sorted=False)
    assert packed.double().data.dtype == torch.float64
    assert packed.half().int().data.dtype == torch.int32
    assert packed.to(torch.float32) is packed.cpu() is packed.pin_memory() is packed
    assert not packed.is_cuda
    assert not packed.is_pinned()
    again = copy.deepcopy(packed)
    assert type(again) is PackedSequence
    assert again.unsorted_indices.tolist() == [1, 0]
    assert PackedSequence((packed.data, packed.batch_sizes)).sorted_indices is None
    assert invert_permutation(torch.tensor([2, 0, 1])).tolist() == [1, 2, 0]
    assert invert_permutation(None) is None


X = torch.ones(5, 3, 2)
PACKED = pack_padded_sequence(X, [5, 4, 4])
LSTM, GRU, RNN = nn.LSTM(2, 4), nn.GRU(2, 4, bidirectional=True), nn.RNN(2, 4)
CELL, LSTM_CELL = nn.RNNCell(2, 4), nn.LSTMCell(2, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: pack_padded_sequence(X, [5, 4]), RuntimeError, "equal to batch_size, but got 2"),
        (lambda: pack_padded_sequence(X, [5, 4, 0]), RuntimeError, "has to be greater than 0"),
        (lambda: pack_padded_sequence(X, [3, 5, 4]), RuntimeError, "sorted in decreasing order"),
        (lambda: pack_padded_sequence(X, [6, 5, 4]), RuntimeError, "at most the 5 steps"),
        (lambda: pack_padded_sequence(X[:, :0], []), RuntimeError, "Cannot pack empty tensors"),
        (lambda: pack_padded_sequence(X, [[5, 4, 4]]), RuntimeError, "but got 2D cpu Long tensor"),
        (lambda: pack_padded_sequence(X, None), TypeError, "'NoneType' object cannot be interp"),
        (lambda: pad_packed_sequence(PACKED, total_length=4), ValueError, "total_length=4 and max"),
        (lambda: pad_sequence([]), RuntimeError, "received an empty list of sequences"),
        (lambda: pad_sequence([X, 3]), TypeError, "expected Tensor as element 1 in argument 0"),
        (lambda: pad_sequence([X], padding_side="up"), RuntimeError, "one of left or right"),
        (lambda: pad_sequence([X[0], X[0].T]), RuntimeError, "at non-singleton dimension 1"),
        (lambda: PackedSequence(X), AssertionError, "list or tuple of length 2"),
        (lambda: invert_permutation(torch.tensor([5, 0])), RuntimeError, "index 5 is out of bound"),
        (lambda: nn.LSTM(2, 4, proj_size=4), ValueError, "proj_size has to be smaller"),
        (lambda: nn.GRU(2, 4, proj_size=2), ValueError, "only supported for LSTM"),
        (lambda: nn.RNN(2, 4, 1, "sine"), ValueError, "Unknown nonlinearity 'sine'"),
        (lambda: nn.LSTM(2, 4, dropout=1.5), ValueError, "in range [0, 1] representing"),
        (lambda: nn.LSTM(0, 4), ValueError, "input_size must be greater than zero"),
        (lambda: nn.LSTM(2, 4, batch_first=1), TypeError, "batch_first should be of type bool"),
        (lambda: nn.RNNBase("X", 2, 4), ValueError, "Unrecognized RNN mode: X"),
        (lambda: LSTM(X[0, 0]), ValueError, "LSTM: Expected input to be 2D or 3D, got 1D instead"),
        (lambda: RNN(X[..., :1]), RuntimeError, "Expected 2, got 1"),
        (lambda: RNN(X[:0]), RuntimeError, "Expected sequence length to be larger than 0 in RNN"),
        (lambda: RNN(X.double()), ValueError, "RNN input dtype (torch.float64) does not match"),
        (lambda: RNN([1.0]), TypeError, "argument 'input' must be Tensor, not list"),
        (lambda: GRU(X, torch.ones(3, 4)), RuntimeError, "hx should also be 3-D but got 2-D"),
        (lambda: GRU(X, torch.ones(1, 3, 4)), RuntimeError, "size (2, 3, 4), got [1, 3, 4]"),
        (lambda: GRU(PACKED, torch.ones(2, 2, 4)), RuntimeError, "size (2, 3, 4), got [2, 2, 4]"),
        (lambda: RNN(X[:, 0], torch.ones(1, 1, 4)), RuntimeError, "For unbatched 2-D input, hx"),
        (lambda: RNN(X, torch.ones(1, 3, 4).double()), RuntimeError, "but got Double and Float"),
        (
            lambda: LSTM(X, (torch.ones(1, 3, 4), torch.ones(1, 3, 5))),
            RuntimeError,
            "Expected hidden[1] size (1, 3, 4), got [1, 3, 5]",
        ),
        (lambda: LSTM(X, (torch.ones(1, 3, 4),) * 3), RuntimeError, "expects two hidden states"),
        (lambda: CELL(X), ValueError, "RNNCell: Expected input to be 1D or 2D, got 3D instead"),
        (lambda: CELL(X[0, :, :1]), RuntimeError, "inconsistent input_size: got 1 expected 2"),
        (lambda: CELL(X[0], torch.ones(2, 4)), RuntimeError, "match hidden0 batch size 2"),
        (lambda: CELL(X[0], torch.ones(3, 5)), RuntimeError, "hidden_size: got 5, expected 4"),
        (lambda: LSTM_CELL(X[0], torch.ones(3, 4)), TypeError, "must be tuple of Tensors"),
        (lambda: LSTM_CELL(X[0], (X,)), ValueError, "Expected hx[0] to be 1D or 2D, got 3D"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)


def test_dropout_of_one_layer_warns():
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        nn.GRU(2, 4, dropout=0.5)


def test_names_and_repr():
    layer = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True, proj_size=2)
    assert repr(layer) == (
        "LSTM(3, 4, proj_size=2, num_layers=2, batch_first=True, bidirectional=True)"
    )
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    places = ("l0", "l0_reverse", "l1", "l1_reverse")
    names = [f"{kind}_{place}" for place in places for kind in kinds]
    assert [*layer.state_dict()] == layer._flat_weights_names == names
    assert layer._flat_weights == [*layer.parameters()]
    assert [len(row) for row in layer.all_weights] == [5] * 4
    assert layer.weight_ih_l1.shape == (16, 4)
    assert all(abs(p.numpy(force=True)).max() <= 0.5 for p in layer.parameters())
    assert repr(nn.RNNCell(3, 4, False, "relu")) == "RNNCell(3, 4, bias=False, nonlinearity=relu)"
    layer.weight_hh_l0 = nn.Parameter(torch.zeros(16, 2))
    assert layer._flat_weights[1] is layer.weight_hh_l0
    layer.flatten_parameters()


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_dropout_between_layers(name):
    torch.manual_seed(0)
    layer = getattr(nn, name)(3, 40, 2, dropout=0.75)
    x = torch.randn(20, 10, 3)
    expected = layer.eval()(x)[0]
    assert layer(x)[0].tolist() == expected.tolist()
    layer.train()
    assert layer(x)[0].tolist() != layer(x)[0].tolist()
    layer.dropout = 0.0
    assert layer(x)[0].tolist() == expected.tolist()
    layer.dropout = 1.0  # the second layer sees zeros
    second = getattr(nn, name)(40, 40)
    with torch.no_grad():
        for mine, its in zip(second.parameters(), layer.all_weights[1]):
            mine.copy_(its)
    assert layer(x)[0].tolist() == second(torch.zeros(20, 10, 40))[0].tolist()
    # Which of the first layer's outputs are dropped: a layer that adds up what it gets shows it.
    counting = nn.RNN(1, 400, 2, nonlinearity="relu", dropout=0.75)
    with torch.no_grad():
        for parameter in counting.parameters():
            parameter.zero_()
        counting.bias_ih_l0.fill_(1.0)
        counting.weight_ih_l1.fill_(1.0)
    kept = counting(torch.zeros(1, 1))[0][0, 0].item() / 4
    assert abs(kept - 100) < 5 * (400 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_an_output_may_be_written_over(name):
    layer = getattr(nn, name)(3, 4)
    x = torch.randn(5, 2, 3)
    (layer(x)[0] * 2).sum().backward()
    expected = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    y = layer(x)[0]
    y *= 2
    y.sum().backward()
    assert [p.grad.tolist() for p in layer.parameters()] == [g.tolist() for g in expected]


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_second_derivatives_of_a_loop_that_uses_its_weights_again(name):
    """The state depends on the weights, too: what comes back through it counts once."""
    torch.manual_seed(0)
    cell = getattr(nn, name)(2, 2).double()

    def loop(x, *weights):
        state = None
        for parameter, weight in zip(("weight_ih", "weight_hh"), weights):
            cell._parameters[parameter] = weight
        for row in x:
            state = cell(row, state)
        return state[0] if isinstance(state, tuple) else state

    x = torch.randn(3, 1, 2, dtype=torch.float64, requires_grad=True)
    weights = [p.detach().clone().requires_grad_() for p in (cell.weight_ih, cell.weight_hh)]
    assert torch.autograd.gradcheck(loop, (x, *weights))
    assert torch.autograd.gradgradcheck(loop, (x, *weights))
    plainly = torch.autograd.grad(loop(x, *weights).sum(), weights)
    recorded = torch.autograd.grad(loop(x, *weights).sum(), weights, create_graph=True)
    for mine, exact in zip(recorded, plainly):
        np.testing.assert_allclose(mine.tolist(), exact.tolist(), rtol=1e-12)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_half_precision_is_rounded_once(name):
    torch.manual_seed(0)
    layer = getattr(nn, name)(3, 4).half()
    wide = copy.deepcopy(layer).double()
    x = torch.randn(6, 2, 3).half()
    y, expected = layer(x)[0], wide(x.double())[0]
    assert y.dtype == torch.float16
    np.testing.assert_allclose(y.tolist(), expected.tolist(), atol=2**-11)
    y.sum().backward()
    expected.sum().backward()
    for mine, exact in zip(layer.parameters(), wide.parameters()):
        np.testing.assert_allclose(mine.grad.tolist(), exact.grad.tolist(), rtol=2**-9, atol=1e-2)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_on_the_pretended_gpu(name, monkeypatch):
    torch.manual_seed(0)
    layer = getattr(nn, name)(3, 4, 2, bidirectional=True)
    x = torch.randn(5, 3, 3)
    packed = pack_padded_sequence(x, [2, 5, 3], enforce_sorted=False)
    expected = layer(packed)[0].data
    expected.sum().backward()
    gradient = layer.weight_hh_l0.grad.tolist()
    layer.zero_grad()
    fake_cupy.install(monkeypatch)
    layer.cuda()
    packed = pack_padded_sequence(x.cuda(), [2, 5, 3], enforce_sorted=False)
    y = layer(packed)[0]
    np.testing.assert_allclose(y.data.tolist(), expected.tolist(), atol=1e-6)
    y.data.sum().backward()
    np.testing.assert_allclose(layer.weight_hh_l0.grad.tolist(), gradient, atol=1e-5)
    assert pad_packed_sequence(y)[0].is_cuda
    assert packed.cpu().sorted_indices.device.type == "cpu"
