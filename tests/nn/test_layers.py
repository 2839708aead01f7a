"""Layers: state, repr, shapes, options and errors. Their numbers are in test_goldens.py."""

import warnings

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.nn import functional as F  # noqa: N812 (everybody's name for it)

NORM = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
REPRS = [
    (nn.Conv2d(3, 4, 3), "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))"),
    (
        nn.Conv2d(4, 4, (3, 2), 2, 1, 2, 2, bias=False, padding_mode="reflect"),
        "Conv2d(4, 4, kernel_size=(3, 2), stride=(2, 2), padding=(1, 1), dilation=(2, 2), "
        "groups=2, bias=False, padding_mode=reflect)",
    ),
    (
        nn.Conv2d(3, 4, 3, padding="same"),
        "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=same)",
    ),
    (nn.Conv1d(3, 4, 3), "Conv1d(3, 4, kernel_size=(3,), stride=(1,))"),
    (
        nn.ConvTranspose2d(3, 4, 3, 2, 1, 1, dilation=2),
        "ConvTranspose2d(3, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), "
        "dilation=(2, 2), output_padding=(1, 1))",
    ),
    (
        nn.MaxPool2d(2),
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    ),
    (nn.AvgPool2d((3, 2), 2, 1), "AvgPool2d(kernel_size=(3, 2), stride=2, padding=1)"),
    (nn.AdaptiveAvgPool2d((1, None)), "AdaptiveAvgPool2d(output_size=(1, None))"),
    (
        nn.BatchNorm2d(3),
        "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
    ),
    (
        nn.LayerNorm((2, 3), elementwise_affine=False),
        "LayerNorm((2, 3), eps=1e-05, elementwise_affine=False, bias=False)",
    ),
    (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
    (
        nn.Embedding(3, 4, -1, 1.0, 1.0, True),
        "Embedding(3, 4, padding_idx=2, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)",
    ),
    (nn.Linear(2, 3, bias=False), "Linear(in_features=2, out_features=3, bias=False)"),
    (nn.Dropout(0.2), "Dropout(p=0.2, inplace=False)"),
    (nn.ReLU(True), "ReLU(inplace=True)"),
    (nn.LeakyReLU(0.2, True), "LeakyReLU(negative_slope=0.2, inplace=True)"),
    (nn.ELU(), "ELU(alpha=1.0)"),
    (nn.GELU("tanh"), "GELU(approximate='tanh')"),
    (nn.SiLU(), "SiLU()"),
    (nn.Softplus(2, 3), "Softplus(beta=2, threshold=3)"),
    (nn.LogSoftmax(1), "LogSoftmax(dim=1)"),
    (nn.Identity(3, a=4), "Identity()"),
    (nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
    (nn.Unflatten(1, (2, 3)), "Unflatten(dim=1, unflattened_size=(2, 3))"),
    (nn.CrossEntropyLoss(), "CrossEntropyLoss()"),
]


@pytest.mark.parametrize(("module", "expected"), REPRS, ids=[x.split("(")[0] for _, x in REPRS])
def test_repr(module, expected):
    assert repr(module) == expected


@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (nn.Linear(2, 3), {"weight": (3, 2), "bias": (3,)}),
        (nn.Conv1d(4, 6, 5, groups=2), {"weight": (6, 2, 5), "bias": (6,)}),
        (nn.Conv2d(4, 6, (5, 3), groups=2), {"weight": (6, 2, 5, 3), "bias": (6,)}),
        (nn.ConvTranspose2d(4, 6, 3, groups=2), {"weight": (4, 3, 3, 3), "bias": (6,)}),
        (nn.Embedding(5, 2), {"weight": (5, 2)}),
        (nn.LayerNorm((2, 3)), {"weight": (2, 3), "bias": (2, 3)}),
        (nn.GroupNorm(2, 4), {"weight": (4,), "bias": (4,)}),
        (nn.BatchNorm1d(3), dict(zip(NORM, [(3,)] * 4 + [()]))),
        (nn.BatchNorm2d(3, bias=False), dict(zip([NORM[0], *NORM[2:]], [(3,)] * 3 + [()]))),
        (nn.BatchNorm2d(3, affine=False, track_running_stats=False), {}),
        (nn.CrossEntropyLoss(weight=torch.ones(3)), {"weight": (3,)}),
        (nn.BCEWithLogitsLoss(pos_weight=torch.ones(3)), {"pos_weight": (3,)}),
    ],
)
def test_state(module, shapes):
    assert {name: x.shape for name, x in module.state_dict().items()} == shapes
    kinds = {x.dtype for name, x in module.state_dict().items() if name != NORM[-1]}
    assert kinds <= {torch.float32}


def test_convolutions_know_whether_they_are_transposed():
    assert [m.transposed for m in (nn.Conv2d(1, 1, 1), nn.ConvTranspose2d(1, 1, 1))] == [
        False,
        True,
    ]


def test_dtype_argument():
    for module in (
        nn.Linear(1, 1, dtype=torch.float64),
        nn.Conv2d(1, 1, 1, dtype=torch.float64),
        nn.BatchNorm1d(1, dtype=torch.float64),
        nn.LayerNorm(1, dtype=torch.float64),
        nn.Embedding(1, 1, dtype=torch.float64),
    ):
        assert module.weight.dtype == torch.float64


def test_one_step_in_float32_leaves_everything_in_float32():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2),
        nn.GroupNorm(2, 4), nn.SiLU(), nn.ConvTranspose2d(4, 2, 2), nn.AvgPool2d(2), nn.Softplus(),
        nn.Flatten(), nn.LayerNorm(8), nn.Dropout(), nn.ELU(), nn.Linear(8, 3), nn.LogSoftmax(1),
    )  # fmt: skip
    x = torch.randn(4, 1, 8, 8, requires_grad=True)
    for loss in (nn.NLLLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)):
        loss(net(x), torch.tensor([0, 1, 2, 0])).backward()
    for tensor in (*net.parameters(), *net.buffers(), x):
        if tensor.is_floating_point():
            assert tensor.dtype == torch.float32
            if tensor.requires_grad:
                assert tensor.grad.dtype == torch.float32


def test_batches_of_no_images():
    x = torch.zeros(0, 2, 6, 6, requires_grad=True)
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(1), nn.AdaptiveAvgPool2d(2)
    )
    y = net(x)
    assert y.shape == (0, 3, 2, 2)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert not net[0].weight.grad.array.any()
    assert F.conv_transpose2d(x, torch.ones(2, 3, 2, 2)).shape == (0, 3, 7, 7)


# --- dropout -------------------------------------------------------------------------------------


def test_dropout():
    torch.manual_seed(0)
    x = torch.ones(1000, requires_grad=True)
    layer = nn.Dropout(0.25)
    y = layer(x)
    kept = y.array != 0
    assert 700 < kept.sum() < 800
    np.testing.assert_allclose(y.array[kept], 1 / 0.75, rtol=1e-6)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)
    assert layer.eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert not nn.Dropout(1.0)(x).array.any()
    z = x * 1
    assert nn.Dropout(0.5, inplace=True)(z) is z
    torch.manual_seed(7)
    first = F.dropout(x)
    torch.manual_seed(7)
    np.testing.assert_array_equal(first.array, F.dropout(x).array)
    for make in (lambda: nn.Dropout(-0.1), lambda: F.dropout(x, 1.5)):
        with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but"):
            make()


# --- batch normalization -------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.5, None])
@pytest.mark.parametrize(
    ("make", "shape"),
    [(nn.BatchNorm1d, (4, 3)), (nn.BatchNorm1d, (4, 3, 2)), (nn.BatchNorm2d, (4, 3, 2, 2))],
)
def test_tracking_switched_off_and_on_again(make, shape, momentum):
    norm = make(3, momentum=momentum, affine=False)
    x = torch.randn(shape) * 3 + 1
    own = norm(x)
    before = [buffer.tolist() for buffer in norm.buffers()]
    norm.track_running_stats = False
    assert torch.equal(norm(x), own)  # its own values, as always in training
    norm.reset_running_stats()
    assert [buffer.tolist() for buffer in norm.buffers()] == before
    norm.eval()
    assert not torch.equal(norm(x), own)  # the running values, as they were
    assert [buffer.tolist() for buffer in norm.buffers()] == before
    norm.train().track_running_stats = True
    norm(x)
    assert norm.num_batches_tracked.item() == 2
    norm.reset_running_stats()
    assert norm.num_batches_tracked.item() == 0


def test_tracking_switched_on_where_nothing_is_kept():
    norm = nn.BatchNorm1d(3, track_running_stats=False)
    norm.track_running_stats = True
    assert norm(torch.randn(4, 3)).shape == (4, 3)
    norm.reset_running_stats()
    assert list(norm.buffers()) == []


def test_running_values():
    norm = nn.BatchNorm1d(1, momentum=0.5)
    norm(torch.tensor([[1.0], [3.0]]))
    assert norm.running_mean.item() == pytest.approx(1.0)
    assert norm.running_var.item() == pytest.approx(0.5 + 0.5 * 2)  # unbiased: 2, biased: 1
    assert norm.num_batches_tracked.item() == 1
    norm.eval()(torch.tensor([[1.0]]))
    assert norm.num_batches_tracked.item() == 1
    norm.reset_running_stats()
    assert norm.running_var.item() == 1


def test_momentum_none_averages():
    norm = nn.BatchNorm1d(1, momentum=None)
    for mean in (1.0, 2.0, 6.0):
        norm(torch.tensor([[mean - 1], [mean + 1]]))
    assert norm.running_mean.item() == pytest.approx(3)
    assert norm.running_var.item() == pytest.approx(2)


def test_normalization_refuses():
    x = torch.ones(2, 4, 3, 2)
    for call, error, text in [
        (lambda: nn.BatchNorm2d(4)(x[0]), ValueError, r"expected 4D input \(got 3D input\)"),
        (lambda: nn.BatchNorm1d(4)(x), ValueError, r"expected 2D or 3D input \(got 4D input\)"),
        (
            lambda: nn.BatchNorm1d(4)(x[:1, :, 0, 0]),
            ValueError,
            r"Expected more than 1 value per channel when training, got input size torch.Size\(\[1",
        ),
        (lambda: nn.BatchNorm2d(3)(x), RuntimeError, "running_mean should contain 4 elements not"),
        (lambda: F.batch_norm(x, None, None), RuntimeError, "must be defined in evaluation mode"),
        (
            lambda: nn.LayerNorm(3)(x),
            RuntimeError,
            r"Given normalized_shape=\[3\], expected input with shape \[\*, 3\], but got input of",
        ),
        (lambda: F.layer_norm(x, ()), RuntimeError, "Expected normalized_shape to be at least"),
        (lambda: F.layer_norm(x, (2,), torch.ones(3)), RuntimeError, "Expected weight to be of"),
        (lambda: nn.GroupNorm(3, 4), ValueError, r"num_channels \(4\) must be divisible by"),
        (lambda: F.group_norm(x, 3), RuntimeError, "divisible by num_groups, but got input of"),
        (lambda: F.group_norm(x[:1, :, 0, 0], 4), ValueError, r"got input size \[1, 4\]"),
        (lambda: nn.GroupNorm(2, 6)(x), RuntimeError, "Expected weight to be a vector of size"),
        (lambda: nn.BatchNorm2d(4).double()(x), RuntimeError, "scalar type Float"),
    ]:
        with pytest.raises(error, match=text):
            call()


# --- embedding, one_hot --------------------------------------------------------------------------


def test_embedding():
    table = nn.Embedding(4, 2, padding_idx=-1)
    assert table.weight[3].tolist() == [0, 0]
    assert table(torch.tensor([[0, 3]])).shape == (1, 2, 2)
    rows = torch.arange(6.0).reshape(3, 2)
    pretrained = nn.Embedding.from_pretrained(rows)
    assert not pretrained.weight.requires_grad
    assert pretrained(torch.tensor(2)).tolist() == [4, 5]
    assert nn.Embedding.from_pretrained(rows, freeze=False).weight.requires_grad
    for call, error, text in [
        (lambda: table(torch.tensor([4])), IndexError, "index out of range in self"),
        (lambda: table(torch.tensor([-1])), IndexError, "index out of range in self"),
        (lambda: table(torch.tensor([1.0])), RuntimeError, "but got torch.FloatTensor instead"),
        (lambda: nn.Embedding(3, 4, 5), AssertionError, "Padding_idx must be within"),
        (lambda: nn.Embedding(3, 4, sparse=True), NotImplementedError, "sparse"),
        (
            lambda: nn.Embedding.from_pretrained(torch.ones(3)),
            AssertionError,
            "to be 2-dimensional",
        ),
    ]:
        with pytest.raises(error, match=text):
            call()


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [1, 1, 1, 1]),
        ({"padding_idx": 3}, [1, 1, 0, 1]),
        ({"scale_grad_by_freq": True}, [1 / 2, 1 / 2, 1, 1]),
        ({"scale_grad_by_freq": True, "padding_idx": -3}, [0, 0, 1, 1]),
    ],
    ids=str,
)
def test_the_gradient_of_an_embedding_is_linear_and_has_that_gradient(options, weights):
    table = torch.zeros(4, 2, dtype=torch.float64, requires_grad=True)
    picked = [1, 1, 3, 0]
    g, h = (torch.randn(4, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    y = F.embedding(torch.tensor(picked), table, **options)
    (slope,) = torch.autograd.grad(y, table, g, create_graph=True)
    matrix = np.zeros((4, 4))  # of the linear map from g to the gradient of the table
    matrix[picked, range(4)] = weights
    np.testing.assert_allclose(slope.numpy(force=True), matrix @ g.numpy(force=True))
    (back,) = torch.autograd.grad(slope, g, h)
    np.testing.assert_allclose(back.numpy(), matrix.T @ h.numpy(force=True))


@pytest.mark.parametrize(
    ("amounts", "wanted"),
    [
        ((1, -1), [3, 0, 1, 2, 3]),
        ((-1, 2), [1, 2, 3, 4, 1, 2]),
        ((-2, 1), [2, 3, 4, 2]),
        ((2, -1), [2, 3, 0, 1, 2, 3]),
    ],
)
def test_circular_padding_of_what_negative_amounts_leave(amounts, wanted):
    assert F.pad(torch.arange(5.0)[None], amounts, mode="circular")[0].tolist() == wanted


def test_embedding_shortens_long_rows():
    table = nn.Embedding.from_pretrained(torch.tensor([[3.0, 4.0], [6.0, 8.0]]), max_norm=1.0)
    np.testing.assert_allclose(table(torch.tensor([0])).array, [[0.6, 0.8]], rtol=1e-6)
    assert table.weight[1].tolist() == [6, 8]


def test_one_hot():
    assert F.one_hot(torch.tensor([[0], [2]])).tolist() == [[[1, 0, 0]], [[0, 0, 1]]]
    assert F.one_hot(torch.tensor(1), 3).tolist() == [0, 1, 0]
    assert F.one_hot(torch.tensor([1])).dtype == torch.int64
    for values, count, text in [
        ([0, -1], -1, "Class values must be non-negative."),
        ([0, 3], 2, "Class values must be smaller than num_classes."),
        ([0.0], -1, "one_hot is only applicable to index tensor of type LongTensor."),
    ]:
        with pytest.raises(RuntimeError, match=text):
            F.one_hot(torch.tensor(values), count)


# --- padding, flattening, linear -----------------------------------------------------------------


def test_pad_refuses():
    x = torch.ones(2, 3, 5)
    for call, error, text in [
        (lambda: F.pad(x, (1,)), RuntimeError, "Padding length must be divisible by 2"),
        (lambda: F.pad(x, (1,) * 8), RuntimeError, "less than or equal to two times the input"),
        (lambda: F.pad(x, (5, 1), "reflect"), RuntimeError, "Padding size should be less than the"),
        (lambda: F.pad(x, (6, 1), "circular"), RuntimeError, "wrapping around more than once"),
        (lambda: F.pad(x, (-3, -3)), RuntimeError, "resulted in a negative output size"),
        (lambda: F.pad(x, (1, 1), "mirror"), NotImplementedError, "Unrecognised padding mode"),
        (lambda: F.pad(x, (1, 1), "reflect", 3.0), RuntimeError, "doesn't take in value argument"),
        (lambda: F.pad(x[0, 0], (1, 1), "reflect"), NotImplementedError, "Padding size 2 is not"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_flatten_and_unflatten():
    x = torch.ones(2, 6, 4)
    assert nn.Flatten()(x).shape == (2, 24)
    assert nn.Flatten(0, 1)(x).shape == (12, 4)
    assert nn.Unflatten(1, (2, 3))(x).shape == (2, 2, 3, 4)
    with pytest.raises(TypeError, match="unflattened_size must be a tuple of ints, but found type"):
        nn.Unflatten(1, 6)
    with pytest.raises(TypeError, match="found element of type float at pos 1"):
        nn.Unflatten(1, (2, 3.0))


def test_linear_refuses():
    with pytest.raises(
        RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4"
    ):
        nn.Linear(4, 2)(torch.ones(2, 3))
    with pytest.raises(TypeError, match=r"argument 'input' .* must be Tensor, not numpy.ndarray"):
        nn.Linear(4, 2)(np.ones((2, 4)))
    with pytest.raises(RuntimeError, match="mat1 and mat2 must have the same dtype"):
        nn.Linear(3, 2)(torch.ones(2, 3, dtype=torch.float64))


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        assert nn.Softmax()(torch.zeros(1, 2)).tolist() == [[0.5, 0.5]]


def test_inplace_on_a_leaf_is_refused():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used"):
        nn.ReLU(inplace=True)(torch.ones(1, requires_grad=True))


def test_old_reduction_arguments():
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        assert nn.CrossEntropyLoss(reduce=False).reduction == "none"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.MSELoss()


def test_adaptive_softmax():
    torch.manual_seed(0)
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 9, [2, 5])
    x, classes = torch.randn(7, 16), torch.tensor([0, 8, 3, 4, 1, 2, 6])
    every = layer.log_prob(x)
    np.testing.assert_allclose(every.exp().sum(1).detach().numpy(), 1, rtol=1e-5)
    output, loss = layer(x, classes)
    expected = every.gather(1, classes[:, None])[:, 0]
    np.testing.assert_allclose(output.detach().numpy(), expected.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(loss.item(), -expected.mean().item(), rtol=1e-5)
    assert layer.predict(x).tolist() == every.argmax(1).tolist()
    np.testing.assert_allclose(layer(x[1], classes[1]).loss.item(), -output[1].item(), rtol=1e-5)
    before = layer.tail[1][0].weight.clone()
    layer.reset_parameters()
    assert not torch.equal(layer.tail[1][0].weight, before)


@pytest.mark.parametrize(
    ("cutoffs", "words"),
    [([], "of length larger than 0"), ([3, 3], "unique, positive"), ([5, 2], "increasing order"),
     ([0], "between 1 and"), ([9], "n_classes-1"), ([1.5], "integers")],
)  # fmt: skip
def test_cutoffs_that_are_none(cutoffs, words):
    with pytest.raises(ValueError, match=words):
        nn.AdaptiveLogSoftmaxWithLoss(4, 9, cutoffs)


@pytest.mark.parametrize(
    ("shape", "target", "words"),
    [((3, 4), [1, 2], "same size in the batch"), ((3, 4), 1, "0D target tensor expects 1D"),
     ((2, 2, 4), [1, 2], "1D target tensor expects 2D"), ((3, 4), [[1]], "multi-target not"),
     ((3, 4), [0, 9, 1], r"in \[0, 8\], but values in range \[0, 9\]"),
     ((3, 4), [0, -1, 1], r"in range \[-1, 1\] were found")],
)  # fmt: skip
def test_targets_of_adaptive_softmax(shape, target, words):
    with pytest.raises(RuntimeError, match=words):
        nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])(torch.ones(shape), torch.tensor(target))
