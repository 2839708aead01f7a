"""What all tests share: on which device they run."""

import pytest

import tinygrad_adam as torch


def pytest_addoption(parser):
    parser.addoption(
        "--device", default="cpu", help="where the tests of operations run: cpu (default) or cuda"
    )


@pytest.fixture(scope="session")
def device(request):
    """The device chosen with --device."""
    chosen = request.config.getoption("--device")
    if chosen != "cpu" and not torch.cuda.is_available():
        pytest.exit(f"--device {chosen}: there is no GPU that CuPy can use", returncode=2)
    return chosen
