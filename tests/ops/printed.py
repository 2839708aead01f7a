"""Arrays to print, from plain to awkward."""

import numpy as np


def arrays():
    """Return arrays whose printed form PyTorch's was stored of."""
    generator = np.random.default_rng(0)
    made = []
    for shape in (
        (),
        (1,),
        (3,),
        (12,),
        (0,),
        (2, 0),
        (3, 4),
        (2, 3, 2),
        (1001,),
        (2, 600),
        (8, 8, 20),
    ):
        x = generator.standard_normal(shape)
        for scale in (1, 1e-5, 1e3, 1e9):
            made.append(np.asarray(x * scale, np.float32))
        made += [np.asarray(np.round(x * 10), dtype) for dtype in ("float32", "int64", "int8")]
        made += [np.asarray(x, "float64"), np.asarray(x > 0), np.asarray(x, "float16")]
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 0.5, 1e-8, 1e8, 123456.0]
    made += [np.array(x, np.float32) for x in special]
    made += [np.array([x, y], np.float32) for x in special for y in (1.0, -1.5, 1e-4)]
    return made


# What set_printoptions is given, one after the other: but for sci_mode, options stay.
OPTIONS = (
    {"precision": 2},
    {"precision": 8, "linewidth": 40},
    {"threshold": 5, "edgeitems": 1},
    {"profile": "short"},
    {"sci_mode": True},
    {"sci_mode": False, "precision": 1},
    {"profile": "full", "linewidth": 60},
    {"profile": "default"},
    {},
)


def with_options(torch):
    """Return what a few tensors print as with each of the options."""
    x = np.random.default_rng(1).standard_normal((4, 7)) * 10.0 ** np.arange(-3, 4)
    z = x[:2, 3:5] + 1j * np.round(x[2:, 4:6])
    pairs = [complex(a, b) for a in (0.0, -1.0, np.nan) for b in (-0.0, 2.5, -np.inf)]
    arrays = [x, x[0], np.round(x[1]), x[2, 0], z, z[0], np.array(pairs)]
    texts = []
    for options in OPTIONS:
        torch.set_printoptions(**options)
        texts += [repr(torch.from_numpy(np.ascontiguousarray(a))) for a in arrays]
    torch.set_printoptions(profile="default")
    return texts
