"""How can an image be filtered fast, when four nested loops over its pixels take seconds?

Idea: a convolution multiplies a window of the image with a kernel and adds up, for every place of
the window. Computers are best at products of large matrices, and a convolution is one: write each
window as a row ("im2col"), and all windows are a matrix, all kernels are another. NumPy needs no
loop for that: a window is a view of the image with other strides. Pooling goes the same way.

Look at: the ladder of times that is printed and drawn; in conv_by_hand.png three places of the
kernel on a ring and what it has written by then; the memory that the columns take
(kernel size squared times the image), which is why the real kernels, in
tinygrad_adam/backend/compiled, make them for a few pixels at a time, which stay in the cache.

Exercise: give conv_by_windows a stride: which two numbers of `shape` and `steps` change?
"""

import argparse
import time
from pathlib import Path

import numpy as np

import tinygrad_adam as torch
import tinygrad_adam.nn.functional as F  # noqa: N812 (PyTorch's habit)


def conv_by_loops(x, w, b):
    """x (N, C, H, W), kernels w (O, C, k, k), bias b (O,): one window at a time."""
    k = w.shape[2]
    y = np.empty((len(x), len(w), x.shape[2] - k + 1, x.shape[3] - k + 1), x.dtype)
    for n, o, i, j in np.ndindex(y.shape):
        y[n, o, i, j] = (x[n, :, i : i + k, j : j + k] * w[o]).sum() + b[o]
    return y


def conv_by_im2col(x, w, b):
    """Copy every window into a row, then multiply once: (windows, C k k) @ (C k k, O)."""
    (batch, _, height, width), k = x.shape, w.shape[2]
    rows, columns = height - k + 1, width - k + 1
    windows = [x[:, :, i : i + k, j : j + k] for i in range(rows) for j in range(columns)]
    matrix = np.stack(windows, axis=1).reshape(batch * rows * columns, -1)
    y = matrix @ w.reshape(len(w), -1).T + b
    return y.reshape(batch, rows, columns, len(w)).transpose(0, 3, 1, 2)


def conv_by_windows(x, w, b):
    """The same matrix without a loop: the image seen through its windows, copied in one go."""
    (batch, channels, height, width), k = x.shape, w.shape[2]
    rows, columns = height - k + 1, width - k + 1
    at_image, at_channel, at_row, at_column = x.strides
    shape = (batch, rows, columns, channels, k, k)
    steps = (at_image, at_row, at_column, at_channel, at_row, at_column)
    windows = np.lib.stride_tricks.as_strided(x, shape, steps)
    y = windows.reshape(batch * rows * columns, -1) @ w.reshape(len(w), -1).T + b
    return y.reshape(batch, rows, columns, len(w)).transpose(0, 3, 1, 2)


def pool_by_loops(x):
    """The largest of every 2 x 2 pixels, one window at a time."""
    y = np.empty((*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
    return y


def pool_by_views(x):
    """Even rows against odd rows, then even columns against odd columns."""
    lines = np.maximum(x[:, :, ::2], x[:, :, 1::2])
    return np.maximum(lines[..., ::2], lines[..., 1::2])


def measure(function, *inputs):
    """The result, and the shortest time in milliseconds."""
    times, result = [], None
    while len(times) < 5 and sum(times) < 2000:
        start = time.perf_counter()
        result = function(*inputs)
        times.append(1e3 * (time.perf_counter() - start))
    return result, min(times)


def ladder(title, steps, inputs):
    """Run all functions on the same inputs, check that they agree, and print their times."""
    print(f"\n{title}")
    expected, times = None, {}
    for name, function in steps.items():
        result, times[name] = measure(function, *inputs)
        expected = result if expected is None else expected
        print(f"  {name:22} {times[name]:10.2f} ms {times['loops'] / times[name]:9.0f} times")
        if np.abs(result - expected).max() > 1e-4:
            raise SystemExit(f"CHECK failed: {title}: {name} differs from loops")
    print(f"CHECK ok: {title}: {', '.join(steps)} all equal")
    return times


def draw(path, image, kernel, times):
    """Above, three places of the kernel and what is written so far; below, the ladder of times."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    result = conv_by_windows(image[None, None], kernel[None, None], np.zeros(1, np.float32))[0, 0]
    figure = Figure(figsize=(8, 8.4), layout="constrained")
    panels = figure.subplot_mosaic("abc;def;ggg", height_ratios=[1, 1, 0.6])
    for names, (i, j) in zip(["ad", "be", "cf"], [(4, 9), (9, 12), (25, 25)], strict=True):
        done = np.full(result.shape, np.nan)
        done.flat[: i * result.shape[1] + j + 1] = result.flat[: i * result.shape[1] + j + 1]
        for name, picture, width, most in zip(names, (image, done), (3, 1), (1, 3), strict=True):
            panels[name].imshow(picture, cmap="PuOr", vmin=-most, vmax=most)
            corner = (j - 0.5, i - 0.5)
            panels[name].add_patch(Rectangle(corner, width, width, fill=False, ec="#d81b60", lw=2))
            panels[name].set(xticks=[], yticks=[])
        panels[names[0]].set_title(f"window at row {i}, column {j}", fontsize=10)
        panels[names[1]].set_title(
            f"window times kernel: {round(result[i, j], 1) + 0.0}", fontsize=10
        )
    bars = panels["g"].barh(list(times), list(times.values()), color="#57488a", log=True)
    panels["g"].bar_label(bars, fmt=" %.3g ms")
    panels["g"].invert_yaxis()
    panels["g"].margins(x=0.2)
    panels["g"].set(title="The same convolution in four ways", xlabel="milliseconds (logarithmic)")
    figure.suptitle("A kernel that finds upper edges slides over an image")
    figure.savefig(path, dpi=100)
    print(f"  drawn: {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("out/10_conv_by_hand"))
    parser.add_argument("--fast", action="store_true", help="smaller images")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    random, size = np.random.default_rng(0), 12 if options.fast else 28
    x, w = (random.standard_normal(s, np.float32) for s in ((4, 8, size, size), (16, 8, 3, 3)))
    b = random.standard_normal(16, np.float32)
    steps = {"loops": conv_by_loops, "im2col": conv_by_im2col, "windows + GEMM": conv_by_windows}
    steps["tinygrad_adam"] = lambda *inputs: F.conv2d(*map(torch.from_numpy, inputs)).numpy()
    times = ladder("3 x 3 convolution, 8 to 16 channels", steps, (x, w, b))
    steps = {"loops": pool_by_loops, "views": pool_by_views}
    steps["tinygrad_adam"] = lambda images: F.max_pool2d(torch.from_numpy(images), 2).numpy()
    ladder("2 x 2 max pooling", steps, (x,))

    distance = np.hypot(*np.mgrid[-1:1:28j, -1:1:28j])
    ring = np.exp(-40 * (distance - 0.6) ** 2).astype(np.float32)
    kernel = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], np.float32)
    draw(options.out / "conv_by_hand.png", ring, kernel, times)


if __name__ == "__main__":
    main()
