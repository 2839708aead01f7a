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
