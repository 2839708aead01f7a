"""examples/10_conv_by_hand.py: its checks, and its functions against the fast kernels."""

import numpy as np
import pytest

import tinygrad_adam as torch
import tinygrad_adam.nn.functional as F  # noqa: N812 (PyTorch's habit)
from tests.programs import EXAMPLES, load_program, run_example

EXAMPLE = EXAMPLES / "10_conv_by_hand.py"


@pytest.fixture(scope="module")
def example():
    return load_program(EXAMPLE)


def test_its_checks_and_its_picture(tmp_path):
    pytest.importorskip("matplotlib")
    printed = run_example(EXAMPLE, tmp_path)
    checks = [line for line in printed.splitlines() if line.startswith("CHECK ok: ")]
    assert len(checks) == 2
    assert "loops, im2col, windows + GEMM, tinygrad_adam all equal" in checks[0]
    picture = (tmp_path / "out" / "conv_by_hand.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


@pytest.mark.parametrize("name", ["conv_by_loops", "conv_by_im2col", "conv_by_windows"])
@pytest.mark.parametrize("kernel_size", [1, 2, 3])
def test_convolutions_are_those_of_the_package(example, name, kernel_size):
    random = np.random.default_rng(1)
    x = random.integers(-9, 9, (2, 3, 6, 5)).astype(np.float64)
    w = random.integers(-9, 9, (4, 3, kernel_size, kernel_size)).astype(np.float64)
    b = random.integers(-9, 9, 4).astype(np.float64)
    expected = F.conv2d(*map(torch.from_numpy, (x, w, b))).numpy()
    np.testing.assert_array_equal(getattr(example, name)(x, w, b), expected)


@pytest.mark.parametrize("name", ["pool_by_loops", "pool_by_views"])
def test_pooling_is_that_of_the_package(example, name):
    x = np.random.default_rng(1).standard_normal((2, 3, 6, 4))
    expected = F.max_pool2d(torch.from_numpy(x), 2).numpy()
    np.testing.assert_array_equal(getattr(example, name)(x), expected)


def test_a_difference_is_an_error(example, capsys):
    steps = {"loops": lambda x: x, "wrong": lambda x: x + 1}
    with pytest.raises(SystemExit, match="wrong differs from loops"):
        example.ladder("title", steps, (np.ones(3),))
    capsys.readouterr()
