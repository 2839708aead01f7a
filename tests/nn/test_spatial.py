"""Layers of sequences and images: repr, state, options, errors. Their numbers: test_goldens.py."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.nn import functional as F  # noqa: N812

REPRS = [
    (
        nn.ConvTranspose1d(2, 3, 4, 2, 1, 1),
        "ConvTranspose1d(2, 3, kernel_size=(4,), stride=(2,), padding=(1,), output_padding=(1,))",
    ),
    (
        nn.InstanceNorm2d(3, affine=True),
        "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=False)",
    ),
    (nn.RMSNorm((2, 3), 0.1), "RMSNorm((2, 3), eps=0.1, elementwise_affine=True)"),
    (nn.LocalResponseNorm(2), "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)"),
    (nn.Upsample(scale_factor=(2, 3)), "Upsample(scale_factor=(2.0, 3.0), mode='nearest')"),
    (nn.UpsamplingBilinear2d(3), "UpsamplingBilinear2d(size=3, mode='bilinear')"),
    (nn.MaxPool1d(2), "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
    (nn.AvgPool1d(2), "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))"),
    (nn.LPPool2d(2, 3), "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)"),
    (nn.MaxUnpool2d(2), "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"),
    (nn.AdaptiveMaxPool2d((3, None), True), "AdaptiveMaxPool2d(output_size=(3, None))"),
    (nn.ZeroPad2d(1), "ZeroPad2d((1, 1, 1, 1))"),
    (nn.ConstantPad1d((1, 2), 3.5), "ConstantPad1d(padding=(1, 2), value=3.5)"),
    (nn.Fold(4, 2), "Fold(output_size=4, kernel_size=2, dilation=1, padding=0, stride=1)"),
    (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"),
    (nn.Dropout2d(0.2, True), "Dropout2d(p=0.2, inplace=True)"),
    (nn.FeatureAlphaDropout(), "FeatureAlphaDropout(p=0.5, inplace=False)"),
]


@pytest.mark.parametrize(("module", "expected"), REPRS, ids=[x.split("(")[0] for _, x in REPRS])
def test_repr(module, expected):
    assert repr(module) == expected


def test_states_of_instance_normalization():
    assert list(nn.InstanceNorm1d(3).state_dict()) == []
    norm = nn.InstanceNorm2d(1, momentum=0.5, track_running_stats=True)
    norm(torch.tensor([[[[1.0, 3.0]]], [[[0.0, 8.0]]]]))
    assert norm.running_mean.item() == 1.5
    assert norm.running_var.item() == 0.5 + 0.5 * (2 + 32) / 2  # the mean of unbiased variances
    old = {"running_mean": torch.ones(1), "running_var": torch.ones(1)}
    with pytest.raises(RuntimeError, match="Unexpected running stats buffer"):
        nn.InstanceNorm2d(1).load_state_dict(old)


@pytest.mark.filterwarnings("ignore:dropout2d. Received a 3D input")
@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (F.dropout1d, (30, 40, 5)), (F.dropout1d, (1200, 5)), (F.dropout2d, (30, 40, 5, 2)),
        (F.dropout2d, (30, 40, 5)), (F.feature_alpha_dropout, (30, 40, 5)),
    ],
)  # fmt: skip
def test_whole_channels_are_dropped(function, shape):
    torch.manual_seed(0)
    x = torch.ones(shape, requires_grad=True)
    y = function(x, 0.25, True)
    y.sum().backward()
    values = y.detach().numpy().reshape(1200, -1)
    assert (values == values[:, :1]).all()
    kept = x.grad.numpy().reshape(1200, -1)[:, 0] > 0
    assert 0.7 < kept.mean() < 0.8
    assert len(np.unique(values[kept])) == len(np.unique(values[~kept])) == 1
    assert torch.equal(function(x, 0.5, False), x)
    z = x * 1
    assert function(z, 0.5, True, True) is z


def test_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    x = torch.randn(300, 300)
    y = nn.AlphaDropout(0.4)(x)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.std().item() - 1) < 0.02
    assert F.alpha_dropout(torch.tensor(1.0), 0.5, True).shape == ()
    assert not F.alpha_dropout(x, 1.0, True).array.any()
    layer = nn.AlphaDropout()
    assert layer.eval()(x) is x


def test_pools_of_largest_elements_where_several_are_or_none():
    x = torch.tensor([[[1.0, 1.0, 0.0, np.nan, 2.0, np.nan]]])
    y, indices = F.adaptive_max_pool1d(x, 2, return_indices=True)
    np.testing.assert_array_equal(y, [[[1, np.nan]]])
    assert indices.tolist() == [[[0, 5]]]
    y, indices = F.adaptive_max_pool2d(torch.ones(1, 4, 4), (1, 2), return_indices=True)
    assert indices.tolist() == [[[0, 2]]]
    y, indices = F.max_pool2d_with_indices(torch.ones(1, 1, 2, 2), 2, return_indices=False)
    assert indices.tolist() == [[[[0]]]]


def test_every_element_a_fold_is_given_counts():
    x = torch.ones(1, 1, 3, 3)
    seen = F.fold(F.unfold(x, 2), 3, 2)
    assert seen.tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]
    assert F.unfold(x[:0], 2).shape == (0, 4, 4)


def test_points_that_are_nowhere():
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    grid = torch.tensor([[np.nan, 0.0], [np.inf, 0.0], [-np.inf, 0.0], [3.0, 0.0]])[None, None]
    for padding, wanted in (
        ("zeros", [np.nan, np.nan, np.nan, 0]), ("border", [4, 7, 4, 7]),
        ("reflection", [4, 4, 4, 4]),
    ):  # fmt: skip
        found = F.grid_sample(x, grid, "bilinear", padding, True)
        np.testing.assert_allclose(found[0, 0, 0], wanted)


def test_refuses():
    line, image = torch.ones(2, 3, 8), torch.ones(2, 3, 4, 4)
    places = torch.zeros(2, 3, 4, 4).long()
    for call, error, text in [
        (lambda: F.max_pool1d(line, 9), RuntimeError, "Invalid computed output size: 0"),
        (lambda: F.max_pool1d(line, 0), RuntimeError, "kernel_size must be greater than zero"),
        (lambda: F.max_pool1d(line, 2, 1, 2), RuntimeError, "padding should be at most half of"),
        (lambda: F.max_pool1d(image, 2), RuntimeError, "max_pool1d: Expected 2D or 3D .batch"),
        (lambda: F.avg_pool1d(image, 2), RuntimeError, "Expected 2 to 3 dimensions, but got 4-"),
        (lambda: F.avg_pool1d(line, (2, 2)), RuntimeError, r"should contain one int \(got 2\)"),
        (lambda: F.avg_pool1d(line, "2"), TypeError, "'kernel_size' .* must be tuple of ints"),
        (lambda: F.adaptive_avg_pool1d(line, None), TypeError, "must be tuple of ints, not None"),
        (lambda: F.adaptive_max_pool2d(line[0], 2), RuntimeError, "Expected 3D or 4D tensor, but"),
        (lambda: F.adaptive_max_pool2d(image[:, :0], 2), RuntimeError, "with dimension 1 being e"),
        (lambda: F.adaptive_max_pool2d(image.long(), 2), NotImplementedError, "for 'Long'"),
        (lambda: F.max_unpool2d(image, places + 64, 2), RuntimeError, "an invalid max index: 64"),
        (lambda: F.max_unpool2d(image, places.int(), 2), RuntimeError, "should be type int64 but"),
        (lambda: F.max_unpool2d(image, places[:1], 2), RuntimeError, "Expected shape of indices"),
        (lambda: F.max_unpool2d(line[0], places[0, 0], 2), RuntimeError, "should be a 3d or 4d"),
        (
            lambda: F.max_unpool2d(image, places, 2, output_size=(9, 10)),
            ValueError,
            r'invalid output_size "\(9, 10\)" \(dim 1 must be between 6 and 10\)',
        ),
        (lambda: F.max_unpool2d(image, places, 2, output_size=[8]), ValueError, "containing 2 or"),
        (lambda: F.fold(torch.ones(1, 6, 4), 3, 2), RuntimeError, "to be divisible by the product"),
        (lambda: F.fold(torch.ones(1, 4, 5), 3, 2), RuntimeError, r"blocks 2 \* 2 = 4, but got"),
        (lambda: F.fold(torch.ones(4), 3, 2), RuntimeError, "Expected 2D or 3D .batch mode. tens"),
        (lambda: F.unfold(image, 5), RuntimeError, "its components must be at least one"),
        (lambda: F.pixel_shuffle(image, 2), RuntimeError, r"input.size\(-3\)=3 is not divisible"),
        (lambda: F.pixel_unshuffle(image, 3), RuntimeError, "expects height to be divisible by"),
        (lambda: F.pixel_shuffle(image, 0), RuntimeError, "expects a positive upscale_factor"),
        (lambda: F.channel_shuffle(image, 2), RuntimeError, "Got 3 channels and 2 groups"),
        (lambda: F.channel_shuffle(line[0], 2), RuntimeError, "expects input with > 2 dims"),
        (lambda: F.dropout1d(image), RuntimeError, "dropout1d: Expected 2D or 3D input, but rec"),
        (lambda: F.feature_alpha_dropout(line[0, 0], 0.5, True), RuntimeError, "at least 2 dimen"),
        (lambda: nn.Dropout2d(2), ValueError, "dropout probability has to be between 0 and 1"),
        (lambda: nn.CircularPad2d(1)(line[0]), ValueError, "expected 3D or 4D input .got 2D"),
        (lambda: nn.InstanceNorm2d(3)(line[0]), ValueError, "expected 3D or 4D input .got 2D"),
        (
            lambda: nn.InstanceNorm2d(4, affine=True)(image),
            ValueError,
            r"expected input's size at dim=1 to match num_features \(4\), but got: 3.",
        ),
        (lambda: F.instance_norm(line[..., :1]), ValueError, "more than 1 spatial element when"),
        (lambda: F.local_response_norm(line[0], 2), ValueError, "Expected 3D or higher dimension"),
        (lambda: F.local_response_norm(line, 0), RuntimeError, "kernel size should be greater"),
        (lambda: F.rms_norm(line, (3,)), RuntimeError, r"Given normalized_shape=\[3\], expected"),
        (
            lambda: nn.ConvTranspose1d(3, 1, 3, 2)(line, [99]),
            ValueError,
            r"requested an output size of \[99\], but valid sizes range from \[17\] to \[18\]",
        ),
    ]:
        with pytest.raises(error, match=text):
            call()
    grid = torch.zeros(2, 2, 2, 2)
    for call, error, text in [
        (lambda: F.grid_sample(image, grid, "best"), ValueError, "to be 'bilinear', 'nearest' or"),
        (lambda: F.grid_sample(image, grid, "nearest", "ones"), ValueError, "'zeros', 'border', o"),
        (lambda: F.grid_sample(image, grid[:1], align_corners=True), RuntimeError, "same batch si"),
        (
            lambda: F.grid_sample(image, grid[..., :1], align_corners=True),
            RuntimeError,
            "size 2 in",
        ),
        (lambda: F.affine_grid(grid[0], (2, 1, 2, 2), True), ValueError, "shape Nx2x3 for size"),
        (lambda: F.affine_grid(grid[0], (2, 1, 2), True), NotImplementedError, "4D and 5D sizes"),
    ]:
        with pytest.raises(error, match=text):
            call()
    with pytest.warns(UserWarning, match="Default grid_sample and affine_grid behavior has chan"):
        F.grid_sample(image, grid)
    with pytest.warns(UserWarning, match=r"input's size at dim=1 does not match num_features"):
        nn.InstanceNorm2d(4)(image)
    with pytest.warns(UserWarning, match="dropout2d: Received a 3D input to dropout2d and assum"):
        F.dropout2d(line)
