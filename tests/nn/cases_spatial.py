"""Cases of layers that see sequences and images: resizing, pools, pads, norms; see cases.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# A name, the module of a package's nn, and the shape of the input.
LAYERS: list[tuple[str, Callable[[Any], Any], tuple[int, ...]]] = [
    (
        "ConvTranspose1d",
        lambda nn: nn.ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, dilation=2),
        (2, 4, 5),
    ),
    ("ConvTranspose1d unbatched", lambda nn: nn.ConvTranspose1d(2, 3, 2, bias=False), (2, 4)),
    ("InstanceNorm1d", lambda nn: nn.InstanceNorm1d(3, 0.01), (2, 3, 5)),
    ("InstanceNorm1d unbatched", lambda nn: nn.InstanceNorm1d(3, affine=True), (3, 5)),
    (
        "InstanceNorm2d",
        lambda nn: nn.InstanceNorm2d(3, momentum=0.3, affine=True, track_running_stats=True),
        (2, 3, 2, 4),
    ),
    (
        "InstanceNorm2d eval",
        lambda nn: nn.InstanceNorm2d(3, track_running_stats=True).eval(),
        (2, 3, 2, 2),
    ),
    ("RMSNorm", lambda nn: nn.RMSNorm((3, 4), 0.1), (2, 3, 4)),
    ("RMSNorm plain", lambda nn: nn.RMSNorm(4, elementwise_affine=False), (2, 4)),
    ("LocalResponseNorm", lambda nn: nn.LocalResponseNorm(3, 0.5, 0.7, 2.0), (2, 5, 4)),
    ("LocalResponseNorm even", lambda nn: nn.LocalResponseNorm(4, 0.5), (1, 3, 2, 2)),
    ("Upsample", lambda nn: nn.Upsample(scale_factor=2), (2, 2, 3, 4)),
    ("Upsample sequence", lambda nn: nn.Upsample(7, mode="linear"), (2, 2, 4)),
    (
        "Upsample bicubic",
        lambda nn: nn.Upsample(scale_factor=(2.3, 0.6), mode="bicubic", align_corners=True),
        (1, 2, 4, 5),
    ),
    (
        "Upsample recomputed",
        lambda nn: nn.Upsample(
            scale_factor=1.7, mode="bilinear", align_corners=False, recompute_scale_factor=True
        ),
        (1, 2, 4, 5),
    ),
    ("UpsamplingNearest2d", lambda nn: nn.UpsamplingNearest2d((5, 2)), (1, 2, 3, 4)),
    ("UpsamplingBilinear2d", lambda nn: nn.UpsamplingBilinear2d(scale_factor=3), (1, 2, 3, 2)),
    ("AvgPool1d", lambda nn: nn.AvgPool1d(3, 2, 1, True, False), (2, 3, 8)),
    ("LPPool1d", lambda nn: nn.LPPool1d(2, 3, 2, ceil_mode=True), (2, 3, 8)),
    ("LPPool2d", lambda nn: nn.LPPool2d(float("inf"), (2, 3), 1), (2, 3, 4, 5)),
    ("AdaptiveAvgPool1d", lambda nn: nn.AdaptiveAvgPool1d(3), (2, 7)),
    ("AdaptiveMaxPool1d", lambda nn: nn.AdaptiveMaxPool1d(3, return_indices=True), (2, 2, 7)),
    (
        "AdaptiveMaxPool2d",
        lambda nn: nn.AdaptiveMaxPool2d((3, None), return_indices=True),
        (2, 2, 7, 4),
    ),
    ("PixelShuffle", lambda nn: nn.PixelShuffle(2), (2, 8, 2, 3)),
    ("PixelUnshuffle", lambda nn: nn.PixelUnshuffle(2), (2, 4, 6)),
    ("ChannelShuffle", lambda nn: nn.ChannelShuffle(3), (2, 6, 2, 2)),
    ("Unfold", lambda nn: nn.Unfold((2, 3), 2, (1, 2), (2, 1)), (2, 6, 5)),
    ("Fold", lambda nn: nn.Fold((4, 5), (2, 3), (1, 2), 1, (2, 1)), (2, 12, 9)),
    ("ZeroPad1d", lambda nn: nn.ZeroPad1d((1, -2)), (2, 2, 5)),
    ("ZeroPad2d", lambda nn: nn.ZeroPad2d((1, -2, 0, 2)), (2, 4, 5)),
    ("ConstantPad1d", lambda nn: nn.ConstantPad1d(2, 3.5), (2, 5)),
    ("ConstantPad2d", lambda nn: nn.ConstantPad2d((0, 1, 2, 3), -1), (1, 2, 4, 5)),
    ("ReflectionPad1d", lambda nn: nn.ReflectionPad1d((3, 1)), (2, 2, 5)),
    ("ReflectionPad2d", lambda nn: nn.ReflectionPad2d((3, 1, 0, 2)), (2, 4, 5)),
    ("ReplicationPad1d", lambda nn: nn.ReplicationPad1d(6), (2, 5)),
    ("ReplicationPad2d", lambda nn: nn.ReplicationPad2d((3, 1, 0, 2)), (1, 2, 4, 5)),
    ("CircularPad1d", lambda nn: nn.CircularPad1d((3, 1)), (2, 2, 5)),
    ("CircularPad2d", lambda nn: nn.CircularPad2d((3, 1, 0, 2)), (2, 4, 5)),
]


def _resize(**options: Any) -> Callable[..., Any]:
    return lambda torch, nn, f, x: f.interpolate(x, **options)


def _unpooled(torch: Any, nn: Any, f: Any, x: Any) -> Any:
    y, indices = nn.MaxPool2d((2, 3), (1, 3), return_indices=True)(x)
    return nn.MaxUnpool2d((2, 3), (1, 3))(y * y, indices, output_size=x.shape)


def _unpooled_sequence(torch: Any, nn: Any, f: Any, x: Any) -> Any:
    y, indices = f.max_pool1d_with_indices(x, 3, 2, 1)
    return nn.MaxUnpool1d(3, 2, 1)(y, indices)


# A name, a function of (torch, nn, functional, *tensors), and the shapes of the inputs, which have
# one decimal: some elements are equal.
FUNCTIONS: list[tuple[str, Callable[..., Any], list[tuple[int, ...]]]] = [
    ("interpolate nearest", _resize(size=(7, 2)), [(2, 2, 3, 5)]),
    ("interpolate nearest, other factor", _resize(scale_factor=1.3), [(1, 2, 7)]),
    ("interpolate nearest-exact", _resize(size=5, mode="nearest-exact"), [(1, 2, 8, 3)]),
    ("interpolate bilinear", _resize(size=(5, 2), mode="bilinear"), [(1, 2, 3, 4)]),
    (
        "interpolate corners",
        _resize(size=(5, 1), mode="bilinear", align_corners=True),
        [(1, 2, 3, 4)],
    ),
    ("interpolate factor", _resize(scale_factor=2.3, mode="linear"), [(1, 2, 5)]),
    ("interpolate bicubic", _resize(size=(2, 9), mode="bicubic"), [(1, 2, 5, 4)]),
    ("interpolate area", _resize(scale_factor=0.6, mode="area"), [(1, 2, 5, 4)]),
    ("interpolate area sequence", _resize(size=3, mode="area"), [(1, 2, 7)]),
    (
        "MaxPool1d",
        lambda torch, nn, f, x: nn.MaxPool1d(3, 2, 1, 2, return_indices=True, ceil_mode=True)(x),
        [(2, 3, 9)],
    ),
    ("MaxUnpool2d", _unpooled, [(2, 2, 4, 7)]),
    ("MaxUnpool1d", _unpooled_sequence, [(2, 7)]),
    (
        "instance_norm",
        lambda torch, nn, f, x, w, b: f.instance_norm(x, None, None, w, b, eps=0.1),
        [(2, 3, 2, 2, 2), (3,), (3,)],
    ),
    (
        "conv_transpose1d",
        lambda torch, nn, f, x, w, b: f.conv_transpose1d(x, w, b, 2, 1, 1),
        [(2, 2, 4), (2, 3, 3), (3,)],
    ),
]
