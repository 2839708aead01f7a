"""Resizing: indices, weights, what is refused. Its numbers stand in the tables."""

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional as F  # noqa: N812
from tinygrad_adam.ops.resampling import Plan, Resample


def test_the_transposed_plan_is_the_transposed_matrix():
    draw = np.random.default_rng(0)
    for weights in (None, draw.standard_normal((3, 5))):
        plan = Plan(4, draw.integers(0, 4, (3, 5)), weights)
        forward = Resample.apply(torch.eye(4, dtype=torch.float64), 1, plan)
        back = Resample.apply(torch.eye(5, dtype=torch.float64), 1, plan.transposed())
        np.testing.assert_allclose(forward, back.T)


def test_doubling_repeats_whatever_the_factor_was():
    x = torch.arange(3.0)[None, None]
    wanted = [0, 0, 1, 1, 2, 2]
    for options in ({"scale_factor": 2}, {"size": 6}, {"scale_factor": 2.3}):
        assert F.interpolate(x, **options).flatten().tolist() == wanted
    assert F.interpolate(x, scale_factor=1.2).flatten().tolist() == [0, 1, 2]


def test_the_ends_of_a_line():
    x = torch.tensor([[[0.0, 10.0]]])
    found = F.interpolate(x, 4, mode="linear").flatten().tolist()
    assert found == [0, 2.5, 7.5, 10]
    found = F.interpolate(x, 5, mode="linear", align_corners=True).flatten().tolist()
    assert found == [0, 2.5, 5, 7.5, 10]


def test_nan_and_infinity_stay_where_they_are():
    x = torch.ones(1, 1, 4)
    x[0, 0, 1], x[0, 0, 3] = np.nan, np.inf
    assert np.isnan(F.interpolate(x, scale_factor=2)).sum() == 2
    assert np.isinf(F.interpolate(x, 2, mode="nearest-exact")).sum() == 1
    y = torch.ones(1, 1, 4, requires_grad=True)
    z = F.interpolate(y, 3)  # elements 0, 1 and 2
    z.backward(torch.tensor([[[np.nan, 1.0, np.inf]]]))
    np.testing.assert_array_equal(y.grad, [[[np.nan, 1, np.inf, 0]]])
    z = F.pad(y, (1, 0), mode="replicate")
    z.backward(torch.tensor([[[1.0, 1.0, np.inf, 1.0, 1.0]]]))
    np.testing.assert_array_equal(y.grad[0, 0, 1:], [np.inf, np.inf, 1])


def test_bytes_are_rounded_once_along_each_dimension():
    x = torch.tensor([[[[0, 255], [100, 3]]]], dtype=torch.uint8)
    y = F.interpolate(x, (2, 4), mode="bilinear")
    assert y.dtype == torch.uint8
    assert y.tolist() == [[[[0, 64, 191, 255], [100, 76, 27, 3]]]]


def test_nothing_to_do_is_a_copy():
    x = torch.ones(1, 1, 2)
    y = F.interpolate(x, scale_factor=1.0)
    y.zero_()
    assert x.tolist() == [[[1, 1]]]
    assert F.interpolate(torch.ones(0, 2, 3), 5).shape == (0, 2, 5)


def test_old_names_warn():
    x = torch.arange(4.0).reshape(1, 1, 2, 2)
    for function, wanted in [
        (F.upsample, F.interpolate(x, 3)),
        (F.upsample_nearest, F.interpolate(x, 3)),
        (F.upsample_bilinear, F.interpolate(x, 3, mode="bilinear", align_corners=True)),
    ]:
        with pytest.warns(UserWarning, match=f"`nn.functional.{function.__name__}` is deprecated"):
            assert torch.equal(function(x, 3), wanted)


def test_refuses():
    line, image, volume = (torch.ones(1, 2, *[4] * n) for n in (1, 2, 3))
    for x, options, error, text in [
        (image, {}, ValueError, "either size or scale_factor should be defined"),
        (image, {"size": 2, "scale_factor": 2}, ValueError, "only one of size or scale_factor"),
        (image, {"size": (2,)}, ValueError, "Input and output must have the same number of sp"),
        (image, {"scale_factor": (2,)}, ValueError, "Input and scale_factor must have the same"),
        (image, {"size": 2, "align_corners": True}, ValueError, "align_corners option can only"),
        (image, {"size": 2, "recompute_scale_factor": True}, ValueError, "not meaningful with"),
        (image, {"size": 2.5}, TypeError, "must be tuple of ints, but found element of type fl"),
        (image, {"scale_factor": "2"}, TypeError, "'scale_factor' must be float, not str"),
        (image, {"scale_factor": 0.1}, RuntimeError, r"input \(H: 4, W: 4\) output \(H: 0, W: 0"),
        (line, {"size": 0}, RuntimeError, r"got input \(W: 4\) and output \(W: 0\)"),
        (image[:, :0], {"size": 2}, RuntimeError, "Non-empty 4D data tensor expected but got a"),
        (line, {"size": 2, "mode": "bilinear"}, NotImplementedError, "Got 3D input, but bilinear"),
        (image, {"size": 2, "mode": "linear"}, NotImplementedError, "linear mode needs 3D input"),
        (image, {"size": 2, "mode": "best"}, NotImplementedError, "Only 3D, 4D and 5D input Tens"),
        (volume, {"size": 2}, NotImplementedError, "volumes, 5D inputs, are not supported"),
        (volume[0, 0, 0], {"size": ()}, NotImplementedError, r"\(got 2D\)"),
        (image.long(), {"size": 2}, NotImplementedError, "not implemented for 'Long'"),
        (
            image,
            {"size": 2, "mode": "bilinear", "antialias": True},
            NotImplementedError,
            "antialias is not supported",
        ),
        (image, {"size": 2, "antialias": True}, ValueError, "Anti-alias option is restricted to"),
    ]:
        with pytest.raises(error, match=text):
            F.interpolate(x, **options)
